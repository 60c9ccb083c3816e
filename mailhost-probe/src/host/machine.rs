//! Reading the machine that we run on. What blocks is done aside, in threads that nobody waits for longer than is allowed: a
//! file system of a server that is gone keeps whoever asks it, for ever.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use probe_core::printable;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::facts::{CpuFacts, DiskFacts, HostFacts, MemoryFacts, PressureFacts, Resource};
use super::mounts::Mount;
use super::proc::{self, Stat};
use super::times::{CpuTimes, HostTimes};

/// The machine whose `/proc` and `/sys` are below a folder.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    root: PathBuf,
}

/// Counters at one time.
#[derive(Clone, Debug)]
pub(super) struct Counters {
    times: HostTimes,
    /// What a container that may use only so many processors took of them, in seconds.
    container: Option<Container>,
}

#[derive(Clone, Copy, Debug)]
struct Container {
    processors: f64,
    user: f64,
    system: f64,
}

impl Machine {
    /// So much is read of a file.
    const FILE: u64 = 4 * 1024 * 1024;
    /// So long a file system may take to answer.
    const PATIENCE: Duration = Duration::from_secs(2);

    pub(super) const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// All that two samples say about the time between them.
    pub(super) fn counters(&self) -> Result<Counters, String> {
        let stat = Stat::parse(&self.read("proc/stat")?);
        let devices = self.read("proc/diskstats").unwrap_or_default();
        Ok(Counters {
            times: HostTimes {
                cpu: stat.times,
                devices: proc::disks(&devices),
                // The averages that are told with it are longer.
                waited: Vec::new(),
            },
            container: self.container(),
        })
    }

    /// All that is known at once, but for the file systems; and what could not be read.
    pub(super) fn state(&self) -> (HostFacts, Vec<String>) {
        let mut facts = HostFacts::default();
        let mut unread = Vec::new();
        let mut read = |path: &str| self.read(path).map_err(|why| unread.push(why)).ok();
        if let Some(text) = read("proc/stat") {
            let processors = Some(Stat::parse(&text).processors);
            facts.processors = processors.filter(|count| *count > 0).map(f64::from);
        }
        if let Some(text) = read("proc/meminfo") {
            (facts.memory, facts.swap) = proc::meminfo(&text);
            if facts.memory.is_none() {
                unread.push("proc/meminfo: it does not tell of memory".to_owned());
            }
        }
        let mut read = |path: &str| self.read(path).map_err(|why| unread.push(why)).ok();
        facts.load = read("proc/loadavg").map_or([None; 3], |text| proc::load(&text));
        facts.uptime = read("proc/uptime").and_then(|text| proc::uptime(&text));
        for resource in Resource::ALL {
            let text = self.read(&format!("proc/pressure/{}", resource.as_str()));
            let pressure = text.ok().and_then(|text| proc::pressure(&text));
            let pressure = pressure.map(|(some, full)| PressureFacts::new(resource, some, full));
            facts.pressure.extend(pressure);
        }
        self.limit(&mut facts);
        (facts, unread)
    }

    /// The file systems, among them that of the queue.
    pub(super) async fn disks(&self, queue: &Path, facts: &mut HostFacts) -> Result<(), String> {
        let mounted = self.mounted()?;
        // All at once: where one of a server's does not answer, none of its others will.
        let mounts = Mount::worth_asking(&mounted, queue).into_iter();
        let asked = mounts.map(|mount| {
            let path = self.below_root(Path::new(OsStr::from_bytes(&mount.point)));
            (mount, Aside::begin(path.clone(), move || room(&path)))
        });
        let asked: Vec<_> = asked.collect();
        let until = Instant::now() + Self::PATIENCE;
        let mut unread = None;
        for (mount, room) in asked {
            let name = printable(&mount.point);
            match room.until(until).await {
                Some(Ok(Some(mut disk))) => {
                    disk.name = name;
                    disk.access = Some(mount.access);
                    disk.holds_queue = mount.holds_queue;
                    facts.disks.push(disk);
                }
                Some(Err(error)) if mount.holds_queue => unread = Some(format!("{name}: {error}")),
                // Others than root may not look everywhere, and some have no room that could be used up.
                Some(Ok(None) | Err(_)) => {}
                None => facts.silent.push(name),
            }
        }
        unread.map_or(Ok(()), Err)
    }

    /// What is mounted where we are: paths are looked up there. Below another root, that is where its first process is.
    fn mounted(&self) -> Result<Vec<u8>, String> {
        let here = || self.read("proc/self/mountinfo");
        match self.root == Path::new("/") {
            true => here(),
            false => self.read("proc/1/mountinfo").or_else(|_| here()),
        }
    }

