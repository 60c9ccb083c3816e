//! `mailprobe smtp`: what is asked of envelopes, its mistakes, and what is shown of the answers.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use common::{World, at, file, greeting, mailprobe};
use probe_testkit::{Answer, Script};

/// A server for strangers that knows alice, and has seen bob before.
fn server() -> Script {
    greeting().serve(|| {
        |line: &[u8]| {
            let line = String::from_utf8_lossy(line);
            let reply = match line.split([' ', '@']).next() {
                Some("EHLO") => "250-mx.example.test\r\n250-SIZE 1000\r\n250 PIPELINING\r\n",
                Some("RCPT") if line.contains("<alice@") => "250 2.1.5 Ok\r\n",
                Some("RCPT") if line.contains("<bob@") => "450 4.2.0 Greylisted\r\n",
                Some("RCPT") => "550 5.1.1 User unknown\r\n",
                Some("QUIT") => return Answer::close("221 Bye\r\n"),
                Some("DATA") => "500 this test fails\r\n",
                _ => "250 Ok\r\n",
            };
            Answer::say(reply)
        }
    })
}

#[test]
fn recipients_are_asked_for_and_no_mail_is_sent() {
    let world = World::new("envelope");
    let peer = world.listen(server());
    let ask = |arguments: &[&str]| {
        let target = at(&peer);
        let common = ["--starttls", "never", "-v", &target];
        world.smtp(common.into_iter().chain(arguments.iter().copied()))
    };
    let said = ask(&["--to", "alice@example.test", "--catch-all"]);
    assert_eq!(said.status, 0, "{}", said.out);
    for part in ["MAIL FROM:<>", "alice@example.test", "accepted", "RSET"] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    assert!(!said.out.contains("DATA"), "{}", said.out);

    let said = ask(&["--to", "bob@example.test"]);
    assert_eq!(said.status, 0, "{}", said.out);
    assert!(said.out.contains("smtp.recipient.greylisted"));

    let said = ask(&["--from", "bob@example.net", "--to", "carol@example.test"]);
    assert_eq!(said.status, 2, "{}", said.out);
    assert!(said.out.contains("MAIL FROM:<bob@example.net>"));
    assert!(said.out.contains("smtp.recipient.unknown"));

    let said = ask(&["--from", "<>", "--size", "1001"]);
    assert_eq!(said.status, 2, "{}", said.out);
    assert!(said.out.contains("smtp.size.exceeded"));
}

#[test]
fn a_server_that_must_refuse_is_well_when_it_does() {
    let world = World::new("expectations");
    let peer = world.listen(server());
    let target = at(&peer);
    let ask = |expected: &str| {
        let to = ["--to", "carol@example.test", "--starttls", "never"];
        world
            .smtp(to.into_iter().chain(["--expect", expected, &target]))
            .status
    };
    assert_eq!(ask("rcpt=550"), 0);
    assert_eq!(ask("rcpt=554"), 2);
    assert_eq!(ask("greeting=ESMTP"), 2);
    let said = world.smtp(["--helo", "--quit-after", "ehlo", "-v", &target]);
    assert_eq!(said.status, 0, "{}", said.out);
    assert!(said.out.contains("HELO probe.test"), "{}", said.out);
}

#[test]
fn the_servers_own_name_is_judged_by_those_that_are_given() {
    let world = World::new("names");
    let peer = world.listen(server());
    let target = at(&peer);
    let ask = |names: &[&str]| {
        let common = ["--starttls", "never", &target];
        world.smtp(common.into_iter().chain(names.iter().copied()))
    };
    let known = ask(&[
        "--reverse-name",
        "a.test",
        "--reverse-name",
        "MX.example.test.",
    ]);
    assert_eq!(known.status, 0, "{}", known.out);
    let other = ask(&["--reverse-name", "a.test"]);
    assert_eq!(other.status, 1, "{}", other.out);
    assert!(other.out.contains("smtp.name.mismatch"), "{}", other.out);
}

#[test]
fn ntlm_is_asked_for_its_challenge_where_it_is_offered() {
    let world = World::new("ntlm");
    let peer = world.listen(server());
    let target = at(&peer);
    let said = world.smtp([
        "--starttls",
        "never",
        "--ntlm-facts",
        "--format",
        "json",
        &target,
    ]);
    assert_eq!(said.status, 0, "{}", said.out);
    assert!(said.out.contains("not-offered"), "{}", said.out);
    let said = world.smtp(["--helo", "--ntlm-facts", &target]);
    assert_eq!(said.status, 3, "{}", said.out);
}

