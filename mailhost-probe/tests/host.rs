//! The machine that we run on, by what stands below `/proc` and `/sys`: trees made to the shape of what systems of several
//! ages write, one of them recorded.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mailhost_probe::{
    Access, ConfigError, HostFacts, HostLimits, HostOptions, HostProbe, Resource,
};
use probe_core::{Context, FailureKind, Probe, Report, Thresholds, Verdict};

/// Debian 13, one disk, two processors.
const DEBIAN: &[(&str, &str)] = &[
    (
        "proc/stat",
        "cpu  4212811 204216 635062 4375878 45493 0 11467 7655 0 0\ncpu0 2002796 91917 303197 2326636 12750 0 3823 3669 0 0\ncpu1 2210015 112298 331865 2049242 32743 0 7643 3986 0 0\nintr 1 2 3\nctxt 4\nbtime 1795499887\n",
    ),
    (
        "proc/meminfo",
        "MemTotal:       24684096 kB\nMemFree:        18397708 kB\nMemAvailable:   23189480 kB\nBuffers:          119288 kB\nCached:          5141896 kB\nSwapCached:            0 kB\nSwapTotal:       1000 kB\nSwapFree:        250 kB\n",
    ),
    ("proc/loadavg", "1.58 1.36 1.10 2/200 18909\n"),
    ("proc/uptime", "47634.24 43758.78\n"),
    (
        "proc/pressure/cpu",
        "some avg10=27.19 avg60=9.76 avg300=6.25 total=7750617861\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    ),
    (
        "proc/pressure/memory",
        "some avg10=0.00 avg60=0.00 avg300=12.50 total=14745728\nfull avg10=0.00 avg60=0.00 avg300=1.00 total=9023514\n",
    ),
    (
        "proc/diskstats",
        " 254       0 vda 4947718 181119 206238162 9922153 1185154 2972249 1030143112 6679506 0 893804 16948895\n 254       1 vda1 1 0 0 0 0 0 0 0 0 0 0\n",
    ),
    (
        "proc/1/mountinfo",
        "22 27 0:21 / /proc rw,relatime - proc proc rw\n23 27 0:22 / /sys rw,relatime - sysfs sysfs rw\n24 27 0:6 / /dev rw,relatime - devtmpfs devtmpfs rw,size=12334524k\n25 24 0:23 / /dev/shm rw - tmpfs tmpfs rw\n27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard\n28 27 254:1 / /var/spool rw,relatime shared:2 master:3 - xfs /dev/vdb rw\n29 27 0:50 / /run/user/1000 rw - tmpfs tmpfs rw\n42 27 254:0 /run/netns /run/netns rw shared:1 - ext4 /dev/vda rw\n",
    ),
];

/// A folder that stands for the root of a machine.
struct Machine(PathBuf);

impl Machine {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&root);
        let machine = Self(root);
        machine.folder("var/spool");
        for (path, text) in files {
            machine.file(path, text);
        }
        machine
    }

    fn debian(name: &str) -> Self {
        Self::new(name, DEBIAN)
    }

    fn file(&self, path: &str, text: &str) {
        self.folder(Path::new(path).parent().unwrap());
        fs::write(self.0.join(path), text).unwrap();
    }

    fn folder(&self, path: impl AsRef<Path>) {
        fs::create_dir_all(self.0.join(path)).unwrap();
    }

    fn without(self, path: &str) -> Self {
        fs::remove_file(self.0.join(path)).unwrap();
        self
    }

    fn options(&self) -> HostOptions {
        HostProbe::builder().root(&self.0).interval(Duration::ZERO)
    }

    async fn look(&self) -> Report<HostFacts> {
        look(self.options()).await
    }
}

async fn look(options: HostOptions) -> Report<HostFacts> {
    let probe = options.build().unwrap();
    let target = "mail.lab.test".parse().unwrap();
    probe.probe(&target, &Context::default()).await
}

fn codes(report: &Report<HostFacts>) -> Vec<&str> {
    report.findings.iter().map(|one| one.code()).collect()
}

fn disks(report: &Report<HostFacts>) -> Vec<&str> {
    let disks = report.facts.disks.iter();
    disks.map(|disk| disk.name.as_str()).collect()
}

