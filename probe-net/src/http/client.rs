//! Requests to any server: dialling, redirects, and the connections that are kept between two requests.

use core::net::{IpAddr, SocketAddr};
use std::collections::HashMap;
use std::sync::Arc;

use hyper::header::LOCATION;
use probe_core::{Failure, Host};

use super::connection::{Connection, Protocols, Unanswered};
use super::cookies::Jar;
use super::request::{Method, Request};
use super::response::{Redirect, Response};
use super::url::Url;
use crate::tls::{SecretsOver, TlsFacts};
use crate::{Log, Net, Wire};

/// Which redirects are followed. From `https` to `http` none is, whatever is allowed here; and a secret stays with the
/// origin that it was meant for.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Redirects {
    /// None: the response that would send us on is the response.
    #[default]
    None,
    /// Those that stay at the host.
    SameHost,
    /// All.
    AnyHost,
}

/// Asks web servers, and keeps the connections for the next request.
#[derive(Debug)]
pub struct Client {
    net: Net,
    secrets_over: SecretsOver,
    redirects: Redirects,
    body_limit: usize,
    address: Option<IpAddr>,
    placed: Option<(Host, Vec<IpAddr>)>,
    jar: Option<Jar>,
    server: Option<SocketAddr>,
    tls: Option<Arc<TlsFacts>>,
    open: HashMap<(Host, u16, bool), Connection>,
}

impl Client {
    /// So often we let ourselves be sent on.
    pub const REDIRECTS: usize = 5;

    /// A client that follows no redirects, and reads bodies of up to a mebibyte.
    pub fn new(net: Net) -> Self {
        Self {
            net,
            secrets_over: SecretsOver::default(),
            redirects: Redirects::default(),
            body_limit: Wire::LIMIT,
            address: None,
            placed: None,
            jar: None,
            server: None,
            tls: None,
            open: HashMap::new(),
        }
    }

    /// Follows these redirects, up to [`Client::REDIRECTS`] of them.
    #[must_use]
    pub fn following(mut self, redirects: Redirects) -> Self {
        self.redirects = redirects;
        self
    }

    /// Reads bodies of up to so many octets, after inflating as before.
    #[must_use]
    pub fn with_body_limit(mut self, octets: usize) -> Self {
        self.body_limit = octets;
        self
    }

    /// Sends secrets over channels as weak as this one.
    #[must_use]
    pub fn with_secrets_over(mut self, weakest: SecretsOver) -> Self {
        self.secrets_over = weakest;
        self
    }

    /// Asks the server at this address, whichever host a URL names: one of several that share a name.
    #[must_use]
    pub fn at(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// Finds this host at these addresses, and every other by its name: where a host is asked for by another name than the
    /// one by which it was found.
    #[must_use]
    pub fn reaching(mut self, host: Host, addresses: impl Into<Vec<IpAddr>>) -> Self {
        self.placed = Some((host, addresses.into()));
        self
    }

    /// Keeps the cookies that servers set, and sends each back to the origin that set it, except in requests that bring
    /// a `Cookie` header of their own. A cookie is a secret: it passes the gate or the request stays.
    #[must_use]
    pub fn keeping_cookies(mut self) -> Self {
        self.jar = Some(Jar::default());
        self
    }

    /// Asks, and follows redirects as far as they are allowed.
    ///
    /// # Errors
    /// No head of a response came. Where the body did not come whole, the response tells
    /// [why](Response::interrupted).
    pub async fn send(&mut self, request: &Request, log: &mut Log) -> Result<Response, Failure> {
        let mut request = request.clone();
        let mut redirects = Vec::new();
        loop {
            let asked = match &self.jar {
                Some(jar) => request.with_cookies(&jar.for_url(&request.url)),
                None => request.clone(),
            };
            let mut response = self.ask(&asked, log).await?;
            if let Some(jar) = &mut self.jar {
                jar.keep(&request.url, &response.cookies, log.now());
            }
            let next = self.next(&request, &response);
            match next.filter(|_| redirects.len() < Self::REDIRECTS) {
                Some(url) => {
                    redirects.push(Redirect {
                        status: response.status,
                        from: request.url.clone(),
                    });
                    log.remark(|| format!("sent on to {url}"));
                    request = request.redirected(url);
                }
                None => {
                    response.redirects = redirects;
                    return Ok(response);
                }
            }
        }
    }

    /// Who answered when a connection was last opened.
    pub fn server(&self) -> Option<SocketAddr> {
        self.server
    }

    /// What the handshake showed when a connection was last opened, also if it failed.
    pub fn tls_facts(&self) -> Option<&Arc<TlsFacts>> {
        self.tls.as_ref()
    }

    /// Where we are sent, if we are and may go there.
    fn next(&self, request: &Request, response: &Response) -> Option<Url> {
        let is_repeatable = matches!(request.method, Method::Get | Method::Head);
        let sends_on = match response.status {
            // Whatever else was to be done is not to be done twice (RFC 9110 section 15.4).
            301..=303 => is_repeatable,
            307 | 308 => true,
            _ => false,
        };
        let location = response.headers.get(LOCATION).filter(|_| sends_on)?;
        let url = request.url.join(location.to_str().ok()?).ok()?;
        let is_downgrade = request.url.is_secure() && !url.is_secure();
        let is_allowed = match self.redirects {
            Redirects::None => false,
            Redirects::SameHost => url.host() == request.url.host(),
            Redirects::AnyHost => true,
        };
        (is_allowed && !is_downgrade).then_some(url)
    }

    /// One request: over the connection that is open, or over a new one.
    async fn ask(&mut self, request: &Request, log: &mut Log) -> Result<Response, Failure> {
        let url = &request.url;
        let key = (url.host().clone(), url.port(), url.is_secure());
        if let Some(connection) = self.open.remove(&key).filter(Connection::is_open) {
            match connection.exchange(request, self.body_limit, log).await {
                Ok(response) => return Ok(self.keep(key, connection, response)),
                // It was closed while nobody used it.
                Err(Unanswered {
                    is_unsent: true, ..
                }) => {}
                Err(unanswered) => return Err(unanswered.failure),
            }
        }
        let connection = self.connect(url, log).await?;
        let answered = connection.exchange(request, self.body_limit, log).await;
        let response = answered.map_err(|unanswered| unanswered.failure)?;
        Ok(self.keep(key, connection, response))
    }

    /// Keeps the connection, unless something is left in it.
    fn keep(
        &mut self,
        key: (Host, u16, bool),
        connection: Connection,
        response: Response,
    ) -> Response {
        if response.interrupted.is_none() && connection.is_open() {
            self.open.insert(key, connection);
        }
        response
    }

    async fn connect(&mut self, url: &Url, log: &mut Log) -> Result<Connection, Failure> {
        let mut endpoint = url.endpoint();
        endpoint.secrets_over = self.secrets_over;
        let placed = self.placed.as_ref().filter(|(host, _)| host == url.host());
        let wire = match (self.address, placed) {
            (Some(address), _) => self.net.connect(&endpoint, &[address], log).await?,
            (None, Some((_, addresses))) => self.net.connect(&endpoint, addresses, log).await?,
            (None, None) => self.net.dial(&endpoint, log).await?,
        };
        self.server = wire.ends().map(|ends| ends.server);
        self.tls = None;
        let mut wire = wire.offering(Protocols::Http1.alpn());
        if url.is_secure() {
            let secured = wire.secure(log).await;
            self.tls = wire.tls_facts().cloned();
            secured?;
        }
        Connection::open(wire, log).await
    }
}
