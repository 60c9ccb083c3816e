//! Oddities of real servers: each is tolerated, told, and has its source beside it. The numbers are those of the
//! project's list of corner cases of POP3; number 7 is in `dialogue.rs`, 15 in `permission.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod common;
#[path = "quirks/maildrop.rs"]
mod maildrop;

use std::time::Duration;

use common::{Outcome, World, alice, converse, log_in};
use pop3_probe::{Capabilities, Command, Expiry, Limits, LoginCommand, Pop3Codec, Reply, Status};
use probe_core::FailureKind;
use probe_net::sasl::{Credentials, Mechanism};
use probe_net::tls::{SecretsOver, Security};
use probe_net::{Codec, Decoded, Oddities, Outgoing};
use probe_testkit::Script;

/// The first reply in these bytes, and what was odd about it.
fn hear(asked: &Command, bytes: impl AsRef<[u8]>) -> (Reply, Vec<&'static str>) {
    let mut codec = Pop3Codec::default();
    codec.encode(asked, &mut Outgoing::default());
    let mut oddities = Oddities::default();
    let decoded = codec.decode(bytes.as_ref(), &mut oddities);
    let codes = oddities.findings().map(|finding| finding.code()).collect();
    match decoded.unwrap() {
        Decoded::Frame { reply, .. } => (reply, codes),
        Decoded::Partial => panic!("no whole reply"),
    }
}

fn is_partial(asked: &Command, bytes: &[u8]) -> bool {
    let mut codec = Pop3Codec::default();
    codec.encode(asked, &mut Outgoing::default());
    codec.decode(bytes, &mut Oddities::default()) == Ok(Decoded::Partial)
}

fn line(bytes: impl AsRef<[u8]>) -> (Reply, Vec<&'static str>) {
    hear(&Command::Noop, bytes)
}

async fn ask(script: Script) -> Outcome {
    let world = World::new();
    let options = world.options();
    let weakest = SecretsOver::VerifiedTls;
    converse(&world, &script, Security::Cleartext, weakest, options).await
}

/// A server that greets and tells its capabilities so.
fn server(greeting: &str, capa: &str) -> Script {
    Script::new().say(greeting).hear("CAPA").say(capa)
}

/// It takes USER, and answers PASS so.
fn verdict(answer: &str) -> Script {
    server("+OK\r\n", "+OK\r\nUSER\r\n.\r\n")
        .hear("USER")
        .say("+OK\r\n")
        .hear("PASS")
        .say(answer)
        .drain()
}

async fn refused(answer: &str) -> (FailureKind, Outcome) {
    let outcome = log_in(&verdict(answer), |options| options).await;
    (outcome.failure.as_ref().unwrap().kind, outcome)
}

#[test]
fn a_status_in_lower_case_is_understood_and_told() {
    // Case 1: RFC 1939 section 3 wants upper case, and no more than 512 octets.
    let (reply, codes) = line("+ok ready\r\n");
    assert_eq!((reply.status(), reply.text()), (Status::Ok, &b"ready"[..]));
    assert_eq!(codes, ["pop3.reply.lower-case"]);
    let (reply, codes) = line("-err no\r\n");
    assert_eq!(
        (reply.status(), codes),
        (Status::Err, vec!["pop3.reply.lower-case"])
    );
    assert_eq!(line("+OKAY then\r\n").1, ["pop3.reply.no-status"]);
    assert_eq!(line("+OK: fine\r\n").0.status(), Status::Ok);
}

#[test]
fn a_long_line_is_heard_up_to_the_limit() {
    // Case 1: 512 octets with line end.
    let told = |length: usize| line(format!("+OK {}\r\n", "x".repeat(length - 4))).1;
    assert!(told(510).is_empty());
    assert_eq!(told(511), ["pop3.reply.long-line"]);

    let limit = Limits::default().line;
    let decode = |length: usize| {
        let line = format!("+OK {}\r\n", "x".repeat(length - 4));
        let mut oddities = Oddities::default();
        Pop3Codec::default()
            .decode(line.as_bytes(), &mut oddities)
            .is_ok()
    };
    assert!(decode(limit));
    assert!(!decode(limit + 1));
}

