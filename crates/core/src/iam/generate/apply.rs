//! The commands that apply the documents, for people to read, correct and paste.

use serde::Serialize;

use super::{Dialect, Document, Kind, Options, bucket::NONCURRENT_DAYS};

/// What IAM lets a user's inline policies hold together, white space not counted
/// ([quotas](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)).
const USER_INLINE_CHARS: usize = 2048;
const POLICY: &str = "holdfast-backup";
const FLEET: &str = "holdfast-fleet";

/// A command, and what it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What it does.
    pub why: String,
    /// The command.
    pub command: String,
}

fn step(why: &str, command: String) -> Step {
    Step { why: why.to_owned(), command }
}

pub(super) fn steps(kind: Kind, options: &Options, documents: &[Document], folder: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    if matches!(kind, Kind::Set | Kind::Lifecycle | Kind::WriteOnly) {
        steps.push(versioning(kind, options));
    }
    if kind == Kind::WriteOnly {
        steps.push(lock(options));
    }
    for document in documents {
        let path = format!("{folder}{}", document.file);
        match (document.file.as_str(), options.dialect) {
            ("bucket-policy.json", _) => steps.push(bucket_policy(options, &path)),
            ("lifecycle.json", dialect) => steps.push(lifecycle(options, dialect, &path)),
            (_, Dialect::Aws) => steps.extend(identity(kind, options, document, &path)),
            (_, Dialect::Minio) => steps.extend(minio_identity(kind, options, &path)),
        }
    }
    steps
}

pub(super) fn notes(kind: Kind, options: &Options) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |text: &str| notes.push(text.to_owned());
    let of_keys = !matches!(kind, Kind::BucketPolicy | Kind::Lifecycle);
    if matches!(kind, Kind::Set | Kind::BucketPolicy) && options.dialect == Dialect::Aws {
        note("put-bucket-policy replaces the bucket's whole policy: add statements that are there already");
    }
    if matches!(kind, Kind::Set | Kind::Lifecycle) {
        note("setting the lifecycle replaces all its rules: add those that are there already");
    }
    if kind == Kind::WriteOnly {
        note(
            "this key cannot restore, cannot delete what is due, and sends every backup whole; restore with another key",
        );
    }
    if kind == Kind::Fleet {
        note("this key sees every client's object names: it belongs to the hoster alone, and on no web host");
    }
    if options.features.backwpup && matches!(kind, Kind::Set | Kind::OneClient | Kind::Group | Kind::WriteOnly) {
        note(
            "for BackWPup, s3:ListBucketMultipartUploads is allowed, which takes no condition on a prefix: every client \
             can see the names of all clients' unfinished backups (user names, domains, dates). Holdfast never needs it",
        );
    }
    if options.features.backwpup && matches!(kind, Kind::Set | Kind::BucketPolicy) && options.dialect == Dialect::Aws {
        note("for BackWPup, the rule against overwriting is left out: it would refuse all its backups");
    }
    if options.dialect == Dialect::Minio {
        note("ALIAS is the name that `mc alias set` gave the server");
        if matches!(kind, Kind::Set | Kind::OneClient | Kind::Group) {
            note(
                "on MinIO s3:DeleteObject deletes old versions too, so s3:DeleteObjectVersion is denied, and not only \
                 left out: without that statement a stolen key destroys backups for good, versions and all",
            );
        }
        if kind == Kind::Set {
            note("MinIO asks a bucket policy only about requests without keys, so there is none; serve it with TLS");
        }
        if matches!(kind, Kind::Set | Kind::Lifecycle) {
            note("MinIO ends abandoned uploads by itself after a day (its setting `api stale_uploads_expiry`)");
        }
    }
    if of_keys && options.dialect == Dialect::Aws {
        note("a change in IAM can take a minute to be felt");
    }
    notes
}

fn versioning(kind: Kind, options: &Options) -> Step {
    let bucket = &options.bucket;
    let why = match kind {
        Kind::WriteOnly => "keep versions, which Object Lock needs".to_owned(),
        _ => format!("keep what is deleted or overwritten, for {NONCURRENT_DAYS} days by the lifecycle"),
    };
    step(
        &why,
        match options.dialect {
            Dialect::Aws => {
                format!("aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled")
            }
            Dialect::Minio => format!("mc version enable ALIAS/{bucket}"),
        },
    )
}

