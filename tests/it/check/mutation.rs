//! What is needed, and nothing else: each action is dropped in turn, `check` names exactly that
//! one, and the jobs then do what it said.

use holdfast_testbed::{Toxiproxy, minio::KMS_KEY, toxiproxy::Direction};
use serde_json::{Value, json};

use super::{Archive, BUCKET, Bed, OWN, needed, needed_without};

const MIB: u64 = 1 << 20;

#[test]
fn a_policy_that_holds_what_is_needed_is_green() {
    let bed = Bed::new();
    bed.allow(&needed());
    bed.check(OWN, &[]).expect_ok();
    let report = bed.report(OWN, &[]);
    assert_eq!((report.code, report.summary("backups"), report.summary("isolation")), (0, "work", "closed"));
    assert_eq!(report.missing(), [""; 0]);
    assert_eq!(report.limits(), [""; 0]);
    assert_eq!(report.holes("open"), [""; 0]);
    for probe in ["list", "put", "list_parts", "abort", "get", "copy", "delete", "versioning", "object_lock"] {
        assert_eq!(report.verdict(probe), "allowed", "{probe}");
    }
}

/// What the mutations begin with is what `policy generate` writes, action by action: so these tests
/// prove that policy minimal, and here it is green on a server that keeps versions, as it is meant.
#[test]
fn the_generated_policy_holds_what_is_needed_and_nothing_else() {
    let bed = Bed::with_bucket(super::stolen::versioned);
    let args = ["policy", "generate", "group", "--dialect", "minio", "--bucket", BUCKET];
    let generated: Value = serde_json::from_str(&bed.machine.run(args).expect_ok().stdout).expect("a document");
    let statements = generated["Statement"].as_array().expect("statements");
    let (allows, denies): (Vec<&Value>, Vec<&Value>) =
        statements.iter().partition(|statement| statement["Effect"] == "Allow");
    let mut allowed: Vec<String> = allows.into_iter().flat_map(one_action_each).collect();
    let mut wanted: Vec<String> = needed().iter().flat_map(one_action_each).collect();
    allowed.sort();
    wanted.sort();
    assert_eq!(allowed, wanted);
    assert_eq!(denies.iter().map(|deny| &deny["Action"]).collect::<Vec<_>>(), ["s3:DeleteObjectVersion"]);

    bed.allow_policy(&generated);
    let report = bed.report(OWN, &[]);
    assert_eq!((report.code, report.missing()), (0, vec![]), "{report:?}");
    let sentence = report.says("stolen_key_sentence");
    assert!(sentence.contains("cannot be destroyed"), "{sentence}");
}

/// A statement as one line for each of its actions, one written as a list or not.
fn one_action_each(statement: &Value) -> Vec<String> {
    let listed = |value: &Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    let condition = listed(&statement["Condition"]["StringLike"]["s3:prefix"]);
    let on = format!("{:?} {condition:?}", listed(&statement["Resource"]));
    listed(&statement["Action"]).iter().map(|action| format!("{action} {on}")).collect()
}

/// What a check says when an action is gone, and what is so then.
struct Mutation {
    action: &'static str,
    /// Of the check.
    code: i32,
    backups: &'static str,
    /// Of each limit, some words.
    limits: &'static [&'static str],
    /// Of the sentence about a stolen key.
    stolen: &'static str,
    /// Exit codes: upload, list, get, verify.
    jobs: [i32; 4],
}

const DESTROYS: &str = "backups can be destroyed: it may delete objects";

