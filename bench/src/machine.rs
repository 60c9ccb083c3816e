//! What the machine tells about a process: CPU, memory, limits, cores.

use std::time::Duration;

use anyhow::{Context, Result};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

/// Where the measured process runs.
pub(crate) const CLIENTS: usize = 0;
/// Where the servers run, if there is a second core.
pub(crate) const SERVERS: usize = 1;

/// Keeps this process, and what it starts, on one core; all of them where that core is not there.
pub(crate) fn pin(core: usize) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, Into::into);
    let mut set = CpuSet::new();
    match core < cores.max(core_count()) {
        true => set.set(core)?,
        false => return Ok(()),
    }
    sched_setaffinity(Pid::from_raw(0), &set).context("this process cannot be kept on one core")
}

/// All cores of the machine, those that this process may not use included.
fn core_count() -> usize {
    let listed = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    listed
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count()
}

/// The CPU time of this process so far.
pub(crate) fn cpu_of_this_process() -> Result<Duration> {
    cpu(UsageWho::RUSAGE_SELF)
}

/// The CPU time of all children that have ended.
pub(crate) fn cpu_of_children() -> Result<Duration> {
    cpu(UsageWho::RUSAGE_CHILDREN)
}

fn cpu(who: UsageWho) -> Result<Duration> {
    let usage = getrusage(who)?;
    Ok(duration(usage.user_time()) + duration(usage.system_time()))
}

fn duration(time: TimeVal) -> Duration {
    Duration::from_micros(time.num_microseconds().try_into().unwrap_or(0))
}

/// The CPU time of this thread so far, to the nanosecond.
pub(crate) fn cpu_of_this_thread() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Into::into)
}

/// Lets this process open as many files as it may.
pub(crate) fn open_many_files() -> Result<u64> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    Ok(most)
}

/// The memory of this process in KiB, now.
pub(crate) fn resident_kib() -> u64 {
    status("VmRSS:")
}

/// The most memory that this process ever had, in KiB.
pub(crate) fn peak_kib() -> u64 {
    status("VmHWM:")
}

fn status(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
