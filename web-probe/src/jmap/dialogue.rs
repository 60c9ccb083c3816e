//! The machine: which question comes next, and whether it may be asked where the server says. No I/O: it is told what
//! came. Everything that it asks may carry the credentials, so it asks nothing of a host that is not trusted.

use std::sync::Arc;

use probe_core::{Failure, FailureKind, Phase};
use probe_net::http::{Scheme, Url};
use serde_json::Value;

use super::command::{self, MAIL};
use super::facts::{Detour, JmapFacts};
use super::options::Options;
use super::reply::{self, Session};
use crate::facts::{Hop, schemes};

use crate::page::Page;
use crate::reply::shortened;

/// Goes from the address where a session must be to the calls that it allows.
#[derive(Debug)]
pub struct JmapDialogue {
    options: Arc<Options>,
    first: Url,
    state: State,
    facts: JmapFacts,
}

/// What is awaited.
#[derive(Debug)]
enum State {
    Session,
    Echo,
    Mailboxes,
}

/// One question.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Question {
    /// Whom.
    pub url: Url,
    /// The calls to post; without them the session is asked for.
    pub call: Option<Value>,
}

/// What to do next.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "whoever leads must do all of it")]
pub enum Next {
    /// Ask this.
    Ask(Question),
    /// Nothing.
    Done,
}

impl JmapDialogue {
    /// So often we let ourselves be sent on.
    pub const HOPS: usize = 5;

    /// A dialogue that begins at this address.
    pub fn new(options: Arc<Options>, first: Url) -> Self {
        let facts = JmapFacts {
            is_somebody: options.credentials.is_some(),
            ..JmapFacts::default()
        };
        Self {
            options,
            first,
            state: State::Session,
            facts,
        }
    }

    /// The first question.
    pub fn begin(&self) -> Next {
        Next::Ask(Question {
            url: self.first.clone(),
            call: None,
        })
    }

    /// Hears what came of the last question.
    ///
    /// # Errors
    /// The server does not let us in.
    pub fn hear(&mut self, page: &Page) -> Result<Next, Failure> {
        self.facts.status = Some(page.status);
        self.facts.retry_after = page.retry_after;
        if !page.challenges.is_empty() {
            self.facts.challenges.clone_from(&page.challenges);
        }
        if page.status == 401 && self.facts.is_somebody {
            return Err(self.refused(page));
        }
        match self.state {
            State::Session => Ok(self.hear_session(page)),
            State::Echo => Ok(self.hear_echo(page)),
            State::Mailboxes => {
                let answer = answer(page, "Mailbox/get");
                let mailboxes = answer.and_then(|arguments| reply::mailboxes(&arguments));
                self.facts.mailboxes = Some(mailboxes);
                Ok(Next::Done)
            }
        }
    }

    /// What was learned so far.
    pub const fn facts(&self) -> &JmapFacts {
        &self.facts
    }

    /// What was learned.
    pub fn into_facts(self) -> JmapFacts {
        self.facts
    }

    fn refused(&self, page: &Page) -> Failure {
        let offers = schemes(&page.challenges).join(", ");
        let detail = match offers.as_str() {
            "" => "the server refuses the credentials (status 401)".to_owned(),
            offers => {
                format!("the server refuses the credentials (status 401), and wants {offers}")
            }
        };
        let failure = Failure::new(Phase::AUTH, FailureKind::Credentials, detail);
        failure.with_reply(shortened(&page.text()))
    }

    fn hear_session(&mut self, page: &Page) -> Next {
        if let Some(reference) = page.redirect() {
            return match self.follow(page, reference) {
                Ok(url) => {
                    self.facts.hops.push(Hop {
                        from: page.url.clone(),
                        status: page.status,
                    });
                    Next::Ask(Question { url, call: None })
                }
                Err(detour) => self.stop(detour),
            };
        }
        if page.status != 200 {
            return Next::Done;
        }
        let session = Session::parse(&page.body);
        let api = session.as_ref().ok().map(|session| self.api(page, session));
        self.facts.session = Some(session);
        match api {
            Some(Ok(url)) => {
                self.facts.api = Some(url.clone());
                // A stranger has nothing to call.
                if !self.facts.is_somebody {
                    return Next::Done;
                }
                self.state = State::Echo;
                let call = Some(command::echo());
                Next::Ask(Question { url, call })
            }
            Some(Err(detour)) => self.stop(detour),
            None => Next::Done,
        }
    }

    fn hear_echo(&mut self, page: &Page) -> Next {
        let echo =
            answer(page, "Core/echo").and_then(|brought| match brought == command::greeting() {
                true => Ok(()),
                false => Err("it brings back something else".to_owned()),
            });
        let is_well = echo.is_ok();
        self.facts.echo = Some(echo);
        let session = self.facts.session();
        let account = session.and_then(|session| session.primary_account(MAIL));
        let account = account.filter(|_| is_well && self.options.mailboxes);
        match (account, self.facts.api.clone()) {
            (Some(account), Some(url)) => {
                let call = Some(command::mailboxes(account));
                self.state = State::Mailboxes;
                Next::Ask(Question { url, call })
            }
            _ => Next::Done,
        }
    }

    fn stop(&mut self, detour: Detour) -> Next {
        self.facts.detour = Some(detour);
        Next::Done
    }

    fn follow(&self, page: &Page, reference: &str) -> Result<Url, Detour> {
        let nowhere = |_| Detour::SessionNowhere(shortened(reference));
        let url = page.url.join(reference).map_err(nowhere)?;
        if !self.is_trusted(&url) {
            return Err(Detour::SessionElsewhere(url));
        }
        if !self.is_safe(&url) {
            return Err(Detour::SessionInClear(url));
        }
        match self.facts.hops.len() < Self::HOPS {
            true => Ok(url),
            false => Err(Detour::Endless(url)),
        }
    }

    /// Where the session's calls go; some servers leave out the host (Cyrus IMAP says `/jmap/`).
    fn api(&self, page: &Page, session: &Session) -> Result<Url, Detour> {
        let Some(reference) = &session.api_url else {
            return Err(Detour::ApiNowhere("apiUrl is missing".to_owned()));
        };
        let nowhere = |_| Detour::ApiNowhere(shortened(reference));
        let url = page.url.join(reference).map_err(nowhere)?;
        if !self.is_trusted(&url) {
            return Err(Detour::ApiElsewhere(url));
        }
        match self.is_safe(&url) {
            true => Ok(url),
            false => Err(Detour::ApiInClear(url)),
        }
    }

    fn is_trusted(&self, url: &Url) -> bool {
        let is_named = |name| *url.host() == probe_core::Host::Name(name);
        url.host() == self.first.host() || self.options.trusted.iter().cloned().any(is_named)
    }

    fn is_safe(&self, url: &Url) -> bool {
        url.is_secure() || self.options.place.scheme == Scheme::Http
    }
}

fn answer(page: &Page, method: &str) -> Result<Value, String> {
    match page.status {
        200 => reply::answer(&page.body, method),
        status => Err(format!("status {status}")),
    }
}
