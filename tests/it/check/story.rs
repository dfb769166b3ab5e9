//! The origin story: one bucket for all clients, her first policy, and the one she ended with.

use holdfast_testbed::Finished;
use serde_json::{Value, json};

use super::{Archive, BUCKET, Bed, OWN, Report};

const MIB: u64 = 1 << 20;

/// User folders below `home/`, as AWS's blog published them.
fn first() -> Value {
    serde_json::from_str(include_str!("policies/first.json")).expect("JSON")
}

/// To the letter; clients lie at the root of the bucket.
fn last() -> Value {
    serde_json::from_str(include_str!("policies/final.json")).expect("JSON")
}

/// The same without what MinIO refuses: conditions on `s3:prefix` for listing uploads, which
/// grant nothing.
fn last_for_minio() -> Value {
    serde_json::from_str(include_str!("policies/final-minio.json")).expect("JSON")
}

const AT_THE_ROOT: &str = "client1/";

#[test]
fn with_her_first_policy_the_backup_succeeds_where_the_plugin_failed() {
    let bed = Bed::new();
    bed.allow_policy(&first());
    // What the plugin asked for, and was refused.
    let s3 = bed.s3();
    let bucket = format!("/{BUCKET}");
    assert_eq!(s3.send("HEAD", &bucket, &[], &[], b"").status, 403);
    assert_eq!(s3.send("GET", &bucket, &[("uploads", ""), ("prefix", OWN)], &[], b"").status, 403);
    // What a backup needs.
    let archive = Archive::new(11 * MIB);
    let key = format!("{OWN}site.zip");
    bed.upload(&key, &archive, &[]).expect_ok();
    assert!(bed.server.s3().get(BUCKET, &key) == archive.bytes);
}

#[test]
fn with_her_first_policy_backups_work_and_the_folders_at_the_top_show() {
    let bed = Bed::new();
    bed.allow_policy(&first());
    let report = bed.report(OWN, &[]);
    assert_eq!((report.code, report.summary("backups")), (3, "work"), "{report:#?}");
    assert_eq!(report.holes("open"), ["list_top"]);
    assert_eq!(report.hole("list_uploads")["state"], "closed");
    // Not needed for a backup; they only tell what a stolen key could do.
    assert_eq!(report.missing(), ["s3:GetBucketVersioning", "s3:GetBucketObjectLockConfiguration"]);

    let table = bed.check(OWN, &[]).expect_code(3);
    assert!(table.stdout.contains("Backups will work."), "{table}");
    let unneeded = table.stdout.lines().find(|line| line.starts_with("Not needed")).expect("a line about it");
    assert!(unneeded.contains("s3:ListBucketMultipartUploads"), "{unneeded}");
    insta::assert_snapshot!("first_policy", table_of(&bed, &table));
}

#[test]
fn minio_refuses_her_final_policy_to_the_letter() {
    let bed = Bed::new();
    let refused = bed.server.try_policy("final", &last()).expect_err("refused");
    assert!(refused.contains("s3:prefix") && refused.contains("s3:ListBucketMultipartUploads"), "{refused}");
}

#[test]
fn with_her_final_policy_backups_work_and_isolation_is_open() {
    let bed = Bed::new();
    bed.server.s3().create_bucket("another-customers");
    bed.allow_policy(&last_for_minio());
    let report = bed.report(AT_THE_ROOT, &[]);
    assert_eq!((report.code, report.summary("backups"), report.summary("isolation")), (3, "work", "open"));
    let open =
        ["list_all", "list_top", "list_other", "list_lookalike", "list_uploads", "list_versions", "list_buckets"];
    assert_eq!(report.holes("open"), open, "the last but one is MinIO's: there, listing is listing versions too");
    assert_eq!(report.holes("closed"), ["write", "delete", "abort", "list_parts"]);
    let sentence = report.says("isolation_sentence");
    for words in ["list every object of the whole bucket", "list another client's objects", "is uploading"] {
        assert!(sentence.contains(words), "{sentence}");
    }
    let table = bed.check(AT_THE_ROOT, &[]).expect_code(3);
    insta::assert_snapshot!("final_policy", table_of(&bed, &table));
}

#[test]
fn with_her_final_policy_a_prefix_below_home_is_the_wrong_one() {
    let bed = Bed::new();
    bed.allow_policy(&last_for_minio());
    let report = bed.report(OWN, &[]);
    assert_eq!((report.code, report.summary("backups"), report.summary("isolation")), (12, "will_not_work", "open"));
    assert_eq!(report.verdict("list"), "allowed", "listing is the one thing that her policy leaves open");
    assert_eq!(report.verdict("put"), "denied");
}

#[test]
fn the_table_is_in_colour_where_colour_is_wanted() {
    let mut bed = Bed::new();
    bed.machine = Bed::machine().env("CLICOLOR_FORCE", "1");
    bed.allow_policy(&last_for_minio());
    let table = bed.check(AT_THE_ROOT, &[]).expect_code(3);
    insta::assert_snapshot!("final_policy_in_colour", table_of(&bed, &table).replace('\u{1b}', "␛"));
}

#[test]
fn programs_read_one_document() {
    let bed = Bed::new();
    bed.allow_policy(&first());
    let report = bed.report(OWN, &[]);
    insta::assert_snapshot!("document", format!("{:#}", masked(report.document)));
}

/// What stdout showed, without what differs from run to run.
fn table_of(bed: &Bed, finished: &Finished) -> String {
    let text = finished.stdout.replace(bed.server.endpoint(), "http://SERVER");
    let lines = text.lines().map(|line| match line.split_once("clocks  ") {
        Some((before, _)) => format!("{before}clocks  CLOCKS"),
        None => mask_word(&mask_word(line, "(request id "), "as that of site "),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn mask_word(line: &str, after: &str) -> String {
    let Some((before, rest)) = line.split_once(after) else { return line.to_owned() };
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    format!("{before}{after}ID{rest}")
}

fn masked(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| {
                let value = match name.as_str() {
                    "request_id" | "site" => json!("ID"),
                    "address" => json!("http://SERVER"),
                    "clock_offset_ms" => json!("CLOCKS"),
                    _ => masked(value),
                };
                (name, value)
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(masked).collect(),
        other => other,
    }
}

/// The first night after the key was given out: nothing is there, and it is not called unreadable.
#[test]
fn a_second_check_says_the_same_as_the_first() {
    let bed = Bed::new();
    bed.allow_policy(&first());
    let told = |report: Report| (report.document["findings"].clone(), report.document["summary"].clone());
    let (first, again) = (bed.report(OWN, &[]), bed.report(OWN, &[]));
    assert_eq!(first.document["site"], again.document["site"]);
    let verdicts = |findings: &Value| -> Vec<(Value, Value)> {
        let all = findings.as_array().expect("findings").iter();
        all.map(|finding| (finding["probe"].clone(), finding["verdict"].clone())).collect()
    };
    let ((first, first_summary), (again, again_summary)) = (told(first), told(again));
    assert_eq!(verdicts(&first), verdicts(&again));
    assert_eq!(first_summary, again_summary);
}
