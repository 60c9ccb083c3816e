//! Which page is asked for next, and what the last one says: without a network.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod common;

use std::sync::Arc;

use probe_core::FailureKind;
use probe_net::Net;
use probe_net::http::Redirects;
use probe_net::sasl::Credentials;
use probe_net::tls::Tls;
use web_probe::jmap::{self, JmapDialogue, JmapFacts};
use web_probe::{
    Detour, Login, Next, Options, Page, Product, Trouble, WebmailDialogue, WebmailFacts,
    WebmailProbe,
};

use common::url;

fn net() -> Net {
    Net::new(Tls::ring(rustls::RootCertStore::empty()))
}

fn options() -> Options {
    WebmailProbe::builder(net())
}

/// The next page that is asked for, and what was learned.
fn hear(options: Options, page: &Page) -> (Option<String>, WebmailFacts) {
    let mut dialogue = WebmailDialogue::new(Arc::new(options));
    match dialogue.hear(page) {
        Next::Ask(url) => (Some(url.to_string()), dialogue.into_facts()),
        Next::Done => (None, dialogue.into_facts()),
    }
}

fn html(body: &str) -> Page {
    Page::new(url("/mail/"), 200, body)
}

#[test]
fn each_webmail_is_known_by_its_marks() {
    for (product, page) in [
        (
            Product::Horde,
            html(
                r#"<form name="horde_login" id="horde_login"><input type="password" name="horde_pass">"#,
            ),
        ),
        (
            Product::Mailcow,
            html(r#"<img src="/img/cow_mailcow.svg"><input name="pass_user" type="password">"#),
        ),
        (
            Product::Nextcloud,
            html("").with_header("Set-Cookie", "nc_sameSiteCookielax=***; path=/"),
        ),
        (
            Product::Owa,
            html(r#"<form action="/owa/auth.owa" method="POST" name="logonForm">"#),
        ),
        (
            Product::Rainloop,
            html(r#"<link href="rainloop/v/1.17.0/static/css/app.min.css">"#),
        ),
        (
            Product::Roundcube,
            html("").with_header("set-cookie", "roundcube_sessid=***; path=/"),
        ),
        (
            Product::Roundcube,
            html("<script>var rcmail = new rcube_webmail();</script>"),
        ),
        (
            Product::Snappymail,
            html(r#"<link href="snappymail/v/2.36.4/static/css/app.min.css">"#),
        ),
        (
            Product::Sogo,
            html(r#"<body class="main" ng-app="SOGo.MainUI">"#),
        ),
        (
            Product::Zimbra,
            html("").with_header("set-cookie", "ZM_TEST=***"),
        ),
    ] {
        let (next, facts) = hear(options(), &page);
        assert_eq!(next, None);
        assert_eq!(facts.page.unwrap().product, Some(product));
        assert_eq!(product.as_str().parse(), Ok(product));
    }
    let (_, facts) = hear(options(), &html("<title>Roundcube, SOGo, Zimbra</title>"));
    assert_eq!(facts.page.unwrap().product, None);
}

#[test]
fn where_a_password_would_go_is_told() {
    let login = |body: &str| hear(options(), &html(body)).1.page.unwrap().login;
    let form = |place: &str| Login::Form(place.parse().unwrap());
    let field = "<input type=Password>";
    assert_eq!(
        login(&format!(
            "<form action='./?_task=login&amp;x=1'>{field}{field}</form>"
        )),
        form("https://mail.example.test/mail/?_task=login&x=1")
    );
    assert_eq!(
        login(&format!("<base href='/in/'><form action=go>{field}")),
        form("https://mail.example.test/in/go")
    );
    assert_eq!(
        login(&format!(
            "<form>{field}</form><form action='http://mail.example.test/'>{field}"
        )),
        form("http://mail.example.test/")
    );
    let here = form("https://mail.example.test/mail/");
    assert_eq!(
        login(&format!("<form action='javascript:in()'>{field}")),
        here
    );
    assert_eq!(login(field), here);
    assert_eq!(
        login("<form action=/search><input type=text></form>"),
        Login::Missing
    );
    assert_eq!(
        login("<!-- <input type=password> --><script>'<input type=password>'</script>"),
        Login::Missing
    );
    assert_eq!(
        login("<link href=snappymail/v/2.36.4/a.css>"),
        Login::Scripted
    );
}

#[test]
fn redirects_are_followed_on_the_same_host_and_nobody_to_clear() {
    let sent = |location: &str| Page::new(url("/a/b"), 302, "").with_header("location", location);
    let ask = |redirects, location: &str| {
        let (next, facts) = hear(options().redirects(redirects), &sent(location));
        (next, facts.detour)
    };
    let to = |place: &str| (Some(place.to_owned()), None);
    assert_eq!(
        ask(Redirects::SameHost, "c"),
        to("https://mail.example.test/a/c")
    );
    assert_eq!(
        ask(Redirects::SameHost, "https://mail.example.test:8443/"),
        to("https://mail.example.test:8443/")
    );
    let elsewhere = "https://sso.example.test/".parse().unwrap();
    assert_eq!(
        ask(Redirects::SameHost, "//sso.example.test/"),
        (None, Some(Detour::Elsewhere(elsewhere)))
    );
    assert_eq!(
        ask(Redirects::AnyHost, "//sso.example.test/"),
        to("https://sso.example.test/")
    );
    let clear = "http://mail.example.test/".parse().unwrap();
    assert_eq!(
        ask(Redirects::AnyHost, "http://mail.example.test/"),
        (None, Some(Detour::InClear(clear)))
    );
    assert_eq!(
        ask(Redirects::AnyHost, "mailto:a@b"),
        (None, Some(Detour::Nowhere("mailto:a@b".to_owned())))
    );
    let here = "https://mail.example.test/a/c".parse().unwrap();
    assert_eq!(
        ask(Redirects::None, "c"),
        (None, Some(Detour::Elsewhere(here)))
    );
}

#[test]
fn after_five_hops_it_is_enough() {
    let mut dialogue = WebmailDialogue::new(Arc::new(options()));
    let page = Page::new(url("/"), 302, "").with_header("location", "/");
    for _ in 0..WebmailDialogue::HOPS {
        assert_eq!(dialogue.hear(&page), Next::Ask(url("/")));
    }
    assert_eq!(dialogue.hear(&page), Next::Done);
    assert_eq!(dialogue.facts().detour, Some(Detour::Endless(url("/"))));
    assert_eq!(dialogue.facts().hops.len(), 5);
}

#[test]
fn a_page_that_sends_on_at_once_is_followed_and_one_that_only_refreshes_itself_is_not() {
    let next = |body: &str| hear(options(), &html(body)).0;
    let sogo = Some("https://mail.example.test/SOGo/".to_owned());
    for to in [
        "0; url=/SOGo/",
        "0;URL='/SOGo/'",
        "5 , /SOGo/",
        "0.5;url = \"/SOGo/\" x",
    ] {
        let quote = if to.contains('\'') { '"' } else { '\'' };
        assert_eq!(
            next(&format!(
                "<meta http-equiv=Refresh content={quote}{to}{quote}>"
            )),
            sogo,
            "{to}"
        );
    }
    for stays in [
        "6; url=/SOGo/",
        "0",
        "0; url=",
        "soon; url=/SOGo/",
        "99999999999999999999; url=/SOGo/",
    ] {
        assert_eq!(
            next(&format!("<meta http-equiv=refresh content='{stays}'>")),
            None,
            "{stays}"
        );
    }
    assert_eq!(
        next("<meta http-equiv=refresh content='0; url=/x'><input type=password>"),
        None
    );
}

#[test]
fn what_is_wrong_with_a_page_is_told_in_its_words() {
    let trouble = |status, body: &str| {
        let page = Page::new(url("/"), status, body);
        hear(options(), &page).1.page.unwrap().trouble
    };
    let roundcube = r#"<div class="boxerror"><h3 class="error-title">DATABASE ERROR!</h3>
        <div class="error-text">Unable to connect to the database!<br />Please contact</div></div>"#;
    let words = "DATABASE ERROR! Unable to connect to the database! Please contact";
    assert_eq!(
        trouble(200, roundcube),
        Some(Trouble::Error(words.to_owned()))
    );
    let php = "<br />\n<b>Fatal error</b>:  Uncaught PDOException in <b>/var/www/a.php</b>";
    let words = "Fatal error: Uncaught PDOException in /var/www/a.php";
    assert_eq!(trouble(200, php), Some(Trouble::Error(words.to_owned())));
    let title = "<title>Fleet Maintenance</title>";
    let closed = Trouble::Maintenance("Fleet Maintenance".to_owned());
    assert_eq!(trouble(200, title), Some(closed));
    assert_eq!(trouble(200, &format!("{title}<input type=password>")), None);
    let long = format!("PHP Fatal error: {}", "x ".repeat(300));
    let Some(Trouble::Error(words)) = trouble(200, &long) else {
        panic!("it is told as something else");
    };
    assert_eq!(words.len(), 256);
}

fn session(api: &str) -> String {
    format!(
        r#"{{"capabilities": {{"urn:ietf:params:jmap:core": {{"maxSizeUpload": 5, "maxObjectsInGet": 500}},
            "urn:ietf:params:jmap:mail": {{}}}},
            "accounts": {{"A1": {{"name": "alice@example.test", "isPersonal": true, "isReadOnly": false,
                "accountCapabilities": {{"urn:ietf:params:jmap:mail": {{}}}}}}}},
            "primaryAccounts": {{"urn:ietf:params:jmap:mail": "A1"}}, "username": "alice", "apiUrl": "{api}",
            "downloadUrl": "/d/", "uploadUrl": "/u/", "eventSourceUrl": "/e/", "state": "75128aab4b1b"}}"#
    )
}

fn jmap() -> jmap::Options {
    let credentials = Credentials::password("alice", "wonderland").unwrap();
    let trusted = "api.example.test".parse().unwrap();
    web_probe::JmapProbe::builder(net())
        .credentials(credentials)
        .trust_host(trusted)
        .mailboxes(true)
}

fn begin(options: jmap::Options) -> JmapDialogue {
    let dialogue = JmapDialogue::new(Arc::new(options), url("/.well-known/jmap"));
    let jmap::Next::Ask(first) = dialogue.begin() else {
        panic!("nothing is asked");
    };
    assert_eq!((first.url, first.call), (url("/.well-known/jmap"), None));
    dialogue
}

/// Where the next question goes, and with which call.
fn told(next: jmap::Next) -> Option<(String, Option<String>)> {
    match next {
        jmap::Next::Ask(question) => {
            let call = question
                .call
                .map(|call| call["methodCalls"][0][0].as_str().unwrap().to_owned());
            Some((question.url.to_string(), call))
        }
        jmap::Next::Done => None,
    }
}

#[test]
fn a_session_leads_to_an_echo_and_to_the_mailboxes() {
    let mut dialogue = begin(jmap());
    let moved = Page::new(url("/.well-known/jmap"), 301, "")
        .with_header("location", "https://api.example.test/session");
    let next = told(dialogue.hear(&moved).unwrap());
    assert_eq!(
        next,
        Some(("https://api.example.test/session".to_owned(), None))
    );
    let here: probe_net::http::Url = "https://api.example.test/session".parse().unwrap();
    let page = |body: &str| Page::new(here.clone(), 200, body);
    let next = told(
        dialogue
            .hear(&page(&session("https://api.example.test/jmap/")))
            .unwrap(),
    );
    let api = "https://api.example.test/jmap/".to_owned();
    assert_eq!(next, Some((api.clone(), Some("Core/echo".to_owned()))));
    let echo = page(r#"{"methodResponses": [["Core/echo", {"hello": "mailprobe"}, "c0"]]}"#);
    let next = told(dialogue.hear(&echo).unwrap());
    assert_eq!(next, Some((api, Some("Mailbox/get".to_owned()))));
    let mailboxes = page(
        r#"{"methodResponses": [["Mailbox/get", {"list": [
            {"name": "Inbox", "role": "inbox", "totalEmails": 3, "unreadEmails": 1}, {"name": "x", "role": null}]}, "c0"]]}"#,
    );
    assert_eq!(told(dialogue.hear(&mailboxes).unwrap()), None);
    let facts = dialogue.into_facts();
    let known = facts.session().unwrap();
    assert_eq!(
        (
            known.limits.max_size_upload,
            known.limits.max_objects_in_set
        ),
        (Some(5), None)
    );
    assert_eq!(
        known.accounts[0].name.as_deref(),
        Some("alice@example.test")
    );
    assert_eq!(known.flaws, [""; 0]);
    assert_eq!(facts.echo, Some(Ok(())));
    let mailboxes = facts.mailboxes.unwrap().unwrap();
    assert_eq!(mailboxes.count, 2);
    assert_eq!(
        (mailboxes.kept[0].total, mailboxes.kept[0].unread),
        (Some(3), Some(1))
    );
    assert_eq!(
        (mailboxes.kept[1].role.clone(), mailboxes.kept[1].total),
        (None, None)
    );
}

