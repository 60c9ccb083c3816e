//! The server that everybody is measured against: SMTP, IMAP or POP3, with STARTTLS on one port and with implicit TLS on
//! another, in a process and on a core of its own. It says what a real one says and is otherwise as light as can be.

mod imap;
mod pop3;
mod smtp;

use std::borrow::Cow;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use anyhow::Result;
use clap::{Args, ValueEnum};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::certificates::Certificates;
use crate::machine;

/// How the server behaves.
#[derive(Args, Clone, Debug)]
pub(crate) struct Behaviour {
    /// What it speaks
    #[arg(long, default_value = "smtp")]
    pub(crate) protocol: Protocol,
    /// The folder with the certificates
    #[arg(long)]
    pub(crate) certificates: PathBuf,
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) address: IpAddr,
    /// Session tickets after each handshake
    #[arg(long, default_value_t = 2)]
    pub(crate) tickets: usize,
    /// Milliseconds before each reply
    #[arg(long, default_value_t = 0)]
    pub(crate) delay: u64,
    /// Takes connections and says nothing
    #[arg(long)]
    pub(crate) mute: bool,
}

/// What is spoken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Protocol {
    Imap,
    Pop3,
    Smtp,
}

/// Serves until the process is killed. Its first line says where: two ports.
pub(crate) fn serve(behaviour: &Behaviour) -> Result<()> {
    machine::pin(machine::SERVERS)?;
    machine::open_many_files()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(listen(behaviour))
}

async fn listen(behaviour: &Behaviour) -> Result<()> {
    let certificates = Certificates::in_folder(&behaviour.certificates);
    let server = Arc::new(Server {
        protocol: behaviour.protocol,
        tls: TlsAcceptor::from(Arc::new(certificates.server(behaviour.tickets)?)),
        delay: Duration::from_millis(behaviour.delay),
        mute: behaviour.mute,
        open: AtomicUsize::new(0),
        most: AtomicUsize::new(0),
    });
    let clear = bind(behaviour.address)?;
    let implicit = bind(behaviour.address)?;
    println!(
        "{} {}",
        clear.local_addr()?.port(),
        implicit.local_addr()?.port()
    );
    std::io::stdout().flush()?;
    tokio::join!(
        server.clone().accept(clear, Kind::Clear),
        server.accept(implicit, Kind::Implicit)
    );
    Ok(())
}

fn bind(address: IpAddr) -> Result<TcpListener> {
    let socket = match address {
        IpAddr::V4(_) => TcpSocket::new_v4()?,
        IpAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.bind(SocketAddr::new(address, 0))?;
    Ok(socket.listen(65_535)?)
}

#[derive(Clone, Copy)]
enum Kind {
    Clear,
    Implicit,
}

struct Server {
    protocol: Protocol,
    tls: TlsAcceptor,
    delay: Duration,
    mute: bool,
    open: AtomicUsize,
    most: AtomicUsize,
}

impl Server {
    async fn accept(self: Arc<Self>, listener: TcpListener, kind: Kind) {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                // Out of files, for now.
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            let server = self.clone();
            tokio::spawn(async move {
                let open = server.open.fetch_add(1, Relaxed) + 1;
                server.most.fetch_max(open, Relaxed);
                // A client that goes away early is its own affair.
                let _ = server.converse(stream, kind).await;
                server.open.fetch_sub(1, Relaxed);
            });
        }
    }

    async fn converse(&self, mut stream: TcpStream, kind: Kind) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        if self.mute {
            let mut ignored = [0; 512];
            while stream.read(&mut ignored).await? > 0 {}
            return Ok(());
        }
        let mut lines = Lines::default();
        if let Kind::Clear = kind {
            self.say(&mut stream, &self.protocol.greeting(false))
                .await?;
            if self.dialogue(&mut stream, &mut lines, false).await? == Next::End {
                return Ok(());
            }
        }
        let mut stream = self.tls.accept(stream).await?;
        if let Kind::Implicit = kind {
            self.say(&mut stream, &self.protocol.greeting(true)).await?;
        }
        self.dialogue(&mut stream, &mut lines, true).await?;
        stream.shutdown().await
    }

    async fn dialogue<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        lines: &mut Lines,
        is_secured: bool,
    ) -> std::io::Result<Next> {
        loop {
            let Some(line) = lines.next(stream).await? else {
                return Ok(Next::End);
            };
            if line.starts_with(b"MOST") {
                let most = format!("250 {}\r\n", self.most.load(Relaxed));
                self.say(stream, most.as_bytes()).await?;
                continue;
            }
            let (reply, next) = self.protocol.answer(line, is_secured);
            self.say(stream, &reply).await?;
            if next != Next::Line {
                return Ok(next);
            }
        }
    }

    async fn say(
        &self,
        stream: &mut (impl AsyncWrite + Unpin),
        reply: &[u8],
    ) -> std::io::Result<()> {
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        stream.write_all(reply).await?;
        stream.flush().await
    }
}

impl Protocol {
    fn greeting(self, is_secured: bool) -> Cow<'static, [u8]> {
        match self {
            Self::Imap => imap::greeting(is_secured),
            Self::Pop3 => Cow::Borrowed(pop3::GREETING),
            Self::Smtp => Cow::Borrowed(smtp::GREETING),
        }
    }

    fn answer(self, line: &[u8], is_secured: bool) -> (Cow<'static, [u8]>, Next) {
        match self {
            Self::Imap => imap::answer(line, is_secured),
            Self::Pop3 => pop3::answer(line, is_secured),
            Self::Smtp => smtp::answer(line, is_secured),
        }
    }
}

/// What comes after an answer.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Next {
    End,
    Line,
    Tls,
}

/// The commands of a client that waits for each answer.
#[derive(Default)]
struct Lines {
    held: Vec<u8>,
}

impl Lines {
    async fn next(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> std::io::Result<Option<&[u8]>> {
        self.held.clear();
        while !self.held.ends_with(b"\n") {
            if stream.read_buf(&mut self.held).await? == 0 {
                return Ok(None);
            }
        }
        Ok(Some(&self.held))
    }
}
