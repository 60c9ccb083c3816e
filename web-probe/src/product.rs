//! The webmails that are known, and the marks by which each is: what its own source writes into the page, or into the
//! head above it, whatever the colours, the language and the title are.

use core::fmt;
use core::str::FromStr;

use crate::page::Page;

/// A webmail.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Product {
    /// Horde.
    Horde,
    /// mailcow's own page, beside the SOGo behind it.
    Mailcow,
    /// Nextcloud, whose Mail app is a webmail.
    Nextcloud,
    /// Outlook on the web, of Exchange.
    Owa,
    /// RainLoop.
    Rainloop,
    /// Roundcube.
    Roundcube,
    /// SnappyMail, which grew out of RainLoop.
    Snappymail,
    /// SOGo.
    Sogo,
    /// Zimbra.
    Zimbra,
}

/// Something that stands in pages of one product alone.
enum Mark {
    /// In the body.
    Text(&'static str),
    /// The name of a cookie begins so.
    Cookie(&'static str),
    /// A header is there.
    Header(&'static str),
}

use Mark::{Cookie, Header, Text};

impl Product {
    /// All of them, in the order of their names.
    pub const ALL: &'static [Self] = &[
        Self::Horde,
        Self::Mailcow,
        Self::Nextcloud,
        Self::Owa,
        Self::Rainloop,
        Self::Roundcube,
        Self::Snappymail,
        Self::Sogo,
        Self::Zimbra,
    ];

    /// The name in options, JSON and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Horde => "horde",
            Self::Mailcow => "mailcow",
            Self::Nextcloud => "nextcloud",
            Self::Owa => "owa",
            Self::Rainloop => "rainloop",
            Self::Roundcube => "roundcube",
            Self::Snappymail => "snappymail",
            Self::Sogo => "sogo",
            Self::Zimbra => "zimbra",
        }
    }

    /// Whose page this is.
    pub(crate) fn of(page: &Page, text: &str) -> Option<Self> {
        let bears = |mark: &Mark| match mark {
            Text(mark) => text.contains(mark),
            Cookie(name) => page
                .headers("set-cookie")
                .any(|cookie| cookie.starts_with(name)),
            Header(name) => page.header(name).is_some(),
        };
        let mut known = Self::ALL.iter().copied();
        known.find(|product| product.marks().iter().any(bears))
    }

    /// Whether its login form is drawn by a script, so that the page itself has none.
    pub(crate) const fn draws_its_form_by_script(self) -> bool {
        matches!(self, Self::Nextcloud | Self::Rainloop | Self::Snappymail)
    }

    /// What stands before its version in the page, where it shows one.
    pub(crate) const fn before_version(self) -> Option<&'static str> {
        match self {
            Self::Owa => Some("/owa/auth/"),
            Self::Rainloop => Some("rainloop/v/"),
            Self::Snappymail => Some("snappymail/v/"),
            _ => None,
        }
    }

    const fn marks(self) -> &'static [Mark] {
        match self {
            Self::Horde => &[Text("name=\"horde_pass\""), Text("id=\"horde_login\"")],
            Self::Mailcow => &[Text("name=\"pass_user\""), Text("/img/cow_mailcow.svg")],
            Self::Nextcloud => &[
                Cookie("nc_sameSiteCookie"),
                Cookie("__Host-nc_sameSiteCookie"),
                Header("x-nextcloud-maintenance-mode"),
            ],
            Self::Owa => &[Text("/owa/auth.owa"), Header("x-owa-version")],
            Self::Rainloop => &[Text("rainloop/v/"), Text("content=\"RainLoop Team\"")],
            Self::Roundcube => &[
                Cookie("roundcube_sess"),
                Text("new rcube_webmail("),
                Text("id=\"rcmloginuser\""),
            ],
            Self::Snappymail => &[Text("snappymail/v/")],
            Self::Sogo => &[
                Text("ng-app=\"SOGo."),
                Text("SOGo.woa/WebServerResources"),
                Text("content=\"SOGo Web Interface\""),
            ],
            Self::Zimbra => &[
                Cookie("ZM_TEST"),
                Cookie("ZM_LOGIN_CSRF"),
                Text("id=\"ZLoginFormPanel\""),
                Text("class=\"zLoginField\""),
            ],
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Product {
    type Err = UnknownProduct;

    fn from_str(name: &str) -> Result<Self, UnknownProduct> {
        let mut known = Self::ALL.iter().copied();
        let found = known.find(|product| product.as_str().eq_ignore_ascii_case(name));
        found.ok_or(UnknownProduct)
    }
}

/// A name that is none of a webmail that we know.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no such webmail is known")]
#[non_exhaustive]
pub struct UnknownProduct;
