//! What a session is asked to do, as data.
//!
//! This is the job as the module sees it: addresses, sizes and wishes, no file names. The job
//! that the command line and the plugin write (`docs/job.md`) is the host's.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    endpoint::Endpoint,
    error::Error,
    name::{Bucket, Key, Prefix, Region, UploadId},
    plan::Extent,
    provider::Rung,
};

/// One run of one conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Names the run: in the object's metadata, in reports, in logs.
    pub run: String,
    /// Where.
    pub target: Target,
    /// What.
    pub work: Work,
    /// How long to go on when nothing succeeds any more, in milliseconds.
    pub patience_ms: u64,
    /// Requests in flight at the most.
    pub concurrency: u32,
}

/// A bucket on an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The server.
    pub endpoint: Endpoint,
    /// The region to sign for; learned from the server's answers when it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// The bucket.
    pub bucket: Bucket,
    /// `x-amz-expected-bucket-owner`: requests fail if the bucket is someone else's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_owner: Option<String>,
}

/// The conversations there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Work {
    /// Send an archive.
    Upload(Box<Upload>),
    /// List objects.
    List(List),
    /// Find each client's newest backup.
    Fleet(Fleet),
    /// Get an object, to keep it or only to verify it.
    Fetch(Fetch),
    /// Abort multipart uploads of our own.
    Abort(Abort),
    /// Ask what these keys may do, and what they may not.
    Check(Check),
    /// Say what an error means. Nothing is sent.
    Explain(Box<Explain>),
    /// Make an object of bytes that are in the bucket already and of a stream.
    Backup(Box<Backup>),
    /// Get some bytes of an object.
    Read(Read),
    /// Delete objects.
    Remove(Remove),
    /// Make a URL by which anyone can get an object for a while. Nothing is sent.
    Presign(Presign),
}

/// Make an object of bytes of an earlier one, copied by the server, and of a stream whose length
/// nobody knows before its end.
///
/// Where the base cannot be copied (it has changed or is gone, may not be read, or the server
/// copies nothing), the job fails with an error that is [`Error::is_of_copy`], leaves nothing
/// behind, and a backup without a base may fare better. A provider whose quirks say `equal_parts`
/// or no `part_copy` is given no base in the first place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// The object's key. It must not exist.
    pub key: Key,
    /// What the object begins with, if there is something to copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Base>,
    /// Bytes that the stream will come to, about: part sizes are planned with it.
    pub estimate: u64,
    /// Parts of the stream that the host may have to hold at the same time.
    pub window: u32,
    /// Headers of the object to be.
    #[serde(default)]
    pub object: ObjectSettings,
    /// Multipart uploads of our own that an earlier run left behind, to be aborted first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orphans: Vec<Orphan>,
}

/// An object to copy from, and which of its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// Its key, in the same bucket.
    pub key: Key,
    /// Its ETag: another object of the same name is not copied.
    pub etag: String,
    /// What the new object begins with, in this order: one part each, so each has at least the
    /// provider's smallest part length and at most [`crate::plan::MAX_PART_LEN`].
    pub parts: Vec<Extent>,
}

/// Get some bytes of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// The object's key.
    pub key: Key,
    /// Only this version of it: its ETag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Which bytes.
    pub what: Stretch,
}

/// Which bytes of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stretch {
    /// The last ones, this many at the most; one request.
    Tail {
        /// Bytes.
        len: u64,
    },
    /// These, one after another: the destination gets them as if they were one.
    Extents(Vec<Extent>),
}

/// Delete objects, one request each. What is not there counts as deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remove {
    /// Which.
    pub keys: Vec<Key>,
}

/// Make a URL by which anyone can get an object for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presign {
    /// The object's key.
    pub key: Key,
    /// How long it can be got, in seconds; at most a week.
    pub expires_s: u64,
    /// The name that a browser saves it under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
}