#[test]
fn a_bare_line_feed_is_heard_and_told() {
    let (reply, codes) = hear(&Command::List, "+OK\n1 2\n.\n");
    assert_eq!(reply.lines().collect::<Vec<_>>(), [b"1 2"]);
    assert_eq!(codes, ["pop3.reply.bare-lf"]);
}

#[test]
fn a_continuation_may_be_empty() {
    // Case 2: RFC 5034 section 4; Gmail says "+ " (sawp#12).
    for bytes in ["+\r\n", "+ \r\n"] {
        let (reply, codes) = line(bytes);
        assert_eq!((reply.status(), reply.text()), (Status::Continue, &b""[..]));
        assert!(codes.is_empty(), "{bytes:?}");
    }
    assert_eq!(line("+ VXNlcg==\r\n").0.text(), b"VXNlcg==");
}

#[tokio::test(start_paused = true)]
async fn an_empty_challenge_is_answered_with_the_first_message() {
    // Case 2 and 22: RFC 2449 section 4 has lines of 255 octets; RFC 5034 section 4: what does not fit waits.
    let answer = "dXNlcj1hbGljZQ";
    for challenge in ["+\r\n", "+ \r\n"] {
        let script = server("+OK\r\n", "+OK\r\nSASL XOAUTH2\r\n.\r\n")
            .hear("AUTH XOAUTH2")
            .say(challenge)
            .hear(answer)
            .say("-ERR no\r\n")
            .drain();
        let token = Credentials::token("alice", "t".repeat(200)).unwrap();
        let outcome = log_in(&script, |options| options.credentials(token)).await;
        assert!(outcome.has_said("AUTH XOAUTH2"), "{:?}", outcome.said());
        assert_eq!(outcome.failure.unwrap().kind, FailureKind::Credentials);
    }
}

#[test]
fn no_command_line_is_longer_than_255_octets() {
    // Case 22: RFC 2449 section 4.
    let long = |octets| Credentials::token("alice", "t".repeat(octets)).unwrap();
    let fits = |octets: usize| async move {
        let script = server("+OK\r\n", "+OK\r\nSASL XOAUTH2\r\n.\r\n")
            .hear("AUTH")
            .drain();
        let outcome = log_in(&script, |options| options.credentials(long(octets))).await;
        outcome.said().iter().map(String::len).max().unwrap() + 2
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let longest = (100..200)
        .map(|octets| runtime.block_on(fits(octets)))
        .max();
    assert!(longest <= Some(255) && longest > Some(250), "{longest:?}");
}

#[test]
fn a_line_with_dots_is_not_the_end() {
    // Case 4: a bug of nmap's pop3 library.
    let capa = "+OK\r\nIMPLEMENTATION v1.0.2 . beta.\r\nUIDL\r\n.\r\n";
    let capabilities = Capabilities::from(hear(&Command::Capa, capa).0);
    assert!(capabilities.has("UIDL"));
    let implementation = capabilities.get("IMPLEMENTATION").unwrap();
    assert_eq!(implementation.parameters, b"v1.0.2 . beta.");
}

#[tokio::test(start_paused = true)]
async fn where_capa_is_unknown_all_is_found_out_by_asking() {
    // Case 5: RFC 2449 section 5; twisted#10740.
    let world = World::new();
    let script = Script::new()
        .say("+OK\r\n")
        .hear("CAPA")
        .say("-ERR what?\r\n")
        .hear("STLS")
        .say("+OK\r\n")
        .tls(&world.identity)
        .hear("CAPA")
        .say("-ERR what?\r\n")
        .hear("USER alice")
        .say("+OK\r\n")
        .hear("PASS wonderland")
        .say("+OK\r\n")
        .hear("STAT")
        .say("+OK 0 0\r\n")
        .hear("LIST")
        .say("+OK\r\n.\r\n")
        .hear("UIDL")
        .say("-ERR what?\r\n")
        .hear("QUIT");
    let options = world.options().credentials(alice());
    let weakest = SecretsOver::VerifiedTls;
    let outcome = converse(&world, &script, Security::Required, weakest, options).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure, None);
    // UIDL was never promised.
    assert_eq!(outcome.codes(), ["pop3.capa.unknown"]);
}

