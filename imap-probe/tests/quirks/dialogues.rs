//! The oddities that the machine decides: how a session begins, under TLS and with a login. The rest is `mailboxes.rs`.

use std::time::Duration;

use imap_probe::{LoginCommand, Options};
use probe_core::FailureKind;
use probe_net::sasl::{Credentials, Mechanism};
use probe_net::tls::{SecretsOver, Security};
use probe_testkit::{Answer, Script};

use crate::common::{Outcome, World, converse};

/// What a server says: a command as it begins, and its answer with `%` for the tag. `hello` is the greeting, `DONE`
/// and the empty line are what they are.
pub(crate) type Says = [(&'static str, &'static str)];

const HONEST: &Says = &[
    ("hello", "* OK [CAPABILITY IMAP4rev1] ready\r\n"),
    ("AUTHENTICATE", "% OK in\r\n"),
    ("LOGIN", "% OK in\r\n"),
    ("CAPABILITY", "* CAPABILITY IMAP4rev1\r\n% OK done\r\n"),
    ("ID", "* ID NIL\r\n% OK done\r\n"),
    ("LIST", "* LIST () \"/\" INBOX\r\n% OK done\r\n"),
    ("EXAMINE", "* 0 EXISTS\r\n% OK [READ-ONLY] done\r\n"),
    ("SELECT", "* 0 EXISTS\r\n% OK [READ-WRITE] done\r\n"),
    ("LOGOUT", "* BYE bye\r\n% OK done\r\n"),
    ("DONE", "% OK done\r\n"),
];

/// A server that is honest but for this. A `!` at the end of an answer: and hangs up.
pub(crate) fn server(odd: &'static Says) -> Script {
    let find = move |said: &str| {
        let mut known = odd.iter().chain(HONEST);
        let found = known.find(|(command, _)| {
            said.starts_with(command) && command.is_empty() == said.is_empty()
        });
        found.map_or("% BAD what?\r\n", |(_, answer)| answer)
    };
    Script::new().say(find("hello")).serve(move || {
        let mut tag = String::new();
        move |line: &[u8]| {
            let line = String::from_utf8_lossy(line);
            let said = match line.split_once(' ') {
                Some((new, said)) => {
                    tag = new.to_owned();
                    said
                }
                None => &line,
            };
            let answer = find(said).replace('%', &tag);
            match answer.strip_suffix('!') {
                Some(last) => Answer::close(last),
                None => answer.into(),
            }
        }
    })
}

pub(crate) fn alice() -> Credentials {
    Credentials::password("alice", "wonderland").unwrap()
}

pub(crate) async fn ask(script: Script, choose: impl FnOnce(Options) -> Options) -> Outcome {
    let world = World::new();
    let options = choose(world.options().credentials(alice()));
    let (security, secrets) = (Security::Cleartext, SecretsOver::Cleartext);
    converse(&world, &script, security, secrets, options).await
}

/// Logs in to such a server and asks what is always asked.
pub(crate) async fn log_in(odd: &'static Says) -> Outcome {
    ask(server(odd), |options| options).await
}

/// Greets such a server and demands TLS.
async fn demand_tls(script: Script) -> Outcome {
    let world = World::new();
    let options = world.options().credentials(alice());
    converse(
        &world,
        &script,
        Security::Required,
        SecretsOver::VerifiedTls,
        options,
    )
    .await
}

pub(crate) fn kind(outcome: &Outcome) -> FailureKind {
    outcome.failure.as_ref().expect("a failure").kind
}

