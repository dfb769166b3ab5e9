//! A fleet as people read it: what needs looking at first, then the others, each by name.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use holdfast_core::fleet::{Client, FleetReport, Freshness};
use indicatif::{HumanBytes, HumanCount};

use crate::command::list::printable;

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DOUBT: Style = AnsiColor::Yellow.on_default();
const STRONG: Style = Style::new().bold();

/// A column for names is no wider than this; what is longer pushes its own row only.
const NAME_WIDTH: usize = 32;

/// Prints it on stdout; in colour on a terminal.
pub(super) fn print(report: &FleetReport, clients: &[Client], verbose: bool) {
    use std::io::Write as _;
    // A reader that has gone away wants no more.
    let _ = write!(anstream::stdout().lock(), "{}", text(report, clients, verbose));
}

/// The text, in colour.
fn text(report: &FleetReport, clients: &[Client], verbose: bool) -> String {
    let mut text = String::new();
    let out = &mut text;
    let age = span(report.max_age_ms);
    line(out, &format!("{STRONG}{}{STRONG:#}  a newest backup may be {age} old", printable(&report.place)));
    if let Some(offset_ms) = report.clock_offset_ms {
        let (by, relation) = (span(offset_ms.unsigned_abs()), if offset_ms > 0 { "ahead" } else { "behind" });
        line(out, &format!("{DOUBT}The server's clock is {by} {relation}{DOUBT:#}; ages are by the server's."));
    }
    line(out, "");
    let mut sorted: Vec<_> = clients.iter().collect();
    sorted.sort_by_key(|client| client.freshness);
    let width = sorted.iter().map(|client| printable(&client.name).chars().count()).max().unwrap_or(0).min(NAME_WIDTH);
    for client in sorted {
        row(out, client, width, verbose);
    }
    end(out, report, clients);
    text
}

fn row(out: &mut String, client: &Client, width: usize, verbose: bool) {
    let (mark, style, word) = match client.freshness {
        Freshness::Fresh => ("✓", GOOD, "fresh"),
        Freshness::Stale => ("✗", BAD, "STALE"),
        Freshness::NoBackup => ("✗", BAD, "NO BACKUP"),
        Freshness::Missing => ("✗", BAD, "MISSING"),
        Freshness::Unreadable => ("?", DOUBT, "cannot be listed"),
    };
    let name = if client.name.is_empty() { "\"\"".to_owned() } else { printable(&client.name) };
    let (age, size) = match &client.newest {
        Some(newest) => (format!("{} ago", span(newest.age_ms)), HumanBytes(newest.len).to_string()),
        None => ("–".to_owned(), "–".to_owned()),
    };
    line(out, &format!("  {style}{mark}{style:#} {name:<width$}  {age:>12}  {size:>11}  {style}{word}{style:#}"));
    if let Some(evidence) = client.error.as_ref().map(|error| match &error.evidence {
        Some(evidence) => evidence.to_string(),
        None => error.what.clone(),
    }) {
        line(out, &format!("      {}", printable(&evidence)));
    }
    if let (true, Some(newest)) = (verbose, &client.newest) {
        let backups = counted(client.backups, "backup");
        line(out, &format!("      {}; {backups}, {}", printable(&newest.key), HumanBytes(client.bytes)));
    }
}

fn end(out: &mut String, report: &FleetReport, clients: &[Client]) {
    if report.clients == 0 {
        line(out, &format!("{BAD}There are no clients{BAD:#}: no prefix lies directly below {}.", report.place));
        let hint = match report.strays {
            0 => "name the prefix above the clients' own, as in s3://BUCKET/home/".to_owned(),
            strays => format!(
                "{} there: this may be one client's own prefix; name the one above it",
                if strays == 1 { "1 object lies".to_owned() } else { format!("{} objects lie", HumanCount(strays)) }
            ),
        };
        line(out, &format!("hint: {hint}"));
        return;
    }
    let style = if report.is_well() { GOOD } else { BAD };
    let parts: Vec<_> = [
        (report.fresh, "fresh"),
        (report.stale, "stale"),
        (report.no_backup, "without a backup"),
        (report.missing, "missing"),
        (report.unreadable, "that cannot be listed"),
    ]
    .into_iter()
    .filter(|(count, word)| *count > 0 || *word == "fresh")
    .map(|(count, word)| format!("{} {word}", HumanCount(count)))
    .collect();
    line(out, &format!("\n{style}{}: {}{style:#}", counted(report.clients, "client"), parts.join(", ")));
    if let Some(hint) = clients.iter().find_map(|client| client.error.as_ref()?.hint.as_ref()) {
        line(out, &format!("hint: {hint}"));
    }
}

