//! The SNMP agent of a mail host: its queue by MTA-MIB, the machine by HOST-RESOURCES-MIB and UCD-SNMP-MIB, in versions 1, 2c
//! and 3. It is the one dialogue of this crate, so it has the rooms of one: `session.rs` says and hears messages, `walk.rs`
//! decides what is asked, `reading.rs` makes facts of the values.

mod access;
mod ber;
mod dialogue;
mod facts;
mod findings;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod message;
mod mib;
mod oid;
mod options;
mod probe;
mod reading;
mod secured;
mod session;
#[cfg(test)]
#[allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]
mod tests;
mod usm;
mod walk;

pub use access::{SnmpAccess, SnmpUser};
pub use facts::{MtaFacts, MtaGroupFacts, SnmpFacts, SystemFacts};
pub use findings::SNMP_FINDINGS;
pub use options::SnmpOptions;
pub use probe::SnmpProbe;
pub use usm::{SnmpAuth, SnmpPrivacy};
