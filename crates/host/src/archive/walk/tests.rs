use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    io::Read,
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, PermissionsExt, symlink},
    },
    time::Instant,
};

use rustix::fs::{mkdirat, mknodat};
use tempfile::TempDir;

use super::*;
use crate::archive::{path::archive_order, patterns::PatternsBuilder};

fn tree(files: &[&str]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for file in files {
        let path = root.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    root
}

fn walk(root: &Path) -> Vec<Step> {
    Walk::new(WalkOptions::new(root)).unwrap().collect()
}

/// `path`, `path/`, `path@`, `path: reason`, `path! error`.
fn shown(steps: impl IntoIterator<Item = Step>) -> Vec<String> {
    let show = |step| match step {
        Step::Found(Found { path, kind, .. }) => match kind {
            FoundKind::File => path.to_string(),
            FoundKind::Directory => format!("{path}/"),
            FoundKind::Symlink { target } => format!("{path}@{}", String::from_utf8_lossy(&target)),
        },
        Step::Skipped { path, why } => format!("{path}: {why:?}"),
        Step::Unreadable { path, error } => format!("{path}! {:?}", error.kind()),
    };
    steps.into_iter().map(show).collect()
}

#[test]
fn the_order_is_the_archives() {
    let root = tree(&["a-b", "a/b", "a/0/x", "a!", "0/0", "b/c/d"]);
    let seen = shown(walk(root.path()));
    assert_eq!(seen, ["0/", "0/0", "a/", "a/0/", "a/0/x", "a/b", "a!", "a-b", "b/", "b/c/", "b/c/d"]);
    let mut paths: Vec<_> = seen.iter().map(|path| path.trim_end_matches('/').as_bytes()).collect();
    let before = paths.clone();
    paths.sort_by(|a, b| archive_order(a, b));
    assert_eq!(paths, before);
}

#[test]
fn names_are_bytes() {
    let root = tree(&[]);
    let names: [&[u8]; 6] = [b"\n", b" ", b"\"'", b"-rf", b"\xc3\xa9", b"\xff\xfe"];
    for name in names {
        fs::write(root.path().join(OsStr::from_bytes(name)), b"").unwrap();
    }
    let found: Vec<Vec<u8>> = walk(root.path())
        .into_iter()
        .map(|step| match step {
            Step::Found(found) => found.path.into_bytes(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(found, names);
}

#[test]
fn links_are_kept_and_nothing_is_followed() {
    let outside = tree(&["secret"]);
    let root = tree(&["real/file"]);
    symlink(outside.path(), root.path().join("out")).unwrap();
    symlink("real", root.path().join("in")).unwrap();
    symlink("nowhere", root.path().join("broken")).unwrap();
    let out = outside.path().display();
    let want =
        ["broken@nowhere".to_owned(), "in@real".into(), format!("out@{out}"), "real/".into(), "real/file".into()];
    assert_eq!(shown(walk(root.path())), want);
    // The root itself may be one.
    let link = outside.path().join("root");
    symlink(root.path(), &link).unwrap();
    assert_eq!(shown(walk(&link)).len(), 5);
}

#[test]
fn what_the_file_system_says_is_what_std_says() {
    let root = tree(&["file"]);
    let path = root.path().join("file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o4751)).unwrap();
    fs::hard_link(&path, root.path().join("second")).unwrap();
    let Some(Step::Found(found)) = walk(root.path()).into_iter().next() else { panic!() };
    let std = fs::metadata(&path).unwrap();
    let want = FoundStat {
        len: 4,
        mode: 0o4751,
        uid: std.uid(),
        gid: std.gid(),
        mtime: (std.mtime(), std.mtime_nsec() as u32),
        ctime: (std.ctime(), std.ctime_nsec() as u32),
        inode: std.ino(),
        dev: std.dev(),
        links: 2,
    };
    assert_eq!(found.stat, want);
    assert_eq!(FoundStat::of(&found.open().unwrap()).unwrap(), want);
}

#[test]
fn pipes_and_sockets_are_skipped() {
    let root = tree(&["file"]);
    let fd = rustix::fs::open(root.path(), OFlags::RDONLY, Mode::empty()).unwrap();
    mknodat(&fd, "fifo", FileType::Fifo, Mode::RUSR, 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.path().join("socket")).unwrap();
    assert_eq!(shown(walk(root.path())), ["fifo: Fifo", "file", "socket: Socket"]);
}

#[test]
fn a_file_is_opened_later_from_another_thread_and_never_through_a_link() {
    let root = tree(&["a/one", "a/two", "a/three", "a/four"]);
    let found: BTreeMap<String, Found> = walk(root.path())
        .into_iter()
        .filter_map(|step| match step {
            Step::Found(found) if found.kind == FoundKind::File => Some((found.path.to_string(), found)),
            _ => None,
        })
        .collect();
    let at = |name: &str| root.path().join("a").join(name);
    fs::remove_file(at("two")).unwrap();
    symlink("one", at("two")).unwrap();
    fs::remove_file(at("three")).unwrap();
    fs::remove_file(at("four")).unwrap();
    let fd = rustix::fs::open(root.path().join("a"), OFlags::RDONLY, Mode::empty()).unwrap();
    mknodat(&fd, "four", FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    // The directory itself is moved away, and a link to a trap put in its place.
    fs::rename(root.path().join("a"), root.path().join("b")).unwrap();
    symlink("/etc", root.path().join("a")).unwrap();
    std::thread::spawn(move || {
        let mut text = String::new();
        found["a/one"].open().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "a/one");
        assert!(found["a/two"].open().unwrap_err().to_string().contains("no longer a regular file"));
        assert_eq!(found["a/three"].open().unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(found["a/four"].open().unwrap_err().to_string().contains("no longer a regular file"));
    })
    .join()
    .unwrap();
}

#[test]
fn what_vanishes_is_said_and_the_walk_goes_on() {
    let root = tree(&["a/1", "a/2", "b/x/1", "c"]);
    let steps = Walk::new(WalkOptions::new(root.path())).unwrap();
    let mut seen = Vec::new();
    for step in steps {
        seen.extend(shown([step]));
        match seen.last().map(String::as_str) {
            Some("a/1") => fs::remove_dir_all(root.path().join("a")).unwrap(),
            Some("b/") => fs::remove_dir_all(root.path().join("b")).unwrap(),
            _ => {}
        }
    }
    assert_eq!(seen, ["a/", "a/1", "a/2: Vanished", "b/", "b/x: Vanished", "c"]);
}

#[test]
fn a_directory_swapped_for_a_link_is_not_entered() {
    let outside = tree(&["secret"]);
    let root = tree(&["a", "b/x"]);
    let mut steps = Walk::new(WalkOptions::new(root.path())).unwrap();
    assert_eq!(shown(steps.next()), ["a"]);
    fs::remove_dir_all(root.path().join("b")).unwrap();
    symlink(outside.path(), root.path().join("b")).unwrap();
    assert_eq!(shown(steps), [format!("b@{}", outside.path().display())]);
}

#[test]
fn an_unreadable_directory_is_still_found() {
    if rustix::process::geteuid().is_root() {
        // Root reads everything; the permission is tested where tests run as somebody.
        return;
    }
    let root = tree(&["a/x", "b"]);
    let closed = root.path().join("a");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    assert_eq!(shown(walk(root.path())), ["a/", "a! PermissionDenied", "b"]);
    let error = Walk::new(WalkOptions::new(&closed)).unwrap_err();
    assert!(error.to_string().contains("permission denied"), "{error}");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn our_own_state_is_left_out() {
    let root = tree(&["a/state/journal", "b"]);
    let own = fs::metadata(root.path().join("a/state")).unwrap();
    let options = WalkOptions { skip: vec![(own.dev(), own.ino())], ..WalkOptions::new(root.path()) };
    assert_eq!(shown(Walk::new(options).unwrap()), ["a/", "a/state: OwnState", "b"]);
}

#[test]
fn excluded_parents_appear_with_what_is_included_in_them() {
    let root = tree(&["cache/a/x", "cache/b/keep/me", "cache/b/not", "cache/c/x", "z"]);
    let patterns = PatternsBuilder::default().exclude("/cache/").unwrap().include("/cache/b/keep/").unwrap();
    let patterns = patterns.build().unwrap();
    let options = WalkOptions { patterns, report_excluded: true, ..WalkOptions::new(root.path()) };
    let mut steps = Walk::new(options).unwrap();
    let seen = shown(&mut steps);
    let excluded = "cache: Excluded { pattern: \"/cache/\", reason: None }";
    assert_eq!(seen, [excluded, "cache/", "cache/b/", "cache/b/keep/", "cache/b/keep/me", "z"]);
    assert_eq!(steps.excluded(), 1);
}

#[test]
fn roots_that_are_none_are_refused() {
    let root = tree(&["file"]);
    let problem = |path: &Path| {
        let error = Walk::new(WalkOptions::new(path)).unwrap_err();
        assert_eq!(error.kind.exit_code(), 2);
        error.to_string()
    };
    assert!(problem(&root.path().join("none")).ends_with("there is no such directory"));
    assert!(problem(&root.path().join("file")).ends_with("it is not a directory"));
    symlink("/", root.path().join("top")).unwrap();
    for top in [Path::new("/"), Path::new("/usr/.."), &root.path().join("top")] {
        assert!(problem(top).ends_with("is the root of this machine's file system"), "{top:?}");
    }
    assert!(Walk::new(WalkOptions { allow_root: true, ..WalkOptions::new("/") }).is_ok());
}

/// Deeper than PATH_MAX allows a path and than descriptors allow open directories, with siblings
/// on the way back up.
#[test]
fn a_path_longer_than_the_kernel_takes_is_walked() {
    const DEPTH: usize = 3_000;
    let root = tree(&[]);
    let mut at = rustix::fs::open(root.path(), OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
    for _ in 0..DEPTH {
        mkdirat(&at, "directory", Mode::RWXU).unwrap();
        drop(openat(&at, "z", OFlags::CREATE | OFlags::WRONLY, Mode::RUSR).unwrap());
        at = openat(&at, "directory", OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
    }
    let (mut directories, mut files, mut longest, mut most_open) = (0, 0, 0, 0);
    for step in Walk::new(WalkOptions::new(root.path())).unwrap() {
        let Step::Found(found) = step else { panic!("{step:?}") };
        longest = longest.max(found.path.len());
        match found.kind {
            FoundKind::File => files += usize::from(found.open().is_ok()),
            _ => directories += 1,
        }
        if directories % 500 == 0 {
            most_open = most_open.max(fs::read_dir("/proc/self/fd").unwrap().count());
        }
    }
    assert_eq!((directories, files), (DEPTH, DEPTH));
    assert!(longest > 4096 * 6, "{longest}");
    // Tests run side by side in one process, so this is generous; 3,000 would not pass it.
    assert!(most_open < 1_000, "{most_open}");
    // `remove_dir_all` of a tempdir manages no such path on every system.
    rustix::fs::unlinkat(&at, "nothing", AtFlags::empty()).unwrap_err();
    let status = std::process::Command::new("rm").arg("-rf").arg(root.path()).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_directory_far_up_that_is_moved_meanwhile_is_said() {
    let deep: String = (0..OPEN_DIRECTORIES + 8).map(|_| "d/").collect::<String>() + "file";
    let root = tree(&[&deep, "d/z", "e"]);
    let elsewhere = tree(&[]);
    let steps = Walk::new(WalkOptions::new(root.path())).unwrap();
    let mut seen = Vec::new();
    for step in steps {
        seen.extend(shown([step]));
        if seen.last().is_some_and(|path| path.ends_with("file")) {
            // Still reachable from below, through `..`.
            fs::rename(root.path().join("d"), elsewhere.path().join("moved")).unwrap();
        }
    }
    assert_eq!(seen.last().map(String::as_str), Some("e"));
    assert!(seen.contains(&"d/z".to_owned()), "{seen:?}");
}

/// When `..` leads elsewhere, the way back is from the root, and only to the same directory.
#[test]
fn a_directory_whose_child_was_moved_is_found_again_or_not_at_all() {
    let deep: String = (0..OPEN_DIRECTORIES + 8).map(|_| "d/").collect::<String>() + "file";
    for (fate, want) in [("stays", "d/z"), ("replaced", "d! Other"), ("moved", "d: Vanished")] {
        let root = tree(&[&deep, "d/z", "e"]);
        let elsewhere = tree(&[]);
        let steps = Walk::new(WalkOptions::new(root.path())).unwrap();
        let mut seen = Vec::new();
        for step in steps {
            seen.extend(shown([step]));
            if seen.last().is_some_and(|path| path.ends_with("file")) {
                fs::rename(root.path().join("d/d"), elsewhere.path().join("child")).unwrap();
                if fate != "stays" {
                    fs::rename(root.path().join("d"), elsewhere.path().join("parent")).unwrap();
                }
                if fate == "replaced" {
                    fs::create_dir(root.path().join("d")).unwrap();
                    fs::write(root.path().join("d/z"), "another").unwrap();
                }
            }
        }
        let end: Vec<_> = seen.iter().rev().take(2).map(String::as_str).collect();
        assert_eq!(end, ["e", want], "{fate}");
    }
}

#[test]
fn a_hundred_thousand_files_take_less_than_a_second() {
    let root = tree(&[]);
    for directory in 0..100 {
        let directory = root.path().join(format!("directory-{directory}"));
        fs::create_dir(&directory).unwrap();
        for file in 0..1_000 {
            fs::File::create(directory.join(format!("file-{file}.jpg"))).unwrap();
        }
    }
    let patterns = PatternsBuilder::default().wordpress(Some("wp-content")).build().unwrap();
    let options = WalkOptions { patterns, ..WalkOptions::new(root.path()) };
    let mut best = f64::MAX;
    for _ in 0..3 {
        let begun = Instant::now();
        let found = Walk::new(options.clone()).unwrap().filter(|step| matches!(step, Step::Found(_))).count();
        assert_eq!(found, 100_100);
        best = best.min(begun.elapsed().as_secs_f64());
    }
    // Without optimisation, on a machine that does something else as well.
    assert!(best < 3.0, "{best} s");
    let mut said = anstream::stderr();
    let _ = std::io::Write::write_all(&mut said, format!("100,100 entries in {best:.3} s\n").as_bytes());
}
