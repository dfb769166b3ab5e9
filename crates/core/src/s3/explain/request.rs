//! The call behind a request, from its method and address.

use percent_encoding::percent_decode_str;

/// A request's address, as far as a text shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) bucket: Option<String>,
    /// Empty for the bucket itself.
    pub(super) key: String,
    pub(super) query: Vec<(String, String)>,
}

impl Address {
    /// Reads a URL: `https://BUCKET.s3.REGION.amazonaws.com/KEY?…`, `https://HOST/BUCKET/KEY?…`.
    pub(super) fn of_url(url: &str) -> Option<Self> {
        let (_, rest) = url.split_once("://")?;
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, target) = rest.split_at(at);
        let host = host.split(':').next().unwrap_or_default();
        let virtual_host = [".s3.", ".s3-", ".oss-"].iter().filter_map(|label| host.find(label)).min();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = path.strip_prefix('/').unwrap_or(path);
        let (bucket, key) = match virtual_host {
            Some(dot) => (Some(host.get(..dot)?), path),
            None => match path.split_once('/') {
                Some((bucket, key)) => (Some(bucket), key),
                None => (Some(path), ""),
            },
        };
        let bucket = bucket.filter(|bucket| !bucket.is_empty()).map(decode);
        Some(Self { bucket, key: decode(key), query: parameters(query) })
    }

    /// Reads the target of a request that an access log shows. The log knows the bucket better.
    pub(super) fn of_target(target: &str, bucket: Option<&str>) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = decode(path.strip_prefix('/').unwrap_or(path));
        let key = match bucket.and_then(|bucket| path.strip_prefix(bucket)) {
            Some("") => String::new(),
            Some(rest) if rest.starts_with('/') => rest.get(1..).unwrap_or_default().to_owned(),
            _ => path,
        };
        Self { bucket: bucket.map(str::to_owned), key, query: parameters(query) }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.query.iter().any(|(other, _)| other.eq_ignore_ascii_case(name))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// As AWS names the call.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html>
    pub(super) fn call(&self, method: &str) -> Option<&'static str> {
        let on_bucket = self.key.is_empty();
        let sub = |name: &str| self.has(name);
        Some(match (method, on_bucket) {
            ("HEAD", true) => "HeadBucket",
            ("HEAD", false) => "HeadObject",
            ("GET", true) if self.bucket.is_none() && self.query.is_empty() => "ListBuckets",
            ("GET", true) if sub("uploads") => "ListMultipartUploads",
            ("GET", true) if sub("versions") => "ListObjectVersions",
            ("GET", true) if sub("location") => "GetBucketLocation",
            ("GET", true) if sub("versioning") => "GetBucketVersioning",
            ("GET", true) if sub("lifecycle") => "GetBucketLifecycleConfiguration",
            ("GET", true) if sub("object-lock") => "GetObjectLockConfiguration",
            ("GET", true) if sub("publicAccessBlock") => "GetPublicAccessBlock",
            ("GET", true) if sub("encryption") => "GetBucketEncryption",
            ("GET", true) if sub("policy") => "GetBucketPolicy",
            ("GET", true) if sub("acl") => "GetBucketAcl",
            ("GET", true) if sub("tagging") => "GetBucketTagging",
            ("GET", true) => "ListObjectsV2",
            ("GET", false) if sub("uploadId") => "ListParts",
            ("GET", false) if sub("acl") => "GetObjectAcl",
            ("GET", false) if sub("tagging") => "GetObjectTagging",
            ("GET", false) => "GetObject",
            ("PUT", false) if sub("uploadId") => "UploadPart",
            ("PUT", false) if sub("acl") => "PutObjectAcl",
            ("PUT", false) if sub("tagging") => "PutObjectTagging",
            ("PUT", false) if sub("retention") => "PutObjectRetention",
            ("PUT", false) if sub("legal-hold") => "PutObjectLegalHold",
            ("PUT", false) => "PutObject",
            ("PUT", true) if sub("acl") => "PutBucketAcl",
            ("PUT", true) if sub("policy") => "PutBucketPolicy",
            ("PUT", true) if sub("lifecycle") => "PutBucketLifecycleConfiguration",
            ("PUT", true) if sub("versioning") => "PutBucketVersioning",
            ("PUT", true) if self.query.is_empty() => "CreateBucket",
            ("POST", true) if sub("delete") => "DeleteObjects",
            ("POST", false) if sub("uploads") => "CreateMultipartUpload",
            ("POST", false) if sub("uploadId") => "CompleteMultipartUpload",
            ("POST", false) if sub("restore") => "RestoreObject",
            ("DELETE", false) if sub("uploadId") => "AbortMultipartUpload",
            ("DELETE", false) => "DeleteObject",
            ("DELETE", true) if self.query.is_empty() => "DeleteBucket",
            _ => return None,
        })
    }
}

/// Percent-encoded text, leniently.
pub(super) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn parameters(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|piece| !piece.is_empty()).take(50);
    pairs
        .map(|piece| {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            (decode(name), decode(&value.replace('+', " ")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_either_style_are_read() {
        for url in [
            "https://backups.s3.eu-west-1.amazonaws.com/home/a%20b.zip?versionId=1",
            "https://s3.eu-west-1.amazonaws.com/backups/home/a%20b.zip?versionId=1",
            "http://minio:9000/backups/home/a%20b.zip?versionId=1",
        ] {
            let address = Address::of_url(url).expect("a URL");
            assert_eq!((address.bucket.as_deref(), address.key.as_str()), (Some("backups"), "home/a b.zip"), "{url}");
            assert!(address.has("versionid"));
        }
        let address = Address::of_url("https://backups.s3.amazonaws.com?list-type=2&prefix=a%2Fb+c").expect("a URL");
        assert_eq!((address.call("GET"), address.get("prefix")), (Some("ListObjectsV2"), Some("a/b c")));
    }

    #[test]
    fn the_log_knows_the_bucket() {
        let address = Address::of_target("/backups?uploads", Some("backups"));
        assert_eq!((address.key.as_str(), address.call("GET")), ("", Some("ListMultipartUploads")));
        let address = Address::of_target("/backups-of-old/x?uploadId=1", Some("backups"));
        assert_eq!((address.key.as_str(), address.call("DELETE")), ("backups-of-old/x", Some("AbortMultipartUpload")));
    }
}
