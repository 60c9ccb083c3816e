//! HTTP as a probe needs it: over our own dialling and TLS, with a span for each phase, within bounds, and with the gate
//! that secrets must pass. It stands on hyper; what a page means is the caller's.
//!
//! A [`Client`] follows no redirect unless it is told to, sends nothing secret to another origin than the one that the
//! request names, and gives what it has heard also where the rest did not come.
//!
//! ```
//! use probe_core::{Context, Failure};
//! use probe_net::http::{Client, Request, Url};
//! use probe_net::{Log, Net};
//!
//! # async fn ask(net: Net, url: Url) -> Result<(), Failure> {
//! let mut client = Client::new(net);
//! let mut log = Log::begin(&Context::default());
//! let response = client.send(&Request::get(url), &mut log).await?;
//! println!("{} {}", response.status, response.url);
//! for span in log.spans() {
//!     println!("{} took {:?}", span.phase, span.duration); // resolve, connect, tls, first-byte, body
//! }
//! # Ok(())
//! # }
//! ```

mod body;
mod challenge;
mod client;
mod connection;
mod cookies;
mod date;
mod request;
mod response;
mod url;

pub use challenge::Challenge;
pub use client::{Client, Redirects};
#[cfg(feature = "dns")]
pub(crate) use connection::{Connection, Protocols};
pub use request::{Method, Request, RequestError};
pub use response::{Redirect, Response, Version};
pub use url::{Scheme, Url, UrlError};

use probe_core::Phase;

/// The body of a response, from the first byte behind its head to the last.
pub const BODY: Phase = Phase::new("body");
/// From the request to the head of its response.
pub const FIRST_BYTE: Phase = Phase::new("first-byte");

/// The body of a fuzz target, which looks at what is private here.
#[cfg(all(feature = "dns", feature = "message", any(test, feature = "fuzzing")))]
pub(crate) fn fuzz(data: &[u8]) {
    use std::time::{Duration, SystemTime};

    use hyper::header::HeaderValue;

    let challenges = Challenge::parse(data);
    assert!(challenges.len() <= Challenge::MOST);
    for challenge in challenges {
        assert!(challenge.parameters.len() <= Challenge::PARAMETERS);
    }
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_521_600);
    let wait = date::retry_after(data, now).unwrap_or_default();
    assert!(wait <= date::LONGEST_WAIT);
    let (Ok(here), Ok(there), Ok(header)) = (
        "https://a.example/b/c".parse::<Url>(),
        "https://b.example/b/c".parse::<Url>(),
        HeaderValue::from_bytes(data),
    ) else {
        return;
    };
    let mut jar = cookies::Jar::default();
    jar.keep(&here, &[header], now);
    assert!(jar.for_url(&here).len() <= 1 && jar.for_url(&there).is_empty());
    assert!(!cookies::masked(data).is_empty());
}
