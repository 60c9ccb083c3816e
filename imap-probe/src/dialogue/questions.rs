//! What is asked once we are in: one command each, in a fixed order, as far as the server offers it and the options
//! want it. None of it changes anything.

use probe_core::{Failure, Phase};
use probe_net::message::Date;
use probe_net::{Layer, Step, excerpt};

use super::{Awaited, CAPABILITY, ImapDialogue, NOOP, Next, State};
use crate::command::{Command, Introduction, Messages};
use crate::facts::{Exercise, Folders, MailboxFacts, MessageFacts, Quota};
use crate::mailbox::Mailbox;
use crate::options::{Access, Extension};
use crate::reply::{Code, Condition, Data, Fetch, Item, List, Reply, Resource, Status, Text};

const COMPRESS: Phase = Phase::new("compress");
const ENABLE: Phase = Phase::new("enable");
pub(super) const FETCH: Phase = Phase::new("fetch");
const ID: Phase = Phase::new("id");
pub(super) const IDLE: Phase = Phase::new("idle");
pub(super) const LIST: Phase = Phase::new("list");
const NAMESPACE: Phase = Phase::new("namespace");
const QUOTA: Phase = Phase::new("quota");
const RIGHTS: Phase = Phase::new("rights");
pub(super) const SEARCH: Phase = Phase::new("search");
pub(super) const SELECT: Phase = Phase::new("select");
pub(super) const UNSELECT: Phase = Phase::new("unselect");

/// Of so many messages all dates are asked for; of more, those of the first and the last.
const DATES: u32 = 1000;

/// The most that is kept of what a server may tell any number of times: folders with a special use, quotas, alerts.
pub(super) const KEPT: usize = 64;

/// One question.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Question {
    /// What does it offer, now that we are in?
    Capability,
    Compress,
    /// Who is it? We introduce ourselves along with it.
    Id,
    /// The same without an introduction, for servers that take none.
    IdOnly,
    Namespace,
    List,
    Quota,
    Rights,
    /// May the mailbox be opened, and what is in it?
    Open,
    Search,
    /// How old are the messages?
    Dates,
    /// Can the newest message be read?
    Read,
    Noop,
    Idle,
    /// It idles, and was told that this is enough.
    Idled,
    /// May the mailbox be watched?
    Watch,
    /// Does it begin to idle?
    Watching,
    /// It idles: is there news?
    News,
    Close,
    Utf8,
    Edit,
}

impl Question {
    const ORDER: [Self; 16] = [
        Self::Capability,
        Self::Compress,
        Self::Id,
        Self::Namespace,
        Self::List,
        Self::Quota,
        Self::Rights,
        Self::Open,
        Self::Search,
        Self::Dates,
        Self::Read,
        Self::Noop,
        Self::Idle,
        Self::Close,
        Self::Utf8,
        Self::Edit,
    ];

    const fn phase(self) -> Phase {
        match self {
            Self::Capability => CAPABILITY,
            Self::Close => UNSELECT,
            Self::Compress => COMPRESS,
            Self::Dates | Self::Read => FETCH,
            Self::Edit | Self::List => LIST,
            Self::Id | Self::IdOnly => ID,
            Self::Idle | Self::Idled | Self::News | Self::Watching => IDLE,
            Self::Namespace => NAMESPACE,
            Self::Noop => NOOP,
            Self::Open | Self::Watch => SELECT,
            Self::Quota => QUOTA,
            Self::Rights => RIGHTS,
            Self::Search => SEARCH,
            Self::Utf8 => ENABLE,
        }
    }
}

/// Asking.
impl ImapDialogue {
    pub(super) fn begin_questions(&mut self) -> Next {
        self.plan = match (&self.watched, &self.guest) {
            (None, None) => Question::ORDER.into(),
            (Some(_), _) => [Question::Capability, Question::Watch].into(),
            (None, Some(_)) => [Question::Capability].into(),
        };
        self.ask_next()
    }

    /// Asks the next question that is due, and says farewell when there is none.
    pub(super) fn ask_next(&mut self) -> Next {
        while let Some(question) = self.plan.pop_front() {
            if self.is_due(question) {
                return self.ask(question);
            }
        }
        match self.guest {
            Some(_) => self.rest_until_asked(),
            None => self.say_logout(),
        }
    }

