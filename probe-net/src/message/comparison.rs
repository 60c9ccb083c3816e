//! What became of a message on its way: the same byte for byte, or what servers are known to do to it. Whether that
//! matters is for the findings of a protocol to say.

use core::fmt;
use core::mem::discriminant;

use probe_core::printable;

use super::headers::{Field, Headers, without_line_end};

/// How what was received compares with what was sent.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "it is the same or it is not")]
pub enum Comparison {
    /// Byte for byte the same.
    Identical,
    /// Not the same: how it differs, each kind once, and never empty.
    Different(Vec<Difference>),
}

/// One thing that a server did to a message. Places are octets of the message that was sent, and each is the first of
/// its kind.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Difference {
    /// Fields were added: their names. `Received` and `Return-Path` must be (RFC 5321 section 4.4), others may be.
    FieldsAdded(Vec<String>),
    /// Fields have another value, or are folded otherwise.
    FieldsChanged(Vec<String>),
    /// Fields are missing.
    FieldsLost(Vec<String>),
    /// The fields are in another order.
    FieldsMoved,
    /// CR LF became LF, or the other way round.
    LineEnds,
    /// The number of line ends at the very end.
    LineEndsAtEnd {
        /// How many there were.
        sent: usize,
        /// How many there are.
        received: usize,
    },
    /// A line that begins with a dot has one too many: it was stuffed twice, or not unstuffed.
    DotAdded {
        /// Where the line begins.
        at: usize,
    },
    /// A line that began with a dot has one too few: it was not stuffed, or unstuffed twice.
    DotLost {
        /// Where the line begins.
        at: usize,
    },
    /// `>` was put before `From `, as in a mailbox file (RFC 4155).
    FromQuoted {
        /// Where the line begins.
        at: usize,
    },
    /// Blanks at the end of a line are gone.
    BlanksLost {
        /// Where the line begins.
        at: usize,
    },
    /// Bytes above 127 are not what they were; the rest of their line is.
    EightBitDamaged {
        /// Where they begin.
        at: usize,
    },
    /// The end is missing.
    Truncated {
        /// Where what is missing begins; empty lines before it are missing too.
        at: usize,
    },
    /// Something else; what follows was not compared.
    Other {
        /// Where it begins.
        at: usize,
        /// What was sent there.
        sent: String,
        /// What was received instead.
        received: String,
    },
}

/// The most names that a difference lists; more are left out.
const NAMES: usize = 32;

/// The most octets of a name or of a text that a difference shows.
const SHOWN: usize = 48;

/// Compares what was received with what was sent, both whole messages.
pub fn compare(sent: &[u8], received: &[u8]) -> Comparison {
    if sent == received {
        return Comparison::Identical;
    }
    let (sent_headers, received_headers) = (Headers::of(sent), Headers::of(received));
    let mut differences = compare_fields(&sent_headers, &received_headers);
    if has_bare_lf(sent) != has_bare_lf(received) {
        differences.push(Difference::LineEnds);
    }
    let start = sent_headers.bytes().len();
    let body = sent.get(start..).unwrap_or_default();
    let received_body = received.get(received_headers.bytes().len()..);
    compare_bodies(
        start,
        body,
        received_body.unwrap_or_default(),
        &mut differences,
    );
    if differences.is_empty() {
        differences.push(other_difference(0, sent, received));
    }
    Comparison::Different(differences)
}

impl Comparison {
    /// Whether not one byte differs.
    pub fn is_identical(&self) -> bool {
        matches!(self, Self::Identical)
    }

