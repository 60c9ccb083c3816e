//! The command line: exit status, mistakes, secrets.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use common::{NAME, PASSWORD, World, at, file, greeting, mailprobe, mailprobe_with, submission};
use probe_testkit::{ClosedPort, Flaw, Script};

#[test]
fn the_exit_status_is_that_of_a_monitoring_plugin() {
    let world = World::new("status");
    let healthy = world.healthy();
    assert_eq!(world.smtp([at(&healthy).as_str()]).status, 0);

    // Between servers, a bad certificate does not stop mail.
    let expired = world.listen(submission(world.ca.flawed([NAME], Flaw::Expired)));
    assert_eq!(world.smtp([at(&expired).as_str()]).status, 1);
    let required = ["--starttls", "required", &at(&expired)];
    assert_eq!(world.smtp(required).status, 2);

    let closed = ClosedPort::new().unwrap();
    assert_eq!(
        world.smtp([closed.address().to_string().as_str()]).status,
        2
    );

    // An address that this machine does not have is our own fault.
    let said = world.smtp(["--source", "192.0.2.1", &at(&healthy)]);
    assert_eq!(said.status, 3, "{}", said.out);
}

#[test]
fn what_a_domain_has_published_decides_what_a_certificate_is_worth() {
    let world = World::new("published");
    let expired = world.ca.flawed([NAME], Flaw::Expired);
    let hex = |byte: &u8| format!("{byte:02x}");
    let own: String = expired.chain()[0].iter().map(hex).collect();
    let own = format!("3 0 0 {own}");
    let other = format!("3 1 1 {}", "ab".repeat(32));
    let server = world.listen(submission(expired));
    let status = |options: &[&str]| {
        let server = at(&server);
        let said = world.smtp(options.iter().copied().chain([server.as_str()]));
        said.status
    };
    assert_eq!(status(&[]), 1);
    assert_eq!(status(&["--tlsa", &own]), 0);
    assert_eq!(status(&["--tlsa", &other, "--tlsa", &own]), 0);
    assert_eq!(status(&["--tlsa", &other]), 2);
    let said = world.smtp(["--tlsa", &other, &at(&server)]);
    assert!(said.out.contains("mismatched: the server shows another"));
    assert_eq!(status(&["--mta-sts-mx", "*.example.test"]), 2);

    let healthy = world.healthy();
    let listed = ["--mta-sts-mx", "mail.test", "--mta-sts-mx", NAME];
    assert_eq!(
        world
            .smtp(listed.into_iter().chain([&*at(&healthy)]))
            .status,
        0
    );
    let unlisted = ["--mta-sts-mx", "mail.test", &at(&healthy)];
    let said = world.smtp(unlisted);
    assert_eq!(said.status, 2);
    assert!(
        said.out
            .contains("mx.example.test; the policy lists mail.test"),
        "{}",
        said.out
    );
}

#[test]
fn of_several_targets_the_worst_decides() {
    let world = World::new("worst");
    let healthy = world.healthy();
    let closed = ClosedPort::new().unwrap();
    let closed_address = closed.address().to_string();
    assert_eq!(
        world
            .smtp([&*at(&healthy), &*closed_address, &*at(&healthy)])
            .status,
        2
    );
}

