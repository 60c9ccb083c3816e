//! What more than one request needs: cookies, who asks, how a server wants to be shown it, and when to come back.

#![cfg(all(feature = "http", feature = "sasl"))]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "these are tests"
)]

use std::time::{Duration, SystemTime};

use probe_core::{Context, FailureKind, Host, Report};
use probe_net::http::{Client, Redirects, Request, Response, Url};
use probe_net::sasl::Credentials;
use probe_net::tls::{ClientCertificate as Shown, SecretsOver, Tls};
use probe_net::{Log, Net};
use probe_testkit::{Authority, ClientCertificate, Say, TlsOptions, TlsVersions, Web, WebRequest};

const NAME: &str = "web.example.test";

fn saying(headers: &str, body: &str) -> Say {
    let length = body.len();
    Say::This(
        format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes(),
    )
}

fn log() -> Log {
    Log::begin(&Context::default().with_transcript())
}

fn transcript(log: Log) -> String {
    let target = "192.0.2.1".parse().unwrap();
    let mut report = Report::new("http", target, SystemTime::now(), ());
    log.close(&mut report);
    report.transcript.to_string()
}

fn at(web: &Web, path: &str) -> Url {
    let port = web.address().port();
    format!("https://{NAME}:{port}{path}").parse().unwrap()
}

fn client(ca: &Authority, web: &Web) -> Client {
    Client::new(Net::new(Tls::ring(ca.roots()))).at(web.address().ip())
}

fn cookie(request: &WebRequest) -> Option<&str> {
    request.header("cookie")
}

#[tokio::test]
async fn cookies_are_sent_back_by_a_client_that_keeps_them_and_are_in_no_output() {
    let ca = Authority::new("Test CA");
    let web = Web::tls(&ca.identity([NAME]), |request| match request.target() {
        "/set" => saying(
            "Set-Cookie: session=open-sesame; Path=/; HttpOnly\r\nSet-Cookie: other=more-sesame\r\n",
            "your session is open-sesame",
        ),
        "/over" => saying("Set-Cookie: session=; Path=/; Max-Age=0\r\n", ""),
        _ => saying("X-Echo: open-sesame\r\n", &format!("you said {request}")),
    })
    .await.unwrap();
    let mut log = log();
    let mut keeping = client(&ca, &web).keeping_cookies();
    let mut forgetting = client(&ca, &web);
    let mut told = String::new();
    for client in [&mut keeping, &mut forgetting] {
        for path in ["/set", "/echo", "/over", "/end"] {
            let request = Request::get(at(&web, path));
            let response = client.send(&request, &mut log).await.unwrap();
            if path == "/set" {
                let set: Vec<_> = response.headers("set-cookie").collect();
                assert_eq!(set, ["session=***; Path=/; HttpOnly", "other=***"]);
            }
            if path == "/echo" && told.is_empty() {
                assert_eq!(response.header("x-echo").unwrap(), "***********");
                told = format!("{}{response:?}{client:?}", response.text());
            }
        }
    }
    let heard = web.heard();
    let sent: Vec<_> = heard.iter().map(cookie).collect();
    let both = Some("session=open-sesame; other=more-sesame");
    let one = Some("other=more-sesame");
    assert_eq!(sent, [None, both, both, one, None, None, None, None]);
    let transcript = transcript(log);
    assert!(transcript.contains("cookie: [redacted]"), "{transcript}");
    assert!(transcript.contains("session=***"), "{transcript}");
    assert!(!told.contains("sesame"), "{told}");
}

#[tokio::test]
async fn a_value_that_the_page_repeats_when_it_sets_it_is_masked_too() {
    let ca = Authority::new("Test CA");
    let web = Web::tls(&ca.identity([NAME]), |_| {
        saying(
            "X-Echo: open-sesame\r\nSet-Cookie: session=open-sesame\r\n",
            "it is open-sesame",
        )
    })
    .await
    .unwrap();
    let mut log = log();
    let request = Request::get(at(&web, "/"));
    let mut client = client(&ca, &web).keeping_cookies();
    let response = client.send(&request, &mut log).await.unwrap();
    assert_eq!(response.text(), "it is ***********");
    assert!(!transcript(log).contains("sesame"));
}

