//! ListParts: what has arrived of an upload.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html>

use super::{ParseError, document, element_digests, http_date, is_truncated, number, unquote};
use crate::{
    abi::{Method, Millis},
    digest::Digests,
    name::{Key, UploadId},
    s3::call::{Answer, Call, Permission, Resource},
};

/// What to list.
#[derive(Debug, Clone, Copy)]
pub struct ListParts<'a> {
    /// The object's key.
    pub key: &'a Key,
    /// Which upload.
    pub upload_id: &'a UploadId,
    /// Only parts after this number; 0 for the first page.
    pub after: u32,
}

/// A page of parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In ascending order.
    pub parts: Vec<ListedPart>,
    /// `after` of the next page; `None` on the last.
    pub next: Option<u32>,
    /// When a lifecycle rule aborts the upload.
    pub abort_at: Option<Millis>,
}

/// A part, as the server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPart {
    /// Its number, from 1.
    pub part: u32,
    /// Its length, in bytes.
    pub len: u64,
    /// Without quotes.
    pub etag: String,
    /// What the server keeps, where it says so.
    pub digests: Digests,
}

impl ListParts<'_> {
    /// The request.
    #[must_use]
    pub fn call(&self) -> Call {
        let permission = Permission { action: "s3:ListMultipartUploadParts", resource: Resource::Object };
        let call = Call::new("ListParts", Method::Get, self.key.as_str(), permission)
            .query("uploadId", self.upload_id.as_str());
        if self.after == 0 { call } else { call.query("part-number-marker", self.after.to_string()) }
    }

    /// Reads a success.
    ///
    /// # Errors
    /// When it is not a `ListPartsResult`, or promises a next page without saying where.
    pub fn parse(answer: &Answer<'_>) -> Result<Page, ParseError> {
        let result = document(answer, "ListPartsResult")?;
        let parts = result
            .all("Part")
            .map(|part| {
                Ok(ListedPart {
                    part: number(part, "PartNumber")?,
                    len: number(part, "Size")?,
                    // s3s-fs leaves it out.
                    etag: part.text_of("ETag").map(unquote).unwrap_or_default(),
                    digests: element_digests(part),
                })
            })
            .collect::<Result<_, ParseError>>()?;
        let next = if is_truncated(&result)? { Some(number(&result, "NextPartNumberMarker")?) } else { None };
        Ok(Page { parts, next, abort_at: answer.header("x-amz-abort-date").and_then(http_date) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Headers;

    fn parse(body: &str) -> Result<Page, ParseError> {
        ListParts::parse(&Answer { status: 200, headers: &Headers::new(), body: body.as_bytes(), received: None })
    }

    /// `GET /example-object?uploadId=…&part-number-marker=1`, and its answer.
    #[test]
    fn aws_example() {
        let key = Key::parse("example-object").expect("a key");
        let id = UploadId::parse("XXBsb2FkIElEIGZvciBlbHZpbmcncyVcdS1tb3ZpZS5tMnRzEEEwbG9hZA").expect("an id");
        let call = ListParts { key: &key, upload_id: &id, after: 1 }.call();
        assert_eq!(call.query, [("uploadId", id.to_string()), ("part-number-marker", "1".to_owned())]);
        assert_eq!(ListParts { key: &key, upload_id: &id, after: 0 }.call().query.len(), 1);
        let page = parse(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<ListPartsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <Bucket>example-bucket</Bucket>
  <Key>example-object</Key>
  <UploadId>XXBsb2FkIElEIGZvciBlbHZpbmcncyVcdS1tb3ZpZS5tMnRzEEEwbG9hZA</UploadId>
  <Initiator>
      <ID>arn:aws:iam::111122223333:user/some-user-11116a31-17b5-4fb7-9df5-b288870f11xx</ID>
      <DisplayName>umat-user-11116a31-17b5-4fb7-9df5-b288870f11xx</DisplayName>
  </Initiator>
  <Owner>
    <ID>75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a</ID>
    <DisplayName>someName</DisplayName>
  </Owner>
  <StorageClass>STANDARD</StorageClass>
  <PartNumberMarker>1</PartNumberMarker>
  <NextPartNumberMarker>3</NextPartNumberMarker>
  <MaxParts>2</MaxParts>
  <IsTruncated>true</IsTruncated>
  <Part>
    <PartNumber>2</PartNumber>
    <LastModified>2010-11-10T20:48:34.000Z</LastModified>
    <ETag>"7778aef83f66abc1fa1e8477f296d394"</ETag>
    <Size>10485760</Size>
  </Part>
  <Part>
    <PartNumber>3</PartNumber>
    <LastModified>2010-11-10T20:48:33.000Z</LastModified>
    <ETag>"aaaa18db4cc2f85cedef654fccc4a4x8"</ETag>
    <Size>10485760</Size>
  </Part>
</ListPartsResult>"#,
        )
        .expect("reads");
        let part =
            |part, etag: &str| ListedPart { part, len: 10_485_760, etag: etag.to_owned(), digests: Digests::default() };
        let parts = vec![part(2, "7778aef83f66abc1fa1e8477f296d394"), part(3, "aaaa18db4cc2f85cedef654fccc4a4x8")];
        assert_eq!(page, Page { parts, next: Some(3), abort_at: None });
    }

    #[test]
    fn the_servers_checksum_of_a_part_is_read() {
        let page = parse(
            "<ListPartsResult><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><Part><PartNumber>1</PartNumber>\
             <ETag>e</ETag><Size>0</Size><ChecksumCRC64NVME>rosUhgp5mIg=</ChecksumCRC64NVME></Part></ListPartsResult>",
        );
        let page = page.expect("reads");
        assert_eq!(page.next, None);
        assert_eq!(page.parts[0].digests.crc64nvme, Some(0xae8b_1486_0a79_9888_u64.to_be_bytes()));
    }

    /// Half a list taken for the whole would send every part again, or trust a part unseen.
    #[test]
    fn a_page_with_a_hole_is_not_a_page() {
        for inner in [
            "<IsTruncated>true</IsTruncated>",
            "<IsTruncated>perhaps</IsTruncated>",
            "<Part><PartNumber>1</PartNumber><ETag>e</ETag></Part>",
            "<Part><PartNumber>-1</PartNumber><ETag>e</ETag><Size>1</Size></Part>",
        ] {
            assert!(parse(&format!("<ListPartsResult>{inner}</ListPartsResult>")).is_err(), "{inner}");
        }
        assert!(parse("<ListBucketResult/>").is_err());
        assert!(parse("<ListPartsResult><Part>").is_err());
    }
}
