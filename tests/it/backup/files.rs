//! Trees of files: all there, and nothing that was not asked for.

use std::collections::BTreeSet;
use std::fs;

use holdfast_testbed::backup::{Report, differences, exact_differences};
use holdfast_testbed::fault::Operation;
use holdfast_testbed::tree::{Kind, Size, diff, generate, snapshot, under};
use holdfast_testbed::unzip::Reader;
use holdfast_testbed::{Fault, FaultProxy, Holdfast, Rule, Script, data};

use super::{Bed, names};

#[test]
fn a_nasty_tree_comes_back_whole() {
    let bed = Bed::new();
    let root = bed.dir("tree");
    generate(&root, 11, Size::SMALL).expect("it can be made");
    let packed = snapshot(&root).expect("readable");
    let report = bed.back_up(&root);
    let zip = bed.fetch(&report.key);
    assert_eq!(fs::metadata(&zip).expect("it is there").len(), report.len);
    assert_eq!(exact_differences(&zip, &packed), "");
    let names = names(&zip);
    assert_eq!(names.first().map(String::as_str), Some("holdfast.json"));
    assert_eq!(names.last().map(String::as_str), Some("backup.json"));
    // The tree itself is as it was: nothing was written to it, and no time of it changed.
    assert_eq!(diff(&packed, &snapshot(&root).expect("readable")), "");
}

#[test]
#[ignore = "100,000 files and a sparse file of 5 GiB: two minutes"]
fn a_hundred_thousand_files_and_five_gibibytes_of_nothing() {
    let bed = Bed::new();
    let root = bed.dir("tree");
    generate(&root, 12, Size::BIG).expect("it can be made");
    let packed = snapshot(&root).expect("readable");
    let report = bed.back_up(&root);
    // A hole compresses to nothing.
    assert!(report.len < 400 << 20, "{}", report.len);
    assert_eq!(differences(Reader::RustZip, &bed.fetch(&report.key), &packed), "");
}

#[test]
fn a_directory_named_0_is_a_directory_like_any_other() {
    let bed = Bed::new();
    let root = bed.dir("tree");
    fs::create_dir_all(root.join("uploads/0")).expect("writable");
    fs::write(root.join("uploads/0/0"), "0").expect("writable");
    fs::write(root.join("0"), "0").expect("writable");
    let members = bed.members(&bed.back_up(&root).key);
    for name in [&b"files/uploads/0/0"[..], b"files/0"] {
        assert_eq!(members.get(name).map(|facts| facts.size), Some(1), "{members:?}");
    }
}

