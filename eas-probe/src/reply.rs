//! What we hear: a response's status, the headers that ActiveSync gives a meaning, and its body. Nothing here fails: what
//! cannot be read is a reply too.

use core::time::Duration;
use std::time::SystemTime;

use nom::bytes::complete::{is_not, take_while};
use nom::character::complete::{char, space0};
use nom::multi::separated_list0;
use nom::sequence::delimited;
use nom::{IResult, Parser};
use probe_core::printable;
use probe_net::http::{Challenge, Response};

use crate::command::Version;
use crate::wbxml::tags::{
    air_sync, folder_hierarchy, get_item_estimate, ping, provision, settings,
};
use crate::wbxml::{Document, Element, WbxmlError};

/// One response.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reply {
    /// HTTP's status.
    pub status: u16,
    /// What its headers say.
    pub words: Words,
    /// Its body.
    pub body: Body,
}

/// What the headers of a response say (\[MS-ASHTTP\] section 2.2.1.1.2, and what Exchange adds).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Words {
    /// `MS-ASProtocolVersions`: which versions there are.
    pub versions: Vec<String>,
    /// `MS-ASProtocolCommands`: which commands there are.
    pub commands: Vec<String>,
    /// `MS-Server-ActiveSync`: the version of the server.
    pub server: Option<String>,
    /// `X-FEServer`: which server of Exchange took the request.
    pub front_end: Option<String>,
    /// `X-BEServer` or `X-CalculatedBETarget`: which server of Exchange has the mailbox.
    pub back_end: Option<String>,
    /// `request-id`: by which the server's log has the request.
    pub request_id: Option<String>,
    /// `X-MS-Location`: which other server has the mailbox.
    pub location: Option<String>,
    /// `X-MS-Credentials-Expire`: in how many days the password ends; 0 is less than one.
    pub credentials_expire: Option<u32>,
    /// `X-MS-Credential-Service-Url`: where the password can be changed.
    pub credential_service: Option<String>,
    /// `X-MS-ASThrottle`: why the server slows this client down.
    pub throttle: Option<String>,
    /// `X-MS-RP`: that the device is to begin anew.
    pub resync: Option<String>,
    /// `X-MS-Diagnostics`: what went wrong, in the server's words.
    pub diagnostics: Option<String>,
    /// `Retry-After`: how long to wait before the next request.
    pub retry_after: Option<Duration>,
    /// `WWW-Authenticate`: how the server wants to be shown who asks.
    pub challenges: Vec<Challenge>,
    /// `Content-Type`.
    pub content_type: Option<String>,
}

/// The body of a response.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Body {
    /// It looks like WBXML, and cannot be read.
    Broken(WbxmlError),
    /// There is none.
    Empty,
    /// Something else: text.
    Other(String),
    /// A document.
    Wbxml(Document),
}

impl Reply {
    /// So many items of a list in a header are read.
    pub const LIST: usize = 64;
    /// So many characters of a header, or of a page of text, are kept.
    pub const TEXT: usize = 512;

    /// What a response says; times in it are counted from `now`.
    pub fn of(response: &Response, now: SystemTime) -> Self {
        let header = |name: &str| response.header(name).map(|value| value.into_owned());
        let mut words = Words::read(header);
        words.retry_after = response.retry_after(now);
        words.challenges = response.challenges();
        Self {
            status: response.status,
            words,
            body: Body::of(&response.body),
        }
    }

    /// The same from its parts: for tests of what is made of replies.
    pub fn from_parts(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let header = |name: &str| {
            let mut known = headers.iter();
            let found = known.find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| (*value).to_owned())
        };
        let mut words = Words::read(header);
        let seconds = header("retry-after").and_then(|value| value.parse().ok());
        words.retry_after = seconds.map(Duration::from_secs);
        let challenges = header("www-authenticate");
        words.challenges =
            challenges.map_or_else(Vec::new, |value| Challenge::parse(value.as_bytes()));
        Self {
            status,
            words,
            body: Body::of(body),
        }
    }

    /// The document, if it is one.
    pub fn document(&self) -> Option<&Document> {
        match &self.body {
            Body::Wbxml(document) => Some(document),
            _ => None,
        }
    }

    /// The status of the whole command, as its body has it.
    pub fn body_status(&self) -> Option<u16> {
        let root = self.document()?.root();
        status_of(root)
    }
}

