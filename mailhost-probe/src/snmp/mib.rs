//! The objects that are asked for, by their numbers: of MTA-MIB (RFC 2789), HOST-RESOURCES-MIB (RFC 2790), UCD-SNMP-MIB (as
//! net-snmp has it) and the system group (RFC 3418).

/// What is asked for together.
#[derive(Clone, Copy, Debug)]
pub(super) enum Batch {
    /// Objects of which there is one each.
    Scalars(&'static [&'static [u32]]),
    /// Columns that belong together.
    Columns(&'static [&'static [u32]]),
}

impl Batch {
    /// How many objects are asked for.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) const fn len(&self) -> usize {
        match self {
            Self::Scalars(objects) | Self::Columns(objects) => objects.len(),
        }
    }
}

pub(super) const SYS_DESCR: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 1];
pub(super) const SYS_UP_TIME: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 3];
pub(super) const SYS_NAME: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 5];

pub(super) const HR_SYSTEM_UPTIME: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 1, 1];
pub(super) const HR_STORAGE_TYPE: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 2, 3, 1, 2];
pub(super) const HR_STORAGE_DESCR: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 2, 3, 1, 3];
pub(super) const HR_STORAGE_UNITS: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 2, 3, 1, 4];
pub(super) const HR_STORAGE_SIZE: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 2, 3, 1, 5];
pub(super) const HR_STORAGE_USED: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 2, 3, 1, 6];
pub(super) const HR_PROCESSOR_LOAD: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 3, 3, 1, 2];
pub(super) const HR_FS_ACCESS: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 3, 8, 1, 5];
pub(super) const HR_FS_STORAGE: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 3, 8, 1, 7];

/// Kinds of storage (HOST-RESOURCES-TYPES): what stands behind this is which.
pub(super) const HR_STORAGE_TYPES: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 2, 1];

pub(super) const MEM_TOTAL_SWAP: &[u32] = &[1, 3, 6, 1, 4, 1, 2021, 4, 3];
pub(super) const MEM_AVAIL_SWAP: &[u32] = &[1, 3, 6, 1, 4, 1, 2021, 4, 4];
pub(super) const MEM_TOTAL_REAL: &[u32] = &[1, 3, 6, 1, 4, 1, 2021, 4, 5];
pub(super) const MEM_AVAIL_REAL: &[u32] = &[1, 3, 6, 1, 4, 1, 2021, 4, 6];
pub(super) const MEM_BUFFER: &[u32] = &[1, 3, 6, 1, 4, 1, 2021, 4, 14];
pub(super) const MEM_CACHED: &[u32] = &[1, 3, 6, 1, 4, 1, 2021, 4, 15];
pub(super) const MEM_SYS_AVAIL: &[u32] = &[1, 3, 6, 1, 4, 1, 2021, 4, 27];
pub(super) const DSK_PATH: &[u32] = &[1, 3, 6, 1, 4, 1, 2021, 9, 1, 2];
pub(super) const DSK_TOTAL: &[u32] = &[1, 3, 6, 1, 4, 1, 2021, 9, 1, 6];
pub(super) const DSK_AVAIL: &[u32] = &[1, 3, 6, 1, 4, 1, 2021, 9, 1, 7];
pub(super) const DSK_PERCENT_NODE: &[u32] = &[1, 3, 6, 1, 4, 1, 2021, 9, 1, 10];
pub(super) const DSK_TOTAL_LOW: &[u32] = &[1, 3, 6, 1, 4, 1, 2021, 9, 1, 11];
pub(super) const DSK_TOTAL_HIGH: &[u32] = &[1, 3, 6, 1, 4, 1, 2021, 9, 1, 12];
pub(super) const DSK_AVAIL_LOW: &[u32] = &[1, 3, 6, 1, 4, 1, 2021, 9, 1, 13];
pub(super) const DSK_AVAIL_HIGH: &[u32] = &[1, 3, 6, 1, 4, 1, 2021, 9, 1, 14];
pub(super) const LA_LOAD: &[u32] = &[1, 3, 6, 1, 4, 1, 2021, 10, 1, 3];
pub(super) const SS_CPU_USER: &[u32] = &[1, 3, 6, 1, 4, 1, 2021, 11, 9];
pub(super) const SS_CPU_SYSTEM: &[u32] = &[1, 3, 6, 1, 4, 1, 2021, 11, 10];
pub(super) const SS_CPU_IDLE: &[u32] = &[1, 3, 6, 1, 4, 1, 2021, 11, 11];
pub(super) const SS_CPU_NUM_CPUS: &[u32] = &[1, 3, 6, 1, 4, 1, 2021, 11, 67];

