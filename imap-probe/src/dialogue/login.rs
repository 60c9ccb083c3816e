//! Logging in: by SASL (RFC 9051 section 6.2.2, RFC 4959), or by the command LOGIN.

use probe_core::{Failure, FailureKind, Phase};
use probe_net::sasl::{self, AuthFacts, Credentials, Login, Way};
use probe_net::{Step, excerpt};

use super::{Awaited, FAREWELL, ImapDialogue, Next, Pending, State};
use crate::command::{Command, Line};
use crate::options::LoginCommand;
use crate::reply::{Capabilities, Code, Condition, Reply, Status, Text};

/// How the facts call the command.
const LOGIN: Way = Way::Command("LOGIN command");

impl ImapDialogue {
    pub(super) fn begin_login(&mut self) -> Next {
        let options = self.options.clone();
        let Some(credentials) = &options.credentials else {
            return self.say_logout();
        };
        self.facts.auth = Some(AuthFacts::new(credentials));
        if options.login_command == LoginCommand::Only {
            return self.try_login_command(credentials);
        }
        let offered = self.facts.capabilities().map(Capabilities::mechanisms);
        let login = Login::begin(
            &offered.unwrap_or_default(),
            &options.mechanisms,
            credentials,
            &options.nonces,
            self.facts.tls.clone(),
        );
        self.try_login(login)
    }

    fn try_login(&mut self, login: Result<Login, Failure>) -> Next {
        let mut login = match login {
            Ok(login) => Box::new(login),
            Err(failure) => return self.without_mechanism(failure),
        };
        let mechanism = login.mechanism();
        self.auth().attempt(mechanism);
        // RFC 4959 section 3: only where it is offered.
        let may_be_first = self.offers("SASL-IR") || self.offers("IMAP4rev2");
        let initial_response =
            login.initial_response(|response| may_be_first && Command::fits(response));
        let command = Command::Authenticate {
            mechanism,
            initial_response,
        };
        self.say(Phase::AUTH, command, Awaited::Auth(login))
    }

    /// No mechanism can be used: the command is what is left, if the server and the options allow it.
    fn without_mechanism(&mut self, failure: Failure) -> Next {
        let options = self.options.clone();
        let is_last_resort = options.login_command == LoginCommand::LastResort;
        match &options.credentials {
            Some(credentials) if is_last_resort && credentials.as_password().is_some() => {
                self.try_login_command(credentials)
            }
            _ => self.give_up(failure),
        }
    }

    fn try_login_command(&mut self, credentials: &Credentials) -> Next {
        // RFC 9051 section 6.2.3: a client must not even try.
        if self.offers("LOGINDISABLED") {
            let detail = "the server takes no password over this channel (LOGINDISABLED)";
            return self.give_up(Failure::new(Phase::AUTH, FailureKind::Policy, detail));
        }
        let Some((user, password)) = credentials.as_password() else {
            let detail = "the command LOGIN needs a password";
            return self.give_up(Failure::new(Phase::AUTH, FailureKind::Unsupported, detail));
        };
        self.auth().attempt(LOGIN);
        let command = Command::Login {
            user: user.to_owned(),
            password: password.clone(),
        };
        self.say(Phase::AUTH, command, Awaited::LoginCommand)
    }

    pub(super) fn on_challenge(
        &mut self,
        pending: Pending,
        mut login: Box<Login>,
        text: &Text,
        reply: &Reply,
    ) -> Next {
        match login.respond(text) {
            Ok(response) => {
                let mechanism = login.mechanism();
                self.state = State::Expect(pending, Awaited::Auth(login));
                let line = Line::Response {
                    mechanism,
                    response,
                };
                Ok(Step::say(Phase::AUTH, line))
            }
            Err(failure) => {
                let failure = failure.with_reply(excerpt(reply.raw()));
                self.state = State::Expect(pending, Awaited::Cancelled(failure));
                Ok(Step::say_in_hope(Phase::AUTH, Line::Cancel, FAREWELL))
            }
        }
    }

