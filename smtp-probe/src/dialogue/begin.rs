//! How a dialogue begins: greeting, EHLO or HELO, STARTTLS (RFC 5321 section 3.1, RFC 3207).

use probe_core::{Failure, FailureKind, Phase};
use probe_net::tls::{Security, StartTls};
use probe_net::{Layer, Step};

use super::{EHLO, Next, SmtpDialogue, State};
use crate::command::Command;
use crate::expectation::Stage;
use crate::facts::Greeting;
use crate::options::{Introduction, Protocol};
use crate::reply::{Capabilities, Reply};

impl SmtpDialogue {
    pub(super) fn expect_greeting(&mut self) -> Next {
        self.state = State::ExpectGreeting;
        Ok(Step::wait(Phase::GREETING))
    }

    pub(super) fn on_greeting(&mut self, reply: Reply) -> Next {
        let next = match reply.code() {
            Some(code) if code.is_completion() && self.options.quits_after(Stage::Greeting) => {
                self.say_quit()
            }
            Some(code) if code.is_completion() => self.introduce(),
            _ => self.refused(Phase::GREETING, &reply),
        };
        self.facts.greeting = Some(Greeting::new(reply));
        next
    }

    pub(super) fn introduce(&mut self) -> Next {
        if self.options.introduction == Introduction::Helo {
            return self.say_helo();
        }
        self.state = State::ExpectEhlo;
        Ok(Step::say(EHLO, self.ehlo()))
    }

    pub(super) fn on_ehlo(&mut self, reply: Reply) -> Next {
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
            Some(500 | 502) if self.options.protocol != Protocol::Lmtp => {
                self.facts.knows_ehlo = Some(false);
                self.say_helo()
            }
            _ => self.refused(EHLO, &reply),
        }
    }

    pub(super) fn ehlo(&self) -> Command {
        match self.options.protocol {
            Protocol::Lmtp => Command::Lhlo(self.name.clone()),
            Protocol::Smtp => Command::Ehlo(self.name.clone()),
        }
    }

    fn say_helo(&mut self) -> Next {
        self.state = State::ExpectHelo;
        Ok(Step::say(EHLO, Command::Helo(self.name.clone())))
    }

    pub(super) fn on_helo(&mut self, reply: &Reply) -> Next {
        match reply.code() {
            Some(code) if code.is_completion() => self.after_ehlo(),
            _ => self.refused(EHLO, reply),
        }
    }

    fn after_ehlo(&mut self) -> Next {
        if self.options.quits_after(Stage::Ehlo) {
            return self.say_quit();
        }
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
            if self.options.injection_test {
                return self.begin_injection();
            }
            self.state = State::ExpectStartTls;
            return Ok(Step::say(Phase::STARTTLS, Command::StartTls));
        }
        // Whoever does not ask for extensions is not offered any.
        let by_choice = self.options.introduction == Introduction::Helo;
        if by_choice && self.security == Security::Opportunistic {
            return self.begin_auth();
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

    pub(super) fn on_starttls(&mut self, reply: Reply) -> Next {
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
