//! Test connection: every question at once, and what follows from the answers at once too.
//!
//! ```text
//!  List Put ListParts Versioning ObjectLock Delete DeleteVersion  holes …   (all at the beginning)
//!  Abort ── not denied ──▶ Create ──▶ abort it
//!  Get the marker ── not there ──▶ write it ──▶ get it, Copy from it ──▶ Overwrite
//!                 └─ there ──▶ Copy from it, Overwrite
//! ```
//!
//! Three round trips at the most, if nothing has to be asked again; one more the
//! first time where only an answer to *Overwrite* settles what a stolen key could do. The listing is the arbiter: what it meets
//! other than a permission's lack (keys that are wrong, no such bucket, no S3 at all) is trouble
//! that ends the check, told once instead of twenty times.

mod ask;
mod gather;
mod said;

use std::collections::{BTreeMap, BTreeSet};

use self::{ask::Asker, said::Said};
use crate::{
    abi::{Frame, Headers, Input, Millis},
    error::{Error, Evidence, Kind},
    job::Work,
    name::Key,
    probe::{self, Hole, Places, Probe},
    report::{Outcome, Report},
    s3::{
        call::{Answer, Call},
        conversation::{Conversation, Out, Reply, Trouble, clock_offset_ms},
        failure,
        op::{
            create_multipart_upload::CreateMultipartUpload, get_bucket_versioning, get_caller_identity,
            get_object_lock_configuration, list_buckets, list_objects_v2::ListObjectsV2, object_headers,
        },
    },
    session::{Begin, Machine},
    verdict::{BucketSettings, Identity, Server, Verdict},
};

/// Asked at the beginning.
const FIRST: [Probe; 9] = [
    Probe::List,
    Probe::Put,
    Probe::ListParts,
    Probe::Abort,
    Probe::Get,
    Probe::Delete,
    Probe::DeleteVersion,
    Probe::Versioning,
    Probe::ObjectLock,
];

/// Asked at the beginning, where there is an outside.
const HOLES: [Hole; 12] = [
    Hole::ListAll,
    Hole::ListTop,
    Hole::ListOther,
    Hole::ListLookalike,
    Hole::ListUploads,
    Hole::ListVersions,
    Hole::ListBuckets,
    Hole::Read,
    Hole::Write,
    Hole::Delete,
    Hole::Abort,
    Hole::ListParts,
];

/// None of these takes a server long, and a person waits.
const ANSWER_WITHIN_MS: u64 = 10_000;

/// A question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ask {
    Identity,
    Probe(Probe),
    WriteMarker {
        conditional: bool,
    },
    MarkerAgain,
    Create {
        tagged: bool,
    },
    EndUpload {
        tagged: bool,
    },
    RemoveDeleteMarker {
        outside: bool,
    },
    Hole(Hole),
    /// The other way to list all.
    ListEmptyPrefix,
}

/// What was learned of a probe.
#[derive(Debug, Clone)]
pub(super) struct Learned {
    pub(super) verdict: Verdict,
    pub(super) evidence: Option<Evidence>,
    pub(super) note: Option<String>,
}

/// The job.
pub(crate) struct CheckJob {
    conversation: Conversation<Ask>,
    asker: Asker,
    first_region: String,
    pending: BTreeSet<Ask>,
    answers: BTreeMap<Ask, Said>,
    learned: BTreeMap<Probe, Learned>,
    server: Server,
    identity: Option<Identity>,
    site: Option<String>,
    bucket: BucketSettings,
    trouble: Option<Error>,
    other_buckets: Option<bool>,
    left_behind: Vec<String>,
}

