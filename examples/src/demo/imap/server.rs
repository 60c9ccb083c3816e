//! A small IMAP server with its mail in memory: as much of RFC 9051 as the probe asks for, and what can be wrong
//! with it.

use std::time::{Duration, SystemTime};

use probe_net::message::{Date, Offset};
use probe_testkit::{Answer, Identity};

use crate::demo::Conversing;

/// A server, and what is wrong with it.
#[derive(Clone)]
pub(super) struct Server {
    identity: Identity,
    /// Whether TLS stands from the first byte.
    is_secured: bool,
    refusal: &'static str,
    used_kib: u32,
    store: fn(&[u8]) -> Vec<u8>,
}

impl Server {
    /// One in good health that has this certificate.
    pub(super) fn new(identity: Identity) -> Self {
        Self {
            identity,
            is_secured: false,
            refusal: "[AUTHENTICATIONFAILED] Authentication failed.",
            used_kib: 130 * 1024,
            store: <[u8]>::to_vec,
        }
    }

    /// TLS stands when it begins to speak.
    pub(super) fn secured(mut self) -> Self {
        self.is_secured = true;
        self
    }

    /// What it says to a password that it does not know.
    pub(super) fn refusing(mut self, words: &'static str) -> Self {
        self.refusal = words;
        self
    }

    /// So much of its quota is used.
    pub(super) fn filled(mut self, kib: u32) -> Self {
        self.used_kib = kib;
        self
    }

    /// What becomes of a message that is put into a folder.
    pub(super) fn storing(mut self, store: fn(&[u8]) -> Vec<u8>) -> Self {
        self.store = store;
        self
    }

    /// It serves each connection with an account of its own.
    pub(super) fn serve(self) -> impl Fn() -> Conversing + Send + Sync + 'static {
        move || {
            let mut session = Session::new(self.clone());
            Box::new(move |heard| session.answer(heard))
        }
    }
}

/// What it offers in clear, under TLS, and to whom it knows.
const IN_CLEAR: &str = "IMAP4rev1 SASL-IR STARTTLS LOGINDISABLED";
const UNDER_TLS: &str = "IMAP4rev1 SASL-IR AUTH=PLAIN";
const LOGGED_IN: &str = "IMAP4rev1 LITERAL+ ID NAMESPACE QUOTA SPECIAL-USE UNSELECT UIDPLUS MOVE";

/// base64 of NUL alice NUL wonderland
const LOGIN: &str = "PLAIN AGFsaWNlAHdvbmRlcmxhbmQ=";

const LIMIT_KIB: u32 = 1024 * 1024;

const MESSAGE: &str =
    "From: Bob <bob@example.test>\r\nTo: alice@example.test\r\nSubject: Tea\r\n\r\nAt six?\r\n";
const ENVELOPE: &str =
    "(NIL \"Tea\" ((\"Bob\" NIL \"bob\" \"example.test\")) NIL NIL NIL NIL NIL NIL NIL)";

const NO_MAILBOX: &str = "[NONEXISTENT] There is no such mailbox";

/// One connection, and the account behind it.
struct Session {
    server: Server,
    folders: Vec<Folder>,
    /// The name of the folder that is open.
    open: String,
    /// The tag and the folder of the APPEND whose message comes next.
    appending: Option<(String, String)>,
}

impl Session {
    fn new(server: Server) -> Self {
        let mut inbox = Folder::new("INBOX", "");
        for minutes in [5 * 24 * 60, 50 * 60, 9] {
            inbox.add(MESSAGE.into(), Duration::from_secs(minutes * 60));
        }
        let drafts = Folder::new("Drafts", "\\Drafts");
        let sent = Folder::new("Sent", "\\Sent");
        Self {
            server,
            folders: vec![inbox, drafts, sent],
            open: String::new(),
            appending: None,
        }
    }