#[test]
fn a_mistake_is_one_line_that_says_what_is_wrong() {
    let no_pem = file("mistake-no.pem", "this is no certificate\n");
    let no_pem = no_pem.to_str().unwrap();
    let nul = file("mistake-nul", "open\0sesame");
    let two_lines = file("mistake-lines", "open\r\nsesame\r\n");
    let empty = file("mistake-empty", "\n");
    let (nul, two_lines, empty) = (
        nul.to_str().unwrap(),
        two_lines.to_str().unwrap(),
        empty.to_str().unwrap(),
    );
    let user = ["smtp", "mx", "--user", "alice", "--password-file"];
    // (arguments, what the line says)
    let mistakes: &[(&[&str], &str)] = &[
        (
            &["smtp", ""],
            "\"\" for <HOST[:PORT]>...: the host is empty",
        ),
        (
            &["smtp", "mx\r\nQUIT"],
            r#""mx\r\nQUIT" for <HOST[:PORT]>...: a host name cannot contain '\r'"#,
        ),
        (
            &["smtp", "mx\n\nQUIT"],
            r#""mx\n\nQUIT" for <HOST[:PORT]>...: a host name cannot contain '\n'"#,
        ),
        (&["smtp", "mx:0"], "a port is a number from 1 to 65535"),
        (&["smtp", "mx:65536"], "a port is a number from 1 to 65535"),
        (&["smtp", "[::1"], "[2001:db8::1]:25"),
        (&["smtp"], "<HOST[:PORT]>..."),
        (&["smtp", "mx", "--nope"], "unexpected argument '--nope'"),
        (&["smpt", "mx"], "unrecognized subcommand 'smpt'"),
        (&["smtp", "mx", "--ca", "nowhere.pem"], "--ca nowhere.pem: "),
        (
            &["smtp", "mx", "--ca", no_pem],
            "there is no certificate in it",
        ),
        (
            &["smtp", "mx", "--client-cert", no_pem],
            "--client-key <FILE>",
        ),
        (
            &["smtp", "mx", "--client-key", no_pem],
            "--client-cert <FILE>",
        ),
        (
            &["smtp", "mx", "-w", "10:5"],
            "\"10:5\" for --warning <RANGE>: a range begins before it ends",
        ),
        (
            &["smtp", "mx", "-c", "soon"],
            "a range is written 10, 10:, ~:10, 10:20 or @10:20",
        ),
        (
            &["smtp", "mx", "-4", "--source", "::1"],
            "--source is an address of the other family",
        ),
        (
            &["smtp", "mx", "-6", "--source", "127.0.0.1"],
            "--source is an address of the other family",
        ),
        (
            &["smtp", "mx", "-4", "-6"],
            "'--ipv4' cannot be used with '--ipv6'",
        ),
        (
            &["smtp", "mx", "--timeout", "0"],
            "a number of seconds above 0",
        ),
        (
            &["smtp", "mx", "--timeout", "nan"],
            "a number of seconds above 0",
        ),
        (
            &["smtp", "mx", "--timeout", "1e300"],
            "a number of seconds above 0",
        ),
        (
            &["smtp", "mx", "--tls", "--starttls", "required"],
            "'--tls' cannot be used with '--starttls",
        ),
        (
            &["smtp", "mx", "--tlsa", "3 1 1"],
            "the data is missing: a record is USAGE SELECTOR MATCHING DATA",
        ),
        (
            &["smtp", "mx", "--tlsa", "3 1 1 ab", "--starttls", "never"],
            "TLS is ruled out, so nothing can be expected of it",
        ),
        (
            &["smtp", "mx", "--mta-sts-mx", "mx.*.org"],
            "a host name cannot contain '*'",
        ),
        (
            &["smtp", "mx", "--user", "alice"],
            "--user needs --password-file",
        ),
        (
            &["smtp", "mx", "--mechanism", "PLAIN"],
            "--mechanism needs --user",
        ),
        (
            &["smtp", "mx", "--mechanism", "ROT13"],
            "[possible values: ",
        ),
        (&["smtp", "mx", "--password-file", nul], "--user <NAME>"),
        (
            &["smtp", "mx", "--ehlo", "a b"],
            "\"a b\" for --ehlo <NAME>",
        ),
        (
            &["smtp", "mx", "--server-name", "a\r\nb"],
            r#""a\r\nb" for --server-name <NAME>"#,
        ),
        (
            &[&user[..], &[nul]].concat(),
            "the password contains NUL, CR or LF",
        ),
        (
            &[&user[..], &[two_lines]].concat(),
            "the password contains NUL, CR or LF",
        ),
        (&[&user[..], &[empty]].concat(), "the password is empty"),
        (&[&user[..], &["nowhere"]].concat(), "nowhere: "),
        (
            &["smtp", "mx", "--user", "a\nb", "--password-file", no_pem],
            "the user name contains NUL, CR or LF",
        ),
        (
            &["explain", "tls.certificate.expird"],
            "perhaps tls.certificate.expired",
        ),
        (&["explain", "x"], "\"mailprobe explain\" lists all"),
    ];
    for (arguments, reason) in mistakes {
        let said = mailprobe(*arguments);
        assert_eq!(said.status, 3, "{arguments:?}");
        assert_eq!(said.out, "", "{arguments:?}");
        assert!(said.err.contains(reason), "{arguments:?}: {}", said.err);
        assert!(said.err.starts_with("mailprobe: "), "{}", said.err);
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
        assert!(!said.err.contains("sesame"), "{}", said.err);
    }
}

