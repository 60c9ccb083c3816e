//! What an answer costs: `cargo bench -p dnsbl-probe`. Allocations are counted beside the time.

#![allow(missing_docs, reason = "divan's macro makes the entry")]
#![allow(
    clippy::unwrap_used,
    reason = "a bench that measures nothing must stop"
)]

use std::net::SocketAddr;

use divan::{AllocProfiler, Bencher, black_box};
use dnsbl_probe::{Catalogue, Reply, Subject};
use probe_core::Host;
use probe_net::dns::{Answer, Kind, Question};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

/// `1.2.0.192.bl.test A` with two addresses.
const LISTED: &[u8] = b"\x00\x01\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00\x011\x012\x010\x03192\x02bl\x04test\x00\x00\x01\x00\x01\
    \xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x7f\x00\x00\x02\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x7f\x00\x00\x04";
const NOT_LISTED: &[u8] =
    b"\x00\x01\x81\x83\x00\x01\x00\x00\x00\x00\x00\x00\x011\x012\x010\x03192\x02bl\x04test\x00\x00\x01\x00\x01";

fn main() {
    divan::main();
}

fn question() -> Question {
    Question::new("1.2.0.192.bl.test".parse().unwrap(), Kind::A)
}

fn server() -> SocketAddr {
    ([192, 0, 2, 53], 53).into()
}

#[divan::bench]
fn two_addresses(bencher: Bencher<'_, '_>) {
    bencher.with_inputs(question).bench_values(|question| {
        Reply::of(&Ok(Answer::of_message(
            question,
            server(),
            black_box(LISTED),
        )
        .unwrap()))
    });
}

#[divan::bench]
fn not_listed(bencher: Bencher<'_, '_>) {
    bencher.with_inputs(question).bench_values(|question| {
        Reply::of(&Ok(Answer::of_message(
            question,
            server(),
            black_box(NOT_LISTED),
        )
        .unwrap()))
    });
}

#[divan::bench]
fn labels_of_an_address(bencher: Bencher<'_, '_>) {
    let subject = Subject::from(Host::Address([192, 0, 2, 1].into()));
    bencher.bench(|| black_box(&subject).labels());
}

#[divan::bench]
fn the_catalogue(bencher: Bencher<'_, '_>) {
    bencher.bench(Catalogue::builtin);
}
