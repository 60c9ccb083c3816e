//! Responses as a server without fault writes them, with what they say: for whatever reads them.

use imap_probe::{Condition, Mailbox};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{
    address, body, envelope, internal_date, list, mailbox_status, multipart, namespace, other_code,
    pairs, part, quota, quota_root, status, words,
};

/// What stands on the wire, and what it means.
pub(crate) type Written = (Vec<u8>, String);

/// A response with its line end.
pub(crate) fn response() -> impl Strategy<Value = Written> {
    let line = prop_oneof![
        3 => completion(),
        1 => capability(),
        2 => listed(),
        1 => counts(),
        1 => search(),
        1 => flags("* "),
        1 => number(),
        4 => fetch(),
        1 => limits(),
        1 => roots(),
        1 => id(),
        1 => namespaces(),
        1 => rights(),
    ];
    line.prop_map(|(wire, meaning)| ([&*wire, b"\r\n"].concat(), meaning))
}

/// A string and how it is written: quoted or as a literal.
pub(crate) fn string() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let quoted = "[ -~]{0,12}".prop_map(|text| (quoted(&text), text.into_bytes()));
    let octets = vec(1u8.., 0..12);
    let literal = octets.prop_map(|octets| (literal(&octets), octets));
    prop_oneof![3 => quoted, 1 => literal]
}

pub(crate) fn quoted(text: &str) -> Vec<u8> {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"").into_bytes()
}

pub(crate) fn literal(octets: &[u8]) -> Vec<u8> {
    [format!("{{{}}}\r\n", octets.len()).as_bytes(), octets].concat()
}

fn nstring() -> impl Strategy<Value = (Vec<u8>, Option<Vec<u8>>)> {
    option::of(string()).prop_map(|text| match text {
        Some((wire, text)) => (wire, Some(text)),
        None => (b"NIL".to_vec(), None),
    })
}

fn atom() -> impl Strategy<Value = String> {
    let word = "[A-Za-z0-9][A-Za-z0-9.=-]{0,9}";
    word.prop_filter("NIL is no word", |word| !word.eq_ignore_ascii_case("NIL"))
}

fn astring() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let word = atom().prop_map(|word| (word.clone().into_bytes(), word.into_bytes()));
    prop_oneof![word, string()]
}

fn mailbox() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let named = "\\PC{1,8}".prop_filter_map("no name", |name| {
        let wire = name.parse::<Mailbox>().ok()?.to_wire();
        let text = String::from_utf8(wire.clone()).ok()?;
        Some((quoted(&text), wire))
    });
    prop_oneof![
        Just((b"inbox".to_vec(), b"INBOX".to_vec())),
        named,
        astring()
    ]
}

fn delimiter() -> impl Strategy<Value = (Vec<u8>, Option<u8>)> {
    let written = |delimiter: Option<char>| match delimiter {
        Some(delimiter) => (
            quoted(&delimiter.to_string()),
            Some(u8::try_from(delimiter).unwrap()),
        ),
        None => (b"NIL".to_vec(), None),
    };
    prop_oneof![
        Just(None),
        Just(Some('/')),
        Just(Some('.')),
        Just(Some('\\')),
        Just(Some('"'))
    ]
    .prop_map(written)
}

fn flag() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("\\Seen".to_owned()),
        Just("\\Flagged".to_owned()),
        Just("\\Deleted".to_owned()),
        "\\$[A-Za-z]{1,8}",
        "\\\\X[A-Za-z]{1,8}",
    ]
}

/// `FLAGS (flag flag)`
fn flags(before: &'static str) -> impl Strategy<Value = Written> {
    vec(flag(), 0..4).prop_map(move |flags| {
        let wire = format!("{before}FLAGS ({})", flags.join(" "));
        let shown = words(flags.iter().map(String::as_bytes));
        (wire.into_bytes(), format!("FLAGS {shown}"))
    })
}

