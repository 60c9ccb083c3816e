//! The contract of a protocol's machine: told what happened, it says what to do next. It has no socket,
//! no clock and no async, so it can be tested, fuzzed and model-checked by itself.

use core::time::Duration;
use std::sync::Arc;

use probe_core::{Failure, Phase};

use crate::Codec;
use crate::tls::TlsFacts;

/// The command of a dialogue's codec.
pub type CommandOf<D> = <<D as Dialogue>::Codec as Codec>::Command;
/// The reply of a dialogue's codec.
pub type ReplyOf<D> = <<D as Dialogue>::Codec as Codec>::Reply;

/// One protocol's dialogue, from the first word to the last.
///
/// It keeps what it learns as it goes, so that a failure or a deadline loses nothing. It must come to
/// [`Step::Done`] or a failure after a bounded number of events, whatever they are.
pub trait Dialogue {
    /// How its commands and replies look on the wire.
    type Codec: Codec;

    /// What to do, now that this has happened.
    ///
    /// # Errors
    /// The dialogue cannot go on; the driver says [farewell](Dialogue::farewell) and ends.
    fn next(&mut self, event: Event<ReplyOf<Self>>) -> Result<Step<CommandOf<Self>>, Failure>;

    /// How long the event that is told next was waited for, from the command it answers to its last byte: for a
    /// machine that measures one command many times, which the spans show as one.
    fn took(&mut self, phase: Phase, time: Duration) {
        let _ = (phase, time);
    }

    /// What to say before leaving *this* state early: asked after the machine has failed, and after the gate
    /// has kept back what it wanted to say. Most states say nothing: a farewell where the server expects
    /// something else would be taken for it.
    fn farewell(&self) -> Option<CommandOf<Self>>;
}

/// What happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<R> {
    /// The server closed the connection; only told to a machine whose [`Step::Await`] gave a patience.
    Closed,
    /// The connection stands, in clear: the first event where TLS is not implicit.
    Connected,
    /// The layer that [`Step::Upgrade`] asked for stands, one other than TLS. What was learned before still holds.
    Layered,
    /// The server said this.
    Reply(R),
    /// The dialogue goes on after a [pause](Step::Pause).
    Resumed,
    /// TLS stands: the first event where it is implicit, else the one after [`Step::Upgrade`]. Whatever was
    /// learned before must be forgotten.
    Secured(Arc<TlsFacts>),
    /// The patience that [`Step::Await`] gave is over and nothing was said.
    Silence,
}

/// What to do next.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Step<C> {
    /// Wait for the server's next words.
    Await {
        /// What the wait is booked to.
        phase: Phase,
        /// With a patience, silence and closing come to the machine as events; without, the driver ends
        /// the probe with [`Timeout`](probe_core::FailureKind::Timeout) or
        /// [`Closed`](probe_core::FailureKind::Closed).
        patience: Option<Duration>,
    },
    /// The dialogue is over.
    Done,
    /// The dialogue rests, and the connection stays: for whoever has something to do meanwhile, and then
    /// [resumes](crate::resume) it.
    Pause,
    /// Say all of this in one write, then wait for the answer to the first. Each command's answer is booked
    /// to its own phase.
    Send {
        /// What to say, and what the wait for its answer is booked to.
        commands: Vec<(Phase, C)>,
        /// As for [`Step::Await`].
        patience: Option<Duration>,
    },
    /// Put a layer between us and the socket.
    Upgrade(Layer),
}

impl<C> Step<C> {
    /// Waits with the driver's own patience.
    pub const fn wait(phase: Phase) -> Self {
        Self::Await {
            phase,
            patience: None,
        }
    }

    /// Says one thing and waits for its answer.
    pub fn say(phase: Phase, command: C) -> Self {
        Self::Send {
            commands: vec![(phase, command)],
            patience: None,
        }
    }

    /// Says one thing to which there may be no answer.
    pub fn say_in_hope(phase: Phase, command: C, patience: Duration) -> Self {
        Self::Send {
            commands: vec![(phase, command)],
            patience: Some(patience),
        }
    }
}

/// A layer between the dialogue and the socket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Layer {
    /// Raw deflate both ways, after the server's OK to IMAP's COMPRESS (RFC 4978); inside TLS, if that stands.
    ///
    /// Secrets are said before it where that can be: how many bytes they come to tells a little of what they are, also
    /// under TLS.
    #[cfg(feature = "deflate")]
    Deflate,
    /// TLS, after the server's go-ahead (RFC 3207, RFC 2595).
    Tls,
}