#[test]
fn lmtp_is_spoken_to_servers_of_lmtp() {
    let world = World::new("lmtp");
    let script = greeting()
        .hear("LHLO")
        .say("250 mx.example.test\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let peer = world.listen(script);
    let said = mailprobe(["lmtp", "--starttls", "never", &at(&peer)]);
    assert_eq!(said.status, 0, "{}", said.out);
    assert!(said.out.contains("lmtp"), "{}", said.out);
}

#[test]
fn a_message_is_sent_only_when_it_is_given() {
    let world = World::new("message");
    let message = file("message", "Subject: x\n\n.dot\n");
    let script = greeting()
        .hear("EHLO")
        .say("250 mx.example.test\r\n")
        .hear("MAIL FROM:<>")
        .say("250 Ok\r\n")
        .hear("RCPT TO:<alice@example.test>")
        .say("250 Ok\r\n")
        .hear("DATA")
        .say("354 Go\r\n")
        .hear_until("\r\n.\r\n")
        .say("250 2.0.0 queued as 4ABC\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let peer = world.listen(script);
    let message = message.to_str().unwrap();
    let target = at(&peer);
    let to = ["--to", "alice@example.test", "--starttls", "never", "-v"];
    let said = world.smtp(to.into_iter().chain(["--message", message, &target]));
    assert_eq!(said.status, 0, "{}", said.out);
    for part in ["..dot", "queued as 4ABC"] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
}

#[test]
fn an_envelope_is_exported_with_its_recipients() {
    let world = World::new("envelope-prometheus");
    let peer = world.listen(server());
    let target = at(&peer);
    let said = world.smtp([
        "--format",
        "prometheus",
        "--to",
        "alice@example.test",
        "--catch-all",
        &target,
    ]);
    for line in [
        "probe_smtp_recipient_accepted{",
        "probe_smtp_catch_all_info{",
    ] {
        assert!(said.out.contains(line), "{line}: {}", said.out);
    }
    assert!(said.out.contains(r#"recipient="alice@example.test""#));
    assert!(said.out.contains(r#"verdict="no""#), "{}", said.out);
}

#[test]
fn a_mistake_is_one_line_that_says_what_is_wrong() {
    let to = ["--to", "alice@example.test"];
    let odd = file("odd-message", "a\rb\n");
    let odd = odd.to_str().unwrap();
    let many = ["--to", "a@b"].repeat(101);
    let mistakes: &[(&[&str], &str)] = &[
        (&["--to", "alice"], "an address has the form local@domain"),
        (&["--to", "a@b>\r\nDATA"], "may not be in an address"),
        (&["--from", ""], "the address is empty"),
        (&["--catch-all"], "--to <ADDRESS>"),
        (&["--notify", "never"], "--to <ADDRESS>"),
        (
            &[&to[..], &["--notify", "soon"]].concat(),
            "reports come never",
        ),
        (&["--from", "<>", "--returned", "some"], "full or headers"),
        (&["--size", "9"], "need a sender or a recipient"),
        (&["--from", "<>", "--size", "ten"], "--size"),
        (&["--noops", "65536"], "--noops"),
        (
            &["--verify", "a b\n"],
            "a name to ask for is printable ASCII",
        ),
        (
            &["--from", "<>", "--envelope-id", "a\nb"],
            "printable ASCII",
        ),
        (
            &["--from", "<>", "--require-tls", "--starttls", "never"],
            "TLS is required for the message",
        ),
        (&["--expect", "greeting"], "it is written STAGE=REPLY"),
        (&["--expect", "data=354"], "a reply comes at greeting"),
        (&["--expect", "rcpt=700"], "a number from 200 to 599"),
        (&["--quit-after", "lunch"], "a reply comes at greeting"),
        (&["--expect-refusal"], "--user <NAME>"),
        (&["--helo", "--starttls", "required"], "need EHLO"),
        (&["--relay-test", "a@b"], "--relay-test"),
        (
            &["--relay-test", "a@b", "postmaster"],
            "has the form user@host",
        ),
        (&["--message", "x"], "--to <ADDRESS>"),
        (&[&to[..], &["--message", "nowhere"]].concat(), "nowhere: "),
        (&[&to[..], &["--message", odd]].concat(), "end in CR LF"),
        (&[&to[..], &["--data"]].concat(), "--message <FILE>"),
        (&many, "more than 100 recipients"),
    ];
    for (arguments, reason) in mistakes {
        let said = mailprobe(["smtp", "mx"].iter().chain(*arguments));
        assert_eq!(said.status, 3, "{arguments:?}");
        assert!(said.err.contains(reason), "{arguments:?}: {}", said.err);
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    }
}