fn code() -> impl Strategy<Value = (String, String)> {
    let same = |code: String| (code.clone(), code);
    prop_oneof![
        Just("ALERT".to_owned()).prop_map(same),
        Just("READ-ONLY".to_owned()).prop_map(same),
        (1u32..)
            .prop_map(|uid| format!("UIDNEXT {uid}"))
            .prop_map(same),
        (1u32..)
            .prop_map(|number| format!("UIDVALIDITY {number}"))
            .prop_map(same),
        (1u32.., 1u32..).prop_map(|(validity, uid)| {
            (
                format!("APPENDUID {validity} {uid}"),
                format!("APPENDUID {validity} \"{uid}\""),
            )
        }),
        (1u32.., 1u32..100, 100u32..).prop_map(|(validity, from, to)| {
            let wire = format!("COPYUID {validity} {from} {to}");
            (wire, format!("COPYUID {validity} \"{from}\" \"{to}\""))
        }),
        vec(flag(), 0..3).prop_map(|flags| {
            let meaning = words(flags.iter().map(String::as_bytes));
            (
                format!("PERMANENTFLAGS ({})", flags.join(" ")),
                format!("PERMANENTFLAGS {meaning}"),
            )
        }),
        "X[A-Z]{1,8}".prop_map(|name| (name.clone(), other_code(name.as_bytes(), b""))),
    ]
}

fn completion() -> impl Strategy<Value = Written> {
    let condition = prop_oneof![
        Just(Condition::Ok),
        Just(Condition::No),
        Just(Condition::Bad),
        Just(Condition::Bye),
    ];
    let text = "[A-Za-z]([ -~]{0,20}[!-~])?";
    (
        option::of("A[0-9]{1,4}"),
        condition,
        option::of(code()),
        text,
    )
        .prop_map(|(tag, condition, code, text)| {
            let tag = tag.filter(|_| condition != Condition::Bye);
            let said = code
                .as_ref()
                .map(|(wire, _)| format!("[{wire}] "))
                .unwrap_or_default();
            let begin = tag.as_deref().unwrap_or("*");
            let wire = format!("{begin} {} {said}{text}", condition.as_str());
            let (tag, code) = (
                tag.as_deref().map(str::as_bytes),
                code.map(|(_, code)| code),
            );
            (
                wire.into_bytes(),
                status(tag, condition, code, text.as_bytes()),
            )
        })
}

fn capability() -> impl Strategy<Value = Written> {
    vec(atom(), 1..12).prop_map(|names| {
        let meaning = words(names.iter().map(String::as_bytes));
        (
            format!("* CAPABILITY {}", names.join(" ")).into_bytes(),
            format!("CAPABILITY {meaning}"),
        )
    })
}

fn listed() -> impl Strategy<Value = Written> {
    let attribute = prop_oneof![
        "\\\\Noselect",
        "\\\\HasChildren",
        "\\\\Sent",
        "\\\\X[a-z]{1,6}"
    ];
    (vec(attribute, 0..4), delimiter(), mailbox()).prop_map(
        |(attributes, (wire, delimiter), (name, mailbox))| {
            let begin = format!("* LIST ({}) ", attributes.join(" "));
            let wire = [begin.as_bytes(), &wire, b" ", &name].concat();
            let attributes = attributes.iter().map(String::as_bytes);
            (wire, list(attributes, delimiter, &mailbox))
        },
    )
}

fn counts() -> impl Strategy<Value = Written> {
    let names = ["MESSAGES", "UNSEEN", "UIDNEXT", "UIDVALIDITY", "RECENT"];
    (mailbox(), vec((0..names.len(), 1u32..), 0..4)).prop_map(move |((wire, mailbox), items)| {
        let items: Vec<_> = items
            .iter()
            .map(|(at, number)| (names[*at], *number))
            .collect();
        let shown: Vec<_> = items
            .iter()
            .map(|(name, number)| format!("{name} {number}"))
            .collect();
        let wire = [
            b"* STATUS ",
            &*wire,
            format!(" ({})", shown.join(" ")).as_bytes(),
        ]
        .concat();
        let items = items
            .into_iter()
            .map(|(name, number)| (name.to_owned(), number.into()));
        (wire, mailbox_status(&mailbox, items))
    })
}

fn search() -> impl Strategy<Value = Written> {
    vec(1u32.., 0..20).prop_map(|found| {
        let numbers: String = found.iter().map(|number| format!(" {number}")).collect();
        (
            format!("* SEARCH{numbers}").into_bytes(),
            format!("SEARCH {found:?}"),
        )
    })
}

fn number() -> impl Strategy<Value = Written> {
    (
        1u32..,
        prop_oneof![Just("EXISTS"), Just("RECENT"), Just("EXPUNGE")],
    )
        .prop_map(|(number, name)| {
            (
                format!("* {number} {name}").into_bytes(),
                format!("{number} {name}"),
            )
        })
}

