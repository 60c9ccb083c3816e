//! The user-based security model (RFC 3414) with SHA-1 and SHA-2 (RFC 7860) and AES-128 (RFC 3826): keys, proofs,
//! encryption. The messages are not known here.

use aes::Aes128;
use cfb_mode::cipher::KeyIvInit;
use cfb_mode::{BufDecryptor, BufEncryptor};
use hmac::{EagerHash, Hmac, KeyInit, Mac};
use probe_core::Secret;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use zeroize::{Zeroize, Zeroizing};

/// By which hash a user proves who it is (RFC 3414 section 6, RFC 7860 section 4). MD5 is not offered.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum SnmpAuth {
    /// HMAC-SHA-96, which every agent has.
    Sha1,
    /// HMAC-128-SHA-224.
    Sha224,
    /// HMAC-192-SHA-256.
    #[default]
    Sha256,
    /// HMAC-256-SHA-384.
    Sha384,
    /// HMAC-384-SHA-512.
    Sha512,
}

impl SnmpAuth {
    /// So many octets of the HMAC are sent.
    pub(super) const fn proof_length(self) -> usize {
        match self {
            Self::Sha1 => 12,
            Self::Sha224 => 16,
            Self::Sha256 => 24,
            Self::Sha384 => 32,
            Self::Sha512 => 48,
        }
    }

    /// A password made a key (RFC 3414 section 11.2): the same on all agents, so it is made once.
    pub(super) fn key(self, password: &[u8]) -> Secret {
        match self {
            Self::Sha1 => stretched::<Sha1>(password),
            Self::Sha224 => stretched::<Sha224>(password),
            Self::Sha256 => stretched::<Sha256>(password),
            Self::Sha384 => stretched::<Sha384>(password),
            Self::Sha512 => stretched::<Sha512>(password),
        }
    }

    /// The key for one agent: who has it cannot ask another one.
    pub(super) fn localised(self, key: &Secret, engine: &[u8]) -> Secret {
        let parts = [key.expose(), engine, key.expose()];
        match self {
            Self::Sha1 => digest::<Sha1>(&parts),
            Self::Sha224 => digest::<Sha224>(&parts),
            Self::Sha256 => digest::<Sha256>(&parts),
            Self::Sha384 => digest::<Sha384>(&parts),
            Self::Sha512 => digest::<Sha512>(&parts),
        }
    }

    /// The proof for a message in which its place is zeros.
    pub(super) fn proof(self, key: &Secret, message: &[u8]) -> Vec<u8> {
        let mut proof = match self {
            Self::Sha1 => mac::<Sha1>(key, &[message]),
            Self::Sha224 => mac::<Sha224>(key, &[message]),
            Self::Sha256 => mac::<Sha256>(key, &[message]),
            Self::Sha384 => mac::<Sha384>(key, &[message]),
            Self::Sha512 => mac::<Sha512>(key, &[message]),
        };
        proof.truncate(self.proof_length());
        proof
    }

    /// Whether this is the proof for the message that consists of these parts.
    pub(super) fn proves(self, key: &Secret, parts: &[&[u8]], proof: &[u8]) -> bool {
        if proof.len() != self.proof_length() {
            return false;
        }
        match self {
            Self::Sha1 => verifies::<Sha1>(key, parts, proof),
            Self::Sha224 => verifies::<Sha224>(key, parts, proof),
            Self::Sha256 => verifies::<Sha256>(key, parts, proof),
            Self::Sha384 => verifies::<Sha384>(key, parts, proof),
            Self::Sha512 => verifies::<Sha512>(key, parts, proof),
        }
    }
}

/// How messages are encrypted. DES is not offered, and longer keys of AES have no standard.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum SnmpPrivacy {
    /// AES-128 in CFB mode (RFC 3826).
    #[default]
    Aes128,
}

/// What a message is encrypted with, beside the key (RFC 3826 section 3.1.2.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Vector {
    pub(super) boots: u32,
    pub(super) time: u32,
    pub(super) salt: [u8; 8],
}

impl Vector {
    /// Encrypts in place; `None` if the key is too short, which no hash makes.
    pub(super) fn encrypt(self, key: &Secret, text: &mut [u8]) -> Option<()> {
        let key = key.expose().get(..16)?;
        let mut cipher = BufEncryptor::<Aes128>::new_from_slices(key, &self.octets()).ok()?;
        cipher.encrypt(text);
        Some(())
    }

