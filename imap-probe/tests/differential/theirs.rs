//! What `imap-codec` takes a response for, in the words of `meaning`.

use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use imap_codec::imap_types::body::{BodyStructure, SpecificFields};
use imap_codec::imap_types::core::{AString, IString, NString, NString8};
use imap_codec::imap_types::datetime::DateTime;
use imap_codec::imap_types::envelope::{Address, Envelope};
use imap_codec::imap_types::extensions::namespace::Namespace;
use imap_codec::imap_types::extensions::uidplus::{UidElement, UidSet};
use imap_codec::imap_types::fetch::{MessageDataItem, Part, Section};
use imap_codec::imap_types::flag::{FlagFetch, FlagNameAttribute, FlagPerm};
use imap_codec::imap_types::mailbox::Mailbox;
use imap_codec::imap_types::response::{
    Bye, Code, CommandContinuationRequest, Data, Greeting, GreetingKind, Response, Status,
    StatusBody, StatusKind,
};
use imap_codec::imap_types::sequence::{SeqOrUid, Sequence, SequenceSet};
use imap_codec::imap_types::status::StatusDataItem;
use imap_probe::Condition;

use crate::meaning;

pub(crate) fn of(response: &Response<'_>) -> String {
    match response {
        Response::CommandContinuationRequest(request) => of_continuation(request),
        Response::Data(data) => of_data(data),
        Response::Status(status) => of_status(status),
    }
}

pub(crate) fn of_greeting(greeting: &Greeting<'_>) -> String {
    let condition = match greeting.kind {
        GreetingKind::Ok => Condition::Ok,
        GreetingKind::PreAuth => Condition::PreAuth,
        GreetingKind::Bye => Condition::Bye,
    };
    let code = greeting.code.as_ref().map(of_code);
    meaning::status(None, condition, code, greeting.text.as_ref().as_bytes())
}

fn of_continuation(request: &CommandContinuationRequest<'_>) -> String {
    match request {
        CommandContinuationRequest::Basic(basic) => {
            format!("+ {}", meaning::quote(basic.text().as_ref().as_bytes()))
        }
        CommandContinuationRequest::Base64(data) => {
            format!(
                "+ {}",
                meaning::quote(BASE64_STANDARD.encode(data).as_bytes())
            )
        }
    }
}

fn of_status(status: &Status<'_>) -> String {
    let of = |tag: Option<&[u8]>, body: &StatusBody<'_>| {
        let condition = match body.kind {
            StatusKind::Ok => Condition::Ok,
            StatusKind::No => Condition::No,
            StatusKind::Bad => Condition::Bad,
        };
        let code = body.code.as_ref().map(of_code);
        meaning::status(tag, condition, code, body.text.as_ref().as_bytes())
    };
    match status {
        Status::Untagged(body) => of(None, body),
        Status::Tagged(tagged) => of(Some(tagged.tag.as_ref().as_bytes()), &tagged.body),
        Status::Bye(Bye { code, text }) => {
            let code = code.as_ref().map(of_code);
            meaning::status(None, Condition::Bye, code, text.as_ref().as_bytes())
        }
    }
}

