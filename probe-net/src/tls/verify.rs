//! The verifier that lets the handshake go on and writes down everything that it should have stopped.

use core::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use probe_core::FindingKind;
use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};
use webpki::{EndEntityCert, KeyUsage};

use super::certificate::Known;
use super::{Certificate, Revocation, findings};

/// A reason not to trust a TLS connection. Several can hold at once, and all are told.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// A certificate's time is over.
    Expired {
        /// Whose.
        subject: String,
        /// When it ended.
        not_after: SystemTime,
    },
    /// The key that the handshake was signed with is not the certificate's, or cannot be checked.
    HandshakeSignature(String),
    /// The chain is wrong in a way that has no name of its own here.
    Invalid(String),
    /// The issuer's certificate was not sent, and a client that has not seen it elsewhere cannot go on.
    MissingIntermediate {
        /// The issuer that is missing.
        issuer: String,
    },
    /// A certificate's time has not come.
    NotYetValid {
        /// Whose.
        subject: String,
        /// When it begins.
        not_before: SystemTime,
    },
    /// The server itself shows that its certificate was revoked (a stapled OCSP response, RFC 6961).
    Revoked {
        /// When.
        at: SystemTime,
    },
    /// The server's certificate signed itself.
    SelfSigned,
    /// The chain leads to an authority that is not trusted here.
    UnknownIssuer {
        /// The authority.
        issuer: String,
    },
    /// An RSA key shorter than 2048 bits.
    WeakKey {
        /// Its length.
        bits: usize,
    },
    /// A signature that can be forged.
    WeakSignature {
        /// Its algorithm.
        algorithm: String,
        /// On whose certificate.
        subject: String,
    },
    /// The certificate is for other names.
    WrongName {
        /// The name that was asked for.
        wanted: String,
        /// The names and addresses it is for.
        names: Vec<String>,
    },
    /// The certificate is not for servers.
    WrongUsage,
}

impl Fault {
    /// The finding that it makes.
    pub fn kind(&self) -> &'static FindingKind {
        findings::of_fault(self)
    }

    /// What it means and its particulars, for the evidence of another finding.
    pub(super) fn told(&self) -> String {
        let summary = self.kind().summary;
        match self.to_string() {
            particulars if particulars.is_empty() => summary.to_owned(),
            particulars => format!("{summary} ({particulars})"),
        }
    }

    /// Whether it stays open that the server has the key of its certificate.
    pub(super) const fn leaves_unproven(&self) -> bool {
        // A signature of a weak key is not looked at.
        matches!(self, Self::HandshakeSignature(_) | Self::WeakKey { .. })
    }

    /// Why this certificate does not count now, if it is for the dates in it.
    pub(super) fn of_time(one: &Certificate, now: SystemTime) -> Option<Self> {
        let subject = || one.subject.clone();
        if now > one.not_after {
            return Some(Self::Expired {
                subject: subject(),
                not_after: one.not_after,
            });
        }
        (now < one.not_before).then(|| Self::NotYetValid {
            subject: subject(),
            not_before: one.not_before,
        })
    }
}

/// The particulars of the fault, for people.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use super::facts::day;
        match self {
            Self::Expired { subject, not_after } => write!(f, "{subject}, on {}", day(*not_after)),
            Self::NotYetValid {
                subject,
                not_before,
            } => {
                write!(f, "{subject}, valid from {}", day(*not_before))
            }
            Self::HandshakeSignature(reason) | Self::Invalid(reason) => f.write_str(reason),
            Self::MissingIntermediate { issuer } => write!(f, "{issuer} was not sent"),
            Self::Revoked { at } => write!(f, "on {}", day(*at)),
            Self::SelfSigned | Self::WrongUsage => Ok(()),
            Self::UnknownIssuer { issuer } => f.write_str(issuer),
            Self::WeakKey { bits } => write!(f, "RSA, {bits} bits"),
            Self::WeakSignature { algorithm, subject } => write!(f, "{algorithm} on {subject}"),
            Self::WrongName { wanted, names } if names.is_empty() => {
                write!(f, "{wanted} was asked for; it names no host at all")
            }
            Self::WrongName { wanted, names } => {
                write!(f, "{wanted} was asked for; it is for {}", names.join(", "))
            }
        }
    }
}

