//! Policies that hold what Holdfast needs, and nothing else.
//!
//! [`generate`] is a pure function from [`Options`] to documents and to the commands that apply
//! them. What each permission is for is told in docs/permissions.md; `GetBucketLocation`,
//! `ListAllMyBuckets` and HEAD on the bucket are never among them.

mod apply;
mod bucket;
mod client;
mod name;
mod statement;
#[cfg(test)]
mod tests;

pub use apply::Step;
pub use bucket::{Lifecycle, LifecycleRule};
pub(super) use bucket::{abort_rule, tls_only};
pub use name::{ClientName, ClientPrefix, FaultyName, KmsKey, Partition, USERNAME};

use serde::Serialize;

use crate::{iam::document::Policy, name::Bucket};

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Everything for a bucket of clients: group policy, bucket policy, lifecycle, versioning.
    Set,
    /// The policy of one IAM user.
    OneClient,
    /// One policy for a group of IAM users, each confined to the prefix with its own name.
    Group,
    /// Like the others, for keys that may only add: with Object Lock, a thief destroys nothing.
    WriteOnly,
    /// What holds for everybody: TLS, and no overwriting.
    BucketPolicy,
    /// What the bucket tidies up by itself.
    Lifecycle,
    /// The hoster's own key for `holdfast fleet`: it lists, and reads nothing.
    Fleet,
}

impl Kind {
    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::OneClient => "one-client",
            Self::Group => "group",
            Self::WriteOnly => "write-only",
            Self::BucketPolicy => "bucket-policy",
            Self::Lifecycle => "lifecycle",
            Self::Fleet => "fleet",
        }
    }
}

/// Whose policy language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// IAM as documented.
    #[default]
    Aws,
    /// MinIO: no ACL actions, bucket policies for requests without keys only.
    Minio,
}

/// What the site will do with the key, beyond storing backups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Features {
    /// Read backups back.
    pub restore: bool,
    /// Delete the backups that are due.
    pub retention: bool,
    /// Copy what has not changed from the last backup.
    pub incremental: bool,
    /// Let `holdfast check` read versioning and Object Lock, to say what a thief could destroy.
    pub settings: bool,
    /// Tag the objects.
    pub tags: bool,
    /// List the multipart uploads of *all* clients, which the plugin BackWPup insists on.
    pub backwpup: bool,
}

impl Default for Features {
    fn default() -> Self {
        Self { restore: true, retention: true, incremental: true, settings: true, tags: false, backwpup: false }
    }
}

/// What the documents are about.
#[derive(Debug, Clone)]
pub struct Options {
    /// The bucket.
    pub bucket: Bucket,
    /// Where clients are in it.
    pub prefix: ClientPrefix,
    /// The client of [`Kind::OneClient`], or of [`Kind::WriteOnly`] when that is for one.
    pub client: Option<ClientName>,
    /// The IAM group of the clients, for the commands.
    pub group: String,
    /// What the key is for.
    pub features: Features,
    /// The KMS key that encrypts the objects.
    pub kms_key: Option<KmsKey>,
    /// Whose policy language.
    pub dialect: Dialect,
    /// The partition of the account.
    pub partition: Partition,
}

/// One document, ready to apply.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document {
    /// The file name that the commands expect.
    pub file: String,
    /// What it is, in a few words.
    pub title: &'static str,
    /// The document.
    #[serde(rename = "document")]
    pub body: Body,
}

/// A policy, or a lifecycle configuration.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Body {
    /// An identity or bucket policy.
    Policy(Policy),
    /// A lifecycle configuration.
    Lifecycle(Lifecycle),
}

impl Document {
    /// The document as JSON, indented.
    #[must_use]
    pub fn json(&self) -> String {
        // Strings and lists under string keys: there is nothing in it that JSON cannot hold.
        serde_json::to_string_pretty(&self.body).unwrap_or_default()
    }
}

/// Documents, how to apply them, and what to know about them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Generated {
    /// The documents, in the order of applying.
    pub documents: Vec<Document>,
    /// The commands.
    pub steps: Vec<Step>,
    /// What to know.
    pub notes: Vec<String>,
}

