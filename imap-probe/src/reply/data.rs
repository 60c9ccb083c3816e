//! Data responses (RFC 9051 sections 7.2 to 7.4): what a server tells of itself, of mailboxes and of their messages.
//! What it tells of one message is `fetch.rs`.

use nom::Parser;
use nom::bytes::complete::take_while1;
use nom::combinator::opt;
use probe_net::sasl::Mechanism;

use super::fetch::{Fetch, fetch};
use super::lexer::{
    Capitals, DEPTH, Heard, Parsed, Text, anything, astring, atom, end, flag, list, list_or_nil,
    nstring, number, number64, pair, refuse, run_or_nil, space,
};
use super::quirk::Quirk;
use super::status::sequence_set;

/// What the server tells without being the answer to how a command went.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Data {
    /// What the server can do.
    Capability(Capabilities),
    /// The extensions that are on now (RFC 5161).
    Enabled(Vec<Text>),
    /// How many messages there are.
    Exists(u32),
    /// A message is gone; those behind it have moved up.
    Expunge(u32),
    /// The result of a search, in the extended form (RFC 4731).
    ExtendedSearch(ExtendedSearch),
    /// What was asked of a message.
    Fetch(Fetch),
    /// The flags that messages can have here.
    Flags(Vec<Text>),
    /// What the server says it is (RFC 2971).
    Id(Vec<(Text, Option<Text>)>),
    /// A mailbox.
    List(List),
    /// What the user may do with a mailbox (RFC 4314).
    MyRights {
        /// The mailbox, as it is written on the wire.
        mailbox: Text,
        /// A letter for each right.
        rights: Text,
    },
    /// Where mailboxes are (RFC 2342).
    Namespace(Namespaces),
    /// How much is used of what is allowed (RFC 9208).
    Quota {
        /// Whose limits they are.
        root: Text,
        /// Each limit.
        resources: Vec<Resource>,
    },
    /// Which limits hold for a mailbox (RFC 9208).
    QuotaRoot {
        /// The mailbox, as it is written on the wire.
        mailbox: Text,
        /// The roots of its limits.
        roots: Vec<Text>,
    },
    /// How many messages nobody had seen yet; gone in IMAP4rev2.
    Recent(u32),
    /// The numbers that a search found.
    Search(Vec<u32>),
    /// Counts of a mailbox.
    Status {
        /// The mailbox, as it is written on the wire.
        mailbox: Text,
        /// Each count, by name.
        items: Vec<(Text, u64)>,
    },
    /// Messages are gone, by their UIDs (RFC 7162).
    Vanished(Text),
    /// Something that is not known here.
    Unknown(Text),
}

/// What a server can do: the words of `CAPABILITY`, in its order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Capabilities(Text);

impl Capabilities {
    /// The most words that are read; servers say sixty.
    const WORDS: usize = 512;

    pub(super) const fn new(words: Text) -> Self {
        Self(words)
    }

    /// The words one by one.
    pub fn words(&self) -> impl Iterator<Item = &[u8]> {
        let words = self.0.split(|byte| *byte == b' ');
        words.filter(|word| !word.is_empty()).take(Self::WORDS)
    }

    /// Whether this word is among them, in any case of letters.
    pub fn has(&self, name: &str) -> bool {
        self.words()
            .any(|word| word.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// The SASL mechanisms that are known here.
    pub fn mechanisms(&self) -> Vec<Mechanism> {
        let offers = self.words().filter_map(|word| {
            let (prefix, name) = word.split_at_checked(b"AUTH=".len())?;
            prefix.eq_ignore_ascii_case(b"AUTH=").then_some(name)
        });
        offers.filter_map(Mechanism::named).collect()
    }

    /// The words as they came.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A mailbox in a list.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct List {
    /// `\HasChildren`, `\Noselect`, `\Sent`, ...
    pub attributes: Vec<Text>,
    /// What separates the levels of the hierarchy; `None` where there are none.
    pub delimiter: Option<u8>,
    /// The name, as it is written on the wire.
    pub mailbox: Text,
}

impl List {
    /// Whether it has this attribute, in any case of letters.
    pub fn has(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|known| known.is(attribute))
    }
}

/// Where mailboxes are.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Namespaces {
    /// The user's own.
    pub personal: Vec<Namespace>,
    /// Other users'.
    pub others: Vec<Namespace>,
    /// Everybody's.
    pub shared: Vec<Namespace>,
}

