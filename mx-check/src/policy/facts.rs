//! What we learn of a domain's mail policy, and how it is written out.

use core::time::Duration;

use probe_core::{Facts, HostName, Metric, Record, Unit, Value};

use super::caa::CaaFacts;
use super::dmarc::DmarcFacts;
use super::fetch::{Fetched, PolicyFetch};
use super::known::{Known, Lack};
use super::published::{Published, Text};
use super::tree::SpfFacts;
use super::{Options, SpfCheck};
use crate::records::bimi::Bimi;
use crate::records::dkim::DkimKey;
use crate::records::tls_rpt::TlsRpt;
use crate::records::{Fault, mta_sts};

/// Everything that a domain publishes about its mail.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PolicyFacts {
    /// Whose it is.
    pub domain: HostName,
    /// Which servers may send it.
    pub spf: SpfFacts,
    /// What receivers are to do with what fails.
    pub dmarc: DmarcFacts,
    /// The keys that it is signed with.
    pub dkim: Vec<DkimFacts>,
    /// That it goes over TLS only.
    pub mta_sts: MtaStsFacts,
    /// Where senders report how TLS went.
    pub tls_rpt: Published<TlsRpt>,
    /// Which picture stands beside it.
    pub bimi: Published<Bimi>,
    /// Who may issue certificates for it.
    pub caa: CaaFacts,
}

/// The key of one selector.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DkimFacts {
    /// Which.
    pub selector: String,
    /// Whether the caller has named it; others were only guessed.
    pub is_named: bool,
    /// What stands there.
    pub published: Published<DkimKey>,
}

/// What there is of MTA-STS.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MtaStsFacts {
    /// The announcement.
    pub published: Published<mta_sts::Record>,
    /// What came of fetching the policy; nothing where it was not fetched.
    pub fetch: Option<PolicyFetch>,
}

/// Selectors that many use. That a domain does not is nothing.
const COMMON: [&str; 8] = [
    "default",
    "dkim",
    "google",
    "k1",
    "mail",
    "s1",
    "selector1",
    "selector2",
];

impl PolicyFacts {
    /// What can be told by now. What cannot will be asked for.
    pub(super) fn look(known: &mut Known, options: &Options) -> Self {
        let domain = &options.domain;
        let below = |labels: &str| format!("{labels}.{domain}");
        Self {
            domain: domain.clone(),
            dmarc: DmarcFacts::look(known, domain),
            mta_sts: MtaStsFacts {
                published: Published::look(
                    known,
                    below("_mta-sts"),
                    mta_sts::Record::is_one,
                    mta_sts::Record::parse,
                ),
                fetch: None,
            },
            tls_rpt: Published::look(known, below("_smtp._tls"), TlsRpt::is_one, TlsRpt::parse),
            bimi: Published::look(known, below("default._bimi"), Bimi::is_one, Bimi::parse),
            caa: CaaFacts::look(known, domain),
            dkim: DkimFacts::look(known, options),
            // It may take any number of questions, so the others come first.
            spf: SpfFacts::look(known, options),
        }
    }

    /// Looks only at that of which an answer may lead to further questions.
    pub(super) fn follow(known: &mut Known, options: &Options) {
        DmarcFacts::look(known, &options.domain);
        CaaFacts::look(known, &options.domain);
        SpfFacts::look(known, options);
    }

    /// The reasons for which something could not be asked, each once.
    pub(super) fn troubles(&self) -> Vec<String> {
        let of = |name: &str, lack: Option<&Lack>| match lack {
            Some(Lack::Trouble(why)) => Some(format!("{name}: {why}")),
            Some(Lack::Pending) => Some(format!("{name}: no answer has come")),
            None => None,
        };
        let mut all: Vec<_> = self
            .dmarc
            .walk
            .iter()
            .map(|one| of(&one.name, one.lack.as_ref()))
            .collect();
        let destinations = self.dmarc.destinations.iter().map(|one| &one.consent);
        all.extend(destinations.map(|one| of(&one.name, one.lack.as_ref())));
        let named = self.dkim.iter().filter(|one| one.is_named);
        all.extend(named.map(|one| of(&one.published.name, one.published.lack.as_ref())));
        let record = &self.mta_sts.published;
        all.push(of(&record.name, record.lack.as_ref()));
        all.push(of(&self.tls_rpt.name, self.tls_rpt.lack.as_ref()));
        all.push(of("CAA", self.caa.lack.as_ref()));
        let tree = &self.spf.tree;
        let mut told: Vec<_> = all.into_iter().flatten().collect();
        told.extend(tree.troubles.iter().cloned());
        if tree.is_pending {
            told.push(format!("{}: not all of SPF was answered", self.domain));
        }
        told.dedup();
        told
    }
}

