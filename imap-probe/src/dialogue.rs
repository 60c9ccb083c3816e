//! The machine: which command follows on which response (RFC 9051, RFC 2595). No I/O.
//!
//! Here is how commands and responses find each other; the parts of a dialogue have files of their own.

mod begin;
mod edit;
mod errand;
mod login;
mod questions;
mod tidy;
mod watch;

use core::mem;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use probe_core::{Failure, FailureKind, Phase};
use probe_net::message::Canary;
use probe_net::sasl::Login;
use probe_net::tls::Security;
use probe_net::{Dialogue, Event, Step, excerpt};

use crate::command::{Command, Line, Literals, Tag};
use crate::facts::ImapFacts;
use crate::mailbox::Mailbox;
use crate::options::Options;
use crate::reply::{Capabilities, Code, Condition, Data, ImapCodec, Reply, Response, Status, Text};
use edit::{Edit, EditStep};
use errand::Guest;
pub use errand::{Answer, Errand};
use questions::{KEPT, Question};
use watch::{PATIENCE, Resting};

/// Asking what the server can do.
const CAPABILITY: Phase = Phase::new("capability");
/// Measuring latency.
const NOOP: Phase = Phase::new("noop");

/// How long a server may take to answer LOGOUT.
const FAREWELL: Duration = Duration::from_secs(2);

/// The most responses that are heard in one dialogue: nobody's mailboxes are more.
const RESPONSES: usize = 200_000;

/// One IMAP dialogue: greeting, STARTTLS, login, the questions about mailboxes, LOGOUT, as far as the options ask for
/// it.
#[derive(Debug)]
pub struct ImapDialogue {
    options: Arc<Options>,
    security: Security,
    state: State,
    facts: ImapFacts,
    /// The number of the last command.
    tag: u32,
    responses: usize,
    /// What is still to be asked.
    plan: VecDeque<Question>,
    /// What the edit proof puts into its folder, and until when the folder may stand.
    canary: Option<(Canary, SystemTime)>,
    /// How long the command under way has taken so far.
    took: Duration,
    /// The mailbox that is only to be watched.
    watched: Option<Mailbox>,
    /// How long the change took that was to be watched.
    change: Option<Duration>,
    /// How long the watcher waited for the news.
    news: Option<Duration>,
    /// Whoever leads us from errand to errand.
    guest: Option<Box<Guest>>,
}

/// What is awaited.
#[derive(Debug)]
enum State {
    Start,
    ExpectGreeting,
    /// The completion of a command, or its `+`.
    Expect(Pending, Awaited),
    ExpectTls,
    ExpectLayer,
    /// What the server says by itself, for so long.
    Polling(Duration),
    /// An errand.
    Ready,
    /// That whoever leads us resumes.
    Resting(Resting),
    /// Between two commands, and about to leave early: LOGOUT is understood.
    Idle,
    /// Nothing more is to be said.
    Over,
}

/// A command under way.
#[derive(Clone, Debug)]
struct Pending {
    tag: Tag,
    phase: Phase,
    command: Arc<Command>,
    literals: Literals,
    /// The part of it that was said last.
    part: usize,
}

/// What the completion of the command under way means.
#[derive(Debug)]
enum Awaited {
    Capability,
    StartTls,
    /// The answer to AUTHENTICATE, or to a response of ours.
    Auth(Box<Login>),
    /// The end of an authentication that we have given up.
    Cancelled(Failure),
    LoginCommand,
    Question(Question),
    Edit(EditStep, Box<Edit>),
    Errand(Errand),
    /// It idles: is there a message more, within this time?
    News(Duration),
    Logout,
}

type Next = Result<Step<Line>, Failure>;

impl ImapDialogue {
    /// A dialogue that asks what the options say.
    pub fn new(options: Arc<Options>, security: Security) -> Self {
        Self {
            options,
            security,
            state: State::Start,
            facts: ImapFacts::default(),
            tag: 0,
            responses: 0,
            plan: VecDeque::new(),
            canary: None,
            took: Duration::ZERO,
            watched: None,
            change: None,
            news: None,
            guest: None,
        }
    }

    /// Puts this message into the edit proof's folder, which another run may remove after `expires`.
    #[must_use]
    pub fn with_canary(mut self, canary: Canary, expires: SystemTime) -> Self {
        self.canary = Some((canary, expires));
        self
    }

    /// What was learned so far.
    pub fn facts(&self) -> &ImapFacts {
        &self.facts
    }

    /// What was learned.
    pub fn into_facts(self) -> ImapFacts {
        self.facts
    }
}

impl Dialogue for ImapDialogue {
    type Codec = ImapCodec;

