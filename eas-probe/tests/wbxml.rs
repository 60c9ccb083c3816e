//! Documents as Microsoft and real servers write them, and what is wrong with others: each token, each limit.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use eas_probe::wbxml::tags::{
    air_sync, air_sync_base, compose_mail, email, email2, folder_hierarchy, get_item_estimate,
    ping, provision, settings,
};
use eas_probe::wbxml::{Builder, Content, Document, ErrorKind, Limits, Tag, WbxmlError};

/// As every document of ActiveSync begins.
const HEADER: [u8; 4] = [0x03, 0x01, 0x6A, 0x00];

fn with_header(body: &[u8]) -> Vec<u8> {
    [&HEADER, body].concat()
}

fn decode(body: &[u8]) -> Document {
    Document::decode(with_header(body)).unwrap()
}

/// What is wrong with a body, and at which octet of the document.
fn fault(body: &[u8]) -> (usize, ErrorKind) {
    fault_of(&with_header(body), &Limits::default())
}

fn fault_of(document: &[u8], limits: &Limits) -> (usize, ErrorKind) {
    let WbxmlError { offset, kind } = Document::decode_within(document, limits).unwrap_err();
    (offset, kind)
}

fn transcript(name: &str) -> Document {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts");
    Document::decode(std::fs::read(format!("{folder}/{name}")).unwrap()).unwrap()
}

#[test]
fn microsofts_request_for_user_information_is_read_and_written() {
    let octets = [
        0x03, 0x01, 0x6A, 0x00, 0x00, 0x12, 0x45, 0x5D, 0x07, 0x01, 0x01,
    ];
    let document = Document::decode(octets).unwrap();
    assert_eq!(document.root().tag(), settings::SETTINGS);
    let get = [settings::USER_INFORMATION, settings::GET];
    assert!(document.root().find(&get).is_some());
    assert!(document.root().find(&[settings::GET]).is_none());
    let written = Builder::new(settings::SETTINGS)
        .element(settings::USER_INFORMATION, |it| it.empty(settings::GET))
        .finish();
    assert_eq!(written.unwrap(), octets);
}

#[test]
fn the_first_request_for_folders_is_read_and_written() {
    let octets = [
        0x03, 0x01, 0x6A, 0x00, 0x00, 0x07, 0x56, 0x52, 0x03, 0x30, 0x00, 0x01, 0x01,
    ];
    let document = Document::decode(octets).unwrap();
    let key = document.root().child(folder_hierarchy::SYNC_KEY).unwrap();
    assert_eq!(key.text(), "0");
    assert_eq!(document.encode(), octets);
    let written = Builder::new(folder_hierarchy::FOLDER_SYNC)
        .text(folder_hierarchy::SYNC_KEY, "0")
        .finish();
    assert_eq!(written.unwrap(), octets);
}

#[test]
fn the_example_of_ms_aswbxml_begins_as_it_should() {
    let begins = b"\x45\x5C\x4F\x50\x03Contacts\x00\x01\x4B\x032\x00\x01";
    let document = decode(&[begins, &b"\x01\x01\x01"[..]].concat());
    let collection = document
        .root()
        .find(&[air_sync::COLLECTIONS, air_sync::COLLECTION])
        .unwrap();
    assert_eq!(
        collection.child(air_sync::CLASS).unwrap().text(),
        "Contacts"
    );
    assert_eq!(
        collection.child(air_sync::SYNC_KEY).unwrap().number(),
        Some(2)
    );
}

#[test]
fn what_sogo_says_of_its_folders_is_read() {
    let document = transcript("sogo-eas-02-FolderSync.wbxml");
    let changes = document.root().child(folder_hierarchy::CHANGES).unwrap();
    assert_eq!(
        changes.child(folder_hierarchy::COUNT).unwrap().number(),
        Some(10)
    );
    let inbox = changes
        .children()
        .filter(|it| it.tag() == folder_hierarchy::ADD)
        .find(|it| it.child(folder_hierarchy::TYPE).unwrap().number() == Some(2))
        .unwrap();
    assert_eq!(
        inbox.child(folder_hierarchy::DISPLAY_NAME).unwrap().text(),
        "INBOX"
    );
    let names = changes.descendants();
    let names = names.filter(|it| it.tag() == folder_hierarchy::DISPLAY_NAME);
    assert!(names.map(|it| it.text()).any(|it| it == "Entwürfe & Co"));
}

