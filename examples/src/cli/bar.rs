//! How far it is, drawn where somebody watches.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::Output;
use crate::format::Format;

/// A bar that is drawn from a thread of its own, until it is dropped.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// So many of so many, as `count` says them; `None` where nobody watches. `what` they are stands behind them.
    pub(super) fn draw(
        output: &Output,
        what: &str,
        count: impl Fn() -> (u64, u64) + Send + 'static,
    ) -> Option<Self> {
        if !std::io::stderr().is_terminal() || output.format != Format::Text {
            return None;
        }
        let bar = ProgressBar::new(0);
        let style =
            ProgressStyle::with_template(&format!("{{wide_bar}} {{pos}} of {{len}} {what}"));
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let drawn = bar.clone();
        std::thread::spawn(move || {
            while !drawn.is_finished() {
                let (done, all) = count();
                drawn.set_length(all);
                drawn.set_position(done);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        Some(Self(bar))
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
