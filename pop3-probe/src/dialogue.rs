//! The machine: which command follows on which reply (RFC 1939, RFC 2449, RFC 2595). No I/O. The login, the maildrop
//! and the proof of rights are files of their own, in the order of the dialogue.

mod errand;
mod login;
mod maildrop;
mod permission;

use core::mem;
use std::sync::Arc;
use std::time::Duration;

use probe_core::{Failure, FailureKind, Phase};
use probe_net::sasl::Login;
use probe_net::tls::{Security, StartTls};
use probe_net::{Dialogue, Event, Layer, Step};

use crate::command::Command;
use crate::facts::{Greeting, Pop3Facts};
use crate::findings::words;
use crate::options::Options;
use crate::reply::{Capabilities, Pop3Codec, Reply, ResponseCode, Status};
use errand::Guest;
use maildrop::Questions;
use permission::Right;

pub use errand::Errand;

/// The phase of CAPA.
const CAPA: Phase = Phase::new("capa");

/// How long a server may take to answer QUIT; RFC 1939 wants an answer, and some hang up instead.
const FAREWELL: Duration = Duration::from_secs(2);

/// One POP3 dialogue: greeting, CAPA, STLS, CAPA, login, a look into the maildrop, QUIT, as far as the options ask
/// for it.
#[derive(Debug)]
pub struct Pop3Dialogue {
    options: Arc<Options>,
    security: Security,
    state: State,
    facts: Pop3Facts,
    /// Whoever leads us from errand to errand.
    guest: Option<Box<Guest>>,
}

/// What is awaited.
#[derive(Debug)]
enum State {
    Start,
    ExpectGreeting,
    ExpectCapa,
    ExpectStls,
    ExpectTls,
    ExpectUtf8,
    ExpectAuth(Box<Login>),
    ExpectCancelled(Failure),
    ExpectUser,
    /// The verdict on PASS or APOP.
    ExpectVerdict,
    ExpectAnswers(Questions),
    ExpectRight(Right),
    ExpectErrand(Errand),
    /// An errand.
    Ready,
    ExpectQuit,
    /// Between two commands, and about to leave early: QUIT is understood.
    Idle,
    /// Nothing more is to be said.
    Over,
}

type Next = Result<Step<Command>, Failure>;

impl Pop3Dialogue {
    /// A dialogue that asks what the options say.
    pub fn new(options: Arc<Options>, security: Security) -> Self {
        Self {
            options,
            security,
            state: State::Start,
            facts: Pop3Facts::default(),
            guest: None,
        }
    }

    /// What was learned so far.
    pub fn facts(&self) -> &Pop3Facts {
        &self.facts
    }

    /// What was learned.
    pub fn into_facts(self) -> Pop3Facts {
        self.facts
    }
}

impl Dialogue for Pop3Dialogue {
    type Codec = Pop3Codec;

    fn next(&mut self, event: Event<Reply>) -> Next {
        use Event::{Closed, Connected, Secured, Silence};
        match (mem::replace(&mut self.state, State::Over), event) {
            (State::Start, Connected) => self.expect_greeting(),
            (State::Start, Secured(tls)) => {
                self.facts.tls = Some(tls);
                self.expect_greeting()
            }
            (State::ExpectGreeting, Event::Reply(reply)) => self.on_greeting(reply),
            (State::ExpectCapa, Event::Reply(reply)) => self.on_capa(reply),
            (State::ExpectStls, Event::Reply(reply)) => self.on_stls(reply),
            (State::ExpectTls, Secured(tls)) => {
                // RFC 2595 section 4: what was said in clear counts no more.
                self.facts.tls = Some(tls);
                self.facts.knows_capa = None;
                self.say_capa()
            }
            (State::ExpectUtf8, Event::Reply(reply)) => self.on_utf8(&reply),
            (State::ExpectAuth(login), Event::Reply(reply)) => self.on_auth(login, &reply),
            (State::ExpectCancelled(failure), Event::Reply(reply)) => {
                // Another challenge would take QUIT for its answer.
                if reply.status() == Status::Err {
                    self.state = State::Idle;
                }
                Err(failure)
            }
            (State::ExpectCancelled(failure), Closed | Silence) => Err(failure),
            (State::ExpectUser, Event::Reply(reply)) => self.on_user(&reply),
            (State::ExpectVerdict, Event::Reply(reply)) => self.on_verdict(&reply),
            (State::ExpectAnswers(questions), Event::Reply(reply)) => {
                self.on_answer(questions, reply)
            }
            (State::ExpectRight(right), Event::Reply(reply)) => self.on_right(right, &reply),
            (State::Ready, Event::Resumed) => self.on_errand(),
            (State::ExpectErrand(errand), Event::Reply(reply)) => {
                self.on_errand_done(errand, reply)
            }
            // The answer to QUIT is a courtesy.
            (State::ExpectQuit, Event::Reply(_) | Closed | Silence) => Ok(Step::Done),
            (state, event) => Err(out_of_step(&state, &event)),
        }
    }

