//! What is ours, what only looks like it, and what may be deleted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::time::{Duration, SystemTime};

use delivery_probe::{
    Answers, Canary, Deletable, Draft, Form, Key, KeyError, Keys, Known, Name, Nonce, Recogniser,
    Recognition, Remnant, Size, Token,
};
use probe_core::Secret;

const SECONDS: u64 = 1_767_312_000;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn key(secret: &str) -> Key {
    Key::new(Secret::from(secret)).unwrap()
}

fn keys() -> Keys {
    Keys::new(key("0123456789abcdef"))
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn draft() -> Draft {
    Draft::new(
        name("one"),
        name("out-in"),
        "probe@example.org",
        "inbox@example.net",
    )
}

fn canary_of(draft: &Draft, keys: &Keys) -> Canary {
    let nonce = Nonce::from_bytes(*b"nonce!");
    Canary::with_nonce(draft, keys, at(SECONDS), nonce).unwrap()
}

fn canary() -> Canary {
    canary_of(&draft(), &keys())
}

fn recogniser() -> Recogniser {
    Recogniser::new(keys(), &name("one"))
}

fn text(canary: &Canary) -> String {
    String::from_utf8(canary.bytes().to_vec()).unwrap()
}

/// What a message is a minute later.
fn recognised(message: impl AsRef<[u8]>) -> Recognition {
    recogniser().recognise(message.as_ref(), at(SECONDS + 60))
}

fn deletable(message: impl AsRef<[u8]>) -> Option<Deletable> {
    recogniser().deletable(message.as_ref(), at(SECONDS + 60))
}

const TOKEN: &str = "fbuvocuanzxw4y3feff2iwsiqoiq6phymhrk4samid2fa2mxg3joi5qh";

#[test]
fn a_canary_is_as_it_is_promised() {
    let canary = canary();
    let token = canary.token().to_string();
    assert_eq!(token.len(), Token::LENGTH);
    let expected = format!(
        "From: mailprobe <probe@example.org>\r\n\
        To: <inbox@example.net>\r\n\
        Subject: mailprobe delivery {token}\r\n\
        Date: Fri, 2 Jan 2026 00:00:00 +0000\r\n\
        Message-ID: <{token}@mailprobe.example.org>\r\n\
        Auto-Submitted: auto-generated\r\n\
        X-Auto-Response-Suppress: All\r\n\
        X-Mailprobe-Delivery: {token}\r\n\
        MIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=\"mailprobe-6e6f6e636521\"\r\n\
        Content-Transfer-Encoding: 7bit\r\n\r\n"
    );
    let text = text(&canary);
    assert!(text.starts_with(&expected), "{text}");
    for delicate in ["\r\n.\r\n", "\r\n..this", "   \r\n", "\r\nFrom the"] {
        assert!(text.contains(delicate), "{delicate}");
    }
    assert_eq!(text.lines().map(str::len).max(), Some(998));
    assert!(text.ends_with("\r\n") && !text.contains("List-") && text.is_ascii());
}

#[test]
fn tokens_are_the_same_for_ever() {
    // Canaries of an earlier version have to be known: this one was made by the first.
    assert_eq!(canary().token().to_string(), TOKEN);
}

#[test]
fn sizes_are_about_what_they_say_and_forms_differ() {
    for size in Size::ALL {
        let mut draft = draft();
        draft.size = size;
        let octets = canary_of(&draft, &keys()).bytes().len();
        match size.octets() {
            Some(about) => assert!((about..about + 4096).contains(&octets), "{octets}"),
            None => assert!((2048..8192).contains(&octets), "{octets}"),
        }
    }
    let of = |form| {
        let mut draft = draft();
        draft.form = form;
        canary_of(&draft, &keys())
    };
    let plain = text(&of(Form::Plain));
    assert!(plain.len() < 1024 && !plain.contains("multipart") && plain.contains("\r\nToken: "));
    assert!(!of(Form::EightBit).bytes().is_ascii());
}

#[test]
fn a_canary_is_its_own_and_may_be_deleted() {
    let canary = canary();
    let Recognition::Own(known) = recognised(canary.bytes()) else {
        panic!("{:?}", recognised(canary.bytes()));
    };
    assert_eq!(
        (known.token, known.claims),
        (canary.token(), canary.claims())
    );
    assert!(known.is_by(&name("out-in")) && !known.is_by(&name("in-out")));
    let proof = deletable(canary.bytes()).unwrap();
    assert_eq!((proof.remnant(), proof.known()), (Remnant::Canary, known));
    assert!(proof.is(canary.bytes()) && !proof.is(b""));
    assert_eq!(
        Canary::again(&known, "probe@example.org", "inbox@example.net"),
        Some(canary)
    );
}

#[test]
fn every_form_and_size_may_be_deleted() {
    for form in Form::ALL {
        for size in [Size::Small, Size::Kib64, Size::Mib1] {
            let mut draft = draft();
            (draft.form, draft.size) = (form, size);
            let canary = canary_of(&draft, &keys());
            assert!(deletable(canary.bytes()).is_some(), "{form:?} {size:?}");
        }
    }
}

#[test]
fn the_header_section_is_enough_to_know_and_not_to_delete() {
    let text = text(&canary());
    let (header, _) = text.split_once("\r\n\r\n").unwrap();
    let header = format!("{header}\r\n\r\n");
    assert!(matches!(recognised(&header), Recognition::Own(_)));
    assert_eq!(deletable(&header), None);
}

#[test]
fn a_gateway_may_mark_the_subject_and_change_letters() {
    let text = text(&canary());
    let token = canary().token().to_string();
    let encoded =
        format!("Subject: =?utf-8?Q?[=E5=A4=96]_mailprobe?= =?utf-8?q?_delivery?= {token}");
    for subject in [
        format!("Subject: [EXTERNAL] mailprobe delivery {token}"),
        format!("Subject: ***SPAM*** mailprobe delivery {token}"),
        format!("Subject: [EXTERN: Vorsicht] mailprobe delivery {token} (5.1)"),
        format!("Subject: SPAM: Mailprobe Delivery {}", token.to_uppercase()),
        format!("Subject: mailprobe delivery\r\n {token}"),
        encoded,
    ] {
        let marked = text.replace(&format!("Subject: mailprobe delivery {token}"), &subject);
        assert_ne!(marked, text);
        assert!(
            matches!(recognised(&marked), Recognition::Own(_)),
            "{subject}"
        );
        assert!(deletable(&marked).is_some(), "{subject}");
    }
    let loud = text.replace(&token, &token.to_uppercase());
    assert!(deletable(&loud).is_some());
}

#[test]
fn an_answer_is_no_arrival_and_is_not_deleted() {
    let text = text(&canary());
    let token = canary().token().to_string();
    let subject = "Subject: mailprobe";
    for prefix in [
        "Re",
        "RE",
        "Re[2]",
        "AW",
        "WG",
        "Fwd",
        "Fw",
        "SV",
        "Antw",
        "R",
        "Automatic reply",
        "Undeliverable",
    ] {
        let answer = text.replace(subject, &format!("Subject: {prefix}: mailprobe"));
        assert!(
            matches!(recognised(&answer), Recognition::Reply(_)),
            "{prefix}"
        );
        assert_eq!(deletable(&answer), None, "{prefix}");
    }
    let both = text.replace(subject, "Subject: [EXTERNAL] Re: mailprobe");
    assert!(matches!(recognised(&both), Recognition::Reply(_)));
    for field in [
        format!("In-Reply-To: <{token}@mailprobe.example.org>"),
        "References: <a@b>".to_owned(),
        "Auto-Submitted: auto-replied (vacation)".to_owned(),
    ] {
        let answer = format!("{field}\r\n{text}");
        assert!(
            matches!(recognised(&answer), Recognition::Reply(_)),
            "{field}"
        );
        assert_eq!(deletable(&answer), None, "{field}");
    }
    // A person who answers, without our field.
    let person = format!(
        "From: a@b\r\nSubject: what is this\r\nIn-Reply-To: <{token}@mailprobe.example.org>\r\n\r\n> Token: {token}\r\n"
    );
    assert!(matches!(recognised(&person), Recognition::Reply(_)));
    assert_eq!(deletable(&person), None);
}

#[test]
fn nothing_is_deleted_that_lacks_a_part_of_the_proof() {
    let text = text(&canary());
    let token = canary().token().to_string();
    for (part, other) in [
        ("Auto-Submitted: auto-generated\r\n", ""),
        (
            "Auto-Submitted: auto-generated\r\n",
            "Auto-Submitted: no\r\n",
        ),
        ("X-Mailprobe-Delivery: ", "X-Other: "),
        ("Subject: mailprobe delivery", "Subject: my delivery"),
        ("\r\nToken: ", "\r\nNot: "),
    ] {
        let changed = text.replacen(part, other, 1);
        assert_ne!(changed, text);
        assert_eq!(deletable(&changed), None, "{part} {other}");
    }
    // Somebody else's mail with our words pasted into it.
    let pasted = format!("From: a@b\r\nSubject: look\r\n\r\n{text}");
    assert_eq!(
        (recognised(&pasted), deletable(&pasted)),
        (Recognition::Foreign, None)
    );
    // Two fields, of which one reader sees the first and another the last.
    let twice = format!("X-Mailprobe-Delivery: {token}\r\n{text}");
    assert_eq!(deletable(&twice), None);
    assert_eq!(deletable(text.replace("\r\n\r\n", "\r\n")), None);
}

#[test]
fn a_canary_with_much_else_in_it_is_not_deleted() {
    let canary = canary();
    let limit = 8 * 1024 + Deletable::ADDED_OCTETS;
    let padded = |octets: usize| {
        let more = "x".repeat(octets - canary.bytes().len());
        [canary.bytes(), more.as_bytes()].concat()
    };
    assert!(deletable(padded(limit)).is_some());
    assert_eq!(deletable(padded(limit + 1)), None);
}

#[test]
fn no_token_is_made_without_the_key() {
    let other = canary_of(&draft(), &Keys::new(key("0123456789abcdeg")));
    assert_eq!(
        (recognised(other.bytes()), deletable(other.bytes())),
        (Recognition::Forged, None)
    );
    let token = canary().token().to_string();
    let text = text(&canary());
    for (at, letter) in token.char_indices() {
        let wrong = if letter == 'b' { 'c' } else { 'b' };
        let mut forged = token.clone();
        forged.replace_range(at..=at, &wrong.to_string());
        let forged = text.replace(&token, &forged);
        assert_eq!(recognised(&forged), Recognition::Forged, "{at}");
    }
    // A field that holds no token at all, or another than the subject.
    let empty = text.replace(
        &format!("X-Mailprobe-Delivery: {token}"),
        "X-Mailprobe-Delivery: x",
    );
    assert_eq!(deletable(&empty), None);
    let mut draft = draft();
    draft.route = name("other");
    let second = canary_of(&draft, &keys()).token().to_string();
    let mixed = text.replace(
        &format!("X-Mailprobe-Delivery: {token}"),
        &format!("X-Mailprobe-Delivery: {second}"),
    );
    assert_eq!(recognised(&mixed), Recognition::Forged);
}

#[test]
fn keys_may_be_changed_while_canaries_are_on_their_way() {
    let new = Keys::new(key("another secret of ours"));
    let both = new.clone().with_earlier(key("0123456789abcdef"));
    let old = canary();
    let now = at(SECONDS + 60);
    let by = |keys| Recogniser::new(keys, &name("one")).recognise(old.bytes(), now);
    assert!(matches!(by(both), Recognition::Own(_)));
    assert_eq!(by(new), Recognition::Forged);
    let with = |earlier: usize| {
        let mut keys = Keys::new(key("the newest of our secrets"));
        for at in 1..earlier {
            keys = keys.with_earlier(key(&format!("an earlier secret {at}")));
        }
        by(keys.with_earlier(key("0123456789abcdef")))
    };
    assert!(matches!(with(Keys::MOST - 1), Recognition::Own(_)));
    assert_eq!(with(Keys::MOST), Recognition::Forged);
}

#[test]
fn another_prober_of_the_same_mailbox_is_left_alone() {
    let mut draft = draft();
    draft.prober = name("two");
    let theirs = canary_of(&draft, &keys());
    let Recognition::Another(known) = recognised(theirs.bytes()) else {
        panic!("{:?}", recognised(theirs.bytes()));
    };
    assert_eq!(known.token, theirs.token());
    assert_eq!(deletable(theirs.bytes()), None);
}

#[test]
fn a_canary_counts_for_its_time_and_is_deleted_afterwards() {
    let canary = canary();
    let recogniser = recogniser().within(Duration::from_secs(3600));
    let when = |seconds| recogniser.recognise(canary.bytes(), at(seconds));
    assert!(matches!(when(SECONDS + 3600), Recognition::Own(_)));
    assert!(matches!(when(SECONDS + 3601), Recognition::Expired(_)));
    assert!(matches!(when(SECONDS - 300), Recognition::Own(_)));
    assert!(matches!(when(SECONDS - 301), Recognition::Early(_)));
    assert!(
        recogniser
            .deletable(canary.bytes(), at(SECONDS + 90_000))
            .is_some()
    );
}

#[test]
fn an_auto_responder_that_was_named_answers_and_may_be_cleaned_up() {
    let token = canary().token().to_string();
    let answer = |from: &str| {
        format!(
            "From: {from}\r\nTo: probe@example.org\r\nSubject: Re: mailprobe delivery {token}\r\n\
            In-Reply-To: <{token}@mailprobe.example.org>\r\nAuto-Submitted: auto-replied\r\n\r\nwe got it\r\n"
        )
    };
    let recogniser = recogniser().with_echo("echo@example.com");
    let proof = |message: &str| recogniser.deletable(message.as_bytes(), at(SECONDS + 60));
    for from in ["echo@example.com", "Echo <ECHO@example.com>"] {
        let proof = proof(&answer(from)).unwrap();
        assert_eq!(
            (proof.remnant(), proof.known().token),
            (Remnant::Reply, canary().token())
        );
    }
    for from in [
        "other@example.com",
        "echo@example.com <other@example.com>",
        "",
    ] {
        assert_eq!(proof(&answer(from)), None, "{from}");
    }
    let long = |octets: usize| {
        let answer = answer("echo@example.com");
        let more = "x".repeat(octets - answer.len());
        proof(&(answer + &more))
    };
    assert!(long(Deletable::REPLY_OCTETS).is_some() && long(Deletable::REPLY_OCTETS + 1).is_none());
}

#[test]
fn a_key_is_long_enough_and_never_shown() {
    assert!(Key::new(Secret::from("x".repeat(16))).is_ok());
    assert_eq!(
        Key::new(Secret::from("x".repeat(15))).unwrap_err(),
        KeyError
    );
    let shown = format!("{:?} {:?}", keys(), recogniser());
    assert!(!shown.contains("0123456789abcdef"), "{shown}");
}

#[test]
fn names_and_tokens_are_read_as_they_are_shown() {
    for fine in ["a", "lab/imap", "probe@host:25", &"x".repeat(64)] {
        assert_eq!(name(fine).to_string(), fine);
    }
    for wrong in ["", "a b", "ü", "a\n", &"x".repeat(65)] {
        assert!(wrong.parse::<Name>().is_err(), "{wrong}");
    }
    let token = canary().token();
    assert_eq!(token.to_string().parse(), Ok(token));
    assert_eq!(token.to_string().to_uppercase().parse(), Ok(token));
    let short = &TOKEN[1..];
    for wrong in [
        "",
        short,
        &format!("{TOKEN}a"),
        &TOKEN.replace('b', "1"),
        &format!("a{short}"),
    ] {
        assert!(wrong.parse::<Token>().is_err(), "{wrong}");
    }
}

#[test]
fn candidates_are_looked_at_up_to_the_limit() {
    let mut text = "e".repeat(56) + " ";
    text = text.repeat(Token::CANDIDATES - 1);
    let with = |text: String| Token::all_in(text.as_bytes()).contains(&canary().token());
    assert!(with(text.clone() + TOKEN) && !with(text.clone() + &"f".repeat(56) + " " + TOKEN));
    assert_eq!(
        Token::all_in(format!("<{TOKEN}@x>,{TOKEN}").as_bytes()).len(),
        1
    );
}

/// A known token is more than its text.
#[test]
fn tokens_of_this_prober_are_found_in_any_text() {
    let found: Vec<Known> = recogniser().own_tokens(format!("id={TOKEN};").as_bytes());
    assert_eq!(found.len(), 1);
    let mut draft = draft();
    draft.prober = name("two");
    let theirs = canary_of(&draft, &keys()).token().to_string();
    assert_eq!(recogniser().own_tokens(theirs.as_bytes()), []);
}

#[test]
fn a_canary_that_is_to_be_answered_says_nothing_of_a_program_and_is_deletable_all_the_same() {
    let mut draft = draft();
    draft.answers = Answers::Wanted;
    let canary = Canary::new(&draft, &keys(), at(SECONDS)).unwrap();
    let text = String::from_utf8(canary.bytes().to_vec()).unwrap();
    assert!(!text.contains("Auto-Submitted") && !text.contains("X-Auto-Response-Suppress"));
    let deletable =
        |recogniser: Recogniser| recogniser.deletable(text.as_bytes(), at(SECONDS)).is_some();
    assert!(deletable(recogniser().with_echo("echo@example.com")));
    assert!(!deletable(recogniser()));
}
