//! A check as people read it: a table, sentences, and what to paste.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use holdfast_core::{
    error::Evidence,
    iam::parse::parse,
    verdict::{CheckReport, Finding, HoleFinding, Isolation, StolenKey, Verdict},
};

use serde_json::{Value, json};

use crate::ui::error_text;

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DOUBT: Style = AnsiColor::Yellow.on_default();
const PLAIN: Style = Style::new();
const STRONG: Style = Style::new().bold();

/// What no backup needs, though other tools ask for it.
const NEVER_NEEDED: &str = "Not needed for any backup, though other tools ask for them: \
                            s3:ListBucketMultipartUploads, s3:ListAllMyBuckets, s3:GetBucketLocation, HeadBucket.";

/// Prints it on stdout; in colour on a terminal.
pub(super) fn print(report: &CheckReport, keys: Option<&str>, verbose: bool) {
    use std::io::Write as _;
    // A reader that has gone away wants no more.
    let _ = write!(anstream::stdout().lock(), "{}", text(report, keys, verbose));
}

/// The text, in colour.
fn text(report: &CheckReport, keys: Option<&str>, verbose: bool) -> String {
    let mut text = String::new();
    let out = &mut text;
    head(out, report, keys);
    if let Some(error) = &report.trouble {
        line(out, &format!("{BAD}{}{BAD:#}", report.summary.sentence));
        for part in error_text(error).lines().skip(1) {
            line(out, part);
        }
        return text;
    }
    for finding in &report.findings {
        row(out, finding, verbose);
    }
    if !report.isolation.is_empty() {
        line(out, &format!("\n{STRONG}What this key must not be able to do{STRONG:#}"));
        for hole in &report.isolation {
            hole_row(out, hole, verbose);
        }
    }
    sentences(out, report);
    gaps(out, report);
    text
}

fn head(out: &mut String, report: &CheckReport, keys: Option<&str>) {
    let server = &report.server;
    let software = server.software.as_ref().map_or(String::new(), |software| format!(" ({software})"));
    let region = if server.region_learned { " (found out; set it to save a request)" } else { "" };
    line(out, &format!("{STRONG}{}{STRONG:#}", report.place));
    let tls = if server.tls { "TLS" } else { "not encrypted" };
    line(out, &format!("  server  {}{software}, {tls}, region {}{region}", server.address, server.region));
    if let Some(offset_ms) = server.clock_offset_ms {
        // The header has whole seconds, and the answer took its time.
        let seconds = (offset_ms + 500).div_euclid(1_000);
        let words = match seconds.unsigned_abs() {
            0..=2 => "agree".to_owned(),
            more if seconds > 0 => format!("differ: the server's is {more} s ahead"),
            more => format!("differ: the server's is {more} s behind"),
        };
        line(out, &format!("  clocks  {words}"));
    }
    // An answer, whatever it says, has come all the way.
    if server.clock_offset_ms.is_some() {
        let tls = if server.tls { ", TLS agreed on" } else { "" };
        line(out, &format!("  way     name found, connected{tls}, answered"));
    }
    line(out, &format!("  keys    {}", keys.unwrap_or("none: requests are not signed")));
    if let Some(identity) = &report.identity {
        line(out, &format!("          of {} (account {})", identity.arn, identity.account));
    }
    line(out, "");
}

fn row(out: &mut String, finding: &Finding, verbose: bool) {
    let wanted = finding.statement.is_some();
    let (mark, style, word) = match finding.verdict {
        Verdict::Allowed if is_danger(finding) => ("!", DOUBT, "allowed"),
        Verdict::Allowed => ("✓", GOOD, "allowed"),
        Verdict::Denied if !wanted && is_danger(finding) => ("✓", GOOD, "denied"),
        Verdict::Denied if is_look(finding) => ("–", DOUBT, "denied (no backup needs it)"),
        Verdict::Denied => ("✗", BAD, "DENIED"),
        Verdict::Inconclusive => ("?", DOUBT, "inconclusive"),
        Verdict::NotSupported => ("–", DOUBT, "not supported here"),
        Verdict::NotNeeded => ("·", PLAIN, "not asked"),
    };
    let Finding { purpose, action, .. } = finding;
    write(out, &format!("  {style}{mark}{style:#} {purpose:<48} {action:<36} {style}{word}{style:#}"));
    let doubtful = !matches!(finding.verdict, Verdict::Allowed | Verdict::NotNeeded) && !is_danger(finding);
    details(out, finding.evidence.as_ref(), finding.note.as_deref(), verbose || doubtful);
}

