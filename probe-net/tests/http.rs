//! Requests to web servers that say whatever comes to their minds.

#![cfg(feature = "http")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are tests"
)]

use std::io::Write as _;
use std::time::Duration;

use probe_core::{Context, FailureKind, Report, Secret};
use probe_net::http::{Client, Method, Redirects, Request, Response, Url, UrlError, Version};
use probe_net::tls::{SecretsOver, Tls};
use probe_net::{Log, Net};
use probe_testkit::{Authority, Flaw, Say, Web, WebRequest};
use proptest::prelude::*;

const NAME: &str = "web.example.test";

fn page(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

fn to(location: &str, status: u16) -> Vec<u8> {
    format!("HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
        .into_bytes()
}

fn net() -> Net {
    Net::new(Tls::ring(rustls::RootCertStore::empty()))
}

fn log() -> Log {
    Log::begin(&Context::default().with_transcript())
}

/// What was noted, as a transcript and as findings.
fn told(log: Log) -> String {
    let target = "192.0.2.1".parse().unwrap();
    let mut report = Report::new("http", target, std::time::SystemTime::now(), ());
    log.close(&mut report);
    format!("{}{:?}", report.transcript, report.findings)
}

fn url(web: &Web, path: &str) -> Url {
    format!("http://{}{path}", web.address()).parse().unwrap()
}

fn secure_url(web: &Web, path: &str) -> Url {
    let port = web.address().port();
    format!("https://{NAME}:{port}{path}").parse().unwrap()
}

/// What was asked, head and body, one request after the other.
fn heard(web: &Web) -> Vec<String> {
    web.heard().iter().map(WebRequest::to_string).collect()
}

async fn get(web: &Web, path: &str) -> Result<Response, probe_core::Failure> {
    let request = Request::get(url(web, path));
    Client::new(net()).send(&request, &mut log()).await
}

#[tokio::test]
async fn a_page_comes_with_the_time_of_each_phase() {
    let ca = Authority::new("Test CA");
    let web = Web::tls(&ca.identity([NAME]), |_| {
        Say::This(
            b"HTTP/1.1 200 OK\r\nX-One: 1\r\nContent-Length: 5\r\nx-one: 2\r\n\r\nhello".to_vec(),
        )
    })
    .await
    .unwrap();
    let mut client = Client::new(Net::new(Tls::ring(ca.roots()))).at(web.address().ip());
    let mut log = log();
    let request = Request::get(secure_url(&web, "/a?b=c"))
        .with_header("accept", "text/plain")
        .unwrap();
    let response = client.send(&request, &mut log).await.unwrap();
    assert_eq!((response.status, response.version), (200, Version::Http11));
    assert_eq!(response.whole().unwrap(), b"hello");
    assert_eq!(response.headers("X-ONE").collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(response.server, Some(web.address()));
    assert!(response.tls.unwrap().is_verified());
    let phases: Vec<_> = log.spans().iter().map(|span| span.phase.as_str()).collect();
    assert_eq!(phases, ["connect", "tls", "first-byte", "body"]);
    let [heard] = heard(&web).try_into().unwrap();
    let port = web.address().port();
    assert!(heard.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{heard}");
    assert!(
        heard.contains(&format!("host: {NAME}:{port}\r\n")),
        "{heard}"
    );
    assert!(heard.contains("user-agent: mailprobe/"), "{heard}");
    assert!(heard.contains("accept: text/plain\r\n"), "{heard}");
    let told = told(log);
    assert!(told.contains("GET /a?b=c HTTP/1.1"), "{told}");
    assert!(told.contains("HTTP/1.1 200 OK"), "{told}");
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request_and_replaced_where_the_server_has_closed_it() {
    let web = Web::clear(|request| match request.target().contains("/last") {
        false => Say::This(page("more")),
        // Without "Connection: close".
        true => Say::Last(page("last")),
    })
    .await
    .unwrap();
    let mut client = Client::new(net());
    let mut spans = Vec::new();
    for path in ["/a", "/b", "/last", "/c"] {
        let mut log = log();
        let request = Request::get(url(&web, path));
        let response = client.send(&request, &mut log).await.unwrap();
        assert!(response.whole().is_ok(), "{path}");
        spans.push(log.spans()[0].phase.as_str());
        // Until the end of the connection has come.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(spans, ["connect", "first-byte", "first-byte", "connect"]);
}

#[tokio::test]
async fn redirects_are_followed_as_far_as_is_allowed() {
    let other = Web::clear(|_| Say::This(page("other"))).await.unwrap();
    let elsewhere = format!("http://localhost:{}/", other.address().port());
    let web = Web::clear(move |request| match request.target() {
        "/here" => Say::This(to("there", 302)),
        "/there" => Say::This(page("there")),
        "/away" => Say::This(to(&elsewhere, 301)),
        "/loop" => Say::This(to("/loop", 307)),
        "/odd" => Say::This(to("ftp://example.org/", 302)),
        _ => Say::This(to("https://", 308)),
    })
    .await
    .unwrap();
    let ask = async |redirects, path| {
        let mut client = Client::new(net()).following(redirects);
        let request = Request::get(url(&web, path));
        let response = client.send(&request, &mut log()).await.unwrap();
        let from = response
            .redirects
            .iter()
            .map(|one| (one.status, one.from.path_and_query()));
        let from: Vec<_> = from
            .map(|(status, path)| format!("{status} {path}"))
            .collect();
        (response.status, response.text().into_owned(), from)
    };
    let stays = |status| (status, String::new(), Vec::<String>::new());
    assert_eq!(ask(Redirects::None, "/here").await, stays(302));
    let there = (200, "there".to_owned(), vec!["302 /here".to_owned()]);
    assert_eq!(ask(Redirects::SameHost, "/here").await, there);
    assert_eq!(ask(Redirects::SameHost, "/away").await, stays(301));
    let away = (200, "other".to_owned(), vec!["301 /away".to_owned()]);
    assert_eq!(ask(Redirects::AnyHost, "/away").await, away);
    assert_eq!(ask(Redirects::AnyHost, "/odd").await, stays(302));
    assert_eq!(ask(Redirects::AnyHost, "/nowhere").await, stays(308));
    let (status, _, from) = ask(Redirects::SameHost, "/loop").await;
    assert_eq!((status, from.len()), (307, Client::REDIRECTS));
}

#[tokio::test]
async fn what_was_posted_is_not_posted_twice_unless_the_server_asks_for_it() {
    let web = Web::clear(|request| match request.target() {
        "/found" => Say::This(to("/end", 302)),
        "/temporary" => Say::This(to("/end", 307)),
        _ => Say::This(page("end")),
    })
    .await
    .unwrap();
    let mut client = Client::new(net()).following(Redirects::SameHost);
    for (path, status) in [("/found", 302), ("/temporary", 200)] {
        let request = Request::post(url(&web, path), "data");
        let response = client.send(&request, &mut log()).await.unwrap();
        assert_eq!(response.status, status);
    }
    let heard = heard(&web);
    let posts: Vec<_> = heard
        .iter()
        .map(|one| one.lines().next().unwrap())
        .collect();
    assert_eq!(
        posts,
        [
            "POST /found HTTP/1.1",
            "POST /temporary HTTP/1.1",
            "POST /end HTTP/1.1"
        ]
    );
    assert!(heard[2].ends_with("\r\n\r\ndata"));
}

#[tokio::test]
async fn nobody_is_sent_from_tls_to_clear() {
    let ca = Authority::new("Test CA");
    let clear = Web::clear(|_| Say::This(page("clear"))).await.unwrap();
    let location = url(&clear, "/").to_string();
    let web = Web::tls(&ca.identity([NAME]), move |_| Say::This(to(&location, 302)))
        .await
        .unwrap();
    let mut client = Client::new(Net::new(Tls::ring(ca.roots())))
        .at(web.address().ip())
        .following(Redirects::AnyHost);
    let request = Request::get(secure_url(&web, "/"));
    let response = client.send(&request, &mut log()).await.unwrap();
    assert_eq!(response.status, 302);
    assert!(heard(&clear).is_empty());
}

#[tokio::test]
async fn a_secret_goes_only_over_a_channel_that_may_carry_it() {
    let ca = Authority::new("Test CA");
    let secret = Secret::from("Bearer open-sesame");
    for (identity, reason) in [
        (None, "the connection is not encrypted"),
        (
            Some(ca.flawed([NAME], Flaw::Expired)),
            "the certificate was not verified",
        ),
    ] {
        let answer = |_: &WebRequest| Say::This(page("hello"));
        let (web, url) = match &identity {
            None => {
                let web = Web::clear(answer).await.unwrap();
                let url = url(&web, "/");
                (web, url)
            }
            Some(identity) => {
                let web = Web::tls(identity, answer).await.unwrap();
                let url = secure_url(&web, "/");
                (web, url)
            }
        };
        let client = || Client::new(Net::new(Tls::ring(ca.roots()))).at(web.address().ip());
        let header = Request::get(url.clone()).with_secret_header("authorization", &secret);
        let requests = [header.unwrap(), Request::post_secret(url.clone(), &secret)];
        for (before, request) in requests.into_iter().enumerate() {
            let mut log = log();
            let failure = client().send(&request, &mut log).await.unwrap_err();
            assert_eq!(failure.kind, FailureKind::Withheld);
            assert!(failure.detail.contains(reason), "{}", failure.detail);
            assert_eq!(web.heard().len(), before);
            // By name it may.
            let mut client = client().with_secrets_over(SecretsOver::Cleartext);
            let response = client.send(&request, &mut log).await.unwrap();
            assert_eq!(response.status, 200);
            assert!(heard(&web)[before].contains("open-sesame"));
            assert!(!format!("{request:?}{}", told(log)).contains("open-sesame"));
        }
    }
}

#[tokio::test]
async fn a_secret_that_is_repeated_is_masked_and_stays_with_its_origin() {
    let ca = Authority::new("Test CA");
    let other = Web::tls(&ca.identity([NAME]), |_| Say::This(page("other")))
        .await
        .unwrap();
    let away = secure_url(&other, "/").to_string();
    let web = Web::tls(&ca.identity([NAME]), move |request| {
        match request.target() {
            "/away" => Say::This(to(&away, 307)),
            _ => {
                let body = format!("you said {request}");
                let head = "HTTP/1.1 200 OK\r\nX-Echo: open-sesame\r\n";
                let length = body.len();
                Say::This(format!("{head}Content-Length: {length}\r\n\r\n{body}").into_bytes())
            }
        }
    })
    .await
    .unwrap();
    let mut client = Client::new(Net::new(Tls::ring(ca.roots())))
        .at(web.address().ip())
        .following(Redirects::AnyHost);
    let secret = Secret::from("Bearer open-sesame");
    let request = |path| {
        let request = Request::get(secure_url(&web, path)).with_header("x-note", "stays");
        let request = request
            .unwrap()
            .with_secret_header("authorization", &secret);
        request.unwrap()
    };
    let mut log = log();
    let response = client.send(&request("/echo"), &mut log).await.unwrap();
    assert_eq!(response.header("x-echo").unwrap(), "***********");
    assert!(!response.text().contains("open-sesame"));
    assert!(response.text().contains("x-note: stays"));

    let response = client.send(&request("/away"), &mut log).await.unwrap();
    assert_eq!(response.text(), "other");
    assert!(
        heard(&web)
            .iter()
            .all(|heard| heard.contains("open-sesame"))
    );
    let [heard] = heard(&other).try_into().unwrap();
    assert!(
        !heard.contains("open-sesame") && heard.contains("x-note: stays"),
        "{heard}"
    );
    assert!(!told(log).contains("open-sesame"));
}

#[tokio::test]
async fn a_body_is_read_to_its_limit_and_not_further() {
    let web = Web::clear(|_| Say::This(page("12345"))).await.unwrap();
    let ask = async |limit| {
        let mut client = Client::new(net()).with_body_limit(limit);
        let request = Request::get(url(&web, "/"));
        client.send(&request, &mut log()).await.unwrap()
    };
    assert_eq!(ask(5).await.whole().unwrap(), b"12345");
    let cut = ask(4).await;
    assert_eq!(cut.body, b"1234");
    let failure = cut.whole().unwrap_err();
    assert_eq!(failure.kind, FailureKind::TooLarge);
    assert_eq!(failure.detail, "the body is larger than 4 octets");
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_compressed_body_is_inflated_within_the_same_limit() {
    let web = Web::clear(|request| {
        let mut body = match request.target().contains("/bomb") {
            true => gzip(&vec![b'a'; 50_000_000]),
            false => gzip(b"hello"),
        };
        if request.target().contains("/cut") {
            body.truncate(body.len() - 9);
        }
        let length = body.len();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {length}");
        Say::This([head.as_bytes(), b"\r\n\r\n", &body].concat())
    })
    .await
    .unwrap();
    let ask = async |path| {
        let request = Request::get(url(&web, path)).taking_gzip();
        Client::new(net()).send(&request, &mut log()).await.unwrap()
    };
    assert_eq!(ask("/").await.whole().unwrap(), b"hello");
    let bomb = ask("/bomb").await;
    assert_eq!(bomb.body.len(), 1024 * 1024);
    assert_eq!(bomb.whole().unwrap_err().kind, FailureKind::TooLarge);
    let cut = ask("/cut").await;
    assert_eq!(cut.whole().unwrap_err().kind, FailureKind::Protocol);
    // Who did not ask for it gets what came.
    let plain = get(&web, "/").await.unwrap();
    assert_eq!(plain.body, gzip(b"hello"));
}

#[tokio::test]
async fn each_trouble_is_told_as_what_it_is() {
    let many = |count: usize| "X-A: b\r\n".repeat(count);
    let head = move |count| {
        format!(
            "HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n",
            many(count)
        )
    };
    let wide = format!("HTTP/1.1 200 OK\r\nX-A: {}\r\n\r\n", "b".repeat(200_000));
    for (said, kind, detail) in [
        (Vec::new(), FailureKind::Closed, "the server hung up"),
        (
            b"HTTP/1.1 20".to_vec(),
            FailureKind::Closed,
            "the server hung up",
        ),
        (
            b"220 mx.example.test ESMTP\r\n".to_vec(),
            FailureKind::Protocol,
            "the response is no HTTP",
        ),
        (
            wide.into_bytes(),
            FailureKind::TooLarge,
            "the head of the response is too large",
        ),
        (
            head(256).into_bytes(),
            FailureKind::TooLarge,
            "the head of the response is too large",
        ),
    ] {
        let web = Web::clear(move |_| Say::Last(said.clone())).await.unwrap();
        let failure = get(&web, "/").await.unwrap_err();
        assert_eq!((failure.phase.as_str(), failure.kind), ("first-byte", kind));
        assert!(failure.detail.starts_with(detail), "{}", failure.detail);
    }
    let web = Web::clear(move |_| Say::Last(head(255).into_bytes()))
        .await
        .unwrap();
    assert!(get(&web, "/").await.is_ok());
}

#[tokio::test]
async fn what_was_heard_of_a_body_stays_where_the_rest_does_not_come() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    for (said, kind) in [
        (format!("{chunked}5\r\nhe"), FailureKind::Closed),
        (format!("{chunked}no number\r\n"), FailureKind::Protocol),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello".to_owned(),
            FailureKind::Closed,
        ),
    ] {
        let web = Web::clear(move |_| Say::Last(said.clone().into_bytes()))
            .await
            .unwrap();
        let response = get(&web, "/").await.unwrap();
        assert!(response.body.starts_with(b"hello"));
        let failure = response.whole().unwrap_err();
        assert_eq!(
            (failure.phase.as_str(), failure.kind),
            ("body", kind),
            "{}",
            failure.detail
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_loses_nothing_that_came_before_it() {
    let web = Web::clear(|request| match request.target().contains("/mute") {
        true => Say::Hang(Vec::new()),
        false => Say::Hang(
            b"HTTP/1.1 503 Busy\r\nRetry-After: 9\r\nContent-Length: 9\r\n\r\nwait".to_vec(),
        ),
    })
    .await
    .unwrap();
    let response = get(&web, "/").await.unwrap();
    assert_eq!(
        (response.status, &*response.header("retry-after").unwrap()),
        (503, "9")
    );
    assert_eq!(response.body, b"wait");
    let failure = response.whole().unwrap_err();
    assert_eq!(
        (failure.phase.as_str(), failure.kind),
        ("body", FailureKind::Timeout)
    );
    let failure = get(&web, "/mute").await.unwrap_err();
    assert_eq!(
        (failure.phase.as_str(), failure.kind),
        ("first-byte", FailureKind::Timeout)
    );
}

#[tokio::test]
async fn a_response_without_a_body_is_whole() {
    let web = Web::clear(|request| match request.method() {
        "HEAD" => Say::This(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n".to_vec()),
        _ => Say::This(b"HTTP/1.0 204 Nothing\r\nAllow: OPTIONS\r\n\r\n".to_vec()),
    })
    .await
    .unwrap();
    for (method, status) in [(Method::Head, 200), (Method::Options, 204)] {
        let request = Request::new(method, url(&web, "/"));
        let response = Client::new(net()).send(&request, &mut log()).await.unwrap();
        assert_eq!(
            (response.status, response.whole().unwrap()),
            (status, &b""[..])
        );
    }
}

#[test]
fn mistakes_of_the_caller_are_found_when_the_request_is_made() {
    let url: Url = "https://example.org/".parse().unwrap();
    assert!(Request::get(url.clone()).with_header("x y", "z").is_err());
    assert!(
        Request::get(url.clone())
            .with_header("x", "y\r\nz: a")
            .is_err()
    );
    let secret = Secret::from("open\nsesame");
    let refused = Request::get(url)
        .with_secret_header("cookie", &secret)
        .unwrap_err();
    assert!(!refused.to_string().contains("sesame"));
    let with_password: Result<Url, _> = "https://a:b@example.org/".parse();
    assert_eq!(with_password, Err(UrlError::Credentials));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_answered_it_ends_within_bounds(
        head in prop::option::of("HTTP/1\\.[01] [1-5][0-9]{2} [a-z]{0,5}\r\n(([A-Za-z-]{1,12}|Content-Length|Transfer-Encoding|Location): ([a-z]{0,9}|chunked|[0-9]{1,20})\r\n){0,3}\r\n"),
        rest in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let said = [head.unwrap_or_default().as_bytes(), &rest].concat();
            let web = Web::clear(move |_| Say::Last(said.clone())).await.unwrap();
            let request = Request::get(url(&web, "/")).taking_gzip();
            let mut client = Client::new(net()).following(Redirects::SameHost);
            if let Ok(response) = client.send(&request, &mut log()).await {
                assert!(response.body.len() <= 300);
            }
        });
    }
}
