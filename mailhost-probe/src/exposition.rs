//! The page of an exporter: Prometheus's text format 0.0.4, and OpenMetrics 1.0 as far as it carries samples. What a series
//! means is not known here.
//!
//! ```text
//! line     = sample / "#" comment / nothing                  ; HELP, TYPE, UNIT and EOF are comments
//! sample   = name [ "{" [ label *( "," label ) [ "," ] ] "}" ] value [ timestamp ] [ "#" exemplar ]
//! label    = name "=" DQUOTE *( character / "\\" / "\" DQUOTE / "\n" ) DQUOTE
//! value    = number / "NaN" / "+Inf" / "-Inf"
//! ```

use std::borrow::Cow;

use nom::branch::alt;
use nom::bytes::complete::{is_not, tag, take_while, take_while1};
use nom::character::complete::{anychar, space0, space1};
use nom::combinator::{eof, map_opt, opt, recognize};
use nom::multi::{fold, many0_count};
use nom::sequence::{delimited, pair, preceded, terminated};
use nom::{IResult, Parser};

/// Reads a page, a sample at a time; lines that are none are counted and passed over.
///
/// ```
/// use mailhost_probe::Exposition;
///
/// let mut page = Exposition::new(b"# TYPE up gauge\nup{job=\"mail\"} 1\nnot a sample\n");
/// let sample = page.next().unwrap();
/// assert_eq!((&*sample.name, sample.label("job"), sample.value), ("up", Some("mail"), 1.0));
/// assert!(page.next().is_none());
/// assert_eq!(page.malformed(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct Exposition<'a> {
    rest: &'a [u8],
    malformed: u64,
    is_over: bool,
}

impl<'a> Exposition<'a> {
    /// The longest line that is read.
    pub const LINE: usize = 64 * 1024;
    /// So many labels one sample may have.
    pub const LABELS: usize = 64;

    /// A page of which nothing was read yet.
    pub const fn new(page: &'a [u8]) -> Self {
        Self {
            rest: page,
            malformed: 0,
            is_over: false,
        }
    }

    /// How many lines so far were neither samples nor comments.
    pub const fn malformed(&self) -> u64 {
        self.malformed
    }

    /// Whether the page said that it is over (`# EOF`), which OpenMetrics must and Prometheus's own format does not.
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    fn line(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() || self.is_over {
            return None;
        }
        let mut parts = self.rest.splitn(2, |byte| *byte == b'\n');
        let line = parts.next()?;
        self.rest = parts.next().unwrap_or_default();
        Some(line.trim_ascii())
    }
}

impl<'a> Iterator for Exposition<'a> {
    type Item = Reading<'a>;

    fn next(&mut self) -> Option<Reading<'a>> {
        loop {
            let line = self.line()?;
            if line == b"# EOF" {
                self.is_over = true;
            }
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let text = core::str::from_utf8(line).ok();
            let text = text.filter(|text| text.len() <= Self::LINE);
            match text.and_then(|text| sample(text).ok()) {
                Some((_, sample)) => return Some(sample),
                None => self.malformed = self.malformed.saturating_add(1),
            }
        }
    }
}

/// One value of one series.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reading<'a> {
    /// The name of the metric.
    pub name: &'a str,
    /// The labels, as they stand.
    pub labels: Vec<(&'a str, Cow<'a, str>)>,
    /// The value, which may also be no number or without bounds.
    pub value: f64,
}

impl Reading<'_> {
    /// The value of the label of this name.
    pub fn label(&self, name: &str) -> Option<&str> {
        let mut labels = self.labels.iter();
        let (_, value) = labels.find(|(known, _)| *known == name)?;
        Some(value)
    }
}

fn sample(line: &str) -> IResult<&str, Reading<'_>> {
    let timestamp = preceded(space1, recognize(map_opt(is_not(" \t#"), float)));
    let exemplar = (space1, tag("#"), take_while(|_| true));
    let (rest, (name, labels, value, _)) = (
        name,
        terminated(opt(labels), space0),
        map_opt(is_not(" \t#"), float),
        (opt(timestamp), opt(exemplar), space0, eof),
    )
        .parse(line)?;
    let sample = Reading {
        name,
        labels: labels.unwrap_or_default(),
        value,
    };
    Ok((rest, sample))
}

/// `NaN` has no sign that means anything, and Rust would keep the one of `-NaN`.
fn float(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    Some(if value.is_nan() { f64::NAN } else { value })
}

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`
fn name(input: &str) -> IResult<&str, &str> {
    let is_first = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | ':');
    let first = take_while1(is_first);
    let rest = take_while(move |c: char| is_first(c) || c.is_ascii_digit());
    recognize(pair(first, rest)).parse(input)
}

fn labels(input: &str) -> IResult<&str, Vec<(&str, Cow<'_, str>)>> {
    let separator = (space0, opt(tag(",")), space0);
    let each = fold(
        0..=Exposition::LABELS,
        terminated(label, separator),
        Vec::new,
        |mut labels, label| {
            labels.push(label);
            labels
        },
    );
    delimited((tag("{"), space0), each, tag("}")).parse(input)
}

fn label(input: &str) -> IResult<&str, (&str, Cow<'_, str>)> {
    let (rest, (name, _, value)) = (name, (space0, tag("="), space0), quoted).parse(input)?;
    Ok((rest, (name, value)))
}

fn quoted(input: &str) -> IResult<&str, Cow<'_, str>> {
    let piece = alt((is_not("\\\""), recognize(preceded(tag("\\"), anychar))));
    let content = recognize(many0_count(piece));
    let (rest, raw) = delimited(tag("\""), content, tag("\"")).parse(input)?;
    Ok((rest, unescaped(raw)))
}

fn unescaped(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some('n') => text.push('\n'),
                Some(escaped) => text.push(escaped),
                None => {}
            },
            plain => text.push(plain),
        }
    }
    Cow::Owned(text)
}