impl Facts for PolicyFacts {
    fn record(&self, out: &mut Record) {
        out.tree("spf", |out| self.spf.record(out));
        out.tree("dmarc", |out| self.dmarc.record(out));
        let keys: Vec<_> = self.dkim.iter().filter(|one| one.is_told()).collect();
        out.trees("dkim", keys, DkimFacts::record);
        out.tree("mta_sts", |out| self.mta_sts.record(out));
        out.tree("tls_rpt", |out| {
            self.tls_rpt.record(out);
            if let Some(record) = self.tls_rpt.only() {
                let uris = record.read.rua.iter().map(ToString::to_string);
                out.set("rua", uris.collect::<Vec<_>>());
                faults(out, &record.read.errors, &record.read.oddities);
            }
        });
        out.tree("bimi", |out| {
            self.bimi.record(out);
            if let Some(record) = self.bimi.only() {
                out.set("location", record.read.location.clone());
                out.set("authority", record.read.authority.clone());
                faults(out, &record.read.errors, &record.read.oddities);
            }
        });
        out.tree("caa", |out| {
            out.set("name", self.caa.name.clone());
            let records = self.caa.records.iter().map(ToString::to_string);
            out.set("records", records.collect::<Vec<_>>());
            lack(out, self.caa.lack.as_ref());
        });
    }
}

impl DkimFacts {
    fn look(known: &mut Known, options: &Options) -> Vec<Self> {
        let named = options.selectors.iter().take(Options::SELECTORS);
        let named: Vec<_> = named.map(String::as_str).collect();
        let guessed = COMMON.into_iter().filter(|one| !named.contains(one));
        let selectors = named.iter().map(|one| (*one, true));
        let selectors = selectors.chain(guessed.map(|one| (one, false)));
        selectors
            .map(|(selector, is_named)| {
                let name = format!("{selector}._domainkey.{}", options.domain);
                Self {
                    selector: selector.to_owned(),
                    is_named,
                    published: Published::look(known, name, DkimKey::is_one, DkimKey::parse),
                }
            })
            .collect()
    }

    /// That a selector that nobody has named is not there tells nothing.
    pub(super) fn is_told(&self) -> bool {
        self.is_named || !self.published.records.is_empty()
    }

    fn record(&self, out: &mut Record) {
        out.set("selector", self.selector.as_str());
        out.set("named", self.is_named);
        self.published.record(out);
        if let Some(Text { read, .. }) = self.published.only() {
            out.set("key", read.key.to_string());
            out.set("test", read.is_test);
            faults(out, &read.errors, &read.oddities);
        }
    }
}

impl SpfFacts {
    fn record(&self, out: &mut Record) {
        self.published.record(out);
        let tree = &self.tree;
        let counts = [
            ("lookups", "probe_mx_spf_lookups", tree.lookups),
            (
                "void_lookups",
                "probe_mx_spf_void_lookups",
                tree.voids.len(),
            ),
        ];
        for (key, name, number) in counts {
            out.metric(key, Metric::whole(name, Unit::Count, whole(number)));
        }
        let octets = whole(self.octets);
        out.metric(
            "octets",
            Metric::whole("probe_mx_spf_octets", Unit::Bytes, octets),
        );
        out.set("whole", tree.is_whole());
        let default = tree.default.map(super::SpfResult::from);
        out.set("default", default.map(super::SpfResult::as_str));
        out.trees("records", &tree.nodes, |node, out| {
            out.set("domain", node.domain.as_str());
            out.set("depth", number(node.depth));
            out.set("lookups", number(node.lookups));
            out.set("record", &*node.text);
        });
        let errors = tree
            .errors
            .iter()
            .map(|(domain, error)| format!("{domain}: {error}"));
        for (key, list) in [
            ("errors", errors.collect()),
            ("voids", tree.voids.clone()),
            ("loops", tree.loops.clone()),
            ("dead", tree.dead.clone()),
        ] {
            if !list.is_empty() {
                out.set(key, list);
            }
        }
        out.trees("checks", &self.checks, SpfCheck::record);
    }
}