    /// Decrypts in place.
    pub(super) fn decrypt(self, key: &Secret, text: &mut [u8]) -> Option<()> {
        let key = key.expose().get(..16)?;
        let mut cipher = BufDecryptor::<Aes128>::new_from_slices(key, &self.octets()).ok()?;
        cipher.decrypt(text);
        Some(())
    }

    fn octets(self) -> [u8; 16] {
        let (boots, time) = (self.boots.to_be_bytes(), self.time.to_be_bytes());
        let mut all = [0; 16];
        let octets = boots.iter().chain(&time).chain(&self.salt);
        for (place, octet) in all.iter_mut().zip(octets) {
            *place = *octet;
        }
        all
    }
}

/// The hash of a megabyte of the password, over and over.
fn stretched<D: Digest>(password: &[u8]) -> Secret {
    const LENGTH: usize = 1_048_576;
    const PIECE: usize = 64;
    let mut hash = D::new();
    let mut again = password.iter().copied().cycle();
    let mut piece = Zeroizing::new([0; PIECE]);
    for _ in 0..LENGTH / PIECE {
        // An empty password repeats nothing; no user has one.
        for (place, octet) in piece.iter_mut().zip(&mut again) {
            *place = octet;
        }
        hash.update(piece.as_slice());
    }
    secret(hash.finalize().as_mut())
}

fn digest<D: Digest>(parts: &[&[u8]]) -> Secret {
    let mut hash = D::new();
    for part in parts {
        hash.update(part);
    }
    secret(hash.finalize().as_mut())
}

fn secret(octets: &mut [u8]) -> Secret {
    let secret = Secret::new(&*octets);
    octets.zeroize();
    secret
}

fn mac<D: EagerHash>(key: &Secret, parts: &[&[u8]]) -> Vec<u8> {
    keyed::<D>(key, parts).map_or_else(Vec::new, |mac| mac.finalize().into_bytes().to_vec())
}

fn verifies<D: EagerHash>(key: &Secret, parts: &[&[u8]], proof: &[u8]) -> bool {
    let mac = keyed::<D>(key, parts);
    mac.is_some_and(|mac| mac.verify_truncated_left(proof).is_ok())
}

/// HMAC takes keys of any length.
fn keyed<D: EagerHash>(key: &Secret, parts: &[&[u8]]) -> Option<Hmac<D>> {
    let mut mac = Hmac::<D>::new_from_slice(key.expose()).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(octets: &[u8]) -> String {
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    /// RFC 3414 appendix A.3.2.
    #[test]
    fn the_key_of_the_rfc_is_made_of_its_password() {
        let key = SnmpAuth::Sha1.key(b"maplesyrup");
        assert_eq!(
            hex(key.expose()),
            "9fb5cc0381497b3793528939ff788d5d79145211"
        );
        let engine = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
        let localised = SnmpAuth::Sha1.localised(&key, &engine);
        assert_eq!(
            hex(localised.expose()),
            "6695febc9288e36282235fc7151f128497b38f3f"
        );
    }

    #[test]
    fn a_proof_is_as_long_as_its_rfc_says_and_holds_for_its_message_alone() {
        let key = Secret::from("key");
        for (auth, length) in [
            (SnmpAuth::Sha1, 12),
            (SnmpAuth::Sha224, 16),
            (SnmpAuth::Sha256, 24),
            (SnmpAuth::Sha384, 32),
            (SnmpAuth::Sha512, 48),
        ] {
            let proof = auth.proof(&key, b"message");
            assert_eq!(proof.len(), length);
            assert!(auth.proves(&key, &[b"mess", b"age"], &proof));
            assert!(!auth.proves(&key, &[b"massage"], &proof));
            let shorter = proof.split_last().map_or(&[][..], |(_, shorter)| shorter);
            assert!(!auth.proves(&key, &[b"message"], shorter));
        }
    }

    /// NIST SP 800-38A, F.3.13.
    #[test]
    fn the_ciphertext_of_the_standard_comes_out() {
        let key = [
            0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf,
            0x4f, 0x3c,
        ];
        let key = Secret::new(key);
        let vector = Vector {
            boots: 0x0001_0203,
            time: 0x0405_0607,
            salt: [8, 9, 10, 11, 12, 13, 14, 15],
        };
        let plain = [
            0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93,
            0x17, 0x2a,
        ];
        let mut text = plain;
        assert_eq!(vector.encrypt(&key, &mut text), Some(()));
        assert_eq!(hex(&text), "3b3fd92eb72dad20333449f8e83cfb4a");
        assert_eq!(vector.decrypt(&key, &mut text), Some(()));
        assert_eq!(text, plain);
        assert_eq!(vector.encrypt(&Secret::from("short"), &mut text), None);
    }
}
