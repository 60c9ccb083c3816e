//! The machine: which question comes next. It has no socket and no clock; whatever is answered, it ends within
//! [`DiscoveryDialogue::QUESTIONS`].

use core::time::Duration;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use probe_core::{Failure, FailureKind, Host, HostName, Phase};
use probe_net::http::Url;
use probe_net::tls::TlsFacts;

use super::command::{Asked, Question, Way};
use super::facts::{Attempt, DiscoveryFacts, Onward, Outcome};
use super::options::{Address, Options};
use super::reply::{Reply, Said, Srv, place, read_json, read_xml};
use crate::options::Options as EasOptions;

/// Looks for the ActiveSync of one domain.
///
/// Of what stands in its way it learns: a host that cannot be reached is not asked again, and credentials that were refused
/// once are shown to nobody again.
#[derive(Debug)]
pub struct DiscoveryDialogue {
    options: Arc<Options>,
    domain: HostName,
    /// What is to be asked, in this order.
    plan: VecDeque<Question>,
    asking: Option<Question>,
    seen: HashSet<(Asked, Address, bool)>,
    unreachable: HashSet<(Host, u16)>,
    hops: usize,
    are_refused: bool,
    facts: DiscoveryFacts,
}

/// What happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// Nothing so far.
    Begin,
    /// This came of the question.
    Answered {
        /// What.
        answer: Answer,
        /// How long it took.
        time: Duration,
    },
}

/// What came of a question.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Answer {
    /// Nothing; and what the handshake showed, if it came so far.
    Failed(Failure, Option<Arc<TlsFacts>>),
    /// A page.
    Page(Box<Reply>),
    /// The hosts that SRV records name.
    Records(Vec<Srv>),
}

/// What to do next.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// Ask this.
    Ask(Box<Question>),
    /// There is nothing left to be asked.
    Done,
}

