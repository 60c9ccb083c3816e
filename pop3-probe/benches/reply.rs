//! What a reply costs: `cargo bench -p pop3-probe`. Allocations are counted beside the time.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a bench that measures nothing must stop"
)]
#![allow(missing_docs, reason = "divan's macro makes the entry")]

use std::sync::OnceLock;

use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher, black_box};
use pop3_probe::{Capabilities, Command, Listing, Pop3Codec, Reply, UniqueIds};
use probe_net::{Codec, Decoded, Oddities, Outgoing};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const GREETING: &[u8] =
    b"+OK Dovecot (Debian) ready. <8.1.6b052f63.Sey8h7QikrcZ2LlRKkGuyQ==@vm>\r\n";
const CAPA: &[u8] =
    b"+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nAUTH-RESP-CODE\r\nUSER\r\n\
    SASL PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256\r\n.\r\n";
const JUNK: &[u8] = b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n";

/// Lines of one list.
const MESSAGES: usize = 10_000;

fn main() {
    divan::main();
}

/// A codec that awaits the answer to this.
fn awaiting(command: &Command) -> Pop3Codec {
    let mut codec = Pop3Codec::default();
    codec.encode(command, &mut Outgoing::default());
    codec
}

fn decode(mut codec: Pop3Codec, input: &[u8]) -> Reply {
    let decoded = codec.decode(input, &mut Oddities::default());
    match decoded.expect("within the limits") {
        Decoded::Frame { reply, .. } => reply,
        Decoded::Partial => panic!("no whole reply"),
    }
}

fn list(line: impl Fn(usize) -> String) -> Vec<u8> {
    let lines: String = (1..=MESSAGES).map(line).collect();
    format!("+OK\r\n{lines}.\r\n").into_bytes()
}

fn sizes() -> &'static [u8] {
    static SIZES: OnceLock<Vec<u8>> = OnceLock::new();
    SIZES.get_or_init(|| list(|number| format!("{number} {}\r\n", 1000 + number % 5000)))
}

fn ids() -> &'static [u8] {
    static IDS: OnceLock<Vec<u8>> = OnceLock::new();
    IDS.get_or_init(|| list(|number| format!("{number} {number:08x}6b046e1c\r\n")))
}

#[divan::bench]
fn greeting(bencher: Bencher<'_, '_>) {
    bencher
        .counter(BytesCount::of_slice(GREETING))
        .bench(|| decode(Pop3Codec::default(), black_box(GREETING)));
}

#[divan::bench]
fn capa_of_8_lines(bencher: Bencher<'_, '_>) {
    bencher
        .counter(BytesCount::of_slice(CAPA))
        .with_inputs(|| awaiting(&Command::Capa))
        .bench_values(|codec| decode(codec, black_box(CAPA)));
}

/// With the answers that a dialogue asks of it.
#[divan::bench]
fn capa_of_8_lines_and_its_capabilities(bencher: Bencher<'_, '_>) {
    bencher
        .counter(BytesCount::of_slice(CAPA))
        .with_inputs(|| awaiting(&Command::Capa))
        .bench_values(|codec| {
            let capabilities = Capabilities::from(decode(codec, black_box(CAPA)));
            let has = (capabilities.has("STLS"), capabilities.has("PIPELINING"));
            (has, capabilities.login_delay(), capabilities.mechanisms())
        });
}

/// In pieces of one byte: a line is never looked through twice.
#[divan::bench]
fn capa_of_8_lines_byte_by_byte(bencher: Bencher<'_, '_>) {
    bencher
        .with_inputs(|| awaiting(&Command::Capa))
        .bench_values(|mut codec| {
            let mut oddities = Oddities::default();
            for end in 1..CAPA.len() {
                let _ = black_box(codec.decode(CAPA.get(..end).unwrap_or_default(), &mut oddities));
            }
        });
}

#[divan::bench]
fn list_of_10_000(bencher: Bencher<'_, '_>) {
    let input = sizes();
    bencher
        .counter(ItemsCount::new(MESSAGES))
        .with_inputs(|| awaiting(&Command::List))
        .bench_values(|codec| decode(codec, black_box(input)));
}

/// With the size of each message.
#[divan::bench]
fn list_of_10_000_and_its_sizes(bencher: Bencher<'_, '_>) {
    let input = sizes();
    bencher
        .counter(ItemsCount::new(MESSAGES))
        .with_inputs(|| awaiting(&Command::List))
        .bench_values(|codec| {
            let listing = Listing::from(decode(codec, black_box(input)));
            listing.sizes().map(|(_, octets)| octets).sum::<u64>()
        });
}

/// With what the judgement asks of them.
#[divan::bench]
fn uidl_of_10_000_and_its_ids(bencher: Bencher<'_, '_>) {
    let input = ids();
    bencher
        .counter(ItemsCount::new(MESSAGES))
        .with_inputs(|| awaiting(&Command::Uidl))
        .bench_values(|codec| {
            let ids = UniqueIds::from(decode(codec, black_box(input)));
            (
                ids.ids().count(),
                ids.illegal().is_some(),
                ids.duplicate().is_some(),
            )
        });
}

/// A message of 100,000 octets, its dots taken out and its octets counted.
#[divan::bench]
fn message_of_100_000_octets(bencher: Bencher<'_, '_>) {
    let text =
        "..a line of a message, of the usual length of some seventy characters\r\n".repeat(1_400);
    let input = format!("+OK\r\n{text}.\r\n").into_bytes();
    bencher
        .counter(BytesCount::of_slice(&input))
        .with_inputs(|| awaiting(&Command::Retr(1)))
        .bench_values(|codec| decode(codec, black_box(&input)).octets());
}

/// A line of junk that does end.
#[divan::bench]
fn line_of_junk(bencher: Bencher<'_, '_>) {
    bencher
        .counter(BytesCount::of_slice(JUNK))
        .bench(|| decode(Pop3Codec::default(), black_box(JUNK)));
}
