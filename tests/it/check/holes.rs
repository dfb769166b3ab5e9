//! Each way out of the prefix, opened in turn: the report names it, and no other.

use serde_json::{Value, json};

use super::{BUCKET, Bed, OWN, Report, listing, listing_like, needed, on_bucket, on_objects, policy};

/// Everything that may be asked, but for reading, which is asked with a canary only.
const ALL: [&str; 11] = [
    "list_all",
    "list_top",
    "list_other",
    "list_lookalike",
    "list_uploads",
    "list_versions",
    "list_buckets",
    "write",
    "delete",
    "abort",
    "list_parts",
];

/// A permission too many, and the ways out that it opens.
struct Leak {
    name: &'static str,
    statement: Value,
    opens: &'static [&'static str],
    /// In the sentence.
    words: &'static [&'static str],
}

fn leaks() -> Vec<Leak> {
    let leak = |name, statement, opens, words| Leak { name, statement, opens, words };
    let others = |action| on_objects(action, "home/*");
    vec![
        leak(
            "listing without a condition, which MinIO takes for listing versions too",
            on_bucket("s3:ListBucket"),
            &["list_all", "list_top", "list_other", "list_lookalike", "list_versions"],
            &["list every object of the whole bucket", "list another client's objects"],
        ),
        leak(
            "listing without a prefix, as HeadBucket does",
            listing(json!({"Null": {"s3:prefix": "true"}})),
            // Versions, because MinIO takes the one for the other.
            &["list_all", "list_versions"],
            &["list every object of the whole bucket"],
        ),
        leak(
            "listing with an empty prefix, whole or by folders",
            listing(json!({"StringEquals": {"s3:prefix": ""}})),
            &["list_all", "list_top"],
            &["list every object of the whole bucket"],
        ),
        leak(
            "the folders at the top",
            listing(json!({"StringEquals": {"s3:prefix": "", "s3:delimiter": "/"}})),
            &["list_top"],
            &["see the names of all top-level folders"],
        ),
        leak(
            "everybody's folder, and so the look-alike's",
            listing_like("home/*"),
            &["list_other", "list_lookalike"],
            &["list another client's objects"],
        ),
        leak(
            "the own folder without its slash",
            listing_like("home/client1*"),
            &["list_lookalike"],
            &["client1 and client10"],
        ),
        leak("uploads", on_bucket("s3:ListBucketMultipartUploads"), &["list_uploads"], &["uploading"]),
        leak("versions", on_bucket("s3:ListBucketVersions"), &["list_versions"], &["every version"]),
        leak(
            "the names of buckets",
            json!({"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "arn:aws:s3:::*"}),
            &["list_buckets"],
            &["all buckets of the account"],
        ),
        leak("writing", others("s3:PutObject"), &["write"], &["write into another client's folder"]),
        leak("deleting", others("s3:DeleteObject"), &["delete"], &["delete another client's objects"]),
        leak("aborting", others("s3:AbortMultipartUpload"), &["abort"], &["abort another client's uploads"]),
        leak("listing parts", others("s3:ListMultipartUploadParts"), &["list_parts"], &["list the parts"]),
        leak(
            "all of a folder's objects",
            others("s3:*"),
            &["write", "delete", "abort", "list_parts"],
            &["write into another client's folder", "delete another client's objects"],
        ),
    ]
}

fn closed_but(open: &[&str]) -> Vec<&'static str> {
    ALL.into_iter().filter(|hole| !open.contains(hole)).collect()
}

#[test]
fn each_hole_is_found_and_no_other() {
    let bed = Bed::new();
    bed.server.s3().create_bucket("somebody-elses");
    for Leak { name, statement, opens, words } in leaks() {
        let mut statements = needed();
        statements.push(statement);
        bed.allow(&statements);
        let report = bed.report(OWN, &[]);
        assert_eq!(report.holes("open"), opens, "{name}");
        assert_eq!(report.holes("closed"), closed_but(opens), "{name}");
        assert_eq!((report.code, report.summary("isolation")), (3, "open"), "{name}");
        let sentence = report.says("isolation_sentence");
        assert!(sentence.starts_with("Isolation is OPEN. "), "{name}: {sentence}");
        for words in words {
            assert!(sentence.contains(words), "{name}: {sentence}");
        }
        // A leak is no lack: backups work all the same.
        assert_eq!((report.summary("backups"), report.missing()), ("work", vec![]), "{name}");
    }
}

#[test]
fn what_a_client_needs_leaves_every_way_out_shut() {
    let bed = Bed::new();
    bed.server.s3().create_bucket("somebody-elses");
    bed.allow(&needed());
    let report = bed.report(OWN, &[]);
    assert_eq!((report.holes("open"), report.holes("closed")), (vec![], ALL.to_vec()));
    assert_eq!((report.code, report.summary("isolation")), (0, "closed"));
    // Whether it may read what others have stored was not asked, and so is not called proved.
    let sentence = report.says("isolation_sentence");
    assert!(sentence.contains("--canary") && !sentence.contains("nothing outside"), "{sentence}");
}

const CANARY: &str = "home/client2/secret.zip";

fn with_canary(bed: &Bed) -> Report {
    let report = bed.report(OWN, &["--canary", CANARY]);
    // Not a byte of another client's is ever fetched.
    assert_eq!(report.hole("read")["evidence"]["operation"], "HeadObject");
    report
}

#[test]
fn another_clients_object_that_can_be_read_is_found_by_its_name() {
    let bed = Bed::new();
    bed.server.s3().put(BUCKET, CANARY, b"client2's");
    let mut statements = needed();
    bed.allow(&statements);
    let report = with_canary(&bed);
    assert_eq!((report.code, report.summary("isolation")), (0, "closed"));
    assert_eq!((report.holes("open"), report.hole("read")["state"].as_str()), (vec![], Some("closed")));
    // To keys that may not list, S3 says the same of what is not there: so it says that it depends.
    let note = report.hole("read")["note"].as_str().expect("a note");
    assert!(note.contains("if it is there"), "{note}");
    assert!(report.says("isolation_sentence").contains("nothing outside its prefix"));

    statements.push(on_objects("s3:GetObject", "home/*"));
    bed.allow(&statements);
    let report = with_canary(&bed);
    assert_eq!((report.code, report.holes("open")), (3, vec!["read"]));
    assert!(report.says("isolation_sentence").contains("read another client's objects"));
}

#[test]
fn a_canary_that_is_not_there_is_inconclusive() {
    let bed = Bed::new();
    let mut statements = needed();
    // Who may list is told that it is not there.
    statements.extend([listing_like("home/client2/*"), on_objects("s3:GetObject", "home/*")]);
    bed.allow_policy(&policy(&statements));
    let report = bed.report(OWN, &["--canary", CANARY]);
    assert_eq!(report.hole("read")["state"], "inconclusive", "{report:#?}");
    assert_eq!((report.code, report.summary("isolation")), (3, "inconclusive"), "{report:#?}");
    assert!(report.says("isolation_sentence").contains("read another client's objects"), "{report:#?}");
}

#[test]
fn a_canary_of_ones_own_proves_nothing() {
    let bed = Bed::new();
    bed.allow(&needed());
    let finished = bed.check(OWN, &["--canary", &format!("{OWN}a.zip")]).expect_code(2);
    assert!(finished.stderr.contains("another client"), "{finished}");
}

#[test]
fn a_whole_bucket_has_no_outside() {
    let bed = Bed::new();
    bed.allow(&[on_bucket("s3:*"), on_objects("s3:*", "*")]);
    let report = bed.report("", &[]);
    assert_eq!((report.code, report.summary("backups")), (0, "work"), "{report:?}");
    assert!(report.document["isolation"].is_null(), "{report:?}");
    assert_eq!(report.says("isolation_sentence"), "Isolation was not checked.");
}

#[test]
fn without_isolation_nothing_outside_is_asked() {
    let bed = Bed::new();
    bed.allow(&[on_bucket("s3:*"), on_objects("s3:*", "*")]);
    let report = bed.report(OWN, &["--no-isolation"]);
    assert_eq!((report.code, report.document["isolation"].is_null()), (0, true));
    assert_eq!(report.says("isolation_sentence"), "Isolation was not checked.");
}
