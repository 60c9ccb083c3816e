//! The one loop: all input and output, deadlines, limits, timing, transcript, redaction and the STARTTLS
//! rule, for every protocol.

use std::collections::VecDeque;

use probe_core::{Direction, Failure, FailureKind, Phase};
use tokio::time::{Duration, Instant, timeout_at};

use crate::codec::excerpt;
use crate::tls::{self, STARTTLS_INJECTION};
use crate::wire::Received;
use crate::{Codec, Decoded, Dialogue, Event, Layer, Log, Malformed, Outgoing, Step, Wire};

/// Leads a dialogue over a wire to its end, or to where it [pauses](Step::Pause).
///
/// Dropping future and wire closes the connection.
///
/// # Errors
/// Whatever ended the dialogue early. What was learned until then is in the dialogue and in the log.
pub async fn drive<D: Dialogue>(
    dialogue: &mut D,
    codec: &mut D::Codec,
    wire: &mut Wire,
    log: &mut Log,
) -> Result<(), Failure> {
    let mut driver = Driver::new(codec, wire, log);
    let event = driver.first_event();
    driver.lead(dialogue, event).await
}

/// Goes on with a dialogue that paused, over the same wire.
///
/// # Errors
/// As [`drive`].
pub async fn resume<D: Dialogue>(
    dialogue: &mut D,
    codec: &mut D::Codec,
    wire: &mut Wire,
    log: &mut Log,
) -> Result<(), Failure> {
    let mut driver = Driver::new(codec, wire, log);
    driver.lead(dialogue, Event::Resumed).await
}

struct Driver<'a, C> {
    codec: &'a mut C,
    wire: &'a mut Wire,
    log: &'a mut Log,
    /// Commands whose answers are still to come, and when they were said.
    sent: VecDeque<(Phase, Instant)>,
    /// What the last wait was for, and how long it was.
    took: Option<(Phase, Duration)>,
}

impl<'a, C: Codec> Driver<'a, C> {
    fn new(codec: &'a mut C, wire: &'a mut Wire, log: &'a mut Log) -> Self {
        Self {
            codec,
            wire,
            log,
            sent: VecDeque::new(),
            took: None,
        }
    }

    async fn lead<D: Dialogue<Codec = C>>(
        &mut self,
        dialogue: &mut D,
        mut event: Event<C::Reply>,
    ) -> Result<(), Failure> {
        loop {
            if let Some((phase, time)) = self.took.take() {
                dialogue.took(phase, time);
            }
            // A machine that refuses to go on has heard a whole reply: it stands between two commands, where a
            // farewell is understood. After any other failure the connection is only dropped.
            let step = match dialogue.next(event) {
                Ok(step) => step,
                Err(failure) => {
                    self.farewell(dialogue).await;
                    return Err(failure);
                }
            };
            event = match step {
                Step::Await { phase, patience } => self.listen(phase, patience).await?,
                Step::Send { commands, patience } => match self.say(commands, patience).await {
                    // Nothing was written, so this too is between two commands.
                    Err(withheld) if withheld.kind == FailureKind::Withheld => {
                        self.farewell(dialogue).await;
                        return Err(withheld);
                    }
                    said => said?,
                },
                #[cfg(feature = "deflate")]
                Step::Upgrade(Layer::Deflate) => self.compress()?,
                Step::Upgrade(Layer::Tls) => self.upgrade().await?,
                Step::Pause => return Ok(()),
                Step::Done => {
                    self.wire.close().await;
                    return Ok(());
                }
            };
        }
    }

    fn first_event(&self) -> Event<C::Reply> {
        match self.wire.tls() {
            Some(facts) => Event::Secured(facts),
            None => Event::Connected,
        }
    }

