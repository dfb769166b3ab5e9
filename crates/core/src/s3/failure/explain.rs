//! A failure for the person who has to do something about it: what kind it is, and which entry of
//! the catalogue says the next step.
//!
//! This finds the entry; the words are the catalogue's.

use super::{
    Class, Failure, catalogue,
    catalogue::{Entry, Slots},
    denial::{self, By, Denial},
    is_head, is_quota, wants_checksum, words,
};
use crate::{
    abi::TransportCause,
    error::{Error, Evidence, Kind},
    name::Bucket,
    s3::{
        call::{Permission, Resource},
        permission::{self, Grant},
    },
};

/// What was asked, as far as it is known, for the words of a denial.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked<'a> {
    pub(crate) permission: Option<Permission>,
    pub(crate) bucket: Option<&'a str>,
    /// The object's key, or the prefix that a listing asked for; empty when neither is known.
    pub(crate) key: &'a str,
    /// The prefix that is the client's, when someone says so.
    pub(crate) prefix: Option<&'a str>,
    pub(crate) partition: &'static str,
}

/// What a failure is, and what there is to say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) kind: Kind,
    pub(crate) entry: &'static Entry,
    pub(crate) slots: Slots,
}

/// The error of a failure. `what` is what could not be done: `cannot upload part 7 of s3://b/k`.
/// `key` is the object's; of a listing, the prefix that it asked for.
#[must_use]
pub fn explain(failure: &Failure, what: String, permission: Permission, bucket: &Bucket, key: &str) -> Error {
    let partition = permission::partition(failure.evidence.bucket_region.as_deref().unwrap_or_default());
    let bucket = Some(bucket.as_str());
    let Verdict { kind, entry, slots } =
        verdict(failure, &Asked { permission: Some(permission), bucket, key, prefix: None, partition });
    Error::new(kind, what).evidence(failure.evidence.clone()).hint(entry.hint(&slots))
}

/// What a failure is.
#[must_use]
pub(crate) fn verdict(failure: &Failure, asked: &Asked<'_>) -> Verdict {
    let evidence = &failure.evidence;
    let mut slots = Slots { region: evidence.bucket_region.clone(), ..Slots::default() };
    let (kind, entry) = match &failure.class {
        Class::Denied => return denied(evidence, asked),
        Class::Fatal => fatal(evidence),
        Class::Unreachable(cause) => unreachable_because(*cause, &evidence.operation),
        Class::Throttle => (Kind::Throttled, &catalogue::SLOW_DOWN),
        Class::Retry => (Kind::Unavailable, &catalogue::SERVER_TROUBLE),
        Class::ClockSkew => (Kind::ClockSkew, &catalogue::CLOCK),
        Class::Region(region) => {
            slots.region = region.as_ref().map(ToString::to_string);
            (Kind::WrongRegion { expected: slots.region.clone() }, another_region(evidence))
        }
        Class::ExpiredCredentials => (Kind::CredentialsExpired, &catalogue::EXPIRED),
        Class::NoSuchUpload => (Kind::NoSuchUpload, &catalogue::NO_SUCH_UPLOAD),
        Class::NoSuchKey if denial::is_missing_key(evidence) => (Kind::NoSuchKey, &catalogue::MISSING_KEY_IN_DISGUISE),
        Class::NoSuchKey if is_head(&evidence.operation) => (Kind::NoSuchKey, &catalogue::HEAD_NOTHING),
        Class::NoSuchKey => (Kind::NoSuchKey, &catalogue::NO_SUCH_KEY),
        Class::NoSuchBucket => (Kind::NoSuchBucket, &catalogue::NO_SUCH_BUCKET),
        Class::AlreadyExists => (Kind::AlreadyExists, &catalogue::EXISTS),
        Class::Conflict => (Kind::Locked, &catalogue::CONFLICT),
        Class::ChecksumRefused => (Kind::Unsupported, &catalogue::NO_CHECKSUMS),
        Class::NotSupported => (Kind::Unsupported, not_supported(evidence)),
        Class::Integrity => (Kind::Integrity, &catalogue::DAMAGED),
        Class::MissingPart => (Kind::Integrity, &catalogue::PARTS_DIFFER),
        Class::Malformed => (Kind::Malformed, &catalogue::NOT_S3),
    };
    Verdict { kind, entry, slots }
}

