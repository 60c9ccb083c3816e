//! The probe over sockets: silence, refusal, answers of others, and what is shown of secrets. What is said in between is
//! tested where it is decided.

#![cfg(feature = "snmp")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;
use std::time::Duration;

use mailhost_probe::{
    ConfigError, SnmpAccess, SnmpAuth, SnmpFacts, SnmpPrivacy, SnmpProbe, SnmpUser,
};
use probe_core::{Context, FailureKind, Probe, Report, Verdict};
use probe_net::Net;
use probe_net::tls::{SecretsOver, Tls};
use probe_testkit::Authority;
use tokio::net::UdpSocket;

fn net() -> Net {
    Net::new(Tls::ring(Authority::new("nobody").roots()))
}

async fn ask(access: SnmpAccess, server: SocketAddr) -> Report<SnmpFacts> {
    let probe = SnmpProbe::builder(net(), access).secrets_over(SecretsOver::Cleartext);
    let cx = Context::default().with_transcript();
    let target = server.to_string().parse().unwrap();
    probe.build().unwrap().probe(&target, &cx).await
}

async fn agent() -> (UdpSocket, SocketAddr) {
    let agent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = agent.local_addr().unwrap();
    (agent, address)
}

fn codes(report: &Report<SnmpFacts>) -> Vec<&'static str> {
    let findings = report.findings.iter();
    findings.map(|finding| finding.code()).collect()
}

/// The content of an element, and what follows it.
fn element(octets: &[u8]) -> (&[u8], &[u8]) {
    let (length, rest) = match octets[1] {
        0x81 => (octets[2], &octets[3..]),
        short => (short, &octets[2..]),
    };
    rest.split_at(length.into())
}

fn put(tag: u8, content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    [&[tag, u8::try_from(content.len()).unwrap()], &content[..]].concat()
}

/// The answer by which nothing is there, whatever was asked, with another number or the right one.
fn nothing(question: &[u8], change: u8) -> Vec<u8> {
    let (message, _) = element(question);
    let (version, rest) = element(message);
    let (community, pdu) = element(rest);
    let mut id = element(element(pdu).0).0.to_vec();
    *id.last_mut().unwrap() ^= change;
    let zero: &[u8] = b"\x02\x01\x00";
    let pdu = put(0xa2, &[&put(2, &[&id]), zero, zero, b"\x30\x00"]);
    put(0x30, &[&put(2, &[version]), &put(4, &[community]), &pdu])
}

#[tokio::test(start_paused = true)]
async fn a_silent_agent_is_unknown_and_a_wrong_community_is_named_as_a_cause() {
    let (agent, address) = agent().await;
    let report = ask(SnmpAccess::v2c("secret community"), address).await;
    assert_eq!(report.verdict(), Verdict::Unknown);
    let failure = report.failure.as_ref().unwrap();
    assert_eq!(failure.kind, FailureKind::Local);
    assert_eq!(failure.detail, "nothing came within 7.0 s");
    assert_eq!(codes(&report), ["snmp.silent"]);
    let finding = &report.findings[0];
    assert_eq!(finding.evidence, format!("{address}, version 2c: not once"));
    assert!(finding.kind.remedy.contains("wrong community"));
    assert_eq!(
        (report.facts.queue.as_ref(), report.facts.host.as_ref()),
        (None, None)
    );

    // The same question, three times.
    let mut questions = Vec::new();
    let mut buffer = [0; 1500];
    while let Ok(length) = agent.try_recv(&mut buffer) {
        questions.push(buffer[..length].to_vec());
    }
    assert_eq!(questions.len(), 3);
    assert!(questions.iter().all(|question| *question == questions[0]));
}

#[tokio::test]
async fn where_nothing_listens_there_is_no_agent() {
    let (agent, address) = agent().await;
    drop(agent);
    let report = ask(SnmpAccess::v2c("public"), address).await;
    let failure = report.failure.as_ref().unwrap();
    assert_eq!(failure.kind, FailureKind::Local);
    assert_eq!(failure.detail, "nothing listens on that port");
    assert_eq!(report.verdict(), Verdict::Unknown);
    assert_eq!(codes(&report), ["snmp.silent"]);
}

