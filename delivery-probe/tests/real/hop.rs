//! A hop of our own in front of the lab's Postfix: it takes a message, does to it what it is told, and hands it on. It says
//! of itself in a `Received` field what any server says.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, SystemTime};

use probe_net::message::{Date, Offset};

/// What the hop does to a message.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deed {
    /// It keeps the message for so long.
    pub(crate) keep: Duration,
    /// Its clock is slow by so much.
    pub(crate) slow_by: Duration,
    /// How often it hands it on; 0 is once.
    pub(crate) copies: usize,
    /// What it adds behind the text.
    pub(crate) footer: &'static str,
    /// What it loses.
    pub(crate) loses: bool,
}

/// Where it listens; it serves as long as the test runs.
pub(crate) fn hop(deed: Deed, next: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            thread::spawn(move || serve(stream, deed, next));
        }
    });
    address
}

fn serve(mut stream: TcpStream, deed: Deed, next: SocketAddr) {
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let mut say = move |line: &str| stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
    let mut recipient = String::new();
    say("220 hop.test ESMTP");
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        match line
            .get(..4)
            .unwrap_or_default()
            .to_ascii_uppercase()
            .as_str()
        {
            "EHLO" => say("250-hop.test\r\n250 8BITMIME"),
            "RCPT" => {
                recipient = line.split(['<', '>']).nth(1).unwrap().to_owned();
                say("250 2.1.5 Ok");
            }
            "DATA" => {
                say("354 go on");
                let message = message(&mut lines);
                say("250 2.0.0 Ok: queued as 4711");
                let (recipient, deed) = (recipient.clone(), deed);
                thread::spawn(move || hand_on(&message, &recipient, deed, next));
            }
            "QUIT" => return say("221 bye"),
            _ => say("250 Ok"),
        }
    }
}

/// As it came, dots stuffed, without the last one.
fn message(lines: &mut impl BufRead) -> Vec<u8> {
    let mut message = Vec::new();
    loop {
        let mut line = Vec::new();
        lines.read_until(b'\n', &mut line).unwrap();
        if line == b".\r\n" || line.is_empty() {
            return message;
        }
        message.extend(line);
    }
}

fn hand_on(message: &[u8], recipient: &str, deed: Deed, next: SocketAddr) {
    if deed.loses {
        return;
    }
    let at = Date::new(SystemTime::now() - deed.slow_by, Offset::UTC).unwrap();
    let field = format!(
        "Received: from monitor.test (monitor.test [127.0.0.1])\r\n\tby hop.test with ESMTP id 4711;\r\n\t{at}\r\n"
    );
    thread::sleep(deed.keep);
    for _ in 0..deed.copies.max(1) {
        let stream = TcpStream::connect(next).unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        let mut hear = || loop {
            let mut line = String::new();
            lines.read_line(&mut line).unwrap();
            if line.as_bytes().get(3) == Some(&b' ') {
                return line;
            }
        };
        hear();
        for command in [
            "EHLO hop.test",
            "MAIL FROM:<deliver@lab.test>",
            &format!("RCPT TO:<{recipient}>"),
            "DATA",
        ] {
            stream
                .write_all(format!("{command}\r\n").as_bytes())
                .unwrap();
            let reply = hear();
            assert!(reply.starts_with(['2', '3']), "{command}: {reply}");
        }
        stream.write_all(field.as_bytes()).unwrap();
        stream.write_all(message).unwrap();
        stream
            .write_all(format!("{}.\r\nQUIT\r\n", deed.footer).as_bytes())
            .unwrap();
        assert!(hear().starts_with("250"));
    }
}
