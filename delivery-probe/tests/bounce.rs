//! Reports on canaries: in the form of RFC 3464, in the words of servers, and what only looks like one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::time::{Duration, SystemTime};

use delivery_probe::{
    Action, Bounce, BounceForm, Canary, Cause, Deletable, Draft, Key, Keys, Nonce, Notice,
    Recogniser, Recognition, Remnant, Status,
};
use probe_core::Secret;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_312_000 + seconds)
}

fn keys() -> Keys {
    Keys::new(Key::new(Secret::from("0123456789abcdef")).unwrap())
}

fn canary_by(prober: &str, nonce: &[u8; 6]) -> Canary {
    let route = "out-in".parse().unwrap();
    let draft = Draft::new(
        prober.parse().unwrap(),
        route,
        "probe@example.org",
        "inbox@example.net",
    );
    Canary::with_nonce(&draft, &keys(), at(0), Nonce::from_bytes(*nonce)).unwrap()
}

fn canary() -> Canary {
    canary_by("one", b"nonce!")
}

fn recogniser() -> Recogniser {
    Recogniser::new(keys(), &"one".parse().unwrap())
}

fn header(canary: &Canary) -> String {
    let text = String::from_utf8(canary.bytes().to_vec()).unwrap();
    let (header, _) = text.split_once("\r\n\r\n").unwrap();
    format!("{header}\r\n")
}

/// A report as Postfix writes it, with this group of fields for the recipient.
fn report(recipient: &str, returned: &str) -> String {
    format!(
        "Return-Path: <>\r\n\
        Received: by mx.example.net (Postfix) id 3B6D; Fri,  2 Jan 2026 00:00:05 +0000 (UTC)\r\n\
        Date: Fri,  2 Jan 2026 00:00:05 +0000 (UTC)\r\n\
        From: MAILER-DAEMON@mx.example.net (Mail Delivery System)\r\n\
        Subject: Undelivered Mail Returned to Sender\r\n\
        To: probe@example.org\r\n\
        Auto-Submitted: auto-replied\r\n\
        MIME-Version: 1.0\r\n\
        Content-Type: multipart/report; report-type=delivery-status;\r\n\
        \tboundary=\"3B6D.1767312005/mx.example.net\"\r\n\r\n\
        This is a MIME-encapsulated message.\r\n\r\n\
        --3B6D.1767312005/mx.example.net\r\n\
        Content-Description: Notification\r\n\
        Content-Type: text/plain; charset=us-ascii\r\n\r\n\
        I'm sorry to have to inform you that your message could not\r\n\
        be delivered to one or more recipients.\r\n\r\n\
        --3B6D.1767312005/mx.example.net\r\n\
        Content-Description: Delivery report\r\n\
        Content-Type: message/delivery-status\r\n\r\n\
        Reporting-MTA: dns; mx.example.net\r\n\
        X-Postfix-Queue-ID: 3B6D\r\n\
        Arrival-Date: Fri,  2 Jan 2026 00:00:01 +0000 (UTC)\r\n\r\n\
        {recipient}\r\n\
        --3B6D.1767312005/mx.example.net\r\n\
        {returned}\r\n\
        --3B6D.1767312005/mx.example.net--\r\n"
    )
}

fn returned() -> String {
    format!(
        "Content-Description: Undelivered Message\r\nContent-Type: message/rfc822\r\n\r\n{}\r\nbody\r\n",
        header(&canary())
    )
}

const UNKNOWN: &str = "Final-Recipient: rfc822; inbox@example.net\r\n\
    Original-Recipient: rfc822;inbox@example.net\r\n\
    Action: failed\r\n\
    Status: 5.1.1\r\n\
    Remote-MTA: dns; store.example.net\r\n\
    Diagnostic-Code: smtp; 550 5.1.1 <inbox@example.net> User doesn't exist:\r\n inbox@example.net\r\n";

fn read(message: impl AsRef<[u8]>) -> Notice {
    Bounce::read(message.as_ref(), &recogniser())
}