impl DiscoveryDialogue {
    /// So often we let ourselves be sent on, by whatever kind of redirect (\[MS-ASCMD\] section 2.2.3.138 says that there may
    /// be loops).
    pub const HOPS: usize = 10;
    /// The most questions: more than three times those that a domain without redirects is asked.
    pub const QUESTIONS: usize = 48;
    /// So many hosts of an SRV record are asked.
    pub const RECORDS: usize = 4;
    /// What a host with ActiveSync is often called.
    const GUESSES: [&'static str; 6] = ["", "mail.", "autodiscover.", "eas.", "sogo.", "webmail."];
    /// Where Microsoft 365 answers for all its domains.
    const MICROSOFT: &'static str = "outlook.office365.com";

    /// A machine for this domain.
    pub(super) fn new(options: Arc<Options>, domain: &HostName) -> Self {
        let mut dialogue = Self {
            options,
            domain: domain.clone(),
            plan: VecDeque::new(),
            asking: None,
            seen: HashSet::new(),
            unreachable: HashSet::new(),
            hops: 0,
            are_refused: false,
            facts: DiscoveryFacts::default(),
        };
        if let Some(address) = dialogue.options.address_at(domain) {
            dialogue.facts.address = address.to_string();
            let mut plan = dialogue.v1(domain, &address, true);
            plan.extend(dialogue.v2(&address));
            plan.extend(dialogue.guesses(&address));
            dialogue.plan = plan.into();
        }
        dialogue
    }

    /// Goes one step further.
    pub fn next(&mut self, event: Event) -> Step {
        if let (Event::Answered { answer, time }, Some(question)) = (event, self.asking.take()) {
            self.learn(question, answer, time);
        }
        while self.facts.attempts.len() < Self::QUESTIONS
            && let Some(question) = self.plan.pop_front()
        {
            let question = self.identified(question);
            if self.is_worth_asking(&question) {
                self.seen.insert(key(&question));
                self.asking = Some(question.clone());
                return Step::Ask(Box::new(question));
            }
        }
        Step::Done
    }

    /// What was learned so far.
    pub fn facts(&self) -> &DiscoveryFacts {
        &self.facts
    }

    /// What was learned.
    pub fn into_facts(self) -> DiscoveryFacts {
        self.facts
    }

    /// The ways to the first version (\[MS-OXDISCO\] section 3.1.5), for a mailbox of this domain.
    fn v1(&self, domain: &HostName, address: &Address, is_proven: bool) -> Vec<Question> {
        let question = |way, is_proven, asked| Question {
            way,
            asked,
            address: address.clone(),
            is_identified: false,
            is_proven,
        };
        let at = |host: String, path: &str| https(&host, self.options.https_port, path);
        let below = format!("autodiscover.{domain}");
        let port = self.options.http_port;
        let clear = url("http", &below, port, 80, "/autodiscover/autodiscover.xml");
        let records = self.options.resolver.as_ref();
        let records = records.map(|_| Asked::Records(domain.clone()));
        let steps = [
            (
                Way::V1,
                is_proven,
                at(domain.to_string(), Question::V1).map(Asked::Post),
            ),
            (Way::V1, is_proven, at(below, Question::V1).map(Asked::Post)),
            // Whoever stands in the way can say what they like, here and in DNS.
            (Way::Redirect, false, clear.map(Asked::Clear)),
            (Way::Srv, false, records),
        ];
        let steps = steps.into_iter();
        steps
            .filter_map(|(way, is_proven, asked)| Some(question(way, is_proven, asked?)))
            .collect()
    }

    fn v2(&self, address: &Address) -> Vec<Question> {
        let path = Question::v2(address);
        let port = self.options.https_port;
        let own = [
            format!("autodiscover.{}", self.domain),
            self.domain.to_string(),
        ];
        let own = own.iter().filter_map(|host| https(host, port, &path));
        // Whoever asks for it by its name knows it.
        let microsoft = https(Self::MICROSOFT, 443, &path).filter(|_| self.options.microsoft);
        own.chain(microsoft)
            .map(|url| proven(Way::V2, Asked::Json(url), address))
            .collect()
    }

    fn guesses(&self, address: &Address) -> Vec<Question> {
        let hosts = Self::GUESSES.map(|label| format!("{label}{}", self.domain));
        let port = self.options.https_port;
        let urls = hosts
            .iter()
            .filter_map(|host| https(host, port, EasOptions::PATH));
        urls.map(|url| proven(Way::Guess, Asked::Options(url), address))
            .collect()
    }

    /// With credentials, if they may be shown there: to whom the first version is asked of, over TLS, at a host that is the
    /// domain's own or that the caller allows.
    fn identified(&self, mut question: Question) -> Question {
        let Asked::Post(url) = &question.asked else {
            return question;
        };
        let Host::Name(host) = url.host() else {
            return question;
        };
        let below = format!("autodiscover.{}", self.domain);
        let is_own = *host == self.domain || host.as_str() == below;
        let may_know =
            is_own && url.port() == self.options.https_port || self.options.allowed.contains(host);
        question.is_identified = self.options.credentials.is_some()
            && may_know
            && url.is_secure()
            && !self.are_refused
            && !self.is_withheld(url);
        question
    }

    /// Whether credentials were meant for that page, and its certificate kept them back.
    fn is_withheld(&self, url: &Url) -> bool {
        let mut attempts = self.facts.attempts.iter();
        attempts.any(|one| {
            let is_withheld = matches!(&one.outcome, Outcome::Failed(failure) if failure.kind == FailureKind::Withheld);
            is_withheld && one.question.asked.url() == Some(url)
        })
    }

    fn is_worth_asking(&self, question: &Question) -> bool {
        let end = question.asked.url().map(end_of);
        !self.seen.contains(&key(question))
            && end.is_none_or(|end| !self.unreachable.contains(&end))
    }

    fn learn(&mut self, question: Question, answer: Answer, time: Duration) {
        let (status, tls, outcome) = match answer {
            Answer::Failed(failure, tls) => (None, tls, self.failed(&question, failure)),
            Answer::Page(reply) => {
                let outcome = self.page(&question, &reply);
                (Some(reply.status), reply.tls, outcome)
            }
            Answer::Records(hosts) => (None, None, self.records(&question, hosts)),
        };
        self.facts.attempts.push(Attempt {
            question,
            status,
            outcome,
            tls,
            time,
        });
        self.facts.settle();
        let last = self.facts.attempts.last();
        // What came over a channel that does not verify is no reason to stop looking.
        let found = last.filter(|one| one.endpoint().is_some() && one.is_verified());
        let found = found.map(|one| one.question.way);
        if let Some(way) = found {
            self.found(way);
        }
    }

    /// Leaves out what is not needed any more.
    fn found(&mut self, by: Way) {
        let other_version = |way: Way| way != Way::Guess && way.is_v1() != by.is_v1();
        let all = self.options.all_steps && by != Way::Guess;
        self.plan
            .retain(|question| all && other_version(question.way));
    }

    fn failed(&mut self, question: &Question, failure: Failure) -> Outcome {
        if matches!(failure.phase, Phase::RESOLVE | Phase::CONNECT) {
            self.unreachable.extend(question.asked.url().map(end_of));
        }
        if failure.kind == FailureKind::Withheld {
            // Whether it is there at all can be asked without them.
            self.plan.push_front(question.clone());
        }
        Outcome::Failed(failure)
    }

    fn records(&mut self, question: &Question, mut hosts: Vec<Srv>) -> Outcome {
        hosts.sort_by_key(|one| one.priority);
        hosts.truncate(Self::RECORDS);
        if hosts.is_empty() {
            return Outcome::Absent;
        }
        for one in hosts.iter().rev() {
            if let Some(url) = https(one.host.as_str(), one.port, Question::V1) {
                self.plan.push_front(Question {
                    asked: Asked::Post(url),
                    ..question.clone()
                });
            }
        }
        Outcome::Records(hosts)
    }

    fn page(&mut self, question: &Question, reply: &Reply) -> Outcome {
        let location = reply.location.as_deref().filter(|_| reply.is_redirect());
        match (&question.asked, location) {
            (Asked::Options(url), _) if reply.is_activesync() => Outcome::Endpoint(url.clone()),
            (Asked::Options(_), _) if reply.status == 404 => Outcome::Absent,
            (Asked::Options(_) | Asked::Records(_), _) => Outcome::Other(status(reply)),
            (Asked::Clear(from) | Asked::Json(from) | Asked::Post(from), Some(location)) => {
                self.sent_on(question, reply, from, location)
            }
            // What is said in clear is nothing to go by.
            (Asked::Clear(_), None) => Outcome::Other(status(reply)),
            (Asked::Json(_), None) => self.said(question, reply, read_json),
            (Asked::Post(_), None) => self.said(question, reply, read_xml),
        }
    }

    fn said(&mut self, question: &Question, reply: &Reply, read: fn(&[u8]) -> Said) -> Outcome {
        match reply.status {
            401 => {
                self.are_refused |= question.is_identified;
                return Outcome::Unauthorized(reply.challenges.clone());
            }
            404 | 410 => return Outcome::Absent,
            _ => {}
        }
        let body = match &reply.body {
            Ok(body) => body,
            Err(failure) => return Outcome::Failed(failure.clone()),
        };
        match read(body) {
            Said::Complaint(complaint) => Outcome::Complaint(complaint),
            Said::Address(address) if reply.status == 200 => {
                self.renamed(question, reply, &address)
            }
            Said::Endpoint(url) if reply.status == 200 => match place(&url) {
                Ok(url) => Outcome::Endpoint(url),
                Err(why) => Outcome::Unfit(probe_net::excerpt(url.as_bytes()), why),
            },
            Said::Url(url) if reply.status == 200 => self.sent_to(question, reply, &url),
            Said::Other(said) if reply.status == 200 => Outcome::Other(said),
            _ => Outcome::Other(status(reply)),
        }
    }

    /// By HTTP (RFC 9110 section 15.4).
    fn sent_on(
        &mut self,
        question: &Question,
        reply: &Reply,
        from: &Url,
        location: &str,
    ) -> Outcome {
        match from.join(location) {
            Ok(url) => self.sent_to(question, reply, &url.to_string()),
            Err(_) => {
                let to = probe_net::excerpt(location.as_bytes());
                Outcome::SentOn(to, Onward::Unfit("it is no address of a page"))
            }
        }
    }

    fn sent_to(&mut self, question: &Question, reply: &Reply, text: &str) -> Outcome {
        let shown = probe_net::excerpt(text.as_bytes());
        let url = match place(text) {
            Ok(url) => url,
            Err(why) => return Outcome::SentOn(shown, Onward::Unfit(why)),
        };
        let next = Question {
            asked: match question.asked {
                Asked::Json(_) => Asked::Json(url),
                _ => Asked::Post(url),
            },
            is_identified: false,
            is_proven: question.is_proven && reply.is_verified(),
            ..question.clone()
        };
        let onward = self.hop(self.has_asked(&next));
        if onward == Onward::Followed {
            self.plan.push_front(next);
        }
        Outcome::SentOn(shown, onward)
    }

    /// The mailbox is another's (\[MS-ASCMD\] section 2.2.3.138): the first version is asked anew, for it.
    fn renamed(&mut self, question: &Question, reply: &Reply, text: &str) -> Outcome {
        let shown = probe_net::excerpt(text.as_bytes());
        let Ok(address) = text.parse::<Address>() else {
            return Outcome::SentOn(shown, Onward::Unfit("it is no e-mail address"));
        };
        let known = self.seen.iter().any(|(_, known, _)| *known == address);
        let onward = self.hop(known);
        if onward == Onward::Followed {
            let is_proven = question.is_proven && reply.is_verified();
            self.plan.retain(|question| !question.way.is_v1());
            for step in self
                .v1(address.domain(), &address, is_proven)
                .into_iter()
                .rev()
            {
                self.plan.push_front(step);
            }
        }
        Outcome::SentOn(shown, onward)
    }

    fn has_asked(&self, question: &Question) -> bool {
        let mut seen = self.seen.iter();
        seen.any(|(asked, address, _)| *asked == question.asked && *address == question.address)
    }

    /// One redirect more.
    fn hop(&mut self, is_known: bool) -> Onward {
        match is_known {
            true => Onward::Loop,
            false if self.hops == Self::HOPS => Onward::TooOften,
            false => {
                self.hops += 1;
                Onward::Followed
            }
        }
    }
}

fn key(question: &Question) -> (Asked, Address, bool) {
    let Question {
        asked,
        address,
        is_identified,
        ..
    } = question;
    (asked.clone(), address.clone(), *is_identified)
}

fn proven(way: Way, asked: Asked, address: &Address) -> Question {
    Question {
        way,
        asked,
        address: address.clone(),
        is_identified: false,
        is_proven: true,
    }
}

fn end_of(url: &Url) -> (Host, u16) {
    (url.host().clone(), url.port())
}

/// What is told of an answer that is none.
fn status(reply: &Reply) -> String {
    format!("status {}", reply.status)
}

fn https(host: &str, port: u16, path: &str) -> Option<Url> {
    url("https", host, port, 443, path)
}

fn url(scheme: &str, host: &str, port: u16, usual: u16, path: &str) -> Option<Url> {
    let port = match port == usual {
        true => String::new(),
        false => format!(":{port}"),
    };
    format!("{scheme}://{host}{port}{path}").parse().ok()
}
