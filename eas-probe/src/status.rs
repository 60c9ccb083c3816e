//! What servers answer by number: HTTP's status, and the status in a body, which commands share (from 101 on) or have for
//! themselves. Each has its name, its cause, the kind of failure that it is, and the finding that says what to do.

use probe_core::{FailureKind, FindingKind};

use crate::command::Verb;
use crate::findings::{
    ACCOUNT_BLOCKED, BACKEND_GONE, BAD_REQUEST, COMMAND_UNSUPPORTED, CREDENTIALS, DEVICE_BLOCKED,
    DEVICE_INFORMATION, DEVICES_TOO_MANY, DIRECTORY, ENCRYPTION_MISSING, MAILBOX_OFFLINE,
    NO_MAILBOX, NOT_HERE, PASSWORD_EXPIRED, PROVISIONING, QUOTA, RELOCATED, SERVER_BUSY,
    SERVER_ERROR, STATE_LOST, USER_DISABLED, VERSION_REFUSED, WIPE,
};

use FailureKind::{Credentials, Permanent, Policy, Protocol, Quota, Temporary, Unsupported};

/// What a number means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Meaning {
    /// The number.
    pub code: u16,
    /// Its name: in RFC 9110, or in the status tables of \[MS-ASCMD\] section 2.2.2.
    pub name: &'static str,
    /// What it says, in a few words.
    pub cause: &'static str,
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// What to think of it, and what to do.
    pub finding: &'static FindingKind,
}

impl Meaning {
    pub(crate) const fn new(
        code: u16,
        name: &'static str,
        cause: &'static str,
        kind: FailureKind,
        finding: &'static FindingKind,
    ) -> Self {
        Self {
            code,
            name,
            cause,
            kind,
            finding,
        }
    }

    /// Of an HTTP status that is no success (\[MS-ASHTTP\] section 2.2.2.1.1).
    pub fn of_http(status: u16) -> Option<&'static Self> {
        find(HTTP, status)
    }

    /// Of a status in the body of this command's answer. What is no failure has none.
    pub fn of_body(verb: Verb, status: u16) -> Option<&'static Self> {
        match status {
            0..=100 => find(of_command(verb), status),
            _ => find(COMMON, status),
        }
    }
}

fn find(table: &'static [Meaning], code: u16) -> Option<&'static Meaning> {
    table.iter().find(|meaning| meaning.code == code)
}

const fn of_command(verb: Verb) -> &'static [Meaning] {
    match verb {
        Verb::FolderSync => FOLDER_SYNC,
        Verb::Sync => SYNC,
        Verb::Ping => PING,
        Verb::Provision => PROVISION,
        Verb::GetItemEstimate => ESTIMATE,
        Verb::Settings => SETTINGS,
        Verb::Options => &[],
    }
}

#[rustfmt::skip]
static HTTP: &[Meaning] = &[
    Meaning::new(400, "Bad Request", "the request is malformed, or was damaged on its way", Protocol, &BAD_REQUEST),
    Meaning::new(401, "Unauthorized", "the credentials were refused", Credentials, &CREDENTIALS),
    Meaning::new(403, "Forbidden", "the user or the device may not use ActiveSync", Policy, &USER_DISABLED),
    Meaning::new(404, "Not Found", "there is no ActiveSync at this address", Unsupported, &NOT_HERE),
    Meaning::new(405, "Method Not Allowed", "there is something else at this address", Unsupported, &NOT_HERE),
    Meaning::new(407, "Proxy Authentication Required", "a proxy before the server wants credentials", Policy, &BACKEND_GONE),
    Meaning::new(408, "Request Timeout", "the server did not wait for the whole request", Temporary, &SERVER_BUSY),
    Meaning::new(413, "Content Too Large", "something before the server takes no request of this size", Policy, &BAD_REQUEST),
    Meaning::new(429, "Too Many Requests", "the server is asked too often", Temporary, &SERVER_BUSY),
    Meaning::new(449, "Retry after Provisioning", "the device must be provisioned first", Policy, &PROVISIONING),
    Meaning::new(451, "Redirect", "another server has the mailbox", Permanent, &RELOCATED),
    Meaning::new(456, "Account Blocked", "the account is blocked", Credentials, &ACCOUNT_BLOCKED),
    Meaning::new(457, "Password Expired", "the password has expired", Credentials, &PASSWORD_EXPIRED),
    Meaning::new(500, "Internal Server Error", "the server failed", Permanent, &SERVER_ERROR),
    Meaning::new(501, "Not Implemented", "the server does not know the command", Unsupported, &COMMAND_UNSUPPORTED),
    Meaning::new(502, "Bad Gateway", "the proxy does not reach the server behind it", Permanent, &BACKEND_GONE),
    Meaning::new(503, "Service Unavailable", "the server is overloaded, or slows this client down", Temporary, &SERVER_BUSY),
    Meaning::new(504, "Gateway Timeout", "the server behind the proxy does not answer in time", Permanent, &BACKEND_GONE),
    Meaning::new(505, "HTTP Version Not Supported", "the server does not speak HTTP/1.1", Unsupported, &NOT_HERE),
    Meaning::new(507, "Insufficient Storage", "the mailbox is full", Quota, &QUOTA),
];

