//! Dates out of bytes: the grammars of RFC 5322, RFC 3339 and RFC 3501. What the numbers mean is the calendar's to
//! say.

use core::str::FromStr;

use nom::branch::alt;
use nom::bytes::complete::{tag_no_case, take, take_while_m_n, take_while1};
use nom::character::complete::{alpha1, char, one_of, space0, space1};
use nom::combinator::{eof, map, map_opt, opt, peek, recognize, success, value, verify};
use nom::error::{Error, ErrorKind};
use nom::multi::many0_count;
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};
use time::{Duration, Month, PrimitiveDateTime, Time};

use super::{Date, DateForm, MONTHS, Offset, WEEKDAYS, weekday_name};

/// RFC 5322 section 4.3: the names with a meaning. All others, the letters of the military among them, say as much as
/// `-0000`. `UTC` is not in the list but in use.
const ZONES: [(&str, Offset); 11] = [
    ("UT", Offset::UTC),
    ("UTC", Offset::UTC),
    ("GMT", Offset::UTC),
    ("EDT", Offset(-4 * 60)),
    ("EST", Offset(-5 * 60)),
    ("CDT", Offset(-5 * 60)),
    ("CST", Offset(-6 * 60)),
    ("MDT", Offset(-6 * 60)),
    ("MST", Offset(-7 * 60)),
    ("PDT", Offset(-7 * 60)),
    ("PST", Offset(-8 * 60)),
];

type Read = (Date, DateForm);
type Clock = (u8, u8, u8);

/// ```abnf
/// date-time   = [ day-of-week "," ] date time [CFWS]
/// date        = day month year
/// ```
/// RFC 5322 section 3.3, with comments and blanks wherever section 4.3 has them.
pub(super) fn date_time(input: &[u8]) -> IResult<&[u8], Read> {
    let (input, named) = preceded(cfws, opt(terminated(day_of_week, cfws))).parse(input)?;
    let (input, (day, month)) = (digits(1, 2), preceded(cfws, month)).parse(input)?;
    let (input, (year, mut form)) = preceded(cfws, year).parse(input)?;
    let (input, (clock, clock_form)) =
        preceded(verify(cfws, |count| *count > 0), time_of_day).parse(input)?;
    let (input, (offset, zone_form)) = preceded(cfws, zone).parse(input)?;
    let (input, _) = (cfws, eof).parse(input)?;
    form = form.max(clock_form).max(zone_form);
    let Some(date) = date(year, month, day, clock, offset) else {
        return Err(nom::Err::Error(Error::new(input, ErrorKind::Verify)));
    };
    if let Some((weekday, comma_form)) = named {
        form = form.max(if weekday == weekday_name(date.local.date()) {
            comma_form
        } else {
            DateForm::Deviant
        });
    }
    Ok((input, (date, form)))
}

/// ```abnf
/// day-of-week = ([FWS] day-name) / obs-day-of-week
/// ```
/// RFC 5322 section 3.3, with the comma behind it.
fn day_of_week(input: &[u8]) -> IResult<&[u8], (&'static str, DateForm)> {
    let comma = preceded(cfws, char(','));
    let comma = map(opt(comma), |comma| match comma {
        Some(_) => DateForm::Current,
        None => DateForm::Deviant,
    });
    let weekday = map_opt(alpha1, |name: &[u8]| {
        let is_it = |weekday: &&str| name.eq_ignore_ascii_case(weekday.as_bytes());
        WEEKDAYS.into_iter().find(is_it)
    });
    (weekday, comma).parse(input)
}

/// ```abnf
/// month = "Jan" / "Feb" / "Mar" / "Apr" / "May" / "Jun" / "Jul" / "Aug" / "Sep" / "Oct" / "Nov" / "Dec"
/// ```
/// RFC 5322 section 3.3; ABNF's strings have no case of letters.
fn month(input: &[u8]) -> IResult<&[u8], u8> {
    let number = |name: &[u8]| {
        let numbered = (1..).zip(MONTHS);
        let mut found = numbered.filter(|(_, month)| name.eq_ignore_ascii_case(month.as_bytes()));
        found.next().map(|(number, _)| number)
    };
    map_opt(alpha1, number).parse(input)
}

