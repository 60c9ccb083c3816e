//! The rooms of a protocol crate.

use anyhow::Result;

use super::{Complaint, Tree};

const ROOMS: [&str; 17] = [
    "src/lib.rs",
    "src/options.rs",
    "src/command.rs",
    "src/reply.rs",
    "src/dialogue.rs",
    "src/facts.rs",
    "src/findings.rs",
    "src/probe.rs",
    "src/fuzzing.rs",
    "tests/dialogue.rs",
    "tests/quirks.rs",
    "tests/properties.rs",
    "tests/real.rs",
    "tests/transcripts",
    "tests/corpus",
    "benches/reply.rs",
    "examples/check.rs",
];

/// Every protocol crate has the same rooms under the same names, so who knows one knows all; a room
/// that is missing is also a kind of test that is.
pub(super) fn check(tree: &Tree<'_>) -> Result<Vec<Complaint>> {
    let packages = tree
        .workspace
        .packages
        .iter()
        .filter(|package| is_protocol(&package.name));
    let missing = packages.flat_map(|package| {
        let folder = package.folder();
        let rooms = ROOMS.into_iter().filter(|room| !folder.join(room).exists());
        let shown = folder.strip_prefix(tree.root()).unwrap_or(folder);
        rooms.map(|room| Complaint::new(shown.join(room), 1, "this room is missing"))
    });
    Ok(missing.collect())
}

fn is_protocol(package: &str) -> bool {
    /// They compose the others, or read what is written without being asked: no wire, and so no dialogue.
    const OTHERS: [&str; 2] = ["delivery-probe", "mailhost-probe"];
    (package.ends_with("-probe") && !OTHERS.contains(&package)) || package == "mx-check"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_crates_of_one_protocol_have_the_rooms() {
        assert!(is_protocol("smtp-probe") && is_protocol("dnsbl-probe") && is_protocol("mx-check"));
        assert!(
            !is_protocol("delivery-probe")
                && !is_protocol("mailhost-probe")
                && !is_protocol("probe-net")
                && !is_protocol("mailprobe")
        );
    }
}
