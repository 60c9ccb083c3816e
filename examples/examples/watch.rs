//! A watch over a whole mail system: every server by itself, the way of mail through all of them, and blacklists; each
//! minute, on one page for Prometheus. `cargo run --example watch example.org probe@example.org /etc/mailprobe /tmp/mail.prom`

use std::error::Error;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use delivery_probe::{DeliveryProbe, Key, Keys, Retrieval, State};
use dnsbl_probe::DnsblProbe;
use imap_probe::ImapProbe;
use mailprobe::format::{prometheus, worst};
use mx_check::MxProbe;
use pop3_probe::Pop3Probe;
use probe_core::{AnyProbe, Context, Fleet, Secret, Target};
use probe_net::Net;
use probe_net::dns::Resolver;
use probe_net::sasl::Credentials;
use probe_net::tls::{Tls, native_roots};
use smtp_probe::SmtpProbe;

type Watched = Vec<(Target, AnyProbe)>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [domain, user, folder, page] = arguments.as_slice() else {
        return Err("watch DOMAIN USER FOLDER-OF-SECRETS PAGE".into());
    };
    let watched = watched(domain, user, Path::new(folder))?;
    let page = PathBuf::from(page);
    let mut minute = tokio::time::interval(Duration::from_secs(60));
    loop {
        minute.tick().await;
        let cx = Context::default().with_budget(Duration::from_secs(50));
        let at_once = NonZeroUsize::new(16).ok_or("nobody asks nobody")?;
        let mut fleet = Fleet::new(watched.iter().cloned(), cx, at_once);
        let mut reports = Vec::new();
        while let Some(report) = fleet.next().await {
            println!(
                "{:8} {} {}",
                report.verdict(),
                report.target,
                report.headline()
            );
            reports.push(report);
        }
        let text = prometheus(&reports);
        let next = page.with_extension("next");
        fs::write(&next, text)?;
        fs::rename(&next, &page)?;
        println!("{:8} of all", worst(&reports));
    }
}

/// What is watched: a target and its probe each.
fn watched(domain: &str, user: &str, secrets: &Path) -> Result<Watched, Box<dyn Error>> {
    let secret =
        |name: &str| fs::read_to_string(secrets.join(name)).map(|text| text.trim().to_owned());
    let net = Net::new(Tls::ring(native_roots()?));
    let credentials = Credentials::password(user, secret("password")?)?;
    let host = |name: &str, port| format!("{name}.{domain}:{port}").parse::<Target>();

    let mx = SmtpProbe::builder(net.clone()).build()?;
    let submission = SmtpProbe::builder(net.clone()).credentials(credentials.clone());
    let imap = ImapProbe::builder(net.clone()).credentials(credentials.clone());
    let pop3 = Pop3Probe::builder(net).credentials(credentials).build()?;
    let records = MxProbe::builder(Resolver::system()?).build()?;
    let lists = DnsblProbe::builder(Resolver::system()?).build()?;

    let keys = Keys::new(Key::new(Secret::from(secret("key")?))?);
    let delivery = DeliveryProbe::builder("watch".parse()?, keys, submission.clone())
        .from(user)
        .to(user)
        .retrieval(Retrieval::imap(host("imap", 993)?, imap.clone().build()?))
        .state(State::at(secrets.join("canaries")))
        .build()?;

    Ok(vec![
        (domain.parse()?, AnyProbe::new(records)),
        (domain.parse()?, AnyProbe::new(lists)),
        (host("mx", 25)?, AnyProbe::new(mx)),
        (host("smtp", 587)?, AnyProbe::new(submission.build()?)),
        (host("imap", 993)?, AnyProbe::new(imap.edit(true).build()?)),
        (host("pop", 995)?, AnyProbe::new(pop3)),
        (host("smtp", 587)?, AnyProbe::new(delivery)),
    ])
}
