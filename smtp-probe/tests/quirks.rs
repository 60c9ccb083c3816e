//! Oddities of real servers: each is tolerated, told, and has its source beside it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;
#[path = "quirks/dialogues.rs"]
mod dialogues;

use common::{World, converse};
use probe_core::FailureKind;
use probe_net::sasl::{Credentials, Mechanism};
use probe_net::tls::{SecretsOver, Security};
use probe_net::{Codec, Decoded, Oddities};
use probe_testkit::Script;
use smtp_probe::{Limits, Reply, SmtpCodec};

/// The first reply in these bytes, and what was odd about it.
fn hear(bytes: impl AsRef<[u8]>) -> (Reply, Vec<&'static str>) {
    let mut oddities = Oddities::default();
    let decoded = SmtpCodec::default().decode(bytes.as_ref(), &mut oddities);
    let codes = oddities.findings().map(|finding| finding.code()).collect();
    match decoded.unwrap() {
        Decoded::Frame { reply, .. } => (reply, codes),
        Decoded::Partial => panic!("no whole reply"),
    }
}

fn number(reply: &Reply) -> Option<u16> {
    reply.code().map(|code| code.number())
}

async fn ask(script: Script) -> common::Outcome {
    let world = World::new();
    let options = world.options();
    converse(
        &world,
        &script,
        Security::Cleartext,
        SecretsOver::VerifiedTls,
        options,
    )
    .await
}

/// A dialogue in which EHLO is answered so.
async fn offered(ehlo: &str) -> common::Outcome {
    ask(Script::new()
        .say("220 mx\r\n")
        .hear("EHLO")
        .say(ehlo)
        .hear("QUIT")
        .say("221 Bye\r\n"))
    .await
}

#[test]
fn a_code_without_text_is_a_reply() {
    // RFC 5321 section 4.2; swaks waits for the blank until its time is over.
    let (reply, codes) = hear("250\r\n");
    assert_eq!(
        (number(&reply), reply.text(), codes),
        (Some(250), &b""[..], vec!["smtp.reply.no-text"])
    );
    let (reply, codes) = hear("250 \r\n");
    assert_eq!(
        (number(&reply), codes),
        (Some(250), vec!["smtp.reply.no-text"])
    );
}

#[test]
fn text_that_begins_with_digits_is_text() {
    // RFC 5321 section 4.2.1: "250-234 Text beginning with numbers".
    let (reply, codes) = hear("250-First line\r\n250-234 numbers\r\n250 The last line\r\n");
    let lines: Vec<_> = reply.lines().collect();
    assert_eq!(
        lines,
        [&b"First line"[..], b"234 numbers", b"The last line"]
    );
    assert!(codes.is_empty());
}

#[test]
fn a_code_that_changes_within_a_reply_makes_it_no_reply_and_the_stream_stays_in_step() {
    // RFC 5321 section 4.2.1 wants the same code on each line.
    let stream = "250-mx\r\n220 mx\r\n250 next\r\n";
    let (reply, codes) = hear(stream);
    assert_eq!(
        (number(&reply), codes),
        (None, vec!["smtp.reply.two-codes"])
    );
    assert_eq!(reply.raw(), b"250-mx\r\n220 mx\r\n");
}

#[test]
fn a_bare_line_feed_is_heard_and_told() {
    // RFC 5321 section 2.3.8; swaks Changes 20030306.
    let (reply, codes) = hear("250-mx\n250 SIZE\n");
    assert_eq!(
        (reply.lines().count(), codes),
        (2, vec!["smtp.reply.bare-lf"])
    );
}

#[test]
fn eight_bit_text_is_kept_as_bytes() {
    // QQ answers in GBK: aiosmtplib#41.
    let (reply, codes) = hear(b"550 \xc4\xfa\xba\xc3\r\n");
    assert_eq!(
        (reply.text(), codes),
        (&b"\xc4\xfa\xba\xc3"[..], vec!["smtp.reply.eight-bit"])
    );
}

#[test]
fn a_long_line_is_heard_up_to_the_limit() {
    // RFC 5321 section 4.5.3.1.5: 512 octets with code and line end.
    let told = |length: usize| hear(format!("250 {}\r\n", "x".repeat(length - 4))).1;
    assert!(told(510).is_empty());
    assert_eq!(told(511), ["smtp.reply.long-line"]);

    let limit = Limits::default().line;
    let decode = |length: usize| {
        let line = format!("250 {}\r\n", "x".repeat(length - 4));
        SmtpCodec::default()
            .decode(line.as_bytes(), &mut Oddities::default())
            .is_ok()
    };
    assert!(decode(limit));
    assert!(!decode(limit + 1));
}

#[test]
fn an_endless_reply_ends_at_the_limit() {
    let limit = Limits::default().lines;
    let decode = |lines: usize| {
        let stream = "250-more\r\n".repeat(lines - 1) + "250 last\r\n";
        SmtpCodec::default()
            .decode(stream.as_bytes(), &mut Oddities::default())
            .is_ok()
    };
    assert!(decode(limit));
    assert!(!decode(limit + 1));
}

