//! What was learned: the tree of facts, laid out so that people can read it. What monitors want to have exactly is
//! in the other formats.

mod host;
mod known;

use core::fmt::Write;
use std::time::{Duration, SystemTime};

use probe_core::{Facts, Finding, Metric, Record, Report, Unit, Value};

use super::{BOLD, DIM, Style, day, length, milliseconds, paragraph, section};

/// From here on nobody counts in seconds.
const HOURS: Duration = Duration::from_secs(2 * 60 * 60);

/// Where values begin.
const COLUMN: usize = 20;

/// Only shown when asked for: nobody reads them, somebody may need them. The findings tell of faults.
const PARTICULARS: [&str; 17] = [
    "alerts",
    "alpn",
    "apop_timestamp",
    "clean_lists",
    "domain",
    "doubtful_lists",
    "earliest_expiry",
    "faults",
    "flags",
    "highest_mod_seq",
    "ip_protocol",
    "knows_capa",
    "knows_ehlo",
    "permanent_flags",
    "revocation",
    "uid_next",
    "uid_validity",
];

/// Only worth a line where there are any.
const EXCEPTIONS: [&str; 3] = ["elsewhere", "malformed", "unreadable"];

pub(super) fn write(report: &Report, style: Style, out: &mut String) {
    let mut record = Record::default();
    report.facts.record(&mut record);
    let mut page = Page {
        now: report.started_at,
        style,
        out: String::new(),
    };
    match report.probe {
        "delivery" => {
            let is_slow = |finding: &&Finding| finding.code() == "delivery.slow-hop";
            let slow = report.findings.iter().filter(is_slow).count();
            page.delivery(&record, slow);
        }
        _ => page.tree(&record, 4),
    }
    if !page.out.is_empty() {
        section("what was learned", out);
        out.push_str(&page.out);
    }
}

pub(super) struct Page {
    /// What "in 60 days" is counted from.
    pub(super) now: SystemTime,
    pub(super) style: Style,
    pub(super) out: String,
}

impl Page {
    fn tree(&mut self, tree: &Record, indent: usize) {
        for (key, value) in tree.entries() {
            if self.style.verbose || !is_particular(key, value) {
                self.entry(key, value, indent);
            }
        }
    }

    fn entry(&mut self, key: &str, value: &Value, indent: usize) {
        match value {
            Value::Tree(tree) => self.branch(key, tree, indent),
            Value::List(values) if values.iter().any(is_tree) => {
                for (place, value) in values.iter().enumerate() {
                    let key = match (key, place) {
                        ("attempts", _) => "tried",
                        ("chain", 0) => "certificate",
                        ("chain", _) => "sent with it",
                        ("devices" | "disks", _) => "disk",
                        ("domains", _) => "destination",
                        ("exchange", _) => "counter",
                        ("listings", _) => "listing",
                        ("queues", _) => "queue",
                        ("recipients", _) => "recipient",
                        _ => key,
                    };
                    self.entry(key, value, indent);
                }
            }
            leaf => {
                if let Some(words) = self.words(leaf) {
                    self.lines(key, &[words], indent);
                }
            }
        }
    }

    fn branch(&mut self, key: &str, tree: &Record, indent: usize) {
        if let Some(lines) = self.known(tree) {
            self.lines(key, &lines, indent);
            if self.style.verbose {
                self.fingerprints(tree);
            }
        } else if tree.entries().any(|(_, value)| is_branching(value)) {
            let title = key.replace('_', " ");
            let _ = writeln!(self.out, "{:indent$}{BOLD}{title}{BOLD:#}", "");
            self.tree(tree, indent + 2);
        } else if tree.entries().next().is_some() {
            let words = self.members(tree);
            self.lines(key, &[words], indent);
        }
    }

    /// A branch without branches, in one line.
    fn members(&self, tree: &Record) -> String {
        let member = |(name, value)| {
            if !self.style.verbose && is_particular(name, value) {
                return None;
            }
            let words = self.words(value)?;
            let name = match value {
                // A name of the server's.
                Value::Labelled(..) => name.to_owned(),
                _ => name.replace('_', " "),
            };
            Some(format!("{name} {words}").trim_end().to_owned())
        };
        let members: Vec<_> = tree.entries().filter_map(member).collect();
        match members.is_empty() {
            true => "nothing".to_owned(),
            false => members.join(", "),
        }
    }

    pub(super) fn lines(&mut self, key: &str, lines: &[String], indent: usize) {
        let column = " ".repeat(COLUMN);
        let key = key.replace('_', " ");
        let width = COLUMN.saturating_sub(indent + 1);
        let mut before = format!("{:indent$}{DIM}{key:<width$}{DIM:#} ", "");
        for line in lines {
            // Colour takes no place on the screen, so it is put in when the line is laid out.
            let mut laid_out = String::new();
            paragraph(line, &column, &column, self.style, &mut laid_out);
            let rest = laid_out.get(COLUMN..).unwrap_or("\n");
            self.out.push_str(&before);
            self.out.push_str(rest);
            before.clone_from(&column);
        }
    }

