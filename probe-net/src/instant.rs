//! Seconds since 1970, as certificates and messages have them, as a [`SystemTime`].

use std::time::{Duration, SystemTime};

/// The instant so many seconds after the epoch, or before it; the epoch itself where the system knows no such time.
pub(crate) fn instant(seconds: i64) -> SystemTime {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let epoch = SystemTime::UNIX_EPOCH;
    let instant = if seconds < 0 {
        epoch.checked_sub(distance)
    } else {
        epoch.checked_add(distance)
    };
    instant.unwrap_or(epoch)
}
