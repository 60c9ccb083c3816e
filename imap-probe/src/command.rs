//! What we say (RFC 9051 section 6): commands as data, and their bytes.
//!
//! A command that holds literals is said in parts: after each literal's announcement the server must say `+` before
//! the octets may follow (RFC 9051 section 4.3), unless it has offered to do without (RFC 7888).

use core::fmt;
use std::sync::Arc;

use probe_core::Secret;
use probe_net::Outgoing;
use probe_net::sasl::{self, Mechanism};

use crate::mailbox::Mailbox;

/// One command.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Command {
    /// Puts a message into a mailbox.
    Append {
        /// Where to.
        mailbox: Mailbox,
        /// The message, with CR LF at the end of each line.
        message: Arc<[u8]>,
    },
    /// Begins to authenticate.
    Authenticate {
        /// How.
        mechanism: Mechanism,
        /// What to say along with it (RFC 4959), before base64; empty is said as `=`.
        initial_response: Option<Secret>,
    },
    /// Asks what the server can do.
    Capability,
    /// Asks for compression (RFC 4978).
    Compress,
    /// Copies the message with this UID.
    Copy(u32, Mailbox),
    /// Makes a mailbox.
    Create(Mailbox),
    /// Removes a mailbox.
    Delete(Mailbox),
    /// Switches extensions on (RFC 5161).
    Enable(&'static str),
    /// Opens a mailbox to read.
    Examine {
        /// Which.
        mailbox: Mailbox,
        /// Whether to ask for mod-sequences (RFC 7162).
        condstore: bool,
    },
    /// Removes all messages that are marked so.
    Expunge,
    /// Asks for these items of messages, by sequence number.
    Fetch(Messages, &'static str),
    /// Asks which quota holds for a mailbox (RFC 9208).
    GetQuotaRoot(Mailbox),
    /// Says who we are and asks who the server is (RFC 2971).
    Id(Option<Introduction>),
    /// Waits for news (RFC 2177).
    Idle,
    /// Lists mailboxes.
    List {
        /// What their names begin with; all of them without it.
        beginning: Option<Mailbox>,
        /// Whether to ask for special uses as well (RFC 6154).
        special_use: bool,
    },
    /// Logs in.
    Login {
        /// As whom.
        user: String,
        /// The password.
        password: Secret,
    },
    /// Says farewell.
    Logout,
    /// Moves the message with this UID (RFC 6851).
    Move(u32, Mailbox),
    /// Asks what we may do with a mailbox (RFC 4314).
    MyRights(Mailbox),
    /// Asks where mailboxes are (RFC 2342).
    Namespace,
    /// Does nothing.
    Noop,
    /// Searches, and asks for UIDs.
    Search {
        /// What for, as it stands on the wire.
        criteria: String,
        /// Whether to ask for the count alone (RFC 4731).
        count: bool,
    },
    /// Asks for a part of the message with this UID, and for what is told of it as a whole.
    Part {
        /// Which message.
        uid: u32,
        /// Where the part begins.
        from: u64,
        /// How long it may be.
        octets: u32,
    },
    /// Opens a mailbox to read and write.
    Select {
        /// Which.
        mailbox: Mailbox,
        /// Whether to ask for mod-sequences (RFC 7162).
        condstore: bool,
    },
    /// Asks for TLS.
    StartTls,
    /// Asks how many messages a mailbox holds, without opening it.
    Status(Mailbox),
    /// Sets or clears a flag of the message with this UID.
    Store {
        /// Which message.
        uid: u32,
        /// Whether the flag is set or cleared.
        change: Change,
        /// The flag.
        flag: &'static str,
    },
    /// Asks for these items of the message with this UID.
    UidFetch(u32, &'static str),
    /// Removes the message with this UID, if it is marked so (RFC 4315).
    UidExpunge(u32),
    /// Closes the mailbox and removes nothing (RFC 3691).
    Unselect,
}

/// Which messages, by sequence number. A range always begins with the lower number: some servers take no other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Messages {
    /// All.
    All,
    /// This one and those behind it.
    From(u32),
    /// One.
    One(u32),
}

impl fmt::Display for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("1:*"),
            Self::From(first) => write!(f, "{first}:*"),
            Self::One(number) => write!(f, "{number}"),
        }
    }
}

/// Whether a flag is set or cleared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Change {
    /// Cleared.
    Clear,
    /// Set.
    Set,
}

/// Who we are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Introduction {
    /// The program.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

impl Introduction {
    /// This crate.
    pub const OURS: Self = Self {
        name: "mailprobe",
        version: env!("CARGO_PKG_VERSION"),
    };
}

/// How literals travel.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "RFC 9051 and RFC 7888 know these")]
pub enum Literals {
    /// Up to 4096 octets at once, longer ones after the server's `+` (`LITERAL-`).
    Minus,
    /// At once (`LITERAL+`).
    Plus,
    /// After the server's `+`.
    #[default]
    Synchronizing,
}

impl Literals {
    /// RFC 7888 section 5.
    const MINUS: usize = 4096;

