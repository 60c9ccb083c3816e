//! Runs that share a mailbox with others, and mail that comes back as an answer: against a scripted mail system, which
//! takes mail by SMTP and hands it out by POP3, to one session at a time as RFC 1939 section 4 has it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use delivery_probe::{
    DeliveryFacts, DeliveryProbe, Key, Keys, Options, Placement, Retrieval, Standing, State,
};
use pop3_probe::Pop3Probe;
use probe_core::{Context, Finding, Probe, Report, Secret, Target};
use probe_net::Net;
use probe_net::message::Headers;
use probe_net::sasl::Credentials;
use probe_net::tls::{SecretsOver, Security, Tls};
use probe_testkit::{Answer, Authority, Peer, Script};
use smtp_probe::SmtpProbe;

const ECHO: &str = "echo@example.com";

/// A mailbox, and who is in it.
#[derive(Default)]
struct Maildrop {
    /// Each with its unique id.
    messages: Vec<(u64, Vec<u8>)>,
    count: u64,
    is_locked: bool,
    logins: u64,
    /// Which logins are refused, as if another session had it.
    refused: Vec<u64>,
    /// From which login on there is mail.
    shown_from: u64,
}

/// A mail system with one mailbox.
#[derive(Clone, Default)]
struct Office {
    maildrop: Arc<Mutex<Maildrop>>,
    /// What the recipient answers, made of the message; without it, the message is delivered.
    answer: Option<fn(&Headers<'_>) -> String>,
    /// How much other mail comes right after a message.
    others: usize,
}

impl Office {
    fn put(&self, message: Vec<u8>) {
        let mut maildrop = self.maildrop.lock().unwrap();
        maildrop.count += 1;
        let id = maildrop.count;
        maildrop.messages.push((id, message));
    }

    fn accept(&self, message: Vec<u8>) {
        let Some(answer) = self.answer else {
            self.put(message);
            let other = b"Subject: lunch?\r\n\r\nat noon\r\n";
            return (0..self.others).for_each(|_| self.put(other.to_vec()));
        };
        // RFC 3834 section 2: no program answers another.
        let headers = Headers::of(&message);
        if headers.get("Auto-Submitted").is_none() {
            self.put(answer(&headers).into_bytes());
        }
    }

    fn left(&self) -> usize {
        self.maildrop.lock().unwrap().messages.len()
    }

    async fn smtp(&self) -> Peer {
        let office = self.clone();
        let script = Script::new().say("220 mx.test ESMTP\r\n").serve(move || {
            let office = office.clone();
            let mut message: Option<Vec<u8>> = None;
            move |line: &[u8]| {
                if let Some(mut so_far) = message.take() {
                    if line == b"." {
                        office.accept(so_far);
                        return "250 2.0.0 queued\r\n".into();
                    }
                    so_far.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
                    so_far.extend_from_slice(b"\r\n");
                    message = Some(so_far);
                    return Answer::nothing();
                }
                match line.get(..4).unwrap_or_default() {
                    b"EHLO" => "250-mx.test\r\n250 8BITMIME\r\n".into(),
                    b"DATA" => {
                        message = Some(Vec::new());
                        "354 go on\r\n".into()
                    }
                    b"QUIT" => Answer::close("221 2.0.0 bye\r\n"),
                    _ => "250 2.0.0 ok\r\n".into(),
                }
            }
        });
        Peer::listen_each([script]).await.unwrap()
    }

    async fn pop3(&self) -> Peer {
        let office = self.clone();
        let script = Script::new().say("+OK ready\r\n").serve(move || {
            let mut session = Session::new(&office);
            move |line: &[u8]| session.answer(std::str::from_utf8(line).unwrap())
        });
        Peer::listen_each([script]).await.unwrap()
    }
}

/// One who is or wants to be in the maildrop.
struct Session {
    maildrop: Arc<Mutex<Maildrop>>,
    is_in: bool,
    messages: Vec<(u64, Vec<u8>)>,
    marked: Vec<u64>,
}

impl Session {
    fn new(office: &Office) -> Self {
        Self {
            maildrop: office.maildrop.clone(),
            is_in: false,
            messages: Vec::new(),
            marked: Vec::new(),
        }
    }

