//! Requests that pass and requests that must not, each under the name of what it attempts.

mod read;

use std::collections::{BTreeMap, BTreeSet};

use holdfast_core::{
    abi::RequestId,
    digest::DigestKind,
    endpoint::Endpoint,
    job::{Abort, Check, Encryption, Fleet, List, ObjectSettings, Target, Upload},
    name::{Bucket, Prefix, Region, UploadId},
    provider::Addressing,
};

use super::*;

mod backup;

const LEN: u64 = 100 << 20;
const KEY: &str = "home/client1/a//../b +~é%20.zip";
/// The key as it stands in a path, and in a query.
const PATH: &str = "home/client1/a//../b%20%2B~%C3%A9%2520.zip";
const PREFIX: &str = "home%2Fclient1%2Fa%2F%2F..%2Fb%20%2B~%C3%A9%2520.zip";
const HOST: &str = "https://s3.example.com/backups";

fn upload() -> Job {
    let orphan = |key: &str, id: &str| Orphan {
        key: Key::parse(key).expect("a key"),
        upload_id: UploadId::parse(id).expect("an id"),
    };
    work(Work::Upload(Box::new(Upload {
        key: Key::parse(KEY).expect("a key"),
        len: LEN,
        part_len: None,
        overwrite: false,
        object: ObjectSettings {
            storage_class: Some("STANDARD_IA".to_owned()),
            encryption: Encryption::Kms { key_id: Some("arn:aws:kms:eu-west-1:1:key/ours".to_owned()) },
            tags: BTreeMap::from([("kind".to_owned(), "backup".to_owned()), ("a b".to_owned(), "c/d".to_owned())]),
            metadata: BTreeMap::from([
                ("source".to_owned(), "site.zip".to_owned()),
                ("title".to_owned(), "Größe".to_owned()),
            ]),
            content_type: Some("application/zip".to_owned()),
        },
        orphans: vec![orphan("home/client1/old.zip", "old-id")],
    })))
}

fn fetch() -> Job {
    let key = Key::parse(KEY).expect("a key");
    work(Work::Fetch(Fetch { key, etag: Some("abc".to_owned()), keep: true, known: None }))
}

fn list() -> Job {
    work(Work::List(List { prefix: Prefix::parse("home/client1/").expect("a prefix"), shallow: false }))
}

fn fleet() -> Job {
    let prefix = Prefix::parse("home/").expect("a prefix");
    work(Work::Fleet(Fleet { prefix, max_age_ms: 1, expected: BTreeSet::from(["client1".to_owned()]) }))
}

fn abort() -> Job {
    let Work::Upload(upload) = upload().work else { unreachable!("it is one") };
    work(Work::Abort(Abort { orphans: upload.orphans }))
}

fn check() -> Job {
    let mut job = work(Work::Check(Check {
        prefix: Prefix::parse("home/client1/").expect("a prefix"),
        marker: Some("site".to_owned()),
        isolation: true,
        canary: Some(Key::parse("home/client2/x.zip").expect("a key")),
        ..Check::default()
    }));
    job.run = "r1".to_owned();
    job
}

fn explain() -> Job {
    work(Work::Explain(Box::default()))
}

fn work(work: Work) -> Job {
    let (endpoint, _) = Endpoint::parse("https://s3.example.com", None).expect("an endpoint");
    let bucket = Bucket::parse("backups").expect("a bucket");
    Job {
        run: "run-1".to_owned(),
        target: Target { endpoint, region: None, bucket, expected_owner: None },
        work,
        patience_ms: 1_000,
        concurrency: 4,
    }
}

fn fence(job: &Job) -> Fence {
    let mut fence = Fence::new(job, &Remembered::default());
    fence.object_len = Some(LEN);
    fence
}

fn request(method: Method, url: impl Into<String>) -> Request {
    Request {
        id: RequestId(1),
        method,
        url: url.into(),
        headers: Vec::new(),
        body: BodySource::Empty,
        sink: Sink::Inline,
        answer_within_ms: 30_000,
    }
}

fn with(mut request: Request, headers: &[(&str, &str)]) -> Request {
    request.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    request
}

fn put() -> Request {
    let body = BodySource::Part { part: 1, offset: 0, len: LEN };
    Request { body, ..with(request(Method::Put, format!("{HOST}/{PATH}")), &[("if-none-match", "*")]) }
}

fn part(number: u32, offset: u64, len: u64) -> Request {
    let body = BodySource::Part { part: number, offset, len };
    Request { body, ..request(Method::Put, format!("{HOST}/{PATH}?partNumber={number}&uploadId=id%2F1")) }
}

fn complete() -> Request {
    let body = BodySource::Inline { start: 2, len: 3 };
    let complete = request(Method::Post, format!("{HOST}/{PATH}?uploadId=id"));
    Request { body, ..with(complete, &[("if-none-match", "*")]) }
}

fn get(range: &str, offset: u64, len: u64) -> Request {
    let sink = Sink::Range { offset, len, digests: vec![DigestKind::Crc64nvme] };
    Request { sink, ..with(request(Method::Get, format!("{HOST}/{PATH}")), &[("range", range)]) }
}

fn create(headers: &[(&str, &str)]) -> Request {
    with(request(Method::Post, format!("{HOST}/{PATH}?uploads")), headers)
}

fn allowed(job: &Job, request: &Request) -> Operation {
    let permit = fence(job).check(request, b"0123456789").unwrap_or_else(|why| panic!("{request:?}: {why}"));
    assert_eq!(permit.operation.method(), request.method);
    assert!(request.url.ends_with(permit.target));
    permit.operation
}

fn refused(attack: &str, job: &Job, request: &Request) -> Refusal {
    match fence(job).check(request, b"0123456789") {
        Ok(permit) => panic!("{attack}: {permit:?}"),
        Err(refusal) => refusal,
    }
}

