//! Row 12: the tool as monitoring systems start it, one process for each probe, beside the plugins of Nagios and swaks.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::certificates::NAME;
use crate::machine;
use crate::outcome::micros;
use crate::rounds::Series;
use crate::stage::{Server, Stage, text_of};
use crate::table::Table;

const ROUNDS: usize = 25;

/// Measures it.
pub(crate) fn measure(stage: &Stage) -> Result<()> {
    let tool = build_tool()?;
    machine::pin(machine::CLIENTS)?;
    let server = stage.server(&[])?;
    println!("{}", secured(stage, &tool, &server)?);
    println!("{}", plain(stage, &tool, &server)?);
    Ok(())
}

fn secured(stage: &Stage, tool: &Path, server: &Server) -> Result<Table> {
    let required = ["--starttls", "required"];
    let mut contest = Contest::default();
    contest.enter("mailprobe --ca", mailprobe(tool, stage, server, &required));
    contest.enter("check_smtp -S (verifies nothing)", plugin(server, &["-S"]));
    contest.enter(
        "swaks -tls",
        swaks(server, &["-tls", "--quit-after", "EHLO"]),
    );
    contest.run(
        "Row 12: one process for one STARTTLS probe",
        "mailprobe / check_smtp -S",
        0.75,
    )
}

fn plain(stage: &Stage, tool: &Path, server: &Server) -> Result<Table> {
    let never = ["--starttls", "never"];
    let mut contest = Contest::default();
    contest.enter("mailprobe", mailprobe(tool, stage, server, &never));
    contest.enter("check_smtp", plugin(server, &[]));
    contest.enter("swaks", swaks(server, &["--quit-after", "EHLO"]));
    contest.run(
        "Row 12: one process for one plain probe",
        "mailprobe / check_smtp",
        1.2,
    )
}

/// The commands that run in turn; the first is ours, the second the one it is measured by.
#[derive(Default)]
struct Contest(Vec<(&'static str, Command)>);

impl Contest {
    fn enter(&mut self, name: &'static str, command: Option<Command>) {
        self.0.extend(command.map(|command| (name, command)));
    }

    fn run(mut self, title: &str, target: &str, limit: f64) -> Result<Table> {
        ensure!(
            self.0
                .get(1)
                .is_some_and(|(name, _)| name.starts_with("check_smtp")),
            "check_smtp is not installed"
        );
        let mut costs = vec![Series::default(); self.0.len()];
        for _ in 0..ROUNDS {
            for ((name, command), cost) in self.0.iter_mut().zip(&mut costs) {
                cost.push(cpu_of(name, command)?);
            }
        }
        let mut table = Table::new(title, &["", "CPU ms", "x the plugin"]);
        let plugin = costs.get(1).cloned().unwrap_or_default();
        for ((name, _), cost) in self.0.iter().zip(&costs) {
            let ratio = cost.over(&plugin).show(2);
            table.line([(*name).to_owned(), cost.in_thousands().show(2), ratio]);
        }
        let ours = costs.first().cloned().unwrap_or_default();
        table.at_most(target, limit, ours.over(&plugin).median());
        Ok(table)
    }
}

/// The CPU time of one process from its start to its end, in microseconds.
fn cpu_of(name: &str, command: &mut Command) -> Result<f64> {
    let before = machine::cpu_of_children()?;
    let status = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    ensure!(status.success(), "{name} ended with {status}");
    Ok(micros(machine::cpu_of_children()?.saturating_sub(before)))
}

fn mailprobe(tool: &Path, stage: &Stage, server: &Server, more: &[&str]) -> Option<Command> {
    let mut command = Command::new(tool);
    command
        .args(["smtp", &server.clear.to_string(), "--server-name", NAME])
        .arg("--ca")
        .arg(stage.certificates.authority())
        .args(more)
        // The system's own trust store, wherever this shell would have it.
        .env_remove("SSL_CERT_DIR")
        .env_remove("SSL_CERT_FILE");
    Some(command)
}

fn plugin(server: &Server, more: &[&str]) -> Option<Command> {
    let places = [
        "/usr/lib/nagios/plugins",
        "/usr/lib/monitoring-plugins",
        "/usr/lib64/nagios/plugins",
    ];
    let found = places
        .iter()
        .map(|place| Path::new(place).join("check_smtp"));
    let mut command = Command::new(found.into_iter().find(|file| file.exists())?);
    command
        .args(["-H", &server.clear.ip().to_string()])
        .args(["-p", &server.clear.port().to_string()])
        .args(more);
    Some(command)
}

fn swaks(server: &Server, more: &[&str]) -> Option<Command> {
    let there = Command::new("swaks")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    let mut command = Command::new(there.is_ok().then_some("swaks")?);
    command
        .args([
            "--server",
            &server.clear.to_string(),
            "--helo",
            "probe.bench.test",
        ])
        .args(more);
    Some(command)
}

/// Builds the tool as it is released and says where it is.
fn build_tool() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("no project around")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .current_dir(root)
        .args([
            "build",
            "--release",
            "--locked",
            "-p",
            "mailprobe",
            "--bin",
            "mailprobe",
        ])
        .args(["--message-format", "json-render-diagnostics"]);
    let said = text_of(&mut build)?;
    let mut found = said.lines().filter_map(|line| {
        let (_, rest) = line.split_once("\"executable\":\"")?;
        rest.split_once('"').map(|(file, _)| PathBuf::from(file))
    });
    found.next_back().context("cargo built no tool")
}
