//! What may be asked. The builder checks everything, so a probe that was built can only find faults of others.

use std::collections::HashMap;
use std::sync::Arc;

use probe_core::Secret;
use probe_net::dns::{Resolver, RootHints};

use crate::catalogue::{Catalogue, List, Profile};
use crate::probe::DnsblProbe;
use crate::progress::Progress;

/// Everything that can be asked of blacklists, and how; made by [`DnsblProbe::builder`].
///
/// ```
/// use dnsbl_probe::{Catalogue, DnsblProbe, Profile};
/// use probe_net::dns::Resolver;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let resolver = Resolver::new(["192.0.2.53:53".parse()?]);
/// let probe = DnsblProbe::builder(resolver)
///     .catalogue(Catalogue::builtin().profile(Profile::Wide))
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are built"]
pub struct Options {
    pub(crate) resolver: Resolver,
    catalogue: Catalogue,
    pub(crate) lists: Vec<Arc<List>>,
    pub(crate) keys: HashMap<String, Secret>,
    pub(crate) tests: bool,
    pub(crate) reasons: bool,
    pub(crate) threshold: Option<i64>,
    pub(crate) roots: Option<RootHints>,
    pub(crate) progress: Progress,
}

impl Options {
    pub(crate) fn new(resolver: Resolver) -> Self {
        Self {
            resolver,
            catalogue: Catalogue::builtin().profile(Profile::Core),
            lists: Vec::new(),
            keys: HashMap::new(),
            tests: true,
            reasons: true,
            threshold: None,
            roots: None,
            progress: Progress::default(),
        }
    }

    /// The lists to ask. By default those of [`Profile::Core`].
    pub fn catalogue(mut self, lists: Catalogue) -> Self {
        self.catalogue = lists;
        self
    }

    /// The key that a list wants before its zone. It is masked wherever it would show.
    pub fn key(mut self, zone: &str, key: impl Into<Secret>) -> Self {
        self.keys.insert(zone.to_ascii_lowercase(), key.into());
        self
    }

    /// Whether each list is tested first, by what must be on it and what must not (RFC 5782 section 5). On by default:
    /// without it every list is believed that answers.
    pub fn tests(mut self, wanted: bool) -> Self {
        self.tests = wanted;
        self
    }

    /// Whether lists are asked for their reason where there is a listing. On by default.
    pub fn reasons(mut self, wanted: bool) -> Self {
        self.reasons = wanted;
        self
    }

    /// What all listings must weigh together, at least, to be critical: as postscreen counts
    /// (`postscreen_dnsbl_threshold`). Each by itself is then a warning. Without it, each is critical.
    pub fn threshold(mut self, score: i64) -> Self {
        self.threshold = Some(score);
        self
    }

    /// Asks the lists' own servers, which are looked for from this root down, and no resolver: whoever shares a resolver
    /// with many is refused by lists for what the others ask.
    pub fn authoritative(mut self, root: RootHints) -> Self {
        self.roots = Some(root);
        self
    }

    /// Tells by this how far it is.
    pub fn progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }

    /// The probe.
    ///
    /// # Errors
    /// Options that cannot be.
    pub fn build(mut self) -> Result<DnsblProbe, ConfigError> {
        if self.catalogue.lists().is_empty() {
            return Err(ConfigError::NoList);
        }
        if self.resolver.servers().is_empty() && self.roots.is_none() {
            return Err(ConfigError::NoServer);
        }
        for (zone, key) in &self.keys {
            if self.catalogue.get(zone).is_none() {
                return Err(ConfigError::KeyOfNobody(zone.clone()));
            }
            if !is_label(key.expose()) {
                return Err(ConfigError::Key(zone.clone()));
            }
        }
        self.lists = self
            .catalogue
            .lists()
            .iter()
            .cloned()
            .map(Arc::new)
            .collect();
        Ok(DnsblProbe::new(self))
    }
}

/// Whether a key can stand in a name.
fn is_label(key: &[u8]) -> bool {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=63).contains(&key.len()) && key.iter().all(fits)
}

/// Why options cannot be built into a probe.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A key stands in a name.
    #[error("the key of {0} is no label of letters, digits and hyphens, at most 63")]
    Key(String),
    /// There is a key for a list that is not asked.
    #[error("there is a key of {0}, which is not among the lists")]
    KeyOfNobody(String),
    /// There is no list to ask.
    #[error("there is no list to be asked")]
    NoList,
    /// There is nobody to ask for them.
    #[error("there is no name server to be asked")]
    NoServer,
}
