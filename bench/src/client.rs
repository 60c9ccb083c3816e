//! The clients that are compared, and the process that runs one of them so many times and says what that cost.

mod async_imap;
mod floor;
mod hold;
mod imap_floor;
mod lettre;
mod mail_send;
mod ours;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use crate::allocations::Allocations;
use crate::certificates::Certificates;
use crate::machine;
use crate::outcome::Outcome;

pub(crate) use hold::{Hold, hold};

/// Which client.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Who {
    /// async-imap
    AsyncImap,
    /// The least that an SMTP dialogue can cost
    Floor,
    /// The least that an IMAP dialogue can cost
    ImapFloor,
    /// The crate `imap-probe`
    ImapProbe,
    /// lettre's `test_connection`
    Lettre,
    /// mail-send's `connect` and `quit`
    MailSend,
    /// The crate `pop3-probe`
    Pop3Probe,
    /// The crate `smtp-probe`
    SmtpProbe,
}

impl Who {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AsyncImap => "async-imap",
            Self::Floor | Self::ImapFloor => "floor",
            Self::ImapProbe => "imap-probe",
            Self::Lettre => "lettre",
            Self::MailSend => "mail-send",
            Self::Pop3Probe => "pop3-probe",
            Self::SmtpProbe => "smtp-probe",
        }
    }

    /// Whether it is this project's.
    pub(crate) const fn is_ours(self) -> bool {
        matches!(self, Self::ImapProbe | Self::Pop3Probe | Self::SmtpProbe)
    }
}

/// Who logs in, where somebody does.
const USER: &str = "alice";
const PASSWORD: &str = "wonderland";

/// Which dialogue: SMTP's, in IMAP with CAPABILITY for EHLO and LOGOUT for QUIT, in POP3 with CAPA.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Manner {
    /// Greeting, EHLO, QUIT
    Plain,
    /// Greeting, EHLO, STARTTLS, TLS, EHLO, QUIT
    Starttls,
    /// TLS, greeting, EHLO, QUIT; in IMAP a login for EHLO
    Implicit,
}

/// Who asks whom, how, and how often.
#[derive(Args, Clone, Debug)]
pub(crate) struct Task {
    #[arg(long)]
    pub(crate) who: Who,
    #[arg(long)]
    pub(crate) manner: Manner,
    #[arg(long)]
    pub(crate) server: SocketAddr,
    /// The folder with the certificates
    #[arg(long)]
    pub(crate) certificates: PathBuf,
    /// How often
    #[arg(long)]
    pub(crate) times: usize,
    /// How many of them at a time
    #[arg(long, default_value_t = 1)]
    pub(crate) at_once: usize,
    /// How many before that, not counted
    #[arg(long, default_value_t = 20)]
    pub(crate) warm_up: usize,
    /// Seconds for each, where the client takes such a limit
    #[arg(long, default_value_t = 30)]
    pub(crate) budget: u64,
}

/// Runs a task in this process and writes what it cost to standard output.
pub(crate) fn run(task: &Task) -> Result<()> {
    machine::pin(machine::CLIENTS)?;
    machine::open_many_files()?;
    let client = Arc::new(Client::new(task)?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async {
        many(&client, task.warm_up, 1).await?;
        measure(&client, task).await
    })?;
    print!("{outcome}");
    Ok(())
}

async fn measure(client: &Arc<Client>, task: &Task) -> Result<Outcome> {
    let before = Allocations::so_far();
    let cpu = machine::cpu_of_this_process()?;
    let begun = Instant::now();
    let answers = many(client, task.times, task.at_once).await?;
    let wall = begun.elapsed();
    let cpu = machine::cpu_of_this_process()?.saturating_sub(cpu);
    let after = Allocations::so_far();

    let failures = answers
        .iter()
        .filter_map(|answer| answer.failure.as_deref());
    if let Some(first) = failures.clone().next() {
        eprintln!("{} failed, the first with: {first}", failures.count());
    }
    Ok(Outcome::new(&answers, wall, cpu, before, after))
}

/// What came of one question.
#[derive(Debug)]
pub(crate) struct Answer {
    /// How long it took, from the first look at the network to the last.
    pub(crate) whole: Duration,
    /// After how long everything was known that the client wanted to know, if it can tell.
    pub(crate) verdict: Option<Duration>,
    pub(crate) failure: Option<String>,
}

/// Asks so often, with so many workers that each ask one after the other.
async fn many(client: &Arc<Client>, times: usize, at_once: usize) -> Result<Vec<Answer>> {
    let left = Arc::new(AtomicUsize::new(times));
    let workers: Vec<_> = (0..at_once.min(times))
        .map(|_| tokio::spawn(work(client.clone(), left.clone(), times / at_once + 1)))
        .collect();
    let mut answers = Vec::with_capacity(times);
    for worker in workers {
        answers.append(&mut worker.await.context("a worker broke down")?);
    }
    ensure!(answers.len() == times, "not everything was asked");
    Ok(answers)
}

async fn work(client: Arc<Client>, left: Arc<AtomicUsize>, share: usize) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(share);
    let take = |left: usize| left.checked_sub(1);
    while left.fetch_update(Relaxed, Relaxed, take).is_ok() {
        let begun = Instant::now();
        let outcome = client.ask().await;
        let whole = begun.elapsed();
        answers.push(match outcome {
            Ok(verdict) => Answer {
                whole,
                verdict,
                failure: None,
            },
            Err(error) => Answer {
                whole,
                verdict: None,
                failure: Some(format!("{error:#}")),
            },
        });
    }
    answers
}

enum Client {
    AsyncImap(async_imap::AsyncImap),
    Floor(floor::Floor),
    ImapFloor(imap_floor::ImapFloor),
    Lettre(lettre::Lettre),
    MailSend(mail_send::MailSend),
    Ours(ours::Ours),
}

impl Client {
    fn new(task: &Task) -> Result<Self> {
        let certificates = Certificates::in_folder(&task.certificates);
        Ok(match task.who {
            Who::AsyncImap => Self::AsyncImap(async_imap::AsyncImap::new(task, &certificates)?),
            Who::Floor => Self::Floor(floor::Floor::new(task, &certificates)?),
            Who::ImapFloor => Self::ImapFloor(imap_floor::ImapFloor::new(task, &certificates)?),
            Who::Lettre => Self::Lettre(lettre::Lettre::new(task, &certificates)?),
            Who::MailSend => Self::MailSend(mail_send::MailSend::new(task, &certificates)?),
            Who::ImapProbe | Who::Pop3Probe | Who::SmtpProbe => {
                Self::Ours(ours::Ours::new(task, &certificates)?)
            }
        })
    }

    async fn ask(&self) -> Result<Option<Duration>> {
        match self {
            Self::AsyncImap(async_imap) => async_imap.ask().await.map(|()| None),
            Self::Floor(floor) => floor.ask().await.map(Some),
            Self::ImapFloor(floor) => floor.ask().await.map(Some),
            Self::Lettre(lettre) => lettre.ask().await.map(|()| None),
            Self::MailSend(mail_send) => mail_send.ask().await.map(|()| None),
            Self::Ours(ours) => ours.ask().await.map(Some),
        }
    }
}
