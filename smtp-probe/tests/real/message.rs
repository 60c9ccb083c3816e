//! Against a real Postfix and a real Dovecot, with a message: it arrives byte for byte, or it is told why not. Nothing
//! but the mailbox of the user for it ever changes.

use std::time::{Duration, SystemTime};

use probe_core::{Report, Verdict};
use smtp_probe::{Acceptance, Message, Options, Protocol, SmtpFacts, Transfer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::{ask, codes, lab, text, user};

const HEADER: &str = "From: probe@client.lab.test\r\nDate: Tue, 24 Nov 2026 07:00:00 +0000\r\n";

/// With all that breaks a message on its way: dots, a line of eight bits, blanks at the end of a line.
const BODY: &str = "\r\n.\r\n..two\r\n.dot\r\nMädchen \r\n\r\n.\r\n";

/// A subject like no other, and its message.
fn message(name: &str) -> (String, Message) {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let token = format!("{name}-{}-{}", std::process::id(), since.as_nanos());
    let text =
        format!("{HEADER}Message-ID: <{token}@client.lab.test>\r\nSubject: {token}\r\n{BODY}");
    (token, Message::new(text).unwrap())
}

fn to<'a>(names: &'a [&str], message: &Message) -> impl FnOnce(Options) -> Options + use<'a> {
    let message = message.clone();
    move |options| {
        let addresses = names.iter().map(|name| format!("{name}@lab.test"));
        let addresses: Vec<_> = addresses.map(|it| it.parse().unwrap()).collect();
        options.recipients(&addresses).message(message)
    }
}

fn results(report: &Report<SmtpFacts>) -> Vec<Acceptance> {
    let submission = report.facts.submission.as_ref().unwrap();
    let results = submission.results.iter();
    results.map(|one| one.answer.acceptance).collect()
}

/// All that lies in a mailbox of the user for it, as IMAP hands it out, once a message with this subject is there.
async fn arrived(mailbox: &str, subject: &str) -> String {
    let (user, listener) = (
        &lab()["users"]["deliver"],
        &lab()["listeners"]["imap-cleartext"],
    );
    let (name, password) = (text(&user["name"]), text(&user["password"]));
    let look = async {
        loop {
            let said = format!(
                "a LOGIN {name} {password}\r\nb EXAMINE {mailbox}\r\nc FETCH 1:* BODY.PEEK[]\r\nd LOGOUT\r\n"
            );
            let mut imap = TcpStream::connect((text(&listener["address"]), 143))
                .await
                .unwrap();
            imap.write_all(said.as_bytes()).await.unwrap();
            let mut heard = Vec::new();
            imap.read_to_end(&mut heard).await.unwrap();
            let heard = String::from_utf8(heard).unwrap();
            if heard.contains(&format!("Subject: {subject}\r\n")) {
                return heard;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(10), look)
        .await
        .expect("it does not arrive")
}

#[tokio::test]
async fn a_message_arrives_byte_for_byte_by_either_command() {
    for (transfer, command) in [(Transfer::Chunks, "BDAT"), (Transfer::Data, "DATA")] {
        let (subject, message) = message("by-mx");
        let shape = to(&["deliver"], &message);
        let report = ask("smtp-delivers", |options| shape(options).transfer(transfer)).await;
        assert_eq!(
            (report.verdict(), codes(&report)),
            (Verdict::Ok, vec![]),
            "{command}: {report:?}"
        );
        let submission = report.facts.submission.as_ref().unwrap();
        assert_eq!(submission.transfer, command);
        let queue = String::from_utf8_lossy(submission.queue_text().unwrap());
        assert!(queue.contains("queued as"), "{command}: {queue}");
        let heard = arrived("INBOX", &subject).await;
        let sent = std::str::from_utf8(message.bytes()).unwrap();
        assert!(heard.contains(sent), "{command}: {heard}");
    }
}

#[tokio::test]
async fn users_send_with_their_login_and_an_address_may_name_a_folder() {
    let (subject, message) = message("by-submission");
    let shape = to(&["deliver+Junk"], &message);
    let report = ask("submission-delivers", |options| {
        shape(options).credentials(user("deliver"))
    })
    .await;
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
    arrived("Junk", &subject).await;
}

#[tokio::test]
async fn lmtp_answers_for_each_recipient() {
    let (subject, message) = message("by-lmtp");
    let shape = to(&["deliver", "full", "homeless", "no-such-user"], &message);
    let report = ask("lmtp-good", |options| {
        shape(options).protocol(Protocol::Lmtp)
    })
    .await;
    assert_eq!(
        results(&report),
        [
            Acceptance::Accepted,
            Acceptance::MailboxFull,
            Acceptance::Temporary
        ],
        "{report:?}"
    );
    for finding in [
        "smtp.recipient.unknown",
        "smtp.message.refused",
        "smtp.message.deferred",
    ] {
        assert!(codes(&report).contains(&finding), "{finding}: {report:?}");
    }
    arrived("INBOX", &subject).await;
}

#[tokio::test]
async fn a_message_that_is_refused_is_told_with_the_servers_words() {
    let (_, message) = message("refused");
    for transfer in [Transfer::Chunks, Transfer::Data] {
        let shape = to(&["alice"], &message);
        let report = ask("smtp-header-rejects", |options| {
            shape(options).transfer(transfer)
        })
        .await;
        assert_eq!(codes(&report), ["smtp.message.refused"], "{report:?}");
        let evidence = &report.findings[0].evidence;
        assert!(
            evidence.contains("550 5.7.1 Message content rejected by policy"),
            "{evidence}"
        );
    }
}

#[tokio::test]
async fn a_limit_is_met_before_the_message_or_behind_it() {
    let long = format!("{HEADER}Subject: long\r\n\r\n{}", "x\r\n".repeat(4000));
    let message = Message::new(long).unwrap();
    let report = ask("smtp-size", to(&["alice"], &message)).await;
    assert!(codes(&report).contains(&"smtp.size.exceeded"), "{report:?}");
    for transfer in [Transfer::Chunks, Transfer::Data] {
        let shape = to(&["alice"], &message);
        let report = ask("smtp-no-size", |options| shape(options).transfer(transfer)).await;
        assert_eq!(report.verdict(), Verdict::Critical, "{report:?}");
        assert_eq!(results(&report), [Acceptance::TooLarge], "{report:?}");
    }
}

#[tokio::test]
async fn without_chunking_a_message_goes_by_data() {
    let (_, message) = message("lost");
    let report = ask("smtp-no-chunking", to(&["alice"], &message)).await;
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
    assert_eq!(report.facts.submission.as_ref().unwrap().transfer, "DATA");
}

#[tokio::test]
async fn where_nobody_is_accepted_nothing_is_sent() {
    let (_, message) = message("unsent");
    for listener in ["smtp-greylists", "smtp-blocks"] {
        let report = ask(listener, to(&["alice"], &message)).await;
        assert!(
            codes(&report).contains(&"smtp.message.not-sent"),
            "{listener}: {report:?}"
        );
        assert_eq!(report.facts.submission, None, "{listener}");
    }
}
