//! ListObjectVersions, as a question: whether these keys may list older versions too.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html>

use crate::{
    abi::Method,
    s3::call::{Call, Permission, Resource},
};

/// The request; its answer is not read.
#[must_use]
pub fn call() -> Call {
    let permission = Permission { action: "s3:ListBucketVersions", resource: Resource::Bucket };
    Call::new("ListObjectVersions", Method::Get, "", permission).query("versions", "").query("max-keys", "1")
}
