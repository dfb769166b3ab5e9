//! Bad input, poor machines and the ways keys come in.

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use holdfast_testbed::{ACCESS_KEY, Holdfast, Minio, SECRET, Toxiproxy, data, toxiproxy::Direction};
use serde_json::json;

const MIB: u64 = 1 << 20;
const BUCKET: &str = "backups";

#[test]
fn wrong_words_are_told_before_anything_is_sent() {
    let machine = Holdfast::new();
    let home = machine.home().to_owned();
    data::write_file(&home.join("a.zip"), 1, 1000).expect("a file can be written");
    fs::create_dir(home.join("dir")).expect("new");
    fs::write(home.join("empty"), b"").expect("new");
    assert!(std::process::Command::new("mkfifo").arg(home.join("fifo")).status().expect("mkfifo").success());
    let file = |name: &str| home.join(name).to_str().expect("ASCII").to_owned();
    let nobody = "http://127.0.0.1:9";
    let cases: Vec<(Vec<String>, i32, &str)> = [
        (vec![file("missing"), "s3://backups/a".into()], 2, "no such file"),
        (vec![file("dir"), "s3://backups/a".into()], 2, "directory"),
        (vec![file("fifo"), "s3://backups/a".into()], 2, "pipe"),
        (vec![file("empty"), "s3://backups/a".into()], 2, "empty"),
        (vec![file("a.zip"), "backups/a".into()], 2, "s3://"),
        (vec![file("a.zip"), "s3://Backups/a".into()], 2, "lower-case"),
        (vec![file("a.zip"), "s3://ab/a".into()], 2, "3 to 63"),
        (vec![file("a.zip"), format!("s3://backups/{}", "k".repeat(1025))], 2, "1,024"),
        (vec![file("a.zip"), "s3://backups/a\u{7}b".into()], 2, "control"),
        (vec![file("a.zip"), "s3://backups/a".into(), "--part-size".into(), "1MiB".into()], 2, "limits"),
        (vec![file("a.zip"), "s3://backups/a".into(), "--part-size".into(), "lots".into()], 2, "a size is a number"),
        (vec![file("a.zip"), "s3://backups/a".into(), "--tag".into(), "lonely".into()], 2, "NAME=VALUE"),
        (vec![file("a.zip"), "s3://backups/a".into(), "--encrypt".into(), "rot13".into()], 2, "aes256"),
        (vec![file("a.zip"), "s3://backups/a".into(), "--metadata".into(), "a=b\nc".into()], 2, "cannot store"),
        (vec![file("a.zip"), "s3://backups/a".into(), "--ca-file".into(), file("missing")], 2, "CA file"),
        (vec![file("a.zip"), "s3://backups/a".into(), "--ca-file".into(), file("a.zip")], 2, "CA file"),
        (vec![file("a.zip"), "s3://backups/a".into(), "--profile".into(), "nobody".into()], 2, "nobody"),
    ]
    .into();
    for (args, code, words) in cases {
        let said = machine.run(
            ["upload"].map(str::to_owned).into_iter().chain(args.clone()).chain(["--endpoint".into(), nobody.into()]),
        );
        assert_eq!(said.code(), code, "{args:?}: {said}");
        assert!(said.stderr.contains(words), "{args:?}: {said}");
        assert!(said.time < Duration::from_secs(5), "{args:?}: {said}");
    }
    for (endpoint, words) in [
        ("s3.example.com", "https://"),
        ("http://s3.example.com", "--allow-http"),
        ("https://key:sentinel2@s3.example.com", "user name or a password"),
        ("https://s3.example.com:99999", "port"),
    ] {
        let said = machine.run(["upload", &file("a.zip"), "s3://backups/a", "--endpoint", endpoint]).expect_code(2);
        assert!(said.stderr.contains(words) && !said.stderr.contains("sentinel2"), "{said}");
    }
    let without = Holdfast::new().without_key();
    let said = without.run(["upload", &file("a.zip"), "s3://backups/a", "--endpoint", nobody]).expect_code(2);
    assert!(said.stderr.contains("AWS_ACCESS_KEY_ID"), "{said}");
}

