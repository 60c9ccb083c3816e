//! Servers that say anything at all, for the fuzz target of the exchange.

use core::net::SocketAddr;
use core::time::Duration;

use tokio::time::Instant;

use super::datagram::{Kind, Manner, Question};
use super::desk::{Deed, Desk, Pace};

const QUESTIONS: u64 = 8;

/// Asks some questions of two servers, which say these bytes: a number and what follows it. Each question must come to
/// one end.
pub(crate) fn converse(data: &[u8]) {
    let servers: [SocketAddr; 2] = [([192, 0, 2, 1], 53).into(), ([192, 0, 2, 2], 53).into()];
    let Ok(name) = "1.2.0.192.bl.test".parse() else {
        return;
    };
    let question = Question::new(name, Kind::A);
    let mut desk = Desk::new(Pace::default());
    for tag in 0..QUESTIONS {
        desk.ask(tag, question.clone(), &servers, Manner::default());
    }
    let mut now = Instant::now();
    let mut done = [0; 8];
    let mut rest = data;
    // Longer than the patience of all.
    for _ in 0..100 {
        while let Some(deed) = desk.next(now) {
            match deed {
                Deed::Done(one) => {
                    let place = usize::try_from(one.tag).unwrap_or(usize::MAX);
                    if let Some(times) = done.get_mut(place) {
                        *times += 1;
                    }
                }
                Deed::Send {
                    lane,
                    socket,
                    bytes,
                    ..
                } => {
                    let said;
                    (said, rest) = next_words(rest, &bytes);
                    desk.heard(now, lane, socket, &said);
                }
                Deed::Stream { key, bytes, .. } => {
                    let said;
                    (said, rest) = next_words(rest, &bytes);
                    desk.streamed(now, key, &said);
                }
                Deed::Close { .. } => {}
            }
        }
        now += Duration::from_millis(100);
    }
    assert_eq!(done, [1; 8], "each question comes to its end once");
    assert!(desk.is_idle());
}

/// So many of the bytes, behind the question's own header and name or instead of them.
fn next_words<'a>(data: &'a [u8], question: &[u8]) -> (Vec<u8>, &'a [u8]) {
    let Some((number, rest)) = data.split_first() else {
        return (Vec::new(), data);
    };
    let length = usize::from(number & 63).min(rest.len());
    let (words, rest) = rest.split_at(length);
    match number & 64 {
        0 => (words.to_vec(), rest),
        _ => {
            // Up to the end of the question, which has no compression: the name that is asked for here has 23 octets.
            let mut said = question.get(..12 + 23).unwrap_or_default().to_vec();
            if let (Some(flags), Some(first)) = (said.get_mut(2..4), words.get(..2)) {
                flags.copy_from_slice(first);
            }
            said.extend_from_slice(words.get(2..).unwrap_or_default());
            (said, rest)
        }
    }
}
