//! Domains with mail: one that is well, and one for each fault of a zone. Each is served by both ends of the way, the
//! second of which has something else of one of them.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::super::{Lab, rbldnsd};

/// The two servers of each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) first: Ipv4Addr,
    pub(super) second: Ipv4Addr,
}

/// One domain, a zone of its own.
#[derive(Debug)]
pub(super) struct Domain {
    pub(super) name: &'static str,
    pub(super) file: &'static str,
    /// Its records but for SOA and NS; `@` is itself.
    records: &'static [&'static str],
    /// What its second server has instead.
    other: Option<&'static [&'static str]>,
    /// For how long what stands in it may be kept.
    ttl: u32,
}

/// The services that a mail program looks for (RFC 6186, RFC 8314).
const SERVICES: [&str; 4] = [
    "_imaps._tcp.@ SRV 0 1 993 mail.lab.test.",
    "_imap._tcp.@ SRV 10 1 143 mail.lab.test.",
    "_pop3s._tcp.@ SRV 10 1 995 mail.lab.test.",
    "_submission._tcp.@ SRV 0 1 587 good.lab.test.",
];

macro_rules! domain {
    ($name:literal, [$($record:literal),*]) => {
        Domain {
            name: $name,
            file: concat!($name, ".zone"),
            records: &[$($record),*],
            other: None,
            ttl: 60,
        }
    };
}

