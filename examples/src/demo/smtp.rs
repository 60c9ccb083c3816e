//! SMTP: submission servers, and what stands in the way of mail.

use core::time::Duration;

use probe_net::sasl::Credentials;
use probe_net::tls::Security;
use probe_testkit::{Answer, Authority, Flaw, Identity, Script};
use smtp_probe::{Options, SmtpProbe};

use super::{BoxError, Conversing, NAME, Scene, net};

pub(super) fn scenes(ca: &Authority) -> Result<Vec<Scene>, BoxError> {
    let stranger = SmtpProbe::builder(net(ca))
        .security(Security::Required)
        .server_name(NAME.parse()?);
    let knowing = |password| Credentials::password("alice", password);
    let alice = stranger.clone().credentials(knowing("wonderland")?);
    let mistaken = stranger.clone().credentials(knowing("looking-glass")?);
    let implicit = stranger.clone().security(Security::Implicit);

    let good = ca.identity([NAME]);
    let flawed = |flaw| greeting().serve(server(ca.flawed([NAME], flaw)));
    let expiring = Flaw::SoonExpiring(Duration::from_secs((6 * 24 + 1) * 60 * 60));
    let healthy = greeting().serve(server(good.clone()));
    let no_tls = greeting()
        .hear("EHLO")
        .say("250-mx.example.test\r\n250 SIZE 1000\r\n");
    let injecting = greeting()
        .hear("EHLO")
        .say("250-mx.example.test\r\n250 STARTTLS\r\n")
        .hear("STARTTLS")
        .say("220 Go ahead\r\n250 injected\r\n");
    let stalled = greeting()
        .hear("EHLO")
        .say("250-mx.example.test\r\n250 STARTTLS\r\n")
        .hear("STARTTLS")
        .say("220 Go ahead\r\n")
        .tls_stall();
    let legacy = Script::new().tls_legacy();
    let slow = Script::new()
        .say("220-mx.example.test ESMTP, please wait\r\n")
        .pause(Duration::from_millis(2500))
        .say("220 mx.example.test ESMTP\r\n")
        .serve(server(good));
    let full = "421 4.7.0 mx.example.test Too many connections, come back later\r\n";
    let full = Script::new().say(full);
    let blocked = "554 5.7.1 mx.example.test Service unavailable; client host blocked\r\n";
    let blocked = Script::new().say(blocked).drain();
    let missing = flawed(Flaw::MissingIntermediate);

    let table = [
        ("a healthy submission server", healthy.clone(), &alice),
        ("the same, a wrong password", healthy, &mistaken),
        ("certificate ends in 6 days", flawed(expiring), &stranger),
        ("certificate has expired", flawed(Flaw::Expired), &stranger),
        (
            "certificate for another name",
            flawed(Flaw::WrongName),
            &alice,
        ),
        (
            "self-signed certificate",
            flawed(Flaw::SelfSigned),
            &stranger,
        ),
        ("intermediate is not sent", missing, &stranger),
        ("STARTTLS is not offered", no_tls.drain(), &stranger),
        ("somebody injects before TLS", injecting.drain(), &stranger),
        ("only TLS 1.0 is spoken", legacy, &implicit),
        ("no TLS on the TLS port", greeting().drain(), &implicit),
        ("handshake stalls", stalled, &stranger),
        ("strangers have to wait", slow, &stranger),
        ("too many connections", full, &stranger),
        ("client is on a blacklist", blocked, &stranger),
        ("hangs up at once", Script::new().close(), &stranger),
    ];
    let scene = |(story, script, options): (&'static str, Script, &Options)| {
        Ok(Scene::new(story, script, options.clone().build()?))
    };
    let mut scenes: Vec<_> = table
        .into_iter()
        .map(scene)
        .collect::<Result<_, BoxError>>()?;
    scenes.push(Scene::nobody("nothing listens", stranger.build()?));
    Ok(scenes)
}

fn greeting() -> Script {
    Script::new().say("220 mx.example.test ESMTP\r\n")
}

/// A small submission server: EHLO, STARTTLS, AUTH PLAIN for alice, QUIT.
fn server(identity: Identity) -> impl Fn() -> Conversing + Send + Sync + 'static {
    // base64 of NUL alice NUL wonderland
    const LOGIN: &str = "AUTH PLAIN AGFsaWNlAHdvbmRlcmxhbmQ=";
    move || {
        let identity = identity.clone();
        let mut secured = false;
        Box::new(move |line| {
            let line = String::from_utf8_lossy(line);
            let command = line
                .split(' ')
                .next()
                .unwrap_or_default()
                .to_ascii_uppercase();
            match command.as_str() {
                "EHLO" if secured => {
                    Answer::say("250-mx.example.test\r\n250-SIZE 52428800\r\n250 AUTH PLAIN\r\n")
                }
                "EHLO" => {
                    Answer::say("250-mx.example.test\r\n250-SIZE 52428800\r\n250 STARTTLS\r\n")
                }
                "STARTTLS" => {
                    secured = true;
                    Answer::start_tls("220 2.0.0 Ready to start TLS\r\n", &identity)
                }
                "AUTH" if line == LOGIN => Answer::say("235 2.7.0 Authentication successful\r\n"),
                "AUTH" => Answer::say("535 5.7.8 Error: authentication failed\r\n"),
                "QUIT" => Answer::close("221 2.0.0 Bye\r\n"),
                _ => Answer::say("500 5.5.2 Error: command not recognized\r\n"),
            }
        })
    }
}
