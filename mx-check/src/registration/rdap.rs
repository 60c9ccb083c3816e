//! What RDAP says of a domain: JSON of RFC 9083, read as far as it makes sense. Who is asked is in `lookup`.

use std::time::{Duration, SystemTime};

use probe_core::Host;
use probe_net::http::Url;
use serde_json::Value;

use super::answer::Answer;
use super::date::rfc3339;
use super::facts::{Ds, Expiry, Registrar, Registration, Source, host, shown};
use super::status::Status;

/// The most members of any list that are read. Registries have a dozen.
pub(super) const MEMBERS: usize = 64;
/// How deep entities within entities are looked into (RFC 9083 section 5.1).
const DEPTH: usize = 3;

/// What a response says.
pub(super) fn read(
    source: Source,
    status: u16,
    retry_after: Option<Duration>,
    body: &[u8],
) -> Answer {
    match status {
        200 => {}
        // RFC 7480 sections 5.3 and 5.5.
        404 => return Answer::NotFound,
        429 => return Answer::TooOften(retry_after),
        status => return Answer::Unusable(format!("HTTP status {status}{}", words(body))),
    }
    let object: Value = match serde_json::from_slice(body) {
        Ok(object) => object,
        Err(error) => return Answer::Unusable(format!("this is no JSON: {error}")),
    };
    // Some say so with status 200 (RFC 9083 section 6).
    match object.get("errorCode").and_then(Value::as_u64) {
        None => {}
        Some(404) => return Answer::NotFound,
        Some(429) => return Answer::TooOften(retry_after),
        Some(code) => return Answer::Unusable(format!("error {code}{}", words(body))),
    }
    let class = text(&object, "objectClassName");
    let is_domain = class.map_or(object.get("ldhName").is_some(), |class| {
        class.eq_ignore_ascii_case("domain")
    });
    match is_domain {
        true => Answer::Found(Box::new(registration(source, &object))),
        false => Answer::Unusable("this is no domain object (RFC 9083 section 5.3)".to_owned()),
    }
}

/// The title of an error, if it has one (RFC 9083 section 6).
fn words(body: &[u8]) -> String {
    let object: Value = serde_json::from_slice(body).unwrap_or_default();
    let title = text(&object, "title").map(|title| format!(": {}", shown(title)));
    title.unwrap_or_default()
}

fn registration(source: Source, object: &Value) -> Registration {
    let mut read = Registration::new(source);
    read.name = text(object, "ldhName").map(shown);
    read.handle = text(object, "handle").map(shown);
    for status in members(object, "status").filter_map(Value::as_str) {
        read.statuses.extend(Status::new(status));
    }
    for event in members(object, "events") {
        note_event(&mut read, event);
    }
    let servers = members(object, "nameservers");
    let servers = servers.filter_map(|server| host(text(server, "ldhName")?));
    read.name_servers = servers.collect();
    if let Some(dnssec) = object.get("secureDNS") {
        read.delegation_signed = dnssec.get("delegationSigned").and_then(flag);
        read.ds = members(dnssec, "dsData").filter_map(ds).collect();
    }
    read.registrar = registrar(object, DEPTH);
    read.related = members(object, "links").find_map(related);
    read
}

/// RFC 9083 section 10.2.3. An expiration that is not understood is told; of anything else only its absence.
fn note_event(read: &mut Registration, event: &Value) {
    let (Some(action), Some(date)) = (text(event, "eventAction"), text(event, "eventDate")) else {
        return;
    };
    let when: Option<SystemTime> = rfc3339(date);
    let action: String = action.chars().filter(|c| c.is_alphanumeric()).collect();
    let place = match action.to_ascii_lowercase().as_str() {
        "expiration" => {
            let expiry = when.map_or_else(|| Expiry::Unreadable(shown(date)), Expiry::Known);
            // Of two, the one that is understood.
            if !matches!(read.expiry, Expiry::Known(_)) {
                read.expiry = expiry;
            }
            return;
        }
        "registrarexpiration" | "registrarregistrationexpiration" => &mut read.registrar_expiry,
        "registration" => &mut read.created,
        "lastchanged" => &mut read.changed,
        "transfer" => &mut read.transferred,
        "deletion" => &mut read.deleted,
        "reinstantiation" | "reregistration" => &mut read.reinstantiated,
        // "last update of RDAP database" among them: that is a change of the database.
        _ => return,
    };
    *place = place.or(when);
}

