//! The lab's certificate authorities and one certificate for every host that a listener stands for:
//! good, or wrong in exactly one way.
//!
//! Made anew at each start by the openssl program, from one configuration that is written beside
//! the results, so that anybody can see (and repeat) how a certificate came about. `ca.pem` is what
//! a client of the lab trusts.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::Lab;
use super::server::Listener;
use crate::process;

const AUTHORITIES: &str = include_str!("certificates/openssl.cnf");

/// What every host's certificate says, whatever is wrong with it.
const LEAF: &str = "\
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
";
/// Public authorities say where a client finds what a server forgot to send.
const ISSUED_BY_INTERMEDIATE: &str =
    "authorityInfoAccess = caIssuers;URI:http://ca.lab.test/intermediate.crt\n";

const CONFIG: &str = "-config openssl.cnf";
const SUBJECT: &str = "-subj /O=lab.test/CN=";
const LONG_PAST: &str = "-startdate 20200101000000Z -enddate 20210101000000Z";
const FAR_AHEAD: &str = "-startdate 20990101000000Z -enddate 20991231000000Z";

/// What is wrong with a host's certificate, if anything.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Certificate {
    /// The host serves no TLS.
    Absent,
    /// RSA 2048, issued by the trusted root.
    Good,
    /// The same on P-256.
    Ecdsa,
    /// Issued by an intermediate, which is sent along.
    Chain,
    /// Issued by an intermediate, which is not sent: a client would have to fetch it from where the
    /// leaf says.
    MissingIntermediate,
    Expired,
    NotYetValid,
    WrongName,
    SelfSigned,
    /// Issued by a root that nobody trusts.
    UnknownAuthority,
    /// RSA 1024.
    WeakKey,
    /// Signed with SHA-1.
    WeakSignature,
}

/// Issues everything into `tls/`: `HOST.pem` (leaf first) and `HOST.key` for each host, the
/// authorities, and a client's.
pub(crate) fn issue(lab: &Lab) -> Result<()> {
    let workshop = Workshop {
        folder: &lab.tls(""),
    };
    let hosts = hosts(&lab.listeners());
    fs::create_dir_all(lab.tls("issued"))?;
    fs::write(lab.tls("index.txt"), "")?;
    fs::write(lab.tls("openssl.cnf"), configuration(&hosts))?;
    workshop.make_keys()?;
    workshop.make_authorities()?;
    for host in hosts.values() {
        workshop.make_leaf(host)?;
    }
    workshop.sign("client", "rsa", "root", "-extensions client")?;
    workshop.copy_key("rsa", "client")
}

/// A host with every address it listens on.
#[derive(Debug)]
struct Host {
    name: &'static str,
    addresses: Vec<String>,
    certificate: Certificate,
}

fn hosts(listeners: &[Listener]) -> BTreeMap<&'static str, Host> {
    let mut hosts = BTreeMap::new();
    for listener in listeners
        .iter()
        .filter(|listener| listener.certificate != Certificate::Absent)
    {
        let Listener {
            host: name,
            certificate,
            ..
        } = *listener;
        let host = hosts.entry(name).or_insert_with(|| Host {
            name,
            certificate,
            addresses: Vec::new(),
        });
        let address = listener.address.to_string();
        if !host.addresses.contains(&address) {
            host.addresses.push(address);
        }
    }
    hosts
}

/// The authorities' configuration, and for each host a section with its extensions.
fn configuration(hosts: &BTreeMap<&'static str, Host>) -> String {
    let mut text = AUTHORITIES.to_owned();
    for host in hosts.values() {
        let mut names = format!("DNS:{}", host.name);
        for address in &host.addresses {
            names += &format!(", IP:{address}");
        }
        if host.certificate == Certificate::WrongName {
            names = "DNS:elsewhere.lab.test".to_owned();
        }
        let _ = write!(
            text,
            "\n[ {} ]\nsubjectAltName = {names}\n{LEAF}",
            host.name
        );
        if matches!(
            host.certificate,
            Certificate::Chain | Certificate::MissingIntermediate
        ) {
            text += ISSUED_BY_INTERMEDIATE;
        }
    }
    text
}

