//! What `imap-codec` reads, ours reads to the same meaning; where ours reads more, it says which quirk it met.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod meaning;
#[path = "differential/theirs.rs"]
mod theirs;

use arbitrary::Unstructured;
use imap_codec::decode::Decoder;
use imap_codec::encode::Encoder;
use imap_codec::imap_types::response::{CommandContinuationRequest, Greeting, Response};
use imap_codec::{GreetingCodec, ResponseCodec};
use imap_probe::{ImapCodec, Reply};
use meaning::written;
use probe_net::{Codec, Decoded, Oddities};
use probe_testkit::{Line, transcript};
use proptest::prelude::*;

/// All responses in these bytes, with what was odd about each.
fn ours(stream: &[u8]) -> Vec<(Reply, Vec<&'static str>)> {
    let mut codec = ImapCodec::default();
    let (mut rest, mut heard) = (stream, Vec::new());
    loop {
        let mut oddities = Oddities::default();
        match codec.decode(rest, &mut oddities).unwrap() {
            Decoded::Partial => return heard,
            Decoded::Frame { reply, used } => {
                let codes = oddities.findings().map(|finding| finding.code()).collect();
                heard.push((reply, codes));
                rest = &rest[used..];
            }
        }
    }
}

/// What imap-codec takes one response for; `None` where it does not read it to its end.
fn theirs(line: &[u8]) -> Option<String> {
    match ResponseCodec::default().decode(line) {
        // Ours reads no codes there: nothing depends on them.
        Ok((
            [],
            Response::CommandContinuationRequest(CommandContinuationRequest::Basic(basic)),
        )) if basic.code().is_some() => None,
        Ok(([], response)) => Some(theirs::of(&response)),
        _ => None,
    }
}

/// What both read is the same. Returns the responses that imap-codec does not read.
fn compare(stream: &[u8]) -> Result<Vec<String>, TestCaseError> {
    let mut unread = Vec::new();
    for (reply, _) in ours(stream) {
        match theirs(reply.raw()) {
            Some(meant) => prop_assert_eq!(meaning::of(reply.response()), meant, "{:?}", reply),
            None => unread.push(String::from_utf8_lossy(reply.raw()).into_owned()),
        }
    }
    Ok(unread)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn what_a_server_without_fault_writes_both_read_alike((wire, meaning) in written::response()) {
        let heard = ours(&wire);
        prop_assert_eq!(heard.len(), 1);
        prop_assert_eq!(&meaning::of(heard[0].0.response()), &meaning);
        match theirs(&wire) {
            Some(theirs) => prop_assert_eq!(theirs, meaning),
            None => prop_assert!(wire.starts_with(b"* MYRIGHTS"), "{}", wire.escape_ascii()),
        }
    }

    #[test]
    fn what_imap_codec_makes_up_and_writes_both_read_alike(
        entropy in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        let mut entropy = Unstructured::new(&entropy);
        let made_up: Result<Response<'_>, _> = entropy.arbitrary();
        if let Ok(response) = made_up {
            compare(&ResponseCodec::default().encode(&response).dump())?;
        }
    }

    #[test]
    fn greetings_are_read_alike(entropy in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut entropy = Unstructured::new(&entropy);
        let made_up: Result<Greeting<'_>, _> = entropy.arbitrary();
        if let Ok(greeting) = made_up {
            let wire = GreetingCodec::default().encode(&greeting).dump();
            let heard = ours(&wire);
            if let Ok(([], greeting)) = GreetingCodec::default().decode(&wire) {
                prop_assert_eq!(meaning::of(heard[0].0.response()), theirs::of_greeting(&greeting));
            }
        }
    }
}

/// What made-up responses have shown once.
#[test]
fn quotes_and_brackets_within_quotes_are_read_alike() {
    for said in [
        &b"* NO [BADCHARSET (\"]\" \"\\\"\")] text\r\n"[..],
        b"* NO [BADCHARSET (\"\\\\\")] ] text\r\n",
        b"* 4294967295 FETCH (INTERNALDATE \"01-Jan-0000 00:00:00 +0000\")\r\n",
    ] {
        assert_eq!(compare(said).unwrap(), [""; 0], "{}", said.escape_ascii());
    }
}

#[test]
fn what_dovecot_said_both_read_alike() {
    let (mut unread, mut odd) = (Vec::new(), Vec::<(Reply, Vec<&str>)>::new());
    for name in [
        "",
        "-acl",
        "-enable",
        "-fetch",
        "-idle",
        "-nearlyfull",
        "-odd-names",
        "-overquota",
        "-readonly",
        "-uidplus",
    ] {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts");
        for line in transcript(format!("{folder}/dovecot-imap{name}.dialog")) {
            if let Line::Server(said) = line {
                odd.extend(
                    ours(&said)
                        .into_iter()
                        .filter(|(_, codes)| !codes.is_empty()),
                );
                unread.extend(compare(&said).unwrap());
            }
        }
    }
    let begins = |line: &str| {
        let mut words = line.split(' ');
        words.nth(1).unwrap().to_owned()
    };
    // What imap-codec does not know: extensions, and items of them within FETCH and STATUS.
    let mut names: Vec<_> = unread.iter().map(|line| begins(line)).collect();
    names.sort();
    names.dedup();
    assert_eq!(
        names,
        ["1", "ACL", "ESEARCH", "LISTRIGHTS", "MYRIGHTS", "STATUS"]
    );
    // What ours does not know: it asks for neither.
    let odd = odd
        .iter()
        .map(|(reply, codes)| (begins(&String::from_utf8_lossy(reply.raw())), codes.clone()));
    let unknown = || vec!["imap.reply.unknown"];
    let expected = [
        ("ACL".to_owned(), unknown()),
        ("LISTRIGHTS".to_owned(), unknown()),
    ];
    assert_eq!(odd.collect::<Vec<_>>(), expected);
}