#[test]
fn an_upload_may_do_what_an_upload_needs() {
    let job = upload();
    let url = |rest: &str| format!("{HOST}/{rest}");
    for (request, operation) in [
        (request(Method::Head, url(PATH)), Operation::HeadObject),
        (put(), Operation::PutObject),
        (create(&[]), Operation::CreateMultipartUpload),
        (request(Method::Post, url(&format!("{PATH}?uploads="))), Operation::CreateMultipartUpload),
        (part(1, 0, 16 << 20), Operation::UploadPart),
        (part(10_000, LEN - 1, 1), Operation::UploadPart),
        (complete(), Operation::CompleteMultipartUpload),
        (request(Method::Get, url(&format!("{PATH}?uploadId=id"))), Operation::ListParts),
        (
            request(Method::Get, url(&format!("{PATH}?max-parts=1000&part-number-marker=7&uploadId=id"))),
            Operation::ListParts,
        ),
        (request(Method::Delete, url(&format!("{PATH}?uploadId=id"))), Operation::AbortMultipartUpload),
        (request(Method::Delete, url("home/client1/old.zip?uploadId=old-id")), Operation::AbortMultipartUpload),
        (request(Method::Get, url("home/client1/old.zip?uploadId=old-id")), Operation::ListParts),
        (request(Method::Get, url(&format!("?list-type=2&max-keys=1&prefix={PREFIX}"))), Operation::ListObjectsV2),
    ] {
        assert_eq!(allowed(&job, &request), operation);
    }
}

#[test]
fn the_other_jobs_may_do_what_they_need() {
    let url = |rest: &str| format!("{HOST}/{rest}");
    for (job, request, operation) in [
        (fetch(), request(Method::Head, url(PATH)), Operation::HeadObject),
        (fetch(), get("bytes=0-0", 0, 1), Operation::GetObject),
        (fetch(), get(&format!("bytes=5-{}", LEN - 1), 5, LEN - 5), Operation::GetObject),
        (list(), request(Method::Get, url("?list-type=2&prefix=home%2Fclient1%2F")), Operation::ListObjectsV2),
        (fleet(), request(Method::Get, url("?delimiter=%2F&list-type=2&prefix=home%2F")), Operation::ListObjectsV2),
        (fleet(), request(Method::Get, url("?list-type=2&prefix=home%2Fclient1%2F")), Operation::ListObjectsV2),
        (
            list(),
            request(
                Method::Get,
                url(
                    "?continuation-token=1%2B%2F%3D&delimiter=%2F&encoding-type=url&list-type=2&prefix=home%2Fclient1%2F",
                ),
            ),
            Operation::ListObjectsV2,
        ),
        (
            abort(),
            request(Method::Delete, url("home/client1/old.zip?uploadId=old-id")),
            Operation::AbortMultipartUpload,
        ),
        (abort(), request(Method::Get, url("home/client1/old.zip?uploadId=old-id")), Operation::ListParts),
    ] {
        assert_eq!(allowed(&job, &request), operation);
    }
}

#[test]
fn a_permit_says_what_to_send_to_the_letter() {
    let (job, part) = (upload(), part(3, 5, 7));
    let permit = fence(&job).check(&part, b"").expect("allowed");
    assert_eq!(permit.authority, "s3.example.com");
    assert_eq!(permit.target, format!("/backups/{PATH}?partNumber=3&uploadId=id%2F1"));
    assert!(permit.tls);
    assert_eq!(permit.body, Body::Source { offset: 5, len: 7 });
    let complete = complete();
    assert_eq!(fence(&job).check(&complete, b"0123456789").expect("allowed").body, Body::Inline(b"234"));
}

#[test]
fn another_server_is_refused() {
    for (attack, url) in [
        ("another host", format!("https://evil.example.com/backups/{PATH}")),
        ("a longer host", format!("https://s3.example.com.evil.net/backups/{PATH}")),
        ("a subdomain", format!("https://x.s3.example.com/backups/{PATH}")),
        ("another bucket as a subdomain", format!("https://backups.s3.example.com/{PATH}")),
        ("another port", format!("https://s3.example.com:8443/backups/{PATH}")),
        ("the port spelled out", format!("https://s3.example.com:443/backups/{PATH}")),
        ("a trailing dot", format!("https://s3.example.com./backups/{PATH}")),
        ("another case", format!("https://S3.example.com/backups/{PATH}")),
        ("without TLS", format!("http://s3.example.com/backups/{PATH}")),
        ("no host", format!("https:///backups/{PATH}")),
    ] {
        assert_eq!(refused(attack, &upload(), &request(Method::Head, url)), Refusal::Endpoint, "{attack}");
    }
}

#[test]
fn a_url_that_two_parsers_may_read_differently_is_refused() {
    for (attack, url) in [
        ("a user", format!("https://s3.example.com@evil.net/backups/{PATH}")),
        ("a password", format!("https://a:b@s3.example.com/backups/{PATH}")),
        ("a fragment", format!("{HOST}/{PATH}#x")),
        ("a fragment in the host", format!("https://evil.net#s3.example.com/backups/{PATH}")),
        ("a backslash for a slash", format!("https://s3.example.com\\backups/{PATH}")),
        ("another scheme", format!("file:///backups/{PATH}")),
        ("the scheme in upper case", format!("HTTPS://s3.example.com/backups/{PATH}")),
        ("a scheme without slashes", "https:s3.example.com/backups/x".to_owned()),
        ("a space", format!("{HOST}/{PATH} HTTP/1.1")),
        ("a line break", format!("{HOST}/{PATH}\r\nHost: evil.net")),
        ("a tab", format!("{HOST}/\t{PATH}")),
        ("not ASCII", format!("{HOST}/home/client1/b\u{e9}")),
        ("no path", "https://s3.example.com".to_owned()),
        ("a query for a path", "https://s3.example.com?list-type=2".to_owned()),
        ("empty", String::new()),
        ("too long", format!("{HOST}/{}", "a".repeat(20_000))),
    ] {
        let refusal = refused(attack, &upload(), &request(Method::Head, url));
        assert!(matches!(refusal, Refusal::Url(_)), "{attack}: {refusal:?}");
    }
}

