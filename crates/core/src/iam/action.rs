//! The actions that exist, what each is done to, and which condition keys its requests carry.
//!
//! A condition on a key that an action does not have is never met: that is how a policy that looks
//! right refuses everything, and how its remedy allows too much.

mod misnomer;
mod s3;

pub use misnomer::{Misnomer, misnomer};

use serde::Serialize;

/// An action of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    /// With its service: `s3:ListBucket`.
    pub name: &'static str,
    /// How AWS classes it.
    pub level: Level,
    /// What it is done to.
    pub resource: ResourceKind,
    usual: Usual,
    keys: &'static str,
}

/// How AWS classes an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // as AWS calls them
pub enum Level {
    List,
    Read,
    Write,
    Tagging,
    Permissions,
}

/// What an action is done to, and so what ARN it belongs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceKind {
    /// `arn:aws:s3:::BUCKET`
    Bucket,
    /// `arn:aws:s3:::BUCKET/KEY`
    Object,
    /// `*` alone.
    Account,
    /// Access points, Storage Lens, jobs, keys of KMS…
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Usual {
    All,
    NoPayload,
    None,
}

const USUAL: [&str; 5] =
    ["s3:ResourceAccount", "s3:TlsVersion", "s3:authType", "s3:signatureAge", "s3:signatureversion"];
const PAYLOAD: &str = "s3:x-amz-content-sha256";
const ACL: [&str; 6] = [
    "s3:x-amz-acl",
    "s3:x-amz-grant-full-control",
    "s3:x-amz-grant-read",
    "s3:x-amz-grant-read-acp",
    "s3:x-amz-grant-write",
    "s3:x-amz-grant-write-acp",
];
/// Of the bucket, so of everything in it.
const OF_THE_BUCKET: [&str; 2] = ["aws:ResourceTag/*", "s3:BucketTag/*"];
/// Global by their name only: they exist for actions that set tags or touch tagged things.
const TAG_KEYS: [&str; 3] = ["aws:RequestTag/", "aws:ResourceTag/", "aws:TagKeys"];

const KMS_KEYS: &str = "kms:CallerAccount kms:EncryptionAlgorithm kms:EncryptionContext:* kms:EncryptionContextKeys \
                        kms:RequestAlias kms:ViaService aws:ResourceTag/*";

const fn other(name: &'static str, level: Level, resource: ResourceKind, keys: &'static str) -> Action {
    Action { name, level, resource, usual: Usual::None, keys }
}

/// Those beyond S3 that a backup meets.
const BEYOND_S3: &[Action] = &[
    other("kms:Decrypt", Level::Write, ResourceKind::Other, KMS_KEYS),
    other("kms:DescribeKey", Level::Read, ResourceKind::Other, KMS_KEYS),
    other("kms:Encrypt", Level::Write, ResourceKind::Other, KMS_KEYS),
    other("kms:GenerateDataKey", Level::Write, ResourceKind::Other, KMS_KEYS),
    other("sts:GetCallerIdentity", Level::Read, ResourceKind::Account, ""),
];

/// All actions that are known here: all of S3's, some of KMS and STS.
pub fn all() -> impl Iterator<Item = &'static Action> {
    s3::S3.iter().chain(BEYOND_S3)
}

/// The action of a name; actions know no case.
#[must_use]
pub fn find(name: &str) -> Option<&'static Action> {
    all().find(|action| action.name.eq_ignore_ascii_case(name))
}

/// Whether any action has a condition key: if not, the key is mistyped.
#[must_use]
pub fn key_exists(key: &str) -> bool {
    all().any(|action| action.has_key(key))
}

impl Action {
    /// Its condition keys, those of every request to AWS left out. One that ends in `*` stands for
    /// a family: `s3:ExistingObjectTag/*`.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> {
        let usual: &[&str] = if self.usual == Usual::None { &[] } else { &USUAL };
        let acl: &[&str] = if self.keys.starts_with("+acl") { &ACL } else { &[] };
        let bucket = matches!(self.resource, ResourceKind::Bucket | ResourceKind::Object);
        let bucket: &[&str] = if bucket { &OF_THE_BUCKET } else { &[] };
        let payload = (self.usual == Usual::All).then_some(PAYLOAD);
        let own = self.keys.split_whitespace().filter(|key| *key != "+acl");
        usual.iter().chain(acl).chain(bucket).copied().chain(payload).chain(own)
    }

    /// Whether its requests can carry a condition key. Keys know no case.
    #[must_use]
    pub fn has_key(&self, key: &str) -> bool {
        if starts_with(key, "aws:") && !TAG_KEYS.iter().any(|tags| starts_with(key, tags)) {
            return true;
        }
        self.keys().any(|known| match known.strip_suffix('*') {
            Some(family) => starts_with(key, family) && key.len() > family.len(),
            None => known.eq_ignore_ascii_case(key),
        })
    }
}

fn starts_with(text: &str, head: &str) -> bool {
    text.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_whole_and_without_doubles() {
        let names: Vec<_> = s3::S3.iter().map(|action| action.name).collect();
        assert!(names.is_sorted() && names.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(names.len(), 180);
        let objects = s3::S3.iter().filter(|action| action.resource == ResourceKind::Object);
        assert_eq!(objects.count(), 44);
    }

    #[test]
    fn s3_prefix_belongs_to_two_listings_alone() {
        for key in ["s3:prefix", "s3:delimiter", "S3:Max-Keys"] {
            let having: Vec<_> = all().filter(|action| action.has_key(key)).map(|action| action.name).collect();
            assert_eq!(having, ["s3:ListBucket", "s3:ListBucketVersions"], "{key}");
        }
    }

    #[test]
    fn keys_are_those_of_the_reference() {
        let has = |action: &str, key: &str| find(action).unwrap_or_else(|| panic!("{action}")).has_key(key);
        assert!(has("s3:putobject", "s3:if-none-match") && has("s3:PutObject", "s3:x-amz-acl"));
        assert!(has("s3:PutObject", "s3:RequestObjectTag/site") && !has("s3:PutObject", "s3:RequestObjectTag/"));
        assert!(!has("s3:GetObject", "s3:if-none-match") && !has("s3:ListBucket", "s3:x-amz-acl"));
        assert!(has("s3:GetObjectVersion", "s3:VersionId") && !has("s3:GetObject", "s3:versionid"));
        assert!(has("s3:ListAllMyBuckets", "aws:SourceIp") && !has("s3:ListAllMyBuckets", "aws:ResourceTag/x"));
        assert!(has("s3:CreateBucket", "aws:RequestTag/x") && !has("s3:GetObject", "aws:TagKeys"));
        assert!(has("kms:Decrypt", "kms:EncryptionContext:aws:s3:arn") && !has("kms:Decrypt", "s3:prefix"));
        assert!(key_exists("s3:prefix") && key_exists("AWS:UserName") && !key_exists("s3:prefixes"));
    }

    #[test]
    fn what_an_action_is_done_to() {
        let kind = |action: &str| find(action).map(|action| action.resource);
        assert_eq!(kind("s3:ListBucket"), Some(ResourceKind::Bucket));
        assert_eq!(kind("s3:ListMultipartUploadParts"), Some(ResourceKind::Object));
        assert_eq!(kind("s3:ListAllMyBuckets"), Some(ResourceKind::Account));
        assert_eq!(kind("s3:HeadBucket"), None);
    }
}
