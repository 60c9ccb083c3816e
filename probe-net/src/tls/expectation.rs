//! What is to be expected of a server's TLS by what its domain has published, and the judgement of a connection by it:
//! DANE (RFC 7672) and MTA-STS (RFC 8461). Looking it up is the caller's; without an expectation, the judgement is by
//! the trusted roots alone.

use std::time::SystemTime;

use probe_core::{Finding, FindingKind, HostName, Severity};

use super::facts::hex;
use super::findings::{
    DANE_MISMATCH, DANE_UNUSABLE, EXPIRING, HANDSHAKE_SIGNATURE, MTA_STS_CERTIFICATE, MTA_STS_HOST,
    REVOKED, STARTTLS_STRIPPED, WEAK_KEY,
};
use super::{
    Dane, Fault, MtaSts, Security, StartTls, Thresholds, TlsFacts, Tlsa, TlsaMatch, TlsaOutcome,
    Usage, Witness, judge,
};

/// What a domain has published about the TLS of its mail servers, as the caller has found it.
///
/// ```
/// use probe_net::tls::{Dane, Expectation, MtaSts, PolicyMode};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let record = "3 1 1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".parse()?;
/// let policy = MtaSts::new(PolicyMode::Enforce, ["*.example.org".parse()?]);
/// let expectation = Expectation::default()
///     .with_dane(Dane::new([record])?)
///     .with_mta_sts(policy);
/// assert!(expectation.demands_tls());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Expectation {
    dane: Option<Dane>,
    mta_sts: Option<MtaSts>,
    starttls_seen: Option<SystemTime>,
}

impl Expectation {
    /// Expects what these TLSA records say. The caller vouches for them: only signed ones count (RFC 7672 section 2).
    #[must_use]
    pub fn with_dane(mut self, dane: Dane) -> Self {
        self.dane = Some(dane);
        self
    }

    /// Expects what this policy says.
    #[must_use]
    pub fn with_mta_sts(mut self, policy: MtaSts) -> Self {
        self.mta_sts = Some(policy);
        self
    }

    /// Expects STARTTLS to be offered, since an earlier probe has seen that, at this time. Nobody who could take the offer
    /// away from both has to be assumed.
    #[must_use]
    pub fn with_starttls_seen(mut self, at: SystemTime) -> Self {
        self.starttls_seen = Some(at);
        self
    }

    /// The TLSA records.
    pub fn dane(&self) -> Option<&Dane> {
        self.dane.as_ref()
    }

    /// The policy.
    pub fn mta_sts(&self) -> Option<&MtaSts> {
        self.mta_sts.as_ref()
    }

    /// Whether anything here forbids mail in clear, or would be told if it went so.
    pub fn demands_tls(&self) -> bool {
        self.weight().is_some()
    }

    /// What became of each TLSA record on a connection.
    pub fn compare(&self, tls: &TlsFacts, now: SystemTime) -> Vec<TlsaMatch> {
        let dane = self.dane.as_ref();
        dane.map_or_else(Vec::new, |dane| dane.compare(tls, now))
    }

    /// What to think of STARTTLS and TLS on a connection, all that is expected and all that is common.
    ///
    /// Where TLSA records are met and no policy stands beside them, faults of the certificate matter to nobody who
    /// sends mail, and are worth knowing at most: DANE asks no authority. Whether a secret may go over the connection
    /// is none of this: that gate knows the trusted roots alone.
    pub fn judge(
        &self,
        channel: &Channel<'_>,
        thresholds: &Thresholds,
        now: SystemTime,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        findings.extend(self.starttls(channel));
        findings.extend(self.unusable());
        findings.extend(self.host(channel));
        if let Some(tls) = channel.tls {
            let matches = self.compare(tls, now);
            if tls.version.is_some() {
                findings.extend(mismatch(&matches, tls));
                findings.extend(self.certificate(tls));
            }
            let standing = self.standing(&matches, tls);
            let common = judge(tls, Security::Required, thresholds, now);
            let weigh = |finding| standing.weigh(finding, channel.security);
            findings.extend(common.into_iter().map(weigh));
        }
        findings
    }

