//! The same promises on every server: MinIO, versitygw, and the one in this process.

use std::path::{Path, PathBuf};

use holdfast_testbed::{Authority, Embedded, Finished, Holdfast, Minio, S3, Versitygw, data, versitygw};

const MIB: u64 = 1 << 20;
const BUCKET: &str = "backups";

/// A server, and what is particular about it.
struct Bed {
    endpoint: String,
    s3: S3,
    /// It takes keys with `//` and `..` in them.
    odd_keys: bool,
    /// It can list multipart uploads.
    lists_uploads: bool,
}

fn archive(holdfast: &Holdfast, name: &str, len: u64) -> PathBuf {
    let path = holdfast.home().join(name);
    data::write_file(&path, len, len).expect("a file can be written");
    path
}

fn holdfast(bed: &Bed, holdfast: &Holdfast, args: &[&str]) -> Finished {
    holdfast.run(args.iter().copied().chain(["--endpoint", bed.endpoint.as_str()]))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("made of ASCII")
}

fn promises(bed: &Bed) {
    bed.s3.create_bucket(BUCKET);
    small_and_large_archives_arrive(bed);
    an_object_is_never_replaced_unasked(bed);
    odd_keys_come_back_as_they_are(bed);
    what_was_asked_for_is_stored_with_it(bed);
    listings_show_one_prefix(bed);
}

fn small_and_large_archives_arrive(bed: &Bed) {
    let machine = Holdfast::new();
    for len in [1, 5 * MIB, 5 * MIB + 1, 23 * MIB + 7] {
        let path = archive(&machine, &format!("a{len}"), len);
        let object = format!("s3://{BUCKET}/sizes/{len}");
        let sent =
            holdfast(bed, &machine, &["upload", text(&path), &object, "--part-size", "5MiB", "--json"]).expect_ok();
        let done = sent.event("done").expect("it is done");
        assert_eq!(done["report"]["bytes_sent"], len, "{sent}");
        assert_eq!(done["report"]["proof"]["looked"], true, "{sent}");
        let stored = bed.s3.get(BUCKET, &format!("sizes/{len}"));
        assert!(stored == std::fs::read(&path).expect("readable"), "{len} bytes are not those that were sent");
        holdfast(bed, &machine, &["verify", &object]).expect_ok();
        // Another machine knows nothing of the upload.
        let elsewhere = Holdfast::new();
        let verified = holdfast(bed, &elsewhere, &["verify", &object, "--json"]).expect_ok();
        let compared = &verified.event("done").expect("it is done")["report"]["compared_with"];
        assert!(compared.as_array().is_some_and(|with| !with.is_empty()), "{verified}");
        let back = elsewhere.home().join("back");
        holdfast(bed, &elsewhere, &["get", &object, "--to", text(&back)]).expect_ok();
        assert_eq!(data::first_difference(&path, &back).expect("readable"), None);
        assert!(!elsewhere.home().join("back.holdfast-part").exists());
        if bed.lists_uploads {
            assert!(bed.s3.unfinished(BUCKET, &format!("sizes/{len}")).is_empty());
        }
    }
}

fn an_object_is_never_replaced_unasked(bed: &Bed) {
    let machine = Holdfast::new();
    for len in [MIB, 12 * MIB] {
        let path = archive(&machine, &format!("b{len}"), len);
        let key = format!("kept/{len}");
        bed.s3.put(BUCKET, &key, b"older").expect_ok("put");
        let object = format!("s3://{BUCKET}/{key}");
        let args = ["upload", text(&path), &object, "--part-size", "5MiB"];
        let refused = holdfast(bed, &machine, &args).expect_code(15);
        assert!(refused.stderr.contains("exists already") && refused.stderr.contains("--overwrite"), "{refused}");
        assert_eq!(bed.s3.get(BUCKET, &key), b"older");
        holdfast(bed, &machine, &[&args[..], &["--overwrite"]].concat()).expect_ok();
        assert!(bed.s3.get(BUCKET, &key) == std::fs::read(&path).expect("readable"));
    }
}