    fn next(&mut self, event: Event<Reply>) -> Next {
        use Event::{Closed, Connected, Layered, Resumed, Secured, Silence};
        match (mem::replace(&mut self.state, State::Over), event) {
            (State::Start, Connected) => self.expect_greeting(),
            (State::Start, Secured(tls)) => {
                self.facts.tls = Some(tls);
                self.expect_greeting()
            }
            (State::ExpectGreeting, Event::Reply(reply)) => self.on_greeting(reply),
            (State::Expect(pending, awaited), Event::Reply(reply)) => {
                self.on_reply(pending, awaited, reply)
            }
            (State::Expect(_, Awaited::Cancelled(failure)), Closed | Silence) => Err(failure),
            (State::Expect(pending, Awaited::Question(Question::News)), Silence) => {
                self.stop_idling(pending)
            }
            (State::Expect(pending, Awaited::Question(Question::News)), Closed) => {
                let detail = "the server hung up";
                Err(Failure::new(pending.phase, FailureKind::Closed, detail))
            }
            (State::Expect(pending, Awaited::News(_)), Silence) => self.stop_waiting(pending),
            (State::Expect(pending, Awaited::News(_)), Closed) => {
                let detail = "the server hung up";
                Err(Failure::new(pending.phase, FailureKind::Closed, detail))
            }
            (State::Polling(patience), event @ (Event::Reply(_) | Closed | Silence)) => {
                self.on_polling(patience, &event)
            }
            (State::Ready, Resumed) => self.on_errand(),
            (State::Resting(resting), Resumed) => self.on_resumed(resting),
            // The answer to LOGOUT is a courtesy.
            (State::Expect(_, Awaited::Logout), Closed | Silence) => Ok(Step::Done),
            (State::ExpectTls, Secured(tls)) => {
                // RFC 9051 section 6.2.1: what was said in clear counts no more.
                self.facts.tls = Some(tls);
                self.ask_capability()
            }
            (State::ExpectLayer, Layered) => self.ask_next(),
            (state, event) => Err(out_of_step(&state, &event)),
        }
    }

    fn took(&mut self, _: Phase, time: Duration) {
        self.took += time;
    }

    fn farewell(&self) -> Option<Line> {
        let logout = || self.line(self.tag.saturating_add(1), Command::Logout);
        match &self.state {
            State::Idle | State::Ready => Some(logout()),
            // Kept back by the gate, so nothing of it was said.
            State::Expect(pending, Awaited::LoginCommand) if pending.part == 0 => Some(logout()),
            State::Expect(_, Awaited::Auth(login)) if login.is_unanswered() => Some(logout()),
            _ => None,
        }
    }
}

/// Commands and responses.
impl ImapDialogue {
    /// Says a command, or its first part.
    fn say(&mut self, phase: Phase, command: Command, awaited: Awaited) -> Next {
        Ok(Step::say(phase, self.begin(phase, command, awaited)))
    }

    fn begin(&mut self, phase: Phase, command: Command, awaited: Awaited) -> Line {
        self.tag = self.tag.saturating_add(1);
        self.took = Duration::ZERO;
        let pending = Pending {
            tag: Tag::new(self.tag),
            phase,
            command: Arc::new(command),
            literals: self.literals(),
            part: 0,
        };
        let line = pending.line();
        self.state = State::Expect(pending, awaited);
        line
    }

    fn line(&self, number: u32, command: Command) -> Line {
        Line::Command {
            tag: Tag::new(number),
            command: Arc::new(command),
            literals: self.literals(),
            part: 0,
        }
    }

    /// How literals may travel now (RFC 7888). IMAP4rev2 has `LITERAL-` built in.
    fn literals(&self) -> Literals {
        match self.facts.capabilities() {
            Some(offered) if offered.has("LITERAL+") => Literals::Plus,
            Some(offered) if offered.has("LITERAL-") || offered.has("IMAP4rev2") => Literals::Minus,
            _ => Literals::Synchronizing,
        }
    }

    fn offers(&self, name: &str) -> bool {
        self.facts
            .capabilities()
            .is_some_and(|offered| offered.has(name))
    }

    /// Waits on for the completion of the command under way.
    fn wait(&mut self, pending: Pending, awaited: Awaited) -> Next {
        let phase = pending.phase;
        let patience = match awaited {
            Awaited::Logout | Awaited::Cancelled(_) => Some(FAREWELL),
            Awaited::Question(Question::News) => Some(PATIENCE.saturating_sub(self.took)),
            Awaited::News(patience) => Some(patience.saturating_sub(self.took)),
            _ => None,
        };
        self.state = State::Expect(pending, awaited);
        Ok(Step::Await { phase, patience })
    }

