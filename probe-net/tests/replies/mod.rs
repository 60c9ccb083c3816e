//! What name servers say, byte for byte.

/// The end of the question.
pub(crate) fn question_end(question: &[u8]) -> usize {
    let mut at = 12;
    while question[at] != 0 {
        at += usize::from(question[at]) + 1;
    }
    at + 5
}

/// A reply with these flags, code and records of the name that was asked for (type and data).
pub(crate) fn reply(question: &[u8], flags: u8, rcode: u8, records: &[(u8, &[u8])]) -> Vec<u8> {
    let mut reply = question[..question_end(question)].to_vec();
    reply[2] = 0x80 | flags;
    reply[3] = rcode;
    reply[7] = records.len().try_into().unwrap();
    reply[11] = 0;
    for (kind, data) in records {
        reply.extend([0xc0, 12, 0, *kind, 0, 1, 0, 0, 0, 60, 0]);
        reply.push(data.len().try_into().unwrap());
        reply.extend_from_slice(data);
    }
    reply
}