impl SpfCheck {
    fn record(&self, out: &mut Record) {
        out.set("address", self.address.to_string());
        out.set("sender", self.is_sender);
        out.set("result", self.result.map(super::SpfResult::as_str));
        out.set("why", self.why.as_str());
    }
}

impl DmarcFacts {
    fn record(&self, out: &mut Record) {
        let asked = self.walk.iter().map(|one| one.name.clone());
        out.set("asked", asked.collect::<Vec<_>>());
        lack(out, self.lack());
        let disposition = self.disposition.map(|one| one.as_str());
        out.set("disposition", disposition);
        if let Some(policy) = &self.policy {
            let read = &policy.record.read;
            out.set("domain", policy.domain.as_str());
            out.set("record", &*policy.record.text);
            out.set("subdomains", read.of_subdomains().map(|one| one.as_str()));
            out.set("nonexistent", read.of_nonexistent().map(|one| one.as_str()));
            out.set("test", read.is_test);
            let uris = read.rua.iter().map(ToString::to_string);
            out.set("rua", uris.collect::<Vec<_>>());
            faults(out, &read.errors, &read.oddities);
        }
        out.trees("destinations", &self.destinations, |one, out| {
            out.set("domain", one.domain.as_str());
            let is_known = one.consent.lack.is_none();
            out.set("consents", is_known.then(|| !one.is_refused()));
        });
    }
}

impl MtaStsFacts {
    fn record(&self, out: &mut Record) {
        self.published.record(out);
        if let Some(record) = self.published.only() {
            out.set("id", record.read.id.clone());
            faults(out, &record.read.errors, &record.read.oddities);
        }
        let Some(fetch) = &self.fetch else {
            return;
        };
        out.tree("policy", |out| {
            out.set("url", fetch.url.as_str());
            if let Some(policy) = fetch.fetched.policy() {
                out.set("mode", policy.mode.map(|mode| mode.as_str()));
                let patterns = policy.mx.iter().map(ToString::to_string);
                out.set("mx", patterns.collect::<Vec<_>>());
                let max_age = policy.max_age.map(|age| age.min(MAX));
                let metric = |age| Metric::duration("probe_mx_mta_sts_max_age_seconds", age);
                out.set("max_age", max_age.map(|age| Value::Metric(metric(age))));
                faults(out, &policy.errors, &policy.oddities);
            } else {
                out.set("trouble", fetch.fetched.to_string());
            }
        });
    }
}

/// No number of seconds that is larger means more.
const MAX: Duration = Duration::from_secs(10 * 31_557_600);

impl core::fmt::Display for Fetched {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Failed(failure) => write!(f, "{failure}"),
            Self::NotText(kind, _) => write!(f, "it is called {kind:?}, not text/plain"),
            Self::Policy(_) => f.write_str("it came"),
            Self::Redirected(status, to) => write!(f, "status {status} sends on to {to}"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::Unverified(why) => write!(f, "the certificate is not valid: {why}"),
        }
    }
}

impl<R> Published<R> {
    fn record(&self, out: &mut Record) {
        out.set("name", self.name.as_str());
        out.set("server", self.server.map(|server| server.to_string()));
        out.set("rcode", self.rcode.map(|rcode| rcode.to_string()));
        lack(out, self.lack.as_ref());
        let texts = self.records.iter().map(|one| Value::from(&*one.text));
        out.set("texts", texts.collect::<Vec<_>>());
    }
}

fn lack(out: &mut Record, lack: Option<&Lack>) {
    match lack {
        Some(Lack::Pending) => out.set("trouble", "no answer has come"),
        Some(Lack::Trouble(why)) => out.set("trouble", &**why),
        None => {}
    }
}

fn faults(out: &mut Record, errors: &[Fault], oddities: &[Fault]) {
    for (key, faults) in [("errors", errors), ("oddities", oddities)] {
        if !faults.is_empty() {
            let faults = faults.iter().map(ToString::to_string);
            out.set(key, faults.collect::<Vec<_>>());
        }
    }
}

fn whole(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn number(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
