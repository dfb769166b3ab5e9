//! Send an archive and be sure of it.
//!
//! ```text
//!            ┌────────────── resume: ListParts, fresh checksums ─────────────┐
//!  begin ──▶ look ──▶ Create ──▶ parts in flight ──▶ Complete ──▶ look ──▶ done
//!                        ▲              │                │
//!                        └── afresh: upload gone, lesser checksum, conflict ─┘
//! ```
//!
//! What is written down before what: [`crate::journal`]. A small archive goes the same way with
//! PutObject in place of Create, parts and Complete.
//!
//! A backup goes this way too, with copied parts and a stream in place of the archive (`stream`):
//! ListParts and the journal alone decide what is kept, and once a part of the stream has arrived,
//! there is no beginning afresh.

mod copy;
mod finish;
mod layout;
mod parts;
mod past;
mod stream;

use std::collections::BTreeMap;

use self::{
    finish::{Completion, Why},
    layout::Layout,
    parts::{Misfit, Parts},
    past::{Cut, Past},
};
use crate::{
    abi::{AfterCancel, Frame, Input, Millis, Output},
    digest::{DigestKind, Digests},
    error::{Error, Kind},
    event::Event,
    job::{Encryption, ObjectSettings, Orphan, Work},
    journal::Record,
    name::{Key, UploadId},
    plan::{Geometry, Part},
    provider::{Provider, Quirks, Rung},
    report::Outcome,
    s3::{
        conversation::{Conversation, Out, Reply, Trouble},
        failure::{Class, Failure},
        job::abort::{AbortToken, Aborting},
        op::{
            create_multipart_upload::CreateMultipartUpload,
            list_parts::{ListParts, ListedPart},
            object_headers::{self, PART_LEN},
            upload_part::UploadPart,
        },
    },
    session::{Begin, Machine},
};

/// Times that an upload may begin again from nothing within one run.
const MAX_RESTARTS: u32 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Create,
    Part(u32),
    Copy(u32),
    List,
    Complete,
    Put,
    Look,
    LookInList,
    Abort(AbortToken),
}

#[derive(Debug)]
enum Stage {
    /// For the first part of a stream: it tells whether one request is enough.
    Waiting,
    /// Asking whether the object is there.
    Looking(Why),
    Creating,
    /// Asking which parts of an earlier run the server has.
    Listing,
    Sending,
    Completing,
    /// Waiting for aborts, then over.
    Ending(Box<Outcome>),
}

/// A part that the host has hashed.
struct Ready<'a> {
    part: u32,
    len: u64,
    last: bool,
    digests: &'a Digests,
}

/// The job: an upload or a backup.
pub(crate) struct UploadJob {
    conversation: Conversation<Token>,
    run: String,
    key: Key,
    object: ObjectSettings,
    overwrite: bool,
    quirks: Quirks,
    rung: Rung,
    parts: Parts,
    upload_id: Option<UploadId>,
    past: Past,
    listed: BTreeMap<u32, ListedPart>,
    stage: Stage,
    aborting: Aborting,
    restarts: u32,
    completion: Completion,
    /// What the highest rung was refused with, should the lowest fare no better.
    refusal: Option<Error>,
    /// The rung is this low because of the copied parts, and says nothing of others.
    lowered_for_copies: bool,
}

