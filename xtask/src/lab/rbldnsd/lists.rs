//! Every list of rbldnsd, one row each. What a line of its data means is in rbldnsd(8).
//!
//! By RFC 5782 (section 5), a list of IPv4 addresses has 127.0.0.2 and not 127.0.0.1, one of IPv6
//! addresses has ::ffff:7f00:2 and not ::ffff:7f00:1, and one of domains has TEST and not INVALID.
//! What a row's quirk does not say is as it should be. 127.88.9.9 is on no list but those that have
//! everything.
//!
//! To rbldnsd, ::ffff:127.0.0.2 is 127.0.0.2: a list of IPv4 addresses has the IPv6 test point too.

/// A list with its data.
#[derive(Debug)]
pub(in crate::lab) struct List {
    pub(in crate::lab) zone: &'static str,
    pub(in crate::lab) quirk: &'static str,
    /// What its file begins with: how long records may be kept, and the zone's SOA record.
    head: &'static str,
    data: Data,
    everyone: Option<Everyone>,
}

#[derive(Debug)]
enum Data {
    /// One of the ordinary lists, by its number.
    Ordinary(u8),
    /// A dataset of rbldnsd.
    Lines {
        kind: &'static str,
        lines: &'static [&'static str],
    },
}

/// What every client gets, whatever the data.
#[derive(Clone, Copy, Debug)]
struct Everyone {
    file: &'static str,
    gets: &'static str,
}

impl List {
    const fn quirk(mut self, quirk: &'static str) -> Self {
        self.quirk = quirk;
        self
    }

    const fn everyone(mut self, file: &'static str, gets: &'static str) -> Self {
        self.everyone = Some(Everyone { file, gets });
        self
    }

    const fn without_soa(mut self) -> Self {
        self.head = TTL;
        self
    }

    /// The files it consists of; the first bears its name.
    pub(super) fn files(&self) -> impl Iterator<Item = (&'static str, String)> {
        let data = match self.data {
            Data::Ordinary(number) => ordinary_lines(self.zone, number),
            Data::Lines { lines, .. } => lines.join("\n") + "\n",
        };
        // The address is the client's here, not one to look up.
        let acl = |Everyone { file, gets }| (file, format!("{TTL}0.0.0.0/0 {gets}\n"));
        [(self.zone, self.head.to_owned() + &data)]
            .into_iter()
            .chain(self.everyone.map(acl))
    }

    /// It as arguments to rbldnsd.
    pub(super) fn arguments(&self) -> impl Iterator<Item = String> {
        let zone = self.zone;
        let kind = match self.data {
            Data::Ordinary(_) => "ip4set",
            Data::Lines { kind, .. } => kind,
        };
        let acl = |Everyone { file, .. }| format!("{zone}:acl:{file}");
        [format!("{zone}:{kind}:{zone}")]
            .into_iter()
            .chain(self.everyone.map(acl))
    }
}

const TTL: &str = "$TTL 60\n";
const SOA: &str = "\
$SOA 60 rbldnsd.lab.test hostmaster.lab.test 1 3600 600 86400 60
$TTL 60
";

const LAST_ORDINARY: u8 = 20;

/// Each has a code of its own, an address that is on no other, and a part of those that are on
/// several: 127.88.2.N is on N of them.
fn ordinary_lines(zone: &str, number: u8) -> String {
    let code = number + 1;
    let mut lines = format!(
        ":127.0.0.{code}:Listed by {zone}, see https://{zone}/why?$\n127.0.0.2\n127.88.1.{number}\n"
    );
    for shared in number..=LAST_ORDINARY {
        lines += &format!("127.88.2.{shared}\n");
    }
    lines
}

const fn ordinary(zone: &'static str, number: u8) -> List {
    List {
        zone,
        quirk: "none: blNN says 127.0.0.(NN+1), and has 127.88.1.NN and 127.88.2.NN to 127.88.2.20",
        head: SOA,
        data: Data::Ordinary(number),
        everyone: None,
    }
}

