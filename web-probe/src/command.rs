//! What we say: a request as a browser makes it, for applications look at that.

use probe_net::http::{Request, RequestError, Url};

/// SOGo shows no login form to whoever does not begin so; the name in it is ours all the same.
const USER_AGENT: &str = concat!(
    "Mozilla/5.0 (compatible; mailprobe/",
    env!("CARGO_PKG_VERSION"),
    ")"
);

/// Asks for a page that people read.
pub(crate) fn page(url: Url) -> Result<Request, RequestError> {
    let request = Request::get(url).taking_gzip();
    let request = request.with_header("user-agent", USER_AGENT)?;
    let request = request.with_header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")?;
    request.with_header("accept-language", "en,*;q=0.5")
}