    fn answer(&mut self, line: &str) -> Answer {
        let mut words = line.split(' ');
        let command = words.next().unwrap();
        let place = words.next().and_then(|word| word.parse::<usize>().ok());
        let message = place.and_then(|place| self.messages.get(place - 1));
        match (command, message) {
            ("CAPA", _) => "+OK\r\nUSER\r\nUIDL\r\nTOP\r\n.\r\n".into(),
            ("USER", _) => "+OK\r\n".into(),
            ("PASS", _) => self.enter().into(),
            ("LIST", _) => self.listing(|(_, message)| message.len().to_string()),
            ("UIDL", _) => self.listing(|(id, _)| format!("id-{id}")),
            ("TOP" | "RETR", Some((_, message))) => {
                let mut told = b"+OK\r\n".to_vec();
                for line in message.split_inclusive(|octet| *octet == b'\n') {
                    if line.starts_with(b".") {
                        told.push(b'.');
                    }
                    told.extend_from_slice(line);
                }
                told.extend_from_slice(b".\r\n");
                told.into()
            }
            ("DELE", Some((id, _))) => {
                self.marked.push(*id);
                "+OK\r\n".into()
            }
            ("QUIT", _) => {
                let mut maildrop = self.maildrop.lock().unwrap();
                let marked = &self.marked;
                maildrop.messages.retain(|(id, _)| !marked.contains(id));
                if std::mem::take(&mut self.is_in) {
                    maildrop.is_locked = false;
                }
                Answer::close("+OK bye\r\n")
            }
            _ => "-ERR what?\r\n".into(),
        }
    }

    fn enter(&mut self) -> &'static str {
        let mut maildrop = self.maildrop.lock().unwrap();
        maildrop.logins += 1;
        if maildrop.is_locked || maildrop.refused.contains(&maildrop.logins) {
            return "-ERR [IN-USE] Is another session running?\r\n";
        }
        maildrop.is_locked = true;
        if maildrop.logins >= maildrop.shown_from {
            self.messages = maildrop.messages.clone();
        }
        self.is_in = true;
        "+OK\r\n"
    }

    fn listing(&self, tell: impl Fn(&(u64, Vec<u8>)) -> String) -> Answer {
        let lines = self.messages.iter().enumerate();
        let lines = lines.map(|(place, message)| format!("{} {}\r\n", place + 1, tell(message)));
        format!("+OK\r\n{}.\r\n", lines.collect::<String>()).into()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.is_in {
            self.maildrop.lock().unwrap().is_locked = false;
        }
    }
}

fn net() -> Net {
    Net::new(Tls::ring(Authority::new("Test CA").roots()))
}

fn target(peer: &Peer) -> Target {
    Target::host(peer.address().ip(), peer.address().port())
}

fn options(pop3: &Peer) -> Options {
    let keys = Keys::new(Key::new(Secret::from("a key that nobody guesses")).unwrap());
    let submission = SmtpProbe::builder(net()).security(Security::Cleartext);
    let probe = Pop3Probe::builder(net())
        .security(Security::Cleartext)
        .secrets_over(SecretsOver::Cleartext)
        .credentials(Credentials::password("alice", "wonder land").unwrap())
        .build()
        .unwrap();
    DeliveryProbe::builder("prober".parse().unwrap(), keys, submission)
        .from("probe@example.org")
        .to("inbox@example.org")
        .pace(Duration::from_millis(20))
        .retrieval(Retrieval::pop3(target(pop3), probe))
}

fn state(name: &str) -> State {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("office-{name}"));
    let _ = std::fs::remove_file(&file);
    State::at(file)
}

async fn ask(smtp: &Peer, options: Options) -> Report<DeliveryFacts> {
    let probe = options.build().unwrap();
    let cx = Context::default().with_budget(Duration::from_secs(25));
    probe.probe(&target(smtp), &cx).await
}

fn codes(report: &Report<DeliveryFacts>) -> Vec<&'static str> {
    report.findings.iter().map(Finding::code).collect()
}

fn assert_arrived(report: &Report<DeliveryFacts>) {
    assert_eq!(report.failure, None, "{report:?}");
    let canary = report.facts.canary.as_ref().unwrap();
    assert_eq!(canary.standing, Standing::Arrived);
    let arrived: Vec<_> = report.facts.arrivals.iter().map(|one| one.token).collect();
    assert_eq!(arrived, [canary.token]);
    assert_eq!((report.facts.left_behind, report.facts.removed), (0, 1));
}

/// As most auto-responders write it.
fn re(headers: &Headers<'_>) -> String {
    let field = |name| {
        let value = headers.get(name).unwrap().value().into_owned();
        String::from_utf8(value).unwrap()
    };
    format!(
        "From: Echo <{ECHO}>\r\nTo: probe@example.org\r\nSubject: Re: {}\r\nIn-Reply-To: {}\r\n\
         Auto-Submitted: auto-replied\r\n\r\nwe have it\r\n",
        field("Subject"),
        field("Message-ID"),
    )
}

