//! What stands at the names where records of policy belong, and who says so.

use core::fmt;
use core::net::SocketAddr;
use std::sync::Arc;

use probe_core::printable;
use probe_net::dns::{Kind, Rcode};

use super::known::{Known, Lack};

/// The records of one sort at one name.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Published<R> {
    /// Where they were looked for.
    pub name: String,
    /// Who was asked and answered.
    pub server: Option<SocketAddr>,
    /// How.
    pub rcode: Option<Rcode>,
    /// Why nothing is known of them, if so.
    pub lack: Option<Lack>,
    /// All of them: more than one is as bad as none.
    pub records: Vec<Text<R>>,
}

/// One record, as it stands there and as it is read.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Text<R> {
    /// Itself.
    pub text: Arc<[u8]>,
    /// What it says.
    pub read: R,
}

impl<R> Published<R> {
    /// More records of one sort are not looked at.
    pub(crate) const RECORDS: usize = 16;

    /// Looks for texts at a name that are meant to be such records.
    pub(crate) fn look(
        known: &mut Known,
        name: String,
        is_one: fn(&[u8]) -> bool,
        parse: fn(&[u8]) -> R,
    ) -> Self {
        let said = match name.parse() {
            Ok(name) => known.ask(&name, Kind::TXT),
            Err(_) => Err(Lack::Trouble("it is no domain name".into())),
        };
        let said = match said {
            Ok(said) => said,
            Err(lack) => {
                return Self {
                    name,
                    server: None,
                    rcode: None,
                    lack: Some(lack),
                    records: Vec::new(),
                };
            }
        };
        let texts = said.texts().filter(|text| is_one(text)).take(Self::RECORDS);
        let records = texts.map(|text| Text {
            text: text.into(),
            read: parse(text),
        });
        Self {
            name,
            server: Some(said.server()),
            rcode: Some(said.rcode()),
            lack: None,
            records: records.collect(),
        }
    }

    /// The record, if there is exactly one.
    pub fn only(&self) -> Option<&Text<R>> {
        match self.records.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }

    /// Whether it is known that there is none.
    pub fn is_missing(&self) -> bool {
        self.lack.is_none() && self.records.is_empty()
    }

    /// Whether there are several.
    pub fn is_manifold(&self) -> bool {
        self.records.len() > 1
    }

    /// What was answered, as evidence.
    pub fn story(&self) -> String {
        let name = &self.name;
        if let Some(Lack::Trouble(why)) = &self.lack {
            return format!("{name}: {why}");
        }
        let (Some(server), Some(rcode)) = (self.server, self.rcode) else {
            return format!("{name}: no answer has come");
        };
        let texts: Vec<_> = self.records.iter().map(ToString::to_string).collect();
        match texts.is_empty() {
            true => format!("{name}: {rcode}, and no such record, from {server}"),
            false => format!("{name}: {}", texts.join(" | ")),
        }
    }
}

/// As people can read it; cut off where it is long.
impl<R> fmt::Display for Text<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// So many octets are shown.
        const SHOWN: usize = 512;
        match self.text.get(..SHOWN) {
            Some(start) if self.text.len() > SHOWN => write!(f, "{} …", printable(start)),
            _ => f.write_str(&printable(&self.text)),
        }
    }
}
