//! What we ask: each command with its request, as \[MS-ASHTTP\] wants it, and its body, as \[MS-ASCMD\] and \[MS-ASPROV\] do.

mod body;
mod verb;

use core::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use probe_core::Phase;
use probe_net::http::{Method, Request, RequestError, Url};
use probe_net::sasl::Credentials;

use crate::options::Device;
use crate::wbxml::WbxmlError;

pub use verb::{Directory, UnknownVersion, Verb, Version};

/// How a request names its command: the two forms of \[MS-ASHTTP\] section 2.2.1.1.1.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum QueryForm {
    /// In octets, as base64. Some servers take the device for another one then.
    Base64,
    /// In words, which every version takes.
    #[default]
    Plain,
}

/// One question, with all that it needs.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// That the policy of this temporary key is followed.
    Acknowledge {
        /// The key that the server gave with the policy.
        key: String,
        /// How far it is followed (\[MS-ASPROV\] section 2.2.2.54.1).
        status: u8,
    },
    /// What there is for whoever does not say who asks.
    Anonymous,
    /// How a token is to be had: asked for by an empty one.
    Bearer,
    /// Deletes an item of this folder for good, and says what else is new.
    Delete {
        /// The id of the folder.
        folder: String,
        /// The key of the last Sync.
        key: String,
        /// The id of the item.
        item: String,
    },
    /// How many items of this folder are new since this key.
    Estimate {
        /// The id of the folder.
        folder: String,
        /// The key of the last Sync.
        key: String,
    },
    /// Which folders there are.
    Folders,
    /// An item of this folder as it was sent.
    Fetch {
        /// The id of the folder.
        folder: String,
        /// The key of the last Sync.
        key: String,
        /// The id of the item.
        item: String,
        /// So many octets at most.
        octets: u32,
    },
    /// Whether a virtual directory is well.
    Health(Directory),
    /// What is new in this folder since this key.
    Items {
        /// The id of the folder.
        folder: String,
        /// The key of the last Sync.
        key: String,
        /// So many items are to come at most, of the last day; with 0 none, and only that it works is asked.
        most: u16,
    },
    /// Which versions and commands there are.
    Options,
    /// Whether something changes in this folder for so long.
    Ping {
        /// The id of the folder.
        folder: String,
        /// For how long to watch.
        heartbeat: Duration,
    },
    /// That items of this folder will be asked for.
    Prime {
        /// The id of the folder.
        folder: String,
    },
    /// Which policy is to be followed, and which device asks.
    Provision,
    /// Which addresses the user has.
    User,
}

/// What every request of a session has in common.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Session {
    /// Where ActiveSync is.
    pub base: Url,
    /// Which version is spoken.
    pub version: Version,
    /// The key of the policy that is followed.
    pub policy_key: Option<String>,
    /// Who we are.
    pub device: Device,
    /// Whose mailbox.
    pub user: String,
    /// How commands are named.
    pub form: QueryForm,
}

impl Command {
    /// Asking the virtual directories how they are.
    pub(crate) const HEALTH: Phase = Phase::new("health");

    /// The command of the protocol, if it is one.
    pub const fn verb(&self) -> Option<Verb> {
        Some(match self {
            Self::Anonymous | Self::Bearer | Self::Health(_) => return None,
            Self::Acknowledge { .. } | Self::Provision => Verb::Provision,
            Self::Estimate { .. } => Verb::GetItemEstimate,
            Self::Folders => Verb::FolderSync,
            Self::Delete { .. } | Self::Fetch { .. } | Self::Items { .. } | Self::Prime { .. } => {
                Verb::Sync
            }
            Self::Options => Verb::Options,
            Self::Ping { .. } => Verb::Ping,
            Self::User => Verb::Settings,
        })
    }

    /// The phase that its time is booked to.
    pub const fn phase(&self) -> Phase {
        match (self, self.verb()) {
            (_, Some(verb)) => verb.phase(),
            (Self::Health(_), None) => Self::HEALTH,
            (_, None) => Phase::new("anonymous"),
        }
    }

    /// The request, as whoever these credentials belong to.
    ///
    /// # Errors
    /// Something in it cannot stand in a request.
    pub fn request(
        &self,
        session: &Session,
        credentials: Option<&Credentials>,
    ) -> Result<Request, CommandError> {
        let request = match self {
            Self::Health(directory) => {
                let page = format!("/{}/healthcheck.htm", directory.as_str());
                Request::get(join(&session.base, &page)?)
            }
            Self::Anonymous => Request::new(Method::Options, session.base.clone()),
            // As Microsoft's own check of modern authentication does.
            Self::Bearer => {
                Request::get(session.base.clone()).with_header("authorization", "Bearer ")?
            }
            Self::Options => {
                let request = Request::new(Method::Options, session.base.clone());
                identified(request, credentials)?
            }
            _ => identified(self.post(session)?, credentials)?,
        };
        Ok(request.taking_gzip().in_phase(self.phase()))
    }

