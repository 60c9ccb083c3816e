//! What a canary is known by: a token that nobody can guess, and when it was sent.

use core::fmt;
use core::str::FromStr;
use std::time::{Duration, SystemTime};

use nom::bytes::complete::{tag, take_while, take_while_m_n};
use nom::character::complete::u64 as number;
use nom::combinator::{all_consuming, map_opt, verify};
use nom::sequence::separated_pair;
use nom::{IResult, Parser};

/// What a canary is known by.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Mark {
    /// Its token, which no other has.
    pub token: Token,
    /// When it was sent, to the second, on the clock of whoever sent it.
    pub sent_at: SystemTime,
}

impl Mark {
    /// Reads the value of the field.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let (_, mark) = mark(value).ok()?;
        Some(mark)
    }
}

/// 128 bits that nobody can guess, shown as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Token(u128);

impl Token {
    /// A new one, from the system's source of randomness.
    ///
    /// # Errors
    /// [`TokenError::NoRandomness`].
    pub fn random() -> Result<Self, TokenError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| TokenError::NoRandomness)?;
        Ok(Self::from_bytes(bytes))
    }

    /// A chosen one, for tests.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Reads what is shown, and nothing else: small letters only.
impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let parsed = all_consuming(token).parse(text.as_bytes());
        parsed
            .map(|(_, token)| token)
            .map_err(|_| TokenError::Shape)
    }
}

/// Why there is no token.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
    /// It is not of 32 hexadecimal digits.
    #[error("a token has 32 hexadecimal digits, in small letters")]
    Shape,
}

/// ```abnf
/// mark = token SP 1*12DIGIT
/// ```
/// Our own: the value of [`Canary::FIELD`], the second part without leading zeros.
fn mark(input: &[u8]) -> IResult<&[u8], Mark> {
    /// The last second of the year 9999.
    const LAST: u64 = 253_402_300_799;
    let written = |digits: &&[u8]| digits.len() == 1 || !digits.starts_with(b"0");
    let digits = verify(
        take_while(|byte: u8| byte.is_ascii_digit()),
        move |digits: &[u8]| written(&digits),
    );
    let seconds = verify(digits.and_then(all_consuming(number)), |seconds| {
        *seconds <= LAST
    });
    let parts = separated_pair(token, tag(" "), seconds);
    let mut mark = all_consuming(map_opt(parts, |(token, seconds)| {
        let sent_at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
        Some(Mark { token, sent_at })
    }));
    mark.parse(input)
}

/// ```abnf
/// token = 32(DIGIT / %x61-66)
/// ```
/// Our own.
fn token(input: &[u8]) -> IResult<&[u8], Token> {
    let digits = take_while_m_n(32, 32, |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    map_opt(digits, |digits: &[u8]| {
        let digits = core::str::from_utf8(digits).ok()?;
        u128::from_str_radix(digits, 16).ok().map(Token)
    })
    .parse(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_are_read_as_they_are_shown() {
        let hex = "0123456789abcdef".repeat(2);
        let (one, other) = (Token::random().unwrap(), Token::random().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.to_string().parse(), Ok(one));
        assert_eq!(Token::from_bytes([0; 16]).to_string(), "0".repeat(32));
        for wrong in ["", &hex[1..], &format!("{hex}0"), &hex.to_uppercase()] {
            assert_eq!(wrong.parse::<Token>(), Err(TokenError::Shape));
        }
    }
}
