//! Those about TLS: what goes before it, what stands beneath it, and what becomes of it.

use super::*;

#[tokio::test(start_paused = true)]
async fn the_go_ahead_for_tls_is_heard_to_its_last_line() {
    // Corner case 23. nodemailer PR#1835, libetpan#386.
    let world = World::new();
    let script = asked_for_tls()
        .say("220-Go\r\n")
        .pause(SECOND)
        .say("22")
        .pause(SECOND)
        .say("0 ahead\r\n")
        .tls(&world.identity);
    let script = left(then(script, &[("EHLO", "250 mx")]));
    let outcome = meet(&world, &script, Security::Required).await;
    outcome.conversation.assert_followed();
    assert!(!outcome.conversation.spoke_early());
}

#[tokio::test(start_paused = true)]
async fn what_stands_behind_the_go_ahead_in_clear_is_never_read_as_if_tls_had_brought_it() {
    // Corner case 23. NO STARTTLS; nodemailer PR#1835.
    let world = World::new();
    for behind in ["250-mx\r\n250 AUTH PLAIN\r\n", "250 mx", "2", "\r\n"] {
        let script = asked_for_tls().say(format!("220 Go\r\n{behind}")).drain();
        let outcome = meet_shaped(&world, &script, Security::Required, logs_in).await;
        assert_eq!(outcome.codes(), ["starttls.injection"], "{behind:?}");
        assert_eq!(outcome.findings[0].severity, Severity::Critical);
        let expected = Some(("starttls", FailureKind::Protocol));
        assert_eq!(stopped(outcome.failure.as_ref()), expected);
        assert_eq!(outcome.facts.capabilities().unwrap().mechanisms(), []);
        assert_eq!(outcome.said().last().unwrap(), "STARTTLS");
    }
}

