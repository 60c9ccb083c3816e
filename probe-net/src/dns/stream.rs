//! One question over TCP (RFC 7766), for answers that no datagram holds.

use core::net::{IpAddr, SocketAddr};
use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

/// Asks, and gives the bytes of the one answer; the caller bounds the time.
pub(super) async fn exchange(
    server: SocketAddr,
    source: Option<IpAddr>,
    question: &[u8],
) -> io::Result<Vec<u8>> {
    let socket = match server {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if let Some(source) = source {
        socket.bind((source, 0).into())?;
    }
    let mut stream = socket.connect(server).await?;
    stream.set_nodelay(true)?;
    let length = u16::try_from(question.len()).map_err(io::Error::other)?;
    let framed = [&length.to_be_bytes()[..], question].concat();
    stream.write_all(&framed).await?;
    // Its length is two octets, so it is bounded.
    let length = stream.read_u16().await?;
    let mut answer = vec![0; length.into()];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}
