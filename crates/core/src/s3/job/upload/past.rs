//! What the journal of an earlier run says: where that upload stood.

use std::collections::BTreeMap;

use crate::{
    abi::Millis,
    digest::Digests,
    job::Base,
    journal::Record,
    name::{Key, UploadId},
    plan::{Geometry, Schedule},
    provider::Rung,
};

/// An abort date this near ends an upload while we work on it: better to begin a new one.
const NEAR_MS: u64 = 3_600_000;

/// A part that the journal says has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) len: u64,
    pub(super) digests: Digests,
    pub(super) etag: String,
}

/// How an earlier run cut its object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cut {
    Archive(Geometry),
    Stream { key: Key, base: Option<Base>, schedule: Schedule },
}

/// Where an earlier run stood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Past {
    /// The cut and the rung that are frozen, once the plan was written.
    pub(super) plan: Option<(Cut, Rung)>,
    pub(super) upload_id: Option<UploadId>,
    pub(super) abort_at: Option<Millis>,
    pub(super) parts: BTreeMap<u32, Sent>,
    /// CompleteMultipartUpload or PutObject may have been sent.
    pub(super) completing: bool,
    /// Of a stream: the length of the object that was to be completed, and its parts.
    pub(super) end: Option<(u64, u32)>,
    /// Of a stream: the object was seen, with this length.
    pub(super) completed: Option<u64>,
}

impl Past {
    /// Folds the journal, oldest record first.
    pub(super) fn read(journal: &[Record]) -> Self {
        let mut past = Self::default();
        for record in journal {
            match record {
                Record::Planned { geometry, rung, .. } => {
                    past = Self { plan: Some((Cut::Archive(*geometry), *rung)), ..Self::default() };
                }
                Record::PlannedBackup { key, base, schedule, rung, .. } => {
                    let cut = Cut::Stream { key: key.clone(), base: base.clone(), schedule: *schedule };
                    past = Self { plan: Some((cut, *rung)), ..Self::default() };
                }
                Record::Created { upload_id, abort_at } => {
                    past.upload_id = Some(upload_id.clone());
                    past.abort_at = *abort_at;
                }
                Record::Part { part, len, digests, etag } => {
                    let sent = Sent { len: *len, digests: digests.clone(), etag: etag.clone() };
                    past.parts.insert(*part, sent);
                }
                Record::Resumed { part } => {
                    past.parts.retain(|number, _| number <= part);
                    (past.completing, past.end) = (false, None);
                }
                Record::Completing { len, parts, .. } => {
                    past.completing = true;
                    past.end = len.zip(*parts);
                }
                Record::Aborted { upload_id } if past.upload_id.as_ref() == Some(upload_id) => {
                    past = Self { completed: past.completed, ..Self::default() };
                }
                // A backup is made once: what there is to do is to look.
                Record::Completed { len, .. } if matches!(past.plan, Some((Cut::Stream { .. }, _))) => {
                    past.completed = Some(*len);
                }
                // What follows is another run.
                Record::Completed { .. } => past = Self::default(),
                Record::Aborted { .. } | Record::Fetching { .. } | Record::Range { .. } => {}
            }
        }
        past
    }

    /// Whether the server is about to abort the upload by itself.
    pub(super) fn expires_soon(&self, now: Millis) -> bool {
        self.abort_at.is_some_and(|at| at.since(now) < NEAR_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(len: u64) -> Record {
        let geometry = Geometry { len, part_len: 5 };
        Record::Planned { geometry, rung: Rung::Crc64nvme, at: Millis(0) }
    }

    fn created(id: &str) -> Record {
        let upload_id = UploadId::parse(id).expect(id);
        Record::Created { upload_id, abort_at: Some(Millis(10_000_000)) }
    }

    #[test]
    fn a_new_plan_makes_the_old_one_history() {
        let part = Record::Part { part: 1, len: 5, digests: Digests::default(), etag: "e".into() };
        let past = Past::read(&[planned(9), created("a"), part, planned(9), created("b")]);
        assert_eq!(past.upload_id, UploadId::parse("b").ok());
        assert!(past.parts.is_empty() && !past.completing);
    }

    #[test]
    fn what_lies_behind_a_resumed_runs_beginning_never_counts_again() {
        let part = |part| Record::Part { part, len: 5, digests: Digests::default(), etag: "e".into() };
        let journal = [planned(9), created("a"), part(1), part(2), part(4), Record::Resumed { part: 2 }, part(3)];
        let past = Past::read(&journal);
        assert_eq!(past.parts.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn only_our_own_abort_ends_the_upload() {
        let aborted = |id| Record::Aborted { upload_id: UploadId::parse(id).expect(id) };
        assert_eq!(Past::read(&[planned(9), created("a"), aborted("a")]), Past::default());
        let past = Past::read(&[planned(9), created("a"), aborted("orphan")]);
        assert_eq!(past.upload_id, UploadId::parse("a").ok());
    }

    #[test]
    fn an_upload_expires_an_hour_early() {
        let past = Past::read(&[planned(9), created("a")]);
        assert!(!past.expires_soon(Millis(10_000_000 - NEAR_MS)));
        assert!(past.expires_soon(Millis(10_000_001 - NEAR_MS)));
    }
}
