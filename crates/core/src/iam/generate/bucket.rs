//! What belongs to the bucket: its policy and its lifecycle.

use serde::Serialize;

use super::{
    Body, Dialect, Document, Options,
    client::bucket_arn,
    statement::{deny, for_everybody, policy as policy_of, when},
};
use crate::iam::{document::Statement, operator::Test};

/// How long a superseded or deleted object is kept: the time to notice a stolen key.
pub(super) const NONCURRENT_DAYS: u32 = 30;
/// How long the parts of an upload that nobody finishes are paid for.
const ABORT_DAYS: u32 = 3;

/// TLS for everybody; backups are added, never overwritten.
pub(super) fn policy(options: &Options) -> Document {
    let bucket = bucket_arn(options);
    let mut statements =
        vec![tls_only(&bucket), when(deny_all("Tls12Plus", &bucket), Test::NumericLessThan, "s3:TlsVersion", "1.2")];
    // BackWPup sends no If-None-Match: all its backups would be refused.
    if !options.features.backwpup {
        // Parts carry no If-None-Match, and create no object: ObjectCreationOperation leaves them alone.
        let objects = format!("{bucket}/{}*", options.prefix.root());
        let overwriting = for_everybody(deny("NoOverwriteOfBackups", &["s3:PutObject"], vec![objects]));
        let overwriting = when(overwriting, Test::Null, "s3:if-none-match", "true");
        statements.push(when(overwriting, Test::Bool, "s3:ObjectCreationOperation", "true"));
    }
    Document {
        file: "bucket-policy.json".to_owned(),
        title: "the bucket's own policy",
        body: Body::Policy(policy_of(statements)),
    }
}

/// The statement that refuses everything that comes without TLS.
pub(in crate::iam) fn tls_only(bucket_arn: &str) -> Statement {
    when(deny_all("TlsOnly", bucket_arn), Test::Bool, "aws:SecureTransport", "false")
}

fn deny_all(sid: &str, bucket_arn: &str) -> Statement {
    for_everybody(deny(sid, &["s3:*"], vec![bucket_arn.to_owned(), format!("{bucket_arn}/*")]))
}

/// The rule that ends abandoned uploads.
pub(in crate::iam) fn abort_rule() -> LifecycleRule {
    rule("abort-stale-multipart", "", Action::AbortIncompleteMultipartUpload { days: ABORT_DAYS })
}

/// A lifecycle configuration, as `put-bucket-lifecycle-configuration` takes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Lifecycle {
    rules: Vec<LifecycleRule>,
}

/// One rule of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LifecycleRule {
    #[serde(rename = "ID")]
    id: &'static str,
    status: &'static str,
    filter: Filter,
    #[serde(flatten)]
    action: Action,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    prefix: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
enum Action {
    AbortIncompleteMultipartUpload {
        #[serde(rename = "DaysAfterInitiation")]
        days: u32,
    },
    NoncurrentVersionExpiration {
        #[serde(rename = "NoncurrentDays")]
        days: u32,
    },
    Expiration {
        #[serde(rename = "ExpiredObjectDeleteMarker")]
        expired_delete_marker: bool,
    },
    #[serde(rename = "Expiration")]
    ExpireAfter {
        #[serde(rename = "Days")]
        days: u32,
    },
}

impl Lifecycle {
    /// For keys that may not delete: the bucket ends backups below a prefix when they are so many
    /// days old. It counts days and knows no calendar. Applying it replaces what the bucket has, so
    /// the rules that every bucket should have are in it.
    #[must_use]
    pub fn expiring(prefix: &str, days: u32) -> Self {
        Self {
            rules: vec![
                abort_rule(),
                rule("expire-backups", prefix, Action::ExpireAfter { days }),
                rule("expire-noncurrent", prefix, Action::NoncurrentVersionExpiration { days: NONCURRENT_DAYS }),
                rule("drop-expired-delete-markers", prefix, Action::Expiration { expired_delete_marker: true }),
            ],
        }
    }
}

/// Abandoned uploads end, old versions go after a while, and so do delete markers without any.
pub(super) fn lifecycle(options: &Options) -> Document {
    let root = options.prefix.root();
    let mut rules = Vec::new();
    // MinIO does it by itself, and has no such rule.
    if options.dialect == Dialect::Aws {
        rules.push(abort_rule());
    }
    rules.push(rule("expire-noncurrent", root, Action::NoncurrentVersionExpiration { days: NONCURRENT_DAYS }));
    rules.push(rule("drop-expired-delete-markers", root, Action::Expiration { expired_delete_marker: true }));
    Document {
        file: "lifecycle.json".to_owned(),
        title: "the bucket's lifecycle",
        body: Body::Lifecycle(Lifecycle { rules }),
    }
}

fn rule(id: &'static str, prefix: &str, action: Action) -> LifecycleRule {
    LifecycleRule { id, status: "Enabled", filter: Filter { prefix: prefix.to_owned() }, action }
}
