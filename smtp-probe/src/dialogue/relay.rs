//! Whether the server relays for strangers: each form of addresses in an envelope of its own, which is taken back.
//! DATA is never said.

use std::collections::VecDeque;

use probe_core::Phase;
use probe_net::Step;

use super::{Next, SmtpDialogue, State};
use crate::acceptance::{Acceptance, names_a_blacklist};
use crate::address::{Address, Path, Sender};
use crate::command::Command;
use crate::facts::RelayFacts;
use crate::relay::{Place, RelayAttempt};
use crate::reply::{Code, Reply};

/// All of the relay test.
const RELAY: Phase = Phase::new("relay");

/// A relay test under way.
#[derive(Debug)]
pub(super) struct Relay {
    /// The form that the server is thinking of.
    attempt: RelayAttempt,
    said: Said,
    /// What is still to be tried.
    attempts: VecDeque<RelayAttempt>,
    names: Names,
}

/// What the server takes in its own domain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Names {
    /// It is being asked for a name that nobody has.
    Asked,
    /// Any: what it takes there may be a mailbox, however odd its name.
    Any,
    /// Only some.
    Known,
}

/// Which command is being answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Said {
    Mail,
    Rcpt,
    Reset,
}

impl SmtpDialogue {
    pub(super) fn begin_relay_test(&mut self) -> Next {
        let options = self.options.clone();
        let (Some(test), Some(place)) = (&options.relay_test, self.place.clone()) else {
            return self.ask_next();
        };
        let mut attempts = VecDeque::from(test.attempts(&place));
        let control = self.control(&place);
        let names = match control {
            Some(_) => Names::Asked,
            None => Names::Known,
        };
        if let Some(control) = control {
            attempts.push_front(control);
        }
        self.facts.relay = Some(RelayFacts::default());
        self.next_attempt(attempts, names)
    }

    /// Nobody's name in the server's own domain, from nobody.
    fn control(&self, place: &Place) -> Option<RelayAttempt> {
        let address = format!("mailprobe-{}@{}", self.token?, place.name);
        let address: Address = address.parse().ok()?;
        let recipient = Path::from(address);
        Some(RelayAttempt::new(Sender::Null, recipient))
    }

    fn next_attempt(&mut self, mut attempts: VecDeque<RelayAttempt>, names: Names) -> Next {
        let Some(attempt) = attempts.pop_front() else {
            return self.ask_next();
        };
        let command = Command::Mail {
            sender: attempt.sender.clone(),
            parameters: Vec::new(),
        };
        self.say_to_relay(
            Relay {
                attempt,
                said: Said::Mail,
                attempts,
                names,
            },
            command,
        )
    }

    fn say_to_relay(&mut self, relay: Relay, command: Command) -> Next {
        self.state = State::ExpectRelay(Box::new(relay));
        Ok(Step::say(RELAY, command))
    }

    pub(super) fn on_relay(&mut self, relay: Relay, reply: Reply) -> Next {
        if reply.is_farewell() {
            // It has had enough of us, which is its right.
            self.relay().stopped = Some(reply);
            return Ok(Step::Done);
        }
        if reply.code().is_none() {
            return self.refused(RELAY, &reply);
        }
        let is_done = reply.code().is_some_and(Code::is_completion);
        match relay.said {
            Said::Mail | Said::Rcpt if ends_the_test(&reply) => {
                self.relay().stopped = Some(reply);
                self.ask_next()
            }
            Said::Mail if is_done => {
                let command = Command::Rcpt {
                    recipient: relay.attempt.recipient.clone(),
                    notify: None,
                };
                let said = Said::Rcpt;
                self.say_to_relay(Relay { said, ..relay }, command)
            }
            Said::Mail => {
                self.note_attempt(&relay, reply);
                self.reset_relay(relay)
            }
            Said::Rcpt => {
                self.note_attempt(&relay, reply);
                let names = match relay.names {
                    Names::Asked if is_done => Names::Any,
                    Names::Asked => Names::Known,
                    known => known,
                };
                self.reset_relay(Relay { names, ..relay })
            }
            Said::Reset if is_done => self.next_attempt(relay.attempts, relay.names),
            Said::Reset => self.refused(RELAY, &reply),
        }
    }

    fn reset_relay(&mut self, relay: Relay) -> Next {
        let names = match relay.names {
            // Not even its sender was taken.
            Names::Asked => Names::Known,
            known => known,
        };
        let relay = Relay {
            said: Said::Reset,
            names,
            ..relay
        };
        self.say_to_relay(relay, Command::Reset)
    }

    fn note_attempt(&mut self, relay: &Relay, reply: Reply) {
        if relay.names == Names::Asked {
            return;
        }
        let options = self.options.clone();
        let foreign = options.relay_test.as_ref().map(|test| test.foreign());
        let may_be_local = foreign.is_some_and(|host| relay.attempt.may_be_local(host));
        let is_accepted = reply.code().is_some_and(Code::is_completion) && relay.said == Said::Rcpt;
        let is_deferred = reply.code().is_some_and(Code::is_transient);
        let facts = self.relay();
        facts.tried += 1;
        if is_accepted && !(may_be_local && relay.names == Names::Any) {
            facts.accepted.push((relay.attempt.clone(), reply));
        } else if is_accepted || is_deferred && !is_denial(&reply) {
            facts.unclear += 1;
        }
    }

    fn relay(&mut self) -> &mut RelayFacts {
        self.facts.relay.get_or_insert_default()
    }
}

/// Whether a polite guest goes on: not where a login is wanted, nor where it is on a blacklist.
fn ends_the_test(reply: &Reply) -> bool {
    let is_refused = reply.code().is_some_and(|code| !code.is_completion());
    let wants_login = Acceptance::of(reply, 0) == Some(Acceptance::AuthRequired);
    is_refused && (wants_login || names_a_blacklist(reply))
}

/// Postfix's "454 4.7.1 Relay access denied" is as clear as a 554.
fn is_denial(reply: &Reply) -> bool {
    Acceptance::of(reply, 0) == Some(Acceptance::RelayDenied)
}
