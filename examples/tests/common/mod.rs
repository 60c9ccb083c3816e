//! The built tool, run against servers on loopback.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use probe_testkit::{Answer, Authority, Identity, Peer, Script};
use tokio::runtime::Runtime;

pub(crate) const NAME: &str = "mx.example.test";
pub(crate) const PASSWORD: &str = "wonder & land";

/// What one run of the tool said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs the tool as a user without a terminal would.
pub(crate) fn mailprobe<A: AsRef<str>>(arguments: impl IntoIterator<Item = A>) -> Said {
    mailprobe_with(arguments, &[])
}

/// The same, with these variables in its environment.
pub(crate) fn mailprobe_with<A: AsRef<str>>(
    arguments: impl IntoIterator<Item = A>,
    variables: &[(&str, &str)],
) -> Said {
    let arguments: Vec<_> = arguments
        .into_iter()
        .map(|argument| argument.as_ref().to_owned())
        .collect();
    let output = Command::new(env!("CARGO_BIN_EXE_mailprobe"))
        .args(arguments)
        .env_remove("CLICOLOR_FORCE")
        .env_remove("NO_COLOR")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Said {
        status: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A file with these bytes, for one test.
pub(crate) fn file(name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(bytes.as_ref()).unwrap();
    path
}

/// Servers of one test, and the authority behind their certificates.
pub(crate) struct World {
    pub(crate) ca: Authority,
    runtime: Runtime,
    ca_file: PathBuf,
}

impl World {
    /// `test` names the files of this test.
    pub(crate) fn new(test: &str) -> Self {
        let ca = Authority::new("Test CA");
        let ca_file = file(&format!("{test}-ca.pem"), ca.root_pem());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        Self {
            ca,
            runtime,
            ca_file,
        }
    }

    pub(crate) fn listen(&self, script: Script) -> Peer {
        self.runtime.block_on(script.listen()).unwrap()
    }

    /// What comes of something that servers are made of.
    pub(crate) fn wait<T>(&self, what: impl Future<Output = T>) -> T {
        self.runtime.block_on(what)
    }

    /// A server in good health that lets alice in.
    pub(crate) fn healthy(&self) -> Peer {
        self.listen(submission(self.ca.identity([NAME])))
    }

    /// `mailprobe smtp` with what every test needs, and then these arguments.
    pub(crate) fn smtp<'a>(&'a self, arguments: impl IntoIterator<Item = &'a str>) -> Said {
        let ca = self.ca_file.to_str().unwrap();
        let common = [
            "smtp",
            "--ca",
            ca,
            "--server-name",
            NAME,
            "--ehlo",
            "probe.test",
        ];
        mailprobe(common.into_iter().chain(arguments))
    }
}

impl World {
    /// `mailprobe imap` with what every test needs, and then these arguments.
    pub(crate) fn imap<'a>(&'a self, arguments: impl IntoIterator<Item = &'a str>) -> Said {
        let ca = self.ca_file.to_str().unwrap();
        let common = ["imap", "--ca", ca, "--server-name", NAME];
        mailprobe(common.into_iter().chain(arguments))
    }
}

impl World {
    /// `mailprobe pop3` with what every test needs, and then these arguments.
    pub(crate) fn pop3<'a>(&'a self, arguments: impl IntoIterator<Item = &'a str>) -> Said {
        let ca = self.ca_file.to_str().unwrap();
        let common = ["pop3", "--ca", ca, "--server-name", NAME];
        mailprobe(common.into_iter().chain(arguments))
    }
}

impl World {
    /// This command with what every test needs, and then these arguments.
    pub(crate) fn ask<'a>(
        &'a self,
        command: &'a str,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Said {
        let ca = self.ca_file.to_str().unwrap();
        let common = [command, "--ca", ca, "--server-name", NAME];
        mailprobe(common.into_iter().chain(arguments))
    }
}

/// `HOST:PORT` of a server.
pub(crate) fn at(peer: &Peer) -> String {
    peer.address().to_string()
}

pub(crate) fn greeting() -> Script {
    Script::new().say("220 mx.example.test ESMTP\r\n")
}

type Conversing = Box<dyn FnMut(&[u8]) -> Answer + Send>;

/// A submission server: EHLO, STARTTLS, AUTH PLAIN for alice with her password, QUIT. To anybody else it repeats what
/// it was told.
pub(crate) fn submission(identity: Identity) -> Script {
    greeting().serve(move || -> Conversing {
        let identity = identity.clone();
        let mut offer = "STARTTLS";
        Box::new(move |line| {
            let line = String::from_utf8_lossy(line);
            match line.split(' ').next() {
                Some("EHLO") => Answer::say(format!(
                    "250-mx.example.test\r\n250-SIZE 52428800\r\n250-X-ODD a\"b\\c\r\n250 {offer}\r\n"
                )),
                Some("STARTTLS") => {
                    offer = "AUTH PLAIN";
                    Answer::start_tls("220 2.0.0 Ready\r\n", &identity)
                }
                // base64 of NUL alice NUL wonder & land
                Some("AUTH") if line.ends_with(" AGFsaWNlAHdvbmRlciAmIGxhbmQ=") => {
                    Answer::say("235 2.7.0 Welcome\r\n")
                }
                Some("AUTH") => Answer::say(format!("535 5.7.8 no: {line} open sesame\r\n")),
                Some("QUIT") => Answer::close("221 2.0.0 Bye\r\n"),
                _ => Answer::say("500 5.5.2 What?\r\n"),
            }
        })
    })
}
