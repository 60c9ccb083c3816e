//! What the suites share: one name, and the pages that real servers have shown.

#![allow(dead_code, reason = "not every suite needs all of it")]

use probe_core::{Report, Target};
use probe_net::Net;
use probe_net::http::Url;
use probe_net::tls::Tls;
use probe_testkit::{Authority, Web};
use web_probe::Page;

pub(crate) const NAME: &str = "mail.example.test";

pub(crate) fn net(ca: &Authority) -> Net {
    Net::new(Tls::ring(ca.roots()))
}

pub(crate) fn url(path: &str) -> Url {
    format!("https://{NAME}{path}").parse().unwrap()
}

/// A page that a real server showed, as if at this path.
pub(crate) fn transcript(name: &str, at: &str) -> Page {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts");
    let text = std::fs::read_to_string(format!("{folder}/{name}.txt")).unwrap();
    let (head, body) = text.split_once("\n\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let page = Page::new(url(at), status.parse().unwrap(), body);
    let headers = lines.filter_map(|line| line.split_once(": "));
    headers.fold(page, |page, (name, value)| page.with_header(name, value))
}

/// Where a server is.
pub(crate) fn target(server: &Web) -> Target {
    Target::host(server.address().ip(), server.address().port())
}

pub(crate) fn codes<F>(report: &Report<F>) -> Vec<&'static str> {
    report
        .findings
        .iter()
        .map(probe_core::Finding::code)
        .collect()
}
