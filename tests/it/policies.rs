//! Generated policies on MinIO: each is taken, and what it is to keep is kept.

use holdfast_testbed::{Holdfast, Minio};
use serde_json::Value;

const BUCKET: &str = "rainworks-hosting-backups";

/// The identity policies that `holdfast policy generate` writes for MinIO.
fn generated(machine: &Holdfast, more: &[&str]) -> Vec<(String, Value)> {
    let args = ["policy", "generate", "--bucket", BUCKET, "--dialect", "minio", "--json"];
    let made = machine.run(args.iter().chain(more)).expect_ok().json();
    let documents = made["documents"].as_array().expect("documents").iter();
    let policies = documents.filter(|document| document["document"].get("Statement").is_some());
    policies.map(|policy| (policy["file"].as_str().expect("a name").to_owned(), policy["document"].clone())).collect()
}

#[test]
fn minio_takes_every_policy_that_is_generated_for_it() {
    let (server, machine) = (Minio::start(), Holdfast::new());
    let options: [&[&str]; 6] = [
        &[],
        &["--minimal"],
        &["--without", "restore,retention,incremental"],
        &["--tags"],
        &["--backwpup"],
        &["--prefix", "${aws:username}/"],
    ];
    for kind in [&["set"][..], &["group"], &["one-client", "--client", "client1"]] {
        for options in options {
            let wanted = [kind, options].concat();
            let policies = generated(&machine, &wanted);
            assert_eq!(policies.len(), 1, "{wanted:?}");
            for (file, policy) in policies {
                let taken = server.try_policy("generated", &policy);
                assert_eq!(taken, Ok(()), "{wanted:?}: {file}: {policy:#}");
            }
        }
    }
    let write_only: &[&[&str]] =
        &[&["write-only"], &["write-only", "--client", "client1"], &["write-only", "--minimal"]];
    for wanted in write_only.iter().chain(&[&["fleet"][..], &["fleet", "--prefix", "${aws:username}/"]]) {
        for (file, policy) in generated(&machine, wanted) {
            assert_eq!(server.try_policy("generated", &policy), Ok(()), "{wanted:?}: {file}: {policy:#}");
        }
    }
}

/// A versioned bucket with an object of `client1`, whose policy is this: gives the version.
fn versioned(policy: &Value) -> (Minio, String) {
    let server = Minio::start();
    let root = server.s3();
    root.create_bucket(BUCKET);
    root.enable_versioning(BUCKET);
    server.add_user("client1", "client1-secret");
    server.add_to_group("clients", &["client1"]);
    server.add_policy("the-clients", policy);
    server.set_group_policy("clients", "the-clients");
    let put = server.s3_as("client1", "client1-secret").put(BUCKET, "home/client1/1.zip", b"backup");
    let version = put.header("x-amz-version-id").expect("it is versioned").to_owned();
    (server, version)
}

#[test]
fn with_the_generated_policy_a_client_can_hide_a_backup_and_not_destroy_it() {
    let (_, policy) = generated(&Holdfast::new(), &["group"]).remove(0);
    let (server, version) = versioned(&policy);
    let (client, path) = (server.s3_as("client1", "client1-secret"), format!("/{BUCKET}/home/client1/1.zip"));
    let deleted = client.send("DELETE", &path, &[], &[], b"");
    assert_eq!((deleted.status, deleted.header("x-amz-delete-marker")), (204, Some("true")));
    assert!(!server.s3().exists(BUCKET, "home/client1/1.zip"));
    let refused = client.send("DELETE", &path, &[("versionId", &version)], &[], b"");
    assert_eq!((refused.status, refused.code().as_deref()), (403, Some("AccessDenied")));
    let kept = server.s3().send("GET", &path, &[("versionId", &version)], &[], b"").expect_ok("get");
    assert_eq!(kept.text(), "backup");
}

/// Why the statement is there: should MinIO ever change, this says so.
#[test]
fn without_the_denial_minio_lets_a_version_be_destroyed() {
    let (_, mut policy) = generated(&Holdfast::new(), &["group"]).remove(0);
    let statements = policy["Statement"].as_array_mut().expect("statements");
    statements.retain(|statement| statement["Effect"] == "Allow");
    let (server, version) = versioned(&policy);
    let path = format!("/{BUCKET}/home/client1/1.zip");
    let client = server.s3_as("client1", "client1-secret");
    assert_eq!(client.send("DELETE", &path, &[("versionId", &version)], &[], b"").status, 204);
    assert_eq!(server.s3().send("GET", &path, &[("versionId", &version)], &[], b"").status, 404);
}
