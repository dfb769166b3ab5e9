//! CompleteMultipartUpload: the parts become the object.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html>
//!
//! S3 answers 200 at once, drips whitespace while it works, for minutes, and then says how it
//! went, which may be an `<Error>`. The request proves the whole three times over: the list of
//! parts with each one's checksum, the CRC-64/NVME of the full object, and its size.
//!
//! A second time it may answer NoSuchUpload though the object is there, so it is never simply
//! repeated. Neither is an answer that cannot be read a failure: look first.

use super::{PUT_OBJECT, ParseError, document, required, unquote, version_id};
use crate::{
    abi::Method,
    digest::{Digests, from_base64, to_base64},
    name::{Key, UploadId},
    provider::Rung,
    s3::{
        call::{Answer, Call, Payload, Repeat},
        xml,
    },
};

/// How long the parts of a large object may take to be put together, in milliseconds.
const PUTTING_TOGETHER_MS: u64 = 10 * 60 * 1000;

/// What to complete. `parts` are number, ETag and digests, in ascending order.
#[derive(Debug, Clone)]
pub struct CompleteMultipartUpload<'a, P> {
    /// The object's key.
    pub key: &'a Key,
    /// Which upload.
    pub upload_id: &'a UploadId,
    /// All of its parts.
    pub parts: P,
    /// The checksum that was declared when it was created.
    pub rung: Rung,
    /// The CRC-64/NVME of the whole, big endian.
    pub whole_crc64: Option<[u8; 8]>,
    /// The whole's length, in bytes.
    pub object_len: Option<u64>,
    /// Only if the key does not exist yet.
    pub if_none_match: bool,
}

/// An object that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// Without quotes.
    pub etag: String,
    /// Where the bucket keeps versions.
    pub version_id: Option<String>,
    /// What the server computed of the whole, where it says so.
    pub crc64nvme: Option<[u8; 8]>,
}

impl<'a, P> CompleteMultipartUpload<'a, P>
where
    P: IntoIterator<Item = (u32, &'a str, &'a Digests)> + Clone,
{
    /// The request.
    #[must_use]
    pub fn call(&self) -> Call {
        let mut call = Call::new("CompleteMultipartUpload", Method::Post, self.key.as_str(), PUT_OBJECT)
            .query("uploadId", self.upload_id.as_str())
            .header("content-type", "application/xml");
        if let Some(crc) = self.whole_crc64 {
            call =
                call.header("x-amz-checksum-crc64nvme", to_base64(&crc)).header("x-amz-checksum-type", "FULL_OBJECT");
        }
        if let Some(len) = self.object_len {
            call = call.header("x-amz-mp-object-size", len.to_string());
        }
        if self.if_none_match {
            call = call.header("if-none-match", "*");
        }
        let parts = self.parts.clone().into_iter().map(|(number, etag, digests)| {
            let checksum = match self.rung {
                Rung::Crc64nvme => digests.crc64nvme.map(|crc| ("ChecksumCRC64NVME", to_base64(&crc))),
                Rung::Crc32 => digests.crc32.map(|crc| ("ChecksumCRC32", to_base64(&crc))),
                Rung::ContentMd5 | Rung::Etag => None,
            };
            let fields = [("PartNumber", number.to_string()), ("ETag", format!("\"{etag}\""))];
            ("Part", fields.into_iter().chain(checksum))
        });
        call.payload = Payload::Inline(xml::write("CompleteMultipartUpload", parts));
        call.repeat = Repeat::LookFirst;
        call.answer_within_ms = PUTTING_TOGETHER_MS;
        call
    }
}

/// A name without parameters, so that `CompleteMultipartUpload::parse` needs none.
type Anyone = std::iter::Empty<(u32, &'static str, &'static Digests)>;

