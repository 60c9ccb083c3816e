//! From values to facts: what the objects of the MIBs mean, and the quirks of those who fill them.

use std::time::{Duration, SystemTime};

use probe_core::printable;

use super::facts::{MtaFacts, MtaGroupFacts, SnmpFacts, SystemFacts};
use super::message::Value;
use super::mib::{
    self, DSK_AVAIL, DSK_PATH, DSK_PERCENT_NODE, DSK_TOTAL, GROUP_NAME, GROUP_OLDEST,
    GROUP_OUTBOUND_REASON, GROUP_STORED, HR_FS_ACCESS, HR_FS_STORAGE, HR_PROCESSOR_LOAD,
    HR_STORAGE_DESCR, HR_STORAGE_SIZE, HR_STORAGE_TYPE, HR_STORAGE_TYPES, HR_STORAGE_UNITS,
    HR_STORAGE_USED, LA_LOAD, MTA_STORED,
};
use super::walk::Gathered;
use crate::facts::{QueueFacts, QueueName, QueueState};
use crate::host::{Access, CpuFacts, DiskFacts, HostFacts, MemoryFacts, SwapFacts};
use crate::reason::Reason;

/// Memory and disks are told in kB, which are 1024 octets in UCD-SNMP-MIB.
const KILO: f64 = 1024.0;
/// The kilo-octets of MTA-MIB are a thousand, as net-snmp counts them.
const VOLUME: u64 = 1000;

/// What these values tell.
pub(super) fn facts(values: &Gathered, now: SystemTime) -> SnmpFacts {
    let host = host(values);
    SnmpFacts {
        version: None,
        system: SystemFacts {
            description: values.scalar(mib::SYS_DESCR).and_then(text),
            name: values.scalar(mib::SYS_NAME).and_then(text),
            agent_uptime: values.scalar(mib::SYS_UP_TIME).and_then(interval),
        },
        queue: queue(values, now),
        mtas: mtas(values),
        groups: groups(values),
        host: (!host.is_empty()).then_some(host),
        requests: 0,
    }
}

/// A queue for each mail server; only those count that tell how many messages wait. Where no server tells of itself as a
/// whole, its groups must do.
fn queue(values: &Gathered, now: SystemTime) -> Option<QueueFacts> {
    let mtas: Vec<_> = values
        .column(MTA_STORED)
        .filter_map(|(row, stored)| Some((row, count(stored)?)))
        .collect();
    let is_only = mtas.len() == 1;
    let mut queues: Vec<_> = mtas
        .into_iter()
        .map(|(row, stored)| {
            let index = row.first().copied().unwrap_or_default();
            let name = match is_only {
                true => QueueName::new(QueueName::QUEUE),
                false => QueueName::new(format!("{} {index}", QueueName::QUEUE)),
            };
            let bytes = values.cell(mib::MTA_STORED_VOLUME, row).and_then(octets);
            state(name, stored, bytes, oldest_of(values, index), now)
        })
        .collect();
    if queues.is_empty() {
        let groups = groups(values).into_iter();
        let each = groups.filter_map(|group| {
            let name = QueueName::new(&group.name);
            Some(state(name, group.stored?, group.bytes, group.oldest, now))
        });
        queues = each.collect();
    }
    (!queues.is_empty()).then(|| QueueFacts {
        queues,
        ..QueueFacts::default()
    })
}

fn state(
    name: QueueName,
    messages: u64,
    bytes: Option<u64>,
    oldest: Option<Duration>,
    now: SystemTime,
) -> QueueState {
    QueueState {
        messages,
        bytes,
        oldest: oldest.and_then(|age| now.checked_sub(age)),
        oldest_age: oldest,
        ..QueueState::empty(name)
    }
}

/// The age of the oldest message that any group of a mail server has.
fn oldest_of(values: &Gathered, mta: u32) -> Option<Duration> {
    let of_mta = values
        .column(GROUP_OLDEST)
        .filter(|(row, _)| row.first() == Some(&mta));
    // An interval may also be told where nothing is stored.
    let waiting = of_mta.filter(|(row, _)| {
        let stored = values.cell(GROUP_STORED, row).and_then(count);
        stored.is_none_or(|stored| stored > 0)
    });
    waiting.filter_map(|(_, age)| interval(age)).max()
}

