//! The corner cases of the field that no other file here is about, and the mistakes of other probes, each with its
//! source.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;
#[path = "corner_cases/tls.rs"]
mod tls;

use std::sync::Arc;
use std::time::Duration;

use common::{NAME, Outcome, World, converse};
use probe_core::{Context, Failure, FailureKind, Phase, Probe, Severity, Verdict};
use probe_net::sasl::{Credentials, Mechanism};
use probe_net::tls::{SecretsOver, Security, StartTls, Thresholds, Tls};
use probe_net::{Log, Wire, drive};
use probe_testkit::{Fault, Flaw, Script};
use rustls::pki_types::ServerName;
use smtp_probe::{
    Acceptance, Address, EhloName, FalseEnd, Message, Options, Protocol, RelayTest, SmtpCodec,
    SmtpDialogue,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const SECOND: Duration = Duration::from_secs(1);

/// What a server is asked in clear, what it answers, and in which phase that is.
const TURNS: [(&str, &str, &str); 7] = [
    ("", "220 mx", "greeting"),
    ("EHLO", "250-mx\r\n250 AUTH PLAIN", "ehlo"),
    ("AUTH", "235 Ok", "auth"),
    ("MAIL", "250 Ok", "mail"),
    ("RCPT", "250 Ok", "rcpt"),
    ("DATA", "354 Go", "data"),
    (".", "250 Ok", "message"),
];

/// A server that goes along up to this turn, and has heard what is to be answered there.
fn up_to(turn: usize) -> Script {
    (0..=turn).fold(Script::new(), |script, at| {
        let script = match at {
            0 => script,
            at => script.say(format!("{}\r\n", TURNS[at - 1].1)),
        };
        heard(script, TURNS[at].0)
    })
}

fn heard(script: Script, what: &str) -> Script {
    match what {
        "" => script,
        "." => script.hear_until("\r\n.\r\n"),
        command => script.hear(command),
    }
}

/// What the server hears next, and its answer, one after the other.
fn then(script: Script, turns: &[(&str, &str)]) -> Script {
    turns.iter().fold(script, |script, (what, answer)| {
        heard(script, what).say(format!("{answer}\r\n"))
    })
}

/// A server that greets and answers EHLO so, and is left then.
fn introduced(ehlo: &str) -> Script {
    left(then(Script::new(), &[("", "220 mx"), ("EHLO", ehlo)]))
}

/// A server that offers STARTTLS and has been asked for it.
fn asked_for_tls() -> Script {
    let turns = [("", "220 mx"), ("EHLO", "250-mx\r\n250 STARTTLS")];
    then(Script::new(), &turns).hear("STARTTLS")
}

/// And has agreed.
fn going() -> Script {
    asked_for_tls().say("220 Go\r\n")
}

fn left(script: Script) -> Script {
    then(script, &[("QUIT", "221 Bye")])
}

fn alice() -> Credentials {
    Credentials::password("alice", "wonderland").unwrap()
}

fn bob() -> [Address; 1] {
    ["bob@example.org".parse().unwrap()]
}

fn message() -> Message {
    Message::new(*b"Subject: x\r\n\r\nx\r\n").unwrap()
}

fn plain(options: Options) -> Options {
    options
}

fn asks(options: Options) -> Options {
    options.recipients(&bob())
}

fn logs_in(options: Options) -> Options {
    options.credentials(alice()).ehlo_after_auth(false)
}

/// All that [`TURNS`] are about.
fn whole(options: Options) -> Options {
    asks(logs_in(options)).message(message())
}

async fn meet(world: &World, script: &Script, security: Security) -> Outcome {
    meet_shaped(world, script, security, plain).await
}

async fn meet_shaped(
    world: &World,
    script: &Script,
    security: Security,
    shape: impl FnOnce(Options) -> Options,
) -> Outcome {
    let over = match security {
        Security::Cleartext => SecretsOver::Cleartext,
        _ => SecretsOver::VerifiedTls,
    };
    converse(world, script, security, over, shape(world.options())).await
}

async fn in_clear(script: &Script, shape: impl FnOnce(Options) -> Options) -> Outcome {
    meet_shaped(&World::new(), script, Security::Cleartext, shape).await
}

/// A dialogue in clear for which the caller has so much time; and how much it took.
async fn within(cx: &Context, script: &Script, noops: u16) -> (Result<(), Failure>, Duration) {
    let world = World::new();
    let tls = Tls::ring(world.ca.roots());
    let (stream, _peer) = script.in_memory();
    let name = ServerName::try_from(NAME).unwrap();
    let mut wire = Wire::new(stream, tls, name, SecretsOver::VerifiedTls);
    let mut log = Log::begin(cx);
    let options = Arc::new(world.options().noops(noops));
    let ehlo = "probe.example.test".parse().unwrap();
    let mut dialogue = SmtpDialogue::new(options, Security::Cleartext, ehlo);
    let mut codec = SmtpCodec::default();
    let outcome = drive(&mut dialogue, &mut codec, &mut wire, &mut log).await;
    (outcome, log.spans().iter().map(|span| span.duration).sum())
}

fn acceptance_of_bob(outcome: &Outcome) -> Acceptance {
    let envelope = outcome.facts.envelope.as_ref().unwrap();
    envelope.recipients[0].answer.acceptance
}

fn stopped(failure: Option<&Failure>) -> Option<(&'static str, FailureKind)> {
    failure.map(|failure| (failure.phase.as_str(), failure.kind))
}

#[tokio::test(start_paused = true)]
async fn every_reply_may_have_several_lines() {
    // Corner case 1. RFC 5321 section 4.2.
    let world = World::new();
    let in_clear = [
        ("", "220-mx\r\n220 mx"),
        ("EHLO", "250-mx\r\n250 STARTTLS"),
        ("STARTTLS", "220-Go\r\n220 ahead"),
    ];
    let secured = [
        ("EHLO", "250-mx\r\n250 AUTH PLAIN"),
        ("AUTH PLAIN", "235-2.7.0 Come\r\n235 2.7.0 in"),
        ("MAIL", "250-2.1.0 Ok\r\n250 2.1.0 Ok"),
        ("RCPT", "250-2.1.5 Ok\r\n250 2.1.5 Ok"),
        ("DATA", "354-Go\r\n354 ahead"),
        (".", "250-2.0.0 Queued\r\n250 2.0.0 as 4ABC"),
        ("QUIT", "221-Bye\r\n221 bye"),
    ];
    let script = then(Script::new(), &in_clear).tls(&world.identity);
    let script = then(script, &secured);
    let outcome = meet_shaped(&world, &script, Security::Required, whole).await;
    outcome.conversation.assert_followed();
    assert_eq!((&outcome.failure, outcome.codes()), (&None, vec![]));
    assert!(outcome.facts.submission.unwrap().is_accepted());
}

#[tokio::test(start_paused = true)]
async fn a_dialogue_of_bare_codes_is_led_to_its_end_without_a_wait() {
    // Corner cases 2 and 3. RFC 5321 section 4.2.1; swaks hangs at each of them until its time is over.
    let turns = [
        ("", "220"),
        (
            "EHLO",
            "250-mx\r\n250-AUTH LOGIN\r\n250-123-234 text\r\n250",
        ),
        ("AUTH LOGIN", "334"),
        ("YWxpY2U=", "334"),
        ("d29uZGVybGFuZA==", "235"),
        ("MAIL", "250"),
        ("RCPT", "250"),
        ("DATA", "354"),
        (".", "250"),
        ("QUIT", "221"),
    ];
    let outcome = in_clear(&then(Script::new(), &turns), whole).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure, None);
    assert!(outcome.facts.submission.unwrap().is_accepted());
    assert_eq!(outcome.report.elapsed, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_code_that_nobody_knows_counts_by_its_first_digit() {
    // Corner case 4. RFC 5321 section 4.2.
    for (reply, acceptance) in [
        ("277 Well", Acceptance::Accepted),
        ("477 Well", Acceptance::Temporary),
        ("577 Well", Acceptance::Refused),
    ] {
        let unknown = [
            ("", "299 mx"),
            ("EHLO", "288 mx"),
            ("MAIL", "266 Ok"),
            ("RCPT", reply),
            ("RSET", "255 Ok"),
        ];
        let outcome = in_clear(&left(then(Script::new(), &unknown)), asks).await;
        outcome.conversation.assert_followed();
        assert_eq!(acceptance_of_bob(&outcome), acceptance);
    }
    for (no, kind, finding) in [
        ("477 No", FailureKind::Temporary, "smtp.greeting.busy"),
        ("577 No", FailureKind::Permanent, "smtp.greeting.refused"),
    ] {
        let at_once = left(then(Script::new(), &[("", no)]));
        let at_once = in_clear(&at_once, plain).await;
        assert_eq!(at_once.codes(), [finding]);
        let behind_ehlo = in_clear(&introduced(no), plain).await;
        for outcome in [at_once, behind_ehlo] {
            outcome.conversation.assert_followed();
            assert_eq!(outcome.failure.unwrap().kind, kind);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn words_that_contradict_the_code_decide_nothing() {
    // Corner case 4. zgrab2 counts a greeting with "blacklist" or "spamhaus" in it as success.
    let friendly = "554 Welcome, ready, see spamhaus and the blacklist";
    let friendly = left(then(Script::new(), &[("", friendly)]));
    let outcome = in_clear(&friendly, plain).await;
    assert_eq!(outcome.codes(), ["smtp.greeting.refused"]);
    assert_eq!(outcome.report.verdict(), Verdict::Critical);

    let no_reply = Script::new().say("blacklisted by spamhaus\r\n").drain();
    let outcome = in_clear(&no_reply, plain).await;
    assert_eq!(outcome.failure.unwrap().kind, FailureKind::Protocol);

    for (reply, acceptance) in [
        ("250 No such user, blocked", Acceptance::Accepted),
        ("550 Ok, accepted", Acceptance::Refused),
        ("450 Ok, accepted", Acceptance::Temporary),
    ] {
        let misleading = [
            ("", "220 blacklist.spamhaus.test refused"),
            ("EHLO", "250 Error: unknown command"),
            ("MAIL", "250 Sender denied"),
            ("RCPT", reply),
        ];
        let script = then(Script::new(), &misleading).drain();
        let outcome = in_clear(&script, asks).await;
        assert_eq!(outcome.failure, None);
        assert_eq!(acceptance_of_bob(&outcome), acceptance);
    }
}

#[tokio::test(start_paused = true)]
async fn starttls_in_small_letters_is_used_and_not_passed_over_in_clear() {
    // Corner case 7. curl#18588, golang PR#80790.
    let world = World::new();
    let offered = [("", "220 mx"), ("EHLO", "250-mx\r\n250 starttls")];
    let script = then(Script::new(), &offered);
    let script = then(script, &[("STARTTLS", "220 Go")]).tls(&world.identity);
    let secured = [("EHLO", "250-mx\r\n250 auth plain"), ("AUTH", "235 Ok")];
    let script = left(then(script, &secured));
    let outcome = meet_shaped(&world, &script, Security::Opportunistic, logs_in).await;
    outcome.conversation.assert_followed();
    assert_eq!((outcome.failure, outcome.findings), (None, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_greets_with_a_refusal_is_up_and_is_left_politely() {
    // Corner case 17. RFC 5321 section 3.1, RFC 7504.
    for words in ["521 No mail here", "554 No mail here", "550 No mail here"] {
        let script = left(then(Script::new(), &[("", words)]));
        let outcome = in_clear(&script, plain).await;
        outcome.conversation.assert_followed();
        assert_eq!(outcome.codes(), ["smtp.greeting.refused"]);
        let failure = outcome.failure.unwrap();
        assert_eq!(failure.kind, FailureKind::Permanent);
        assert_eq!(failure.reply.as_deref(), Some(words.as_bytes()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_delayed_greeting_is_waited_for_as_long_as_the_caller_has_time() {
    // Corner case 18. postscreen and greet_pause take up to 20 s (mailcow#576, EFF#69); RFC 5321 section 4.5.3.2.1
    // allows five minutes.
    let delayed = |seconds| {
        let script = Script::new().pause(Duration::from_secs(seconds));
        left(then(script, &[("", "220 mx"), ("EHLO", "250 mx")]))
    };
    let by_default = Context::default();
    assert_eq!(within(&by_default, &delayed(19), 0).await.0, Ok(()));

    let six_minutes = Duration::from_secs(360);
    let patient = by_default
        .with_budget(six_minutes)
        .with_patience_for(Phase::GREETING, six_minutes);
    let (outcome, took) = within(&patient, &delayed(300), 0).await;
    assert_eq!((outcome, took), (Ok(()), Duration::from_secs(300)));
}

#[tokio::test(start_paused = true)]
async fn a_greeting_that_is_cut_anywhere_is_waited_for() {
    // Corner case 19. uptime-kuma says EHLO as soon as anything with 220 has come: postscreen's PREGREET.
    let greeting = b"220-mx 220 \r\n220 mx\r\n";
    for cut in 1..greeting.len() {
        let script = Script::new()
            .say(&greeting[..cut])
            .pause(SECOND)
            .say(&greeting[cut..]);
        let script = left(then(script, &[("EHLO", "250 mx")]));
        let outcome = in_clear(&script, plain).await;
        outcome.conversation.assert_followed();
        assert!(!outcome.conversation.spoke_early(), "cut at {cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_shortest_greeting_of_all_is_one() {
    // zgrab2 wants five bytes before it looks for a code.
    for greeting in ["220\n", "220 \n", "220\r\n"] {
        let script = then(Script::new().say(greeting), &[("EHLO", "250 mx")]);
        let outcome = in_clear(&left(script), plain).await;
        outcome.conversation.assert_followed();
        let code = outcome.facts.greeting.unwrap().code().unwrap();
        assert_eq!(code.number(), 220, "{greeting:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_to_ehlo_that_comes_in_parts_leaves_nothing_for_the_next_command() {
    // Corner case 36. nmap's smtp.lua takes what has come for the whole reply, and the rest for the next one.
    let script = then(Script::new(), &[("", "220 mx")])
        .hear("EHLO")
        .say("250-mx\r\n")
        .pause(SECOND)
        .say("250-HELP\r\n250-SI")
        .pause(SECOND)
        .say("ZE 1000\r\n250 DSN\r\n");
    let turns = [
        ("MAIL", "250 2.1.0 Ok"),
        ("RCPT", "550 5.1.1 Who?"),
        ("RSET", "250 Ok"),
    ];
    let outcome = in_clear(&left(then(script, &turns)), asks).await;
    outcome.conversation.assert_followed();
    assert!(!outcome.conversation.spoke_early());
    let size = outcome.facts.capabilities().unwrap().size_limit();
    assert_eq!(size, Some(1000));
    assert_eq!(acceptance_of_bob(&outcome), Acceptance::UnknownUser);
}

#[tokio::test]
async fn we_go_by_the_name_that_the_caller_gives_or_by_a_full_one_of_our_own() {
    // Corner case 41. sendmail 8.14 wants one: monitoring-plugins#667.
    let world = World::new();
    let given: EhloName = "probe.example.test".parse().unwrap();
    for name in [Some(&given), None] {
        let peer = introduced("250 mx").listen().await.unwrap();
        let target = peer.address().to_string().parse().unwrap();
        let options = world.options().security(Security::Cleartext);
        let options = match name {
            Some(name) => options.ehlo_name(name.clone()),
            None => options,
        };
        let probe = options.build().unwrap();
        let report = probe.probe(&target, &Context::default()).await;
        assert_eq!(report.failure, None);
        let line = peer.finish().await[0].lines()[0].to_string();
        let said: EhloName = line.strip_prefix("EHLO ").unwrap().parse().unwrap();
        // A name with a domain, or an address literal.
        assert!(said.as_str().contains('.'), "{said}");
        assert_eq!(name.unwrap_or(&said), &said);
    }
}

#[tokio::test(start_paused = true)]
async fn the_false_ends_are_different_and_are_tried_under_tls_too() {
    // Corner case 44. smtpsmug knows no STARTTLS, and two of its forms are the same bytes.
    let mut ends = FalseEnd::ALL.map(FalseEnd::bytes).to_vec();
    ends.sort_unstable();
    ends.dedup();
    assert_eq!(ends.len(), FalseEnd::ALL.len());

    let world = World::new();
    let turns = [
        ("EHLO", "250 mx"),
        ("MAIL", "250 Ok"),
        ("RCPT", "250 Ok"),
        ("DATA", "354 Go"),
    ];
    let script = then(going().tls(&world.identity), &turns).drain();
    let tests = |options| asks(options).message(message()).smuggling_test(true);
    let outcome = meet_shaped(&world, &script, Security::Required, tests).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.facts.smuggling.unwrap().ignored, FalseEnd::ALL);
    let heard = outcome.conversation.heard_under_tls();
    for end in ends {
        let is_there = heard.windows(end.len()).any(|window| window == end);
        assert!(is_there, "{end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn lmtp_owes_no_answer_for_a_recipient_that_it_refused() {
    // Corner case 45. RFC 2033 section 4.2.
    let turns = [
        ("", "220 mx"),
        ("LHLO", "250 mx"),
        ("MAIL", "250 Ok"),
        ("RCPT TO:<bob@", "550 5.1.1 Who?"),
        ("RCPT TO:<alice@", "250 Ok"),
        ("DATA", "354 Go"),
        (".", "250 2.0.0 Saved"),
    ];
    let [bob] = bob();
    let recipients = [bob, "alice@example.org".parse().unwrap()];
    let sends = |options: Options| {
        let options = options.protocol(Protocol::Lmtp).recipients(&recipients);
        options.message(message())
    };
    let outcome = in_clear(&left(then(Script::new(), &turns)), sends).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure, None);
    let results = outcome.facts.submission.unwrap().results;
    let saved: Vec<_> = results.iter().map(|one| one.address.to_string()).collect();
    assert_eq!(saved, ["alice@example.org"]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_falls_silent_is_a_timeout_of_the_phase_in_which_it_did() {
    // TLS case 4. gatus sets no deadline once it is connected.
    for (turn, (_, _, phase)) in TURNS.iter().enumerate() {
        let outcome = in_clear(&up_to(turn).silence(), whole).await;
        let expected = Some((*phase, FailureKind::Timeout));
        assert_eq!(stopped(outcome.failure.as_ref()), expected);
        assert!(outcome.report.elapsed <= Context::BUDGET);
    }
    let world = World::new();
    for (script, phase) in [
        (asked_for_tls().silence(), "starttls"),
        (going().tls_stall(), "tls"),
    ] {
        let outcome = meet(&world, &script, Security::Required).await;
        let expected = Some((phase, FailureKind::Timeout));
        assert_eq!(stopped(outcome.failure.as_ref()), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn each_wait_has_its_limit_and_all_of_them_together_have_one_too() {
    // TLS case 4. RFC 5321 section 4.5.3.2; a plugin has ten seconds.
    let seconds = Duration::from_secs;
    let cx = Context::default()
        .with_budget(seconds(10))
        .with_patience(seconds(5));
    let slow = Script::new().pause(seconds(6)).say("220 mx\r\n").drain();
    let (outcome, took) = within(&cx, &slow, 0).await;
    let expected = Some(("greeting", FailureKind::Timeout));
    assert_eq!(stopped(outcome.as_ref().err()), expected);
    assert_eq!(took, seconds(5));

    let steady = ["220 mx\r\n", "250 mx\r\n", "250 Ok\r\n"];
    let steady = steady.into_iter().fold(Script::new(), |script, reply| {
        script.pause(seconds(4)).say(reply).hear_any()
    });
    let (outcome, took) = within(&cx, &steady, 5).await;
    let expected = Some(("noop", FailureKind::Timeout));
    assert_eq!(stopped(outcome.as_ref().err()), expected);
    assert!(took > seconds(9) && took <= seconds(10), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn no_reply_that_is_unexpected_goes_without_a_word() {
    // check_smtp leaves with a status and no output, and does not look at the reply to MAIL at all.
    let strange = "599 Something strange";
    for (turn, (_, _, phase)) in TURNS.iter().enumerate() {
        let script = up_to(turn).say(format!("{strange}\r\n")).drain();
        let outcome = in_clear(&script, whole).await;
        assert_eq!(outcome.report.verdict(), Verdict::Critical, "{phase}");
        let evidence = outcome.findings.iter().map(|one| one.evidence.as_bytes());
        let quoted = outcome.failure.iter().filter_map(|it| it.reply.as_deref());
        let words = strange.as_bytes();
        let mut told = evidence.chain(quoted);
        assert!(told.any(|told| told.ends_with(words)), "{phase}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_of_each_phase_is_in_the_output() {
    // check_smtp measures it and does not print it.
    let ms = Duration::from_millis;
    let script = Script::new()
        .pause(ms(100))
        .say("220 mx\r\n")
        .hear("EHLO")
        .pause(ms(200))
        .say("250 mx\r\n");
    let outcome = in_clear(&left(script), plain).await;
    let json: serde_json::Value = serde_json::from_str(&outcome.report.to_json()).unwrap();
    let spans = json["spans"].as_array().unwrap().iter();
    let times: Vec<_> = spans
        .map(|span| (span["phase"].as_str(), span["ms"].as_f64()))
        .collect();
    let time = |phase, ms| (Some(phase), Some(ms));
    let expected = [
        time("greeting", 100.0),
        time("ehlo", 200.0),
        time("quit", 0.0),
    ];
    assert_eq!(times, expected);
    assert_eq!(json["total_ms"].as_f64(), Some(300.0));
}

#[tokio::test(start_paused = true)]
async fn the_thresholds_of_warning_and_of_alarm_are_not_swapped() {
    // check_smtp takes -w for the critical range and -c for that of the warning.
    let world = World::new();
    let identity = world.ca.flawed([NAME], Flaw::SoonExpiring(DAY * 10));
    let script = left(then(going().tls(&identity), &[("EHLO", "250 mx")]));
    for (warning, critical, severity) in [
        (30, 5, Some(Severity::Warning)),
        (30, 20, Some(Severity::Critical)),
        (5, 2, None),
    ] {
        let thresholds = Thresholds::new(DAY * warning, DAY * critical);
        let shape = |options: Options| options.tls_thresholds(thresholds);
        let outcome = meet_shaped(&world, &script, Security::Required, shape).await;
        let told = outcome.findings.first().map(|finding| finding.severity);
        assert_eq!(told, severity, "{warning} {critical}");
    }
}

#[tokio::test]
async fn an_ipv6_address_with_a_port_is_dialled_and_the_connection_is_closed_in_the_end() {
    // gatus cuts host from port at the first colon, and leaves its connections open.
    let world = World::new();
    let options = world.options().security(Security::Cleartext);
    let probe = options.build().unwrap();
    for address in ["127.0.0.1:0", "[::1]:0"] {
        // It waits at last for the client to leave.
        let script = introduced("250 mx").drain();
        let Ok(peer) = script.listen_on(address.parse().unwrap()).await else {
            assert_eq!(
                address, "[::1]:0",
                "a machine without IPv6 has no such address"
            );
            continue;
        };
        let target = peer.address().to_string().parse().unwrap();
        let report = probe.probe(&target, &Context::default()).await;
        assert_eq!(report.failure, None);
        assert_eq!(report.facts.address, Some(peer.address()));
        let closed = tokio::time::timeout(Duration::from_secs(5), peer.finish()).await;
        closed.expect("closed")[0].assert_followed();
    }
}

#[tokio::test(start_paused = true)]
async fn a_421_between_two_questions_is_the_reason_and_nothing_is_asked_behind_it() {
    let busy = "421 4.7.0 Too busy\r\n";
    let behind_auth = up_to(2).say("235 Ok\r\n").hear("EHLO").say(busy);
    let again = |options| asks(logs_in(options).ehlo_after_auth(true));
    let outcome = in_clear(&behind_auth, again).await;
    outcome.conversation.assert_followed();
    assert_eq!(
        stopped(outcome.failure.as_ref()),
        Some(("ehlo", FailureKind::Temporary))
    );
    let failure = outcome.failure.as_ref().unwrap();
    assert_eq!(failure.reply.as_deref(), Some(busy.trim().as_bytes()));

    // The envelope was answered; what was asked behind it was not.
    let test = RelayTest::new(
        "a@example.net".parse().unwrap(),
        "b@example.com".parse().unwrap(),
    );
    let turns = [
        ("", "220 mx"),
        ("EHLO", "250 mx"),
        ("MAIL", "250 Ok"),
        ("RCPT", "250 Ok"),
    ];
    let script = then(Script::new(), &turns).hear("RSET").say(busy);
    let relay = |options: Options| asks(options).relay_test(test.unwrap());
    let outcome = in_clear(&script, relay).await;
    outcome.conversation.assert_followed();
    assert_eq!(
        stopped(outcome.failure.as_ref()),
        Some(("rset", FailureKind::Temporary))
    );
    let outcome = in_clear(&script, asks).await;
    assert_eq!(outcome.failure, None);
}

/// A server that shuts down in the middle of a message says so, and then closes with much of it unread.
#[tokio::test]
async fn what_a_server_said_before_the_connection_broke_under_our_words_is_told() {
    let words = "421 4.3.2 Shutting down";
    let turns = [
        ("", "220 mx"),
        ("EHLO", "250 mx"),
        ("MAIL", "250 Ok"),
        ("RCPT", "250 Ok"),
        ("DATA", "354 Go"),
    ];
    let script = then(Script::new(), &turns)
        .hear_bytes(100_000)
        .say(format!("{words}\r\n"))
        .close();
    let peer = script.listen().await.unwrap();
    let world = World::new();
    let long = format!("Subject: long\r\n\r\n{}", "x\r\n".repeat(8_000_000));
    let options = world.options().security(Security::Cleartext);
    let probe = options
        .recipients(&bob())
        .message(Message::new(long).unwrap())
        .build()
        .unwrap();
    let target = peer.address().to_string().parse().unwrap();
    let report = probe.probe(&target, &Context::default()).await;
    let failure = report.failure.as_ref().unwrap();
    assert_eq!(failure.phase.as_str(), "message");
    let reply = failure.reply.as_deref().unwrap_or_default();
    assert_eq!(String::from_utf8_lossy(reply), words);
}
