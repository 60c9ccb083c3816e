//! `Received` fields as servers write them, each dialect with the source that writes it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::time::{Duration, SystemTime};

use delivery_probe::{Hop, HopQuirk, Protection, Trace};
use probe_net::message::Headers;

/// A field as it stands in a message, read as one reads it there.
fn hop(field: &str) -> Hop {
    let message = format!("Received: {}\r\n\r\n", field.replace('\n', "\r\n"));
    let trace = Trace::of(&Headers::of(message.as_bytes()));
    trace.hops[0].clone()
}

fn seconds(hop: &Hop) -> u64 {
    let at = hop.at.unwrap().duration_since(SystemTime::UNIX_EPOCH);
    at.unwrap().as_secs()
}

/// From, its name and address; by; with; TLS version and cipher; id; for.
fn told(hop: &Hop) -> [String; 9] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let tls = hop.tls.clone().unwrap_or_default();
    [
        text(&hop.from),
        text(&hop.from_name),
        hop.from_address
            .map(|address| address.to_string())
            .unwrap_or_default(),
        text(&hop.by),
        hop.with
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        text(&tls.version),
        text(&tls.cipher),
        text(&hop.id),
        text(&hop.recipient),
    ]
}

const SECONDS: u64 = 1_767_312_001;

/// Postfix 3.7 `src/smtpd/smtpd.c`, with `smtpd_tls_received_header = yes`.
#[test]
fn postfix_tells_of_tls_in_nested_comments_before_its_own_name() {
    let hop = hop("from client.example.net (host.example.net [192.0.2.1])\n\
        \t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\n\
        \t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)\n\
        \t(Client did not present a certificate)\n\
        \t(Authenticated sender: user)\n\
        \tby mx.example.org (Postfix) with ESMTPSA id 4dYk2J1Zz\n\
        \tfor <inbox@example.org>; Fri,  2 Jan 2026 00:00:01 +0000 (UTC)");
    assert_eq!(
        told(&hop),
        [
            "client.example.net",
            "host.example.net",
            "192.0.2.1",
            "mx.example.org",
            "ESMTPSA",
            "TLSv1.3",
            "TLS_AES_256_GCM_SHA384",
            "4dYk2J1Zz",
            "inbox@example.org"
        ]
    );
    assert_eq!(
        (seconds(&hop), hop.protection()),
        (SECONDS, Protection::Tls)
    );
    assert!(hop.with.unwrap().is_authenticated());
    assert_eq!(hop.quirks, []);
}

/// Postfix `src/cleanup/cleanup_message.c`, what pickup takes in.
#[test]
fn mail_from_a_program_on_the_host_is_local() {
    let hop = hop(
        "by mx.example.org (Postfix, from userid 1000)\n\tid 3B6D; Fri,  2 Jan 2026 00:00:01 +0000 (UTC)",
    );
    assert_eq!(
        (hop.host(), hop.id.as_deref()),
        ("mx.example.org", Some("3B6D"))
    );
    assert_eq!((hop.is_local, hop.protection()), (true, Protection::Local));
    // A filter on the same host, by SMTP without TLS.
    let filter = self::hop(
        "from localhost (localhost [127.0.0.1])\n\tby mx.example.org (Postfix) with ESMTP id 4dY;\n\tFri,  2 Jan 2026 00:00:01 +0000 (UTC)",
    );
    assert_eq!(filter.protection(), Protection::Local);
}

/// Exim 4.96 `received_header_text`; before 4.94 the cipher stands in the comment alone.
#[test]
fn exim_puts_the_name_of_the_client_into_a_comment() {
    let new = hop("from [192.0.2.5] (helo=client.example.net)\n\
        \tby mx.example.org with esmtps  (TLS1.3) tls TLS_AES_256_GCM_SHA384\n\
        \t(Exim 4.96)\n\t(envelope-from <a@example.net>)\n\tid 1vbTqx-0001ab-2c\n\
        \tfor inbox@example.org;\n\tFri, 02 Jan 2026 00:00:01 +0000");
    assert_eq!(
        told(&new),
        [
            "client.example.net",
            "",
            "192.0.2.5",
            "mx.example.org",
            "ESMTPS",
            "TLS1.3",
            "TLS_AES_256_GCM_SHA384",
            "1vbTqx-0001ab-2c",
            "inbox@example.org"
        ]
    );
    let old = hop(
        "from host.example.net ([192.0.2.5]:33456 helo=client.example.net)\n\
        \tby mx.example.org with esmtps (TLS1.2:ECDHE_RSA_AES_256_GCM_SHA384:256)\n\
        \t(Exim 4.92) id 1vbTqx-0001ab-2c; Fri, 02 Jan 2026 00:00:01 +0000",
    );
    assert_eq!(
        told(&old)[..7],
        [
            "client.example.net",
            "host.example.net",
            "192.0.2.5",
            "mx.example.org",
            "ESMTPS",
            "TLS1.2",
            "ECDHE_RSA_AES_256_GCM_SHA384"
        ]
    );
    let local = hop(
        "from root by mx.example.org with local (Exim 4.96)\n\tid 1vb; Fri, 02 Jan 2026 00:00:01 +0000",
    );
    assert_eq!(local.protection(), Protection::Local);
}

