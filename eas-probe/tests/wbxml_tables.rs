//! The tables of elements, where others have had them wrong. What each case was wrong in stands beside it; that they are
//! right altogether is held against libwbxml in `real/wbxml.rs`.

#![allow(clippy::unwrap_used, reason = "tests")]

use eas_probe::wbxml::tags::{
    self, air_sync_base, compose_mail, find, folder_hierarchy, provision, search, settings,
};
use eas_probe::wbxml::{Document, Tag};

/// The names of a page from this token on.
fn names(page: u8, first: u8, last: u8) -> Vec<Option<&'static str>> {
    let tag = |token| Tag::new(page, token).unwrap();
    (first..=last).map(|token| tag(token).name()).collect()
}

fn some(names: &'static str) -> Vec<Option<&'static str>> {
    names.split_whitespace().map(Some).collect()
}

/// go-activesync numbers AllowBluetooth as 0x0E, and all behind it accordingly.
#[test]
fn policies_are_numbered_from_0x0e_to_0x3b() {
    assert_eq!(
        names(14, 0x0E, 0x3B),
        some(
            "DevicePasswordEnabled AlphanumericDevicePasswordRequired RequireStorageCardEncryption
            PasswordRecoveryEnabled DocumentBrowseEnabled AttachmentsEnabled MinDevicePasswordLength
            MaxInactivityTimeDeviceLock MaxDevicePasswordFailedAttempts MaxAttachmentSize
            AllowSimpleDevicePassword DevicePasswordExpiration DevicePasswordHistory AllowStorageCard
            AllowCamera RequireDeviceEncryption AllowUnsignedApplications
            AllowUnsignedInstallationPackages MinDevicePasswordComplexCharacters AllowWiFi
            AllowTextMessaging AllowPOPIMAPEmail AllowBluetooth AllowIrDA RequireManualSyncWhenRoaming
            AllowDesktopSync MaxCalendarAgeFilter AllowHTMLEmail MaxEmailAgeFilter
            MaxEmailBodyTruncationSize MaxEmailHTMLBodyTruncationSize RequireSignedSMIMEMessages
            RequireEncryptedSMIMEMessages RequireSignedSMIMEAlgorithm RequireEncryptionSMIMEAlgorithm
            AllowSMIMEEncryptionAlgorithmNegotiation AllowSMIMESoftCerts AllowBrowser
            AllowConsumerEmail AllowRemoteDesktop AllowInternetSharing UnapprovedInROMApplicationList
            ApplicationName ApprovedApplicationList Hash AccountOnlyRemoteWipe"
        )
    );
    assert_eq!(provision::ALLOW_BLUETOOTH.token(), 0x24);
    assert_eq!(names(14, 0x3C, 0x3F), [None; 4]);
}

/// go-activesync has these three at 0x1A to 0x1C.
#[test]
fn pictures_of_find_are_numbered_from_0x20() {
    assert_eq!(names(25, 0x20, 0x22), some("MaxPictures MaxSize Picture"));
    assert_eq!(names(25, 0x1A, 0x1F), [None; 6]);
    assert_eq!(
        find::GAL_SEARCH_CRITERION.to_string(),
        "Find:GALSearchCriterion"
    );
}

/// go-activesync ends at 0x1B, so that a place of 16.0 ends a synchronisation.
#[test]
fn bodies_and_places_go_to_0x2d() {
    assert_eq!(
        names(17, 0x1B, 0x2D),
        some(
            "Status Add Delete ClientId Content Location Annotation Street City State Country
            PostalCode Latitude Longitude Accuracy Altitude AltitudeAccuracy LocationUri InstanceId"
        )
    );
    assert_eq!(air_sync_base::INSTANCE_ID.token(), 0x2D);
}

/// go-activesync ends at 0x13.
#[test]
fn composing_goes_to_0x18() {
    assert_eq!(
        names(21, 0x15, 0x18),
        some("Forwardees Forwardee ForwardeeName ForwardeeEmail")
    );
    assert_eq!(
        (compose_mail::ACCOUNT_ID.token(), names(21, 0x14, 0x14)),
        (0x13, vec![None])
    );
}

/// go-activesync ends at 0x20.
#[test]
fn searching_goes_to_0x23() {
    assert_eq!(
        names(15, 0x1E, 0x23),
        some("UserName Password ConversationId Picture MaxSize MaxPictures")
    );
    assert_eq!(search::MAX_PICTURES.token(), 0x23);
}

/// go-activesync begins at 0x07.
#[test]
fn the_hierarchy_begins_at_0x05() {
    assert_eq!(names(7, 0x05, 0x07), some("Folders Folder DisplayName"));
    assert_eq!(folder_hierarchy::FOLDER_SYNC.token(), 0x16);
}

/// libwbxml calls it ihsManagementInformation.
#[test]
fn rights_management_is_named_as_it_is_written() {
    let name = "Settings:RightsManagementInformation";
    assert_eq!(settings::RIGHTS_MANAGEMENT_INFORMATION.to_string(), name);
}

/// An element of 16.x, known or not, does not keep the others from being read; go-activesync gives up.
#[test]
fn an_element_of_a_later_version_hides_no_other() {
    for unknown in [0x2D, 0x3F] {
        let octets = [
            0x03, 0x01, 0x6A, 0x00, 0x45, 0x5D, 0x00, 0x11, unknown, 0x01, 0x00, 0x00, 0x0E, 0x01,
        ];
        let document = Document::decode(octets).unwrap();
        let tags = document.root().descendants().map(|it| it.tag().token());
        assert_eq!(tags.collect::<Vec<u8>>(), [0x05, 0x1D, unknown, 0x0E]);
    }
}

#[test]
fn all_pages_have_their_names() {
    let mut pages: Vec<&str> = tags::all().map(|tag| tag.page_name().unwrap()).collect();
    pages.dedup();
    assert_eq!(
        pages.join(" "),
        "AirSync Contacts Email AirNotify Calendar Move GetItemEstimate FolderHierarchy \
        MeetingResponse Tasks ResolveRecipients ValidateCert Contacts2 Ping Provision Search GAL \
        AirSyncBase Settings DocumentLibrary ItemOperations ComposeMail Email2 Notes \
        RightsManagement Find"
    );
}