impl UploadJob {
    pub(crate) fn begin(begin: Begin, out: &mut Out) -> Result<Self, Error> {
        let conversation = begin.conversation();
        let now = begin.now;
        let quirks = begin.job.target.endpoint.provider.quirks();
        let Work::Upload(work) = begin.job.work else { unreachable!("routed by its kind") };
        let mut work = *work;
        object_headers::check(&work.object, &begin.job.run)
            .map_err(|why| Error::new(Kind::Config, format!("cannot store {} like this: {why}", work.key)))?;
        let mut past = Past::read(&begin.journal);
        let mut stale = None;
        let is_same = |(cut, _): &(Cut, Rung)| matches!(cut, Cut::Archive(geometry) if geometry.len == work.len);
        if past.plan.as_ref().is_some_and(|plan| !is_same(plan)) {
            // Another archive: nothing of that upload is of use.
            stale = std::mem::take(&mut past).upload_id;
        }
        let (geometry, rung) = match past.plan {
            Some((Cut::Archive(geometry), rung)) => (geometry, rung),
            _ => {
                let geometry = Geometry::plan(work.len, work.part_len, &quirks).map_err(|why| {
                    Error::new(Kind::Config, format!("cannot plan the upload of {}: {why}", work.key))
                })?;
                (geometry, begin.remembered.rung.unwrap_or(quirks.first_rung))
            }
        };
        if !geometry.single() {
            // Whoever verifies the object later can recompute its ETag with it.
            work.object.metadata.insert(PART_LEN.to_owned(), geometry.part_len.to_string());
        }
        let conditional = quirks.conditional_writes && !begin.remembered.no_conditional_writes;
        let begun = past.plan.is_some();
        let mut job = Self {
            conversation,
            run: begin.job.run,
            key: work.key,
            object: work.object,
            overwrite: work.overwrite,
            quirks,
            rung,
            parts: Parts::new(geometry),
            upload_id: None,
            past,
            listed: BTreeMap::new(),
            stage: Stage::Sending,
            aborting: Aborting::default(),
            restarts: 0,
            completion: Completion {
                if_none_match: !work.overwrite && conditional,
                object_size: quirks.object_size && !begin.remembered.no_object_size,
                whole: true,
            },
            refusal: None,
            lowered_for_copies: false,
        };
        let Geometry { len, part_len } = geometry;
        out.event(Event::Planned { len, parts: geometry.parts(), part_len });
        for orphan in work.orphans {
            job.abort(now, orphan, out);
        }
        if let Some(upload_id) = stale {
            job.abandon(now, upload_id, out);
            out.event(Event::StartedAfresh { why: "the archive is not the one that was begun".into() });
        }
        if begun && work.part_len.is_some_and(|asked| asked != part_len) {
            let what = "the part length of an upload that has begun cannot be changed";
            out.event(Event::Warning(Error::new(Kind::Config, what)));
        }
        job.set_out(now, out);
        Ok(job)
    }

    /// The first step, by what an earlier run left.
    fn set_out(&mut self, now: Millis, out: &mut Out) {
        if self.past.completing || self.past.completed.is_some() {
            self.look(now, Why::Resume, out);
        } else {
            self.resume(now, out);
        }
    }

    /// Continues an earlier run's multipart upload, or begins one.
    fn resume(&mut self, now: Millis, out: &mut Out) {
        match self.past.upload_id.clone() {
            Some(upload_id) if self.past.expires_soon(now) => {
                self.abandon(now, upload_id, out);
                out.event(Event::StartedAfresh { why: "the bucket is about to expire the upload".into() });
                self.begin_fresh(now, out);
            }
            Some(upload_id) => {
                self.upload_id = Some(upload_id);
                self.list(now, 0, out);
            }
            None => self.begin_fresh(now, out),
        }
    }

    fn begin_fresh(&mut self, now: Millis, out: &mut Out) {
        self.past = Past::default();
        if self.parts.awaits_first() {
            self.stage = Stage::Waiting;
            return;
        }
        // Where no condition guards the end, or the end is far, look before anything travels.
        if !self.overwrite && (!self.single() || !self.completion.if_none_match) {
            self.look(now, Why::BeforeStart, out);
        } else {
            self.create(now, out);
        }
    }

    fn single(&self) -> bool {
        self.parts.layout().single()
    }

    fn create(&mut self, now: Millis, out: &mut Out) {
        if self.parts.awaits_first() {
            self.stage = Stage::Waiting;
            return;
        }
        if self.single() {
            self.stage = Stage::Sending;
            return;
        }
        let rung = self.rung;
        let record = match self.parts.layout() {
            Layout::Archive(geometry) => Record::Planned { geometry: *geometry, rung, at: now },
            Layout::Stream(flow) => {
                let (key, base, schedule) = (self.key.clone(), flow.base.clone(), flow.schedule);
                Record::PlannedBackup { key, base, schedule, rung, at: now }
            }
        };
        out.push(Output::Journal { record, durable: true });
        let operation = CreateMultipartUpload { key: &self.key, object: &self.object, rung, run: &self.run };
        self.stage = Stage::Creating;
        self.conversation.send(now, Token::Create, operation.call(), out);
    }

