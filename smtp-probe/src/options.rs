//! What may be asked. The builder checks everything, so a probe that was built can only find faults of the
//! server.

mod check;

use probe_core::HostName;
use probe_net::Net;
use probe_net::sasl::{Credentials, Mechanism, Nonces};
use probe_net::tls::{self, SecretsOver, Security, Thresholds};

use crate::address::{Address, Sender};
use crate::command::{EhloName, UserName};
use crate::envelope::{EnvelopeId, Notify, Return};
use crate::expectation::{Expectation, Stage};
use crate::message::{Message, Transfer};
use crate::probe::SmtpProbe;
use crate::relay::RelayTest;
use crate::reply::Reply;

pub use check::ConfigError;

/// Everything that can be asked of an SMTP server, and how; made by [`SmtpProbe::builder`].
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[cfg(feature = "ring")] {
/// use probe_net::sasl::Credentials;
/// use probe_net::tls::{Security, Tls};
/// use probe_net::{Net, sasl::Mechanism};
/// use smtp_probe::SmtpProbe;
///
/// # let roots = rustls::RootCertStore::empty();
/// let net = Net::new(Tls::ring(roots));
/// let probe = SmtpProbe::builder(net)
///     .security(Security::Required)
///     .credentials(Credentials::password("alice@example.org", "correct horse")?)
///     .mechanisms(&[Mechanism::ScramSha256, Mechanism::Plain])
///     .build()?;
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are built"]
pub struct Options {
    pub(crate) net: Net,
    pub(crate) security: Option<Security>,
    pub(crate) server_name: Option<HostName>,
    pub(crate) ehlo_name: Option<EhloName>,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) mechanisms: Vec<Mechanism>,
    pub(crate) nonces: Nonces,
    pub(crate) secrets_over: SecretsOver,
    pub(crate) ehlo_after_auth: bool,
    pub(crate) every_address: bool,
    pub(crate) tls_thresholds: Thresholds,
    pub(crate) protocol: Protocol,
    pub(crate) introduction: Introduction,
    pub(crate) expect_refusal: bool,
    pub(crate) expectations: Vec<(Stage, Expectation)>,
    pub(crate) quit_after: Option<Stage>,
    pub(crate) noops: u16,
    pub(crate) verify: Vec<UserName>,
    pub(crate) message: Option<Message>,
    pub(crate) transfer: Transfer,
    pub(crate) relay_test: Option<RelayTest>,
    pub(crate) injection_test: bool,
    pub(crate) smuggling_test: bool,
    pub(crate) sender: Option<Sender>,
    pub(crate) recipients: Vec<Address>,
    pub(crate) catch_all: bool,
    pub(crate) message_size: Option<u64>,
    pub(crate) eight_bit: bool,
    pub(crate) require_tls: bool,
    pub(crate) notify: Option<Notify>,
    pub(crate) returned: Option<Return>,
    pub(crate) envelope_id: Option<EnvelopeId>,
    pub(crate) reverse_names: Vec<HostName>,
    pub(crate) ntlm_facts: bool,
    pub(crate) tls_expectation: tls::Expectation,
}

impl Options {
    /// RFC 5321 section 4.5.3.1.8: so many recipients every server must take.
    pub const RECIPIENTS: usize = 100;

    /// The most names that are asked for by VRFY and EXPN: a polite guest does not read out a whole list.
    pub const NAMES: usize = 16;