fn odd_keys_come_back_as_they_are(bed: &Bed) {
    let machine = Holdfast::new();
    let path = archive(&machine, "c", 1000);
    let mut keys = vec!["with space +plus~tilde é%20 & = ? # ' \" 日本", "x/%2F/%2e", "-dash", "a=b&c=d"];
    if bed.odd_keys {
        keys.push("a//../b +~é%20");
    }
    for key in keys {
        let object = format!("s3://{BUCKET}/odd/{key}");
        holdfast(bed, &machine, &["upload", text(&path), &object]).expect_ok();
        holdfast(bed, &machine, &["verify", &object]).expect_ok();
        if !key.contains("..") {
            let listed = holdfast(bed, &machine, &["list", "-R", &format!("s3://{BUCKET}/odd/")]).expect_ok();
            assert!(listed.stdout.lines().any(|line| line.ends_with(&format!("odd/{key}"))), "{key}: {listed}");
        }
    }
}

fn what_was_asked_for_is_stored_with_it(bed: &Bed) {
    let machine = Holdfast::new();
    for len in [1000, 12 * MIB] {
        let path = archive(&machine, &format!("d{len}"), len);
        let key = format!("dressed/{len}");
        let object = format!("s3://{BUCKET}/{key}");
        let args = ["upload", text(&path), &object, "--part-size", "5MiB", "--metadata", "note=Zoë says hi"];
        holdfast(bed, &machine, &args).expect_ok();
        let head = bed.s3.head(BUCKET, &key);
        assert!(head.header("x-amz-meta-holdfast-run").is_some_and(|run| run.len() == 32), "{:?}", head.headers);
        assert_eq!(head.header("x-amz-meta-holdfast-source"), Some(format!("d{len}").as_str()));
        assert!(head.header("x-amz-meta-note").is_some());
    }
}

fn listings_show_one_prefix(bed: &Bed) {
    let machine = Holdfast::new();
    for n in 0..5 {
        bed.s3.put(BUCKET, &format!("home/client1/{n}"), b"x").expect_ok("put");
    }
    bed.s3.put(BUCKET, "home/client10/secret", b"x").expect_ok("put");
    let listed = holdfast(bed, &machine, &["list", &format!("s3://{BUCKET}/home/client1/"), "--json"]).expect_ok();
    let keys: Vec<_> = listed.events().iter().filter_map(|e| e["key"].as_str().map(str::to_owned)).collect();
    assert_eq!(keys.len(), 5, "{listed}");
    assert!(!listed.stdout.contains("client10"));
    let shallow = holdfast(bed, &machine, &["list", &format!("s3://{BUCKET}/home/")]).expect_ok();
    assert_eq!(shallow.stdout.lines().count(), 2, "{shallow}");
    // Without its slash, client1 would take in client10.
    holdfast(bed, &machine, &["list", &format!("s3://{BUCKET}/home/client1")]).expect_code(2);
    holdfast(bed, &machine, &["get", &format!("s3://{BUCKET}/nothing"), "--to", "/tmp/never"]).expect_code(10);
}

#[test]
fn minio_keeps_every_promise() {
    let server = Minio::start();
    let endpoint = server.endpoint().to_owned();
    promises(&Bed { endpoint, s3: server.s3(), odd_keys: false, lists_uploads: true });
}

#[test]
fn versitygw_keeps_every_promise() {
    let server = Versitygw::start();
    let endpoint = server.endpoint().to_owned();
    promises(&Bed { endpoint, s3: server.s3(), odd_keys: true, lists_uploads: true });
}

#[test]
fn the_embedded_server_keeps_every_promise_it_can() {
    let server = Embedded::start().expect("it starts");
    let bed = Bed { endpoint: server.endpoint(), s3: server.s3(), odd_keys: false, lists_uploads: false };
    bed.s3.create_bucket(BUCKET);
    small_and_large_archives_arrive(&bed);
    an_object_is_never_replaced_unasked(&bed);
}

