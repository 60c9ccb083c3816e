//! Cookies, as far as a session of one client needs them: kept in memory, for the origin that set them, and sent back.
//!
//! It is a small part of RFC 6265 on purpose. A client lives as long as one probe, so nothing expires by itself and only
//! a cookie that the server takes back is forgotten; and it asks one service, so a cookie goes to nobody but its own
//! origin (scheme, host and port) whatever its `Domain` says, which spares us the list of public suffixes and all that
//! others could do with it.

use std::time::SystemTime;

use hyper::header::HeaderValue;
use nom::bytes::complete::{tag, take_till};
use nom::combinator::opt;
use nom::sequence::preceded;
use nom::{IResult, Parser};
use probe_core::Secret;

use super::date::http_date;
use super::url::Url;

/// The cookies of one client.
#[derive(Debug, Default)]
pub(super) struct Jar {
    cookies: Vec<Cookie>,
}

impl Jar {
    /// So many are kept of all origins together; the oldest makes room (RFC 6265 section 6.1 wants 50 for a domain).
    const COOKIES: usize = 50;
    /// The most octets of one, its attributes included (as there).
    const OCTETS: usize = 4096;

    /// Keeps what a response sets, and forgets what it takes back.
    pub(super) fn keep(&mut self, url: &Url, set: &[HeaderValue], now: SystemTime) {
        for header in set.iter().map(HeaderValue::as_bytes) {
            if header.len() > Self::OCTETS {
                continue;
            }
            let Some((cookie, is_over)) = Cookie::read(url, header, now) else {
                continue;
            };
            self.cookies.retain(|known| !known.is_same(&cookie));
            if is_over {
                continue;
            }
            if self.cookies.len() == Self::COOKIES {
                self.cookies.remove(0);
            }
            self.cookies.push(cookie);
        }
    }

    /// What goes to this place, those of the longest paths first (RFC 6265 section 5.4).
    pub(super) fn for_url(&self, url: &Url) -> Vec<&Cookie> {
        let mut cookies: Vec<_> = self.cookies.iter().filter(|it| it.goes_to(url)).collect();
        cookies.sort_by_key(|cookie| core::cmp::Reverse(cookie.path.len()));
        cookies
    }
}

/// One cookie.
#[derive(Clone, Debug)]
pub(super) struct Cookie {
    origin: Url,
    path: String,
    name: Vec<u8>,
    pub(super) value: Secret,
}

impl Cookie {
    /// Reads what is set from here, and whether it is taken back (RFC 6265 section 5.2).
    fn read(url: &Url, header: &[u8], now: SystemTime) -> Option<(Self, bool)> {
        let (rest, (name, value)) = pair(header).ok()?;
        let (name, value) = (name, value?);
        if name.is_empty() {
            return None;
        }
        let attributes = Attributes::read(rest, now);
        // What is to be kept from others does not come in clear (RFC 6265bis section 5.7).
        if attributes.is_secure && !url.is_secure() {
            return None;
        }
        let path = attributes.path.unwrap_or_else(|| default_path(url));
        let cookie = Self {
            origin: url.clone(),
            path,
            name: name.to_vec(),
            value: Secret::new(value),
        };
        Some((cookie, attributes.is_over))
    }

    /// As it stands in a request.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        if !out.is_empty() {
            out.extend_from_slice(b"; ");
        }
        out.extend_from_slice(&self.name);
        out.push(b'=');
        out.extend_from_slice(self.value.expose());
    }

    fn is_same(&self, other: &Self) -> bool {
        self.origin.is_same_origin(&other.origin)
            && self.path == other.path
            && self.name == other.name
    }

    /// Whether it is for this place: the path begins with its own, up to the end or a slash (RFC 6265 section 5.1.4).
    fn goes_to(&self, url: &Url) -> bool {
        let path = path_of(url);
        let is_below = path.strip_prefix(self.path.as_str()).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/')
        });
        is_below && self.origin.is_same_origin(url)
    }
}