#[test]
fn another_key_or_another_spelling_of_it_is_refused() {
    for (attack, url) in [
        ("another bucket", format!("https://s3.example.com/backups2/{PATH}")),
        ("a bucket with ours in front", format!("https://s3.example.com/backups-evil/{PATH}")),
        ("another client", format!("{HOST}/home/client2/x.zip")),
        ("a client with ours in front", format!("{HOST}/home/client10/x.zip")),
        ("the key's folder", format!("{HOST}/home/client1/")),
        ("a longer key", format!("{HOST}/{PATH}.sig")),
        ("a double slash in front", format!("https://s3.example.com//backups/{PATH}")),
        ("dots resolved", format!("{HOST}/home/client1/b%20%2B~%C3%A9%2520.zip")),
        ("dots that lead out", format!("{HOST}/{PATH}/../../../client2/x")),
        ("dots before the bucket", format!("https://s3.example.com/evil/../backups/{PATH}")),
        ("escaped dots", format!("{HOST}/home/client1/a//%2E%2E/b%20%2B~%C3%A9%2520.zip")),
        ("an escaped slash", format!("{HOST}/home%2Fclient1/a//../b%20%2B~%C3%A9%2520.zip")),
        ("escapes in lower case", format!("{HOST}/home/client1/a//../b%20%2b~%c3%a9%2520.zip")),
        ("a plus for a space", format!("{HOST}/home/client1/a//../b+%2B~%C3%A9%2520.zip")),
        ("a bare plus", format!("{HOST}/home/client1/a//../b%20+~%C3%A9%2520.zip")),
        ("encoded twice", format!("{HOST}/home/client1/a//../b%2520%252B~%25C3%25A9%252520.zip")),
        ("a letter escaped", format!("{HOST}/%68ome/client1/a//../b%20%2B~%C3%A9%2520.zip")),
        ("an overlong form of a slash", format!("{HOST}/home%C0%AFclient1/x")),
        ("not UTF-8", format!("{HOST}/home/client1/%FF")),
        ("half an escape", format!("{HOST}/home/client1/%2")),
        ("a NUL", format!("{HOST}/home/client1/x%00.zip")),
        ("path parameters", format!("{HOST}/{PATH};x=y")),
    ] {
        assert_eq!(refused(attack, &upload(), &request(Method::Head, url)), Refusal::Place, "{attack}");
    }
}

#[test]
fn a_query_that_makes_something_else_of_it_is_refused() {
    for (attack, method, rest) in [
        ("a parameter twice", Method::Put, format!("{PATH}?partNumber=1&partNumber=2&uploadId=id")),
        ("an upload id twice", Method::Delete, format!("{PATH}?uploadId=id&uploadId=other")),
        ("the name escaped", Method::Delete, format!("{PATH}?upload%49d=id")),
        ("a plus for a space", Method::Delete, format!("{PATH}?uploadId=a+b")),
        ("an empty pair", Method::Delete, format!("{PATH}?&uploadId=id")),
        ("an empty query", Method::Head, format!("{PATH}?")),
        ("no upload id", Method::Delete, format!("{PATH}?uploadId=")),
        ("part 0", Method::Put, format!("{PATH}?partNumber=0&uploadId=id")),
        ("part 10001", Method::Put, format!("{PATH}?partNumber=10001&uploadId=id")),
        ("part 01", Method::Put, format!("{PATH}?partNumber=01&uploadId=id")),
        ("part +1", Method::Put, format!("{PATH}?partNumber=%2B1&uploadId=id")),
        ("the access list", Method::Put, format!("{PATH}?acl")),
        ("the retention", Method::Put, format!("{PATH}?retention")),
        ("the tags", Method::Delete, format!("{PATH}?tagging")),
        ("the bucket's policy", Method::Delete, "?policy".to_owned()),
        ("a presigned request", Method::Get, format!("{PATH}?X-Amz-Signature=0")),
        ("the old listing", Method::Get, "?list-type=1".to_owned()),
        ("another delimiter", Method::Get, format!("?list-type=2&delimiter=a&prefix={PREFIX}")),
        ("a page without end", Method::Get, format!("?list-type=2&max-keys=1001&prefix={PREFIX}")),
    ] {
        let refusal = refused(attack, &upload(), &request(method, format!("{HOST}/{rest}")));
        assert!(matches!(refusal, Refusal::Query(_)), "{attack}: {refusal:?}");
    }
}

