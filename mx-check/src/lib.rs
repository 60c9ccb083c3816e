//! Checks where a domain's mail goes, and for how long it still will.

pub mod policy;
pub mod records;
pub mod registration;
