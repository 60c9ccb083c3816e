//! What a small embedded server replies to one thing heard. The loop that listens and delivers the answer is in
//! `play`; which answer to give is the business of the closure that the user wrote.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;

use crate::{Identity, TlsOptions};

/// What a server made with [`Script::serve`](crate::Script::serve) does about what it has just heard.
///
/// Three things in this order: it waits ([`after`](Self::after)), it says something, and it does what the constructor
/// is named for. A string or bytes become an answer by themselves: `"250 OK\r\n".into()`.
///
/// ```
/// use std::time::Duration;
/// use probe_testkit::Answer;
///
/// let slow = Answer::say("250 2.1.0 OK\r\n").after(Duration::from_millis(300));
/// let literal = Answer::say_then_hear("+ go ahead\r\n", 310);
/// ```
#[derive(Clone, Debug)]
pub struct Answer {
    pub(crate) wait: Duration,
    pub(crate) say: Vec<u8>,
    pub(crate) then: Then,
}

impl Answer {
    /// Nothing: a line of a message, say, of which the end is awaited.
    pub fn nothing() -> Self {
        Self::say("")
    }

    /// Says this and listens for the next line.
    pub fn say(bytes: impl AsRef<[u8]>) -> Self {
        Self::new(bytes, Then::HearLine)
    }

    /// Says this and listens for exactly `count` bytes, which come to the closure in one piece: a literal, a body.
    pub fn say_then_hear(bytes: impl AsRef<[u8]>, count: usize) -> Self {
        Self::new(bytes, Then::HearBytes(count))
    }

    /// Says this in clear, then shakes hands as `identity`, and listens on under TLS.
    pub fn start_tls(bytes: impl AsRef<[u8]>, identity: &Identity) -> Self {
        Self::start_tls_with(bytes, identity.server_config(&TlsOptions::new()))
    }

    /// [`start_tls`](Self::start_tls) with a configuration of one's own. Sessions are resumed only where several
    /// connections share one.
    pub fn start_tls_with(bytes: impl AsRef<[u8]>, config: Arc<ServerConfig>) -> Self {
        Self::new(bytes, Then::StartTls(TlsServer(config)))
    }

    /// Says this and goes on with the script's next step.
    pub fn done(bytes: impl AsRef<[u8]>) -> Self {
        Self::new(bytes, Then::Done)
    }

    /// Says this and closes the connection.
    pub fn close(bytes: impl AsRef<[u8]>) -> Self {
        Self::new(bytes, Then::Close)
    }

    /// Says this and resets the connection.
    pub fn reset(bytes: impl AsRef<[u8]>) -> Self {
        Self::new(bytes, Then::Reset)
    }

    /// Says this and then nothing more, until the client leaves.
    pub fn silence(bytes: impl AsRef<[u8]>) -> Self {
        Self::new(bytes, Then::Silence)
    }

    /// The same answer, after a wait.
    pub fn after(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    fn new(bytes: impl AsRef<[u8]>, then: Then) -> Self {
        Self {
            wait: Duration::ZERO,
            say: bytes.as_ref().to_vec(),
            then,
        }
    }
}

impl From<&str> for Answer {
    fn from(text: &str) -> Self {
        Self::say(text)
    }
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self::say(text)
    }
}

impl From<Vec<u8>> for Answer {
    fn from(bytes: Vec<u8>) -> Self {
        Self::say(bytes)
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Then {
    HearLine,
    HearBytes(usize),
    StartTls(TlsServer),
    Done,
    Close,
    Reset,
    Silence,
}

/// A rustls configuration; rustls prints all of it, which helps nobody.
#[derive(Clone)]
pub(crate) struct TlsServer(pub(crate) Arc<ServerConfig>);

impl fmt::Debug for TlsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsServer")
    }
}