#[test]
fn an_enhanced_code_is_read_where_there_is_one() {
    // RFC 2034; Gmail repeats it on each line of a reply (go-smtp PR#113).
    for (line, code) in [
        (
            "535-5.7.8 Username and Password not accepted\r\n535 5.7.8 See\r\n",
            Some("5.7.8"),
        ),
        ("250 2.0.0\r\n", Some("2.0.0")),
        ("250 2.0.0-beta\r\n", None),
        ("250 3.1.1 no such class\r\n", None),
        ("250 mx.example.test\r\n", None),
    ] {
        assert_eq!(
            hear(line)
                .0
                .enhanced()
                .map(|code| code.to_string())
                .as_deref(),
            code,
            "{line}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_line_of_ehlo_is_never_a_keyword() {
    // bigpond names a keyword there: EFForg/starttls-backend#107.
    let outcome = offered("250-STARTTLS\r\n250 SIZE\r\n").await;
    let capabilities = outcome.facts.capabilities().unwrap();
    assert!(!capabilities.has("STARTTLS") && capabilities.has("SIZE"));
    assert_eq!(capabilities.domain(), b"STARTTLS");
}

#[tokio::test(start_paused = true)]
async fn keywords_are_found_in_any_case_and_as_the_last_line() {
    // curl#18588, golang PR#80790; NixOS/infra#576.
    let outcome = offered("250-mx\r\n250-Size 1000\r\n250 starttls\r\n").await;
    let capabilities = outcome.facts.capabilities().unwrap();
    assert!(capabilities.has("STARTTLS"));
    assert_eq!(capabilities.size_limit(), Some(1000));
}

#[tokio::test(start_paused = true)]
async fn the_form_auth_equals_is_read_and_told_once() {
    // Postfix's broken_sasl_auth_clients: thunderbird-android#8715.
    let outcome = offered("250-mx\r\n250-AUTH LOGIN PLAIN\r\n250 AUTH=LOGIN PLAIN\r\n").await;
    let capabilities = outcome.facts.capabilities().unwrap();
    assert_eq!(
        capabilities.mechanisms(),
        [Mechanism::Login, Mechanism::Plain]
    );
    assert_eq!(
        outcome.codes(),
        ["smtp.auth.in-clear", "smtp.auth.legacy-form"]
    );
}

#[tokio::test(start_paused = true)]
async fn ehlo_lines_without_a_code_are_refused_and_end() {
    // smtp4dev#5, #97.
    let outcome = offered("250-mx\r\nSIZE\r\n250 HELP\r\n").await;
    assert_eq!(
        outcome.failure.as_ref().unwrap().kind,
        FailureKind::Protocol
    );
    assert!(outcome.codes().contains(&"smtp.reply.no-code"));
}

#[tokio::test(start_paused = true)]
async fn a_line_of_three_bytes_is_no_crash() {
    // curl PR#4287.
    for ehlo in ["250\r\n", "25\r\n", "250-\r\n250\r\n", "-\r\n", "\r\n"] {
        offered(ehlo).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_greeting_needs_no_word_esmtp() {
    // QQ: vertx-mail-client#46; ImprovMX: NixOS/infra#576.
    for greeting in [
        "220 smtp.qq.com Esmtp QQ Mail Server\r\n",
        "220 ready\r\n",
        "220\r\n",
    ] {
        let script = Script::new()
            .say(greeting)
            .hear("EHLO")
            .say("250 mx\r\n")
            .hear("QUIT");
        assert_eq!(ask(script).await.failure, None, "{greeting}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_words_of_a_421_are_the_reason_at_any_time() {
    // testssl#2098, simplesmtp#50.
    let busy = "421 4.7.0 Too many sessions\r\n";
    for script in [
        Script::new().say(busy),
        Script::new().say("220 mx\r\n").hear("EHLO").say(busy),
    ] {
        let failure = ask(script).await.failure.unwrap();
        assert_eq!(failure.kind, FailureKind::Temporary);
        assert_eq!(failure.reply.unwrap(), busy.trim().as_bytes());
    }
}

#[tokio::test(start_paused = true)]
async fn two_replies_in_one_packet_and_one_in_many_are_the_same() {
    // swaks Changes 20050709, xymon#450.
    let script = Script::new()
        .say("220-mx\r\n220 mx\r\n")
        .hear("EHLO")
        .say("250-mx\r\n250-SIZE 1000\r\n250 HELP\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let whole = ask(script.clone()).await;
    let bitwise = ask(script.in_pieces(1)).await;
    assert_eq!(whole.facts.capabilities(), bitwise.facts.capabilities());
    assert_eq!((whole.failure, bitwise.failure), (None, None));
}

#[tokio::test(start_paused = true)]
async fn the_text_of_the_go_ahead_decides_nothing() {
    // Exchange says "SMTP server ready": monitoring-plugins PR#1378.
    let world = World::new();
    let script = Script::new()
        .say("220 mx\r\n")
        .hear("EHLO")
        .say("250-mx\r\n250 STARTTLS\r\n")
        .hear("STARTTLS")
        .say("220 2.0.0 SMTP server ready\r\n")
        .tls(&world.identity)
        .hear("EHLO")
        .say("250 mx\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let options = world.options();
    let outcome = converse(
        &world,
        &script,
        Security::Required,
        SecretsOver::VerifiedTls,
        options,
    )
    .await;
    outcome.conversation.assert_followed();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_no_passwords_any_more_is_told_from_a_wrong_password() {
    // Exchange Online: holon-run/uxc#445.
    let world = World::new();
    let script = Script::new()
        .say("220 mx\r\n")
        .hear("EHLO")
        .say("250-mx\r\n250 AUTH LOGIN XOAUTH2\r\n")
        .hear("AUTH LOGIN")
        .say("535 5.7.139 Authentication unsuccessful, basic authentication is disabled. [X]\r\n")
        .drain();
    let options = world
        .options()
        .credentials(Credentials::password("alice", "wonderland").unwrap());
    let outcome = converse(
        &world,
        &script,
        Security::Cleartext,
        SecretsOver::Cleartext,
        options,
    )
    .await;
    assert_eq!(outcome.failure.unwrap().kind, FailureKind::Policy);
}
