//! The machine: which command follows on which reply. No I/O. What each rung of the ladder makes of its replies is in
//! `dialogue/rungs.rs`.

mod errand;
mod rungs;

use core::mem;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use probe_core::{Failure, FailureKind, Host, HostName};
use probe_net::http::Url;

use crate::command::{Command, Directory, Session, Verb};
use crate::facts::{EasFacts, Exchange, PolicyFacts, Trouble};
use crate::findings::WIPE;
use crate::options::Options;
use crate::reply::{Body, Policy, Reply};
use crate::status::Meaning;

pub use errand::{Answer, Mail};

/// One ActiveSync dialogue: pages of health, the anonymous questions, OPTIONS, Settings, FolderSync, Provision, Sync,
/// GetItemEstimate and Ping, as far as the options want to climb.
#[derive(Debug)]
pub struct EasDialogue {
    options: Arc<Options>,
    session: Session,
    state: State,
    /// Whether the device was provisioned, or there is nothing to provision it with.
    is_provisioned: bool,
    facts: EasFacts,
    /// What came of the last errand, where somebody leads us from one to the next.
    answer: Option<Answer>,
    is_at_service: bool,
}

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// Nothing yet.
    Begin,
    /// The server replied to what was asked last.
    Reply {
        /// What.
        reply: Box<Reply>,
        /// How long it took until the reply began.
        took: Duration,
    },
}

/// What to do next.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// Ask this, with what [`EasDialogue::session`] has now.
    Ask(Command),
    /// Nothing more.
    Done,
}

/// What is awaited.
#[derive(Debug)]
enum State {
    Start,
    Expect(Command),
    /// The page of one directory, and then those of the others.
    ExpectHealth(Directory, VecDeque<Directory>),
    /// The policy, or that it was taken; behind it comes what was asked for before, if something was.
    ExpectPolicy(Command, Option<Command>),
    Over,
}

type Next = Result<Step, Failure>;

impl EasDialogue {
    /// A dialogue that asks what the options say.
    pub fn new(options: Arc<Options>, session: Session) -> Self {
        Self {
            options,
            session,
            state: State::Start,
            is_provisioned: false,
            facts: EasFacts::default(),
            answer: None,
            is_at_service: false,
        }
    }

    /// What requests need.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// What was learned so far.
    pub fn facts(&self) -> &EasFacts {
        &self.facts
    }

    /// What was learned.
    pub fn into_facts(self) -> EasFacts {
        self.facts
    }

    /// What follows on what happened.
    ///
    /// # Errors
    /// The server's answer allows nothing to follow.
    pub fn next(&mut self, event: Event) -> Next {
        match (mem::replace(&mut self.state, State::Over), event) {
            (State::Start, Event::Begin) => Ok(self.begin()),
            (State::ExpectHealth(directory, rest), Event::Reply { reply, .. }) => {
                self.health_told(directory, rest, &reply)
            }
            (State::Expect(command), Event::Reply { reply, took }) => {
                self.replied(command, &reply, took)
            }
            (State::ExpectPolicy(asked, then), Event::Reply { reply, took }) => {
                self.note(Verb::Provision, &reply, took);
                self.policy_told(&asked, then, &reply)
            }
            (_, _) => {
                let detail = "there was no question, and a reply";
                Err(Failure::new(
                    Verb::Options.phase(),
                    FailureKind::Protocol,
                    detail,
                ))
            }
        }
    }

    fn ask(&mut self, command: Command) -> Step {
        self.state = State::Expect(command.clone());
        Step::Ask(command)
    }

    fn replied(&mut self, command: Command, reply: &Reply, took: Duration) -> Next {
        let Some(verb) = command.verb() else {
            return self.anonymous_told(&command, reply);
        };
        self.note(verb, reply, took);
        if let Some(url) = self.relocation(reply) {
            self.session.base = url;
            return Ok(self.ask(command));
        }
        if wants_provisioning(verb, reply) && !self.is_provisioned {
            return Ok(self.provision(Some(command)));
        }
        self.check(verb, reply)?;
        match self.is_at_service {
            true => self.errand_told(&command, reply),
            false => self.climb(command, reply),
        }
    }