#[test]
fn a_password_on_the_command_line_is_refused_and_not_repeated() {
    for arguments in [
        &["smtp", "mx", "--password", "hunter2"][..],
        &["smtp", "mx", "--password=hunter2"],
        &["smtp", "mx", "--user", "alice", "--password", "hunter2"],
        &[
            "smtp",
            "--user",
            "alice",
            "--password",
            "hunter2",
            "--",
            "mx",
        ],
        // Given in place of the name that was asked for.
        &["smtp", "mx", "--user", "alice", "--password-env", "hunter2"],
        &["smtp", "mx", "--user", "alice", "--token-env", "hunter2"],
    ] {
        let said = mailprobe(arguments);
        assert_eq!(said.status, 3);
        assert_eq!(said.err.lines().count(), 1);
        assert!(!said.err.contains("hunter2"), "{}", said.err);
    }
    let said = mailprobe(["smtp", "mx", "--password", "hunter2"]);
    assert!(said.err.contains("use --password-file or --password-env"));
}

#[test]
fn the_secret_comes_from_a_file_or_from_the_environment() {
    let world = World::new("secret");
    let server = world.healthy();
    let secret = file("secret-file", format!("{PASSWORD}\r\n"));
    let login = [
        "--user",
        "alice",
        "--password-file",
        secret.to_str().unwrap(),
    ];
    let said = world.smtp(login.into_iter().chain([at(&server).as_str()]));
    assert_eq!(said.status, 0, "{}", said.out);

    let ca = file("secret-env-ca.pem", world.ca.root_pem());
    let address = at(&server);
    let arguments = [
        "smtp",
        &address,
        "--ca",
        ca.to_str().unwrap(),
        "--server-name",
        NAME,
    ];
    let login = ["--user", "alice", "--password-env", "PROBE_PASSWORD"];
    let arguments = arguments.into_iter().chain(login);
    let said = mailprobe_with(arguments, &[("PROBE_PASSWORD", PASSWORD)]);
    assert_eq!(said.status, 0, "{}", said.out);
}

/// The server repeats whatever it is told: what it says is as secret as what we say.
#[test]
fn no_format_shows_a_secret_even_if_the_server_does() {
    const SECRETS: [&str; 2] = ["open sesame", "AGFsaWNlAG9wZW4gc2VzYW1l"];
    let world = World::new("leak");
    let server = world.healthy();
    let file = file("leak-secret", SECRETS[0]);
    for format in ["text", "json", "jsonl", "nagios", "prometheus"] {
        let login = ["--user", "alice", "--password-file", file.to_str().unwrap()];
        let said = ["-v", "--format", format, &at(&server)];
        let said = world.smtp(login.into_iter().chain(said));
        assert_eq!(said.status, 2, "{}", said.out);
        for secret in SECRETS {
            assert!(!said.out.contains(secret), "{format}: {}", said.out);
            assert!(!said.err.contains(secret), "{format}: {}", said.err);
        }
    }
}

