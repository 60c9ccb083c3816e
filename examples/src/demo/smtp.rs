//! SMTP: submission servers and mail exchangers, and what stands in the way of mail.

use core::time::Duration;

use probe_net::sasl::Credentials;
use probe_net::tls::Security;
use probe_testkit::{Answer, Authority, Flaw, Identity, Script};
use smtp_probe::{Address, Options, RelayTest, SmtpProbe};

use super::{BoxError, Conversing, NAME, Scene, net};

pub(super) fn scenes(ca: &Authority) -> Result<Vec<Scene>, BoxError> {
    let stranger = SmtpProbe::builder(net(ca))
        .security(Security::Required)
        .server_name(NAME.parse()?);
    let knowing = |password| Credentials::password("alice", password);
    let alice = stranger.clone().credentials(knowing("wonderland")?);
    let mistaken = stranger.clone().credentials(knowing("looking-glass")?);
    let implicit = stranger.clone().security(Security::Implicit);
    let testing = stranger.clone().injection_test(true);
    let carol: Address = "carol@example.test".parse()?;
    let mailing = stranger.clone().recipients(core::slice::from_ref(&carol));
    let guessing = mailing.clone().catch_all(true);
    let test = RelayTest::new(carol, "dave@example.net".parse()?)?;
    let relaying = stranger.clone().relay_test(test);

    let good = ca.identity([NAME]);
    let server = |identity| greeting().serve(serving(identity, by_recipient));
    let flawed = |flaw| server(ca.flawed([NAME], flaw));
    let to_anybody = |reply| greeting().serve(serving(good.clone(), move |_| reply));
    let expiring = Flaw::SoonExpiring(Duration::from_secs((6 * 24 + 1) * 60 * 60));
    let healthy = server(good.clone());
    let greylisting = to_anybody("450 4.7.1 Greylisted, come back in five minutes\r\n");
    let overflowing = to_anybody("452 4.2.2 Mailbox is full\r\n");
    let trusting = to_anybody("250 2.1.5 Ok\r\n");
    let no_tls = greeting()
        .hear("EHLO")
        .say("250-mx.example.test\r\n250 SIZE 1000\r\n");
    let injecting = greeting()
        .hear("EHLO")
        .say("250-mx.example.test\r\n250 STARTTLS\r\n")
        .hear("STARTTLS")
        .say("220 Go ahead\r\n250 injected\r\n");
    let obedient = greeting()
        .hear("EHLO")
        .say("250-mx.example.test\r\n250 STARTTLS\r\n")
        .hear_bytes("STARTTLS\r\nNOOP\r\n".len())
        .say("220 Go ahead\r\n")
        .tls(&good)
        .say("250 2.0.0 Ok\r\n")
        .hear("QUIT")
        .say("221 2.0.0 Bye\r\n");
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
        .serve(serving(good.clone(), by_recipient));
    let full = "421 4.7.0 mx.example.test Too many connections, come back later\r\n";
    let full = Script::new().say(full);
    let blocked = "554 5.7.1 mx.example.test Service unavailable; client host blocked\r\n";
    let blocked = Script::new().say(blocked).drain();
    let missing = flawed(Flaw::MissingIntermediate);

    let table = [
        ("a healthy submission server", healthy.clone(), &alice),
        ("the same, a wrong password", healthy.clone(), &mistaken),
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
        ("obeys what was injected", obedient, &testing),
        ("only TLS 1.0 is spoken", legacy, &implicit),
        ("no TLS on the TLS port", greeting().drain(), &implicit),
        ("handshake stalls", stalled, &stranger),
        ("strangers have to wait", slow, &stranger),
        ("too many connections", full, &stranger),
        ("client is on a blacklist", blocked, &stranger),
        ("hangs up at once", Script::new().close(), &stranger),
        ("mail for carol is taken", healthy.clone(), &guessing),
        ("the recipient has to wait", greylisting, &mailing),
        ("the mailbox is full", overflowing, &mailing),
        ("mail for anybody is taken", trusting.clone(), &guessing),
        ("strangers may not relay", healthy, &relaying),
        ("strangers may relay", trusting, &relaying),
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

/// carol is here, and nobody else is.
fn by_recipient(line: &str) -> &'static str {
    match line
        .to_ascii_lowercase()
        .starts_with("rcpt to:<carol@example.test>")
    {
        true => "250 2.1.5 Ok\r\n",
        false => "550 5.1.1 User unknown\r\n",
    }
}

/// A small server: EHLO, STARTTLS, AUTH PLAIN for alice, envelopes, QUIT. `rcpt` answers each RCPT line.
fn serving<R>(identity: Identity, rcpt: R) -> impl Fn() -> Conversing + Send + Sync + 'static
where
    R: Fn(&str) -> &'static str + Copy + Send + Sync + 'static,
{
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
                "MAIL" | "RSET" => Answer::say("250 2.0.0 Ok\r\n"),
                "RCPT" => Answer::say(rcpt(&line)),
                "QUIT" => Answer::close("221 2.0.0 Bye\r\n"),
                _ => Answer::say("500 5.5.2 Error: command not recognized\r\n"),
            }
        })
    }
}