/// The status directly within an element, whichever page it is of.
fn status_of(element: Element<'_>) -> Option<u16> {
    const STATUSES: [crate::wbxml::Tag; 6] = [
        air_sync::STATUS,
        folder_hierarchy::STATUS,
        get_item_estimate::STATUS,
        ping::STATUS,
        provision::STATUS,
        settings::STATUS,
    ];
    let mut children = element.children();
    let status = children.find(|child| STATUSES.contains(&child.tag()))?;
    status.number()
}

impl Words {
    fn read(header: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| header(name).map(|value| shown(&value));
        let list = |name: &str| header(name).map_or_else(Vec::new, |value| items(&value));
        Self {
            versions: list("ms-asprotocolversions"),
            commands: list("ms-asprotocolcommands"),
            server: text("ms-server-activesync"),
            front_end: text("x-feserver"),
            back_end: text("x-beserver").or_else(|| text("x-calculatedbetarget")),
            request_id: text("request-id"),
            location: text("x-ms-location"),
            credentials_expire: header("x-ms-credentials-expire")
                .and_then(|days| days.trim().parse().ok()),
            credential_service: text("x-ms-credential-service-url"),
            throttle: text("x-ms-asthrottle"),
            resync: text("x-ms-rp"),
            diagnostics: text("x-ms-diagnostics"),
            retry_after: None,
            challenges: Vec::new(),
            content_type: text("content-type"),
        }
    }

    /// Whether they are those of an ActiveSync server.
    pub fn are_of_activesync(&self) -> bool {
        self.server.is_some() || !self.versions.is_empty()
    }

    /// The newest version that both sides speak.
    pub fn best_version(&self, ours: &[Version]) -> Option<Version> {
        let theirs = self.versions.iter();
        let known = theirs.filter_map(|version| version.parse::<Version>().ok());
        known.filter(|version| ours.contains(version)).max()
    }
}

/// A list in a header, with blanks wherever they please (\[MS-ASHTTP\] section 2.2.1.1.2.4).
fn items(value: &str) -> Vec<String> {
    let read = list(value.as_bytes());
    let items = read.map_or_else(|_| Vec::new(), |(_, items)| items);
    let filled = items.into_iter().map(<[u8]>::trim_ascii);
    let filled = filled.filter(|item| !item.is_empty());
    let texts = filled.map(|item| shown(&String::from_utf8_lossy(item)));
    texts.take(Reply::LIST).collect()
}

/// ```abnf
/// list = *( OWS item OWS "," ) OWS item OWS
/// ```
fn list(input: &[u8]) -> IResult<&[u8], Vec<&[u8]>> {
    let item = nom::branch::alt((is_not(&b","[..]), take_while(|_| false)));
    separated_list0(char(','), delimited(space0, item, space0)).parse(input)
}

fn shown(text: &str) -> String {
    let kept: String = text.chars().take(Reply::TEXT).collect();
    printable(kept.as_bytes())
}

impl Body {
    fn of(octets: &[u8]) -> Self {
        /// WBXML 1.1 to 1.3: no text begins so.
        const VERSIONS: core::ops::RangeInclusive<u8> = 1..=3;
        match octets.first() {
            None => Self::Empty,
            Some(first) if VERSIONS.contains(first) => match Document::decode(octets) {
                Ok(document) => Self::Wbxml(document),
                Err(error) => Self::Broken(error),
            },
            Some(_) => {
                let text = String::from_utf8_lossy(octets);
                // As a browser would: lines are no lines in HTML.
                let words: Vec<_> = text.split_whitespace().take(Reply::TEXT).collect();
                Self::Other(shown(&words.join(" ")))
            }
        }
    }
}

/// A folder of a mailbox.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Folder {
    /// By which it is asked for.
    pub id: String,
    /// The folder that it is in; `0` for none.
    pub parent: String,
    /// What people call it.
    pub name: String,
    /// What it is for (\[MS-ASCMD\] section 2.2.3.186.3).
    pub kind: u8,
}

