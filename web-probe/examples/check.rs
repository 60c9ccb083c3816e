//! Does this webmail show its login page? `cargo run --example check mail.example.org /SOGo/`

use probe_core::{Context, Probe};
use probe_net::Net;
use probe_net::tls::{Tls, native_roots};
use web_probe::WebmailProbe;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let target = arguments.next().ok_or("which server?")?.parse()?;
    let path = arguments.next().unwrap_or_else(|| "/".to_owned());
    let net = Net::new(Tls::ring(native_roots()?));
    let probe = WebmailProbe::builder(net).path(path).build()?;

    let report = probe.probe(&target, &Context::default()).await;

    println!(
        "{} {}: {}",
        report.target,
        report.verdict(),
        report.headline()
    );
    if let Some(page) = &report.facts.page {
        println!("{} {:?} {:?}", page.status, page.product, page.title);
    }
    for finding in &report.findings {
        println!("{}: {finding}\n  {}", finding.severity, finding.kind.remedy);
    }
    Ok(())
}
