//! What a probe learns: typed for those who know the protocol, and written out uniformly for those who
//! do not.

use core::any::Any;
use core::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Typed knowledge that can also be written out uniformly.
///
/// A protocol's facts are plain data with public fields. [`Facts::record`] writes them as a tree, from
/// which JSON, performance data and metrics are made; the keys of that tree and the names of its metrics
/// are API.
pub trait Facts: Any + fmt::Debug + Send + Sync {
    /// Writes everything that is known so far.
    fn record(&self, out: &mut Record);
}

/// Nothing to tell: the facts of a composite whose knowledge is in its parts.
impl Facts for () {
    fn record(&self, _: &mut Record) {}
}

/// What was learned, if anything was asked.
impl<F: Facts> Facts for Option<F> {
    fn record(&self, out: &mut Record) {
        if let Some(facts) = self {
            facts.record(out);
        }
    }
}

/// Facts of any protocol, their type erased: what an [`AnyProbe`](crate::AnyProbe) reports.
#[derive(Clone)]
pub struct AnyFacts(Arc<dyn Facts>);

impl AnyFacts {
    /// Erases the type. Erasing what is erased already changes nothing.
    pub fn new<F: Facts>(facts: F) -> Self {
        let any: &dyn Any = &facts;
        if let Some(erased) = any.downcast_ref::<Self>() {
            return erased.clone();
        }
        Self(Arc::new(facts))
    }

    /// The typed facts, if they are of this type.
    pub fn downcast_ref<F: Facts>(&self) -> Option<&F> {
        let facts: &dyn Any = &*self.0;
        facts.downcast_ref()
    }
}

impl Facts for AnyFacts {
    fn record(&self, out: &mut Record) {
        self.0.record(out);
    }
}

impl fmt::Debug for AnyFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A tree of named values, in the order in which they were written.
///
/// ```
/// use probe_core::{Metric, Record, Unit};
///
/// let mut out = Record::default();
/// out.set("banner", "mx.example.org ESMTP");
/// out.metric("size_limit", Metric::new("probe_smtp_size_limit_bytes", Unit::Bytes, 52428800.0));
/// out.tree("starttls", |out| out.set("offered", true));
/// assert_eq!(out.metrics()[0].name, "probe_smtp_size_limit_bytes");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    entries: Vec<(String, Value)>,
}

impl Record {
    /// Writes one value.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        self.entries.push((key.into(), value.into()));
    }

    /// Writes a number that is also exported: its `key` is its place in the tree, its name the one that
    /// metrics and performance data use.
    pub fn metric(&mut self, key: impl Into<String>, metric: Metric) {
        self.set(key, Value::Metric(metric));
    }

    /// Writes a text that is also exported, as a label of a metric whose value is 1.
    pub fn label(&mut self, key: impl Into<String>, text: impl Into<Value>, metric: Metric) {
        self.set(key, Value::Labelled(Box::new(text.into()), metric));
    }

    /// Writes a branch.
    pub fn tree(&mut self, key: impl Into<String>, write: impl FnOnce(&mut Self)) {
        let mut branch = Self::default();
        write(&mut branch);
        self.set(key, Value::Tree(branch));
    }

    /// Writes a list of branches.
    pub fn trees<T>(
        &mut self,
        key: impl Into<String>,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(T, &mut Self),
    ) {
        let branch = |item| {
            let mut branch = Self::default();
            write(item, &mut branch);
            Value::Tree(branch)
        };
        self.set(key, Value::List(items.into_iter().map(branch).collect()));
    }

    /// What was written.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries
            .iter()
            .map(|(key, value)| (key.as_str(), value))
    }

    /// Every metric in the tree, in order.
    pub fn metrics(&self) -> Vec<&Metric> {
        let mut found = Vec::new();
        for (_, value) in &self.entries {
            value.collect_metrics(&mut found);
        }
        found
    }
}

