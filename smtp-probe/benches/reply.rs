//! What a reply costs: `cargo bench -p smtp-probe`. Allocations are counted beside the time.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a bench that measures nothing must stop"
)]
#![allow(missing_docs, reason = "divan's macro makes the entry")]

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher, black_box};
use probe_net::{Codec, Decoded, Oddities};
use smtp_probe::{Capabilities, Reply, SmtpCodec};
use smtp_proto::EhloResponse;

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const GREETING: &[u8] = b"220 mx1.example.org ESMTP Postfix\r\n";
const EHLO: &[u8] = b"250-mx1.example.org\r\n250-PIPELINING\r\n250-SIZE 10485760\r\n250-VRFY\r\n250-ETRN\r\n\
    250-STARTTLS\r\n250-AUTH PLAIN LOGIN CRAM-MD5\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n\
    250-SMTPUTF8\r\n250 CHUNKING\r\n";
const JUNK: &[u8] = b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n";

fn main() {
    divan::main();
}

fn decode(input: &[u8]) -> Reply {
    let decoded = SmtpCodec::default().decode(input, &mut Oddities::default());
    match decoded.expect("within the limits") {
        Decoded::Frame { reply, .. } => reply,
        Decoded::Partial => panic!("no whole reply"),
    }
}

#[divan::bench]
fn greeting(bencher: Bencher<'_, '_>) {
    bencher
        .counter(BytesCount::of_slice(GREETING))
        .bench(|| decode(black_box(GREETING)));
}

#[divan::bench]
fn ehlo_of_12_lines(bencher: Bencher<'_, '_>) {
    bencher
        .counter(BytesCount::of_slice(EHLO))
        .bench(|| decode(black_box(EHLO)));
}

/// With the answers that a dialogue asks of it.
#[divan::bench]
fn ehlo_of_12_lines_and_its_capabilities(bencher: Bencher<'_, '_>) {
    bencher.counter(BytesCount::of_slice(EHLO)).bench(|| {
        let capabilities = Capabilities::from(decode(black_box(EHLO)));
        let size = capabilities.size_limit();
        (
            capabilities.has("STARTTLS"),
            size,
            capabilities.mechanisms(),
        )
    });
}

/// The pace: the same by smtp-proto, which reads in one pass what it knows into flags.
#[divan::bench]
fn ehlo_of_12_lines_by_smtp_proto(bencher: Bencher<'_, '_>) {
    bencher
        .counter(BytesCount::of_slice(EHLO))
        .bench(|| EhloResponse::parse(&mut black_box(EHLO).iter()).expect("what it knows well"));
}

/// In pieces of one byte: a line is never looked through twice.
#[divan::bench]
fn ehlo_of_12_lines_byte_by_byte(bencher: Bencher<'_, '_>) {
    bencher.bench(|| {
        let mut codec = SmtpCodec::default();
        let mut oddities = Oddities::default();
        for end in 1..EHLO.len() {
            let _ = black_box(codec.decode(EHLO.get(..end).unwrap_or_default(), &mut oddities));
        }
    });
}

/// What is no reply, and never ends: each piece is looked through once, until the limit is crossed.
#[divan::bench]
fn endless_line_of_junk(bencher: Bencher<'_, '_>) {
    let junk = vec![b'x'; 16 * 1024];
    bencher.counter(BytesCount::of_slice(&junk)).bench(|| {
        let mut codec = SmtpCodec::default();
        let mut oddities = Oddities::default();
        let ends = (512..=junk.len()).step_by(512);
        ends.map(|end| codec.decode(junk.get(..end).unwrap_or_default(), &mut oddities))
            .find(Result::is_err)
    });
}

/// A line of junk that does end.
#[divan::bench]
fn line_of_junk(bencher: Bencher<'_, '_>) {
    bencher
        .counter(BytesCount::of_slice(JUNK))
        .bench(|| decode(black_box(JUNK)));
}
