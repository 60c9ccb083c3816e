//! The bodies of the fuzz targets. Each states one law and panics where it does not hold; the corpus is replayed under
//! plain `cargo test`.

#![allow(clippy::panic, reason = "a broken law must stop the fuzzer")]

use core::net::{IpAddr, Ipv4Addr};

use probe_core::Host;

use crate::records::bimi::Bimi;
use crate::records::dkim::DkimKey;
use crate::records::dmarc::Dmarc;
use crate::records::mta_sts::{Policy, Record};
use crate::records::spf::Spf;
use crate::records::tls_rpt::TlsRpt;
use crate::registration::{Answer, Bootstrap, Source};

/// Any octets are read as each of the records; what was read without fault is written as the same.
pub fn records(data: &[u8]) {
    let spf = Spf::parse(data);
    if spf.errors.is_empty() {
        let again = Spf::parse(spf.to_string().as_bytes());
        assert_eq!(again.terms, spf.terms, "{spf}");
    }
    let dmarc = Dmarc::parse(data);
    if dmarc.errors.is_empty() && dmarc.oddities.is_empty() {
        let again = Dmarc::parse(dmarc.to_string().as_bytes());
        assert_eq!(again, dmarc);
    }
    DkimKey::parse(data);
    Bimi::parse(data);
    Policy::parse(data);
    Record::parse(data);
    TlsRpt::parse(data);
}

/// Any octets are read as what a registry says, by RDAP and by WHOIS, and as a list of registries.
pub fn registration(data: &[u8]) {
    let server = Host::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));
    Answer::of_whois(
        Source::Whois {
            server: server.clone(),
        },
        data,
    );
    if let Ok(url) = "https://rdap.example/domain/example.org".parse() {
        let source = Source::Rdap {
            url,
            is_verified: true,
        };
        Answer::of_rdap(source, 200, None, data);
    }
    // It is refused or read, whatever it is.
    let _ = Bootstrap::parse(&String::from_utf8_lossy(data));
}

#[cfg(test)]
mod tests {
    use probe_testkit::corpus;

    #[test]
    fn the_corpus_of_records_holds_the_law() {
        for (_, data) in corpus(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/records")) {
            super::records(&data);
        }
    }

    #[test]
    fn the_corpus_of_registries_holds_the_law() {
        for folder in ["rdap", "whois"] {
            let folder = format!("{}/tests/corpus/{folder}", env!("CARGO_MANIFEST_DIR"));
            for (_, data) in corpus(folder) {
                super::registration(&data);
            }
        }
    }
}
