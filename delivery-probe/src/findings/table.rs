//! The table of findings of this crate: codes, summaries and remedies.

use probe_core::{FindingKind, Severity};

use crate::status::Cause;

/// All findings of this crate.
pub static FINDINGS: &[&FindingKind] = &[
    &ARRIVED_LATE,
    &ATTACHMENT,
    &BOUNCED_ADDRESS,
    &BOUNCED_AUTHENTICATION,
    &BOUNCED_CONTENT,
    &BOUNCED_LOOP,
    &BOUNCED_NETWORK,
    &BOUNCED_OTHER,
    &BOUNCED_POLICY,
    &BOUNCED_PROTOCOL,
    &BOUNCED_QUOTA,
    &BOUNCED_ROUTING,
    &BOUNCED_SENDER,
    &BOUNCED_SIZE,
    &BOUNCED_SYSTEM,
    &BOUNCED_TLS,
    &CLOCK,
    &DAMAGED,
    &DELAYED,
    &DKIM,
    &DMARC,
    &DUPLICATE,
    &FOLDER,
    &FORGED,
    &INTERRUPTED,
    &JUNK,
    &LATE,
    &LEDGER_DROPPED,
    &LEDGER_UNREADABLE,
    &LEFT_BEHIND,
    &LOST,
    &MANY_HOPS,
    &MARKED,
    &ODD_HOP,
    &OUTDATED,
    &PENDING,
    &RECEIVE,
    &REORDERED,
    &REWRITTEN,
    &SEND,
    &SLOW_HOP,
    &SPF,
    &TRANSIT,
    &UNAUTHENTICATED,
    &UNPROTECTED,
];

