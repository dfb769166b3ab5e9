//! The end of an upload: CompleteMultipartUpload or PutObject, and the look that settles what
//! became of it.

use super::{Stage, Token, UploadJob, layout::Layout, parts::Done};
use crate::{
    abi::{Millis, Output},
    digest::{Digests, to_base64},
    error::{Error, Kind},
    event::Event,
    journal::Record,
    provider::Rung,
    report::{BackupReport, Outcome, Proof, Report, UploadReport},
    s3::{
        conversation::{Out, Reply, Trouble},
        crc,
        failure::{Class, Failure},
        op::{
            complete_multipart_upload::CompleteMultipartUpload,
            head_object::{Head, HeadObject},
            list_objects_v2::ListObjectsV2,
            put_object::PutObject,
        },
    },
};

/// Times that another writer of the same key is waited for, when there is no beginning afresh.
const MAX_CONFLICTS: u32 = 4;

/// What the request that ends the upload carries; taken back where a server does not know it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Completion {
    /// `If-None-Match: *`.
    pub(super) if_none_match: bool,
    /// `x-amz-mp-object-size`.
    pub(super) object_size: bool,
    /// The whole object's CRC-64/NVME.
    pub(super) whole: bool,
}

/// Why we look whether the object is there.
#[derive(Debug)]
pub(super) enum Why {
    /// Nothing was sent yet: do not send what would be refused in the end.
    BeforeStart,
    /// An earlier run may have finished.
    Resume,
    /// An answer was lost.
    Lost(Box<Reply<Token>>),
    /// The server does not know the upload when it should be completed.
    Gone(Box<Reply<Token>>),
    /// The server says that the key exists.
    Exists(Box<Reply<Token>>),
    /// The server knows no conditional writes: see for ourselves that nothing is replaced.
    Unguarded,
    /// All went well: one look of our own.
    Confirm(Box<Completed>),
}

/// What the server said when it was done.
#[derive(Debug)]
pub(super) struct Completed {
    etag: String,
    version_id: Option<String>,
    whole: bool,
}

/// An object that was seen.
#[derive(Debug)]
struct Sighting {
    len: u64,
    etag: String,
    version_id: Option<String>,
}

/// What there was to see.
#[derive(Debug)]
enum Seen {
    /// The object that this run sent.
    Ours(Sighting),
    /// Another object.
    Other(Sighting),
    Absent,
    /// It cannot be seen, and why.
    Unknown,
}

impl UploadJob {
    /// Sends CompleteMultipartUpload once every part has arrived.
    pub(super) fn complete_if_ready(&mut self, now: Millis, out: &mut Out) {
        if !matches!(self.stage, Stage::Sending) || self.single() {
            return;
        }
        let (Some(done), Some(upload_id)) = (self.parts.complete(), &self.upload_id) else { return };
        let whole = (self.rung == Rung::Crc64nvme && self.completion.whole).then(|| whole_crc64(self, done)).flatten();
        let call = CompleteMultipartUpload {
            key: &self.key,
            upload_id,
            parts: done.iter().map(|(number, done)| (*number, done.etag.as_str(), &done.digests)),
            rung: self.rung,
            whole_crc64: whole,
            object_len: self.parts.layout().len().filter(|_| self.completion.object_size),
            if_none_match: self.completion.if_none_match,
        }
        .call();
        out.push(Output::Journal { record: self.completing(now), durable: true });
        self.stage = Stage::Completing;
        self.conversation.send(now, Token::Complete, call, out);
    }

    /// Sends a small archive whole.
    pub(super) fn put(&mut self, now: Millis, digests: &Digests, out: &mut Out) {
        let Some(part) = self.parts.layout().part(1) else { return };
        let operation = PutObject {
            key: &self.key,
            object: &self.object,
            rung: self.rung,
            run: &self.run,
            part,
            digests,
            if_none_match: self.completion.if_none_match,
        };
        out.push(Output::Journal { record: self.completing(now), durable: true });
        self.conversation.send(now, Token::Put, operation.call(), out);
    }

