//! UploadPart: a part of an object. Sent again it replaces itself.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html>

use super::{PUT_OBJECT, ParseError, header_digests, required_etag, with_part};
use crate::{
    abi::Method,
    digest::Digests,
    name::{Key, UploadId},
    plan::Part,
    provider::Rung,
    s3::call::{Answer, Call},
};

/// What to send.
#[derive(Debug, Clone, Copy)]
pub struct UploadPart<'a> {
    /// The object's key.
    pub key: &'a Key,
    /// Of which upload.
    pub upload_id: &'a UploadId,
    /// Which bytes.
    pub part: Part,
    /// How they prove themselves: as declared when the upload was created.
    pub rung: Rung,
    /// What they hash to.
    pub digests: &'a Digests,
}

/// A part that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uploaded {
    /// Without quotes.
    pub etag: String,
    /// What the server computed, where it says so.
    pub digests: Digests,
}

impl UploadPart<'_> {
    /// The request.
    #[must_use]
    pub fn call(&self) -> Call {
        let call = Call::new("UploadPart", Method::Put, self.key.as_str(), PUT_OBJECT)
            .query("partNumber", self.part.part.to_string())
            .query("uploadId", self.upload_id.as_str());
        with_part(call, self.part, self.rung, self.digests)
    }

    /// Reads a success.
    ///
    /// # Errors
    /// When it has no ETag.
    pub fn parse(answer: &Answer<'_>) -> Result<Uploaded, ParseError> {
        Ok(Uploaded { etag: required_etag(answer)?, digests: header_digests(answer) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        abi::Headers,
        digest::from_base64,
        s3::call::{Payload, Repeat},
    };

    fn call(rung: Rung, digests: &Digests) -> Call {
        let key = Key::parse("my-movie.m2ts").expect("a key");
        let upload_id = UploadId::parse("VCVsb2FkIElEIGZvciBlbZZpbmcncyBteS1tb3ZpZS5tMnRzIHVwbG9hZR").expect("an id");
        let part = Part { part: 1, offset: 0, len: 10_485_760 };
        UploadPart { key: &key, upload_id: &upload_id, part, rung, digests }.call()
    }

    /// `PUT /my-movie.m2ts?partNumber=1&uploadId=…` with Content-MD5, and its answer.
    #[test]
    fn aws_example() {
        let digests = Digests { md5: from_base64("pUNXr/BjKK5G2UKvaRRrOA=="), ..Digests::default() };
        let call = call(Rung::ContentMd5, &digests);
        assert_eq!(
            call.query,
            [
                ("partNumber", "1".to_owned()),
                ("uploadId", "VCVsb2FkIElEIGZvciBlbZZpbmcncyBteS1tb3ZpZS5tMnRzIHVwbG9hZR".to_owned()),
            ]
        );
        assert_eq!(call.headers, [("content-md5".to_owned(), "pUNXr/BjKK5G2UKvaRRrOA==".to_owned())]);
        assert_eq!(call.repeat, Repeat::Harmless);
        let headers: Headers = vec![("etag".to_owned(), "\"b54357faf0632cce46e942fa68356b38\"".to_owned())];
        let uploaded = UploadPart::parse(&Answer { status: 200, headers: &headers, body: b"", received: None });
        let etag = "b54357faf0632cce46e942fa68356b38".to_owned();
        assert_eq!(uploaded, Ok(Uploaded { etag, digests: Digests::default() }));
    }

    #[test]
    fn the_servers_own_checksum_is_read() {
        let crc64nvme = Some(0xae8b_1486_0a79_9888_u64.to_be_bytes());
        let headers: Headers = vec![
            ("etag".to_owned(), "\"e\"".to_owned()),
            ("x-amz-checksum-crc64nvme".to_owned(), "rosUhgp5mIg=".to_owned()),
            ("x-amz-checksum-crc32".to_owned(), "not base64".to_owned()),
        ];
        let uploaded = UploadPart::parse(&Answer { status: 200, headers: &headers, body: b"", received: None });
        assert_eq!(uploaded.expect("reads").digests, Digests { crc64nvme, ..Digests::default() });
    }

    #[test]
    fn a_signed_payload_takes_its_hash_along() {
        let digests = Digests { sha256: Some([1; 32]), ..Digests::default() };
        let payload = call(Rung::Etag, &digests).payload;
        assert_eq!(payload, Payload::Part { part: 1, offset: 0, len: 10_485_760, sha256: Some([1; 32]) });
        assert!(call(Rung::Etag, &digests).headers.is_empty());
    }

    #[test]
    fn an_empty_answer_is_no_success() {
        let headers: Headers = vec![("etag".to_owned(), "\"\"".to_owned())];
        assert!(UploadPart::parse(&Answer { status: 200, headers: &headers, body: b"", received: None }).is_err());
    }
}