/// \[MS-ASCMD\] section 2.2.2, in the names that it has.
#[rustfmt::skip]
static COMMON: &[Meaning] = &[
    Meaning::new(101, "InvalidContent", "the body is not what the command takes", Protocol, &BAD_REQUEST),
    Meaning::new(102, "InvalidWBXML", "the body is no WBXML", Protocol, &BAD_REQUEST),
    Meaning::new(103, "InvalidXML", "the body is no XML of the schema", Protocol, &BAD_REQUEST),
    Meaning::new(104, "InvalidDateTime", "a date is malformed", Protocol, &BAD_REQUEST),
    Meaning::new(105, "InvalidCombinationOfIDs", "the ids do not belong together", Protocol, &BAD_REQUEST),
    Meaning::new(106, "InvalidIDs", "an id is malformed", Protocol, &BAD_REQUEST),
    Meaning::new(107, "InvalidMIME", "the message is malformed", Protocol, &BAD_REQUEST),
    Meaning::new(108, "DeviceIdMissingOrInvalid", "the device id is missing or malformed", Protocol, &BAD_REQUEST),
    Meaning::new(109, "DeviceTypeMissingOrInvalid", "the device type is missing or malformed", Protocol, &BAD_REQUEST),
    Meaning::new(110, "ServerError", "the server failed, and will again", Permanent, &SERVER_ERROR),
    Meaning::new(111, "ServerErrorRetryLater", "the server failed for now", Temporary, &SERVER_BUSY),
    Meaning::new(112, "ActiveDirectoryAccessDenied", "the server may not read the user in its directory", Permanent, &DIRECTORY),
    Meaning::new(113, "MailboxQuotaExceeded", "the mailbox is full", Quota, &QUOTA),
    Meaning::new(114, "MailboxServerOffline", "the server that has the mailbox is offline", Permanent, &MAILBOX_OFFLINE),
    Meaning::new(115, "SendQuotaExceeded", "the user may send no more", Quota, &QUOTA),
    Meaning::new(116, "MessageRecipientUnresolved", "the recipient is not known", Permanent, &BAD_REQUEST),
    Meaning::new(117, "MessageReplyNotAllowed", "the message may not be answered", Policy, &BAD_REQUEST),
    Meaning::new(118, "MessagePreviouslySent", "the message was sent before", Protocol, &BAD_REQUEST),
    Meaning::new(119, "MessageHasNoRecipient", "the message has no recipient", Protocol, &BAD_REQUEST),
    Meaning::new(120, "MailSubmissionFailed", "the server could not send the message", Permanent, &SERVER_ERROR),
    Meaning::new(121, "MessageReplyFailed", "the server could not make the answer", Permanent, &SERVER_ERROR),
    Meaning::new(122, "AttachmentIsTooLarge", "the attachment is too large", Quota, &QUOTA),
    Meaning::new(123, "UserHasNoMailbox", "the user has no mailbox", Permanent, &NO_MAILBOX),
    Meaning::new(124, "UserCannotBeAnonymous", "nobody logged in", Credentials, &CREDENTIALS),
    Meaning::new(125, "UserPrincipalCouldNotBeFound", "the user is not in the directory", Credentials, &DIRECTORY),
    Meaning::new(126, "UserDisabledForSync", "ActiveSync is switched off for the user", Policy, &USER_DISABLED),
    Meaning::new(127, "UserOnNewMailboxCannotSync", "the mailbox is on a server that this one cannot serve", Policy, &RELOCATED),
    Meaning::new(128, "UserOnLegacyMailboxCannotSync", "the mailbox is on an old server that this one cannot serve", Policy, &RELOCATED),
    Meaning::new(129, "DeviceIsBlockedForThisUser", "the device is blocked or in quarantine", Policy, &DEVICE_BLOCKED),
    Meaning::new(130, "AccessDenied", "the user may not do this", Policy, &USER_DISABLED),
    Meaning::new(131, "AccountDisabled", "the account is disabled", Policy, &USER_DISABLED),
    Meaning::new(132, "SyncStateNotFound", "the server has lost what it knew of the device", Temporary, &STATE_LOST),
    Meaning::new(133, "SyncStateLocked", "the mailbox is being moved or repaired", Temporary, &SERVER_BUSY),
    Meaning::new(134, "SyncStateCorrupt", "what the server knows of the device is damaged", Permanent, &STATE_LOST),
    Meaning::new(135, "SyncStateAlreadyExists", "the server knows the device already", Permanent, &STATE_LOST),
    Meaning::new(136, "SyncStateVersionInvalid", "what the server knows of the device is of another version", Permanent, &STATE_LOST),
    Meaning::new(137, "CommandNotSupported", "the server does not know the command", Unsupported, &COMMAND_UNSUPPORTED),
    Meaning::new(138, "VersionNotSupported", "the server does not take this version of the protocol", Unsupported, &VERSION_REFUSED),
    Meaning::new(139, "DeviceNotFullyProvisionable", "the device does not enforce the whole policy", Policy, &PROVISIONING),
    Meaning::new(140, "RemoteWipeRequested", "the device is to be wiped", Policy, &WIPE),
    Meaning::new(141, "LegacyDeviceOnStrictPolicy", "the device cannot be provisioned, and must be", Policy, &PROVISIONING),
    Meaning::new(142, "DeviceNotProvisioned", "the device must be provisioned first", Policy, &PROVISIONING),
    Meaning::new(143, "PolicyRefresh", "the policy has changed, and must be taken anew", Policy, &PROVISIONING),
    Meaning::new(144, "InvalidPolicyKey", "the key of the policy is not the server's", Policy, &PROVISIONING),
    Meaning::new(145, "ExternallyManagedDevicesNotAllowed", "devices that somebody else manages are not allowed", Policy, &PROVISIONING),
    Meaning::new(146, "NoRecurrenceInCalendar", "the event does not recur", Protocol, &BAD_REQUEST),
    Meaning::new(147, "UnexpectedItemClass", "the folder has items of another class", Protocol, &BAD_REQUEST),
    Meaning::new(148, "RemoteServerHasNoSSL", "the server behind this one has no TLS", Permanent, &ENCRYPTION_MISSING),
    Meaning::new(149, "InvalidStoredRequest", "the server no longer has the request that was to be repeated", Temporary, &STATE_LOST),
    Meaning::new(150, "ItemNotFound", "the item is not there", Permanent, &BAD_REQUEST),
    Meaning::new(151, "TooManyFolders", "the mailbox has more folders than the server syncs", Quota, &QUOTA),
    Meaning::new(152, "NoFoldersFound", "the mailbox has no folders", Permanent, &NO_MAILBOX),
    Meaning::new(153, "ItemsLostAfterMove", "items were lost when the mailbox was moved", Permanent, &SERVER_ERROR),
    Meaning::new(154, "FailureInMoveOperation", "the move failed", Permanent, &SERVER_ERROR),
    Meaning::new(155, "MoveCommandDisallowedForNonPersistentMoveAction", "the items cannot be moved so", Protocol, &BAD_REQUEST),
    Meaning::new(156, "MoveCommandInvalidDestinationFolder", "the items cannot be moved there", Protocol, &BAD_REQUEST),
    Meaning::new(157, "(unassigned)", "nothing that is known", Permanent, &SERVER_ERROR),
    Meaning::new(158, "(unassigned)", "nothing that is known", Permanent, &SERVER_ERROR),
    Meaning::new(159, "(unassigned)", "nothing that is known", Permanent, &SERVER_ERROR),
    Meaning::new(160, "AvailabilityTooManyRecipients", "too many people were asked about", Protocol, &BAD_REQUEST),
    Meaning::new(161, "AvailabilityDLLimitReached", "a list with too many people was asked about", Protocol, &BAD_REQUEST),
    Meaning::new(162, "AvailabilityTransientFailure", "the server cannot tell for now who is free", Temporary, &SERVER_BUSY),
    Meaning::new(163, "AvailabilityFailure", "the server cannot tell who is free", Permanent, &SERVER_ERROR),
    Meaning::new(164, "BodyPartPreferenceTypeNotSupported", "parts of bodies come as HTML only", Protocol, &BAD_REQUEST),
    Meaning::new(165, "DeviceInformationRequired", "the device has not said what it is", Policy, &DEVICE_INFORMATION),
    Meaning::new(166, "InvalidAccountId", "the id of the account is malformed", Protocol, &BAD_REQUEST),
    Meaning::new(167, "AccountSendDisabled", "the account may not send", Policy, &USER_DISABLED),
    Meaning::new(168, "IRM_FeatureDisabled", "rights management is switched off", Policy, &COMMAND_UNSUPPORTED),
    Meaning::new(169, "IRM_TransientError", "rights management failed for now", Temporary, &SERVER_BUSY),
    Meaning::new(170, "IRM_PermanentError", "rights management failed", Permanent, &SERVER_ERROR),
    Meaning::new(171, "IRM_InvalidTemplateID", "the template of rights is not there", Protocol, &BAD_REQUEST),
    Meaning::new(172, "IRM_OperationNotPermitted", "the rights of the message do not allow it", Policy, &USER_DISABLED),
    Meaning::new(173, "NoPicture", "the person has no picture", Permanent, &BAD_REQUEST),
    Meaning::new(174, "PictureTooLarge", "the picture is too large", Quota, &BAD_REQUEST),
    Meaning::new(175, "PictureLimitReached", "no more pictures are sent", Quota, &BAD_REQUEST),
    Meaning::new(176, "BodyPart_ConversationTooLarge", "the conversation is too large", Quota, &BAD_REQUEST),
    Meaning::new(177, "MaximumDevicesReached", "the user has as many devices as may be", Policy, &DEVICES_TOO_MANY),
    Meaning::new(178, "InvalidMimeBodyCombination", "a body and MIME do not go together", Protocol, &BAD_REQUEST),
    Meaning::new(179, "InvalidSmartForwardParameters", "the forwarding is malformed", Protocol, &BAD_REQUEST),
];