    /// A leaf as text; `None` where there is nothing to show.
    pub(super) fn words(&self, value: &Value) -> Option<String> {
        match value {
            Value::Flag(true) => Some("yes".to_owned()),
            Value::Flag(false) => Some("no".to_owned()),
            Value::Labelled(value, _) => self.words(value),
            Value::List(values) if values.is_empty() => None,
            Value::List(values) => {
                let words: Vec<_> = values.iter().filter_map(|one| self.words(one)).collect();
                Some(words.join(", "))
            }
            Value::Metric(metric) => Some(self.quantity(metric)),
            Value::Number(number) => Some(number.to_string()),
            Value::Text(text) => Some(text.trim_end().to_owned()),
            Value::Time(time) => Some(day(*time)),
            _ => None,
        }
    }

    fn quantity(&self, metric: &Metric) -> String {
        match metric.unit {
            Unit::Bytes => bytes(metric.value),
            Unit::Seconds => match Duration::try_from_secs_f64(metric.value) {
                Ok(time) if time >= HOURS => length(time),
                Ok(time) => milliseconds(time),
                Err(_) => format!("{} s", metric.value),
            },
            Unit::Timestamp => {
                let since_1970 = Duration::try_from_secs_f64(metric.value).unwrap_or_default();
                self.term(
                    SystemTime::UNIX_EPOCH
                        .checked_add(since_1970)
                        .unwrap_or(self.now),
                )
            }
            _ => metric.value.to_string(),
        }
    }

    /// A day and how far it is from now: `2027-01-22 (60 days)`.
    fn term(&self, time: SystemTime) -> String {
        match time.duration_since(self.now) {
            Ok(left) => format!("{} ({})", day(time), length(left)),
            Err(over) => format!("{} ({} ago)", day(time), length(over.duration())),
        }
    }

    /// Numbers too long for the column of values, and useless when broken.
    fn fingerprints(&mut self, tree: &Record) {
        for key in ["serial", "signature", "sha256", "spki_sha256"] {
            if let Some(Value::Text(text)) = find(tree, key) {
                let name = key.trim_end_matches("_sha256");
                let _ = writeln!(self.out, "      {DIM}{name:<9}{DIM:#} {text}");
            }
        }
    }
}

fn is_particular(key: &str, value: &Value) -> bool {
    let is_none = match value {
        Value::Metric(metric) => metric.value == 0.0,
        value => *value == Value::Number(0),
    };
    PARTICULARS.contains(&key)
        || (is_none && EXCEPTIONS.contains(&key))
        || *value == Value::Text("not-asked".to_owned())
}

pub(super) fn find<'a>(tree: &'a Record, key: &str) -> Option<&'a Value> {
    let (_, value) = tree.entries().find(|(known, _)| *known == key)?;
    Some(value)
}

fn is_tree(value: &Value) -> bool {
    matches!(value, Value::Tree(_))
}

fn is_branching(value: &Value) -> bool {
    match value {
        Value::List(values) => values.iter().any(is_tree),
        value => is_tree(value),
    }
}

