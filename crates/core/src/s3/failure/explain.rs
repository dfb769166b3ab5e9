//! A failure for the person who has to do something about it: what kind it is, and the next step.

use super::{
    Class, Failure,
    denial::{self, By, Denial},
    is_head, is_quota, wants_checksum, words,
};
use crate::{
    abi::TransportCause,
    error::{Error, Evidence, Kind},
    name::Bucket,
    s3::call::{Permission, Resource},
};

/// What was asked, for the words of a denial.
struct Asked<'a> {
    permission: Permission,
    bucket: &'a Bucket,
    key: &'a str,
    partition: &'static str,
}

/// The error of a failure. `what` is what could not be done: `cannot upload part 7 of s3://b/k`.
#[must_use]
pub fn explain(failure: &Failure, what: String, permission: Permission, bucket: &Bucket, key: &str) -> Error {
    let partition = partition(failure.evidence.bucket_region.as_deref().unwrap_or_default());
    let (kind, hint) = kind_and_hint(failure, &Asked { permission, bucket, key, partition });
    Error::new(kind, what).evidence(failure.evidence.clone()).hint(hint)
}

fn kind_and_hint(failure: &Failure, asked: &Asked<'_>) -> (Kind, String) {
    let evidence = &failure.evidence;
    let (kind, hint) = match &failure.class {
        Class::Denied => return denied(evidence, asked),
        Class::Fatal => return fatal(evidence),
        Class::Unreachable(cause) => unreachable_because(*cause, &evidence.operation),
        Class::Throttle => (
            Kind::Throttled,
            "the server is busy or limits its rate: run it again later; an upload continues where it stopped",
        ),
        Class::Retry => (
            Kind::Unavailable,
            "the server has trouble of its own: run it again later; an upload continues where it stopped",
        ),
        Class::ClockSkew => (
            Kind::ClockSkew,
            "this machine's clock and the server's are more than 15 minutes apart: set this one (NTP)",
        ),
        Class::Region(Some(region)) => {
            let hint = format!("the bucket is in `{region}`: set that region (`--region {region}`)");
            return (Kind::WrongRegion { expected: Some(region.to_string()) }, hint);
        }
        Class::Region(None) => (
            Kind::WrongRegion { expected: None },
            "the bucket is in another region and the server does not say which: set its region, or its endpoint",
        ),
        Class::ExpiredCredentials => (
            Kind::CredentialsExpired,
            "temporary credentials have run out or are not whole: get fresh ones, or use the keys of an IAM user",
        ),
        Class::NoSuchUpload => (
            Kind::NoSuchUpload,
            "a lifecycle rule or another run has ended this upload: run it again, it starts afresh",
        ),
        Class::NoSuchKey if denial::is_missing_key(evidence) => (
            Kind::NoSuchKey,
            "nothing is there under this key; S3 says so in this way to keys that may not list the bucket",
        ),
        Class::NoSuchKey if is_head(&evidence.operation) => (
            Kind::NoSuchKey,
            "nothing is there under this key, or there is no such bucket: an answer to HEAD has no words",
        ),
        Class::NoSuchKey => (Kind::NoSuchKey, "check the key; `holdfast list` shows what is there"),
        Class::NoSuchBucket => {
            (Kind::NoSuchBucket, "check the bucket's name and the endpoint; Holdfast does not create buckets")
        }
        Class::AlreadyExists => (
            Kind::AlreadyExists,
            "an object is there under this key: choose another, or allow replacing it with `--overwrite`",
        ),
        Class::Conflict => (Kind::Locked, "another request wrote the same key at the same moment: run it again"),
        Class::ChecksumRefused => {
            (Kind::Unsupported, "this server takes none of the checksums that were tried: name it with `--provider`")
        }
        Class::NotSupported => return not_supported(evidence),
        Class::Integrity => integrity(),
        Class::MissingPart => (
            Kind::Integrity,
            "the parts that the server holds are not those that were sent: run it again, it starts afresh",
        ),
        Class::Malformed => (
            Kind::Malformed,
            "this is not how S3 answers: check the endpoint, and what stands in between (a proxy, a login page)",
        ),
    };
    (kind, hint.to_owned())
}

fn integrity() -> (Kind, &'static str) {
    (
        Kind::Integrity,
        "what arrived is not what was sent: see that the archive does not change meanwhile, then look at memory and \
         network",
    )
}

fn unreachable_because(cause: TransportCause, operation: &str) -> (Kind, &'static str) {
    match cause {
        TransportCause::Dns => (Kind::Unreachable, "check the endpoint's host name, and this machine's DNS"),
        TransportCause::Connect => (Kind::Unreachable, "check the endpoint's address and port, and the firewall"),
        TransportCause::Tls => (
            Kind::Unreachable,
            "check the endpoint's certificate and host name; a private authority's certificate goes into `--ca-file`",
        ),
        TransportCause::Proxy => (Kind::Unreachable, "check the proxy that HTTPS_PROXY names, and its login"),
        TransportCause::Broken | TransportCause::Stalled => {
            (Kind::Unreachable, "the network failed for too long: run it again; an upload continues where it stopped")
        }
        TransportCause::Malformed => {
            (Kind::Malformed, "this is not how S3 answers: check the endpoint, and what stands in between")
        }
        TransportCause::Local if operation == "GetObject" => {
            (Kind::Local, "check the destination: its disk, its permissions")
        }
        TransportCause::Local => {
            (Kind::Source, "check the archive: whether it is there, readable, and left alone meanwhile")
        }
        TransportCause::Refused => (Kind::Bug, "Holdfast refused its own request: please report this"),
    }
}

