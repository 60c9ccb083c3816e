//! From the greeting to an encrypted channel: what the server offers, and STARTTLS (RFC 9051 sections 6.2.1 and 11.1).

use probe_core::{Failure, FailureKind, Phase};
use probe_net::tls::{Security, StartTls};
use probe_net::{Layer, Step, excerpt};

use super::{Awaited, CAPABILITY, ImapDialogue, Next, State, why_bye};
use crate::command::Command;
use crate::reply::{Condition, Reply, Response, Status};

impl ImapDialogue {
    pub(super) fn expect_greeting(&mut self) -> Next {
        self.state = State::ExpectGreeting;
        Ok(Step::wait(Phase::GREETING))
    }

    pub(super) fn on_greeting(&mut self, reply: Reply) -> Next {
        self.facts.greeting = Some(reply.clone());
        let status = match reply.response() {
            Response::Status(status) if status.tag.is_none() => status,
            _ => {
                let detail = "the server said something that is no IMAP greeting";
                let failure = Failure::new(Phase::GREETING, FailureKind::Protocol, detail);
                return Err(failure.with_reply(excerpt(reply.raw())));
            }
        };
        self.facts.is_preauthenticated = status.condition == Condition::PreAuth;
        self.learn_status(&mut Awaited::Capability, status);
        match status.condition {
            Condition::Ok => self.after_greeting(),
            Condition::PreAuth => self.on_preauth(&reply),
            Condition::Bye => {
                let (kind, detail) = why_bye(status);
                let failure = Failure::new(Phase::GREETING, kind, detail);
                Err(failure.with_reply(excerpt(reply.raw())))
            }
            Condition::Bad | Condition::No => {
                let detail = format!("the server greeted with {}", status.condition.as_str());
                let failure = Failure::new(Phase::GREETING, FailureKind::Protocol, detail);
                Err(failure.with_reply(excerpt(reply.raw())))
            }
        }
    }

    /// STARTTLS is only to be had before authentication (RFC 9051 section 6.2.1): who begins authenticated in clear
    /// keeps us from it.
    fn on_preauth(&mut self, reply: &Reply) -> Next {
        if self.facts.tls.is_none() && self.security != Security::Cleartext {
            let detail = "the session began authenticated, so TLS cannot be had any more";
            let failure = Failure::new(Phase::STARTTLS, FailureKind::Protocol, detail);
            return self.give_up(failure.with_reply(excerpt(reply.raw())));
        }
        self.after_greeting()
    }

    fn after_greeting(&mut self) -> Next {
        match self.facts.capabilities() {
            // RFC 9051 section 7.1: then nobody needs to ask.
            Some(_) => self.after_capability(),
            None => self.ask_capability(),
        }
    }

    pub(super) fn ask_capability(&mut self) -> Next {
        self.say(CAPABILITY, Command::Capability, Awaited::Capability)
    }

    pub(super) fn on_capability(&mut self, status: &Status, reply: &Reply) -> Next {
        match status.condition {
            Condition::Ok => self.after_capability(),
            _ => self.refused(CAPABILITY, status, reply),
        }
    }

    fn after_capability(&mut self) -> Next {
        let wanted = matches!(self.security, Security::Required | Security::Opportunistic);
        if self.facts.is_preauthenticated {
            return self.begin_questions();
        }
        if self.facts.tls.is_some() || !wanted {
            return self.begin_login();
        }
        if self.offers("STARTTLS") {
            return self.say(Phase::STARTTLS, Command::StartTls, Awaited::StartTls);
        }
        self.facts.starttls = StartTls::NotOffered;
        match self.security {
            Security::Opportunistic => self.begin_login(),
            _ => self.give_up(Failure::new(
                Phase::STARTTLS,
                FailureKind::Unsupported,
                "the server does not offer STARTTLS",
            )),
        }
    }

    pub(super) fn on_starttls(&mut self, status: &Status, reply: &Reply) -> Next {
        if status.condition == Condition::Ok {
            self.facts.starttls = StartTls::Accepted;
            self.state = State::ExpectTls;
            return Ok(Step::Upgrade(Layer::Tls));
        }
        self.facts.starttls = StartTls::Refused(reply.raw().into());
        match self.security {
            Security::Opportunistic => self.begin_login(),
            _ => self.refused(Phase::STARTTLS, status, reply),
        }
    }
}
