//! The web: login pages, and what stands in front of them; and JMAP.

use probe_net::sasl::Credentials;
use probe_testkit::{Authority, Identity, Script};
use web_probe::{JmapProbe, Product, WebmailProbe};

use super::{BoxError, NAME, Scene, net};

const LOGIN: &str =
    r#"<title>SOGo</title><body ng-app="SOGo.MainUI"><form><input type="password"></form>"#;
const BROKEN: &str =
    r#"<title>Roundcube</title><div class="boxerror"><h3>DATABASE ERROR!</h3></div>"#;
const SESSION: &str = r#"{"capabilities": {"urn:ietf:params:jmap:core": {"maxSizeUpload": 50000000},
"urn:ietf:params:jmap:mail": {}}, "accounts": {"A1": {"name": "alice"}},
"primaryAccounts": {"urn:ietf:params:jmap:mail": "A1"}, "username": "alice", "apiUrl": "API",
"downloadUrl": "/d/", "uploadUrl": "/u/", "eventSourceUrl": "/e/", "state": "1"}"#;
const ECHO: &str = r#"{"methodResponses": [["Core/echo", {"hello": "mailprobe"}, "c0"]]}"#;

pub(super) fn scenes(ca: &Authority) -> Result<Vec<Scene>, BoxError> {
    let looking = WebmailProbe::builder(net(ca)).server_name(NAME.parse()?);
    let sogo = looking.clone().expect(Product::Sogo);
    let stranger = JmapProbe::builder(net(ca)).server_name(NAME.parse()?);
    let alice = stranger
        .clone()
        .credentials(Credentials::password("alice", "wonderland")?);

    let good = ca.identity([NAME]);
    let showing = |page: &'static [u8]| serving(&good, move |_| page.to_vec());
    let at = |status, page: &'static str| serving(&good, move |_| response(status, page));
    let elsewhere = format!("https://{NAME}.evil.test/");
    Ok(vec![
        Scene::new("a login page", at("200 OK", LOGIN), sogo.clone().build()?),
        Scene::new(
            "SOGo is gone, its proxy is not",
            at("502 Bad Gateway", ""),
            sogo.build()?,
        ),
        Scene::new(
            "an error with status 200",
            at("200 OK", BROKEN),
            looking.clone().build()?,
        ),
        Scene::new(
            "sends us from TLS to clear",
            showing(DOWNGRADE),
            looking.build()?,
        ),
        Scene::new(
            "JMAP asks a stranger who asks",
            showing(WHO),
            stranger.build()?,
        ),
        Scene::new(
            "a session, and a call",
            jmap(&good, "/api".to_owned()),
            alice.clone().build()?,
        ),
        Scene::new(
            "calls would go to a stranger",
            jmap(&good, elsewhere),
            alice.build()?,
        ),
    ])
}

const DOWNGRADE: &[u8] =
    b"HTTP/1.1 302 Found\r\nLocation: http://mx.example.test/mail/\r\nContent-Length: 0\r\n\r\n";
const WHO: &[u8] =
    b"HTTP/1.1 401 Who?\r\nWWW-Authenticate: Basic realm=\"mail\"\r\nContent-Length: 0\r\n\r\n";

fn jmap(identity: &Identity, api: String) -> Script {
    serving(identity, move |request| match request.starts_with("POST") {
        true => response("200 OK", ECHO),
        false => response("200 OK", &SESSION.replace("API", &api)),
    })
}

/// Answers each request, by its first line, when its head has come.
fn serving(
    identity: &Identity,
    answer: impl Fn(&str) -> Vec<u8> + Clone + Send + Sync + 'static,
) -> Script {
    Script::new().tls(identity).serve(move || {
        let answer = answer.clone();
        let mut first = String::new();
        move |line: &[u8]| {
            if first.is_empty() {
                first = String::from_utf8_lossy(line).into_owned();
            }
            match line.is_empty() {
                true => answer(&std::mem::take(&mut first)).into(),
                false => probe_testkit::Answer::nothing(),
            }
        }
    })
}

fn response(status: &str, page: &str) -> Vec<u8> {
    let length = page.len();
    let head = "Strict-Transport-Security: max-age=31536000\r\nContent-Type: text/html";
    format!("HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {length}\r\n\r\n{page}").into_bytes()
}
