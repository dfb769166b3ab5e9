//! CreateMultipartUpload: an id to send parts under.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html>
//!
//! The checksum is declared here and holds for the upload's life: CRC-64/NVME of the full object,
//! CRC-32 of each part (composite), or none.

use super::{PUT_OBJECT, ParseError, document, http_date, object_headers, required};
use crate::{
    abi::{Method, Millis},
    job::ObjectSettings,
    name::{Key, UploadId},
    provider::Rung,
    s3::call::{Answer, Call, Repeat},
};

/// What to begin.
#[derive(Debug, Clone, Copy)]
pub struct CreateMultipartUpload<'a> {
    /// The object's key.
    pub key: &'a Key,
    /// How it is stored; [`object_headers::check`]ed before.
    pub object: &'a ObjectSettings,
    /// How its parts prove themselves.
    pub rung: Rung,
    /// Names the run in the object's metadata.
    pub run: &'a str,
}

/// An upload that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Its id.
    pub upload_id: UploadId,
    /// When a lifecycle rule aborts it.
    pub abort_at: Option<Millis>,
}

impl CreateMultipartUpload<'_> {
    /// The request.
    #[must_use]
    pub fn call(&self) -> Call {
        let mut call =
            Call::new("CreateMultipartUpload", Method::Post, self.key.as_str(), PUT_OBJECT).query("uploads", "");
        call.headers = object_headers::headers(self.object, self.run);
        let declared = match self.rung {
            Rung::Crc64nvme => Some(("CRC64NVME", "FULL_OBJECT")),
            Rung::Crc32 => Some(("CRC32", "COMPOSITE")),
            Rung::ContentMd5 | Rung::Etag => None,
        };
        if let Some((algorithm, kind)) = declared {
            call = call.header("x-amz-checksum-algorithm", algorithm).header("x-amz-checksum-type", kind);
        }
        // Each repetition may begin one more upload.
        call.repeat = Repeat::LookFirst;
        call
    }

    /// Reads a success.
    ///
    /// # Errors
    /// When it is not an `InitiateMultipartUploadResult` with an upload id.
    pub fn parse(answer: &Answer<'_>) -> Result<Created, ParseError> {
        let result = document(answer, "InitiateMultipartUploadResult")?;
        let upload_id =
            UploadId::parse(required(&result, "UploadId")?.trim()).map_err(|error| ParseError(error.to_string()))?;
        Ok(Created { upload_id, abort_at: answer.header("x-amz-abort-date").and_then(http_date) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Headers;

    fn call(rung: Rung) -> Call {
        let key = Key::parse("example-object").expect("a key");
        CreateMultipartUpload { key: &key, object: &ObjectSettings::default(), rung, run: "r" }.call()
    }

    fn parse(headers: &Headers, body: &str) -> Result<Created, ParseError> {
        CreateMultipartUpload::parse(&Answer { status: 200, headers, body: body.as_bytes(), received: None })
    }

    /// `POST /example-object?uploads`, and its answer.
    #[test]
    fn aws_example() {
        let call = call(Rung::Etag);
        assert_eq!((call.method, call.key.as_str()), (Method::Post, "example-object"));
        assert_eq!(call.query, [("uploads", String::new())]);
        let headers: Headers = vec![("x-amz-abort-date".to_owned(), "Fri, 21 Dec 2012 00:00:00 GMT".to_owned())];
        let body = r#"<?xml version="1.0" encoding="UTF-8"?>
<InitiateMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <Bucket>example-bucket</Bucket>
  <Key>example-object</Key>
  <UploadId>VXBsb2FkIElEIGZvciA2aWWpbmcncyBteS1tb3ZpZS5tMnRzIHVwbG9hZA</UploadId>
</InitiateMultipartUploadResult>"#;
        let created = parse(&headers, body).expect("reads");
        assert_eq!(created.upload_id.as_str(), "VXBsb2FkIElEIGZvciA2aWWpbmcncyBteS1tb3ZpZS5tMnRzIHVwbG9hZA");
        assert_eq!(created.abort_at, Some(Millis(1_356_048_000_000)));
    }

    #[test]
    fn the_checksum_is_declared_by_rung() {
        let declared = |rung| -> Vec<String> {
            let of_checksum = |(name, _): &&(String, String)| name.starts_with("x-amz-checksum");
            call(rung).headers.iter().filter(of_checksum).map(|(_, value)| value.clone()).collect()
        };
        assert_eq!(declared(Rung::Crc64nvme), ["CRC64NVME", "FULL_OBJECT"]);
        assert_eq!(declared(Rung::Crc32), ["CRC32", "COMPOSITE"]);
        assert!(declared(Rung::ContentMd5).is_empty());
        assert!(declared(Rung::Etag).is_empty());
    }

    #[test]
    fn a_second_create_would_be_a_second_upload() {
        assert_eq!(call(Rung::Crc64nvme).repeat, Repeat::LookFirst);
    }

    #[test]
    fn an_answer_without_an_id_is_not_believed() {
        for body in [
            "",
            "<html/>",
            "<InitiateMultipartUploadResult/>",
            "<InitiateMultipartUploadResult><UploadId/></InitiateMultipartUploadResult>",
            "<InitiateMultipartUploadResult><UploadId>a</UploadId>",
            "<InitiateMultipartUploadResult><UploadId>a\nb</UploadId></InitiateMultipartUploadResult>",
        ] {
            assert!(parse(&Headers::new(), body).is_err(), "{body}");
        }
    }
}
