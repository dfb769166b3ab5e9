//! An S3 in memory that does what it is told, including wrong things.

use std::collections::BTreeMap;

use crc_fast::CrcAlgorithm;
use holdfast_core::{
    abi::{BodySource, Headers, Input, Method, Millis, Received, Request, Sent, Sink, TransportCause},
    digest::{DigestKind, Digests, from_base64, to_base64},
    endpoint::decode,
};
use md5::{Digest, Md5};

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 503 SlowDown; nothing was done.
    SlowDown,
    /// 500 InternalError; nothing was done.
    InternalError,
    /// 500 InternalError, and yet it was done.
    InternalErrorDone,
    /// 400 RequestTimeout; nothing was done.
    RequestTimeout,
    /// No connection.
    Unreachable,
    /// The connection broke before the server had it all.
    Broken,
    /// It was done, and the answer was lost.
    LostAnswer,
    /// 200 with an error inside; nothing was done.
    ErrorIn200,
    /// The body is damaged on its way.
    Damaged,
    /// The multipart upload is gone.
    UploadGone,
    /// 400 ExpiredToken.
    ExpiredToken,
    /// 403 RequestTimeTooSkewed, with the server's date.
    Skewed,
    /// 301 with another region.
    Redirect,
    /// 400 AuthorizationHeaderMalformed with the region in it.
    WrongRegion,
    /// 403 AccessDenied.
    Denied,
    /// 409 ConditionalRequestConflict.
    Conflict,
    /// A permanent refusal.
    Quota,
    /// The object that is asked for has just been replaced.
    Replaced,
}

impl Fault {
    pub(crate) const ALL: [Self; 17] = [
        Self::SlowDown,
        Self::InternalError,
        Self::InternalErrorDone,
        Self::RequestTimeout,
        Self::Unreachable,
        Self::Broken,
        Self::LostAnswer,
        Self::ErrorIn200,
        Self::Damaged,
        Self::UploadGone,
        Self::ExpiredToken,
        Self::Skewed,
        Self::Redirect,
        Self::WrongRegion,
        Self::Denied,
        Self::Conflict,
        Self::Quota,
    ];

    /// Whether it can happen to a read.
    pub(crate) fn is_of_reading(self) -> bool {
        !matches!(self, Self::ErrorIn200 | Self::UploadGone | Self::Conflict | Self::Damaged)
    }

    /// Whether one of it must not keep a job from its end.
    pub(crate) fn must_be_survived(self) -> bool {
        !matches!(self, Self::Denied | Self::Quota)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) bytes: Vec<u8>,
    pub(crate) etag: String,
    pub(crate) headers: Headers,
    /// Of a multipart upload that declared it, or of a PUT that had it.
    pub(crate) crc64: Option<[u8; 8]>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Upload {
    pub(crate) headers: Headers,
    pub(crate) parts: BTreeMap<u32, (Vec<u8>, String)>,
}

/// What a server does about UploadPartCopy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Copies {
    /// As versitygw: the answer has the part's checksum.
    #[default]
    WithChecksum,
    /// The answer has none.
    WithoutChecksum,
    /// As MinIO: refused in an upload that was declared with a checksum.
    NotWithChecksum,
    /// 501.
    No,
    /// As one that has never heard of it: a part without a body.
    Unheard,
}

/// What this server can and may.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) objects: BTreeMap<String, Object>,
    pub(crate) uploads: BTreeMap<String, Upload>,
    pub(crate) calls: Vec<String>,
    pub(crate) faults: BTreeMap<usize, Fault>,
    /// Operations that are denied, always.
    pub(crate) denied: Vec<&'static str>,
    /// Prefixes that may not be listed, to the letter.
    pub(crate) denied_prefixes: Vec<String>,
    /// When objects were written; 2 o'clock this morning when it is not said.
    pub(crate) dates: BTreeMap<String, String>,
    /// Entries on a page of a listing: few, so that several pages are needed.
    pub(crate) page_len: usize,
    /// Refuse `x-amz-checksum-*`, as Backblaze did.
    pub(crate) no_checksums: bool,
    /// 501 on `If-None-Match`.
    pub(crate) no_conditions: bool,
    pub(crate) copies: Copies,
    /// Keys that may not be read.
    pub(crate) unreadable: Vec<String>,
    /// All parts but the last must be as long as the first.
    pub(crate) equal_parts: bool,
    /// Bytes of parts and objects that arrived.
    pub(crate) bytes_received: usize,
    /// Complete answers NoSuchUpload when it is repeated, as MinIO does; else it repeats itself.
    pub(crate) forgets_completed: bool,
    pub(crate) region: String,
    /// Its clock, ahead of ours.
    pub(crate) clock_ahead_ms: u64,
    pub(crate) abort_date: Option<String>,
    next_upload: u32,
    completed: BTreeMap<String, String>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            uploads: BTreeMap::new(),
            calls: Vec::new(),
            faults: BTreeMap::new(),
            denied: Vec::new(),
            denied_prefixes: Vec::new(),
            dates: BTreeMap::new(),
            page_len: 2,
            no_checksums: false,
            no_conditions: false,
            copies: Copies::default(),
            unreadable: Vec::new(),
            equal_parts: false,
            bytes_received: 0,
            forgets_completed: true,
            region: "us-east-1".into(),
            clock_ahead_ms: 0,
            abort_date: None,
            next_upload: 1,
            completed: BTreeMap::new(),
        }
    }
}

