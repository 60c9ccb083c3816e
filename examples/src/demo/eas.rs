//! ActiveSync servers: one that phones can work with, and some of the reasons for which they cannot.

use core::time::Duration;

use eas_probe::wbxml::tags::{air_sync, folder_hierarchy, get_item_estimate, ping, provision};
use eas_probe::wbxml::{Builder, Tag, WbxmlError};
use eas_probe::{EasProbe, Rung};
use probe_core::Thresholds;
use probe_net::sasl::Credentials;
use probe_testkit::{Authority, Say, WebRequest};

use super::{BoxError, NAME, Scene, net};

const WBXML: &str = "Content-Type: application/vnd.ms-sync.wbxml\r\n";
const OFFER: &str = "MS-ASProtocolVersions: 14.1,16.1\r\nMS-ASProtocolCommands: FolderSync,Provision,Sync,Ping\r\n\
    MS-Server-ActiveSync: 15.2\r\n";

pub(super) fn scenes(ca: &Authority) -> Result<Vec<Scene>, BoxError> {
    let alice = EasProbe::builder(net(ca))
        .server_name(NAME.parse()?)
        .credentials(Credentials::password("alice", "wonderland")?)
        .health(false);
    let climbing = alice
        .clone()
        .up_to(Rung::Ping)
        .heartbeat(Duration::from_secs(60));
    let days = Thresholds::new(Some("7:".parse()?), None);
    let wary = alice.clone().up_to(Rung::Folders).password_days(days);
    let at = ca.identity([NAME]);
    let folders = folders()?;
    let told = |story, command: &'static str, say: Say| -> Result<Scene, BoxError> {
        let well = well()?;
        let answer = move |request: &WebRequest| match is(request, command) {
            true => say.clone(),
            false => well(request),
        };
        Ok(Scene::web(story, &at, answer, alice.clone().build()?))
    };
    let number = |command: Tag, tag, number| {
        let body = Builder::new(command).number(tag, number).finish()?;
        Ok::<_, WbxmlError>(Say::page(200, WBXML, body))
    };
    let (sync, status) = (folder_hierarchy::FOLDER_SYNC, folder_hierarchy::STATUS);
    let wipe = Builder::new(provision::PROVISION)
        .number(provision::STATUS, 1)
        .empty(provision::REMOTE_WIPE)
        .finish()?;
    let expiring = format!("{WBXML}X-MS-Credentials-Expire: 3\r\n");
    let ending = {
        let well = well()?;
        move |request: &WebRequest| match is(request, "FolderSync") {
            true => Say::page(200, &expiring, &folders),
            false => well(request),
        }
    };
    Ok(vec![
        Scene::web("a phone can work", &at, well()?, climbing.build()?),
        told(
            "the phone is blocked",
            "FolderSync",
            number(sync, status, 129)?,
        )?,
        told(
            "the mailbox server is offline",
            "FolderSync",
            number(sync, status, 114)?,
        )?,
        told(
            "IMAP is gone, and all says success",
            "FolderSync",
            number(sync, status, 1)?,
        )?,
        told(
            "asked too often",
            "OPTIONS",
            Say::page(503, "Retry-After: 300\r\n", ""),
        )?,
        told(
            "ordered to forget everything",
            "Provision",
            Say::page(200, WBXML, wipe),
        )?,
        Scene::web(
            "the password ends in three days",
            &at,
            ending,
            wary.build()?,
        ),
    ])
}

/// Whether a request that says who asks is for this command.
fn is(request: &WebRequest, command: &str) -> bool {
    let names_it = request.target().contains(&format!("Cmd={command}&"));
    let is_ours = request.method() == command && request.header("authorization").is_some();
    names_it || is_ours
}

/// What a well server says.
fn well() -> Result<impl Fn(&WebRequest) -> Say + Clone + Send + Sync + 'static, WbxmlError> {
    let answers = [
        ("FolderSync", folders()?),
        ("Provision", policy()?),
        ("Sync", key()?),
        ("GetItemEstimate", estimate()?),
        ("Ping", limit()?),
    ];
    Ok(move |request: &WebRequest| {
        if is(request, "OPTIONS") {
            return Say::page(200, OFFER, "");
        }
        let known = answers.iter().find(|(command, _)| is(request, command));
        match known {
            Some((_, body)) => Say::page(200, WBXML, body),
            None => Say::page(401, "WWW-Authenticate: Basic realm=\"mail\"\r\n", ""),
        }
    })
}

fn folders() -> Result<Vec<u8>, WbxmlError> {
    Builder::new(folder_hierarchy::FOLDER_SYNC)
        .number(folder_hierarchy::STATUS, 1)
        .element(folder_hierarchy::CHANGES, |it| {
            it.element(folder_hierarchy::ADD, |it| {
                it.text(folder_hierarchy::SERVER_ID, "5")
                    .text(folder_hierarchy::DISPLAY_NAME, "Inbox")
                    .number(folder_hierarchy::TYPE, 2)
            })
        })
        .finish()
}

/// There is none.
fn policy() -> Result<Vec<u8>, WbxmlError> {
    Builder::new(provision::PROVISION)
        .number(provision::STATUS, 1)
        .element(provision::POLICIES, |it| {
            it.element(provision::POLICY, |it| it.number(provision::STATUS, 2))
        })
        .finish()
}

fn key() -> Result<Vec<u8>, WbxmlError> {
    Builder::new(air_sync::SYNC)
        .element(air_sync::COLLECTIONS, |it| {
            it.element(air_sync::COLLECTION, |it| {
                it.text(air_sync::SYNC_KEY, "1")
                    .text(air_sync::COLLECTION_ID, "5")
                    .number(air_sync::STATUS, 1)
            })
        })
        .finish()
}

fn estimate() -> Result<Vec<u8>, WbxmlError> {
    Builder::new(get_item_estimate::GET_ITEM_ESTIMATE)
        .element(get_item_estimate::RESPONSE, |it| {
            it.number(get_item_estimate::STATUS, 1)
                .element(get_item_estimate::COLLECTION, |it| {
                    it.number(get_item_estimate::ESTIMATE, 7)
                })
        })
        .finish()
}

/// For longer only: said at once.
fn limit() -> Result<Vec<u8>, WbxmlError> {
    Builder::new(ping::PING)
        .number(ping::STATUS, 5)
        .number(ping::HEARTBEAT_INTERVAL, 120)
        .finish()
}