#[test]
fn a_secret_is_kept_back_from_a_server_with_a_bad_certificate() {
    let world = World::new("gate");
    let server = world.listen(submission(world.ca.flawed([NAME], Flaw::Expired)));
    let secret = file("gate-secret", PASSWORD);
    let login = [
        "--user",
        "alice",
        "--password-file",
        secret.to_str().unwrap(),
    ];
    let said = world.smtp(login.into_iter().chain([at(&server).as_str()]));
    assert_eq!(said.status, 2);
    assert!(said.out.contains("withheld"), "{}", said.out);
    let allowed = ["--login-over", "unverified-tls", &at(&server)];
    let said = world.smtp(login.into_iter().chain(allowed));
    assert_eq!(said.status, 1, "{}", said.out);
}

#[test]
fn a_timeout_ends_the_probe_in_time() {
    let world = World::new("timeout");
    let server = world.listen(greeting().hear("EHLO").silence());
    let begun = std::time::Instant::now();
    let said = world.smtp(["--timeout", "0.5", &at(&server)]);
    assert_eq!(said.status, 2);
    assert!(said.out.contains("timeout"), "{}", said.out);
    assert!(begun.elapsed() < std::time::Duration::from_secs(5));
}

#[test]
fn time_thresholds_decide_the_status() {
    let world = World::new("thresholds");
    let server = world.healthy();
    let status = |options: &[&str]| {
        let address = at(&server);
        let arguments = options.iter().copied().chain([address.as_str()]);
        world.smtp(arguments).status
    };
    assert_eq!(status(&["-w", "60"]), 0);
    assert_eq!(status(&["-w", "60:"]), 1);
    assert_eq!(status(&["-w", "60:", "-c", "60"]), 1);
    assert_eq!(status(&["-w", "60", "-c", "@~:60"]), 2);
    assert_eq!(status(&["-w", "~:-1"]), 1);
}

#[test]
fn explain_knows_codes_and_kinds_of_failure() {
    let said = mailprobe(["explain", "tls.certificate.expired"]);
    assert_eq!(said.status, 0);
    assert!(
        said.out
            .starts_with("tls.certificate.expired (critical)\nthe certificate has expired\n\n")
    );
    assert!(said.out.lines().all(|line| line.len() <= 80));

    let said = mailprobe(["explain", "refused"]);
    assert!(said.out.starts_with("refused (failure, critical)\n"));

    let said = mailprobe(["explain"]);
    assert_eq!(said.status, 0);
    for code in [
        "tls.certificate.expired ",
        "smtp.greeting.busy ",
        "time.threshold ",
        "refused ",
    ] {
        assert!(
            said.out.lines().any(|line| line.starts_with(code)),
            "{code}"
        );
    }
}

#[test]
fn completions_are_scripts_for_each_shell() {
    for (shell, word) in [
        ("bash", "complete -F _mailprobe"),
        ("zsh", "#compdef mailprobe"),
        ("fish", "complete -c mailprobe"),
    ] {
        let said = mailprobe(["completions", shell]);
        assert_eq!(said.status, 0);
        assert!(said.out.contains(word), "{shell}");
    }
    assert_eq!(mailprobe(["completions", "sh"]).status, 3);
}

#[test]
fn help_and_version_are_answers() {
    assert_eq!(mailprobe(["--help"]).status, 0);
    let help = mailprobe(["smtp", "--help"]);
    assert!(help.out.contains("--password-file") && !help.out.contains("--password <"));
    let version = format!("mailprobe {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(mailprobe(["--version"]).out, version);
    assert_eq!(mailprobe::<&str>([]).status, 3);
}

#[test]
fn a_server_that_hangs_up_is_told_by_its_address() {
    let world = World::new("closed");
    let server = world.listen(Script::new().close());
    let said = world.smtp([at(&server).as_str()]);
    assert_eq!(said.status, 2);
    assert!(said.out.contains(&at(&server)));
    assert_eq!(said.err, "");
}
