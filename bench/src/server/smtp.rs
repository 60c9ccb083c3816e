//! SMTP, with twelve lines of EHLO as an unhurried Postfix has them.

use std::borrow::Cow;

use super::Next;

pub(super) const GREETING: &[u8] = b"220 mx.bench.test ESMTP Postfix\r\n";

const EHLO_IN_CLEAR: &[u8] = b"250-mx.bench.test\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-VRFY\r\n250-ETRN\r\n\
250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250-REQUIRETLS\r\n250 CHUNKING\r\n";
const EHLO_UNDER_TLS: &[u8] = b"250-mx.bench.test\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-VRFY\r\n250-ETRN\r\n\
250-AUTH PLAIN LOGIN\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250-REQUIRETLS\r\n250 CHUNKING\r\n";

pub(super) fn answer(line: &[u8], is_secured: bool) -> (Cow<'static, [u8]>, Next) {
    let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
    let (reply, next): (&[u8], Next) = match verb.as_slice() {
        b"EHLO" if is_secured => (EHLO_UNDER_TLS, Next::Line),
        b"EHLO" => (EHLO_IN_CLEAR, Next::Line),
        b"STAR" => (b"220 2.0.0 Ready to start TLS\r\n", Next::Tls),
        b"QUIT" => (b"221 2.0.0 Bye\r\n", Next::End),
        _ => (b"250 2.0.0 Ok\r\n", Next::Line),
    };
    (Cow::Borrowed(reply), next)
}