fn mtas(values: &Gathered) -> Vec<MtaFacts> {
    let rows = values
        .column(MTA_STORED)
        .chain(values.column(mib::MTA_RECEIVED));
    let mut rows: Vec<_> = rows.map(|(row, _)| row).collect();
    rows.sort_unstable();
    rows.dedup();
    let each = rows.into_iter().map(|row| {
        let cell = |object| values.cell(object, row).and_then(count);
        MtaFacts {
            index: row.first().copied().unwrap_or_default(),
            received: cell(mib::MTA_RECEIVED),
            transmitted: cell(mib::MTA_TRANSMITTED),
            loops: cell(mib::MTA_LOOPS),
        }
    });
    each.collect()
}

/// net-snmp has a group for each mailer that Sendmail might use, though it knows nothing of them: a row without mail and
/// without trouble is passed over.
fn groups(values: &Gathered) -> Vec<MtaGroupFacts> {
    let rows = values
        .column(GROUP_STORED)
        .chain(values.column(GROUP_OUTBOUND_REASON));
    let mut rows: Vec<_> = rows.map(|(row, _)| row).collect();
    rows.sort_unstable();
    rows.dedup();
    let each = rows.into_iter().filter_map(|row| {
        let cell = |object| values.cell(object, row).and_then(count);
        let failure = values.cell(GROUP_OUTBOUND_REASON, row).and_then(text);
        // The MIB's own word for "no attempt yet".
        let failure = failure.filter(|words| words != "never");
        let name = values.cell(GROUP_NAME, row).and_then(text);
        let numbers = || {
            let arcs: Vec<_> = row.iter().map(u32::to_string).collect();
            arcs.join(".")
        };
        Some(MtaGroupFacts {
            mta: *row.first()?,
            name: name.unwrap_or_else(numbers),
            stored: cell(GROUP_STORED),
            bytes: values.cell(mib::GROUP_STORED_VOLUME, row).and_then(octets),
            recipients: cell(mib::GROUP_STORED_RECIPIENTS),
            oldest: values.cell(GROUP_OLDEST, row).and_then(interval),
            rejected: cell(mib::GROUP_REJECTED),
            failed: cell(mib::GROUP_FAILED_OUTBOUND),
            reason: failure.as_deref().and_then(|it| Reason::of(it.as_bytes())),
            failure,
        })
    });
    each.collect()
}

fn host(values: &Gathered) -> HostFacts {
    let loads: Vec<_> = values
        .column(HR_PROCESSOR_LOAD)
        .filter_map(|(_, load)| number(load))
        .collect();
    let processors = values.scalar(mib::SS_CPU_NUM_CPUS).and_then(number);
    let counted = u32::try_from(loads.len()).ok().filter(|count| *count > 0);
    let load = |row: u32| {
        let load = values.cell(LA_LOAD, &[row]).and_then(text)?;
        let load: f64 = load.trim().parse().ok()?;
        load.is_finite().then_some(load)
    };
    let storage = storage(values);
    HostFacts {
        cpu: cpu(values, &loads),
        processors: processors.or(counted.map(f64::from)),
        load: [load(1), load(2), load(3)],
        memory: memory(values).or_else(|| memory_of(&storage)),
        swap: swap(values).or_else(|| swap_of(&storage)),
        disks: disks(values, &storage),
        uptime: values.scalar(mib::HR_SYSTEM_UPTIME).and_then(interval),
        ..HostFacts::default()
    }
}

