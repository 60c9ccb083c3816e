//! Registries for tests: an RDAP server over TLS and a WHOIS server, which say what a test puts into their mouths and
//! remember what they heard.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use probe_core::HostName;
use probe_net::{Resolve, ResolveError};
use probe_testkit::{Identity, Say, Web};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server on a port of its own.
pub(crate) struct Server {
    pub(crate) port: u16,
    serving: Serving,
}

enum Serving {
    Rdap(Web),
    Whois(Arc<Mutex<Vec<String>>>),
}

impl Server {
    /// RDAP over TLS: `answer` is told the path.
    pub(crate) async fn rdap(
        identity: &Identity,
        answer: impl Fn(&str) -> Say + Send + Sync + 'static,
    ) -> Self {
        let web = Web::tls(identity, move |request| answer(request.target()));
        let web = web.await.unwrap();
        Self {
            port: web.address().port(),
            serving: Serving::Rdap(web),
        }
    }

    /// WHOIS: `answer` is told the line.
    pub(crate) async fn whois(
        at: &str,
        answer: impl Fn(&str) -> Say + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(at).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (heard, answer) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(answer));
        let serving = Serving::Whois(heard.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (heard, answer) = (heard.clone(), answer.clone());
                tokio::spawn(async move {
                    if let Some(line) = hear(&mut stream).await {
                        let line = line.trim_end().to_owned();
                        heard.lock().unwrap().push(line.clone());
                        say(&mut stream, answer(&line)).await;
                    }
                });
            }
        });
        Self { port, serving }
    }

    /// What was asked, in this order.
    pub(crate) fn heard(&self) -> Vec<String> {
        match &self.serving {
            Serving::Rdap(web) => {
                let heard = web.heard();
                heard.iter().map(|one| one.target().to_owned()).collect()
            }
            Serving::Whois(heard) => heard.lock().unwrap().clone(),
        }
    }
}

async fn hear(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut heard = Vec::new();
    while !heard.ends_with(b"\r\n") {
        heard.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8_lossy(&heard).into_owned())
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), what: Say) {
    let (Say::Hang(bytes) | Say::Last(bytes) | Say::This(bytes)) = &what;
    // Whoever has heard enough hangs up.
    let _ = stream.write_all(bytes).await;
    let _ = stream.flush().await;
    if matches!(what, Say::Hang(_)) {
        core::future::pending().await
    }
}

/// Every name is this machine's, and IANA has an address of its own there.
pub(crate) struct Here;

impl Resolve for Here {
    fn resolve<'a>(
        &'a self,
        name: &'a HostName,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send + 'a>> {
        Box::pin(async move {
            let last = if name.as_str() == "whois.iana.org" {
                2
            } else {
                1
            };
            Ok(vec![[127, 0, 0, last].into()])
        })
    }
}
