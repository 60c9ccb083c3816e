//! What servers do to a message, and which of it is damage.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::time::{Duration, SystemTime};

use delivery_probe::{Attachment, Canary, Draft, Form, Integrity, Key, Keys, Nonce};
use probe_core::Secret;

fn canary(form: Form) -> Canary {
    let keys = Keys::new(Key::new(Secret::from("0123456789abcdef")).unwrap());
    let mut draft = Draft::new(
        "one".parse().unwrap(),
        "out-in".parse().unwrap(),
        "probe@example.org",
        "inbox@example.net",
    );
    draft.form = form;
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_312_000);
    Canary::with_nonce(&draft, &keys, now, Nonce::from_bytes(*b"nonce!")).unwrap()
}

/// What is said of a canary that became something else.
fn after(form: Form, change: impl Fn(&str) -> String) -> (Vec<String>, &'static str, bool) {
    let canary = canary(form);
    let text = String::from_utf8(canary.bytes().to_vec()).unwrap();
    let integrity = Integrity::of(&canary, change(&text).as_bytes());
    let changes = integrity.changes.iter().map(ToString::to_string).collect();
    (
        changes,
        integrity.attachment.as_str(),
        integrity.is_damaged(),
    )
}

fn said(changes: &[&str]) -> Vec<String> {
    changes.iter().map(ToString::to_string).collect()
}

/// The lines of the text part with their ends, and what stands around them.
fn parted(text: &str) -> (&str, &str, &str) {
    let start = text.find("Token: ").unwrap();
    let end = text.find("This is the last line.").unwrap() + "This is the last line.\r\n".len();
    (&text[..start], &text[start..end], &text[end..])
}

#[test]
fn what_arrives_as_it_was_sent_has_nothing_to_tell() {
    for form in Form::ALL {
        let attachment = if form == Form::Plain { "none" } else { "same" };
        assert_eq!(after(form, str::to_owned), (vec![], attachment, false));
        // Fields and line ends at the end are the mailbox's.
        assert_eq!(
            after(form, |text| format!(
                "Return-Path: <a@b>\r\nReceived: by x; y\r\n{text}\r\n"
            )),
            (vec![], attachment, false)
        );
        assert_eq!(
            after(form, |text| text.replace("\r\n", "\n")),
            (vec![], attachment, false)
        );
    }
}

/// RFC 6152 section 3: what a server must do for one that does not take eight bits.
#[test]
fn eight_bit_text_in_quoted_printable_is_another_encoding_and_no_damage() {
    let quoted = |text: &str| {
        let (before, inner, rest) = parted(text);
        let mut inner: String = inner
            .bytes()
            .map(|byte| match byte {
                b'=' | 128.. => format!("={byte:02X}"),
                byte => char::from(byte).to_string(),
            })
            .collect();
        inner = inner
            .replace("   \r\n", "  =20\r\n")
            .replace(&"x".repeat(70), &format!("{}=\r\n", "x".repeat(70)));
        before
            .replacen("Encoding: 8bit\r\n\r\nToken", "", 1)
            .replace("8bit\r\n\r\n", "quoted-printable\r\n\r\n")
            + &inner
            + rest
    };
    let (changes, attachment, is_damaged) = after(Form::EightBit, quoted);
    assert_eq!(
        changes,
        said(&["the text went as it is and came as quoted-printable"])
    );
    assert_eq!((attachment, is_damaged), ("same", false));
}

#[test]
fn text_in_base64_is_another_encoding() {
    let encoded = |text: &str| {
        let (before, inner, rest) = parted(text);
        let inner = data_encoding::BASE64_MIME.encode(inner.as_bytes());
        before
            .replace("7bit\r\n\r\nToken", "")
            .replace("7bit\r\n\r\n", "base64\r\n\r\n")
            + &inner
            + rest
    };
    let (changes, attachment, is_damaged) = after(Form::SevenBit, encoded);
    assert_eq!(
        changes,
        said(&["the text went as it is and came as base64"])
    );
    assert_eq!((attachment, is_damaged), ("same", false));
}

#[test]
fn tags_banners_and_footers_are_marks_of_a_gateway() {
    let (changes, _, is_damaged) = after(Form::SevenBit, |text| {
        text.replace("Subject: ", "Subject: [EXTERNAL] ")
    });
    assert_eq!(
        (changes, is_damaged),
        (
            said(&["the subject became \"[EXTERNAL] mailprobe delivery ...\""]),
            false
        )
    );
    let (changes, _, is_damaged) = after(Form::SevenBit, |text| {
        text.replace(
            "last line.\r\n",
            "last line.\r\n\r\n-- \r\nThis message was scanned.\r\n",
        )
    });
    assert_eq!(
        (changes, is_damaged),
        (said(&["lines were added behind the text: \"--\""]), false)
    );
    let (changes, _, is_damaged) = after(Form::Plain, |text| {
        text.replace("Token: ", "CAUTION: from outside\r\n\r\nToken: ")
    });
    assert_eq!(
        (changes, is_damaged),
        (
            said(&["lines were added before the text: \"CAUTION: from outside\""]),
            false
        )
    );
}