#[tokio::test]
async fn answers_of_others_and_to_other_questions_are_not_heard() {
    let (agent, address) = agent().await;
    let (somebody, _) = self::agent().await;
    let answering = async {
        let mut buffer = [0; 1500];
        loop {
            let (length, peer) = agent.recv_from(&mut buffer).await.unwrap();
            // From another address, by another number, and no answer at all.
            somebody.send_to(b"0\x00", peer).await.unwrap();
            let question = &buffer[..length];
            for datagram in [&nothing(question, 1), question, &nothing(question, 0)] {
                agent.send_to(datagram, peer).await.unwrap();
            }
        }
    };
    let access = SnmpAccess::v2c("secret community");
    let report = tokio::select! {
        report = ask(access, address) => report,
        () = answering => unreachable!(),
    };
    let failure = report.failure.as_ref().unwrap();
    assert_eq!(
        failure.detail,
        "the agent tells neither of a queue nor of the machine"
    );
    assert_eq!(report.facts.requests, 8);
    assert!(codes(&report).contains(&"snmp.no-queue"));
    let shown = format!("{report:?}\n{}\n{}", report.transcript, report.to_json());
    assert!(!shown.contains("secret community"));
    assert!(
        report
            .transcript
            .to_string()
            .contains("get 1.3.6.1.2.1.1.1.0")
    );
}

#[tokio::test]
async fn an_agent_need_not_tell_what_nobody_expects() {
    let (agent, address) = agent().await;
    let answering = async {
        let mut buffer = [0; 1500];
        loop {
            let (length, peer) = agent.recv_from(&mut buffer).await.unwrap();
            agent
                .send_to(&nothing(&buffer[..length], 0), peer)
                .await
                .unwrap();
        }
    };
    let probe = SnmpProbe::builder(net(), SnmpAccess::v2c("public"))
        .without_queue()
        .without_host();
    let probe = probe.build().unwrap();
    let (target, cx) = (address.to_string().parse().unwrap(), Context::default());
    let report = tokio::select! {
        report = probe.probe(&target, &cx) => report,
        () = answering => unreachable!(),
    };
    assert_eq!(report.failure, None);
    assert_eq!(report.verdict(), Verdict::Ok);
    assert_eq!(
        codes(&report),
        [
            "snmp.public",
            "snmp.no-queue",
            "snmp.no-host",
            "snmp.unread"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_the_waiting() {
    let (_agent, address) = agent().await;
    let probe = SnmpProbe::builder(net(), SnmpAccess::v2c("public"));
    let cx = Context::default().with_budget(Duration::from_secs(2));
    let target = address.to_string().parse().unwrap();
    let report = probe.build().unwrap().probe(&target, &cx).await;
    assert_eq!(report.failure.unwrap().detail, "nothing came within 1.8 s");
}

#[test]
fn a_secret_community_is_not_said_in_clear_unless_that_is_allowed() {
    let build = |access, over| {
        let probe = SnmpProbe::builder(net(), access).secrets_over(over);
        probe.build().map(drop)
    };
    let secret = || SnmpAccess::v2c("secret community");
    for over in [SecretsOver::VerifiedTls, SecretsOver::UnverifiedTls] {
        assert_eq!(build(secret(), over), Err(ConfigError::SecretsInClear));
    }
    assert_eq!(build(secret(), SecretsOver::Cleartext), Ok(()));
    let public = SnmpAccess::v1(SnmpAccess::PUBLIC);
    assert_eq!(build(public, SecretsOver::VerifiedTls), Ok(()));
    let user = SnmpUser::new("user").unwrap();
    let user = user.with_auth(SnmpAuth::Sha1, "auth password").unwrap();
    let user = user.with_privacy(SnmpPrivacy::Aes128, "priv password");
    let user = SnmpAccess::v3(user.unwrap());
    assert_eq!(build(user, SecretsOver::VerifiedTls), Ok(()));
}
