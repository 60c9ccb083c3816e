//! The search for ActiveSync: which question follows upon which answer, and what is made of it.

#![cfg(feature = "ring")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

use std::sync::Arc;
use std::time::Duration;

use eas_probe::discovery::{
    Answer, Asked, Complaint, ConfigError, DiscoveryDialogue, DiscoveryFacts, DiscoveryProbe,
    Event, Onward, Options, Outcome, Question, Reply, Said, Srv, Step, Way, judge, read_json,
    read_xml,
};
use probe_core::{Failure, FailureKind, Phase};
use probe_net::Net;
use probe_net::dns::Resolver;
use probe_net::http::Challenge;
use probe_net::sasl::Credentials;
use probe_net::tls::{Fault, Tls, TlsFacts};
use probe_testkit::corpus;

const ENDPOINT: &str = "https://mail.example.org/Microsoft-Server-ActiveSync";

fn options() -> Options {
    let net = Net::new(Tls::ring(rustls::RootCertStore::empty()));
    DiscoveryProbe::builder(net).resolver(Resolver::new([]))
}

fn alice() -> Credentials {
    Credentials::password("alice@example.org", "wonder land").unwrap()
}

/// What is asked, as text; with `!` where credentials are shown.
fn shown(question: &Question) -> String {
    let mark = if question.is_identified { "!" } else { "" };
    format!("{mark}{}", question.asked)
}

/// Leads a search, and says what was asked and learned.
fn search(
    options: Options,
    mut answer: impl FnMut(&Question) -> Answer,
) -> (Vec<String>, DiscoveryFacts) {
    let probe = options.build().unwrap();
    let mut dialogue = probe.dialogue(&"example.org".parse().unwrap());
    let (mut asked, mut event) = (Vec::new(), Event::Begin);
    while let Step::Ask(question) = dialogue.next(event) {
        asked.push(shown(&question));
        assert!(asked.len() <= DiscoveryDialogue::QUESTIONS);
        let (answer, time) = (answer(&question), Duration::from_millis(5));
        event = Event::Answered { answer, time };
    }
    (asked, dialogue.into_facts())
}

/// Over TLS that verifies.
fn over_tls(question: &Question, mut reply: Reply) -> Answer {
    let host = question.asked.url().unwrap().host().to_string();
    let mut tls = TlsFacts::unknown(host);
    tls.version = Some("TLSv1.3");
    reply.tls = question
        .asked
        .url()
        .unwrap()
        .is_secure()
        .then(|| Arc::new(tls));
    Answer::Page(Box::new(reply))
}

fn page(question: &Question, status: u16, body: impl Into<Vec<u8>>) -> Answer {
    over_tls(question, Reply::new(status, body))
}

fn sent(question: &Question, to: &str) -> Answer {
    let mut reply = Reply::new(302, "");
    reply.location = Some(to.to_owned());
    over_tls(question, reply)
}

fn denied(question: &Question) -> Answer {
    let mut reply = Reply::new(401, "");
    reply.challenges = Challenge::parse(b"Basic realm=\"Autodiscover\"");
    over_tls(question, reply)
}

fn nothing(question: &Question) -> Answer {
    match question.asked {
        Asked::Records(_) => Answer::Records(Vec::new()),
        _ => page(question, 404, ""),
    }
}

fn unresolved() -> Answer {
    let failure = Failure::new(Phase::RESOLVE, FailureKind::Unresolved, "no such name");
    Answer::Failed(failure, None)
}

fn action(inner: &str) -> String {
    format!("<Autodiscover><Response><Action>{inner}</Action></Response></Autodiscover>")
}

fn settings(url: &str) -> String {
    action(&format!(
        "<Settings><Server><Type>MobileSync</Type><Url>{url}</Url></Server></Settings>"
    ))
}

fn codes(facts: &DiscoveryFacts) -> Vec<&'static str> {
    judge(facts).iter().map(|finding| finding.code()).collect()
}

const V1: &str = "POST https://example.org/Autodiscover/Autodiscover.xml";
const V1_BELOW: &str = "POST https://autodiscover.example.org/Autodiscover/Autodiscover.xml";

