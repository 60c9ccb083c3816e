//! Commands as they are written: in the shortest form, and nothing that would not be read.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use eas_probe::wbxml::tags::{air_sync, compose_mail, get_item_estimate, ping};
use eas_probe::wbxml::{Builder, Document, ErrorKind};

fn with_header(body: &[u8]) -> Vec<u8> {
    [&[0x03, 0x01, 0x6A, 0x00], body].concat()
}

#[test]
fn a_builder_switches_pages_only_where_it_must() {
    let command = Builder::new(get_item_estimate::GET_ITEM_ESTIMATE)
        .element(get_item_estimate::COLLECTIONS, |it| {
            it.element(get_item_estimate::COLLECTION, |it| {
                it.text(air_sync::SYNC_KEY, "1")
                    .text(get_item_estimate::COLLECTION_ID, "7")
                    .element(air_sync::OPTIONS, |it| it.number(air_sync::FILTER_TYPE, 1))
            })
        })
        .finish()
        .unwrap();
    assert_eq!(
        command,
        with_header(
            b"\x00\x06\x45\x47\x48\x00\x00\x4B\x031\x00\x01\x00\x06\x4A\x037\x00\x01\
            \x00\x00\x57\x58\x031\x00\x01\x01\x01\x01\x01"
        )
    );
}

#[test]
fn a_builder_writes_empty_elements_without_content() {
    let command = Builder::new(ping::PING)
        .empty(ping::STATUS)
        .text(ping::ID, "")
        .opaque(ping::CLASS, "")
        .element(ping::FOLDERS, |it| it)
        .finish();
    assert_eq!(
        command.unwrap(),
        with_header(b"\x00\x0D\x45\x07\x0B\x0C\x09\x01")
    );
    let alone = Builder::new(ping::PING).finish();
    assert_eq!(alone.unwrap(), with_header(b"\x00\x0D\x05"));
}

#[test]
fn a_builder_sends_text_with_a_zero_as_opaque() {
    let command = Builder::new(air_sync::SYNC)
        .text(air_sync::SYNC_KEY, "a\0b")
        .finish()
        .unwrap();
    assert_eq!(command, with_header(b"\x45\x4B\xC3\x03a\x00b\x01\x01"));
    let document = Document::decode(command).unwrap();
    assert_eq!(
        document.root().child(air_sync::SYNC_KEY).unwrap().text(),
        "a\0b"
    );
}

#[test]
fn a_builder_sends_octets_as_they_are() {
    let mail = [0_u8, 1, 0xFF].repeat(100);
    let command = Builder::new(compose_mail::SEND_MAIL)
        .text(compose_mail::CLIENT_ID, "1")
        .empty(compose_mail::SAVE_IN_SENT_ITEMS)
        .opaque(compose_mail::MIME, &mail)
        .finish()
        .unwrap();
    assert_eq!(command[14..17], [0xC3, 0x82, 0x2C]);
    let document = Document::decode(command).unwrap();
    let mime = document.root().child(compose_mail::MIME).unwrap();
    assert_eq!(mime.opaque(), Some(&*mail));
}

#[test]
fn a_builder_leaves_out_what_has_no_reason() {
    let of_version = |is_old: bool| {
        Builder::new(air_sync::COLLECTION)
            .when(is_old, |it| it.text(air_sync::CLASS, "Email"))
            .finish()
            .unwrap()
    };
    assert_eq!(of_version(false), with_header(b"\x0F"));
    assert_eq!(
        of_version(true),
        with_header(b"\x4F\x50\x03Email\x00\x01\x01")
    );
}

#[test]
fn a_builder_does_not_finish_what_nobody_would_read() {
    let deep = (0..32).fold(Builder::new(air_sync::SYNC), |it, _| {
        it.empty(air_sync::ADD)
    });
    assert!(deep.finish().is_ok());
    let long = "a".repeat(262_145);
    let command = Builder::new(air_sync::SYNC).text(air_sync::SYNC_KEY, long);
    assert_eq!(
        command.finish().unwrap_err().kind,
        ErrorKind::ValueTooLong(262_144)
    );
    fn nested(it: Builder, depth: usize) -> Builder {
        it.element(air_sync::ADD, |it| match depth {
            0 => it,
            _ => nested(it, depth - 1),
        })
    }
    assert!(nested(Builder::new(air_sync::SYNC), 30).finish().is_ok());
    let too_deep = nested(Builder::new(air_sync::SYNC), 31).finish();
    assert_eq!(too_deep.unwrap_err().kind, ErrorKind::TooDeep(32));
}