fn of_code(code: &Code<'_>) -> String {
    match code {
        Code::Alert => "ALERT".to_owned(),
        Code::AppendUid { uid_validity, uid } => format!("APPENDUID {uid_validity} \"{uid}\""),
        Code::BadCharset { .. } => meaning::other_code(b"BADCHARSET", b""),
        Code::Capability(offered) => format!("CAPABILITY {}", displayed(offered.as_ref())),
        Code::CopyUid {
            uid_validity,
            source,
            destination,
        } => {
            let (from, to) = (uids(source), uids(destination));
            format!("COPYUID {uid_validity} \"{from}\" \"{to}\"")
        }
        Code::HighestModSeq(number) => format!("HIGHESTMODSEQ {number}"),
        Code::PermanentFlags(flags) => {
            let shown = flags.iter().map(|flag| match flag {
                FlagPerm::Asterisk => "\\*".to_owned(),
                FlagPerm::Flag(flag) => flag.to_string(),
            });
            format!("PERMANENTFLAGS {}", displayed(&shown.collect::<Vec<_>>()))
        }
        Code::ReadOnly => "READ-ONLY".to_owned(),
        Code::ReadWrite => "READ-WRITE".to_owned(),
        Code::UidNext(uid) => format!("UIDNEXT {uid}"),
        Code::UidValidity(number) => format!("UIDVALIDITY {number}"),
        Code::Unseen(number) => format!("UNSEEN {number}"),
        Code::Modified(set) => meaning::other_code(b"MODIFIED", sequence(set).as_bytes()),
        Code::Parse => meaning::other_code(b"PARSE", b""),
        Code::TryCreate => meaning::other_code(b"TRYCREATE", b""),
        Code::CompressionActive => meaning::other_code(b"COMPRESSIONACTIVE", b""),
        Code::OverQuota => meaning::other_code(b"OVERQUOTA", b""),
        Code::TooBig => meaning::other_code(b"TOOBIG", b""),
        Code::UnknownCte => meaning::other_code(b"UNKNOWN-CTE", b""),
        Code::UidNotSticky => meaning::other_code(b"UIDNOTSTICKY", b""),
        Code::NoModSeq => meaning::other_code(b"NOMODSEQ", b""),
        Code::Closed => meaning::other_code(b"CLOSED", b""),
        Code::Other(other) => {
            let inside = other.inner();
            let end = inside
                .iter()
                .position(|byte| *byte == b' ')
                .unwrap_or(inside.len());
            let (name, arguments) = inside.split_at(end);
            meaning::other_code(name, arguments.trim_ascii())
        }
    }
}

fn of_data(data: &Data<'_>) -> String {
    match data {
        Data::Capability(offered) => format!("CAPABILITY {}", displayed(offered.as_ref())),
        Data::List {
            items,
            delimiter,
            mailbox,
        }
        | Data::Lsub {
            items,
            delimiter,
            mailbox,
        } => {
            let attributes: Vec<_> = items.iter().map(FlagNameAttribute::to_string).collect();
            let delimiter = delimiter.map(|delimiter| u8::try_from(delimiter.inner()).unwrap());
            meaning::list(
                attributes.iter().map(String::as_bytes),
                delimiter,
                name(mailbox),
            )
        }
        Data::Status { mailbox, items } => {
            meaning::mailbox_status(name(mailbox), items.iter().map(count))
        }
        Data::Search(found, _) | Data::Sort(found, _) => {
            let found: Vec<_> = found.iter().copied().map(NonZeroU32::get).collect();
            format!("SEARCH {found:?}")
        }
        Data::Flags(flags) => format!("FLAGS {}", displayed(flags)),
        Data::Exists(count) => format!("{count} EXISTS"),
        Data::Recent(count) => format!("{count} RECENT"),
        Data::Expunge(number) => format!("{number} EXPUNGE"),
        Data::Fetch { seq, items } => {
            let items: Vec<_> = items.as_ref().iter().map(of_item).collect();
            format!("{seq} FETCH {}", items.join(", "))
        }
        Data::Enabled { capabilities } => format!("ENABLED {}", displayed(capabilities)),
        Data::Quota { root, quotas } => {
            let quotas = quotas.as_ref().iter();
            let quotas = quotas.map(|one| (one.resource.to_string(), one.usage, one.limit));
            meaning::quota(astring(root), quotas)
        }
        Data::QuotaRoot { mailbox, roots } => {
            meaning::quota_root(name(mailbox), roots.iter().map(astring))
        }
        Data::Id { parameters } => {
            let fields = parameters.iter().flatten();
            let fields = fields.map(|(name, value)| (name.as_ref(), nstring(value)));
            format!("ID {}", meaning::pairs(fields))
        }
        Data::Namespace {
            personal,
            other,
            shared,
        } => {
            let (personal, other) = (namespaces(personal), namespaces(other));
            format!("NAMESPACE ({personal}) ({other}) ({})", namespaces(shared))
        }
        Data::Vanished { known_uids, .. } => format!("VANISHED \"{}\"", sequence(known_uids)),
        // Ours asks for none.
        Data::Thread(_) => "UNKNOWN THREAD".to_owned(),
    }
}

