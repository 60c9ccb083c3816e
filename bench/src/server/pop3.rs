//! POP3, with the capabilities of an unhurried Dovecot.

use std::borrow::Cow;

use super::Next;

pub(super) const GREETING: &[u8] = b"+OK ready\r\n";

const CAPA_IN_CLEAR: &[u8] =
    b"+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nAUTH-RESP-CODE\r\nSTLS\r\n.\r\n";
const CAPA_UNDER_TLS: &[u8] =
    b"+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nAUTH-RESP-CODE\r\nUSER\r\n\
SASL PLAIN LOGIN\r\n.\r\n";

pub(super) fn answer(line: &[u8], is_secured: bool) -> (Cow<'static, [u8]>, Next) {
    let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
    let (reply, next): (&[u8], Next) = match verb.as_slice() {
        b"CAPA" if is_secured => (CAPA_UNDER_TLS, Next::Line),
        b"CAPA" => (CAPA_IN_CLEAR, Next::Line),
        b"STLS" => (b"+OK begin\r\n", Next::Tls),
        b"QUIT" => (b"+OK bye\r\n", Next::End),
        _ => (b"-ERR what?\r\n", Next::Line),
    };
    (Cow::Borrowed(reply), next)
}
