//! Where trust begins.

use core::str::FromStr;
use std::path::Path;

use data_encoding::HEXUPPER_PERMISSIVE;
use hickory_proto::dnssec::rdata::DS;
use hickory_proto::dnssec::{Algorithm, DigestType};

use crate::dns::Name;

/// The keys that are believed without a signature over them, by their digests: those of the root, or of zones below it that
/// nobody above vouches for.
///
/// ```
/// use probe_net::dns::TrustAnchors;
///
/// let own: TrustAnchors = "lab.test. IN DS 60485 13 2 \
///     D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A".parse()?;
/// assert_ne!(own, TrustAnchors::iana());
/// # Ok::<(), probe_net::dns::TrustAnchorsError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TrustAnchors(Vec<(Name, DS)>);

impl TrustAnchors {
    /// The keys of the root that IANA has published (`root-anchors.xml`): those of 2017 and of 2024.
    pub fn iana() -> Self {
        const KEYS: &str = "\
            . DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n\
            . DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16\n";
        // A test reads them.
        KEYS.parse().unwrap_or(Self(Vec::new()))
    }

    /// Those in a file: DS records, as zone files have them (RFC 4034 section 5.3).
    ///
    /// # Errors
    /// It cannot be read, or a line of it is no DS record.
    pub fn read(file: &Path) -> Result<Self, TrustAnchorsError> {
        let text = std::fs::read_to_string(file);
        text.map_err(|error| TrustAnchorsError(error.to_string()))?
            .parse()
    }

    /// The anchors from which a chain to this name begins: those of the zone that is the nearest.
    pub(super) fn nearest(&self, name: &Name) -> Option<(&Name, Vec<&DS>)> {
        let zones = self.0.iter().map(|(zone, _)| zone);
        let above = zones.filter(|zone| name.is_within(zone));
        let nearest = above.max_by_key(|zone| zone.0.num_labels())?;
        let of_zone = self.0.iter().filter(|(zone, _)| zone == nearest);
        Some((nearest, of_zone.map(|(_, key)| key).collect()))
    }
}

impl FromStr for TrustAnchors {
    type Err = TrustAnchorsError;

    fn from_str(text: &str) -> Result<Self, TrustAnchorsError> {
        let lines = text
            .lines()
            .map(|line| line.split(';').next().unwrap_or_default());
        let filled = lines.filter(|line| !line.trim().is_empty());
        let anchor =
            |line: &str| anchor(line).ok_or_else(|| TrustAnchorsError(format!("no DS: {line}")));
        let anchors: Vec<_> = filled.map(anchor).collect::<Result<_, _>>()?;
        match anchors.is_empty() {
            true => Err(TrustAnchorsError("there is none in it".to_owned())),
            false => Ok(Self(anchors)),
        }
    }
}

/// Name, TTL and class if they are there, DS, key tag, algorithm, type of the digest, digest, blanks within allowed.
fn anchor(line: &str) -> Option<(Name, DS)> {
    let mut words = line.split_ascii_whitespace();
    let name = words.next()?;
    let name = match name {
        "." => Name::root(),
        name => name.parse().ok()?,
    };
    words.find(|word| word.eq_ignore_ascii_case("DS"))?;
    let tag = words.next()?.parse().ok()?;
    let algorithm = Algorithm::from_u8(words.next()?.parse().ok()?);
    let digest_type = DigestType::from(words.next()?.parse::<u8>().ok()?);
    let digits: String = words.collect();
    let digest = HEXUPPER_PERMISSIVE.decode(digits.as_bytes()).ok()?;
    Some((name, DS::new(tag, algorithm, digest_type, digest)))
}

/// Why trust anchors cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the trust anchors cannot be used: {0}")]
pub struct TrustAnchorsError(String);

#[cfg(test)]
mod tests {
    use hickory_proto::dnssec::rdata::DNSKEY;
    use hickory_proto::dnssec::{PublicKey, TrustAnchors as Known};

    use super::*;

    #[test]
    fn the_keys_of_the_root_are_those_that_hickory_has_too() {
        let ours = TrustAnchors::iana();
        let known = Known::default();
        let keys = (0..known.len()).filter_map(|place| known.get(place));
        let tags: Vec<_> = keys
            .map(|key| {
                let key = DNSKEY::new(true, true, false, key.clone());
                assert!(key.public_key().algorithm().is_supported());
                let root = Name::root();
                let (_, anchors) = ours.nearest(&root).unwrap();
                let fits = anchors.iter().find(|ds| ds.covers(&root.0, &key).unwrap());
                fits.unwrap().key_tag()
            })
            .collect();
        assert_eq!(tags, [20326, 38696]);
    }

    #[test]
    fn the_nearest_zone_with_keys_is_where_a_chain_begins() {
        let text = "; keys\n. DS 1 13 2 00\ntest. 60 IN DS 2 13 2 0 0\n\ntest. DS 3 13 2 00 ; old";
        let anchors: TrustAnchors = text.parse().unwrap();
        let tags = |name: &str| {
            let (zone, keys) = anchors.nearest(&name.parse().unwrap()).unwrap();
            let tags: Vec<_> = keys.iter().map(|ds| ds.key_tag()).collect();
            (zone.to_string(), tags)
        };
        assert_eq!(tags("a.test"), ("test".to_owned(), vec![2, 3]));
        assert_eq!(tags("example.org"), (".".to_owned(), vec![1]));
    }

    #[test]
    fn what_is_no_anchor_is_not_passed_over() {
        let read = |text: &str| text.parse::<TrustAnchors>().unwrap_err().to_string();
        let why = "the trust anchors cannot be used: no DS: . DNSKEY 257 3 13 AA==";
        assert_eq!(read(". DNSKEY 257 3 13 AA=="), why);
        let none = "the trust anchors cannot be used: there is none in it";
        assert_eq!(read("; nothing\n"), none);
    }
}
