//! TLS that no library will speak any more, byte by byte: alerts on demand, a ServerHello of 1999. Only the bytes;
//! when they are sent is decided in `handshake`.

/// What a server does in answer to a ClientHello when it has no mind to shake hands.
#[derive(Clone, Debug)]
pub(crate) enum TlsFault {
    Stall,
    Garbage(Vec<u8>),
    Alert(u8),
    Legacy,
    Cut,
    Reset,
}

/// A record holding one fatal alert.
pub(crate) fn alert(description: u8) -> Vec<u8> {
    const FATAL: u8 = 2;
    record(0x15, [0x03, 0x03], &[FATAL, description])
}

/// The ServerHello of a server that knows nothing newer than TLS 1.0 and chose TLS_RSA_WITH_AES_128_CBC_SHA.
pub(crate) fn legacy_server_hello() -> Vec<u8> {
    server_hello([0x03, 0x01], [0x00, 0x2f])
}

/// The first half of a TLS 1.2 ServerHello: the record promises more than comes.
pub(crate) fn half_a_server_hello() -> Vec<u8> {
    let mut hello = server_hello([0x03, 0x03], [0xc0, 0x2b]);
    hello.truncate(hello.len() / 2);
    hello
}

/// RFC 5246, section 7.4.1.3, without extensions.
fn server_hello(version: [u8; 2], suite: [u8; 2]) -> Vec<u8> {
    const SERVER_HELLO: u8 = 2;
    const NO_COMPRESSION: u8 = 0;
    let session_id = [0x5e; 32];

    let mut body = Vec::new();
    body.extend(version);
    body.extend([0x4d; 32]); // the server's random
    body.push(32);
    body.extend(session_id);
    body.extend(suite);
    body.push(NO_COMPRESSION);

    let mut message = vec![SERVER_HELLO];
    message.extend(length::<3>(body.len()));
    message.extend(body);
    record(0x16, version, &message)
}

fn record(content_type: u8, version: [u8; 2], content: &[u8]) -> Vec<u8> {
    let mut record = vec![content_type];
    record.extend(version);
    record.extend(length::<2>(content.len()));
    record.extend_from_slice(content);
    record
}

/// A length in `N` bytes, most significant first. What is forged here is far shorter than any of them holds.
fn length<const N: usize>(length: usize) -> impl Iterator<Item = u8> {
    let bytes = length.to_be_bytes();
    let skipped = bytes.len() - N;
    bytes.into_iter().skip(skipped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_seven_bytes() {
        assert_eq!(alert(70), [0x15, 3, 3, 0, 2, 2, 70]);
    }

    #[test]
    fn the_old_server_hello_is_well_formed() {
        let hello = legacy_server_hello();
        assert_eq!(
            hello.get(..11).unwrap(),
            [0x16, 3, 1, 0, 74, 2, 0, 0, 70, 3, 1]
        );
        assert_eq!(hello.len(), 5 + 74);
        assert_eq!(hello.get(76..).unwrap(), [0x00, 0x2f, 0x00]);
    }
}