#[tokio::test]
async fn a_cookie_goes_along_with_redirects_but_to_no_other_origin() {
    let ca = Authority::new("Test CA");
    let other = Web::tls(&ca.identity([NAME]), |_| saying("", "other"))
        .await
        .unwrap();
    let away = at(&other, "/").to_string();
    let web = Web::tls(&ca.identity([NAME]), move |request| {
        let location = match request.target() {
            "/login" => "/inbox",
            _ => &away,
        };
        let head = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\n");
        let rest =
            "Set-Cookie: session=open-sesame; Domain=example.test\r\nContent-Length: 0\r\n\r\n";
        Say::This((head + rest).into_bytes())
    })
    .await
    .unwrap();
    let mut client = client(&ca, &web)
        .keeping_cookies()
        .following(Redirects::AnyHost);
    let request = Request::get(at(&web, "/login"));
    let response = client.send(&request, &mut log()).await.unwrap();
    assert_eq!(response.text(), "other");
    assert_eq!(cookie(&web.heard()[1]), Some("session=open-sesame"));
    assert_eq!(cookie(&other.heard()[0]), None);
}

#[tokio::test]
async fn a_cookie_passes_the_gate_as_every_secret() {
    let web = Web::clear(|_| saying("Set-Cookie: session=open-sesame\r\n", "hello"))
        .await
        .unwrap();
    let url: Url = format!("http://{}/", web.address()).parse().unwrap();
    let ca = Authority::new("Test CA");
    let mut careful = client(&ca, &web).keeping_cookies();
    let mut careless = client(&ca, &web)
        .keeping_cookies()
        .with_secrets_over(SecretsOver::Cleartext);
    let request = Request::get(url.clone());
    careful.send(&request, &mut log()).await.unwrap();
    let failure = careful.send(&request, &mut log()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Withheld);
    careless.send(&request, &mut log()).await.unwrap();
    careless.send(&request, &mut log()).await.unwrap();
    let own = Request::get(url).with_header("cookie", "mine=1").unwrap();
    careful.send(&own, &mut log()).await.unwrap();
    let heard = web.heard();
    let sent: Vec<_> = heard.iter().map(cookie).collect();
    assert_eq!(
        sent,
        [None, None, Some("session=open-sesame"), Some("mine=1")]
    );
}

#[tokio::test]
async fn credentials_are_shown_by_basic_and_bearer_and_masked_in_every_form() {
    let ca = Authority::new("Test CA");
    let web = Web::tls(&ca.identity([NAME]), |request| {
        saying("", &format!("{request} Aladdin:open sesame, open sesame"))
    })
    .await
    .unwrap();
    // RFC 7617 section 2.
    let password = Credentials::password("Aladdin", "open sesame").unwrap();
    let token = Credentials::token("Aladdin", "mF_9.B5f-4.1JqM").unwrap();
    let nobody = Credentials::external(None).unwrap();
    let mut log = log();
    for (credentials, sent) in [
        (
            &password,
            Some("authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"),
        ),
        (&token, Some("authorization: Bearer mF_9.B5f-4.1JqM\r\n")),
        (&nobody, None),
    ] {
        let request = Request::get(at(&web, "/"))
            .with_credentials(credentials)
            .unwrap();
        let response = client(&ca, &web).send(&request, &mut log).await.unwrap();
        let heard = web.heard().pop().unwrap().to_string();
        match sent {
            Some(sent) => assert!(heard.contains(sent), "{heard}"),
            None => assert!(!heard.contains("authorization"), "{heard}"),
        }
        let shown = response.text().into_owned() + &format!("{request:?}");
        let secrets = ["QWxh", "mF_9.B5f-4.1JqM"];
        assert!(secrets.iter().all(|one| !shown.contains(one)), "{shown}");
        assert_eq!(
            shown.contains("open sesame"),
            credentials.as_password().is_none()
        );
    }
    let transcript = transcript(log);
    assert!(
        !transcript.contains("QWxh") && !transcript.contains("mF_9"),
        "{transcript}"
    );
    let colon = Credentials::password("a:b", "open sesame").unwrap();
    let refused = Request::get(at(&web, "/"))
        .with_credentials(&colon)
        .unwrap_err();
    assert!(!refused.to_string().contains("sesame"));
}

