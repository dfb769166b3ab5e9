//! A site's backups as a calendar: what stays and why, what goes, and what that frees.

use std::{fmt::Write as _, io::Write as _};

use anstyle::{AnsiColor, Style};
use holdfast_core::retention::{Decision, Policy, Reason};
use indicatif::{HumanBytes, HumanCount};

use super::Pruned;
use crate::command::list::printable;

const GOOD: Style = AnsiColor::Green.on_default();
const GONE: Style = AnsiColor::Red.on_default();
const DOUBT: Style = AnsiColor::Yellow.on_default();
const STRONG: Style = Style::new().bold();

/// Prints what is planned on stdout; in colour on a terminal.
pub(super) fn calendar(pruned: &Pruned, policy: &Policy, dry_run: bool) {
    // A reader that has gone away wants no more.
    let _ = write!(anstream::stdout().lock(), "{}", calendar_text(pruned, policy, dry_run));
}

/// Prints what came of it on stdout.
pub(super) fn end(pruned: &Pruned) {
    let _ = write!(anstream::stdout().lock(), "{}", end_text(pruned));
}

fn calendar_text(pruned: &Pruned, policy: &Policy, dry_run: bool) -> String {
    let mut text = String::new();
    let out = &mut text;
    line(out, &format!("{STRONG}{}{STRONG:#}  keeping {}", printable(&pruned.place), rules(policy)));
    line(out, "");
    for decision in &pruned.decisions {
        row(out, pruned, decision);
    }
    let count = |keep: bool| pruned.decisions.iter().filter(|decision| decision.keep.is_some() == keep).count() as u64;
    let (kept, due) = (count(true), count(false));
    let kept_bytes = HumanBytes(bytes(pruned, |decision| decision.keep.is_some()));
    let due_bytes = HumanBytes(bytes(pruned, |decision| decision.keep.is_none()));
    let verb = if dry_run { "would go" } else { "to delete" };
    let due = match due {
        0 => "nothing is due".to_owned(),
        due => format!("{} {verb}, {due_bytes}", HumanCount(due)),
    };
    line(out, &format!("\n{} stay, {kept_bytes}; {due}", counted(kept, "backup")));
    text
}

fn row(out: &mut String, pruned: &Pruned, decision: &Decision) {
    let (name, len) = match pruned.backups.get(&decision.key) {
        Some(backup) => (decision.key.rsplit('/').next().unwrap_or_default(), HumanBytes(backup.len).to_string()),
        None => (decision.key.as_str(), String::new()),
    };
    let (mark, style, why) = match &decision.keep {
        Some(reasons) => {
            let odd = reasons.iter().any(|reason| matches!(reason, Reason::Future | Reason::NoneGood));
            let words: Vec<&str> = reasons.iter().map(|reason| word(*reason)).collect();
            ("✓", if odd { DOUBT } else { GOOD }, words.join(", "))
        }
        None if pruned.backups.get(&decision.key).is_some_and(|backup| !backup.good) => {
            ("✗", GONE, "goes: too short to be a backup".to_owned())
        }
        None => ("✗", GONE, "goes".to_owned()),
    };
    line(out, &format!("  {style}{mark}{style:#} {:<24}  {len:>11}  {style}{why}{style:#}", printable(name)));
}

fn end_text(pruned: &Pruned) -> String {
    let mut text = String::new();
    let out = &mut text;
    let freed = HumanBytes(bytes(pruned, |decision| pruned.removed.contains(&decision.key)));
    let removed = pruned.removed.len() as u64;
    match (removed, pruned.versioned) {
        (0, _) => {}
        (_, false) => line(out, &format!("{} deleted, {freed} freed", counted(removed, "backup"))),
        (_, true) => {
            line(out, &format!("{} deleted, {freed} out of sight", counted(removed, "backup")));
            line(
                out,
                "The bucket keeps versions: what was deleted can be brought back, and is paid for, until a lifecycle \
                 rule ends it (`holdfast policy generate lifecycle` writes one).",
            );
        }
    }
    if pruned.failed > 0 {
        line(out, &format!("{DOUBT}{} could not be deleted{DOUBT:#}", counted(pruned.failed, "backup")));
    }
    text
}

fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::Newest => "newest",
        Reason::Last => "last",
        Reason::Hourly => "hourly",
        Reason::Daily => "daily",
        Reason::Weekly => "weekly",
        Reason::Monthly => "monthly",
        Reason::Yearly => "yearly",
        Reason::Oldest => "oldest",
        Reason::Within => "young enough",
        Reason::Pinned => "pinned",
        Reason::Future => "dated later than now: a clock was wrong",
        Reason::NoneGood => "none is known to be good",
        Reason::NoRules => "no rule",
    }
}

/// `7 daily, 4 weekly`.
fn rules(policy: &Policy) -> String {
    let mut rules: Vec<String> = [
        (policy.keep_last, "last"),
        (policy.hourly, "hourly"),
        (policy.daily, "daily"),
        (policy.weekly, "weekly"),
        (policy.monthly, "monthly"),
        (policy.yearly, "yearly"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{count} {word}"))
    .collect();
    if let Some(ms) = policy.keep_within_ms {
        let hours = ms / 3_600_000;
        let span = if hours.is_multiple_of(24) { counted(hours / 24, "day") } else { counted(hours, "hour") };
        rules.push(format!("all of {span}"));
    }
    if !policy.pinned.is_empty() {
        rules.push(format!("{} pinned", policy.pinned.len()));
    }
    rules.join(", ")
}

fn bytes(pruned: &Pruned, is: impl Fn(&Decision) -> bool) -> u64 {
    let of = |decision: &Decision| pruned.backups.get(&decision.key).map_or(0, |backup| backup.len);
    pruned.decisions.iter().filter(|decision| is(decision)).map(of).sum()
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
    use std::collections::BTreeSet;

    use holdfast_core::{retention, site::BackupName};

    use super::*;

    const DAY_MS: i64 = 86_400_000;
    /// 2026-11-23T12:00:00Z.
    const NOON: i64 = 1_795_435_200_000;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn a_calendar_as_people_read_it() {
        let mut pruned = Pruned { place: "s3://backups/home/client1/shop-0a1b2c3d/".into(), ..Pruned::default() };
        for day in [-1, 0, 1, 2, 3, 4, 8, 9, 30, 31, 90, 400] {
            let name = BackupName::new(NOON - 10 * 3_600_000 - day * DAY_MS);
            let key = format!("home/client1/shop-0a1b2c3d/{name}");
            let len = if day == 2 { 0 } else { 1_288_490_189 - day.unsigned_abs() * 1_000_000 };
            let backup = retention::Backup { key: key.clone(), at_ms: name.at_ms(), len, good: len > 0 };
            pruned.backups.insert(key, backup);
        }
        let pinned = BTreeSet::from(["home/client1/shop-0a1b2c3d/2026-11-14T020000Z.zip".to_owned()]);
        let policy = Policy {
            keep_last: 1,
            daily: 3,
            weekly: 2,
            monthly: 6,
            keep_within_ms: Some(DAY_MS as u64),
            pinned,
            ..Policy::default()
        };
        let all: Vec<_> = pruned.backups.values().cloned().collect();
        pruned.decisions = retention::plan(&all, &policy, NOON);
        let mut text = plain(&calendar_text(&pruned, &policy, false));
        text += "--- with --dry-run\n";
        text += plain(&calendar_text(&pruned, &policy, true)).lines().last().unwrap_or_default();
        text += "\n--- by another policy\n";
        let keep_all = Policy { keep_last: 99, ..Policy::default() };
        let decisions = retention::plan(&all, &keep_all, NOON);
        let other = Pruned { decisions, backups: pruned.backups.clone(), ..Pruned::default() };
        text += plain(&calendar_text(&other, &keep_all, false)).lines().last().unwrap_or_default();
        pruned.removed = pruned.decisions.iter().filter(|d| d.keep.is_none()).map(|d| d.key.clone()).collect();
        text += "\n--- deleted\n";
        text += &plain(&end_text(&pruned));
        text += "--- of a bucket with versions, and one that stays\n";
        (pruned.versioned, pruned.failed) = (true, 1);
        text += &plain(&end_text(&pruned));
        insta::assert_snapshot!(text);
    }
}
