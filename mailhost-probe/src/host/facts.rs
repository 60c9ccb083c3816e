//! What is known of a machine. What a source does not tell is `None`, never zero; parts of a whole are between 0 and 1.

use std::time::Duration;

use probe_core::{Facts, Metric, Record, Unit};

/// A machine, or the container that stands for one.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct HostFacts {
    /// How busy its processors are.
    pub cpu: Option<CpuFacts>,
    /// How many of them there are; in a container that may use less, as many as it may use.
    pub processors: Option<f64>,
    /// How many threads wait for a processor.
    pub run_queue: Option<f64>,
    /// How many threads ran or waited (Linux: also for a disk), on average over one, five and fifteen minutes.
    pub load: [Option<f64>; 3],
    /// Its memory.
    pub memory: Option<MemoryFacts>,
    /// Its swap space, where it has any.
    pub swap: Option<SwapFacts>,
    /// How much of what could be promised to programs (memory and paging files) was: Windows promises no more than there is.
    pub committed: Option<f64>,
    /// Its file systems.
    pub disks: Vec<DiskFacts>,
    /// Where file systems are mounted that did not answer.
    pub silent: Vec<String>,
    /// How long its disks take to read and write.
    pub devices: Vec<DeviceFacts>,
    /// How long work had to wait for want of something (Linux: pressure stall information).
    pub pressure: Vec<PressureFacts>,
    /// How long ago it was started.
    pub uptime: Option<Duration>,
}

impl HostFacts {
    /// So many file systems, and so many disks, are kept.
    pub const DISKS: usize = 256;

    /// Load over five minutes for each processor.
    pub fn load_per_processor(&self) -> Option<f64> {
        let processors = self.processors.filter(|count| *count > 0.0)?;
        Some(self.load[1]? / processors)
    }

    /// The file system that holds the queue, where that was looked for.
    pub fn queue_disk(&self) -> Option<&DiskFacts> {
        self.disks.iter().find(|disk| disk.holds_queue)
    }

    /// Whether nothing at all is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Facts for HostFacts {
    fn record(&self, out: &mut Record) {
        let count = |name, value| Metric::new(name, Unit::Count, value);
        if let Some(cpu) = &self.cpu {
            out.tree("cpu", |out| cpu.record(out));
        }
        if let Some(processors) = self.processors {
            out.metric("processors", count("probe_host_processors", processors));
        }
        if let Some(waiting) = self.run_queue {
            out.metric("run_queue", count("probe_host_run_queue", waiting));
        }
        let names = ["probe_host_load1", "probe_host_load5", "probe_host_load15"];
        for (name, load) in names.into_iter().zip(self.load) {
            if let Some(load) = load {
                out.metric(name.trim_start_matches("probe_host_"), count(name, load));
            }
        }
        if let Some(memory) = &self.memory {
            out.tree("memory", |out| memory.record(out));
        }
        if let Some(swap) = &self.swap {
            out.tree("swap", |out| swap.record(out));
        }
        if let Some(committed) = self.committed {
            let committed = count("probe_host_committed_ratio", committed);
            out.metric("committed", committed);
        }
        if !self.disks.is_empty() {
            out.trees("disks", &self.disks, DiskFacts::record);
        }
        if !self.silent.is_empty() {
            out.set("silent_disks", self.silent.clone());
        }
        if !self.devices.is_empty() {
            out.trees("devices", &self.devices, DeviceFacts::record);
        }
        if !self.pressure.is_empty() {
            out.trees("pressure", &self.pressure, PressureFacts::record);
        }
        if let Some(uptime) = self.uptime {
            let uptime = Metric::duration("probe_host_uptime_seconds", uptime);
            out.metric("uptime_seconds", uptime);
        }
    }
}

/// How busy the processors are, as a part of what they could do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CpuFacts {
    /// At work for anybody: all but idle, waiting for disks, and taken away.
    pub busy: f64,
    /// At work for programs.
    pub user: Option<f64>,
    /// At work for the system.
    pub system: Option<f64>,
    /// With nothing to do but to wait for a disk.
    pub waiting: Option<f64>,
    /// Taken away by the machine beneath, which had others to serve.
    pub stolen: Option<f64>,
    /// For how long this was watched.
    pub over: Option<Duration>,
}

impl CpuFacts {
    /// So busy, and no more is told.
    pub const fn busy(busy: f64) -> Self {
        Self {
            busy,
            user: None,
            system: None,
            waiting: None,
            stolen: None,
            over: None,
        }
    }

    fn record(&self, out: &mut Record) {
        let busy = Metric::new("probe_host_cpu_busy_ratio", Unit::Count, self.busy);
        out.metric("busy", busy);
        let modes = [
            ("user", self.user),
            ("system", self.system),
            ("waiting", self.waiting),
            ("stolen", self.stolen),
        ];
        for (mode, part) in modes {
            if let Some(part) = part {
                let metric = Metric::new("probe_host_cpu_mode_ratio", Unit::Count, part);
                out.metric(mode, metric.with_label("mode", mode));
            }
        }
        if let Some(over) = self.over {
            out.set(
                "over_ms",
                i64::try_from(over.as_millis()).unwrap_or(i64::MAX),
            );
        }
    }
}

/// Memory, in octets.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct MemoryFacts {
    /// What programs can have.
    pub available: f64,
    /// What there is; in a container, what it may use.
    pub total: f64,
}

