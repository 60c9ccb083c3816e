//! Names of objects (RFC 2578 section 7.1.3).

use core::fmt;

/// The name of an object: a path of numbers. They are in the order in which agents walk.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Oid(Vec<u32>);

impl Oid {
    /// No name has more numbers (RFC 2578 section 3.5).
    pub(super) const ARCS: usize = 128;

    pub(super) fn new(arcs: &[u32]) -> Self {
        Self(arcs.to_vec())
    }

    pub(super) fn arcs(&self) -> &[u32] {
        &self.0
    }

    /// What stands behind the name of a table's column, or of an object: which instance of it this is.
    pub(super) fn instance_of(&self, object: &[u32]) -> Option<&[u32]> {
        let instance = self.0.strip_prefix(object)?;
        (!instance.is_empty()).then_some(instance)
    }

    /// The one instance of an object that has no more.
    pub(super) fn scalar(object: &[u32]) -> Self {
        Self([object, &[0]].concat())
    }
}

impl From<Vec<u32>> for Oid {
    fn from(arcs: Vec<u32>) -> Self {
        Self(arcs)
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, arc) in self.0.iter().enumerate() {
            let dot = if place == 0 { "" } else { "." };
            write!(f, "{dot}{arc}")?;
        }
        Ok(())
    }
}
