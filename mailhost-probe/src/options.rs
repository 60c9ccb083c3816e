//! What may be asked. The builder checks everything, so a probe that was built can only find faults of others.

#[cfg(feature = "command")]
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use probe_core::Thresholds;

use crate::growth::Sample;
use crate::probe::QueueProbe;
use crate::reach::ReachOptions;
#[cfg(feature = "command")]
use crate::sources::Format;

/// Where the list of a queue comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Source {
    /// What a program writes; it is started without a shell. Whatever it says instead of a list is the failure.
    #[cfg(feature = "command")]
    Command {
        /// The program: a path, or a name that is looked for in `PATH`.
        program: OsString,
        /// Its arguments.
        arguments: Vec<OsString>,
        /// How it writes the list.
        format: Format,
    },
    /// Postfix's socket `public/showq` below its queue directory. It wants the rights of the group `postdrop`.
    Showq(PathBuf),
}

impl Source {
    /// Where Postfix has its socket if nothing else is configured.
    pub const SHOWQ: &'static str = "/var/spool/postfix/public/showq";

    /// A program and its arguments.
    #[cfg(feature = "command")]
    pub fn command<A: Into<OsString>>(
        program: impl Into<OsString>,
        arguments: impl IntoIterator<Item = A>,
        format: Format,
    ) -> Self {
        Self::Command {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            format,
        }
    }

    fn is_nowhere(&self) -> bool {
        match self {
            #[cfg(feature = "command")]
            Self::Command { program, .. } => program.is_empty(),
            Self::Showq(path) => path.as_os_str().is_empty(),
        }
    }
}

/// Everything that can be asked of queues, and how it is judged; made by [`QueueProbe::builder`].
///
/// ```
/// use mailhost_probe::{QueueProbe, Source};
/// use probe_core::Thresholds;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let probe = QueueProbe::builder(Source::Showq(Source::SHOWQ.into()))
///     .messages(Thresholds::new(Some("500".parse()?), Some("2000".parse()?)))
///     .messages_in("hold", Thresholds::new(Some("0".parse()?), None))
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are built"]
pub struct Options {
    pub(crate) source: Source,
    pub(crate) messages: Thresholds,
    pub(crate) messages_in: Vec<(String, Thresholds)>,
    pub(crate) oldest: Thresholds,
    pub(crate) delayed: u64,
    pub(crate) before: Option<Sample>,
    pub(crate) horizon: Duration,
}

impl Options {
    /// So many recipients that wait for the same reason are a warning, unless another number is given.
    pub const DELAYED: u64 = 100;
    /// So far ahead a threshold is foretold, unless another time is given.
    pub const HORIZON: Duration = Duration::from_secs(4 * 3600);

    pub(crate) fn new(source: Source) -> Self {
        Self {
            source,
            messages: Thresholds::default(),
            messages_in: Vec::new(),
            oldest: Thresholds::default(),
            delayed: Self::DELAYED,
            before: None,
            horizon: Self::HORIZON,
        }
    }

    /// How many messages may wait in all queues together.
    pub fn messages(mut self, thresholds: Thresholds) -> Self {
        self.messages = thresholds;
        self
    }

    /// How many messages may wait in the queue of this name.
    pub fn messages_in(mut self, queue: impl Into<String>, thresholds: Thresholds) -> Self {
        self.messages_in.push((queue.into(), thresholds));
        self
    }

    /// How old, in seconds, the oldest message may be that is not held back on purpose.
    pub fn oldest(mut self, thresholds: Thresholds) -> Self {
        self.oldest = thresholds;
        self
    }

    /// So many recipients that wait for the same reason are a warning. Fewer are worth knowing.
    pub fn delayed(mut self, recipients: u64) -> Self {
        self.delayed = recipients;
        self
    }

    /// What was counted earlier: how fast queues grow, and when a threshold will be met.
    pub fn since(mut self, before: Sample) -> Self {
        self.before = Some(before);
        self
    }

    /// How far ahead a threshold is foretold.
    pub fn horizon(mut self, horizon: Duration) -> Self {
        self.horizon = horizon;
        self
    }

    /// The probe.
    ///
    /// # Errors
    /// Options that cannot be.
    pub fn build(self) -> Result<QueueProbe, ConfigError> {
        if self.source.is_nowhere() {
            return Err(ConfigError::NoSource);
        }
        if let Some((queue, _)) = self.messages_in.iter().find(|(queue, _)| queue.is_empty()) {
            return Err(ConfigError::NoQueue(queue.clone()));
        }
        Ok(QueueProbe::new(self))
    }
}

/// Why options cannot be built into a probe.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A community is empty or too long.
    #[cfg(feature = "snmp")]
    #[error("a community has 1 to 255 octets")]
    Community,
    /// What stands in credentials cannot be put into a header.
    #[error("the credentials cannot be shown to a web server: {0}")]
    Credentials(String),
    /// Two looks at counters are too far apart.
    #[error("{0:?} is too long to watch a machine")]
    Interval(Duration),
    /// Too many echoes, or too fast.
    #[error(
        "at most {} echoes are sent, and no faster than one in {:?}",
        ReachOptions::ECHOES,
        ReachOptions::FASTEST
    )]
    Echoes,
    /// Thresholds are for a counter that nobody knows.
    #[error("{0:?} is no counter")]
    NoCounter(String),
    /// The folder of the queue is not named in full.
    #[error("{} does not begin at the root", .0.display())]
    NoFolder(PathBuf),
    /// Thresholds are for a queue without a name.
    #[error("{0:?} is no name of a queue")]
    NoQueue(String),
    /// Neither a port nor an echo is to be tried.
    #[error("there is nothing to try")]
    Nothing,
    /// Too many ports.
    #[error("{0} ports are more than the {most} that are tried", most = ReachOptions::PORTS)]
    Ports(usize),
    /// A service without a name is looked for.
    #[error("a service to look for has a name")]
    NoService,
    /// There is nothing to read.
    #[error("neither a socket nor a program is named")]
    NoSource,
    /// A user of SNMP can encrypt only what it proves.
    #[cfg(feature = "snmp")]
    #[error("there is no encryption without authentication in SNMP")]
    PrivacyAlone,
    /// There are credentials that would go in clear, to an exporter or as a community of SNMP, and nobody allowed that.
    #[error("the credentials would have to go in clear, and that is not allowed")]
    SecretsInClear,
    /// A password is too short for SNMP.
    #[cfg(feature = "snmp")]
    #[error("a password for SNMP has at least 8 octets")]
    SnmpPassword,
    /// The name of a user is empty or too long for SNMP.
    #[cfg(feature = "snmp")]
    #[error("{0:?} is no name of a user of SNMP, which has 1 to 32 octets")]
    SnmpUser(String),
    /// A token has characters that no header may have.
    #[error("the token cannot be sent")]
    Token,
}