#[test]
fn what_sogo_says_of_messages_is_read_across_pages() {
    let document = transcript("sogo-eas-06-Sync.wbxml");
    let added = document.root().descendants();
    let added: Vec<_> = added.filter(|it| it.tag() == air_sync::ADD).collect();
    assert_eq!(added.len(), 18);
    let data = added[0].child(air_sync::APPLICATION_DATA).unwrap();
    assert_eq!(
        data.child(email::DATE_RECEIVED).unwrap().text(),
        "2026-11-23T16:47:24.000Z"
    );
    let body = data.child(air_sync_base::BODY).unwrap();
    assert_eq!(
        body.child(air_sync_base::DATA).unwrap().text(),
        "line\r\n.dot\r\n\r\n"
    );
    let conversation = data.child(email2::CONVERSATION_ID).unwrap();
    assert_eq!(conversation.opaque().unwrap(), b"<1795452444.949298@probe>");
}

#[test]
fn other_answers_of_sogo_are_read() {
    let status = |name: &str, path: &[Tag]| {
        let document = transcript(name);
        document.root().find(path).unwrap().number::<u32>()
    };
    let policy = [provision::POLICIES, provision::POLICY, provision::STATUS];
    assert_eq!(status("sogo-eas-01-Provision.wbxml", &policy), Some(2));
    let estimate = [
        get_item_estimate::RESPONSE,
        get_item_estimate::COLLECTION,
        get_item_estimate::ESTIMATE,
    ];
    assert_eq!(
        status("sogo-eas-07-GetItemEstimate.wbxml", &estimate),
        Some(21)
    );
    assert_eq!(
        status("sogo-eas-09-Settings.wbxml", &[settings::STATUS]),
        Some(1)
    );
    assert_eq!(status("sogo-eas-10-Ping.wbxml", &[ping::STATUS]), Some(2));
}

#[test]
fn a_page_stays_until_another_is_named() {
    let document = decode(&[
        0x00, 0x07, 0x56, 0x4C, 0x01, 0x00, 0x00, 0x0B, 0x4E, 0x00, 0x0D, 0x05, 0x01, 0x07, 0x01,
    ]);
    let tags: Vec<Tag> = document.root().descendants().map(|it| it.tag()).collect();
    assert_eq!(
        tags,
        [
            folder_hierarchy::FOLDER_SYNC,
            folder_hierarchy::STATUS,
            air_sync::SYNC_KEY,
            air_sync::STATUS,
            ping::PING,
            ping::STATUS
        ]
    );
}

#[test]
fn an_element_that_nobody_knows_keeps_its_number() {
    let document = decode(&[0x00, 0x07, 0x7A, 0x03, b'x', 0x00, 0x00, 0x1A, 0x05, 0x01]);
    let root = document.root();
    assert_eq!(root.tag(), Tag::new(7, 0x3A).unwrap());
    assert_eq!((root.tag().name(), root.text().as_ref()), (None, "x"));
    assert_eq!(
        root.children().next().unwrap().tag(),
        Tag::new(26, 5).unwrap()
    );
    assert_eq!(
        document.to_string(),
        "<FolderHierarchy:0x3A>\n  x\n  <0x1A:0x05/>\n</FolderHierarchy:0x3A>\n"
    );
    assert_eq!(Document::decode(document.encode()).unwrap(), document);
}

#[test]
fn empty_content_is_no_content() {
    let empty = decode(&[0x05]);
    assert_eq!(decode(&[0x45, 0x01]), empty);
    assert_eq!(decode(&[0x45, 0x03, 0x00, 0xC3, 0x00, 0x01]), empty);
    assert_eq!(
        (empty.root().text().as_ref(), empty.root().opaque()),
        ("", None)
    );
    assert_eq!(empty.root().content().count(), 0);
}

#[test]
fn values_in_pieces_are_one_text() {
    let document = decode(b"\x45\x03a\x00\x0B\xC3\x02b\xC3\x03\xBC\x00\x01");
    let root = document.root();
    assert_eq!(root.text(), "ab\u{fc}");
    let content: Vec<_> = root.content().collect();
    assert_eq!(content[0], Content::Text(b"a"));
    assert_eq!(
        content[1],
        Content::Element(root.child(air_sync::SYNC_KEY).unwrap())
    );
    assert_eq!(content[2], Content::Opaque(b"b\xC3"));
    assert_eq!(content[3], Content::Text(b"\xBC"));
}

#[test]
fn text_that_is_not_utf_8_is_shown_as_well_as_it_can_be() {
    let document = decode(b"\x45\x03a\xFFb\x00\x01");
    assert_eq!(document.root().text(), "a\u{fffd}b");
}

