//! Dates as registries write them: RFC 3339 in RDAP, and a dozen other ways in WHOIS. What a date means is not known
//! here.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while_m_n, take_while1};
use nom::character::complete::{char, one_of, space0, space1};
use nom::combinator::{eof, map_opt, map_res, opt};
use nom::sequence::{preceded, terminated};
use nom::{IResult, Parser};

const DAY: i64 = 24 * 60 * 60;

/// A day of the proleptic Gregorian calendar.
#[derive(Clone, Copy)]
struct Day {
    year: i64,
    month: i64,
    day: i64,
}

/// A date and time of RFC 3339 (section 5.6). Without an offset it is taken for UTC, without a time for midnight: both
/// are seen.
pub(crate) fn rfc3339(text: &str) -> Option<SystemTime> {
    let day = (
        number(4, 4),
        char('-'),
        number(2, 2),
        char('-'),
        number(2, 2),
    );
    let day = day.map(|(year, _, month, _, day)| Day { year, month, day });
    let (_, instant) = terminated(moment(day, one_of_separators), eof)
        .parse(text.trim())
        .ok()?;
    instant
}

/// A date as it stands in an answer of WHOIS, with whatever stands behind it. Of `1/2/2026` the first number is the
/// day: whoever writes the month first has a registry that writes RFC 3339.
pub(crate) fn written(text: &str) -> Option<SystemTime> {
    /// No date is longer, with its weekday and its zone.
    const LONGEST: usize = 64;
    let text = text.trim();
    let text = text.get(..LONGEST).unwrap_or(text);
    let days = alt((year_first, compact, day_first, month_first));
    let (_, instant) = moment(days, one_of_separators).parse(text).ok()?;
    instant
}

/// A day, and a time of that day where one follows.
fn moment<'a>(
    day: impl Parser<&'a str, Output = Day, Error = nom::error::Error<&'a str>>,
    separator: impl Fn(&'a str) -> IResult<&'a str, ()>,
) -> impl Parser<&'a str, Output = Option<SystemTime>, Error = nom::error::Error<&'a str>> {
    let time = preceded(separator, (clock, offset));
    (day, opt(time)).map(|(day, time)| {
        let (clock, offset) = time.unwrap_or_default();
        instant(days_since_epoch(day)? * DAY + clock - offset)
    })
}

fn one_of_separators(input: &str) -> IResult<&str, ()> {
    let letter = one_of("Tt").map(|_| ());
    alt((letter, space1.map(|_| ()))).parse(input)
}

/// `2026-01-31`, `2026/01/31`, `2026. 1.31`, `2026-Jan-31`.
fn year_first(input: &str) -> IResult<&str, Day> {
    let between = || (one_of("-/."), space0);
    let all = (number(4, 4), between(), month, between(), number(1, 2));
    let mut all = all.map(|(year, _, month, _, day)| Day { year, month, day });
    all.parse(input)
}

/// `20260131`.
fn compact(input: &str) -> IResult<&str, Day> {
    let all = (number(4, 4), number(2, 2), number(2, 2));
    let mut all = all.map(|(year, month, day)| Day { year, month, day });
    all.parse(input)
}

/// `31-Jan-2026`, `31.01.2026`, `31/1/2026`, `31 January 2026`.
fn day_first(input: &str) -> IResult<&str, Day> {
    let between = || (one_of("-/. "), space0);
    let all = (number(1, 2), between(), month, between(), number(4, 4));
    let mut all = all.map(|(day, _, month, _, year)| Day { year, month, day });
    all.parse(input)
}

/// `January 31 2026`, `Sat Jan 31 2026`.
fn month_first(input: &str) -> IResult<&str, Day> {
    let weekday = (
        alt(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].map(tag)),
        opt(tag(",")),
        space1,
    );
    let between = || (opt(tag(",")), space1);
    let mut all = (
        opt(weekday),
        named_month,
        between(),
        number(1, 2),
        between(),
    );
    let (rest, (_, month, _, day, _)) = all.parse(input)?;
    let (rest, year) = number(4, 4).parse(rest)?;
    Ok((rest, Day { year, month, day }))
}

fn month(input: &str) -> IResult<&str, i64> {
    alt((number(1, 2), named_month)).parse(input)
}

/// By the first three letters of its English name.
fn named_month(input: &str) -> IResult<&str, i64> {
    const MONTHS: &str = "janfebmaraprmayjunjulaugsepoctnovdec";
    let letters = take_while1(|c: char| c.is_ascii_alphabetic());
    let ordinal = |word: &str| {
        let start = word.get(..3)?.to_ascii_lowercase();
        let at = MONTHS.match_indices(&start).find(|(at, _)| at % 3 == 0)?.0;
        i64::try_from(at / 3 + 1).ok()
    };
    map_opt(letters, ordinal).parse(input)
}

/// `23:59:59.123`: seconds of the day. A leap second is the first of the next minute (RFC 3339 section 5.7).
fn clock(input: &str) -> IResult<&str, i64> {
    let fraction = preceded(one_of(".,"), take_while1(|c: char| c.is_ascii_digit()));
    let seconds = (preceded(char(':'), number(2, 2)), opt(fraction));
    let all = (
        number(1, 2),
        preceded(char(':'), number(2, 2)),
        opt(seconds),
    );
    let seconds = |(hours, minutes, seconds): (i64, i64, Option<(i64, _)>)| {
        let seconds = seconds.map_or(0, |(seconds, _)| seconds);
        let fits = hours < 24 && minutes < 60 && seconds <= 60;
        fits.then_some(hours * 3600 + minutes * 60 + seconds)
    };
    map_opt(all, seconds).parse(input)
}

