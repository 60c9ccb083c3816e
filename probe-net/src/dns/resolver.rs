//! Who is asked.

use core::future::Future;
use core::net::{IpAddr, SocketAddr};
use core::pin::Pin;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use probe_core::HostName;
use tokio::time::Instant;

use super::answer::{Answer, Data, Trouble};
use super::datagram::{Kind, Question};
use super::desk::Pace;
#[cfg(feature = "http")]
use super::https::OverHttps;
use super::secured::OverTls;
use super::survey::{Ask, Survey, lead};
#[cfg(feature = "http")]
use crate::http::Url;
use crate::{Net, Resolve, ResolveError};

/// Name servers to ask: resolvers, which find the answer for us.
///
/// As a [`Resolve`] it finds the addresses of a host by their A and AAAA records alone: `/etc/hosts` is not read.
#[derive(Clone, Debug)]
pub struct Resolver {
    pub(super) servers: Arc<[SocketAddr]>,
    pub(super) pace: Pace,
    pub(super) source: Option<IpAddr>,
    pub(super) over: Option<Over>,
}

/// What the resolvers are asked over, where that is no datagram.
#[derive(Clone, Debug)]
pub(super) enum Over {
    #[cfg(feature = "http")]
    Https(OverHttps),
    Tls(OverTls),
}

impl Resolver {
    /// Asks these servers: each question goes to the first, and to the next where nothing comes of it.
    pub fn new(servers: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self {
            servers: servers.into_iter().collect(),
            pace: Pace::default(),
            source: None,
            over: None,
        }
    }

    /// Asks these servers over TLS (RFC 7858; port 853), if their certificates are valid for this name. Lists' own servers,
    /// and others that answer for a zone, are asked over UDP all the same.
    pub fn over_tls(
        net: Net,
        name: HostName,
        servers: impl IntoIterator<Item = SocketAddr>,
    ) -> Self {
        Self::new(servers).over(Over::Tls(OverTls { net, name }))
    }

    /// Asks these servers over HTTPS (RFC 8484), if their certificates are valid for the host of the URL; its name is not
    /// resolved. Lists' own servers, and others that answer for a zone, are asked over UDP all the same.
    #[cfg(feature = "http")]
    pub fn over_https(net: Net, url: Url, servers: impl IntoIterator<Item = IpAddr>) -> Self {
        let port = url.port();
        let servers = servers.into_iter().map(|one| SocketAddr::new(one, port));
        Self::new(servers).over(Over::Https(OverHttps { net, url }))
    }

    fn over(mut self, over: Over) -> Self {
        // Nothing is lost on the way, so each is asked once.
        self.pace.tries = u32::try_from(self.servers.len()).unwrap_or(u32::MAX);
        self.over = Some(over);
        self
    }

    /// Asks the resolvers that the system is set up with, in `/etc/resolv.conf`.
    ///
    /// # Errors
    /// The file cannot be read, or names nobody.
    pub fn system() -> Result<Self, SystemServersError> {
        Self::of_file(Path::new("/etc/resolv.conf"))
    }

    fn of_file(file: &Path) -> Result<Self, SystemServersError> {
        let text = std::fs::read(file).map_err(|error| SystemServersError(error.to_string()))?;
        Self::of_text(&text)
    }

    fn of_text(text: &[u8]) -> Result<Self, SystemServersError> {
        let read = resolv_conf::Config::parse(text);
        let read = read.map_err(|error| SystemServersError(error.to_string()))?;
        let servers = read.nameservers.iter();
        let servers: Vec<_> = servers
            .map(|server| SocketAddr::new(IpAddr::from(server), 53))
            .collect();
        match servers.is_empty() {
            true => Err(SystemServersError("it names no server".to_owned())),
            false => Ok(Self::new(servers)),
        }
    }

    /// At this pace.
    #[must_use]
    pub fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// From this address of ours.
    #[must_use]
    pub fn with_source(mut self, source: IpAddr) -> Self {
        self.source = Some(source);
        match &mut self.over {
            #[cfg(feature = "http")]
            Some(Over::Https(over)) => over.net.source = Some(source),
            Some(Over::Tls(over)) => over.net.source = Some(source),
            None => {}
        }
        self
    }

