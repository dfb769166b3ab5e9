//! The calls, one entry each.

use super::{Grant, Needs, Use};
use crate::s3::call::{Permission, Resource};

/// Further actions of what creates an object.
const PUT_EXTRAS: &[(&str, &str)] = &[
    ("s3:PutObjectTagging", "tags are sent along (x-amz-tagging)"),
    ("s3:PutObjectAcl", "an ACL is sent along (x-amz-acl)"),
    ("s3:PutObjectRetention", "a retention is sent along (x-amz-object-lock-mode)"),
    ("s3:PutObjectLegalHold", "a legal hold is sent along (x-amz-object-lock-legal-hold)"),
    ("kms:GenerateDataKey", "the bucket or the request encrypts with a KMS key, on whose ARN it belongs"),
];

/// Further actions of what goes on with an encrypted multipart upload.
const PART_EXTRAS: &[(&str, &str)] =
    &[("kms:Decrypt", "the upload is encrypted with a KMS key: small files pass without it, large ones fail")];

/// Missing keys answer 403 to those who may not list.
const MISSING_KEY: &str =
    "a key that does not exist gives 403 as well to who may not list the bucket, so look whether it is there first";

/// What only an owner should do.
const ADMINISTRATION: &str = "it changes the bucket for everyone: a task for its owner, not for a backup's keys";

const fn bucket(action: &'static str) -> Permission {
    Permission { action, resource: Resource::Bucket }
}

const fn object(action: &'static str) -> Permission {
    Permission { action, resource: Resource::Object }
}

/// A call without peculiarities.
const fn call(
    names: &'static [&'static str],
    logged: &'static [&'static str],
    permission: Permission,
    holdfast: Use,
) -> Needs {
    Needs { names, logged, permission, of_version: None, also: &[], grant: Grant::Plain, holdfast, note: "" }
}

const fn administration(
    names: &'static [&'static str],
    logged: &'static [&'static str],
    permission: Permission,
) -> Needs {
    Needs { grant: Grant::Never, note: ADMINISTRATION, ..call(names, logged, permission, Use::No) }
}

