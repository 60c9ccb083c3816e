//! Where a domain has its ActiveSync: Autodiscover (\[MS-OXDISCO\], \[MS-ASCMD\] section 2.2.1.1) in both its versions, and
//! the hosts where it often is. A house of its own within this crate, with the same rooms.
//!
//! Devices are set up by it: where it is broken, new ones cannot be, and nobody notices who has one. What it says is
//! believed with care. A redirect is followed to `https` only, credentials are shown to the domain's own hosts and to those
//! that the caller allows, and [`DiscoveryFacts::is_proven`] tells whether the domain itself, over TLS that verified, led to
//! what was found.
//!
//! ```
//! use eas_probe::discovery::DiscoveryProbe;
//! use probe_core::{Context, Probe};
//! use probe_net::Net;
//! use probe_net::dns::Resolver;
//!
//! # async fn find(net: Net) -> Result<(), Box<dyn std::error::Error>> {
//! let probe = DiscoveryProbe::builder(net).resolver(Resolver::system()?).build()?;
//! let report = probe.probe(&"example.org".parse()?, &Context::default()).await;
//! if let Some(endpoint) = &report.facts.endpoint {
//!     println!("{endpoint}");
//! }
//! # Ok(())
//! # }
//! ```

mod command;
mod dialogue;
mod facts;
mod findings;
mod options;
mod probe;
mod reply;

pub use command::{Asked, Question, Way};
pub use dialogue::{Answer, DiscoveryDialogue, Event, Step};
pub use facts::{Attempt, DiscoveryFacts, Onward, Outcome};
pub use findings::{FINDINGS, judge};
pub use options::{Address, ConfigError, Options};
pub use probe::DiscoveryProbe;
pub use reply::{Complaint, Reply, Said, Srv, read_json, read_xml};
