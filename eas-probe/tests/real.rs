//! Against what Debian has of Exchange ActiveSync. `cargo xtask test` starts the lab and runs this.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[path = "real/discovery.rs"]
mod discovery;
#[path = "generated/mod.rs"]
mod generated;
#[path = "real/ladder.rs"]
mod ladder;
#[path = "real/wbxml.rs"]
mod wbxml;
