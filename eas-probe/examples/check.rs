//! Is this ActiveSync server well? `cargo run --example check mail.example.org`

use eas_probe::EasProbe;
use probe_core::{Context, Probe};
use probe_net::Net;
use probe_net::tls::{Tls, native_roots};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let target = std::env::args().nth(1).ok_or("which server?")?.parse()?;
    let probe = EasProbe::builder(Net::new(Tls::ring(native_roots()?))).build()?;

    let report = probe.probe(&target, &Context::default()).await;

    println!(
        "{} {}: {}",
        report.target,
        report.verdict(),
        report.headline()
    );
    for span in &report.spans {
        println!("{:>12} {:?}", span.phase, span.duration);
    }
    for finding in &report.findings {
        println!("{}: {finding}\n  {}", finding.severity, finding.kind.remedy);
    }
    Ok(())
}
