#![doc = include_str!("../README.md")]

mod answer;
mod authority;
mod client_certificate;
mod conversation;
mod corpus;
pub mod fixtures;
mod flaw;
mod forged;
mod handshake;
mod identity;
mod peer;
mod play;
mod script;
mod splits;
mod tls_options;
mod transcript;
mod web;
mod wire;

pub use answer::Answer;
pub use authority::Authority;
pub use client_certificate::ClientCertificate;
pub use conversation::{Agreed, Conversation, Deviation, Early, Ending, Handshake};
pub use corpus::corpus;
pub use flaw::Flaw;
pub use identity::Identity;
pub use peer::{ClosedPort, MemoryPeer, Peer, SilentPort};
pub use script::{Fault, Script};
pub use splits::{cut, cut_at_random, splits};
pub use tls_options::{TlsOptions, TlsVersions};
pub use transcript::{Line, parse_transcript, transcript};
pub use web::{Say, Web, WebRequest};