impl MemoryFacts {
    /// These; nothing where there is no memory at all, which is no answer.
    pub fn new(available: f64, total: f64) -> Option<Self> {
        (total >= 1.0 && total.is_finite() && available.is_finite())
            .then_some(Self { available, total })
    }

    /// How much is available; 1 is all of it.
    pub fn ratio(&self) -> f64 {
        self.available / self.total
    }

    fn record(&self, out: &mut Record) {
        let metric = |name, value| Metric::new(name, Unit::Bytes, value);
        let available = metric("probe_host_memory_available_bytes", self.available);
        out.metric("available", available);
        let total = metric("probe_host_memory_total_bytes", self.total);
        out.metric("total", total);
    }
}

/// Swap space, in octets.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct SwapFacts {
    /// What is unused.
    pub free: f64,
    /// What there is.
    pub total: f64,
}

impl SwapFacts {
    /// These; nothing where there is no swap space.
    pub fn new(free: f64, total: f64) -> Option<Self> {
        (total >= 1.0 && total.is_finite() && free.is_finite()).then_some(Self { free, total })
    }

    /// How much is unused; 1 is all of it.
    pub fn ratio(&self) -> f64 {
        self.free / self.total
    }

    fn record(&self, out: &mut Record) {
        let metric = |name, value| Metric::new(name, Unit::Bytes, value);
        out.metric("free", metric("probe_host_swap_free_bytes", self.free));
        out.metric("total", metric("probe_host_swap_total_bytes", self.total));
    }
}

/// A file system.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DiskFacts {
    /// Its volume, or where it is mounted.
    pub name: String,
    /// Octets that are free, for others than root where that is told.
    pub free: f64,
    /// Octets that it has.
    pub size: f64,
    /// How much of its inodes is free, where it has a fixed number of them; 1 is all of them.
    pub inodes: Option<f64>,
    /// Whether it can be written to, where that is told.
    pub access: Option<Access>,
    /// Whether the mail server's queue is on it.
    pub holds_queue: bool,
}

impl DiskFacts {
    /// A file system of which only its room is known.
    pub fn new(name: impl Into<String>, free: f64, size: f64) -> Self {
        Self {
            name: name.into(),
            free,
            size,
            inodes: None,
            access: None,
            holds_queue: false,
        }
    }

    /// How much is free; 1 is all of it.
    pub fn ratio(&self) -> f64 {
        self.free / self.size
    }

    fn record(&self, out: &mut Record) {
        let metric = |name, unit, value| {
            Metric::new(name, unit, value).with_label("disk", self.name.clone())
        };
        out.set("name", self.name.as_str());
        let free = metric("probe_host_disk_free_bytes", Unit::Bytes, self.free);
        out.metric("free", free);
        let size = metric("probe_host_disk_size_bytes", Unit::Bytes, self.size);
        out.metric("size", size);
        if let Some(inodes) = self.inodes {
            let inodes = metric("probe_host_disk_inodes_free_ratio", Unit::Count, inodes);
            out.metric("inodes_free", inodes);
        }
        if let Some(access) = self.access {
            out.set("access", access.as_str());
        }
        if self.holds_queue {
            out.set("holds_queue", true);
        }
    }
}

/// Whether a file system can be written to.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Access {
    /// It can.
    ReadWrite,
    /// It cannot.
    ReadOnly,
    /// It no longer can, although it was mounted for that: Linux does so when a disk fails.
    Withdrawn,
}

impl Access {
    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadWrite => "read-write",
            Self::ReadOnly => "read-only",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// How long a disk takes, on average over the time in which it was watched; `None` where it had nothing to do.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeviceFacts {
    /// Which one.
    pub name: String,
    /// One read.
    pub read: Option<Duration>,
    /// One write.
    pub write: Option<Duration>,
}

impl DeviceFacts {
    fn record(&self, out: &mut Record) {
        out.set("name", self.name.as_str());
        let each = [
            ("read_seconds", "read", self.read),
            ("write_seconds", "write", self.write),
        ];
        for (key, operation, latency) in each {
            if let Some(latency) = latency {
                let metric = Metric::duration("probe_host_disk_latency_seconds", latency)
                    .with_label("disk", self.name.clone())
                    .with_label("operation", operation);
                out.metric(key, metric);
            }
        }
    }
}

/// What work can have to wait for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Resource {
    /// A processor.
    Cpu,
    /// A disk.
    Io,
    /// Memory.
    Memory,
}

impl Resource {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cpu, Self::Io, Self::Memory];

    /// The name in JSON, and that of Linux's file below `/proc/pressure`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Io => "io",
            Self::Memory => "memory",
        }
    }
}

/// For how much of the last five minutes, or of the time between two samples, work waited for want of something.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct PressureFacts {
    /// Of what.
    pub resource: Resource,
    /// Somebody had to wait.
    pub some: f64,
    /// Everybody had to wait, where that is told.
    pub full: Option<f64>,
}

impl PressureFacts {
    pub(crate) const fn new(resource: Resource, some: f64, full: Option<f64>) -> Self {
        Self {
            resource,
            some,
            full,
        }
    }

    fn record(&self, out: &mut Record) {
        let resource = self.resource.as_str();
        out.set("resource", resource);
        let metric = |who: &str, part| {
            Metric::new("probe_host_pressure_ratio", Unit::Count, part)
                .with_label("resource", resource)
                .with_label("who", who)
        };
        out.metric("some", metric("some", self.some));
        if let Some(full) = self.full {
            out.metric("full", metric("full", full));
        }
    }
}
