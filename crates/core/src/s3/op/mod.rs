//! The operations of S3, one a file: what is sent, and how the answer is read. They know bytes,
//! not order; `s3::conversation` sends them, and the jobs decide which comes when.
//!
//! Every `parse` takes a success, as [`super::failure::read`] has found it: 2xx, and no `<Error>`
//! inside. `x-amz-expected-bucket-owner` goes onto every request and is the conversation's.
//! Nothing here is chunked by S3's own encoding, has trailers, an ACL or `Expect`: each of them
//! fails on some provider.

pub mod abort_multipart_upload;
pub mod complete_multipart_upload;
pub mod create_multipart_upload;
pub mod delete_object;
pub mod get_bucket_versioning;
pub mod get_caller_identity;
pub mod get_object;
pub mod get_object_lock_configuration;
pub mod head_object;
pub mod list_buckets;
pub mod list_multipart_uploads;
pub mod list_object_versions;
pub mod list_objects_v2;
pub mod list_parts;
pub mod object_headers;
pub mod put_object;
pub mod upload_part;
pub mod upload_part_copy;

use std::time::UNIX_EPOCH;

use super::{
    call::{Answer, Call, Payload, Permission, Resource},
    xml::{self, Element},
};
use crate::{
    abi::Millis,
    digest::{DigestKind, Digests, from_base64, to_base64},
    endpoint::decode,
    plan::Part,
    provider::Rung,
};

/// Why a successful answer cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer is not understood: {0}")]
pub struct ParseError(pub String);

const PUT_OBJECT: Permission = Permission { action: "s3:PutObject", resource: Resource::Object };
pub(crate) const GET_OBJECT: Permission = Permission { action: "s3:GetObject", resource: Resource::Object };

/// A PUT or the end of an upload is thought about longer than a question, in milliseconds.
const STORING_MS: u64 = 60_000;

/// Reads an HTTP date.
#[must_use]
pub fn http_date(text: &str) -> Option<Millis> {
    let since = httpdate::parse_http_date(text.trim()).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Millis(u64::try_from(since.as_millis()).ok()?))
}

/// The root of the answer's XML, which must have this name.
fn document(answer: &Answer<'_>, root: &str) -> Result<Element, ParseError> {
    let text = std::str::from_utf8(answer.body).map_err(|_| ParseError("it is not UTF-8".to_owned()))?;
    let element = xml::parse(text).map_err(|error| ParseError(error.to_string()))?;
    if element.name == root {
        Ok(element)
    } else {
        Err(ParseError(format!("it is a <{}>, not a <{root}>", element.name)))
    }
}

/// The text of a child that must be there.
fn required<'a>(element: &'a Element, name: &str) -> Result<&'a str, ParseError> {
    element.text_of(name).ok_or_else(|| ParseError(format!("its <{}> has no <{name}>", element.name)))
}

fn number<T: std::str::FromStr>(element: &Element, name: &str) -> Result<T, ParseError> {
    let text = required(element, name)?;
    text.trim().parse().map_err(|_| ParseError(format!("its <{name}> is not a number")))
}

/// Whether a page says that another follows.
fn is_truncated(page: &Element) -> Result<bool, ParseError> {
    match page.text_of("IsTruncated").map(str::trim) {
        Some("true") => Ok(true),
        Some("false") | None => Ok(false),
        Some(_) => Err(ParseError("its <IsTruncated> is neither true nor false".to_owned())),
    }
}

/// An ETag without its quotes.
fn unquote(etag: &str) -> String {
    etag.trim().trim_matches('"').to_owned()
}

/// The ETag that every stored thing has: without one, who answered was not S3.
fn required_etag(answer: &Answer<'_>) -> Result<String, ParseError> {
    match answer.header("etag").map(unquote) {
        Some(etag) if !etag.is_empty() => Ok(etag),
        _ => Err(ParseError("it has no ETag".to_owned())),
    }
}

fn version_id(answer: &Answer<'_>) -> Option<String> {
    // `null` is how an unversioned object is called in a bucket that was versioned once.
    answer.header("x-amz-version-id").filter(|id| !id.is_empty() && *id != "null").map(str::to_owned)
}

/// The digests of the whole that an answer's headers give. A composite checksum, of parts'
/// checksums, is none: `…==-3`, or declared as such.
fn header_digests(answer: &Answer<'_>) -> Digests {
    if answer.header("x-amz-checksum-type").is_some_and(|kind| kind.eq_ignore_ascii_case("COMPOSITE")) {
        return Digests::default();
    }
    Digests {
        crc64nvme: answer.header("x-amz-checksum-crc64nvme").and_then(from_base64),
        crc32: answer.header("x-amz-checksum-crc32").and_then(from_base64),
        md5: None,
        sha256: answer.header("x-amz-checksum-sha256").and_then(from_base64),
    }
}

/// The same, of an element.
fn element_digests(element: &Element) -> Digests {
    Digests {
        crc64nvme: element.text_of("ChecksumCRC64NVME").and_then(from_base64),
        crc32: element.text_of("ChecksumCRC32").and_then(from_base64),
        md5: None,
        sha256: element.text_of("ChecksumSHA256").and_then(from_base64),
    }
}

