//! Sessions that are held open and idle, each in a task of its own, to see what one of them weighs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use probe_core::{Context, Failure, Phase};
use probe_net::tls::Tls;
use probe_net::{Dialogue, Endpoint, Event, Log, Net, Step, drive};
use smtp_probe::{Command, Reply, SmtpCodec};

use crate::certificates::{Certificates, NAME};
use crate::machine;

/// How many sessions to hold with whom.
#[derive(Args, Clone, Debug)]
pub(crate) struct Hold {
    /// Where implicit TLS is spoken
    #[arg(long)]
    pub(crate) server: SocketAddr,
    /// The folder with the certificates
    #[arg(long)]
    pub(crate) certificates: PathBuf,
    #[arg(long)]
    pub(crate) sessions: usize,
}

/// Holds them and writes to standard output what one weighs in memory, in bytes.
pub(crate) fn hold(wanted: &Hold) -> Result<()> {
    machine::pin(machine::CLIENTS)?;
    machine::open_many_files()?;
    let certificates = Certificates::in_folder(&wanted.certificates);
    let net = Net::new(Tls::ring(certificates.roots()?));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let holder = Holder::new(net, wanted.server)?;
        holder.open(20).await?;
        let before = machine::resident_kib();
        holder.open(20 + wanted.sessions).await?;
        let grown = machine::resident_kib().saturating_sub(before);
        let sessions = u64::try_from(wanted.sessions)?;
        println!("{}", grown * 1024 / sessions);
        Ok(())
    })
}

struct Holder {
    net: Net,
    endpoint: Endpoint,
    held: Arc<AtomicUsize>,
    begun: AtomicUsize,
}

impl Holder {
    /// So many handshakes at a time, as a monitor that starts would have it.
    const AT_ONCE: usize = 50;

    fn new(net: Net, server: SocketAddr) -> Result<Self> {
        let mut endpoint = Endpoint::new(server.ip().into(), server.port());
        endpoint.server_name = Some(NAME.parse()?);
        Ok(Self {
            net,
            endpoint,
            held: Arc::default(),
            begun: AtomicUsize::new(0),
        })
    }

    /// Opens more until there are so many.
    async fn open(&self, wanted: usize) -> Result<()> {
        let mut waited = 0;
        while self.held.load(Relaxed) < wanted {
            let (begun, held) = (self.begun.load(Relaxed), self.held.load(Relaxed));
            if begun < wanted && begun - held < Self::AT_ONCE {
                self.begun.fetch_add(1, Relaxed);
                tokio::spawn(session(
                    self.net.clone(),
                    self.endpoint.clone(),
                    self.held.clone(),
                ));
                continue;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
            waited += 1;
            if waited > 60_000 {
                bail!("of {wanted} sessions only {held} came to stand");
            }
        }
        Ok(())
    }
}

async fn session(net: Net, endpoint: Endpoint, held: Arc<AtomicUsize>) -> Result<(), Failure> {
    let long = Duration::from_secs(3600);
    let context = Context::default().with_budget(long).with_patience(long);
    let mut log = Log::begin(&context);
    let mut wire = net.dial(&endpoint, &mut log).await?;
    wire.secure(&mut log).await?;
    drive(
        &mut Idling(held),
        &mut SmtpCodec::default(),
        &mut wire,
        &mut log,
    )
    .await
}

/// Hears the greeting and says nothing, ever.
struct Idling(Arc<AtomicUsize>);

impl Dialogue for Idling {
    type Codec = SmtpCodec;

    fn next(&mut self, event: Event<Reply>) -> Result<Step<Command>, Failure> {
        if let Event::Reply(_) = event {
            self.0.fetch_add(1, Relaxed);
        }
        Ok(Step::wait(Phase::GREETING))
    }

    fn farewell(&self) -> Option<Command> {
        None
    }
}
