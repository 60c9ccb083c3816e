//! SPF records, as they are and as they should not be.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are tests"
)]

use mx_check::records::spf::{Letter, Mechanism, Modifier, Prefixes, Qualifier, Spf, Term};

fn read(text: &str) -> Spf {
    Spf::parse(text.as_bytes())
}

fn errors(text: &str) -> Vec<String> {
    read(text).errors.iter().map(ToString::to_string).collect()
}

fn terms(text: &str) -> Vec<Term> {
    let read = read(text);
    assert!(read.errors.is_empty(), "{:?}", read.errors);
    read.terms
}

#[test]
fn a_record_is_read_from_left_to_right() {
    let read =
        terms("v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 include:_spf.example.net ?mx//64 -all");
    let Term::Directive(Qualifier::Pass, Mechanism::Include(target)) = &read[2] else {
        panic!("{read:?}");
    };
    assert_eq!(target.to_string(), "_spf.example.net");
    let ip4 = Mechanism::Ip4("192.0.2.0".parse().unwrap(), 24);
    assert_eq!(read[0], Term::Directive(Qualifier::Pass, ip4));
    let ip6 = Mechanism::Ip6("2001:db8::".parse().unwrap(), 32);
    assert_eq!(read[1], Term::Directive(Qualifier::Pass, ip6));
    let mut prefixes = Prefixes::default();
    prefixes.ip6 = Some(64);
    let mx = Mechanism::Mx(None, prefixes);
    assert_eq!(read[3], Term::Directive(Qualifier::Neutral, mx));
    assert_eq!(read[4], Term::Directive(Qualifier::Fail, Mechanism::All));
    assert_eq!(read.len(), 5);
}

#[test]
fn a_record_is_written_as_it_was_read() {
    for text in [
        "v=spf1",
        "v=spf1 -all",
        "v=spf1 a/24 mx/24//64 a:mail.example.org/32 a:%{d}//0 ~all",
        "v=spf1 exists:%{ir}.%{l1r-}._spf.%{d2} ptr ptr:example.org ?all",
        "v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 redirect=%{S}.example.org",
        "v=spf1 exp=explain.example.org some.thing=%{h}%%%_%- -all",
        "v=spf1 a:foo/bar.example.org/24",
    ] {
        assert_eq!(read(text).to_string(), text);
        assert_eq!(errors(text), [""; 0], "{text}");
    }
}