/// The header that proves a body on its rung; none at the bottom, or without its digest.
fn checksum_header(rung: Rung, digests: &Digests) -> Option<(&'static str, String)> {
    if rung == Rung::Etag {
        return None;
    }
    match rung.digest() {
        DigestKind::Crc64nvme => digests.crc64nvme.map(|crc| ("x-amz-checksum-crc64nvme", to_base64(&crc))),
        DigestKind::Crc32 => digests.crc32.map(|crc| ("x-amz-checksum-crc32", to_base64(&crc))),
        DigestKind::Md5 => digests.md5.map(|md5| ("content-md5", to_base64(&md5))),
        DigestKind::Sha256 => None,
    }
}

/// A call with a part of the source as its body.
fn with_part(mut call: Call, part: Part, rung: Rung, digests: &Digests) -> Call {
    if let Some((name, value)) = checksum_header(rung, digests) {
        call = call.header(name, value);
    }
    let Part { part, offset, len } = part;
    if len > 0 {
        call.payload = Payload::Part { part, offset, len, sha256: digests.sha256 };
    }
    call.answer_within_ms = STORING_MS;
    call
}

/// How the names in a listing are spelled. S3 encodes them when asked to, a space as `+`;
/// some providers ignore the wish, and then say nothing of an encoding.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html#API_ListObjectsV2_ResponseSyntax>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Plain,
    Url,
}

impl Spelling {
    fn of(page: &Element) -> Self {
        match page.text_of("EncodingType") {
            Some(kind) if kind.trim().eq_ignore_ascii_case("url") => Self::Url,
            _ => Self::Plain,
        }
    }

    fn read(self, name: &str) -> Result<String, ParseError> {
        match self {
            Self::Plain => Ok(name.to_owned()),
            Self::Url => {
                decode(&name.replace('+', " ")).ok_or_else(|| ParseError("one of its names is not UTF-8".to_owned()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::abi::Headers;

    #[test]
    fn an_etag_loses_its_quotes_only() {
        for (written, etag) in [("\"a-1\"", "a-1"), ("a-1", "a-1"), (" \"a\" ", "a"), ("\"\"", "")] {
            assert_eq!(unquote(written), etag);
        }
    }

    #[test]
    fn a_name_is_decoded_only_where_it_was_encoded() {
        let page = |kind: &str| xml::parse(&format!("<P>{kind}</P>")).expect("XML");
        let url = Spelling::of(&page("<EncodingType>url</EncodingType>"));
        assert_eq!(url.read("run+books/a%2Bb%20%ED%95%9C.txt").as_deref(), Ok("run books/a+b 한.txt"));
        assert!(url.read("%FF").is_err());
        let plain = Spelling::of(&page(""));
        assert_eq!(plain.read("a+b%20c").as_deref(), Ok("a+b%20c"));
    }

    #[test]
    fn a_composite_checksum_is_not_taken_for_that_of_the_whole() {
        let digests = |pairs: &[(&str, &str)]| {
            let headers: Headers = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            header_digests(&Answer { status: 200, headers: &headers, body: b"", received: None })
        };
        assert_eq!(digests(&[("x-amz-checksum-crc32", "DUoRhQ==-3")]), Digests::default());
        let composite = [("x-amz-checksum-crc32", "DUoRhQ=="), ("x-amz-checksum-type", "COMPOSITE")];
        assert_eq!(digests(&composite), Digests::default());
        let whole = [("x-amz-checksum-crc64nvme", "rosUhgp5mIg="), ("x-amz-checksum-type", "FULL_OBJECT")];
        assert_eq!(digests(&whole).crc64nvme, Some(0xae8b_1486_0a79_9888_u64.to_be_bytes()));
    }

    proptest! {
        /// What a stranger answers never brings a parser down.
        #[test]
        fn no_parser_panics(
            body in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..200),
                "<(ListPartsResult|ListBucketResult|Error|CompleteMultipartUploadResult)>(<[A-Za-z]{1,8}>[^<]{0,9}</x>){0,3}"
                    .prop_map(String::into_bytes),
            ],
            headers in proptest::collection::vec(
                ("(etag|date|content-length|content-range|x-amz-abort-date|x-amz-meta-a|x-amz-checksum-crc32)", ".{0,30}"),
                0..6,
            ),
            status in 100_u16..600,
        ) {
            let answer = Answer { status, headers: &headers, body: &body, received: None };
            let _ = abort_multipart_upload::AbortMultipartUpload::parse(&answer);
            let _ = complete_multipart_upload::CompleteMultipartUpload::parse(&answer);
            let _ = create_multipart_upload::CreateMultipartUpload::parse(&answer);
            let _ = get_object::GetObject::parse(&answer);
            let _ = head_object::HeadObject::parse(&answer);
            let _ = list_multipart_uploads::ListMultipartUploads::parse(&answer);
            let _ = list_objects_v2::ListObjectsV2::parse(&answer);
            let _ = list_parts::ListParts::parse(&answer);
            let _ = put_object::PutObject::parse(&answer);
            let _ = upload_part::UploadPart::parse(&answer);
            let _ = upload_part_copy::UploadPartCopy::parse(&answer);
            let _ = super::super::failure::read("ListParts", &answer);
        }
    }
}
