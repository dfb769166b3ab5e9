//! versitygw, the closest to AWS: a bucket policy by principal, and the order in which it decides.

use holdfast_testbed::{Holdfast, Versitygw};
use serde_json::{Value, json};

use super::{BUCKET, OWN, Report, run};

const USER: (&str, &str) = ("client1", "client1-secret");

struct Bed {
    server: Versitygw,
    machine: Holdfast,
}

impl Bed {
    fn new() -> Self {
        let server = Versitygw::start();
        server.s3().create_bucket(BUCKET);
        server.add_user(USER.0, USER.1);
        Self { server, machine: Holdfast::new().with_key(USER.0, USER.1) }
    }

    fn allow(&self, statements: &[Value]) {
        let policy = json!({"Version": "2012-10-17", "Statement": statements});
        self.server.s3().set_bucket_policy(BUCKET, &policy);
    }

    fn report(&self, more: &[&str]) -> Report {
        let with_json: Vec<&str> = more.iter().copied().chain(["--json"]).collect();
        Report::of(&run(&self.machine, self.server.endpoint(), "check", OWN, &with_json))
    }
}

fn allow(action: &str, pattern: &str) -> Value {
    let resource = format!("arn:aws:s3:::{BUCKET}{pattern}");
    json!({"Effect": "Allow", "Principal": {"AWS": [USER.0]}, "Action": action, "Resource": resource})
}

/// What a client needs, in the form of a bucket policy.
fn needed() -> Vec<Value> {
    let own = |action| allow(action, &format!("/{OWN}*"));
    let mut list = allow("s3:ListBucket", "");
    list["Condition"] = json!({"StringLike": {"s3:prefix": [format!("{OWN}*")]}});
    vec![
        list,
        allow("s3:GetBucketVersioning", ""),
        allow("s3:GetBucketObjectLockConfiguration", ""),
        own("s3:PutObject"),
        own("s3:GetObject"),
        own("s3:DeleteObject"),
        own("s3:AbortMultipartUpload"),
        own("s3:ListMultipartUploadParts"),
    ]
}

#[test]
fn a_bucket_policy_that_holds_what_is_needed_is_green() {
    let bed = Bed::new();
    bed.allow(&needed());
    let report = bed.report(&[]);
    assert_eq!((report.missing(), report.summary("backups")), (vec![], "work"), "{report:?}");
    assert_eq!((report.code, report.holes("open")), (0, vec![]), "{report:?}");
}

/// It authorizes before it looks: what is denied is denied though nothing is there.
#[test]
fn each_action_that_is_dropped_is_named_and_no_other() {
    let bed = Bed::new();
    let all = needed();
    for dropped in 0..all.len() {
        let mut rest = all.clone();
        let action = rest.remove(dropped)["Action"].as_str().expect("one").to_owned();
        bed.allow(&rest);
        assert_eq!(bed.report(&["--no-isolation"]).missing(), [action]);
    }
}

#[test]
fn each_hole_is_found_and_no_other() {
    let bed = Bed::new();
    let others = |action| allow(action, "/home/*");
    let leaks: [(Value, &[&str]); 7] = [
        (allow("s3:ListBucket", ""), &["list_all", "list_top", "list_other", "list_lookalike"]),
        (allow("s3:ListBucketMultipartUploads", ""), &["list_uploads"]),
        (allow("s3:ListBucketVersions", ""), &["list_versions"]),
        (others("s3:PutObject"), &["write"]),
        (others("s3:DeleteObject"), &["delete"]),
        (others("s3:AbortMultipartUpload"), &["abort"]),
        (others("s3:ListMultipartUploadParts"), &["list_parts"]),
    ];
    for (leak, opens) in leaks {
        let mut statements = needed();
        statements.push(leak.clone());
        bed.allow(&statements);
        let report = bed.report(&[]);
        assert_eq!(report.holes("open"), opens, "{leak}: {report:?}");
    }
}
