#![doc = include_str!("../README.md")]

#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod wbxml;
