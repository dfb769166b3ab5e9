//! 403: who of those that all have to agree said no.

use super::{Chapter, Entry, Hint};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "AccessDenied, and who said no",
    entries: &[
        &DENIED_PLAINLY,
        &DENIED_UNNAMED,
        &DENIED_READ,
        &IDENTITY_SILENT,
        &IDENTITY_DENIES,
        &QUARANTINE,
        &BUCKET_POLICY,
        &SERVICE_CONTROL,
        &RESOURCE_CONTROL,
        &VPC_ENDPOINT,
        &VPC_ENDPOINT_BY_ORGANIZATION,
        &BOUNDARY,
        &SESSION,
        &BLOCK_PUBLIC_ACCESS,
        &KMS_NOT_ALLOWED,
        &KMS_KEY_POLICY,
        &MISSING_KEY_IN_DISGUISE,
        &LIST_BUCKETS,
        &LIST_UPLOADS,
        &NOT_FOR_BACKUPS,
        &HEAD_BUCKET,
        &HEAD_DENIED,
        &OBJECT_LOCK,
        &PAGE_DENIED,
    ],
};

/// `Access Denied`, and no more.
pub const DENIED_PLAINLY: Entry = Entry {
    id: "access-denied",
    says: &["AccessDenied: Access Denied", "Access Denied.", "403 Forbidden"],
    means: "the keys are good, and this one action is not allowed with them",
    cause: "most likely no policy allows `{action}` there; the server does not say more than no, so a policy of the \
            bucket, the organization or the session can be it too",
    fix: "allow `{action}` on `{pattern}`{when}",
    hint: Hint::Fix,
};

/// The same, and nobody knows of what.
pub const DENIED_UNNAMED: Entry = Entry {
    id: "access-denied-of-what",
    says: &["Access Denied (without the call that was refused)"],
    means: "one action is not allowed with these keys; the words do not tell which one",
    cause: "the program that printed them left out what it had asked for",
    fix: "run `holdfast check`, which asks for each thing by itself; or paste the lines around it, the program's debug \
          log, or the bucket's access log line of that moment",
    hint: Hint::CauseAndFix,
};

/// GetObject and HeadObject of what may not be there.
pub const DENIED_READ: Entry = Entry {
    id: "access-denied-reading",
    says: &["AccessDenied when calling GetObject: Access Denied"],
    means: "the object may not be read with these keys, or it is not there",
    cause: "no policy allows `{action}` there; or nothing is there under this key, and these keys may not list the \
            bucket, to whom S3 says 403 and not 404",
    fix: "see that the key is right; then allow `{action}` on `{pattern}`",
    hint: Hint::Fix,
};

/// Row 1.
pub const IDENTITY_SILENT: Entry = Entry {
    id: "denied-no-identity-policy",
    says: &[
        "is not authorized to perform: s3:PutObject on resource: \"arn:…\" because no identity-based policy allows \
             the s3:PutObject action",
    ],
    means: "no policy of this user, role or group has a statement that allows this action on this ARN",
    cause: "the statement is missing, or its Resource is of the wrong kind (the bucket's ARN where the objects' belongs, \
            or the other way round), or a Condition in it does not hold",
    fix: "allow `{action}` on `{pattern}`{when}",
    hint: Hint::Fix,
};

/// Row 2, first half.
pub const IDENTITY_DENIES: Entry = Entry {
    id: "denied-by-identity-policy",
    says: &["with an explicit deny in an identity-based policy: arn:aws:iam::…:policy/…"],
    means: "a policy of this user, role or group forbids the action, and what is forbidden no other statement allows",
    cause: "a policy of the user{policy} denies `{action}` in so many words, which no other statement outweighs",
    fix: "change that statement, or take the policy away",
    hint: Hint::CauseAndFix,
};

/// Row 2, second half.
pub const QUARANTINE: Entry = Entry {
    id: "denied-by-quarantine",
    says: &["with an explicit deny in an identity-based policy: arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3"],
    means: "AWS itself has locked these keys: it found them where everybody can read them",
    cause: "AWS has quarantined this access key because it was found in public",
    fix: "create a new one and delete it, find where it leaked (a public repository, a backup on a web server), and look \
          what was done with it; only then take the quarantine policy away",
    hint: Hint::CauseAndFix,
};

/// Row 3.
pub const BUCKET_POLICY: Entry = Entry {
    id: "denied-by-bucket-policy",
    says: &[
        "with an explicit deny in a resource-based policy",
        "because no resource-based policy allows the s3:PutObject action",
    ],
    means: "the bucket's own policy says no, whatever the user's policies say",
    cause: "the bucket's policy{policy} {forbids} `{action}` (rules of TLS, address, network, encryption or overwriting \
            are made there; across accounts, both sides have to allow)",
    fix: "ask the bucket's owner",
    hint: Hint::CauseAndFix,
};

