//! Whether a thief with the key can destroy backups, as MinIO's answers tell it.

use holdfast_testbed::S3;
use serde_json::{Value, json};

use super::{BUCKET, Bed, OWN, needed, needed_without, on_objects};

fn deny(action: &str) -> Value {
    let mut statement = on_objects(action, "*");
    statement["Effect"] = json!("Deny");
    statement
}

pub(super) fn versioned(s3: &S3) {
    s3.create_bucket(BUCKET);
    s3.enable_versioning(BUCKET);
}

/// What the report says of this bucket with these statements.
#[track_caller]
fn assert_stolen(create: fn(&S3), cases: &[(&str, Vec<Value>, &str, &str)]) {
    let bed = Bed::with_bucket(create);
    for (name, statements, state, words) in cases {
        bed.allow(statements);
        let report = bed.report(OWN, &[]);
        let sentence = report.says("stolen_key_sentence");
        assert_eq!(report.summary("stolen_key"), *state, "{name}: {sentence}");
        assert!(sentence.starts_with("If this key is stolen") && sentence.contains(words), "{name}: {sentence}");
    }
}

#[test]
fn without_versions_who_may_delete_or_overwrite_destroys() {
    let mut no_put = needed_without(&["s3:DeleteObject"]);
    no_put.push(deny("s3:PutObject"));
    assert_stolen(
        |s3| s3.create_bucket(BUCKET),
        &[
            ("nothing is there yet", no_put, "inconclusive", "no answer tells"),
            ("deleting", needed(), "can_destroy", "may delete objects"),
            ("overwriting", needed_without(&["s3:DeleteObject"]), "can_destroy", "may overwrite objects"),
            (
                "versions cannot be seen",
                needed_without(&["s3:GetBucketVersioning"]),
                "inconclusive",
                "`s3:GetBucketVersioning`",
            ),
        ],
    );
}

/// MinIO takes `s3:DeleteObject` for `s3:DeleteObjectVersion`, unless that is denied.
#[test]
fn with_versions_who_may_delete_them_destroys() {
    let mut keeps = needed();
    keeps.push(deny("s3:DeleteObjectVersion"));
    assert_stolen(
        versioned,
        &[
            ("versions go with objects", needed(), "can_destroy", "`s3:DeleteObjectVersion`"),
            ("versions stay", keeps, "cannot_destroy", "the bucket keeps versions"),
            ("nothing is deleted", needed_without(&["s3:DeleteObject"]), "cannot_destroy", "the bucket keeps versions"),
            (
                "versions cannot be seen",
                needed_without(&["s3:GetBucketVersioning"]),
                "inconclusive",
                "`s3:GetBucketVersioning`",
            ),
        ],
    );
}

/// The thief tries: what was said is so.
#[test]
fn what_is_said_of_versions_is_so() {
    let bed = Bed::with_bucket(versioned);
    let key = format!("/{BUCKET}/{OWN}site.zip");
    for (denies, state) in [(false, "can_destroy"), (true, "cannot_destroy")] {
        let version = bed.server.s3().put(BUCKET, &format!("{OWN}site.zip"), b"a backup");
        let version = version.header("x-amz-version-id").expect("a version").to_owned();
        let mut statements = needed();
        statements.extend(denies.then(|| deny("s3:DeleteObjectVersion")));
        bed.allow(&statements);
        assert_eq!(bed.report(OWN, &[]).summary("stolen_key"), state);
        let stolen = bed.s3().send("DELETE", &key, &[("versionId", &version)], &[], b"");
        assert_eq!(stolen.status, if denies { 403 } else { 204 }, "{}", stolen.text());
    }
}

#[test]
fn object_lock_keeps_versions_for_its_time_and_its_governance_mode_not_from_those_who_may_lift_it() {
    let lock = |mode: &'static str| {
        let bed = Bed::with_bucket(|s3| {
            s3.create_locked_bucket(BUCKET);
            s3.set_default_retention(BUCKET, mode, 1);
        });
        bed.allow(&needed());
        let report = bed.report(OWN, &[]);
        (report.summary("stolen_key").to_owned(), report.says("stolen_key_sentence").to_owned())
    };
    let (state, sentence) = lock("COMPLIANCE");
    assert_eq!(state, "inconclusive", "{sentence}");
    assert!(sentence.contains("for its retention time and no longer"), "{sentence}");
    let (state, sentence) = lock("GOVERNANCE");
    assert_eq!(state, "inconclusive", "{sentence}");
    assert!(sentence.contains("`s3:BypassGovernanceRetention`"), "{sentence}");
}
