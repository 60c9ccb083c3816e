//! The texts below `/proc` and `/sys/fs/cgroup`, as proc(5) and the kernel's "Control Group v2" describe them. What a text does
//! not have, an old kernel does not tell; lines that are not known are passed over. Nothing is opened here.

use nom::bytes::complete::{is_not, tag, take_till1};
use nom::character::complete::{digit1, space0, space1, u64 as whole};
use nom::combinator::{map_opt, opt, recognize};
use nom::multi::many_m_n;
use nom::number::complete::double;
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};
use probe_core::printable;

use super::facts::{HostFacts, MemoryFacts, SwapFacts};
use super::times::{CpuTimes, DeviceTimes};

/// `stat`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Stat {
    /// What all processors together did, in hundredths of a second.
    pub(crate) times: Option<CpuTimes>,
    /// How many there are.
    pub(crate) processors: u32,
}

impl Stat {
    pub(crate) fn parse(text: &[u8]) -> Self {
        let mut stat = Self::default();
        for line in text.split(|byte| *byte == b'\n') {
            if let Ok((_, ticks)) = processors(line) {
                stat.times = stat.times.or_else(|| times(&ticks));
            }
            let each = (tag("cpu"), digit1, space1);
            let is_processor: IResult<&[u8], &[u8]> = recognize(each).parse(line);
            stat.processors = stat.processors.saturating_add(is_processor.is_ok().into());
        }
        stat
    }
}

/// `cpu  user nice system idle [iowait irq softirq [steal [guest guest_nice]]]`
fn processors(line: &[u8]) -> IResult<&[u8], Vec<u64>> {
    preceded(tag("cpu"), many_m_n(4, 10, preceded(space1, whole))).parse(line)
}

/// What guests took is in `user` and `nice` already.
fn times(ticks: &[u64]) -> Option<CpuTimes> {
    let tick = |place: usize| ticks.get(place).map_or(0.0, |ticks| float(*ticks));
    Some(CpuTimes {
        user: tick(0) + tick(1),
        system: tick(2) + tick(5) + tick(6),
        idle: ticks.get(3).map(|ticks| float(*ticks))?,
        waiting: tick(4),
        stolen: tick(7),
    })
}

/// `meminfo`: memory and swap.
pub(crate) fn meminfo(text: &[u8]) -> (Option<MemoryFacts>, Option<SwapFacts>) {
    let octets = |name: &str| {
        let mut lines = text.split(|byte| *byte == b'\n');
        lines.find_map(|line| {
            let (_, kibibytes) = entry(name, line).ok()?;
            Some(float(kibibytes) * 1024.0)
        })
    };
    // Before Linux 3.14: what `free` makes of the rest.
    let reclaimable = || {
        let caches = octets("Cached").unwrap_or(0.0) + octets("SReclaimable").unwrap_or(0.0)
            - octets("Shmem").unwrap_or(0.0);
        Some(octets("MemFree")? + octets("Buffers").unwrap_or(0.0) + caches.max(0.0))
    };
    let memory = octets("MemAvailable").or_else(reclaimable);
    let memory = memory.zip(octets("MemTotal"));
    let swap = octets("SwapFree").zip(octets("SwapTotal"));
    (
        memory.and_then(|(available, total)| MemoryFacts::new(available, total)),
        swap.and_then(|(free, total)| SwapFacts::new(free, total)),
    )
}

/// `MemTotal:       24684096 kB`
fn entry<'a>(name: &str, line: &'a [u8]) -> IResult<&'a [u8], u64> {
    delimited(
        (tag(name), tag(":"), space0),
        whole,
        (space0, opt(tag("kB"))),
    )
    .parse(line)
}

/// `loadavg`: `1.58 1.36 1.10 2/200 18909`
pub(crate) fn load(text: &[u8]) -> [Option<f64>; 3] {
    let load = || terminated(finite, space1);
    let parsed: IResult<&[u8], _> = (load(), load(), load()).parse(text);
    parsed.map_or([None; 3], |(_, (one, five, fifteen))| {
        [Some(one), Some(five), Some(fifteen)]
    })
}

/// `uptime`: `47634.24 43758.78`, in seconds.
pub(crate) fn uptime(text: &[u8]) -> Option<std::time::Duration> {
    let (_, seconds) = finite(text).ok()?;
    std::time::Duration::try_from_secs_f64(seconds).ok()
}

/// A file of `pressure`: for how much of the last five minutes some and all had to wait.
///
/// `some avg10=27.19 avg60=9.76 avg300=7.92 total=7750617861`
pub(crate) fn pressure(text: &[u8]) -> Option<(f64, Option<f64>)> {
    let part = |who: &str| {
        let mut lines = text.split(|byte| *byte == b'\n');
        lines.find_map(|line| {
            let average = |name| (tag(name), finite, space1);
            let percent = (
                tag(who),
                space1,
                average("avg10="),
                average("avg60="),
                tag("avg300="),
                finite,
            );
            let parsed: IResult<&[u8], _> = percent.map(|fields| fields.5).parse(line);
            let (_, percent) = parsed.ok()?;
            Some((percent / 100.0).clamp(0.0, 1.0))
        })
    };
    Some((part("some")?, part("full")))
}

