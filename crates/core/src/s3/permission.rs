//! What each call needs to be allowed, as data: the IAM action, the kind of ARN it belongs on, and
//! what a person should know before granting it.
//!
//! Three names go with each call: AWS's API name, which SDKs and CloudTrail print; the IAM action,
//! which is often another (`GetObjectLockConfiguration` needs
//! `s3:GetBucketObjectLockConfiguration`); and the operation of the server access log. Source:
//! the [Service Authorization
//! Reference](https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html).
//!
//! There is no `s3:HeadBucket`, `s3:HeadObject`, `s3:UploadPart`, `s3:ListMultipartUploads` or
//! `s3:ListObjectsV2` in IAM: those are API names.

use super::call::{Permission, Resource};

mod calls;

pub use calls::CALLS;

/// A call and what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// AWS's API names; the first is today's.
    pub names: &'static [&'static str],
    /// Operations of the server access log.
    pub logged: &'static [&'static str],
    /// The IAM action and what its ARN names.
    pub permission: Permission,
    /// The action instead, when the request names a version.
    pub of_version: Option<&'static str>,
    /// Further actions, each with what makes it necessary.
    pub also: &'static [(&'static str, &'static str)],
    /// How it can be granted.
    pub grant: Grant,
    /// What Holdfast needs it for.
    pub holdfast: Use,
    /// What to know about it; may be empty.
    pub note: &'static str,
}

/// How an action can be granted to one client of a bucket that many share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// On the ARN alone.
    Plain,
    /// On the bucket's ARN, with a condition on `s3:prefix`; without it, the whole bucket shows.
    WithPrefix,
    /// It can only be granted for the whole bucket, and shows others' keys.
    Leaks,
    /// Not to a backup's keys: it opens more than it is worth.
    Never,
}

/// What Holdfast needs an action for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Without it, there is no backup.
    Backup,
    /// For getting a backup back, verifying it, and sending only what changed.
    Restore,
    /// For deleting old backups.
    Retention,
    /// For continuing or clearing away what was interrupted.
    Resume,
    /// For what `holdfast check` says of the bucket; a backup does without.
    Advice,
    /// For an option that was chosen (tags, KMS).
    Option,
    /// Not at all.
    No,
}

impl Use {
    /// Whether Holdfast asks for it.
    #[must_use]
    pub fn is_needed(self) -> bool {
        self != Self::No
    }

    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Backup => "needs it for every backup",
            Self::Restore => {
                "needs it to restore, to verify, and to send only what changed; a plain backup does without"
            }
            Self::Retention => "needs it to delete old backups; a backup does without",
            Self::Resume => {
                "needs it to continue or clear away an interrupted upload; a backup that runs through does without"
            }
            Self::Advice => "only reads it to advise; a backup does without",
            Self::Option => "needs it only for an option that was chosen; without the option, it does without",
            Self::No => "does not need it",
        }
    }
}

impl Needs {
    /// Today's API name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }

    /// What the call needs, when its request names a version or not.
    #[must_use]
    pub fn permission(&self, versioned: bool) -> Permission {
        match self.of_version.filter(|_| versioned) {
            Some(action) => Permission { action, ..self.permission },
            None => self.permission,
        }
    }
}

/// By API name, as SDKs and CloudTrail print it; any case.
#[must_use]
pub fn of_call(name: &str) -> Option<&'static Needs> {
    CALLS.iter().find(|needs| needs.names.iter().any(|other| other.eq_ignore_ascii_case(name)))
}

/// By operation of the server access log: `REST.GET.UPLOADS`. The ACL operations are called the
/// same for a bucket and for an object.
#[must_use]
pub fn of_logged(operation: &str, has_key: bool) -> Option<&'static Needs> {
    let wanted = if has_key { Resource::Object } else { Resource::Bucket };
    let mut logged =
        CALLS.iter().filter(|needs| needs.logged.iter().any(|other| other.eq_ignore_ascii_case(operation)));
    let first = logged.clone().next();
    logged.find(|needs| needs.permission.resource == wanted).or(first)
}

/// By IAM action, of a call's own or of one that it needs as well. AWS itself spells some in two
/// ways (`s3:PutObjectACL`).
#[must_use]
pub fn of_action(action: &str) -> Option<&'static Needs> {
    let is = |other: &str| other.eq_ignore_ascii_case(action);
    let own = CALLS.iter().find(|needs| is(needs.permission.action));
    own.or_else(|| CALLS.iter().find(|needs| needs.of_version.is_some_and(is)))
}

/// How an action can be granted; `None` for one that no call is known to need.
#[must_use]
pub fn grant_of(action: &str) -> Option<Grant> {
    // Of a call that is harmless otherwise: with these, backups can be destroyed for good.
    if ["s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"].iter().any(|other| other.eq_ignore_ascii_case(action))
    {
        return Some(Grant::Never);
    }
    of_action(action).map(|needs| needs.grant)
}

