//! The records of mail policy, as they stand in TXT: each a parser, and what it makes of the text.