/// ```abnf
/// year     = (FWS 4*DIGIT FWS) / obs-year
/// obs-year = [CFWS] 2*DIGIT [CFWS]
/// ```
/// RFC 5322 sections 3.3 and 4.3: of two digits, 00 to 49 are in the 21st century; to three, 1900 is added.
fn year(input: &[u8]) -> IResult<&[u8], (u16, DateForm)> {
    let obsolete = |year| (year, DateForm::Obsolete);
    let of_two = map(digits(2, 2), |year: u16| match year {
        0..=49 => 2000 + year,
        _ => 1900 + year,
    });
    alt((
        map(digits(4, 4), |year| (year, DateForm::Current)),
        map(digits(3, 3), |year: u16| obsolete(1900 + year)),
        map(of_two, obsolete),
    ))
    .parse(input)
}

/// ```abnf
/// time-of-day = hour ":" minute [ ":" second ]
/// ```
/// RFC 5322 section 3.3, comments and blanks as in section 4.3. Each has two digits; one is understood.
fn time_of_day(input: &[u8]) -> IResult<&[u8], (Clock, DateForm)> {
    let colon = || delimited(cfws, char(':'), cfws);
    let part = || {
        alt((
            map(digits(2, 2), |number| (number, DateForm::Current)),
            map(digits(1, 1), |number| (number, DateForm::Deviant)),
        ))
    };
    let none = success((0, DateForm::Current));
    let parts = (
        part(),
        preceded(colon(), part()),
        alt((preceded(colon(), part()), none)),
    );
    map(parts, |(hour, minute, second)| {
        let form = hour.1.max(minute.1).max(second.1);
        ((hour.0, minute.0, second.0), form)
    })
    .parse(input)
}

/// ```abnf
/// zone     = (FWS ( "+" / "-" ) 4DIGIT) / obs-zone
/// obs-zone = "UT" / "GMT" / "EST" / "EDT" / ... / 1ALPHA
/// ```
/// RFC 5322 sections 3.3 and 4.3; here also none at all, one with a colon, and one of several words.
fn zone(input: &[u8]) -> IResult<&[u8], (Option<Offset>, DateForm)> {
    let words = recognize((alpha1, many0_count((space1, alpha1))));
    let by_name = map(words, |words: &[u8]| {
        let is_it = |name: &str| words.eq_ignore_ascii_case(name.as_bytes());
        let known = ZONES.iter().find(|(name, _)| is_it(name));
        let form = match words.iter().all(u8::is_ascii_alphabetic) {
            true => DateForm::Obsolete,
            false => DateForm::Deviant,
        };
        (known.map(|(_, offset)| *offset), form)
    });
    alt((
        map(numeric_zone, |offset| (offset, DateForm::Current)),
        map(zone_with_colon, |offset| (offset, DateForm::Deviant)),
        by_name,
        success((None, DateForm::Deviant)),
    ))
    .parse(input)
}

/// `+0200`; `-0000` says nothing of a clock (RFC 5322 section 3.3).
fn numeric_zone(input: &[u8]) -> IResult<&[u8], Option<Offset>> {
    offset_of((one_of("+-"), digits(2, 2), digits(2, 2))).parse(input)
}

/// `+02:00`, as RFC 3339 has it.
fn zone_with_colon(input: &[u8]) -> IResult<&[u8], Option<Offset>> {
    let minutes = preceded(char(':'), digits(2, 2));
    offset_of((one_of("+-"), digits(2, 2), minutes)).parse(input)
}

