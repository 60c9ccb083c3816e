//! Pages of status, made to the shapes that their makers document, and asked for over HTTP.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::time::{Duration, SystemTime};

use mailhost_probe::{
    ConfigError, Incident, State, StatusFacts, StatusFormat, StatusOptions, StatusPage,
    StatusProbe, Unrecognized,
};
use probe_core::{Context, FailureKind, Probe, Report, Secret, Severity, Verdict};
use probe_net::Net;
use probe_net::http::Url;
use probe_net::tls::Tls;
use probe_testkit::{Authority, Say, Web};

const STATUSPAGE: &str = include_str!("corpus/status/statuspage");
const SHORT: &str = include_str!("corpus/status/statuspage-short");
const OVERVIEWS: &str = include_str!("corpus/status/graph-overviews");
const ISSUES: &str = include_str!("corpus/status/graph-issues");
const WORKSPACE: &str = include_str!("corpus/status/workspace");
const RSS: &str = include_str!("corpus/status/rss");
const ATOM: &str = include_str!("corpus/status/atom");
const RDF: &str = include_str!("corpus/status/rdf");

const DAY: Duration = Duration::from_secs(24 * 3600);

/// 2026-11-24 12:00:00 UTC.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_521_600)
}

/// So many minutes before.
fn ago(minutes: u64) -> Option<SystemTime> {
    Some(now() - Duration::from_secs(minutes * 60))
}

fn read(page: &str) -> Result<StatusPage, Unrecognized> {
    StatusPage::read(page.as_bytes(), None, now(), DAY * 3)
}

fn of(page: &str) -> StatusFacts {
    read(page).unwrap().facts
}

fn titles(incidents: &[Incident]) -> Vec<&str> {
    incidents.iter().map(|one| &*one.title).collect()
}

fn states(facts: &StatusFacts) -> Vec<(&str, State)> {
    let services = facts.services.iter();
    services.map(|one| (&*one.name, one.state)).collect()
}

fn net() -> Net {
    Net::new(Tls::ring(Authority::new("nobody").roots()))
}

async fn serving(page: &str) -> (Web, Url) {
    let page = page.to_owned();
    let web = Web::clear(move |_| Say::page(200, "", page.clone()))
        .await
        .unwrap();
    let url = format!("http://{}/api/v2/summary.json", web.address());
    let url = url.parse().unwrap();
    (web, url)
}

async fn ask(options: StatusOptions) -> Report<StatusFacts> {
    let cx = Context::default().with_now(now());
    let probe = options.build().unwrap();
    probe.probe(&"example.net".parse().unwrap(), &cx).await
}

async fn judged(
    page: &str,
    set: impl FnOnce(StatusOptions) -> StatusOptions,
) -> Report<StatusFacts> {
    let (_web, url) = serving(page).await;
    ask(set(StatusProbe::builder(net(), url))).await
}

fn findings(report: &Report<StatusFacts>) -> Vec<(&str, Severity, &str)> {
    let findings = report.findings.iter();
    findings
        .map(|one| (one.code(), one.severity, &*one.evidence))
        .collect()
}

#[test]
fn statuspage_tells_services_incidents_and_works() {
    let facts = of(STATUSPAGE);
    assert_eq!(facts.provider.as_deref(), Some("Example Mail"));
    assert_eq!(facts.overall, Some(State::PartialOutage));
    assert_eq!(facts.updated, ago(20));
    assert_eq!(
        states(&facts),
        [
            ("IMAP", State::PartialOutage),
            ("SMTP", State::Operational),
            ("Webmail", State::Maintenance),
            ("Calendar", State::Unknown),
            ("Mail", State::PartialOutage),
        ]
    );
    let mut expected = Incident::default();
    expected.id = Some("i1".to_owned());
    expected.title = "Mailboxes on node 7 are slow".to_owned();
    expected.state = Some("identified".to_owned());
    expected.impact = State::PartialOutage;
    expected.services = vec!["IMAP".to_owned()];
    expected.started = ago(130);
    expected.updated = ago(30);
    expected.words = Some("A disk failed & is replaced.".to_owned());
    expected.url = Some("https://stspg.example/i1".to_owned());
    assert_eq!(facts.incidents, [expected]);
    assert_eq!(titles(&facts.resolved), ["Delayed delivery", "New disks"]);
    assert_eq!(facts.resolved[0].services, ["SMTP"]);
    assert_eq!(facts.omitted, 1);
    let work = &facts.maintenance[0];
    assert_eq!(titles(&facts.maintenance), ["New webmail"]);
    assert_eq!(work.impact, State::Maintenance);
    assert_eq!(work.started, ago(60));
    assert_eq!(work.resolved, Some(now() + Duration::from_secs(3600)));
}

