//! What it costs to read queues of a hundred thousand messages and the pages of exporters: `cargo bench -p mailhost-probe`.
//! Memory is counted beside the time; `max alloc` is the most that was held at once.

#![allow(missing_docs, reason = "divan's macro makes the entry")]

use std::fmt::Write;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher, black_box};
use mailhost_probe::{ExporterFacts, Exposition, Format, Listing, QueueFacts};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const MESSAGES: u32 = 100_000;
/// As a socket or a pipe hands them out.
const PIECE: usize = 64 * 1024;
const PAGE: usize = 10 * 1024 * 1024;

const REASONS: [&str; 4] = [
    "connect to mx1.example.net[192.0.2.25]:25: Connection refused",
    "host mx.example.org[198.51.100.7] said: 450 4.2.0 <u@example.org>: Recipient address rejected: Greylisted (in reply to RCPT TO command)",
    "Host or domain name not found. Name service error for name=example.com type=MX: Host not found, try again",
    "delivery temporarily suspended: connect to mail.example.edu[203.0.113.9]:25: Connection timed out",
];

/// The number of a message, its age, size, and the reason for which it waits.
fn messages() -> impl Iterator<Item = (u32, u32, u32, &'static str)> {
    let reasons = REASONS.into_iter().cycle();
    (0..MESSAGES).zip(reasons).map(|(number, reason)| {
        let age = number.wrapping_mul(2_654_435_761) % 400_000;
        (number, age, 400 + number % 90_000, reason)
    })
}

static SHOWQ: LazyLock<String> = LazyLock::new(|| {
    let mut list = "protocol\0mail_queue_list_protocol\0\0".to_owned();
    for (number, age, size, reason) in messages() {
        let time = 1_800_000_000 - age;
        let _ = write!(
            list,
            "queue_name\0deferred\0queue_id\0{number:010X}\0time\0{time}\0size\0{size}\0forced_expire\00\0sender\0news@lists.example.com\0recipient\0user{number}@d{}.example.net\0reason\0{reason}\0\0",
            number % 997
        );
    }
    list + "\0"
});

static JSON: LazyLock<String> = LazyLock::new(|| {
    let mut list = String::new();
    for (number, age, size, reason) in messages() {
        let time = 1_800_000_000 - age;
        let _ = writeln!(
            list,
            r#"{{"queue_name": "deferred", "queue_id": "{number:010X}", "arrival_time": {time}, "message_size": {size}, "forced_expire": false, "sender": "news@lists.example.com", "recipients": [{{"address": "user{number}@d{}.example.net", "delay_reason": "{reason}"}}]}}"#,
            number % 997
        );
    }
    list
});

static TEXT: LazyLock<String> = LazyLock::new(|| {
    const PAGE: &str = include_str!("../tests/transcripts/windows-exporter.made.prom");
    let mut page = String::new();
    let mut number = 0;
    while page.len() < self::PAGE {
        // What is not known here is most of any page.
        for line in PAGE.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap_or((line, "0"));
            let name = name.replace("windows_exchange_", "windows_other_");
            let _ = writeln!(
                page,
                "# TYPE {name} gauge\n{name}{{core=\"{number}\",state=\"a \\\"quoted\\\" one\"}} {value}"
            );
        }
        page.push_str(PAGE);
        number += 1;
    }
    page
});

fn main() {
    divan::main();
}

fn list(format: Format, list: &str) -> QueueFacts {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let mut listing = Listing::new(format, now);
    for piece in list.as_bytes().chunks(PIECE) {
        let _ = listing.feed(piece);
    }
    listing.so_far()
}

fn bench<T>(bencher: Bencher<'_, '_>, text: &str, read: impl Fn(&str) -> T + Sync) {
    bencher
        .counter(BytesCount::of_str(text))
        .bench(|| read(black_box(text)));
}

#[divan::bench(sample_count = 20)]
fn showq(bencher: Bencher<'_, '_>) {
    bench(bencher, &SHOWQ, |text| list(Format::Showq, text));
}

#[divan::bench(sample_count = 20)]
fn postqueue_json(bencher: Bencher<'_, '_>) {
    bench(bencher, &JSON, |text| list(Format::Postqueue, text));
}

#[divan::bench(sample_count = 20)]
fn exposition(bencher: Bencher<'_, '_>) {
    bench(bencher, &TEXT, |text| {
        Exposition::new(text.as_bytes()).count()
    });
}

#[divan::bench(sample_count = 20)]
fn exporter_facts(bencher: Bencher<'_, '_>) {
    bench(bencher, &TEXT, |text| {
        ExporterFacts::of_page(text.as_bytes(), SystemTime::UNIX_EPOCH)
    });
}
