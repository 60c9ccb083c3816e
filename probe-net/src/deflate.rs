//! Raw deflate both ways (RFC 1951), as IMAP's COMPRESS puts it between dialogue and connection (RFC 4978). Bytes
//! in, bytes out: reading and writing is the wire's.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use zeroize::Zeroizing;

use crate::wire::Buffer;

/// Both directions of one compressed connection.
pub(crate) struct Deflate {
    compress: Compress,
    decompress: Decompress,
    /// Read, and not inflated yet.
    came: Buffer,
    inflated: Inflated,
    /// Why nothing more is inflated.
    end: Option<End>,
    /// How much was read since something came out.
    barren: usize,
}

/// What [`Deflate::inflate`] came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Pull {
    /// So many bytes.
    Bytes(usize),
    /// Nothing before more has come.
    Hungry,
    /// Nothing any more.
    End(End),
}

/// How a compressed stream ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// It is no deflate.
    Broken,
    /// It had its last block. What stands behind it is not read, however it comes.
    Over,
}

impl Deflate {
    /// The most that is read ahead of what is inflated.
    const AHEAD: usize = 4096;
    /// The most that may come without a byte in it, give or take what is read at once. A block's header has less
    /// than 400; empty blocks may follow each other for ever.
    const BARREN: usize = 64 * 1024;

    /// Begins both streams. `waiting` came already and is the beginning of the server's.
    pub(crate) fn begin(waiting: Buffer) -> Self {
        Self {
            compress: Compress::new(Compression::default(), false),
            decompress: Decompress::new(false),
            came: waiting,
            inflated: Inflated::default(),
            end: None,
            barren: 0,
        }
    }

    /// What goes to the server for these bytes, in a form that it can read at once.
    pub(crate) fn deflate(&mut self, bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unwritable> {
        let start = self.compress.total_in();
        // More than the worst of cases, so that it does not grow: what a vector leaves behind then is not wiped.
        let mut out = Zeroizing::new(Vec::with_capacity(bytes.len() + bytes.len() / 8 + 128));
        loop {
            let taken = since(start, self.compress.total_in());
            let rest = bytes.get(taken..).unwrap_or_default();
            let before = out.len();
            self.compress
                .compress_vec(rest, &mut out, FlushCompress::Sync)
                .map_err(|_| Unwritable)?;
            let is_taken = since(start, self.compress.total_in()) == bytes.len();
            if is_taken && out.len() < out.capacity() {
                return Ok(out);
            }
            if !is_taken && out.len() == before && out.len() < out.capacity() {
                return Err(Unwritable);
            }
            out.reserve(128);
        }
    }

    /// Puts what has been inflated into `room`, and inflates no more than that needs: what a few bytes swell to
    /// (a thousand times as much) waits inside them.
    pub(crate) fn inflate(&mut self, room: &mut [u8]) -> Pull {
        while self.inflated.is_empty() && self.end.is_none() {
            if !self.step() {
                return Pull::Hungry;
            }
        }
        match self.end {
            Some(end) if self.inflated.is_empty() => Pull::End(end),
            _ => Pull::Bytes(self.inflated.take(room)),
        }
    }

    /// Where to read to when it is hungry.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        self.came.room(Self::AHEAD).unwrap_or_default()
    }

    /// So much was read into the room.
    pub(crate) fn filled(&mut self, more: usize) {
        self.came.filled(more);
    }

    /// Inflates once; says whether anything changed.
    fn step(&mut self) -> bool {
        let input = self.came.unread();
        let (read, made) = (self.decompress.total_in(), self.decompress.total_out());
        let output = self.inflated.room(made);
        let outcome = self
            .decompress
            .decompress(input, output, FlushDecompress::None);
        let used = since(read, self.decompress.total_in());
        let made = since(made, self.decompress.total_out());
        self.inflated.filled(made);
        self.came.consume(used);
        self.barren = if made > 0 { 0 } else { self.barren + used };
        self.end = match outcome {
            Err(_) => Some(End::Broken),
            Ok(Status::StreamEnd) => Some(End::Over),
            Ok(_) if self.barren > Self::BARREN => Some(End::Broken),
            Ok(_) if used == 0 && made == 0 && !self.came.unread().is_empty() => Some(End::Broken),
            Ok(_) => None,
        };
        self.end.is_some() || used > 0 || made > 0
    }
}

