//! Asks for a registration: RDAP first, its registrar beside it, and WHOIS where there is no RDAP or it does not
//! answer. The only place here that waits.

use std::time::Duration;

use probe_core::{Failure, Host, HostName};
use probe_net::http::{Client, Redirects, Request, Url};
use probe_net::names::organisational;
use probe_net::{Endpoint, Log, Net, drive};
use tokio::time::timeout;

use super::answer::Answer;
use super::dialogue::{Question, Text};
use super::facts::{Asked, Expiry, Registration, RegistrationFacts, Source, State};
use super::options::Options;
use super::{servers, whois};

/// The most octets of a response of RDAP. A large one has 20 KiB.
const BODY: usize = 512 * 1024;
/// How many addresses of one service are tried.
const ADDRESSES: usize = 2;

/// Looks up the registration of the domain that such a name belongs to.
///
/// Never fails: that nobody answers is in the facts. It ends within the budget of `log`, and what was learned until
/// then is kept.
pub async fn look_up(
    net: &Net,
    domain: &HostName,
    options: &Options,
    log: &mut Log,
) -> RegistrationFacts {
    let mut lookup = LookUp {
        net,
        options,
        domain: registered(domain),
        asked: Vec::new(),
    };
    let at = log.now();
    let state = lookup.run(log).await;
    RegistrationFacts {
        expiry_of_caller: options.expiry,
        soon: options.thresholds.expiry_warning,
        asked: lookup.asked,
        ..RegistrationFacts::new(lookup.domain, at, state)
    }
}

/// What was registered for such a name to be. That is the organisational domain, except beneath those who give names
/// away themselves: of `shop.github.io` no registry knows, only of `github.io`.
///
/// ```
/// use mx_check::registration::registered;
///
/// let of = |name: &str| registered(&name.parse().unwrap()).to_string();
/// assert_eq!(of("mx.example.co.uk"), "example.co.uk");
/// assert_eq!(of("shop.github.io"), "github.io");
/// ```
pub fn registered(name: &HostName) -> HostName {
    let suffix = |name: &str| Some(psl::suffix(name.as_bytes())?.typ() == Some(psl::Type::Private));
    let organisation = organisational(name);
    let mut rest = organisation.as_str();
    // As long as the name ends in what is somebody's own, it is not what was registered.
    while suffix(rest) == Some(true) {
        match rest.split_once('.') {
            Some((_, parent)) if suffix(parent) == Some(true) => rest = parent,
            // The name of the giver itself.
            Some((_, parent)) if psl::domain_str(parent).is_none() => break,
            Some((_, parent)) => rest = parent,
            None => break,
        }
    }
    let registered = psl::domain_str(rest).and_then(|domain| domain.parse().ok());
    registered
        .or_else(|| rest.parse().ok())
        .unwrap_or(organisation)
}

/// Whether a registry gives away names beneath it, so that no registry knows the name itself.
fn is_suffix(name: &HostName) -> bool {
    let suffix = psl::suffix(name.as_str().as_bytes());
    let is_private = suffix.is_some_and(|suffix| suffix.typ() == Some(psl::Type::Private));
    psl::domain_str(name.as_str()).is_none() && !is_private
}

struct LookUp<'a> {
    net: &'a Net,
    options: &'a Options,
    domain: HostName,
    asked: Vec<Asked>,
}