pub(crate) struct Reply {
    pub(crate) input: Input,
    pub(crate) body: Vec<u8>,
    /// What a sink was filled with.
    pub(crate) sunk: Option<(u64, Vec<u8>)>,
}

struct Asked<'a> {
    operation: &'static str,
    key: String,
    query: BTreeMap<String, String>,
    headers: &'a Headers,
    body: Vec<u8>,
}

struct Said {
    status: u16,
    headers: Headers,
    body: Vec<u8>,
}

fn said(status: u16, body: impl Into<Vec<u8>>) -> Said {
    Said { status, headers: Vec::new(), body: body.into() }
}

fn error(status: u16, code: &str) -> Said {
    error_with(status, code, "")
}

fn error_with(status: u16, code: &str, more: &str) -> Said {
    said(
        status,
        format!(
            "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>made up</Message>{more}<RequestId>R1</RequestId></Error>"
        ),
    )
}

impl Server {
    /// Answers a request. `source` is what parts are read from.
    pub(crate) fn answer(&mut self, request: &Request, inline: &[u8], source: &[u8], now: Millis) -> Reply {
        let url = request.url.split_once("://").unwrap().1;
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let path = path.split_once('/').unwrap().1;
        let (_, key) = path.split_once('/').unwrap_or((path, ""));
        let query: BTreeMap<String, String> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (decode(name).unwrap(), decode(value).unwrap()))
            .collect();
        let body = match request.body {
            BodySource::Empty => Vec::new(),
            BodySource::Inline { .. } => inline.to_vec(),
            BodySource::Part { offset, len, .. } => source[offset as usize..(offset + len) as usize].to_vec(),
        };
        let operation = operation(request.method, key, &query, &request.headers);
        self.bytes_received += if operation == "CompleteMultipartUpload" { 0 } else { body.len() };
        let index = self.calls.len();
        self.calls.push(operation.to_owned());
        let fault = self.faults.remove(&index);
        let mut asked = Asked { operation, key: decode(key).unwrap(), query, headers: &request.headers, body };
        let id = request.id;
        let failed = |sent, cause| Reply {
            input: Input::Failed { now, id, sent, cause, message: "made up".into() },
            body: Vec::new(),
            sunk: None,
        };
        let mut answer = match fault {
            Some(Fault::Unreachable) => return failed(Sent::No, TransportCause::Connect),
            Some(Fault::Broken) => return failed(Sent::Maybe, TransportCause::Broken),
            Some(Fault::LostAnswer) => {
                self.act(&asked, now);
                return failed(Sent::Maybe, TransportCause::Stalled);
            }
            Some(Fault::InternalErrorDone) => {
                self.act(&asked, now);
                error(500, "InternalError")
            }
            Some(Fault::SlowDown) => error(503, "SlowDown"),
            Some(Fault::InternalError) => error(500, "InternalError"),
            Some(Fault::RequestTimeout) => error(400, "RequestTimeout"),
            Some(Fault::ErrorIn200) if request.method != Method::Get && request.method != Method::Head => {
                let mut said = error(200, "InternalError");
                said.status = 200;
                said
            }
            Some(Fault::Damaged) => {
                if let Some(byte) = asked.body.first_mut() {
                    *byte ^= 1;
                }
                self.act(&asked, now)
            }
            Some(Fault::UploadGone) => {
                if let Some(id) = asked.query.get("uploadId") {
                    self.uploads.remove(id);
                }
                self.act(&asked, now)
            }
            Some(Fault::ExpiredToken) => error(400, "ExpiredToken"),
            Some(Fault::Skewed) => error(403, "RequestTimeTooSkewed"),
            Some(Fault::Redirect) => {
                self.region = "eu-west-1".into();
                let mut said = error(301, "PermanentRedirect");
                said.headers.push(("x-amz-bucket-region".into(), self.region.clone()));
                said
            }
            Some(Fault::WrongRegion) => {
                self.region = "eu-west-1".into();
                error_with(400, "AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>")
            }
            Some(Fault::Denied) => error(403, "AccessDenied"),
            Some(Fault::Conflict) => error(409, "ConditionalRequestConflict"),
            Some(Fault::Quota) => error(403, "QuotaExceeded"),
            Some(Fault::Replaced) => {
                for object in self.objects.values_mut() {
                    object.etag = "another".into();
                }
                self.act(&asked, now)
            }
            Some(Fault::ErrorIn200) | None => self.act(&asked, now),
        };
        let date = std::time::UNIX_EPOCH + std::time::Duration::from_millis(now.0 + self.clock_ahead_ms);
        answer.headers.push(("date".into(), httpdate_of(date)));
        answer.headers.push(("x-amz-request-id".into(), format!("R{index}")));
        let mut sunk = None;
        let mut received = None;
        if let (Sink::Range { offset, digests, .. }, 200..300) = (&request.sink, answer.status) {
            let bytes = std::mem::take(&mut answer.body);
            received = Some(Received { len: bytes.len() as u64, digests: only(&bytes, digests) });
            sunk = Some((*offset, bytes));
        }
        if request.method == Method::Head {
            answer.body.clear();
        }
        Reply {
            input: Input::Response { now, id, status: answer.status, headers: answer.headers, received },
            body: answer.body,
            sunk,
        }
    }

    fn act(&mut self, asked: &Asked<'_>, now: Millis) -> Said {
        let operation = asked.operation;
        let header = |name: &str| asked.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let scope = format!("/{}/s3/aws4_request", self.region);
        if let Some(authorization) = header("authorization") {
            if !authorization.contains(&scope) {
                return error_with(400, "AuthorizationHeaderMalformed", &format!("<Region>{}</Region>", self.region));
            }
            let date = header("x-amz-date").unwrap();
            if signed_at_s(date).abs_diff((now.0 + self.clock_ahead_ms) / 1000) > 900 {
                return error(403, "RequestTimeTooSkewed");
            }
        }
        if self.denied.contains(&operation) {
            return error(403, "AccessDenied");
        }
        if self.no_checksums
            && asked.headers.iter().any(|(name, _)| name.starts_with("x-amz-checksum") || name.starts_with("x-amz-sdk"))
        {
            return error_with(400, "InvalidArgument", "<ArgumentName>x-amz-checksum</ArgumentName>");
        }
        if self.no_conditions && header("if-none-match").is_some() {
            return error(501, "NotImplemented");
        }
        let sum = digests(&asked.body);
        let agrees = |name: &str, ours: &[u8]| header(name).is_none_or(|theirs| to_base64(ours) == theirs);
        if matches!(operation, "PutObject" | "UploadPart") {
            if !agrees("x-amz-checksum-crc64nvme", &sum.crc64nvme.unwrap())
                || !agrees("x-amz-checksum-crc32", &sum.crc32.unwrap())
                || !agrees("content-md5", &sum.md5.unwrap())
            {
                return error(400, "BadDigest");
            }
            let signed = header("x-amz-content-sha256").unwrap_or("UNSIGNED-PAYLOAD");
            if signed != "UNSIGNED-PAYLOAD" && signed != hex::encode(sum.sha256.unwrap()) {
                return error(400, "XAmzContentSHA256Mismatch");
            }
        }
        let guarded = header("if-none-match") == Some("*");
        let upload_id = asked.query.get("uploadId").cloned().unwrap_or_default();
        match operation {
            "PutObject" => {
                if guarded && self.objects.contains_key(&asked.key) {
                    return error(412, "PreconditionFailed");
                }
                let etag = hex::encode(sum.md5.unwrap());
                let object = Object {
                    bytes: asked.body.clone(),
                    etag: etag.clone(),
                    headers: metadata(asked.headers),
                    crc64: header("x-amz-checksum-crc64nvme").and(sum.crc64nvme),
                };
                self.objects.insert(asked.key.clone(), object);
                with_etag(&etag)
            }
            "CreateMultipartUpload" => {
                let id = format!("upload {}+/=", self.next_upload);
                self.next_upload += 1;
                let upload = Upload { headers: asked.headers.clone(), parts: BTreeMap::new() };
                self.uploads.insert(id.clone(), upload);
                let mut said = said(
                    200,
                    format!(
                        "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                    ),
                );
                if let Some(date) = &self.abort_date {
                    said.headers.push(("x-amz-abort-date".into(), date.clone()));
                }
                said
            }
            "UploadPart" => {
                let number: u32 = asked.query["partNumber"].parse().unwrap();
                let Some(upload) = self.uploads.get_mut(&upload_id) else { return error(404, "NoSuchUpload") };
                let etag = hex::encode(sum.md5.unwrap());
                upload.parts.insert(number, (asked.body.clone(), etag.clone()));
                with_etag(&etag)
            }
            "UploadPartCopy" => self.copy(asked, &upload_id),
            "CompleteMultipartUpload" => self.complete(asked, &upload_id, guarded),
            "AbortMultipartUpload" => match self.uploads.remove(&upload_id) {
                Some(_) => said(204, ""),
                None => error(404, "NoSuchUpload"),
            },
            "ListParts" => {
                let Some(upload) = self.uploads.get(&upload_id) else { return error(404, "NoSuchUpload") };
                let after: u32 = asked.query.get("part-number-marker").map_or(0, |n| n.parse().unwrap());
                // Small pages, so that several are needed.
                let page: Vec<_> = upload.parts.range(after + 1..).take(3).collect();
                let more = page.last().is_some_and(|(last, _)| upload.parts.range(*last + 1..).next().is_some());
                let mut xml = format!("<ListPartsResult><IsTruncated>{more}</IsTruncated>");
                if let (true, Some((last, _))) = (more, page.last()) {
                    xml += &format!("<NextPartNumberMarker>{last}</NextPartNumberMarker>");
                }
                for (number, (bytes, etag)) in page {
                    xml += &format!(
                        "<Part><PartNumber>{number}</PartNumber><ETag>&quot;{etag}&quot;</ETag><Size>{}</Size></Part>",
                        bytes.len()
                    );
                }
                said(200, xml + "</ListPartsResult>")
            }
            "HeadObject" | "GetObject" => {
                let Some(object) = self.objects.get(&asked.key) else { return error(404, "NoSuchKey") };
                if header("if-match").is_some_and(|etag| etag.trim_matches('"') != object.etag) {
                    return error(412, "PreconditionFailed");
                }
                let mut said = with_etag(&object.etag);
                said.headers.extend(object.headers.clone());
                if let (Some(crc), Some("ENABLED")) = (object.crc64, header("x-amz-checksum-mode")) {
                    said.headers.push(("x-amz-checksum-crc64nvme".into(), to_base64(&crc)));
                    said.headers.push(("x-amz-checksum-type".into(), "FULL_OBJECT".into()));
                }
                said.body = object.bytes.clone();
                if let Some(range) = header("range") {
                    let (from, to) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
                    let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
                    said.status = 206;
                    said.headers.push(("content-range".into(), format!("bytes {from}-{to}/{}", object.bytes.len())));
                    said.body = object.bytes[from..=to].to_vec();
                }
                said.headers.push(("content-length".into(), said.body.len().to_string()));
                said
            }
            "ListObjectsV2" => self.list(asked),
            other => panic!("the simulated server does not know {other}"),
        }
    }

    fn copy(&mut self, asked: &Asked<'_>, upload_id: &str) -> Said {
        let header = |name: &str| asked.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let number: u32 = asked.query["partNumber"].parse().unwrap();
        let Some(upload) = self.uploads.get_mut(upload_id) else { return error(404, "NoSuchUpload") };
        let declared = upload.headers.iter().any(|(name, _)| name == "x-amz-checksum-algorithm");
        match self.copies {
            Copies::No => return error(501, "NotImplemented"),
            Copies::NotWithChecksum if declared => {
                return error_with(
                    400,
                    "InvalidArgument",
                    "<ArgumentName>checksum missing, want CRC64NVME</ArgumentName>",
                );
            }
            Copies::Unheard => {
                let etag = hex::encode(Md5::digest(b""));
                upload.parts.insert(number, (Vec::new(), etag.clone()));
                return with_etag(&etag);
            }
            _ => {}
        }
        let source = decode(header("x-amz-copy-source").unwrap()).unwrap();
        let key = source.strip_prefix("backups/").unwrap();
        if self.unreadable.iter().any(|unreadable| unreadable == key) {
            return error(403, "AccessDenied");
        }
        let Some(object) = self.objects.get(key) else { return error(404, "NoSuchKey") };
        if header("x-amz-copy-source-if-match").is_some_and(|etag| etag.trim_matches('"') != object.etag) {
            return error(412, "PreconditionFailed");
        }
        let range = header("x-amz-copy-source-range").unwrap().strip_prefix("bytes=").unwrap();
        let (from, to) = range.split_once('-').unwrap();
        let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
        let Some(bytes) = object.bytes.get(from..=to) else { return error(416, "InvalidRange") };
        let sum = digests(bytes);
        let etag = hex::encode(sum.md5.unwrap());
        let bytes = bytes.to_vec();
        let checksum = match self.copies {
            Copies::WithChecksum if declared => {
                format!("<ChecksumCRC64NVME>{}</ChecksumCRC64NVME>", to_base64(&sum.crc64nvme.unwrap()))
            }
            _ => String::new(),
        };
        self.uploads.get_mut(upload_id).unwrap().parts.insert(number, (bytes, etag.clone()));
        said(200, format!("\n \n<CopyPartResult><ETag>&quot;{etag}&quot;</ETag>{checksum}</CopyPartResult>"))
    }

    fn complete(&mut self, asked: &Asked<'_>, upload_id: &str, guarded: bool) -> Said {
        let header = |name: &str| asked.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        if let Some(answer) = self.completed.get(upload_id).filter(|_| !self.forgets_completed) {
            return said(200, answer.clone());
        }
        let Some(upload) = self.uploads.get(upload_id) else { return error(404, "NoSuchUpload") };
        if guarded && self.objects.contains_key(&asked.key) {
            return error(412, "PreconditionFailed");
        }
        let text = std::str::from_utf8(&asked.body).unwrap();
        let listed: Vec<(u32, String)> = text
            .split("<Part>")
            .skip(1)
            .map(|part| {
                let field = |name: &str| {
                    let rest = part.split_once(&format!("<{name}>")).unwrap().1;
                    rest.split_once(&format!("</{name}>")).unwrap().0.replace("&quot;", "").replace('"', "")
                };
                (field("PartNumber").parse().unwrap(), field("ETag"))
            })
            .collect();
        let mut bytes = Vec::new();
        let mut md5s = Vec::new();
        for (number, etag) in &listed {
            match upload.parts.get(number) {
                Some((part, known)) if known == etag => bytes.extend_from_slice(part),
                _ => return error(400, "InvalidPart"),
            }
            md5s.extend(hex::decode(etag).unwrap());
        }
        let lens: Vec<_> = listed.iter().map(|(number, _)| upload.parts[number].0.len()).collect();
        if self.equal_parts && lens[..lens.len() - 1].iter().any(|len| *len != lens[0]) {
            return error(400, "InvalidPart");
        }
        let whole = digests(&bytes);
        if header("x-amz-checksum-crc64nvme").and_then(from_base64::<8>).is_some_and(|crc| Some(crc) != whole.crc64nvme)
        {
            return error(400, "BadDigest");
        }
        if header("x-amz-mp-object-size").is_some_and(|len| len != bytes.len().to_string()) {
            return error(400, "InvalidRequest");
        }
        let etag = format!("{}-{}", hex::encode(Md5::digest(&md5s)), listed.len());
        let crc64 = upload
            .headers
            .iter()
            .any(|(name, value)| name == "x-amz-checksum-algorithm" && value == "CRC64NVME")
            .then_some(whole.crc64nvme)
            .flatten();
        let object = Object { bytes, etag: etag.clone(), headers: metadata(&upload.headers), crc64 };
        self.uploads.remove(upload_id);
        self.objects.insert(asked.key.clone(), object);
        let answer =
            format!("<CompleteMultipartUploadResult><ETag>&quot;{etag}&quot;</ETag></CompleteMultipartUploadResult>");
        self.completed.insert(upload_id.to_owned(), answer.clone());
        said(200, answer)
    }

    fn list(&self, asked: &Asked<'_>) -> Said {
        let prefix = asked.query.get("prefix").map_or("", String::as_str);
        let after = asked.query.get("continuation-token").map_or("", String::as_str);
        let max: usize = asked.query.get("max-keys").map_or(1000, |n| n.parse().unwrap()).min(self.page_len);
        if self.denied_prefixes.iter().any(|denied| denied == prefix) {
            return error(403, "AccessDenied");
        }
        // Each key, or the prefix that stands for it and its neighbours.
        let shown = |key: &str| match (asked.query.get("delimiter"), key[prefix.len()..].find('/')) {
            (Some(_), Some(slash)) => key[..=prefix.len() + slash].to_owned(),
            _ => key.to_owned(),
        };
        let mut matching: Vec<_> = self
            .objects
            .range(prefix.to_owned()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, object)| (shown(key), object))
            .filter(|(name, _)| name.as_str() > after)
            .collect();
        matching.dedup_by(|(a, _), (b, _)| a == b);
        let page = &matching[..max.min(matching.len())];
        let more = matching.len() > page.len();
        let mut xml = format!("<ListBucketResult><IsTruncated>{more}</IsTruncated>");
        if let (true, Some((last, _))) = (more, page.last()) {
            xml += &format!("<NextContinuationToken>{last}</NextContinuationToken>");
        }
        for (name, object) in page {
            if asked.query.contains_key("delimiter") && name.ends_with('/') && name != prefix {
                xml += &format!("<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>");
                continue;
            }
            let date = self.dates.get(name).map_or("2026-11-23T02:00:00.000Z", String::as_str);
            xml += &format!(
                "<Contents><Key>{name}</Key><LastModified>{date}</LastModified><ETag>&quot;{}&quot;</ETag><Size>{}</Size></Contents>",
                object.etag,
                object.bytes.len()
            );
        }
        said(200, xml + "</ListBucketResult>")
    }
}