/// Why there is no such document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// One client, and nobody said which.
    #[error("`one-client` needs the client's name")]
    NoClient,
    /// A client is named where the document is for all of them.
    #[error("`{0}` is for all clients, not for one")]
    OneAmongMany(&'static str),
    /// A group whose clients would share a prefix.
    #[error("the prefix {0:?} is the same for every client: it lacks `${{aws:username}}`")]
    Shared(String),
    /// A client's prefix that is the whole bucket.
    #[error("an empty prefix is the whole bucket, with everybody in it")]
    WholeBucket,
    /// An option that changes nothing there.
    #[error("`{option}` means nothing for `{kind}`")]
    Idle {
        /// The option.
        option: &'static str,
        /// The kind of document.
        kind: &'static str,
    },
    /// What MinIO cannot do.
    #[error("{0}")]
    Minio(&'static str),
    /// The KMS key is in another partition than the bucket.
    #[error("the KMS key is in the partition `{key}`, the bucket in `{bucket}`")]
    KeyElsewhere {
        /// The key's.
        key: &'static str,
        /// The bucket's.
        bucket: &'static str,
    },
}

/// Writes what `kind` asks for. `folder` is where the files will be, for the commands: empty, or
/// ending in `/`.
///
/// # Errors
/// When the options do not fit the kind or each other.
pub fn generate(kind: Kind, options: &Options, folder: &str) -> Result<Generated, GenerateError> {
    fits(kind, options)?;
    let mut made = Generated { documents: Vec::new(), steps: Vec::new(), notes: Vec::new() };
    match kind {
        Kind::Set => {
            made.documents.push(client::read_write(options, &options.prefix));
            if options.dialect == Dialect::Aws {
                made.documents.push(bucket::policy(options));
            }
            made.documents.push(bucket::lifecycle(options));
        }
        Kind::OneClient | Kind::Group => made.documents.push(client::read_write(options, &own_prefix(options))),
        Kind::WriteOnly => made.documents.push(client::write_only(options, &own_prefix(options))),
        Kind::BucketPolicy => made.documents.push(bucket::policy(options)),
        Kind::Lifecycle => made.documents.push(bucket::lifecycle(options)),
        Kind::Fleet => made.documents.push(client::fleet(options)),
    }
    made.steps = apply::steps(kind, options, &made.documents, folder);
    made.notes = apply::notes(kind, options);
    Ok(made)
}

fn own_prefix(options: &Options) -> ClientPrefix {
    options.client.as_ref().map_or_else(|| options.prefix.clone(), |client| options.prefix.of(client))
}

fn fits(kind: Kind, options: &Options) -> Result<(), GenerateError> {
    let name = kind.name();
    match kind {
        Kind::OneClient if options.client.is_none() => return Err(GenerateError::NoClient),
        Kind::OneClient | Kind::WriteOnly => {}
        _ if options.client.is_some() => return Err(GenerateError::OneAmongMany(name)),
        _ => {}
    }
    let of_clients = matches!(kind, Kind::Set | Kind::Group | Kind::OneClient | Kind::WriteOnly);
    if of_clients && own_prefix(options).as_str().is_empty() {
        return Err(GenerateError::WholeBucket);
    }
    if of_clients && options.client.is_none() && !options.prefix.is_template() {
        return Err(GenerateError::Shared(options.prefix.as_str().to_owned()));
    }
    idle_options(kind, options)?;
    if options.dialect == Dialect::Minio {
        minio(kind, options)?;
    }
    match &options.kms_key {
        Some(key) if key.partition() != options.partition => {
            Err(GenerateError::KeyElsewhere { key: key.partition().as_str(), bucket: options.partition.as_str() })
        }
        _ => Ok(()),
    }
}

/// An option that is accepted and does nothing would be believed to do something.
fn idle_options(kind: Kind, options: &Options) -> Result<(), GenerateError> {
    let given = &options.features;
    let of_clients = matches!(kind, Kind::Set | Kind::Group | Kind::OneClient | Kind::WriteOnly);
    let without = !(given.restore && given.retention && given.incremental);
    let idle = [
        ("--without", without && (!of_clients || kind == Kind::WriteOnly)),
        ("--minimal", !given.settings && !of_clients),
        ("--tags", given.tags && !of_clients),
        ("--backwpup", given.backwpup && !of_clients && kind != Kind::BucketPolicy),
        ("--kms-key", options.kms_key.is_some() && !of_clients),
    ];
    match idle.into_iter().find(|(_, idle)| *idle) {
        Some((option, _)) => Err(GenerateError::Idle { option, kind: kind.name() }),
        None => Ok(()),
    }
}

fn minio(kind: Kind, options: &Options) -> Result<(), GenerateError> {
    if kind == Kind::BucketPolicy {
        return Err(GenerateError::Minio(
            "MinIO asks a bucket policy only about requests without keys: these rules would bind no client",
        ));
    }
    if options.partition != Partition::Aws {
        return Err(GenerateError::Minio("MinIO knows no partition but `aws`"));
    }
    if options.kms_key.is_some() {
        return Err(GenerateError::Minio("on MinIO the server uses the KMS key: clients need no permission for it"));
    }
    Ok(())
}
