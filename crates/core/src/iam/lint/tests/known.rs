//! The known policies: what is wrong with each, and nothing else.

use super::*;

macro_rules! known {
    ($name:literal) => {
        Source { name: $name, bytes: include_bytes!(concat!("../../../../tests/data/policies/", $name)) }
    };
}

const ORIGIN: Source<'_> = known!("origin-final.json");
const GROUP: Source<'_> = known!("group.json");
const BUCKET_POLICY: Source<'_> = known!("bucket-policy.json");
const LIFECYCLE: Source<'_> = known!("lifecycle.json");

fn alone(source: Source<'_>) -> Report {
    lint(&[source], &Options::default())
}

fn rainworks() -> Options {
    Options { bucket: Some(Bucket::parse("rainworks-hosting-backups").expect("valid")), prefix: None }
}

/// The one finding of a rule in a statement of the origin story's policy.
fn flaw(statement: usize, rule: Rule) -> Finding {
    let findings = alone(ORIGIN).findings;
    let mut all = findings.into_iter().filter(|finding| {
        finding.rule == rule && finding.statement.as_ref().is_some_and(|name| name.number == statement)
    });
    let flaw = all.next().expect("found");
    assert_eq!(all.next(), None);
    assert!(flaw.fix.is_some());
    flaw
}

#[test]
fn flaw_1_the_second_statement_names_another_bucket() {
    let flaw = flaw(2, Rule::NearBucket);
    assert_eq!((flaw.severity, flaw.position.map(|position| position.line)), (Severity::Error, Some(24)));
    assert!(flaw.what.contains("`rainworks-hosting-buckets` is almost `rainworks-hosting-backups`"), "{}", flaw.what);
}

#[test]
fn flaw_2_the_third_statement_lost_its_condition() {
    let listing = flaw(3, Rule::OpenListing);
    assert_eq!(listing.severity, Severity::Error);
    assert!(listing.what.contains("every client lists the whole bucket"), "{}", listing.what);
    assert!(listing.what.contains("statement 2 and statement 4 protect nothing"), "{}", listing.what);
    let uploads = flaw(3, Rule::UploadsLeak);
    assert!(uploads.what.contains("all unfinished uploads in the bucket"), "{}", uploads.what);
}

#[test]
fn flaw_3_the_first_statement_lists_uploads_in_every_bucket() {
    let flaw = flaw(1, Rule::UploadsLeak);
    assert_eq!(flaw.severity, Severity::Error);
    assert!(flaw.what.contains("on every bucket of the account"), "{}", flaw.what);
}

#[test]
fn flaw_4_uploads_are_never_listed_under_a_condition_on_the_prefix() {
    for statement in [2, 4] {
        let flaw = flaw(statement, Rule::DeadCondition);
        assert_eq!(flaw.severity, Severity::Error);
        let words = "a request for s3:ListBucketMultipartUploads never carries `s3:prefix`";
        assert!(flaw.what.contains(words), "{}", flaw.what);
    }
}

#[test]
fn flaw_5_every_client_learns_all_buckets_names() {
    let flaw = flaw(1, Rule::BucketNames);
    assert_eq!(flaw.severity, Severity::Warning);
    assert!(flaw.what.contains("names and regions of all buckets of the account"), "{}", flaw.what);
}

#[test]
fn flaw_6_everything_is_allowed_with_ones_own_objects() {
    let flaw = flaw(5, Rule::DangerousAction);
    for words in ["44 actions", "DeleteObjectVersion", "BypassGovernanceRetention", "PutObjectAcl", "ReplicateDelete"] {
        assert!(flaw.what.contains(words), "{}", flaw.what);
    }
}

#[test]
fn remark_7_another_layout_than_the_one_that_was_said() {
    let prefix = Some(ClientPrefix::parse("home/${aws:username}/").expect("valid"));
    let report = lint(&[ORIGIN], &Options { prefix, ..rainworks() });
    assert!(found(&report).contains(&"5 other-prefix".to_owned()), "{:?}", found(&report));
    let prefix = Some(ClientPrefix::parse("${aws:username}/").expect("valid"));
    let report = lint(&[ORIGIN], &Options { prefix, ..rainworks() });
    assert_eq!(found(&report), found(&alone(ORIGIN)));
}