#[tokio::test(start_paused = true)]
async fn capabilities_differ_before_and_after_the_login_and_uidl_works_unlisted() {
    // Case 6: mail-api#50, greenmail#65; Verizon in neomutt#1427.
    let script = server("+OK\r\n", "+OK\r\nUSER\r\n.\r\n")
        .hear("USER")
        .say("+OK\r\n")
        .hear("PASS")
        .say("+OK\r\n")
        .hear("CAPA")
        .say("+OK\r\nTOP\r\nEXPIRE 30 USER\r\n.\r\n")
        .hear("STAT")
        .say("+OK 1 5\r\n")
        .hear("LIST")
        .say("+OK\r\n1 5\r\n.\r\n")
        .hear("UIDL")
        .say("+OK\r\n1 a\r\n.\r\n")
        .hear("QUIT");
    let outcome = log_in(&script, |options| options.capa_after_auth(true)).await;
    outcome.conversation.assert_followed();
    let facts = &outcome.facts;
    assert!(facts.clear.as_ref().unwrap().has("USER"));
    assert!(!facts.capabilities().unwrap().has("USER"));
    assert_eq!(facts.expiry(), Some(Expiry::Days(30)));
    let ids = facts.maildrop.as_ref().unwrap().unique_ids.as_ref();
    assert_eq!(ids.unwrap().of(1), Some(&b"a"[..]));
}

#[tokio::test(start_paused = true)]
async fn the_timestamp_stands_anywhere_and_looks_like_a_message_id() {
    // Case 8: MailKit#529, curl#3278; free.fr in libetpan#11.
    for (greeting, timestamp) in [
        ("+OK <1.2@host> ready\r\n", Some("<1.2@host>")),
        (
            "+OK POP3 ready <mail.example> <1.2@host>\r\n",
            Some("<1.2@host>"),
        ),
        ("+OK a < b <1.2==@vm> c\r\n", Some("<1.2==@vm>")),
        ("+OK <a.b.c> ready\r\n", None),
        ("+OK <@host> <x@> <a b@host>\r\n", None),
        ("+OK 1896.697170952@free.fr\r\n", None),
        ("+OK <1.2@host\r\n", None),
    ] {
        let outcome = ask(server(greeting, "+OK\r\n.\r\n").drain()).await;
        let told = outcome.facts.greeting.as_ref().unwrap().timestamp();
        assert_eq!(told, timestamp.map(str::as_bytes), "{greeting}");
        let offered = outcome.codes().contains(&"pop3.apop.offered");
        assert_eq!(offered, timestamp.is_some(), "{greeting}");
    }
}

#[tokio::test(start_paused = true)]
async fn apop_is_never_tried_unasked_and_fails_alone() {
    // Case 9: MailKit#539: the server offers it, refuses it and hangs up.
    let unasked = server("+OK <1.2@host>\r\n", "+OK\r\nUSER\r\n.\r\n")
        .hear("USER")
        .say("+OK\r\n")
        .hear("PASS")
        .say("+OK\r\n")
        .drain();
    let outcome = log_in(&unasked, |options| options).await;
    assert!(!outcome.said().iter().any(|line| line.starts_with("APOP")));

    for (answer, kind) in [
        ("-ERR no\r\n", FailureKind::Credentials),
        ("", FailureKind::Closed),
    ] {
        let script = server("+OK <1.2@host>\r\n", "+OK\r\nUSER\r\n.\r\n")
            .hear("APOP alice ")
            .say(answer)
            .close();
        let outcome = log_in(&script, |options| options.login_command(LoginCommand::Apop)).await;
        assert_eq!(outcome.failure.as_ref().unwrap().kind, kind);
        // The password is not tried a second time.
        assert!(!outcome.said().iter().any(|line| line.starts_with("USER")));
    }
}

