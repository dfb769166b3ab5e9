//! One S3 call before it is signed, and the answer to it.
//!
//! An operation builds a [`Call`] and parses an [`Answer`]; it knows bytes, not order. Signing,
//! retrying and dating are the conversation's.

use crate::{
    abi::{Headers, Method, Received, Sink},
    digest::DigestKind,
};

/// An unsigned request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// As AWS names it: `UploadPart`.
    pub operation: &'static str,
    /// HTTP method.
    pub method: Method,
    /// Whose business it is; mostly the bucket's.
    pub of: Of,
    /// The object's key; empty for the bucket itself.
    pub key: String,
    /// Names and values, not encoded; a value may be empty (`?uploads`).
    pub query: Vec<(&'static str, String)>,
    /// Headers but `host`, `content-length` and what signing adds.
    pub headers: Headers,
    /// The body.
    pub payload: Payload,
    /// Where a successful answer's body goes.
    pub sink: Sink,
    /// What IAM asks for, for the words of a denial.
    pub permission: Permission,
    /// Whether the server may get it twice.
    pub repeat: Repeat,
    /// Milliseconds that the server may think before it answers.
    pub answer_within_ms: u64,
}

/// Whom a call asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// The bucket, or an object in it.
    Bucket,
    /// The endpoint itself: it lists its buckets.
    Account,
    /// Amazon's Security Token Service: it tells whose keys they are.
    Sts,
}

/// What a call needs to be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// `s3:PutObject`.
    pub action: &'static str,
    /// What its ARN names.
    pub resource: Resource,
}

/// What an action applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// `arn:aws:s3:::BUCKET`.
    Bucket,
    /// `arn:aws:s3:::BUCKET/KEY`.
    Object,
    /// `*`: no bucket is named.
    Everything,
}

/// Whether a call can be sent again when nobody knows if it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// A second time does what the first did.
    Harmless,
    /// The job has to look first.
    LookFirst,
}

/// A request's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// None.
    Empty,
    /// These bytes.
    Inline(Vec<u8>),
    /// A part of the source, which the host reads.
    Part {
        /// Part number, from 1.
        part: u32,
        /// Where it begins in the source.
        offset: u64,
        /// Its length, in bytes.
        len: u64,
        /// Its SHA-256, where the payload is signed.
        sha256: Option<[u8; 32]>,
    },
}

/// What a server answered.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: &'a Headers,
    /// The body, when it came inline.
    pub body: &'a [u8],
    /// What went into the sink, when it went there.
    pub received: Option<&'a Received>,
}

impl Answer<'_> {
    /// The value of a header, by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether the status is 2xx. The body may still hold an error.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Call {
    /// A call without query, headers or body, answered inline within 30 seconds, safe to repeat.
    #[must_use]
    pub fn new(operation: &'static str, method: Method, key: impl Into<String>, permission: Permission) -> Self {
        Self {
            operation,
            method,
            of: Of::Bucket,
            key: key.into(),
            query: Vec::new(),
            headers: Vec::new(),
            payload: Payload::Empty,
            sink: Sink::Inline,
            permission,
            repeat: Repeat::Harmless,
            answer_within_ms: 30_000,
        }
    }

    /// Adds a query parameter.
    #[must_use]
    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Adds a header; its name in lower case.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// The sink of a ranged GET.
#[must_use]
pub fn range_sink(offset: u64, len: u64, digests: &[DigestKind]) -> Sink {
    Sink::Range { offset, len, digests: digests.to_vec() }
}
