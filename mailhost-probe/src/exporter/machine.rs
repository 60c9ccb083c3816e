//! The series of windows_exporter and node_exporter that tell of the machine.

use std::time::{Duration, SystemTime};

use probe_core::printable;

use crate::exposition::Reading;
use crate::host::{
    Access, CpuTimes, DeviceTimes, DiskFacts, HostFacts, HostTimes, MemoryFacts, Resource,
    SwapFacts, Waited,
};

/// What was gathered of a machine so far.
#[derive(Debug, Default)]
pub(super) struct Machine {
    facts: HostFacts,
    times: HostTimes,
    memory: Memory,
    inodes: Vec<Inodes>,
    /// When it was started, and what it takes for now.
    clock: (Option<f64>, Option<f64>),
    /// How many rows each kind of processor had.
    rows: f64,
}

/// Octets, as far as they are told.
#[derive(Debug, Default)]
struct Memory {
    available: Option<f64>,
    total: Option<f64>,
    /// What old kernels tell instead of what is available.
    reclaimable: [Option<f64>; 3],
    swap_free: Option<f64>,
    swap_total: Option<f64>,
    committed: Option<f64>,
    can_commit: Option<f64>,
}

impl Machine {
    /// Takes a reading, if it is one of a machine.
    pub(super) fn take(&mut self, reading: &Reading<'_>) {
        let value = reading.value;
        if let Some(name) = reading.name.strip_prefix("windows_") {
            match name {
                "cpu_time_total" => self.windows_processor(reading),
                "cs_logical_processors" | "cpu_logical_processor" => {
                    self.facts.processors = Some(value);
                }
                "system_processor_queue_length" => self.facts.run_queue = Some(value),
                "system_boot_time_timestamp"
                | "system_boot_time_timestamp_seconds"
                | "system_system_up_time" => self.clock.0 = Some(value),
                _ if name.starts_with("logical_disk_") => self.volume(name, reading),
                _ => self.memory.windows(name, value),
            }
        } else if let Some(name) = reading.name.strip_prefix("node_") {
            match name {
                "cpu_seconds_total" => self.processor(reading),
                "load1" => self.facts.load[0] = Some(value),
                "load5" => self.facts.load[1] = Some(value),
                "load15" => self.facts.load[2] = Some(value),
                "boot_time_seconds" => self.clock.0 = Some(value),
                "time_seconds" => self.clock.1 = Some(value),
                _ if name.starts_with("filesystem_") => self.file_system(name, reading),
                _ if name.starts_with("disk_") => self.device(name, reading),
                _ if name.starts_with("pressure_") => self.pressure(name, value),
                _ => self.memory.node(name, value),
            }
        }
    }

    /// What is known of it, and its counters.
    pub(super) fn into_facts(self, now: SystemTime) -> (HostFacts, HostTimes) {
        let mut facts = self.facts;
        for disk in &mut facts.disks {
            let mut known = self.inodes.iter();
            disk.inodes = known
                .find(|inodes| inodes.disk == disk.name)
                .and_then(Inodes::ratio);
        }
        let is_whole = |disk: &DiskFacts| disk.size >= 1.0 && !disk.free.is_nan();
        facts.disks.retain(is_whole);
        self.memory.tell(&mut facts);
        if self.rows > 0.0 {
            facts.processors = facts.processors.or(Some(self.rows));
        }
        let now = now.duration_since(SystemTime::UNIX_EPOCH);
        let now = now.map_or(0.0, |now| now.as_secs_f64());
        facts.uptime = self.clock.0.and_then(|started| {
            let seconds = self.clock.1.unwrap_or(now) - started;
            Duration::try_from_secs_f64(seconds).ok()
        });
        (facts, self.times)
    }