#[tokio::test]
async fn what_the_machine_says_is_told() {
    let report = Machine::debian("debian").look().await;
    assert_eq!(report.failure, None);
    let facts = &report.facts;
    let memory = facts.memory.unwrap();
    assert_eq!(
        (memory.available, memory.total),
        (23_746_027_520.0, 25_276_514_304.0)
    );
    assert_eq!(facts.swap.unwrap().ratio(), 0.25);
    assert_eq!(facts.load, [Some(1.58), Some(1.36), Some(1.10)]);
    assert_eq!(facts.load_per_processor(), Some(0.68));
    assert_eq!(facts.uptime, Some(Duration::from_millis(47_634_240)));
    let pressure: Vec<_> = facts
        .pressure
        .iter()
        .map(|one| (one.resource, one.some, one.full))
        .collect();
    assert_eq!(
        pressure,
        [
            (Resource::Cpu, 0.0625, Some(0.0)),
            (Resource::Memory, 0.125, Some(0.01))
        ]
    );
    assert_eq!(facts.cpu, None);
}

#[tokio::test]
async fn each_file_system_is_asked_once_and_that_of_the_queue_first() {
    let report = Machine::debian("mounts").look().await;
    assert_eq!(disks(&report), ["/var/spool", "/"]);
    let queue = report.facts.queue_disk().unwrap();
    assert_eq!(queue.name, "/var/spool");
    assert!(queue.size > 0.0 && queue.free <= queue.size);
}

#[tokio::test]
async fn the_folder_of_the_queue_may_be_another_and_a_link() {
    let machine = Machine::debian("linked");
    machine.folder("srv/queue");
    std::os::unix::fs::symlink(machine.0.join("srv"), machine.0.join("mail")).unwrap();
    let report = look(machine.options().queue("/mail/queue")).await;
    assert_eq!(report.facts.queue_disk().unwrap().name, "/");
}

#[tokio::test]
async fn a_folder_of_the_queue_that_is_not_there_is_unknown() {
    let machine = Machine::debian("no-folder");
    let report = look(machine.options().queue("/nowhere")).await;
    assert_eq!(report.verdict(), Verdict::Unknown);
    assert_eq!(
        report.failure.unwrap().detail,
        "/nowhere: No such file or directory (os error 2)"
    );
    assert!(report.facts.memory.is_some());
}

/// CentOS 6: Linux 2.6.32 tells neither `MemAvailable` nor pressure.
#[tokio::test]
async fn an_old_kernel_is_read_as_free_reads_it() {
    let machine = Machine::debian("centos6").without("proc/pressure/cpu");
    machine.file(
        "proc/meminfo",
        "MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 50 kB\nCached: 300 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\nShmem: 20 kB\nSReclaimable: 10 kB\n",
    );
    machine.file("proc/stat", "cpu  10 20 30 40\ncpu0 10 20 30 40\n");
    let report = machine.look().await;
    assert_eq!(report.failure, None);
    let memory = report.facts.memory.unwrap();
    assert_eq!(memory.ratio(), 0.44);
    assert_eq!(report.facts.swap, None);
    assert_eq!(report.facts.processors, Some(1.0));
}

#[tokio::test]
async fn in_a_container_its_limits_count() {
    let machine = Machine::debian("container");
    let group = |name: &str, text| machine.file(&format!("sys/fs/cgroup/{name}"), text);
    group("memory.max", "1073741824\n");
    group("memory.current", "1063741824\n");
    group(
        "memory.stat",
        "anon 1\ninactive_file 10000000\nactive_file 5\n",
    );
    group("cpu.max", "50000 100000\n");
    group("cpu.stat", "usage_usec 30\nuser_usec 20\nsystem_usec 10\n");
    let report = machine.look().await;
    let memory = report.facts.memory.unwrap();
    assert_eq!(
        (memory.available, memory.total),
        (20_000_000.0, 1_073_741_824.0)
    );
    assert_eq!(report.facts.processors, Some(0.5));
    assert_eq!(codes(&report), ["host.load", "host.memory"]);
}

