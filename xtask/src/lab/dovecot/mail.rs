//! The mail that lies in Dovecot's mailboxes when the lab comes up: every account's folders,
//! messages and rights.
//!
//! Maildir, because there a message is a file and a folder a directory: thousands are written in no
//! time, without Dovecot. The dates are fixed, but for one message that is always of the last hour.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;

use crate::lab::{Lab, accounts};
use crate::process;

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;
/// 15 January 2024, 09:30.
const LONG_AGO: u64 = 1_705_311_000;

/// Writes the mail of all accounts.
pub(super) fn write(lab: &Lab) -> Result<()> {
    let root = lab.folder().join("dovecot/mail");
    alice(&root)?;
    bob(&root)?;
    odd(&root)?;
    quotas(&root)?;
    let rows: [(&str, u64); 6] = [
        ("big", 10_000),
        ("pops", 12),
        ("locked", 2),
        ("readonly", 3),
        ("nopop", 2),
        ("carol", 1),
    ];
    for (name, count) in rows {
        numbered(&inbox(&root, name)?, count)?;
    }
    // Looking and reading, also for the owner: no flags, no deletion, no new mail.
    inbox(&root, "readonly")?.rights("owner lr\n")?;
    process::run(
        Command::new("chown")
            .args(["-R", "nobody:nogroup"])
            .arg(&root),
    )
}

/// A message as it is received: who reads it finds the date in it and beside it.
struct Message {
    subject: String,
    received: u64,
    /// Maildir's letters: S is seen, F is flagged.
    flags: &'static str,
    /// Further headers, an empty line, the text. Lines end as on disk, without carriage returns.
    rest: String,
}

impl Message {
    fn new(subject: &str, received: u64, rest: &str) -> Self {
        Self {
            subject: subject.to_owned(),
            received,
            flags: "",
            rest: rest.to_owned(),
        }
    }

    fn text(&self) -> String {
        let Self {
            subject,
            received,
            rest,
            ..
        } = self;
        let date = date(*received);
        format!(
            "From: Sender <sender@elsewhere.example>\nTo: you@lab.test\nDate: {date}\n\
             Message-ID: <{received}@elsewhere.example>\nSubject: {subject}\n{rest}"
        )
    }
}

struct Maildir {
    folder: PathBuf,
}

impl Maildir {
    fn make(folder: PathBuf) -> Result<Self> {
        for room in ["cur", "new", "tmp"] {
            fs::create_dir_all(folder.join(room))?;
        }
        Ok(Self { folder })
    }

    /// Its size, on disk and on the wire, is in the name, so that nobody needs to open it for that.
    fn add(&self, message: &Message) -> Result<()> {
        let text = message.text();
        let size = text.len();
        let on_the_wire = size + text.matches('\n').count();
        let Message {
            received, flags, ..
        } = message;
        let name = format!("{received}.lab,S={size},W={on_the_wire}:2,{flags}");
        let mut file = File::create_new(self.folder.join("cur").join(name))?;
        file.write_all(text.as_bytes())?;
        file.set_modified(UNIX_EPOCH + Duration::from_secs(*received))?;
        Ok(())
    }

    fn rights(&self, lines: &str) -> Result<()> {
        Ok(fs::write(self.folder.join("dovecot-acl"), lines)?)
    }

    /// `name` in modified UTF-7, with dots between its levels.
    fn folder(&self, name: &str) -> Result<Self> {
        Self::make(self.folder.join(format!(".{name}")))
    }
}

fn inbox(root: &Path, user: &str) -> Result<Maildir> {
    Maildir::make(root.join(user).join("Maildir"))
}

fn alice(root: &Path) -> Result<()> {
    let inbox = inbox(root, "alice")?;
    inbox.add(&Message {
        flags: "S",
        ..Message::new("Read already", LONG_AGO, "\nAn old message, seen.\n")
    })?;
    inbox.add(&Message::new(
        "With an attachment",
        LONG_AGO + 150 * DAY,
        WITH_ATTACHMENT,
    ))?;
    inbox.add(&Message::new(
        "=?utf-8?Q?Gr=C3=BC=C3=9Fe_aus_?= =?utf-8?B?0JzQvtGB0LrQstCw?=",
        LONG_AGO + 300 * DAY,
        EIGHT_BIT,
    ))?;
    let line = "x".repeat(998);
    inbox.add(&Message::new(
        "Dots and a long line",
        LONG_AGO + 400 * DAY,
        &format!("\n.\n..\n.leading dot\n{line}\nthe end, without a line end"),
    ))?;
    inbox.add(&Message {
        flags: "F",
        ..Message::new("Flagged", LONG_AGO + 450 * DAY, "\nImportant.\n")
    })?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    inbox.add(&Message::new(
        "Of the last hour",
        now - 5 * MINUTE,
        "\nFresh.\n",
    ))
}

