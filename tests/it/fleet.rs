//! The hoster's view, on MinIO, with a key that has the generated policy and nothing else.

use std::{fs, time::Duration};

use holdfast_testbed::{Finished, Holdfast, Minio};
use serde_json::Value;

const BUCKET: &str = "rainworks-hosting-backups";

/// MinIO, and a machine with the fleet's own key.
struct Bed {
    server: Minio,
    machine: Holdfast,
}

impl Bed {
    fn new() -> Self {
        let server = Minio::start();
        server.s3().create_bucket(BUCKET);
        let machine = Holdfast::new().with_key("fleet", "fleet-secret");
        let made = machine
            .run(["policy", "generate", "fleet", "--bucket", BUCKET, "--dialect", "minio", "--json"])
            .expect_ok()
            .json();
        server.add_user("fleet", "fleet-secret");
        server.add_policy("holdfast-fleet", &made["documents"][0]["document"]);
        server.set_user_policy("fleet", "holdfast-fleet");
        Self { server, machine }
    }

    fn put(&self, key: &str, len: usize) {
        self.server.s3().put(BUCKET, key, &vec![b'x'; len]);
    }

    fn fleet(&self, prefix: &str, more: &[&str]) -> Finished {
        let place = format!("s3://{BUCKET}/{prefix}");
        self.machine.run(["fleet", &place, "--endpoint", self.server.endpoint()].iter().chain(more))
    }
}

/// `name: freshness` of each client.
fn told(document: &Value) -> Vec<String> {
    let clients = document["clients"].as_array().expect("clients");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    clients.iter().map(|client| format!("{}: {}", text(&client["name"]), text(&client["freshness"]))).collect()
}

#[test]
fn the_generated_policy_is_exactly_enough() {
    let bed = Bed::new();
    for (key, len) in [("client1/1.zip", 3 << 20), ("client1/2.zip", 5 << 20), ("client10/deep/er/1.zip", 1_000)] {
        bed.put(&format!("home/{key}"), len);
    }
    bed.put("home/client2/holdfast-site.json", 100);
    bed.put("elsewhere/client3/1.zip", 100);
    let finished = bed.fleet("home/", &[]).expect_code(3);
    assert!(finished.stdout.ends_with("3 clients: 2 fresh, 1 without a backup\n"), "{finished}");
    let masked = |line: &str| match line.split_once(" s ago") {
        Some((start, end)) => {
            format!("{}  [age]{end}", start.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end())
        }
        None => line.to_owned(),
    };
    let shown: Vec<_> = finished.stdout.lines().map(masked).collect();
    insta::assert_snapshot!(shown.join("\n"));

    let fleet = bed.server.s3_as("fleet", "fleet-secret");
    let status = |method: &str, path: &str, query: &[(&str, &str)]| fleet.send(method, path, query, &[], b"").status;
    let object = format!("/{BUCKET}/home/client1/1.zip");
    for (method, path, query) in [
        ("GET", object.as_str(), &[][..]),
        ("HEAD", &object, &[]),
        ("PUT", &object, &[]),
        ("DELETE", &object, &[]),
        ("GET", &format!("/{BUCKET}"), &[("list-type", "2"), ("prefix", "")]),
        ("GET", &format!("/{BUCKET}"), &[("list-type", "2"), ("prefix", "elsewhere/")]),
        ("GET", &format!("/{BUCKET}"), &[("uploads", "")]),
    ] {
        assert_eq!(status(method, path, query), 403, "{method} {path} {query:?}");
    }
    let place = format!("s3://{BUCKET}/home/client1/1.zip");
    let to = bed.machine.home().join("stolen.zip");
    let to = to.to_str().expect("made of ASCII");
    bed.machine.run(["get", &place, "--to", to, "--endpoint", bed.server.endpoint()]).expect_code(12);
}