    fn post(&self, session: &Session) -> Result<Request, CommandError> {
        const WBXML: &str = "application/vnd.ms-sync.wbxml";
        let url = join(&session.base, &format!("?{}", self.query(session)))?;
        let body = body::of(self, session).map_err(CommandError::Body)?;
        let request = Request::post(url, body).with_header("content-type", WBXML)?;
        // In base64 the query has the rest.
        if session.form == QueryForm::Base64 {
            return Ok(request);
        }
        let request = request.with_header("ms-asprotocolversion", session.version.as_str())?;
        Ok(match self.policy_key(session) {
            Some(key) => request.with_header("x-ms-policykey", key)?,
            None => request,
        })
    }

    /// The key that the request shows. The first phase of provisioning begins without one (\[MS-ASPROV\] section 3.1.5.1.1),
    /// the second shows the temporary one, and Ping needs none (section 3.2.5.1).
    fn policy_key<'a>(&'a self, session: &'a Session) -> Option<&'a str> {
        match self {
            Self::Acknowledge { key, .. } => Some(key),
            Self::Provision | Self::Ping { .. } => None,
            _ => session.policy_key.as_deref(),
        }
    }

    fn query(&self, session: &Session) -> String {
        let verb = self.verb().unwrap_or(Verb::Options);
        let Session { device, user, .. } = session;
        match session.form {
            QueryForm::Plain => format!(
                "Cmd={verb}&User={}&DeviceId={}&DeviceType={}",
                percent(user),
                percent(&device.id),
                percent(Device::TYPE),
            ),
            // As it is: +, / and = may stand in a query (RFC 3986 section 3.4), and servers take nothing else.
            QueryForm::Base64 => STANDARD.encode(self.octets(verb, session)),
        }
    }

    /// \[MS-ASHTTP\] section 2.2.1.1.1.1.
    fn octets(&self, verb: Verb, session: &Session) -> Vec<u8> {
        /// US English.
        const LOCALE: u16 = 0x0409;
        /// The parameter that names the user.
        const USER: u8 = 8;
        let mut octets = vec![session.version.as_octet(), verb.as_octet()];
        octets.extend(LOCALE.to_le_bytes());
        put(&mut octets, session.device.id.as_bytes());
        let key = self.policy_key(session).and_then(|key| key.parse().ok());
        match key.map(u32::to_le_bytes) {
            Some(key) => put(&mut octets, &key),
            None => put(&mut octets, &[]),
        }
        put(&mut octets, Device::TYPE.as_bytes());
        octets.push(USER);
        put(&mut octets, session.user.as_bytes());
        octets
    }
}

fn identified(
    request: Request,
    credentials: Option<&Credentials>,
) -> Result<Request, CommandError> {
    match credentials {
        Some(credentials) => Ok(request.with_credentials(credentials)?),
        None => Ok(request),
    }
}

fn join(base: &Url, reference: &str) -> Result<Url, CommandError> {
    let joined = base.join(reference);
    joined.map_err(|error| CommandError::Address(error.to_string()))
}

/// Length and octets.
fn put(into: &mut Vec<u8>, octets: &[u8]) {
    let length = u8::try_from(octets.len()).unwrap_or(u8::MAX);
    into.push(length);
    into.extend(octets.iter().take(usize::from(length)));
}

/// Everything but what RFC 3986 section 2.3 reserves for nothing.
pub(crate) fn percent(text: &str) -> String {
    let mut shown = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                shown.push(char::from(byte));
            }
            other => shown.push_str(&format!("%{other:02X}")),
        }
    }
    shown
}