    fn on_reply(&mut self, pending: Pending, mut awaited: Awaited, reply: Reply) -> Next {
        self.responses += 1;
        if self.responses > RESPONSES {
            let detail = format!("the server said more than {RESPONSES} responses");
            return Err(Failure::new(pending.phase, FailureKind::TooLarge, detail));
        }
        match reply.response() {
            Response::Continue(text) => self.on_continue(pending, awaited, text, &reply),
            Response::Data(Data::Exists(1..)) if awaited.is_news() => self.on_news(pending),
            Response::Data(data) => {
                self.learn(&mut awaited, data);
                match awaited {
                    Awaited::News(_) if self.has_news() => self.stop_waiting(pending),
                    awaited => self.wait(pending, awaited),
                }
            }
            // It may be meant for others; what it was to tell is missing, and the finding says so.
            Response::Other => self.wait(pending, awaited),
            Response::Status(status) => match &status.tag {
                None => self.on_untagged_status(pending, awaited, status, &reply),
                Some(tag) if pending.tag.is(tag) => {
                    self.on_completion(pending, awaited, status, &reply)
                }
                Some(_) => {
                    self.facts.unexpected_tag = Some(excerpt(reply.raw()));
                    let detail = "the server completed a command that had not been said";
                    let failure = Failure::new(pending.phase, FailureKind::Protocol, detail);
                    Err(failure.with_reply(excerpt(reply.raw())))
                }
            },
        }
    }

    fn on_continue(
        &mut self,
        mut pending: Pending,
        awaited: Awaited,
        text: &Text,
        reply: &Reply,
    ) -> Next {
        if pending.part + 1 < pending.command.parts(pending.literals) {
            pending.part += 1;
            let (phase, line) = (pending.phase, pending.line());
            self.state = State::Expect(pending, awaited);
            return Ok(Step::say(phase, line));
        }
        match awaited {
            Awaited::Auth(login) => self.on_challenge(pending, login, text, reply),
            Awaited::Question(Question::Idle) => self.stop_idling(pending),
            Awaited::Question(Question::Watching) => self.rest(pending),
            Awaited::Errand(Errand::Wait(patience)) => self.on_idling(pending, patience),
            // Another challenge, in the place of a verdict.
            Awaited::Cancelled(failure) => Err(failure),
            _ => {
                let detail = "the server asked for more where nothing was to come";
                let failure = Failure::new(pending.phase, FailureKind::Protocol, detail);
                Err(failure.with_reply(excerpt(reply.raw())))
            }
        }
    }

    fn on_untagged_status(
        &mut self,
        pending: Pending,
        mut awaited: Awaited,
        status: &Status,
        reply: &Reply,
    ) -> Next {
        self.learn_status(&mut awaited, status);
        match (status.condition, &awaited) {
            (Condition::Bye, Awaited::Logout) => self.wait(pending, awaited),
            (Condition::Bye, _) => {
                let (kind, detail) = why_bye(status);
                let failure = Failure::new(pending.phase, kind, detail);
                Err(failure.with_reply(excerpt(reply.raw())))
            }
            _ => self.wait(pending, awaited),
        }
    }

    fn on_completion(
        &mut self,
        pending: Pending,
        mut awaited: Awaited,
        status: &Status,
        reply: &Reply,
    ) -> Next {
        let is_ok = status.condition == Condition::Ok;
        if is_ok && pending.part + 1 < pending.command.parts(pending.literals) {
            // Nobody can have done what was not yet asked.
            self.facts.unexpected_tag = Some(excerpt(reply.raw()));
            let detail = "the server completed a command before it was said to its end";
            let failure = Failure::new(pending.phase, FailureKind::Protocol, detail);
            return Err(failure.with_reply(excerpt(reply.raw())));
        }
        self.learn_status(&mut awaited, status);
        match awaited {
            Awaited::Capability => self.on_capability(status, reply),
            Awaited::StartTls => self.on_starttls(status, reply),
            Awaited::Auth(login) => self.on_auth(&login, status, reply),
            Awaited::Cancelled(failure) => self.give_up(failure),
            Awaited::LoginCommand => self.on_login_command(status, reply),
            Awaited::Question(question) => self.on_answer(question, status, reply),
            Awaited::Edit(step, edit) => self.on_edited(step, edit, status, reply),
            Awaited::Errand(errand) => self.on_errand_done(&errand, status, reply),
            // It has had enough of idling, and need not be told.
            Awaited::News(patience) => self.on_errand_done(&Errand::Wait(patience), status, reply),
            Awaited::Logout => Ok(Step::Done),
        }
    }

