//! What a JMAP server says: the session object, and the responses of its API. JSON is serde's to read; here is what of it
//! makes sense. What is missing or of another type is told, and all else is kept.

use serde_json::{Map, Value};

use super::facts::{Mailbox, Mailboxes};
use crate::reply::shortened;

/// What a server offers to a user (RFC 8620 section 2).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Session {
    /// The names of what the server can do.
    pub capabilities: Vec<String>,
    /// The bounds that it sets.
    pub limits: Limits,
    /// The accounts that the user may see.
    pub accounts: Vec<Account>,
    /// For each capability the id of the account that is meant where none is named.
    pub primary_accounts: Vec<(String, String)>,
    /// Who we are to it.
    pub username: Option<String>,
    /// Where calls go, as it says.
    pub api_url: Option<String>,
    /// Where what hangs on a message is fetched.
    pub download_url: Option<String>,
    /// Where it is put.
    pub upload_url: Option<String>,
    /// Where changes are told.
    pub event_source_url: Option<String>,
    /// Changes with the session.
    pub state: Option<String>,
    /// What is missing, or not what it must be.
    pub flaws: Vec<String>,
}

/// The bounds of a server (RFC 8620 section 2, `urn:ietf:params:jmap:core`).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// The most octets of an upload.
    pub max_size_upload: Option<u64>,
    /// The most uploads at the same time.
    pub max_concurrent_upload: Option<u64>,
    /// The most octets of a request.
    pub max_size_request: Option<u64>,
    /// The most requests at the same time.
    pub max_concurrent_requests: Option<u64>,
    /// The most calls in a request.
    pub max_calls_in_request: Option<u64>,
    /// The most objects that a call gets.
    pub max_objects_in_get: Option<u64>,
    /// The most objects that a call sets.
    pub max_objects_in_set: Option<u64>,
}

/// An account that the user may see.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Account {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: Option<String>,
    /// Whether it is the user's own.
    pub is_personal: Option<bool>,
    /// Whether nothing in it may be changed.
    pub is_read_only: Option<bool>,
    /// What can be done with it.
    pub capabilities: Vec<String>,
}

impl Session {
    /// So many members of any object are kept.
    pub const MEMBERS: usize = 64;
    /// No address is longer.
    pub const ADDRESS: usize = 2048;

    /// Reads a session.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(body: &[u8]) -> Result<Self, String> {
        // It goes no deeper than 128 levels.
        let value: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let object = value.as_object().ok_or("it is no JSON object")?;
        let mut reader = Reader {
            object,
            flaws: Vec::new(),
        };
        let capabilities = reader.object("capabilities");
        let accounts = reader.object("accounts").into_iter().flatten();
        let primary = reader.object("primaryAccounts").into_iter().flatten();
        let primary = primary.filter_map(|(name, id)| Some((shortened(name), text(id)?)));
        let core = capabilities.and_then(|them| them.get(super::command::CORE));
        let mut session = Self {
            capabilities: capabilities.map(names).unwrap_or_default(),
            limits: core.map(Limits::of).unwrap_or_default(),
            accounts: accounts.take(Self::MEMBERS).map(Account::of).collect(),
            primary_accounts: primary.take(Self::MEMBERS).collect(),
            username: reader.text("username"),
            api_url: reader.address("apiUrl"),
            download_url: reader.address("downloadUrl"),
            upload_url: reader.address("uploadUrl"),
            event_source_url: reader.address("eventSourceUrl"),
            state: reader.text("state"),
            flaws: Vec::new(),
        };
        session.flaws = reader.flaws;
        if capabilities.is_some() && core.is_none() {
            let missing = format!("capabilities has no {}", super::command::CORE);
            session.flaws.push(missing);
        }
        Ok(session)
    }

    /// Whether the server can do this.
    pub fn can(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|known| known == capability)
    }

    /// The account that is meant for this capability.
    pub fn primary_account(&self, capability: &str) -> Option<&str> {
        let mut known = self.primary_accounts.iter();
        let (_, id) = known.find(|(name, _)| name == capability)?;
        Some(id)
    }
}

struct Reader<'a> {
    object: &'a Map<String, Value>,
    flaws: Vec<String>,
}