    /// Who is asked.
    pub fn servers(&self) -> &[SocketAddr] {
        &self.servers
    }

    /// Asks one question.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn ask(&self, question: Question) -> Result<Answer, Trouble> {
        let mut asked = Questions::new([question]);
        lead(self, &mut asked, self.whole(), |_| {}).await;
        let [outcome] = asked.outcomes;
        outcome.unwrap_or(Err(Trouble::Timeout(self.pace.patience)))
    }

    /// Longer than this nothing takes: the end is told by the patience of each question.
    fn whole(&self) -> Instant {
        Instant::now() + self.pace.patience + Duration::from_secs(1)
    }

    async fn addresses(&self, name: &HostName) -> Result<Vec<IpAddr>, ResolveError> {
        let owner = name.as_str().parse();
        let owner: super::Name = owner.map_err(|_| ResolveError::new("it is no domain name"))?;
        let kinds = [Kind::AAAA, Kind::A];
        let mut asked = Questions::new(kinds.map(|kind| Question::new(owner.clone(), kind)));
        lead(self, &mut asked, self.whole(), |_| {}).await;
        let mut found = Vec::new();
        let mut trouble = None;
        for outcome in asked.outcomes.into_iter().flatten() {
            match outcome {
                Ok(answer) if answer.rcode.is_about_the_name() => {
                    found.extend(answer.records().filter_map(|record| match record.data {
                        Data::A(address) => Some(IpAddr::from(address)),
                        Data::Aaaa(address) => Some(IpAddr::from(address)),
                        _ => None,
                    }));
                    if answer.rcode == super::Rcode::NXDOMAIN {
                        trouble = Some("there is no such name (NXDOMAIN)".to_owned());
                    }
                }
                Ok(answer) => trouble = Some(format!("{} says {}", answer.server, answer.rcode)),
                Err(error) => trouble = Some(error.to_string()),
            }
        }
        match found.is_empty() {
            true => Err(ResolveError::new(
                trouble.unwrap_or_else(|| "the name has no address".to_owned()),
            )),
            false => Ok(found),
        }
    }
}

impl Resolve for Resolver {
    fn resolve<'a>(
        &'a self,
        name: &'a HostName,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send + 'a>> {
        Box::pin(self.addresses(name))
    }
}

/// The system's resolvers cannot be known.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the system's name servers cannot be read from /etc/resolv.conf: {0}")]
pub struct SystemServersError(String);

/// A survey of questions that are known beforehand.
struct Questions<const N: usize> {
    questions: [Question; N],
    outcomes: [Option<Result<Answer, Trouble>>; N],
}

impl<const N: usize> Questions<N> {
    fn new(questions: [Question; N]) -> Self {
        Self {
            questions,
            outcomes: [const { None }; N],
        }
    }
}

impl<const N: usize> Survey for Questions<N> {
    fn begin(&mut self) -> Vec<Ask> {
        let numbered = (0..).zip(&self.questions);
        numbered
            .map(|(tag, question)| Ask::new(tag, question.clone()))
            .collect()
    }

    fn answered(&mut self, tag: u64, outcome: Result<Answer, Trouble>) -> Vec<Ask> {
        let place = usize::try_from(tag).ok();
        if let Some(place) = place.and_then(|place| self.outcomes.get_mut(place)) {
            *place = Some(outcome);
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_of_the_system_are_read_and_their_absence_is_told() {
        let text = b"search example.org\nnameserver 192.0.2.53\nnameserver 2001:db8::53\n";
        let resolver = Resolver::of_text(text).unwrap();
        let expected = ["192.0.2.53:53", "[2001:db8::53]:53"].map(|it| it.parse().unwrap());
        assert_eq!(resolver.servers(), expected);
        assert!(Resolver::of_text(b"search example.org\n").is_err());
        assert!(Resolver::of_file(Path::new("/no/such/file")).is_err());
    }
}
