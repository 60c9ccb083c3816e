//! What servers say against the grammar and is understood all the same. Each is one finding; the table of those is
//! in `findings.rs`, the cases with their sources in `tests/quirks.rs`.

use probe_core::FindingKind;

use crate::findings::{
    BARE_LF, CODE_MALFORMED, EIGHT_BIT, EMPTY_CONTINUATION, EMPTY_LIST, EXTRA_SPACE,
    MISPLACED_ITEMS, NIL, NO_STATUS_WORD, NO_TEXT, NUMBER_RANGE, TRAILING_SPACE, UNKNOWN, UNPARSED,
    UNQUOTED,
};

/// One way to stray from the grammar.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(super) enum Quirk {
    BareLf,
    CodeMalformed,
    EightBit,
    EmptyContinuation,
    EmptyList,
    ExtraSpace,
    MisplacedItems,
    Nil,
    NoStatusWord,
    NoText,
    NumberRange,
    TrailingSpace,
    Unknown,
    Unparsed,
    Unquoted,
}

impl Quirk {
    pub(super) const ALL: [Self; 15] = [
        Self::BareLf,
        Self::CodeMalformed,
        Self::EightBit,
        Self::EmptyContinuation,
        Self::EmptyList,
        Self::ExtraSpace,
        Self::MisplacedItems,
        Self::Nil,
        Self::NoStatusWord,
        Self::NoText,
        Self::NumberRange,
        Self::TrailingSpace,
        Self::Unknown,
        Self::Unparsed,
        Self::Unquoted,
    ];

    #[allow(
        clippy::as_conversions,
        reason = "the number of a variant, of which there are 15"
    )]
    pub(super) const fn bit(self) -> u32 {
        1 << self as u8
    }

    /// The finding that it is.
    pub(super) const fn kind(self) -> &'static FindingKind {
        match self {
            Self::BareLf => &BARE_LF,
            Self::CodeMalformed => &CODE_MALFORMED,
            Self::EightBit => &EIGHT_BIT,
            Self::EmptyContinuation => &EMPTY_CONTINUATION,
            Self::EmptyList => &EMPTY_LIST,
            Self::ExtraSpace => &EXTRA_SPACE,
            Self::MisplacedItems => &MISPLACED_ITEMS,
            Self::Nil => &NIL,
            Self::NoStatusWord => &NO_STATUS_WORD,
            Self::NoText => &NO_TEXT,
            Self::NumberRange => &NUMBER_RANGE,
            Self::TrailingSpace => &TRAILING_SPACE,
            Self::Unknown => &UNKNOWN,
            Self::Unparsed => &UNPARSED,
            Self::Unquoted => &UNQUOTED,
        }
    }
}