#[test]
fn what_the_job_does_not_do_is_refused() {
    let url = |rest: &str| format!("{HOST}/{rest}");
    for (attack, job, method, rest) in [
        ("delete the object", upload(), Method::Delete, PATH.to_owned()),
        ("delete a version", upload(), Method::Delete, format!("{PATH}?versionId=1")),
        ("delete the bucket", upload(), Method::Delete, String::new()),
        ("make the bucket", upload(), Method::Put, String::new()),
        ("read back while uploading", upload(), Method::Get, PATH.to_owned()),
        ("list all uploads", upload(), Method::Get, "?uploads".to_owned()),
        ("list parts in the bucket's name", upload(), Method::Get, "?uploadId=id".to_owned()),
        ("post to the bucket", upload(), Method::Post, String::new()),
        ("list on the key", upload(), Method::Get, format!("{PATH}?list-type=2")),
        ("the bucket's head", upload(), Method::Head, String::new()),
        ("write while fetching", fetch(), Method::Put, PATH.to_owned()),
        ("delete while fetching", fetch(), Method::Delete, format!("{PATH}?uploadId=id")),
        ("list while fetching", fetch(), Method::Get, "?list-type=2".to_owned()),
        ("read while listing", list(), Method::Get, "home/client1/x".to_owned()),
        ("read a client's object", fleet(), Method::Get, "home/client1/x".to_owned()),
        ("look at a client's object", fleet(), Method::Head, "home/client1/x".to_owned()),
        ("write among the clients", fleet(), Method::Put, "home/client1/x".to_owned()),
        ("delete among the clients", fleet(), Method::Delete, "home/client1/x".to_owned()),
        ("see the clients' uploads", fleet(), Method::Get, "?uploads&prefix=home%2F".to_owned()),
        ("write while listing", list(), Method::Put, "home/client1/x".to_owned()),
        ("create while aborting", abort(), Method::Post, "home/client1/old.zip?uploads".to_owned()),
        ("complete while aborting", abort(), Method::Post, "home/client1/old.zip?uploadId=old-id".to_owned()),
        ("delete while aborting", abort(), Method::Delete, "home/client1/old.zip".to_owned()),
    ] {
        let refusal = refused(attack, &job, &request(method, url(&rest)));
        assert_eq!(refusal, Refusal::Operation(method), "{attack}");
    }
}

#[test]
fn the_right_operation_in_the_wrong_place_is_refused() {
    for (attack, job, method, rest) in [
        ("list the bucket", upload(), Method::Get, "?list-type=2".to_owned()),
        ("list the folder", upload(), Method::Get, "?list-type=2&prefix=home%2Fclient1%2F".to_owned()),
        ("list beyond the key", upload(), Method::Get, format!("?list-type=2&prefix={PREFIX}x")),
        (
            "abort another id of an orphan's key",
            upload(),
            Method::Delete,
            "home/client1/old.zip?uploadId=new".to_owned(),
        ),
        ("write to an orphan's key", upload(), Method::Post, "home/client1/old.zip?uploads".to_owned()),
        ("an orphan's id on another key", abort(), Method::Delete, "home/client2/x?uploadId=old-id".to_owned()),
        ("list beside the fleet", fleet(), Method::Get, "?delimiter=%2F&list-type=2".to_owned()),
        ("list the fleet without its slash", fleet(), Method::Get, "?list-type=2&prefix=home".to_owned()),
        ("list the root", list(), Method::Get, "?list-type=2".to_owned()),
        ("list the root, prefix empty", list(), Method::Get, "?list-type=2&prefix=".to_owned()),
        ("list all clients", list(), Method::Get, "?list-type=2&prefix=home%2F".to_owned()),
        ("list the next client", list(), Method::Get, "?list-type=2&prefix=home%2Fclient10%2F".to_owned()),
        ("fetch another key", fetch(), Method::Get, "home/client2/x".to_owned()),
    ] {
        let refusal = refused(attack, &job, &request(method, format!("{HOST}/{rest}")));
        assert_eq!(refusal, Refusal::Place, "{attack}");
    }
}

#[test]
fn the_jobs_own_headers_pass() {
    let job = upload();
    allowed(
        &job,
        &create(&[
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=A/20261123/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0",
            ),
            ("x-amz-date", "20261123T020000Z"),
            ("x-amz-security-token", "token+/="),
            ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
            ("content-type", "application/zip"),
            ("x-amz-storage-class", "STANDARD_IA"),
            ("x-amz-server-side-encryption", "aws:kms"),
            ("x-amz-server-side-encryption-aws-kms-key-id", "arn:aws:kms:eu-west-1:1:key/ours"),
            ("x-amz-tagging", "a%20b=c%2Fd&kind=backup"),
            ("x-amz-meta-source", "site.zip"),
            ("x-amz-meta-title", "=?UTF-8?B?R3LDtsOfZQ==?="),
            ("x-amz-meta-holdfast-run", "run-1"),
            ("x-amz-meta-holdfast-part-len", "16777216"),
            ("x-amz-checksum-algorithm", "CRC64NVME"),
            ("x-amz-checksum-type", "FULL_OBJECT"),
        ]),
    );
    allowed(&job, &with(part(1, 0, 1), &[("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")]));
    allowed(&job, &with(complete(), &[("x-amz-mp-object-size", &LEN.to_string())]));
}

#[test]
fn a_header_that_changes_what_is_stored_is_refused() {
    for (attack, name, value) in [
        ("make it public", "x-amz-acl", "public-read"),
        ("grant it away", "x-amz-grant-full-control", "id=evil"),
        ("copy something in", "x-amz-copy-source", "/other/secret"),
        ("send readers elsewhere", "x-amz-website-redirect-location", "https://evil.net"),
        ("lift the retention", "x-amz-bypass-governance-retention", "true"),
        ("lock it for ever", "x-amz-object-lock-retain-until-date", "2126-01-01T00:00:00Z"),
        ("let others pay", "x-amz-request-payer", "requester"),
        ("another host", "host", "evil.net"),
        ("another length", "content-length", "1"),
        ("smuggle a request", "transfer-encoding", "chunked"),
        ("keep the connection's state", "connection", "upgrade"),
        ("speak to the proxy", "proxy-authorization", "Basic AAAA"),
        ("a cookie", "cookie", "a=b"),
        ("wait for 100", "expect", "100-continue"),
        ("encrypt with the customer's key", "x-amz-server-side-encryption-customer-key", "AAAA"),
        ("a header in upper case", "X-Amz-Meta-Source", "site.zip"),
        ("a header for reading", "range", "bytes=0-1"),
        ("a colon in a name", "x-amz-meta-a:b", "c"),
        ("no name", "", "x"),
    ] {
        let refusal = refused(attack, &upload(), &create(&[(name, value)]));
        assert!(matches!(refusal, Refusal::Header { .. }), "{attack}: {refusal:?}");
    }
}