#[tokio::test]
async fn the_challenges_of_all_headers_and_the_time_to_wait_are_told() {
    let web = Web::clear(|request| {
        let headers = match request.target() {
            "/many" => "WWW-Authenticate: Basic\r\n".repeat(17),
            _ => "WWW-Authenticate: Negotiate, NTLM\r\nRetry-After: Fri, 02 Jan 2026 00:02:00 GMT\r\n\
                  www-authenticate: Bearer authorization_uri=\"https://login.example/\"\r\n"
                .to_owned(),
        };
        let head = format!("HTTP/1.1 401 No\r\n{headers}Content-Length: 0\r\n\r\n");
        Say::This(head.into_bytes())
    })
    .await.unwrap();
    let ca = Authority::new("Test CA");
    let ask = async |path: &str| -> Response {
        let url = format!("http://{}{path}", web.address()).parse().unwrap();
        let request = Request::get(url);
        client(&ca, &web).send(&request, &mut log()).await.unwrap()
    };
    let response = ask("/").await;
    let challenges = response.challenges();
    let schemes: Vec<_> = challenges.iter().map(|one| one.scheme.as_str()).collect();
    assert_eq!(schemes, ["Negotiate", "NTLM", "Bearer"]);
    let uri = challenges[2].parameter("Authorization_URI");
    assert_eq!(uri, Some("https://login.example/"));
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_312_000); // 2 Jan 2026 00:00:00 GMT
    assert_eq!(response.retry_after(now), Some(Duration::from_secs(120)));
    let many = ask("/many").await;
    assert_eq!((many.challenges().len(), many.retry_after(now)), (16, None));
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_a_web_server_asks_for_it() {
    let ca = Authority::new("Test CA");
    let alice = ca.client_identity("alice");
    for versions in [TlsVersions::Only12, TlsVersions::Only13] {
        let options = TlsOptions::new()
            .versions(versions)
            .client_certificate(ClientCertificate::IssuedBy(ca.roots()));
        let web = Web::tls_with(&ca.identity([NAME]), &options, |_| saying("", "hello"))
            .await
            .unwrap();
        let tls = Tls::ring(ca.roots());
        let (chain, key) = (alice.chain().to_vec(), alice.key().clone_key());
        let with = tls.clone().with_client_certificate(chain, key).unwrap();
        let request = Request::get(at(&web, "/"));
        let mut client = Client::new(Net::new(with)).at(web.address().ip());
        let response = client.send(&request, &mut log()).await.unwrap();
        assert_eq!(response.text(), "hello");
        let facts = response.tls.unwrap();
        assert_eq!(facts.client_certificate, Shown::Shown);

        let mut client = Client::new(Net::new(tls)).at(web.address().ip());
        let failure = client.send(&request, &mut log()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Tls);
        assert_eq!(
            failure.detail,
            "the server does not accept our certificate (alert certificate_required)"
        );
        // What was seen of the server stays.
        assert_eq!(client.server(), Some(web.address()));
        assert_eq!(client.tls_facts().unwrap().faults, []);
    }
}

/// A pool has one name, and each of its members another.
#[tokio::test]
async fn a_host_is_found_where_it_is_said_to_be_and_every_other_by_its_name() {
    let ca = Authority::new("Test CA");
    let identity = ca.identity(["mail.example.test"]);
    let web = Web::tls(&identity, |_| {
        Say::This(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec())
    })
    .await
    .unwrap();
    let host: Host = "mail.example.test".parse().unwrap();
    let addresses = [web.address().ip()];
    let mut client = Client::new(Net::new(Tls::ring(ca.roots()))).reaching(host, addresses);
    let mut log = Log::begin(&Context::default());
    let there = format!("https://mail.example.test:{}/", web.address().port());
    let there = Request::get(there.parse().unwrap());
    let response = client.send(&there, &mut log).await.unwrap();
    assert_eq!(response.status, 200);
    let elsewhere = Request::get("https://other.invalid/".parse().unwrap());
    let failure = client.send(&elsewhere, &mut log).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unresolved);
}
