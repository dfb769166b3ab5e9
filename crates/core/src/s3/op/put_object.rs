//! PutObject: a whole object in one request.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>
//!
//! On every rung but the last a checksum goes along, which buckets with Object Lock demand.

use super::{PUT_OBJECT, ParseError, header_digests, object_headers, required_etag, version_id, with_part};
use crate::{
    abi::Method,
    digest::Digests,
    job::ObjectSettings,
    name::Key,
    plan::Part,
    provider::Rung,
    s3::call::{Answer, Call, Repeat},
};

/// What to send.
#[derive(Debug, Clone, Copy)]
pub struct PutObject<'a> {
    /// The object's key.
    pub key: &'a Key,
    /// How it is stored; [`object_headers::check`]ed before.
    pub object: &'a ObjectSettings,
    /// Names the run in the object's metadata.
    pub run: &'a str,
    /// The bytes: the only part.
    pub part: Part,
    /// How they prove themselves.
    pub rung: Rung,
    /// What they hash to.
    pub digests: &'a Digests,
    /// Only if the key does not exist yet.
    pub if_none_match: bool,
}

/// What was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Without quotes.
    pub etag: String,
    /// Where the bucket keeps versions.
    pub version_id: Option<String>,
    /// What the server computed, where it says so.
    pub digests: Digests,
}

impl PutObject<'_> {
    /// The request.
    #[must_use]
    pub fn call(&self) -> Call {
        let mut call = Call::new("PutObject", Method::Put, self.key.as_str(), PUT_OBJECT);
        call.headers = object_headers::headers(self.object, self.run);
        if self.if_none_match {
            call = call.header("if-none-match", "*");
            // The second of two finds the first, and would call it someone else's.
            call.repeat = Repeat::LookFirst;
        }
        with_part(call, self.part, self.rung, self.digests)
    }

    /// Reads a success.
    ///
    /// # Errors
    /// When it has no ETag.
    pub fn parse(answer: &Answer<'_>) -> Result<Stored, ParseError> {
        Ok(Stored { etag: required_etag(answer)?, version_id: version_id(answer), digests: header_digests(answer) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{abi::Headers, s3::call::Payload};

    fn call(rung: Rung, if_none_match: bool, len: u64) -> Call {
        let digests = Digests {
            crc64nvme: Some(0xae8b_1486_0a79_9888_u64.to_be_bytes()),
            crc32: Some(0xcbf4_3926_u32.to_be_bytes()),
            md5: Some([0; 16]),
            sha256: Some([7; 32]),
        };
        let key = Key::parse("my-image.jpg").expect("a key");
        let (object, part) = (ObjectSettings::default(), Part { part: 1, offset: 0, len });
        PutObject { key: &key, object: &object, run: "r", part, rung, digests: &digests, if_none_match }.call()
    }

    fn header<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
        call.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Example 1 of the AWS page: `PUT /my-image.jpg`, and its answer.
    #[test]
    fn aws_example() {
        let call = call(Rung::ContentMd5, false, 11_434);
        assert_eq!((call.method, call.key.as_str(), call.query.len()), (Method::Put, "my-image.jpg", 0));
        let headers: Headers = vec![
            ("x-amz-request-id".to_owned(), "0A49CE4060975EAC".to_owned()),
            ("x-amz-version-id".to_owned(), "43jfkodU8493jnFJD9fjj3HHNVfdsQUIFDNsidf038jfdsjGFDSIRp".to_owned()),
            ("etag".to_owned(), "\"fbacf535f27731c9771645a39863328\"".to_owned()),
        ];
        let stored = PutObject::parse(&Answer { status: 200, headers: &headers, body: b"", received: None });
        assert_eq!(
            stored,
            Ok(Stored {
                etag: "fbacf535f27731c9771645a39863328".to_owned(),
                version_id: Some("43jfkodU8493jnFJD9fjj3HHNVfdsQUIFDNsidf038jfdsjGFDSIRp".to_owned()),
                digests: Digests::default(),
            })
        );
    }

    #[test]
    fn each_rung_sends_its_own_proof_and_no_other() {
        let names = ["x-amz-checksum-crc64nvme", "x-amz-checksum-crc32", "content-md5"];
        for (rung, expected) in [
            (Rung::Crc64nvme, [Some("rosUhgp5mIg="), None, None]),
            (Rung::Crc32, [None, Some("y/Q5Jg=="), None]),
            (Rung::ContentMd5, [None, None, Some("AAAAAAAAAAAAAAAAAAAAAA==")]),
            (Rung::Etag, [None, None, None]),
        ] {
            let call = call(rung, false, 9);
            assert_eq!(names.map(|name| header(&call, name)), expected, "{rung:?}");
        }
    }

    #[test]
    fn a_conditional_put_is_not_simply_repeated() {
        let plain = call(Rung::Crc64nvme, false, 9);
        assert_eq!((header(&plain, "if-none-match"), plain.repeat), (None, Repeat::Harmless));
        let conditional = call(Rung::Crc64nvme, true, 9);
        assert_eq!((header(&conditional, "if-none-match"), conditional.repeat), (Some("*"), Repeat::LookFirst));
    }

    #[test]
    fn an_empty_object_has_no_part_to_read() {
        assert_eq!(call(Rung::Crc64nvme, false, 0).payload, Payload::Empty);
        let payload = call(Rung::Crc64nvme, false, 9).payload;
        assert_eq!(payload, Payload::Part { part: 1, offset: 0, len: 9, sha256: Some([7; 32]) });
    }

    /// A web page that a proxy calls a success.
    #[test]
    fn a_success_without_an_etag_is_none() {
        let headers = Headers::new();
        let answer = Answer { status: 200, headers: &headers, body: b"<html>Welcome</html>", received: None };
        assert!(PutObject::parse(&answer).is_err());
    }
}