    fn completing(&self, now: Millis) -> Record {
        let layout = self.parts.layout();
        let (len, parts) = if layout.is_stream() { (layout.len(), layout.parts()) } else { (None, None) };
        Record::Completing { at: now, len, parts }
    }

    /// The answer to the request that ends the upload.
    pub(super) fn completed(&mut self, now: Millis, reply: Reply<Token>, out: &mut Out) {
        match &reply.result {
            Ok(success) => {
                let answer = success.answer();
                let parsed = match reply.token {
                    Token::Put => PutObject::parse(&answer).map(|put| Completed {
                        whole: self.rung == Rung::Crc64nvme,
                        etag: put.etag,
                        version_id: put.version_id,
                    }),
                    _ => CompleteMultipartUpload::parse(&answer).map(|complete| Completed {
                        whole: reply.call.headers.iter().any(|(name, _)| name == "x-amz-checksum-crc64nvme"),
                        etag: complete.etag,
                        version_id: complete.version_id,
                    }),
                };
                match parsed {
                    Ok(completed) => {
                        if reply.token == Token::Put {
                            self.remember_rung(out);
                            self.whole_arrived(completed.etag.clone(), out);
                        }
                        self.look(now, Why::Confirm(Box::new(completed)), out);
                    }
                    // It may well be there: whoever can read it settles that.
                    Err(_) => self.look(now, Why::Gone(Box::new(reply)), out),
                }
            }
            Err(Trouble::Lost(_)) => self.look(now, Why::Lost(Box::new(reply)), out),
            Err(Trouble::Failed(failure)) => match failure.class {
                Class::NoSuchUpload => self.look(now, Why::Gone(Box::new(reply)), out),
                Class::AlreadyExists => self.look(now, Why::Exists(Box::new(reply)), out),
                Class::Conflict if reply.token == Token::Put => self.put_again(now, reply, out),
                // The stream is gone: the parts that are there are worth a second try.
                Class::Conflict if !self.parts.can_restart() && reply.attempt < MAX_CONFLICTS => {
                    self.put_again(now, reply, out);
                }
                Class::Conflict if !self.parts.can_restart() => {
                    let what =
                        format!("cannot complete {}: another write to the same key is in progress", self.place());
                    let error = Error::new(Kind::Unavailable, what).evidence(failure.evidence.clone());
                    self.fail(now, error.hint("run it again: what has arrived is kept"), out);
                }
                Class::Conflict => {
                    self.restart(now, "another write to the same key was in progress".into(), out);
                }
                // Each part was compared on arrival, so it is the server that has mixed them up.
                Class::Integrity
                    if reply.token == Token::Complete && self.restarts == 0 && self.parts.can_restart() =>
                {
                    self.restart(now, "the server has put the parts together wrongly".into(), out);
                }
                Class::Integrity if reply.token == Token::Put && self.parts.damaged(1) => {
                    self.stage = Stage::Sending;
                }
                Class::MissingPart if self.restarts == 0 && !self.parts.layout().is_stream() => {
                    // Ask which parts there are, and send the others again.
                    self.restarts += 1;
                    self.past.parts = self.parts.forget_done();
                    self.listed.clear();
                    self.list(now, 0, out);
                }
                Class::ChecksumRefused | Class::NotSupported if self.drop_feature(now, failure, out) => {}
                _ if reply.token == Token::Put && self.try_lower(now, failure, &reply, out) => {}
                _ => self.refused(now, &reply, "complete", out),
            },
        }
    }

    /// What went in a single request is there; a stream's host may let go of it.
    fn whole_arrived(&mut self, etag: String, out: &mut Out) {
        let arrived = self.parts.arrived(1, etag).is_some();
        if arrived && self.parts.layout().is_stream() {
            out.event(Event::PartDone { part: 1, len: self.parts_len(1) });
        }
    }

