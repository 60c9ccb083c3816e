//! A message as the `postdrop` program of Postfix leaves it for a Postfix that does not run: a file of records (the
//! `postfix` sources' `src/global/rec_type.h`). It counts as arrived when the file says.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result};

/// Postfix takes no file in that is not executable for its owner: so it tells those that are whole.
const IS_WHOLE: u32 = 0o700;

/// A message that was submitted on this machine.
#[derive(Debug)]
pub(super) struct Message {
    /// In seconds since 1970.
    pub(super) arrived: u64,
    pub(super) recipients: Vec<String>,
    pub(super) headers: &'static [&'static str],
}

impl Message {
    /// Puts it into this folder, as the one of this number.
    pub(super) fn put(&self, folder: &Path, number: u32) -> Result<()> {
        // Six digits of hexadecimal for a time in microseconds; what follows is an inode's number.
        let path = folder.join(format!("{number:05X}{number:05X}"));
        let mut file =
            File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        file.write_all(&self.records(number))?;
        file.set_modified(UNIX_EPOCH + Duration::from_secs(self.arrived))?;
        fs::set_permissions(&path, Permissions::from_mode(IS_WHOLE))?;
        Ok(())
    }

    fn records(&self, number: u32) -> Vec<u8> {
        let mut out = Vec::new();
        let mut record = |kind: u8, text: &str| {
            out.push(kind);
            length(text.len(), &mut out);
            out.extend_from_slice(text.as_bytes());
        };
        record(b'T', &format!("{} 0", self.arrived));
        record(b'A', "rewrite_context=local");
        record(b'S', "sender@lab.test");
        for recipient in &self.recipients {
            record(b'R', recipient);
        }
        record(b'M', "");
        record(b'N', "From: sender@lab.test");
        record(b'N', &format!("Subject: message {number}"));
        for header in self.headers {
            record(b'N', header);
        }
        record(b'N', "");
        record(b'N', "This one waits.");
        record(b'X', "");
        record(b'E', "");
        out
    }
}

/// Seven bits an octet, the lowest first; all but the last have the eighth.
fn length(mut length: usize, out: &mut Vec<u8>) {
    while length > 0x7f {
        out.extend(u8::try_from(length & 0x7f).map(|bits| bits | 0x80));
        length >>= 7;
    }
    out.extend(u8::try_from(length));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_takes_as_many_octets_as_it_needs() {
        for (number, octets) in [
            (0, &[0][..]),
            (127, &[127]),
            (128, &[128, 1]),
            (300, &[172, 2]),
        ] {
            let mut out = Vec::new();
            length(number, &mut out);
            assert_eq!(out, octets);
        }
    }
}
