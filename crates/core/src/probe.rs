//! What Test connection asks, as data: each probe, what it is for, the action and the ARN it
//! proves, and the keys it may touch. When they are asked is `s3::job::check`'s; what the answers
//! come to is [`crate::verdict`]'s.
//!
//! No probe touches anything that exists but the marker. The keys of the others end in the run's
//! own random name; the upload id is one that no server gave out; a DELETE is conditional.
//!
//! S3 authenticates, then authorizes, then looks whether the thing is there: so a 403 is a denial
//! and a 404 is a permission. Seen so on MinIO and versitygw; on AWS it is documented for some
//! operations only, which is why nothing else than a 403 is ever called a denial.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    job::Check,
    name::{Bucket, Key, Prefix},
};

/// The object that the first successful check leaves in the prefix, for good.
pub const MARKER: &str = "holdfast-site.json";

/// The beginning of the names of what is asked about and never there.
const PROBE: &str = "holdfast-probe-";

/// An upload id that no server gives out, in letters that every server takes for one.
pub const NO_UPLOAD: &str = "holdfastProbeNoSuchUpload00000000000000000000000000000000000000000000000000000000";

/// `Content-MD5` of nothing that we send: what comes with it is refused, if it is looked at.
pub const WRONG_MD5: &str = "VVVVVVVVVVVVVVVVVVVVVQ==";

/// A version that nothing has that is never there.
pub const NO_VERSION: &str = "null";

/// The body of the question whose keys these are, to Amazon's Security Token Service.
pub const WHO_AM_I: &str = "Action=GetCallerIdentity&Version=2011-06-15";

/// A question about the site's own prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // `purpose` says it
pub enum Probe {
    List,
    Put,
    Tag,
    Encrypt,
    ListParts,
    Abort,
    Get,
    Decrypt,
    Copy,
    Delete,
    DeleteVersion,
    Overwrite,
    Versioning,
    ObjectLock,
}

/// What an action applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// The bucket, when the request is about the prefix.
    Prefix,
    /// The bucket.
    Bucket,
    /// The objects below the prefix.
    Objects,
    /// The KMS key.
    KmsKey,
    /// Everything.
    Account,
}

impl Probe {
    /// What it is for, as the rest of a sentence.
    #[must_use]
    pub fn purpose(self) -> &'static str {
        match self {
            Self::List => "find the backups",
            Self::Put => "store backups",
            Self::Tag => "tag them",
            Self::Encrypt => "encrypt with the KMS key",
            Self::ListParts => "continue after an interruption",
            Self::Abort => "clean up after an interruption",
            Self::Get => "read backups back",
            Self::Decrypt => "decrypt with the KMS key",
            Self::Copy => "send only what has changed (copy on the server)",
            Self::Delete => "remove backups that are due",
            Self::DeleteVersion => "destroy older versions for good",
            Self::Overwrite => "overwrite what is there",
            Self::Versioning => "see whether versions are kept",
            Self::ObjectLock => "see whether Object Lock is on",
        }
    }

    /// The IAM action.
    #[must_use]
    pub fn action(self) -> &'static str {
        match self {
            Self::List => "s3:ListBucket",
            Self::Put | Self::Copy | Self::Overwrite => "s3:PutObject",
            Self::Tag => "s3:PutObjectTagging",
            Self::Encrypt => "kms:GenerateDataKey",
            Self::ListParts => "s3:ListMultipartUploadParts",
            Self::Abort => "s3:AbortMultipartUpload",
            Self::Get => "s3:GetObject",
            Self::Decrypt => "kms:Decrypt",
            Self::Delete => "s3:DeleteObject",
            Self::DeleteVersion => "s3:DeleteObjectVersion",
            Self::Versioning => "s3:GetBucketVersioning",
            Self::ObjectLock => "s3:GetBucketObjectLockConfiguration",
        }
    }

    /// What the action applies to.
    #[must_use]
    pub fn on(self) -> On {
        match self {
            Self::List => On::Prefix,
            Self::Versioning | Self::ObjectLock => On::Bucket,
            Self::Encrypt | Self::Decrypt => On::KmsKey,
            _ => On::Objects,
        }
    }
}

/// A way out of the site's own prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // `question` says it
pub enum Hole {
    ListAll,
    ListTop,
    ListOther,
    ListLookalike,
    ListUploads,
    ListVersions,
    ListBuckets,
    Read,
    Write,
    Delete,
    Abort,
    ListParts,
}

