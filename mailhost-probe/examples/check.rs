//! `cargo run --features command --example check`: what waits in the queues of this machine's Postfix?

use mailhost_probe::{Format, QueueProbe, Source};
use probe_core::{Context, Probe};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let source = match std::env::args_os().nth(1) {
        Some(socket) => Source::Showq(socket.into()),
        None => Source::command("postqueue", ["-j"], Format::Postqueue),
    };
    let probe = QueueProbe::builder(source).build()?;
    let report = probe
        .probe(&"localhost".parse()?, &Context::default())
        .await;
    println!("{}: {}", report.verdict(), report.headline());
    for queue in &report.facts.queues {
        println!("  {:10} {}", queue.name, queue.messages);
    }
    for domain in &report.facts.domains {
        let most = domain.delayed.most();
        let reason = most.map_or("", |(reason, _)| reason.as_str());
        println!("  {:30} {} {reason}", domain.domain, domain.recipients);
    }
    for finding in &report.findings {
        println!("  {} {}: {finding}", finding.severity, finding.code());
    }
    Ok(())
}
