//! Forms of addresses by which servers have been led to relay: source routes (RFC 5321 appendix C), the percent and
//! bang forms (RFC 1123 section 5.2.16), quotes around them, literals. How they are said is the dialogue's.

use core::net::IpAddr;

use crate::address::{Address, Path, Sender};
use crate::command::EhloName;

/// A relay test: an address to send from and one to send to, in domains that the server has nothing to do with. All
/// forms are made of these two, and both should be the caller's own.
///
/// ```
/// use smtp_probe::{RelayTest, RelayTestError};
///
/// assert!(RelayTest::new("me@example.net".parse()?, "you@example.com".parse()?).is_ok());
/// let quoted = "\"you and me\"@example.com".parse()?;
/// assert_eq!(RelayTest::new("me@example.net".parse()?, quoted), Err(RelayTestError::Recipient));
/// # Ok::<(), smtp_probe::AddressError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RelayTest {
    sender: Address,
    recipient: Halves,
}

impl RelayTest {
    /// A test that would send from the one to the other.
    ///
    /// # Errors
    /// Forms are made of the recipient's two halves, so it must have both, with nothing in them that needs quotes.
    pub fn new(sender: Address, recipient: Address) -> Result<Self, RelayTestError> {
        if sender.domain().is_none() || !sender.is_ascii() {
            return Err(RelayTestError::Sender);
        }
        let recipient = Halves::of(&recipient).ok_or(RelayTestError::Recipient)?;
        Ok(Self { sender, recipient })
    }

    /// All forms, for a server of this name at this address; none twice.
    ///
    /// Postfix hangs up behind 20 refusals in one session (`smtpd_hard_error_limit`). Who asks for no more than these,
    /// and for one more name to begin with, hears all answers.
    pub(crate) fn attempts(&self, here: &Place) -> Vec<RelayAttempt> {
        let stranger = Sender::Address(self.sender.clone());
        let insider = |domain: &str| {
            let address = format!("postmaster@{domain}").parse();
            address.ok().map(Sender::Address)
        };
        let whole = self.recipient.whole();
        let from = |sender: Option<Sender>, recipient: String| {
            Some(RelayAttempt::new(sender?, Path::of_parts(recipient)?))
        };
        let mut attempts = vec![
            from(Some(stranger.clone()), whole.clone()),
            from(Some(Sender::Null), whole.clone()),
            from(insider(here.name.as_str()), whole.clone()),
            from(here.literal().and_then(|it| insider(&it)), whole),
        ];
        for path in self.paths(here) {
            attempts.push(from(Some(stranger.clone()), path));
        }
        let mut unique: Vec<RelayAttempt> = Vec::new();
        for attempt in attempts.into_iter().flatten() {
            if !unique.contains(&attempt) {
                unique.push(attempt);
            }
        }
        unique
    }

    /// The forms of the recipient that are not simply its address.
    fn paths(&self, here: &Place) -> Vec<String> {
        let Halves { user, host } = &self.recipient;
        let whole = self.recipient.whole();
        let local = here.name.as_str();
        let mut paths = vec![
            self.recipient.percent(local),
            format!("{host}!{user}@{local}"),
            format!("\"{whole}\"@{local}"),
            format!("{whole}@{local}"),
            format!("@{local}:{whole}"),
            // Without a domain, so that the server adds its own.
            format!("\"{whole}\""),
            format!("\"{user}%{host}\""),
            format!("{user}%{host}"),
            format!("{host}!{user}"),
        ];
        if let Some(literal) = here.literal() {
            paths.extend([
                self.recipient.percent(&literal),
                format!("{host}!{user}@{literal}"),
                format!("\"{whole}\"@{literal}"),
                format!("{whole}@{literal}"),
                format!("@{literal}:{whole}"),
            ]);
        }
        paths
    }
}

/// The server that is asked to relay.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    /// What it is called.
    pub(crate) name: EhloName,
    /// Where it is.
    pub(crate) address: Option<IpAddr>,
}

impl Place {
    /// Its address, as a domain.
    fn literal(&self) -> Option<String> {
        let literal = EhloName::from(self.address?);
        (literal != self.name).then(|| literal.to_string())
    }
}

/// An address whose halves can be put together anew.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Halves {
    user: String,
    host: String,
}

impl Halves {
    fn of(address: &Address) -> Option<Self> {
        let (user, host) = address.as_str().rsplit_once('@')?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
        (user.chars().all(is_plain) && host.chars().all(is_plain)).then(|| Self {
            user: user.to_owned(),
            host: host.to_owned(),
        })
    }

    fn whole(&self) -> String {
        format!("{}@{}", self.user, self.host)
    }

    fn percent(&self, domain: &str) -> String {
        format!("{}%{}@{domain}", self.user, self.host)
    }
}

/// One form: who is said to send, and to whom.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RelayAttempt {
    /// Who is said to send.
    pub sender: Sender,
    /// Where the mail would go.
    pub recipient: Path,
}

impl RelayAttempt {
    pub(crate) const fn new(sender: Sender, recipient: Path) -> Self {
        Self { sender, recipient }
    }

    /// Whether a server that takes any name in its own domain would take this one without relaying anything.
    pub(crate) fn may_be_local(&self, host: &str) -> bool {
        !self.recipient.as_str().ends_with(&format!("@{host}"))
    }
}

impl core::fmt::Display for RelayAttempt {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "from <{}> to <{}>", self.sender, self.recipient)
    }
}

/// Why there is no relay test.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RelayTestError {
    /// Nothing can be made of the recipient.
    #[error("the recipient of a relay test has the form user@host, with nothing that needs quotes")]
    Recipient,
    /// The sender has no domain, or is not in ASCII.
    #[error("the sender of a relay test has a domain, and is in ASCII")]
    Sender,
}

impl RelayTest {
    /// The domain that the server is not responsible for.
    pub(crate) fn foreign(&self) -> &str {
        &self.recipient.host
    }
}