/// Sendmail 8.17 `cf/m4/proto.m4`, confRECEIVED_HEADER; ident and a name that does not resolve back.
#[test]
fn sendmail_tells_of_tls_behind_the_id() {
    let hop = hop(
        "from client.example.net (user@host.example.net [192.0.2.1] (may be forged))\n\
        \t(authenticated bits=0)\n\
        \tby mx.example.org (8.17.1.9/8.17.1.9) with ESMTPSA id 6020014Q012345\n\
        \t(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=NO)\n\
        \tfor <inbox@example.org>; Fri, 2 Jan 2026 00:00:01 GMT",
    );
    assert_eq!(
        told(&hop),
        [
            "client.example.net",
            "host.example.net",
            "192.0.2.1",
            "mx.example.org",
            "ESMTPSA",
            "TLSv1.3",
            "TLS_AES_256_GCM_SHA384",
            "6020014Q012345",
            "inbox@example.org"
        ]
    );
    assert_eq!(seconds(&hop), SECONDS);
}

/// qmail 1.03 `received.c` and `qmail.c`.
#[test]
fn qmail_puts_what_the_client_says_into_the_comment() {
    let hop = hop(
        "from unknown (HELO client.example.net) (user@192.0.2.1)\n  by mx.example.org with SMTP; 2 Jan 2026 00:00:01 -0000",
    );
    assert_eq!(
        told(&hop)[..5],
        [
            "client.example.net",
            "",
            "192.0.2.1",
            "mx.example.org",
            "SMTP"
        ]
    );
    assert_eq!(
        (seconds(&hop), hop.protection()),
        (SECONDS, Protection::None)
    );
    let queue = self::hop("(qmail 1234 invoked from network); 2 Jan 2026 00:00:01 -0000");
    assert_eq!(
        (queue.is_local, queue.protection()),
        (true, Protection::Local)
    );
    assert_eq!((seconds(&queue), queue.quirks), (SECONDS, vec![]));
}

/// Exchange 2019 and Exchange Online, as mail from them shows it.
#[test]
fn exchange_names_its_protocol_in_three_words() {
    let hop = hop("from A.corp.example (10.0.0.1) by B.corp.example\n\
        \x20(10.0.0.2) with Microsoft SMTP Server (version=TLS1_2,\n\
        \x20cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.1.2507.35 via Frontend\n\
        \x20Transport; Fri, 2 Jan 2026 01:00:01 +0100");
    assert_eq!(
        told(&hop)[..8],
        [
            "A.corp.example",
            "",
            "10.0.0.1",
            "B.corp.example",
            "MICROSOFT SMTP SERVER",
            "TLS1_2",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            "15.1.2507.35"
        ]
    );
    assert_eq!(hop.by_address, Some("10.0.0.2".parse().unwrap()));
    assert_eq!(hop.via.as_deref(), Some("Frontend Transport"));
    assert_eq!(
        (seconds(&hop), hop.protection()),
        (SECONDS, Protection::Tls)
    );
    let inner = self::hop(
        "from A.corp.example ([fe80::1]) by A.corp.example ([fe80::1%3]) with mapi id 15.20.1; Fri, 2 Jan 2026 00:00:01 +0000",
    );
    assert_eq!(inner.protection(), Protection::Local);
    let clear = self::hop(
        "from A.corp.example (10.0.0.1) by B.corp.example (10.0.0.2) with Microsoft SMTP Server id 8.3; Fri, 2 Jan 2026 00:00:01 +0000",
    );
    assert_eq!(clear.protection(), Protection::Unknown);
}

