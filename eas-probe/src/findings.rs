//! What we think of it: the table of findings of this crate, and the judgement over facts and times. Those of the first
//! half belong to the numbers in [`Meaning`](crate::Meaning).

use probe_core::{Finding, FindingKind, Severity};
use probe_net::Seen;
use probe_net::tls::{self, Security};

use crate::command::Verb;
use crate::facts::EasFacts;
use crate::options::Options;

/// All findings of this crate; those about TLS are in [`tls::FINDINGS`].
pub static FINDINGS: &[&FindingKind] = &[
    &ACCOUNT_BLOCKED,
    &BACKEND_GONE,
    &BAD_REQUEST,
    &COMMAND_UNSUPPORTED,
    &CREDENTIALS,
    &DEVICES_TOO_MANY,
    &DEVICE_BLOCKED,
    &DEVICE_INFORMATION,
    &DIRECTORY,
    &ENCRYPTION_MISSING,
    &LATENCY,
    &MAILBOX_OFFLINE,
    &NOT_HERE,
    &NOT_PRIMED,
    &NO_CHALLENGE,
    &NO_INBOX,
    &NO_MAILBOX,
    &PASSWORD_ENDS,
    &PASSWORD_EXPIRED,
    &PROVISIONING,
    &QUOTA,
    &RELOCATED,
    &SERVED_ANYONE,
    &SERVER_BUSY,
    &SERVER_ERROR,
    &STATE_LOST,
    &THROTTLED,
    &UNHEALTHY,
    &USER_DISABLED,
    &VERSION_REFUSED,
    &WIPE,
];