impl Hole {
    /// What an open one lets this key do.
    #[must_use]
    pub fn lets(self) -> &'static str {
        match self {
            Self::ListAll => "list every object of the whole bucket",
            Self::ListTop => "see the names of all top-level folders, and so of all clients",
            Self::ListOther => "list another client's objects",
            Self::ListLookalike => "list a client whose name begins with this one's (client1 and client10)",
            Self::ListUploads => "see the names of everything that any client is uploading",
            Self::ListVersions => "list every version of every object of the bucket",
            Self::ListBuckets => "see the names of all buckets of the account",
            Self::Read => "read another client's objects",
            Self::Write => "write into another client's folder",
            Self::Delete => "delete another client's objects",
            Self::Abort => "abort another client's uploads",
            Self::ListParts => "list the parts of another client's uploads",
        }
    }

    /// The IAM action.
    #[must_use]
    pub fn action(self) -> &'static str {
        match self {
            Self::ListAll | Self::ListTop | Self::ListOther | Self::ListLookalike => "s3:ListBucket",
            Self::ListUploads => "s3:ListBucketMultipartUploads",
            Self::ListVersions => "s3:ListBucketVersions",
            Self::ListBuckets => "s3:ListAllMyBuckets",
            Self::Read => "s3:GetObject",
            Self::Write => "s3:PutObject",
            Self::Delete => "s3:DeleteObject",
            Self::Abort => "s3:AbortMultipartUpload",
            Self::ListParts => "s3:ListMultipartUploadParts",
        }
    }

    /// What the action applies to.
    #[must_use]
    pub fn on(self) -> On {
        match self {
            Self::ListBuckets => On::Account,
            Self::Read | Self::Write | Self::Delete | Self::Abort | Self::ListParts => On::Objects,
            _ => On::Bucket,
        }
    }
}

/// The names that a check may ask about, the same for the module, which asks, and for the host,
/// which lets nothing else pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The site's own prefix.
    pub own: Prefix,
    /// Of an object in it that is never there.
    pub own_key: Key,
    /// Of the marker.
    pub marker: Key,
    /// Beside the own prefix: a client that is not there. `None` where the whole bucket is the
    /// site's own.
    pub other: Option<Prefix>,
    /// The same, its name beginning with the own one's.
    pub lookalike: Option<Prefix>,
    /// Of an object of that other client.
    pub other_key: Option<Key>,
    /// Of an object of another client that is there, named by who may.
    pub canary: Option<Key>,
}

/// Why there are no [`Places`]: the prefix leaves no room for a name in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the prefix is too long for a key below it")]
pub struct PrefixTooLong;

impl Places {
    /// Those of one run.
    ///
    /// # Errors
    /// When the prefix is too long.
    pub fn of(check: &Check, run: &str) -> Result<Self, PrefixTooLong> {
        let own = check.prefix.clone();
        let key = |text: String| Key::parse(text).map_err(|_| PrefixTooLong);
        let prefix = |text: String| Prefix::parse(text).map_err(|_| PrefixTooLong);
        let (other, lookalike) = match own.as_str().strip_suffix('/') {
            None => (None, None),
            Some(name) => {
                let parent = name.rfind('/').map_or("", |slash| &name[..=slash]);
                let other = prefix(format!("{parent}{PROBE}{run}/"))?;
                (Some(other), Some(prefix(format!("{name}0-{PROBE}{run}/"))?))
            }
        };
        Ok(Self {
            own_key: key(format!("{own}{PROBE}{run}"))?,
            marker: key(format!("{own}{MARKER}"))?,
            other_key: other.as_ref().map(|other| key(format!("{other}{PROBE}{run}"))).transpose()?,
            own,
            other,
            lookalike,
            canary: check.canary.clone(),
        })
    }
}

/// What the marker says.
#[must_use]
pub fn marker_text(site: &str) -> String {
    let why = "Holdfast, a backup tool, left this object here to know the site's backups by, and to prove that they can \
               be read. It holds nothing secret. Please leave it.";
    format!("{:#}\n", json!({ "holdfast": 1, "site": site, "about": why }))
}

/// Whether an object is a client's, and not one of ours: not the marker, nothing that a check asked
/// about, and not the empty object by which consoles show a folder.
#[must_use]
pub fn is_backup(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or(key);
    !name.is_empty() && name != MARKER && !name.starts_with(PROBE)
}

/// The site id in a marker.
#[must_use]
pub fn site_of(marker: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(marker).ok()?;
    value.get("site")?.as_str().filter(|site| site.len() <= 64).map(str::to_owned)
}

/// The ARN that an action belongs on.
#[must_use]
pub fn arn(on: On, partition: &str, bucket: &Bucket, prefix: &Prefix, kms_key: Option<&str>) -> String {
    match on {
        On::Prefix | On::Bucket => format!("arn:{partition}:s3:::{bucket}"),
        On::Objects => format!("arn:{partition}:s3:::{bucket}/{prefix}*"),
        On::KmsKey => match kms_key {
            Some(arn) if arn.starts_with("arn:") => arn.to_owned(),
            Some(id) if !id.starts_with("alias/") => format!("arn:{partition}:kms:*:*:key/{id}"),
            // A policy names keys, not their aliases.
            _ => format!("arn:{partition}:kms:*:*:key/*"),
        },
        On::Account => "*".to_owned(),
    }
}

