//! UploadPartCopy: a part made of bytes that are in the bucket already.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html>

use super::PUT_OBJECT;
use crate::{
    abi::Method,
    endpoint::encode_path,
    name::{Bucket, Key, UploadId},
    s3::call::Call,
};

/// What to copy.
#[derive(Debug, Clone, Copy)]
pub struct UploadPartCopy<'a> {
    /// The key of the object to be.
    pub key: &'a Key,
    /// Of which upload.
    pub upload_id: &'a UploadId,
    /// Part number, from 1.
    pub part: u32,
    /// The bucket of both.
    pub bucket: &'a Bucket,
    /// The key of the object that is there.
    pub source: &'a Key,
}

impl UploadPartCopy<'_> {
    /// The request.
    #[must_use]
    pub fn call(&self) -> Call {
        let source = format!("{}/{}", self.bucket, encode_path(self.source.as_str()));
        Call::new("UploadPartCopy", Method::Put, self.key.as_str(), PUT_OBJECT)
            .query("partNumber", self.part.to_string())
            .query("uploadId", self.upload_id.as_str())
            .header("x-amz-copy-source", source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_is_encoded_as_a_path() {
        let call = UploadPartCopy {
            key: &Key::parse("new").expect("a key"),
            upload_id: &UploadId::parse("id").expect("an id"),
            part: 2,
            bucket: &Bucket::parse("backups").expect("a bucket"),
            source: &Key::parse("a b/ü+").expect("a key"),
        }
        .call();
        assert_eq!(call.headers, [("x-amz-copy-source".to_owned(), "backups/a%20b/%C3%BC%2B".to_owned())]);
        assert_eq!(call.query, [("partNumber", "2".to_owned()), ("uploadId", "id".to_owned())]);
    }
}
