//! Which Rust the dependencies need.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{Complaint, Tree};
use crate::process;

/// What `cargo metadata` tells of all packages, dependencies included.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    rust_version: Option<String>,
    /// `None`: a member of the workspace.
    source: Option<String>,
}

/// The Rust that we promise to build with is one that all dependencies build with: those of the compiler at hand say
/// nothing of it.
pub(super) fn check(tree: &Tree<'_>) -> Result<Vec<Complaint>> {
    let manifest = tree.text("Cargo.toml".as_ref())?.unwrap_or_default();
    let lines = manifest.lines().enumerate();
    let promised = lines.filter_map(|(line, text)| {
        let version = text.strip_prefix("rust-version = ")?;
        Some((line + 1, parse(version.trim_matches('"'))?))
    });
    let (line, promised) = promised.last().context("no rust-version is promised")?;
    let metadata = ["metadata", "--format-version", "1", "--locked"];
    let json = process::read(&mut tree.workspace.cargo(&metadata))?;
    let metadata: Metadata = serde_json::from_str(&json)?;
    let newer = metadata.packages.iter().filter_map(|package| {
        package.source.as_ref()?;
        let needed = package.rust_version.as_deref()?;
        let text = format!(
            "{} {} needs Rust {needed}, which is newer than this",
            package.name, package.version
        );
        (parse(needed)? > promised).then(|| Complaint::new("Cargo.toml", line, text))
    });
    Ok(newer.collect())
}

/// Major and minor: what a patch release needs is not told apart.
fn parse(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.');
    let (major, minor) = (parts.next()?, parts.next()?);
    Some((major.parse().ok()?, minor.parse().ok()?))
}