impl<'a> Reader<'a> {
    fn object(&mut self, name: &str) -> Option<&'a Map<String, Value>> {
        self.member(name, Value::as_object, "no object")
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.member(name, text, "no text")
    }

    /// Kept whole or not at all.
    fn address(&mut self, name: &str) -> Option<String> {
        let read = |value: &'a Value| {
            let text = value.as_str()?;
            (text.len() <= Session::ADDRESS).then(|| text.to_owned())
        };
        self.member(name, read, "no address")
    }

    fn member<T>(
        &mut self,
        name: &str,
        read: impl Fn(&'a Value) -> Option<T>,
        otherwise: &str,
    ) -> Option<T> {
        let read = self.object.get(name).map(read);
        match &read {
            None => self.flaws.push(format!("{name} is missing")),
            Some(None) => self.flaws.push(format!("{name} is {otherwise}")),
            Some(Some(_)) => {}
        }
        read.flatten()
    }
}

impl Limits {
    fn of(core: &Value) -> Self {
        let number = |name| core.get(name).and_then(Value::as_u64);
        Self {
            max_size_upload: number("maxSizeUpload"),
            max_concurrent_upload: number("maxConcurrentUpload"),
            max_size_request: number("maxSizeRequest"),
            max_concurrent_requests: number("maxConcurrentRequests"),
            max_calls_in_request: number("maxCallsInRequest"),
            max_objects_in_get: number("maxObjectsInGet"),
            max_objects_in_set: number("maxObjectsInSet"),
        }
    }

    pub(super) const fn each(&self) -> [(&'static str, Option<u64>); 7] {
        [
            ("max_size_upload", self.max_size_upload),
            ("max_concurrent_upload", self.max_concurrent_upload),
            ("max_size_request", self.max_size_request),
            ("max_concurrent_requests", self.max_concurrent_requests),
            ("max_calls_in_request", self.max_calls_in_request),
            ("max_objects_in_get", self.max_objects_in_get),
            ("max_objects_in_set", self.max_objects_in_set),
        ]
    }
}

impl Account {
    fn of((id, account): (&String, &Value)) -> Self {
        let capabilities = account.get("accountCapabilities");
        let capabilities = capabilities.and_then(Value::as_object).map(names);
        Self {
            id: shortened(id),
            name: account.get("name").and_then(text),
            is_personal: account.get("isPersonal").and_then(Value::as_bool),
            is_read_only: account.get("isReadOnly").and_then(Value::as_bool),
            capabilities: capabilities.unwrap_or_default(),
        }
    }
}

/// The arguments of the one response to a call (RFC 8620 section 3.4).
///
/// # Errors
/// There are none, for this reason: the error's type (RFC 8620 section 3.6) where it names one.
pub(super) fn answer(body: &[u8], method: &str) -> Result<Value, String> {
    let value: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let response = value.pointer("/methodResponses/0");
    let Some([name, arguments, _]) = response.and_then(Value::as_array).map(Vec::as_slice) else {
        return Err("it has no responses to calls (RFC 8620 section 3.4)".to_owned());
    };
    if name == "error" {
        let kind = arguments.get("type").and_then(text);
        let words = arguments.get("description").and_then(text);
        let words = words.map(|words| format!(": {words}")).unwrap_or_default();
        return Err(kind.unwrap_or_else(|| "an error without a type".to_owned()) + &words);
    }
    match name == method {
        true => Ok(arguments.clone()),
        false => Err(format!("it answers another call than {method}")),
    }
}

/// Reads what `Mailbox/get` brought (RFC 8621 section 2).
pub(super) fn mailboxes(arguments: &Value) -> Result<Mailboxes, String> {
    let list = arguments.get("list").and_then(Value::as_array);
    let list = list.ok_or("it has no list")?;
    let read = |mailbox: &Value| {
        let number = |name| mailbox.get(name).and_then(Value::as_u64);
        Mailbox {
            name: mailbox.get("name").and_then(text).unwrap_or_default(),
            role: mailbox.get("role").and_then(text),
            total: number("totalEmails"),
            unread: number("unreadEmails"),
        }
    };
    Ok(Mailboxes {
        count: list.len().try_into().unwrap_or(u64::MAX),
        kept: list.iter().take(Mailboxes::KEPT).map(read).collect(),
    })
}

fn names(object: &Map<String, Value>) -> Vec<String> {
    let names = object.keys().take(Session::MEMBERS);
    names.map(|name| shortened(name)).collect()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(shortened)
}
