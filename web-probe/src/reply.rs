//! What a page says: enough of HTML to find forms, titles and redirects, and the headers that are more than a word.
//! Each parser reads any octets, and reads each only a bounded number of times.

use std::time::Duration;

use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case, take_till, take_until, take_while, take_while1};
use nom::character::complete::{alpha1, anychar, char, digit1, one_of, space0};
use nom::combinator::{map, map_res, opt, recognize, rest};
use nom::multi::many_m_n;
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

/// What a page of HTML says, as far as it concerns a login.
///
/// ```
/// let html = web_probe::Html::parse("<title>Mail</title><form action=/in><input type=password></form>");
/// assert_eq!(html.title.as_deref(), Some("Mail"));
/// assert_eq!(html.login_forms, [Some("/in".to_owned())]);
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Html {
    /// Its title, white space as single blanks.
    pub title: Option<String>,
    /// Where the page sends us on by itself, if it does so at once (`http-equiv="refresh"`).
    pub refresh: Option<String>,
    /// The address that references are seen from, where it is not the page's own (`<base>`).
    pub base: Option<String>,
    /// Of each form that asks for a password, where it is posted to; for an input outside of forms too.
    pub login_forms: Vec<Option<String>>,
    /// What made it (`name="generator"`).
    pub generator: Option<String>,
}

impl Html {
    /// So many attributes of one tag are read; a tag with more is none.
    pub const ATTRIBUTES: usize = 64;
    /// So many characters of a title or another text are kept.
    pub const TEXT: usize = 256;
    /// So many login forms are kept.
    pub const FORMS: usize = 16;
    /// Whoever wants to send us on later than this wants to keep an open page fresh.
    pub const AT_ONCE: Duration = Duration::from_secs(5);

    /// Reads a page.
    pub fn parse(text: &str) -> Self {
        let mut reader = Reader::default();
        let mut input = text;
        while let Ok((after, piece)) = piece(input) {
            input = match &piece {
                Piece::Open(tag) if tag.is("script") || tag.is("style") => raw_end(after, tag.name),
                _ => after,
            };
            reader.take(piece);
        }
        reader.html
    }
}

/// Goes through a page and keeps what matters.
#[derive(Default)]
struct Reader {
    html: Html,
    /// The form that stands open.
    form: Option<Form>,
    is_in_title: bool,
    /// What is for browsers without scripts, which send them elsewhere.
    is_in_noscript: bool,
}

impl Reader {
    fn take(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Open(tag) => self.open(&tag),
            Piece::Close(name) => self.close(name),
            Piece::Text(text) if self.is_in_title => {
                let title = self.html.title.get_or_insert_default();
                for word in text.split_whitespace() {
                    if title.len() >= Html::TEXT {
                        break;
                    }
                    let blank = if title.is_empty() { "" } else { " " };
                    *title = shortened(&format!("{title}{blank}{word}"));
                }
            }
            Piece::Text(_) | Piece::Other => {}
        }
    }

    fn open(&mut self, tag: &Tag<'_>) {
        if tag.is("title") {
            self.is_in_title = self.html.title.is_none();
        } else if tag.is("noscript") {
            self.is_in_noscript = true;
        } else if tag.is("form") {
            self.form = Some(Form {
                action: tag.attribute("action"),
                asks_for_password: false,
            });
        } else if tag.is("input") {
            let kind = tag.attribute("type").unwrap_or_default();
            if kind.eq_ignore_ascii_case("password") {
                self.password();
            }
        } else if tag.is("base") {
            let href = tag.attribute("href");
            self.html.base = self.html.base.take().or(href);
        } else if tag.is("meta") {
            self.meta(tag);
        }
    }

    /// Each form is told once.
    fn password(&mut self) {
        let action = match &mut self.form {
            Some(form) if form.asks_for_password => return,
            Some(form) => {
                form.asks_for_password = true;
                form.action.clone()
            }
            None => None,
        };
        if self.html.login_forms.len() < Html::FORMS {
            self.html.login_forms.push(action);
        }
    }

    fn meta(&mut self, tag: &Tag<'_>) {
        let content = tag.attribute("content").unwrap_or_default();
        let says = |attribute: &str, word: &str| {
            let said = tag.attribute(attribute).unwrap_or_default();
            said.eq_ignore_ascii_case(word)
        };
        if says("http-equiv", "refresh") && !self.is_in_noscript {
            let to = refresh(&content).ok().and_then(|(_, to)| to);
            self.html.refresh = self.html.refresh.take().or(to);
        } else if says("name", "generator") {
            self.html.generator = Some(shortened(&content));
        }
    }

    fn close(&mut self, name: &str) {
        if name.eq_ignore_ascii_case("title") {
            self.is_in_title = false;
        } else if name.eq_ignore_ascii_case("noscript") {
            self.is_in_noscript = false;
        } else if name.eq_ignore_ascii_case("form") {
            self.form = None;
        }
    }
}