/// All of them.
pub(super) const DOMAINS: &[Domain] = &[
    domain!(
        "well.test",
        [
            "@ MX 10 good.lab.test.",
            "sub.@ MX 10 good.lab.test.",
            "@ TXT \"v=spf1 ip4:127.88.0.0/24 -all\"",
            "_dmarc.@ TXT \"v=DMARC1; p=reject; rua=mailto:dmarc\\064well.test\"",
            "_mta-sts.@ TXT \"v=STSv1; id=20260101T000000;\"",
            "mta-sts.@ A 127.88.0.79",
            "_smtp._tls.@ TXT \"v=TLSRPTv1; rua=mailto:tls\\064well.test\"",
            "s1._domainkey.@ TXT \"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\""
        ]
    ),
    domain!(
        "mismatch.test",
        [
            "@ MX 10 good.lab.test.",
            "_mta-sts.@ TXT \"v=STSv1; id=20260101T000000;\"",
            "mta-sts.@ A 127.88.0.79"
        ]
    ),
    domain!(
        "spf-twice.test",
        [
            "@ MX 10 good.lab.test.",
            "@ TXT \"v=spf1 a -all\"",
            "@ TXT \"v=spf1 mx -all\""
        ]
    ),
    domain!(
        "spf-loop.test",
        [
            "@ MX 10 good.lab.test.",
            "@ TXT \"v=spf1 include:a.@ -all\"",
            "a.@ TXT \"v=spf1 include:a.@ -all\""
        ]
    ),
    domain!(
        "spf-many.test",
        [
            "@ MX 10 good.lab.test.",
            "@ TXT \"v=spf1 a:a.@ a:b.@ a:c.@ a:d.@ a:e.@ a:f.@ a:g.@ a:h.@ a:i.@ a:j.@ a:k.@ -all\"",
            "*.@ A 127.88.0.10"
        ]
    ),
    domain!(
        "spf-open.test",
        [
            "@ MX 10 good.lab.test.",
            "@ TXT \"v=spf1 +all\"",
            "_dmarc.@ TXT \"v=DMARC1; p=none\""
        ]
    ),
    domain!("held.test", ["@ MX 10 good.lab.test."]),
    domain!("over.test", ["@ MX 10 good.lab.test."]),
    domain!("renewed.test", ["@ MX 10 good.lab.test."]),
    domain!("no-date.test", ["@ MX 10 good.lab.test."]),
    domain!("whois-only.test", ["@ MX 10 good.lab.test."]),
    domain!("expired.test", ["@ MX 10 expired.lab.test."]),
    domain!("greets-554.test", ["@ MX 10 greets-554.lab.test."]),
    // A machine that is there, and on which nothing listens.
    domain!("deserted.test", ["@ MX 10 mx.@", "mx.@ A 127.88.0.74"]),
    domain!(
        "two.test",
        [
            "@ MX 10 good.lab.test.",
            "@ MX 20 ecdsa.lab.test.",
            "@ TXT \"v=spf1 mx -all\"",
            "_dmarc.@ TXT \"v=DMARC1; p=reject\""
        ]
    ),
    domain!("glue-differs.test", ["@ MX 10 good.lab.test."]),
    domain!("left-behind.test", ["@ MX 10 good.lab.test."]),
    domain!("not-ours.test", ["@ MX 10 good.lab.test."]),
    domain!("null.test", ["@ MX 0 ."]),
    domain!("null-mixed.test", ["@ MX 0 .", "@ MX 10 good.lab.test."]),
    domain!("implicit.test", ["@ A 127.88.0.10"]),
    domain!("nothing.test", []),
    domain!("alias.test", ["@ MX 10 mx.@", "mx.@ CNAME good.lab.test."]),
    domain!(
        "alias-loop.test",
        ["@ MX 10 a.@", "a.@ CNAME b.@", "b.@ CNAME a.@"]
    ),
    domain!("literal.test", ["@ MX 10 127.88.0.10."]),
    domain!("bogon.test", ["@ MX 10 mx.@", "mx.@ A 192.0.2.25"]),
    domain!(
        "bogon-mixed.test",
        [
            "@ MX 10 good.lab.test.",
            "@ MX 20 mx.@",
            "mx.@ A 192.0.2.25"
        ]
    ),
    domain!("takeover.test", ["@ MX 10 mx.never-registered.example."]),
    domain!(
        "no-address.test",
        ["@ MX 10 mx.@", "mx.@ TXT \"no address\""]
    ),
    domain!(
        "duplicate.test",
        ["@ MX 10 good.lab.test.", "@ MX 20 good.lab.test."]
    ),
    domain!("doubled.test", ["@ MX 10 mx.@@"]),
    domain!(
        "validation.test",
        [
            "@ MX 10 good.lab.test.",
            "@ MX 32767 ms12345678.msv1.invalid."
        ]
    ),
    domain!(
        "autoconfig.test",
        ["@ MX 10 good.lab.test.", "autoconfig.@ A 127.88.0.79"]
    ),
    domain!(
        "autodiscover.test",
        ["@ MX 10 good.lab.test.", "autodiscover.@ A 127.88.0.80"]
    ),
    domain!(
        "redirected.test",
        ["@ MX 10 good.lab.test.", "autodiscover.@ A 127.88.0.89"]
    ),
    domain!("signed.test", ["@ MX 10 mx.@", "mx.@ A 127.88.0.10"]),
    domain!(
        "dane-wrong.test",
        [
            "@ MX 10 mx.@",
            "mx.@ A 127.88.0.10",
            "_25._tcp.mx.@ TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000"
        ]
    ),
    domain!("signature-soon.test", ["@ MX 10 good.lab.test."]),
    domain!("signature-over.test", ["@ MX 10 good.lab.test."]),
    Domain {
        name: "drift.test",
        file: "drift.test.zone",
        records: &["@ MX 10 good.lab.test.", "@ TXT \"v=spf1 mx -all\""],
        other: Some(&["@ MX 10 expired.lab.test.", "@ TXT \"v=spf1 -all\""]),
        ttl: 60,
    },
    Domain {
        name: "vanishing.test",
        file: "vanishing.test.zone",
        records: &["@ MX 10 good.lab.test."],
        other: None,
        ttl: 12,
    },
];

