//! `cargo run --example check -- example.org`: where does its mail go, and for how long still?

use mx_check::MxProbe;
use probe_core::{Context, Probe};
use probe_net::dns::Resolver;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let target = std::env::args().nth(1).ok_or("which domain?")?.parse()?;
    let probe = MxProbe::builder(Resolver::system()?).build()?;
    let report = probe.probe(&target, &Context::default()).await;
    println!(
        "{}: {} {}",
        report.target,
        report.verdict(),
        report.headline()
    );
    for host in report.facts.exchange.takers() {
        println!(
            "  {} {}: {}",
            host.preference,
            host.name,
            host.state.as_str()
        );
    }
    if let Some(clock) = &report.facts.clock {
        println!(
            "  mail stops between {:?} and {:?}",
            clock.earliest, clock.latest
        );
    }
    Ok(())
}
