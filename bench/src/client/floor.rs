//! The floor: the dialogue written out by hand, with one buffer and nothing kept. It is what is reachable, not what
//! anybody could use: no deadlines, no facts, no reasons.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Manner, Task};
use crate::certificates::{Certificates, NAME};

pub(super) struct Floor {
    server: SocketAddr,
    manner: Manner,
    tls: TlsConnector,
    name: ServerName<'static>,
}

impl Floor {
    pub(super) fn new(task: &Task, certificates: &Certificates) -> Result<Self> {
        Ok(Self {
            server: task.server,
            manner: task.manner,
            tls: TlsConnector::from(Arc::new(certificates.client()?)),
            name: NAME.try_into()?,
        })
    }

    /// After how long everything was known.
    pub(super) async fn ask(&self) -> Result<Duration> {
        let begun = Instant::now();
        let mut buffer = [0; 1024];
        let mut stream = TcpStream::connect(self.server).await?;
        stream.set_nodelay(true)?;
        if self.manner == Manner::Implicit {
            let mut stream = self.secure(stream).await?;
            hear(&mut stream, &mut buffer, b"220").await?;
            return finish(stream, &mut buffer, begun).await;
        }
        hear(&mut stream, &mut buffer, b"220").await?;
        if self.manner == Manner::Plain {
            return finish(stream, &mut buffer, begun).await;
        }
        say(&mut stream, EHLO).await?;
        hear(&mut stream, &mut buffer, b"250").await?;
        say(&mut stream, b"STARTTLS\r\n").await?;
        hear(&mut stream, &mut buffer, b"220").await?;
        finish(self.secure(stream).await?, &mut buffer, begun).await
    }

    async fn secure(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>> {
        Ok(self.tls.connect(self.name.clone(), stream).await?)
    }
}

const EHLO: &[u8] = b"EHLO probe.bench.test\r\n";

async fn finish(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    buffer: &mut [u8],
    begun: Instant,
) -> Result<Duration> {
    say(&mut stream, EHLO).await?;
    hear(&mut stream, buffer, b"250").await?;
    let verdict = begun.elapsed();
    say(&mut stream, b"QUIT\r\n").await?;
    hear(&mut stream, buffer, b"221").await?;
    stream.shutdown().await?;
    Ok(verdict)
}

pub(super) async fn say(stream: &mut (impl AsyncWrite + Unpin), command: &[u8]) -> Result<()> {
    stream.write_all(command).await?;
    Ok(stream.flush().await?)
}

async fn hear(stream: &mut (impl AsyncRead + Unpin), buffer: &mut [u8], code: &[u8]) -> Result<()> {
    let mut held = 0;
    loop {
        match stream
            .read(buffer.get_mut(held..).unwrap_or_default())
            .await?
        {
            0 => bail!("the server hung up"),
            more => held += more,
        }
        let reply = buffer.get(..held).unwrap_or_default();
        if is_whole(reply) {
            return match reply.starts_with(code) {
                true => Ok(()),
                false => bail!("{}", String::from_utf8_lossy(reply)),
            };
        }
    }
}

/// Whether its last line says that it is the last.
fn is_whole(reply: &[u8]) -> bool {
    let Some(text) = reply.strip_suffix(b"\r\n") else {
        return false;
    };
    let last = text
        .rsplit(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    last.get(3) == Some(&b' ')
}
