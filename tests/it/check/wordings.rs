//! AWS's own words, played in front of MinIO: the action, the ARN and whoever denies it are taken
//! from them, and the evidence is kept to the letter.

use holdfast_testbed::{
    Fault, FaultProxy, Holdfast, Minio, Script,
    fault::{Operation, Reply, Seen},
};
use serde_json::json;

use super::{BUCKET, OWN, Report, run};

const USER: &str = "User: arn:aws:iam::111122223333:user/client1 is not authorized to perform: ";
const KEY_ARN: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

struct Bed {
    minio: Minio,
    machine: Holdfast,
}

impl Bed {
    fn new() -> Self {
        let minio = Minio::start();
        minio.s3().create_bucket(BUCKET);
        Self { minio, machine: Holdfast::new() }
    }

    /// What a check reports when the requests that match are denied in these words.
    fn denied(&self, matches: fn(&Seen) -> bool, message: &str, more: &[&str]) -> Report {
        // In XML, quotes need no escape.
        let reply = Reply::error(403, "AccessDenied", message);
        let script = Script::choosing(move |seen| matches(seen).then(|| Fault::answer(reply.clone())));
        let proxy = FaultProxy::start(self.minio.address(), script);
        let args: Vec<&str> = more.iter().copied().chain(["--json"]).collect();
        Report::of(&run(&self.machine, &proxy.endpoint(), "check", OWN, &args))
    }
}

fn object(seen: &Seen) -> String {
    format!("\"arn:aws:s3:::{BUCKET}/{}\"", seen.key)
}

#[track_caller]
fn assert_to_the_letter(report: &Report, probe: &str, message: &str) {
    assert_eq!(report.finding(probe)["evidence"]["message"], message);
    assert_eq!(report.finding(probe)["evidence"]["request_id"], holdfast_testbed::fault::REQUEST_ID);
}

/// The one statement that a report gives.
#[track_caller]
fn the_statement(report: &Report) -> &serde_json::Value {
    let findings = report.document["findings"].as_array().expect("findings");
    let mut statements = findings.iter().map(|finding| &finding["statement"]).filter(|one| !one.is_null());
    let statement = statements.next().unwrap_or_else(|| panic!("no statement in {report:?}"));
    assert!(statements.next().is_none(), "more than one in {report:?}");
    statement
}

#[test]
fn a_kms_key_that_may_not_encrypt_is_named_and_not_storing() {
    let bed = Bed::new();
    let message = format!(
        "{USER}kms:GenerateDataKey on resource: {KEY_ARN} because no identity-based policy allows the \
         kms:GenerateDataKey action"
    );
    // Whether the key was asked for, or the bucket encrypts by itself.
    for more in [&["--encrypt", &*format!("kms:{KEY_ARN}")][..], &[]] {
        let denies = |seen: &Seen| matches!(seen.operation, Operation::CreateMultipartUpload | Operation::PutObject);
        let report = bed.denied(denies, &message, more);
        assert_eq!((report.code, report.missing()), (12, vec!["kms:GenerateDataKey"]), "{report:?}");
        assert_eq!(report.verdict("put"), "allowed", "{report:?}");
        let statement = the_statement(&report);
        assert_eq!(statement["Action"], "kms:GenerateDataKey");
        assert_eq!(statement["Resource"], KEY_ARN);
        assert!(report.says("sentence").contains("`kms:GenerateDataKey` is missing"), "{report:?}");
        assert_to_the_letter(&report, "encrypt", &message);
    }
}

