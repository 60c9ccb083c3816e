//! What it costs to read what domains publish: `cargo bench -p mx-check`. Allocations are counted beside the time.

#![allow(missing_docs, reason = "divan's macro makes the entry")]

use divan::{AllocProfiler, black_box};
use mx_check::records::dmarc::Dmarc;
use mx_check::records::spf::Spf;

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const SPF: &[u8] = b"v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 include:_spf.example.org a mx \
    exists:%{ir}.%{l1r-}.spf.example.net ~all";
const DMARC: &[u8] = b"v=DMARC1; p=reject; sp=quarantine; adkim=s; aspf=r; \
    rua=mailto:dmarc@example.org,mailto:reports@example.net!10m; fo=1";

fn main() {
    divan::main();
}

#[divan::bench]
fn spf() -> Spf {
    Spf::parse(black_box(SPF))
}

#[divan::bench]
fn dmarc() -> Dmarc {
    Dmarc::parse(black_box(DMARC))
}