    fn list(&mut self, now: Millis, after: u32, out: &mut Out) {
        let Some(upload_id) = &self.upload_id else { return };
        let call = ListParts { key: &self.key, upload_id, after }.call();
        self.stage = Stage::Listing;
        self.conversation.send(now, Token::List, call, out);
    }

    /// Begins again from nothing, with a new multipart upload.
    fn restart(&mut self, now: Millis, why: String, out: &mut Out) {
        self.forget_parts_under_way();
        // Mostly it is gone. Where a server only said so, its parts would stay.
        if let Some(upload_id) = self.upload_id.take() {
            self.abandon(now, upload_id, out);
        }
        if !self.parts.can_restart() {
            self.stream_lost(&why);
            return;
        }
        self.restarts += 1;
        if self.restarts > MAX_RESTARTS {
            let what = format!("cannot finish {}: {why}, again and again", self.place());
            self.end(Outcome::Failed(Error::new(Kind::Unavailable, what)));
            return;
        }
        out.event(Event::StartedAfresh { why });
        self.past = Past::default();
        self.listed.clear();
        self.parts.restart();
        self.create(now, out);
    }

    fn forget_parts_under_way(&mut self) {
        self.conversation.forget(|token| matches!(token, Token::Part(_) | Token::Copy(_)));
    }

    /// Goes down the checksum ladder.
    fn step_down(&mut self, now: Millis, to: Rung, failure: &Failure, error: Error, out: &mut Out) {
        let why = failure.evidence.to_string();
        out.event(Event::SteppedDown { from: self.rung, to, why });
        self.refusal.get_or_insert(error);
        self.rung = to;
        self.forget_parts_under_way();
        if let Some(upload_id) = self.upload_id.take() {
            self.abandon(now, upload_id, out);
        }
        self.parts.restart();
        self.create(now, out);
    }

    /// The rung held: later sessions begin there.
    fn remember_rung(&mut self, out: &mut Out) {
        self.refusal = None;
        if !self.lowered_for_copies
            && (self.rung != self.quirks.first_rung || self.conversation.remembered().rung.is_some())
        {
            let rung = self.rung;
            self.conversation.remember(|remembered| remembered.rung = Some(rung), out);
        }
    }

    fn abort(&mut self, now: Millis, orphan: Orphan, out: &mut Out) {
        self.aborting.add(now, orphan, Token::Abort, &mut self.conversation, out);
    }

    fn abandon(&mut self, now: Millis, upload_id: UploadId, out: &mut Out) {
        let key = self.key.clone();
        self.abort(now, Orphan { key, upload_id }, out);
    }

    fn end(&mut self, outcome: Outcome) {
        self.conversation.forget(|token| !matches!(token, Token::Abort(_)));
        self.stage = Stage::Ending(Box::new(outcome));
    }

    /// Ends with an error. Parts stay where a later run can use them, and go where it cannot.
    fn fail(&mut self, now: Millis, error: Error, out: &mut Out) {
        let useless = matches!(
            error.kind,
            Kind::AlreadyExists | Kind::Integrity | Kind::Unsupported | Kind::Config | Kind::Source
        );
        if useless && let Some(upload_id) = self.upload_id.take() {
            self.abandon(now, upload_id, out);
        }
        self.end(Outcome::Failed(error));
    }

    fn place(&self) -> String {
        format!("s3://{}/{}", self.conversation.target().bucket, self.key)
    }

    fn digests_to_send(&self) -> Vec<DigestKind> {
        let mut digests = self.digests_to_compare();
        if self.conversation.signs_payload() {
            digests.push(DigestKind::Sha256);
        }
        digests
    }

    fn digests_to_compare(&self) -> Vec<DigestKind> {
        let mut digests = vec![DigestKind::Crc64nvme];
        if !digests.contains(&self.rung.digest()) {
            digests.push(self.rung.digest());
        }
        digests
    }

