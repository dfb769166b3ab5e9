//! Errors: what happened, in whose words, what to change.

use serde::{Deserialize, Serialize};

/// What a server said, verbatim. Nothing is inferred here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// What was asked, as AWS names it: `UploadPart`.
    pub operation: String,
    /// HTTP status; 0 when no answer came.
    pub status: u16,
    /// S3's error code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// S3's message, or the transport's when no answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `x-amz-request-id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// `x-amz-bucket-region`, or the region that the error's text asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket_region: Option<String>,
}

impl std::fmt::Display for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.status, &self.code) {
            (0, _) => write!(f, "{} got no answer", self.operation)?,
            (status, Some(code)) => write!(f, "S3 answered {} with {status} {code}", self.operation)?,
            (status, None) => write!(f, "S3 answered {} with {status}", self.operation)?,
        }
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " (request id {id})")?;
        }
        Ok(())
    }
}

/// What the person has to change. One code and one line in `docs/errors.md` each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs)] // `docs/errors.md` has a line for each
pub enum Kind {
    AccessDenied {
        /// IAM action, when it is certain.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        action: Option<String>,
        /// The ARN it belongs on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resource: Option<String>,
    },
    SignatureRejected,
    CredentialsExpired,
    ClockSkew,
    WrongRegion {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expected: Option<String>,
    },
    NoSuchBucket,
    NoSuchKey,
    NoSuchUpload,
    AlreadyExists,
    Changed,
    Throttled,
    Unavailable,
    Unreachable,
    QuotaExceeded,
    Integrity,
    Malformed,
    Unconfirmed,
    Unsupported,
    Config,
    Source,
    Local,
    Locked,
    Cancelled,
    Bug,
}

impl Kind {
    /// A stable code, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::AccessDenied { .. } => "s3/access-denied",
            Self::SignatureRejected => "s3/signature-rejected",
            Self::CredentialsExpired => "s3/credentials-expired",
            Self::ClockSkew => "s3/clock-skew",
            Self::WrongRegion { .. } => "s3/wrong-region",
            Self::NoSuchBucket => "s3/no-such-bucket",
            Self::NoSuchKey => "s3/no-such-key",
            Self::NoSuchUpload => "s3/no-such-upload",
            Self::AlreadyExists => "s3/already-exists",
            Self::Changed => "s3/changed",
            Self::Throttled => "s3/throttled",
            Self::Unavailable => "s3/unavailable",
            Self::Unreachable => "s3/unreachable",
            Self::QuotaExceeded => "s3/quota-exceeded",
            Self::Integrity => "s3/integrity",
            Self::Malformed => "s3/malformed",
            Self::Unconfirmed => "s3/unconfirmed",
            Self::Unsupported => "s3/unsupported",
            Self::Config => "config",
            Self::Source => "source",
            Self::Local => "local",
            Self::Locked => "locked",
            Self::Cancelled => "cancelled",
            Self::Bug => "bug",
        }
    }

    /// The process's exit code.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config | Self::Source | Self::WrongRegion { .. } | Self::Unsupported => 2,
            Self::NoSuchKey => 10,
            Self::Locked => 11,
            Self::AccessDenied { .. }
            | Self::SignatureRejected
            | Self::CredentialsExpired
            | Self::ClockSkew
            | Self::NoSuchBucket
            | Self::QuotaExceeded => 12,
            Self::Integrity | Self::Changed => 13,
            Self::Throttled | Self::Unavailable | Self::Unreachable | Self::Unconfirmed => 14,
            Self::AlreadyExists => 15,
            Self::Cancelled => 130,
            Self::NoSuchUpload | Self::Malformed | Self::Local | Self::Bug => 1,
        }
    }
}

/// An error as a person reads it and a program matches it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// What to change.
    #[serde(flatten)]
    pub kind: Kind,
    /// What happened: `cannot upload part 7 of s3://b/site.zip`.
    pub what: String,
    /// The server's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Box<Evidence>>,
    /// The next step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Error {
    /// An error without evidence.
    #[must_use]
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), evidence: None, hint: None }
    }

    /// Adds the next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether it was the copying of an earlier object that failed: without a base, the same
    /// backup may fare better.
    #[must_use]
    pub fn is_of_copy(&self) -> bool {
        self.evidence.as_ref().is_some_and(|evidence| evidence.operation == "UploadPartCopy")
    }

    /// Adds the server's words.
    #[must_use]
    pub fn evidence(mut self, evidence: Evidence) -> Self {
        self.evidence = Some(Box::new(evidence));
        self
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)?;
        if let Some(evidence) = &self.evidence {
            write!(f, ": {evidence}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
