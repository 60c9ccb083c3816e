//! What became of a canary's content on the way. Another transfer encoding of the same text is told as what it is, and so
//! are tags and footers; what is left is damage.

use core::fmt;

use probe_core::{Record, printable};
use probe_net::message::{Comparison, Difference, Headers, compare};
use sha2::{Digest, Sha256};

use crate::canary::{Canary, Content, SUBJECT};
use crate::mime::{Encoding, Leaf, unworded};

/// What became of a canary's content.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Integrity {
    /// What was done to it, in the order of the message; nothing if it is as it was sent.
    pub changes: Vec<Change>,
    /// What became of the attachment.
    pub attachment: Attachment,
}

/// What was done to a message.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// Words were put into the subject: what it is now, without the token.
    SubjectTagged(String),
    /// The text is in another transfer encoding; decoded, it is the same.
    Reencoded {
        /// In which it was sent.
        from: &'static str,
        /// In which it is now.
        to: &'static str,
    },
    /// The text is in another character set than it was sent in, or nobody says in which.
    Charset(String),
    /// Lines were added behind the text: how the first of them begins.
    Footer(String),
    /// Lines were added before it.
    Banner(String),
    /// Long lines are in several.
    Wrapped,
    /// Parts were added: how many.
    PartsAdded(usize),
    /// The text is missing.
    TextLost,
    /// The text was damaged.
    Damaged(Difference),
}

/// What became of the attachment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Attachment {
    /// Another one is in its place.
    Changed,
    /// None was sent.
    None,
    /// It is missing.
    Missing,
    /// It has the same digest.
    Same,
}

impl Attachment {
    /// The name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::None => "none",
            Self::Missing => "missing",
            Self::Same => "same",
        }
    }
}

impl Change {
    /// Whether something was lost or spoilt, rather than added or written otherwise.
    pub const fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged(_) | Self::TextLost | Self::Wrapped)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SubjectTagged(subject) => write!(f, "the subject became \"{subject}\""),
            Self::Reencoded { from, to } => write!(f, "the text went as {from} and came as {to}"),
            Self::Charset(name) => write!(f, "the text came in the character set {name}"),
            Self::Footer(line) => write!(f, "lines were added behind the text: \"{line}\""),
            Self::Banner(line) => write!(f, "lines were added before the text: \"{line}\""),
            Self::Wrapped => f.write_str("long lines were wrapped"),
            Self::PartsAdded(count) => write!(f, "parts were added: {count}"),
            Self::TextLost => f.write_str("the text is missing"),
            Self::Damaged(difference) => write!(f, "the text was damaged: {difference}"),
        }
    }
}

impl Integrity {
    /// Compares a message with the canary that it was.
    pub fn of(canary: &Canary, received: &[u8]) -> Self {
        let claims = canary.claims();
        let content = Content::new(claims.form, claims.size, claims.nonce);
        let mut changes = Vec::new();
        changes.extend(subject(canary, received));
        let leaves = Leaf::all_of(received);
        let sent = Leaf::all_of(canary.bytes());
        let text = content.text(canary.token());
        let mark = text.lines().next().unwrap_or_default().to_ascii_lowercase();
        let is_text = |leaf: &&Leaf<'_>| {
            leaf.media.name == "text/plain"
                && contains(&leaf.decoded().to_ascii_lowercase(), mark.as_bytes())
        };
        match (sent.first(), leaves.iter().find(is_text)) {
            (Some(sent), Some(found)) => changes.extend(text_changes(sent, found, &text)),
            _ => changes.push(Change::TextLost),
        }
        let added = leaves.len().saturating_sub(sent.len());
        if added > 0 {
            changes.push(Change::PartsAdded(added));
        }
        Self {
            changes,
            attachment: attachment(&content, &leaves),
        }
    }

    /// Whether something was lost or spoilt.
    pub fn is_damaged(&self) -> bool {
        let is_attached = matches!(self.attachment, Attachment::None | Attachment::Same);
        !is_attached || self.changes.iter().any(Change::is_damage)
    }

    pub(crate) fn record(&self, out: &mut Record) {
        out.set("is_damaged", self.is_damaged());
        out.set("attachment", self.attachment.as_str());
        let changes = self.changes.iter().map(Change::to_string);
        out.set("changes", changes.collect::<Vec<_>>());
    }
}

