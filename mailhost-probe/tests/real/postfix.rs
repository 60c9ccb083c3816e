//! Postfix whose queue has grown for every reason: by its socket, by `postqueue -j` and by `postqueue -p`.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use mailhost_probe::{Format, Sample};
use probe_core::{FailureKind, Thresholds, Verdict};
use tokio::sync::Mutex;

use super::*;

/// Held by who counts, and by who changes what is counted.
pub(super) static QUEUE: Mutex<()> = Mutex::const_new(());

pub(super) fn socket() -> Source {
    Source::Showq(of_lab("/queues/postfix/socket").into())
}

fn postqueue(config: &str, option: &str, format: Format) -> Source {
    Source::command("postqueue", ["-c", config, option], format)
}

async fn read(source: Source) -> QueueFacts {
    let now = soon_after(of_lab("/queues/postfix/since"));
    let report = ask_with(QueueProbe::builder(source), now).await;
    assert_eq!(report.failure, None);
    assert_eq!(report.facts.unreadable, 0);
    report.facts
}

const QUEUES: [(&str, u64); 5] = [
    ("maildrop", 5),
    ("active", 0),
    ("incoming", 0),
    ("deferred", 376),
    ("hold", 12),
];
const REASONS: [(Reason, u64); 8] = [
    (Reason::Dns, 40),
    (Reason::Greylisted, 60),
    (Reason::Other, 24),
    (Reason::Policy, 60),
    (Reason::Quota, 40),
    (Reason::Refused, 96),
    (Reason::Timeout, 45),
    (Reason::Tls, 40),
];
const DESTINATIONS: [Destination<'_>; 17] = [
    ("greylisted.example", 60, Some((Reason::Greylisted, 60))),
    ("refused.example", 60, Some((Reason::Refused, 60))),
    ("policy.example", 50, Some((Reason::Policy, 50))),
    ("quota.example", 40, Some((Reason::Quota, 40))),
    ("silent.example", 40, Some((Reason::Timeout, 40))),
    ("many.example", 30, Some((Reason::Refused, 30))),
    ("loop-a.test", 25, Some((Reason::Dns, 25))),
    ("later.example", 24, Some((Reason::Other, 24))),
    ("clear.example", 16, Some((Reason::Tls, 16))),
    ("upward.test", 15, Some((Reason::Dns, 15))),
    ("untrusted.example", 14, Some((Reason::Tls, 14))),
    ("held.example", 12, None),
    ("broken-tls.example", 10, Some((Reason::Tls, 10))),
    ("busy.example", 10, Some((Reason::Policy, 10))),
    ("expiring.example", 6, Some((Reason::Refused, 6))),
    ("hangs-up.example", 5, Some((Reason::Timeout, 5))),
    ("pending.example", 5, None),
];

#[tokio::test]
async fn the_socket_tells_each_queue_destination_reason_and_age() {
    let _queue = QUEUE.lock().await;
    let facts = read(socket()).await;
    assert_eq!(counts(&facts), QUEUES);
    assert_eq!(reasons(&facts), REASONS);
    assert_eq!(destinations(&facts), DESTINATIONS);
    let deferred = facts.queue("deferred").unwrap();
    let ages: Vec<_> = deferred.ages.iter().map(|(_, count)| count).collect();
    assert_eq!(ages, [61, 58, 57, 54, 51, 48, 47]);
    assert_eq!(deferred.oldest_age, Some(Duration::from_secs(345_620)));
}

#[tokio::test]
async fn the_json_tells_the_same_as_the_socket() {
    let _queue = QUEUE.lock().await;
    let by_socket = read(socket()).await;
    let config = of_lab("/queues/postfix/config");
    let by_json = read(postqueue(config, "-j", Format::Postqueue)).await;
    assert_eq!(by_json, by_socket);
}

