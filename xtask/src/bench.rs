//! `cargo xtask bench`: the crates' own benchmarks, then the comparison with other clients in
//! `bench/`.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Args;

use crate::process;
use crate::workspace::Workspace;

/// The folder (a workspace of its own) that compares with others.
const COMPARISON: &str = "bench";

/// What to measure.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Only this package's, or `bench` for the comparison with other clients
    name: Option<String>,
    /// Handed on to what measures
    #[arg(last = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let is_chosen = |name: &str| options.name.as_deref().is_none_or(|chosen| chosen == name);
    let mut count = 0;
    for package in workspace
        .packages
        .iter()
        .filter(|package| is_chosen(&package.name))
    {
        for bench in package.targets_of("bench") {
            let mut cargo = workspace.cargo(&[
                "bench",
                "--locked",
                "-p",
                &package.name,
                "--bench",
                &bench.name,
                "--",
            ]);
            process::run(cargo.args(&options.arguments))?;
            count += 1;
        }
    }
    let manifest = workspace.root.join(COMPARISON).join("Cargo.toml");
    if is_chosen(COMPARISON) && manifest.exists() {
        let mut cargo = workspace.cargo(&["run", "--release", "--locked", "--manifest-path"]);
        process::run(cargo.arg(manifest).arg("--").args(&options.arguments))?;
        count += 1;
    }
    ensure!(
        count > 0,
        "nothing to measure{}",
        options
            .name
            .as_ref()
            .map(|name| format!(" in {name}"))
            .unwrap_or_default()
    );
    Ok(ExitCode::SUCCESS)
}
