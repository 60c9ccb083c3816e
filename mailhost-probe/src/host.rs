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