/// Dovecot 2.3 `src/lmtp/lmtp-local.c`: no address over a socket, and none where the name is its own.
#[test]
fn dovecot_takes_mail_by_lmtp() {
    let hop = hop(
        "from mx.example.org\n\tby mx.example.org with LMTP\n\tid mDq0BEEKV2kMAQAA4kVqnw\n\
        \t(envelope-from <a@example.net>)\n\tfor <inbox@example.org>; Fri, 02 Jan 2026 00:00:01 +0000",
    );
    assert_eq!(hop.with.as_ref().unwrap().as_str(), "LMTP");
    assert_eq!(
        (seconds(&hop), hop.protection()),
        (SECONDS, Protection::Local)
    );
    let remote = self::hop(
        "from mx.example.org ([192.0.2.1])\n\tby store.example.org with LMTPS\n\tid m; Fri, 02 Jan 2026 00:00:01 +0000",
    );
    assert_eq!(remote.protection(), Protection::Tls);
}

/// Cyrus 3.6 `imap/lmtpengine.c`.
#[test]
fn cyrus_writes_no_id() {
    let hop = hop(
        "from mx.example.org ([unix socket])\n\t by mx.example.org (Cyrus 3.6.1) with LMTPA;\n\t Fri, 02 Jan 2026 00:00:01 +0000",
    );
    assert_eq!((hop.host(), hop.id.clone()), ("mx.example.org", None));
    assert_eq!(hop.protection(), Protection::Local);
}

/// OpenSMTPD 7 `usr.sbin/smtpd/smtp_session.c`.
#[test]
fn opensmtpd_puts_all_of_tls_into_one_word() {
    let hop = hop("from client.example.net (host.example.net [192.0.2.1])\n\
        \tby mx.example.org (OpenSMTPD) with ESMTPS id 8a7b6c5d (TLSv1.3:TLS_CHACHA20_POLY1305_SHA256:256:NO)\n\
        \tfor <inbox@example.org>;\n\tFri, 2 Jan 2026 00:00:01 +0000 (UTC)");
    assert_eq!(
        told(&hop)[4..],
        [
            "ESMTPS",
            "TLSv1.3",
            "TLS_CHACHA20_POLY1305_SHA256",
            "8a7b6c5d",
            "inbox@example.org"
        ]
    );
}

/// Google, as mail from it shows it: no sender within, a dot behind names, words behind the recipient.
#[test]
fn google_names_no_sender_within_its_own_house() {
    let inner = hop(
        "by 2002:a05:6a20:7286:b0:1a2:b3c4:d5e6 with SMTP id abc123; Fri, 02 Jan 2026 00:00:01 -0800 (PST)",
    );
    assert_eq!(
        inner.by_address,
        Some("2002:a05:6a20:7286:b0:1a2:b3c4:d5e6".parse().unwrap())
    );
    assert_eq!(inner.protection(), Protection::Local);
    assert_eq!(seconds(&inner), SECONDS + 8 * 3600);
    let outer = hop(
        "from mail-sor-f41.google.com (mail-sor-f41.google.com. [2001:db8::41])\n\
        \x20       by mx.google.com with ESMTPS id a1-20020\n        for <inbox@example.com>\n\
        \x20       (version=TLS1_3 cipher=TLS_AES_128_GCM_SHA256 bits=128/128);\n\
        \x20       Fri, 02 Jan 2026 00:00:01 -0800 (PST)",
    );
    assert_eq!(
        told(&outer)[1..7],
        [
            "mail-sor-f41.google.com",
            "2001:db8::41",
            "mx.google.com",
            "ESMTPS",
            "TLS1_3",
            "TLS_AES_128_GCM_SHA256"
        ]
    );
}