fn another_region(evidence: &Evidence) -> &'static Entry {
    match evidence.code.as_deref() {
        Some("AuthorizationHeaderMalformed") => &catalogue::REGION_MALFORMED,
        Some("IllegalLocationConstraintException") => &catalogue::ILLEGAL_LOCATION,
        _ => &catalogue::REDIRECT,
    }
}

fn unreachable_because(cause: TransportCause, operation: &str) -> (Kind, &'static Entry) {
    match cause {
        TransportCause::Dns => (Kind::Unreachable, &catalogue::DNS),
        TransportCause::Connect => (Kind::Unreachable, &catalogue::CONNECT),
        TransportCause::Tls => (Kind::Unreachable, &catalogue::TLS),
        TransportCause::Proxy => (Kind::Unreachable, &catalogue::PROXY),
        TransportCause::Broken | TransportCause::Stalled => (Kind::Unreachable, &catalogue::NETWORK),
        TransportCause::Malformed => (Kind::Malformed, &catalogue::NOT_S3),
        TransportCause::Local if operation == "GetObject" => (Kind::Local, &catalogue::DESTINATION),
        TransportCause::Local => (Kind::Source, &catalogue::SOURCE),
        TransportCause::Refused => (Kind::Bug, &catalogue::REFUSED_BY_US),
    }
}

fn not_supported(evidence: &Evidence) -> &'static Entry {
    let words = words(evidence);
    let otherwise = match (&evidence.code, &evidence.message) {
        (None, Some(_)) => &catalogue::NOT_S3,
        _ => &catalogue::MISSING_FEATURE,
    };
    [
        ("x-amz-tagging", &catalogue::NO_TAGS),
        ("x-amz-storage-class", &catalogue::NO_STORAGE_CLASSES),
        ("x-amz-server-side-encryption", &catalogue::NO_ENCRYPTION),
        ("if-none-match", &catalogue::NO_CONDITIONS),
    ]
    .into_iter()
    .find(|(header, _)| words.contains(header))
    .map_or(otherwise, |(_, entry)| entry)
}

fn denied(evidence: &Evidence, asked: &Asked<'_>) -> Verdict {
    let nothing_named = Kind::AccessDenied { action: None, resource: None };
    let (kind, entry) = match evidence.code.as_deref() {
        Some("InvalidAccessKeyId" | "XAdminUserNotFound") => (Kind::SignatureRejected, &catalogue::UNKNOWN_KEY_ID),
        Some("SignatureDoesNotMatch") => (Kind::SignatureRejected, &catalogue::WRONG_SECRET),
        Some("AllAccessDisabled" | "AccountProblem" | "NotSignedUp" | "InvalidPayer") => {
            (nothing_named, &catalogue::ACCOUNT)
        }
        Some(
            "AuthorizationHeaderMalformed"
            | "InvalidSecurity"
            | "Unauthorized"
            | "MissingSecurityHeader"
            | "MissingAuthenticationToken"
            | "CredentialsNotSupported",
        ) => (Kind::SignatureRejected, &catalogue::KEYS_REFUSED),
        None if evidence.status == 401 => (Kind::SignatureRejected, &catalogue::KEYS_REFUSED),
        _ => {
            return match denial::parse(evidence.message.as_deref().unwrap_or_default()) {
                Some(denial) => denied_in_words(denial, asked),
                None => denied_plainly(evidence, asked),
            };
        }
    };
    Verdict { kind, entry, slots: Slots::default() }
}

