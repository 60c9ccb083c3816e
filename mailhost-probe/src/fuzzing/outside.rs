//! The bodies of the targets for what is read from outside: pages of status, and replies to echoes.

use std::time::{Duration, SystemTime};

use crate::reach::echo::{Echo, Icmp};
use crate::{Incident, StatusFacts, StatusPage};

/// Any octets are a page of status or refused, and what is read of it keeps within its bounds and can be shown.
pub fn status(data: &[u8]) {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_521_600);
    let Ok(page) = StatusPage::read(data, None, now, Duration::from_secs(3 * 86_400)) else {
        return;
    };
    let named = StatusPage::read(
        data,
        Some(page.format),
        now,
        Duration::from_secs(3 * 86_400),
    );
    assert_eq!(named.as_ref(), Ok(&page));
    let facts = page.facts;
    assert!(facts.services.len() <= StatusFacts::SERVICES);
    for list in [&facts.incidents, &facts.resolved, &facts.maintenance] {
        assert!(list.len() <= StatusFacts::INCIDENTS);
        for one in list {
            assert!(one.services.len() <= Incident::SERVICES);
            let texts = one.services.iter().chain([&one.title]);
            texts.for_each(|text| is_fit(text, Incident::TITLE));
            one.words
                .iter()
                .for_each(|text| is_fit(text, Incident::WORDS));
        }
    }
}

/// Within so many characters, and the sign that there were more; and nothing that moves a cursor.
fn is_fit(text: &str, most: usize) {
    assert!(text.chars().count() <= most + 1);
    assert!(!text.contains(char::is_control));
}

/// Any octets are a reply to an echo or none, and a reply is read as it is written, also behind a header. The first octet says
/// of which protocol.
pub fn echo(data: &[u8]) {
    let Some((first, message)) = data.split_first() else {
        return;
    };
    let icmp = match first & 1 {
        0 => Icmp::V4,
        _ => Icmp::V6,
    };
    if let Some(echo) = Echo::of_reply(message, icmp) {
        let written = echo.message(icmp, icmp.reply());
        assert_eq!(Echo::of_reply(&written, icmp), Some(echo));
    }
    let payload = message;
    let echo = Echo {
        identifier: u16::from(*first),
        sequence: u16::try_from(payload.len()).unwrap_or(u16::MAX),
        payload,
    };
    let mut packet = match icmp {
        Icmp::V4 => vec![0x45; 20],
        Icmp::V6 => Vec::new(),
    };
    packet.extend(echo.message(icmp, icmp.reply()));
    assert_eq!(Echo::of_reply(&packet, icmp), Some(echo));
    assert_eq!(Echo::of_reply(&echo.request(icmp), icmp), None);
}

#[cfg(test)]
mod tests {
    use probe_testkit::corpus;

    #[test]
    fn the_corpus_of_pages_of_status_holds_the_law() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/status");
        for (_, data) in corpus(folder) {
            super::status(&data);
        }
    }

    #[test]
    fn the_corpus_of_echoes_holds_the_law() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/echo");
        for (_, data) in corpus(folder) {
            super::echo(&data);
        }
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_octets_are_a_reply_or_none(data in proptest::collection::vec(0u8.., 0..80)) {
            super::echo(&data);
        }
    }
}
