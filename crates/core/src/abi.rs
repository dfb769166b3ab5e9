//! The seam: what the host says to the module and what the module answers, as data.
//!
//! One frame in, one frame out. A frame is
//!
//! ```text
//! u32 little-endian header length | header (JSON) | raw body (the rest)
//! ```
//!
//! The body of an input is the body of the HTTP response it reports; the body of an output frame
//! holds the request bodies that are sent [`BodySource::Inline`]. Archive bytes never cross the
//! seam: a request names a part of the source, a response names a sink, and the host moves the
//! bytes. `docs/abi.md` is the prose version.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    digest::{DigestKind, Digests},
    event::Event,
    job::{Job, Remembered},
    journal::Record,
    report::Outcome,
    secret::Credentials,
};

/// Version of the seam; the module exports a function of this name so that a host built for
/// another version refuses it before the first call.
pub const ABI_VERSION: u32 = 1;

/// The largest frame that either side accepts, in bytes.
pub const MAX_FRAME_LEN: usize = 32 << 20;

/// The largest response body that is handed inline to the module, in bytes. A page of 1,000 keys
/// of 1,024 bytes each, every byte XML-escaped, stays below it.
pub const MAX_INLINE_LEN: u64 = 8 << 20;

/// Milliseconds since the Unix epoch, by the host's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Default, Hash)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// This moment plus `ms` milliseconds.
    #[must_use]
    pub fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; 0 when the clock went backwards.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A header and the raw bytes that travel with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<T> {
    /// What is said.
    pub header: T,
    /// Raw bytes that the header refers to.
    pub body: Vec<u8>,
}

/// Why a frame could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// Longer than [`MAX_FRAME_LEN`].
    #[error("a frame of {0} bytes is longer than the {MAX_FRAME_LEN} allowed")]
    TooLong(usize),
    /// Shorter than its own header length says.
    #[error("a frame of {len} bytes ends before its header does (header length {header_len})")]
    Truncated {
        /// Bytes in the frame.
        len: usize,
        /// What its first four bytes announce.
        header_len: usize,
    },
    /// The header is not the JSON that is expected here.
    #[error("a frame's header is not understood: {0}")]
    Header(#[from] serde_json::Error),
}

impl<T: Serialize> Frame<T> {
    /// The frame as bytes.
    ///
    /// # Errors
    /// When it would be longer than [`MAX_FRAME_LEN`].
    pub fn encode(&self) -> Result<Vec<u8>, FrameError> {
        let header = serde_json::to_vec(&self.header)?;
        let len = 4 + header.len() + self.body.len();
        if len > MAX_FRAME_LEN {
            return Err(FrameError::TooLong(len));
        }
        let mut bytes = Vec::with_capacity(len);
        bytes.extend_from_slice(&(header.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&header);
        bytes.extend_from_slice(&self.body);
        Ok(bytes)
    }
}

impl<T: DeserializeOwned> Frame<T> {
    /// Reads a frame.
    ///
    /// # Errors
    /// When it is too long, torn, or its header is not a `T`.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let len = bytes.len();
        if len > MAX_FRAME_LEN {
            return Err(FrameError::TooLong(len));
        }
        let Some((prefix, rest)) = bytes.split_first_chunk::<4>() else {
            return Err(FrameError::Truncated { len, header_len: 0 });
        };
        let header_len = u32::from_le_bytes(*prefix) as usize;
        let Some((header, body)) = rest.split_at_checked(header_len) else {
            return Err(FrameError::Truncated { len, header_len });
        };
        Ok(Self { header: serde_json::from_slice(header)?, body: body.to_vec() })
    }
}

/// Number of a request within a session; answers name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Hash)]
#[serde(transparent)]
pub struct RequestId(pub u32);

/// Header names (lower case) and values, in the order sent or received.
pub type Headers = Vec<(String, String)>;

/// What the host tells the module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "input", rename_all = "snake_case", deny_unknown_fields)]
pub enum Input {
    /// Begin a job. The first input of a session, and sent once.
    Start {
        /// The host's clock.
        now: Millis,
        /// Seeds the jitter; the only entropy the conversation gets.
        seed: u64,
        /// What to do.
        job: Box<Job>,
        /// The keys; `None` sends unsigned (anonymous) requests.
        credentials: Option<Credentials>,
        /// What an earlier run of this job wrote down; empty for a fresh one.
        journal: Vec<Record>,
        /// What earlier sessions learned of this endpoint.
        remembered: Remembered,
    },
    /// Fresh keys, in answer to [`Output::NeedCredentials`].
    Credentials {
        /// The host's clock.
        now: Millis,
        /// The new keys.
        credentials: Option<Credentials>,
    },
    /// A request was answered. The frame's body is the response's, when its sink was inline.
    Response {
        /// The host's clock.
        now: Millis,
        /// Which request.
        id: RequestId,
        /// HTTP status.
        status: u16,
        /// Response headers.
        headers: Headers,
        /// What went into the sink, when the answer's body went there.
        received: Option<Received>,
    },
    /// A request got no answer.
    Failed {
        /// The host's clock.
        now: Millis,
        /// Which request.
        id: RequestId,
        /// Whether the server may have acted on it.
        sent: Sent,
        /// What kind of failure.
        cause: TransportCause,
        /// The host's words for it.
        message: String,
    },
    /// A part asked for by [`Output::NeedPart`] is there, hashed.
    PartReady {
        /// The host's clock.
        now: Millis,
        /// Part number, from 1.
        part: u32,
        /// Bytes in it.
        len: u64,
        /// The digests asked for.
        digests: Digests,
        /// No part comes after it.
        last: bool,
    },
    /// The moment named by [`Output::WaitUntil`] has come.
    Tick {
        /// The host's clock.
        now: Millis,
    },
    /// Stop. The module answers with [`Output::Done`] as soon as it can.
    Cancel {
        /// The host's clock.
        now: Millis,
        /// What becomes of a multipart upload in progress.
        then: AfterCancel,
        /// Why, for the report.
        reason: String,
    },
}