#[test]
fn every_place_is_asked_where_none_knows() {
    let (asked, facts) = search(options().microsoft(true), nothing);
    let email = "Email=postmaster%40example.org&Protocol=ActiveSync";
    let v2 = |host: &str| format!("GET https://{host}/autodiscover/autodiscover.json?{email}");
    let guess = |host: &str| format!("OPTIONS https://{host}/Microsoft-Server-ActiveSync");
    let expected = [
        V1.to_owned(),
        V1_BELOW.to_owned(),
        "GET http://autodiscover.example.org/autodiscover/autodiscover.xml".to_owned(),
        "SRV _autodiscover._tcp.example.org".to_owned(),
        v2("autodiscover.example.org"),
        v2("example.org"),
        v2("outlook.office365.com"),
        guess("example.org"),
        guess("mail.example.org"),
        guess("autodiscover.example.org"),
        guess("eas.example.org"),
        guess("sogo.example.org"),
        guess("webmail.example.org"),
    ];
    assert_eq!(asked, expected);
    assert_eq!(
        (&facts.endpoint, codes(&facts)),
        (&None, vec!["autodiscover.none"])
    );
    assert_eq!(facts.attempts[0].outcome, Outcome::Absent);
    assert_eq!(facts.attempts[0].time, Duration::from_millis(5));
}

#[test]
fn the_first_that_names_it_ends_the_search() {
    let (asked, facts) = search(options().credentials(alice()), |question| {
        match question.way {
            Way::V1 => page(question, 200, settings(ENDPOINT)),
            _ => panic!("{question:?}"),
        }
    });
    assert_eq!(asked, [format!("!{V1}")]);
    assert_eq!(facts.address, "alice@example.org");
    assert_eq!(facts.endpoint.as_ref().unwrap().to_string(), ENDPOINT);
    assert_eq!((facts.found_by, facts.is_proven), (Some(Way::V1), true));
    assert_eq!(codes(&facts), [""; 0]);
}

#[test]
fn both_versions_are_compared_where_that_is_wanted() {
    let answer = |second: &'static str| {
        move |question: &Question| match question.way {
            Way::V1 => page(question, 200, settings(ENDPOINT)),
            _ => page(
                question,
                200,
                format!(r#"{{"Protocol":"ActiveSync","Url":"{second}"}}"#),
            ),
        }
    };
    let (asked, facts) = search(options().all_steps(true), answer(ENDPOINT));
    assert_eq!((asked.len(), codes(&facts)), (2, vec![]));
    let other = "https://old.example.org/Microsoft-Server-ActiveSync";
    let (_, facts) = search(options().all_steps(true), answer(other));
    assert_eq!(codes(&facts), ["autodiscover.differs"]);
    assert_eq!(facts.endpoint.unwrap().to_string(), ENDPOINT);
}

#[test]
fn credentials_are_shown_to_the_domain_and_to_whom_the_caller_allows() {
    let answer = |question: &Question| match &question.asked {
        Asked::Post(url) if url.host().to_string() == "example.org" => sent(
            question,
            "https://hoster.example/Autodiscover/Autodiscover.xml",
        ),
        Asked::Post(_) => denied(question),
        _ => nothing(question),
    };
    let hoster = "POST https://hoster.example/Autodiscover/Autodiscover.xml";
    let (asked, facts) = search(options().credentials(alice()), answer);
    assert_eq!(asked[1], hoster);
    let challenge = Challenge::parse(b"Basic realm=\"Autodiscover\"");
    assert_eq!(facts.attempts[1].outcome, Outcome::Unauthorized(challenge));
    assert!(facts.attempts[1].question.is_proven);
    assert_eq!(asked[2], format!("!{V1_BELOW}"));
    let told = ["autodiscover.wants-credentials", "autodiscover.credentials"];
    assert_eq!(codes(&facts), told);
    let allowing = options().credentials(alice());
    let allowing = allowing.allow_host("hoster.example".parse().unwrap());
    let (asked, _) = search(allowing, answer);
    assert_eq!(asked[1], format!("!{hoster}"));
    // Refused once, they are not shown again.
    assert_eq!(asked[2], V1_BELOW);
}

#[test]
fn another_port_of_the_domain_is_somebody_elses() {
    let (asked, _) = search(options().credentials(alice()), |question| {
        match question.way {
            Way::V1 if question.asked.url().unwrap().port() == 443 => {
                sent(question, "https://example.org:8443/a")
            }
            _ => nothing(question),
        }
    });
    assert_eq!(asked[1], "POST https://example.org:8443/a");
}

