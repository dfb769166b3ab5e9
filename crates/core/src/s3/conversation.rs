//! Requests and their answers: signing, retrying, pacing, and learning of the server.
//!
//! A job hands over a [`Call`] with a token of its own and gets back, under that token, a
//! success or a failure that is worth its attention. In between, and visible as events, the
//! conversation waits and tries again, follows a redirect to another region once, dates requests
//! by the server's clock, and asks for fresh keys. There is no other retry layer anywhere.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{
    call::{Answer, Call, Of, Payload, Repeat},
    failure::{self, Class, Failure},
    op::{ParseError, http_date},
    sign::{self, PayloadHash, Signing},
};
use crate::{
    abi::{BodySource, Frame, Headers, Input, Millis, Output, Received, Request, RequestId, Sent, TransportCause},
    error::{Error, Kind},
    event::Event,
    job::{Job, Remembered, Target},
    name::Region,
    pace::Pace,
    retry::{Jitter, Patience, Why},
    secret::Credentials,
};

/// The outputs of one call of `handle`, and the bytes they refer to.
#[derive(Debug, Default)]
pub struct Out {
    items: Vec<Output>,
    body: Vec<u8>,
}

impl Out {
    /// Adds an output.
    pub fn push(&mut self, output: Output) {
        self.items.push(output);
    }

    /// Adds an event.
    pub fn event(&mut self, event: Event) {
        self.items.push(Output::Event(event));
    }

    /// As a frame.
    #[must_use]
    pub fn into_frame(self) -> Frame<Vec<Output>> {
        Frame { header: self.items, body: self.body }
    }
}

/// An answer that the conversation passes on to the job.
#[derive(Debug)]
pub struct Reply<T> {
    /// Which call.
    pub token: T,
    /// The call itself, for words and for sending it again.
    pub call: Call,
    /// What came of it.
    pub result: Result<Success, Trouble>,
    /// An attempt of this call may have been acted on by the server though it seemed to fail.
    pub ambiguous: bool,
    /// Times it was sent.
    pub attempt: u32,
}

/// A successful answer.
#[derive(Debug)]
pub struct Success {
    status: u16,
    headers: Headers,
    body: Vec<u8>,
    received: Option<Received>,
}

impl Success {
    /// As the operations parse it.
    #[must_use]
    pub fn answer(&self) -> Answer<'_> {
        Answer { status: self.status, headers: &self.headers, body: &self.body, received: self.received.as_ref() }
    }
}

/// Why a call did not succeed.
#[derive(Debug)]
pub enum Trouble {
    /// The server said so, or could not be reached for too long.
    Failed(Failure),
    /// The answer was lost, and the call must not simply be sent again: look first.
    Lost(Failure),
}

impl Trouble {
    /// The failure, whichever.
    #[must_use]
    pub fn failure(&self) -> &Failure {
        match self {
            Self::Failed(failure) | Self::Lost(failure) => failure,
        }
    }
}

/// A call on its way.
#[derive(Debug)]
struct Open<T> {
    token: T,
    call: Call,
    attempt: u32,
    ambiguous: bool,
    clock_fixed: bool,
    redirected: bool,
    keys_renewed: bool,
}

impl<T> Open<T> {
    fn new(token: T, call: Call, attempt: u32, ambiguous: bool) -> Self {
        Self { token, call, attempt, ambiguous, clock_fixed: false, redirected: false, keys_renewed: false }
    }
}

/// The conversation with one bucket.
#[derive(Debug)]
pub struct Conversation<T> {
    target: Target,
    credentials: Option<Credentials>,
    region: Region,
    regions_tried: Vec<Region>,
    remembered: Remembered,
    offset_ms: i64,
    jitter: Jitter,
    patience: Patience,
    succeeded: bool,
    pace: Pace,
    next_id: u32,
    in_flight: BTreeMap<RequestId, Open<T>>,
    waiting: Vec<(Millis, Open<T>)>,
    unsigned: Vec<Open<T>>,
    woken_at: Option<Millis>,
    retries: u32,
}

