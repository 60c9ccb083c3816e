//! The model that all pages of status are put into.

use std::time::SystemTime;

use probe_core::{Facts, Metric, Record, Unit};

/// What a provider publishes of itself.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct StatusFacts {
    /// How it calls itself.
    pub provider: Option<String>,
    /// How it says that it is as a whole.
    pub overall: Option<State>,
    /// When it last wrote something, as it says.
    pub updated: Option<SystemTime>,
    /// Its services.
    pub services: Vec<ServiceState>,
    /// What is not over.
    pub incidents: Vec<Incident>,
    /// What is over, as long as it is not too long ago.
    pub resolved: Vec<Incident>,
    /// Work that is planned or under way.
    pub maintenance: Vec<Incident>,
    /// What was left out since there is too much of it, or since it was too long ago.
    pub omitted: u64,
}

/// How a provider says that a service is.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ServiceState {
    /// Which.
    pub name: String,
    /// How it is.
    pub state: State,
}

/// Something that a provider tells of: trouble, or work.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Incident {
    /// By which the provider knows it.
    pub id: Option<String>,
    /// What it is about.
    pub title: String,
    /// How far the provider is with it, in its own word: `investigating`, `ServiceRestored`.
    pub state: Option<String>,
    /// How much it hurts.
    pub impact: State,
    /// Which services.
    pub services: Vec<String>,
    /// When it began.
    pub started: Option<SystemTime>,
    /// When something was last said of it.
    pub updated: Option<SystemTime>,
    /// When it was over, or is to be.
    pub resolved: Option<SystemTime>,
    /// What was last said of it.
    pub words: Option<String>,
    /// Where more of it is to be read.
    pub url: Option<String>,
}

/// How a service is, from best to worst; unknown aside.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum State {
    /// It is not told, or in a word that is not known here.
    #[default]
    Unknown,
    /// It works.
    Operational,
    /// It is being worked on.
    Maintenance,
    /// It works badly.
    Degraded,
    /// It works for some.
    PartialOutage,
    /// It does not work.
    MajorOutage,
}

impl State {
    /// The name in JSON and in evidence.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Operational => "operational",
            Self::Maintenance => "maintenance",
            Self::Degraded => "degraded",
            Self::PartialOutage => "partial-outage",
            Self::MajorOutage => "major-outage",
        }
    }

    /// Whether something does not work as it should.
    pub const fn hurts(self) -> bool {
        matches!(
            self,
            Self::Degraded | Self::PartialOutage | Self::MajorOutage
        )
    }
}

impl StatusFacts {
    /// So many services are kept.
    pub const SERVICES: usize = 512;
    /// So many incidents are kept of those that are not over, of those that are, and of works.
    pub const INCIDENTS: usize = 128;

    /// What another page of the same provider tells.
    pub(super) fn append(&mut self, next: Self) {
        self.provider = self.provider.take().or(next.provider);
        self.overall = self.overall.max(next.overall);
        self.updated = self.updated.max(next.updated);
        self.omitted = self.omitted.saturating_add(next.omitted);
        for service in next.services {
            self.add_service(service);
        }
        for (list, kind) in [
            (next.incidents, Kind::Open),
            (next.resolved, Kind::Over),
            (next.maintenance, Kind::Work),
        ] {
            for incident in list {
                self.add(incident, kind);
            }
        }
    }

    pub(super) fn add_service(&mut self, service: ServiceState) {
        match self.services.len() < Self::SERVICES {
            true => self.services.push(service),
            false => self.omitted += 1,
        }
    }

    pub(super) fn add(&mut self, incident: Incident, kind: Kind) {
        let list = match kind {
            Kind::Open => &mut self.incidents,
            Kind::Over => &mut self.resolved,
            Kind::Work => &mut self.maintenance,
        };
        match list.len() < Self::INCIDENTS {
            true => list.push(incident),
            false => self.omitted += 1,
        }
    }
}

/// To which list an incident belongs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Open,
    Over,
    Work,
}

impl Incident {
    /// So many services of one incident are kept.
    pub const SERVICES: usize = 16;
    /// So many characters of a title, a name or a word are kept.
    pub const TITLE: usize = 200;
    /// So many characters of what was said are kept.
    pub const WORDS: usize = 600;

    /// When something was last heard of it.
    pub(super) fn last_heard(&self) -> Option<SystemTime> {
        self.resolved.max(self.updated).or(self.started)
    }

    /// Whether it is about one of these services, or about any where none is named. Where the provider names no services, its
    /// words decide.
    pub(super) fn concerns(&self, wanted: &[String]) -> bool {
        if wanted.is_empty() || is_one_of(&self.services, wanted) {
            return true;
        }
        let words = self.words.iter().chain([&self.title]);
        self.services.is_empty() && is_one_of(words, wanted)
    }
}

/// Whether any of these texts has one of the wanted in it, in any case of letters.
pub(super) fn is_one_of<'a>(
    texts: impl IntoIterator<Item = &'a String>,
    wanted: &[String],
) -> bool {
    texts.into_iter().any(|text| {
        let text = text.to_lowercase();
        wanted
            .iter()
            .any(|name| text.contains(&name.to_lowercase()))
    })
}

impl Facts for StatusFacts {
    fn record(&self, out: &mut Record) {
        out.set("provider", self.provider.clone());
        if let Some(overall) = self.overall {
            out.set("overall", overall.as_str());
        }
        if self.updated.is_some() {
            out.set("updated", self.updated);
        }
        let mut known = Vec::new();
        out.trees("services", &self.services, |service, out| {
            // Of several with the same name, a metric is the first.
            service.record(!known.contains(&&service.name), out);
            known.push(&service.name);
        });
        out.trees("incidents", &self.incidents, Incident::record);
        out.trees("maintenance", &self.maintenance, Incident::record);
        out.trees("resolved", &self.resolved, Incident::record);
        let open = u64::try_from(self.incidents.len()).unwrap_or(u64::MAX);
        let open = Metric::whole("probe_status_incidents", Unit::Count, open);
        out.metric("open", open);
        let omitted = i64::try_from(self.omitted).unwrap_or(i64::MAX);
        out.set("omitted", omitted);
    }
}

impl ServiceState {
    fn record(&self, is_first: bool, out: &mut Record) {
        out.set("name", self.name.as_str());
        let state = self.state.as_str();
        match is_first && self.state != State::Unknown {
            true => {
                let well = u64::from(!self.state.hurts());
                let well = Metric::whole("probe_status_service_well", Unit::Count, well);
                let well = well.with_label("service", self.name.as_str());
                out.label("state", state, well);
            }
            false => out.set("state", state),
        }
    }
}

impl Incident {
    fn record(&self, out: &mut Record) {
        out.set("id", self.id.clone());
        out.set("title", self.title.as_str());
        out.set("state", self.state.clone());
        out.set("impact", self.impact.as_str());
        out.set("services", self.services.clone());
        out.set("started", self.started);
        out.set("updated", self.updated);
        out.set("resolved", self.resolved);
        out.set("words", self.words.clone());
        out.set("url", self.url.clone());
    }
}
