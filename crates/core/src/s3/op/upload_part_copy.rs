//! UploadPartCopy: a part made of bytes that are in the bucket already.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html>
//!
//! Copying gigabytes takes minutes: S3 answers 200 at once, drips whitespace while it works, and
//! then says how it went, which may be an `<Error>`. Sent again it replaces itself.

use super::{PUT_OBJECT, ParseError, document, element_digests, required, unquote};
use crate::{
    abi::Method,
    digest::Digests,
    endpoint::encode_path,
    name::{Bucket, Key, UploadId},
    plan::Extent,
    s3::call::{Answer, Call},
};

/// How long the longest part may take to be copied, in milliseconds.
const COPYING_MS: u64 = 10 * 60 * 1000;

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
    /// Only if it still has this ETag.
    pub etag: Option<&'a str>,
    /// Only these of its bytes.
    pub range: Option<Extent>,
}

/// A part that was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Without quotes.
    pub etag: String,
    /// What the server computed, where it says so.
    pub digests: Digests,
}

impl UploadPartCopy<'_> {
    /// The request.
    #[must_use]
    pub fn call(&self) -> Call {
        let source = format!("{}/{}", self.bucket, encode_path(self.source.as_str()));
        let mut call = Call::new("UploadPartCopy", Method::Put, self.key.as_str(), PUT_OBJECT)
            .query("partNumber", self.part.to_string())
            .query("uploadId", self.upload_id.as_str())
            .header("x-amz-copy-source", source);
        if let Some(etag) = self.etag {
            call = call.header("x-amz-copy-source-if-match", format!("\"{etag}\""));
        }
        if let Some(range) = self.range {
            let last = range.end().saturating_sub(1);
            call = call.header("x-amz-copy-source-range", format!("bytes={}-{last}", range.offset));
            call.answer_within_ms = COPYING_MS;
        }
        call
    }

    /// Reads a success.
    ///
    /// # Errors
    /// When it is not a `CopyPartResult` with an ETag: a server that knows no copies may have
    /// stored an empty part.
    pub fn parse(answer: &Answer<'_>) -> Result<Copied, ParseError> {
        let result = document(answer, "CopyPartResult")?;
        let etag = unquote(required(&result, "ETag")?);
        if etag.is_empty() {
            return Err(ParseError("it has no ETag".to_owned()));
        }
        Ok(Copied { etag, digests: element_digests(&result) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Headers;

    fn call(etag: Option<&str>, range: Option<Extent>) -> Call {
        UploadPartCopy {
            key: &Key::parse("new").expect("a key"),
            upload_id: &UploadId::parse("id").expect("an id"),
            part: 2,
            bucket: &Bucket::parse("backups").expect("a bucket"),
            source: &Key::parse("a b/ü+").expect("a key"),
            etag,
            range,
        }
        .call()
    }

    #[test]
    fn the_source_is_encoded_as_a_path() {
        let call = call(None, None);
        assert_eq!(call.headers, [("x-amz-copy-source".to_owned(), "backups/a%20b/%C3%BC%2B".to_owned())]);
        assert_eq!(call.query, [("partNumber", "2".to_owned()), ("uploadId", "id".to_owned())]);
    }

    #[test]
    fn a_range_of_one_version_is_asked_for() {
        let call = call(Some("e-7"), Some(Extent { offset: 500, len: 6_291_456 }));
        let value = |name| call.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        assert_eq!(value("x-amz-copy-source-if-match"), Some("\"e-7\""));
        assert_eq!(value("x-amz-copy-source-range"), Some("bytes=500-6291955"));
        assert_eq!(call.answer_within_ms, 600_000);
    }

    fn parse(body: &str) -> Result<Copied, ParseError> {
        UploadPartCopy::parse(&Answer { status: 200, headers: &Headers::new(), body: body.as_bytes(), received: None })
    }

    /// The sample answer of the AWS page.
    #[test]
    fn aws_example() {
        let copied = parse(
            r#"<CopyPartResult>
                 <LastModified>2009-10-28T22:32:00</LastModified>
                 <ETag>"9b2cf535f27731c974343645a3985328"</ETag>
               </CopyPartResult>"#,
        );
        let etag = "9b2cf535f27731c974343645a3985328".to_owned();
        assert_eq!(copied, Ok(Copied { etag, digests: Digests::default() }));
    }

    #[test]
    fn the_servers_checksum_is_read_behind_the_drip() {
        let drip = " \n".repeat(500);
        let copied = parse(&format!(
            "<?xml version=\"1.0\"?>{drip}<CopyPartResult><ETag>&quot;e&quot;</ETag>\
             <ChecksumCRC64NVME>rosUhgp5mIg=</ChecksumCRC64NVME></CopyPartResult>"
        ))
        .expect("reads");
        assert_eq!(copied.digests.crc64nvme, Some(0xae8b_1486_0a79_9888_u64.to_be_bytes()));
    }

    #[test]
    fn an_answer_that_says_nothing_of_a_copy_is_none() {
        for body in ["", "  \n", "<CopyPartResult><ETag>\"\"</ETag></CopyPartResult>", "<CopyPartResult>", "<html/>"] {
            assert!(parse(body).is_err(), "{body}");
        }
    }
}
