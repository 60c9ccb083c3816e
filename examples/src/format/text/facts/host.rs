//! What a mail host says of itself, as people would tell it: queues, destinations, counters, processors, memory, disks.

use probe_core::{Record, Value};

use super::{Page, find};

impl Page {
    /// The branch in lines; `None` where it is of something else.
    pub(super) fn host(&self, tree: &Record) -> Option<Vec<String>> {
        self.queue(tree)
            .or_else(|| self.destination(tree))
            .or_else(|| self.counter(tree))
            .or_else(|| self.processors(tree))
            .or_else(|| self.room(tree))
            .or_else(|| self.latency(tree))
            .or_else(|| pressure(tree))
    }

    /// A queue; of an empty one no more than that.
    fn queue(&self, tree: &Record) -> Option<Vec<String>> {
        let Value::List(ages) = find(tree, "ages")? else {
            return None;
        };
        let text = |key| find(tree, key).and_then(|value| self.words(value));
        let (name, messages) = (text("name")?, text("messages")?);
        if messages == "0" {
            return Some(vec![format!("{name}: empty")]);
        }
        let plural = if messages == "1" { "" } else { "s" };
        let mut line = format!("{name}: {messages} message{plural}");
        for (words, value) in [("", text("bytes")), ("the oldest ", text("oldest_seconds"))] {
            if let Some(value) = value {
                line.push_str(&format!(", {words}{value}"));
            }
        }
        let ages = ages.iter().filter_map(|age| {
            let Value::Tree(age) = age else {
                return None;
            };
            let text = |key| find(age, key).and_then(|value| self.words(value));
            let count = text("messages").filter(|count| count != "0")?;
            Some(match text("up_to")? {
                bound if bound == "older" => format!("{count} older"),
                bound => format!("{count} up to {bound}"),
            })
        });
        let ages: Vec<_> = ages.collect();
        let ages = (!ages.is_empty()).then(|| ages.join(", "));
        Some([Some(line), ages].into_iter().flatten().collect())
    }

    /// Where mail waits to go to, and why.
    fn destination(&self, tree: &Record) -> Option<Vec<String>> {
        let text = |key| find(tree, key).and_then(|value| self.words(value));
        let (domain, recipients) = (text("domain")?, text("recipients")?);
        let domain = match domain.is_empty() {
            true => "this machine",
            false => &domain,
        };
        let plural = if recipients == "1" { "" } else { "s" };
        let reason = text("reason").map(|reason| format!(", {reason}"));
        let reason = reason.unwrap_or_default();
        Some(vec![format!(
            "{domain}: {recipients} recipient{plural}{reason}"
        )])
    }

    /// A counter of Exchange.
    fn counter(&self, tree: &Record) -> Option<Vec<String>> {
        let text = |key| find(tree, key).and_then(|value| self.words(value));
        let (counter, value) = (text("counter")?, text("value")?);
        let counter = counter.replace('_', " ");
        // Of some there is one for each of very many tasks.
        if text("instance").is_some() && !self.style.verbose {
            return Some(Vec::new());
        }
        let of = text("instance").map(|instance| format!(" of {instance}"));
        Some(vec![format!(
            "{counter}{}: {value}",
            of.unwrap_or_default()
        )])
    }

    fn processors(&self, tree: &Record) -> Option<Vec<String>> {
        let part = |key| number(tree, key).map(percent);
        let mut line = format!("{} busy", part("busy")?);
        let modes = [
            ("user", "user"),
            ("system", "system"),
            ("waiting", "waiting for disks"),
            ("stolen", "taken away"),
        ];
        for (key, words) in modes {
            if let Some(part) = part(key) {
                line.push_str(&format!(", {words} {part}"));
            }
        }
        if let Some(Value::Number(over)) = find(tree, "over_ms") {
            line.push_str(&format!(", over {over} ms"));
        }
        Some(vec![line])
    }

    /// Memory, swap space, a file system: how much of it is left.
    fn room(&self, tree: &Record) -> Option<Vec<String>> {
        let text = |key| find(tree, key).and_then(|value| self.words(value));
        let (left, all) = match find(tree, "available") {
            Some(_) => ("available", "total"),
            None if find(tree, "total").is_some() => ("free", "total"),
            None => ("free", "size"),
        };
        let ratio = number(tree, left)? / number(tree, all)?;
        let (octets, of) = (text(left)?, text(all)?);
        let mut line = format!("{octets} of {of} {left} ({})", percent(ratio));
        if let Some(name) = text("name") {
            line = format!("{name}: {line}");
        }
        if let Some(inodes) = number(tree, "inodes_free") {
            line.push_str(&format!(", inodes {} free", percent(inodes)));
        }
        if find(tree, "holds_queue") == Some(&Value::Flag(true)) {
            line.push_str(", holds the queue");
        }
        if let Some(access) = text("access").filter(|access| access != "read-write") {
            line.push_str(&format!(", {access}"));
        }
        Some(vec![line])
    }

    fn latency(&self, tree: &Record) -> Option<Vec<String>> {
        let text = |key| find(tree, key).and_then(|value| self.words(value));
        let each = [("a read", "read_seconds"), ("a write", "write_seconds")];
        let told = each
            .into_iter()
            .filter_map(|(words, key)| Some(format!("{words} takes {}", text(key)?)));
        let told: Vec<_> = told.collect();
        let name = text("name").filter(|_| !told.is_empty())?;
        Some(vec![format!("{name}: {}", told.join(", "))])
    }
}

/// For how much of the time something was wanting.
fn pressure(tree: &Record) -> Option<Vec<String>> {
    let Value::Text(resource) = find(tree, "resource")? else {
        return None;
    };
    let mut line = format!("{resource}: some waited {}", percent(number(tree, "some")?));
    if let Some(full) = number(tree, "full") {
        line.push_str(&format!(", all {}", percent(full)));
    }
    Some(vec![format!("{line} of the time")])
}

fn number(tree: &Record, key: &str) -> Option<f64> {
    match find(tree, key)? {
        Value::Metric(metric) => Some(metric.value),
        _ => None,
    }
}

fn percent(part: f64) -> String {
    format!("{:.0} %", part * 100.0)
}
