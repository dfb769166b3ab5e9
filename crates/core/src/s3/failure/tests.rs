//! Each code and status of the tables in the facts, one row each; then the shapes in which they
//! come, and what is not to be taken for one.

use proptest::prelude::*;

use super::*;
use crate::{
    abi::Headers,
    error::Kind,
    name::Bucket,
    s3::call::{Permission, Resource},
};

/// Operation, status, code, message, class.
type Row = (&'static str, u16, &'static str, &'static str, Class);

fn region(name: &str) -> Option<Region> {
    Some(Region::parse(name).expect("a region"))
}

/// Permissions, section 2, second table: code by code.
fn permission_rows() -> Vec<Row> {
    let malformed = "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'";
    let lock =
        "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters";
    vec![
        (
            "PutObject",
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
            Class::Denied,
        ),
        (
            "PutObject",
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match",
            Class::Denied,
        ),
        ("PutObject", 403, "RequestTimeTooSkewed", "The difference is too large.", Class::ClockSkew),
        ("PutObject", 400, "ExpiredToken", "The provided token has expired.", Class::ExpiredCredentials),
        (
            "PutObject",
            400,
            "InvalidToken",
            "The provided token is malformed or otherwise invalid.",
            Class::ExpiredCredentials,
        ),
        ("PutObject", 400, "TokenRefreshRequired", "The provided token must be refreshed.", Class::ExpiredCredentials),
        ("PutObject", 301, "PermanentRedirect", "must be addressed using the specified endpoint", Class::Region(None)),
        ("PutObject", 307, "TemporaryRedirect", "while DNS updates", Class::Region(None)),
        ("ListObjectsV2", 400, "AuthorizationHeaderMalformed", malformed, Class::Region(region("eu-west-1"))),
        (
            "ListObjectsV2",
            400,
            "AuthorizationHeaderMalformed",
            "a non-empty Access Key (AKID) must be provided",
            Class::Denied,
        ),
        ("PutObject", 400, "IllegalLocationConstraintException", "is incompatible for the region", Class::Region(None)),
        ("PutObject", 404, "NoSuchBucket", "The specified bucket does not exist", Class::NoSuchBucket),
        ("PutObject", 403, "AllAccessDisabled", "All access to this object has been disabled", Class::Denied),
        ("PutObject", 403, "AccountProblem", "There is a problem with your account", Class::Denied),
        ("PutObject", 403, "NotSignedUp", "Your account is not signed up for the Amazon S3 service.", Class::Denied),
        ("PutObject", 400, "AccessControlListNotSupported", "The bucket does not allow ACLs", Class::Fatal),
        ("PutObject", 400, "InvalidRequest", lock, Class::Fatal),
        ("DeleteObject", 403, "AccessDenied", "Access Denied because object protected by object lock.", Class::Denied),
        (
            "UploadPart",
            400,
            "InvalidRequest",
            "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Part requests with Object Lock parameters",
            Class::Fatal,
        ),
        ("DeleteObject", 400, "InvalidRequest", "The object is protected by an Object Lock retention", Class::Fatal),
        (
            "PutObject",
            400,
            "IllegalLocationConstraintException",
            "The eu-west-1 location constraint is incompatible for the region specific endpoint this request was sent to.",
            Class::Region(None),
        ),
        ("PutObject", 400, "KMS.DisabledException", "is disabled.", Class::Fatal),
        ("PutObject", 400, "KMS.NotFoundException", "does not exist", Class::Fatal),
        ("PutObject", 400, "KMS.KMSInvalidStateException", "is pending deletion.", Class::Fatal),
        ("GetObject", 403, "InvalidObjectState", "not valid for the object's storage class", Class::Fatal),
        ("PutObject", 400, "InvalidStorageClass", "The storage class you specified is not valid", Class::Fatal),
        ("PutObject", 400, "EntityTooLarge", "exceeds the maximum allowed size", Class::Fatal),
        ("CompleteMultipartUpload", 400, "EntityTooSmall", "smaller than the minimum allowed size", Class::Fatal),
        ("PutObject", 400, "InvalidArgument", "Invalid Argument", Class::Fatal),
        ("UploadPart", 404, "NoSuchUpload", "The specified multipart upload does not exist.", Class::NoSuchUpload),
        ("PutObject", 405, "MethodNotAllowed", "The specified method is not allowed", Class::NotSupported),
        ("ListMultipartUploads", 501, "NotImplemented", "not implemented", Class::NotSupported),
        ("UploadPart", 503, "SlowDown", "Please reduce your request rate.", Class::Throttle),
        ("UploadPart", 500, "InternalError", "We encountered an internal error. Please try again.", Class::Retry),
        ("UploadPart", 503, "ServiceUnavailable", "Service is unable to handle request.", Class::Throttle),
        ("PutObject", 403, "AccessDenied", "Access Denied", Class::Denied),
    ]
}

/// The taxonomy of retries, the ladder, conditions, and the providers' own ways.
fn taxonomy_rows() -> Vec<Row> {
    let listing = "User: u is not authorized to perform: s3:ListBucket on resource: \"arn:aws:s3:::b\" because no identity-based policy allows the s3:ListBucket action";
    vec![
        ("UploadPart", 400, "RequestTimeout", "Your socket connection to the server was not read from", Class::Retry),
        ("UploadPart", 400, "IncompleteBody", "You did not provide the number of bytes specified", Class::Retry),
        ("UploadPart", 200, "InternalError", "We encountered an internal error. Please try again.", Class::Retry),
        ("CompleteMultipartUpload", 200, "SlowDown", "Please reduce your request rate.", Class::Throttle),
        ("CompleteMultipartUpload", 200, "SomethingNew", "?", Class::Retry),
        (
            "UploadPart",
            429,
            "TooManyRequests",
            "Reduce your concurrent request rate for the same object.",
            Class::Throttle,
        ),
        (
            "UploadPart",
            503,
            "SlowDownWrite",
            "Resource requested is unwritable, please reduce your request rate",
            Class::Throttle,
        ),
        ("UploadPart", 400, "RequestThrottled", "", Class::Throttle),
        ("UploadPart", 403, "RequestExpired", "Request has expired.", Class::ClockSkew),
        ("UploadPart", 403, "AccessDenied", "Request has expired", Class::ClockSkew),
        (
            "UploadPart",
            400,
            "BadDigest",
            "The Content-MD5 you specified did not match what we received.",
            Class::Integrity,
        ),
        ("UploadPart", 400, "XAmzContentChecksumMismatch", "did not match", Class::Integrity),
        ("CompleteMultipartUpload", 400, "BadDigest", "The CRC64NVME you specified did not match", Class::Integrity),
        (
            "CompleteMultipartUpload",
            400,
            "InvalidRequest",
            "The provided 'x-amz-mp-object-size' header value 7 does not match what was computed: 8",
            Class::Integrity,
        ),
        (
            "CompleteMultipartUpload",
            400,
            "InvalidPart",
            "One or more of the specified parts could not be found.",
            Class::MissingPart,
        ),
        (
            "CompleteMultipartUpload",
            400,
            "InvalidPartOrder",
            "The list of parts was not in ascending order.",
            Class::Fatal,
        ),
        (
            "CompleteMultipartUpload",
            404,
            "NoSuchUpload",
            "The specified multipart upload does not exist.",
            Class::NoSuchUpload,
        ),
        (
            "CompleteMultipartUpload",
            409,
            "ConditionalRequestConflict",
            "A conflicting operation occurred.",
            Class::Conflict,
        ),
        ("PutObject", 409, "OperationAborted", "A conflicting conditional operation is in progress", Class::Conflict),
        (
            "CompleteMultipartUpload",
            412,
            "PreconditionFailed",
            "At least one of the pre-conditions did not hold",
            Class::AlreadyExists,
        ),
        (
            "PutObject",
            412,
            "PreconditionFailed",
            "At least one of the pre-conditions did not hold",
            Class::AlreadyExists,
        ),
        ("GetObject", 412, "PreconditionFailed", "At least one of the pre-conditions did not hold", Class::Fatal),
        ("GetObject", 416, "InvalidRange", "The requested range is not satisfiable", Class::Fatal),
        ("GetObject", 404, "NoSuchKey", "The specified key does not exist.", Class::NoSuchKey),
        ("GetObject", 403, "AccessDenied", listing, Class::NoSuchKey),
        ("ListObjectsV2", 403, "AccessDenied", listing, Class::Denied),
        // Backblaze B2.
        (
            "UploadPart",
            400,
            "InvalidArgument",
            "Unsupported header 'x-amz-checksum-crc32' received for this API call.",
            Class::ChecksumRefused,
        ),
        (
            "GetObject",
            400,
            "InvalidArgument",
            "Unsupported header 'x-amz-checksum-mode' received for this API call.",
            Class::ChecksumRefused,
        ),
        (
            "PutObject",
            400,
            "InvalidArgument",
            "Unsupported header 'if-none-match' received for this API call.",
            Class::NotSupported,
        ),
        ("PutObject", 403, "AccessDenied", "Cannot upload files, storage cap exceeded.", Class::Fatal),
        // Cloudflare R2.
        (
            "PutObject",
            501,
            "NotImplemented",
            "Header 'x-amz-checksum-crc32' with value '8FJbTw==' not implemented",
            Class::ChecksumRefused,
        ),
        (
            "PutObject",
            501,
            "NotImplemented",
            "Header 'x-amz-tagging' with value 'a=b' not implemented",
            Class::NotSupported,
        ),
        ("ListObjectsV2", 401, "Unauthorized", "Unauthorized", Class::Denied),
        // MinIO and versitygw, as seen.
        ("PutObject", 400, "XMinioInvalidResourceName", "Resource name contains bad components", Class::Fatal),
        (
            "ListObjectsV2",
            403,
            "InvalidTokenId",
            "The security token included in the request is invalid",
            Class::ExpiredCredentials,
        ),
        ("ListObjectsV2", 404, "XAdminUserNotFound", "No user exists with the provided access key ID.", Class::Denied),
        (
            "ListObjectsV2",
            400,
            "AuthorizationHeaderMalformed",
            "The authorization header is malformed; the region \"eu-west-9\" is wrong; expecting \"us-east-1\"",
            Class::Region(region("us-east-1")),
        ),
        // OVH, MinIO, older AWS.
        ("UploadPart", 400, "XAmzContentSHA256Mismatch", "does not match what was computed", Class::Integrity),
        ("UploadPart", 400, "InvalidDigest", "The Content-MD5 you specified is not valid.", Class::ChecksumRefused),
        (
            "PutObject",
            400,
            "InvalidArgument",
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, or a valid sha256 value.",
            Class::ChecksumRefused,
        ),
        (
            "CompleteMultipartUpload",
            400,
            "InvalidArgument",
            "checksum missing, want \"CRC64NVME\", got \"\"",
            Class::ChecksumRefused,
        ),
        (
            "PutObject",
            501,
            "NotImplemented",
            "A header you provided implies functionality that is not implemented",
            Class::ChecksumRefused,
        ),
        ("PutObject", 403, "QuotaExceeded", "", Class::Fatal),
        (
            "PutObject",
            507,
            "XMinioStorageFull",
            "Storage backend has reached its minimum free drive threshold.",
            Class::Fatal,
        ),
        ("PutObject", 500, "InternalError", "bucket quota exceeded", Class::Fatal),
        (
            "PutObject",
            503,
            "XMinioServerNotInitialized",
            "Server not initialized yet, please try again.",
            Class::Throttle,
        ),
        ("PutObject", 429, "UserRateLimit", "Rate of requests exceeded quota.", Class::Throttle),
        ("PutObject", 400, "NeverHeardOf", "?", Class::Fatal),
        ("PutObject", 403, "NeverHeardOf", "?", Class::Denied),
    ]
}

/// Without a code: HEAD, empty bodies, pages.
fn status_rows() -> Vec<Row> {
    let page = "<html><head><title>It is a page</title></head><body>of a proxy</body></html>";
    vec![
        ("HeadObject", 403, "", "", Class::Denied),
        ("HeadObject", 404, "", "", Class::NoSuchKey),
        ("HeadObject", 400, "", "", Class::Fatal),
        ("HeadObject", 301, "", "", Class::Region(None)),
        ("HeadObject", 412, "", "", Class::Fatal),
        ("GetObject", 404, "", "", Class::NoSuchKey),
        ("AbortMultipartUpload", 404, "", "", Class::NoSuchUpload),
        ("AbortMultipartUpload", 404, "", page, Class::Fatal),
        ("CreateMultipartUpload", 404, "", page, Class::Fatal),
        ("PutObject", 302, "", "", Class::Fatal),
        ("PutObject", 301, "", page, Class::Fatal),
        ("PutObject", 401, "", page, Class::Denied),
        ("PutObject", 403, "", page, Class::Denied),
        ("PutObject", 405, "", page, Class::NotSupported),
        ("PutObject", 407, "", page, Class::Fatal),
        ("PutObject", 408, "", "", Class::Retry),
        ("PutObject", 409, "", "", Class::Conflict),
        ("PutObject", 411, "", "", Class::Fatal),
        ("PutObject", 412, "", "", Class::AlreadyExists),
        ("PutObject", 413, "", page, Class::Fatal),
        ("PutObject", 429, "", "", Class::Throttle),
        ("PutObject", 500, "", page, Class::Retry),
        ("PutObject", 501, "", "", Class::NotSupported),
        ("PutObject", 502, "", page, Class::Retry),
        ("PutObject", 503, "", page, Class::Throttle),
        ("PutObject", 504, "", page, Class::Retry),
        ("PutObject", 507, "", "", Class::Fatal),
        ("PutObject", 520, "", page, Class::Retry),
    ]
}

fn document(code: &str, message: &str) -> String {
    let message = message.replace('"', "&quot;");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
         <RequestId>4442587FB7D0A2F9</RequestId><HostId>h</HostId></Error>"
    )
}

