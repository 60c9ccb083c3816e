//! Measures mailprobe beside other clients. Each subcommand prints one table for each row of the list of targets it
//! answers; `server`, `client`, `hold` and `line` are the processes that it starts for that.

mod allocations;
mod certificates;
mod client;
mod line;
mod machine;
mod outcome;
mod rounds;
mod rows;
mod server;
mod stage;
mod table;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::stage::Stage;

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

/// Measures mailprobe beside other clients, in one run, as ratios.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    #[command(subcommand)]
    measure: Option<Measure>,
}

#[derive(Debug, Subcommand)]
enum Measure {
    /// Everything below, except what a missing tool forbids
    All,
    /// Rows 1, 2, 4, 5 and 7: CPU, allocations and system calls of a probe; stalls
    Probe,
    /// Row 3: instructions of a probe (needs valgrind)
    Instructions,
    /// Row 6: round trips on a slow line (needs the right to make a network device)
    Roundtrips,
    /// Row 7 alone: stalls
    Stalls,
    /// Rows 10 and 11: ten thousand probes at once; sessions held open
    Memory,
    /// Row 12: the tool beside the plugins of Nagios (needs monitoring-plugins-basic)
    Cli,
    /// Rows 13 to 16 and 18: blacklists beside check_rbl and hickory-resolver
    Names,
    /// Row 19: the answer to EHLO beside the parsers of others
    Replies,
    /// A TLS handshake alone, in memory
    Handshake,
    #[command(hide = true)]
    Server(server::Behaviour),
    #[command(hide = true)]
    Client(client::Task),
    #[command(hide = true)]
    Hold(client::Hold),
    #[command(hide = true)]
    Line,
    #[command(hide = true)]
    NamesServer(rows::names::Lists),
    #[command(hide = true)]
    NamesClient(rows::names::Client),
}

fn main() -> ExitCode {
    match run(Arguments::parse().measure.unwrap_or(Measure::All)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(measure: Measure) -> Result<()> {
    match measure {
        Measure::Server(behaviour) => server::serve(&behaviour),
        Measure::Client(task) => client::run(&task),
        Measure::Hold(wanted) => client::hold(&wanted),
        Measure::Line => rows::roundtrips::inside(&Stage::set()?),
        Measure::NamesServer(lists) => rows::names::serve(lists),
        Measure::NamesClient(client) => rows::names::ask(&client),
        Measure::All => all(&Stage::set()?),
        Measure::Probe => rows::probe::measure(&Stage::set()?),
        Measure::Instructions => rows::instructions::measure(&Stage::set()?),
        Measure::Roundtrips => rows::roundtrips::measure(),
        Measure::Stalls => rows::probe::measure_stalls(&Stage::set()?),
        Measure::Memory => rows::memory::measure(&Stage::set()?),
        Measure::Cli => rows::cli::measure(&Stage::set()?),
        Measure::Names => rows::names::measure(),
        Measure::Replies => rows::replies::measure(),
        Measure::Handshake => rows::handshake::measure(&Stage::set()?),
    }
}

fn all(stage: &Stage) -> Result<()> {
    let rows: [(&str, &dyn Fn() -> Result<()>); 7] = [
        ("probe", &|| rows::probe::measure(stage)),
        ("instructions", &|| rows::instructions::measure(stage)),
        ("roundtrips", &rows::roundtrips::measure),
        ("memory", &|| rows::memory::measure(stage)),
        ("names", &rows::names::measure),
        ("replies", &rows::replies::measure),
        ("cli", &|| rows::cli::measure(stage)),
    ];
    for (name, measure) in rows {
        if let Err(error) = measure() {
            eprintln!("\n{name}: not measured: {error:#}");
        }
    }
    Ok(())
}
