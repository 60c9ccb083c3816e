//! The machine: which command follows on which reply (RFC 5321, RFC 3207, RFC 4954). No I/O.
//!
//! Here is how commands and replies find each other; the parts of a dialogue have files of their own.

mod begin;
mod envelope;
mod injection;
mod login;
mod message;
mod ntlm;
mod questions;
mod relay;
mod smuggling;

use core::mem;
use core::net::IpAddr;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use probe_core::{Failure, FailureKind, Phase};
use probe_net::message::Token;
use probe_net::sasl::Login;
use probe_net::tls::Security;
use probe_net::{Dialogue, Event, Step};

use crate::address::Address;
use crate::command::{Command, EhloName, UserName};
use crate::expectation::Stage;
use crate::facts::{Directory, SmtpFacts, Unexpected};
use crate::findings::words;
use crate::message::Message;
use crate::options::Options;
use crate::relay::Place;
use crate::reply::{Code, Reply, SmtpCodec};
use envelope::Envelope;
use injection::Injection;
use questions::Question;
use relay::Relay;
use smuggling::Smuggling;

pub(crate) use envelope::MAIL;

/// The phase of EHLO and HELO.
const EHLO: Phase = Phase::new("ehlo");

/// Taking an envelope back.
const RSET: Phase = Phase::new("rset");

/// How long a server may take to answer QUIT; RFC 5321 wants an answer, and some hang up instead.
const FAREWELL: Duration = Duration::from_secs(2);

/// The most replies that are told as unexpected.
const UNEXPECTED: usize = 16;

/// One SMTP dialogue: greeting, EHLO, STARTTLS, EHLO, AUTH, questions, an envelope, QUIT, as far as the options ask for it.
#[derive(Debug)]
pub struct SmtpDialogue {
    options: Arc<Options>,
    security: Security,
    name: EhloName,
    state: State,
    facts: SmtpFacts,
    /// What is still to be asked.
    plan: VecDeque<Question>,
    /// How long the last answer took.
    took: Duration,
    /// Where the server is.
    place: Option<Place>,
    /// What nobody's name contains.
    token: Option<Token>,
}

/// What is awaited.
#[derive(Debug)]
enum State {
    Start,
    ExpectGreeting,
    ExpectEhlo,
    ExpectHelo,
    ExpectStartTls,
    ExpectTls,
    ExpectInjection(Injection),
    ExpectNtlm(ntlm::Awaited),
    ExpectAuth(Box<Login>),
    ExpectCancelled(Failure),
    ExpectEhloAfterAuth,
    ExpectNoop,
    ExpectDirectory(Directory, UserName),
    ExpectMail(Box<Envelope>),
    ExpectRcpt(Box<Envelope>),
    ExpectRset,
    ExpectData(Message),
    /// Those for whom it has not said whether it takes the message.
    ExpectMessage(VecDeque<Address>),
    ExpectRelay(Box<Relay>),
    ExpectSmuggling(Box<Smuggling>),
    ExpectQuit,
    /// Between two commands, and about to leave early: QUIT is understood.
    Idle,
    /// Nothing more is to be said.
    Over,
}

impl State {
    /// What is being answered.
    fn stage(&self, reply: &Reply) -> Option<Stage> {
        let is_challenge = reply.code().is_some_and(Code::is_intermediate);
        match self {
            Self::ExpectGreeting => Some(Stage::Greeting),
            Self::ExpectEhlo | Self::ExpectHelo | Self::ExpectEhloAfterAuth => Some(Stage::Ehlo),
            Self::ExpectStartTls => Some(Stage::StartTls),
            Self::ExpectAuth(_) if !is_challenge => Some(Stage::Auth),
            Self::ExpectMail(_) => Some(Stage::Mail),
            Self::ExpectRcpt(envelope) if envelope.is_alive() => Some(Stage::Rcpt),
            _ => None,
        }
    }
}

type Next = Result<Step<Command>, Failure>;

impl SmtpDialogue {
    /// A dialogue that asks what the options say, in which we call ourselves `name`.
    pub fn new(options: Arc<Options>, security: Security, name: EhloName) -> Self {
        Self {
            options,
            security,
            name,
            state: State::Start,
            facts: SmtpFacts::default(),
            plan: VecDeque::new(),
            took: Duration::ZERO,
            place: None,
            token: None,
        }
    }

    /// Makes the name that nobody has of this: without it, [`Options::catch_all`] cannot be asked.
    #[must_use]
    pub fn with_token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }

    /// Tells what the server is called and where it is: without it, [`Options::relay_test`] cannot be asked, since
    /// many forms contain it.
    #[must_use]
    pub fn with_server(mut self, name: EhloName, address: Option<IpAddr>) -> Self {
        self.place = Some(Place { name, address });
        self
    }

    /// What was learned so far.
    pub fn facts(&self) -> &SmtpFacts {
        &self.facts
    }

    /// What was learned.
    pub fn into_facts(self) -> SmtpFacts {
        self.facts
    }
}

impl Dialogue for SmtpDialogue {
    type Codec = SmtpCodec;