fn failure(operation: &'static str, status: u16, pairs: &[(&str, &str)], body: &str) -> Option<Failure> {
    let headers: Headers = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    read(operation, &Answer { status, headers: &headers, body: body.as_bytes(), received: None })
}

fn of_row((operation, status, code, message, _): &Row) -> Failure {
    let body = if code.is_empty() { (*message).to_owned() } else { document(code, message) };
    failure(operation, *status, &[], &body).unwrap_or_else(|| panic!("{operation} {status} {code} is a failure"))
}

fn explained(failure: &Failure) -> crate::error::Error {
    let permission = match failure.evidence.operation.as_str() {
        "GetObject" | "HeadObject" => Permission { action: "s3:GetObject", resource: Resource::Object },
        "ListObjectsV2" => Permission { action: "s3:ListBucket", resource: Resource::Bucket },
        _ => Permission { action: "s3:PutObject", resource: Resource::Object },
    };
    let key = if permission.resource == Resource::Bucket { "" } else { "site/2026.zip" };
    let bucket = Bucket::parse("backups").expect("a bucket");
    explain(failure, "cannot do it".to_owned(), permission, &bucket, key)
}

#[test]
fn every_row_has_its_class() {
    for row in permission_rows().iter().chain(&taxonomy_rows()).chain(&status_rows()) {
        let failure = of_row(row);
        assert_eq!(failure.class, row.4, "{row:?}");
        assert_eq!(failure.evidence.status, row.1);
        assert_eq!(failure.evidence.code.as_deref(), Some(row.2).filter(|code| !code.is_empty()), "{row:?}");
    }
}

