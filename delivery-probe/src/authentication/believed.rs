//! Which of a message's results are believed: anybody may put such a field into a message.

use probe_net::message::{Field, Headers};

use super::{Authentication, received_spf};
use crate::trace::{Hop, Protection, Trace};

/// What can be believed, where servers are named or none is.
pub(super) fn of(headers: &Headers<'_>, servers: &[String]) -> Option<Authentication> {
    let mut known = Known::default();
    let mut place = Place::Above;
    let mut hosts = Vec::new();
    let mut read = 0;
    let fields: Vec<Field<'_>> = headers.fields().filter(is_of_concern).collect();
    for (at, field) in fields.iter().enumerate() {
        if field.is("Received") {
            // Without names, no more than one hop is asked.
            if servers.is_empty() && place == Place::Below {
                break;
            }
            let hop = Hop::parse(&field.value());
            // What follows on the same host, such as a filter or the mailbox, is no other hop.
            if hop.protection() != Protection::Local {
                place = Place::Below;
            }
            hosts.extend(hop.by.filter(|_| hosts.len() < Trace::HOPS));
            continue;
        }
        read += 1;
        if read > Authentication::FIELDS {
            break;
        }
        let is_spf = field.is("Received-SPF");
        let found = match is_spf {
            true => received_spf(&field.value()),
            false => Authentication::parse(&field.value()),
        };
        let Some(found) = found else {
            continue;
        };
        let server = found.server.as_deref();
        let is_it = |name: &String| server.is_some_and(|server| name.eq_ignore_ascii_case(server));
        let is_believed = match (servers, place, server) {
            ([], Place::Above, _) => true,
            ([], Place::Below, _) => hosts.iter().any(is_it),
            (servers, _, Some(_)) => servers.iter().any(is_it),
            (servers, _, None) => taken_by_one_of(servers, fields.iter().skip(at + 1)),
        };
        match (is_believed, is_spf) {
            (true, false) => known.add(found),
            (true, true) => known.spf = known.spf.take().or(Some(found)),
            (false, _) => {}
        }
    }
    known.whole()
}

/// Where a field stands, seen from the hop by which the message came to its last host.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Place {
    Above,
    Below,
}

/// What is believed so far.
#[derive(Default)]
struct Known {
    results: Option<Authentication>,
    spf: Option<Authentication>,
}

impl Known {
    /// Takes what the same server says of methods that it has said nothing of yet: what it wrote last stands highest.
    fn add(&mut self, found: Authentication) {
        let Some(known) = &mut self.results else {
            self.results = Some(found);
            return;
        };
        if known.server.as_ref().map(|name| name.to_ascii_lowercase())
            != found.server.as_ref().map(|name| name.to_ascii_lowercase())
        {
            return;
        }
        let before = known.results.len();
        for result in found.results {
            let earlier = known.results.iter().take(before);
            let is_new = earlier.clone().all(|known| known.method != result.method);
            if is_new && known.results.len() < Authentication::RESULTS {
                known.results.push(result);
            }
        }
    }

    /// All of it; the older field of SPF stands in where there is no other.
    fn whole(self) -> Option<Authentication> {
        match (self.results, self.spf) {
            (Some(mut known), Some(spf)) => {
                if known.of_method("spf").is_none() {
                    known.results.extend(spf.results);
                }
                Some(known)
            }
            (known, spf) => known.or(spf),
        }
    }
}

fn is_of_concern(field: &Field<'_>) -> bool {
    let names = ["Received", "Authentication-Results", "Received-SPF"];
    names.iter().any(|name| field.is(name))
}

/// Whether the host that wrote the next hop is one of these, or below one.
fn taken_by_one_of<'f, 'a: 'f>(
    servers: &[String],
    mut below: impl Iterator<Item = &'f Field<'a>>,
) -> bool {
    let Some(field) = below.find(|field| field.is("Received")) else {
        return false;
    };
    let Some(host) = Hop::parse(&field.value()).by else {
        return false;
    };
    let host = host.to_ascii_lowercase();
    servers.iter().any(|name| {
        let name = name.to_ascii_lowercase();
        let rest = host.strip_suffix(&name);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}
