//! A server that says what Exchange says, but for what a test wants it to say otherwise.

#![allow(dead_code, reason = "not every suite needs all of it")]

use std::sync::atomic::{AtomicUsize, Ordering};

use eas_probe::wbxml::tags::{
    air_sync, folder_hierarchy, get_item_estimate, ping, provision, settings,
};
use eas_probe::wbxml::{Builder, Document};
use eas_probe::{EasFacts, EasProbe, Options, Rung};
use probe_core::{Context, Finding, Host, Probe, Report, Target};
use probe_net::Net;
use probe_net::sasl::Credentials;
use probe_net::tls::Tls;
use probe_testkit::{Authority, Say, Web, WebRequest};

pub(crate) const NAME: &str = "mail.example.org";
pub(crate) const WBXML: &str = "Content-Type: application/vnd.ms-sync.wbxml\r\n\
    X-FEServer: FE01\r\nX-BEServer: BE07\r\nrequest-id: 5b2e\r\n";
pub(crate) const VERSIONS: &str = "MS-ASProtocolVersions: 2.5, 12.0, 12.1, 14.0, 14.1, 16.0, 16.1\r\n\
    MS-ASProtocolCommands: Sync,SendMail,FolderSync,GetItemEstimate,Settings,Ping,Provision\r\n\
    MS-Server-ActiveSync: 15.2\r\nSet-Cookie: X-BackEndCookie=secret-affinity; path=/; secure\r\n";

/// The command that a request names.
pub(crate) fn command(request: &WebRequest) -> &str {
    let query = request.target().split_once("?Cmd=");
    let command = query.and_then(|(_, rest)| rest.split('&').next());
    command.unwrap_or_default()
}

/// What a well server says.
pub(crate) fn well(request: &WebRequest) -> Say {
    let is_named = request
        .header("authorization")
        .is_some_and(|it| it.starts_with("Basic "));
    match (request.method(), command(request)) {
        ("GET", _) if request.target().ends_with("/healthcheck.htm") => Say::page(
            200,
            "Content-Type: text/html\r\n",
            "200 OK<br/>EX01.EXAMPLE.ORG",
        ),
        ("GET", _) => Say::page(
            401,
            "WWW-Authenticate: Bearer client_id=\"0\", authorization_uri=\"https://login.example.org/a\"\r\n",
            "",
        ),
        _ if !is_named => Say::page(401, "WWW-Authenticate: Basic realm=\"mail\"\r\n", ""),
        ("OPTIONS", _) => Say::page(200, VERSIONS, ""),
        (_, "Settings") => page(&user()),
        (_, "FolderSync") => page(&folders()),
        (_, "Provision") if body(request).contains("PolicyKey") => page(&policy(1, Some("4242"))),
        (_, "Provision") => page(&policy(1, Some("1111"))),
        (_, "Sync") if body(request).contains("<SyncKey>0<") => page(&synced("k1", 0)),
        (_, "Sync") if body(request).contains("<GetChanges>0<") => page(b""),
        (_, "Sync") => page(&synced("k2", 1)),
        (_, "GetItemEstimate") => page(&estimate(7)),
        (_, "Ping") => page(&pinged(1, None)),
        other => panic!("{other:?} is not asked by a probe"),
    }
}

/// The body of a request, as text.
pub(crate) fn body(request: &WebRequest) -> String {
    Document::decode(request.body.clone()).unwrap().to_string()
}

pub(crate) fn page(body: &[u8]) -> Say {
    Say::page(200, WBXML, body)
}

pub(crate) fn user() -> Vec<u8> {
    Builder::new(settings::SETTINGS)
        .number(settings::STATUS, 1)
        .element(settings::USER_INFORMATION, |it| {
            it.number(settings::STATUS, 1).element(settings::GET, |it| {
                it.element(settings::ACCOUNTS, |it| {
                    it.element(settings::ACCOUNT, |it| {
                        it.element(settings::EMAIL_ADDRESSES, |it| {
                            it.text(settings::SMTP_ADDRESS, "alice@example.org")
                        })
                    })
                })
            })
        })
        .finish()
        .unwrap()
}

pub(crate) fn folders() -> Vec<u8> {
    let folder = |it: Builder, id: &str, name: &str, kind: u64| {
        it.element(folder_hierarchy::ADD, |it| {
            it.text(folder_hierarchy::SERVER_ID, id)
                .text(folder_hierarchy::PARENT_ID, "0")
                .text(folder_hierarchy::DISPLAY_NAME, name)
                .number(folder_hierarchy::TYPE, kind)
        })
    };
    Builder::new(folder_hierarchy::FOLDER_SYNC)
        .number(folder_hierarchy::STATUS, 1)
        .text(folder_hierarchy::SYNC_KEY, "f1")
        .element(folder_hierarchy::CHANGES, |it| {
            let it = it.number(folder_hierarchy::COUNT, 2);
            // The inbox is what its type says, and not what it is called.
            let it = folder(it, "3", "Inbox", 12);
            folder(it, "5", "Posteingang", 2)
        })
        .finish()
        .unwrap()
}