pub use crate::name::partition;

/// The ARN that an action belongs on.
#[must_use]
pub fn arn(partition: &str, resource: Resource, bucket: &str, key: &str) -> String {
    match resource {
        Resource::Bucket => format!("arn:{partition}:s3:::{bucket}"),
        Resource::Object => format!("arn:{partition}:s3:::{bucket}/{key}"),
        Resource::Everything => "*".to_owned(),
    }
}

/// The keys to allow an action on: the key's whole folder, for tomorrow's backup has another
/// name; but never a whole bucket.
#[must_use]
pub fn key_pattern(key: &str) -> String {
    match key.rfind('/') {
        Some(slash) => format!("{}*", literal(&key[..=slash])),
        None => literal(key),
    }
}

/// A text in a pattern, standing for itself: a key may hold what IAM takes for a wildcard or a
/// variable.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>
fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '*' | '?' | '$' => pattern.extend(['$', '{', c, '}']),
            c => pattern.push(c),
        }
    }
    pattern
}

/// The values of `s3:prefix` to allow listing for: what was asked for, as a folder. Never the
/// folder above it, which may be everybody's, but of what is an archive by its name.
#[must_use]
pub fn prefix_pattern(asked: &str) -> String {
    const ARCHIVES: [&str; 8] = [".zip", ".gz", ".tgz", ".tar", ".sql", ".bz2", ".xz", ".json"];
    let is_archive = ARCHIVES.iter().any(|end| asked.ends_with(end));
    match asked.rfind('/') {
        _ if asked.is_empty() => "PREFIX/*".to_owned(),
        _ if asked.ends_with('/') => format!("{}*", literal(asked)),
        Some(slash) if is_archive => format!("{}*", literal(&asked[..=slash])),
        _ => format!("{}/*", literal(asked)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_there_once() {
        let names: Vec<_> = CALLS.iter().flat_map(|needs| needs.names).collect();
        let mut unique = names.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), names.len());
        for needs in CALLS {
            assert!(!needs.names.is_empty());
            let service = needs.permission.action.split(':').next();
            assert_eq!(service, Some("s3"), "{}", needs.name());
            for operation in needs.logged {
                let has_key = needs.permission.resource == Resource::Object;
                assert_eq!(of_logged(operation, has_key).map(Needs::name), Some(needs.name()), "{operation}");
            }
        }
    }

    /// Section by section what people get wrong: the action is not the API's name.
    #[test]
    fn names_of_actions_are_those_of_iam() {
        for (name, action) in [
            ("HeadBucket", "s3:ListBucket"),
            ("ListObjectsV2", "s3:ListBucket"),
            ("ListMultipartUploads", "s3:ListBucketMultipartUploads"),
            ("ListParts", "s3:ListMultipartUploadParts"),
            ("UploadPart", "s3:PutObject"),
            ("HeadObject", "s3:GetObject"),
            ("DeleteObjects", "s3:DeleteObject"),
            ("ListBuckets", "s3:ListAllMyBuckets"),
            ("GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration"),
            ("GetObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration"),
            ("GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock"),
            ("GetBucketEncryption", "s3:GetEncryptionConfiguration"),
        ] {
            assert_eq!(of_call(name).map(|needs| needs.permission.action), Some(action), "{name}");
        }
        assert_eq!(of_call("GetObject").map(|needs| needs.permission(true).action), Some("s3:GetObjectVersion"));
        assert_eq!(of_action("s3:deleteobjectversion").map(Needs::name), Some("DeleteObject"));
        assert!(of_action("s3:HeadBucket").is_none());
    }

    /// Which calls the generated policies are made for.
    #[test]
    fn housekeeping_is_never_needed() {
        for name in ["HeadBucket", "ListMultipartUploads", "ListBuckets", "GetBucketLocation"] {
            assert_eq!(of_call(name).map(|needs| needs.holdfast), Some(Use::No), "{name}");
        }
        for name in ["PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"] {
            assert_eq!(of_call(name).map(|needs| needs.holdfast), Some(Use::Backup), "{name}");
        }
    }

    #[test]
    fn a_folder_is_allowed_never_a_bucket() {
        assert_eq!(key_pattern("home/client1/a.zip"), "home/client1/*");
        assert_eq!(key_pattern("a.zip"), "a.zip");
        assert_eq!(key_pattern("home/*/${x}?/a"), "home/${*}/${$}{x}${?}/*");
        for (asked, pattern) in [
            ("home/client1/", "home/client1/*"),
            ("home/client1", "home/client1/*"),
            ("sites/example.com", "sites/example.com/*"),
            ("home/client1/a.zip", "home/client1/*"),
            ("", "PREFIX/*"),
        ] {
            assert_eq!(prefix_pattern(asked), pattern);
        }
    }
}