impl CheckJob {
    pub(crate) fn begin(begin: Begin, out: &mut Out) -> Result<Self, Error> {
        let conversation: Conversation<Ask> = begin.conversation();
        let (now, run) = (begin.now, begin.job.run.clone());
        let bucket = begin.job.target.bucket.clone();
        let Work::Check(check) = begin.job.work else { unreachable!("routed by its kind") };
        object_headers::check(&check.object, &run).map_err(|error| Error::new(Kind::Config, error.to_string()))?;
        let places = Places::of(&check, &run).map_err(|error| Error::new(Kind::Config, error.to_string()))?;
        let target = conversation.target();
        let server = Server {
            address: format!(
                "{}://{}",
                target.endpoint.scheme(),
                target.endpoint.account_authority(conversation.region())
            ),
            tls: target.endpoint.tls(),
            ..Server::default()
        };
        let mut job = Self {
            first_region: conversation.region().to_string(),
            asker: Asker::new(check, places, bucket, run),
            conversation,
            pending: BTreeSet::new(),
            answers: BTreeMap::new(),
            learned: BTreeMap::new(),
            server,
            identity: None,
            site: None,
            bucket: BucketSettings::default(),
            trouble: None,
            other_buckets: None,
            left_behind: Vec::new(),
        };
        job.ask_first(now, out);
        Ok(job)
    }

    fn ask_first(&mut self, now: Millis, out: &mut Out) {
        for probe in FIRST {
            self.ask(now, Ask::Probe(probe), out);
        }
        let endpoint = &self.conversation.target().endpoint;
        if self.conversation.is_signed() && endpoint.sts_authority(self.conversation.region()).is_some() {
            self.ask(now, Ask::Identity, out);
        }
        if self.asker.check.isolation {
            for hole in HOLES {
                self.ask(now, Ask::Hole(hole), out);
            }
            self.ask(now, Ask::ListEmptyPrefix, out);
        }
    }

    fn ask(&mut self, now: Millis, ask: Ask, out: &mut Out) {
        if self.trouble.is_none()
            && let Some(call) = self.asker.call(ask)
        {
            self.send(now, ask, call, out);
        }
    }

    fn send(&mut self, now: Millis, ask: Ask, mut call: Call, out: &mut Out) {
        call.answer_within_ms = ANSWER_WITHIN_MS;
        self.pending.insert(ask);
        self.conversation.send(now, ask, call, out);
    }

    fn learn(&mut self, probe: Probe, verdict: Verdict, evidence: Option<Evidence>, note: Option<String>) {
        self.learned.insert(probe, Learned { verdict, evidence, note });
    }

    fn is(&self, probe: Probe, verdict: Verdict) -> bool {
        self.learned.get(&probe).is_some_and(|learned| learned.verdict == verdict)
    }

    /// What any answer tells of the server.
    fn look_at(&mut self, now: Millis, headers: &Headers) {
        let answer = Answer { status: 0, headers, body: &[], received: None };
        if self.server.clock_offset_ms.is_none() {
            self.server.clock_offset_ms = clock_offset_ms(&answer, now);
        }
        if self.server.software.is_none() {
            self.server.software = answer.header("server").map(failure::shown);
        }
    }

    /// What an answer says, and what it makes sense to ask next.
    fn answered(&mut self, now: Millis, reply: Reply<Ask>, out: &mut Out) {
        let said = said::read(&reply, &self.conversation);
        let ask = reply.token;
        match ask {
            Ask::Probe(Probe::List) => self.listed(&reply, &said),
            // What could not be ended is not begun; nor is anything where nobody answers.
            Ask::Probe(Probe::Abort)
                if !matches!(said, Said::Denied(_)) && (200..500).contains(&said.clone().evidence().status) =>
            {
                self.ask(now, Ask::Create { tagged: false }, out);
                if !self.asker.check.object.tags.is_empty() {
                    self.ask(now, Ask::Create { tagged: true }, out);
                }
            }
            Ask::Create { tagged } => self.created(now, tagged, &reply, out),
            Ask::EndUpload { .. } if !matches!(said, Said::Yes(_) | Said::Past(..)) => {
                let key = &self.asker.places.own_key;
                self.left_behind.push(format!("an empty multipart upload of `{key}`, which could not be aborted"));
            }
            Ask::Probe(Probe::Delete) => self.deleted(now, false, &reply, out),
            Ask::Hole(Hole::Delete) => self.deleted(now, true, &reply, out),
            Ask::RemoveDeleteMarker { .. } if !matches!(said, Said::Yes(_)) => {
                let key = &reply.call.key;
                self.left_behind
                    .push(format!("a delete marker of `{key}`, which this server makes of conditional deletes"));
            }
            Ask::Probe(Probe::Get) => self.got_marker(now, &reply, &said, out),
            Ask::WriteMarker { conditional } => self.wrote_marker(now, conditional, &said, out),
            Ask::MarkerAgain if matches!(said, Said::Yes(_)) => self.readable(&reply, &said),
            Ask::Probe(Probe::Versioning) => {
                self.bucket.versioned = success(&reply).and_then(|answer| get_bucket_versioning::parse(&answer).ok());
            }
            Ask::Probe(Probe::ObjectLock) => self.locked(&reply, &said),
            Ask::Hole(Hole::ListBuckets) => {
                let own = self.conversation.target().bucket.as_str();
                let names = success(&reply).and_then(|answer| list_buckets::parse(&answer).ok());
                self.other_buckets = names.map(|names| names.iter().any(|name| name != own));
            }
            Ask::Identity => {
                self.identity = success(&reply).and_then(|answer| get_caller_identity::parse(&answer).ok())
            }
            _ => {}
        }
        self.answers.insert(ask, said);
        self.ask_overwrite(now, out);
    }

