//! Counters that only grow, of which two samples say how busy a processor or a disk was between them.

use std::time::Duration;

use super::facts::{CpuFacts, DeviceFacts, HostFacts, PressureFacts, Resource};

/// All of a machine's counters at one time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct HostTimes {
    /// Its processors.
    pub(crate) cpu: Option<CpuTimes>,
    /// Its disks.
    pub(crate) devices: Vec<DeviceTimes>,
    /// How long work had to wait.
    pub(crate) waited: Vec<Waited>,
}

impl HostTimes {
    /// Notes what happened between an earlier sample and this one.
    pub(crate) fn since(&self, before: &Self, over: Duration, facts: &mut HostFacts) {
        if let Some((now, before)) = self.cpu.zip(before.cpu) {
            facts.cpu = now.since(&before, Some(over));
        }
        let devices = self.devices.iter().filter_map(|now| {
            let mut known = before.devices.iter();
            now.since(known.find(|before| before.name == now.name)?)
        });
        facts.devices.extend(devices);
        let waited = self.waited.iter().filter_map(|now| {
            let mut known = before.waited.iter();
            now.since(known.find(|before| before.resource == now.resource)?, over)
        });
        facts.pressure.extend(waited);
    }
}

/// How many seconds work had to wait for want of something since the machine was started.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Waited {
    /// Of what.
    pub(crate) resource: Resource,
    /// Some of it.
    pub(crate) some: Option<f64>,
    /// All of it.
    pub(crate) full: Option<f64>,
}

impl Waited {
    pub(crate) const fn new(resource: Resource) -> Self {
        Self {
            resource,
            some: None,
            full: None,
        }
    }

    fn since(&self, before: &Self, over: Duration) -> Option<PressureFacts> {
        let seconds = over.as_secs_f64();
        let part = |(now, before): (f64, f64)| {
            let waited = now - before;
            (seconds > 0.0 && waited >= 0.0).then(|| (waited / seconds).min(1.0))
        };
        let some = self.some.zip(before.some).and_then(part)?;
        let full = self.full.zip(before.full).and_then(part);
        Some(PressureFacts::new(self.resource, some, full))
    }
}

/// How long the processors of a machine have done what since it was started, in any unit, all of them together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct CpuTimes {
    /// At work for programs.
    pub(crate) user: f64,
    /// At work for the system, also for its interrupts.
    pub(crate) system: f64,
    /// With nothing to do.
    pub(crate) idle: f64,
    /// With nothing to do but to wait for a disk.
    pub(crate) waiting: f64,
    /// Taken away by the machine beneath.
    pub(crate) stolen: f64,
}

impl CpuTimes {
    /// What they did since an earlier sample; nothing where no time has passed, or the machine was started anew.
    pub(crate) fn since(&self, before: &Self, over: Option<Duration>) -> Option<CpuFacts> {
        // Linux's time of waiting for disks may go back by a little.
        let part = |of: fn(&Self) -> f64| (of(self) - of(before)).max(0.0);
        let (user, system) = (part(|times| times.user), part(|times| times.system));
        let (idle, waiting) = (part(|times| times.idle), part(|times| times.waiting));
        let stolen = part(|times| times.stolen);
        let all = user + system + idle + waiting + stolen;
        (all > 0.0 && all.is_finite()).then(|| CpuFacts {
            busy: (user + system) / all,
            user: Some(user / all),
            system: Some(system / all),
            waiting: Some(waiting / all),
            stolen: Some(stolen / all),
            over,
        })
    }
}

/// What a disk has done since the machine was started, and how many seconds that took.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DeviceTimes {
    /// Which disk.
    pub(crate) name: String,
    /// How many reads were done.
    pub(crate) reads: f64,
    /// How many seconds they took.
    pub(crate) read_seconds: f64,
    /// How many writes were done.
    pub(crate) writes: f64,
    /// How many seconds they took.
    pub(crate) write_seconds: f64,
}

impl DeviceTimes {
    pub(crate) const fn new(name: String) -> Self {
        Self {
            name,
            reads: 0.0,
            read_seconds: 0.0,
            writes: 0.0,
            write_seconds: 0.0,
        }
    }

    /// How long each operation took since an earlier sample of the same disk; nothing where there was none.
    pub(crate) fn since(&self, before: &Self) -> Option<DeviceFacts> {
        let read = average(
            self.read_seconds - before.read_seconds,
            self.reads - before.reads,
        );
        let write = average(
            self.write_seconds - before.write_seconds,
            self.writes - before.writes,
        );
        read.or(write)?;
        Some(DeviceFacts {
            name: self.name.clone(),
            read,
            write,
        })
    }
}

fn average(seconds: f64, operations: f64) -> Option<Duration> {
    if operations < 1.0 {
        return None;
    }
    Duration::try_from_secs_f64(seconds / operations).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn times(user: f64, idle: f64, waiting: f64) -> CpuTimes {
        CpuTimes {
            user,
            idle,
            waiting,
            ..CpuTimes::default()
        }
    }

    #[test]
    fn processors_are_as_busy_as_they_were_between_two_samples() {
        let facts = times(40.0, 160.0, 100.0)
            .since(&times(10.0, 100.0, 90.0), None)
            .unwrap();
        assert_eq!((facts.busy, facts.waiting), (0.3, Some(0.1)));
    }

    #[test]
    fn nothing_is_said_where_no_time_has_passed_or_the_machine_was_started_anew() {
        let before = times(10.0, 100.0, 90.0);
        assert_eq!(before.since(&before, None), None);
        assert_eq!(times(1.0, 2.0, 0.0).since(&before, None), None);
    }

    #[test]
    fn a_time_that_goes_back_by_a_little_is_none() {
        let facts = times(20.0, 110.0, 89.0)
            .since(&times(10.0, 100.0, 90.0), None)
            .unwrap();
        assert_eq!((facts.busy, facts.waiting), (0.5, Some(0.0)));
    }

    #[test]
    fn a_disk_that_had_nothing_to_do_took_no_time_that_is_known() {
        let before = DeviceTimes {
            reads: 5.0,
            read_seconds: 1.0,
            ..DeviceTimes::default()
        };
        assert_eq!(before.since(&before), None);
        let after = DeviceTimes {
            reads: 9.0,
            read_seconds: 1.1,
            ..DeviceTimes::default()
        };
        let facts = after.since(&before).unwrap();
        assert_eq!(facts.read.unwrap().as_millis(), 25);
        assert_eq!(facts.write, None);
    }
}
