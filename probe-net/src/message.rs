//! Mail messages: the header section of whatever a mailbox holds, the dates of mail and of IMAP, and a canary, which
//! is a test message that is known again and compared with what was sent. No I/O and no protocol live here: stuffing
//! dots is for SMTP and POP3, literals are for IMAP.
//!
//! ```
//! use std::time::{Duration, SystemTime};
//!
//! use probe_net::message::{Canary, Comparison, Difference, Headers, Token, compare};
//!
//! let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_312_000);
//! let canary = Canary::new("probe@example.org", "inbox@example.net", Token::random()?, now)?;
//!
//! // What the server has of it, after a hop:
//! let mut received = b"Received: by mx.example.net; Fri, 2 Jan 2026 00:00:01 +0000\r\n".to_vec();
//! received.extend_from_slice(canary.bytes());
//!
//! let headers = Headers::of(&received);
//! assert_eq!(*headers.get("date").unwrap().value(), *b"Fri, 2 Jan 2026 00:00:00 +0000");
//! assert!(canary.is(headers.bytes()));
//! let added = Difference::FieldsAdded(vec!["Received".to_owned()]);
//! assert_eq!(compare(canary.bytes(), &received), Comparison::Different(vec![added]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod canary;
mod comparison;
mod date;
mod headers;
mod mark;

pub use address::{AddressError, check_address};
pub use canary::{Canary, CanaryError, EIGHT_BIT_LINE, delicate_lines};
pub use comparison::{Comparison, Difference, compare};
pub use date::{Date, DateForm, Offset};
pub use headers::{Field, HeaderEnd, HeaderOddity, Headers};
pub use mark::{Mark, Token, TokenError};
