//! What a job writes down before it acts, so that a run after a crash can go on.
//!
//! The rule: a record is on disk before the request that it describes is sent (`Planned` before
//! CreateMultipartUpload, `Completing` before CompleteMultipartUpload), and an upload id before
//! the first part. A lost [`Record::Part`] costs that part once more, nothing else.

use serde::{Deserialize, Serialize};

use crate::{
    abi::Millis,
    digest::Digests,
    job::Base,
    name::{Key, UploadId},
    plan::{Geometry, Schedule},
    provider::Rung,
};

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case", deny_unknown_fields)]
pub enum Record {
    /// A multipart upload is about to be created; everything before this line is history.
    Planned {
        /// Frozen for the upload's life.
        geometry: Geometry,
        /// The checksum that the upload is declared with.
        rung: Rung,
        /// When.
        at: Millis,
    },
    /// The same, for a backup, whose length nobody knows yet.
    PlannedBackup {
        /// The object's key.
        key: Key,
        /// What it begins with: a part each.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base: Option<Base>,
        /// The lengths of the parts behind: frozen for the upload's life.
        schedule: Schedule,
        /// The checksum that the upload is declared with.
        rung: Rung,
        /// When.
        at: Millis,
    },
    /// It exists.
    Created {
        /// Its id.
        upload_id: UploadId,
        /// When a lifecycle rule will abort it (`x-amz-abort-date`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        abort_at: Option<Millis>,
    },
    /// A part has arrived.
    Part {
        /// Part number, from 1.
        part: u32,
        /// Its length, in bytes.
        len: u64,
        /// What was sent, by our own hashing.
        digests: Digests,
        /// What the server calls it.
        etag: String,
    },
    /// A later run goes on with a stream of its own behind this part. What earlier runs sent behind
    /// it belongs to other streams: it never again counts.
    Resumed {
        /// The last part that was kept; 0 when there is none.
        part: u32,
    },
    /// CompleteMultipartUpload (or PutObject, for a small archive) is about to be sent.
    Completing {
        /// When.
        at: Millis,
        /// The object's length, in bytes, where the plan does not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        len: Option<u64>,
        /// The number of its parts, where the plan does not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parts: Option<u32>,
    },
    /// The object is there.
    Completed {
        /// Its ETag.
        etag: String,
        /// Its length, in bytes.
        len: u64,
        /// CRC-64/NVME of the whole, base64, when it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        crc64nvme: Option<String>,
        /// The length of its parts but the last, when it was sent in parts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        part_len: Option<u64>,
    },
    /// The multipart upload is gone.
    Aborted {
        /// Which one.
        upload_id: UploadId,
    },
    /// A download of this object has begun; everything before this line is history.
    Fetching {
        /// Its ETag.
        etag: String,
        /// Its length, in bytes.
        len: u64,
        /// The length of the ranges but the last.
        range_len: u64,
    },
    /// A range has arrived and was written.
    Range {
        /// Its number, from 1.
        part: u32,
        /// What was written.
        digests: Digests,
    },
}