/// The one statement that closes a gap: a probe's action on its ARN, or what a denial named.
#[must_use]
pub fn statement(probe: Probe, action: &str, resource: &str, prefix: &Prefix) -> Value {
    let mut statement = json!({
        "Sid": sid(probe),
        "Effect": "Allow",
        "Action": action,
        "Resource": resource,
    });
    if probe.on() == On::Prefix && action == probe.action() && !prefix.as_str().is_empty() {
        statement["Condition"] = json!({ "StringLike": { "s3:prefix": [format!("{prefix}*")] } });
    }
    statement
}

/// Letters and digits only, as IAM wants it.
fn sid(probe: Probe) -> &'static str {
    match probe {
        Probe::List => "HoldfastFindBackups",
        Probe::Put | Probe::Copy | Probe::Overwrite => "HoldfastStoreBackups",
        Probe::Tag => "HoldfastTagBackups",
        Probe::Encrypt => "HoldfastEncryptBackups",
        Probe::ListParts => "HoldfastContinueBackups",
        Probe::Abort => "HoldfastCleanUp",
        Probe::Get => "HoldfastReadBackups",
        Probe::Decrypt => "HoldfastDecryptBackups",
        Probe::Delete => "HoldfastRemoveBackups",
        Probe::DeleteVersion => "HoldfastDestroyVersions",
        Probe::Versioning => "HoldfastSeeVersioning",
        Probe::ObjectLock => "HoldfastSeeObjectLock",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(prefix: &str) -> Places {
        let check = Check { prefix: Prefix::parse(prefix).expect("a prefix"), ..Check::default() };
        Places::of(&check, "r1").expect("places")
    }

    #[test]
    fn everything_outside_is_outside_and_everything_inside_is_inside() {
        for own in ["home/client1/", "client1/", "a/b/c/"] {
            let places = places(own);
            for key in [&places.own_key, &places.marker] {
                assert!(key.as_str().starts_with(own), "{key}");
            }
            let (other, lookalike) = (places.other.expect("one"), places.lookalike.expect("one"));
            for outside in [other.as_str(), lookalike.as_str(), places.other_key.expect("one").as_str()] {
                assert!(!outside.starts_with(own), "{outside}");
            }
            assert!(lookalike.as_str().starts_with(own.trim_end_matches('/')));
        }
    }

    #[test]
    fn a_whole_bucket_has_no_outside() {
        let places = places("");
        assert_eq!((places.other, places.lookalike, places.other_key), (None, None, None));
        assert_eq!(places.marker.as_str(), MARKER);
    }

    #[test]
    fn a_prefix_without_room_is_an_error() {
        let check =
            Check { prefix: Prefix::parse(format!("{}/", "a".repeat(1_015))).expect("a prefix"), ..Check::default() };
        assert_eq!(Places::of(&check, "r1"), Err(PrefixTooLong));
    }

    #[test]
    fn listing_is_granted_below_the_prefix_and_on_the_bucket() {
        let (bucket, prefix) = (Bucket::parse("backups").expect("b"), Prefix::parse("home/client1/").expect("p"));
        let statement = |probe: Probe, partition| {
            super::statement(probe, probe.action(), &arn(probe.on(), partition, &bucket, &prefix, None), &prefix)
        };
        let list = statement(Probe::List, "aws");
        assert_eq!(list["Resource"], "arn:aws:s3:::backups");
        assert_eq!(list["Condition"]["StringLike"]["s3:prefix"][0], "home/client1/*");
        let get = statement(Probe::Get, "aws-cn");
        assert_eq!(get["Resource"], "arn:aws-cn:s3:::backups/home/client1/*");
        assert!(get.get("Condition").is_none());
    }

    #[test]
    fn what_a_check_leaves_is_no_backup() {
        for backup in ["home/client1/a.zip", "home/client1/holdfast-site.json.zip", "holdfast-probe-r1/a.zip", "a"] {
            assert!(is_backup(backup), "{backup}");
        }
        for other in ["home/client1/holdfast-site.json", "home/client1/", "home/client1/holdfast-probe-r1", MARKER, ""]
        {
            assert!(!is_backup(other), "{other}");
        }
    }

    #[test]
    fn a_marker_gives_its_site_back() {
        assert_eq!(site_of(marker_text("0123abcd").as_bytes()).as_deref(), Some("0123abcd"));
        for strange in ["", "[]", "{\"site\": 1}", "\u{feff}{}"] {
            assert_eq!(site_of(strange.as_bytes()), None, "{strange}");
        }
    }
}
