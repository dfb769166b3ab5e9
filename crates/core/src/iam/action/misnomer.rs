//! Actions that do not exist and are pasted all the same: calls of the API, mostly, whose
//! permission has another name.

/// What is meant by an action that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misnomer {
    /// As it is pasted.
    pub pasted: &'static str,
    /// The actions that do what it seems to say.
    pub meant: &'static [&'static str],
    /// Why, and what to know before using them.
    pub note: &'static str,
}

/// What is meant by a name, if it is a known misnomer.
#[must_use]
pub fn misnomer(name: &str) -> Option<&'static Misnomer> {
    MISNOMERS.iter().find(|misnomer| misnomer.pasted.eq_ignore_ascii_case(name))
}

const fn of(pasted: &'static str, meant: &'static [&'static str], note: &'static str) -> Misnomer {
    Misnomer { pasted, meant, note }
}

const HEAD_BUCKET: &str = "a HEAD of the bucket is allowed by s3:ListBucket without a condition on s3:prefix, which \
                           also allows listing the whole bucket; no backup needs it";
const LISTING: &str = "all listings of current objects are one permission, on the bucket's ARN";
const PARTS: &str = "the parts of a multipart upload, its beginning and its end are permitted by s3:PutObject";
const UPLOADS: &str = "the permission is s3:ListBucketMultipartUploads, on the bucket's ARN; it knows no s3:prefix, so \
                       it shows every client's keys, and no backup needs it";
const READING: &str = "a HEAD of an object is permitted by what permits reading it";
const RENAMED: &str = "the permission has another name than the call";

static MISNOMERS: &[Misnomer] = &[
    of("s3:HeadBucket", &["s3:ListBucket"], HEAD_BUCKET),
    of("s3:HeadObject", &["s3:GetObject"], READING),
    of("s3:ListObjects", &["s3:ListBucket"], LISTING),
    of("s3:ListObjectsV2", &["s3:ListBucket"], LISTING),
    of("s3:ListBucketV2", &["s3:ListBucket"], LISTING),
    of("s3:ListObjectVersions", &["s3:ListBucketVersions"], RENAMED),
    of(
        "s3:ListBuckets",
        &["s3:ListAllMyBuckets"],
        "the permission is s3:ListAllMyBuckets, on `*`, and shows every bucket of the account",
    ),
    of("s3:ListMultipartUploads", &["s3:ListBucketMultipartUploads"], UPLOADS),
    of("s3:ListParts", &["s3:ListMultipartUploadParts"], RENAMED),
    of("s3:CreateMultipartUpload", &["s3:PutObject"], PARTS),
    of("s3:InitiateMultipartUpload", &["s3:PutObject"], PARTS),
    of("s3:UploadPart", &["s3:PutObject"], PARTS),
    of("s3:UploadPartCopy", &["s3:PutObject", "s3:GetObject"], "a part that is copied is read and written"),
    of("s3:CompleteMultipartUpload", &["s3:PutObject"], PARTS),
    of("s3:MultipartUpload", &["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"], PARTS),
    of("s3:CopyObject", &["s3:PutObject", "s3:GetObject"], "an object that is copied is read and written"),
    of("s3:PostObject", &["s3:PutObject"], RENAMED),
    of("s3:DeleteObjects", &["s3:DeleteObject"], "deleting many at once is permitted like deleting each"),
    of("s3:DeleteMultipleObjects", &["s3:DeleteObject"], "deleting many at once is permitted like deleting each"),
    of("s3:GetBucketLifecycle", &["s3:GetLifecycleConfiguration"], RENAMED),
    of("s3:GetBucketLifecycleConfiguration", &["s3:GetLifecycleConfiguration"], RENAMED),
    of("s3:PutBucketLifecycle", &["s3:PutLifecycleConfiguration"], RENAMED),
    of("s3:PutBucketLifecycleConfiguration", &["s3:PutLifecycleConfiguration"], RENAMED),
    of("s3:DeleteBucketLifecycle", &["s3:PutLifecycleConfiguration"], RENAMED),
    of("s3:GetObjectLockConfiguration", &["s3:GetBucketObjectLockConfiguration"], RENAMED),
    of("s3:PutObjectLockConfiguration", &["s3:PutBucketObjectLockConfiguration"], RENAMED),
    of("s3:GetPublicAccessBlock", &["s3:GetBucketPublicAccessBlock"], RENAMED),
    of("s3:PutPublicAccessBlock", &["s3:PutBucketPublicAccessBlock"], RENAMED),
    of("s3:DeletePublicAccessBlock", &["s3:PutBucketPublicAccessBlock"], RENAMED),
    of("s3:GetBucketEncryption", &["s3:GetEncryptionConfiguration"], RENAMED),
    of("s3:PutBucketEncryption", &["s3:PutEncryptionConfiguration"], RENAMED),
    of("s3:DeleteBucketEncryption", &["s3:PutEncryptionConfiguration"], RENAMED),
    of("s3:GetBucketReplication", &["s3:GetReplicationConfiguration"], RENAMED),
    of("s3:PutBucketReplication", &["s3:PutReplicationConfiguration"], RENAMED),
    of("s3:DeleteBucketReplication", &["s3:PutReplicationConfiguration"], RENAMED),
    of("s3:GetBucketAccelerateConfiguration", &["s3:GetAccelerateConfiguration"], RENAMED),
    of("s3:PutBucketAccelerateConfiguration", &["s3:PutAccelerateConfiguration"], RENAMED),
    of("s3:DeleteBucketTagging", &["s3:PutBucketTagging"], RENAMED),
    of("s3:DeleteBucketCors", &["s3:PutBucketCORS"], RENAMED),
];

#[cfg(test)]
mod tests {
    use super::{super::find, *};

    #[test]
    fn misnomers_do_not_exist_and_what_is_meant_does() {
        for misnomer in MISNOMERS {
            assert!(find(misnomer.pasted).is_none(), "{}", misnomer.pasted);
            for meant in misnomer.meant {
                assert!(find(meant).is_some_and(|action| action.name == *meant), "{meant}");
            }
        }
        assert_eq!(misnomer("S3:headbucket").map(|misnomer| misnomer.meant), Some(&["s3:ListBucket"][..]));
        assert_eq!(misnomer("s3:GetObject"), None);
    }
}
