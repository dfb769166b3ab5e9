//! Night after night: each backup whole by itself, and only what changed travels.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;

use holdfast_testbed::WordPress;
use holdfast_testbed::backup::{Report, central_directory_len, differences, exact_differences};
use holdfast_testbed::data;
use holdfast_testbed::tree::{Facts, Size, changed_bytes, evolve, generate, snapshot};
use holdfast_testbed::unzip::Reader;

use super::Bed;

/// Large enough that the bytes before a central directory make a part that S3 takes by copy.
const LARGE: Size = Size { files: 4_000, ..Size::SMALL };

#[test]
fn seven_nights_each_whole_each_sending_what_changed() {
    let bed = Bed::new();
    let root = bed.dir("tree");
    generate(&root, 31, LARGE).expect("it can be made");
    let mut nights = Vec::new();
    let mut before = snapshot(&root).expect("readable");
    let mut touched = BTreeSet::new();
    for night in 0..7 {
        if night > 0 {
            evolve(&root, 31, night).expect("it evolves");
        }
        let now = snapshot(&root).expect("readable");
        let report = bed.back_up(&root);
        let zip = bed.fetch(&report.key);
        if night > 0 {
            let directory = central_directory_len(&fs::read(&zip).expect("readable"));
            let bound = (changed_bytes(&before, &now) + directory) * 11 / 10;
            assert!(
                report.bytes_sent <= bound,
                "night {night}: {} bytes sent, more than {bound}: {}",
                report.bytes_sent,
                report.json
            );
            assert!(report.bytes_copied > 0, "night {night}: {}", report.json);
        }
        assert_eq!(exact_differences(&zip, &now), "", "night {night}");
        // What has new times only is not sent again: beside its bytes stand the times of an earlier night.
        for (name, facts) in &now {
            match before.get(name) {
                Some(old) if old == facts => {}
                Some(old) if Facts { mtime_ns: old.mtime_ns, mode: old.mode, ..facts.clone() } == *old => {
                    touched.insert(name.clone());
                }
                _ => {
                    touched.remove(name);
                }
            }
        }
        let mut timeless = now.clone();
        timeless.iter_mut().filter(|(name, _)| touched.contains(*name)).for_each(|(_, facts)| facts.mtime_ns = 0);
        nights.push((report.key, zip, now.clone(), timeless));
        before = now;
    }
    // Nothing of a night lies in another object: with all others gone, the fourth is what it was.
    for (key, ..) in nights.iter().enumerate().filter(|(n, _)| *n != 3).map(|(_, night)| night) {
        bed.s3.delete(super::BUCKET, key);
    }
    assert!(bed.s3.get(super::BUCKET, &nights[3].0) == fs::read(&nights[3].1).expect("readable"));
    // A name that was deleted would be surplus, whoever reads; 7-Zip looks past the central directory.
    let mut said = String::new();
    for (night, (_, zip, tree, timeless)) in nights.iter().enumerate() {
        for reader in Reader::ALL {
            let differences = differences(reader, zip, if reader.takes_local_times() { timeless } else { tree });
            if !differences.is_empty() {
                said += &format!("night {night}: {differences}\n");
            }
        }
    }
    assert!(said.is_empty(), "{said}");
}

#[test]
fn a_day_of_wordpress_sends_the_day() {
    let bed = Bed::new();
    let site = WordPress::start();
    let args = bed.place.wp_root(&bed.machine, site.root());
    let first = Report::of(&bed.machine.run(&args).expect_ok());
    let day = site.work_a_day(1);
    let second = Report::of(&bed.machine.run(&args).expect_ok());
    let (old, new) = (bed.members(&first.key), bed.members(&second.key));
    let directory = central_directory_len(&fs::read(bed.fetch(&second.key)).expect("readable"));
    let bound = (changed_bytes(&old, &new) + directory) * 11 / 10;
    assert!(second.bytes_sent <= bound, "{} bytes sent, more than {bound}: {}", second.bytes_sent, second.json);
    assert!(second.bytes_sent >= day.image_bytes, "the picture travels: {}", second.json);
    assert!(second.bytes_sent < first.len / 10, "{}", second.json);
    assert_eq!(second.bytes_sent + second.bytes_copied, second.len, "{}", second.json);
    assert!(new.contains_key(format!("files/{}", day.image).as_bytes()));
}

#[test]
fn a_night_without_a_change_sends_the_directory() {
    let bed = Bed::new();
    let root = bed.dir("tree");
    generate(&root, 32, LARGE).expect("it can be made");
    bed.back_up(&root);
    let report = bed.back_up(&root);
    let directory = central_directory_len(&fs::read(bed.fetch(&report.key)).expect("readable"));
    // backup.json is of this night.
    assert!(report.bytes_sent <= directory + 20_000, "{} of {directory}: {}", report.bytes_sent, report.json);
}

#[test]
fn a_file_rewritten_with_its_size_and_its_old_time_is_not_missed() {
    let bed = Bed::new();
    let root = bed.dir("tree");
    fs::create_dir_all(&root).expect("writable");
    let path = root.join("wp-config.php");
    fs::write(&path, "define('SALT', 'aaaaaaaa');").expect("writable");
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::new(1_600_000_000, 5);
    let disguise =
        || fs::File::options().write(true).open(&path).and_then(|file| file.set_modified(old)).expect("it is ours");
    disguise();
    bed.back_up(&root);
    let inode = fs::metadata(&path).expect("it is there").ino();
    fs::write(&path, "define('SALT', 'bbbbbbbb');").expect("writable");
    disguise();
    assert_eq!(fs::metadata(&path).expect("it is there").ino(), inode, "only the time of change tells");
    let report = bed.back_up(&root);
    assert_eq!(differences(Reader::RustZip, &bed.fetch(&report.key), &snapshot(&root).expect("readable")), "");
}

#[test]
fn nothing_is_built_on_an_object_that_somebody_changed() {
    let bed = Bed::new();
    let root = bed.dir("tree");
    fs::create_dir_all(&root).expect("writable");
    for n in 0..8 {
        data::write_file(&root.join(format!("picture-{n}.jpg")), n, 1 << 20).expect("writable");
    }
    let first = bed.back_up(&root);
    let whole = fs::read(bed.fetch(&first.key)).expect("readable");
    let packed = snapshot(&root).expect("readable");
    // One byte of a member; then only a half; then something else altogether.
    let mut flipped = whole.clone();
    flipped[4 << 20] ^= 1;
    for poison in [flipped, whole[..whole.len() / 2].to_vec(), b"not a zip".to_vec()] {
        for key in bed.place.backups(&bed.s3) {
            bed.s3.put(super::BUCKET, &key, &poison);
        }
        let finished = bed.machine.run(bed.place.files(&bed.machine, &root));
        assert!(matches!(finished.code(), 0 | 3), "{finished}");
        let report = Report::of(&finished);
        assert_eq!(differences(Reader::RustZip, &bed.fetch(&report.key), &packed), "", "{finished}");
    }
}