/// The text marks what is active and what is held, and nothing else.
#[tokio::test]
async fn the_text_tells_the_same_but_for_ages_and_what_was_never_taken_in() {
    let _queue = QUEUE.lock().await;
    let by_socket = read(socket()).await;
    let config = of_lab("/queues/postfix/config");
    let by_text = read(postqueue(config, "-p", Format::Mailq)).await;
    assert_eq!(counts(&by_text), [("deferred", 381), ("hold", 12)]);
    assert_eq!(by_text.messages(), by_socket.messages());
    assert_eq!(by_text.domains, by_socket.domains);
    assert_eq!(reasons(&by_text), REASONS);
    let octets = |facts: &QueueFacts| facts.queues.iter().map(|queue| queue.bytes.unwrap()).sum();
    let (text, socket): (u64, u64) = (octets(&by_text), octets(&by_socket));
    assert_eq!(text, socket);
}

#[tokio::test]
async fn growth_is_warned_of_before_the_threshold_is_met() {
    let _queue = QUEUE.lock().await;
    let now = soon_after(of_lab("/queues/postfix/since"));
    let before = ask_with(QueueProbe::builder(socket()), now).await;
    let before = Sample::from_json(&before.to_json()).unwrap();

    let added = Added::messages(40);
    let above = |text: &str| Thresholds::new(Some(text.parse().unwrap()), None);
    let options = QueueProbe::builder(socket())
        .messages(above("600"))
        .messages_in("hold", above("60"))
        .since(before);
    let report = ask_with(options, now + Duration::from_secs(600)).await;
    drop(added);

    assert_eq!(report.verdict(), Verdict::Warning);
    let growing = report.findings.iter();
    let growing = growing.filter(|finding| finding.code() == "queue.growing");
    let evidence: Vec<_> = growing.map(|finding| &*finding.evidence).collect();
    assert_eq!(
        evidence,
        [
            "all queues: 433 messages where there were 393 10m ago, 240 more in an hour; \
             the threshold is met in 41m 46s",
            "hold: 52 messages where there were 12 10m ago, 240 more in an hour; \
             the threshold is met in 2m 1s",
        ]
    );
    assert_eq!(counts(&read(socket()).await), QUEUES);
}

/// Messages on hold that are deleted in the end.
struct Added(Vec<String>);

impl Added {
    fn messages(count: usize) -> Self {
        let place = &lab()["listeners"]["smtp-queues"];
        let (host, port) = (place["address"].as_str(), place["port"].as_u64());
        let socket = TcpStream::connect((host.unwrap(), port.unwrap().try_into().unwrap()));
        let mut server = BufReader::new(socket.unwrap());
        let mut say = |words: &str, code: &str| {
            server.get_mut().write_all(words.as_bytes()).unwrap();
            let mut reply = String::new();
            server.read_line(&mut reply).unwrap();
            assert!(reply.starts_with(code), "{reply}");
            reply
        };
        say("", "220 ");
        say("HELO test.lab.test\r\n", "250 ");
        let mut added = Self(Vec::new());
        for _ in 0..count {
            say("MAIL FROM:<s@lab.test>\r\n", "250 ");
            say("RCPT TO:<user@growing.example>\r\n", "250 ");
            say("DATA\r\n", "354 ");
            let reply = say("X-Lab: hold\r\n\r\nOne more.\r\n.\r\n", "250 ");
            let (_, number) = reply.split_once("queued as ").unwrap();
            added.0.push(number.trim().to_owned());
        }
        added
    }
}

impl Drop for Added {
    fn drop(&mut self) {
        let config = of_lab("/queues/postfix/config");
        let mut delete = Command::new("postsuper")
            .args(["-c", config, "-d", "-", "hold"])
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = delete.stdin.take().unwrap();
        input.write_all(self.0.join("\n").as_bytes()).unwrap();
        drop(input);
        delete.wait().unwrap();
    }
}