/// What a person reads, for all rows: the kind and the next step.
#[test]
fn every_row_has_its_next_step() {
    let mut text = String::new();
    for row in permission_rows().iter().chain(&taxonomy_rows()).chain(&status_rows()) {
        let error = explained(&of_row(row));
        let (operation, status, code, message, _) = row;
        let words = if message.starts_with('<') { "(a page)" } else { message };
        let said = [code, words].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ");
        text += &format!(
            "{operation} {status} {said}\n  {}\n  hint: {}\n",
            error.kind.code(),
            error.hint.unwrap_or_default()
        );
    }
    insta::assert_snapshot!("next_steps", text);
}

/// The same for the ways in which no answer comes.
#[test]
fn every_silence_has_its_next_step() {
    use TransportCause::*;
    let mut text = String::new();
    for cause in [Dns, Connect, Tls, Proxy, Broken, Stalled, Malformed, Local, Refused] {
        for operation in ["UploadPart", "GetObject"] {
            let failure = Failure { evidence: transport(operation, cause, ""), class: Class::Unreachable(cause) };
            let error = explained(&failure);
            text +=
                &format!("{}\n  {}\n  hint: {}\n", failure.evidence, error.kind.code(), error.hint.unwrap_or_default());
        }
    }
    insta::assert_snapshot!("silences", text);
}

