//! What a certificate says of itself. Whether to believe it is decided in `verify`.

use core::fmt;
use core::net::IpAddr;
use core::ops::Deref;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use probe_core::printable;
use sha2::{Digest, Sha256};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::oid_registry::{
    OID_EC_P256, OID_NIST_EC_P384, OID_NIST_EC_P521, OID_PKIX_AUTHORITY_INFO_ACCESS, Oid,
};
use x509_parser::prelude::{FromDer, X509Certificate, X509Version};
use x509_parser::public_key::PublicKey as ParsedKey;

use crate::instant::instant;

/// The facts of one X.509 certificate (RFC 5280).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Certificate {
    /// Whose it is, as a distinguished name: `CN=mx.example.org`.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Its number among the issuer's, in hexadecimal.
    pub serial: String,
    /// Not valid before.
    pub not_before: SystemTime,
    /// Not valid after.
    pub not_after: SystemTime,
    /// The host names it is for (subject alternative names).
    pub names: Vec<String>,
    /// The addresses it is for.
    pub addresses: Vec<IpAddr>,
    /// Its key.
    pub key: PublicKey,
    /// How it is signed: `sha256WithRSAEncryption`, or the dotted object identifier of an algorithm that has
    /// no name here.
    pub signature: String,
    /// Whether it may sign others.
    pub is_ca: bool,
    /// SHA-256 of the whole certificate: its fingerprint, and TLSA's selector 0.
    pub sha256: [u8; 32],
    /// SHA-256 of its public key: TLSA's selector 1 (RFC 6698 section 2.1.2).
    pub spki_sha256: [u8; 32],
    /// X.509 version 1 has no extensions, so no names that count.
    pub(crate) is_version_1: bool,
    /// It says where its issuer's certificate is to be had, as those of public authorities do.
    pub(crate) names_its_issuers_place: bool,
    pub(crate) serial_bytes: Vec<u8>,
    /// The names as they are encoded: what is shown of them may be the same for different ones.
    pub(crate) subject_bytes: Vec<u8>,
    pub(crate) issuer_bytes: Vec<u8>,
    /// All of it, for whoever has other expectations than the trusted roots: TLSA records. Those that are met again
    /// and again are kept once.
    pub(crate) der: Der,
}

/// A certificate's octets; nobody wants to read them.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct Der(Box<[u8]>);

impl Deref for Der {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Der {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Der({} octets)", self.0.len())
    }
}

/// A public key's algorithm and strength.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PublicKey {
    /// `RSA`, `ECDSA P-256`, `Ed25519`, or a dotted object identifier.
    pub algorithm: String,
    /// The size in bits, where it says something.
    pub bits: Option<usize>,
}

impl Certificate {
    /// Reads a certificate; `None` if it is none.
    pub fn parse(der: &[u8]) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let (names, addresses) = alternative_names(&parsed);
        Some(Self {
            subject: printable(parsed.subject().to_string().as_bytes()),
            issuer: printable(parsed.issuer().to_string().as_bytes()),
            serial: parsed.raw_serial_as_string(),
            not_before: instant(parsed.validity().not_before.timestamp()),
            not_after: instant(parsed.validity().not_after.timestamp()),
            names,
            addresses,
            key: public_key(&parsed),
            signature: signature_name(&parsed.signature_algorithm.algorithm),
            is_ca: parsed.is_ca(),
            sha256: Sha256::digest(der).into(),
            spki_sha256: Sha256::digest(parsed.public_key().raw).into(),
            is_version_1: parsed.version() == X509Version::V1,
            names_its_issuers_place: names_its_issuers_place(&parsed),
            serial_bytes: parsed.raw_serial().to_vec(),
            subject_bytes: parsed.subject().as_raw().to_vec(),
            issuer_bytes: parsed.issuer().as_raw().to_vec(),
            der: Der(der.into()),
        })
    }

    /// Whether subject and issuer are the same.
    pub fn is_self_issued(&self) -> bool {
        self.subject_bytes == self.issuer_bytes
    }

    /// Whether the signature is of a kind that can be forged.
    pub(crate) fn has_weak_signature(&self) -> bool {
        let forgeable = ["md2", "md5", "sha1", "SHA1"];
        forgeable.iter().any(|hash| self.signature.contains(hash))
    }

    /// Whether the key is shorter than the 2048 bits that everybody demands of RSA.
    pub(crate) fn has_weak_key(&self) -> bool {
        self.key.algorithm == "RSA" && self.key.bits.is_some_and(|bits| bits < 2048)
    }
}

/// Certificates that were read before. A monitor meets the same ones at every probe, and reading one costs
/// more than the whole dialogue around it.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<VecDeque<Arc<Certificate>>>);

impl Known {
    /// How many are kept; the oldest go first.
    const KEPT: usize = 256;
    /// A larger one is read each time: a hostile server shall not fill the memory.
    const LARGEST: usize = 8 * 1024;

    pub(super) fn read(&self, der: &[u8]) -> Option<Arc<Certificate>> {
        if let Some(known) = self.entries().iter().find(|known| *known.der == *der) {
            return Some(known.clone());
        }
        let certificate = Arc::new(Certificate::parse(der)?);
        if der.len() <= Self::LARGEST {
            let mut known = self.entries();
            if known.len() == Self::KEPT {
                known.pop_front();
            }
            known.push_back(certificate.clone());
        }
        Some(certificate)
    }

