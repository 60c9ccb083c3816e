//! What we think of a machine, wherever its facts come from.

use std::time::Duration;

use probe_core::{Finding, FindingKind, Severity};

use super::facts::{Access, DeviceFacts, DiskFacts, HostFacts};
use super::limits::HostLimits;

pub(crate) static COMMITTED: FindingKind = FindingKind::new(
    "host.committed",
    Severity::Warning,
    "Windows has promised nearly all the memory that it can",
    "See which process asks for so much, or make the paging file larger: when nothing is left, services fail.",
);
pub(crate) static CPU: FindingKind = FindingKind::new(
    "host.cpu",
    Severity::Warning,
    "the processors are busier than they should be",
    "See which process takes them; if it is so for long, mail and logins become slow long before anything fails.",
);
pub(crate) static DISK: FindingKind = FindingKind::new(
    "host.disk",
    Severity::Warning,
    "a file system is nearly full",
    "Make room, or make it larger: Exchange refuses mail by itself when the disk of its queue runs full, and others lose it.",
);
pub(crate) static INODES: FindingKind = FindingKind::new(
    "host.inodes",
    Severity::Warning,
    "a file system has room for few more files",
    "Find the folder with very many small files (a queue, a Maildir, sessions) and empty it: with none left nothing is accepted, however many octets are free.",
);
pub(crate) static LATENCY: FindingKind = FindingKind::new(
    "host.disk.latency",
    Severity::Warning,
    "a disk takes long to read or write",
    "See who reads and writes so much; if nobody does, the disk or the storage behind it is failing or shared with others.",
);
pub(crate) static LOAD: FindingKind = FindingKind::new(
    "host.load",
    Severity::Warning,
    "more waits for the machine than it can do",
    "See whether processes wait for a processor or for a disk: top tells both.",
);
pub(crate) static MEMORY: FindingKind = FindingKind::new(
    "host.memory",
    Severity::Warning,
    "little memory is left",
    "See which process has grown, or give the machine more.",
);
pub(crate) static READ_ONLY: FindingKind = FindingKind::new(
    "host.disk.read-only",
    Severity::Critical,
    "a file system cannot be written to",
    "Look into the system's log: Linux ends writing when a disk fails. Until it is mended, what needs this file system fails.",
);
pub(crate) static REBOOT: FindingKind = FindingKind::new(
    "host.reboot",
    Severity::Info,
    "the machine was started a short time ago",
    "If nobody meant to, look into the log of the time before.",
);
pub(crate) static RUN_QUEUE: FindingKind = FindingKind::new(
    "host.run-queue",
    Severity::Warning,
    "more threads wait for a processor than should",
    "See which process has so many at work, or give the machine more processors.",
);
pub(crate) static SILENT: FindingKind = FindingKind::new(
    "host.disk.silent",
    Severity::Warning,
    "a file system does not answer",
    "If it is another machine's, see whether that is there; whatever uses it waits, also mail servers that deliver to it.",
);
pub(crate) static SWAP: FindingKind = FindingKind::new(
    "host.swap",
    Severity::Warning,
    "little swap space is left",
    "See which process has grown: when memory runs out as well, the system ends one that it chooses.",
);

/// What to think of a machine.
pub(crate) fn judge(facts: &HostFacts, limits: &HostLimits) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(work(facts, limits));
    findings.extend(memory(facts, limits));
    for disk in &facts.disks {
        findings.extend(room(disk, limits));
    }
    findings.extend(facts.silent.iter().map(|name| SILENT.found(name.as_str())));
    for device in &facts.devices {
        findings.extend(latency(device, limits));
    }
    let uptime = facts.uptime.filter(|uptime| *uptime < limits.reboot);
    findings.extend(uptime.map(|uptime| {
        let uptime = Duration::from_secs(uptime.as_secs());
        REBOOT.found(format!("{} ago", humantime::format_duration(uptime)))
    }));
    findings
}

fn work(facts: &HostFacts, limits: &HostLimits) -> impl Iterator<Item = Finding> {
    let cpu = facts.cpu.and_then(|cpu| {
        let shown = match cpu.over {
            Some(over) => {
                let over = Duration::from_millis(u64::try_from(over.as_millis()).unwrap_or(0));
                let over = humantime::format_duration(over);
                format!("{} busy over {over}", percent(cpu.busy))
            }
            None => format!("{} busy", percent(cpu.busy)),
        };
        limits.cpu.judge(cpu.busy, &CPU, shown)
    });
    let waiting = facts.run_queue.and_then(|waiting| {
        let each = waiting / facts.processors.filter(|count| *count > 0.0)?;
        let shown = format!("{waiting} threads, {each:.1} for each processor");
        limits.run_queue.judge(each, &RUN_QUEUE, shown)
    });
    let load = facts.load_per_processor().and_then(|load| {
        let shown = format!("{load:.2} for each processor over five minutes");
        limits.load.judge(load, &LOAD, shown)
    });
    cpu.into_iter().chain(waiting).chain(load)
}

fn memory(facts: &HostFacts, limits: &HostLimits) -> impl Iterator<Item = Finding> {
    let memory = facts.memory.and_then(|memory| {
        let shown = format!("{} available", percent(memory.ratio()));
        limits.memory.judge(memory.ratio(), &MEMORY, shown)
    });
    let swap = facts.swap.and_then(|swap| {
        let shown = format!("{} unused", percent(swap.ratio()));
        limits.swap.judge(swap.ratio(), &SWAP, shown)
    });
    let committed = facts.committed.and_then(|committed| {
        let shown = format!("{} of it", percent(committed));
        limits.committed.judge(committed, &COMMITTED, shown)
    });
    memory.into_iter().chain(swap).chain(committed)
}

/// What is only meant to be read, such as the image of a CD, is full from the beginning.
fn room(disk: &DiskFacts, limits: &HostLimits) -> Vec<Finding> {
    let name = &disk.name;
    match disk.access {
        Some(Access::Withdrawn) => return vec![READ_ONLY.found(name.as_str())],
        Some(Access::ReadOnly) if disk.holds_queue => {
            return vec![READ_ONLY.found(format!("{name}, which holds the queue"))];
        }
        Some(Access::ReadOnly) => return Vec::new(),
        Some(Access::ReadWrite) | None => {}
    }
    let shown = format!("{name}: {} free", percent(disk.ratio()));
    let room = limits.disk.judge(disk.ratio(), &DISK, shown);
    let inodes = disk.inodes.and_then(|free| {
        let shown = format!("{name}: {} of the inodes free", percent(free));
        limits.inodes.judge(free, &INODES, shown)
    });
    room.into_iter().chain(inodes).collect()
}

fn latency(device: &DeviceFacts, limits: &HostLimits) -> impl Iterator<Item = Finding> {
    let judge = |operation: &str, latency: Option<Duration>| {
        let latency = latency?.as_secs_f64();
        let milliseconds = latency * 1000.0;
        let shown = format!(
            "{}: a {operation} takes {milliseconds:.1} ms on average",
            device.name
        );
        limits.latency.judge(latency, &LATENCY, shown)
    };
    let read = judge("read", device.read);
    read.into_iter().chain(judge("write", device.write))
}

fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}
