//! `mailprobe web`.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use probe_core::{AnyProbe, HostName, Range, Target, Thresholds, Verdict};
use probe_net::http::{Redirects, Scheme, Url};
use web_probe::{Product, WebmailProbe};

use super::{Mistake, Surroundings};

#[derive(Args, Debug)]
pub(super) struct Web {
    /// The login page: a URL; https where no scheme is named
    #[arg(value_name = "URL", value_parser = page)]
    url: Url,
    /// Is critical where it is not the page of this webmail
    #[arg(long, value_name = "PRODUCT", value_parser = product(), ignore_case = true, help_heading = "Page")]
    expect: Option<Product>,
    /// Is critical where this text is not in the page's source
    #[arg(long, value_name = "TEXT", help_heading = "Page")]
    contains: Option<String>,
    /// Follows redirects to other hosts too
    #[arg(long, help_heading = "Page")]
    any_host: bool,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    surroundings: Surroundings,
}

/// What is the same for every question to a web server.
#[derive(Args, Debug)]
pub(super) struct Server {
    /// The name to ask for, in TLS and in the request: needed for probing by address
    #[arg(long, value_name = "NAME", help_heading = "TLS")]
    pub(super) server_name: Option<HostName>,
    /// Warns when a response begins after a time (in seconds) outside this range
    #[arg(
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        help_heading = "Time"
    )]
    first_byte_warning: Option<Range>,
    /// The same, critical
    #[arg(
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        help_heading = "Time"
    )]
    first_byte_critical: Option<Range>,
}

impl Server {
    pub(super) const fn first_byte(&self) -> Thresholds {
        Thresholds::new(self.first_byte_warning, self.first_byte_critical)
    }
}

impl Web {
    pub(super) fn run(&self) -> Result<Verdict, Mistake> {
        let scheme = match self.url.is_secure() {
            true => Scheme::Https,
            false => Scheme::Http,
        };
        let redirects = match self.any_host {
            true => Redirects::AnyHost,
            false => Redirects::SameHost,
        };
        let mut options = WebmailProbe::builder(self.surroundings.net()?)
            .scheme(scheme)
            .path(self.url.path_and_query())
            .redirects(redirects)
            .first_byte(self.server.first_byte());
        if let Some(product) = self.expect {
            options = options.expect(product);
        }
        if let Some(text) = &self.contains {
            options = options.contains(text);
        }
        if let Some(name) = &self.server.server_name {
            options = options.server_name(name.clone());
        }
        let probe = options.build().map_err(Mistake::new)?;
        let target = Target::host(self.url.host().clone(), self.url.port());
        self.surroundings.ask(&[target], &AnyProbe::new(probe))
    }
}

fn page(text: &str) -> Result<Url, String> {
    let url = match text.contains("://") {
        true => text.parse(),
        false => format!("https://{text}").parse(),
    };
    url.map_err(|error: probe_net::http::UrlError| error.to_string())
}

/// By name, so that shells can complete it.
fn product() -> impl TypedValueParser<Value = Product> {
    let names = Product::ALL.iter().map(|known| known.as_str());
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Product>())
}
