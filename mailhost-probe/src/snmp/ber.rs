//! The part of BER (X.690) that SNMP uses (RFC 3417 section 8): definite lengths, tags of one octet, integers, octet strings,
//! names of objects. What the values mean is not known here.
//!
//! ```text
//! element = tag length content
//! length  = octet below 128 / (128 + n) n*octet        ; n from 1 to 4
//! ```

use nom::bytes::complete::take;
use nom::combinator::{all_consuming, map_opt, verify};
use nom::number::complete::u8;
use nom::{IResult, Parser};
use zeroize::Zeroizing;

use super::oid::Oid;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const NAME: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

/// A length has at most so many octets of its own: no datagram is longer than two of them can say, but some agents always
/// write four.
const LENGTH: u8 = 4;

/// An element of these parts. What is written may be secret, so no piece of it stays behind.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length = parts.iter().map(|part| part.len()).sum();
    let mut out = Zeroizing::new(Vec::with_capacity(6 + length));
    out.push(tag);
    put_length(&mut out, length);
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// An integer, in as few octets as will do.
pub(super) fn integer(value: i64) -> Zeroizing<Vec<u8>> {
    let octets = value.to_be_bytes();
    let mut rest = octets.as_slice();
    while let [first, second, ..] = *rest {
        let is_filler = matches!((first, second & 0x80), (0, 0) | (0xff, 0x80));
        let Some(shorter) = rest.get(1..).filter(|_| is_filler) else {
            break;
        };
        rest = shorter;
    }
    element(INTEGER, &[rest])
}

/// The name of an object.
pub(super) fn name(name: &Oid) -> Zeroizing<Vec<u8>> {
    let mut content = Vec::with_capacity(16);
    let mut arcs = name.arcs().iter().copied();
    let (first, second) = (arcs.next().unwrap_or(0), arcs.next().unwrap_or(0));
    put_arc(&mut content, u64::from(first) * 40 + u64::from(second));
    for arc in arcs {
        put_arc(&mut content, u64::from(arc));
    }
    element(NAME, &[&content])
}

/// The next element, whatever it is.
pub(super) fn any(input: &[u8]) -> IResult<&[u8], (u8, &[u8])> {
    let (rest, tag) = u8(input)?;
    let (rest, length) = length(rest)?;
    let (rest, content) = take(length)(rest)?;
    Ok((rest, (tag, content)))
}

/// The content of the next element, which must have this tag.
pub(super) fn content<'a>(
    wanted: u8,
) -> impl Parser<&'a [u8], Output = &'a [u8], Error = nom::error::Error<&'a [u8]>> {
    verify(any, move |(tag, _): &(u8, &[u8])| *tag == wanted).map(|(_, content)| content)
}

/// The content of the next element, read to its end.
pub(super) fn within<'a, T>(
    wanted: u8,
    inner: impl Parser<&'a [u8], Output = T, Error = nom::error::Error<&'a [u8]>>,
) -> impl Parser<&'a [u8], Output = T, Error = nom::error::Error<&'a [u8]>> {
    content(wanted).and_then(all_consuming(inner))
}

/// An INTEGER.
pub(super) fn read_integer(input: &[u8]) -> IResult<&[u8], i64> {
    map_opt(content(INTEGER), signed).parse(input)
}

/// The content of an INTEGER.
pub(super) fn signed(content: &[u8]) -> Option<i64> {
    let negative = content.first()? & 0x80 != 0;
    let filler = if negative { 0xff } else { 0 };
    let excess = content.len().saturating_sub(8);
    let (head, tail) = content.split_at_checked(excess)?;
    if !head.iter().all(|octet| *octet == filler) {
        return None;
    }
    let value = fold(tail, if negative { u64::MAX } else { 0 }).cast_signed();
    (value.is_negative() == negative).then_some(value)
}

/// The content of an unsigned number. Some agents leave out the zero before a high bit, so no bit of it is a sign.
pub(super) fn unsigned(content: &[u8]) -> Option<u64> {
    if content.is_empty() {
        return None;
    }
    let excess = content.len().saturating_sub(8);
    let (head, tail) = content.split_at_checked(excess)?;
    head.iter().all(|octet| *octet == 0).then(|| fold(tail, 0))
}

/// The content of the name of an object.
pub(super) fn read_name(content: &[u8]) -> Option<Oid> {
    let mut arcs = Vec::with_capacity(16);
    let mut arc: u64 = 0;
    for octet in content {
        arc = (arc << 7) | u64::from(octet & 0x7f);
        if arc > u64::from(u32::MAX) + 80 {
            return None;
        }
        if octet & 0x80 != 0 {
            continue;
        }
        if arcs.is_empty() {
            let first = (arc / 40).min(2);
            arcs.push(u32::try_from(first).ok()?);
            arc -= first * 40;
        }
        arcs.push(u32::try_from(arc).ok()?);
        arc = 0;
        if arcs.len() > Oid::ARCS {
            return None;
        }
    }
    // The last octet ends an arc.
    let is_whole = content.last().is_some_and(|last| last & 0x80 == 0);
    is_whole.then(|| Oid::from(arcs))
}

