//! The machine: which command follows on which reply (RFC 5321, RFC 3207, RFC 4954). No I/O.

use core::mem;
use std::sync::Arc;
use std::time::Duration;

use probe_core::{Failure, FailureKind, Phase};
use probe_net::sasl::{self, AuthFacts, Login, Mechanism};
use probe_net::tls::{Security, StartTls};
use probe_net::{Dialogue, Event, Layer, Step};

use crate::command::{Command, EhloName};
use crate::facts::{Greeting, SmtpFacts};
use crate::findings::words;
use crate::options::Options;
use crate::reply::{Capabilities, Code, Reply, SmtpCodec};

/// The phase of EHLO and HELO.
const EHLO: Phase = Phase::new("ehlo");

/// How long a server may take to answer QUIT; RFC 5321 wants an answer, and some hang up instead.
const FAREWELL: Duration = Duration::from_secs(2);

/// One SMTP dialogue: greeting, EHLO, STARTTLS, EHLO, AUTH, QUIT, as far as the options ask for it.
#[derive(Debug)]
pub struct SmtpDialogue {
    options: Arc<Options>,
    security: Security,
    name: EhloName,
    state: State,
    facts: SmtpFacts,
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
    ExpectAuth(Box<Login>),
    ExpectCancelled(Failure),
    ExpectEhloAfterAuth,
    ExpectQuit,
    /// Between two commands, and about to leave early: QUIT is understood.
    Idle,
    /// Nothing more is to be said.
    Over,
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
        }
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
                self.say_ehlo()
            }
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
                Ok(Step::Done)
            }
            // The answer to QUIT is a courtesy.
            (State::ExpectQuit, Event::Reply(_) | Closed | Silence) => Ok(Step::Done),
            (state, event) => Err(out_of_step(&state, &event)),
        }
    }

    fn farewell(&self) -> Option<Command> {
        match &self.state {
            State::Idle => Some(Command::Quit),
            State::ExpectAuth(login) if login.is_unanswered() => Some(Command::Quit),
            _ => None,
        }
    }
}

/// Greeting and introduction.
impl SmtpDialogue {
    fn expect_greeting(&mut self) -> Next {
        self.state = State::ExpectGreeting;
        Ok(Step::wait(Phase::GREETING))
    }

    fn on_greeting(&mut self, reply: Reply) -> Next {
        let next = match reply.code() {
            Some(code) if code.is_completion() => self.say_ehlo(),
            _ => self.refused(Phase::GREETING, &reply),
        };
        self.facts.greeting = Some(Greeting::new(reply));
        next
    }

    fn say_ehlo(&mut self) -> Next {
        self.state = State::ExpectEhlo;
        Ok(Step::say(EHLO, Command::Ehlo(self.name.clone())))
    }

    fn on_ehlo(&mut self, reply: Reply) -> Next {
        match reply.code().map(|code| code.number()) {
            Some(200..=299) => {
                self.facts.knows_ehlo = Some(true);
                let capabilities = Some(Capabilities::from(reply));
                match self.facts.tls {
                    Some(_) => self.facts.secured = capabilities,
                    None => self.facts.clear = capabilities,
                }
                self.after_ehlo()
            }
            // Only these two say that the command is unknown; after any other the reason would get lost.
            Some(500 | 502) => {
                self.state = State::ExpectHelo;
                Ok(Step::say(EHLO, Command::Helo(self.name.clone())))
            }
            _ => self.refused(EHLO, &reply),
        }
    }

    fn on_helo(&mut self, reply: &Reply) -> Next {
        match reply.code() {
            Some(code) if code.is_completion() => {
                self.facts.knows_ehlo = Some(false);
                self.after_ehlo()
            }
            _ => self.refused(EHLO, reply),
        }
    }

    fn after_ehlo(&mut self) -> Next {
        let wanted = matches!(self.security, Security::Required | Security::Opportunistic);
        if self.facts.tls.is_some() || !wanted {
            return self.begin_auth();
        }
        if self
            .facts
            .clear
            .as_ref()
            .is_some_and(|offered| offered.has("STARTTLS"))
        {
            self.state = State::ExpectStartTls;
            return Ok(Step::say(Phase::STARTTLS, Command::StartTls));
        }
        self.facts.starttls = StartTls::NotOffered;
        match self.security {
            Security::Opportunistic => self.begin_auth(),
            _ => self.give_up(Failure::new(
                Phase::STARTTLS,
                FailureKind::Unsupported,
                "the server does not offer STARTTLS",
            )),
        }
    }

    fn on_starttls(&mut self, reply: Reply) -> Next {
        if reply.code().is_some_and(|code| code.number() == 220) {
            self.facts.starttls = StartTls::Accepted;
            self.state = State::ExpectTls;
            return Ok(Step::Upgrade(Layer::Tls));
        }
        self.facts.starttls = StartTls::Refused(reply.raw().into());
        match self.security {
            Security::Opportunistic if reply.code().is_some_and(|code| code.number() != 421) => {
                self.begin_auth()
            }
            _ => self.refused(Phase::STARTTLS, &reply),
        }
    }
}

/// Authentication.
impl SmtpDialogue {
    fn begin_auth(&mut self) -> Next {
        let Some(credentials) = &self.options.credentials else {
            return self.say_quit();
        };
        self.facts.auth = Some(AuthFacts::new(credentials));
        let Options {
            mechanisms, nonces, ..
        } = &*self.options;
        let login = Login::begin(
            &self.offered(),
            mechanisms,
            credentials,
            nonces,
            self.facts.tls.clone(),
        );
        self.try_login(login)
    }

