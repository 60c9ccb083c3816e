//! What a domain has published about its TLS, held against whole probes: TLSA records, an MTA-STS policy, and what
//! other addresses of the host offer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use std::future::{Future, ready};
use std::net::IpAddr;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use common::{NAME, World, converse};
use probe_core::{Context, Facts, Finding, HostName, Probe, Record, Report, Severity, Verdict};
use probe_net::tls::{Dane, Expectation, MtaSts, PolicyMode, SecretsOver, Security, TlsaOutcome};
use probe_net::{Net, Resolve, ResolveError, tls::Tls};
use probe_testkit::{Flaw, Identity, Script};
use smtp_probe::{ConfigError, Introduction, SmtpFacts, SmtpProbe};

fn records(text: &str) -> Expectation {
    Expectation::default().with_dane(Dane::new([text.parse().unwrap()]).unwrap())
}

/// A record for some other certificate.
fn other() -> String {
    format!("3 1 1 {}", "ab".repeat(32))
}

/// A record of all of the server's certificate.
fn own(identity: &Identity) -> String {
    let hex = |byte: &u8| format!("{byte:02x}");
    let digits: String = identity.chain()[0].iter().map(hex).collect();
    format!("3 0 0 {digits}")
}

fn policy(pattern: &str) -> Expectation {
    let policy = MtaSts::new(PolicyMode::Enforce, [pattern.parse().unwrap()]);
    Expectation::default().with_mta_sts(policy)
}

fn stripped() -> Script {
    Script::new()
        .say("220 mx.example.test ESMTP\r\n")
        .hear("EHLO ")
        .say("250-mx.example.test\r\n250 XXXXXXXA\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n")
}

fn whole(identity: &Identity) -> Script {
    Script::new()
        .say("220 mx.example.test ESMTP\r\n")
        .hear("EHLO ")
        .say("250-mx.example.test\r\n250 STARTTLS\r\n")
        .hear("STARTTLS")
        .say("220 Go ahead\r\n")
        .tls(identity)
        .hear("EHLO ")
        .say("250 mx.example.test\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n")
}

/// Asks a server on loopback for its name, as mail servers do.
async fn ask(world: &World, script: Script, expectation: Expectation) -> Report<SmtpFacts> {
    let peer = script.listen().await.unwrap();
    let probe = world
        .options()
        .server_name(NAME.parse().unwrap())
        .expect_tls(expectation)
        .build()
        .unwrap();
    let target = peer.address().to_string().parse().unwrap();
    probe.probe(&target, &Context::default()).await
}

fn told(findings: &[Finding]) -> Vec<(&'static str, Severity)> {
    let told = |finding: &Finding| (finding.code(), finding.severity);
    findings.iter().map(told).collect()
}

#[tokio::test(start_paused = true)]
async fn starttls_that_an_earlier_probe_has_seen_is_stripped() {
    let world = World::new();
    let day = SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 20_000);
    let seen = Expectation::default().with_starttls_seen(day);
    let options = world.options().expect_tls(seen);
    let over = SecretsOver::VerifiedTls;
    let outcome = converse(&world, &stripped(), Security::Opportunistic, over, options).await;
    assert_eq!(outcome.failure, None);
    assert_eq!(
        told(&outcome.findings),
        [
            ("starttls.stripped", Severity::Critical),
            ("starttls.not-offered", Severity::Warning),
        ]
    );
    let evidence = &outcome.findings[0].evidence;
    assert_eq!(evidence, "it was offered on 2024-10-04");
}

#[tokio::test(start_paused = true)]
async fn starttls_that_records_demand_and_nobody_offers_is_stripped() {
    let world = World::new();
    let options = world.options().expect_tls(records(&other()));
    let over = SecretsOver::VerifiedTls;
    let outcome = converse(&world, &stripped(), Security::Opportunistic, over, options).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure, None);
    assert_eq!(
        told(&outcome.findings),
        [
            ("starttls.stripped", Severity::Critical),
            ("starttls.not-offered", Severity::Warning),
        ]
    );
    assert_eq!(outcome.report.verdict(), Verdict::Critical);
    let headline = outcome.report.headline();
    assert_eq!(
        headline,
        "STARTTLS is not offered, and must be: TLS is demanded by TLSA records"
    );
}

