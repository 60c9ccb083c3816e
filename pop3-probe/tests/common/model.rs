//! A small POP3 server with a maildrop that can really lose its messages: marks of DELE are carried out at QUIT and
//! nowhere else (RFC 1939 section 6).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use probe_testkit::{Answer, Script};

/// A maildrop that several sessions look into, one after the other.
#[derive(Clone)]
pub(crate) struct Maildrop {
    messages: Arc<Mutex<Vec<Message>>>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Message {
    id: String,
    text: String,
}

/// What a server does otherwise, at the command of this number or to this command: before it obeys, or after.
#[derive(Clone)]
pub(crate) enum Quirk {
    /// Does not obey, and answers so.
    Instead(&'static str, Answer),
    /// Does not obey the command of this number, and closes the connection.
    CloseBefore(usize),
    /// Obeys the command of this number, and closes the connection without an answer.
    CloseAfter(usize),
    /// Obeys the command of this number, and never answers.
    SilentAfter(usize),
    /// Says the same and obeys RSET not at all.
    KeepsMarks,
    /// None.
    Nothing,
}

impl Maildrop {
    pub(crate) fn of(count: usize) -> Self {
        let message = |number| Message {
            id: format!("id-{number}"),
            text: format!(
                "Date: {number} Nov 2006 00:00:00 +0000\r\nSubject: {number}\r\n\r\n{}\r\n",
                "x".repeat(number)
            ),
        };
        Self {
            messages: Arc::new(Mutex::new((1..=count).map(message).collect())),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.messages.lock().unwrap().len()
    }

    /// Serves it, with these capabilities.
    pub(crate) fn served(&self, capabilities: &'static str, quirk: &Quirk) -> Script {
        let (maildrop, quirk) = (self.clone(), quirk.clone());
        Script::new().say("+OK ready\r\n").serve(move || {
            let mut session = Session {
                maildrop: maildrop.clone(),
                capabilities,
                marked: BTreeSet::new(),
            };
            let quirk = quirk.clone();
            let mut heard = 0;
            move |line: &[u8]| {
                heard += 1;
                session.meet(&String::from_utf8_lossy(line), heard, &quirk)
            }
        })
    }
}

struct Session {
    maildrop: Maildrop,
    capabilities: &'static str,
    /// Places in the list of messages.
    marked: BTreeSet<usize>,
}

impl Session {
    fn meet(&mut self, line: &str, heard: usize, quirk: &Quirk) -> Answer {
        match quirk {
            Quirk::Instead(verb, answer) if line.starts_with(verb) => answer.clone(),
            Quirk::CloseBefore(number) if *number == heard => Answer::close(""),
            Quirk::CloseAfter(number) if *number == heard => {
                self.obey(line);
                Answer::close("")
            }
            Quirk::SilentAfter(number) if *number == heard => {
                self.obey(line);
                Answer::silence("")
            }
            Quirk::KeepsMarks if line == "RSET" => "+OK\r\n".into(),
            _ => self.obey(line),
        }
    }

    fn obey(&mut self, line: &str) -> Answer {
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        let place = argument.split(' ').next().unwrap_or_default();
        let place = place.parse::<usize>().unwrap_or_default().wrapping_sub(1);
        let messages = self.maildrop.messages.lock().unwrap().clone();
        let left = || {
            let all = messages.iter().enumerate();
            all.filter(|(place, _)| !self.marked.contains(place))
        };
        let list = |of: fn(&Message) -> String| {
            let lines = left().map(|(place, one)| format!("{} {}\r\n", place + 1, of(one)));
            lines.collect::<String>()
        };
        match verb {
            "CAPA" => format!("+OK\r\n{}.\r\n", self.capabilities).into(),
            "USER" | "PASS" | "NOOP" => "+OK\r\n".into(),
            "STAT" => {
                let octets: usize = left().map(|(_, one)| one.text.len()).sum();
                format!("+OK {} {octets}\r\n", left().count()).into()
            }
            "LIST" => format!("+OK\r\n{}.\r\n", list(|one| one.text.len().to_string())).into(),
            "UIDL" => format!("+OK\r\n{}.\r\n", list(|one| one.id.clone())).into(),
            "RETR" | "TOP" => match messages.get(place).map(|one| one.text.as_str()) {
                None => "-ERR no such message\r\n".into(),
                Some(text) if verb == "RETR" => format!("+OK\r\n{text}.\r\n").into(),
                Some(text) => {
                    let (head, _) = text.split_once("\r\n\r\n").unwrap();
                    format!("+OK\r\n{head}\r\n\r\n.\r\n").into()
                }
            },
            "DELE" => {
                self.marked.insert(place);
                "+OK\r\n".into()
            }
            "RSET" => {
                self.marked.clear();
                "+OK\r\n".into()
            }
            "QUIT" => {
                let mut place = 0;
                self.maildrop.messages.lock().unwrap().retain(|_| {
                    place += 1;
                    !self.marked.contains(&(place - 1))
                });
                Answer::close("+OK bye\r\n")
            }
            _ => "-ERR what?\r\n".into(),
        }
    }
}