/// With a subject of its own.
fn vacation(headers: &Headers<'_>) -> String {
    let answer = re(headers);
    let (before, after) = answer.split_once("Subject: ").unwrap();
    let (_, after) = after.split_once("\r\n").unwrap();
    format!("{before}Subject: Thank you for your message\r\n{after}")
}

fn answering(answer: fn(&Headers<'_>) -> String) -> Office {
    Office {
        answer: Some(answer),
        ..Office::default()
    }
}

#[tokio::test]
async fn the_answer_of_an_auto_responder_is_an_arrival() {
    for answer in [re, vacation] {
        let office = answering(answer);
        let (smtp, pop3) = (office.smtp().await, office.pop3().await);
        let report = ask(&smtp, options(&pop3).echo(ECHO)).await;
        assert_arrived(&report);
        assert_eq!(codes(&report), [""; 0], "{report:?}");
        let arrival = &report.facts.arrivals[0];
        // What an answer is made of is not what was sent.
        assert_eq!(arrival.integrity, None);
        assert_eq!(arrival.placement, Placement::Unknown);
        assert_eq!(office.left(), 0);
    }
}

#[tokio::test]
async fn the_answer_of_somebody_else_is_no_arrival_and_stays() {
    let office = answering(re);
    let (smtp, pop3) = (office.smtp().await, office.pop3().await);
    let probe = options(&pop3).echo("other@example.com").build().unwrap();
    let cx = Context::default().with_budget(Duration::from_secs(1));
    let report = probe.probe(&target(&smtp), &cx).await;
    assert_eq!(report.facts.arrivals, []);
    assert_eq!(report.facts.canary.unwrap().standing, Standing::Pending);
    assert_eq!(office.left(), 1);
}

#[tokio::test]
async fn several_routes_at_the_same_time_share_a_mailbox_and_a_state() {
    let office = Office::default();
    let (smtp, pop3) = (office.smtp().await, office.pop3().await);
    let state = state("routes");
    let route = |name: &str| {
        let options = options(&pop3).route(name.parse().unwrap());
        ask(&smtp, options.state(state.clone()))
    };
    let (one, two, three) = tokio::join!(route("one"), route("two"), route("three"));
    for report in [&one, &two, &three] {
        assert_arrived(report);
        assert_eq!(report.facts.counts.all(), 1);
        assert_eq!(codes(report), [""; 0], "{report:?}");
    }
    assert_eq!(office.left(), 0);
}

#[tokio::test]
async fn two_runs_of_one_prober_at_the_same_time_each_take_their_own() {
    let office = Office::default();
    let (smtp, pop3) = (office.smtp().await, office.pop3().await);
    let state = state("runs");
    let run = || ask(&smtp, options(&pop3).state(state.clone()));
    let (one, other) = tokio::join!(run(), run());
    assert_arrived(&one);
    assert_arrived(&other);
    let all = [&one, &other].map(|report| report.facts.counts.all());
    assert_eq!(all, [2, 2]);
    assert_eq!(office.left(), 0);
}

#[tokio::test]
async fn a_maildrop_that_another_session_has_is_tried_again_and_that_is_no_interruption() {
    for (refused, shown_from) in [(1, 2), (2, 3)] {
        let office = Office::default();
        office.maildrop.lock().unwrap().refused.push(refused);
        office.maildrop.lock().unwrap().shown_from = shown_from;
        let (smtp, pop3) = (office.smtp().await, office.pop3().await);
        let report = ask(&smtp, options(&pop3)).await;
        assert_arrived(&report);
        assert_eq!(codes(&report), [""; 0], "{report:?}");
        assert_eq!(office.maildrop.lock().unwrap().logins, shown_from);
    }
}

#[tokio::test]
async fn of_a_full_maildrop_the_latest_messages_are_looked_at_up_to_the_limit() {
    const LOOKED: usize = 256;
    for (others, standing) in [(LOOKED - 1, Standing::Arrived), (LOOKED, Standing::Pending)] {
        let office = Office {
            others,
            ..Office::default()
        };
        let (smtp, pop3) = (office.smtp().await, office.pop3().await);
        let probe = options(&pop3).build().unwrap();
        let cx = Context::default().with_budget(Duration::from_secs(3));
        let report = probe.probe(&target(&smtp), &cx).await;
        assert_eq!(report.failure, None);
        assert_eq!(report.facts.canary.unwrap().standing, standing);
    }
}
