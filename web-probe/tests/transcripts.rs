//! What real servers showed, read again.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::sync::Arc;
use std::time::SystemTime;

use probe_net::tls::Tls;
use probe_net::{Net, Seen};
use web_probe::{Login, Next, Options, Product, WebmailDialogue, WebmailProbe, judge};

use common::{transcript, url};

fn options() -> Options {
    WebmailProbe::builder(Net::new(Tls::ring(rustls::RootCertStore::empty())))
}

/// The codes that a page deserves.
fn codes(name: &str) -> Vec<&'static str> {
    let options = Arc::new(options());
    let mut dialogue = WebmailDialogue::new(options.clone());
    assert_eq!(dialogue.hear(&transcript(name, "/")), Next::Done);
    let seen = Seen::new(&[], SystemTime::UNIX_EPOCH);
    let findings = judge(dialogue.facts(), &seen, &options);
    findings.iter().map(probe_core::Finding::code).collect()
}

#[test]
fn the_login_page_of_sogo_is_known_behind_its_redirect() {
    let mut dialogue = WebmailDialogue::new(Arc::new(options()));
    let next = dialogue.hear(&transcript("sogo-5.8-redirect", "/SOGo"));
    assert_eq!(next, Next::Ask(url("/SOGo/")));
    let next = dialogue.hear(&transcript("sogo-5.8-login", "/SOGo/"));
    assert_eq!(next, Next::Done);
    let page = dialogue.into_facts().page.unwrap();
    assert_eq!(page.product, Some(Product::Sogo));
    assert_eq!(page.title.as_deref(), Some("SOGo"));
    assert_eq!(page.login, Login::Form(url("/SOGo/")));
    assert_eq!(page.software, ["nginx/1.22.1"]);
}

#[test]
fn nginx_is_told_from_what_should_stand_behind_it() {
    let further = |first| [first, "web.hsts.missing", "web.version"];
    assert_eq!(codes("nginx-1.22-welcome"), further("web.page.default"));
    assert_eq!(codes("nginx-1.22-nothing"), further("web.status.refused"));
    assert_eq!(
        codes("nginx-1.22-down"),
        ["web.status.back-end", "web.version"]
    );
}