/// What is better not allowed.
fn is_danger(finding: &Finding) -> bool {
    use holdfast_core::probe::Probe;
    matches!(finding.probe, Probe::DeleteVersion | Probe::Overwrite)
}

/// What only tells what a stolen key could do.
fn is_look(finding: &Finding) -> bool {
    use holdfast_core::probe::Probe;
    matches!(finding.probe, Probe::Versioning | Probe::ObjectLock)
}

fn hole_row(out: &mut String, hole: &HoleFinding, verbose: bool) {
    let (mark, style, word) = match hole.state {
        Isolation::Closed => ("✓", GOOD, "closed"),
        Isolation::Open => ("✗", BAD, "OPEN"),
        Isolation::Inconclusive if hole.evidence.is_none() => ("·", PLAIN, "not asked"),
        Isolation::Inconclusive => ("?", DOUBT, "inconclusive"),
    };
    let lets = hole.lets.split(" (").next().unwrap_or_default();
    write(out, &format!("  {style}{mark}{style:#} {lets:<64} {:<32} {style}{word}{style:#}", hole.action));
    details(out, hole.evidence.as_ref(), hole.note.as_deref(), verbose || hole.state == Isolation::Inconclusive);
}

fn details(out: &mut String, evidence: Option<&Evidence>, note: Option<&str>, wanted: bool) {
    out.push('\n');
    if !wanted {
        return;
    }
    if let Some(evidence) = evidence {
        line(out, &format!("      {evidence}"));
    }
    if let Some(note) = note {
        line(out, &format!("      {note}"));
    }
}

fn sentences(out: &mut String, report: &CheckReport) {
    use holdfast_core::verdict::Backups;
    let summary = &report.summary;
    let style = match summary.backups {
        Backups::Work => GOOD,
        Backups::WorkWithLimits | Backups::Unknown => DOUBT,
        Backups::WillNotWork => BAD,
    };
    line(out, &format!("\n{style}{}{style:#}", summary.sentence));
    for limit in &summary.limits {
        line(out, &format!("  - {limit}"));
    }
    let style = match summary.stolen_key {
        StolenKey::CannotDestroy => GOOD,
        StolenKey::CanDestroy | StolenKey::Inconclusive => DOUBT,
    };
    line(out, &format!("{style}{}{style:#}", summary.stolen_key_sentence));
    let style = match summary.isolation {
        Some(Isolation::Closed) => GOOD,
        Some(Isolation::Open) => BAD,
        Some(Isolation::Inconclusive) => DOUBT,
        None => PLAIN,
    };
    line(out, &format!("{style}{}{style:#}", summary.isolation_sentence));
    if let Some(site) = &report.site {
        line(out, &format!("The prefix is marked as that of site {site} (holdfast-site.json stays there)."));
    }
    for left in &report.left_behind {
        line(out, &format!("{BAD}Left behind:{BAD:#} {left}"));
    }
    line(out, NEVER_NEEDED);
}

fn gaps(out: &mut String, report: &CheckReport) {
    for finding in &report.findings {
        if let Some(statement) = &finding.statement {
            let Finding { action, resource, .. } = finding;
            let why = if is_look(finding) { "To see what a stolen key could do" } else { "To close the gap" };
            line(out, &format!("\n{STRONG}{why}, allow {action} on {resource} with this statement:{STRONG:#}"));
            line(out, &in_order(statement));
        }
    }
    if let Some(policy) = &report.closing_policy {
        line(
            out,
            &format!(
                "\n{STRONG}To shut what is open, let this be the only policy of the key's user (one for all clients: \
                 `holdfast policy generate group`):{STRONG:#}"
            ),
        );
        line(out, &in_order(policy));
        line(out, "If something stays open all the same, the bucket's own policy opens it.");
    }
    if report.findings.iter().any(|finding| finding.statement.is_some()) {
        line(out, "\nA change of a policy may take a minute to be known everywhere.");
    }
}

/// JSON with the keys in the order that people know from IAM.
fn in_order(value: &Value) -> String {
    let whole = match value.get("Statement") {
        Some(_) => value.clone(),
        None => json!({ "Version": "2012-10-17", "Statement": [value] }),
    };
    let written = parse(&whole.to_string()).ok().and_then(|policy| match value.get("Statement") {
        Some(_) => serde_json::to_string_pretty(&policy).ok(),
        None => serde_json::to_string_pretty(policy.statements.first()?).ok(),
    });
    written.unwrap_or_else(|| format!("{value:#}"))
}

fn line(out: &mut String, text: &str) {
    write(out, text);
    out.push('\n');
}

fn write(out: &mut String, text: &str) {
    // A String takes everything.
    let _ = write!(out, "{text}");
}
