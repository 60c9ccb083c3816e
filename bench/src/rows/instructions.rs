//! Row 3: instructions in user space, counted by callgrind. They are the same on a busy machine as on an idle one, so
//! this is the row to watch from change to change.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::client::{Manner, Who};
use crate::machine;
use crate::stage::{Server, Stage, text_of};
use crate::table::Table;

/// Counts them.
pub(crate) fn measure(stage: &Stage) -> Result<()> {
    machine::pin(machine::CLIENTS)?;
    let smtp = [Who::SmtpProbe, Who::Floor, Who::Lettre, Who::MailSend];
    println!("{}", count(stage, "smtp", &smtp)?);
    let imap = [Who::ImapProbe, Who::ImapFloor, Who::AsyncImap];
    println!("{}", count(stage, "imap", &imap)?);
    Ok(())
}

fn count(stage: &Stage, protocol: &str, all: &[Who]) -> Result<Table> {
    let server = stage.server(&["--protocol", protocol])?;
    let mut table = Table::new(
        &format!(
            "Row 3: instructions of one {} probe (callgrind; 110 probes less 10 probes)",
            protocol.to_uppercase()
        ),
        &["", "STARTTLS", "x floor", "plain", "implicit TLS"],
    );
    let mut secured = Vec::new();
    for &who in all {
        secured.push((who, of_one(stage, who, Manner::Starttls, &server)?));
    }
    let floor = secured
        .iter()
        .find(|(who, _)| matches!(who, Who::Floor | Who::ImapFloor));
    let floor = floor.map_or(f64::NAN, |(_, floor)| *floor);
    for (who, secured) in secured {
        table.line([
            who.name().into(),
            format!("{secured:.0}"),
            format!("{:.3}", secured / floor),
            format!("{:.0}", of_one(stage, who, Manner::Plain, &server)?),
            format!("{:.0}", of_one(stage, who, Manner::Implicit, &server)?),
        ]);
        if who.is_ours() {
            table.at_most(&format!("{} / floor", who.name()), 1.08, secured / floor);
        }
    }
    Ok(table)
}

fn of_one(stage: &Stage, who: Who, manner: Manner, server: &Server) -> Result<f64> {
    let few = counted(stage, who, manner, server, "10")?;
    let many = counted(stage, who, manner, server, "110")?;
    Ok((many - few) / 100.0)
}

fn counted(stage: &Stage, who: Who, manner: Manner, server: &Server, times: &str) -> Result<f64> {
    let file = tempfile::NamedTempFile::new()?;
    let client = stage.client(who, manner, server.for_manner(manner))?;
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--quiet", "--tool=callgrind"])
        .arg(format!("--callgrind-out-file={}", file.path().display()))
        .arg(client.get_program())
        .args(client.get_args())
        .args(["--times", times])
        .stdout(Stdio::null());
    text_of(&mut valgrind).context("valgrind")?;
    let profile = std::fs::read_to_string(file.path())?;
    let total = profile
        .lines()
        .find_map(|line| line.strip_prefix("summary: "));
    total
        .context("callgrind counted nothing")?
        .trim()
        .parse()
        .context("a count")
}