#[tokio::test]
async fn a_certificate_that_fits_its_record_is_enough_whatever_else_is_wrong_with_it() {
    let world = World::new();
    let server = world.ca.flawed([NAME], [Flaw::Expired, Flaw::WrongName]);
    let report = ask(&world, whole(&server), records(&own(&server))).await;
    assert_eq!(report.failure, None);
    assert_eq!(report.verdict(), Verdict::Ok);
    assert_eq!(
        told(&report.findings),
        [
            ("tls.certificate.expired", Severity::Info),
            ("tls.certificate.wrong-name", Severity::Info),
        ]
    );
    assert_eq!(report.facts.dane[0].outcome, TlsaOutcome::Matched);
}

#[tokio::test]
async fn a_certificate_that_fits_no_record_is_critical_also_between_servers() {
    let world = World::new();
    let report = ask(&world, whole(&world.identity), records(&other())).await;
    assert_eq!(
        told(&report.findings),
        [("tls.dane.mismatch", Severity::Critical)]
    );
    let mut out = Record::default();
    report.facts.record(&mut out);
    let metrics = out.metrics();
    let matched = metrics
        .into_iter()
        .find(|metric| metric.name == "probe_tls_dane_match")
        .unwrap();
    assert_eq!(matched.value, 0.0);
}

#[tokio::test]
async fn a_policy_is_judged_by_the_name_that_was_asked_for() {
    let world = World::new();
    let fits = ask(&world, whole(&world.identity), policy("*.example.test")).await;
    assert_eq!(told(&fits.findings), []);
    let lists_others = ask(&world, whole(&world.identity), policy("mail.example.test")).await;
    assert_eq!(
        told(&lists_others.findings),
        [("tls.mta-sts.host-not-listed", Severity::Critical)]
    );
    // Also where nothing came of TLS.
    let in_clear = ask(&world, stripped(), policy("mail.example.test")).await;
    assert_eq!(
        told(&in_clear.findings),
        [
            ("starttls.stripped", Severity::Critical),
            ("tls.mta-sts.host-not-listed", Severity::Critical),
            ("starttls.not-offered", Severity::Warning),
        ]
    );
}

#[test]
fn nothing_can_be_expected_of_tls_that_is_ruled_out() {
    let world = World::new();
    let in_clear = |expectation| {
        let options = world.options().security(Security::Cleartext);
        options.expect_tls(expectation).build().map(drop)
    };
    assert_eq!(in_clear(Expectation::default()), Ok(()));
    let refused = Err(ConfigError::ExpectationInClear);
    assert_eq!(in_clear(records(&other())), refused);
    assert_eq!(in_clear(policy("mx.example.test")), refused);
}

/// Or STARTTLS that nobody asked for would be told as stripped.
#[test]
fn nothing_can_be_expected_of_tls_where_extensions_are_not_asked_for() {
    let world = World::new();
    let options = world.options().introduction(Introduction::Helo);
    let refused = options.expect_tls(records(&other())).build().map(drop);
    assert_eq!(refused, Err(ConfigError::HeloOnly));
}

#[tokio::test]
async fn an_address_that_offers_no_starttls_is_told_by_one_that_does() {
    let world = World::new();
    let well = whole(&world.identity)
        .listen_on("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let port = well.address().port();
    let ill = stripped()
        .listen_on(format!("127.0.0.2:{port}").parse().unwrap())
        .await
        .unwrap();
    let net = Net::new(Tls::ring(world.ca.roots())).with_resolver(Pair);
    let probe = SmtpProbe::builder(net).every_address(true).build().unwrap();
    let target = format!("{NAME}:{port}").parse().unwrap();
    let report = probe.probe(&target, &Context::default()).await;
    assert_eq!(told(&report.parts[0].findings), []);
    assert_eq!(
        told(&report.parts[1].findings),
        [
            ("starttls.stripped", Severity::Critical),
            ("starttls.not-offered", Severity::Warning),
        ]
    );
    assert_eq!(report.parts[1].findings[0].evidence, "127.0.0.1 offers it");
    drop((well, ill));
}

/// A resolver that knows two addresses.
struct Pair;

impl Resolve for Pair {
    fn resolve<'a>(
        &'a self,
        _: &'a HostName,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send + 'a>> {
        let pair = [[127, 0, 0, 1], [127, 0, 0, 2]].map(IpAddr::from);
        Box::pin(ready(Ok(pair.to_vec())))
    }
}
