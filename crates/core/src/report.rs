//! How a job ended.

use serde::{Deserialize, Serialize};

use crate::{error::Error, explanation::Explanation, fleet::FleetReport, provider::Rung, verdict::CheckReport};

/// The end of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It did what it was asked.
    Done(Report),
    /// It did not.
    Failed(Error),
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case", deny_unknown_fields)]
pub enum Report {
    /// An archive is in the bucket.
    Upload(UploadReport),
    /// A listing is complete.
    List {
        /// Objects listed.
        objects: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// Every client was looked at; each was told as an event.
    Fleet(FleetReport),
    /// An object was fetched and compared.
    Fetch(FetchReport),
    /// Multipart uploads of ours are gone.
    Abort {
        /// How many.
        aborted: u32,
    },
    /// What these keys may do is known.
    Check(Box<CheckReport>),
    /// An error was explained.
    Explain(Explanation),
    /// A backup is in the bucket.
    Backup(BackupReport),
    /// Bytes of an object have arrived.
    Read(ReadReport),
    /// Objects were deleted; those that were not are told as warnings.
    Remove {
        /// How many are gone.
        removed: u64,
        /// How many could not be deleted.
        failed: u64,
    },
    /// A URL was made.
    Presign {
        /// It holds a signature: whoever has it can get the object.
        url: String,
    },
}

/// A backup is in the bucket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupReport {
    /// The object's ETag, without quotes.
    pub etag: String,
    /// Its version, where the bucket keeps versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// Its length, in bytes.
    pub len: u64,
    /// Parts it was made of.
    pub parts: u32,
    /// Bytes that the server copied from an earlier object.
    pub bytes_copied: u64,
    /// Bytes that travelled in this run.
    pub bytes_sent: u64,
    /// Bytes that an earlier run of the same backup had sent.
    pub bytes_kept: u64,
    /// CRC-64/NVME of the whole, base64, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crc64nvme: Option<String>,
    /// What proves that it arrived whole.
    pub proof: Proof,
    /// Requests sent again.
    pub retries: u32,
}

/// Bytes of an object have arrived.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadReport {
    /// The object's ETag, without quotes. Where no bytes were wanted nothing is asked, and it is
    /// the one that the job named, if any.
    pub etag: String,
    /// The object's length, in bytes; 0 where nothing was asked.
    pub object_len: u64,
    /// Bytes that arrived.
    pub len: u64,
}

/// An archive is in the bucket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadReport {
    /// The object's ETag, without quotes.
    pub etag: String,
    /// Its version, where the bucket keeps versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// Its length, in bytes.
    pub len: u64,
    /// Parts it was sent in.
    pub parts: u32,
    /// Bytes that travelled in this run.
    pub bytes_sent: u64,
    /// Bytes that an earlier run had sent.
    pub bytes_kept: u64,
    /// CRC-64/NVME of the whole, base64, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crc64nvme: Option<String>,
    /// What proves that it arrived whole.
    pub proof: Proof,
    /// Requests sent again.
    pub retries: u32,
}

/// What an upload's claim to be whole rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Each part was checked by the server or by us on this rung.
    pub parts: Rung,
    /// The server compared the whole object's CRC-64/NVME with ours.
    pub whole: bool,
    /// The object was looked at afterwards, and its size and ETag agree.
    pub looked: bool,
}

/// An object was fetched and compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchReport {
    /// The object's ETag, without quotes.
    pub etag: String,
    /// Its length, in bytes.
    pub len: u64,
    /// Bytes that travelled in this run.
    pub bytes_received: u64,
    /// CRC-64/NVME of the bytes that arrived, base64, when it was computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crc64nvme: Option<String>,
    /// What the bytes were compared with; empty when there was nothing to compare with.
    pub compared_with: Vec<Compared>,
}

/// A thing that fetched bytes were compared with, and agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compared {
    /// The checksum that the server keeps of the whole object.
    ServerChecksum,
    /// The object's ETag, recomputed from MD5s.
    Etag,
    /// The checksum that our own run wrote down when it sent the object.
    OurRecord,
    /// Of a backup, the SHA-256 of every member, as its central directory holds them.
    Members,
}
