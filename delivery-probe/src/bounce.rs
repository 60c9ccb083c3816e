//! What comes back instead of an arrival: reports on delivery (RFC 3464), the notices of servers that write them in words
//! of their own, and the answers of programs, which mean nothing. A notice counts only if it names a genuine token.

use std::time::SystemTime;

use probe_core::printable;
use probe_net::message::{Date, Headers};

use crate::canary::Canary;
use crate::mime::{Leaf, unworded};
use crate::recognise::{Known, Recogniser};
use crate::status::{Cause, Status};
use crate::token::Token;

/// What a message says of a canary.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Notice {
    /// A program answered (RFC 3834): a vacation notice, a ticket. It arrived somewhere, and nothing is wrong.
    AutoReply(Known),
    /// Something was reported of it.
    Bounce(Box<Bounce>),
    /// Nothing of any of ours.
    Nothing,
}

/// A report on a canary.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Bounce {
    /// Which one.
    pub canary: Known,
    /// What became of it.
    pub action: Action,
    /// Why, as far as it is told.
    pub cause: Cause,
    /// The enhanced status.
    pub status: Option<Status>,
    /// In the words of the server that would not have it, or of the one that gave up.
    pub diagnostic: Option<String>,
    /// Who wrote the report.
    pub reporter: Option<String>,
    /// Who turned the canary away.
    pub remote: Option<String>,
    /// For whom it was.
    pub recipient: Option<String>,
    /// Until when it will be tried, where it is only late.
    pub retries_until: Option<SystemTime>,
    /// How it is written.
    pub form: BounceForm,
}

/// What became of a message (RFC 3464 section 2.3.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// It is still tried: pending, not lost.
    Delayed,
    /// It arrived.
    Delivered,
    /// It became several, or went on to another address.
    Expanded,
    /// It is lost.
    Failed,
    /// It went to where no reports come from.
    Relayed,
}

impl Action {
    /// The name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Expanded => "expanded",
            Self::Failed => "failed",
            Self::Relayed => "relayed",
        }
    }

    fn read(text: &[u8]) -> Option<Self> {
        let word = text.split(|byte| !byte.is_ascii_alphabetic()).next()?;
        match word.to_ascii_lowercase().as_slice() {
            b"delayed" => Some(Self::Delayed),
            b"delivered" => Some(Self::Delivered),
            b"expanded" => Some(Self::Expanded),
            b"failed" => Some(Self::Failed),
            b"relayed" => Some(Self::Relayed),
            _ => None,
        }
    }
}

/// How a report is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum BounceForm {
    /// For programs (RFC 3464), with the canary's own field returned.
    Proven,
    /// For programs, and the token is somewhere in it.
    Report,
    /// For people, in a server's own words.
    Words,
}

impl Bounce {
    /// The most octets of a message that are read for a report: its parts for programs come first.
    pub const OCTETS: usize = 512 * 1024;

    /// The most octets of a server's words that are kept.
    pub const WORDS: usize = 512;

    /// The most recipients of a report that are looked at.
    pub const RECIPIENTS: usize = 32;

    /// What a message says of one of this prober's canaries.
    pub fn read(message: &[u8], recogniser: &Recogniser) -> Notice {
        let message = message.get(..Self::OCTETS).unwrap_or(message);
        let headers = Headers::of(message);
        let leaves = Leaf::all_of(message);
        let Some((canary, is_returned)) = canary(message, &headers, &leaves, recogniser) else {
            return Notice::Nothing;
        };
        if let Some(report) = leaves.iter().find(|leaf| is_status(leaf)) {
            return Notice::Bounce(Box::new(Self::of_report(report, canary, is_returned)));
        }
        match is_from_a_server(&headers) {
            true => Self::of_words(&headers, &leaves, canary),
            false => Notice::AutoReply(canary),
        }
    }

    /// Whether it returns the field of the canary, in the form that is for programs.
    pub fn is_proven(&self) -> bool {
        self.form == BounceForm::Proven
    }

