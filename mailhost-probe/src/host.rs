//! The machine beneath: processors, memory, load, file systems. One model for every source (the machine itself, exporters,
//! SNMP), and one judgement of it.

mod facts;
pub(crate) mod findings;
mod limits;
mod times;

pub use facts::{
    CpuFacts, DeviceFacts, DiskFacts, HostFacts, MemoryFacts, PressureFacts, Resource, SwapFacts,
};
pub use limits::HostLimits;
pub(crate) use times::{CpuTimes, DeviceTimes};