#[tokio::test]
async fn a_container_without_limits_has_what_the_machine_has() {
    let machine = Machine::debian("unlimited");
    machine.file("sys/fs/cgroup/memory.max", "max\n");
    machine.file("sys/fs/cgroup/memory.current", "1\n");
    machine.file("sys/fs/cgroup/cpu.max", "max 100000\n");
    let facts = machine.look().await.facts;
    assert_eq!(facts.memory.unwrap().total, 25_276_514_304.0);
    assert_eq!(facts.processors, Some(2.0));
}

/// Docker: the root is an overlay, some files are mounted one by one, and others' overlays may be seen.
#[tokio::test]
async fn a_container_has_its_own_root_and_what_is_mounted_in_it() {
    let machine = Machine::debian("docker");
    machine.file("etc/hosts", "");
    machine.folder("var/mail");
    machine.folder("other");
    machine.file(
        "proc/1/mountinfo",
        "1 0 0:100 / / rw - overlay overlay rw,lowerdir=/a:/b\n2 1 254:0 /docker/hosts /etc/hosts rw - ext4 /dev/vda rw\n3 1 254:0 /docker/volumes/mail /var/mail rw - ext4 /dev/vda rw\n4 1 0:101 / /other rw - overlay overlay rw\n",
    );
    let report = machine.look().await;
    assert_eq!(disks(&report), ["/"]);
    machine.file(
        "proc/1/mountinfo",
        "1 0 0:100 / / rw - overlay overlay rw\n3 1 254:0 /docker/volumes/mail /var/mail rw - ext4 /dev/vda rw\n",
    );
    assert_eq!(disks(&machine.look().await), ["/", "/var/mail"]);
}

#[tokio::test]
async fn names_with_spaces_are_read() {
    let machine = Machine::debian("spaces");
    machine.folder("srv/my mail\\1");
    machine.file(
        "proc/1/mountinfo",
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /srv/my\\040mail\\1341 rw - ext4 /dev/sda2 rw\n",
    );
    assert_eq!(disks(&machine.look().await), ["/", "/srv/my mail\\1"]);
}

#[tokio::test]
async fn a_file_system_that_went_read_only_is_critical_and_a_cd_is_none() {
    let machine = Machine::debian("read-only");
    machine.folder("cdrom");
    machine.file(
        "proc/1/mountinfo",
        "1 0 8:1 / / rw,relatime - ext4 /dev/sda1 ro,errors=remount-ro\n2 1 8:2 / /cdrom ro - ext4 /dev/sdb ro\n",
    );
    let full = Thresholds::new(Some("2:".parse().unwrap()), None);
    let limits = || HostLimits::default().disk(full).inodes(full);
    let report = look(machine.options().limits(limits())).await;
    assert_eq!(disks(&report), ["/"]);
    assert_eq!(codes(&report), ["host.disk.read-only"]);
    assert_eq!(report.verdict(), Verdict::Critical);
    let report = look(machine.options().limits(limits()).queue("/cdrom")).await;
    let evidence: Vec<_> = report.findings.iter().map(|one| &*one.evidence).collect();
    assert_eq!(evidence, ["/cdrom, which holds the queue", "/"]);
}

/// A mount that a service only has for itself says nothing of the disk.
#[tokio::test]
async fn a_mount_that_only_we_may_not_write_to_is_none_that_went_read_only() {
    let machine = Machine::debian("protected");
    machine.file(
        "proc/1/mountinfo",
        "1 0 8:1 / / ro,relatime - ext4 /dev/sda1 rw\n",
    );
    let report = machine.look().await;
    assert_eq!(report.facts.disks[0].access, Some(Access::ReadWrite));
}

#[tokio::test]
async fn without_the_right_to_see_the_mounts_of_another_root_our_own_are_read() {
    let machine = Machine::debian("own").without("proc/1/mountinfo");
    machine.file(
        "proc/self/mountinfo",
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n",
    );
    let report = machine.look().await;
    assert_eq!(disks(&report), ["/"]);
    assert_eq!(report.failure, None);
}