fn ds(data: &Value) -> Option<Ds> {
    let number = |key| match data.get(key)? {
        Value::String(digits) => digits.trim().parse().ok(),
        other => other.as_u64(),
    };
    let octet = |key| u8::try_from(number(key)?).ok();
    let digest = text(data, "digest")?;
    let key_tag = u16::try_from(number("keyTag")?).ok()?;
    Some(Ds::new(
        key_tag,
        octet("algorithm")?,
        octet("digestType")?,
        &shown(digest),
    ))
}

/// The entity whose role that is, with the name of its card (RFC 7095 section 3).
fn registrar(object: &Value, depth: usize) -> Option<Registrar> {
    if depth == 0 {
        return None;
    }
    let is_registrar = |entity: &&Value| {
        let mut roles = members(entity, "roles").filter_map(Value::as_str);
        roles.any(|role| role.eq_ignore_ascii_case("registrar"))
    };
    if let Some(entity) = members(object, "entities").find(is_registrar) {
        let card = entity.get("vcardArray").and_then(|card| card.get(1));
        let properties = card.and_then(Value::as_array).into_iter().flatten();
        let mut names = properties.take(MEMBERS).filter_map(|property| {
            let is_name = property.get(0)?.as_str()?.eq_ignore_ascii_case("fn");
            property.get(3).filter(|_| is_name)?.as_str()
        });
        return Some(Registrar {
            name: names.next().map(shown),
            handle: text(entity, "handle").map(shown),
        });
    }
    members(object, "entities").find_map(|entity| registrar(entity, depth - 1))
}

/// The same object at the registrar (RFC 9083 section 4.2): where a server that proves who it is has it.
fn related(link: &Value) -> Option<Url> {
    let is_related = text(link, "rel")?.eq_ignore_ascii_case("related");
    // A page for people is "related" too.
    let is_rdap = text(link, "type").is_none_or(|kind| kind.contains("rdap"));
    let url: Url = text(link, "href")?.parse().ok()?;
    // Who is linked to does not choose an address of our network.
    let is_named = matches!(url.host(), Host::Name(_));
    (is_related && is_rdap && is_named && url.is_secure()).then_some(url)
}

fn text<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str()
}

/// Some write it as a text.
fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_bool(),
    }
}