#[test]
fn the_health_of_microsoft_365_is_told_by_service() {
    let page = read(OVERVIEWS).unwrap();
    assert_eq!(page.format, StatusFormat::Graph);
    assert_eq!(
        states(&page.facts),
        [
            ("Exchange Online", State::Degraded),
            ("Microsoft Teams", State::Operational),
            ("SharePoint Online", State::MajorOutage),
            ("Microsoft Intune", State::Unknown),
        ]
    );
}

#[test]
fn the_issues_of_microsoft_365_are_open_or_over() {
    let facts = of(ISSUES);
    let late = &facts.incidents[0];
    assert_eq!(late.id.as_deref(), Some("EX100001"));
    assert_eq!(late.impact, State::MajorOutage);
    let services = [
        "Exchange Online",
        "Mailflow - delayed delivery from Internet",
    ];
    assert_eq!(late.services, services);
    assert_eq!(late.started, ago(240));
    // An advisory is about something that hurts a few, whatever its status.
    let calendar = &facts.incidents[1];
    assert_eq!(calendar.impact, State::Degraded);
    assert_eq!(calendar.words.as_deref(), Some("A cache was stale."));
    assert_eq!(titles(&facts.resolved), ["Meetings could not be joined"]);
    assert_eq!(facts.omitted, 1);
}

#[test]
fn issues_that_stand_within_their_service_are_read_too() {
    let overview = r#"{"service": "Exchange Online", "status": "serviceDegradation", "id": "Exchange",
        "issues": [{"title": "Slow", "service": "Exchange Online", "status": "investigating", "isResolved": false}]}"#;
    let facts = of(overview);
    assert_eq!(states(&facts), [("Exchange Online", State::Degraded)]);
    assert_eq!(titles(&facts.incidents), ["Slow"]);
    let listed = of(&format!("{{\"value\": [{overview}]}}"));
    assert_eq!(listed, facts);
}

#[test]
fn what_google_workspace_tells_without_an_end_is_not_over() {
    let facts = of(WORKSPACE);
    let late = &facts.incidents[0];
    assert_eq!(titles(&facts.incidents), ["Mail is delivered late"]);
    assert_eq!(
        late.services,
        ["Multiple Products", "Gmail", "Google Groups"]
    );
    assert_eq!(late.impact, State::PartialOutage);
    assert_eq!(late.state.as_deref(), Some("SERVICE_DISRUPTION"));
    assert_eq!(late.started, ago(105));
    assert_eq!(late.url.as_deref(), Some("incidents/aB1"));
    assert_eq!(
        late.words.as_deref(),
        Some("**Summary** Mail is delivered late.")
    );
    assert_eq!(titles(&facts.resolved), ["Documents could not be opened"]);
    assert_eq!((facts.updated, facts.omitted), (ago(30), 1));
}

#[test]
fn an_empty_list_is_a_page_of_google_only_if_the_caller_says_so() {
    assert!(matches!(read("[]"), Err(Unrecognized::Other(_))));
    let named = StatusPage::read(b"[]", Some(StatusFormat::Workspace), now(), DAY);
    assert_eq!(named.unwrap().facts, StatusFacts::default());
}

