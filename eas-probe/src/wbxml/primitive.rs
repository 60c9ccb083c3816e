//! The smallest parts of WBXML: numbers, strings, opaque octets (WBXML 1.3 section 5).

use nom::bytes::complete::{take, take_till, take_while_m_n};
use nom::combinator::{map_opt, verify};
use nom::number::complete::u8;
use nom::sequence::terminated;
use nom::{IResult, Parser};

/// Octets of a number of 32 bits, in sevens.
const MOST_OCTETS: usize = 5;
/// Bit of an octet that another follows.
const MORE: u8 = 0x80;

/// `mb_u_int32`: seven bits an octet, the most significant first. Five octets could carry 35 bits; what does not fit 32
/// is refused.
pub(super) fn mb_u_int32(input: &[u8]) -> IResult<&[u8], u32> {
    let high = take_while_m_n(0, MOST_OCTETS - 1, |octet| octet & MORE != 0);
    let last = verify(u8, |octet| octet & MORE == 0);
    map_opt((high, last), |(high, last): (&[u8], u8)| {
        high.iter().chain([&last]).try_fold(0_u32, |value, octet| {
            value.checked_mul(128)?.checked_add((octet & !MORE).into())
        })
    })
    .parse(input)
}

/// `termstr`: octets, none of them zero, and a zero.
pub(super) fn termstr(input: &[u8]) -> IResult<&[u8], &[u8]> {
    terminated(take_till(|octet| octet == 0), u8).parse(input)
}

/// So many octets, whatever they are.
pub(super) fn octets(length: u32) -> impl FnMut(&[u8]) -> IResult<&[u8], &[u8]> {
    move |input| take(length).parse(input)
}

/// Writes a number in as few octets as possible.
pub(super) fn put_mb_u_int32(value: u32, out: &mut Vec<u8>) {
    let groups = (1..5).rev().map(|group| value >> (7 * group));
    for group in groups.filter(|group| *group != 0) {
        out.push(MORE | low(group));
    }
    out.push(low(value));
}

/// The seven low bits.
fn low(value: u32) -> u8 {
    value.to_le_bytes()[0] & !MORE
}

#[cfg(test)]
mod tests {
    use nom::error::ErrorKind;
    use proptest::prelude::*;

    use super::*;

    fn fault(input: &[u8]) -> Option<ErrorKind> {
        match mb_u_int32(input) {
            Err(nom::Err::Error(error)) => Some(error.code),
            _ => None,
        }
    }

    #[test]
    fn numbers_are_read_by_seven_bits() {
        assert_eq!(mb_u_int32(&[0x6A, 9]), Ok((&[9][..], 0x6A)));
        assert_eq!(mb_u_int32(&[0x81, 0x20]), Ok((&[][..], 0xA0)));
        assert_eq!(
            mb_u_int32(&[0x80, 0x80, 0x80, 0x80, 0x01]),
            Ok((&[][..], 1))
        );
        assert_eq!(
            mb_u_int32(&[0x8F, 0xFF, 0xFF, 0xFF, 0x7F]),
            Ok((&[][..], u32::MAX))
        );
    }

    #[test]
    fn a_number_beyond_32_bits_is_refused() {
        let overflow = Some(ErrorKind::MapOpt);
        assert_eq!(fault(&[0x90, 0x80, 0x80, 0x80, 0x00]), overflow);
        assert_eq!(fault(&[0xFF, 0xFF, 0xFF, 0xFF, 0x7F]), overflow);
    }

    #[test]
    fn a_number_of_six_octets_is_refused() {
        let six = [0x80, 0x80, 0x80, 0x80, 0x80, 0x01];
        assert_eq!(fault(&six), Some(ErrorKind::Verify));
    }

    #[test]
    fn a_number_that_ends_too_early_is_told_from_one_that_is_too_large() {
        for end in 0..5 {
            assert_eq!(fault(&[0x8F; 5][..end]), Some(ErrorKind::Eof));
        }
    }

    #[test]
    fn zero_is_one_octet() {
        let mut out = Vec::new();
        put_mb_u_int32(0, &mut out);
        assert_eq!(out, [0]);
    }

    #[test]
    fn a_string_ends_at_its_zero() {
        assert_eq!(termstr(b"ab\0c"), Ok((&b"c"[..], &b"ab"[..])));
        assert!(termstr(b"ab").is_err());
    }

    proptest! {
        #[test]
        fn numbers_are_read_as_they_were_written(value: u32) {
            let mut out = Vec::new();
            put_mb_u_int32(value, &mut out);
            prop_assert!(out.len() <= MOST_OCTETS);
            prop_assert_eq!(mb_u_int32(&out), Ok((&[][..], value)));
        }
    }
}
