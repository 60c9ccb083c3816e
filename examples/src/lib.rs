#![doc = include_str!("../README.md")]

pub mod check;
pub mod cli;
pub mod demo;
pub mod explain;
pub mod format;
pub mod threshold;
pub mod together;