/// What a `Set-Cookie` header sets.
pub(super) fn value(header: &[u8]) -> Option<&[u8]> {
    pair(header).ok().and_then(|(_, (_, value))| value)
}

/// What is shown of a `Set-Cookie` header: all but the value.
pub(super) fn masked(header: &[u8]) -> Vec<u8> {
    match pair(header) {
        Ok((rest, (name, Some(_)))) => [name, b"=***", rest].concat(),
        Ok((rest, (_, None))) => [b"***", rest].concat(),
        Err(_) => b"***".to_vec(),
    }
}

/// A name, and the value if there is one.
type Pair<'a> = (&'a [u8], Option<&'a [u8]>);

#[derive(Default)]
struct Attributes {
    path: Option<String>,
    is_secure: bool,
    is_over: bool,
}

impl Attributes {
    /// The last of a name counts, and `Max-Age` before `Expires` (RFC 6265 section 5.3).
    fn read(mut rest: &[u8], now: SystemTime) -> Self {
        let mut read = Self::default();
        let (mut by_age, mut by_date) = (None, None);
        while let Ok((after, (name, value))) = preceded(tag(&b";"[..]), pair).parse(rest) {
            rest = after;
            let value = value.unwrap_or_default();
            match name.to_ascii_lowercase().as_slice() {
                b"secure" => read.is_secure = true,
                b"path" => {
                    let path = core::str::from_utf8(value).ok();
                    read.path = path.filter(|path| path.starts_with('/')).map(str::to_owned);
                }
                b"max-age" => by_age = is_age_over(value).or(by_age),
                b"expires" => by_date = http_date(value, now).map(|at| at <= now).or(by_date),
                _ => {}
            }
        }
        read.is_over = by_age.or(by_date).unwrap_or(false);
        read
    }
}

/// ```abnf
/// cookie-pair = cookie-name "=" cookie-value
/// cookie-av   = attribute-name [ "=" attribute-value ]
/// ```
/// Up to the next semicolon, as RFC 6265 section 5.2 wants both to be read.
fn pair(input: &[u8]) -> IResult<&[u8], Pair<'_>> {
    let name = take_till(|byte| byte == b'=' || byte == b';');
    let value = preceded(tag(&b"="[..]), take_till(|byte| byte == b';'));
    let (input, (name, value)) = (name, opt(value)).parse(input)?;
    Ok((input, (name.trim_ascii(), value.map(<[u8]>::trim_ascii))))
}

/// Whether such a `Max-Age` says that the cookie ends now; nothing where it is no number.
fn is_age_over(value: &[u8]) -> Option<bool> {
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let is_over = digits.len() < value.len() || digits.iter().all(|digit| *digit == b'0');
    is_number.then_some(is_over)
}

/// RFC 6265 section 5.1.4.
fn default_path(url: &Url) -> String {
    match path_of(url).rsplit_once('/') {
        None | Some(("", _)) => "/".to_owned(),
        Some((folder, _)) => folder.to_owned(),
    }
}

