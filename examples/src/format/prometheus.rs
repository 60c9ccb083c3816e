//! The text format of Prometheus 0.0.4, with the names that blackbox_exporter has made common.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use core::fmt::Write;
use core::time::Duration;
use std::collections::BTreeMap;

use probe_core::{Facts, Phase, Record, Report, Verdict};

use super::phases;

/// The reports as one page. Each sample has the labels `probe` and `target`; the members of a composite
/// stand beside it with targets of their own.
pub fn prometheus(reports: &[Report]) -> String {
    let mut page = Page::default();
    for report in reports {
        page.add(report);
    }
    page.write()
}

/// Samples by the name of their metric: all of one name must stand together.
#[derive(Default)]
struct Page {
    families: BTreeMap<&'static str, Vec<Sample>>,
}

/// A series, which is a name and its labels, and its value.
struct Sample {
    series: String,
    value: f64,
}

impl Page {
    fn add(&mut self, report: &Report) {
        let verdict = report.verdict();
        let up = f64::from(u8::from(verdict < Verdict::Unknown));
        self.sample(report, "probe_success", &[], up);
        self.sample(report, "probe_verdict", &[], verdict.exit_status().into());
        self.sample(
            report,
            "probe_duration_seconds",
            &[],
            report.elapsed.as_secs_f64(),
        );
        let phases = phases(report);
        let resolving = phases.iter().find(|(phase, _)| *phase == Phase::RESOLVE);
        let resolving = resolving.map_or(Duration::ZERO, |(_, duration)| *duration);
        let seconds = resolving.as_secs_f64();
        self.sample(report, "probe_dns_lookup_time_seconds", &[], seconds);
        for (phase, duration) in phases {
            let labels = [("phase", phase.to_string())];
            let seconds = duration.as_secs_f64();
            self.sample(report, "probe_phase_duration_seconds", &labels, seconds);
        }
        if let Some(failure) = &report.failure {
            let labels = [
                ("phase", failure.phase.to_string()),
                ("kind", failure.kind.to_string()),
            ];
            self.sample(report, "probe_failure_info", &labels, 1.0);
        }
        for finding in &report.findings {
            let labels = [
                ("code", finding.code().to_owned()),
                ("severity", finding.severity.to_string()),
            ];
            self.sample(report, "probe_finding_info", &labels, 1.0);
        }
        let mut record = Record::default();
        report.facts.record(&mut record);
        for metric in record.metrics() {
            self.sample(report, metric.name, &metric.labels, metric.value);
        }
        for part in &report.parts {
            self.add(part);
        }
    }

    fn sample(
        &mut self,
        report: &Report,
        name: &'static str,
        labels: &[(&str, String)],
        value: f64,
    ) {
        let own = [
            ("probe", report.probe.to_owned()),
            ("target", report.target.to_string()),
        ];
        let labels: Vec<_> = own
            .iter()
            .chain(labels)
            .map(|(label, text)| format!("{label}=\"{}\"", escaped(text)))
            .collect();
        let series = format!("{name}{{{}}}", labels.join(","));
        let family = self.families.entry(name).or_default();
        // The same series twice would make the whole page unreadable: of a target named twice, and of a host that
        // is its own only address, the first counts.
        if family.iter().all(|sample| sample.series != series) {
            family.push(Sample { series, value });
        }
    }

    fn write(self) -> String {
        let mut page = String::new();
        let mut declared = "";
        for (name, samples) in &self.families {
            let (family, kind) = self.family(name);
            if family != declared {
                if let Some(help) = help(family) {
                    let _ = writeln!(page, "# HELP {family} {help}");
                }
                let _ = writeln!(page, "# TYPE {family} {kind}");
                declared = family;
            }
            for Sample { series, value } in samples {
                let _ = writeln!(page, "{series} {value}");
            }
        }
        page
    }

