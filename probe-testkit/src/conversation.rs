//! What one connection was like, seen from the peer: every byte heard, in clear and under TLS, what was said, where
//! the client strayed from the script, and how it ended. Only the record and the questions that tests put to it;
//! the talking is done in `play`.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use rustls::pki_types::CertificateDer;
use rustls::{CipherSuite, HandshakeKind, ProtocolVersion};

/// A flood is said for ever, but not remembered for ever.
const SAID_KEPT: usize = 1 << 20;

/// The record of one connection.
///
/// ```
/// # use probe_testkit::Script;
/// # use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (mut client, peer) = Script::new().say("+OK ready\r\n").hear("QUIT").in_memory();
/// client.write_all(b"quit\r\n").await?;
/// client.read_to_end(&mut Vec::new()).await?;
///
/// let conversation = peer.finish().await;
/// conversation.assert_followed();
/// assert_eq!(conversation.lines(), ["quit"]);
/// assert!(conversation.spoke_early(), "a client of POP3 awaits the greeting");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Conversation {
    client: Option<SocketAddr>,
    heard: Vec<u8>,
    /// How much of `heard` came before TLS; all of it until there is TLS.
    clear: Option<usize>,
    overheard: Vec<u8>,
    said: Vec<u8>,
    early: Vec<Early>,
    deviations: Vec<Deviation>,
    handshake: Option<Handshake>,
    ending: Ending,
}

impl Conversation {
    /// Where the client came from; `None` where there was no TCP.
    pub fn client_address(&self) -> Option<SocketAddr> {
        self.client
    }

    /// All that the client said, in order, decrypted where it came under TLS.
    ///
    /// Bytes count from the moment they arrive, whether or not the script ever listened for them.
    pub fn heard(&self) -> &[u8] {
        &self.heard
    }

    /// The part of [`heard`](Self::heard) that came in clear text, before any TLS.
    pub fn heard_in_clear(&self) -> &[u8] {
        let clear = self.clear.unwrap_or(self.heard.len());
        self.heard.get(..clear).unwrap_or_default()
    }

    /// The part of [`heard`](Self::heard) that came under TLS.
    pub fn heard_under_tls(&self) -> &[u8] {
        let clear = self.clear.unwrap_or(self.heard.len());
        self.heard.get(clear..).unwrap_or_default()
    }

    /// Every byte that the client put on the wire, as an eavesdropper saw it: clear text, then TLS records.
    pub fn overheard(&self) -> &[u8] {
        &self.overheard
    }

    /// Whether an eavesdropper could have read `secret`, as it is or in Base64, alone or amid other text.
    ///
    /// This is the secrecy law of a probe in one question: no byte of a credential leaves before the channel is safe.
    /// Secrets of fewer than four bytes turn up by chance.
    ///
    /// ```
    /// # use probe_testkit::Script;
    /// # use tokio::io::AsyncWriteExt;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (mut client, peer) = Script::new().hear("AUTH PLAIN").in_memory();
    /// client.write_all(b"AUTH PLAIN AGFsaWNlAG9wZW4gc2VzYW1l\r\n").await?;
    /// drop(client);
    /// assert!(peer.finish().await.leaks("open sesame"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn leaks(&self, secret: impl AsRef<[u8]>) -> bool {
        let secret = secret.as_ref();
        contains(&self.overheard, secret)
            || (0..3).any(|offset| {
                let encoded = base64_core(secret, offset);
                encoded.len() > 3 && contains(&self.overheard, encoded.as_bytes())
            })
    }

    /// The lines heard, without their line ends, for people and for `assert_eq!`; lossy where they are not UTF-8.
    pub fn lines(&self) -> Vec<Cow<'_, str>> {
        self.heard
            .split_inclusive(|&byte| byte == b'\n')
            .map(|line| String::from_utf8_lossy(without_line_end(line)))
            .collect()
    }

    /// What the peer said, decrypted likewise; of a flood, the first mebibyte.
    pub fn said(&self) -> &[u8] {
        &self.said
    }

    /// What the client said before it could have read what it was answering.
    ///
    /// Whenever the peer is about to speak, bytes that have arrived but that the script has not yet listened for are
    /// early. A pipelining client is early by design; one that talks before the greeting, or that sends on after
    /// STARTTLS without waiting, is a bug. Over a real socket the bytes must have had time to arrive: put a
    /// [`pause`](crate::Script::pause) before the `say` in question.
    pub fn early(&self) -> &[Early] {
        &self.early
    }

    /// Whether there is anything [`early`](Self::early).
    pub fn spoke_early(&self) -> bool {
        !self.early.is_empty()
    }

    /// Where the client strayed from the script; one at most, because that ends the conversation.
    pub fn deviations(&self) -> &[Deviation] {
        &self.deviations
    }

    /// What the TLS handshake was like, if the script came to one and the client said hello.
    pub fn handshake(&self) -> Option<&Handshake> {
        self.handshake.as_ref()
    }

    /// How the conversation ended.
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// Asserts that the client followed the script to its end.
    ///
    /// # Panics
    ///
    /// If it did not, with what was expected and what was heard.
    #[track_caller]
    pub fn assert_followed(&self) {
        assert!(
            self.ending == Ending::Completed && self.deviations.is_empty(),
            "the client did not follow the script: {self}"
        );
    }
}

