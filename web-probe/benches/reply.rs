//! What reading a page costs: `cargo bench -p web-probe`. Allocations are counted beside the time.

#![allow(missing_docs, reason = "divan's macro makes the entry")]

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher, black_box};
use web_probe::Html;
use web_probe::jmap::Session;

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const LOGIN: &str = include_str!("../tests/transcripts/sogo-5.8-login.txt");
const SESSION: &[u8] = br#"{"capabilities": {"urn:ietf:params:jmap:core": {"maxSizeUpload": 50000000}},
    "accounts": {"A1": {"name": "alice"}}, "primaryAccounts": {"urn:ietf:params:jmap:mail": "A1"},
    "username": "alice", "apiUrl": "/jmap/", "downloadUrl": "/d", "uploadUrl": "/u", "eventSourceUrl": "/e",
    "state": "1"}"#;

fn main() {
    divan::main();
}

#[divan::bench]
fn login_page(bencher: Bencher<'_, '_>) {
    bencher
        .counter(BytesCount::of_str(LOGIN))
        .bench(|| Html::parse(black_box(LOGIN)));
}

/// Opens a tag at each second sign, and closes none.
#[divan::bench]
fn hostile_page(bencher: Bencher<'_, '_>) {
    let page = "<a x='<b y=\"".repeat(10_000);
    bencher
        .counter(BytesCount::of_str(&page))
        .bench(|| Html::parse(black_box(&page)));
}

#[divan::bench]
fn session(bencher: Bencher<'_, '_>) {
    bencher
        .counter(BytesCount::of_slice(SESSION))
        .bench(|| Session::parse(black_box(SESSION)));
}
