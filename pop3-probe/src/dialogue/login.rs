//! The login: UTF8, then SASL, or USER and PASS, or APOP (RFC 1939 section 7, RFC 5034, RFC 6856 section 2).

use probe_core::{Failure, FailureKind, Phase, Secret};
use probe_net::Step;
use probe_net::sasl::{self, AuthFacts, Credentials, Login, Mechanism, Way};

use super::{FAREWELL, Next, Pop3Dialogue, State};
use crate::command::Command;
use crate::facts::Greeting;
use crate::findings::words;
use crate::options::LoginCommand;
use crate::reply::{Capabilities, Reply, Status};

const UTF8: Phase = Phase::new("utf8");

impl Pop3Dialogue {
    /// The channel is as good as it gets.
    pub(super) fn begin_session(&mut self) -> Next {
        let offers_utf8 = self.facts.offers("UTF8");
        if self.options.utf8 && offers_utf8 {
            self.state = State::ExpectUtf8;
            return Ok(Step::say(UTF8, Command::Utf8));
        }
        self.begin_auth()
    }

    pub(super) fn on_utf8(&mut self, reply: &Reply) -> Next {
        match reply.status() {
            Status::Ok => self.facts.utf8 = Some(true),
            Status::Err => {
                self.facts.utf8 = Some(false);
                self.note_refusal("UTF8", reply);
            }
            _ => return self.refused(UTF8, reply),
        }
        self.begin_auth()
    }

    fn begin_auth(&mut self) -> Next {
        let options = self.options.clone();
        let Some(credentials) = &options.credentials else {
            return self.say_quit();
        };
        self.facts.auth = Some(AuthFacts::new(credentials));
        match options.login_command {
            LoginCommand::Apop => self.say_apop(credentials),
            LoginCommand::Only => self.say_user(credentials),
            LoginCommand::LastResort | LoginCommand::Never => {
                let login = Login::begin(
                    &self.offered(),
                    &options.mechanisms,
                    credentials,
                    &options.nonces,
                    self.facts.tls.clone(),
                );
                match login {
                    Ok(login) => self.try_login(Box::new(login)),
                    Err(failure) => self.without_a_mechanism(failure),
                }
            }
        }
    }

    /// What the server offers on the channel as it is now.
    fn offered(&self) -> Vec<Mechanism> {
        let capabilities = self.facts.capabilities_before_auth();
        capabilities
            .map(Capabilities::mechanisms)
            .unwrap_or_default()
    }

    fn auth(&mut self) -> &mut AuthFacts {
        self.facts.auth.get_or_insert_default()
    }

    fn accept(&mut self) -> Next {
        self.auth().accept();
        self.look_into_the_maildrop()
    }
}