#[tokio::test]
async fn the_file_system_of_the_queue_that_cannot_be_asked_is_unknown() {
    let machine = Machine::debian("unasked");
    machine.file(
        "proc/1/mountinfo",
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /gone rw - ext4 /dev/sdb rw\n3 1 8:3 / /var/spool/gone rw - ext4 /dev/sdc rw\n",
    );
    let report = machine.look().await;
    assert_eq!(report.failure, None);
    assert_eq!(disks(&report), ["/"]);
    std::os::unix::fs::symlink("var/spool/gone", machine.0.join("there")).unwrap();
    let report = look(machine.options().queue("/there")).await;
    assert_eq!(report.verdict(), Verdict::Unknown);
}

#[tokio::test]
async fn what_cannot_be_read_is_unknown_and_the_rest_is_kept() {
    let machine = Machine::debian("unread").without("proc/meminfo");
    let report = machine.look().await;
    let failure = report.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Local);
    assert!(
        failure
            .detail
            .ends_with("proc/meminfo: No such file or directory (os error 2)")
    );
    assert_eq!(report.facts.memory, None);
    assert_eq!(report.facts.processors, Some(2.0));
}

#[tokio::test]
async fn no_more_than_four_mebibytes_of_a_file_are_read() {
    const SIZE: usize = 4 * 1024 * 1024;
    let machine = Machine::debian("large");
    let root = "1 0 8:1 / / rw - ext4 /dev/sda rw\n";
    let filled = |before: usize| " ".repeat(before - 1) + "\n" + root;
    machine.file("proc/1/mountinfo", &filled(SIZE - root.len()));
    assert_eq!(disks(&machine.look().await), ["/"]);
    machine.file("proc/1/mountinfo", &filled(SIZE));
    assert!(disks(&machine.look().await).is_empty());
}

#[tokio::test]
async fn nonsense_is_nothing() {
    let nonsense: Vec<_> = DEBIAN
        .iter()
        .map(|(path, _)| (*path, "\0 cpu: : nan inf -\n"))
        .collect();
    let report = Machine::new("nonsense", &nonsense).look().await;
    assert_eq!(report.verdict(), Verdict::Unknown);
    assert_eq!(report.facts, HostFacts::default());
}

#[tokio::test]
async fn processors_that_did_nothing_between_two_looks_are_told_as_unknown() {
    let machine = Machine::debian("still");
    let report = look(machine.options().interval(Duration::from_millis(1))).await;
    assert_eq!((report.facts.cpu, report.failure), (None, None));
}

#[tokio::test]
async fn this_machine_tells_of_itself() {
    let report = look(HostProbe::builder().interval(Duration::from_millis(100))).await;
    assert_eq!(report.failure, None);
    let facts = report.facts;
    assert!(facts.processors.unwrap() > 0.0 && facts.memory.is_some());
    assert!(!facts.disks.is_empty() && facts.load[0].is_some());
}

#[tokio::test]
async fn a_machine_that_was_just_started_is_told_of() {
    let machine = Machine::debian("started");
    machine.file("proc/uptime", "125.50 10.00\n");
    let report = machine.look().await;
    assert_eq!(codes(&report), ["host.reboot"]);
    assert_eq!(report.findings[0].evidence, "2m 5s ago");
    assert_eq!(report.verdict(), Verdict::Ok);
}

#[tokio::test]
async fn every_number_has_a_limit_that_can_be_set() {
    let machine = Machine::debian("limits");
    let report = look(machine.options().limits(everything())).await;
    assert_eq!(
        codes(&report),
        [
            "host.load",
            "host.memory",
            "host.swap",
            "host.disk",
            "host.inodes",
            "host.disk",
            "host.inodes"
        ]
    );
}

/// Limits that nothing keeps.
fn everything() -> HostLimits {
    let none = || Thresholds::new(Some("2:".parse().unwrap()), None);
    HostLimits::default()
        .load(none())
        .memory(none())
        .swap(none())
        .disk(none())
        .inodes(none())
}

#[test]
fn options_that_cannot_be_are_refused() {
    let refused = |options: HostOptions| options.build().unwrap_err();
    assert_eq!(
        refused(HostProbe::builder().queue("spool")),
        ConfigError::NoFolder("spool".into())
    );
    let long = Duration::from_secs(61);
    assert_eq!(
        refused(HostProbe::builder().interval(long)),
        ConfigError::Interval(long)
    );
    assert!(
        HostProbe::builder()
            .interval(Duration::from_secs(60))
            .build()
            .is_ok()
    );
}
