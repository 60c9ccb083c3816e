//! What a receiving server says of SPF, DKIM and DMARC, and which of it is believed.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use delivery_probe::{Authentication, Outcome};
use probe_net::message::Headers;

fn parse(value: &str) -> Authentication {
    Authentication::parse(value.as_bytes()).unwrap()
}

/// `method=outcome` of each.
fn results(authentication: &Authentication) -> Vec<String> {
    let all = authentication.results.iter();
    all.map(|result| format!("{}={}", result.method, result.outcome))
        .collect()
}

/// Who is believed in this header section, and for what.
fn believed(header: &str, servers: &[&str]) -> Option<(String, Vec<String>)> {
    let header = format!("{}\r\n\r\n", header.replace('\n', "\r\n"));
    let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
    let found = Authentication::of(&Headers::of(header.as_bytes()), &servers)?;
    Some((found.server.clone().unwrap_or_default(), results(&found)))
}

fn some(server: &str, results: &[&str]) -> Option<(String, Vec<String>)> {
    Some((
        server.to_owned(),
        results.iter().map(ToString::to_string).collect(),
    ))
}

/// RFC 8601 appendix B.
#[test]
fn the_examples_of_the_rfc_are_read() {
    let none = parse("example.org 1; none");
    assert_eq!(
        (none.server.as_deref(), none.results.len()),
        (Some("example.org"), 0)
    );
    let three = parse(
        "example.com; auth=pass (cram-md5) smtp.auth=sender@example.net; spf=pass smtp.mailfrom=example.net; sender-id=pass header.from=example.net",
    );
    assert_eq!(results(&three), ["auth=pass", "spf=pass", "sender-id=pass"]);
    let commented = parse(
        "foo.example.net (foobar) 1 (baz); dkim (Because I like it) / 1 (One yay) = (wait for it) fail policy (A dot can go here) . (like that) expired (this surprised me) = (as I wasn't expecting it) 1362471462",
    );
    assert_eq!(results(&commented), ["dkim=fail"]);
    let reason = parse(
        "example.com; dkim=pass reason=\"good signature\" header.i=@mail-router.example.net; dkim=fail reason=\"bad; signature\" header.i=@newyork.example.com",
    );
    assert_eq!(reason.results[0].reason.as_deref(), Some("good signature"));
    assert_eq!(reason.results[1].reason.as_deref(), Some("bad; signature"));
    assert_eq!(
        reason.results[1].properties,
        [("header.i".to_owned(), "@newyork.example.com".to_owned())]
    );
    // One valid signature is enough.
    assert_eq!(reason.of_method("dkim").unwrap().outcome, Outcome::Pass);
    assert_eq!(reason.of_method("spf"), None);
}

/// Google and OpenDMARC, as mail through them shows it.
#[test]
fn real_fields_are_read() {
    let google = parse(
        "mx.google.com; dkim=pass header.i=@example.org header.s=s1 header.b=AbCdEf01; \
        spf=pass (google.com: domain of probe@example.org designates 192.0.2.1 as permitted sender) smtp.mailfrom=probe@example.org; \
        dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=example.org",
    );
    assert_eq!(results(&google), ["dkim=pass", "spf=pass", "dmarc=pass"]);
    let opendmarc = parse("mx.example.net; dmarc=fail (p=none dis=none) header.from=example.org");
    assert_eq!(results(&opendmarc), ["dmarc=fail"]);
    // amavis, Yahoo, rspamd.
    let others = parse(
        "a; dkim=pass (1024-bit key; (un (protected))) header.d=b.example; dmarc=pass(p=REJECT) header.from=c.example; spf=pass smtp.mailfrom=\"x y\"@d.example",
    );
    assert_eq!(results(&others), ["dkim=pass", "dmarc=pass", "spf=pass"]);
    let domains = others
        .results
        .iter()
        .map(|result| result.properties[0].1.as_str());
    assert_eq!(
        domains.collect::<Vec<_>>(),
        ["b.example", "c.example", "x y"]
    );
    // RFC 8601 section 2.7.2 in other letters.
    for (word, outcome) in [
        ("PASS", Outcome::Pass),
        ("SoftFail", Outcome::SoftFail),
        ("hardfail", Outcome::Fail),
        ("neutral", Outcome::Neutral),
        ("temperror", Outcome::TempError),
        ("permerror", Outcome::PermError),
        ("none", Outcome::None),
        ("bestguesspass", Outcome::Other("bestguesspass".to_owned())),
    ] {
        assert_eq!(parse(&format!("a; spf={word}")).results[0].outcome, outcome);
    }
}

