//! A visit to an inbox: the ladder climbed, with one thing done after the other, for whoever composes them into something of
//! his own.

use core::time::Duration;
use std::collections::BTreeMap;
use std::time::SystemTime;

use probe_core::{Context, Failure, FailureKind, Phase, Probe, Report, Target};
use probe_net::http::Client;
use probe_net::{Log, Seen};

use super::EasProbe;
use crate::command::{Command, Verb};
use crate::dialogue::{Answer, EasDialogue, Mail};
use crate::facts::EasFacts;
use crate::findings::judge;

impl EasProbe {
    /// Climbs the ladder, and stays.
    ///
    /// # Errors
    /// The report of a visit that ended before it began.
    pub async fn visit(
        &self,
        target: &Target,
        cx: &Context,
    ) -> Result<Visit, Box<Report<EasFacts>>> {
        let log = Log::begin(&self.patient(cx));
        let dialogue = match target {
            Target::Host { host, port } => self.dialogue(host, *port),
            _ => None,
        };
        let Some(dialogue) = dialogue else {
            let mut report =
                Report::new(self.name(), target.clone(), cx.now(), EasFacts::default());
            report.failure = Some(Failure::unfit_target(target));
            return Err(Box::new(report));
        };
        let mut visit = Visit {
            client: self.client(&dialogue, None),
            probe: self.clone(),
            target: target.clone(),
            started_at: cx.now(),
            dialogue,
            log,
            folder: String::new(),
            key: String::new(),
            keys: BTreeMap::new(),
            is_over: false,
        };
        match visit.begin(target).await {
            Ok(()) => Ok(visit),
            Err(failure) => Err(Box::new(visit.leave(Some(failure)))),
        }
    }
}

/// A session with the server, whose inbox is synced.
#[derive(Debug)]
pub struct Visit {
    probe: EasProbe,
    target: Target,
    started_at: SystemTime,
    dialogue: EasDialogue,
    client: Client,
    log: Log,
    /// The folder that is open.
    folder: String,
    key: String,
    /// The keys of the others that were open before.
    keys: BTreeMap<String, String>,
    is_over: bool,
}

/// A folder that a visit can open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Place {
    /// Where servers put what is deleted; some do so although they are asked to delete it for good.
    Deleted,
    /// Where new mail comes.
    Inbox,
}

impl Visit {
    /// So many items are asked for at a time.
    const ITEMS: u16 = 100;
    /// So often, before the rest is left for later.
    const ROUNDS: usize = 10;

    async fn begin(&mut self, target: &Target) -> Result<(), Failure> {
        let Target::Host { host, .. } = target else {
            return Err(Failure::unfit_target(target));
        };
        if let Some(addresses) = self.probe.addresses(host, None, &mut self.log).await? {
            self.client = self.probe.client(&self.dialogue, Some(addresses));
        }
        let (dialogue, client, log) = (&mut self.dialogue, &mut self.client, &mut self.log);
        self.probe.converse(dialogue, client, log).await?;
        match self.open(Place::Inbox).await? {
            true => Ok(()),
            false => {
                let detail = "no folder is the one for new mail";
                let phase = Verb::FolderSync.phase();
                Err(Failure::new(phase, FailureKind::Local, detail))
            }
        }
    }

    /// Opens a folder; whether there is one. A visit begins in the inbox.
    ///
    /// # Errors
    /// What kept it from being opened.
    pub async fn open(&mut self, place: Place) -> Result<bool, Failure> {
        let folders = self.dialogue.facts().folders.as_ref();
        let folder = folders.and_then(|folders| match place {
            Place::Deleted => folders.deleted.as_ref(),
            Place::Inbox => folders.inbox.as_ref(),
        });
        let Some(folder) = folder.map(|folder| folder.id.clone()) else {
            return Ok(false);
        };
        if folder == self.folder {
            return Ok(true);
        }
        let before = core::mem::replace(&mut self.folder, folder.clone());
        let key = core::mem::take(&mut self.key);
        self.keys.insert(before, key);
        match self.keys.remove(&folder) {
            Some(key) => self.key = key,
            None => {
                self.ask(Command::Prime { folder }).await?;
            }
        }
        Ok(true)
    }