impl Folder {
    /// The type of the default folder for new mail.
    pub const INBOX: u8 = 2;
    /// The type of the default folder for deleted items.
    pub const DELETED: u8 = 4;
}

/// The folders of a mailbox.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Folders {
    pub(crate) key: String,
    pub(crate) folders: Vec<Folder>,
}

impl Folders {
    /// So many folders are kept; Exchange has a thousand at most.
    pub(crate) const MOST: usize = 2_000;

    pub(crate) fn of(document: &Document) -> Self {
        use folder_hierarchy::{ADD, CHANGES, DISPLAY_NAME, PARENT_ID, SERVER_ID, SYNC_KEY, TYPE};
        let root = document.root();
        let text = |folder: Element<'_>, tag| {
            let text = folder.child(tag).map(Element::text);
            text.unwrap_or_default().into_owned()
        };
        let added = root.child(CHANGES).into_iter();
        let added = added.flat_map(Element::children);
        let folders = added
            .filter(|child| child.tag() == ADD)
            .map(|folder| Folder {
                id: text(folder, SERVER_ID),
                parent: text(folder, PARENT_ID),
                name: shown(&text(folder, DISPLAY_NAME)),
                kind: folder
                    .child(TYPE)
                    .and_then(Element::number)
                    .unwrap_or_default(),
            });
        Self {
            key: text(root, SYNC_KEY),
            folders: folders.take(Self::MOST).collect(),
        }
    }
}

/// What a server says of its policy.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Policy {
    /// Of the policy: 1 that there is one, 2 that there is none.
    pub(crate) status: Option<u16>,
    pub(crate) key: Option<String>,
    /// Whether the device is ordered to forget everything, or the account.
    pub(crate) wipes: bool,
    /// What it demands, by names.
    pub(crate) demands: Vec<(String, String)>,
}

impl Policy {
    /// So many demands are kept; there are 46.
    const DEMANDS: usize = 64;

    pub(crate) fn of(document: &Document) -> Self {
        use provision::{
            ACCOUNT_ONLY_REMOTE_WIPE, DATA, EAS_PROVISION_DOC, POLICIES, POLICY, POLICY_KEY,
            REMOTE_WIPE, STATUS,
        };
        let root = document.root();
        let wipes = root
            .child(REMOTE_WIPE)
            .or(root.child(ACCOUNT_ONLY_REMOTE_WIPE));
        let mut read = Self {
            wipes: wipes.is_some(),
            ..Self::default()
        };
        let Some(policy) = root.find(&[POLICIES, POLICY]) else {
            return read;
        };
        read.status = policy.child(STATUS).and_then(Element::number);
        let key = policy.child(POLICY_KEY).map(|key| key.text().into_owned());
        // What can stand in a header; anything else is none.
        let is_key = |key: &String| {
            (1..=64).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
        };
        read.key = key.filter(is_key);
        let demands = policy.find(&[DATA, EAS_PROVISION_DOC]).into_iter();
        let demands = demands.flat_map(Element::children).map(|demand| {
            let name = demand
                .tag()
                .name()
                .map_or_else(|| demand.tag().to_string(), str::to_owned);
            (name, shown(&demand.text()))
        });
        read.demands = demands.take(Self::DEMANDS).collect();
        read
    }
}

/// What a Sync of one folder says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Synced {
    pub(crate) key: Option<String>,
    /// Of the folder, where it has one of its own.
    pub(crate) status: Option<u16>,
    pub(crate) items: u64,
    pub(crate) has_more: bool,
}

impl Synced {
    pub(crate) fn of(document: &Document) -> Self {
        use air_sync::{COLLECTION, COLLECTIONS, COMMANDS, MORE_AVAILABLE, SYNC_KEY};
        let Some(collection) = document.root().find(&[COLLECTIONS, COLLECTION]) else {
            return Self::default();
        };
        let commands = collection.child(COMMANDS).into_iter();
        let items = commands.flat_map(Element::children).count();
        Self {
            key: collection
                .child(SYNC_KEY)
                .map(|key| key.text().into_owned()),
            status: status_of(collection),
            items: u64::try_from(items).unwrap_or(u64::MAX),
            has_more: collection.child(MORE_AVAILABLE).is_some(),
        }
    }
}

