//! The machine: which page to ask for next, and what the last one says. No I/O: it is told what came.

use std::sync::Arc;

use probe_net::http::{Redirects, Url};

use crate::facts::{Detour, Hop, Login, Shown, Trouble, WebmailFacts};
use crate::options::Options;
use crate::page::Page;
use crate::product::Product;
use crate::reply::{Hsts, Html, plain, shortened, version_behind};

/// Goes from the page that was asked for to the one where a login would be.
#[derive(Debug)]
pub struct WebmailDialogue {
    options: Arc<Options>,
    facts: WebmailFacts,
}

/// What to do next.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "whoever leads must do all of it")]
pub enum Next {
    /// Ask for this page.
    Ask(Url),
    /// Nothing.
    Done,
}

impl WebmailDialogue {
    /// So often we let ourselves be sent on.
    pub const HOPS: usize = 5;

    /// A dialogue in which nothing was said yet.
    pub fn new(options: Arc<Options>) -> Self {
        Self {
            options,
            facts: WebmailFacts::default(),
        }
    }

    /// Hears what came of the last question.
    pub fn hear(&mut self, page: &Page) -> Next {
        let text = page.text();
        let html = Html::parse(&text);
        let product = Product::of(page, &text);
        // A login page that refreshes itself is there already.
        let is_passage = html.login_forms.is_empty() && product.is_none() && page.status == 200;
        let reference = html.refresh.as_deref().filter(|_| is_passage);
        if let Some(reference) = page.redirect().or(reference) {
            match self.follow(page, reference) {
                Ok(url) => {
                    self.facts.hops.push(Hop {
                        from: page.url.clone(),
                        status: page.status,
                    });
                    return Next::Ask(url);
                }
                Err(detour) => self.facts.detour = Some(detour),
            }
        }
        self.facts.page = Some(self.shown(page, &text, html, product));
        Next::Done
    }

    /// What was learned so far.
    pub const fn facts(&self) -> &WebmailFacts {
        &self.facts
    }

    /// What was learned.
    pub fn into_facts(self) -> WebmailFacts {
        self.facts
    }

    fn follow(&self, page: &Page, reference: &str) -> Result<Url, Detour> {
        let nowhere = |_| Detour::Nowhere(shortened(reference));
        let url = page.url.join(reference).map_err(nowhere)?;
        if page.url.is_secure() && !url.is_secure() {
            return Err(Detour::InClear(url));
        }
        let is_allowed = match self.options.redirects {
            Redirects::AnyHost => true,
            Redirects::SameHost => url.host() == page.url.host(),
            _ => false,
        };
        if !is_allowed {
            return Err(Detour::Elsewhere(url));
        }
        match self.facts.hops.len() < Self::HOPS {
            true => Ok(url),
            false => Err(Detour::Endless(url)),
        }
    }

    fn shown(&self, page: &Page, text: &str, html: Html, product: Option<Product>) -> Shown {
        let mark = product.and_then(Product::before_version);
        let version = page.header("x-owa-version").map(shortened);
        let version = version.or_else(|| mark.and_then(|mark| version_behind(text, mark)));
        let software = ["server", "x-powered-by"].into_iter();
        let software = software.flat_map(|name| page.headers(name));
        let software = software.chain(html.generator.as_deref()).map(shortened);
        Shown {
            url: page.url.clone(),
            status: page.status,
            octets: page.body.len().try_into().unwrap_or(u64::MAX),
            product,
            version,
            software: software.collect(),
            login: login(page, &html, product),
            trouble: trouble(page, text, &html),
            contains: self.options.contains.as_deref().map(|it| text.contains(it)),
            hsts: page
                .header("strict-transport-security")
                .and_then(Hsts::parse),
            retry_after: page.retry_after,
            challenges: page.challenges.clone(),
            title: html.title,
        }
    }
}

fn login(page: &Page, html: &Html, product: Option<Product>) -> Login {
    let base = html
        .base
        .as_deref()
        .and_then(|base| page.url.join(base).ok());
    let base = base.as_ref().unwrap_or(&page.url);
    // What is no address is a script's, and that stays where it is.
    let places = html.login_forms.iter().map(|action| {
        let place = action.as_deref().and_then(|action| base.join(action).ok());
        place.unwrap_or_else(|| page.url.clone())
    });
    // Those in clear first: they matter.
    let place = places.min_by_key(Url::is_secure);
    match (place, product) {
        (Some(place), _) => Login::Form(place),
        (None, Some(product)) if product.draws_its_form_by_script() => Login::Scripted,
        (None, _) => Login::Missing,
    }
}

/// Pages that web servers come with, by the beginnings of their titles.
const DEFAULT_PAGES: [&str; 6] = [
    "Apache2 Debian Default Page",
    "Apache2 Ubuntu Default Page",
    "IIS Windows Server",
    "Index of /",
    "Test Page for the ",
    "Welcome to nginx!",
];

/// What stands in pages of applications that are broken, with or without a status that says so; and the words that it
/// means.
const ERRORS: [(&str, &str); 5] = [
    // Roundcube, whatever the language (program/actions/utils/error.php).
    ("class=\"boxerror\"", ""),
    // PHP, with and without html_errors.
    ("<b>Fatal error</b>:", "Fatal error: "),
    ("PHP Fatal error:", "PHP Fatal error: "),
    // Apache's mod_proxy.
    (
        "The proxy server received an invalid",
        "The proxy server received an invalid ",
    ),
    // ASP.NET, and Exchange with it.
    ("Server Error in '/", "Server Error in '/"),
];

fn trouble(page: &Page, text: &str, html: &Html) -> Option<Trouble> {
    let title = html.title.as_deref().unwrap_or_default();
    if page.header("x-nextcloud-maintenance-mode").is_some() {
        let words = "X-Nextcloud-Maintenance-Mode";
        return Some(Trouble::Maintenance(words.to_owned()));
    }
    let of_work = |text: &str| text.to_ascii_lowercase().contains("maintenance");
    // Where one can log in, it is only a title.
    if of_work(title) && html.login_forms.is_empty() {
        return Some(Trouble::Maintenance(title.to_owned()));
    }
    if page.status == 503 && of_work(text) {
        let words = "status 503, with a page that tells of maintenance";
        return Some(Trouble::Maintenance(words.to_owned()));
    }
    if DEFAULT_PAGES.iter().any(|known| title.starts_with(known)) {
        return Some(Trouble::Default(title.to_owned()));
    }
    let words = ERRORS.iter().find_map(|(mark, words)| {
        let (_, behind) = text.split_once(mark)?;
        let behind = plain(behind.trim_start_matches('>'));
        Some(shortened(&format!("{words}{behind}")))
    });
    words.map(Trouble::Error)
}
