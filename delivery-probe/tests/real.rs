//! Against a real mail system, the lab's Postfix and Dovecot: mail that arrives, and mail to which each thing happens that
//! can happen to mail. `cargo xtask test` starts the lab and runs this.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[path = "real/hop.rs"]
mod hop;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use delivery_probe::{
    Cause, DeliveryFacts, DeliveryProbe, Form, Key, Keys, Mode, Name, Options, Placement,
    Retrieval, Rules, Size, Standing, State,
};
use eas_probe::EasProbe;
use hop::{Deed, hop};
use imap_probe::ImapProbe;
use pop3_probe::Pop3Probe;
use probe_core::{Context, FailureKind, Finding, Probe, Report, Secret, Target, Verdict};
use probe_net::Net;
use probe_net::sasl::Credentials;
use probe_net::tls::{Security, Tls, add_ca_file};
use serde_json::Value;
use smtp_probe::SmtpProbe;

const KEY: &str = "a key that nobody guesses at all";
const ME: &str = "deliver@lab.test";

fn lab() -> &'static Value {
    static LAB: OnceLock<Value> = OnceLock::new();
    LAB.get_or_init(|| {
        let folder = std::env::var("MAILPROBE_LAB").expect("run by `cargo xtask test`");
        let text = std::fs::read(PathBuf::from(folder).join("lab.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    })
}

fn listener(name: &str) -> SocketAddr {
    let listener = &lab()["listeners"][name];
    let address = listener["address"].as_str().unwrap().parse().unwrap();
    SocketAddr::new(
        address,
        listener["port"].as_u64().unwrap().try_into().unwrap(),
    )
}

fn target(at: SocketAddr) -> Target {
    Target::host(at.ip(), at.port())
}

fn net() -> Net {
    let mut roots = rustls::RootCertStore::empty();
    add_ca_file(&mut roots, lab()["ca"].as_str().unwrap().as_ref()).unwrap();
    Net::new(Tls::ring(roots))
}

fn me() -> Credentials {
    let user = &lab()["users"]["deliver"];
    Credentials::password(ME, user["password"].as_str().unwrap()).unwrap()
}

fn imap() -> Retrieval {
    let probe = ImapProbe::builder(net())
        .server_name("mail.lab.test".parse().unwrap())
        .credentials(me())
        .build()
        .unwrap();
    Retrieval::imap(target(listener("imap-good")), probe)
}

fn pop3() -> Retrieval {
    let probe = Pop3Probe::builder(net())
        .server_name("mail.lab.test".parse().unwrap())
        .credentials(me())
        .build()
        .unwrap();
    Retrieval::pop3(target(listener("pop3-good")), probe)
}

fn eas() -> Retrieval {
    let probe = EasProbe::builder(net())
        .server_name("eas.lab.test".parse().unwrap())
        .credentials(me())
        .build()
        .unwrap();
    Retrieval::eas(target(listener("eas-good")), probe)
}

/// Each test is a prober of its own: all look into the same mailbox at the same time.
fn prober(name: &str, submission: smtp_probe::Options) -> Options {
    let keys = Keys::new(Key::new(Secret::from(KEY.to_owned())).unwrap());
    let name: Name = name.parse().unwrap();
    DeliveryProbe::builder(name, keys, submission)
        .from(ME)
        .to(ME)
        .pace(Duration::from_millis(200))
}

fn submitter(name: &str) -> Options {
    let submission = SmtpProbe::builder(net())
        .server_name("good.lab.test".parse().unwrap())
        .credentials(me());
    prober(name, submission)
}

/// To the first of two servers.
fn submitted_to(name: &str) -> Options {
    let submission = SmtpProbe::builder(net())
        .server_name("first.lab.test".parse().unwrap())
        .credentials(me());
    prober(name, submission)
}

fn state(name: &str) -> State {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("delivery-{name}"));
    let _ = std::fs::remove_file(&file);
    State::at(file)
}

async fn ask(options: Options) -> Report<DeliveryFacts> {
    ask_at(listener("submission"), options).await
}

async fn ask_at(at: SocketAddr, options: Options) -> Report<DeliveryFacts> {
    let probe = options.build().unwrap();
    let cx = Context::default().with_budget(Duration::from_secs(25));
    probe.probe(&target(at), &cx).await
}

/// By way of a hop of ours.
async fn ask_by(
    deed: Deed,
    name: &str,
    shape: impl FnOnce(Options) -> Options,
) -> Report<DeliveryFacts> {
    let submission = SmtpProbe::builder(net()).security(Security::Cleartext);
    let options = prober(name, submission).retrieval(imap());
    ask_at(hop(deed, listener("smtp-good")), shape(options)).await
}

/// What runs before have sent; nothing new is, since nobody takes it.
async fn look(name: &str, kept: State) -> Report<DeliveryFacts> {
    let options = submitter(name).to("unknown@lab.test").state(kept);
    ask(options.mode(Mode::Later).retrieval(imap())).await
}

/// How many messages of this folder have a subject with this in it, and are not marked as deleted.
async fn count(folder: &str, subject: &str) -> usize {
    let probe = ImapProbe::builder(net())
        .server_name("mail.lab.test".parse().unwrap())
        .credentials(me())
        .build()
        .unwrap();
    let at = target(listener("imap-good"));
    let mut visit = probe.visit(&at, &Context::default()).await.unwrap();
    if visit.open(&folder.parse().unwrap()).await.is_err() {
        return 0;
    }
    let criteria = format!("SUBJECT {subject} UNDELETED").parse().unwrap();
    let found = visit.search(&criteria).await.unwrap().len();
    visit.leave(None).await;
    found
}

fn codes(report: &Report<DeliveryFacts>) -> Vec<&'static str> {
    let codes = report.findings.iter().map(Finding::code);
    codes
        .filter(|code| *code != "delivery.hop.unprotected")
        .collect()
}

fn standing(report: &Report<DeliveryFacts>) -> Standing {
    report.facts.canary.as_ref().unwrap().standing
}

fn assert_arrived(report: &Report<DeliveryFacts>, placement: Placement) {
    assert_eq!(report.failure, None, "{report:?}");
    assert_eq!(standing(report), Standing::Arrived, "{report:?}");
    let [arrival] = &*report.facts.arrivals else {
        panic!("one arrival: {report:?}");
    };
    assert_eq!(arrival.placement, placement);
    assert!(!arrival.integrity.as_ref().unwrap().is_damaged());
    assert_eq!((report.facts.removed, report.facts.left_behind), (1, 0));
}

fn assert_slow(report: &Report<DeliveryFacts>, host: &str) {
    let way = &report.facts.arrivals[0].way;
    let hosts: Vec<_> = way.legs.iter().map(|leg| leg.host.as_str()).collect();
    assert_eq!(hosts, ["first.lab.test", host, "mail.lab.test"]);
    let slow = way.slowest(Duration::from_secs(1)).unwrap();
    assert_eq!(
        (slow.host.as_str(), slow.from.as_deref()),
        (host, Some("first.lab.test"))
    );
}

#[tokio::test]
async fn mail_arrives_by_imap_in_every_form_and_size() {
    for (form, size) in [
        (Form::Plain, Size::Small),
        (Form::SevenBit, Size::Kib64),
        (Form::EightBit, Size::Small),
        (Form::EightBit, Size::Mib1),
    ] {
        let options = submitter("forms").form(form).size(size).retrieval(imap());
        let report = ask(options).await;
        assert_arrived(&report, Placement::Inbox);
        assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
        let hosts = report.facts.arrivals[0].way.legs.iter();
        let hosts: Vec<_> = hosts.map(|leg| leg.host.as_str()).collect();
        assert_eq!(hosts, ["good.lab.test", "mail.lab.test"]);
    }
}

#[tokio::test]
async fn mail_arrives_by_pop3() {
    let report = ask(submitter("pop3").retrieval(pop3())).await;
    assert_arrived(&report, Placement::Unknown);
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
}

/// SOGo, which reads the same mailbox. It deletes by a mark, and removes what is marked when it sees fit.
#[tokio::test]
async fn mail_arrives_by_activesync_and_is_deleted_for_good() {
    let report = ask(submitter("eas").retrieval(eas())).await;
    assert_arrived(&report, Placement::Inbox);
    let token = report.facts.canary.unwrap().token.to_string();
    assert_eq!(count("INBOX", &token).await, 0);
    assert_eq!(count("Trash", &token).await, 0);
}

#[tokio::test]
async fn mail_among_the_junk_is_found_there() {
    let options = submitter("junk").to("deliver+Junk@lab.test");
    let report = ask(options.retrieval(imap())).await;
    assert_arrived(&report, Placement::Junk);
    assert_eq!(codes(&report), ["delivery.junk"]);
}

#[tokio::test]
async fn what_the_server_does_not_take_is_told_as_not_sent() {
    for (to, kind) in [
        ("greylisted@lab.test", FailureKind::Temporary),
        ("full@lab.test", FailureKind::Quota),
        ("blocked@lab.test", FailureKind::Policy),
        ("unknown@lab.test", FailureKind::Permanent),
    ] {
        let report = ask(submitter("refused").to(to).retrieval(imap())).await;
        assert_eq!(standing(&report), Standing::Refused, "{to}");
        assert_eq!(report.failure.unwrap().kind, kind, "{to}");
    }
}

#[tokio::test]
async fn what_comes_back_is_explained_by_the_report() {
    let options = submitter("bounced").to("bounced@lab.test");
    let report = ask(options.retrieval(imap())).await;
    assert_eq!(standing(&report), Standing::Bounced, "{report:?}");
    let [bounce] = &*report.facts.bounces else {
        panic!("one report: {report:?}");
    };
    assert_eq!((bounce.cause, report.facts.removed), (Cause::Address, 1));
    assert_eq!(codes(&report), ["delivery.bounced.address"]);
}

#[tokio::test]
async fn a_hop_that_keeps_mail_is_named() {
    let deed = Deed {
        keep: Duration::from_secs(4),
        ..Deed::default()
    };
    let mut rules = Rules::default();
    rules.slow_hop = Duration::from_secs(2);
    let report = ask_by(deed, "slow", |options| options.rules(rules)).await;
    assert_arrived(&report, Placement::Inbox);
    assert_eq!(codes(&report), ["delivery.hop.slow"], "{report:?}");
    let slow = report.facts.arrivals[0].way.slowest(Duration::from_secs(2));
    assert_eq!(slow.unwrap().from.as_deref(), Some("hop.test"));
}

/// Two Postfixes, the second of which lets the first one wait.
#[tokio::test]
async fn a_real_hop_that_is_slow_is_named() {
    let mut rules = Rules::default();
    rules.slow_hop = Duration::from_secs(2);
    let options = submitted_to("slow-hop").rules(rules).retrieval(imap());
    let report = ask_at(listener("submission-by-slow-hop"), options).await;
    assert_arrived(&report, Placement::Inbox);
    assert_eq!(codes(&report), ["delivery.hop.slow"], "{report:?}");
    assert_slow(&report, "slow-hop.lab.test");
}

/// The first one is put off, and comes again some seconds later.
#[tokio::test]
async fn mail_that_a_hop_greylists_is_late_there() {
    let mut rules = Rules::default();
    rules.slow_hop = Duration::from_secs(1);
    let options = submitted_to("greylister").rules(rules).retrieval(imap());
    let report = ask_at(listener("submission-by-greylister"), options).await;
    assert_arrived(&report, Placement::Inbox);
    assert_eq!(codes(&report), ["delivery.hop.slow"], "{report:?}");
    assert_slow(&report, "greylister.lab.test");
}

/// What Postfix takes and Dovecot has no room for.
#[tokio::test]
async fn mail_to_a_full_mailbox_comes_back_and_is_explained() {
    let options = submitter("overfull").to("nearlyfull@lab.test");
    let options = options.size(Size::Kib64).retrieval(imap());
    let report = ask(options).await;
    assert_eq!(standing(&report), Standing::Bounced, "{report:?}");
    let [bounce] = &*report.facts.bounces else {
        panic!("one report: {report:?}");
    };
    assert_eq!((bounce.cause, report.facts.removed), (Cause::Quota, 1));
}

#[tokio::test]
async fn a_hop_whose_clock_is_wrong_is_told_from_a_slow_one() {
    let deed = Deed {
        slow_by: Duration::from_secs(3600),
        ..Deed::default()
    };
    let report = ask_by(deed, "skewed", |options| options).await;
    assert_arrived(&report, Placement::Inbox);
    assert_eq!(codes(&report), ["delivery.clock"], "{report:?}");
    let clocks = &report.facts.arrivals[0].way.clocks;
    assert_eq!(clocks[0].host, "hop.test");
}

#[tokio::test]
async fn a_hop_that_duplicates_mail_is_found_out_and_both_are_removed() {
    let deed = Deed {
        copies: 2,
        keep: Duration::from_millis(100),
        ..Deed::default()
    };
    let name = "twice";
    let kept = state(name);
    let first = ask_by(deed, name, |options| options.state(kept.clone())).await;
    // Which of the two is there at the first look depends on the server.
    let second = look(name, kept).await;
    let all = first.facts.arrivals.iter().chain(&second.facts.arrivals);
    let duplicates = all.filter(|arrival| arrival.is_duplicate).count();
    assert_eq!(
        (duplicates, second.facts.counts.duplicates),
        (1, 1),
        "{second:?}"
    );
    assert_eq!(first.facts.removed + second.facts.removed, 2);
    let told = codes(&first).into_iter().chain(codes(&second));
    assert_eq!(told.filter(|code| *code == "delivery.duplicate").count(), 1);
}

#[tokio::test]
async fn what_a_hop_adds_is_told_and_the_canary_is_still_ours() {
    let deed = Deed {
        footer: "-- \r\nThis message was scanned.\r\n",
        ..Deed::default()
    };
    let report = ask_by(deed, "footer", |options| options.form(Form::Plain)).await;
    assert_arrived(&report, Placement::Inbox);
    assert_eq!(codes(&report), ["delivery.content.marked"], "{report:?}");
}

#[tokio::test]
async fn what_is_lost_is_pending_then_late_then_lost() {
    let deed = Deed {
        loses: true,
        ..Deed::default()
    };
    let name = "lost";
    let kept = state(name);
    let submission = SmtpProbe::builder(net()).security(Security::Cleartext);
    let at = hop(deed, listener("smtp-good"));
    let run = |late, lost| {
        let patience = delivery_probe::Patience::new(late, lost);
        let options = prober(name, submission.clone()).retrieval(imap());
        let options = options.state(kept.clone()).mode(Mode::Later);
        ask_at(at, options.patience(patience))
    };
    let (hour, nothing) = (Duration::from_secs(3600), Duration::ZERO);
    let pending = run(hour, hour).await;
    assert_eq!(pending.verdict(), Verdict::Ok, "{pending:?}");
    assert_eq!(pending.facts.counts.of(Standing::Pending), 1);
    let late = run(nothing, hour).await;
    assert_eq!(late.facts.counts.of(Standing::Late), 2, "{late:?}");
    let lost = run(nothing, nothing).await;
    assert_eq!(lost.facts.counts.of(Standing::Lost), 3, "{lost:?}");
    assert_eq!(lost.verdict(), Verdict::Critical);
}

#[tokio::test]
async fn nothing_is_touched_but_what_this_prober_has_sent() {
    let foreign = ask(submitter("another")
        .mode(Mode::Later)
        .state(state("another"))
        .retrieval(imap()))
    .await;
    assert_eq!(foreign.failure, None, "{foreign:?}");
    let token = foreign.facts.canary.unwrap().token.to_string();
    // The same key, another name.
    let report = ask(submitter("this").retrieval(imap())).await;
    assert_eq!(standing(&report), Standing::Arrived);
    assert_eq!(count("INBOX", &token).await, 1);
    // Its own prober takes it, also where nothing is known of it any more.
    let options = submitter("another")
        .mode(Mode::Later)
        .state(state("another"));
    let own = ask(options.retrieval(imap())).await;
    assert_eq!(own.facts.removed, 1, "{own:?}");
}

#[tokio::test]
async fn a_mailbox_that_cannot_be_looked_into_is_no_lost_mail() {
    let wrong = Credentials::password(ME, "wrong").unwrap();
    let probe = ImapProbe::builder(net())
        .server_name("mail.lab.test".parse().unwrap())
        .credentials(wrong)
        .build()
        .unwrap();
    let closed = Retrieval::imap(target(listener("imap-good")), probe);
    let name = "locked-out";
    let kept = state(name);
    let options = submitter(name).state(kept.clone()).mode(Mode::Later);
    let report = ask(options.retrieval(closed)).await;
    let failure = report.failure.unwrap();
    assert_eq!(
        (failure.phase.as_str(), failure.kind),
        ("receive", FailureKind::Credentials)
    );
    assert_eq!(report.facts.counts.of(Standing::Pending), 1);
    let tidy = look(name, kept).await;
    assert_eq!(tidy.facts.removed, 1);
}