fn of_item(item: &MessageDataItem<'_>) -> String {
    match item {
        MessageDataItem::Body(structure) | MessageDataItem::BodyStructure(structure) => {
            format!("STRUCTURE {}", of_structure(structure))
        }
        MessageDataItem::BodyExt {
            section,
            origin,
            data,
        } => {
            let section = section.as_ref().map(of_section).unwrap_or_default();
            meaning::body(&section, origin.map(u64::from), nstring(data))
        }
        MessageDataItem::Envelope(envelope) => of_envelope(envelope),
        MessageDataItem::Flags(flags) => {
            let shown = flags.iter().map(|flag| match flag {
                FlagFetch::Recent => "\\Recent".to_owned(),
                FlagFetch::Flag(flag) => flag.to_string(),
            });
            format!("FLAGS {}", displayed(&shown.collect::<Vec<_>>()))
        }
        // Before 1900 there is no mail (RFC 5322 section 3.3), and no date of ours.
        MessageDataItem::InternalDate(date) => {
            let year_1900 = SystemTime::UNIX_EPOCH - Duration::from_secs(2_208_988_800);
            meaning::internal_date(Some(at(date)).filter(|at| *at >= year_1900))
        }
        MessageDataItem::Rfc822(bytes) => meaning::body("", None, nstring(bytes)),
        MessageDataItem::Rfc822Header(bytes) => meaning::body("HEADER", None, nstring(bytes)),
        MessageDataItem::Rfc822Text(bytes) => meaning::body("TEXT", None, nstring(bytes)),
        MessageDataItem::Rfc822Size(octets) => format!("SIZE {octets}"),
        MessageDataItem::Uid(uid) => format!("UID {uid}"),
        MessageDataItem::Binary { section, value } => {
            let bytes = match value {
                NString8::NString(text) => nstring(text),
                NString8::Literal8(literal) => Some(literal.data.as_ref()),
            };
            meaning::body(&numbers(section), None, bytes)
        }
        MessageDataItem::BinarySize { .. } => "OTHER BINARY.SIZE".to_owned(),
        MessageDataItem::ModSeq(number) => format!("MODSEQ {number}"),
    }
}

fn of_section(section: &Section<'_>) -> String {
    let behind = |part: &Option<Part>, name: &str| match part {
        Some(part) => format!("{}.{name}", numbers(part.0.as_ref())),
        None => name.to_owned(),
    };
    match section {
        Section::Part(part) => numbers(part.0.as_ref()),
        Section::Header(part) => behind(part, "HEADER"),
        Section::HeaderFields(part, _) => behind(part, "HEADER.FIELDS"),
        Section::HeaderFieldsNot(part, _) => behind(part, "HEADER.FIELDS.NOT"),
        Section::Text(part) => behind(part, "TEXT"),
        Section::Mime(part) => format!("{}.MIME", numbers(part.0.as_ref())),
    }
}

fn numbers(part: &[NonZeroU32]) -> String {
    let numbers: Vec<_> = part.iter().map(ToString::to_string).collect();
    numbers.join(".")
}

