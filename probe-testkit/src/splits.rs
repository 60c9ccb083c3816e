//! Ways to cut a stream of bytes, for the law that a decoder must not care where a read ends. Only the cutting; to cut
//! what a peer says on a real stream, see `Script::in_pieces`.

/// The ways to cut `bytes` that find most mistakes: not at all, in two at every single point, every byte alone, and
/// into pieces of 2, 3 and 7 bytes.
///
/// The pieces of each way, put together, are `bytes` again; none is empty.
///
/// ```
/// for pieces in probe_testkit::splits(b"250 OK\r\n") {
///     let mut decoded = String::new();
///     for piece in &pieces {
///         decoded.push_str(std::str::from_utf8(piece).unwrap());
///     }
///     assert_eq!(decoded, "250 OK\r\n", "{pieces:?}");
/// }
/// ```
pub fn splits(bytes: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    let in_two = (1..bytes.len()).map(|at| cut(bytes, &[at]));
    let in_many = [1, 2, 3, 7]
        .into_iter()
        .map(|size| bytes.chunks(size).collect());
    std::iter::once(cut(bytes, &[]))
        .chain(in_two)
        .chain(in_many)
}

/// Cuts `bytes` into pieces of these sizes, one after the other, and what is left over into a last piece.
///
/// Sizes of zero and sizes beyond the end are passed over, so that a property test may take any list of numbers.
///
/// ```
/// assert_eq!(
///     probe_testkit::cut(b"220 ready\r\n", &[3, 0, 6, 1]),
///     [&b"220"[..], b" ready", b"\r", b"\n"],
/// );
/// ```
pub fn cut<'b>(bytes: &'b [u8], sizes: &[usize]) -> Vec<&'b [u8]> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    for &size in sizes {
        if let Some((piece, left)) = rest.split_at_checked(size)
            && !piece.is_empty()
        {
            pieces.push(piece);
            rest = left;
        }
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// Cuts `bytes` at random into pieces of 1 to 16 bytes, the same way each time for the same `seed`.
///
/// ```
/// let pieces = probe_testkit::cut_at_random(b"* OK IMAP4rev1 ready\r\n", 7);
/// assert_eq!(pieces.concat(), b"* OK IMAP4rev1 ready\r\n");
/// assert_eq!(pieces, probe_testkit::cut_at_random(b"* OK IMAP4rev1 ready\r\n", 7));
/// ```
pub fn cut_at_random(bytes: &[u8], seed: u64) -> Vec<&[u8]> {
    let mut state = seed;
    let mut pieces = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let [random, ..] = split_mix(&mut state).to_be_bytes();
        let size = usize::from(random % 16) + 1;
        let (piece, left) = rest.split_at_checked(size).unwrap_or((rest, &[]));
        pieces.push(piece);
        rest = left;
    }
    pieces
}

/// SplitMix64 (Steele, Lea and Flood, 2014): small, and the same on every machine.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_split_gives_the_bytes_again_without_empty_pieces() {
        let bytes = b"abcdefghij";
        let ways: Vec<_> = splits(bytes).collect();
        assert_eq!(ways.len(), 1 + 9 + 4);
        for pieces in ways {
            assert_eq!(pieces.concat(), bytes);
            assert!(pieces.iter().all(|piece| !piece.is_empty()));
        }
    }

    #[test]
    fn nothing_splits_into_nothing() {
        assert!(splits(b"").all(|pieces| pieces.is_empty()));
        assert!(cut_at_random(b"", 1).is_empty());
    }

    #[test]
    fn sizes_beyond_the_end_are_passed_over() {
        assert_eq!(cut(b"abc", &[usize::MAX, 2, 5]), [&b"ab"[..], b"c"]);
    }

    #[test]
    fn different_seeds_cut_differently() {
        let bytes = [b'x'; 200];
        assert_ne!(cut_at_random(&bytes, 1), cut_at_random(&bytes, 2));
    }
}
