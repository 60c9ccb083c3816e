//! The machine beneath: processors, memory, load, file systems. One model for every source (the machine itself, exporters,
//! SNMP), and one judgement of it.

mod facts;
pub(crate) mod findings;
mod limits;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod mounts;
mod options;
mod probe;
#[cfg(target_os = "linux")]
mod proc;
mod times;

pub use facts::{
    Access, CpuFacts, DeviceFacts, DiskFacts, HostFacts, MemoryFacts, PressureFacts, Resource,
    SwapFacts,
};
pub use limits::HostLimits;
pub use options::HostOptions;
pub use probe::HostProbe;
pub(crate) use times::{CpuTimes, DeviceTimes, HostTimes, Waited};

/// The body of a fuzz target, which looks at what is private here: what is wrong with what was made of a text, if anything.
#[cfg(all(target_os = "linux", any(test, feature = "fuzzing")))]
pub(crate) fn check_texts(what: u8, text: &[u8]) -> Result<(), &'static str> {
    use std::collections::HashSet;
    use std::path::Path;

    let is_part = |part: f64| (0.0..=1.0).contains(&part);
    let holds = |is_so: bool, broken| if is_so { Ok(()) } else { Err(broken) };
    match what % 8 {
        0 => {
            let times = proc::Stat::parse(text).times;
            let facts = times.and_then(|times| times.since(&CpuTimes::default(), None));
            let busy = facts.is_none_or(|facts| is_part(facts.busy));
            holds(busy, "processors are busier than they can be")
        }
        1 => {
            let (memory, swap) = proc::meminfo(text);
            let is_there = memory
                .is_none_or(|memory| memory.total > 0.0 && memory.available >= 0.0)
                && swap.is_none_or(|swap| swap.total > 0.0);
            holds(is_there, "memory that is not there is told of")
        }
        2 => {
            let load = proc::load(text).into_iter().flatten();
            let uptime = proc::uptime(text);
            holds(
                load.chain(uptime.map(|uptime| uptime.as_secs_f64()))
                    .all(f64::is_finite),
                "load without end",
            )
        }
        3 => {
            let parts = proc::pressure(text)
                .map_or([0.0; 2], |(some, full)| [some, full.unwrap_or_default()]);
            holds(
                parts.into_iter().all(is_part),
                "somebody waited for longer than there was time",
            )
        }
        4 => {
            let disks = proc::disks(text);
            holds(disks.len() <= HostFacts::DISKS, "there are too many disks")
        }
        5 => {
            let numbers = [
                proc::octets(text),
                proc::quota(text),
                proc::named(text, "usage_usec"),
            ];
            let mut numbers = numbers.into_iter().flatten();
            holds(
                numbers.all(|number| number >= 0.0),
                "a limit is less than nothing",
            )
        }
        _ => {
            let mounts = mounts::Mount::worth_asking(text, Path::new("/var/spool"));
            let points: HashSet<_> = mounts.iter().map(|mount| &mount.point).collect();
            let is_bounded = mounts.len() <= HostFacts::DISKS && points.len() == mounts.len();
            holds(
                is_bounded,
                "a file system is asked twice, or there are too many",
            )
        }
    }
}
