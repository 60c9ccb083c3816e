//! The catalogue: what this crate knows of lists, and what a caller may add.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use dnsbl_probe::{
    Access, Catalogue, CatalogueError, Codes, Form, Kinds, List, Meaning, Polarity, Profile, Scope,
    Status,
};

fn builtin() -> Catalogue {
    Catalogue::builtin()
}

#[test]
fn every_line_of_the_catalogue_is_understood() {
    let text = include_str!("../catalogue.csv");
    let catalogue = Catalogue::parse(text).unwrap();
    assert_eq!(catalogue.lists().len(), 616);
    for list in catalogue.lists() {
        for part in &list.covers {
            assert!(catalogue.get(part).is_some(), "{} covers {part}", list.zone);
        }
        assert!(!list.sources.is_empty(), "{}", list.zone);
    }
}

#[test]
fn lists_are_known_as_what_they_are() {
    let catalogue = builtin();
    let zen = catalogue.get("zen.spamhaus.org").unwrap();
    assert_eq!((zen.status, zen.access), (Status::Alive, Access::Anybody));
    assert!(zen.kinds.ip4 && zen.kinds.ip6 && !zen.kinds.domain);
    assert!(zen.covers.contains(&"sbl.spamhaus.org".to_owned()));
    let xbl = zen.codes.meanings([127, 0, 0, 4].into());
    assert_eq!(xbl, [Meaning::Listed(Some("xbl"))]);
    let public = zen.codes.meanings([127, 255, 255, 254].into());
    assert_eq!(public, [Meaning::Error("public-resolver")]);

    let scope = |zone| catalogue.get(zone).unwrap().scope;
    assert_eq!(scope("dnsbl-1.uceprotect.net"), Scope::Address);
    assert_eq!(scope("dnsbl-2.uceprotect.net"), Scope::Range);
    assert_eq!(scope("dnsbl-3.uceprotect.net"), Scope::Asn);

    let karma = catalogue.get("hostkarma.junkemailfilter.com").unwrap();
    assert!(karma.tests.positive && !karma.tests.negative);
    let white = karma.codes.meanings([127, 0, 0, 1].into());
    assert_eq!(white, [Meaning::Clean("white")]);

    let dnswl = catalogue.get("list.dnswl.org").unwrap();
    assert_eq!(dnswl.polarity, Polarity::Allow);
    // What looks like the highest trust is what a blocked resolver gets (rspamd#4627).
    let blocked = dnswl.codes.meanings([127, 0, 10, 3].into());
    assert_eq!(blocked, [Meaning::Error("blocked")]);

    // They keep a test entry of their own.
    let entry = |zone| catalogue.get(zone).unwrap().tests.domain.clone();
    assert_eq!(entry("dbl.spamhaus.org").as_deref(), Some("dbltest.com"));
    assert_eq!(entry("multi.uribl.com").as_deref(), Some("test.uribl.com"));

    let form = |zone| catalogue.get(zone).unwrap().form;
    assert_eq!(form("uribl.rspamd.com"), Form::Digest);
    assert_eq!(form("ebl.msbl.org"), Form::Foreign);
    assert_eq!(
        catalogue.get("dnsbl.sorbs.net").unwrap().status,
        Status::Dead
    );
}

#[test]
fn profiles_grow_and_none_asks_the_dead() {
    let zones = |profile| -> Vec<String> {
        let lists = builtin().profile(profile);
        lists.lists().iter().map(|list| list.zone.clone()).collect()
    };
    let (core, wide, all) = (
        zones(Profile::Core),
        zones(Profile::Wide),
        zones(Profile::All),
    );
    assert!((20..80).contains(&core.len()), "{}", core.len());
    assert!((200..450).contains(&wide.len()), "{}", wide.len());
    assert!(all.len() > wide.len());
    assert!(core.iter().all(|zone| wide.contains(zone)));
    assert!(wide.iter().all(|zone| all.contains(zone)));
    assert!(!all.contains(&"dnsbl.ahbl.org".to_owned()));
    // It wants every address that asks to be registered.
    assert!(!core.contains(&"b.barracudacentral.org".to_owned()));
}