    /// Asks for parts and sends those that are there, as far as the pace allows.
    fn pump(&mut self, now: Millis, out: &mut Out) {
        if !matches!(self.stage, Stage::Sending | Stage::Waiting) {
            return;
        }
        self.pump_copies(now, out);
        while self.conversation.slots() > 0
            && let Some((part, digests)) = self.parts.next_to_send()
        {
            self.conversation.was_idle(now);
            if self.single() {
                self.put(now, &digests, out);
                continue;
            }
            let Some(upload_id) = &self.upload_id else { return };
            let operation = UploadPart { key: &self.key, upload_id, part, rung: self.rung, digests: &digests };
            let call = operation.call();
            self.conversation.send(now, Token::Part(part.part), call, out);
        }
        // Enough to keep every slot busy, not so many that hashes go stale in a queue.
        let ahead = self.conversation.limit().clamp(2, 4) as usize;
        while let Some((Part { part, offset, len }, compare)) = self.parts.next_to_hash(ahead) {
            let digests = if compare { self.digests_to_compare() } else { self.digests_to_send() };
            out.push(Output::NeedPart { part, offset, len, digests });
        }
        self.refuse_overflow(now, out);
    }

    fn part_ready(&mut self, ready: Ready<'_>, now: Millis, out: &mut Out) {
        let Ready { part: number, len, last, digests } = ready;
        let was_checking = self.parts.checking();
        match self.parts.hashed(number, len, last, digests.clone()) {
            Ok(()) => {}
            Err(Misfit::Unasked) => return,
            Err(Misfit::Len) => {
                let what = format!("part {number} of the archive has {len} bytes, not those it had");
                let error = Error::new(Kind::Source, what).hint("the archive changes while it is read");
                self.fail(now, error, out);
                return;
            }
        }
        if was_checking && !self.parts.checking() {
            let Parts { kept, dropped, bytes_kept, .. } = self.parts;
            out.event(Event::Resumed { parts_kept: kept, bytes_kept, parts_dropped: dropped });
        }
        if matches!(self.stage, Stage::Waiting) && !self.parts.awaits_first() {
            self.begin_fresh(now, out);
        }
    }

    fn created(&mut self, now: Millis, reply: Reply<Token>, out: &mut Out) {
        match &reply.result {
            Ok(success) => match CreateMultipartUpload::parse(&success.answer()) {
                Ok(created) => {
                    let upload_id = created.upload_id;
                    let record = Record::Created { upload_id: upload_id.clone(), abort_at: created.abort_at };
                    out.push(Output::Journal { record, durable: true });
                    self.upload_id = Some(upload_id);
                    self.stage = Stage::Sending;
                }
                Err(why) => {
                    let what = self.cannot("begin the upload of");
                    let error = self.conversation.unreadable(success, &reply.call, &why, what);
                    self.fail(now, error, out);
                }
            },
            // The id that is lost names an upload without parts; only a lifecycle rule finds it.
            Err(Trouble::Lost(_)) => {
                if let Err(reply) = self.conversation.again(now, reply, out) {
                    self.refused(now, &reply, "begin the upload of", out);
                }
            }
            Err(Trouble::Failed(failure)) => {
                if !self.try_lower(now, failure, &reply, out) {
                    self.refused(now, &reply, "begin the upload of", out);
                }
            }
        }
    }

    /// Whether a refusal may be due to the checksum, and a lesser one is being tried.
    fn try_lower(&mut self, now: Millis, failure: &Failure, reply: &Reply<Token>, out: &mut Out) -> bool {
        let to = match failure.class {
            Class::ChecksumRefused => self.rung.below(),
            // A header that something on the way does not pass on breaks the signature. Once, and
            // only where nothing is known of the server: mostly the secret is wrong.
            Class::Denied
                if failure.evidence.code.as_deref() == Some("SignatureDoesNotMatch")
                    && !self.conversation.ever_succeeded()
                    && self.conversation.target().endpoint.provider == Provider::Generic
                    && self.rung < Rung::ContentMd5 =>
            {
                Some(Rung::ContentMd5)
            }
            _ => None,
        };
        let Some(to) = to.filter(|_| self.parts.can_restart()) else { return false };
        let error = self.conversation.explain(failure, &reply.call, self.cannot("upload to"));
        self.step_down(now, to, failure, error, out);
        true
    }