/// \[MS-ASCMD\] section 2.2.3.177.4.
#[rustfmt::skip]
static FOLDER_SYNC: &[Meaning] = &[
    Meaning::new(6, "ServerError", "the server failed", Temporary, &SERVER_ERROR),
    Meaning::new(9, "InvalidSyncKey", "the server does not know the key that it gave", Permanent, &STATE_LOST),
    Meaning::new(10, "IncorrectRequest", "the request is malformed", Protocol, &BAD_REQUEST),
    Meaning::new(11, "UnknownError", "the server failed, and says no more", Permanent, &SERVER_ERROR),
    Meaning::new(12, "UnknownCode", "the server behind failed in a way that this one does not know", Permanent, &SERVER_ERROR),
];

/// \[MS-ASCMD\] section 2.2.3.177.17.
#[rustfmt::skip]
static SYNC: &[Meaning] = &[
    Meaning::new(3, "InvalidSyncKey", "the server does not know the key that it gave", Permanent, &STATE_LOST),
    Meaning::new(4, "ProtocolError", "the request is malformed", Protocol, &BAD_REQUEST),
    Meaning::new(5, "ServerError", "the server failed", Permanent, &SERVER_ERROR),
    Meaning::new(6, "ClientServerConversion", "the server could not convert an item", Permanent, &SERVER_ERROR),
    Meaning::new(7, "Conflict", "client and server changed the same item", Permanent, &SERVER_ERROR),
    Meaning::new(8, "ObjectNotFound", "the folder is no longer there", Permanent, &STATE_LOST),
    Meaning::new(9, "OutOfSpace", "the mailbox is full", Quota, &QUOTA),
    Meaning::new(12, "HierarchyChanged", "the folders have changed since they were listed", Temporary, &STATE_LOST),
    Meaning::new(13, "PartialRequest", "the server no longer has the rest of the request", Temporary, &STATE_LOST),
    Meaning::new(14, "InvalidWait", "the server waits for another length of time only", Protocol, &BAD_REQUEST),
    Meaning::new(15, "TooManyCollections", "the server syncs fewer folders at a time", Protocol, &BAD_REQUEST),
    Meaning::new(16, "Retry", "the server failed for now", Temporary, &SERVER_BUSY),
];

