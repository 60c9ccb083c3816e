//! `lab.json`: what a test may know of the lab. Its shape is described in [`super`], and is only
//! ever added to.

use serde_json::{Map, Value, json};

use super::beside::Beside;
use super::{Lab, accounts, postfix, queues, rbldnsd, snmpd};

/// The same lab, the same text: `up` tells by it whether anything changed.
pub(crate) fn text(lab: &Lab) -> String {
    let manifest = json!({
        "version": 1,
        "domain": accounts::DOMAIN,
        "ca": lab.tls("ca.pem"),
        "intermediate": lab.tls("intermediate.pem"),
        "trust_anchors": lab.folder().join("nsd").join("ds.zone"),
        "queue": {
            "socket": lab.folder().join("postfix").join("spool").join("public").join("showq"),
            "config": lab.folder().join("postfix").join("etc"),
        },
        "queues": queues(lab),
        "client": { "certificate": lab.tls("client.pem"), "key": lab.tls("client.key") },
        "users": users(),
        "tokens": tokens(lab),
        "recipients": recipients(),
        "snmp": snmpd::manifest(),
        "lists": lists(),
        "listeners": listeners(lab),
    });
    format!("{manifest:#}\n")
}

fn queues(lab: &Lab) -> Map<String, Value> {
    let postfix = ("postfix".to_owned(), queues::manifest(lab.folder()));
    let beside = Beside::ALL.map(|one| one.manifest(lab.folder()));
    [postfix].into_iter().chain(beside).collect()
}

fn users() -> Map<String, Value> {
    let entry = |user: accounts::User| {
        let facts = json!({
            "name": user.address(),
            "password": user.password,
            "enabled": user.is_enabled,
            "quirk": user.quirk,
        });
        (user.name.to_owned(), facts)
    };
    accounts::users().into_iter().map(entry).collect()
}

fn tokens(lab: &Lab) -> Map<String, Value> {
    let entry = |token: accounts::Token| {
        let user = format!("{}@{}", token.user, accounts::DOMAIN);
        (
            token.label.to_owned(),
            json!({ "user": user, "file": token.file(lab), "valid": token.is_valid }),
        )
    };
    accounts::tokens().into_iter().map(entry).collect()
}

fn recipients() -> Map<String, Value> {
    let entry = |(name, reply): (&str, &str)| {
        (
            name.to_owned(),
            json!({ "address": format!("{name}@{}", accounts::DOMAIN), "reply": reply }),
        )
    };
    postfix::RECIPIENTS.into_iter().map(entry).collect()
}

fn lists() -> Map<String, Value> {
    let entry = |list: &rbldnsd::List| (list.zone.to_owned(), json!({ "quirk": list.quirk }));
    rbldnsd::LISTS.iter().map(entry).collect()
}

fn listeners(lab: &Lab) -> Map<String, Value> {
    let entry = |listener: super::Listener| {
        let facts = json!({
            "server": listener.server,
            "name": listener.host,
            "address": listener.address,
            "port": listener.port,
            "quirk": listener.quirk,
        });
        (listener.label.to_owned(), facts)
    };
    lab.listeners().into_iter().map(entry).collect()
}