/// Row 4, first half.
pub const SERVICE_CONTROL: Entry = Entry {
    id: "denied-by-service-control-policy",
    says: &["with an explicit deny in a service control policy: arn:aws:organizations::…"],
    means: "the organization does not let this account do it, not even its administrator",
    cause: "a service control policy{policy} {forbids} `{action}`",
    fix: "ask the organization's administrator",
    hint: Hint::CauseAndFix,
};

/// Row 4, second half.
pub const RESOURCE_CONTROL: Entry = Entry {
    id: "denied-by-resource-control-policy",
    says: &["with an explicit deny in a resource control policy: arn:aws:organizations::…"],
    means: "the organization limits what anyone may do with its buckets",
    cause: "a resource control policy{policy} {forbids} `{action}`",
    fix: "ask the organization's administrator",
    hint: Hint::CauseAndFix,
};

/// Row 5, first half.
pub const VPC_ENDPOINT: Entry = Entry {
    id: "denied-by-vpc-endpoint",
    says: &[
        "because no VPC endpoint policy allows the s3:PutObject action",
        "with an explicit deny in a VPC endpoint policy",
    ],
    means: "the way out of this network does not let it through; from elsewhere the same keys may work",
    cause: "the VPC endpoint's policy{policy} {forbids} `{action}`",
    fix: "ask the network's administrator",
    hint: Hint::CauseAndFix,
};

/// Row 5, second half.
pub const VPC_ENDPOINT_BY_ORGANIZATION: Entry = Entry {
    id: "denied-by-vpc-endpoint-by-organization",
    says: &["with an explicit deny in a VPC endpoint policy transitively through a service control policy"],
    means: "the way out of this network does not let it through, because the organization wants it so",
    cause: "a service control policy{policy} on the VPC endpoint's side {forbids} `{action}`",
    fix: "ask the organization's administrator, and the network's",
    hint: Hint::CauseAndFix,
};

/// Row 6.
pub const BOUNDARY: Entry = Entry {
    id: "denied-by-permissions-boundary",
    says: &[
        "because no permissions boundary allows the s3:PutObject action",
        "with an explicit deny in a permissions boundary",
    ],
    means: "the user has a boundary, and what lies outside of it no policy can allow",
    cause: "the user's permissions boundary{policy} {forbids} `{action}`",
    fix: "ask the account's administrator",
    hint: Hint::CauseAndFix,
};

/// Row 7.
pub const SESSION: Entry = Entry {
    id: "denied-by-session-policy",
    says: &[
        "because no session policy allows the s3:PutObject action",
        "with an explicit deny in a session policy",
        "with an explicit deny in a session(s) policy",
    ],
    means: "these are temporary keys, handed out for less than this",
    cause: "the session's policy{policy} {forbids} `{action}`",
    fix: "ask who issues these temporary credentials, or use the keys of an IAM user",
    hint: Hint::CauseAndFix,
};

/// Row 8.
pub const BLOCK_PUBLIC_ACCESS: Entry = Entry {
    id: "denied-by-block-public-access",
    says: &[
        "because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access",
        "because public ACLs are prevented by the BlockPublicAcls setting in S3 Block Public Access",
    ],
    means: "the request would have made something public, and the bucket is set to refuse that",
    cause: "S3 Block Public Access refuses what would be public; Holdfast asks for nothing of the kind",
    fix: "send no ACL (in the tool: private, or none), and look for a proxy that adds one; leave the block as it is",
    hint: Hint::CauseAndFix,
};

/// Row 9, where the user's policy lacks it.
pub const KMS_NOT_ALLOWED: Entry = Entry {
    id: "denied-kms",
    says: &[
        "is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:… because no identity-based policy \
             allows the kms:GenerateDataKey action",
    ],
    means: "the bucket's objects are encrypted with a KMS key that these keys may not use",
    cause: "no policy of the user allows `{action}` on the KMS key; uploads in parts need `kms:Decrypt` besides \
            `kms:GenerateDataKey`, so small files may pass where large ones fail",
    fix: "allow `{action}` on `{pattern}`, and see that the key's own policy lets the account's policies decide",
    hint: Hint::Fix,
};

/// Row 9, where it is the key's policy, or the key.
pub const KMS_KEY_POLICY: Entry = Entry {
    id: "denied-by-kms-key-policy",
    says: &[
        "is not authorized to perform: kms:GenerateDataKey on this resource because the resource does not exist in this \
             Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
    ],
    means: "the bucket's objects are encrypted with a KMS key that does not let these keys use it, or is not there",
    cause: "the KMS key's policy does not allow it, or the key is in another region, or gone",
    fix: "allow `{action}` in the KMS key's policy, and see that the key is enabled and in the bucket's region",
    hint: Hint::CauseAndFix,
};

