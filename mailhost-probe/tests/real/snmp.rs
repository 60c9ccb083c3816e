//! The lab's snmpd, in versions 1, 2c and 3.

use std::fs;
use std::time::Duration;

use mailhost_probe::{
    HostFacts, QueueFacts, SnmpAccess, SnmpAuth, SnmpFacts, SnmpPrivacy, SnmpProbe, SnmpUser,
};
use probe_core::{Context, FailureKind, Probe, Report, Secret, Target, Verdict};
use probe_net::Net;
use probe_net::tls::{SecretsOver, Tls};
use probe_testkit::Authority;

use super::lab;

fn agent(port_above: u16) -> Target {
    let listener = &lab()["listeners"]["snmp"];
    let port = u16::try_from(listener["port"].as_u64().unwrap()).unwrap();
    let address = listener["address"].as_str().unwrap();
    format!("{address}:{}", port + port_above).parse().unwrap()
}

async fn ask_at(target: Target, access: SnmpAccess) -> Report<SnmpFacts> {
    let net = Net::new(Tls::ring(Authority::new("nobody").roots()));
    let probe = SnmpProbe::builder(net, access).secrets_over(SecretsOver::Cleartext);
    // Silence shows sooner than in seven seconds, on the same machine.
    let cx = Context::default().with_patience(Duration::from_secs(3));
    probe.build().unwrap().probe(&target, &cx).await
}

async fn ask(access: SnmpAccess) -> Report<SnmpFacts> {
    ask_at(agent(0), access).await
}

fn secret(user: &str, which: &str) -> Secret {
    Secret::from(lab()["snmp"]["users"][user][which].as_str().unwrap())
}

fn user(name: &str, auth: SnmpAuth) -> SnmpUser {
    let user = SnmpUser::new(name).unwrap();
    user.with_auth(auth, secret(name, "auth_password")).unwrap()
}

fn encrypting(name: &str, auth: SnmpAuth) -> SnmpAccess {
    let user = user(name, auth);
    let user = user.with_privacy(SnmpPrivacy::Aes128, secret(name, "priv_password"));
    SnmpAccess::v3(user.unwrap())
}

fn assert_queue(queue: &QueueFacts) {
    let facts = &lab()["snmp"];
    let count = |key: &str| facts[key].as_u64();
    assert_eq!(Some(queue.messages()), count("messages"));
    let bytes = queue.queue("queue").unwrap().bytes;
    assert_eq!(bytes.map(|bytes| bytes / 1000), count("kilo_octets"));
}

/// The agent reads the same files; what moves, moves little.
fn assert_machine(host: &HostFacts) {
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap();
    let octets = |key: &str| {
        let mut lines = meminfo.lines();
        let line = lines.find(|line| line.starts_with(key)).unwrap();
        let number = line.split_whitespace().nth(1).unwrap();
        number.parse::<f64>().unwrap() * 1024.0
    };
    let memory = host.memory.unwrap();
    assert_eq!(memory.total, octets("MemTotal:"));
    let apart = (memory.available - octets("MemAvailable:")).abs();
    assert!(apart < memory.total / 4.0, "{apart}");
    let uptime = fs::read_to_string("/proc/uptime").unwrap();
    let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
    let apart = (host.uptime.unwrap().as_secs_f64() - uptime).abs();
    assert!(apart < 60.0, "{apart}");
    assert!(host.load.iter().all(Option::is_some));
    assert!(host.processors.unwrap() >= 1.0);
    assert!(host.disks.iter().any(|disk| disk.name == "/"));
}

#[tokio::test]
async fn all_versions_and_levels_tell_the_queue_and_the_machine() {
    for access in [
        SnmpAccess::v1("lab-community"),
        SnmpAccess::v2c("lab-community"),
        SnmpAccess::v3(user("auth-sha1", SnmpAuth::Sha1)),
        encrypting("priv-sha1", SnmpAuth::Sha1),
        encrypting("priv-sha256", SnmpAuth::Sha256),
        encrypting("priv-sha512", SnmpAuth::Sha512),
    ] {
        let version = access.version();
        let report = ask(access).await;
        assert_eq!(report.failure, None, "version {version}");
        assert_eq!(report.facts.version, Some(version));
        assert_queue(report.facts.queue.as_ref().unwrap());
        assert_machine(report.facts.host.as_ref().unwrap());
    }
}

