//! The dates of HTTP, and how long a server asks us to wait. Both are read out of headers that anybody may have written.

use core::str::{FromStr, from_utf8};
use std::time::{Duration, SystemTime};

use nom::branch::alt;
use nom::bytes::complete::{tag_no_case, take_while_m_n};
use nom::character::complete::{alpha1, char, digit1, one_of, space1};
use nom::combinator::{all_consuming, map, map_opt};
use nom::sequence::{preceded, terminated};
use nom::{IResult, Parser};
use time::{Month, OffsetDateTime, PrimitiveDateTime, Time};

use crate::instant::instant;

/// The most octets of a value that are read: the longest date of the three forms has 33.
const OCTETS: usize = 64;
/// Who asks for more has said "never".
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// ```abnf
/// Retry-After   = HTTP-date / delay-seconds
/// delay-seconds = 1*DIGIT
/// ```
/// RFC 9110 section 10.2.3. A date that is over says that there is nothing to wait for.
pub(super) fn retry_after(value: &[u8], now: SystemTime) -> Option<Duration> {
    let value = bounded(value)?;
    if let Ok((_, digits)) = all_consuming(digit1::<_, Error>).parse(value) {
        let wait = number(digits).map_or(LONGEST_WAIT, Duration::from_secs);
        return Some(wait.min(LONGEST_WAIT));
    }
    let wait = http_date(value, now)?.duration_since(now);
    Some(wait.unwrap_or_default().min(LONGEST_WAIT))
}

/// ```abnf
/// HTTP-date    = IMF-fixdate / obs-date
/// obs-date     = rfc850-date / asctime-date
/// ```
/// RFC 9110 section 5.6.7. What the day of the week is called decides nothing; `now` decides about years of two digits.
pub(super) fn http_date(value: &[u8], now: SystemTime) -> Option<SystemTime> {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let seconds = i64::try_from(since.as_secs()).ok()?;
    let year_now = OffsetDateTime::from_unix_timestamp(seconds).ok()?.year();
    let forms = alt((|input| date(input, year_now), asctime_date));
    let (_, at) = all_consuming(forms).parse(bounded(value)?).ok()?;
    Some(at)
}

type Error<'a> = nom::error::Error<&'a [u8]>;

fn bounded(value: &[u8]) -> Option<&[u8]> {
    Some(value.trim_ascii()).filter(|value| value.len() <= OCTETS)
}

/// ```abnf
/// IMF-fixdate = day-name "," SP date1 SP time-of-day SP GMT
/// date1       = day SP month SP year
/// rfc850-date = day-name-l "," SP date2 SP time-of-day SP GMT
/// date2       = day "-" month "-" 2DIGIT
/// ```
/// RFC 9110 section 5.6.7; also the cross between both in which Netscape wrote the dates of cookies, with hyphens and
/// a year of four digits.
fn date(input: &[u8], year_now: i32) -> IResult<&[u8], SystemTime> {
    let (input, _) = (alpha1, char(','), space1).parse(input)?;
    let mark = || one_of(" -");
    let year = alt((digits(4), map(digits(2), |year| in_full(year, year_now))));
    let (input, day) = terminated(digits(2), mark()).parse(input)?;
    let (input, month) = terminated(month, mark()).parse(input)?;
    let clock = preceded(space1, time_of_day);
    let zone = (space1, tag_no_case(&b"GMT"[..]));
    map_opt((year, clock, zone), |(year, clock, _)| {
        calendar(year, month, day, clock)
    })
    .parse(input)
}

/// ```abnf
/// asctime-date = day-name SP date3 SP time-of-day SP year
/// date3        = month SP ( 2DIGIT / ( SP 1DIGIT ))
/// ```
/// RFC 9110 section 5.6.7: what C's `asctime` writes.
fn asctime_date(input: &[u8]) -> IResult<&[u8], SystemTime> {
    let day = alt((digits(2), digits(1)));
    let (input, month) = preceded((alpha1, space1), month).parse(input)?;
    let (input, day) = preceded(space1, day).parse(input)?;
    let clock = preceded(space1, time_of_day);
    let year = preceded(space1, digits(4));
    map_opt((clock, year), |(clock, year)| {
        calendar(year, month, day, clock)
    })
    .parse(input)
}

/// ```abnf
/// time-of-day = hour ":" minute ":" second
/// ```
/// RFC 9110 section 5.6.7.
fn time_of_day(input: &[u8]) -> IResult<&[u8], Time> {
    let next = || preceded(char(':'), digits(2));
    map_opt((digits(2), next(), next()), |(hour, minute, second)| {
        // The calendar knows no leap seconds.
        let second: u8 = second;
        Time::from_hms(hour, minute, if second == 60 { 59 } else { second }).ok()
    })
    .parse(input)
}

