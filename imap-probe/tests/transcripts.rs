//! What real servers said, replayed: the same verdict, facts and words as then.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use common::{Outcome, World, converse};
use imap_probe::{Access, LoginCommand, Mailbox, Options};
use probe_net::sasl::Credentials;
use probe_net::tls::{SecretsOver, Security};
use probe_testkit::{Answer, Line, Script, transcript};

/// What was answered to one command.
#[derive(Clone)]
struct Recorded {
    /// Whether TLS stood.
    secured: bool,
    /// Its words, in capitals.
    command: String,
    /// The answer, in which the tag is `TAG`.
    answer: String,
}

/// A server that answers each command as the recorded one answered that command, and others as one that does not know
/// them.
fn recorded(name: &str, world: &World) -> Script {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts");
    let mut script = Script::new();
    let mut answers: Vec<Recorded> = Vec::new();
    let (mut said, mut secured) = (String::new(), false);
    for line in transcript(format!("{folder}/{name}.dialog")) {
        match line {
            Line::Tls(_) if said.is_empty() => {
                script = script.tls(&world.identity);
                secured = true;
            }
            Line::Tls(_) => secured = true,
            Line::Server(words) if said.is_empty() => script = script.say(words),
            Line::Server(words) => {
                let (tag, command) = split(&said);
                let words = String::from_utf8(words).unwrap();
                answers.push(Recorded {
                    secured,
                    command,
                    answer: words.replace(&format!("{tag} "), "TAG "),
                });
            }
            Line::Client(words) => said = String::from_utf8(words).unwrap(),
            _ => {}
        }
    }
    let identity = world.identity.clone();
    let implicit = answers.iter().all(|one| one.secured);
    script.serve(move || {
        let (answers, identity) = (answers.clone(), identity.clone());
        let mut secured = implicit;
        move |line: &[u8]| {
            let (tag, command) = split(&String::from_utf8_lossy(line));
            let words = answer(&answers, secured, &command).replace("TAG ", &format!("{tag} "));
            if command != "STARTTLS" {
                return words.into();
            }
            secured = true;
            Answer::start_tls(words, &identity)
        }
    })
}

/// The answer to the very same command, or at least to one of the same name.
fn answer(answers: &[Recorded], secured: bool, command: &str) -> String {
    let word = |command: &str| command.split(' ').next().map(str::to_owned);
    let then: Vec<_> = answers
        .iter()
        .filter(|one| one.secured == secured)
        .collect();
    let same = then.iter().find(|one| one.command == command);
    let like = || then.iter().find(|one| word(&one.command) == word(command));
    let found = same.or_else(like).map(|one| one.answer.clone());
    found.unwrap_or_else(|| "TAG BAD unknown command\r\n".to_owned())
}

/// The tag, and the rest without quotes.
fn split(line: &str) -> (String, String) {
    let (tag, command) = line.trim_end().split_once(' ').unwrap_or((line, ""));
    (
        tag.to_owned(),
        command.replace('"', "").to_ascii_uppercase(),
    )
}

async fn replay(name: &str, security: Security, shape: impl FnOnce(Options) -> Options) -> Outcome {
    let world = World::new();
    let credentials = Credentials::password("alice@lab.test", "alice pw#1").unwrap();
    let options = world
        .options()
        .credentials(credentials)
        .login_command(LoginCommand::Only);
    let script = recorded(name, &world);
    let secrets_over = match security {
        Security::Cleartext => SecretsOver::Cleartext,
        _ => SecretsOver::VerifiedTls,
    };
    converse(&world, &script, security, secrets_over, shape(options)).await
}

#[tokio::test(start_paused = true)]
async fn dovecot_offers_more_after_each_step() {
    let outcome = replay("dovecot-imap", Security::Required, |options| options).await;
    let facts = &outcome.facts;
    assert!(facts.clear.as_ref().unwrap().has("LOGINDISABLED"));
    let secured = facts.secured.as_ref().unwrap();
    assert!(secured.has("AUTH=PLAIN") && !secured.has("STARTTLS"));
    assert!(facts.authenticated.as_ref().unwrap().has("UIDPLUS"));
    assert_eq!(facts.server, [("name".to_owned(), "Dovecot".to_owned())]);
    assert_eq!(facts.folders.as_ref().unwrap().count, 6);
    assert_eq!(facts.quotas.len(), 2);
    assert_eq!(facts.quotas[1].percent(), 0.26);
}

#[tokio::test(start_paused = true)]
async fn dovecot_without_tls_takes_the_password_in_clear() {
    let outcome = replay("dovecot-imap-plain31", Security::Cleartext, |options| {
        options
    })
    .await;
    assert!(outcome.facts.auth.as_ref().unwrap().accepted.is_some());
    assert!(outcome.codes().contains(&"imap.auth.in-clear"));
}

#[tokio::test(start_paused = true)]
async fn dovecot_says_what_may_be_done_with_a_mailbox() {
    let outcome = replay("dovecot-imap-readonly", Security::Implicit, |options| {
        options.access(Access::Select).rights("lrw")
    })
    .await;
    let mailbox = outcome.facts.mailbox.as_ref().unwrap();
    assert_eq!(mailbox.rights.as_deref(), Some("lr"));
    assert_eq!(mailbox.is_writable, Some(false));
    assert_eq!((mailbox.messages, mailbox.uid_next), (Some(3), Some(4)));
    assert!(outcome.codes().contains(&"imap.rights.missing"));
    assert!(outcome.codes().contains(&"imap.mailbox.read-only"));
}

#[tokio::test(start_paused = true)]
async fn dovecot_tells_the_rights_on_what_others_share() {
    let team: Mailbox = "shared/bob/Team".parse().unwrap();
    let outcome = replay("dovecot-imap-acl", Security::Implicit, |options| {
        options.mailbox(team).rights("lr")
    })
    .await;
    let mailbox = outcome.facts.mailbox.as_ref().unwrap();
    assert_eq!(mailbox.rights.as_deref(), Some("lr"));
    assert!(!outcome.codes().contains(&"imap.rights.missing"));
}

#[tokio::test(start_paused = true)]
async fn dovecot_tells_how_full_an_account_is() {
    let outcome = replay("dovecot-imap-nearlyfull", Security::Implicit, |options| {
        options
    })
    .await;
    assert_eq!(outcome.codes()[0], "imap.quota.threshold");
    let percent = outcome.facts.quotas[0].percent();
    assert!((94.0..97.0).contains(&percent), "{percent}");
}

#[tokio::test(start_paused = true)]
async fn dovecot_lists_folders_with_odd_names() {
    let outcome = replay("dovecot-imap-odd-names", Security::Implicit, |options| {
        options
    })
    .await;
    assert!(outcome.facts.folders.as_ref().unwrap().count > 20);
    assert!(!outcome.reported().contains(&"imap.reply.unparsed"));
}

#[tokio::test(start_paused = true)]
async fn dovecot_speaks_starttls() {
    let outcome = replay("dovecot-imap-starttls", Security::Required, |options| {
        options
    })
    .await;
    assert!(outcome.facts.tls.as_ref().unwrap().is_verified());
    assert!(outcome.facts.auth.as_ref().unwrap().accepted.is_some());
}
