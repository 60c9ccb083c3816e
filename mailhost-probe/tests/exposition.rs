//! Pages of exporters: what is a sample, and what is not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use mailhost_probe::{Exposition, Reading};
use proptest::prelude::*;

const NODE: usize = 507;
const POSTFIX: usize = 183;

fn one(line: &str) -> Option<Reading<'_>> {
    let mut page = Exposition::new(line.as_bytes());
    let sample = page.next();
    assert!(page.next().is_none());
    assert_eq!(page.malformed(), u64::from(sample.is_none()));
    sample
}

#[test]
fn a_sample_is_read_with_its_labels() {
    let line = r#"windows_exchange_transport_queues_poison{name="_total",b="a\\b\n\"c\"",} 1.5e+06 1520879607789"#;
    let sample = one(line).unwrap();
    assert_eq!(sample.name, "windows_exchange_transport_queues_poison");
    assert_eq!(sample.label("name"), Some("_total"));
    assert_eq!(sample.label("b"), Some("a\\b\n\"c\""));
    assert_eq!(sample.label("c"), None);
    assert_eq!(sample.value, 1_500_000.0);
}

#[test]
fn values_may_be_no_numbers_and_without_bounds() {
    assert!(one("a NaN").unwrap().value.is_nan());
    let signed = one("a -NaN").unwrap().value;
    assert_eq!(signed.to_bits(), f64::NAN.to_bits());
    assert_eq!(one("a +Inf").unwrap().value, f64::INFINITY);
    assert_eq!(one("a{} -Inf\r").unwrap().value, f64::NEG_INFINITY);
}

#[test]
fn exemplars_are_passed_over() {
    let line = r#"a_bucket{le="0.01"} 0 1520879607.789 # {trace_id="KOO5S4vxi0o"} 0.67"#;
    assert_eq!(one(line).unwrap().value, 0.0);
}

#[test]
fn what_is_no_sample_is_counted() {
    for line in [
        "a",
        "a{",
        "a{b} 1",
        "a{b=\"c} 1",
        "1a 1",
        "a 1 2 3",
        "a{b=\"c\"",
        "a one",
        "{} 1",
    ] {
        assert_eq!(one(line), None, "{line}");
    }
}

#[test]
fn nothing_is_read_behind_the_end() {
    let mut page = Exposition::new(b"a 1\n# EOF\nb 1\n");
    assert_eq!(page.by_ref().count(), 1);
    assert!(page.is_over());
}

#[test]
fn a_line_may_be_so_long_and_no_longer() {
    let line = |length: usize| format!("a{{b=\"{}\"}} 1", "x".repeat(length - "a{b=\"\"} 1".len()));
    assert!(one(&line(Exposition::LINE)).is_some());
    assert!(one(&line(Exposition::LINE + 1)).is_none());
}

#[test]
fn a_sample_may_have_so_many_labels_and_no_more() {
    let line = |labels: usize| {
        let labels: Vec<_> = (0..labels).map(|label| format!("a{label}=\"\"")).collect();
        format!("a{{{}}} 1", labels.join(","))
    };
    let read = line(Exposition::LABELS);
    assert_eq!(one(&read).unwrap().labels.len(), 64);
    assert!(one(&line(Exposition::LABELS + 1)).is_none());
}

#[test]
fn the_pages_of_real_exporters_are_samples_and_comments_throughout() {
    for (page, samples) in [
        (
            &include_bytes!("transcripts/node-exporter-1.5.prom")[..],
            NODE,
        ),
        (
            include_bytes!("transcripts/postfix-exporter-0.3.prom"),
            POSTFIX,
        ),
    ] {
        let mut page = Exposition::new(page);
        assert_eq!((page.by_ref().count(), page.malformed()), (samples, 0));
    }
}

proptest! {
    #[test]
    fn arbitrary_octets_are_samples_or_counted(page in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut read = Exposition::new(&page);
        let samples = read.by_ref().count();
        let lines = page.split(|byte| *byte == b'\n').count();
        prop_assert!(samples + usize::try_from(read.malformed()).unwrap() <= lines);
    }

    #[test]
    fn what_is_written_is_read_back(
        name in "[a-z_:][a-z0-9_:]{0,9}",
        label in "[a-z_][a-z0-9_]{0,9}",
        text in "[ -~é]{0,12}",
        value in any::<f64>().prop_filter("NaN is nothing's equal", |value| !value.is_nan()),
    ) {
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
        let line = format!("{name}{{{label}=\"{escaped}\"}} {value:e}");
        let sample = one(&line).unwrap();
        prop_assert_eq!(sample.name, &name);
        prop_assert_eq!(sample.label(&label), Some(&*text));
        prop_assert_eq!(sample.value, value);
    }
}
