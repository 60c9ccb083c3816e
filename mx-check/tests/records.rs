//! The records of DMARC, DKIM, MTA-STS, TLS-RPT and BIMI, as they are and as they should not be.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are tests"
)]

use std::time::Duration;

use mx_check::records::Fault;
use mx_check::records::bimi::Bimi;
use mx_check::records::dkim::{DkimKey, Key, Strength};
use mx_check::records::dmarc::{Alignment, Disposition, Dmarc, PublicSuffix};
use mx_check::records::mta_sts::{Policy, Record};
use mx_check::records::tls_rpt::TlsRpt;
use probe_net::tls::PolicyMode;

const RSA_512: &str = "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBANGhE3PE9OgKAOPRusY8B+2OAhJPMQ9rAJzwA2+nqMvKu8uU4NuQtCzSX16+KCC8\
    swHBRSNu5U5tGTbKOyCIJscCAwEAAQ==";
const RSA_1024: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCo+7/J/48JieUEHCNTcTFq6mDyC68Dj2XCEHL9mjYyS7UniB+AQARriULZ\
    sEFga+MzrScFaMdDfhykpnylaIPnv0RfoYd9mF5Z3xhj8hvJb1kLTnOp1QVCtdASlxWFZkScsSWe5BfvjKNToF6slN7eUWa8qbMIfO2tE94omTNmRwIDAQ\
    AB";
const RSA_2048: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA8iL4ZKX29fNK5u/kuUt3K7pXY3UmqQ2RjL51pXARUmSBcSoE0Hqq\
    B580qmgKefZ9Ijv98H7Dwz25WcBfF6XGDYPqG26h67LB7ABADxbKev8ryWskewEMg2wpl6sghdVgbYpt1D/nrZKPBe5p6Gb79jT+b/sLVgmfeFIToxmE88\
    BtHEwCimZCW00K+a0bI+vAFI9r7yrZTJJ3/171TCbpjNFHULFzT7V0xPz6WIB6/LxWUW8TMNr2KQedGedjC2jchxFDtb1GmuS6rQeSkKP23HaBnt6s+6xG\
    a7x4OpZqMnokELYzxKeqVjoyI97Q46UuaMbe+CpGWlv0TEPu4talJQIDAQAB";
const BARE_2048: &str = "MIIBCgKCAQEAvj/EXSLwbjKPfZEZk2qfTujk3KLKeOh+hnQGudiMHzGkhVop8cjjbI4ZGF/VND5TXnl/nrxBzNatmKwc80tf\
    i6Pruqnb8cwU3+8010trgamJNVmhCwJ3KiKND8PYo3g8uvi09YrXE6NBV4TehvgDyJMefHaAXGMUGqhd4F37llknzKMDMzl3EDfLL9e9iANSXehrAuSh60\
    JHBkq+dCHqI7VSGA7oRiks0o8q4S9dwWXA+lMCt7EQIbwY2eBg0ylq7m5SOSUkuRUxqiBCZlUjMJ5ttpbtimL4fF8BlcuFtMbnwIqX4Joh1kiUAtzYtDy3\
    3HwbX/belRTHoJ9sVqA50wIDAQAB";
const P256: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYSYygTiQmq822lho5IdMSqno+TCDo+45MwCuKFKGQvGtt9mfHzIP/ZCL6GZJyDfZ\
    sWf4MqdOIkfMzby1bJ79+w==";