/// Whoever is neither root nor in the group `postdrop` cannot go through the folder where the socket is.
#[test]
fn without_permission_the_queue_is_unknown_and_not_empty() {
    // This program again, by its open file: who is nobody may not find it by its path.
    let myself = fs::File::open(std::env::current_exe().unwrap()).unwrap();
    let outcome = Command::new("setpriv")
        .args(["--reuid", "nobody", "--regid", "nogroup", "--clear-groups"])
        .args(["/proc/self/fd/0", "--ignored", "--exact"])
        .arg("postfix::what_nobody_reads")
        .env("MAILPROBE_LAB", std::env::var("MAILPROBE_LAB").unwrap())
        .stdin(myself)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&outcome.stdout);
    assert!(outcome.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "run by another test, as nobody"]
async fn what_nobody_reads() {
    let report = ask(socket()).await;
    assert_eq!(report.verdict(), Verdict::Unknown);
    let failure = report.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Local);
    assert!(
        failure.detail.ends_with("Permission denied (os error 13)"),
        "{failure}"
    );
    assert!(report.facts.queues.is_empty());
}

/// `postqueue` has the rights of the group `postdrop`, and asks the settings who may see the queue.
#[tokio::test]
async fn who_may_not_see_the_queue_is_told_so_by_the_program() {
    let report = ask(as_nobody(of_lab("/queues/postfix/private"))).await;
    assert_eq!(report.verdict(), Verdict::Unknown);
    assert!(report.facts.queues.is_empty());
    let detail = report.failure.unwrap().detail;
    assert!(
        detail.ends_with("exit status: 69: postqueue: fatal: User nobody(65534) is not allowed to view the mail queue"),
        "{detail}"
    );

    let _queue = QUEUE.lock().await;
    let facts = read(as_nobody(of_lab("/queues/postfix/config"))).await;
    assert_eq!(counts(&facts), QUEUES);
}

/// `postqueue` as nobody, with these settings in the place of the machine's.
fn as_nobody(config: &str) -> Source {
    const RUN: &str = r#"mount --bind "$0" /etc/postfix &&
        exec setpriv --reuid nobody --regid nogroup --clear-groups postqueue -j"#;
    let program = ["--mount", "sh", "-c", RUN, config];
    Source::command("unshare", program, Format::Postqueue)
}

#[tokio::test]
async fn a_postfix_that_is_stopped_is_unknown_and_not_empty() {
    let report = ask(Source::Showq(
        of_lab("/queues/postfix/stopped/socket").into(),
    ))
    .await;
    assert_eq!(report.verdict(), Verdict::Unknown);
    assert!(report.facts.queues.is_empty());
    let detail = report.failure.unwrap().detail;
    assert!(
        detail.ends_with("Connection refused (os error 111)"),
        "{detail}"
    );

    let report = ask(as_nobody(of_lab("/queues/postfix/stopped/config"))).await;
    assert_eq!(report.verdict(), Verdict::Unknown);
    assert!(report.facts.queues.is_empty());
    let detail = report.failure.unwrap().detail;
    assert!(
        detail.contains("postqueue: fatal: Queue report unavailable - mail system is down"),
        "{detail}"
    );
}

/// For root the program looks into the folders by itself, and says so.
#[tokio::test]
async fn of_a_postfix_that_is_stopped_root_is_told_the_queue_and_the_trouble() {
    let config = of_lab("/queues/postfix/stopped/config");
    for (option, format) in [("-j", Format::Postqueue), ("-p", Format::Mailq)] {
        let report = ask(postqueue(config, option, format)).await;
        assert_eq!(report.failure, None);
        assert_eq!(report.facts.messages(), 3);
        assert_eq!(report.verdict(), Verdict::Warning);
        assert_eq!(
            report.findings[0].evidence,
            "postqueue: warning: Mail system is down -- accessing queue directly \
             (Connect to the Postfix showq service: Connection refused)"
        );
    }
}