#[test]
fn a_kms_key_that_may_not_decrypt_is_named_and_not_reading() {
    let bed = Bed::new();
    let message = format!(
        "{USER}kms:Decrypt on resource: {KEY_ARN} because no identity-based policy allows the kms:Decrypt action"
    );
    let denies = |seen: &Seen| matches!(seen.operation, Operation::GetObject | Operation::UploadPartCopy(_));
    let report = bed.denied(denies, &message, &[]);
    // Storing in parts decrypts too: without it only the smallest archives would arrive.
    assert_eq!((report.code, report.missing()), (12, vec!["kms:Decrypt"]), "{report:?}");
    assert_eq!((report.verdict("get"), report.verdict("decrypt")), ("allowed", "denied"));
    assert_eq!(report.verdict("copy"), "not_needed", "what cannot be read cannot be copied");
    assert_eq!(the_statement(&report)["Resource"], KEY_ARN);
    assert_to_the_letter(&report, "decrypt", &message);
    assert!(report.says("sentence").contains("`kms:Decrypt` is missing"), "{report:?}");
}

#[test]
fn tags_that_may_not_be_set_are_named() {
    let bed = Bed::new();
    let message = |action: &str| {
        format!(
            "{USER}{action} on resource: \"arn:aws:s3:::{BUCKET}/{OWN}x\" because no identity-based policy allows the \
             {action} action"
        )
    };
    let tagged =
        |seen: &Seen| seen.operation == Operation::CreateMultipartUpload && seen.header("x-amz-tagging").is_some();
    let more = ["--tag", "site=a"];
    // Named by the message, or told from what went without tags.
    for message in [message("s3:PutObjectTagging"), "Access Denied".to_owned()] {
        let report = bed.denied(tagged, &message, &more);
        assert_eq!((report.code, report.missing()), (12, vec!["s3:PutObjectTagging"]), "{report:?}");
        assert_eq!((report.verdict("put"), report.summary("backups")), ("allowed", "will_not_work"));
        assert_to_the_letter(&report, "tag", &message);
    }
}

/// Who denies, the words that say so, and whether a statement of one's own helps.
#[test]
fn whoever_denies_is_named_and_no_statement_is_given_that_does_not_help() {
    let bed = Bed::new();
    let gap = "because no identity-based policy allows the s3:PutObject action";
    let cases = [
        (gap, None),
        ("with an explicit deny in an identity-based policy", Some("in so many words")),
        (
            "with an explicit deny in an identity-based policy: \
             arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3",
            Some("AWS has quarantined this access key"),
        ),
        (
            "with an explicit deny in a service control policy: \
             arn:aws:organizations::111122223333:policy/o-1/service_control_policy/p-1",
            Some("ask the organization's administrator"),
        ),
        ("because no resource control policy allows the s3:PutObject action", Some("organization's administrator")),
        ("with an explicit deny in a resource-based policy", Some("ask the bucket's owner")),
        ("because no VPC endpoint policy allows the s3:PutObject action", Some("ask the network's administrator")),
        ("because no permissions boundary allows the s3:PutObject action", Some("ask the account's administrator")),
        ("because no session policy allows the s3:PutObject action", Some("temporary credentials")),
        ("with an explicit deny in a session(s) policy", Some("temporary credentials")),
    ];
    let writes = |seen: &Seen| {
        matches!(seen.operation, Operation::UploadPart(_) | Operation::CreateMultipartUpload | Operation::PutObject)
            && seen.key.starts_with(OWN)
    };
    for (context, who) in cases {
        let message = format!("{USER}s3:PutObject on resource: \"arn:aws:s3:::{BUCKET}/{OWN}x\" {context}");
        let report = bed.denied(writes, &message, &[]);
        assert_eq!((report.code, report.verdict("put")), (12, "denied"), "{context}");
        assert_to_the_letter(&report, "put", &message);
        let finding = report.finding("put");
        match who {
            None => {
                assert_eq!(report.missing(), ["s3:PutObject"], "{context}");
                let pattern = format!("arn:aws:s3:::{BUCKET}/{OWN}*");
                assert_eq!(finding["statement"]["Resource"], pattern, "{context}: the folder, not the probe's name");
            }
            Some(words) => {
                assert_eq!(report.missing(), [""; 0], "{context}");
                assert!(finding["note"].as_str().is_some_and(|note| note.contains(words)), "{context}: {finding:#}");
                assert!(report.says("sentence").contains(words), "{context}: {}", report.says("sentence"));
            }
        }
    }
}

