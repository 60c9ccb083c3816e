//! `cargo xtask fuzz`: builds the fuzz targets and runs each for a few seconds, from the crates'
//! own corpora.
//!
//! No cargo-fuzz and no nightly: libFuzzer's instrumentation is an ordinary LLVM pass, which the
//! stable compiler takes too. What is missing then is the address sanitizer, and in crates that
//! forbid `unsafe` it has little to find.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::process;
use crate::workspace::{Package, Workspace};

/// What libFuzzer needs to see which way a run took, and overflow checks to see that it went wrong.
const INSTRUMENTATION: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Cdebug-assertions -Coverflow-checks -Ccodegen-units=1";

/// What to fuzz, and for how long.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Only this target
    target: Option<String>,
    /// How long each target runs
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// Handed on to libFuzzer
    #[arg(last = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let folder = workspace.root.join("fuzz");
    let binaries = build(workspace, &folder)?;
    let is_chosen = |name: &str| {
        options
            .target
            .as_deref()
            .is_none_or(|chosen| chosen == name)
    };
    let mut count = 0;
    for binary in binaries {
        let name = binary
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if !is_chosen(&name) {
            continue;
        }
        println!("== {name}");
        let found = folder.join("corpus").join(&name);
        let artifacts = folder.join("artifacts").join(&name);
        fs::create_dir_all(&found)?;
        fs::create_dir_all(&artifacts)?;
        let mut fuzzer = Command::new(&binary);
        fuzzer.arg(format!("-max_total_time={}", options.seconds));
        fuzzer.arg(format!("-artifact_prefix={}/", artifacts.display()));
        if let Some(dictionary) = dictionary(&folder, &name) {
            fuzzer.arg(format!("-dict={}", dictionary.display()));
        }
        // Where several are given, libFuzzer writes to the first: the crates' corpora stay as they
        // are.
        fuzzer
            .args(&options.arguments)
            .arg(found)
            .args(corpus(workspace, &name));
        process::run(&mut fuzzer)?;
        count += 1;
    }
    ensure!(count > 0, "no such fuzz target");
    Ok(ExitCode::SUCCESS)
}

/// Builds all targets and says where they are.
fn build(workspace: &Workspace, folder: &Path) -> Result<Vec<PathBuf>> {
    let version = process::read(Command::new("rustc").arg("-vV"))?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc names no host")?;
    // With --target, build scripts and macros are not instrumented.
    let build = [
        "build",
        "--release",
        "--locked",
        "--target",
        host,
        "--message-format",
        "json-render-diagnostics",
    ];
    let mut cargo = workspace.cargo(&build);
    cargo.arg("--manifest-path").arg(folder.join("Cargo.toml"));
    cargo
        .env("RUSTFLAGS", INSTRUMENTATION)
        .stderr(std::process::Stdio::inherit());
    let messages = process::read(&mut cargo)?;
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    Ok(messages
        .filter_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?)))
        .collect())
}

/// The words of a target, or of its protocol: `smtp_reply.dict`, `smtp.dict`.
fn dictionary(folder: &Path, target: &str) -> Option<PathBuf> {
    let protocol = target.split('_').next().unwrap_or(target);
    let file = |name: &str| folder.join("dictionaries").join(format!("{name}.dict"));
    [target, protocol]
        .into_iter()
        .map(file)
        .find(|file| file.exists())
}

/// The corpus that a crate keeps for a target: `smtp_reply` is about `smtp-probe`, in its
/// `tests/corpus/reply` if it has one, else in `tests/corpus`.
fn corpus(workspace: &Workspace, target: &str) -> Option<PathBuf> {
    let of = |package: &Package| {
        let short = package.name.trim_end_matches("-probe").replace('-', "_");
        let room = target.strip_prefix(&short)?.strip_prefix('_')?;
        let corpus = package.folder().join("tests/corpus");
        [corpus.join(room), corpus]
            .into_iter()
            .find(|folder| folder.is_dir())
    };
    workspace.packages.iter().find_map(of)
}
