//! `mailprobe dnsbl`.

use core::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use dnsbl_probe::{Catalogue, DnsblProbe, List, Options, Profile, Progress};
use probe_core::{AnyProbe, Secret, Target, Verdict};
use probe_net::dns::{Resolver, RootHints};

use super::bar::Bar;
use super::surroundings::{NameServers, Run};
use super::{Mistake, read_secret};

#[derive(Args, Debug)]
pub(super) struct Dnsbl {
    /// Addresses or domains
    #[arg(required_unless_present = "show_lists", value_name = "ADDRESS|DOMAIN")]
    targets: Vec<Target>,
    #[command(flatten)]
    lists: ListChoice,
    /// Asks this list with the key that is in this file (repeatable)
    #[arg(long, value_name = "ZONE=FILE", value_parser = key, help_heading = "Lists")]
    key: Vec<(String, PathBuf)>,
    /// Believes every list that answers, without testing it first
    #[arg(long, help_heading = "Lists")]
    no_tests: bool,
    /// Does not ask for the reasons of listings
    #[arg(long, help_heading = "Lists")]
    no_reasons: bool,
    /// Is critical where listings weigh so much together, as postscreen counts, and not for each by itself
    #[arg(long, value_name = "SCORE", help_heading = "Lists")]
    threshold: Option<i64>,
    /// Names the lists that would be asked, and asks none
    #[arg(long, help_heading = "Lists")]
    show_lists: bool,
    #[command(flatten)]
    name_servers: NameServers,
    /// Asks the lists' own servers, looked for from the root down, and no resolver
    #[arg(long, conflicts_with_all = ["resolver", "resolver_tls", "resolver_https"], help_heading = "Network")]
    authoritative: bool,
    /// Begins at the root servers in this file, in the form of IANA's named.root
    #[arg(
        long,
        value_name = "FILE",
        requires = "authoritative",
        help_heading = "Network"
    )]
    root_hints: Option<PathBuf>,
    /// Trusts the certificates of this PEM file besides the system's, for resolvers over TLS and HTTPS
    #[arg(long, value_name = "FILE", help_heading = "Network")]
    ca: Option<PathBuf>,
    /// Asks from this address of this machine
    #[arg(long, value_name = "ADDRESS", help_heading = "Network")]
    source: Option<IpAddr>,
    #[command(flatten)]
    run: Run,
}

/// Which lists are asked.
#[derive(Args, Debug)]
pub(super) struct ListChoice {
    /// Which of the known lists are asked
    #[arg(long, value_enum, default_value_t, help_heading = "Lists")]
    profile: Lists,
    /// Asks this list as well, as postscreen names it: ZONE[=FILTER][*WEIGHT] (repeatable)
    #[arg(long, value_name = "LIST", help_heading = "Lists")]
    list: Vec<String>,
    /// Asks the lists of --list alone
    #[arg(
        long,
        requires = "list",
        conflicts_with = "profile",
        help_heading = "Lists"
    )]
    only: bool,
    /// Asks all lists but this one (repeatable)
    #[arg(long, value_name = "ZONE", help_heading = "Lists")]
    without: Vec<String>,
    /// Reads further lists from this file, in the form of the catalogue of the crate dnsbl-probe
    #[arg(long, value_name = "FILE", help_heading = "Lists")]
    catalogue: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
enum Lists {
    /// Those that are known to be alive and whose answers are understood
    #[default]
    Core,
    /// Those and all that several sources name
    Wide,
    /// Every list that is not known to be dead
    All,
}

impl Dnsbl {
    pub(super) fn run(&self) -> Result<Verdict, Mistake> {
        let lists = self.lists.lists()?;
        if self.show_lists {
            for list in lists.lists() {
                anstream::println!("{}", list.zone);
            }
            return Ok(Verdict::Ok);
        }
        let progress = Progress::default();
        let probe = self.ask(DnsblProbe::builder(self.resolver()?).catalogue(lists))?;
        let probe = probe
            .progress(progress.clone())
            .build()
            .map_err(Mistake::new)?;
        let count = move || (progress.done(), progress.asked());
        let bar = Bar::draw(&self.run.output, "lists", count);
        let verdict = self.run.ask(&self.targets, &AnyProbe::new(probe));
        drop(bar);
        verdict
    }

    fn resolver(&self) -> Result<Resolver, Mistake> {
        let resolver = match self.name_servers.resolver(self.ca.as_deref())? {
            Some(resolver) => resolver,
            None if self.authoritative => Resolver::new([]),
            None => Resolver::system().map_err(Mistake::new)?,
        };
        Ok(match self.source {
            Some(source) => resolver.with_source(source),
            None => resolver,
        })
    }

    fn ask(&self, options: Options) -> Result<Options, Mistake> {
        let mut options = options.tests(!self.no_tests).reasons(!self.no_reasons);
        if self.authoritative {
            options = options.authoritative(match &self.root_hints {
                Some(file) => RootHints::read(file).map_err(Mistake::new)?,
                None => RootHints::builtin(),
            });
        }
        if let Some(score) = self.threshold {
            options = options.threshold(score);
        }
        for (zone, file) in &self.key {
            let key: Secret = read_secret(file)?;
            options = options.key(zone, key);
        }
        Ok(options)
    }
}

impl ListChoice {
    pub(super) fn lists(&self) -> Result<Catalogue, Mistake> {
        let known = Catalogue::builtin();
        let mut own = match &self.catalogue {
            Some(file) => Catalogue::read(file)
                .map_err(|error| Mistake(format!("{}: {error}", file.display())))?,
            None => Catalogue::default(),
        };
        let all = known.clone().with(own.clone());
        for site in &self.list {
            let list = List::of_site(site, &all).map_err(Mistake::new)?;
            own = own.with(Catalogue::from_iter([list]));
        }
        let profile = match self.profile {
            Lists::Core => Profile::Core,
            Lists::Wide => Profile::Wide,
            Lists::All => Profile::All,
        };
        let lists = match self.only {
            true => own,
            false => known.profile(profile).with(own),
        };
        Ok(lists.without(&self.without))
    }
}

fn key(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((zone, file)) => Ok((zone.to_owned(), file.into())),
        None => Err("it is written ZONE=FILE".to_owned()),
    }
}
