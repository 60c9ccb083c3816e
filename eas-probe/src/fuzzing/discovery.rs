//! The law of a search, and what somebody may say to one.

#![allow(clippy::panic, reason = "a broken law must stop the fuzzer")]

use core::time::Duration;

use probe_core::HostName;
use probe_net::Net;
use probe_net::sasl::Credentials;
use probe_net::tls::{Tls, TlsFacts};

use crate::discovery::{
    Answer, Asked, DiscoveryDialogue, DiscoveryProbe, Event, Reply, Srv, Step, read_json, read_xml,
};

/// Any octets are pages of Autodiscover or none; and whatever servers say, a search ends within bounds, never goes where it
/// would be in clear, and shows credentials to nobody but the domain.
pub fn discovery(data: &[u8]) {
    let _ = (read_xml(data), read_json(data));
    let Some(mut dialogue) = search() else {
        return;
    };
    // Each begins with a letter that says of which kind it is.
    let mut answers = data.split(|byte| *byte == b'\x1e');
    let mut event = Event::Begin;
    let mut asked = 0;
    while let Step::Ask(question) = dialogue.next(event) {
        asked += 1;
        assert!(asked <= DiscoveryDialogue::QUESTIONS);
        if let Some(url) = question.asked.url() {
            let host = url.host().to_string();
            let is_own = ["example.org", "autodiscover.example.org"].contains(&host.as_str());
            assert!(url.is_secure() || matches!(question.asked, Asked::Clear(_)));
            assert!(!question.is_identified || is_own && url.is_secure() && url.port() == 443);
        }
        let answer = answer(answers.next().unwrap_or_default(), &question.asked);
        let time = Duration::ZERO;
        event = Event::Answered { answer, time };
    }
    let facts = dialogue.into_facts();
    assert!(facts.endpoint.is_none_or(|url| url.is_secure()));
}

fn search() -> Option<DiscoveryDialogue> {
    let domain: HostName = "example.org".parse().ok()?;
    let options = DiscoveryProbe::builder(Net::new(Tls::ring(core::iter::empty().collect())));
    let credentials = Credentials::password("alice@example.org", "wonder land").ok()?;
    let probe = options
        .resolver(probe_net::dns::Resolver::new([]))
        .credentials(credentials)
        .all_steps(true)
        .microsoft(true)
        .build();
    Some(probe.ok()?.dialogue(&domain))
}

/// What somebody says, as the octets have it.
fn answer(octets: &[u8], asked: &Asked) -> Answer {
    let (kind, rest) = octets.split_first().unwrap_or((&b' ', &[]));
    if matches!(asked, Asked::Records(_)) {
        let hosts = rest.split(|byte| *byte == b' ').filter_map(|host| {
            Some(Srv {
                priority: u16::from(*kind),
                host: core::str::from_utf8(host).ok()?.parse().ok()?,
                port: 443,
            })
        });
        return Answer::Records(hosts.collect());
    }
    let status = match kind {
        b'2' => 200,
        b'3' => 302,
        b'4' => 401,
        b'5' => 500,
        _ => 404,
    };
    let mut reply = Reply::new(status, rest);
    reply.location = Some(String::from_utf8_lossy(rest).into_owned());
    let host = asked.url().map(|url| url.host().to_string());
    let mut tls = TlsFacts::unknown(host.unwrap_or_default());
    tls.version = Some("TLSv1.3");
    reply.tls = Some(tls.into());
    Answer::Page(Box::new(reply))
}

#[cfg(test)]
mod tests {
    use probe_testkit::corpus;

    #[test]
    fn the_corpus_of_searches_holds_the_law() {
        for (_, data) in corpus(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/corpus/discovery"
        )) {
            super::discovery(&data);
        }
    }
}