#[tokio::test(start_paused = true)]
async fn capabilities_that_come_by_themselves_are_not_asked_for() {
    // 2: RFC 3501 section 7.1.
    let outcome = log_in(&[("LOGIN", "% OK [CAPABILITY IMAP4rev1 IDLE] in\r\n")]).await;
    assert_eq!(outcome.failure, None);
    assert!(outcome.facts.authenticated.as_ref().unwrap().has("IDLE"));
    assert!(
        outcome
            .said()
            .iter()
            .all(|line| !line.contains("CAPABILITY"))
    );
    let outcome = log_in(&[("hello", "* OK ready\r\n")]).await;
    let asked = outcome
        .said()
        .into_iter()
        .filter(|line| line.contains("CAPABILITY"));
    assert_eq!(
        asked.collect::<Vec<_>>(),
        ["A1 CAPABILITY", "A3 CAPABILITY"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_inside_a_continuation_is_answered_by_an_empty_line() {
    // 11: Gmail, node-imap#254; untagged data before the verdict: thunderbird-android PR#6066.
    let script = server(&[
        (
            "hello",
            "* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR] ready\r\n",
        ),
        ("AUTHENTICATE", "+ eyJzdGF0dXMiOiI0MDAifQ==\r\n"),
        (
            "",
            "* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\n% NO [AUTHENTICATIONFAILED] no\r\n",
        ),
    ]);
    let token = Credentials::token("alice", "ya29.token").unwrap();
    let outcome = ask(script, |options| options.credentials(token)).await;
    let failure = outcome.failure.as_ref().unwrap();
    assert_eq!(failure.kind, FailureKind::Credentials);
    assert!(
        failure.detail.contains(r#"{"status":"400"}"#),
        "{failure:?}"
    );
    assert_eq!(outcome.said()[1], "");
    assert_eq!(outcome.facts.authenticated, None);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_response_code_changes_nothing() {
    // 12: Outlook, ruby/net-imap#597.
    let outcome = log_in(&[(
        "LOGIN",
        "% OK [Error=\"Wrong]Server: \" Proxy=AM0.PROD.OUTLOOK.COM:1993:SSL] done\r\n",
    )])
    .await;
    assert_eq!(outcome.failure, None);
}

#[tokio::test(start_paused = true)]
async fn starttls_that_is_not_offered_is_not_tried() {
    // 21: gromox#3 could do it and did not say so; who demands TLS must be able to rely on the offer.
    let outcome = demand_tls(server(&[])).await;
    assert_eq!(kind(&outcome), FailureKind::Unsupported);
    assert_eq!(outcome.said(), ["A1 LOGOUT"]);
    assert!(!outcome.conversation.leaks("wonderland"));
}

#[tokio::test(start_paused = true)]
async fn what_was_offered_in_clear_is_forgotten_under_tls() {
    // 22: RFC 2595 section 3.1, imapclient#192.
    let world = World::new();
    let script = Script::new()
        .say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN STARTTLS] ready\r\n")
        .hear("A1 STARTTLS")
        .say("A1 OK go ahead\r\n")
        .tls(&world.identity)
        .hear("A2 CAPABILITY")
        .say("* CAPABILITY IMAP4rev1 AUTH=LOGIN\r\nA2 OK done\r\n")
        .hear("A3 AUTHENTICATE LOGIN")
        .say("A3 NO not now\r\n")
        .drain();
    let options = world
        .options()
        .credentials(alice())
        .login_command(LoginCommand::Never);
    let (security, secrets) = (Security::Required, SecretsOver::VerifiedTls);
    let outcome = converse(&world, &script, security, secrets, options).await;
    assert_eq!(outcome.conversation.deviations(), []);
    assert_eq!(
        outcome.facts.capabilities().unwrap().mechanisms(),
        [Mechanism::Login]
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_that_begins_authenticated_where_tls_is_demanded_is_given_up() {
    // 23: Thunderbird and others: an attacker says PREAUTH so that STARTTLS is not possible.
    let outcome = demand_tls(server(&[(
        "hello",
        "* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n",
    )]))
    .await;
    assert_eq!(kind(&outcome), FailureKind::Protocol);
    assert!(outcome.codes().contains(&"imap.greeting.preauth"));
    assert_eq!(outcome.said(), ["A1 LOGOUT"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_before_its_command_is_an_attack() {
    // 24: ruby/net-imap PR#667.
    let outcome = log_in(&[("LOGIN", "% OK in\r\nA4 OK List completed\r\n")]).await;
    assert_eq!(kind(&outcome), FailureKind::Protocol);
    assert!(outcome.codes().contains(&"imap.reply.unexpected-tag"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_before_the_command_is_said_to_its_end_is_an_attack() {
    // 24: the literal of the password is still to come.
    let script = server(&[("LOGIN", "% OK in\r\n")]);
    let quoted = Credentials::password("alice", "won\"derland").unwrap();
    let outcome = ask(script, |options| options.credentials(quoted)).await;
    assert_eq!(kind(&outcome), FailureKind::Protocol);
    assert!(outcome.codes().contains(&"imap.reply.unexpected-tag"));
}

#[tokio::test(start_paused = true)]
async fn bytes_behind_the_go_ahead_for_tls_are_refused() {
    // 25: libetpan#386.
    let outcome = demand_tls(server(&[
        ("hello", "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n"),
        (
            "STARTTLS",
            "% OK go ahead\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n",
        ),
    ]))
    .await;
    assert_eq!(kind(&outcome), FailureKind::Protocol);
    assert!(
        outcome.reported().contains(&"starttls.injection"),
        "{:?}",
        outcome.reported()
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_disables_login_is_sent_no_password() {
    // 26: RFC 3501 section 6.2.3.
    let outcome = log_in(&[(
        "hello",
        "* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] ready\r\n",
    )])
    .await;
    assert_eq!(kind(&outcome), FailureKind::Policy);
    assert_eq!(outcome.said(), ["A1 LOGOUT"]);
}

#[tokio::test(start_paused = true)]
async fn refused_logins_are_told_apart() {
    // 26: hMailServer PR#342; 27: Exchange Online, holon-run/uxc#445; 28: RFC 5530, wildduck#707.
    use FailureKind::{Credentials, Policy, Quota, Temporary};
    let answers: [(&'static Says, FailureKind); 8] = [
        (
            &[("LOGIN", "% NO [PRIVACYREQUIRED] not in clear\r\n")],
            Policy,
        ),
        (
            &[(
                "LOGIN",
                "% NO Basic authentication is disabled.\r\n* BYE bye\r\n!",
            )],
            Policy,
        ),
        (
            &[("LOGIN", "* BYE Basic authentication is disabled.\r\n!")],
            Policy,
        ),
        (&[("LOGIN", "% NO [UNAVAILABLE] later\r\n")], Temporary),
        (&[("LOGIN", "% NO [INUSE] later\r\n")], Temporary),
        (&[("LOGIN", "% NO [LIMIT] too many connections\r\n")], Quota),
        (&[("LOGIN", "% NO [OVERQUOTA] full\r\n")], Quota),
        (
            &[("LOGIN", "% NO [AUTHENTICATIONFAILED] no\r\n")],
            Credentials,
        ),
    ];
    for (odd, expected) in answers {
        assert_eq!(kind(&log_in(odd).await), expected, "{odd:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn names_and_passwords_are_quoted_or_travel_as_literals() {
    // 31: nmap writes "%s" and nothing more; RFC 3501 section 4.3.
    let long = "x".repeat(513);
    let length = |text: &str| text.len();
    for (user, password, lines) in [
        (
            "al ice",
            "won {1}",
            vec![r#"A1 LOGIN "al ice" "won {1}""#.to_owned()],
        ),
        (
            r#"al"ice\"#,
            "won",
            vec![r#"A1 LOGIN "al\"ice\\" "won""#.to_owned()],
        ),
        (
            "alice",
            r#"w"o\n"#,
            vec![r#"A1 LOGIN "alice" {5}"#.to_owned(), r#"w"o\n"#.to_owned()],
        ),
        (
            "älice",
            "ö",
            vec!["A1 LOGIN {6}".into(), "älice {2}".into(), "ö".into()],
        ),
        (
            "alice",
            &long,
            vec![
                format!("A1 LOGIN \"alice\" {{{}}}", length(&long)),
                long.clone(),
            ],
        ),
    ] {
        let mut script = Script::new().say("* OK [CAPABILITY IMAP4rev1] ready\r\n");
        for _ in 1..lines.len() {
            script = script.hear_any().say("+ go on\r\n");
        }
        let script = script.hear_any().say("A1 NO no\r\n").drain();
        let credentials = Credentials::password(user, password).unwrap();
        let outcome = ask(script, |options| options.credentials(credentials)).await;
        assert_eq!(outcome.said()[..lines.len()], lines);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_said_before_the_greeting() {
    // 33: async-imap#84.
    let script = Script::new().pause(Duration::from_secs(3));
    let outcome = ask(script.say("* OK ready\r\n").drain(), |options| options).await;
    assert!(!outcome.conversation.spoke_early());
    assert!(outcome.codes().contains(&"imap.greeting.delayed"));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_greeting_is_answered_by_nothing() {
    // 1 and 33: also what would complete a command, and what other protocols greet with.
    for hello in [
        "A1 OK ready\r\n",
        "+OK POP3 ready\r\n",
        "* 3 EXISTS\r\n",
        "220 mx\r\n",
    ] {
        let outcome = ask(Script::new().say(hello).drain(), |options| options).await;
        assert_eq!(kind(&outcome), FailureKind::Protocol, "{hello}");
        assert_eq!(outcome.said(), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn longer_literals_than_literal_minus_allows_wait_for_the_go_ahead() {
    // 39: RFC 7888 section 5.
    for (offer, octets, announced) in [
        ("LITERAL+", 4097, "{4097+}"),
        ("LITERAL-", 4096, "{4096+}"),
        ("LITERAL-", 4097, "{4097}"),
        ("IMAP4rev2", 4096, "{4096+}"),
        ("IDLE", 513, "{513}"),
    ] {
        let script = Script::new()
            .say(format!("* OK [CAPABILITY IMAP4rev1 {offer}] ready\r\n"))
            .hear_any()
            .say("A1 NO no\r\n")
            .drain();
        let password = Credentials::password("alice", "x".repeat(octets)).unwrap();
        let command = LoginCommand::Only;
        let outcome = ask(script, |options| {
            options.credentials(password).login_command(command)
        })
        .await;
        assert_eq!(outcome.said()[0], format!("A1 LOGIN \"alice\" {announced}"));
    }
}
