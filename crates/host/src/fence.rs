//! What the module's requests may do, enforced by the side that sends them.
//!
//! The module signs, so a signature proves nothing about intent, and an attacker's bucket may
//! live on the same endpoint. Each request is read here as if it came from a stranger and must be
//! one of the few operations that its kind of job needs, on the job's server, bucket and keys:
//!
//! | job    | its key                                                    | orphans (key, id) | bucket               |
//! |--------|------------------------------------------------------------|-------------------|----------------------|
//! | upload | Head, Put, Create, UploadPart, Complete, ListParts, Abort  | ListParts, Abort  | List, prefix = key   |
//! | backup | as upload, and UploadPartCopy                              | ListParts, Abort  | List, prefix = key   |
//! | fetch  | Head, Get                                                  |                   |                      |
//! | read   | Get, its bytes                                             |                   |                      |
//! | remove | Delete, each key                                           |                   |                      |
//! | list   |                                                            |                   | List, below prefix   |
//! | fleet  |                                                            |                   | List, below prefix   |
//! | abort  |                                                            | ListParts, Abort  |                      |
//! | explain, presign |                                                  |                   |                      |
//! | check  | see below                                                  |                   |                      |
//!
//! A backup copies only from its base, only if it is the version that the job names, and each part
//! only those bytes of it that the job gives that part; the parts behind are of its stream, and a
//! body is sent only of a part that was made (`driver`). Its journal's own upload, of another key
//! perhaps, may be aborted.
//!
//! A check asks about names that are never there (`holdfast_core::probe::Places`), within the
//! prefix and, if the job wants isolation proved, outside it; it writes one object, the marker,
//! with the one text that a marker has; and it alone may ask the endpoint for its buckets and
//! Amazon's Security Token Service whose keys these are.
//!
//! Everything is compared, nothing is repaired: one spelling of each URL is right, and what is not
//! on a list of allowed things is refused. Pure functions; no XML, no signing. What cannot be seen
//! from outside stays open: whether the parts named on Complete are the right ones (the whole
//! object's checksum is the server's check), and what an upload id that the job did not name
//! belongs to (one of the same key, in any case).

mod address;
mod backup;
mod check;
mod headers;
mod presign;
mod query;
mod read;

use holdfast_core::{
    abi::{BodySource, Headers, Method, Request, Sink},
    job::{Fetch, Job, Orphan, Read, Remembered, Stretch, Work},
    journal::Record,
    name::{Key, partition},
    plan::MAX_PART_LEN,
    probe::Places,
    provider::Provider,
    ranges::Ranges,
};

pub use self::presign::is_presigned;
use self::{
    address::{Place, Url},
    query::Query,
};

/// The largest body that is built by the module: Complete's list of 10,000 parts, five times over.
const MAX_INLINE_BODY: usize = 8 << 20;

/// An operation of S3, as the request's method, place and query show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // AWS's names
pub enum Operation {
    HeadObject,
    GetObject,
    PutObject,
    CreateMultipartUpload,
    UploadPart,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    ListParts,
    ListObjectsV2,
    DeleteObject,
    UploadPartCopy,
    GetBucketVersioning,
    GetObjectLockConfiguration,
    ListObjectVersions,
    ListMultipartUploads,
    ListBuckets,
    GetCallerIdentity,
}

/// A request that may be sent, taken apart. Send `target` as it stands: any normalisation breaks
/// the signature, and could make another key of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit<'a> {
    /// What it does.
    pub operation: Operation,
    /// Whether it goes over TLS.
    pub tls: bool,
    /// `host[:port]`.
    pub authority: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// Its body.
    pub body: Body<'a>,
}

/// A body that may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body<'a> {
    /// None.
    Empty,
    /// These bytes.
    Inline(&'a [u8]),
    /// These bytes of the source.
    Source {
        /// First byte.
        offset: u64,
        /// Bytes.
        len: u64,
    },
}

