//! The stapled OCSP response (RFC 6066 section 8, RFC 6960): what the server shows of its own standing.
//!
//! Only its status is read. Its signature is not checked: a server gains nothing by forging its own
//! revocation, and a forged "good" is worth as much as no answer.

use std::time::{Duration, SystemTime};

use x509_parser::asn1_rs::{Any, FromDer};
use x509_parser::time::ASN1Time;

/// What a stapled OCSP response says of the server's certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Revocation {
    /// Not revoked, said the responder.
    Good {
        /// When it said so.
        said_at: SystemTime,
        /// Until when that is worth something, if it said.
        until: Option<SystemTime>,
    },
    /// Revoked.
    Revoked {
        /// When.
        at: SystemTime,
    },
    /// The responder does not know this certificate.
    Unknown,
}

impl Revocation {
    /// Reads the response for the certificate with this serial number; `None` if it says nothing of it.
    pub(crate) fn parse(response: &[u8], serial: &[u8]) -> Option<Self> {
        let (_, response) = Any::from_der(response).ok()?;
        // OCSPResponse { responseStatus, [0] { responseType, response OCTET STRING } }
        let bytes = children(response.data).nth(1)?;
        let bytes = children(bytes.data).next()?;
        let basic = children(bytes.data).nth(1)?;
        // BasicOCSPResponse { tbsResponseData { [0] version?, responderID, producedAt, responses } .. }
        let (_, basic) = Any::from_der(basic.data).ok()?;
        let data = children(basic.data).next()?;
        let is_list = |member: &Any<'_>| member.header.tag().0 == SEQUENCE;
        let responses = children(data.data).find(is_list)?;
        children(responses.data).find_map(|single| single_response(single.data, serial))
    }
}

const SEQUENCE: u32 = 16;

/// SingleResponse { certID { .., serialNumber }, certStatus, thisUpdate, [0] nextUpdate? .. }
fn single_response(single: &[u8], serial: &[u8]) -> Option<Revocation> {
    let mut members = children(single);
    let id = members.next()?;
    if children(id.data).nth(3)?.data != serial {
        return None;
    }
    let status = members.next()?;
    match status.header.tag().0 {
        0 => Some(Revocation::Good {
            said_at: time(&members.next()?)?,
            until: members
                .next()
                .and_then(|next| children(next.data).next())
                .and_then(|next| time(&next)),
        }),
        1 => Some(Revocation::Revoked {
            at: time(&children(status.data).next()?)?,
        }),
        _ => Some(Revocation::Unknown),
    }
}

fn children(data: &[u8]) -> impl Iterator<Item = Any<'_>> {
    let mut rest = data;
    core::iter::from_fn(move || {
        let (after, member) = Any::from_der(rest).ok()?;
        rest = after;
        Some(member)
    })
}

fn time(member: &Any<'_>) -> Option<SystemTime> {
    let generalized = member.clone().generalizedtime().ok()?;
    let seconds = ASN1Time::new(generalized.utc_datetime().ok()?).timestamp();
    let seconds = u64::try_from(seconds).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}