#[test]
fn what_servers_do_to_delicate_lines_is_damage() {
    for (line, other, said_of) in [
        (
            ".This line",
            "..This line",
            "the text was damaged: a dot added",
        ),
        (
            "..this one",
            ".this one",
            "the text was damaged: a dot lost",
        ),
        (
            "From the start",
            ">From the start",
            "the text was damaged: > put before",
        ),
        ("blanks:   ", "blanks:", "the text was damaged: blanks lost"),
    ] {
        let (changes, attachment, is_damaged) =
            after(Form::SevenBit, |text| text.replace(line, other));
        assert!(
            changes.len() == 1 && changes[0].starts_with(said_of),
            "{changes:?}"
        );
        assert_eq!((attachment, is_damaged), ("same", true));
    }
    let (changes, _, is_damaged) = after(Form::EightBit, |text| text.replace("Grüße", "Gr??e"));
    assert!(
        changes[0].starts_with("the text was damaged"),
        "{changes:?}"
    );
    assert!(is_damaged);
}

#[test]
fn long_lines_in_several_are_told_as_such() {
    let wrapped = |text: &str| text.replace(&"x".repeat(200), &format!("{}\r\n", "x".repeat(200)));
    assert_eq!(
        after(Form::SevenBit, wrapped),
        (said(&["long lines were wrapped"]), "same", true)
    );
}

#[test]
fn an_attachment_that_is_gone_or_another_is_told() {
    let without = |text: &str| {
        let start = text.find("Content-Type: application").unwrap();
        let start = text[..start].rfind("--mailprobe").unwrap();
        text[..start].to_owned() + "--mailprobe-6e6f6e636521--\r\n"
    };
    assert_eq!(
        after(Form::SevenBit, without),
        (vec![], Attachment::Missing.as_str(), true)
    );
    let replaced = |text: &str| {
        let start = text.find("base64\r\n\r\n").unwrap() + "base64\r\n\r\n".len();
        text[..start].to_owned() + "AAAA\r\n--mailprobe-6e6f6e636521--\r\n"
    };
    assert_eq!(
        after(Form::SevenBit, replaced),
        (vec![], Attachment::Changed.as_str(), true)
    );
    let text_instead = |text: &str| {
        let message = replaced(text);
        message.replace("application/octet-stream", "text/plain")
    };
    assert_eq!(
        after(Form::SevenBit, text_instead),
        (vec![], Attachment::Missing.as_str(), true)
    );
}

#[test]
fn text_that_is_gone_is_told() {
    let (changes, _, is_damaged) = after(Form::SevenBit, |text| text.replace("Token: ", "T: "));
    assert_eq!(
        (changes, is_damaged),
        (said(&["the text is missing"]), true)
    );
    let (changes, attachment, _) = after(Form::Plain, |_| String::new());
    assert_eq!(
        (changes, attachment),
        (said(&["the text is missing"]), "none")
    );
}

#[test]
fn words_of_others_are_shown_up_to_the_limit() {
    let shown = |letters: usize| {
        let footer = format!("last line.\r\n{}\r\n", "f".repeat(letters));
        let (changes, ..) = after(Form::Plain, |text| text.replace("last line.\r\n", &footer));
        changes[0].matches('f').count() - "text".matches('f').count()
    };
    assert_eq!((shown(80), shown(81)), (80, 80));
    let subject = |letters: usize| {
        let tag = format!("Subject: {} mailprobe", "z".repeat(letters));
        let (changes, ..) = after(Form::Plain, |text| text.replace("Subject: mailprobe", &tag));
        changes[0].matches('z').count()
    };
    assert_eq!((subject(80), subject(81)), (80, 80));
}

#[test]
fn parts_of_others_are_counted() {
    let more = |text: &str| {
        text.replace(
            "\r\n--mailprobe-6e6f6e636521--",
            "\r\n--mailprobe-6e6f6e636521\r\nContent-Type: text/html\r\n\r\n<p>\r\n--mailprobe-6e6f6e636521--",
        )
    };
    assert_eq!(
        after(Form::SevenBit, more),
        (said(&["parts were added: 1"]), "same", false)
    );
}