#[test]
fn numbers_may_have_blanks_around_them_and_nothing_else() {
    let number = |text: &[u8]| {
        let document = decode(&[b"\x45\x03", text, b"\x00\x01"].concat());
        document.root().number::<u8>()
    };
    assert_eq!(number(b" 7\r\n"), Some(7));
    assert_eq!(
        (number(b"256"), number(b"-1"), number(b"1x")),
        (None, None, None)
    );
}

#[test]
fn a_string_table_is_passed_over() {
    let document = Document::decode(b"\x03\x01\x6A\x03a\x00b\x05").unwrap();
    assert_eq!(
        (document.root().tag(), document.header().string_table),
        (air_sync::SYNC, 3)
    );
    assert_eq!(document.encode(), [&HEADER[..], &[0x05]].concat());
    let cut = fault_of(b"\x03\x01\x6A\x04a\x00b", &Limits::default());
    assert_eq!(cut, (7, ErrorKind::Truncated));
    let huge = fault_of(b"\x03\x01\x6A\x8F\xFF\xFF\xFF\x7F\x05", &Limits::default());
    assert_eq!(huge, (9, ErrorKind::Truncated));
}

#[test]
fn a_public_identifier_may_stand_in_the_string_table() {
    let document = Document::decode(b"\x03\x00\x00\x6A\x02x\x00\x05").unwrap();
    assert_eq!(
        (document.root().tag(), document.header().public_id),
        (air_sync::SYNC, 0)
    );
    let long = Document::decode(b"\x03\x9F\x51\x6A\x00\x05").unwrap();
    assert_eq!(long.header().public_id, 0xFD1);
}

#[test]
fn versions_1_1_to_1_3_are_read() {
    for version in 1..=3 {
        let document = Document::decode([version, 0x01, 0x6A, 0x00, 0x05]).unwrap();
        assert_eq!(document.header().version, version);
    }
    for version in [0x00, 0x04, 0x3C, 0x13] {
        let fault = fault_of(&[version, 0x01, 0x6A, 0x00, 0x05], &Limits::default());
        assert_eq!(fault, (0, ErrorKind::Version(version)));
    }
}

#[test]
fn charsets_whose_text_is_utf_8_are_read_and_no_others() {
    for charset in [0, 3, 106] {
        let document = Document::decode([0x03, 0x01, charset, 0x00, 0x05]).unwrap();
        assert_eq!(document.header().charset, u32::from(charset));
    }
    let fault = |octets: &[u8]| fault_of(octets, &Limits::default());
    assert_eq!(fault(b"\x03\x01\x04\x00\x05"), (2, ErrorKind::Charset(4)));
    // UTF-16
    assert_eq!(
        fault(b"\x03\x01\x87\x77\x00\x05"),
        (2, ErrorKind::Charset(1015))
    );
    assert_eq!(
        fault(b"\x03\x01\x90\x80\x80\x80\x00\x00\x05"),
        (2, ErrorKind::Number)
    );
}

#[test]
fn tokens_that_activesync_does_not_use_are_told_with_their_place() {
    for token in [
        0x02, 0x04, 0x40, 0x41, 0x42, 0x43, 0x44, 0x80, 0x81, 0x82, 0x83, 0x84, 0xC0, 0xC1, 0xC2,
        0xC4,
    ] {
        assert_eq!(
            fault(&[0x45, 0x0B, token, 0x01]),
            (6, ErrorKind::Token(token))
        );
        assert_eq!(fault(&[token, 0x01]), (4, ErrorKind::Token(token)));
    }
}

#[test]
fn attributes_are_told_with_their_element() {
    assert_eq!(
        fault(&[0x45, 0xCB, 0x01, 0x01]),
        (5, ErrorKind::Attributes(air_sync::SYNC_KEY))
    );
    assert_eq!(fault(&[0x85]), (4, ErrorKind::Attributes(air_sync::SYNC)));
}

#[test]
fn nothing_stands_outside_of_the_outermost_element() {
    assert_eq!(fault(&[0x01]), (4, ErrorKind::Outside(0x01)));
    assert_eq!(fault(b"\x03a\x00\x05"), (4, ErrorKind::Outside(0x03)));
    assert_eq!(fault(b"\xC3\x01a\x05"), (4, ErrorKind::Outside(0xC3)));
    assert_eq!(fault(&[0x45, 0x01, 0x01]), (6, ErrorKind::Trailing));
    assert_eq!(fault(&[0x05, 0x05]), (5, ErrorKind::Trailing));
}