    fn must_wait(self, octets: usize) -> bool {
        match self {
            Self::Minus => octets > Self::MINUS,
            Self::Plus => false,
            Self::Synchronizing => true,
        }
    }
}

/// The name of a command, by which the server completes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tag(u32);

impl Tag {
    /// The tag of the command of this number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Whether the server has written this one.
    pub fn is(self, written: &[u8]) -> bool {
        written.eq_ignore_ascii_case(self.to_string().as_bytes())
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "A{}", self.0)
    }
}

/// What is said at once.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Line {
    /// Gives up an authentication under way.
    Cancel,
    /// A command, or the part of it behind one of its literals' announcements.
    Command {
        /// By which its completion is known.
        tag: Tag,
        /// The command.
        command: Arc<Command>,
        /// How its literals travel.
        literals: Literals,
        /// Which part: the number of announcements before it.
        part: usize,
    },
    /// Ends IDLE.
    Done,
    /// Answers a challenge.
    Response {
        /// How we authenticate.
        mechanism: Mechanism,
        /// The message, before base64.
        response: Secret,
    },
}

impl Line {
    /// Appends its bytes.
    pub(crate) fn encode(&self, out: &mut Outgoing) {
        match self {
            Self::Cancel => out.put(b"*\r\n"),
            Self::Command {
                tag,
                command,
                literals,
                part,
            } => {
                let mut writer = Writer::new(Some(out), *literals, *part);
                writer.put(format!("{tag} ").as_bytes());
                command.write(&mut writer);
                writer.put(b"\r\n");
            }
            Self::Done => out.put(b"DONE\r\n"),
            Self::Response {
                mechanism,
                response,
            } => {
                let mut writer = Writer::new(Some(out), Literals::Plus, 0);
                writer.message(*mechanism, response);
                writer.put(b"\r\n");
            }
        }
    }
}

impl Command {
    /// Opens a mailbox to read.
    pub(crate) const fn examine(mailbox: Mailbox) -> Self {
        Self::Examine {
            mailbox,
            condstore: false,
        }
    }

    /// Opens a mailbox to read and write.
    pub(crate) const fn select(mailbox: Mailbox) -> Self {
        Self::Select {
            mailbox,
            condstore: false,
        }
    }

    /// The longest AUTHENTICATE command that carries its initial response. Servers take lines of 8192 octets
    /// (RFC 9051 section 4, RFC 7162 section 4).
    const LINE: usize = 8000;

    /// Whether an initial response of this length fits the command line.
    pub(crate) fn fits(initial_response: &Secret) -> bool {
        initial_response.expose().len().div_ceil(3) * 4 <= Self::LINE
    }

    /// In how many parts it is said.
    pub(crate) fn parts(&self, literals: Literals) -> usize {
        let mut writer = Writer::new(None, literals, 0);
        self.write(&mut writer);
        writer.part + 1
    }

    fn write(&self, to: &mut Writer<'_>) {
        match self {
            Self::Append { mailbox, message } => {
                to.put(b"APPEND ");
                to.mailbox(mailbox);
                to.put(b" ");
                to.literal(message, Outgoing::put);
            }
            Self::Authenticate {
                mechanism,
                initial_response,
            } => {
                to.put(b"AUTHENTICATE ");
                to.put(mechanism.as_str().as_bytes());
                match initial_response {
                    None => {}
                    Some(empty) if empty.is_empty() => to.put(b" ="),
                    Some(response) => {
                        to.put(b" ");
                        to.message(*mechanism, response);
                    }
                }
            }
            Self::Capability => to.put(b"CAPABILITY"),
            Self::Compress => to.put(b"COMPRESS DEFLATE"),
            Self::Copy(uid, mailbox) => to.about(&format!("UID COPY {uid}"), mailbox),
            Self::Create(mailbox) => to.about("CREATE", mailbox),
            Self::Delete(mailbox) => to.about("DELETE", mailbox),
            Self::Enable(names) => to.put(format!("ENABLE {names}").as_bytes()),
            Self::Examine { mailbox, condstore } => to.open("EXAMINE", mailbox, *condstore),
            Self::Expunge => to.put(b"EXPUNGE"),
            Self::Fetch(messages, items) => to.put(format!("FETCH {messages} {items}").as_bytes()),
            Self::GetQuotaRoot(mailbox) => to.about("GETQUOTAROOT", mailbox),
            Self::Id(None) => to.put(b"ID NIL"),
            Self::Id(Some(Introduction { name, version })) => {
                to.put(format!("ID (\"name\" \"{name}\" \"version\" \"{version}\")").as_bytes());
            }
            Self::Idle => to.put(b"IDLE"),
            Self::List {
                beginning,
                special_use,
            } => {
                to.put(b"LIST \"\" ");
                let beginning = beginning.as_ref().map(Mailbox::to_wire);
                to.astring(&[&*beginning.unwrap_or_default(), b"*"].concat());
                if *special_use {
                    to.put(b" RETURN (SPECIAL-USE)");
                }
            }
            Self::Login { user, password } => {
                to.put(b"LOGIN ");
                to.astring(user.as_bytes());
                to.put(b" ");
                to.secret(password);
            }
            Self::Logout => to.put(b"LOGOUT"),
            Self::Move(uid, mailbox) => to.about(&format!("UID MOVE {uid}"), mailbox),
            Self::MyRights(mailbox) => to.about("MYRIGHTS", mailbox),
            Self::Namespace => to.put(b"NAMESPACE"),
            Self::Noop => to.put(b"NOOP"),
            Self::Part { uid, from, octets } => {
                let items =
                    format!("UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[]<{from}.{octets}>");
                to.put(format!("UID FETCH {uid} ({items})").as_bytes());
            }
            Self::Search { criteria, count } => {
                let only = if *count { "RETURN (COUNT) " } else { "" };
                to.put(format!("UID SEARCH {only}{criteria}").as_bytes());
            }
            Self::Select { mailbox, condstore } => to.open("SELECT", mailbox, *condstore),
            Self::StartTls => to.put(b"STARTTLS"),
            Self::Status(mailbox) => {
                to.about("STATUS", mailbox);
                to.put(b" (MESSAGES)");
            }
            Self::Store { uid, change, flag } => {
                let sign = match change {
                    Change::Clear => '-',
                    Change::Set => '+',
                };
                to.put(format!("UID STORE {uid} {sign}FLAGS ({flag})").as_bytes());
            }
            Self::UidFetch(uid, items) => to.put(format!("UID FETCH {uid} {items}").as_bytes()),
            Self::UidExpunge(uid) => to.put(format!("UID EXPUNGE {uid}").as_bytes()),
            Self::Unselect => to.put(b"UNSELECT"),
        }
    }
}

