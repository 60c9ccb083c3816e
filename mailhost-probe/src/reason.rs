//! Why mail waits, in classes that lead to different repairs. The words are the mail server's, or those of the server that
//! turned it away.

use core::fmt;

/// Why a recipient's mail was not delivered yet.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Reason {
    /// The destination's name was not resolved.
    Dns,
    /// The destination takes mail from strangers at a second attempt only.
    Greylisted,
    /// Words that none of the others knows.
    Other,
    /// The destination's rules: reputation, rates, authentication.
    Policy,
    /// The mailbox or the disk of the destination is full.
    Quota,
    /// There was no connection: refused, or no way there.
    Refused,
    /// The destination was silent.
    Timeout,
    /// Encryption was required, and not to be had.
    Tls,
}

impl Reason {
    /// All of them, in the order of their names.
    pub const ALL: [Self; 8] = [
        Self::Dns,
        Self::Greylisted,
        Self::Other,
        Self::Policy,
        Self::Quota,
        Self::Refused,
        Self::Timeout,
        Self::Tls,
    ];
    /// So many octets of the words are looked at: what decides stands at their beginning.
    pub const WORDS: usize = 1024;

    /// The class of these words, if there are any. What stands in angle brackets is an address and decides nothing; neither
    /// does the name of the host that spoke.
    ///
    /// ```
    /// use mailhost_probe::Reason;
    ///
    /// let words = b"connect to mx.timeout.example[192.0.2.1]:25: Connection refused";
    /// assert_eq!(Reason::of(words), Some(Reason::Refused));
    /// assert_eq!(Reason::of(b""), None);
    /// ```
    pub fn of(words: &[u8]) -> Option<Self> {
        let words = words.trim_ascii();
        if words.is_empty() {
            return None;
        }
        let words = words.get(..Self::WORDS).unwrap_or(words);
        let text = without_names(&String::from_utf8_lossy(words).to_ascii_lowercase());
        let known = WORDS
            .iter()
            .find(|(_, words)| words.iter().any(|word| text.contains(word)));
        Some(known.map_or(Self::Other, |(reason, _)| *reason))
    }

    /// The name in JSON and in metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Greylisted => "greylisted",
            Self::Other => "other",
            Self::Policy => "policy",
            Self::Quota => "quota",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What gives each away, in lower case; the first that fits decides. Greylisting says 4.7.1 too, and so stands before
/// policy.
const WORDS: [(Reason, &[&str]); 7] = [
    (Reason::Greylisted, &["greylist", "graylist", "greylisted"]),
    (
        Reason::Tls,
        &[
            "tls ",
            "starttls",
            "start tls",
            "ssl_connect",
            "server certificate",
            "certificate verification",
            "untrusted issuer",
        ],
    ),
    (
        Reason::Quota,
        &[
            "mailbox full",
            "mailbox is full",
            "quota",
            "insufficient system storage",
            "insufficient disk",
            " 4.2.2 ",
            " 5.2.2 ",
            " 4.3.1 ",
        ],
    ),
    (
        Reason::Dns,
        &[
            "name service error",
            "host or domain name not found",
            "host not found",
            "name server:",
            "host name lookup",
            "lookup of",
            "host lookup did not complete",
            "mx lookup",
            "no mx found",
            "temporary failure in mx lookup",
        ],
    ),
    (
        Reason::Refused,
        &[
            "connection refused",
            "no route to host",
            "network is unreachable",
            "host is down",
            "network error on destination",
        ],
    ),
    (
        Reason::Timeout,
        &["timed out", "timeout", "lost connection", "read error from"],
    ),
    (
        Reason::Policy,
        &[
            " 4.7.",
            " 5.7.",
            "policy",
            "blacklist",
            "blocklist",
            "blocked",
            "reputation",
            "rate limit",
            "too many",
            "spam",
        ],
    ),
];

/// Without addresses in angle brackets, names of hosts before `[`, and who said it.
fn without_names(text: &str) -> String {
    let said = text.split_once(" said: ").map_or(text, |(_, said)| said);
    let mut kept = String::with_capacity(said.len() + 2);
    // Codes are looked for between blanks.
    kept.push(' ');
    let mut is_inside = false;
    for c in said.chars() {
        match c {
            '<' => is_inside = true,
            '>' => is_inside = false,
            _ if !is_inside => kept.push(c),
            _ => {}
        }
    }
    let words = kept.split(' ').filter(|word| !word.contains('['));
    let words: Vec<_> = words.collect();
    words.join(" ") + " "
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_servers_fall_into_their_classes() {
        for (words, reason) in [
            (
                "connect to 192.0.2.1[192.0.2.1]:25: Connection refused",
                Reason::Refused,
            ),
            (
                "delivery temporarily suspended: connect to mx.example[192.0.2.1]:25: No route to host",
                Reason::Refused,
            ),
            (
                "conversation with 192.0.2.1[192.0.2.1]:2526 timed out while receiving the initial server greeting",
                Reason::Timeout,
            ),
            (
                "TLS is required, but was not offered by host 192.0.2.1[192.0.2.1]",
                Reason::Tls,
            ),
            ("Cannot start TLS: handshake failure", Reason::Tls),
            (
                "Host or domain name not found. Name service error for name=x.test type=MX: Host not found, try again",
                Reason::Dns,
            ),
            (
                "Deferred: Name server: x.test.: host name lookup failure",
                Reason::Dns,
            ),
            (
                "Deferred: Connection timed out with mx.example.",
                Reason::Timeout,
            ),
            ("reply: read error from [192.0.2.1]", Reason::Timeout),
            (
                "host a[192.0.2.1] said: 450 4.7.1 <x@y.test>: Recipient address rejected: Greylisted, try again in 300 seconds",
                Reason::Greylisted,
            ),
            (
                "host a[192.0.2.1] said: 452 4.2.2 <x@y.test>: Recipient address rejected: Mailbox full",
                Reason::Quota,
            ),
            (
                "host a[192.0.2.1] said: 421 4.7.0 [TSS04] Messages deferred",
                Reason::Policy,
            ),
            (
                "host a[192.0.2.1] said: 450 4.2.1 <x@y.test>: Recipient address rejected: this lab defers every mail here",
                Reason::Other,
            ),
        ] {
            assert_eq!(Reason::of(words.as_bytes()), Some(reason), "{words}");
        }
    }

    #[test]
    fn names_in_the_words_decide_nothing() {
        let words = b"host mx.policy.test[192.0.2.1] said: 450 4.2.1 <quota@timeout.test>: no";
        assert_eq!(Reason::of(words), Some(Reason::Other));
        let words = b"connect to mx.quota.test[192.0.2.1]:25: Connection refused";
        assert_eq!(Reason::of(words), Some(Reason::Refused));
    }

    #[test]
    fn what_stands_behind_the_limit_is_not_looked_at() {
        let mut words = vec![b'x'; Reason::WORDS - "quota".len()];
        words.extend(b"quota");
        assert_eq!(Reason::of(&words), Some(Reason::Quota));
        words.insert(0, b'x');
        assert_eq!(Reason::of(&words), Some(Reason::Other));
    }
}
