//! What one zone proves by its signatures: that records are its own, or that there are none (RFC 4035 section 5, RFC 5155
//! section 8).

use std::time::{Duration, SystemTime};

use data_encoding::BASE32_DNSSEC;
use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData, DS, NSEC, NSEC3, RRSIG, SigInput};
use hickory_proto::dnssec::{PublicKey, Verifier};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use super::Fault;

/// A zone whose keys are believed.
#[derive(Debug)]
pub(super) struct Zone {
    pub(super) name: Name,
    keys: Vec<DNSKEY>,
}

/// What a zone proves of something that it does not have.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Denial {
    /// Another zone begins at the name, and it is not signed.
    Unsigned,
    /// There is no such name.
    NoName,
    /// The name has no such thing.
    Nothing,
    /// Nothing is proved.
    None,
}

impl Zone {
    /// More signatures of the same records than this are not tried, nor more proofs: whoever sends them wants to keep us
    /// busy (CVE-2023-50387).
    pub(super) const SIGNATURES: usize = 8;
    /// Of keys with the same tag.
    const KEYS: usize = 4;
    /// Whoever hashes names more often than this proves nothing (RFC 9276 section 3.2).
    const ITERATIONS: u16 = 100;

    /// A zone by what is answered for its keys, if the zone above vouches for one of them. `None` where nobody here could
    /// check what the zone above names (RFC 4035 section 5.2).
    pub(super) fn enter(
        name: &Name,
        vouched: &[&DS],
        shown: &[Record],
        now: SystemTime,
    ) -> Result<Option<Self>, Fault> {
        let can_be_checked =
            |ds: &&&DS| ds.algorithm().is_supported() && ds.digest_type().is_supported();
        let vouched: Vec<_> = vouched.iter().filter(can_be_checked).collect();
        if vouched.is_empty() {
            return Ok(None);
        }
        let keys: Vec<_> = of(shown, name, RecordType::DNSKEY)
            .filter_map(|record| match &record.data {
                RData::DNSSEC(DNSSECRData::DNSKEY(key)) => Some(key),
                _ => None,
            })
            .filter(|key| key.zone_key() && !key.revoke())
            .cloned()
            .collect();
        if keys.is_empty() {
            return Err(Fault::NoKeys);
        }
        let is_vouched = |key: &&DNSKEY| {
            let mut covering = vouched.iter().map(|ds| ds.covers(name, key));
            covering.any(|covers| covers.is_ok_and(|it| it))
        };
        let first = Self {
            name: name.clone(),
            keys: keys.iter().filter(is_vouched).cloned().collect(),
        };
        if first.keys.is_empty() {
            let tags = vouched.iter().map(|ds| ds.key_tag()).collect();
            return Err(Fault::ForeignKeys(tags));
        }
        first.holds(shown, name, RecordType::DNSKEY, now)?;
        Ok(Some(Self { keys, ..first }))
    }

    /// That these records of this name are the zone's own. Of a wildcard, that no name stands before it is not asked for:
    /// whoever could answer so could answer with the records themselves.
    pub(super) fn holds(
        &self,
        shown: &[Record],
        name: &Name,
        kind: RecordType,
        now: SystemTime,
    ) -> Result<(), Fault> {
        let what = || format!("{} {kind}", shown_name(name));
        let signatures =
            of(shown, name, RecordType::RRSIG).filter_map(|record| match &record.data {
                RData::DNSSEC(DNSSECRData::RRSIG(signature)) => Some(signature),
                _ => None,
            });
        let own = signatures.filter(|one| {
            let input = one.input();
            input.type_covered == kind && input.signer_name == self.name
        });
        let mut fault = Fault::Unsigned(what());
        for signature in own.take(Self::SIGNATURES) {
            let fitting = self.keys_of(signature).take(Self::KEYS);
            for key in fitting {
                match key.verify_rrsig(name, DNSClass::IN, signature, of(shown, name, kind)) {
                    Ok(()) => match out_of_time(signature.input(), what(), now) {
                        None => return Ok(()),
                        Some(time) => fault = time,
                    },
                    // What is over by all means says more than what is wrong by others.
                    Err(_) if matches!(fault, Fault::Unsigned(_)) => fault = Fault::Wrong(what()),
                    Err(_) => {}
                }
            }
        }
        Err(fault)
    }

    fn keys_of(&self, signature: &RRSIG) -> impl Iterator<Item = &DNSKEY> {
        let input = signature.input();
        let (tag, algorithm) = (input.key_tag, input.algorithm);
        self.keys.iter().filter(move |key| {
            let is_tag = key.calculate_key_tag().is_ok_and(|own| own == tag);
            is_tag && key.public_key().algorithm() == algorithm
        })
    }