impl Input {
    /// The host's clock when this was said.
    #[must_use]
    pub fn now(&self) -> Millis {
        match self {
            Self::Start { now, .. }
            | Self::Credentials { now, .. }
            | Self::Response { now, .. }
            | Self::Failed { now, .. }
            | Self::PartReady { now, .. }
            | Self::Tick { now }
            | Self::Cancel { now, .. } => *now,
        }
    }
}

/// What becomes of a multipart upload when its job is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterCancel {
    /// Its parts stay in the bucket, so that the next run continues.
    Keep,
    /// It is aborted.
    Abort,
}

/// Whether a failed request may have reached the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sent {
    /// Certainly not: no byte of it left.
    No,
    /// It may have; the server may have acted on it.
    Maybe,
}

/// Where a request without an answer got stuck.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransportCause {
    /// The name did not resolve.
    Dns,
    /// No connection.
    Connect,
    /// No TLS session: a certificate, a version, a host name.
    Tls,
    /// The proxy refused.
    Proxy,
    /// The connection broke.
    Broken,
    /// No byte moved for too long, or too few.
    Stalled,
    /// The answer is not HTTP, or larger than allowed.
    Malformed,
    /// The source could not be read, or the sink not be written; retrying is of no use.
    Local,
    /// The host refused to send it: the request is outside what the job allows.
    Refused,
}

/// What arrived in a sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// Bytes.
    pub len: u64,
    /// The digests that the sink asked for.
    pub digests: Digests,
}

/// What the module tells the host. The host acts on them in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "output", rename_all = "snake_case", deny_unknown_fields)]
pub enum Output {
    /// Send this, signed and complete.
    Request(Request),
    /// Read these bytes of the source and hash them; answer with [`Input::PartReady`].
    NeedPart {
        /// Part number, from 1.
        part: u32,
        /// Where it begins in the source.
        offset: u64,
        /// Its length, in bytes.
        len: u64,
        /// The digests wanted.
        digests: Vec<DigestKind>,
    },
    /// Append this to the journal.
    Journal {
        /// What to write down.
        record: Record,
        /// On disk (fsync) before anything that follows is acted on.
        durable: bool,
    },
    /// Keep this about the endpoint for later sessions.
    Remember(Remembered),
    /// Send [`Input::Tick`] at this moment. A later one replaces an earlier one.
    WaitUntil {
        /// When, by the host's clock.
        at: Millis,
    },
    /// The keys have expired: answer with [`Input::Credentials`].
    NeedCredentials,
    /// Something a person or a log may want to know.
    Event(Event),
    /// The job is over; nothing follows.
    Done(Box<Outcome>),
}

/// A signed request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Names it in the answer.
    pub id: RequestId,
    /// HTTP method.
    pub method: Method,
    /// Absolute URL, encoded, exactly as signed.
    pub url: String,
    /// All headers but `host` and `content-length`, which follow from `url` and `body`.
    pub headers: Headers,
    /// Its body.
    pub body: BodySource,
    /// Where a successful (2xx) answer's body goes; any other answer comes back inline.
    pub sink: Sink,
    /// How long the server may think, after the body is sent, before the first byte of its
    /// answer, in milliseconds.
    pub answer_within_ms: u64,
}

/// The methods that S3 needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)] // their names say it
pub enum Method {
    Get,
    Head,
    Put,
    Post,
    Delete,
}

impl Method {
    /// As written on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// Where a request's body comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodySource {
    /// No body.
    Empty,
    /// These bytes of the output frame's body.
    Inline {
        /// First byte.
        start: usize,
        /// Bytes.
        len: usize,
    },
    /// These bytes of the source, which [`Output::NeedPart`] named before.
    Part {
        /// Part number, from 1.
        part: u32,
        /// Where it begins in the source.
        offset: u64,
        /// Its length, in bytes.
        len: u64,
    },
}

/// Where an answer's body goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sink {
    /// To the module, up to [`MAX_INLINE_LEN`].
    Inline,
    /// To the destination, at this place.
    Range {
        /// Where its first byte belongs in the destination.
        offset: u64,
        /// The length expected, in bytes; another one fails the request.
        len: u64,
        /// The digests wanted of what arrives.
        digests: Vec<DigestKind>,
    },
    /// To the destination, from its beginning: the last bytes of an object, as many as there are.
    Tail {
        /// How many at the most.
        len: u64,
    },
}

/// One side of the conversation: the wasm module, or the same code in process.
pub trait Session {
    /// Takes one input, gives the outputs it leads to.
    ///
    /// # Errors
    /// When the module trapped, ran out of memory or time, or broke the frame's rules: the
    /// session is of no more use then.
    fn handle(&mut self, input: &Frame<Input>) -> Result<Frame<Vec<Output>>, SessionError>;
}

/// The session broke. Never the S3 server's doing: its answers are outcomes.
#[derive(Debug, thiserror::Error)]
#[error("the S3 module failed: {0}")]
pub struct SessionError(pub String);

#[cfg(test)]
mod tests;