#[test]
fn a_feed_tells_how_far_the_provider_is() {
    let facts = of(RSS);
    let provider = "Example Mail Status - Incident History";
    assert_eq!(facts.provider.as_deref(), Some(provider));
    assert_eq!(titles(&facts.incidents), ["IMAP is slow"]);
    let slow = &facts.incidents[0];
    assert_eq!(slow.state.as_deref(), Some("Monitoring"));
    assert_eq!(slow.services, ["IMAP"]);
    assert_eq!(slow.impact, State::Unknown);
    assert_eq!(slow.updated, ago(30));
    assert_eq!(
        slow.words.as_deref(),
        Some(
            "Nov 24 , 11:30 UTC Monitoring - A disk was replaced. Nov 24, 10:00 UTC Investigating - We look into it."
        )
    );
    assert_eq!(titles(&facts.maintenance), ["New disks"]);
    let over = ["Delayed delivery", "[RESOLVED] Webmail does not load"];
    assert_eq!(titles(&facts.resolved), over);
    // Nobody said that it is over, but it was in January.
    assert_eq!(facts.omitted, 1);
}

#[test]
fn an_atom_feed_is_read_like_any_other() {
    let facts = of(ATOM);
    let slow = &facts.incidents[0];
    assert_eq!(titles(&facts.incidents), ["IMAP is slow"]);
    assert_eq!(slow.state.as_deref(), Some("Identified"));
    assert_eq!((slow.started, slow.updated), (ago(120), ago(30)));
    let url = "https://status.example.net/incidents/1";
    assert_eq!(slow.url.as_deref(), Some(url));
    assert_eq!(titles(&facts.resolved), ["Delayed delivery"]);
    assert_eq!(facts.resolved[0].state.as_deref(), Some("Completed"));
}

#[test]
fn entries_beside_the_channel_and_dates_of_dublin_core_are_read() {
    let facts = of(RDF);
    let title = "Maintenance of the mail servers";
    assert_eq!(titles(&facts.maintenance), [title]);
    assert_eq!(facts.maintenance[0].updated, ago(120));
}

#[test]
fn a_page_of_another_kind_is_none() {
    let named = |page: &str, format| StatusPage::read(page.as_bytes(), Some(format), now(), DAY);
    for page in [
        "",
        "all is well",
        "<html><body>All systems operational</body></html>",
        "<rss/>",
        "{\"page\": {\"name\": \"x\"}}",
        "{\"error\": {\"code\": \"InvalidAuthenticationToken\"}}",
        "{\"value\": []}",
        "[{\"begin\": \"yesterday\"}]",
        "<!DOCTYPE rss [<!ENTITY a \"b\">]><rss><channel><title>&a;</title></channel></rss>",
    ] {
        assert!(matches!(read(page), Err(Unrecognized::Other(_))), "{page}");
    }
    for (page, format) in [
        (STATUSPAGE, StatusFormat::Graph),
        (RSS, StatusFormat::Statuspage),
        (WORKSPACE, StatusFormat::Feed),
    ] {
        let read = named(page, format);
        assert!(matches!(read, Err(Unrecognized::Other(_))), "{format:?}");
    }
}

#[test]
fn a_page_of_too_many_values_is_not_read() {
    // Two objects, a list, and all commas: that before the list, and those before all members but the first.
    let json = |members: usize| {
        let members = vec!["1"; members].join(",");
        read(&format!("{{\"page\":{{}},\"incidents\":[{members}]}}"))
    };
    assert!(json(200_000 - 3).is_ok());
    assert_eq!(json(200_000 - 2), Err(Unrecognized::Large));
    // Beside them: the document, its root and the channel.
    let feed = |elements: usize| {
        let elements = "<a/>".repeat(elements);
        read(&format!("<rss><channel>{elements}</channel></rss>"))
    };
    assert!(feed(200_000 - 3).is_ok());
    assert_eq!(feed(200_000 - 2), Err(Unrecognized::Large));
}

