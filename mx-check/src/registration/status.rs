//! The states that a registry gives a domain, in one spelling. What they mean together is in `lifecycle`.

use core::fmt;

/// A state of a registration, by the letters and digits of its name in lower case: `client hold` of RDAP (RFC 8056) and
/// `clientHold https://icann.org/epp#clientHold` of WHOIS are the same.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Status(String);

impl Status {
    /// Renewed by the registry on its date; the registrar can give it back, and does where nobody paid (RFC 3915).
    pub const AUTO_RENEW_PERIOD: &'static str = "autorenewperiod";
    /// The registrar took the name out of the zone (RFC 5731 section 2.3).
    pub const CLIENT_HOLD: &'static str = "clienthold";
    /// There are no name servers to delegate to (RFC 5731 section 2.3).
    pub const INACTIVE: &'static str = "inactive";
    /// Registered and not in the zone, as the registries of .ru and .su say it.
    pub const NOT_DELEGATED: &'static str = "notdelegated";
    /// On its way out (RFC 5731 section 2.3).
    pub const PENDING_DELETE: &'static str = "pendingdelete";
    /// To be had back, once the registrar has reported why (RFC 3915).
    pub const PENDING_RESTORE: &'static str = "pendingrestore";
    /// Deleted, and to be had back at a price (RFC 3915).
    pub const REDEMPTION_PERIOD: &'static str = "redemptionperiod";
    /// The registry took the name out of the zone (RFC 5731 section 2.3).
    pub const SERVER_HOLD: &'static str = "serverhold";
    /// The registry keeps the name in the zone by hand, whatever else it says: the one of .ee.
    pub const SERVER_MANUAL_INZONE: &'static str = "servermanualinzone";

    /// Longer than the name of any.
    const LONGEST: usize = 64;

    /// The state that such a text names, if it names one.
    ///
    /// ```
    /// use mx_check::registration::Status;
    ///
    /// let whois = Status::new("clientHold (https://icann.org/epp#clientHold)");
    /// assert_eq!(whois, Status::new("client hold"));
    /// assert_eq!(whois.unwrap().as_str(), "clienthold");
    /// ```
    pub fn new(text: &str) -> Option<Self> {
        let at = text.find("http://").or_else(|| text.find("https://"));
        let words = at.and_then(|at| text.get(..at)).unwrap_or(text);
        let letters = words.chars().filter(|c| c.is_alphanumeric());
        let name: String = letters
            .take(Self::LONGEST)
            .flat_map(char::to_lowercase)
            .collect();
        (!name.is_empty()).then_some(Self(name))
    }

    /// Its letters and digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rdap_and_whois_name_the_same_states() {
        for (rdap, whois, name) in [
            (
                "client hold",
                "clientHold https://icann.org/epp#clientHold",
                Status::CLIENT_HOLD,
            ),
            (
                "server hold",
                "serverHold (https://icann.org/epp#serverHold)",
                Status::SERVER_HOLD,
            ),
            (
                "redemption period",
                "redemptionPeriod http://www.icann.org/epp#redemptionPeriod",
                Status::REDEMPTION_PERIOD,
            ),
            ("pending delete", "PENDING-DELETE", Status::PENDING_DELETE),
            ("pending restore", "pendingRestore", Status::PENDING_RESTORE),
            (
                "auto renew period",
                "autoRenewPeriod",
                Status::AUTO_RENEW_PERIOD,
            ),
            ("inactive", "Inactive", Status::INACTIVE),
        ] {
            assert_eq!(Status::new(rdap).unwrap().as_str(), name);
            assert_eq!(Status::new(whois).unwrap().as_str(), name);
        }
        assert_eq!(Status::new(" - "), None);
        assert_eq!(Status::new("https://icann.org/epp#ok"), None);
        assert_eq!(Status::new(&"a".repeat(65)).unwrap().as_str().len(), 64);
    }
}
