//! Test connection on real servers, with real users, groups and policies.

mod holes;
mod input;
mod leftovers;
mod mutation;
mod speed;
mod stolen;
mod story;
mod versitygw;
mod wordings;

use std::{fmt, path::PathBuf};

use holdfast_testbed::{Finished, Holdfast, Minio, S3, data};
use serde_json::{Value, json};

const BUCKET: &str = "rainworks-hosting-backups";
const OWN: &str = "home/client1/";
const SECRETS: [(&str, &str); 2] = [("client1", "client1-secret"), ("client2", "client2-secret")];

/// MinIO with two clients in one group, whose policy is a test's.
struct Bed {
    server: Minio,
    machine: Holdfast,
}

impl Bed {
    fn new() -> Self {
        Self::with_bucket(|s3| s3.create_bucket(BUCKET))
    }

    fn with_bucket(create: impl FnOnce(&S3)) -> Self {
        let server = Minio::start();
        create(&server.s3());
        for (user, secret) in SECRETS {
            server.add_user(user, secret);
        }
        server.add_to_group("clients", &SECRETS.map(|(user, _)| user));
        let machine = Self::machine();
        Self { server, machine }
    }

    /// Another machine with the keys of client1.
    fn machine() -> Holdfast {
        let (user, secret) = SECRETS[0];
        Holdfast::new().with_key(user, secret)
    }

    /// Gives the clients this policy in place of what they had.
    fn allow(&self, statements: &[Value]) {
        self.allow_policy(&policy(statements));
    }

    fn allow_policy(&self, policy: &Value) {
        self.server.add_policy("the-clients", policy);
        self.server.set_group_policy("clients", "the-clients");
    }

    /// The bucket as client1 reaches it.
    fn s3(&self) -> S3 {
        let (user, secret) = SECRETS[0];
        self.server.s3_as(user, secret)
    }

    /// Runs a verb about something in the bucket.
    fn run(&self, verb: &str, key: &str, more: &[&str]) -> Finished {
        run(&self.machine, self.server.endpoint(), verb, key, more)
    }

    fn upload(&self, key: &str, archive: &Archive, more: &[&str]) -> Finished {
        let args = archive.upload(key, self.server.endpoint());
        self.machine.run(args.iter().map(String::as_str).chain(more.iter().copied()))
    }

    fn check(&self, prefix: &str, more: &[&str]) -> Finished {
        self.run("check", prefix, more)
    }

    /// What a check reports, as a program reads it.
    fn report(&self, prefix: &str, more: &[&str]) -> Report {
        let with_json: Vec<&str> = more.iter().copied().chain(["--json"]).collect();
        Report::of(&self.check(prefix, &with_json))
    }
}

/// Runs a verb about something in the bucket, through any address of its server.
fn run(machine: &Holdfast, endpoint: &str, verb: &str, key: &str, more: &[&str]) -> Finished {
    let place = format!("s3://{BUCKET}/{key}");
    machine.run([verb, &place, "--endpoint", endpoint].iter().chain(more))
}

/// What a check reports.
struct Report {
    code: i32,
    document: Value,
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {} with {:#}", self.code, self.document)
    }
}

impl Report {
    #[track_caller]
    fn of(finished: &Finished) -> Self {
        let done = finished.event("done").unwrap_or_else(|| panic!("no report: {finished}"));
        Self { code: finished.code(), document: done["report"].clone() }
    }

    /// The actions that are said to be missing, each with a statement to paste.
    fn missing(&self) -> Vec<&str> {
        let findings = self.document["findings"].as_array().expect("findings").iter();
        findings
            .filter(|finding| !finding["statement"].is_null())
            .map(|finding| finding["action"].as_str().expect("an action"))
            .collect()
    }

    fn finding(&self, probe: &str) -> &Value {
        let findings = self.document["findings"].as_array().expect("findings");
        let found = findings.iter().find(|finding| finding["probe"] == probe);
        found.unwrap_or_else(|| panic!("no {probe} in {:#}", self.document))
    }