/// Why a request is not sent. No variant quotes a value: it may be a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a URL of the one right spelling.
    #[error("its URL {0}")]
    Url(&'static str),
    /// Another server, or the right one without TLS.
    #[error("it goes to another server than the job's")]
    Endpoint,
    /// Another bucket or key.
    #[error("it is about another bucket or key than the job's")]
    Place,
    /// A parameter that is unknown, repeated, misspelt or of a wrong value.
    #[error("its query {0}")]
    Query(&'static str),
    /// Something this kind of job does not do.
    #[error("a {method} like this is nothing that its job does", method = .0.as_str())]
    Operation(Method),
    /// A header that is unknown, repeated, malformed or of a wrong value.
    #[error("its header `{name}` {why}")]
    Header {
        /// Which.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It would replace an object though the job forbids it.
    #[error("it could replace an object, and the job does not allow that")]
    Unconditional,
    /// A body that does not belong there.
    #[error("its body {0}")]
    Body(&'static str),
    /// An answer that would go where it does not belong.
    #[error("its answer {0}")]
    Sink(&'static str),
}

/// The fence around one session.
#[derive(Debug, Clone)]
pub struct Fence {
    job: Job,
    /// The server is known to refuse conditional writes: from an earlier session, or because this
    /// host saw it.
    unconditional: bool,
    /// The length of the object of a fetch, from the answer to HEAD.
    object_len: Option<u64>,
    /// What a read asks for.
    ranges: Option<Ranges>,
    /// The names that a check asks about.
    places: Option<Places>,
    /// The check's marker was asked for, and is not there.
    marker_absent: bool,
    /// Uploads that the journal knows, beside the job's own.
    known: Vec<Orphan>,
}

impl Fence {
    /// For a session with this job. `remembered` as it goes into the session's start.
    #[must_use]
    pub fn new(job: &Job, remembered: &Remembered) -> Self {
        let places = match &job.work {
            Work::Check(check) => Places::of(check, &job.run).ok(),
            _ => None,
        };
        let ranges = match &job.work {
            Work::Read(Read { what: Stretch::Extents(extents), .. }) => Ranges::new(extents),
            _ => None,
        };
        Self {
            job: job.clone(),
            unconditional: remembered.no_conditional_writes,
            object_len: None,
            ranges,
            places,
            marker_absent: false,
            known: Vec::new(),
        }
    }

    /// With what this host's own journal says was begun: a backup may abort it, and look whether
    /// that left anything.
    #[must_use]
    pub fn with_journal(mut self, journal: &[Record]) -> Self {
        self.known = backup::begun(journal);
        self
    }

    /// Whether the module's request may be sent; `frame_body` is the body of the frame it came in.
    ///
    /// # Errors
    /// When it may not: answer the module with [`holdfast_core::abi::TransportCause::Refused`],
    /// and tell someone, because an honest module never asks.
    pub fn check<'a>(&self, request: &'a Request, frame_body: &'a [u8]) -> Result<Permit<'a>, Refusal> {
        let endpoint = &self.job.target.endpoint;
        let bucket = &self.job.target.bucket;
        let url = Url::parse(&request.url)?;
        // Without a region it is not China's or GovCloud's: their keys work nowhere else.
        let region = self.job.target.region.as_ref();
        let partition = region.map_or("aws", |region| partition(region.as_str()));
        let of_check = |is: fn(&_, &_, &_) -> bool| self.places.is_some() && is(endpoint, partition, &url);
        let place = if url.tls != endpoint.tls() {
            return Err(Refusal::Endpoint);
        } else if of_check(address::is_sts) {
            Place::Sts
        } else if of_check(address::is_account) {
            Place::Account
        } else if !address::is_of(endpoint, bucket, partition, url.authority) {
            return Err(Refusal::Endpoint);
        } else {
            address::place(endpoint, bucket, url.path).ok_or(Refusal::Place)?
        };
        let query = Query::parse(url.query)?;
        let operation = match query.operation(request.method, &place).ok_or(Refusal::Operation(request.method))? {
            Operation::UploadPart if headers::has(request, "x-amz-copy-source") => Operation::UploadPartCopy,
            operation => operation,
        };
        self.check_place(operation, &place, &query)?;
        headers::all(&self.job, operation, request)?;
        if let Work::Backup(backup) = &self.job.work {
            backup::check_copy(backup, operation, &query, request)?;
        }
        if let (Work::Check(check), Operation::PutObject) = (&self.job.work, operation) {
            let absent = self.marker_absent && self.unconditional;
            if !check::may_write(check, absent, request) {
                return Err(Refusal::Unconditional);
            }
        }
        if self.must_be_conditional(operation) && !headers::has(request, "if-none-match") {
            return Err(Refusal::Unconditional);
        }
        let body = self.check_body(operation, &query, request.body, frame_body)?;
        self.check_sink(operation, request)?;
        Ok(Permit { operation, tls: url.tls, authority: url.authority, target: url.target, body })
    }

    /// Learns from what the server answered to a request that was permitted.
    pub fn answered(&mut self, request: &Request, operation: Operation, status: u16, answer: &Headers) {
        let refused_as_unknown = matches!(status, 400 | 501);
        if refused_as_unknown && headers::has(request, "if-none-match") {
            self.unconditional = true;
        }
        self.marker_absent |= self.places.is_some() && operation == Operation::GetObject && status == 404;
        if operation == Operation::HeadObject && status == 200 {
            let len = answer.iter().find(|(name, _)| name == "content-length");
            self.object_len = len.and_then(|(_, value)| value.parse().ok());
        }
    }

    /// What the module wants remembered, without what this host has no reason to believe: a later
    /// session would take the word of this one for it.
    #[must_use]
    pub fn vouch(&self, remembered: Remembered) -> Remembered {
        let no_conditional_writes = remembered.no_conditional_writes && self.unconditional;
        Remembered { no_conditional_writes, ..remembered }
    }

    fn check_place(&self, operation: Operation, place: &Place, query: &Query) -> Result<(), Refusal> {
        use Operation as Op;
        let is = |key: &Key| *place == Place::Object(key.as_str().to_owned());
        let is_orphan = |orphans: &[Orphan]| {
            orphans.iter().any(|orphan| is(&orphan.key) && query.get("uploadId") == Some(orphan.upload_id.as_str()))
        };
        let prefix = query.get("prefix").unwrap_or("");
        // Two questions, so that the answer names what is wrong: an operation the job has no use
        // for, or the right one on something else.
        let (useful, right_place) = match (&self.job.work, operation) {
            (Work::Upload(upload), Op::HeadObject | Op::PutObject | Op::CreateMultipartUpload) => {
                (true, is(&upload.key))
            }
            (Work::Upload(upload), Op::UploadPart | Op::CompleteMultipartUpload) => (true, is(&upload.key)),
            (Work::Upload(upload), Op::AbortMultipartUpload | Op::ListParts) => {
                (true, is(&upload.key) || is_orphan(&upload.orphans))
            }
            (Work::Upload(upload), Op::ListObjectsV2) => (true, prefix == upload.key.as_str()),
            (Work::Backup(backup), Op::AbortMultipartUpload | Op::ListParts) => {
                (true, is(&backup.key) || is_orphan(&backup.orphans) || is_orphan(&self.known))
            }
            (Work::Backup(backup), Op::ListObjectsV2) => (true, prefix == backup.key.as_str()),
            (Work::Backup(backup), _) => (backup::is_useful(backup, operation), is(&backup.key)),
            (Work::Fetch(fetch), Op::HeadObject | Op::GetObject) => (true, is(&fetch.key)),
            (Work::Read(read), Op::GetObject) => (true, is(&read.key)),
            (Work::Remove(remove), Op::DeleteObject) => (query.get("versionId").is_none(), remove.keys.iter().any(is)),
            (Work::List(list), Op::ListObjectsV2) => (true, prefix.starts_with(list.prefix.as_str())),
            (Work::Fleet(fleet), Op::ListObjectsV2) => (true, prefix.starts_with(fleet.prefix.as_str())),
            (Work::Abort(abort), Op::AbortMultipartUpload | Op::ListParts) => (true, is_orphan(&abort.orphans)),
            (Work::Check(_), _) => check::useful_and_right(&self.job, self.places.as_ref(), operation, place, query),
            _ => (false, false),
        };
        match (useful, right_place) {
            (true, true) => Ok(()),
            (true, false) => Err(Refusal::Place),
            (false, _) => Err(Refusal::Operation(operation.method())),
        }
    }

    /// Amazon is known to honour the condition, so nothing a server answers lifts it there.
    fn must_be_conditional(&self, operation: Operation) -> bool {
        let overwrite = match &self.job.work {
            Work::Upload(upload) => upload.overwrite,
            Work::Backup(_) => false,
            _ => return false,
        };
        let provider = self.job.target.endpoint.provider;
        let writes = matches!(operation, Operation::PutObject | Operation::CompleteMultipartUpload);
        let honoured = provider.quirks().conditional_writes;
        writes && !overwrite && honoured && (provider == Provider::Aws || !self.unconditional)
    }

    fn check_body<'a>(
        &self,
        operation: Operation,
        query: &Query,
        body: BodySource,
        frame_body: &'a [u8],
    ) -> Result<Body<'a>, Refusal> {
        let source_len = match &self.job.work {
            Work::Upload(upload) => upload.len,
            _ => 0,
        };
        if matches!(self.job.work, Work::Check(_)) {
            return check::body(operation, body, frame_body);
        }
        if let (Work::Backup(backup), Operation::PutObject | Operation::UploadPart | Operation::UploadPartCopy) =
            (&self.job.work, operation)
        {
            return backup::body(backup, operation, query, body);
        }
        match (operation, body) {
            (Operation::CompleteMultipartUpload, BodySource::Inline { start, len }) => {
                let end = start.checked_add(len).filter(|_| len <= MAX_INLINE_BODY);
                let bytes = end.and_then(|end| frame_body.get(start..end));
                bytes.map(Body::Inline).ok_or(Refusal::Body("is not in its frame, or too long"))
            }
            (Operation::PutObject, BodySource::Empty) if source_len == 0 => Ok(Body::Empty),
            (Operation::PutObject, BodySource::Part { offset: 0, len, .. }) if len == source_len => {
                Ok(Body::Source { offset: 0, len })
            }
            (Operation::PutObject, _) => Err(Refusal::Body("is not the whole source")),
            (Operation::UploadPart, BodySource::Part { part, offset, len }) => {
                let within = offset.checked_add(len).is_some_and(|end| end <= source_len);
                if !within || len > MAX_PART_LEN {
                    return Err(Refusal::Body("is not within the source, or too long for a part"));
                }
                if query.get("partNumber") != Some(part.to_string().as_str()) {
                    return Err(Refusal::Body("is another part than its URL says"));
                }
                Ok(Body::Source { offset, len })
            }
            (Operation::CompleteMultipartUpload | Operation::UploadPart, _) => {
                Err(Refusal::Body("is not of the kind that belongs there"))
            }
            (_, BodySource::Empty) => Ok(Body::Empty),
            (_, _) => Err(Refusal::Body("should not be")),
        }
    }

    fn check_sink(&self, operation: Operation, request: &Request) -> Result<(), Refusal> {
        if let Work::Read(read) = &self.job.work {
            return read::sink(read, self.ranges.as_ref(), request);
        }
        let (offset, len) = match &request.sink {
            Sink::Inline => return Ok(()),
            Sink::Tail { .. } => return Err(Refusal::Sink("is of no use to its job")),
            Sink::Range { offset, len, .. } => (offset, len),
        };
        if operation != Operation::GetObject {
            return Err(Refusal::Sink("is not the object's, and would go into the destination"));
        }
        let end = offset.checked_add(*len).filter(|_| *len > 0);
        let Some(end) = end.filter(|&end| self.object_len.is_some_and(|object_len| end <= object_len)) else {
            return Err(Refusal::Sink("would lie outside the object"));
        };
        let range = format!("bytes={offset}-{}", end - 1);
        match headers::value(request, "range") {
            Some(value) if *value == range => Ok(()),
            _ => Err(Refusal::Sink("is another range than the one it asks for")),
        }
    }
}

impl Operation {
    fn method(self) -> Method {
        match self {
            Self::HeadObject => Method::Head,
            Self::GetObject
            | Self::ListParts
            | Self::ListObjectsV2
            | Self::GetBucketVersioning
            | Self::GetObjectLockConfiguration
            | Self::ListObjectVersions
            | Self::ListMultipartUploads
            | Self::ListBuckets => Method::Get,
            Self::PutObject | Self::UploadPart | Self::UploadPartCopy => Method::Put,
            Self::CreateMultipartUpload | Self::CompleteMultipartUpload | Self::GetCallerIdentity => Method::Post,
            Self::AbortMultipartUpload | Self::DeleteObject => Method::Delete,
        }
    }
}

/// The ETag that a fetch or a read is pinned to.
fn pinned_etag(job: &Job) -> Option<&str> {
    match &job.work {
        Work::Fetch(Fetch { etag, .. }) | Work::Read(Read { etag, .. }) => etag.as_deref(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