/// Both are averages over the last minute.
fn cpu(values: &Gathered, loads: &[f64]) -> Option<CpuFacts> {
    let over = Some(Duration::from_secs(60));
    let part = |object| {
        let percent = values.scalar(object).and_then(number)?;
        (0.0..=100.0).contains(&percent).then_some(percent / 100.0)
    };
    if let Some(processors) = u32::try_from(loads.len()).ok().filter(|count| *count > 0) {
        let busy = loads.iter().sum::<f64>() / f64::from(processors) / 100.0;
        return Some(CpuFacts {
            over,
            ..CpuFacts::busy(busy.clamp(0.0, 1.0))
        });
    }
    let (user, system) = (part(mib::SS_CPU_USER), part(mib::SS_CPU_SYSTEM));
    let idle = part(mib::SS_CPU_IDLE)?;
    Some(CpuFacts {
        user,
        system,
        over,
        ..CpuFacts::busy(1.0 - idle)
    })
}

/// The system's own estimate, or what is free or could be given back.
fn memory(values: &Gathered) -> Option<MemoryFacts> {
    let value = |object| values.scalar(object).and_then(size);
    let total = value(mib::MEM_TOTAL_REAL)?;
    let given_back = || {
        let free = value(mib::MEM_AVAIL_REAL)?;
        let buffers = value(mib::MEM_BUFFER).unwrap_or_default();
        Some(free + buffers + value(mib::MEM_CACHED).unwrap_or_default())
    };
    let available = value(mib::MEM_SYS_AVAIL).or_else(given_back)?;
    MemoryFacts::new(available * KILO, total * KILO)
}

fn swap(values: &Gathered) -> Option<SwapFacts> {
    let value = |object| values.scalar(object).and_then(size);
    let (free, total) = (value(mib::MEM_AVAIL_SWAP)?, value(mib::MEM_TOTAL_SWAP)?);
    SwapFacts::new(free * KILO, total * KILO)
}

/// A row of `hrStorageTable`, in octets.
struct Storage {
    row: u32,
    kind: u32,
    name: String,
    size: f64,
    used: f64,
}

impl Storage {
    const RAM: u32 = 2;
    const VIRTUAL: u32 = 3;
    /// Fixed disks, flash memory, disks over the network.
    const DISKS: [u32; 3] = [4, 9, 10];
}

fn storage(values: &Gathered) -> Vec<Storage> {
    let rows = values.column(HR_STORAGE_TYPE).filter_map(|(row, kind)| {
        let Value::Name(kind) = kind else {
            return None;
        };
        let [kind] = *kind.instance_of(HR_STORAGE_TYPES)? else {
            return None;
        };
        let units = values.cell(HR_STORAGE_UNITS, row).and_then(size)?;
        let octets = |object| Some(values.cell(object, row).and_then(size)? * units);
        Some(Storage {
            row: *row.first()?,
            kind,
            name: values.cell(HR_STORAGE_DESCR, row).and_then(text)?,
            size: octets(HR_STORAGE_SIZE)?,
            used: octets(HR_STORAGE_USED)?,
        })
    });
    rows.filter(|one| one.size > 0.0).collect()
}

/// net-snmp counts what is used for buffers and caches as used, and tells of it in rows of their own; also, where Linux does,
/// how much programs can have.
fn memory_of(storage: &[Storage]) -> Option<MemoryFacts> {
    let ram = storage.iter().find(|one| one.kind == Storage::RAM)?;
    let told = storage.iter().find(|one| one.name == "Available memory");
    if let Some(told) = told {
        return MemoryFacts::new(told.size.min(ram.size), ram.size);
    }
    let is_given_back = |name: &str| matches!(name, "Memory buffers" | "Cached memory");
    let given_back = storage.iter().filter(|one| is_given_back(&one.name));
    let given_back: f64 = given_back.map(|one| one.used).sum();
    let available = (ram.size - ram.used).max(0.0) + given_back;
    MemoryFacts::new(available.min(ram.size), ram.size)
}

/// Of what is called virtual, only swap space is beside the memory; Windows counts both together.
fn swap_of(storage: &[Storage]) -> Option<SwapFacts> {
    let is_swap = |one: &&Storage| one.kind == Storage::VIRTUAL && one.name == "Swap space";
    let swap = storage.iter().find(is_swap)?;
    SwapFacts::new((swap.size - swap.used).max(0.0), swap.size)
}

