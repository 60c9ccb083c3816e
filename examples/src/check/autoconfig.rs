//! The settings that a domain publishes for mail programs (Thunderbird's autoconfiguration): in XML, at one of two places.

use probe_core::{Context, HostName};
use probe_net::http::{Client, Redirects, Request, Url};
use probe_net::{Log, Net, xml};
use roxmltree::{Document, Node};

use super::services::{Service, ServiceKind};

/// What the domain publishes; nothing where it does not.
pub(super) async fn find(
    domain: &HostName,
    net: &Net,
    patience: core::time::Duration,
) -> Vec<Service> {
    for place in places(domain) {
        let mut client = Client::new(net.clone()).following(Redirects::SameHost);
        let mut log = Log::begin(&Context::default().with_budget(patience));
        let response = client.send(&Request::get(place), &mut log).await;
        let verified = response.ok().filter(|response| {
            let tls = response.tls.as_ref();
            response.is_success() && tls.is_some_and(|tls| tls.is_verified())
        });
        if let Some(response) = verified {
            return read(&response.text(), domain);
        }
    }
    Vec::new()
}

fn places(domain: &HostName) -> impl Iterator<Item = Url> {
    // The place may depend on who asks; this is who there must be.
    let asked = format!("?emailaddress=postmaster%40{domain}");
    let places = [
        format!("https://autoconfig.{domain}/mail/config-v1.1.xml{asked}"),
        format!("https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml{asked}"),
    ];
    places.into_iter().filter_map(|place| place.parse().ok())
}

/// The services of a page.
fn read(page: &str, domain: &HostName) -> Vec<Service> {
    /// More than a mail program would ever try.
    const SERVICES: usize = 16;
    /// More than the settings of any provider take.
    const NODES: usize = 10_000;
    if !xml::is_modest(page, NODES) {
        return Vec::new();
    }
    let Ok(page) = Document::parse(page) else {
        return Vec::new();
    };
    let servers = page
        .descendants()
        .filter(|node| node.has_tag_name("incomingServer") || node.has_tag_name("outgoingServer"));
    let services = servers.filter_map(|server| service(server, domain));
    services.take(SERVICES).collect()
}

fn service(server: Node<'_, '_>, domain: &HostName) -> Option<Service> {
    let text = |name: &str| {
        let mut children = server.children();
        children
            .find(|child| child.has_tag_name(name))?
            .text()
            .map(str::trim)
    };
    let kind = match (server.attribute("type")?, text("socketType")?) {
        ("imap", "SSL") => ServiceKind::Imaps,
        ("imap", "STARTTLS") => ServiceKind::Imap,
        ("pop3", "SSL") => ServiceKind::Pop3s,
        ("pop3", "STARTTLS") => ServiceKind::Pop3,
        ("smtp", "SSL") => ServiceKind::Submissions,
        ("smtp", "STARTTLS") => ServiceKind::Submission,
        // Who offers nothing but clear text is told by nobody who asks in it.
        _ => return None,
    };
    let host = text("hostname")?.replace("%EMAILDOMAIN%", domain.as_str());
    Some(Service {
        kind,
        host: host.parse().ok()?,
        port: text("port")?.parse().ok().filter(|port| *port != 0)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services(page: &str) -> Vec<String> {
        let services = read(page, &"example.org".parse().unwrap());
        services.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_published_is_read_and_what_is_in_clear_is_left_out() {
        let page = r#"<?xml version="1.0"?>
            <clientConfig version="1.1"><emailProvider id="example.org">
              <incomingServer type="imap">
                <hostname>imap.%EMAILDOMAIN%</hostname><port>993</port><socketType>SSL</socketType>
              </incomingServer>
              <incomingServer type="pop3">
                <hostname>pop.example.org</hostname><port>110</port><socketType>plain</socketType>
              </incomingServer>
              <outgoingServer type="smtp">
                <hostname> smtp.example.net </hostname><port>587</port><socketType>STARTTLS</socketType>
              </outgoingServer>
            </emailProvider></clientConfig>"#;
        let expected = [
            "imaps imap.example.org:993",
            "submission smtp.example.net:587",
        ];
        assert_eq!(services(page), expected);
    }

    #[test]
    fn what_is_no_such_page_holds_no_services() {
        assert!(services("").is_empty());
        assert!(services("<html><body>Not found</body></html>").is_empty());
        let odd = "<a><incomingServer type='imap'><hostname>a b</hostname><port>0</port>\
            <socketType>SSL</socketType></incomingServer></a>";
        assert!(services(odd).is_empty());
        let many = "<incomingServer type='imap'><hostname>a.test</hostname><port>993</port>\
            <socketType>SSL</socketType></incomingServer>";
        assert_eq!(services(&format!("<a>{}</a>", many.repeat(17))).len(), 16);
    }

    #[test]
    fn a_page_that_keeps_parsers_busy_is_not_parsed() {
        let page = |attributes: usize| {
            let attributes: String = (0..attributes).map(|n| format!(" a{n}=''")).collect();
            services(&format!(
                "<clientConfig{attributes}><incomingServer type='imap'><hostname>a.example.org</hostname>\
                 <port>993</port><socketType>SSL</socketType></incomingServer></clientConfig>"
            ))
        };
        assert_eq!(page(64), ["imaps a.example.org:993"]);
        assert_eq!(page(65), [""; 0]);
    }
}
