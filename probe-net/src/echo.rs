//! What a server repeats of a secret is overwritten before anybody reads it. Servers do repeat: "unknown
//! command: AUTH PLAIN AGFs…".

use zeroize::Zeroizing;

/// The secrets that were said, in the forms in which a server could repeat them.
#[derive(Default)]
pub(crate) struct Echoes {
    /// Found as a whole, in any case of letters.
    whole: Vec<Zeroizing<Vec<u8>>>,
    /// Pieces of base64, in lower case and sorted: found also where only a part is repeated.
    pieces: Zeroizing<Vec<[u8; Self::PIECE]>>,
    /// The end of what was heard, as it was: an echo may come in several reads.
    heard: Zeroizing<Vec<u8>>,
}

impl Echoes {
    /// So much of a base64 text stands there by chance once in 2^40 times.
    const PIECE: usize = 8;
    /// A shorter secret would be found by chance.
    const SHORTEST: usize = 6;

    /// Remembers what was said.
    pub(crate) fn learn(&mut self, said: &[u8]) {
        let message = decoded(said);
        let secret = message
            .as_deref()
            .map_or(said, |message| last_part(message));
        if secret.len() >= Self::SHORTEST {
            self.whole.push(Zeroizing::new(secret.to_ascii_lowercase()));
        }
        let mut texts = encodings(secret);
        if message.is_some() {
            texts.push(Zeroizing::new(said.to_vec()));
        }
        self.learn_pieces(&texts);
    }

    fn learn_pieces(&mut self, texts: &[Zeroizing<Vec<u8>>]) {
        let more: usize = texts.iter().map(|text| text.len()).sum();
        // Not grown in place: what a vector leaves behind when it grows is not wiped.
        let mut pieces = Zeroizing::new(Vec::with_capacity(self.pieces.len() + more));
        pieces.extend(self.pieces.iter().copied());
        for text in texts {
            pieces.extend(text.windows(Self::PIECE).filter_map(lowered));
        }
        pieces.sort_unstable();
        pieces.dedup();
        self.pieces = pieces;
    }

    /// How much is heard again with what comes next.
    pub(crate) fn before(&self) -> usize {
        self.heard.len()
    }

    /// Overwrites each echo that ends among the last `new` of these bytes. The length stays, so nothing else is
    /// read otherwise.
    pub(crate) fn hide(&mut self, bytes: &mut [u8], new: usize) {
        if self.whole.is_empty() && self.pieces.is_empty() {
            return;
        }
        let from = bytes.len().saturating_sub(new);
        let mut heard = Zeroizing::new(Vec::with_capacity(self.heard.len() + new));
        heard.extend_from_slice(&self.heard);
        heard.extend_from_slice(bytes.get(from..).unwrap_or_default());
        for (at, length) in self.found_in(&heard) {
            // Counted from the end, where both are in step: the older part may be consumed already.
            let end = heard.len() - at;
            let start = bytes.len().saturating_sub(end);
            let stop = bytes.len().saturating_sub(end.saturating_sub(length));
            bytes
                .iter_mut()
                .take(stop)
                .skip(start)
                .for_each(|byte| *byte = b'*');
        }
        let kept = heard.len().saturating_sub(self.reach());
        self.heard = Zeroizing::new(heard.get(kept..).unwrap_or_default().to_vec());
    }

    fn found_in(&self, heard: &[u8]) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        for secret in &self.whole {
            let windows = heard.windows(secret.len()).enumerate();
            let same = windows.filter(|(_, seen)| seen.eq_ignore_ascii_case(secret));
            found.extend(same.map(|(at, _)| (at, secret.len())));
        }
        for (at, seen) in heard.windows(Self::PIECE).enumerate() {
            if lowered(seen).is_some_and(|piece| self.pieces.binary_search(&piece).is_ok()) {
                found.push((at, Self::PIECE));
            }
        }
        found
    }

    fn reach(&self) -> usize {
        let whole = self.whole.iter().map(|secret| secret.len()).max();
        whole.unwrap_or_default().max(Self::PIECE)
    }
}

fn lowered(piece: &[u8]) -> Option<[u8; Echoes::PIECE]> {
    let mut piece: [u8; Echoes::PIECE] = piece.try_into().ok()?;
    piece.make_ascii_lowercase();
    Some(piece)
}

