//! Oddities of real servers: each is tolerated, told, and has its source beside it. Here are those that the parser
//! decides; those of the machine are in `quirks/dialogues.rs` and `quirks/mailboxes.rs`.
//!
//! The numbers are those of the list of corner cases that this crate was built on; `imap-codec` has fourteen such
//! as features, whose names (`quirk_...`) stand beside them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;
#[path = "quirks/dialogues.rs"]
mod dialogues;
#[path = "quirks/mailboxes.rs"]
mod mailboxes;

use imap_probe::{
    Code, Condition, Data, Fetch, ImapCodec, Item, Mailbox, Reply, Response, Status, Structure,
};
use probe_net::{Codec, Decoded, Oddities};

/// The first response in these bytes, and what was odd about it.
pub(crate) fn hear(bytes: impl AsRef<[u8]>) -> (Reply, Vec<&'static str>) {
    let mut oddities = Oddities::default();
    let decoded = ImapCodec::default().decode(bytes.as_ref(), &mut oddities);
    let codes = oddities.findings().map(|finding| finding.code()).collect();
    match decoded.unwrap() {
        Decoded::Frame { reply, .. } => (reply, codes),
        Decoded::Partial => panic!("no whole response"),
    }
}

fn status(bytes: impl AsRef<[u8]>) -> (Status, Vec<&'static str>) {
    let (reply, codes) = hear(bytes);
    match Response::from(reply) {
        Response::Status(status) => (status, codes),
        other => panic!("no status: {other:?}"),
    }
}

fn data(bytes: impl AsRef<[u8]>) -> (Data, Vec<&'static str>) {
    let (reply, codes) = hear(bytes);
    match Response::from(reply) {
        Response::Data(data) => (data, codes),
        other => panic!("no data: {other:?}"),
    }
}

fn fetch(bytes: impl AsRef<[u8]>) -> (Fetch, Vec<&'static str>) {
    match data(bytes) {
        (Data::Fetch(fetch), codes) => (fetch, codes),
        other => panic!("no answer to FETCH: {other:?}"),
    }
}