/// Send an archive whose length is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    /// The object's key.
    pub key: Key,
    /// The archive's length, in bytes.
    pub len: u64,
    /// The part length wanted, in bytes; planned when not given, and frozen once an upload has
    /// begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_len: Option<u64>,
    /// Replace an object that exists.
    #[serde(default)]
    pub overwrite: bool,
    /// Headers of the object to be.
    #[serde(default)]
    pub object: ObjectSettings,
    /// Multipart uploads of our own that an earlier run left behind, to be aborted first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orphans: Vec<Orphan>,
}

/// How the object is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectSettings {
    /// `x-amz-storage-class`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    /// Encryption at rest.
    #[serde(default)]
    pub encryption: Encryption,
    /// `x-amz-tagging`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// `x-amz-meta-…`; names without that beginning.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// `content-type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// Encryption at rest, by the server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// What the bucket does by itself.
    #[default]
    BucketDefault,
    /// SSE-S3.
    Aes256,
    /// SSE-KMS, with this key or with the account's own.
    Kms {
        /// The key's id or ARN.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key_id: Option<String>,
    },
}

/// A multipart upload of ours that no journal continues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orphan {
    /// Of which key.
    pub key: Key,
    /// Which one.
    pub upload_id: UploadId,
}

/// List objects below a prefix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Where to begin.
    pub prefix: Prefix,
    /// Stop at the next `/`, and name what is below it once.
    #[serde(default)]
    pub shallow: bool,
}

/// Find each client's newest backup: a client is a prefix directly below this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fleet {
    /// What all clients' prefixes begin with.
    pub prefix: Prefix,
    /// A newest backup that is older than this is stale, in milliseconds.
    pub max_age_ms: u64,
    /// Clients that must be there, without their slash.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub expected: BTreeSet<String>,
}

/// Get an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fetch {
    /// The object's key.
    pub key: Key,
    /// Only this version of it: its ETag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The bytes are kept, and what an earlier run kept can be read again. When `false` the
    /// object is read, hashed and forgotten.
    pub keep: bool,
    /// What we know of the object from the run that sent it, as one more thing to compare with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<Known>,
}

/// What the run that sent an object wrote down about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Its ETag then: what follows holds only while it is the same.
    pub etag: String,
    /// Its length.
    pub len: u64,
    /// The length of its parts but the last, when it was sent in parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_len: Option<u64>,
    /// CRC-64/NVME of the whole object, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crc64nvme: Option<String>,
}

/// Abort multipart uploads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Abort {
    /// Which ones.
    pub orphans: Vec<Orphan>,
}

/// Ask what these keys may do, and what they may not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The site's own prefix.
    pub prefix: Prefix,
    /// How backups will be stored: each setting may need a permission of its own.
    #[serde(default)]
    pub object: ObjectSettings,
    /// The site's id, to leave a marker with that proves reading; `None` leaves none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
    /// Also ask whether what lies outside the prefix is closed.
    #[serde(default)]
    pub isolation: bool,
    /// An object of another client that is known to exist: whether it can be read is asked, by a
    /// HEAD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Key>,
}

/// The longest text that is explained, in bytes.
pub const MAX_EXPLAIN_LEN: usize = 1 << 20;

/// Say what an error means.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explain {
    /// What a person pasted: errors, logs, and whatever stood around them. At the most
    /// [`MAX_EXPLAIN_LEN`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// What a job of ours wrote down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Recorded>,
    /// The bucket, where the text does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Bucket>,
    /// The prefix that is the client's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<Prefix>,
}

/// How a job of ours failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// What it said; with evidence, else there is nothing to explain.
    pub error: Error,
    /// The object that the job was about.
    pub key: Key,
}

/// What earlier sessions learned of a bucket on an endpoint. The host keeps it; it may be lost at
/// any time, and then costs a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remembered {
    /// The bucket's region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// The highest rung of the checksum ladder that the server took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rung: Option<Rung>,
    /// Conditional writes are refused as unknown.
    #[serde(default)]
    pub no_conditional_writes: bool,
    /// `x-amz-mp-object-size` is refused as unknown.
    #[serde(default)]
    pub no_object_size: bool,
    /// Copied parts are refused in an upload that was declared with a checksum.
    #[serde(default)]
    pub no_copy_checksums: bool,
}