fn members<'a>(object: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    let members = object.get(key).and_then(Value::as_array);
    members.into_iter().flatten().take(MEMBERS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn source() -> Source {
        Source::Rdap {
            url: "https://rdap.example.test/domain/example.com"
                .parse()
                .unwrap(),
            is_verified: true,
        }
    }

    fn found(body: &str) -> Registration {
        match read(source(), 200, None, body.as_bytes()) {
            Answer::Found(registration) => *registration,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_a_server_says_by_its_status_is_told_apart() {
        let say =
            |status, retry_after, body: &str| read(source(), status, retry_after, body.as_bytes());
        let hour = Answer::TooOften(Some(Duration::from_secs(3600)));
        assert_eq!(say(404, None, "<html>"), Answer::NotFound);
        let after = Some(Duration::from_secs(3600));
        assert_eq!(say(429, after, ""), hour);
        assert_eq!(say(429, None, ""), Answer::TooOften(None));
        assert_eq!(say(200, after, r#"{"errorCode": 429}"#), hour);
        assert_eq!(
            say(200, None, r#"{"errorCode": 404, "title": "Not Found"}"#),
            Answer::NotFound
        );
        for (status, body, why) in [
            (500, "oops", "HTTP status 500"),
            (
                403,
                r#"{"errorCode": 403, "title": "Forbidden"}"#,
                "HTTP status 403: Forbidden",
            ),
            (204, "", "HTTP status 204"),
            (200, r#"{"errorCode": 501}"#, "error 501"),
            (
                200,
                r#"{"objectClassName": "entity"}"#,
                "this is no domain object (RFC 9083 section 5.3)",
            ),
            (200, "[]", "this is no domain object (RFC 9083 section 5.3)"),
        ] {
            assert_eq!(
                say(status, None, body),
                Answer::Unusable(why.to_owned()),
                "{body}"
            );
        }
        let html = say(200, None, "<html>");
        assert!(matches!(html, Answer::Unusable(why) if why.starts_with("this is no JSON")));
    }

    #[test]
    fn an_update_of_the_database_is_no_change_of_the_domain() {
        let read = found(
            r#"{"objectClassName": "domain", "events": [
                {"eventAction": "last update of RDAP database", "eventDate": "2026-11-24T13:00:00Z"},
                {"eventAction": "last changed", "eventDate": "2024-02-29T00:00:00Z"},
                {"eventAction": "last changed", "eventDate": "2025-01-01T00:00:00Z"},
                {"eventAction": "expiration", "eventDate": "soon"},
                {"eventAction": "registrar expiration", "eventDate": "2026-01-31T00:00:00Z"}
            ]}"#,
        );
        assert_eq!(read.changed, rfc3339("2024-02-29T00:00:00Z"));
        assert_eq!(read.expiry, Expiry::Unreadable("soon".to_owned()));
        assert_eq!(read.expires(), rfc3339("2026-01-31T00:00:00Z"));
    }

    #[test]
    fn no_list_is_read_beyond_its_limit() {
        let list = |count: usize| {
            let states: Vec<_> = (0..count).map(|at| format!("\"s{at}\"")).collect();
            format!(
                r#"{{"ldhName": "a.example", "status": [{}]}}"#,
                states.join(",")
            )
        };
        assert_eq!(found(&list(MEMBERS)).statuses.len(), 64);
        assert_eq!(found(&list(MEMBERS + 1)).statuses.len(), 64);
        let handle = format!(
            r#"{{"ldhName": "a.example", "handle": "{}"}}"#,
            "h".repeat(257)
        );
        assert_eq!(found(&handle).handle.unwrap().len(), 256);
        let nested = |depth: usize| {
            let innermost = r#"{"roles": ["registrar"], "handle": "292"}"#.to_owned();
            let wrap = |inner, _| format!(r#"{{"ldhName": "a.example", "entities": [{inner}]}}"#);
            found(&(0..depth).fold(innermost, wrap)).registrar
        };
        assert_eq!(nested(DEPTH).unwrap().handle.as_deref(), Some("292"));
        assert_eq!(nested(DEPTH + 1), None);
    }

    #[test]
    fn json_that_is_nested_too_deep_is_refused() {
        let deep = "[".repeat(100_000);
        assert!(matches!(
            read(source(), 200, None, deep.as_bytes()),
            Answer::Unusable(_)
        ));
    }

    #[test]
    fn members_of_other_types_are_passed_over() {
        let read = found(
            r#"{"objectClassName": "domain", "ldhName": 7, "handle": [], "status": [1, null, "active"],
                "events": [1, {"eventAction": 7}, {"eventAction": "expiration"}], "nameservers": {"a": 1},
                "secureDNS": {"delegationSigned": "true", "dsData": [{"keyTag": 65536, "digest": "ab"},
                {"keyTag": "12345", "algorithm": 13, "digestType": 2, "digest": "abcd"}]},
                "entities": [{"roles": "registrar"}, {"roles": ["Registrar"], "vcardArray": ["vcard"]}],
                "links": [{"rel": "related", "href": "http://rdap.example/"}, {"rel": "related", "href": 1},
                {"rel": "related", "href": "https://127.0.0.1/"}]}"#,
        );
        assert_eq!(read.statuses, [Status::new("active").unwrap()]);
        assert_eq!(read.expiry, Expiry::NotPublished);
        assert_eq!((read.name, read.handle, read.related), (None, None, None));
        assert_eq!(read.delegation_signed, Some(true));
        assert_eq!(read.ds, [Ds::new(12345, 13, 2, "ABCD")]);
        assert_eq!(read.registrar, Some(Registrar::default()));
    }

    fn json() -> impl Strategy<Value = Value> {
        let words = prop::sample::select(vec![
            "objectClassName",
            "domain",
            "status",
            "events",
            "eventAction",
            "eventDate",
            "expiration",
            "2026-01-31T00:00:00Z",
            "nameservers",
            "ldhName",
            "entities",
            "roles",
            "registrar",
            "vcardArray",
            "fn",
            "links",
            "rel",
            "related",
            "href",
            "https://a.example/",
            "secureDNS",
            "dsData",
            "keyTag",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            words.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 64, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::vec((words.clone(), inner), 0..8).prop_map(|members| {
                    members
                        .into_iter()
                        .map(|(key, value)| (key.to_owned(), value))
                        .collect()
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_bytes_and_no_json_are_too_odd(bytes: Vec<u8>, json in json(), status in 100_u16..600) {
            let _ = read(source(), status, None, &bytes);
            let _ = read(source(), 200, None, json.to_string().as_bytes());
            let _ = registration(source(), &json);
        }
    }
}
