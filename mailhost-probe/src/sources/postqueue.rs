//! Postfix's `postqueue -j`: an object of JSON on each line, a message each. Members grow from version to version, and those
//! that are not known are ignored. Old versions let control characters through, which breaks a line and not the list.

use std::time::{Duration, SystemTime};

use serde_json::Value as Json;

use crate::tally::Tally;

pub(super) fn line(line: &[u8], tally: &mut Tally) {
    if line.is_empty() {
        return;
    }
    let message = serde_json::from_slice::<Json>(line).ok();
    let queue = message
        .as_ref()
        .and_then(|json| json.get("queue_name")?.as_str());
    let (Some(message), Some(queue)) = (&message, queue) else {
        tally.unreadable(line);
        return;
    };
    let whole = |name: &str| message.get(name).and_then(Json::as_u64);
    let since = whole("arrival_time").map(Duration::from_secs);
    let arrived = since.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
    tally.message(queue, whole("message_size"), arrived);
    let recipients = message.get("recipients").and_then(Json::as_array);
    for recipient in recipients.into_iter().flatten() {
        let text = |name: &str| recipient.get(name).and_then(Json::as_str);
        // Since 3.11 what would bounce has a name of its own.
        let reasons = ["delay_reason", "bounce_reason", "other_reason"];
        let reason = reasons.into_iter().find_map(text).unwrap_or_default();
        let address = text("address").unwrap_or_default();
        tally.recipient(address.as_bytes(), reason.as_bytes());
    }
}
