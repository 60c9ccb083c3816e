//! What the answer to MAIL or RCPT means. The code decides (RFC 5321 section 4.2); where several causes share one, the
//! enhanced code (RFC 3463) tells them apart, and words only where that does not.

use core::fmt;

use crate::reply::{Code, EnhancedCode, Reply};

/// What a server thinks of a sender or a recipient.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Acceptance {
    /// It takes mail so.
    Accepted,
    /// It wants a login, or TLS, first.
    AuthRequired,
    /// It takes none from this client: policy, or a blacklist.
    Blocked,
    /// Strangers have to come again later.
    Greylisted,
    /// The mailbox is full.
    MailboxFull,
    /// No, for whatever reason.
    Refused,
    /// It does not take mail for that domain from here.
    RelayDenied,
    /// Not now, for whatever reason.
    Temporary,
    /// The message would be too large.
    TooLarge,
    /// Not so many recipients at once.
    TooMany,
    /// There is nobody of that name.
    UnknownUser,
}

impl Acceptance {
    /// A word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::AuthRequired => "auth-required",
            Self::Blocked => "blocked",
            Self::Greylisted => "greylisted",
            Self::MailboxFull => "mailbox-full",
            Self::Refused => "refused",
            Self::RelayDenied => "relay-denied",
            Self::Temporary => "temporary",
            Self::TooLarge => "too-large",
            Self::TooMany => "too-many",
            Self::UnknownUser => "unknown-user",
        }
    }

    /// What this reply means, where so many recipients were accepted before; `None` where it is no answer to MAIL or
    /// RCPT at all.
    pub fn of(reply: &Reply, accepted_before: usize) -> Option<Self> {
        let code = reply.code()?;
        if code.is_completion() {
            return Some(Self::Accepted);
        }
        let words = Words::of(reply);
        let evidence = (code, reply.enhanced());
        if code.is_transient() {
            return Some(transient(evidence, &words, accepted_before));
        }
        code.is_permanent()
            .then(|| permanent(evidence, &words, accepted_before))
    }

    /// What it means where a login is offered and nobody logged in: ports for users say that they forbid strangers, and
    /// not what would help (Postfix: permit_sasl_authenticated, reject).
    pub(crate) fn without_login(self, reply: &Reply) -> Self {
        let is_for_users = Words::of(reply).has("client host rejected: access denied");
        match self {
            Self::Blocked if is_for_users => Self::AuthRequired,
            other => other,
        }
    }
}

impl fmt::Display for Acceptance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whether the reply says that this client is on a blacklist.
pub(crate) fn names_a_blacklist(reply: &Reply) -> bool {
    Words::of(reply).name_a_blacklist()
}

type Evidence = (Code, Option<EnhancedCode>);

fn transient(evidence: Evidence, words: &Words, accepted_before: usize) -> Acceptance {
    if let Some(known) = either_class(evidence, words, accepted_before) {
        return known;
    }
    let (code, enhanced) = evidence;
    if words.name_a_blacklist() {
        return Acceptance::Blocked;
    }
    let may_wait = matches!(code.number(), 450 | 451);
    let is_policy = is(enhanced, 7, 1);
    // Postfix's postscreen, once its tests are passed: POSTSCREEN_README, "After-220 Tests".
    let is_postscreen = is(enhanced, 3, 2) && words.has("service currently unavailable");
    let asks_strangers = is_policy && words.ask_to_return() && !words.name_an_outage();
    if words.name_greylisting() || (may_wait && asks_strangers) {
        return Acceptance::Greylisted;
    }
    match enhanced {
        _ if may_wait && is_postscreen => Acceptance::Greylisted,
        // It hangs up, whatever it calls that: the next try may find it in another mood.
        _ if code.number() == 421 => Acceptance::Temporary,
        Some(code) if code.subject == 7 && !words.ask_to_return() => Acceptance::Blocked,
        _ => Acceptance::Temporary,
    }
}

fn permanent(evidence: Evidence, words: &Words, accepted_before: usize) -> Acceptance {
    if let Some(known) = either_class(evidence, words, accepted_before) {
        return known;
    }
    let (code, enhanced) = evidence;
    // RFC 3463 section 3.2: bad mailbox, bad system, moved; RFC 7505: null MX.
    let is_unknown =
        enhanced.is_some_and(|code| code.subject == 1 && matches!(code.detail, 1 | 2 | 3 | 6 | 10));
    // Exchange Online where the directory has no such recipient: "550 5.4.1 Recipient address rejected: Access denied".
    let is_not_in_directory = is(enhanced, 4, 1);
    if is_unknown || is_not_in_directory {
        return Acceptance::UnknownUser;
    }
    let is_policy = enhanced.is_some_and(|code| code.subject == 7);
    if is_policy || words.name_a_blacklist() {
        return Acceptance::Blocked;
    }
    match code.number() {
        // RFC 5321 section 4.5.3.1.10: once meant "too many recipients".
        552 if accepted_before > 0 => Acceptance::TooMany,
        552 => Acceptance::MailboxFull,
        551 => Acceptance::RelayDenied,
        _ if enhanced.is_none() && words.name_nobody() => Acceptance::UnknownUser,
        _ => Acceptance::Refused,
    }
}

