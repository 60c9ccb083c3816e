//! The bodies of commands: WBXML in the order that \[MS-ASCMD\] and \[MS-ASPROV\] want.

use super::{Command, Session, Version};
use crate::options::Device;
use crate::wbxml::tags::{air_sync, air_sync_base, folder_hierarchy, get_item_estimate};
use crate::wbxml::tags::{ping, provision, settings};
use crate::wbxml::{Builder, WbxmlError};

const POLICY_TYPE: &str = "MS-EAS-Provisioning-WBXML";
const EMAIL: &str = "Email";

/// The body of a command; empty where it has none.
pub(super) fn of(command: &Command, session: &Session) -> Result<Vec<u8>, WbxmlError> {
    let version = session.version;
    match command {
        Command::Anonymous | Command::Bearer | Command::Health(_) | Command::Options => {
            Ok(Vec::new())
        }
        Command::User => Builder::new(settings::SETTINGS)
            .element(settings::USER_INFORMATION, |it| it.empty(settings::GET))
            .finish(),
        Command::Folders => Builder::new(folder_hierarchy::FOLDER_SYNC)
            .text(folder_hierarchy::SYNC_KEY, "0")
            .finish(),
        Command::Provision => Builder::new(provision::PROVISION)
            // Without it 16.1 refuses (status 165); before 14.1 there is no room for it (\[MS-ASPROV\] section 2.2.2.54).
            .when(version >= Version::V14_1, |it| {
                device_information(it, &session.device)
            })
            .element(provision::POLICIES, |it| {
                it.element(provision::POLICY, |it| {
                    it.text(provision::POLICY_TYPE, POLICY_TYPE)
                })
            })
            .finish(),
        Command::Acknowledge { key, status } => Builder::new(provision::PROVISION)
            .element(provision::POLICIES, |it| {
                it.element(provision::POLICY, |it| {
                    it.text(provision::POLICY_TYPE, POLICY_TYPE)
                        .text(provision::POLICY_KEY, key)
                        .number(provision::STATUS, u64::from(*status))
                })
            })
            .finish(),
        Command::Prime { folder } => sync(version, folder, "0", |it| it),
        Command::Items { folder, key, most } => sync(version, folder, key, |it| items(it, *most)),
        Command::Delete { folder, key, item } => sync(version, folder, key, |it| {
            // Not into the folder for deleted items (\[MS-ASCMD\] section 2.2.3.46).
            it.number(air_sync::DELETES_AS_MOVES, 0)
                .number(air_sync::GET_CHANGES, 0)
                .element(air_sync::COMMANDS, |it| {
                    it.element(air_sync::DELETE, |it| it.text(air_sync::SERVER_ID, item))
                })
        }),
        Command::Fetch {
            folder,
            key,
            item,
            octets,
        } => sync(version, folder, key, |it| fetch(it, item, *octets)),
        Command::Estimate { folder, key } => estimate(version, folder, key),
        Command::Ping { folder, heartbeat } => Builder::new(ping::PING)
            .number(ping::HEARTBEAT_INTERVAL, heartbeat.as_secs())
            .element(ping::FOLDERS, |it| {
                it.element(ping::FOLDER, |it| {
                    it.text(ping::ID, folder).text(ping::CLASS, EMAIL)
                })
            })
            .finish(),
    }
}

/// What a phone says of itself; nothing of it is anybody's.
fn device_information(it: Builder, device: &Device) -> Builder {
    it.element(settings::DEVICE_INFORMATION, |it| {
        it.element(settings::SET, |it| {
            it.text(settings::MODEL, Device::TYPE)
                .text(settings::FRIENDLY_NAME, &device.name)
                .text(settings::OS, Device::TYPE)
                .text(settings::OS_LANGUAGE, "en")
                .text(settings::USER_AGENT, Device::TYPE)
        })
    })
}

/// A Sync of one folder. The order is that of \[MS-ASCMD\] section 2.2.3.29.2; GetChanges never comes with key 0 (section
/// 2.2.3.84).
fn sync(
    version: Version,
    folder: &str,
    key: &str,
    rest: impl FnOnce(Builder) -> Builder,
) -> Result<Vec<u8>, WbxmlError> {
    Builder::new(air_sync::SYNC)
        .element(air_sync::COLLECTIONS, |it| {
            it.element(air_sync::COLLECTION, |it| {
                rest(
                    it.when(version.wants_class(), |it| it.text(air_sync::CLASS, EMAIL))
                        .text(air_sync::SYNC_KEY, key)
                        .text(air_sync::COLLECTION_ID, folder),
                )
            })
        })
        .finish()
}

/// So many items of the last day at most, and as little of their bodies as the server gives.
fn items(it: Builder, most: u16) -> Builder {
    /// Of the last day.
    const ONE_DAY: u64 = 1;
    /// As plain text.
    const PLAIN: u64 = 1;
    if most == 0 {
        return it.number(air_sync::GET_CHANGES, 0);
    }
    it.number(air_sync::GET_CHANGES, 1)
        .number(air_sync::WINDOW_SIZE, u64::from(most))
        .element(air_sync::OPTIONS, |it| {
            it.number(air_sync::FILTER_TYPE, ONE_DAY).element(
                air_sync_base::BODY_PREFERENCE,
                |it| {
                    it.number(air_sync_base::TYPE, PLAIN)
                        .number(air_sync_base::TRUNCATION_SIZE, 0)
                },
            )
        })
}

/// One item, byte for byte.
fn fetch(it: Builder, item: &str, octets: u32) -> Builder {
    /// All of it, as it was sent.
    const MIME: u64 = 4;
    /// For every message, not only for signed ones.
    const ALWAYS: u64 = 2;
    it.number(air_sync::GET_CHANGES, 0)
        .element(air_sync::OPTIONS, |it| {
            it.number(air_sync::MIME_SUPPORT, ALWAYS).element(
                air_sync_base::BODY_PREFERENCE,
                |it| {
                    it.number(air_sync_base::TYPE, MIME)
                        .number(air_sync_base::TRUNCATION_SIZE, u64::from(octets))
                },
            )
        })
        .element(air_sync::COMMANDS, |it| {
            it.element(air_sync::FETCH, |it| it.text(air_sync::SERVER_ID, item))
        })
}

/// The order of 14.0 and later, and that of 12.1 (\[MS-ASCMD\] section 2.2.3.29.1).
fn estimate(version: Version, folder: &str, key: &str) -> Result<Vec<u8>, WbxmlError> {
    Builder::new(get_item_estimate::GET_ITEM_ESTIMATE)
        .element(get_item_estimate::COLLECTIONS, |it| {
            it.element(get_item_estimate::COLLECTION, |it| {
                match version.wants_class() {
                    true => it
                        .text(get_item_estimate::CLASS, EMAIL)
                        .text(get_item_estimate::COLLECTION_ID, folder)
                        .text(air_sync::FILTER_TYPE, "0")
                        .text(air_sync::SYNC_KEY, key),
                    false => it
                        .text(air_sync::SYNC_KEY, key)
                        .text(get_item_estimate::COLLECTION_ID, folder),
                }
            })
        })
        .finish()
}
