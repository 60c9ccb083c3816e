//! Rows 1, 2, 4, 5 and 7: what one probe costs inside a long-lived process, beside a bare handshake, the floor and other
//! clients.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::handshake::Handshake;
use crate::client::{Manner, Who};
use crate::machine;
use crate::outcome::Outcome;
use crate::rounds::Series;
use crate::stage::{Ask, Server, Stage, text_of};
use crate::table::Table;

const ALL: [Who; 4] = [Who::SmtpProbe, Who::Floor, Who::Lettre, Who::MailSend];

/// Measures all of them.
pub(crate) fn measure(stage: &Stage) -> Result<()> {
    machine::pin(machine::CLIENTS)?;
    let server = stage.server(&[])?;
    println!("{}", cpu_at_fifty(stage, &server)?);
    println!("{}", cpu_alone(stage, &server)?);
    println!("{}", allocations(stage, &server)?);
    match syscalls(stage, &server) {
        Ok(table) => println!("{table}"),
        Err(error) => eprintln!("\nRow 5: not measured: {error:#}"),
    }
    measure_stalls(stage)
}

/// Measures row 7 alone.
pub(crate) fn measure_stalls(stage: &Stage) -> Result<()> {
    machine::pin(machine::CLIENTS)?;
    let imap = [Who::ImapProbe, Who::ImapFloor, Who::AsyncImap];
    for (protocol, manner, all) in [
        ("smtp", Manner::Starttls, &ALL[..]),
        ("imap", Manner::Starttls, &imap),
        ("pop3", Manner::Implicit, &[Who::Pop3Probe]),
    ] {
        println!("{}", stalls(stage, protocol, manner, all)?);
    }
    Ok(())
}

fn cpu_at_fifty(stage: &Stage, server: &Server) -> Result<Table> {
    let handshake = Handshake::new(stage)?;
    handshake.cost(200)?;
    let mut bare = Series::default();
    let mut rounds = Rounds::default();
    for _ in 0..12 {
        bare.push(handshake.cost(500)?);
        rounds.run(stage, server, Manner::Starttls, 1000, 50)?;
    }
    let mut table = Table::new(
        "Rows 1 and 2: STARTTLS, 50 at once, CPU of the process for each probe",
        &["", "us", "x bare handshake", "x floor", "probes/s"],
    );
    table.line([
        "bare handshake".into(),
        bare.show(0),
        String::new(),
        String::new(),
        String::new(),
    ]);
    for who in ALL {
        let cpu = rounds.series(who, |outcome| outcome.cpu);
        let floor = rounds.series(Who::Floor, |outcome| outcome.cpu);
        let rate = rounds.series(who, |outcome| outcome.per_second);
        table.line([
            who.name().into(),
            cpu.show(0),
            cpu.over(&bare).show(2),
            cpu.over(&floor).show(2),
            rate.show(0),
        ]);
    }
    let ours = rounds.series(Who::SmtpProbe, |outcome| outcome.cpu);
    let than = |who| {
        ours.over(&rounds.series(who, |outcome| outcome.cpu))
            .median()
    };
    table.at_most(
        "smtp-probe / bare handshake",
        2.0,
        ours.over(&bare).median(),
    );
    table.at_most("smtp-probe / floor", 1.15, than(Who::Floor));
    table.at_most("smtp-probe / lettre", 1.05, than(Who::Lettre));
    Ok(table)
}

fn cpu_alone(stage: &Stage, server: &Server) -> Result<Table> {
    let mut table = Table::new(
        "For orientation: one at a time, CPU of the process for each probe",
        &[
            "",
            "STARTTLS us",
            "x floor",
            "plain us",
            "x floor",
            "implicit TLS us",
            "x floor",
        ],
    );
    let mut manners = Vec::new();
    for (manner, times) in [
        (Manner::Starttls, 300),
        (Manner::Plain, 600),
        (Manner::Implicit, 300),
    ] {
        let mut rounds = Rounds::default();
        for _ in 0..8 {
            rounds.run(stage, server, manner, times, 1)?;
        }
        manners.push(rounds);
    }
    for who in ALL {
        let mut cells = vec![who.name().to_owned()];
        for rounds in &manners {
            let cpu = rounds.series(who, |outcome| outcome.cpu);
            let floor = rounds.series(Who::Floor, |outcome| outcome.cpu);
            cells.push(cpu.show(0));
            cells.push(cpu.over(&floor).show(2));
        }
        if let Ok(cells) = <[String; 7]>::try_from(cells) {
            table.line(cells);
        }
    }
    Ok(table)
}