impl LookUp<'_> {
    async fn run(&mut self, log: &mut Log) -> State {
        if is_suffix(&self.domain) {
            return State::NoService;
        }
        let bases = match &self.options.rdap {
            Some(base) => vec![base.clone()],
            None => self.options.bootstrap.services(&self.domain).to_vec(),
        };
        let mut causes = Vec::new();
        for base in bases.iter().take(ADDRESSES) {
            let page = format!("domain/{}", self.domain);
            let answer = match base.join(&page) {
                Ok(url) => self.rdap(&url, log).await,
                Err(error) => Answer::Unusable(error.to_string()),
            };
            match answer {
                Answer::Found(registration) => {
                    let registration = self.with_registrar(registration, log).await;
                    return State::Known(self.with_date(registration, log).await);
                }
                Answer::Unusable(why) => causes.push(why),
                told => return told.into(),
            }
        }
        let told = match self.options.asks_whois {
            true => self.whois(log).await,
            false => None,
        };
        match told {
            Some(Answer::Unusable(why)) => causes.push(why),
            Some(told) => return told.into(),
            None if causes.is_empty() => return State::NoService,
            None => {}
        }
        State::Unreachable(causes.join("; "))
    }

    /// One question to one RDAP server, for no more than half of the time that is left: somebody else may know.
    async fn rdap(&mut self, url: &Url, log: &mut Log) -> Answer {
        let time = log.time_left() / 2;
        let asking = ask_rdap(self.net, url, log);
        let answer = timeout(time, asking).await;
        let answer = answer.unwrap_or_else(|_| Answer::Unusable(out_of_time(time)));
        let answer = self.of_ours(answer);
        self.asked.push(Asked::new(url, outcome(&answer)));
        answer
    }

    /// What the registrar says beside the registry: asked once, and whatever it relates to is not.
    async fn with_registrar(
        &mut self,
        mut registration: Box<Registration>,
        log: &mut Log,
    ) -> Box<Registration> {
        let known = registration.related.clone().filter(|url| {
            let source = &registration.source;
            !matches!(source, Source::Rdap { url: told, .. } if told == url)
        });
        if let Some(url) = known
            && let Answer::Found(beside) = self.rdap(&url, log).await
        {
            complete(&mut registration, &beside);
        }
        registration
    }

    /// The date by WHOIS, where RDAP has none: that of .fi publishes it only there.
    async fn with_date(
        &mut self,
        mut registration: Box<Registration>,
        log: &mut Log,
    ) -> Box<Registration> {
        let is_missing = registration.expires().is_none() && self.options.expiry.is_none();
        let is_wanted = is_missing && self.options.asks_whois;
        let Some(server) = self.known_whois().filter(|_| is_wanted) else {
            return registration;
        };
        let time = log.time_left() / 2;
        match timeout(time, self.ask_whois(server.clone(), log)).await {
            Ok(Answer::Found(beside)) => {
                registration.expiry = beside.expiry;
                registration.registrar_expiry = beside.registrar_expiry;
            }
            Ok(_) => {}
            Err(_) => self.asked.push(Asked::new(server, out_of_time(time))),
        }
        registration
    }

    /// Asks WHOIS, if there is somebody to ask.
    async fn whois(&mut self, log: &mut Log) -> Option<Answer> {
        let server = match self.known_whois() {
            Some(server) => server,
            None => match self.ask_iana(log).await? {
                Ok(server) => Host::Name(server),
                Err(why) => return Some(Answer::Unusable(why)),
            },
        };
        Some(self.ask_whois(server, log).await)
    }

    fn known_whois(&self) -> Option<Host> {
        let given = self.options.whois.clone();
        given.or_else(|| servers::known(&self.domain).map(Host::Name))
    }

    async fn ask_whois(&mut self, server: Host, log: &mut Log) -> Answer {
        let line = servers::question(&server.to_string(), &self.domain);
        let told = self.say(&server, line, log).await;
        let (answer, cut) = match told {
            Ok(question) => {
                let source = Source::Whois {
                    server: server.clone(),
                };
                (Answer::of_whois(source, &question.heard), question.cut)
            }
            Err(failure) => (Answer::Unusable(failure.detail), None),
        };
        let answer = self.of_ours(answer);
        let cut = cut.map(|cut| format!("; {cut}")).unwrap_or_default();
        let told = outcome(&answer) + &cut;
        self.asked.push(Asked::new(server, told));
        answer
    }

    /// Who answers for a top-level domain; nothing, where nobody does or IANA may not be asked.
    async fn ask_iana(&mut self, log: &mut Log) -> Option<Result<HostName, String>> {
        let iana: Host = servers::IANA.parse().ok()?;
        if !self.options.asks_iana {
            return None;
        }
        let line = servers::top_level(&self.domain).to_owned();
        let time = log.time_left() / 2;
        let answer = timeout(time, self.say(&iana, line, log)).await;
        let (told, found) = match answer {
            Ok(Ok(question)) => match whois::referral(&question.heard) {
                Some(server) => (format!("refers to {server}"), Some(Ok(server))),
                None => ("knows no server".to_owned(), None),
            },
            Ok(Err(failure)) => (failure.detail.clone(), Some(Err(failure.detail))),
            Err(_) => (out_of_time(time), Some(Err(out_of_time(time)))),
        };
        self.asked.push(Asked::new(servers::IANA, told));
        found
    }

    /// The answer, unless it tells of somebody else's domain. A name in another script than ours is not compared.
    fn of_ours(&self, answer: Answer) -> Answer {
        let told = match &answer {
            Answer::Found(registration) => registration.name.as_deref(),
            _ => None,
        };
        let told: Option<HostName> = told.and_then(|name| name.parse().ok());
        match told {
            Some(other) if other != self.domain => {
                Answer::Unusable(format!("it tells of {other} instead"))
            }
            _ => answer,
        }
    }

    /// Says one line to one server, and hears what comes.
    async fn say(&self, server: &Host, line: String, log: &mut Log) -> Result<Question, Failure> {
        let endpoint = Endpoint::new(server.clone(), self.options.whois_port);
        let mut wire = self.net.dial(&endpoint, log).await?;
        let mut question = Question::new(line);
        drive(&mut question, &mut Text, &mut wire, log).await?;
        Ok(question)
    }
}

