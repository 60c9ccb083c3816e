//! The one trait, and its erased form.

use core::any::Any;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use std::sync::Arc;

use crate::{AnyFacts, Context, Facts, Report, Target};

/// One question that can be put to any target, again and again, from many tasks at once.
///
/// Implementers write an `async fn`; the signature here only adds that its future can move between
/// threads.
///
/// ```
/// use probe_core::{Context, Probe, Report, Target};
///
/// /// Finds everything well.
/// struct Optimist;
///
/// impl Probe for Optimist {
///     type Facts = ();
///
///     fn name(&self) -> &'static str {
///         "optimist"
///     }
///
///     async fn probe(&self, target: &Target, cx: &Context) -> Report<()> {
///         Report::new(self.name(), target.clone(), cx.now(), ())
///     }
/// }
/// ```
pub trait Probe: Send + Sync {
    /// What it learns.
    type Facts: Facts;

    /// A short lower-case name: `"smtp"`.
    fn name(&self) -> &'static str;

    /// Asks once. It never fails: refusal, silence and nonsense are reports too.
    ///
    /// Dropping the future ends the probe and closes its connections. What it had learned is gone then;
    /// to keep it, give the [`Context`] a budget instead.
    fn probe(
        &self,
        target: &Target,
        cx: &Context,
    ) -> impl Future<Output = Report<Self::Facts>> + Send;
}

/// Any probe, its facts erased: what a monitor keeps in a `Vec`.
///
/// Cheap to clone, and itself a [`Probe`].
#[derive(Clone)]
pub struct AnyProbe(Arc<dyn Erased>);

impl AnyProbe {
    /// Erases the type. Erasing what is erased already changes nothing.
    pub fn new<P: Probe + 'static>(probe: P) -> Self {
        let any: &dyn Any = &probe;
        if let Some(erased) = any.downcast_ref::<Self>() {
            return erased.clone();
        }
        Self(Arc::new(probe))
    }
}

impl Probe for AnyProbe {
    type Facts = AnyFacts;

    fn name(&self) -> &'static str {
        self.0.label()
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<AnyFacts> {
        self.0.ask(target, cx).await
    }
}

impl fmt::Debug for AnyProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnyProbe").field(&self.name()).finish()
    }
}

type Asking<'a> = Pin<Box<dyn Future<Output = Report<AnyFacts>> + Send + 'a>>;

/// [`Probe`] in a form that can be a trait object.
trait Erased: Send + Sync {
    fn label(&self) -> &'static str;
    fn ask<'a>(&'a self, target: &'a Target, cx: &'a Context) -> Asking<'a>;
}

impl<P: Probe> Erased for P {
    fn label(&self) -> &'static str {
        self.name()
    }

    fn ask<'a>(&'a self, target: &'a Target, cx: &'a Context) -> Asking<'a> {
        Box::pin(async move { self.probe(target, cx).await.erase() })
    }
}