#[test]
fn a_feed_that_keeps_parsers_busy_is_not_parsed() {
    let attributes = |count: usize| {
        let attributes: String = (0..count).map(|n| format!(" a{n}=''")).collect();
        read(&format!("<rss{attributes}><channel/></rss>"))
    };
    assert!(attributes(64).is_ok());
    assert_eq!(attributes(65), Err(Unrecognized::Large));
    let deep = |depth: usize| {
        let (open, close) = ("<a>".repeat(depth), "</a>".repeat(depth));
        read(&format!("<rss><channel>{open}{close}</channel></rss>"))
    };
    assert!(deep(200_000 - 3).is_ok());
    assert_eq!(deep(200_000 - 2), Err(Unrecognized::Large));
}

#[test]
fn what_is_kept_is_bounded() {
    let page = |services: usize, incidents: usize| {
        let service = r#"{"name": "IMAP", "status": "operational"}"#;
        let incident = r#"{"name": "Slow", "status": "identified"}"#;
        let many = |one: &str, count| vec![one; count].join(",");
        of(&format!(
            "{{\"page\": {{}}, \"components\": [{}], \"incidents\": [{}]}}",
            many(service, services),
            many(incident, incidents)
        ))
    };
    assert_eq!(page(512, 128).omitted, 0);
    let more = page(513, 129);
    assert_eq!((more.services.len(), more.incidents.len()), (512, 128));
    assert_eq!(more.omitted, 2);
    let names = |count: usize| {
        let names: Vec<_> = (0..count)
            .map(|n| format!("{{\"name\": \"s{n}\"}}"))
            .collect();
        let facts = of(&format!(
            "{{\"page\": {{}}, \"incidents\": [{{\"name\": \"Slow\", \"components\": [{}]}}]}}",
            names.join(",")
        ));
        facts.incidents[0].services.len()
    };
    assert_eq!((names(16), names(17)), (16, 16));
    let title = |octets: usize| {
        let title = "a".repeat(octets);
        let facts = of(&format!(
            "{{\"page\": {{}}, \"incidents\": [{{\"name\": \"{title}\"}}]}}"
        ));
        facts.incidents[0].title.chars().count()
    };
    assert_eq!((title(200), title(201)), (200, 201));
    assert_eq!(title(5000), 201);
}

#[tokio::test]
async fn an_incident_is_a_warning_at_most() {
    let report = judged(STATUSPAGE, |options| options).await;
    assert_eq!(
        findings(&report),
        [
            (
                "status.incident",
                Severity::Warning,
                "i1: Mailboxes on node 7 are slow (identified), IMAP"
            ),
            (
                "status.service",
                Severity::Warning,
                "IMAP partial-outage, Mail partial-outage"
            ),
            (
                "status.maintenance",
                Severity::Info,
                "m1: New webmail (in_progress), Webmail"
            ),
        ]
    );
    assert_eq!(report.failure, None);
    let asked = judged(STATUSPAGE, |options| options.severity(Severity::Critical)).await;
    assert_eq!(asked.verdict(), Verdict::Critical);
}

#[tokio::test]
async fn only_the_services_that_are_looked_for_are_judged() {
    let report = judged(STATUSPAGE, |options| options.service("smtp")).await;
    let well = ("status.well", Severity::Info, "Example Mail");
    assert_eq!(findings(&report), [well]);
    let report = judged(ISSUES, |options| options.service("Exchange Online")).await;
    assert_eq!(report.findings.len(), 2);
    let report = judged(ISSUES, |options| options.service("Teams")).await;
    assert_eq!(report.verdict(), Verdict::Ok);
    // Where no services are told of, the words decide.
    let report = judged(ATOM, |options| options.service("imap")).await;
    assert_eq!(report.verdict(), Verdict::Warning);
    let report = judged(ATOM, |options| options.service("smtp")).await;
    assert_eq!(report.verdict(), Verdict::Ok);
}

