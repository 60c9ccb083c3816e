//! What is learned of a route: this run's canary, what arrived, and the numbers of all runs. Names of metrics are API.

use std::time::{Duration, SystemTime};

use probe_core::{Facts, Metric, Record, Unit};

use crate::authentication::Authentication;
use crate::bounce::Bounce;
use crate::integrity::Integrity;
use crate::ledger::{Counts, Histogram, Ledger, Patience, Standing};
use crate::token::{Form, Name, Size, Token};
use crate::trace::Protocol;
use crate::transit::{ClockOff, Direction, Leg, Proof, Transit};

/// What is known of mail on one route.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DeliveryFacts {
    /// Which route.
    pub route: Option<Name>,
    /// The canary that this run sent.
    pub canary: Option<CanaryFacts>,
    /// What arrived in this run, also if it was sent in an earlier one, in the order in which it was seen.
    pub arrivals: Vec<Arrival>,
    /// Reports that came in this run.
    pub bounces: Vec<Bounce>,
    /// Answers of programs that were passed over.
    pub auto_replies: u64,
    /// Messages that look like canaries, and whose token no key made.
    pub forged: u64,
    /// Canaries of other probers on the same mailbox.
    pub others: u64,
    /// What was deleted of ours.
    pub removed: u64,
    /// What of ours is still there although it should not be.
    pub left_behind: u64,
    /// How often the watch over a mailbox was interrupted and taken up again.
    pub interruptions: u64,
    /// The numbers of all runs.
    pub counts: Counts,
    /// Of those that are lost, the ones that the ledger still knows one by one: what is settled is an old story.
    pub recently_lost: u64,
    /// Of those that overtook others, likewise.
    pub recently_reordered: u64,
    /// Canaries that nothing more is known of, since they were too many.
    pub dropped: u64,
    /// Lines of the ledger that could not be read.
    pub unreadable: u64,
}

impl DeliveryFacts {
    /// Takes over what a ledger knows of the route.
    pub fn take_ledger(&mut self, ledger: &Ledger, now: SystemTime, patience: &Patience) {
        let Some(route) = &self.route else {
            return;
        };
        let recent = ledger.recent(route, now, patience);
        self.counts = ledger.counts(route, now, patience);
        self.recently_lost = recent.lost;
        self.recently_reordered = recent.reordered;
        self.dropped = ledger.dropped();
        self.unreadable = ledger.unreadable();
        if let Some(canary) = &mut self.canary
            && let Some(entry) = ledger.get(&canary.token)
        {
            canary.send = entry.send;
            canary.standing = entry.standing(now, patience);
        }
    }
}

impl Facts for DeliveryFacts {
    fn record(&self, out: &mut Record) {
        let route = self.route.as_ref().map(Name::as_str).unwrap_or_default();
        let count = |name: &'static str, value: u64| {
            Metric::whole(name, Unit::Count, value).with_label("route", route)
        };
        out.set("route", self.route.as_ref().map(Name::as_str));
        if let Some(canary) = &self.canary {
            out.tree("canary", |out| canary.record(route, out));
        }
        out.trees("arrivals", &self.arrivals, |arrival, out| {
            arrival.record(route, out);
        });
        out.trees("bounces", &self.bounces, record_bounce);
        for (key, name, value) in [
            (
                "auto_replies",
                "probe_delivery_auto_replies",
                self.auto_replies,
            ),
            ("forged", "probe_delivery_forged", self.forged),
            ("others", "probe_delivery_others", self.others),
            ("removed", "probe_delivery_removed", self.removed),
            (
                "interruptions",
                "probe_delivery_interruptions",
                self.interruptions,
            ),
            (
                "left_behind",
                "probe_delivery_left_behind",
                self.left_behind,
            ),
        ] {
            out.metric(key, count(name, value));
        }
        out.tree("counts", |out| record_counts(&self.counts, route, out));
        let lost = count("probe_delivery_recently_lost", self.recently_lost);
        out.metric("recently_lost", lost);
        let reordered = count("probe_delivery_recently_reordered", self.recently_reordered);
        out.metric("recently_reordered", reordered);
        for (step, histogram) in [
            ("send", &self.counts.send),
            ("transit", &self.counts.transit),
            ("receive", &self.counts.receive),
        ] {
            out.tree(step, |out| record_histogram(histogram, route, step, out));
        }
        out.metric("dropped", count("probe_delivery_dropped", self.dropped));
        out.metric(
            "unreadable",
            count("probe_delivery_unreadable", self.unreadable),
        );
    }
}

