//! Names of the domain name system (RFC 1035 section 3.1).

use core::fmt;
use core::hash::{Hash, Hasher};
use core::str::FromStr;

use hickory_proto::rr::Name as Wire;

/// A full name: what stands in a question or in a record. Upper and lower case are the same.
///
/// ```
/// use probe_net::dns::Name;
///
/// let zone: Name = "zen.example.org.".parse()?;
/// assert_eq!(zone.to_string(), "zen.example.org");
/// assert_eq!(zone.below("2.0.0.127")?.to_string(), "2.0.0.127.zen.example.org");
/// assert!("a..b".parse::<Name>().is_err());
/// # Ok::<(), probe_net::dns::NameError>(())
/// ```
#[derive(Clone)]
pub struct Name(pub(super) Wire);

impl Name {
    /// The root.
    pub fn root() -> Self {
        Self(Wire::root())
    }

    /// The name of these labels below this one.
    ///
    /// # Errors
    /// A label is empty or longer than 63 octets, or all is longer than 255.
    pub fn below(&self, labels: &str) -> Result<Self, NameError> {
        let mut name = Wire::new();
        for label in labels.split('.') {
            name = name.append_label(label.as_bytes()).map_err(|_| NameError)?;
        }
        let name = name.append_domain(&self.0).map_err(|_| NameError)?;
        Ok(Self(name))
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_root()
    }

    /// The name without its first label; the root's is the root.
    #[must_use]
    pub fn parent(&self) -> Self {
        Self(self.0.base_name())
    }

    /// Whether this is the other or lies below it.
    pub fn is_within(&self, other: &Self) -> bool {
        other.0.zone_of(&self.0)
    }

    /// Puts its letters in upper and lower case at random: whoever forges an answer has to guess them too.
    pub(super) fn randomize_case(&mut self) {
        self.0.randomize_label_case();
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let text = text.strip_suffix('.').unwrap_or(text);
        Self::root().below(text)
    }
}

/// Without the dot of the root at its end.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_ascii();
        match text.strip_suffix('.') {
            Some("") | None => f.pad(&text),
            Some(text) => f.pad(text),
        }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// A text is no name of the domain name system.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a domain name has labels of 1 to 63 octets, and 255 in all")]
#[non_exhaustive]
pub struct NameError;
