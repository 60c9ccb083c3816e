//! What may be asked. The builder checks everything, so a probe that was built can only find faults of the mail system.

use std::time::Duration;

use probe_net::message::{AddressError, check_address};
use smtp_probe::Options as Submission;

use crate::canary::{Answers, Draft};
use crate::ledger::Patience;
use crate::probe::{DeliveryProbe, Retrieval};
use crate::recognise::Recogniser;
use crate::rules::Rules;
use crate::state::State;
use crate::token::{Form, Keys, Name, Size};

/// Everything that can be asked of a way that mail takes, and how; made by [`DeliveryProbe::builder`].
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are built"]
pub struct Options {
    pub(crate) prober: Name,
    pub(crate) route: Name,
    pub(crate) keys: Keys,
    pub(crate) submission: Submission,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) retrievals: Vec<Retrieval>,
    pub(crate) state: Option<State>,
    pub(crate) mode: Mode,
    pub(crate) size: Size,
    pub(crate) form: Form,
    pub(crate) echo: Option<String>,
    pub(crate) window: Duration,
    pub(crate) pace: Duration,
    pub(crate) patience: Patience,
    pub(crate) rules: Rules,
    pub(crate) servers: Vec<String>,
}

impl Options {
    pub(crate) fn new(prober: Name, keys: Keys, submission: Submission) -> Self {
        let route = prober.clone();
        Self {
            prober,
            route,
            keys,
            submission,
            from: String::new(),
            to: String::new(),
            retrievals: Vec::new(),
            state: None,
            mode: Mode::default(),
            size: Size::default(),
            form: Form::default(),
            echo: None,
            window: Duration::from_secs(24 * 60 * 60),
            pace: Duration::from_secs(2),
            patience: Patience::default(),
            rules: Rules::default(),
            servers: Vec::new(),
        }
    }

    /// The name of the way, where the prober watches several. Without it, the prober's.
    pub fn route(mut self, route: Name) -> Self {
        self.route = route;
        self
    }

    /// Who sends, also in the envelope: reports on canaries that get lost come here.
    pub fn from(mut self, address: impl Into<String>) -> Self {
        self.from = address.into();
        self
    }

    /// To whom.
    pub fn to(mut self, address: impl Into<String>) -> Self {
        self.to = address.into();
        self
    }

    /// Looks for canaries here. With several, whichever shows one first counts; those of the sender's mailbox show reports.
    pub fn retrieval(mut self, retrieval: Retrieval) -> Self {
        self.retrievals.push(retrieval);
        self
    }

    /// Keeps what was sent and has not arrived from one run to the next.
    pub fn state(mut self, state: State) -> Self {
        self.state = Some(state);
        self
    }

    /// Whether to wait for what was just sent.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// How large the canary is.
    pub fn size(mut self, size: Size) -> Self {
        self.size = size;
        self
    }

    /// What the canary is made of.
    pub fn form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    /// The recipient is an auto-responder outside, and its answer from this address is the way back. The canary does not say
    /// that a program sent it, since no program would answer that (RFC 3834 section 2).
    pub fn echo(mut self, address: impl Into<String>) -> Self {
        self.echo = Some(address.into());
        self
    }

    /// For how long a canary counts. What is older was left behind and is removed.
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// How long to wait between two looks at first; the longer it takes, the longer the pauses become.
    pub fn pace(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }

    /// When a canary is late, and when lost.
    pub fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// From when on a delivery deserves a word.
    pub fn rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    /// The servers whose word on SPF, DKIM and DMARC counts (RFC 8601 section 2.5); without any, the one that delivered.
    pub fn servers(mut self, names: &[String]) -> Self {
        self.servers = names.to_vec();
        self
    }

    /// The probe.
    ///
    /// # Errors
    /// Options that lack something, or contradict each other.
    pub fn build(self) -> Result<DeliveryProbe, ConfigError> {
        check_address(&self.from).map_err(ConfigError::From)?;
        check_address(&self.to).map_err(ConfigError::To)?;
        if let Some(echo) = &self.echo {
            check_address(echo).map_err(ConfigError::Echo)?;
        }
        if self.retrievals.is_empty() {
            return Err(ConfigError::NoRetrieval);
        }
        if self.mode == Mode::Later && self.state.is_none() {
            return Err(ConfigError::NoState);
        }
        // Whoever runs this must not find a mistake only when there is a canary to send.
        self.submission
            .clone()
            .build()
            .map_err(|error| ConfigError::Submission(error.to_string()))?;
        Ok(DeliveryProbe::new(self))
    }

    pub(crate) fn recogniser(&self) -> Recogniser {
        let recogniser = Recogniser::new(self.keys.clone(), &self.prober).within(self.window);
        match &self.echo {
            Some(address) => recogniser.with_echo(address),
            None => recogniser,
        }
    }

    pub(crate) fn draft(&self) -> Draft {
        let (prober, route) = (self.prober.clone(), self.route.clone());
        let mut draft = Draft::new(prober, route, self.from.clone(), self.to.clone());
        draft.size = self.size;
        draft.form = self.form;
        draft.answers = match self.echo {
            Some(_) => Answers::Wanted,
            None => Answers::Suppressed,
        };
        draft
    }
}

/// Whether to wait for what was sent.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Mode {
    /// What was sent by the runs before is looked for and judged, then the next one is sent: no run takes long.
    Later,
    /// Sends, and waits until it arrives or the time is over.
    #[default]
    Wait,
}

/// Why options cannot be built into a probe.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The address of the auto-responder is none.
    #[error("the address that answers {0}")]
    Echo(AddressError),
    /// The sender's address is none.
    #[error("the sender's address {0}")]
    From(AddressError),
    /// Nobody looks for what is sent.
    #[error("there is no mailbox to look for canaries in")]
    NoRetrieval,
    /// What one run sends, the next one has to know.
    #[error("to judge at the next run, a file is needed that keeps what was sent")]
    NoState,
    /// The submission cannot be.
    #[error("the submission: {0}")]
    Submission(String),
    /// The recipient's address is none.
    #[error("the recipient's address {0}")]
    To(AddressError),
}
