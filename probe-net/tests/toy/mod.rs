//! A protocol small enough to be seen at a glance, for tests of what serves every protocol: lines both ways,
//! and a machine that does one thing after the other and writes down what happened. What each test expects is
//! in the test.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "these are tests, and each file of them uses a part"
)]

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use probe_core::{
    Context, Failure, FailureKind, Finding, FindingKind, Metric, Phase, Record, Report, Severity,
    Target, Unit,
};
use probe_net::frame::Lines;
use probe_net::tls::{SecretsOver, Tls, TlsFacts};
use probe_net::{
    Codec, Decoded, Dialogue, Event, Layer, Log, Malformed, Oddities, Outgoing, Step, Transport,
    Wire, drive,
};
use probe_testkit::{Authority, Conversation, MemoryPeer, Script};

pub(crate) const NAME: &str = "mx.example.test";
pub(crate) const ONE: Phase = Phase::new("one");
pub(crate) const TWO: Phase = Phase::new("two");
pub(crate) const THREE: Phase = Phase::new("three");

/// The longest line of the toy protocol, its end not counted.
pub(crate) const LONGEST: usize = 40;

pub(crate) static SHOUTING: FindingKind = FindingKind::new(
    "toy.shouting",
    Severity::Info,
    "the server shouts",
    "Ask it to whisper.",
);

/// What we say: one line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Word {
    Line(&'static str),
    /// `pass …`, and nobody may see what.
    Password(&'static str),
}

/// Lines both ways; a reply is a line's text. A line that ends in `!` is tolerated and noted.
#[derive(Debug, Default)]
pub(crate) struct Toy {
    lines: Lines,
}

impl Codec for Toy {
    type Command = Word;
    type Reply = String;

    fn encode(&mut self, command: &Word, out: &mut Outgoing) {
        match command {
            Word::Line(line) => out.put(line.as_bytes()),
            Word::Password(password) => {
                out.put(b"pass ");
                out.put_secret(password.as_bytes());
            }
        }
        out.put(b"\r\n");
    }

    fn decode(
        &mut self,
        input: &[u8],
        oddities: &mut Oddities,
    ) -> Result<Decoded<String>, Malformed> {
        let found = self.lines.next(input);
        let length = found.map_or(self.lines.pending(), |line| line.end - line.start);
        if length > LONGEST {
            return Err(Malformed::too_large("a line", LONGEST));
        }
        let Some(line) = found else {
            return Ok(Decoded::Partial);
        };
        self.lines.restart();
        let text = input.get(line.start..line.end).unwrap_or_default();
        if text.ends_with(b"!") {
            oddities.note(&SHOUTING, text);
        }
        Ok(Decoded::Frame {
            reply: String::from_utf8_lossy(text).into_owned(),
            used: line.next,
        })
    }
}

/// A machine that takes its steps one after the other, whatever happens, and writes down what did. A reply
/// that begins with `no` fails it in the phase it stands in.
#[derive(Debug, Default)]
pub(crate) struct Recital {
    steps: VecDeque<Step<Word>>,
    farewell: Option<Word>,
    phase: Option<Phase>,
    pub(crate) heard: Vec<String>,
    pub(crate) tls: Option<Arc<TlsFacts>>,
}

impl Recital {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step<Word>>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            ..Self::default()
        }
    }

    pub(crate) fn with_farewell(mut self, word: &'static str) -> Self {
        self.farewell = Some(Word::Line(word));
        self
    }
}

impl Dialogue for Recital {
    type Codec = Toy;

    fn next(&mut self, event: Event<String>) -> Result<Step<Word>, Failure> {
        self.heard.push(match event {
            Event::Closed => "(closed)".to_owned(),
            Event::Connected => "(connected)".to_owned(),
            Event::Layered => "(layered)".to_owned(),
            Event::Reply(reply) => reply,
            Event::Secured(facts) => {
                self.tls = Some(facts);
                "(secured)".to_owned()
            }
            Event::Silence => "(silence)".to_owned(),
            _ => "(something new)".to_owned(),
        });
        if let Some(no) = self.heard.last().filter(|heard| heard.starts_with("no")) {
            let phase = self.phase.unwrap_or(Phase::GREETING);
            let failure = Failure::new(phase, FailureKind::Permanent, "the server said no");
            return Err(failure.with_reply(no.as_bytes()));
        }
        let step = self.steps.pop_front().unwrap_or(Step::Done);
        self.phase = match &step {
            Step::Await { phase, .. } => Some(*phase),
            Step::Send { commands, .. } => commands.first().map(|(phase, _)| *phase),
            _ => self.phase,
        };
        Ok(step)
    }

    fn farewell(&self) -> Option<Word> {
        self.farewell
    }
}

/// What the toy learns.
#[derive(Debug)]
pub(crate) struct ToyFacts(pub(crate) Vec<String>);

