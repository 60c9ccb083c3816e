//! `mailprobe smtp` and `mailprobe lmtp`.

use core::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use probe_core::{AnyProbe, HostName, Target, Verdict};
use probe_net::tls::{self, Dane, MtaSts, MxPattern, PolicyMode, Tlsa};
use smtp_probe::{
    Address, EhloName, EnvelopeId, Expectation, Introduction, Message, Notify, Options, Protocol,
    RelayTest, Return, Sender, SmtpProbe, Stage, Transfer, UserName,
};

use super::credentials::Credentials;
use super::link::Link;
use super::{Mistake, Surroundings};

#[derive(Args, Debug)]
pub(super) struct Smtp {
    /// The servers: HOST or HOST:PORT; if no port is named, 25 for SMTP and 24 for LMTP
    #[arg(required = true, value_name = "HOST[:PORT]")]
    targets: Vec<Target>,
    /// What the probe calls itself: a host name or an address literal
    #[arg(long, value_name = "NAME")]
    ehlo: Option<EhloName>,
    #[command(flatten)]
    questions: Questions,
    #[command(flatten)]
    envelope: Envelope,
    #[command(flatten)]
    published: Published,
    #[command(flatten)]
    link: Link,
    #[command(flatten)]
    credentials: Credentials,
    #[command(flatten)]
    surroundings: Surroundings,
}

/// What the server's domain has published about its TLS.
#[derive(Args, Debug)]
#[command(next_help_heading = "TLS")]
struct Published {
    /// Expects a certificate that fits this TLSA record of the server, such as "3 1 1 ab12..."; of
    /// several, one of them
    #[arg(long, value_name = "RECORD")]
    tlsa: Vec<Tlsa>,
    /// Expects the certificate to name this, the mail domain or the name of the server before an alias, where the
    /// record names an authority (repeatable)
    #[arg(long, value_name = "NAME", requires = "tlsa")]
    tlsa_name: Vec<HostName>,
    /// Expects what a domain's MTA-STS policy (mode enforce) with this mx expects; one for each mx
    #[arg(long, value_name = "PATTERN")]
    mta_sts_mx: Vec<MxPattern>,
    /// The policy is in mode testing: what does not fit it is a warning
    #[arg(long, requires = "mta_sts_mx")]
    mta_sts_testing: bool,
    /// Expects STARTTLS to be offered, as on this day: where it is not, somebody in between has taken it away
    #[arg(long, value_name = "DAY", value_parser = day)]
    starttls_seen: Option<SystemTime>,
}

/// What more is asked.
#[derive(Args, Debug)]
#[command(next_help_heading = "Questions")]
struct Questions {
    /// Introduces itself by HELO alone, as before 1995
    #[arg(long, conflicts_with = "user")]
    helo: bool,
    /// Expects a reply at greeting, ehlo, starttls, auth, mail or rcpt: a code, 5xx, or words in it (repeatable)
    #[arg(long, value_name = "STAGE=REPLY", value_parser = expectation)]
    expect: Vec<(Stage, Expectation)>,
    /// Expects the login to be refused: success is critical
    #[arg(long, requires = "user")]
    expect_refusal: bool,
    /// Asks what NTLM's challenge tells of the server, where that is offered; no secret is sent
    #[arg(long, conflicts_with = "helo")]
    ntlm_facts: bool,
    /// Tries whether a command in clear behind STARTTLS is carried out under TLS (CVE-2011-0411); nothing
    /// else is asked with it
    #[arg(long, conflicts_with_all = ["user", "helo", "to", "from", "relay_test", "noops", "verify"])]
    injection_test: bool,
    /// Tries whether the server relays from this address of yours to that; 18 forms, and no mail is sent
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"], conflicts_with = "user")]
    relay_test: Vec<Address>,
    /// Leaves as soon as the server has answered at greeting, ehlo, starttls, auth, mail or rcpt
    #[arg(long, value_name = "STAGE")]
    quit_after: Option<Stage>,
    /// Says NOOP so many times and tells how long the answers took
    #[arg(long, value_name = "TIMES", default_value_t = 0)]
    noops: u16,
    /// Expects the server to call itself by this name, which its address has in reverse DNS (repeatable)
    #[arg(long, value_name = "NAME")]
    reverse_name: Vec<HostName>,
    /// Asks by VRFY and EXPN for this name: does the server tell strangers who is there? (repeatable)
    #[arg(long, value_name = "NAME")]
    verify: Vec<UserName>,
}

/// An envelope that is shown and taken back, unless there is a message.
#[derive(Args, Debug)]
#[command(next_help_heading = "Envelope")]
struct Envelope {
    /// Asks whether mail of this sender is taken; <> is nobody, and the default
    #[arg(long, value_name = "ADDRESS")]
    from: Option<Sender>,
    /// Asks whether mail for this recipient is taken (repeatable; the order is kept)
    #[arg(long, value_name = "ADDRESS")]
    to: Vec<Address>,
    /// Asks also for a name that nobody has: does the server take any?
    #[arg(long, requires = "to")]
    catch_all: bool,
    /// Asks whether a message of so many octets is taken
    #[arg(long, value_name = "OCTETS")]
    size: Option<u64>,
    /// Says that the message has lines of eight bits
    #[arg(long)]
    eight_bit: bool,
    /// Says that the message may travel over verified TLS only
    #[arg(long)]
    require_tls: bool,
    /// Sends the message in this file to the recipients that are accepted: without it, no mail is sent
    #[arg(
        long,
        value_name = "FILE",
        requires = "to",
        conflicts_with = "catch_all"
    )]
    message: Option<PathBuf>,
    /// Tries instead whether the server sees an end in the message where there is none (SMTP smuggling):
    /// only if it does, the message arrives
    #[arg(long, requires = "message")]
    smuggling_test: bool,
    /// Sends it by DATA even where the server takes chunks
    #[arg(long, requires = "message")]
    data: bool,
    /// Says when a report is wanted: never, or some of success,failure,delay
    #[arg(long, value_name = "WHEN", requires = "to")]
    notify: Option<Notify>,
    /// Says what a report is to contain of the message: full or headers
    #[arg(long, value_name = "WHAT")]
    returned: Option<Return>,
    /// Says by which name a report is to call the envelope
    #[arg(long, value_name = "TEXT")]
    envelope_id: Option<EnvelopeId>,
}