const MUTATIONS: [Mutation; 8] = [
    Mutation {
        action: "s3:ListBucket",
        code: 3,
        backups: "work_with_limits",
        limits: &["cannot be listed", "travels in full"],
        stolen: DESTROYS,
        jobs: [0, 12, 0, 0],
    },
    Mutation {
        action: "s3:GetBucketVersioning",
        code: 0,
        backups: "work",
        limits: &[],
        stolen: "not known; the key needs `s3:GetBucketVersioning`",
        jobs: [0, 0, 0, 0],
    },
    Mutation {
        action: "s3:GetBucketObjectLockConfiguration",
        code: 0,
        backups: "work",
        limits: &[],
        stolen: DESTROYS,
        jobs: [0, 0, 0, 0],
    },
    Mutation {
        action: "s3:PutObject",
        code: 12,
        backups: "will_not_work",
        limits: &[],
        stolen: DESTROYS,
        jobs: [12, 0, 0, 0],
    },
    Mutation {
        action: "s3:GetObject",
        code: 3,
        backups: "work_with_limits",
        limits: &["cannot be read", "travels in full"],
        stolen: DESTROYS,
        jobs: [0, 0, 12, 12],
    },
    Mutation {
        action: "s3:DeleteObject",
        code: 3,
        backups: "work_with_limits",
        limits: &["Retention cannot delete"],
        stolen: "backups can be destroyed: it may overwrite objects",
        jobs: [0, 0, 0, 0],
    },
    Mutation {
        action: "s3:AbortMultipartUpload",
        code: 3,
        backups: "work_with_limits",
        limits: &["AbortIncompleteMultipartUpload"],
        stolen: DESTROYS,
        jobs: [0, 0, 0, 0],
    },
    Mutation {
        action: "s3:ListMultipartUploadParts",
        code: 3,
        backups: "work_with_limits",
        limits: &["sent again"],
        stolen: DESTROYS,
        jobs: [0, 0, 0, 0],
    },
];

#[test]
fn each_action_that_is_dropped_is_named_and_no_other_and_the_jobs_do_as_was_said() {
    let bed = Bed::new();
    let archive = Archive::new(6 * MIB);
    let last_night = format!("{OWN}last-night.zip");
    bed.server.s3().put(super::BUCKET, &last_night, &archive.bytes);
    assert_eq!(MUTATIONS.map(|mutation| mutation.action).to_vec(), actions(), "each one that is needed");
    for (n, mutation) in MUTATIONS.iter().enumerate() {
        let action = mutation.action;
        bed.allow(&needed_without(&[action]));
        let report = bed.report(OWN, &[]);
        assert_eq!(report.missing(), [action]);
        assert_eq!((report.code, report.summary("backups")), (mutation.code, mutation.backups), "{action}");
        let limits = report.limits();
        let as_expected = limits.len() == mutation.limits.len()
            && limits.iter().zip(mutation.limits).all(|(limit, words)| limit.contains(words));
        assert!(as_expected, "{action}: {limits:#?}");
        assert!(report.says("stolen_key_sentence").contains(mutation.stolen), "{action}: {report:#?}");
        assert_eq!(report.summary("isolation"), "closed", "{action}");

        let to = archive.beside(&format!("got-{n}"));
        let jobs = [
            bed.upload(&format!("{OWN}tonight-{n}.zip"), &archive, &[]),
            bed.run("list", OWN, &[]),
            bed.run("get", &last_night, &["--to", &to]),
            bed.run("verify", &last_night, &[]),
        ];
        for (job, code) in jobs.into_iter().zip(mutation.jobs) {
            assert_eq!(job.code(), code, "without {action}: {job}");
            assert!(code == 0 || job.stderr.contains(action), "without {action}: {job}");
        }
        let deleted = bed.s3().send("DELETE", &format!("/{}/{OWN}no-such.zip", super::BUCKET), &[], &[], b"");
        assert_eq!(deleted.status == 403, action == "s3:DeleteObject", "{action}: {}", deleted.text());
    }
}

fn actions() -> Vec<String> {
    needed().iter().map(|statement| statement["Action"].as_str().expect("one").to_owned()).collect()
}

/// What the statement says that a report gives for a missing action closes the gap.
#[test]
fn each_statement_that_is_given_is_the_one_to_paste() {
    let bed = Bed::new();
    for action in actions() {
        let mut statements = needed_without(&[&action]);
        bed.allow(&statements);
        let report = bed.report(OWN, &[]);
        let findings = report.document["findings"].as_array().expect("findings").clone();
        statements.extend(findings.iter().map(|finding| finding["statement"].clone()).filter(|one| !one.is_null()));
        bed.allow(&statements);
        let again = bed.report(OWN, &[]);
        assert_eq!((again.code, again.missing()), (0, vec![]), "{action}: {again:#?}");
    }
}

