//! AWS's own words over a real connection: what the runner prints of them, and what `explain` makes
//! of them afterwards. The scripted answers are worded as AWS words them.

use holdfast_testbed::{Fault, FaultProxy, Holdfast, Rule, Script, SinkServer, data, fault::Operation, fault::Reply};

const USER: &str = "User: arn:aws:iam::111122223333:user/client1 is not authorized to perform: ";
const OBJECT: &str = "on resource: &quot;arn:aws:s3:::backups/home/client1/site.zip&quot; ";

struct Case {
    name: &'static str,
    reply: Reply,
    code: i32,
    /// The entry of the catalogue.
    entry: &'static str,
    /// Words of the cause, and of the fix.
    words: [&'static str; 2],
}

fn denied(rest: &str) -> Reply {
    Reply::error(403, "AccessDenied", &format!("{USER}{rest}"))
}

fn cases() -> Vec<Case> {
    let lock =
        "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters";
    let quarantine = "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3";
    let control = "arn:aws:organizations::111122223333:policy/o-1/service_control_policy/p-1";
    vec![
        Case {
            name: "plain",
            reply: Reply::access_denied(),
            code: 12,
            entry: "access-denied",
            words: ["Access Denied", "allow `s3:PutObject` on `arn:aws:s3:::backups/home/client1/*`"],
        },
        Case {
            name: "quarantine",
            reply: denied(&format!(
                "s3:PutObject {OBJECT}with an explicit deny in an identity-based policy: {quarantine}"
            )),
            code: 12,
            entry: "denied-by-quarantine",
            words: ["AWS has quarantined this access key", "create a new one"],
        },
        Case {
            name: "KMS, the user's policy",
            reply: denied(
                "kms:GenerateDataKey on resource: arn:aws:kms:eu-west-1:111122223333:key/1234 because no identity-based \
                 policy allows the kms:GenerateDataKey action",
            ),
            code: 12,
            entry: "denied-kms",
            words: ["kms:GenerateDataKey", "on `arn:aws:kms:eu-west-1:111122223333:key/1234`"],
        },
        Case {
            name: "KMS, the key",
            reply: denied(
                "kms:GenerateDataKey on this resource because the resource does not exist in this Region, no \
                 resource-based policies allow access, or a resource-based policy explicitly denies access",
            ),
            code: 12,
            entry: "denied-by-kms-key-policy",
            words: ["the key is in another region, or gone", "in the KMS key's policy"],
        },
        Case {
            name: "KMS, disabled",
            reply: Reply::error(
                400,
                "KMS.DisabledException",
                "arn:aws:kms:eu-west-1:111122223333:key/1234 is disabled.",
            ),
            code: 2,
            entry: "kms-key-unusable",
            words: ["the KMS key is disabled", "enable it"],
        },
        Case {
            name: "an organization",
            reply: denied(&format!(
                "s3:PutObject {OBJECT}with an explicit deny in a service control policy: {control}"
            )),
            code: 12,
            entry: "denied-by-service-control-policy",
            words: ["service_control_policy/p-1", "ask the organization's administrator"],
        },
        Case {
            name: "another region",
            reply: Reply::authorization_header_malformed("us-east-1", "eu-west-1"),
            code: 2,
            entry: "region-is-wrong",
            words: ["the bucket is in `eu-west-1`", "--region eu-west-1"],
        },
        Case {
            name: "Object Lock without a checksum",
            reply: Reply::error(400, "InvalidRequest", lock),
            code: 2,
            entry: "object-lock-wants-checksum",
            words: ["Object Lock wants a checksum", "--provider"],
        },
        Case {
            name: "Object Lock, retained",
            reply: Reply::error(403, "AccessDenied", "Access Denied because object protected by object lock."),
            code: 12,
            entry: "object-lock",
            words: ["under retention", "nothing to change"],
        },
    ]
}

#[test]
fn an_upload_that_is_refused_says_why_and_explain_says_more() {
    let sink = SinkServer::start();
    for Case { name, reply, code, entry, words } in cases() {
        let machine = Holdfast::new();
        let path = machine.home().join("site.zip");
        data::write_file(&path, 1, 1_000).expect("a file can be written");
        let rule = Rule::on_any(Operation::PutObject).always().then(Fault::answer(reply));
        let proxy = FaultProxy::start(sink.address(), Script::new().rule(rule));
        let path = path.to_str().expect("ASCII");
        let object = "s3://backups/home/client1/site.zip";
        let args = ["upload", path, object, "--retry-for", "2s", "--endpoint", &proxy.endpoint()];
        let sent = machine.run(args).expect_code(code);
        for words in words {
            assert!(sent.stderr.contains(words), "{name}: {words}: {sent}");
        }
        let jobs = machine.run(["job", "list", "--json"]).expect_ok().json();
        let id = jobs[0]["id"].as_str().expect("a job's id");
        for args in [["explain", "--job", id, "--json"].as_slice(), ["explain", id, "--json"].as_slice()] {
            let explained = machine.run(args).expect_ok().json();
            assert_eq!(explained["findings"][0]["entry"], entry, "{name}: {explained}");
        }
        // What was printed, pasted.
        let pasted = machine.run_with_input(["explain", "--json"], sent.stderr.as_bytes()).expect_ok().json();
        assert_eq!(pasted["findings"][0]["entry"], entry, "{name}: {pasted}");
        let people = machine.run(["explain", "--job", id]).expect_ok();
        assert!(people.stdout.contains("likely cause") && people.stderr.is_empty(), "{name}: {people}");
    }
}

/// The acceptance of the whole: what she had in front of her is enough.
#[test]
fn the_origin_story_needs_no_second_attempt() {
    let machine = Holdfast::new();
    let plugin = "[27-May-2015 20:00:10] Connected to S3 Bucket \"rainworks-hosting-backups\" in us-west-2\n\
                  [27-May-2015 20:00:10] Checking for not aborted multipart Uploads …\n\
                  [27-May-2015 20:00:10] ERROR: S3 Service API: Access Denied\n";
    let log = "REST.HEAD.BUCKET - \"HEAD / HTTP/1.1\" 403 AccessDenied\n\
               REST.GET.UPLOADS - \"GET /?uploads&prefix=rainworkswebdevelopment.com%2F HTTP/1.1\" 403 AccessDenied\n";
    for text in [plugin, log] {
        let told = machine.run_with_input(["explain", "-"], text.as_bytes()).expect_ok();
        for words in ["s3:ListBucketMultipartUploads", "does not need it", "leave it denied", "\"Sid\""] {
            assert!(told.stdout.contains(words), "{words}: {told}");
        }
    }
}

#[test]
fn what_is_not_recognised_is_said_so() {
    let machine = Holdfast::new();
    let nothing = machine.run(["explain", "the", "site", "is", "down"]).expect_code(2);
    assert!(nothing.stderr.contains("hint: paste"), "{nothing}");
    let nothing = machine.run_with_input(["explain", "--json"], b"").expect_code(2);
    assert_eq!(nothing.json()["findings"], serde_json::json!([]));
    let long = machine.run_with_input(["explain"], &vec![b'x'; (1 << 20) + 1]).expect_code(2);
    assert!(long.stderr.contains("longer than 1 MiB"), "{long}");
    machine.run(["explain", "--job", "u00000000000"]).expect_code(10);
    // Neither a cursor nor a title is moved.
    let hostile = "An error occurred (AccessDenied) when calling the PutObject operation: \u{1b}]0;x\u{7}\u{1b}[2JAccess \
                   Denied s3://b/\u{9b}31mk\u{202e}";
    let told = machine.run(["explain", hostile]).expect_ok();
    assert!(!told.stdout.chars().any(|c| c.is_control() && c != '\n' || c == '\u{202e}'), "{told}");
}
