//! GetObject: an object, or a range of it, into a sink.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>
//!
//! The one operation whose 200 is never searched for an `<Error>`: an object may hold anything.

use std::ops::Range;

use super::{GET_OBJECT, ParseError, header_digests, required_etag, version_id};
use crate::{
    abi::{Method, Sink},
    digest::Digests,
    name::Key,
    s3::call::{Answer, Call},
};

/// What to get.
#[derive(Debug, Clone)]
pub struct GetObject<'a> {
    /// The object's key.
    pub key: &'a Key,
    /// Which of its bytes.
    pub bytes: Bytes,
    /// Only if its ETag is still this one.
    pub if_match: Option<&'a str>,
    /// Ask for its checksum too; S3 gives it only with all of its bytes.
    pub checksum_mode: bool,
    /// Where the bytes go.
    pub sink: Sink,
}

/// Which bytes of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bytes {
    /// These. Never none: S3 has no way to ask for nothing.
    Range(Range<u64>),
    /// The last ones, so many at the most. Of an object that is shorter, all.
    Last(u64),
}

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    /// Without quotes.
    pub etag: String,
    /// Where in the object the bytes begin: compare it, for a server may ignore the range.
    pub offset: u64,
    /// How many there are.
    pub len: u64,
    /// The object's length, where the server says it.
    pub total: Option<u64>,
    /// Where the bucket keeps versions.
    pub version_id: Option<String>,
    /// Of the whole object, where the server keeps them and was asked.
    pub digests: Digests,
}

/// The whole of an object, for a URL that somebody else will send.
#[must_use]
pub fn plain_get(key: &Key) -> Call {
    Call::new("GetObject", Method::Get, key.as_str(), GET_OBJECT)
}

impl GetObject<'_> {
    /// The request.
    #[must_use]
    pub fn call(&self) -> Call {
        let call = plain_get(self.key);
        let mut call = match self.bytes.clone() {
            Bytes::Range(Range { start, end }) => {
                debug_assert!(start < end, "an empty range cannot be asked for");
                call.header("range", format!("bytes={start}-{}", end.saturating_sub(1)))
            }
            Bytes::Last(len) => call.header("range", format!("bytes=-{len}")),
        };
        if let Some(etag) = self.if_match {
            call = call.header("if-match", format!("\"{etag}\""));
        }
        if self.checksum_mode {
            call = call.header("x-amz-checksum-mode", "ENABLED");
        }
        call.sink = self.sink.clone();
        call
    }

    /// Reads a success.
    ///
    /// # Errors
    /// When it has no ETag, or does not say which bytes it holds.
    pub fn parse(answer: &Answer<'_>) -> Result<Got, ParseError> {
        let (offset, len, total) = if answer.status == 206 {
            let range = answer.header("content-range").and_then(content_range);
            range.ok_or_else(|| ParseError("it does not say which range it holds".to_owned()))?
        } else {
            let announced = || answer.header("content-length").and_then(|text| text.trim().parse().ok());
            let len = answer.received.map(|received| received.len).or_else(announced);
            let len = len.unwrap_or(answer.body.len() as u64);
            (0, len, Some(len))
        };
        Ok(Got {
            etag: required_etag(answer)?,
            offset,
            len,
            total,
            version_id: version_id(answer),
            digests: header_digests(answer),
        })
    }
}

/// `bytes 0-9/443` as offset, length and total. <https://www.rfc-editor.org/rfc/rfc9110#section-14.4>
fn content_range(text: &str) -> Option<(u64, u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let len = last.checked_sub(first)?.checked_add(1)?;
    let total = match total.trim() {
        "*" => None,
        total => Some(total.parse().ok().filter(|total| last < *total)?),
    };
    Some((first, len, total))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        abi::{Headers, Received},
        s3::call::range_sink,
    };

    fn parse(status: u16, pairs: &[(&str, &str)]) -> Result<Got, ParseError> {
        let headers: Headers = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        GetObject::parse(&Answer { status, headers: &headers, body: b"", received: None })
    }

    /// `GET /example-object` with `Range: bytes=0-9`, and its answer.
    #[test]
    fn aws_example() {
        let key = Key::parse("example-object").expect("a key");
        let sink = range_sink(0, 10, &[]);
        let get =
            GetObject { key: &key, bytes: Bytes::Range(0..10), if_match: Some("e-2"), checksum_mode: false, sink };
        let call = get.call();
        assert_eq!((call.method, &call.sink), (Method::Get, &get.sink));
        assert_eq!(
            call.headers,
            [("range".to_owned(), "bytes=0-9".to_owned()), ("if-match".to_owned(), "\"e-2\"".to_owned())]
        );
        let got = parse(
            206,
            &[
                ("x-amz-request-id", "47622117804B3E11"),
                ("date", "Fri, 28 Jan 2011 21:32:09 GMT"),
                ("x-amz-meta-title", "the title"),
                ("last-modified", "Fri, 28 Jan 2011 20:10:32 GMT"),
                ("etag", "\"b2419b1e3fd45d596ee22bdf62aaaa2f\""),
                ("accept-ranges", "bytes"),
                ("content-range", "bytes 0-9/443"),
                ("content-type", "text/plain"),
                ("content-length", "10"),
            ],
        );
        assert_eq!(
            got,
            Ok(Got {
                etag: "b2419b1e3fd45d596ee22bdf62aaaa2f".to_owned(),
                offset: 0,
                len: 10,
                total: Some(443),
                version_id: None,
                digests: Digests::default(),
            })
        );
    }

    #[test]
    fn a_server_that_ignores_the_range_is_seen() {
        let got = parse(200, &[("etag", "e"), ("content-length", "443")]).expect("reads");
        assert_eq!((got.offset, got.len, got.total), (0, 443, Some(443)));
        let headers: Headers = vec![("etag".to_owned(), "e".to_owned())];
        let received = Received { len: 7, digests: Digests::default() };
        let answer = Answer { status: 200, headers: &headers, body: b"", received: Some(&received) };
        assert_eq!(GetObject::parse(&answer).map(|got| got.len), Ok(7));
    }

    #[test]
    fn a_range_that_cannot_be_is_refused() {
        for range in ["", "bytes 9-0/443", "bytes 0-443/443", "items 0-9/443", "bytes 0-/4", "bytes */443"] {
            assert!(parse(206, &[("etag", "e"), ("content-range", range)]).is_err(), "{range}");
        }
        let last = format!("bytes 0-{}/*", u64::MAX);
        assert!(parse(206, &[("etag", "e"), ("content-range", &last)]).is_err());
        assert_eq!(parse(206, &[("etag", "e"), ("content-range", "bytes 5-5/*")]).map(|got| got.total), Ok(None));
        assert!(parse(206, &[("content-range", "bytes 0-9/443")]).is_err());
    }
}
