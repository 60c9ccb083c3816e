//! Oddities of agents, each with its source.

use std::time::UNIX_EPOCH;

use super::agent::{Agent, GAUGE, LARGE, converse, integer, name, number, text, value};
use crate::snmp::message::Plain;
use crate::snmp::mib;
use crate::snmp::reading::facts;
use crate::{Access, HostFacts};

type Objects = Vec<(&'static [u32], &'static [u32], Vec<u8>)>;

fn host(objects: &Objects) -> HostFacts {
    let (dialogue, outcome) = converse(&Agent::new(Plain::V2c, objects));
    assert_eq!(outcome, Ok(()));
    let facts = facts(&dialogue.walk.gathered, UNIX_EPOCH);
    facts.host.unwrap()
}

fn storage(row: &'static [u32], kind: u32, descr: &str, [units, size, used]: [i32; 3]) -> Objects {
    let kind = [mib::HR_STORAGE_TYPES, &[kind]].concat();
    vec![
        (mib::HR_STORAGE_TYPE, row, name(&kind)),
        (mib::HR_STORAGE_DESCR, row, text(descr)),
        (mib::HR_STORAGE_UNITS, row, integer(units)),
        (mib::HR_STORAGE_SIZE, row, integer(size)),
        (mib::HR_STORAGE_USED, row, integer(used)),
    ]
}

/// hrStorageSize is an Integer32, into which large file systems do not fit. net-snmp has a way out (snmpd.conf(5),
/// `realStorageUnits`); elsewhere the number wraps.
#[test]
fn sizes_beyond_31_bits_come_as_negative_numbers() {
    let host = host(&storage(
        &[31],
        4,
        "/srv",
        [4096, -1_294_967_296, 1_000_000_000],
    ));
    let disk = &host.disks[0];
    assert_eq!(disk.size, 3_000_000_000.0 * 4096.0);
    assert_eq!(disk.free, 2_000_000_000.0 * 4096.0);
}

/// Nothing in RFC 2790 keeps what is used below the size.
#[test]
fn more_may_be_used_than_there_is() {
    let host = host(&storage(&[1], 4, "D:\\", [4096, 100, 101]));
    assert_eq!((host.disks[0].free, host.disks[0].size), (0.0, 409_600.0));
}

/// A drive without a medium has the size zero.
#[test]
fn what_has_no_size_is_no_disk() {
    let mut objects = storage(&[1], 4, "A:\\", [0, 0, 0]);
    objects.extend(storage(&[2], 4, "C:\\", [4096, 100, 50]));
    let host = host(&objects);
    assert_eq!(host.disks.len(), 1);
    assert_eq!(host.disks[0].name, "C:\\");
}

/// Other kinds than disks: a CD is always full, memory is no disk.
#[test]
fn only_disks_are_disks() {
    let mut objects = storage(&[1], 2, "Physical Memory", [65_536, 1000, 400]);
    objects.extend(storage(&[2], 7, "E:\\", [2048, 100, 100]));
    objects.extend(storage(&[3], 3, "Virtual Memory", [65_536, 2000, 500]));
    let host = host(&objects);
    assert!(host.disks.is_empty());
    let memory = host.memory.unwrap();
    assert_eq!(
        (memory.available, memory.total),
        (39_321_600.0, 65_536_000.0)
    );
    // What Windows calls virtual is memory and swap space together.
    assert_eq!(host.swap, None);
}

/// net-snmp 5.9.3: memory that could be given back counts as used, and has rows of its own.
#[test]
fn caches_are_memory_that_programs_can_have() {
    let mut objects = storage(&[1], 2, "Physical memory", [1024, 1000, 900]);
    objects.extend(storage(&[6], 1, "Memory buffers", [1024, 1000, 50]));
    objects.extend(storage(&[7], 1, "Cached memory", [1024, 300, 300]));
    objects.extend(storage(&[10], 3, "Swap space", [1024, 100, 25]));
    let with_caches = host(&objects);
    assert_eq!(with_caches.memory.unwrap().available, 450.0 * 1024.0);
    assert_eq!(with_caches.swap.unwrap().ratio(), 0.75);
    objects.extend(storage(&[11], 1, "Available memory", [1024, 420, 0]));
    assert_eq!(host(&objects).memory.unwrap().available, 420.0 * 1024.0);
}

/// `memSysAvail` (UCD-SNMP-MIB) has 64 bits, which version 1 cannot tell.
#[test]
fn the_systems_own_estimate_of_memory_goes_before_the_sum() {
    let mut objects: Objects = vec![
        (mib::MEM_TOTAL_REAL, &[0], integer(1000)),
        (mib::MEM_AVAIL_REAL, &[0], integer(100)),
        (mib::MEM_BUFFER, &[0], integer(50)),
        (mib::MEM_CACHED, &[0], integer(300)),
    ];
    assert_eq!(host(&objects).memory.unwrap().available, 450.0 * 1024.0);
    objects.push((mib::MEM_SYS_AVAIL, &[0], number(LARGE, 420)));
    assert_eq!(host(&objects).memory.unwrap().available, 420.0 * 1024.0);
}

