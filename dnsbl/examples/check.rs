//! `cargo run --example check -- 192.0.2.1`: which lists is it on, and can they be believed?

use dnsbl_probe::DnsblProbe;
use probe_core::{Context, Probe};
use probe_net::dns::Resolver;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let target = std::env::args().nth(1).ok_or("whom?")?.parse()?;
    let probe = DnsblProbe::builder(Resolver::system()?).build()?;
    let report = probe.probe(&target, &Context::default()).await;
    println!(
        "{}: {} {}",
        report.target,
        report.verdict(),
        report.headline()
    );
    for listing in report.facts.listings() {
        println!("  {}", listing.story());
    }
    for doubtful in report.facts.lists.iter().filter(|one| !one.is_believed()) {
        println!("  not believed: {} {}", doubtful.list.zone, doubtful.health);
    }
    Ok(())
}
