//! Our WBXML beside that of libwbxml, which SOGo speaks: what we write it reads as the same elements and values, and what
//! it makes of that again we read as what we wrote.

use std::io::Write;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eas_probe::wbxml::tags::{
    self, air_sync, air_sync_base, calendar, compose_mail, contacts, email, email2, gal,
    item_operations, meeting_response, ping, provision, resolve_recipients, rights_management,
    search, settings, tasks, validate_cert,
};
use eas_probe::wbxml::{Builder, Content, Document, Element, Tag};
use probe_testkit::corpus;
use proptest::prelude::*;
use proptest::sample::select;
use roxmltree::{Node, ParsingOptions};

use super::generated::{self, Step, build};

const FIND: u8 = 25;

/// Elements that libwbxml 0.11.8 does not know: those of 16.1, two answers to invitations, what is in no table but that of
/// Z-Push, and the whole page of Find.
const UNKNOWN: [Tag; 13] = [
    calendar::ATTACHMENT,
    calendar::ATTACHMENTS,
    calendar::ATT_NAME,
    calendar::ATT_SIZE,
    calendar::ATT_OID,
    calendar::ATT_METHOD,
    calendar::ATT_REMOVED,
    calendar::DISPLAY_NAME,
    meeting_response::PROPOSED_START_TIME,
    meeting_response::PROPOSED_END_TIME,
    ping::VERSION,
    provision::ACCOUNT_ONLY_REMOTE_WIPE,
    compose_mail::TYPE,
];

