//! The laws, for arbitrary servers: every dialogue ends within its bounds, nothing is asked where it may not be, and no
//! secret is in any output.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use probe_core::{Context, Probe, Target};
use probe_net::sasl::Credentials;
use probe_testkit::{Authority, Say, Web};
use proptest::prelude::*;
use web_probe::{Hsts, Html, JmapProbe, WebmailProbe};

use common::{NAME, net};

/// Text that looks like a page now and then.
fn pages() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "<(form|input|meta|base|title|script|noscript|a)( [a-z-]{1,8}(=['\"]?[a-z0-9;=/: .]{0,12}['\"]?)?){0,4} ?/?>",
        "</(form|title|script|noscript)>",
        "<!--[a-z ]{0,4}(-->)?",
        Just("<meta http-equiv=refresh content='0; url=/x'>".to_owned()),
        Just("<form action='http://a.test/'><input type=password>".to_owned()),
        ".{0,8}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_page_is_read_within_bounds(page in pages()) {
        let html = Html::parse(&page);
        prop_assert!(html.login_forms.len() <= Html::FORMS);
        prop_assert!(html.title.unwrap_or_default().chars().count() <= Html::TEXT);
    }

    #[test]
    fn a_promise_that_is_written_is_read(seconds in any::<u32>(), with_subdomains in any::<bool>()) {
        let more = if with_subdomains { "; includeSubDomains" } else { "" };
        let read = Hsts::parse(&format!("max-age={seconds}{more}")).unwrap();
        prop_assert_eq!(read.max_age.as_secs(), u64::from(seconds));
        prop_assert_eq!(read.with_subdomains, with_subdomains);
    }
}

/// Each would take minutes if any part of it were read again and again.
#[test]
fn hostile_pages_are_read_once() {
    for piece in [
        "<",
        "<a ",
        "<a x='",
        "<a x='<b y=\"",
        "</",
        "</a",
        "<!--",
        "<!-- ",
        "<script>",
        "<title>a ",
        "<a x",
        "<a/",
        "<input type=password>",
        "<a x=",
        "\"'<a '\"",
    ] {
        let page = piece.repeat(512 * 1024 / piece.len());
        assert!(Html::parse(&page).login_forms.len() <= Html::FORMS);
    }
}

#[test]
fn a_text_is_kept_up_to_its_limit() {
    let title = |length: usize| {
        let page = format!("<title>{}</title>", "x".repeat(length));
        Html::parse(&page).title.unwrap().len()
    };
    assert_eq!((title(Html::TEXT), title(Html::TEXT + 1)), (256, 256));
    let tag = |attributes: usize| {
        let page = format!("<input{} type=password>", " a".repeat(attributes - 1));
        Html::parse(&page).login_forms.len()
    };
    assert_eq!((tag(Html::ATTRIBUTES), tag(Html::ATTRIBUTES + 1)), (1, 0));
    let forms = |count: usize| {
        let page = "<form><input type=password></form>".repeat(count);
        Html::parse(&page).login_forms.len()
    };
    assert_eq!((forms(Html::FORMS), forms(Html::FORMS + 1)), (16, 16));
}

/// The largest page that is read, and one octet more.
#[tokio::test]
async fn a_page_is_read_to_its_limit() {
    let ca = Authority::new("Test CA");
    for (octets, is_whole) in [(512 * 1024, true), (512 * 1024 + 1, false)] {
        let page = format!("<input type=password>{}", " ".repeat(octets - 21));
        let server = Web::tls(&ca.identity([NAME]), move |_| Say::page(200, "", &page))
            .await
            .unwrap();
        let options = WebmailProbe::builder(net(&ca)).server_name(NAME.parse().unwrap());
        let target = Target::host(server.address().ip(), server.address().port());
        let report = options
            .build()
            .unwrap()
            .probe(&target, &Context::default())
            .await;
        assert_eq!(report.failure.is_none(), is_whole);
        // What came of it is told.
        assert_eq!(report.facts.page.unwrap().octets, 512 * 1024);
    }
}

/// A server that repeats whatever it hears.
#[tokio::test]
async fn a_secret_that_is_repeated_is_in_no_output() {
    let ca = Authority::new("Test CA");
    for status in [200, 401, 403, 500] {
        let server = Web::tls(&ca.identity([NAME]), move |request| {
            let echo = "WWW-Authenticate: Basic realm=\"open sesame\"\r\n";
            let body = format!(r#"{{"username": "open sesame", "apiUrl": "/", "x": {request:?}}}"#);
            Say::page(status, echo, &body)
        })
        .await
        .unwrap();
        let credentials = Credentials::password("alice", "open sesame").unwrap();
        let options = JmapProbe::builder(net(&ca)).server_name(NAME.parse().unwrap());
        let probe = options.credentials(credentials).build().unwrap();
        let target = Target::host(server.address().ip(), server.address().port());
        let report = probe
            .probe(&target, &Context::default().with_transcript())
            .await;
        let shown = format!("{report:?}{}", report.transcript);
        assert!(server.heard()[0].head.contains("b3BlbiBzZXNhbWU"));
        assert!(
            !shown.contains("sesame") && !shown.contains("b3BlbiBzZXNhbWU"),
            "{shown}"
        );
    }
}
