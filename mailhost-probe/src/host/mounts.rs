//! What is mounted where (proc(5), `mountinfo`), and which of it are file systems that can fill up.
//!
//! ```text
//! line  = id parent major:minor root point options *( optional ) "-" kind source options
//! field = *( octet / "\" 3( octal digit ) )                  ; space, tab, newline and backslash are escaped
//! ```

use std::collections::HashSet;
use std::path::Path;

use nom::branch::alt;
use nom::bytes::complete::{is_not, tag, take, take_till, take_while_m_n};
use nom::character::complete::digit1;
use nom::combinator::{map_opt, recognize};
use nom::multi::{fold, many0_count};
use nom::sequence::{preceded, terminated};
use nom::{IResult, Parser};

use super::facts::{Access, HostFacts};

/// A file system that is mounted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Mount {
    /// The number of its device, which is the same wherever it is mounted.
    device: Vec<u8>,
    /// What of it is mounted: `/` for all of it.
    root: Vec<u8>,
    /// Where.
    pub(crate) point: Vec<u8>,
    /// Its kind: `ext4`.
    kind: Vec<u8>,
    /// Whether the file system itself, not only this mount of it, can be written to.
    pub(crate) access: Access,
    /// Whether the queue is on it.
    pub(crate) holds_queue: bool,
}