fn of_structure(structure: &BodyStructure<'_>) -> String {
    match structure {
        BodyStructure::Multi {
            bodies, subtype, ..
        } => meaning::multipart(bodies.as_ref().iter().map(of_structure), subtype.as_ref()),
        BodyStructure::Single { body, .. } => {
            let kind = match &body.specific {
                SpecificFields::Basic { r#type, subtype } => [r#type.as_ref(), subtype.as_ref()],
                SpecificFields::Message { .. } => [&b"message"[..], b"rfc822"],
                SpecificFields::Text { subtype, .. } => [b"text", subtype.as_ref()],
            };
            let parameters = body.basic.parameter_list.iter();
            let parameters = parameters.map(|(name, value)| (name.as_ref(), Some(value.as_ref())));
            let encoding = body.basic.content_transfer_encoding.as_ref();
            meaning::part(kind, parameters, encoding, body.basic.size.into())
        }
    }
}

fn of_envelope(envelope: &Envelope<'_>) -> String {
    let of = |addresses: &[Address<'_>]| {
        let shown = |one: &Address<'_>| {
            meaning::address([&one.name, &one.mailbox, &one.host].map(|part| nstring(part)))
        };
        addresses.iter().map(shown).collect::<String>()
    };
    meaning::envelope(
        [
            &envelope.date,
            &envelope.subject,
            &envelope.in_reply_to,
            &envelope.message_id,
        ]
        .map(|field| nstring(field)),
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

fn at(date: &DateTime) -> SystemTime {
    let seconds = date.as_ref().timestamp();
    let distance = Duration::from_secs(seconds.unsigned_abs());
    match seconds < 0 {
        true => SystemTime::UNIX_EPOCH - distance,
        false => SystemTime::UNIX_EPOCH + distance,
    }
}

fn namespaces(some: &[Namespace<'_>]) -> String {
    let shown = some.iter().map(|one| {
        let delimiter = one
            .delimiter
            .map(|delimiter| u8::try_from(delimiter.inner()).unwrap());
        meaning::namespace(one.prefix.as_ref(), delimiter)
    });
    shown.collect::<Vec<_>>().join(" ")
}

fn count(item: &StatusDataItem) -> (String, u64) {
    let (name, number) = match item {
        StatusDataItem::Messages(number) => ("MESSAGES", (*number).into()),
        StatusDataItem::Recent(number) => ("RECENT", (*number).into()),
        StatusDataItem::UidNext(number) => ("UIDNEXT", number.get().into()),
        StatusDataItem::UidValidity(number) => ("UIDVALIDITY", number.get().into()),
        StatusDataItem::Unseen(number) => ("UNSEEN", (*number).into()),
        StatusDataItem::Deleted(number) => ("DELETED", (*number).into()),
        StatusDataItem::DeletedStorage(number) => ("DELETED-STORAGE", *number),
        StatusDataItem::HighestModSeq(number) => ("HIGHESTMODSEQ", *number),
    };
    (name.to_owned(), number)
}

fn uids(set: &UidSet) -> String {
    let shown = set.0.as_ref().iter().map(|one| match one {
        UidElement::Single(uid) => uid.to_string(),
        UidElement::Range(from, to) => format!("{from}:{to}"),
    });
    shown.collect::<Vec<_>>().join(",")
}

fn sequence(set: &SequenceSet) -> String {
    let number = |number: &SeqOrUid| match number {
        SeqOrUid::Value(number) => number.to_string(),
        SeqOrUid::Asterisk => "*".to_owned(),
    };
    let shown = set.0.as_ref().iter().map(|one| match one {
        Sequence::Single(one) => number(one),
        Sequence::Range(from, to) => format!("{}:{}", number(from), number(to)),
    });
    shown.collect::<Vec<_>>().join(",")
}

fn displayed(words: &[impl ToString]) -> String {
    let words: Vec<_> = words.iter().map(ToString::to_string).collect();
    meaning::words(words.iter().map(String::as_bytes))
}

fn name<'a>(mailbox: &'a Mailbox<'_>) -> &'a [u8] {
    match mailbox {
        Mailbox::Inbox => b"INBOX",
        Mailbox::Other(other) => other.as_ref(),
    }
}

fn astring<'a>(text: &'a AString<'_>) -> &'a [u8] {
    text.as_ref()
}

fn nstring<'a>(text: &'a NString<'_>) -> Option<&'a [u8]> {
    text.0.as_ref().map(IString::as_ref)
}
