//! POP3: maildrops, and what keeps their owner from them.

use pop3_probe::{Options, Pop3Probe};
use probe_core::Thresholds;
use probe_net::sasl::Credentials;
use probe_net::tls::Security;
use probe_testkit::{Answer, Authority, Flaw, Identity, Script};

use super::{BoxError, NAME, Scene, net};

pub(super) fn scenes(ca: &Authority) -> Result<Vec<Scene>, BoxError> {
    let stranger = Pop3Probe::builder(net(ca))
        .security(Security::Implicit)
        .server_name(NAME.parse()?);
    let knowing = |password| Credentials::password("alice", password);
    let alice = stranger.clone().credentials(knowing("wonderland")?);
    let mistaken = stranger.clone().credentials(knowing("looking-glass")?);
    let prover = alice.clone().prove_rights(true);
    let few = Thresholds::new(Some("2".parse()?), Some("100".parse()?));
    let watcher = alice.clone().messages(few);

    let good = ca.identity([NAME]);
    let server = |refused, words| serving(&good, refused, words);
    let healthy = server("", "");
    let locked = server("PASS", "-ERR [IN-USE] Is another session running?\r\n");
    let stubborn = server("RSET", "-ERR [SYS/TEMP] Not now\r\n");
    let expired = serving(&ca.flawed([NAME], Flaw::Expired), "", "");

    let table = [
        ("a healthy maildrop", healthy.clone(), &alice),
        ("mail may be read and deleted", healthy.clone(), &prover),
        ("nobody fetches the mail", healthy.clone(), &watcher),
        ("a wrong password", healthy, &mistaken),
        ("another session has the maildrop", locked, &alice),
        ("a mark is not taken back", stubborn, &prover),
        ("certificate has expired, port 995", expired, &stranger),
    ];
    let scene = |(story, script, options): (&'static str, Script, &Options)| {
        Ok(Scene::new(story, script, options.clone().build()?))
    };
    table.into_iter().map(scene).collect()
}

/// Three messages of alice's; the command that is `refused` is answered in these words.
fn serving(identity: &Identity, refused: &'static str, words: &'static str) -> Script {
    let script = Script::new().tls(identity).say("+OK ready\r\n");
    script.serve(move || {
        move |line: &[u8]| {
            let line = String::from_utf8_lossy(line);
            let verb = line.split(' ').next().unwrap_or_default();
            match verb == refused {
                true => words.into(),
                false => answer(verb, &line),
            }
        }
    })
}

fn answer(verb: &str, line: &str) -> Answer {
    match verb {
        "CAPA" => "+OK\r\nUSER\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\n.\r\n".into(),
        "PASS" if line != "PASS wonderland" => "-ERR [AUTH] Authentication failed.\r\n".into(),
        "USER" | "PASS" | "DELE" | "RSET" | "NOOP" => "+OK\r\n".into(),
        "STAT" => "+OK 3 120\r\n".into(),
        "LIST" => "+OK\r\n1 40\r\n2 40\r\n3 40\r\n.\r\n".into(),
        "UIDL" => "+OK\r\n1 a1\r\n2 a2\r\n3 a3\r\n.\r\n".into(),
        "RETR" | "TOP" => "+OK\r\nSubject: hello\r\n\r\n.\r\n".into(),
        "QUIT" => Answer::close("+OK bye\r\n"),
        _ => "-ERR what?\r\n".into(),
    }
}