    /// Where the folder is that is called so: it may be a link.
    pub(super) async fn resolved(&self, folder: &Path) -> Result<PathBuf, String> {
        let path = self.below_root(folder);
        let shown = folder.display().to_string();
        let resolved = Aside::begin(path.clone(), move || path.canonicalize());
        let resolved = resolved.until(Instant::now() + Self::PATIENCE).await;
        let resolved = resolved.ok_or_else(|| format!("{shown}: it does not answer"))?;
        let resolved = resolved.map_err(|error| format!("{shown}: {error}"))?;
        let root = self.root.canonicalize().unwrap_or_default();
        let below = resolved.strip_prefix(&root).unwrap_or(&resolved);
        Ok(Path::new("/").join(below))
    }

    fn below_root(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// A container has what it may use, not what the machine has. The files are those of our own group as the container sees
    /// it; a machine that is none has no limits there.
    fn limit(&self, facts: &mut HostFacts) {
        if let Some(container) = self.container() {
            facts.processors = Some(container.processors);
        }
        let octets = |name: &str| proc::octets(&self.group(name)?);
        let (Some(limit), Some(used)) = (octets("memory.max"), octets("memory.current")) else {
            return;
        };
        if facts.memory.is_some_and(|memory| memory.total <= limit) {
            return;
        }
        // What is only there because nobody else wanted the memory.
        let cache = self.group("memory.stat");
        let cache = cache.and_then(|text| proc::named(&text, "inactive_file"));
        let used = (used - cache.unwrap_or(0.0)).max(0.0);
        let free = (limit - used).max(0.0);
        let beneath = facts.memory.map_or(free, |memory| memory.available);
        facts.memory = MemoryFacts::new(free.min(beneath), limit);
    }

    fn container(&self) -> Option<Container> {
        let processors = proc::quota(&self.group("cpu.max")?)?;
        let stat = self.group("cpu.stat")?;
        let seconds = |name| Some(proc::named(&stat, name)? / 1_000_000.0);
        Some(Container {
            processors,
            user: seconds("user_usec")?,
            system: seconds("system_usec")?,
        })
    }

    fn group(&self, name: &str) -> Option<Vec<u8>> {
        self.read(&format!("sys/fs/cgroup/{name}")).ok()
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let mut text = Vec::new();
        let path = self.root.join(path);
        let read = File::open(&path).and_then(|file| file.take(Self::FILE).read_to_end(&mut text));
        match read {
            Ok(_) => Ok(text),
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }
}

impl Counters {
    /// What happened between an earlier sample and this one.
    pub(super) fn since(&self, before: &Self, over: Duration, facts: &mut HostFacts) {
        self.times.since(&before.times, over, facts);
        if let Some((now, before)) = self.container.zip(before.container) {
            facts.cpu = now.since(before, over);
        }
    }
}

impl Container {
    fn since(self, before: Self, over: Duration) -> Option<CpuFacts> {
        let all = over.as_secs_f64() * self.processors;
        let times = |container: Self, idle| CpuTimes {
            user: container.user,
            system: container.system,
            idle,
            ..CpuTimes::default()
        };
        let used = self.user + self.system - before.user - before.system;
        times(self, (all - used).max(0.0)).since(&times(before, 0.0), Some(over))
    }
}

/// How much room is left; nothing where the file system has none at all, or a mere file stands there.
fn room(path: &Path) -> io::Result<Option<DiskFacts>> {
    if !path.metadata()?.is_dir() {
        return Ok(None);
    }
    let room = rustix::fs::statvfs(path)?;
    let octets = |blocks: u64| float(blocks) * float(room.f_frsize);
    if room.f_blocks == 0 {
        return Ok(None);
    }
    let mut disk = DiskFacts::new("", octets(room.f_bavail), octets(room.f_blocks));
    // Btrfs, among others, has no fixed number.
    disk.inodes = (room.f_files > 0).then(|| float(room.f_favail) / float(room.f_files));
    Ok(Some(disk))
}

/// Something that may never end, done in a thread of its own.
struct Aside<T>(Option<oneshot::Receiver<T>>);

impl<T: Send + 'static> Aside<T> {
    /// Begins it, unless enough threads wait already for what is at this path.
    fn begin(path: PathBuf, work: impl FnOnce() -> T + Send + 'static) -> Self {
        let Some(place) = Place::take(path) else {
            return Self(None);
        };
        let (done, answer) = oneshot::channel();
        let started = thread::Builder::new().spawn(move || {
            let outcome = work();
            drop(place);
            // Nobody may be waiting any more.
            let _ = done.send(outcome);
        });
        Self(started.ok().map(|_| answer))
    }

    /// What came of it, if that comes before this moment.
    async fn until(self, moment: Instant) -> Option<T> {
        timeout_at(moment, self.0?).await.ok()?.ok()
    }
}

/// The right of a thread to wait for what is at a path.
struct Place(PathBuf);

impl Place {
    /// So many may wait for the same.
    const MOST: usize = 4;