impl probe_core::Facts for ToyFacts {
    fn record(&self, out: &mut Record) {
        out.set("heard", self.0.clone());
        let count = u64::try_from(self.0.len()).unwrap_or_default();
        out.metric("count", Metric::whole("toy_heard", Unit::Count, count));
    }
}

/// One run, seen from both sides.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) report: Report<ToyFacts>,
    pub(crate) tls: Option<Arc<TlsFacts>>,
    pub(crate) conversation: Conversation,
}

impl Run {
    pub(crate) fn heard(&self) -> Vec<&str> {
        self.report.facts.0.iter().map(String::as_str).collect()
    }

    /// Phase, start and duration in milliseconds.
    pub(crate) fn spans(&self) -> Vec<(&'static str, u128, u128)> {
        let span = |span: &probe_core::Span| {
            (
                span.phase.as_str(),
                span.start.as_millis(),
                span.duration.as_millis(),
            )
        };
        self.report.spans.iter().map(span).collect()
    }

    #[track_caller]
    pub(crate) fn failure(&self) -> &Failure {
        self.report.failure.as_ref().unwrap()
    }

    /// Phase and kind of the failure, if there is one.
    pub(crate) fn stopped(&self) -> Option<(&'static str, FailureKind)> {
        let failure = self.report.failure.as_ref()?;
        Some((failure.phase.as_str(), failure.kind))
    }

    /// The words that caused the failure.
    pub(crate) fn last_words(&self) -> Option<&str> {
        let reply = self.report.failure.as_ref()?.reply.as_deref()?;
        Some(core::str::from_utf8(reply).unwrap())
    }

    pub(crate) fn codes(&self) -> Vec<&'static str> {
        self.report.findings.iter().map(Finding::code).collect()
    }

    pub(crate) fn transcript(&self) -> Vec<String> {
        let line = |line: &probe_core::Line| format!("{} {}", line.direction.mark(), line.text);
        self.report.transcript.lines().iter().map(line).collect()
    }
}

/// How the toy is played.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) cx: Context,
    pub(crate) tls: Tls,
    pub(crate) name: &'static str,
    pub(crate) secrets_over: SecretsOver,
    pub(crate) implicit_tls: bool,
}

impl Stage {
    /// In clear, trusting nobody.
    pub(crate) fn clear() -> Self {
        Self {
            cx: Context::default(),
            tls: tls(rustls::RootCertStore::empty()),
            name: NAME,
            secrets_over: SecretsOver::VerifiedTls,
            implicit_tls: false,
        }
    }

    /// TLS from the first byte.
    pub(crate) fn implicit(ca: &Authority) -> Self {
        Self {
            implicit_tls: true,
            ..Self::upgrading(ca)
        }
    }

    /// In clear until the machine asks for TLS.
    pub(crate) fn upgrading(ca: &Authority) -> Self {
        Self {
            tls: tls(ca.roots()),
            ..Self::clear()
        }
    }

    /// In memory; the pieces of one probe in the order in which a real one has them.
    pub(crate) async fn play(&self, script: &Script, recital: Recital) -> Run {
        let (stream, peer) = script.in_memory();
        self.play_over(stream, peer, recital).await
    }

    pub(crate) async fn play_over(
        &self,
        stream: impl Transport + 'static,
        peer: MemoryPeer,
        mut recital: Recital,
    ) -> Run {
        let mut log = Log::begin(&self.cx);
        let name = self.name.try_into().unwrap();
        let mut wire = Wire::new(stream, self.tls.clone(), name, self.secrets_over);
        let mut outcome = Ok(());
        if self.implicit_tls {
            outcome = wire.secure(&mut log).await;
        }
        if outcome.is_ok() {
            outcome = drive(&mut recital, &mut Toy::default(), &mut wire, &mut log).await;
        }
        let tls = wire.tls_facts().cloned();
        drop(wire);
        let target = Target::host(NAME.parse::<probe_core::Host>().unwrap(), 7);
        let facts = ToyFacts(recital.heard);
        let mut report = Report::new("toy", target, SystemTime::UNIX_EPOCH, facts);
        report.failure = outcome.err();
        log.close(&mut report);
        Run {
            report,
            tls,
            conversation: peer.finish().await,
        }
    }
}

/// TLS with these roots, whatever features are on.
pub(crate) fn tls(roots: rustls::RootCertStore) -> Tls {
    Tls::new(Arc::new(rustls::crypto::ring::default_provider()), roots).unwrap()
}

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Says one line.
pub(crate) fn say(phase: Phase, line: &'static str) -> Step<Word> {
    Step::say(phase, Word::Line(line))
}

/// Waits for as long as the driver will.
pub(crate) fn wait(phase: Phase) -> Step<Word> {
    Step::wait(phase)
}

/// Waits with a patience of one's own.
pub(crate) fn wait_for(phase: Phase, milliseconds: u64) -> Step<Word> {
    Step::Await {
        phase,
        patience: Some(ms(milliseconds)),
    }
}

pub(crate) fn upgrade() -> Step<Word> {
    Step::Upgrade(Layer::Tls)
}
