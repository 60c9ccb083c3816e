//! `mailprobe host`: what cannot be read is unknown, and the page of an exporter is judged.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod common;

use common::{World, mailprobe};
use probe_testkit::{Say, Web};

#[test]
fn a_queue_that_cannot_be_read_is_unknown() {
    let said = mailprobe(["host", "--socket", "/nonexistent/showq"]);
    assert_eq!(said.status, 3);
    assert!(
        said.out.contains("No such file or directory"),
        "{}",
        said.out
    );
}

#[test]
fn the_page_of_an_exporter_is_judged() {
    let world = World::new("host-exporter");
    let page = "node_memory_MemTotal_bytes 1000\nnode_memory_MemAvailable_bytes 10\n";
    let web = world
        .wait(Web::clear(move |_| Say::page(200, "", page)))
        .unwrap();
    let url = format!("http://{}/metrics", web.address());
    let said = mailprobe(["host", "--exporter", &url]);
    assert_eq!(said.status, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("host.memory"), "{}", said.out);
}