/// UCD-SNMP-MIB: above two terabytes `dskTotal` says 2147483647, and the size is in two halves.
#[test]
fn large_disks_are_in_two_halves_and_what_root_keeps_is_not_free() {
    let mut objects = storage(&[31], 4, "/srv", [4096, 2_000_000_000, 500_000_000]);
    let row: &'static [u32] = &[1];
    objects.extend([
        (mib::DSK_PATH, row, text("/srv")),
        (mib::DSK_TOTAL, row, integer(i32::MAX)),
        (mib::DSK_AVAIL, row, integer(i32::MAX)),
        (mib::DSK_PERCENT_NODE, row, integer(3)),
        (mib::DSK_TOTAL_LOW, row, number(GAUGE, 3_705_032_704)),
        (mib::DSK_TOTAL_HIGH, row, number(GAUGE, 1)),
        (mib::DSK_AVAIL_LOW, row, number(GAUGE, 1_000_000_000)),
        (mib::DSK_AVAIL_HIGH, row, number(GAUGE, 1)),
    ]);
    let host = host(&objects);
    let [disk] = &host.disks[..] else {
        panic!("{:?}", host.disks);
    };
    assert_eq!(disk.size, 8_000_000_000.0 * 1024.0);
    assert_eq!(disk.free, 5_294_967_296.0 * 1024.0);
    assert_eq!(disk.inodes, Some(0.97));
}

/// hrFSAccess: images such as those of snap are always full, and nobody can write to them.
#[test]
fn file_systems_that_can_only_be_read_are_known() {
    let mut objects = storage(&[31], 4, "/snap/core", [131_072, 500, 500]);
    objects.extend(storage(&[35], 4, "/", [4096, 500, 100]));
    let rows: [&'static [u32]; 2] = [&[1], &[5]];
    objects.extend([
        (mib::HR_FS_ACCESS, rows[0], integer(2)),
        (mib::HR_FS_ACCESS, rows[1], integer(1)),
        (mib::HR_FS_STORAGE, rows[0], integer(31)),
        (mib::HR_FS_STORAGE, rows[1], integer(35)),
    ]);
    let known: Vec<_> = host(&objects)
        .disks
        .into_iter()
        .map(|disk| disk.access)
        .collect();
    assert_eq!(known, [Some(Access::ReadOnly), Some(Access::ReadWrite)]);
}

/// net-snmp 5.9.3 has neither hrProcessorLoad nor ssCpuIdle in its first minute; what is no percentage is none.
#[test]
fn processors_are_as_busy_as_any_of_the_mibs_tells() {
    let mut objects: Objects = vec![(mib::SS_CPU_IDLE, &[0], integer(-1))];
    objects.push((mib::SS_CPU_NUM_CPUS, &[0], integer(2)));
    assert_eq!(host(&objects).cpu, None);
    objects[0].2 = integer(40);
    let cpu = host(&objects).cpu.unwrap();
    assert_eq!((cpu.busy, cpu.user), (0.6, None));
    objects.push((mib::HR_PROCESSOR_LOAD, &[196_608], integer(10)));
    objects.push((mib::HR_PROCESSOR_LOAD, &[196_609], integer(20)));
    assert_eq!(host(&objects).cpu.unwrap().busy, 0.15);
}

/// laLoad is a text (UCD-SNMP-MIB), so it may be any.
#[test]
fn a_load_that_is_no_number_is_not_zero() {
    let objects: Objects = vec![
        (mib::LA_LOAD, &[1], text("0.42")),
        (mib::LA_LOAD, &[2], text("0,42")),
        (mib::LA_LOAD, &[3], text("nan")),
    ];
    assert_eq!(host(&objects).load, [Some(0.42), None, None]);
}

/// A gauge without the zero that belongs before a high bit (X.690 section 8.3): nothing else than its size can be meant.
#[test]
fn a_gauge_is_never_negative() {
    let objects: Objects = vec![(mib::MTA_STORED, &[1], value(GAUGE, &[0x80]))];
    let (dialogue, _) = converse(&Agent::new(Plain::V2c, &objects));
    let queue = facts(&dialogue.walk.gathered, UNIX_EPOCH).queue.unwrap();
    assert_eq!(queue.messages(), 128);
}

/// A value of the wrong kind is none.
#[test]
fn a_queue_whose_length_is_a_word_is_unknown() {
    let objects: Objects = vec![
        (mib::MTA_STORED, &[1], text("7")),
        (mib::MTA_STORED, &[2], integer(-7)),
        (mib::MTA_STORED, &[3], value(0x44, b"opaque")),
    ];
    let (dialogue, _) = converse(&Agent::new(Plain::V2c, &objects));
    assert_eq!(facts(&dialogue.walk.gathered, UNIX_EPOCH).queue, None);
}

/// Whatever an agent calls a disk, it cannot move the cursor of whoever reads.
#[test]
fn names_are_printable() {
    let host = host(&storage(&[1], 4, "/\u{1b}[2J", [4096, 100, 50]));
    assert_eq!(host.disks[0].name, "/\\u{1b}[2J");
}