fn month(input: &[u8]) -> IResult<&[u8], Month> {
    map_opt(alpha1, |name: &[u8]| {
        let mut numbered = (1..).zip(MONTHS);
        let found = numbered.find(|(_, month)| name.eq_ignore_ascii_case(month.as_bytes()));
        found.and_then(|(number, _): (u8, _)| Month::try_from(number).ok())
    })
    .parse(input)
}

/// A year that seems more than 50 years ahead is the last in the past that ends so.
fn in_full(two_digits: i32, year_now: i32) -> i32 {
    let year = year_now - year_now.rem_euclid(100) + two_digits;
    if year > year_now + 50 {
        year - 100
    } else {
        year
    }
}

fn calendar(year: i32, month: Month, day: u8, clock: Time) -> Option<SystemTime> {
    let date = time::Date::from_calendar_date(year, month, day).ok()?;
    let at = PrimitiveDateTime::new(date, clock).assume_utc();
    Some(instant(at.unix_timestamp()))
}

fn digits<'a, N: FromStr>(count: usize) -> impl Parser<&'a [u8], Output = N, Error = Error<'a>> {
    let digits = take_while_m_n(count, count, |byte: u8| byte.is_ascii_digit());
    map_opt(digits, number)
}

fn number<N: FromStr>(digits: &[u8]) -> Option<N> {
    from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Tue, 24 Nov 2026 12:00:00 GMT
    const NOW: i64 = 1_795_521_600;

    fn read(value: &str) -> Option<i64> {
        let at = http_date(value.as_bytes(), instant(NOW))?;
        let since = at.duration_since(SystemTime::UNIX_EPOCH);
        Some(i64::try_from(since.unwrap().as_secs()).unwrap())
    }

    fn wait(value: &str) -> Option<u64> {
        retry_after(value.as_bytes(), instant(NOW)).map(|wait| wait.as_secs())
    }

    #[test]
    fn the_three_forms_of_a_date_and_that_of_old_cookies_are_read() {
        // RFC 9110 section 5.6.7.
        for same in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 06-Nov-1994 08:49:37 GMT",
        ] {
            assert_eq!(read(same), Some(784_111_777), "{same}");
        }
        assert_eq!(read("Sat, 31 Dec 2016 23:59:60 GMT"), Some(1_483_228_799));
        for wrong in [
            "",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 +0100",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT and more",
            "Sun Nov 6 1994",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_year_of_two_digits_is_at_most_fifty_years_ahead() {
        assert_eq!(read("Tuesday, 24-Nov-76 12:00:00 GMT"), Some(3_373_444_800));
        assert_eq!(read("Thursday, 24-Nov-77 12:00:00 GMT"), Some(249_220_800));
    }

    #[test]
    fn a_wait_is_a_number_of_seconds_or_the_time_until_a_date() {
        assert_eq!(wait("120"), Some(120));
        assert_eq!(wait(" 0 "), Some(0));
        assert_eq!(wait("Tue, 24 Nov 2026 12:01:00 GMT"), Some(60));
        assert_eq!(wait("Tue Nov 24 12:01:00 2026"), Some(60));
        assert_eq!(wait("Tue, 24 Nov 2026 11:00:00 GMT"), Some(0));
        for wrong in ["", "-1", "1.5", "soon", "60 s"] {
            assert_eq!(wait(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn no_wait_is_longer_than_a_year_and_no_value_is_read_beyond_its_limit() {
        assert_eq!(wait("31536000"), Some(31_536_000));
        assert_eq!(wait("31536001"), Some(31_536_000));
        assert_eq!(wait("99999999999999999999999999"), Some(31_536_000));
        assert_eq!(wait("Thu, 01 Jan 9998 00:00:00 GMT"), Some(31_536_000));
        assert_eq!(wait(&"0".repeat(OCTETS)), Some(0));
        assert_eq!(wait(&"0".repeat(OCTETS + 1)), None);
    }

    proptest! {
        #[test]
        fn any_value_is_read_or_passed_over(
            value in "[A-Z][a-z]{2,8},? ?[0-9A-Za-z]{1,3}[ -][0-9A-Za-z]{1,3}[ -][0-9:]{1,8} [0-9:]{1,8}( GMT)?|[0-9]{1,40}|.{0,80}",
            now in -60_000_000_000_i64..1_000_000_000_000,
        ) {
            let wait = retry_after(value.as_bytes(), instant(now));
            prop_assert!(wait.unwrap_or_default() <= LONGEST_WAIT);
        }
    }
}