#[test]
fn an_interrupted_upload_ends_right_without_the_permissions_to_clean_up_and_to_look() {
    let bed = Bed::new();
    let archive = Archive::new(23 * MIB);
    let lacks: [&[&str]; 3] = [
        &["s3:AbortMultipartUpload"],
        &["s3:ListMultipartUploadParts"],
        &["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
    ];
    for (n, lacking) in lacks.into_iter().enumerate() {
        bed.allow(&needed_without(lacking));
        let slow = Toxiproxy::start(bed.server.address());
        slow.add("bandwidth", Direction::Upstream, 1.0, json!({ "rate": 8_000 }));
        let key = format!("{OWN}interrupted-{n}.zip");
        let words = archive.upload(&key, &slow.endpoint());
        let mut running = bed.machine.start(&words);
        running.wait_for_event(|event| event["event"] == "part_done").expect("a part arrives");
        running.kill();
        assert!(!bed.server.s3().exists(super::BUCKET, &key), "it was killed too late");
        slow.reset();
        let again = bed.machine.run(&words);
        assert_eq!(again.code(), 0, "without {lacking:?}: {again}");
        assert!(bed.server.s3().get(super::BUCKET, &key) == archive.bytes, "without {lacking:?}");
    }
}

/// AWS asks for `s3:PutObjectTagging` when an upload with tags begins, MinIO does not: what a
/// denial comes to is in `wordings.rs`.
#[test]
fn on_minio_tags_take_no_permission_of_their_own_and_none_is_named() {
    let bed = Bed::new();
    bed.allow(&needed());
    let tagged = ["--tag", "site=a"];
    let report = bed.report(OWN, &tagged);
    assert_eq!((report.code, report.missing(), report.verdict("tag")), (0, vec![], "allowed"), "{report:#?}");
    bed.upload(&format!("{OWN}a.zip"), &Archive::new(MIB), &tagged).expect_ok();
}

/// MinIO's policies for S3 know nothing of KMS keys.
#[test]
fn a_kms_key_that_is_there_is_green() {
    let bed = Bed::new();
    bed.allow(&needed());
    let encrypted = ["--encrypt", &format!("kms:{KMS_KEY}")];
    let report = bed.report(OWN, &encrypted);
    assert_eq!((report.code, report.missing()), (0, vec![]), "{report:#?}");
    assert_eq!((report.verdict("encrypt"), report.verdict("decrypt")), ("allowed", "allowed"));
    bed.upload(&format!("{OWN}a.zip"), &Archive::new(MIB), &encrypted).expect_ok();
}

#[test]
fn a_kms_key_that_is_not_there_is_no_lack_of_permission() {
    let bed = Bed::new();
    bed.allow(&needed());
    let report = bed.report(OWN, &["--encrypt", "kms:no-such-key"]);
    assert_eq!((report.code, report.summary("backups")), (12, "will_not_work"), "{report:#?}");
    assert_eq!(report.missing(), [""; 0], "{report:#?}");
}

/// The same as a bucket of somebody else's: S3 tells no more of either.
#[test]
fn a_key_that_may_do_nothing_is_told_what_that_may_mean() {
    let bed = Bed::new();
    let report = bed.report(OWN, &[]);
    assert_eq!((report.code, report.summary("backups")), (12, "will_not_work"));
    // Of what is not there yet, nobody can tell whether it could be read.
    let (mut told, mut all) = (report.missing(), actions());
    all.retain(|action| action != "s3:GetObject");
    told.sort_unstable();
    all.sort_unstable();
    assert_eq!(told, all);
    assert_eq!(report.verdict("get"), "inconclusive");
    assert!(report.says("sentence").contains("may do nothing at all there"), "{report:?}");
    assert_eq!((report.holes("open"), report.summary("isolation")), (vec![], "closed"));
}

#[test]
fn a_prefix_without_its_slash_is_refused() {
    let bed = Bed::new();
    let refused = bed.check("home/client1", &[]).expect_code(2);
    assert!(refused.stderr.contains("a prefix ends in a slash"), "{refused}");
}
