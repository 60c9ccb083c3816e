//! Those who read what the tool writes: a validator of JSON schemas, a monitoring core, Prometheus. Each is as strict
//! as the real one, for as much as the tool uses.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

/// Holds a report against the published schema.
#[track_caller]
pub(crate) fn validate(report: &Json) {
    let schema: Json = serde_json::from_str(probe_core::SCHEMA).unwrap();
    if let Err(fault) = check(report, &schema, &schema, "report") {
        panic!("{fault}");
    }
}

/// JSON schema, as far as ours goes; a keyword that is not known here is a fault too.
fn check(value: &Json, schema: &Json, root: &Json, at: &str) -> Result<(), String> {
    let demand = |holds: bool, what: &Json| match holds {
        true => Ok(()),
        false => Err(format!("{at}: {value} is not {what}")),
    };
    for (keyword, wanted) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$defs" | "$schema" | "description" | "title" => {}
            "$ref" => {
                let pointer = wanted.as_str().unwrap().trim_start_matches('#');
                check(value, root.pointer(pointer).unwrap(), root, at)?;
            }
            "type" => {
                let types = wanted.as_array().cloned();
                let types = types.unwrap_or_else(|| vec![wanted.clone()]);
                demand(types.iter().any(|name| is_of_type(value, name)), wanted)?;
            }
            "const" => demand(value == wanted, wanted)?,
            "enum" => demand(wanted.as_array().unwrap().contains(value), wanted)?,
            "minimum" => demand(value.as_f64() >= wanted.as_f64(), wanted)?,
            "required" => {
                for key in wanted.as_array().unwrap() {
                    demand(value.get(key.as_str().unwrap()).is_some(), key)?;
                }
            }
            "properties" => {
                for (key, schema) in wanted.as_object().unwrap() {
                    if let Some(member) = value.get(key) {
                        check(member, schema, root, &format!("{at}.{key}"))?;
                    }
                }
            }
            "items" => {
                for (place, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(item, wanted, root, &format!("{at}[{place}]"))?;
                }
            }
            "oneOf" => {
                let choices = wanted.as_array().unwrap().iter();
                let fitting = choices.filter(|one| check(value, one, root, at).is_ok());
                demand(fitting.count() == 1, wanted)?;
            }
            "format" => {
                assert_eq!(wanted, "date-time");
                // It is a demand on texts alone.
                let is_time = |text| humantime::parse_rfc3339(text).is_ok();
                demand(value.as_str().is_none_or(is_time), wanted)?;
            }
            "pattern" => {
                assert_eq!(wanted, r"^[a-z0-9-]+(\.[a-z0-9-]+)+$");
                let text = value.as_str().unwrap_or_default();
                let word = |word: &str| {
                    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                    !word.is_empty() && word.chars().all(plain)
                };
                demand(text.contains('.') && text.split('.').all(word), wanted)?;
            }
            unknown => panic!("the schema has the keyword {unknown}, which is not known here"),
        }
    }
    Ok(())
}

fn is_of_type(value: &Json, name: &Json) -> bool {
    match name.as_str().unwrap() {
        "array" => value.is_array(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        "string" => value.is_string(),
        other => panic!("the type {other} is not known here"),
    }
}

/// A plugin's output, read as the guidelines have it.
pub(crate) struct Plugin {
    /// What stands before the bar.
    pub(crate) said: String,
    /// The performance data, by label.
    pub(crate) data: BTreeMap<String, String>,
    /// The lines below.
    pub(crate) long: Vec<String>,
}

impl Plugin {
    #[track_caller]
    pub(crate) fn read(out: &str) -> Self {
        let mut lines = out.lines().map(str::to_owned);
        let first = lines.next().unwrap();
        let (said, data) = first.split_once(" | ").unwrap();
        assert_eq!(first.matches('|').count(), 1, "{first}");
        let long: Vec<_> = lines.collect();
        // A bar here would begin more data.
        assert!(long.iter().all(|line| !line.contains('|')), "{long:?}");
        Self {
            said: said.to_owned(),
            data: performance_data(data),
            long,
        }
    }
}

/// `'label'=value[UOM];[warn];[crit];[min];[max]`, separated by blanks.
fn performance_data(text: &str) -> BTreeMap<String, String> {
    let mut data = BTreeMap::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (label, behind) = match rest.strip_prefix('\'') {
            // No label of ours has a quote inside.
            Some(quoted) => quoted.split_once("'=").unwrap(),
            None => rest.split_once('=').unwrap(),
        };
        assert!(
            rest.starts_with('\'') || !label.contains([' ', '\'']),
            "{label}"
        );
        let (value, behind) = behind.split_once(' ').unwrap_or((behind, ""));
        check_value(value);
        let twice = data.insert(label.to_owned(), value.to_owned());
        assert_eq!(twice, None, "{label} is there twice");
        rest = behind;
    }
    data
}

fn check_value(value: &str) {
    let mut fields = value.split(';');
    let measured = fields.next().unwrap();
    let unit = measured.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    assert!(["", "s", "B", "%", "c"].contains(&unit), "{value}");
    let number = measured.strip_suffix(unit).unwrap();
    assert!(number.parse::<f64>().is_ok(), "{value}");
    assert!(fields.count() <= 4, "{value}");
}

/// One series of a page for Prometheus.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

/// Reads the text format 0.0.4: all of one family stand together below its TYPE, and no series is there twice.
#[track_caller]
pub(crate) fn exposition(page: &str) -> Vec<Series> {
    assert!(page.ends_with('\n'));
    let mut families = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    let mut family = "";
    for line in page.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').unwrap();
            assert!(!families.contains(name) && !words.is_empty(), "{line}");
            continue;
        }
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            family = kind.strip_suffix(" gauge").unwrap();
            assert!(families.insert(family), "{line}");
            continue;
        }
        let series = series(line);
        assert_eq!(series.name, family, "{line}");
        assert!(
            seen.insert((series.name.clone(), series.labels.clone())),
            "twice: {line}"
        );
        all.push(series);
    }
    all
}

fn series(line: &str) -> Series {
    let (name, rest) = line.split_once('{').unwrap();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    assert!(name.chars().all(plain), "{line}");
    let mut labels = BTreeMap::new();
    let mut rest = rest;
    loop {
        let (label, behind) = rest.split_once("=\"").unwrap();
        assert!(!label.is_empty() && label.chars().all(plain), "{line}");
        let (value, behind) = quoted(behind);
        assert_eq!(labels.insert(label.to_owned(), value), None, "{line}");
        match behind.strip_prefix(',') {
            Some(next) => rest = next,
            None => {
                let value = behind.strip_prefix("} ").unwrap().parse().unwrap();
                let name = name.to_owned();
                return Series {
                    name,
                    labels,
                    value,
                };
            }
        }
    }
}

/// A label's value up to its closing quote, and what stands behind it.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('\\' | '"'))) => value.push(escaped),
                other => panic!("{other:?} is escaped in {text}"),
            },
            c => value.push(c),
        }
    }
    panic!("no end: {text}")
}