fn operation(method: Method, key: &str, query: &BTreeMap<String, String>, headers: &Headers) -> &'static str {
    let has = |name: &str| query.contains_key(name);
    match (method, key.is_empty()) {
        (Method::Post, false) if has("uploads") => "CreateMultipartUpload",
        (Method::Post, false) if has("uploadId") => "CompleteMultipartUpload",
        (Method::Put, false) if headers.iter().any(|(name, _)| name == "x-amz-copy-source") => "UploadPartCopy",
        (Method::Put, false) if has("partNumber") => "UploadPart",
        (Method::Put, false) => "PutObject",
        (Method::Delete, false) if has("uploadId") => "AbortMultipartUpload",
        (Method::Get, false) if has("uploadId") => "ListParts",
        (Method::Get, false) => "GetObject",
        (Method::Head, false) => "HeadObject",
        (Method::Get, true) if has("list-type") => "ListObjectsV2",
        other => panic!("no operation is {other:?} {key} {query:?}"),
    }
}

fn with_etag(etag: &str) -> Said {
    Said { status: 200, headers: vec![("etag".into(), format!("\"{etag}\""))], body: Vec::new() }
}

fn metadata(headers: &Headers) -> Headers {
    headers.iter().filter(|(name, _)| name.starts_with("x-amz-meta-")).cloned().collect()
}

