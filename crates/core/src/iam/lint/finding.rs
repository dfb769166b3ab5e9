//! What lint says: the rules, and one finding of one of them.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::iam::{
    document::{Position, Statement},
    generate::LifecycleRule,
};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// It allows more than is good.
    Warning,
    /// Clients are not kept apart, or a statement does not do what it says.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident = $id:literal,)*) => {
        /// What lint looks for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Rule { $($(#[$doc])* $rule),* }

        impl Rule {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$rule),*];

            /// Its name, for programs and for searching.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Self::$rule => $id),* }
            }
        }
    };
}

rules! {
    /// The ARN is a bucket's where the action needs an object's, or the other way round.
    ArnKind = "arn-kind",
    /// No such action.
    UnknownAction = "unknown-action",
    /// A bucket whose name is almost that of the one that is meant.
    NearBucket = "near-bucket",
    /// A listing that is not confined to a prefix.
    OpenListing = "open-listing",
    /// A listing that shows the names of the clients.
    ClientNames = "client-names",
    /// A condition that can never hold, because the action lacks the key.
    DeadCondition = "dead-condition",
    /// A condition that always holds, because the action lacks the key.
    VoidCondition = "void-condition",
    /// Actions that destroy, unlock or publish.
    DangerousAction = "dangerous-action",
    /// The names of all clients' unfinished objects.
    UploadsLeak = "uploads-leak",
    /// The names of all buckets.
    BucketNames = "bucket-names",
    /// Policy variables in a version that has none.
    Version = "version",
    /// A prefix that takes in its neighbours.
    NoSlash = "no-slash",
    /// Everything but something is allowed.
    NegatedAllow = "negated-allow",
    /// Anybody is allowed.
    Public = "public",
    /// Objects of other clients.
    WideResource = "wide-resource",
    /// Not the prefix that was said.
    OtherPrefix = "other-prefix",
    /// A role has no user name.
    RoleWithoutUsername = "role-without-username",
    /// Nothing demands TLS.
    NoTlsRule = "no-tls-rule",
    /// Abandoned uploads are kept for ever.
    NoAbortRule = "no-abort-rule",
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// Which rule.
    pub rule: Rule,
    /// How bad.
    pub severity: Severity,
    /// The document's name; `None` where it would be one that is not there.
    pub file: Option<String>,
    /// Where in it; `None` for what is missing.
    #[serde(flatten)]
    pub position: Option<Position>,
    /// In which statement.
    pub statement: Option<StatementName>,
    /// What it lets happen.
    pub what: String,
    /// What to do about it.
    pub fix: Option<Fix>,
}

/// Which statement of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatementName {
    /// From 1.
    pub number: usize,
    /// Its `Sid`.
    pub sid: Option<String>,
    /// Where it begins.
    pub line: u32,
}

/// What to do about a finding. Where a statement has several, each carries the statement without
/// any of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub enum Fix {
    /// Put these statements in the place of this one.
    Replace {
        /// One, or several where actions need different ARNs.
        statements: Vec<Statement>,
    },
    /// Delete the statement.
    Remove {
        /// Why nothing is missed.
        why: String,
    },
    /// Put this into the document.
    Add {
        /// What is missing.
        json: Missing,
    },
    /// Do this.
    Advice {
        /// What.
        text: String,
    },
}

/// What a set of documents should have.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Missing {
    /// A statement of the bucket's policy.
    Statement(Box<Statement>),
    /// A rule of its lifecycle.
    Rule(LifecycleRule),
}
