//! Branches that have a form of their own, as people would tell them: certificates, TLSA records, first words, logins,
//! senders and recipients, quotas, messages.

use probe_core::{Record, Value};

use super::{Page, find};

impl Page {
    /// The branch in lines; `None` where it has no form of its own.
    pub(super) fn known(&self, tree: &Record) -> Option<Vec<String>> {
        self.certificate(tree)
            .or_else(|| self.tlsa(tree))
            .or_else(|| greeting(tree))
            .or_else(|| self.attempt(tree))
            .or_else(|| self.acceptance(tree))
            .or_else(|| self.quota(tree))
            .or_else(|| self.message(tree))
            .or_else(|| self.edit(tree))
            .or_else(|| self.listing(tree))
            .or_else(|| self.host(tree))
    }

    fn certificate(&self, tree: &Record) -> Option<Vec<String>> {
        let Value::Time(not_after) = find(tree, "not_after")? else {
            return None;
        };
        let text = |key| find(tree, key).and_then(|value| self.words(value));
        let subject = text("subject")?;
        let issuer = text("issuer").unwrap_or_default();
        let by = match issuer == subject {
            true => "signed by itself".to_owned(),
            false => format!("by {issuer}"),
        };
        let validity = match find(tree, "not_before") {
            Some(Value::Time(from)) if *from > self.now => {
                format!("valid from {}", self.term(*from))
            }
            _ if *not_after < self.now => format!("expired on {}", self.term(*not_after)),
            _ => format!("valid until {}", self.term(*not_after)),
        };
        let key = match (text("key"), text("key_bits")) {
            (Some(key), Some(bits)) if key == "RSA" => format!(", RSA {bits}"),
            (Some(key), _) => format!(", {key}"),
            (None, _) => String::new(),
        };
        let names: Vec<_> = [text("names"), text("addresses")]
            .into_iter()
            .flatten()
            .collect();
        let names = (!names.is_empty()).then(|| format!("for {}", names.join(", ")));
        let lines = [Some(subject), names, Some(by), Some(validity + &key)];
        Some(lines.into_iter().flatten().collect())
    }

    /// A TLSA record that was expected, and what became of it.
    fn tlsa(&self, tree: &Record) -> Option<Vec<String>> {
        let text = |key| find(tree, key).and_then(|value| self.words(value));
        let (record, outcome) = (text("record")?, text("outcome")?);
        let is_outranked = matches!(find(tree, "outranked")?, Value::Flag(true));
        let mut lines = vec![record];
        lines.push(match (text("reason"), is_outranked) {
            (Some(reason), _) => format!("{outcome}: {reason}"),
            (None, true) => format!("{outcome}, but a stronger digest stands beside it"),
            (None, false) => outcome,
        });
        Some(lines)
    }

    /// A list, and what it says.
    fn listing(&self, tree: &Record) -> Option<Vec<String>> {
        let text = |key| find(tree, key).and_then(|value| self.words(value));
        let (zone, listing) = (text("zone")?, text("listing")?);
        let meanings = text("meanings").map(|meanings| format!(": {meanings}"));
        let meanings = meanings.unwrap_or_default();
        let first = match text("polarity").as_deref() {
            Some("block") | None => format!("{zone} ({listing}){meanings}"),
            Some(other) => format!("{zone} ({listing}, {other}){meanings}"),
        };
        let rest = [text("why"), text("reason"), text("delisting")];
        Some(
            core::iter::once(first)
                .chain(rest.into_iter().flatten())
                .collect(),
        )
    }

    /// One mechanism tried, and the server's words to it.
    fn attempt(&self, tree: &Record) -> Option<Vec<String>> {
        let text = |key| find(tree, key).and_then(|value| self.words(value));
        let mechanism = text("mechanism")?;
        let reply = text("reply").unwrap_or_else(|| "no answer".to_owned());
        // The line ends of a reply arrive here as text.
        let reply = reply.replace("\\u{d}\\u{a}", "; ");
        let mut lines = vec![format!("{mechanism}: {reply}")];
        lines.extend(text("server_error"));
        Some(lines)
    }

    /// What a server thinks of a sender or a recipient, and its words.
    fn acceptance(&self, tree: &Record) -> Option<Vec<String>> {
        let text = |key| find(tree, key).and_then(|value| self.words(value));
        let (verdict, reply) = (text("verdict")?, text("reply")?);
        let reply = reply.replace("\\u{d}\\u{a}", "; ");
        Some(match text("address") {
            Some(address) => vec![format!("{address}: {verdict}"), reply],
            None => vec![verdict, reply],
        })
    }

    /// How much of a limit is used.
    fn quota(&self, tree: &Record) -> Option<Vec<String>> {
        let text = |key| find(tree, key).and_then(|value| self.words(value));
        let (used, limit) = (text("used")?, text("limit")?);
        let (resource, root) = (text("resource")?, text("root")?);
        let percent = match find(tree, "used_ratio")? {
            Value::Metric(ratio) => ratio.value * 100.0,
            _ => return None,
        };
        let whose = match root.is_empty() {
            true => resource,
            false => format!("{resource} of {root}"),
        };
        Some(vec![format!("{used} of {limit} ({percent:.0} %), {whose}")])
    }

    /// A message that was read.
    fn message(&self, tree: &Record) -> Option<Vec<String>> {
        find(tree, "described")?;
        let text = |key| find(tree, key).and_then(|value| self.words(value));
        let octets = text("octets").unwrap_or_else(|| "nothing".to_owned());
        let amount = match text("size") {
            Some(size) if size != octets => format!("{octets} of {size}"),
            _ => octets,
        };
        let which = text("uid").map(|uid| format!(", UID {uid}"));
        Some(vec![amount + &which.unwrap_or_default()])
    }

    /// How far the proof came that mail can be edited, each step once.
    fn edit(&self, tree: &Record) -> Option<Vec<String>> {
        let Value::List(done) = find(tree, "done")? else {
            return None;
        };
        let verdict = match find(tree, "proven")? {
            Value::Labelled(proven, _) if **proven == Value::Flag(true) => "proven, byte for byte",
            _ if find(tree, "identical") == Some(&Value::Flag(false)) => {
                "not proven: the message came back changed"
            }
            _ => "not proven",
        };
        let mut steps: Vec<String> = Vec::new();
        for step in done.iter().filter_map(|step| self.words(step)) {
            if !steps.contains(&step) {
                steps.push(step);
            }
        }
        let mut lines = vec![verdict.to_owned()];
        if !steps.is_empty() {
            lines.push(steps.join(", "));
        }
        let push = find(tree, "push").and_then(|value| self.words(value));
        lines.extend(push.map(|time| format!("another session heard of it after {time}")));
        Some(lines)
    }
}

/// The first words of a server: the code before each line.
fn greeting(tree: &Record) -> Option<Vec<String>> {
    let Value::List(lines) = find(tree, "lines")? else {
        return None;
    };
    let code = match find(tree, "code") {
        Some(Value::Metric(code)) => format!("{} ", code.value),
        _ => String::new(),
    };
    let line = |value: &Value| match value {
        Value::Text(text) => Some(format!("{code}{text}").trim_end().to_owned()),
        _ => None,
    };
    Some(lines.iter().filter_map(line).collect())
}
