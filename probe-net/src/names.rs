//! Host names and who they belong to.

use probe_core::HostName;

/// The organisational domain: what was registered, by the public suffix list; the name itself where that has none.
///
/// ```
/// use probe_net::names::organisational;
///
/// let of = |name: &str| organisational(&name.parse().unwrap()).to_string();
/// assert_eq!(of("mx1.mail.example.co.uk"), "example.co.uk");
/// assert_eq!(of("example.org"), "example.org");
/// assert_eq!(of("co.uk"), "co.uk");
/// ```
pub fn organisational(name: &HostName) -> HostName {
    let registered = psl::domain_str(name.as_str());
    let registered = registered.and_then(|domain| domain.parse().ok());
    registered.unwrap_or_else(|| name.clone())
}
