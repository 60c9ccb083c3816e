//! Questions to name servers, and what they say: our own exchange, since the operating system's hides who answered, when
//! and how. It keeps no cache, and asks nobody but the servers that it is given.
//!
//! NXDOMAIN is an answer here, and never an error: only that nothing came, or nothing that can be read, is
//! [`Trouble`].
//!
//! ```
//! use probe_net::dns::{Kind, Question, Resolver};
//!
//! # async fn ask() -> Result<(), Box<dyn std::error::Error>> {
//! let resolver = Resolver::new(["192.0.2.53:53".parse()?]);
//! let question = Question::new("example.org".parse()?, Kind::MX);
//! match resolver.ask(question).await {
//!     Ok(answer) => println!("{} from {}: {:?}", answer.rcode, answer.server, answer.answers),
//!     Err(trouble) => println!("{trouble}"),
//! }
//! # Ok(())
//! # }
//! ```

mod answer;
mod datagram;
mod desk;
#[cfg(feature = "dnssec")]
mod dnssec;
#[cfg(any(test, feature = "fuzzing"))]
mod fuzzing;
mod hints;
#[cfg(feature = "http")]
mod https;
mod lane;
mod name;
mod resolver;
mod secured;
mod stream;
mod survey;
mod walk;

pub use answer::{Answer, Data, ExtendedError, Flags, Record, Transport, Trouble};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use fuzzing::converse;

pub use datagram::{Kind, Question, Rcode};
pub use desk::Pace;
#[cfg(feature = "dnssec")]
pub use dnssec::{Chain, Fault, Trust, TrustAnchors, TrustAnchorsError};
pub use hints::{RootHints, RootHintsError};
pub use name::{Name, NameError};
pub use resolver::{Resolver, SystemServersError};
pub use survey::{Ask, Survey, survey};
pub use walk::{Lost, Walk};