pub(crate) static ACCOUNT_BLOCKED: FindingKind = FindingKind::new(
    "eas.account.blocked",
    Severity::Critical,
    "the account is blocked",
    "Unblock it at the identity provider and see why it was: too many wrong passwords, or a risk that was noticed. Stop \
    probing until then; each try may prolong it.",
);
pub(crate) static BACKEND_GONE: FindingKind = FindingKind::new(
    "eas.backend.gone",
    Severity::Critical,
    "something before the ActiveSync server answers in its place",
    "Look at the server behind the proxy or load balancer: whether it runs, answers in time, and is where the proxy looks \
    for it.",
);
pub(crate) static BAD_REQUEST: FindingKind = FindingKind::new(
    "eas.request.refused",
    Severity::Critical,
    "the server does not take a request that is well formed",
    "See whether a proxy or filter before the server changes requests or their size; if none does, report it to us with \
    the transcript.",
);
pub(crate) static COMMAND_UNSUPPORTED: FindingKind = FindingKind::new(
    "eas.command.unsupported",
    Severity::Critical,
    "the server does not know a command that phones need",
    "See whether it is an ActiveSync server of this century, and whether a proxy before it lets POST and OPTIONS through.",
);
pub(crate) static CREDENTIALS: FindingKind = FindingKind::new(
    "eas.credentials.refused",
    Severity::Critical,
    "the server refuses the credentials",
    "Check them by hand. Where modern authentication is demanded, a password is refused however right it is: give a token.",
);
pub(crate) static DEVICES_TOO_MANY: FindingKind = FindingKind::new(
    "eas.device.too-many",
    Severity::Critical,
    "the user has as many devices as the server allows",
    "Remove devices that are no longer used (Get-MobileDevice, Remove-MobileDevice), or raise EasMaxDevices.",
);
pub(crate) static DEVICE_BLOCKED: FindingKind = FindingKind::new(
    "eas.device.blocked",
    Severity::Critical,
    "the server blocks the probe's device or holds it in quarantine",
    "Allow the device by its id (Set-CASMailbox -ActiveSyncAllowedDeviceIDs), or let devices of the type mailprobe in: the \
    server itself is well.",
);
pub(crate) static DEVICE_INFORMATION: FindingKind = FindingKind::new(
    "eas.device.unannounced",
    Severity::Critical,
    "the server wants to know more of the device than it was told",
    "Let the probe provision its device (it does unless it was told not to climb so high); if it did, report it to us with \
    the transcript.",
);
pub(crate) static DIRECTORY: FindingKind = FindingKind::new(
    "eas.directory.denied",
    Severity::Critical,
    "the server cannot find or read the user in its directory",
    "Check the user's name, and whether Exchange's servers may write below the user's entry in Active Directory (inherited \
    permissions).",
);
pub(crate) static ENCRYPTION_MISSING: FindingKind = FindingKind::new(
    "eas.backend.no-tls",
    Severity::Critical,
    "the server that is to be asked behind this one has no TLS",
    "Give the site behind a certificate, or have the first server ask it otherwise.",
);
static LATENCY: FindingKind = FindingKind::new(
    "eas.latency.threshold",
    Severity::Warning,
    "a command takes longer than the given limit",
    "Look at the load of the server and of what it stands on: directory, mailbox store, database.",
);
pub(crate) static MAILBOX_OFFLINE: FindingKind = FindingKind::new(
    "eas.mailbox.offline",
    Severity::Critical,
    "the server that has the mailbox is offline",
    "Look at the mailbox server and at its database: whether it is mounted, and where its copies are.",
);
pub(crate) static NOT_HERE: FindingKind = FindingKind::new(
    "eas.not-here",
    Severity::Critical,
    "there is no ActiveSync at this address",
    "Check host and path; with SOGo, see that the proxy hands /Microsoft-Server-ActiveSync on and that sogo-activesync is \
    installed.",
);
static NO_CHALLENGE: FindingKind = FindingKind::new(
    "eas.auth.no-challenge",
    Severity::Warning,
    "the server refuses whoever does not say who asks, and does not say how to",
    "Have it send WWW-Authenticate (RFC 9110 section 11.6.1); something before it may have taken it out. Phones then cannot \
    tell a wrong password from a dead server.",
);
pub(crate) static NO_INBOX: FindingKind = FindingKind::new(
    "eas.folders.no-inbox",
    Severity::Critical,
    "the mailbox has no folder for new mail",
    "See whether the mail server behind is reachable, and whether the user has a mailbox there.",
);
pub(crate) static NO_MAILBOX: FindingKind = FindingKind::new(
    "eas.mailbox.missing",
    Severity::Critical,
    "the user has no mailbox",
    "Give the user a mailbox, or the probe another user.",
);
pub(crate) static NOT_PRIMED: FindingKind = FindingKind::new(
    "eas.sync.nothing",
    Severity::Critical,
    "the server answers the first Sync of the inbox with nothing, so that phones wait for ever",
    "Look into the server's log; with SOGo, see whether the IMAP server behind it answers, and gives the inbox modification \
    sequences (CONDSTORE).",
);
static PASSWORD_ENDS: FindingKind = FindingKind::new(
    "eas.password.ends",
    Severity::Warning,
    "the password ends soon",
    "Change it, here and there.",
);
pub(crate) static PASSWORD_EXPIRED: FindingKind = FindingKind::new(
    "eas.password.expired",
    Severity::Critical,
    "the password has expired",
    "Change it, here and there.",
);
pub(crate) static PROVISIONING: FindingKind = FindingKind::new(
    "eas.provisioning.refused",
    Severity::Critical,
    "the server wants a policy to be followed, and does not take it that the device does",
    "Let the policy of this user allow devices that cannot be provisioned whole (AllowNonProvisionableDevices), or say \
    otherwise what is followed of it.",
);
pub(crate) static QUOTA: FindingKind = FindingKind::new(
    "eas.quota.exceeded",
    Severity::Critical,
    "the mailbox is full, or has more in it than the server syncs",
    "Make room in the mailbox, or raise its quota.",
);
pub(crate) static RELOCATED: FindingKind = FindingKind::new(
    "eas.relocated",
    Severity::Critical,
    "another server has the mailbox",
    "Ask that server. If it is yours, allow its host: credentials are not shown to hosts that nobody named.",
);
static SERVED_ANYONE: FindingKind = FindingKind::new(
    "eas.auth.anyone",
    Severity::Info,
    "the server answers whoever does not say who asks",
    "Nothing breaks; see whether that is meant so.",
);
pub(crate) static SERVER_BUSY: FindingKind = FindingKind::new(
    "eas.server.busy",
    Severity::Critical,
    "the server cannot answer for now",
    "Ask less often, and not before the time that it names. If all users meet it, look at the load of the server, and whether \
    the mailbox is being moved.",
);
pub(crate) static SERVER_ERROR: FindingKind = FindingKind::new(
    "eas.server.error",
    Severity::Critical,
    "the server failed",
    "Look into its log, by the request's id where it tells one; with SOGo, see whether IMAP answers behind it.",
);
pub(crate) static STATE_LOST: FindingKind = FindingKind::new(
    "eas.state.lost",
    Severity::Critical,
    "the server has lost or damaged what it knew of the device",
    "Run the probe again. If it stays, remove the device at the server (Remove-MobileDevice; sogo-tool manage-eas) so that it \
    begins anew.",
);
static THROTTLED: FindingKind = FindingKind::new(
    "eas.throttled",
    Severity::Warning,
    "the server slows this client down",
    "Ask less often; see which limit the server's words name.",
);
static UNHEALTHY: FindingKind = FindingKind::new(
    "eas.health.down",
    Severity::Warning,
    "a virtual directory of Exchange says that it is not well, or says nothing",
    "Look at the state of its component (Get-ServerComponentState, Get-HealthReport): load balancers take the server out of \
    service for it.",
);
pub(crate) static USER_DISABLED: FindingKind = FindingKind::new(
    "eas.user.disabled",
    Severity::Critical,
    "the user may not use ActiveSync",
    "Switch it on for the user (Set-CASMailbox -ActiveSyncEnabled $true; SOGo: the ActiveSync module), or probe with \
    another one.",
);
pub(crate) static VERSION_REFUSED: FindingKind = FindingKind::new(
    "eas.version.refused",
    Severity::Critical,
    "the server does not take the versions of the protocol that were offered",
    "Allow the newest (16.1), which alone Microsoft 365 takes since March 2026; a server without it wants an update.",
);
pub(crate) static WIPE: FindingKind = FindingKind::new(
    "eas.wipe.ordered",
    Severity::Critical,
    "the server orders the device to forget everything",
    "See who ordered it, and take it back (Clear-MobileDevice -Cancel). The probe has not confirmed it, so that the order \
    stays where it is.",
);

