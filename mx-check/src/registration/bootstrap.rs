//! Which RDAP service answers for a domain: the bootstrap file of RFC 9224.

use core::fmt;
use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use probe_core::{Failure, HostName};
use probe_net::http::{Client, Redirects, Request, Url};
use probe_net::{Log, Net};
use serde_json::Value;

use super::date::rfc3339;

/// The RDAP services of registries, by the ends of the names that they answer for (RFC 9224 section 4).
///
/// The crate carries a copy of IANA's, so that it works without asking anybody for it; a newer one is at
/// [`Bootstrap::IANA`].
#[derive(Clone, Default)]
pub struct Bootstrap {
    published: Option<SystemTime>,
    services: HashMap<String, Arc<[Url]>>,
}

impl Bootstrap {
    /// Where IANA publishes it.
    pub const IANA: &str = "https://data.iana.org/rdap/dns.json";
    /// The most octets of a file. IANA's has a tenth of it.
    pub const LIMIT: usize = 1024 * 1024;
    /// The most ends of names that are read.
    pub const ENTRIES: usize = 16 * 1024;
    /// The most addresses of one service.
    const ADDRESSES: usize = 8;

    /// The one that the crate carries: see `data/README.md`.
    pub fn builtin() -> Arc<Self> {
        static BUILTIN: LazyLock<Arc<Bootstrap>> = LazyLock::new(|| {
            // A test reads it; if it were broken, WHOIS would still be asked.
            Arc::new(Bootstrap::parse(include_str!("../../data/dns.json")).unwrap_or_default())
        });
        BUILTIN.clone()
    }

    /// Reads such a file.
    ///
    /// # Errors
    /// It cannot be read, or it is none.
    pub fn load(path: &Path) -> Result<Self, BootstrapError> {
        let file = std::fs::File::open(path);
        let file = file.map_err(|error| BootstrapError::File(error.to_string()))?;
        let ceiling = u64::try_from(Self::LIMIT).unwrap_or(u64::MAX);
        let mut text = String::new();
        let read = file
            .take(ceiling.saturating_add(1))
            .read_to_string(&mut text);
        read.map_err(|error| BootstrapError::File(error.to_string()))?;
        Self::parse(&text)
    }

    /// Fetches such a file; whoever serves it must prove who they are.
    ///
    /// # Errors
    /// It does not come, or it is none.
    pub async fn fetch(net: Net, url: &Url, log: &mut Log) -> Result<Self, BootstrapError> {
        let client = Client::new(net).following(Redirects::SameHost);
        let mut client = client.with_body_limit(Self::LIMIT);
        let why = |failure: Failure| BootstrapError::File(failure.to_string());
        let response = client.send(&Request::get(url.clone()), log).await;
        let response = response.map_err(why)?;
        let is_proved = response.tls.as_ref().is_some_and(|tls| tls.is_verified());
        match (is_proved, response.status) {
            (false, _) => Err(BootstrapError::Unproved),
            (true, 200) => Self::parse(&String::from_utf8_lossy(response.whole().map_err(why)?)),
            (true, status) => Err(BootstrapError::File(format!("status {status}"))),
        }
    }

    /// Reads the text of such a file. A service that cannot be dialled is passed over.
    ///
    /// # Errors
    /// It is no such file.
    pub fn parse(text: &str) -> Result<Self, BootstrapError> {
        if text.len() > Self::LIMIT {
            return Err(BootstrapError::Large);
        }
        let file: Value = serde_json::from_str(text)
            .map_err(|error| BootstrapError::Syntax(error.to_string()))?;
        let services = file.get("services").and_then(Value::as_array);
        let mut read = Self {
            published: file
                .get("publication")
                .and_then(Value::as_str)
                .and_then(rfc3339),
            services: HashMap::new(),
        };
        for service in services.ok_or(BootstrapError::NoServices)? {
            read.add(service)?;
        }
        Ok(read)
    }

    fn add(&mut self, service: &Value) -> Result<(), BootstrapError> {
        let texts = |at: usize| {
            let texts = service.get(at).and_then(Value::as_array);
            texts.into_iter().flatten().filter_map(Value::as_str)
        };
        let mut urls: Vec<_> = texts(1).take(Self::ADDRESSES).filter_map(base).collect();
        // The order is the file's, but what can be believed comes first (RFC 9224 section 3).
        urls.sort_by_key(|url| !url.is_secure());
        if urls.is_empty() {
            return Ok(());
        }
        let urls: Arc<[Url]> = urls.into();
        for end in texts(0) {
            if self.services.len() >= Self::ENTRIES {
                return Err(BootstrapError::Large);
            }
            let end = end.trim_matches('.').to_ascii_lowercase();
            self.services.insert(end, urls.clone());
        }
        Ok(())
    }

    /// When it was published.
    pub fn published(&self) -> Option<SystemTime> {
        self.published
    }

    /// The bases of the service for this name, `https` first; none where there is no service. Of several ends of the
    /// name the one with the most labels counts (RFC 9224 section 4).
    pub fn services(&self, domain: &HostName) -> &[Url] {
        let mut rest = Some(domain.as_str());
        while let Some(end) = rest {
            if let Some(urls) = self.services.get(end) {
                return urls;
            }
            rest = end.split_once('.').map(|(_, rest)| rest);
        }
        &[]
    }
}

