//! The probe against sockets and programs: what is read, and what is not known.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use mailhost_probe::{Options, QueueFacts, QueueProbe, Sample, Source};
use probe_core::{Context, FailureKind, Probe, Report, Thresholds, Verdict};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixListener;

/// A folder of this test alone, gone at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = format!("mailhost-probe-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("showq")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const NOW: u64 = 1_795_538_900;

fn context() -> Context {
    Context::default().with_now(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW))
}

async fn ask(options: Options, cx: &Context) -> Report<QueueFacts> {
    let probe = options.build().unwrap();
    probe.probe(&"localhost".parse().unwrap(), cx).await
}

fn showq(socket: &Path) -> Options {
    QueueProbe::builder(Source::Showq(socket.into())).delayed(5)
}

/// What a socket says to whoever comes.
fn say(socket: &Path, words: &'static [u8]) {
    let listener = UnixListener::bind(socket).unwrap();
    tokio::spawn(async move {
        let (mut peer, _) = listener.accept().await.unwrap();
        peer.write_all(words).await.unwrap();
    });
}

const POSTFIX: &[u8] = include_bytes!("transcripts/postfix-3.7.showq");

fn codes(report: &Report<QueueFacts>) -> Vec<&str> {
    report
        .findings
        .iter()
        .map(|finding| finding.code())
        .collect()
}

#[tokio::test]
async fn a_queue_is_read_and_judged() {
    let folder = Folder::new("judged");
    say(&folder.socket(), POSTFIX);
    let range = |text: &str| Some(text.parse().unwrap());
    let options = showq(&folder.socket())
        .messages(Thresholds::new(range("10"), range("36")))
        .messages_in("hold", Thresholds::new(range("4"), None))
        .oldest(Thresholds::new(range("120"), None));
    let report = ask(options, &context()).await;
    assert_eq!(report.failure, None);
    assert_eq!(report.verdict(), Verdict::Critical);
    assert_eq!(
        report.headline(),
        "more messages wait than should: 37 messages, range 36"
    );
    assert_eq!(
        codes(&report),
        [
            "queue.messages",
            "queue.oldest",
            "queue.delayed.other",
            "queue.delayed.policy",
            "queue.delayed.quota",
            "queue.delayed.refused",
            "queue.held",
            "queue.delayed.greylisted",
            "queue.delayed.timeout",
            "queue.delayed.tls",
        ]
    );
}

#[tokio::test]
async fn growth_is_warned_of_before_the_threshold_is_met() {
    let folder = Folder::new("growth");
    say(&folder.socket(), POSTFIX);
    let before = r#"{"schema":1,"probe":"queue","started_at":"2026-11-24T16:38:20.000Z","failure":null,
        "facts":{"queues":[{"name":"deferred","messages":3.0},{"name":"hold","messages":4.0}]}}"#;
    let before = Sample::from_json(before).unwrap();
    let thresholds = Thresholds::new(Some("97".parse().unwrap()), None);
    let options = showq(&folder.socket()).messages(thresholds).since(before);
    let report = ask(options, &context()).await;
    let growing = &report.findings[0];
    assert_eq!(growing.code(), "queue.growing");
    assert_eq!(
        growing.evidence,
        "all queues: 37 messages where there were 7 10m ago, 180 more in an hour; the threshold is met in 20m 1s"
    );
}

#[tokio::test]
async fn a_report_is_the_sample_for_the_next() {
    let folder = Folder::new("sample");
    say(&folder.socket(), POSTFIX);
    let report = ask(showq(&folder.socket()), &context()).await;
    let sample = Sample::from_json(&report.to_json()).unwrap();
    assert_eq!(sample, Sample::of(&report.facts, report.started_at));
}