#[tokio::test(start_paused = true)]
async fn a_go_ahead_is_its_code_and_not_a_number_in_its_text() {
    // check_smtp takes a 220 anywhere in the answer for the go-ahead.
    let world = World::new();
    for (reply, kind) in [
        ("454 4.7.0 TLS is off for 220 s", FailureKind::Temporary),
        ("454 220 ready", FailureKind::Temporary),
        ("554-220 ready\r\n554 220 ready", FailureKind::Permanent),
    ] {
        let script = left(asked_for_tls().say(format!("{reply}\r\n")));
        let outcome = meet(&world, &script, Security::Required).await;
        outcome.conversation.assert_followed();
        assert_eq!(outcome.codes(), ["starttls.refused"]);
        assert_eq!(outcome.failure.unwrap().kind, kind);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_offered_in_clear_is_forgotten_under_tls() {
    // Corner case 24. RFC 3207 section 4.2; Exim says 503 to AUTH that it has not offered: monitoring-plugins#602.
    let world = World::new();
    let ehlo = "250-mx\r\n250-STARTTLS\r\n250-AUTH PLAIN\r\n250 PIPELINING";
    let turns = [("", "220 mx"), ("EHLO", ehlo), ("STARTTLS", "220 Go")];
    let forgetful = then(Script::new(), &turns).tls(&world.identity);
    let forgetful = then(forgetful, &[("EHLO", "250 mx")]);

    let script = left(forgetful.clone());
    let outcome = meet_shaped(&world, &script, Security::Required, logs_in).await;
    outcome.conversation.assert_followed();
    let expected = Some(("auth", FailureKind::Unsupported));
    assert_eq!(stopped(outcome.failure.as_ref()), expected);

    let script = forgetful.hear("MAIL").pause(SECOND).say("250 Ok\r\n");
    let script = left(then(script, &[("RCPT", "250 Ok"), ("RSET", "250 Ok")]));
    let outcome = meet_shaped(&world, &script, Security::Required, asks).await;
    outcome.conversation.assert_followed();
    assert!(!outcome.conversation.spoke_early());
}

#[tokio::test(start_paused = true)]
async fn starttls_that_is_offered_under_tls_is_told_and_not_taken() {
    // Corner case 25. swaks Changes 20060218.
    let world = World::new();
    let implicit = Script::new().tls(&world.identity).say("220 mx\r\n");
    let upgraded = going().tls(&world.identity);
    for (script, security) in [
        (implicit, Security::Implicit),
        (upgraded, Security::Required),
    ] {
        let script = left(then(script, &[("EHLO", "250-mx\r\n250 STARTTLS")]));
        let outcome = meet(&world, &script, security).await;
        outcome.conversation.assert_followed();
        assert_eq!(outcome.failure, None);
        assert_eq!(outcome.codes(), ["smtp.starttls.inside-tls"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_greeting_that_is_split_over_tls_records_is_one_greeting() {
    // Corner case 36 and TLS case 3. xymon#450, mailgoose PR#253.
    let world = World::new();
    let script = Script::new()
        .tls(&world.identity)
        .say("220-mx ")
        .pause(SECOND)
        .say("ESMTP\r\n220")
        .pause(SECOND)
        .say(" mx\r\n");
    let script = left(then(script, &[("EHLO", "250-mx\r\n250 SIZE 1000")]));
    for script in [script.clone(), script.in_pieces(1)] {
        let outcome = meet(&world, &script, Security::Implicit).await;
        outcome.conversation.assert_followed();
        assert!(!outcome.conversation.spoke_early());
        let size = outcome.facts.capabilities().unwrap().size_limit();
        assert_eq!(size, Some(1000));
        let greeting = outcome.facts.greeting.unwrap();
        assert_eq!(greeting.reply().lines().count(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn tls_that_is_dropped_without_a_word_matters_only_where_a_reply_is_owed() {
    // Corner case 37. Many servers send no close_notify.
    let world = World::new();
    let script = Script::new().tls(&world.identity).say("220 mx\r\n");
    let script = left(then(script, &[("EHLO", "250 mx")]));
    assert_eq!(script.total_said(), 25);
    for (cut, failure) in [
        (25, None),
        (16, None),
        (15, Some(("ehlo", FailureKind::Closed))),
        (8, Some(("ehlo", FailureKind::Closed))),
        (0, Some(("greeting", FailureKind::Closed))),
    ] {
        let script = script.clone().with_fault(Fault::CutAt(cut));
        let outcome = meet(&world, &script, Security::Implicit).await;
        assert_eq!(stopped(outcome.failure.as_ref()), failure, "cut at {cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_speaks_only_old_tls_is_told_as_old_with_its_alert_and_not_as_down() {
    // TLS case 1. rustls#234.
    let world = World::new();
    for (script, evidence) in [
        (going().tls_alert(70), "alert protocol_version"),
        (going().tls_alert(71), "alert insufficient_security"),
        (going().tls_legacy(), "ServerDoesNotSupportTls12Or13"),
    ] {
        let outcome = meet(&world, &script, Security::Required).await;
        assert_eq!(outcome.codes(), ["tls.legacy"]);
        assert_eq!(outcome.findings[0].evidence, evidence);
        let expected = Some(("tls", FailureKind::Tls));
        assert_eq!(stopped(outcome.failure.as_ref()), expected);
        assert_eq!(outcome.facts.starttls, StartTls::Accepted);
    }
}

#[tokio::test(start_paused = true)]
async fn a_certificate_with_several_faults_is_told_for_each_and_the_dialogue_goes_on() {
    // TLS case 2. mayhem-demo PR#33: only one of them was told.
    let world = World::new();
    let identity = world.ca.flawed([NAME], [Flaw::Expired, Flaw::SelfSigned]);
    let script = going().tls(&identity);
    let script = left(then(script, &[("EHLO", "250-mx\r\n250 AUTH PLAIN")]));
    let outcome = meet(&world, &script, Security::Required).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure, None);
    let mut codes = outcome.codes();
    codes.sort_unstable();
    let faults = ["tls.certificate.expired", "tls.certificate.self-signed"];
    assert_eq!(codes, faults);
    let secured = outcome.facts.secured.unwrap();
    assert_eq!(secured.mechanisms(), [Mechanism::Plain]);
}