/// Without its hundreds of services.
impl fmt::Debug for Bootstrap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bootstrap")
            .field("published", &self.published)
            .field("services", &self.services.len())
            .finish()
    }
}

/// The base of a service, with the slash at its end that a reference needs.
pub(super) fn base(text: &str) -> Option<Url> {
    match text.ends_with('/') {
        true => text.parse().ok(),
        false => format!("{text}/").parse().ok(),
    }
}

/// Why something is no bootstrap file.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BootstrapError {
    /// It cannot be read.
    #[error("the bootstrap file cannot be read: {0}")]
    File(String),
    /// There is more than there are top-level domains.
    #[error("the bootstrap file is larger than any honest one")]
    Large,
    /// It is another file.
    #[error("the bootstrap file has no services (RFC 9224 section 3)")]
    NoServices,
    /// It is no JSON.
    #[error("the bootstrap file is no JSON: {0}")]
    Syntax(String),
    /// It could be anybody's.
    #[error("the bootstrap file came from somebody who did not prove who they are")]
    Unproved,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn services(bootstrap: &Bootstrap, domain: &str) -> Vec<String> {
        let found = bootstrap.services(&domain.parse().unwrap());
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_file_that_the_crate_carries_is_read_whole() {
        let bootstrap = Bootstrap::parse(include_str!("../../data/dns.json")).unwrap();
        assert_eq!(bootstrap.services.len(), 1200);
        assert_eq!(bootstrap.published(), rfc3339("2026-07-23T02:00:03Z"));
        for (domain, base) in [
            ("example.com", "https://rdap.verisign.com/com/v1/"),
            (
                "example.org",
                "https://rdap.publicinterestregistry.org/rdap/",
            ),
            ("example.fi", "https://rdap.fi/rdap/rdap/"),
            ("example.xn--kpry57d", "https://ccrdap.twnic.tw/taiwan/"),
            ("example.kg", "http://rdap.cctld.kg/"),
        ] {
            assert_eq!(services(&bootstrap, domain), [base]);
        }
        for silent in ["example.de", "example.it", "example.eu", "example.invalid"] {
            assert!(services(&bootstrap, silent).is_empty(), "{silent}");
        }
    }

    #[test]
    fn the_longest_end_of_a_name_counts_and_https_comes_first() {
        let bootstrap = Bootstrap::parse(
            r#"{"version": "1.0", "services": [
                [["uk", "JP"], ["https://rdap.uk.example/"]],
                [["co.uk"], ["http://rdap.co.uk.example", "https://rdap.co.uk.example"]],
                [["ftp"], ["ftp://rdap.example/"]],
                "nonsense", [[1, null], [2]]
            ]}"#,
        )
        .unwrap();
        let both = ["https://rdap.co.uk.example/", "http://rdap.co.uk.example/"];
        assert_eq!(services(&bootstrap, "example.co.uk"), both);
        assert_eq!(
            services(&bootstrap, "example.org.uk"),
            ["https://rdap.uk.example/"]
        );
        assert_eq!(
            services(&bootstrap, "example.jp"),
            ["https://rdap.uk.example/"]
        );
        assert!(services(&bootstrap, "example.xco.ukx").is_empty());
        assert!(services(&bootstrap, "example.ftp").is_empty());
    }

    #[test]
    fn what_is_no_bootstrap_file_is_refused() {
        let error = |text: &str| Bootstrap::parse(text).unwrap_err();
        assert!(matches!(error("<html>"), BootstrapError::Syntax(_)));
        assert_eq!(error("{}"), BootstrapError::NoServices);
        assert_eq!(error(r#"{"services": 7}"#), BootstrapError::NoServices);
        assert_eq!(
            error(&" ".repeat(Bootstrap::LIMIT + 1)),
            BootstrapError::Large
        );
        let many = |count: usize| {
            let ends: Vec<_> = (0..count).map(|at| format!("\"t{at}\"")).collect();
            format!(
                r#"{{"services": [[[{}], ["https://a.example/"]]]}}"#,
                ends.join(",")
            )
        };
        assert!(Bootstrap::parse(&many(Bootstrap::ENTRIES)).is_ok());
        assert_eq!(error(&many(Bootstrap::ENTRIES + 1)), BootstrapError::Large);
        let bases: Vec<_> = (0..=Bootstrap::ADDRESSES)
            .map(|at| format!("\"https://a{at}.example/\""))
            .collect();
        let crowded = format!(r#"{{"services": [[["crowd"], [{}]]]}}"#, bases.join(","));
        let crowded = Bootstrap::parse(&crowded).unwrap();
        assert_eq!(services(&crowded, "a.crowd").len(), 8);
        let missing = Bootstrap::load(Path::new("/nonexistent/dns.json")).unwrap_err();
        assert!(matches!(missing, BootstrapError::File(_)));
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "[\\[\\]{}\",:a-z./ ]{0,200}") {
            let _ = Bootstrap::parse(&text);
        }
    }
}
