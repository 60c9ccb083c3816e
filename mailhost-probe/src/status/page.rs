//! A page of status, recognised by what is on it; what each kind of page means is in the files beside this one.

use std::time::{Duration, SystemTime};

use probe_net::excerpt;
use probe_net::message::Date;
use serde_json::Value;

use super::facts::{Incident, Kind, StatusFacts};
use super::markup::{plain, text_of};
use super::{feed, graph, statuspage, workspace};

/// Kinds of pages.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum StatusFormat {
    /// A feed: RSS or Atom (RFC 4287).
    Feed,
    /// Microsoft 365's service health, as Graph has it: `/admin/serviceAnnouncement/healthOverviews` and `issues`.
    Graph,
    /// Statuspage's JSON: `/api/v2/summary.json` and its kin.
    Statuspage,
    /// The incidents of Google Workspace: `incidents.json`.
    Workspace,
}

impl StatusFormat {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Feed, Self::Graph, Self::Statuspage, Self::Workspace];

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Feed => "feed",
            Self::Graph => "graph",
            Self::Statuspage => "statuspage",
            Self::Workspace => "workspace",
        }
    }
}

/// What a page says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StatusPage {
    /// Its kind.
    pub format: StatusFormat,
    /// What it tells.
    pub facts: StatusFacts,
    /// Where the next page is, if there are several.
    pub next: Option<String>,
}

impl StatusPage {
    /// Pages of more values, elements and texts than this are not read.
    pub const NODES: usize = 200_000;

    /// Reads a page: of this format, or of whichever it looks like. What was over, or last heard of in a feed, longer ago than
    /// `window` is left out.
    ///
    /// ```
    /// use mailhost_probe::{State, StatusPage};
    /// use std::time::{Duration, SystemTime};
    ///
    /// let page = br#"{"page": {"name": "Example Mail"},
    ///     "components": [{"name": "IMAP", "status": "partial_outage"}]}"#;
    /// let page = StatusPage::read(page, None, SystemTime::now(), Duration::from_secs(86_400))?;
    /// assert_eq!(page.facts.services[0].state, State::PartialOutage);
    /// # Ok::<(), mailhost_probe::Unrecognized>(())
    /// ```
    ///
    /// # Errors
    /// It is no such page, or a larger one than any honest one.
    pub fn read(
        page: &[u8],
        format: Option<StatusFormat>,
        now: SystemTime,
        window: Duration,
    ) -> Result<Self, Unrecognized> {
        let reading = Reading {
            since: now.checked_sub(window),
        };
        let is_wanted = |known: StatusFormat| format.is_none_or(|wanted| wanted == known);
        let text = String::from_utf8_lossy(page);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let found = match text.starts_with('<') {
            true => feed::read(text, &reading)?.map(|facts| (StatusFormat::Feed, facts, None)),
            false => {
                let page = json(text)?;
                let graph = || {
                    let (facts, next) = graph::read(&page, &reading)?;
                    Some((StatusFormat::Graph, facts, next))
                };
                let statuspage = || {
                    let facts = statuspage::read(&page, &reading)?;
                    Some((StatusFormat::Statuspage, facts, None))
                };
                let workspace = || {
                    let is_named = format == Some(StatusFormat::Workspace);
                    let facts = workspace::read(&page, is_named, &reading)?;
                    Some((StatusFormat::Workspace, facts, None))
                };
                statuspage().or_else(graph).or_else(workspace)
            }
        };
        let found = found.filter(|(format, ..)| is_wanted(*format));
        let (format, facts, next) = found.ok_or_else(|| Unrecognized::Other(begin(text)))?;
        Ok(Self {
            format,
            facts,
            next,
        })
    }
}

/// Why nothing could be read of a page.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Unrecognized {
    /// It has too many values or elements.
    #[error(
        "the page has more values than the {} that are read",
        StatusPage::NODES
    )]
    Large,
    /// It is another one, which begins like this.
    #[error("this is no page of status that is known here: {0}")]
    Other(String),
}

/// How the page begins, fit to be shown.
pub(super) fn begin(text: &str) -> String {
    excerpt(text.as_bytes())
}

/// As many values as there can be are counted first, so that memory is bounded before it is used.
fn json(text: &str) -> Result<Value, Unrecognized> {
    let begins = text
        .bytes()
        .filter(|byte| matches!(byte, b',' | b'[' | b'{'));
    if begins.count() > StatusPage::NODES {
        return Err(Unrecognized::Large);
    }
    serde_json::from_str(text).map_err(|_| Unrecognized::Other(begin(text)))
}

/// What readers of pages have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// What was last heard of before this is too long ago.
    since: Option<SystemTime>,
}

impl Reading {
    /// Keeps what is not over, and what was over not too long ago.
    pub(super) fn keep(&self, facts: &mut StatusFacts, incident: Incident, kind: Kind) {
        match kind == Kind::Over && self.is_old(&incident) {
            true => facts.omitted += 1,
            false => facts.add(incident, kind),
        }
    }

    /// Whether nothing was heard of it for too long.
    pub(super) fn is_old(&self, incident: &Incident) -> bool {
        let heard = incident.last_heard();
        heard.is_some_and(|heard| self.since.is_some_and(|since| heard < since))
    }
}

/// A text of an object.
pub(super) fn text<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    let text = object.get(key)?.as_str()?.trim();
    (!text.is_empty()).then_some(text)
}

/// A title, a name or a word.
pub(super) fn name(object: &Value, key: &str) -> Option<String> {
    Some(plain(text(object, key)?, Incident::TITLE))
}

/// What somebody said, which may have markup.
pub(super) fn words(object: &Value, key: &str) -> Option<String> {
    let words = text_of(text(object, key)?, Incident::WORDS);
    (!words.is_empty()).then_some(words)
}

pub(super) fn time(object: &Value, key: &str) -> Option<SystemTime> {
    at(text(object, key)?)
}

/// Dates of RFC 3339 and of RFC 5322.
pub(super) fn at(date: &str) -> Option<SystemTime> {
    let (date, _) = Date::parse(date.trim().as_bytes())?;
    Some(date.at())
}

/// The members of a list; none where there is no list.
pub(super) fn list<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    let members = object.get(key).and_then(Value::as_array);
    members.map_or(&[], Vec::as_slice)
}

/// The names of these services, each once.
pub(super) fn services(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut services = Vec::new();
    for name in names {
        if services.len() < Incident::SERVICES && !services.contains(&name) {
            services.push(name);
        }
    }
    services
}
