//! The code pages of ActiveSync: every element that \[MS-ASWBXML\] names, and those that it has dropped or never had
//! but that servers send. One table makes the constants and the names, so that they cannot differ.
//!
//! Behind `and` stand the elements that are not in Microsoft's table: those of old versions, as Z-Push and libwbxml know
//! them. They are read like the others; a client of today does not send them.

use super::Tag;

/// The name of an element, if the table knows it.
pub(super) fn name(tag: Tag) -> Option<&'static str> {
    let page = PAGES.get(usize::from(tag.page()))?;
    let mut rows = page.rows.iter().chain(page.old);
    rows.find(|(token, _)| *token == tag.token())
        .map(|(_, name)| *name)
}

/// The name of a code page.
pub(super) fn page_name(page: u8) -> Option<&'static str> {
    PAGES.get(usize::from(page)).map(|page| page.name)
}

/// Every element that the table knows, page by page.
pub fn all() -> impl Iterator<Item = Tag> {
    (0..).zip(PAGES).flat_map(|(number, page)| {
        let rows = page.rows.iter().chain(page.old);
        rows.map(move |(token, _)| Tag::of_table(number, *token))
    })
}

/// A code page: the tokens of Microsoft's table, and the others.
struct Page {
    name: &'static str,
    rows: &'static [(u8, &'static str)],
    old: &'static [(u8, &'static str)],
}