impl Mount {
    /// Kinds that hold nothing of anybody's, or are full from the beginning; asking `autofs` would mount what it stands for.
    const NONE: [&'static str; 29] = [
        "autofs",
        "binfmt_misc",
        "bpf",
        "cgroup",
        "cgroup2",
        "configfs",
        "debugfs",
        "devpts",
        "devtmpfs",
        "efivarfs",
        "erofs",
        "fuse.lxcfs",
        "fusectl",
        "hugetlbfs",
        "iso9660",
        "mqueue",
        "nsfs",
        "overlay",
        "proc",
        "pstore",
        "ramfs",
        "rpc_pipefs",
        "rootfs",
        "securityfs",
        "selinuxfs",
        "squashfs",
        "sysfs",
        "tracefs",
        "udf",
    ];
    /// Kinds that may not answer, and so are asked last.
    const REMOTE: [&'static str; 9] = [
        "9p",
        "afs",
        "ceph",
        "cifs",
        "glusterfs",
        "lustre",
        "nfs",
        "nfs4",
        "smb3",
    ];
    /// Where the system keeps what is gone when it stops.
    const VOLATILE: [&'static str; 4] = ["/dev", "/proc", "/run", "/sys"];

    /// The file systems that can fill up, each once, those that may not answer last; and that of this folder, whatever it is.
    pub(crate) fn worth_asking(mountinfo: &[u8], queue: &Path) -> Vec<Self> {
        let lines = mountinfo.split(|byte| *byte == b'\n');
        let mut mounts: Vec<_> = lines.filter_map(|line| Some(mount(line).ok()?.1)).collect();
        // What was mounted later at the same place hides what was there.
        let mut points = HashSet::new();
        mounts.reverse();
        mounts.retain(|mount| points.insert(mount.point.clone()));
        mounts.reverse();
        let queue = queue.as_os_str().as_encoded_bytes();
        let around = mounts
            .iter_mut()
            .filter(|mount| is_below(queue, &mount.point));
        let around = around.max_by_key(|mount| mount.point.len());
        let device = around.map(|mount| {
            mount.holds_queue = true;
            mount.device.clone()
        });
        mounts.retain(|mount| mount.holds_queue || mount.can_fill_up());
        mounts.sort_by_key(|mount| (mount.is_remote(), mount.root != b"/"));
        let mut devices = HashSet::new();
        mounts.retain(|mount| devices.insert(mount.device.clone()));
        for mount in &mut mounts {
            mount.holds_queue = device.as_ref() == Some(&mount.device);
        }
        // The one that matters most is not to be cut off.
        mounts.sort_by_key(|mount| (!mount.holds_queue, mount.is_remote()));
        mounts.truncate(HostFacts::DISKS);
        mounts
    }

    fn can_fill_up(&self) -> bool {
        // A container's own root is an overlay; all others show what is on another disk.
        let is_none = Self::NONE.iter().any(|kind| kind.as_bytes() == self.kind);
        let is_root = self.point == b"/" && self.kind == b"overlay";
        let is_volatile = Self::VOLATILE
            .iter()
            .any(|folder| is_below(&self.point, folder.as_bytes()));
        (is_root || !is_none) && !is_volatile && self.access != Access::ReadOnly
    }

    fn is_remote(&self) -> bool {
        let is_kind = |kind: &&str| kind.as_bytes() == self.kind;
        Self::REMOTE.iter().any(is_kind) || self.kind.starts_with(b"fuse")
    }
}

fn is_below(path: &[u8], folder: &[u8]) -> bool {
    let folder = folder.strip_suffix(b"/").unwrap_or(folder);
    let rest = path.strip_prefix(folder);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

fn mount(line: &[u8]) -> IResult<&[u8], Mount> {
    let number = || terminated(digit1, tag(" "));
    let device = terminated(recognize((digit1, tag(":"), digit1)), tag(" "));
    let optional = many0_count((is_not(" -"), take_till(|byte| byte == b' '), tag(" ")));
    let (rest, (_, _, device, root, point, here, _, _, kind, _, options)) = (
        number(),
        number(),
        device,
        field,
        field,
        field,
        optional,
        tag("- "),
        field,
        field,
        take_till(|byte| byte == b' '),
    )
        .parse(line)?;
    let is_read_only = |options: &[u8]| options.split(|byte| *byte == b',').any(|one| one == b"ro");
    let access = match (is_read_only(options), is_read_only(&here)) {
        (false, _) => Access::ReadWrite,
        (true, true) => Access::ReadOnly,
        (true, false) => Access::Withdrawn,
    };
    let mount = Mount {
        device: device.to_vec(),
        root,
        point,
        kind,
        access,
        holds_queue: false,
    };
    Ok((rest, mount))
}

fn field(line: &[u8]) -> IResult<&[u8], Vec<u8>> {
    let octal = take_while_m_n(3, 3, |byte: u8| matches!(byte, b'0'..=b'7'));
    let code = |digits: &[u8]| u8::from_str_radix(core::str::from_utf8(digits).ok()?, 8).ok();
    let escaped = map_opt(preceded(tag("\\"), octal), code).map(|octet| vec![octet]);
    let plain = is_not(" \\").map(<[u8]>::to_vec);
    let piece = alt((escaped, plain, take(1_usize).map(<[u8]>::to_vec)));
    let (line, raw) = take_till(|byte| byte == b' ').parse(line)?;
    let (_, whole) = fold(0.., piece, Vec::new, |mut whole, piece| {
        whole.extend(piece);
        whole
    })
    .parse(raw)?;
    let (line, _) = tag(" ").parse(line)?;
    Ok((line, whole))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A path as the kernel writes it.
    fn escaped(path: &[u8]) -> Vec<u8> {
        let octets = path.iter().flat_map(|octet| match octet {
            b' ' | b'\t' | b'\n' | b'\\' => format!("\\{octet:03o}").into_bytes(),
            plain => vec![*plain],
        });
        octets.collect()
    }

    proptest! {
        #[test]
        fn every_path_is_read_as_it_is_written(path in proptest::collection::vec(any::<u8>(), 0..40)) {
            let line = [b"1 0 8:1 / /", &*escaped(&path), b" rw shared:1 master:2 - ext4 /dev/sda rw"].concat();
            let (_, mount) = mount(&line).unwrap();
            prop_assert_eq!(&mount.point[1..], path);
            prop_assert_eq!(mount.kind, b"ext4");
        }
    }

    #[test]
    fn what_is_mounted_over_something_hides_it() {
        let text = b"1 0 8:1 / /srv rw - ext4 /dev/sda rw\n2 0 8:2 / /srv rw - ext4 /dev/sdb rw\n";
        let mounts = Mount::worth_asking(text, Path::new("/srv/queue"));
        assert_eq!(mounts.len(), 1);
        assert_eq!(mounts[0].device, b"8:2");
        assert!(mounts[0].holds_queue);
    }

    #[test]
    fn those_that_may_not_answer_are_asked_last_and_only_so_many_at_all() {
        let line = |number: usize| match number {
            0 => "0 0 0:0 / /m0 rw - nfs4 server:/ rw\n".to_owned(),
            number => format!("{number} 0 8:{number} / /m{number} rw - ext4 /dev/sda rw\n"),
        };
        let text: String = (0..4).map(line).collect();
        let mounts = Mount::worth_asking(text.as_bytes(), Path::new("/var/spool"));
        assert_eq!(mounts.last().unwrap().point, b"/m0");
        let text: String = (1..=HostFacts::DISKS + 1).map(line).collect();
        let mounts = Mount::worth_asking(text.as_bytes(), Path::new("/var/spool"));
        assert_eq!(mounts.len(), 256);
    }
}