struct Form {
    action: Option<String>,
    asks_for_password: bool,
}

enum Piece<'a> {
    Open(Tag<'a>),
    Close(&'a str),
    Text(&'a str),
    /// A comment, or a sign that opens nothing.
    Other,
}

struct Tag<'a> {
    name: &'a str,
    attributes: Vec<(&'a str, &'a str)>,
}

impl Tag<'_> {
    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    fn attribute(&self, name: &str) -> Option<String> {
        let same = |(known, _): &&(&str, &str)| known.eq_ignore_ascii_case(name);
        let (_, value) = self.attributes.iter().find(same)?;
        Some(value.replace("&amp;", "&"))
    }
}

/// The next of what a page is made of (HTML Living Standard section 13.2.5, of which this is a small part).
fn piece(input: &str) -> IResult<&str, Piece<'_>> {
    alt((
        map(take_while1(|sign| sign != '<'), Piece::Text),
        comment,
        map(end_tag, Piece::Close),
        map(element, Piece::Open),
        map(anychar, |_| Piece::Other),
    ))
    .parse(input)
}

/// One that never ends goes to the end.
fn comment(input: &str) -> IResult<&str, Piece<'_>> {
    let inside = alt((terminated(take_until("-->"), tag("-->")), rest));
    map(preceded(tag("<!--"), inside), |_| Piece::Other).parse(input)
}

/// Whatever else stands in it is not waited for.
fn end_tag(input: &str) -> IResult<&str, &str> {
    let end = opt((blanks, char('>')));
    delimited(tag("</"), tag_name, end).parse(input)
}

fn tag_name(input: &str) -> IResult<&str, &str> {
    let more = take_while(|sign: char| sign.is_ascii_alphanumeric());
    recognize((alpha1, more)).parse(input)
}

fn element(input: &str) -> IResult<&str, Tag<'_>> {
    let attributes = many_m_n(0, Html::ATTRIBUTES, attribute);
    let end = (blanks, opt(char('/')), blanks, char('>'));
    let tag = terminated((preceded(char('<'), tag_name), attributes), end);
    map(tag, |(name, attributes)| Tag { name, attributes }).parse(input)
}

fn attribute(input: &str) -> IResult<&str, (&str, &str)> {
    let gap = take_while1(|sign: char| sign.is_ascii_whitespace() || sign == '/');
    let name = take_while1(|sign: char| !sign.is_ascii_whitespace() && !"=>/\"'<".contains(sign));
    let bare = take_while1(|sign: char| !sign.is_ascii_whitespace() && !"<>".contains(sign));
    let quoted = |quote: char| {
        let inside = take_till(move |sign| sign == quote);
        delimited(char(quote), inside, char(quote))
    };
    let value = alt((quoted('"'), quoted('\''), bare));
    let value = opt(preceded((blanks, char('='), blanks), value));
    // Where the next begins right behind a quote.
    let (input, _) = opt(gap).parse(input)?;
    map((name, value), |(name, value)| {
        (name, value.unwrap_or_default())
    })
    .parse(input)
}

