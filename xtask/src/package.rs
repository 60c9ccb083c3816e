//! `cargo xtask package`: what a registry and docs.rs would make of the crates, tried here.
//!
//! The crates need each other in versions that no registry has yet; cargo packs them together and
//! builds each from what was packed of the others. What is not in the archive, or only works by a
//! path, fails here and not at a user's; and so does a crate that only builds because another one
//! switches a feature on.

use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs};

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
    forget_earlier(workspace)?;
    process::run(&mut pack)?;
    process::run(document.env("RUSTDOCFLAGS", "-D warnings --cfg docsrs"))?;
    Ok(ExitCode::SUCCESS)
}

/// Cargo unpacks what it has packed where it unpacks all crates, and takes a crate that is unpacked there for the same
/// as long as its version is: a change since the last time would be tried as it was then.
fn forget_earlier(workspace: &Workspace) -> Result<()> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let Some(sources) = home.map(|home| home.join("registry/src")) else {
        return Ok(());
    };
    // The name of a registry that is a folder has no host before its hash.
    let folders = fs::read_dir(sources).into_iter().flatten().flatten();
    for folder in folders.filter(|one| one.file_name().to_string_lossy().starts_with('-')) {
        for package in &workspace.packages {
            let unpacked = folder
                .path()
                .join(format!("{}-{}", package.name, package.version));
            if unpacked.exists() {
                fs::remove_dir_all(unpacked)?;
            }
        }
    }
    Ok(())
}
