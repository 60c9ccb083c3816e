//! Where senders report how TLS went (RFC 8460 section 3).

use super::tags::{Tags, words};
use super::{Fault, ReportUri, Scheme, begins_with};

/// A TLS-RPT record.
///
/// ```
/// use mx_check::records::tls_rpt::TlsRpt;
///
/// let read = TlsRpt::parse(b"v=TLSRPTv1; rua=mailto:tls@example.org,https://example.org/tls");
/// assert_eq!((read.rua.len(), read.errors.len()), (2, 0));
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct TlsRpt {
    /// Where reports are sent.
    pub rua: Vec<ReportUri>,
    /// Why no report is sent.
    pub errors: Vec<Fault>,
    /// What is passed over.
    pub oddities: Vec<Fault>,
}

impl TlsRpt {
    /// Whether a text at `_smtp._tls` is such a record, be it a bad one.
    pub fn is_one(text: &[u8]) -> bool {
        begins_with(text, "v=TLSRPTv1")
    }

    /// Reads the record.
    pub fn parse(text: &[u8]) -> Self {
        let Tags {
            tags,
            errors,
            oddities,
        } = Tags::of(text);
        let mut read = Self {
            rua: Vec::new(),
            errors,
            oddities,
        };
        match tags.first() {
            Some(first) if first.is("v") && first.value == b"TLSRPTv1" => {}
            _ => {
                let what = "it does not begin with v=TLSRPTv1";
                read.errors.push(Fault::new(0, what, text));
            }
        }
        let Some(rua) = tags.iter().find(|tag| tag.is("rua")) else {
            let what = "it does not say where reports are sent (rua)";
            read.errors.push(Fault::new(text.len(), what, b""));
            return read;
        };
        for word in words(rua.value, b',') {
            let uri = ReportUri::parse(&word);
            if uri.scheme == Scheme::Other {
                let what = "reports go to mailto: or https: only";
                read.errors.push(Fault::new(rua.at, what, &word));
            }
            read.rua.push(uri);
        }
        if read.rua.is_empty() {
            read.errors.push(rua.fault("it names no address"));
        }
        read
    }
}
