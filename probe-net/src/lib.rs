#![doc = include_str!("../README.md")]

mod codec;
mod datagrams;
#[cfg(feature = "deflate")]
mod deflate;
mod dial;
mod dialogue;
#[cfg(feature = "dns")]
pub mod dns;
mod drive;
mod echo;
pub mod frame;
#[cfg(all(
    feature = "dns",
    feature = "http",
    feature = "message",
    any(test, feature = "fuzzing")
))]
pub mod fuzzing;
#[cfg(feature = "http")]
pub mod http;
mod instant;
mod latencies;
mod log;
#[cfg(feature = "message")]
pub mod message;
#[cfg(feature = "names")]
pub mod names;
mod net;
mod proxy;
mod resolve;
#[cfg(feature = "sasl")]
pub mod sasl;
mod service;
pub mod tls;
mod wire;
pub mod xml;

pub use codec::{Codec, Decoded, Malformed, Oddities, Outgoing, excerpt};
pub use datagrams::Datagrams;
pub use dial::{ADDRESS_FAILED, Endpoint};
pub use dialogue::{CommandOf, Dialogue, Event, Layer, ReplyOf, Step};
pub use drive::{drive, resume};
pub use latencies::Latencies;
pub use log::Log;
pub use net::{Family, Net};
pub use proxy::{Proxy, ProxyVersion};
pub use resolve::{Resolve, ResolveError, SystemResolver};
pub use service::{Seen, Service, Session, Stay, probe, stay};
pub use wire::{Ends, Transport, Wire};