/// Every call that a backup tool makes, and those that it should not.
pub static CALLS: &[Needs] = &[
    Needs {
        grant: Grant::WithPrefix,
        note: "with the condition, a listing has to name a prefix that matches it, slash included: `home/client1` is \
               not `home/client1/`",
        ..call(
            &["ListObjectsV2", "ListObjects"],
            &["REST.GET.BUCKET", "REST.GET.LISTOBJECTSV2", "REST.GET.LISTOBJECTS"],
            bucket("s3:ListBucket"),
            Use::Restore,
        )
    },
    Needs {
        grant: Grant::Never,
        note: "HEAD on a bucket carries no prefix, so IAM cannot tell it from listing everything: allowing it shows \
               the whole bucket to this client",
        ..call(&["HeadBucket"], &["REST.HEAD.BUCKET"], bucket("s3:ListBucket"), Use::No)
    },
    Needs {
        grant: Grant::WithPrefix,
        ..call(
            &["ListObjectVersions", "ListBucketVersions"],
            &["REST.GET.BUCKETVERSIONS"],
            bucket("s3:ListBucketVersions"),
            Use::No,
        )
    },
    Needs {
        grant: Grant::Leaks,
        note: "this action takes no condition on s3:prefix, so it cannot be granted for one client's folder: it shows \
               the key names of every client with an unfinished upload",
        ..call(
            &["ListMultipartUploads", "ListBucketMultipartUploads"],
            &["REST.GET.UPLOADS"],
            bucket("s3:ListBucketMultipartUploads"),
            Use::No,
        )
    },
    Needs {
        note: "the region also comes with every answer (`x-amz-bucket-region`), a refusal included",
        ..call(&["GetBucketLocation"], &["REST.GET.LOCATION"], bucket("s3:GetBucketLocation"), Use::No)
    },
    Needs {
        grant: Grant::Never,
        note: "it is all or nothing: whoever has it sees the name of every bucket of the account",
        ..call(
            &["ListBuckets", "ListAllMyBuckets"],
            &["REST.GET.SERVICE"],
            Permission { action: "s3:ListAllMyBuckets", resource: Resource::Everything },
            Use::No,
        )
    },
    Needs {
        also: PUT_EXTRAS,
        ..call(&["PutObject"], &["REST.PUT.OBJECT", "REST.POST.OBJECT"], object("s3:PutObject"), Use::Backup)
    },
    Needs {
        also: PUT_EXTRAS,
        ..call(
            &["CreateMultipartUpload", "InitiateMultipartUpload"],
            &["REST.POST.UPLOADS"],
            object("s3:PutObject"),
            Use::Backup,
        )
    },
    Needs { also: PART_EXTRAS, ..call(&["UploadPart"], &["REST.PUT.PART"], object("s3:PutObject"), Use::Backup) },
    Needs {
        also: PART_EXTRAS,
        ..call(&["CompleteMultipartUpload"], &["REST.POST.UPLOAD"], object("s3:PutObject"), Use::Backup)
    },
    Needs {
        also: &[
            ("s3:GetObject", "the source is read, on whose ARN it belongs (a version of it: s3:GetObjectVersion)"),
            ("kms:Decrypt", "source or destination is encrypted with a KMS key"),
        ],
        ..call(&["UploadPartCopy"], &["REST.COPY.PART"], object("s3:PutObject"), Use::Restore)
    },
    Needs {
        also: &[
            ("s3:GetObject", "the source is read, on whose ARN it belongs (a version of it: s3:GetObjectVersion)"),
            ("s3:PutObjectTagging", "the source's tags are copied, or others are sent along"),
        ],
        ..call(&["CopyObject"], &["REST.COPY.OBJECT"], object("s3:PutObject"), Use::No)
    },
    Needs {
        note: "whoever began the upload is allowed without it on AWS, elsewhere not always",
        ..call(&["ListParts"], &["REST.GET.UPLOAD"], object("s3:ListMultipartUploadParts"), Use::Resume)
    },
    Needs {
        note: "whoever began the upload is allowed without it on AWS (not through a VPC endpoint's policy), elsewhere \
               not always",
        ..call(&["AbortMultipartUpload"], &["REST.DELETE.UPLOAD"], object("s3:AbortMultipartUpload"), Use::Resume)
    },
    Needs {
        of_version: Some("s3:GetObjectVersion"),
        also: &[("kms:Decrypt", "the object is encrypted with a KMS key, on whose ARN it belongs")],
        note: MISSING_KEY,
        ..call(
            &["GetObject"],
            &["REST.GET.OBJECT", "REST.COPY.OBJECT_GET", "REST.COPY.PART_GET", "WEBSITE.GET.OBJECT"],
            object("s3:GetObject"),
            Use::Restore,
        )
    },
    Needs {
        of_version: Some("s3:GetObjectVersion"),
        note: MISSING_KEY,
        ..call(&["HeadObject"], &["REST.HEAD.OBJECT", "WEBSITE.HEAD.OBJECT"], object("s3:GetObject"), Use::Restore)
    },
    Needs {
        of_version: Some("s3:DeleteObjectVersion"),
        also: &[("s3:BypassGovernanceRetention", "a retention in governance mode is to be overridden")],
        note: "in a versioned bucket it only lays a delete marker over the object, unless a version is named",
        ..call(
            &["DeleteObject", "DeleteObjects"],
            &["REST.DELETE.OBJECT", "BATCH.DELETE.OBJECT", "REST.POST.MULTI_OBJECT_DELETE"],
            object("s3:DeleteObject"),
            Use::Retention,
        )
    },
    call(&["GetBucketVersioning"], &["REST.GET.VERSIONING"], bucket("s3:GetBucketVersioning"), Use::Advice),
    call(
        &["GetBucketLifecycleConfiguration", "GetBucketLifecycle"],
        &["REST.GET.LIFECYCLE"],
        bucket("s3:GetLifecycleConfiguration"),
        Use::Advice,
    ),
    call(
        &["GetObjectLockConfiguration", "GetBucketObjectLockConfiguration"],
        &["REST.GET.OBJECT_LOCK_CONFIGURATION", "REST.GET.OBJECT_LOCK"],
        bucket("s3:GetBucketObjectLockConfiguration"),
        Use::Advice,
    ),
    call(
        &["GetPublicAccessBlock", "GetBucketPublicAccessBlock"],
        &["REST.GET.PUBLIC_ACCESS_BLOCK"],
        bucket("s3:GetBucketPublicAccessBlock"),
        Use::No,
    ),
    call(&["GetBucketEncryption"], &["REST.GET.ENCRYPTION"], bucket("s3:GetEncryptionConfiguration"), Use::No),
    call(&["GetBucketAcl"], &["REST.GET.ACL"], bucket("s3:GetBucketAcl"), Use::No),
    call(&["GetObjectAcl"], &["REST.GET.ACL", "REST.GET.OBJECT_ACL"], object("s3:GetObjectAcl"), Use::No),
    call(&["GetBucketPolicy"], &["REST.GET.BUCKETPOLICY"], bucket("s3:GetBucketPolicy"), Use::No),
    call(&["GetBucketTagging"], &["REST.GET.TAGGING"], bucket("s3:GetBucketTagging"), Use::No),
    call(&["GetBucketCors"], &["REST.GET.CORS"], bucket("s3:GetBucketCORS"), Use::No),
    call(&["GetBucketWebsite"], &["REST.GET.WEBSITE"], bucket("s3:GetBucketWebsite"), Use::No),
    call(&["GetBucketLogging"], &["REST.GET.LOGGING_STATUS"], bucket("s3:GetBucketLogging"), Use::No),
    call(
        &["GetBucketNotificationConfiguration"],
        &["REST.GET.NOTIFICATION"],
        bucket("s3:GetBucketNotification"),
        Use::No,
    ),
    Needs {
        of_version: Some("s3:GetObjectVersionTagging"),
        ..call(&["GetObjectTagging"], &["REST.GET.OBJECT_TAGGING"], object("s3:GetObjectTagging"), Use::No)
    },
    Needs {
        of_version: Some("s3:PutObjectVersionTagging"),
        ..call(&["PutObjectTagging"], &["REST.PUT.OBJECT_TAGGING"], object("s3:PutObjectTagging"), Use::Option)
    },
    Needs {
        grant: Grant::Never,
        note: "who may set ACLs may make backups public; leave the ACL out instead (in the tool: private, or none)",
        of_version: Some("s3:PutObjectVersionAcl"),
        ..call(&["PutObjectAcl"], &["REST.PUT.ACL", "REST.PUT.OBJECT_ACL"], object("s3:PutObjectAcl"), Use::No)
    },
    Needs {
        grant: Grant::Never,
        note: "a bucket's default retention protects backups without it; who may set retentions may fill the bucket \
               with what nobody can delete",
        ..call(
            &["PutObjectRetention"],
            &["REST.PUT.OBJECT_LOCK_RETENTION", "REST.PUT.RETENTION"],
            object("s3:PutObjectRetention"),
            Use::No,
        )
    },
    Needs {
        grant: Grant::Never,
        note: "a legal hold stays until someone lifts it: a task for the bucket's owner",
        ..call(
            &["PutObjectLegalHold"],
            &["REST.PUT.OBJECT_LOCK_LEGALHOLD", "REST.PUT.LEGAL_HOLD"],
            object("s3:PutObjectLegalHold"),
            Use::No,
        )
    },
    Needs {
        note: "it brings an archived object back; that takes hours, and costs",
        ..call(&["RestoreObject"], &["REST.POST.RESTORE"], object("s3:RestoreObject"), Use::No)
    },
    administration(&["CreateBucket"], &["REST.PUT.BUCKET"], bucket("s3:CreateBucket")),
    administration(&["DeleteBucket"], &["REST.DELETE.BUCKET"], bucket("s3:DeleteBucket")),
    administration(&["PutBucketAcl"], &["REST.PUT.ACL"], bucket("s3:PutBucketAcl")),
    administration(&["PutBucketPolicy"], &["REST.PUT.BUCKETPOLICY"], bucket("s3:PutBucketPolicy")),
    administration(&["DeleteBucketPolicy"], &["REST.DELETE.BUCKETPOLICY"], bucket("s3:DeleteBucketPolicy")),
    administration(&["PutBucketVersioning"], &["REST.PUT.VERSIONING"], bucket("s3:PutBucketVersioning")),
    administration(
        &["PutBucketLifecycleConfiguration", "PutBucketLifecycle"],
        &["REST.PUT.LIFECYCLE"],
        bucket("s3:PutLifecycleConfiguration"),
    ),
    administration(&["PutBucketCors"], &["REST.PUT.CORS"], bucket("s3:PutBucketCORS")),
    administration(&["PutBucketTagging"], &["REST.PUT.TAGGING"], bucket("s3:PutBucketTagging")),
    administration(&["PutBucketEncryption"], &["REST.PUT.ENCRYPTION"], bucket("s3:PutEncryptionConfiguration")),
    administration(
        &["PutPublicAccessBlock", "PutBucketPublicAccessBlock"],
        &["REST.PUT.PUBLIC_ACCESS_BLOCK"],
        bucket("s3:PutBucketPublicAccessBlock"),
    ),
    administration(
        &["PutObjectLockConfiguration", "PutBucketObjectLockConfiguration"],
        &["REST.PUT.OBJECT_LOCK_CONFIGURATION", "REST.PUT.OBJECT_LOCK"],
        bucket("s3:PutBucketObjectLockConfiguration"),
    ),
];
