//! The conversation with one agent: the session beneath, the walk above. Datagrams in, datagrams out; whoever leads it has
//! the socket and the clock.

use zeroize::Zeroizing;

use super::access::SnmpAccess;
use super::findings::kind;
use super::message::{Pdu, Request};
use super::mib::Batch;
use super::session::{Heard, Refusal, Session};
use super::walk::{NoAccess, Walk};

/// What is said to one agent, and heard.
#[derive(Debug)]
pub(super) struct Dialogue {
    session: Session,
    pub(super) walk: Walk,
    progress: Progress,
    /// Answers that proved nothing.
    unproven: usize,
    /// The question that has to be put again, since the agent had to be met first.
    again: Option<Request>,
}

/// How far an agent has come towards us.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Progress {
    /// It has said nothing.
    Silent,
    /// It has told its name (version 3).
    Met,
    /// It has answered.
    Answered,
}

/// A datagram to be sent, until something is heard.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) datagram: Zeroizing<Vec<u8>>,
    /// What is shown of it.
    pub(super) words: String,
}

/// What has come of a datagram.
#[derive(Debug)]
pub(super) enum Turn {
    /// Nothing that was waited for: wait on.
    Foreign,
    /// Go on.
    On { words: String },
    /// There is no use in going on.
    Over { words: String, trouble: Trouble },
}

/// Why a conversation ended before everything was asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Trouble {
    NoAccess(NoAccess),
    Refused(Refusal),
}

impl Dialogue {
    pub(super) fn new(access: &SnmpAccess, seed: [u8; 16], batches: &'static [Batch]) -> Self {
        let session = Session::new(&access.0, seed);
        Self {
            walk: Walk::new(session.is_second(), batches),
            session,
            progress: Progress::Silent,
            unproven: 0,
            again: None,
        }
    }

    /// What to send; nothing where everything was asked.
    pub(super) fn ask(&mut self) -> Option<Ask> {
        let request = match self.again.take() {
            Some(request) => request,
            None => self.walk.next()?,
        };
        let words = match self.session.is_stranger() {
            true => "who are you?".to_owned(),
            false => request.words(),
        };
        let datagram = self.session.encode(&request);
        self.again = Some(request);
        Some(Ask { datagram, words })
    }

    /// Takes a datagram from the agent's address.
    pub(super) fn hear(&mut self, datagram: &[u8]) -> Turn {
        let masked = self.masked(datagram);
        match self.session.hear(&masked) {
            Heard::Foreign => Turn::Foreign,
            Heard::Unproven => {
                self.unproven = self.unproven.saturating_add(1);
                Turn::Foreign
            }
            Heard::Learned => {
                self.progress = self.progress.max(Progress::Met);
                let words = "report: it tells its name and its clock".to_owned();
                Turn::On { words }
            }
            Heard::Refused(refusal) => {
                self.progress = self.progress.max(Progress::Met);
                Turn::Over {
                    words: format!("report: {}", kind(refusal).code),
                    trouble: Trouble::Refused(refusal),
                }
            }
            Heard::Answer(pdu) => self.take(&pdu),
        }
    }

    /// How far the agent has come.
    pub(super) const fn progress(&self) -> Progress {
        self.progress
    }

    /// How many answers came that proved nothing.
    pub(super) const fn unproven(&self) -> usize {
        self.unproven
    }

    /// By which number an answer is known.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) const fn asked(&self) -> Option<i32> {
        self.session.asked()
    }

    fn take(&mut self, pdu: &Pdu) -> Turn {
        self.progress = Progress::Answered;
        self.again = None;
        let words = self.walk.words(pdu);
        match self.walk.answer(pdu) {
            Ok(()) => Turn::On { words },
            Err(refused) => Turn::Over {
                words,
                trouble: Trouble::NoAccess(refused),
            },
        }
    }

    /// A community that the agent repeats among its values is overwritten before anybody reads it.
    fn masked(&self, datagram: &[u8]) -> Vec<u8> {
        /// A shorter one would be found by chance.
        const SHORTEST: usize = 6;
        let mut datagram = datagram.to_vec();
        let community = self.session.community().map(probe_core::Secret::expose);
        let secret = community
            .filter(|secret| secret.len() >= SHORTEST && *secret != SnmpAccess::PUBLIC.as_bytes());
        let Some(secret) = secret else {
            return datagram;
        };
        let mut place = 0;
        while let Some(rest) = datagram.get_mut(place..) {
            match rest.get_mut(..secret.len()) {
                Some(part) if part.eq_ignore_ascii_case(secret) => {
                    part.fill(b'*');
                    place += secret.len();
                }
                Some(_) => place += 1,
                None => break,
            }
        }
        datagram
    }
}