pub(crate) fn policy(status: u64, key: Option<&str>) -> Vec<u8> {
    Builder::new(provision::PROVISION)
        .number(provision::STATUS, 1)
        .element(provision::POLICIES, |it| {
            it.element(provision::POLICY, |it| {
                let it = it
                    .text(provision::POLICY_TYPE, "MS-EAS-Provisioning-WBXML")
                    .number(provision::STATUS, status);
                let it = match key {
                    Some(key) => it.text(provision::POLICY_KEY, key),
                    None => it,
                };
                it.when(key == Some("1111"), |it| {
                    it.element(provision::DATA, |it| {
                        it.element(provision::EAS_PROVISION_DOC, |it| {
                            it.number(provision::DEVICE_PASSWORD_ENABLED, 1)
                                .number(provision::MIN_DEVICE_PASSWORD_LENGTH, 6)
                        })
                    })
                })
            })
        })
        .finish()
        .unwrap()
}

pub(crate) fn synced(key: &str, items: usize) -> Vec<u8> {
    Builder::new(air_sync::SYNC)
        .element(air_sync::COLLECTIONS, |it| {
            it.element(air_sync::COLLECTION, |it| {
                let it = it
                    .text(air_sync::SYNC_KEY, key)
                    .text(air_sync::COLLECTION_ID, "5")
                    .number(air_sync::STATUS, 1);
                it.when(items > 0, |it| {
                    it.empty(air_sync::MORE_AVAILABLE)
                        .element(air_sync::COMMANDS, |it| {
                            (0..items).fold(it, |it, item| {
                                it.element(air_sync::ADD, |it| {
                                    it.text(air_sync::SERVER_ID, format!("5:{item}"))
                                })
                            })
                        })
                })
            })
        })
        .finish()
        .unwrap()
}

pub(crate) fn estimate(items: u64) -> Vec<u8> {
    Builder::new(get_item_estimate::GET_ITEM_ESTIMATE)
        .element(get_item_estimate::RESPONSE, |it| {
            it.number(get_item_estimate::STATUS, 1)
                .element(get_item_estimate::COLLECTION, |it| {
                    it.text(get_item_estimate::COLLECTION_ID, "5")
                        .number(get_item_estimate::ESTIMATE, items)
                })
        })
        .finish()
        .unwrap()
}

pub(crate) fn pinged(status: u64, heartbeat: Option<u64>) -> Vec<u8> {
    let it = Builder::new(ping::PING).number(ping::STATUS, status);
    match heartbeat {
        Some(heartbeat) => it.number(ping::HEARTBEAT_INTERVAL, heartbeat),
        None => it,
    }
    .finish()
    .unwrap()
}

/// An answer that is nothing but a status.
pub(crate) fn status(command: &str, status: u64) -> Vec<u8> {
    let (root, tag) = match command {
        "Sync" => (air_sync::SYNC, air_sync::STATUS),
        "Provision" => (provision::PROVISION, provision::STATUS),
        "Settings" => (settings::SETTINGS, settings::STATUS),
        "Ping" => (ping::PING, ping::STATUS),
        "GetItemEstimate" => (
            get_item_estimate::GET_ITEM_ESTIMATE,
            get_item_estimate::STATUS,
        ),
        _ => (folder_hierarchy::FOLDER_SYNC, folder_hierarchy::STATUS),
    };
    Builder::new(root).number(tag, status).finish().unwrap()
}

/// Counts: the first time, and not again.
#[derive(Debug, Default)]
pub(crate) struct Once(AtomicUsize);

impl Once {
    pub(crate) fn is_first(&self) -> bool {
        self.0.fetch_add(1, Ordering::SeqCst) == 0
    }
}

pub(crate) struct World {
    ca: Authority,
    pub(crate) web: Web,
}

impl World {
    /// A server that says what `otherwise` says, and else what a well one does.
    pub(crate) async fn new(
        otherwise: impl Fn(&WebRequest) -> Option<Say> + Send + Sync + 'static,
    ) -> Self {
        let ca = Authority::new("Test CA");
        let identity = ca.identity([NAME]);
        let answer =
            move |request: &WebRequest| otherwise(request).unwrap_or_else(|| well(request));
        let web = Web::tls(&identity, answer).await.unwrap();
        Self { ca, web }
    }

    pub(crate) fn options(&self) -> Options {
        let net = Net::new(Tls::ring(self.ca.roots()));
        EasProbe::builder(net)
            .server_name(NAME.parse().unwrap())
            .credentials(Credentials::password("alice@example.org", "wonder land").unwrap())
            .up_to(Rung::Ping)
    }

    pub(crate) async fn ask(&self, options: Options) -> Report<EasFacts> {
        let address = self.web.address();
        let target = Target::host(Host::Address(address.ip()), address.port());
        let cx = Context::default().with_transcript();
        options.build().unwrap().probe(&target, &cx).await
    }

    /// What was asked, by names.
    pub(crate) fn asked(&self) -> Vec<String> {
        let heard = self.web.heard();
        let name = |request: &WebRequest| match command(request) {
            "" => format!("{} {}", request.method(), request.target()),
            command => command.to_owned(),
        };
        heard.iter().map(name).collect()
    }
}

pub(crate) fn codes<F>(report: &Report<F>) -> Vec<&'static str> {
    report.findings.iter().map(Finding::code).collect()
}