fn told(faults: &[Fault]) -> Vec<String> {
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn a_dmarc_record_says_what_is_to_be_done() {
    let read = Dmarc::parse(
        b"v=DMARC1; p=quarantine; sp=Reject; np=none; adkim=s; aspf=r; fo=1:d; psd=n; t=y; \
        rua=mailto:a@example.org!10m, mailto:b@example.net ;ruf=mailto:c@example.org;",
    );
    assert_eq!(read.disposition(), Some(Disposition::Quarantine));
    assert_eq!(read.of_subdomains(), Some(Disposition::Reject));
    assert_eq!(read.of_nonexistent(), Some(Disposition::None));
    assert_eq!(read.in_effect(Disposition::Quarantine), Disposition::None);
    assert_eq!(read.in_effect(Disposition::Reject), Disposition::Quarantine);
    assert_eq!(read.dkim_alignment, Alignment::Strict);
    assert_eq!(read.spf_alignment, Alignment::Relaxed);
    assert_eq!(read.public_suffix, PublicSuffix::No);
    assert_eq!(read.failure_options.as_deref(), Some("1:d"));
    let limits: Vec<_> = read.rua.iter().map(|uri| uri.limit).collect();
    assert_eq!(limits, [Some(10_485_760), None]);
    assert_eq!(read.ruf[0].domain().unwrap().as_str(), "example.org");
    assert_eq!((told(&read.errors), told(&read.oddities)), (vec![], vec![]));
    let written = "v=DMARC1; p=quarantine; sp=reject; np=none; adkim=s; psd=n; t=y; fo=1:d; \
        rua=mailto:a@example.org!10m,mailto:b@example.net; ruf=mailto:c@example.org";
    assert_eq!(read.to_string(), written);
}

#[test]
fn without_a_policy_a_dmarc_record_wants_reports_at_least() {
    let read = Dmarc::parse(b"v=DMARC1; rua=mailto:a@example.org");
    assert_eq!(
        (read.disposition(), read.errors.len()),
        (Some(Disposition::None), 0)
    );
    let odd = "it has no policy that can be read (p), which counts as p=none";
    assert_eq!(told(&read.oddities), [odd]);
    let read = Dmarc::parse(b"v=DMARC1; p=rejekt");
    assert_eq!(read.disposition(), None);
    let error = "it has no policy that can be read (p), and nobody to report to (rua)";
    assert_eq!(told(&read.errors), [error]);
    // RFC 9989 section 4.7: a bad sp spoils a good p.
    let read = Dmarc::parse(b"v=DMARC1; p=reject; sp=maybe; rua=mailto:a@example.org");
    assert_eq!(read.disposition(), Some(Disposition::None));
}

#[test]
fn tags_that_dmarc_no_longer_has_are_passed_over_and_told() {
    let read = Dmarc::parse(b"v=DMARC1; p=reject; pct=50; rf=afrf; ri=86400");
    assert_eq!((read.percent, read.errors.len()), (Some(50), 0));
    let expected = [
        "RFC 9989 has taken the tag out: pct=50 (at octet 20)",
        "RFC 9989 has taken the tag out: rf=afrf (at octet 28)",
        "RFC 9989 has taken the tag out: ri=86400 (at octet 37)",
    ];
    assert_eq!(told(&read.oddities), expected);
    let read = Dmarc::parse(b"v=DMARC1; p=reject; pct=0");
    assert_eq!(read.in_effect(Disposition::Reject), Disposition::Quarantine);
    assert_eq!(Dmarc::parse(b"v=DMARC1; p=reject; pct=101").percent, None);
}

#[test]
fn what_is_wrong_in_a_dmarc_record_is_told() {
    let cases = [
        (
            "p=none; v=DMARC1",
            "it does not begin with v=DMARC1: p=none; v=DMARC1 (at octet 0)",
        ),
        (
            "v=DMARC2; p=none",
            "it does not begin with v=DMARC1: v=DMARC2; p=none (at octet 0)",
        ),
        (
            "v=DMARC1; p=none; p=reject",
            "the tag is there twice: p=reject (at octet 18)",
        ),
        (
            "v=DMARC1; p=none; oops",
            "it is no tag with a value: oops (at octet 18)",
        ),
    ];
    for (text, expected) in cases {
        assert!(
            told(&Dmarc::parse(text.as_bytes()).errors).contains(&expected.to_owned()),
            "{text}"
        );
    }
    let odd = |text: &[u8]| told(&Dmarc::parse(text).oddities).join(" | ");
    assert_eq!(
        odd(b"v=DMARC1; p=none; rua=dmarc@example.org"),
        "reports go to mailto: only: dmarc@example.org (at octet 18)"
    );
    assert_eq!(
        odd(b"v=DMARC1; p=none; adkim=x"),
        "an alignment is r or s: adkim=x (at octet 18)"
    );
    assert_eq!(
        odd(b"v=DMARC1;; p=none"),
        "there is nothing between two semicolons: ; (at octet 9)"
    );
    assert_eq!(
        odd(b"v=DMARC1; p=none; x=1"),
        "the tag is not known: x=1 (at octet 18)"
    );
    let late = "p does not come right behind v, as older receivers want it: v=DMARC1 (at octet 0)";
    assert_eq!(odd(b"v=DMARC1; sp=none; p=none"), late);
}

#[test]
fn texts_that_are_no_dmarc_record_are_told_apart() {
    assert!(Dmarc::is_one(b"v=DMARC1; p=none"));
    assert!(Dmarc::is_one(b"v=DMARC1"));
    assert!(Dmarc::is_one(b"v = DMARC1 ;p=none"));
    assert!(Dmarc::is_one(b"v=DMARC1 p=none"));
    assert!(!Dmarc::is_one(b"v=DMARC10; p=none"));
    assert!(!Dmarc::is_one(b"v=spf1 -all"));
}

#[test]
fn more_tags_than_64_are_not_read() {
    let of = |count: usize| {
        let tags: String = (0..count).map(|number| format!("; x{number}=1")).collect();
        Dmarc::parse(format!("v=DMARC1{tags}; p=none").as_bytes())
    };
    assert_eq!(of(62).disposition(), Some(Disposition::None));
    assert!(told(&of(63).errors)[0].starts_with("there are more tags than are read: "));
}

#[test]
fn the_bits_of_an_rsa_key_are_counted() {
    let cases = [
        (RSA_512, Key::Rsa(512), Strength::Broken),
        (RSA_1024, Key::Rsa(1024), Strength::Weak),
        (RSA_2048, Key::Rsa(2048), Strength::Good),
        (BARE_2048, Key::Rsa(2048), Strength::Good),
    ];
    for (data, key, strength) in cases {
        let read = DkimKey::parse(format!("v=DKIM1; k=rsa; p={data}").as_bytes());
        assert_eq!((&read.key, read.key.strength()), (&key, strength));
        assert!(read.errors.is_empty(), "{:?}", read.errors);
        assert_eq!(read.oddities.is_empty(), data != BARE_2048);
    }
    assert_eq!(Key::Rsa(1023).strength(), Strength::Broken);
    assert_eq!(Key::Rsa(2047).strength(), Strength::Weak);
}

#[test]
fn a_dkim_key_may_be_folded_and_lack_its_padding() {
    let folded = RSA_512.replace("AJ", "A J").replace("==", "");
    let read =
        DkimKey::parse(format!("p = {folded} ; t = y : s; s=email; h=sha256; n=a note").as_bytes());
    assert_eq!(read.key, Key::Rsa(512));
    assert_eq!((read.is_test, read.is_strict), (true, true));
    assert_eq!(
        (read.services[0].as_str(), read.hashes[0].as_str()),
        ("email", "sha256")
    );
    assert_eq!(read.notes.as_deref(), Some("a note"));
}

#[test]
fn what_is_wrong_in_a_dkim_key_is_told() {
    let p256 = format!("v=DKIM1; k=rsa; p={P256}");
    let cases = [
        ("v=DKIM1; k=rsa", "there is no key (p)", Key::Malformed),
        (
            "v=DKIM1; p=****",
            "the key is no base64: p=**** (at octet 9)",
            Key::Malformed,
        ),
        (
            "v=DKIM1; p=AAAA",
            "it is no RSA key: p=AAAA (at octet 9)",
            Key::Malformed,
        ),
        (
            "v=DKIM1; k=ed25519; p=AAAA",
            "an Ed25519 key has 32 octets: p=AAAA (at octet 20)",
            Key::Malformed,
        ),
        (
            "p=; v=DKIM1",
            "the version is not first: v=DKIM1 (at octet 4)",
            Key::Revoked,
        ),
        (
            "v=DKIM2; p=",
            "the version is not DKIM1: v=DKIM2 (at octet 0)",
            Key::Revoked,
        ),
        (
            p256.as_str(),
            "it is no RSA key: p=MFkwEwYHKoZIzj0C",
            Key::Malformed,
        ),
    ];
    for (text, expected, key) in cases {
        let read = DkimKey::parse(text.as_bytes());
        assert!(
            told(&read.errors)[0].starts_with(expected),
            "{:?}",
            read.errors
        );
        assert_eq!(read.key, key);
    }
    let read = DkimKey::parse(b"v=DKIM1; k=mlkem; p=AAAA; g=*");
    assert_eq!(read.key, Key::Other("mlkem".to_owned()));
    assert_eq!(
        told(&read.oddities),
        ["RFC 6376 has taken the tag out: g=* (at octet 26)"]
    );
    assert!(DkimKey::is_one(b"k=rsa; p=AAAA"));
    assert!(!DkimKey::is_one(b"v=spf1 -all"));
}

#[test]
fn an_mta_sts_record_has_an_id() {
    let read = Record::parse(b"v=STSv1; id=20260101T000000;");
    assert_eq!(
        (read.id.as_deref(), read.errors.len()),
        (Some("20260101T000000"), 0)
    );
    let error = |text: &[u8]| told(&Record::parse(text).errors).join(" | ");
    assert_eq!(error(b"v=STSv1;"), "it has no id");
    assert_eq!(
        error(b"v=STSv1; id=a-b"),
        "the id is not of 1 to 32 letters and digits: id=a-b (at octet 9)"
    );
    assert_eq!(
        error(b"id=1; v=STSv1"),
        "it does not begin with v=STSv1: id=1; v=STSv1 (at octet 0)"
    );
    let id = "a".repeat(33);
    let long = format!("v=STSv1; id={id}");
    assert!(error(long.as_bytes()).starts_with("the id is not of 1 to 32"));
    assert_eq!(error(&long.as_bytes()[..long.len() - 1]), "");
    assert!(!Record::is_one(b"v=STSv10; id=1"));
}

#[test]
fn an_mta_sts_policy_is_read_with_either_end_of_line() {
    let text = "version: STSv1\nmode: enforce\nmx: mail.example.org\nmx: *.example.net\nmax_age: 604800\nnew: 1\n";
    for text in [
        text.to_owned(),
        text.replace('\n', "\r\n"),
        text.trim_end().to_owned(),
    ] {
        let read = Policy::parse(text.as_bytes());
        assert_eq!(told(&read.errors), [""; 0]);
        assert_eq!(read.mode, Some(PolicyMode::Enforce));
        assert_eq!(read.max_age, Some(Duration::from_secs(604_800)));
        assert_eq!(read.extensions, [("new".to_owned(), "1".to_owned())]);
        let held = read.to_mta_sts().unwrap();
        assert!(held.lists("mail.example.org") && held.lists("mx1.example.net"));
        assert!(!held.lists("a.mx1.example.net") && !held.lists("example.net"));
    }
}

#[test]
fn what_is_wrong_in_an_mta_sts_policy_is_told() {
    let start = "version: STSv1\nmode: testing\nmx: a.example.org\n";
    let cases = [
        (
            format!("{start}max_age: 31557601"),
            "nothing may be kept for longer than a year, 31557600 seconds: max_age: 31557601 (at octet 47)",
        ),
        (
            format!("{start}max_age: 12345678901"),
            "it is no number of seconds: max_age: 12345678901 (at octet 47)",
        ),
        (start.to_owned(), "there is no max_age"),
        (
            format!("{start}max_age: 1\nmx: .example.org"),
            "it is no host name, nor one below *.: mx: .example.org (at octet 58)",
        ),
        (
            format!("{start}max_age: 1\n<html>"),
            "it is no key with a value: <html> (at octet 58)",
        ),
        (
            "version: STSv1\nmode: on\nmax_age: 1".to_owned(),
            "there is no such mode: mode: on (at octet 15)",
        ),
        (
            "version: STSv2\nmode: none\nmax_age: 1".to_owned(),
            "the version is not STSv1: version: STSv2 (at octet 0)",
        ),
        ("mode: none\nmax_age: 1".to_owned(), "there is no version"),
        (
            "version: STSv1\nmode: enforce\nmax_age: 1".to_owned(),
            "there is no mx that can be read",
        ),
    ];
    for (text, expected) in cases {
        let read = Policy::parse(text.as_bytes());
        assert_eq!(told(&read.errors), [expected], "{text}");
        assert!(read.to_mta_sts().is_none());
    }
    let text = format!("{start}max_age: 31557600\nmode: enforce");
    let read = Policy::parse(text.as_bytes());
    assert_eq!(
        (read.mode, read.errors.len()),
        (Some(PolicyMode::Testing), 0)
    );
    assert_eq!(
        told(&read.oddities),
        ["the key is there twice; the first counts: mode: enforce (at octet 65)"]
    );
    let none = Policy::parse(b"version: STSv1\nmode: none\nmax_age: 86400");
    assert!(none.to_mta_sts().is_some());
}

#[test]
fn more_lines_than_1024_of_a_policy_are_not_read() {
    let of = |count: usize| Policy::parse("mx: a.example.org\n".repeat(count).as_bytes());
    assert_eq!(of(1024).mx.len(), 1024);
    let more = of(1025);
    assert_eq!(more.mx.len(), 1024);
    assert!(told(&more.errors)[0].starts_with("there are more lines than are read"));
}

#[test]
fn a_tls_rpt_record_names_mailboxes_or_pages() {
    let error = |text: &[u8]| told(&TlsRpt::parse(text).errors).join(" | ");
    assert_eq!(error(b"v=TLSRPTv1;rua=mailto:a@example.org"), "");
    assert_eq!(
        error(b"v=TLSRPTv1; rua=https://example.org/x , mailto:a@example.org"),
        ""
    );
    assert_eq!(
        error(b"v=TLSRPTv1"),
        "it does not say where reports are sent (rua)"
    );
    assert_eq!(
        error(b"v=TLSRPTv1; rua="),
        "it names no address: rua= (at octet 12)"
    );
    let mail = "reports go to mailto: or https: only: a@example.org (at octet 12)";
    assert_eq!(error(b"v=TLSRPTv1; rua=a@example.org"), mail);
    let page = "reports go to mailto: or https: only: http://example.org/ (at octet 12)";
    assert_eq!(error(b"v=TLSRPTv1; rua=http://example.org/"), page);
    assert_eq!(
        error(b"v=TLSRPT1; rua=mailto:a@example.org"),
        "it does not begin with v=TLSRPTv1: v=TLSRPT1; rua=mailto:a@example.org (at octet 0)"
    );
}

#[test]
fn a_bimi_record_names_a_picture_or_declines() {
    let read = Bimi::parse(
        b"v=BIMI1; l=https://example.org/a.svg; a=https://example.org/a.pem; avp=brand",
    );
    assert_eq!(read.authority.as_deref(), Some("https://example.org/a.pem"));
    assert_eq!(
        (read.preference.as_deref(), read.errors.len()),
        (Some("brand"), 0)
    );
    assert!(Bimi::parse(b"v=BIMI1; l=; a=;").is_declined());
    let error = |text: &[u8]| told(&Bimi::parse(text).errors).join(" | ");
    assert_eq!(
        error(b"v=BIMI1; l=http://example.org/a.svg"),
        "it is no https: address: l=http://example.org/a.svg (at octet 9)"
    );
    assert_eq!(
        error(b"v=BIMI1; a="),
        "it does not say where the picture is (l)"
    );
}

#[test]
fn more_words_than_64_of_a_value_are_not_read() {
    let of = |count: usize| {
        let uris: Vec<_> = (0..count)
            .map(|number| format!("mailto:a{number}@example.org"))
            .collect();
        TlsRpt::parse(format!("v=TLSRPTv1; rua={}", uris.join(",")).as_bytes())
    };
    assert_eq!(of(64).rua.len(), 64);
    assert_eq!(of(65).rua.len(), 64);
}

#[test]
fn of_a_fault_80_octets_are_shown() {
    let read = Bimi::parse(format!("v=BIMI1; l=; x={}", "y".repeat(100)).as_bytes());
    assert_eq!(read.oddities[0].text, format!("x={}", "y".repeat(78)));
}
