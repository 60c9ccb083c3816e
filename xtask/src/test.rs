//! `cargo xtask test`: the workspace's own tests, then each crate's against real servers.
//!
//! A suite of the second kind is an integration test named `real` that plain `cargo test` leaves
//! out (`[[test]] name = "real"`, `test = false`), because it needs the [lab](crate::lab). Where
//! the lab cannot be, such suites are skipped, loudly; on a build server (`CI=true`) or with
//! `--deny-skips` that is a failure.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{env, fmt};

use anyhow::{Result, ensure};
use clap::Args;

use crate::lab::{Lab, Unavailable};
use crate::process;
use crate::workspace::{Target, Workspace};

/// The suite of all tests that need no lab.
const WORKSPACE: &str = "workspace";
/// What the test target of a suite against real servers is called.
const REAL: &str = "real";

/// What to test.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Only this suite: `workspace`, or a package with tests against real servers
    #[arg(long, value_name = "NAME")]
    suite: Option<String>,
    /// Leave out the suites that need real servers
    #[arg(long)]
    no_lab: bool,
    /// Fail where a suite had to be left out (as with CI=true)
    #[arg(long)]
    deny_skips: bool,
}

/// Runs the suites and ends with a line for each.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let suites = chosen(workspace, options)?;
    let interrupted = Arc::new(AtomicBool::new(false));
    // Ctrl-C ends cargo, which is in the same group; we stay to take the lab down and to say how
    // far it got.
    let flag = Arc::clone(&interrupted);
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))?;

    let mut lab = LabOnDemand::new(options);
    let mut outcomes = Vec::new();
    for suite in &suites {
        let outcome = match lab.reason_to_skip(suite)? {
            Some(reason) => Outcome::Skipped(reason),
            None => suite.run(workspace, &lab),
        };
        outcomes.push((suite, outcome));
        if interrupted.load(Ordering::Relaxed) {
            break;
        }
    }
    drop(lab);

    let deny_skips = options.deny_skips || env::var("CI").is_ok_and(|ci| ci == "true");
    let mut is_good = outcomes.len() == suites.len();
    println!();
    for (suite, outcome) in &outcomes {
        println!("{:24} {outcome}", suite.to_string());
        is_good &= match outcome {
            Outcome::Passed(_) => true,
            Outcome::Failed(_) => false,
            Outcome::Skipped(_) => {
                println!(
                    "{:24} to run it: cargo xtask test --suite {}",
                    "", suite.package
                );
                !deny_skips || options.no_lab
            }
        };
    }
    Ok(if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A set of tests that passes or fails as a whole.
struct Suite<'a> {
    package: &'a str,
    /// The target against real servers; the suite of the workspace has none.
    real: Option<&'a Target>,
}

enum Outcome {
    Passed(Duration),
    Failed(Duration),
    Skipped(String),
}

impl Suite<'_> {
    fn run(&self, workspace: &Workspace, lab: &LabOnDemand) -> Outcome {
        println!("\n== {self}");
        let started = Instant::now();
        let mut cargo = match self.real {
            None => workspace.cargo(&["test", "--workspace", "--locked"]),
            Some(real) => {
                let mut cargo =
                    workspace.cargo(&["test", "--locked", "-p", self.package, "--test", REAL]);
                if !real.required_features.is_empty() {
                    cargo
                        .arg("--features")
                        .arg(real.required_features.join(","));
                }
                cargo
            }
        };
        if let Some(lab) = &lab.lab {
            cargo.env("MAILPROBE_LAB", lab.folder());
        }
        match process::run(&mut cargo) {
            Ok(()) => Outcome::Passed(started.elapsed()),
            Err(_) => Outcome::Failed(started.elapsed()),
        }
    }
}

impl fmt::Display for Suite<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.real.is_some() {
            ", real servers"
        } else {
            ""
        };
        write!(f, "{}{kind}", self.package)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed(time) => write!(f, "passed in {:.1} s", time.as_secs_f64()),
            Self::Failed(time) => write!(f, "FAILED after {:.1} s", time.as_secs_f64()),
            Self::Skipped(reason) => write!(f, "skipped: {reason}"),
        }
    }
}

fn chosen<'a>(workspace: &'a Workspace, options: &Options) -> Result<Vec<Suite<'a>>> {
    let real = workspace.packages.iter().flat_map(|package| {
        let targets = package
            .targets_of("test")
            .filter(|target| target.name == REAL && !target.test);
        targets.map(|target| Suite {
            package: &package.name,
            real: Some(target),
        })
    });
    let mut suites: Vec<Suite<'_>> = std::iter::once(Suite {
        package: WORKSPACE,
        real: None,
    })
    .chain(real)
    .collect();
    let names: Vec<&str> = suites.iter().map(|suite| suite.package).collect();
    if let Some(name) = &options.suite {
        ensure!(
            names.contains(&name.as_str()),
            "no suite {name}; there are: {}",
            names.join(", ")
        );
        suites.retain(|suite| suite.package == name);
    }
    Ok(suites)
}

/// The lab, started when the first suite needs it and ended with this value, unless it was up
/// before.
struct LabOnDemand {
    is_wanted: bool,
    lab: Option<Lab>,
    was_up: bool,
}

impl LabOnDemand {
    fn new(options: &Options) -> Self {
        Self {
            is_wanted: !options.no_lab,
            lab: None,
            was_up: false,
        }
    }

    /// Why a suite cannot run. A lab that could be here and does not start is an error, not a
    /// reason.
    fn reason_to_skip(&mut self, suite: &Suite<'_>) -> Result<Option<String>> {
        if suite.real.is_none() || self.lab.is_some() {
            return Ok(None);
        }
        if !self.is_wanted {
            return Ok(Some("--no-lab".to_owned()));
        }
        let lab = self.lab.insert(Lab::from_environment()?);
        match lab.up() {
            Ok(has_started) => {
                self.was_up = !has_started;
                Ok(None)
            }
            Err(error) => {
                self.lab = None;
                error
                    .downcast::<Unavailable>()
                    .map(|unavailable| Some(unavailable.to_string()))
            }
        }
    }
}

impl Drop for LabOnDemand {
    fn drop(&mut self) {
        let Some(lab) = self.lab.as_ref().filter(|_| !self.was_up) else {
            return;
        };
        if let Err(error) = lab.down() {
            eprintln!("xtask: the lab stays up: {error:#}");
        }
    }
}
