//! Rows 13 to 16 and 18: one address on 300 lists, and a thousand addresses, beside check_rbl, adnshost, hickory-resolver
//! and the least that an exchange can cost.

mod client;
mod server;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::machine;
use crate::outcome::{micros, number};
use crate::rounds::Series;
use crate::stage::{text_of, this_program};
use crate::table::Table;

pub(crate) use client::{Client, run as ask};
pub(crate) use server::{Lists, serve};

use server::NameServer;

const LISTS: usize = 300;
const ROUNDS: usize = 7;
const WHO: [&str; 3] = ["ours", "floor", "hickory-resolver"];

/// Measures it.
pub(crate) fn measure() -> Result<()> {
    machine::pin(machine::CLIENTS)?;
    println!("{}", slow_lists()?);
    println!("{}", one_address()?);
    println!("{}", many_addresses()?);
    Ok(())
}

/// What came of a client's process.
struct Run {
    wall: f64,
    cpu: f64,
    lost: f64,
}

fn run(who: &str, server: SocketAddr, addresses: usize) -> Result<Run> {
    let mut command = this_program("names-client")?;
    command
        .args(["--who", who, "--server", &server.to_string()])
        .args([
            "--addresses",
            &addresses.to_string(),
            "--lists",
            &LISTS.to_string(),
        ]);
    let text = text_of(&mut command)?;
    let mut numbers = text.split_whitespace().map(str::parse);
    let mut next = || {
        numbers
            .next()
            .context("the client said too little")?
            .context("a number")
    };
    Ok(Run {
        wall: next()?,
        cpu: next()?,
        lost: next()?,
    })
}

fn slow_lists() -> Result<Table> {
    let server = NameServer::start(&["--slowest", "100"])?;
    let title = "Row 13: one address, 300 lists whose answers take 0 to 100 ms: wall time";
    let mut table = Table::new(title, &["", "ms", "x the slowest list"]);
    for who in WHO {
        let mut walls = Series::default();
        for _ in 0..ROUNDS {
            walls.push(run(who, server.address, 1)?.wall / 1e3);
        }
        let ratio = walls.median() / 100.0;
        table.line([who.to_owned(), walls.show(1), format!("{ratio:.2}")]);
        if who == "ours" {
            table.at_most("ms", 115.0, walls.median());
        }
    }
    Ok(table)
}

fn one_address() -> Result<Table> {
    let server = NameServer::start(&[])?;
    let title = "Row 14: one address, 300 lists, one process: CPU and wall time";
    let mut table = Table::new(title, &["", "CPU ms", "wall ms"]);
    let mut ours = Series::default();
    for who in WHO {
        let (mut cpu, mut wall) = (Series::default(), Series::default());
        for _ in 0..ROUNDS {
            let mut command = this_program("names-client")?;
            command.args(["--who", who, "--server", &server.address.to_string()]);
            command.args(["--addresses", "1", "--lists", &LISTS.to_string()]);
            let (spent, time) = cost(&mut command)?;
            cpu.push(spent);
            wall.push(time);
        }
        table.line([who.to_owned(), cpu.show(2), wall.show(1)]);
        if who == "ours" {
            ours = cpu;
        }
    }
    match check_rbl(server.address) {
        Some(mut command) => {
            let (mut cpu, mut wall) = (Series::default(), Series::default());
            for _ in 0..ROUNDS {
                let (spent, time) = cost(&mut command)?;
                cpu.push(spent);
                wall.push(time);
            }
            table.line(["check_rbl".to_owned(), cpu.show(2), wall.show(1)]);
            table.at_most("ours / check_rbl", 0.05, ours.median() / cpu.median());
        }
        None => table.note("check_rbl is not there: it is looked for in $CHECK_RBL"),
    }
    Ok(table)
}

/// The CPU and the wall time of a process in milliseconds.
fn cost(command: &mut Command) -> Result<(f64, f64)> {
    let (before, begun) = (machine::cpu_of_children()?, Instant::now());
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    let spent = machine::cpu_of_children()?.saturating_sub(before);
    Ok((micros(spent) / 1e3, micros(begun.elapsed()) / 1e3))
}

/// It asks port 53 alone, so the server has to be there.
fn check_rbl(server: SocketAddr) -> Option<Command> {
    let program = PathBuf::from(std::env::var_os("CHECK_RBL")?);
    if !Path::exists(&program) || server.port() != 53 {
        return None;
    }
    let mut command = Command::new(program);
    command.args([
        "-H",
        "127.77.2.1",
        "-n",
        &server.ip().to_string(),
        "--timeout",
        "15",
    ]);
    for list in 0..LISTS {
        command.args(["-s", &client::zone(list)]);
    }
    Some(command)
}

fn many_addresses() -> Result<Table> {
    const ADDRESSES: usize = 200;
    let server = NameServer::start(&[])?;
    let title = "Rows 15, 16 and 18: 200 addresses, 300 lists: 60,000 questions on one core";
    let mut table = Table::new(
        title,
        &["", "CPU us a question", "questions a second", "lost"],
    );
    let questions = number(ADDRESSES * LISTS);
    let mut all = Vec::new();
    for who in WHO {
        let (mut cpu, mut rate, mut lost) = (Series::default(), Series::default(), 0.0);
        for _ in 0..ROUNDS {
            let run = run(who, server.address, ADDRESSES)?;
            cpu.push(run.cpu / questions);
            rate.push(questions / run.wall * 1e6);
            lost += run.lost;
        }
        table.line([
            who.to_owned(),
            cpu.show(2),
            rate.show(0),
            format!("{lost:.0}"),
        ]);
        all.push((cpu, rate, lost));
    }
    if let [(ours, rate, lost), _, (resolver, ..)] = all.as_slice() {
        table.at_most(
            "ours / hickory-resolver",
            0.25,
            ours.over(resolver).median(),
        );
        table.at_most(
            "150,000 / ours, questions a second",
            1.0,
            150_000.0 / rate.median(),
        );
        table.at_most("lost", 0.0, *lost);
    }
    Ok(table)
}