    fn is_due(&mut self, question: Question) -> bool {
        let has_messages = self.messages().is_some_and(|count| count > 0);
        match question {
            Question::Capability => self.facts.authenticated.is_none(),
            Question::Compress => self.is_to_be_tried(Extension::Compress),
            Question::Id => self.offers("ID"),
            Question::Namespace => self.offers("NAMESPACE") || self.offers("IMAP4rev2"),
            Question::Quota => self.offers_quota(),
            Question::Rights => self.offers("ACL"),
            Question::Search => self.options.search.is_some(),
            Question::Dates | Question::Read => has_messages,
            Question::Noop => self.options.noops > 0,
            Question::Idle => self.is_to_be_tried(Extension::Idle),
            Question::Close => {
                let is_needed = self.options.edit || self.is_wanted(Extension::Utf8);
                is_needed && self.offers("UNSELECT")
            }
            Question::Utf8 => self.is_to_be_tried(Extension::Utf8),
            Question::Edit => self.options.edit && self.canary.is_some(),
            Question::IdOnly
            | Question::Idled
            | Question::List
            | Question::Open
            | Question::Watch
            | Question::News
            | Question::Watching => true,
        }
    }

    pub(super) fn is_wanted(&self, extension: Extension) -> bool {
        self.options.exercises.contains(&extension)
    }

    /// Whether to try an extension out; one that is wanted and not offered is noted.
    fn is_to_be_tried(&mut self, extension: Extension) -> bool {
        if !self.is_wanted(extension) {
            return false;
        }
        let is_offered = match extension {
            Extension::Idle => self.offers_idle(),
            _ => self.offers(extension.as_str()),
        };
        if !is_offered {
            self.note_exercise(extension, Exercise::NotOffered);
        }
        is_offered
    }

    pub(super) fn offers_idle(&self) -> bool {
        self.offers("IDLE") || self.offers("IMAP4rev2")
    }

    pub(super) fn note_exercise(&mut self, extension: Extension, outcome: Exercise) {
        self.facts.exercised.push((extension, outcome));
    }

    /// `QUOTA`, or `QUOTA=RES-STORAGE` and its like (RFC 9208 section 3.1).
    fn offers_quota(&self) -> bool {
        let offered = self.facts.capabilities().into_iter();
        let mut words = offered.flat_map(|offered| offered.words());
        words.any(|word| {
            let name = word.split(|byte| *byte == b'=').next();
            name.is_some_and(|name| name.eq_ignore_ascii_case(b"QUOTA"))
        })
    }

    fn messages(&self) -> Option<u32> {
        self.facts.mailbox.as_ref()?.messages
    }

    fn ask(&mut self, question: Question) -> Next {
        let mailbox = self.options.mailbox.clone();
        let newest = Messages::One(self.messages().unwrap_or(1));
        let command = match question {
            Question::Capability => Command::Capability,
            Question::Close => Command::Unselect,
            Question::Compress => Command::Compress,
            Question::Dates if self.messages() <= Some(DATES) => {
                Command::Fetch(Messages::All, "(INTERNALDATE)")
            }
            Question::Dates => Command::Fetch(Messages::One(1), "(INTERNALDATE)"),
            Question::Edit => return self.begin_edit(),
            Question::Id => Command::Id(Some(Introduction::OURS)),
            Question::IdOnly => Command::Id(None),
            Question::Idle | Question::Idled | Question::News | Question::Watching => Command::Idle,
            Question::List => Command::List {
                beginning: None,
                special_use: self.offers("SPECIAL-USE") && self.offers("LIST-EXTENDED"),
            },
            Question::Namespace => Command::Namespace,
            Question::Noop => Command::Noop,
            Question::Open => self.open(mailbox),
            Question::Quota => Command::GetQuotaRoot(mailbox),
            Question::Read => Command::Fetch(newest, READ),
            Question::Rights => Command::MyRights(mailbox),
            Question::Search => match &self.options.search {
                Some((criteria, _)) => Command::Search {
                    criteria: criteria.to_string(),
                    count: self.offers("ESEARCH") || self.offers("IMAP4rev2"),
                },
                None => return self.ask_next(),
            },
            Question::Utf8 => Command::Enable(Extension::Utf8.as_str()),
            Question::Watch => return self.watch(),
        };
        self.say(question.phase(), command, Awaited::Question(question))
    }

