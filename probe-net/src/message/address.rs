//! Whether an address can be written into a message and an envelope. What a server says of it is not known here.

use nom::branch::alt;
use nom::bytes::complete::{take_while_m_n, take_while1};
use nom::character::complete::char;
use nom::combinator::{all_consuming, recognize, verify};
use nom::multi::{many0_count, separated_list1};
use nom::sequence::{delimited, separated_pair};
use nom::{IResult, Parser};

/// What is wrong with an address.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It would begin a line of its own.
    #[error("contains CR, LF or NUL")]
    ForbiddenByte,
    /// It needs SMTPUTF8 (RFC 6531), with which a canary would test something else.
    #[error("is not in ASCII")]
    NotAscii,
    /// It is longer than every server must take (RFC 5321 section 4.5.3.1).
    #[error("is longer than servers must take")]
    TooLong,
    /// It is not of the form `local@domain`.
    #[error("is not of the form local@domain")]
    Shape,
}

/// RFC 5321 section 4.5.3.1.1.
const LOCAL_PART_OCTETS: usize = 64;

/// RFC 5321 section 4.5.3.1.3 allows a path 256, of which two are its brackets.
const ADDRESS_OCTETS: usize = 254;

/// Whether an address can be written into a message and an envelope as it is.
///
/// # Errors
/// Its fault.
pub fn check_address(address: &str) -> Result<(), AddressError> {
    if address.contains(['\r', '\n', '\0']) {
        return Err(AddressError::ForbiddenByte);
    }
    if !address.is_ascii() {
        return Err(AddressError::NotAscii);
    }
    let (_, local) = mailbox(address.as_bytes()).map_err(|_| AddressError::Shape)?;
    if local.len() > LOCAL_PART_OCTETS || address.len() > ADDRESS_OCTETS {
        return Err(AddressError::TooLong);
    }
    Ok(())
}

/// ```abnf
/// Mailbox    = Local-part "@" ( Domain / address-literal )
/// Local-part = Dot-string / Quoted-string
/// ```
/// RFC 5321 section 4.1.2. Leaves the local part.
fn mailbox(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let local = alt((dot_string, quoted_string));
    let whole = separated_pair(local, char('@'), alt((domain, address_literal)));
    let (rest, (local, _)) = all_consuming(whole).parse(input)?;
    Ok((rest, local))
}

/// ```abnf
/// Dot-string = Atom *("." Atom)
/// Atom       = 1*atext
/// ```
/// RFC 5321 section 4.1.2; `atext` is in RFC 5322 section 3.2.3.
fn dot_string(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let is_atext =
        |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    recognize(separated_list1(char('.'), take_while1(is_atext))).parse(input)
}

/// ```abnf
/// Quoted-string  = DQUOTE *QcontentSMTP DQUOTE
/// qtextSMTP      = %d32-33 / %d35-91 / %d93-126
/// quoted-pairSMTP = %d92 %d32-126
/// ```
/// RFC 5321 section 4.1.2.
fn quoted_string(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let text = take_while_m_n(
        1,
        1,
        |byte: u8| matches!(byte, 32..=33 | 35..=91 | 93..=126),
    );
    let pair = recognize((
        char('\\'),
        take_while_m_n(1, 1, |byte: u8| matches!(byte, 32..=126)),
    ));
    recognize((char('"'), many0_count(alt((text, pair))), char('"'))).parse(input)
}

/// ```abnf
/// Domain     = sub-domain *("." sub-domain)
/// sub-domain = Let-dig [Ldh-str]
/// ```
/// RFC 5321 section 4.1.2.
fn domain(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let label = take_while1(|byte: u8| byte.is_ascii_alphanumeric() || byte == b'-');
    let label = verify(label, |label: &[u8]| {
        !label.starts_with(b"-") && !label.ends_with(b"-") && label.len() < 64
    });
    recognize(separated_list1(char('.'), label)).parse(input)
}

/// ```abnf
/// address-literal = "[" ( IPv4-address-literal / IPv6-address-literal / General-address-literal ) "]"
/// ```
/// RFC 5321 section 4.1.3; which of them it is does not matter here.
fn address_literal(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let inner = take_while1(|byte: u8| byte.is_ascii_alphanumeric() || b":.-".contains(&byte));
    recognize(delimited(char('['), inner, char(']'))).parse(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_up_to_their_limits() {
        let local = |octets| format!("{}@b", "a".repeat(octets));
        assert_eq!(check_address(&local(LOCAL_PART_OCTETS)), Ok(()));
        assert_eq!(
            check_address(&local(LOCAL_PART_OCTETS + 1)),
            Err(AddressError::TooLong)
        );
        let whole = |octets: usize| {
            format!(
                "{}b",
                "a@".to_owned() + &"b.".repeat((octets - 3) / 2) + &"b".repeat((octets - 3) % 2)
            )
        };
        assert_eq!(
            (
                whole(ADDRESS_OCTETS).len(),
                check_address(&whole(ADDRESS_OCTETS))
            ),
            (254, Ok(()))
        );
        assert_eq!(
            check_address(&whole(ADDRESS_OCTETS + 1)),
            Err(AddressError::TooLong)
        );
    }
}