#[tokio::test]
async fn what_the_view_does_not_hold_is_unknown_and_not_empty() {
    let report = ask(SnmpAccess::v2c("machine-community")).await;
    assert_eq!(report.verdict(), Verdict::Unknown);
    assert_eq!(report.facts.queue, None);
    assert_machine(report.facts.host.as_ref().unwrap());
    let report = ask(SnmpAccess::v2c("public")).await;
    assert_eq!(report.verdict(), Verdict::Unknown);
    assert_eq!((report.facts.queue, report.facts.host), (None, None));
    assert!(report.facts.system.description.is_some());
}

#[tokio::test]
async fn each_trouble_has_a_finding_of_its_own() {
    let auth = |password: &str| {
        let user = SnmpUser::new("priv-sha256").unwrap();
        user.with_auth(SnmpAuth::Sha256, password).unwrap()
    };
    let wrong = auth("wrong password");
    let right = lab()["snmp"]["users"]["priv-sha256"]["auth_password"].as_str();
    let other_key = auth(right.unwrap()).with_privacy(SnmpPrivacy::Aes128, "wrong password");
    let nobody = SnmpUser::new("nobody").unwrap();
    let nobody = nobody.with_auth(SnmpAuth::Sha256, "some password").unwrap();
    let unproven = SnmpUser::new("auth-sha1").unwrap();
    for (access, target, code) in [
        (SnmpAccess::v1("wrong community"), agent(0), "snmp.silent"),
        (SnmpAccess::v2c("wrong community"), agent(0), "snmp.silent"),
        (SnmpAccess::v2c("lab-community"), agent(1), "snmp.silent"),
        (SnmpAccess::v3(nobody), agent(0), "snmp.unknown-user"),
        (SnmpAccess::v3(wrong), agent(0), "snmp.wrong-digest"),
        (SnmpAccess::v3(other_key.unwrap()), agent(0), "snmp.silent"),
        (SnmpAccess::v3(unproven), agent(0), "snmp.no-access"),
    ] {
        let report = ask_at(target, access).await;
        assert_eq!(report.failure.as_ref().unwrap().kind, FailureKind::Local);
        assert_eq!(report.verdict(), Verdict::Unknown);
        assert_eq!((&report.facts.queue, &report.facts.host), (&None, &None));
        let codes: Vec<_> = report.findings.iter().map(|it| it.code()).collect();
        assert!(codes.contains(&code), "{code}: {codes:?}");
    }
}

/// An agent that counts the queue of the lab's Sendmail, gone at the end of its test.
struct Agent(std::process::Child, std::path::PathBuf);

impl Agent {
    const ADDRESS: &str = "127.88.0.140:16161";

    fn of_sendmail() -> Self {
        let folder = format!("mailhost-probe-agent-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir_all(&folder).unwrap();
        let queue = format!(
            "{}/sendmail/spool/mqueue",
            std::env::var("MAILPROBE_LAB").unwrap()
        );
        let main = folder.join("snmpd.conf");
        let settings = format!(
            "agentaddress udp:{}\nrocommunity agent 127.0.0.0/8\nsendmail_queue {queue}\n",
            Self::ADDRESS
        );
        fs::write(&main, settings).unwrap();
        let mut agent = std::process::Command::new("snmpd")
            .args(["-f", "-Lo", "-C", "-c"])
            .arg(&main)
            .env("SNMP_PERSISTENT_DIR", &folder)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // It tells its version once it listens.
        let said = std::io::BufReader::new(agent.stdout.take().unwrap());
        let mut lines = std::io::BufRead::lines(said).map(Result::unwrap);
        assert!(lines.any(|line| line.starts_with("NET-SNMP version")));
        // Whatever else it says must be read, or it would stop.
        std::thread::spawn(move || lines.count());
        Self(agent, folder)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        let _ = fs::remove_dir_all(&self.1);
    }
}

/// net-snmp counts the files of messages as Sendmail names them. Of Postfix's queues, whose files have other names and lie in
/// folders below, it finds none.
#[tokio::test]
async fn the_agent_counts_what_sendmail_lists() {
    let _agent = Agent::of_sendmail();
    let target = Agent::ADDRESS.parse().unwrap();
    let report = ask_at(target, SnmpAccess::v2c("agent")).await;
    let queue = report.facts.queue.unwrap();
    assert_eq!(queue.messages(), 24);
}