    /// How it differs.
    pub fn differences(&self) -> &[Difference] {
        match self {
            Self::Identical => &[],
            Self::Different(differences) => differences,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FieldsAdded(names) => write!(f, "fields added: {}", names.join(", ")),
            Self::FieldsChanged(names) => write!(f, "fields changed: {}", names.join(", ")),
            Self::FieldsLost(names) => write!(f, "fields lost: {}", names.join(", ")),
            Self::FieldsMoved => f.write_str("fields in another order"),
            Self::LineEnds => f.write_str("line ends changed"),
            Self::LineEndsAtEnd { sent, received } => {
                write!(f, "{received} line ends at the end, not {sent}")
            }
            Self::DotAdded { at } => write!(f, "a dot added to the line at octet {at}"),
            Self::DotLost { at } => write!(f, "a dot lost from the line at octet {at}"),
            Self::FromQuoted { at } => write!(f, "> put before the line at octet {at}"),
            Self::BlanksLost { at } => {
                write!(f, "blanks lost at the end of the line at octet {at}")
            }
            Self::EightBitDamaged { at } => write!(f, "8-bit text damaged at octet {at}"),
            Self::Truncated { at } => write!(f, "truncated at octet {at}"),
            Self::Other { at, sent, received } => {
                write!(f, "at octet {at} \"{sent}\" became \"{received}\"")
            }
        }
    }
}

