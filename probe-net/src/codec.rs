//! Bytes to replies, commands to bytes: the contract of a protocol's pure half, and what passes through
//! it. No I/O and no protocol live here.

use core::fmt;
use core::ops::Range;

use probe_core::{Finding, FindingKind, printable};
use zeroize::Zeroize;

/// One protocol's bytes, both ways.
///
/// A codec is pure and bounded, and *split-indifferent*: however the stream is cut, the same replies come
/// out. It may remember how far it has looked, so that a long reply in small pieces is not scanned again
/// from its start each time.
pub trait Codec {
    /// What we say.
    type Command;
    /// What we hear.
    type Reply;

    /// Appends one command.
    fn encode(&mut self, command: &Self::Command, out: &mut Outgoing);

    /// Looks for one whole frame at the start of `input`; after [`Decoded::Partial`] it is called again with
    /// the same bytes and more behind them.
    ///
    /// A frame that makes no sense is still a reply (its raw bytes kept), so that the stream goes on.
    ///
    /// # Errors
    /// Only where no frame can be found any more: a limit was crossed.
    fn decode(
        &mut self,
        input: &[u8],
        oddities: &mut Oddities,
    ) -> Result<Decoded<Self::Reply>, Malformed>;
}

/// What [`Codec::decode`] made of the bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "a frame is there or it is not")]
pub enum Decoded<R> {
    /// One frame: what it says, and how many bytes it took.
    Frame {
        /// The reply.
        reply: R,
        /// Its length on the wire, line ends included.
        used: usize,
    },
    /// The frame has not ended yet.
    Partial,
}

/// A stream in which no frame can be found any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{what} is larger than {limit}")]
#[non_exhaustive]
pub struct Malformed {
    /// What was too large: `"a line"`.
    pub what: &'static str,
    /// The limit it crossed, in what it counts.
    pub limit: usize,
}

impl Malformed {
    /// `what` crossed `limit`.
    pub const fn too_large(what: &'static str, limit: usize) -> Self {
        Self { what, limit }
    }
}

/// Commands on their way to the wire.
///
/// Whoever encodes a secret says so with [`Outgoing::put_secret`]: those bytes never reach a transcript,
/// and the driver lets them out only over a channel that may carry them.
#[derive(Default)]
pub struct Outgoing {
    bytes: Vec<u8>,
    secrets: Vec<Range<usize>>,
    proofs: Vec<Range<usize>>,
}

impl Outgoing {
    /// Appends bytes that anybody may see.
    pub fn put(&mut self, bytes: &[u8]) {
        self.make_room(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends bytes that nobody may see.
    pub fn put_secret(&mut self, bytes: &[u8]) {
        self.make_room(bytes.len());
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.secrets.push(start..self.bytes.len());
    }

    /// Appends bytes that only prove that a secret is known, such as a digest. Nobody may see them, but the server
    /// may have to repeat parts of them (the nonce of SCRAM), so repeated they are left as they are.
    pub fn put_proof(&mut self, bytes: &[u8]) {
        self.make_room(bytes.len());
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.proofs.push(start..self.bytes.len());
    }

    /// The bytes as they go to the wire, secrets included.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The secret ones among them.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &[u8]> {
        self.secrets
            .iter()
            .filter_map(|range| self.bytes.get(range.clone()))
    }

    /// Whether anything in it must not be seen.
    pub(crate) fn is_confidential(&self) -> bool {
        !self.secrets.is_empty() || !self.proofs.is_empty()
    }

    /// The bytes as they may be shown.
    pub(crate) fn redacted(&self) -> Vec<u8> {
        let mut shown = Vec::with_capacity(self.bytes.len());
        let mut from = 0;
        let mut hidden: Vec<_> = self.secrets.iter().chain(&self.proofs).collect();
        hidden.sort_by_key(|range| range.start);
        for secret in hidden {
            shown.extend_from_slice(self.bytes.get(from..secret.start).unwrap_or_default());
            shown.extend_from_slice(b"[redacted]");
            from = secret.end;
        }
        shown.extend_from_slice(self.bytes.get(from..).unwrap_or_default());
        shown
    }

    /// Grows by hand: when `Vec` grows by itself it frees its old memory without wiping it.
    fn make_room(&mut self, more: usize) {
        let needed = self.bytes.len().saturating_add(more);
        if needed > self.bytes.capacity() {
            let mut roomier = Vec::with_capacity(needed.next_power_of_two().max(128));
            roomier.extend_from_slice(&self.bytes);
            self.bytes.zeroize();
            self.bytes = roomier;
        }
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Outgoing")
            .field(&printable(&self.redacted()))
            .finish()
    }
}

/// Deviations of a peer that were tolerated: each becomes one finding, with the first evidence and a count.
#[derive(Clone, Debug, Default)]
pub struct Oddities {
    seen: Vec<Oddity>,
}

#[derive(Clone, Debug)]
struct Oddity {
    kind: &'static FindingKind,
    evidence: String,
    times: usize,
}

impl Oddities {
    /// The most bytes of evidence that one finding carries.
    pub const EVIDENCE: usize = 300;