fn limits() -> impl Strategy<Value = Written> {
    let resource = (
        prop_oneof![Just("STORAGE"), Just("MESSAGE")],
        0u64..1 << 62,
        0u64..1 << 62,
    );
    (astring(), vec(resource, 1..3)).prop_map(|((wire, root), resources)| {
        let shown = resources
            .iter()
            .map(|(name, usage, limit)| format!("{name} {usage} {limit}"));
        let shown = shown.collect::<Vec<_>>().join(" ");
        let wire = [b"* QUOTA ", &*wire, b" (", shown.as_bytes(), b")"].concat();
        let resources = resources.into_iter();
        let resources = resources.map(|(name, usage, limit)| (name.to_owned(), usage, limit));
        (wire, quota(&root, resources))
    })
}

fn roots() -> impl Strategy<Value = Written> {
    (mailbox(), vec(astring(), 0..3)).prop_map(|((wire, mailbox), roots)| {
        let mut wire = [b"* QUOTAROOT ", &*wire].concat();
        for (root, _) in &roots {
            wire.push(b' ');
            wire.extend_from_slice(root);
        }
        (
            wire,
            quota_root(&mailbox, roots.iter().map(|(_, root)| &**root)),
        )
    })
}

fn written_pairs() -> impl Strategy<Value = Written> {
    vec((string(), nstring()), 0..4).prop_map(|fields| {
        let wire = fields
            .iter()
            .map(|((name, _), (value, _))| [&**name, value].join(&b' '));
        let wire = match fields.is_empty() {
            true => b"NIL".to_vec(),
            false => [b"(", &*wire.collect::<Vec<_>>().join(&b' '), b")"].concat(),
        };
        let fields = fields
            .iter()
            .map(|((_, name), (_, value))| (&**name, value.as_deref()));
        (wire, pairs(fields))
    })
}

fn id() -> impl Strategy<Value = Written> {
    written_pairs()
        .prop_map(|(wire, meaning)| ([b"* ID ", &*wire].concat(), format!("ID {meaning}")))
}

fn namespaces() -> impl Strategy<Value = Written> {
    let place = || {
        vec((string(), delimiter()), 0..3).prop_map(|members| {
            let wire = members.iter().map(|((prefix, _), (delimiter, _))| {
                [b"(", &**prefix, b" ", delimiter, b")"].concat()
            });
            let wire = match members.is_empty() {
                true => b"NIL".to_vec(),
                false => [b"(", &*wire.collect::<Vec<_>>().concat(), b")"].concat(),
            };
            let shown = members
                .iter()
                .map(|((_, prefix), (_, delimiter))| namespace(prefix, *delimiter));
            (wire, shown.collect::<Vec<_>>().join(" "))
        })
    };
    [place(), place(), place()].prop_map(|[personal, others, shared]| {
        let wire = [&*personal.0, &others.0, &shared.0].join(&b' ');
        let meaning = format!("NAMESPACE ({}) ({}) ({})", personal.1, others.1, shared.1);
        ([b"* NAMESPACE ", &*wire].concat(), meaning)
    })
}

fn rights() -> impl Strategy<Value = Written> {
    (mailbox(), "[a-z]{1,12}").prop_map(|((wire, name), rights)| {
        let wire = [b"* MYRIGHTS ", &*wire, b" ", rights.as_bytes()].concat();
        (
            wire,
            format!("MYRIGHTS {} \"{rights}\"", super::mailbox(&name)),
        )
    })
}

fn fetch() -> impl Strategy<Value = Written> {
    let item = prop_oneof![
        (1u32..).prop_map(|uid| (format!("UID {uid}").into_bytes(), format!("UID {uid}"))),
        (0u32..).prop_map(|size| (
            format!("RFC822.SIZE {size}").into_bytes(),
            format!("SIZE {size}")
        )),
        flags(""),
        Just((
            b"INTERNALDATE \" 1-Feb-2024 03:04:05 +0100\"".to_vec(),
            internal_date(Some(
                std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_706_753_045)
            )),
        )),
        written_body(),
        written_envelope(),
        structure().prop_map(|(wire, meaning)| {
            (
                [b"BODYSTRUCTURE ", &*wire].concat(),
                format!("STRUCTURE {meaning}"),
            )
        }),
    ];
    (1u32.., vec(item, 1..5)).prop_map(|(number, items)| {
        let (wire, meaning): (Vec<_>, Vec<_>) = items.into_iter().unzip();
        let wire = wire.join(&b' ');
        let begin = format!("* {number} FETCH (");
        let wire = [begin.as_bytes(), &wire, b")"].concat();
        (wire, format!("{number} FETCH {}", meaning.join(", ")))
    })
}

