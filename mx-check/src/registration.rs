//! Who a domain is registered with, and until when: RDAP (RFC 9082, RFC 9083), and WHOIS (RFC 3912) where there is
//! none.
//!
//! A domain that nobody renews loses its mail twice: some days after its date the registrar takes it out of the zone
//! above, and caches serve it for a while longer, so that nobody understands what happens. Its registration tells that
//! beforehand. A registry's silence is never blamed on the domain: many publish no date, and some nothing at all.
//!
//! ```
//! use mx_check::registration::{self, Options};
//! use probe_core::{Context, HostName};
//! use probe_net::{Log, Net};
//!
//! # async fn ask(net: Net, domain: HostName) {
//! let (options, mut log) = (Options::default(), Log::begin(&Context::default()));
//! let facts = registration::look_up(&net, &domain, &options, &mut log).await;
//! for finding in registration::judge(&facts, log.now(), options.thresholds()) {
//!     println!("{}: {finding}", finding.code());
//! }
//! # }
//! ```

mod answer;
mod bootstrap;
mod date;
mod dialogue;
mod facts;
mod findings;
mod lifecycle;
mod lines;
mod lookup;
mod options;
mod rdap;
mod servers;
mod status;
mod whois;

pub use answer::Answer;
pub use bootstrap::{Bootstrap, BootstrapError};
pub use facts::{Asked, Ds, Expiry, Registrar, Registration, RegistrationFacts, Source, State};
pub use findings::{FINDINGS, compare, judge};
pub use lifecycle::{Holder, Lifecycle};
pub use lookup::{look_up, registered};
pub use options::{Options, Thresholds};
pub use status::Status;

use probe_core::Phase;

/// The dialogue with a registry's WHOIS server.
pub const WHOIS: Phase = Phase::new("whois");
