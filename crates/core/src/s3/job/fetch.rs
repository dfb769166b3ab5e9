//! Get an object in parallel ranges, and compare what arrives with everything that is known of
//! it: the server's whole-object checksum, the ETag, the record of the run that sent it.
//!
//! ```text
//! HEAD ──▶ plan: which digest, which ranges ──▶ GET range… (If-Match) ──▶ combine, compare
//!                     │
//!                     └─ ranges kept by an earlier run are hashed again first
//! ```

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    abi::{Frame, Input, Millis, Output, Sink},
    digest::{DigestKind, Digests, from_base64, to_base64},
    error::{Error, Kind},
    event::Event,
    job::{Fetch, Work},
    journal::Record,
    plan::{DEFAULT_PART_LEN, Geometry, Part},
    provider::Rung,
    report::{Compared, FetchReport, Outcome, Report},
    s3::{
        conversation::{Conversation, Out, Reply},
        crc,
        failure::Class,
        op::{
            get_object::{Bytes, GetObject},
            head_object::{Head, HeadObject},
        },
    },
    session::{Begin, Machine},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Head,
    /// The same question as a GET of one byte: a HEAD's refusal has no words.
    Words,
    Range(u32),
}

/// How the whole will be compared.
struct Plan {
    facts: Head,
    geometry: Geometry,
    digests: Vec<DigestKind>,
}

/// The job.
pub(crate) struct FetchJob {
    conversation: Conversation<Token>,
    work: Fetch,
    journal: Vec<Record>,
    plan: Option<Plan>,
    asked_twice: bool,
    todo: BTreeSet<u32>,
    rehashing: BTreeMap<u32, Digests>,
    arrived: BTreeMap<u32, Digests>,
    kept: u32,
    bytes_kept: u64,
    bytes_received: u64,
}

impl FetchJob {
    pub(crate) fn begin(begin: Begin, out: &mut Out) -> Self {
        let mut conversation = begin.conversation();
        let Work::Fetch(work) = begin.job.work.clone() else { unreachable!("routed by its kind") };
        // Who refuses the checksum headers also refuses the question.
        let checksum_mode = begin.job.target.endpoint.provider.quirks().first_rung <= Rung::Crc32;
        let call = HeadObject { key: &work.key, checksum_mode }.call();
        conversation.send(begin.now, Token::Head, call, out);
        Self {
            conversation,
            work,
            journal: begin.journal,
            plan: None,
            asked_twice: false,
            todo: BTreeSet::new(),
            rehashing: BTreeMap::new(),
            arrived: BTreeMap::new(),
            kept: 0,
            bytes_kept: 0,
            bytes_received: 0,
        }
    }

    fn place(&self) -> String {
        format!("s3://{}/{}", self.conversation.target().bucket, self.work.key)
    }

    fn failed(&self, reply: &Reply<Token>, what: String) -> Option<Outcome> {
        let failure = reply.result.as_ref().err()?.failure();
        let mut error = self.conversation.explain(failure, &reply.call, what);
        if failure.class == Class::AlreadyExists {
            // 412 on If-Match: it is another object now.
            error.kind = Kind::Changed;
            error.hint = Some("the object was replaced while it was read: run the command again".to_owned());
        }
        Some(Outcome::Failed(error))
    }

    fn headed(&mut self, now: Millis, reply: &Reply<Token>, out: &mut Out) -> Option<Outcome> {
        let place = self.place();
        let success = match &reply.result {
            Ok(success) => success,
            Err(trouble) => {
                let class = &trouble.failure().class;
                if matches!(class, Class::Denied | Class::Fatal | Class::Region(_)) {
                    let call = GetObject {
                        key: &self.work.key,
                        bytes: Bytes::Range(0..1),
                        if_match: None,
                        checksum_mode: false,
                        sink: Sink::Inline,
                    }
                    .call();
                    self.conversation.send(now, Token::Words, call, out);
                    return None;
                }
                return self.failed(reply, format!("cannot read {place}"));
            }
        };
        let facts = match HeadObject::parse(&success.answer()) {
            Ok(facts) => facts,
            Err(why) => {
                let what = format!("cannot read {place}");
                return Some(Outcome::Failed(self.conversation.unreadable(success, &reply.call, &why, what)));
            }
        };
        if self.work.etag.as_ref().is_some_and(|etag| *etag != facts.etag) {
            let what = format!("{place} is not the object that was meant: its ETag is {}", facts.etag);
            return Some(Outcome::Failed(Error::new(Kind::Changed, what)));
        }
        self.begin_ranges(facts, out);
        None
    }

