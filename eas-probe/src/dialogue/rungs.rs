//! What each rung of the ladder makes of its replies, from the lowest to the highest.

use core::time::Duration;
use std::collections::VecDeque;

use probe_core::{Failure, FailureKind};

use super::{EasDialogue, Next, State, Step};
use crate::command::{Command, Directory, Verb};
use crate::facts::{Anonymous, FolderFacts, Health, InboxFacts, PingFacts};
use crate::findings::{NO_INBOX, NOT_HERE, NOT_PRIMED, VERSION_REFUSED};
use crate::options::Rung;
use crate::reply::{self, Folder, Folders, Reply, Synced};
use crate::status::Meaning;

/// A server that knows OPTIONS, and nothing of ActiveSync.
static SOMETHING_ELSE: Meaning = Meaning::new(
    200,
    "OK",
    "nothing in the answer speaks of ActiveSync",
    FailureKind::Unsupported,
    &NOT_HERE,
);
static NO_COMMON_VERSION: Meaning = Meaning::new(
    200,
    "OK",
    "none of the versions that the server has is one that the probe was to speak",
    FailureKind::Unsupported,
    &VERSION_REFUSED,
);
static WITHOUT_KEY: Meaning = Meaning::new(
    200,
    "OK",
    "it has no key for the next Sync",
    FailureKind::Protocol,
    &NOT_PRIMED,
);
static WITHOUT_INBOX: Meaning = Meaning::new(
    200,
    "OK",
    "no folder is the one for new mail",
    FailureKind::Permanent,
    &NO_INBOX,
);

impl EasDialogue {
    pub(super) fn begin(&mut self) -> Step {
        match self.options.health || self.options.rung() == Rung::Health {
            true => {
                let mut all = VecDeque::from(Directory::ALL);
                all.pop_front();
                self.state = State::ExpectHealth(Directory::ActiveSync, all);
                Step::Ask(Command::Health(Directory::ActiveSync))
            }
            false => self.ask(Command::Anonymous),
        }
    }

    /// A page of health. Where the first of them is none, the server is not Exchange, and has no others; unless all of them are
    /// what is asked for.
    pub(super) fn health_told(
        &mut self,
        directory: Directory,
        mut rest: VecDeque<Directory>,
        reply: &Reply,
    ) -> Next {
        let (is_well, server) = reply::health(reply);
        let is_first = self.facts.health.is_empty();
        let is_all = self.options.rung() == Rung::Health;
        if is_first && !is_well && !is_all {
            return Ok(self.ask(Command::Anonymous));
        }
        self.facts.health.push(Health {
            directory,
            is_well,
            status: reply.status,
            server,
        });
        match rest.pop_front() {
            Some(next) => {
                self.state = State::ExpectHealth(next, rest);
                Ok(Step::Ask(Command::Health(next)))
            }
            None if is_all => self.swept(),
            None => Ok(self.ask(Command::Anonymous)),
        }
    }

    /// All pages of health were asked for, and nothing else is.
    fn swept(&self) -> Next {
        let health = &self.facts.health;
        if health.iter().any(|one| one.is_well) {
            return Ok(Step::Done);
        }
        let (kind, detail) = match health.iter().all(Health::is_withheld) {
            // The server is there; how it is was not to be seen.
            true => (
                FailureKind::Local,
                "the pages of health are not shown to strangers",
            ),
            false => (
                FailureKind::Unsupported,
                "no virtual directory says that it is well",
            ),
        };
        Err(Failure::new(Command::HEALTH, kind, detail))
    }

    /// What the server says to whoever does not say who asks. That it refuses is what it should do.
    pub(super) fn anonymous_told(&mut self, command: &Command, reply: &Reply) -> Next {
        if *command == Command::Bearer {
            self.bearer_told(reply);
            return Ok(match self.options.rung() {
                Rung::Anonymous => Step::Done,
                _ => self.ask(Command::Options),
            });
        }
        let words = &reply.words;
        self.facts.anonymous = Some(Anonymous {
            status: reply.status,
            challenges: words.challenges.clone(),
            authorization_uri: None,
        });
        if self.facts.server.server.is_none() {
            self.facts.server.server.clone_from(&words.server);
        }
        let is_refused = matches!(reply.status, 401 | 403);
        match reply.status == 200 || is_refused {
            true => Ok(self.ask(Command::Bearer)),
            false => Err(self.refused(Verb::Options, reply)),
        }
    }

    /// Whoever takes tokens says where they are to be had; nobody else's answer matters.
    fn bearer_told(&mut self, reply: &Reply) {
        let mut challenges = reply.words.challenges.iter();
        let bearer = challenges.find(|challenge| challenge.is("bearer"));
        let uri = bearer.and_then(|bearer| bearer.parameter("authorization_uri"));
        if let (Some(anonymous), Some(uri)) = (&mut self.facts.anonymous, uri) {
            anonymous.authorization_uri = Some(uri.chars().take(Reply::TEXT).collect());
        }
    }

