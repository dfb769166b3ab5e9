//! HeadObject: what the server knows of an object.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html>
//!
//! An answer to HEAD has no body, so a failure has no words: 404 and 403 are all it says, and
//! nothing more may be read into them.

use std::collections::BTreeMap;

use super::{GET_OBJECT, ParseError, header_digests, object_headers, required_etag, version_id};
use crate::{
    abi::Method,
    digest::Digests,
    name::Key,
    s3::call::{Answer, Call},
};

/// What to look at.
#[derive(Debug, Clone, Copy)]
pub struct HeadObject<'a> {
    /// The object's key.
    pub key: &'a Key,
    /// Ask for its checksum too. Backblaze refuses to be asked (400, and no word why), and with
    /// SSE-KMS it takes `kms:Decrypt`.
    pub checksum_mode: bool,
}

/// An object, as the server knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Without quotes.
    pub etag: String,
    /// Its length, in bytes.
    pub len: u64,
    /// Where the bucket keeps versions.
    pub version_id: Option<String>,
    /// An HTTP date, as the server gave it; empty when it does not say.
    pub last_modified: String,
    /// Of the whole object, where the server keeps them and was asked.
    pub digests: Digests,
    /// Names without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// The ETag has nothing to do with MD5: so it is where KMS or a customer's key encrypts.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html>
    pub opaque_etag: bool,
}

impl Head {
    /// The run that stored it, if it was one of ours.
    #[must_use]
    pub fn run(&self) -> Option<&str> {
        self.metadata.get(object_headers::RUN).map(String::as_str)
    }

    /// The length of its parts but the last, if it is one of ours in parts.
    #[must_use]
    pub fn part_len(&self) -> Option<u64> {
        self.metadata.get(object_headers::PART_LEN)?.parse().ok()
    }
}

impl HeadObject<'_> {
    /// The request.
    #[must_use]
    pub fn call(&self) -> Call {
        let call = Call::new("HeadObject", Method::Head, self.key.as_str(), GET_OBJECT);
        if self.checksum_mode { call.header("x-amz-checksum-mode", "ENABLED") } else { call }
    }

    /// Reads a success.
    ///
    /// # Errors
    /// When it has no ETag or no length.
    pub fn parse(answer: &Answer<'_>) -> Result<Head, ParseError> {
        let len = answer.header("content-length").and_then(|text| text.trim().parse().ok());
        Ok(Head {
            etag: required_etag(answer)?,
            len: len.ok_or_else(|| ParseError("it has no Content-Length".to_owned()))?,
            version_id: version_id(answer),
            last_modified: answer.header("last-modified").unwrap_or_default().to_owned(),
            digests: header_digests(answer),
            metadata: object_headers::read_metadata(answer.headers),
            opaque_etag: answer.header("x-amz-server-side-encryption").is_some_and(|kind| kind.starts_with("aws:kms"))
                || answer.header("x-amz-server-side-encryption-customer-algorithm").is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Headers;

    fn parse(pairs: &[(&str, &str)]) -> Result<Head, ParseError> {
        let headers: Headers = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        HeadObject::parse(&Answer { status: 200, headers: &headers, body: b"", received: None })
    }

    /// `HEAD /my-image.jpg`, and its answer.
    #[test]
    fn aws_example() {
        let key = Key::parse("my-image.jpg").expect("a key");
        let call = HeadObject { key: &key, checksum_mode: false }.call();
        assert_eq!((call.method, call.key.as_str(), call.headers.len()), (Method::Head, "my-image.jpg", 0));
        let head = parse(&[
            ("x-amz-id-2", "ef8yU9AS1ed4OpIszj7UDNEHGran"),
            ("x-amz-request-id", "318BC8BC143432E5"),
            ("x-amz-version-id", "3HL4kqtJlcpXroDTDmjVBH40Nrjfkd"),
            ("date", "Wed, 28 Oct 2009 22:32:00 GMT"),
            ("last-modified", "Sun, 1 Jan 2006 12:00:00 GMT"),
            ("etag", "\"fba9dede5f27731c9771645a39863328\""),
            ("content-length", "434234"),
            ("content-type", "text/plain"),
        ]);
        assert_eq!(
            head,
            Ok(Head {
                etag: "fba9dede5f27731c9771645a39863328".to_owned(),
                len: 434_234,
                version_id: Some("3HL4kqtJlcpXroDTDmjVBH40Nrjfkd".to_owned()),
                last_modified: "Sun, 1 Jan 2006 12:00:00 GMT".to_owned(),
                digests: Digests::default(),
                metadata: BTreeMap::new(),
                opaque_etag: false,
            })
        );
    }

    #[test]
    fn an_object_of_ours_says_so() {
        let key = Key::parse("k").expect("a key");
        let call = HeadObject { key: &key, checksum_mode: true }.call();
        assert_eq!(call.headers, [("x-amz-checksum-mode".to_owned(), "ENABLED".to_owned())]);
        let head = parse(&[
            ("etag", "e"),
            ("content-length", "0"),
            ("x-amz-checksum-crc64nvme", "rosUhgp5mIg="),
            ("x-amz-checksum-type", "FULL_OBJECT"),
            ("x-amz-meta-holdfast-run", "r-1"),
            ("x-amz-meta-holdfast-part-len", "16777216"),
            ("x-amz-server-side-encryption", "aws:kms:dsse"),
            ("x-amz-meta-title", "=?UTF-8?B?R3LDtsOfZQ==?="),
            ("x-amz-version-id", "null"),
        ]);
        let head = head.expect("reads");
        assert_eq!((head.run(), head.part_len(), head.opaque_etag), (Some("r-1"), Some(16_777_216), true));
        assert_eq!(head.metadata.get("title").map(String::as_str), Some("Größe"));
        assert_eq!(head.digests.crc64nvme, Some(0xae8b_1486_0a79_9888_u64.to_be_bytes()));
        assert_eq!(head.version_id, None);
    }

    #[test]
    fn half_an_answer_is_none() {
        assert!(parse(&[("etag", "e")]).is_err());
        assert!(parse(&[("content-length", "1")]).is_err());
        assert!(parse(&[("etag", "e"), ("content-length", "-1")]).is_err());
    }
}