/// The password or token of a SASL message: RFC 4616 puts NUL before it, RFC 7628 U+0001 around it.
fn last_part(message: &[u8]) -> &[u8] {
    let mut parts = message.split(|byte| matches!(byte, 0 | 1));
    let last = parts.rfind(|part| !part.is_empty()).unwrap_or_default();
    last.strip_prefix(b"auth=Bearer ").unwrap_or(last)
}

#[cfg(feature = "sasl")]
fn decoded(said: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    crate::sasl::from_base64(said).map(Zeroizing::new)
}

#[cfg(not(feature = "sasl"))]
fn decoded(_: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    None
}

/// The secret in base64 as it stands inside a longer message: behind 0, 1 or 2 other bytes, without the
/// characters that it shares with its neighbours.
#[cfg(feature = "sasl")]
fn encodings(secret: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    use probe_core::Secret;
    let behind = |others: usize| {
        let mut message = vec![0; others];
        message.extend_from_slice(secret);
        let text = crate::sasl::to_base64(&Secret::new(message));
        let text = text.expose();
        let own = text.get((others * 8).div_ceil(6)..).unwrap_or_default();
        let end = own
            .iter()
            .rposition(|byte| *byte != b'=')
            .unwrap_or_default();
        Zeroizing::new(own.get(..end).unwrap_or_default().to_vec())
    };
    let alone = crate::sasl::to_base64(&Secret::new(secret));
    let alone = Zeroizing::new(alone.expose().to_vec());
    (0..3).map(behind).chain([alone]).collect()
}

#[cfg(not(feature = "sasl"))]
fn encodings(_: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    Vec::new()
}

#[cfg(test)]
#[cfg(feature = "sasl")]
mod tests {
    use super::*;

    /// What is left of an echo after PLAIN with this message was said.
    fn heard(echo: &str) -> String {
        let mut echoes = Echoes::default();
        echoes.learn(b"AGFsaWNlAHdvbmRlcmxhbmQ="); // NUL alice NUL wonderland
        let mut bytes = echo.as_bytes().to_vec();
        let new = bytes.len();
        echoes.hide(&mut bytes, new);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_message_is_hidden_whole_in_part_and_in_capitals() {
        assert_eq!(
            heard("500 AGFsaWNlAHdvbmRlcmxhbmQ= what"),
            "500 ************************ what"
        );
        assert_eq!(heard("500 AGFsaWNlAHdvbmRl"), "500 ****************");
        assert_eq!(
            heard("500 AGFSAWNLAHDVBMRLCMXHBMQ"),
            "500 ***********************"
        );
    }

    #[test]
    fn the_password_is_hidden_in_clear_and_in_base64_of_its_own() {
        assert_eq!(
            heard("535 no Wonderland for alice"),
            "535 no ********** for alice"
        );
        assert_eq!(heard("334 d29uZGVybGFuZA== x"), "334 **************** x");
        // {"pass":"wonderland"} in base64
        let hidden = heard("334 eyJwYXNzIjoid29uZGVybGFuZCJ9");
        assert!(!hidden.contains("29uZGVyb"), "{hidden}");
    }

    #[test]
    fn an_echo_in_pieces_is_hidden_whole() {
        let mut echoes = Echoes::default();
        echoes.learn(b"AGFsaWNlAHdvbmRlcmxhbmQ=");
        let mut stream = Vec::new();
        for byte in b"500 AGFsaWNlAHdvbmRlcmxhbmQ no" {
            stream.push(*byte);
            echoes.hide(&mut stream, 1);
        }
        assert_eq!(stream, b"500 *********************** no");
    }

    #[test]
    fn what_only_looks_a_little_like_it_stays() {
        assert_eq!(heard("250 AGFsaWN wonder land"), "250 AGFsaWN wonder land");
    }

    #[test]
    fn a_secret_of_stars_is_no_trap() {
        let mut echoes = Echoes::default();
        echoes.learn(b"********");
        let mut bytes = b"250 ****************".to_vec();
        let new = bytes.len();
        echoes.hide(&mut bytes, new);
        assert_eq!(bytes, b"250 ****************");
    }
}
