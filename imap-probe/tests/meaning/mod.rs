//! What a response says, as one line of text: so that what was written, what was read and what others read can be
//! compared.

#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod written;

use std::time::SystemTime;

use imap_probe::{
    Address, Code, Condition, Data, Envelope, Item, List, Namespace, Response, Status, Structure,
    Text,
};
use probe_net::message::Date;

pub(crate) fn of(response: &Response) -> String {
    match response {
        Response::Continue(text) => format!("+ {}", quote(text)),
        Response::Data(data) => of_data(data),
        Response::Other => "nothing".to_owned(),
        Response::Status(status) => of_status(status),
    }
}

fn of_status(status: &Status) -> String {
    let code = status.code.as_ref().map(of_code);
    self::status(status.tag.as_deref(), status.condition, code, &status.text)
}

pub(crate) fn status(
    tag: Option<&[u8]>,
    condition: Condition,
    code: Option<String>,
    text: &[u8],
) -> String {
    let tag = tag.map_or("*".to_owned(), quote);
    let (code, text) = (code.unwrap_or_default(), quote(text));
    format!("{tag} {} [{code}] {text}", condition.as_str())
}

fn of_code(code: &Code) -> String {
    match code {
        Code::Alert => "ALERT".to_owned(),
        Code::AppendUid { validity, uids } => format!("APPENDUID {validity} {}", quote(uids)),
        Code::Capability(offered) => format!("CAPABILITY {}", words(offered.words())),
        Code::CopyUid { validity, from, to } => {
            format!("COPYUID {validity} {} {}", quote(from), quote(to))
        }
        Code::HighestModSeq(number) => format!("HIGHESTMODSEQ {number}"),
        Code::PermanentFlags(flags) => format!("PERMANENTFLAGS {}", words(texts(flags))),
        Code::ReadOnly => "READ-ONLY".to_owned(),
        Code::ReadWrite => "READ-WRITE".to_owned(),
        Code::UidNext(uid) => format!("UIDNEXT {uid}"),
        Code::UidValidity(number) => format!("UIDVALIDITY {number}"),
        Code::Unseen(number) => format!("UNSEEN {number}"),
        Code::Other { name, arguments } => other_code(name, arguments),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn other_code(name: &[u8], arguments: &[u8]) -> String {
    let name = name.to_ascii_uppercase();
    // How a list of charsets is written differs.
    let arguments = if name == b"BADCHARSET" {
        b""
    } else {
        arguments
    };
    format!("{} {}", quote(&name), quote(arguments))
}

fn of_data(data: &Data) -> String {
    match data {
        Data::Capability(offered) => format!("CAPABILITY {}", words(offered.words())),
        Data::Enabled(names) => format!("ENABLED {}", words(texts(names))),
        Data::Exists(count) => format!("{count} EXISTS"),
        Data::Expunge(number) => format!("{number} EXPUNGE"),
        Data::Fetch(fetch) => {
            let items: Vec<_> = fetch.items.iter().map(of_item).collect();
            format!("{} FETCH {}", fetch.number, items.join(", "))
        }
        Data::Flags(flags) => format!("FLAGS {}", words(texts(flags))),
        Data::Id(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| (&**name, value.as_deref()));
            format!("ID {}", pairs(fields))
        }
        Data::List(list) => of_list(list),
        Data::MyRights { mailbox, rights } => {
            format!("MYRIGHTS {} {}", self::mailbox(mailbox), quote(rights))
        }
        Data::Namespace(all) => {
            let of = |some: &[Namespace]| {
                let some: Vec<_> = some
                    .iter()
                    .map(|one| namespace(&one.prefix, one.delimiter))
                    .collect();
                some.join(" ")
            };
            let (personal, others, shared) = (of(&all.personal), of(&all.others), of(&all.shared));
            format!("NAMESPACE ({personal}) ({others}) ({shared})")
        }
        Data::Quota { root, resources } => {
            let resources = resources.iter();
            let shown = resources.map(|one| (text(&one.name), one.usage, one.limit));
            quota(root, shown)
        }
        Data::QuotaRoot { mailbox, roots } => quota_root(mailbox, texts(roots)),
        Data::Recent(count) => format!("{count} RECENT"),
        Data::Search(found) => format!("SEARCH {found:?}"),
        Data::Status { mailbox, items } => {
            let items = items.iter().map(|(name, number)| (text(name), *number));
            mailbox_status(mailbox, items)
        }
        Data::Vanished(uids) => format!("VANISHED {}", quote(uids)),
        Data::Unknown(words) => {
            let name = words.split(|byte| *byte == b' ').next().unwrap_or_default();
            format!("UNKNOWN {}", text(name).to_ascii_uppercase())
        }
        other => format!("{other:?}"),
    }
}

fn of_list(list: &List) -> String {
    self::list(texts(&list.attributes), list.delimiter, &list.mailbox)
}

pub(crate) fn list<'a>(
    attributes: impl Iterator<Item = &'a [u8]>,
    delimiter: Option<u8>,
    mailbox: &[u8],
) -> String {
    let delimiter = delimiter.map(char::from);
    let mailbox = self::mailbox(mailbox);
    format!("LIST ({}) {delimiter:?} {mailbox}", words(attributes))
}

pub(crate) fn namespace(prefix: &[u8], delimiter: Option<u8>) -> String {
    format!("{} {:?}", quote(prefix), delimiter.map(char::from))
}

pub(crate) fn quota(root: &[u8], resources: impl Iterator<Item = (String, u64, u64)>) -> String {
    let resources: Vec<_> = resources
        .map(|(name, usage, limit)| format!("{} {usage} {limit}", name.to_ascii_uppercase()))
        .collect();
    format!("QUOTA {} {}", quote(root), resources.join(", "))
}

