//! What WHOIS says of a domain (RFC 3912): text for people, in as many words as there are registries. How they lay it
//! out is in `lines`; whatever is not understood is passed over.

use probe_core::HostName;

use super::answer::Answer;
use super::date;
use super::facts::{Ds, Expiry, Registration, Source, host, shown};
use super::lines::{Entry, decode, entries, is_comment, letters};
use super::rdap::MEMBERS;
use super::status::Status;

/// What an answer says.
pub(super) fn read(source: Source, bytes: &[u8]) -> Answer {
    let text = decode(bytes);
    let entries = entries(&text);
    let mut read = Registration::new(source);
    for entry in &entries {
        note(&mut read, entry);
    }
    // Not states of a domain, but that there is none.
    let is_free = |status: &Status| {
        let word = status.as_str();
        let is_none = matches!(
            word,
            "free" | "noobjectfound" | "notfound" | "notregistered"
        );
        let is_denied = word.contains("notavailable") || word.contains("unavailable");
        is_none || (word.contains("available") && !is_denied)
    };
    let is_told = read.created.is_some()
        || read.expiry != Expiry::NotPublished
        || read.registrar.is_some()
        || !read.name_servers.is_empty()
        || read.statuses.iter().any(|status| !is_free(status));
    match is_told {
        true => Answer::Found(Box::new(read)),
        false => nothing(&text, read.statuses.iter().any(is_free)),
    }
}

/// The WHOIS server that IANA names for a top-level domain.
pub(super) fn referral(bytes: &[u8]) -> Option<HostName> {
    let text = decode(bytes);
    let entries = entries(&text);
    let mut named = entries
        .iter()
        .filter(|entry| matches!(entry.key.as_str(), "refer" | "whois"));
    named.find_map(|entry| entry.value.parse().ok())
}

/// Why there is no registration in an answer.
fn nothing(text: &str, is_free: bool) -> Answer {
    const NOT_FOUND: [&str; 16] = [
        "available for registration",
        "does not exist",
        "is available",
        "is free",
        "no data found",
        "no data was found",
        "no entries found",
        "no information available",
        "no match",
        "no object found",
        "no such domain",
        "not been registered",
        "not found",
        "not registered",
        "nothing found",
        "object_not_found",
    ];
    const TOO_OFTEN: [&str; 9] = [
        "excessive",
        "limit exceeded",
        "limit reached",
        "queries per",
        "quota",
        "rate limit",
        "server is busy",
        "too many",
        "try again later",
    ];
    let lower = text.to_lowercase();
    let says = |phrases: &[&str], in_comments: bool| {
        let mut lines = lower.lines().map(str::trim);
        let says = |line: &str| phrases.iter().any(|phrase| line.contains(phrase));
        lines.any(|line| is_comment(line) == in_comments && says(line))
    };
    // The comments above an answer often speak of limits.
    if is_free || says(&NOT_FOUND, false) {
        return Answer::NotFound;
    }
    if says(&TOO_OFTEN, false) || says(&TOO_OFTEN, true) {
        return Answer::TooOften(None);
    }
    if says(&NOT_FOUND, true) {
        return Answer::NotFound;
    }
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match lines.next() {
        None => Answer::Unusable("an empty answer".to_owned()),
        Some(line) => Answer::Unusable(format!("this is not understood: {}", shown(line))),
    }
}

/// The keys of what is wanted, by letters and digits in lower case, one registry's after the other's.
mod keys {
    pub(super) const CHANGED: [&str; 9] = [
        "changed",
        "lastmodified",
        "lastupdate",
        "lastupdated",
        "lastupdateddate",
        "lastupdatedon",
        "modified",
        "updateddate",
        "最終更新",
    ];
    pub(super) const CREATED: [&str; 12] = [
        "created",
        "createddate",
        "createdon",
        "creationdate",
        "domainregistrationdate",
        "firstregistrationdate",
        "registered",
        "registereddate",
        "registeredon",
        "registrationdate",
        "registrationtime",
        "登録年月日",
    ];
    pub(super) const EXPIRY: [&str; 15] = [
        "domainexpirationdate",
        "expirationdate",
        "expirationtime",
        "expire",
        "expiredate",
        "expires",
        "expireson",
        "expiry",
        "expirydate",
        "paidtill",
        "recordexpireson",
        "registryexpirydate",
        "renewaldate",
        "validuntil",
        "有効期限",
    ];
    pub(super) const NAME_SERVERS: [&str; 7] = [
        "dns",
        "domainnameservers",
        "domainservers",
        "nameserver",
        "nameservers",
        "nserver",
        "nservers",
    ];
    pub(super) const STATUS: [&str; 7] = [
        "domainstatus",
        "eppstatus",
        "registrationstatus",
        "rgpstatus",
        "state",
        "status",
        "状態",
    ];
}