/// Two folders that alice may use in part. Without the dictionary she could open, but not list
/// them.
fn bob(root: &Path) -> Result<()> {
    let inbox = inbox(root, "bob")?;
    numbered(&inbox, 2)?;
    let alice = format!("alice@{}", accounts::DOMAIN);
    let team = inbox.folder("Team")?;
    numbered(&team, 3)?;
    team.rights(&format!("user={alice} lr\n"))?;
    inbox
        .folder("Dropbox")?
        .rights(&format!("user={alice} lrip\n"))?;
    let bob = format!("bob@{}", accounts::DOMAIN);
    let shared = format!("shared/shared-boxes/user/{alice}/{bob}\n1\n");
    Ok(fs::write(root.join("shared"), shared)?)
}

fn odd(root: &Path) -> Result<()> {
    let inbox = inbox(root, "odd")?;
    numbered(&inbox, 1)?;
    let long = "long ".repeat(39) + "enough";
    let deep = "1.2.3.4.5.6.7.8.9.10";
    for name in ODD_NAMES.into_iter().chain([long.as_str(), deep]) {
        numbered(&inbox.folder(name)?, 1)?;
    }
    Ok(())
}

/// The limits are in [`super`].
fn quotas(root: &Path) -> Result<()> {
    for (name, kibibytes) in [("full", 12), ("nearlyfull", 95)] {
        let line = format!("{}\n", "x".repeat(62));
        let text = line.repeat(kibibytes * 16);
        let text = text.get(400..).unwrap_or_default();
        inbox(root, name)?.add(&Message::new("Large", LONG_AGO, &format!("\n{text}")))?;
    }
    Ok(())
}

/// Small messages of many sizes, 97 minutes apart.
fn numbered(maildir: &Maildir, count: u64) -> Result<()> {
    for number in 1..=count {
        let length = usize::try_from(number % 40)?;
        maildir.add(&Message::new(
            &format!("Message {number}"),
            LONG_AGO + number * 97 * MINUTE,
            &format!("\nThis is message {number}.\n{}", "More.\n".repeat(length)),
        ))?;
    }
    Ok(())
}

/// As RFC 5322 has it (section 3.3), in UTC; days become dates by Howard Hinnant's algorithm.
fn date(seconds: u64) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    const FOUR_CENTURIES: u64 = 146_097;
    let (days, time) = (seconds / DAY + 719_468, seconds % DAY);
    let day = days % FOUR_CENTURIES;
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Of a year that begins in March, so that its last day is the odd one.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let year = days / FOUR_CENTURIES * 400 + year + u64::from(month >= 10);
    let month = MONTHS
        .iter()
        .zip(0..)
        .find(|(_, it)| *it == (month + 2) % 12);
    let month = month.map_or("", |(name, _)| name);
    let (hour, minute, second) = (time / 3600, time / MINUTE % 60, time % 60);
    format!("{day} {month} {year} {hour:02}:{minute:02}:{second:02} +0000")
}

/// In modified UTF-7, as they are on disk and on the wire. A dot would be a level.
const ODD_NAMES: [&str; 12] = [
    "Entw&APw-rfe &- Co",
    "&ZeVnLIqe-",
    "a \"quote\"",
    "back\\slash",
    " blanks at both ends ",
    "[brackets]",
    "(parentheses)",
    "{5}",
    "NIL",
    "100 % *",
    "&AKA-",
    "&2D3cjA-",
];

const WITH_ATTACHMENT: &str = "\
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=\"=_border\"

A preamble that nobody shows.
--=_border
Content-Type: text/plain; charset=us-ascii

See the attachment.
--=_border
Content-Type: application/octet-stream; name=\"a \\\"quoted\\\" name.bin\"
Content-Disposition: attachment; filename=\"a \\\"quoted\\\" name.bin\"
Content-Transfer-Encoding: base64

AAECAwQFBgcICQoLDA0ODw==
--=_border--
";

const EIGHT_BIT: &str = "\
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Grüße aus Москва, 日本語 dazu.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_becomes_a_date() {
        assert_eq!(date(0), "1 Jan 1970 00:00:00 +0000");
        assert_eq!(date(LONG_AGO), "15 Jan 2024 09:30:00 +0000");
        assert_eq!(date(1_709_251_199), "29 Feb 2024 23:59:59 +0000");
        assert_eq!(date(1_735_689_599), "31 Dec 2024 23:59:59 +0000");
    }
}
