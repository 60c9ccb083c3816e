//! Fetching an MTA-STS policy from web servers that are well, and from others; and what is thought of it.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod policy_world;

use mx_check::policy::{Fetched, PolicyFacts, PolicyFetch, fetch, judge, policy_url};
use policy_world::{codes, evidence, hosts, learn};
use probe_core::{Context, FailureKind, Finding, Severity};
use probe_net::http::Client;
use probe_net::tls::Tls;
use probe_net::{Log, Net};
use probe_testkit::{Authority, Say, Web};

const NAME: &str = "mta-sts.example.org";
const POLICY: &str = "version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmx: *.example.net\r\n\
    max_age: 604800\r\n";

fn page(kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

async fn fetched_as(name: &str, page: Vec<u8>) -> PolicyFetch {
    let ca = Authority::new("Test CA");
    let identity = ca.identity([name]);
    let web = Web::tls(&identity, move |_| Say::Last(page.clone())).await;
    let web = web.unwrap();
    let address = web.address();
    let client = Client::new(Net::new(Tls::ring(ca.roots()))).at(address.ip());
    let url = format!("https://{NAME}:{}/.well-known/mta-sts.txt", address.port());
    let mut log = Log::begin(&Context::default());
    let fetched = fetch(client, url.parse().unwrap(), &mut log).await;
    let was_asked = |one: &String| one == "GET /.well-known/mta-sts.txt";
    assert!(web.asked().iter().all(was_asked), "{:?}", web.asked());
    fetched
}

async fn fetched(page: Vec<u8>) -> Fetched {
    fetched_as(NAME, page).await.fetched
}

#[test]
fn a_policy_is_at_its_place() {
    let url = policy_url(&"example.org".parse().unwrap()).unwrap();
    assert_eq!(
        url.to_string(),
        "https://mta-sts.example.org/.well-known/mta-sts.txt"
    );
    let long = format!("{}example.org", "a.".repeat(120));
    assert!(policy_url(&long.parse().unwrap()).is_err());
}

#[tokio::test]
async fn a_policy_is_fetched() {
    let fetched = fetched_as(NAME, page("text/plain; charset=utf-8", POLICY)).await;
    assert_eq!(fetched.text, POLICY.as_bytes());
    let Fetched::Policy(policy) = fetched.fetched else {
        panic!("{fetched:?}");
    };
    assert!(policy.to_mta_sts().unwrap().lists("mx.example.org"));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let to =
        b"HTTP/1.1 301 Moved\r\nLocation: https://www.example.org/\r\nContent-Length: 0\r\n\r\n";
    let expected = Fetched::Redirected(301, "https://www.example.org/".to_owned());
    assert_eq!(fetched(to.to_vec()).await, expected);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_no_policy() {
    let fetched = fetched_as("www.example.org", page("text/plain", POLICY))
        .await
        .fetched;
    let is_refused = match &fetched {
        Fetched::Unverified(_) => true,
        Fetched::Failed(failure) => failure.kind == FailureKind::Tls,
        _ => false,
    };
    assert!(is_refused, "{fetched:?}");
    assert!(fetched.policy().is_none());
}

#[tokio::test]
async fn what_is_not_there_has_a_status() {
    let gone = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(fetched(gone.to_vec()).await, Fetched::Status(404));
}

#[tokio::test]
async fn another_type_is_told() {
    let fetched = fetched(page("text/html", POLICY)).await;
    let Fetched::NotText(kind, policy) = fetched else {
        panic!("{fetched:?}");
    };
    assert_eq!((kind.as_str(), policy.errors.len()), ("text/html", 0));
}

#[tokio::test]
async fn more_than_64_kibioctets_are_no_policy() {
    let of = |size: usize| POLICY.to_owned() + &"x".repeat(size - POLICY.len());
    let most = fetched(page("text/plain", &of(65_536))).await;
    assert!(matches!(most, Fetched::Policy(_)), "{most:?}");
    let more = fetched(page("text/plain", &of(65_537))).await;
    let Fetched::Failed(failure) = more else {
        panic!("{more:?}");
    };
    assert_eq!(failure.kind, FailureKind::TooLarge);
}

#[tokio::test]
async fn a_page_that_is_cut_off_is_no_policy() {
    let cut = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 500\r\n\r\nversion: STSv1\r\n";
    let fetched = fetched(cut.to_vec()).await;
    assert!(matches!(fetched, Fetched::Failed(_)), "{fetched:?}");
}

const RECORD: (&str, &str, &str) = ("_mta-sts.example.org", "TXT", "v=STSv1; id=1");

async fn with_policy(records: &[(&str, &str, &str)], page: Vec<u8>) -> PolicyFacts {
    let mut facts = learn(records);
    facts.mta_sts.fetch = Some(fetched_as(NAME, page).await);
    facts
}

async fn judged(policy: &str, mx: &[&str]) -> Vec<Finding> {
    let facts = with_policy(&[RECORD], page("text/plain", policy)).await;
    let mut findings = judge(&facts, &hosts(mx));
    findings.retain(|one| one.code().starts_with("mta-sts."));
    findings
}

#[tokio::test]
async fn a_policy_that_fits_is_nothing_to_tell() {
    let findings = judged(POLICY, &["mx.example.org", "mx1.example.net"]).await;
    assert_eq!(findings, []);
}

#[tokio::test]
async fn mail_to_hosts_that_an_enforced_policy_does_not_name_is_lost() {
    let findings = judged(POLICY, &["new.example.com", "a.b.example.net"]).await;
    assert_eq!(
        codes(&findings, ""),
        ["mta-sts.mx-mismatch", "mta-sts.mx-unused"]
    );
    assert_eq!(findings[0].severity, Severity::Critical);
    let told =
        "new.example.com, a.b.example.net not in mx: mx.example.org, *.example.net (mode: enforce)";
    assert_eq!(evidence(&findings, "mta-sts.mx-mismatch"), told);
    // One host still takes it.
    let findings = judged(POLICY, &["mx.example.org", "mx.example.com"]).await;
    assert_eq!(
        (findings[0].code(), findings[0].severity),
        ("mta-sts.mx-mismatch", Severity::Warning)
    );
    assert_eq!(evidence(&findings, "mta-sts.mx-unused"), "*.example.net");
    let testing = POLICY.replace("enforce", "testing");
    let findings = judged(&testing, &["new.example.com"]).await;
    assert_eq!(
        codes(&findings, ""),
        [
            "mta-sts.testing",
            "mta-sts.mx-mismatch",
            "mta-sts.mx-unused"
        ]
    );
    assert_eq!(findings[1].severity, Severity::Warning);
}

#[tokio::test]
async fn a_domain_that_takes_no_mail_needs_no_policy() {
    assert_eq!(judged(POLICY, &[]).await, []);
}

#[tokio::test]
async fn the_age_and_the_mode_of_a_policy_are_judged() {
    let mx = ["mx.example.org", "mx1.example.net"];
    let age = |seconds: &str| POLICY.replace("604800", seconds);
    assert_eq!(codes(&judged(&age("86400"), &mx).await, ""), [""; 0]);
    assert_eq!(
        codes(&judged(&age("86399"), &mx).await, ""),
        ["mta-sts.max-age"]
    );
    assert_eq!(codes(&judged(&age("31557600"), &mx).await, ""), [""; 0]);
    assert_eq!(
        codes(&judged(&age("31557601"), &mx).await, ""),
        ["mta-sts.policy.syntax"]
    );
    let none = POLICY.replace("enforce", "none");
    assert_eq!(
        codes(&judged(&none, &["new.example.com"]).await, ""),
        ["mta-sts.none"]
    );
}

#[tokio::test]
async fn a_record_without_a_policy_and_a_policy_without_a_record_are_told() {
    let gone = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec();
    let mx = hosts(&["mx.example.org", "mx1.example.net"]);
    let findings = judge(&with_policy(&[RECORD], gone.clone()).await, &mx);
    assert_eq!(codes(&findings, "mta-sts."), ["mta-sts.policy.missing"]);
    let told = evidence(&findings, "mta-sts.policy.missing");
    assert!(
        told.ends_with("status 404; _mta-sts.example.org: v=STSv1; id=1"),
        "{told}"
    );
    let findings = judge(&with_policy(&[], gone).await, &mx);
    assert_eq!(codes(&findings, "mta-sts."), [""; 0]);
    let findings = judge(&with_policy(&[], page("text/plain", POLICY)).await, &mx);
    assert_eq!(codes(&findings, "mta-sts."), ["mta-sts.policy.unannounced"]);
    let html = page("text/html", "<html>Welcome</html>");
    let findings = judge(&with_policy(&[], html).await, &mx);
    assert_eq!(codes(&findings, "mta-sts."), [""; 0]);
    let findings = judge(
        &with_policy(&[RECORD], page("text/html", POLICY)).await,
        &mx,
    );
    assert_eq!(codes(&findings, "mta-sts."), ["mta-sts.policy.type"]);
}

#[tokio::test]
async fn that_we_cannot_look_is_not_blamed_on_the_domain() {
    let mut facts = learn(&[RECORD]);
    let url = "https://mta-sts.example.org/.well-known/mta-sts.txt";
    let net = Net::new(Tls::ring(rustls::RootCertStore::empty()));
    // An address of ours that is nobody's.
    let client = Client::new(net.with_source("192.0.2.1".parse().unwrap()));
    let client = client.at("127.0.0.1".parse().unwrap());
    let mut log = Log::begin(&Context::default());
    facts.mta_sts.fetch = Some(fetch(client, url.parse().unwrap(), &mut log).await);
    let findings = judge(&facts, &hosts(&["mx.example.org"]));
    assert_eq!(
        codes(&findings, "mta-sts."),
        [""; 0],
        "{:?}",
        facts.mta_sts.fetch
    );
    assert!(evidence(&findings, "policy.unknown").starts_with(url));
}

#[tokio::test]
async fn by_a_record_that_cannot_be_used_no_mail_is_lost() {
    let mx = hosts(&["new.example.com"]);
    let without_id = ("_mta-sts.example.org", "TXT", "v=STSv1;");
    let findings = judge(
        &with_policy(&[without_id], page("text/plain", POLICY)).await,
        &mx,
    );
    assert_eq!(codes(&findings, "mta-sts."), ["mta-sts.syntax"]);
    let findings = judge(
        &with_policy(&[RECORD, without_id], page("text/plain", POLICY)).await,
        &mx,
    );
    assert_eq!(codes(&findings, "mta-sts."), ["mta-sts.multiple"]);
}