    pub(crate) fn new(net: Net) -> Self {
        Self {
            net,
            security: None,
            server_name: None,
            ehlo_name: None,
            credentials: None,
            mechanisms: Mechanism::ALL.to_vec(),
            nonces: Nonces::System,
            secrets_over: SecretsOver::default(),
            ehlo_after_auth: true,
            every_address: false,
            tls_thresholds: Thresholds::default(),
            protocol: Protocol::default(),
            introduction: Introduction::default(),
            expect_refusal: false,
            expectations: Vec::new(),
            quit_after: None,
            noops: 0,
            verify: Vec::new(),
            message: None,
            transfer: Transfer::default(),
            relay_test: None,
            injection_test: false,
            smuggling_test: false,
            sender: None,
            recipients: Vec::new(),
            catch_all: false,
            message_size: None,
            eight_bit: false,
            require_tls: false,
            notify: None,
            returned: None,
            envelope_id: None,
            reverse_names: Vec::new(),
            ntlm_facts: false,
            tls_expectation: tls::Expectation::default(),
        }
    }

    /// Whether and how to encrypt. Without it the port decides: implicit TLS on 465, STARTTLS required on
    /// 587, opportunistic elsewhere.
    pub fn security(mut self, security: Security) -> Self {
        self.security = Some(security);
        self
    }

    /// The name to ask for in TLS and to find in the certificate, where it is not the target's.
    pub fn server_name(mut self, name: HostName) -> Self {
        self.server_name = Some(name);
        self
    }

    /// What to call ourselves. Without it: this machine's host name if it is a full one, else the address
    /// that the connection comes from.
    pub fn ehlo_name(mut self, name: EhloName) -> Self {
        self.ehlo_name = Some(name);
        self
    }

    /// Authenticates.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Authenticates by one of these mechanisms only. Of those that the server offers and that fit the
    /// credentials the strongest is tried; the next one only where the server turns out not to be able to
    /// do it.
    pub fn mechanisms(mut self, mechanisms: &[Mechanism]) -> Self {
        self.mechanisms = mechanisms.to_vec();
        self
    }

    /// Takes SCRAM's nonces from elsewhere: for tests.
    pub fn nonces(mut self, nonces: Nonces) -> Self {
        self.nonces = nonces;
        self
    }

    /// Lets secrets over a weaker channel than TLS that verified.
    pub fn secrets_over(mut self, weakest: SecretsOver) -> Self {
        self.secrets_over = weakest;
        self
    }

    /// Whether to ask for the extensions once more after authentication, where they may differ. On by
    /// default; a server that refuses is a fact, not a failure.
    pub fn ehlo_after_auth(mut self, ask: bool) -> Self {
        self.ehlo_after_auth = ask;
        self
    }

    /// Asks each address of the host by itself, all at once: is every member up? The report has one part
    /// for each. Without it, whichever answers first stands for all.
    pub fn every_address(mut self, each: bool) -> Self {
        self.every_address = each;
        self
    }

    /// When an expiring certificate is worth a word.
    pub fn tls_thresholds(mut self, thresholds: Thresholds) -> Self {
        self.tls_thresholds = thresholds;
        self
    }

    /// Which protocol to speak. By default SMTP.
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// How to introduce ourselves. By default by EHLO.
    pub fn introduction(mut self, how: Introduction) -> Self {
        self.introduction = how;
        self
    }

    /// Whether the login must be refused: credentials that are known to be stolen, or must not work from here. Then
    /// success is critical, and a refusal is all that was asked.
    pub fn expect_refusal(mut self, must_fail: bool) -> Self {
        self.expect_refusal = must_fail;
        self
    }

    /// Expects this reply there, beside what is expected there already. Where a refusal is expected by its code and
    /// comes, the dialogue ends well. What is expected where the dialogue does not come is not judged.
    pub fn expect(mut self, stage: Stage, expected: Expectation) -> Self {
        self.expectations.push((stage, expected));
        self
    }

    /// Leaves as soon as the server has answered there.
    pub fn quit_after(mut self, stage: Stage) -> Self {
        self.quit_after = Some(stage);
        self
    }

    /// Measures the latency of this many NOOPs. Servers that count commands without mail may hang up behind some
    /// dozens.
    pub fn noops(mut self, count: u16) -> Self {
        self.noops = count;
        self
    }

    /// Asks by VRFY and EXPN for these names, to see whether the server tells strangers who is there.
    pub fn verify(mut self, names: &[UserName]) -> Self {
        self.verify = names.to_vec();
        self
    }