#[test]
fn a_list_may_be_named_as_postscreen_does() {
    let catalogue = builtin();
    let site = |site| List::of_site(site, &catalogue).unwrap();
    let zen = site("zen.spamhaus.org=127.0.0.[2..11]*3");
    assert_eq!(zen.weight, 3);
    let only = zen.only.unwrap();
    assert!(only.matches([127, 0, 0, 11].into()) && !only.matches([127, 0, 0, 30].into()));
    assert_eq!(only.to_string(), "127.0.0.[2..11]");
    let other = site("BL.Example.org*-2");
    assert_eq!((other.zone.as_str(), other.weight), ("bl.example.org", -2));
    assert!(other.kinds.ip4 && other.kinds.ip6 && other.kinds.domain);
    for wrong in [
        "",
        "a..b",
        "bl.example.org=127.0.0",
        "bl.example.org*x",
        "bl.example.org=*2",
    ] {
        assert!(List::of_site(wrong, &catalogue).is_err(), "{wrong}");
    }
}

#[test]
fn a_catalogue_of_ones_own_adds_and_replaces() {
    let own = "zone,kinds,codes\nzen.spamhaus.org,ip4,127.0.0.2=mine\nbl.example.org,ip4,\n";
    let catalogue = builtin().with(Catalogue::parse(own).unwrap());
    assert_eq!(catalogue.lists().len(), 617);
    let zen = catalogue.get("zen.spamhaus.org").unwrap();
    assert!(!zen.kinds.ip6);
    let without = catalogue.without(&["zen.spamhaus.org".to_owned()]);
    assert!(without.get("zen.spamhaus.org").is_none());
}

#[test]
fn what_is_not_understood_is_told_with_its_place() {
    let error = |text: &str| Catalogue::parse(text).unwrap_err();
    let field = |column, value: &str| CatalogueError::Field {
        line: 2,
        column,
        value: value.to_owned(),
    };
    assert_eq!(
        error("zone,kinds\nbl..test,ip4\n"),
        field("zone", "bl..test")
    );
    assert_eq!(error("zone,kinds\nbl.test,ip5\n"), field("kinds", "ip5"));
    assert_eq!(
        error("zone,kinds,codes\nbl.test,ip4,127.0.0=x\n"),
        field("codes", "127.0.0=x")
    );
    assert_eq!(
        error("zone,kinds\nbl.test,ip4\nBL.test.,ip4\n"),
        CatalogueError::Twice("bl.test".to_owned())
    );
    assert!(matches!(
        error("zone,kinds\nbl.test\n"),
        CatalogueError::Csv(_)
    ));
}

#[test]
fn errors_outweigh_bits_and_what_is_unknown_is_still_a_listing() {
    let codes: Codes = "mask:2=black 127.0.0.1=error:refused".parse().unwrap();
    let meanings = |address: [u8; 4]| codes.meanings(address.into());
    assert_eq!(meanings([127, 0, 0, 1]), [Meaning::Error("refused")]);
    assert_eq!(meanings([127, 0, 0, 2]), [Meaning::Listed(Some("black"))]);
    assert_eq!(meanings([127, 0, 0, 4]), [Meaning::Listed(None)]);
    // 127.255.255.0/24 has every bit there is.
    assert_eq!(
        meanings([127, 255, 255, 254]),
        [Meaning::Error("public-resolver")]
    );
    assert_eq!(meanings([127, 255, 255, 7]), [Meaning::Error("error")]);
    assert_eq!(meanings([128, 0, 0, 2]), [Meaning::Foreign]);
    let kinds = Kinds::default();
    assert!(List::new("bl.test", kinds).is_ok());
}
