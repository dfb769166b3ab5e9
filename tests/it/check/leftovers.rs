//! Nothing is left behind, in buckets of any kind: no object but the marker, no version, no
//! delete marker, no upload.

use holdfast_testbed::{Holdfast, S3, Versitygw, minio::KMS_KEY, versitygw::Options, xml};
use serde_json::{Value, json};

use super::{BUCKET, Bed, OWN, Report, listing_like, needed, needed_without, on_bucket, on_objects, run};

/// Every version of every object and every delete marker, as the bucket's owner sees them.
fn versions(s3: &S3) -> Vec<String> {
    let page = s3.send("GET", &format!("/{BUCKET}"), &[("versions", "")], &[], b"").expect_ok("versions").text();
    assert!(page.contains("<ListVersionsResult"), "{page}");
    let keys = |kind: &str| -> Vec<String> {
        let found = xml::elements(&page, kind);
        found.iter().map(|one| format!("{kind} {}", xml::element(one, "Key").expect("a key"))).collect()
    };
    [keys("Version"), keys("DeleteMarker")].concat()
}

fn only_the_marker() -> Vec<String> {
    vec![format!("Version {OWN}holdfast-site.json")]
}

type Kind = (&'static str, fn(&S3));

/// The kinds of buckets.
const KINDS: [Kind; 3] = [
    ("plain", |s3| s3.create_bucket(BUCKET)),
    ("versioned", |s3| {
        s3.create_bucket(BUCKET);
        s3.enable_versioning(BUCKET);
    }),
    ("locked", |s3| {
        s3.create_locked_bucket(BUCKET);
        s3.set_default_retention(BUCKET, "GOVERNANCE", 1);
    }),
];

/// Backups go in and nothing comes out: made for buckets with Object Lock.
fn write_only() -> Vec<Value> {
    let own = |action| on_objects(action, "home/${aws:username}/*");
    let mut deny = json!({"Effect": "Deny", "Action": [
        "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention", "s3:PutObjectRetention",
        "s3:PutObjectLegalHold"]});
    deny["Resource"] = json!(format!("arn:aws:s3:::{BUCKET}/*"));
    vec![
        on_bucket("s3:GetBucketVersioning"),
        on_bucket("s3:GetBucketObjectLockConfiguration"),
        listing_like("home/${aws:username}/*"),
        own("s3:PutObject"),
        own("s3:AbortMultipartUpload"),
        own("s3:ListMultipartUploadParts"),
        deny,
    ]
}

#[track_caller]
fn assert_nothing_left(report: &Report) {
    assert!(report.document["left_behind"].is_null(), "{report:#?}");
}

#[test]
fn on_minio_nothing_but_one_marker() {
    for (kind, create) in KINDS {
        let bed = Bed::with_bucket(create);
        let s3 = bed.server.s3();
        bed.allow(&needed());
        assert_nothing_left(&bed.report(OWN, &["--no-marker"]));
        assert_eq!((versions(&s3), bed.server.unfinished_bytes()), (vec![], 0), "{kind}, without a marker");
        for time in ["first", "second"] {
            assert_nothing_left(&bed.report(OWN, &["--tag", "site=a", "--encrypt", &format!("kms:{KMS_KEY}")]));
            assert_eq!((versions(&s3), bed.server.unfinished_bytes()), (only_the_marker(), 0), "{kind}, {time} time");
        }
        // What could not be ended is not begun.
        bed.allow(&needed_without(&["s3:AbortMultipartUpload"]));
        assert_nothing_left(&bed.report(OWN, &[]));
        // With keys that may do everything, everywhere.
        bed.allow(&[on_bucket("s3:*"), on_objects("s3:*", "*")]);
        assert_nothing_left(&bed.report(OWN, &[]));
        assert_eq!((versions(&s3), bed.server.unfinished_bytes()), (only_the_marker(), 0), "{kind}");
    }
}

#[test]
fn on_minio_nothing_but_one_marker_with_keys_that_only_write() {
    for (kind, create) in KINDS {
        let bed = Bed::with_bucket(create);
        let s3 = bed.server.s3();
        bed.allow(&write_only());
        let report = bed.report(OWN, &["--no-marker"]);
        assert_nothing_left(&report);
        assert_eq!((report.verdict("put"), report.verdict("delete")), ("allowed", "denied"), "{kind}");
        assert_eq!((versions(&s3), bed.server.unfinished_bytes()), (vec![], 0), "{kind}, without a marker");
        for time in ["first", "second"] {
            let report = bed.report(OWN, &[]);
            assert_nothing_left(&report);
            assert_eq!((report.code, report.summary("backups")), (3, "work_with_limits"), "{kind}, {time} time");
            assert_eq!(report.verdict("get"), "denied", "{kind}, {time} time");
            // It may overwrite, and where nothing keeps versions that would not be proved without harm.
            let stolen = if kind == "plain" { "inconclusive" } else { "cannot_destroy" };
            assert_eq!(report.summary("stolen_key"), stolen, "{kind}, {time} time");
            assert_eq!((versions(&s3), bed.server.unfinished_bytes()), (only_the_marker(), 0), "{kind}, {time} time");
        }
    }
}

/// What the tests above look at would show it.
#[test]
fn what_is_left_behind_would_be_seen() {
    let bed = Bed::with_bucket(KINDS[1].1);
    let s3 = bed.server.s3();
    s3.create_upload(BUCKET, "a");
    assert!(bed.server.unfinished_bytes() > 0);
    s3.put(BUCKET, "b", b"");
    s3.delete(BUCKET, "b");
    assert_eq!(versions(&s3), ["Version b", "DeleteMarker b"]);
}

#[test]
fn on_versitygw_nothing_but_one_marker() {
    let no_versions = Options { without_versions: true, ..Options::default() };
    let [plain, versioned, locked] = KINDS;
    let keeps = Options::default();
    for ((kind, create), options) in
        [(("no versions at all", plain.1), no_versions), (plain, keeps), (versioned, keeps), (locked, keeps)]
    {
        let server = Versitygw::launch(options);
        let s3 = server.s3();
        create(&s3);
        let machine = Holdfast::new();
        let report = |more: &[&str]| {
            let with_json: Vec<&str> = more.iter().copied().chain(["--json"]).collect();
            Report::of(&run(&machine, server.endpoint(), "check", OWN, &with_json))
        };
        let left = || {
            let objects = if options.without_versions {
                let listed = s3.list(BUCKET, "");
                listed.into_iter().map(|object| format!("Version {}", object.key)).collect()
            } else {
                versions(&s3)
            };
            (objects, s3.unfinished(BUCKET, "").len())
        };
        assert_nothing_left(&report(&["--no-marker"]));
        assert_eq!(left(), (vec![], 0), "{kind}, without a marker");
        for time in ["first", "second"] {
            let report = report(&["--tag", "site=a"]);
            assert_nothing_left(&report);
            assert_eq!(report.verdict("get"), "allowed", "{kind}, {time} time");
            assert_eq!(left(), (only_the_marker(), 0), "{kind}, {time} time");
        }
    }
}
