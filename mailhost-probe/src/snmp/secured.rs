//! Messages of version 3 (RFC 3412 section 6, RFC 3414 section 2.4): what surrounds a PDU there. Who may send it, and whether
//! it is proven, is decided in `session.rs`.
//!
//! ```text
//! message  = SEQUENCE { 3, SEQUENCE { id, max-size, flags OCTET STRING, model }, OCTET STRING security, data }
//! security = SEQUENCE { engine, boots, time, user, proof, salt }
//! data     = scoped / OCTET STRING                       ; the latter encrypted
//! scoped   = SEQUENCE { engine OCTET STRING, name OCTET STRING, pdu }
//! ```

use nom::Offset;
use nom::Parser;
use nom::combinator::{all_consuming, map_opt, verify};
use zeroize::Zeroizing;

use super::ber::{self, OCTETS, SEQUENCE};
use super::message::Pdu;

/// The user-based security model (RFC 3411 section 6).
const MODEL: i64 = 3;

/// As large as an answer may be: what goes over Ethernet in one piece.
pub(super) const LARGEST: i64 = 1472;

/// What a message says of its security (RFC 3412 section 6.4).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Flags(u8);

impl Flags {
    const PROVEN: u8 = 1;
    const ENCRYPTED: u8 = 2;
    /// Faults are to be reported.
    const REPORTABLE: u8 = 4;

    pub(super) const fn of(is_proven: bool, is_encrypted: bool) -> Self {
        let proven = if is_proven { Self::PROVEN } else { 0 };
        let encrypted = if is_encrypted { Self::ENCRYPTED } else { 0 };
        Self(Self::REPORTABLE | proven | encrypted)
    }

    pub(super) const fn is_proven(self) -> bool {
        self.0 & Self::PROVEN != 0
    }

    pub(super) const fn is_encrypted(self) -> bool {
        self.0 & Self::ENCRYPTED != 0
    }
}

/// Who sends a message, to whom, when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Envelope<'a> {
    pub(super) id: i32,
    pub(super) flags: Flags,
    pub(super) engine: &'a [u8],
    pub(super) boots: u32,
    pub(super) time: u32,
    pub(super) user: &'a [u8],
    /// Zeros where the proof will stand.
    pub(super) proof: &'a [u8],
    pub(super) salt: &'a [u8],
}

impl Envelope<'_> {
    /// The message around data that are an element already.
    pub(super) fn seal(&self, data: &[u8]) -> Zeroizing<Vec<u8>> {
        let header: [&[u8]; 4] = [
            &ber::integer(self.id.into()),
            &ber::integer(LARGEST),
            &ber::element(OCTETS, &[&[self.flags.0]]),
            &ber::integer(MODEL),
        ];
        let security: [&[u8]; 6] = [
            &ber::element(OCTETS, &[self.engine]),
            &ber::integer(self.boots.into()),
            &ber::integer(self.time.into()),
            &ber::element(OCTETS, &[self.user]),
            &ber::element(OCTETS, &[self.proof]),
            &ber::element(OCTETS, &[self.salt]),
        ];
        let security = ber::element(SEQUENCE, &security);
        let parts: [&[u8]; 4] = [
            &ber::integer(3),
            &ber::element(SEQUENCE, &header),
            &ber::element(OCTETS, &[&security]),
            data,
        ];
        ber::element(SEQUENCE, &parts)
    }
}

/// A PDU in the context that has no name.
pub(super) fn scoped(engine: &[u8], pdu: &[u8]) -> Zeroizing<Vec<u8>> {
    let parts: [&[u8]; 3] = [
        &ber::element(OCTETS, &[engine]),
        &ber::element(OCTETS, &[]),
        pdu,
    ];
    ber::element(SEQUENCE, &parts)
}

/// The PDU of a scoped one. Behind an encrypted one there may be what filled the last block up.
pub(super) fn read_scoped(data: &[u8]) -> Option<Pdu> {
    let parts = (ber::content(OCTETS), ber::content(OCTETS), Pdu::read);
    let (_, (_, _, pdu)) = ber::within(SEQUENCE, parts).parse(data).ok()?;
    Some(pdu)
}

/// A message as it came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sealed<'a> {
    /// The message, without what may follow it.
    whole: &'a [u8],
    pub(super) id: i64,
    pub(super) flags: Flags,
    pub(super) engine: &'a [u8],
    pub(super) boots: u32,
    pub(super) time: u32,
    pub(super) user: &'a [u8],
    pub(super) proof: &'a [u8],
    pub(super) salt: &'a [u8],
    /// The element with the data.
    pub(super) data: &'a [u8],
}

impl<'a> Sealed<'a> {
    /// Longer names of engines are none (RFC 3411 section 5).
    pub(super) const ENGINE: usize = 32;

    /// Reads one of version 3 and of the user-based security model.
    pub(super) fn read(datagram: &'a [u8]) -> Option<Self> {
        let (rest, _) = ber::any(datagram).ok()?;
        let whole = datagram.get(..datagram.len().checked_sub(rest.len())?)?;

        let number = || map_opt(ber::read_integer, |number| u32::try_from(number).ok());
        let flags = map_opt(ber::content(OCTETS), |flags: &[u8]| match flags {
            [flags] => Some(Flags(*flags)),
            _ => None,
        });
        let header = (
            ber::read_integer,
            ber::read_integer,
            flags,
            ber::read_integer,
        );
        let security = (
            ber::content(OCTETS),
            number(),
            number(),
            ber::content(OCTETS),
            ber::content(OCTETS),
            ber::content(OCTETS),
        );
        let security =
            ber::content(OCTETS).and_then(all_consuming(ber::within(SEQUENCE, security)));
        let version = verify(ber::read_integer, |version| *version == 3);
        let message = (
            version,
            ber::within(SEQUENCE, header),
            security,
            nom::combinator::rest,
        );
        let (_, (_, (id, _, flags, model), security, data)) =
            ber::within(SEQUENCE, message).parse(whole).ok()?;
        let (engine, boots, time, user, proof, salt) = security;
        (model == MODEL && engine.len() <= Self::ENGINE).then_some(Self {
            whole,
            id,
            flags,
            engine,
            boots,
            time,
            user,
            proof,
            salt,
            data,
        })
    }

    /// The message in three parts, with zeros in place of its proof: what the proof is for.
    pub(super) fn proven_parts(&self, zeros: &'a [u8]) -> Option<[&'a [u8]; 3]> {
        let (before, rest) = self.whole.split_at_checked(self.whole.offset(self.proof))?;
        let after = rest.get(self.proof.len()..)?;
        Some([before, zeros.get(..self.proof.len())?, after])
    }
}