#[test]
fn what_is_excluded_stays_at_home() {
    let bed = Bed::new();
    let root = bed.dir("tree");
    for name in ["keep.php", "error.log", "logs/deep/a.log", "node_modules/x/index.js", "cache/keep/me"] {
        fs::create_dir_all(root.join(name).parent().expect("it has one")).expect("writable");
        fs::write(root.join(name), name).expect("writable");
    }
    let mut args = bed.place.files(&bed.machine, &root);
    args.extend(
        ["--exclude", "*.log", "--exclude", "/node_modules/", "--exclude", "cache/*", "--include", "cache/keep"]
            .map(str::to_owned),
    );
    let report = Report::of(&bed.machine.run(args).expect_ok());
    let files = under(&bed.members(&report.key), b"files/");
    let plain: Vec<_> =
        files.iter().filter(|(_, facts)| facts.kind == Kind::File).map(|(name, _)| name.clone()).collect();
    assert_eq!(plain, [b"cache/keep/me".to_vec(), b"keep.php".to_vec()]);
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_there() {
    let bed = Bed::new();
    let root = bed.dir("tree");
    fs::create_dir_all(&root).expect("writable");
    fs::write(root.join("readable"), "yes").expect("writable");
    fs::write(root.join("secret-file"), "no").expect("writable");
    let nobody = std::os::unix::fs::PermissionsExt::from_mode(0o000);
    fs::set_permissions(root.join("secret-file"), nobody).expect("it is ours");
    // Even root cannot read it without these two.
    let caps = "-dac_override,-dac_read_search";
    let machine = Holdfast::new().through(&["setpriv", "--bounding-set", caps, "--inh-caps=-all", "--"]);
    let finished = machine.run(bed.place.files(&machine, &root)).expect_code(3);
    assert!(format!("{finished}").contains("secret-file"), "{finished}");
    let members = bed.members(&Report::of(&finished).key);
    assert!(members.contains_key(&b"files/readable"[..]) && !members.contains_key(&b"files/secret-file"[..]));
}

#[test]
fn a_dry_run_sends_nothing() {
    let bed = Bed::new();
    let root = bed.dir("tree");
    generate(&root, 13, Size::SMALL).expect("it can be made");
    let mut args = bed.place.files(&bed.machine, &root);
    args.push("--dry-run".to_owned());
    let before = bed.minio.bytes_received();
    let finished = bed.machine.run(args).expect_ok();
    bed.assert_nothing_is_there(&finished);
    assert_eq!(bed.minio.bytes_received(), before, "{finished}");
}

#[test]
fn killed_in_the_middle_it_goes_on_and_sends_no_part_twice() {
    let bed = Bed::new();
    let root = bed.dir("tree");
    fs::create_dir_all(&root).expect("writable");
    for n in 0..60 {
        data::write_file(&root.join(format!("picture-{n:02}.jpg")), n, 3 << 20).expect("writable");
    }
    let proxy = FaultProxy::start(bed.minio.address(), Script::new());
    let args = bed.place.through(proxy.endpoint()).files(&bed.machine, &root);
    let slow = Rule::on_any(Operation::UploadPart(0)).always().then(Fault::SlowRead(20_000_000));
    proxy.set_script(Script::new().rule(slow));
    let mut running = bed.machine.start(&args);
    let has = |events: &[serde_json::Value], part: u64| {
        events.iter().any(|event| event["event"] == "part_done" && event["part"] == part)
    };
    while !(has(&running.events(), 1) && has(&running.events(), 2)) {
        assert!(!running.has_ended(), "it ended before two parts had arrived: {}", running.wait());
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let killed = running.kill();
    let parts = |events: Vec<serde_json::Value>| -> BTreeSet<u64> {
        events.iter().filter(|event| event["event"] == "part_done").filter_map(|event| event["part"].as_u64()).collect()
    };
    let arrived = parts(killed.events());
    assert_eq!(bed.place.backups(&bed.s3), Vec::<String>::new(), "nothing is listed before it is whole");

    proxy.set_script(Script::new());
    proxy.forget();
    let again = bed.machine.run(&args).expect_ok();
    assert!(again.event("resumed").is_some_and(|event| event["parts_kept"].as_u64() >= Some(2)), "{again}");
    let sent: BTreeSet<u64> =
        proxy.of(Operation::UploadPart(0)).iter().filter_map(|exchange| exchange.seen.part().map(u64::from)).collect();
    // What lies behind a part that is missing belongs to a stream that nobody can make again.
    let kept = again.event("resumed").and_then(|event| event["parts_kept"].as_u64()).unwrap_or_default();
    let unbroken: BTreeSet<u64> = (1..).take_while(|part| arrived.contains(part)).collect();
    assert!(unbroken.iter().all(|part| *part <= kept), "arrived {arrived:?}, kept {kept}\n{again}");
    assert!(sent.iter().all(|part| *part > kept), "kept {kept}, sent again {sent:?}\n{again}");
    let report = Report::of(&again);
    assert_eq!(report.bytes_sent + report.json["bytes_kept"].as_u64().unwrap_or_default(), report.len, "{again}");
    assert_eq!(differences(Reader::RustZip, &bed.fetch(&report.key), &snapshot(&root).expect("readable")), "");
    assert_eq!(bed.minio.unfinished_bytes(), 0);
}

#[test]
fn two_backups_in_one_second_are_two_or_one_says_so() {
    let bed = Bed::new();
    let root = bed.dir("tree");
    fs::create_dir_all(&root).expect("writable");
    fs::write(root.join("file"), "bytes").expect("writable");
    let args = bed.place.files(&bed.machine, &root);
    // One after the other, as fast as it goes.
    let one = Report::of(&bed.machine.run(&args).expect_ok());
    let two = Report::of(&bed.machine.run(&args).expect_ok());
    assert_ne!(one.key, two.key);
    // At the same time: the second of one site finds the first's lock.
    let runs = [bed.machine.start(&args), bed.machine.start(&args)].map(holdfast_testbed::runner::Running::wait);
    let done: Vec<_> = runs.iter().filter(|run| run.code() == 0).collect();
    assert!(!done.is_empty() && runs.iter().all(|run| matches!(run.code(), 0 | 11)), "{}{}", runs[0], runs[1]);
    let keys = bed.place.backups(&bed.s3);
    assert_eq!(keys.len(), 2 + done.len(), "{keys:?}");
    for key in keys {
        assert!(bed.members(&key).contains_key(&b"files/file"[..]), "{key}");
    }
}