    /// Notes one. Of several of a kind the first is kept and the others are counted.
    pub fn note(&mut self, kind: &'static FindingKind, evidence: &[u8]) {
        if let Some(known) = self.seen.iter_mut().find(|known| known.kind == kind) {
            known.times = known.times.saturating_add(1);
            return;
        }
        self.seen.push(Oddity {
            kind,
            evidence: excerpt(evidence),
            times: 1,
        });
    }

    /// Whether one of this kind was seen.
    pub fn has(&self, kind: &'static FindingKind) -> bool {
        self.seen.iter().any(|known| known.kind == kind)
    }

    /// The findings they make.
    pub fn findings(&self) -> impl Iterator<Item = Finding> {
        self.seen.iter().map(|oddity| match oddity.times {
            1 => oddity.kind.found(oddity.evidence.clone()),
            times => oddity
                .kind
                .found(format!("{} ({times} times)", oddity.evidence)),
        })
    }
}

/// The beginning of what a peer said on one line, fit to be shown.
pub fn excerpt(bytes: &[u8]) -> String {
    let bytes = bytes.trim_ascii();
    let (start, ellipsis) = match bytes.get(..Oddities::EVIDENCE) {
        Some(start) if bytes.len() > Oddities::EVIDENCE => (start, "…"),
        _ => (bytes, ""),
    };
    let lines = start
        .split(|byte| *byte == b'\n')
        .map(|line| printable(line.trim_ascii()));
    lines.collect::<Vec<_>>().join("; ") + ellipsis
}

#[cfg(test)]
mod tests {
    use super::*;
    use probe_core::Severity;

    static ODD: FindingKind = FindingKind::new("test.odd", Severity::Info, "odd", "");

    #[test]
    fn a_secret_is_on_the_wire_and_nowhere_else() {
        let mut out = Outgoing::default();
        out.put(b"AUTH PLAIN ");
        out.put_secret(b"c2VjcmV0");
        out.put(b"\r\n");
        assert_eq!(out.bytes(), b"AUTH PLAIN c2VjcmV0\r\n");
        assert_eq!(out.redacted(), b"AUTH PLAIN [redacted]\r\n");
        assert_eq!(
            format!("{out:?}"),
            r#"Outgoing("AUTH PLAIN [redacted]\\u{d}\\u{a}")"#
        );
        assert_eq!(out.secrets().collect::<Vec<_>>(), [b"c2VjcmV0"]);
    }

    #[test]
    fn the_same_oddity_is_one_finding_with_a_count() {
        let mut oddities = Oddities::default();
        oddities.note(&ODD, b"first\r\n");
        oddities.note(&ODD, b"second");
        let evidence: Vec<_> = oddities.findings().map(|found| found.evidence).collect();
        assert_eq!(evidence, ["first (2 times)"]);
    }
}