    /// What was found out about a probe: `allowed`, `denied`, …
    fn verdict(&self, probe: &str) -> &str {
        self.finding(probe)["verdict"].as_str().expect("a verdict")
    }

    fn hole(&self, hole: &str) -> &Value {
        let holes = self.document["isolation"].as_array().expect("holes");
        let found = holes.iter().find(|finding| finding["hole"] == hole);
        found.unwrap_or_else(|| panic!("no {hole} in {:#}", self.document))
    }

    /// The holes in this state.
    fn holes(&self, state: &str) -> Vec<&str> {
        let holes = self.document["isolation"].as_array().expect("holes").iter();
        holes.filter(|hole| hole["state"] == state).map(|hole| hole["hole"].as_str().expect("a hole")).collect()
    }

    /// One of the sentences: `sentence`, `stolen_key_sentence`, `isolation_sentence`.
    fn says(&self, which: &str) -> &str {
        self.document["summary"][which].as_str().expect("a sentence")
    }

    fn summary(&self, which: &str) -> &str {
        self.says(which)
    }

    fn limits(&self) -> Vec<&str> {
        let limits = self.document["summary"]["limits"].as_array().map(Vec::as_slice).unwrap_or_default();
        limits.iter().map(|limit| limit.as_str().expect("a sentence")).collect()
    }
}

/// A file to upload.
struct Archive {
    machine: Holdfast,
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Archive {
    fn new(len: u64) -> Self {
        let machine = Holdfast::new();
        let path = machine.home().join("site.zip");
        data::write_file(&path, 3, len).expect("a file can be written");
        let bytes = std::fs::read(&path).expect("readable");
        Self { machine, path, bytes }
    }

    /// The words of a command that uploads it.
    fn upload(&self, key: &str, endpoint: &str) -> Vec<String> {
        let object = format!("s3://{BUCKET}/{key}");
        let path = self.path.to_str().expect("made of ASCII");
        ["upload", path, &object, "--part-size", "5MiB", "--json", "--endpoint", endpoint].map(str::to_owned).to_vec()
    }

    /// A place beside it.
    fn beside(&self, name: &str) -> String {
        self.machine.home().join(name).to_str().expect("made of ASCII").to_owned()
    }
}

fn on_bucket(action: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": format!("arn:aws:s3:::{BUCKET}")})
}

fn on_objects(action: &str, pattern: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": format!("arn:aws:s3:::{BUCKET}/{pattern}")})
}

/// Listing, where the request's own words fulfil a condition.
fn listing(condition: Value) -> Value {
    let mut statement = on_bucket("s3:ListBucket");
    statement["Condition"] = condition;
    statement
}

fn listing_like(pattern: &str) -> Value {
    listing(json!({"StringLike": {"s3:prefix": [pattern]}}))
}

/// What a client needs, action by action, with the ARN and the condition it belongs on.
fn needed() -> Vec<Value> {
    let own = |action| on_objects(action, "home/${aws:username}/*");
    vec![
        listing_like("home/${aws:username}/*"),
        on_bucket("s3:GetBucketVersioning"),
        on_bucket("s3:GetBucketObjectLockConfiguration"),
        own("s3:PutObject"),
        own("s3:GetObject"),
        own("s3:DeleteObject"),
        own("s3:AbortMultipartUpload"),
        own("s3:ListMultipartUploadParts"),
    ]
}

/// The same without some.
fn needed_without(actions: &[&str]) -> Vec<Value> {
    let all = needed();
    let rest: Vec<Value> =
        all.iter().filter(|one| !actions.iter().any(|action| one["Action"] == *action)).cloned().collect();
    assert_eq!(rest.len() + actions.len(), all.len(), "each of {actions:?} is one of them");
    rest
}

fn policy(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}