fn note(read: &mut Registration, entry: &Entry<'_>) {
    let value = entry.value;
    match (entry.block.as_str(), entry.key.as_str()) {
        (_, key) if keys::EXPIRY.contains(&key) => {
            let expiry = date::written(value).map(Expiry::Known);
            if !matches!(read.expiry, Expiry::Known(_)) {
                read.expiry = expiry.unwrap_or_else(|| Expiry::Unreadable(shown(value)));
            }
        }
        (_, "registrarregistrationexpirationdate" | "registrarexpirationdate") => {
            read.registrar_expiry = read.registrar_expiry.or_else(|| date::written(value));
        }
        (_, key) if keys::CREATED.contains(&key) => {
            read.created = read.created.or_else(|| date::written(value));
        }
        (_, key) if keys::CHANGED.contains(&key) => {
            read.changed = read.changed.or_else(|| date::written(value));
        }
        (_, key) if keys::STATUS.contains(&key) => note_status(read, value),
        (_, key) if keys::NAME_SERVERS.contains(&key) => note_server(read, value),
        (block, "hostname") if block.ends_with("nameserver") => note_server(read, value),
        (_, "registrar" | "registrarname" | "sponsoringregistrar")
        | ("registrar", "name" | "organisation" | "organization" | "organizationname") => {
            let registrar = read.registrar.get_or_insert_default();
            registrar.name.get_or_insert_with(|| shown(value));
        }
        (_, "registrarianaid") => {
            let registrar = read.registrar.get_or_insert_default();
            registrar.handle = Some(shown(value));
        }
        (_, "domain" | "domainname") | ("domain", "name") => {
            read.name.get_or_insert_with(|| shown(value));
        }
        (_, "registrydomainid") => {
            read.handle.get_or_insert_with(|| shown(value));
        }
        (_, "dnssecdsdata" | "ds" | "dsdata" | "dsrdata" | "dsrecord") => note_ds(read, value),
        (_, "dnssec" | "signed") => {
            read.delegation_signed = match letters(value).as_str() {
                "signed" | "signeddelegation" | "y" | "yes" => Some(true),
                "inactive" | "n" | "no" | "unsigned" | "unsigneddelegation" => Some(false),
                _ => read.delegation_signed,
            };
        }
        _ => {}
    }
}

/// Behind it may stand its address, or whether it answers.
fn note_server(read: &mut Registration, value: &str) {
    let name = value.split([' ', '\t', ',']).next().and_then(host);
    let name = name.filter(|name| name.contains('.') && !read.name_servers.contains(name));
    let room = MEMBERS.saturating_sub(read.name_servers.len());
    read.name_servers.extend(name.into_iter().take(room));
}

/// As zone files have it (RFC 4034 section 5.3).
fn note_ds(read: &mut Registration, value: &str) {
    let mut words = value.split_ascii_whitespace();
    let mut number = || words.next()?.parse::<u16>().ok();
    let numbers = (number(), number(), number());
    let (Some(tag), Some(algorithm), Some(kind)) = numbers else {
        return;
    };
    let (Ok(algorithm), Ok(kind)) = (algorithm.try_into(), kind.try_into()) else {
        return;
    };
    let digest: String = words.collect();
    let is_digest = !digest.is_empty() && digest.bytes().all(|digit| digit.is_ascii_hexdigit());
    if is_digest && read.ds.len() < MEMBERS {
        read.ds.push(Ds::new(tag, algorithm, kind, &digest));
        read.delegation_signed = Some(true);
    }
}

