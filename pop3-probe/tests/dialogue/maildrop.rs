//! The look into the maildrop.

use std::time::{Duration, SystemTime};

use pop3_probe::Options;
use probe_core::{FailureKind, Range, Thresholds};
use probe_testkit::Script;

use super::common::model::{Maildrop, Quirk};
use super::common::{Outcome, log_in};
use super::{list, offering};

/// Where everything is asked of a maildrop of three.
async fn look(capabilities: &'static str, shape: impl FnOnce(Options) -> Options) -> Outcome {
    let script = Maildrop::of(3).served(capabilities, &Quirk::Nothing);
    log_in(&script, shape).await
}

#[tokio::test(start_paused = true)]
async fn the_languages_are_told_with_their_names() {
    let script = offering("LANG")
        .hear("USER alice")
        .say("+OK\r\n")
        .hear("PASS")
        .say("+OK\r\n")
        .hear("STAT")
        .say("+OK 0 0\r\n")
        .hear("LIST")
        .say(list(""))
        .hear("UIDL")
        .say(list(""))
        .hear("LANG")
        .say(list("en English, de Deutsch, i-default"))
        .hear("QUIT");
    let outcome = log_in(&script, |options| options.languages(true)).await;
    let told = outcome.facts.languages.iter();
    let told: Vec<_> = told.map(|(tag, name)| format!("{tag}={name}")).collect();
    assert_eq!(told, ["en=English", "de=Deutsch", "i-default="]);
}

#[tokio::test(start_paused = true)]
async fn questions_go_in_one_write_where_pipelining_is_announced_and_only_there() {
    let script = |capabilities| {
        offering(capabilities)
            .hear("USER")
            .say("+OK\r\n")
            .hear("PASS")
            .say("+OK\r\n")
            .hear("STAT")
            .say("+OK 1 3\r\n")
            .hear("LIST")
            // Whoever says UIDL before this was said speaks early.
            .pause(Duration::from_secs(1))
            .say(list("1 3"))
            .hear("UIDL")
            .say(list("1 a"))
            .hear("QUIT")
    };
    let one_by_one = log_in(&script("UIDL"), |options| options).await;
    one_by_one.conversation.assert_followed();
    assert!(!one_by_one.conversation.spoke_early());
    let at_once = log_in(&script("UIDL, PIPELINING"), |options| options).await;
    at_once.conversation.assert_followed();
    assert!(at_once.conversation.spoke_early());
    assert_eq!(one_by_one.facts.maildrop, at_once.facts.maildrop);
}

#[tokio::test(start_paused = true)]
async fn a_maildrop_with_more_messages_than_are_listed_is_only_counted() {
    let outcome = look("TOP\r\nUIDL\r\n", |options| options.list_up_to(2)).await;
    let maildrop = outcome.facts.maildrop.as_ref().unwrap();
    assert_eq!((maildrop.messages, &maildrop.listing), (3, &None));
    assert!(!outcome.has_said("LIST") && !outcome.has_said("UIDL"));
    let outcome = look("TOP\r\nUIDL\r\n", |options| options.list_up_to(3)).await;
    assert!(outcome.has_said("LIST") && outcome.has_said("UIDL"));
}

#[tokio::test(start_paused = true)]
async fn ages_come_from_the_header_sections_of_the_first_and_the_last_message() {
    let outcome = look("TOP\r\n", |options| options.ages(true)).await;
    assert!(outcome.has_said("TOP 1 0") && outcome.has_said("TOP 3 0"));
    let maildrop = outcome.facts.maildrop.unwrap();
    let day = |day: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(1_162_339_200 + day * 86_400);
    // 1 and 3 November 2006.
    assert_eq!(maildrop.oldest, Some(day(0)));
    assert_eq!(maildrop.newest, Some(day(2)));
}

#[tokio::test(start_paused = true)]
async fn each_threshold_is_judged() {
    let at_most = |range: &str| Thresholds::new(Some(range.parse::<Range>().unwrap()), None);
    let outcome = look("TOP\r\n", |options| {
        options
            .messages(at_most("2"))
            .octets(at_most("100"))
            .oldest(at_most("60"))
            .newest(at_most("60"))
    })
    .await;
    let expected = [
        "pop3.messages.threshold",
        "pop3.octets.threshold",
        "pop3.messages.oldest",
        "pop3.messages.newest",
    ];
    assert_eq!(outcome.codes(), expected);
    let well = look("TOP\r\n", |options| options.messages(at_most("3"))).await;
    assert_eq!(well.findings, []);
}

#[tokio::test(start_paused = true)]
async fn the_latency_of_noop_is_told_in_three_numbers() {
    let ms = Duration::from_millis;
    let mut script = empty_up_to_noop();
    for wait in [30, 10, 20] {
        script = script.hear("NOOP").pause(ms(wait)).say("+OK\r\n");
    }
    let script = script.hear("QUIT").say("+OK bye\r\n");
    let outcome = log_in(&script, |options| options.noops(3)).await;
    outcome.conversation.assert_followed();
    let noops = outcome.facts.noops;
    assert_eq!(noops.count(), 3);
    assert_eq!(
        [noops.min(), noops.median(), noops.p95()],
        [Some(ms(10)), Some(ms(20)), Some(ms(30))]
    );
}

fn empty_up_to_noop() -> Script {
    offering("USER, PIPELINING")
        .hear("USER")
        .say("+OK\r\n")
        .hear("PASS")
        .say("+OK\r\n")
        .hear("STAT")
        .say("+OK 0 0\r\n")
        .hear("LIST")
        .say(list(""))
        .hear("UIDL")
        .say(list(""))
}

#[tokio::test(start_paused = true)]
async fn the_smallest_message_is_read_if_it_is_small_enough() {
    let read = look("TOP\r\n", |options| options.retrieve(true)).await;
    let retrieved = read.facts.maildrop.unwrap().retrieved.unwrap();
    assert_eq!((retrieved.message, retrieved.octets), (1, 50));
    assert_eq!(retrieved.listed, Some(50));
    let bound = |octets| move |options: Options| options.retrieve(true).retrieve_up_to(octets);
    assert!(look("", bound(50)).await.has_said("RETR 1"));
    assert!(!look("", bound(49)).await.has_said("RETR 1"));
}

#[tokio::test(start_paused = true)]
async fn a_refused_stat_ends_the_dialogue_and_other_refusals_do_not() {
    let refused = |verb| Quirk::Instead(verb, "-ERR [SYS/TEMP] index\r\n".into());
    let meet = async |verb| {
        let script = Maildrop::of(3).served("TOP\r\nUIDL\r\n", &refused(verb));
        log_in(&script, |options| options.ages(true).noops(1)).await
    };
    let failure = meet("STAT").await.failure.unwrap();
    assert_eq!(
        (failure.kind, failure.phase.as_str()),
        (FailureKind::Temporary, "stat")
    );
    for verb in ["LIST", "UIDL", "TOP", "NOOP"] {
        let outcome = meet(verb).await;
        assert_eq!(outcome.failure, None, "{verb}");
        assert!(outcome.codes().contains(&"pop3.command.refused"), "{verb}");
        assert!(outcome.has_said("QUIT"), "{verb}");
    }
}
