//! Feeds of status: RSS 2.0 and its ancestors, and Atom (RFC 4287). A feed tells what was said, and not how anything is; how far
//! the provider is with it stands in the text, as Statuspage and its imitators write it: `Resolved - It is over.`, the newest
//! first.

use probe_net::message::Date;
use probe_net::xml;
use roxmltree::{Document, Error, Node, ParsingOptions};

use super::facts::{Incident, Kind, State, StatusFacts};
use super::markup::{plain, text_of};
use super::page::{Reading, StatusPage, Unrecognized, at, begin, services};

/// Reads it, if it is a feed. Entries that nothing was heard of for too long are left out, also where nobody said that they are
/// over.
pub(super) fn read(text: &str, reading: &Reading) -> Result<Option<StatusFacts>, Unrecognized> {
    if !xml::is_modest(text, StatusPage::NODES) {
        return Err(Unrecognized::Large);
    }
    let options = ParsingOptions {
        nodes_limit: u32::try_from(StatusPage::NODES).unwrap_or(u32::MAX),
        ..ParsingOptions::default()
    };
    let document = match Document::parse_with_options(text, options) {
        Ok(document) => document,
        Err(Error::NodesLimitReached) => return Err(Unrecognized::Large),
        Err(_) => return Err(Unrecognized::Other(begin(text))),
    };
    let root = document.root_element();
    let channel = match root.tag_name().name() {
        "feed" => root,
        "rss" | "RDF" => match child(root, "channel") {
            Some(channel) => channel,
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    let mut facts = StatusFacts {
        provider: child(channel, "title").map(|title| markup(title, Incident::TITLE)),
        updated: date(channel, &["updated", "lastBuildDate", "pubDate", "date"]),
        ..StatusFacts::default()
    };
    // Before RSS 2.0 they stand beside the channel.
    let beside = root.children().filter(|_| root != channel);
    let entries = channel.children().chain(beside);
    for entry in entries.filter(|node| is_named(*node, "item") || is_named(*node, "entry")) {
        let (incident, kind) = incident(entry);
        match reading.is_old(&incident) {
            true => facts.omitted += 1,
            false => facts.add(incident, kind),
        }
    }
    Ok(Some(facts))
}

fn incident(entry: Node<'_, '_>) -> (Incident, Kind) {
    let title = child(entry, "title").map(|title| markup(title, Incident::TITLE));
    let title = title.unwrap_or_default();
    let told = ["encoded", "content", "description", "summary"];
    let told = told.iter().find_map(|name| child(entry, name));
    // The word by which it is known may stand behind what is kept.
    let words = told.map(|told| markup(told, super::markup::MARKUP));
    let words = words.unwrap_or_default();
    let categories = entry.children().filter(|node| is_named(*node, "category"));
    let categories: Vec<_> = categories.filter_map(category).collect();
    let (state, kind) = stage(&title, &words, &categories);
    let updated = date(entry, &["updated", "pubDate", "date", "published"]);
    let incident = Incident {
        id: ["guid", "id"].iter().find_map(|name| of_child(entry, name)),
        title,
        state: state.map(str::to_owned),
        impact: match kind {
            Kind::Work => State::Maintenance,
            Kind::Open | Kind::Over => State::Unknown,
        },
        services: services(categories.into_iter()),
        started: date(entry, &["published", "pubDate", "date"]),
        updated,
        resolved: updated.filter(|_| kind == Kind::Over),
        words: (!words.is_empty()).then(|| plain(&words, Incident::WORDS)),
        url: child(entry, "link").and_then(link),
    };
    (incident, kind)
}

/// How far the provider is, by the word that comes first.
fn stage(title: &str, words: &str, categories: &[String]) -> (Option<&'static str>, Kind) {
    const STAGES: [(&str, Kind); 10] = [
        ("Completed", Kind::Over),
        ("Identified", Kind::Open),
        ("In progress", Kind::Work),
        ("Investigating", Kind::Open),
        ("Monitoring", Kind::Open),
        ("Postmortem", Kind::Over),
        ("Resolved", Kind::Over),
        ("Scheduled", Kind::Work),
        ("Update", Kind::Open),
        ("Verifying", Kind::Work),
    ];
    let place = |stage: &str| words.find(&format!("{stage} - "));
    let placed = STAGES
        .iter()
        .filter_map(|(stage, kind)| Some((place(stage)?, *stage, *kind)));
    let first = placed.min_by_key(|(place, ..)| *place);
    let title = title.to_lowercase();
    let bare = title.trim_matches(|c: char| !c.is_alphanumeric());
    let is_over = ["resolved", "service is operating normally"]
        .iter()
        .any(|word| bare.starts_with(word))
        || bare.ends_with("resolved")
        || title.contains("[resolved]")
        || title.contains("(resolved)");
    let is_work = title.contains("maintenance")
        || categories
            .iter()
            .any(|name| name.to_lowercase().contains("maintenance"));
    match first {
        Some((_, stage, Kind::Over)) => (Some(stage), Kind::Over),
        _ if is_over => (Some("Resolved"), Kind::Over),
        // It says how far it is, and the title what it is.
        Some((_, stage, _)) if is_work => (Some(stage), Kind::Work),
        Some((_, stage, kind)) => (Some(stage), kind),
        None if is_work => (None, Kind::Work),
        None => (None, Kind::Open),
    }
}

/// The text of an element, its markup taken off: of text that has been escaped, or of elements.
fn markup(node: Node<'_, '_>, most: usize) -> String {
    let mut text = String::new();
    for piece in node.descendants().filter(Node::is_text) {
        text.push_str(piece.text().unwrap_or_default());
        text.push(' ');
    }
    text_of(&text, most)
}

/// Atom has it in an attribute, RSS as text.
fn category(node: Node<'_, '_>) -> Option<String> {
    let name = node.attribute("term").or_else(|| node.text())?;
    let name = plain(name, Incident::TITLE);
    (!name.is_empty()).then_some(name)
}

fn link(node: Node<'_, '_>) -> Option<String> {
    let link = node.attribute("href").or_else(|| node.text())?;
    Some(plain(link, Incident::TITLE))
}

fn of_child(node: Node<'_, '_>, name: &str) -> Option<String> {
    Some(plain(child(node, name)?.text()?, Incident::TITLE))
}

fn date(node: Node<'_, '_>, names: &[&str]) -> Option<std::time::SystemTime> {
    names.iter().find_map(|name| {
        let text = child(node, name)?.text()?;
        at(text.get(..text.len().min(Date::OCTETS))?)
    })
}

fn child<'a, 'd>(node: Node<'a, 'd>, name: &str) -> Option<Node<'a, 'd>> {
    node.children().find(|child| is_named(*child, name))
}

fn is_named(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}
