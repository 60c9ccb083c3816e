//! IMAP, with the capabilities of a Dovecot. Whoever logs in is let in, and finds an empty mailbox.

use std::borrow::Cow;

use super::Next;

const IN_CLEAR: &str =
    "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ STARTTLS LOGINDISABLED";
const UNDER_TLS: &str =
    "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ AUTH=PLAIN AUTH=LOGIN";
/// Nothing that a probe would ask more about.
const LOGGED_IN: &str =
    "IMAP4rev1 SASL-IR ENABLE IDLE LITERAL+ UIDPLUS MOVE UNSELECT CONDSTORE ESEARCH";

/// First words that spare clients the question what it can do.
pub(super) fn greeting(is_secured: bool) -> Cow<'static, [u8]> {
    let greeting = format!("* OK [CAPABILITY {}] Dovecot ready.\r\n", offer(is_secured));
    Cow::Owned(greeting.into_bytes())
}

pub(super) fn answer(line: &[u8], is_secured: bool) -> (Cow<'static, [u8]>, Next) {
    let line = String::from_utf8_lossy(line);
    let mut words = line.split_whitespace();
    let (tag, verb) = (
        words.next().unwrap_or("*"),
        words.next().unwrap_or_default(),
    );
    let (data, next) = match verb {
        "AUTHENTICATE" | "LOGIN" => (format!("* CAPABILITY {LOGGED_IN}\r\n"), Next::Line),
        "CAPABILITY" => (
            format!("* CAPABILITY {}\r\n", offer(is_secured)),
            Next::Line,
        ),
        "EXAMINE" => ("* FLAGS (\\Seen)\r\n* 0 EXISTS\r\n".to_owned(), Next::Line),
        "LIST" => ("* LIST () \"/\" INBOX\r\n".to_owned(), Next::Line),
        "LOGOUT" => ("* BYE Logging out\r\n".to_owned(), Next::End),
        "STARTTLS" => (String::new(), Next::Tls),
        _ => (String::new(), Next::Line),
    };
    let reply = format!("{data}{tag} OK {verb} completed.\r\n");
    (Cow::Owned(reply.into_bytes()), next)
}

fn offer(is_secured: bool) -> &'static str {
    match is_secured {
        true => UNDER_TLS,
        false => IN_CLEAR,
    }
}