/// A list of another kind or behaviour.
const fn list(zone: &'static str, kind: &'static str, lines: &'static [&'static str]) -> List {
    List {
        zone,
        quirk: "",
        head: SOA,
        data: Data::Lines { kind, lines },
        everyone: None,
    }
}

/// No data, but of a kind that knows any name: what everyone gets is then there below every one,
/// not only below those that look like an address.
const fn nothing(zone: &'static str) -> List {
    list(zone, "dnset", &[])
}

pub(in crate::lab) const LISTS: &[List] = &[
    ordinary("bl01.rbl.test", 1),
    ordinary("bl02.rbl.test", 2),
    ordinary("bl03.rbl.test", 3),
    ordinary("bl04.rbl.test", 4),
    ordinary("bl05.rbl.test", 5),
    ordinary("bl06.rbl.test", 6),
    ordinary("bl07.rbl.test", 7),
    ordinary("bl08.rbl.test", 8),
    ordinary("bl09.rbl.test", 9),
    ordinary("bl10.rbl.test", 10),
    ordinary("bl11.rbl.test", 11),
    ordinary("bl12.rbl.test", 12),
    ordinary("bl13.rbl.test", 13),
    ordinary("bl14.rbl.test", 14),
    ordinary("bl15.rbl.test", 15),
    ordinary("bl16.rbl.test", 16),
    ordinary("bl17.rbl.test", 17),
    ordinary("bl18.rbl.test", 18),
    ordinary("bl19.rbl.test", 19),
    ordinary("bl20.rbl.test", 20),
    list(
        "zen.rbl.test",
        "ip4set",
        &[
            "127.0.0.2 :127.0.0.2:https://zen.rbl.test/query/sbl/$",
            "127.0.0.2 :127.0.0.4:https://zen.rbl.test/query/xbl/$",
            "127.0.0.2 :127.0.0.10:https://zen.rbl.test/query/pbl/$",
            "127.88.1.1 :127.0.0.2:https://zen.rbl.test/query/sbl/$",
            "127.88.1.1 :127.0.0.3:https://zen.rbl.test/query/css/$",
            "127.88.1.1 :127.0.0.4:https://zen.rbl.test/query/xbl/$",
            "127.88.1.2 :127.0.0.11:https://zen.rbl.test/query/pbl/$",
        ],
    )
    .quirk(
        "several lists in one, told apart by their codes: three at the test point (127.0.0.2, \
         .4, .10) and for 127.88.1.1 (.2, .3, .4); 127.88.1.2 is only .11, a dial-up line",
    ),
    list("many.rbl.test", "ip4set", MANY).quirk(
        "forty codes at the test point (127.0.0.2 to 127.0.0.41), more than fit into 512 bytes: \
         without EDNS, rbldnsd leaves some out and does not say so (no TC)",
    ),
    list(
        "mask.rbl.test",
        "ip4set",
        &[
            "127.0.0.2 :127.0.0.6:Test point, see https://mask.rbl.test/why?$",
            "127.88.1.1 :127.0.0.10:On two lists, see https://mask.rbl.test/why?$",
            "127.88.1.2 :127.0.0.64:On one list, see https://mask.rbl.test/why?$",
        ],
    )
    .quirk(
        "a bit in the last octet for each list: 2+4 at the test point, 2+8 for 127.88.1.1, 64 for \
         127.88.1.2",
    ),
    list(
        "score.rbl.test",
        "ip4set",
        &[
            "127.0.0.2 :127.0.4.0:",
            "127.88.1.1 :127.0.4.5:",
            "127.88.1.2 :127.0.4.98:",
        ],
    )
    .quirk(
        "a reputation, not a listing: 127.0.4.N, the higher the better; 127.88.1.1 has 5, \
         127.88.1.2 has 98",
    ),
    list(
        "allow.rbl.test",
        "ip4set",
        &[
            "127.0.0.2 :127.0.5.2:Test point",
            "127.88.0.10 :127.0.5.3:good.lab.test, high trust",
            "127.88.0.60 :127.0.5.1:mail.lab.test, low trust",
        ],
    )
    .quirk("an allow-list (127.0.5.x), where it is good to be: 127.88.0.10 has .3, 127.88.0.60 .1"),
    list(
        "net.rbl.test",
        "ip4set",
        &[
            ":127.0.0.2:The network of $ is listed, see https://net.rbl.test/why?$",
            "127.0.0.2",
            "127.88.3.0/24",
            "!127.88.3.7",
        ],
    )
    .quirk("has a network, 127.88.3.0/24, but for 127.88.3.7"),
    list(
        "v6.rbl.test",
        "ip6trie",
        &[
            ":127.0.0.2:Listed by v6.rbl.test, see https://v6.rbl.test/why?$",
            "::ffff:7f00:2",
            "2001:db8:bad::/48",
        ],
    )
    .quirk("IPv6 addresses only: 2001:db8:bad::/48"),
    list(
        "v4v6.rbl.test",
        "combined",
        &[
            "$DATASET ip6trie @",
            ":127.0.0.3:Listed by v4v6.rbl.test, see https://v4v6.rbl.test/why?$",
            "::ffff:7f00:2",
            "2001:db8:bad::/48",
            "$DATASET ip4set @",
            ":127.0.0.3:Listed by v4v6.rbl.test, see https://v4v6.rbl.test/why?$",
            "127.0.0.2",
            "127.88.1.1",
        ],
    )
    .quirk("both families: 2001:db8:bad::/48 and 127.88.1.1"),
    list(
        "dbl.rbl.test",
        "combined",
        &[
            "$DATASET dnset @",
            ":127.0.1.2:https://dbl.rbl.test/query/$",
            "test",
            ".spam.example",
            ".phish.example :127.0.1.4:https://dbl.rbl.test/query/$",
            ".malware.example :127.0.1.5:https://dbl.rbl.test/query/$",
            ".abused.example :127.0.1.102:https://dbl.rbl.test/query/$",
            "$DATASET ip4trie @",
            "0.0.0.0/0 :127.0.1.255:No IP queries allowed",
        ],
    )
    .quirk(
        "domains and all names below them: spam.example (127.0.1.2), phish.example (.4), \
         malware.example (.5), abused.example (.102); what looks like an IPv4 address gets .255",
    ),
    list(
        "uri.rbl.test",
        "dnset",
        &[
            "test :127.0.0.14:Test point",
            "spam.example :127.0.0.2:Black, see https://uri.rbl.test/?domain=$",
            "grey.example :127.0.0.4:Grey, see https://uri.rbl.test/?domain=$",
            "phish.example :127.0.0.10:Black and red, see https://uri.rbl.test/?domain=$",
        ],
    )
    .quirk(
        "domains, and no names below them, with a bit for each list: spam.example (2), \
         grey.example (4), phish.example (2+8)",
    ),
    list(
        "digest.rbl.test",
        "dnset",
        &[
            "8fr18kdfu1zfkzieobbgddnqffqet5go :127.0.0.2:The digest of test",
            "q54y9wzn4fxhyjomxcazzk7zeg1m9qgo :127.0.0.2:The digest of spam.example",
        ],
    )
    .quirk("digests of domains, as rspamd wants them"),
    nothing("dead-world.rbl.test")
        .everyone(
            "dead-world.acl",
            ":127.0.0.2:This list was shut down, please stop using it",
        )
        .quirk("ended by its operator: has everything"),
    list("dead-empty.rbl.test", "ip4set", &[])
        .quirk("ended by its operator: has nothing, nor the test point"),
    nothing("dead-parked.rbl.test")
        .everyone("dead-parked.acl", ":192.0.2.80:")
        .quirk("its domain was sold: every name below it is 192.0.2.80"),
    list(
        "dead-expired.rbl.test",
        "ip4set",
        &[
            "$TIMESTAMP 2020:01:01 2020:02:01",
            ":127.0.0.2:Listed",
            "127.0.0.2",
        ],
    )
    .quirk("its data was fetched from elsewhere and grew too old: SERVFAIL"),
    nothing("err-public.rbl.test")
        .everyone(
            "err-public.acl",
            ":127.255.255.254:Error: open resolver; https://check.rbl.test/returnc/pub/$",
        )
        .quirk("127.255.255.254 for everything: asked through a public resolver"),
    nothing("err-typo.rbl.test")
        .everyone(
            "err-typo.acl",
            ":127.255.255.252:Error: typing error in DNSBL name",
        )
        .quirk("127.255.255.252 for everything: asked by a wrong name"),
    nothing("err-excess.rbl.test")
        .everyone(
            "err-excess.acl",
            ":127.255.255.255:Error: excessive number of queries; https://rbl.test/excess",
        )
        .quirk("127.255.255.255 for everything: asked too often"),
    nothing("err-blocked.rbl.test")
        .everyone(
            "err-blocked.acl",
            ":127.0.0.1:Query Refused. See https://rbl.test/refused [Your DNS IP: $]",
        )
        .quirk("127.0.0.1 for everything: the client is blocked"),
    list(
        "loopback-is-data.rbl.test",
        "ip4set",
        &[
            "127.0.0.1 :127.0.0.1:Code 1 has a meaning here",
            "127.0.0.2 :127.0.0.2:Code 2 has another one",
            "127.88.1.1 :127.0.0.1:Code 1 has a meaning here",
            "127.88.1.2 :127.0.0.2:Code 2 has another one",
        ],
    )
    .quirk(
        "has a test point for each code, and 127.0.0.1 is one: so it lists 127.0.0.1 as that, and \
         127.88.1.1 too; 127.88.1.2 has 127.0.0.2",
    ),
    list(
        "testpoint1.rbl.test",
        "ip4set",
        &[
            ":127.0.0.2:Listed by testpoint1.rbl.test",
            "127.0.0.1",
            "127.0.0.2",
            "127.88.1.1",
        ],
    )
    .quirk("has 127.0.0.1, which it must not; otherwise only 127.88.1.1"),
    list(
        "nxtest.rbl.test",
        "ip4set",
        &[
            ":127.0.0.2:Listed by nxtest.rbl.test, see https://nxtest.rbl.test/why?$",
            "127.88.1.1",
        ],
    )
    .quirk("has no test point, but works: 127.88.1.1"),
    list(
        "longtxt.rbl.test",
        "ip4set",
        &[
            ":127.0.0.2:This address sent mail to traps that nobody should know. The reason is \
             long on purpose: it fills nearly all that one string of a TXT record can hold, \
             which is 255 bytes. To be removed, see the page whose address comes last: \
             https://longtxt.rbl.test/1",
            "127.0.0.2",
            "127.88.1.1",
        ],
    )
    .quirk("a reason of 250 characters; has 127.88.1.1"),
    list(
        "notxt.rbl.test",
        "ip4set",
        &[":127.0.0.2:", "127.0.0.2", "127.88.1.1"],
    )
    .quirk("gives no reason; has 127.88.1.1"),
    list("silent.rbl.test", "ip4set", &[":127.0.0.2:", "127.0.0.2"])
        .everyone("silent.acl", ":ignore")
        .quirk("never answers"),
    list("refused.rbl.test", "ip4set", &[":127.0.0.2:", "127.0.0.2"])
        .everyone("refused.acl", ":refuse")
        .quirk("REFUSED to everybody"),
    list(
        "nosoa.rbl.test",
        "ip4set",
        &[
            ":127.0.0.2:Listed by nosoa.rbl.test",
            "127.0.0.2",
            "127.88.1.1",
        ],
    )
    .without_soa()
    .quirk("no SOA record, so that nobody knows how long an NXDOMAIN holds; has 127.88.1.1"),
];

