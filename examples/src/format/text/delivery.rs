//! A delivery, as people would tell it: the canary of this run, what arrived with its way hop by hop, reports on what did
//! not, and how all that were sent stand. The hops are in `delivery/hops.rs`.

mod hops;

use core::time::Duration;

use probe_core::{Record, Value};

use super::facts::{Page, find};
use super::{milliseconds, within_calendar};

/// Where everything begins.
const INDENT: usize = 4;

/// Standings, the good ones first.
const STANDINGS: [(&str, &str); 7] = [
    ("arrived", "arrived"),
    ("arrived_late", "arrived late"),
    ("pending", "pending"),
    ("late", "late"),
    ("lost", "lost"),
    ("bounced", "bounced"),
    ("refused", "refused"),
];

/// The steps of a delivery, and how their times are told.
const STEPS: [(&str, &str); 3] = [
    ("send", "handed over in"),
    ("transit", "on its way for"),
    ("receive", "seen after"),
];

impl Page {
    /// The facts of a delivery. Of hops `slow` many are slow, at most one of each arrival.
    pub(super) fn delivery(&mut self, facts: &Record, slow: usize) {
        let text = |key| find(facts, key).and_then(|value| self.words(value));
        let route = text("route").unwrap_or_default();
        self.lines("route", &[route], INDENT);
        if let Some(Value::Tree(canary)) = find(facts, "canary") {
            let lines = self.canary(canary);
            self.lines("canary", &lines, INDENT);
        }
        let arrivals: Vec<_> = trees(facts, "arrivals").collect();
        let slow_from = hops::slow_from(&arrivals, slow);
        for arrival in arrivals {
            let lines = self.arrival(arrival);
            self.lines("arrival", &lines, INDENT);
            self.hops(arrival, slow_from);
        }
        for bounce in trees(facts, "bounces") {
            let lines = self.bounce(bounce);
            self.lines("report", &lines, INDENT);
        }
        self.lines("of all", &[standings(facts)], INDENT);
        for (key, line) in [("on average", averages(facts)), ("also", beside(facts))] {
            if !line.is_empty() {
                self.lines(key, &[line], INDENT);
            }
        }
    }

    fn canary(&self, canary: &Record) -> Vec<String> {
        let text = |key| find(canary, key).and_then(|value| self.words(value));
        let standing = text("standing").unwrap_or_default().replace('-', " ");
        let kind = [text("size"), text("form"), text("octets")];
        let kind: Vec<_> = kind.into_iter().flatten().collect();
        let mut lines = vec![format!("{standing}: {}", kind.join(", "))];
        let begun = moment(canary, "begun_at").unwrap_or_default();
        lines.push(match text("send") {
            Some(took) => format!("sent {begun}, taken after {took}"),
            None => format!("begun to be sent {begun}, not known to be taken"),
        });
        lines.extend(text("token").filter(|_| self.style.verbose));
        lines
    }

    fn arrival(&self, arrival: &Record) -> Vec<String> {
        let text = |key| find(arrival, key).and_then(|value| self.words(value));
        let folder = text("folder").map(|folder| format!(" ({folder})"));
        let place = match text("placement").as_deref() {
            Some("inbox") => "in the inbox",
            Some("junk") => "among the junk",
            Some("other") => "in another folder",
            _ => "in the maildrop",
        };
        let mut place = format!("{place}{}", folder.unwrap_or_default());
        if text("standing").as_deref() == Some("arrived-late") {
            place.push_str(", late");
        }
        if find(arrival, "is_duplicate") == Some(&Value::Flag(true)) {
            place.push_str(", once more");
        }
        let seen = moment(arrival, "seen_at").unwrap_or_default();
        let times = STEPS.into_iter().filter_map(|(key, words)| {
            Some(format!("{words} {}", spoken(duration(arrival, key)?)))
        });
        let times: Vec<_> = times.collect();
        let mut lines = vec![place, format!("seen {seen}")];
        if !times.is_empty() {
            lines.push(times.join(", "));
        }
        lines.extend(self.authentication(arrival));
        lines.extend(integrity(arrival));
        lines.extend(text("token").filter(|_| self.style.verbose));
        lines
    }

    /// `SPF pass, DKIM pass, DMARC none, says mx.example.net`.
    fn authentication(&self, arrival: &Record) -> Option<String> {
        let Value::Tree(said) = find(arrival, "authentication")? else {
            return None;
        };
        let result = |result: &Record| {
            let text = |key| find(result, key).and_then(|value| self.words(value));
            let method = text("method")?.to_ascii_uppercase();
            Some(format!("{method} {}", text("outcome")?))
        };
        let results: Vec<_> = trees(said, "results").filter_map(result).collect();
        let results = match results.is_empty() {
            true => "nothing of SPF, DKIM and DMARC".to_owned(),
            false => results.join(", "),
        };
        let server = find(said, "server").and_then(|server| self.words(server));
        Some(match server {
            Some(server) => format!("{results}, says {server}"),
            None => results,
        })
    }

