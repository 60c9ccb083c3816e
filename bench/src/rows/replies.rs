//! Row 19: the answer to EHLO, twelve lines, from bytes to what a client asks of it, beside the parsers of others.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use lettre::transport::smtp::extension::{Extension, ServerInfo};
use lettre::transport::smtp::response::Response;
use probe_net::{Codec, Decoded, Oddities};
use smtp_probe::{Capabilities, SmtpCodec};
use smtp_proto::EhloResponse;

use crate::machine;
use crate::outcome::number;
use crate::rounds::Series;
use crate::table::Table;

const EHLO: &[u8] = b"250-mx1.example.org\r\n250-PIPELINING\r\n250-SIZE 10485760\r\n250-VRFY\r\n250-ETRN\r\n\
    250-STARTTLS\r\n250-AUTH PLAIN LOGIN CRAM-MD5\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n\
    250-SMTPUTF8\r\n250 CHUNKING\r\n";

const ROUNDS: usize = 15;
const TIMES: usize = 20_000;

/// One parser: reads the reply, and says whether there is STARTTLS.
type Parser = fn(&[u8]) -> Result<bool>;

const PARSERS: [(&str, Parser); 4] = [
    ("smtp-probe", ours),
    ("smtp-proto", smtp_proto),
    ("smtp-codec", smtp_codec),
    ("lettre", lettre),
];

/// Prints what it costs.
pub(crate) fn measure() -> Result<()> {
    machine::pin(machine::CLIENTS)?;
    let mut series = [const { Vec::new() }; PARSERS.len()];
    for _ in 0..ROUNDS {
        for ((name, parse), times) in PARSERS.iter().zip(&mut series) {
            times.push(nanos(*parse).with_context(|| (*name).to_owned())?);
        }
    }
    let [ours, proto, codec, lettre] = series.map(Series::from_iter);
    let mut table = Table::new("Row 19: EHLO of 12 lines", &["", "ns", "ours over it"]);
    for (name, times) in [
        ("smtp-proto", &proto),
        ("smtp-codec", &codec),
        ("lettre", &lettre),
    ] {
        table.line([name.to_owned(), times.show(0), ours.over(times).show(2)]);
    }
    table.line(["smtp-probe".to_owned(), ours.show(0), String::new()]);
    table.at_most("ns", 300.0, ours.median());
    table.at_most("over lettre", 0.4, ours.over(&lettre).median());
    table.at_most("over smtp-proto", 1.4, ours.over(&proto).median());
    table.note("Ours keeps the bytes and what it does not know; smtp-proto keeps neither.");
    println!("{table}");
    Ok(())
}

fn nanos(parse: Parser) -> Result<f64> {
    let begun = Instant::now();
    for _ in 0..TIMES {
        if !black_box(parse(black_box(EHLO))?) {
            bail!("it saw no STARTTLS");
        }
    }
    Ok(begun.elapsed().as_secs_f64() * 1e9 / number(TIMES))
}

/// With the size and the mechanisms, which the others have by then.
fn ours(input: &[u8]) -> Result<bool> {
    let decoded = SmtpCodec::default().decode(input, &mut Oddities::default())?;
    let Decoded::Frame { reply, .. } = decoded else {
        bail!("no whole reply");
    };
    let capabilities = Capabilities::from(reply);
    black_box((capabilities.size_limit(), capabilities.mechanisms()));
    Ok(capabilities.has("STARTTLS"))
}

fn smtp_proto(input: &[u8]) -> Result<bool> {
    let parsed = EhloResponse::parse(&mut input.iter());
    let parsed = parsed.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    Ok(parsed.has_capability(smtp_proto::EXT_START_TLS))
}

fn smtp_codec(input: &[u8]) -> Result<bool> {
    use smtp_codec::types::{Capability, Response};
    let parsed = smtp_codec::parse::response::ehlo_ok_rsp(input);
    let (_, parsed) = parsed.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let Response::Ehlo { capabilities, .. } = parsed else {
        bail!("it read something else");
    };
    Ok(capabilities.contains(&Capability::StartTLS))
}

fn lettre(input: &[u8]) -> Result<bool> {
    let response: Response = std::str::from_utf8(input)?.parse()?;
    let server = ServerInfo::from_response(&response)?;
    Ok(server.supports_feature(Extension::StartTls))
}