    fn try_login(&mut self, login: Result<Login, Failure>) -> Next {
        let mut login = match login {
            Ok(login) => Box::new(login),
            Err(failure) => return self.give_up(failure),
        };
        let mechanism = login.mechanism();
        self.auth().attempt(mechanism);
        let initial_response =
            login.initial_response(|response| Command::fits(mechanism, response));
        self.state = State::ExpectAuth(login);
        let command = Command::Auth {
            mechanism,
            initial_response,
        };
        Ok(Step::say(Phase::AUTH, command))
    }

    fn on_auth(&mut self, login: Box<Login>, reply: Reply) -> Next {
        match reply.code().map(|code| code.number()) {
            Some(334) => self.on_challenge(login, &reply),
            Some(235) => self.on_authenticated(&login, &reply),
            _ => self.on_auth_refused(&login, &reply),
        }
    }

    fn on_challenge(&mut self, mut login: Box<Login>, reply: &Reply) -> Next {
        match login.respond(reply.text()) {
            Ok(response) => {
                let mechanism = login.mechanism();
                self.state = State::ExpectAuth(login);
                let command = Command::AuthResponse {
                    mechanism,
                    response,
                };
                Ok(Step::say(Phase::AUTH, command))
            }
            Err(failure) => {
                self.state = State::ExpectCancelled(failure.with_reply(words(reply)));
                Ok(Step::say_in_hope(
                    Phase::AUTH,
                    Command::AuthCancel,
                    FAREWELL,
                ))
            }
        }
    }

    fn on_authenticated(&mut self, login: &Login, reply: &Reply) -> Next {
        self.auth().verdict(reply.raw(), login.server_error());
        if let Err(failure) = login.finish() {
            return self.give_up(failure.with_reply(words(reply)));
        }
        self.auth().accept();
        if !self.options.ehlo_after_auth {
            return self.say_quit();
        }
        self.state = State::ExpectEhloAfterAuth;
        Ok(Step::say_in_hope(
            EHLO,
            Command::Ehlo(self.name.clone()),
            FAREWELL,
        ))
    }

    fn on_auth_refused(&mut self, login: &Login, reply: &Reply) -> Next {
        self.auth().verdict(reply.raw(), login.server_error());
        // Not one that will pass: the server offers the mechanism and cannot do it.
        if reply.code().is_some_and(Code::is_permanent)
            && let Some(next) = login.try_next()
        {
            return self.try_login(next);
        }
        let server_error = login.server_error().unwrap_or_default();
        let (kind, detail) = why_refused(reply, server_error, login.proof_sent());
        self.state = self.after_refusal(reply);
        Err(Failure::new(Phase::AUTH, kind, detail).with_reply(words(reply)))
    }

    fn on_ehlo_after_auth(&mut self, reply: Reply) -> Next {
        if reply.code().is_some_and(|code| code.is_completion()) {
            self.facts.authenticated = Some(Capabilities::from(reply));
        } else {
            self.facts.refused_ehlo_after_auth = true;
        }
        self.say_quit()
    }

    /// What the server offers on the channel as it is now.
    fn offered(&self) -> Vec<Mechanism> {
        let capabilities = self.facts.capabilities();
        capabilities
            .map(Capabilities::mechanisms)
            .unwrap_or_default()
    }

    fn auth(&mut self) -> &mut AuthFacts {
        self.facts.auth.get_or_insert_default()
    }
}

/// Leaving.
impl SmtpDialogue {
    fn say_quit(&mut self) -> Next {
        self.state = State::ExpectQuit;
        Ok(Step::say_in_hope(Phase::QUIT, Command::Quit, FAREWELL))
    }

    /// We cannot go on, and the server does not know yet.
    fn give_up(&mut self, failure: Failure) -> Next {
        self.state = State::Idle;
        Err(failure)
    }

    /// The server said no.
    fn refused(&mut self, phase: Phase, reply: &Reply) -> Next {
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

/// What a refusal of AUTH means (RFC 4954 section 6).
fn why_refused(reply: &Reply, server_error: &[u8], proof_sent: bool) -> (FailureKind, String) {
    let Some(code) = reply.code() else {
        let detail = "the server said something that is no SMTP reply".to_owned();
        return (FailureKind::Protocol, detail);
    };
    if forbids_passwords(reply) {
        let detail = "the server takes no passwords any more: it wants OAuth".to_owned();
        return (FailureKind::Policy, detail);
    }
    let kind = match code.number() {
        400..=499 => FailureKind::Temporary,
        // Too weak, encryption wanted, authentication by other means wanted.
        530 | 534 | 538 => FailureKind::Policy,
        // It has seen nothing to refuse yet.
        500..=599 if !proof_sent => FailureKind::Unsupported,
        500..=599 => FailureKind::Credentials,
        _ => FailureKind::Protocol,
    };
    let mut detail = match kind {
        FailureKind::Temporary => format!("the server cannot authenticate for now ({code})"),
        FailureKind::Policy => format!("the server's policy forbids this login ({code})"),
        FailureKind::Unsupported => format!("the server cannot do what it offers ({code})"),
        FailureKind::Credentials => format!("the user name or the password was refused ({code})"),
        _ => format!("the server answered {code}, which means nothing here"),
    };
    if !server_error.is_empty() {
        detail = format!("{detail}: {}", probe_net::excerpt(server_error));
    }
    (kind, detail)
}

/// Microsoft says so by 5.7.139, or in words.
fn forbids_passwords(reply: &Reply) -> bool {
    let code = reply.enhanced();
    code.is_some_and(|code| (code.subject, code.detail) == (7, 139))
        || sasl::forbids_passwords(reply.raw())
}

fn out_of_step(state: &State, event: &Event<Reply>) -> Failure {
    let detail = format!("the dialogue stood at {state:?} and met {event:?}");
    Failure::new(Phase::GREETING, FailureKind::Protocol, detail)
}
