//! A probe of its own for who a domain is registered with: registries are slow, and do not like to be asked often.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use probe_core::{Context, Failure, HostName, Probe, Report, Target};
use probe_net::{Log, Net};
use tokio::time::Instant;

use crate::registration::{
    Bootstrap, Options, RegistrationFacts, State, judge, look_up, registered,
};

/// Asks a registry who a domain is registered with, and until when. What is known is kept for half a day.
#[derive(Clone, Debug)]
pub struct RegistrationProbe {
    net: Net,
    options: Arc<Options>,
    memory: Arc<Mutex<HashMap<HostName, Remembered>>>,
    fetched: Arc<Mutex<Option<Fetched>>>,
}

/// What a registry said, and when.
type Remembered = (Instant, RegistrationFacts);

/// Where registries are found, and since when.
type Fetched = (Instant, Arc<Bootstrap>);

impl RegistrationProbe {
    /// A registry changes what it says once a day, or less often.
    const KEPT: Duration = Duration::from_secs(12 * 60 * 60);
    /// And IANA's file changes a few times a month.
    const FRESH: Duration = Duration::from_secs(24 * 60 * 60);

    /// Over this network, with these options.
    pub fn new(net: Net, options: Options) -> Self {
        Self {
            net,
            options: Arc::new(options),
            memory: Arc::default(),
            fetched: Arc::default(),
        }
    }

    async fn look(&self, domain: &HostName, log: &mut Log) -> RegistrationFacts {
        let key = registered(domain);
        let kept = self
            .memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .cloned();
        if let Some((at, facts)) = kept
            && at.elapsed() < Self::KEPT
        {
            return facts;
        }
        let mut options = (*self.options).clone();
        options.bootstrap = self.bootstrap(log).await;
        let facts = look_up(&self.net, domain, &options, log).await;
        if matches!(facts.state, State::Known(_)) {
            let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
            memory.insert(key, (Instant::now(), facts.clone()));
        }
        facts
    }

    /// Where registries are found: by what was fetched today, if it is to be fetched.
    async fn bootstrap(&self, log: &mut Log) -> Arc<Bootstrap> {
        let Some(url) = &self.options.bootstrap_url else {
            return self.options.bootstrap.clone();
        };
        let lock = || self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        let last = lock().clone();
        match last {
            Some((at, bootstrap)) if at.elapsed() < Self::FRESH => return bootstrap,
            _ => {}
        }
        let older = last.map(|(_, bootstrap)| bootstrap);
        let fetched = Bootstrap::fetch(self.net.clone(), url, log).await;
        let bootstrap = match fetched {
            Ok(fetched) => Arc::new(fetched),
            Err(error) => {
                log.remark(|| error.to_string());
                older.unwrap_or_else(|| self.options.bootstrap.clone())
            }
        };
        // Whoever does not answer is not asked again at once.
        *lock() = Some((Instant::now(), bootstrap.clone()));
        bootstrap
    }
}

impl Probe for RegistrationProbe {
    type Facts = Option<RegistrationFacts>;

    fn name(&self) -> &'static str {
        "registration"
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<Option<RegistrationFacts>> {
        let mut report = Report::new(self.name(), target.clone(), cx.now(), None);
        let Some(domain) = target.domain() else {
            report.failure = Some(Failure::unfit_target(target));
            return report;
        };
        let mut log = Log::begin(cx);
        let facts = self.look(domain, &mut log).await;
        for finding in judge(&facts, cx.now(), self.options.thresholds()) {
            report.add_finding(finding);
        }
        report.facts = Some(facts);
        log.close(&mut report);
        report
    }
}
