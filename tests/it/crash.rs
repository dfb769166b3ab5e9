//! `kill -9` at random moments, and the same command again.

use std::time::Duration;

use holdfast_testbed::{Holdfast, Minio, Toxiproxy, data, data::Random, runner::Running, toxiproxy::Direction};

const MIB: u64 = 1 << 20;
const LEN: u64 = 300 * MIB;
const BUCKET: &str = "backups";

#[test]
fn fifty_kills_at_random_moments_and_every_archive_arrives() {
    let server = Minio::start();
    let s3 = server.s3();
    s3.create_bucket(BUCKET);
    let machine = Holdfast::new();
    let path = machine.home().join("site.zip");
    data::write_file(&path, 1, LEN).expect("a file can be written");
    let source = std::fs::read(&path).expect("readable");
    let upload = |key: &str| -> Vec<String> {
        let object = format!("s3://{BUCKET}/{key}");
        let path = path.to_str().expect("made of ASCII");
        ["upload", path, &object, "--part-size", "5MiB", "--json", "--endpoint", server.endpoint()]
            .map(str::to_owned)
            .to_vec()
    };
    let whole = machine.run(upload("whole")).expect_ok().time;
    s3.delete(BUCKET, "whole");
    let mut random = Random::new(20_261_123);
    let mut resumed = 0;
    for n in 0..50 {
        let key = format!("killed-{n}");
        let running = machine.start(upload(&key));
        let moment = Duration::from_micros(random.below(whole.as_micros() as u64 * 11 / 10));
        std::thread::sleep(moment);
        drop(running.kill());
        if s3.exists(BUCKET, &key) {
            // It had just ended: then the command says so, and nothing is sent twice.
            let again = machine.run(upload(&key));
            assert!(matches!(again.code(), 0 | 15), "killed after {moment:?}: {again}");
        } else {
            let again = machine.run(upload(&key)).expect_ok();
            let kept = again.event("resumed").map_or(0, |event| event["parts_kept"].as_u64().unwrap_or(0));
            resumed += u32::from(kept > 0);
        }
        assert!(s3.get(BUCKET, &key) == source, "killed after {moment:?}: the object is not the archive");
        for unfinished in s3.unfinished(BUCKET, &key) {
            let parts = s3.parts(BUCKET, &key, &unfinished.id).unwrap_or_default();
            assert!(parts.is_empty(), "killed after {moment:?}: an upload with parts is left behind");
        }
        s3.delete(BUCKET, &key);
    }
    assert!(resumed >= 10, "only {resumed} of 50 runs had anything to continue: the kills came too early or too late");
}