    fn of_report(report: &Leaf<'_>, canary: Known, is_returned: bool) -> Self {
        let body = report.decoded();
        let mut groups = groups(&body);
        let of_message = groups.next().unwrap_or_default();
        let of_message = Headers::of(of_message);
        let mut recipients: Vec<Headers<'_>> =
            groups.take(Self::RECIPIENTS).map(Headers::of).collect();
        // Some write no empty line between the two.
        if recipients.is_empty() {
            recipients.push(of_message);
        }
        let worst = worst(&recipients);
        let value = |name: &str| {
            let field = worst.and_then(|of| of.get(name))?;
            Some(shown(&field.value()))
        };
        let status = value("Status").and_then(|text| Status::find(text.as_bytes()));
        let diagnostic = value("Diagnostic-Code").map(|text| untyped(&text));
        // The server's own words may know more than the reporter's `5.0.0`.
        let status = match status {
            Some(Status { subject: 0, .. }) | None => diagnostic
                .as_deref()
                .and_then(|text| Status::find(text.as_bytes()))
                .or(status),
            known => known,
        };
        let by_status = status.map(|status| status.cause());
        let words = diagnostic.as_deref().unwrap_or_default();
        let cause = match (by_status, Cause::of_words(words)) {
            (None | Some(Cause::Other), by_words) => by_words,
            // Exchange says 5.1.10, a domain without mail (RFC 7505), of a recipient that it does not find.
            (Some(Cause::Routing), Cause::Address) => Cause::Address,
            (Some(cause), _) => cause,
        };
        let by_class = match status.map(|status| status.class) {
            Some(2) => Action::Delivered,
            Some(4) => Action::Delayed,
            _ => Action::Failed,
        };
        let retries_until = worst.and_then(|of| of.get("Will-Retry-Until"));
        let retries_until = retries_until.and_then(|field| Date::parse(&field.value()));
        Self {
            canary,
            action: worst.and_then(action_of).unwrap_or(by_class),
            cause,
            status,
            diagnostic,
            reporter: of_message
                .get("Reporting-MTA")
                .map(|field| untyped(&shown(&field.value()))),
            remote: value("Remote-MTA").map(|text| untyped(&text)),
            recipient: value("Final-Recipient")
                .or_else(|| value("Original-Recipient"))
                .map(|text| untyped(&text)),
            retries_until: retries_until.map(|(date, _)| date.at()),
            form: match is_returned {
                true => BounceForm::Proven,
                false => BounceForm::Report,
            },
        }
    }

    /// qmail, Exim, old Exchange and others write for people alone. What they say stands before what they return.
    fn of_words(headers: &Headers<'_>, leaves: &[Leaf<'_>], canary: Known) -> Notice {
        let text = leaves.first().map(|leaf| leaf.decoded().into_owned());
        let text = text.unwrap_or_default();
        let subject = headers
            .get("Subject")
            .map(|field| field.value().into_owned());
        let subject = unworded(&subject.unwrap_or_default());
        let words = said(&text);
        let status = Status::find(words.as_bytes());
        let delay = [&subject[..], words.as_bytes()]
            .into_iter()
            .any(is_about_delay);
        let action = match status {
            Some(status) if status.class == 2 => return Notice::AutoReply(canary),
            Some(status) if status.is_temporary() && delay => Action::Delayed,
            None if delay => Action::Delayed,
            _ => Action::Failed,
        };
        let by_status = status.map(|status| status.cause());
        let cause = match by_status {
            None | Some(Cause::Other) => Cause::of_words(&words),
            Some(cause) => cause,
        };
        Notice::Bounce(Box::new(Self {
            canary,
            action,
            cause,
            status,
            diagnostic: Some(words).filter(|words| !words.is_empty()),
            reporter: headers.get("From").map(|field| shown(&field.value())),
            remote: None,
            recipient: headers
                .get("X-Failed-Recipients")
                .map(|field| shown(&field.value())),
            retries_until: None,
            form: BounceForm::Words,
        }))
    }
}

/// What is said of one recipient.
fn action_of(fields: &Headers<'_>) -> Option<Action> {
    Action::read(&fields.get("Action")?.value())
}

/// The canary has one recipient; of several groups, the worst is about it.
fn worst<'m, 'a>(recipients: &'m [Headers<'a>]) -> Option<&'m Headers<'a>> {
    let mut all = recipients.iter();
    let failed = all.find(|of| action_of(of) == Some(Action::Failed));
    failed
        .or_else(|| recipients.iter().find(|of| action_of(of).is_some()))
        .or(recipients.first())
}