    /// The time for interrupts is in that of the system.
    fn windows_processor(&mut self, reading: &Reading<'_>) {
        let times = self.times.cpu.get_or_insert_default();
        match reading.label("mode") {
            Some("user") => times.user += reading.value,
            Some("privileged") => times.system += reading.value,
            Some("idle") => {
                times.idle += reading.value;
                self.rows += 1.0;
            }
            _ => {}
        }
    }

    fn processor(&mut self, reading: &Reading<'_>) {
        let times: &mut CpuTimes = self.times.cpu.get_or_insert_default();
        let time = match reading.label("mode") {
            Some("user" | "nice") => &mut times.user,
            Some("system" | "irq" | "softirq") => &mut times.system,
            Some("iowait") => &mut times.waiting,
            Some("steal") => &mut times.stolen,
            Some("idle") => {
                self.rows += 1.0;
                &mut times.idle
            }
            _ => return,
        };
        *time += reading.value;
    }

    fn volume(&mut self, name: &str, reading: &Reading<'_>) {
        // windows_exporter also tells the sum of all.
        let Some(volume) = reading.label("volume").filter(|name| *name != "_Total") else {
            return;
        };
        let value = reading.value;
        match name {
            "logical_disk_free_bytes" => self.disk(volume, |disk| disk.free = value),
            "logical_disk_size_bytes" => self.disk(volume, |disk| disk.size = value),
            "logical_disk_reads_total" => self.times(volume, |disk| disk.reads = value),
            "logical_disk_read_seconds_total" => {
                self.times(volume, |disk| disk.read_seconds = value);
            }
            "logical_disk_writes_total" => self.times(volume, |disk| disk.writes = value),
            "logical_disk_write_seconds_total" => {
                self.times(volume, |disk| disk.write_seconds = value);
            }
            _ => {}
        }
    }

    fn file_system(&mut self, name: &str, reading: &Reading<'_>) {
        let Some(point) = reading.label("mountpoint") else {
            return;
        };
        let value = reading.value;
        match name {
            "filesystem_avail_bytes" => self.disk(point, |disk| disk.free = value),
            "filesystem_size_bytes" => self.disk(point, |disk| disk.size = value),
            "filesystem_readonly" => {
                let access = match value == 0.0 {
                    true => Access::ReadWrite,
                    false => Access::ReadOnly,
                };
                self.disk(point, |disk| disk.access = Some(access));
            }
            "filesystem_files" => self.inodes(point, |inodes| inodes.all = Some(value)),
            "filesystem_files_free" => self.inodes(point, |inodes| inodes.free = Some(value)),
            _ => {}
        }
    }

    fn device(&mut self, name: &str, reading: &Reading<'_>) {
        let Some(device) = reading.label("device") else {
            return;
        };
        let value = reading.value;
        match name {
            "disk_reads_completed_total" => self.times(device, |disk| disk.reads = value),
            "disk_read_time_seconds_total" => {
                self.times(device, |disk| disk.read_seconds = value);
            }
            "disk_writes_completed_total" => self.times(device, |disk| disk.writes = value),
            "disk_write_time_seconds_total" => {
                self.times(device, |disk| disk.write_seconds = value);
            }
            _ => {}
        }
    }

    fn pressure(&mut self, name: &str, value: f64) {
        let series = name.strip_prefix("pressure_").unwrap_or_default();
        for resource in Resource::ALL {
            let tell: fn(&mut Waited, f64) = match series.strip_prefix(resource.as_str()) {
                Some("_waiting_seconds_total") => |waited, value| waited.some = Some(value),
                Some("_stalled_seconds_total") => |waited, value| waited.full = Some(value),
                _ => continue,
            };
            let is_it = |waited: &Waited| waited.resource == resource;
            if let Some(waited) = entry(&mut self.times.waited, is_it, || Waited::new(resource)) {
                tell(waited, value);
            }
        }
    }