/// The canary that a run sent.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CanaryFacts {
    /// What it is known by.
    pub token: Token,
    /// How large it is.
    pub size: Size,
    /// What it is made of.
    pub form: Form,
    /// How many octets it has.
    pub octets: u64,
    /// When it was begun to be sent.
    pub begun_at: SystemTime,
    /// How long it took until the server had taken it.
    pub send: Option<Duration>,
    /// How it stands at the end of the run.
    pub standing: Standing,
}

impl CanaryFacts {
    /// One that was just begun to be sent.
    pub fn new(canary: &crate::canary::Canary, begun_at: SystemTime) -> Self {
        let claims = canary.claims();
        Self {
            token: canary.token(),
            size: claims.size,
            form: claims.form,
            octets: u64::try_from(canary.bytes().len()).unwrap_or(u64::MAX),
            begun_at,
            send: None,
            standing: Standing::Pending,
        }
    }

    fn record(&self, route: &str, out: &mut Record) {
        out.set("token", self.token.to_string());
        out.set("size", self.size.as_str());
        out.set("form", self.form.as_str());
        let octets = Metric::whole("probe_delivery_size_bytes", Unit::Bytes, self.octets);
        out.metric("octets", octets.with_label("route", route));
        out.set("begun_at", self.begun_at);
        let send = |time| Metric::duration("probe_delivery_send_seconds", time);
        if let Some(time) = self.send {
            out.metric("send", send(time).with_label("route", route));
        }
        out.set("standing", self.standing.as_str());
    }
}

/// A canary that arrived.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Arrival {
    /// Which one.
    pub token: Token,
    /// When it was begun to be sent.
    pub sent_at: SystemTime,
    /// When it was seen, on our own clock.
    pub seen_at: SystemTime,
    /// When the mailbox says that it got it, on its clock.
    pub stored_at: Option<SystemTime>,
    /// In which folder it was, where there are folders.
    pub folder: Option<String>,
    /// What kind of folder that is.
    pub placement: Placement,
    /// How it stands.
    pub standing: Standing,
    /// Whether it had arrived before.
    pub is_duplicate: bool,
    /// How long it was on its way.
    pub transit: Option<Duration>,
    /// How long it took to see it in the mailbox.
    pub receive: Option<Duration>,
    /// Its way, hop by hop.
    pub way: Transit,
    /// What the receiving server says of SPF, DKIM and DMARC.
    pub authentication: Option<Authentication>,
    /// What changed on the way, where all of it was read.
    pub integrity: Option<Integrity>,
}

impl Arrival {
    /// One that was seen just now; what else is known is filled in.
    pub fn new(known: &crate::recognise::Known, sent_at: SystemTime, seen_at: SystemTime) -> Self {
        Self {
            token: known.token,
            sent_at,
            seen_at,
            stored_at: None,
            folder: None,
            placement: Placement::Unknown,
            standing: Standing::Arrived,
            is_duplicate: false,
            transit: None,
            receive: None,
            way: Transit::default(),
            authentication: None,
            integrity: None,
        }
    }

    fn record(&self, route: &str, out: &mut Record) {
        out.set("token", self.token.to_string());
        out.set("sent_at", self.sent_at);
        out.set("seen_at", self.seen_at);
        out.set("stored_at", self.stored_at);
        out.set("folder", self.folder.clone());
        out.set("placement", self.placement.as_str());
        out.set("standing", self.standing.as_str());
        out.set("is_duplicate", self.is_duplicate);
        for (key, name, time) in [
            ("transit", "probe_delivery_transit_seconds", self.transit),
            ("receive", "probe_delivery_receive_seconds", self.receive),
        ] {
            if let Some(time) = time {
                out.metric(key, Metric::duration(name, time).with_label("route", route));
            }
        }
        out.trees(
            "hops",
            self.way.legs.iter().enumerate(),
            |(place, leg), out| {
                record_leg(leg, place, route, out);
            },
        );
        let left_out = i64::try_from(self.way.left_out).unwrap_or(i64::MAX);
        out.set("hops_left_out", left_out);
        out.trees("clocks", &self.way.clocks, record_clock);
        if let Some(authentication) = &self.authentication {
            out.tree("authentication", |out| {
                record_authentication(authentication, route, out);
            });
        }
        if let Some(integrity) = &self.integrity {
            out.tree("integrity", |out| integrity.record(out));
        }
    }
}

/// In what kind of folder a canary was found.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Placement {
    /// The inbox.
    Inbox,
    /// Where spam goes.
    Junk,
    /// Another folder.
    Other,
    /// Not told: POP3 has no folders.
    #[default]
    Unknown,
}

impl Placement {
    /// The name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Junk => "junk",
            Self::Other => "other",
            Self::Unknown => "unknown",
        }
    }
}

