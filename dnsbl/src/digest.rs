//! Names as lists want them that publish only digests of what they list.

use blake2::{Blake2b512, Digest};

/// rspamd's lists: so many letters of the BLAKE2b digest in base32, as rspamd writes it.
const RSPAMD: usize = 32;

/// The label that stands for a domain on rspamd's lists.
pub(crate) fn rspamd(domain: &str) -> String {
    let mut label = base32(&Blake2b512::digest(domain.as_bytes()));
    label.truncate(RSPAMD);
    label
}

/// z-base-32, but from the lowest bit of each octet up: older than any other implementation's tests, and so like none of
/// them.
fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ybndrfg8ejkmcpqxot1uwisza345h769";
    let bit = |at: usize| {
        let octet = bytes.get(at / 8).copied().unwrap_or_default();
        usize::from(octet >> (at % 8) & 1)
    };
    let letters = (0..bytes.len() * 8).step_by(5);
    letters
        .filter_map(|at| {
            let value = (0..5).map(|more| bit(at + more) << more).sum::<usize>();
            LETTERS.get(value).map(|letter| char::from(*letter))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of rspamd's documentation.
    #[test]
    fn base32_is_rspamds() {
        for (bytes, text) in [
            ("hello", "em3ags7p"),
            ("test123", "wm3g84fg13cy"),
            ("a", "bd"),
            ("aaaaa", "bmansofc"),
            ("", ""),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }

    /// Computed with Python's hashlib.
    #[test]
    fn a_domain_is_its_digest() {
        assert_eq!(rspamd("spam.example"), "q54y9wzn4fxhyjomxcazzk7zeg1m9qgo");
    }
}