fn not_supported(evidence: &Evidence) -> (Kind, String) {
    let words = words(evidence);
    let otherwise = match (&evidence.code, &evidence.message) {
        (None, Some(_)) => "this is not how S3 answers: check the endpoint, and what stands in between",
        _ => "this server lacks what was asked for",
    };
    let hint = [
        ("x-amz-tagging", "this server takes no tags: leave them out"),
        ("x-amz-storage-class", "this server does not know the storage class: leave it out"),
        ("x-amz-server-side-encryption", "this server does not encrypt so: leave the encryption out"),
        ("if-none-match", "this server cannot refuse to replace an object: allow it with `--overwrite`"),
    ]
    .into_iter()
    .find(|(header, _)| words.contains(header))
    .map_or(otherwise, |(_, hint)| hint);
    (Kind::Unsupported, hint.to_owned())
}

fn denied(evidence: &Evidence, asked: &Asked<'_>) -> (Kind, String) {
    let nothing_named = Kind::AccessDenied { action: None, resource: None };
    let message = evidence.message.as_deref().unwrap_or_default();
    let (kind, hint) = match evidence.code.as_deref() {
        Some("InvalidAccessKeyId" | "XAdminUserNotFound") => (
            Kind::SignatureRejected,
            "this server does not know the access key id: mistyped, swapped with the secret, deleted, another \
             provider's or partition's; one that begins with ASIA goes with a session token",
        ),
        Some("SignatureDoesNotMatch") => (
            Kind::SignatureRejected,
            "check the secret access key (a space pasted along?) and the endpoint; a proxy that changes headers does this \
             too",
        ),
        Some("AllAccessDisabled" | "AccountProblem" | "NotSignedUp" | "InvalidPayer") => {
            (nothing_named, "the account is suspended, unpaid or not activated for S3: ask the provider's support")
        }
        Some(
            "AuthorizationHeaderMalformed"
            | "InvalidSecurity"
            | "Unauthorized"
            | "MissingSecurityHeader"
            | "MissingAuthenticationToken"
            | "CredentialsNotSupported",
        ) => (Kind::SignatureRejected, "check the access key id, the secret access key and the endpoint"),
        None if evidence.status == 401 => {
            (Kind::SignatureRejected, "check the access key id, the secret access key and the endpoint")
        }
        _ => {
            return match denial::parse(message) {
                Some(denial) => denied_in_words(&denial, asked),
                None => denied_plainly(evidence, asked),
            };
        }
    };
    (kind, hint.to_owned())
}

fn denied_plainly(evidence: &Evidence, asked: &Asked<'_>) -> (Kind, String) {
    let lower = words(evidence);
    let allow = allow(asked.permission.action, &asked.pattern());
    let hint = if is_head(&evidence.operation) {
        format!("an answer to HEAD has no words; most likely {allow}")
    } else if evidence.code.is_none() && evidence.message.is_some() {
        format!("this is not how S3 answers: look for a proxy, a firewall or a wrong endpoint; else {allow}")
    } else if lower.contains("object lock") || lower.contains("worm") || lower.contains("retention") {
        "the object is under retention (Object Lock) and stays until that ends".to_owned()
    } else {
        allow
    };
    let action = Some(asked.permission.action.to_owned());
    (Kind::AccessDenied { action, resource: Some(asked.arn()) }, hint)
}

fn denied_in_words(denial: &Denial, asked: &Asked<'_>) -> (Kind, String) {
    let Denial { action, resource, by, explicit, policy } = denial;
    let policy = policy.as_deref();
    let named = |what: &str| policy.map_or_else(|| what.to_owned(), |arn| format!("{what} (`{arn}`)"));
    let pattern = match resource {
        // The whole folder, for tomorrow's backup has another name.
        Some(arn) if *arn == asked.arn() => asked.pattern(),
        Some(arn) => arn.clone(),
        None => "*".to_owned(),
    };
    let forbids = if *explicit { "forbids" } else { "does not allow" };
    let hint = match by {
        By::Identity if policy.is_some_and(|arn| arn.contains("AWSCompromisedKeyQuarantine")) => {
            "AWS has quarantined this access key because it was found in public: create a new one and delete it".to_owned()
        }
        By::Identity if *explicit => {
            let policy = named("a policy of the user");
            format!("{policy} denies `{action}` in so many words, which no other statement outweighs: change that")
        }
        By::Resource if action.starts_with("kms:") => {
            let state = "see that the key is enabled and in the bucket's region";
            format!("allow `{action}` in the KMS key's policy, and {state}")
        }
        By::Unsaid | By::Identity => {
            allow(action, &pattern)
        }
        By::Resource => format!(
            "{} {forbids} `{action}` (rules of TLS, address, network, encryption or overwriting are made there): ask the \
             bucket's owner",
            named("the bucket's policy")
        ),
        By::ServiceControl => {
            format!("{} {forbids} `{action}`: ask the organization's administrator", named("a service control policy"))
        }
        By::ResourceControl => {
            format!("{} {forbids} `{action}`: ask the organization's administrator", named("a resource control policy"))
        }
        By::VpcEndpoint => {
            format!("{} {forbids} `{action}`: ask the network's administrator", named("the VPC endpoint's policy"))
        }
        By::Boundary => {
            format!("{} {forbids} `{action}`: ask the account's administrator", named("the user's permissions boundary"))
        }
        By::Session => format!(
            "{} {forbids} `{action}`: ask who issues these temporary credentials, or use the keys of an IAM user",
            named("the session's policy")
        ),
        By::BlockPublicAccess => {
            "S3 Block Public Access refuses what would be public; Holdfast asks for nothing of the kind: look for a proxy \
             that adds an ACL"
                .to_owned()
        }
    };
    (Kind::AccessDenied { action: Some(action.clone()), resource: resource.clone() }, hint)
}