fn after(page: &Page) -> JmapFacts {
    let mut dialogue = begin(jmap());
    assert_eq!(told(dialogue.hear(page).unwrap()), None);
    dialogue.into_facts()
}

#[test]
fn nothing_is_asked_of_a_host_that_is_not_trusted_nor_in_clear() {
    use jmap::Detour;
    let at = |body: &str| after(&Page::new(url("/.well-known/jmap"), 200, body)).detour;
    let other = || "https://evil.example.test/".parse().unwrap();
    let clear = || "http://mail.example.test/".parse().unwrap();
    assert_eq!(
        at(&session("https://evil.example.test/")),
        Some(Detour::ApiElsewhere(other()))
    );
    assert_eq!(
        at(&session("http://mail.example.test/")),
        Some(Detour::ApiInClear(clear()))
    );
    assert_eq!(
        at(&session("mailto:a@b")),
        Some(Detour::ApiNowhere("mailto:a@b".to_owned()))
    );
    assert_eq!(
        at("{}"),
        Some(Detour::ApiNowhere("apiUrl is missing".to_owned()))
    );
    let sent = |location: &str| {
        after(&Page::new(url("/.well-known/jmap"), 302, "").with_header("location", location))
            .detour
    };
    assert_eq!(
        sent("https://evil.example.test/"),
        Some(Detour::SessionElsewhere(other()))
    );
    assert_eq!(
        sent("http://mail.example.test/"),
        Some(Detour::SessionInClear(clear()))
    );
}

