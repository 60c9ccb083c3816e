//! `cargo xtask package`: what a registry and docs.rs would make of the crates, tried here.
//!
//! The crates need each other in versions that no registry has yet: what cargo packed of them is unpacked side by side,
//! as a workspace of its own in which each is found by its path. What is not in the archive, or only works by a path out
//! of it, fails here and not at a user's; and so does a crate that only builds because another one switches a feature
//! on.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::process;
use crate::workspace::{Package, Workspace};

pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let (published, private): (Vec<&Package>, Vec<&Package>) = workspace
        .packages
        .iter()
        .partition(|package| package.is_published());
    let mut pack = workspace.cargo(&["package", "--workspace", "--no-verify"]);
    pack.args(["--locked", "--allow-dirty"]);
    for package in private {
        pack.args(["--exclude", &package.name]);
    }
    process::run(&mut pack)?;

    let archives = workspace.target.join("package");
    let unpacked = archives.join("unpacked");
    unpack(workspace, &published, &archives, &unpacked)?;
    // Nothing is asked of the network that the lock file does not know.
    let cargo = |chore: &str| {
        let mut cargo = workspace.cargo(&[chore, "--offline"]);
        cargo.current_dir(&unpacked);
        cargo.arg("--target-dir").arg(&workspace.target);
        cargo
    };
    let mut document = cargo("doc");
    document.args(["--no-deps", "--all-features"]);
    for package in &published {
        let name = ["--package", &package.name];
        process::run(cargo("check").args(name))?;
        process::run(cargo("check").args(name).arg("--no-default-features"))?;
        document.args(name);
    }
    process::run(document.env("RUSTDOCFLAGS", "-D warnings --cfg docsrs"))?;
    Ok(ExitCode::SUCCESS)
}

/// Unpacks the archives into a workspace of their own, with this one's choice of versions.
fn unpack(
    workspace: &Workspace,
    packages: &[&Package],
    archives: &Path,
    folder: &Path,
) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let mut members = String::new();
    let mut patches = String::new();
    for package in packages {
        let stem = format!("{}-{}", package.name, package.version);
        // The times in an archive are the same for each that was ever packed; cargo takes files of the same age for the
        // same files.
        let mut tar = Command::new("tar");
        tar.arg("--extract").arg("--touch").arg("--gzip");
        tar.arg("--directory").arg(folder);
        tar.arg("--file")
            .arg(archives.join(format!("{stem}.crate")));
        process::run(&mut tar)?;
        write!(members, "{stem:?}, ")?;
        writeln!(patches, "{} = {{ path = {stem:?} }}", package.name)?;
    }
    let manifest = format!(
        "[workspace]\nresolver = \"3\"\nmembers = [{members}]\n\n[patch.crates-io]\n{patches}"
    );
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::copy(workspace.root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    Ok(())
}
