//! Certificates that no maintained library will make any more, for tests of what a probe thinks of them.
//!
//! Each is a chain in PEM: a leaf for `mx.example.test`, valid in 2026, and the root that signed it. Their keys were
//! thrown away, so they are for looking at and not for handshakes. How they were made is written beside them, in
//! `src/fixtures/README.md`.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The leaf has an RSA key of 1024 bits.
pub const RSA_1024_CHAIN: &str = include_str!("fixtures/rsa-1024.pem");

/// The leaf is signed with SHA-1.
pub const SHA_1_CHAIN: &str = include_str!("fixtures/sha-1.pem");

/// The leaf is signed with MD5.
pub const MD5_CHAIN: &str = include_str!("fixtures/md5.pem");

/// The leaf is X.509 version 1: no extensions, hence no alternative names.
pub const X509_V1_CHAIN: &str = include_str!("fixtures/x509-v1.pem");

/// The certificates of a chain in PEM, in its order.
///
/// ```
/// use probe_testkit::fixtures::{RSA_1024_CHAIN, certificates};
///
/// let chain = certificates(RSA_1024_CHAIN);
/// assert_eq!(chain.len(), 2, "the leaf and its root");
/// ```
///
/// # Panics
///
/// If this is not PEM.
#[allow(
    clippy::expect_used,
    reason = "a test without its certificates should fail early"
)]
pub fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .expect("a chain in PEM")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fixture_is_a_leaf_and_the_same_root() {
        let roots: Vec<_> = [RSA_1024_CHAIN, SHA_1_CHAIN, MD5_CHAIN, X509_V1_CHAIN]
            .into_iter()
            .map(|pem| {
                let chain = certificates(pem);
                assert_eq!(chain.len(), 2);
                chain[1].clone()
            })
            .collect();
        assert!(roots.iter().all(|root| *root == roots[0]));
    }

    #[test]
    fn the_leafs_are_as_bad_as_they_say() {
        let leaf = |pem| certificates(pem)[0].to_vec();
        let has = |der: &[u8], part: &[u8]| der.windows(part.len()).any(|window| window == part);
        // The INTEGER of a modulus of 1024 bits, and the OIDs of the signature algorithms.
        assert!(has(&leaf(RSA_1024_CHAIN), &[0x02, 0x81, 0x81, 0x00]));
        assert!(has(
            &leaf(SHA_1_CHAIN),
            b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"
        ));
        assert!(has(
            &leaf(MD5_CHAIN),
            b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04"
        ));
        // Version 1 is the default, and DER leaves defaults out: the serial number comes first.
        let v1 = leaf(X509_V1_CHAIN);
        assert_eq!(v1[8..11], [0x02, 0x01, 0x05]);
    }
}