#[test]
fn what_is_missing_in_a_session_or_of_another_type_is_told_and_the_rest_is_kept() {
    let flaws = |body: &str| jmap::Session::parse(body.as_bytes()).unwrap().flaws;
    assert_eq!(flaws(&session("/jmap/")), [""; 0]);
    let body = session("/jmap/").replace(r#""state": "75128aab4b1b""#, r#""state": 7"#);
    assert_eq!(flaws(&body), ["state is no text"]);
    assert_eq!(flaws("{}").len(), 9);
    let body = session("/jmap/").replace("jmap:core", "jmap:other");
    assert_eq!(
        flaws(&body),
        ["capabilities has no urn:ietf:params:jmap:core"]
    );
    for wrong in ["", "[]", "<html>", "{", &"[".repeat(100_000)] {
        assert!(jmap::Session::parse(wrong.as_bytes()).is_err());
    }
}

#[test]
fn no_list_of_a_session_and_no_address_is_kept_beyond_its_limit() {
    let sized = |octets: usize| {
        let url = format!("https://mail.example.test/{}", "x".repeat(octets - 26));
        jmap::Session::parse(session(&url).as_bytes()).unwrap()
    };
    assert!(sized(jmap::Session::ADDRESS).api_url.is_some());
    let beyond = sized(jmap::Session::ADDRESS + 1);
    assert_eq!(
        (beyond.api_url, &*beyond.flaws),
        (None, &["apiUrl is no address".to_owned()][..])
    );
    let members = |count: usize| {
        let members: Vec<_> = (0..count).map(|at| format!(r#""a{at}": {{}}"#)).collect();
        let body = format!(
            r#"{{"accounts": {{{0}}}, "capabilities": {{{0}}}}}"#,
            members.join(",")
        );
        let session = jmap::Session::parse(body.as_bytes()).unwrap();
        (session.accounts.len(), session.capabilities.len())
    };
    assert_eq!(members(jmap::Session::MEMBERS), (64, 64));
    assert_eq!(members(jmap::Session::MEMBERS + 1), (64, 64));
}

#[test]
fn credentials_that_are_refused_stop_it_and_a_stranger_is_told_how_to_show_who_asks() {
    let page = Page::new(url("/.well-known/jmap"), 401, "who?");
    let failure = begin(jmap()).hear(&page).unwrap_err();
    assert_eq!(
        (failure.phase.as_str(), failure.kind),
        ("auth", FailureKind::Credentials)
    );
    assert_eq!(failure.reply.unwrap(), b"who?");
    let stranger = web_probe::JmapProbe::builder(net());
    let mut dialogue = begin(stranger);
    assert_eq!(told(dialogue.hear(&page).unwrap()), None);
    // And one that is let in has nothing to call.
    let mut dialogue = begin(web_probe::JmapProbe::builder(net()));
    let open = Page::new(url("/.well-known/jmap"), 200, session("/jmap/"));
    assert_eq!(told(dialogue.hear(&open).unwrap()), None);
}

#[test]
fn an_error_in_place_of_an_answer_is_told() {
    let echo = |status, body: &str| {
        let mut dialogue = begin(jmap());
        dialogue
            .hear(&Page::new(url("/"), 200, session("/jmap/")))
            .unwrap();
        assert_eq!(
            told(
                dialogue
                    .hear(&Page::new(url("/jmap/"), status, body))
                    .unwrap()
            ),
            None
        );
        dialogue.into_facts().echo.unwrap().unwrap_err()
    };
    assert_eq!(echo(500, ""), "status 500");
    assert_eq!(
        echo(
            200,
            r#"{"methodResponses": [["error", {"type": "unknownMethod", "description": "what?"}, "c0"]]}"#
        ),
        "unknownMethod: what?"
    );
    assert_eq!(
        echo(
            200,
            r#"{"methodResponses": [["Core/echo", {"hello": "you"}, "c0"]]}"#
        ),
        "it brings back something else"
    );
    assert_eq!(
        echo(200, r#"{"methodResponses": [["Foo/get", {}, "c0"]]}"#),
        "it answers another call than Core/echo"
    );
    assert_eq!(
        echo(200, "{}"),
        "it has no responses to calls (RFC 8620 section 3.4)"
    );
}