#[test]
fn over_tls_with_a_private_authority() {
    let authority = Authority::new();
    let minio = Minio::start_tls(&authority);
    let versity = Versitygw::launch(versitygw::Options { authority: Some(&authority), ..Default::default() });
    for (endpoint, s3) in [(minio.endpoint(), minio.s3()), (versity.endpoint(), versity.s3())] {
        s3.create_bucket(BUCKET);
        let machine = Holdfast::new();
        let ca = authority.write_pem(machine.home());
        let path = archive(&machine, "a", 12 * MIB);
        let object = format!("s3://{BUCKET}/a");
        let args = ["upload", text(&path), &object, "--part-size", "5MiB", "--endpoint", endpoint];
        let unknown = machine.run(args).expect_code(14);
        assert!(unknown.stderr.contains("--ca-file"), "{unknown}");
        machine.run(args.into_iter().chain(["--ca-file", text(&ca)])).expect_ok();
        assert!(s3.get(BUCKET, "a") == std::fs::read(&path).expect("readable"));
        let back = machine.home().join("back");
        machine.run(["get", &object, "--to", text(&back), "--endpoint", endpoint, "--ca-file", text(&ca)]).expect_ok();
        assert_eq!(data::first_difference(&path, &back).expect("readable"), None);
    }
}

#[test]
fn the_region_is_found_out_and_remembered() {
    let server = Versitygw::launch(versitygw::Options { region: Some("eu-west-3"), ..Default::default() });
    server.s3().create_bucket(BUCKET);
    // A region that is given is asked first, each time.
    let machine = Holdfast::new().env("AWS_REGION", "");
    let path = archive(&machine, "a", MIB);
    for key in ["a", "b"] {
        let object = format!("s3://{BUCKET}/{key}");
        let sent = machine.run(["upload", text(&path), &object, "--json", "--endpoint", server.endpoint()]).expect_ok();
        assert_eq!(sent.event("region").is_some(), key == "a", "{sent}");
    }
}

#[test]
fn encryption_tags_and_object_lock() {
    let server = Minio::start();
    let s3 = server.s3();
    s3.create_bucket(BUCKET);
    s3.create_locked_bucket("locked");
    s3.set_default_retention("locked", "GOVERNANCE", 1);
    let machine = Holdfast::new();
    for len in [1000, 12 * MIB] {
        let path = archive(&machine, &format!("a{len}"), len);
        for (bucket, key, more, header, value) in [
            (BUCKET, "sse-s3", &["--encrypt", "aes256"][..], "x-amz-server-side-encryption", "AES256"),
            (BUCKET, "sse-kms", &["--encrypt", "kms"][..], "x-amz-server-side-encryption", "aws:kms"),
            (BUCKET, "tagged", &["--tag", "site=client1", "--tag", "kind=nightly"][..], "x-amz-tagging-count", "2"),
            ("locked", "locked", &[][..], "x-amz-object-lock-mode", "GOVERNANCE"),
        ] {
            let key = format!("{key}-{len}");
            let object = format!("s3://{bucket}/{key}");
            let args = ["upload", text(&path), &object, "--part-size", "5MiB", "--endpoint", server.endpoint()];
            machine.run(args.iter().chain(more)).expect_ok();
            let head = s3.head(bucket, &key);
            assert_eq!(head.header(header), Some(value), "{key}: {:?}", head.headers);
            machine.run(["verify", &object, "--endpoint", server.endpoint()]).expect_ok();
        }
    }
}

#[test]
fn someone_elses_bucket_is_refused_where_the_owner_is_checked() {
    let server = Versitygw::start();
    server.s3().create_bucket(BUCKET);
    let machine = Holdfast::new();
    let path = archive(&machine, "a", 1000);
    let args = ["upload", text(&path), "s3://backups/a", "--endpoint", server.endpoint()];
    let owner = ["--expected-bucket-owner", "111122223333"];
    machine.run(args.iter().chain(&owner)).expect_code(12);
    assert!(!server.s3().exists(BUCKET, "a"));
}
