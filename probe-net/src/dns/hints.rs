//! Where the root is.

use core::net::{IpAddr, SocketAddr};
use std::path::Path;

/// The servers of the root zone, where every [walk](super::Walk) begins.
///
/// ```
/// use probe_net::dns::RootHints;
///
/// let own = RootHints::parse(". 3600000 NS a.root.test.\na.root.test. 3600000 A 192.0.2.1\n");
/// assert_eq!(own.unwrap().servers(), ["192.0.2.1:53".parse().unwrap()]);
/// assert!(RootHints::builtin().servers().len() >= 26);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RootHints(Vec<SocketAddr>);

impl RootHints {
    /// Those of the internet, as hickory-proto knows them.
    pub fn builtin() -> Self {
        let servers = hickory_proto::ROOTS.iter();
        Self(servers.map(|server| SocketAddr::new(*server, 53)).collect())
    }

    /// Those in a file of hints, in the form of zone files, such as IANA's `named.root`: its A and AAAA records.
    ///
    /// # Errors
    /// There is no address in it.
    pub fn parse(text: &str) -> Result<Self, RootHintsError> {
        let lines = text
            .lines()
            .map(|line| line.split(';').next().unwrap_or_default());
        let address = |line: &str| {
            let mut words = line.split_ascii_whitespace().skip_while(|word| {
                !word.eq_ignore_ascii_case("A") && !word.eq_ignore_ascii_case("AAAA")
            });
            words.nth(1)?.parse::<IpAddr>().ok()
        };
        let servers: Vec<_> = lines
            .filter_map(address)
            .map(|it| SocketAddr::new(it, 53))
            .collect();
        match servers.is_empty() {
            true => Err(RootHintsError("there is no address in it".to_owned())),
            false => Ok(Self(servers)),
        }
    }

    /// The same from a file.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), or the file cannot be read.
    pub fn read(file: &Path) -> Result<Self, RootHintsError> {
        let text = std::fs::read_to_string(file);
        Self::parse(&text.map_err(|error| RootHintsError(error.to_string()))?)
    }

    /// Whether they are those of the internet.
    pub fn is_builtin(&self) -> bool {
        *self == Self::builtin()
    }

    /// The servers.
    pub fn servers(&self) -> &[SocketAddr] {
        &self.0
    }
}

/// Why hints cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the hints of the root cannot be used: {0}")]
pub struct RootHintsError(String);
