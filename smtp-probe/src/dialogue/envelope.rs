//! An envelope: MAIL, each RCPT (RFC 5321 section 3.3). Unless the caller gave a message it is taken back by RSET, and
//! no mail is sent.

use std::collections::VecDeque;

use probe_core::{Failure, FailureKind, Phase};
use probe_net::Step;

use super::{FAREWELL, Next, RSET, SmtpDialogue, State};
use crate::acceptance::Acceptance;
use crate::address::Address;
use crate::command::Command;
use crate::envelope::MailParameter;
use crate::expectation::Stage;
use crate::facts::{Answer, EnvelopeFacts, RecipientFacts};
use crate::findings::words;
use crate::reply::Reply;

/// Naming the sender.
pub(crate) const MAIL: Phase = Phase::new("mail");
/// Naming a recipient.
const RCPT: Phase = Phase::new("rcpt");

/// An envelope under way.
#[derive(Debug)]
pub(super) struct Envelope {
    /// Those of whom the server has not said yet what it thinks.
    recipients: VecDeque<Address>,
    pacing: Pacing,
    /// Why there can be no envelope: what was said along with the sender is still to be answered.
    refusal: Option<Refusal>,
}

/// How the commands of an envelope follow each other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Pacing {
    /// Each waits for the answer to the one before.
    OneByOne,
    /// All at once (RFC 2920).
    Together,
}

/// The server does not take the sender.
#[derive(Debug)]
enum Refusal {
    /// Strangers have to come again, or the caller expects it: that is as it should be.
    Fine,
    Failed(Failure),
}

impl Envelope {
    /// Whether recipients are spoken of at all.
    pub(super) const fn is_alive(&self) -> bool {
        self.refusal.is_none()
    }
}

impl SmtpDialogue {
    pub(super) fn begin_envelope(&mut self) -> Next {
        let options = self.options.clone();
        let sender = options.sender.clone().unwrap_or_default();
        let mut recipients: VecDeque<_> = options.recipients.iter().cloned().collect();
        // Last, since some take nobody any more behind a name that they do not know (email-verifier#72).
        recipients.extend(self.stranger());
        if options.quits_after(Stage::Mail) {
            recipients.clear();
        }
        let facts = EnvelopeFacts {
            sender: sender.clone(),
            ..EnvelopeFacts::default()
        };
        self.facts.envelope = Some(facts);
        let needs_utf8 = !sender.is_ascii() || recipients.iter().any(|one| !one.is_ascii());
        if needs_utf8 && !self.offers(MailParameter::SmtpUtf8.extension()) {
            let detail = "the server does not offer SMTPUTF8, which these addresses need";
            return self.give_up(Failure::new(MAIL, FailureKind::Unsupported, detail));
        }
        if let Some(failure) = self.cannot_carry() {
            return self.give_up(failure);
        }
        let mail = Command::Mail {
            sender,
            parameters: self.parameters(needs_utf8),
        };
        let pacing = match self.offers("PIPELINING") {
            true => Pacing::Together,
            false => Pacing::OneByOne,
        };
        let mut commands = vec![(MAIL, mail)];
        if pacing == Pacing::Together {
            commands.extend(recipients.iter().map(|one| (RCPT, self.rcpt(one))));
        }
        self.state = State::ExpectMail(Box::new(Envelope {
            recipients,
            pacing,
            refusal: None,
        }));
        Ok(Step::Send {
            commands,
            patience: None,
        })
    }

    pub(super) fn on_mail(&mut self, mut envelope: Envelope, reply: Reply) -> Next {
        let Some(acceptance) = self.acceptance(&reply) else {
            return self.refused(MAIL, &reply);
        };
        envelope.refusal = match acceptance {
            Acceptance::Accepted => None,
            Acceptance::Greylisted => Some(Refusal::Fine),
            _ if self.options.wants_refusal(Stage::Mail, &reply) => Some(Refusal::Fine),
            other => Some(Refusal::Failed(failure(other, &reply))),
        };
        let is_over = reply.is_farewell();
        self.envelope().sender_answer = Some(Answer::new(reply, acceptance));
        match envelope.refusal {
            Some(Refusal::Failed(failure)) if is_over => Err(failure),
            Some(Refusal::Fine) if is_over => Ok(Step::Done),
            _ => self.next_recipient(envelope),
        }
    }

    pub(super) fn on_rcpt(&mut self, mut envelope: Envelope, reply: Reply) -> Next {
        let Some(acceptance) = self.acceptance(&reply) else {
            return self.refused(RCPT, &reply);
        };
        let Some(address) = envelope.recipients.pop_front() else {
            return self.refused(RCPT, &reply);
        };
        // What is said of a recipient behind a refused sender, such as 503, is not about the recipient.
        if envelope.refusal.is_none() {
            let one = RecipientFacts::new(address, Answer::new(reply.clone(), acceptance));
            let asked_for = self.options.recipients.len();
            let facts = self.envelope();
            match facts.recipients.len() < asked_for {
                true => facts.recipients.push(one),
                false => facts.stranger = Some(one),
            }
        }
        match (reply.is_farewell(), envelope.refusal) {
            (true, Some(Refusal::Failed(failure))) => Err(failure),
            (true, _) => self.refused(RCPT, &reply),
            (false, refusal) => self.next_recipient(Envelope {
                refusal,
                ..envelope
            }),
        }
    }

    /// Whatever it says, the envelope is gone with the connection anyway.
    pub(super) fn on_rset(&mut self, reply: &Reply) -> Next {
        match reply.is_farewell() {
            true if self.plan.is_empty() => Ok(Step::Done),
            true => self.refused(RSET, reply),
            false => self.ask_next(),
        }
    }