fn compare_fields(sent: &Headers<'_>, received: &Headers<'_>) -> Vec<Difference> {
    let mut missing: Vec<(usize, Field<'_>)> = sent.fields().enumerate().collect();
    let mut strange = Vec::new();
    let mut last = 0;
    let mut has_moved = false;
    for field in received.fields() {
        let same = |(_, own): &(usize, Field<'_>)| is_same_text(own.bytes(), field.bytes());
        let Some(found) = missing.iter().position(same) else {
            strange.push(field);
            continue;
        };
        let (place, _) = missing.remove(found);
        has_moved |= place < last;
        last = place;
    }
    let mut added = Vec::new();
    let mut changed = Vec::new();
    if received.mbox_line().is_some() && sent.mbox_line().is_none() {
        added.push("From ".to_owned());
    }
    for field in strange {
        let name = field.name().unwrap_or_default();
        let is_of_it = |(_, own): &(usize, Field<'_>)| match own.name() {
            Some(own) => own.eq_ignore_ascii_case(name),
            None => name.is_empty(),
        };
        if let Some(found) = missing.iter().position(is_of_it) {
            missing.remove(found);
            changed.push(label(&field));
        } else {
            added.push(label(&field));
        }
    }
    let lost: Vec<String> = missing.iter().map(|(_, field)| label(field)).collect();
    let mut differences = Vec::new();
    let mut list = |kind: fn(Vec<String>) -> Difference, mut names: Vec<String>| {
        names.truncate(NAMES);
        if !names.is_empty() {
            differences.push(kind(names));
        }
    };
    list(Difference::FieldsAdded, added);
    list(Difference::FieldsChanged, changed);
    list(Difference::FieldsLost, lost);
    if has_moved {
        differences.push(Difference::FieldsMoved);
    }
    differences
}

/// What a field is called; a line without a name by its beginning.
fn label(field: &Field<'_>) -> String {
    shown(field.name().unwrap_or(field.raw_value()))
}

fn compare_bodies(start: usize, sent: &[u8], received: &[u8], differences: &mut Vec<Difference>) {
    let (sent, sent_ends) = without_line_ends(sent);
    let (received, received_ends) = without_line_ends(received);
    let (mut at, mut text_end) = (start, start);
    let mut heard = lines(received).peekable();
    for line in lines(sent) {
        let (text, next) = (without_line_end(line), at + line.len());
        let Some(other) = heard.next() else {
            let at = if received_ends > 0 { at } else { text_end };
            return differences.push(Difference::Truncated { at });
        };
        text_end = at + text.len();
        let other = without_line_end(other);
        if text == other {
            at = next;
            continue;
        }
        let is_last = next >= start + sent.len();
        // A cut may go between CR and LF.
        let left = other.strip_suffix(b"\r").unwrap_or(other);
        let may_be_cut = heard.peek().is_none() && text.starts_with(left);
        if may_be_cut && !(is_last && other == text.trim_ascii_end()) {
            let at = at + left.len();
            return differences.push(Difference::Truncated { at });
        }
        let Some(known) = known_damage(text, other, at) else {
            return differences.push(other_difference(at, text, other));
        };
        let is_same_kind = |seen: &Difference| discriminant(seen) == discriminant(&known);
        if !differences.iter().any(is_same_kind) {
            differences.push(known);
        }
        at = next;
    }
    if let Some(more) = heard.next() {
        return differences.push(Difference::Other {
            at: text_end,
            sent: String::new(),
            received: shown(without_line_end(more)),
        });
    }
    if sent_ends != received_ends {
        differences.push(Difference::LineEndsAtEnd {
            sent: sent_ends,
            received: received_ends,
        });
    }
}

/// What was done to this line, if it is one of the things that are done to lines.
fn known_damage(sent: &[u8], received: &[u8], at: usize) -> Option<Difference> {
    if sent.starts_with(b".") && received.strip_prefix(b".") == Some(sent) {
        return Some(Difference::DotAdded { at });
    }
    if sent.strip_prefix(b".") == Some(received) {
        return Some(Difference::DotLost { at });
    }
    if sent.starts_with(b"From ") && received.strip_prefix(b">") == Some(sent) {
        return Some(Difference::FromQuoted { at });
    }
    if received == sent.trim_ascii_end() {
        return Some(Difference::BlanksLost { at });
    }
    let first = sent.iter().position(|byte| !byte.is_ascii())?;
    let last = sent.iter().rposition(|byte| !byte.is_ascii())?;
    let (before, after) = (sent.get(..first)?, sent.get(last + 1..)?);
    let is_the_rest_whole = received
        .strip_prefix(before)
        .is_some_and(|rest| rest.ends_with(after));
    is_the_rest_whole.then_some(Difference::EightBitDamaged { at: at + first })
}

fn other_difference(start: usize, sent: &[u8], received: &[u8]) -> Difference {
    let pairs = sent.iter().zip(received);
    let common = pairs.take_while(|(one, other)| one == other).count();
    Difference::Other {
        at: start + common,
        sent: shown(sent.get(common..).unwrap_or_default()),
        received: shown(received.get(common..).unwrap_or_default()),
    }
}

/// The beginning of a text, fit to be shown.
fn shown(text: &[u8]) -> String {
    printable(text.get(..SHOWN).unwrap_or(text))
}

/// Whether two texts have the same lines, however they end.
fn is_same_text(one: &[u8], other: &[u8]) -> bool {
    lines(one)
        .map(without_line_end)
        .eq(lines(other).map(without_line_end))
}

fn has_bare_lf(text: &[u8]) -> bool {
    lines(text).any(|line| line.ends_with(b"\n") && !line.ends_with(b"\r\n"))
}

/// The lines of a text, each with its end.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
}

/// A text without the line ends at its very end, and how many they were.
fn without_line_ends(mut text: &[u8]) -> (&[u8], usize) {
    let mut count = 0;
    while text.ends_with(b"\n") {
        text = without_line_end(text);
        count += 1;
    }
    (text, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &[u8] =
        b"From: a@x\r\nSubject: t\r\n\r\none \r\n.two\r\nFrom three\r\n\xc3\xbcber\r\n\r\n";

    /// What is said of `SENT` when these bytes of it became those.
    fn after(old: &str, new: &str) -> Vec<String> {
        let sent: String = SENT.iter().map(|byte| char::from(*byte)).collect();
        assert!(sent.contains(old), "{old:?}");
        let received: Vec<u8> = sent
            .replace(old, new)
            .chars()
            .map(|c| u8::try_from(c).unwrap())
            .collect();
        let comparison = compare(SENT, &received);
        comparison
            .differences()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn what_is_the_same_is_identical() {
        assert!(compare(SENT, SENT).is_identical());
        assert!(compare(b"", b"").is_identical());
    }

    #[test]
    fn fields_that_came_went_or_changed_are_named() {
        // RFC 5321 section 4.4.
        assert_eq!(
            after(
                "From: a",
                "Return-Path: <>\r\nReceived: by b\r\n (c)\r\nFrom: a"
            ),
            ["fields added: Return-Path, Received"]
        );
        assert_eq!(
            after("From: a", "From x\r\nFrom: a"),
            ["fields added: From "]
        );
        assert_eq!(
            after("Subject: t", "SUBJECT: t!"),
            ["fields changed: SUBJECT"]
        );
        assert_eq!(after("Subject: t\r\n", ""), ["fields lost: Subject"]);
        assert_eq!(
            after("From: a@x\r\nSubject: t\r\n", "Subject: t\r\nFrom: a@x\r\n"),
            ["fields in another order"]
        );
    }

    #[test]
    fn names_are_listed_up_to_the_limit() {
        for (count, listed) in [(NAMES, NAMES), (NAMES + 1, NAMES)] {
            let received = "X: 1\r\n".repeat(count) + "\r\n";
            let comparison = compare(b"\r\n", received.as_bytes());
            let [Difference::FieldsAdded(names)] = comparison.differences() else {
                panic!("{comparison:?}");
            };
            assert_eq!(names.len(), listed);
        }
    }

    #[test]
    fn line_ends_are_one_difference_however_many_they_are() {
        assert_eq!(after("\r\n", "\n"), ["line ends changed"]);
        assert_eq!(after("one \r\n", "one \n"), ["line ends changed"]);
    }

    #[test]
    fn lines_at_the_very_end_are_counted() {
        assert_eq!(
            after("ber\r\n\r\n", "ber\r\n"),
            ["1 line ends at the end, not 2"]
        );
        // netius#96: the end of the POP3 reply is put after an empty line of its own.
        assert_eq!(
            after("ber\r\n", "ber\r\n\r\n"),
            ["3 line ends at the end, not 2"]
        );
        assert_eq!(
            after("ber\r\n\r\n", "ber"),
            ["0 line ends at the end, not 2"]
        );
    }

    #[test]
    fn mistakes_with_dots_are_told_apart() {
        // node-pop3#40, netius#105: stored as it was on the wire.
        assert_eq!(
            after(".two", "..two"),
            ["a dot added to the line at octet 31"]
        );
        // mailpit#299: not stuffed by the server, unstuffed by the client.
        assert_eq!(
            after(".two", "two"),
            ["a dot lost from the line at octet 31"]
        );
    }

    #[test]
    fn what_mailboxes_and_gateways_do_to_lines_is_named() {
        assert_eq!(
            after("From three", ">From three"),
            ["> put before the line at octet 37"]
        );
        assert_eq!(
            after("one ", "one"),
            ["blanks lost at the end of the line at octet 25"]
        );
        for damage in ["?ber", "??ber", "C<ber", "=C3=BCber", "\u{fc}ber", "ber"] {
            assert_eq!(
                after("\u{c3}\u{bc}ber", damage),
                ["8-bit text damaged at octet 49"]
            );
        }
    }

    #[test]
    fn a_message_that_ends_early_is_truncated() {
        assert_eq!(
            after(".two\r\nFrom three\r\n\u{c3}\u{bc}ber\r\n\r\n", ""),
            ["truncated at octet 31"]
        );
        assert_eq!(
            after("three\r\n\u{c3}\u{bc}ber\r\n\r\n", "th"),
            ["truncated at octet 44"]
        );
        assert_eq!(after("ber\r\n\r\n", "b\r\n"), ["truncated at octet 52"]);
    }

    #[test]
    fn anything_else_is_shown_where_it_begins() {
        assert_eq!(after("three", "thee"), [r#"at octet 44 "ree" became "ee""#]);
        assert_eq!(
            after("ber\r\n", "ber\r\nfooter\r\n"),
            [r#"at octet 54 "" became "footer""#]
        );
        // The places are the sender's, also where something else changed before.
        assert_eq!(
            after("\r\none \r\n.two", "X: 1\r\n\r\none \r\n.t0o"),
            ["fields added: X", r#"at octet 33 "wo" became "0o""#]
        );
    }

    #[test]
    fn what_no_rule_finds_is_a_difference_all_the_same() {
        let differences = compare(b"a: b", b"a: b\r\n");
        assert_eq!(
            differences.differences()[0].to_string(),
            r#"at octet 4 "" became "\u{d}\u{a}""#
        );
    }

    #[test]
    fn texts_are_shown_up_to_the_limit() {
        for (length, shown) in [(SHOWN, SHOWN), (SHOWN + 1, SHOWN)] {
            let sent = [b"\r\n".to_vec(), vec![b'x'; length]].concat();
            let comparison = compare(&sent, b"\r\ny");
            let [Difference::Other { sent, .. }] = comparison.differences() else {
                panic!("{comparison:?}");
            };
            assert_eq!(sent.len(), shown);
        }
    }
}