    fn cannot(&self, verb: &str) -> String {
        format!("cannot {verb} {}", self.place())
    }

    /// Ends with what the server said, or with what it first said on the ladder's way down.
    fn refused(&mut self, now: Millis, reply: &Reply<Token>, verb: &str, out: &mut Out) {
        let Err(trouble) = &reply.result else { return };
        let explained = self.conversation.explain(trouble.failure(), &reply.call, self.cannot(verb));
        let error = self.refusal.take().unwrap_or(explained);
        self.fail(now, error, out);
    }

    fn part_replied(&mut self, now: Millis, number: u32, reply: &Reply<Token>, out: &mut Out) {
        let failure = match &reply.result {
            Ok(success) => {
                let Some(sent) = self.parts.sent(number) else { return };
                match UploadPart::parse(&success.answer()) {
                    Err(why) => {
                        let what = self.cannot(&format!("upload part {number} of"));
                        let error = self.conversation.unreadable(success, &reply.call, &why, what);
                        self.fail(now, error, out);
                    }
                    Ok(arrived) => {
                        let echoed = arrived.digests;
                        let differs = echoed != Default::default()
                            && !sent.agrees_with(&echoed)
                            && (echoed.crc64nvme.is_some() && sent.crc64nvme.is_some()
                                || echoed.crc32.is_some() && sent.crc32.is_some());
                        if differs || self.etag_differs(sent.md5, &arrived.etag) {
                            self.part_damaged(now, number, None, out);
                            return;
                        }
                        self.remember_rung(out);
                        let len = self.parts_len(number);
                        let Some(done) = self.parts.arrived(number, arrived.etag) else { return };
                        let (digests, etag) = (done.digests.clone(), done.etag.clone());
                        let record = Record::Part { part: number, len, digests, etag };
                        out.push(Output::Journal { record, durable: false });
                        out.event(Event::PartDone { part: number, len });
                    }
                }
                return;
            }
            Err(trouble) => trouble.failure(),
        };
        match failure.class {
            Class::Integrity => self.part_damaged(now, number, Some(reply), out),
            Class::NoSuchUpload => self.restart(now, "the server no longer knows the upload".into(), out),
            _ if self.try_lower(now, failure, reply, out) => {}
            _ => self.refused(now, reply, &format!("upload part {number} of"), out),
        }
    }

    fn parts_len(&self, number: u32) -> u64 {
        self.parts.layout().len_of(number)
    }

    /// Whether an ETag that should be the part's MD5 is another. KMS makes ETags opaque.
    fn etag_differs(&self, md5: Option<[u8; 16]>, etag: &str) -> bool {
        let opaque = matches!(self.object.encryption, Encryption::Kms { .. });
        let mut bytes = [0; 16];
        let Some(md5) = md5 else { return false };
        // Some providers' ETags look like MD5s and are not; only the rungs below the checksums
        // have nothing better.
        self.rung == Rung::Etag && !opaque && hex::decode_to_slice(etag, &mut bytes).is_ok() && bytes != md5
    }

    fn part_damaged(&mut self, now: Millis, number: u32, reply: Option<&Reply<Token>>, out: &mut Out) {
        if self.parts.damaged(number) {
            let why = format!("part {number} did not arrive as it was sent");
            let operation = "UploadPart".to_owned();
            out.event(Event::Retry { operation, attempt: 1, wait_ms: 0, why });
            return;
        }
        let what = self.cannot(&format!("get part {number} whole into"));
        let error = match reply.and_then(|reply| Some((reply.result.as_ref().err()?, &reply.call))) {
            Some((trouble, call)) => self.conversation.explain(trouble.failure(), call, what),
            None => Error::new(Kind::Integrity, what)
                .hint("the archive changes while it is read, or something on the way alters data"),
        };
        self.fail(now, error, out);
    }

