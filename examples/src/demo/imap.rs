//! IMAP: servers with mail in them.

mod server;

use imap_probe::{ImapProbe, Options};
use probe_net::sasl::Credentials;
use probe_net::tls::Security;
use probe_testkit::{Authority, Flaw, Identity, Script};

use super::{BoxError, NAME, Scene, net};
use server::Server;

pub(super) fn scenes(ca: &Authority) -> Result<Vec<Scene>, BoxError> {
    let stranger = ImapProbe::builder(net(ca))
        .security(Security::Required)
        .server_name(NAME.parse()?);
    let knowing = |password| Credentials::password("alice", password);
    let alice = stranger.clone().credentials(knowing("wonderland")?);
    let mistaken = stranger.clone().credentials(knowing("looking-glass")?);
    let implicit = alice.clone().security(Security::Implicit);
    let archivist = alice.clone().mailbox("Archive/2019".parse()?);
    let editor = alice.clone().edit(true);

    let server = || Server::new(ca.identity([NAME]));
    let healthy = in_clear(server());
    let full = in_clear(server().filled(1_012_000));
    let modern = in_clear(server().refusing("Basic authentication is disabled."));
    let damaging = in_clear(server().storing(without_trailing_blanks));
    let expired = under_tls(ca.flawed([NAME], Flaw::Expired));
    let preauth = Script::new().say("* PREAUTH [CAPABILITY IMAP4rev1] Welcome back\r\n");
    let busy = Script::new().say("* BYE [UNAVAILABLE] Too many connections\r\n");

    let table = [
        ("a healthy server, mail is read", healthy.clone(), &alice),
        ("mail is put, changed, removed", healthy.clone(), &editor),
        ("a message comes back damaged", damaging, &editor),
        ("a wrong password", healthy.clone(), &mistaken),
        ("passwords are no longer taken", modern, &mistaken),
        ("the quota is nearly used up", full, &alice),
        ("the mailbox does not exist", healthy, &archivist),
        ("somebody logs us in before TLS", preauth.drain(), &alice),
        ("certificate has expired, port 993", expired, &implicit),
        ("too many connections", busy, &stranger),
    ];
    let scene = |(story, script, options): (&'static str, Script, &Options)| {
        Ok(Scene::new(story, script, options.clone().build()?))
    };
    table.into_iter().map(scene).collect()
}

fn in_clear(server: Server) -> Script {
    Script::new().say(GREETING).serve(server.serve())
}

fn under_tls(identity: Identity) -> Script {
    let server = Server::new(identity.clone()).secured();
    let script = Script::new().tls(&identity);
    script.say(GREETING).serve(server.serve())
}

const GREETING: &str = "* OK mx.example.test ready\r\n";

/// As filters do that reformat mail.
fn without_trailing_blanks(message: &[u8]) -> Vec<u8> {
    let lines = message.split(|byte| *byte == b'\n');
    let lines = lines.map(|line| line.trim_ascii_end());
    lines.collect::<Vec<_>>().join(&b"\r\n"[..])
}