/// \[MS-ASCMD\] section 2.2.3.177.11. Neither 1 (the time is over) nor 2 (something changed) is a failure, and 5 and 6 are
/// how a server says its limits.
#[rustfmt::skip]
static PING: &[Meaning] = &[
    Meaning::new(3, "MissingParameters", "the server has forgotten which folders to watch", Temporary, &STATE_LOST),
    Meaning::new(4, "SyntaxError", "the request is malformed", Protocol, &BAD_REQUEST),
    Meaning::new(7, "HierarchyChanged", "the folders have changed since they were listed", Temporary, &STATE_LOST),
    Meaning::new(8, "ServerError", "the server failed", Permanent, &SERVER_ERROR),
];

/// \[MS-ASPROV\] section 2.2.2.54: of the whole, or of the policy, where 2 (there is none) is no failure.
#[rustfmt::skip]
static PROVISION: &[Meaning] = &[
    Meaning::new(2, "ProtocolError", "the request is malformed", Protocol, &BAD_REQUEST),
    Meaning::new(3, "ServerError", "the server failed, or does not know the kind of policy", Permanent, &SERVER_ERROR),
    Meaning::new(4, "PolicyCorrupt", "the policy of the server is damaged", Permanent, &SERVER_ERROR),
    Meaning::new(5, "WrongPolicyKey", "the key of the policy is not the server's", Policy, &PROVISIONING),
];