impl CompleteMultipartUpload<'_, Anyone> {
    /// Reads a success.
    ///
    /// # Errors
    /// When it is not a `CompleteMultipartUploadResult` with an ETag. The object may be there all
    /// the same.
    pub fn parse(answer: &Answer<'_>) -> Result<Completed, ParseError> {
        let result = document(answer, "CompleteMultipartUploadResult")?;
        Ok(Completed {
            etag: unquote(required(&result, "ETag")?),
            version_id: version_id(answer),
            crc64nvme: result.text_of("ChecksumCRC64NVME").and_then(from_base64),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Headers;

    const ETAGS: [&str; 3] =
        ["a54357aff0632cce46d942af68356b38", "0c78aef83f66abc1fa1e8477f296d394", "acbd18db4cc2f85cedef654fccc4a4d8"];

    fn call(rung: Rung, whole_crc64: Option<[u8; 8]>, object_len: Option<u64>, if_none_match: bool) -> Call {
        let key = Key::parse("example-object").expect("a key");
        let id = UploadId::parse("AAAsb2FkIElEIGZvciBlbHZpbmcncyWeeS1tb3ZpZS5tMnRzIRRwbG9hZA").expect("an id");
        let digests = Digests {
            crc64nvme: Some(0xae8b_1486_0a79_9888_u64.to_be_bytes()),
            crc32: Some(0xcbf4_3926_u32.to_be_bytes()),
            ..Digests::default()
        };
        let parts = (1..).zip(ETAGS).map(|(number, etag)| (number, etag, &digests));
        CompleteMultipartUpload { key: &key, upload_id: &id, parts, rung, whole_crc64, object_len, if_none_match }
            .call()
    }

    fn body(call: &Call) -> &str {
        let Payload::Inline(bytes) = &call.payload else { panic!("an inline body") };
        std::str::from_utf8(bytes).expect("UTF-8")
    }

    fn parse(body: &str) -> Result<Completed, ParseError> {
        let headers: Headers = vec![("x-amz-version-id".to_owned(), "v1".to_owned())];
        CompleteMultipartUpload::parse(&Answer {
            status: 200,
            headers: &headers,
            body: body.as_bytes(),
            received: None,
        })
    }

    /// The sample request and answer of the AWS page.
    #[test]
    fn aws_example() {
        let call = call(Rung::Etag, None, None, false);
        assert_eq!((call.method, call.query[0].0), (Method::Post, "uploadId"));
        let parts: String = (1..)
            .zip(ETAGS)
            .map(|(number, etag)| {
                format!("<Part><PartNumber>{number}</PartNumber><ETag>&quot;{etag}&quot;</ETag></Part>")
            })
            .collect();
        assert_eq!(
            body(&call),
            format!("<CompleteMultipartUpload xmlns=\"{}\">{parts}</CompleteMultipartUpload>", xml::NAMESPACE)
        );
        let completed = parse(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<CompleteMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
 <Location>http://Example-Bucket.s3.<Region>.amazonaws.com/Example-Object</Location>
 <Bucket>Example-Bucket</Bucket>
 <Key>Example-Object</Key>
 <ETag>"3858f62230ac3c915f300c664312c11f-9"</ETag>
</CompleteMultipartUploadResult>"#
                .replace("<Region>", "eu-west-1")
                .as_str(),
        );
        assert_eq!(
            completed,
            Ok(Completed {
                etag: "3858f62230ac3c915f300c664312c11f-9".to_owned(),
                version_id: Some("v1".to_owned()),
                crc64nvme: None,
            })
        );
    }

    #[test]
    fn everything_known_of_the_whole_goes_along() {
        let whole = 0xae8b_1486_0a79_9888_u64.to_be_bytes();
        let call = call(Rung::Crc64nvme, Some(whole), Some(31_457_280), true);
        let lines: Vec<String> = call.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        assert_eq!(
            lines,
            [
                "content-type: application/xml",
                "x-amz-checksum-crc64nvme: rosUhgp5mIg=",
                "x-amz-checksum-type: FULL_OBJECT",
                "x-amz-mp-object-size: 31457280",
                "if-none-match: *",
            ]
        );
        assert_eq!(body(&call).matches("<ChecksumCRC64NVME>rosUhgp5mIg=</ChecksumCRC64NVME></Part>").count(), 3);
        assert_eq!((call.repeat, call.answer_within_ms), (Repeat::LookFirst, 600_000));
    }

    #[test]
    fn a_composite_upload_lists_the_checksum_of_each_part() {
        let call = call(Rung::Crc32, None, None, false);
        assert_eq!(body(&call).matches("<ChecksumCRC32>y/Q5Jg==</ChecksumCRC32></Part>").count(), 3);
        assert!(!body(&call).contains("CRC64"));
    }

    #[test]
    fn the_answer_after_the_drip_is_read() {
        let drip = "\n ".repeat(5_000);
        let completed = parse(&format!(
            "<?xml version=\"1.0\"?>{drip}<CompleteMultipartUploadResult><ETag>&quot;e-2&quot;</ETag>\
             <ChecksumCRC64NVME>rosUhgp5mIg=</ChecksumCRC64NVME><ChecksumType>FULL_OBJECT</ChecksumType>\
             </CompleteMultipartUploadResult>"
        ));
        let completed = completed.expect("reads");
        assert_eq!(completed.etag, "e-2");
        assert_eq!(completed.crc64nvme, Some(0xae8b_1486_0a79_9888_u64.to_be_bytes()));
    }

    #[test]
    fn an_answer_that_breaks_off_is_no_success() {
        for body in ["", "  \n \n", "<?xml version=\"1.0\"?>\n\n", "<CompleteMultipartUploadResult><ETag>e"] {
            assert!(parse(body).is_err(), "{body}");
        }
    }
}
