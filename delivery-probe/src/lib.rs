#![doc = include_str!("../README.md")]

mod bounce;
mod canary;
mod mime;
mod recognise;
mod status;
mod token;

pub use bounce::{Action, Bounce, BounceForm, Notice};
pub use canary::{Canary, CanaryError, Draft};
pub use recognise::{Deletable, Known, Recogniser, Recognition, Remnant};
pub use status::{Cause, Status};
pub use token::{
    Claims, Form, Key, KeyError, Keys, KindError, Name, NameError, Nonce, NonceError, Size, Tag,
    Token, TokenError,
};