impl Smtp {
    pub(super) fn run(&self, protocol: Protocol) -> Result<Verdict, Mistake> {
        let probe = self.probe(protocol)?;
        self.surroundings.ask(&self.targets, &AnyProbe::new(probe))
    }

    fn probe(&self, protocol: Protocol) -> Result<SmtpProbe, Mistake> {
        let mut options = SmtpProbe::builder(self.surroundings.net()?)
            .protocol(protocol)
            .every_address(self.link.every_address)
            .secrets_over(self.credentials.secrets_over());
        if let Some(security) = self.link.security() {
            options = options.security(security);
        }
        if let Some(name) = &self.link.server_name {
            options = options.server_name(name.clone());
        }
        if let Some(name) = &self.ehlo {
            options = options.ehlo_name(name.clone());
        }
        if let Some(credentials) = self.credentials.read()? {
            options = options.credentials(credentials);
        }
        if !self.credentials.mechanisms().is_empty() {
            options = options.mechanisms(self.credentials.mechanisms());
        }
        let options = options.expect_tls(self.published.expectation()?);
        let options = self.questions.ask(options)?;
        self.envelope.ask(options)?.build().map_err(Mistake::new)
    }
}

impl Published {
    fn expectation(&self) -> Result<tls::Expectation, Mistake> {
        let mut expectation = tls::Expectation::default();
        if !self.tlsa.is_empty() {
            let dane = Dane::new(self.tlsa.clone()).map_err(Mistake::new)?;
            let dane = self
                .tlsa_name
                .iter()
                .cloned()
                .fold(dane, Dane::with_reference);
            expectation = expectation.with_dane(dane);
        }
        if !self.mta_sts_mx.is_empty() {
            let mode = match self.mta_sts_testing {
                true => PolicyMode::Testing,
                false => PolicyMode::Enforce,
            };
            let policy = MtaSts::new(mode, self.mta_sts_mx.clone());
            expectation = expectation.with_mta_sts(policy);
        }
        if let Some(at) = self.starttls_seen {
            expectation = expectation.with_starttls_seen(at);
        }
        Ok(expectation)
    }
}

impl Questions {
    fn ask(&self, options: Options) -> Result<Options, Mistake> {
        let mut options = options
            .expect_refusal(self.expect_refusal)
            .noops(self.noops)
            .ntlm_facts(self.ntlm_facts)
            .injection_test(self.injection_test)
            .reverse_names(&self.reverse_name)
            .verify(&self.verify);
        if self.helo {
            options = options.introduction(Introduction::Helo);
        }
        for (stage, expected) in &self.expect {
            options = options.expect(*stage, expected.clone());
        }
        if let Some(stage) = self.quit_after {
            options = options.quit_after(stage);
        }
        let [sender, recipient] = self.relay_test.as_slice() else {
            return Ok(options);
        };
        let test = RelayTest::new(sender.clone(), recipient.clone()).map_err(Mistake::new)?;
        Ok(options.relay_test(test))
    }
}

/// A message from a file. One whose lines all end in LF, as files have it, gets CR LF.
fn read_message(file: &Path) -> Result<Message, Mistake> {
    let describe = |why: &dyn Display| Mistake::new(format!("{}: {why}", file.display()));
    let bytes = fs::read(file).map_err(|error| describe(&error))?;
    let bytes = match bytes.contains(&b'\r') {
        true => bytes,
        false => {
            let lines = bytes.split(|byte| *byte == b'\n');
            lines.collect::<Vec<_>>().join(&b"\r\n"[..])
        }
    };
    Message::new(bytes).map_err(|error| describe(&error))
}

fn day(text: &str) -> Result<SystemTime, String> {
    let time = humantime::parse_rfc3339(&format!("{text}T00:00:00Z"));
    time.map_err(|_| "a day is written 2026-11-24".to_owned())
}

fn expectation(text: &str) -> Result<(Stage, Expectation), String> {
    let (stage, expected) = text.split_once('=').ok_or("it is written STAGE=REPLY")?;
    let stage = stage.parse::<Stage>().map_err(|error| error.to_string())?;
    let expected = expected.parse::<Expectation>();
    Ok((stage, expected.map_err(|error| error.to_string())?))
}

impl Envelope {
    fn ask(&self, options: Options) -> Result<Options, Mistake> {
        let mut options = options
            .recipients(&self.to)
            .catch_all(self.catch_all)
            .smuggling_test(self.smuggling_test)
            .eight_bit(self.eight_bit)
            .require_tls(self.require_tls);
        if let Some(sender) = &self.from {
            options = options.sender(sender.clone());
        }
        if let Some(octets) = self.size {
            options = options.message_size(octets);
        }
        if let Some(when) = &self.notify {
            options = options.notify(when.clone());
        }
        if let Some(what) = self.returned {
            options = options.returned(what);
        }
        if let Some(id) = &self.envelope_id {
            options = options.envelope_id(id.clone());
        }
        if self.data {
            options = options.transfer(Transfer::Data);
        }
        match &self.message {
            Some(file) => Ok(options.message(read_message(file)?)),
            None => Ok(options),
        }
    }
}