    fn take(path: PathBuf) -> Option<Self> {
        let mut waiting = WAITING.lock().ok()?;
        let threads = waiting.entry(path.clone()).or_default();
        if *threads >= Self::MOST {
            return None;
        }
        *threads += 1;
        Some(Self(path))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Ok(mut waiting) = WAITING.lock() else {
            return;
        };
        match waiting.get_mut(&self.0) {
            Some(threads) if *threads > 1 => *threads -= 1,
            _ => {
                waiting.remove(&self.0);
            }
        }
    }
}

/// How many threads wait for what.
static WAITING: Mutex<BTreeMap<PathBuf, usize>> = Mutex::new(BTreeMap::new());

#[allow(
    clippy::as_conversions,
    reason = "there is no other way from u64 to f64"
)]
const fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use std::fs;

    use super::*;

    /// What a machine did between two looks at these files.
    fn between(name: &str, before: &[(&str, &str)], after: &[(&str, &str)]) -> HostFacts {
        let root =
            std::env::temp_dir().join(format!("mailhost-probe-{name}-{}", std::process::id()));
        let machine = Machine::new(root.clone());
        let look = |files: &[(&str, &str)]| {
            for (path, text) in files {
                let path = root.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            machine.counters().unwrap()
        };
        let (before, after) = (look(before), look(after));
        fs::remove_dir_all(&root).unwrap();
        let mut facts = HostFacts::default();
        after.since(&before, Duration::from_secs(2), &mut facts);
        facts
    }

    #[test]
    fn two_looks_tell_how_busy_processors_and_disks_were() {
        let facts = between(
            "busy",
            &[
                ("proc/stat", "cpu  100 0 100 100 100 0 0 0 0 0\n"),
                ("proc/diskstats", "8 0 sda 10 0 0 100 10 0 0 100 0 0 0\n"),
            ],
            &[
                ("proc/stat", "cpu  120 10 110 140 110 5 5 0 0 0\n"),
                ("proc/diskstats", "8 0 sda 14 0 0 200 10 0 0 100 0 0 0\n"),
            ],
        );
        let cpu = facts.cpu.unwrap();
        assert_eq!((cpu.busy, cpu.user), (0.5, Some(0.3)));
        assert_eq!((cpu.system, cpu.waiting), (Some(0.2), Some(0.1)));
        assert_eq!(facts.devices[0].read, Some(Duration::from_millis(25)));
        assert_eq!(facts.devices[0].write, None);
    }

    #[test]
    fn a_container_is_as_busy_as_it_may_be() {
        let stat = ("proc/stat", "cpu  100 0 100 100\n");
        let group = |stat| ("sys/fs/cgroup/cpu.stat", stat);
        let facts = between(
            "container",
            &[
                stat,
                ("sys/fs/cgroup/cpu.max", "150000 100000\n"),
                group("usage_usec 7\nuser_usec 1000000\nsystem_usec 0\n"),
            ],
            &[group(
                "usage_usec 9\nuser_usec 3000000\nsystem_usec 250000\n",
            )],
        );
        // 2.25 seconds of twice one and a half.
        assert_eq!(facts.cpu.unwrap().busy, 0.75);
    }

    #[tokio::test]
    async fn only_so_many_threads_wait_for_the_same() {
        let path = PathBuf::from("/never/answers");
        let places: Vec<_> = (0..Place::MOST)
            .map(|_| Place::take(path.clone()).unwrap())
            .collect();
        let ask = || Aside::begin(path.clone(), || 1).until(Instant::now() + Machine::PATIENCE);
        assert_eq!(ask().await, None);
        drop(places);
        assert_eq!(ask().await, Some(1));
    }

    #[tokio::test]
    async fn who_does_not_answer_is_not_waited_for() {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        tokio::time::pause();
        let asked = Aside::begin("/silent".into(), move || stopped.recv());
        let answer = asked.until(Instant::now() + Machine::PATIENCE).await;
        assert!(answer.is_none());
        drop(stop);
    }
}