/// What is told by codes and words of both classes.
fn either_class(
    (code, enhanced): Evidence,
    words: &Words,
    accepted_before: usize,
) -> Option<Acceptance> {
    // 5.7.57 is Exchange's "client not authenticated to send mail".
    if code.number() == 530 || is(enhanced, 7, 57) || words.want_a_login() {
        return Some(Acceptance::AuthRequired);
    }
    if words.name_relaying() {
        return Some(Acceptance::RelayDenied);
    }
    if is(enhanced, 3, 4) || is(enhanced, 2, 3) {
        return Some(Acceptance::TooLarge);
    }
    if is(enhanced, 2, 2) || words.name_a_full_mailbox() {
        return Some(Acceptance::MailboxFull);
    }
    let is_crowd = accepted_before > 0 && words.has("too many");
    (is(enhanced, 5, 3) || words.has("too many recipients") || is_crowd)
        .then_some(Acceptance::TooMany)
}

fn is(enhanced: Option<EnhancedCode>, subject: u16, detail: u16) -> bool {
    enhanced.is_some_and(|code| (code.subject, code.detail) == (subject, detail))
}

/// The text of a reply in small letters, addresses left out: in them any word may stand.
struct Words(String);

impl Words {
    fn of(reply: &Reply) -> Self {
        let lines: Vec<_> = reply.lines().map(String::from_utf8_lossy).collect();
        let mut text = String::new();
        for piece in lines.join(" ").to_lowercase().split_inclusive('>') {
            text.push_str(piece.split('<').next().unwrap_or_default());
        }
        Self(text)
    }

    fn has(&self, phrase: &str) -> bool {
        self.0.contains(phrase)
    }

    fn has_one_of(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.has(phrase))
    }

    /// Whether a word begins like one of these.
    fn has_word(&self, beginnings: &[&str]) -> bool {
        let words = self.0.split(|c: char| !c.is_alphanumeric());
        let mut known = words.filter(|word| beginnings.iter().any(|it| word.starts_with(it)));
        known.next().is_some()
    }

    fn name_greylisting(&self) -> bool {
        self.has_word(&["greylist", "graylist"])
            || self.has_one_of(&["grey list", "gray list", "grey-list"])
    }

    fn ask_to_return(&self) -> bool {
        self.has_word(&["later", "again", "retry", "temporar"])
    }

    /// Postfix says so with the code of greylisting where a milter is down: milter_default_action.
    fn name_an_outage(&self) -> bool {
        self.has("service unavailable")
    }

    fn name_a_blacklist(&self) -> bool {
        let lists = [
            "barracuda",
            "banned",
            "blacklist",
            "blocked",
            "blocklist",
            "denylist",
            "dnsbl",
            "rbl",
            "reputation",
            "sorbs",
            "spamcop",
            "spamhaus",
        ];
        self.has_word(&lists)
    }

    fn name_relaying(&self) -> bool {
        self.has_word(&["relay", "relaying"]) && !self.has("relay=")
    }

    fn want_a_login(&self) -> bool {
        let phrases = [
            "authentication required",
            "authentication is required",
            "not authenticated",
            "authenticate first",
            "must authenticate",
            "smtp auth",
        ];
        self.has_one_of(&phrases)
    }

    fn name_a_full_mailbox(&self) -> bool {
        let phrases = [
            "exceeded storage",
            "inbox is full",
            "mailbox full",
            "mailbox is full",
            "out of storage",
            "over quota",
            "quota exceeded",
        ];
        self.has_one_of(&phrases)
    }

    fn name_nobody(&self) -> bool {
        let phrases = [
            "does not exist",
            "doesn't exist",
            "invalid recipient",
            "invalid mailbox",
            "mailbox not found",
            "mailbox unavailable",
            "no mailbox",
            "no such",
            "not our customer",
            "recipient not found",
            "recipient unknown",
            "unknown recipient",
            "unknown user",
            "unrouteable",
            "user not found",
            "user unknown",
        ];
        self.has_one_of(&phrases)
    }
}
