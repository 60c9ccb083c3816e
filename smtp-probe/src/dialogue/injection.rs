//! Whether the server carries out, once TLS stands, a command that stood behind STARTTLS in clear (CVE-2011-0411).
//!
//! It cannot accuse the innocent: under TLS we say nothing, and no server of SMTP speaks there unasked.

use core::time::Duration;

use probe_core::{Failure, FailureKind, Phase};
use probe_net::tls::StartTls;
use probe_net::{Event, Layer, Step};

use super::{Next, SmtpDialogue, State};
use crate::command::Command;
use crate::facts::InjectionFacts;
use crate::reply::{Code, Reply};

/// Waiting for what must not come.
const INJECTION: Phase = Phase::new("injection");

/// How long a server that answers in clear may take: TLS cannot begin in the middle of its words.
const IN_CLEAR: Duration = Duration::from_secs(1);

/// How long a server that answers under TLS may take: the command has waited there since before the handshake.
const UNDER_TLS: Duration = Duration::from_secs(2);

/// What is awaited.
#[derive(Clone, Copy, Debug)]
pub(super) enum Injection {
    /// The answer to STARTTLS.
    GoAhead,
    /// That nothing follows it.
    Clear,
    /// That the handshake is done.
    Handshake,
    /// That nothing is said under TLS.
    Tls,
}

impl SmtpDialogue {
    pub(super) fn begin_injection(&mut self) -> Next {
        self.state = State::ExpectInjection(Injection::GoAhead);
        Ok(Step::say(Phase::STARTTLS, Command::StartTlsAndNoop))
    }

    pub(super) fn on_injection(&mut self, awaited: Injection, event: Event<Reply>) -> Next {
        let had = |patience| self.took >= patience;
        match (awaited, event) {
            (Injection::GoAhead, Event::Reply(reply)) => self.on_go_ahead(reply),
            (Injection::Clear, Event::Silence) if had(IN_CLEAR) => {
                self.state = State::ExpectInjection(Injection::Handshake);
                Ok(Step::Upgrade(Layer::Tls))
            }
            (Injection::Clear, Event::Reply(reply)) => {
                self.end_injection(InjectionFacts::ExecutedInClear(reply))
            }
            (Injection::Handshake, Event::Secured(tls)) => {
                self.facts.tls = Some(tls);
                self.await_nothing(Injection::Tls, UNDER_TLS)
            }
            (Injection::Tls, Event::Silence) if had(UNDER_TLS) => {
                self.facts.injection = Some(InjectionFacts::Ignored);
                self.say_quit()
            }
            (Injection::Tls, Event::Reply(reply)) => {
                self.facts.injection = Some(InjectionFacts::Executed(reply));
                self.say_quit()
            }
            (Injection::Clear | Injection::Tls, Event::Silence) => {
                self.end_injection(InjectionFacts::Untested)
            }
            (Injection::Clear | Injection::Tls, Event::Closed) => {
                self.end_injection(InjectionFacts::HungUp)
            }
            (awaited, event) => {
                let detail = format!("the dialogue stood at {awaited:?} and met {event:?}");
                Err(Failure::new(INJECTION, FailureKind::Protocol, detail))
            }
        }
    }

    fn on_go_ahead(&mut self, reply: Reply) -> Next {
        if reply.code().is_some_and(|code| code.number() == 220) {
            self.facts.starttls = StartTls::Accepted;
            return self.await_nothing(Injection::Clear, IN_CLEAR);
        }
        // Such as Exim's "554 SMTP synchronization error". A 454 is about TLS, not about what stands behind.
        if reply.code().is_some_and(Code::is_permanent) {
            return self.end_injection(InjectionFacts::Refused(reply));
        }
        self.facts.starttls = StartTls::Refused(reply.raw().into());
        self.refused(Phase::STARTTLS, &reply)
    }

    fn await_nothing(&mut self, awaited: Injection, patience: Duration) -> Next {
        self.state = State::ExpectInjection(awaited);
        Ok(Step::Await {
            phase: INJECTION,
            patience: Some(patience),
        })
    }

    /// Nothing that could be said now would be understood.
    fn end_injection(&mut self, facts: InjectionFacts) -> Next {
        self.facts.injection = Some(facts);
        Ok(Step::Done)
    }
}