/// Exchange Online writes no server, a result of its own, and `action=` where a property should be.
#[test]
fn exchange_online_begins_with_the_first_result() {
    let exchange = parse(
        "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=example.org; dkim=pass (signature was verified) header.d=example.org;dmarc=pass action=none header.from=example.org;compauth=pass reason=100",
    );
    assert_eq!(exchange.server, None);
    assert_eq!(
        results(&exchange),
        ["spf=pass", "dkim=pass", "dmarc=pass", "compauth=pass"]
    );
    assert_eq!(exchange.results[3].reason.as_deref(), Some("100"));
}

#[test]
fn what_is_no_result_is_passed_over() {
    assert_eq!(
        results(&parse(
            "a; ; spf; =pass; dkim=pass; \"x;y\" spf=fail; dmarc=fail"
        )),
        ["dkim=pass", "dmarc=fail"]
    );
    assert_eq!(Authentication::parse(b""), None);
    assert_eq!(Authentication::parse(b"(only a comment)"), None);
    assert_eq!(parse("a").results, []);
}

#[test]
fn results_are_read_up_to_the_limit() {
    let of = |count: usize| {
        parse(&format!("a{}", "; spf=pass".repeat(count)))
            .results
            .len()
    };
    assert_eq!(
        (of(Authentication::RESULTS), of(Authentication::RESULTS + 1)),
        (32, 32)
    );
    let padded = |octets: usize| {
        let end = "; spf=pass";
        let value = format!("a (){end}");
        let value = value.replace("()", &format!("({})", "x".repeat(octets - value.len())));
        parse(&value).results.len()
    };
    assert_eq!(
        (
            padded(Authentication::OCTETS),
            padded(Authentication::OCTETS + 8)
        ),
        (1, 0)
    );
    let last = |count: usize| {
        let header = "Authentication-Results: x; spf=fail\n".repeat(count);
        believed(&(header + "Authentication-Results: mx; spf=pass"), &["mx"])
    };
    assert_eq!(last(Authentication::FIELDS - 1), some("mx", &["spf=pass"]));
    assert_eq!(last(Authentication::FIELDS), None);
}

#[test]
fn properties_and_words_are_kept_up_to_the_limit() {
    let properties = |count: usize| {
        let value = format!("a; spf=pass{}", " smtp.x=y".repeat(count));
        parse(&value).results[0].properties.len()
    };
    assert_eq!((properties(16), properties(17)), (16, 16));
    let word = |octets: usize| {
        parse(&format!("{}; none", "x".repeat(octets)))
            .server
            .unwrap()
            .len()
    };
    assert_eq!((word(255), word(256)), (255, 255));
    let spf = |count: usize| {
        let header = format!("Received-SPF: pass{}\r\n\r\n", "; a=b".repeat(count));
        let found = Authentication::of(&Headers::of(header.as_bytes()), &[]).unwrap();
        found.results[0].properties.len()
    };
    assert_eq!((spf(16), spf(17)), (16, 16));
}

const WAY: &str = "Received: from mx.example.net (localhost [127.0.0.1]) by store.example.net with LMTP; Fri, 2 Jan 2026 00:00:01 +0000
Received: from out.example.org ([192.0.2.1]) by mx.example.net with ESMTP; Fri, 2 Jan 2026 00:00:01 +0000";

#[test]
fn the_field_of_the_receiving_server_is_believed_and_what_came_with_the_message_is_not() {
    let pass = |server: &str| format!("Authentication-Results: {server}; dmarc=pass");
    // Above the hop by which it came.
    assert_eq!(
        believed(&format!("{}\n{WAY}", pass("any")), &[]),
        some("any", &["dmarc=pass"])
    );
    // Right below it, as milters put it, by the name of that host.
    assert_eq!(
        believed(&format!("{WAY}\n{}", pass("mx.example.net")), &[]),
        some("mx.example.net", &["dmarc=pass"])
    );
    assert_eq!(
        believed(&format!("{WAY}\n{}", pass("out.example.org")), &[]),
        None
    );
    // Below the next hop anybody may have written it.
    let more = "Received: from x ([192.0.2.9]) by mx.example.net with ESMTP; Fri, 2 Jan 2026 00:00:01 +0000";
    assert_eq!(
        believed(&format!("{WAY}\n{more}\n{}", pass("mx.example.net")), &[]),
        None
    );
    assert_eq!(believed(WAY, &[]), None);
}