#[test]
fn a_value_that_is_not_the_jobs_is_refused() {
    for (attack, name, value) in [
        (
            "a key of the attacker's",
            "x-amz-server-side-encryption-aws-kms-key-id",
            "arn:aws:kms:eu-west-1:2:key/theirs",
        ),
        ("weaker encryption", "x-amz-server-side-encryption", "AES256"),
        ("a class that thaws for days", "x-amz-storage-class", "DEEP_ARCHIVE"),
        ("a tag more", "x-amz-tagging", "a%20b=c%2Fd&kind=backup&expire=now"),
        ("a tag less", "x-amz-tagging", "kind=backup"),
        ("a tag twice", "x-amz-tagging", "kind=backup&kind=backup"),
        ("another tag", "x-amz-tagging", "a%20b=c%2Fd&kind=trash"),
        ("other metadata", "x-amz-meta-source", "other.zip"),
        ("other metadata, encoded", "x-amz-meta-title", "=?UTF-8?B?a2xlaW4=?="),
        ("metadata more", "x-amz-meta-note", "x"),
        ("metadata of a like name", "x-amz-meta-x-amz-meta-source", "site.zip"),
        ("a mark that is none", "x-amz-meta-holdfast-note", "x"),
        ("another run", "x-amz-meta-holdfast-run", "run-2"),
        ("a page that runs", "content-type", "text/html"),
        ("another owner", "x-amz-expected-bucket-owner", "123456789012"),
        ("a signature of another kind", "authorization", "AWS AKID:c2lnbmF0dXJl"),
        ("a date that is none", "x-amz-date", "yesterday"),
        ("a streamed payload", "x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("a header inside", "x-amz-security-token", "a\r\nx-amz-acl: public-read"),
        ("a bare line feed", "x-amz-security-token", "a\nb"),
        ("a NUL", "x-amz-security-token", "a\0b"),
        ("spaces around", "x-amz-security-token", " a "),
        ("bytes beyond ASCII", "x-amz-security-token", "é"),
    ] {
        let refusal = refused(attack, &upload(), &create(&[(name, value)]));
        assert!(matches!(refusal, Refusal::Header { .. }), "{attack}: {refusal:?}");
    }
    let twice = create(&[("x-amz-date", "20261123T020000Z"), ("x-amz-date", "20261123T020000Z")]);
    assert!(matches!(refused("twice", &upload(), &twice), Refusal::Header { .. }));
    let name = "x-amz-security-token";
    let long = create(&[(name, &"a".repeat(40_000))]);
    assert!(matches!(refused("too long", &upload(), &long), Refusal::Header { .. }));
}

#[test]
fn headers_belong_to_their_operation() {
    for (attack, job, request, header) in [
        ("overwrite by a condition of reading", upload(), put(), ("if-match", "\"abc\"")),
        ("store settings on a part", upload(), part(1, 0, 1), ("x-amz-storage-class", "STANDARD_IA")),
        ("another size", upload(), complete(), ("x-amz-mp-object-size", "1")),
        ("another version", fetch(), get("bytes=0-0", 0, 1), ("if-match", "\"other\"")),
        ("only if it changed", fetch(), get("bytes=0-0", 0, 1), ("if-none-match", "*")),
    ] {
        let refusal = refused(attack, &job, &with(request, &[header]));
        assert!(matches!(refusal, Refusal::Header { .. }), "{attack}: {refusal:?}");
    }
    let other = with(request(Method::Head, format!("{HOST}/{PATH}")), &[("if-none-match", "\"x\"")]);
    assert!(matches!(refused("a condition that is always true", &upload(), &other), Refusal::Header { .. }));
    let mut condition = put();
    condition.headers[0].1 = "\"x\"".to_owned();
    assert!(matches!(refused("a condition that is always true", &upload(), &condition), Refusal::Header { .. }));
}

#[test]
fn the_expected_owner_is_insisted_on() {
    let mut job = upload();
    job.target.expected_owner = Some("111122223333".to_owned());
    let head = request(Method::Head, format!("{HOST}/{PATH}"));
    assert!(matches!(refused("another bucket of the same name", &job, &head), Refusal::Header { .. }));
    let named = |owner| with(head.clone(), &[("x-amz-expected-bucket-owner", owner)]);
    assert!(matches!(refused("another owner", &job, &named("999922223333")), Refusal::Header { .. }));
    allowed(&job, &named("111122223333"));
}

#[test]
fn without_tls_the_payload_is_signed() {
    let mut job = upload();
    (job.target.endpoint, _) = Endpoint::parse("http://127.0.0.1:9000", None).expect("an endpoint");
    let head = request(Method::Head, format!("http://127.0.0.1:9000/backups/{PATH}"));
    let hash = |value: &str| with(head.clone(), &[("x-amz-content-sha256", value)]);
    allowed(&job, &hash(&"0a".repeat(32)));
    assert!(matches!(refused("alter the body", &job, &hash("UNSIGNED-PAYLOAD")), Refusal::Header { .. }));
}

#[test]
fn nothing_is_replaced_unless_the_job_says_so() {
    let bare = |request: Request| Request { headers: Vec::new(), ..request };
    for request in [put(), complete()] {
        assert_eq!(refused("overwrite", &upload(), &bare(request.clone())), Refusal::Unconditional);
        let mut job = upload();
        let Work::Upload(upload) = &mut job.work else { unreachable!("it is one") };
        upload.overwrite = true;
        allowed(&job, &bare(request));
    }
}

#[test]
fn the_condition_falls_only_where_a_server_was_seen_to_refuse_it() {
    let job = upload();
    let bare = Request { headers: Vec::new(), ..put() };
    let claim = Remembered { no_conditional_writes: true, ..Remembered::default() };

    let mut fence = fence(&job);
    assert_eq!(fence.vouch(claim.clone()), Remembered::default());
    fence.answered(&bare, Operation::PutObject, 501, &Vec::new());
    fence.answered(&put(), Operation::PutObject, 412, &Vec::new());
    fence.answered(&put(), Operation::PutObject, 503, &Vec::new());
    assert_eq!(fence.check(&bare, b""), Err(Refusal::Unconditional));
    fence.answered(&put(), Operation::PutObject, 501, &Vec::new());
    assert!(fence.check(&bare, b"").is_ok());
    assert_eq!(fence.vouch(claim.clone()), claim);
    assert!(Fence::new(&job, &claim).check(&bare, b"").is_ok());

    let mut aws = upload();
    aws.target.endpoint = Endpoint::aws();
    let bare = Request { url: format!("https://backups.s3.eu-west-1.amazonaws.com/{PATH}"), ..bare };
    assert_eq!(Fence::new(&aws, &claim).check(&bare, b""), Err(Refusal::Unconditional));
}

#[test]
fn a_body_is_of_the_source_or_of_its_frame() {
    let source = |offset, len| BodySource::Part { part: 1, offset, len };
    let inline = |start, len| BodySource::Inline { start, len };
    for (attack, request, body) in [
        ("half the archive", put(), source(0, LEN - 1)),
        ("another half", put(), source(1, LEN - 1)),
        ("nothing", put(), BodySource::Empty),
        ("something of its own", put(), inline(0, 10)),
        ("read past the end", part(1, 0, 1), source(LEN, 1)),
        ("read around the end of numbers", part(1, 0, 1), source(u64::MAX, 2)),
        ("a part of its own", part(1, 0, 1), inline(0, 10)),
        ("another part than it says", part(2, 0, 1), source(0, 1)),
        ("no list of parts", complete(), BodySource::Empty),
        ("the archive for a list of parts", complete(), source(0, 1)),
        ("past the frame's end", complete(), inline(8, 3)),
        ("around the end of numbers", complete(), inline(usize::MAX, 2)),
        ("the archive on Create", create(&[]), source(0, 1)),
        ("policies on Create", create(&[]), inline(0, 1)),
    ] {
        let refusal = refused(attack, &upload(), &Request { body, ..request });
        assert!(matches!(refusal, Refusal::Body(_)), "{attack}: {refusal:?}");
    }
    let mut empty = upload();
    let Work::Upload(upload) = &mut empty.work else { unreachable!("it is one") };
    upload.len = 0;
    allowed(&empty, &Request { body: BodySource::Empty, ..put() });
    allowed(&empty, &Request { body: source(0, 0), ..put() });
}

#[test]
fn an_answer_goes_where_the_object_says() {
    for (attack, get) in [
        ("beyond the object", get(&format!("bytes={LEN}-{LEN}"), LEN, 1)),
        ("over its end", get(&format!("bytes=0-{LEN}"), 0, LEN + 1)),
        ("around the end of numbers", get("bytes=0-0", u64::MAX, 2)),
        ("nothing", get("bytes=0-0", 0, 0)),
        ("the beginning of the object in its middle", get("bytes=0-9", 10, 10)),
        ("more than it asks for", get("bytes=0-9", 0, 20)),
        ("the whole for a range", Request { headers: Vec::new(), ..get("bytes=0-9", 0, 10) }),
    ] {
        let refusal = refused(attack, &fetch(), &get);
        assert!(matches!(refusal, Refusal::Sink(_)), "{attack}: {refusal:?}");
    }
    let sink = Sink::Range { offset: 0, len: 1, digests: Vec::new() };
    let listing = request(Method::Get, format!("{HOST}/?list-type=2&prefix=home%2Fclient1%2F"));
    let refusal = refused("a listing into the file", &list(), &Request { sink, ..listing });
    assert!(matches!(refusal, Refusal::Sink(_)), "{refusal:?}");
}

#[test]
fn the_length_of_an_object_is_what_its_head_said() {
    let job = fetch();
    let mut fence = Fence::new(&job, &Remembered::default());
    let range = get("bytes=0-9", 0, 10);
    assert!(matches!(fence.check(&range, b""), Err(Refusal::Sink(_))));
    let answer = vec![("content-length".to_owned(), "10".to_owned())];
    fence.answered(&range, Operation::HeadObject, 200, &answer);
    assert!(fence.check(&range, b"").is_ok());
}

/// It reads what a stranger wrote, so it may ask nobody anything, not even what other jobs may.
#[test]
fn explaining_asks_for_nothing() {
    let listing = request(Method::Get, format!("{HOST}/?list-type=2&max-keys=1&prefix={PREFIX}"));
    let head = request(Method::Head, format!("{HOST}/{PATH}"));
    let range = get("bytes=0-9", 0, 10);
    for (job, request) in [(upload(), listing), (upload(), head), (fetch(), range)] {
        assert!(fence(&job).check(&request, b"").is_ok(), "{request:?}");
        let refusal = fence(&explain()).check(&request, b"");
        assert!(matches!(refusal, Err(Refusal::Operation(_))), "{refusal:?} {request:?}");
    }
}

#[test]
fn amazons_host_may_change_its_region_and_nothing_else() {
    let mut job = upload();
    job.target.endpoint = Endpoint::aws();
    let head = |authority: &str| request(Method::Head, format!("https://{authority}/{PATH}"));
    for region in ["us-east-1", "ap-southeast-12"] {
        allowed(&job, &head(&format!("backups.s3.{region}.amazonaws.com")));
    }
    // In another partition the same bucket is somebody else's.
    let gov = head("backups.s3.us-gov-west-1.amazonaws.com");
    let china = head("backups.s3.cn-north-1.amazonaws.com.cn");
    for (partition, host) in [("GovCloud", &gov), ("China", &china)] {
        assert_eq!(refused(partition, &job, host), Refusal::Endpoint);
    }
    for (region, own, other) in [("us-gov-east-1", &gov, &china), ("cn-northwest-1", &china, &gov)] {
        let mut job = job.clone();
        job.target.region = Some(Region::parse(region).expect("a region"));
        allowed(&job, own);
        assert_eq!(refused("another partition", &job, other), Refusal::Endpoint);
    }
    for (attack, authority) in [
        ("another bucket", "evil.s3.us-east-1.amazonaws.com"),
        ("another bucket in front", "evil.backups.s3.us-east-1.amazonaws.com"),
        ("no bucket", "s3.us-east-1.amazonaws.com"),
        ("another service", "backups.s3-website.us-east-1.amazonaws.com"),
        ("an access point", "backups.s3-accesspoint.us-east-1.amazonaws.com"),
        ("another service of a region", "backups.ec2.us-east-1.amazonaws.com"),
        ("a label more", "backups.s3.evil.us-east-1.amazonaws.com"),
        ("dualstack not asked for", "backups.s3.dualstack.us-east-1.amazonaws.com"),
        ("another domain", "backups.s3.us-east-1.amazonaws.com.evil.net"),
        ("a domain of the same end", "backups.s3.us-east-1.evilamazonaws.com"),
        ("China's domain elsewhere", "backups.s3.us-east-1.amazonaws.com.cn"),
        ("China without its domain", "backups.s3.cn-north-1.amazonaws.com"),
        ("a region that is none", "backups.s3.us-east.amazonaws.com"),
        ("an empty region", "backups.s3..amazonaws.com"),
        ("a port", "backups.s3.us-east-1.amazonaws.com:8443"),
    ] {
        assert_eq!(refused(attack, &job, &head(authority)), Refusal::Endpoint, "{attack}");
    }
    job.target.bucket = Bucket::parse("dotted.backups").expect("a bucket");
    allowed(&job, &request(Method::Head, format!("https://s3.eu-west-1.amazonaws.com/dotted.backups/{PATH}")));
}

#[test]
fn an_endpoint_with_port_path_and_subdomains_is_compared_whole() {
    let mut job = upload();
    (job.target.endpoint, _) = Endpoint::parse("https://gw.example.com:8443/storage/v1", None).expect("an endpoint");
    let head = |url: &str| request(Method::Head, format!("https://{url}/{PATH}"));
    allowed(&job, &head("gw.example.com:8443/storage/v1/backups"));
    assert_eq!(refused("no port", &job, &head("gw.example.com/storage/v1/backups")), Refusal::Endpoint);
    assert_eq!(refused("a longer port", &job, &head("gw.example.com:84433/storage/v1/backups")), Refusal::Endpoint);
    assert_eq!(refused("no base", &job, &head("gw.example.com:8443/backups")), Refusal::Place);
    assert_eq!(refused("a longer base", &job, &head("gw.example.com:8443/storage/v12/backups")), Refusal::Place);
    job.target.endpoint.addressing = Some(Addressing::VirtualHost);
    allowed(&job, &head("backups.gw.example.com:8443/storage/v1"));
    assert_eq!(refused("path style", &job, &head("gw.example.com:8443/storage/v1/backups")), Refusal::Endpoint);
}

/// A check's own probes, each as the module sends it.
fn probes() -> Vec<(Request, Vec<u8>)> {
    let no_upload = holdfast_core::probe::NO_UPLOAD;
    let own = format!("{HOST}/home/client1/holdfast-probe-r1");
    let other = format!("{HOST}/home/holdfast-probe-r1/holdfast-probe-r1");
    let marker = format!("{HOST}/home/client1/holdfast-site.json");
    let text = holdfast_core::probe::marker_text("site").into_bytes();
    let list = |rest: &str| request(Method::Get, format!("{HOST}/?list-type=2&max-keys=1&prefix={rest}"));
    let copy = [("x-amz-copy-source", "backups/home/client1/holdfast-site.json")];
    let mut probes: Vec<Request> = vec![
        list("home%2Fclient1%2F"),
        list(""),
        list("&delimiter=%2F"),
        list("home%2Fholdfast-probe-r1%2F"),
        list("home%2Fclient10-holdfast-probe-r1%2F"),
        request(Method::Get, format!("{HOST}/?versioning=")),
        request(Method::Get, format!("{HOST}/?object-lock=")),
        request(Method::Get, format!("{HOST}/?versions=&max-keys=1")),
        request(Method::Get, format!("{HOST}/?uploads=&prefix=&max-uploads=1&encoding-type=url")),
        request(Method::Get, "https://s3.example.com/"),
        request(Method::Head, format!("{HOST}/home/client2/x.zip")),
        request(Method::Post, format!("{own}?uploads=")),
        request(Method::Delete, format!("{own}?uploadId=some-id")),
        request(Method::Delete, format!("{own}?versionId=null")),
        with(request(Method::Put, format!("{own}?partNumber=1&uploadId={no_upload}")), &copy),
        with(request(Method::Get, marker.clone()), &[("range", "bytes=0-4095")]),
    ];
    for place in [own, other] {
        probes.push(request(Method::Put, format!("{place}?partNumber=1&uploadId={no_upload}")));
        probes.push(request(Method::Get, format!("{place}?uploadId={no_upload}")));
        probes.push(request(Method::Delete, format!("{place}?uploadId={no_upload}")));
        probes.push(with(request(Method::Delete, place), &[("if-match", "*")]));
    }
    let mut probes: Vec<(Request, Vec<u8>)> = probes.into_iter().map(|request| (request, Vec::new())).collect();
    let body = BodySource::Inline { start: 0, len: text.len() };
    let put = with(request(Method::Put, marker), &[("if-none-match", "*"), ("content-type", "application/json")]);
    probes.push((Request { body, ..put }, text));
    probes
}

#[test]
fn a_check_may_ask_its_probes_and_no_other_job_may() {
    for (probe, body) in probes() {
        let permit = fence(&check()).check(&probe, &body);
        assert!(permit.is_ok(), "{permit:?} {probe:?}");
        for job in [upload(), fetch(), list(), abort(), explain()] {
            let own = probe.url.contains("list-type=2") && probe.url.contains("prefix=home%2Fclient1%2F");
            let passes = fence(&job).check(&probe, &body).is_ok();
            assert!(!passes || (own && matches!(job.work, Work::List(_))), "{probe:?} passes for {:?}", job.work);
        }
    }
}

#[test]
fn without_isolation_a_check_asks_nothing_outside() {
    let mut job = check();
    let Work::Check(work) = &mut job.work else { unreachable!("it is one") };
    work.isolation = false;
    let passing = probes().into_iter().filter(|(probe, body)| fence(&job).check(probe, body).is_ok()).count();
    assert_eq!(passing, 13);
}

#[test]
fn a_check_touches_nothing_that_exists() {
    let no_upload = holdfast_core::probe::NO_UPLOAD;
    let condition: &[(&str, &str)] = &[("if-match", "*")];
    for (attack, method, rest, headers) in [
        ("deletes the marker", Method::Delete, "home/client1/holdfast-site.json", condition),
        ("deletes a backup", Method::Delete, "home/client1/site.zip", condition),
        ("deletes a backup's version", Method::Delete, "home/client1/site.zip?versionId=1", &[]),
        ("deletes another client's", Method::Delete, "home/client2/x.zip", condition),
        ("deletes without a condition", Method::Delete, "home/client1/holdfast-probe-r1", &[]),
        (
            "deletes under a condition that holds",
            Method::Delete,
            "home/client1/holdfast-probe-r1",
            &[("if-match", "e")],
        ),
        ("reads a backup", Method::Get, "home/client1/site.zip", &[]),
        ("reads another client's", Method::Get, "home/client2/x.zip", &[]),
        ("looks at another's, unasked", Method::Head, "home/client3/x.zip", &[]),
        ("lists another client", Method::Get, "?list-type=2&prefix=home%2Fclient2%2F", &[]),
        ("lists their uploads", Method::Get, "?uploads=&prefix=home%2Fclient2%2F", &[]),
        ("begins an upload elsewhere", Method::Post, "home/client1/site.zip?uploads=", &[]),
        ("aborts an upload elsewhere", Method::Delete, "home/client1/site.zip?uploadId=id", &[]),
        ("aborts an upload of another", Method::Delete, "home/holdfast-probe-r1/holdfast-probe-r1?uploadId=id", &[]),
        ("stores a part", Method::Put, "home/client1/holdfast-probe-r1?partNumber=1&uploadId=id", &[]),
        ("completes an upload", Method::Post, "home/client1/holdfast-probe-r1?uploadId=id", &[]),
        ("reads the policy", Method::Get, "?policy=", &[]),
    ] {
        refused(attack, &check(), &with(request(method, format!("{HOST}/{rest}")), headers));
    }
    let other = [("x-amz-copy-source", "backups/home/client2/x.zip")];
    let copy = request(Method::Put, format!("{HOST}/home/client1/holdfast-probe-r1?partNumber=1&uploadId={no_upload}"));
    refused("copies another client's", &check(), &with(copy, &other));
}

#[test]
fn a_check_writes_a_marker_and_nothing_else() {
    let (put, text) = probes().pop().expect("the last one");
    assert!(fence(&check()).check(&put, &text).is_ok());
    for other in [&b"<html>"[..], b"{}", b"{\"site\":\"x\"}"] {
        let body = BodySource::Inline { start: 0, len: other.len() };
        let refusal = fence(&check()).check(&Request { body, ..put.clone() }, other).map(|_| ());
        assert_eq!(refusal, Err(Refusal::Body("is none that a check sends")));
    }
    // One that is there is not written over, and where none is wanted none is written.
    let unconditional = Request { headers: vec![("content-type".into(), "application/json".into())], ..put.clone() };
    assert_eq!(fence(&check()).check(&unconditional, &text).map(|_| ()), Err(Refusal::Unconditional));
    let mut unmarked = check();
    let Work::Check(work) = &mut unmarked.work else { unreachable!("it is one") };
    work.marker = None;
    assert_eq!(fence(&unmarked).check(&put, &text).map(|_| ()), Err(Refusal::Unconditional));
    let backup = Request { url: format!("{HOST}/home/client1/site.zip"), ..put };
    assert_eq!(fence(&check()).check(&backup, &text).map(|_| ()), Err(Refusal::Place));
}

#[test]
fn amazon_is_asked_who_we_are_and_by_a_check_alone() {
    let body = holdfast_core::probe::WHO_AM_I.as_bytes();
    let ask = |url: &str| {
        let body = BodySource::Inline { start: 0, len: body.len() };
        let ask = request(Method::Post, url);
        Request { body, ..with(ask, &[("content-type", "application/x-www-form-urlencoded")]) }
    };
    let mut job = check();
    let sts = ask("https://sts.eu-west-1.amazonaws.com/");
    assert_eq!(fence(&job).check(&sts, body).map(|_| ()), Err(Refusal::Endpoint), "not Amazon's endpoint");
    job.target.endpoint = Endpoint::aws();
    assert!(fence(&job).check(&sts, body).is_ok());
    for url in ["http://sts.eu-west-1.amazonaws.com/", "https://sts.evil.com/", "https://sts.amazonaws.com.evil.com/"] {
        assert_eq!(fence(&job).check(&ask(url), body).map(|_| ()), Err(Refusal::Endpoint), "{url}");
    }
    let assume = b"Action=AssumeRole&Version=2011-06-15&RoleArn=x";
    let other = Request { body: BodySource::Inline { start: 0, len: assume.len() }, ..sts.clone() };
    assert!(fence(&job).check(&other, assume).is_err());
    let mut upload = upload();
    upload.target.endpoint = Endpoint::aws();
    assert!(fence(&upload).check(&sts, body).is_err());
}