/// Elements that libwbxml spells in another way than Microsoft.
const SPELLED: [(Tag, &str); 68] = [
    (air_sync::RTF_TRUNCATION, "RTFTruncation"),
    (contacts::ASSISTANT_PHONE_NUMBER, "AssistantTelephoneNumber"),
    (contacts::BUSINESS_ADDRESS_CITY, "BusinessCity"),
    (contacts::BUSINESS_ADDRESS_COUNTRY, "BusinessCountry"),
    (contacts::BUSINESS_ADDRESS_POSTAL_CODE, "BusinessPostalCode"),
    (contacts::BUSINESS_ADDRESS_STATE, "BusinessState"),
    (contacts::BUSINESS_ADDRESS_STREET, "BusinessStreet"),
    (contacts::HOME_ADDRESS_CITY, "HomeCity"),
    (contacts::HOME_ADDRESS_COUNTRY, "HomeCountry"),
    (contacts::HOME_ADDRESS_POSTAL_CODE, "HomePostalCode"),
    (contacts::HOME_ADDRESS_STATE, "HomeState"),
    (contacts::HOME_ADDRESS_STREET, "HomeStreet"),
    (contacts::OTHER_ADDRESS_CITY, "OtherCity"),
    (contacts::OTHER_ADDRESS_COUNTRY, "OtherCountry"),
    (contacts::OTHER_ADDRESS_POSTAL_CODE, "OtherPostalCode"),
    (contacts::OTHER_ADDRESS_STATE, "OtherState"),
    (contacts::OTHER_ADDRESS_STREET, "OtherStreet"),
    (email::ATT_OID, "AttOId"),
    (email::REPLY_TO, "Reply-To"),
    (email::DT_STAMP, "DTStamp"),
    (email::TYPE, "Recurrence_Type"),
    (email::UNTIL, "Recurrence_Until"),
    (email::OCCURRENCES, "Recurrence_Occurrences"),
    (email::INTERVAL, "Recurrence_Interval"),
    (email::DAY_OF_WEEK, "Recurrence_DayOfWeek"),
    (email::DAY_OF_MONTH, "Recurrence_DayOfMonth"),
    (email::WEEK_OF_MONTH, "Recurrence_WeekOfMonth"),
    (email::MONTH_OF_YEAR, "Recurrence_MonthOfYear"),
    (email::STATUS, "FlagStatus"),
    (calendar::TIMEZONE, "TimeZone"),
    (calendar::EMAIL, "Attendee_Email"),
    (calendar::NAME, "Attendee_Name"),
    (calendar::COMPRESSED_RTF, "Compressed_RTF"),
    (calendar::DT_STAMP, "DTStamp"),
    (calendar::DELETED, "Exception_Deleted"),
    (calendar::EXCEPTION_START_TIME, "Exception_StartTime"),
    (calendar::ORGANIZER_EMAIL, "Organizer_Email"),
    (calendar::ORGANIZER_NAME, "Organizer_Name"),
    (calendar::TYPE, "Recurrence_Type"),
    (calendar::UNTIL, "Recurrence_Until"),
    (calendar::OCCURRENCES, "Recurrence_Occurrences"),
    (calendar::INTERVAL, "Recurrence_Interval"),
    (calendar::DAY_OF_WEEK, "Recurrence_DayOfWeek"),
    (calendar::DAY_OF_MONTH, "Recurrence_DayOfMonth"),
    (calendar::WEEK_OF_MONTH, "Recurrence_WeekOfMonth"),
    (calendar::MONTH_OF_YEAR, "Recurrence_MonthOfYear"),
    (calendar::ATTENDEE_STATUS, "Attendee_Status"),
    (calendar::ATTENDEE_TYPE, "Attendee_Type"),
    (tasks::UTC_DUE_DATE, "UTCDueDate"),
    (tasks::TYPE, "Recurrence_Type"),
    (tasks::START, "Recurrence_Start"),
    (tasks::UNTIL, "Recurrence_Until"),
    (tasks::OCCURRENCES, "Recurrence_Occurrences"),
    (tasks::INTERVAL, "Recurrence_Interval"),
    (tasks::DAY_OF_MONTH, "Recurrence_DayOfMonth"),
    (tasks::DAY_OF_WEEK, "Recurrence_DayOfWeek"),
    (tasks::WEEK_OF_MONTH, "Recurrence_WeekOfMonth"),
    (tasks::MONTH_OF_YEAR, "Recurrence_MonthOfYear"),
    (tasks::REGENERATE, "Recurrence_Regenerate"),
    (tasks::DEAD_OCCUR, "Recurrence_DeadOccur"),
    (tasks::UTC_START_DATE, "UTCStartDate"),
    (validate_cert::CHECK_CRL, "CheckCRL"),
    (
        provision::REQUIRE_STORAGE_CARD_ENCRYPTION,
        "DeviceEncryptionEnabled",
    ),
    (settings::SMTP_ADDRESS, "SmtpAddress"),
    (
        settings::RIGHTS_MANAGEMENT_INFORMATION,
        "ihsManagementInformation",
    ),
    (compose_mail::MIME, "MIME"),
    (rights_management::OWNER, "RMOwner"),
    (
        rights_management::REMOVE_RIGHTS_MANAGEMENT_PROTECTION,
        "RemoveRightsManagementDistribution",
    ),
];

/// Elements whose values libwbxml shows in base64, and writes as opaque.
const BINARY: [Tag; 8] = [
    resolve_recipients::DATA,
    search::CONVERSATION_ID,
    gal::DATA,
    air_sync_base::CONTENT,
    item_operations::CONVERSATION_ID,
    compose_mail::MIME,
    email2::CONVERSATION_ID,
    email2::CONVERSATION_INDEX,
];

/// What a tool of libwbxml makes of this; a tool that is not there, or that refuses it, is a failure.
fn run(tool: &str, options: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(tool)
        .args(options)
        .args(["-o", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{tool}, of Debian's libwbxml2-utils: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("succeeded"),
        "{tool}: {said}"
    );
    output.stdout
}

/// A document as libwbxml reads it, with all blanks, and with the ends of lines as they are.
fn to_xml(octets: &[u8]) -> String {
    let options = ["-l", "ACTIVESYNC", "-m", "2", "-k"];
    String::from_utf8(run("wbxml2xml", &options, octets)).unwrap()
}

/// What libwbxml writes, without a string table.
fn from_xml(xml: &str) -> Document {
    Document::decode(run("xml2wbxml", &["-n", "-k"], xml.as_bytes())).unwrap()
}

fn is_known(tag: &Tag) -> bool {
    tag.page() != FIND && !UNKNOWN.contains(tag)
}

fn spelling(tag: Tag) -> &'static str {
    let theirs = SPELLED.iter().find(|(spelled, _)| *spelled == tag);
    theirs.map_or(tag.name().unwrap(), |(_, name)| name)
}

