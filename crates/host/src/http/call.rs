//! One request and its answer, as the rest of the runner sees them.

use std::{
    fmt,
    io::{Read, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use holdfast_core::abi::Method;

/// A request, signed and complete.
pub struct Call<'a> {
    /// HTTP method.
    pub method: Method,
    /// Absolute URL. It goes out byte for byte, because it is signed.
    pub url: &'a str,
    /// All headers but `host` and `content-length`, which follow from `url` and `body`.
    pub headers: &'a [(String, String)],
    /// What is sent.
    pub body: Body<'a>,
    /// Where a 2xx answer's body goes; `None` and any other answer: inline.
    pub sink: Option<Sink<'a>>,
    /// How long the server may think, after the body is sent, before its answer's head is there.
    pub answer_within: Duration,
    /// Set it, and the call ends within moments.
    pub cancelled: &'a Arc<AtomicBool>,
    /// Counts as the bodies move; a fresh one for each call.
    pub progress: &'a Arc<Progress>,
}

/// A request's body. Its length is always announced, never chunked.
pub enum Body<'a> {
    /// Nothing; `PUT` and `POST` say `content-length: 0`.
    Empty,
    /// These bytes.
    Bytes(&'a [u8]),
    /// What this reader gives, exactly `len` bytes of it.
    Reader {
        /// Read in pieces, once.
        reader: &'a mut dyn Read,
        /// Bytes to send. A reader that ends before fails the call; more is left unread.
        len: u64,
    },
}

impl Body<'_> {
    /// Bytes to send.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Reader { len, .. } => *len,
        }
    }

    /// No bytes to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same body for a shorter time.
    pub fn reborrow(&mut self) -> Body<'_> {
        match self {
            Self::Empty => Body::Empty,
            Self::Bytes(bytes) => Body::Bytes(bytes),
            Self::Reader { reader, len } => Body::Reader { reader: &mut **reader, len: *len },
        }
    }
}

/// Where the body of a successful answer goes, as it arrives.
pub struct Sink<'a> {
    /// Takes the bytes in order.
    pub writer: &'a mut dyn Write,
    /// What was asked for; another answer fails the call.
    pub wanted: Wanted,
}

/// Which bytes of an object a call asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A run of them. Only from byte 0 on may the answer be other than a range.
    Range {
        /// The first one.
        offset: u64,
        /// How many, exactly.
        len: u64,
    },
    /// The last ones, or all where there are no more.
    Last {
        /// How many at the most.
        len: u64,
    },
}

impl Sink<'_> {
    /// The same sink for a shorter time.
    pub fn reborrow(&mut self) -> Sink<'_> {
        Sink { writer: &mut *self.writer, wanted: self.wanted }
    }
}

/// How far the bodies are, to be read from another thread.
#[derive(Debug, Default)]
pub struct Progress {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Progress {
    /// Bytes of the request's body that the system has taken to send.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Bytes of the answer's body that have arrived.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    pub(crate) fn add_sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn add_received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// What the server said, whatever it was.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case, in the order received.
    pub headers: Vec<(String, String)>,
    /// The body, when it did not go to the sink.
    pub body: Vec<u8>,
    /// Bytes that went to the sink.
    pub sunk: Option<u64>,
}

impl Answer {
    /// The first header of this name, which is given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Bodies of credential services are answers too: their bytes stay out of logs.
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("body_len", &self.body.len())
            .field("sunk", &self.sunk)
            .finish_non_exhaustive()
    }
}
