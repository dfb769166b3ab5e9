//! Which S3 operation a request is, from its method, path and query.

use crate::http1::RequestHead;

/// An S3 operation, named as AWS names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "AWS's names say it")]
pub enum Operation {
    ListBuckets,
    CreateBucket,
    HeadBucket,
    DeleteBucket,
    ListObjects,
    ListMultipartUploads,
    PutObject,
    CopyObject,
    GetObject,
    HeadObject,
    DeleteObject,
    DeleteObjects,
    CreateMultipartUpload,
    UploadPart(u32),
    UploadPartCopy(u32),
    ListParts,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    /// A subresource such as `?versioning`, or something that is not S3.
    Other,
}

impl Operation {
    /// Equal but for the part number.
    pub fn same_kind(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }

    fn of(method: &str, has_key: bool, is_root: bool, query: &[(String, String)], copies: bool) -> Self {
        let value = |name: &str| query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let has = |name| value(name).is_some();
        let part = || value("partNumber").and_then(|n| n.parse().ok()).unwrap_or(0);
        if is_root {
            return if method == "GET" { Self::ListBuckets } else { Self::Other };
        }
        let plain = ["versioning", "policy", "object-lock", "acl", "tagging", "retention", "location", "lifecycle"];
        if plain.iter().any(|name| has(name)) {
            return Self::Other;
        }
        match (method, has_key) {
            ("GET", true) if has("uploadId") => Self::ListParts,
            ("GET", true) => Self::GetObject,
            ("HEAD", true) => Self::HeadObject,
            ("PUT", true) if has("uploadId") && copies => Self::UploadPartCopy(part()),
            ("PUT", true) if has("uploadId") => Self::UploadPart(part()),
            ("PUT", true) if copies => Self::CopyObject,
            ("PUT", true) => Self::PutObject,
            ("POST", true) if has("uploads") => Self::CreateMultipartUpload,
            ("POST", true) if has("uploadId") => Self::CompleteMultipartUpload,
            ("DELETE", true) if has("uploadId") => Self::AbortMultipartUpload,
            ("DELETE", true) => Self::DeleteObject,
            ("GET", false) if has("uploads") => Self::ListMultipartUploads,
            ("GET", false) => Self::ListObjects,
            ("HEAD", false) => Self::HeadBucket,
            ("PUT", false) => Self::CreateBucket,
            ("DELETE", false) => Self::DeleteBucket,
            ("POST", false) if has("delete") => Self::DeleteObjects,
            _ => Self::Other,
        }
    }
}

/// A request as the rules see it: before its body is read.
#[derive(Debug, Clone)]
pub struct Seen {
    /// How many came before it.
    pub index: usize,
    /// What it asks for.
    pub operation: Operation,
    /// Method, target and headers as they came.
    pub head: RequestHead,
    /// The path, still encoded.
    pub path: String,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    /// The bucket, path-style or from the host name.
    pub bucket: String,
    /// The key, decoded; empty for a request to the bucket.
    pub key: String,
    /// `Content-Length`, where there is one.
    pub content_length: Option<u64>,
    /// The number of its connection, from 0.
    pub connection: usize,
    /// How many requests were being answered when it came, itself included.
    pub in_flight: usize,
}

impl Seen {
    pub(crate) fn new(head: RequestHead, index: usize, connection: usize, in_flight: usize) -> Self {
        let (path, query) = head.target.split_once('?').unwrap_or((&head.target, ""));
        let query: Vec<_> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (decode(name), decode(value)))
            .collect();
        let host = head.headers.get("host").unwrap_or_default();
        let rest = path.strip_prefix('/').unwrap_or(path);
        let (bucket, key) = match bucket_of_host(host) {
            Some(bucket) => (bucket.to_owned(), decode(rest)),
            None => {
                let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
                (decode(bucket), decode(key))
            }
        };
        let copies = head.headers.get("x-amz-copy-source").is_some();
        let operation = Operation::of(&head.method, !key.is_empty(), bucket.is_empty(), &query, copies);
        let content_length = head.headers.get("content-length").and_then(|n| n.parse().ok());
        let path = path.to_owned();
        Self { index, operation, head, path, query, bucket, key, content_length, connection, in_flight }
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)
    }

    /// The first query parameter of this name.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The region of the signature's credential scope.
    pub fn signed_region(&self) -> Option<&str> {
        self.header("authorization")?.split_once("Credential=")?.1.split('/').nth(2)
    }

    /// The part number, for the operations that have one.
    pub fn part(&self) -> Option<u32> {
        match self.operation {
            Operation::UploadPart(n) | Operation::UploadPartCopy(n) => Some(n),
            _ => None,
        }
    }
}

/// `bucket` of `bucket.localhost:9000`, `bucket.s3.example.com`; none of a bare name or an address.
fn bucket_of_host(host: &str) -> Option<&str> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if name.parse::<std::net::IpAddr>().is_ok() {
        return None;
    }
    name.split_once('.').map(|(bucket, _)| bucket)
}

fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::Headers;

    fn seen(method: &str, target: &str, headers: &[(&str, &str)]) -> Seen {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let head = RequestHead { method: method.into(), target: target.into(), headers: Headers(headers) };
        Seen::new(head, 0, 0, 1)
    }

    #[test]
    fn operations_by_method_path_and_query() {
        let table = [
            ("GET", "/", Operation::ListBuckets),
            ("PUT", "/b", Operation::CreateBucket),
            ("HEAD", "/b/", Operation::HeadBucket),
            ("GET", "/b?list-type=2&prefix=a%2F", Operation::ListObjects),
            ("GET", "/b/?uploads=&prefix=k", Operation::ListMultipartUploads),
            ("GET", "/b?versioning", Operation::Other),
            ("PUT", "/b/k", Operation::PutObject),
            ("POST", "/b/k?uploads", Operation::CreateMultipartUpload),
            ("PUT", "/b/k?partNumber=7&uploadId=u", Operation::UploadPart(7)),
            ("GET", "/b/k?uploadId=u", Operation::ListParts),
            ("POST", "/b/k?uploadId=u", Operation::CompleteMultipartUpload),
            ("DELETE", "/b/k?uploadId=u", Operation::AbortMultipartUpload),
            ("DELETE", "/b/k", Operation::DeleteObject),
            ("POST", "/b?delete", Operation::DeleteObjects),
        ];
        for (method, target, operation) in table {
            assert_eq!(seen(method, target, &[]).operation, operation, "{method} {target}");
        }
        let copy = [("x-amz-copy-source", "/b/old")];
        assert_eq!(seen("PUT", "/b/k?partNumber=2&uploadId=u", &copy).operation, Operation::UploadPartCopy(2));
    }

    #[test]
    fn bucket_and_key_from_path_or_host() {
        let path = seen("PUT", "/b/a//b%20c", &[("host", "127.0.0.1:9000")]);
        assert_eq!((path.bucket.as_str(), path.key.as_str()), ("b", "a//b c"));
        let host = seen("PUT", "/a/k", &[("host", "b.localhost:9000")]);
        assert_eq!((host.bucket.as_str(), host.key.as_str()), ("b", "a/k"));
    }

    #[test]
    fn the_region_of_the_signature() {
        let header = "AWS4-HMAC-SHA256 Credential=K/20261123/eu-west-1/s3/aws4_request, SignedHeaders=host";
        assert_eq!(seen("GET", "/b", &[("authorization", header)]).signed_region(), Some("eu-west-1"));
    }
}