fn denied_plainly(evidence: &Evidence, asked: &Asked<'_>) -> Verdict {
    let action = asked.permission.map(|permission| permission.action.to_owned());
    let condition = action.as_deref().and_then(|action| asked.condition(action));
    let slots = Slots { action: action.clone(), pattern: asked.pattern(), condition, ..Slots::default() };
    let operation = evidence.operation.as_str();
    // Whatever else is known: nothing is concluded from an answer without words.
    let wordless_head = is_head(operation);
    let entry = if operation.eq_ignore_ascii_case("HeadBucket") {
        &catalogue::HEAD_BUCKET
    } else if wordless_head {
        &catalogue::HEAD_DENIED
    } else if evidence.code.is_none() && evidence.message.is_some() {
        &catalogue::PAGE_DENIED
    } else if is_retained(evidence) {
        &catalogue::OBJECT_LOCK
    } else {
        match action.as_deref() {
            None => &catalogue::DENIED_UNNAMED,
            Some(action) => needless(action).unwrap_or(match action {
                "s3:GetObject" | "s3:GetObjectVersion" => &catalogue::DENIED_READ,
                _ => &catalogue::DENIED_PLAINLY,
            }),
        }
    };
    let kind = match wordless_head || std::ptr::eq(entry, &catalogue::OBJECT_LOCK) {
        // Certain is only that it was refused; and what is retained, no statement frees.
        true => Kind::AccessDenied { action: None, resource: None },
        false => Kind::AccessDenied { action, resource: asked.arn() },
    };
    Verdict { kind, entry, slots }
}

/// Whether the words are of an object under retention; providers word it in their own ways.
fn is_retained(evidence: &Evidence) -> bool {
    let words = words(evidence);
    ["object lock", "worm", "retention"].iter().any(|word| words.contains(word))
}

/// What nobody should allow just because it is denied.
fn needless(action: &str) -> Option<&'static Entry> {
    if action.eq_ignore_ascii_case("s3:ListBucketMultipartUploads") {
        Some(&catalogue::LIST_UPLOADS)
    } else if action.eq_ignore_ascii_case("s3:ListAllMyBuckets") {
        Some(&catalogue::LIST_BUCKETS)
    } else if permission::grant_of(action) == Some(Grant::Never) {
        Some(&catalogue::NOT_FOR_BACKUPS)
    } else {
        None
    }
}

fn denied_in_words(denial: Denial, asked: &Asked<'_>) -> Verdict {
    let Denial { action, resource, by, explicit, policy } = denial;
    let is_kms = action.starts_with("kms:");
    let entry = match by {
        By::Identity if policy.as_ref().is_some_and(|arn| arn.contains("AWSCompromisedKeyQuarantine")) => {
            &catalogue::QUARANTINE
        }
        By::Identity if explicit => &catalogue::IDENTITY_DENIES,
        By::Resource if is_kms => &catalogue::KMS_KEY_POLICY,
        By::Unsaid | By::Identity if is_kms => &catalogue::KMS_NOT_ALLOWED,
        By::Unsaid | By::Identity => needless(&action).unwrap_or(&catalogue::IDENTITY_SILENT),
        By::Resource => &catalogue::BUCKET_POLICY,
        By::ServiceControl => &catalogue::SERVICE_CONTROL,
        By::ResourceControl => &catalogue::RESOURCE_CONTROL,
        By::VpcEndpoint => &catalogue::VPC_ENDPOINT,
        By::VpcEndpointByOrganization => &catalogue::VPC_ENDPOINT_BY_ORGANIZATION,
        By::Boundary => &catalogue::BOUNDARY,
        By::Session => &catalogue::SESSION,
        By::BlockPublicAccess => &catalogue::BLOCK_PUBLIC_ACCESS,
    };
    let pattern = match &resource {
        Some(arn) if asked.arn().as_ref() == Some(arn) => asked.pattern(),
        Some(arn) => Some(arn.clone()),
        None if is_kms => Some("arn:aws:kms:REGION:ACCOUNT:key/KEY".to_owned()),
        None => Some("*".to_owned()),
    };
    let condition = asked.condition(&action);
    let slots = Slots { action: Some(action.clone()), pattern, condition, policy, explicit, region: None };
    Verdict { kind: Kind::AccessDenied { action: Some(action), resource }, entry, slots }
}

