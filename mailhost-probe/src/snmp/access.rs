//! Who asks an agent, and how that is shown to it.

use probe_core::Secret;

use super::usm::{SnmpAuth, SnmpPrivacy};
use crate::options::ConfigError;

/// In which version an agent is asked, and as whom.
///
/// ```
/// use mailhost_probe::{SnmpAccess, SnmpAuth, SnmpPrivacy, SnmpUser};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let user = SnmpUser::new("monitor")?
///     .with_auth(SnmpAuth::Sha256, "correct horse")?
///     .with_privacy(SnmpPrivacy::Aes128, "battery staple")?;
/// let access = SnmpAccess::v3(user);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SnmpAccess(pub(super) Kind);

#[derive(Clone, Debug)]
pub(super) enum Kind {
    V1(Secret),
    V2c(Secret),
    V3(SnmpUser),
}

impl SnmpAccess {
    /// The community that agents have if nobody has given them another one: no secret.
    pub const PUBLIC: &'static str = "public";
    /// No community is longer.
    pub const COMMUNITY: usize = 255;

    /// Version 1, by a community, which everybody on the way can read.
    pub fn v1(community: impl Into<Secret>) -> Self {
        Self(Kind::V1(community.into()))
    }

    /// Version 2c, by a community, which everybody on the way can read.
    pub fn v2c(community: impl Into<Secret>) -> Self {
        Self(Kind::V2c(community.into()))
    }

    /// Version 3, as a user.
    pub const fn v3(user: SnmpUser) -> Self {
        Self(Kind::V3(user))
    }

    /// The name of the version.
    pub const fn version(&self) -> &'static str {
        match self.0 {
            Kind::V1(_) => "1",
            Kind::V2c(_) => "2c",
            Kind::V3(_) => "3",
        }
    }

    pub(super) const fn community(&self) -> Option<&Secret> {
        match &self.0 {
            Kind::V1(community) | Kind::V2c(community) => Some(community),
            Kind::V3(_) => None,
        }
    }

    /// Whether it needs a secret that everybody on the way could read.
    pub(super) fn is_secret_in_clear(&self) -> bool {
        let community = self.community();
        community.is_some_and(|it| it.expose() != Self::PUBLIC.as_bytes())
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let is_good =
            |community: &Secret| (1..=Self::COMMUNITY).contains(&community.expose().len());
        match self.community() {
            Some(community) if !is_good(community) => Err(ConfigError::Community),
            _ => Ok(()),
        }
    }
}

/// A user of version 3 (RFC 3414). Its passwords never leave this machine, and are made keys at once.
#[derive(Clone, Debug)]
pub struct SnmpUser {
    name: String,
    auth: Option<(SnmpAuth, Secret)>,
    privacy: Option<Secret>,
}

impl SnmpUser {
    /// No name is longer (RFC 3414 section 2.4).
    pub const NAME: usize = 32;
    /// No password is shorter (RFC 3414 section 11.2).
    pub const PASSWORD: usize = 8;

    /// A user that proves nothing.
    ///
    /// # Errors
    /// The name is empty or longer than [`SnmpUser::NAME`].
    pub fn new(name: impl Into<String>) -> Result<Self, ConfigError> {
        let name = name.into();
        if !(1..=Self::NAME).contains(&name.len()) {
            return Err(ConfigError::SnmpUser(name));
        }
        Ok(Self {
            name,
            auth: None,
            privacy: None,
        })
    }

    /// It proves who it is, by this password.
    ///
    /// # Errors
    /// The password is shorter than [`SnmpUser::PASSWORD`].
    pub fn with_auth(
        mut self,
        auth: SnmpAuth,
        password: impl Into<Secret>,
    ) -> Result<Self, ConfigError> {
        let key = auth.key(checked(&password.into())?.expose());
        self.auth = Some((auth, key));
        self.privacy = None;
        Ok(self)
    }

    /// What it says is encrypted, by this password. The proof comes first, since its hash makes this key as well.
    ///
    /// # Errors
    /// The password is shorter than [`SnmpUser::PASSWORD`], or the user proves nothing.
    pub fn with_privacy(
        mut self,
        privacy: SnmpPrivacy,
        password: impl Into<Secret>,
    ) -> Result<Self, ConfigError> {
        let SnmpPrivacy::Aes128 = privacy;
        let (auth, _) = self.auth.as_ref().ok_or(ConfigError::PrivacyAlone)?;
        self.privacy = Some(auth.key(checked(&password.into())?.expose()));
        Ok(self)
    }

    /// How well it is guarded: `noAuthNoPriv`, `authNoPriv` or `authPriv`.
    pub const fn level(&self) -> &'static str {
        match (&self.auth, &self.privacy) {
            (None, _) => "noAuthNoPriv",
            (Some(_), None) => "authNoPriv",
            (Some(_), Some(_)) => "authPriv",
        }
    }

    pub(super) const fn name(&self) -> &[u8] {
        self.name.as_bytes()
    }

    /// The keys for one agent: that of the proof, and that of the encryption.
    pub(super) fn keys(&self, engine: &[u8]) -> Option<(SnmpAuth, Secret, Option<Secret>)> {
        let (auth, key) = self.auth.as_ref()?;
        let privacy = self.privacy.as_ref();
        let privacy = privacy.map(|key| auth.localised(key, engine));
        Some((*auth, auth.localised(key, engine), privacy))
    }
}

fn checked(password: &Secret) -> Result<&Secret, ConfigError> {
    match password.expose().len() {
        0..SnmpUser::PASSWORD => Err(ConfigError::SnmpPassword),
        _ => Ok(password),
    }
}
