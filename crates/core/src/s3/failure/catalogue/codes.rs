//! S3's other codes.

use super::{Chapter, Entry, Hint};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Other codes",
    entries: &[
        &UNKNOWN_KEY_ID,
        &WRONG_SECRET,
        &KEYS_REFUSED,
        &CLOCK,
        &EXPIRED,
        &REDIRECT,
        &REGION_MALFORMED,
        &ILLEGAL_LOCATION,
        &NO_SUCH_BUCKET,
        &ACCOUNT,
        &NO_ACLS,
        &LOCK_WANTS_CHECKSUM,
        &KMS_KEY_STATE,
        &ARCHIVED,
        &STORAGE_CLASS,
        &TOO_LARGE,
        &TOO_SMALL,
        &ARGUMENT,
        &NO_SUCH_UPLOAD,
        &NO_SUCH_KEY,
        &MISSING_FEATURE,
        &NO_TAGS,
        &NO_STORAGE_CLASSES,
        &NO_ENCRYPTION,
        &NO_CONDITIONS,
        &NO_CHECKSUMS,
        &SLOW_DOWN,
        &SERVER_TROUBLE,
        &EXISTS,
        &CONFLICT,
        &CHANGED,
        &DAMAGED,
        &PARTS_DIFFER,
        &QUOTA,
        &KEY_FOR_MINIO,
        &OUR_MISTAKE,
        &UNKNOWN_CODE,
    ],
};

/// InvalidAccessKeyId.
pub const UNKNOWN_KEY_ID: Entry = Entry {
    id: "invalid-access-key-id",
    says: &[
        "InvalidAccessKeyId: The AWS Access Key Id you provided does not exist in our records.",
        "XAdminUserNotFound",
    ],
    means: "this server does not know the access key id; no permission is missing",
    cause: "this server does not know the access key id (mistyped, swapped with the secret, deleted, another provider's or partition's)",
    fix: "paste both keys again; one that begins with ASIA goes with a session token",
    hint: Hint::CauseAndFix,
};

/// SignatureDoesNotMatch.
pub const WRONG_SECRET: Entry = Entry {
    id: "signature-does-not-match",
    says: &["SignatureDoesNotMatch: The request signature we calculated does not match the signature you provided."],
    means: "the access key id is known, and the secret that signed is not its secret; no permission is missing",
    cause: "the secret access key is another one's, or has a space pasted along; a wrong endpoint does this too, and a \
            proxy that changes headers",
    fix: "check the secret access key (a space pasted along?) and the endpoint; a proxy that changes headers does this too",
    hint: Hint::Fix,
};

/// Keys that make no sense.
pub const KEYS_REFUSED: Entry = Entry {
    id: "keys-refused",
    says: &[
        "Unauthorized",
        "InvalidSecurity",
        "AuthorizationHeaderMalformed: a non-empty Access Key (AKID) must be provided",
    ],
    means: "the keys are not accepted as keys; no permission is missing",
    cause: "a key is empty or cut short, two fields are swapped, or the endpoint is another provider's",
    fix: "check the access key id, the secret access key and the endpoint",
    hint: Hint::Fix,
};

/// RequestTimeTooSkewed.
pub const CLOCK: Entry = Entry {
    id: "clock-skew",
    says: &["RequestTimeTooSkewed: The difference between the request time and the current time is too large."],
    means: "S3 takes no request that is dated more than 15 minutes wrong; its words show both times",
    cause: "this machine's clock and the server's are more than 15 minutes apart",
    fix: "set this one (NTP)",
    hint: Hint::CauseAndFix,
};

/// Temporary credentials.
pub const EXPIRED: Entry = Entry {
    id: "credentials-expired",
    says: &["ExpiredToken: The provided token has expired.", "InvalidToken", "TokenRefreshRequired"],
    means: "these are temporary keys, and they are over or not whole; no permission is missing",
    cause: "temporary credentials have run out or are not whole",
    fix: "get fresh ones, or use the keys of an IAM user",
    hint: Hint::CauseAndFix,
};

/// 301 and 307.
pub const REDIRECT: Entry = Entry {
    id: "redirect",
    says: &[
        "PermanentRedirect: The bucket you are attempting to access must be addressed using the specified endpoint.",
        "TemporaryRedirect: Please re-send this request to the specified temporary endpoint.",
    ],
    means: "the bucket is there, and another region's servers answer for it",
    cause: "the bucket is {region}",
    fix: "{set_region}",
    hint: Hint::CauseAndFix,
};