/// One line for a failed assertion: the ending, the deviation, the handshake's error, and what was heard.
impl fmt::Display for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ending)?;
        for deviation in &self.deviations {
            write!(f, "; {deviation}")?;
        }
        if let Some(Err(error)) = self.handshake.as_ref().map(|handshake| &handshake.outcome) {
            write!(f, "; {error}")?;
        }
        write!(f, "; heard in all \"{}\"", self.heard.escape_ascii())
    }
}

/// Bytes of the client that had arrived when the peer was only about to speak.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Early {
    /// What the peer was about to say.
    pub before: Vec<u8>,
    /// What had arrived.
    pub bytes: Vec<u8>,
}

/// A place where the client strayed from the script.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Deviation {
    /// The client said something else.
    Unexpected {
        /// The step of the script, counted from 1.
        step: usize,
        /// What the script waited for.
        expected: String,
        /// What came instead.
        heard: Vec<u8>,
    },
    /// The client left.
    Left {
        /// The step of the script, counted from 1.
        step: usize,
        /// What the script waited for.
        expected: String,
        /// What of it had come, if anything.
        heard: Vec<u8>,
    },
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unexpected {
                step,
                expected,
                heard,
            } => {
                write!(
                    f,
                    "step {step}: expected {expected}, heard \"{}\"",
                    heard.escape_ascii()
                )
            }
            Self::Left {
                step,
                expected,
                heard,
            } if heard.is_empty() => {
                write!(f, "step {step}: expected {expected}, but the client left")
            }
            Self::Left {
                step,
                expected,
                heard,
            } => write!(
                f,
                "step {step}: expected {expected}, but the client left after \"{}\"",
                heard.escape_ascii()
            ),
        }
    }
}

/// How a conversation ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Ending {
    /// It has not: the connection is open.
    #[default]
    Open,
    /// The script was followed to its end.
    Completed,
    /// The client left while the script still had something to say or to hear.
    ClientLeft,
    /// The client said something else than the script expected.
    Deviated,
    /// TLS was begun and did not come about.
    HandshakeFailed,
    /// What goes wrong on purpose ended it: a [`Fault`](crate::Fault), or TLS ill done.
    Faulted,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "the connection is open",
            Self::Completed => "the script was followed to its end",
            Self::ClientLeft => "the client left",
            Self::Deviated => "the client strayed from the script",
            Self::HandshakeFailed => "the TLS handshake failed",
            Self::Faulted => "a fault ended the connection",
        })
    }
}

/// A TLS handshake, as the server saw it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Handshake {
    /// The name the client asked for (SNI).
    pub server_name: Option<String>,
    /// The application protocols the client offered, in its order.
    pub offered_alpn: Vec<Vec<u8>>,
    /// The cipher suites the client offered, in its order.
    pub offered_suites: Vec<CipherSuite>,
    /// The chain that the client showed, if it was asked and had one.
    pub client_certificates: Vec<CertificateDer<'static>>,
    /// What was agreed on, or why nothing was: here one sees which alert a client sends at a certificate it refuses.
    pub outcome: Result<Agreed, String>,
}

