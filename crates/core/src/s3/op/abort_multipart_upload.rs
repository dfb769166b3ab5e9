//! AbortMultipartUpload: the parts are thrown away. Parts that are still arriving may outlive
//! it, so it may take several.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html>

use super::ParseError;
use crate::{
    abi::Method,
    name::{Key, UploadId},
    s3::call::{Answer, Call, Permission, Resource},
};

/// What to abort.
#[derive(Debug, Clone, Copy)]
pub struct AbortMultipartUpload<'a> {
    /// The key it was for.
    pub key: &'a Key,
    /// Which one.
    pub upload_id: &'a UploadId,
}

impl AbortMultipartUpload<'_> {
    /// The request.
    #[must_use]
    pub fn call(&self) -> Call {
        let permission = Permission { action: "s3:AbortMultipartUpload", resource: Resource::Object };
        Call::new("AbortMultipartUpload", Method::Delete, self.key.as_str(), permission)
            .query("uploadId", self.upload_id.as_str())
    }

    /// Reads a success, which says nothing.
    ///
    /// # Errors
    /// When a 2xx carries a page: then it was not S3 who answered, and nothing was aborted.
    pub fn parse(answer: &Answer<'_>) -> Result<(), ParseError> {
        if answer.body.iter().all(u8::is_ascii_whitespace) {
            Ok(())
        } else {
            Err(ParseError("an abort is answered with nothing, and here is something".to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{abi::Headers, s3::call::Repeat};

    fn parse(status: u16, body: &str) -> Result<(), ParseError> {
        AbortMultipartUpload::parse(&Answer { status, headers: &Headers::new(), body: body.as_bytes(), received: None })
    }

    /// `DELETE /example-object?uploadId=…`, and its answer: 204.
    #[test]
    fn aws_example() {
        let key = Key::parse("example-object").expect("a key");
        let id = UploadId::parse("VXBsb2FkIElEIGZvciBlbHZpbmcncyBteS1tb3ZpZS5tMnRzIHVwbG9hZ").expect("an id");
        let call = AbortMultipartUpload { key: &key, upload_id: &id }.call();
        assert_eq!((call.method, call.key.as_str(), call.repeat), (Method::Delete, "example-object", Repeat::Harmless));
        assert_eq!(call.query, [("uploadId", id.to_string())]);
        assert_eq!(parse(204, ""), Ok(()));
    }

    #[test]
    fn a_page_is_no_answer() {
        assert_eq!(parse(200, "\r\n"), Ok(()));
        assert!(parse(200, "<html>Please log in</html>").is_err());
    }
}