fn offset_of<'a>(
    parts: impl Parser<&'a [u8], Output = (char, u8, u8), Error = Error<&'a [u8]>>,
) -> impl Parser<&'a [u8], Output = Option<Offset>, Error = Error<&'a [u8]>> {
    map_opt(parts, |(sign, hours, minutes): (char, u8, u8)| {
        let distance = i16::from(hours) * 60 + i16::from(minutes);
        match (sign, distance) {
            _ if minutes > 59 => None,
            ('-', 0) => Some(None),
            ('-', _) => Offset::from_minutes(-distance).map(Some),
            _ => Offset::from_minutes(distance).map(Some),
        }
    })
}

/// ```abnf
/// date-time = full-date "T" full-time
/// full-date = date-fullyear "-" date-month "-" date-mday
/// full-time = time-hour ":" time-minute ":" time-second [time-secfrac] ("Z" / time-numoffset)
/// ```
/// RFC 3339 section 5.6, whose note allows a blank for the `T`. mailexporter is one that sends it.
pub(super) fn rfc3339(input: &[u8]) -> IResult<&[u8], Read> {
    let dash = || char('-');
    let full_date = (
        delimited(space0, digits(4, 4), dash()),
        terminated(digits(2, 2), dash()),
        digits(2, 2),
    );
    let utc = value(Some(Offset::UTC), tag_no_case("Z"));
    let full_time = (
        clock,
        opt((char('.'), take_while1(is_digit))),
        alt((utc, zone_with_colon)),
    );
    let parts = (full_date, one_of("Tt "), full_time, space0, eof);
    map_opt(
        parts,
        |((year, month, day), _, (clock, _, offset), _, _)| {
            let date = date(year, month, day, clock, offset)?;
            Some((date, DateForm::Rfc3339))
        },
    )
    .parse(input)
}

/// ```abnf
/// date-time      = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
/// date-day-fixed = (SP DIGIT) / 2DIGIT
/// ```
/// RFC 3501 section 9. Servers leave the blank before a single digit out (swift-nio-imap#735), or have several.
pub(super) fn imap_date_time(input: &[u8]) -> IResult<&[u8], Date> {
    let quote = || opt(char('"'));
    let day = delimited((quote(), space0), digits(1, 2), char('-'));
    let parts = (
        day,
        terminated(month, char('-')),
        digits(4, 4),
        preceded(space1, clock),
        preceded(space1, numeric_zone),
        quote(),
        eof,
    );
    map_opt(parts, |(day, month, year, clock, offset, _, _)| {
        date(year, month, day, clock, offset)
    })
    .parse(input)
}

/// `02:44:25`, each of two digits.
fn clock(input: &[u8]) -> IResult<&[u8], Clock> {
    let next = || preceded(char(':'), digits(2, 2));
    (digits(2, 2), next(), next()).parse(input)
}

