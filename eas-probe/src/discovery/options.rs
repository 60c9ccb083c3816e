//! What may be asked, and who may be shown credentials. The builder finds every mistake of the caller.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use probe_core::HostName;
use probe_net::Net;
use probe_net::dns::Resolver;
use probe_net::sasl::Credentials;

use super::probe::DiscoveryProbe;

/// How ActiveSync is looked for; made by [`DiscoveryProbe::builder`].
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are built"]
pub struct Options {
    pub(super) net: Net,
    pub(super) resolver: Option<Resolver>,
    address: Option<String>,
    pub(super) credentials: Option<Credentials>,
    pub(super) allowed: Vec<HostName>,
    pub(super) all_steps: bool,
    pub(super) microsoft: bool,
    pub(super) patience: Duration,
    pub(super) https_port: u16,
    pub(super) http_port: u16,
}

impl Options {
    pub(super) fn new(net: Net) -> Self {
        Self {
            net,
            resolver: None,
            address: None,
            credentials: None,
            allowed: Vec::new(),
            all_steps: false,
            microsoft: false,
            patience: Self::PATIENCE,
            https_port: 443,
            http_port: 80,
        }
    }

    /// How long one phase of one step may take without [`Options::patience`]: many places are tried, and most are not there.
    pub const PATIENCE: Duration = Duration::from_secs(5);

    /// Asks this resolver for the SRV record of the domain; without one, that step is left out.
    pub fn resolver(mut self, resolver: Resolver) -> Self {
        self.resolver = Some(resolver);
        self
    }

    /// Asks where this mailbox is.
    ///
    /// Without this option it is the user of the credentials, if that is an address, and else `postmaster` of the domain: of
    /// all mailboxes the one that there must be (RFC 5321 section 4.5.1), since some servers answer only for those that are.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// Shows these to the domain itself, to `autodiscover.` beneath it, and to hosts that are
    /// [allowed](Self::allow_host), each over TLS that verified; elsewhere, it is asked without them. Once they are refused
    /// they are shown to nobody again: too many tries lock an account.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Shows the credentials to this host too, if the domain sends us there.
    pub fn allow_host(mut self, host: HostName) -> Self {
        self.allowed.push(host);
        self
    }

    /// Asks both versions of Autodiscover, also where the first has found something: do they say the same?
    pub fn all_steps(mut self, all: bool) -> Self {
        self.all_steps = all;
        self
    }

    /// Asks Microsoft 365 too, where the domain's own hosts do not know. It is told the address.
    pub fn microsoft(mut self, ask: bool) -> Self {
        self.microsoft = ask;
        self
    }

    /// How long one phase of one step may take.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The port of the domain's HTTPS servers, where it is not 443.
    pub fn https_port(mut self, port: u16) -> Self {
        self.https_port = port;
        self
    }

    /// The port at which a redirect in clear is looked for, where it is not 80.
    pub fn http_port(mut self, port: u16) -> Self {
        self.http_port = port;
        self
    }

    /// The probe.
    ///
    /// # Errors
    /// Options of which no request can be made.
    pub fn build(self) -> Result<DiscoveryProbe, ConfigError> {
        if let Some(address) = &self.address
            && address.parse::<Address>().is_err()
        {
            return Err(ConfigError::Address);
        }
        if self.patience.is_zero() {
            return Err(ConfigError::Patience);
        }
        let password = self.credentials.as_ref().and_then(Credentials::as_password);
        match password.is_some_and(|(user, _)| user.contains(':')) {
            true => Err(ConfigError::UserName),
            false => Ok(DiscoveryProbe::new(self)),
        }
    }

    /// Whose mailbox is asked about; nobody's, if the domain is too long to have one.
    pub(super) fn address_at(&self, domain: &HostName) -> Option<Address> {
        if let Some(address) = &self.address {
            return address.parse().ok();
        }
        let user = self.credentials.as_ref().map(Credentials::user);
        user.and_then(|user| user.parse().ok())
            .or_else(|| format!("postmaster@{domain}").parse().ok())
    }
}

/// The address of a mailbox, as far as Autodiscover can carry it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Address {
    whole: String,
    domain: HostName,
}

impl Address {
    /// The most octets (RFC 5321 section 4.5.3.1.3).
    pub const LONGEST: usize = 254;

    /// Behind the `@`.
    pub fn domain(&self) -> &HostName {
        &self.domain
    }

    /// All of it.
    pub fn as_str(&self) -> &str {
        &self.whole
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.whole)
    }
}

impl FromStr for Address {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let is_odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | '@');
        let (local, domain) = text.rsplit_once('@').ok_or(ConfigError::Address)?;
        if local.is_empty() || local.contains(is_odd) || text.len() > Self::LONGEST {
            return Err(ConfigError::Address);
        }
        Ok(Self {
            whole: text.to_owned(),
            domain: domain.parse().map_err(|_| ConfigError::Address)?,
        })
    }
}

/// Why options cannot be built into a probe.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Nobody can be asked about.
    #[error("an e-mail address is up to 254 octets, with one @ and a host name behind it")]
    Address,
    /// Nothing would be waited for.
    #[error("a patience is longer than nothing")]
    Patience,
    /// HTTP's Basic authentication cannot carry this user name (RFC 7617 section 2).
    #[error("a user name with a colon in it cannot be shown over HTTP")]
    UserName,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_that_a_request_can_carry() {
        let address: Address = "o'hara+test@Example.org".parse().unwrap();
        assert_eq!(address.domain().as_str(), "example.org");
        for odd in [
            "",
            "alice",
            "@a.org",
            "alice@",
            "a b@a.org",
            "<a>@a.org",
            "a@b@a.org",
            "a\n@a.org",
            "a@[192.0.2.1]",
            "a@192.0.2.1",
        ] {
            assert_eq!(odd.parse::<Address>(), Err(ConfigError::Address), "{odd}");
        }
        let long = |letters: usize| format!("{}@a.org", "a".repeat(letters)).parse::<Address>();
        assert!(long(248).is_ok());
        assert_eq!(long(249), Err(ConfigError::Address));
    }
}