pub(crate) fn quota_root<'a>(mailbox: &[u8], roots: impl Iterator<Item = &'a [u8]>) -> String {
    let roots: Vec<_> = roots.map(quote).collect();
    format!("QUOTAROOT {} {}", self::mailbox(mailbox), roots.join(" "))
}

pub(crate) fn mailbox_status(mailbox: &[u8], items: impl Iterator<Item = (String, u64)>) -> String {
    let items: Vec<_> = items
        .map(|(name, number)| format!("{} {number}", name.to_ascii_uppercase()))
        .collect();
    format!("STATUS {} {}", self::mailbox(mailbox), items.join(", "))
}

pub(crate) fn pairs<'a>(pairs: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>) -> String {
    let pairs: Vec<_> = pairs
        .map(|(name, value)| format!("{}={}", quote(name), nquote(value)))
        .collect();
    pairs.join(" ")
}

fn of_item(item: &Item) -> String {
    match item {
        Item::Body {
            section,
            origin,
            bytes,
        } => body(&text(section), *origin, bytes.as_deref()),
        Item::BodyStructure(structure) => format!("STRUCTURE {}", of_structure(structure)),
        Item::Envelope(envelope) => of_envelope(envelope),
        Item::Flags(flags) => format!("FLAGS {}", words(texts(flags))),
        Item::InternalDate(date) => internal_date(Date::parse_imap(date).map(|date| date.at())),
        Item::ModSeq(number) => format!("MODSEQ {number}"),
        Item::Size(octets) => format!("SIZE {octets}"),
        Item::Uid(uid) => format!("UID {uid}"),
        Item::Other(name) => format!("OTHER {}", text(name).to_ascii_uppercase()),
        other => panic!("{other:?}"),
    }
}

/// The names of fields in a section may be written in several ways, so only their number is kept.
pub(crate) fn body(section: &str, origin: Option<u64>, bytes: Option<&[u8]>) -> String {
    let section = section.to_ascii_uppercase();
    let section = section.split(' ').next().unwrap_or_default();
    format!("BODY[{section}]<{origin:?}> {}", nquote(bytes))
}

pub(crate) fn internal_date(at: Option<SystemTime>) -> String {
    let since_1970 = at.map(|at| match at.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap(),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap(),
    });
    format!("INTERNALDATE {since_1970:?}")
}

fn of_structure(structure: &Structure) -> String {
    match structure {
        Structure::Multipart { parts, subtype } => {
            multipart(parts.iter().map(of_structure), subtype)
        }
        Structure::Part {
            kind,
            subtype,
            parameters,
            encoding,
            octets,
        } => {
            let parameters = parameters
                .iter()
                .map(|(name, value)| (&**name, value.as_deref()));
            part(
                [kind, subtype],
                parameters,
                encoding.as_deref().unwrap_or_default(),
                *octets,
            )
        }
    }
}

pub(crate) fn multipart(parts: impl Iterator<Item = String>, subtype: &[u8]) -> String {
    let parts: Vec<_> = parts.collect();
    format!(
        "({} {})",
        parts.join(" "),
        quote(&subtype.to_ascii_lowercase())
    )
}

pub(crate) fn part<'a>(
    kind: [&[u8]; 2],
    parameters: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    encoding: &[u8],
    octets: u64,
) -> String {
    let [kind, subtype] = kind.map(|word| quote(&word.to_ascii_lowercase()));
    let (parameters, encoding) = (pairs(parameters), quote(encoding));
    format!("({kind} {subtype} ({parameters}) {encoding} {octets})")
}

fn of_envelope(envelope: &Envelope) -> String {
    let of = |addresses: &[Address]| {
        let shown = |one: &Address| {
            address([&one.name, &one.mailbox, &one.host].map(|part| part.as_deref()))
        };
        addresses.iter().map(shown).collect::<Vec<_>>().join("")
    };
    self::envelope(
        [
            &envelope.date,
            &envelope.subject,
            &envelope.in_reply_to,
            &envelope.message_id,
        ]
        .map(|field| field.as_deref()),
        [
            of(&envelope.from),
            of(&envelope.sender),
            of(&envelope.reply_to),
            of(&envelope.to),
            of(&envelope.cc),
            of(&envelope.bcc),
        ],
    )
}

/// Date, subject, In-Reply-To and Message-ID; from, sender, Reply-To, to, cc, bcc.
pub(crate) fn envelope(fields: [Option<&[u8]>; 4], addresses: [String; 6]) -> String {
    format!("ENVELOPE {} {addresses:?}", fields.map(nquote).join(" "))
}

pub(crate) fn address(parts: [Option<&[u8]>; 3]) -> String {
    format!("({})", parts.map(nquote).join(" "))
}

/// Words whose letters may be in any case.
pub(crate) fn words<'a>(words: impl Iterator<Item = &'a [u8]>) -> String {
    let words: Vec<_> = words.map(|word| text(&word.to_ascii_uppercase())).collect();
    words.join(" ")
}

pub(crate) fn mailbox(name: &[u8]) -> String {
    match name.eq_ignore_ascii_case(b"INBOX") {
        true => "INBOX".to_owned(),
        false => quote(name),
    }
}

pub(crate) fn quote(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}

pub(crate) fn nquote(bytes: Option<&[u8]>) -> String {
    bytes.map_or("NIL".to_owned(), quote)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn texts(texts: &[Text]) -> impl Iterator<Item = &[u8]> {
    texts.iter().map(|text| &**text)
}