#[test]
fn letters_may_be_upper_or_lower() {
    let text = "V=SPF1 IP4:192.0.2.1 Include:%{D}.example.org MX -ALL";
    assert!(Spf::is_one(text.as_bytes()));
    let read = terms(text);
    let Term::Directive(_, Mechanism::Include(target)) = &read[1] else {
        panic!("{read:?}");
    };
    let found = target.macros().next().unwrap();
    assert_eq!((found.letter, found.is_escaped), (Letter::Domain, true));
    assert_eq!(read.len(), 4);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let cases = [
        (
            "v=spf1 ipv4:192.0.2.1 -all",
            "there is no such mechanism: ipv4:192.0.2.1 (at octet 7)",
        ),
        (
            "v=spf1 a -all:x",
            "nothing may stand behind all: -all:x (at octet 9)",
        ),
        (
            "v=spf1 ip4:192.0.2.256",
            "it is no IPv4 address: ip4:192.0.2.256 (at octet 7)",
        ),
        (
            "v=spf1 ip4:192.0.2.0/33",
            "the length of its prefix is none: ip4:192.0.2.0/33 (at octet 7)",
        ),
        (
            "v=spf1 ip4:192.0.2.0/024",
            "the length of its prefix is none: ip4:192.0.2.0/024 (at octet 7)",
        ),
        (
            "v=spf1 ip6:2001:db8::/129",
            "the length of its prefix is none: ip6:2001:db8::/129 (at octet 7)",
        ),
        (
            "v=spf1 ip6:192.0.2.1",
            "it is no IPv6 address: ip6:192.0.2.1 (at octet 7)",
        ),
        (
            "v=spf1 include",
            "it lacks what stands behind the colon: include (at octet 7)",
        ),
        (
            "v=spf1 include:",
            "the name in it is no domain name: include: (at octet 7)",
        ),
        (
            "v=spf1 include:localhost",
            "the name in it is no domain name: include:localhost (at octet 7)",
        ),
        (
            "v=spf1 a:192.0.2.1",
            "the name in it is no domain name: a:192.0.2.1 (at octet 7)",
        ),
        (
            "v=spf1 a:example.org/33",
            "the name in it is no domain name: a:example.org/33 (at octet 7)",
        ),
        (
            "v=spf1 a/33",
            "it can be read neither as a name nor as a length: a/33 (at octet 7)",
        ),
        (
            "v=spf1 exists:%{x}.example.org",
            "a macro in it is none: exists:%{x}.example.org (at octet 7)",
        ),
        (
            "v=spf1 exists:%{d0}.example.org",
            "a macro in it is none: exists:%{d0}.example.org (at octet 7)",
        ),
        (
            "v=spf1 exists:%{t}.example.org",
            "the name in it is no domain name: exists:%{t}.example.org (at octet 7)",
        ),
        (
            "v=spf1 redirect=",
            "the name in it is no domain name: redirect= (at octet 7)",
        ),
        ("v=spf1 -", "it is no term: - (at octet 7)"),
        (
            "v=spf1 ptr/24",
            "behind ptr only a domain may stand: ptr/24 (at octet 7)",
        ),
        (
            "v=spf1 a\t-all",
            "an octet in it is not visible ASCII: a -all (at octet 7)",
        ),
        (
            "v=spf1 exp=a.example.org exp=b.example.org",
            "the modifier is there twice: exp=b.example.org (at octet 25)",
        ),
        (
            "v=spf1 redirect=a.example.org redirect=b.example.org",
            "the modifier is there twice: redirect=b.example.org (at octet 30)",
        ),
        (
            "v=spf10 -all",
            "it does not begin with v=spf1 and a blank: v=spf10 -all (at octet 0)",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(errors(text), [expected], "{text}");
    }
}

#[test]
fn what_stands_behind_all_is_passed_over() {
    let read = read("v=spf1 -all mx redirect=example.net unknown=1");
    let odd: Vec<_> = read.oddities.iter().map(ToString::to_string).collect();
    let expected = [
        "nothing behind all is looked at: mx (at octet 12)",
        "with all, redirect is not looked at: redirect=example.net (at octet 15)",
    ];
    assert_eq!(odd, expected);
    assert_eq!((read.lookups(), read.errors.len()), (0, 0));
}

#[test]
fn a_record_that_does_not_begin_at_the_start_is_none_but_is_seen() {
    for text in [
        " v=spf1 -all",
        "\"v=spf1 -all\"",
        "v=spf1\u{a0}-all",
        "spf1 -all",
        "v=spf1;-all",
    ] {
        assert!(!Spf::is_one(text.as_bytes()), "{text}");
        assert!(Spf::is_nearly_one(text.as_bytes()), "{text}");
    }
    for text in [
        "v=spf1",
        "v=spf1 -all",
        "v=spf10 -all",
        "hello",
        "",
        "google-site-verification=v=spf1",
    ] {
        assert!(!Spf::is_nearly_one(text.as_bytes()), "{text}");
    }
    assert!(!Spf::is_one(b"v=spf10"));
}

#[test]
fn lookups_are_the_terms_that_ask() {
    let cases = [
        ("v=spf1 ip4:192.0.2.1 ip6:::1 -all", 0),
        ("v=spf1 a mx ptr exists:%{d}.x.org include:x.org -all", 5),
        ("v=spf1 a redirect=x.org", 2),
        ("v=spf1 a redirect=x.org ?all", 1),
        ("v=spf1 exp=x.org ~all", 0),
    ];
    for (text, lookups) in cases {
        assert_eq!(read(text).lookups(), lookups, "{text}");
    }
}

#[test]
fn modifiers_that_nobody_knows_are_kept() {
    let read = terms("v=spf1 ra=postmaster -all");
    let Term::Modifier(Modifier::Other(name, value)) = &read[0] else {
        panic!("{read:?}");
    };
    assert_eq!(
        (name.as_str(), value.to_string().as_str()),
        ("ra", "postmaster")
    );
}

#[test]
fn more_terms_than_512_are_not_read() {
    let of = |count: usize| format!("v=spf1{}", " a".repeat(count));
    let most = read(&of(512));
    assert_eq!((most.terms.len(), most.errors.len()), (512, 0));
    let more = read(&of(513));
    assert_eq!(more.terms.len(), 512);
    assert_eq!(
        more.errors[0].to_string(),
        "there are more terms than are read: a (at octet 1031)"
    );
}
