//! `cargo xtask package`: what a registry and docs.rs would make of the crates, tried here.
//!
//! The crates need each other in versions that no registry has yet; cargo packs them together and
//! builds each from what was packed of the others. What is not in the archive, or only works by a
//! path, fails here and not at a user's; and so does a crate that only builds because another one
//! switches a feature on.

use std::process::ExitCode;

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let mut pack = workspace.cargo(&["package", "--workspace", "--locked", "--allow-dirty"]);
    let mut document = workspace.cargo(&["doc", "--locked", "--no-deps", "--all-features"]);
    for package in &workspace.packages {
        if package.is_published() {
            document.args(["--package", &package.name]);
            let alone = [
                "check",
                "--locked",
                "--no-default-features",
                "--package",
                &package.name,
            ];
            process::run(&mut workspace.cargo(&alone))?;
        } else {
            pack.args(["--exclude", &package.name]);
        }
    }
    process::run(&mut pack)?;
    process::run(document.env("RUSTDOCFLAGS", "-D warnings --cfg docsrs"))?;
    Ok(ExitCode::SUCCESS)
}