const MANY: &[&str] = &[
    "127.0.0.2 :127.0.0.2:Reason 2",
    "127.0.0.2 :127.0.0.3:Reason 3",
    "127.0.0.2 :127.0.0.4:Reason 4",
    "127.0.0.2 :127.0.0.5:Reason 5",
    "127.0.0.2 :127.0.0.6:Reason 6",
    "127.0.0.2 :127.0.0.7:Reason 7",
    "127.0.0.2 :127.0.0.8:Reason 8",
    "127.0.0.2 :127.0.0.9:Reason 9",
    "127.0.0.2 :127.0.0.10:Reason 10",
    "127.0.0.2 :127.0.0.11:Reason 11",
    "127.0.0.2 :127.0.0.12:Reason 12",
    "127.0.0.2 :127.0.0.13:Reason 13",
    "127.0.0.2 :127.0.0.14:Reason 14",
    "127.0.0.2 :127.0.0.15:Reason 15",
    "127.0.0.2 :127.0.0.16:Reason 16",
    "127.0.0.2 :127.0.0.17:Reason 17",
    "127.0.0.2 :127.0.0.18:Reason 18",
    "127.0.0.2 :127.0.0.19:Reason 19",
    "127.0.0.2 :127.0.0.20:Reason 20",
    "127.0.0.2 :127.0.0.21:Reason 21",
    "127.0.0.2 :127.0.0.22:Reason 22",
    "127.0.0.2 :127.0.0.23:Reason 23",
    "127.0.0.2 :127.0.0.24:Reason 24",
    "127.0.0.2 :127.0.0.25:Reason 25",
    "127.0.0.2 :127.0.0.26:Reason 26",
    "127.0.0.2 :127.0.0.27:Reason 27",
    "127.0.0.2 :127.0.0.28:Reason 28",
    "127.0.0.2 :127.0.0.29:Reason 29",
    "127.0.0.2 :127.0.0.30:Reason 30",
    "127.0.0.2 :127.0.0.31:Reason 31",
    "127.0.0.2 :127.0.0.32:Reason 32",
    "127.0.0.2 :127.0.0.33:Reason 33",
    "127.0.0.2 :127.0.0.34:Reason 34",
    "127.0.0.2 :127.0.0.35:Reason 35",
    "127.0.0.2 :127.0.0.36:Reason 36",
    "127.0.0.2 :127.0.0.37:Reason 37",
    "127.0.0.2 :127.0.0.38:Reason 38",
    "127.0.0.2 :127.0.0.39:Reason 39",
    "127.0.0.2 :127.0.0.40:Reason 40",
    "127.0.0.2 :127.0.0.41:Reason 41",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_address_is_on_as_many_ordinary_lists_as_its_last_octet_says() {
        let having = |address: &str| {
            (1..=LAST_ORDINARY)
                .filter(|number| ordinary_lines("x", *number).lines().any(|it| it == address))
                .count()
        };
        assert_eq!(having("127.0.0.2"), 20);
        assert_eq!(having("127.88.1.7"), 1);
        assert_eq!(having("127.88.2.1"), 1);
        assert_eq!(having("127.88.2.7"), 7);
        assert_eq!(having("127.88.2.20"), 20);
        assert_eq!(having("127.88.9.9"), 0);
    }

    #[test]
    fn no_two_lists_share_a_file() {
        let files: Vec<_> = LISTS.iter().flat_map(List::files).collect();
        let names: BTreeSet<_> = files.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), files.len());
    }

    #[test]
    fn every_list_says_what_is_remarkable_about_it() {
        assert!(LISTS.iter().all(|list| !list.quirk.is_empty()));
    }
}