#[test]
fn what_is_older_than_allowed_is_stale() {
    let bed = Bed::new();
    bed.put("home/old/1.zip", 10);
    std::thread::sleep(Duration::from_millis(3_100));
    bed.put("home/new/1.zip", 10);
    let finished = bed.fleet("home/", &["--max-age", "3s", "--json"]).expect_code(3);
    let document = finished.json();
    assert_eq!(told(&document), ["new: fresh", "old: stale"], "{finished}");
    assert_eq!(document["report"]["stale"], 1);
    assert_eq!(document["clients"][1]["newest"]["key"], "home/old/1.zip");
    assert!(document["clients"][1]["newest"]["age_ms"].as_u64().expect("a number") > 3_000, "{finished}");
    let all = bed.fleet("home/", &["--max-age", "0s", "--json"]).expect_code(3).json();
    assert_eq!(told(&all), ["new: stale", "old: stale"]);
    bed.fleet("home/", &["--max-age", "1h"]).expect_ok();
    let quiet = bed.fleet("home/", &["--max-age", "0s", "--quiet"]).expect_code(3);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
}

#[test]
fn who_is_expected_and_not_there_is_missing() {
    let bed = Bed::new();
    bed.put("home/client1/1.zip", 10);
    let list = bed.machine.home().join("clients.txt");
    fs::write(&list, "client1\nclient2/\n").expect("writable");
    let list = list.to_str().expect("made of ASCII");
    let document = bed.fleet("home/", &["--clients", list, "--json"]).expect_code(3).json();
    assert_eq!(told(&document), ["client1: fresh", "client2: missing"]);
    fs::write(list, "home/client1\n").expect("writable");
    bed.fleet("home/", &["--clients", list]).expect_code(2);
}

#[test]
fn no_clients_is_said_and_not_called_well() {
    let bed = Bed::new();
    let finished = bed.fleet("home/", &[]).expect_code(3);
    assert!(finished.stdout.contains("There are no clients"), "{finished}");
    bed.put("home/client1/1.zip", 10);
    let finished = bed.fleet("home/client1/", &[]).expect_code(3);
    assert!(finished.stdout.contains("1 object lies there"), "{finished}");
}

#[test]
fn a_key_that_may_not_list_the_clients_is_told_which_policy_it_takes() {
    let bed = Bed::new();
    let finished = bed.fleet("elsewhere/", &[]).expect_code(12);
    assert!(finished.stderr.contains("holdfast policy generate fleet --bucket"), "{finished}");
    let document = bed.fleet("elsewhere/", &["--json"]).expect_code(12).json();
    assert_eq!((document["code"].as_str(), document["exit_code"].as_u64()), (Some("s3/access-denied"), Some(12)));
    bed.fleet("home", &[]).expect_code(2);
}

#[test]
fn a_client_that_is_denied_is_told_and_the_others_go_on() {
    let bed = Bed::new();
    for client in ["a", "b", "c"] {
        bed.put(&format!("home/{client}/1.zip"), 10);
    }
    bed.server.add_policy(
        "all-but-b",
        &serde_json::json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListBucket",
            "Resource": format!("arn:aws:s3:::{BUCKET}"),
            "Condition": {"StringEquals": {"s3:prefix": ["home/", "home/a/", "home/c/"]}}}]}),
    );
    bed.server.set_user_policy("fleet", "all-but-b");
    let document = bed.fleet("home/", &["--json"]).expect_code(3).json();
    assert_eq!(told(&document), ["a: fresh", "b: unreadable", "c: fresh"]);
    assert_eq!(document["clients"][1]["error"]["evidence"]["status"], 403);
}

#[test]
fn a_thousand_clients_take_seconds() {
    let bed = Bed::new();
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let bed = &bed;
            scope.spawn(move || (worker..1_001).step_by(4).for_each(|n| bed.put(&format!("home/client{n}/1.zip"), 10)));
        }
        scope.spawn(|| (0..1_100).for_each(|n| bed.put(&format!("home/large/{n}.zip"), 10)));
    });
    let finished = bed.fleet("home/", &["--json"]).expect_ok();
    let report = &finished.json()["report"];
    assert_eq!(
        (&report["clients"], &report["fresh"], &report["backups"]),
        (&1_002.into(), &1_002.into(), &2_101.into())
    );
    assert!(finished.time < Duration::from_secs(20), "{:?}", finished.time);
}