/// `Z`, `+02:00`, `-0500`, `+03`, `UTC`: seconds east of Greenwich. Anything else is left alone, and means UTC.
fn offset(input: &str) -> IResult<&str, i64> {
    let utc = alt((tag("Z"), tag("z"), tag("UTC"), tag("GMT"))).map(|_| 0);
    let japan = tag("JST").map(|_| 9 * 3600);
    let zone = (
        one_of("+-"),
        number(2, 2),
        opt(char(':')),
        opt(number(2, 2)),
    );
    let numeric = map_opt(zone, |(sign, hours, _, minutes)| {
        let seconds = hours * 3600 + minutes.unwrap_or(0) * 60;
        let seconds = (seconds < DAY).then_some(seconds)?;
        Some(if sign == '-' { -seconds } else { seconds })
    });
    let known = preceded((space0, opt(char('('))), alt((utc, japan, numeric)));
    let (rest, known) = opt(known).parse(input)?;
    Ok((rest, known.unwrap_or(0)))
}

fn number<'a>(
    least: usize,
    most: usize,
) -> impl Parser<&'a str, Output = i64, Error = nom::error::Error<&'a str>> {
    let digits = take_while_m_n(least, most, |c: char| c.is_ascii_digit());
    map_res(digits, str::parse)
}

/// Howard Hinnant's days_from_civil: a year begins in March, so that its leap day is the last.
fn days_since_epoch(Day { year, month, day }: Day) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=longest).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    Some(era * 146_097 + days - 719_468)
}

/// The day on which this is, as RFC 3339 writes it (and Howard Hinnant's civil_from_days computes it).
pub(crate) fn day(time: SystemTime) -> String {
    let seconds = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
    };
    let days = seconds.div_euclid(DAY).saturating_add(719_468);
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = year_of_era + era * 400 + later;
    format!("{year:04}-{month:02}-{day:02}")
}

fn instant(seconds: i64) -> Option<SystemTime> {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    match seconds < 0 {
        true => UNIX_EPOCH.checked_sub(distance),
        false => UNIX_EPOCH.checked_add(distance),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seconds(time: Option<SystemTime>) -> Option<u64> {
        Some(time?.duration_since(UNIX_EPOCH).unwrap().as_secs())
    }

    #[test]
    fn a_date_of_rfc_3339_is_the_instant_it_names() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-24T13:00:00Z", 1_795_525_200),
            ("2026-11-24T13:00:00.999Z", 1_795_525_200),
            ("2026-11-24t13:00:00z", 1_795_525_200),
            ("2026-11-24T15:00:00+02:00", 1_795_525_200),
            ("2026-11-24T07:30:00.123456-05:30", 1_795_525_200),
            ("2026-11-24T13:00:00", 1_795_525_200),
            ("2026-11-24", 1_795_478_400),
            ("2024-02-29T00:00:00Z", 1_709_164_800),
            ("2016-12-31T23:59:60Z", 1_483_228_800),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            assert_eq!(seconds(rfc3339(text)), Some(expected), "{text}");
        }
        let before = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(rfc3339("1969-12-31T23:59:59Z"), Some(before));
    }

    #[test]
    fn what_is_no_date_of_rfc_3339_is_none() {
        for text in [
            "",
            "never",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-10T00:00:00Z",
            "2026-01-32T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:61Z",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00Zx",
            "26-01-01T00:00:00Z",
            "+2026-01-01T00:00:00Z",
            "2026-1-1",
        ] {
            assert_eq!(rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_is_written_as_it_is_read() {
        for text in [
            "1970-01-01",
            "2024-02-29",
            "2026-12-31",
            "2000-03-01",
            "1969-12-31",
            "9999-12-31",
        ] {
            assert_eq!(day(rfc3339(text).unwrap()), text);
            assert_eq!(day(rfc3339(&format!("{text}T23:59:59Z")).unwrap()), text);
        }
    }

    #[test]
    fn registries_write_the_same_day_in_many_ways() {
        for text in [
            "2026-01-31",
            "2026/01/31",
            "2026.01.31",
            "2026. 01. 31.",
            "2026-Jan-31.",
            "20260131",
            "20260131 #27421",
            "31-Jan-2026",
            "31-jan-2026",
            "31.01.2026",
            "31.1.2026 00:00:00",
            "31/01/2026 00:00",
            "31 January 2026",
            "January 31 2026",
            "January 31, 2026",
            "Sat Jan 31 2026",
            "2026-01-31 03:00:00+03",
            "2026/01/31 09:00:00 (JST)",
            "2026-01-31T00:00:00.0Z",
            "2026-01-31 00:00:00 UTC",
            "2026-01-31 (YYYY-MM-DD)",
        ] {
            assert_eq!(seconds(written(text)), Some(1_769_817_600), "{text}");
        }
        for text in [
            "",
            "before Aug-1996",
            "n/a",
            "Foo 31 2026",
            "31-Foo-2026",
            "31",
        ] {
            assert_eq!(written(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "\\PC{0,80}", digits in "[0-9TZ:.+ /-]{0,40}") {
            let _ = (written(&text), rfc3339(&text), written(&digits), rfc3339(&digits));
        }
    }
}
