//! What a response costs, beside what others make of it: `cargo bench -p imap-probe`. Allocations are counted beside
//! the time. What was read is dropped within the time as well: sharing memory is paid for there.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a bench that measures nothing must stop"
)]
#![allow(missing_docs, reason = "divan's macro makes the entry")]

use std::hint::black_box;

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher};
use imap_codec::ResponseCodec;
use imap_codec::decode::Decoder;
use imap_codec::imap_types::response::Response;
use imap_probe::{ImapCodec, Reply};
use probe_net::{Codec, Decoded, Oddities};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const GREETING: &[u8] = b"* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE \
    LITERAL+ AUTH=PLAIN AUTH=LOGIN] Dovecot ready.\r\n";
/// 272 octets.
const CAPABILITY: &[u8] = b"* CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY \
    THREAD=REFERENCES THREAD=REFS THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN \
    NAMESPACE UIDPLUS LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT WITHIN MOVE\r\n";
/// 57 octets.
const LIST: &[u8] = b"* LIST (\\HasNoChildren \\Sent) \"/\" \"INBOX/Sent Items 26\"\r\n";
/// 874 octets.
const FETCH: &[u8] = b"* 12 FETCH (UID 4827313 FLAGS (\\Seen \\Answered) INTERNALDATE \"17-Jul-2026 02:44:25 -0700\" \
    RFC822.SIZE 44286 ENVELOPE (\"Wed, 17 Jul 2026 02:23:25 -0700 (PDT)\" \"IMAP4rev1 WG mtg summary and minutes of the first meetings of this spring.\" \
    ((\"Terry Gray\" NIL \"gray\" \"cac.example.org\")) ((\"Terry Gray\" NIL \"gray\" \"cac.example.org\")) \
    ((\"Terry Gray\" NIL \"gray\" \"cac.example.org\")) ((NIL NIL \"imap\" \"cac.example.org\")) \
    ((NIL NIL \"minutes\" \"cnri.example.org\")(\"John Klensin\" NIL \"klensin\" \"mit.example.org\")) NIL NIL \
    \"<B27397-0100000@cac.example.org>\") BODYSTRUCTURE ((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \
    \"7BIT\" 1152 23 NIL NIL NIL)(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\" \"NAME\" \"cc.diff\") \
    \"<960723163407.20117h@cac.example.org>\" \"Compiler diff\" \"BASE64\" 4554 73 NIL (\"attachment\" \
    (\"filename\" \"cc.diff\")) NIL) \"MIXED\" (\"BOUNDARY\" \"----=_Part_0_1234567.1234567890\") NIL NIL))\r\n";
const STATUS: &[u8] =
    b"* STATUS INBOX (MESSAGES 231 UIDNEXT 44292 UIDVALIDITY 1795501079 UNSEEN 17)\r\n";
const JUNK: &[u8] = b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n";

fn main() {
    divan::main();
}

/// Somebody who reads responses.
trait Reader {
    type Read<'a>;

    fn read(input: &[u8]) -> Self::Read<'_>;
}

/// We do.
struct Ours;

impl Reader for Ours {
    type Read<'a> = Reply;

    fn read(input: &[u8]) -> Reply {
        let decoded = ImapCodec::default().decode(input, &mut Oddities::default());
        match decoded.expect("within the limits") {
            Decoded::Frame { reply, .. } => reply,
            Decoded::Partial => panic!("no whole response"),
        }
    }
}

struct TheirImapCodec;

impl Reader for TheirImapCodec {
    type Read<'a> = Response<'a>;

    fn read(input: &[u8]) -> Response<'_> {
        let decoded = ResponseCodec::default().decode(input);
        decoded.expect("a response").1
    }
}

struct TheirImapProto;

impl Reader for TheirImapProto {
    type Read<'a> = imap_proto::Response<'a>;

    fn read(input: &[u8]) -> imap_proto::Response<'_> {
        let parsed = imap_proto::Response::parse(input);
        parsed.expect("a response").1
    }
}

fn measure<R: Reader>(bencher: Bencher<'_, '_>, input: &[u8]) {
    bencher
        .counter(BytesCount::of_slice(input))
        .bench_local(|| drop(black_box(R::read(black_box(input)))));
}

#[divan::bench(types = [Ours, TheirImapCodec, TheirImapProto])]
fn greeting<R: Reader>(bencher: Bencher<'_, '_>) {
    measure::<R>(bencher, GREETING);
}

#[divan::bench(types = [Ours, TheirImapCodec, TheirImapProto])]
fn capability<R: Reader>(bencher: Bencher<'_, '_>) {
    measure::<R>(bencher, CAPABILITY);
}

#[divan::bench(types = [Ours, TheirImapCodec, TheirImapProto])]
fn list<R: Reader>(bencher: Bencher<'_, '_>) {
    measure::<R>(bencher, LIST);
}

#[divan::bench(types = [Ours, TheirImapCodec, TheirImapProto])]
fn fetch<R: Reader>(bencher: Bencher<'_, '_>) {
    measure::<R>(bencher, FETCH);
}

#[divan::bench(types = [Ours, TheirImapCodec, TheirImapProto])]
fn status<R: Reader>(bencher: Bencher<'_, '_>) {
    measure::<R>(bencher, STATUS);
}

#[divan::bench(types = [Ours, TheirImapCodec, TheirImapProto])]
fn search_of_10000_numbers<R: Reader>(bencher: Bencher<'_, '_>) {
    let numbers: String = (1..=10_000).map(|number| format!(" {number}")).collect();
    measure::<R>(bencher, format!("* SEARCH{numbers}\r\n").as_bytes());
}

#[divan::bench(types = [Ours, TheirImapCodec, TheirImapProto])]
fn literal_of_64_kib<R: Reader>(bencher: Bencher<'_, '_>) {
    let octets = "x".repeat(64 * 1024);
    let response = format!("* 1 FETCH (BODY[] {{{}}}\r\n{octets})\r\n", octets.len());
    measure::<R>(bencher, response.as_bytes());
}

/// With the answers that a dialogue asks of it.
#[divan::bench]
fn capability_and_what_is_asked_of_it(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| {
        let reply = Ours::read(black_box(CAPABILITY));
        let imap_probe::Response::Data(imap_probe::Data::Capability(offered)) = reply.response()
        else {
            panic!("no capabilities");
        };
        (offered.has("UIDPLUS"), offered.mechanisms())
    });
}

/// In pieces of one byte: a line is never looked through twice.
#[divan::bench]
fn fetch_byte_by_byte(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| {
        let mut codec = ImapCodec::default();
        let mut oddities = Oddities::default();
        for end in 1..FETCH.len() {
            let _ = black_box(codec.decode(FETCH.get(..end).unwrap_or_default(), &mut oddities));
        }
    });
}

/// What is no response, and never ends: each piece is looked through once, until the limit is crossed.
#[divan::bench]
fn endless_line_of_junk(bencher: Bencher<'_, '_>) {
    let junk = vec![b'x'; 800 * 1024];
    bencher
        .counter(BytesCount::of_slice(&junk))
        .bench_local(|| {
            let mut codec = ImapCodec::default();
            let mut oddities = Oddities::default();
            let ends = (4096..=junk.len()).step_by(4096);
            ends.map(|end| codec.decode(junk.get(..end).unwrap_or_default(), &mut oddities))
                .find(Result::is_err)
        });
}

/// A line of junk that does end.
#[divan::bench]
fn line_of_junk(bencher: Bencher<'_, '_>) {
    measure::<Ours>(bencher, JUNK);
}
