//! What a handshake showed, as data.

use core::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use probe_core::{Metric, Record};
use rustls::ClientConnection;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName};

use super::{Certificate, ClientCertificate, Fault, Revocation, Session};

/// Everything that one TLS handshake showed, whether or not it is to be trusted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TlsFacts {
    /// The name or address that the certificate had to be valid for.
    pub server_name: String,
    /// `TLSv1.3` or `TLSv1.2`; `None` if the handshake did not come so far.
    pub version: Option<&'static str>,
    /// The cipher suite, by its IANA name.
    pub suite: Option<String>,
    /// The group that the key was agreed in: `X25519`.
    pub group: Option<String>,
    /// The application protocol that was agreed on.
    pub alpn: Option<Vec<u8>>,
    /// The certificates as the server sent them, its own first.
    pub chain: Vec<Arc<Certificate>>,
    /// Why not to trust it, if there is any reason.
    pub faults: Vec<Fault>,
    /// What a stapled OCSP response said.
    pub revocation: Option<Revocation>,
    /// What became of our own certificate.
    pub client_certificate: ClientCertificate,
    /// Those of the chain that lead to a root.
    path: Vec<usize>,
    /// How signatures are checked where a chain is judged again, by other expectations.
    pub(super) algorithms: Option<WebPkiSupportedAlgorithms>,
    pub(crate) binding: Binding,
}

impl TlsFacts {
    /// Facts of which nothing is known but the name: for tests of machines.
    pub fn unknown(server_name: impl Into<String>) -> Self {
        Self {
            server_name: server_name.into(),
            version: None,
            suite: None,
            group: None,
            alpn: None,
            chain: Vec::new(),
            faults: Vec::new(),
            revocation: None,
            client_certificate: ClientCertificate::NotAsked,
            path: Vec::new(),
            algorithms: None,
            binding: Binding::default(),
        }
    }

    /// Whether the handshake came to its end and nothing speaks against the certificate.
    pub fn is_verified(&self) -> bool {
        self.version.is_some() && self.faults.is_empty()
    }

    /// The first date on which a certificate ends that is needed: others that were sent do not count.
    pub fn earliest_expiry(&self) -> Option<SystemTime> {
        let needed = self.path.iter().filter_map(|place| self.chain.get(*place));
        needed.map(|one| one.not_after).min()
    }

    /// Writes the facts. The metric names are those of blackbox_exporter.
    pub fn record(&self, out: &mut Record) {
        out.set("server_name", self.server_name.as_str());
        out.set("verified", self.is_verified());
        if let Some(version) = self.version {
            // blackbox_exporter spells the label "TLS 1.3".
            let label = version.replace("TLSv", "TLS ");
            let metric = Metric::info("probe_tls_version_info", "version", label);
            out.label("version", version, metric);
        }
        if let Some(suite) = &self.suite {
            let metric = Metric::info("probe_tls_cipher_info", "cipher", suite);
            out.label("suite", suite.as_str(), metric);
        }
        out.set("group", self.group.clone());
        out.set("alpn", self.alpn.as_deref());
        if let Some(expiry) = self.earliest_expiry() {
            let metric = Metric::timestamp("probe_ssl_earliest_cert_expiry", expiry);
            out.metric("earliest_expiry", metric);
        }
        let faults = self.faults.iter().map(|fault| fault.kind().code);
        out.set("faults", faults.collect::<Vec<_>>());
        out.set("revocation", self.revocation.map(revocation_word));
        if self.client_certificate != ClientCertificate::NotAsked {
            let shown = self.client_certificate == ClientCertificate::Shown;
            out.set(
                "client_certificate",
                if shown {
                    "shown"
                } else {
                    "asked for, not shown"
                },
            );
        }
        out.trees("chain", &self.chain, |one, out| {
            record_certificate(one, out)
        });
    }
}

/// One line for a transcript.
impl fmt::Display for TlsFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.version.unwrap_or("TLS, not completed");
        let suite = self.suite.as_deref().unwrap_or_default();
        let group = self.group.as_deref().unwrap_or_default();
        let trust = if self.is_verified() {
            "verified"
        } else {
            "NOT verified"
        };
        write!(f, "{version} {suite} {group}, {} {trust}", self.server_name)
    }
}

fn revocation_word(revocation: Revocation) -> &'static str {
    match revocation {
        Revocation::Good { .. } => "good",
        Revocation::Revoked { .. } => "revoked",
        Revocation::Unknown => "unknown",
    }
}