fn lock(options: &Options) -> Step {
    let bucket = &options.bucket;
    match options.dialect {
        Dialect::Aws => step(
            "lock every new object for a time; COMPLIANCE in place of GOVERNANCE binds the account's owner too",
            format!(
                "aws s3api put-object-lock-configuration --bucket {bucket} --object-lock-configuration \
                 '{{\"ObjectLockEnabled\":\"Enabled\",\"Rule\":{{\"DefaultRetention\":\
                 {{\"Mode\":\"GOVERNANCE\",\"Days\":{NONCURRENT_DAYS}}}}}}}'"
            ),
        ),
        Dialect::Minio => step(
            "lock every new object for a time; the bucket must have been made with `mc mb --with-lock`",
            format!("mc retention set --default GOVERNANCE {NONCURRENT_DAYS}d ALIAS/{bucket}"),
        ),
    }
}

fn bucket_policy(options: &Options, path: &str) -> Step {
    let file = quoted(&format!("file://{path}"));
    let bucket = &options.bucket;
    step("set the bucket's policy", format!("aws s3api put-bucket-policy --bucket {bucket} --policy {file}"))
}

fn lifecycle(options: &Options, dialect: Dialect, path: &str) -> Step {
    let bucket = &options.bucket;
    let command = match dialect {
        Dialect::Aws => {
            let file = quoted(&format!("file://{path}"));
            format!("aws s3api put-bucket-lifecycle-configuration --bucket {bucket} --lifecycle-configuration {file}")
        }
        Dialect::Minio => format!("mc ilm import ALIAS/{bucket} < {}", quoted(path)),
    };
    step("set the bucket's lifecycle", command)
}

fn identity(kind: Kind, options: &Options, document: &Document, path: &str) -> Vec<Step> {
    let file = quoted(&format!("file://{path}"));
    let user = match (kind, &options.client) {
        (Kind::Fleet, _) => FLEET,
        (_, Some(client)) => client.as_str(),
        (_, None) => {
            let group = quoted(&options.group);
            return vec![
                step("make the group, unless it is there", format!("aws iam create-group --group-name {group}")),
                step(
                    "give the group its policy",
                    format!(
                        "aws iam put-group-policy --group-name {group} --policy-name {POLICY} --policy-document {file}"
                    ),
                ),
                step(
                    "for each client: a user with the client's name, in the group",
                    format!("aws iam add-user-to-group --group-name {group} --user-name CLIENT"),
                ),
            ];
        }
    };
    let make = step("make the user, unless it is there", format!("aws iam create-user --user-name {user}"));
    let policy = if kind == Kind::Fleet { FLEET } else { POLICY };
    if document.json().chars().filter(|c| !c.is_whitespace()).count() <= USER_INLINE_CHARS {
        let put = format!("aws iam put-user-policy --user-name {user} --policy-name {policy} --policy-document {file}");
        return vec![make, step("give the user its policy", put)];
    }
    let create = format!("aws iam create-policy --policy-name {policy}-{user} --policy-document {file}");
    let attach = format!(
        "aws iam attach-user-policy --user-name {user} --policy-arn arn:{}:iam::ACCOUNT-ID:policy/{policy}-{user}",
        options.partition.as_str()
    );
    vec![
        make,
        step("make the policy, which is too long to be part of the user", create),
        step("give the user its policy", attach),
    ]
}

fn minio_identity(kind: Kind, options: &Options, path: &str) -> Vec<Step> {
    let (policy, whose) = match (kind, &options.client) {
        (Kind::Fleet, _) => (FLEET.to_owned(), format!("--user {FLEET}")),
        (_, Some(client)) => (format!("{POLICY}-{}", client.as_str()), format!("--user {}", client.as_str())),
        (_, None) => (POLICY.to_owned(), format!("--group {}", quoted(&options.group))),
    };
    vec![
        step("make the policy", format!("mc admin policy create ALIAS {policy} {}", quoted(path))),
        step(
            "give it to whom it is for, when that user or group is there",
            format!("mc admin policy attach ALIAS {policy} {whose}"),
        ),
    ]
}

/// One word for a POSIX shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-/:%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
