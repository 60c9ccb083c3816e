//! What a domain publishes about its mail: which servers may send it, how it is signed, what receivers are to do.
//!
//! [`PolicySurvey`] asks the name servers, [`fetch`] the web server that has the MTA-STS policy; both only learn. What
//! is thought of it is in [`FINDINGS`].
//!
//! ```
//! use mx_check::policy::{Options, PolicySurvey, fetch, judge, policy_url};
//! use probe_core::{Context, HostName, Phase};
//! use probe_net::dns::{Resolver, survey};
//! use probe_net::http::Client;
//! use probe_net::{Log, Net};
//!
//! # async fn ask(resolver: Resolver, net: Net) -> Result<(), Box<dyn std::error::Error>> {
//! let domain: HostName = "example.org".parse()?;
//! let mut log = Log::begin(&Context::default());
//! let mut machine = PolicySurvey::new(Options::new(domain.clone()).with_selectors(["mail2026"]));
//! survey(&resolver, &mut machine, Phase::new("policy"), &mut log).await?;
//! let mut facts = machine.into_facts();
//! if !facts.mta_sts.published.records.is_empty() {
//!     let policy = fetch(Client::new(net), policy_url(&domain)?, &mut log).await;
//!     facts.mta_sts.fetch = Some(policy);
//! }
//! for finding in judge(&facts, &["mx.example.org".parse()?]) {
//!     println!("{finding}");
//! }
//! # Ok(())
//! # }
//! ```

use core::net::IpAddr;

use probe_core::HostName;
use probe_net::dns::{Answer, Ask, Survey, Trouble};

mod caa;
mod check;
mod dmarc;
mod expand;
mod facts;
mod fetch;
mod findings;
mod judge;
mod known;
mod published;
mod tree;

pub use caa::{Caa, CaaFacts};
pub use check::{SpfCheck, SpfResult};
pub use dmarc::{Destination, DmarcFacts, DmarcPolicy};
pub use expand::Sender;
pub use facts::{DkimFacts, MtaStsFacts, PolicyFacts};
pub use fetch::{Fetched, PolicyFetch, fetch, policy_url};
pub use findings::FINDINGS;
pub use judge::judge;
pub use known::Lack;
pub use published::{Published, Text};
pub use tree::{SpfFacts, SpfNode, SpfTree};

use known::Known;

/// What is looked for.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// Whose policies.
    pub domain: HostName,
    /// Addresses that belong to it, to see whether they may send its mail: those that take it need not.
    pub addresses: Vec<IpAddr>,
    /// Addresses that send its mail, and so have to be allowed to. Of these and the others together, more than
    /// [`SpfFacts::ADDRESSES`] are not looked at; these come first.
    pub senders: Vec<IpAddr>,
    /// The selectors that its mail is signed with; of more than [`Options::SELECTORS`] the first.
    pub selectors: Vec<String>,
}

impl Options {
    /// More selectors are not looked for.
    pub const SELECTORS: usize = 16;

    /// The policies of this domain.
    pub const fn new(domain: HostName) -> Self {
        Self {
            domain,
            addresses: Vec::new(),
            senders: Vec::new(),
            selectors: Vec::new(),
        }
    }

    /// Looks whether these may send its mail; where they may not, that is no fault.
    #[must_use]
    pub fn with_addresses(mut self, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.addresses.extend(addresses);
        self
    }

    /// Looks whether these may send its mail, as they do.
    #[must_use]
    pub fn with_senders(mut self, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.senders.extend(addresses);
        self
    }

    /// Looks for the keys of these selectors.
    #[must_use]
    pub fn with_selectors<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.selectors.extend(names.into_iter().map(Into::into));
        self
    }
}

/// The machine that asks for all records of mail policy. It has no socket and no clock: [`survey`] leads it.
///
/// [`survey`]: probe_net::dns::survey()
#[derive(Debug)]
pub struct PolicySurvey {
    options: Options,
    known: Known,
}

impl PolicySurvey {
    /// Looks for these.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            known: Known::default(),
        }
    }

    /// What was learned, also where not all questions were answered.
    pub fn into_facts(mut self) -> PolicyFacts {
        PolicyFacts::look(&mut self.known, &self.options)
    }
}

impl Survey for PolicySurvey {
    /// What a look leaves open is what to ask.
    fn begin(&mut self) -> Vec<Ask> {
        PolicyFacts::look(&mut self.known, &self.options);
        self.known.asks()
    }

    fn answered(&mut self, tag: u64, outcome: Result<Answer, Trouble>) -> Vec<Ask> {
        if !self.known.hear(tag, outcome) {
            return Vec::new();
        }
        PolicyFacts::follow(&mut self.known, &self.options);
        self.known.asks()
    }
}

/// The machine that asks what SPF says of one sender (RFC 7208 section 4, `check_host`).
#[derive(Debug)]
pub struct SpfSurvey {
    sender: Sender,
    known: Known,
}

impl SpfSurvey {
    /// Asks what is said of this one.
    pub fn new(sender: Sender) -> Self {
        Self {
            sender,
            known: Known::default(),
        }
    }

    /// What is said; without a result where not all questions were answered.
    pub fn into_check(mut self) -> SpfCheck {
        check::check(&mut self.known, &self.sender, true)
    }

    fn think(&mut self) -> Vec<Ask> {
        check::check(&mut self.known, &self.sender, true);
        self.known.asks()
    }
}

impl Survey for SpfSurvey {
    fn begin(&mut self) -> Vec<Ask> {
        self.think()
    }

    fn answered(&mut self, tag: u64, outcome: Result<Answer, Trouble>) -> Vec<Ask> {
        match self.known.hear(tag, outcome) {
            true => self.think(),
            false => Vec::new(),
        }
    }
}