fn record_certificate(one: &Certificate, out: &mut Record) {
    out.set("subject", one.subject.as_str());
    out.set("names", one.names.clone());
    let addresses = one.addresses.iter().map(ToString::to_string);
    out.set("addresses", addresses.collect::<Vec<_>>());
    out.set("issuer", one.issuer.as_str());
    out.set("serial", one.serial.as_str());
    out.set("not_before", one.not_before);
    out.set("not_after", one.not_after);
    out.set("key", one.key.algorithm.as_str());
    if let Some(bits) = one.key.bits {
        let bits = i64::try_from(bits).unwrap_or(i64::MAX);
        out.set("key_bits", bits);
    }
    out.set("signature", one.signature.as_str());
    out.set("sha256", hex(&one.sha256));
    out.set("spki_sha256", hex(&one.spki_sha256));
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The day of a point in time, in UTC: `2021-01-01`.
pub(crate) fn day(time: SystemTime) -> String {
    let seconds = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
    };
    x509_parser::time::ASN1Time::from_timestamp(seconds).map_or_else(
        |_| "a day beyond the calendar".to_owned(),
        |time| time.to_datetime().date().to_string(),
    )
}

/// What ties an authentication to this very channel (RFC 5929, RFC 9266). It leaves this crate only inside
/// a SASL message.
#[derive(Clone, Default)]
#[cfg_attr(not(feature = "sasl"), allow(dead_code, reason = "only SASL reads it"))]
pub(crate) struct Binding {
    /// `tls-exporter`: TLS 1.3 only.
    pub(crate) exporter: Option<[u8; 32]>,
    /// `tls-server-end-point`: the hash of the certificate.
    pub(crate) end_point: Option<Vec<u8>>,
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Binding([redacted])")
    }
}

impl Session {
    /// The facts of a handshake that came to its end.
    pub(crate) fn facts(&self, connection: &ClientConnection) -> TlsFacts {
        let mut facts = self.partial_facts().unwrap_or_else(|| self.no_facts());
        facts.version = match connection.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => Some("TLSv1.2"),
            _ => Some("TLSv1.3"),
        };
        facts.suite = connection.negotiated_cipher_suite().map(|suite| {
            // rustls spells those of TLS 1.3 otherwise than IANA does.
            let name = suite.suite().as_str().unwrap_or_default();
            name.replace("TLS13_", "TLS_")
        });
        facts.group = connection
            .negotiated_key_exchange_group()
            .map(|group| format!("{:?}", group.name()));
        facts.alpn = connection.alpn_protocol().map(<[u8]>::to_vec);
        if facts.version == Some("TLSv1.3") {
            let label = b"EXPORTER-Channel-Binding"; // RFC 9266 section 2
            facts.binding.exporter = connection
                .export_keying_material([0; 32], label, Some(b""))
                .ok();
        }
        facts
    }

    /// What was seen of a handshake that may have failed; `None` if there was no certificate in it.
    pub(crate) fn partial_facts(&self) -> Option<TlsFacts> {
        let seen = self.recorder.take()?;
        let binding = Binding {
            exporter: None,
            end_point: seen
                .chain
                .first()
                .map(|leaf| end_point(leaf, &seen.end_entity)),
        };
        Some(TlsFacts {
            chain: seen.chain,
            path: seen.path,
            algorithms: Some(self.recorder.algorithms()),
            faults: seen.faults,
            revocation: seen.revocation,
            client_certificate: self.recorder.client_certificate(),
            binding,
            ..self.no_facts()
        })
    }

    fn no_facts(&self) -> TlsFacts {
        TlsFacts::unknown(match &self.name {
            ServerName::IpAddress(address) => core::net::IpAddr::from(*address).to_string(),
            name => name.to_str().into_owned(),
        })
    }
}

/// RFC 5929 section 4.1: the hash that the certificate is signed with, but nothing older than SHA-256.
fn end_point(leaf: &Certificate, der: &CertificateDer<'_>) -> Vec<u8> {
    use sha2::{Digest, Sha384, Sha512};
    let signed_with = |hash: &str| leaf.signature.to_ascii_lowercase().contains(hash);
    if signed_with("sha384") {
        Sha384::digest(der).to_vec()
    } else if signed_with("sha512") {
        Sha512::digest(der).to_vec()
    } else {
        leaf.sha256.to_vec()
    }
}