/// What became of our own certificate in a handshake.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "these three can happen")]
pub enum ClientCertificate {
    /// The server did not ask for one.
    #[default]
    NotAsked,
    /// The server asked, and we had none.
    NotShown,
    /// The server asked and got ours.
    Shown,
}

/// Watches one handshake.
#[derive(Debug)]
pub(crate) struct Recorder {
    algorithms: WebPkiSupportedAlgorithms,
    roots: Arc<RootCertStore>,
    now: SystemTime,
    known: Arc<Known>,
    client: Arc<dyn ResolvesClientCert>,
    client_asked: AtomicBool,
    seen: Mutex<Option<Seen>>,
}

/// What a handshake showed.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) chain: Vec<Arc<Certificate>>,
    /// Those of the chain that lead from the server to a root; all, where none do.
    pub(crate) path: Vec<usize>,
    pub(crate) end_entity: CertificateDer<'static>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) revocation: Option<Revocation>,
}

impl Recorder {
    pub(crate) fn new(
        provider: &CryptoProvider,
        roots: &Arc<RootCertStore>,
        known: &Arc<Known>,
        client: &Arc<dyn ResolvesClientCert>,
        now: SystemTime,
    ) -> Self {
        Self {
            algorithms: provider.signature_verification_algorithms,
            roots: roots.clone(),
            now,
            known: known.clone(),
            client: client.clone(),
            client_asked: AtomicBool::new(false),
            seen: Mutex::new(None),
        }
    }

    /// How signatures are checked.
    pub(crate) fn algorithms(&self) -> WebPkiSupportedAlgorithms {
        self.algorithms
    }

    /// What became of our own certificate.
    pub(crate) fn client_certificate(&self) -> ClientCertificate {
        match (
            self.client_asked.load(Ordering::Relaxed),
            self.client.has_certs(),
        ) {
            (false, _) => ClientCertificate::NotAsked,
            (true, false) => ClientCertificate::NotShown,
            (true, true) => ClientCertificate::Shown,
        }
    }

    pub(crate) fn take(&self) -> Option<Seen> {
        self.lock().take()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A handshake signature that does not hold ends nothing: it is one fault more.
    fn record_signature(
        &self,
        outcome: Result<HandshakeSignatureValid, rustls::Error>,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if let (Err(error), Some(seen)) = (outcome, self.lock().as_mut()) {
            let explained = |fault: &Fault| matches!(fault, Fault::WeakKey { .. });
            if !seen.faults.iter().any(explained) {
                seen.faults
                    .push(Fault::HandshakeSignature(error.to_string()));
            }
        }
        Ok(HandshakeSignatureValid::assertion())
    }
}

impl ResolvesClientCert for Recorder {
    fn resolve(
        &self,
        root_hint_subjects: &[&[u8]],
        schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        self.client_asked.store(true, Ordering::Relaxed);
        self.client.resolve(root_hint_subjects, schemes)
    }