fn path_of(url: &Url) -> &str {
    let whole = url.path_and_query();
    whole.split_once('?').map_or(whole, |(path, _)| path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    fn keep(jar: &mut Jar, from: &str, header: &str) {
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_795_521_600);
        let header = HeaderValue::from_bytes(header.as_bytes()).unwrap();
        jar.keep(&url(from), &[header], now);
    }

    fn sent(jar: &Jar, to: &str) -> String {
        let mut out = Vec::new();
        for cookie in jar.for_url(&url(to)) {
            cookie.write(&mut out);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_cookie_goes_to_its_own_origin_and_below_its_path() {
        let mut jar = Jar::default();
        keep(
            &mut jar,
            "https://a.example/mail/login?x=/y",
            "s=1; HttpOnly",
        );
        keep(
            &mut jar,
            "https://a.example/",
            "t = 2 ;Path=/mail/box; domain=example",
        );
        keep(
            &mut jar,
            "https://a.example/deep/down",
            "u=3=4; path=nowhere",
        );
        assert_eq!(sent(&jar, "https://a.example/mail/box/1"), "t=2; s=1");
        assert_eq!(sent(&jar, "https://a.example/mail"), "s=1");
        assert_eq!(sent(&jar, "https://a.example/mailbox"), "");
        assert_eq!(sent(&jar, "https://a.example/deep/"), "u=3=4");
        for other in [
            "http://a.example/mail/box",
            "https://a.example:444/mail/box",
            "https://b.a.example/mail/box",
        ] {
            assert_eq!(sent(&jar, other), "", "{other}");
        }
    }

    #[test]
    fn a_cookie_is_replaced_and_taken_back() {
        let mut jar = Jar::default();
        let at = "https://a.example/";
        keep(
            &mut jar,
            at,
            "s=old; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        );
        assert_eq!(sent(&jar, at), "s=old");
        keep(&mut jar, at, "s=new; Expires=Wed, 25-Nov-2026 00:00:00 GMT");
        assert_eq!(sent(&jar, at), "s=new");
        for over in [
            "s=; Expires=Thu, 01-Jan-1970 00:00:01 GMT",
            "s=x; max-age=0",
            "s=x; Max-Age=-1; Expires=Wed, 25 Nov 2026 00:00:00 GMT",
        ] {
            keep(&mut jar, at, "s=new; Max-Age=soon");
            assert_eq!(sent(&jar, at), "s=new");
            keep(&mut jar, at, over);
            assert_eq!(sent(&jar, at), "", "{over}");
        }
    }

    #[test]
    fn what_is_no_cookie_or_secure_in_clear_is_not_kept() {
        let mut jar = Jar::default();
        for header in ["", "nothing", "=x", ";s=1", "s=1; Secure"] {
            keep(&mut jar, "http://a.example/", header);
        }
        assert_eq!(sent(&jar, "http://a.example/"), "");
    }

    #[test]
    fn no_more_and_no_larger_cookies_are_kept_than_the_limits() {
        let mut jar = Jar::default();
        for number in 0..=Jar::COOKIES {
            keep(&mut jar, "https://a.example/", &format!("c{number}=1"));
        }
        let kept = sent(&jar, "https://a.example/");
        assert_eq!(kept.split("; ").count(), 50);
        assert!(kept.starts_with("c1=1; ") && kept.ends_with("; c50=1"));
        let sized = |octets: usize| format!("s={}", "x".repeat(octets - 2));
        let mut jar = Jar::default();
        keep(&mut jar, "https://a.example/", &sized(Jar::OCTETS + 1));
        assert_eq!(sent(&jar, "https://a.example/"), "");
        keep(&mut jar, "https://a.example/", &sized(Jar::OCTETS));
        assert_eq!(sent(&jar, "https://a.example/").len(), 4096);
    }

    #[test]
    fn the_value_is_not_shown() {
        let shown = |header: &str| String::from_utf8(masked(header.as_bytes())).unwrap();
        assert_eq!(shown("s=sesame; Path=/; Secure"), "s=***; Path=/; Secure");
        assert_eq!(shown("sesame; Path=/"), "***; Path=/");
        let mut jar = Jar::default();
        keep(&mut jar, "https://a.example/", "s=sesame");
        assert!(!format!("{jar:?}").contains("sesame"));
    }

    proptest! {
        #[test]
        fn any_header_is_kept_within_bounds(headers in prop::collection::vec("[a-c]{0,2}[=; ]{0,2}[a-z]{0,3}(; ?(path|max-age|expires|secure)=?[/a-z0-9-]{0,4}){0,3}", 0..120)) {
            let mut jar = Jar::default();
            for header in &headers {
                keep(&mut jar, "https://a.example/a/b", header);
                prop_assert!(!masked(header.as_bytes()).is_empty());
            }
            prop_assert!(jar.cookies.len() <= Jar::COOKIES);
        }
    }
}