/// SpamAssassin's collection of fields, `t/rcvd_parser.t`: who sent it is the first address in a comment, whatever the
/// client called itself.
#[test]
fn the_address_that_the_server_saw_counts() {
    let seen = |field: &str| {
        let hop = hop(&format!("{field}; Fri, 2 Jan 2026 00:00:01 +0000"));
        [
            hop.from_address.unwrap().to_string(),
            hop.from.unwrap_or_default(),
            hop.by.unwrap_or_default(),
        ]
    };
    for (field, address, from) in [
        (
            "from [10.0.0.253] (a.example [192.0.2.1]) (authenticated (0 bits)) by mx with ESMTP id 1",
            "192.0.2.1",
            "[10.0.0.253]",
        ),
        (
            "from 10.0.0.253 (a.example [192.0.2.1]) by mx with ESMTP id 1",
            "192.0.2.1",
            "10.0.0.253",
        ),
        (
            "from ([192.0.2.1:50387] helo=a.example) by mx (ecelerity 2.1.1.3 r(11743)) with ESMTP id 1",
            "192.0.2.1",
            "a.example",
        ),
        (
            "from unknown (HELO [10.0.0.1]) ([192.0.2.1]) (envelope-sender <a@b.example>) by mx with SMTP",
            "192.0.2.1",
            "10.0.0.1",
        ),
        (
            "from [192.0.2.1] (account a@b.example HELO [10.0.0.1]) by mx (CommuniGate Pro SMTP 4.3.7) with ESMTPSA id 1",
            "192.0.2.1",
            "10.0.0.1",
        ),
        (
            "from a.example (LHLO b.example) (192.0.2.1) by mx with LMTP",
            "192.0.2.1",
            "b.example",
        ),
        (
            "from a.example ([::ffff:192.0.2.1]) by mx with esmtp",
            "192.0.2.1",
            "a.example",
        ),
        (
            "from a.example (192.0.2.1:23198) by mx with [XMail 1.20 ESMTP Server] id <S72E> for <a@b> from <c@d>",
            "192.0.2.1",
            "a.example",
        ),
        (
            "from a.example(192.0.2.1) via SMTP by mx, id smtpdEDUB8h",
            "192.0.2.1",
            "a.example",
        ),
    ] {
        assert_eq!(seen(field), [address, from, "mx"], "{field}");
    }
    let second = hop(
        "from a@b by mx.example.org by uid 502 with qmail-scanner-1.20; 2 Jan 2026 00:00:01 -0000",
    );
    assert_eq!(second.host(), "mx.example.org");
    let pickup = hop(
        "from mail pickup service by mx with Microsoft SMTPSVC; Fri, 2 Jan 2026 00:00:01 +0000",
    );
    assert_eq!(
        (pickup.protection(), pickup.quirks),
        (Protection::Local, vec![])
    );
    let named = hop("from localhost by mx with ESMTP id 1; Fri, 2 Jan 2026 00:00:01 +0000");
    assert_eq!(named.protection(), Protection::Local);
}

/// Exchange 2013, and qmail with patches for TLS, as mail through them shows it.
#[test]
fn tls_without_a_version_is_tls() {
    let told = |field: &str| {
        let hop = hop(&format!(
            "from a.example (192.0.2.1) by mx.example {field}; 2 Jan 2026 00:00:01 -0000"
        ));
        assert_eq!(hop.protection(), Protection::Tls, "{field}");
        hop.tls.unwrap().cipher.unwrap_or_default()
    };
    assert_eq!(
        told("with Microsoft SMTP Server (TLS) id 15.0.1497.2 via Frontend Transport"),
        ""
    );
    assert_eq!(
        told("with ECDHE-RSA-AES256-GCM-SHA384 encrypted SMTP"),
        "ECDHE-RSA-AES256-GCM-SHA384"
    );
    assert_eq!(
        told("with SMTP (TLS_AES_256_GCM_SHA384 encrypted, authenticated)"),
        "TLS_AES_256_GCM_SHA384"
    );
}

/// RFC 3848, RFC 6531 section 4.3, RFC 5321 section 4.1.3.
#[test]
fn protocols_with_tls_are_known_by_their_letters() {
    let by = |with: &str| {
        let field = format!(
            "from a.example ([IPv6:2001:db8::1]) by b.example with {with} id 1; Fri, 2 Jan 2026 00:00:01 +0000"
        );
        let hop = hop(&field);
        assert_eq!(hop.from_address, Some("2001:db8::1".parse().unwrap()));
        hop.protection()
    };
    for with in [
        "ESMTPS",
        "esmtpsa",
        "LMTPS",
        "LMTPSA",
        "UTF8SMTPS",
        "UTF8SMTPSA",
        "UTF8LMTPS",
        "HTTPS",
    ] {
        assert_eq!(by(with), Protection::Tls, "{with}");
    }
    for with in [
        "SMTP",
        "ESMTP",
        "ESMTPA",
        "LMTP",
        "LMTPA",
        "UTF8SMTP",
        "UTF8SMTPA",
        "HTTP",
    ] {
        assert_eq!(by(with), Protection::None, "{with}");
    }
    assert_eq!(by("UUCP"), Protection::Unknown);
}

