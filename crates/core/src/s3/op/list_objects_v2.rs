//! ListObjectsV2: what lies below a prefix.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>
//!
//! Names are asked for encoded: XML cannot hold every character that a key can. Who does not
//! encode says so by leaving `<EncodingType>` out.

use super::{ParseError, Spelling, document, is_truncated, number, required, unquote};
use crate::{
    abi::Method,
    event::Entry,
    s3::call::{Answer, Call, Permission, Resource},
};

/// What to list.
#[derive(Debug, Clone, Copy)]
pub struct ListObjectsV2<'a> {
    /// Only keys that begin so.
    pub prefix: &'a str,
    /// What comes after it, up to this and below, is one common prefix.
    pub delimiter: Option<&'a str>,
    /// From the page before.
    pub continuation_token: Option<&'a str>,
    /// Keys and common prefixes, at the most; S3 gives 1,000 anyhow.
    pub max_keys: u32,
}

/// A page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Objects, by key.
    pub entries: Vec<Entry>,
    /// What is not listed further.
    pub common_prefixes: Vec<String>,
    /// `continuation_token` of the next page; `None` on the last.
    pub next_token: Option<String>,
}

impl ListObjectsV2<'_> {
    /// The request.
    #[must_use]
    pub fn call(&self) -> Call {
        let permission = Permission { action: "s3:ListBucket", resource: Resource::Bucket };
        let mut call = Call::new("ListObjectsV2", Method::Get, "", permission)
            .query("list-type", "2")
            .query("encoding-type", "url")
            .query("max-keys", self.max_keys.to_string())
            .query("prefix", self.prefix);
        if let Some(delimiter) = self.delimiter {
            call = call.query("delimiter", delimiter);
        }
        if let Some(token) = self.continuation_token {
            call = call.query("continuation-token", token);
        }
        call
    }

    /// Reads a success.
    ///
    /// # Errors
    /// When it is not a `ListBucketResult`, or promises a next page without a token.
    pub fn parse(answer: &Answer<'_>) -> Result<Page, ParseError> {
        let result = document(answer, "ListBucketResult")?;
        let spelling = Spelling::of(&result);
        let entries = result
            .all("Contents")
            .map(|contents| {
                let text = |name| contents.text_of(name).unwrap_or_default();
                Ok(Entry {
                    key: spelling.read(required(contents, "Key")?)?,
                    len: number(contents, "Size")?,
                    etag: unquote(text("ETag")),
                    last_modified: text("LastModified").to_owned(),
                    storage_class: text("StorageClass").to_owned(),
                })
            })
            .collect::<Result<_, ParseError>>()?;
        let common_prefixes = result
            .all("CommonPrefixes")
            .flat_map(|prefixes| prefixes.all("Prefix"))
            .map(|prefix| spelling.read(&prefix.text))
            .collect::<Result<_, ParseError>>()?;
        let next_token =
            if is_truncated(&result)? { Some(required(&result, "NextContinuationToken")?.to_owned()) } else { None };
        Ok(Page { entries, common_prefixes, next_token })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Headers;

    fn parse(body: &str) -> Result<Page, ParseError> {
        ListObjectsV2::parse(&Answer { status: 200, headers: &Headers::new(), body: body.as_bytes(), received: None })
    }

    /// The first sample answer of the AWS page.
    #[test]
    fn aws_example() {
        let page = parse(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
    <Name>bucket</Name>
    <Prefix/>
    <KeyCount>205</KeyCount>
    <MaxKeys>1000</MaxKeys>
    <IsTruncated>false</IsTruncated>
    <Contents>
        <Key>my-image.jpg</Key>
        <LastModified>2009-10-12T17:50:30.000Z</LastModified>
        <ETag>"fba9dede5f27731c9771645a39863328"</ETag>
        <Size>434234</Size>
        <StorageClass>STANDARD</StorageClass>
    </Contents>
</ListBucketResult>"#,
        )
        .expect("reads");
        let entry = Entry {
            key: "my-image.jpg".to_owned(),
            len: 434_234,
            etag: "fba9dede5f27731c9771645a39863328".to_owned(),
            last_modified: "2009-10-12T17:50:30.000Z".to_owned(),
            storage_class: "STANDARD".to_owned(),
        };
        assert_eq!(page, Page { entries: vec![entry], common_prefixes: Vec::new(), next_token: None });
    }

    #[test]
    fn what_is_wished_is_in_the_query() {
        let first = ListObjectsV2 { prefix: "", delimiter: None, continuation_token: None, max_keys: 1 }.call();
        let names: Vec<&str> = first.query.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["list-type", "encoding-type", "max-keys", "prefix"]);
        let next =
            ListObjectsV2 { prefix: "p/", delimiter: Some("/"), continuation_token: Some("t+="), max_keys: 1_000 }
                .call();
        assert_eq!(
            next.query[2..5],
            [("max-keys", "1000".to_owned()), ("prefix", "p/".to_owned()), ("delimiter", "/".to_owned()),]
        );
        assert_eq!(next.query[5], ("continuation-token", "t+=".to_owned()));
    }

    /// As seen on AWS: a space is `+`, a plus is `%2B`, and prefixes are encoded too.
    #[test]
    fn encoded_names_are_decoded() {
        let page = parse(
            "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>\
             <NextContinuationToken>a+b==</NextContinuationToken>\
             <Contents><Key>a+b%2B100%25.csv</Key><Size>1</Size></Contents>\
             <CommonPrefixes><Prefix>run+books/</Prefix></CommonPrefixes>\
             <CommonPrefixes><Prefix>%ED%95%9C/</Prefix></CommonPrefixes></ListBucketResult>",
        )
        .expect("reads");
        assert_eq!(page.entries[0].key, "a b+100%.csv");
        assert_eq!(page.common_prefixes, ["run books/", "한/"]);
        assert_eq!(page.next_token.as_deref(), Some("a+b=="), "a token is opaque");
    }

    #[test]
    fn names_that_were_not_encoded_are_left_alone() {
        let page =
            parse("<ListBucketResult><Contents><Key> a+b%20c&amp;</Key><Size>1</Size></Contents></ListBucketResult>");
        assert_eq!(page.expect("reads").entries[0].key, " a+b%20c&");
    }

    #[test]
    fn a_page_with_a_hole_is_not_a_page() {
        for inner in [
            "<IsTruncated>true</IsTruncated>",
            "<Contents><Key>k</Key></Contents>",
            "<Contents><Size>1</Size></Contents>",
            "<Contents><Key>k</Key><Size>1e3</Size></Contents>",
        ] {
            assert!(parse(&format!("<ListBucketResult>{inner}</ListBucketResult>")).is_err(), "{inner}");
        }
    }
}
