//! What we think of mail policy: the table of findings.

use probe_core::{FindingKind, Severity};

macro_rules! kinds {
    ($($name:ident: $code:literal, $severity:ident, $summary:literal, $remedy:literal;)*) => {
        $(pub(super) static $name: FindingKind =
            FindingKind::new($code, Severity::$severity, $summary, $remedy);)*

        /// All findings about mail policy.
        pub static FINDINGS: &[&FindingKind] = &[$(&$name),*];
    };
}

kinds! {
    BIMI_DMARC: "bimi.dmarc", Info,
        "there is a BIMI record, but DMARC is not enforced",
        "Publish DMARC with quarantine or reject: without it no picture is shown.";
    BIMI_SYNTAX: "bimi.syntax", Info,
        "the BIMI record cannot be used",
        "Correct what is named, or take the record away: no picture is shown.";
    CAA_DEADLOCK: "caa.deadlock", Warning,
        "a critical CAA record that no authority knows keeps all of them from issuing certificates",
        "Correct its tag, or take the critical flag away.";
    DKIM_BROKEN: "dkim.broken", Warning,
        "a DKIM key is so short that it can be broken",
        "Make an RSA key of 2048 bits, publish it under a new selector, and sign with it; then revoke this one.";
    DKIM_MISSING: "dkim.missing", Warning,
        "the selector has no DKIM key",
        "Publish the key that the mail is signed with, or sign with one that is published: signatures fail.";
    DKIM_MULTIPLE: "dkim.multiple", Warning,
        "the selector has several DKIM keys",
        "Leave one: what receivers do with several is not defined.";
    DKIM_REVOKED: "dkim.revoked", Warning,
        "the DKIM key of the selector is revoked",
        "If mail is still signed with it, sign with another: such signatures fail.";
    DKIM_SYNTAX: "dkim.syntax", Warning,
        "a DKIM key record cannot be used",
        "Correct what is named: signatures fail.";
    DKIM_TEST: "dkim.test", Info,
        "a DKIM key is marked as a trial",
        "Take t=y away once signing works: receivers may pass such signatures over.";
    DKIM_WEAK: "dkim.weak", Info,
        "a DKIM key is shorter than receivers like",
        "Make an RSA key of 2048 bits at the next change.";
    DMARC_MISSING: "dmarc.missing", Warning,
        "there is no DMARC policy",
        "Publish one at _dmarc, with p=none and an address for reports to begin with; large receivers want it.";
    DMARC_MULTIPLE: "dmarc.multiple", Warning,
        "there are several DMARC records",
        "Leave one: receivers pass over all of them.";
    DMARC_NONE: "dmarc.none", Info,
        "the DMARC policy asks for nothing to be done",
        "Once the reports show that your own mail passes, go on to quarantine and reject.";
    DMARC_NULL_OPEN: "dmarc.null.open", Warning,
        "the domain takes no mail, and still receivers are not told to refuse what claims to be from it",
        "Publish v=DMARC1; p=reject.";
    DMARC_ODD: "dmarc.odd", Info,
        "something in the DMARC record is passed over",
        "Take it away, or correct it: receivers do not heed it.";
    DMARC_REPORTS_NONE: "dmarc.reports.none", Info,
        "nobody is told how the domain's mail fares",
        "Name an address for summaries (rua).";
    DMARC_REPORTS_REFUSED: "dmarc.reports.refused", Warning,
        "DMARC reports go to a domain that has not consented to them",
        "Have that domain publish v=DMARC1 at the name that was asked, or name an address of your own: reports are not \
         sent.";
    DMARC_SUBDOMAINS: "dmarc.subdomains", Info,
        "for names below the domain the DMARC policy asks for less than for itself",
        "Unless mail is sent from such names, let sp and np be as strict as p.";
    DMARC_SYNTAX: "dmarc.syntax", Warning,
        "the DMARC record cannot be used",
        "Correct what is named: receivers act as if there were none.";
    DMARC_TEST: "dmarc.test", Info,
        "the DMARC policy is only tried",
        "Take t=y (or pct=0) away once the reports are as they should be.";
    MTA_STS_MAX_AGE: "mta-sts.max-age", Info,
        "the MTA-STS policy is kept for less than a day",
        "Let it be kept for weeks: an attacker who waits it out sees mail without TLS.";
    MTA_STS_MX_MISMATCH: "mta-sts.mx-mismatch", Critical,
        "hosts that take the domain's mail are not in its MTA-STS policy",
        "Add them to the policy and change the record's id, or take them out of MX: mail to them is not delivered.";
    MTA_STS_MX_UNUSED: "mta-sts.mx-unused", Info,
        "the MTA-STS policy names hosts that do not take the domain's mail",
        "Take them out, unless they are to take mail soon.";
    MTA_STS_MULTIPLE: "mta-sts.multiple", Warning,
        "there are several MTA-STS records",
        "Leave one: senders act as if there were none.";
    MTA_STS_NONE: "mta-sts.none", Info,
        "the MTA-STS policy says that there is none any more",
        "Take record and policy away once the age of the last policy is over.";
    MTA_STS_POLICY_MISSING: "mta-sts.policy.missing", Warning,
        "an MTA-STS policy is announced, and cannot be fetched",
        "Serve it with a valid certificate, without a redirect, at the address that is named; until then senders use \
         none, or an old one.";
    MTA_STS_POLICY_SYNTAX: "mta-sts.policy.syntax", Warning,
        "the MTA-STS policy cannot be used",
        "Correct what is named: senders act as if there were none.";
    MTA_STS_POLICY_TYPE: "mta-sts.policy.type", Info,
        "the MTA-STS policy is not served as plain text",
        "Serve it as text/plain: senders may refuse it.";
    MTA_STS_POLICY_UNANNOUNCED: "mta-sts.policy.unannounced", Info,
        "there is an MTA-STS policy that no record announces",
        "Publish the record at _mta-sts: without it senders do not look for a policy.";
    MTA_STS_SYNTAX: "mta-sts.syntax", Warning,
        "the MTA-STS record cannot be used",
        "Correct what is named: senders act as if there were none.";
    MTA_STS_TESTING: "mta-sts.testing", Info,
        "the MTA-STS policy is only tried",
        "Go on to mode enforce once the TLS reports are as they should be.";
    POLICY_UNKNOWN: "policy.unknown", Info,
        "some of the domain's mail policy could not be asked for",
        "Try again; if it stays so, look at the domain's name servers.";
    SPF_ALL_MISSING: "spf.all-missing", Info,
        "the SPF record says nothing of those who are not in it",
        "End it with ~all or -all.";
    SPF_INCLUDE_DEAD: "spf.include-dead", Warning,
        "the SPF record leads to a domain that has no record, or several",
        "Take the term out: for whom nothing fits before it, the whole record is an error.";
    SPF_LARGE: "spf.large", Info,
        "the texts of the domain make a large answer",
        "Move texts that are no longer needed away: answers above 512 octets are lost on some ways, above 1232 on \
         many.";
    SPF_LOOKUPS_EXCEEDED: "spf.lookups-exceeded", Warning,
        "SPF needs more than 10 lookups",
        "Take out includes that are no longer needed, or write their networks down: receivers see an error.";
    SPF_LOOP: "spf.loop", Warning,
        "the SPF record leads back to itself",
        "Take the term out: receivers see an error.";
    SPF_MISPLACED: "spf.misplaced", Warning,
        "a text is meant to be an SPF record, and is not seen as one",
        "Let it begin with v=spf1 and a blank, with nothing before it, not even a quotation mark.";
    SPF_MISSING: "spf.missing", Info,
        "there is no SPF record",
        "Publish which servers send the domain's mail; large receivers want it.";
    SPF_MULTIPLE: "spf.multiple", Warning,
        "there are several SPF records",
        "Make one of them: receivers see an error.";
    SPF_MX_NAMES: "spf.mx-names-exceeded", Warning,
        "an mx term of SPF comes to more than 10 hosts",
        "Write their networks down instead: receivers see an error.";
    SPF_NEUTRAL: "spf.neutral", Info,
        "the SPF record is neutral to those who are not in it",
        "End it with ~all or -all.";
    SPF_NULL_OPEN: "spf.null.open", Warning,
        "the domain takes no mail, and still does not say that nobody may send from it",
        "If it sends none either, publish v=spf1 -all.";
    SPF_ODD: "spf.odd", Info,
        "something in the SPF record is passed over",
        "Take it away, or put it before all.";
    SPF_OWN_HOST: "spf.own-host", Warning,
        "an address that is to send the domain's mail may not, by SPF",
        "Add it to the record, or let it not send.";
    SPF_PASS_ALL: "spf.pass-all", Warning,
        "by SPF everybody may send the domain's mail",
        "End the record with ~all or -all, and take out networks that are not yours.";
    SPF_PTR: "spf.ptr", Info,
        "SPF uses ptr, which is slow and not reliable",
        "Write the networks down instead (RFC 7208 section 5.5).";
    SPF_SYNTAX: "spf.syntax", Warning,
        "an SPF record cannot be used",
        "Correct what is named: receivers see an error.";
    SPF_VOIDS_EXCEEDED: "spf.voids-exceeded", Warning,
        "more than 2 terms of SPF find nothing",
        "Take them out: receivers see an error.";
    TLS_RPT_MISSING: "tls-rpt.missing", Info,
        "there is an MTA-STS policy, and nobody is told how it fares",
        "Publish v=TLSRPTv1 with an address at _smtp._tls.";
    TLS_RPT_MULTIPLE: "tls-rpt.multiple", Warning,
        "there are several TLS-RPT records",
        "Leave one: senders report to none of them.";
    TLS_RPT_SYNTAX: "tls-rpt.syntax", Warning,
        "the TLS-RPT record cannot be used",
        "Correct what is named: senders do not report.";
}