    fn open(&mut self, mailbox: Mailbox) -> Command {
        self.mailbox();
        let condstore = self.is_to_be_tried(Extension::Condstore);
        match self.options.access {
            Access::Examine => Command::Examine { mailbox, condstore },
            Access::Select => Command::Select { mailbox, condstore },
        }
    }
}

/// What is read of the newest message. `PEEK` leaves it unseen.
const READ: &str =
    "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[]<0.65536>)";

/// Hearing the answers.
impl ImapDialogue {
    pub(super) fn learn_answer(&mut self, question: Question, data: &Data) {
        match data {
            Data::Enabled(names) if question == Question::Utf8 => {
                let is_on = names.iter().any(|one| one.is(Extension::Utf8.as_str()));
                if is_on && !self.was_tried(Extension::Utf8) {
                    self.note_exercise(Extension::Utf8, Exercise::Works);
                }
            }
            Data::Exists(count) if self.facts.mailbox.is_some() => {
                self.mailbox().messages = Some(*count);
            }
            Data::Expunge(_) if self.facts.mailbox.is_some() => {
                let mailbox = self.mailbox();
                mailbox.messages = mailbox.messages.map(|count| count.saturating_sub(1));
            }
            Data::ExtendedSearch(result) if question == Question::Search => {
                self.mailbox().found = result.count;
            }
            Data::Fetch(fetch) => self.learn_message(question, fetch),
            Data::Flags(flags) if self.facts.mailbox.is_some() => {
                self.mailbox().flags = words(flags);
            }
            Data::Id(fields) => {
                let shown = |(name, value): &(Text, Option<Text>)| {
                    let value = value.as_ref()?.to_printable();
                    Some((name.to_printable().to_ascii_lowercase(), value))
                };
                self.facts.server = fields.iter().filter_map(shown).take(KEPT).collect();
            }
            Data::List(list) => self.learn_folder(list),
            Data::MyRights { mailbox, rights } if self.options.mailbox.is(mailbox) => {
                self.mailbox().rights = Some(rights.to_printable());
            }
            Data::Namespace(namespaces) => self.facts.namespaces = Some(namespaces.clone()),
            Data::Quota { root, resources } => self.learn_quota(root, resources),
            Data::Search(found) if question == Question::Search => {
                self.mailbox().found = u64::try_from(found.len()).ok();
            }
            _ => {}
        }
    }

    fn mailbox(&mut self) -> &mut MailboxFacts {
        let name = || MailboxFacts::new(&self.options.mailbox);
        self.facts.mailbox.get_or_insert_with(name)
    }

