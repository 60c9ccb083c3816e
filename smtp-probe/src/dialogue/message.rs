//! Sending the message, if the caller gave one: DATA (RFC 5321 section 4.1.1.4) or BDAT (RFC 3030). LMTP answers for
//! each recipient (RFC 2033 section 4.2).

use std::collections::VecDeque;

use probe_core::Phase;
use probe_net::Step;

use super::{Next, SmtpDialogue, State};
use crate::acceptance::Acceptance;
use crate::address::Address;
use crate::command::Command;
use crate::facts::{Answer, RecipientFacts, SubmissionFacts};
use crate::message::{Message, Transfer};
use crate::options::Protocol;
use crate::reply::Reply;

/// Asking to send.
const DATA: Phase = Phase::new("data");
/// Sending, until the server has taken it.
const MESSAGE: Phase = Phase::new("message");

impl SmtpDialogue {
    /// Sends the message to those who were accepted. Nothing of it is said before they are known: a server that says
    /// 354 with nobody to send to would have to be fed (RFC 2920 section 3.1).
    pub(super) fn begin_message(&mut self, message: Message) -> Next {
        let options = self.options.clone();
        let chunks = options.transfer == Transfer::Chunks && self.offers("CHUNKING");
        if options.smuggling_test {
            self.state = State::ExpectData(message);
            return Ok(Step::say(DATA, Command::Data));
        }
        self.facts.submission = Some(SubmissionFacts::new(match chunks {
            true => "BDAT",
            false => "DATA",
        }));
        if chunks {
            self.state = State::ExpectMessage(self.accepted());
            return Ok(Step::say(MESSAGE, Command::Bdat(message)));
        }
        self.state = State::ExpectData(message);
        Ok(Step::say(DATA, Command::Data))
    }

    pub(super) fn on_data(&mut self, message: Message, reply: &Reply) -> Next {
        if reply.code().is_some_and(|code| code.number() == 354) {
            if self.options.smuggling_test {
                return self.begin_smuggling(message);
            }
            self.state = State::ExpectMessage(self.accepted());
            return Ok(Step::say(MESSAGE, Command::Content(message)));
        }
        self.refused(DATA, reply)
    }

    pub(super) fn on_message(&mut self, mut waiting: VecDeque<Address>, reply: Reply) -> Next {
        let Some(acceptance) = Acceptance::of(&reply, 0) else {
            return self.refused(MESSAGE, &reply);
        };
        let is_for_one = self.options.protocol == Protocol::Lmtp;
        let meant = match is_for_one {
            true => 1.min(waiting.len()),
            false => waiting.len(),
        };
        let results = waiting
            .drain(..meant)
            .map(|address| RecipientFacts::new(address, Answer::new(reply.clone(), acceptance)));
        let submission = self.facts.submission.get_or_insert_default();
        submission.results.extend(results);
        if reply.is_farewell() && acceptance != Acceptance::Accepted {
            return self.refused(MESSAGE, &reply);
        }
        if !waiting.is_empty() {
            self.state = State::ExpectMessage(waiting);
            return Ok(Step::wait(MESSAGE));
        }
        if submission.is_accepted() {
            return self.ask_next();
        }
        self.reset()
    }

    fn accepted(&self) -> VecDeque<Address> {
        let recipients = self.facts.envelope.iter().flat_map(|it| &it.recipients);
        let accepted = recipients.filter(|one| one.answer.acceptance == Acceptance::Accepted);
        accepted.map(|one| one.address.clone()).collect()
    }
}
