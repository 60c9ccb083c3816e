//! The ways to authenticate, and which of those offered to take.

use core::fmt;

use super::credentials::{Credentials, Kind};
use super::scram::ChannelBinding;
use crate::tls::TlsFacts;

/// A way to authenticate.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Mechanism {
    /// RFC 4505: as nobody.
    Anonymous,
    /// RFC 2195. It protects the password on the way, but the server must know it in clear.
    CramMd5,
    /// RFC 4422 appendix A: as whom the client certificate names.
    External,
    /// draft-murchison-sasl-login: PLAIN in two steps.
    Login,
    /// RFC 7628: with a token.
    OAuthBearer,
    /// RFC 4616: the password itself.
    Plain,
    /// RFC 5802.
    ScramSha1,
    /// RFC 5802, tied to the TLS channel.
    ScramSha1Plus,
    /// RFC 7677.
    ScramSha256,
    /// RFC 7677, tied to the TLS channel.
    ScramSha256Plus,
    /// Google's forerunner of OAUTHBEARER.
    XOAuth2,
}

impl Mechanism {
    /// All that are known here, the strongest first.
    pub const ALL: &'static [Self] = &[
        Self::External,
        Self::ScramSha256Plus,
        Self::ScramSha1Plus,
        Self::ScramSha256,
        Self::ScramSha1,
        Self::OAuthBearer,
        Self::XOAuth2,
        Self::CramMd5,
        Self::Plain,
        Self::Login,
        Self::Anonymous,
    ];

    /// The name that servers offer it by.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "ANONYMOUS",
            Self::CramMd5 => "CRAM-MD5",
            Self::External => "EXTERNAL",
            Self::Login => "LOGIN",
            Self::OAuthBearer => "OAUTHBEARER",
            Self::Plain => "PLAIN",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::XOAuth2 => "XOAUTH2",
        }
    }

    /// The mechanism of this name, in any case of letters.
    pub fn named(name: &[u8]) -> Option<Self> {
        let same = |known: &Self| known.as_str().as_bytes().eq_ignore_ascii_case(name);
        Self::ALL.iter().copied().find(same)
    }

    pub(super) const fn binds_channel(self) -> bool {
        matches!(self, Self::ScramSha1Plus | Self::ScramSha256Plus)
    }

    /// Whether whoever reads the exchange has the secret.
    pub const fn shows_the_secret(self) -> bool {
        matches!(
            self,
            Self::Login | Self::OAuthBearer | Self::Plain | Self::XOAuth2
        )
    }

    /// Whether these credentials are of the kind that it takes.
    pub fn takes(self, credentials: &Credentials) -> bool {
        match credentials.0 {
            Kind::Anonymous { .. } => self == Self::Anonymous,
            Kind::External { .. } => self == Self::External,
            Kind::Token { .. } => matches!(self, Self::OAuthBearer | Self::XOAuth2),
            Kind::Password { .. } => !matches!(
                self,
                Self::Anonymous | Self::External | Self::OAuthBearer | Self::XOAuth2
            ),
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The offered mechanisms that these credentials fit, the strongest first.
pub fn candidates(
    offered: &[Mechanism],
    credentials: &Credentials,
    tls: Option<&TlsFacts>,
) -> Vec<Mechanism> {
    let usable = |mechanism: &Mechanism| {
        offered.contains(mechanism)
            && mechanism.takes(credentials)
            && (!mechanism.binds_channel() || ChannelBinding::of(tls).is_some())
    };
    Mechanism::ALL.iter().copied().filter(usable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alice() -> Credentials {
        Credentials::password("alice", "wonder land").unwrap()
    }

    #[test]
    fn the_strongest_offered_mechanism_that_can_work_comes_first() {
        use Mechanism::*;
        let offered = [
            Plain,
            Login,
            CramMd5,
            ScramSha1,
            ScramSha256,
            ScramSha256Plus,
            XOAuth2,
            External,
        ];
        assert_eq!(
            candidates(&offered, &alice(), None),
            [ScramSha256, ScramSha1, CramMd5, Plain, Login]
        );
        let token = Credentials::token("alice", "t").unwrap();
        assert_eq!(candidates(&offered, &token, None), [XOAuth2]);
        let external = Credentials::external(None).unwrap();
        assert_eq!(candidates(&offered, &external, None), [External]);
    }
}
