//! The dates of mail: as a message has them (RFC 5322 section 3.3, with section 4.3 for what is older), and as IMAP
//! has them (RFC 3501 section 9). The calendar itself is the crate `time`'s.

use core::fmt;
use std::time::SystemTime;

use nom::Parser;
use nom::branch::alt;
use time::{Duration, Month, OffsetDateTime, PrimitiveDateTime};

use crate::instant::instant;

mod parse;

/// A date and time of day, to the second, with the offset of the clock that it was read from.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Date {
    local: PrimitiveDateTime,
    offset: Option<Offset>,
}

/// How a date was written.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum DateForm {
    /// As RFC 5322 section 3.3 wants it.
    Current,
    /// As section 4.3 wants it to be read: a zone by name, a year of two or three digits.
    Obsolete,
    /// As neither allows, but understood: no zone, a zone with a colon or of several words, the wrong day of the
    /// week, no comma behind it, a number of too few digits.
    Deviant,
    /// As RFC 3339 has it, which is not for mail.
    Rfc3339,
}

impl Date {
    /// The most octets of a date that are read: a line (RFC 5322 section 2.1.1).
    pub const OCTETS: usize = 998;

    /// The date at this instant on a clock with this offset; `None` outside the years 1900 to 9999, which is what can
    /// be written. Parts of a second are dropped.
    pub fn new(at: SystemTime, offset: Offset) -> Option<Self> {
        let seconds = match at.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_secs()).ok()?,
            Err(before) => {
                let before = before.duration();
                let whole = i64::try_from(before.as_secs()).ok()?;
                -whole - i64::from(before.subsec_nanos() > 0)
            }
        };
        let utc = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
        let utc = PrimitiveDateTime::new(utc.date(), utc.time());
        let local = utc.checked_add(offset.distance())?;
        Self::in_range(local, Some(offset))
    }

    /// Reads the value of a `Date` field, or what stands behind the last semicolon of a `Received` field.
    pub fn parse(value: &[u8]) -> Option<(Self, DateForm)> {
        let value = Some(value).filter(|value| value.len() <= Self::OCTETS)?;
        let (_, read) = alt((parse::date_time, parse::rfc3339)).parse(value).ok()?;
        Some(read)
    }

    /// Reads what IMAP calls a date-time, in quotes or without: `"17-Jul-1996 02:44:25 -0700"`.
    pub fn parse_imap(value: &[u8]) -> Option<Self> {
        let value = Some(value).filter(|value| value.len() <= Self::OCTETS)?;
        let (_, date) = parse::imap_date_time(value).ok()?;
        Some(date)
    }

    /// The instant.
    pub fn at(&self) -> SystemTime {
        let offset = self.offset.unwrap_or(Offset::UTC);
        instant(self.local.assume_utc().unix_timestamp() - offset.distance().whole_seconds())
    }

    /// The offset of its clock from UTC; `None` where the date is in UTC and nothing is said of a clock (`-0000`, RFC
    /// 5322 section 3.3).
    pub fn offset(&self) -> Option<Offset> {
        self.offset
    }

    /// IMAP's date-time, for APPEND: `"17-Jul-1996 02:44:25 -0700"`, quotes included, a single digit with a blank
    /// before it. Servers refuse it without the blank
    /// ([mox#279](https://github.com/mjl-/mox/issues/279)).
    pub fn imap_date_time(&self) -> String {
        let (date, time) = (self.local.date(), self.local.time());
        format!(
            r#""{:>2}-{}-{:04} {:02}:{:02}:{:02} {}""#,
            date.day(),
            month_name(date.month()),
            date.year(),
            time.hour(),
            time.minute(),
            time.second(),
            self.offset.unwrap_or(Offset::UTC),
        )
    }

    /// IMAP's date, for SEARCH: `1-Feb-1994`. It is the day on this date's own clock, and the server compares it with
    /// the day on its own, so whoever wants to miss nothing asks from the day before.
    pub fn imap_date(&self) -> String {
        let date = self.local.date();
        format!(
            "{}-{}-{:04}",
            date.day(),
            month_name(date.month()),
            date.year()
        )
    }

    fn in_range(local: PrimitiveDateTime, offset: Option<Offset>) -> Option<Self> {
        (1900..=9999)
            .contains(&local.year())
            .then_some(Self { local, offset })
    }
}

/// As in RFC 5322 section 3.3: `Fri, 21 Nov 1997 09:55:06 -0600`.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, time) = (self.local.date(), self.local.time());
        write!(
            f,
            "{}, {} {} {:04} {:02}:{:02}:{:02} ",
            weekday_name(date),
            date.day(),
            month_name(date.month()),
            date.year(),
            time.hour(),
            time.minute(),
            time.second(),
        )?;
        match self.offset {
            Some(offset) => offset.fmt(f),
            None => f.write_str("-0000"),
        }
    }
}

/// How far a clock is from UTC: `+0200`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Offset(i16);

impl Offset {
    /// No distance.
    pub const UTC: Self = Self(0);

    /// The largest that can be written, in minutes: `9959`.
    const MOST: i16 = 99 * 60 + 59;