    /// Takes in what the server tells, whenever it does: "a client MUST be prepared to accept any response at all
    /// times" (RFC 9051 section 2.2.2).
    fn learn(&mut self, awaited: &mut Awaited, data: &Data) {
        match (data, awaited) {
            (Data::Capability(offered), awaited) => self.learn_capabilities(awaited, offered),
            (data, Awaited::Edit(_, edit)) => edit.learn(data),
            (data, Awaited::Question(question)) => self.learn_answer(*question, data),
            (data, Awaited::Errand(_) | Awaited::News(_)) => self.learn_for_guest(data),
            _ => {}
        }
    }

    fn learn_status(&mut self, awaited: &mut Awaited, status: &Status) {
        match (&status.code, awaited) {
            (Some(Code::Alert), _) if self.facts.alerts.len() < KEPT => {
                self.facts.alerts.push(status.text.to_printable());
            }
            (Some(Code::Capability(offered)), awaited) => self.learn_capabilities(awaited, offered),
            (Some(code), Awaited::Edit(_, edit)) => edit.learn_code(code),
            (Some(code), Awaited::Question(_)) => self.learn_mailbox_code(code),
            (Some(code), Awaited::Errand(_)) => self.learn_code_for_guest(code),
            _ => {}
        }
    }

    fn learn_capabilities(&mut self, awaited: &Awaited, offered: &Capabilities) {
        let place = match awaited {
            // Said while the login is under way, it is what comes after it; a refusal takes it back.
            Awaited::Question(_)
            | Awaited::Edit(..)
            | Awaited::Errand(_)
            | Awaited::News(_)
            | Awaited::Auth(_)
            | Awaited::LoginCommand => &mut self.facts.authenticated,
            _ if self.facts.is_preauthenticated => &mut self.facts.authenticated,
            _ if self.facts.tls.is_some() => &mut self.facts.secured,
            _ => &mut self.facts.clear,
        };
        *place = Some(offered.clone());
    }
}

/// Leaving.
impl ImapDialogue {
    fn say_logout(&mut self) -> Next {
        let line = self.begin(Phase::QUIT, Command::Logout, Awaited::Logout);
        Ok(Step::say_in_hope(Phase::QUIT, line, FAREWELL))
    }

    /// We cannot go on, and the server does not know yet.
    fn give_up(&mut self, failure: Failure) -> Next {
        self.state = State::Idle;
        Err(failure)
    }

    /// The server said no.
    fn refused(&mut self, phase: Phase, status: &Status, reply: &Reply) -> Next {
        let (kind, detail) = why_no(status);
        self.give_up(Failure::new(phase, kind, detail).with_reply(excerpt(reply.raw())))
    }
}

impl Awaited {
    /// Whether a message more is what we wait for.
    const fn is_news(&self) -> bool {
        matches!(self, Self::Question(Question::News))
    }
}

impl Pending {
    fn line(&self) -> Line {
        Line::Command {
            tag: self.tag,
            command: self.command.clone(),
            literals: self.literals,
            part: self.part,
        }
    }
}

/// What a refusal means (RFC 9051 section 7.1, RFC 5530 section 3).
fn why_no(status: &Status) -> (FailureKind, String) {
    let has = |names: &[&str]| names.iter().any(|name| status.has_code(name));
    let kind = if has(&["OVERQUOTA", "LIMIT"]) {
        FailureKind::Quota
    } else if has(&["INUSE", "SERVERBUG", "UNAVAILABLE"]) {
        FailureKind::Temporary
    } else if has(&["NOPERM", "PRIVACYREQUIRED"]) {
        FailureKind::Policy
    } else if status.condition == Condition::Bad {
        FailureKind::Unsupported
    } else {
        FailureKind::Permanent
    };
    let detail = match kind {
        FailureKind::Quota => "a quota or limit of the server is reached",
        FailureKind::Temporary => "the server asked to come back later",
        FailureKind::Policy => "the user may not do that",
        FailureKind::Unsupported => "the server did not understand",
        _ => "the server refused",
    };
    (kind, detail.to_owned())
}

/// What it means that the server hangs up by itself: it says nothing of for how long.
fn why_bye(status: &Status) -> (FailureKind, String) {
    let kind = match probe_net::sasl::forbids_passwords(&status.text) {
        true => FailureKind::Policy,
        false => FailureKind::Temporary,
    };
    (kind, "the server said goodbye by itself".to_owned())
}

fn out_of_step(state: &State, event: &Event<Reply>) -> Failure {
    let detail = format!("the dialogue stood at {state:?} and met {event:?}");
    Failure::new(Phase::GREETING, FailureKind::Protocol, detail)
}