    /// What a metric belongs to, and of what kind that is. The three metrics of a histogram follow each other by name.
    fn family(&self, name: &'static str) -> (&'static str, &'static str) {
        let mut ends = ["_bucket", "_count", "_sum"].into_iter();
        let histogram = ends.find_map(|end| name.strip_suffix(end));
        match histogram {
            Some(base)
                if self
                    .families
                    .contains_key(format!("{base}_bucket").as_str()) =>
            {
                (base, "histogram")
            }
            _ if name.ends_with("_total") => (name, "counter"),
            _ => (name, "gauge"),
        }
    }
}

fn help(name: &str) -> Option<&'static str> {
    Some(match name {
        "probe_delivery_authentication" => "1 if the method passed at the receiving server.",
        "probe_delivery_auto_replies" => "Answers of programs that were passed over.",
        "probe_delivery_canaries" => "How many canaries stand how.",
        "probe_delivery_clock_off_seconds" => "By how much at least the clock of a host is wrong.",
        "probe_delivery_dropped" => "Canaries that were too many to remember.",
        "probe_delivery_duplicates_total" => "Further copies of what arrived.",
        "probe_delivery_duration_seconds" => "How long each step took, all runs together.",
        "probe_delivery_forged" => "Messages that look like canaries and are none.",
        "probe_delivery_hop_seconds" => "How long a hop took.",
        "probe_delivery_left_behind" => "What of ours could not be deleted.",
        "probe_delivery_others" => "Canaries of other probers on the same mailbox.",
        "probe_delivery_receive_seconds" => "How long it took to see the canary in the mailbox.",
        "probe_delivery_recently_lost" => "Canaries that are lost and not yet settled.",
        "probe_delivery_recently_reordered" => {
            "Canaries that overtook others, and are not yet settled."
        }
        "probe_delivery_removed" => "What was deleted of ours.",
        "probe_delivery_reordered_total" => "Canaries that overtook others.",
        "probe_delivery_send_seconds" => "How long it took to send the canary.",
        "probe_delivery_size_bytes" => "The size of the canary.",
        "probe_delivery_transit_seconds" => "How long the canary was on its way.",
        "probe_delivery_unreadable" => "Lines of the ledger that could not be read.",
        "probe_dns_lookup_time_seconds" => "How long the name took to resolve.",
        "probe_duration_seconds" => "How long the probe took.",
        "probe_failure_info" => "Why the probe stopped early.",
        "probe_finding_info" => "What is wrong or odd.",
        "probe_eas_command_seconds" => {
            "How long the server took to begin its answer to this command."
        }
        "probe_eas_estimated_items" => "How many items a device would get of the inbox.",
        "probe_eas_folders" => "How many folders the mailbox has.",
        "probe_eas_healthy" => "1 if this virtual directory of Exchange says that it is well.",
        "probe_eas_heartbeat_limit_seconds" => {
            "The nearest time for which the server watches a folder."
        }
        "probe_eas_password_days" => "In how many days the password ends.",
        "probe_eas_retry_after_seconds" => "How long the server wants to be left alone.",
        "probe_eas_version" => "Which version of the protocol was spoken.",
        "probe_imap_capability_info" => "What the server offers.",
        "probe_imap_edit_proven" => "1 if mail was put, read back, changed and removed.",
        "probe_imap_folders" => "How many mailboxes there are.",
        "probe_imap_messages" => "How many messages the mailbox holds.",
        "probe_dnsbl_listed" => "1 if it is on this list, and that is believed.",
        "probe_dnsbl_lists" => "How many lists say this of it.",
        "probe_dnsbl_score" => "What all listings weigh together.",
        "probe_imap_messages_found" => "How many of them fit the search.",
        "probe_imap_newest_message_bytes" => "The size of the newest message.",
        "probe_imap_newest_message_read_bytes" => "How much of it was read.",
        "probe_imap_newest_message_timestamp_seconds" => "When the newest message arrived.",
        "probe_imap_noop_seconds" => "How long the server takes to do nothing.",
        "probe_imap_oldest_message_timestamp_seconds" => "When the oldest message arrived.",
        "probe_imap_push_seconds" => "How long until another session heard of a change.",
        "probe_imap_quota_limit" => "What the quota allows.",
        "probe_imap_quota_limit_bytes" => "What the quota allows.",
        "probe_imap_quota_used" => "What is used of the quota.",
        "probe_imap_quota_used_bytes" => "What is used of the quota.",
        "probe_imap_quota_used_ratio" => "What is used of the quota; 1 is all of it.",
        "probe_pop3_capability_info" => "What the server offers.",
        "probe_pop3_expire_days" => "After how many days the server deletes mail by itself.",
        "probe_pop3_largest_message_bytes" => "The size of the largest message.",
        "probe_pop3_login_delay_seconds" => "How long a client has to wait between two logins.",
        "probe_pop3_message_read_bytes" => "The size of the message that was read.",
        "probe_pop3_messages" => "How many messages there are.",
        "probe_pop3_messages_bytes" => "How large all messages are together.",
        "probe_pop3_newest_message_timestamp_seconds" => "When the newest message arrived.",
        "probe_pop3_noop_seconds" => "How long the server takes to do nothing.",
        "probe_pop3_oldest_message_timestamp_seconds" => "When the oldest message arrived.",
        "probe_pop3_right" => "1 if the account may do this with its mail.",
        "probe_ip_protocol" => "4 or 6.",
        "probe_phase_duration_seconds" => "How long each phase took.",
        "probe_smtp_capability_info" => "What the server offers in EHLO.",
        "probe_smtp_command_injection" => "1 if commands before TLS are obeyed under TLS.",
        "probe_smtp_smuggling_accepted" => "1 if the end of a message is seen where there is none.",
        "probe_smtp_size_limit_bytes" => "The largest message the server takes.",
        "probe_smtp_status_code" => "The code of the greeting.",
        "probe_ssl_earliest_cert_expiry" => "When the first certificate of the chain ends.",
        "probe_success" => "1 if the service works.",
        "probe_tls_cipher_info" => "The cipher suite.",
        "probe_tls_dane_match" => "1 if the TLSA record fits what the server shows.",
        "probe_tls_version_info" => "The TLS version.",
        "probe_jmap_mailbox_messages" => "How many messages the mailbox holds.",
        "probe_jmap_mailbox_unread_messages" => "How many of them nobody has read.",
        "probe_jmap_mailboxes" => "How many mailboxes there are.",
        "probe_jmap_retry_after_seconds" => "How long the server asks us to wait.",
        "probe_jmap_status_code" => "The status of the last response.",
        "probe_web_hsts_seconds" => "For how long browsers come by TLS only.",
        "probe_web_page_bytes" => "The size of the page.",
        "probe_web_product_info" => "Whose page it is.",
        "probe_web_retry_after_seconds" => "How long the server asks us to wait.",
        "probe_web_status_code" => "The status of the page.",
        "probe_verdict" => "0 ok, 1 warning, 2 critical, 3 unknown.",
        _ => return help_of_hosts(name),
    })
}

