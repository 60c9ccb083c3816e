//! The chores of the workspace: `cargo xtask lab | test | bench | fuzz | package | check`.
//!
//! Here is the command line and nothing else; each chore is a module of its own. What a chore needs
//! from the machine (servers, certificates, fuzzers) it makes itself, so that a fresh clone and
//! these words are enough.

mod bench;
mod check;
mod fuzz;
mod lab;
mod package;
mod process;
mod test;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use lab::Unavailable;
use workspace::Workspace;

/// The chores of the mailprobe workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Real mail servers on loopback addresses, for tests and for trying things out
    #[command(subcommand)]
    Lab(lab::Action),
    /// All tests: the workspace's own, then each crate's against the lab
    Test(test::Options),
    /// All benchmarks, or those of one package
    Bench(bench::Options),
    /// Every fuzz target for a few seconds
    Fuzz(fuzz::Options),
    /// Packs every crate, builds it from what was packed, and its documentation as docs.rs would
    Package,
    /// The design's own rules: arrows, rooms, paths in prose, finding codes, file sizes
    Check,
}

fn main() -> ExitCode {
    match run(Arguments::parse().chore) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(if error.is::<Unavailable>() {
                Unavailable::EXIT_STATUS
            } else {
                1
            })
        }
    }
}

fn run(chore: Chore) -> Result<ExitCode> {
    match chore {
        Chore::Lab(action) => lab::run(action),
        Chore::Test(options) => test::run(&Workspace::load()?, &options),
        Chore::Bench(options) => bench::run(&Workspace::load()?, &options),
        Chore::Fuzz(options) => fuzz::run(&Workspace::load()?, &options),
        Chore::Package => package::run(&Workspace::load()?),
        Chore::Check => check::run(&Workspace::load()?),
    }
}
