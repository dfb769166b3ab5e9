//! Deleting by a policy, on real servers with real users.

use holdfast_testbed::{Finished, Holdfast, Minio, S3, Versitygw};
use serde_json::{Value, json};

const BUCKET: &str = "rainworks-hosting-backups";
const PREFIX: &str = "home/client1/";
const SITE: &str = "home/client1/shop.example.org-0a1b2c3d/";
const OTHER: &str = "home/client1/blog-11111111/2020-01-01T020000Z.zip";
const NIGHTS: [&str; 6] = ["2026-09-30", "2026-10-31", "2026-11-15", "2026-11-20", "2026-11-21", "2026-11-22"];
/// Keeps the last two nights, and the newest of October and of September.
const POLICY: [&str; 4] = ["--keep-last", "2", "--keep-monthly", "3"];

/// A server with some nights of one site, one of another, and what is no backup.
struct Bed {
    endpoint: String,
    s3: S3,
    machine: Holdfast,
}

impl Bed {
    fn new(endpoint: &str, s3: S3, create: impl Fn(&S3)) -> Self {
        create(&s3);
        for (n, night) in NIGHTS.iter().enumerate() {
            s3.put(BUCKET, &key(night), &vec![b'x'; 1_000 + n]);
        }
        for other in [OTHER, &format!("{SITE}holdfast-site.json"), &format!("{PREFIX}shop.zip")] {
            s3.put(BUCKET, other, b"another's, or no backup");
        }
        Self { endpoint: endpoint.to_owned(), s3, machine: Holdfast::new() }
    }

    fn prune(&self, more: &[&str]) -> Finished {
        self.prune_as(&self.machine, more)
    }

    fn prune_as(&self, machine: &Holdfast, more: &[&str]) -> Finished {
        let place = format!("s3://{BUCKET}/{PREFIX}");
        let args = ["prune", &place, "--site", "shop.example.org", "--endpoint", &self.endpoint];
        machine.run(args.iter().chain(&POLICY).chain(more))
    }

    fn keys(&self) -> Vec<String> {
        self.s3.list(BUCKET, "").into_iter().map(|listed| listed.key).collect()
    }

    /// Whether these nights are left, and all that is no backup of the site.
    #[track_caller]
    fn assert_left(&self, nights: &[&str]) {
        let mut left: Vec<String> = nights.iter().map(|night| key(night)).collect();
        left.extend([OTHER.to_owned(), format!("{SITE}holdfast-site.json"), format!("{PREFIX}shop.zip")]);
        left.sort();
        assert_eq!(self.keys(), left);
    }
}

const KEPT: [&str; 4] = ["2026-09-30", "2026-10-31", "2026-11-21", "2026-11-22"];

fn key(night: &str) -> String {
    format!("{SITE}{night}T020000Z.zip")
}

fn promises(bed: &Bed) {
    let shown = bed.prune(&["--dry-run"]).expect_ok();
    assert!(shown.stdout.ends_with("4 backups stay, 3.92 KiB; 2 would go, 1.96 KiB\n"), "{shown}");
    bed.assert_left(&NIGHTS);
    let pruned = bed.prune(&["--json"]).expect_ok();
    let document = pruned.json();
    assert_eq!(
        (&document["removed"], &document["failed"], &document["versioned"]),
        (&json!(2), &json!(0), &json!(false))
    );
    bed.assert_left(&KEPT);
    // Once more: nothing is due.
    let again = bed.prune(&[]).expect_ok();
    assert!(again.stdout.ends_with("nothing is due\n"), "{again}");
    bed.assert_left(&KEPT);
}

#[test]
fn what_is_due_goes_and_nothing_else_on_minio() {
    let server = Minio::start();
    let bed = Bed::new(server.endpoint(), server.s3(), |s3| s3.create_bucket(BUCKET));
    promises(&bed);
}

#[test]
fn what_is_due_goes_and_nothing_else_on_versitygw() {
    let server = Versitygw::start();
    let bed = Bed::new(server.endpoint(), server.s3(), |s3| s3.create_bucket(BUCKET));
    promises(&bed);
}

#[test]
fn the_calendar_as_people_read_it() {
    let server = Minio::start();
    let bed = Bed::new(server.endpoint(), server.s3(), |s3| s3.create_bucket(BUCKET));
    let pin = "2026-11-15T020000Z.zip";
    let pruned = bed.prune(&["--pin", pin]).expect_ok();
    insta::assert_snapshot!(pruned.stdout);
    assert_eq!(bed.prune(&["--pin", "2026-11-16T020000Z.zip"]).code(), 2, "a pin that nothing has");
}

