//! A backup's requests, and what somebody who holds its keys would rather send.

use holdfast_core::{
    abi::Millis,
    job::{Backup, Base},
    plan::{Extent, Schedule},
    provider::Rung,
};

use super::*;

const BASE_KEY: &str = "home/client1/old é+.zip";
const SOURCE: &str = "backups/home/client1/old%20%C3%A9%2B.zip";
const MIB: u64 = 1 << 20;

fn backup() -> Job {
    let Work::Upload(upload) = upload().work else { unreachable!("it is one") };
    let parts = vec![Extent { offset: 0, len: 64 * MIB }, Extent { offset: 80 * MIB, len: 7 * MIB }];
    work(Work::Backup(Box::new(Backup {
        key: upload.key,
        base: Some(Base { key: Key::parse(BASE_KEY).expect("a key"), etag: "0123-9".to_owned(), parts }),
        estimate: 0,
        window: 3,
        object: upload.object,
        orphans: upload.orphans,
    })))
}

fn first_night() -> Job {
    let mut job = backup();
    let Work::Backup(backup) = &mut job.work else { unreachable!("it is one") };
    backup.base = None;
    job
}

fn copy(number: u32, headers: &[(&str, &str)]) -> Request {
    with(request(Method::Put, format!("{HOST}/{PATH}?partNumber={number}&uploadId=id")), headers)
}

const FROM: (&str, &str) = ("x-amz-copy-source", SOURCE);
const IF: (&str, &str) = ("x-amz-copy-source-if-match", "\"0123-9\"");
const SECOND: (&str, &str) = ("x-amz-copy-source-range", "bytes=83886080-91226111");

#[test]
fn a_backup_may_do_what_a_backup_needs() {
    let url = |rest: &str| format!("{HOST}/{rest}");
    let first = ("x-amz-copy-source-range", "bytes=0-67108863");
    for (request, operation) in [
        (request(Method::Head, url(PATH)), Operation::HeadObject),
        (create(&[("x-amz-storage-class", "STANDARD_IA")]), Operation::CreateMultipartUpload),
        (copy(1, &[FROM, IF, first]), Operation::UploadPartCopy),
        (copy(2, &[FROM, IF, SECOND]), Operation::UploadPartCopy),
        (part(3, 71 * MIB, 5 * MIB), Operation::UploadPart),
        (part(10_000, 900 << 40, 5 << 30), Operation::UploadPart),
        (with(complete(), &[("x-amz-mp-object-size", "123456789")]), Operation::CompleteMultipartUpload),
        (request(Method::Get, url(&format!("{PATH}?uploadId=id"))), Operation::ListParts),
        (request(Method::Delete, url(&format!("{PATH}?uploadId=id"))), Operation::AbortMultipartUpload),
        (request(Method::Delete, url("home/client1/old.zip?uploadId=old-id")), Operation::AbortMultipartUpload),
        (request(Method::Get, url(&format!("?list-type=2&max-keys=1&prefix={PREFIX}"))), Operation::ListObjectsV2),
    ] {
        assert_eq!(allowed(&backup(), &request), operation);
    }
    assert_eq!(allowed(&first_night(), &put()), Operation::PutObject);
    let empty = Request { body: BodySource::Empty, ..put() };
    assert_eq!(allowed(&first_night(), &empty), Operation::PutObject);
    assert_eq!(allowed(&first_night(), &part(1, 0, 5 * MIB)), Operation::UploadPart);
}

#[test]
fn only_the_jobs_own_bytes_of_the_jobs_own_version_are_copied() {
    let source = |value| ("x-amz-copy-source", value);
    let condition = |value| ("x-amz-copy-source-if-match", value);
    let range = |value| ("x-amz-copy-source-range", value);
    for (attack, number, headers) in [
        ("another client's object", 2, vec![source("backups/home/client2/old.zip"), IF, SECOND]),
        ("another bucket's", 2, vec![source("other/home/client1/old%20%C3%A9%2B.zip"), IF, SECOND]),
        ("its own object", 2, vec![source("backups/home/client1/b"), IF, SECOND]),
        ("with a slash in front", 2, vec![source("/backups/home/client1/old%20%C3%A9%2B.zip"), IF, SECOND]),
        ("not encoded", 2, vec![source("backups/home/client1/old é+.zip"), IF, SECOND]),
        ("another version", 2, vec![source("backups/home/client1/old%20%C3%A9%2B.zip?versionId=1"), IF, SECOND]),
        ("another object of that name", 2, vec![FROM, condition("\"other\""), SECOND]),
        ("any object of that name", 2, vec![FROM, condition("*"), SECOND]),
        ("without a condition", 2, vec![FROM, SECOND]),
        ("all of it", 2, vec![FROM, IF]),
        ("one byte more", 2, vec![FROM, IF, range("bytes=83886080-91226112")]),
        ("the other part's bytes", 1, vec![FROM, IF, SECOND]),
        ("a part of the stream", 3, vec![FROM, IF, SECOND]),
        ("two ranges", 2, vec![FROM, IF, range("bytes=83886080-91226111,0-1")]),
        ("if it is another", 2, vec![FROM, IF, SECOND, ("x-amz-copy-source-if-none-match", "\"x\"")]),
        ("from another's bucket", 2, vec![FROM, IF, SECOND, ("x-amz-source-expected-bucket-owner", "1")]),
        (
            "with a key for the source",
            2,
            vec![FROM, IF, SECOND, ("x-amz-copy-source-server-side-encryption-customer-key", "a")],
        ),
    ] {
        assert!(matches!(refused(attack, &backup(), &copy(number, &headers)), Refusal::Header { .. }), "{attack}");
    }
    let body = BodySource::Part { part: 2, offset: 0, len: 1 };
    let refusal = refused("with a body", &backup(), &Request { body, ..copy(2, &[FROM, IF, SECOND]) });
    assert!(matches!(refusal, Refusal::Body(_)));
    let refusal = refused("the first night", &first_night(), &copy(2, &[FROM, IF, SECOND]));
    assert_eq!(refusal, Refusal::Operation(Method::Put));
    // A whole object is copied by the same headers on a PUT without a part.
    let whole = with(request(Method::Put, format!("{HOST}/{PATH}")), &[FROM, IF, ("if-none-match", "*")]);
    refused("CopyObject", &backup(), &whole);
    refused("CopyObject on the first night", &first_night(), &whole);
}