    fn disk(&mut self, name: &str, tell: impl FnOnce(&mut DiskFacts)) {
        let name = printable(name.as_bytes());
        let is_it = |disk: &DiskFacts| disk.name == name;
        let new = || DiskFacts::new(name.clone(), f64::NAN, 0.0);
        entry(&mut self.facts.disks, is_it, new).map(tell);
    }

    fn inodes(&mut self, name: &str, tell: impl FnOnce(&mut Inodes)) {
        let name = printable(name.as_bytes());
        let is_it = |inodes: &Inodes| inodes.disk == name;
        let new = || Inodes::new(name.clone());
        entry(&mut self.inodes, is_it, new).map(tell);
    }

    fn times(&mut self, name: &str, tell: impl FnOnce(&mut DeviceTimes)) {
        let name = printable(name.as_bytes());
        let is_it = |disk: &DeviceTimes| disk.name == name;
        let new = || DeviceTimes::new(name.clone());
        entry(&mut self.times.devices, is_it, new).map(tell);
    }
}

/// The one of these that is meant, or a new one; none where there are as many as are kept.
fn entry<T>(
    list: &mut Vec<T>,
    is_it: impl Fn(&T) -> bool,
    new: impl FnOnce() -> T,
) -> Option<&mut T> {
    let known = list.iter().position(is_it);
    if known.is_none() {
        if list.len() >= HostFacts::DISKS {
            return None;
        }
        list.push(new());
    }
    let place = known.unwrap_or(list.len() - 1);
    list.get_mut(place)
}

/// How many inodes a file system has.
#[derive(Debug)]
struct Inodes {
    disk: String,
    free: Option<f64>,
    all: Option<f64>,
}

impl Inodes {
    const fn new(disk: String) -> Self {
        Self {
            disk,
            free: None,
            all: None,
        }
    }

    fn ratio(&self) -> Option<f64> {
        let all = self.all.filter(|all| *all >= 1.0)?;
        Some(self.free? / all)
    }
}

impl Memory {
    fn windows(&mut self, name: &str, value: f64) {
        match name {
            "memory_available_bytes" => self.available = Some(value),
            "memory_physical_total_bytes" | "cs_physical_memory_bytes" => self.total = Some(value),
            "memory_committed_bytes" => self.committed = Some(value),
            "memory_commit_limit" => self.can_commit = Some(value),
            // There may be several.
            "pagefile_free_bytes" | "os_paging_free_bytes" => {
                self.swap_free = Some(self.swap_free.unwrap_or(0.0) + value);
            }
            "pagefile_limit_bytes" | "os_paging_limit_bytes" => {
                self.swap_total = Some(self.swap_total.unwrap_or(0.0) + value);
            }
            _ => {}
        }
    }

    fn node(&mut self, name: &str, value: f64) {
        match name {
            "memory_MemAvailable_bytes" => self.available = Some(value),
            "memory_MemTotal_bytes" => self.total = Some(value),
            "memory_MemFree_bytes" => self.reclaimable[0] = Some(value),
            "memory_Buffers_bytes" => self.reclaimable[1] = Some(value),
            "memory_Cached_bytes" => self.reclaimable[2] = Some(value),
            "memory_SwapFree_bytes" => self.swap_free = Some(value),
            "memory_SwapTotal_bytes" => self.swap_total = Some(value),
            _ => {}
        }
    }

    fn tell(&self, facts: &mut HostFacts) {
        let sum = || {
            let parts = self.reclaimable.iter().copied();
            parts.sum::<Option<f64>>()
        };
        let memory = self.available.or_else(sum).zip(self.total);
        facts.memory = memory.and_then(|(available, total)| MemoryFacts::new(available, total));
        let swap = self.swap_free.zip(self.swap_total);
        facts.swap = swap.and_then(|(free, total)| SwapFacts::new(free, total));
        let committed = self.committed.zip(self.can_commit);
        facts.committed = committed
            .filter(|(_, limit)| *limit >= 1.0)
            .map(|(committed, limit)| committed / limit);
    }
}