#[test]
fn one_site_has_to_be_meant() {
    let server = Minio::start();
    let bed = Bed::new(server.endpoint(), server.s3(), |s3| s3.create_bucket(BUCKET));
    let place = format!("s3://{BUCKET}/{PREFIX}");
    let run = |more: &[&str]| {
        let args = ["prune", place.as_str(), "--endpoint", &bed.endpoint];
        bed.machine.run(args.iter().chain(more))
    };
    let several = run(&POLICY).expect_code(2);
    assert!(several.stderr.contains("blog-11111111, shop.example.org-0a1b2c3d"), "{several}");
    run(&[&POLICY[..], &["--site", "nobody"]].concat()).expect_code(10);
    let no_rule = run(&["--site", "0a1b2c3d"]).expect_code(2);
    assert!(no_rule.stderr.contains("--keep-daily"), "{no_rule}");
    bed.assert_left(&NIGHTS);
    bed.s3.delete(BUCKET, OTHER);
    run(&POLICY).expect_ok();
}

#[test]
fn a_bucket_with_versions_keeps_what_was_deleted() {
    let server = Minio::start();
    let bed = Bed::new(server.endpoint(), server.s3(), |s3| {
        s3.create_bucket(BUCKET);
        s3.enable_versioning(BUCKET);
    });
    let pruned = bed.prune(&[]).expect_ok();
    assert!(pruned.stdout.contains("The bucket keeps versions"), "{pruned}");
    bed.assert_left(&KEPT);
    let versions = bed.s3.send("GET", &format!("/{BUCKET}"), &[("versions", "")], &[], b"").text();
    assert!(versions.contains(&key("2026-11-20")) && versions.contains("<DeleteMarker>"), "{versions}");
}

/// With Object Lock there are versions, so what is locked can be hidden and never lost.
#[test]
fn what_is_locked_is_hidden_and_not_lost() {
    let server = Minio::start();
    let bed = Bed::new(server.endpoint(), server.s3(), |s3| {
        s3.create_locked_bucket(BUCKET);
        s3.set_default_retention(BUCKET, "COMPLIANCE", 1);
    });
    let pruned = bed.prune(&[]).expect_ok();
    assert!(pruned.stdout.contains("2 backups deleted") && pruned.stdout.contains("keeps versions"), "{pruned}");
    bed.assert_left(&KEPT);
}

fn statement(action: &[&str], resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": format!("arn:aws:s3:::{BUCKET}{resource}")})
}

fn allow(server: &Minio, statements: &[Value]) -> Holdfast {
    server.add_user("client1", "client1-secret");
    server.add_policy("client1", &json!({"Version": "2012-10-17", "Statement": statements}));
    server.set_user_policy("client1", "client1");
    Holdfast::new().with_key("client1", "client1-secret")
}

#[test]
fn who_may_not_delete_is_told_what_to_add_and_what_to_do_instead() {
    let server = Minio::start();
    let bed = Bed::new(server.endpoint(), server.s3(), |s3| s3.create_bucket(BUCKET));
    let client = allow(&server, &[statement(&["s3:ListBucket"], ""), statement(&["s3:GetObject"], "/*")]);
    let denied = bed.prune_as(&client, &[]).expect_code(3);
    for words in [
        "cannot delete",
        "`s3:DeleteObject`",
        &format!("arn:aws:s3:::{BUCKET}/{PREFIX}"),
        "\"Days\": 93",
        &format!("\"Prefix\": \"{SITE}\""),
        "put-bucket-lifecycle-configuration",
    ] {
        assert!(denied.stderr.contains(words), "{words}: {denied}");
    }
    assert!(denied.stdout.contains("2 backups could not be deleted"), "{denied}");
    bed.assert_left(&NIGHTS);
    let document = bed.prune_as(&client, &["--json"]).expect_code(3).json();
    assert_eq!((&document["failed"], &document["removed"]), (&json!(2), &json!(0)));
    assert_eq!(document["warnings"][0]["action"], "s3:DeleteObject");
    assert!(document["lifecycle"]["Rules"].is_array(), "{document:#}");
}

#[test]
fn one_that_may_not_go_keeps_no_other() {
    let server = Minio::start();
    let bed = Bed::new(server.endpoint(), server.s3(), |s3| s3.create_bucket(BUCKET));
    let only = statement(&["s3:DeleteObject"], &format!("/{}", key("2026-11-20")));
    let client = allow(&server, &[statement(&["s3:ListBucket"], ""), only]);
    let pruned = bed.prune_as(&client, &[]).expect_code(3);
    assert!(!pruned.stderr.contains("put-bucket-lifecycle-configuration"), "{pruned}");
    bed.assert_left(&["2026-09-30", "2026-10-31", "2026-11-15", "2026-11-21", "2026-11-22"]);
    let unlisted = allow(&server, &[statement(&["s3:DeleteObject"], "/*")]);
    bed.prune_as(&unlisted, &[]).expect_code(12);
}