    fn has_certs(&self) -> bool {
        self.client.has_certs()
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let mut chain = Vec::with_capacity(1 + intermediates.len());
        // Without the server's own certificate the others would be taken for it.
        if let Some(leaf) = self.known.read(end_entity) {
            chain.push(leaf);
            chain.extend(intermediates.iter().filter_map(|der| self.known.read(der)));
        }
        let revocation = chain
            .first()
            .and_then(|leaf| Revocation::parse(ocsp_response, &leaf.serial_bytes));
        let (path, mut faults) = Examination {
            algorithms: &self.algorithms,
            roots: &self.roots,
            now: self.now,
            chain: &chain,
            end_entity,
            intermediates,
        }
        .judge(server_name);
        if let Some(Revocation::Revoked { at }) = revocation {
            faults.push(Fault::Revoked { at });
        }
        *self.lock() = Some(Seen {
            chain,
            path,
            end_entity: end_entity.clone().into_owned(),
            faults,
            revocation,
        });
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.record_signature(verify_tls12_signature(
            message,
            certificate,
            signed,
            &self.algorithms,
        ))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.record_signature(verify_tls13_signature(
            message,
            certificate,
            signed,
            &self.algorithms,
        ))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// One chain under examination.
struct Examination<'a> {
    algorithms: &'a WebPkiSupportedAlgorithms,
    roots: &'a RootCertStore,
    now: SystemTime,
    chain: &'a [Arc<Certificate>],
    end_entity: &'a CertificateDer<'a>,
    intermediates: &'a [CertificateDer<'a>],
}

impl Examination<'_> {
    /// Which certificates count, and all that speaks against them; what explains the rest comes first.
    ///
    /// A certificate that was sent and is not on the path harms nobody: servers send cross-signed roots that
    /// expired long ago, and every client goes past them.
    fn judge(&self, name: &ServerName<'_>) -> (Vec<usize>, Vec<Fault>) {
        let Some(leaf) = self.chain.first() else {
            let unreadable = Fault::Invalid("the certificate cannot be read".to_owned());
            return (Vec::new(), vec![unreadable]);
        };
        let found = self.path();
        let refusal = found.as_ref().err().map(ToString::to_string);
        let (path, fault) = match found {
            Ok(path) => (path, None),
            Err(error) => (
                (0..self.chain.len()).collect(),
                self.fault_of_path(leaf, error),
            ),
        };
        let mut faults = Vec::from_iter(fault);
        faults.extend(self.faults_of_time(&path));
        faults.extend(self.fault_of_name(leaf, name));
        faults.extend(self.faults_of_strength(leaf, &path));
        // What webpki refuses is never verified, also where nothing here can name the reason.
        if let (true, Some(reason)) = (faults.is_empty(), refusal) {
            faults.push(Fault::Invalid(reason));
        }
        (path, faults)
    }

    /// The path to a root: on this day, or else on one on which time alone does not stand against it.
    fn path(&self) -> Result<Vec<usize>, webpki::Error> {
        use webpki::Error;
        if self.is_trusted_itself() {
            return Ok(vec![0]);
        }
        let today = self.path_at(self.now);
        if !matches!(
            today,
            Err(Error::CertExpired { .. } | Error::CertNotValidYet { .. })
        ) {
            return today;
        }
        let leaf = self.chain.first();
        let days = [
            self.common_day(),
            leaf.map(|leaf| leaf.not_after),
            leaf.map(|leaf| leaf.not_before),
        ];
        let other_day = days.into_iter().flatten().map(|day| self.path_at(day));
        let is_about_time = |error: &Error| {
            matches!(
                error,
                Error::CertExpired { .. } | Error::CertNotValidYet { .. }
            )
        };
        other_day
            .into_iter()
            .find(|path| !path.as_ref().is_err_and(is_about_time))
            .unwrap_or(today)
    }

    /// A self-signed certificate that the caller trusts by name is its own path.
    fn is_trusted_itself(&self) -> bool {
        let anchor = webpki::anchor_from_trusted_cert(self.end_entity);
        anchor.is_ok_and(|anchor| self.roots.roots.contains(&anchor))
    }