/// The library cannot deflate; it has no reason to.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("nothing could be compressed")]
pub(crate) struct Unwritable;

/// What was inflated and not taken yet.
struct Inflated {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Inflated {
    /// No reference goes further back (RFC 1951 section 2).
    const WINDOW: usize = 32 * 1024;

    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Room for what comes next after `made` bytes of the stream.
    ///
    /// The library inflates into a ring of one window, hands out what there is room for, and at a broken place only
    /// says so, whatever it still holds of what came before. With room up to the end of its ring it holds nothing,
    /// so a reply before a broken place is heard, however the stream is cut.
    fn room(&mut self, made: u64) -> &mut [u8] {
        let window = u64::try_from(Self::WINDOW).unwrap_or(u64::MAX);
        let into_ring = usize::try_from(made % window).unwrap_or_default();
        self.bytes
            .get_mut(..Self::WINDOW.saturating_sub(into_ring))
            .unwrap_or_default()
    }

    fn filled(&mut self, more: usize) {
        self.start = 0;
        self.end = more.min(self.bytes.len());
    }

    fn take(&mut self, room: &mut [u8]) -> usize {
        let ready = self.bytes.get(self.start..self.end).unwrap_or_default();
        let taken = ready.len().min(room.len());
        for (to, from) in room.iter_mut().zip(ready) {
            *to = *from;
        }
        self.start += taken;
        taken
    }
}

impl Default for Inflated {
    fn default() -> Self {
        Self {
            bytes: vec![0; Self::WINDOW].into_boxed_slice(),
            start: 0,
            end: 0,
        }
    }
}

fn since(before: u64, now: u64) -> usize {
    usize::try_from(now.saturating_sub(before)).unwrap_or(usize::MAX)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "these are tests")]
mod tests {
    use super::*;

    /// What the one end makes of what the other deflated, given so little room at a time.
    fn through(said: &[&[u8]], size: usize) -> Vec<u8> {
        let mut ours = Deflate::begin(Buffer::default());
        let mut theirs = Deflate::begin(Buffer::default());
        let mut heard = Vec::new();
        for bytes in said {
            let compressed = ours.deflate(bytes).unwrap();
            for piece in compressed.chunks(1000) {
                theirs.room()[..piece.len()].copy_from_slice(piece);
                theirs.filled(piece.len());
                let mut room = vec![0; size];
                while let Pull::Bytes(more) = theirs.inflate(&mut room) {
                    heard.extend_from_slice(&room[..more]);
                }
            }
        }
        heard
    }

    /// Bytes in which there is nothing to compress.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            state.to_be_bytes()[0]
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn what_was_deflated_is_inflated_to_the_same_whatever_it_is() {
        let noise = noise(200_000);
        let zeros = vec![0; 200_000];
        for size in [7, 4096, 100_000] {
            assert!(
                through(&[&noise, &zeros, b"", b"x", &noise], size)
                    == [noise.as_slice(), &zeros, b"x", &noise].concat()
            );
        }
    }

    #[test]
    fn what_is_deflated_never_outgrows_the_memory_that_is_wiped() {
        for length in [0, 1, 100, 40_000, 200_000] {
            let bytes = noise(length);
            let deflated = Deflate::begin(Buffer::default()).deflate(&bytes).unwrap();
            assert!(deflated.len() <= length + length / 8 + 127, "{length}");
        }
    }

    #[test]
    fn blocks_without_a_byte_in_them_are_borne_up_to_a_limit_and_no_further() {
        let mut theirs = Deflate::begin(Buffer::default());
        let mut room = [0];
        // An empty stored block, again and again.
        let stream = [0, 0, 0, 0xff, 0xff].repeat(Deflate::BARREN);
        for byte in &stream[..Deflate::BARREN] {
            theirs.room()[0] = *byte;
            theirs.filled(1);
            assert_eq!(theirs.inflate(&mut room), Pull::Hungry);
        }
        theirs.room()[0] = stream[Deflate::BARREN];
        theirs.filled(1);
        assert_eq!(theirs.inflate(&mut room), Pull::End(End::Broken));
    }
}