    fn took(&mut self, phase: Phase, time: Duration) {
        if phase == maildrop::NOOP {
            self.facts.noops.add(time);
        }
    }

    /// QUIT deletes what is marked as deleted, so it is said only where nothing can be.
    fn farewell(&self) -> Option<Command> {
        match &self.state {
            State::Idle => Some(Command::Quit),
            State::ExpectAuth(login) if login.is_unanswered() => Some(Command::Quit),
            State::ExpectVerdict => Some(Command::Quit),
            _ => None,
        }
    }
}

/// Greeting, capabilities and encryption.
impl Pop3Dialogue {
    fn expect_greeting(&mut self) -> Next {
        self.state = State::ExpectGreeting;
        Ok(Step::wait(Phase::GREETING))
    }

    fn on_greeting(&mut self, reply: Reply) -> Next {
        let next = match reply.status() {
            Status::Ok => self.say_capa(),
            _ => self.refused(Phase::GREETING, &reply),
        };
        self.facts.greeting = Some(Greeting::new(reply));
        next
    }

    fn say_capa(&mut self) -> Next {
        self.state = State::ExpectCapa;
        Ok(Step::say(CAPA, Command::Capa))
    }

    fn on_capa(&mut self, reply: Reply) -> Next {
        match reply.status() {
            Status::Ok => {
                self.facts.knows_capa = Some(true);
                let capabilities = Some(Capabilities::from(reply));
                match self.facts.tls {
                    Some(_) => self.facts.secured = capabilities,
                    None => self.facts.clear = capabilities,
                }
            }
            // RFC 2449 section 5: then the client has to find out by asking for each thing.
            Status::Err if !reply.code().is_some_and(ResponseCode::passes) => {
                self.facts.knows_capa = Some(false)
            }
            _ => return self.refused(CAPA, &reply),
        }
        self.after_capa()
    }

    fn after_capa(&mut self) -> Next {
        let wanted = matches!(self.security, Security::Required | Security::Opportunistic);
        if self.facts.tls.is_some() || !wanted {
            return self.begin_session();
        }
        let offered = self.facts.clear.as_ref().map(|clear| clear.has("STLS"));
        if offered.unwrap_or(true) {
            self.state = State::ExpectStls;
            return Ok(Step::say(Phase::STARTTLS, Command::Stls));
        }
        self.facts.starttls = StartTls::NotOffered;
        match self.security {
            Security::Opportunistic => self.begin_session(),
            _ => self.give_up(Failure::new(
                Phase::STARTTLS,
                FailureKind::Unsupported,
                "the server does not offer STLS",
            )),
        }
    }

    fn on_stls(&mut self, reply: Reply) -> Next {
        if reply.is_ok() {
            self.facts.starttls = StartTls::Accepted;
            self.state = State::ExpectTls;
            return Ok(Step::Upgrade(Layer::Tls));
        }
        self.facts.starttls = StartTls::Refused(reply.raw().into());
        match self.security {
            Security::Opportunistic if reply.status() == Status::Err => self.begin_session(),
            _ => self.refused(Phase::STARTTLS, &reply),
        }
    }
}

/// Leaving.
impl Pop3Dialogue {
    fn say_quit(&mut self) -> Next {
        self.state = State::ExpectQuit;
        Ok(Step::say_in_hope(Phase::QUIT, Command::Quit, FAREWELL))
    }

    /// We cannot go on, and the server does not know yet.
    fn give_up(&mut self, failure: Failure) -> Next {
        self.state = State::Idle;
        Err(failure)
    }

    /// The server said no, where it must not.
    fn refused(&mut self, phase: Phase, reply: &Reply) -> Next {
        let (kind, detail) = why_refused(reply);
        // To nonsense nobody says goodbye.
        if reply.status() == Status::Err {
            self.state = State::Idle;
        }
        Err(Failure::new(phase, kind, detail).with_reply(words(reply)))
    }
}

fn why_refused(reply: &Reply) -> (FailureKind, &'static str) {
    match (reply.status(), reply.code()) {
        (Status::Err, Some(code)) if code.passes() => (
            FailureKind::Temporary,
            "the server asked to come back later",
        ),
        (Status::Err, _) => (FailureKind::Permanent, "the server refused"),
        (Status::Ok | Status::Continue, _) => (
            FailureKind::Protocol,
            "the server's answer means nothing here",
        ),
        (Status::Other, _) => (
            FailureKind::Protocol,
            "the server said something that is no POP3 reply",
        ),
    }
}

fn out_of_step(state: &State, event: &Event<Reply>) -> Failure {
    let detail = format!("the dialogue stood at {state:?} and met {event:?}");
    Failure::new(Phase::GREETING, FailureKind::Protocol, detail)
}
