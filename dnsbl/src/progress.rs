//! How far a sweep is, for whoever waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many lists are asked, and how many are done with, of all sweeps together that were given this.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    asked: AtomicU64,
    done: AtomicU64,
}

impl Progress {
    /// How many lists are asked.
    pub fn asked(&self) -> u64 {
        self.0.asked.load(Ordering::Relaxed)
    }

    /// How many of them are done with.
    pub fn done(&self) -> u64 {
        self.0.done.load(Ordering::Relaxed)
    }

    pub(crate) fn ask_one(&self) {
        self.0.asked.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end_one(&self) {
        self.0.done.fetch_add(1, Ordering::Relaxed);
    }
}