#[test]
fn what_a_bad_certificate_kept_back_is_asked_without_credentials() {
    let mut withheld = 0;
    let (asked, facts) = search(options().credentials(alice()), |question| {
        if question.is_identified {
            withheld += 1;
            let mut tls = TlsFacts::unknown("example.org");
            tls.version = Some("TLSv1.3");
            tls.faults = vec![Fault::SelfSigned];
            let failure = Failure::new(Phase::AUTH, FailureKind::Withheld, "self-signed");
            return Answer::Failed(failure, Some(Arc::new(tls)));
        }
        nothing(question)
    });
    assert_eq!(
        asked[..3],
        [format!("!{V1}"), V1.to_owned(), format!("!{V1_BELOW}")]
    );
    assert_eq!(withheld, 2);
    assert_eq!(
        codes(&facts),
        ["autodiscover.none", "autodiscover.untrusted"]
    );
}

#[test]
fn an_endpoint_from_an_untrusted_host_is_only_taken_where_there_is_no_other() {
    let untrusted = |question: &Question| {
        let mut tls = TlsFacts::unknown("example.org");
        tls.version = Some("TLSv1.3");
        tls.faults = vec![Fault::SelfSigned];
        let mut reply = Reply::new(
            200,
            settings("https://forged.example/Microsoft-Server-ActiveSync"),
        );
        reply.tls = Some(Arc::new(tls));
        match &question.asked {
            Asked::Post(_) => Answer::Page(Box::new(reply)),
            _ => nothing(question),
        }
    };
    let (_, facts) = search(options(), untrusted);
    assert_eq!(
        facts.endpoint.as_ref().unwrap().host().to_string(),
        "forged.example"
    );
    assert!(!facts.is_proven);
    assert_eq!(codes(&facts), ["autodiscover.untrusted"]);
    let (_, facts) = search(options(), |question| match question.way {
        Way::V2 => page(question, 200, format!(r#"{{"Url":"{ENDPOINT}"}}"#)),
        _ => untrusted(question),
    });
    assert_eq!(facts.endpoint.unwrap().to_string(), ENDPOINT);
    assert_eq!((facts.found_by, facts.is_proven), (Some(Way::V2), true));
}

#[test]
fn a_redirect_in_clear_is_followed_to_tls_and_proves_nothing() {
    let to = "https://autodiscover.example.net/autodiscover/autodiscover.xml";
    let (asked, facts) = search(options().credentials(alice()), |question| {
        match question.way {
            Way::V1 => unresolved(),
            Way::Redirect if matches!(question.asked, Asked::Clear(_)) => sent(question, to),
            _ => page(question, 200, settings(ENDPOINT)),
        }
    });
    assert_eq!(asked[3], format!("POST {to}"));
    assert_eq!(
        (facts.found_by, facts.is_proven),
        (Some(Way::Redirect), false)
    );
    assert_eq!(codes(&facts), ["autodiscover.redirect.in-clear"]);
    // Whatever else is said in clear is not believed.
    let (_, facts) = search(options(), |question| match question.way {
        Way::Redirect => page(question, 200, settings(ENDPOINT)),
        _ => nothing(question),
    });
    assert_eq!(facts.endpoint, None);
}

#[test]
fn the_hosts_of_srv_records_are_asked_in_their_order_and_without_credentials() {
    let host = |priority, host: &str, port| Srv {
        priority,
        host: host.parse().unwrap(),
        port,
    };
    let (asked, facts) = search(options().credentials(alice()), |question| {
        match &question.asked {
            Asked::Records(_) => Answer::Records(vec![
                host(20, "two.example.net", 443),
                host(10, "one.example.net", 8443),
            ]),
            Asked::Post(url) if url.host().to_string() == "two.example.net" => {
                page(question, 200, settings(ENDPOINT))
            }
            _ => nothing(question),
        }
    });
    let expected = [
        "POST https://one.example.net:8443/Autodiscover/Autodiscover.xml",
        "POST https://two.example.net/Autodiscover/Autodiscover.xml",
    ];
    assert_eq!(asked[4..], expected);
    assert_eq!((facts.found_by, facts.is_proven), (Some(Way::Srv), false));
    let many = || {
        (0..5)
            .map(|place| host(place, &format!("h{place}.example.net"), 443))
            .collect()
    };
    let (asked, _) = search(options(), |question| match &question.asked {
        Asked::Records(_) => Answer::Records(many()),
        _ => nothing(question),
    });
    assert!(asked.iter().any(|one| one.contains("h3.example.net")));
    assert!(!asked.iter().any(|one| one.contains("h4.example.net")));
}

#[test]
fn another_address_begins_anew_and_a_circle_is_noticed() {
    let redirect = |to: &str| action(&format!("<Redirect>{to}</Redirect>"));
    let (asked, facts) = search(options(), |question| match &question.asked {
        Asked::Post(_) if question.address.as_str() == "postmaster@example.org" => {
            page(question, 200, redirect("alice@example.net"))
        }
        Asked::Post(_) => page(question, 200, redirect("postmaster@example.org")),
        _ => nothing(question),
    });
    assert_eq!(
        asked[1],
        "POST https://example.net/Autodiscover/Autodiscover.xml"
    );
    let to = |text: &str, onward| Outcome::SentOn(text.to_owned(), onward);
    assert_eq!(
        facts.attempts[0].outcome,
        to("alice@example.net", Onward::Followed)
    );
    assert_eq!(
        facts.attempts[1].outcome,
        to("postmaster@example.org", Onward::Loop)
    );
    assert_eq!(
        codes(&facts),
        ["autodiscover.none", "autodiscover.redirect.refused"]
    );
}

#[test]
fn ten_redirects_are_followed_and_no_more() {
    let mut count = 0;
    let (asked, facts) = search(options(), |question| match &question.asked {
        Asked::Post(_) => {
            count += 1;
            sent(question, &format!("https://example.org/{count}"))
        }
        _ => nothing(question),
    });
    assert_eq!(asked[10], "POST https://example.org/10");
    assert!(!asked.contains(&"POST https://example.org/11".to_owned()));
    let last = Outcome::SentOn("https://example.org/11".to_owned(), Onward::TooOften);
    assert_eq!(facts.attempts[10].outcome, last);
    assert!(codes(&facts).contains(&"autodiscover.redirect.refused"));
}

#[test]
fn no_more_than_forty_eight_questions_are_asked() {
    let mut count = 0;
    let (asked, _) = search(options(), |question| match &question.asked {
        Asked::Records(_) => {
            count += 1;
            Answer::Records(
                (0..4)
                    .map(|place| Srv {
                        priority: place,
                        host: format!("h{place}.d{count}.example").parse().unwrap(),
                        port: 443,
                    })
                    .collect(),
            )
        }
        Asked::Post(url) if url.host().to_string().starts_with("h3.") => page(
            question,
            200,
            action(&format!("<Redirect>a@e{count}.example</Redirect>")),
        ),
        _ => nothing(question),
    });
    assert_eq!(asked.len(), 48);
}

#[test]
fn nobody_is_led_into_clear_or_to_an_address() {
    for (to, why) in [
        ("http://autodiscover.example.org/a", "it is in clear"),
        (
            "https://127.0.0.1/a",
            "its host is an address and has no name",
        ),
        ("https://intranet/a", "its host is known to nobody outside"),
        ("ftp://example.org/a", "it is no address of a page"),
    ] {
        let (asked, facts) = search(options(), |question| match question.way {
            Way::V1 | Way::V2 => sent(question, to),
            _ => nothing(question),
        });
        let outcome = &facts.attempts[0].outcome;
        assert!(
            matches!(outcome, Outcome::SentOn(_, Onward::Unfit(is)) if *is == why),
            "{outcome:?}"
        );
        assert_eq!(asked.len(), 12, "{to}");
        let (_, facts) = search(options(), |question| match question.way {
            Way::V2 => page(question, 200, format!(r#"{{"Url":"{to}"}}"#)),
            _ => nothing(question),
        });
        assert_eq!(facts.endpoint, None);
        let expected = ["autodiscover.none", "autodiscover.endpoint.unfit"];
        assert_eq!(codes(&facts), expected);
    }
}

#[test]
fn a_host_that_cannot_be_reached_is_not_asked_again() {
    let (asked, facts) = search(options(), |question| match &question.asked {
        Asked::Records(_) => Answer::Records(Vec::new()),
        _ => unresolved(),
    });
    // At autodiscover. another port is tried in clear.
    assert_eq!(asked.len(), 8);
    assert_eq!(codes(&facts), ["autodiscover.none"]);
}

#[test]
fn a_guess_is_right_where_a_header_or_a_challenge_says_so() {
    let guessed = |change: fn(&mut Reply)| {
        let (_, facts) = search(options(), |question| match &question.asked {
            Asked::Options(url) if url.host().to_string() == "eas.example.org" => {
                let mut reply = Reply::new(401, "");
                change(&mut reply);
                over_tls(question, reply)
            }
            _ => nothing(question),
        });
        (facts.endpoint.is_some(), facts.found_by)
    };
    let found = (true, Some(Way::Guess));
    assert_eq!(guessed(|_| {}), (false, None));
    assert_eq!(guessed(|reply| reply.speaks_activesync = true), found);
    assert_eq!(
        guessed(|reply| reply.challenges = Challenge::parse(b"basic realm=\"SOGo\"")),
        found
    );
    assert_eq!(
        guessed(|reply| reply.challenges = Challenge::parse(b"Negotiate")),
        found
    );
    assert_eq!(
        guessed(|reply| reply.challenges = Challenge::parse(b"Digest nonce=\"a\"")),
        (false, None)
    );
    let page = guessed(|reply| {
        reply.status = 200;
        reply.challenges = Challenge::parse(b"Basic realm=\"a\"");
    });
    assert_eq!(page, (false, None));
}

#[test]
fn what_an_error_says_is_told_and_the_search_goes_on() {
    let error = |code: &'static str| {
        search(options(), move |question| match question.way {
            Way::V1 => page(
                question,
                200,
                action(&format!(
                    "<Error><ErrorCode>{code}</ErrorCode><Message>Provider\tis not available</Message></Error>"
                )),
            ),
            _ => nothing(question),
        })
    };
    let (asked, facts) = error("601");
    assert_eq!(asked.len(), 12);
    let told = ["autodiscover.none", "autodiscover.not-for-devices"];
    assert_eq!(codes(&facts), told);
    let (_, facts) = error("600");
    assert_eq!(codes(&facts), ["autodiscover.none", "autodiscover.error"]);
    assert!(judge(&facts)[1].evidence.contains("it says 600 Provider"));
    let (_, facts) = search(options(), |question| match question.way {
        Way::V2 => page(question, 503, "<html>busy</html>"),
        _ => nothing(question),
    });
    assert_eq!(codes(&facts), ["autodiscover.none", "autodiscover.error"]);
}

#[test]
fn pages_of_real_servers_are_read() {
    let pages = corpus("tests/corpus/discovery");
    let page = |name: &str| {
        let page = pages.iter().find(|(known, _)| known == name);
        page.unwrap().1.as_slice()
    };
    let at = |url: &str| Said::Endpoint(url.to_owned());
    let lab = at("https://eas.lab.test/Microsoft-Server-ActiveSync");
    assert_eq!(read_xml(page("nginx-v1.xml")), lab);
    assert_eq!(read_json(page("nginx-v2.json")), lab);
    assert_eq!(read_xml(page("device-cert-enroll.xml")), at(ENDPOINT));
    let complaint = |said| match said {
        Said::Complaint(complaint) => (complaint.is_about_the_protocol(), complaint.shown()),
        other => panic!("{other:?}"),
    };
    let (is_about, words) = complaint(read_json(page("nginx-v2-protocol.json")));
    assert!(
        is_about && words.starts_with("InvalidProtocol The given protocol"),
        "{words}"
    );
    let (is_about, words) = complaint(read_json(page("nginx-v2-no-email.json")));
    assert!(
        !is_about && words.starts_with("MandatoryParameterMissing"),
        "{words}"
    );
    let provider = (true, "601 Provider is not available".to_owned());
    assert_eq!(complaint(read_xml(page("exchange-601.xml"))), provider);
    let directory = (
        false,
        "2 The directory service could not be reached".to_owned(),
    );
    assert_eq!(complaint(read_xml(page("device-status-2.xml"))), directory);
    let address = Said::Address("alice@sub.example.net".to_owned());
    assert_eq!(read_xml(page("device-redirect.xml")), address);
    let url = "https://autodiscover.example.net/Autodiscover/Autodiscover.xml";
    assert_eq!(
        read_xml(page("outlook-redirect-url.xml")),
        Said::Url(url.to_owned())
    );
    for html in ["sogo-login.html", "nginx-401.html", "entities.xml"] {
        assert!(matches!(read_xml(page(html)), Said::Other(_)), "{html}");
        assert!(matches!(read_json(page(html)), Said::Other(_)), "{html}");
    }
    let other = Complaint::default();
    assert!(!other.is_about_the_protocol());
}

#[test]
fn mistakes_of_the_caller_are_found() {
    let error = |options: Options| options.build().unwrap_err();
    assert_eq!(error(options().address("alice")), ConfigError::Address);
    assert_eq!(
        error(options().patience(Duration::ZERO)),
        ConfigError::Patience
    );
    let colon = Credentials::password("a:b", "wonder land").unwrap();
    assert_eq!(error(options().credentials(colon)), ConfigError::UserName);
    let (_, facts) = search(options().address("bob@example.net"), nothing);
    assert_eq!(facts.address, "bob@example.net");
    let (asked, _) = search(options().address("bob@example.net"), nothing);
    assert_eq!(asked[0], V1);
}