/// One place where mailboxes are.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Namespace {
    /// What their names begin with.
    pub prefix: Text,
    /// What separates the levels of the hierarchy.
    pub delimiter: Option<u8>,
}

/// One limit of a quota.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Resource {
    /// `STORAGE` (in units of 1024 octets), `MESSAGE`, ...
    pub name: Text,
    /// What is used.
    pub usage: u64,
    /// What is allowed.
    pub limit: u64,
}

/// The result of a search in the extended form.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ExtendedSearch {
    /// How many were found.
    pub count: Option<u64>,
    /// The lowest number found.
    pub min: Option<u32>,
    /// The highest.
    pub max: Option<u32>,
    /// All, as a sequence set.
    pub all: Option<Text>,
}

/// The data that begin with a number: `* 23 EXISTS`.
pub(super) fn numbered<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Data> {
    let (rest, number) = number(heard, input)?;
    let (rest, ()) = space(heard, rest)?;
    let (rest, word) = take_while1(|byte: u8| byte.is_ascii_alphabetic())(rest)?;
    match &*Capitals::of(word) {
        b"EXISTS" => ended(heard, rest, Data::Exists(number)),
        b"EXPUNGE" => ended(heard, rest, Data::Expunge(number)),
        b"FETCH" => {
            let (rest, ()) = space(heard, rest)?;
            let (rest, fetch) = fetch(heard, number, rest)?;
            ended(heard, rest, Data::Fetch(fetch))
        }
        b"RECENT" => ended(heard, rest, Data::Recent(number)),
        _ => unknown(heard, input),
    }
}

/// The data that begin with a word: `* LIST () "/" INBOX`.
pub(super) fn named<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Data> {
    let (rest, word) = atom(input)?;
    let word = Capitals::of(word);
    match &*word {
        b"SEARCH" | b"SORT" => {
            return search(heard, rest).map(|(rest, found)| (rest, Data::Search(found)));
        }
        b"ESEARCH" => {
            let found = extended_search(heard, rest);
            return found.map(|(rest, found)| (rest, Data::ExtendedSearch(found)));
        }
        _ => {}
    }
    // Nothing at all may follow CAPABILITY, FLAGS or ENABLED in what some servers say.
    let (rest, _) = opt(|input| space(heard, input)).parse(rest)?;
    let (rest, data) = match &*word {
        b"CAPABILITY" => capability(heard, rest),
        b"ENABLED" => words(heard, rest).map(|(rest, words)| (rest, Data::Enabled(words))),
        b"FLAGS" => list(heard, rest, flag).map(|(rest, flags)| (rest, Data::Flags(flags))),
        b"ID" => id(heard, rest),
        b"LIST" | b"LSUB" | b"XLIST" => mailbox_list(heard, rest),
        b"MYRIGHTS" => my_rights(heard, rest),
        b"NAMESPACE" => namespaces(heard, rest),
        b"QUOTA" => quota(heard, rest),
        b"QUOTAROOT" => quota_root(heard, rest),
        b"STATUS" => mailbox_status(heard, rest),
        b"VANISHED" => vanished(heard, rest),
        _ => return unknown(heard, input),
    }?;
    ended(heard, rest, data)
}

fn ended<'a>(heard: &Heard, rest: &'a [u8], data: Data) -> Parsed<'a, Data> {
    let (rest, ()) = end(heard, rest)?;
    Ok((rest, data))
}

/// What is not known is kept whole: "any response at any time" (RFC 9051 section 7).
fn unknown<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Data> {
    heard.note(Quirk::Unknown);
    Ok((&[], Data::Unknown(heard.text(input))))
}

fn capability<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Data> {
    let words = input.trim_ascii();
    if words.len() < input.len() {
        heard.note(Quirk::TrailingSpace);
    }
    if words.windows(2).any(|pair| pair == b"  ") {
        heard.note(Quirk::ExtraSpace);
    }
    let capabilities = Capabilities::new(heard.text(words));
    Ok((&[], Data::Capability(capabilities)))
}

/// `*(SP atom)`
fn words<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Vec<Text>> {
    let words = input.split(|byte| *byte == b' ');
    let words = words.filter(|word| !word.is_empty());
    Ok((&[], words.map(|word| heard.text(word)).collect()))
}