fn structure(text: &str) -> (Structure, Vec<&'static str>) {
    let (mut fetch, codes) = fetch(format!("* 1 FETCH (BODYSTRUCTURE {text})\r\n"));
    match fetch.items.remove(0) {
        Item::BodyStructure(structure) => (*structure, codes),
        other => panic!("no structure: {other:?}"),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_greeting_says_how_the_session_begins() {
    // 1: RFC 3501 section 7.1.
    for (line, condition) in [
        ("* OK ready\r\n", Condition::Ok),
        ("* PREAUTH as root\r\n", Condition::PreAuth),
        ("* BYE too busy\r\n", Condition::Bye),
    ] {
        let (status, codes) = status(line);
        assert_eq!(
            (status.condition, status.tag, codes),
            (condition, None, vec![])
        );
    }
}

#[test]
fn brackets_behind_other_words_are_no_response_code() {
    // 1: Coremail, twisted#6307; 15: Gmail, imap-codec#291.
    for (line, words) in [
        (
            "* OK Coremail System IMap Server Ready(163com[10774b260cc7])\r\n",
            "Coremail System IMap Server Ready(163com[10774b260cc7])",
        ),
        (
            "A1 NO Unknown Mailbox: [Gmail] (Failure)\r\n",
            "Unknown Mailbox: [Gmail] (Failure)",
        ),
        ("A1 NO [not closed\r\n", "[not closed"),
    ] {
        let (status, codes) = status(line);
        assert_eq!((status.code, codes), (None, vec![]), "{line}");
        assert_eq!(text(&status.text), words);
    }
    let (status, _) = status("A1 NO [NONEXISTENT] Unknown Mailbox: [Gmail] (Failure)\r\n");
    assert!(status.has_code("nonexistent"));
    assert_eq!(text(&status.text), "Unknown Mailbox: [Gmail] (Failure)");
}

#[test]
fn a_literal_may_stand_where_a_string_may_also_within_lists_and_also_empty() {
    // 5: RFC 3501 section 4.3.
    let (listed, codes) = data("* LIST () {1}\r\n/ {8}\r\nA {3}\r\nB\r\n");
    let Data::List(listed) = listed else {
        panic!("{listed:?}");
    };
    assert_eq!(listed.delimiter, Some(b'/'));
    assert_eq!(text(&listed.mailbox), "A {3}\r\nB");
    let (read, _) = data("* STATUS {0}\r\n (MESSAGES 1)\r\n");
    assert!(matches!(read, Data::Status { mailbox, .. } if mailbox.is_empty()));
    assert!(codes.is_empty());
}

#[test]
fn a_literal_within_an_envelope_and_a_structure_is_read() {
    // 5: RFC 3501 section 4.3.
    let (fetch, codes) = fetch(concat!(
        "* 2 FETCH (ENVELOPE (NIL {3}\r\na\"b ((NIL NIL {0}\r\n {4}\r\nhost)) NIL NIL NIL NIL NIL NIL ",
        "NIL) BODYSTRUCTURE (({4}\r\ntext {5}\r\nplain NIL NIL NIL \"7bit\" 1 1) {5}\r\nmixed) ",
        "BODY[] {0}\r\n)\r\n"
    ));
    assert!(codes.is_empty(), "{codes:?}");
    let [
        Item::Envelope(envelope),
        Item::BodyStructure(structure),
        Item::Body { bytes, .. },
    ] = &fetch.items[..]
    else {
        panic!("{fetch:?}");
    };
    assert_eq!(envelope.subject.as_deref(), Some(&b"a\"b"[..]));
    assert_eq!(envelope.from[0].mailbox.as_deref(), Some(&b""[..]));
    assert_eq!(envelope.from[0].host.as_deref(), Some(&b"host"[..]));
    assert!(
        matches!(&**structure, Structure::Multipart { parts, subtype }
        if parts.len() == 1 && subtype.is("MIXED"))
    );
    assert_eq!(bytes.as_deref(), Some(&b""[..]));
}

#[test]
fn what_looks_like_a_literal_at_the_end_of_a_text_for_people_is_text() {
    // 6: the server does not wait, so whoever waits for octets hangs.
    for line in [
        "A1 NO no such thing {5}\r\n",
        "* OK {1}\r\n",
        "+ go on {12}\r\n",
    ] {
        let (reply, codes) = hear([line, "A2 OK done\r\n"].concat());
        assert_eq!(text(reply.raw()), line);
        assert!(codes.is_empty());
    }
}

#[test]
fn a_literal_within_a_response_code_is_one() {
    // 6: RFC 3501 section 7.1, BADCHARSET takes astrings.
    let (status, codes) = status("A1 NO [BADCHARSET ({5}\r\nUTF-8)] text {5}\r\n");
    assert!(status.has_code("BADCHARSET"));
    assert_eq!((text(&status.text).as_str(), codes), ("text {5}", vec![]));
}

#[test]
fn nil_is_no_string_and_no_empty_one() {
    // 7: RFC 3501 section 4.5.
    let (fetch, codes) = fetch("* 1 FETCH (BODY[1] NIL BODY[2] \"\" BODY[3] \"NIL\")\r\n");
    assert_eq!(fetch.body("1"), None);
    assert_eq!(fetch.body("2").map(|bytes| bytes.len()), Some(0));
    assert_eq!(fetch.body("3").map(|bytes| bytes.len()), Some(3));
    assert!(codes.is_empty());
}

#[test]
fn an_encoding_or_a_parameter_that_is_nil_is_read_and_told() {
    // 7: quirk_body_fld_enc_nil_to_empty; quirk_body_fld_param_value_nil (mail.ru).
    let (part, codes) = structure("(\"text\" \"plain\" (\"name\" NIL) NIL NIL NIL 7 1)");
    let Structure::Part {
        parameters,
        encoding,
        octets,
        ..
    } = part
    else {
        panic!("{part:?}");
    };
    assert_eq!((encoding, octets, codes), (None, 7, vec!["imap.reply.nil"]));
    assert_eq!(parameters.len(), 1);
    assert_eq!(parameters[0].1, None);
    for (odd, subtype) in [
        ("(\"text\" NIL NIL NIL NIL \"7bit\" 7 1)", ""),
        ("((\"text\" \"plain\" NIL NIL NIL \"7bit\" 7 1) NIL)", ""),
    ] {
        let (part, codes) = structure(odd);
        let (Structure::Part { subtype: read, .. } | Structure::Multipart { subtype: read, .. }) =
            part;
        assert_eq!(
            (text(&read).as_str(), codes),
            (subtype, vec!["imap.reply.nil"])
        );
    }
}

#[test]
fn nil_in_the_place_of_flags_is_none_of_them_and_told() {
    // 7.
    let (read, codes) = data("* FLAGS NIL\r\n");
    assert_eq!((read, codes), (Data::Flags(vec![]), vec!["imap.reply.nil"]));
}

#[test]
fn an_empty_list_in_the_place_of_nil_is_read_and_told() {
    // 7; 19: quirk_id_empty_to_nil, modern-email/defects#13.
    for line in [
        "* ID ()\r\n",
        "* NAMESPACE ((\"\" \"/\")) () NIL\r\n",
        "* 1 FETCH (ENVELOPE (NIL NIL () NIL NIL NIL NIL NIL NIL NIL))\r\n",
        "* 1 FETCH (BODYSTRUCTURE (\"text\" \"plain\" () NIL NIL \"7bit\" 7 1))\r\n",
    ] {
        assert_eq!(data(line).1, ["imap.reply.empty-list"], "{line}");
    }
    assert_eq!(data("* ID NIL\r\n"), (Data::Id(vec![]), vec![]));
}

#[test]
fn a_missing_text_is_told() {
    // 8: quirk_missing_text; iCloud, ruby/net-imap PR#230.
    for (line, condition) in [
        ("A1 OK\r\n", Condition::Ok),
        ("A1 OK \r\n", Condition::Ok),
        ("* BYE\r\n", Condition::Bye),
    ] {
        let (status, codes) = status(line);
        assert_eq!(
            (status.condition, codes),
            (condition, vec!["imap.reply.no-text"])
        );
    }
}

#[test]
fn a_missing_text_behind_a_code_is_told() {
    // 8: Gmail, modern-email/defects#28.
    let (status, codes) = status("* OK [HIGHESTMODSEQ 694968]\r\n");
    assert_eq!(status.code, Some(Code::HighestModSeq(694_968)));
    assert_eq!(codes, ["imap.reply.no-text"]);
}

#[test]
fn a_blank_at_the_end_is_passed_over_and_told() {
    // 9: QQ exmail (modern-email/defects#21, go-imap#571), Exchange (imap-codec PR#468);
    // quirk_trailing_space_capability, _id, _search, _status.
    for line in [
        "* CAPABILITY IMAP4rev1 IDLE \r\n",
        "* ID (\"name\" \"Coremail\") \r\n",
        "* ID NIL \r\n",
        "* SEARCH \r\n",
        "* SEARCH 1 2 3 \r\n",
        "* ESEARCH (TAG \"A1\") UID COUNT 5 \r\n",
        "* STATUS INBOX (MESSAGES 3) \r\n",
        "* STATUS INBOX (MESSAGES 3 )\r\n",
        "* 3 EXISTS \r\n",
        "* FLAGS (\\Seen )\r\n",
        "* QUOTA \"\" (STORAGE 1 2 )\r\n",
        "* LIST () \"/\" INBOX \r\n",
    ] {
        assert_eq!(hear(line).1, ["imap.reply.trailing-space"], "{line:?}");
    }
    assert_eq!(data("* SEARCH 1 2 3 \r\n").0, Data::Search(vec![1, 2, 3]));
}

#[test]
fn several_blanks_are_one_and_told() {
    // 9: DavMail, imaplib2 PR#59; quirk_excessive_space_quota_resource.
    for line in [
        "* CAPABILITY IMAP4rev1  IDLE\r\n",
        "* QUOTA \"\" (STORAGE 54 111 MESSAGE 42  1000)\r\n",
        "*  LIST  (\\HasNoChildren)  \"/\"  INBOX\r\n",
        "* SEARCH 1  2\r\n",
        "* NAMESPACE ((\"\" \"/\") (\"a\" \"/\")) NIL NIL\r\n",
        "A1  OK done\r\n",
    ] {
        assert_eq!(hear(line).1, ["imap.reply.extra-space"], "{line:?}");
    }
}

#[test]
fn a_continuation_without_a_blank_is_one() {
    // 10: quirk_empty_continue_req; public-inbox (modern-email/defects#7), Yandex (rust-imap PR#145).
    let (reply, codes) = hear("+\r\n");
    assert_eq!(*reply.response(), Response::Continue(Vec::new().into()));
    assert_eq!(codes, ["imap.reply.empty-continuation"]);
    assert!(hear("+ \r\n").1.is_empty());
}

#[test]
fn an_unknown_response_code_is_kept_and_ignored() {
    // 12: RFC 3501 section 7.1; Outlook, ruby/net-imap#597.
    let (outlook, codes) = status(concat!(
        "A1 OK [Error=\"Microsoft.Exchange.Data.Storage.WrongServerException:[Cross] Server access is not ",
        "allowed\" AuthResultFromPopImapEnd=0 Proxy=AM0.PROD.OUTLOOK.COM:1993:SSL Service=Imap4] ",
        "AUTHENTICATE completed.\r\n"
    ));
    assert_eq!((outlook.condition, codes), (Condition::Ok, vec![]));
    assert!(
        matches!(outlook.code, Some(Code::Other { .. })),
        "{outlook:?}"
    );
    assert_eq!(text(&outlook.text), "AUTHENTICATE completed.");
    let (status, codes) = status("A1 NO [X-NEW (some \"thing\") 3] no\r\n");
    assert!(status.has_code("x-new") && codes.is_empty());
    assert_eq!(text(&status.text), "no");
}

#[test]
fn a_response_code_that_is_not_formed_as_it_should_be_is_told() {
    // 12: Outlook, jstedfast/MailKit#555.
    let (status, codes) = status("* OK [COPYUID 14  ]\r\n");
    assert!(status.has_code("COPYUID"), "{status:?}");
    assert_eq!(codes, ["imap.reply.malformed-code", "imap.reply.no-text"]);
}

#[test]
fn a_code_without_star_and_ok_is_read_as_if_they_were_there() {
    // 13: Exchange 2013, ruby/net-imap#250.
    let (status, codes) = status("[COPYUID 124 10 233]\r\n");
    assert_eq!((status.tag, status.condition), (None, Condition::Ok));
    assert!(matches!(
        status.code,
        Some(Code::CopyUid { validity: 124, .. })
    ));
    assert_eq!(codes, ["imap.reply.no-status-word"]);
}

#[test]
fn words_without_a_status_are_kept_as_they_are() {
    // 14: mailo, chatmail/core#5271.
    let (read, codes) = data("* Goodbye : idle timeout expired\r\n");
    assert!(matches!(&read, Data::Unknown(words) if words.starts_with(b"Goodbye")));
    assert_eq!(codes, ["imap.reply.unknown"]);
}

#[test]
fn a_list_of_no_counts_is_one() {
    // 16: 163.com, modern-email/defects#15.
    let (read, codes) = data("* STATUS \"INBOX\" ()\r\n");
    assert!(matches!(&read, Data::Status { items, .. } if items.is_empty()));
    assert!(codes.is_empty());
}

#[test]
fn a_blank_before_the_parenthesis_of_fetch_is_passed_over_and_told() {
    // 16: QQ, mail-api#209.
    let (fetch, codes) = fetch("* 1 FETCH (UID 7 FLAGS (\\Seen) )\r\n");
    assert_eq!((fetch.uid(), fetch.items.len()), (Some(7), 2));
    assert_eq!(codes, ["imap.reply.trailing-space"]);
}

#[test]
fn items_behind_the_parenthesis_of_fetch_are_read_and_told() {
    // 16: Xeams, paperless-ngx#13412.
    let (fetch, codes) =
        fetch("* 1 FETCH (UID 7 BODY[] {2}\r\nhi) FLAGS (\\Seen) RFC822.SIZE 2)\r\n");
    assert_eq!(fetch.items.len(), 4);
    assert_eq!(fetch.flags().map(<[_]>::len), Some(1));
    assert_eq!(codes, ["imap.reply.misplaced-items"]);
}

#[test]
fn blanks_between_addresses_and_between_parts_are_passed_over_and_told() {
    // 16: quirk_spaces_between_addresses.
    let one = "(NIL NIL \"a\" \"b.example\")";
    let line =
        format!("* 1 FETCH (ENVELOPE (NIL NIL ({one} {one}) NIL NIL NIL NIL NIL NIL NIL))\r\n");
    let (fetch, codes) = fetch(line);
    assert!(matches!(&fetch.items[0], Item::Envelope(envelope) if envelope.from.len() == 2));
    assert_eq!(codes, ["imap.reply.extra-space"]);
    let part = "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 7 1)";
    let (read, codes) = structure(&format!("({part} {part} \"mixed\")"));
    assert!(matches!(&read, Structure::Multipart { parts, .. } if parts.len() == 2));
    assert_eq!(codes, ["imap.reply.extra-space"]);
}

#[test]
fn numbers_that_no_counter_holds_are_rectified_and_told() {
    // 18: quirk_rectify_numbers.
    for (number, octets) in [
        ("-1", 0),
        ("18446744073709551615", u64::MAX),
        ("99999999999999999999", u64::MAX),
    ] {
        let (part, codes) = structure(&format!("(\"a\" \"b\" NIL NIL NIL \"7bit\" {number})"));
        assert!(matches!(part, Structure::Part { octets: read, .. } if read == octets));
        let is_told = number != "18446744073709551615";
        assert_eq!(codes == ["imap.reply.number-range"], is_told, "{number}");
    }
    let (read, codes) = data("* 4294967296 EXISTS\r\n");
    assert_eq!(
        (read, codes),
        (Data::Exists(u32::MAX), vec!["imap.reply.number-range"])
    );
}

#[test]
fn a_capability_is_found_wherever_it_stands_and_however_it_is_written() {
    // 21: Courier says STARTTLS last, testssl#1212.
    let (read, _) = data("* capability IMAP4rev1 AUTH=PLAIN StartTLS\r\n");
    let Data::Capability(offered) = read else {
        panic!("{read:?}");
    };
    assert!(offered.has("STARTTLS") && !offered.has("START") && offered.mechanisms().len() == 1);
}

#[test]
fn names_of_mailboxes_are_modified_utf_7_or_what_they_are() {
    // 30: RFC 3501 section 5.1.3, RFC 9755, RFC 9051 section 5.1; Checkmk reads both.
    for wire in ["Entw&APw-rfe &- Co", "Entwürfe & Co"] {
        let (read, codes) = data(format!("* LIST () \"/\" \"{wire}\"\r\n"));
        let Data::List(listed) = read else {
            panic!("{read:?}");
        };
        // An ampersand that begins nothing is no modified UTF-7, so the name stays what it is.
        assert_eq!(
            Mailbox::from_wire(&listed.mailbox).to_string(),
            "Entwürfe & Co"
        );
        assert!(codes.is_empty());
    }
}

#[test]
fn quoted_strings_are_read_without_their_backslashes() {
    // 31: RFC 3501 section 4.3.
    let (read, _) = data(r#"* LIST () "\\" "a \"quoted\" \\ name""#.to_owned() + "\r\n");
    let Data::List(listed) = read else {
        panic!("{read:?}");
    };
    assert_eq!(
        (listed.delimiter, text(&listed.mailbox).as_str()),
        (Some(b'\\'), r#"a "quoted" \ name"#)
    );
}

#[test]
fn what_only_looks_odd_is_read_without_a_word() {
    // What imap-codec makes up within the grammar, and other parsers stumble over.
    for line in [
        "* LIST () \"/\" ~peter/mail\r\n",
        "* STATUS ~ (MESSAGES 0)\r\n",
        "] OK done\r\n",
        "[ OK done\r\n",
        "} OK done\r\n",
        "* OK  a blank before the text\r\n",
        "* 1 FETCH (BINARY.SIZE[1] 3 BINARY[1] ~{3}\r\na\0b)\r\n",
        "* 1 FETCH (BODY[HEADER.FIELDS (\"]\" {1}\r\n])] NIL)\r\n",
    ] {
        let (reply, codes) = hear(line);
        assert!(
            *reply.response() != Response::Other && codes.is_empty(),
            "{line:?}: {codes:?}"
        );
    }
}

#[test]
fn eight_bit_text_is_kept_as_bytes_and_told() {
    // 40: QQ answers in GBK.
    let (status, codes) = status(b"A1 NO \xc4\xfa\xba\xc3\r\n");
    assert_eq!(&*status.text, b"\xc4\xfa\xba\xc3");
    assert_eq!(codes, ["imap.reply.eight-bit"]);
    assert_eq!(
        status.text.to_printable(),
        "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"
    );
}

#[test]
fn a_bare_line_feed_is_heard_and_told() {
    // quirk_crlf_relaxed; also behind the announcement of a literal.
    let (status, codes) = status("A1 OK done\n");
    assert_eq!(
        (text(&status.text).as_str(), codes),
        ("done", vec!["imap.reply.bare-lf"])
    );
    let (fetch, codes) = fetch("* 1 FETCH (BODY[] {2}\nhi)\r\n");
    assert_eq!(
        fetch.body("").map(|bytes| bytes.to_vec()),
        Some(b"hi".to_vec())
    );
    assert_eq!(codes, ["imap.reply.bare-lf"]);
}

#[test]
fn a_word_without_quotes_is_a_string_and_told() {
    let (fetch, codes) = fetch("* 1 FETCH (BODY[1] word)\r\n");
    assert_eq!(
        fetch.body("1").map(|bytes| bytes.to_vec()),
        Some(b"word".to_vec())
    );
    assert_eq!(codes, ["imap.reply.unquoted"]);
}

#[test]
fn what_is_no_response_is_told_and_the_stream_stays_in_step() {
    // Two-stage like imap-codec's Fragmentizer: framed before it is understood.
    for line in [
        "\r\n",
        "*\r\n",
        "* \r\n",
        "A1\r\n",
        "421 Server is busy, try again later.\r\n", // SmarterMail, jstedfast/MailKit#1100
        "* LIST (\r\n",
        "* 1 FETCH (ENVELOPE (\"\r\n",
    ] {
        let (reply, codes) = hear([line, "A2 OK done\r\n"].concat());
        assert_eq!(text(reply.raw()), line);
        assert_eq!(
            (reply.response(), codes),
            (&Response::Other, vec!["imap.reply.unparsed"]),
            "{line:?}"
        );
    }
}