fn written_body() -> impl Strategy<Value = Written> {
    let section = prop_oneof![
        Just(""),
        Just("HEADER"),
        Just("TEXT"),
        Just("1.2"),
        Just("1.MIME"),
        Just("HEADER.FIELDS (Subject)"),
    ];
    (section, option::of(any::<u32>()), nstring()).prop_map(|(section, origin, (wire, bytes))| {
        let shown = origin
            .map(|origin| format!("<{origin}>"))
            .unwrap_or_default();
        let begin = format!("BODY[{section}]{shown} ");
        let meaning = body(section, origin.map(u64::from), bytes.as_deref());
        ([begin.as_bytes(), &wire].concat(), meaning)
    })
}

fn written_envelope() -> impl Strategy<Value = Written> {
    let field = || vec(nstring(), 4);
    let one =
        (nstring(), nstring(), nstring(), nstring()).prop_map(|(name, route, mailbox, host)| {
            let wire = [&*name.0, &route.0, &mailbox.0, &host.0].join(&b' ');
            let meaning = address([&name.1, &mailbox.1, &host.1].map(|part| part.as_deref()));
            ([b"(", &*wire, b")"].concat(), meaning)
        });
    let some = vec(one, 0..3).prop_map(|some| {
        let (wire, meaning): (Vec<_>, Vec<_>) = some.into_iter().unzip();
        match wire.is_empty() {
            true => (b"NIL".to_vec(), String::new()),
            false => ([b"(", &*wire.concat(), b")"].concat(), meaning.concat()),
        }
    });
    (field(), vec(some, 6)).prop_map(|(fields, addresses)| {
        let (before, behind) = fields.split_at(2);
        let wire: Vec<_> = (before.iter().map(|(wire, _)| wire))
            .chain(addresses.iter().map(|(wire, _)| wire))
            .chain(behind.iter().map(|(wire, _)| wire))
            .cloned()
            .collect();
        let wire = [b"ENVELOPE (", &*wire.join(&b' '), b")"].concat();
        let fields: [_; 4] = core::array::from_fn(|at| fields[at].1.as_deref());
        let addresses = core::array::from_fn(|at| addresses[at].1.clone());
        (wire, envelope(fields, addresses))
    })
}

fn structure() -> impl Strategy<Value = Written> {
    let parameters = vec((string(), string()), 0..3);
    let word = || "[A-Za-z]{1,8}";
    let kind = word().prop_filter("has more fields", |kind| {
        !kind.eq_ignore_ascii_case("text") && !kind.eq_ignore_ascii_case("message")
    });
    let single = (kind, word(), parameters, string(), any::<u32>()).prop_map(
        |(kind, subtype, parameters, (wire, encoding), octets)| {
            let shown = parameters
                .iter()
                .map(|((name, _), (value, _))| [&**name, value].join(&b' '));
            let shown = match parameters.is_empty() {
                true => b"NIL".to_vec(),
                false => [b"(", &*shown.collect::<Vec<_>>().join(&b' '), b")"].concat(),
            };
            let (begin, end) = (format!("(\"{kind}\" \"{subtype}\" "), format!(" {octets})"));
            let wire = [
                begin.as_bytes(),
                &shown,
                b" NIL NIL ",
                &wire,
                end.as_bytes(),
            ];
            let parameters = parameters
                .iter()
                .map(|((_, name), (_, value))| (&**name, Some(&**value)));
            let kind = [kind.as_bytes(), subtype.as_bytes()];
            (
                wire.concat(),
                part(kind, parameters, &encoding, octets.into()),
            )
        },
    );
    single.prop_recursive(3, 8, 3, move |inner| {
        (vec(inner, 1..3), word()).prop_map(|(parts, subtype)| {
            let (wire, meaning): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
            let wire = [b"(", &*wire.concat(), format!(" \"{subtype}\")").as_bytes()].concat();
            (wire, multipart(meaning.into_iter(), subtype.as_bytes()))
        })
    })
}