    fn next(&mut self, event: Event<Reply>) -> Next {
        use Event::{Closed, Connected, Secured, Silence};
        if let Event::Reply(reply) = &event {
            self.compare(reply);
        }
        match (mem::replace(&mut self.state, State::Over), event) {
            (State::Start, Connected) => self.expect_greeting(),
            (State::Start, Secured(tls)) => {
                self.facts.tls = Some(tls);
                self.expect_greeting()
            }
            (State::ExpectGreeting, Event::Reply(reply)) => self.on_greeting(reply),
            (State::ExpectEhlo, Event::Reply(reply)) => self.on_ehlo(reply),
            (State::ExpectHelo, Event::Reply(reply)) => self.on_helo(&reply),
            (State::ExpectStartTls, Event::Reply(reply)) => self.on_starttls(reply),
            (State::ExpectTls, Secured(tls)) => {
                // RFC 3207 section 4.2: what was said in clear counts no more.
                self.facts.tls = Some(tls);
                match self.options.quits_after(Stage::StartTls) {
                    true => self.say_quit(),
                    false => self.introduce(),
                }
            }
            (State::ExpectInjection(awaited), event) => self.on_injection(awaited, event),
            (State::ExpectNtlm(awaited), Event::Reply(reply)) => self.on_ntlm(awaited, reply),
            (State::ExpectAuth(login), Event::Reply(reply)) => self.on_auth(login, reply),
            (State::ExpectCancelled(failure), Event::Reply(reply)) => {
                // Another challenge would take QUIT for its answer.
                if !reply.code().is_some_and(|code| code.is_intermediate()) {
                    self.state = self.after_refusal(&reply);
                }
                Err(failure)
            }
            (State::ExpectCancelled(failure), Closed | Silence) => Err(failure),
            (State::ExpectEhloAfterAuth, Event::Reply(reply)) => self.on_ehlo_after_auth(reply),
            (State::ExpectEhloAfterAuth, Closed | Silence) => {
                self.facts.refused_ehlo_after_auth = true;
                self.without_ehlo_after_auth()
            }
            (State::ExpectNoop, Event::Reply(reply)) => self.on_noop(&reply),
            (State::ExpectDirectory(directory, name), Event::Reply(reply)) => {
                self.on_directory(directory, name, reply)
            }
            (State::ExpectMail(envelope), Event::Reply(reply)) => self.on_mail(*envelope, reply),
            (State::ExpectRcpt(envelope), Event::Reply(reply)) => self.on_rcpt(*envelope, reply),
            (State::ExpectRset, Event::Reply(reply)) => self.on_rset(&reply),
            (State::ExpectData(message), Event::Reply(reply)) => self.on_data(message, &reply),
            (State::ExpectMessage(waiting), Event::Reply(reply)) => self.on_message(waiting, reply),
            (State::ExpectRelay(relay), Event::Reply(reply)) => self.on_relay(*relay, reply),
            (State::ExpectSmuggling(smuggling), event) => self.on_smuggling(*smuggling, event),
            // All that was asked is answered.
            (State::ExpectRset, Closed | Silence) => Ok(Step::Done),
            // The answer to QUIT is a courtesy.
            (State::ExpectQuit, Event::Reply(_) | Closed | Silence) => Ok(Step::Done),
            (state, event) => Err(out_of_step(&state, &event)),
        }
    }

    fn took(&mut self, _: Phase, time: Duration) {
        self.took = time;
    }

    fn farewell(&self) -> Option<Command> {
        match &self.state {
            State::Idle => Some(Command::Quit),
            State::ExpectAuth(login) if login.is_unanswered() => Some(Command::Quit),
            _ => None,
        }
    }
}

/// Asking.
impl SmtpDialogue {
    /// Notes where a reply is not what the caller expects.
    fn compare(&mut self, reply: &Reply) {
        let Some(stage) = self.state.stage(reply) else {
            return;
        };
        for (at, expected) in &self.options.expectations {
            let is_odd = *at == stage && !expected.is_met_by(reply);
            if is_odd && self.facts.unexpected.len() < UNEXPECTED {
                let one = Unexpected::new(stage, expected.clone(), reply.clone());
                self.facts.unexpected.push(one);
            }
        }
    }

    fn offers(&self, name: &str) -> bool {
        let capabilities = self.facts.capabilities();
        capabilities.is_some_and(|offered| offered.has(name))
    }
}

/// Leaving.
impl SmtpDialogue {
    fn say_quit(&mut self) -> Next {
        self.state = State::ExpectQuit;
        Ok(Step::say_in_hope(Phase::QUIT, Command::Quit, FAREWELL))
    }

    /// The server refused, and that was what we came for.
    fn leave_after(&mut self, reply: &Reply) -> Next {
        match reply.is_farewell() {
            true => Ok(Step::Done),
            false => self.say_quit(),
        }
    }

    /// We cannot go on, and the server does not know yet.
    fn give_up(&mut self, failure: Failure) -> Next {
        self.state = State::Idle;
        Err(failure)
    }

    /// The server said no.
    fn refused(&mut self, phase: Phase, reply: &Reply) -> Next {
        if let Some(stage) = Stage::of(phase)
            && self.options.wants_refusal(stage, reply)
        {
            return self.leave_after(reply);
        }
        self.state = self.after_refusal(reply);
        let (kind, detail) = match reply.code() {
            Some(code) if code.is_transient() => (
                FailureKind::Temporary,
                format!("the server asked to come back later ({code})"),
            ),
            Some(code) if code.is_permanent() => (
                FailureKind::Permanent,
                format!("the server refused ({code})"),
            ),
            Some(code) => (
                FailureKind::Protocol,
                format!("the server answered {code}, which means nothing here"),
            ),
            None => (
                FailureKind::Protocol,
                "the server said something that is no SMTP reply".to_owned(),
            ),
        };
        Err(Failure::new(phase, kind, detail).with_reply(words(reply)))
    }

    /// After 421 the server hangs up by itself (RFC 5321 section 3.8), and to nonsense nobody says goodbye.
    fn after_refusal(&self, reply: &Reply) -> State {
        match reply.code().map(|code| code.number()) {
            Some(421) | None => State::Over,
            Some(_) => State::Idle,
        }
    }
}

fn out_of_step(state: &State, event: &Event<Reply>) -> Failure {
    let detail = format!("the dialogue stood at {state:?} and met {event:?}");
    Failure::new(Phase::GREETING, FailureKind::Protocol, detail)
}