    /// Asks the last question where it matters, as soon as that is known.
    fn ask_overwrite(&mut self, now: Millis, out: &mut Out) {
        let overwrite = Ask::Probe(Probe::Overwrite);
        let may =
            |probe| self.answers.get(&Ask::Probe(probe)).map(|said| matches!(said, Said::Yes(_) | Said::Past(..)));
        let (Some(site), Some(may_put), Some(may_delete), true) =
            (&self.site, may(Probe::Put), may(Probe::Delete), may(Probe::Versioning).is_some())
        else {
            return;
        };
        let matters = self.bucket.versioned != Some(true) && may_put && !may_delete;
        if !matters || self.pending.contains(&overwrite) || self.answers.contains_key(&overwrite) {
            return;
        }
        // The marker's own bytes, with a wrong digest: a server that would not look stores what is
        // there already.
        self.asker.check.marker = Some(site.clone());
        self.ask(now, overwrite, out);
    }

    /// The listing decides whether there is any use in going on.
    fn listed(&mut self, reply: &Reply<Ask>, said: &Said) {
        let what = || format!("cannot list s3://{}/{}", self.conversation.target().bucket, self.asker.places.own);
        match (&reply.result, said) {
            (Ok(success), _) => {
                if let Err(error) = ListObjectsV2::parse(&success.answer()) {
                    self.trouble = Some(self.conversation.unreadable(success, &reply.call, &error, what()));
                }
            }
            (Err(_), Said::Denied(_) | Said::Unsupported(_)) => {}
            (Err(trouble), _) => {
                let mut error = self.conversation.explain(trouble.failure(), &reply.call, what());
                // A page in S3's place denies no permission.
                if matches!(error.kind, Kind::AccessDenied { action: Some(_), .. }) {
                    error.kind = Kind::Malformed;
                    error.hint =
                        Some("this is not how S3 answers: look for a proxy, a firewall or a wrong endpoint".to_owned());
                }
                self.trouble = Some(error);
            }
        }
    }

    fn created(&mut self, now: Millis, tagged: bool, reply: &Reply<Ask>, out: &mut Out) {
        let key = self.asker.places.own_key.clone();
        match success(reply).map(|answer| CreateMultipartUpload::parse(&answer)) {
            Some(Ok(created)) => {
                let call = self.asker.abort(&key, &created.upload_id);
                self.send(now, Ask::EndUpload { tagged }, call, out);
            }
            None if matches!(reply.result, Err(Trouble::Failed(_))) => {}
            // It may have begun one whose id nobody told us.
            Some(Err(_)) | None => {
                self.left_behind.push(format!("perhaps an empty multipart upload of `{key}`: the answer was lost"));
            }
        }
    }