macro_rules! pages {
    ($($(#[$doc:meta])* $number:literal $page:literal $module:ident {
        $($token:literal $constant:ident $name:literal,)*
    } $(and {
        $($old_token:literal $old_constant:ident $old_name:literal,)*
    })?)*) => {
        /// By their numbers, without a gap.
        static PAGES: &[Page] = &[$(Page {
            name: $page,
            rows: &[$(($token, $name)),*],
            old: &[$($(($old_token, $old_name)),*)?],
        }),*];

        $($(#[$doc])*
        pub mod $module {
            use super::Tag;

            $(#[doc = concat!("`", $page, ":", $name, "`.")]
            pub const $constant: Tag = Tag::of_table($number, $token);)*
            $($(#[doc = concat!("`", $page, ":", $old_name, "`, which Microsoft's table does not have.")]
            pub const $old_constant: Tag = Tag::of_table($number, $old_token);)*)?
        })*

        #[cfg(test)]
        const NUMBERS: &[u8] = &[$($number),*];
        #[cfg(test)]
        const CONSTANTS: &[(&str, Tag)] = &[
            $($((stringify!($constant), $module::$constant),)*
            $($((stringify!($old_constant), $module::$old_constant),)*)?)*
        ];
    };
}

pages! {
    /// Changes of the things in a folder.
    0 "AirSync" air_sync {
        0x05 SYNC "Sync", 0x06 RESPONSES "Responses", 0x07 ADD "Add", 0x08 CHANGE "Change", 0x09 DELETE "Delete",
        0x0A FETCH "Fetch", 0x0B SYNC_KEY "SyncKey", 0x0C CLIENT_ID "ClientId", 0x0D SERVER_ID "ServerId",
        0x0E STATUS "Status", 0x0F COLLECTION "Collection", 0x10 CLASS "Class", 0x12 COLLECTION_ID "CollectionId",
        0x13 GET_CHANGES "GetChanges", 0x14 MORE_AVAILABLE "MoreAvailable", 0x15 WINDOW_SIZE "WindowSize",
        0x16 COMMANDS "Commands", 0x17 OPTIONS "Options", 0x18 FILTER_TYPE "FilterType", 0x1B CONFLICT "Conflict",
        0x1C COLLECTIONS "Collections", 0x1D APPLICATION_DATA "ApplicationData",
        0x1E DELETES_AS_MOVES "DeletesAsMoves", 0x20 SUPPORTED "Supported", 0x21 SOFT_DELETE "SoftDelete",
        0x22 MIME_SUPPORT "MIMESupport", 0x23 MIME_TRUNCATION "MIMETruncation", 0x24 WAIT "Wait", 0x25 LIMIT "Limit",
        0x26 PARTIAL "Partial", 0x27 CONVERSATION_MODE "ConversationMode", 0x28 MAX_ITEMS "MaxItems",
        0x29 HEARTBEAT_INTERVAL "HeartbeatInterval",
    } and {
        0x11 VERSION "Version", 0x19 TRUNCATION "Truncation", 0x1A RTF_TRUNCATION "RtfTruncation",
        0x1F NOTIFY_GUID "NotifyGUID",
    }
    /// Contacts.
    1 "Contacts" contacts {
        0x05 ANNIVERSARY "Anniversary", 0x06 ASSISTANT_NAME "AssistantName",
        0x07 ASSISTANT_PHONE_NUMBER "AssistantPhoneNumber", 0x08 BIRTHDAY "Birthday",
        0x0C BUSINESS2_PHONE_NUMBER "Business2PhoneNumber", 0x0D BUSINESS_ADDRESS_CITY "BusinessAddressCity",
        0x0E BUSINESS_ADDRESS_COUNTRY "BusinessAddressCountry",
        0x0F BUSINESS_ADDRESS_POSTAL_CODE "BusinessAddressPostalCode",
        0x10 BUSINESS_ADDRESS_STATE "BusinessAddressState", 0x11 BUSINESS_ADDRESS_STREET "BusinessAddressStreet",
        0x12 BUSINESS_FAX_NUMBER "BusinessFaxNumber", 0x13 BUSINESS_PHONE_NUMBER "BusinessPhoneNumber",
        0x14 CAR_PHONE_NUMBER "CarPhoneNumber", 0x15 CATEGORIES "Categories", 0x16 CATEGORY "Category",
        0x17 CHILDREN "Children", 0x18 CHILD "Child", 0x19 COMPANY_NAME "CompanyName", 0x1A DEPARTMENT "Department",
        0x1B EMAIL1_ADDRESS "Email1Address", 0x1C EMAIL2_ADDRESS "Email2Address", 0x1D EMAIL3_ADDRESS "Email3Address",
        0x1E FILE_AS "FileAs", 0x1F FIRST_NAME "FirstName", 0x20 HOME2_PHONE_NUMBER "Home2PhoneNumber",
        0x21 HOME_ADDRESS_CITY "HomeAddressCity", 0x22 HOME_ADDRESS_COUNTRY "HomeAddressCountry",
        0x23 HOME_ADDRESS_POSTAL_CODE "HomeAddressPostalCode", 0x24 HOME_ADDRESS_STATE "HomeAddressState",
        0x25 HOME_ADDRESS_STREET "HomeAddressStreet", 0x26 HOME_FAX_NUMBER "HomeFaxNumber",
        0x27 HOME_PHONE_NUMBER "HomePhoneNumber", 0x28 JOB_TITLE "JobTitle", 0x29 LAST_NAME "LastName",
        0x2A MIDDLE_NAME "MiddleName", 0x2B MOBILE_PHONE_NUMBER "MobilePhoneNumber",
        0x2C OFFICE_LOCATION "OfficeLocation", 0x2D OTHER_ADDRESS_CITY "OtherAddressCity",
        0x2E OTHER_ADDRESS_COUNTRY "OtherAddressCountry", 0x2F OTHER_ADDRESS_POSTAL_CODE "OtherAddressPostalCode",
        0x30 OTHER_ADDRESS_STATE "OtherAddressState", 0x31 OTHER_ADDRESS_STREET "OtherAddressStreet",
        0x32 PAGER_NUMBER "PagerNumber", 0x33 RADIO_PHONE_NUMBER "RadioPhoneNumber", 0x34 SPOUSE "Spouse",
        0x35 SUFFIX "Suffix", 0x36 TITLE "Title", 0x37 WEB_PAGE "WebPage", 0x38 YOMI_COMPANY_NAME "YomiCompanyName",
        0x39 YOMI_FIRST_NAME "YomiFirstName", 0x3A YOMI_LAST_NAME "YomiLastName", 0x3C PICTURE "Picture",
        0x3D ALIAS "Alias", 0x3E WEIGHTED_RANK "WeightedRank",
    } and {
        0x09 BODY "Body", 0x0A BODY_SIZE "BodySize", 0x0B BODY_TRUNCATED "BodyTruncated",
        0x3B COMPRESSED_RTF "CompressedRTF",
    }
    /// Mail.
    2 "Email" email {
        0x0F DATE_RECEIVED "DateReceived", 0x11 DISPLAY_TO "DisplayTo", 0x12 IMPORTANCE "Importance",
        0x13 MESSAGE_CLASS "MessageClass", 0x14 SUBJECT "Subject", 0x15 READ "Read", 0x16 TO "To", 0x17 CC "Cc",
        0x18 FROM "From", 0x19 REPLY_TO "ReplyTo", 0x1A ALL_DAY_EVENT "AllDayEvent", 0x1B CATEGORIES "Categories",
        0x1C CATEGORY "Category", 0x1D DT_STAMP "DtStamp", 0x1E END_TIME "EndTime", 0x1F INSTANCE_TYPE "InstanceType",
        0x20 BUSY_STATUS "BusyStatus", 0x21 LOCATION "Location", 0x22 MEETING_REQUEST "MeetingRequest",
        0x23 ORGANIZER "Organizer", 0x24 RECURRENCE_ID "RecurrenceId", 0x25 REMINDER "Reminder",
        0x26 RESPONSE_REQUESTED "ResponseRequested", 0x27 RECURRENCES "Recurrences", 0x28 RECURRENCE "Recurrence",
        0x29 TYPE "Type", 0x2A UNTIL "Until", 0x2B OCCURRENCES "Occurrences", 0x2C INTERVAL "Interval",
        0x2D DAY_OF_WEEK "DayOfWeek", 0x2E DAY_OF_MONTH "DayOfMonth", 0x2F WEEK_OF_MONTH "WeekOfMonth",
        0x30 MONTH_OF_YEAR "MonthOfYear", 0x31 START_TIME "StartTime", 0x32 SENSITIVITY "Sensitivity",
        0x33 TIME_ZONE "TimeZone", 0x34 GLOBAL_OBJ_ID "GlobalObjId", 0x35 THREAD_TOPIC "ThreadTopic",
        0x39 INTERNET_CPID "InternetCPID", 0x3A FLAG "Flag", 0x3B STATUS "Status", 0x3C CONTENT_CLASS "ContentClass",
        0x3D FLAG_TYPE "FlagType", 0x3E COMPLETE_TIME "CompleteTime",
        0x3F DISALLOW_NEW_TIME_PROPOSAL "DisallowNewTimeProposal",
    } and {
        0x05 ATTACHMENT "Attachment", 0x06 ATTACHMENTS "Attachments", 0x07 ATT_NAME "AttName",
        0x08 ATT_SIZE "AttSize", 0x09 ATT_OID "AttOid", 0x0A ATT_METHOD "AttMethod", 0x0B ATT_REMOVED "AttRemoved",
        0x0C BODY "Body", 0x0D BODY_SIZE "BodySize", 0x0E BODY_TRUNCATED "BodyTruncated",
        0x10 DISPLAY_NAME "DisplayName", 0x36 MIME_DATA "MIMEData", 0x37 MIME_TRUNCATED "MIMETruncated",
        0x38 MIME_SIZE "MIMESize",
    }
    /// Messages by which servers once woke devices; out of use.
    3 "AirNotify" air_notify {} and {
        0x05 NOTIFY "Notify", 0x06 NOTIFICATION "Notification", 0x07 VERSION "Version", 0x08 LIFE_TIME "LifeTime",
        0x09 DEVICE_INFO "DeviceInfo", 0x0A ENABLE "Enable", 0x0B FOLDER "Folder", 0x0C SERVER_ID "ServerId",
        0x0D DEVICE_ADDRESS "DeviceAddress", 0x0E VALID_CARRIER_PROFILES "ValidCarrierProfiles",
        0x0F CARRIER_PROFILE "CarrierProfile", 0x10 STATUS "Status", 0x11 RESPONSES "Responses",
        0x12 DEVICES "Devices", 0x13 DEVICE "Device", 0x14 ID "Id", 0x15 EXPIRY "Expiry",
        0x16 NOTIFY_GUID "NotifyGUID", 0x17 DEVICE_FRIENDLY_NAME "DeviceFriendlyName",
    }
    /// Appointments.
    4 "Calendar" calendar {
        0x05 TIMEZONE "Timezone", 0x06 ALL_DAY_EVENT "AllDayEvent", 0x07 ATTENDEES "Attendees",
        0x08 ATTENDEE "Attendee", 0x09 EMAIL "Email", 0x0A NAME "Name", 0x0D BUSY_STATUS "BusyStatus",
        0x0E CATEGORIES "Categories", 0x0F CATEGORY "Category", 0x11 DT_STAMP "DtStamp", 0x12 END_TIME "EndTime",
        0x13 EXCEPTION "Exception", 0x14 EXCEPTIONS "Exceptions", 0x15 DELETED "Deleted",
        0x16 EXCEPTION_START_TIME "ExceptionStartTime", 0x17 LOCATION "Location", 0x18 MEETING_STATUS "MeetingStatus",
        0x19 ORGANIZER_EMAIL "OrganizerEmail", 0x1A ORGANIZER_NAME "OrganizerName", 0x1B RECURRENCE "Recurrence",
        0x1C TYPE "Type", 0x1D UNTIL "Until", 0x1E OCCURRENCES "Occurrences", 0x1F INTERVAL "Interval",
        0x20 DAY_OF_WEEK "DayOfWeek", 0x21 DAY_OF_MONTH "DayOfMonth", 0x22 WEEK_OF_MONTH "WeekOfMonth",
        0x23 MONTH_OF_YEAR "MonthOfYear", 0x24 REMINDER "Reminder", 0x25 SENSITIVITY "Sensitivity",
        0x26 SUBJECT "Subject", 0x27 START_TIME "StartTime", 0x28 UID "UID", 0x29 ATTENDEE_STATUS "AttendeeStatus",
        0x2A ATTENDEE_TYPE "AttendeeType", 0x33 DISALLOW_NEW_TIME_PROPOSAL "DisallowNewTimeProposal",
        0x34 RESPONSE_REQUESTED "ResponseRequested", 0x35 APPOINTMENT_REPLY_TIME "AppointmentReplyTime",
        0x36 RESPONSE_TYPE "ResponseType", 0x37 CALENDAR_TYPE "CalendarType", 0x38 IS_LEAP_MONTH "IsLeapMonth",
        0x39 FIRST_DAY_OF_WEEK "FirstDayOfWeek", 0x3A ONLINE_MEETING_CONF_LINK "OnlineMeetingConfLink",
        0x3B ONLINE_MEETING_EXTERNAL_LINK "OnlineMeetingExternalLink", 0x3C CLIENT_UID "ClientUid",
    } and {
        0x0B BODY "Body", 0x0C BODY_TRUNCATED "BodyTruncated", 0x10 COMPRESSED_RTF "CompressedRTF",
        0x2B ATTACHMENT "Attachment", 0x2C ATTACHMENTS "Attachments", 0x2D ATT_NAME "AttName",
        0x2E ATT_SIZE "AttSize", 0x2F ATT_OID "AttOid", 0x30 ATT_METHOD "AttMethod", 0x31 ATT_REMOVED "AttRemoved",
        0x32 DISPLAY_NAME "DisplayName",
    }
    /// Moving things between folders.
    5 "Move" move_items {
        0x05 MOVE_ITEMS "MoveItems", 0x06 MOVE "Move", 0x07 SRC_MSG_ID "SrcMsgId", 0x08 SRC_FLD_ID "SrcFldId",
        0x09 DST_FLD_ID "DstFldId", 0x0A RESPONSE "Response", 0x0B STATUS "Status", 0x0C DST_MSG_ID "DstMsgId",
    }
    /// How much a synchronisation would bring.
    6 "GetItemEstimate" get_item_estimate {
        0x05 GET_ITEM_ESTIMATE "GetItemEstimate", 0x07 COLLECTIONS "Collections", 0x08 COLLECTION "Collection",
        0x09 CLASS "Class", 0x0A COLLECTION_ID "CollectionId", 0x0C ESTIMATE "Estimate", 0x0D RESPONSE "Response",
        0x0E STATUS "Status",
    } and {
        0x06 VERSION "Version", 0x0B DATE_TIME "DateTime",
    }
    /// The folders, and making, naming and deleting them.
    7 "FolderHierarchy" folder_hierarchy {
        0x05 FOLDERS "Folders", 0x06 FOLDER "Folder", 0x07 DISPLAY_NAME "DisplayName", 0x08 SERVER_ID "ServerId",
        0x09 PARENT_ID "ParentId", 0x0A TYPE "Type", 0x0C STATUS "Status", 0x0E CHANGES "Changes", 0x0F ADD "Add",
        0x10 DELETE "Delete", 0x11 UPDATE "Update", 0x12 SYNC_KEY "SyncKey", 0x13 FOLDER_CREATE "FolderCreate",
        0x14 FOLDER_DELETE "FolderDelete", 0x15 FOLDER_UPDATE "FolderUpdate", 0x16 FOLDER_SYNC "FolderSync",
        0x17 COUNT "Count",
    } and {
        0x0B RESPONSE "Response", 0x0D CONTENT_CLASS "ContentClass", 0x18 VERSION "Version",
    }
    /// Answers to invitations.
    8 "MeetingResponse" meeting_response {
        0x05 CALENDAR_ID "CalendarId", 0x06 COLLECTION_ID "CollectionId", 0x07 MEETING_RESPONSE "MeetingResponse",
        0x08 REQUEST_ID "RequestId", 0x09 REQUEST "Request", 0x0A RESULT "Result", 0x0B STATUS "Status",
        0x0C USER_RESPONSE "UserResponse", 0x0E INSTANCE_ID "InstanceId",
        0x10 PROPOSED_START_TIME "ProposedStartTime", 0x11 PROPOSED_END_TIME "ProposedEndTime",
        0x12 SEND_RESPONSE "SendResponse",
    } and {
        0x0D VERSION "Version",
    }
    /// Tasks.
    9 "Tasks" tasks {
        0x08 CATEGORIES "Categories", 0x09 CATEGORY "Category", 0x0A COMPLETE "Complete",
        0x0B DATE_COMPLETED "DateCompleted", 0x0C DUE_DATE "DueDate", 0x0D UTC_DUE_DATE "UtcDueDate",
        0x0E IMPORTANCE "Importance", 0x0F RECURRENCE "Recurrence", 0x10 TYPE "Type", 0x11 START "Start",
        0x12 UNTIL "Until", 0x13 OCCURRENCES "Occurrences", 0x14 INTERVAL "Interval", 0x15 DAY_OF_MONTH "DayOfMonth",
        0x16 DAY_OF_WEEK "DayOfWeek", 0x17 WEEK_OF_MONTH "WeekOfMonth", 0x18 MONTH_OF_YEAR "MonthOfYear",
        0x19 REGENERATE "Regenerate", 0x1A DEAD_OCCUR "DeadOccur", 0x1B REMINDER_SET "ReminderSet",
        0x1C REMINDER_TIME "ReminderTime", 0x1D SENSITIVITY "Sensitivity", 0x1E START_DATE "StartDate",
        0x1F UTC_START_DATE "UtcStartDate", 0x20 SUBJECT "Subject", 0x22 ORDINAL_DATE "OrdinalDate",
        0x23 SUB_ORDINAL_DATE "SubOrdinalDate", 0x24 CALENDAR_TYPE "CalendarType", 0x25 IS_LEAP_MONTH "IsLeapMonth",
        0x26 FIRST_DAY_OF_WEEK "FirstDayOfWeek",
    } and {
        0x05 BODY "Body", 0x06 BODY_SIZE "BodySize", 0x07 BODY_TRUNCATED "BodyTruncated",
        0x21 COMPRESSED_RTF "CompressedRTF",
    }
    /// Looking up recipients, their certificates and when they are free.
    10 "ResolveRecipients" resolve_recipients {
        0x05 RESOLVE_RECIPIENTS "ResolveRecipients", 0x06 RESPONSE "Response", 0x07 STATUS "Status", 0x08 TYPE "Type",
        0x09 RECIPIENT "Recipient", 0x0A DISPLAY_NAME "DisplayName", 0x0B EMAIL_ADDRESS "EmailAddress",
        0x0C CERTIFICATES "Certificates", 0x0D CERTIFICATE "Certificate", 0x0E MINI_CERTIFICATE "MiniCertificate",
        0x0F OPTIONS "Options", 0x10 TO "To", 0x11 CERTIFICATE_RETRIEVAL "CertificateRetrieval",
        0x12 RECIPIENT_COUNT "RecipientCount", 0x13 MAX_CERTIFICATES "MaxCertificates",
        0x14 MAX_AMBIGUOUS_RECIPIENTS "MaxAmbiguousRecipients", 0x15 CERTIFICATE_COUNT "CertificateCount",
        0x16 AVAILABILITY "Availability", 0x17 START_TIME "StartTime", 0x18 END_TIME "EndTime",
        0x19 MERGED_FREE_BUSY "MergedFreeBusy", 0x1A PICTURE "Picture", 0x1B MAX_SIZE "MaxSize", 0x1C DATA "Data",
        0x1D MAX_PICTURES "MaxPictures",
    }
    /// Certificates checked by the server.
    11 "ValidateCert" validate_cert {
        0x05 VALIDATE_CERT "ValidateCert", 0x06 CERTIFICATES "Certificates", 0x07 CERTIFICATE "Certificate",
        0x08 CERTIFICATE_CHAIN "CertificateChain", 0x09 CHECK_CRL "CheckCrl", 0x0A STATUS "Status",
    }
    /// More about contacts.
    12 "Contacts2" contacts2 {
        0x05 CUSTOMER_ID "CustomerId", 0x06 GOVERNMENT_ID "GovernmentId", 0x07 IM_ADDRESS "IMAddress",
        0x08 IM_ADDRESS2 "IMAddress2", 0x09 IM_ADDRESS3 "IMAddress3", 0x0A MANAGER_NAME "ManagerName",
        0x0B COMPANY_MAIN_PHONE "CompanyMainPhone", 0x0C ACCOUNT_NAME "AccountName", 0x0D NICK_NAME "NickName",
        0x0E MMS "MMS",
    }
    /// Waiting for news.
    13 "Ping" ping {
        0x05 PING "Ping", 0x07 STATUS "Status", 0x08 HEARTBEAT_INTERVAL "HeartbeatInterval", 0x09 FOLDERS "Folders",
        0x0A FOLDER "Folder", 0x0B ID "Id", 0x0C CLASS "Class", 0x0D MAX_FOLDERS "MaxFolders",
    } and {
        0x06 AUTD_STATE "AutdState", 0x0E VERSION "Version",
    }
    /// Policies for devices.
    14 "Provision" provision {
        0x05 PROVISION "Provision", 0x06 POLICIES "Policies", 0x07 POLICY "Policy", 0x08 POLICY_TYPE "PolicyType",
        0x09 POLICY_KEY "PolicyKey", 0x0A DATA "Data", 0x0B STATUS "Status", 0x0C REMOTE_WIPE "RemoteWipe",
        0x0D EAS_PROVISION_DOC "EASProvisionDoc", 0x0E DEVICE_PASSWORD_ENABLED "DevicePasswordEnabled",
        0x0F ALPHANUMERIC_DEVICE_PASSWORD_REQUIRED "AlphanumericDevicePasswordRequired",
        0x10 REQUIRE_STORAGE_CARD_ENCRYPTION "RequireStorageCardEncryption",
        0x11 PASSWORD_RECOVERY_ENABLED "PasswordRecoveryEnabled", 0x13 ATTACHMENTS_ENABLED "AttachmentsEnabled",
        0x14 MIN_DEVICE_PASSWORD_LENGTH "MinDevicePasswordLength",
        0x15 MAX_INACTIVITY_TIME_DEVICE_LOCK "MaxInactivityTimeDeviceLock",
        0x16 MAX_DEVICE_PASSWORD_FAILED_ATTEMPTS "MaxDevicePasswordFailedAttempts",
        0x17 MAX_ATTACHMENT_SIZE "MaxAttachmentSize", 0x18 ALLOW_SIMPLE_DEVICE_PASSWORD "AllowSimpleDevicePassword",
        0x19 DEVICE_PASSWORD_EXPIRATION "DevicePasswordExpiration",
        0x1A DEVICE_PASSWORD_HISTORY "DevicePasswordHistory", 0x1B ALLOW_STORAGE_CARD "AllowStorageCard",
        0x1C ALLOW_CAMERA "AllowCamera", 0x1D REQUIRE_DEVICE_ENCRYPTION "RequireDeviceEncryption",
        0x1E ALLOW_UNSIGNED_APPLICATIONS "AllowUnsignedApplications",
        0x1F ALLOW_UNSIGNED_INSTALLATION_PACKAGES "AllowUnsignedInstallationPackages",
        0x20 MIN_DEVICE_PASSWORD_COMPLEX_CHARACTERS "MinDevicePasswordComplexCharacters", 0x21 ALLOW_WIFI "AllowWiFi",
        0x22 ALLOW_TEXT_MESSAGING "AllowTextMessaging", 0x23 ALLOW_POPIMAP_EMAIL "AllowPOPIMAPEmail",
        0x24 ALLOW_BLUETOOTH "AllowBluetooth", 0x25 ALLOW_IRDA "AllowIrDA",
        0x26 REQUIRE_MANUAL_SYNC_WHEN_ROAMING "RequireManualSyncWhenRoaming",
        0x27 ALLOW_DESKTOP_SYNC "AllowDesktopSync", 0x28 MAX_CALENDAR_AGE_FILTER "MaxCalendarAgeFilter",
        0x29 ALLOW_HTML_EMAIL "AllowHTMLEmail", 0x2A MAX_EMAIL_AGE_FILTER "MaxEmailAgeFilter",
        0x2B MAX_EMAIL_BODY_TRUNCATION_SIZE "MaxEmailBodyTruncationSize",
        0x2C MAX_EMAIL_HTML_BODY_TRUNCATION_SIZE "MaxEmailHTMLBodyTruncationSize",
        0x2D REQUIRE_SIGNED_SMIME_MESSAGES "RequireSignedSMIMEMessages",
        0x2E REQUIRE_ENCRYPTED_SMIME_MESSAGES "RequireEncryptedSMIMEMessages",
        0x2F REQUIRE_SIGNED_SMIME_ALGORITHM "RequireSignedSMIMEAlgorithm",
        0x30 REQUIRE_ENCRYPTION_SMIME_ALGORITHM "RequireEncryptionSMIMEAlgorithm",
        0x31 ALLOW_SMIME_ENCRYPTION_ALGORITHM_NEGOTIATION "AllowSMIMEEncryptionAlgorithmNegotiation",
        0x32 ALLOW_SMIME_SOFT_CERTS "AllowSMIMESoftCerts", 0x33 ALLOW_BROWSER "AllowBrowser",
        0x34 ALLOW_CONSUMER_EMAIL "AllowConsumerEmail", 0x35 ALLOW_REMOTE_DESKTOP "AllowRemoteDesktop",
        0x36 ALLOW_INTERNET_SHARING "AllowInternetSharing",
        0x37 UNAPPROVED_IN_ROM_APPLICATION_LIST "UnapprovedInROMApplicationList",
        0x38 APPLICATION_NAME "ApplicationName", 0x39 APPROVED_APPLICATION_LIST "ApprovedApplicationList",
        0x3A HASH "Hash", 0x3B ACCOUNT_ONLY_REMOTE_WIPE "AccountOnlyRemoteWipe",
    } and {
        0x12 DOCUMENT_BROWSE_ENABLED "DocumentBrowseEnabled",
    }
    /// Searching, up to 16.0.
    15 "Search" search {
        0x05 SEARCH "Search", 0x07 STORE "Store", 0x08 NAME "Name", 0x09 QUERY "Query", 0x0A OPTIONS "Options",
        0x0B RANGE "Range", 0x0C STATUS "Status", 0x0D RESPONSE "Response", 0x0E RESULT "Result",
        0x0F PROPERTIES "Properties", 0x10 TOTAL "Total", 0x11 EQUAL_TO "EqualTo", 0x12 VALUE "Value", 0x13 AND "And",
        0x14 OR "Or", 0x15 FREE_TEXT "FreeText", 0x17 DEEP_TRAVERSAL "DeepTraversal", 0x18 LONG_ID "LongId",
        0x19 REBUILD_RESULTS "RebuildResults", 0x1A LESS_THAN "LessThan", 0x1B GREATER_THAN "GreaterThan",
        0x1E USER_NAME "UserName", 0x1F PASSWORD "Password", 0x20 CONVERSATION_ID "ConversationId",
        0x21 PICTURE "Picture", 0x22 MAX_SIZE "MaxSize", 0x23 MAX_PICTURES "MaxPictures",
    } and {
        0x1C SCHEMA "Schema", 0x1D SUPPORTED "Supported",
    }
    /// The address list of the organisation.
    16 "GAL" gal {
        0x05 DISPLAY_NAME "DisplayName", 0x06 PHONE "Phone", 0x07 OFFICE "Office", 0x08 TITLE "Title",
        0x09 COMPANY "Company", 0x0A ALIAS "Alias", 0x0B FIRST_NAME "FirstName", 0x0C LAST_NAME "LastName",
        0x0D HOME_PHONE "HomePhone", 0x0E MOBILE_PHONE "MobilePhone", 0x0F EMAIL_ADDRESS "EmailAddress",
        0x10 PICTURE "Picture", 0x11 STATUS "Status", 0x12 DATA "Data",
    }
    /// What bodies, attachments and places have in common.
    17 "AirSyncBase" air_sync_base {
        0x05 BODY_PREFERENCE "BodyPreference", 0x06 TYPE "Type", 0x07 TRUNCATION_SIZE "TruncationSize",
        0x08 ALL_OR_NONE "AllOrNone", 0x0A BODY "Body", 0x0B DATA "Data",
        0x0C ESTIMATED_DATA_SIZE "EstimatedDataSize", 0x0D TRUNCATED "Truncated", 0x0E ATTACHMENTS "Attachments",
        0x0F ATTACHMENT "Attachment", 0x10 DISPLAY_NAME "DisplayName", 0x11 FILE_REFERENCE "FileReference",
        0x12 METHOD "Method", 0x13 CONTENT_ID "ContentId", 0x14 CONTENT_LOCATION "ContentLocation",
        0x15 IS_INLINE "IsInline", 0x16 NATIVE_BODY_TYPE "NativeBodyType", 0x17 CONTENT_TYPE "ContentType",
        0x18 PREVIEW "Preview", 0x19 BODY_PART_PREFERENCE "BodyPartPreference", 0x1A BODY_PART "BodyPart",
        0x1B STATUS "Status", 0x1C ADD "Add", 0x1D DELETE "Delete", 0x1E CLIENT_ID "ClientId", 0x1F CONTENT "Content",
        0x20 LOCATION "Location", 0x21 ANNOTATION "Annotation", 0x22 STREET "Street", 0x23 CITY "City",
        0x24 STATE "State", 0x25 COUNTRY "Country", 0x26 POSTAL_CODE "PostalCode", 0x27 LATITUDE "Latitude",
        0x28 LONGITUDE "Longitude", 0x29 ACCURACY "Accuracy", 0x2A ALTITUDE "Altitude",
        0x2B ALTITUDE_ACCURACY "AltitudeAccuracy", 0x2C LOCATION_URI "LocationUri", 0x2D INSTANCE_ID "InstanceId",
    }
    /// Settings of the account, and the description of the device.
    18 "Settings" settings {
        0x05 SETTINGS "Settings", 0x06 STATUS "Status", 0x07 GET "Get", 0x08 SET "Set", 0x09 OOF "Oof",
        0x0A OOF_STATE "OofState", 0x0B START_TIME "StartTime", 0x0C END_TIME "EndTime",
        0x0D OOF_MESSAGE "OofMessage", 0x0E APPLIES_TO_INTERNAL "AppliesToInternal",
        0x0F APPLIES_TO_EXTERNAL_KNOWN "AppliesToExternalKnown",
        0x10 APPLIES_TO_EXTERNAL_UNKNOWN "AppliesToExternalUnknown", 0x11 ENABLED "Enabled",
        0x12 REPLY_MESSAGE "ReplyMessage", 0x13 BODY_TYPE "BodyType", 0x14 DEVICE_PASSWORD "DevicePassword",
        0x15 PASSWORD "Password", 0x16 DEVICE_INFORMATION "DeviceInformation", 0x17 MODEL "Model", 0x18 IMEI "IMEI",
        0x19 FRIENDLY_NAME "FriendlyName", 0x1A OS "OS", 0x1B OS_LANGUAGE "OSLanguage",
        0x1C PHONE_NUMBER "PhoneNumber", 0x1D USER_INFORMATION "UserInformation",
        0x1E EMAIL_ADDRESSES "EmailAddresses", 0x1F SMTP_ADDRESS "SMTPAddress", 0x20 USER_AGENT "UserAgent",
        0x21 ENABLE_OUTBOUND_SMS "EnableOutboundSMS", 0x22 MOBILE_OPERATOR "MobileOperator",
        0x23 PRIMARY_SMTP_ADDRESS "PrimarySmtpAddress", 0x24 ACCOUNTS "Accounts", 0x25 ACCOUNT "Account",
        0x26 ACCOUNT_ID "AccountId", 0x27 ACCOUNT_NAME "AccountName", 0x28 USER_DISPLAY_NAME "UserDisplayName",
        0x29 SEND_DISABLED "SendDisabled", 0x2B RIGHTS_MANAGEMENT_INFORMATION "RightsManagementInformation",
    }
    /// Files on shares.
    19 "DocumentLibrary" document_library {
        0x05 LINK_ID "LinkId", 0x06 DISPLAY_NAME "DisplayName", 0x07 IS_FOLDER "IsFolder",
        0x08 CREATION_DATE "CreationDate", 0x09 LAST_MODIFIED_DATE "LastModifiedDate", 0x0A IS_HIDDEN "IsHidden",
        0x0B CONTENT_LENGTH "ContentLength", 0x0C CONTENT_TYPE "ContentType",
    }
    /// Fetching and emptying.
    20 "ItemOperations" item_operations {
        0x05 ITEM_OPERATIONS "ItemOperations", 0x06 FETCH "Fetch", 0x07 STORE "Store", 0x08 OPTIONS "Options",
        0x09 RANGE "Range", 0x0A TOTAL "Total", 0x0B PROPERTIES "Properties", 0x0C DATA "Data", 0x0D STATUS "Status",
        0x0E RESPONSE "Response", 0x0F VERSION "Version", 0x10 SCHEMA "Schema", 0x11 PART "Part",
        0x12 EMPTY_FOLDER_CONTENTS "EmptyFolderContents", 0x13 DELETE_SUB_FOLDERS "DeleteSubFolders",
        0x14 USER_NAME "UserName", 0x15 PASSWORD "Password", 0x16 MOVE "Move", 0x17 DST_FLD_ID "DstFldId",
        0x18 CONVERSATION_ID "ConversationId", 0x19 MOVE_ALWAYS "MoveAlways",
    }
    /// Sending mail.
    21 "ComposeMail" compose_mail {
        0x05 SEND_MAIL "SendMail", 0x06 SMART_FORWARD "SmartForward", 0x07 SMART_REPLY "SmartReply",
        0x08 SAVE_IN_SENT_ITEMS "SaveInSentItems", 0x09 REPLACE_MIME "ReplaceMime", 0x0B SOURCE "Source",
        0x0C FOLDER_ID "FolderId", 0x0D ITEM_ID "ItemId", 0x0E LONG_ID "LongId", 0x0F INSTANCE_ID "InstanceId",
        0x10 MIME "Mime", 0x11 CLIENT_ID "ClientId", 0x12 STATUS "Status", 0x13 ACCOUNT_ID "AccountId",
        0x15 FORWARDEES "Forwardees", 0x16 FORWARDEE "Forwardee", 0x17 FORWARDEE_NAME "ForwardeeName",
        0x18 FORWARDEE_EMAIL "ForwardeeEmail",
    } and {
        0x0A TYPE "Type",
    }
    /// More about mail.
    22 "Email2" email2 {
        0x05 UM_CALLER_ID "UmCallerID", 0x06 UM_USER_NOTES "UmUserNotes", 0x07 UM_ATT_DURATION "UmAttDuration",
        0x08 UM_ATT_ORDER "UmAttOrder", 0x09 CONVERSATION_ID "ConversationId",
        0x0A CONVERSATION_INDEX "ConversationIndex", 0x0B LAST_VERB_EXECUTED "LastVerbExecuted",
        0x0C LAST_VERB_EXECUTION_TIME "LastVerbExecutionTime", 0x0D RECEIVED_AS_BCC "ReceivedAsBcc",
        0x0E SENDER "Sender", 0x0F CALENDAR_TYPE "CalendarType", 0x10 IS_LEAP_MONTH "IsLeapMonth",
        0x11 ACCOUNT_ID "AccountId", 0x12 FIRST_DAY_OF_WEEK "FirstDayOfWeek",
        0x13 MEETING_MESSAGE_TYPE "MeetingMessageType", 0x15 IS_DRAFT "IsDraft", 0x16 BCC "Bcc", 0x17 SEND "Send",
    }
    /// Notes.
    23 "Notes" notes {
        0x05 SUBJECT "Subject", 0x06 MESSAGE_CLASS "MessageClass", 0x07 LAST_MODIFIED_DATE "LastModifiedDate",
        0x08 CATEGORIES "Categories", 0x09 CATEGORY "Category",
    }
    /// Rights to mail and templates of them.
    24 "RightsManagement" rights_management {
        0x05 RIGHTS_MANAGEMENT_SUPPORT "RightsManagementSupport",
        0x06 RIGHTS_MANAGEMENT_TEMPLATES "RightsManagementTemplates",
        0x07 RIGHTS_MANAGEMENT_TEMPLATE "RightsManagementTemplate",
        0x08 RIGHTS_MANAGEMENT_LICENSE "RightsManagementLicense", 0x09 EDIT_ALLOWED "EditAllowed",
        0x0A REPLY_ALLOWED "ReplyAllowed", 0x0B REPLY_ALL_ALLOWED "ReplyAllAllowed",
        0x0C FORWARD_ALLOWED "ForwardAllowed", 0x0D MODIFY_RECIPIENTS_ALLOWED "ModifyRecipientsAllowed",
        0x0E EXTRACT_ALLOWED "ExtractAllowed", 0x0F PRINT_ALLOWED "PrintAllowed", 0x10 EXPORT_ALLOWED "ExportAllowed",
        0x11 PROGRAMMATIC_ACCESS_ALLOWED "ProgrammaticAccessAllowed", 0x12 OWNER "Owner",
        0x13 CONTENT_EXPIRY_DATE "ContentExpiryDate", 0x14 TEMPLATE_ID "TemplateID",
        0x15 TEMPLATE_NAME "TemplateName", 0x16 TEMPLATE_DESCRIPTION "TemplateDescription",
        0x17 CONTENT_OWNER "ContentOwner",
        0x18 REMOVE_RIGHTS_MANAGEMENT_PROTECTION "RemoveRightsManagementProtection",
    }
    /// Searching, of 16.1.
    25 "Find" find {
        0x05 FIND "Find", 0x06 SEARCH_ID "SearchId", 0x07 EXECUTE_SEARCH "ExecuteSearch",
        0x08 MAIL_BOX_SEARCH_CRITERION "MailBoxSearchCriterion", 0x09 QUERY "Query", 0x0A STATUS "Status",
        0x0B FREE_TEXT "FreeText", 0x0C OPTIONS "Options", 0x0D RANGE "Range", 0x0E DEEP_TRAVERSAL "DeepTraversal",
        0x11 RESPONSE "Response", 0x12 RESULT "Result", 0x13 PROPERTIES "Properties", 0x14 PREVIEW "Preview",
        0x15 HAS_ATTACHMENTS "HasAttachments", 0x16 TOTAL "Total", 0x17 DISPLAY_CC "DisplayCc",
        0x18 DISPLAY_BCC "DisplayBcc", 0x19 GAL_SEARCH_CRITERION "GALSearchCriterion",
        0x20 MAX_PICTURES "MaxPictures", 0x21 MAX_SIZE "MaxSize", 0x22 PICTURE "Picture",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn pages_stand_in_the_order_of_their_numbers() {
        assert_eq!(NUMBERS, (0..26).collect::<Vec<u8>>());
    }

    #[test]
    fn every_token_is_one_of_an_element_and_named_once() {
        let tokens: HashSet<Tag> = all().collect();
        assert_eq!(tokens.len(), all().count());
        let possible = |tag: &Tag| Tag::new(tag.page(), tag.token()) == Some(*tag);
        assert!(tokens.iter().all(possible));
        assert_eq!(page_name(26), None);
    }

    #[test]
    fn microsofts_table_has_586_tokens() {
        assert_eq!(PAGES.iter().map(|page| page.rows.len()).sum::<usize>(), 586);
        assert_eq!(PAGES.iter().map(|page| page.old.len()).sum::<usize>(), 68);
    }

    #[test]
    fn constants_are_spelled_like_their_names() {
        assert_eq!(CONSTANTS.len(), 654);
        for (constant, tag) in CONSTANTS {
            let spelled = constant.replace('_', "");
            assert_eq!(tag.name().map(str::to_uppercase), Some(spelled), "{tag}");
        }
    }

    #[test]
    fn names_are_those_of_xml() {
        let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric());
        for tag in all() {
            assert!(tag.name().is_some_and(is_name), "{tag}");
            assert!(tag.page_name().is_some_and(is_name), "{tag}");
        }
    }
}