    /// How much it matters where TLS is missing.
    fn weight(&self) -> Option<Severity> {
        let dane = self.dane.as_ref().map(|_| Severity::Critical);
        dane.max(self.policy_weight())
    }

    fn policy_weight(&self) -> Option<Severity> {
        self.mta_sts.as_ref()?.mode().weight()
    }

    fn starttls(&self, channel: &Channel<'_>) -> Vec<Finding> {
        let common = channel.starttls.judge(channel.offered, channel.security);
        let Some(weight) = self.weight() else {
            let stripped = self.starttls_seen.map(Witness::Earlier);
            let stripped = stripped.and_then(|witness| channel.starttls.stripped(witness));
            return stripped.into_iter().chain(common).collect();
        };
        if *channel.starttls == StartTls::NotOffered {
            let stripped = STARTTLS_STRIPPED.found(self.demand());
            let stripped = stripped.with_severity(weight);
            return core::iter::once(stripped).chain(common).collect();
        }
        let weigh = |finding: Finding| {
            let severity = finding.severity.max(weight);
            finding.with_severity(severity)
        };
        common.map(weigh).into_iter().collect()
    }

    /// Who demands TLS, for people.
    fn demand(&self) -> String {
        let dane = self.dane.as_ref().map(|_| "by TLSA records".to_owned());
        let policy = self.mta_sts.as_ref().map(MtaSts::mode);
        let policy = policy.filter(|mode| mode.weight().is_some());
        let policy = policy.map(|mode| format!("by an MTA-STS policy, mode {}", mode.as_str()));
        let who: Vec<_> = dane.into_iter().chain(policy).collect();
        format!("TLS is demanded {}", who.join(" and "))
    }

    fn unusable(&self) -> Option<Finding> {
        let dane = self.dane.as_ref()?;
        let told = |record: &Tlsa| {
            let reason = record.unusable()?;
            Some(format!("{}: {reason}", record.brief()))
        };
        let unusable: Vec<_> = dane.records().iter().filter_map(told).collect();
        if unusable.is_empty() {
            return None;
        }
        let finding = DANE_UNUSABLE.found(unusable.join("; "));
        Some(match dane.is_usable() {
            // Clients go by the others.
            true => finding.with_severity(Severity::Info),
            false => finding,
        })
    }

    fn host(&self, channel: &Channel<'_>) -> Option<Finding> {
        let weight = self.policy_weight()?;
        let policy = self.mta_sts.as_ref()?;
        let asked = channel.host.map(HostName::as_str);
        let host = asked.or(channel.tls.map(|tls| tls.server_name.as_str()))?;
        if policy.lists(host) {
            return None;
        }
        let patterns: Vec<_> = policy.patterns().iter().map(ToString::to_string).collect();
        let evidence = match patterns.is_empty() {
            true => format!("{host}; the policy lists no host at all"),
            false => format!("{host}; the policy lists {}", patterns.join(", ")),
        };
        Some(MTA_STS_HOST.found(evidence).with_severity(weight))
    }

    fn certificate(&self, tls: &TlsFacts) -> Option<Finding> {
        let weight = self.policy_weight()?;
        let reasons: Vec<_> = tls.faults.iter().map(Fault::told).collect();
        let finding = || MTA_STS_CERTIFICATE.found(reasons.join("; "));
        (!reasons.is_empty()).then(|| finding().with_severity(weight))
    }