fn length(input: &[u8]) -> IResult<&[u8], usize> {
    let (rest, first) = u8(input)?;
    if first < 0x80 {
        return Ok((rest, usize::from(first)));
    }
    let count = verify(
        |input| Ok::<_, nom::Err<nom::error::Error<&[u8]>>>((input, first & 0x7f)),
        |count| (1..=LENGTH).contains(count),
    );
    let (rest, count) = { count }.parse(rest)?;
    map_opt(take(count), |octets: &[u8]| {
        usize::try_from(unsigned(octets)?).ok()
    })
    .parse(rest)
}

fn fold(octets: &[u8], start: u64) -> u64 {
    let shift = |value: u64, octet: &u8| (value << 8) | u64::from(*octet);
    octets.iter().fold(start, shift)
}

/// In the short form where it will do, else in the shortest of the long ones.
fn put_length(out: &mut Vec<u8>, length: usize) {
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let octets = length.to_be_bytes();
            let zeros = octets.iter().take_while(|octet| **octet == 0).count();
            let octets = octets.get(zeros..).unwrap_or_default();
            out.push(0x80 | u8::try_from(octets.len()).unwrap_or(0));
            out.extend_from_slice(octets);
        }
    }
}

/// Seven bits an octet, the last without the high bit.
fn put_arc(out: &mut Vec<u8>, arc: u64) {
    let groups = (0..=4u32).rev().map(|group| arc >> (7 * group));
    let groups = groups.skip_while(|rest| *rest == 0).collect::<Vec<_>>();
    let last = groups.len().saturating_sub(1);
    if groups.is_empty() {
        out.push(0);
    }
    for (place, rest) in groups.into_iter().enumerate() {
        let bits = u8::try_from(rest & 0x7f).unwrap_or(0);
        out.push(if place == last { bits } else { bits | 0x80 });
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn integers_take_as_few_octets_as_will_do() {
        for (value, octets) in [
            (0, &[2, 1, 0][..]),
            (127, &[2, 1, 0x7f]),
            (128, &[2, 2, 0, 0x80]),
            (-128, &[2, 1, 0x80]),
            (-129, &[2, 2, 0xff, 0x7f]),
            (
                i64::MAX,
                &[2, 8, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            ),
        ] {
            assert_eq!(integer(value).as_slice(), octets);
            assert_eq!(read_integer(octets), Ok((&[][..], value)));
        }
    }

    #[test]
    fn an_integer_may_have_octets_that_say_nothing_but_not_more_bits_than_fit() {
        assert_eq!(signed(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 5]), Some(5));
        assert_eq!(signed(&[0xff; 12]), Some(-1));
        assert_eq!(signed(&[1, 0, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(signed(&[0, 0x80, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(signed(&[]), None);
    }

    #[test]
    fn an_unsigned_number_has_no_sign_whatever_its_first_bit() {
        assert_eq!(unsigned(&[0xff, 0xff, 0xff, 0xff]), Some(4_294_967_295));
        assert_eq!(unsigned(&[0, 0xff, 0xff, 0xff, 0xff]), Some(4_294_967_295));
        assert_eq!(unsigned(&[0xff; 8]), Some(u64::MAX));
        assert_eq!(unsigned(&[0xff; 9]), None);
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        let uptime = Oid::new(&[1, 3, 6, 1, 2, 1, 25, 1, 1, 0]);
        assert_eq!(
            name(&uptime).as_slice(),
            [6, 9, 0x2b, 6, 1, 2, 1, 25, 1, 1, 0]
        );
        for arcs in [
            &[1, 3, 6, 1, 4, 1, 2021][..],
            &[2, 4_294_967_295, 4_294_967_295],
            &[0, 0],
            &[2, 40],
        ] {
            let written = name(&Oid::new(arcs));
            let (_, (_, content)) = any(&written).unwrap();
            assert_eq!(read_name(content).unwrap().arcs(), arcs);
        }
    }

    #[test]
    fn a_name_has_no_more_than_128_arcs_each_of_32_bits() {
        let arcs = |count| [&[0x2b][..], &vec![1; count]].concat();
        assert!(read_name(&arcs(126)).is_some());
        assert!(read_name(&arcs(127)).is_none());
        assert!(read_name(&[0x2b, 0x8f, 0xff, 0xff, 0xff, 0x7f]).is_some());
        assert!(read_name(&[0x2b, 0x90, 0x80, 0x80, 0x80, 0x00]).is_none());
        assert!(read_name(&[0x2b, 0x81]).is_none());
        assert!(read_name(&[]).is_none());
    }

    #[test]
    fn a_length_has_at_most_four_octets_of_its_own() {
        assert_eq!(any(&[4, 0x84, 0, 0, 0, 1, 7]), Ok((&[][..], (4, &[7][..]))));
        assert!(any(&[4, 0x85, 0, 0, 0, 0, 1, 7]).is_err());
        // The indefinite form.
        assert!(any(&[4, 0x80, 7, 0, 0]).is_err());
        // More than there is.
        assert!(any(&[4, 2, 7]).is_err());
    }

    #[test]
    fn long_contents_have_long_lengths() {
        let written = element(OCTETS, &[&[7; 200], &[8; 100]]);
        assert_eq!(written.get(..4), Some(&[4, 0x82, 1, 0x2c][..]));
        assert_eq!(any(&written).unwrap().1.1.len(), 300);
    }
}
