//! Authentication (RFC 4954).

use probe_core::{Failure, FailureKind, Phase};
use probe_net::Step;
use probe_net::sasl::{self, AuthFacts, Login, Mechanism};

use super::{EHLO, FAREWELL, Next, SmtpDialogue, State};
use crate::command::Command;
use crate::expectation::Stage;
use crate::findings::words;
use crate::options::Options;
use crate::reply::{Capabilities, Code, Reply};

impl SmtpDialogue {
    pub(super) fn begin_auth(&mut self) -> Next {
        // Also where there was no handshake to end at.
        if self.options.quits_after(Stage::StartTls) {
            return self.say_quit();
        }
        match self.options.ntlm_facts {
            true => self.begin_ntlm(),
            false => self.log_in(),
        }
    }

    pub(super) fn log_in(&mut self) -> Next {
        let Some(credentials) = &self.options.credentials else {
            return self.begin_questions();
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

    pub(super) fn on_auth(&mut self, login: Box<Login>, reply: Reply) -> Next {
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
        if self.options.expect_refusal {
            return self.say_quit();
        }
        if !self.options.ehlo_after_auth {
            return self.begin_questions();
        }
        self.state = State::ExpectEhloAfterAuth;
        Ok(Step::say_in_hope(EHLO, self.ehlo(), FAREWELL))
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
        let is_refusal = matches!(kind, FailureKind::Credentials | FailureKind::Policy);
        if (is_refusal && self.options.expect_refusal)
            || self.options.wants_refusal(Stage::Auth, reply)
        {
            return self.leave_after(reply);
        }
        self.state = self.after_refusal(reply);
        Err(Failure::new(Phase::AUTH, kind, detail).with_reply(words(reply)))
    }

    pub(super) fn on_ehlo_after_auth(&mut self, reply: Reply) -> Next {
        if reply.is_farewell() || reply.code().is_none() {
            return self.refused(EHLO, &reply);
        }
        if reply.code().is_some_and(|code| code.is_completion()) {
            self.facts.authenticated = Some(Capabilities::from(reply));
        } else {
            self.facts.refused_ehlo_after_auth = true;
        }
        self.begin_questions()
    }

    /// The server hung up, or says nothing any more.
    pub(super) fn without_ehlo_after_auth(&mut self) -> Next {
        if !self.options.has_questions() {
            return Ok(Step::Done);
        }
        let detail = "EHLO after the login was not answered: the probe can do without it";
        Err(Failure::new(EHLO, FailureKind::Closed, detail))
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
