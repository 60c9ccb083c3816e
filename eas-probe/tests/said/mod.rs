//! A dialogue, led by responses that were recorded.

use std::fs;
use std::time::Duration;

use eas_probe::{Command, EasDialogue, EasFacts, EasProbe, Event, Reply, Rung, Step};
use probe_core::{Failure, Host};
use probe_net::Net;
use probe_net::sasl::Credentials;
use probe_net::tls::Tls;

/// The recorded response of this name.
pub(crate) fn response(name: &str) -> Reply {
    let file = format!("{}/tests/sogo/{name}.response", env!("CARGO_MANIFEST_DIR"));
    let whole = fs::read(file).unwrap();
    let end = whole.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(whole[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers: Vec<_> = lines.filter_map(|line| line.split_once(": ")).collect();
    Reply::from_parts(status.parse().unwrap(), &headers, &whole[end + 4..])
}

/// What is learned, and why no more, if so much is said; all of it must be heard.
pub(crate) fn led(rung: Rung, said: &[&str]) -> (EasFacts, Option<Failure>) {
    let (dialogue, failure, asked) = lead(rung, said);
    assert_eq!(asked.len(), said.len(), "{asked:?}");
    (dialogue.into_facts(), failure)
}

/// What is asked, one after the other.
#[allow(dead_code, reason = "not every suite asks for it")]
pub(crate) fn asked_of(rung: Rung, said: &[&str]) -> Vec<Command> {
    lead(rung, said).2
}

fn lead(rung: Rung, said: &[&str]) -> (EasDialogue, Option<Failure>, Vec<Command>) {
    let alice = Credentials::password("alice@lab.test", "alice pw").unwrap();
    let net = Net::new(Tls::ring(rustls::RootCertStore::empty()));
    let probe = EasProbe::builder(net).credentials(alice).up_to(rung);
    let probe = probe.build().unwrap();
    let host: Host = "eas.lab.test".parse().unwrap();
    let mut dialogue = probe.dialogue(&host, None).unwrap();
    let mut said = said.iter();
    let mut asked = Vec::new();
    let mut event = Event::Begin;
    loop {
        match dialogue.next(event) {
            Ok(Step::Ask(command)) => asked.push(command),
            Ok(_) => return (dialogue, None, asked),
            Err(failure) => return (dialogue, Some(failure), asked),
        }
        let Some(name) = said.next() else {
            return (dialogue, None, asked);
        };
        event = Event::Reply {
            reply: Box::new(response(name)),
            took: Duration::from_millis(5),
        };
    }
}