#[test]
fn an_unreadable_archive_is_told_as_such() {
    // Root reads everything: someone else has to try.
    let machine = Holdfast::new();
    let path = machine.home().join("a.zip");
    data::write_file(&path, 1, 1000).expect("a file can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("ours");
    fs::set_permissions(machine.home(), fs::Permissions::from_mode(0o777)).expect("ours");
    let nobody = machine.through(&["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    let args = ["upload", path.to_str().expect("ASCII"), "s3://backups/a", "--endpoint", "http://127.0.0.1:9"];
    let said = nobody.run(args).expect_code(2);
    assert!(said.stderr.contains("permission denied"), "{said}");
}

#[test]
fn a_state_folder_that_is_of_no_use_is_told_as_such() {
    let machine = Holdfast::new();
    let path = machine.home().join("a.zip");
    data::write_file(&path, 1, 1000).expect("a file can be written");
    let theirs = machine.home().join("theirs");
    fs::create_dir(&theirs).expect("new");
    std::os::unix::fs::chown(&theirs, Some(65534), Some(65534)).expect("we are root");
    let file = machine.home().join("file");
    fs::write(&file, b"").expect("new");
    for (state, words) in [
        (theirs.to_str(), "belongs to user 65534"),
        (file.to_str(), "state folder"),
        (Some("/proc/no"), "state folder"),
    ] {
        let state = state.expect("ASCII");
        let args = [
            "upload",
            path.to_str().expect("ASCII"),
            "s3://backups/a",
            "--endpoint",
            "http://127.0.0.1:9",
            "--state-dir",
            state,
        ];
        let said = machine.run(args);
        assert!(matches!(said.code(), 1 | 2), "{said}");
        assert!(said.stderr.contains(words), "{said}");
    }
}

#[test]
fn a_full_disk_at_the_journal_loses_nothing() {
    let server = Minio::start();
    server.s3().create_bucket(BUCKET);
    let machine = Holdfast::new();
    let path = machine.home().join("a.zip");
    data::write_file(&path, 1, 23 * MIB).expect("a file can be written");
    let state = tempfile::tempdir().expect("a folder");
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs"])
        .arg(state.path())
        .status()
        .expect("mount runs");
    assert!(mounted.success(), "a small file system is needed: run as root");
    let state_dir = state.path().to_str().expect("ASCII").to_owned();
    let filler = state.path().join("filler");
    let args = |key: &str| {
        let object = format!("s3://{BUCKET}/{key}");
        let path = path.to_str().expect("ASCII");
        ["upload", path, &object, "--part-size", "5MiB", "--endpoint", server.endpoint(), "--state-dir", &state_dir]
            .map(str::to_owned)
    };
    fs::create_dir_all(state.path().join("jobs")).expect("room");
    // All the room there is.
    let mut left = 64 << 10;
    while left > 0 {
        if fs::write(&filler, vec![0; left]).is_ok() {
            break;
        }
        left -= 512;
    }
    let said = machine.run(args("a"));
    assert!(matches!(said.code(), 1 | 2), "{said}");
    assert!(said.stderr.contains("no space left") || said.stderr.contains("storage full"), "{said}");
    assert!(!server.s3().exists(BUCKET, "a"));
    fs::remove_file(&filler).expect("ours");
    machine.run(args("a")).expect_ok();
    let _ = std::process::Command::new("umount").arg(state.path()).status();
}

#[test]
fn two_runs_at_once_do_not_disturb_each_other() {
    let server = Minio::start();
    server.s3().create_bucket(BUCKET);
    let slow = Toxiproxy::start(server.address());
    slow.add("bandwidth", Direction::Upstream, 1.0, json!({ "rate": 4_000 }));
    let endpoint = slow.endpoint();
    let machine = Holdfast::new();
    let path = machine.home().join("a.zip");
    data::write_file(&path, 1, 23 * MIB).expect("a file can be written");
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
    let mut first = machine.start(args);
    first.wait_for_event(|event| event["event"] == "part_done").expect("a part arrives");
    let second = machine.run(args).expect_code(11);
    assert!(second.stderr.contains("another run"), "{second}");
    let jobs = machine.run(["job", "list", "--json"]).expect_ok().json();
    assert_eq!(jobs[0]["standing"], "running", "{jobs}");
    slow.reset();
    first.wait().expect_ok();
}

#[test]
fn keys_come_by_job_by_file_and_by_profile() {
    let server = Minio::start();
    server.s3().create_bucket(BUCKET);
    let machine = Holdfast::new().without_key();
    let path = machine.home().join("a.zip");
    data::write_file(&path, 1, 1000).expect("a file can be written");
    let path = path.to_str().expect("ASCII");
    let job = |key: &str, credentials| {
        json!({
            "version": 1,
            "upload": { "archive": path, "to": format!("s3://{BUCKET}/{key}"), "metadata": { "note": "by job" } },
            "storage": { "endpoint": server.endpoint() },
            "credentials": credentials,
        })
        .to_string()
    };
    let keys = json!({ "access_key_id": ACCESS_KEY, "secret_access_key": SECRET });
    machine.run_with_input(["upload", "--job", "-"], job("by-job", keys.clone()).as_bytes()).expect_ok();
    assert_eq!(server.s3().head(BUCKET, "by-job").header("x-amz-meta-note"), Some("by job"));

    let file = machine.home().join("keys.json");
    fs::write(&file, keys.to_string()).expect("writable");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("ours");
    let file_text = file.to_str().expect("ASCII");
    let args =
        ["upload", path, "s3://backups/by-file", "--endpoint", server.endpoint(), "--credentials-file", file_text];
    let open = machine.run(args).expect_code(2);
    assert!(open.stderr.contains("chmod 600"), "{open}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("ours");
    machine.run(args).expect_ok();
    machine
        .run_with_input(["upload", "--job", "-"], job("by-job-and-file", json!({ "file": file_text })).as_bytes())
        .expect_ok();

    fs::create_dir_all(machine.home().join(".aws")).expect("writable");
    let ini = format!("[client1]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET}\n");
    let ini_path = machine.home().join(".aws/credentials");
    fs::write(&ini_path, ini).expect("writable");
    fs::set_permissions(&ini_path, fs::Permissions::from_mode(0o600)).expect("ours");
    machine
        .run(["upload", path, "s3://backups/by-profile", "--endpoint", server.endpoint(), "--profile", "client1"])
        .expect_ok();
}

#[test]
fn a_broken_job_is_told_with_line_column_and_field() {
    let machine = Holdfast::new();
    for (job, words) in [
        ("{", "line 1, column 1"),
        ("{\"version\": 1,\n \"upload\": {\"archive\": \"/a\", \"to\": \"s3://b/k\", \"speed\": 9}}", "`speed`"),
        ("{\"version\": 1, \"upload\": {\"archive\": 7, \"to\": \"s3://b/k\"}}", "`upload.archive`"),
        ("{\"version\": 1, \"upload\": {\"archive\": \"a\", \"to\": \"s3://bbb/k\"}}", "absolute"),
    ] {
        let said = machine.run_with_input(["upload", "--job", "-"], job.as_bytes()).expect_code(2);
        assert!(said.stderr.contains(words), "{said}");
    }
}

#[test]
fn an_upload_under_the_limits_of_shared_hosting() {
    let server = Minio::start();
    server.s3().create_bucket(BUCKET);
    let python = "import ctypes, os, sys\n\
                  assert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0\n\
                  os.execv(sys.argv[1], sys.argv[1:])";
    for (name, wrapper) in [
        ("address-space", vec!["sh", "-c", "ulimit -v 300000; exec \"$@\"", "sh"]),
        ("many-limits", vec!["sh", "-c", "ulimit -v 512000 -d 200000 -n 100; exec \"$@\"", "sh"]),
        ("no-executable-memory", vec!["python3", "-c", python]),
    ] {
        let machine = Holdfast::new().through(&wrapper);
        let path = machine.home().join("a.zip");
        data::write_file(&path, 1, 40 * MIB).expect("a file can be written");
        let object = format!("s3://{BUCKET}/{name}");
        machine
            .run([
                "upload",
                path.to_str().expect("ASCII"),
                &object,
                "--part-size",
                "5MiB",
                "--endpoint",
                server.endpoint(),
            ])
            .expect_ok();
        assert!(server.s3().get(BUCKET, name) == fs::read(&path).expect("readable"), "{name}");
    }
}

#[test]
fn completions_and_help_are_there() {
    let machine = Holdfast::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(machine.run(["completions", shell]).expect_ok().stdout.contains("holdfast"));
    }
    let help = machine.run(["upload", "--help"]).expect_ok().stdout;
    for words in ["--endpoint", "--part-size", "--overwrite", "--credentials-file", "s3://BUCKET/KEY"] {
        assert!(help.contains(words), "{words}: {help}");
    }
}
