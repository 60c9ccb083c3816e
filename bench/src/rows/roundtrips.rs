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
    let ticketing = stage.server_on(OUR_END.into(), &["--tickets", "2"])?;
    let ticketless = stage.server_on(OUR_END.into(), &["--tickets", "0"])?;
    let round_trip = round_trip(&ticketing)?;
    let mut table = Table::new(
        "Row 6: round trips, TCP handshake included",
        &[
            "",
            "with tickets: verdict",
            "close",
            "without: verdict",
            "close",
            "minimum",
        ],
    );
    for dialogue in DIALOGUES {
        for who in dialogue.manner.speakers() {
            let with = Trips::count(stage, *who, dialogue, &ticketing, round_trip)?;
            let without = Trips::count(stage, *who, dialogue, &ticketless, round_trip)?;
            table.line([
                format!("{}, {}", dialogue.name, who.name()),
                with.show_verdict(),
                format!("{:.2}", with.close),
                without.show_verdict(),
                format!("{:.2}", without.close),
                format!("{}/{}", dialogue.verdict, dialogue.close),
            ]);
            if *who == Who::Ours {
                for (trips, tickets) in [(with, "with"), (without, "without")] {
                    let what = format!("{}, {tickets} tickets", dialogue.name);
                    table.exactly(
                        &format!("{what}, verdict"),
                        dialogue.verdict,
                        TOLERANCE,
                        trips.verdict,
                    );
                    table.exactly(
                        &format!("{what}, close"),
                        dialogue.close,
                        TOLERANCE,
                        trips.close,
                    );
                }
            }
        }
    }
    table.note(format!(
        "One round trip took {:.2} ms.",
        round_trip / 1000.0
    ));
    println!("{table}");
    Ok(())
}

#[derive(Clone, Copy)]
struct Dialogue {
    name: &'static str,
    manner: Manner,
    verdict: f64,
    close: f64,
}

const DIALOGUES: [Dialogue; 4] = [
    Dialogue {
        name: "plain",
        manner: Manner::Plain,
        verdict: 3.0,
        close: 4.0,
    },
    Dialogue {
        name: "STARTTLS",
        manner: Manner::Starttls,
        verdict: 6.0,
        close: 7.0,
    },
    Dialogue {
        name: "implicit TLS",
        manner: Manner::Implicit,
        verdict: 4.0,
        close: 5.0,
    },
    Dialogue {
        name: "POP3S",
        manner: Manner::Pop3s,
        verdict: 4.0,
        close: 5.0,
    },
];

#[derive(Clone, Copy)]
struct Trips {
    verdict: f64,
    close: f64,
}

impl Trips {
    fn count(
        stage: &Stage,
        who: Who,
        dialogue: Dialogue,
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
