//! `holdfast show` and `holdfast diff`: what a backup holds, and what one has that another has not.

use holdfast_core::{
    error::Error,
    event::Event,
    job::{List, Work},
    name::{Key, Prefix},
    report::Outcome,
    site::BackupName,
    zip::{Entry, Kind as MemberKind},
};
use indicatif::{HumanBytes, HumanCount};
use serde_json::json;

use super::{
    DONE, Exit,
    backup::base::moment,
    config_error,
    opened::Opened,
    setup::{self, Setup, Task},
};
use crate::{archive::path::PathBytes, cli, state::job::random_run, ui::Ui};

/// A member of one backup against another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Added,
    Removed,
    Changed,
    /// The content is the same; mode, owner or time is not.
    Touched,
}

impl Change {
    fn sign(self) -> char {
        match self {
            Self::Added => '+',
            Self::Removed => '-',
            Self::Changed => 'M',
            Self::Touched => 't',
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Touched => "touched",
        }
    }
}

pub(super) fn show(args: &cli::Show) -> Result<Exit, Error> {
    let (mut setup, key) = begin(&args.backup, &args.storage, &args.transfer, args.output)?;
    let backup = Opened::open(&mut setup, &key)?;
    let mut totals = Totals::default();
    for entry in backup.entries()? {
        let entry = entry?;
        totals.add(&entry);
        if args.members {
            member(&setup.ui, &entry);
        }
    }
    let before = before(&mut setup, &key)?;
    let changes = match &before {
        Some(before) => {
            let before = Opened::open(&mut setup, before)?;
            Some(compare(&before, &backup, |_, _| {})?)
        }
        None => None,
    };
    totals.dead = backup.located.directory.offset.saturating_sub(totals.live);
    if setup.ui.json() {
        let changes = changes.as_ref().map(Counts::json);
        let value = json!({
            "event": "backup", "key": key.as_str(), "etag": backup.etag, "len": backup.len,
            "files": totals.files, "directories": totals.directories, "symlinks": totals.symlinks,
            "database_members": totals.database, "content_bytes": totals.content,
            "dead_bytes": totals.dead, "before": before.as_ref().map(Key::as_str), "changes": changes,
        });
        setup.ui.data(&value.to_string());
        return Ok(DONE);
    }
    let ui = &setup.ui;
    ui.line(&format!("s3://{}/{key}", setup.target.bucket));
    ui.line(&format!("  {} in the bucket, {} of content", HumanBytes(backup.len), HumanBytes(totals.content)));
    ui.line(&format!(
        "  {} files, {} directories, {} symbolic links, {} pieces of the database",
        HumanCount(totals.files),
        HumanCount(totals.directories),
        HumanCount(totals.symlinks),
        HumanCount(totals.database)
    ));
    ui.line(&format!("  {} are of members that were replaced or deleted since", HumanBytes(totals.dead)));
    if let (Some(before), Some(changes)) = (&before, &changes) {
        ui.line(&format!("  against {before}: {}", changes.words()));
    }
    Ok(DONE)
}

pub(super) fn diff(args: &cli::Diff) -> Result<Exit, Error> {
    let (mut setup, older) = begin(&args.older, &args.storage, &args.transfer, args.output)?;
    let location = setup::location(&args.newer)?;
    if location.bucket != setup.target.bucket {
        return Err(config_error("the two backups are in different buckets", "name two backups of one bucket"));
    }
    let newer = key_of(&location.path)?;
    let older = Opened::open(&mut setup, &older)?;
    let newer = Opened::open(&mut setup, &newer)?;
    let ui = &setup.ui;
    let counts = compare(&older, &newer, |change, entry| {
        let name = PathBytes::from(entry.name.as_bytes());
        if ui.json() {
            let value =
                json!({ "event": "member", "change": change.name(), "name": name.to_string(), "len": entry.len });
            ui.data(&value.to_string());
        } else {
            ui.data(&format!("{} {name}", change.sign()));
        }
    })?;
    if ui.json() {
        ui.data(&json!({ "event": "done", "exit_code": 0, "changes": counts.json() }).to_string());
    } else {
        ui.line(&counts.words());
    }
    Ok(DONE)
}

pub(super) fn begin(
    backup: &str,
    storage: &cli::Storage,
    transfer: &cli::Transfer,
    output: cli::Output,
) -> Result<(Setup, Key), Error> {
    let location = setup::location(backup)?;
    let key = key_of(&location.path)?;
    let setup = Setup::new(storage, None, &location.bucket, transfer, output)?;
    Ok((setup, key))
}

fn key_of(path: &str) -> Result<Key, Error> {
    Key::parse(path).map_err(|error| config_error(error.to_string(), "name the backup: s3://BUCKET/KEY.zip"))
}