pub(super) static ARRIVED_LATE: FindingKind = FindingKind::new(
    "delivery.arrived-late",
    Severity::Warning,
    "a canary arrived, and not in time",
    "See which hop was slow; where it was none, the mailbox was not looked at for so long.",
);
pub(super) static ATTACHMENT: FindingKind = FindingKind::new(
    "delivery.content.attachment",
    Severity::Warning,
    "the attachment did not arrive as it was sent",
    "Look for a filter that takes attachments out or rewrites them: a virus scanner, a gateway that puts links in their place.",
);
static BOUNCED_ADDRESS: FindingKind = FindingKind::new(
    "delivery.bounced.address",
    Severity::Critical,
    "a canary came back: the mailbox does not exist or is switched off",
    "Check the recipient's address, its aliases and whether its server still knows it.",
);
static BOUNCED_AUTHENTICATION: FindingKind = FindingKind::new(
    "delivery.bounced.authentication",
    Severity::Critical,
    "a canary came back: SPF, DKIM or DMARC did not pass",
    "Check whether the sending server is in the SPF record and signs with a key that is published; mailprobe mx shows both.",
);
static BOUNCED_CONTENT: FindingKind = FindingKind::new(
    "delivery.bounced.content",
    Severity::Critical,
    "a canary came back: its content could not be handed on",
    "Send one in the plain form: if that arrives, a server on the way converts or refuses 8-bit text or attachments.",
);
static BOUNCED_LOOP: FindingKind = FindingKind::new(
    "delivery.bounced.loop",
    Severity::Critical,
    "a canary came back: it went round in a circle",
    "Two servers take each other for the destination: see the hosts that repeat in the report, and their transport tables or MX records.",
);
static BOUNCED_NETWORK: FindingKind = FindingKind::new(
    "delivery.bounced.network",
    Severity::Critical,
    "a canary came back: the next server could not be reached in time",
    "Probe the server that the report names with mailprobe smtp, from the host that wrote it.",
);
static BOUNCED_OTHER: FindingKind = FindingKind::new(
    "delivery.bounced.other",
    Severity::Critical,
    "a canary came back",
    "Read the words of the report: they name the reason.",
);
static BOUNCED_POLICY: FindingKind = FindingKind::new(
    "delivery.bounced.policy",
    Severity::Critical,
    "a canary came back: a rule of the receiver turned it away",
    "The address exists, and the sender is not wanted: check blacklists (mailprobe dnsbl), reputation, rates and the receiver's filter.",
);
static BOUNCED_PROTOCOL: FindingKind = FindingKind::new(
    "delivery.bounced.protocol",
    Severity::Critical,
    "a canary came back: two servers misunderstood each other",
    "Look at their dialogue in the logs of the server that wrote the report; a proxy or firewall in between may change commands.",
);
static BOUNCED_QUOTA: FindingKind = FindingKind::new(
    "delivery.bounced.quota",
    Severity::Critical,
    "a canary came back: the mailbox or the disk is full",
    "Make room in the mailbox, or raise its quota; check whether canaries are being deleted.",
);
static BOUNCED_ROUTING: FindingKind = FindingKind::new(
    "delivery.bounced.routing",
    Severity::Critical,
    "a canary came back: there is no way to the domain",
    "Check the domain's MX records and the resolver of the server that wrote the report; mailprobe mx shows both sides.",
);
static BOUNCED_SENDER: FindingKind = FindingKind::new(
    "delivery.bounced.sender",
    Severity::Critical,
    "a canary came back: the sender's address is not taken",
    "Use a sender that exists and whose domain takes mail.",
);
static BOUNCED_SIZE: FindingKind = FindingKind::new(
    "delivery.bounced.size",
    Severity::Critical,
    "a canary came back: it is larger than the receiver takes",
    "Send a smaller size, or raise the limit of the server that the report names.",
);
static BOUNCED_SYSTEM: FindingKind = FindingKind::new(
    "delivery.bounced.system",
    Severity::Critical,
    "a canary came back: the receiving server has trouble of its own",
    "Look at the logs of the server that the report names: disk, permissions, a backend that is down.",
);
static BOUNCED_TLS: FindingKind = FindingKind::new(
    "delivery.bounced.tls",
    Severity::Critical,
    "a canary came back: the encryption that was asked for is not to be had",
    "Check the receiver's STARTTLS, its certificate, its TLSA records and its MTA-STS policy with mailprobe smtp and mailprobe mx.",
);
pub(super) static CLOCK: FindingKind = FindingKind::new(
    "delivery.clock",
    Severity::Warning,
    "the clock of a host on the way is wrong",
    "Set it, and keep it set by NTP: greylisting, signatures, certificates and logs depend on it.",
);
pub(super) static DAMAGED: FindingKind = FindingKind::new(
    "delivery.content.damaged",
    Severity::Warning,
    "the text did not arrive as it was sent",
    "Find the hop that changes it: send canaries to the servers on the way one by one. Signatures (DKIM) break by it too.",
);
pub(super) static DELAYED: FindingKind = FindingKind::new(
    "delivery.delayed",
    Severity::Warning,
    "a server reports that it is still trying",
    "The canary is not lost. Read what stops it, and look into the queue of the server that wrote the report.",
);
pub(super) static DKIM: FindingKind = FindingKind::new(
    "delivery.authentication.dkim",
    Severity::Warning,
    "the receiving server found no valid DKIM signature",
    "Check whether the sending server signs, whether the key is published (mailprobe mx), and whether a hop changes the content.",
);
pub(super) static DMARC: FindingKind = FindingKind::new(
    "delivery.authentication.dmarc",
    Severity::Warning,
    "DMARC did not pass at the receiving server",
    "SPF or DKIM has to pass for the domain in From; see which of them does, and for which domain.",
);
pub(super) static DUPLICATE: FindingKind = FindingKind::new(
    "delivery.duplicate",
    Severity::Warning,
    "a canary arrived more than once",
    "Look for a server whose sessions break after it has taken a message, for aliases that lead to the same mailbox, or for a copying rule.",
);
pub(super) static FOLDER: FindingKind = FindingKind::new(
    "delivery.folder",
    Severity::Info,
    "a canary was filed into another folder than the inbox",
    "If that is not on purpose, look at the mailbox's rules.",
);
pub(super) static FORGED: FindingKind = FindingKind::new(
    "delivery.forged",
    Severity::Warning,
    "messages look like canaries, and their tokens were not made with our key",
    "Another prober with another key may use the mailbox: give it the same key. Else somebody makes them; they are never counted nor deleted.",
);
pub(super) static JUNK: FindingKind = FindingKind::new(
    "delivery.junk",
    Severity::Warning,
    "a canary was taken for spam",
    "See what the filter wrote into its header; check SPF, DKIM and DMARC, and blacklists of the sending address.",
);
pub(super) static LATE: FindingKind = FindingKind::new(
    "delivery.late",
    Severity::Warning,
    "canaries should have arrived by now",
    "Look into the queues on the way (mailprobe host) and for reports of a delay.",
);
pub(super) static LEDGER_DROPPED: FindingKind = FindingKind::new(
    "delivery.ledger.dropped",
    Severity::Info,
    "canaries were given up since there are too many to remember",
    "Send fewer at a time, or keep a ledger for each route.",
);
pub(super) static LEDGER_UNREADABLE: FindingKind = FindingKind::new(
    "delivery.ledger.unreadable",
    Severity::Warning,
    "lines of the ledger cannot be read",
    "One may be the trace of a crash. If there are more, look at the disk, and at who else writes into the file.",
);
pub(super) static INTERRUPTED: FindingKind = FindingKind::new(
    "delivery.interrupted",
    Severity::Warning,
    "the watch over the mailbox was interrupted, and taken up again",
    "See in the server's log why it hung up; where it limits sessions of one user, let other clients have fewer.",
);
pub(super) static LEFT_BEHIND: FindingKind = FindingKind::new(
    "delivery.left-behind",
    Severity::Warning,
    "canaries remain in the mailbox and could not be deleted",
    "See whether the account may delete, and whether a gateway takes our fields away: what is not proven to be ours stays.",
);
pub(super) static LOST: FindingKind = FindingKind::new(
    "delivery.lost",
    Severity::Critical,
    "canaries are lost: they neither arrived nor came back",
    "Follow one by its message identifier through the logs of the servers on the way; look for filters that discard silently.",
);
pub(super) static MANY_HOPS: FindingKind = FindingKind::new(
    "delivery.hop.many",
    Severity::Warning,
    "the message went over more hops than anybody counts",
    "See which hosts repeat: mail that goes round in a circle arrives late or never.",
);
pub(super) static MARKED: FindingKind = FindingKind::new(
    "delivery.content.marked",
    Severity::Info,
    "a gateway put words into the message",
    "Nothing, if it is meant to; it breaks DKIM signatures that the sender made.",
);
pub(super) static ODD_HOP: FindingKind = FindingKind::new(
    "delivery.hop.odd",
    Severity::Info,
    "a hop did not write its Received field as RFC 5321 has it",
    "Nothing, where it is not yours: its time or its name may be missing from what is told here.",
);
pub(super) static OUTDATED: FindingKind = FindingKind::new(
    "delivery.hop.tls-outdated",
    Severity::Info,
    "a hop used a version of TLS that is outdated",
    "Let both servers offer TLS 1.2 and 1.3 (RFC 8996).",
);
pub(super) static PENDING: FindingKind = FindingKind::new(
    "delivery.pending",
    Severity::Info,
    "canaries are on their way",
    "Nothing: the next run judges them.",
);
pub(super) static RECEIVE: FindingKind = FindingKind::new(
    "delivery.receive",
    Severity::Warning,
    "a canary was seen in the mailbox later than it should be",
    "Look at the server of the mailbox: login, folders, push (mailprobe imap, pop3 or eas).",
);
pub(super) static REORDERED: FindingKind = FindingKind::new(
    "delivery.reordered",
    Severity::Info,
    "canaries overtook others that were sent before them",
    "Nothing by itself; where a queue has several ways, one of them is slower.",
);
pub(super) static REWRITTEN: FindingKind = FindingKind::new(
    "delivery.content.rewritten",
    Severity::Info,
    "a server wrote the message in another way, and its content is the same",
    "Nothing, if signatures still pass: a server on the way does not offer 8BITMIME, or a gateway takes messages apart.",
);
pub(super) static SEND: FindingKind = FindingKind::new(
    "delivery.send",
    Severity::Warning,
    "sending a canary took longer than it should",
    "See in the submission's waterfall which step took the time: name, connection, TLS, login, or the filter behind the data.",
);
pub(super) static SLOW_HOP: FindingKind = FindingKind::new(
    "delivery.hop.slow",
    Severity::Warning,
    "one hop held the message up",
    "It waited in the queue of the first host named, or the second did not take it: look at that queue and its reason (mailprobe host). Greylisting is over by itself.",
);
pub(super) static SPF: FindingKind = FindingKind::new(
    "delivery.authentication.spf",
    Severity::Warning,
    "SPF did not pass at the receiving server",
    "Add the address of the server that sends to the domain's SPF record; mailprobe mx shows what it says now.",
);
pub(super) static TRANSIT: FindingKind = FindingKind::new(
    "delivery.transit",
    Severity::Warning,
    "a canary was longer on its way than it should be",
    "See which hop was slow.",
);
pub(super) static UNAUTHENTICATED: FindingKind = FindingKind::new(
    "delivery.authentication.missing",
    Severity::Warning,
    "the receiving server does not say what must be known of the sender",
    "Let it check SPF, DKIM and DMARC and write Authentication-Results; name it if it calls itself otherwise than its host.",
);
pub(super) static UNPROTECTED: FindingKind = FindingKind::new(
    "delivery.hop.unprotected",
    Severity::Info,
    "the message went from host to host without TLS",
    "Offer STARTTLS at the second host, and use it at the first (mailprobe smtp).",
);

/// What a lost canary is called, by its cause.
pub(super) const fn bounced(cause: Cause) -> &'static FindingKind {
    match cause {
        Cause::Address => &BOUNCED_ADDRESS,
        Cause::Authentication => &BOUNCED_AUTHENTICATION,
        Cause::Content => &BOUNCED_CONTENT,
        Cause::Loop => &BOUNCED_LOOP,
        Cause::Network => &BOUNCED_NETWORK,
        Cause::Other => &BOUNCED_OTHER,
        Cause::Policy => &BOUNCED_POLICY,
        Cause::Protocol => &BOUNCED_PROTOCOL,
        Cause::Quota => &BOUNCED_QUOTA,
        Cause::Routing => &BOUNCED_ROUTING,
        Cause::Sender => &BOUNCED_SENDER,
        Cause::Size => &BOUNCED_SIZE,
        Cause::System => &BOUNCED_SYSTEM,
        Cause::Tls => &BOUNCED_TLS,
    }
}
