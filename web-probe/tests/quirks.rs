//! Oddities of real servers that are lived with, each with its source.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use probe_net::http::Challenge;
use probe_net::sasl::Credentials;
use probe_net::tls::Tls;
use probe_net::{Net, Seen};
use web_probe::jmap::{self, JmapDialogue};
use web_probe::{
    Hsts, Html, JmapProbe, Login, Next, Page, Product, WebmailDialogue, WebmailProbe, judge,
};

use common::{transcript, url};

fn net() -> Net {
    Net::new(Tls::ring(rustls::RootCertStore::empty()))
}

/// RainLoop 1.17, `Index.html`: a refresh for browsers without scripts, and another in a comment for old ones.
#[test]
fn what_is_for_browsers_without_scripts_sends_us_nowhere() {
    let html = Html::parse(
        r#"<noscript><meta http-equiv="refresh" content="0; URL=./?/NoScript" /></noscript>
           <!--[if lte IE 7]><meta http-equiv="refresh" content="0; URL=./?/BadBrowser" /><![endif]-->"#,
    );
    assert_eq!(html.refresh, None);
}

/// SOGo 5.8 on Debian 12: to a browser that it does not know it shows an advertisement for others, and no form. That is
/// why our requests say Mozilla; and should that change, the finding tells it.
#[test]
fn sogo_shows_strangers_no_login_form() {
    let options = WebmailProbe::builder(net()).expect(Product::Sogo);
    let options = Arc::new(options);
    let mut dialogue = WebmailDialogue::new(options.clone());
    let page = transcript("sogo-5.8-unknown-browser", "/SOGo/");
    assert_eq!(dialogue.hear(&page), Next::Done);
    let facts = dialogue.into_facts();
    let page = facts.page.clone().unwrap();
    assert_eq!(
        (page.product, page.login),
        (Some(Product::Sogo), Login::Missing)
    );
    let findings = judge(&facts, &Seen::new(&[], SystemTime::UNIX_EPOCH), &options);
    assert!(findings.iter().any(|one| one.code() == "web.login.missing"));
}

/// Cyrus IMAP 3: the session names `/jmap/` for the API.
#[test]
fn an_address_for_calls_without_a_host_is_at_the_session_s() {
    let credentials = Credentials::password("alice", "open sesame").unwrap();
    let options = Arc::new(JmapProbe::builder(net()).credentials(credentials));
    let mut dialogue = JmapDialogue::new(options, url("/.well-known/jmap"));
    let page = Page::new(url("/.well-known/jmap"), 200, r#"{"apiUrl": "/jmap/"}"#);
    let jmap::Next::Ask(question) = dialogue.hear(&page).unwrap() else {
        panic!("nothing is asked");
    };
    assert_eq!(question.url, url("/jmap/"));
}

/// Exchange 2019 and the likes: schemes without a parameter, one header each or all in one.
#[test]
fn schemes_without_parameters_are_read() {
    let schemes = Challenge::parse(b"Negotiate,NTLM, Basic realm=\"mail.example.test\"");
    let schemes: Vec<_> = schemes.iter().map(|one| one.scheme.as_str()).collect();
    assert_eq!(schemes, ["Negotiate", "NTLM", "Basic"]);
}

/// nginx's `add_header` as found in many guides: quotes around the number, a trailing semicolon, `preload`, which RFC
/// 6797 does not know.
#[test]
fn a_promise_is_read_however_it_is_written() {
    for text in [
        "max-age=31536000; includeSubDomains; preload",
        "includesubdomains ;Max-Age=\"31536000\";",
    ] {
        let hsts = Hsts::parse(text).unwrap();
        assert_eq!(hsts.max_age, Duration::from_secs(31_536_000));
        assert!(hsts.with_subdomains);
    }
    assert_eq!(Hsts::parse("includeSubDomains"), None);
    assert_eq!(Hsts::parse("max-age=soon"), None);
}
