//! What is asked between the login and the farewell, one question after the other.

use probe_core::Phase;
use probe_net::Step;

use super::{Next, SmtpDialogue, State};
use crate::command::{Command, UserName};
use crate::expectation::Stage;
use crate::facts::{Directory, DisclosureFacts};
use crate::reply::Reply;

/// Measuring latency.
const NOOP: Phase = Phase::new("noop");
/// Asking who is there.
const VRFY: Phase = Phase::new("vrfy");
/// Asking who is on a list.
const EXPN: Phase = Phase::new("expn");

/// One question, or several of a kind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Question {
    Noop,
    Directory(Directory, UserName),
    Envelope,
    Relay,
}

impl SmtpDialogue {
    pub(super) fn begin_questions(&mut self) -> Next {
        let options = self.options.clone();
        if options.quits_after(Stage::Auth) {
            return self.say_quit();
        }
        let noops = (options.noops > 0).then_some(Question::Noop);
        self.plan.extend(noops);
        for name in &options.verify {
            for command in [Directory::Vrfy, Directory::Expn] {
                let question = Question::Directory(command, name.clone());
                self.plan.push_back(question);
            }
        }
        let envelope = options.has_envelope().then_some(Question::Envelope);
        self.plan.extend(envelope);
        let ends_early = options.quits_after(Stage::Mail) || options.quits_after(Stage::Rcpt);
        let relay = (options.relay_test.is_some() && !ends_early).then_some(Question::Relay);
        self.plan.extend(relay);
        self.ask_next()
    }

    pub(super) fn ask_next(&mut self) -> Next {
        match self.plan.pop_front() {
            Some(Question::Noop) => self.say_noop(),
            Some(Question::Directory(command, name)) => self.ask_directory(command, name),
            Some(Question::Envelope) => self.begin_envelope(),
            Some(Question::Relay) => self.begin_relay_test(),
            None => self.say_quit(),
        }
    }

    fn say_noop(&mut self) -> Next {
        self.state = State::ExpectNoop;
        Ok(Step::say(NOOP, Command::Noop))
    }

    pub(super) fn on_noop(&mut self, reply: &Reply) -> Next {
        if !reply.code().is_some_and(|code| code.is_completion()) {
            return self.refused(NOOP, reply);
        }
        self.facts.noops.add(self.took);
        match self.facts.noops.count() < self.options.noops.into() {
            true => self.say_noop(),
            false => self.ask_next(),
        }
    }

    fn ask_directory(&mut self, directory: Directory, name: UserName) -> Next {
        let (phase, command) = match directory {
            Directory::Expn => (EXPN, Command::Expn(name.clone())),
            Directory::Vrfy => (VRFY, Command::Vrfy(name.clone())),
        };
        self.state = State::ExpectDirectory(directory, name);
        Ok(Step::say(phase, command))
    }

    pub(super) fn on_directory(
        &mut self,
        directory: Directory,
        name: UserName,
        reply: Reply,
    ) -> Next {
        let phase = match directory {
            Directory::Expn => EXPN,
            Directory::Vrfy => VRFY,
        };
        if reply.is_farewell() || reply.code().is_none() {
            return self.refused(phase, &reply);
        }
        let disclosure = DisclosureFacts::new(directory, name, reply);
        self.facts.disclosures.push(disclosure);
        self.ask_next()
    }
}
