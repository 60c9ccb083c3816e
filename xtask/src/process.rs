//! Running other programs, with errors that say which one failed and what it said.

use std::process::{Command, Output};

use anyhow::{Context, Result, bail};

/// Runs a program that talks to the user itself; anything but success is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", shown(command)))?;
    if !status.success() {
        bail!("{} failed ({status})", shown(command));
    }
    Ok(())
}

/// Runs a program for what it prints; where it fails, the error carries the end of what it said.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .output()
        .with_context(|| format!("cannot run {}", shown(command)))?;
    if !status.success() {
        let said = String::from_utf8_lossy(if stderr.is_empty() { &stdout } else { &stderr });
        let last: Vec<&str> = said.trim_end().lines().rev().take(8).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        bail!("{} failed ({status}): {}", shown(command), last.join("\n"));
    }
    String::from_utf8(stdout).with_context(|| format!("{} printed no UTF-8", shown(command)))
}

/// Whether a program exists and succeeds, whatever it says.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
