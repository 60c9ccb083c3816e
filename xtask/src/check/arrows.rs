//! Which crate may depend on which.

use anyhow::Result;

use super::{Complaint, Tree};
use crate::workspace::{Dependency, Package};

/// The floors of the house, lowest first. A crate depends on lower floors only, so siblings never
/// on each other.
const FLOORS: [&[&str]; 5] = [
    &["probe-core"],
    &["probe-net"],
    &[
        "dnsbl-probe",
        "eas-probe",
        "imap-probe",
        "mailhost-probe",
        "mx-check",
        "pop3-probe",
        "smtp-probe",
        "web-probe",
    ],
    &["delivery-probe"],
    &["mailprobe"],
];

const TESTKIT: &str = "probe-testkit";
/// Uses the testkit's servers for its `demo`.
const TOOL: &str = "mailprobe";
const WORDS: &str = "probe-core";
/// Depends on none of ours, and none on it.
const CHORES: &str = "xtask";

/// Arrows between our crates point down, or a protocol crate could no longer be taken, tested and
/// released alone. The testkit stands beside the house: a dev-dependency without a version, or it
/// could not be packed with the others.
pub(super) fn check(tree: &Tree<'_>) -> Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for package in &tree.workspace.packages {
        let complain = |of: &str, text: String| complaint(tree, package, of, text);
        if !is_known(&package.name) {
            complaints.push(complain(
                "name",
                format!("{} has no floor in xtask/src/check/arrows.rs", package.name),
            )?);
            continue;
        }
        for dependency in &package.dependencies {
            if is_known(&dependency.name)
                && let Some(fault) = fault(&package.name, dependency)
            {
                complaints.push(complain(&dependency.name, fault)?);
            }
        }
    }
    Ok(complaints)
}

fn is_known(name: &str) -> bool {
    floor(name).is_some() || name == TESTKIT || name == CHORES
}

fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&name))
}

fn fault(from: &str, dependency: &Dependency) -> Option<String> {
    let to = dependency.name.as_str();
    match (from, to) {
        (CHORES, _) | (_, CHORES) => Some(format!(
            "{from} and {to} have nothing to do with each other"
        )),
        (TESTKIT, WORDS) | (TOOL, TESTKIT) => None,
        (TESTKIT, _) => Some(format!("{TESTKIT} may know {WORDS} at most, not {to}")),
        (_, TESTKIT) if dependency.kind.as_deref() != Some("dev") => {
            Some(format!("{to} is for tests only"))
        }
        (_, TESTKIT) if dependency.req != "*" => Some(format!(
            "{to} must have no version here, only a path: cargo leaves it out when it packs"
        )),
        (_, TESTKIT) => None,
        _ if floor(to) < floor(from) => None,
        _ => Some(format!(
            "{from} may not depend on {to}, which is not below it"
        )),
    }
}

fn complaint(tree: &Tree<'_>, package: &Package, key: &str, text: String) -> Result<Complaint> {
    let folder = package
        .folder()
        .strip_prefix(tree.root())
        .unwrap_or(package.folder());
    let file = folder.join("Cargo.toml");
    let manifest = tree.text(&file)?.unwrap_or_default();
    let line = manifest.lines().position(|line| {
        let rest = line
            .strip_prefix(key)
            .or_else(|| line.strip_suffix(']')?.strip_suffix(key));
        rest.is_some_and(|rest| rest.starts_with([' ', '.', '=', '[']))
    });
    Ok(Complaint::new(file, line.map_or(1, |line| line + 1), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency(name: &str, kind: Option<&str>, req: &str) -> Dependency {
        Dependency {
            name: name.to_owned(),
            kind: kind.map(str::to_owned),
            req: req.to_owned(),
        }
    }

    fn is_allowed(from: &str, to: &str) -> bool {
        fault(from, &dependency(to, None, "^0.1")).is_none()
    }

    #[test]
    fn arrows_point_down() {
        assert!(is_allowed("smtp-probe", "probe-net"));
        assert!(is_allowed("delivery-probe", "smtp-probe"));
        assert!(!is_allowed("probe-core", "probe-net"));
        assert!(!is_allowed("probe-net", "probe-net"));
    }

    #[test]
    fn siblings_do_not_know_each_other() {
        assert!(!is_allowed("smtp-probe", "imap-probe"));
    }

    #[test]
    fn the_testkit_is_a_dev_dependency_without_a_version_except_in_the_tool() {
        assert!(fault("smtp-probe", &dependency("probe-testkit", Some("dev"), "*")).is_none());
        assert!(
            fault(
                "smtp-probe",
                &dependency("probe-testkit", Some("dev"), "^0.1")
            )
            .is_some()
        );
        assert!(fault("smtp-probe", &dependency("probe-testkit", None, "*")).is_some());
        assert!(is_allowed("mailprobe", "probe-testkit"));
    }

    #[test]
    fn the_testkit_knows_the_words_at_most() {
        assert!(is_allowed("probe-testkit", "probe-core"));
        assert!(!is_allowed("probe-testkit", "probe-net"));
    }
}
