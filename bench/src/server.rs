//! The server that everybody is measured against: SMTP with STARTTLS on one port and with implicit TLS on another,
//! POP3 with implicit TLS on a third, in a process and on a core of its own. It says what a real one says and is otherwise as light as can be.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::certificates::Certificates;
use crate::machine;

/// How the server behaves.
#[derive(Args, Clone, Debug)]
pub(crate) struct Behaviour {
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

/// Serves until the process is killed. Its first line says where: three ports.
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
        tls: TlsAcceptor::from(Arc::new(certificates.server(behaviour.tickets)?)),
        delay: Duration::from_millis(behaviour.delay),
        mute: behaviour.mute,
        open: AtomicUsize::new(0),
        most: AtomicUsize::new(0),
    });
    let clear = bind(behaviour.address)?;
    let implicit = bind(behaviour.address)?;
    let pop3s = bind(behaviour.address)?;
    println!(
        "{} {} {}",
        clear.local_addr()?.port(),
        implicit.local_addr()?.port(),
        pop3s.local_addr()?.port()
    );
    std::io::stdout().flush()?;
    tokio::join!(
        server.clone().accept(clear, Kind::Clear),
        server.clone().accept(implicit, Kind::Implicit),
        server.accept(pop3s, Kind::Pop3s)
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
    Pop3s,
}

struct Server {
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
            self.say(&mut stream, GREETING).await?;
            match self
                .dialogue(&mut stream, &mut lines, EHLO_IN_CLEAR)
                .await?
            {
                Next::Tls => {}
                Next::End => return Ok(()),
            }
        }
        let mut stream = self.tls.accept(stream).await?;
        match kind {
            Kind::Clear => {}
            Kind::Implicit => self.say(&mut stream, GREETING).await?,
            Kind::Pop3s => {
                self.say(&mut stream, b"+OK ready\r\n").await?;
                self.pop3(&mut stream, &mut lines).await?;
                return stream.shutdown().await;
            }
        }
        self.dialogue(&mut stream, &mut lines, EHLO_UNDER_TLS)
            .await?;
        stream.shutdown().await
    }

    async fn dialogue<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        lines: &mut Lines,
        ehlo: &[u8],
    ) -> std::io::Result<Next> {
        loop {
            let Some(verb) = lines.next(stream).await? else {
                return Ok(Next::End);
            };
            match &verb {
                b"EHLO" => self.say(stream, ehlo).await?,
                b"STAR" => {
                    self.say(stream, b"220 2.0.0 Ready to start TLS\r\n")
                        .await?;
                    return Ok(Next::Tls);
                }
                b"QUIT" => {
                    self.say(stream, b"221 2.0.0 Bye\r\n").await?;
                    return Ok(Next::End);
                }
                b"MOST" => {
                    let most = format!("250 {}\r\n", self.most.load(Relaxed));
                    self.say(stream, most.as_bytes()).await?;
                }
                _ => self.say(stream, b"250 2.0.0 Ok\r\n").await?,
            }
        }
    }

    async fn pop3<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        lines: &mut Lines,
    ) -> std::io::Result<()> {
        while let Some(verb) = lines.next(stream).await? {
            match &verb {
                b"CAPA" => self.say(stream, CAPA).await?,
                b"QUIT" => return self.say(stream, b"+OK bye\r\n").await,
                _ => self.say(stream, b"-ERR what?\r\n").await?,
            }
        }
        Ok(())
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

enum Next {
    End,
    Tls,
}

/// The commands of a client that waits for each answer.
#[derive(Default)]
struct Lines {
    held: Vec<u8>,
}

impl Lines {
    /// The first four letters of the next command.
    async fn next(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> std::io::Result<Option<[u8; 4]>> {
        self.held.clear();
        while !self.held.ends_with(b"\n") {
            if stream.read_buf(&mut self.held).await? == 0 {
                return Ok(None);
            }
        }
        let mut verb = [b' '; 4];
        for (to, from) in verb.iter_mut().zip(&self.held) {
            *to = from.to_ascii_uppercase();
        }
        Ok(Some(verb))
    }
}

const GREETING: &[u8] = b"220 mx.bench.test ESMTP Postfix\r\n";

/// Twelve lines each, as an unhurried Postfix has them.
const EHLO_IN_CLEAR: &[u8] = b"250-mx.bench.test\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-VRFY\r\n250-ETRN\r\n\
250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250-REQUIRETLS\r\n250 CHUNKING\r\n";
const EHLO_UNDER_TLS: &[u8] = b"250-mx.bench.test\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-VRFY\r\n250-ETRN\r\n\
250-AUTH PLAIN LOGIN\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250-REQUIRETLS\r\n250 CHUNKING\r\n";

/// As an unhurried Dovecot has it.
const CAPA: &[u8] =
    b"+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nAUTH-RESP-CODE\r\nUSER\r\n\
SASL PLAIN LOGIN\r\n.\r\n";
