//! The bodies of the fuzz targets. Each states laws and panics where one does not hold; the corpus is replayed under
//! plain `cargo test`.

#![allow(clippy::panic, reason = "a broken law must stop the fuzzer")]

use std::sync::Arc;

use probe_net::Net;
use probe_net::http::{Redirects, Url};
use probe_net::sasl::Credentials;
use probe_net::tls::Tls;

use crate::jmap::{self, JmapDialogue, JmapFacts};
use crate::{Html, Next, Options, Page, WebmailDialogue};

/// Whatever page comes, again and again: the dialogue ends, asks nobody that it may not, and keeps no more than its
/// bounds. The data is a choice, lines of a head, and behind an empty line the page.
pub fn page(data: &[u8]) {
    let (Some((choice, rest)), Some(mut url)) =
        (data.split_first(), url("https://mail.example.test/a/"))
    else {
        return;
    };
    let redirects = match choice & 1 {
        0 => Redirects::SameHost,
        _ => Redirects::AnyHost,
    };
    let options = Options::new(net()).redirects(redirects).contains("login");
    let mut dialogue = WebmailDialogue::new(Arc::new(options));
    for _ in 0..=WebmailDialogue::HOPS {
        let asked = url.clone();
        match dialogue.hear(&page_of(url, choice >> 1, rest)) {
            Next::Done => return assert_bounds(&dialogue),
            Next::Ask(next) => {
                assert!(next.is_secure());
                assert!(choice & 1 == 1 || next.host() == asked.host());
                url = next;
            }
        }
    }
    panic!("it goes on and on");
}

fn assert_bounds(dialogue: &WebmailDialogue) {
    let facts = dialogue.facts();
    assert!(facts.hops.len() <= WebmailDialogue::HOPS);
    let Some(page) = &facts.page else {
        panic!("no page is told");
    };
    let texts = page.title.iter().chain(&page.version).chain(&page.software);
    for text in texts {
        assert!(text.chars().count() <= Html::TEXT);
    }
}

/// Whatever a server says for a session and to calls: the dialogue ends, and every question goes to a host that is
/// trusted, over TLS. The data is answers, each a choice of a status, lines of a head and behind an empty line a body;
/// between two answers there is NUL.
pub fn jmap(data: &[u8]) {
    const STEPS: usize = JmapDialogue::HOPS + 3;
    let (Some(first), Ok(credentials)) = (
        url("https://mail.example.test/.well-known/jmap"),
        Credentials::password("alice", "wonderland"),
    ) else {
        return;
    };
    let Ok(trusted) = "jmap.example.test".parse() else {
        return;
    };
    let options = jmap::Options::new(net());
    let options = options
        .credentials(credentials)
        .trust_host(trusted)
        .mailboxes(true);
    let mut dialogue = JmapDialogue::new(Arc::new(options), first);
    let mut answers = data.split(|byte| *byte == 0).cycle();
    let mut next = dialogue.begin();
    for _ in 0..STEPS {
        let jmap::Next::Ask(question) = next else {
            return assert_kept(dialogue.facts());
        };
        let host = question.url.host().to_string();
        assert!(
            question.url.is_secure() && matches!(&*host, "mail.example.test" | "jmap.example.test")
        );
        let answer = answers.next().unwrap_or_default();
        let (choice, rest) = answer.split_first().unwrap_or((&0, &[]));
        next = match dialogue.hear(&page_of(question.url, *choice, rest)) {
            Ok(next) => next,
            Err(_) => return assert_kept(dialogue.facts()),
        };
    }
    assert_eq!(next, jmap::Next::Done, "{STEPS} steps and no end");
}

fn assert_kept(facts: &JmapFacts) {
    if let Some(session) = facts.session() {
        assert!(session.accounts.len() <= jmap::Session::MEMBERS);
        assert!(session.capabilities.len() <= jmap::Session::MEMBERS);
    }
    if let Some(Ok(mailboxes)) = &facts.mailboxes {
        assert!(mailboxes.kept.len() <= jmap::Mailboxes::KEPT);
    }
}

fn page_of(url: Url, choice: u8, rest: &[u8]) -> Page {
    const STATUSES: [u16; 7] = [200, 302, 307, 401, 404, 500, 503];
    let status = STATUSES.get(usize::from(choice) % STATUSES.len());
    let end = rest.windows(2).position(|two| two == b"\n\n");
    let (head, body) = match end {
        Some(end) => (rest.get(..end), rest.get(end + 2..)),
        None => (None, Some(rest)),
    };
    let page = Page::new(url, *status.unwrap_or(&200), body.unwrap_or_default());
    let head = String::from_utf8_lossy(head.unwrap_or_default());
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.fold(page, |page, (name, value)| page.with_header(name, value))
}

fn url(text: &str) -> Option<Url> {
    text.parse().ok()
}

fn net() -> Net {
    Net::new(Tls::ring(rustls::RootCertStore::empty()))
}

#[cfg(test)]
mod tests {
    use probe_testkit::corpus;
    use proptest::prelude::*;

    #[test]
    fn the_corpus_of_pages_holds_the_law() {
        for (_, data) in corpus(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/page")) {
            super::page(&data);
        }
    }

    #[test]
    fn the_corpus_of_sessions_holds_the_law() {
        for (_, data) in corpus(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/jmap")) {
            super::jmap(&data);
        }
    }

    proptest! {
        #[test]
        fn any_page_leads_to_an_end(choice in any::<u8>(), head in "(location|set-cookie|x-owa-version): .{0,20}", page in "(<[a-z]{1,6} [a-z-]{0,10}=['\"]?.{0,12}['\"]?>|.{0,5}){0,12}") {
            let data = [&[choice][..], head.as_bytes(), b"\n\n", page.as_bytes()].concat();
            super::page(&data);
        }

        #[test]
        fn any_answers_lead_to_an_end_and_to_nobody_who_is_not_trusted(data in prop::collection::vec(any::<u8>(), 0..300)) {
            super::jmap(&data);
        }

        #[test]
        fn any_session_leads_to_nobody_who_is_not_trusted(
            api in "(https?://(mail|jmap|evil)\\.example\\.test(:[0-9]{1,4})?)?/?[a-z@]{0,4}",
            location in "(https?:)?//(mail|jmap|evil)\\.example\\.test/",
            choice in 0_u8..8,
        ) {
            let session = format!(r#"{{"apiUrl": "{api}"}}"#);
            let data = [&[choice][..], b"location: ", location.as_bytes(), b"\n\n", session.as_bytes()].concat();
            super::jmap(&data);
        }
    }
}