    fn parts_listed(&mut self, now: Millis, reply: &Reply<Token>, out: &mut Out) {
        let confirmed = match &reply.result {
            Ok(success) => match ListParts::parse(&success.answer()) {
                Ok(page) => {
                    let last = page.parts.iter().map(|part| part.part).max();
                    self.listed.extend(page.parts.into_iter().map(|part| (part.part, part)));
                    // A page that brings nothing new would be asked for again for ever.
                    if let (Some(after), Some(last)) = (page.next, last)
                        && after >= last
                    {
                        self.list(now, after, out);
                        return;
                    }
                    true
                }
                Err(_) => false,
            },
            Err(trouble) => match trouble.failure().class {
                Class::NoSuchUpload => {
                    self.restart(now, "the server no longer knows the upload".into(), out);
                    return;
                }
                Class::Denied | Class::NotSupported => false,
                _ => {
                    self.refused(now, reply, "continue the upload of", out);
                    return;
                }
            },
        };
        let mut claims = std::mem::take(&mut self.past.parts);
        let journalled = claims.len() as u32;
        if confirmed {
            claims.retain(|number, sent| {
                self.listed.get(number).is_some_and(|listed| {
                    let differs = listed.digests != Default::default()
                        && listed.digests.crc64nvme.is_some()
                        && !listed.digests.agrees_with(&sent.digests);
                    let same_etag = listed.etag.is_empty() || listed.etag == sent.etag;
                    listed.len == sent.len && same_etag && !differs
                })
            });
        }
        if let Layout::Stream(_) = self.parts.layout() {
            self.keep_of_stream(now, claims, journalled, out);
            return;
        }
        if self.past.completing && (claims.len() as u32) < self.parts.layout().parts().unwrap_or(0) {
            // The earlier run's Complete may be under way on the server, with the parts in its
            // hands: what is sent to that upload now would be mixed up with it.
            self.restart(now, "the earlier run's end may still be under way".into(), out);
            return;
        }
        self.parts.dropped += journalled - claims.len() as u32;
        if claims.is_empty() {
            let parts_dropped = self.parts.dropped;
            out.event(Event::Resumed { parts_kept: 0, bytes_kept: 0, parts_dropped });
        }
        self.parts.claim(claims);
        self.stage = Stage::Sending;
    }

    fn cancel(&mut self, now: Millis, then: AfterCancel, reason: &str, out: &mut Out) -> Option<Outcome> {
        let error = Error::new(Kind::Cancelled, reason.to_owned());
        match (then, self.upload_id.take()) {
            (AfterCancel::Abort, Some(upload_id)) => {
                self.end(Outcome::Failed(error));
                self.abandon(now, upload_id, out);
                None
            }
            _ => Some(Outcome::Failed(error)),
        }
    }
}

impl Machine for UploadJob {
    fn handle(&mut self, input: &Frame<Input>, out: &mut Out) -> Option<Outcome> {
        let now = input.header.now();
        match &input.header {
            Input::Cancel { then, reason, .. } => {
                if let Some(outcome) = self.cancel(now, *then, reason, out) {
                    return Some(outcome);
                }
            }
            Input::PartReady { part, len, digests, last, .. } => {
                self.part_ready(Ready { part: *part, len: *len, last: *last, digests }, now, out);
            }
            _ => {
                if let Some(reply) = self.conversation.take(input, out) {
                    match reply.token {
                        Token::Create => self.created(now, reply, out),
                        Token::Part(number) => self.part_replied(now, number, &reply, out),
                        Token::Copy(number) => self.copy_replied(now, number, &reply, out),
                        Token::List => self.parts_listed(now, &reply, out),
                        Token::Complete | Token::Put => self.completed(now, reply, out),
                        Token::Look => self.looked(now, &reply, out),
                        Token::LookInList => self.looked_in_list(now, &reply, out),
                        Token::Abort(token) => {
                            self.aborting.reply(now, token, &reply, Token::Abort, &mut self.conversation, out)
                        }
                    }
                }
            }
        }
        self.complete_if_ready(now, out);
        self.pump(now, out);
        self.conversation.wait(out);
        if let Stage::Ending(outcome) = &self.stage
            && self.aborting.settled()
        {
            for error in self.aborting.failures() {
                out.event(Event::Warning(error.clone()));
            }
            return Some((**outcome).clone());
        }
        None
    }
}