/// Elements are the same, one after the other and within each other, and so is their text.
fn assert_same(ours: Element<'_>, theirs: Node<'_, '_>) {
    let name = theirs.tag_name();
    assert_eq!(name.name(), spelling(ours.tag()), "{}", ours.tag());
    let page = match ours.tag().page_name().unwrap() {
        "GAL" => "Gal:".to_owned(),
        page => format!("{page}:"),
    };
    assert_eq!(name.namespace(), Some(&*page), "{}", ours.tag());
    let text = theirs.children().filter(Node::is_text);
    let text: String = text.filter_map(|it| it.text()).collect();
    assert_eq!(said(ours), text, "{}", ours.tag());
    let children: Vec<_> = theirs.children().filter(Node::is_element).collect();
    assert_eq!(ours.children().count(), children.len(), "{ours}");
    for (ours, theirs) in ours.children().zip(children) {
        assert_same(ours, theirs);
    }
}

/// The values of an element as libwbxml shows them.
fn said(element: Element<'_>) -> String {
    let values = element.content().filter_map(|content| match content {
        Content::Element(_) => None,
        Content::Text(octets) => Some(String::from_utf8(octets.to_vec()).unwrap()),
        Content::Opaque(octets) => Some(STANDARD.encode(octets)),
    });
    values.collect()
}

/// We write, they read; they write, we read.
fn hold(document: &Document) {
    let xml = to_xml(&document.encode());
    let options = ParsingOptions {
        allow_dtd: true,
        ..ParsingOptions::default()
    };
    let tree = roxmltree::Document::parse_with_options(&xml, options).unwrap();
    assert_same(document.root(), tree.root_element());
    assert_eq!(&from_xml(&xml), document);
}

#[test]
fn what_sogo_says_is_the_same_to_both() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts");
    for (name, octets) in corpus(folder) {
        println!("{name}");
        hold(&Document::decode(octets).unwrap());
    }
}

#[test]
fn every_element_that_both_know_is_the_same_to_both() {
    let known: Vec<Tag> = tags::all().filter(is_known).collect();
    assert_eq!(known.len(), 654 - 22 - 13);
    for tag in known {
        let command = Builder::new(air_sync::SYNC)
            .empty(tag)
            .element(tag, |it| it.empty(tag).empty(air_sync::STATUS));
        let command = ["1", "<ü>\r\n &"].iter().fold(command, |it, text| {
            if BINARY.contains(&tag) {
                it.opaque(tag, text)
            } else {
                it.text(tag, text)
            }
        });
        hold(&Document::decode(command.finish().unwrap()).unwrap());
    }
}

#[test]
fn elements_that_only_we_know_are_not_known_to_the_other() {
    for tag in tags::all().filter(|tag| !is_known(tag)) {
        let command = Builder::new(air_sync::SYNC).empty(tag).finish().unwrap();
        let xml = to_xml(&command);
        assert!(xml.contains("<unknown/>"), "{tag}: {xml}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn documents_of_any_shape_are_the_same_to_both(mut steps in generated::steps(known())) {
        steps.iter_mut().for_each(make_writable);
        let command = build(&steps).finish().unwrap();
        hold(&Document::decode(command).unwrap());
    }
}

fn known() -> impl Strategy<Value = Tag> + Clone {
    select(tags::all().filter(is_known).collect::<Vec<Tag>>())
}

/// Opaque is what libwbxml writes as opaque, and text is what XML can hold.
fn make_writable(step: &mut Step) {
    *step = match core::mem::replace(step, Step::Close) {
        Step::Text(tag, text) if BINARY.contains(&tag) => Step::Opaque(tag, text.into_bytes()),
        Step::Opaque(tag, octets) if !BINARY.contains(&tag) => {
            Step::Text(tag, octets.len().to_string())
        }
        Step::Text(tag, text) => {
            let is_writable = |c: &char| !c.is_control() && !('\u{fffe}'..='\u{ffff}').contains(c);
            Step::Text(tag, text.chars().filter(is_writable).collect())
        }
        other => other,
    };
}
