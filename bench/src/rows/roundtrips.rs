//! Row 6: round trips, counted on a line that takes 25 ms each way: wall time over the time of one round trip, the TCP
//! handshake included. The line is a network device of this program's own ([`crate::line`]), in a network of its own.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::client::{Manner, Who};
use crate::line::{Line, OTHER_END, OUR_END};
use crate::outcome::{Outcome, micros};
use crate::rounds::Series;
use crate::stage::{Ask, Server, Stage};
use crate::table::Table;

const ONE_WAY: Duration = Duration::from_millis(25);
/// What may be lost to the line's own clock and to handshakes that take their time.
const TOLERANCE: f64 = 0.15;

/// Runs this program once more in a network of its own, and measures there.
pub(crate) fn measure() -> Result<()> {
    let mut unshare = Command::new("unshare");
    unshare.arg("--net");
    if !nix::unistd::geteuid().is_root() {
        unshare.arg("--map-root-user");
    }
    let status = unshare.arg(std::env::current_exe()?).arg("line").status()?;
    ensure!(status.success(), "no network of its own: {status}");
    Ok(())
}

/// Measures, inside that network.
pub(crate) fn inside(stage: &Stage) -> Result<()> {
    let _line = Line::lay(ONE_WAY)?;
    for protocol in [&SMTP, &IMAP, &POP3] {
        println!("{}", protocol.count(stage)?);
    }
    Ok(())
}

/// What one protocol's clients are asked to do.
struct Protocol {
    name: &'static str,
    /// Ours first.
    who: &'static [Who],
    dialogues: &'static [Dialogue],
    note: &'static str,
}

struct Dialogue {
    name: &'static str,
    manner: Manner,
    verdict: f64,
    close: f64,
    /// Those that ours spends on what the others do not ask.
    more: f64,
}

const SMTP: Protocol = Protocol {
    name: "smtp",
    who: &[Who::SmtpProbe, Who::Floor, Who::Lettre, Who::MailSend],
    dialogues: &[
        Dialogue {
            name: "plain",
            manner: Manner::Plain,
            verdict: 3.0,
            close: 4.0,
            more: 0.0,
        },
        Dialogue {
            name: "STARTTLS",
            manner: Manner::Starttls,
            verdict: 6.0,
            close: 7.0,
            more: 0.0,
        },
        Dialogue {
            name: "implicit TLS",
            manner: Manner::Implicit,
            verdict: 4.0,
            close: 5.0,
            more: 0.0,
        },
    ],
    note: "The verdict is known before QUIT.",
};

const IMAP: Protocol = Protocol {
    name: "imap",
    who: &[Who::ImapProbe, Who::ImapFloor, Who::AsyncImap],
    dialogues: &[
        Dialogue {
            name: "STARTTLS",
            manner: Manner::Starttls,
            verdict: 5.0,
            close: 6.0,
            more: 0.0,
        },
        Dialogue {
            name: "implicit TLS, login",
            manner: Manner::Implicit,
            verdict: 4.0,
            close: 5.0,
            more: 2.0,
        },
    ],
    note: "The verdict is known with the capabilities under TLS, or the login. Once in, imap-probe asks LIST and EXAMINE.",
};

const POP3: Protocol = Protocol {
    name: "pop3",
    who: &[Who::Pop3Probe],
    dialogues: &[Dialogue {
        name: "implicit TLS",
        manner: Manner::Implicit,
        verdict: 4.0,
        close: 5.0,
        more: 0.0,
    }],
    note: "The verdict is known with the capabilities.",
};

impl Protocol {
    fn count(&self, stage: &Stage) -> Result<Table> {
        let server = |tickets| {
            let arguments = ["--protocol", self.name, "--tickets", tickets];
            stage.server_on(OUR_END.into(), &arguments)
        };
        let (ticketing, ticketless) = (server("2")?, server("0")?);
        let round_trip = round_trip(&ticketing)?;
        let mut table = Table::new(
            &format!(
                "Row 6: {} round trips, TCP handshake included",
                self.name.to_uppercase()
            ),
            &[
                "",
                "with tickets: verdict",
                "close",
                "without: verdict",
                "close",
                "minimum",
            ],
        );
        for dialogue in self.dialogues {
            for &who in self.who {
                let with = Trips::count(stage, who, dialogue, &ticketing, round_trip)?;
                let without = Trips::count(stage, who, dialogue, &ticketless, round_trip)?;
                table.line([
                    format!("{}, {}", dialogue.name, who.name()),
                    with.show_verdict(),
                    format!("{:.2}", with.close),
                    without.show_verdict(),
                    format!("{:.2}", without.close),
                    format!("{}/{}", dialogue.verdict, dialogue.close),
                ]);
                if who.is_ours() {
                    dialogue.judge(&mut table, "with tickets", with);
                    dialogue.judge(&mut table, "without tickets", without);
                }
            }
        }
        table.note(self.note);
        table.note(format!(
            "One round trip took {:.2} ms.",
            round_trip / 1000.0
        ));
        Ok(table)
    }
}

impl Dialogue {
    fn judge(&self, table: &mut Table, tickets: &str, trips: Trips) {
        let what = format!("{}, {tickets}", self.name);
        for (which, wanted, counted) in [
            ("verdict", self.verdict, trips.verdict),
            ("close", self.close + self.more, trips.close),
        ] {
            table.exactly(&format!("{what}, {which}"), wanted, TOLERANCE, counted);
        }
    }
}

#[derive(Clone, Copy)]
struct Trips {
    verdict: f64,
    close: f64,
}

impl Trips {
    fn count(
        stage: &Stage,
        who: Who,
        dialogue: &Dialogue,
        server: &Server,
        round_trip: f64,
    ) -> Result<Self> {
        let far = over_the_line(server.for_manner(dialogue.manner));
        let ask = Ask::new(who, dialogue.manner, 5, 1).with(&["--warm-up", "1"]);
        let Outcome {
            failed,
            verdict,
            median,
            ..
        } = stage.try_ask(&ask, far)?;
        ensure!(failed == 0.0, "{} failed {failed} times", who.name());
        Ok(Self {
            verdict: verdict / round_trip,
            close: median / round_trip,
        })
    }

    fn show_verdict(self) -> String {
        match self.verdict > 0.0 {
            true => format!("{:.2}", self.verdict),
            false => "-".to_owned(),
        }
    }
}

/// The same server, seen from the other end of the line.
fn over_the_line(server: SocketAddr) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(OTHER_END), server.port())
}

/// What it takes to connect, in microseconds.
fn round_trip(server: &Server) -> Result<f64> {
    let far = over_the_line(server.clear);
    let mut taken = Series::default();
    for _ in 0..7 {
        let begun = Instant::now();
        TcpStream::connect(far)?;
        taken.push(micros(begun.elapsed()));
    }
    Ok(taken.median())
}
