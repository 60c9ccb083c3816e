//! The dialogue of WHOIS (RFC 3912): one line to the server, and whatever comes back until it hangs up.

use std::time::Duration;

use probe_core::{Failure, FailureKind};
use probe_net::{
    Codec, CommandOf, Decoded, Dialogue, Event, Malformed, Oddities, Outgoing, ReplyOf, Step,
};

use super::WHOIS;

/// A question, and what has come of the answer.
#[derive(Debug)]
pub(super) struct Question {
    line: String,
    /// The answer, or as much of it as came.
    pub(super) heard: Vec<u8>,
    /// Why there is not more of it, where there should be.
    pub(super) cut: Option<&'static str>,
}

impl Question {
    /// The most octets of an answer that are heard.
    pub(super) const LIMIT: usize = 256 * 1024;
    /// How long each silence may be. A server that ends its answer hangs up.
    const PATIENCE: Duration = Duration::from_secs(10);

    pub(super) fn new(line: String) -> Self {
        Self {
            line,
            heard: Vec::new(),
            cut: None,
        }
    }

    fn ends(&mut self, why: &'static str) -> Result<Step<String>, Failure> {
        self.cut = Some(why);
        match self.heard.is_empty() {
            true => Err(Failure::new(WHOIS, FailureKind::Timeout, why)),
            false => Ok(Step::Done),
        }
    }
}

impl Dialogue for Question {
    type Codec = Text;

    fn next(&mut self, event: Event<ReplyOf<Self>>) -> Result<Step<CommandOf<Self>>, Failure> {
        match event {
            Event::Connected => Ok(Step::say_in_hope(WHOIS, self.line.clone(), Self::PATIENCE)),
            Event::Reply(piece) => {
                let room = Self::LIMIT - self.heard.len();
                self.heard.extend(piece.iter().take(room));
                if piece.len() > room {
                    return self.ends("the answer is larger than any honest one");
                }
                Ok(Step::Await {
                    phase: WHOIS,
                    patience: Some(Self::PATIENCE),
                })
            }
            Event::Closed if self.heard.is_empty() => {
                let detail = "the server hung up without an answer";
                Err(Failure::new(WHOIS, FailureKind::Closed, detail))
            }
            Event::Closed => Ok(Step::Done),
            Event::Silence => self.ends("the answer did not come to its end in time"),
            _ => {
                let detail = "something happened that WHOIS does not know";
                Err(Failure::new(WHOIS, FailureKind::Protocol, detail))
            }
        }
    }

    /// There is no word for it.
    fn farewell(&self) -> Option<String> {
        None
    }
}

/// The bytes: a line goes, and text comes, which has no frames but its end.
#[derive(Debug, Default)]
pub(super) struct Text;

impl Codec for Text {
    type Command = String;
    type Reply = Vec<u8>;

    fn encode(&mut self, line: &String, out: &mut Outgoing) {
        // It is made of a name that was checked; were it not, it would still be one line.
        let bytes = line.bytes().filter(|byte| !byte.is_ascii_control());
        out.put(&bytes.collect::<Vec<_>>());
        out.put(b"\r\n");
    }

    fn decode(&mut self, input: &[u8], _: &mut Oddities) -> Result<Decoded<Vec<u8>>, Malformed> {
        Ok(Decoded::Frame {
            reply: input.to_vec(),
            used: input.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait() -> Step<String> {
        Step::Await {
            phase: WHOIS,
            patience: Some(Duration::from_secs(10)),
        }
    }

    #[test]
    fn the_answer_is_what_comes_until_the_server_hangs_up() {
        let mut question = Question::new("example.org".to_owned());
        let asked = Step::say_in_hope(WHOIS, "example.org".to_owned(), Duration::from_secs(10));
        assert_eq!(question.next(Event::Connected), Ok(asked));
        assert_eq!(question.next(Event::Reply(b"a: ".to_vec())), Ok(wait()));
        assert_eq!(question.next(Event::Reply(b"b".to_vec())), Ok(wait()));
        assert_eq!(question.next(Event::Closed), Ok(Step::Done));
        assert_eq!(
            (question.heard.as_slice(), question.cut),
            (&b"a: b"[..], None)
        );
    }

    #[test]
    fn what_came_before_a_silence_is_kept() {
        let mut question = Question::new("example.org".to_owned());
        assert!(question.next(Event::Reply(b"a: b".to_vec())).is_ok());
        assert_eq!(question.next(Event::Silence), Ok(Step::Done));
        assert_eq!(question.heard, b"a: b");
        assert!(question.cut.is_some());
        let mut silent = Question::new("example.org".to_owned());
        assert_eq!(
            silent.next(Event::Silence).unwrap_err().kind,
            FailureKind::Timeout
        );
        let mut rude = Question::new("example.org".to_owned());
        assert_eq!(
            rude.next(Event::Closed).unwrap_err().kind,
            FailureKind::Closed
        );
    }

    #[test]
    fn no_octet_is_heard_beyond_the_limit() {
        let mut question = Question::new("example.org".to_owned());
        let all = vec![b'a'; Question::LIMIT];
        assert_eq!(question.next(Event::Reply(all)), Ok(wait()));
        assert_eq!(question.next(Event::Reply(vec![b'a'])), Ok(Step::Done));
        assert_eq!(question.heard.len(), 262_144);
        assert!(question.cut.is_some());
    }

    #[test]
    fn a_question_is_one_line_whatever_is_asked() {
        let mut out = Outgoing::default();
        Text.encode(&"example.org\r\nx".to_owned(), &mut out);
        assert_eq!(
            format!("{out:?}"),
            r#"Outgoing("example.orgx\\u{d}\\u{a}")"#
        );
    }
}