/// kernel.org writes a field for each method, and the first of them below the hop.
#[test]
fn several_fields_of_one_server_are_taken_together() {
    let header = format!(
        "Authentication-Results: mx.example.net; dmarc=pass\nAuthentication-Results: mx.example.net; spf=fail\n\
        Authentication-Results: filter; dkim=fail\nAuthentication-Results: MX.example.net; dkim=pass; dkim=fail; spf=pass\n\
        {WAY}\nAuthentication-Results: mx.example.net; arc=none; dkim=pass"
    );
    let expected = some(
        "mx.example.net",
        &[
            "dmarc=pass",
            "spf=fail",
            "dkim=pass",
            "dkim=fail",
            "arc=none",
        ],
    );
    assert_eq!(believed(&header, &[]), expected);
    assert_eq!(believed(&header, &["mx.example.net"]), expected);
    let many = |count: usize| {
        let first = format!(
            "Authentication-Results: mx; spf=pass{}",
            "; dkim=pass".repeat(count - 1)
        );
        let (_, results) = believed(
            &format!("{first}\nAuthentication-Results: mx; dmarc=pass"),
            &["mx"],
        )
        .unwrap();
        results.contains(&"dmarc=pass".to_owned())
    };
    assert!(many(Authentication::RESULTS - 1) && !many(Authentication::RESULTS));
}

/// Exchange Online, as mail through it shows it: the field is above the hop by which it took the message, and below others.
#[test]
fn a_server_that_does_not_name_itself_is_known_by_its_hop() {
    let inner = "Received: from A.eop.prod.protection.outlook.example (2001:db8::1) by B.office365.example (2001:db8::2) with Microsoft SMTP Server (version=TLS1_2, cipher=X) id 15.20.2644.19 via Frontend Transport; Fri, 2 Jan 2026 00:00:01 +0000";
    let outer = "Received: from out.example.org (192.0.2.1) by A.mail.protection.outlook.example (10.13.173.165) with Microsoft SMTP Server (version=TLS1_2, cipher=X) id 15.20.2644.19 via Frontend Transport; Fri, 2 Jan 2026 00:00:01 +0000";
    let results = "Authentication-Results: spf=none (sender IP is 192.0.2.1) smtp.mailfrom=example.org; list.example; dkim=none (message not signed) header.d=none;list.example; dmarc=permerror action=none header.from=example.org;";
    let header = format!("{inner}\n{inner}\n{results}\n{outer}");
    let expected = some("", &["spf=none", "dkim=none", "dmarc=permerror"]);
    assert_eq!(believed(&header, &["protection.outlook.example"]), expected);
    assert_eq!(
        believed(&header, &["A.mail.protection.outlook.example"]),
        expected
    );
    for names in [&["look.example"][..], &["out.example.org"], &[]] {
        assert_eq!(believed(&header, names), None, "{names:?}");
    }
    assert_eq!(believed(results, &["protection.outlook.example"]), None);
}

#[test]
fn where_servers_are_named_only_theirs_is_believed() {
    let header = format!(
        "Authentication-Results: filter; dmarc=fail\n{WAY}\nAuthentication-Results: MX.example; dmarc=pass\nAuthentication-Results: mx.example; dmarc=none"
    );
    assert_eq!(
        believed(&header, &["mx.example", "other"]),
        some("MX.example", &["dmarc=pass"])
    );
    assert_eq!(believed(&header, &["nobody"]), None);
}

/// RFC 7208 section 9.1, what postfix-policyd-spf writes.
#[test]
fn the_older_field_of_spf_stands_in_where_there_is_no_other() {
    let spf = "Received-SPF: Pass (mailfrom) identity=mailfrom; client-ip=192.0.2.1; helo=out.example.org; envelope-from=probe@example.org; receiver=mx.example.net";
    assert_eq!(
        believed(&format!("{spf}\n{WAY}"), &[]),
        some("mx.example.net", &["spf=pass"])
    );
    let both = format!("{spf}\nAuthentication-Results: mx.example.net; spf=fail\n{WAY}");
    assert_eq!(believed(&both, &[]), some("mx.example.net", &["spf=fail"]));
    let beside = format!("{spf}\nAuthentication-Results: mx.example.net; dkim=pass\n{WAY}");
    assert_eq!(
        believed(&beside, &[]),
        some("mx.example.net", &["dkim=pass", "spf=pass"])
    );
    assert_eq!(believed(&format!("{WAY}\nReceived-SPF: pass"), &[]), None);
}