#[tokio::test(start_paused = true)]
async fn response_codes_are_read_in_any_case_and_by_their_beginning() {
    // Case 10: RFC 2449 section 8, RFC 3206.
    for (answer, kind) in [
        ("-ERR [AUTH] no\r\n", FailureKind::Credentials),
        ("-ERR [auth] no\r\n", FailureKind::Credentials),
        ("-ERR [SYS/TEMP] no\r\n", FailureKind::Temporary),
        ("-ERR [SYS/TEMP/DISK] no\r\n", FailureKind::Temporary),
        ("-ERR [sys/perm] no\r\n", FailureKind::Permanent),
        ("-ERR [SYS/OTHER] no\r\n", FailureKind::Temporary),
        ("-ERR [IN-USE] no\r\n", FailureKind::Temporary),
        ("-ERR [LOGIN-DELAY] no\r\n", FailureKind::Temporary),
        ("-ERR [X-UNKNOWN] no\r\n", FailureKind::Credentials),
        ("-ERR [SYSTEM] no\r\n", FailureKind::Credentials),
        ("-ERR no\r\n", FailureKind::Credentials),
        ("what?\r\n", FailureKind::Protocol),
        (
            "-ERR [AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.\r\n",
            FailureKind::Policy,
        ),
        (
            "-ERR Basic Authentication is disabled\r\n",
            FailureKind::Policy,
        ),
    ] {
        assert_eq!(refused(answer).await.0, kind, "{answer}");
    }
    let (unknown, _) = line("-ERR [X-NEW/DETAIL] words\r\n");
    assert_eq!(unknown.code().unwrap().as_bytes(), b"X-NEW/DETAIL");
    assert_eq!(line("-ERR [no code here\r\n").0.code(), None);
}