#[test]
fn a_body_is_of_the_stream() {
    for (attack, request) in [
        ("over what was copied", part(2, 71 * MIB, MIB)),
        ("before the stream", part(3, 71 * MIB - 1, MIB)),
        ("too long", part(3, 71 * MIB, (5 << 30) + 1)),
        ("nothing", Request { body: BodySource::Empty, ..part(3, 71 * MIB, 1) }),
        ("something of its own", Request { body: BodySource::Inline { start: 0, len: 3 }, ..part(3, 71 * MIB, 1) }),
        (
            "another part than it says",
            Request { body: BodySource::Part { part: 4, offset: 71 * MIB, len: 1 }, ..part(3, 71 * MIB, 1) },
        ),
        ("a list of parts from the stream", Request { body: part(3, 71 * MIB, 1).body, ..complete() }),
    ] {
        assert!(matches!(refused(attack, &backup(), &request), Refusal::Body(_)), "{attack}");
    }
    for (attack, body) in [
        ("a later part for the whole", BodySource::Part { part: 2, offset: 5, len: 5 }),
        ("something of its own", BodySource::Inline { start: 0, len: 3 }),
    ] {
        let refusal = refused(attack, &first_night(), &Request { body, ..put() });
        assert!(matches!(refusal, Refusal::Body(_)), "{attack}");
    }
    assert_eq!(refused("in one request", &backup(), &put()), Refusal::Operation(Method::Put));
}

#[test]
fn nothing_is_replaced_read_deleted_or_aborted() {
    let url = |rest: &str| format!("{HOST}/{rest}");
    let bare = |request: Request| Request { headers: Vec::new(), ..request };
    assert_eq!(refused("Put", &first_night(), &bare(put())), Refusal::Unconditional);
    assert_eq!(refused("Complete", &backup(), &bare(complete())), Refusal::Unconditional);
    for (attack, request) in [
        ("read the base", request(Method::Get, url("home/client1/old%20%C3%A9%2B.zip"))),
        ("look at the base", request(Method::Head, url("home/client1/old%20%C3%A9%2B.zip"))),
        ("read its own object", request(Method::Get, url(PATH))),
        ("delete the base", request(Method::Delete, url("home/client1/old%20%C3%A9%2B.zip"))),
        ("abort another upload", request(Method::Delete, url("home/client1/other.zip?uploadId=id"))),
        ("abort another upload of an orphan's key", request(Method::Delete, url("home/client1/old.zip?uploadId=id"))),
        ("list the site", request(Method::Get, url("?list-type=2&prefix=home%2Fclient1%2F"))),
        ("write elsewhere", create(&[("x-amz-storage-class", "GLACIER")])),
        ("an odd size", with(complete(), &[("x-amz-mp-object-size", "0123")])),
    ] {
        refused(attack, &backup(), &request);
    }
}

#[test]
fn what_the_journal_says_was_begun_may_be_aborted() {
    let key = Key::parse("home/client1/yesterday.zip").expect("a key");
    let upload_id = UploadId::parse("id").expect("an id");
    let schedule = Schedule { part_len: 5 * MIB, steady: 1, step: 1, parts: 2 };
    let at = Millis(0);
    let journal = [
        Record::PlannedBackup { key, base: None, schedule, rung: Rung::Etag, at },
        Record::Created { upload_id, abort_at: None },
    ];
    let request = request(Method::Delete, format!("{HOST}/home/client1/yesterday.zip?uploadId=id"));
    refused("without a journal", &backup(), &request);
    let fence = Fence::new(&backup(), &Remembered::default()).with_journal(&journal);
    assert!(fence.check(&request, b"").is_ok());
    let fence = Fence::new(&fetch(), &Remembered::default()).with_journal(&journal);
    assert!(fence.check(&request, b"").is_err(), "only a backup has use for it");
}