    fn put_again(&mut self, now: Millis, reply: Reply<Token>, out: &mut Out) {
        if let Err(reply) = self.conversation.again(now, reply, out) {
            self.refused(now, &reply, "complete", out);
        }
    }

    /// Takes back one thing that the server does not know: the one that it names, else one after
    /// the other. `false` when there is none left.
    fn drop_feature(&mut self, now: Millis, failure: &Failure, out: &mut Out) -> bool {
        let Completion { if_none_match, object_size, whole } = self.completion;
        let (size, whole) = (object_size && !self.single(), whole && !self.single() && self.rung == Rung::Crc64nvme);
        let condition_named = if_none_match && failure.concerns("if-none-match");
        if condition_named || if_none_match && !size && !whole && failure.class == Class::NotSupported {
            self.completion.if_none_match = false;
            self.conversation.remember(|remembered| remembered.no_conditional_writes = true, out);
            // Without the condition, only a look keeps us from replacing something.
            self.look(now, Why::Unguarded, out);
            return true;
        }
        if size {
            self.completion.object_size = false;
            self.conversation.remember(|remembered| remembered.no_object_size = true, out);
        } else if whole {
            self.completion.whole = false;
        } else {
            return false;
        }
        self.stage = Stage::Sending;
        true
    }

    /// Asks whether the object is there, and whose it is.
    pub(super) fn look(&mut self, now: Millis, why: Why, out: &mut Out) {
        self.stage = Stage::Looking(why);
        let call = HeadObject { key: &self.key, checksum_mode: false }.call();
        self.conversation.send(now, Token::Look, call, out);
    }

    pub(super) fn looked(&mut self, now: Millis, reply: &Reply<Token>, out: &mut Out) {
        let seen = match &reply.result {
            Ok(success) => match HeadObject::parse(&success.answer()) {
                Ok(head) => {
                    let ours = head.run() == Some(self.run.as_str()) && Some(head.len) == self.expected_len();
                    let Head { len, etag, version_id, .. } = head;
                    let seen = Sighting { len, etag, version_id };
                    if ours { Seen::Ours(seen) } else { Seen::Other(seen) }
                }
                Err(_) => Seen::Unknown,
            },
            Err(trouble) => match trouble.failure().class {
                Class::NoSuchKey => Seen::Absent,
                // A key that may only write is told so here; the listing shows size and ETag.
                Class::Denied if !matches!(self.stage, Stage::Looking(Why::BeforeStart)) => {
                    let call = ListObjectsV2 {
                        prefix: self.key.as_str(),
                        delimiter: None,
                        continuation_token: None,
                        max_keys: 1,
                    }
                    .call();
                    self.conversation.send(now, Token::LookInList, call, out);
                    return;
                }
                _ => Seen::Unknown,
            },
        };
        self.saw(now, seen, out);
    }

    pub(super) fn looked_in_list(&mut self, now: Millis, reply: &Reply<Token>, out: &mut Out) {
        let page = match &reply.result {
            Ok(success) => ListObjectsV2::parse(&success.answer()).ok(),
            Err(_) => None,
        };
        let seen = match page {
            None => Seen::Unknown,
            Some(page) => match page.entries.into_iter().find(|entry| entry.key == self.key.as_str()) {
                None => Seen::Absent,
                Some(entry) => {
                    let ours =
                        Some(entry.len) == self.expected_len() && self.expected_etag().as_ref() == Some(&entry.etag);
                    let seen = Sighting { len: entry.len, etag: entry.etag, version_id: None };
                    if ours { Seen::Ours(seen) } else { Seen::Other(seen) }
                }
            },
        };
        self.saw(now, seen, out);
    }

    /// The length that the object must have: this run's, or what an earlier run was about to end.
    fn expected_len(&self) -> Option<u64> {
        self.parts.layout().len().or(self.past.end.map(|(len, _)| len)).or(self.past.completed)
    }

