//! What is particular about a backup: its stream is made while it is sent, and cannot be read
//! again.

use std::collections::BTreeMap;

use super::{
    Stage, UploadJob,
    finish::Completion,
    layout::{Flow, Layout},
    parts::Parts,
    past::{Cut, Past, Sent},
};
use crate::{
    abi::{Millis, Output},
    error::{Error, Kind},
    event::Event,
    job::{Backup, Base, Orphan, Work},
    journal::Record,
    plan::{MAX_PART_LEN, Schedule},
    provider::{Quirks, Rung},
    report::Outcome,
    s3::{conversation::Out, job::abort::Aborting, op::object_headers},
    session::Begin,
};

impl UploadJob {
    pub(crate) fn begin_backup(begin: Begin, out: &mut Out) -> Result<Self, Error> {
        let conversation = begin.conversation();
        let (now, remembered) = (begin.now, begin.remembered);
        let quirks = begin.job.target.endpoint.provider.quirks();
        let Work::Backup(work) = begin.job.work else { unreachable!("routed by its kind") };
        let Backup { key, base, estimate, window, object, orphans } = *work;
        let cannot = |kind, why: String| Error::new(kind, format!("cannot store {key} like this: {why}"));
        object_headers::check(&object, &begin.job.run).map_err(|why| cannot(Kind::Config, why.to_string()))?;
        if let Some(base) = &base {
            check_base(base, &quirks).map_err(|(kind, why)| cannot(kind, why))?;
        }
        let mut past = Past::read(&begin.journal);
        let mut stale = None;
        let is_same = |cut: &Cut| matches!(cut, Cut::Stream { key: k, base: b, .. } if *k == key && *b == base);
        if past.plan.as_ref().is_some_and(|(cut, _)| !is_same(cut)) {
            // Made of something else: nothing of that upload is of use.
            let past = std::mem::take(&mut past);
            let key = match past.plan {
                Some((Cut::Stream { key, .. }, _)) => key,
                _ => key.clone(),
            };
            stale = past.upload_id.map(|upload_id| Orphan { key, upload_id });
        }
        let usual = remembered.rung.unwrap_or(quirks.first_rung);
        let refused = base.is_some() && (!quirks.copy_checksums || remembered.no_copy_checksums);
        let (schedule, rung) = match past.plan {
            Some((Cut::Stream { schedule, .. }, rung)) => (schedule, rung),
            _ => {
                let copied = base.as_ref().map_or(0, |base| base.parts.len() as u32);
                let schedule = Schedule::plan(estimate, copied, &quirks)
                    .map_err(|why| Error::new(Kind::Config, format!("cannot plan the upload of {key}: {why}")))?;
                (schedule, if refused { usual.max(Rung::ContentMd5) } else { usual })
            }
        };
        let lowered_for_copies = refused && usual < rung;
        let conditional = quirks.conditional_writes && !remembered.no_conditional_writes;
        let mut job = Self {
            conversation,
            run: begin.job.run,
            key,
            object,
            overwrite: false,
            quirks,
            rung,
            parts: Parts::stream(Flow::new(base, schedule, window)),
            upload_id: None,
            past,
            listed: BTreeMap::new(),
            stage: Stage::Sending,
            aborting: Aborting::default(),
            restarts: 0,
            completion: Completion {
                if_none_match: conditional,
                object_size: quirks.object_size && !remembered.no_object_size,
                whole: true,
            },
            refusal: None,
            lowered_for_copies,
        };
        job.announce(estimate, out);
        for orphan in orphans {
            job.abort(now, orphan, out);
        }
        if let Some(orphan) = stale {
            job.abort(now, orphan, out);
            out.event(Event::StartedAfresh { why: "the upload that was begun is of another backup".into() });
        }
        job.set_out(now, out);
        Ok(job)
    }

    /// Tells about how much there will be.
    fn announce(&self, estimate: u64, out: &mut Out) {
        let Layout::Stream(flow) = self.parts.layout() else { return };
        let (schedule, copied) = (flow.schedule, flow.copied());
        let of_stream = estimate.div_ceil(schedule.part_len).clamp(1, u64::from(schedule.parts)) as u32;
        let len = flow.bytes_copied().saturating_add(estimate);
        out.event(Event::Planned { len, parts: copied + of_stream, part_len: schedule.part_len });
    }

    /// Goes on where an earlier run of the same backup stood, with what journal and server agree
    /// on. The stream that follows is another one, so nothing behind the kept run counts any more.
    pub(super) fn keep_of_stream(&mut self, now: Millis, claims: BTreeMap<u32, Sent>, journalled: u32, out: &mut Out) {
        self.parts.dropped += journalled - claims.len() as u32;
        if self.past.completing {
            let parts = self.past.end.map_or(0, |(_, parts)| parts);
            let all: BTreeMap<_, _> = claims.into_iter().filter(|(number, _)| *number <= parts).collect();
            if all.len() as u32 != parts || parts == 0 {
                self.restart(now, "the earlier run's end may still be under way".into(), out);
                return;
            }
            // The whole stream is there: only the end was not reached.
            self.parts.keep_all(all);
        } else {
            let part = self.parts.keep(claims);
            out.push(Output::Journal { record: Record::Resumed { part }, durable: true });
        }
        let Parts { kept, dropped, bytes_kept, .. } = self.parts;
        out.event(Event::Resumed { parts_kept: kept, bytes_kept, parts_dropped: dropped });
        self.stage = Stage::Sending;
    }

    /// Ends, because parts that have arrived are of no use any more and nobody has them.
    pub(super) fn stream_lost(&mut self, why: &str) {
        let what = format!("cannot finish {}: {why}", self.place());
        let error = Error::new(Kind::NoSuchUpload, what).hint("run it again: a backup is made while it is sent");
        self.end(Outcome::Failed(error));
    }

    /// Ends, if the stream goes on behind the last part there can be.
    pub(super) fn refuse_overflow(&mut self, now: Millis, out: &mut Out) {
        if !self.parts.overflows() || self.parts.busy() {
            return;
        }
        let what = format!("{} has become larger than its parts can hold", self.place());
        let hint = "run it again: it is planned anew with what is known of its size";
        self.abort_and_fail(now, Error::new(Kind::Source, what).hint(hint), out);
    }

    /// Ends with an error, and leaves nothing in the bucket.
    pub(super) fn abort_and_fail(&mut self, now: Millis, error: Error, out: &mut Out) {
        if let Some(upload_id) = self.upload_id.take() {
            self.abandon(now, upload_id, out);
        }
        self.end(Outcome::Failed(error));
    }
}

/// Whether the provider can make parts of these extents.
fn check_base(base: &Base, quirks: &Quirks) -> Result<(), (Kind, String)> {
    if !quirks.part_copy || quirks.equal_parts {
        return Err((Kind::Unsupported, format!("{} cannot begin it with bytes of another object", quirks.title)));
    }
    let possible = |len: u64| (1..=MAX_PART_LEN).contains(&len);
    if base.parts.is_empty() || !base.parts.iter().all(|extent| possible(extent.len)) {
        return Err((Kind::Config, "what is to be copied is empty, or too long for a part".to_owned()));
    }
    if base.etag.is_empty() || base.etag.contains('"') {
        return Err((Kind::Config, "the ETag of what is to be copied is none".to_owned()));
    }
    Ok(())
}