/// Everything is denied, by a policy that AWS attaches to keys found in public.
#[test]
fn a_quarantined_key_is_called_that_and_the_bucket_is_not_called_misspelt() {
    let bed = Bed::new();
    let script = Script::choosing(|seen| {
        let action = match seen.operation {
            Operation::GetObject => "s3:GetObject",
            Operation::DeleteObject => "s3:DeleteObject",
            Operation::ListObjects => "s3:ListBucket",
            _ => "s3:PutObject",
        };
        let message = format!(
            "{USER}{action} on resource: {} with an explicit deny in an identity-based policy: \
             arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV2",
            object(seen)
        );
        Some(Fault::answer(Reply::error(403, "AccessDenied", &message)))
    });
    let proxy = FaultProxy::start(bed.minio.address(), script);
    let told = run(&bed.machine, &proxy.endpoint(), "check", OWN, &[]).expect_code(12);
    assert!(told.stdout.contains("AWS has quarantined this access key"), "{told}");
    for words in ["misspelt", "with this statement"] {
        assert!(!told.stdout.contains(words), "{words:?} in {told}");
    }
}

/// To keys that may not list, S3 denies `s3:ListBucket` of what is not there.
#[test]
fn a_marker_that_is_not_there_is_not_called_unreadable() {
    let bed = Bed::new();
    let message = format!(
        "{USER}s3:ListBucket on resource: \"arn:aws:s3:::{BUCKET}\" because no identity-based policy allows the s3:ListBucket action"
    );
    let denies = |seen: &Seen| seen.operation == Operation::ListObjects || seen.operation == Operation::GetObject;
    let report = bed.denied(denies, &message, &["--no-marker"]);
    assert_eq!(report.missing(), ["s3:ListBucket"], "{report:?}");
    assert_eq!(report.verdict("get"), "inconclusive", "{report:?}");
}

/// A bucket policy may demand that nothing is overwritten: then a plain PUT is denied and a
/// conditional one is not, and that is as it should be.
#[test]
fn a_bucket_that_lets_nothing_be_overwritten_is_green() {
    let bed = Bed::new();
    let message = format!(
        "{USER}s3:PutObject on resource: \"arn:aws:s3:::{BUCKET}/{OWN}holdfast-site.json\" with an explicit deny in a \
         resource-based policy"
    );
    let denies = |seen: &Seen| {
        let overwrites = seen.operation == Operation::PutObject && seen.header("if-none-match").is_none();
        overwrites || seen.operation == Operation::DeleteObject
    };
    let report = bed.denied(denies, &message, &[]);
    assert_eq!(report.verdict("put"), "allowed", "{report:?}");
    assert_eq!(report.verdict("overwrite"), "denied", "{report:?}");
    assert_eq!(report.summary("stolen_key"), "cannot_destroy", "{report:?}");
}

/// A server that stores in spite of a wrong digest stores what is there already.
#[test]
fn a_server_that_ignores_digests_leaves_the_marker_as_it_was() {
    let bed = Bed::new();
    let endpoint = bed.minio.endpoint();
    run(&bed.machine, endpoint, "check", OWN, &[]).expect_code(3);
    let key = format!("{OWN}holdfast-site.json");
    let before = bed.minio.s3().get(BUCKET, &key);
    let script = Script::choosing(|seen| match seen.operation {
        Operation::DeleteObject => Some(Fault::answer(Reply::access_denied())),
        Operation::PutObject => Some(Fault::answer(Reply::new(200, ""))),
        _ => None,
    });
    let proxy = FaultProxy::start(bed.minio.address(), script);
    let report = Report::of(&run(&bed.machine, &proxy.endpoint(), "check", OWN, &["--json"]));
    assert_eq!((report.verdict("overwrite"), report.summary("stolen_key")), ("allowed", "can_destroy"), "{report:?}");
    let written = proxy.of(Operation::PutObject).pop().expect("it was asked").body.expect("a short body");
    assert_eq!(written, before, "what is there already");
    assert_eq!(report.document["left_behind"], json!(null));
}