fn bounce(message: impl AsRef<[u8]>) -> Bounce {
    match read(message) {
        Notice::Bounce(bounce) => *bounce,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_report_tells_which_canary_why_and_by_whom() {
    let message = report(UNKNOWN, &returned());
    let bounce = bounce(&message);
    assert_eq!(bounce.canary.token, canary().token());
    assert_eq!(
        (bounce.action, bounce.cause, bounce.form),
        (Action::Failed, Cause::Address, BounceForm::Proven)
    );
    assert_eq!(bounce.status.unwrap().to_string(), "5.1.1");
    assert_eq!(bounce.reporter.as_deref(), Some("mx.example.net"));
    assert_eq!(bounce.remote.as_deref(), Some("store.example.net"));
    assert_eq!(bounce.recipient.as_deref(), Some("inbox@example.net"));
    assert_eq!(
        bounce.diagnostic.as_deref(),
        Some("550 5.1.1 <inbox@example.net> User doesn't exist: inbox@example.net")
    );
    // By its header alone it is nothing of ours; with all of it, it is ours to clean up.
    assert_eq!(
        recogniser().recognise(message.as_bytes(), at(9)),
        Recognition::Foreign
    );
    let proof = recogniser().deletable(message.as_bytes(), at(9)).unwrap();
    assert_eq!(
        (proof.remnant(), proof.known().token),
        (Remnant::Bounce, canary().token())
    );
}

#[test]
fn a_report_within_somebodys_message_is_part_of_that_message() {
    let mixed = report(UNKNOWN, &returned()).replace(
        "multipart/report; report-type=delivery-status;",
        "multipart/mixed;",
    );
    assert!(bounce(&mixed).is_proven());
    assert_eq!(recogniser().deletable(mixed.as_bytes(), at(9)), None);
    // Nor may it hold much else.
    let limit = 8 * 1024 + Deletable::ADDED_OCTETS;
    let padded = |octets: usize| {
        let message = report(UNKNOWN, &returned());
        let more = "x".repeat(octets - message.len());
        recogniser()
            .deletable((message + &more).as_bytes(), at(9))
            .is_some()
    };
    assert!(padded(limit) && !padded(limit + 1));
}

#[test]
fn the_header_section_is_enough_to_be_returned() {
    // RFC 3461 section 4.3, RET=HDRS; RFC 6522 section 4.
    let headers = format!(
        "Content-Type: text/rfc822-headers\r\n\r\n{}",
        header(&canary())
    );
    assert!(bounce(report(UNKNOWN, &headers)).is_proven());
    // The envelope's name alone (RFC 3464 section 2.2.1): it counts, and is nobody's to delete.
    let named = UNKNOWN.to_owned() + &format!("Original-Envelope-Id: {}\r\n", canary().token());
    let message = report(&named, "Content-Type: text/plain\r\n\r\nnothing");
    assert_eq!(bounce(&message).form, BounceForm::Report);
    assert_eq!(recogniser().deletable(message.as_bytes(), at(9)), None);
}

#[test]
fn a_report_of_a_delay_leaves_the_canary_pending() {
    let delayed = "Final-Recipient: rfc822; inbox@example.net\r\nAction: delayed\r\nStatus: 4.4.1\r\n\
        Diagnostic-Code: X-Postfix; connect to store.example.net[192.0.2.2]:25: Connection refused\r\n\
        Will-Retry-Until: Wed,  7 Jan 2026 00:00:01 +0000 (UTC)\r\n";
    let bounce = bounce(report(delayed, &returned()));
    assert_eq!(
        (bounce.action, bounce.cause),
        (Action::Delayed, Cause::Network)
    );
    assert_eq!(bounce.retries_until, Some(at(5 * 24 * 3600 + 1)));
    // Without a word of its own, the class of the status says it (RFC 3463 section 3.1).
    let silent = "Final-Recipient: rfc822; inbox@example.net\r\nStatus: 4.2.2\r\n";
    let silent = self::bounce(report(silent, &returned()));
    assert_eq!(
        (silent.action, silent.cause),
        (Action::Delayed, Cause::Quota)
    );
}

#[test]
fn a_report_of_success_is_no_loss() {
    for action in ["delivered", "relayed (to non-DSN-aware mailer)", "expanded"] {
        let fields = format!(
            "Final-Recipient: rfc822; inbox@example.net\r\nAction: {action}\r\nStatus: 2.0.0\r\n"
        );
        assert_ne!(bounce(report(&fields, &returned())).action, Action::Failed);
    }
}

#[test]
fn the_remote_servers_words_are_asked_where_the_status_says_nothing() {
    let cause = |status: &str, words: &str| {
        let fields = format!(
            "Final-Recipient: rfc822; inbox@example.net\r\nAction: failed\r\nStatus: {status}\r\nDiagnostic-Code: smtp; {words}\r\n"
        );
        let bounce = bounce(report(&fields, &returned()));
        (bounce.status.unwrap().to_string(), bounce.cause)
    };
    assert_eq!(
        cause("5.0.0", "552 5.2.2 mailbox full"),
        ("5.2.2".to_owned(), Cause::Quota)
    );
    assert_eq!(
        cause("5.0.0", "550 No such user here"),
        ("5.0.0".to_owned(), Cause::Address)
    );
    assert_eq!(
        cause("5.7.1", "554 blocked"),
        ("5.7.1".to_owned(), Cause::Policy)
    );
}

#[test]
fn of_several_recipients_the_one_that_failed_counts() {
    let fields = format!(
        "Final-Recipient: rfc822; a@example.net\r\nAction: relayed\r\nStatus: 2.0.0\r\n\r\n{UNKNOWN}"
    );
    assert_eq!(bounce(report(&fields, &returned())).cause, Cause::Address);
    let many = |count: usize| {
        let group = "Final-Recipient: rfc822; a@example.net\r\nAction: relayed\r\n\r\n";
        bounce(report(&(group.repeat(count) + UNKNOWN), &returned())).action
    };
    assert_eq!(many(Bounce::RECIPIENTS - 1), Action::Failed);
    assert_eq!(many(Bounce::RECIPIENTS), Action::Relayed);
}

/// qmail 1.03 `qmail-send.c`.
#[test]
fn qmail_writes_for_people_and_is_understood() {
    let message = format!(
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.net\r\nTo: probe@example.org\r\nSubject: failure notice\r\n\r\n\
        Hi. This is the qmail-send program at mx.example.net.\r\n\
        I'm afraid I wasn't able to deliver your message to the following addresses.\r\n\r\n\
        <inbox@example.net>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n\r\n\
        --- Below this line is a copy of the message.\r\n\r\n{}",
        header(&canary())
    );
    let bounce = bounce(&message);
    assert_eq!(
        (bounce.action, bounce.cause, bounce.form),
        (Action::Failed, Cause::Address, BounceForm::Words)
    );
    assert!(bounce.diagnostic.unwrap().ends_with("(#5.1.1)"));
    assert_eq!(recogniser().deletable(message.as_bytes(), at(9)), None);
}

/// Exim before 4.77 `src/moan.c`, and its warning of a delay.
#[test]
fn exim_writes_for_people_and_is_understood() {
    let message = |subject: &str, words: &str| {
        format!(
            "X-Failed-Recipients: inbox@example.net\r\nAuto-Submitted: auto-replied\r\n\
            From: Mail Delivery System <Mailer-Daemon@mx.example.net>\r\nTo: probe@example.org\r\nSubject: {subject}\r\n\r\n\
            {words}\r\n\r\n------ This is a copy of the message, including all the headers. ------\r\n\r\n{}",
            header(&canary())
        )
    };
    let failed = bounce(message(
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\r\n\r\n  inbox@example.net\r\n    Unrouteable address",
    ));
    assert_eq!(
        (failed.action, failed.cause),
        (Action::Failed, Cause::Address)
    );
    assert_eq!(failed.recipient.as_deref(), Some("inbox@example.net"));
    let delayed = bounce(message(
        "Warning: message 1vbTqx-0001ab-2c delayed 24 hours",
        "No action is required on your part. Delivery attempts will continue for some time.",
    ));
    assert_eq!(delayed.action, Action::Delayed);
}

/// An NDR of Exchange Online: the subject is answered, the reason is in HTML and text, the report in its own part.
#[test]
fn exchange_answers_the_subject_and_is_understood() {
    let token = canary().token();
    let message = report(
        "Final-Recipient: rfc822;inbox@example.net\r\nAction: failed\r\nStatus: 5.1.10\r\n\
        Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient inbox@example.net not found by SMTP address lookup\r\n",
        &returned(),
    );
    let message = message
        .replace(
            "Undelivered Mail Returned to Sender",
            &format!("Undeliverable: mailprobe delivery {token}"),
        )
        .replace(
            "Auto-Submitted: auto-replied",
            &format!(
                "In-Reply-To: <{token}@mailprobe.example.org>\r\nAuto-Submitted: auto-replied"
            ),
        );
    assert!(matches!(
        recogniser().recognise(message.as_bytes(), at(9)),
        Recognition::Reply(_)
    ));
    let bounce = bounce(&message);
    assert_eq!((bounce.cause, bounce.is_proven()), (Cause::Address, true));
    assert!(recogniser().deletable(message.as_bytes(), at(9)).is_some());
}

/// RFC 3834, and the fields of programs that are older.
#[test]
fn answers_of_programs_are_no_bounces() {
    let token = canary().token();
    for fields in [
        "From: inbox@example.net\r\nAuto-Submitted: auto-replied (vacation)",
        "From: inbox@example.net\r\nReturn-Path: <>\r\nX-Autoreply: yes",
        "From: inbox@example.net\r\nPrecedence: bulk",
        "From: \"Inbox\" <inbox@example.net>\r\nAuto-Submitted: auto-generated\r\nReturn-Path: <>",
    ] {
        let message = format!(
            "{fields}\r\nSubject: away\r\nIn-Reply-To: <{token}@mailprobe.example.org>\r\n\r\n550 5.1.1 I am away\r\n"
        );
        let Notice::AutoReply(known) = read(&message) else {
            panic!("{fields}: {:?}", read(&message));
        };
        assert_eq!(known.token, token);
        assert_eq!(recogniser().deletable(message.as_bytes(), at(9)), None);
    }
}

#[test]
fn a_report_without_a_genuine_token_says_nothing() {
    let foreign = "Content-Type: message/rfc822\r\n\r\nFrom: a@b\r\nSubject: hi\r\n\r\nbody\r\n";
    assert_eq!(read(report(UNKNOWN, foreign)), Notice::Nothing);
    let theirs = format!(
        "Content-Type: message/rfc822\r\n\r\n{}\r\n",
        header(&canary_by("two", b"nonce!"))
    );
    assert_eq!(read(report(UNKNOWN, &theirs)), Notice::Nothing);
    let token = canary().token().to_string();
    let forged = returned().replace(&token, &token.replace(['a', 'b'], "c"));
    assert_eq!(read(report(UNKNOWN, &forged)), Notice::Nothing);
    // Two of ours, and no saying which.
    let second = canary_by("one", b"other!").token();
    let both = format!("Content-Type: text/plain\r\n\r\n{token} {second}\r\n");
    assert_eq!(read(report(UNKNOWN, &both)), Notice::Nothing);
    assert_eq!(read(""), Notice::Nothing);
}

#[test]
fn a_report_is_read_up_to_the_limit() {
    let padded = |octets: usize| {
        let message = report(UNKNOWN, &returned());
        let more = "x".repeat(octets - message.len());
        message.replace("I'm sorry", &format!("{more}I'm sorry"))
    };
    assert_eq!(bounce(padded(Bounce::OCTETS)).cause, Cause::Address);
    // The fields are cut off.
    assert_eq!(read(padded(Bounce::OCTETS + 4096)), Notice::Nothing);
    let words = |count: usize| {
        let fields = format!(
            "Action: failed\r\nDiagnostic-Code: {}\r\n",
            "y".repeat(count)
        );
        bounce(report(&fields, &returned()))
            .diagnostic
            .unwrap()
            .len()
    };
    assert_eq!((words(Bounce::WORDS), words(Bounce::WORDS + 1)), (512, 512));
}

#[test]
fn codes_are_found_in_words_and_numbers_that_are_none_are_not() {
    let found = |text: &str| Status::find(text.as_bytes()).map(|status| status.to_string());
    assert_eq!(found("550 5.1.1 unknown"), Some("5.1.1".to_owned()));
    assert_eq!(found("(#5.7.1)"), Some("5.7.1".to_owned()));
    assert_eq!(found("550-5.7.26 This"), Some("5.7.26".to_owned()));
    for none in [
        "",
        "192.0.2.1",
        "5.1",
        "3.1.1",
        "15.1.1",
        "5.1.1.1",
        "5.1.1234",
        "version 5.1.1a",
    ] {
        assert_eq!(found(none), None, "{none}");
    }
}

/// RFC 3463 section 3 and the registry of enhanced status codes.
#[test]
fn every_status_has_its_cause() {
    for (text, cause) in [
        ("5.1.1", Cause::Address),
        ("5.1.6", Cause::Address),
        ("5.2.1", Cause::Address),
        ("5.1.2", Cause::Routing),
        ("5.4.4", Cause::Routing),
        ("5.1.8", Cause::Sender),
        ("5.2.2", Cause::Quota),
        ("4.2.2", Cause::Quota),
        ("4.3.1", Cause::Quota),
        ("5.3.4", Cause::Size),
        ("5.2.3", Cause::Size),
        ("4.4.1", Cause::Network),
        ("4.4.7", Cause::Network),
        ("5.4.6", Cause::Loop),
        ("5.5.2", Cause::Protocol),
        ("5.6.1", Cause::Content),
        ("5.7.1", Cause::Policy),
        ("5.7.26", Cause::Authentication),
        ("5.7.23", Cause::Authentication),
        ("5.7.10", Cause::Tls),
        ("4.3.2", Cause::System),
        ("5.0.0", Cause::Other),
    ] {
        assert_eq!(
            Status::find(text.as_bytes()).unwrap().cause(),
            cause,
            "{text}"
        );
    }
}
