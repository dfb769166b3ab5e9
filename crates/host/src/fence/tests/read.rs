//! Reading, deleting, and URLs for others.

use holdfast_core::{
    job::{Presign, Remove},
    plan::{Extent, MIB},
};

use super::*;

fn read(what: Stretch) -> Job {
    work(Work::Read(Read { key: Key::parse(KEY).expect("a key"), etag: None, what }))
}

fn tail() -> Job {
    read(Stretch::Tail { len: 1_000 })
}

/// 100 bytes at 50, then 20 MiB from the first MiB on: in the destination one after another.
fn extents() -> Job {
    read(Stretch::Extents(vec![Extent { offset: 50, len: 100 }, Extent { offset: MIB, len: 20 * MIB }]))
}

fn remove() -> Job {
    let keys = ["home/client1/1.zip", "home/client1/2.zip"].map(|key| Key::parse(key).expect("a key")).to_vec();
    work(Work::Remove(Remove { keys }))
}

fn presign(file_name: Option<&str>) -> Job {
    let key = Key::parse(KEY).expect("a key");
    work(Work::Presign(Presign { key, expires_s: 300, file_name: file_name.map(str::to_owned) }))
}

fn get_tail(range: &str, len: u64) -> Request {
    Request { sink: Sink::Tail { len }, ..with(request(Method::Get, format!("{HOST}/{PATH}")), &[("range", range)]) }
}

#[test]
fn a_read_gets_its_bytes() {
    assert_eq!(allowed(&tail(), &get_tail("bytes=-1000", 1_000)), Operation::GetObject);
    for (range, place, len) in [
        ("bytes=50-149", 0, 100),
        ("bytes=60-60", 10, 1),
        ("bytes=1048576-9437183", 100, 8 * MIB),
        ("bytes=22020095-22020095", 99 + 20 * MIB, 1),
    ] {
        assert_eq!(allowed(&extents(), &get(range, place, len)), Operation::GetObject, "{range}");
        let pinned = with(get(range, place, len), &[("if-match", "\"e\"")]);
        assert_eq!(allowed(&extents(), &pinned), Operation::GetObject);
    }
}

#[test]
fn a_read_gets_no_other_bytes_and_no_other_object() {
    for (attack, request) in [
        ("reads more of the end", get_tail("bytes=-1001", 1_001)),
        ("fills more than it asked for", get_tail("bytes=-1000", 1_001)),
        ("reads less of the end", get_tail("bytes=-999", 1_000)),
        ("reads a range instead", get_tail("bytes=0-999", 1_000)),
        ("reads all of it", Request { headers: Vec::new(), ..get_tail("", 1_000) }),
        ("puts a range where the end belongs", get("bytes=0-9", 0, 10)),
        ("takes bytes into the module", Request { sink: Sink::Inline, ..get_tail("bytes=-1000", 1_000) }),
        ("looks at it", request(Method::Head, format!("{HOST}/{PATH}"))),
        (
            "reads another object",
            Request { url: format!("{HOST}/home/client2/site.zip"), ..get_tail("bytes=-1000", 1_000) },
        ),
    ] {
        refused(attack, &tail(), &request);
    }
    for (attack, request) in [
        ("begins before", get("bytes=49-149", 0, 101)),
        ("ends behind", get("bytes=50-150", 0, 101)),
        ("reads the gap", get("bytes=150-150", 100, 1)),
        ("puts it elsewhere", get("bytes=50-149", 1, 100)),
        ("swaps two of one length", get("bytes=50-50", 100, 1)),
        ("spans two extents", get("bytes=149-150", 99, 2)),
        ("asks for less than it fills", get("bytes=50-148", 0, 100)),
        ("asks for more than it fills", get("bytes=50-149", 0, 99)),
        ("takes more than waits in memory", get("bytes=1048576-9437184", 100, 8 * MIB + 1)),
        ("reads backwards", get("bytes=149-50", 0, 100)),
        ("overflows", get("bytes=0-18446744073709551615", 0, 0)),
        ("reads the end", get_tail("bytes=-1000", 1_000)),
        ("takes bytes into the module", Request { sink: Sink::Inline, ..get("bytes=50-149", 0, 100) }),
    ] {
        refused(attack, &extents(), &request);
    }
    let mut pinned = extents();
    let Work::Read(work) = &mut pinned.work else { unreachable!("it is one") };
    work.etag = Some("abc".to_owned());
    refused("reads another version", &pinned, &with(get("bytes=50-149", 0, 100), &[("if-match", "\"e\"")]));
    assert!(fence(&fetch()).check(&get_tail("bytes=-1000", 1_000), b"").is_err());
}

#[test]
fn deleting_is_of_the_jobs_keys_and_leaves_versions_alone() {
    let delete = |rest: &str| request(Method::Delete, format!("{HOST}/{rest}"));
    for key in ["home/client1/1.zip", "home/client1/2.zip"] {
        assert_eq!(allowed(&remove(), &delete(key)), Operation::DeleteObject);
    }
    for (attack, request) in [
        ("deletes another backup", delete("home/client1/3.zip")),
        ("deletes another's", delete("home/client2/1.zip")),
        ("deletes a version", delete("home/client1/1.zip?versionId=null")),
        ("aborts an upload", delete("home/client1/1.zip?uploadId=id")),
        ("deletes the bucket", delete("")),
        ("reads it", request(Method::Get, format!("{HOST}/home/client1/1.zip"))),
        (
            "deletes what is under governance",
            with(delete("home/client1/1.zip"), &[("x-amz-bypass-governance-retention", "true")]),
        ),
        ("deletes under a condition", with(delete("home/client1/1.zip"), &[("if-match", "*")])),
    ] {
        refused(attack, &remove(), &request);
    }
    for job in [upload(), fetch(), list(), fleet(), abort(), tail(), extents(), presign(None)] {
        refused("deletes", &job, &delete("home/client1/1.zip"));
    }
    refused("signs and sends", &presign(None), &request(Method::Get, format!("{HOST}/{PATH}")));
}

#[test]
fn a_url_for_others_is_of_the_jobs_object_and_time() {
    let signed = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=k%2F20261123%2Fus-east-1%2Fs3%2Faws4_request\
                  &X-Amz-Date=20261123T120000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=0a";
    let name = "response-content-disposition=attachment";
    let url = |path: &str, query: &str| format!("{HOST}/{path}?{signed}{query}");
    assert_eq!(is_presigned(&presign(None), &url(PATH, "&X-Amz-Expires=300")), Ok(()));
    assert_eq!(is_presigned(&presign(Some("n")), &url(PATH, &format!("&{name}&X-Amz-Expires=300"))), Ok(()));
    for (attack, url) in [
        ("lives longer", url(PATH, "&X-Amz-Expires=301")),
        ("lives for ever", url(PATH, "")),
        ("is of another object", url("home/client2/site.zip", "&X-Amz-Expires=300")),
        ("is of the bucket", url("", "&X-Amz-Expires=300")),
        ("is of a version", url(PATH, "&X-Amz-Expires=300&versionId=1")),
        ("begins an upload", url(PATH, "&X-Amz-Expires=300&uploads=")),
        ("has a name that nobody gave", url(PATH, &format!("&{name}&X-Amz-Expires=300"))),
        ("is of another server", url(PATH, "&X-Amz-Expires=300").replace("s3.example.com", "evil.example")),
        ("goes without TLS", url(PATH, "&X-Amz-Expires=300").replace("https", "http")),
    ] {
        assert!(is_presigned(&presign(None), &url).is_err(), "{attack}");
    }
}
