//! An S3 client for setting a stage and looking at what a test left behind.
//!
//! It signs headers with `aws-sigv4` and sends paths as they are (no normalisation of `//` and
//! `..`), so that tests reach every key that S3 allows. Status codes are answers here, not errors.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ureq::http::{Method, Request};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::{ACCESS_KEY, REGION, SECRET};

use crate::xml::{element, elements};

/// What SigV4 leaves as it is, besides letters and digits.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
const QUERY: &AsciiSet = &SEGMENT.add(b'/');

/// A client of one endpoint with one key.
#[derive(Debug, Clone)]
pub struct S3 {
    endpoint: String,
    access_key: String,
    secret_key: String,
    token: Option<String>,
    region: String,
    agent: ureq::Agent,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Header names (lower case) and values.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The `<Code>` of an error body.
    pub fn code(&self) -> Option<String> {
        element(&self.text(), "Code")
    }

    /// This reply, when its status is 2xx.
    ///
    /// # Panics
    /// With the server's own words otherwise.
    #[track_caller]
    pub fn expect_ok(self, what: &str) -> Self {
        assert!((200..300).contains(&self.status), "{what}: {} {}", self.status, self.text());
        self
    }
}

/// One object of a listing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// The key.
    pub key: String,
    /// The size in bytes.
    pub size: u64,
    /// The ETag without its quotes.
    pub etag: String,
}

/// One part of an unfinished multipart upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The part number.
    pub number: u32,
    /// The size in bytes.
    pub size: u64,
    /// The ETag without its quotes.
    pub etag: String,
}

/// One unfinished multipart upload.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unfinished {
    /// The key it will have.
    pub key: String,
    /// The upload id.
    pub id: String,
}