#[tokio::test]
async fn without_a_socket_the_queue_is_unknown_and_not_empty() {
    let folder = Folder::new("absent");
    let report = ask(showq(&folder.socket()), &context()).await;
    assert_eq!(report.verdict(), Verdict::Unknown);
    let failure = report.failure.as_ref().unwrap();
    assert_eq!(failure.kind, FailureKind::Local);
    assert!(failure.detail.contains("No such file"), "{failure}");
    assert!(report.facts.queues.is_empty());
    assert!(Sample::from_json(&report.to_json()).is_err());
}

#[tokio::test]
async fn a_socket_where_nobody_listens_is_unknown_too() {
    let folder = Folder::new("stopped");
    drop(UnixListener::bind(folder.socket()).unwrap());
    let report = ask(showq(&folder.socket()), &context()).await;
    let failure = report.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Local);
    assert!(failure.detail.contains("Connection refused"), "{failure}");
}

#[tokio::test]
async fn a_list_that_is_cut_short_keeps_what_was_read() {
    let folder = Folder::new("cut");
    say(&folder.socket(), &POSTFIX[..POSTFIX.len() - 1]);
    let report = ask(showq(&folder.socket()), &context()).await;
    assert_eq!(
        report.failure.unwrap().detail,
        "the list ends in the middle"
    );
    assert_eq!(report.facts.messages(), 37);
}

#[tokio::test]
async fn a_socket_that_is_silent_is_unknown_when_the_time_is_over() {
    let folder = Folder::new("silent");
    let _listener = UnixListener::bind(folder.socket()).unwrap();
    let cx = context().with_budget(Duration::from_millis(50));
    let report = ask(showq(&folder.socket()), &cx).await;
    assert_eq!(report.failure.unwrap().kind, FailureKind::Local);
    assert!(report.facts.queues.is_empty());
}

#[cfg(feature = "command")]
mod command {
    use mailhost_probe::Format;

    use super::*;

    async fn run(script: &str, format: Format) -> Report<QueueFacts> {
        let source = Source::command("/bin/sh", ["-c", script], format);
        ask(QueueProbe::builder(source), &context()).await
    }

    #[tokio::test]
    async fn the_output_of_a_program_is_read() {
        let report = run("echo 22", Format::EximCount).await;
        assert_eq!(report.failure, None);
        assert_eq!(report.facts.messages(), 22);
    }

    #[tokio::test]
    async fn a_program_that_ends_badly_is_unknown_with_its_words() {
        let report = run("echo no rights >&2; exit 69", Format::Postqueue).await;
        assert_eq!(report.verdict(), Verdict::Unknown);
        assert_eq!(
            report.failure.unwrap().detail,
            "/bin/sh: exit status: 69: no rights"
        );
        assert!(report.facts.queues.is_empty());
    }

    /// Status 0 and an empty list, but a complaint:
    /// <https://github.com/ConSol-Monitoring/snclient/issues/431>.
    #[tokio::test]
    async fn a_program_that_complains_and_lists_nothing_has_not_seen_an_empty_queue() {
        let report = run("echo mail system is down >&2", Format::Postqueue).await;
        assert_eq!(
            report.failure.unwrap().detail,
            "/bin/sh: mail system is down"
        );
    }

    /// `postqueue -j` of Postfix 3.7, asked by root while Postfix does not run: status 0.
    #[tokio::test]
    async fn a_complaint_beside_a_list_is_a_finding() {
        const SCRIPT: &str = r#"echo "postqueue: warning: Mail system is down -- accessing queue directly" >&2
            echo '{"queue_name": "hold", "recipients": []}'"#;
        let report = run(SCRIPT, Format::Postqueue).await;
        assert_eq!(report.failure, None);
        assert_eq!(report.facts.messages(), 1);
        assert_eq!(report.findings[0].code(), "queue.complaint");
        assert_eq!(
            report.findings[0].evidence,
            "postqueue: warning: Mail system is down -- accessing queue directly"
        );
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_unknown() {
        let source = Source::command("/nonexistent/postqueue", ["-j"], Format::Postqueue);
        let report = ask(QueueProbe::builder(source), &context()).await;
        assert_eq!(report.failure.unwrap().kind, FailureKind::Local);
    }
}