#[tokio::test(start_paused = true)]
async fn a_maildrop_in_use_means_that_the_password_was_right() {
    // Case 11: RFC 2449 section 8.1.2; perdition#4. Older servers say it in words only.
    for answer in [
        "-ERR [IN-USE] Do you have another POP session running?\r\n",
        "-ERR maildrop already locked\r\n",
        "-ERR Can't get lock. Mailbox in use\r\n",
    ] {
        let (kind, outcome) = refused(answer).await;
        assert_eq!(kind, FailureKind::Temporary, "{answer}");
        assert!(
            outcome.codes().contains(&"pop3.maildrop.in-use"),
            "{answer}"
        );
    }
    let (kind, outcome) = refused("-ERR account locked\r\n").await;
    assert_eq!(kind, FailureKind::Credentials);
    assert!(!outcome.codes().contains(&"pop3.maildrop.in-use"));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_comes_too_often_is_told_so() {
    // Case 12: RFC 2449 section 8.1.1; Gmail lists LOGIN-DELAY 300 and EXPIRE 0 (sawp#12).
    let (_, outcome) = refused("-ERR [LOGIN-DELAY] wait\r\n").await;
    assert!(outcome.codes().contains(&"pop3.auth.login-delay"));
    let gmail =
        "+OK\r\nUSER\r\nRESP-CODES\r\nEXPIRE 0\r\nLOGIN-DELAY 300\r\nX-GOOGLE-RICO\r\n.\r\n";
    let facts = ask(server("+OK\r\n", gmail).drain()).await.facts;
    assert_eq!(facts.login_delay(), Some(Duration::from_secs(300)));
    assert_eq!(facts.expiry(), Some(Expiry::Days(0)));
    let never = "+OK\r\nEXPIRE never\r\nLOGIN-DELAY soon\r\n.\r\n";
    let facts = ask(server("+OK\r\n", never).drain()).await.facts;
    assert_eq!(
        (facts.expiry(), facts.login_delay()),
        (Some(Expiry::Never), None)
    );
}

#[tokio::test(start_paused = true)]
async fn a_good_answer_to_user_means_nothing() {
    // Case 13: RFC 1939 section 7: servers do not tell who is unknown.
    let (kind, outcome) = refused("-ERR no such user\r\n").await;
    assert_eq!(kind, FailureKind::Credentials);
    assert_eq!(outcome.facts.auth.unwrap().accepted, None);
    let refused_at_once = server("+OK\r\n", "+OK\r\nUSER\r\n.\r\n")
        .hear("USER")
        .say("-ERR never heard of alice\r\n")
        .drain();
    let outcome = log_in(&refused_at_once, |options| options).await;
    assert_eq!(
        outcome.failure.as_ref().unwrap().kind,
        FailureKind::Credentials
    );
    assert!(!outcome.conversation.leaks("wonderland"));
}

#[tokio::test(start_paused = true)]
async fn sasl_names_its_mechanisms_on_one_line_or_none() {
    // Case 14: RFC 5034 section 3.
    let capa = "+OK\r\nSASL  PLAIN login X-OWN PLAIN\r\n.\r\n";
    let capabilities = Capabilities::from(hear(&Command::Capa, capa).0);
    let known = [Mechanism::Plain, Mechanism::Login];
    assert_eq!(capabilities.mechanisms(), known);
    assert_eq!(capabilities.mechanism_names().len(), 3);
    let outcome = ask(server("+OK\r\n", "+OK\r\nSASL\r\n.\r\n").drain()).await;
    assert_eq!(outcome.codes(), ["pop3.sasl.empty"]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_up_after_its_timer_ends_the_probe_with_its_words() {
    // Case 21: RFC 1939 section 3: 10 minutes at least; Dovecot: 3 minutes before the login.
    let script = server("+OK\r\n", "+OK\r\n.\r\n")
        .hear("USER")
        .say("-ERR Disconnected for inactivity.\r\n")
        .close();
    let outcome = log_in(&script, |options| options).await;
    let failure = outcome.failure.unwrap();
    assert_eq!(failure.reply.unwrap(), b"-ERR Disconnected for inactivity.");
}

#[tokio::test(start_paused = true)]
async fn bytes_behind_the_go_ahead_for_tls_are_an_injection() {
    // Case 24: RFC 2595 section 3.1, CVE-2011-0411.
    let world = World::new();
    let script = server("+OK\r\n", "+OK\r\nSTLS\r\n.\r\n")
        .hear("STLS")
        .say("+OK go\r\n+OK injected\r\n")
        .drain();
    let options = world.options();
    let weakest = SecretsOver::VerifiedTls;
    let outcome = converse(&world, &script, Security::Required, weakest, options).await;
    assert_eq!(outcome.failure.unwrap().kind, FailureKind::Protocol);
    let codes: Vec<_> = outcome
        .report
        .findings
        .iter()
        .map(|one| one.code())
        .collect();
    assert_eq!(codes, ["starttls.injection"]);
}

#[tokio::test(start_paused = true)]
async fn a_greeting_needs_no_text() {
    // Case 25: zgrab2 takes it too.
    for greeting in ["+OK\r\n", "+OK \r\n", "+OK\n"] {
        let outcome = ask(server(greeting, "+OK\r\n.\r\n").drain()).await;
        assert_eq!(outcome.failure, None, "{greeting:?}");
        assert_eq!(outcome.facts.greeting.unwrap().reply().text(), b"");
    }
}

#[test]
fn eight_bit_text_is_kept_as_bytes() {
    let (reply, codes) = line(b"-ERR \xc4\xfa\r\n");
    assert_eq!(
        (reply.text(), codes),
        (&b"\xc4\xfa"[..], vec!["pop3.reply.eight-bit"])
    );
}