/// The zones that are signed: for so many days from now, into the past or the future. The zone above has their keys.
pub(super) const SIGNED: [(&str, i64); 4] = [
    ("dane-wrong.test", 30),
    ("signed.test", 30),
    ("signature-soon.test", 2),
    ("signature-over.test", -30),
];

/// The zone above has a key of it, and it is not signed.
pub(super) const LEFT_BEHIND: &str = "left-behind.test";

/// What the zone above has of them, and of the hosts of the lab.
pub(super) fn delegations(ends: Ends) -> String {
    let names = DOMAINS.iter().map(|domain| (domain.name, domain.ttl));
    let delegation = |(name, ttl): (&str, u32)| {
        let Ends { first, second } = ends;
        format!(
            "{name}. {ttl} NS ns1.{name}.\n{name}. {ttl} NS ns2.{name}.\n\
             ns1.{name}. {ttl} A {first}\nns2.{name}. {ttl} A {second}\n"
        )
    };
    names.chain([(super::HOSTS, 60)]).map(delegation).collect()
}

impl Domain {
    /// The file that is served: the signed one, if there is one.
    pub(super) fn served(&self) -> String {
        match SIGNED.iter().any(|(name, _)| *name == self.name) {
            true => format!("{}.signed", self.file),
            false => self.file.to_owned(),
        }
    }

    pub(super) fn contents(&self, ends: Ends, is_second: bool) -> String {
        let (records, serial) = match self.other {
            Some(other) if is_second => (other, 2),
            _ => (self.records, 1),
        };
        let mut zone = head(self.name, ends, self.ttl, serial);
        // Says of its first server that it is where another one is.
        if self.name == "glue-differs.test" {
            let (is, says) = (ends.first.to_string(), rbldnsd::ADDRESS.to_string());
            zone = zone.replace(&is, &says);
        }
        // One of them says it elsewhere.
        let services = SERVICES.iter().filter(|_| self.name != "autoconfig.test");
        for record in records.iter().chain(services) {
            let record = record.replace("@@", &format!("{0}.{0}.", self.name));
            zone += &record.replace('@', &format!("{}.", self.name));
            zone.push('\n');
        }
        zone
    }
}

/// That of the lab itself is taken by a host that takes it, and read where it is.
const MAIL: [&str; 7] = [
    "@ MX 10 good.lab.test.",
    "@ TXT \"v=spf1 ip4:127.88.0.0/24 -all\"",
    "_dmarc.@ TXT \"v=DMARC1; p=reject; rua=mailto:postmaster\\064lab.test\"",
    "_imaps._tcp.@ SRV 0 1 993 mail.lab.test.",
    "_submission._tcp.@ SRV 0 1 587 good.lab.test.",
    "_autodiscover._tcp.@ SRV 0 1 443 eas.lab.test.",
    "_jmap._tcp.@ SRV 0 1 443 jmap.lab.test.",
];

/// The hosts of the lab, each with its addresses.
pub(super) fn hosts(lab: &Lab, ends: Ends) -> String {
    let listeners = lab.listeners();
    let hosts: BTreeSet<_> = listeners
        .iter()
        .filter(|listener| listener.address.is_ipv4() && listener.host.ends_with(super::HOSTS))
        .map(|listener| format!("{}. A {}\n", listener.host, listener.address))
        .collect();
    let mail = MAIL
        .map(|record| record.replace('@', "lab.test.") + "\n")
        .concat();
    head(super::HOSTS, ends, 60, 1) + &mail + &hosts.into_iter().collect::<String>()
}

fn head(name: &str, ends: Ends, ttl: u32, serial: u32) -> String {
    let Ends { first, second } = ends;
    format!(
        "$TTL {ttl}\n{name}. SOA ns1.{name}. hostmaster.lab.test. {serial} 3600 600 1209600 {ttl}\n\
         {name}. NS ns1.{name}.\n{name}. NS ns2.{name}.\n\
         ns1.{name}. A {first}\nns2.{name}. A {second}\n"
    )
}