fn record_counts(counts: &Counts, route: &str, out: &mut Record) {
    let count = |name: &'static str, value: u64| {
        Metric::whole(name, Unit::Count, value).with_label("route", route)
    };
    for standing in Standing::ALL {
        let metric = count("probe_delivery_canaries", counts.of(standing));
        out.metric(
            standing.as_str().replace('-', "_"),
            metric.with_label("standing", standing.as_str()),
        );
    }
    let duplicates = count("probe_delivery_duplicates_total", counts.duplicates);
    out.metric("duplicates", duplicates);
    let reordered = count("probe_delivery_reordered_total", counts.reordered);
    out.metric("reordered", reordered);
}

fn record_bounce(bounce: &Bounce, out: &mut Record) {
    out.set("token", bounce.canary.token.to_string());
    out.set("action", bounce.action.as_str());
    out.set("cause", bounce.cause.as_str());
    out.set("status", bounce.status.map(|status| status.to_string()));
    out.set("diagnostic", bounce.diagnostic.clone());
    out.set("reporter", bounce.reporter.clone());
    out.set("remote", bounce.remote.clone());
    out.set("recipient", bounce.recipient.clone());
    out.set("retries_until", bounce.retries_until);
}

/// A host may take a message more than once, so its place is a label too.
fn record_leg(leg: &Leg, place: usize, route: &str, out: &mut Record) {
    out.set("host", leg.host.clone());
    out.set("from", leg.from.clone());
    out.set("at", leg.at);
    if let Some(delay) = leg.delay {
        let metric = Metric::duration("probe_delivery_hop_seconds", delay);
        let metric = metric.with_label("route", route);
        let metric = metric.with_label("hop", (place + 1).to_string());
        out.metric("delay", metric.with_label("host", leg.host.clone()));
    }
    out.set("stated_ms", leg.stated_ms);
    out.set("protocol", leg.protocol.as_ref().map(Protocol::as_str));
    out.set("protection", leg.protection.as_str());
    let tls = leg.tls.as_ref();
    out.set("tls_version", tls.and_then(|tls| tls.version.clone()));
    out.set("tls_cipher", tls.and_then(|tls| tls.cipher.clone()));
    let quirks = leg.quirks.iter().map(|quirk| quirk.as_str());
    out.set("quirks", quirks.collect::<Vec<_>>());
}

fn record_clock(clock: &ClockOff, out: &mut Record) {
    out.set("host", clock.host.clone());
    out.set(
        "direction",
        match clock.direction {
            Direction::Fast => "fast",
            Direction::Slow => "slow",
        },
    );
    let least = Metric::duration("probe_delivery_clock_off_seconds", clock.at_least);
    out.metric("at_least", least.with_label("host", clock.host.clone()));
    let most = clock.at_most.map(|most| most.as_millis());
    out.set("at_most_ms", most.and_then(|most| i64::try_from(most).ok()));
    out.set(
        "proof",
        match clock.proof {
            Proof::OtherHops => "other-hops",
            Proof::OurClock => "our-clock",
        },
    );
}

fn record_authentication(authentication: &Authentication, route: &str, out: &mut Record) {
    out.set("server", authentication.server.clone());
    out.trees("results", &authentication.results, |result, out| {
        let pass = u64::from(result.outcome.as_str() == "pass");
        let metric = Metric::whole("probe_delivery_authentication", Unit::Count, pass);
        out.set("method", result.method.clone());
        out.label(
            "outcome",
            result.outcome.as_str(),
            metric
                .with_label("route", route)
                .with_label("method", result.method.clone()),
        );
        out.set("reason", result.reason.clone());
    });
}

fn record_histogram(histogram: &Histogram, route: &str, step: &'static str, out: &mut Record) {
    let labelled = |metric: Metric| metric.with_label("route", route).with_label("step", step);
    for (bound, count) in histogram.cumulative() {
        let bound = bound.as_secs_f64().to_string();
        let metric = Metric::whole("probe_delivery_duration_seconds_bucket", Unit::Count, count);
        out.metric(
            format!("le_{bound}"),
            labelled(metric).with_label("le", bound),
        );
    }
    let count = histogram.count();
    let all = Metric::whole("probe_delivery_duration_seconds_bucket", Unit::Count, count);
    out.metric("le_inf", labelled(all).with_label("le", "+Inf"));
    let all = Metric::whole("probe_delivery_duration_seconds_count", Unit::Count, count);
    out.metric("count", labelled(all));
    let sum = Metric::duration("probe_delivery_duration_seconds_sum", histogram.total());
    out.metric("sum", labelled(sum));
}
