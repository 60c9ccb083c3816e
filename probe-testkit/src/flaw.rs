//! The names of what can be wrong with a certificate or its chain. How each comes about is in `authority`.

use std::time::Duration;

/// Something wrong, or merely odd, about a certificate or the chain it comes with.
///
/// Flaws go together: `ca.flawed(["mx.example.test"], [Flaw::Expired, Flaw::WrongName])`. Where two contradict each
/// other, the later one holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Flaw {
    /// The leaf ended a day ago.
    Expired,
    /// The leaf begins in a day.
    NotYetValid,
    /// The leaf ends so soon. It is valid, but somebody should know.
    SoonExpiring(Duration),
    /// The leaf is valid for five years; public authorities are held to 398 days.
    LongLived,
    /// The intermediate ended a day ago, and the leaf did not.
    ExpiredIntermediate,
    /// The leaf is for `wrong.example.test` and nothing else.
    WrongName,
    /// The names are in the subject's common name, where nobody looks any more, and there are no alternative names.
    CommonNameOnly,
    /// The leaf is signed by its own key, and comes alone.
    SelfSigned,
    /// All is in order, but under an authority nobody has heard of, which sends its root along.
    UnknownIssuer,
    /// The leaf is signed by the root; no intermediate is needed. No flaw, but a chain unlike all others.
    DirectlyFromRoot,
    /// The intermediate is not sent. The leaf says where to fetch it (AIA caIssuers), as public ones do.
    MissingIntermediate,
    /// The root is sent too: needless, and widespread.
    RootIncluded,
    /// The root is sent too, in an older certificate of the same key that ended a day ago.
    ExpiredRootIncluded,
    /// The root is sent too, and before the intermediate.
    DisorderedChain,
    /// Eight intermediates, where six is what most verifiers follow.
    TooLongChain,
    /// The intermediate may only issue for `permitted.example.test`.
    NameConstrained,
    /// The leaf is for clients only (extended key usage).
    NoServerAuth,
    /// The leaf says it is an authority itself.
    LeafIsCa,
    /// The leaf demands that an OCSP response be stapled (RFC 7633); attach one, or do not.
    MustStaple,
    /// The server signs the handshake with a key that is not the leaf's.
    WrongKey,
}

/// One flaw is a set of flaws too.
impl AsRef<[Flaw]> for Flaw {
    fn as_ref(&self) -> &[Flaw] {
        std::slice::from_ref(self)
    }
}
