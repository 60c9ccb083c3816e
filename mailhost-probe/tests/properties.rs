//! The laws, for arbitrary lists.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, SystemTime};

use mailhost_probe::{Format, Incident, Listing, QueueFacts, StatusPage};
use probe_testkit::cut;
use proptest::prelude::*;

fn read(format: Format, pieces: &[&[u8]]) -> Result<QueueFacts, String> {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let mut listing = Listing::new(format, now);
    for piece in pieces {
        listing.feed(piece).map_err(|why| why.to_string())?;
    }
    listing.finish().map_err(|why| why.to_string())
}

/// Lines and attributes that look like those of mail servers more often than chance would have it.
fn list() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        "(queue_name|time|size|sender|recipient|reason|\\{|\\}|[a-z]{0,3})\0([a-z0-9@.]{0,8}\0){0,2}",
        "\0{1,2}",
        "-Queue ID-  --Size-- \n",
        "[0-9A-F]{4,8}[*!]? {2,5}[0-9]{1,5} Tue Nov 24 16:45:40  [a-z]{1,4}@a\\.test\n",
        "\\(Connection refused\\)\n",
        " {10}[a-z]{1,3}@[a-z]{1,3}\\.test\n",
        " [0-9][mhd]  [0-9]\\.[0-9]K 1xVtfJ-0007zn-13 <s@a\\.test>( \\*\\*\\* frozen \\*\\*\\*)?\n",
        "\\{\"queue_name\": \"[a-z]{1,4}\", \"message_size\": [0-9]{1,4}\\}\n",
        "[0-9a-f]{16}\\|(a\\|){6}[0-9]{1,10}\\|(b\\|){5}words\n",
        "messages in queue: [0-9]{1,3}\n",
        "-- 16 Kbytes in [0-9]{1,2} Requests\\.\n",
        "[ -~]{0,20}\r?\n",
    ];
    let noise = proptest::collection::vec(any::<u8>(), 0..30);
    let part = prop_oneof![9 => part.prop_map(String::into_bytes), 1 => noise];
    proptest::collection::vec(part, 0..16).prop_map(|parts| parts.concat())
}

fn format() -> impl Strategy<Value = Format> {
    proptest::sample::select(Format::ALL.to_vec())
}

fn status(page: &[u8]) -> Option<StatusPage> {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    StatusPage::read(page, None, now, Duration::from_secs(86_400)).ok()
}

proptest! {
    #[test]
    fn any_split_of_a_list_gives_the_same_numbers(
        format in format(),
        list in list(),
        sizes in proptest::collection::vec(1usize..9, 1..20),
    ) {
        prop_assert_eq!(read(format, &cut(&list, &sizes)), read(format, &[&list]));
    }

    #[test]
    fn arbitrary_octets_end_in_numbers_or_a_reason(
        format in format(),
        list in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let _ = read(format, &[&list]);
    }

    #[test]
    fn what_is_written_as_showq_is_counted(
        sizes in proptest::collection::vec(0u32..100_000, 0..20),
    ) {
        let text = |size: &u32| format!(
            "queue_name\0hold\0queue_id\0A\0time\x001\0size\0{size}\0sender\0s\0recipient\0u@a.test\0reason\0\0\0"
        );
        let list = sizes.iter().map(text).collect::<String>() + "\0";
        let facts = read(Format::Showq, &[list.as_bytes()]).unwrap();
        let hold = facts.queue("hold").unwrap();
        prop_assert_eq!(hold.messages, u64::try_from(sizes.len()).unwrap());
        prop_assert_eq!(hold.bytes, Some(sizes.iter().copied().map(u64::from).sum()));
    }

    #[test]
    fn arbitrary_octets_are_a_page_of_status_or_refused(
        page in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let _ = status(&page);
    }

    #[test]
    fn whatever_a_title_is_it_is_shown_on_one_line_within_its_bounds(title in "\\PC{0,300}") {
        let text = serde_json::Value::from(title.clone()).to_string();
        let json = format!("{{\"page\": {{}}, \"incidents\": [{{\"name\": {text}}}]}}");
        let escaped = title.replace('&', "&amp;").replace('<', "&lt;");
        let feed = format!("<rss><channel><item><title>{escaped}</title></item></channel></rss>");
        for page in [json, feed] {
            let Some(page) = status(page.as_bytes()) else {
                continue;
            };
            for incident in page.facts.incidents {
                prop_assert!(incident.title.chars().count() <= Incident::TITLE + 1);
                prop_assert!(!incident.title.contains(char::is_control));
            }
        }
    }

    #[test]
    fn pieces_of_pages_in_any_order_end(
        pieces in proptest::collection::vec(
            prop_oneof![
                Just("<rss>"), Just("<channel>"), Just("<item>"), Just("<title>"), Just("<b"),
                Just("</title>"), Just("</item>"), Just("</channel>"), Just("</rss>"),
                Just("{\"page\":{},"), Just("\"incidents\":["), Just("{\"name\":\"a\""), Just("}"),
                Just("]"), Just(","), Just("&lt;p>"), Just("Resolved - "), Just("&amp;#1;"),
            ],
            0..24,
        ),
    ) {
        let _ = status(pieces.concat().as_bytes());
    }
}
