//! The clients that ask: ours, the least that an exchange can cost, and hickory-resolver.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Args;
use futures_util::stream::{self, StreamExt};
use hickory_proto::op::{Message, Query};
use hickory_proto::rr::{Name as WireName, RecordType};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use probe_core::{Context as Cx, Phase};
use probe_net::Log;
use probe_net::dns::{Answer, Ask, Kind, Question, Resolver, Survey, Trouble, survey};
use tokio::net::UdpSocket;

use crate::machine;
use crate::outcome::micros;

/// What to ask.
#[derive(Args, Clone, Debug)]
pub(crate) struct Client {
    #[arg(long)]
    who: String,
    #[arg(long)]
    server: SocketAddr,
    #[arg(long)]
    addresses: usize,
    #[arg(long)]
    lists: usize,
}

/// A list's zone.
pub(super) fn zone(list: usize) -> String {
    format!("l{list:03}.rbl.test")
}

impl Client {
    fn names(&self) -> impl Iterator<Item = String> + '_ {
        (0..self.addresses).flat_map(move |address| {
            let (third, fourth) = (address / 250, address % 250);
            (0..self.lists).map(move |list| format!("{fourth}.{third}.77.127.{}", zone(list)))
        })
    }
}

/// Asks, and says what it took: wall and CPU time in microseconds, and how many questions had no answer.
pub(crate) fn run(client: &Client) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (begun, before) = (Instant::now(), machine::cpu_of_this_process()?);
    let lost = runtime.block_on(async {
        match client.who.as_str() {
            "ours" => ours(client).await,
            "floor" => floor(client).await,
            _ => hickory(client).await,
        }
    })?;
    let cpu = machine::cpu_of_this_process()?.saturating_sub(before);
    println!("{} {} {lost}", micros(begun.elapsed()), micros(cpu));
    Ok(())
}

/// Two thousand names at once; the exchange holds back what would be too much.
struct Sweep<N> {
    names: N,
    tag: u64,
    answered: usize,
}

impl<N: Iterator<Item = String>> Sweep<N> {
    fn next(&mut self) -> Option<Ask> {
        let name = self.names.next()?.parse().ok()?;
        self.tag += 1;
        Some(Ask::new(self.tag, Question::new(name, Kind::A)))
    }
}

impl<N: Iterator<Item = String>> Survey for Sweep<N> {
    fn begin(&mut self) -> Vec<Ask> {
        (0..2000).map_while(|_| self.next()).collect()
    }

    fn answered(&mut self, _: u64, outcome: Result<Answer, Trouble>) -> Vec<Ask> {
        self.answered += usize::from(outcome.is_ok());
        Vec::from_iter(self.next())
    }
}

async fn ours(client: &Client) -> Result<usize> {
    let resolver = Resolver::new([client.server]);
    let mut sweep = Sweep {
        names: client.names(),
        tag: 0,
        answered: 0,
    };
    let cx = Cx::default().with_budget(Duration::from_secs(60));
    let cx = cx.with_patience(Duration::from_secs(60));
    survey(
        &resolver,
        &mut sweep,
        Phase::new("lists"),
        &mut Log::begin(&cx),
    )
    .await?;
    Ok(client.addresses * client.lists - sweep.answered)
}

/// One socket, a thousand questions under way, no repeats, nothing checked but the id.
async fn floor(client: &Client) -> Result<usize> {
    let socket = UdpSocket::bind("0.0.0.0:0").await?;
    socket.connect(client.server).await?;
    let mut names = client.names();
    let mut open: HashMap<u16, ()> = HashMap::new();
    let (mut id, mut answered, mut room) = (0_u16, 0, [0; 2048]);
    loop {
        while open.len() < 100 {
            let Some(name) = names.next() else { break };
            id = id.wrapping_add(1);
            let mut message = Message::query();
            message.metadata.id = id;
            message.metadata.recursion_desired = true;
            message.add_query(Query::query(WireName::from_ascii(name)?, RecordType::A));
            socket.send(&message.to_vec()?).await?;
            open.insert(id, ());
        }
        if open.is_empty() {
            return Ok(client.addresses * client.lists - answered);
        }
        let wait = tokio::time::timeout(Duration::from_secs(2), socket.recv(&mut room));
        let Ok(length) = wait.await else {
            return Ok(client.addresses * client.lists - answered);
        };
        let message = Message::from_vec(room.get(..length?).unwrap_or_default())?;
        answered += usize::from(open.remove(&message.metadata.id).is_some());
    }
}

async fn hickory(client: &Client) -> Result<usize> {
    let mut udp = ConnectionConfig::udp();
    udp.port = client.server.port();
    let IpAddr::V4(_) = client.server.ip() else {
        return Ok(0);
    };
    let server = NameServerConfig::new(client.server.ip(), true, vec![udp]);
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    builder.options_mut().cache_size = 0;
    let resolver = builder.build()?;
    let lookups = client.names().map(|name| {
        let resolver = resolver.clone();
        async move {
            let name = WireName::from_ascii(name + ".").unwrap_or_default();
            match resolver.lookup(name, RecordType::A).await {
                Ok(_) => true,
                Err(error) => error.to_string().contains("no records"),
            }
        }
    });
    let answered = stream::iter(lookups)
        .buffer_unordered(300)
        .filter(|answered| std::future::ready(*answered))
        .count()
        .await;
    ensure!(answered > 0, "hickory-resolver had no answer at all");
    Ok(client.addresses * client.lists - answered)
}
