//! Each server starts, takes an object, a multipart upload and an odd key, and ends when dropped.

use std::time::Duration;

use holdfast_testbed::toxiproxy::Direction;
use holdfast_testbed::versitygw::Options;
use holdfast_testbed::{Authority, Embedded, Minio, S3, Toxiproxy, Versitygw, data};
use serde_json::json;

const MIB: usize = 1 << 20;

fn put_get_and_multipart(s3: &S3) {
    s3.create_bucket("bed");
    let small = data::bytes(1, 1000);
    s3.put("bed", "dir/small", &small);
    assert_eq!(s3.get("bed", "dir/small"), small);

    let id = s3.create_upload("bed", "dir/large");
    let parts = [data::bytes(2, 5 * MIB), data::bytes(3, 100)];
    let etags: Vec<_> =
        (1..).zip(&parts).map(|(n, part)| (n, s3.upload_part("bed", "dir/large", &id, n, part))).collect();
    let listed = s3.parts("bed", "dir/large", &id).expect("an upload in progress");
    assert_eq!(listed.iter().map(|p| (p.number, p.size)).collect::<Vec<_>>(), [(1, 5 << 20), (2, 100)]);
    s3.complete("bed", "dir/large", &id, &etags).expect_ok("complete");
    assert_eq!(s3.get("bed", "dir/large"), parts.concat());

    let keys: Vec<_> = s3.list("bed", "dir/").into_iter().map(|o| (o.key, o.size)).collect();
    assert_eq!(keys, [("dir/large".to_owned(), 5_242_980), ("dir/small".to_owned(), 1000)]);
    s3.delete("bed", "dir/small");
    assert!(!s3.exists("bed", "dir/small"));
}

#[test]
fn minio_takes_objects_and_multipart_uploads() {
    let minio = Minio::start();
    let s3 = minio.s3();
    put_get_and_multipart(&s3);
    let received = minio.bytes_received();
    s3.put("bed", "counted", &data::bytes(1, 3 * MIB));
    assert_eq!(minio.bytes_received() - received, 3 << 20);

    let id = s3.create_upload("bed", "dir/orphan");
    assert_eq!(s3.unfinished("bed", "dir/orphan").len(), 1, "the exact key lists it");
    assert_eq!(s3.unfinished("bed", "dir/").len(), 0, "a folder does not: this is MinIO");
    s3.upload_part("bed", "dir/orphan", &id, 1, &data::bytes(1, 5 * MIB));
    assert!(minio.unfinished_bytes() >= 5 << 20);
    s3.abort("bed", "dir/orphan", &id).expect_ok("abort");
    assert_eq!(s3.parts("bed", "dir/orphan", &id), None);
}

#[test]
fn minio_encrypts_with_its_kms_key_and_locks_objects() {
    let minio = Minio::start();
    let s3 = minio.s3();
    s3.create_bucket("kms");
    let kms = [
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption-aws-kms-key-id", holdfast_testbed::minio::KMS_KEY),
    ];
    s3.send("PUT", "/kms/k", &[], &kms, b"secret").expect_ok("put with KMS");
    assert_eq!(s3.head("kms", "k").header("x-amz-server-side-encryption"), Some("aws:kms"));

    s3.create_locked_bucket("locked");
    s3.set_default_retention("locked", "GOVERNANCE", 1);
    s3.put("locked", "k", b"kept");
    assert_eq!(s3.head("locked", "k").header("x-amz-object-lock-mode"), Some("GOVERNANCE"));
}

#[test]
fn versitygw_takes_objects_and_multipart_uploads() {
    let versitygw = Versitygw::start();
    let s3 = versitygw.s3();
    put_get_and_multipart(&s3);

    s3.create_upload("bed", "dir/orphan");
    assert_eq!(s3.unfinished("bed", "dir/").len(), 1, "a folder lists it");
    let odd = "dir/odd +~é%20";
    s3.put("bed", odd, b"odd");
    assert_eq!(s3.get("bed", odd), b"odd");
    assert!(s3.list("bed", "dir/").iter().any(|o| o.key == odd));
}

#[test]
fn versitygw_keeps_versions_and_knows_its_region() {
    let versitygw = Versitygw::launch(Options { region: Some("eu-west-7"), ..Options::default() });
    let s3 = versitygw.s3();
    s3.create_bucket("bed");
    s3.enable_versioning("bed");
    assert!(s3.put("bed", "k", b"one").header("x-amz-version-id").is_some());

    let elsewhere = s3.with_region("us-east-1");
    let refused = elsewhere.send("GET", "/bed", &[("list-type", "2")], &[], b"");
    assert_eq!((refused.status, refused.code().as_deref()), (400, Some("AuthorizationHeaderMalformed")));
    assert!(refused.text().contains("<Region>eu-west-7</Region>"), "{}", refused.text());
}

#[test]
fn versitygw_closes_connections_when_asked_to() {
    let versitygw = Versitygw::launch(Options { close_connections: true, ..Options::default() });
    put_get_and_multipart(&versitygw.s3());
}

#[test]
fn both_speak_tls_with_a_private_authority() {
    let authority = Authority::new();
    let minio = Minio::start_tls(&authority);
    assert!(minio.endpoint().starts_with("https://"));
    put_get_and_multipart(&minio.s3());
    let versitygw = Versitygw::launch(Options { authority: Some(&authority), ..Options::default() });
    put_get_and_multipart(&versitygw.s3());
}

#[test]
fn the_embedded_server_takes_objects_and_multipart_uploads() {
    let embedded = Embedded::start().expect("a loopback port");
    let s3 = embedded.s3();
    put_get_and_multipart(&s3);
    let id = s3.create_upload("bed", "k");
    s3.upload_part("bed", "k", &id, 1, &data::bytes(1, 5 * MIB));
    assert_eq!(embedded.unfinished_parts(), (1, 5 << 20));
    let wrong = s3.with_key("nobody", "nothing");
    assert_eq!(wrong.send("GET", "/bed", &[("list-type", "2")], &[], b"").status, 403);
}

#[test]
fn toxiproxy_slows_and_cuts() {
    let embedded = Embedded::start().expect("a loopback port");
    let toxiproxy = Toxiproxy::start(embedded.address());
    let s3 = S3::new(toxiproxy.endpoint());
    s3.create_bucket("bed");
    toxiproxy.add("latency", Direction::Downstream, 1.0, json!({"latency": 200}));
    let began = std::time::Instant::now();
    s3.put("bed", "k", b"late");
    assert!(began.elapsed() >= Duration::from_millis(200));
    toxiproxy.remove("latency", Direction::Downstream);
    assert_eq!(s3.get("bed", "k"), b"late");
}

#[test]
fn a_dropped_server_is_gone() {
    let versitygw = Versitygw::start();
    let pid = versitygw.pid();
    drop(versitygw);
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
}