    /// The ETag that the object must have: as the server said, or made of its parts' ETags.
    fn expected_etag(&self) -> Option<String> {
        if let Stage::Looking(Why::Confirm(completed)) = &self.stage {
            return Some(completed.etag.clone());
        }
        if self.single() {
            return self.parts.sent(1)?.md5.map(hex::encode);
        }
        let md5 = |etag: &String| {
            let mut md5 = [0; 16];
            hex::decode_to_slice(etag, &mut md5).ok().map(|()| md5)
        };
        let md5s: Vec<_> = match (self.parts.complete(), self.past.end) {
            (Some(done), _) => done.values().map(|done| md5(&done.etag)).collect(),
            (None, Some((_, parts))) => {
                (1..=parts).map(|part| self.past.parts.get(&part).and_then(|sent| md5(&sent.etag))).collect()
            }
            (None, None) => return None,
        };
        let md5s = md5s.into_iter();
        Some(crc::multipart_etag(md5s.collect::<Option<Vec<_>>>()?.into_iter()))
    }

    fn saw(&mut self, now: Millis, seen: Seen, out: &mut Out) {
        let Stage::Looking(why) = std::mem::replace(&mut self.stage, Stage::Sending) else { return };
        match (why, seen) {
            (Why::Confirm(completed), seen) => self.confirmed(now, *completed, seen, out),
            (_, Seen::Ours(facts)) => {
                if self.single() {
                    self.whole_arrived(facts.etag.clone(), out);
                }
                // A restart after the end that nobody saw may have begun another one.
                if let Some(upload_id) = self.upload_id.take().or_else(|| self.past.upload_id.take()) {
                    self.abandon(now, upload_id, out);
                }
                let completed = Completed { etag: facts.etag, version_id: facts.version_id, whole: false };
                self.finish(completed, true, out);
            }
            (Why::BeforeStart | Why::Resume | Why::Unguarded, Seen::Other(_)) if !self.overwrite => {
                self.already_exists(now, None, out);
            }
            (Why::Unguarded, Seen::Unknown) => {
                let what = format!(
                    "{} knows no conditional writes, and this key may not look whether {} exists",
                    self.conversation.target().endpoint,
                    self.place()
                );
                let hint = if self.parts.layout().is_stream() {
                    "allow `s3:GetObject` on it"
                } else {
                    "allow `s3:GetObject` on it, or use `--overwrite` where replacing it does no harm"
                };
                self.fail(now, Error::new(Kind::Unsupported, what).hint(hint), out);
            }
            (Why::Unguarded, _) => {
                // Back to where the end is tried; a small archive is hashed and sent once more.
                if self.single() {
                    self.parts.damaged(1);
                }
            }
            (Why::BeforeStart, _) => self.create(now, out),
            (Why::Resume, _) => self.resume(now, out),
            (Why::Lost(reply) | Why::Exists(reply), Seen::Other(_)) if !self.overwrite => {
                self.already_exists(now, Some(&reply), out);
            }
            (Why::Lost(reply), _) => {
                self.stage = if self.single() { Stage::Sending } else { Stage::Completing };
                if let Err(reply) = self.conversation.again(now, *reply, out) {
                    self.unconfirmed(now, &reply, out);
                }
            }
            (Why::Exists(reply), Seen::Unknown) if reply.ambiguous => self.unconfirmed(now, &reply, out),
            (Why::Exists(reply), _) => self.already_exists(now, Some(&reply), out),
            (Why::Gone(reply), Seen::Unknown) => self.unconfirmed(now, &reply, out),
            (Why::Gone(_), Seen::Absent | Seen::Other(_)) => {
                self.restart(now, "the server no longer knows the upload".into(), out);
            }
        }
    }

