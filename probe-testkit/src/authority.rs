//! A certificate authority for tests, which issues what is asked for, however wrong. Certificates only: what a server
//! does with them is in `identity`, and those that no library will make any more are in `fixtures`.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose,
    NameConstraints, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::identity::pem;
use crate::{Flaw, Identity};

const DAY: Duration = Duration::from_secs(86_400);

/// A root, an intermediate beneath it, and everything they can be made to issue.
///
/// All keys are fresh ECDSA P-256 keys. All dates are counted from one moment, `now`: roots are valid from ten years
/// before it to ten years after, intermediates one year before to four after, leafs thirty days before to sixty after.
///
/// ```
/// use probe_testkit::{Authority, Flaw};
///
/// let ca = Authority::new("Test CA");
/// let sound = ca.identity(["mx.example.test", "127.0.0.1"]);
/// let broken = ca.flawed(["mx.example.test"], Flaw::Expired);
/// assert_eq!(sound.chain().len(), 2, "the leaf and the intermediate");
/// assert!(ca.root_pem().starts_with("-----BEGIN CERTIFICATE-----"));
/// ```
pub struct Authority {
    name: String,
    now: SystemTime,
    root: Arc<Issuer>,
    intermediate: Arc<Issuer>,
}

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// Founding and trusting.
impl Authority {
    /// Where leafs say that the intermediate can be fetched (AIA caIssuers). Nobody is there.
    pub const CA_ISSUERS: &'static str = "http://ca.example.test/intermediate.der";

    /// An authority whose certificates are good now.
    ///
    /// # Panics
    ///
    /// If the machine has no random numbers for its keys. So do all that issue certificates here.
    pub fn new(name: &str) -> Self {
        Self::at(name, SystemTime::now())
    }

    /// An authority whose certificates are good at `now`, to the second, for probes with a clock of their own.
    pub fn at(name: &str, now: SystemTime) -> Self {
        let root = ca_params(
            &format!("{name} Root"),
            BasicConstraints::Unconstrained,
            Validity::of_root(now),
        );
        let root = issued(CertifiedIssuer::self_signed(root, new_key()));
        let intermediate = ca_params(
            &format!("{name} Intermediate"),
            BasicConstraints::Constrained(0),
            Validity::of_intermediate(now),
        );
        let intermediate = issued(CertifiedIssuer::signed_by(intermediate, new_key(), &root));
        Self {
            name: name.to_owned(),
            now,
            root: Arc::new(root),
            intermediate: Arc::new(intermediate),
        }
    }

    /// The root in PEM: for `--ca FILE`.
    pub fn root_pem(&self) -> String {
        pem("CERTIFICATE", self.root.der())
    }

    /// The root.
    pub fn root_der(&self) -> &CertificateDer<'static> {
        self.root.der()
    }

    /// The intermediate, for whoever serves it at [`CA_ISSUERS`](Self::CA_ISSUERS).
    pub fn intermediate_der(&self) -> &CertificateDer<'static> {
        self.intermediate.der()
    }

    /// A trust store with this root and no other.
    pub fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates([self.root_der().clone()]);
        roots
    }

    /// A plain rustls client that trusts this authority and has no certificate.
    ///
    /// ```
    /// # use probe_testkit::{Authority, Script};
    /// # use tokio::io::AsyncReadExt;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let ca = Authority::new("Test CA");
    /// let (stream, _peer) = Script::new().tls(&ca.identity(["mx.example.test"])).say("hello").in_memory();
    /// let connector = tokio_rustls::TlsConnector::from(ca.client_config());
    /// let mut client = connector.connect("mx.example.test".try_into()?, stream).await?;
    /// let mut heard = String::new();
    /// client.read_to_string(&mut heard).await?;
    /// assert_eq!(heard, "hello");
    /// # Ok(())
    /// # }
    /// ```
    #[allow(
        clippy::expect_used,
        reason = "cannot happen: ring has cipher suites for every version"
    )]
    pub fn client_config(&self) -> Arc<ClientConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has cipher suites for every version")
            .with_root_certificates(self.roots())
            .with_no_client_auth();
        Arc::new(config)
    }
}

/// Issuing.
impl Authority {
    /// A server's identity for these names, which may be IP addresses, issued by the intermediate.
    ///
    /// # Panics
    ///
    /// If a name is not ASCII: internationalised names go in as A-labels.
    pub fn identity<N: AsRef<str>>(&self, names: impl IntoIterator<Item = N>) -> Identity {
        self.flawed(names, [])
    }