/// Several may stand on one line; and where JPRS tells the state of a name of `.co.jp`, it tells until when.
fn note_status(read: &mut Registration, value: &str) {
    let (words, date) = match value.split_once('(') {
        Some((words, until)) if date::written(until).is_some() => (words, date::written(until)),
        _ => (value, None),
    };
    if let (Some(date), Expiry::NotPublished) = (date, &read.expiry) {
        read.expiry = Expiry::Known(date);
    }
    for word in words.split(',').flat_map(|words| words.split(" / ")) {
        let status = Status::new(word).filter(|status| !read.statuses.contains(status));
        let room = MEMBERS.saturating_sub(read.statuses.len());
        read.statuses.extend(status.into_iter().take(room));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registration::lines::LINES;
    use proptest::prelude::*;

    fn source() -> Source {
        let server = "whois.example.test".parse().unwrap();
        Source::Whois { server }
    }

    #[test]
    fn why_there_is_no_registration_is_told_apart() {
        let limit = Answer::TooOften(None);
        for (text, expected) in [
            (
                "No match for \"EXAMPLE.COM\".\r\n>>> Last update of whois database: 2026-11-24T13:00:00Z <<<",
                Answer::NotFound,
            ),
            ("Domain: example.de\nStatus: free\n", Answer::NotFound),
            (
                "Domain:             example.it\nStatus:             AVAILABLE\n",
                Answer::NotFound,
            ),
            (
                "% This server is rate limited to 30 queries per minute.\n\nexample.nl is free\n",
                Answer::NotFound,
            ),
            ("Domain Status: No Object Found\n", Answer::NotFound),
            (
                "query_status: 220 Available\nstatus: 220 Available\n",
                Answer::NotFound,
            ),
            ("%% NOT FOUND\n", Answer::NotFound),
            (
                "No match!!\n\nWith JPRS WHOIS, you can query.\n",
                Answer::NotFound,
            ),
            (
                "%ERROR:101: no entries found\n%\n% No entries found.\n",
                Answer::NotFound,
            ),
            (
                "% Excessive querying, grace period of 24 hours.\n",
                limit.clone(),
            ),
            (
                "%% Too many requests, domain not found may be wrong\n",
                limit.clone(),
            ),
            (
                "WHOIS LIMIT EXCEEDED - SEE WWW.PIR.ORG/WHOIS FOR DETAILS\n",
                limit,
            ),
            ("\r\n", Answer::Unusable("an empty answer".to_owned())),
            (
                "Access denied.\n",
                Answer::Unusable("this is not understood: Access denied.".to_owned()),
            ),
        ] {
            assert_eq!(read(source(), text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_available_is_somebodys() {
        for text in ["Status: NOT AVAILABLE\n", "Status: unavailable\n"] {
            assert!(
                matches!(read(source(), text.as_bytes()), Answer::Found(_)),
                "{text}"
            );
        }
    }

    #[test]
    fn iana_refers_to_a_name_and_to_nothing_else() {
        let server =
            referral(b"% IANA WHOIS server\n\nrefer:        whois.denic.de\n\ndomain:       DE\n");
        assert_eq!(server, Some("whois.denic.de".parse().unwrap()));
        let late = referral(b"domain: DE\nwhois:        whois.denic.de\n");
        assert_eq!(late, Some("whois.denic.de".parse().unwrap()));
        assert_eq!(referral(b"refer: 127.0.0.1\nwhois:\n"), None);
    }

    #[test]
    fn no_line_is_read_beyond_the_limit() {
        let lines = |count: usize| "a: b\n".repeat(count - 1) + "expires: 2027-01-31\n";
        assert!(matches!(
            read(source(), lines(LINES).as_bytes()),
            Answer::Found(_)
        ));
        assert!(matches!(
            read(source(), lines(LINES + 1).as_bytes()),
            Answer::Unusable(_)
        ));
        let many: String = (0..=MEMBERS)
            .map(|at| format!("status: s{at}\nnserver: ns{at}.example\n"))
            .collect();
        let Answer::Found(read) = read(source(), many.as_bytes()) else {
            panic!("not found");
        };
        assert_eq!((read.statuses.len(), read.name_servers.len()), (64, 64));
    }

    #[test]
    fn bytes_that_are_no_utf_8_are_latin_1() {
        let bytes = b"Registrar: Z\xfcrich Domains\nexpires: 2027-01-31\n";
        let Answer::Found(read) = read(source(), bytes) else {
            panic!("not found");
        };
        assert_eq!(
            read.registrar.unwrap().name.as_deref(),
            Some("Zürich Domains")
        );
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd(bytes: Vec<u8>, text in "([ \t]?(\\[?[A-Za-z. ]{0,12}[\\]:]? ?[0-9a-z./-]{0,12}\r?\n)){0,20}") {
            let _ = read(source(), &bytes);
            let _ = referral(&bytes);
            let _ = read(source(), text.as_bytes());
        }
    }
}
