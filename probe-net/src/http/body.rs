//! The body of a response: read within bounds, and inflated within the same.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use probe_core::{Failure, FailureKind};
use tokio::time::{Instant, timeout_at};

use super::{BODY, connection};
use crate::Log;

/// Reads until the end, the limit or the deadline.
pub(super) async fn read(
    mut body: Incoming,
    limit: usize,
    log: &mut Log,
) -> (Vec<u8>, Option<Failure>) {
    let begun = Instant::now();
    let until = log.limit(BODY, begun);
    let mut bytes = Vec::new();
    let failure = loop {
        let data = match timeout_at(until, body.frame()).await {
            Err(_) => break Some(Log::out_of_time(BODY, begun)),
            Ok(None) => break None,
            Ok(Some(Err(error))) => break Some(connection::failure(BODY, &error, log)),
            // Trailers say nothing that a probe would want to know.
            Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
        };
        let room = limit - bytes.len();
        bytes.extend(data.iter().take(room));
        if data.len() > room {
            break Some(too_large(limit));
        }
    };
    log.book(BODY, begun);
    (bytes, failure)
}

/// What was compressed (RFC 1952); as much as there is of it, where that is cut short.
pub(super) fn inflate(compressed: &[u8], limit: usize) -> (Vec<u8>, Option<Failure>) {
    let mut bytes = Vec::new();
    let ceiling = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let inflated = MultiGzDecoder::new(compressed)
        .take(ceiling)
        .read_to_end(&mut bytes);
    let failure = match inflated {
        Ok(_) if bytes.len() > limit => Some(too_large(limit)),
        Ok(_) => None,
        Err(error) => {
            let detail = format!("the compressed body is broken: {error}");
            Some(Failure::new(BODY, FailureKind::Protocol, detail))
        }
    };
    bytes.truncate(limit);
    (bytes, failure)
}

fn too_large(limit: usize) -> Failure {
    let detail = format!("the body is larger than {limit} octets");
    Failure::new(BODY, FailureKind::TooLarge, detail)
}
