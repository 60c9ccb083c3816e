//! What a mail host tells by the page of its exporter, and a provider by the page of its status.

use mailhost_probe::{ConfigError, ExporterProbe, StatusProbe};
use probe_core::{AnyFacts, Context, Failure, Probe, Report, Target};
use probe_net::http::{Scheme, Url};
use probe_testkit::{Authority, Say};

use super::{Scene, net};

/// Servers are asked here by their address.
const HERE: &str = "127.0.0.1";

const HEALTHY: &str = r#"windows_exporter_collector_success{collector="exchange"} 1
windows_exchange_rpc_avg_latency_sec 0.006
windows_exchange_rpc_requests 3
windows_exchange_ldap_read_time_sec{name="dc1"} 0.002
windows_exchange_ldap_search_time_sec{name="dc1"} 0.003
windows_exchange_http_proxy_avg_auth_latency{name="owa"} 2
windows_exchange_transport_queues_external_active_remote_delivery{name="_total"} 4
windows_exchange_transport_queues_poison{name="_total"} 0
windows_memory_available_bytes 1.2e10
windows_memory_physical_total_bytes 3.2e10
windows_logical_disk_free_bytes{volume="C:"} 9e10
windows_logical_disk_size_bytes{volume="C:"} 2e11
"#;

const INCIDENT: &str = r#"{"page": {"name": "Hosted Mail", "url": "https://status.example.net"},
"status": {"indicator": "major", "description": "Partial System Outage"},
"components": [{"id": "1", "name": "IMAP", "status": "partial_outage"}, {"id": "2", "name": "SMTP", "status": "operational"}],
"incidents": [{"id": "3", "name": "Mailboxes cannot be opened", "status": "investigating", "impact": "major",
"created_at": "2026-11-24T07:30:00Z", "updated_at": "2026-11-24T07:45:00Z", "incident_updates": []}],
"scheduled_maintenances": []}"#;

pub(super) fn scenes(ca: &Authority) -> Vec<Scene> {
    [exporters(ca), providers(ca)].concat()
}

fn exporters(ca: &Authority) -> Vec<Scene> {
    let slow = HEALTHY.replace("latency_sec 0.006", "latency_sec 0.41");
    let queued = HEALTHY.replace(
        "active_remote_delivery{name=\"_total\"} 4",
        "active_remote_delivery{name=\"_total\"} 900",
    );
    let full = HEALTHY.replace(
        "free_bytes{volume=\"C:\"} 9e10",
        "free_bytes{volume=\"C:\"} 4e9",
    );
    let told = HEALTHY.lines().filter(|line| !line.contains("transport"));
    let silent: String = told.map(|line| format!("{line}\n")).collect();
    let identity = ca.identity([HERE]);
    let telling = |story, page: String| {
        let net = net(ca);
        let probe = Paged("exporter", move |url| {
            ExporterProbe::builder(net.clone(), url).build()
        });
        Scene::web(story, &identity, move |_| Say::page(200, "", &page), probe)
    };
    vec![
        telling("Exchange is well", HEALTHY.to_owned()),
        telling("Exchange answers slowly", slow),
        telling("mail for outside builds up", queued),
        telling("the disk runs full", full),
        telling("the queues are not exported", silent),
    ]
}

fn providers(ca: &Authority) -> Vec<Scene> {
    let identity = ca.identity([HERE]);
    let telling = |story, status, page: &'static str| {
        let net = net(ca);
        let probe = Paged("status", move |url| {
            StatusProbe::builder(net.clone(), url).build()
        });
        Scene::web(
            story,
            &identity,
            move |_| Say::page(status, "", page),
            probe,
        )
    };
    vec![
        telling("the provider has trouble with IMAP", 200, INCIDENT),
        telling("the provider's page is not there", 503, ""),
    ]
}

/// The probe of a page, whose port is known only when its server listens.
struct Paged<B>(&'static str, B);

impl<P, B> Probe for Paged<B>
where
    P: Probe + 'static,
    B: Fn(Url) -> Result<P, ConfigError> + Send + Sync,
{
    type Facts = AnyFacts;

    fn name(&self) -> &'static str {
        self.0
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report {
        let url = match target {
            Target::Host { host, port } => Url::at(Scheme::Https, host, *port, "/").ok(),
            _ => None,
        };
        match url.and_then(|url| (self.1)(url).ok()) {
            Some(probe) => probe.probe(target, cx).await.erase(),
            None => {
                let mut report = Report::new(self.0, target.clone(), cx.now(), ()).erase();
                report.failure = Some(Failure::unfit_target(target));
                report
            }
        }
    }
}