/// Runs openssl in the folder where everything lies.
struct Workshop<'a> {
    folder: &'a Path,
}

impl Workshop<'_> {
    /// A command line as one would type it; no name in here has blanks.
    fn openssl(&self, words: &str) -> Result<()> {
        let mut openssl = Command::new("openssl");
        openssl
            .args(words.split_whitespace())
            .current_dir(self.folder);
        process::read(&mut openssl).map(drop)
    }

    /// One key of each kind serves all: keys are not what the lab is about, and making them takes
    /// the longest. Each comes with a request, which is all that `openssl ca` needs beside a
    /// subject.
    fn make_keys(&self) -> Result<()> {
        let kinds = [
            ("rsa", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048"),
            ("rsa1024", "-algorithm RSA -pkeyopt rsa_keygen_bits:1024"),
            ("ecdsa", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256"),
            ("ca", "-algorithm RSA"),
            ("intermediate", "-algorithm RSA"),
            ("unknown", "-algorithm RSA"),
        ];
        for (key, algorithm) in kinds {
            self.openssl(&format!("genpkey {algorithm} -out {key}.key"))?;
            self.openssl(&format!(
                "req {CONFIG} -new -key {key}.key -subj /CN=x -out {key}.csr"
            ))?;
        }
        Ok(())
    }

    fn make_authorities(&self) -> Result<()> {
        self.self_sign("ca", "ca", "authority")?;
        self.self_sign("unknown", "unknown", "authority")?;
        self.sign(
            "intermediate",
            "intermediate",
            "root",
            "-extensions subordinate",
        )
    }

    fn make_leaf(&self, host: &Host) -> Result<()> {
        let name = host.name;
        let (key, authority, options) = match host.certificate {
            Certificate::Absent => return Ok(()),
            Certificate::Good | Certificate::WrongName => ("rsa", "root", ""),
            Certificate::Ecdsa => ("ecdsa", "root", ""),
            Certificate::Chain | Certificate::MissingIntermediate => ("rsa", "intermediate", ""),
            Certificate::Expired => ("rsa", "root", LONG_PAST),
            Certificate::NotYetValid => ("rsa", "root", FAR_AHEAD),
            Certificate::UnknownAuthority => ("rsa", "unknown", ""),
            Certificate::WeakKey => ("rsa1024", "root", ""),
            Certificate::WeakSignature => ("rsa", "root", "-md sha1"),
            Certificate::SelfSigned => ("rsa", "itself", ""),
        };
        if authority == "itself" {
            self.self_sign(name, key, name)?;
        } else {
            self.sign(
                name,
                key,
                authority,
                &format!("-extensions {name} {options}"),
            )?;
        }
        if host.certificate == Certificate::Chain {
            self.append("intermediate.pem", &format!("{name}.pem"))?;
        }
        self.copy_key(key, name)
    }

    fn sign(&self, name: &str, key: &str, authority: &str, options: &str) -> Result<()> {
        let files = format!("-in {key}.csr -out {name}.pem");
        self.openssl(&format!(
            "ca {CONFIG} -name {authority} -batch -notext {SUBJECT}{name} {options} {files}"
        ))
    }

    fn self_sign(&self, name: &str, key: &str, extensions: &str) -> Result<()> {
        let files = format!("-key {key}.key -out {name}.pem");
        self.openssl(&format!(
            "req {CONFIG} -x509 -days 365 {SUBJECT}{name} -extensions {extensions} {files}"
        ))
    }

    fn copy_key(&self, kind: &str, name: &str) -> Result<()> {
        let file = |name: &str| self.folder.join(format!("{name}.key"));
        fs::copy(file(kind), file(name))?;
        Ok(())
    }

    fn append(&self, from: &str, to: &str) -> Result<()> {
        let joined = [to, from].map(|file| fs::read_to_string(self.folder.join(file)));
        let [first, second] = joined;
        Ok(fs::write(self.folder.join(to), first? + &second?)?)
    }
}