fn blanks(input: &str) -> IResult<&str, &str> {
    take_while(|sign: char| sign.is_ascii_whitespace()).parse(input)
}

/// What stands behind a script or a style, whose text is no markup.
fn raw_end<'a>(input: &'a str, name: &str) -> &'a str {
    let closes = |place: usize| {
        let behind = input.get(place + 2..).unwrap_or_default();
        let found = behind.get(..name.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(name))
    };
    let mut ends = input.match_indices("</").map(|(place, _)| place);
    let end = ends.find(|place| closes(*place));
    end.and_then(|end| input.get(end..)).unwrap_or_default()
}

/// `0; url=/SOGo/`, with the quotes and the spellings that browsers understand. Only what is to happen at once counts.
fn refresh(input: &str) -> IResult<&str, Option<String>> {
    let seconds = map_res(digit1, str::parse::<u64>);
    let (input, seconds) = preceded(blanks, seconds).parse(input)?;
    let (input, _) = take_while(|sign: char| !",;".contains(sign)).parse(input)?;
    let (input, _) = (opt(one_of(";,")), blanks).parse(input)?;
    let (input, _) = opt((tag_no_case("url"), blanks, char('='), blanks)).parse(input)?;
    let (rest, quote) = opt(one_of("\"'")).parse(input)?;
    let url = rest.split(quote.unwrap_or('\0')).next().unwrap_or_default();
    let url = url.trim();
    let is_now = Duration::from_secs(seconds) <= Html::AT_ONCE && !url.is_empty();
    Ok(("", is_now.then(|| url.to_owned())))
}

/// What `Strict-Transport-Security` promises (RFC 6797 section 6.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Hsts {
    /// For how long browsers come by TLS only.
    pub max_age: Duration,
    /// Whether that holds for the hosts beneath this one too.
    pub with_subdomains: bool,
}

impl Hsts {
    /// Reads the header's value; nothing without a `max-age`, without which it is to be ignored.
    ///
    /// ```abnf
    /// Strict-Transport-Security = [ directive ] *( ";" [ directive ] )
    /// directive                 = directive-name [ "=" directive-value ]
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let (mut max_age, mut with_subdomains) = (None, false);
        for directive in text.split(';').map(str::trim) {
            if let Ok((_, seconds)) = max_age_directive(directive) {
                max_age = Some(Duration::from_secs(seconds));
            }
            with_subdomains |= directive.eq_ignore_ascii_case("includeSubDomains");
        }
        Some(Self {
            max_age: max_age?,
            with_subdomains,
        })
    }
}

fn max_age_directive(input: &str) -> IResult<&str, u64> {
    let name = (tag_no_case("max-age"), space0, char('='), space0);
    let quote = || opt(char('"'));
    let digits = map_res(digit1, str::parse);
    preceded(name, delimited(quote(), digits, quote())).parse(input)
}

/// The version that stands in a text behind this mark: digits and dots.
pub(crate) fn version_behind(text: &str, mark: &str) -> Option<String> {
    let mut after = text.match_indices(mark);
    after.find_map(|(place, _)| {
        let behind = text.get(place + mark.len()..)?;
        let (_, version) = version(behind).ok()?;
        Some(shortened(version.trim_end_matches('.')))
    })
}

fn version(input: &str) -> IResult<&str, &str> {
    let more = take_while(|sign: char| sign.is_ascii_digit() || sign == '.');
    recognize((digit1, char('.'), more)).parse(input)
}

/// The beginning of a text without its markup, white space as single blanks.
pub(crate) fn plain(markup: &str) -> String {
    let (mut words, mut input) = (String::new(), markup);
    while let Ok((after, piece)) = piece(input) {
        input = after;
        let Piece::Text(text) = piece else {
            continue;
        };
        for word in text.split_whitespace() {
            if words.len() >= Html::TEXT {
                return shortened(&words);
            }
            let blank = if words.is_empty() { "" } else { " " };
            words = words + blank + word;
        }
    }
    shortened(&words)
}

/// So much of a text as is kept.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(Html::TEXT).collect()
}