    fn deleted(&mut self, now: Millis, outside: bool, reply: &Reply<Ask>, out: &mut Out) {
        let Some(answer) = success(reply) else { return };
        let marked = answer.header("x-amz-delete-marker") == Some("true");
        let version = answer.header("x-amz-version-id").filter(|_| marked);
        if let (Some(version), Ok(key)) = (version, Key::parse(reply.call.key.as_str())) {
            let call = self.asker.remove_delete_marker(&key, version);
            self.send(now, Ask::RemoveDeleteMarker { outside }, call, out);
        }
    }

    fn got_marker(&mut self, now: Millis, reply: &Reply<Ask>, said: &Said, out: &mut Out) {
        match said {
            Said::Yes(_) => {
                self.readable(reply, said);
                self.ask(now, Ask::Probe(Probe::Copy), out);
            }
            // Where a condition is not heeded, one that may be there is not written over.
            Said::Denied(_) if !self.conversation.target().endpoint.provider.quirks().conditional_writes => {}
            Said::Past(..) | Said::Denied(_) if self.asker.check.marker.is_some() => {
                self.ask(now, Ask::WriteMarker { conditional: true }, out);
            }
            _ => {}
        }
    }

    fn wrote_marker(&mut self, now: Millis, conditional: bool, said: &Said, out: &mut Out) {
        let absent =
            matches!(self.answers.get(&Ask::Probe(Probe::Get)), Some(Said::Past(_, failure::Class::NoSuchKey)));
        match said {
            // Copying at the same time, to save a round trip.
            Said::Yes(_) | Said::Past(..) => {
                self.ask(now, Ask::MarkerAgain, out);
                self.ask(now, Ask::Probe(Probe::Copy), out);
            }
            // The server may not know the condition; the key was seen to be free.
            Said::Unsupported(_) | Said::Unclear(..) if conditional && absent => {
                self.ask(now, Ask::WriteMarker { conditional: false }, out);
            }
            _ => {}
        }
    }

    /// The marker is there and can be read.
    fn readable(&mut self, reply: &Reply<Ask>, said: &Said) {
        self.site = success(reply).and_then(|answer| probe::site_of(answer.body));
        self.learn(Probe::Get, Verdict::Allowed, Some(said.clone().evidence()), None);
    }

    fn locked(&mut self, reply: &Reply<Ask>, said: &Said) {
        let mode = success(reply).and_then(|answer| get_object_lock_configuration::parse(&answer).ok());
        self.bucket.locked = mode.map(|mode| mode.is_some());
        self.bucket.governance = mode.flatten() == Some(get_object_lock_configuration::Mode::Governance);
        if let Said::Past(evidence, _) | Said::Unclear(evidence, _) = said
            && evidence.code.as_deref().is_some_and(|code| code.starts_with("ObjectLockConfigurationNotFound"))
        {
            self.bucket.locked = Some(false);
        }
    }
}

/// The answer of a request that succeeded.
fn success(reply: &Reply<Ask>) -> Option<Answer<'_>> {
    reply.result.as_ref().ok().map(super::super::conversation::Success::answer)
}

impl Machine for CheckJob {
    fn handle(&mut self, input: &Frame<Input>, out: &mut Out) -> Option<Outcome> {
        if let Input::Cancel { reason, .. } = &input.header {
            return Some(Outcome::Failed(Error::new(Kind::Cancelled, reason.clone())));
        }
        if let Input::Response { now, headers, .. } = &input.header {
            self.look_at(*now, headers);
        }
        let now = input.header.now();
        if let Some(reply) = self.conversation.take(input, out) {
            self.pending.remove(&reply.token);
            self.answered(now, reply, out);
        }
        self.conversation.wait(out);
        let idle = self.pending.is_empty();
        // Uploads that were begun are ended first, whatever else is wrong.
        let open = |ask: &Ask| {
            matches!(
                ask,
                Ask::Create { .. }
                    | Ask::EndUpload { .. }
                    | Ask::RemoveDeleteMarker { .. }
                    | Ask::Probe(Probe::Delete)
                    | Ask::Hole(Hole::Delete)
            )
        };
        let hopeless = self.trouble.is_some() && !self.pending.iter().any(open);
        if hopeless || idle {
            self.conversation.drop_all();
            return Some(Outcome::Done(Report::Check(Box::new(self.report()))));
        }
        None
    }
}