/// Writes one part of a command: what stands before it and behind is only counted.
struct Writer<'a> {
    out: Option<&'a mut Outgoing>,
    literals: Literals,
    wanted: usize,
    part: usize,
}

impl<'a> Writer<'a> {
    /// Longer strings travel as literals: RFC 2683 section 3.2.1.5 asks for lines of at most 1000 octets.
    const QUOTED: usize = 512;

    fn new(out: Option<&'a mut Outgoing>, literals: Literals, wanted: usize) -> Self {
        Self {
            out,
            literals,
            wanted,
            part: 0,
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        self.put_by(bytes, Outgoing::put);
    }

    fn put_by(&mut self, bytes: &[u8], put: fn(&mut Outgoing, &[u8])) {
        if let Some(out) = self.out.as_mut().filter(|_| self.part == self.wanted) {
            put(out, bytes);
        }
    }

    fn about(&mut self, command: &str, mailbox: &Mailbox) {
        self.put(command.as_bytes());
        self.put(b" ");
        self.mailbox(mailbox);
    }

    fn open(&mut self, command: &str, mailbox: &Mailbox, condstore: bool) {
        self.about(command, mailbox);
        if condstore {
            self.put(b" (CONDSTORE)");
        }
    }

    fn mailbox(&mut self, mailbox: &Mailbox) {
        self.astring(&mailbox.to_wire());
    }

    /// A string, quoted where that is possible (RFC 9051 section 4.3).
    fn astring(&mut self, bytes: &[u8]) {
        if !can_be_quoted(bytes) {
            return self.literal(bytes, Outgoing::put);
        }
        let mut quoted = vec![b'"'];
        for byte in bytes {
            if matches!(byte, b'"' | b'\\') {
                quoted.push(b'\\');
            }
            quoted.push(*byte);
        }
        quoted.push(b'"');
        self.put(&quoted);
    }

    /// A secret goes as it is, so that it is found again if the server repeats it: quoted where nothing in it needs
    /// a backslash, else as a literal.
    fn secret(&mut self, secret: &Secret) {
        let bytes = secret.expose();
        if !can_be_quoted(bytes) || bytes.iter().any(|byte| matches!(byte, b'"' | b'\\')) {
            return self.literal(bytes, Outgoing::put_secret);
        }
        self.put(b"\"");
        self.put_by(bytes, Outgoing::put_secret);
        self.put(b"\"");
    }

    fn literal(&mut self, bytes: &[u8], put: fn(&mut Outgoing, &[u8])) {
        let octets = bytes.len();
        if self.literals.must_wait(octets) {
            self.put(format!("{{{octets}}}\r\n").as_bytes());
            self.part += 1;
        } else {
            self.put(format!("{{{octets}+}}\r\n").as_bytes());
        }
        self.put_by(bytes, put);
    }

    fn message(&mut self, mechanism: Mechanism, message: &Secret) {
        let message = sasl::to_base64(message);
        match mechanism.shows_the_secret() {
            true => self.put_by(message.expose(), Outgoing::put_secret),
            false => self.put_by(message.expose(), Outgoing::put_proof),
        }
    }
}

/// ```abnf
/// QUOTED-CHAR = <any TEXT-CHAR except quoted-specials> / "\" quoted-specials
/// ```
fn can_be_quoted(bytes: &[u8]) -> bool {
    bytes.len() <= Writer::QUOTED && bytes.iter().all(|byte| (b' '..=b'~').contains(byte))
}