    /// Asks whether mail of this sender is taken: MAIL is said, and taken back. Without it, recipients are asked for
    /// with the empty sender, as a bounce would have it.
    pub fn sender(mut self, sender: Sender) -> Self {
        self.sender = Some(sender);
        self
    }

    /// Asks whether mail for these recipients is taken, in this order, and takes the envelope back: no mail is sent.
    pub fn recipients(mut self, recipients: &[Address]) -> Self {
        self.recipients = recipients.to_vec();
        self
    }

    /// Asks, behind all recipients, for one in the domain of the first whose name nobody can have: does the server
    /// take whatever comes?
    pub fn catch_all(mut self, ask: bool) -> Self {
        self.catch_all = ask;
        self
    }

    /// Says that the message would have so many octets, and judges whether that is taken (RFC 1870).
    pub fn message_size(mut self, octets: u64) -> Self {
        self.message_size = Some(octets);
        self
    }

    /// Says that the message would have lines of eight bits (RFC 6152).
    pub fn eight_bit(mut self, is: bool) -> Self {
        self.eight_bit = is;
        self
    }

    /// Says that the message may travel over verified TLS only (RFC 8689).
    pub fn require_tls(mut self, is: bool) -> Self {
        self.require_tls = is;
        self
    }

    /// Says when reports on the delivery would be wanted (RFC 3461).
    pub fn notify(mut self, when: Notify) -> Self {
        self.notify = Some(when);
        self
    }

    /// Says what of the message a report would have to contain (RFC 3461).
    pub fn returned(mut self, what: Return) -> Self {
        self.returned = Some(what);
        self
    }

    /// Says what a report would have to name the envelope by (RFC 3461).
    pub fn envelope_id(mut self, id: EnvelopeId) -> Self {
        self.envelope_id = Some(id);
        self
    }

    /// Judges TLS by what the domain has published: TLSA records, an MTA-STS policy. Looking them up is the caller's.
    ///
    /// Nothing is said otherwise for it. Where they demand TLS, that it is missing or does not fit is critical also
    /// with opportunistic TLS.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[cfg(feature = "ring")] {
    /// use probe_net::Net;
    /// use probe_net::tls::{Dane, Expectation, Tls};
    /// use smtp_probe::SmtpProbe;
    ///
    /// let record = "3 1 1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".parse()?;
    /// # let roots = rustls::RootCertStore::empty();
    /// let probe = SmtpProbe::builder(Net::new(Tls::ring(roots)))
    ///     .expect_tls(Expectation::default().with_dane(Dane::new([record])?))
    ///     .build()?;
    /// # }
    /// # Ok(())
    /// # }
    /// ```
    pub fn expect_tls(mut self, expectation: tls::Expectation) -> Self {
        self.tls_expectation = expectation;
        self
    }

    /// Judges what the server calls itself, in its greeting and in its answer to EHLO, by these names: those that its
    /// address has in reverse DNS. Looking them up is the caller's.
    pub fn reverse_names(mut self, names: &[HostName]) -> Self {
        self.reverse_names = names.to_vec();
        self
    }

    /// Asks for the challenge of NTLM, where that is offered, and reads what it tells of the server: its names, its
    /// version, its clock. The login is given up there, so no secret is sent and none is needed; servers may log it as
    /// one that failed.
    pub fn ntlm_facts(mut self, ask: bool) -> Self {
        self.ntlm_facts = ask;
        self
    }

    /// Sends this message to the recipients that are accepted. Without it, no mail is ever sent.
    ///
    /// If the connection breaks behind the message and before the answer, nobody can know whether it was taken.
    pub fn message(mut self, message: Message) -> Self {
        self.message = Some(message);
        self
    }

    /// How the message travels. By default in one chunk where the server offers that.
    pub fn transfer(mut self, transfer: Transfer) -> Self {
        self.transfer = transfer;
        self
    }