/// All digests of these bytes.
pub(crate) fn digests(bytes: &[u8]) -> Digests {
    only(bytes, &[DigestKind::Crc64nvme, DigestKind::Crc32, DigestKind::Md5, DigestKind::Sha256])
}

/// Some digests of these bytes.
pub(crate) fn only(bytes: &[u8], wanted: &[DigestKind]) -> Digests {
    let has = |kind| wanted.contains(&kind);
    let crc = |algorithm| crc_fast::checksum(algorithm, bytes);
    Digests {
        crc64nvme: has(DigestKind::Crc64nvme).then(|| crc(CrcAlgorithm::Crc64Nvme).to_be_bytes()),
        crc32: has(DigestKind::Crc32).then(|| (crc(CrcAlgorithm::Crc32IsoHdlc) as u32).to_be_bytes()),
        md5: has(DigestKind::Md5).then(|| Md5::digest(bytes).into()),
        sha256: has(DigestKind::Sha256).then(|| sha2::Sha256::digest(bytes).into()),
    }
}

fn httpdate_of(at: std::time::SystemTime) -> String {
    httpdate::fmt_http_date(at)
}

/// Seconds since 1970 of `20261123T020000Z`.
fn signed_at_s(text: &str) -> u64 {
    let n = |range: std::ops::Range<usize>| text[range].parse::<i64>().unwrap();
    let (year, month, day) = (n(0..4), n(4..6), n(6..8));
    // Days from civil, http://howardhinnant.github.io/date_algorithms.html
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    (days * 86_400 + n(9..11) * 3_600 + n(11..13) * 60 + n(13..15)) as u64
}