/// ```abnf
/// mailbox-data = "SEARCH" *(SP nz-number)
/// ```
/// With CONDSTORE a mod-sequence in parentheses follows (RFC 7162 section 3.1.5).
fn search<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Vec<u32>> {
    let mut found = Vec::new();
    let mut rest = input;
    loop {
        let (after, is_over) = gap(heard, rest)?;
        if is_over {
            return Ok((after, found));
        }
        if after.first() == Some(&b'(') {
            (rest, ()) = anything(heard, after, DEPTH)?;
            continue;
        }
        let (after, one) = number(heard, after)?;
        found.push(one);
        rest = after;
    }
}

/// `SP` before the next of several, or the end behind the last; more blanks are a quirk at either.
fn gap<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, bool> {
    match input.iter().all(|byte| *byte == b' ') {
        true => end(heard, input).map(|(rest, ())| (rest, true)),
        false => space(heard, input).map(|(rest, ())| (rest, false)),
    }
}

/// ```abnf
/// esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)
/// ```
fn extended_search<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, ExtendedSearch> {
    let mut result = ExtendedSearch::default();
    let mut rest = input;
    loop {
        let (after, is_over) = gap(heard, rest)?;
        if is_over {
            return Ok((after, result));
        }
        (rest, ()) = match after.first() {
            Some(b'(') => anything(heard, after, DEPTH)?,
            _ => search_return(heard, after, &mut result)?,
        };
    }
}

/// ```abnf
/// search-return-data = "MIN" SP nz-number / "MAX" SP nz-number / "ALL" SP sequence-set / "COUNT" SP number
/// ```
/// Those of extensions are passed over.
fn search_return<'a>(
    heard: &Heard,
    input: &'a [u8],
    result: &mut ExtendedSearch,
) -> Parsed<'a, ()> {
    let (rest, name) = atom(input)?;
    let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
    if is(b"UID") {
        return Ok((rest, ()));
    }
    let (rest, ()) = space(heard, rest)?;
    if is(b"ALL") {
        let (rest, all) = sequence_set(rest)?;
        result.all = Some(heard.text(all));
        return Ok((rest, ()));
    }
    if is(b"COUNT") {
        let (rest, count) = number64(heard, rest)?;
        result.count = Some(count);
        return Ok((rest, ()));
    }
    let bound = match (is(b"MIN"), is(b"MAX")) {
        (true, _) => &mut result.min,
        (_, true) => &mut result.max,
        _ => return anything(heard, rest, DEPTH),
    };
    let (rest, number) = number(heard, rest)?;
    *bound = Some(number);
    Ok((rest, ()))
}

/// ```abnf
/// id-response     = "ID" SP id-params-list
/// id-params-list  = "(" *(string SP nstring) ")" / nil
/// ```
/// RFC 2971.
fn id<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Data> {
    let (rest, fields) = list_or_nil(heard, input, pair)?;
    Ok((rest, Data::Id(fields)))
}

/// ```abnf
/// mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox
///                [SP mbox-list-extended]
/// ```
fn mailbox_list<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Data> {
    let (rest, attributes) = list(heard, input, flag)?;
    let (rest, ()) = space(heard, rest)?;
    let (rest, delimiter) = delimiter(heard, rest)?;
    let (rest, ()) = space(heard, rest)?;
    let (rest, mailbox) = astring(heard, rest)?;
    let rest = match rest {
        [b' ', b'(', ..] => {
            let (rest, ()) = space(heard, rest)?;
            let (rest, ()) = anything(heard, rest, DEPTH)?;
            rest
        }
        _ => rest,
    };
    let list = List {
        attributes,
        delimiter,
        mailbox,
    };
    Ok((rest, Data::List(list)))
}

fn delimiter<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Option<u8>> {
    let (rest, text) = nstring(heard, input)?;
    Ok((rest, text.and_then(|text| text.first().copied())))
}

/// ```abnf
/// myrights-data = "MYRIGHTS" SP mailbox SP astring
/// ```
/// RFC 4314 section 3.8.
fn my_rights<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Data> {
    let (rest, mailbox) = astring(heard, input)?;
    let (rest, ()) = space(heard, rest)?;
    let (rest, rights) = astring(heard, rest)?;
    Ok((rest, Data::MyRights { mailbox, rights }))
}