/// What each reads of lines that are against the grammar: the meaning, and how ours calls the quirk.
fn odd(line: &str) -> (String, Vec<&'static str>) {
    let (reply, codes) = ours(line.as_bytes()).remove(0);
    (meaning::of(reply.response()), codes)
}

#[test]
fn what_imap_codec_tolerates_ours_reads_alike_and_tells() {
    for (line, code) in [
        // quirk_crlf_relaxed
        ("* 3 EXISTS\n", "bare-lf"),
        // quirk_missing_text
        ("* OK [HIGHESTMODSEQ 7]\r\n", "no-text"),
        // quirk_rectify_numbers
        (
            "* 1 FETCH (BODYSTRUCTURE (\"a\" \"b\" NIL NIL NIL \"7bit\" -1))\r\n",
            "number-range",
        ),
        // quirk_excessive_space_quota_resource
        (
            "* QUOTA \"\" (STORAGE 54 111 MESSAGE 42  1000)\r\n",
            "extra-space",
        ),
        // quirk_trailing_space_capability, _id, _search, _status
        ("* CAPABILITY IMAP4REV1 \r\n", "trailing-space"),
        ("* ID (\"name\" NIL )\r\n", "trailing-space"),
        ("* SEARCH 1 2 \r\n", "trailing-space"),
        ("* STATUS INBOX (MESSAGES 1) \r\n", "trailing-space"),
        // quirk_spaces_between_addresses
        (
            "* 1 FETCH (ENVELOPE (NIL NIL ((NIL NIL \"a\" \"b\") (NIL NIL \"c\" \"d\")) NIL NIL NIL NIL NIL NIL NIL))\r\n",
            "extra-space",
        ),
        // Without a name.
        (
            "* 1 FETCH (BODYSTRUCTURE (\"a\" \"b\" () NIL NIL \"7bit\" 1))\r\n",
            "empty-list",
        ),
        // quirk_empty_continue_req
        ("+\r\n", "empty-continuation"),
        // quirk_body_fld_enc_nil_to_empty
        (
            "* 1 FETCH (BODYSTRUCTURE (\"a\" \"b\" NIL NIL NIL NIL 1))\r\n",
            "nil",
        ),
    ] {
        let (meaning, codes) = odd(line);
        // They put an ellipsis where a text is missing.
        let theirs = theirs(line.as_bytes()).map(|theirs| theirs.replace("\"...\"", "\"\""));
        assert_eq!(theirs, Some(meaning), "{line:?}");
        assert_eq!(codes, [format!("imap.reply.{code}")], "{line:?}");
    }
    // quirk_body_fld_param_value_nil: to them an empty string, to us nothing.
    let line = "* 1 FETCH (BODYSTRUCTURE (\"a\" \"b\" (\"c\" NIL) NIL NIL \"7bit\" 1))\r\n";
    let (meaning, codes) = odd(line);
    assert_eq!(
        theirs(line.as_bytes()),
        Some(meaning.replace("NIL", "\"\""))
    );
    assert_eq!(codes, ["imap.reply.nil"]);
    // quirk_id_empty_to_nil and quirk_always_normalize_sequence_sets are about what is written; ours writes neither.
}

#[test]
fn what_ours_reads_beyond_imap_codec_is_told() {
    for (line, code) in [
        ("[COPYUID 124 10 233]\r\n", "no-status-word"),
        ("* 1 FETCH (UID 7) FLAGS ()\r\n", "misplaced-items"),
        ("* 1 FETCH (UID 7 )\r\n", "trailing-space"),
        ("* FLAGS (\\Seen )\r\n", "trailing-space"),
        ("* LIST ()  \"/\" INBOX\r\n", "extra-space"),
        ("*  3 EXISTS\r\n", "extra-space"),
        ("A1  OK done\r\n", "extra-space"),
        ("* FLAGS NIL\r\n", "nil"),
        ("* NAMESPACE () NIL NIL\r\n", "empty-list"),
        ("* 1 FETCH (BODY[1] word)\r\n", "unquoted"),
        ("* 4294967296 EXISTS\r\n", "number-range"),
        ("* 1 FETCH (RFC822.SIZE -1)\r\n", "number-range"),
        ("* Goodbye : idle timeout expired\r\n", "unknown"),
    ] {
        let (meaning, codes) = odd(line);
        assert_eq!(theirs(line.as_bytes()), None, "{line:?} is {meaning}");
        assert_eq!(codes, [format!("imap.reply.{code}")], "{line:?}");
    }
    // RFC 9051 lets texts be UTF-8; ours says that it was more than ASCII.
    assert_eq!(odd("A1 NO Gr\u{fc}\u{df}e\r\n").1, ["imap.reply.eight-bit"]);
}
