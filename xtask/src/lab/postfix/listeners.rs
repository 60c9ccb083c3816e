//! Every listener of Postfix, one row each. What a row's options mean is in postconf(5).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::lab::certificates::Certificate::{self, *};
use crate::lab::server::Listener;

/// A listener with its part of `master.cf`.
#[derive(Debug)]
pub(super) struct Row {
    label: &'static str,
    host: &'static str,
    address: IpAddr,
    port: u16,
    certificate: Certificate,
    /// The most processes behind it, and of which program.
    program: &'static str,
    options: &'static [&'static [&'static str]],
    quirk: &'static str,
}

impl Row {
    const fn host(mut self, name: &'static str, certificate: Certificate) -> Self {
        self.host = name;
        self.certificate = certificate;
        self
    }

    const fn at(mut self, address: IpAddr) -> Self {
        self.address = address;
        self
    }

    const fn behind(mut self, program: &'static str) -> Self {
        self.program = program;
        self
    }

    const fn with(mut self, options: &'static [&'static [&'static str]]) -> Self {
        self.options = options;
        self
    }

    const fn quirk(mut self, quirk: &'static str) -> Self {
        self.quirk = quirk;
        self
    }

    pub(super) fn listener(&self) -> Listener {
        let Self {
            label,
            host,
            address,
            port,
            certificate,
            quirk,
            ..
        } = *self;
        Listener {
            server: "postfix",
            label,
            host,
            address,
            port,
            certificate,
            quirk,
        }
    }

    /// The row as an entry of `master.cf`.
    pub(super) fn entry(&self) -> String {
        let Self {
            host,
            port,
            program,
            quirk,
            ..
        } = self;
        let socket = match self.address {
            IpAddr::V4(address) => format!("{address}:{port}"),
            IpAddr::V6(address) => format!("[{address}]:{port}"),
        };
        let mut entry = format!("\n# {quirk}\n{socket} inet n - n - {program}\n");
        let mut option = |text: &str| entry += &format!("  -o {{ {text} }}\n");
        option(&format!("myhostname = {host}"));
        if self.certificate == Absent {
            option("smtpd_tls_security_level = none");
        } else {
            option(&format!("smtpd_tls_cert_file = {{lab}}/tls/{host}.pem"));
            option(&format!("smtpd_tls_key_file = {{lab}}/tls/{host}.key"));
        }
        self.options
            .iter()
            .copied()
            .flatten()
            .copied()
            .for_each(option);
        entry
    }
}

const fn row(label: &'static str, last: u8, port: u16) -> Row {
    Row {
        label,
        host: "",
        address: IpAddr::V4(Ipv4Addr::new(127, 88, 0, last)),
        port,
        certificate: Absent,
        program: "- smtpd",
        options: &[],
        quirk: "",
    }
}

const AUTH: &[&str] = &["smtpd_sasl_auth_enable = yes"];
const TLS_FIRST: &[&str] = &[
    "smtpd_tls_auth_only = yes",
    "smtpd_tls_security_level = encrypt",
];
const IMPLICIT_TLS: &[&str] = &[
    "smtpd_tls_wrappermode = yes",
    "smtpd_tls_security_level = encrypt",
];
const LOGIN_ONLY: &[&str] = &["smtpd_client_restrictions = permit_sasl_authenticated, reject"];
/// Restrictions are looked at when they are due, not at RCPT: the only way to be rude in the
/// greeting.
const AT_ONCE: &[&str] = &["smtpd_delay_reject = no"];
const BUSY: &[&str] =
    &["smtpd_client_restrictions = check_client_access static:{421 4.7.0 Too busy, come back}"];
const REFUSED: &[&str] =
    &["smtpd_client_restrictions = check_client_access static:{554 5.7.1 No service for you}"];
const TARPIT: &[&str] = &[
    "smtpd_client_restrictions = sleep 1",
    "smtpd_helo_restrictions = sleep 1",
    "smtpd_sender_restrictions = sleep 1",
    "smtpd_recipient_restrictions = sleep 1",
];
/// How relays are opened by mistake: a network that is too wide.
const EVERYBODY_IS_TRUSTED: &[&str] = &[
    "mynetworks = 0.0.0.0/0",
    "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination",
];
const GREYLISTS: &[&str] = &["smtpd_recipient_restrictions = check_recipient_access \
     static:{DEFER_IF_PERMIT Greylisted, see http://postgrey.example/help/lab.test.html}"];
const REJECTS_SENDER: &[&str] = &["smtpd_sender_restrictions = check_sender_access \
     static:{550 5.1.8 Domain not found}"];
/// Postfix has no such answer of its own, so those who want the usual one write it like this.
const REQUIRES_AUTH: &[&str] = &["smtpd_sender_restrictions = permit_sasl_authenticated, \
     check_sender_access static:{530 5.7.0 Authentication required}"];
const JUDGES_EHLO: &[&str] = &["smtpd_helo_restrictions = reject_invalid_helo_hostname, \
     reject_non_fqdn_helo_hostname"];
const STRICT: &[&str] = &[
    "smtpd_forbid_unauth_pipelining = yes",
    "smtpd_forbid_bare_newline = reject",
];
const ONLY_DELIVER: &[&str] =
    &["virtual_mailbox_maps = inline:{ deliver@lab.test=x, bounced@lab.test=x }"];
/// Restrictions at once: Postfix dates its `Received` at MAIL, and the time before it counts as that of this hop.
const KEEPS_WAITING: &[&str] = &["smtpd_client_restrictions = sleep 4, permit"];
/// Greylisting as a policy service does it: the first attempt is put off, and the next one taken.
const GREYLISTS_FIRST: &[&str] = &["smtpd_recipient_restrictions = reject_unauth_destination, \
     check_policy_service unix:private/greylist"];
/// OpenSSL today refuses what old servers still have. These give it back to one listener.
const OLD: &[&str] = &[
    "tls_config_file = {lab}/postfix/etc/old-openssl.cnf",
    "tls_medium_cipherlist = DEFAULT:@SECLEVEL=0",
];

/// In the order of their addresses.
pub(super) const ROWS: &[Row] = &[
    row("smtp-good", 10, 25)
        .host("good.lab.test", Good)
        .quirk("STARTTLS, no AUTH: an ordinary MX"),
    row("submission", 10, 587)
        .host("good.lab.test", Good)
        .with(&[AUTH, TLS_FIRST, LOGIN_ONLY])
        .quirk("STARTTLS required, AUTH after it"),
    row("submissions", 10, 465)
        .host("good.lab.test", Good)
        .with(&[AUTH, IMPLICIT_TLS, LOGIN_ONLY])
        .quirk("TLS at once, AUTH"),
    row("smtp-postscreen", 10, 2525)
        .host("good.lab.test", Good)
        .behind("1 postscreen")
        .quirk("postscreen: `220-` at once, `220 ` after 3 s; who speaks in between is told off"),
    row("smtp-cleartext", 11, 25)
        .host("cleartext.lab.test", Absent)
        .with(&[AUTH, &["smtpd_sasl_security_options ="]])
        .quirk("no TLS; AUTH in clear, ANONYMOUS included"),
    row("smtp-expired", 12, 25)
        .host("expired.lab.test", Expired)
        .quirk("its certificate expired in 2021"),
    row("smtp-wrong-name", 13, 25)
        .host("wrong-name.lab.test", WrongName)
        .quirk("its certificate is for elsewhere.lab.test"),
    row("smtp-self-signed", 14, 25)
        .host("self-signed.lab.test", SelfSigned)
        .quirk("its certificate is signed by itself"),
    row("smtp-missing-intermediate", 15, 25)
        .host("missing-intermediate.lab.test", MissingIntermediate)
        .quirk("does not send the intermediate; the leaf says where it is"),
    row("smtp-unknown-ca", 16, 25)
        .host("unknown-ca.lab.test", UnknownAuthority)
        .quirk("its root is not among the trusted"),
    row("smtp-not-yet-valid", 17, 25)
        .host("not-yet-valid.lab.test", NotYetValid)
        .quirk("its certificate is not valid before 2099"),
    row("smtp-weak-key", 18, 25)
        .host("weak-key.lab.test", WeakKey)
        .with(&[OLD, &["smtpd_tls_protocols = >=TLSv1.2"]])
        .quirk("RSA key of 1024 bits"),
    row("smtp-sha1", 19, 25)
        .host("sha1.lab.test", WeakSignature)
        .with(&[OLD, &["smtpd_tls_protocols = >=TLSv1.2"]])
        .quirk("certificate signed with SHA-1"),
    row("smtp-tls10", 20, 25)
        .host("tls10.lab.test", Good)
        .with(&[OLD, &["smtpd_tls_protocols = TLSv1"]])
        .quirk("TLS 1.0 and nothing newer"),
    row("smtp-greets-421", 21, 25)
        .host("greets-421.lab.test", Good)
        .with(&[AT_ONCE, BUSY])
        .quirk("greets with 421 and closes"),
    row("smtp-greets-554", 22, 25)
        .host("greets-554.lab.test", Good)
        .with(&[AT_ONCE, REFUSED])
        .quirk("greets with 554, then waits for QUIT"),
    row("smtp-slow-greeting", 23, 25)
        .host("slow-greeting.lab.test", Good)
        .with(&[AT_ONCE, &["smtpd_client_restrictions = sleep 3, permit"]])
        .quirk("greets after 3 s"),
    row("submission-auth-down", 24, 587)
        .host("auth-down.lab.test", Good)
        .with(&[AUTH, TLS_FIRST, &["smtpd_sasl_path = private/auth-down"]])
        .quirk("AUTH offered, but every login is answered 454: its login server hangs up"),
    row("smtp-good-ipv6", 0, 2526)
        .host("good.lab.test", Good)
        .at(IpAddr::V6(Ipv6Addr::LOCALHOST))
        .quirk("smtp-good over IPv6; only where the machine has it"),
    row("smtp-broken-starttls", 26, 25)
        .host("broken-starttls.lab.test", Good)
        .with(&[&["smtpd_tls_key_file = {lab}/tls/lost.key"]])
        .quirk("STARTTLS offered, but answered 454: its key is missing"),
    row("submission-old-auth", 27, 587)
        .host("old-auth.lab.test", Good)
        .with(&[AUTH, TLS_FIRST, &["broken_sasl_auth_clients = yes"]])
        .quirk("offers the old form `AUTH=` too"),
    row("submission-without-tls", 28, 587)
        .host("without-tls.lab.test", Good)
        .with(&[AUTH, &["smtpd_discard_ehlo_keywords = starttls"]])
        .quirk("submission that forgot its TLS: AUTH in clear, no STARTTLS"),
    row("smtp-tarpit", 29, 25)
        .host("tarpit.lab.test", Good)
        .with(&[AT_ONCE, TARPIT])
        .quirk("tarpit: 1 s each before the replies to connect, EHLO, MAIL and RCPT"),
    row("submissions-client-certificate", 30, 465)
        .host("client-certificate.lab.test", Good)
        .with(&[
            AUTH,
            IMPLICIT_TLS,
            &[
                "smtpd_tls_req_ccert = yes",
                "smtpd_tls_CAfile = {lab}/tls/ca.pem",
            ],
        ])
        .quirk("TLS at once; who has no client certificate of the lab's root is told 421"),
    row("smtp-ecdsa", 31, 25)
        .host("ecdsa.lab.test", Ecdsa)
        .quirk("smtp-good with an ECDSA certificate (P-256)"),
    row("smtp-intermediate", 32, 25)
        .host("intermediate.lab.test", Chain)
        .quirk("smtp-good with a certificate of an intermediate, which it sends"),
    row("smtp-behind-proxy", 33, 25)
        .host("behind-proxy.lab.test", Good)
        .with(&[&["smtpd_upstream_proxy_protocol = haproxy"]])
        .quirk(
            "smtp-good behind a load balancer: wants a PROXY header, and greets whom that names",
        ),
    row("smtp-open-relay", 34, 25)
        .host("open-relay.lab.test", Good)
        .with(&[EVERYBODY_IS_TRUSTED])
        .quirk("relays for anybody: mail for any domain is accepted (and lost)"),
    row("smtp-greylists", 35, 25)
        .host("greylists.lab.test", Good)
        .with(&[GREYLISTS])
        .quirk(
            "greylists: every recipient is answered 450 4.7.1 as postgrey says it, always, those \
             that are not there included; other domains 554 5.7.1",
        ),
    row("smtp-size", 36, 25)
        .host("size.lab.test", Good)
        .with(&[&["message_size_limit = 10240"]])
        .quirk(
            "takes 10240 octets and says so; who declares more at MAIL is answered 552 5.3.4, \
             and so is every MAIL after that until RSET",
        ),
    row("smtp-no-size", 37, 25)
        .host("no-size.lab.test", Good)
        .with(&[&[
            "message_size_limit = 10240",
            "smtpd_discard_ehlo_keywords = size",
        ]])
        .quirk(
            "smtp-size without SIZE in EHLO; it takes the parameter all the same, and who \
             declares nothing is answered 552 5.3.4 after the final dot",
        ),
    row("smtp-no-pipelining", 38, 25)
        .host("no-pipelining.lab.test", Good)
        .with(&[&["smtpd_discard_ehlo_keywords = pipelining"]])
        .quirk("does not announce PIPELINING (but takes what is pipelined)"),
    row("smtp-no-smtputf8", 39, 25)
        .host("no-smtputf8.lab.test", Good)
        .with(&[&["smtputf8_enable = no"]])
        .quirk(
            "no SMTPUTF8: as a parameter it is answered 555 5.5.4; a domain in UTF-8 501 5.1.3; \
             a mailbox in UTF-8 is taken as it is, with blanks for its octets in \
             replies",
        ),
    row("smtp-no-8bitmime", 40, 25)
        .host("no-8bitmime.lab.test", Good)
        .with(&[&["smtpd_discard_ehlo_keywords = 8bitmime"]])
        .quirk("does not announce 8BITMIME (but takes BODY=8BITMIME)"),
    row("smtp-no-chunking", 41, 25)
        .host("no-chunking.lab.test", Good)
        .with(&[&["smtpd_discard_ehlo_keywords = chunking"]])
        .quirk("no CHUNKING: BDAT is answered 521 5.5.1, and the connection closed"),
    row("smtp-no-dsn", 42, 25)
        .host("no-dsn.lab.test", Good)
        .with(&[&["smtpd_discard_ehlo_keywords = dsn"]])
        .quirk("no DSN: its parameters of MAIL and RCPT are answered 501 5.7.1"),
    row("smtp-blocks", 43, 25)
        .host("blocks.lab.test", Good)
        .with(&[&["smtpd_proxy_filter = unix:private/blocklist"]])
        .quirk(
            "whoever asks stands on a blocklist: mailboxes are answered 554 5.7.1 at RCPT with \
             its name, those that are not there 550 5.1.1",
        ),
    row("smtp-rejects-sender", 44, 25)
        .host("rejects-sender.lab.test", Good)
        .with(&[AT_ONCE, REJECTS_SENDER])
        .quirk("refuses every sender, the empty one too: MAIL is answered 550 5.1.8"),
    row("smtp-requires-tls", 45, 25)
        .host("requires-tls.lab.test", Good)
        .with(&[&["smtpd_tls_security_level = encrypt"]])
        .quirk("before STARTTLS, MAIL and VRFY are answered 530 5.7.0"),
    row("smtp-requires-auth", 46, 25)
        .host("requires-auth.lab.test", Good)
        .with(&[AUTH, &["smtpd_tls_auth_only = yes"], AT_ONCE, REQUIRES_AUTH])
        .quirk(
            "before AUTH, which it offers under TLS, MAIL is answered 530 5.7.0 (submission says \
             554 5.7.1, and only at RCPT)",
        ),
    row("smtp-header-rejects", 47, 25)
        .host("header-rejects.lab.test", Good)
        .with(&[&["cleanup_service_name = cleanup-rejects"]])
        .quirk("refuses every message with a subject: 550 5.7.1 after the final dot"),
    row("smtp-catch-all", 48, 25)
        .host("catch-all.lab.test", Good)
        .with(&[&["virtual_mailbox_maps = static:x"]])
        .quirk(
            "catch-all: takes every recipient of lab.test and of its own name; others 554 5.7.1",
        ),
    row("smtp-catch-all-routed", 48, 2525)
        .host("catch-all.lab.test", Good)
        .with(&[&[
            "virtual_mailbox_maps = static:x",
            "allow_untrusted_routing = yes",
        ]])
        .quirk(
            "smtp-catch-all that takes `%`, `!` and quoted `@` for letters of a mailbox, which \
             looks like relaying and is not",
        ),
    row("smtp-vrfy", 49, 25).host("vrfy.lab.test", Good).quirk(
        "VRFY as Postfix has it everywhere: 252 for who is there, 550 5.1.1 for who is not, \
             554 5.7.1 for other domains, 450 and 550 as RCPT for the odd recipients; EXPN is \
             answered 500",
    ),
    row("smtp-no-vrfy", 49, 2525)
        .host("vrfy.lab.test", Good)
        .with(&[&["disable_vrfy_command = yes"]])
        .quirk("VRFY is neither announced nor done: 502 5.5.1"),
    row("smtp-limits", 50, 25)
        .host("limits.lab.test", Good)
        .with(&[&["smtpd_recipient_limit = 3", "smtpd_hard_error_limit = 3"]])
        .quirk(
            "takes 3 recipients, then says 452 4.5.3; takes 3 errors, then says 421 4.7.0 to \
             whatever comes and closes",
        ),
    row("smtp-delivers", 51, 25)
        .host("delivers.lab.test", Good)
        .with(&[ONLY_DELIVER])
        .quirk(
            "an MX whose mail arrives: for deliver@lab.test and nobody else, in Dovecot by LMTP",
        ),
    row("submission-delivers", 51, 587)
        .host("delivers.lab.test", Good)
        .with(&[AUTH, TLS_FIRST, LOGIN_ONLY, ONLY_DELIVER])
        .quirk(
            "submission to smtp-delivers: STARTTLS required, AUTH after it; mail for other \
             domains is accepted and lost",
        ),
    row("smtp-milter-down", 52, 25)
        .host("milter-down.lab.test", Good)
        .with(&[&["smtpd_milters = unix:private/no-such-milter"]])
        .quirk("its milter is down: STARTTLS is answered 454 4.3.0, and MAIL 451 4.7.1"),
    row("smtp-strict", 53, 25)
        .host("strict.lab.test", Good)
        .with(&[STRICT])
        .quirk(
            "forbids what smuggles: EHLO with QUIT in one packet is answered 554 5.5.0, a bare \
             LF in a message 550 5.5.2 (smtp-good ends a message at LF.LF, LF.CRLF and CRLF.LF)",
        ),
    row("smtp-judges-ehlo", 54, 25)
        .host("judges-ehlo.lab.test", Good)
        .with(&[AT_ONCE, JUDGES_EHLO])
        .quirk(
            "wants a full name or an address literal: others are answered 504 5.5.2, to EHLO and \
             to HELO",
        ),
    row("smtp-xclient", 55, 25)
        .host("xclient.lab.test", Good)
        .with(&[&[
            "smtpd_authorized_xclient_hosts = 127.0.0.0/8",
            "smtpd_authorized_xforward_hosts = 127.0.0.0/8",
        ]])
        .quirk("offers XCLIENT and XFORWARD to everybody: whoever asks may pose as anybody"),
    row("submission-by-slow-hop", 56, 587)
        .host("first.lab.test", Good)
        .with(&[
            AUTH,
            TLS_FIRST,
            LOGIN_ONLY,
            &["content_filter = onward:[127.88.0.57]:25"],
        ])
        .quirk("submission that hands everything on to smtp-slow-hop"),
    row("smtp-slow-hop", 57, 25)
        .host("slow-hop.lab.test", Good)
        .with(&[AT_ONCE, KEEPS_WAITING])
        .quirk("greets after 4 s, and mail from the hop before it is late by as much"),
    row("submission-by-greylister", 56, 2587)
        .host("first.lab.test", Good)
        .with(&[
            AUTH,
            TLS_FIRST,
            LOGIN_ONLY,
            &["content_filter = onward:[127.88.0.58]:25"],
        ])
        .quirk(
            "submission that hands everything on to smtp-greylister, again after 3 s and more \
             where it is put off",
        ),
    row("smtp-greylister", 58, 25)
        .host("greylister.lab.test", Good)
        .with(&[GREYLISTS_FIRST])
        .quirk(
            "greylists in earnest: of each sender and recipient, every other attempt is answered \
             450 4.7.1, and the one after it taken",
        ),
];