/// What to think of a dialogue.
pub fn judge(facts: &EasFacts, seen: &Seen<'_>, options: &Options) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(trouble(facts));
    if let Some(tls) = &facts.tls {
        let thresholds = &options.tls_thresholds;
        findings.extend(tls::judge(tls, Security::Implicit, thresholds, seen.now));
    }
    findings.extend(health(facts));
    findings.extend(anonymous(facts));
    findings.extend(password(facts, options));
    findings.extend(latency(facts, options));
    let is_stopped = facts.trouble.is_some();
    let throttle = facts.server.throttle.as_ref().filter(|_| !is_stopped);
    findings.extend(throttle.map(|throttle| THROTTLED.found(throttle.as_str())));
    findings
}

/// What stopped the probe comes first.
fn trouble(facts: &EasFacts) -> Vec<Finding> {
    let told = facts.trouble.as_ref();
    let told = told.map(|trouble| trouble.meaning.finding.found(trouble.shown()));
    let is_told = told.as_ref().is_some_and(|finding| finding.kind == &WIPE);
    let wipe =
        (facts.wipe && !is_told).then(|| WIPE.found("Provision was answered with RemoteWipe"));
    wipe.into_iter().chain(told).collect()
}

fn health(facts: &EasFacts) -> Option<Finding> {
    let health = facts.health.iter();
    let ill = health.filter(|health| !health.is_well && !health.is_withheld());
    let ill: Vec<_> = ill
        .map(|health| format!("{} {}", health.directory.as_str(), health.status))
        .collect();
    (!ill.is_empty()).then(|| UNHEALTHY.found(ill.join(", ")))
}

fn anonymous(facts: &EasFacts) -> Option<Finding> {
    let anonymous = facts.anonymous.as_ref()?;
    match (anonymous.status, anonymous.challenges.is_empty()) {
        (401, true) => Some(NO_CHALLENGE.found("401 without WWW-Authenticate")),
        (200, _) => Some(SERVED_ANYONE.found("OPTIONS was answered with 200")),
        _ => None,
    }
}

fn password(facts: &EasFacts, options: &Options) -> Option<Finding> {
    let days = facts.server.credentials_expire?;
    let where_to = facts.server.credential_service.as_ref();
    let where_to = where_to.map_or_else(String::new, |url| format!("; it is changed at {url}"));
    let shown = match days {
        0 => format!("in less than a day{where_to}"),
        1 => format!("in a day{where_to}"),
        days => format!("in {days} days{where_to}"),
    };
    options
        .password_days
        .judge(days.into(), &PASSWORD_ENDS, shown)
}

fn latency(facts: &EasFacts, options: &Options) -> Option<Finding> {
    let prompt = facts.exchanges.iter().filter(|one| one.verb != Verb::Ping);
    let slowest = prompt.max_by_key(|one| one.time)?;
    let seconds = slowest.time.as_secs_f64();
    let shown = format!("{}: {seconds:.3} s", slowest.verb);
    options.latency.judge(seconds, &LATENCY, shown)
}