    fn begin_ranges(&mut self, facts: Head, out: &mut Out) {
        let known = self.work.known.as_ref().filter(|known| known.etag == facts.etag);
        let has_crc64 = facts.digests.crc64nvme.is_some() || known.is_some_and(|known| known.crc64nvme.is_some());
        let known_part_len = known.and_then(|known| known.part_len).or_else(|| facts.part_len());
        let by_etag = etag_plan(&facts, known_part_len);
        // Ranges can be hashed apart only where their digests can be put together again.
        let range_len = match by_etag {
            _ if has_crc64 => DEFAULT_PART_LEN,
            Some(part_len) => part_len,
            None => DEFAULT_PART_LEN,
        };
        let mut digests = vec![DigestKind::Crc64nvme];
        if !has_crc64 && by_etag.is_some() {
            digests.push(DigestKind::Md5);
        }
        let geometry = Geometry { len: facts.len, part_len: range_len.max(1) };
        let parts = if facts.len == 0 { 0 } else { geometry.parts() };
        out.event(Event::Planned { len: facts.len, parts, part_len: geometry.part_len });
        self.todo = (1..=parts).collect();
        let claims = self.claims(&facts, &geometry);
        for (number, claim) in claims {
            let Some(part) = geometry.part(number) else { continue };
            self.todo.remove(&number);
            self.rehashing.insert(number, claim);
            let Part { part, offset, len } = part;
            out.push(Output::NeedPart { part, offset, len, digests: digests.clone() });
        }
        if self.rehashing.is_empty() && self.work.keep {
            let record = Record::Fetching { etag: facts.etag.clone(), len: facts.len, range_len: geometry.part_len };
            out.push(Output::Journal { record, durable: true });
        }
        self.plan = Some(Plan { facts, geometry, digests });
    }

    /// Ranges that an earlier run wrote, if it was this object that it fetched.
    fn claims(&self, facts: &Head, geometry: &Geometry) -> BTreeMap<u32, Digests> {
        let mut claims = BTreeMap::new();
        let mut same = false;
        for record in self.journal.iter().filter(|_| self.work.keep) {
            match record {
                Record::Fetching { etag, len, range_len } => {
                    claims.clear();
                    same = *etag == facts.etag && *len == facts.len && *range_len == geometry.part_len;
                }
                Record::Range { part, digests } if same => {
                    claims.insert(*part, digests.clone());
                }
                _ => {}
            }
        }
        claims
    }

    fn rehashed(&mut self, part: u32, len: u64, digests: &Digests, out: &mut Out) {
        let Some(claim) = self.rehashing.remove(&part) else { return };
        if claim.agrees_with(digests) {
            self.kept += 1;
            self.bytes_kept += len;
            self.arrived.insert(part, digests.clone());
        } else {
            self.todo.insert(part);
        }
        if self.rehashing.is_empty() {
            let dropped = self.todo.len() as u32;
            let Self { kept, bytes_kept, .. } = *self;
            out.event(Event::Resumed { parts_kept: kept, bytes_kept, parts_dropped: dropped });
        }
    }

    fn send_ranges(&mut self, now: Millis, out: &mut Out) {
        let Some(plan) = &self.plan else { return };
        while self.conversation.slots() > 0
            && let Some(number) = self.todo.pop_first()
        {
            let Some(Part { offset, len, .. }) = plan.geometry.part(number) else { continue };
            let sink = Sink::Range { offset, len, digests: plan.digests.clone() };
            let call = GetObject {
                key: &self.work.key,
                bytes: Bytes::Range(offset..offset + len),
                if_match: Some(&plan.facts.etag),
                checksum_mode: false,
                sink,
            }
            .call();
            self.conversation.send(now, Token::Range(number), call, out);
        }
    }

    fn range(&mut self, number: u32, reply: &Reply<Token>, out: &mut Out) -> Option<Outcome> {
        let place = self.place();
        let plan = self.plan.as_ref()?;
        let expected = plan.geometry.part(number)?;
        let received = match &reply.result {
            Ok(success) => success.answer().received.cloned(),
            Err(_) => return self.failed(reply, format!("cannot read {place}")),
        };
        let Some(received) = received.filter(|received| received.len == expected.len) else {
            let what = format!("a range of {place} is not as long as it was asked for");
            return Some(Outcome::Failed(Error::new(Kind::Malformed, what)));
        };
        self.bytes_received += received.len;
        if self.work.keep {
            let record = Record::Range { part: number, digests: received.digests.clone() };
            out.push(Output::Journal { record, durable: false });
        }
        self.arrived.insert(number, received.digests);
        out.event(Event::PartDone { part: number, len: received.len });
        None
    }