impl S3 {
    /// A client with the test bed's own key.
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into().trim_end_matches('/').to_owned(),
            access_key: ACCESS_KEY.into(),
            secret_key: SECRET.into(),
            token: None,
            region: REGION.into(),
            agent: agent(None),
        }
    }

    /// The same client with another key.
    #[must_use]
    pub fn with_key(mut self, access_key: &str, secret_key: &str) -> Self {
        self.access_key = access_key.into();
        self.secret_key = secret_key.into();
        self
    }

    /// The same client with a session token.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.into());
        self
    }

    /// The same client for another region.
    #[must_use]
    pub fn with_region(mut self, region: &str) -> Self {
        self.region = region.into();
        self
    }

    /// The same client, trusting this authority only.
    #[must_use]
    pub fn trusting(mut self, authority_pem: &str) -> Self {
        self.agent = agent(Some(authority_pem));
        self
    }

    /// Sends one signed request; `path` is encoded here, once, and otherwise left alone.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        query: &[(&str, &str)],
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        self.send_for("s3", method, path, query, headers, body)
    }

    /// The same for another service of the endpoint, such as `sts`.
    pub fn send_for(
        &self,
        service: &str,
        method: &str,
        path: &str,
        query: &[(&str, &str)],
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let mut url = format!("{}{}", self.endpoint, utf8_percent_encode(path, SEGMENT));
        for (i, (name, value)) in query.iter().enumerate() {
            url.push(if i == 0 { '?' } else { '&' });
            url.extend(utf8_percent_encode(name, QUERY));
            url.push('=');
            url.extend(utf8_percent_encode(value, QUERY));
        }
        let signed = self.signature(service, method, &url, headers, body);
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).expect("a method")).uri(&url);
        for (name, value) in headers.iter().copied().chain(signed.iter().map(|(n, v)| (n.as_str(), v.as_str()))) {
            request = request.header(name, value);
        }
        let answer = if matches!(method, "GET" | "HEAD" | "DELETE") && body.is_empty() {
            self.agent.run(request.body(()).expect("a sound request"))
        } else {
            self.agent.run(request.body(body).expect("a sound request"))
        };
        let mut answer = answer.unwrap_or_else(|e| panic!("{method} {url}: {e}"));
        let headers = answer
            .headers()
            .iter()
            .map(|(n, v)| (n.as_str().to_owned(), String::from_utf8_lossy(v.as_bytes()).into_owned()))
            .collect();
        let status = answer.status().as_u16();
        let body = if method == "HEAD" {
            Vec::new()
        } else {
            let limit = answer.body_mut().with_config().limit(8 << 30);
            limit.read_to_vec().unwrap_or_else(|e| panic!("{method} {url}: body: {e}"))
        };
        Reply { status, headers, body }
    }

    fn signature(
        &self,
        service: &str,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Vec<(String, String)> {
        let credentials = Credentials::new(&self.access_key, &self.secret_key, self.token.clone(), None, "testbed");
        let identity = credentials.into();
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(service)
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .expect("all parameters are given")
            .into();
        let request = SignableRequest::new(method, url, headers.iter().copied(), SignableBody::Bytes(body))
            .expect("a sound request");
        let (instructions, _) = sign(request, &params).expect("it can be signed").into_parts();
        instructions.headers().map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
    }

    /// Makes a bucket.
    pub fn create_bucket(&self, bucket: &str) {
        self.send("PUT", &format!("/{bucket}"), &[], &[], b"").expect_ok("create bucket");
    }

    /// Makes a bucket with Object Lock (and with it versioning) on.
    pub fn create_locked_bucket(&self, bucket: &str) {
        let lock = [("x-amz-bucket-object-lock-enabled", "true")];
        self.send("PUT", &format!("/{bucket}"), &[], &lock, b"").expect_ok("create locked bucket");
    }

    /// Turns versioning on.
    pub fn enable_versioning(&self, bucket: &str) {
        let body = "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                    <Status>Enabled</Status></VersioningConfiguration>";
        self.send("PUT", &format!("/{bucket}"), &[("versioning", "")], &[], body.as_bytes()).expect_ok("versioning on");
    }

    /// Sets a default retention for every new object of a locked bucket.
    pub fn set_default_retention(&self, bucket: &str, mode: &str, days: u32) {
        let body = format!(
            "<ObjectLockConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>\
             <Mode>{mode}</Mode><Days>{days}</Days></DefaultRetention></Rule></ObjectLockConfiguration>"
        );
        let md5 = [("content-md5", &*content_md5(body.as_bytes()))];
        self.send("PUT", &format!("/{bucket}"), &[("object-lock", "")], &md5, body.as_bytes())
            .expect_ok("default retention");
    }

    /// Sets the bucket policy.
    pub fn set_bucket_policy(&self, bucket: &str, policy: &serde_json::Value) {
        let body = policy.to_string();
        self.send("PUT", &format!("/{bucket}"), &[("policy", "")], &[], body.as_bytes()).expect_ok("bucket policy");
    }

    /// Stores an object.
    pub fn put(&self, bucket: &str, key: &str, body: &[u8]) -> Reply {
        self.send("PUT", &object(bucket, key), &[], &[], body).expect_ok("put")
    }

    /// The bytes of an object.
    pub fn get(&self, bucket: &str, key: &str) -> Vec<u8> {
        self.send("GET", &object(bucket, key), &[], &[], b"").expect_ok("get").body
    }

    /// The answer to HEAD, whatever its status is.
    pub fn head(&self, bucket: &str, key: &str) -> Reply {
        self.send("HEAD", &object(bucket, key), &[], &[("x-amz-checksum-mode", "ENABLED")], b"")
    }

    /// Whether there is such an object.
    pub fn exists(&self, bucket: &str, key: &str) -> bool {
        self.head(bucket, key).status == 200
    }

    /// Deletes an object.
    pub fn delete(&self, bucket: &str, key: &str) {
        self.send("DELETE", &object(bucket, key), &[], &[], b"").expect_ok("delete");
    }

    /// Every object under a prefix.
    pub fn list(&self, bucket: &str, prefix: &str) -> Vec<Listed> {
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let mut query = vec![("list-type", "2"), ("prefix", prefix)];
            if let Some(token) = &token {
                query.push(("continuation-token", token));
            }
            let page = self.send("GET", &format!("/{bucket}"), &query, &[], b"").expect_ok("list").text();
            found.extend(elements(&page, "Contents").iter().map(|one| Listed {
                key: element(one, "Key").unwrap_or_default(),
                size: number(one, "Size"),
                etag: etag(one),
            }));
            token = element(&page, "NextContinuationToken");
            if token.is_none() {
                return found;
            }
        }
    }

    /// The unfinished multipart uploads whose key starts with `prefix`. MinIO answers only when
    /// that is the exact key.
    pub fn unfinished(&self, bucket: &str, prefix: &str) -> Vec<Unfinished> {
        let query = [("uploads", ""), ("prefix", prefix)];
        let page = self.send("GET", &format!("/{bucket}"), &query, &[], b"").expect_ok("list uploads").text();
        elements(&page, "Upload")
            .iter()
            .map(|one| Unfinished {
                key: element(one, "Key").unwrap_or_default(),
                id: element(one, "UploadId").unwrap_or_default(),
            })
            .collect()
    }

    /// The parts of an unfinished upload by number (s3s-fs lists them in any order, and without
    /// ETags); `None` when the server knows no such upload.
    pub fn parts(&self, bucket: &str, key: &str, id: &str) -> Option<Vec<Part>> {
        let mut found = Vec::new();
        let mut marker = String::from("0");
        loop {
            let query = [("uploadId", id), ("part-number-marker", &*marker)];
            let reply = self.send("GET", &object(bucket, key), &query, &[], b"");
            if reply.status == 404 {
                return None;
            }
            let page = reply.expect_ok("list parts").text();
            found.extend(elements(&page, "Part").iter().map(|one| Part {
                number: number(one, "PartNumber") as u32,
                size: number(one, "Size"),
                etag: etag(one),
            }));
            if element(&page, "IsTruncated").as_deref() != Some("true") {
                found.sort_by_key(|part| part.number);
                return Some(found);
            }
            marker = element(&page, "NextPartNumberMarker").unwrap_or_default();
        }
    }

    /// Starts a multipart upload and returns its id.
    pub fn create_upload(&self, bucket: &str, key: &str) -> String {
        let reply = self.send("POST", &object(bucket, key), &[("uploads", "")], &[], b"");
        element(&reply.expect_ok("create upload").text(), "UploadId").expect("an upload id")
    }

    /// Sends one part and returns its ETag, quotes included.
    pub fn upload_part(&self, bucket: &str, key: &str, id: &str, number: u32, body: &[u8]) -> String {
        let query = [("partNumber", &*number.to_string()), ("uploadId", id)];
        let reply = self.send("PUT", &object(bucket, key), &query, &[], body).expect_ok("upload part");
        reply.header("etag").expect("an ETag").to_owned()
    }

    /// Completes a multipart upload from part numbers and ETags.
    pub fn complete(&self, bucket: &str, key: &str, id: &str, parts: &[(u32, String)]) -> Reply {
        let mut body = String::from("<CompleteMultipartUpload>");
        for (number, etag) in parts {
            body += &format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>");
        }
        body += "</CompleteMultipartUpload>";
        self.send("POST", &object(bucket, key), &[("uploadId", id)], &[], body.as_bytes())
    }

    /// Aborts a multipart upload.
    pub fn abort(&self, bucket: &str, key: &str, id: &str) -> Reply {
        self.send("DELETE", &object(bucket, key), &[("uploadId", id)], &[], b"")
    }
}

/// The `Content-MD5` of a body.
pub fn content_md5(body: &[u8]) -> String {
    use base64::Engine as _;
    use md5::Digest as _;
    base64::engine::general_purpose::STANDARD.encode(md5::Md5::digest(body))
}

fn object(bucket: &str, key: &str) -> String {
    format!("/{bucket}/{key}")
}

fn number(xml: &str, name: &str) -> u64 {
    element(xml, name).and_then(|n| n.parse().ok()).unwrap_or_default()
}

fn etag(xml: &str) -> String {
    element(xml, "ETag").unwrap_or_default().trim_matches('"').to_owned()
}

fn agent(authority_pem: Option<&str>) -> ureq::Agent {
    let mut config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(300)));
    if let Some(pem) = authority_pem {
        let certificate = Certificate::from_pem(pem.as_bytes()).expect("a PEM certificate");
        let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[certificate])).build();
        config = config.tls_config(tls);
    }
    config.build().into()
}