    /// A server's identity for these names with something wrong about it: one [`Flaw`], or several.
    ///
    /// # Panics
    ///
    /// If a name is not ASCII.
    pub fn flawed<N: AsRef<str>>(
        &self,
        names: impl IntoIterator<Item = N>,
        flaws: impl AsRef<[Flaw]>,
    ) -> Identity {
        let flaws = flaws.as_ref();
        let names: Vec<String> = names
            .into_iter()
            .map(|name| name.as_ref().to_owned())
            .collect();
        if flaws.contains(&Flaw::UnknownIssuer) {
            let stranger = Self::at(&format!("{} (unknown)", self.name), self.now);
            return stranger.issue(self.leaf_params(names, flaws), flaws);
        }
        self.issue(self.leaf_params(names, flaws), flaws)
    }

    /// A client's identity: a certificate that is good for nothing but client authentication.
    pub fn client_identity(&self, name: &str) -> Identity {
        let mut leaf = self.leaf_params(Vec::new(), &[Flaw::NoServerAuth]);
        leaf.distinguished_name.push(DnType::CommonName, name);
        self.issue(leaf, &[])
    }

    /// What the leaf says about itself.
    fn leaf_params(&self, names: Vec<String>, flaws: &[Flaw]) -> CertificateParams {
        let has = |flaw| flaws.contains(&flaw);
        let names = if has(Flaw::WrongName) {
            vec!["wrong.example.test".to_owned()]
        } else {
            names
        };
        let common_name = names
            .iter()
            .find(|name| name.parse::<IpAddr>().is_err())
            .cloned();
        let alternative_names = if has(Flaw::CommonNameOnly) {
            Vec::new()
        } else {
            names
        };

        let mut leaf = params(alternative_names, self.leaf_validity(flaws));
        if let Some(name) = common_name {
            leaf.distinguished_name.push(DnType::CommonName, name);
        }
        leaf.is_ca = if has(Flaw::LeafIsCa) {
            IsCa::Ca(BasicConstraints::Unconstrained)
        } else {
            IsCa::ExplicitNoCa
        };
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![if has(Flaw::NoServerAuth) {
            ExtendedKeyUsagePurpose::ClientAuth
        } else {
            ExtendedKeyUsagePurpose::ServerAuth
        }];
        leaf.custom_extensions.push(ca_issuers(Self::CA_ISSUERS));
        if has(Flaw::MustStaple) {
            leaf.custom_extensions.push(must_staple());
        }
        leaf
    }

    fn leaf_validity(&self, flaws: &[Flaw]) -> Validity {
        let now = self.now;
        flaws
            .iter()
            .fold(Validity::of_leaf(now), |validity, flaw| match *flaw {
                Flaw::Expired => Validity::new(now - 91 * DAY, now - DAY),
                Flaw::NotYetValid => Validity::new(now + DAY, now + 91 * DAY),
                Flaw::SoonExpiring(left) => Validity::new(now - 30 * DAY, now + left),
                Flaw::LongLived => Validity::new(now - 30 * DAY, now + 5 * 365 * DAY),
                _ => validity,
            })
    }

    /// Signs the leaf and puts together the chain that is sent with it.
    fn issue(&self, leaf: CertificateParams, flaws: &[Flaw]) -> Identity {
        let has = |flaw| flaws.contains(&flaw);
        let key = new_key();
        let chain = if has(Flaw::SelfSigned) {
            vec![issued(leaf.self_signed(&key)).into()]
        } else {
            let intermediates = self.intermediates(flaws);
            let issuer = intermediates.last().unwrap_or(&self.root);
            let leaf = issued(leaf.signed_by(&key, issuer)).into();

            let mut above: Vec<_> = intermediates
                .iter()
                .rev()
                .map(|issuer| issuer.der().clone())
                .collect();
            if has(Flaw::MissingIntermediate) {
                above.clear();
            }
            if has(Flaw::RootIncluded) || has(Flaw::UnknownIssuer) || has(Flaw::DisorderedChain) {
                above.push(self.root_der().clone());
            }
            if has(Flaw::ExpiredRootIncluded) {
                above.push(self.expired_root());
            }
            if has(Flaw::DisorderedChain) {
                above.reverse();
            }
            above.insert(0, leaf);
            above
        };
        let key = if has(Flaw::WrongKey) { new_key() } else { key };
        Identity::new(chain, PrivateKeyDer::Pkcs8(key.serialize_der().into()))
    }