    fn confirmed(&mut self, now: Millis, completed: Completed, seen: Seen, out: &mut Out) {
        let wrong = |what: String| {
            Error::new(Kind::Integrity, what).hint("look at the object before you rely on it, and run it again")
        };
        match seen {
            Seen::Ours(_) => self.finish(completed, true, out),
            // Some servers drop metadata; length and ETag still say that it is what we sent.
            Seen::Other(facts) if Some(facts.len) == self.expected_len() && facts.etag == completed.etag => {
                self.finish(completed, true, out);
            }
            Seen::Other(facts) => {
                let what = format!(
                    "{} has {} bytes and ETag {}, not the {} bytes and ETag {} that were sent",
                    self.place(),
                    facts.len,
                    facts.etag,
                    self.expected_len().unwrap_or_default(),
                    completed.etag
                );
                self.upload_id = None;
                self.fail(now, wrong(what), out);
            }
            Seen::Absent => {
                let what = format!("the server said that {} is stored, and does not have it", self.place());
                self.upload_id = None;
                self.fail(now, wrong(what), out);
            }
            Seen::Unknown => self.finish(completed, false, out),
        }
    }

    fn finish(&mut self, completed: Completed, looked: bool, out: &mut Out) {
        let done = self.parts.complete();
        let crc64nvme = done.and_then(|done| whole_crc64(self, done)).map(|crc| to_base64(&crc));
        let layout = self.parts.layout();
        let len = self.expected_len().unwrap_or_default();
        let record = Record::Completed {
            etag: completed.etag.clone(),
            len,
            crc64nvme: crc64nvme.clone(),
            part_len: layout.part_len(),
        };
        out.push(Output::Journal { record, durable: true });
        let parts = layout.parts().or(self.past.end.map(|(_, parts)| parts)).unwrap_or_default();
        let bytes_copied = if let Layout::Stream(flow) = layout { flow.bytes_copied() } else { 0 };
        let bytes_kept = if done.is_some() { self.parts.bytes_kept } else { len - bytes_copied.min(len) };
        let proof = Proof { parts: self.rung, whole: completed.whole, looked };
        let Completed { etag, version_id, .. } = completed;
        let (bytes_sent, retries) = (self.parts.bytes_sent, self.conversation.retries());
        let report = if layout.is_stream() {
            Report::Backup(BackupReport {
                etag,
                version_id,
                len,
                parts,
                bytes_copied,
                bytes_sent,
                bytes_kept,
                crc64nvme,
                proof,
                retries,
            })
        } else {
            Report::Upload(UploadReport {
                etag,
                version_id,
                len,
                parts,
                bytes_sent,
                bytes_kept,
                crc64nvme,
                proof,
                retries,
            })
        };
        self.end(Outcome::Done(report));
    }

    fn already_exists(&mut self, now: Millis, reply: Option<&Reply<Token>>, out: &mut Out) {
        let what = format!("{} exists already", self.place());
        let mut error = Error::new(Kind::AlreadyExists, what).hint(if self.parts.layout().is_stream() {
            "run it again: each backup has a name of its own"
        } else {
            "choose another key, or replace the object with `--overwrite`"
        });
        if let Some(Err(trouble)) = reply.map(|reply| &reply.result) {
            error = error.evidence(trouble.failure().evidence.clone());
        }
        self.fail(now, error, out);
    }

    /// The answer was lost, and nobody lets us look.
    fn unconfirmed(&mut self, now: Millis, reply: &Reply<Token>, out: &mut Out) {
        let what = format!("nobody can say whether {} was stored", self.place());
        let hint = "the answer was lost and this key may not look: allow `s3:GetObject` or `s3:ListBucket` \
                    on the prefix, or look at the bucket yourself";
        let mut error = Error::new(Kind::Unconfirmed, what).hint(hint);
        if let Err(trouble) = &reply.result {
            let failure: &Failure = trouble.failure();
            error = error.evidence(failure.evidence.clone());
        }
        self.fail(now, error, out);
    }
}

/// The whole object's CRC-64/NVME from its parts'.
fn whole_crc64(job: &UploadJob, done: &std::collections::BTreeMap<u32, Done>) -> Option<[u8; 8]> {
    let parts = done.iter().map(|(number, done)| Some((done.digests.crc64nvme?, job.parts_len(*number))));
    Some(crc::combine_crc64nvme(parts.collect::<Option<Vec<_>>>()?.into_iter()))
}