    fn answer(&mut self, heard: &[u8]) -> Answer {
        if let Some((tag, name)) = self.appending.take() {
            let stored = (self.server.store)(heard);
            return match self.folder(&name) {
                Some(folder) => {
                    folder.add(stored, Duration::ZERO);
                    Answer::say(format!("{tag} OK APPEND completed\r\n"))
                }
                None => Answer::say(format!("{tag} NO {NO_MAILBOX}\r\n")),
            };
        }
        let line = String::from_utf8_lossy(heard);
        let Some((tag, command)) = line.split_once(' ') else {
            // The line end behind a message.
            return Answer::nothing();
        };
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        match verb {
            "APPEND" => {
                self.appending = Some((tag.to_owned(), quoted(rest)));
                Answer::say_then_hear("", octets(rest))
            }
            "AUTHENTICATE" if rest != LOGIN => {
                Answer::say(format!("{tag} NO {}\r\n", self.server.refusal))
            }
            "LOGOUT" => Answer::close(format!(
                "* BYE Logging out\r\n{tag} OK LOGOUT completed\r\n"
            )),
            "STARTTLS" => {
                self.server.is_secured = true;
                Answer::start_tls(format!("{tag} OK Begin TLS\r\n"), &self.server.identity)
            }
            _ => Answer::say(match self.data(verb, rest) {
                Some(data) => format!("{data}{tag} OK {verb} completed\r\n"),
                None => format!("{tag} NO {NO_MAILBOX}\r\n"),
            }),
        }
    }

    /// What it tells before the completion; `None` if there is no such mailbox.
    fn data(&mut self, verb: &str, rest: &str) -> Option<String> {
        Some(match verb {
            "AUTHENTICATE" => format!("* CAPABILITY {LOGGED_IN}\r\n"),
            "CAPABILITY" if self.server.is_secured => format!("* CAPABILITY {UNDER_TLS}\r\n"),
            "CAPABILITY" => format!("* CAPABILITY {IN_CLEAR}\r\n"),
            "GETQUOTAROOT" => {
                let used = self.server.used_kib;
                format!(
                    "* QUOTAROOT INBOX \"User quota\"\r\n\
                     * QUOTA \"User quota\" (STORAGE {used} {LIMIT_KIB})\r\n"
                )
            }
            "ID" => "* ID (\"name\" \"Example IMAP\" \"version\" \"1.0\")\r\n".to_owned(),
            "NAMESPACE" => "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n".to_owned(),
            "CREATE" => {
                self.folders.push(Folder::new(&quoted(rest), ""));
                String::new()
            }
            "DELETE" => {
                let name = quoted(rest);
                self.folders.retain(|folder| folder.name != name);
                String::new()
            }
            "LIST" => self.list(rest),
            "EXAMINE" | "SELECT" => {
                self.open = quoted(rest);
                self.folder(&self.open.clone())?.opened()
            }
            "FETCH" => {
                let (which, items) = rest.split_once(' ')?;
                let number = which.parse().ok();
                self.fetch(items, |place, _| {
                    number.is_none_or(|wanted: usize| wanted == place)
                })?
            }
            "STATUS" => {
                let name = quoted(rest);
                let messages = self.folder(&name)?.messages.len();
                format!("* STATUS \"{name}\" (MESSAGES {messages})\r\n")
            }
            "UID" => self.by_uid(rest)?,
            _ => String::new(),
        })
    }