    fn next_recipient(&mut self, envelope: Envelope) -> Next {
        let is_said = envelope.pacing == Pacing::Together;
        match (envelope.recipients.front(), &envelope.refusal) {
            (Some(_), _) if is_said => {
                self.state = State::ExpectRcpt(Box::new(envelope));
                Ok(Step::wait(RCPT))
            }
            (Some(next), None) => {
                let command = self.rcpt(next);
                self.state = State::ExpectRcpt(Box::new(envelope));
                Ok(Step::say(RCPT, command))
            }
            _ => self.end_envelope(envelope),
        }
    }

    fn end_envelope(&mut self, envelope: Envelope) -> Next {
        match envelope.refusal {
            Some(Refusal::Failed(failure)) => self.give_up(failure),
            Some(Refusal::Fine) => self.reset(),
            None => match self.options.message.clone() {
                Some(message) if self.envelope().accepted() > 0 => self.begin_message(message),
                _ => self.reset(),
            },
        }
    }

    pub(super) fn reset(&mut self) -> Next {
        self.state = State::ExpectRset;
        Ok(Step::say_in_hope(RSET, Command::Reset, FAREWELL))
    }

    /// The parameters that were asked for, as far as the server offers them.
    fn parameters(&mut self, needs_utf8: bool) -> Vec<MailParameter> {
        let options = self.options.clone();
        let limit = self.facts.capabilities().and_then(|it| it.size_limit());
        // Declaring what is known to be too large would only cost the answers of the recipients.
        let fits = |octets: &u64| limit.is_none_or(|limit| *octets <= limit);
        let wanted = [
            options.size().map(MailParameter::Size),
            options.is_eight_bit().then_some(MailParameter::EightBit),
            options.returned.map(MailParameter::Return),
            options.envelope_id.clone().map(MailParameter::EnvelopeId),
            options.require_tls.then_some(MailParameter::RequireTls),
            needs_utf8.then_some(MailParameter::SmtpUtf8),
        ];
        let mut parameters = Vec::new();
        for parameter in wanted.into_iter().flatten() {
            let extension = parameter.extension();
            // What is said for the message's own sake need not be offered: nobody asked for it.
            let is_own = matches!(parameter, MailParameter::Size(_)) && options.message.is_some();
            if self.offers(extension) || (!is_own && self.may_use(extension)) {
                parameters.push(parameter);
            }
        }
        if options.notify.is_some() {
            self.may_use(NOTIFY_EXTENSION);
        }
        parameters.retain(|one| !matches!(one, MailParameter::Size(octets) if !fits(octets)));
        parameters
    }

    /// Why the server cannot take the message.
    fn cannot_carry(&self) -> Option<Failure> {
        let message = self.options.message.as_ref()?;
        let eight_bit = MailParameter::EightBit.extension();
        if message.is_eight_bit() && !self.offers(eight_bit) {
            let detail = "the server does not offer 8BITMIME, which the message needs";
            return Some(Failure::new(MAIL, FailureKind::Unsupported, detail));
        }
        let limit = self.facts.capabilities()?.size_limit()?;
        let detail = "the message is larger than the server takes";
        (message.octets() > limit).then(|| Failure::new(MAIL, FailureKind::Policy, detail))
    }

    /// Whether the server offers it; if not, that is noted.
    fn may_use(&mut self, extension: &'static str) -> bool {
        let is_offered = self.offers(extension);
        let missing = &mut self.envelope().not_offered;
        if !is_offered && !missing.contains(&extension) {
            missing.push(extension);
        }
        is_offered
    }

    fn rcpt(&self, recipient: &Address) -> Command {
        let notify = self.options.notify.clone();
        Command::Rcpt {
            recipient: recipient.clone().into(),
            notify: notify.filter(|_| self.offers(NOTIFY_EXTENSION)),
        }
    }

    fn acceptance(&self, reply: &Reply) -> Option<Acceptance> {
        let accepted = self.facts.envelope.as_ref().map(EnvelopeFacts::accepted);
        let acceptance = Acceptance::of(reply, accepted.unwrap_or_default())?;
        let auth = self.facts.auth.as_ref();
        let is_logged_in = auth.is_some_and(|auth| auth.accepted.is_some());
        Some(match self.offers("AUTH") && !is_logged_in {
            true => acceptance.without_login(reply),
            false => acceptance,
        })
    }

    /// A name in the domain of the first recipient that nobody has.
    fn stranger(&self) -> Option<Address> {
        let token = self.token.filter(|_| self.options.catch_all)?;
        let domain = self.options.recipients.first()?.domain()?;
        format!("mailprobe-{token}@{domain}").parse().ok()
    }

    fn envelope(&mut self) -> &mut EnvelopeFacts {
        self.facts.envelope.get_or_insert_default()
    }
}

/// RFC 3461 section 4.
const NOTIFY_EXTENSION: &str = "DSN";

/// Why a sender was not taken.
fn failure(acceptance: Acceptance, reply: &Reply) -> Failure {
    let (kind, detail) = match acceptance {
        Acceptance::AuthRequired => (
            FailureKind::Policy,
            "the server takes mail only after a login, or under TLS",
        ),
        Acceptance::Blocked | Acceptance::RelayDenied => (
            FailureKind::Policy,
            "the server's policy forbids this sender, or this client",
        ),
        Acceptance::TooLarge => (
            FailureKind::Policy,
            "the server does not take messages of that size",
        ),
        Acceptance::MailboxFull => (FailureKind::Quota, "the server has no room for the message"),
        Acceptance::Temporary | Acceptance::TooMany => (
            FailureKind::Temporary,
            "the server takes no mail of this sender for now",
        ),
        _ => (
            FailureKind::Permanent,
            "the server does not take this sender",
        ),
    };
    Failure::new(MAIL, kind, detail).with_reply(words(reply))
}