/// What came of several interleaved rounds.
#[derive(Default)]
struct Rounds(BTreeMap<&'static str, Vec<Outcome>>);

impl Rounds {
    fn run(
        &mut self,
        stage: &Stage,
        server: &Server,
        manner: Manner,
        times: usize,
        at_once: usize,
    ) -> Result<()> {
        for who in self.in_turn() {
            let outcome = stage.ask(&Ask::new(who, manner, times, at_once), server)?;
            self.0.entry(who.name()).or_default().push(outcome);
        }
        Ok(())
    }

    /// Another begins each round: nobody always comes after the same neighbour.
    fn in_turn(&self) -> [Who; 4] {
        let mut order = ALL;
        let done = self.0.values().map(Vec::len).max().unwrap_or_default();
        order.rotate_left(done % ALL.len());
        order
    }

    fn series(&self, who: Who, value: impl Fn(&Outcome) -> f64) -> Series {
        self.0
            .get(who.name())
            .into_iter()
            .flatten()
            .map(value)
            .collect()
    }
}

fn allocations(stage: &Stage, server: &Server) -> Result<Table> {
    let mut table = Table::new(
        "Row 4: allocations of one probe",
        &["", "STARTTLS", "bytes", "plain", "bytes"],
    );
    for who in ALL {
        let secured = stage.ask(&Ask::new(who, Manner::Starttls, 100, 1), server)?;
        let plain = stage.ask(&Ask::new(who, Manner::Plain, 100, 1), server)?;
        table.line([
            who.name().into(),
            format!("{:.1}", secured.allocations),
            format!("{:.0}", secured.bytes),
            format!("{:.1}", plain.allocations),
            format!("{:.0}", plain.bytes),
        ]);
        if who == Who::SmtpProbe {
            table.at_most("STARTTLS", 130.0, secured.allocations);
            table.at_most("plain", 30.0, plain.allocations);
        }
    }
    Ok(table)
}

fn syscalls(stage: &Stage, server: &Server) -> Result<Table> {
    let mut table = Table::new(
        "Row 5: system calls of one probe (strace; 110 probes less 10 probes)",
        &["", "STARTTLS", "plain", "which, with STARTTLS"],
    );
    for who in ALL {
        let secured = Calls::of_one(stage, who, Manner::Starttls, server)?;
        let plain = Calls::of_one(stage, who, Manner::Plain, server)?;
        table.line([
            who.name().into(),
            format!("{:.1}", secured.total()),
            format!("{:.1}", plain.total()),
            secured.listed(),
        ]);
        if who == Who::SmtpProbe {
            table.at_most("STARTTLS", 30.0, secured.total());
        }
    }
    Ok(table)
}

/// System calls by name.
struct Calls(BTreeMap<String, f64>);

impl Calls {
    fn of_one(stage: &Stage, who: Who, manner: Manner, server: &Server) -> Result<Self> {
        let few = Self::counted(stage, who, manner, server, "10")?;
        let many = Self::counted(stage, who, manner, server, "110")?;
        let before = |name: &String| few.0.get(name).copied().unwrap_or_default();
        let each = many
            .0
            .iter()
            .map(|(name, count)| (name.clone(), (count - before(name)) / 100.0));
        Ok(Self(each.filter(|(_, count)| *count > 0.0).collect()))
    }

    fn counted(
        stage: &Stage,
        who: Who,
        manner: Manner,
        server: &Server,
        times: &str,
    ) -> Result<Self> {
        let file = tempfile::NamedTempFile::new()?;
        let client = stage.client(who, manner, server.for_manner(manner))?;
        let mut strace = Command::new("strace");
        strace
            .args(["-f", "-c", "-U", "calls,name", "-o"])
            .arg(file.path())
            .arg(client.get_program())
            .args(client.get_args())
            .args(["--times", times])
            .stdout(Stdio::null());
        text_of(&mut strace).context("strace")?;
        let table = std::fs::read_to_string(file.path())?;
        let counted = table.lines().filter_map(|line| {
            let (count, name) = line.trim().split_once(' ')?;
            Some((name.trim().to_owned(), count.parse().ok()?))
        });
        let counted: BTreeMap<String, f64> = counted.filter(|(name, _)| name != "total").collect();
        ensure!(!counted.is_empty(), "strace counted nothing");
        Ok(Self(counted))
    }

    fn total(&self) -> f64 {
        self.0.values().sum()
    }

    fn listed(&self) -> String {
        let mut calls: Vec<_> = self.0.iter().collect();
        calls.sort_by(|one, other| other.1.total_cmp(one.1));
        let listed = calls
            .into_iter()
            .map(|(name, count)| format!("{name} {count:.1}"));
        listed.collect::<Vec<_>>().join(", ")
    }
}

fn stalls(stage: &Stage, protocol: &str, manner: Manner, all: &[Who]) -> Result<Table> {
    let ticketless = stage.server(&["--protocol", protocol, "--tickets", "0"])?;
    let mut table = Table::new(
        &format!(
            "Row 7: a server without session tickets: {}, {manner:?}, one after the other, wall",
            protocol.to_uppercase()
        ),
        &["", "median ms", "p99 ms", "longest ms"],
    );
    for &who in all {
        let times = match who {
            Who::AsyncImap | Who::Lettre | Who::MailSend => 100,
            _ => 1000,
        };
        let outcome = stage.ask(&Ask::new(who, manner, times, 1), &ticketless)?;
        let ms = |micros: f64| format!("{:.2}", micros / 1000.0);
        table.line([
            who.name().into(),
            ms(outcome.median),
            ms(outcome.p99),
            ms(outcome.longest),
        ]);
        if who.is_ours() {
            table.at_most("p99 in ms", 10.0, outcome.p99 / 1000.0);
        }
    }
    Ok(table)
}