/// The canary that a message is about, and whether its own field is in what is returned. A message about several says
/// nothing of any.
fn canary(
    message: &[u8],
    headers: &Headers<'_>,
    leaves: &[Leaf<'_>],
    recogniser: &Recogniser,
) -> Option<(Known, bool)> {
    let only = |found: Vec<Known>| match found.as_slice() {
        [one] => Some(*one),
        _ => None,
    };
    let is_returned = |leaf: &&Leaf<'_>| {
        let name = leaf.media.name.as_str();
        matches!(
            name,
            "message/rfc822" | "text/rfc822-headers" | "message/global" | "message/global-headers"
        )
    };
    for leaf in leaves.iter().filter(is_returned) {
        let body = leaf.decoded();
        let returned = Headers::of(&body);
        let token = returned.only(Canary::FIELD);
        let token = token.and_then(|field| Token::parse(&field.value()));
        let own = token.and_then(|token| recogniser.own_tokens(token.to_string().as_bytes()).pop());
        if let Some(known) = own {
            return Some((known, true));
        }
    }
    for name in ["In-Reply-To", "References"] {
        let field = headers.get(name);
        let found = field.map(|field| recogniser.own_tokens(&field.value()));
        if let Some(known) = found.and_then(only) {
            return Some((known, false));
        }
    }
    // Original-Envelope-Id, a quoted subject, a returned identifier: wherever it is, it is genuine.
    let mut found = recogniser.own_tokens(message);
    for leaf in leaves {
        let decoded = leaf.decoded();
        for known in recogniser.own_tokens(&decoded) {
            if !found.contains(&known) {
                found.push(known);
            }
        }
    }
    only(found).map(|known| (known, false))
}

fn is_status(leaf: &Leaf<'_>) -> bool {
    let name = leaf.media.name.as_str();
    matches!(
        name,
        "message/delivery-status" | "message/global-delivery-status"
    )
}

/// The groups of fields of a report (RFC 3464 section 2.1), empty lines between them.
fn groups(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = body;
    core::iter::from_fn(move || {
        while let Some(after) = rest
            .strip_prefix(b"\r\n")
            .or_else(|| rest.strip_prefix(b"\n"))
        {
            rest = after;
        }
        let mut at = 0;
        for line in rest.split_inclusive(|byte| *byte == b'\n') {
            if line.trim_ascii().is_empty() {
                break;
            }
            at += line.len();
        }
        let (group, after) = rest.split_at_checked(at)?;
        rest = after;
        (!group.is_empty()).then_some(group)
    })
}

/// Whether a mail server wrote this rather than a program for its user: the null return path (RFC 5321 section 4.5.5), or a
/// sender of such a name, and not the mark of an answer (RFC 3834 section 5).
fn is_from_a_server(headers: &Headers<'_>) -> bool {
    let value = |name: &str| {
        let field = headers.get(name);
        field.map(|field| field.value().to_ascii_lowercase())
    };
    let is_answer = value("Auto-Submitted").is_some_and(|value| {
        // Postfix and Exim call their reports answers too.
        value.starts_with(b"auto-replied") && value.windows(8).any(|part| part == b"vacation")
    });
    let is_answer = is_answer
        || ["X-Autoreply", "X-Autorespond", "X-Autoresponder"]
            .iter()
            .any(|name| headers.get(name).is_some());
    let from = value("From").unwrap_or_default();
    let names: [&[u8]; 4] = [
        b"mailer-daemon",
        b"postmaster",
        b"microsoftexchange",
        b"mail delivery",
    ];
    let is_named = names
        .iter()
        .any(|name| from.windows(name.len()).any(|part| part == *name));
    let is_null = value("Return-Path").is_some_and(|path| path.trim_ascii() == b"<>");
    let failed = headers.get("X-Failed-Recipients").is_some();
    !is_answer && (is_named || failed || (is_null && value("Auto-Submitted").is_none()))
}

/// The text up to what is returned, in one line.
fn said(text: &[u8]) -> String {
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let returned = |line: &&[u8]| {
        let line = line.to_ascii_lowercase();
        let starts: [&[u8]; 5] = [
            b"------ this is a copy",
            b"--- below this line is a copy",
            b"--- enclosed are",
            b"----- original message",
            b"original message headers",
        ];
        !starts.iter().any(|start| line.starts_with(start)) && !line.starts_with(b"received:")
    };
    let mut words = Vec::new();
    for line in lines.take_while(returned).filter(|line| !line.is_empty()) {
        if words.len() > Bounce::WORDS {
            break;
        }
        if !words.is_empty() {
            words.push(b' ');
        }
        words.extend_from_slice(line);
    }
    shown(&words)
}

fn is_about_delay(text: &[u8]) -> bool {
    let text = text.to_ascii_lowercase();
    let words: [&[u8]; 6] = [
        b"delayed",
        b"warning: message",
        b"warning: could not send",
        b"not yet been delivered",
        b"will continue to",
        b"will be retried",
    ];
    words
        .iter()
        .any(|word| text.windows(word.len()).any(|part| part == *word))
}

/// What stands behind the type: `rfc822; a@b`, `dns; mx.example`, `smtp; 550 5.1.1 ...`.
fn untyped(text: &str) -> String {
    let behind = text.split_once(';').map(|(_, rest)| rest.trim().to_owned());
    behind.unwrap_or_else(|| text.to_owned())
}

fn shown(text: &[u8]) -> String {
    printable(text.get(..Bounce::WORDS).unwrap_or(text).trim_ascii())
}