    /// A command of the protocol has succeeded: which comes next.
    pub(super) fn climb(&mut self, command: Command, reply: &Reply) -> Next {
        match command {
            Command::Options => self.options_told(reply),
            Command::User => self.user_told(reply),
            Command::Folders => self.folders_told(reply),
            Command::Prime { folder } => self.primed(folder, reply),
            Command::Items { folder, key, .. } => self.items_told(folder, key, reply),
            Command::Estimate { folder, .. } => self.estimate_told(folder, reply),
            Command::Ping { .. } => self.ping_told(reply),
            Command::Acknowledge { .. }
            | Command::Anonymous
            | Command::Bearer
            | Command::Delete { .. }
            | Command::Fetch { .. }
            | Command::Health(_)
            | Command::Provision => Ok(Step::Done),
        }
    }

    fn options_told(&mut self, reply: &Reply) -> Next {
        if !reply.words.are_of_activesync() {
            return Err(self.stopped(Verb::Options, &SOMETHING_ELSE, reply));
        }
        let Some(version) = reply.words.best_version(&self.options.versions) else {
            return Err(self.stopped(Verb::Options, &NO_COMMON_VERSION, reply));
        };
        self.session.version = version;
        self.facts.version = Some(version);
        let has_settings = reply.words.commands.iter().any(|name| name == "Settings");
        Ok(match (self.options.rung(), has_settings) {
            (Rung::Anonymous | Rung::Options, _) => Step::Done,
            (_, true) => self.ask(Command::User),
            (_, false) => self.ask(Command::Folders),
        })
    }

    fn user_told(&mut self, reply: &Reply) -> Next {
        if let Some(document) = reply.document() {
            let (status, addresses) = reply::addresses(document);
            self.facts.addresses = addresses;
            if let Some(status) = status.filter(|status| *status > 100) {
                self.check_status(Verb::Settings, status, reply)?;
            }
        }
        Ok(self.ask(Command::Folders))
    }

    fn folders_told(&mut self, reply: &Reply) -> Next {
        let told = reply.document().map(Folders::of).unwrap_or_default();
        let of = |kind| told.folders.iter().find(move |one| one.kind == kind);
        let inbox = of(Folder::INBOX);
        self.facts.folders = Some(FolderFacts {
            count: u64::try_from(told.folders.len()).unwrap_or(u64::MAX),
            inbox: inbox.cloned(),
            deleted: of(Folder::DELETED).cloned(),
        });
        match (self.options.rung(), inbox, self.is_provisioned) {
            (_, None, _) => Err(self.stopped(Verb::FolderSync, &WITHOUT_INBOX, reply)),
            (rung, _, _) if rung <= Rung::Folders => Ok(Step::Done),
            (_, _, true) => Ok(self.prime()),
            (_, _, false) => Ok(self.provision(None)),
        }
    }

    pub(super) fn prime(&mut self) -> Step {
        match self.inbox() {
            Some(folder) => self.ask(Command::Prime { folder }),
            None => Step::Done,
        }
    }

    fn inbox(&self) -> Option<String> {
        let folders = self.facts.folders.as_ref()?;
        folders.inbox.as_ref().map(|inbox| inbox.id.clone())
    }

    fn primed(&mut self, folder: String, reply: &Reply) -> Next {
        let told = self.synced(reply)?;
        self.facts.inbox = Some(InboxFacts::default());
        match told.key.filter(|key| !key.is_empty() && key != "0") {
            Some(key) => {
                let most = self.options.items;
                Ok(self.ask(Command::Items { folder, key, most }))
            }
            None => Err(self.stopped(Verb::Sync, &WITHOUT_KEY, reply)),
        }
    }

    /// An empty answer says that nothing is new (\[MS-ASCMD\] section 2.2.1.21).
    fn items_told(&mut self, folder: String, key: String, reply: &Reply) -> Next {
        let told = self.synced(reply)?;
        let inbox = self.facts.inbox.get_or_insert_with(InboxFacts::default);
        inbox.items = told.items;
        inbox.has_more = told.has_more;
        let key = told.key.unwrap_or(key);
        Ok(self.ask(Command::Estimate { folder, key }))
    }

    pub(super) fn synced(&mut self, reply: &Reply) -> Result<Synced, Failure> {
        let told = reply.document().map(Synced::of).unwrap_or_default();
        if let Some(status) = told.status {
            self.check_status(Verb::Sync, status, reply)?;
        }
        Ok(told)
    }

    fn estimate_told(&mut self, folder: String, reply: &Reply) -> Next {
        if let Some(document) = reply.document() {
            let (status, estimate) = reply::estimate(document);
            if let Some(status) = status {
                self.check_status(Verb::GetItemEstimate, status, reply)?;
            }
            let inbox = self.facts.inbox.get_or_insert_with(InboxFacts::default);
            inbox.estimate = estimate;
        }
        let heartbeat = self.options.heartbeat;
        Ok(match self.options.rung() {
            Rung::Ping => self.ask(Command::Ping { folder, heartbeat }),
            _ => Step::Done,
        })
    }

    /// Whoever names a limit has understood the question, and is well.
    fn ping_told(&mut self, reply: &Reply) -> Next {
        let limit = reply.document().and_then(reply::heartbeat);
        self.facts.ping = Some(PingFacts {
            status: reply.body_status().unwrap_or_default(),
            limit: limit.map(Duration::from_secs),
        });
        Ok(Step::Done)
    }
}