    fn bounce(&self, bounce: &Record) -> Vec<String> {
        let text = |key| find(bounce, key).and_then(|value| self.words(value));
        let parts = [text("action"), text("cause"), text("status")];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        let mut lines = vec![parts.join(", ")];
        let named = [
            ("for ", text("recipient")),
            ("by ", text("reporter")),
            ("after a word of ", text("remote")),
            ("tried until ", moment(bounce, "retries_until")),
            ("", text("diagnostic")),
        ];
        let named = named.into_iter();
        lines.extend(named.filter_map(|(words, name)| Some(format!("{words}{}", name?))));
        lines
    }
}

/// `as it was sent`, or what became of it.
fn integrity(arrival: &Record) -> Vec<String> {
    let Some(Value::Tree(integrity)) = find(arrival, "integrity") else {
        return Vec::new();
    };
    let attachment = match find(integrity, "attachment") {
        Some(Value::Text(attachment)) if attachment == "changed" => Some("the attachment changed"),
        Some(Value::Text(attachment)) if attachment == "missing" => {
            Some("the attachment is missing")
        }
        _ => None,
    };
    let mut lines: Vec<_> = attachment.into_iter().map(str::to_owned).collect();
    if let Some(Value::List(changes)) = find(integrity, "changes") {
        lines.extend(changes.iter().filter_map(|change| match change {
            Value::Text(change) => Some(change.clone()),
            _ => None,
        }));
    }
    if lines.is_empty() {
        lines.push("as it was sent".to_owned());
    }
    lines
}

/// How all that were sent stand: `12 arrived, 1 pending, 2 lost (1 of them lately)`.
fn standings(facts: &Record) -> String {
    let Some(Value::Tree(counts)) = find(facts, "counts") else {
        return "nothing is known".to_owned();
    };
    let standing = |(key, words): (&str, &str)| {
        let lately = match key {
            "lost" => count(facts, "recently_lost"),
            _ => None,
        };
        let lately = lately.map(|lately| format!(" ({lately} of them lately)"));
        let lately = lately.unwrap_or_default();
        Some(format!("{} {words}{lately}", count(counts, key)?))
    };
    let mut all: Vec<_> = STANDINGS.into_iter().filter_map(standing).collect();
    if all.is_empty() {
        all.push("none was sent".to_owned());
    }
    for (key, words) in [
        ("duplicates", "more than once"),
        ("reordered", "out of order"),
    ] {
        all.extend(count(counts, key).map(|count| format!("{count} {words}")));
    }
    all.join(", ")
}

/// How long each step took in all runs.
fn averages(facts: &Record) -> String {
    let step = |(key, words): (&str, &str)| {
        let Value::Tree(times) = find(facts, key)? else {
            return None;
        };
        let (count, sum) = (number(times, "count")?, number(times, "sum")?);
        let average = Duration::try_from_secs_f64(sum / count).ok()?;
        Some(format!("{words} {}", spoken(average)))
    };
    let steps = STEPS.into_iter().filter_map(step);
    steps.collect::<Vec<_>>().join(", ")
}

/// What is worth a word only where there is any.
fn beside(facts: &Record) -> String {
    let told = [
        ("others", "of other probers"),
        ("forged", "forged"),
        ("auto_replies", "automatic answers"),
        ("left_behind", "left behind"),
        ("interruptions", "interruptions"),
        ("dropped", "no longer known"),
        ("unreadable", "unreadable lines"),
    ];
    let told = told
        .into_iter()
        .filter_map(|(key, words)| Some(format!("{} {words}", count(facts, key)?)));
    told.collect::<Vec<_>>().join(", ")
}

fn trees<'a>(record: &'a Record, key: &str) -> impl Iterator<Item = &'a Record> {
    let list = match find(record, key) {
        Some(Value::List(list)) => list.as_slice(),
        _ => &[],
    };
    list.iter().filter_map(|value| match value {
        Value::Tree(tree) => Some(tree),
        _ => None,
    })
}

/// How many, if any.
fn count(record: &Record, key: &str) -> Option<f64> {
    number(record, key).filter(|count| *count > 0.0)
}

fn number(record: &Record, key: &str) -> Option<f64> {
    match find(record, key)? {
        Value::Metric(metric) => Some(metric.value),
        _ => None,
    }
}

fn duration(record: &Record, key: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(number(record, key)?).ok()
}

/// `2026-01-02 00:00:01 UTC`.
fn moment(record: &Record, key: &str) -> Option<String> {
    match find(record, key)? {
        Value::Time(time) => {
            let time = humantime::format_rfc3339_seconds(within_calendar(*time)).to_string();
            Some(time.replace('T', " ").replace('Z', " UTC"))
        }
        _ => None,
    }
}

/// `0 s`, `350.0 ms`, `12.50 s`, `5m 1s`.
fn spoken(time: Duration) -> String {
    const MINUTE: Duration = Duration::from_secs(60);
    match time {
        Duration::ZERO => "0 s".to_owned(),
        time if time < MINUTE => milliseconds(time),
        time => humantime::format_duration(Duration::from_secs(time.as_secs())).to_string(),
    }
}

#[cfg(test)]
mod tests;