fn fatal(evidence: &Evidence) -> (Kind, &'static Entry) {
    let code = evidence.code.as_deref().unwrap_or_default();
    match (code, evidence.status) {
        _ if is_quota(evidence) => (Kind::QuotaExceeded, &catalogue::QUOTA),
        _ if wants_checksum(evidence) => (Kind::Config, &catalogue::LOCK_WANTS_CHECKSUM),
        ("InvalidRequest", _) if is_retained(evidence) => {
            (Kind::AccessDenied { action: None, resource: None }, &catalogue::OBJECT_LOCK)
        }
        ("PreconditionFailed", _) | (_, 412) | ("InvalidRange", _) | (_, 416) => (Kind::Changed, &catalogue::CHANGED),
        ("InvalidObjectState", _) => (Kind::Unsupported, &catalogue::ARCHIVED),
        ("EntityTooSmall", _) => (Kind::Config, &catalogue::TOO_SMALL),
        ("EntityTooLarge", _) | ("", 413) => (Kind::Config, &catalogue::TOO_LARGE),
        ("InvalidStorageClass", _) => (Kind::Config, &catalogue::STORAGE_CLASS),
        ("AccessControlListNotSupported", _) => (Kind::Config, &catalogue::NO_ACLS),
        (code, _) if code.starts_with("KMS.") => (Kind::Config, &catalogue::KMS_KEY_STATE),
        ("XMinioInvalidResourceName" | "XMinioInvalidObjectName", _) => (Kind::Config, &catalogue::KEY_FOR_MINIO),
        (
            "InvalidArgument"
            | "InvalidRequest"
            | "InvalidBucketName"
            | "InvalidURI"
            | "KeyTooLongError"
            | "MetadataTooLarge"
            | "InvalidTag"
            | "InvalidEncryptionAlgorithmError"
            | "InvalidLocationConstraint"
            | "InvalidBucketState",
            _,
        ) => (Kind::Config, &catalogue::ARGUMENT),
        (
            "MalformedXML"
            | "MissingContentLength"
            | "MissingRequestBodyError"
            | "MaxMessageLengthExceeded"
            | "UnexpectedContent"
            | "MalformedACLError"
            | "InvalidPartOrder",
            _,
        )
        | ("", 411) => (Kind::Bug, &catalogue::OUR_MISTAKE),
        ("", 400) if ["to an https server", "to https port"].iter().any(|saying| words(evidence).contains(saying)) => {
            (Kind::Malformed, &catalogue::WANTS_TLS)
        }
        ("", 407) => (Kind::Unreachable, &catalogue::PROXY_LOGIN),
        ("", 300..400) => (Kind::Malformed, &catalogue::SENT_ELSEWHERE),
        ("", 400) if is_head(&evidence.operation) => (Kind::Malformed, &catalogue::HEAD_REFUSED),
        ("", _) => (Kind::Malformed, &catalogue::NOT_S3),
        _ => (Kind::Malformed, &catalogue::UNKNOWN_CODE),
    }
}

impl Asked<'_> {
    /// What exactly was asked for, when it is known.
    pub(crate) fn arn(&self) -> Option<String> {
        let resource = self.permission?.resource;
        let named = match resource {
            Resource::Everything => true,
            Resource::Bucket => self.bucket.is_some(),
            Resource::Object => self.bucket.is_some() && !self.key.is_empty(),
        };
        named.then(|| permission::arn(self.partition, resource, self.bucket.unwrap_or_default(), self.key))
    }

    /// The values of `s3:prefix` that an action has to be limited to.
    pub(crate) fn condition(&self, action: &str) -> Option<String> {
        if permission::grant_of(action) != Some(Grant::WithPrefix) {
            return None;
        }
        let is_listing = self.permission.is_some_and(|permission| permission.resource == Resource::Bucket);
        let asked = if is_listing { self.key } else { "" };
        Some(self.prefix.map_or_else(|| permission::prefix_pattern(asked), |prefix| format!("{prefix}*")))
    }

    /// What to allow: the client's prefix, else the key's folder. What is not known stands there
    /// in capitals.
    pub(crate) fn pattern(&self) -> Option<String> {
        let resource = self.permission?.resource;
        let keys = match (self.prefix, self.key) {
            (Some(prefix), key) if !prefix.is_empty() && key.starts_with(prefix) => format!("{prefix}*"),
            (Some(prefix), "") => format!("{prefix}*"),
            (None, "") => "PREFIX/*".to_owned(),
            (_, key) => permission::key_pattern(key),
        };
        Some(permission::arn(self.partition, resource, self.bucket.unwrap_or("BUCKET"), &keys))
    }
}