/// What the two sides of a handshake agreed on.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Agreed {
    /// The protocol version.
    pub version: ProtocolVersion,
    /// The cipher suite.
    pub suite: CipherSuite,
    /// The application protocol, if any (ALPN).
    pub alpn: Option<Vec<u8>>,
    /// Whether it was a full handshake or a session resumed.
    pub kind: HandshakeKind,
}

/// A conversation in the making, shared by the task that talks and the test that looks on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<Conversation>>);

impl Ledger {
    pub(crate) fn from(client: SocketAddr) -> Self {
        let ledger = Self::default();
        ledger.open().client = Some(client);
        ledger
    }

    pub(crate) fn snapshot(&self) -> Conversation {
        self.open().clone()
    }

    pub(crate) fn overhear(&self, bytes: &[u8]) {
        self.open().overheard.extend_from_slice(bytes);
    }

    pub(crate) fn hear(&self, bytes: &[u8]) {
        self.open().heard.extend_from_slice(bytes);
    }

    /// From here on what is heard came under TLS. The last `unread` bytes were part of the handshake, not speech.
    pub(crate) fn secure(&self, unread: usize) {
        let mut conversation = self.open();
        let clear = conversation.heard.len().saturating_sub(unread);
        conversation.heard.truncate(clear);
        conversation.clear = Some(clear);
    }

    pub(crate) fn say(&self, bytes: &[u8]) {
        let mut conversation = self.open();
        let room = SAID_KEPT
            .saturating_sub(conversation.said.len())
            .min(bytes.len());
        conversation.said.extend(bytes.iter().take(room));
    }

    pub(crate) fn early(&self, before: &[u8], bytes: &[u8]) {
        self.open().early.push(Early {
            before: before.to_vec(),
            bytes: bytes.to_vec(),
        });
    }

    pub(crate) fn shake_hands(&self, handshake: Handshake) {
        self.open().handshake = Some(handshake);
    }

    pub(crate) fn end(&self, ending: Ending, deviation: Option<Deviation>) {
        let mut conversation = self.open();
        conversation.ending = ending;
        conversation.deviations.extend(deviation);
    }

    /// A test that panics while it looks on must not hide the record from the others.
    fn open(&self) -> MutexGuard<'_, Conversation> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line without its CRLF or LF.
pub(crate) fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Where `needle` first begins in `hay`.
pub(crate) fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len().max(1))
        .position(|window| window == needle)
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    find(hay, needle).is_some()
}

/// The characters of `secret`'s Base64 that stay the same whatever stands around it, when it begins `offset` bytes
/// into a group of three.
fn base64_core(secret: &[u8], offset: usize) -> String {
    let mut padded = vec![0; offset];
    padded.extend_from_slice(secret);
    let first = (offset * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    let encoded = BASE64_STANDARD_NO_PAD.encode(padded);
    encoded.get(first..last).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_base64_wherever_it_stands() {
        for prefix in ["", "a", "ab", "abc"] {
            for suffix in ["", "x", "xy"] {
                let encoded =
                    base64::prelude::BASE64_STANDARD.encode(format!("{prefix}hunter2!{suffix}"));
                let ledger = Ledger::default();
                ledger.overhear(format!("AUTH PLAIN {encoded}\r\n").as_bytes());
                assert!(ledger.snapshot().leaks("hunter2!"), "{prefix:?} {suffix:?}");
                assert!(
                    !ledger.snapshot().leaks("hunter3?"),
                    "{prefix:?} {suffix:?}"
                );
            }
        }
    }

    #[test]
    fn a_deviation_reads_as_a_sentence() {
        let deviation = Deviation::Unexpected {
            step: 2,
            expected: "a line beginning \"EHLO\"".into(),
            heard: b"HELO x\r\n".to_vec(),
        };
        assert_eq!(
            deviation.to_string(),
            r#"step 2: expected a line beginning "EHLO", heard "HELO x\r\n""#
        );
    }

    #[test]
    fn lines_lose_their_ends_and_nothing_else() {
        let ledger = Ledger::default();
        ledger.hear(b"one\r\ntwo\n\r\n three");
        assert_eq!(ledger.snapshot().lines(), ["one", "two", "", " three"]);
    }
}
