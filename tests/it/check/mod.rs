//! Test connection on real servers, with real users, groups and policies.

use holdfast_testbed::{Finished, Holdfast, Minio};
use serde_json::{Value, json};

pub(crate) const BUCKET: &str = "rainworks-hosting-backups";
const OWN: &str = "home/client1/";

/// MinIO with two clients in one group, whose policy is a test's.
pub(crate) struct Bed {
    pub(crate) server: Minio,
    machine: Holdfast,
}

impl Bed {
    pub(crate) fn new() -> Self {
        let server = Minio::start();
        server.s3().create_bucket(BUCKET);
        for user in ["client1", "client2"] {
            server.add_user(user, &format!("{user}-secret"));
        }
        server.add_to_group("clients", &["client1", "client2"]);
        let machine = Holdfast::new().with_key("client1", "client1-secret");
        Self { server, machine }
    }

    pub(crate) fn allow(&self, name: &str, policy: &Value) {
        self.server.add_policy(name, policy);
        self.server.set_group_policy("clients", name);
    }

    pub(crate) fn check(&self, prefix: &str, more: &[&str]) -> Finished {
        let place = format!("s3://{BUCKET}/{prefix}");
        let args = ["check", &place, "--endpoint", self.server.endpoint()];
        self.machine.run(args.iter().chain(more))
    }

    pub(crate) fn report(&self, prefix: &str, more: &[&str]) -> Value {
        let with_json: Vec<&str> = more.iter().copied().chain(["--json"]).collect();
        let finished = self.check(prefix, &with_json);
        finished.event("done").unwrap_or_else(|| panic!("no report: {finished:?}"))["report"].clone()
    }
}

/// What a client needs, action by action, with the ARN and the condition it belongs on.
pub(crate) fn statements() -> Vec<Value> {
    let bucket = format!("arn:aws:s3:::{BUCKET}");
    let objects = format!("{bucket}/home/${{aws:username}}/*");
    let of_bucket = |action: &str| json!({"Effect": "Allow", "Action": action, "Resource": bucket});
    let of_objects = |action: &str| json!({"Effect": "Allow", "Action": action, "Resource": objects});
    vec![
        json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket,
            "Condition": {"StringLike": {"s3:prefix": ["home/${aws:username}/*"]}}}),
        of_bucket("s3:GetBucketVersioning"),
        of_bucket("s3:GetBucketObjectLockConfiguration"),
        of_objects("s3:PutObject"),
        of_objects("s3:GetObject"),
        of_objects("s3:DeleteObject"),
        of_objects("s3:AbortMultipartUpload"),
        of_objects("s3:ListMultipartUploadParts"),
    ]
}

pub(crate) fn policy(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// The actions that a report says are missing.
pub(crate) fn missing(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().expect("findings");
    findings
        .iter()
        .filter(|finding| !finding["statement"].is_null())
        .map(|finding| finding["action"].as_str().expect("an action").to_owned())
        .collect()
}

#[test]
fn a_policy_that_holds_what_is_needed_is_green() {
    let bed = Bed::new();
    bed.allow("needed", &policy(&statements()));
    let finished = bed.check(OWN, &["--verbose"]).expect_ok();
    eprintln!("{}", finished.stdout);
    let report = bed.report(OWN, &[]);
    assert_eq!(missing(&report), [""; 0]);
}

#[test]
fn each_action_that_is_dropped_is_named_and_no_other() {
    let bed = Bed::new();
    let all = statements();
    for dropped in 0..all.len() {
        let mut rest = all.clone();
        let action = rest.remove(dropped)["Action"].as_str().expect("one").to_owned();
        bed.allow(&format!("without-{dropped}"), &policy(&rest));
        let report = bed.report(OWN, &[]);
        eprintln!("{action}: {}\n{:#?}\n{}", report["summary"]["sentence"], report["summary"]["limits"], report["summary"]["stolen_key_sentence"]);
        assert_eq!(missing(&report), [action.clone()], "{action}");
    }
}
