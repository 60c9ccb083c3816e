//! What a code means and what to do: the tables of all crates in one place.

use probe_core::{FailureKind, FindingKind};

/// Every kind of finding that this tool can report, in the order of their codes.
pub fn findings() -> Vec<&'static FindingKind> {
    let mut all: Vec<&'static FindingKind> = Vec::new();
    all.extend(probe_core::CHANGES);
    all.push(&probe_net::ADDRESS_FAILED);
    all.extend(probe_net::tls::FINDINGS);
    all.extend(imap_probe::FINDINGS);
    all.extend(smtp_probe::FINDINGS);
    all.extend(delivery_probe::FINDINGS);
    all.extend(dnsbl_probe::FINDINGS);
    all.extend(eas_probe::discovery::FINDINGS);
    all.extend(mx_check::FINDINGS);
    all.extend(mx_check::policy::FINDINGS);
    all.extend(mx_check::registration::FINDINGS);
    all.extend(eas_probe::FINDINGS);
    all.extend(mailhost_probe::FINDINGS);
    all.extend(mailhost_probe::SNMP_FINDINGS);
    all.extend(pop3_probe::FINDINGS);
    all.extend(web_probe::FINDINGS);
    all.extend(web_probe::jmap::FINDINGS);
    all.extend(crate::threshold::FINDINGS);
    all.sort_by_key(|kind| kind.code);
    all
}

/// The meaning of a finding's code, or of a failure's kind; `None` if there is no such code.
///
/// ```
/// let text = mailprobe::explain::explain("tls.certificate.expired").unwrap();
/// assert!(text.contains("Renew it"));
/// assert!(mailprobe::explain::explain("tls.certificate.expierd").is_none());
/// ```
pub fn explain(code: &str) -> Option<String> {
    let finding = findings().into_iter().find(|kind| kind.code == code);
    if let Some(kind) = finding {
        let (severity, summary, remedy) = (kind.severity, kind.summary, kind.remedy);
        return Some(format!("{code} ({severity})\n{summary}\n\n{remedy}"));
    }
    let kind = FailureKind::ALL.iter().find(|kind| kind.as_str() == code)?;
    let (verdict, summary, remedy) = (kind.verdict(), kind.summary(), kind.remedy());
    Some(format!(
        "{code} (failure, {verdict})\n{summary}\n\n{remedy}"
    ))
}

/// The codes that are spelt most like this one.
pub fn similar(code: &str) -> Vec<&'static str> {
    let words = |text: &'static str| text.split(['.', '-']);
    let asked: Vec<&str> = code
        .split(['.', '-'])
        .filter(|word| word.len() > 2)
        .collect();
    let mut found: Vec<_> = findings()
        .into_iter()
        .map(|kind| kind.code)
        .filter(|known| words(known).any(|word| asked.contains(&word)))
        .collect();
    found.sort_by_key(|known| words(known).filter(|word| !asked.contains(word)).count());
    found.truncate(5);
    found
}

/// All codes, a line each.
pub fn list() -> String {
    let findings = findings();
    let codes = findings
        .iter()
        .map(|kind| (kind.code, kind.severity.as_str(), kind.summary));
    let kinds = FailureKind::ALL
        .iter()
        .map(|kind| (kind.as_str(), "failure", kind.summary()));
    let lines = codes
        .chain(kinds)
        .map(|(code, severity, summary)| format!("{code:<38} {severity:<9} {summary}\n"));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_there_once_and_says_what_to_do() {
        let findings = findings();
        for pair in findings.windows(2) {
            assert_ne!(pair[0].code, pair[1].code);
        }
        for kind in findings {
            assert!(
                !kind.summary.is_empty() && kind.remedy.ends_with('.'),
                "{}",
                kind.code
            );
            assert!(explain(kind.code).is_some());
        }
    }

    #[test]
    fn a_misspelt_code_finds_its_neighbours() {
        assert_eq!(
            similar("tls.certificate.expird").first(),
            Some(&"tls.certificate.expired")
        );
        assert!(
            similar("starttls-stripped")
                .iter()
                .all(|code| code.contains("starttls"))
        );
        assert!(similar("x").is_empty());
    }
}