/// \[MS-ASCMD\] section 2.2.3.177.6.
#[rustfmt::skip]
static ESTIMATE: &[Meaning] = &[
    Meaning::new(2, "InvalidCollection", "the folder is no longer there", Permanent, &STATE_LOST),
    Meaning::new(3, "SyncStateNotPrimed", "the server has forgotten that the folder was synced", Permanent, &STATE_LOST),
    Meaning::new(4, "InvalidSyncKey", "the server does not know the key that it gave", Permanent, &STATE_LOST),
];

/// \[MS-ASCMD\] section 2.2.3.177.15.
#[rustfmt::skip]
static SETTINGS: &[Meaning] = &[
    Meaning::new(2, "ProtocolError", "the request is malformed", Protocol, &BAD_REQUEST),
    Meaning::new(3, "AccessDenied", "the user may not see this", Policy, &USER_DISABLED),
    Meaning::new(4, "ServerUnavailable", "the server failed for now", Temporary, &SERVER_BUSY),
    Meaning::new(5, "InvalidArguments", "the request is malformed", Protocol, &BAD_REQUEST),
    Meaning::new(6, "ConflictingArguments", "the request contradicts itself", Protocol, &BAD_REQUEST),
    Meaning::new(7, "DeniedByPolicy", "a policy forbids this", Policy, &USER_DISABLED),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_that_commands_share_has_a_meaning_of_its_own() {
        for code in 101..=179 {
            let meaning = Meaning::of_body(Verb::Sync, code).unwrap();
            assert_eq!(meaning.code, code);
        }
        assert_eq!(Meaning::of_body(Verb::Sync, 180), None);
        assert!(COMMON.is_sorted_by_key(|meaning| meaning.code));
        assert!(HTTP.is_sorted_by_key(|meaning| meaning.code));
    }

    /// Each of these was wrong in another program.
    #[test]
    fn numbers_that_are_often_mistaken_have_their_right_names() {
        let name = |verb, code| Meaning::of_body(verb, code).unwrap().name;
        for (code, expected) in [
            (126, "UserDisabledForSync"),
            (129, "DeviceIsBlockedForThisUser"),
            (142, "DeviceNotProvisioned"),
            (143, "PolicyRefresh"),
            (144, "InvalidPolicyKey"),
            (145, "ExternallyManagedDevicesNotAllowed"),
            (165, "DeviceInformationRequired"),
            (177, "MaximumDevicesReached"),
        ] {
            assert_eq!(name(Verb::FolderSync, code), expected);
        }
        assert_eq!(name(Verb::Sync, 12), "HierarchyChanged");
        assert_eq!(name(Verb::Sync, 13), "PartialRequest");
    }

    #[test]
    fn what_is_no_failure_has_no_meaning_here() {
        assert_eq!(Meaning::of_body(Verb::Ping, 1), None);
        assert_eq!(Meaning::of_body(Verb::Ping, 2), None);
        assert_eq!(Meaning::of_body(Verb::FolderSync, 1), None);
        assert_eq!(Meaning::of_http(200), None);
    }
}