/// A time in the unit that says most: `3 h`.
fn span(ms: u64) -> String {
    let seconds = ms / 1_000;
    match (seconds, seconds / 60, seconds / 3_600) {
        (0..60, ..) => format!("{seconds} s"),
        (_, minutes @ 0..120, _) => format!("{minutes} min"),
        (.., hours @ 0..48) => format!("{hours} h"),
        (.., hours) => format!("{} days", HumanCount(hours / 24)),
    }
}

fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", HumanCount(count), if count == 1 { "" } else { "s" })
}

fn line(out: &mut String, text: &str) {
    // A String takes everything.
    let _ = writeln!(out, "{text}");
}

#[cfg(test)]
mod tests {
    use holdfast_core::{
        error::{Error, Evidence, Kind},
        fleet::Newest,
    };

    use super::*;

    const HOUR_MS: u64 = 3_600_000;

    fn client(name: &str, age_ms: u64) -> Client {
        let freshness = if age_ms > 26 * HOUR_MS { Freshness::Stale } else { Freshness::Fresh };
        let key = format!("home/{name}/2026-11-23T020000Z.zip");
        let newest = Newest { key, len: 1_288_490_189, last_modified: "2026-11-23T02:00:00.000Z".into(), age_ms };
        Client { name: name.into(), freshness, newest: Some(newest), backups: 30, bytes: 38_654_705_664, error: None }
    }

    fn report(clients: &[Client]) -> FleetReport {
        let mut report =
            FleetReport { place: "s3://backups/home/".into(), max_age_ms: 26 * HOUR_MS, ..FleetReport::default() };
        clients.iter().for_each(|client| report.add(client));
        report
    }

    fn plain(report: &FleetReport, clients: &[Client], verbose: bool) -> String {
        anstream::adapter::strip_str(&text(report, clients, verbose)).to_string()
    }

    fn fleet() -> Vec<Client> {
        let evidence = Evidence {
            operation: "ListObjectsV2".into(),
            status: 403,
            code: Some("AccessDenied".into()),
            message: Some("Access Denied.".into()),
            request_id: Some("R1".into()),
            ..Evidence::default()
        };
        let denied = Error::new(Kind::AccessDenied { action: None, resource: None }, "cannot list")
            .evidence(evidence)
            .hint("allow `s3:ListBucket` there");
        let none = Client { newest: None, freshness: Freshness::NoBackup, ..client("client5", 0) };
        vec![
            client("client1", 3 * HOUR_MS),
            client("client10", 12_000),
            client("client2", 27 * HOUR_MS),
            client("client3", 400 * 24 * HOUR_MS),
            Client::unreadable("client4".into(), denied),
            Client { backups: 0, bytes: 0, ..none },
            Client::missing("client6".into()),
            client("esc\u{1b}[2Jape", 70 * 60_000),
        ]
    }

    #[test]
    fn a_fleet_as_people_read_it() {
        let clients = fleet();
        let report = FleetReport { clock_offset_ms: Some(-3 * HOUR_MS as i64), ..report(&clients) };
        insta::assert_snapshot!(plain(&report, &clients, false));
    }

    #[test]
    fn what_needs_looking_at_is_in_colour() {
        let clients = [client("client1", HOUR_MS), client("client2", 27 * HOUR_MS)];
        insta::assert_snapshot!(text(&report(&clients), &clients, false).replace('\u{1b}', "^"));
    }

    #[test]
    fn with_verbose_the_newest_backup_is_named() {
        let clients = [client("client1", HOUR_MS)];
        insta::assert_snapshot!(plain(&report(&clients), &clients, true));
    }

    #[test]
    fn an_empty_fleet_is_said_to_be_one() {
        let none = plain(&report(&[]), &[], false);
        let strays = plain(&FleetReport { strays: 12, ..report(&[]) }, &[], false);
        insta::assert_snapshot!(format!("{none}---\n{strays}"));
    }

    #[test]
    fn as_programs_read_it() {
        let clients = &fleet()[3..6];
        let outcome = holdfast_core::report::Outcome::Done(holdfast_core::report::Report::Fleet(report(clients)));
        let document = super::super::document(&outcome, clients, 3);
        insta::assert_snapshot!(serde_json::to_string_pretty(&document).expect("JSON"));
    }
}