pub(super) const MTA_RECEIVED: &[u32] = &[1, 3, 6, 1, 2, 1, 28, 1, 1, 1];
pub(super) const MTA_STORED: &[u32] = &[1, 3, 6, 1, 2, 1, 28, 1, 1, 2];
pub(super) const MTA_TRANSMITTED: &[u32] = &[1, 3, 6, 1, 2, 1, 28, 1, 1, 3];
pub(super) const MTA_STORED_VOLUME: &[u32] = &[1, 3, 6, 1, 2, 1, 28, 1, 1, 5];
pub(super) const MTA_STORED_RECIPIENTS: &[u32] = &[1, 3, 6, 1, 2, 1, 28, 1, 1, 8];
pub(super) const MTA_LOOPS: &[u32] = &[1, 3, 6, 1, 2, 1, 28, 1, 1, 12];
pub(super) const GROUP_REJECTED: &[u32] = &[1, 3, 6, 1, 2, 1, 28, 2, 1, 3];
pub(super) const GROUP_STORED: &[u32] = &[1, 3, 6, 1, 2, 1, 28, 2, 1, 4];
pub(super) const GROUP_STORED_VOLUME: &[u32] = &[1, 3, 6, 1, 2, 1, 28, 2, 1, 7];
pub(super) const GROUP_STORED_RECIPIENTS: &[u32] = &[1, 3, 6, 1, 2, 1, 28, 2, 1, 10];
pub(super) const GROUP_OLDEST: &[u32] = &[1, 3, 6, 1, 2, 1, 28, 2, 1, 12];
pub(super) const GROUP_FAILED_OUTBOUND: &[u32] = &[1, 3, 6, 1, 2, 1, 28, 2, 1, 20];
pub(super) const GROUP_OUTBOUND_REASON: &[u32] = &[1, 3, 6, 1, 2, 1, 28, 2, 1, 22];
pub(super) const GROUP_NAME: &[u32] = &[1, 3, 6, 1, 2, 1, 28, 2, 1, 25];

/// Everything, what matters most first.
pub(super) const ALL: [Batch; 8] = [
    Batch::Scalars(&[SYS_DESCR, SYS_UP_TIME, SYS_NAME]),
    Batch::Columns(&[
        MTA_STORED,
        MTA_STORED_VOLUME,
        MTA_STORED_RECIPIENTS,
        MTA_RECEIVED,
        MTA_TRANSMITTED,
        MTA_LOOPS,
    ]),
    Batch::Columns(&[
        GROUP_STORED,
        GROUP_STORED_VOLUME,
        GROUP_STORED_RECIPIENTS,
        GROUP_OLDEST,
        GROUP_REJECTED,
        GROUP_FAILED_OUTBOUND,
        GROUP_OUTBOUND_REASON,
        GROUP_NAME,
    ]),
    Batch::Scalars(&[
        HR_SYSTEM_UPTIME,
        MEM_TOTAL_SWAP,
        MEM_AVAIL_SWAP,
        MEM_TOTAL_REAL,
        MEM_AVAIL_REAL,
        MEM_BUFFER,
        MEM_CACHED,
        MEM_SYS_AVAIL,
        SS_CPU_USER,
        SS_CPU_SYSTEM,
        SS_CPU_IDLE,
        SS_CPU_NUM_CPUS,
    ]),
    Batch::Columns(&[LA_LOAD, HR_PROCESSOR_LOAD]),
    Batch::Columns(&[
        HR_STORAGE_TYPE,
        HR_STORAGE_DESCR,
        HR_STORAGE_UNITS,
        HR_STORAGE_SIZE,
        HR_STORAGE_USED,
    ]),
    Batch::Columns(&[HR_FS_ACCESS, HR_FS_STORAGE]),
    Batch::Columns(&[
        DSK_PATH,
        DSK_TOTAL,
        DSK_AVAIL,
        DSK_PERCENT_NODE,
        DSK_TOTAL_LOW,
        DSK_TOTAL_HIGH,
        DSK_AVAIL_LOW,
        DSK_AVAIL_HIGH,
    ]),
];