#[test]
fn a_denial_in_words_names_what_to_allow_and_whom_to_ask() {
    let mut text = String::new();
    for (action, resource, context) in [
        (
            "s3:PutObject",
            "arn:aws:s3:::backups/site/2026.zip",
            "because no identity-based policy allows the s3:PutObject action",
        ),
        ("s3:PutObjectTagging", "arn:aws:s3:::backups/site/2026.zip", "because no identity-based policy allows it"),
        ("s3:ListBucket", "arn:aws:s3:::backups", "because no identity-based policy allows it"),
        (
            "s3:PutObject",
            "arn:aws:s3:::backups/site/2026.zip",
            "with an explicit deny in an identity-based policy: arn:aws:iam::1:policy/NoPut",
        ),
        (
            "s3:GetObject",
            "arn:aws:s3:::backups/k",
            "with an explicit deny in an identity-based policy: arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3",
        ),
        ("s3:PutObject", "arn:aws:s3:::backups/k", "because no resource-based policy allows the s3:PutObject action"),
        ("s3:PutObject", "arn:aws:s3:::backups/k", "with an explicit deny in a resource-based policy"),
        (
            "s3:PutObject",
            "arn:aws:s3:::backups/k",
            "with an explicit deny in a service control policy: arn:aws:organizations::1:policy/o/p",
        ),
        ("s3:PutObject", "arn:aws:s3:::backups/k", "with an explicit deny in a resource control policy"),
        ("s3:PutObject", "arn:aws:s3:::backups/k", "because no VPC endpoint policy allows the s3:PutObject action"),
        ("s3:PutObject", "arn:aws:s3:::backups/k", "because no permissions boundary allows the s3:PutObject action"),
        ("s3:PutObject", "arn:aws:s3:::backups/k", "because no session policy allows the s3:PutObject action"),
        (
            "s3:PutObjectAcl",
            "arn:aws:s3:::backups/k",
            "because public ACLs are prevented by the BlockPublicAcls setting in S3 Block Public Access",
        ),
        (
            "kms:GenerateDataKey",
            "arn:aws:kms:eu-west-1:1:key/2",
            "because no identity-based policy allows the kms:GenerateDataKey action",
        ),
        (
            "kms:Decrypt",
            "arn:aws:kms:eu-west-1:1:key/2",
            "because no resource-based policy allows the kms:Decrypt action",
        ),
    ] {
        let message = format!(
            "User: arn:aws:iam::1:user/u is not authorized to perform: {action} on resource: \"{resource}\" {context}"
        );
        let failure = failure("PutObject", 403, &[], &document("AccessDenied", &message)).expect("a failure");
        let error = explained(&failure);
        let kind = Kind::AccessDenied { action: Some(action.to_owned()), resource: Some(resource.to_owned()) };
        assert_eq!((error.kind, failure.class), (kind, Class::Denied));
        text += &format!("{action} {context}\n  hint: {}\n", error.hint.unwrap_or_default());
    }
    insta::assert_snapshot!("denials", text);
}

