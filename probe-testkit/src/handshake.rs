//! The beginning of TLS on the server's side: a true handshake with its record, or a false one that stalls, cuts or
//! forges. The forged bytes themselves are in `forged`; what follows under TLS is spoken in `play`.

use std::io;

use rustls::server::Acceptor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use crate::answer::TlsServer;
use crate::conversation::{Agreed, Ending, Handshake, Ledger};
use crate::forged::{TlsFault, alert, half_a_server_hello, legacy_server_hello};
use crate::play::Exit;
use crate::wire::{Absence, Channel, Wire};

/// What is left to speak over, and whether the script goes on.
pub(crate) struct Shaken {
    pub(crate) channel: Channel,
    pub(crate) outcome: Result<(), Exit>,
}

/// A true handshake. It fails where the client says something else than TLS, or does not like what it sees.
pub(crate) async fn shake_hands(mut wire: Wire, config: &TlsServer, ledger: &Ledger) -> Shaken {
    wire.treat(Absence::Overlooked);
    let acceptor = LazyConfigAcceptor::new(Acceptor::default(), wire);
    tokio::pin!(acceptor);
    let start = match acceptor.as_mut().await {
        Ok(start) => start,
        Err(error) => {
            ledger.shake_hands(failed(error));
            let wire = acceptor.take_io();
            return broken(wire);
        }
    };
    let hello = start.client_hello();
    let mut handshake = Handshake {
        server_name: hello.server_name().map(str::to_owned),
        offered_alpn: hello
            .alpn()
            .into_iter()
            .flatten()
            .map(<[u8]>::to_vec)
            .collect(),
        offered_suites: hello.cipher_suites().to_vec(),
        ..failed("the handshake has not ended")
    };
    ledger.shake_hands(handshake.clone());
    match start.into_stream(config.0.clone()).into_fallible().await {
        Ok(mut stream) => {
            stream.get_mut().0.treat(Absence::Noticed);
            agree(&mut handshake, &stream);
            ledger.shake_hands(handshake);
            Shaken {
                channel: Channel::Tls(Box::new(stream)),
                outcome: Ok(()),
            }
        }
        Err((error, wire)) => {
            handshake.outcome = Err(error.to_string());
            ledger.shake_hands(handshake);
            broken(Some(wire))
        }
    }
}

/// Reads the ClientHello and does what `fault` says instead of shaking hands. No script goes on after that.
pub(crate) async fn forge(mut wire: Wire, fault: &TlsFault) -> Shaken {
    // A client that says something else, or leaves at once, gets the same answer; the ledger has overheard it.
    drop(read_record(&mut wire).await);
    let answer = match fault {
        TlsFault::Stall | TlsFault::Reset => Vec::new(),
        TlsFault::Garbage(garbage) => garbage.clone(),
        TlsFault::Alert(description) => alert(*description),
        TlsFault::Legacy => legacy_server_hello(),
        TlsFault::Cut => half_a_server_hello(),
    };
    // It fails where the client has left already.
    drop(wire.write_all(&answer).await);
    drop(wire.flush().await);
    if let TlsFault::Stall | TlsFault::Garbage(_) | TlsFault::Legacy = fault {
        drop(tokio::io::copy(&mut wire, &mut tokio::io::sink()).await);
    }
    Shaken {
        channel: Channel::Clear(wire),
        outcome: Err(match fault {
            TlsFault::Reset => Exit::reset(Ending::Faulted),
            _ => Exit::cut(Ending::Faulted),
        }),
    }
}

/// One TLS record, of which the header says how long it is.
async fn read_record(wire: &mut Wire) -> io::Result<()> {
    let mut header = [0; 5];
    wire.read_exact(&mut header).await?;
    let [_, _, _, high, low] = header;
    let mut content = vec![0; usize::from(u16::from_be_bytes([high, low]))];
    wire.read_exact(&mut content).await?;
    Ok(())
}

fn failed(error: impl ToString) -> Handshake {
    Handshake {
        server_name: None,
        offered_alpn: Vec::new(),
        offered_suites: Vec::new(),
        client_certificates: Vec::new(),
        outcome: Err(error.to_string()),
    }
}

fn broken(wire: Option<Wire>) -> Shaken {
    Shaken {
        channel: wire.map_or_else(|| Channel::Gone(tokio::io::empty()), Channel::Clear),
        outcome: Err(Exit::cut(Ending::HandshakeFailed)),
    }
}

fn agree(handshake: &mut Handshake, stream: &TlsStream<Wire>) {
    let (_, connection) = stream.get_ref();
    handshake.client_certificates = connection.peer_certificates().unwrap_or_default().to_vec();
    let agreed = connection
        .protocol_version()
        .zip(connection.negotiated_cipher_suite())
        .zip(connection.handshake_kind());
    if let Some(((version, suite), kind)) = agreed {
        handshake.outcome = Ok(Agreed {
            version,
            suite: suite.suite(),
            alpn: connection.alpn_protocol().map(<[u8]>::to_vec),
            kind,
        });
    }
}