/// One question to one RDAP server (RFC 7480).
async fn ask_rdap(net: &Net, url: &Url, log: &mut Log) -> Answer {
    let request = Request::get(url.clone()).taking_gzip();
    let request = match request.with_header("accept", "application/rdap+json, application/json") {
        Ok(request) => request,
        Err(error) => return Answer::Unusable(error.to_string()),
    };
    let client = Client::new(net.clone()).following(Redirects::AnyHost);
    let response = match client.with_body_limit(BODY).send(&request, log).await {
        Ok(response) => response,
        Err(failure) => return Answer::Unusable(failure.detail),
    };
    // Of other responses the status tells enough.
    let interrupted = response.whole().err();
    if let Some(failure) = interrupted.filter(|_| response.status == 200) {
        return Answer::Unusable(failure.detail);
    }
    let retry_after = response.retry_after(log.now());
    let source = Source::Rdap {
        url: response.url,
        is_verified: response.tls.is_some_and(|facts| facts.is_verified()),
    };
    Answer::of_rdap(source, response.status, retry_after, &response.body)
}

/// Adds what only the registrar knows.
fn complete(registration: &mut Registration, beside: &Registration) {
    let expiry = match beside.expiry {
        Expiry::Known(date) => Some(date),
        Expiry::NotPublished | Expiry::Unreadable(_) => None,
    };
    let known = registration.registrar_expiry.or(beside.registrar_expiry);
    registration.registrar_expiry = known.or(expiry);
    if registration.registrar.is_none() {
        registration.registrar.clone_from(&beside.registrar);
    }
}

fn outcome(answer: &Answer) -> String {
    match answer {
        Answer::Found(_) => "knows it".to_owned(),
        Answer::NotFound => "does not know it".to_owned(),
        Answer::TooOften(None) => "was asked too often".to_owned(),
        Answer::TooOften(Some(after)) => {
            format!(
                "was asked too often, and may be again in {} s",
                after.as_secs()
            )
        }
        Answer::Unusable(why) => why.clone(),
    }
}

fn out_of_time(time: Duration) -> String {
    format!("nothing came within {:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_registered_is_found_beneath_registries_and_beneath_those_who_give_names_away() {
        for (name, expected) in [
            ("example.org", "example.org"),
            ("mx1.mail.example.co.uk", "example.co.uk"),
            ("example.co.jp", "example.co.jp"),
            ("shop.github.io", "github.io"),
            ("github.io", "github.io"),
            ("bucket.s3.amazonaws.com", "amazonaws.com"),
            ("mail.example.blogspot.com", "blogspot.com"),
            ("org", "org"),
            ("example.invalid", "example.invalid"),
        ] {
            assert_eq!(registered(&name.parse().unwrap()).as_str(), expected);
        }
    }
}
