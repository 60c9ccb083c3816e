//! Paths that the documentation names.

use std::path::Path;

use anyhow::Result;

use super::{Complaint, Tree};

/// What tells a file of ours from `text/html` and `127.0.0.0/8`.
const EXTENSIONS: [&str; 8] = [
    ".rs", ".toml", ".md", ".json", ".sh", ".csv", ".conf", ".cf",
];

/// A path in the documentation is a promise to the reader, and nothing else notices when it is
/// broken by a move. It may be meant from the root, from where the text lies, or (a room) from
/// within any crate.
pub(super) fn check(tree: &Tree<'_>) -> Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for file in tree.files_with("md") {
        let text = tree.text(file)?.unwrap_or_default();
        for (line, path) in code_spans(&text) {
            if is_path(path, tree.root()) && !exists(path, file, tree) {
                complaints.push(Complaint::new(file, line, format!("there is no `{path}`")));
            }
        }
    }
    Ok(complaints)
}

/// What stands between backticks, with its line; not within fenced blocks, which show layouts and
/// commands.
fn code_spans(text: &str) -> Vec<(usize, &str)> {
    let mut is_fenced = false;
    let mut spans = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
        } else if !is_fenced {
            spans.extend(
                line.split('`')
                    .skip(1)
                    .step_by(2)
                    .map(|span| (number, span)),
            );
        }
    }
    spans
}

fn is_path(span: &str, root: &Path) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let Some((first, _)) = span.split_once('/') else {
        return false;
    };
    let is_named_like_one = span.ends_with('/') || EXTENSIONS.iter().any(|end| span.ends_with(end));
    span.chars().all(is_plain)
        && !first.is_empty()
        && (is_named_like_one || root.join(first).is_dir())
}

fn exists(path: &str, from: &Path, tree: &Tree<'_>) -> bool {
    let beside = tree.root().join(from.parent().unwrap_or(from));
    let crates = tree
        .workspace
        .packages
        .iter()
        .map(|package| package.folder());
    [tree.root(), &beside]
        .into_iter()
        .chain(crates)
        .any(|base| base.join(path).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_between_backticks_is_found_with_its_line_but_not_in_fenced_blocks() {
        let text = "see `a/b.rs` and `c`\n```\n`d/e.rs`\n```\n`f/`";
        assert_eq!(code_spans(text), [(1, "a/b.rs"), (1, "c"), (5, "f/")]);
    }

    #[test]
    fn a_path_is_told_from_what_only_has_a_slash() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(
            is_path("src/gone.rs", root)
                && is_path("tests/corpus/", root)
                && is_path("src/lab", root)
        );
        for other in [
            "text/html",
            "127.0.0.0/8",
            "/var/tmp/x.json",
            "probe_net::tls",
            "tests/*.rs",
            "a b/c.rs",
        ] {
            assert!(!is_path(other, root), "{other}");
        }
    }
}
