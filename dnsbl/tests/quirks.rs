//! How lists have lied, each with its date and its source: told rightly, and no false listing and no false "clean" comes of
//! it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{Says, World, ask, codes, lists, of, one, well};
use dnsbl_probe::{Catalogue, Listing};
use probe_core::Verdict;

const ROW: &str = "bl.test,ip4";

/// What one list comes to that answers so.
async fn told(row: &str, answer: fn(&str) -> Says) -> (&'static str, &'static str, bool) {
    let world = World::new(move |_, labels, kind| match kind {
        "TXT" => Says::Nothing,
        _ => answer(labels),
    })
    .await;
    let report = world.ask(&lists(&[row]), "192.0.2.1").await;
    let list = of(&report, "bl.test");
    assert_eq!(list.is_listing(), codes(&report).contains(&"dnsbl.listed"));
    (
        list.listing.as_str(),
        list.health.as_str(),
        list.is_believed(),
    )
}

/// rbl.lugh.ch, 2024-07-22 (check_rbl#57); ahbl.org, 2015 (rblwatch#9).
#[tokio::test]
async fn a_list_that_ends_by_listing_the_world() {
    let told = told(ROW, |_| one([127, 0, 0, 2])).await;
    assert_eq!(told, ("listed", "lists-everything", false));
}

/// spamcannibal, 2018; emailbasura, 2019; megarbl: 54.72.130.67 to every question.
#[tokio::test]
async fn a_domain_that_was_bought_and_parked() {
    let told = told(ROW, |_| one([54, 72, 130, 67])).await;
    assert_eq!(told, ("unknown", "parked", false));
}

/// dnsrbl.org and bad.psky.me, for sale in 2026 (SPFtoolbox#103): an alias to a page.
#[tokio::test]
async fn a_domain_that_is_for_sale_and_led_to_a_page_by_an_alias() {
    let told = told(ROW, |_| Says::Alias([127, 0, 0, 2].into())).await;
    assert_eq!(told, ("listed", "lists-everything", false));
}

/// NiX Spam, 2025-01-17; SORBS, 2024-06-05: everything looks clean.
#[tokio::test]
async fn a_list_that_ends_by_emptying_its_zone() {
    let told = told(ROW, |_| Says::Nothing).await;
    assert_eq!(told, ("not-listed", "missing-test-entry", false));
}

/// spamcop.net, 2021-01-31 (docker-mailserver#1781): the domain itself expired, and matched everything for a day.
#[tokio::test]
async fn a_list_whose_own_domain_expires_for_a_day() {
    let told = told(ROW, |labels| match labels {
        "1.0.0.127" => Says::Nothing,
        _ => one([127, 0, 0, 2]),
    })
    .await;
    assert_eq!(told, ("listed", "lists-everything", false));
}

/// Spamhaus (mox#354, modoboa#2576 and many more): each was told as a listing by somebody.
#[tokio::test]
async fn error_codes_of_spamhaus_are_no_listings() {
    for answer in [
        |_: &str| one([127, 255, 255, 252]),
        |_: &str| one([127, 255, 255, 254]),
        |_: &str| one([127, 255, 255, 255]),
        |_: &str| one([127, 255, 255, 250]),
    ] {
        assert_eq!(told(ROW, answer).await, ("unknown", "blocked", false));
    }
}

/// URIBL and SURBL say 127.0.0.1 to whom they do not serve.
#[tokio::test]
async fn a_bit_that_means_refused_is_no_listing() {
    let row = "bl.test,ip4,block,,mask:1=error:query-refused mask:2=black";
    let told = told(row, |_| one([127, 0, 0, 1])).await;
    assert_eq!(told, ("unknown", "blocked", false));
}

/// hostkarma: 127.0.0.1 is its word for white, and the address 127.0.0.1 is on it (rspamd#1662).
#[tokio::test]
async fn a_list_that_has_127_0_0_1_as_data_is_well() {
    let row = "bl.test,ip4,block,,127.0.0.1=clean:white 127.0.0.2=black,,no-negative";
    let white = told(row, |labels| match labels {
        "1.0.0.127" | "1.2.0.192" => one([127, 0, 0, 1]),
        other => well(other, &[]),
    })
    .await;
    assert_eq!(white, ("not-listed", "ok", true));
}