    /// So many minutes east of UTC, or west of it; `None` if it cannot be written.
    pub const fn from_minutes(minutes: i16) -> Option<Self> {
        if -Self::MOST <= minutes && minutes <= Self::MOST {
            return Some(Self(minutes));
        }
        None
    }

    /// Minutes east of UTC.
    pub const fn minutes(self) -> i16 {
        self.0
    }

    fn distance(self) -> Duration {
        Duration::minutes(i64::from(self.0))
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { '-' } else { '+' };
        let minutes = self.0.unsigned_abs();
        write!(f, "{sign}{:02}{:02}", minutes / 60, minutes % 60)
    }
}

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

fn weekday_name(date: time::Date) -> &'static str {
    let index = usize::from(date.weekday().number_days_from_monday());
    WEEKDAYS.get(index).unwrap_or(&"")
}

fn month_name(month: Month) -> &'static str {
    let index = usize::from(u8::from(month)).saturating_sub(1);
    MONTHS.get(index).unwrap_or(&"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(date: Date) -> i64 {
        let at = date.at();
        match at.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_secs()).unwrap(),
            Err(before) => -i64::try_from(before.duration().as_secs()).unwrap(),
        }
    }

    #[test]
    fn a_date_is_read_up_to_the_limit() {
        let padded = |octets: usize| format!("{:<octets$}", "1 Jan 2026 00:00 +0000");
        assert!(Date::parse(padded(Date::OCTETS).as_bytes()).is_some());
        assert!(Date::parse(padded(Date::OCTETS + 1).as_bytes()).is_none());
        let padded = |octets: usize| format!("{:>octets$}", "1-Jan-2026 00:00:00 +0000");
        assert!(Date::parse_imap(padded(Date::OCTETS).as_bytes()).is_some());
        assert!(Date::parse_imap(padded(Date::OCTETS + 1).as_bytes()).is_none());
    }

    #[test]
    fn imap_dates_are_read_and_written() {
        // RFC 3501 sections 6.3.11 and 9.
        for text in [
            r#""17-Jul-1996 02:44:25 -0700""#,
            r#"" 7-Feb-1994 21:52:25 +0000""#,
        ] {
            assert_eq!(
                Date::parse_imap(text.as_bytes()).unwrap().imap_date_time(),
                text
            );
        }
        let date = Date::parse_imap(b"17-Jul-1996 02:44:25 -0700").unwrap();
        assert_eq!(
            (seconds(date), date.imap_date()),
            (837_596_665, "17-Jul-1996".to_owned())
        );
        let date = Date::parse_imap(b"01-feb-1994 21:52:25 -0000").unwrap();
        assert_eq!(
            (date.offset(), date.imap_date()),
            (None, "1-Feb-1994".to_owned())
        );
        assert_eq!(date.imap_date_time(), r#"" 1-Feb-1994 21:52:25 +0000""#);
        // swift-nio-imap#735: no blank before a single digit.
        assert!(Date::parse_imap(b"\"8-Mar-2023 12:16:47 +0800\"").is_some());
        // MailKit#1236: what Domino says of a message without a date; asimap#458: the form of RFC 5322.
        for wrong in [
            "00-Jan-0000 00:00:00 +0000",
            "Mon, 9 Feb 2026 00:00:00 +0000",
            "1-Jan-96 00:00:00 +0000",
        ] {
            assert_eq!(Date::parse_imap(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn an_instant_becomes_a_date_in_the_years_that_can_be_written() {
        let date = |seconds, minutes| {
            let offset = Offset::from_minutes(minutes).unwrap();
            Date::new(instant(seconds), offset).map(|date| date.to_string())
        };
        let written = |seconds, minutes| date(seconds, minutes).unwrap();
        assert_eq!(written(0, 0), "Thu, 1 Jan 1970 00:00:00 +0000");
        assert_eq!(
            written(880_127_706, -360),
            "Fri, 21 Nov 1997 09:55:06 -0600"
        );
        assert_eq!(written(-2_208_988_800, 0), "Mon, 1 Jan 1900 00:00:00 +0000");
        assert_eq!(
            written(253_402_300_799, 0),
            "Fri, 31 Dec 9999 23:59:59 +0000"
        );
        assert_eq!(
            (date(-2_208_988_801, 0), date(253_402_300_800, 0)),
            (None, None)
        );
        assert_eq!(
            (date(-2_208_988_800, -1), date(253_402_300_799, 1)),
            (None, None)
        );
        let before = SystemTime::UNIX_EPOCH - std::time::Duration::from_millis(1);
        assert_eq!(
            Date::new(before, Offset::UTC).unwrap().to_string(),
            "Wed, 31 Dec 1969 23:59:59 +0000"
        );
    }

    #[test]
    fn an_offset_is_one_that_can_be_written() {
        assert_eq!(Offset::from_minutes(5999).unwrap().to_string(), "+9959");
        assert_eq!(Offset::from_minutes(-5999).unwrap().to_string(), "-9959");
        assert_eq!(
            (Offset::from_minutes(6000), Offset::from_minutes(-6000)),
            (None, None)
        );
        assert_eq!(Offset::from_minutes(-210).map(Offset::minutes), Some(-210));
    }
}
