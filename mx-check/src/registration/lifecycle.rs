//! Where a registration stands between its first day and its last: computed from its states and dates alone.

use core::fmt;
use std::time::{Duration, SystemTime};

use super::facts::Registration;
use super::status::Status;

/// Where a registration stands, the worst that holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Lifecycle {
    /// Nothing is to be done.
    Active,
    /// The registry renewed it by itself, on its date: that date has just jumped by a year, and yet the registrar gives
    /// the name back within weeks if nobody pays.
    AutoRenewGrace,
    /// Its date has passed by so much.
    Expired(Duration),
    /// Its date is near: so much is left.
    Expiring(Duration),
    /// It is registered, and somebody took it out of the zone above: mail ends when the caches forget it.
    Hold(Holder),
    /// It is registered, and has no delegation.
    Inactive,
    /// It will be deleted, and nobody can have it back before.
    PendingDelete,
    /// Somebody is having it back.
    PendingRestore,
    /// It was deleted; who had it can have it back for some weeks, at a price.
    Redemption,
}

/// Who holds a name back.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "EPP has two")]
pub enum Holder {
    /// The registrar: a bill, a contact that was not confirmed, abuse.
    Client,
    /// The registry.
    Server,
}

impl Lifecycle {
    /// Where this registration stands at such a time, if a date less than `soon` away is near.
    pub fn of(registration: &Registration, now: SystemTime, soon: Duration) -> Self {
        let has = |name: &str| registration.has(name);
        // Both of the first come with "pending delete", which by itself is the end (RFC 3915 section 3).
        if has(Status::PENDING_RESTORE) {
            return Self::PendingRestore;
        }
        if has(Status::REDEMPTION_PERIOD) {
            return Self::Redemption;
        }
        if has(Status::PENDING_DELETE) {
            return Self::PendingDelete;
        }
        if let Some(holder) = holder(registration) {
            return Self::Hold(holder);
        }
        if has(Status::INACTIVE) || has(Status::NOT_DELEGATED) {
            return Self::Inactive;
        }
        if has(Status::AUTO_RENEW_PERIOD) {
            return Self::AutoRenewGrace;
        }
        registration
            .expires()
            .map_or(Self::Active, |expiry| Self::by_date(expiry, now, soon))
    }

    /// Where a registration stands of which only this date is known.
    pub fn by_date(expiry: SystemTime, now: SystemTime, soon: Duration) -> Self {
        match expiry.duration_since(now) {
            Ok(left) if left.is_zero() => Self::Expired(left),
            Ok(left) if left < soon => Self::Expiring(left),
            Ok(_) => Self::Active,
            Err(passed) => Self::Expired(passed.duration()),
        }
    }

    /// A word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::AutoRenewGrace => "auto-renew-grace",
            Self::Expired(_) => "expired",
            Self::Expiring(_) => "expiring",
            Self::Hold(Holder::Client) => "client-hold",
            Self::Hold(Holder::Server) => "server-hold",
            Self::Inactive => "inactive",
            Self::PendingDelete => "pending-delete",
            Self::PendingRestore => "pending-restore",
            Self::Redemption => "redemption",
        }
    }
}

impl fmt::Display for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired(passed) => write!(f, "expired {} ago", days(*passed)),
            Self::Expiring(left) => write!(f, "expires in {}", days(*left)),
            other => f.write_str(other.as_str()),
        }
    }
}

/// Whole days, in words.
pub(crate) fn days(time: Duration) -> String {
    match time.as_secs() / (24 * 60 * 60) {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

fn holder(registration: &Registration) -> Option<Holder> {
    let has = |name: &str| registration.has(name);
    // The registry of .ee says both, and means the second.
    if has(Status::SERVER_MANUAL_INZONE) {
        return None;
    }
    match (has(Status::SERVER_HOLD), has(Status::CLIENT_HOLD)) {
        (true, _) => Some(Holder::Server),
        (false, true) => Some(Holder::Client),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registration::{Expiry, Source};
    use std::time::UNIX_EPOCH;

    const DAY: Duration = Duration::from_secs(86_400);

    fn now() -> SystemTime {
        UNIX_EPOCH + DAY * 20_000
    }

    fn stands(statuses: &[&str], expiry: Expiry) -> Lifecycle {
        let server = "whois.example.test".parse().unwrap();
        let mut registration = Registration::new(Source::Whois { server });
        registration.statuses = statuses
            .iter()
            .filter_map(|text| Status::new(text))
            .collect();
        registration.expiry = expiry;
        Lifecycle::of(&registration, now(), DAY * 30)
    }

    #[test]
    fn the_states_tell_where_a_registration_stands_whatever_its_date() {
        let fresh = || Expiry::Known(now() + DAY * 364);
        for (statuses, expected) in [
            (&["client transfer prohibited"][..], Lifecycle::Active),
            (&[][..], Lifecycle::Active),
            (&["auto renew period"], Lifecycle::AutoRenewGrace),
            (
                &["auto renew period", "client hold"],
                Lifecycle::Hold(Holder::Client),
            ),
            (&["client hold"], Lifecycle::Hold(Holder::Client)),
            (
                &["server hold", "client hold"],
                Lifecycle::Hold(Holder::Server),
            ),
            (
                &["redemption period", "pending delete"],
                Lifecycle::Redemption,
            ),
            (
                &["pending delete", "redemption period", "client hold"],
                Lifecycle::Redemption,
            ),
            (&["pending delete"], Lifecycle::PendingDelete),
            (&["pending delete", "client hold"], Lifecycle::PendingDelete),
            (
                &["pending restore", "pending delete"],
                Lifecycle::PendingRestore,
            ),
            (&["inactive"], Lifecycle::Inactive),
            (&["REGISTERED", "NOT DELEGATED"], Lifecycle::Inactive),
            (&["renew period", "add period"], Lifecycle::Active),
            (&["pending transfer", "pending update"], Lifecycle::Active),
            // DENIC: nothing of the kind.
            (&["failed"], Lifecycle::Active),
        ] {
            assert_eq!(stands(statuses, fresh()), expected, "{statuses:?}");
        }
    }

    #[test]
    fn a_hold_that_the_registry_of_ee_overrules_by_hand_is_none() {
        let statuses = ["serverHold", "serverManualInzone"];
        assert_eq!(stands(&statuses, Expiry::NotPublished), Lifecycle::Active);
    }

    #[test]
    fn the_date_tells_the_rest() {
        let known = |expiry| stands(&["active"], Expiry::Known(expiry));
        assert_eq!(known(now() + DAY * 30), Lifecycle::Active);
        let near = DAY * 30 - Duration::from_secs(1);
        assert_eq!(known(now() + near), Lifecycle::Expiring(near));
        assert_eq!(known(now()), Lifecycle::Expired(Duration::ZERO));
        assert_eq!(known(now() - DAY * 3), Lifecycle::Expired(DAY * 3));
        assert_eq!(stands(&[], Expiry::NotPublished), Lifecycle::Active);
        assert_eq!(Lifecycle::Expiring(near).to_string(), "expires in 29 days");
        assert_eq!(Lifecycle::Expired(DAY).to_string(), "expired 1 day ago");
    }
}