#[test]
fn ctrl_c_keeps_what_arrived_and_job_cancel_takes_it_away() {
    let server = Minio::start();
    let s3 = server.s3();
    s3.create_bucket(BUCKET);
    let slow = Toxiproxy::start(server.address());
    slow.add("bandwidth", Direction::Upstream, 1.0, serde_json::json!({ "rate": 4_000 }));
    let endpoint = slow.endpoint();
    let machine = Holdfast::new();
    let path = machine.home().join("site.zip");
    data::write_file(&path, 1, 60 * MIB).expect("a file can be written");
    let path = path.to_str().expect("made of ASCII");
    let args = ["upload", path, "s3://backups/a", "--part-size", "5MiB", "--json", "--endpoint", &endpoint];
    let stopped_after_two = || {
        let mut running = machine.start(args);
        let arrived = |running: &Running| running.events().iter().filter(|event| event["event"] == "part_done").count();
        while arrived(&running) < 2 {
            assert!(!running.has_ended(), "it ended before two parts had arrived");
            std::thread::sleep(Duration::from_millis(20));
        }
        running.signal(rustix::process::Signal::INT);
        running.wait().expect_code(130)
    };
    let stopped = stopped_after_two();
    assert!(stopped.event("failed").is_some_and(|event| event["code"] == "cancelled"), "{stopped}");
    slow.reset();
    let jobs = machine.run(["job", "list", "--json"]).expect_ok().json();
    let id = jobs[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(jobs[0]["standing"], "interrupted");
    assert!(jobs[0]["parts_moved"].as_u64().is_some_and(|parts| parts >= 2), "{jobs}");
    assert_eq!(s3.unfinished(BUCKET, "a").len(), 1);
    machine.run(["job", "show", &id]).expect_ok();
    machine.run(["job", "cancel", &id]).expect_ok();
    assert!(s3.unfinished(BUCKET, "a").is_empty(), "the upload was given up");
    assert_eq!(machine.run(["job", "list", "--json"]).expect_ok().json(), serde_json::json!([]));
    machine.run(["job", "show", &id]).expect_code(10);
    machine.run(["job", "cancel", "../../etc"]).expect_code(2);
    // And a stopped one that is not given up continues.
    slow.add("bandwidth", Direction::Upstream, 1.0, serde_json::json!({ "rate": 4_000 }));
    stopped_after_two();
    slow.reset();
    let again = machine.run(args).expect_ok();
    assert!(again.event("resumed").is_some_and(|event| event["parts_kept"].as_u64() >= Some(2)), "{again}");
}

#[test]
fn an_archive_that_changed_between_runs_is_sent_anew_and_the_old_parts_go() {
    let server = Minio::start();
    let s3 = server.s3();
    s3.create_bucket(BUCKET);
    let slow = Toxiproxy::start(server.address());
    slow.add("bandwidth", Direction::Upstream, 1.0, serde_json::json!({ "rate": 4_000 }));
    let endpoint = slow.endpoint();
    let machine = Holdfast::new();
    let path = machine.home().join("site.zip");
    data::write_file(&path, 1, 60 * MIB).expect("a file can be written");
    let args = [
        "upload",
        path.to_str().expect("ASCII"),
        "s3://backups/a",
        "--part-size",
        "5MiB",
        "--json",
        "--endpoint",
        &endpoint,
    ];
    let mut running = machine.start(args);
    running.wait_for_event(|event| event["event"] == "part_done").expect("a part arrives");
    running.kill();
    slow.reset();
    data::write_file(&path, 2, 41 * MIB).expect("a file can be written");
    let again = machine.run(args).expect_ok();
    assert!(again.event("started_afresh").is_some(), "{again}");
    assert!(s3.get(BUCKET, "a") == std::fs::read(&path).expect("readable"));
    assert!(s3.unfinished(BUCKET, "a").is_empty(), "parts of the old archive are left behind");
}

#[test]
fn a_download_goes_on_where_it_was_killed() {
    let server = Minio::start();
    let s3 = server.s3();
    s3.create_bucket(BUCKET);
    let machine = Holdfast::new();
    let path = machine.home().join("site.zip");
    data::write_file(&path, 1, 100 * MIB).expect("a file can be written");
    machine
        .run(["upload", path.to_str().expect("ASCII"), "s3://backups/a", "--endpoint", server.endpoint()])
        .expect_ok();
    let slow = Toxiproxy::start(server.address());
    slow.add("bandwidth", Direction::Downstream, 1.0, serde_json::json!({ "rate": 10_000 }));
    let back = machine.home().join("back");
    let to = back.to_str().expect("ASCII");
    let endpoint = slow.endpoint();
    let args = ["get", "s3://backups/a", "--to", to, "--json", "--endpoint", &endpoint];
    let mut running = machine.start(args);
    running.wait_for_event(|event| event["event"] == "part_done").expect("a range arrives");
    running.kill();
    assert!(!back.exists(), "a download is in its place only when it is whole");
    slow.reset();
    let again = machine.run(args).expect_ok();
    assert!(again.event("resumed").is_some_and(|event| event["parts_kept"].as_u64() >= Some(1)), "{again}");
    assert_eq!(data::first_difference(&path, &back).expect("readable"), None);
}
