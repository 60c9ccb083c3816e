//! What we hear: pages of XML and of JSON, each within bounds, whoever wrote them.

use std::sync::Arc;

use probe_core::{Failure, HostName};
use probe_net::excerpt;
use probe_net::http::{Challenge, Response, Url};
use probe_net::tls::TlsFacts;
use probe_net::xml;
use roxmltree::{Document, Node, ParsingOptions};
use serde_json::Value;

/// A host that an SRV record names (RFC 2782).
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "RFC 2782 knows no more that matters here"
)]
pub struct Srv {
    /// The lowest comes first.
    pub priority: u16,
    /// Which host.
    pub host: HostName,
    /// TCP port.
    pub port: u16,
}

/// The answer of a web server, as far as it matters here.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reply {
    /// HTTP's status.
    pub status: u16,
    /// Where it sends us.
    pub location: Option<String>,
    /// How it wants to be shown who asks.
    pub challenges: Vec<Challenge>,
    /// Whether a header says that ActiveSync is there.
    pub speaks_activesync: bool,
    /// The body, if all of it came.
    pub body: Result<Vec<u8>, Failure>,
    /// What the handshake showed.
    pub tls: Option<Arc<TlsFacts>>,
}

impl Reply {
    /// The most octets of a body that are read: an answer has less than one of a thousand.
    pub const BODY: usize = 64 * 1024;
    /// The headers by which an ActiveSync server says what it is (\[MS-ASHTTP\] section 2.2.3).
    const OWN: [&'static str; 3] = [
        "ms-asprotocolversions",
        "ms-asprotocolcommands",
        "ms-server-activesync",
    ];

    /// What a test, or another client, has heard: a status and a body, and no headers.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            location: None,
            challenges: Vec::new(),
            speaks_activesync: false,
            body: Ok(body.into()),
            tls: None,
        }
    }

    pub(super) fn of(response: &Response) -> Self {
        let location = response.header("location");
        let own = |name: &&str| response.header(name).is_some();
        Self {
            status: response.status,
            location: location.map(|location| location.into_owned()),
            challenges: response.challenges(),
            speaks_activesync: Self::OWN.iter().any(own),
            body: response.whole().map(<[u8]>::to_vec),
            tls: response.tls.clone(),
        }
    }

    /// Whether the channel that it came over is to be trusted.
    pub(super) fn is_verified(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_verified())
    }

    pub(super) const fn is_redirect(&self) -> bool {
        matches!(self.status, 301..=303 | 307 | 308)
    }

    /// Whether ActiveSync is what answers, and not whatever else is at that host. It says so in a header; or it wants to
    /// know who asks, as a mail server does: naming a realm, or by a scheme that Exchange has. A page for all that is not
    /// there, also one behind a login form, does neither.
    pub(super) fn is_activesync(&self) -> bool {
        let is_asked = |challenge: &Challenge| {
            let schemes = ["Bearer", "Negotiate", "NTLM"];
            challenge.parameter("realm").is_some() || schemes.iter().any(|it| challenge.is(it))
        };
        self.speaks_activesync || self.status == 401 && self.challenges.iter().any(is_asked)
    }
}

/// What a page says.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Said {
    /// Ask again for this address.
    Address(String),
    /// It is not told.
    Complaint(Complaint),
    /// ActiveSync is there.
    Endpoint(String),
    /// Something else: the beginning of it.
    Other(String),
    /// Ask there.
    Url(String),
}

/// Why Autodiscover does not tell it, in its own words.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Complaint {
    /// 600 and 601 and such; in the second version a word.
    pub code: Option<String>,
    /// What it says besides.
    pub words: Option<String>,
}

impl Complaint {
    /// Whether it is there, but has nothing for devices: 601, "no provider for the schema" (\[MS-ASCMD\] section 2.2.3.61).
    pub fn is_about_the_protocol(&self) -> bool {
        matches!(self.code.as_deref(), Some("601" | "InvalidProtocol"))
    }