    fn entries(&self) -> MutexGuard<'_, VecDeque<Arc<Certificate>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn alternative_names(parsed: &X509Certificate<'_>) -> (Vec<String>, Vec<IpAddr>) {
    let mut names = Vec::new();
    let mut addresses = Vec::new();
    let extension = parsed.subject_alternative_name().ok().flatten();
    for name in extension
        .iter()
        .flat_map(|found| &found.value.general_names)
    {
        match name {
            GeneralName::DNSName(name) => names.push(printable(name.as_bytes())),
            GeneralName::IPAddress(bytes) => addresses.extend(address(bytes)),
            _ => {}
        }
    }
    (names, addresses)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(v4.into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

fn names_its_issuers_place(parsed: &X509Certificate<'_>) -> bool {
    parsed.extensions().iter().any(|extension| {
        extension.oid == OID_PKIX_AUTHORITY_INFO_ACCESS
            && matches!(
                extension.parsed_extension(),
                ParsedExtension::AuthorityInfoAccess(access)
                    // id-ad-caIssuers, RFC 5280 section 4.2.2.1
                    if access.accessdescs.iter().any(|place| place.access_method.to_id_string() == "1.3.6.1.5.5.7.48.2")
            )
    })
}

fn public_key(parsed: &X509Certificate<'_>) -> PublicKey {
    let info = parsed.public_key();
    let (algorithm, bits) = match info.parsed() {
        Ok(ParsedKey::RSA(rsa)) => ("RSA".to_owned(), Some(rsa.key_size())),
        Ok(ParsedKey::EC(point)) => {
            let curve = info.algorithm.parameters.as_ref();
            let curve = curve.and_then(|parameters| parameters.as_oid().ok());
            (
                format!("ECDSA {}", curve_name(curve.as_ref())),
                Some(point.key_size()),
            )
        }
        _ => match info.algorithm.algorithm.to_id_string().as_str() {
            "1.3.101.112" => ("Ed25519".to_owned(), Some(256)),
            other => (other.to_owned(), None),
        },
    };
    PublicKey { algorithm, bits }
}

fn curve_name(curve: Option<&Oid<'_>>) -> String {
    match curve {
        Some(curve) if *curve == OID_EC_P256 => "P-256".to_owned(),
        Some(curve) if *curve == OID_NIST_EC_P384 => "P-384".to_owned(),
        Some(curve) if *curve == OID_NIST_EC_P521 => "P-521".to_owned(),
        Some(curve) => curve.to_id_string(),
        None => "of an unnamed curve".to_owned(),
    }
}

/// RFC 3279 section 2.2, RFC 4055, RFC 5758, RFC 8410.
fn signature_name(algorithm: &Oid<'_>) -> String {
    let dotted = algorithm.to_id_string();
    let name = match dotted.as_str() {
        "1.2.840.113549.1.1.2" => "md2WithRSAEncryption",
        "1.2.840.113549.1.1.4" => "md5WithRSAEncryption",
        "1.2.840.113549.1.1.5" => "sha1WithRSAEncryption",
        "1.2.840.113549.1.1.10" => "rsassaPss",
        "1.2.840.113549.1.1.11" => "sha256WithRSAEncryption",
        "1.2.840.113549.1.1.12" => "sha384WithRSAEncryption",
        "1.2.840.113549.1.1.13" => "sha512WithRSAEncryption",
        "1.2.840.10045.4.1" => "ecdsa-with-SHA1",
        "1.2.840.10045.4.3.2" => "ecdsa-with-SHA256",
        "1.2.840.10045.4.3.3" => "ecdsa-with-SHA384",
        "1.2.840.10045.4.3.4" => "ecdsa-with-SHA512",
        "1.3.101.112" => "Ed25519",
        _ => return dotted,
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use probe_testkit::{Authority, corpus};

    #[test]
    fn the_corpus_is_read_without_a_panic() {
        let read = corpus(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/corpus/certificate"
        ))
        .into_iter()
        .filter(|(_, der)| Certificate::parse(der).is_some())
        .map(|(name, _)| name);
        assert_eq!(
            read.collect::<Vec<_>>(),
            ["md5", "rsa-1024", "sha-1", "x509-v1"]
        );
    }

    #[test]
    fn what_was_read_once_is_not_read_again_and_not_kept_for_ever() {
        let known = Known::default();
        let der = Authority::new("Test CA").root_der().to_vec();
        let first = known.read(&der).unwrap();
        assert!(Arc::ptr_eq(&first, &known.read(&der).unwrap()));
        assert!(known.read(b"no certificate").is_none());

        for number in 0..Known::KEPT {
            let mut entries = known.0.lock().unwrap();
            entries.truncate(Known::KEPT - 1);
            let other = Certificate {
                der: Der(number.to_be_bytes().into()),
                ..(*first).clone()
            };
            entries.push_back(Arc::new(other));
        }
        known.read(Authority::new("Another CA").root_der()).unwrap();
        assert_eq!(known.0.lock().unwrap().len(), Known::KEPT);
        assert!(!Arc::ptr_eq(&first, &known.read(&der).unwrap()));
    }
}