#[tokio::test]
async fn a_service_that_the_page_does_not_have_is_unknown() {
    let report = judged(OVERVIEWS, |options| options.service("Gmail")).await;
    assert_eq!(report.verdict(), Verdict::Unknown);
    let failure = report.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Local);
    assert_eq!(failure.detail, "the page has no service Gmail");
    // A page that lists incidents alone has no list of which it could be missing.
    let report = judged(WORKSPACE, |options| options.service("Google Meet")).await;
    assert_eq!(report.verdict(), Verdict::Ok);
}

#[tokio::test]
async fn a_page_without_services_is_judged_as_a_whole() {
    let whole = "as a whole degraded";
    let report = judged(SHORT, |options| options).await;
    let warning = ("status.service", Severity::Warning, whole);
    assert_eq!(findings(&report), [warning]);
    let report = judged(SHORT, |options| options.service("SMTP")).await;
    let info = ("status.service", Severity::Info, whole);
    assert_eq!(findings(&report), [info]);
}

#[tokio::test]
async fn an_incident_that_hurts_nobody_by_the_providers_own_word_is_worth_knowing() {
    let page = r#"{"page": {"name": "Example"}, "incidents": [{"name": "Typo", "status": "identified", "impact": "none"}]}"#;
    let report = judged(page, |options| options).await;
    let info = ("status.incident", Severity::Info, "Typo (identified)");
    assert_eq!(findings(&report), [info]);
}

#[tokio::test]
async fn of_many_incidents_the_first_are_told_and_the_rest_is_counted() {
    let page = |count| {
        let one = r#"{"name": "Slow", "status": "identified", "impact": "minor"}"#;
        let many = vec![one; count].join(",");
        format!("{{\"page\": {{}}, \"incidents\": [{many}]}}")
    };
    let eight = judged(&page(8), |options| options).await;
    assert_eq!(eight.findings.len(), 8);
    let ten = judged(&page(10), |options| options).await;
    assert_eq!(ten.findings.len(), 9);
    assert_eq!(ten.findings[8].evidence, "2 more");
}

#[tokio::test]
async fn a_page_that_was_abandoned_is_told() {
    let page =
        r#"{"page": {"name": "Example", "updated_at": "2026-08-01T00:00:00Z"}, "components": []}"#;
    let report = judged(page, |options| options).await;
    let codes: Vec<_> = findings(&report);
    assert_eq!(
        codes,
        [
            ("status.well", Severity::Info, "Example"),
            ("status.stale", Severity::Info, "115 days"),
        ]
    );
    let report = judged(page, |options| options.stale(DAY * 120)).await;
    assert_eq!(report.findings.len(), 1);
}

#[tokio::test]
async fn a_page_that_cannot_be_read_is_unknown_and_not_down() {
    let report = judged("<html>Sorry</html>", |options| options).await;
    let failure = report.failure.as_ref().unwrap();
    assert_eq!(failure.kind, FailureKind::Local);
    assert!(failure.detail.ends_with("<html>Sorry</html>"), "{failure}");
    assert!(report.findings.is_empty());

    let web = Web::clear(|_| Say::page(503, "", "")).await.unwrap();
    let url: Url = format!("http://{}/", web.address()).parse().unwrap();
    let report = ask(StatusProbe::builder(net(), url.clone())).await;
    let detail = report.failure.unwrap().detail;
    assert_eq!(detail, "the provider answers 503");

    drop(web);
    let report = ask(StatusProbe::builder(net(), url)).await;
    assert_eq!(report.verdict(), Verdict::Unknown);
}

#[tokio::test]
async fn a_page_of_eight_mebibytes_is_the_largest_that_is_read() {
    let page = |octets: usize| {
        let head = r#"{"page": {}, "components": [], "padding": ""#;
        let padding = " ".repeat(octets - head.len() - 2);
        format!("{head}{padding}\"}}")
    };
    let most = StatusProbe::PAGE;
    assert_eq!(most, 8_388_608);
    let report = judged(&page(most), |options| options).await;
    assert_eq!(report.failure, None);
    let report = judged(&page(most + 1), |options| options).await;
    assert_eq!(report.verdict(), Verdict::Unknown);
}

