//! A canary as it is sent. All of it but the addresses follows from its token, so whoever has the token knows what was
//! sent. How it is known again is for `recognise`, what became of it for `integrity`.

use std::time::{Duration, SystemTime};

use data_encoding::{BASE64, HEXLOWER};
use probe_net::message::{
    AddressError, Date, EIGHT_BIT_LINE, Offset, check_address, delicate_lines,
};
use sha2::{Digest, Sha256};

use crate::recognise::Known;
use crate::token::{Claims, Form, Keys, Name, Nonce, NonceError, SECONDS, Size, Token};

/// A message of our own, signed, with what relays are known to damage in it.
///
/// Nothing answers it, unless that is wanted: it says that a program sent it (RFC 3834 section 5), asks Exchange to be
/// quiet, and has no field of a mailing list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Canary {
    token: Token,
    claims: Claims,
    bytes: Vec<u8>,
}

impl Canary {
    /// The field that makes a message a canary: its token.
    pub const FIELD: &'static str = "X-Mailprobe-Delivery";

    /// A canary from one address to another, by one route of one prober. Parts of a second of `now` are dropped.
    ///
    /// # Errors
    /// An address that would not survive, a time before 1970 or after 2106, or no randomness.
    pub fn new(draft: &Draft, keys: &Keys, now: SystemTime) -> Result<Self, CanaryError> {
        let nonce = Nonce::random().map_err(CanaryError::Nonce)?;
        Self::with_nonce(draft, keys, now, nonce)
    }

    /// The same with a chosen nonce, for tests.
    ///
    /// # Errors
    /// As of [`Canary::new`].
    pub fn with_nonce(
        draft: &Draft,
        keys: &Keys,
        now: SystemTime,
        nonce: Nonce,
    ) -> Result<Self, CanaryError> {
        check_address(&draft.from).map_err(CanaryError::From)?;
        check_address(&draft.to).map_err(CanaryError::To)?;
        let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH);
        let seconds = since_1970.map_err(|_| CanaryError::Time)?.as_secs();
        let seconds = Some(seconds).filter(|seconds| SECONDS.contains(seconds));
        let since_1970 = Duration::from_secs(seconds.ok_or(CanaryError::Time)?);
        let sent_at = SystemTime::UNIX_EPOCH + since_1970;
        let content = Content::new(draft.form, draft.size, nonce);
        let claims = Claims {
            prober: draft.prober.prober_tag(),
            route: draft.route.route_tag(),
            sent_at,
            nonce,
            size: draft.size,
            form: draft.form,
            content: content.digest(),
        };
        let token = keys.sign(&claims);
        let bytes = message(
            [&draft.from, &draft.to],
            token,
            &claims,
            &content,
            draft.answers,
        );
        Ok(Self {
            token,
            claims,
            bytes: bytes.ok_or(CanaryError::Time)?,
        })
    }

    /// The canary that a token of an earlier run stands for, between the same addresses: to the octet what was sent.
    /// `None` where this version of the library makes other canaries than the one that sent it.
    pub fn again(known: &Known, from: &str, to: &str) -> Option<Self> {
        let claims = known.claims;
        let content = Content::new(claims.form, claims.size, claims.nonce);
        let bytes = message(
            [from, to],
            known.token,
            &claims,
            &content,
            Answers::Suppressed,
        )?;
        (content.digest() == claims.content).then_some(Self {
            token: known.token,
            claims,
            bytes,
        })
    }

    /// The whole message. All lines end with CR LF.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it is known by. As the envelope's name (ENVID, RFC 3461 section 4.4) it comes back in reports.
    pub fn token(&self) -> Token {
        self.token
    }

    /// What the token says.
    pub fn claims(&self) -> Claims {
        self.claims
    }
}

/// What a canary is to be.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Draft {
    /// Who sends it, by name.
    pub prober: Name,
    /// On which way.
    pub route: Name,
    /// The sender's address.
    pub from: String,
    /// The recipient's address.
    pub to: String,
    /// How large it is.
    pub size: Size,
    /// What it is made of.
    pub form: Form,
    /// Whether programs shall answer it.
    pub answers: Answers,
}

/// Whether programs shall answer a canary.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Answers {
    /// They are asked not to.
    #[default]
    Suppressed,
    /// One is awaited. No auto-responder answers what says that a program sent it (RFC 3834 section 2).
    Wanted,
}

impl Draft {
    /// A small one in ASCII.
    pub fn new(prober: Name, route: Name, from: impl Into<String>, to: impl Into<String>) -> Self {
        Self {
            prober,
            route,
            from: from.into(),
            to: to.into(),
            size: Size::default(),
            form: Form::default(),
            answers: Answers::default(),
        }
    }
}

/// Why there is no canary.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CanaryError {
    /// The sender's address is none.
    #[error("the sender's address {0}")]
    From(AddressError),
    /// There is no nonce.
    #[error(transparent)]
    Nonce(NonceError),
    /// The time cannot be written.
    #[error("a canary is sent between 1970 and 2106")]
    Time,
    /// The recipient's address is none.
    #[error("the recipient's address {0}")]
    To(AddressError),
}

/// RFC 3834 section 5: so that no vacation notice answers.
pub(crate) const AUTO_SUBMITTED: &str = "auto-generated";

/// What stands before the token in the subject.
pub(crate) const SUBJECT: &str = "mailprobe delivery ";

/// What stands before the token in the body.
pub(crate) const BODY: &str = "Token: ";