    fn standing(&self, matches: &[TlsaMatch], tls: &TlsFacts) -> Standing {
        let records = self.dane.as_ref().filter(|dane| dane.is_usable());
        let policy = self.policy_weight();
        let Some(weight) = records.map(|_| Severity::Critical).max(policy) else {
            return Standing::Common;
        };
        // Whoever shows a certificate without its key has it from somewhere.
        let is_proven = !tls.faults.iter().any(Fault::leaves_unproven);
        let met = matches.iter().filter(|one| is_proven && one.counts());
        match met.map(|one| one.record.usage()).max() {
            Some(usage) if policy.is_none() => Standing::Met(usage),
            _ => Standing::Demanded(weight),
        }
    }
}

/// What the certificate is to those who know the expectation.
enum Standing {
    /// Nothing more than to anybody.
    Common,
    /// It has to be trusted, and this much depends on it.
    Demanded(Severity),
    /// It fits a record of this usage, and no more is asked.
    Met(Usage),
}

impl Standing {
    /// Weighs what was found with trust demanded.
    fn weigh(&self, finding: Finding, security: Security) -> Finding {
        let full = finding.severity;
        let common = match security.demands_trust() {
            true => full,
            false => full.min(Severity::Warning),
        };
        let is_one_of = |kinds: &[&FindingKind]| kinds.contains(&finding.kind);
        let severity = match self {
            Self::Common => common,
            // The chain was found good without these; that its end comes is as bad as anywhere.
            Self::Met(Usage::DANE_TA) if is_one_of(&[&EXPIRING]) => full,
            Self::Met(_) if is_one_of(&[&REVOKED, &WEAK_KEY]) => common,
            Self::Met(_) => Severity::Info,
            Self::Demanded(weight) if is_one_of(&[&EXPIRING, &HANDSHAKE_SIGNATURE, &WEAK_KEY]) => {
                full.min(*weight).max(common)
            }
            Self::Demanded(_) => common,
        };
        finding.with_severity(severity)
    }
}

/// None of the records that can be used fits.
fn mismatch(matches: &[TlsaMatch], tls: &TlsFacts) -> Option<Finding> {
    /// More of them explain nothing more.
    const TOLD: usize = 4;
    if matches.iter().any(TlsaMatch::counts) {
        return None;
    }
    let is_usable = |one: &&TlsaMatch| !matches!(one.outcome, TlsaOutcome::Unusable(_));
    let usable: Vec<_> = matches.iter().filter(is_usable).collect();
    let mut told: Vec<_> = usable.iter().take(TOLD).map(|one| one.evidence()).collect();
    if told.is_empty() {
        return None;
    }
    if usable.len() > TOLD {
        told.push(format!("and {} more", usable.len() - TOLD));
    }
    if let Some(leaf) = tls.chain.first() {
        told.push(format!("its own would be 3 1 1 {}", hex(&leaf.spki_sha256)));
    }
    Some(DANE_MISMATCH.found(told.join("; ")))
}

/// A connection as far as its encryption goes: what was wanted, and what became of it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Channel<'a> {
    /// How it was to be encrypted.
    pub security: Security,
    /// What became of the command that asks for TLS.
    pub starttls: &'a StartTls,
    /// The names of what the server offered in clear.
    pub offered: &'a [u8],
    /// What the handshake showed, if there was one.
    pub tls: Option<&'a TlsFacts>,
    /// The host that was asked, if it was by name.
    pub host: Option<&'a HostName>,
}

impl<'a> Channel<'a> {
    /// A connection that was to be encrypted so, and what became of it.
    pub const fn new(
        security: Security,
        starttls: &'a StartTls,
        tls: Option<&'a TlsFacts>,
    ) -> Self {
        Self {
            security,
            starttls,
            offered: b"",
            tls,
            host: None,
        }
    }

    /// The same, where the server offered this in clear.
    #[must_use]
    pub const fn offering(mut self, names: &'a [u8]) -> Self {
        self.offered = names;
        self
    }

    /// The same, with the name of the host that was asked.
    #[must_use]
    pub const fn at(mut self, host: Option<&'a HostName>) -> Self {
        self.host = host;
        self
    }
}
