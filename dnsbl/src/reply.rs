//! What an answer of a list says: nothing, or these addresses, or that it does not want to say anything. What the
//! addresses mean is the catalogue's.

use core::net::Ipv4Addr;
use core::time::Duration;

use probe_net::dns::{Answer, Data, Kind, Rcode, Trouble};

/// What came of one question to one list.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reply {
    /// It answered.
    Answered(Entry),
    /// It did not, for this reason.
    Nothing(Box<str>),
    /// It refused to.
    Refused,
}

/// What stands at a name below a list's zone.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// All addresses: several are usual. None means that it is not listed.
    pub addresses: Vec<Ipv4Addr>,
    /// Whether they stand at another name, which this one is an alias of. No list needs that; parked domains do.
    pub is_by_alias: bool,
    /// The list's own words.
    pub text: Vec<u8>,
    /// For how long it may be believed; `None` where the list does not say.
    pub ttl: Option<Duration>,
}

impl Reply {
    /// The most octets of a list's own words that are kept.
    pub(crate) const WORDS: usize = 1024;

    /// What this outcome says.
    pub fn of(outcome: &Result<Answer, Trouble>) -> Self {
        match outcome {
            Err(trouble) => Self::Nothing(trouble.to_string().into()),
            Ok(answer) if answer.rcode == Rcode::REFUSED => Self::Refused,
            Ok(answer) if answer.rcode.is_about_the_name() => Self::Answered(Entry::of(answer)),
            Ok(answer) => Self::Nothing(failure(answer).into()),
        }
    }
}

impl Entry {
    fn of(answer: &Answer) -> Self {
        let mut entry = Self {
            is_by_alias: answer.is_by_alias(),
            ttl: answer
                .ttl()
                .map(|seconds| Duration::from_secs(seconds.into())),
            ..Self::default()
        };
        for record in answer.records() {
            match &record.data {
                Data::A(address) if !entry.addresses.contains(address) => {
                    entry.addresses.push(*address);
                }
                Data::Txt(text) if answer.question.kind == Kind::TXT => {
                    if !entry.text.is_empty() {
                        entry.text.push(b' ');
                    }
                    entry.text.extend_from_slice(text);
                }
                _ => {}
            }
        }
        entry.addresses.sort_unstable();
        entry.text.truncate(Reply::WORDS);
        entry
    }
}

/// With the reason that a resolver may give (RFC 8914).
fn failure(answer: &Answer) -> String {
    let rcode = answer.rcode;
    match answer.extended_errors.first() {
        Some(error) => {
            let text = String::from_utf8_lossy(&error.text);
            format!("{rcode} (extended error {} {text})", error.code)
        }
        None => rcode.to_string(),
    }
}
