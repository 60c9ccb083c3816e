//! The codes of findings.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;

use super::{Complaint, Tree};

/// Codes are API: alerts are silenced and counted by them. Two findings with one code could not be
/// told apart, and a code of another shape could not be matched by prefix.
pub(super) fn check(tree: &Tree<'_>) -> Result<Vec<Complaint>> {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut complaints = Vec::new();
    for file in tree.files_with("rs").filter(|file| has_a_table(file)) {
        let text = tree.text(file)?.unwrap_or_default();
        for (line, code) in codes(&text) {
            let here = format!("{}:{line}", file.display());
            if !is_well_formed(code) {
                complaints.push(Complaint::new(
                    file,
                    line,
                    format!("{code:?} is no dotted.lower-case.code"),
                ));
            }
            if let Some(there) = seen.insert(code.to_owned(), here) {
                complaints.push(Complaint::new(
                    file,
                    line,
                    format!("{code:?} is already the code at {there}"),
                ));
            }
        }
    }
    Ok(complaints)
}

fn has_a_table(file: &Path) -> bool {
    let folders = [
        "src/findings",
        "examples/src",
        "probe-core/src",
        "probe-net/src",
    ];
    let path = file.to_string_lossy();
    file.ends_with("src/findings.rs") || folders.iter().any(|folder| path.contains(folder))
}

/// The first string behind every `FindingKind::new(` of a file, with its line; its tests and examples may repeat them.
fn codes(text: &str) -> impl Iterator<Item = (usize, &str)> {
    const ENTRY: &str = "FindingKind::new(";
    let tables = text.split("#[cfg(test)]").next().unwrap_or_default();
    tables.match_indices(ENTRY).filter_map(|(place, entry)| {
        let (before, rest) = tables.split_at_checked(place + entry.len())?;
        if before.lines().last()?.trim_start().starts_with("//") {
            return None;
        }
        let (space, rest) = rest.split_once('"')?;
        let (code, _) = rest.split_once('"')?;
        let line = before.lines().count() + space.matches('\n').count();
        Some((line, code))
    })
}

fn is_well_formed(code: &str) -> bool {
    let is_kebab = |word: &str| {
        word.split('-').all(|part| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        })
    };
    code.contains('.') && code.split('.').all(is_kebab)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_up_to_the_tests() {
        let text = "static A: FindingKind = FindingKind::new(\n    \"tls.expired\",\n    Severity::Info,\n);\n\
                    #[cfg(test)]\nFindingKind::new(\"x.y\")";
        assert_eq!(codes(text).collect::<Vec<_>>(), [(2, "tls.expired")]);
    }

    #[test]
    fn a_code_is_dotted_and_kebab_case() {
        assert!(
            is_well_formed("tls.certificate.expired") && is_well_formed("smtp.8bit-mime.missing")
        );
        for wrong in [
            "tls",
            "tls.",
            ".tls",
            "tls..x",
            "tls.Expired",
            "tls.a_b",
            "tls.-a",
            "tls.a-",
        ] {
            assert!(!is_well_formed(wrong), "{wrong}");
        }
    }
}
