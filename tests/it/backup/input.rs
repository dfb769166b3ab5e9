//! What is asked for wrongly, or may not be done, is said before anything is sent.

use std::fs;

use holdfast_testbed::Holdfast;
use holdfast_testbed::backup::{other_secret, read_only_policy};

use super::{BUCKET, Bed, PREFIX};

#[test]
fn the_root_of_the_machine_is_refused() {
    let bed = Bed::new();
    for root in ["/", "/.", "//", "/usr/.."] {
        let finished = bed.machine.run(bed.place.files(&bed.machine, root.as_ref())).expect_code(2);
        assert!(finished.event("failed").is_some(), "said by the command, not by its arguments' parser: {finished}");
        bed.assert_nothing_is_there(&finished);
    }
}

#[test]
fn what_is_not_there_is_said_with_its_name() {
    let bed = Bed::new();
    let missing = bed.dir("no such folder");
    let finished = bed.machine.run(bed.place.files(&bed.machine, &missing)).expect_code(2);
    assert!(finished.to_string().contains("no such folder"), "{finished}");
    let file = bed.dir("a file");
    fs::write(&file, "no folder").expect("writable");
    let finished = bed.machine.run(bed.place.files(&bed.machine, &file)).expect_code(2);
    assert!(finished.event("failed").is_some() && finished.to_string().contains("a file"), "{finished}");
    // A folder without WordPress in it is no --wp-root.
    let empty = bed.dir("empty");
    fs::create_dir(&empty).expect("writable");
    let finished = bed.machine.run(bed.place.wp_root(&bed.machine, &empty)).expect_code(2);
    assert!(finished.to_string().contains("wp-config.php"), "{finished}");
    bed.assert_nothing_is_there(&finished);
}

#[test]
fn one_kind_of_backup_at_a_time() {
    let bed = Bed::new();
    let dir = bed.dir("tree");
    fs::create_dir(&dir).expect("writable");
    // WordPress names its database itself.
    let mut both = bed.place.wp_root(&bed.machine, &dir);
    both.push("--database".to_owned());
    let finished = bed.machine.run(both).expect_code(2);
    assert!(finished.stderr.contains("--database") && finished.stderr.contains("--wp-root"), "{finished}");
    bed.assert_nothing_is_there(&finished);
    let url = bed.place.url();
    let finished = bed.machine.run(["backup", &*url, "--endpoint", &bed.place.endpoint]).expect_code(2);
    assert!(finished.stderr.contains("--wp-root"), "{finished}");
}

#[test]
fn a_prefix_without_permission_is_said_with_what_to_allow() {
    let bed = Bed::new();
    let dir = bed.dir("tree");
    fs::create_dir(&dir).expect("writable");
    fs::write(dir.join("file"), "bytes").expect("writable");
    bed.minio.add_user("client1", &other_secret());
    bed.minio.add_policy("reads", &read_only_policy(BUCKET, PREFIX));
    bed.minio.set_user_policy("client1", "reads");
    let machine = Holdfast::new().with_key("client1", &other_secret());
    let mut args = bed.place.files(&machine, &dir);
    args.retain(|arg| arg != "--json");
    let finished = machine.run(args).expect_code(12);
    assert!(finished.stderr.contains("s3:PutObject") && finished.stderr.contains(PREFIX), "{finished}");
    bed.assert_nothing_is_there(&finished);
}

#[test]
fn a_pattern_that_cannot_be_read_is_refused() {
    let bed = Bed::new();
    let dir = bed.dir("tree");
    fs::create_dir(&dir).expect("writable");
    let mut args = bed.place.files(&bed.machine, &dir);
    args.extend(["--exclude".to_owned(), "a[z-b]".to_owned()]);
    let finished = bed.machine.run(args).expect_code(2);
    assert!(finished.event("failed").is_some() && finished.to_string().contains("a[z-b]"), "{finished}");
    bed.assert_nothing_is_there(&finished);
}
