//! The floor of IMAP: the dialogue written out by hand, with one buffer and nothing kept.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::floor::say;
use super::{Manner, Task};
use crate::certificates::{Certificates, NAME};

pub(super) struct ImapFloor {
    server: SocketAddr,
    manner: Manner,
    tls: TlsConnector,
    name: ServerName<'static>,
}

impl ImapFloor {
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
            let mut stream = self.tls.connect(self.name.clone(), stream).await?;
            hear(&mut stream, &mut buffer, b"* OK").await?;
            return finish(stream, &mut buffer, begun, LOGIN).await;
        }
        hear(&mut stream, &mut buffer, b"* OK").await?;
        if self.manner == Manner::Plain {
            return finish(stream, &mut buffer, begun, CAPABILITY).await;
        }
        say(&mut stream, b"a STARTTLS\r\n").await?;
        hear(&mut stream, &mut buffer, b"a OK").await?;
        let stream = self.tls.connect(self.name.clone(), stream).await?;
        finish(stream, &mut buffer, begun, CAPABILITY).await
    }
}

const CAPABILITY: &[u8] = b"b CAPABILITY\r\n";
/// base64 of NUL alice NUL wonderland
const LOGIN: &[u8] = b"b AUTHENTICATE PLAIN AGFsaWNlAHdvbmRlcmxhbmQ=\r\n";

async fn finish(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    buffer: &mut [u8],
    begun: Instant,
    question: &[u8],
) -> Result<Duration> {
    say(&mut stream, question).await?;
    hear(&mut stream, buffer, b"b OK").await?;
    let verdict = begun.elapsed();
    say(&mut stream, b"c LOGOUT\r\n").await?;
    hear(&mut stream, buffer, b"c OK").await?;
    tokio::io::AsyncWriteExt::shutdown(&mut stream).await?;
    Ok(verdict)
}

/// Up to the line that begins with this.
async fn hear(stream: &mut (impl AsyncRead + Unpin), buffer: &mut [u8], last: &[u8]) -> Result<()> {
    let mut held = 0;
    loop {
        match stream
            .read(buffer.get_mut(held..).unwrap_or_default())
            .await?
        {
            0 => bail!("the server hung up"),
            more => held += more,
        }
        let heard = buffer.get(..held).unwrap_or_default();
        let mut lines = heard.split(|byte| *byte == b'\n');
        if heard.ends_with(b"\r\n") && lines.any(|line| line.starts_with(last)) {
            return Ok(());
        }
    }
}
