//! The certificates of one run: an ECDSA P-256 authority and one leaf beneath it, as files, so that every process
//! and every client reads the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::StoresServerSessions;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// The name that every server here has.
pub(crate) const NAME: &str = "mx.bench.test";

/// The files in one folder.
#[derive(Clone, Debug)]
pub(crate) struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// Makes new ones.
    pub(crate) fn issue(folder: &Path) -> Result<Self> {
        let authority = CertifiedIssuer::self_signed(authority()?, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let leaf = leaf()?.signed_by(&key, &authority)?;
        let files = Self::in_folder(folder);
        fs::write(files.authority(), authority.pem())?;
        fs::write(files.leaf(), leaf.pem())?;
        fs::write(files.key(), key.serialize_pem())?;
        Ok(files)
    }

    /// Those that are there.
    pub(crate) fn in_folder(folder: &Path) -> Self {
        let folder = folder.to_owned();
        Self { folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The authority's certificate: what clients trust.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    fn leaf(&self) -> PathBuf {
        self.folder.join("leaf.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.join("leaf.key")
    }

    pub(crate) fn roots(&self) -> Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.authority())?)?;
        Ok(roots)
    }

    /// A client that verifies everything and resumes nothing: the least that a probe does.
    pub(crate) fn client(&self) -> Result<ClientConfig> {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(self.roots()?)
            .with_no_client_auth();
        config.resumption = rustls::client::Resumption::disabled();
        Ok(config)
    }

    /// A server that hands out so many tickets and resumes nothing.
    pub(crate) fn server(&self, tickets: usize) -> Result<ServerConfig> {
        let chain = vec![CertificateDer::from_pem_file(self.leaf())?];
        let key = PrivateKeyDer::from_pem_file(self.key())?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .context("the leaf does not fit its key")?;
        config.send_tls13_tickets = tickets;
        // A client that resumes would be spared most of what is measured here.
        config.session_storage = Arc::new(Forgetful);
        Ok(config)
    }
}

/// Takes every session to keep and never has one.
#[derive(Debug)]
struct Forgetful;

impl StoresServerSessions for Forgetful {
    fn put(&self, _: Vec<u8>, _: Vec<u8>) -> bool {
        true
    }

    fn get(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn take(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn can_cache(&self) -> bool {
        true
    }
}

fn provider() -> Arc<CryptoProvider> {
    rustls::crypto::ring::default_provider().into()
}

fn authority() -> Result<CertificateParams> {
    let mut params = named("Bench CA", Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn leaf() -> Result<CertificateParams> {
    let mut params = named(NAME, vec![NAME.to_owned(), "127.0.0.1".to_owned()])?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn named(name: &str, names: Vec<String>) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2120, 1, 1);
    Ok(params)
}
