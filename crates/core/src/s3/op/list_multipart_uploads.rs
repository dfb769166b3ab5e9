//! ListMultipartUploads: uploads that were begun and not ended.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html>
//!
//! Its permission takes no prefix condition, so many may not ask, and none has to: this only
//! finds again what a crash kept out of our own journal. MinIO takes `prefix` for a whole key.

use super::{ParseError, Spelling, document, is_truncated, required};
use crate::{
    abi::Method,
    name::UploadId,
    s3::call::{Answer, Call, Permission, Resource},
};

/// What to list.
#[derive(Debug, Clone, Copy)]
pub struct ListMultipartUploads<'a> {
    /// Only keys that begin so; mostly a whole key.
    pub prefix: &'a str,
    /// Only what comes after this.
    pub after: Option<&'a Marker>,
}

/// Where a page ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// The last key.
    pub key: String,
    /// The last upload of that key.
    pub upload_id: String,
}

/// A page of uploads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// By key, then by age.
    pub uploads: Vec<ListedUpload>,
    /// `after` of the next page; `None` on the last.
    pub next: Option<Marker>,
}

/// An upload under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUpload {
    /// For which key.
    pub key: String,
    /// Its id.
    pub upload_id: UploadId,
    /// ISO 8601, as the server gave it; empty when it does not say.
    pub initiated: String,
}

impl ListMultipartUploads<'_> {
    /// The request.
    #[must_use]
    pub fn call(&self) -> Call {
        let permission = Permission { action: "s3:ListBucketMultipartUploads", resource: Resource::Bucket };
        let call = Call::new("ListMultipartUploads", Method::Get, "", permission)
            .query("uploads", "")
            .query("encoding-type", "url")
            .query("prefix", self.prefix);
        match self.after {
            None => call,
            Some(Marker { key, upload_id }) => {
                call.query("key-marker", key.as_str()).query("upload-id-marker", upload_id.as_str())
            }
        }
    }

    /// Reads a success.
    ///
    /// # Errors
    /// When it is not a `ListMultipartUploadsResult`, or promises a next page without saying where.
    pub fn parse(answer: &Answer<'_>) -> Result<Page, ParseError> {
        let result = document(answer, "ListMultipartUploadsResult")?;
        let spelling = Spelling::of(&result);
        let uploads = result
            .all("Upload")
            .map(|upload| {
                let id = required(upload, "UploadId")?.trim();
                Ok(ListedUpload {
                    key: spelling.read(required(upload, "Key")?)?,
                    upload_id: UploadId::parse(id).map_err(|error| ParseError(error.to_string()))?,
                    initiated: upload.text_of("Initiated").unwrap_or_default().to_owned(),
                })
            })
            .collect::<Result<_, ParseError>>()?;
        let next = if is_truncated(&result)? {
            let key = spelling.read(required(&result, "NextKeyMarker")?)?;
            Some(Marker { key, upload_id: result.text_of("NextUploadIdMarker").unwrap_or_default().to_owned() })
        } else {
            None
        };
        Ok(Page { uploads, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Headers;

    fn parse(body: &str) -> Result<Page, ParseError> {
        let headers = Headers::new();
        ListMultipartUploads::parse(&Answer { status: 200, headers: &headers, body: body.as_bytes(), received: None })
    }

    /// `GET /?uploads&max-uploads=3` of the AWS page: its answer, two uploads long.
    #[test]
    fn aws_example() {
        let page = parse(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <Bucket>bucket</Bucket>
  <KeyMarker></KeyMarker>
  <UploadIdMarker></UploadIdMarker>
  <NextKeyMarker>my-movie.m2ts</NextKeyMarker>
  <NextUploadIdMarker>YW55IGlkZWEgd2h5IGVsdmluZydzIHVwbG9hZCBmYWlsZWQ</NextUploadIdMarker>
  <MaxUploads>3</MaxUploads>
  <IsTruncated>true</IsTruncated>
  <Upload>
    <Key>my-divisor</Key>
    <UploadId>XMgbGlrZSBlbHZpbmcncyBub3QgaGF2aW5nIG11Y2ggbHVjaw</UploadId>
    <Owner>
      <ID>75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a</ID>
      <DisplayName>OwnerDisplayName</DisplayName>
    </Owner>
    <StorageClass>STANDARD</StorageClass>
    <Initiated>2010-11-10T20:48:33.000Z</Initiated>
  </Upload>
  <Upload>
    <Key>my-movie.m2ts</Key>
    <UploadId>VXBsb2FkIElEIGZvciBlbHZpbmcncyBteS1tb3ZpZS5tMnRzIHVwbG9hZA</UploadId>
    <Initiated>2010-11-10T20:48:33.000Z</Initiated>
  </Upload>
</ListMultipartUploadsResult>"#,
        )
        .expect("reads");
        let upload = |key: &str, id: &str| ListedUpload {
            key: key.to_owned(),
            upload_id: UploadId::parse(id).expect("an id"),
            initiated: "2010-11-10T20:48:33.000Z".to_owned(),
        };
        let next = Marker {
            key: "my-movie.m2ts".to_owned(),
            upload_id: "YW55IGlkZWEgd2h5IGVsdmluZydzIHVwbG9hZCBmYWlsZWQ".to_owned(),
        };
        assert_eq!(
            page.uploads,
            [
                upload("my-divisor", "XMgbGlrZSBlbHZpbmcncyBub3QgaGF2aW5nIG11Y2ggbHVjaw"),
                upload("my-movie.m2ts", "VXBsb2FkIElEIGZvciBlbHZpbmcncyBteS1tb3ZpZS5tMnRzIHVwbG9hZA"),
            ]
        );
        assert_eq!(page.next.as_ref(), Some(&next));
        let call = ListMultipartUploads { prefix: "my-", after: Some(&next) }.call();
        assert_eq!((call.method, call.key.as_str()), (Method::Get, ""));
        assert_eq!(
            call.query,
            [
                ("uploads", String::new()),
                ("encoding-type", "url".to_owned()),
                ("prefix", "my-".to_owned()),
                ("key-marker", next.key),
                ("upload-id-marker", next.upload_id),
            ]
        );
    }

    #[test]
    fn encoded_keys_are_decoded() {
        let page = parse(
            "<ListMultipartUploadsResult><EncodingType>url</EncodingType><Upload><Key>a+b%2Bc</Key>\
             <UploadId>u</UploadId></Upload></ListMultipartUploadsResult>",
        );
        let page = page.expect("reads");
        assert_eq!((page.uploads[0].key.as_str(), page.next), ("a b+c", None));
    }

    #[test]
    fn a_page_with_a_hole_is_not_a_page() {
        for inner in ["<IsTruncated>true</IsTruncated>", "<Upload><Key>k</Key></Upload>"] {
            assert!(parse(&format!("<ListMultipartUploadsResult>{inner}</ListMultipartUploadsResult>")).is_err());
        }
    }
}