/// Signed for another region.
pub const REGION_MALFORMED: Entry = Entry {
    id: "region-is-wrong",
    says: &[
        "AuthorizationHeaderMalformed: The authorization header is malformed; the region 'us-east-1' is wrong; expecting \
         'eu-west-1'",
    ],
    means: "the request was signed for another region than the bucket's; the keys are not the trouble",
    cause: "the bucket is {region}",
    fix: "{set_region}",
    hint: Hint::CauseAndFix,
};

/// The same on creating.
pub const ILLEGAL_LOCATION: Entry = Entry {
    id: "illegal-location",
    says: &[
        "IllegalLocationConstraintException: The unspecified location constraint is incompatible for the region specific \
         endpoint this request was sent to.",
    ],
    means: "the bucket is in another region than the endpoint that was asked, or was to be created so",
    cause: "the bucket is {region}",
    fix: "{set_region}",
    hint: Hint::CauseAndFix,
};

/// NoSuchBucket.
pub const NO_SUCH_BUCKET: Entry = Entry {
    id: "no-such-bucket",
    says: &["NoSuchBucket: The specified bucket does not exist"],
    means: "there is no bucket of this name at this endpoint",
    cause: "the name is mistyped, or the endpoint is another provider's",
    fix: "check the bucket's name and the endpoint; Holdfast does not create buckets",
    hint: Hint::Fix,
};

/// The account.
pub const ACCOUNT: Entry = Entry {
    id: "account",
    says: &[
        "AllAccessDisabled: All access to this object has been disabled",
        "AccountProblem: There is a problem with your account that prevents the operation from completing successfully.",
        "NotSignedUp: Your account is not signed up for the Amazon S3 service.",
    ],
    means: "the whole account is locked out; no policy can change that",
    cause: "the account is suspended, unpaid or not activated for S3",
    fix: "ask the provider's support",
    hint: Hint::CauseAndFix,
};

/// AccessControlListNotSupported.
pub const NO_ACLS: Entry = Entry {
    id: "acls-not-supported",
    says: &["AccessControlListNotSupported: The bucket does not allow ACLs"],
    means: "the request came with an ACL, and the bucket has them switched off, as new buckets do",
    cause: "this bucket takes no ACLs, and Holdfast sends none",
    fix: "send no `x-amz-acl` (in the tool: no ACL), and look for a proxy that adds it",
    hint: Hint::CauseAndFix,
};

/// InvalidRequest of a locked bucket.
pub const LOCK_WANTS_CHECKSUM: Entry = Entry {
    id: "object-lock-wants-checksum",
    says: &[
        "InvalidRequest: Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock \
         parameters",
    ],
    means: "a bucket with Object Lock takes only what comes with a checksum, every part included",
    cause: "a bucket with Object Lock wants a checksum with every request, and this server takes none of ours",
    fix: "name it with `--provider`; with another tool, switch its checksums on",
    hint: Hint::CauseAndFix,
};

/// KMS.…Exception.
pub const KMS_KEY_STATE: Entry = Entry {
    id: "kms-key-unusable",
    says: &["KMS.DisabledException", "KMS.NotFoundException", "KMS.KMSInvalidStateException: … is pending deletion."],
    means: "the key that encrypts the bucket's objects cannot be used by anyone now",
    cause: "the KMS key is disabled, pending deletion, or in another region than the bucket",
    fix: "enable it or cancel its deletion, or encrypt with another key; backups encrypted with a key that is gone are gone",
    hint: Hint::CauseAndFix,
};

/// InvalidObjectState.
pub const ARCHIVED: Entry = Entry {
    id: "archived",
    says: &["InvalidObjectState: The operation is not valid for the object's storage class"],
    means: "the object is there, and has to be brought back from the archive before it can be read",
    cause: "the object lies in an archive class",
    fix: "have it restored there first (RestoreObject); that takes minutes to hours",
    hint: Hint::CauseAndFix,
};

/// InvalidStorageClass.
pub const STORAGE_CLASS: Entry = Entry {
    id: "invalid-storage-class",
    says: &["InvalidStorageClass: The storage class you specified is not valid"],
    means: "one setting is not to this server's taste",
    cause: "this server does not know the storage class",
    fix: "choose another, or leave it out",
    hint: Hint::CauseAndFix,
};