/// Why a command cannot be put into a request.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// Its address.
    #[error("the address of the request: {0}")]
    Address(String),
    /// Its body.
    #[error("the body of the request: {0}")]
    Body(WbxmlError),
    /// One of its headers.
    #[error(transparent)]
    Header(#[from] RequestError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wbxml::Document;
    use crate::wbxml::tags::provision;

    fn session(version: Version, form: QueryForm) -> Session {
        Session {
            base: "https://mail.example.org/Microsoft-Server-ActiveSync"
                .parse()
                .unwrap(),
            version,
            policy_key: None,
            device: Device::new("v140Device").unwrap(),
            user: "alice@example.org".to_owned(),
            form,
        }
    }

    #[test]
    fn a_plain_query_has_its_parameters_in_the_order_of_the_specification() {
        let session = session(Version::V14_1, QueryForm::Plain);
        let expected =
            "Cmd=FolderSync&User=alice%40example.org&DeviceId=v140Device&DeviceType=mailprobe";
        assert_eq!(Command::Folders.query(&session), expected);
    }

    /// The vector of \[MS-ASHTTP\] section 4.2, whose device is of another type and whose user is not named.
    #[test]
    fn a_query_in_base64_has_key_and_type_where_the_specification_has_them() {
        let mut session = session(Version::V14_0, QueryForm::Base64);
        let prime = Command::Prime {
            folder: "1".to_owned(),
        };
        let octets = prime.octets(Verb::Sync, &session);
        let expected = b"\x8c\x00\x09\x04\x0av140Device\x00\x09mailprobe\x08\x11alice@example.org";
        assert_eq!(octets, expected);
        session.policy_key = Some("3942919513".to_owned());
        let octets = prime.octets(Verb::Sync, &session);
        let expected = b"\x8c\x00\x09\x04\x0av140Device\x04\x59\x2d\x04\xeb\x09mailprobe\x08\x11alice@example.org";
        assert_eq!(octets, expected);
        assert!(!prime.query(&session).contains('%'));
    }

    #[test]
    fn the_first_phase_of_provisioning_and_ping_show_no_key() {
        let mut session = session(Version::V16_1, QueryForm::Plain);
        session.policy_key = Some("7".to_owned());
        assert_eq!(Command::Provision.policy_key(&session), None);
        let ping = Command::Ping {
            folder: "1".to_owned(),
            heartbeat: Duration::from_secs(60),
        };
        assert_eq!(ping.policy_key(&session), None);
        assert_eq!(Command::Folders.policy_key(&session), Some("7"));
        let acknowledge = Command::Acknowledge {
            key: "8".to_owned(),
            status: 1,
        };
        assert_eq!(acknowledge.policy_key(&session), Some("8"));
    }

    #[test]
    fn the_device_says_what_it_is_where_the_version_wants_it() {
        let shown = |version| {
            let body = body::of(&Command::Provision, &session(version, QueryForm::Plain));
            Document::decode(body.unwrap()).unwrap().to_string()
        };
        assert!(shown(Version::V16_1).contains("<Model>mailprobe</Model>"));
        assert!(shown(Version::V14_1).contains("<Model>mailprobe</Model>"));
        assert!(!shown(Version::V14_0).contains("Model"));
        let first = |version| shown(version).lines().nth(1).unwrap().trim().to_owned();
        // It comes before the policies.
        assert_eq!(first(Version::V14_1), "<Settings:DeviceInformation>");
    }

    #[test]
    fn a_key_of_zero_never_asks_for_changes_and_items_come_without_a_body() {
        let session = session(Version::V16_1, QueryForm::Plain);
        let shown = |command: &Command| {
            let body = body::of(command, &session).unwrap();
            Document::decode(body).unwrap().to_string()
        };
        let prime = shown(&Command::Prime {
            folder: "mail/INBOX".to_owned(),
        });
        assert!(!prime.contains("GetChanges"), "{prime}");
        let items = shown(&Command::Items {
            folder: "1".to_owned(),
            key: "k".to_owned(),
            most: 1,
        });
        assert!(items.contains("<WindowSize>1</WindowSize>"), "{items}");
        assert!(
            items.contains("<TruncationSize>0</TruncationSize>"),
            "{items}"
        );
        let none = shown(&Command::Items {
            folder: "1".to_owned(),
            key: "k".to_owned(),
            most: 0,
        });
        assert!(none.contains("<GetChanges>0</GetChanges>"), "{none}");
    }

    #[test]
    fn the_key_of_a_policy_comes_before_its_status() {
        let session = session(Version::V14_1, QueryForm::Plain);
        let acknowledge = Command::Acknowledge {
            key: "4294967295".to_owned(),
            status: 1,
        };
        let document = Document::decode(body::of(&acknowledge, &session).unwrap()).unwrap();
        let policy = document
            .root()
            .find(&[provision::POLICIES, provision::POLICY])
            .unwrap();
        let tags: Vec<_> = policy.children().map(|child| child.tag()).collect();
        let expected = [
            provision::POLICY_TYPE,
            provision::POLICY_KEY,
            provision::STATUS,
        ];
        assert_eq!(tags, expected);
    }
}
