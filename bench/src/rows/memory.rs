//! Rows 10 and 11: ten thousand probes in flight in one process, against a server that is slow and one that never says
//! anything; and what a session weighs that is held open.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context, Result};

use crate::client::{Manner, Who};
use crate::machine;
use crate::outcome::number;
use crate::stage::{Ask, Stage, text_of, this_program};
use crate::table::Table;

const MANY: usize = 10_000;
/// Longer than the handshakes of all of them take, so that all meet behind it.
const DELAY: &str = "6000";

/// Measures both.
pub(crate) fn measure(stage: &Stage) -> Result<()> {
    machine::open_many_files()?;
    println!("{}", in_flight(stage)?);
    println!("{}", held(stage)?);
    Ok(())
}

fn in_flight(stage: &Stage) -> Result<Table> {
    let mut table = Table::new(
        "Row 10: 10,000 STARTTLS probes at once in one process, replies after 6 s each",
        &[
            "",
            "most at once",
            "ended",
            "failed",
            "peak RSS MiB",
            "longest s",
        ],
    );
    for who in [Who::SmtpProbe, Who::Floor] {
        let slow = stage.server(&["--delay", DELAY])?;
        let ask = flood(who).with(&["--budget", "120"]);
        let outcome = stage.try_ask(&ask, slow.clear)?;
        table.line([
            who.name().into(),
            most_at_once(slow.clear)?,
            outcome.times.to_string(),
            outcome.failed.to_string(),
            format!("{:.1}", outcome.peak_kib / 1024.0),
            format!("{:.1}", outcome.longest / 1e6),
        ]);
        if who == Who::SmtpProbe {
            table.at_most("peak RSS in MiB", 256.0, outcome.peak_kib / 1024.0);
            table.at_most("stuck", 0.0, number(MANY) - outcome.times);
            table.at_most("failed", 0.0, outcome.failed);
        }
    }
    let mute = stage.server(&["--mute"])?;
    let outcome = stage.try_ask(&flood(Who::SmtpProbe).with(&["--budget", "5"]), mute.clear)?;
    table.line([
        "smtp-probe, mute server, 5 s each".into(),
        "-".into(),
        outcome.times.to_string(),
        outcome.failed.to_string(),
        format!("{:.1}", outcome.peak_kib / 1024.0),
        format!("{:.1}", outcome.longest / 1e6),
    ]);
    table.at_most(
        "seconds until the last gives up on a mute server",
        6.0,
        outcome.longest / 1e6,
    );
    Ok(table)
}

fn flood(who: Who) -> Ask {
    Ask::new(who, Manner::Starttls, MANY, MANY).with(&["--warm-up", "0"])
}

/// The server counted.
fn most_at_once(server: SocketAddr) -> Result<String> {
    let mut stream = TcpStream::connect(server)?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    lines.next().context("no greeting")??;
    stream.write_all(b"MOST\r\n")?;
    let reply = lines.next().context("no answer")??;
    Ok(reply.trim_start_matches("250 ").to_owned())
}

fn held(stage: &Stage) -> Result<Table> {
    let server = stage.server(&[])?;
    let mut table = Table::new(
        "Row 11: a TLS session held open and idle: Wire, driver and task",
        &["", "bytes of RSS each"],
    );
    let mut command = this_program("hold")?;
    command
        .args([
            "--server",
            &server.implicit.to_string(),
            "--sessions",
            "5000",
        ])
        .arg("--certificates")
        .arg(stage.certificates.folder());
    let bytes: f64 = text_of(&mut command)?.trim().parse()?;
    table.line(["probe-net".into(), format!("{bytes:.0}")]);
    table.at_most("KiB", 16.0, bytes / 1024.0);
    Ok(table)
}