/// DNSWL gave 127.0.10.3 to those who asked too much: it looks like its highest trust (rspamd#4627).
#[tokio::test]
async fn trust_is_not_gained_by_asking_too_much() {
    let world = World::new(|_, _, _| one([127, 0, 10, 3])).await;
    let dnswl = Catalogue::builtin().get("list.dnswl.org").unwrap().clone();
    let only = Catalogue::from_iter([dnswl]);
    let probe = world
        .options(&lists(&[ROW]))
        .catalogue(only)
        .build()
        .unwrap();
    let report = ask(&probe, "192.0.2.1").await;
    let list = of(&report, "list.dnswl.org");
    assert_eq!(
        (list.listing, list.health.as_str()),
        (Listing::Unknown, "blocked")
    );
}

/// Ask for a domain by an address, and Spamhaus's list of domains lists you (127.0.1.255): nobody is asked for what it does
/// not know.
#[tokio::test]
async fn no_list_of_domains_is_asked_for_an_address() {
    let world = World::new(|_, labels, _| well(labels, &[])).await;
    let catalogue = lists(&["dbl.test,domain", ROW]);
    world.ask(&catalogue, "192.0.2.1").await;
    assert!(!world.asked().iter().any(|name| name.contains(".dbl.test")));
}

/// DNS rebinding protection and the like take answers within 127.0.0.0/8 away: then everything looks clean.
#[tokio::test]
async fn a_resolver_that_loses_answers_does_not_make_anybody_clean() {
    let world = World::new(|_, _, _| Says::Addresses(Vec::new())).await;
    let rows: Vec<_> = (0..8)
        .map(|number| format!("bl{number}.test,ip4"))
        .collect();
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    let report = world.ask(&lists(&rows), "192.0.2.1").await;
    assert_eq!(report.verdict(), Verdict::Unknown);
}

/// A list that does not exist was told as OK (nagios_plugins#135).
#[tokio::test]
async fn a_list_that_does_not_exist_is_not_clean() {
    let told = told(ROW, |_| Says::Nothing).await;
    assert!(!told.2);
}

/// check_rbl and dnsbl_exporter take the first of several addresses.
#[tokio::test]
async fn one_bad_address_among_several_is_enough() {
    let row = "bl.test,ip4,block,,127.0.0.1=clean:white 127.0.0.2=black,,no-negative";
    let told = told(row, |labels| match labels {
        "1.2.0.192" => Says::Addresses(vec![[127, 0, 0, 1].into(), [127, 0, 0, 2].into()]),
        other => well(other, &[]),
    })
    .await;
    assert_eq!(told, ("listed", "ok", true));
}

/// dnsbl_exporter asks for the reason under the answer's name; a reason may be long, and of several strings.
#[tokio::test]
async fn a_reason_is_asked_for_at_the_subjects_name_and_bounded() {
    let world = World::new(|_, labels, kind| match (labels, kind) {
        ("1.2.0.192", "TXT") => Says::Text(vec![b'x'; 1500]),
        (_, "TXT") => Says::Nothing,
        _ => well(labels, &[("1.2.0.192", [127, 0, 0, 2])]),
    })
    .await;
    let report = world.ask(&lists(&[ROW]), "192.0.2.1").await;
    let reason = of(&report, "bl.test").reason.as_ref().unwrap();
    assert_eq!(reason.len(), 1024);
}

/// A catalogue of the operator's own may say anything.
#[tokio::test]
async fn lists_that_cover_each_other_or_tell_nothing_hide_no_listing() {
    let world = World::new(|_, labels, _| well(labels, &[("1.2.0.192", [127, 0, 0, 2])])).await;
    let told = async |rows: &[&str]| {
        let report = world.ask(&lists(rows), "192.0.2.1").await;
        codes(&report)
    };
    let one = "a.test,ip4,block,,,,,a.test b.test";
    let other = "b.test,ip4,block,,,,,a.test";
    assert_eq!(told(&[one, other]).await, ["dnsbl.listed", "dnsbl.listed"]);
    let info = "info.test,ip4,info,,,,,bl.test";
    assert_eq!(told(&[info, ROW]).await, ["dnsbl.listed"]);
    let sum = "sum.test,ip4,block,,,,,bl.test";
    assert_eq!(told(&[sum, ROW]).await, ["dnsbl.listed"]);
}

/// URIBL keeps test.uribl.com, Spamhaus dbltest.com, and neither TEST.
#[tokio::test]
async fn a_list_of_domains_may_have_a_test_entry_of_its_own() {
    let world = World::new(|_, labels, _| match labels {
        "test.uribl.com" => one([127, 0, 0, 14]),
        _ => Says::Nothing,
    })
    .await;
    let row = "bl.test,domain,block,,mask:2=black,,entry:test.uribl.com";
    let report = world.ask(&lists(&[row]), "example.org").await;
    let list = of(&report, "bl.test");
    assert_eq!(
        (list.listing, list.health.as_str()),
        (Listing::NotListed, "ok")
    );
}