    /// What is proved of records that are not there.
    pub(super) fn denies(
        &self,
        shown: &[Record],
        name: &Name,
        kind: RecordType,
        now: SystemTime,
    ) -> Denial {
        let proofs = shown
            .iter()
            .filter(|record| matches!(record.record_type(), RecordType::NSEC | RecordType::NSEC3));
        let proofs = proofs.take(Self::SIGNATURES);
        let held = proofs.filter(|proof| {
            let kind = proof.record_type();
            self.holds(shown, &proof.name, kind, now).is_ok()
        });
        let says = held.map(|proof| match &proof.data {
            RData::DNSSEC(DNSSECRData::NSEC(nsec)) => self.nsec(&proof.name, nsec, name, kind),
            RData::DNSSEC(DNSSECRData::NSEC3(nsec)) => self.nsec3(&proof.name, nsec, name, kind),
            _ => Denial::None,
        });
        let mut says: Vec<_> = says.filter(|denial| *denial != Denial::None).collect();
        says.sort_by_key(|denial| *denial != Denial::Unsigned);
        says.into_iter().next().unwrap_or(Denial::None)
    }

    fn nsec(&self, owner: &Name, nsec: &NSEC, name: &Name, kind: RecordType) -> Denial {
        let next = nsec.next_domain_name();
        if owner == name {
            return at_name(kind, |one| nsec.type_set().contains(one));
        }
        let is_between = owner < name && (name < next || *next == self.name);
        match is_between && self.name.zone_of(name) {
            // Nothing but names below it.
            true if name.zone_of(next) => Denial::Nothing,
            true => Denial::NoName,
            false => Denial::None,
        }
    }

    fn nsec3(&self, owner: &Name, nsec: &NSEC3, name: &Name, kind: RecordType) -> Denial {
        if nsec.iterations() > Self::ITERATIONS {
            return Denial::Unsigned;
        }
        let hashed = nsec
            .hash_algorithm()
            .hash(nsec.salt(), name, nsec.iterations());
        let first = owner.iter().next().map(<[u8]>::to_ascii_lowercase);
        let (Ok(hashed), Some(first)) = (hashed, first) else {
            return Denial::None;
        };
        let hashed = BASE32_DNSSEC.encode(hashed.as_ref()).into_bytes();
        let next = BASE32_DNSSEC
            .encode(nsec.next_hashed_owner_name())
            .into_bytes();
        if first == hashed {
            return at_name(kind, |one| nsec.type_set().contains(one));
        }
        let is_between = match first < next {
            true => first < hashed && hashed < next,
            // The last of the zone points to the first.
            false => first < hashed || hashed < next,
        };
        match (is_between, nsec.opt_out()) {
            (true, true) => Denial::Unsigned,
            (true, false) => Denial::NoName,
            (false, _) => Denial::None,
        }
    }
}

/// What the kinds of records that a name has say of one that it does not have.
fn at_name(kind: RecordType, has: impl Fn(RecordType) -> bool) -> Denial {
    let is_cut = has(RecordType::NS) && !has(RecordType::SOA);
    match kind {
        kind if has(kind) => Denial::None,
        RecordType::DS if is_cut => Denial::Unsigned,
        RecordType::DS => Denial::Nothing,
        // Only of DS the side above a cut may speak (RFC 6840 section 4.1).
        _ if is_cut || has(RecordType::CNAME) => Denial::None,
        _ => Denial::Nothing,
    }
}

/// Whether the time of a signature is over or has not begun (RFC 4034 section 3.1.5), in serial arithmetic.
fn out_of_time(input: &SigInput, what: String, now: SystemTime) -> Option<Fault> {
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let low = u32::try_from(seconds & u64::from(u32::MAX)).ok()?;
    let until = input.sig_expiration.get().wrapping_sub(low).cast_signed();
    let since = low.wrapping_sub(input.sig_inception.get()).cast_signed();
    let apart = |by: i32| Duration::from_secs(by.unsigned_abs().into());
    if until < 0 {
        let at = now - apart(until);
        return Some(Fault::Expired { what, at });
    }
    let from = now + apart(since);
    (since < 0).then_some(Fault::NotYet { what, from })
}

/// The records of this name and kind.
pub(super) fn of<'a>(
    shown: &'a [Record],
    name: &'a Name,
    kind: RecordType,
) -> impl Iterator<Item = &'a Record> {
    let is_one = move |record: &&Record| record.record_type() == kind && record.name == *name;
    shown.iter().filter(is_one)
}

fn shown_name(name: &Name) -> String {
    super::Name(name.clone()).to_string()
}