/// Whoever asks with a token, and over what.
async fn with_token(
    options: impl FnOnce(StatusOptions) -> StatusOptions,
    secure: bool,
) -> (Report<StatusFacts>, Web) {
    let authority = Authority::new("Test CA");
    let answer = |request: &probe_testkit::WebRequest| match request.header("authorization") {
        Some("Bearer open sesame") => Say::page(200, "", OVERVIEWS),
        _ => Say::page(401, "", ""),
    };
    let web = match secure {
        true => Web::tls(&authority.identity(["127.0.0.1"]), answer).await,
        false => Web::clear(answer).await,
    };
    let web = web.unwrap();
    let scheme = if secure { "https" } else { "http" };
    let url = format!("{scheme}://{}/health", web.address())
        .parse()
        .unwrap();
    let net = Net::new(Tls::ring(authority.roots()));
    let report = ask(options(StatusProbe::builder(net, url))).await;
    (report, web)
}

#[tokio::test]
async fn a_token_goes_over_tls_that_verified_and_nowhere_else() {
    let token = |options: StatusOptions| options.token(Secret::from("open sesame".to_owned()));
    let (report, _web) = with_token(token, true).await;
    assert_eq!(report.failure, None);
    assert_eq!(report.facts.services.len(), 4);
    let (report, web) = with_token(token, false).await;
    assert_eq!(report.verdict(), Verdict::Unknown);
    assert!(web.heard().is_empty());
    let (report, _web) = with_token(|options| options, true).await;
    assert_eq!(report.failure.unwrap().detail, "the provider answers 401");
}

/// Three pages, the last of which names a server that is not theirs.
#[tokio::test]
async fn pages_that_follow_are_read_as_long_as_they_are_of_the_same_server() {
    let web = Web::clear(|request| {
        let (service, next) = match request.target() {
            "/issues" => ("A", "/issues?$skip=100"),
            "/issues?$skip=100" => ("B", "issues?$skip=200"),
            _ => ("C", "http://192.0.2.1/issues"),
        };
        let page = format!(
            "{{\"@odata.nextLink\": \"{next}\", \"value\": [{{\"service\": \"{service}\", \"status\": \"serviceOperational\"}}]}}"
        );
        Say::page(200, "", page)
    });
    let web = web.await.unwrap();
    let url = format!("http://{}/issues", web.address());
    let report = ask(StatusProbe::builder(net(), url.parse().unwrap())).await;
    assert_eq!(report.failure, None);
    let read: Vec<_> = states(&report.facts);
    assert_eq!(read, ["A", "B", "C"].map(|name| (name, State::Operational)));
    assert_eq!(web.heard().len(), 3);
}

#[tokio::test]
async fn no_more_than_ten_pages_are_read() {
    let web = Web::clear(|_| {
        let page = r#"{"@odata.nextLink": "/more", "value": [{"service": "A", "status": "serviceOperational"}]}"#;
        Say::page(200, "", page)
    });
    let web = web.await.unwrap();
    let url = format!("http://{}/issues", web.address());
    let report = ask(StatusProbe::builder(net(), url.parse().unwrap())).await;
    assert_eq!((web.heard().len(), report.facts.omitted), (10, 1));
}

#[test]
fn what_is_asked_for_is_checked() {
    let options = || StatusProbe::builder(net(), "https://status.example/".parse().unwrap());
    let unnamed = options().service(" ").build();
    assert_eq!(unnamed.unwrap_err(), ConfigError::NoService);
    let token = Secret::from("a\r\nb".to_owned());
    let refused = options().token(token).build();
    assert_eq!(refused.unwrap_err(), ConfigError::Token);
}
