//! How full the queues were at an earlier time, from one run of the tool to the next.

use core::fmt::Display;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process;
use std::time::{Duration, SystemTime};

use clap::Args;
use mailhost_probe::{Sample, SampleError};
use probe_core::Report;

use crate::cli::Mistake;

#[derive(Args, Debug)]
#[command(next_help_heading = "Queue")]
pub(super) struct State {
    /// Keeps in this file how full the queues are, so that the next run tells how fast they grow
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

impl State {
    /// A moment ago is too near: one message more would be very many in an hour.
    const YOUNGEST: Duration = Duration::from_secs(60);

    /// What was counted before: by the file that is kept, or by reports of an earlier run.
    pub(super) fn before(&self, earlier: Option<&Path>) -> Result<Option<Sample>, Mistake> {
        if let Some(file) = &self.state {
            return Ok(kept(file)?.filter(|sample| age(sample) >= Self::YOUNGEST));
        }
        let Some(file) = earlier else {
            return Ok(None);
        };
        let text = fs::read_to_string(file).map_err(|error| about(file, error))?;
        // Reports of something else are compared with by others.
        Ok(Sample::from_json(&text).ok())
    }

    /// Keeps what was counted, unless it could not be read or the file was written a moment ago.
    pub(super) fn keep(&self, reports: &[Report]) -> Result<(), Mistake> {
        let Some(file) = &self.state else {
            return Ok(());
        };
        if kept(file)?.is_some_and(|sample| age(&sample) < Self::YOUNGEST) {
            return Ok(());
        }
        let parts = reports.iter().flat_map(|report| &report.parts);
        let mut reports = reports.iter().chain(parts);
        let queue = reports.find(|report| report.probe == "queue" && report.failure.is_none());
        let Some(queue) = queue else {
            return Ok(());
        };
        // Whoever reads it sees the one or the other, and never a half.
        let mut beside = file.clone().into_os_string();
        beside.push(format!(".{}", process::id()));
        let beside = PathBuf::from(beside);
        let written = fs::write(&beside, queue.to_json() + "\n");
        let written = written.and_then(|()| fs::rename(&beside, file));
        written.map_err(|error| {
            let _ = fs::remove_file(&beside);
            about(file, error)
        })
    }
}

/// What is in the file; nothing where there is none yet. A file of somebody else's is a mistake, and is not written over.
fn kept(file: &Path) -> Result<Option<Sample>, Mistake> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(about(file, error)),
    };
    match Sample::from_json(&text) {
        Ok(sample) => Ok(Some(sample)),
        Err(SampleError::Unread) => Ok(None),
        Err(error) => Err(about(file, error)),
    }
}

fn age(sample: &Sample) -> Duration {
    SystemTime::now()
        .duration_since(sample.at())
        .unwrap_or_default()
}

fn about(file: &Path, why: impl Display) -> Mistake {
    Mistake::new(format!("{}: {why}", file.display()))
}
