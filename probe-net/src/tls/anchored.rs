//! Whether the certificates that a server sent lead to an authority that somebody named, whoever else is trusted: the
//! trusted roots are the business of `verify`.

use core::time::Duration;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::pki_types::{CertificateDer, Der, ServerName, SignatureVerificationAlgorithm};
use rustls::pki_types::{TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::asn1_rs::{Any, FromDer};

use super::{Certificate, Fault, TlsFacts};

/// The server's certificate, and those that were sent with it.
pub(super) struct Chain<'a> {
    leaf: &'a Certificate,
    above: &'a [Arc<Certificate>],
    algorithms: &'a [&'a dyn SignatureVerificationAlgorithm],
    now: SystemTime,
}

impl<'a> Chain<'a> {
    pub(super) fn new(
        tls: &TlsFacts,
        leaf: &'a Certificate,
        above: &'a [Arc<Certificate>],
        now: SystemTime,
    ) -> Self {
        Self {
            leaf,
            above,
            algorithms: tls.algorithms.map_or(&[], |known| known.all),
            now,
        }
    }

    /// What stands against the chain where these authorities are the trusted ones.
    pub(super) fn fault_below(&self, anchors: &[&Certificate]) -> Option<Fault> {
        // As OpenSSL does it, and with it most mail servers: the dates of a root count also where it is trusted by
        // name, those of an intermediate do not. webpki looks at neither.
        let out_of_date = |one: &&Certificate| {
            let fault = Fault::of_time(one, self.now);
            fault.filter(|_| one.is_self_issued())
        };
        let in_date: Vec<_> = anchors
            .iter()
            .filter(|one| out_of_date(one).is_none())
            .map(|one| der(one))
            .collect();
        if in_date.is_empty() {
            let over = anchors.iter().find_map(out_of_date);
            return Some(over.unwrap_or_else(|| self.unknown_issuer()));
        }
        let roots = in_date
            .iter()
            .filter_map(|der| webpki::anchor_from_trusted_cert(der).ok());
        self.fault(&Vec::from_iter(roots))
    }

    /// The same where only the key of the authority is known: whoever signed with it may have any name.
    pub(super) fn fault_below_key(&self, key: &[u8]) -> Option<Fault> {
        let key = content(key);
        let issuers = self.sent().filter_map(|one| content(&one.issuer_bytes));
        let roots = issuers.zip(key.into_iter().cycle());
        let roots = roots.map(|(subject, subject_public_key_info)| TrustAnchor {
            subject,
            subject_public_key_info,
            name_constraints: None,
        });
        self.fault(&Vec::from_iter(roots))
    }

    /// That the server's certificate is for none of these names and addresses.
    pub(super) fn fault_of_name(&self, wanted: &[&str]) -> Option<Fault> {
        let der = der(self.leaf);
        let leaf = EndEntityCert::try_from(&der).ok();
        let is_for = |name: &&str| {
            let name = ServerName::try_from(*name).ok();
            let (leaf, name) = leaf.as_ref().zip(name)?;
            leaf.verify_is_valid_for_subject_name(&name).ok()
        };
        if wanted.iter().find_map(is_for).is_some() {
            return None;
        }
        let addresses = self.leaf.addresses.iter().map(ToString::to_string);
        Some(Fault::WrongName {
            wanted: wanted.join(" or "),
            names: self.leaf.names.iter().cloned().chain(addresses).collect(),
        })
    }

    fn fault(&self, roots: &[TrustAnchor<'_>]) -> Option<Fault> {
        use webpki::Error;
        let leaf = der(self.leaf);
        let above: Vec<_> = self.above.iter().map(|one| der(one)).collect();
        let since = self.now.duration_since(SystemTime::UNIX_EPOCH);
        let now = UnixTime::since_unix_epoch(since.unwrap_or(Duration::ZERO));
        let usage = KeyUsage::server_auth();
        let verified = EndEntityCert::try_from(&leaf).and_then(|leaf| {
            leaf.verify_for_usage(self.algorithms, roots, &above, now, usage, None, None)
                .map(drop)
        });
        let error = verified.err()?;
        let out_of_date = || self.sent().find_map(|one| Fault::of_time(one, self.now));
        let fault = match &error {
            Error::CertExpired { .. } | Error::CertNotValidYet { .. } => out_of_date(),
            Error::RequiredEkuNotFoundContext(_) => Some(Fault::WrongUsage),
            Error::UnknownIssuer => Some(self.unknown_issuer()),
            _ => None,
        };
        Some(fault.unwrap_or_else(|| Fault::Invalid(error.to_string())))
    }

    fn unknown_issuer(&self) -> Fault {
        Fault::UnknownIssuer {
            issuer: self.leaf.issuer.clone(),
        }
    }

    fn sent(&self) -> impl Iterator<Item = &'a Certificate> {
        core::iter::once(self.leaf).chain(self.above.iter().map(Arc::as_ref))
    }
}

fn der(one: &Certificate) -> CertificateDer<'_> {
    CertificateDer::from(&*one.der)
}

/// What webpki takes: the content of a DER value, without its header.
fn content(der: &[u8]) -> Option<Der<'_>> {
    let (_, value) = Any::from_der(der).ok()?;
    Some(Der::from_slice(value.data))
}