#[test]
fn a_document_that_ends_too_early_is_told_so_wherever_it_ends() {
    let whole = b"\x03\x01\x6A\x02a\x00\x00\x07\x56\x52\x03key\x00\x01\xC3\x02ab\x01";
    assert!(Document::decode(whole).is_ok());
    for end in 0..whole.len() {
        let fault = fault_of(&whole[..end], &Limits::default());
        assert_eq!(fault, (end, ErrorKind::Truncated));
    }
}

#[test]
fn a_length_beyond_32_bits_is_refused() {
    assert_eq!(
        fault(b"\x45\xC3\x90\x80\x80\x80\x00"),
        (6, ErrorKind::Number)
    );
    assert_eq!(
        fault(b"\x45\xC3\x80\x80\x80\x80\x80\x00"),
        (6, ErrorKind::Number)
    );
}

#[test]
fn the_length_of_an_opaque_value_is_not_believed() {
    let value_too_long = ErrorKind::ValueTooLong(Limits::VALUE);
    assert_eq!(
        fault(b"\x45\xC3\x8F\xFF\xFF\xFF\x7Fab\x01"),
        (6, value_too_long)
    );
    assert_eq!(fault(b"\x45\xC3\x05ab\x01"), (10, ErrorKind::Truncated));
}

#[test]
fn documents_are_equal_by_what_they_say() {
    let document = decode(b"\x4B\x03a\x00\x01");
    let other = Document::decode(b"\x02\x01\x03\x01x\x00\x07\x00\x00\x4B\x03a\x00\x01").unwrap();
    assert_eq!(document, other);
    assert_ne!(document.header(), other.header());
    for different in [
        &b"\x4B\x03b\x00\x01"[..],
        b"\x4B\xC3\x01a\x01",
        b"\x4C\x03a\x00\x01",
        b"\x00\x01\x4B\x03a\x00\x01",
        b"\x4B\x03a\x00\x05\x01",
    ] {
        assert_ne!(document, decode(different));
    }
    assert_ne!(decode(b"\x45\x4B\x0C\x01\x01"), decode(b"\x45\x0B\x0C\x01"));
}

#[test]
fn a_document_is_shown_as_indented_text() {
    let document =
        decode(b"\x45\x4B\x03a<&\x1b[2J\n\x00\x01\x00\x16\x49\xC3\x03\x00ab\x01\x0A\x01");
    let shown = "\
<AirSync:Sync>
  <SyncKey>a&lt;&amp;\\u{1b}[2J\\u{a}</SyncKey>
  <Email2:ConversationId>[3 octets: 00 61 62]</Email2:ConversationId>
  <Email2:ConversationIndex/>
</AirSync:Sync>
";
    assert_eq!(document.to_string(), shown);
    assert_eq!(format!("{document:?}"), format!("Document(\n{shown})"));
}

#[test]
fn what_is_shown_is_bounded() {
    let long = Builder::new(air_sync::SYNC).text(air_sync::SYNC_KEY, "ü".repeat(300));
    let shown = Document::decode(long.finish().unwrap())
        .unwrap()
        .to_string();
    let cut = format!(
        "<AirSync:Sync>\n  <SyncKey>{}…</SyncKey>\n",
        "ü".repeat(256)
    );
    assert!(shown.starts_with(&cut), "{shown}");

    let mail = Builder::new(compose_mail::SEND_MAIL).opaque(compose_mail::MIME, [7; 17]);
    let shown = Document::decode(mail.finish().unwrap())
        .unwrap()
        .to_string();
    assert!(shown.contains("[17 octets: 07 07 07 07 07 07 07 07 07 07 07 07 07 07 07 07 …]"));

    let many = (0..5_000).fold(Builder::new(air_sync::SYNC), |it, _| {
        it.empty(air_sync::ADD)
    });
    let shown = Document::decode(many.finish().unwrap())
        .unwrap()
        .to_string();
    assert!(shown.len() <= 32 * 1024 + 4 && shown.ends_with("…\n"));
}

#[test]
fn errors_say_where_and_what() {
    let said = |body: &[u8]| Document::decode(with_header(body)).unwrap_err().to_string();
    assert_eq!(
        said(&[0x45, 0xCB]),
        "octet 5: AirSync:SyncKey has attributes"
    );
    assert_eq!(
        said(&[0x45, 0x83]),
        "octet 5: token 0x83 is not used by ActiveSync"
    );
    assert_eq!(said(&[0x45]), "octet 5: the document ends too early");
}