impl<T: Clone> Conversation<T> {
    /// Begins a conversation; nothing is sent yet.
    #[must_use]
    pub fn new(job: &Job, credentials: Option<Credentials>, remembered: Remembered, seed: u64, now: Millis) -> Self {
        let target = job.target.clone();
        let default = target.endpoint.provider.quirks().default_region;
        let region = target
            .region
            .clone()
            .or_else(|| remembered.region.clone())
            .or_else(|| Region::parse(default).ok())
            .unwrap_or_else(|| unreachable!("the table's regions are well formed"));
        Self {
            regions_tried: vec![region.clone()],
            target,
            credentials,
            region,
            remembered,
            offset_ms: 0,
            jitter: Jitter::new(seed),
            patience: Patience::new(job.patience_ms, now),
            succeeded: false,
            pace: Pace::new(job.concurrency),
            next_id: 0,
            in_flight: BTreeMap::new(),
            waiting: Vec::new(),
            unsigned: Vec::new(),
            woken_at: None,
            retries: 0,
        }
    }

    /// Whom we speak with.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The region that requests are signed for.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Whether there are keys to sign with.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.credentials.is_some()
    }

    /// What has been learned of the endpoint.
    #[must_use]
    pub fn remembered(&self) -> &Remembered {
        &self.remembered
    }

    /// Learns something of the endpoint, for later sessions too.
    pub fn remember(&mut self, change: impl FnOnce(&mut Remembered), out: &mut Out) {
        let before = self.remembered.clone();
        change(&mut self.remembered);
        if self.remembered != before {
            out.push(Output::Remember(self.remembered.clone()));
        }
    }

    /// Whether bodies are hashed and signed: always without TLS, where nothing else protects
    /// them, and where the provider wants it.
    #[must_use]
    pub fn signs_payload(&self) -> bool {
        !self.target.endpoint.tls() || self.target.endpoint.provider.quirks().sign_payload
    }

    /// Whether any request has succeeded yet.
    #[must_use]
    pub fn ever_succeeded(&self) -> bool {
        self.succeeded
    }

    /// Requests sent again so far.
    #[must_use]
    pub fn retries(&self) -> u32 {
        self.retries
    }

    /// Requests under way or waiting to be sent again.
    #[must_use]
    pub fn busy(&self) -> u32 {
        (self.in_flight.len() + self.waiting.len() + self.unsigned.len()) as u32
    }

    /// How many more data requests may be sent now. Control requests do not ask.
    #[must_use]
    pub fn slots(&self) -> u32 {
        self.pace.limit().saturating_sub(self.busy())
    }

    /// The limit of requests in flight.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.pace.limit()
    }

    /// Sends a call.
    pub fn send(&mut self, now: Millis, token: T, call: Call, out: &mut Out) {
        self.dispatch(now, Open::new(token, call, 1, false), out);
    }

    /// Says that the job had nothing to ask until now; without it, the wait for the first answer
    /// would count as time in which nothing succeeded.
    pub fn was_idle(&mut self, now: Millis) {
        if self.busy() == 0 && self.succeeded {
            self.patience.idle_until(now);
        }
    }

    /// Sends a call again after the job has looked, with the next attempt's wait.
    ///
    /// # Errors
    /// When patience has ended.
    pub fn again(&mut self, now: Millis, reply: Reply<T>, out: &mut Out) -> Result<(), Box<Reply<T>>> {
        let wait_ms = self.jitter.wait_ms(Why::Transient, reply.attempt, None);
        let Err(trouble) = &reply.result else { return Err(Box::new(reply)) };
        if !self.patience.allows(now, wait_ms) {
            return Err(Box::new(reply));
        }
        let why = trouble.failure().evidence.to_string();
        let open = Open::new(reply.token, reply.call, reply.attempt, true);
        self.postpone(now, open, wait_ms, why, out);
        Ok(())
    }

    /// Takes an input; gives what the job has to know of.
    pub fn take(&mut self, input: &Frame<Input>, out: &mut Out) -> Option<Reply<T>> {
        match &input.header {
            Input::Response { now, id, status, headers, received } => {
                let open = self.in_flight.remove(id)?;
                let answer = Answer { status: *status, headers, body: &input.body, received: received.as_ref() };
                match failure::read(open.call.operation, &answer) {
                    None => {
                        self.succeeded = true;
                        self.patience.success(*now);
                        self.pace.success();
                        let success = Success {
                            status: *status,
                            headers: headers.clone(),
                            body: input.body.clone(),
                            received: received.clone(),
                        };
                        Some(Self::reply(open, Ok(success)))
                    }
                    Some(failure) => self.answered_no(*now, open, failure, &answer, out),
                }
            }
            Input::Failed { now, id, sent, cause, message } => {
                let open = self.in_flight.remove(id)?;
                self.unanswered(*now, open, *sent, *cause, message, out)
            }
            Input::Credentials { now, credentials } => {
                self.credentials.clone_from(credentials);
                for mut open in std::mem::take(&mut self.unsigned) {
                    open.keys_renewed = true;
                    self.dispatch(*now, open, out);
                }
                None
            }
            Input::Tick { now } => {
                self.woken_at = None;
                let (due, later) = std::mem::take(&mut self.waiting).into_iter().partition(|(at, _)| at <= now);
                self.waiting = later;
                for (_, open) in due {
                    self.dispatch(*now, open, out);
                }
                None
            }
            Input::Start { .. } | Input::PartReady { .. } | Input::Cancel { .. } => None,
        }
    }

    /// Asks to be woken for the next request that waits. The last thing of every turn.
    pub fn wait(&mut self, out: &mut Out) {
        let next = self.waiting.iter().map(|(at, _)| *at).min();
        if let Some(at) = next
            && self.woken_at != next
        {
            self.woken_at = next;
            out.push(Output::WaitUntil { at });
        }
    }

    /// A URL by which whoever holds it can send this call, for a while, by our clock. Its headers
    /// are not part of it.
    ///
    /// # Errors
    /// When there are no keys to sign with, or they or the time hold what no signature takes.
    pub fn presign(&self, now: Millis, call: &Call, expires_s: u64) -> Result<String, Error> {
        let Some(credentials) = &self.credentials else {
            let what = "a URL can only be signed with keys, and there are none";
            return Err(Error::new(Kind::Config, what).hint("leave `--anonymous` out: a public object has a plain URL"));
        };
        let Target { endpoint, bucket, .. } = &self.target;
        let signing = Signing { service: sign::S3, credentials, region: &self.region, now };
        let authority = endpoint.authority(bucket, &self.region);
        let path_and_query = sign::path_and_query(endpoint, bucket, call);
        sign::presign(&signing, call.method, endpoint.scheme(), &authority, &path_and_query, expires_s)
            .map_err(|error| Error::new(Kind::Config, error.to_string()))
    }

    /// When temporary keys end, if these are: `Some(None)` when nobody says it.
    #[must_use]
    pub fn keys_end(&self) -> Option<Option<Millis>> {
        let credentials = self.credentials.as_ref().filter(|credentials| credentials.session_token.is_some())?;
        Some(credentials.expires_at)
    }

    /// Forgets everything under way. Answers that still come are ignored.
    pub fn drop_all(&mut self) {
        self.in_flight.clear();
        self.waiting.clear();
        self.unsigned.clear();
    }

    /// Forgets what is under way under these tokens.
    pub fn forget(&mut self, matches: impl Fn(&T) -> bool) {
        self.in_flight.retain(|_, open| !matches(&open.token));
        self.waiting.retain(|(_, open)| !matches(&open.token));
        self.unsigned.retain(|open| !matches(&open.token));
    }

    /// The error for a person: what could not be done, in the server's words, and the next step.
    #[must_use]
    pub fn explain(&self, failure: &Failure, call: &Call, what: impl Into<String>) -> Error {
        let prefix = call.query.iter().find(|(name, _)| *name == "prefix").map(|(_, value)| value);
        let key = if call.key.is_empty() { prefix.unwrap_or(&call.key) } else { &call.key };
        failure::explain(failure, what.into(), call.permission, &self.target.bucket, key)
    }

    /// The error for a success that cannot be read: mostly it is not S3 that answered.
    #[must_use]
    pub fn unreadable(&self, success: &Success, call: &Call, error: &ParseError, what: impl Into<String>) -> Error {
        let failure = failure::malformed(call.operation, &success.answer(), error);
        self.explain(&failure, call, what)
    }

    fn reply(open: Open<T>, result: Result<Success, Trouble>) -> Reply<T> {
        Reply { token: open.token, call: open.call, result, ambiguous: open.ambiguous, attempt: open.attempt }
    }

    fn answered_no(
        &mut self,
        now: Millis,
        mut open: Open<T>,
        failure: Failure,
        answer: &Answer<'_>,
        out: &mut Out,
    ) -> Option<Reply<T>> {
        match &failure.class {
            Class::Retry | Class::Throttle => {
                let why = if failure.class == Class::Throttle {
                    if let Some(concurrency) = self.pace.slow_down(now) {
                        let why = failure.evidence.to_string();
                        out.event(Event::Pace { concurrency, why });
                    }
                    Why::Throttled
                } else {
                    // The server may have done it and failed to say so.
                    open.ambiguous |= open.call.repeat == Repeat::LookFirst;
                    Why::Transient
                };
                self.retry(now, open, failure, why, retry_after_ms(answer, now), out)
            }
            // Where nothing is made final, another writer's moment passes.
            Class::Conflict if !matches!(open.call.operation, "PutObject" | "CompleteMultipartUpload") => {
                self.retry(now, open, failure, Why::Transient, None, out)
            }
            Class::ClockSkew if !open.clock_fixed => {
                let Some(offset_ms) = clock_offset_ms(answer, now) else {
                    return Some(Self::reply(open, Err(Trouble::Failed(failure))));
                };
                if offset_ms.abs_diff(self.offset_ms) > 1_000 {
                    self.offset_ms = offset_ms;
                    out.event(Event::ClockOffset { offset_ms });
                }
                open.clock_fixed = true;
                self.dispatch(now, open, out);
                None
            }
            Class::Region(Some(region)) if !open.redirected => {
                // Another request may have learned it already; then this one only follows.
                if *region != self.region {
                    if self.regions_tried.contains(region) {
                        return Some(Self::reply(open, Err(Trouble::Failed(failure))));
                    }
                    self.regions_tried.push(region.clone());
                    self.region = region.clone();
                    out.event(Event::Region { region: region.to_string() });
                    let learned = region.clone();
                    self.remember(|remembered| remembered.region = Some(learned), out);
                }
                open.redirected = true;
                self.dispatch(now, open, out);
                None
            }
            Class::ExpiredCredentials if !open.keys_renewed && self.credentials.is_some() => {
                if self.unsigned.is_empty() {
                    out.push(Output::NeedCredentials);
                }
                self.unsigned.push(open);
                None
            }
            _ => {
                // An answer with sense, even a refusal, is contact.
                self.patience.success(now);
                Some(Self::reply(open, Err(Trouble::Failed(failure))))
            }
        }
    }

    fn unanswered(
        &mut self,
        now: Millis,
        mut open: Open<T>,
        sent: Sent,
        cause: TransportCause,
        message: &str,
        out: &mut Out,
    ) -> Option<Reply<T>> {
        let failure = Failure {
            evidence: failure::transport(open.call.operation, cause, message),
            class: Class::Unreachable(cause),
        };
        let hopeless = match cause {
            TransportCause::Local | TransportCause::Refused | TransportCause::Malformed => true,
            TransportCause::Tls => !self.patience.ever(),
            _ => false,
        };
        if hopeless {
            return Some(Self::reply(open, Err(Trouble::Failed(failure))));
        }
        if sent == Sent::Maybe && open.call.repeat == Repeat::LookFirst {
            open.ambiguous = true;
            return Some(Self::reply(open, Err(Trouble::Lost(failure))));
        }
        self.retry(now, open, failure, Why::Transient, None, out)
    }

    fn retry(
        &mut self,
        now: Millis,
        open: Open<T>,
        failure: Failure,
        why: Why,
        retry_after_ms: Option<u64>,
        out: &mut Out,
    ) -> Option<Reply<T>> {
        let wait_ms = self.jitter.wait_ms(why, open.attempt, retry_after_ms);
        if !self.patience.allows(now, wait_ms) {
            return Some(Self::reply(open, Err(Trouble::Failed(failure))));
        }
        let why = failure.evidence.to_string();
        self.postpone(now, open, wait_ms, why, out);
        None
    }

    fn postpone(&mut self, now: Millis, mut open: Open<T>, wait_ms: u64, why: String, out: &mut Out) {
        let operation = open.call.operation.to_owned();
        out.event(Event::Retry { operation, attempt: open.attempt, wait_ms, why });
        self.retries += 1;
        open.attempt += 1;
        self.waiting.push((now.plus(wait_ms), open));
    }

    fn dispatch(&mut self, now: Millis, open: Open<T>, out: &mut Out) {
        let call = &open.call;
        let endpoint = &self.target.endpoint;
        let mut headers = call.headers.clone();
        if call.of == Of::Bucket
            && let Some(owner) = &self.target.expected_owner
        {
            headers.push(("x-amz-expected-bucket-owner".to_owned(), owner.clone()));
        }
        let (body, hash) = match &call.payload {
            Payload::Empty => (BodySource::Empty, PayloadHash::Empty),
            Payload::Inline(bytes) => {
                let start = out.body.len();
                out.body.extend_from_slice(bytes);
                let hash = PayloadHash::Sha256(Sha256::digest(bytes).into());
                (BodySource::Inline { start, len: bytes.len() }, hash)
            }
            Payload::Part { part, offset, len, sha256 } => {
                let hash = sha256.map_or(PayloadHash::Unsigned, PayloadHash::Sha256);
                (BodySource::Part { part: *part, offset: *offset, len: *len }, hash)
            }
        };
        let (service, authority, path_and_query) = match call.of {
            Of::Bucket => {
                let authority = endpoint.authority(&self.target.bucket, &self.region);
                (sign::S3, authority, sign::path_and_query(endpoint, &self.target.bucket, call))
            }
            Of::Account => (sign::S3, endpoint.account_authority(&self.region), endpoint.account_path()),
            // Only asked where there is one.
            Of::Sts => (sign::STS, endpoint.sts_authority(&self.region).unwrap_or_default(), "/".to_owned()),
        };
        if let Some(credentials) = &self.credentials {
            let dated = Millis(now.0.saturating_add_signed(self.offset_ms));
            let signing = Signing { service, credentials, region: &self.region, now: dated };
            match sign::sign(&signing, call.method, endpoint.scheme(), &authority, &path_and_query, &headers, hash) {
                Ok(more) => headers.extend(more),
                Err(error) => {
                    // Only what no provider takes can fail to be signed, and our names are parsed.
                    let what = format!("cannot sign {}", call.operation);
                    out.event(Event::Warning(Error::new(Kind::Bug, format!("{what}: {error}"))));
                }
            }
        }
        let id = RequestId(self.next_id);
        self.next_id += 1;
        out.push(Output::Request(Request {
            id,
            method: call.method,
            url: format!("{}://{authority}{path_and_query}", endpoint.scheme()),
            headers,
            body,
            sink: call.sink.clone(),
            answer_within_ms: call.answer_within_ms,
        }));
        self.in_flight.insert(id, open);
    }
}

/// `Retry-After` in milliseconds: seconds or an HTTP date; also Amazon's own, in milliseconds.
fn retry_after_ms(answer: &Answer<'_>, now: Millis) -> Option<u64> {
    if let Some(ms) = answer.header("x-amz-retry-after").and_then(|text| text.trim().parse().ok()) {
        return Some(ms);
    }
    let text = answer.header("retry-after")?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return seconds.checked_mul(1_000);
    }
    let at = http_date(text)?;
    Some(at.since(now))
}

/// The server's clock minus ours, from the `Date` header.
pub(super) fn clock_offset_ms(answer: &Answer<'_>, now: Millis) -> Option<i64> {
    let server = http_date(answer.header("date")?)?;
    i64::try_from(server.0).ok()?.checked_sub_unsigned(now.0)
}