/// The backup before this one, in the same folder.
fn before(setup: &mut Setup, key: &Key) -> Result<Option<Key>, Error> {
    let folder = key.as_str().rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let Ok(prefix) = Prefix::parse(folder) else { return Ok(None) };
    let Some(this) = moment(key.as_str()) else { return Ok(None) };
    let mut newest: Option<(BackupName, String)> = None;
    let mut look = |event: &Event, _: &Ui| {
        if let Event::Entry(entry) = event
            && let Some(at) = moment(&entry.key).filter(|at| *at < this)
            && newest.as_ref().is_none_or(|(newest, _)| *newest < at)
        {
            newest = Some((at, entry.key.clone()));
        }
    };
    let work = Work::List(List { prefix, shallow: true });
    let outcome = setup.converse(Task { on_event: Some(&mut look), ..Task::quiet(random_run()?, work) })?;
    // Whoever may not list sees the backup all the same.
    if matches!(outcome, Outcome::Failed(_)) {
        return Ok(None);
    }
    Ok(newest.and_then(|(_, key)| Key::parse(key).ok()))
}

fn member(ui: &Ui, entry: &Entry) {
    let name = PathBytes::from(entry.name.as_bytes());
    if ui.json() {
        let value = json!({
            "event": "member", "name": name.to_string(), "len": entry.len, "stored_len": entry.stored_len,
            "mode": format!("{:04o}", entry.stat.mode), "mtime": entry.stat.mtime.seconds,
            "sha256": hex::encode(entry.sha256),
        });
        ui.data(&value.to_string());
        return;
    }
    let letter = match entry.kind {
        MemberKind::File => '-',
        MemberKind::Directory => 'd',
        MemberKind::Symlink => 'l',
    };
    let at = jiff::Timestamp::from_second(entry.stat.mtime.seconds)
        .map_or_else(|_| entry.stat.mtime.seconds.to_string(), |at| at.strftime("%F %T").to_string());
    ui.data(&format!("{letter}{:04o} {:>12} {at} {name}", entry.stat.mode, entry.len));
}

#[derive(Debug, Default)]
struct Totals {
    files: u64,
    directories: u64,
    symlinks: u64,
    database: u64,
    content: u64,
    live: u64,
    dead: u64,
}

impl Totals {
    fn add(&mut self, entry: &Entry) {
        self.content += entry.len;
        self.live += entry.local_len();
        *match entry.kind {
            MemberKind::Directory => &mut self.directories,
            MemberKind::Symlink => &mut self.symlinks,
            MemberKind::File if entry.name.as_bytes().starts_with(b"database/") => &mut self.database,
            MemberKind::File => &mut self.files,
        } += 1;
    }
}

/// How many members differ, and how.
#[derive(Debug, Default)]
struct Counts {
    added: u64,
    removed: u64,
    changed: u64,
    touched: u64,
}

impl Counts {
    fn json(&self) -> serde_json::Value {
        let Self { added, removed, changed, touched } = self;
        json!({ "added": added, "removed": removed, "changed": changed, "touched": touched })
    }

    fn words(&self) -> String {
        let n = |n| HumanCount(n).to_string();
        let (added, removed) = (n(self.added), n(self.removed));
        let (changed, touched) = (n(self.changed), n(self.touched));
        format!("{added} members added, {removed} removed, {changed} changed; {touched} with other times or modes only")
    }
}

/// Goes through both side by side.
fn compare(older: &Opened, newer: &Opened, mut tell: impl FnMut(Change, &Entry)) -> Result<Counts, Error> {
    let mut counts = Counts::default();
    let mut old = older.entries()?;
    let mut before = old.next().transpose()?;
    let mut count = |change, entry: &Entry| {
        *match change {
            Change::Added => &mut counts.added,
            Change::Removed => &mut counts.removed,
            Change::Changed => &mut counts.changed,
            Change::Touched => &mut counts.touched,
        } += 1;
        tell(change, entry);
    };
    for now in newer.entries()? {
        let now = now?;
        while let Some(gone) = before.take_if(|before| before.name < now.name) {
            count(Change::Removed, &gone);
            before = old.next().transpose()?;
        }
        match before.take_if(|before| before.name == now.name) {
            None => count(Change::Added, &now),
            Some(was) => {
                before = old.next().transpose()?;
                let same_content = was.kind == now.kind && was.sha256 == now.sha256 && was.len == now.len;
                let facts = |entry: &Entry| (entry.stat.mode, entry.stat.uid, entry.stat.gid, entry.stat.mtime);
                if !same_content {
                    count(Change::Changed, &now);
                } else if facts(&was) != facts(&now) {
                    count(Change::Touched, &now);
                }
            }
        }
    }
    while let Some(gone) = before {
        count(Change::Removed, &gone);
        before = old.next().transpose()?;
    }
    Ok(counts)
}
