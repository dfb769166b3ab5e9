//! The policies of keys: of a client, of all clients, and of the hoster's own.

use super::{
    Body, ClientPrefix, Dialect, Document, Options,
    statement::{allow, deny, policy, when},
};
use crate::iam::{document::Statement, operator::Test};

/// Back up, and what else is wanted, in one's own prefix.
pub(super) fn read_write(options: &Options, prefix: &ClientPrefix) -> Document {
    let mut statements = Vec::new();
    if options.features.settings {
        statements.push(read_settings(options));
    }
    statements.extend(backwpup(options));
    statements.push(list_own(options, prefix));
    statements.push(allow("UseOwnPrefix", &object_actions(options), objects(options, prefix)));
    statements.extend(kms(options));
    statements.extend(keep_versions(options, prefix));
    let (file, title) = match &options.client {
        Some(client) => (format!("{}-policy.json", client.as_str()), "the policy of one client"),
        None => ("group-policy.json".to_owned(), "the policy of every client"),
    };
    Document { file, title, body: Body::Policy(policy(statements)) }
}

/// Add, and nothing else: what is there cannot be read, deleted or unlocked.
pub(super) fn write_only(options: &Options, prefix: &ClientPrefix) -> Document {
    let mut statements = Vec::new();
    if options.features.settings {
        statements.push(read_settings(options));
    }
    statements.extend(backwpup(options));
    statements.push(list_own(options, prefix));
    statements.push(allow("WriteOnlyOwnPrefix", &write_actions(options), objects(options, prefix)));
    statements.extend(kms(options));
    let all = format!("{}/*", bucket_arn(options));
    let everything = vec![bucket_arn(options), all.clone()];
    statements.push(deny("NeverDestroyOrUnlock", &destructive_actions(options.dialect), everything));
    // With a customer's key of its own, a thief could overwrite backups by unreadable ones.
    let sse_c = "s3:x-amz-server-side-encryption-customer-algorithm";
    statements.push(when(deny("NoCustomerKeyEncryption", &["s3:PutObject"], vec![all]), Test::Null, sse_c, "false"));
    let (file, title) = match &options.client {
        Some(client) => {
            (format!("{}-write-only-policy.json", client.as_str()), "the policy of one client that only adds")
        }
        None => ("write-only-policy.json".to_owned(), "the policy of every client, which only adds"),
    };
    Document { file, title, body: Body::Policy(policy(statements)) }
}

/// What `holdfast fleet` does: it lists the clients and their objects.
pub(super) fn fleet(options: &Options) -> Document {
    let list = allow("ListClients", &["s3:ListBucket"], bucket_arn(options));
    let list = match options.prefix.root() {
        // Clients at the root: to list them is to list the bucket.
        "" => list,
        root => when(list, Test::StringLike, "s3:prefix", &format!("{root}*")),
    };
    Document {
        file: "fleet-policy.json".to_owned(),
        title: "the policy of the hoster's own key, which only lists",
        body: Body::Policy(policy(vec![list])),
    }
}

pub(super) fn bucket_arn(options: &Options) -> String {
    format!("arn:{}:s3:::{}", options.partition.as_str(), options.bucket)
}

fn objects(options: &Options, prefix: &ClientPrefix) -> String {
    format!("{}/{}", bucket_arn(options), prefix.pattern())
}

fn read_settings(options: &Options) -> Statement {
    let actions = ["s3:GetBucketVersioning", "s3:GetBucketObjectLockConfiguration"];
    allow("ReadSafetySettings", &actions, bucket_arn(options))
}

/// The action takes no condition on a prefix, so it can only be granted whole.
fn backwpup(options: &Options) -> Option<Statement> {
    let leak = || allow("BackWPupSeesKeysOfAllClients", &["s3:ListBucketMultipartUploads"], bucket_arn(options));
    options.features.backwpup.then(leak)
}

fn list_own(options: &Options, prefix: &ClientPrefix) -> Statement {
    let list = allow("ListOwnPrefix", &["s3:ListBucket"], bucket_arn(options));
    when(list, Test::StringLike, "s3:prefix", &prefix.pattern())
}

fn object_actions(options: &Options) -> Vec<&'static str> {
    let wanted = &options.features;
    let mut actions = write_actions(options);
    if wanted.restore || wanted.incremental {
        actions.push("s3:GetObject");
    }
    if wanted.retention {
        actions.push("s3:DeleteObject");
    }
    actions
}

fn write_actions(options: &Options) -> Vec<&'static str> {
    let mut actions = vec!["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"];
    if options.features.tags {
        actions.push("s3:PutObjectTagging");
    }
    actions
}

/// On MinIO `s3:DeleteObject` deletes versions too, unless `s3:DeleteObjectVersion` is denied: not
/// to allow it is not enough, as it is on AWS. Measured; `tests/it/policies.rs` shows it.
fn keep_versions(options: &Options, prefix: &ClientPrefix) -> Option<Statement> {
    let deny = || deny("KeepVersions", &["s3:DeleteObjectVersion"], vec![objects(options, prefix)]);
    (options.dialect == Dialect::Minio).then(deny)
}

/// The parts of a multipart upload are decrypted when they are put together.
fn kms(options: &Options) -> Option<Statement> {
    let key = options.kms_key.as_ref()?;
    Some(allow("UseKey", &["kms:GenerateDataKey", "kms:Decrypt"], key.as_str().to_owned()))
}

fn destructive_actions(dialect: Dialect) -> Vec<&'static str> {
    let mut actions = vec![
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:BypassGovernanceRetention",
        "s3:PutObjectRetention",
        "s3:PutObjectLegalHold",
    ];
    // MinIO refuses a document that names them, even to deny them.
    if dialect == Dialect::Aws {
        actions.extend(["s3:PutObjectAcl", "s3:PutObjectVersionAcl"]);
    }
    actions.extend([
        "s3:PutLifecycleConfiguration",
        "s3:PutBucketVersioning",
        "s3:PutBucketObjectLockConfiguration",
        "s3:PutBucketPolicy",
        "s3:DeleteBucketPolicy",
        "s3:DeleteBucket",
    ]);
    actions
}