    fn by_uid(&mut self, command: &str) -> Option<String> {
        let (verb, rest) = command.split_once(' ')?;
        let (uid, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let uid: u32 = uid.parse().unwrap_or_default();
        let open = self.open.clone();
        match verb {
            "SEARCH" => {
                let wanted = rest.rsplit(' ').next().unwrap_or_default();
                let found = self.folder(&open)?.messages.iter();
                let found = found.filter(|message| message.contains(wanted));
                let found: Vec<_> = found.map(|message| message.uid.to_string()).collect();
                Some(format!("* SEARCH {}\r\n", found.join(" ")))
            }
            "STORE" => {
                let flag = rest.split(['(', ')']).nth(1).unwrap_or_default();
                for message in &mut self.folder(&open)?.messages {
                    message.flags.retain(|known| known != flag);
                    if rest.starts_with('+') {
                        message.flags.push(flag.to_owned());
                    }
                }
                self.fetch("(UID FLAGS)", |_, known| known == uid)
            }
            "MOVE" => {
                let moved = self.folder(&open)?.messages.pop()?;
                self.folder(&quoted(rest))?.add(moved.bytes, Duration::ZERO);
                Some("* 1 EXPUNGE\r\n".to_owned())
            }
            "EXPUNGE" => {
                self.folder(&open)?.messages.clear();
                Some("* 1 EXPUNGE\r\n".to_owned())
            }
            _ => self.fetch(rest, |_, known| known == uid),
        }
    }

    fn folder(&mut self, name: &str) -> Option<&mut Folder> {
        self.folders.iter_mut().find(|folder| folder.name == name)
    }

    /// The folders whose names begin as the pattern does, up to its asterisk.
    fn list(&self, rest: &str) -> String {
        let pattern = rest.split('"').nth(3).unwrap_or_default();
        let beginning = pattern.trim_end_matches('*');
        let matching = self.folders.iter();
        let matching = matching.filter(|folder| folder.name.starts_with(beginning));
        let listed = matching.map(
            |Folder {
                 attributes, name, ..
             }| { format!("* LIST ({attributes}) \"/\" \"{name}\"\r\n") },
        );
        listed.collect()
    }

    /// These items of those messages of the open folder that are wanted, by their place and their UID.
    fn fetch(&mut self, items: &str, wanted: impl Fn(usize, u32) -> bool) -> Option<String> {
        let open = self.open.clone();
        let messages = (1..).zip(&self.folder(&open)?.messages);
        let wanted = messages.filter(|(place, message)| wanted(*place, message.uid));
        let told = wanted.map(|(place, message)| {
            format!("* {place} FETCH ({})\r\n", message.told(items).join(" "))
        });
        Some(told.collect())
    }
}

struct Folder {
    name: String,
    attributes: &'static str,
    messages: Vec<Message>,
    uid_next: u32,
}

impl Folder {
    fn new(name: &str, attributes: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            attributes,
            messages: Vec::new(),
            uid_next: 1,
        }
    }

    fn add(&mut self, bytes: Vec<u8>, age: Duration) {
        let now = SystemTime::now();
        self.messages.push(Message {
            uid: self.uid_next,
            flags: Vec::new(),
            arrived: now.checked_sub(age).unwrap_or(now),
            bytes,
        });
        self.uid_next += 1;
    }

    fn opened(&self) -> String {
        let (count, next) = (self.messages.len(), self.uid_next);
        format!(
            "* FLAGS (\\Seen \\Flagged \\Deleted)\r\n* {count} EXISTS\r\n\
             * OK [UIDVALIDITY 1] UIDs stay\r\n* OK [UIDNEXT {next}] Next\r\n"
        )
    }
}

struct Message {
    uid: u32,
    flags: Vec<String>,
    arrived: SystemTime,
    bytes: Vec<u8>,
}

impl Message {
    fn contains(&self, words: &str) -> bool {
        self.bytes
            .windows(words.len())
            .any(|part| part == words.as_bytes())
    }

    /// The items that are asked for.
    fn told(&self, items: &str) -> Vec<String> {
        let (uid, flags, size) = (self.uid, self.flags.join(" "), self.bytes.len());
        let date = Date::new(self.arrived, Offset::UTC).map(|date| date.imap_date_time());
        let date = date.unwrap_or_default();
        let text = String::from_utf8_lossy(&self.bytes);
        let known = [
            ("UID", format!("UID {uid}")),
            ("FLAGS", format!("FLAGS ({flags})")),
            ("INTERNALDATE", format!("INTERNALDATE {date}")),
            ("RFC822.SIZE", format!("RFC822.SIZE {size}")),
            ("ENVELOPE", format!("ENVELOPE {ENVELOPE}")),
            ("BODY.PEEK[]<", format!("BODY[]<0> {{{size}}}\r\n{text}")),
            ("BODY.PEEK[])", format!("BODY[] {{{size}}}\r\n{text}")),
        ];
        let asked = known.into_iter().filter(|(name, _)| items.contains(name));
        asked.map(|(_, told)| told).collect()
    }
}

/// The first string in quotes.
fn quoted(text: &str) -> String {
    text.split('"').nth(1).unwrap_or_default().to_owned()
}

/// How long the literal is that the line announces.
fn octets(line: &str) -> usize {
    let announced = line.rsplit('{').next().unwrap_or_default();
    announced
        .trim_end_matches(['+', '}'])
        .parse()
        .unwrap_or_default()
}