    /// Tries whether the server relays for strangers: eighteen forms of addresses, each in an envelope of its
    /// own that is taken back. No mail is sent. The test ends where the server wants a login or names a blacklist.
    pub fn relay_test(mut self, test: RelayTest) -> Self {
        self.relay_test = Some(test);
        self
    }

    /// Tries whether the server carries out, once TLS stands, what stood in clear behind STARTTLS (CVE-2011-0411): a NOOP
    /// goes with it in one packet. The dialogue ends there, so nothing else can be asked along with it.
    pub fn injection_test(mut self, is_wanted: bool) -> Self {
        self.injection_test = is_wanted;
        self
    }

    /// Tries whether the server takes for the end of a message what is none (SMTP smuggling): the
    /// [message](Self::message) is sent without its end, and behind it each [`FalseEnd`](crate::FalseEnd). Only a server
    /// that takes one of them delivers the message, cut off there; from any other we hang up, and nothing is sent.
    ///
    /// It takes ten seconds where all is well. What is tested is whether this server could be smuggled to; whether it
    /// lets such messages pass to others is not.
    pub fn smuggling_test(mut self, is_wanted: bool) -> Self {
        self.smuggling_test = is_wanted;
        self
    }

    /// The probe.
    ///
    /// # Errors
    /// Options that contradict each other.
    pub fn build(self) -> Result<SmtpProbe, ConfigError> {
        self.check()?;
        Ok(SmtpProbe::new(self))
    }

    /// Whether the dialogue ends here.
    pub(crate) fn quits_after(&self, stage: Stage) -> bool {
        self.quit_after == Some(stage)
    }

    /// Whether a refusal was expected there, by its code, and this is it.
    pub(crate) fn wants_refusal(&self, stage: Stage, reply: &Reply) -> bool {
        let here = || self.expectations.iter().filter(|(at, _)| *at == stage);
        let by_code = here().any(|(_, expected)| !matches!(expected, Expectation::Words(_)));
        by_code && here().all(|(_, expected)| expected.is_met_by(reply))
    }

    /// Whether anything is to be asked between login and farewell.
    pub(crate) fn has_questions(&self) -> bool {
        self.noops > 0
            || !self.verify.is_empty()
            || self.relay_test.is_some()
            || self.has_envelope()
    }

    /// How large the message is said to be.
    pub(crate) fn size(&self) -> Option<u64> {
        let own = self.message.as_ref().map(Message::octets);
        own.or(self.message_size)
    }

    /// Whether it is said to have lines of eight bits.
    pub(crate) fn is_eight_bit(&self) -> bool {
        self.eight_bit || self.message.as_ref().is_some_and(Message::is_eight_bit)
    }

    /// Whether an envelope is to be shown.
    pub(crate) fn has_envelope(&self) -> bool {
        self.sender.is_some() || !self.recipients.is_empty()
    }

    /// How to encrypt on this port.
    pub(crate) fn security_on(&self, port: u16) -> Security {
        self.security.unwrap_or(match port {
            465 => Security::Implicit,
            587 => Security::Required,
            _ => Security::Opportunistic,
        })
    }

    /// The port where the target names none.
    pub(crate) fn default_port(&self) -> u16 {
        match self.security {
            _ if self.protocol == Protocol::Lmtp => 24,
            Some(Security::Implicit) => 465,
            _ => 25,
        }
    }
}

/// What is spoken.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Protocol {
    /// LMTP (RFC 2033), by which mail is put into mailboxes: port 24 unless another is named.
    Lmtp,
    /// SMTP.
    #[default]
    Smtp,
}

/// How a client introduces itself.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "RFC 5321 knows these two")]
pub enum Introduction {
    /// By EHLO; by HELO where that is unknown (500, 502).
    #[default]
    Ehlo,
    /// By HELO alone: no extensions are asked for, so there is neither STARTTLS nor a login.
    Helo,
}