/// No entry of the catalogue is there without an answer that leads to it.
#[test]
fn every_entry_has_a_case() {
    use std::collections::BTreeSet;
    let object = "on resource: \"arn:aws:s3:::backups/site/2026.zip\" ";
    let key = "on resource: arn:aws:kms:eu-west-1:1:key/2 ";
    let denials = [
        ("s3:PutObject", object, "because no identity-based policy allows the s3:PutObject action"),
        ("s3:PutObject", object, "with an explicit deny in an identity-based policy"),
        (
            "s3:PutObject",
            object,
            "with an explicit deny in an identity-based policy: arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV2",
        ),
        ("s3:PutObject", object, "with an explicit deny in a resource-based policy"),
        ("s3:PutObject", object, "with an explicit deny in a service control policy"),
        ("s3:PutObject", object, "because no resource control policy allows the s3:PutObject action"),
        ("s3:PutObject", object, "with an explicit deny in a VPC endpoint policy"),
        (
            "s3:PutObject",
            object,
            "with an explicit deny in a VPC endpoint policy transitively through a service control policy",
        ),
        ("s3:PutObject", object, "with an explicit deny in a permissions boundary: arn:aws:iam::1:policy/B"),
        ("s3:PutObject", object, "with an explicit deny in a session(s) policy"),
        (
            "s3:PutBucketPolicy",
            "",
            "because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access",
        ),
        ("kms:GenerateDataKey", key, "because no identity-based policy allows the kms:GenerateDataKey action"),
        (
            "kms:GenerateDataKey",
            "on this resource because the resource does not exist in this Region, ",
            "no resource-based policies allow access, or a resource-based policy explicitly denies access",
        ),
        ("s3:ListAllMyBuckets", "", "because no identity-based policy allows the s3:ListAllMyBuckets action"),
        ("s3:ListBucketMultipartUploads", "", "because no identity-based policy allows it"),
        ("s3:PutObjectACL", object, "because no identity-based policy allows it"),
    ];
    let denial = |(action, resource, context): &(&str, &str, &str)| {
        let message = format!("User: u is not authorized to perform: {action} {resource}{context}");
        failure("PutObject", 403, &[], &document("AccessDenied", &message)).expect("a failure")
    };
    let rows = permission_rows().into_iter().chain(taxonomy_rows()).chain(status_rows());
    let others = [
        ("GetObject", 403, "AccessDenied", "Access Denied"),
        ("HeadBucket", 403, "", ""),
        ("PutObject", 501, "NotImplemented", "Header 'x-amz-storage-class' not implemented"),
        ("PutObject", 501, "NotImplemented", "Header 'x-amz-server-side-encryption' not implemented"),
    ];
    let others =
        others.into_iter().map(|(operation, status, code, words)| (operation, status, code, words, Class::Denied));
    let mut failures: Vec<_> = rows.chain(others).map(|row| of_row(&row)).chain(denials.iter().map(denial)).collect();
    let plain = "Client sent an HTTP request to an HTTPS server.\n";
    failures.push(failure("PutObject", 400, &[], plain).expect("a failure"));
    {
        use TransportCause::*;
        for (operation, cause) in ["UploadPart", "GetObject"].into_iter().flat_map(|name| {
            [Dns, Connect, Tls, Proxy, Broken, Stalled, Malformed, Local, Refused].map(|cause| (name, cause))
        }) {
            failures.push(Failure { evidence: transport(operation, cause, ""), class: Class::Unreachable(cause) });
        }
    }
    let asked =
        |permission| Asked { permission, bucket: Some("backups"), key: "site/a.zip", prefix: None, partition: "aws" };
    let put = Permission { action: "s3:PutObject", resource: Resource::Object };
    let get = Permission { action: "s3:GetObject", resource: Resource::Object };
    let reached: BTreeSet<_> = failures
        .iter()
        .flat_map(|failure| {
            [None, Some(put), Some(get)].map(|permission| verdict(failure, &asked(permission)).entry.id)
        })
        .collect();
    let all: BTreeSet<_> =
        catalogue::CATALOGUE.iter().flat_map(|chapter| chapter.entries).map(|entry| entry.id).collect();
    assert_eq!(all.difference(&reached).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn a_plain_denial_names_what_was_asked() {
    let denied = failure("PutObject", 403, &[], &document("AccessDenied", "Access Denied")).expect("a failure");
    let error = explained(&denied);
    assert_eq!(
        error.kind,
        Kind::AccessDenied {
            action: Some("s3:PutObject".to_owned()),
            resource: Some("arn:aws:s3:::backups/site/2026.zip".to_owned()),
        }
    );
    assert_eq!(
        error.to_string(),
        "cannot do it: S3 answered PutObject with 403 AccessDenied: Access Denied (request id 4442587FB7D0A2F9)"
    );
    let china = failure(
        "ListObjectsV2",
        403,
        &[("x-amz-bucket-region", "cn-north-1")],
        &document("AccessDenied", "Access Denied"),
    );
    let hint = explained(&china.expect("a failure")).hint.unwrap_or_default();
    assert!(hint.contains("`arn:aws-cn:s3:::backups`"), "{hint}");
}

/// A key at the root has no folder, and a whole bucket is never suggested.
#[test]
fn a_key_without_a_folder_is_allowed_alone() {
    let failure = failure("PutObject", 403, &[], &document("AccessDenied", "Access Denied")).expect("a failure");
    let permission = Permission { action: "s3:PutObject", resource: Resource::Object };
    let bucket = Bucket::parse("backups").expect("a bucket");
    let hint = explain(&failure, String::new(), permission, &bucket, "a.zip").hint.unwrap_or_default();
    assert_eq!(hint, "allow `s3:PutObject` on `arn:aws:s3:::backups/a.zip`");
}

#[test]
fn an_answer_to_head_is_evidence_without_words() {
    let pairs = [("x-amz-request-id", "318BC8BC143432E5"), ("x-amz-bucket-region", "eu-west-1")];
    let head = |status| failure("HeadObject", status, &pairs, "").expect("a failure");
    assert_eq!(
        head(403).evidence,
        Evidence {
            operation: "HeadObject".to_owned(),
            status: 403,
            code: None,
            message: None,
            request_id: Some("318BC8BC143432E5".to_owned()),
            bucket_region: Some("eu-west-1".to_owned()),
        }
    );
    assert_eq!(head(403).class, Class::Denied);
    assert_eq!(head(301).class, Class::Region(region("eu-west-1")));
    assert_eq!(head(400).class, Class::Region(region("eu-west-1")));
    let hint = explained(&head(403)).hint.unwrap_or_default();
    assert!(hint.starts_with("an answer to HEAD has no words"), "{hint}");
}

#[test]
fn a_success_is_none_unless_an_error_is_in_it() {
    let error = document("InternalError", "We encountered an internal error. Please try again.");
    let drip = format!("<?xml version=\"1.0\"?>{}<Error><Code>InternalError</Code></Error>", "\n".repeat(9_000));
    for operation in ["CompleteMultipartUpload", "UploadPart", "PutObject", "ListParts", "AbortMultipartUpload"] {
        assert_eq!(
            failure(operation, 200, &[], &error).map(|failure| failure.class),
            Some(Class::Retry),
            "{operation}"
        );
        assert_eq!(failure(operation, 200, &[], &drip).map(|failure| failure.class), Some(Class::Retry), "{operation}");
        assert_eq!(failure(operation, 200, &[], ""), None);
        assert_eq!(failure(operation, 204, &[], ""), None);
        assert_eq!(failure(operation, 200, &[], "<ListPartsResult><Error/></ListPartsResult>"), None);
    }
    assert_eq!(failure("GetObject", 200, &[], &error), None, "an object may be an error document");
    assert_eq!(failure("GetObject", 206, &[], &error), None);
    let half = failure("CompleteMultipartUpload", 200, &[], "<Error><Code>SlowDown</Code><Mess");
    assert_eq!(half.map(|failure| failure.class), Some(Class::Throttle), "half an error is one");
}

/// In the wild it is found in four places.
#[test]
fn the_region_is_found_wherever_it_stands() {
    let endpoint = |host: &str| format!("<Error><Code>PermanentRedirect</Code><Endpoint>{host}</Endpoint></Error>");
    for (status, pairs, body, found) in [
        (
            301,
            &[("x-amz-bucket-region", "eu-west-1")][..],
            endpoint("b.s3.us-west-2.amazonaws.com"),
            region("eu-west-1"),
        ),
        (301, &[], endpoint("b.s3.us-west-2.amazonaws.com"), region("us-west-2")),
        (301, &[], endpoint("my.s3.bucket.s3-ap-south-1.amazonaws.com"), region("ap-south-1")),
        (301, &[], endpoint("b.s3.amazonaws.com"), None),
        (307, &[("location", "https://b.s3.eu-central-1.amazonaws.com/k?x")], endpoint(""), region("eu-central-1")),
        (307, &[("location", "https://b.s3-gztb4pa9sq.amazonaws.com/k")], endpoint(""), None),
        (
            400,
            &[],
            "<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message><Region>eu-west-3</Region></Error>"
                .to_owned(),
            region("eu-west-3"),
        ),
        (301, &[("x-amz-bucket-region", "not a region")], endpoint(""), None),
    ] {
        let failure = failure("ListObjectsV2", status, pairs, &body).expect("a failure");
        assert_eq!(failure.class, Class::Region(found), "{body}");
    }
}

/// A region beside a denial is no redirect: AWS names it in every answer about a bucket.
#[test]
fn a_region_beside_a_denial_is_not_followed() {
    let pairs = [("x-amz-bucket-region", "eu-west-1")];
    let failure = failure("ListObjectsV2", 403, &pairs, &document("AccessDenied", "Access Denied")).expect("a failure");
    assert_eq!(failure.class, Class::Denied);
    assert_eq!(failure.evidence.bucket_region.as_deref(), Some("eu-west-1"));
}

#[test]
fn a_skewed_clock_shows_both_times() {
    let body = "<Error><Code>RequestTimeTooSkewed</Code><Message>Too large.</Message><RequestTime>20261123T020000Z</RequestTime>\
                <ServerTime>2026-11-23T04:00:00Z</ServerTime><MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds></Error>";
    let told = failure("PutObject", 403, &[], body).expect("a failure").evidence.message;
    assert_eq!(told.as_deref(), Some("Too large. (RequestTime: 20261123T020000Z, ServerTime: 2026-11-23T04:00:00Z)"));
    let pairs = [("date", "Mon, 23 Nov 2026 04:00:00 GMT")];
    let told = failure("PutObject", 403, &pairs, &document("RequestTimeTooSkewed", "Too large."));
    let told = told.expect("a failure").evidence.message;
    assert_eq!(told.as_deref(), Some("Too large. (ServerTime: Mon, 23 Nov 2026 04:00:00 GMT)"));
}

#[test]
fn the_header_that_was_refused_is_known() {
    let body = "<Error><Code>NotImplemented</Code><Message>A header you provided implies functionality that is not \
                implemented</Message><Header>If-None-Match</Header></Error>";
    let failure = failure("PutObject", 501, &[], body).expect("a failure");
    assert_eq!(failure.class, Class::NotSupported);
    assert!(failure.concerns("if-none-match") && !failure.concerns("x-amz-mp-object-size"));
    assert_eq!(explained(&failure).kind, Kind::Unsupported);
}

/// AWS repeats what was signed in some errors, the session token with it.
#[test]
fn nothing_secret_is_taken_over() {
    let body = "<Error><Code>SignatureDoesNotMatch</Code><Message>m</Message><StringToSign>SENTINEL</StringToSign>\
                <CanonicalRequest>x-amz-security-token:SENTINEL</CanonicalRequest><Token-0>SENTINEL</Token-0></Error>";
    let failure = failure("PutObject", 403, &[], body).expect("a failure");
    assert!(!format!("{failure:?}").contains("SENTINEL"));
}

#[test]
fn other_documents_are_read_too() {
    let nested = "<ErrorResponse xmlns=\"https://iam.amazonaws.com/\"><Error><Code>Throttling</Code><Message>Rate exceeded</Message>\
                  </Error><RequestId>r</RequestId></ErrorResponse>";
    let evidence = failure("GetCallerIdentity", 400, &[], nested).expect("a failure").evidence;
    assert_eq!((evidence.code.as_deref(), evidence.request_id.as_deref()), (Some("Throttling"), Some("r")));
    let prefixed = "<e:Error xmlns:e='x'><e:Code>SlowDown</e:Code></e:Error>";
    assert_eq!(failure("PutObject", 503, &[], prefixed).expect("a failure").class, Class::Throttle);
}

#[test]
fn a_page_is_an_excerpt_without_a_code() {
    let page = format!(
        "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\u{1b}[2J<body>\u{202e}nginx {}</body></html>",
        "x ".repeat(300)
    );
    let evidence = failure("PutObject", 502, &[], &page).expect("a failure").evidence;
    let message = evidence.message.expect("an excerpt");
    assert_eq!(evidence.code, None);
    assert!(message.starts_with("502 Bad Gateway [2J nginx x x"), "{message}");
    assert_eq!(message.chars().count(), MAX_EXCERPT_LEN + 1);
    let redirect = failure("PutObject", 302, &[("location", "https://login.example/")], "").expect("a failure");
    assert_eq!(redirect.evidence.message.as_deref(), Some("Location: https://login.example/"));
    assert_eq!(failure("PutObject", 500, &[], " \n ").expect("a failure").evidence.message, None);
}

#[test]
fn an_answer_that_cannot_be_read_says_how_it_begins() {
    let headers = Headers::new();
    let answer = Answer { status: 200, headers: &headers, body: b"<html>Log in</html>", received: None };
    let failure = malformed("ListParts", &answer, &ParseError("it is a <html>, not a <ListPartsResult>".to_owned()));
    let error = explained(&failure);
    assert_eq!(error.kind, Kind::Malformed);
    assert_eq!(
        failure.evidence.message.as_deref(),
        Some("the answer is not understood: it is a <html>, not a <ListPartsResult>; it begins \"Log in\"")
    );
}

#[test]
fn a_silence_keeps_the_words_of_the_network() {
    let evidence = transport("UploadPart", TransportCause::Dns, "no such\nhost");
    assert_eq!(evidence.to_string(), "UploadPart got no answer: no such host");
    assert_eq!(evidence.status, 0);
}

proptest! {
    /// Whatever the status, the headers and the body are: never a panic, bounded, and printable.
    #[test]
    fn no_answer_panics(
        operation in proptest::sample::select(vec!["PutObject", "HeadObject", "GetObject", "CompleteMultipartUpload", "ListParts"]),
        status in 0_u16..700,
        headers in proptest::collection::vec(
            ("(location|date|x-amz-bucket-region|x-amz-request-id)", "\\PC{0,40}"),
            0..4,
        ),
        body in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..300),
            "\\PC{0,200}".prop_map(String::into_bytes),
            ("<Error><Code>[A-Za-z.]{0,12}</Code><Message>[^<&]{0,80}</Message>(<Region>.{0,9}</Region>)?(</Error>)?")
                .prop_map(String::into_bytes),
        ],
    ) {
        let answer = Answer { status, headers: &headers, body: &body, received: None };
        let Some(failure) = read(operation, &answer) else {
            prop_assert!(answer.is_success());
            return Ok(());
        };
        let text = failure.evidence.to_string();
        prop_assert!(!text.chars().any(char::is_control), "{:?}", text);
        prop_assert!(text.chars().count() < 3_500);
        explained(&failure);
    }
}