/// What a GetItemEstimate says of one folder: its status, and how many items.
pub(crate) fn estimate(document: &Document) -> (Option<u16>, Option<u64>) {
    use get_item_estimate::{COLLECTION, ESTIMATE, RESPONSE};
    let Some(response) = document.root().child(RESPONSE) else {
        return (None, None);
    };
    let estimate = response.find(&[COLLECTION, ESTIMATE]);
    (status_of(response), estimate.and_then(Element::number))
}

/// The limit that a Ping's answer tells: the heartbeat in seconds.
pub(crate) fn heartbeat(document: &Document) -> Option<u64> {
    document.root().child(ping::HEARTBEAT_INTERVAL)?.number()
}

/// The addresses that Settings tells of the user, the primary one first.
pub(crate) fn addresses(document: &Document) -> (Option<u16>, Vec<String>) {
    /// So many are kept.
    const MOST: usize = 16;
    let information = document.root().child(settings::USER_INFORMATION);
    let status = information.and_then(status_of);
    let is_address = |tag| tag == settings::SMTP_ADDRESS || tag == settings::PRIMARY_SMTP_ADDRESS;
    let told = information.into_iter().flat_map(Element::descendants);
    let told = told.filter(|element| is_address(element.tag()));
    let mut addresses: Vec<String> = Vec::new();
    for address in told.map(|element| shown(&element.text())) {
        if addresses.len() < MOST && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    (status, addresses)
}

/// Whether a page says that a virtual directory is well, and which server says so: `200 OK<br/>SERVER`.
pub(crate) fn health(reply: &Reply) -> (bool, Option<String>) {
    let Body::Other(text) = &reply.body else {
        return (false, None);
    };
    let mut parts = text.split("<br/>").map(str::trim);
    let is_well = reply.status == 200 && parts.next() == Some("200 OK");
    let server = parts.next().filter(|name| is_well && !name.is_empty());
    (is_well, server.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_may_have_blanks_and_empty_items() {
        let reply = Reply::from_parts(
            200,
            &[("MS-ASProtocolVersions", " 2.5, 12.0,,14.1 ,16.1,")],
            b"",
        );
        assert_eq!(reply.words.versions, ["2.5", "12.0", "14.1", "16.1"]);
        assert_eq!(
            reply.words.best_version(&Version::ALL),
            Some(Version::V16_1)
        );
        assert_eq!(reply.words.best_version(&[Version::V12_1]), None);
        assert!(reply.words.are_of_activesync());
    }

    #[test]
    fn the_lists_of_a_hostile_server_end() {
        let long = vec!["16.1"; Reply::LIST + 1].join(",");
        let reply = Reply::from_parts(200, &[("ms-asprotocolversions", &long)], b"");
        assert_eq!(reply.words.versions.len(), Reply::LIST);
    }

    #[test]
    fn a_page_of_health_names_its_server() {
        let page = |status, text: &str| health(&Reply::from_parts(status, &[], text.as_bytes()));
        let well = (true, Some("EX01.EXAMPLE.ORG".to_owned()));
        assert_eq!(page(200, "200 OK<br/>EX01.EXAMPLE.ORG"), well);
        assert_eq!(page(200, "200 OK<br/>"), (true, None));
        assert_eq!(page(200, "<html>sign in</html>"), (false, None));
        assert_eq!(page(503, "200 OK<br/>EX01"), (false, None));
    }

    #[test]
    fn the_body_is_what_it_is_and_not_what_its_type_says() {
        let body = |octets: &[u8]| Reply::from_parts(200, &[], octets).body;
        assert_eq!(body(b""), Body::Empty);
        assert_eq!(body(b"<html>"), Body::Other("<html>".to_owned()));
        assert!(matches!(body(b"\x03\x01\x6a\x00\x05"), Body::Wbxml(_)));
        assert!(matches!(body(b"\x03\x01\x6a\x00\x45"), Body::Broken(_)));
    }
}