/// EntityTooLarge.
pub const TOO_LARGE: Entry = Entry {
    id: "entity-too-large",
    says: &["EntityTooLarge: Your proposed upload exceeds the maximum allowed size", "413"],
    means: "there is a limit on size, of the server or of something before it",
    cause: "the object or its parts are larger than this server, or a proxy before it, takes",
    fix: "set a smaller part size, or raise the limit of the proxy",
    hint: Hint::CauseAndFix,
};

/// EntityTooSmall.
pub const TOO_SMALL: Entry = Entry {
    id: "entity-too-small",
    says: &["EntityTooSmall: Your proposed upload is smaller than the minimum allowed size"],
    means: "every part but the last has a least size (5 MiB on AWS)",
    cause: "the parts are smaller than this server takes",
    fix: "set a larger part size",
    hint: Hint::CauseAndFix,
};

/// InvalidArgument and its like.
pub const ARGUMENT: Entry = Entry {
    id: "invalid-argument",
    says: &["InvalidArgument", "InvalidRequest", "InvalidBucketName", "InvalidTag", "KeyTooLongError"],
    means: "one setting is not to this server's taste",
    cause: "the server does not take one of the settings",
    fix: "its words say which",
    hint: Hint::CauseAndFix,
};

/// NoSuchUpload.
pub const NO_SUCH_UPLOAD: Entry = Entry {
    id: "no-such-upload",
    says: &["NoSuchUpload: The specified multipart upload does not exist."],
    means: "the upload in parts was ended by someone, and its parts are gone; the object may be there, when it was completed",
    cause: "a lifecycle rule or another run has ended this upload",
    fix: "run it again, it starts afresh",
    hint: Hint::CauseAndFix,
};

/// NoSuchKey.
pub const NO_SUCH_KEY: Entry = Entry {
    id: "no-such-key",
    says: &["NoSuchKey: The specified key does not exist.", "404 Not Found"],
    means: "the bucket is there, and no object under this key",
    cause: "the key is mistyped, or the object was deleted",
    fix: "check the key; `holdfast list` shows what is there",
    hint: Hint::Fix,
};

/// 405, 501.
pub const MISSING_FEATURE: Entry = Entry {
    id: "not-implemented",
    says: &["MethodNotAllowed", "NotImplemented: A header you provided implies functionality that is not implemented"],
    means: "this provider's S3 has not all of AWS's; no permission is missing",
    cause: "this server lacks what was asked for",
    fix: "leave out the option that asks for it; Holdfast skips what it can do without",
    hint: Hint::CauseAndFix,
};

/// Tags.
pub const NO_TAGS: Entry = Entry {
    id: "no-tags",
    says: &["NotImplemented: Header 'x-amz-tagging' not implemented"],
    means: "this provider's S3 has no tags",
    cause: "this server takes no tags",
    fix: "leave them out",
    hint: Hint::CauseAndFix,
};

/// Storage classes.
pub const NO_STORAGE_CLASSES: Entry = Entry {
    id: "no-storage-classes",
    says: &["NotImplemented: Header 'x-amz-storage-class' not implemented"],
    means: "this provider's S3 has no such storage class",
    cause: "this server does not know the storage class",
    fix: "leave it out",
    hint: Hint::CauseAndFix,
};

/// Encryption.
pub const NO_ENCRYPTION: Entry = Entry {
    id: "no-encryption",
    says: &["NotImplemented: Header 'x-amz-server-side-encryption' not implemented"],
    means: "this provider's S3 does not encrypt on request",
    cause: "this server does not encrypt so",
    fix: "leave the encryption out",
    hint: Hint::CauseAndFix,
};

/// Conditional writes.
pub const NO_CONDITIONS: Entry = Entry {
    id: "no-conditional-writes",
    says: &["InvalidArgument: Unsupported header 'if-none-match' received for this API call."],
    means: "this provider's S3 has no conditional writes",
    cause: "this server cannot refuse to replace an object",
    fix: "allow it with `--overwrite`",
    hint: Hint::CauseAndFix,
};

/// Checksums.
pub const NO_CHECKSUMS: Entry = Entry {
    id: "no-checksums",
    says: &["InvalidArgument: Unsupported header 'x-amz-checksum-crc32' received for this API call.", "InvalidDigest"],
    means: "this provider's S3 checks checksums in another way than those that were sent",
    cause: "this server takes none of the checksums that were tried",
    fix: "name it with `--provider`",
    hint: Hint::CauseAndFix,
};

