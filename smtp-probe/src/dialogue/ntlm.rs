//! Asking for NTLM's challenge, and giving the login up before anything is proved (MS-SMTPNTLM, RFC 4954 section 4).

use probe_core::Phase;
use probe_net::Step;

use super::{Next, SmtpDialogue, State};
use crate::command::Command;
use crate::facts::NtlmFacts;
use crate::reply::{Capabilities, Code, Reply};

/// Asking for the challenge.
const NTLM: Phase = Phase::new("ntlm");

/// What is awaited of NTLM.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Awaited {
    GoAhead,
    Challenge,
    Cancelled,
}

impl SmtpDialogue {
    pub(super) fn begin_ntlm(&mut self) -> Next {
        if !self.offers_ntlm() {
            self.facts.ntlm = Some(NtlmFacts::NotOffered);
            return self.log_in();
        }
        // In two steps: not all that speak NTLM take its first message along with the command.
        self.say_ntlm(Awaited::GoAhead, Command::AuthNtlm)
    }

    pub(super) fn on_ntlm(&mut self, awaited: Awaited, reply: Reply) -> Next {
        match (awaited, reply.code().map(Code::number)) {
            (_, Some(421)) => self.refused(NTLM, &reply),
            (Awaited::GoAhead, Some(334)) => {
                self.say_ntlm(Awaited::Challenge, Command::NtlmNegotiate)
            }
            (Awaited::Challenge, Some(334)) => {
                self.facts.ntlm = Some(NtlmFacts::read(reply));
                self.say_ntlm(Awaited::Cancelled, Command::AuthCancel)
            }
            // RFC 4954 section 4 wants 501.
            (Awaited::Cancelled, Some(400..=599)) => self.log_in(),
            (_, Some(400..=599)) => {
                self.facts.ntlm = Some(NtlmFacts::Refused(reply));
                self.log_in()
            }
            (_, code) => {
                let next = self.refused(NTLM, &reply);
                // Another challenge would take QUIT for its answer.
                if matches!(code, Some(300..=399)) {
                    self.state = State::Over;
                }
                next
            }
        }
    }

    fn say_ntlm(&mut self, awaited: Awaited, command: Command) -> Next {
        self.state = State::ExpectNtlm(awaited);
        Ok(Step::say(NTLM, command))
    }

    fn offers_ntlm(&self) -> bool {
        let capabilities = self.facts.capabilities();
        let names = capabilities.map(Capabilities::mechanism_names);
        let mut names = names.unwrap_or_default().into_iter();
        names.any(|name| name.eq_ignore_ascii_case(b"NTLM"))
    }
}
