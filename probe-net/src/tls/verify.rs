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
        let chain: Vec<_> = std::iter::once(end_entity)
            .chain(intermediates)
            .filter_map(|der| self.known.read(der))
            .collect();
        let revocation = chain
            .first()
            .and_then(|leaf| Revocation::parse(ocsp_response, &leaf.serial_bytes));
        let mut faults = Examination {
            algorithms: &self.algorithms,
            roots: &self.roots,
            now: self.now,
            chain: &chain,
            end_entity,
            intermediates,
        }
        .faults(server_name);
        if let Some(Revocation::Revoked { at }) = revocation {
            faults.push(Fault::Revoked { at });
        }
        *self.lock() = Some(Seen {
            chain,
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
    fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.chain.iter().map(Arc::as_ref)
    }

    /// All faults, those first that explain the others.
    fn faults(&self, name: &ServerName<'_>) -> Vec<Fault> {
        let Some(leaf) = self.chain.first() else {
            return vec![Fault::Invalid("the certificate cannot be read".to_owned())];
        };
        let broken = self.path_at(self.now).err();
        let fault_of_path = broken
            .clone()
            .and_then(|error| self.fault_of_path(leaf, error));
        let mut faults = Vec::from_iter(fault_of_path);
        faults.extend(self.faults_of_time());
        faults.extend(self.fault_of_name(leaf, name));
        faults.extend(self.faults_of_strength(leaf));
        // What webpki does not trust is not trusted here, even if its reason was taken for something else.
        if faults.is_empty() {
            faults.extend(broken.map(|error| Fault::Invalid(error.to_string())));
        }
        faults
    }

    fn fault_of_path(&self, leaf: &Certificate, error: webpki::Error) -> Option<Fault> {
        use webpki::Error;
        let error = match error {
            // The clock is judged by itself: would the path hold on a day on which all of it is valid?
            Error::CertExpired { .. } | Error::CertNotValidYet { .. } => {
                self.path_at(self.common_day()?).err()?
            }
            other => other,
        };
        match error {
            Error::CertExpired { .. } | Error::CertNotValidYet { .. } => None,
            _ if leaf.is_self_issued() => Some(Fault::SelfSigned),
            Error::UnknownIssuer => Some(self.unknown_issuer(leaf)),
            Error::RequiredEkuNotFoundContext(_) => Some(Fault::WrongUsage),
            // Told as a weakness, with its particulars.
            _ if self.weak_signatures().next().is_some() => None,
            _ if leaf.is_version_1 => Some(Fault::Invalid(
                "it is an X.509 certificate of version 1, which names no host".to_owned(),
            )),
            Error::CaUsedAsEndEntity => Some(Fault::Invalid(
                "it is an authority's certificate, not a server's".to_owned(),
            )),
            other => Some(Fault::Invalid(other.to_string())),
        }
    }

    fn path_at(&self, time: SystemTime) -> Result<(), webpki::Error> {
        let since = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        EndEntityCert::try_from(self.end_entity)?.verify_for_usage(
            self.algorithms.all,
            &self.roots.roots,
            self.intermediates,
            UnixTime::since_unix_epoch(since),
            KeyUsage::server_auth(),
            None,
            None,
        )?;
        Ok(())
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
            match self
                .certificates()
                .find(|one| one.subject == top.issuer && *one != top)
            {
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

    fn faults_of_time(&self) -> impl Iterator<Item = Fault> {
        self.chain.iter().filter_map(|one| {
            let subject = one.subject.clone();
            if self.now > one.not_after {
                let not_after = one.not_after;
                Some(Fault::Expired { subject, not_after })
            } else if self.now < one.not_before {
                let not_before = one.not_before;
                Some(Fault::NotYetValid {
                    subject,
                    not_before,
                })
            } else {
                None
            }
        })
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

    fn faults_of_strength(&self, leaf: &Certificate) -> Vec<Fault> {
        let mut faults = Vec::new();
        if leaf.has_weak_key() {
            let bits = leaf.key.bits.unwrap_or_default();
            faults.push(Fault::WeakKey { bits });
        }
        faults.extend(self.weak_signatures().map(|one| Fault::WeakSignature {
            algorithm: one.signature.clone(),
            subject: one.subject.clone(),
        }));
        faults
    }

    /// Nobody checks the signature of a root on itself, so it may be as weak as it likes.
    fn weak_signatures(&self) -> impl Iterator<Item = &Certificate> {
        let counts = |one: &&Certificate| !one.is_self_issued() && one.has_weak_signature();
        self.certificates().filter(counts)
    }
}