    /// The root's key in a certificate whose time is over.
    fn expired_root(&self) -> CertificateDer<'static> {
        let root = ca_params(
            &format!("{} Root", self.name),
            BasicConstraints::Unconstrained,
            Validity::new(self.now - 3650 * DAY, self.now - DAY),
        );
        issued(root.self_signed(self.root.key())).into()
    }

    /// The authorities between root and leaf, from the top down.
    fn intermediates(&self, flaws: &[Flaw]) -> Vec<Arc<Issuer>> {
        let has = |flaw| flaws.contains(&flaw);
        if has(Flaw::DirectlyFromRoot) {
            return Vec::new();
        }
        if !(has(Flaw::ExpiredIntermediate)
            || has(Flaw::NameConstrained)
            || has(Flaw::TooLongChain))
        {
            return vec![self.intermediate.clone()];
        }
        let count = if has(Flaw::TooLongChain) { 8 } else { 1 };
        let mut line: Vec<Arc<Issuer>> = Vec::new();
        for number in 1..=count {
            let name = format!("{} Intermediate {number}", self.name);
            let validity = if has(Flaw::ExpiredIntermediate) {
                Validity::new(self.now - 366 * DAY, self.now - DAY)
            } else {
                Validity::of_intermediate(self.now)
            };
            let mut params = ca_params(&name, BasicConstraints::Unconstrained, validity);
            if has(Flaw::NameConstrained) {
                params.name_constraints = Some(NameConstraints {
                    permitted_subtrees: vec![GeneralSubtree::DnsName(
                        "permitted.example.test".into(),
                    )],
                    excluded_subtrees: Vec::new(),
                });
            }
            let above = line.last().unwrap_or(&self.root);
            let issuer = issued(CertifiedIssuer::signed_by(params, new_key(), above));
            line.push(Arc::new(issuer));
        }
        line
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("name", &self.name)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// From when to when.
#[derive(Clone, Copy)]
struct Validity {
    begin: SystemTime,
    end: SystemTime,
}

impl Validity {
    fn new(begin: SystemTime, end: SystemTime) -> Self {
        Self { begin, end }
    }

    fn of_root(now: SystemTime) -> Self {
        Self::new(now - 3650 * DAY, now + 3650 * DAY)
    }

    fn of_intermediate(now: SystemTime) -> Self {
        Self::new(now - 365 * DAY, now + 4 * 365 * DAY)
    }

    fn of_leaf(now: SystemTime) -> Self {
        Self::new(now - 30 * DAY, now + 60 * DAY)
    }

    /// Certificates know seconds, and here none before 1970.
    fn apply(self, params: &mut CertificateParams) {
        let epoch = date_time_ymd(1970, 1, 1);
        let seconds = |time: SystemTime| {
            let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
            Duration::from_secs(since.as_secs())
        };
        params.not_before = epoch + seconds(self.begin);
        params.not_after = epoch + seconds(self.end);
    }
}

fn ca_params(
    common_name: &str,
    constraints: BasicConstraints,
    validity: Validity,
) -> CertificateParams {
    let mut params = params(Vec::new(), validity);
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// What all certificates have in common.
fn params(names: Vec<String>, validity: Validity) -> CertificateParams {
    let mut params = issued(CertificateParams::new(names));
    params.distinguished_name = DistinguishedName::new();
    params.use_authority_key_identifier_extension = true;
    validity.apply(&mut params);
    params
}

/// The authority information access extension with one caIssuers address (RFC 5280, section 4.2.2.1).
fn ca_issuers(url: &str) -> CustomExtension {
    const AUTHORITY_INFO_ACCESS: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 1];
    const CA_ISSUERS: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02]; // 1.3.6.1.5.5.7.48.2
    const SEQUENCE: u8 = 0x30;
    const OBJECT_IDENTIFIER: u8 = 0x06;
    const URI: u8 = 0x86;

    let description = [der(OBJECT_IDENTIFIER, CA_ISSUERS), der(URI, url.as_bytes())].concat();
    let content = der(SEQUENCE, &der(SEQUENCE, &description));
    CustomExtension::from_oid_content(AUTHORITY_INFO_ACCESS, content)
}

/// The TLS feature extension with status_request in it (RFC 7633).
fn must_staple() -> CustomExtension {
    const TLS_FEATURE: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 24];
    CustomExtension::from_oid_content(TLS_FEATURE, vec![0x30, 0x03, 0x02, 0x01, 0x05])
}

/// One DER value of at most 127 bytes, which is all that the extensions here need.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut value = vec![tag];
    value.extend(u8::try_from(content.len()));
    value.extend_from_slice(content);
    value
}

fn new_key() -> KeyPair {
    issued(KeyPair::generate())
}

#[allow(
    clippy::expect_used,
    reason = "a test without its certificates should fail early"
)]
#[track_caller]
fn issued<T>(outcome: Result<T, rcgen::Error>) -> T {
    outcome.expect("the test authority can issue what was asked for")
}