    async fn say(
        &mut self,
        commands: Vec<(Phase, C::Command)>,
        patience: Option<Duration>,
    ) -> Result<Event<C::Reply>, Failure> {
        let begun = Instant::now();
        let mut outgoing = Outgoing::default();
        for (_, command) in &commands {
            self.codec.encode(command, &mut outgoing);
        }
        let Some((phase, _)) = commands.first() else {
            let detail = "the dialogue said nothing and waits for an answer";
            return Err(Failure::new(Phase::GREETING, FailureKind::Local, detail));
        };
        let phase = *phase;
        self.write(phase, &outgoing, self.log.limit(phase, begun))
            .await?;
        self.sent = commands.iter().map(|(phase, _)| (*phase, begun)).collect();
        self.listen(phase, patience).await
    }

    async fn write(
        &mut self,
        phase: Phase,
        outgoing: &Outgoing,
        limit: Instant,
    ) -> Result<(), Failure> {
        let begun = Instant::now();
        self.wire.admit(phase, outgoing)?;
        if self.log.is_verbose() {
            self.log.say(Direction::Sent, outgoing.redacted());
        }
        match timeout_at(limit, self.wire.write(outgoing.bytes())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                self.overhear(limit).await;
                self.log.book(phase, begun);
                let detail = format!("the connection broke while we spoke: {error}");
                Err(self.quoting(Failure::new(phase, FailureKind::Closed, detail)))
            }
            Err(_) => {
                self.log.book(phase, begun);
                Err(Log::out_of_time(phase, begun))
            }
        }
    }

    /// Reads what the server said before it hung up on us: most often why.
    async fn overhear(&mut self, limit: Instant) {
        let until = limit.min(Instant::now() + Log::FAREWELL);
        while let Ok(Ok(Received::Bytes)) = timeout_at(until, self.wire.read()).await {}
        let last_words = self.wire.unread();
        if !last_words.is_empty() && self.log.is_verbose() {
            self.log.say(Direction::Received, last_words);
        }
    }

    async fn listen(
        &mut self,
        phase: Phase,
        patience: Option<Duration>,
    ) -> Result<Event<C::Reply>, Failure> {
        let now = Instant::now();
        let begun = match self.sent.front() {
            Some((awaited, said)) if *awaited == phase => {
                let said = *said;
                self.sent.pop_front();
                said
            }
            _ => now,
        };
        let event = self.hear(phase, patience, now).await;
        self.log.book(phase, begun);
        self.took = Some((phase, begun.elapsed()));
        event
    }

    async fn hear(
        &mut self,
        phase: Phase,
        patience: Option<Duration>,
        begun: Instant,
    ) -> Result<Event<C::Reply>, Failure> {
        let limit = self.log.limit(phase, begun);
        let patient_until = patience.map(|patience| begun + patience);
        loop {
            if let Some(reply) = self.decode(phase)? {
                return Ok(Event::Reply(reply));
            }
            let until = patient_until.map_or(limit, |patient| patient.min(limit));
            match timeout_at(until, self.wire.read()).await {
                Ok(Ok(Received::Bytes)) => {}
                Ok(Ok(Received::End)) if patience.is_some() => return Ok(Event::Closed),
                Ok(Err(_)) if patience.is_some() => return Ok(Event::Closed),
                Ok(Ok(Received::End)) => return Err(self.closed(phase, "the server hung up")),
                Ok(Ok(Received::Full)) => {
                    let malformed = Malformed::too_large("a reply", Wire::LIMIT);
                    return Err(self.too_large(phase, malformed));
                }
                #[cfg(feature = "deflate")]
                Ok(Ok(Received::Garbled)) => return Err(self.garbled(phase)),
                Ok(Err(error)) => return Err(self.broken(phase, &error)),
                // Also where the deadline came first: what a machine need not hear is no failure.
                Err(_) if patience.is_some() => return Ok(Event::Silence),
                Err(_) => return Err(self.timeout(phase, begun)),
            }
        }
    }

    fn decode(&mut self, phase: Phase) -> Result<Option<C::Reply>, Failure> {
        if self.wire.unread().is_empty() {
            return Ok(None);
        }
        match self
            .codec
            .decode(self.wire.unread(), &mut self.log.oddities)
        {
            Ok(Decoded::Partial) => Ok(None),
            Ok(Decoded::Frame { reply, used }) => {
                if self.log.is_verbose() {
                    let heard = self.wire.unread().get(..used).unwrap_or_default();
                    self.log.say(Direction::Received, heard);
                }
                self.wire.consume(used);
                Ok(Some(reply))
            }
            Err(malformed) => Err(self.too_large(phase, malformed)),
        }
    }

    async fn upgrade(&mut self) -> Result<Event<C::Reply>, Failure> {
        self.sent.clear();
        // RFC 3207 section 6, RFC 2595 section 3.1: whatever stands behind the go-ahead was said in clear
        // and would be read as if it had come through TLS.
        let early = self.wire.unread();
        if !early.is_empty() {
            self.log.oddities.note(&STARTTLS_INJECTION, early);
            self.log.say(Direction::Received, early);
            let detail = "bytes stood behind the go-ahead for TLS; they were not read";
            return Err(Failure::new(Phase::STARTTLS, FailureKind::Protocol, detail)
                .with_reply(excerpt(early)));
        }
        self.wire.secure(self.log).await?;
        Ok(self.first_event())
    }

    #[cfg(feature = "deflate")]
    fn compress(&mut self) -> Result<Event<C::Reply>, Failure> {
        self.sent.clear();
        // RFC 4978 section 3: the server compresses right behind its OK, with nothing to wait for, so what waits here
        // is the beginning of its stream. That is no injection as before TLS: deflate proves nothing about who speaks,
        // and whoever could put bytes here could put them a moment later too. Where TLS stands, it has proved them.
        self.wire.compress()?;
        self.log.remark(|| "compressed from here on".to_owned());
        Ok(Event::Layered)
    }

    /// Says goodbye within the time kept back for it, whether or not anybody listens.
    async fn farewell<D: Dialogue<Codec = C>>(&mut self, dialogue: &D) {
        // Where an answer is still to come, the server may stand inside a message.
        let Some(command) = dialogue.farewell().filter(|_| self.sent.is_empty()) else {
            return;
        };
        let mut outgoing = Outgoing::default();
        self.codec.encode(&command, &mut outgoing);
        let limit = self.log.last_call();
        let wait = limit.min(Instant::now() + Log::FAREWELL);
        if self.write(Phase::QUIT, &outgoing, wait).await.is_ok() {
            let _ = timeout_at(wait, self.wire.read()).await;
        }
        self.wire.close().await;
    }

    /// A TLS 1.3 server refuses a client certificate only after the handshake, by an alert in the stream.
    fn broken(&mut self, phase: Phase, error: &std::io::Error) -> Failure {
        match tls::alert(error) {
            Some(alert) => tls::refused(phase, alert, &mut self.log.oddities),
            None => self.closed(phase, &format!("the connection broke: {error}")),
        }
    }

    fn closed(&mut self, phase: Phase, how: &str) -> Failure {
        self.log.remark(|| how.to_owned());
        self.quoting(Failure::new(phase, FailureKind::Closed, how))
    }

    #[cfg(feature = "deflate")]
    fn garbled(&mut self, phase: Phase) -> Failure {
        let detail = "the compressed stream is broken";
        self.log.remark(|| detail.to_owned());
        self.quoting(Failure::new(phase, FailureKind::Protocol, detail))
    }

    fn timeout(&mut self, phase: Phase, begun: Instant) -> Failure {
        self.quoting(Log::out_of_time(phase, begun))
    }

    /// With what has come of a reply that was not finished.
    fn quoting(&self, failure: Failure) -> Failure {
        match self.wire.unread() {
            [] => failure,
            partial => failure.with_reply(excerpt(partial)),
        }
    }

    fn too_large(&mut self, phase: Phase, malformed: Malformed) -> Failure {
        let start = excerpt(self.wire.unread());
        Failure::new(phase, FailureKind::TooLarge, malformed.to_string()).with_reply(start)
    }
}