/// A value in a [`Record`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// A value that is also exported, as a label.
    Labelled(Box<Value>, Metric),
    /// Several of them.
    List(Vec<Value>),
    /// A number that is also exported.
    Metric(Metric),
    /// Not known, or not there.
    None,
    /// A number.
    Number(i64),
    /// Text; bytes of a peer are made printable on their way in.
    Text(String),
    /// A point in time.
    Time(SystemTime),
    /// A branch.
    Tree(Record),
}

impl Value {
    fn collect_metrics<'a>(&'a self, found: &mut Vec<&'a Metric>) {
        match self {
            Self::Labelled(_, metric) | Self::Metric(metric) => found.push(metric),
            Self::List(values) => values.iter().for_each(|value| value.collect_metrics(found)),
            Self::Tree(tree) => found.extend(tree.metrics()),
            Self::Flag(_) | Self::None | Self::Number(_) | Self::Text(_) | Self::Time(_) => {}
        }
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(crate::transcript::printable(text.as_bytes()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

/// The bytes of a peer, as people can read them.
impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Text(crate::transcript::printable(bytes.trim_ascii_end()))
    }
}

impl From<SystemTime> for Value {
    fn from(time: SystemTime) -> Self {
        Self::Time(time)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

/// A number with a public name.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Metric {
    /// The name, as Prometheus has it: `probe_smtp_size_limit_bytes`.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// How much.
    pub value: f64,
    /// Which one, where there are several.
    pub labels: Vec<(&'static str, String)>,
}

impl Metric {
    /// A metric without labels.
    pub fn new(name: &'static str, unit: Unit, value: f64) -> Self {
        Self {
            name,
            unit,
            value,
            labels: Vec::new(),
        }
    }

    /// A whole number. Beyond 2^53 its last digits are lost.
    #[allow(
        clippy::as_conversions,
        reason = "there is no other way from u64 to f64"
    )]
    pub fn whole(name: &'static str, unit: Unit, value: u64) -> Self {
        Self::new(name, unit, value as f64)
    }

    /// A point in time, as seconds since 1970.
    pub fn timestamp(name: &'static str, time: SystemTime) -> Self {
        let seconds = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => after.as_secs_f64(),
            Err(before) => -before.duration().as_secs_f64(),
        };
        Self::new(name, Unit::Timestamp, seconds)
    }

    /// A length of time.
    pub fn duration(name: &'static str, duration: Duration) -> Self {
        Self::new(name, Unit::Seconds, duration.as_secs_f64())
    }

    /// A text that is exported as a label: the value is always 1.
    pub fn info(name: &'static str, label: &'static str, text: impl Into<String>) -> Self {
        Self::new(name, Unit::Info, 1.0).with_label(label, text)
    }

    /// The same with one label more.
    #[must_use]
    pub fn with_label(mut self, label: &'static str, value: impl Into<String>) -> Self {
        self.labels.push((label, value.into()));
        self
    }
}

/// What a [`Metric`] counts.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Unit {
    /// Octets.
    Bytes,
    /// Things.
    Count,
    /// Nothing: the labels carry it.
    Info,
    /// Seconds.
    Seconds,
    /// Seconds since 1970.
    Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Known(u16);
    impl Facts for Known {
        fn record(&self, out: &mut Record) {
            out.set("known", self.0);
        }
    }

    #[test]
    fn erasing_twice_is_erasing_once() {
        let twice = AnyFacts::new(AnyFacts::new(Known(7)));
        assert_eq!(twice.downcast_ref::<Known>(), Some(&Known(7)));
        assert!(twice.downcast_ref::<()>().is_none());
    }

    #[test]
    fn metrics_are_found_at_any_depth_in_order() {
        let count = |value| Metric::new("m", Unit::Count, value);
        let mut out = Record::default();
        out.metric("a", count(1.0));
        out.trees("list", [2.0, 3.0], |value, out| {
            out.metric("b", count(value))
        });
        out.tree("tree", |out| {
            out.tree("deeper", |out| out.metric("c", count(4.0)))
        });
        let values: Vec<_> = out.metrics().iter().map(|metric| metric.value).collect();
        assert_eq!(values, [1.0, 2.0, 3.0, 4.0]);
    }
}
