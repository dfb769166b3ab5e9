//! What happens on the way, for people and for logs. Nothing in here is secret.

use serde::{Deserialize, Serialize};

use crate::{abi::Millis, error::Error, fleet::Client, provider::Rung};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// How an archive will be sent, or an object be fetched.
    Planned {
        /// Bytes in all.
        len: u64,
        /// Parts; 1 when it goes in a single request.
        parts: u32,
        /// Bytes in a part but the last.
        part_len: u64,
    },
    /// An earlier run is continued.
    Resumed {
        /// Parts that need not travel again.
        parts_kept: u32,
        /// Bytes in them.
        bytes_kept: u64,
        /// Parts that the earlier run sent and that could not be trusted.
        parts_dropped: u32,
    },
    /// An earlier run cannot be continued.
    StartedAfresh {
        /// Why.
        why: String,
    },
    /// A part has arrived and was proved whole.
    PartDone {
        /// Part number, from 1.
        part: u32,
        /// Bytes in it.
        len: u64,
    },
    /// A part was copied by the server from an earlier object.
    PartCopied {
        /// Part number, from 1.
        part: u32,
        /// Bytes in it.
        len: u64,
    },
    /// A request failed and will be sent again.
    Retry {
        /// What was asked.
        operation: String,
        /// How many times it was sent so far.
        attempt: u32,
        /// How long until the next time, in milliseconds.
        wait_ms: u64,
        /// What went wrong.
        why: String,
    },
    /// The number of requests in flight was changed.
    Pace {
        /// The new limit.
        concurrency: u32,
        /// Why.
        why: String,
    },
    /// The server does not take a checksum; a lesser one is used.
    SteppedDown {
        /// What was refused.
        from: Rung,
        /// What is tried next.
        to: Rung,
        /// The server's words.
        why: String,
    },
    /// The bucket's region was learned from the server.
    Region {
        /// Its name.
        region: String,
    },
    /// The server's clock and ours differ; requests are dated by the server's.
    ClockOffset {
        /// Milliseconds to add to our clock.
        offset_ms: i64,
    },
    /// One object of a listing.
    Entry(Entry),
    /// What is below this prefix was not listed further.
    CommonPrefix {
        /// The prefix.
        prefix: String,
    },
    /// Clients of a fleet that are known so far.
    ClientsFound {
        /// How many.
        clients: u64,
    },
    /// One client of a fleet.
    Client(Client),
    /// An object was deleted, or was not there.
    Removed {
        /// Its key.
        key: String,
        /// The bucket keeps versions: a delete marker hides it, and its bytes are still paid for.
        #[serde(default)]
        versioned: bool,
    },
    /// Not as it should be, and not fatal.
    Warning(Error),
    /// The moment a request went out, for tracing; only with `--verbose`.
    Sending {
        /// What is asked.
        operation: String,
        /// When.
        at: Millis,
    },
}

/// An object, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// Its length, in bytes.
    pub len: u64,
    /// Its ETag, without quotes.
    pub etag: String,
    /// ISO 8601, as the server gave it.
    pub last_modified: String,
    /// Where it is kept; empty when the server does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub storage_class: String,
}