#[test]
fn remark_8_no_tls_and_no_end_of_uploads() {
    let notes = |report: Report| -> Vec<Rule> {
        let notes = report.findings.into_iter().filter(|finding| finding.severity == Severity::Note);
        notes.map(|finding| finding.rule).collect()
    };
    assert_eq!(notes(lint(&[ORIGIN], &rainworks())), [Rule::NoTlsRule, Rule::NoAbortRule]);
    assert_eq!(notes(alone(ORIGIN)), []);
    assert_eq!(notes(lint(&[GROUP, BUCKET_POLICY, LIFECYCLE], &rainworks())), []);
    insta::assert_snapshot!(lint(&[GROUP], &rainworks()).text());
}

#[test]
fn the_origin_storys_policy_has_no_other_flaw() {
    assert_eq!(
        found(&alone(ORIGIN)),
        [
            "1 bucket-names",
            "1 uploads-leak",
            "2 client-names",
            "2 dead-condition",
            "2 near-bucket",
            "3 open-listing",
            "3 uploads-leak",
            "4 dead-condition",
            "5 dangerous-action",
        ]
    );
}

#[test]
fn with_its_fixes_the_origin_storys_policy_is_clean_and_small() {
    let text = std::str::from_utf8(ORIGIN.bytes).expect("text");
    let better = repaired(text, &alone(ORIGIN));
    let report = alone(Source { name: "better.json", bytes: better.as_bytes() });
    assert_eq!(report, Report::default());
    assert_eq!(crate::iam::parse::parse(&better).expect("a policy").statements.len(), 2);
}

#[test]
fn the_origin_storys_final_policy_as_people_read_it() {
    insta::assert_snapshot!(alone(ORIGIN).text());
}

#[test]
fn the_origin_storys_final_policy_as_programs_read_it() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&alone(ORIGIN)).expect("JSON"));
}

#[test]
fn nothing_is_invented_on_good_policies() {
    let minio = known!("write-only-minio.json");
    for source in [GROUP, known!("one-client.json"), known!("write-only.json"), minio, BUCKET_POLICY, LIFECYCLE] {
        assert_eq!(alone(source), Report::default(), "{}", source.name);
        assert!(lint(&[source], &rainworks()).is_clean(), "{}", source.name);
        let prefix = Some(ClientPrefix::parse("home/${aws:username}/").expect("valid"));
        let report = lint(&[source], &Options { prefix, ..rainworks() });
        assert_eq!(found(&report), [""; 0], "{}", source.name);
    }
}

#[test]
fn the_policy_that_the_story_began_with_shows_names_and_has_too_much() {
    let expected = ["1 bucket-names", "2 client-names", "2 client-names", "4 dangerous-action"];
    assert_eq!(found(&alone(known!("aws-blog.json"))), expected);
}

#[test]
fn the_grant_that_other_plugins_insist_on_is_a_leak() {
    assert_eq!(found(&alone(known!("group-plus-list-uploads.json"))), ["1 uploads-leak"]);
}

#[test]
fn a_prefix_for_uploads_never_matches_or_always() {
    assert_eq!(found(&alone(known!("mpu-prefix-condition.json"))), ["1 dead-condition"]);
    assert_eq!(found(&alone(known!("mpu-prefix-ifexists.json"))), ["1 void-condition", "1 uploads-leak"]);
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_read() {
    let broken = Source { name: "broken.json", bytes: b"{\"Version\": \"2012-10-17\", }" };
    let report = lint(&[broken, ORIGIN], &rainworks());
    assert_eq!(report.unreadable.len(), 1);
    assert!(report.text().starts_with("broken.json: line 1, column "), "{}", report.text());
    assert_eq!(report.findings.len(), 9, "no notes on a set that is not whole");
}

#[test]
fn a_lifecycle_is_known_by_its_rules() {
    let report = alone(Source { name: "lifecycle.json", bytes: br#"{"Rules": 3}"# });
    assert_eq!(report.unreadable[0].faults[0].what, "`Rules` is not a list");
    let disabled = std::str::from_utf8(LIFECYCLE.bytes).expect("text").replace("Enabled", "Disabled");
    let partly = r#"{"Rules":[{"Status":"Enabled","Filter":{"Prefix":"logs/"},"AbortIncompleteMultipartUpload":{}}]}"#;
    for text in [disabled.as_str(), partly] {
        let lifecycle = Source { name: "lifecycle.json", bytes: text.as_bytes() };
        let report = lint(&[BUCKET_POLICY, lifecycle], &rainworks());
        assert_eq!(report.findings.iter().map(|finding| finding.rule).collect::<Vec<_>>(), [Rule::NoAbortRule]);
    }
}