/// By SASL.
impl Pop3Dialogue {
    fn try_login(&mut self, mut login: Box<Login>) -> Next {
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

    pub(super) fn on_auth(&mut self, login: Box<Login>, reply: &Reply) -> Next {
        match reply.status() {
            Status::Continue => self.on_challenge(login, reply),
            Status::Ok => self.on_authenticated(&login, reply),
            Status::Err | Status::Other => self.on_auth_refused(&login, reply),
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
        match login.finish() {
            Ok(()) => self.accept(),
            Err(failure) => self.give_up(failure.with_reply(words(reply))),
        }
    }

    fn on_auth_refused(&mut self, login: &Login, reply: &Reply) -> Next {
        self.auth().verdict(reply.raw(), login.server_error());
        let (kind, detail) = why_refused(reply, login.proof_sent());
        // The server offers the mechanism and cannot do it.
        if kind == FailureKind::Unsupported {
            match login.try_next() {
                Some(Ok(next)) => return self.try_login(Box::new(next)),
                Some(Err(failure)) => return self.give_up(failure),
                None => {}
            }
        }
        let detail = match login.server_error() {
            Some(error) => format!("{detail}: {}", probe_net::excerpt(error)),
            None => detail.to_owned(),
        };
        let failure = Failure::new(Phase::AUTH, kind, detail).with_reply(words(reply));
        match kind {
            FailureKind::Unsupported => self.without_a_mechanism(failure),
            FailureKind::Protocol => Err(failure),
            _ => self.give_up(failure),
        }
    }

    /// No mechanism fits, for this reason: USER and PASS may. A server without CAPA, or which tells of no way to log
    /// in at all, may take them unannounced.
    fn without_a_mechanism(&mut self, why: Failure) -> Next {
        let options = self.options.clone();
        let password = options.credentials.as_ref();
        let password = password.filter(|credentials| credentials.as_password().is_some());
        let offered = self.facts.capabilities_before_auth();
        let is_allowed = options.login_command == LoginCommand::LastResort;
        let may_work = offered.is_none_or(|offered| offered.has("USER") || !offered.has("SASL"));
        match password {
            Some(credentials) if is_allowed && may_work => self.say_user(credentials),
            _ => self.give_up(why),
        }
    }
}

/// By the protocol's own commands.
impl Pop3Dialogue {
    fn say_user(&mut self, credentials: &Credentials) -> Next {
        self.auth().attempt(Way::Command("USER"));
        self.state = State::ExpectUser;
        let user = Command::User(credentials.user().to_owned());
        Ok(Step::say(Phase::AUTH, user))
    }

    /// A good answer means nothing yet (RFC 1939 section 7): servers do not tell who is unknown.
    pub(super) fn on_user(&mut self, reply: &Reply) -> Next {
        let options = self.options.clone();
        let credentials = options.credentials.as_ref();
        let password = credentials.and_then(Credentials::as_password);
        match (reply.status(), password) {
            (Status::Ok, Some((_, password))) => {
                self.state = State::ExpectVerdict;
                Ok(Step::say(Phase::AUTH, Command::Pass(password.clone())))
            }
            _ => {
                // Where USER is announced, it is the name that is refused.
                let announced = self.facts.offers("USER");
                self.on_login_refused(reply, announced)
            }
        }
    }

    fn say_apop(&mut self, credentials: &Credentials) -> Next {
        let timestamp = self.facts.greeting.as_ref().and_then(Greeting::timestamp);
        let digest = |password: &Secret| Some(sasl::apop_digest(timestamp?, password));
        let password = credentials.as_password();
        let Some(digest) = password.and_then(|(_, password)| digest(password)) else {
            return self.give_up(Failure::new(
                Phase::AUTH,
                FailureKind::Unsupported,
                "the server's greeting has no timestamp for APOP",
            ));
        };
        self.auth().attempt(Way::Command("APOP"));
        self.state = State::ExpectVerdict;
        let user = credentials.user().to_owned();
        Ok(Step::say(Phase::AUTH, Command::Apop { user, digest }))
    }

    pub(super) fn on_verdict(&mut self, reply: &Reply) -> Next {
        if !reply.is_ok() {
            return self.on_login_refused(reply, true);
        }
        self.auth().verdict(reply.raw(), None);
        self.accept()
    }

    fn on_login_refused(&mut self, reply: &Reply, proof_sent: bool) -> Next {
        self.auth().verdict(reply.raw(), None);
        let (kind, detail) = why_refused(reply, proof_sent);
        let failure = Failure::new(Phase::AUTH, kind, detail).with_reply(words(reply));
        match kind {
            FailureKind::Protocol => Err(failure),
            _ => self.give_up(failure),
        }
    }
}

/// What a refused login means (RFC 2449 section 8.1, RFC 3206).
fn why_refused(reply: &Reply, proof_sent: bool) -> (FailureKind, &'static str) {
    let has = |known| reply.code().is_some_and(|code| code.is(known));
    if reply.status() != Status::Err {
        (
            FailureKind::Protocol,
            "the server said something that is no verdict on a login",
        )
    } else if sasl::forbids_passwords(reply.raw()) {
        (
            FailureKind::Policy,
            "the server takes no passwords any more: it wants OAuth",
        )
    } else if reply.is_in_use() {
        (
            FailureKind::Temporary,
            "the password was right, but another session has the maildrop",
        )
    } else if has("LOGIN-DELAY") {
        (
            FailureKind::Temporary,
            "the last login was too short a while ago",
        )
    } else if has("SYS/PERM") {
        (
            FailureKind::Permanent,
            "the server cannot log in this account until somebody mends it",
        )
    } else if has("SYS") {
        (
            FailureKind::Temporary,
            "the server cannot finish this login for now",
        )
    } else if wants_encryption(reply.text()) {
        (
            FailureKind::Policy,
            "the server takes no password over this connection",
        )
    } else if proof_sent {
        (
            FailureKind::Credentials,
            "the user name or the password was refused",
        )
    } else {
        // It has seen nothing to refuse yet.
        (
            FailureKind::Unsupported,
            "the server refused this way to log in",
        )
    }
}

/// Dovecot says it with the code `AUTH`, which means something else.
fn wants_encryption(text: &[u8]) -> bool {
    let text = text.to_ascii_lowercase();
    let says = |phrase: &[u8]| text.windows(phrase.len()).any(|part| part == phrase);
    let of_passwords = says(b"plaintext") || says(b"cleartext") || says(b"login disabled");
    of_passwords && (says(b"secure") || says(b"tls") || says(b"ssl") || says(b"encrypt"))
}
