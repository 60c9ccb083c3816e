//! What the crate `domain` writes, ours reads to the same; what ours asks, it reads.

#![cfg(feature = "dns")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::str::FromStr;

use domain::base::iana::{Class, Rcode as Code};
use domain::base::name::Name as Theirs;
use domain::base::{Message, MessageBuilder, Rtype, Serial, Ttl};
use domain::rdata::{A, Aaaa, Cname, Mx, Ns, Ptr, Soa, Srv, Txt};
use probe_net::dns::{Answer, Data, Kind, Pace, Question, Rcode, Resolver};
use proptest::prelude::*;

const OWNER: &str = "host.example.org";

fn theirs(name: &str) -> Theirs<Vec<u8>> {
    Theirs::from_str(name).unwrap()
}

fn ours(name: &str) -> probe_net::dns::Name {
    name.parse().unwrap()
}

/// A record, as both have it.
#[derive(Clone, Debug)]
enum Sample {
    A(Ipv4Addr),
    Aaaa(Ipv6Addr),
    Cname(String),
    Mx(u16, String),
    Ns(String),
    Ptr(String),
    Soa(String, [u32; 5]),
    Srv([u16; 3], String),
    Txt(Vec<u8>),
}

fn name() -> impl Strategy<Value = String> {
    "[a-z0-9_-]{1,20}(\\.[a-z0-9_-]{1,20}){0,4}"
}

fn sample() -> impl Strategy<Value = Sample> {
    // Times are 31 bits long (RFC 1035 section 2.3.4).
    let time = || 0..=i32::MAX.cast_unsigned();
    prop_oneof![
        any::<Ipv4Addr>().prop_map(Sample::A),
        any::<Ipv6Addr>().prop_map(Sample::Aaaa),
        name().prop_map(Sample::Cname),
        (any::<u16>(), name()).prop_map(|(preference, name)| Sample::Mx(preference, name)),
        name().prop_map(Sample::Ns),
        name().prop_map(Sample::Ptr),
        (name(), any::<u32>(), [time(), time(), time(), time()])
            .prop_map(|(name, serial, [a, b, c, d])| Sample::Soa(name, [serial, a, b, c, d])),
        (any::<[u16; 3]>(), name()).prop_map(|(numbers, name)| Sample::Srv(numbers, name)),
        prop::collection::vec(any::<u8>(), 1..600).prop_map(Sample::Txt),
    ]
}

impl Sample {
    fn ours(&self) -> Data {
        match self {
            Self::A(address) => Data::A(*address),
            Self::Aaaa(address) => Data::Aaaa(*address),
            Self::Cname(name) => Data::Cname(ours(name)),
            Self::Mx(preference, name) => Data::Mx {
                preference: *preference,
                exchange: ours(name),
            },
            Self::Ns(name) => Data::Ns(ours(name)),
            Self::Ptr(name) => Data::Ptr(ours(name)),
            Self::Soa(name, [serial, refresh, retry, expire, minimum]) => Data::Soa {
                server: ours(name),
                responsible: ours(name),
                serial: *serial,
                refresh: *refresh,
                retry: *retry,
                expire: *expire,
                minimum: *minimum,
            },
            Self::Srv([priority, weight, port], name) => Data::Srv {
                priority: *priority,
                weight: *weight,
                port: *port,
                target: ours(name),
            },
            Self::Txt(text) => Data::Txt(text.as_slice().into()),
        }
    }
}

/// A whole answer with these records.
fn written(samples: &[Sample], code: u8, is_authoritative: bool) -> Vec<u8> {
    let mut builder = MessageBuilder::new_vec();
    builder.header_mut().set_qr(true);
    builder.header_mut().set_aa(is_authoritative);
    builder
        .header_mut()
        .set_rcode(Code::checked_from_int(code).unwrap());
    let mut question = builder.question();
    question.push((theirs(OWNER), Rtype::A)).unwrap();
    let mut answer = question.answer();
    for sample in samples {
        let owner = theirs(OWNER);
        let ttl = Ttl::from_secs(60);
        let class = Class::IN;
        let pushed = match sample.clone() {
            Sample::A(address) => answer.push((owner, class, ttl, A::new(address))),
            Sample::Aaaa(address) => answer.push((owner, class, ttl, Aaaa::new(address))),
            Sample::Cname(name) => answer.push((owner, class, ttl, Cname::new(theirs(&name)))),
            Sample::Mx(preference, name) => {
                answer.push((owner, class, ttl, Mx::new(preference, theirs(&name))))
            }
            Sample::Ns(name) => answer.push((owner, class, ttl, Ns::new(theirs(&name)))),
            Sample::Ptr(name) => answer.push((owner, class, ttl, Ptr::new(theirs(&name)))),
            Sample::Soa(name, [serial, refresh, retry, expire, minimum]) => {
                let time = Ttl::from_secs;
                let soa = Soa::new(
                    theirs(&name),
                    theirs(&name),
                    Serial(serial),
                    time(refresh),
                    time(retry),
                    time(expire),
                    time(minimum),
                );
                answer.push((owner, class, ttl, soa))
            }
            Sample::Srv([priority, weight, port], name) => {
                let srv = Srv::new(priority, weight, port, theirs(&name));
                answer.push((owner, class, ttl, srv))
            }
            Sample::Txt(text) => {
                let txt: Txt<Vec<u8>> = Txt::build_from_slice(&text).unwrap();
                answer.push((owner, class, ttl, txt))
            }
        };
        pushed.unwrap();
    }
    answer.finish()
}

proptest! {
    #[test]
    fn what_another_writes_is_read_alike(
        samples in prop::collection::vec(sample(), 0..12),
        code in 0..16u8,
        is_authoritative: bool,
    ) {
        let bytes = written(&samples, code, is_authoritative);
        let question = Question::new(ours(OWNER), Kind::A);
        let server: SocketAddr = "192.0.2.53:53".parse().unwrap();
        let answer = Answer::of_message(question, server, &bytes).unwrap();
        prop_assert_eq!(answer.rcode, Rcode(code.into()));
        prop_assert_eq!(answer.flags.authoritative, is_authoritative);
        let read: Vec<_> = answer.answers.iter().map(|record| record.data.clone()).collect();
        let meant: Vec<_> = samples.iter().map(Sample::ours).collect();
        prop_assert_eq!(read, meant);
        prop_assert!(answer.answers.iter().all(|record| record.ttl == 60));
    }
}

#[tokio::test]
async fn what_is_asked_another_reads_alike() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let resolver = Resolver::new([socket.local_addr().unwrap()]);
    let pace = {
        let mut pace = Pace::default();
        pace.patience = std::time::Duration::from_millis(200);
        pace.tries = 1;
        pace
    };
    let asking = resolver.with_pace(pace);
    for kind in [Kind::A, Kind::MX, Kind::TLSA, Kind::CAA] {
        // Nobody answers.
        asking
            .ask(Question::new(ours(OWNER), kind))
            .await
            .unwrap_err();
        let mut room = [0; 512];
        let length = socket.recv(&mut room).unwrap();
        let message = Message::from_octets(&room[..length]).unwrap();
        let header = message.header();
        assert!(header.rd() && !header.qr() && !header.cd());
        let asked = message.sole_question().unwrap();
        assert_eq!(asked.qname().to_string().to_ascii_lowercase(), OWNER);
        assert_eq!(asked.qtype().to_int(), kind.0);
        let options = message.opt().unwrap();
        assert_eq!(
            (options.udp_payload_size(), options.dnssec_ok()),
            (1232, false)
        );
    }
}