/// `50 MiB`, `34.2 MiB`.
fn bytes(count: f64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut count = count;
    let mut unit = "PiB";
    for smaller in units {
        if count < 1024.0 {
            unit = smaller;
            break;
        }
        count /= 1024.0;
    }
    match format!("{count:.1}").strip_suffix(".0") {
        Some(whole) => format!("{whole} {unit}"),
        None => format!("{count:.1} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    /// A moment of 2026.
    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + DAY * 20_600
    }

    fn page(verbose: bool, write: impl FnOnce(&mut Record)) -> String {
        let mut record = Record::default();
        write(&mut record);
        let mut page = Page {
            now: now(),
            style: Style::new(80, verbose),
            out: String::new(),
        };
        page.tree(&record, 4);
        anstream::adapter::strip_str(&page.out).to_string()
    }

    fn certificate(out: &mut Record, not_before: SystemTime, not_after: SystemTime) {
        out.trees("chain", [()], |(), out| {
            out.set("subject", "CN=mx.example.org");
            out.set("names", vec!["mx.example.org", "mail.example.org"]);
            out.set("addresses", Vec::<String>::new());
            out.set("issuer", "CN=Test CA");
            out.set("not_before", not_before);
            out.set("not_after", not_after);
            out.set("key", "RSA");
            out.set("key_bits", 2048_i64);
            out.set("sha256", "0123456789abcdef".repeat(4));
        });
    }

    #[test]
    fn a_certificate_reads_as_people_would_tell_it() {
        let told = page(false, |out| certificate(out, now() - DAY, now() + DAY * 60));
        assert_eq!(
            told,
            "    certificate     CN=mx.example.org
                    for mx.example.org, mail.example.org
                    by CN=Test CA
                    valid until 2026-07-26 (60 days), RSA 2048\n"
        );
        let over = page(false, |out| {
            certificate(out, now() - DAY * 9, now() - DAY * 8)
        });
        assert!(
            over.contains("expired on 2026-05-19 (8 days ago)"),
            "{over}"
        );
        let early = page(false, |out| {
            certificate(out, now() + DAY * 9, now() + DAY * 99)
        });
        assert!(early.contains("valid from 2026-06-05 (9 days)"), "{early}");
    }

    #[test]
    fn a_fingerprint_stays_in_one_piece() {
        let told = page(true, |out| certificate(out, now() - DAY, now() + DAY));
        let hex = "0123456789abcdef".repeat(4);
        let line = told.lines().find(|line| line.contains(&hex)).unwrap();
        assert!(line.chars().count() <= 80);
    }

    #[test]
    fn a_day_beyond_the_calendar_is_its_edge() {
        let year = DAY * 365;
        let epoch = SystemTime::UNIX_EPOCH;
        assert_eq!(day(epoch - year), "1970-01-01");
        assert_eq!(day(epoch + year * 9_000), "9999-12-31");
    }

    #[test]
    fn quantities_are_in_units_that_people_use() {
        let told = page(true, |out| {
            let bytes = |count| Metric::whole("x", Unit::Bytes, count);
            out.metric("even", bytes(52_428_800));
            out.metric("odd", bytes(35_882_577));
            out.metric("few", bytes(1_000));
            out.metric("until", Metric::timestamp("x", now() + DAY * 60));
            out.metric("took", Metric::duration("x", Duration::from_millis(1_500)));
            out.metric("count", Metric::new("x", Unit::Count, 4.0));
        });
        let values: Vec<_> = told.lines().map(|line| line[COLUMN..].trim()).collect();
        assert_eq!(
            values,
            [
                "50 MiB",
                "34.2 MiB",
                "1000 bytes",
                "2026-07-26 (60 days)",
                "1.50 s",
                "4"
            ]
        );
    }

    #[test]
    fn the_greeting_and_each_login_are_in_the_servers_words() {
        let told = page(false, |out| {
            out.tree("greeting", |out| {
                out.metric("code", Metric::new("x", Unit::Count, 220.0));
                out.set("domain", "mx.example.org");
                out.set(
                    "lines",
                    vec!["mx.example.org please wait", "mx.example.org"],
                );
            });
            out.trees("attempts", [()], |(), out| {
                out.set("mechanism", "XOAUTH2");
                out.set("reply", &b"535-5.7.8 no\r\n535 5.7.8 and no\r\n"[..]);
                out.set("server_error", "{\"status\":\"401\"}");
            });
        });
        assert_eq!(
            told,
            "    greeting        220 mx.example.org please wait
                    220 mx.example.org
    tried           XOAUTH2: 535-5.7.8 no; 535 5.7.8 and no
                    {\"status\":\"401\"}\n"
        );
    }

    #[test]
    fn a_recipient_is_told_by_the_verdict_and_the_servers_words() {
        let told = page(false, |out| {
            out.trees("recipients", ["alice@example.org"], |address, out| {
                out.set("address", address);
                out.set("verdict", "greylisted");
                out.set("code", 450_u16);
                out.set("reply", &b"450 4.7.1 Come again\r\n"[..]);
            });
        });
        assert_eq!(
            told,
            "    recipient       alice@example.org: greylisted
                    450 4.7.1 Come again\n"
        );
    }

    #[test]
    fn the_proof_of_editing_is_told_by_its_steps() {
        let edit = |is_proven: bool, is_identical: bool| {
            page(false, |out| {
                out.tree("edit", |out| {
                    let metric = Metric::new("x", Unit::Count, 0.0);
                    out.label("proven", is_proven, metric);
                    out.set("folder", "mailprobe-1");
                    out.set(
                        "done",
                        vec!["create", "create", "append", "store", "append"],
                    );
                    out.set("identical", is_identical);
                });
            })
        };
        assert_eq!(
            edit(true, true),
            "    edit            proven, byte for byte
                    create, append, store\n"
        );
        assert!(edit(false, false).contains(" not proven: the message came back changed\n"));
        assert!(edit(false, true).contains(" not proven\n"));
    }

    #[test]
    fn a_message_is_told_by_how_much_of_it_could_be_read() {
        let read = |octets: Option<u64>| {
            page(false, |out| {
                out.tree("read", |out| {
                    out.set("uid", 7_i64);
                    let bytes = |count| Metric::whole("x", Unit::Bytes, count);
                    out.metric("size", bytes(2048));
                    if let Some(octets) = octets {
                        out.metric("octets", bytes(octets));
                    }
                    out.set("described", true);
                });
            })
        };
        assert_eq!(read(Some(2048)), "    read            2 KiB, UID 7\n");
        assert_eq!(
            read(Some(12)),
            "    read            12 bytes of 2 KiB, UID 7\n"
        );
        assert_eq!(read(None), "    read            nothing of 2 KiB, UID 7\n");
    }

    #[test]
    fn nothing_is_shown_of_an_empty_branch() {
        assert_eq!(page(false, |out| out.tree("capabilities", |_| ())), "");
        assert_eq!(
            page(false, |out| out.set("faults", Vec::<String>::new())),
            ""
        );
    }
}