/// The file systems that the machine has. For those that its operator has chosen to watch (UCD), also what is reserved for
/// root is known, and the inodes.
fn disks(values: &Gathered, storage: &[Storage]) -> Vec<DiskFacts> {
    let is_disk = |one: &&Storage| Storage::DISKS.contains(&one.kind);
    let watched: Vec<_> = watched(values).collect();
    let all = storage.iter().filter(is_disk).map(|one| DiskFacts {
        access: access(values, one.row),
        ..DiskFacts::new(&one.name, (one.size - one.used).max(0.0), one.size)
    });
    let mut disks: Vec<_> = all.take(HostFacts::DISKS).collect();
    for disk in watched {
        if let Some(known) = disks.iter_mut().find(|known| known.name == disk.name) {
            (known.free, known.size) = (disk.free, disk.size);
            known.inodes = disk.inodes;
        } else if disks.len() < HostFacts::DISKS {
            disks.push(disk);
        }
    }
    disks
}

/// `dskTable`, where the operator names the disks. Sizes above two terabytes are in two halves.
fn watched(values: &Gathered) -> impl Iterator<Item = DiskFacts> {
    let paths = values.column(DSK_PATH);
    paths.filter_map(|(row, path)| {
        let cell = |object| values.cell(object, row).and_then(size);
        let whole = |low, high, short| {
            let halves = || Some(cell(high)? * 4_294_967_296.0 + cell(low)?);
            Some(halves().or_else(|| cell(short))? * KILO)
        };
        let size = whole(mib::DSK_TOTAL_LOW, mib::DSK_TOTAL_HIGH, DSK_TOTAL)?;
        let free = whole(mib::DSK_AVAIL_LOW, mib::DSK_AVAIL_HIGH, DSK_AVAIL)?;
        let inodes = cell(DSK_PERCENT_NODE).filter(|used| (0.0..=100.0).contains(used));
        (size > 0.0).then(|| DiskFacts {
            inodes: inodes.map(|used| 1.0 - used / 100.0),
            ..DiskFacts::new(text(path).unwrap_or_default(), free, size)
        })
    })
}

/// What `hrFSTable` says of the file system in this row of `hrStorageTable`.
fn access(values: &Gathered, storage: u32) -> Option<Access> {
    let mut rows = values.column(HR_FS_STORAGE);
    let is_it = |value: &Value| number(value) == Some(f64::from(storage));
    let (row, _) = rows.find(|(_, value)| is_it(value))?;
    match values.cell(HR_FS_ACCESS, row)? {
        Value::Integer(1) => Some(Access::ReadWrite),
        Value::Integer(2) => Some(Access::ReadOnly),
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(printable(text)),
        _ => None,
    }
}

/// Gauges and counters; net-snmp is not the only one that uses INTEGER for some.
fn count(value: &Value) -> Option<u64> {
    match value {
        Value::Unsigned(count) => Some(*count),
        Value::Integer(count) => u64::try_from(*count).ok(),
        _ => None,
    }
}

fn octets(value: &Value) -> Option<u64> {
    count(value)?.checked_mul(VOLUME)
}

/// `TimeTicks`, and `TimeInterval`, which is an INTEGER in hundredths of a second as well.
fn interval(value: &Value) -> Option<Duration> {
    let hundredths = match value {
        Value::Ticks(ticks) => *ticks,
        other => count(other)?,
    };
    Some(Duration::from_millis(hundredths.checked_mul(10)?))
}

#[allow(
    clippy::as_conversions,
    reason = "there is no other way to f64, and none of these numbers needs all its bits"
)]
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(value) => Some(*value as f64),
        Value::Unsigned(value) => Some(*value as f64),
        _ => None,
    }
}

/// A size. Agents put sizes that do not fit into 31 bits there as negative numbers.
fn size(value: &Value) -> Option<f64> {
    let size = number(value)?;
    match size {
        0.0.. => Some(size),
        -2_147_483_648.0..0.0 => Some(size + 4_294_967_296.0),
        _ => None,
    }
}