/// What a canary holds besides its token.
pub(crate) struct Content {
    /// The lines of its text, without the one with the token.
    pub(crate) lines: Vec<String>,
    /// The octets of its attachment.
    pub(crate) attachment: Option<Vec<u8>>,
    form: Form,
    nonce: Nonce,
}

impl Content {
    pub(crate) fn new(form: Form, size: Size, nonce: Nonce) -> Self {
        /// What is attached where no size is asked for.
        const SMALL: usize = 1024;
        let mut lines = vec![
            "This is a test message of mailprobe, which looks whether mail arrives, how fast,"
                .to_owned(),
            "and whether it is still the same. It may be deleted.".to_owned(),
        ];
        let attachment = match (form, size.octets()) {
            (Form::Plain, None) => None,
            (_, None) => Some(SMALL),
            // In lines of base64, 57 octets take 78.
            (_, Some(octets)) => Some(octets / 78 * 57),
        };
        let attachment = attachment.map(|octets| noise(nonce, octets));
        if form != Form::Plain {
            lines.extend(delicate_lines());
        }
        if form == Form::EightBit {
            lines.push(EIGHT_BIT_LINE.to_owned());
        }
        if let Some(octets) = &attachment {
            let digest = HEXLOWER.encode(&Sha256::digest(octets));
            lines.push("The attachment has the SHA-256".to_owned());
            lines.push(digest);
        }
        lines.push("This is the last line.".to_owned());
        Self {
            lines,
            attachment,
            form,
            nonce,
        }
    }

    /// What a token holds of it.
    pub(crate) fn digest(&self) -> [u8; 6] {
        let mut digest = Sha256::new();
        for line in &self.lines {
            digest.update(line);
            digest.update(b"\r\n");
        }
        digest.update(self.attachment.as_deref().unwrap_or_default());
        let mut octets = [0; 6];
        let whole = digest.finalize();
        octets
            .iter_mut()
            .zip(whole)
            .for_each(|(to, from)| *to = from);
        octets
    }

    /// The text part with its token, its lines ended.
    pub(crate) fn text(&self, token: Token) -> String {
        let mut text = format!("{BODY}{token}\r\n\r\n");
        for line in &self.lines {
            text.push_str(line);
            text.push_str("\r\n");
        }
        text
    }

    fn boundary(&self) -> String {
        format!("mailprobe-{}", HEXLOWER.encode(self.nonce.bytes()))
    }
}

/// Octets that no compression makes smaller and that follow from the nonce.
fn noise(nonce: Nonce, octets: usize) -> Vec<u8> {
    let mut noise = Vec::with_capacity(octets.next_multiple_of(32));
    let mut round: u64 = 0;
    while noise.len() < octets {
        let digest = Sha256::new()
            .chain_update(nonce.bytes())
            .chain_update(round.to_be_bytes());
        noise.extend_from_slice(&digest.finalize());
        round += 1;
    }
    noise.truncate(octets);
    noise
}

/// `None` if its time cannot be written.
fn message(
    [from, to]: [&str; 2],
    token: Token,
    claims: &Claims,
    content: &Content,
    answers: Answers,
) -> Option<Vec<u8>> {
    let date = Date::new(claims.sent_at, Offset::UTC)?;
    let (charset, encoding) = match content.form {
        Form::Plain | Form::SevenBit => ("us-ascii", "7bit"),
        Form::EightBit => ("utf-8", "8bit"),
    };
    let text_type = format!(
        "Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n"
    );
    let quiet = match answers {
        Answers::Suppressed => {
            format!("Auto-Submitted: {AUTO_SUBMITTED}\r\nX-Auto-Response-Suppress: All\r\n")
        }
        Answers::Wanted => String::new(),
    };
    let mut message = format!(
        "From: mailprobe <{from}>\r\n\
        To: <{to}>\r\n\
        Subject: {SUBJECT}{token}\r\n\
        Date: {date}\r\n\
        Message-ID: <{token}@{}>\r\n\
        {quiet}{}: {token}\r\n\
        MIME-Version: 1.0\r\n",
        id_right(from),
        Canary::FIELD,
    );
    let text = content.text(token);
    let Some(octets) = &content.attachment else {
        message.push_str(&format!("{text_type}\r\n{text}"));
        return Some(message.into_bytes());
    };
    let boundary = content.boundary();
    message.push_str(&format!(
        "Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\
        Content-Transfer-Encoding: {encoding}\r\n\r\n\
        --{boundary}\r\n{text_type}\r\n{text}\r\n\
        --{boundary}\r\n\
        Content-Type: application/octet-stream; name=\"mailprobe.dat\"\r\n\
        Content-Disposition: attachment; filename=\"mailprobe.dat\"\r\n\
        Content-Transfer-Encoding: base64\r\n\r\n"
    ));
    // 57 octets are a line of 76 letters (RFC 2045 section 6.8).
    for line in octets.chunks(57) {
        message.push_str(&BASE64.encode(line));
        message.push_str("\r\n");
    }
    message.push_str(&format!("\r\n--{boundary}--\r\n"));
    Some(message.into_bytes())
}

/// The right side of a message identifier: below the sender's domain, so that no other program makes the same one. An
/// address literal has nothing below it.
fn id_right(from: &str) -> String {
    match from.rsplit_once('@') {
        Some((_, literal)) if literal.starts_with('[') => literal.to_owned(),
        Some((_, domain)) => format!("mailprobe.{domain}"),
        None => "mailprobe".to_owned(),
    }
}
