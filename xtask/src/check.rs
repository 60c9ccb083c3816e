//! `cargo xtask check`: the rules of the design that no compiler knows.
//!
//! Each rule is one function, in a file of its own where it takes more than a few lines, with the
//! reason beside it. What it complains about has a file and a line.

mod arrows;
mod codes;
mod prose;
mod rooms;
mod rust;
mod text;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::process;
use crate::workspace::Workspace;

type Check = fn(&Tree<'_>) -> Result<Vec<Complaint>>;

const CHECKS: [(&str, Check); 7] = [
    ("arrows: who may depend on whom", arrows::check),
    ("rooms: every protocol crate has the same", rooms::check),
    ("paths named in prose exist", prose::check),
    ("codes of findings are unique and well-formed", codes::check),
    (
        "dependencies build with the Rust that we promise",
        rust::check,
    ),
    ("no paths of somebody's machine", text::check_machine_paths),
    ("files are short", text::check_lengths),
];

/// Runs all checks and lists what they complain about.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let tree = Tree::of(workspace)?;
    let mut is_good = true;
    for (name, check) in CHECKS {
        let complaints = check(&tree).with_context(|| format!("cannot check: {name}"))?;
        let is_passed = complaints.iter().all(|complaint| complaint.is_advice);
        println!("{} {name}", if is_passed { "ok    " } else { "FAILED" });
        for complaint in &complaints {
            println!("       {complaint}");
        }
        is_good &= is_passed;
    }
    Ok(if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What the checks look at: the workspace, and every file of it that git has or would take.
struct Tree<'a> {
    workspace: &'a Workspace,
    /// Relative to the root.
    files: Vec<PathBuf>,
}

impl<'a> Tree<'a> {
    fn of(workspace: &'a Workspace) -> Result<Self> {
        let list = [
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ];
        let listed = process::read(Command::new("git").args(list).current_dir(&workspace.root))?;
        let mut files: Vec<PathBuf> = listed.split_terminator('\0').map(PathBuf::from).collect();
        // A file that was deleted but not yet committed is listed all the same.
        files.retain(|file| workspace.root.join(file).is_file());
        files.sort();
        files.dedup();
        Ok(Self { workspace, files })
    }

    fn root(&self) -> &Path {
        &self.workspace.root
    }

    fn files_with(&self, extension: &str) -> impl Iterator<Item = &Path> {
        let files = self.files.iter().map(PathBuf::as_path);
        files.filter(move |file| file.extension().is_some_and(|it| it == extension))
    }

    /// The text of a file, or nothing where it is no text: a corpus, an image.
    fn text(&self, file: &Path) -> Result<Option<String>> {
        let bytes = std::fs::read(self.root().join(file))
            .with_context(|| format!("cannot read {}", file.display()))?;
        Ok(String::from_utf8(bytes).ok())
    }
}

/// Something that is not as the design says.
#[derive(Debug)]
struct Complaint {
    file: PathBuf,
    line: usize,
    text: String,
    /// Said, but no failure.
    is_advice: bool,
}

impl Complaint {
    fn new(file: impl Into<PathBuf>, line: usize, text: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line,
            text: text.into(),
            is_advice: false,
        }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.text)
    }
}
