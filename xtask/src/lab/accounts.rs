//! Who can log in to the lab, everywhere the same, and the OAuth tokens that stand for some of
//! them.
//!
//! The passwords hold what breaks quoting: blanks, both quotes, a backslash, UTF-8, and more than
//! one line's worth.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Lab;

pub(crate) const DOMAIN: &str = "lab.test";

/// Signs the lab's tokens; Dovecot checks them with it, without asking anybody.
const TOKEN_KEY: &str = "the mailprobe lab signs its tokens with this";

/// An account at lab.test.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) name: &'static str,
    pub(crate) password: String,
    pub(crate) is_enabled: bool,
    pub(crate) quirk: &'static str,
}

impl User {
    pub(crate) fn address(&self) -> String {
        format!("{}@{DOMAIN}", self.name)
    }
}

/// A JSON web token in a file, as XOAUTH2 and OAUTHBEARER carry it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) label: &'static str,
    pub(crate) user: &'static str,
    /// Seconds since 1970.
    expires: u64,
    pub(crate) is_valid: bool,
}

impl Token {
    pub(crate) fn file(&self, lab: &Lab) -> PathBuf {
        lab.folder().join("tokens").join(self.label)
    }

    fn text(&self) -> String {
        let header = r#"{"alg":"HS256","typ":"JWT"}"#;
        let user = self.user;
        let claims = format!(
            r#"{{"sub":"{user}","email":"{user}@{DOMAIN}","iat":1577836800,"exp":{}}}"#,
            self.expires
        );
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims)
        );
        let signature = hmac_sha256(TOKEN_KEY.as_bytes(), signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

pub(crate) fn users() -> Vec<User> {
    let user = |name, password: &str, quirk| User {
        name,
        password: password.to_owned(),
        is_enabled: true,
        quirk,
    };
    vec![
        user(
            "alice",
            "alice pw#1",
            "six messages in INBOX that nobody changes; may read shared/bob/Team, and read and add \
             to shared/bob/Dropbox",
        ),
        user(
            "bob",
            r#"b"ob\pw'2"#,
            "tests may do here what they like, but for Team and Dropbox",
        ),
        user("carol", "cärøl пароль✓", "a password beyond ASCII"),
        user(
            "dave",
            &"twenty letters, each".repeat(25),
            "a password of 500 letters",
        ),
        User {
            is_enabled: false,
            ..user("disabled", "right but of no use", "no login at all")
        },
        user("empty", "nothing-here-3", "no messages"),
        user("big", "ten-thousand-4", "10000 messages in INBOX"),
        user(
            "full",
            "full-quota-5",
            "over quota, 12 of 10 KiB: APPEND and COPY are refused, MOVE is not",
        ),
        user(
            "nearlyfull",
            "nearly-full-6",
            "quota: 95 of 100 KiB; Postfix takes mail that does not fit, and it comes back",
        ),
        user(
            "readonly",
            "read-only-7",
            "has the rights `lr` to its own INBOX of 3 messages; POP3 says that it deletes, and does not",
        ),
        user("odd", "odd-names-8", "folders with odd names"),
        user("nopop", "no-pop-9", "IMAP, but not POP3"),
        user(
            "noeas",
            "no-eas-16",
            "IMAP and webmail, but no ActiveSync: SOGo answers OPTIONS, and 403 to all else",
        ),
        user(
            "broken",
            "broken-10",
            "logins fail for the time being, whatever the password: NO [UNAVAILABLE], -ERR [SYS/TEMP]",
        ),
        user(
            "hangup",
            "hang-up-14",
            "the right password ends a connection over TLS without a word; in clear it is answered \
             [UNAVAILABLE]",
        ),
        user(
            "homeless",
            "homeless-13",
            "logs in, but its mail cannot be reached: SELECT is answered NO [SERVERBUG], PASS -ERR \
             [SYS/TEMP]",
        ),
        user("pops", "twelve-11", "12 messages that nobody changes"),
        user(
            "locked",
            "locked-12",
            "its maildrop may be kept locked; who comes second waits 10 s for -ERR [IN-USE]",
        ),
        user(
            "deliver",
            "delivered-15",
            "the one whose mail arrives, whichever listener of Postfix takes it (all other mail is \
             accepted and lost, but for that to `nearlyfull`); empty at first, and tests look for \
             their own messages only",
        ),
    ]
}

pub(crate) fn tokens() -> [Token; 2] {
    [
        Token {
            label: "alice",
            user: "alice",
            expires: 4_102_444_800,
            is_valid: true,
        },
        Token {
            label: "alice-expired",
            user: "alice",
            expires: 1_609_459_200,
            is_valid: false,
        },
    ]
}

/// The tokens, one file each.
pub(crate) fn files(lab: &Lab) -> Vec<(PathBuf, String)> {
    tokens()
        .into_iter()
        .map(|token| (token.file(lab), token.text()))
        .collect()
}

/// Where tokens name no client and no key of their own, Dovecot looks for this one, in base64.
pub(crate) fn token_key() -> String {
    STANDARD.encode(TOKEN_KEY)
}

fn hmac_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    // A key of any length will do.
    Hmac::<Sha256>::new_from_slice(key)
        .map(|mac| mac.chain_update(text).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}
