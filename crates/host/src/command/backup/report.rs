//! What a backup tells when it is done, to people and to programs.

use holdfast_core::{
    error::Error,
    report::{BackupReport, Report},
};
use indicatif::{HumanBytes, HumanCount};
use serde::Serialize;
use serde_json::json;

use super::{produce::DatabaseMade, scope::What, site::Site, survey::Survey};
use crate::{
    archive::pack::{Names, Tally},
    ui::Ui,
};

/// Names of a kind that are shown to people.
const SHOWN: usize = 5;

/// Everything there is to say of a backup beside what the module reports.
#[derive(Debug, Serialize)]
pub(super) struct Summary<'a> {
    pub(super) key: &'a str,
    pub(super) site: &'a str,
    /// The backup that was copied from.
    pub(super) base: Option<&'a str>,
    /// Why none was, where one would expect it.
    pub(super) why_full: Option<&'a str>,
    /// The dead bytes of the last backup were left out.
    pub(super) compacted: bool,
    #[serde(flatten)]
    pub(super) tally: &'a Tally,
    pub(super) database: Option<&'a DatabaseMade>,
    pub(super) warnings: &'a [Error],
}

impl Summary<'_> {
    /// Whether everything that was to be backed up was, and held still.
    pub(super) fn is_clean(&self) -> bool {
        self.warnings.is_empty() && self.tally.unreadable.count == 0 && self.tally.moving.count == 0
    }

    /// For programs: what the module reports, and all of this.
    pub(super) fn with(&self, report: &BackupReport) -> serde_json::Value {
        let mut all = serde_json::to_value(Report::Backup(report.clone())).unwrap_or_default();
        if let (Some(all), Ok(serde_json::Value::Object(own))) = (all.as_object_mut(), serde_json::to_value(self)) {
            all.extend(own);
        }
        all
    }
}

/// Tells people.
pub(super) fn tell(ui: &Ui, report: &BackupReport, summary: &Summary<'_>, place: &str) {
    let tally = summary.tally;
    let count = HumanCount;
    let mut text = format!("{place} is stored: {}", HumanBytes(report.len));
    text += &format!(", {} of them sent", HumanBytes(report.bytes_sent));
    if report.bytes_copied > 0 {
        text += &format!(", {} copied by the server", HumanBytes(report.bytes_copied));
    }
    if report.bytes_kept > 0 {
        text += &format!(", {} sent by an earlier run", HumanBytes(report.bytes_kept));
    }
    ui.line(&text);
    let mut parts = vec![format!("{} files", count(tally.files))];
    if let Some(database) = summary.database {
        let (tables, rows) = (count(database.tables), count(database.rows));
        parts.push(format!("{tables} tables with {rows} rows ({} of SQL)", HumanBytes(database.bytes)));
    }
    let (sent, kept) = (count(tally.members_sent), count(tally.members_kept));
    ui.line(&format!("{}; {sent} members sent, {kept} as they were", parts.join(", ")));
    if tally.hard_links > 0 {
        ui.line(&format!("{} files have more than one name; each is stored as a file", count(tally.hard_links)));
    }
    names(ui, &tally.unreadable, "could not be read and are NOT in the backup");
    names(ui, &tally.moving, "changed while they were read and are stored as they were read");
    names(ui, &tally.vanished, "were gone before they could be read");
    names(ui, &tally.skipped, "hold nothing that could be backed up");
    let proof = match (report.proof.whole, report.proof.looked) {
        (true, true) => "the server compared its CRC-64 with ours, and the object's size was seen",
        (true, false) => "the server compared its CRC-64 with ours",
        (false, true) => "every part was checked, and the object's size was seen",
        (false, false) => "every part was checked",
    };
    ui.line(&format!("proof: {proof}"));
}

fn names(ui: &Ui, names: &Names, what: &str) {
    if names.count == 0 {
        return;
    }
    ui.line(&format!("{} {what}:", HumanCount(names.count)));
    for name in names.first.iter().take(SHOWN) {
        ui.line(&format!("  {name}"));
    }
    let more = names.count.saturating_sub(SHOWN as u64);
    if more > 0 {
        ui.line(&format!("  and {} more", HumanCount(more)));
    }
}

/// What would be done.
pub(super) fn dry_run(ui: &Ui, what: &What, plan: &str, survey: &Survey, site: &Site) {
    if ui.json() {
        let value = json!({
            "event": "dry_run",
            "site": site.file.id,
            "folder": site.prefix.as_str(),
            "plan": plan,
            "files": survey.files,
            "bytes": survey.bytes,
            "files_to_read": survey.to_read,
            "bytes_to_read": survey.to_send,
            "excluded": survey.left_out,
            "unreadable": survey.unreadable,
            "database": what.database.as_ref().map(|(database, _)| &database.name),
        });
        ui.data(&value.to_string());
        return;
    }
    ui.line(&format!("would back up {} below {}", what.words, site.prefix));
    ui.line(plan);
    ui.line(&survey.words());
    if let Some((database, _)) = &what.database {
        ui.line(&format!("the database {} would be dumped; what of it travels is known only then", database.name));
    }
    if survey.unreadable > 0 {
        ui.line(&format!("{} cannot be read", HumanCount(survey.unreadable)));
    }
    if !survey.left_out.is_empty() {
        ui.line("left out:");
        for line in &survey.left_out {
            ui.line(&format!("  {line}"));
        }
    }
}