/// `diskstats`: disks, without their partitions and without what is no disk.
///
/// `254 0 vda READS merged sectors MILLISECONDS WRITES merged sectors MILLISECONDS ...`
pub(crate) fn disks(text: &[u8]) -> Vec<DeviceTimes> {
    let mut disks: Vec<DeviceTimes> = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        let Ok((_, disk)) = disk(line) else {
            continue;
        };
        let is_other = ["loop", "ram", "zram", "fd", "sr"]
            .into_iter()
            .any(|kind| disk.name.starts_with(kind));
        let is_part = disks
            .iter()
            .any(|whole| is_partition(&disk.name, &whole.name));
        if disks.len() < HostFacts::DISKS && !is_other && !is_part {
            disks.push(disk);
        }
    }
    disks
}

fn disk(line: &[u8]) -> IResult<&[u8], DeviceTimes> {
    let number = || preceded(space1, whole).map(float);
    let name = take_till1(|byte: u8| byte.is_ascii_whitespace());
    let place = (space0, whole, space1, whole, space1);
    let (rest, (name, reads, _, _, reading, writes, _, _, writing)) = (
        preceded(place, name),
        number(),
        number(),
        number(),
        number(),
        number(),
        number(),
        number(),
        number(),
    )
        .parse(line)?;
    let disk = DeviceTimes {
        name: printable(name),
        reads,
        read_seconds: reading / 1000.0,
        writes,
        write_seconds: writing / 1000.0,
    };
    Ok((rest, disk))
}

/// `vda1` of `vda`, `nvme0n1p2` of `nvme0n1`.
fn is_partition(name: &str, of: &str) -> bool {
    let Some(rest) = name.strip_prefix(of) else {
        return false;
    };
    let number = match of.ends_with(|c: char| c.is_ascii_digit()) {
        true => rest.strip_prefix('p').unwrap_or_default(),
        false => rest,
    };
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// A limit or a use of a control group, in octets: `memory.max`, `memory.current`; nothing where it says `max`.
pub(crate) fn octets(text: &[u8]) -> Option<f64> {
    let parsed: IResult<&[u8], u64> = whole(text);
    parsed.ok().map(|(_, octets)| float(octets))
}

/// `cpu.max`: as how many processors a control group may do; nothing where it says `max`.
///
/// `150000 100000`
pub(crate) fn quota(text: &[u8]) -> Option<f64> {
    let parsed: IResult<&[u8], (u64, u64)> = (terminated(whole, space1), whole).parse(text);
    let (_, (quota, period)) = parsed.ok()?;
    (period > 0).then(|| float(quota) / float(period))
}

/// An entry of `cpu.stat` or `memory.stat`.
///
/// `usage_usec 123`
pub(crate) fn named(text: &[u8], name: &str) -> Option<f64> {
    let mut lines = text.split(|byte| *byte == b'\n');
    lines.find_map(|line| {
        let parsed: IResult<&[u8], u64> = preceded((tag(name), space1), whole).parse(line);
        parsed.ok().map(|(_, number)| float(number))
    })
}

/// A number that is one: `double` would also take `inf` and `nan`.
fn finite(text: &[u8]) -> IResult<&[u8], f64> {
    let digits = recognize((opt(tag("-")), is_not(" \t\n")));
    map_opt(digits, |digits: &[u8]| {
        let parsed: IResult<&[u8], f64> = double(digits);
        let (rest, number) = parsed.ok()?;
        (rest.is_empty() && number.is_finite()).then_some(number)
    })
    .parse(text)
}

#[allow(
    clippy::as_conversions,
    reason = "there is no other way from u64 to f64"
)]
const fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disks_are_told_without_their_parts_and_up_to_a_limit() {
        let line = |name: &str| format!("8 0 {name} 1 2 3 4 5 6 7 8\n");
        let names = [
            "sda",
            "sda1",
            "sdaa",
            "nvme0n1",
            "nvme0n1p2",
            "loop0",
            "dm-1",
            "dm-11",
        ];
        let text: String = names.into_iter().map(line).collect();
        let disks: Vec<_> = disks(text.as_bytes())
            .into_iter()
            .map(|disk| disk.name)
            .collect();
        assert_eq!(disks, ["sda", "sdaa", "nvme0n1", "dm-1", "dm-11"]);
        let text: String = (0..=HostFacts::DISKS)
            .map(|number| line(&format!("md{number:04}")))
            .collect();
        assert_eq!(super::disks(text.as_bytes()).len(), 256);
    }
}
