//! Which WHOIS server answers for a domain, and how it wants to be asked.

use probe_core::HostName;

/// The file that the crate carries: see `data/README.md`.
const SERVERS: &str = include_str!("../../data/whois.txt");

/// IANA's server, which knows those of all top-level domains.
pub(super) const IANA: &str = "whois.iana.org";

/// The server for this domain, if it is known.
pub(super) fn known(domain: &HostName) -> Option<HostName> {
    let lines = SERVERS.lines().filter_map(|line| line.split_once(' '));
    let mut servers = lines.filter(|(end, _)| *end == top_level(domain));
    servers.next()?.1.parse().ok()
}

/// The last label.
pub(super) fn top_level(domain: &HostName) -> &str {
    domain.as_str().rsplit('.').next().unwrap_or_default()
}

/// What to say to such a server. Most want the name alone (RFC 3912 section 2).
pub(super) fn question(server: &str, domain: &HostName) -> String {
    match server {
        // Without it, nothing but whether the name is taken.
        "whois.denic.de" => format!("-T dn,ace {domain}"),
        // In English.
        "whois.jprs.jp" => format!("{domain}/e"),
        // Without it, also name servers that are called like the domain.
        "whois.verisign-grs.com" => format!("domain {domain}"),
        _ => domain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_names_a_server_and_the_ends_are_in_order() {
        let lines: Vec<_> = SERVERS
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect();
        assert_eq!(lines.len(), 63);
        let ends: Vec<_> = lines
            .iter()
            .map(|line| line.split_once(' ').unwrap().0)
            .collect();
        assert!(ends.is_sorted());
        for line in lines {
            let (end, server) = line.split_once(' ').unwrap();
            let domain: HostName = format!("example.{end}").parse().unwrap();
            assert_eq!(known(&domain).unwrap().as_str(), server);
        }
        assert_eq!(known(&"example.invalid".parse().unwrap()), None);
    }

    #[test]
    fn some_servers_want_to_be_asked_in_their_own_way() {
        let domain = "example.org".parse().unwrap();
        for (server, expected) in [
            ("whois.denic.de", "-T dn,ace example.org"),
            ("whois.jprs.jp", "example.org/e"),
            ("whois.verisign-grs.com", "domain example.org"),
            ("whois.publicinterestregistry.org", "example.org"),
        ] {
            assert_eq!(question(server, &domain), expected);
        }
    }
}