    fn compare(&self) -> Option<Outcome> {
        let plan = self.plan.as_ref()?;
        if !self.todo.is_empty() || !self.rehashing.is_empty() || self.conversation.busy() > 0 {
            return None;
        }
        let facts = &plan.facts;
        let known = self.work.known.as_ref().filter(|known| known.etag == facts.etag);
        let lens = |number: &u32| plan.geometry.part(*number).map_or(0, |part| part.len);
        let crc64 = self
            .arrived
            .iter()
            .map(|(number, digests)| Some((digests.crc64nvme?, lens(number))))
            .collect::<Option<Vec<_>>>()
            .map(|crcs| crc::combine_crc64nvme(crcs.into_iter()));
        let mut compared_with = Vec::new();
        let mut differs = Vec::new();
        let mut compare = |equal: bool, what: Compared, name: &'static str| {
            if equal { compared_with.push(what) } else { differs.push(name) }
        };
        if let (Some(ours), Some(theirs)) = (crc64, facts.digests.crc64nvme) {
            compare(ours == theirs, Compared::ServerChecksum, "the server's CRC-64/NVME of it");
        }
        let recorded = known.and_then(|known| from_base64::<8>(known.crc64nvme.as_deref()?));
        if let (Some(ours), Some(theirs)) = (crc64, recorded) {
            compare(ours == theirs, Compared::OurRecord, "the CRC-64/NVME written down when it was sent");
        }
        let md5s = self.arrived.values().map(|digests| digests.md5).collect::<Option<Vec<_>>>();
        let by_etag = plan.digests.contains(&DigestKind::Md5);
        if let Some(md5s) = md5s.filter(|md5s| by_etag && !md5s.is_empty()) {
            let etag = match md5s.as_slice() {
                [md5] if !facts.etag.contains('-') => hex::encode(md5),
                _ => crc::multipart_etag(md5s.iter().copied()),
            };
            compare(etag == facts.etag, Compared::Etag, "its ETag");
        }
        if !differs.is_empty() {
            let what = format!("what arrived of {} does not match {}", self.place(), differs.join(" or "));
            let hint = "run it again; if it stays so, the stored object is damaged: restore another backup";
            return Some(Outcome::Failed(Error::new(Kind::Integrity, what).hint(hint)));
        }
        Some(Outcome::Done(Report::Fetch(FetchReport {
            etag: facts.etag.clone(),
            len: facts.len,
            bytes_received: self.bytes_received,
            crc64nvme: crc64.map(|crc| to_base64(&crc)),
            compared_with,
        })))
    }
}

impl Machine for FetchJob {
    fn handle(&mut self, input: &Frame<Input>, out: &mut Out) -> Option<Outcome> {
        let now = input.header.now();
        let outcome = match &input.header {
            Input::Cancel { reason, .. } => Some(Outcome::Failed(Error::new(Kind::Cancelled, reason.clone()))),
            Input::PartReady { part, len, digests, .. } => {
                self.rehashed(*part, *len, digests, out);
                None
            }
            _ => match self.conversation.take(input, out) {
                None => None,
                Some(reply) => match reply.token {
                    Token::Head => self.headed(now, &reply, out),
                    Token::Range(number) => self.range(number, &reply, out),
                    Token::Words if reply.result.is_ok() && !self.asked_twice => {
                        // It may be read: then only the question was wrong, or the moment.
                        self.asked_twice = true;
                        let call = HeadObject { key: &self.work.key, checksum_mode: false }.call();
                        self.conversation.send(now, Token::Head, call, out);
                        None
                    }
                    Token::Words if reply.result.is_ok() => {
                        let what = format!("the server shows {} but will not describe it", self.place());
                        Some(Outcome::Failed(Error::new(Kind::Unsupported, what)))
                    }
                    Token::Words => self.failed(&reply, format!("cannot read {}", self.place())),
                },
            },
        };
        if outcome.is_some() {
            return outcome;
        }
        self.send_ranges(now, out);
        self.conversation.wait(out);
        self.compare()
    }
}

/// The length of the parts whose MD5s make up the ETag, when it can be recomputed: a plain MD5
/// needs the whole in one piece, `…-N` the parts as they were sent. Encryption with KMS or with
/// the customer's own keys makes it something else.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html>
fn etag_plan(facts: &Head, part_len: Option<u64>) -> Option<u64> {
    if facts.opaque_etag {
        return None;
    }
    let is_md5 = |text: &str| text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    match facts.etag.split_once('-') {
        None => is_md5(&facts.etag).then_some(facts.len),
        Some((hash, count)) => {
            let count: u64 = count.parse().ok()?;
            let part_len = part_len.filter(|&part_len| part_len > 0)?;
            (is_md5(hash) && facts.len.div_ceil(part_len) == count).then_some(part_len)
        }
    }
}