    /// What every reply says, whatever it replies to.
    fn note(&mut self, verb: Verb, reply: &Reply, took: Duration) {
        let words = &reply.words;
        self.facts.exchanges.push(Exchange {
            verb,
            status: reply.status,
            body_status: reply.body_status(),
            time: took,
            request_id: words.request_id.clone(),
            front_end: words.front_end.clone(),
            back_end: words.back_end.clone(),
        });
        let known = &mut self.facts.server;
        for (old, new) in [
            (&mut known.server, &words.server),
            (&mut known.front_end, &words.front_end),
            (&mut known.back_end, &words.back_end),
            (&mut known.request_id, &words.request_id),
            (&mut known.credential_service, &words.credential_service),
            (&mut known.throttle, &words.throttle),
            (&mut known.resync, &words.resync),
            (&mut known.diagnostics, &words.diagnostics),
        ] {
            if new.is_some() {
                old.clone_from(new);
            }
        }
        if !words.versions.is_empty() {
            known.versions.clone_from(&words.versions);
            known.commands.clone_from(&words.commands);
        }
        known.credentials_expire = words.credentials_expire.or(known.credentials_expire);
        known.retry_after = words.retry_after.or(known.retry_after);
    }

    /// Where the mailbox is, if we are sent there and may go: once, and with credentials to hosts only that the caller has
    /// named (\[MS-ASHTTP\] section 3.1.5.2.2).
    fn relocation(&mut self, reply: &Reply) -> Option<Url> {
        if reply.status != 451 || self.facts.relocated.is_some() {
            return None;
        }
        let url: Url = reply.words.location.as_ref()?.parse().ok()?;
        let names_host = |name: &HostName| matches!(url.host(), Host::Name(host) if host == name);
        let is_ours = url.host() == self.session.base.host();
        let is_allowed = is_ours || self.options.allowed.iter().any(names_host);
        let is_safe = url.is_secure() || !self.session.base.is_secure();
        let may_go = is_allowed && is_safe;
        self.facts.relocated = Some((url.clone(), may_go));
        may_go.then_some(url)
    }

    /// That a reply to a command of the protocol is one, and tells of no failure.
    fn check(&mut self, verb: Verb, reply: &Reply) -> Result<(), Failure> {
        if reply.status != 200 {
            return Err(self.refused(verb, reply));
        }
        match (&reply.body, verb) {
            (_, Verb::Options) => Ok(()),
            (Body::Empty, Verb::Sync | Verb::Ping) => Ok(()),
            (Body::Wbxml(_), _) => match reply.body_status() {
                Some(status) => self.check_status(verb, status, reply),
                None => Ok(()),
            },
            (Body::Broken(error), _) => {
                let detail = format!("the answer cannot be read: {error}");
                Err(Failure::new(verb.phase(), FailureKind::Protocol, detail))
            }
            (Body::Empty, _) => {
                let detail = "the answer is empty";
                Err(Failure::new(verb.phase(), FailureKind::Protocol, detail))
            }
            (Body::Other(text), _) => {
                let detail = "the answer is a page, and not ActiveSync's";
                let failure = Failure::new(verb.phase(), FailureKind::Protocol, detail);
                Err(failure.with_reply(text.as_bytes()))
            }
        }
    }

    /// That a status in a body is no failure. A policy that is not there, and the limits that a Ping tells, are none: they
    /// are dealt with where they are told.
    fn check_status(&mut self, verb: Verb, status: u16, reply: &Reply) -> Result<(), Failure> {
        match Meaning::of_body(verb, status) {
            Some(meaning) => Err(self.stopped(verb, meaning, reply)),
            None => Ok(()),
        }
    }

    /// An HTTP status that is no success.
    fn refused(&mut self, verb: Verb, reply: &Reply) -> Failure {
        let known = Meaning::of_http(reply.status);
        match known {
            Some(meaning) => self.stopped(verb, meaning, reply),
            None => {
                let detail = format!("{verb} was answered with {}", reply.status);
                let kind = match reply.status {
                    500.. => FailureKind::Permanent,
                    _ => FailureKind::Protocol,
                };
                Failure::new(verb.phase(), kind, detail)
            }
        }
    }