    fn learn_folder(&mut self, list: &List) {
        let folders = self.facts.folders.get_or_insert_with(Folders::default);
        folders.count += 1;
        folders.delimiter = folders.delimiter.or(list.delimiter);
        let use_of = |attribute: &Text| {
            let name = attribute.strip_prefix(b"\\")?;
            let is_use = SPECIAL_USES
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known));
            is_use.then(|| probe_core::printable(name))
        };
        if let Some(special) = list.attributes.iter().find_map(use_of)
            && folders.special.len() < KEPT
        {
            let mailbox = Mailbox::from_wire(&list.mailbox);
            folders.special.push((special, mailbox));
        }
    }

    fn learn_quota(&mut self, root: &Text, resources: &[Resource]) {
        for resource in resources {
            if self.facts.quotas.len() < KEPT {
                self.facts.quotas.push(Quota {
                    root: root.to_printable(),
                    resource: resource.name.to_printable(),
                    usage: resource.usage,
                    limit: resource.limit,
                });
            }
        }
    }

    fn learn_message(&mut self, question: Question, fetch: &Fetch) {
        for item in &fetch.items {
            if let Item::InternalDate(date) = item
                && let Some(date) = Date::parse_imap(date)
                && matches!(question, Question::Dates | Question::Read)
            {
                let at = date.at();
                let mailbox = self.mailbox();
                mailbox.oldest = Some(mailbox.oldest.map_or(at, |known| known.min(at)));
                mailbox.newest = Some(mailbox.newest.map_or(at, |known| known.max(at)));
            }
        }
        if question == Question::Read && Some(fetch.number) == self.messages() {
            let read = self
                .mailbox()
                .read
                .get_or_insert_with(MessageFacts::default);
            read.learn(fetch);
        }
    }

    pub(super) fn learn_mailbox_code(&mut self, code: &Code) {
        if self.facts.mailbox.is_none() {
            return;
        }
        // EXAMINE makes every mailbox read-only.
        let says_it_all = self.options.access == Access::Select;
        let mailbox = self.mailbox();
        match code {
            Code::HighestModSeq(number) => mailbox.highest_mod_seq = Some(*number),
            Code::PermanentFlags(flags) => mailbox.permanent_flags = Some(words(flags)),
            Code::ReadOnly if says_it_all => mailbox.is_writable = Some(false),
            Code::ReadWrite if says_it_all => mailbox.is_writable = Some(true),
            Code::UidNext(uid) => mailbox.uid_next = Some(*uid),
            Code::UidValidity(number) => mailbox.uid_validity = Some(*number),
            _ => {}
        }
    }

    pub(super) fn on_answer(&mut self, question: Question, status: &Status, reply: &Reply) -> Next {
        match status.condition {
            Condition::Ok => self.on_answered(question),
            _ => self.on_unanswered(question, status, reply),
        }
    }

    fn on_answered(&mut self, question: Question) -> Next {
        match question {
            Question::Compress => {
                self.note_exercise(Extension::Compress, Exercise::Works);
                self.state = State::ExpectLayer;
                return Ok(Step::Upgrade(Layer::Deflate));
            }
            Question::Open if self.is_wanted(Extension::Condstore) => self.judge_condstore(),
            Question::Noop => {
                self.facts.noops.add(self.took);
                if self.facts.noops.count() < self.options.noops.into() {
                    return self.ask(Question::Noop);
                }
            }
            Question::Idle => {
                let why = "the server was done before it began to idle".to_owned();
                self.note_exercise(Extension::Idle, Exercise::Broken(why));
            }
            Question::Idled => self.note_exercise(Extension::Idle, Exercise::Works),
            Question::Watch => {
                let idle = Awaited::Question(Question::Watching);
                return self.say(IDLE, Command::Idle, idle);
            }
            Question::Utf8 if !self.was_tried(Extension::Utf8) => {
                let why = "the server said OK and switched nothing on".to_owned();
                self.note_exercise(Extension::Utf8, Exercise::Broken(why));
            }
            _ => {}
        }
        self.ask_next()
    }

    /// RFC 7162 section 3.1.2.1: either the mailbox has mod-sequences, or the server says that it has none.
    fn judge_condstore(&mut self) {
        if !self.was_tried(Extension::Condstore) {
            let outcome = match self.mailbox().highest_mod_seq {
                Some(_) => Exercise::Works,
                None => Exercise::Broken("the mailbox has no mod-sequence".to_owned()),
            };
            self.note_exercise(Extension::Condstore, outcome);
        }
    }

    fn was_tried(&self, extension: Extension) -> bool {
        self.facts
            .exercised
            .iter()
            .any(|(known, _)| *known == extension)
    }

    fn on_unanswered(&mut self, question: Question, status: &Status, reply: &Reply) -> Next {
        let words = excerpt(reply.raw());
        match question {
            Question::Compress => self.note_exercise(Extension::Compress, Exercise::Broken(words)),
            Question::Idle | Question::Idled => {
                self.note_exercise(Extension::Idle, Exercise::Broken(words));
            }
            Question::Utf8 => self.note_exercise(Extension::Utf8, Exercise::Broken(words)),
            // Some take no introduction, and answer all the same when there is none.
            Question::Id => return self.ask(Question::IdOnly),
            Question::Open | Question::Search | Question::Dates | Question::Read => {
                if question == Question::Open {
                    self.facts.refused.push((SELECT.as_str(), words));
                }
                return self.refused(question.phase(), status, reply);
            }
            _ => self.facts.refused.push((question.phase().as_str(), words)),
        }
        self.ask_next()
    }

    /// The edit proof is over.
    pub(super) fn on_proven(&mut self, failure: Option<Failure>) -> Next {
        match failure {
            None => self.ask_next(),
            Some(failure) => self.give_up(failure),
        }
    }
}

/// RFC 6154 section 2, RFC 8457.
const SPECIAL_USES: [&[u8]; 8] = [
    b"All",
    b"Archive",
    b"Drafts",
    b"Flagged",
    b"Important",
    b"Junk",
    b"Sent",
    b"Trash",
];

fn words(texts: &[Text]) -> Vec<String> {
    texts.iter().map(Text::to_printable).collect()
}
