//! What users and their devices reach over the web: ActiveSync and webmail in front of [SOGo](crate::lab::sogo), well and
//! in one wrong way each; how they find it; and a stranger's pages that say of each service whether it is well.

use std::net::{IpAddr, Ipv4Addr};

use crate::lab::accounts::{self, User};
use crate::lab::certificates::Certificate::{self, *};
use crate::lab::server::Listener;
use crate::lab::sogo::{self, Sogo};

/// Before SOGo itself: its services, its pages, and how devices find them.
const FRONT: &str = include_str!("front.conf");
/// Before another proxy, which it does not reach, or reaches late.
const BALANCER: &str = include_str!("balancer.conf");
/// Where each service of an Exchange server says how it is.
const HEALTH: &str = include_str!("health.conf");
/// Where devices that know no better ask first, in clear.
const REDIRECT: &str = include_str!("redirect.conf");

/// A name of its own, served at an address.
#[derive(Debug)]
struct Site {
    label: &'static str,
    host: &'static str,
    /// The end of its address.
    last: u8,
    certificate: Certificate,
    kind: Kind,
    quirk: &'static str,
}

#[derive(Debug)]
enum Kind {
    Front(&'static Sogo),
    /// Where it looks for who knows the answer, and what else it does.
    Balancer {
        behind: Ipv4Addr,
        settings: &'static str,
        request: &'static str,
    },
    /// The name of the server, and a service of it that is not well.
    Health(&'static str, &'static str),
    Redirect,
}

impl Kind {
    const fn balancer(settings: &'static str, request: &'static str) -> Self {
        Self::Balancer {
            behind: sogo::GOOD.address,
            settings,
            request,
        }
    }
}

const SITES: [Site; 10] = [
    Site {
        label: "eas-good",
        host: "eas.lab.test",
        last: 80,
        certificate: Good,
        kind: Kind::Front(&sogo::GOOD),
        quirk: "ActiveSync at /Microsoft-Server-ActiveSync, webmail at /SOGo/; Autodiscover, which lab.test points to by SRV",
    },
    Site {
        label: "autodiscover.autodiscover.test",
        host: "autodiscover.autodiscover.test",
        last: 80,
        certificate: Good,
        kind: Kind::Front(&sogo::GOOD),
        quirk: "the same, by the name that devices guess for autodiscover.test",
    },
    Site {
        label: "autodiscover.redirected.test",
        host: "autodiscover.redirected.test",
        last: 89,
        certificate: Absent,
        kind: Kind::Redirect,
        quirk: "no TLS; redirects to the Autodiscover of eas-good",
    },
    Site {
        label: "eas-gone",
        host: "eas-gone.lab.test",
        last: 81,
        certificate: Good,
        kind: Kind::Balancer {
            behind: crate::lab::nsd::NOBODY,
            settings: "",
            request: "",
        },
        quirk: "a proxy before a SOGo that is gone: 502",
    },
    Site {
        label: "eas-slow",
        host: "eas-slow.lab.test",
        last: 82,
        certificate: Good,
        kind: Kind::balancer("", "echo_sleep 2;"),
        quirk: "answers 2 s late",
    },
    Site {
        label: "eas-no-imap",
        host: "eas-no-imap.lab.test",
        last: 83,
        certificate: Good,
        kind: Kind::Front(&sogo::NO_IMAP),
        quirk: "a SOGo whose IMAP server is gone",
    },
    Site {
        label: "eas-expired",
        host: "eas-expired.lab.test",
        last: 84,
        certificate: Expired,
        kind: Kind::balancer("", ""),
        quirk: "its certificate expired in 2021",
    },
    Site {
        label: "eas-impatient",
        host: "eas-impatient.lab.test",
        last: 85,
        certificate: Good,
        kind: Kind::balancer("proxy_read_timeout 3s;", ""),
        quirk: "a proxy that gives up after 3 s: whoever waits for news gets 504",
    },
    Site {
        label: "exchange-good",
        host: "exchange.lab.test",
        last: 86,
        certificate: Good,
        kind: Kind::Health("NODE1.LAB.TEST", "none"),
        quirk: "the nine healthcheck.htm of Exchange, all well, of NODE1.LAB.TEST; nothing else",
    },
    Site {
        label: "exchange-ews-down",
        host: "exchange-ews-down.lab.test",
        last: 87,
        certificate: Good,
        kind: Kind::Health("NODE2.LAB.TEST", "ews"),
        quirk: "the same of NODE2.LAB.TEST, but 503 for ews",
    },
];

/// The listeners as the lab knows them.
pub(super) fn listeners() -> impl Iterator<Item = Listener> {
    SITES.iter().map(|site| Listener {
        server: "nginx",
        label: site.label,
        host: site.host,
        address: IpAddr::V4(site.address()),
        port: site.port(),
        certificate: site.certificate,
        quirk: site.quirk,
    })
}

/// The sites as a part of `nginx.conf`.
pub(super) fn configuration() -> String {
    SITES.iter().map(Site::configuration).collect()
}

/// Who may ask Autodiscover, by either name. (nginx has {PLAIN} for this.)
pub(super) fn passwords() -> String {
    let lines = |user: &User| {
        let names = [user.address(), user.name.to_owned()];
        names
            .map(|name| format!("{name}:{{PLAIN}}{}\n", user.password))
            .concat()
    };
    let users = accounts::users();
    users
        .iter()
        .filter(|user| user.is_enabled)
        .map(lines)
        .collect()
}

impl Site {
    fn address(&self) -> Ipv4Addr {
        Ipv4Addr::new(127, 88, 0, self.last)
    }

    const fn port(&self) -> u16 {
        match self.kind {
            Kind::Redirect => 80,
            _ => 443,
        }
    }

    fn configuration(&self) -> String {
        let (host, address, port) = (self.host, self.address(), self.port());
        let tls = match self.certificate {
            Absent => String::new(),
            _ => format!(
                "    ssl_certificate {{lab}}/tls/{host}.pem;\n    ssl_certificate_key {{lab}}/tls/{host}.key;\n"
            ),
        };
        let ssl = if self.certificate == Absent {
            ""
        } else {
            " ssl http2"
        };
        format!(
            "  # {}\n  server {{\n    listen {address}:{port}{ssl};\n    server_name {host};\n{tls}{}  }}\n",
            self.quirk,
            self.kind.configuration()
        )
    }
}

impl Kind {
    fn configuration(&self) -> String {
        match self {
            Self::Front(sogo) => {
                FRONT.replace("{sogo}", &format!("{}:{}", sogo.address, sogo::PORT))
            }
            Self::Balancer {
                behind,
                settings,
                request,
            } => BALANCER
                .replace("{behind}", &behind.to_string())
                .replace("{settings}", settings)
                .replace("{request}", request),
            Self::Health(node, ailing) => {
                HEALTH.replace("{node}", node).replace("{ailing}", ailing)
            }
            Self::Redirect => REDIRECT.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_the_folder_of_the_lab_is_left_to_fill_in() {
        let text = configuration().replace("{lab}", "");
        for word in ["sogo", "behind", "settings", "request", "node", "ailing"] {
            assert!(!text.contains(&format!("{{{word}}}")), "{word}");
        }
    }

    #[test]
    fn no_two_sites_share_a_name_or_a_label() {
        for (number, site) in SITES.iter().enumerate() {
            let others = SITES.iter().skip(number + 1);
            assert!(
                others
                    .clone()
                    .all(|other| other.host != site.host && other.label != site.label)
            );
        }
    }
}
