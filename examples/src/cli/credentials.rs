//! Who logs in, and where the secret comes from: never from the command line, which everybody on the
//! machine can read.

use std::env;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use probe_core::Secret;
use probe_net::sasl::{self, Mechanism};
use probe_net::tls::SecretsOver;

use super::{Mistake, read_secret};

/// Options for logging in, the same for every protocol.
#[derive(Args, Debug)]
#[command(next_help_heading = "Login")]
pub(super) struct Credentials {
    /// Logs in as this user
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Reads the password from this file
    #[arg(long, value_name = "FILE", requires = "user", group = "secret")]
    password_file: Option<PathBuf>,
    /// Reads the password from this environment variable
    #[arg(long, value_name = "VARIABLE", requires = "user", group = "secret")]
    password_env: Option<String>,
    /// Reads an OAuth 2.0 access token from this file
    #[arg(long, value_name = "FILE", requires = "user", group = "secret")]
    token_file: Option<PathBuf>,
    /// Reads an OAuth 2.0 access token from this environment variable
    #[arg(long, value_name = "VARIABLE", requires = "user", group = "secret")]
    token_env: Option<String>,
    /// Refused: everybody on this machine can read the command line
    #[arg(long, hide = true, num_args = 0..=1, allow_hyphen_values = true, value_name = "SECRET")]
    password: Option<Option<String>>,
    /// Logs in by this mechanism only (repeatable); without it by the strongest that works
    #[arg(long, value_name = "NAME", value_parser = mechanism(), ignore_case = true)]
    mechanism: Vec<Mechanism>,
    /// The weakest channel that may carry the secret
    #[arg(long, value_enum, value_name = "CHANNEL", default_value_t)]
    login_over: Channel,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
enum Channel {
    /// TLS whose certificate is valid
    #[default]
    Tls,
    /// TLS, whatever its certificate
    UnverifiedTls,
    /// No encryption at all
    Cleartext,
}

impl Credentials {
    /// What was given; `None` if nobody logs in.
    pub(super) fn read(&self) -> Result<Option<sasl::Credentials>, Mistake> {
        if self.password.is_some() {
            return Err(Mistake::new(
                "a password on the command line can be read by everybody on this machine: use --password-file or --password-env",
            ));
        }
        let Some(user) = self.user.clone() else {
            return self.nobody();
        };
        let credentials = match (self.password()?, self.token()?) {
            (Some(password), _) => sasl::Credentials::password(user, password),
            (None, Some(token)) => sasl::Credentials::token(user, token),
            (None, None) if self.mechanism == [Mechanism::Anonymous] => {
                sasl::Credentials::anonymous(user)
            }
            (None, None) if self.mechanism == [Mechanism::External] => {
                sasl::Credentials::external(Some(user))
            }
            (None, None) => {
                return Err(Mistake::new(
                    "--user needs --password-file, --password-env, --token-file or --token-env",
                ));
            }
        };
        credentials.map(Some).map_err(Mistake::new)
    }

    /// What was given, for a web server.
    pub(super) fn read_for_web(&self) -> Result<Option<sasl::Credentials>, Mistake> {
        match self.mechanism.as_slice() {
            [] | [Mechanism::External] => self.read(),
            _ => Err(Mistake::new(
                "--mechanism: a web server takes a password, a token or, with EXTERNAL, a client certificate",
            )),
        }
    }

    /// Without a name, only a client certificate says who logs in.
    fn nobody(&self) -> Result<Option<sasl::Credentials>, Mistake> {
        match self.mechanism.as_slice() {
            [] => Ok(None),
            [Mechanism::External] => sasl::Credentials::external(None)
                .map(Some)
                .map_err(Mistake::new),
            _ => Err(Mistake::new("--mechanism needs --user")),
        }
    }

    /// The mechanisms that were named; empty for all.
    pub(super) fn mechanisms(&self) -> &[Mechanism] {
        &self.mechanism
    }

    pub(super) fn secrets_over(&self) -> SecretsOver {
        match self.login_over {
            Channel::Tls => SecretsOver::VerifiedTls,
            Channel::UnverifiedTls => SecretsOver::UnverifiedTls,
            Channel::Cleartext => SecretsOver::Cleartext,
        }
    }

    fn password(&self) -> Result<Option<Secret>, Mistake> {
        match (&self.password_file, &self.password_env) {
            (Some(file), _) => read_secret(file).map(Some),
            (None, Some(variable)) => from_env("--password-env", variable).map(Some),
            (None, None) => Ok(None),
        }
    }

    fn token(&self) -> Result<Option<Secret>, Mistake> {
        match (&self.token_file, &self.token_env) {
            (Some(file), _) => read_secret(file).map(Some),
            (None, Some(variable)) => from_env("--token-env", variable).map(Some),
            (None, None) => Ok(None),
        }
    }
}

/// The variable is not named in the mistake: it may be the secret itself, given in its place.
pub(super) fn from_env(option: &str, variable: &str) -> Result<Secret, Mistake> {
    match env::var(variable) {
        Ok(secret) => Ok(Secret::from(secret)),
        Err(env::VarError::NotPresent) => Err(Mistake(format!(
            "{option}: the environment has no variable of this name"
        ))),
        Err(env::VarError::NotUnicode(_)) => {
            Err(Mistake(format!("{option}: the variable is not UTF-8")))
        }
    }
}

/// By name, so that shells can complete it.
fn mechanism() -> impl TypedValueParser<Value = Mechanism> {
    let names = Mechanism::ALL.iter().map(|known| known.as_str());
    PossibleValuesParser::new(names)
        .try_map(|name| Mechanism::named(name.as_bytes()).ok_or("no such mechanism"))
}