/// ```abnf
/// CFWS    = (1*([FWS] comment) [FWS]) / FWS
/// comment = "(" *([FWS] ccontent) [FWS] ")"
/// ```
/// RFC 5322 section 3.2.2; here it may be empty. What stands in comments is not read, so it may be in any bytes
/// (Incredimail names the zone in the sender's own language and charset: MimeKit#179).
fn cfws(input: &[u8]) -> IResult<&[u8], usize> {
    let blank = take_while1(|byte: u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
    many0_count(alt((blank, comment))).parse(input)
}

/// Comments contain comments. They are counted, since by recursion a hostile sender could exhaust the stack.
fn comment(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let mut depth = 0_usize;
    let mut is_quoted = false;
    let mut is_within = |byte: u8| {
        match byte {
            _ if is_quoted => is_quoted = false,
            b'\\' => is_quoted = true,
            b'(' => depth = depth.saturating_add(1),
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > 0
    };
    // The parenthesis that closes the first one is the first byte that is not within.
    let length = input.iter().take_while(|byte| is_within(**byte)).count();
    recognize((peek(char('(')), take(length), char(')'))).parse(input)
}

/// The date that these numbers make; `None` if there is no such day or time.
fn date(
    year: u16,
    month: u8,
    day: u8,
    (hour, minute, second): Clock,
    offset: Option<Offset>,
) -> Option<Date> {
    // RFC 5322 section 3.3 allows the leap second, which the clocks of computers do not have.
    let leap = u8::from(second == 60);
    let month = Month::try_from(month).ok()?;
    let day = time::Date::from_calendar_date(i32::from(year), month, day).ok()?;
    let time = Time::from_hms(hour, minute, second - leap).ok()?;
    let local = PrimitiveDateTime::new(day, time).checked_add(Duration::seconds(leap.into()))?;
    Date::in_range(local, offset)
}

/// From so many to so many digits, as a number.
fn digits<'a, T: FromStr>(
    least: usize,
    most: usize,
) -> impl Parser<&'a [u8], Output = T, Error = Error<&'a [u8]>> {
    map_opt(take_while_m_n(least, most, is_digit), |digits| {
        core::str::from_utf8(digits).ok()?.parse().ok()
    })
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    /// The date in the current form, its seconds since 1970, and the form it was in.
    fn read(text: &str) -> Option<(String, i64, DateForm)> {
        let (date, form) = Date::parse(text.as_bytes())?;
        Some((date.to_string(), seconds(date), form))
    }

    fn seconds(date: Date) -> i64 {
        let at = date.at();
        match at.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_secs()).unwrap(),
            Err(before) => -i64::try_from(before.duration().as_secs()).unwrap(),
        }
    }

    fn assert_reads(text: &str, rewritten: &str, at: i64, form: DateForm) {
        assert_eq!(read(text), Some((rewritten.to_owned(), at, form)), "{text}");
    }

    #[test]
    fn the_dates_of_rfc_5322_are_read() {
        let date = "Fri, 21 Nov 1997 09:55:06 -0600";
        assert_reads(date, date, 880_127_706, DateForm::Current);
        assert_reads(
            "21 nov 1997 09:55 -0600",
            "Fri, 21 Nov 1997 09:55:00 -0600",
            880_127_700,
            DateForm::Current,
        );
        // Appendix A.5: blanks and a comment.
        let spread = "Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 (Newfoundland Time)";
        assert_reads(
            spread,
            "Thu, 13 Feb 1969 23:32:00 -0330",
            -27_723_480,
            DateForm::Current,
        );
        // Appendix A.6.2: obsolete year and zone.
        assert_reads(
            "21 Nov 97 09:55:06 GMT",
            "Fri, 21 Nov 1997 09:55:06 +0000",
            880_106_106,
            DateForm::Obsolete,
        );
        // Appendix A.6.3: blanks and comments everywhere.
        let spread = "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600";
        assert_reads(spread, date, 880_127_706, DateForm::Current);
        // Section 3.3: nothing is said of a clock; and a second that no computer's clock has.
        assert_reads(
            "1 Jan 2026 00:00:00 -0000",
            "Thu, 1 Jan 2026 00:00:00 -0000",
            1_767_225_600,
            DateForm::Current,
        );
        assert_reads(
            "31 Dec 2016 23:59:60 +0000",
            "Sun, 1 Jan 2017 00:00:00 +0000",
            1_483_228_800,
            DateForm::Current,
        );
    }

    #[test]
    fn obsolete_years_and_zones_mean_what_section_4_3_says() {
        for (year, meant) in [
            ("00", 2000),
            ("49", 2049),
            ("50", 1950),
            ("99", 1999),
            ("100", 2000),
            ("126", 2026),
        ] {
            let (date, form) = Date::parse(format!("1 Jan {year} 00:00 +0000").as_bytes()).unwrap();
            assert_eq!(
                (date.local.year(), form),
                (meant, DateForm::Obsolete),
                "{year}"
            );
        }
        let zones = [
            ("UT", 0),
            ("gmt", 0),
            ("EDT", -240),
            ("EST", -300),
            ("CDT", -300),
            ("CST", -360),
            ("MDT", -360),
            ("MST", -420),
            ("PDT", -420),
            ("PST", -480),
        ];
        for (zone, minutes) in zones {
            let (date, form) = Date::parse(format!("1 Jan 2026 00:00 {zone}").as_bytes()).unwrap();
            assert_eq!(
                (date.offset(), form),
                (Offset::from_minutes(minutes), DateForm::Obsolete),
                "{zone}"
            );
        }
        for zone in ["Z", "A", "y", "CEST"] {
            let (date, form) = Date::parse(format!("1 Jan 2026 00:00 {zone}").as_bytes()).unwrap();
            assert_eq!((date.offset(), form), (None, DateForm::Obsolete), "{zone}");
        }
    }

    #[test]
    fn what_senders_write_wrongly_is_read_and_told_apart() {
        let (new_year, at) = ("Thu, 1 Jan 2026 09:00:00 -0000", 1_767_258_000);
        // mailio#186: no zone.
        assert_reads("Thu, 1 Jan 2026 09:00:00", new_year, at, DateForm::Deviant);
        // mail-mime-parser#116: the zone as Windows calls it.
        assert_reads(
            "Thu, 1 Jan 2026 09:00:00 Pacific Standard Time",
            new_year,
            at,
            DateForm::Deviant,
        );
        // purebred-email#47: one digit for the hour.
        assert_reads(
            "Thu, 1 Jan 2026 9:00:00 -0000",
            new_year,
            at,
            DateForm::Deviant,
        );
        assert_reads(
            "Thu 1 Jan 2026 09:00:00 -0000",
            new_year,
            at,
            DateForm::Deviant,
        );
        assert_reads(
            "Fri, 1 Jan 2026 09:00:00 -0000",
            new_year,
            at,
            DateForm::Deviant,
        );
        assert_reads(
            "Thu, 1 Jan 2026 09:00:00 -00:00",
            new_year,
            at,
            DateForm::Deviant,
        );
        // tine20#7402 and MimeKit#179: comments that other readers trip over.
        let with_comment =
            b"Thu, 6 Oct 2022 12:27:13 +0200 (GMT+02:00) (Mitteleurop\xe4ische \\) (Zeit))";
        let (date, form) = Date::parse(with_comment).unwrap();
        assert_eq!((seconds(date), form), (1_665_052_033, DateForm::Current));
    }

    #[test]
    fn rfc_3339_is_read_and_told_apart() {
        // mailexporter wrote its `Date` field so.
        assert_reads(
            "2026-01-01T09:00:00.123456+02:00",
            "Thu, 1 Jan 2026 09:00:00 +0200",
            1_767_250_800,
            DateForm::Rfc3339,
        );
        assert_reads(
            "2026-01-01 09:00:00z",
            "Thu, 1 Jan 2026 09:00:00 +0000",
            1_767_258_000,
            DateForm::Rfc3339,
        );
        assert_reads(
            "2026-01-01T09:00:00-00:00",
            "Thu, 1 Jan 2026 09:00:00 -0000",
            1_767_258_000,
            DateForm::Rfc3339,
        );
    }

    #[test]
    fn what_is_no_date_is_none() {
        let wrong = [
            "",
            "now",
            "32 Jan 2026 00:00 +0000",
            "29 Feb 2025 00:00 +0000",
            "0 Jan 2026 00:00 +0000",
            "1 Foo 2026 00:00 +0000",
            "1 Jan 2026 24:00 +0000",
            "1 Jan 2026 00:60 +0000",
            "1 Jan 2026 00:00:61 +0000",
            "1 Jan 2026 00:00 +0060",
            "1 Jan 2026 00:00 +000",
            "1 Jan 2026 00:00 +0000 x",
            "1 Jan 2026 00:00 +0000 (",
            "1 Jan 2026 00:00 +0000 )",
            "1 Jan 1899 00:00 +0000",
            "1 Jan 10000 00:00 +0000",
            "31 Dec 9999 23:59:60 +0000",
            "1 Jan 202600:00 +0000",
            "2026-13-01T00:00:00Z",
            "2026-01-01T00:00:00",
        ];
        for text in wrong {
            assert_eq!(read(text), None, "{text}");
        }
        assert!(
            read("1 Jan 1900 00:00 +9959").is_some()
                && read("31 Dec 9999 23:59:59 -9959").is_some()
        );
    }
}