/// Row 10.
pub const MISSING_KEY_IN_DISGUISE: Entry = Entry {
    id: "missing-key-in-disguise",
    says: &["AccessDenied when calling GetObject: … is not authorized to perform: s3:ListBucket"],
    means: "reading is not what was refused: there is nothing to read",
    cause: "nothing is there under this key; S3 says so in this way to keys that may not list the bucket",
    fix: "check the key; `s3:GetObject` needs no change",
    hint: Hint::CauseAndFix,
};

/// Row 11.
pub const LIST_BUCKETS: Entry = Entry {
    id: "denied-bucket-list",
    says: &["is not authorized to perform: s3:ListAllMyBuckets"],
    means: "a program wanted the names of all the account's buckets, to choose one from",
    cause: "`s3:ListAllMyBuckets` is not allowed, and need not be, for it is all or nothing and shows every bucket's name",
    fix: "type the bucket's name instead of picking it; Holdfast never asks for the list",
    hint: Hint::CauseAndFix,
};

/// The origin of it all.
pub const LIST_UPLOADS: Entry = Entry {
    id: "denied-listing-of-uploads",
    says: &[
        "REST.GET.UPLOADS … 403 AccessDenied",
        "Checking for not aborted multipart Uploads … ERROR: S3 Service API: Access Denied",
        "is not authorized to perform: s3:ListBucketMultipartUploads",
    ],
    means: "a program wanted to list the bucket's unfinished uploads, for housekeeping; storing a backup does not need it",
    cause: "`{action}` is not allowed on the bucket, and for good reason, since it takes no condition on `s3:prefix`, so whoever \
            has it sees the key names of every client with an unfinished upload",
    fix: "leave it denied: Holdfast remembers its own uploads and never asks, and a lifecycle rule \
          (AbortIncompleteMultipartUpload) clears away what is left. Only where another tool insists, and all clients of \
          the bucket may see each other's key names, allow `{action}` on `{pattern}`",
    hint: Hint::CauseAndFix,
};

/// What a program wanted, and should not get.
pub const NOT_FOR_BACKUPS: Entry = Entry {
    id: "denied-more-than-a-backup-needs",
    says: &[
        "is not authorized to perform: s3:PutObjectAcl",
        "is not authorized to perform: s3:CreateBucket",
        "is not authorized to perform: s3:DeleteObjectVersion",
    ],
    means: "a program wanted to do more than storing, reading and deleting its own backups",
    cause: "`{action}` is not allowed, and keys that lie on a web server should not have it",
    fix: "leave it denied, and switch off what asks for it (an ACL, a bucket to be created, a setting to be changed); what \
          has to be set, the bucket's owner sets once",
    hint: Hint::CauseAndFix,
};

/// Its companion.
pub const HEAD_BUCKET: Entry = Entry {
    id: "denied-head-bucket",
    says: &[
        "REST.HEAD.BUCKET … 403 AccessDenied",
        "An error occurred (403) when calling the HeadBucket operation: Forbidden",
    ],
    means: "a program asked whether the bucket is there; the refusal is harmless, and itself shows that it is",
    cause: "HEAD on a bucket names no prefix, so it is the same permission as listing the whole bucket (`s3:ListBucket` \
            without a condition), which a client confined to a prefix should not have",
    fix: "nothing: leave it denied. Allowing it would show every client's keys; Holdfast never asks",
    hint: Hint::CauseAndFix,
};

/// HEAD on an object.
pub const HEAD_DENIED: Entry = Entry {
    id: "denied-head",
    says: &["An error occurred (403) when calling the HeadObject operation: Forbidden", "REST.HEAD.OBJECT … 403"],
    means: "HEAD was refused, and an answer to HEAD has no words, so it proves nothing",
    cause: "an answer to HEAD has no words (a missing permission, a missing object, a wrong key and a wrong clock look \
            alike)",
    fix: "ask the same with GET and read its words; the request needs `{action}` on `{pattern}`",
    hint: Hint::CauseAndFix,
};

/// Under retention.
pub const OBJECT_LOCK: Entry = Entry {
    id: "object-lock",
    says: &[
        "Access Denied because object protected by object lock.",
        "Object is WORM protected and cannot be overwritten",
    ],
    means: "the object is protected for a while from being deleted or replaced, by anyone",
    cause: "the object is under retention (Object Lock) and stays until that ends",
    fix: "pruning has to wait for it; there is nothing to change",
    hint: Hint::CauseAndFix,
};

/// A web page.
pub const PAGE_DENIED: Entry = Entry {
    id: "denied-by-a-page",
    says: &["403 with a web page"],
    means: "something refused the request, and it may not have been S3: S3 answers in XML, this is a page",
    cause: "this is not how S3 answers",
    fix: "look for a proxy, a firewall or a wrong endpoint; else allow `{action}` on `{pattern}`",
    hint: Hint::CauseAndFix,
};
