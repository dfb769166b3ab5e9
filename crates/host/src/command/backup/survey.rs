//! What there is to do, before anything is read: file names and facts against the last backup.

use holdfast_core::{
    error::{Error, Kind},
    zip::{Kind as MemberKind, MemberName},
};
use indicatif::{HumanBytes, HumanCount};

use super::{base::Base, scope::What};
use crate::archive::{
    index::Index,
    pack::is_unchanged,
    walk::{FoundKind, SkipReason, Step, Walk},
};

/// What the walk has seen.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Files.
    pub(super) files: u64,
    /// Bytes in them.
    pub(super) bytes: u64,
    /// Files that are new, changed, or must be read to know.
    pub(super) to_read: u64,
    /// Bytes in them: what travels is at most about as much.
    pub(super) to_send: u64,
    /// Files, directories and others that a pattern leaves out.
    pub(super) excluded: u64,
    /// What could not be looked at.
    pub(super) unreadable: u64,
    /// Which patterns left out what: shown in a dry run.
    pub(super) left_out: Vec<String>,
}

impl Survey {
    /// Walks the trees.
    pub(super) fn take(what: &What, base: Option<&Base>, paranoid: bool) -> Result<Self, Error> {
        let mut survey = Self::default();
        let mut index = Index::default();
        if let Some(base) = base {
            index.add_base(base.members()?, &base.carry);
        }
        for tree in &what.trees {
            let mut options = tree.options.clone();
            options.report_excluded = true;
            let mut walk = Walk::new(options)?;
            for step in walk.by_ref() {
                survey.step(tree.prefix, step, &mut index, paranoid)?;
            }
            survey.excluded += walk.excluded();
        }
        Ok(survey)
    }

    fn step(&mut self, prefix: &str, step: Step, index: &mut Index<'_>, paranoid: bool) -> Result<(), Error> {
        let found = match step {
            Step::Found(found) => found,
            Step::Unreadable { .. } => {
                self.unreadable += 1;
                return Ok(());
            }
            Step::Skipped { path, why: SkipReason::Excluded { pattern, reason } } => {
                let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
                self.left_out.push(format!("{path} (`{pattern}`{reason})"));
                return Ok(());
            }
            Step::Skipped { .. } => return Ok(()),
        };
        if found.kind != FoundKind::File {
            return Ok(());
        }
        self.files += 1;
        self.bytes += found.stat.len;
        let Ok(name) = MemberName::parse([prefix.as_bytes(), &found.path].concat()) else { return Ok(()) };
        let known = index.find(&name).map_err(|error| {
            Error::new(Kind::Integrity, format!("the last backup's list of members cannot be read: {error}"))
        })?;
        let unchanged =
            known.is_some_and(|known| known.kind == MemberKind::File && !paranoid && is_unchanged(&known, &found.stat));
        if !unchanged {
            self.to_read += 1;
            self.to_send += found.stat.len;
        }
        Ok(())
    }

    /// For people, in a line.
    pub(super) fn words(&self) -> String {
        let (files, bytes) = (HumanCount(self.files), HumanBytes(self.bytes));
        if self.to_read == self.files {
            return format!("{files} files, {bytes}");
        }
        let (read, send) = (HumanCount(self.to_read), HumanBytes(self.to_send));
        format!("{files} files, {bytes}; {read} of them ({send}) are new or may have changed")
    }
}