fn subject(canary: &Canary, received: &[u8]) -> Option<Change> {
    let field = Headers::of(received).get("Subject")?.value().into_owned();
    let found = String::from_utf8_lossy(&unworded(&field)).into_owned();
    let token = canary.token().to_string();
    if found == format!("{SUBJECT}{token}") {
        return None;
    }
    let short = found.replace(&token, "...");
    let short: String = short.chars().take(SHOWN).collect();
    Some(Change::SubjectTagged(printable(short.as_bytes())))
}

/// The most letters of a peer's words that are shown.
const SHOWN: usize = 80;

fn text_changes(sent: &Leaf<'_>, found: &Leaf<'_>, text: &str) -> Vec<Change> {
    let mut changes = Vec::new();
    let (from, to) = (encoding(sent), encoding(found));
    if from != to {
        changes.push(Change::Reencoded { from, to });
    }
    let charset = |leaf: &Leaf<'_>| {
        let name = leaf.media.parameter("charset").unwrap_or("us-ascii");
        name.to_ascii_lowercase()
    };
    let (asked, said) = (charset(sent), charset(found));
    // ASCII is UTF-8, and the most of the others too.
    if said != asked && !(text.is_ascii() && asked == "us-ascii") {
        let name: String = said.chars().take(SHOWN).collect();
        changes.push(Change::Charset(printable(name.as_bytes())));
    }
    let decoded = found.decoded();
    compare_texts(text.as_bytes(), &decoded, &mut changes);
    changes
}

/// Compares the texts, what was put around them apart.
fn compare_texts(sent: &[u8], found: &[u8], changes: &mut Vec<Change>) {
    let (sent, found) = (lines(sent), lines(found));
    let first = sent.first().copied().unwrap_or_default();
    let last = sent.last().copied().unwrap_or_default();
    let start = found
        .iter()
        .position(|line| line.trim_ascii().eq_ignore_ascii_case(first))
        .unwrap_or(0);
    let end = found.iter().rposition(|line| line.trim_ascii() == last);
    let end = end.map_or(found.len(), |end| end + 1).max(start);
    let (before, rest) = found.split_at_checked(start).unwrap_or((&[], &found));
    let (inner, after) = rest.split_at_checked(end - start).unwrap_or((rest, &[]));
    let words = |lines: &[&[u8]]| {
        let line = lines.iter().find(|line| !line.trim_ascii().is_empty())?;
        Some(printable(line.get(..SHOWN).unwrap_or(line).trim_ascii()))
    };
    changes.extend(words(before).map(Change::Banner));
    if let Some(difference) = damage(&sent, inner) {
        let joined = |lines: &[&[u8]]| {
            let all = lines.concat();
            let kept = all.into_iter().filter(|byte| !byte.is_ascii_whitespace());
            kept.collect::<Vec<_>>()
        };
        // The same letters in more lines.
        match inner.len() > sent.len() && joined(inner) == joined(&sent) {
            true => changes.push(Change::Wrapped),
            false => changes.extend(difference.into_iter().map(Change::Damaged)),
        }
    }
    changes.extend(words(after).map(Change::Footer));
}

/// How two texts of lines differ.
fn damage(sent: &[&[u8]], found: &[&[u8]]) -> Option<Vec<Difference>> {
    // An empty header section before each: only bodies are compared.
    let message = |lines: &[&[u8]]| [&b"\r\n"[..], &lines.join(&b"\r\n"[..]), b"\r\n"].concat();
    match compare(&message(sent), &message(found)) {
        Comparison::Identical => None,
        Comparison::Different(differences) => Some(differences),
    }
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .collect()
}

fn attachment(content: &Content, leaves: &[Leaf<'_>]) -> Attachment {
    let Some(octets) = &content.attachment else {
        return Attachment::None;
    };
    let expected = Sha256::digest(octets);
    let others = leaves
        .iter()
        .filter(|leaf| !leaf.media.name.starts_with("text/"));
    let mut is_there = false;
    for leaf in others {
        is_there = true;
        if Sha256::digest(leaf.decoded()) == expected {
            return Attachment::Same;
        }
    }
    match is_there {
        true => Attachment::Changed,
        false => Attachment::Missing,
    }
}

fn encoding(leaf: &Leaf<'_>) -> &'static str {
    match leaf.encoding() {
        Encoding::Base64 => "base64",
        Encoding::QuotedPrintable => "quoted-printable",
        Encoding::Identity => "it is",
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len().max(1)).any(|window| window == part)
}
