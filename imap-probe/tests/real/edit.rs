//! The edit proof against a real Dovecot, also where the line breaks in the middle of it.

use std::time::{Duration, SystemTime};

use imap_probe::{Extension, ImapFacts};
use probe_core::{Failure, FailureKind, Probe, Report, Target, Verdict};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::lab::{address, ask, ask_as, by_hand, codes, context, in_clear, probe, user};

/// The names of an account's folders.
fn folders(name: &str) -> Vec<String> {
    let listed = by_hand(name, &[r#"LIST "" "*""#]);
    // Their attributes change while others are at work.
    let names = listed.iter().filter_map(|line| line.split_once(r#""/" "#));
    let mut folders: Vec<_> = names.map(|(_, name)| name.to_owned()).collect();
    folders.sort();
    folders
}

fn kind(report: &Report<ImapFacts>) -> Option<FailureKind> {
    report
        .failure
        .as_ref()
        .map(|failure: &Failure| failure.kind)
}

#[tokio::test]
async fn mail_can_be_edited_and_nothing_is_left_behind() {
    let before = folders("bob");
    let report = ask_as("bob", |options| options.edit(true)).await;
    assert_eq!((report.verdict(), kind(&report)), (Verdict::Ok, None));
    let edit = report.facts.edit.as_ref().unwrap();
    assert!(edit.is_proven(), "{edit:?}");
    assert_eq!(
        edit.done,
        [
            "create", "create", "append", "select", "search", "fetch", "store", "store", "move",
            "select", "search", "store", "expunge", "unselect", "delete", "delete"
        ]
    );
    let after = folders("bob");
    assert!(!after.iter().any(|folder| folder.contains(&edit.folder)));
    // Another test may be at work in the same account.
    let of_bob = |folder: &&String| !folder.contains("mailprobe-");
    assert_eq!(
        after.iter().filter(of_bob).collect::<Vec<_>>(),
        before.iter().filter(of_bob).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn mail_can_be_edited_where_no_extension_helps() {
    let report = ask("imap-plain-old", |options| {
        options.credentials(user("bob")).edit(true)
    })
    .await;
    let edit = report.facts.edit.as_ref().unwrap();
    assert!(edit.is_proven(), "{edit:?} {:?}", report.failure);
    assert!(edit.done.contains(&"copy"));
    let said = report.transcript.to_string();
    assert!(said.contains(" EXPUNGE") && !said.contains("UID EXPUNGE"));
    assert!(!said.contains("UNSELECT") && !said.contains(" CLOSE"));
}

#[tokio::test]
async fn news_reach_a_session_that_idles() {
    let report = ask_as("bob", |options| {
        options.edit(true).exercise(&[Extension::Idle])
    })
    .await;
    assert_eq!((report.verdict(), codes(&report)), (Verdict::Ok, vec![]));
    // Dovecot gathers news for half a second.
    let push = report.facts.edit.unwrap().push.unwrap();
    assert!(push < Duration::from_secs(5), "{push:?}");
}

#[tokio::test]
async fn over_quota_is_told_as_that_and_the_folders_are_removed() {
    let report = ask_as("full", |options| options.edit(true)).await;
    let failure = report.failure.as_ref().unwrap();
    assert_eq!(
        (failure.phase.as_str(), failure.kind),
        ("append", FailureKind::Quota)
    );
    let edit = report.facts.edit.as_ref().unwrap();
    assert!(edit.left_behind.is_empty(), "{edit:?}");
    assert!(
        !folders("full")
            .iter()
            .any(|folder| folder.contains("mailprobe-"))
    );
}

#[tokio::test]
async fn a_line_that_breaks_after_any_command_leaves_nothing_for_long() {
    let before = folders("carol");
    let soon = SystemTime::now() + Duration::from_secs(3600);
    let mut commands = 0;
    for cut in 1.. {
        let broken = edit_through(cut, SystemTime::now()).await;
        if broken.failure.is_none() {
            break;
        }
        commands = cut;
        assert_eq!(kind(&broken), Some(FailureKind::Closed), "cut {cut}");
        // Somebody else's runs are left in peace as long as they may last.
        let left = folders("carol");
        let at_once = edit_through(usize::MAX, SystemTime::now()).await;
        assert!(
            at_once.facts.edit.as_ref().unwrap().is_proven(),
            "cut {cut}"
        );
        assert_eq!(folders("carol"), left, "cut {cut}");

        let later = edit_through(usize::MAX, soon).await;
        let edit = later.facts.edit.as_ref().unwrap();
        assert!(edit.is_proven(), "cut {cut}: {edit:?} {:?}", later.failure);
        assert_eq!(edit.tidied.len(), left.len() - before.len(), "cut {cut}");
        assert_eq!(folders("carol"), before, "cut {cut}");
    }
    assert!(commands > 20, "only {commands} commands were cut");
}

#[tokio::test]
async fn a_folder_with_a_name_of_ours_and_foreign_mail_is_left_alone() {
    let name = "mailprobe-1000000000-0123abcd";
    by_hand(
        "empty",
        &[
            &format!("CREATE {name}"),
            &format!("APPEND {name} {{16+}}\r\nSubject: mine\r\n\r"),
        ],
    );
    let report = ask_as("empty", |options| options.edit(true)).await;
    assert_eq!(codes(&report), ["imap.edit.foreign"]);
    assert_eq!(report.facts.edit.as_ref().unwrap().foreign, [name]);
    let status = by_hand("empty", &[&format!("STATUS {name} (MESSAGES)")]);
    assert_eq!(status, [format!("* STATUS {name} (MESSAGES 1)")]);
    by_hand("empty", &[&format!("DELETE {name}")]);
}

/// The edit proof as Carol, over a line that breaks after so many commands: the server hears the last one, and we
/// hear nothing any more.
async fn edit_through(commands: usize, now: SystemTime) -> Report<ImapFacts> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let local = listener.local_addr().unwrap();
    let line = tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        carry(client, commands).await;
    });
    let probe = probe("imap-cleartext", |options| {
        in_clear(options).credentials(user("carol")).edit(true)
    });
    let target = Target::host(local.ip(), local.port());
    let report = probe.probe(&target, &context().with_now(now)).await;
    line.await.unwrap();
    report
}

/// Carries so many writes of the client to Dovecot; then waits for its answer, and keeps that back.
async fn carry(mut client: TcpStream, commands: usize) {
    let mut server = TcpStream::connect(address("imap-cleartext")).await.unwrap();
    let (mut said, mut heard) = (vec![0; 65536], vec![0; 65536]);
    let mut carried = 0;
    loop {
        tokio::select! {
            read = client.read(&mut said) => {
                let Ok(octets @ 1..) = read else { return };
                server.write_all(&said[..octets]).await.unwrap();
                carried += 1;
                if carried == commands {
                    let _ = server.read(&mut heard).await;
                    return;
                }
            }
            read = server.read(&mut heard) => {
                let Ok(octets @ 1..) = read else { return };
                if client.write_all(&heard[..octets]).await.is_err() {
                    return;
                }
            }
        }
    }
}