/// RFC 8996.
#[test]
fn versions_that_nobody_should_use_are_known_however_they_are_spelt() {
    let is_outdated = |version: &str| {
        let field = format!(
            "from a by b with ESMTPS (version={version} cipher=X) id 1; Fri, 2 Jan 2026 00:00:01 +0000"
        );
        hop(&field).tls.unwrap().is_outdated()
    };
    for version in [
        "TLSv1", "TLSv1.0", "TLSv1.1", "TLS1_0", "TLS1_1", "TLS1.1", "SSLv3",
    ] {
        assert!(is_outdated(version), "{version}");
    }
    for version in ["TLSv1.2", "TLSv1.3", "TLS1_2", "TLS1.3"] {
        assert!(!is_outdated(version), "{version}");
    }
}

#[test]
fn what_is_no_field_of_this_kind_is_told() {
    let quirks = |field: &str| hop(field).quirks;
    assert_eq!(quirks(""), [HopQuirk::NoBy, HopQuirk::NoDate]);
    assert_eq!(quirks("from a by b"), [HopQuirk::NoDate]);
    assert_eq!(quirks("from a by b; yesterday"), [HopQuirk::NoDate]);
    assert_eq!(
        quirks("from a by b; 2026-01-02T00:00:01Z"),
        [HopQuirk::DateForm]
    );
    assert_eq!(
        quirks("hello from a by b; Fri, 2 Jan 2026 00:00:01 +0000"),
        [HopQuirk::Words]
    );
    assert_eq!(
        quirks("from a by b (c; Fri, 2 Jan 2026 00:00:01 +0000"),
        [HopQuirk::NoDate, HopQuirk::OpenComment]
    );
    // A semicolon in a comment or in quotes is none; the date is behind the last.
    let odd = hop("from a (b; c) by d for <\"x;y\"@e>; x; Fri, 2 Jan 2026 00:00:01 +0000");
    assert_eq!((odd.host(), seconds(&odd)), ("d", SECONDS));
}

#[test]
fn a_field_is_read_up_to_the_limit() {
    let padded = |octets: usize| {
        let (start, end) = ("from a by b (", "); Fri, 2 Jan 2026 00:00:01 +0000");
        format!(
            "{start}{}{end}",
            "x".repeat(octets - start.len() - end.len())
        )
    };
    assert_eq!(Hop::parse(padded(Hop::OCTETS).as_bytes()).quirks, []);
    let long = Hop::parse(padded(Hop::OCTETS + 1).as_bytes());
    assert!(long.quirks.contains(&HopQuirk::TooLong));
    let named = |octets: usize| {
        Hop::parse(format!("by {}", "b".repeat(octets)).as_bytes())
            .host()
            .len()
    };
    assert_eq!((named(Hop::NAME), named(Hop::NAME + 1)), (255, 255));
    let words = |count: usize| {
        let field = format!(
            "by b{}; Fri, 2 Jan 2026 00:00:01 +0000",
            " (x)".repeat(count)
        );
        Hop::parse(field.as_bytes()).at.is_some()
    };
    assert!(words(253) && !words(255));
}

#[test]
fn hops_are_in_the_order_of_the_way_up_to_the_limit() {
    let trace = |count: usize| {
        let fields: String = (0..count)
            .map(|at| format!("Received: from x by h{at}; Fri, 2 Jan 2026 00:00:01 +0000\r\n"))
            .collect();
        Trace::of(&Headers::of((fields + "\r\n").as_bytes()))
    };
    let all = trace(Trace::HOPS);
    assert_eq!(
        (all.hops[0].host(), all.hops[99].host(), all.left_out),
        ("h99", "h0", 0)
    );
    let more = trace(Trace::HOPS + 1);
    assert_eq!(
        (more.hops.len(), more.hops[99].host(), more.left_out),
        (100, "h0", 1)
    );
}

#[test]
fn nested_comments_are_read_however_deep() {
    let deep = format!(
        "by b {}{}; Fri, 2 Jan 2026 00:00:01 +0000",
        "(".repeat(2000),
        ")".repeat(2000)
    );
    let _ = Hop::parse(deep.as_bytes());
    let at = |depth: usize| {
        let field = format!(
            "by b {}{}; Fri, 2 Jan 2026 00:00:01 +0000",
            "(".repeat(depth),
            ")".repeat(depth)
        );
        Hop::parse(field.as_bytes()).at
    };
    let known = SystemTime::UNIX_EPOCH + Duration::from_secs(SECONDS);
    assert_eq!(at(16), Some(known));
    assert_eq!(at(17), Some(known));
}