    /// In a line.
    pub fn shown(&self) -> String {
        let said = [self.code.as_deref(), self.words.as_deref()];
        said.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// The most nodes of a page of XML.
const NODES: u32 = 2_000;
/// How deep they are nested: an answer goes down to 7.
const DEPTH: usize = 32;

/// Reads an answer of the first version (\[MS-ASCMD\] section 2.2.1.1.2). Namespaces do not matter: servers mix them up.
pub fn read_xml(page: &[u8]) -> Said {
    let other = || Said::Other(excerpt(page));
    let text = String::from_utf8_lossy(page);
    // Some programs put it before the declaration.
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if !xml::is_modest(text, usize::try_from(NODES).unwrap_or(usize::MAX)) {
        return other();
    }
    let options = ParsingOptions {
        nodes_limit: NODES,
        ..ParsingOptions::default()
    };
    let Ok(document) = Document::parse_with_options(text, options) else {
        return other();
    };
    let root = document.root_element();
    let is_flat = |node: Node<'_, '_>| node.ancestors().take(DEPTH + 2).count() <= DEPTH + 1;
    if !is_named(root, "Autodiscover") || !root.descendants().all(is_flat) {
        return other();
    }
    of_element(root).unwrap_or_else(other)
}

fn of_element(root: Node<'_, '_>) -> Option<Said> {
    let all = || root.descendants();
    let first = |name: &'static str| all().find_map(|node| of_name(node, name));
    let is_ours = |node: &Node<'_, '_>| {
        is_named(*node, "Server") && child(*node, "Type").is_some_and(|it| it == "MobileSync")
    };
    if let Some(server) = all().find(is_ours)
        && let Some(url) = child(server, "Url")
    {
        return Some(Said::Endpoint(url));
    }
    let redirected = first("RedirectUrl").map(Said::Url);
    let renamed = || first("Redirect").or_else(|| first("RedirectAddr"));
    let complaint = || {
        let error = all().find(|node| is_named(*node, "Error"))?;
        let complaint = Complaint {
            code: child(error, "ErrorCode").or_else(|| child(error, "Status")),
            words: child(error, "Message").or_else(|| child(error, "DebugData")),
        };
        Some(Said::Complaint(shortened(complaint)))
    };
    redirected
        .or_else(|| renamed().map(Said::Address))
        .or_else(complaint)
}

fn is_named(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

/// The text of an element, if there is any.
fn of_name(node: Node<'_, '_>, name: &str) -> Option<String> {
    let text = node.text().filter(|_| is_named(node, name))?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn child(node: Node<'_, '_>, name: &str) -> Option<String> {
    node.children().find_map(|child| of_name(child, name))
}

/// Reads an answer of the second version.
pub fn read_json(page: &[u8]) -> Said {
    let other = || Said::Other(excerpt(page));
    let Ok(Value::Object(page)) = serde_json::from_slice(page) else {
        return other();
    };
    let text = |name: &str| Some(page.get(name)?.as_str()?.to_owned());
    let is_ours = text("Protocol").is_none_or(|it| it.eq_ignore_ascii_case("ActiveSync"));
    if let Some(url) = text("Url").filter(|_| is_ours) {
        return Said::Endpoint(url);
    }
    match text("ErrorCode") {
        Some(code) => Said::Complaint(shortened(Complaint {
            code: Some(code),
            words: text("ErrorMessage"),
        })),
        None => other(),
    }
}

/// Fit to be shown.
fn shortened(complaint: Complaint) -> Complaint {
    let short = |text: String| excerpt(text.as_bytes());
    Complaint {
        code: complaint.code.map(short),
        words: complaint.words.map(short),
    }
}

/// The longest address of a server that is believed to be one.
const URL: usize = 1024;

/// Where a server sends us, if it may: over TLS, to a host that has a name.
pub(super) fn place(text: &str) -> Result<Url, &'static str> {
    if text.len() > URL {
        return Err("it is longer than any honest one");
    }
    let url: Url = text.parse().map_err(|_| "it is no address of a page")?;
    match url.host() {
        _ if !url.is_secure() => Err("it is in clear"),
        probe_core::Host::Address(_) => Err("its host is an address and has no name"),
        probe_core::Host::Name(name) if !name.as_str().contains('.') => {
            Err("its host is known to nobody outside")
        }
        probe_core::Host::Name(_) => Ok(url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_named_host_over_tls() {
        let why = |text: &str| place(text).unwrap_err();
        assert!(place("https://mail.example.org:444/Microsoft-Server-ActiveSync").is_ok());
        assert_eq!(why("http://mail.example.org/"), "it is in clear");
        let unnamed = "its host is an address and has no name";
        assert_eq!(why("https://169.254.169.254/latest"), unnamed);
        assert_eq!(why("https://0x7f.1/"), unnamed);
        assert_eq!(why("https://[::1]/"), unnamed);
        let inner = "its host is known to nobody outside";
        assert_eq!(why("https://localhost/"), inner);
        let none = "it is no address of a page";
        assert_eq!(why("https://alice:pw@example.org/"), none);
        assert_eq!(why("file:///etc/passwd"), none);
        assert_eq!(why("https://example.org/\r\nx"), none);
        let long = |octets: usize| place(&format!("https://a.example/{}", "a".repeat(octets - 18)));
        assert!(long(1024).is_ok());
        assert_eq!(long(1025), Err("it is longer than any honest one"));
    }

    #[test]
    fn a_page_that_is_too_deep_or_too_large_says_nothing() {
        let server = "<Server><Type>MobileSync</Type><Url>https://a.example/</Url></Server>";
        let nested = |depth: usize| {
            let (open, close) = ("<a>".repeat(depth), "</a>".repeat(depth));
            read_xml(format!("<Autodiscover>{open}{server}{close}</Autodiscover>").as_bytes())
        };
        // Beside them: the root, Server, Type, and its text.
        assert_eq!(nested(28), Said::Endpoint("https://a.example/".to_owned()));
        assert!(matches!(nested(29), Said::Other(_)));
        assert!(matches!(nested(9_000), Said::Other(_)));
        let wide = |elements: usize| {
            let many = "<a/>".repeat(elements);
            read_xml(format!("<Autodiscover>{server}{many}</Autodiscover>").as_bytes())
        };
        // Beside them: the document, its root, three elements and two texts.
        assert_eq!(wide(1993), Said::Endpoint("https://a.example/".to_owned()));
        assert!(matches!(wide(1994), Said::Other(_)));
    }

    #[test]
    fn a_page_that_keeps_parsers_busy_is_not_parsed() {
        let server = "<Server><Type>MobileSync</Type><Url>https://a.example/</Url></Server>";
        let page = |attributes: usize| {
            let attributes: String = (0..attributes).map(|n| format!(" a{n}=''")).collect();
            read_xml(format!("<Autodiscover{attributes}>{server}</Autodiscover>").as_bytes())
        };
        assert_eq!(page(64), Said::Endpoint("https://a.example/".to_owned()));
        assert!(matches!(page(65), Said::Other(_)));
    }

    #[test]
    fn no_entity_is_expanded() {
        let page = b"<!DOCTYPE a [<!ENTITY b \"https://a.example/\">]><Autodiscover><Server>\
            <Type>MobileSync</Type><Url>&b;</Url></Server></Autodiscover>";
        assert!(matches!(read_xml(page), Said::Other(_)));
    }
}