/// ```abnf
/// namespace-response = "NAMESPACE" SP namespace SP namespace SP namespace
/// ```
/// RFC 2342.
fn namespaces<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Data> {
    let (rest, personal) = run_or_nil(heard, input, namespace)?;
    let (rest, ()) = space(heard, rest)?;
    let (rest, others) = run_or_nil(heard, rest, namespace)?;
    let (rest, ()) = space(heard, rest)?;
    let (rest, shared) = run_or_nil(heard, rest, namespace)?;
    let namespaces = Namespaces {
        personal,
        others,
        shared,
    };
    Ok((rest, Data::Namespace(namespaces)))
}

/// ```abnf
/// namespace = nil / "(" 1*("(" string SP (<"> QUOTED_CHAR <"> / nil) *(extension) ")") ")"
/// ```
/// One of them.
fn namespace<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Namespace> {
    let Some(inside) = input.strip_prefix(b"(") else {
        return refuse(input);
    };
    let (rest, prefix) = astring(heard, inside)?;
    let (rest, ()) = space(heard, rest)?;
    let (mut rest, delimiter) = delimiter(heard, rest)?;
    while rest.first() == Some(&b' ') {
        let (after, ()) = space(heard, rest)?;
        (rest, ()) = anything(heard, after, DEPTH)?;
    }
    match rest.strip_prefix(b")") {
        Some(rest) => Ok((rest, Namespace { prefix, delimiter })),
        None => refuse(rest),
    }
}

/// ```abnf
/// quota-list     = "(" quota-resource *(SP quota-resource) ")"
/// quota-resource = resource-name SP resource-usage SP resource-limit
/// ```
/// RFC 9208.
fn quota<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Data> {
    let (rest, root) = astring(heard, input)?;
    let (rest, ()) = space(heard, rest)?;
    let (rest, resources) = list(heard, rest, |heard, input| {
        let (rest, name) = atom(input)?;
        let (rest, ()) = space(heard, rest)?;
        let (rest, usage) = number64(heard, rest)?;
        let (rest, ()) = space(heard, rest)?;
        let (rest, limit) = number64(heard, rest)?;
        let name = heard.text(name);
        Ok((rest, Resource { name, usage, limit }))
    })?;
    Ok((rest, Data::Quota { root, resources }))
}

/// ```abnf
/// quotaroot-list = "QUOTAROOT" SP mailbox *(SP quota-root-name)
/// ```
fn quota_root<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Data> {
    let (mut rest, mailbox) = astring(heard, input)?;
    let mut roots = Vec::new();
    while let [b' ', b'"' | b'{' | b'!'..=b'~', ..] = rest {
        let (after, ()) = space(heard, rest)?;
        let (after, root) = astring(heard, after)?;
        roots.push(root);
        rest = after;
    }
    Ok((rest, Data::QuotaRoot { mailbox, roots }))
}

/// ```abnf
/// mailbox-data = "STATUS" SP mailbox SP "(" [status-att-list] ")"
/// ```
fn mailbox_status<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Data> {
    let (rest, mailbox) = astring(heard, input)?;
    let (rest, ()) = space(heard, rest)?;
    let (rest, items) = list(heard, rest, |heard, input| {
        let (rest, name) = atom(input)?;
        let (rest, ()) = space(heard, rest)?;
        let name = heard.text(name);
        match number64(heard, rest) {
            Ok((rest, number)) => Ok((rest, Some((name, number)))),
            // MAILBOXID and its like are no numbers.
            Err(_) => anything(heard, rest, DEPTH).map(|(rest, ())| (rest, None)),
        }
    })?;
    let items = items.into_iter().flatten().collect();
    Ok((rest, Data::Status { mailbox, items }))
}

/// ```abnf
/// expunged-resp = "VANISHED" [SP "(EARLIER)"] SP known-uids
/// ```
/// RFC 7162 section 7.
fn vanished<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Data> {
    let rest = match input.first() {
        Some(b'(') => {
            let (rest, ()) = anything(heard, input, DEPTH)?;
            let (rest, ()) = space(heard, rest)?;
            rest
        }
        _ => input,
    };
    let (rest, uids) = sequence_set(rest)?;
    Ok((rest, Data::Vanished(heard.text(uids))))
}