/// What mail hosts say of themselves.
fn help_of_hosts(name: &str) -> Option<&'static str> {
    Some(match name {
        "probe_host_committed_ratio" => "What Windows has promised of the memory that it can.",
        "probe_host_cpu_busy_ratio" => "How busy the processors are; 1 is all of the time.",
        "probe_host_cpu_mode_ratio" => "What the processors do with their time.",
        "probe_host_disk_free_bytes" => "How much of the file system is free.",
        "probe_host_disk_inodes_free_ratio" => "How much of its inodes is free; 1 is all of them.",
        "probe_host_disk_latency_seconds" => "How long a read or a write takes on average.",
        "probe_host_disk_size_bytes" => "How large the file system is.",
        "probe_host_load1" => "The load over one minute.",
        "probe_host_load15" => "The load over fifteen minutes.",
        "probe_host_load5" => "The load over five minutes.",
        "probe_host_memory_available_bytes" => "How much memory programs can have.",
        "probe_host_memory_total_bytes" => "How much memory there is.",
        "probe_host_pressure_ratio" => "For how much of the time work waited for want of this.",
        "probe_host_processors" => "As how many processors it can do.",
        "probe_host_run_queue" => "How many threads wait for a processor.",
        "probe_host_swap_free_bytes" => "How much swap space is unused.",
        "probe_host_swap_total_bytes" => "How much swap space there is.",
        "probe_host_uptime_seconds" => "How long ago the machine was started.",
        "probe_queue_age_messages" => "How many messages are up to so old, each counted once.",
        "probe_queue_bytes" => "How large all messages of the queue are together.",
        "probe_queue_delayed" => "How many recipients wait for this reason.",
        "probe_queue_elsewhere" => "How many recipients wait at destinations without a name here.",
        "probe_queue_growth_per_hour" => "How many messages came on top in each hour.",
        "probe_queue_messages" => "How many messages wait in the queue.",
        "probe_queue_oldest_seconds" => "How old the oldest message is.",
        "probe_queue_recipients" => "How many recipients wait at this destination.",
        "probe_queue_unreadable" => "How many entries of the list were not understood.",
        name if name.starts_with("probe_exchange_") => "A counter of Exchange.",
        _ => return None,
    })
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::sample::{EXPIRED, report};

    #[test]
    fn each_family_stands_together_under_its_type() {
        let mut broken = report("mx2.example.org:25");
        broken.findings.push(EXPIRED.found("on 2021-01-01"));
        let page = prometheus(&[report("mx1.example.org:25"), broken]);
        let success: Vec<_> = page
            .lines()
            .filter(|line| line.contains("probe_success"))
            .collect();
        assert_eq!(
            success,
            [
                "# HELP probe_success 1 if the service works.",
                "# TYPE probe_success gauge",
                r#"probe_success{probe="smtp",target="mx1.example.org:25"} 1"#,
                r#"probe_success{probe="smtp",target="mx2.example.org:25"} 0"#,
            ]
        );
        assert!(page.contains(
            r#"probe_finding_info{probe="smtp",target="mx2.example.org:25",code="test.expired",severity="critical"} 1"#
        ));
    }

    #[test]
    fn a_histogram_is_one_family_of_three_and_a_total_a_counter() {
        let (mut page, one) = (Page::default(), report("mx.example.org:25"));
        for (name, le) in [
            ("probe_test_seconds_sum", None),
            ("probe_test_seconds_count", None),
            ("probe_test_seconds_bucket", Some("0.5")),
            ("probe_test_seconds_bucket", Some("+Inf")),
            ("probe_messages_count", None),
            ("probe_test_total", None),
        ] {
            let labels: Vec<_> = le.into_iter().map(|le| ("le", le.to_owned())).collect();
            page.sample(&one, name, &labels, 1.0);
        }
        let page = page.write();
        let told = page
            .lines()
            .map(|line| line.replace(r#"probe="smtp",target="mx.example.org:25""#, ""));
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                "# TYPE probe_messages_count gauge",
                "probe_messages_count{} 1",
                "# TYPE probe_test_seconds histogram",
                r#"probe_test_seconds_bucket{,le="0.5"} 1"#,
                r#"probe_test_seconds_bucket{,le="+Inf"} 1"#,
                "probe_test_seconds_count{} 1",
                "probe_test_seconds_sum{} 1",
                "# TYPE probe_test_total counter",
                "probe_test_total{} 1",
            ]
        );
    }

    #[test]
    fn no_series_comes_twice_even_with_other_values() {
        let one = report("mx.example.org:25");
        let mut again = one.clone();
        again.elapsed = Duration::from_secs(9);
        let page = prometheus(&[one.clone(), again]);
        assert_eq!(page, prometheus(&[one]));
    }

    #[test]
    fn labels_are_escaped() {
        assert_eq!(escaped("a\\b\"c\nd"), r#"a\\b\"c\nd"#);
    }
}
