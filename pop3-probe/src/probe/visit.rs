//! A visit to a maildrop: logged in, with one thing done after the other, for whoever composes them into something of his
//! own.

use probe_core::{Context, Failure, FailureKind, Phase, Report, Target};
use probe_net::{Stay, drive, resume, stay};

use super::Pop3Probe;
use crate::dialogue::{Errand, Pop3Dialogue};
use crate::facts::Pop3Facts;
use crate::reply::{Listing, Pop3Codec, Reply, UniqueIds};

impl Pop3Probe {
    /// Logs in and stays. Of the options, those of the connection and the login count.
    ///
    /// # Errors
    /// The report of a visit that ended before it began.
    pub async fn visit(
        &self,
        target: &Target,
        cx: &Context,
    ) -> Result<Visit, Box<Report<Pop3Facts>>> {
        let stay = stay(self, target, cx).await?;
        let mut visit = Visit {
            probe: self.clone(),
            dialogue: Pop3Dialogue::at_service(self.options.clone(), stay.security),
            codec: Pop3Codec::default(),
            stay,
        };
        match visit.log_in().await {
            Ok(()) => Ok(visit),
            Err(failure) => Err(Box::new(visit.into_report(Some(failure)))),
        }
    }
}

/// A session that has logged in. It has the maildrop for itself: nobody else can log in until it ends, and mail that comes
/// meanwhile is seen only by the next.
///
/// Where the server refuses something, that is a failure, and the visit [goes on](Visit::is_ready).
#[derive(Debug)]
pub struct Visit {
    probe: Pop3Probe,
    stay: Stay,
    dialogue: Pop3Dialogue,
    codec: Pop3Codec,
}

impl Visit {
    async fn log_in(&mut self) -> Result<(), Failure> {
        self.go_on(true).await?;
        match self.dialogue.is_ready() {
            true => Ok(()),
            false => {
                let detail = "there is nobody to log in as";
                Err(Failure::new(Phase::AUTH, FailureKind::Local, detail))
            }
        }
    }

    async fn go_on(&mut self, is_first: bool) -> Result<(), Failure> {
        let Some(wire) = &mut self.stay.wire else {
            let detail = "there is no connection";
            return Err(Failure::new(Phase::CONNECT, FailureKind::Local, detail));
        };
        let (dialogue, codec, log) = (&mut self.dialogue, &mut self.codec, &mut self.stay.log);
        match is_first {
            true => drive(dialogue, codec, wire, log).await,
            false => resume(dialogue, codec, wire, log).await,
        }
    }

    async fn ask(&mut self, errand: Errand) -> Result<Reply, Failure> {
        if self.is_ready() {
            self.dialogue.ask_for(errand);
            self.go_on(false).await?;
        }
        let over = || Failure::new(Phase::QUIT, FailureKind::Local, "the visit is over");
        self.dialogue.take_answer().unwrap_or_else(|| Err(over()))
    }

    /// Whether more can be asked: a failure may have ended the visit.
    pub fn is_ready(&self) -> bool {
        self.dialogue.is_ready()
    }

    /// What was learned so far.
    pub fn facts(&self) -> &Pop3Facts {
        self.dialogue.facts()
    }

    /// The size of every message.
    ///
    /// # Errors
    /// What kept them from being told.
    pub async fn list(&mut self) -> Result<Listing, Failure> {
        self.ask(Errand::List).await.map(Listing::from)
    }

    /// The unique id of every message.
    ///
    /// # Errors
    /// What kept them from being told: it is no command that every server knows.
    pub async fn unique_ids(&mut self) -> Result<UniqueIds, Failure> {
        self.ask(Errand::UniqueIds).await.map(UniqueIds::from)
    }

    /// The header section of a message.
    ///
    /// # Errors
    /// What kept it from being told: it is no command that every server knows.
    pub async fn header(&mut self, message: u32) -> Result<Vec<u8>, Failure> {
        self.ask(Errand::Header(message))
            .await
            .map(|reply| reply.message())
    }

    /// A message. One of more than a million octets ends the visit: [`Visit::list`] tells how large it is.
    ///
    /// # Errors
    /// What kept it from being read.
    pub async fn read(&mut self, message: u32) -> Result<Vec<u8>, Failure> {
        self.ask(Errand::Read(message))
            .await
            .map(|reply| reply.message())
    }

    /// Marks a message as deleted: [leaving](Visit::leave) deletes it. Only one that was [read](Visit::read) in this
    /// visit can be marked.
    ///
    /// # Errors
    /// What kept it from being marked.
    pub async fn delete(&mut self, message: u32) -> Result<(), Failure> {
        self.ask(Errand::Delete(message)).await.map(|_| ())
    }

    /// Says farewell, which deletes what was marked; with the failure that ended the visit, if one did. Dropping the visit
    /// instead deletes nothing.
    pub async fn leave(mut self, failure: Option<Failure>) -> Report<Pop3Facts> {
        let mut failure = failure;
        if self.is_ready() {
            failure = failure.or(self.go_on(false).await.err());
        }
        self.into_report(failure)
    }

    fn into_report(self, failure: Option<Failure>) -> Report<Pop3Facts> {
        let facts = self.dialogue.into_facts();
        self.stay.report(&self.probe, facts, failure)
    }
}