    async fn ask(&mut self, command: Command) -> Result<Answer, Failure> {
        if self.is_over {
            let detail = "the visit is over";
            return Err(Failure::new(Phase::QUIT, FailureKind::Local, detail));
        }
        let step = self.dialogue.ask_for(command);
        let (dialogue, client, log) = (&mut self.dialogue, &mut self.client, &mut self.log);
        let outcome = self.probe.go_on(step, dialogue, client, log).await;
        // Whether the server has done it is not clear, nor which key holds.
        self.is_over |= outcome.is_err();
        outcome?;
        let answer = self.dialogue.take_answer().unwrap_or_default();
        if let Some(key) = &answer.key {
            self.key.clone_from(key);
        }
        Ok(answer)
    }

    /// Whether more can be asked: any failure ends the visit.
    pub fn is_ready(&self) -> bool {
        !self.is_over
    }

    /// What has come into the open folder since it was last asked, of the last day: who sent it, and its subject.
    ///
    /// # Errors
    /// What kept it from being told.
    pub async fn news(&mut self) -> Result<Vec<Mail>, Failure> {
        let mut all = Vec::new();
        for _ in 0..Self::ROUNDS {
            let answer = self
                .ask(Command::Items {
                    folder: self.folder.clone(),
                    key: self.key.clone(),
                    most: Self::ITEMS,
                })
                .await?;
            all.extend(answer.items);
            if !answer.has_more {
                break;
            }
        }
        Ok(all)
    }

    /// An item of the open folder as it was sent, and no more than so many octets of it; `None` if the server does not show it.
    ///
    /// # Errors
    /// What kept it from being shown.
    pub async fn message(&mut self, item: &str, octets: u32) -> Result<Option<Vec<u8>>, Failure> {
        let answer = self
            .ask(Command::Fetch {
                folder: self.folder.clone(),
                key: self.key.clone(),
                item: item.to_owned(),
                octets,
            })
            .await?;
        let mut items = answer.items.into_iter();
        Ok(items
            .find(|mail| mail.id == item)
            .and_then(|mail| mail.message))
    }

    /// Deletes an item of the open folder for good.
    ///
    /// # Errors
    /// What kept it from being deleted.
    pub async fn delete(&mut self, item: &str) -> Result<(), Failure> {
        self.ask(Command::Delete {
            folder: self.folder.clone(),
            key: self.key.clone(),
            item: item.to_owned(),
        })
        .await
        .map(|_| ())
    }

    /// Waits by Ping until something changes in the open folder, and for no longer than this. `None` where the server waits for
    /// other lengths of time only, and has not waited.
    ///
    /// # Errors
    /// What ended the wait.
    pub async fn wait(&mut self, at_most: Duration) -> Result<Option<bool>, Failure> {
        let answer = self
            .ask(Command::Ping {
                folder: self.folder.clone(),
                heartbeat: at_most.max(Duration::from_secs(1)),
            })
            .await?;
        // \[MS-ASCMD\] section 2.2.3.177.11: the time is over, something has changed.
        Ok(match answer.status {
            Some(1) => Some(false),
            Some(2) => Some(true),
            _ => None,
        })
    }

    /// Ends the visit; with the failure that ended it, if one did.
    pub fn leave(self, failure: Option<Failure>) -> Report<EasFacts> {
        let mut facts = self.dialogue.into_facts();
        facts.address = self.client.server();
        facts.tls = self.client.tls_facts().cloned();
        let seen = Seen::new(self.log.spans(), self.log.now());
        let findings = judge(&facts, &seen, &self.probe.options);
        let port = self.probe.options.default_port();
        let target = self.target.or_port(port);
        let mut report = Report::new(self.probe.name(), target, self.started_at, facts);
        report.failure = failure;
        for finding in findings {
            report.add_finding(finding);
        }
        self.log.close(&mut report);
        report
    }
}