    fn stopped(&mut self, verb: Verb, meaning: &'static Meaning, reply: &Reply) -> Failure {
        if meaning.finding == &WIPE {
            self.facts.wipe = true;
        }
        let trouble = Trouble {
            asked: verb.as_str(),
            meaning,
            words: words_of(reply),
        };
        let failure = Failure::new(verb.phase(), meaning.kind, trouble.shown());
        self.facts.trouble = Some(trouble);
        match &reply.body {
            Body::Other(text) => failure.with_reply(text.as_bytes()),
            _ => failure,
        }
    }

    fn provision(&mut self, then: Option<Command>) -> Step {
        self.is_provisioned = true;
        self.session.policy_key = None;
        self.state = State::ExpectPolicy(Command::Provision, then);
        Step::Ask(Command::Provision)
    }

    /// What the server says of its policy (\[MS-ASPROV\] section 3.1.5.1).
    fn policy_told(&mut self, asked: &Command, then: Option<Command>, reply: &Reply) -> Next {
        let is_unknown = reply.status == 501 || reply.body_status() == Some(137);
        if is_unknown && then.is_none() {
            // Whoever does not provision devices wants none to be.
            return Ok(self.provisioned(then));
        }
        // Before anything that speaks of failure: whoever orders this may say so as well.
        let told = reply.document().map(Policy::of).unwrap_or_default();
        if told.wipes {
            self.facts.wipe = true;
            let detail = "the server orders the device to forget everything";
            let phase = Verb::Provision.phase();
            return Err(Failure::new(phase, FailureKind::Policy, detail));
        }
        self.check(Verb::Provision, reply)?;
        let policy = self.facts.policy.get_or_insert_with(PolicyFacts::default);
        if !told.demands.is_empty() {
            policy.demands = told.demands;
        }
        match told.status {
            // There is none, which is as good as one that is followed.
            Some(2) => return Ok(self.provisioned(then)),
            Some(status) => self.check_status(Verb::Provision, status, reply)?,
            None => {}
        }
        let policy = self.facts.policy.get_or_insert_with(PolicyFacts::default);
        policy.is_there = true;
        let acknowledgement = self.options.acknowledgement.status();
        match (asked, told.key, acknowledgement) {
            (Command::Provision, Some(key), Some(status)) => {
                let command = Command::Acknowledge { key, status };
                self.state = State::ExpectPolicy(command.clone(), then);
                Ok(Step::Ask(command))
            }
            (_, key, _) => {
                policy.is_acknowledged = matches!(asked, Command::Acknowledge { .. });
                self.session.policy_key = key;
                Ok(self.provisioned(then))
            }
        }
    }

    /// On to what was to be asked, or to the next rung.
    fn provisioned(&mut self, then: Option<Command>) -> Step {
        match then {
            Some(command) => self.ask(command),
            None => self.prime(),
        }
    }
}

/// Whether the device is to be provisioned before anything else (\[MS-ASPROV\] section 3.1.5.2).
fn wants_provisioning(verb: Verb, reply: &Reply) -> bool {
    let by_http = reply.status == 449;
    let by_body = matches!(reply.body_status(), Some(141..=144));
    verb != Verb::Options && (by_http || by_body)
}

/// What a server says besides a status.
fn words_of(reply: &Reply) -> Option<String> {
    let words = &reply.words;
    let wait = words.retry_after;
    let wait = wait.map(|wait| format!("come back in {} s", wait.as_secs()));
    let location = words.location.as_ref();
    let location = location.map(|location| format!("it is at {location}"));
    let service = words.credential_service.as_ref();
    let service = service.map(|service| format!("change it at {service}"));
    let said = [
        words.throttle.clone(),
        words.diagnostics.clone(),
        wait,
        location,
        service,
    ];
    let said: Vec<_> = said.into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join("; "))
}
