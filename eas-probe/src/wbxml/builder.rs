//! Commands, written element by element.

use super::decode::{Limits, decode};
use super::encode::{Opened, Writer};
use super::{Tag, WbxmlError};

/// Writes a document from the outside to the inside.
///
/// ```
/// use eas_probe::wbxml::tags::{provision, settings};
/// use eas_probe::wbxml::{Builder, Document};
///
/// let command = Builder::new(provision::PROVISION)
///     .element(settings::DEVICE_INFORMATION, |it| {
///         it.element(settings::SET, |it| {
///             it.text(settings::MODEL, "probe")
///                 .text(settings::USER_AGENT, "mailprobe")
///         })
///     })
///     .element(provision::POLICIES, |it| {
///         it.element(provision::POLICY, |it| {
///             it.text(provision::POLICY_TYPE, "MS-EAS-Provisioning-WBXML")
///         })
///     })
///     .finish()?;
///
/// assert_eq!(
///     Document::decode(command)?.to_string(),
///     "<Provision:Provision>
///   <Settings:DeviceInformation>
///     <Set>
///       <Model>probe</Model>
///       <UserAgent>mailprobe</UserAgent>
///     </Set>
///   </Settings:DeviceInformation>
///   <Policies>
///     <Policy>
///       <PolicyType>MS-EAS-Provisioning-WBXML</PolicyType>
///     </Policy>
///   </Policies>
/// </Provision:Provision>
/// "
/// );
/// # Ok::<(), eas_probe::wbxml::WbxmlError>(())
/// ```
///
/// What is repeated, is folded:
///
/// ```
/// use eas_probe::wbxml::{Builder, tags::ping};
///
/// let folders = ["1", "2"];
/// let command = Builder::new(ping::PING)
///     .number(ping::HEARTBEAT_INTERVAL, 60)
///     .element(ping::FOLDERS, |it| {
///         folders.iter().fold(it, |it, id| {
///             it.element(ping::FOLDER, |it| it.text(ping::ID, id).text(ping::CLASS, "Email"))
///         })
///     })
///     .finish();
/// assert!(command.is_ok());
/// ```
#[derive(Clone, Debug)]
#[must_use = "a document is whole once it is finished"]
pub struct Builder {
    out: Writer,
    root: Opened,
}

impl Builder {
    /// A document whose outermost element this is.
    pub fn new(root: Tag) -> Self {
        let mut out = Writer::new();
        let root = out.open(root);
        Self { out, root }
    }

    /// An element, and what is within it.
    pub fn element(mut self, tag: Tag, within: impl FnOnce(Self) -> Self) -> Self {
        let opened = self.out.open(tag);
        let mut after = within(self);
        after.out.close(opened);
        after
    }

    /// An element with nothing within it.
    pub fn empty(self, tag: Tag) -> Self {
        self.element(tag, |it| it)
    }

    /// An element with text in it; an empty one if the text is.
    ///
    /// A string of WBXML cannot hold a zero. Text with one is sent as an opaque value: what a server gave, a key or the id
    /// of a folder, is then still repeated to the octet, where cutting or refusing it would be another mistake than the
    /// server's.
    pub fn text(self, tag: Tag, text: impl AsRef<str>) -> Self {
        let text = text.as_ref().as_bytes();
        if text.contains(&0) {
            return self.opaque(tag, text);
        }
        self.element(tag, |mut it| {
            if !text.is_empty() {
                it.out.string(text);
            }
            it
        })
    }

    /// An element with a number in it.
    pub fn number(self, tag: Tag, number: u64) -> Self {
        self.text(tag, number.to_string())
    }

    /// An element with octets in it; an empty one if there are none.
    pub fn opaque(self, tag: Tag, octets: impl AsRef<[u8]>) -> Self {
        let octets = octets.as_ref();
        self.element(tag, |mut it| {
            if !octets.is_empty() {
                it.out.opaque(octets);
            }
            it
        })
    }

    /// What is written only under a condition, such as that of a version of the protocol.
    pub fn when(self, condition: bool, then: impl FnOnce(Self) -> Self) -> Self {
        if condition { then(self) } else { self }
    }

    /// The document's octets, which were read once as a test: what [`Document::decode`](super::Document::decode) would
    /// refuse, because it is too deep or too large, is not sent.
    pub fn finish(mut self) -> Result<Vec<u8>, WbxmlError> {
        self.out.close(self.root);
        decode(&self.out.bytes, &Limits::default())?;
        Ok(self.out.bytes)
    }
}