    fn path_at(&self, time: SystemTime) -> Result<Vec<usize>, webpki::Error> {
        let since = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let leaf = EndEntityCert::try_from(self.end_entity)?;
        let path = leaf.verify_for_usage(
            self.algorithms.all,
            &self.roots.roots,
            self.intermediates,
            UnixTime::since_unix_epoch(since),
            KeyUsage::server_auth(),
            None,
            None,
        )?;
        let place = |der: &CertificateDer<'_>| {
            let sent = self.intermediates.iter().position(|sent| sent == der);
            sent.map(|place| place + 1)
        };
        let intermediates = path
            .intermediate_certificates()
            .filter_map(|one| place(&one.der()));
        Ok(core::iter::once(0).chain(intermediates).collect())
    }

    /// What it means that there is no path, also on another day.
    fn fault_of_path(&self, leaf: &Certificate, error: webpki::Error) -> Option<Fault> {
        use webpki::Error;
        match error {
            Error::CertExpired { .. } | Error::CertNotValidYet { .. } => None,
            _ if leaf.is_self_issued() => Some(Fault::SelfSigned),
            Error::UnknownIssuer => Some(self.unknown_issuer(leaf)),
            Error::RequiredEkuNotFoundContext(_) => Some(Fault::WrongUsage),
            // Told as a weakness, with its particulars.
            _ if self.chain.iter().any(|one| is_forgeable(one)) => None,
            _ if leaf.is_version_1 => Some(Fault::Invalid(
                "it is an X.509 certificate of version 1, which names no host".to_owned(),
            )),
            Error::CaUsedAsEndEntity => Some(Fault::Invalid(
                "it is an authority's certificate, not a server's".to_owned(),
            )),
            other => Some(Fault::Invalid(other.to_string())),
        }
    }

    /// A moment at which every certificate that was sent is valid.
    fn common_day(&self) -> Option<SystemTime> {
        let from = self.chain.iter().map(|one| one.not_before).max()?;
        let until = self.chain.iter().map(|one| one.not_after).min()?;
        (from <= until).then_some(from)
    }

    /// Tells an intermediate that the server forgot from an authority that nobody here knows.
    ///
    /// Nothing in TLS tells them apart for certain. Certificates of public authorities are never signed by
    /// a root itself and say where their issuer's certificate is to be had; those of private ones do not.
    fn unknown_issuer(&self, leaf: &Certificate) -> Fault {
        let mut top = leaf;
        for _ in self.chain {
            let mut others = self
                .chain
                .iter()
                .map(Arc::as_ref)
                .filter(|other| *other != top);
            match others.find(|other| other.subject_bytes == top.issuer_bytes) {
                Some(issuer) => top = issuer,
                None => break,
            }
        }
        let issuer = top.issuer.clone();
        if top == leaf && leaf.names_its_issuers_place {
            Fault::MissingIntermediate { issuer }
        } else {
            Fault::UnknownIssuer { issuer }
        }
    }

    fn on(&self, path: &[usize]) -> impl Iterator<Item = &Certificate> {
        path.iter()
            .filter_map(|place| self.chain.get(*place))
            .map(Arc::as_ref)
    }

    fn faults_of_time(&self, path: &[usize]) -> impl Iterator<Item = Fault> {
        self.on(path)
            .filter_map(|one| Fault::of_time(one, self.now))
    }

    fn fault_of_name(&self, leaf: &Certificate, name: &ServerName<'_>) -> Option<Fault> {
        let valid = EndEntityCert::try_from(self.end_entity)
            .and_then(|parsed| parsed.verify_is_valid_for_subject_name(name));
        if valid.is_ok() || leaf.is_version_1 {
            return None;
        }
        let addresses = leaf.addresses.iter().map(ToString::to_string);
        Some(Fault::WrongName {
            wanted: name.to_str().into_owned(),
            names: leaf.names.iter().cloned().chain(addresses).collect(),
        })
    }

    fn faults_of_strength(&self, leaf: &Certificate, path: &[usize]) -> Vec<Fault> {
        let mut faults = Vec::new();
        if leaf.has_weak_key() {
            let bits = leaf.key.bits.unwrap_or_default();
            faults.push(Fault::WeakKey { bits });
        }
        let forgeable = self.on(path).filter(|one| is_forgeable(one));
        faults.extend(forgeable.map(|one| Fault::WeakSignature {
            algorithm: one.signature.clone(),
            subject: one.subject.clone(),
        }));
        faults
    }
}

/// Nobody checks the signature of a root on itself, so it may be as weak as it likes.
fn is_forgeable(one: &Certificate) -> bool {
    !one.is_self_issued() && one.has_weak_signature()
}