fn fatal(evidence: &Evidence) -> (Kind, String) {
    let code = evidence.code.as_deref().unwrap_or_default();
    let (kind, hint) = match (code, evidence.status) {
        _ if is_quota(evidence) => {
            (Kind::QuotaExceeded, "the storage is full or its quota used up: make room, or raise the limit")
        }
        _ if wants_checksum(evidence) => (
            Kind::Config,
            "a bucket with Object Lock wants a checksum with every request, and this server takes none of ours: name it \
             with `--provider`",
        ),
        ("PreconditionFailed", _) | (_, 412) | ("InvalidRange", _) | (_, 416) => {
            (Kind::Changed, "the object was replaced meanwhile: start again")
        }
        ("InvalidObjectState", _) => {
            (Kind::Unsupported, "the object lies in an archive class: have it restored there first (RestoreObject)")
        }
        ("EntityTooSmall", _) => (Kind::Config, "the parts are smaller than this server takes: set a larger part size"),
        ("EntityTooLarge", _) | ("", 413) => {
            (Kind::Config, "the object or its parts are larger than this server, or a proxy before it, takes")
        }
        ("InvalidStorageClass", _) => {
            (Kind::Config, "this server does not know the storage class: choose another, or leave it out")
        }
        ("AccessControlListNotSupported", _) => {
            (Kind::Config, "this bucket takes no ACLs, and Holdfast sends none: look for a proxy that adds `x-amz-acl`")
        }
        (code, _) if code.starts_with("KMS.") => {
            (Kind::Config, "the KMS key is disabled, pending deletion, or in another region than the bucket")
        }
        ("XMinioInvalidResourceName" | "XMinioInvalidObjectName", _) => {
            (Kind::Config, "MinIO takes no key with `//`, `.` or `..` in it: choose another")
        }
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
        ) => (Kind::Config, "the server does not take one of the settings; its words say which"),
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
        | ("", 411) => (Kind::Bug, "Holdfast sent something wrong: please report this"),
        // As Go's and nginx's servers put it.
        ("", 400) if ["to an https server", "to https port"].iter().any(|saying| words(evidence).contains(saying)) => {
            (Kind::Malformed, "the endpoint speaks TLS on this port: write `https://` before its name")
        }
        ("", 407) => (Kind::Unreachable, "the proxy wants a login: put it into HTTPS_PROXY"),
        ("", 300..400) => {
            (Kind::Malformed, "the endpoint sends us elsewhere: use the address that it names, if you trust it")
        }
        ("", 400) if is_head(&evidence.operation) => (
            Kind::Malformed,
            "an answer to HEAD has no words: mostly a wrong region, expired credentials or an unknown header",
        ),
        ("", _) => (Kind::Malformed, "this is not how S3 answers: check the endpoint, and what stands in between"),
        _ => (Kind::Malformed, "Holdfast does not know this answer; its words are the provider's"),
    };
    (kind, hint.to_owned())
}

fn allow(action: &str, pattern: &str) -> String {
    format!("allow `{action}` on `{pattern}`")
}

/// The partition of a region: its ARNs begin with it.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

impl Asked<'_> {
    /// What exactly was asked for.
    fn arn(&self) -> String {
        let Self { bucket, key, partition, .. } = self;
        match self.permission.resource {
            Resource::Bucket => format!("arn:{partition}:s3:::{bucket}"),
            Resource::Object => format!("arn:{partition}:s3:::{bucket}/{key}"),
        }
    }

    /// What to allow: the key's whole folder, for tomorrow's backup has another name; but never
    /// a whole bucket.
    fn pattern(&self) -> String {
        match (self.permission.resource, self.key.rfind('/')) {
            (Resource::Object, Some(slash)) => {
                format!("arn:{}:s3:::{}/{}*", self.partition, self.bucket, &self.key[..=slash])
            }
            _ => self.arn(),
        }
    }
}