    pub(super) fn on_auth(&mut self, login: &Login, status: &Status, reply: &Reply) -> Next {
        self.auth().verdict(reply.raw(), login.server_error());
        if status.condition == Condition::Ok {
            return match login.finish() {
                Ok(()) => self.on_logged_in(),
                Err(failure) => self.give_up(failure.with_reply(excerpt(reply.raw()))),
            };
        }
        // What was said of capabilities during a login that failed did not come true.
        self.facts.authenticated = None;
        let failure = refusal(status, reply, login);
        match failure.kind {
            // The server offers the mechanism and cannot do it.
            FailureKind::Unsupported => match login.try_next() {
                Some(next) => self.try_login(next),
                None => self.without_mechanism(failure),
            },
            _ => self.give_up(failure),
        }
    }

    pub(super) fn on_login_command(&mut self, status: &Status, reply: &Reply) -> Next {
        self.auth().verdict(reply.raw(), None);
        if status.condition == Condition::Ok {
            return self.on_logged_in();
        }
        self.facts.authenticated = None;
        let (kind, detail) = why_refused(status, true);
        let failure = Failure::new(Phase::AUTH, kind, detail);
        self.give_up(failure.with_reply(excerpt(reply.raw())))
    }

    fn on_logged_in(&mut self) -> Next {
        self.auth().accept();
        self.begin_questions()
    }

    fn auth(&mut self) -> &mut AuthFacts {
        self.facts.auth.get_or_insert_default()
    }
}

fn refusal(status: &Status, reply: &Reply, login: &Login) -> Failure {
    let (kind, mut detail) = why_refused(status, login.proof_sent());
    if let Some(error) = login.server_error() {
        detail = format!("{detail}: {}", excerpt(error));
    }
    Failure::new(Phase::AUTH, kind, detail).with_reply(excerpt(reply.raw()))
}

/// What a refused login means (RFC 5530 section 3).
fn why_refused(status: &Status, proof_sent: bool) -> (FailureKind, String) {
    let has = |names: &[&str]| names.iter().any(|name| status.has_code(name));
    let words = [&*status.text, arguments(status)].concat();
    let (kind, detail) = if sasl::forbids_passwords(&words) {
        (
            FailureKind::Policy,
            "the server takes no passwords any more: it wants OAuth",
        )
    } else if has(&["PRIVACYREQUIRED"]) {
        (
            FailureKind::Policy,
            "the server wants this login over TLS only",
        )
    } else if has(&["AUTHORIZATIONFAILED", "CONTACTADMIN", "NOPERM"]) {
        (
            FailureKind::Policy,
            "the user may not log in here, whatever the password",
        )
    } else if has(&["EXPIRED"]) {
        (
            FailureKind::Credentials,
            "the password or the account has expired",
        )
    } else if has(&["UNAVAILABLE", "INUSE", "SERVERBUG"]) {
        (
            FailureKind::Temporary,
            "the server cannot authenticate for now",
        )
    } else if has(&["LIMIT", "OVERQUOTA"]) {
        (FailureKind::Quota, "a limit of the server is reached")
    } else if !proof_sent && !has(&["AUTHENTICATIONFAILED"]) {
        // It has seen nothing to refuse yet.
        (
            FailureKind::Unsupported,
            "the server cannot do what it offers",
        )
    } else if status.condition == Condition::Bad {
        (
            FailureKind::Protocol,
            "the server did not understand the login",
        )
    } else {
        (
            FailureKind::Credentials,
            "the user name or the password was refused",
        )
    };
    (kind, detail.to_owned())
}

/// Outlook says why within the brackets.
fn arguments(status: &Status) -> &[u8] {
    match &status.code {
        Some(Code::Other { arguments, .. }) => arguments,
        _ => &[],
    }
}