/// SlowDown.
pub const SLOW_DOWN: Entry = Entry {
    id: "slow-down",
    says: &["SlowDown: Please reduce your request rate.", "503 Service Unavailable", "429 Too Many Requests"],
    means: "too many requests at a time for this server, at this moment; nothing is wrong with them",
    cause: "the server is busy or limits its rate",
    fix: "run it again later; an upload continues where it stopped",
    hint: Hint::CauseAndFix,
};

/// InternalError.
pub const SERVER_TROUBLE: Entry = Entry {
    id: "internal-error",
    says: &["InternalError: We encountered an internal error. Please try again.", "500", "502 Bad Gateway", "504"],
    means: "the server failed; nothing is wrong with the request",
    cause: "the server has trouble of its own",
    fix: "run it again later; an upload continues where it stopped",
    hint: Hint::CauseAndFix,
};

/// PreconditionFailed on a write.
pub const EXISTS: Entry = Entry {
    id: "already-exists",
    says: &["PreconditionFailed: At least one of the pre-conditions you specified did not hold"],
    means: "the key is taken, and replacing what is there was not asked for",
    cause: "an object is there under this key",
    fix: "choose another, or allow replacing it with `--overwrite`",
    hint: Hint::CauseAndFix,
};

/// 409.
pub const CONFLICT: Entry = Entry {
    id: "conflict",
    says: &["ConditionalRequestConflict", "OperationAborted: A conflicting conditional operation is in progress"],
    means: "two wrote the same key at once, and this one lost",
    cause: "another request wrote the same key at the same moment",
    fix: "run it again",
    hint: Hint::CauseAndFix,
};

/// 412 and 416 on a read.
pub const CHANGED: Entry = Entry {
    id: "changed",
    says: &["PreconditionFailed (while reading)", "InvalidRange: The requested range is not satisfiable"],
    means: "what was read first and what is there now are two different objects",
    cause: "the object was replaced meanwhile",
    fix: "start again",
    hint: Hint::CauseAndFix,
};

/// BadDigest.
pub const DAMAGED: Entry = Entry {
    id: "bad-digest",
    says: &["BadDigest: The Content-MD5 you specified did not match what we received.", "XAmzContentChecksumMismatch"],
    means: "the server compared checksums, and refused what did not match; nothing damaged was stored",
    cause: "what arrived is not what was sent",
    fix: "see that the archive does not change meanwhile, then look at memory and network",
    hint: Hint::CauseAndFix,
};

/// InvalidPart.
pub const PARTS_DIFFER: Entry = Entry {
    id: "invalid-part",
    says: &["InvalidPart: One or more of the specified parts could not be found."],
    means: "the object cannot be put together from the parts that the server holds",
    cause: "the parts that the server holds are not those that were sent",
    fix: "run it again, it starts afresh",
    hint: Hint::CauseAndFix,
};

/// Every provider says it in its own way.
pub const QUOTA: Entry = Entry {
    id: "quota-exceeded",
    says: &["QuotaExceeded", "XMinioStorageFull", "storage cap exceeded"],
    means: "there is no room left for this account",
    cause: "the storage is full or its quota used up",
    fix: "make room, or raise the limit",
    hint: Hint::CauseAndFix,
};

/// XMinioInvalidResourceName.
pub const KEY_FOR_MINIO: Entry = Entry {
    id: "minio-key",
    says: &["XMinioInvalidResourceName: Resource name contains bad components", "XMinioInvalidObjectName"],
    means: "MinIO keeps objects as files, and this key is no path",
    cause: "MinIO takes no key with `//`, `.` or `..` in it",
    fix: "choose another",
    hint: Hint::CauseAndFix,
};

/// MalformedXML and its like.
pub const OUR_MISTAKE: Entry = Entry {
    id: "malformed-request",
    says: &["MalformedXML", "MissingContentLength", "InvalidPartOrder"],
    means: "the request was not well-formed",
    cause: "what was sent is not well-formed",
    fix: "please report this to the makers of the program that sent it",
    hint: Hint::CauseAndFix,
};

/// None of these.
pub const UNKNOWN_CODE: Entry = Entry {
    id: "unknown-code",
    says: &[],
    means: "this code is the provider's own",
    cause: "Holdfast does not know this answer",
    fix: "its words are the provider's, and so is the page that explains them",
    hint: Hint::CauseAndFix,
};
