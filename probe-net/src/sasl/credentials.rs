//! Who we are and how we show it; checked here, so that no message can be broken by it.

use probe_core::Secret;

/// Who we are and how we show it.
#[derive(Clone, Debug)]
pub struct Credentials(pub(super) Kind);

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Anonymous { trace: String },
    External { authorize_as: String },
    Password { user: String, password: Secret },
    Token { user: String, token: Secret },
}

impl Credentials {
    /// A user name and a password.
    ///
    /// # Errors
    /// One of them is empty or contains NUL, CR or LF.
    pub fn password(
        user: impl Into<String>,
        password: impl Into<Secret>,
    ) -> Result<Self, CredentialsError> {
        let (user, password) = (user.into(), password.into());
        check("user name", user.as_bytes())?;
        check("password", password.expose())?;
        Ok(Self(Kind::Password { user, password }))
    }

    /// A user name and an OAuth 2.0 access token.
    ///
    /// # Errors
    /// One of them is empty or contains NUL, CR or LF.
    pub fn token(
        user: impl Into<String>,
        token: impl Into<Secret>,
    ) -> Result<Self, CredentialsError> {
        let (user, token) = (user.into(), token.into());
        check("user name", user.as_bytes())?;
        check("token", token.expose())?;
        Ok(Self(Kind::Token { user, token }))
    }

    /// The client certificate that TLS shows, and whom to act as, where that is somebody else.
    ///
    /// # Errors
    /// The name is empty or contains NUL, CR or LF.
    pub fn external(authorize_as: Option<String>) -> Result<Self, CredentialsError> {
        if let Some(name) = &authorize_as {
            check("user name", name.as_bytes())?;
        }
        let authorize_as = authorize_as.unwrap_or_default();
        Ok(Self(Kind::External { authorize_as }))
    }

    /// Nobody in particular; `trace` is shown to the server's operator.
    ///
    /// # Errors
    /// The trace is empty or contains NUL, CR or LF.
    pub fn anonymous(trace: impl Into<String>) -> Result<Self, CredentialsError> {
        let trace = trace.into();
        check("trace", trace.as_bytes())?;
        Ok(Self(Kind::Anonymous { trace }))
    }

    /// The user name, where there is one.
    pub fn user(&self) -> &str {
        match &self.0 {
            Kind::Anonymous { .. } => "",
            Kind::External { authorize_as } => authorize_as,
            Kind::Password { user, .. } | Kind::Token { user, .. } => user,
        }
    }

    /// User name and password, where they are such: for the commands of a protocol's own.
    pub fn as_password(&self) -> Option<(&str, &Secret)> {
        match &self.0 {
            Kind::Password { user, password } => Some((user, password)),
            Kind::Anonymous { .. } | Kind::External { .. } | Kind::Token { .. } => None,
        }
    }

    /// The access token, where there is one: for what is no SASL.
    pub fn as_token(&self) -> Option<&Secret> {
        match &self.0 {
            Kind::Token { token, .. } => Some(token),
            Kind::Anonymous { .. } | Kind::External { .. } | Kind::Password { .. } => None,
        }
    }

    pub(super) fn secret(&self) -> &[u8] {
        match &self.0 {
            Kind::Anonymous { .. } | Kind::External { .. } => &[],
            Kind::Password { password, .. } => password.expose(),
            Kind::Token { token, .. } => token.expose(),
        }
    }
}

fn check(what: &'static str, bytes: &[u8]) -> Result<(), CredentialsError> {
    if bytes.is_empty() {
        return Err(CredentialsError::Empty(what));
    }
    match bytes
        .iter()
        .any(|byte| matches!(byte, b'\0' | b'\r' | b'\n'))
    {
        true => Err(CredentialsError::ControlCharacter(what)),
        false => Ok(()),
    }
}

/// Why credentials cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// NUL, CR or LF would end the message or begin another.
    #[error("the {0} contains NUL, CR or LF")]
    ControlCharacter(&'static str),
    /// There is nothing.
    #[error("the {0} is empty")]
    Empty(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_break_the_message_is_refused() {
        let error = |user: &str, password: &str| Credentials::password(user, password).unwrap_err();
        assert_eq!(error("", "x"), CredentialsError::Empty("user name"));
        assert_eq!(
            error("a\r\nQUIT", "x"),
            CredentialsError::ControlCharacter("user name")
        );
        assert_eq!(
            error("a", "x\0y"),
            CredentialsError::ControlCharacter("password")
        );
        assert_eq!(
            error("a", "x\n"),
            CredentialsError::ControlCharacter("password")
        );
    }
}
