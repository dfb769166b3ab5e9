//! A tree in which every entry has broken some backup program.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Timespec, Timestamps, mkdirat, mknodat, openat, utimensat};

use crate::data::{self, Random};

/// How large the tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Plain files in folders of ten (of a hundred above 10,000), beside the nasty entries.
    pub files: usize,
    /// The length of the sparse file, nearly all of which is a hole.
    pub sparse_bytes: u64,
    /// Whether there is a path longer than `PATH_MAX`, which most programs can neither read nor make.
    pub beyond_path_max: bool,
}

impl Size {
    /// For tests: about 400 entries, 3 MB to read.
    pub const SMALL: Self = Self { files: 300, sparse_bytes: 2 << 20, beyond_path_max: true };
    /// What a tool that opens whole paths can still handle.
    pub const PLAIN: Self = Self { beyond_path_max: false, ..Self::SMALL };
    /// 100,000 files and a file of 5 GiB that takes no room.
    pub const BIG: Self = Self { files: 100_000, sparse_bytes: 5 << 30, beyond_path_max: true };
}

/// Names that are fine on Unix and are trouble elsewhere.
const NAMES: [&[u8]; 33] = [
    b"0",
    b"-rf",
    b"--help",
    b" leading space",
    b"trailing space ",
    b"trailing dot.",
    b"...",
    b".hidden",
    b"new\nline",
    b"carriage\rreturn",
    b"tab\there",
    b"quote'single",
    b"quote\"double",
    b"back\\slash",
    b"back`tick$(id)",
    b"star*question?",
    b"colon:pipe|lt<gt>",
    b"percent%41%2F",
    b"hash#amp&semi;",
    b"[brackets]{braces}",
    b"comma,equals=plus+",
    b"tilde~",
    b"bell\x07escape\x1b[31m",
    "käse-nfc".as_bytes(),
    "ka\u{308}se-nfc".as_bytes(),
    "emoji-🏰👩‍👧".as_bytes(),
    "日本語のファイル名".as_bytes(),
    "right-to-left-\u{202e}gpj".as_bytes(),
    b"latin1-\xe4\xf6\xfc",
    b"invalid-\xff\xfe-utf8",
    b"truncated-\xe2\x82",
    b"CON",
    b"con",
];

/// Makes the tree in this folder, which is made too. The same seed gives the same bytes and names.
///
/// # Errors
/// When the file system refuses something. Times that it cannot keep are not an error.
pub fn generate(root: &Path, seed: u64, size: Size) -> io::Result<()> {
    fs::create_dir_all(root)?;
    let mut random = Random::new(seed);
    plain(&root.join("plain"), &mut random, size.files)?;
    names(&root.join("names"), &mut random)?;
    kinds(&root.join("kinds"), &mut random)?;
    modes(&root.join("modes"), &mut random)?;
    times(&root.join("times"), &mut random)?;
    sparse(&root.join("sparse.bin"), &mut random, size.sparse_bytes)?;
    // A folder that PHP takes for false, as is its file.
    fs::create_dir(root.join("0"))?;
    fs::write(root.join("0/0"), "0")?;
    fs::write(root.join("0/index.php"), "<?php // in a folder named 0\n")?;
    deep(root, if size.beyond_path_max { 24 } else { 3 })
}

/// What a site consists of mostly: text that compresses and pictures that do not.
fn plain(dir: &Path, random: &mut Random, files: usize) -> io::Result<()> {
    let in_folder = if files > 10_000 { 100 } else { 10 };
    for n in 0..files {
        let folder = dir.join(format!("{:03}", n / in_folder));
        if n % in_folder == 0 {
            fs::create_dir_all(&folder)?;
        }
        if n % 3 == 0 {
            let len = 200 + random.below(12_000) as usize;
            fs::write(folder.join(format!("picture-{n}.jpg")), data::bytes(random.next_u64(), len))?;
        } else {
            let lines = 1 + random.below(120);
            fs::write(folder.join(format!("page-{n}.php")), text(random, lines))?;
        }
    }
    Ok(())
}

pub(super) fn text(random: &mut Random, lines: u64) -> String {
    const WORDS: [&str; 8] = ["function", "return", "array(", "$post->ID", "echo", "esc_html(", ");", "// why"];
    let mut text = String::from("<?php\n");
    for _ in 0..lines {
        for _ in 0..random.below(9) {
            text.push_str(WORDS[random.below(8) as usize]);
            text.push(' ');
        }
        text.push('\n');
    }
    text
}

fn names(dir: &Path, random: &mut Random) -> io::Result<()> {
    fs::create_dir(dir)?;
    for name in NAMES {
        let path = dir.join(OsStr::from_bytes(name));
        fs::write(&path, data::bytes(random.next_u64(), 10 + random.below(90) as usize))?;
        // The same name for a folder.
        let folder = [name, b".d"].concat();
        let folder = dir.join(OsStr::from_bytes(&folder));
        fs::create_dir(&folder)?;
        fs::write(folder.join(OsStr::from_bytes(name)), name)?;
    }
    fs::write(dir.join("n".repeat(255)), "the longest name")?;
    for case in ["README", "readme", "Readme"] {
        fs::write(dir.join(case), case)?;
    }
    Ok(())
}

fn kinds(dir: &Path, random: &mut Random) -> io::Result<()> {
    fs::create_dir(dir)?;
    fs::write(dir.join("zero-bytes"), "")?;
    fs::create_dir_all(dir.join("empty-directory/with/empty ones"))?;
    fs::write(dir.join("original"), data::bytes(random.next_u64(), 5_000))?;
    fs::hard_link(dir.join("original"), dir.join("hard-link"))?;
    let links: [(&[u8], &[u8]); 9] = [
        (b"dangling", b"no/such/file"),
        (b"absolute", b"/etc/hostname"),
        (b"to-parent", b".."),
        (b"out-of-the-tree", b"../../../../../../etc"),
        (b"to-itself", b"to-itself"),
        (b"loop-a", b"loop-b"),
        (b"loop-b", b"loop-a"),
        (b"to-file", b"original"),
        (b"to-odd-name", b"n\xff\nw"),
    ];
    for (name, target) in links {
        symlink(OsStr::from_bytes(target), dir.join(OsStr::from_bytes(name)))?;
    }
    symlink("empty-directory", dir.join("to-directory"))?;
    let mode = Mode::from_raw_mode(0o600);
    mknodat(CWD, dir.join("fifo"), FileType::Fifo, mode, 0)?;
    mknodat(CWD, dir.join("socket"), FileType::Socket, mode, 0)?;
    Ok(())
}

fn modes(dir: &Path, random: &mut Random) -> io::Result<()> {
    fs::create_dir(dir)?;
    for mode in [0o400, 0o444, 0o600, 0o640, 0o644, 0o666, 0o755, 0o777, 0o4755, 0o2755, 0o111, 0o000] {
        let path = dir.join(format!("mode-{mode:04o}"));
        fs::write(&path, data::bytes(random.next_u64(), 64))?;
        fs::set_permissions(&path, Permissions::from_mode(mode))?;
    }
    for mode in [0o700, 0o755, 0o1777, 0o2775, 0o555] {
        let path = dir.join(format!("directory-{mode:04o}"));
        fs::create_dir(&path)?;
        fs::write(path.join("inside"), "inside")?;
        fs::set_permissions(&path, Permissions::from_mode(mode))?;
    }
    Ok(())
}

fn times(dir: &Path, random: &mut Random) -> io::Result<()> {
    fs::create_dir(dir)?;
    let times: [(&str, i64, i64); 10] = [
        ("before-1970", -86_400 * 400, 5),
        ("epoch", 0, 0),
        ("before-dos-1980", 86_400 * 3_000, 1),
        ("odd-second", 1_000_000_001, 0),
        ("nanoseconds", 1_234_567_890, 123_456_789),
        ("last-nanosecond", 1_500_000_000, 999_999_999),
        ("yesterday-of-2038", 2_147_483_647, 7),
        ("after-2038", 2_147_483_648, 0),
        ("after-2107", 4_386_700_800, 3),
        ("summer-time", 1_719_792_000, 0),
    ];
    for (name, seconds, nanoseconds) in times {
        let path = dir.join(name);
        fs::write(&path, data::bytes(random.next_u64(), 32))?;
        set_mtime(&path, seconds, nanoseconds)?;
    }
    let folder = dir.join("old-directory");
    fs::create_dir(&folder)?;
    set_mtime(&folder, 946_684_800, 42)
}

/// Sets a time, of the link itself where it is one.
pub(super) fn set_mtime(path: &Path, seconds: i64, nanoseconds: i64) -> io::Result<()> {
    let time = Timespec { tv_sec: seconds, tv_nsec: nanoseconds as _ };
    let times = Timestamps { last_access: time, last_modification: time };
    Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// A hole with some bytes at its start, in its middle and at its end.
fn sparse(path: &Path, random: &mut Random, len: u64) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.set_len(len)?;
    for at in [0, len / 2, len.saturating_sub(4096)] {
        file.seek(SeekFrom::Start(at))?;
        file.write_all(&data::bytes(random.next_u64(), len.min(4096) as usize))?;
    }
    Ok(())
}

/// Folders in folders, each with a name of 200 bytes and a file: made through descriptors, as the
/// whole path may be longer than the kernel takes.
fn deep(root: &Path, levels: usize) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let top = PathBuf::from("deep");
    fs::create_dir(root.join(&top))?;
    let mut dir = openat(CWD, root.join(top), flags, Mode::empty())?;
    for level in 0..levels {
        let name = format!("{level:02}-{}", "d".repeat(197));
        mkdirat(&dir, &*name, Mode::from_raw_mode(0o755))?;
        dir = openat(&dir, &*name, flags, Mode::empty())?;
        let file = openat(&dir, "file", OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC, Mode::from_raw_mode(0o644))?;
        File::from(file).write_all(name.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Kind, diff, snapshot};

    #[test]
    fn the_same_seed_gives_the_same_tree() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (one, two) = (dir.path().join("1"), dir.path().join("2"));
        let facts = |root: &Path, seed| {
            generate(root, seed, Size::SMALL).expect("it can be made");
            let mut tree = snapshot(root).expect("readable");
            // When it was made is no part of it.
            tree.values_mut().for_each(|facts| facts.mtime_ns = 0);
            tree
        };
        let tree = facts(&one, 7);
        assert_eq!(diff(&tree, &facts(&two, 7)), "");
        assert_ne!(diff(&tree, &facts(&dir.path().join("3"), 8)), "");

        let longest = tree.keys().map(Vec::len).max();
        assert!(longest > Some(4096), "{longest:?}");
        for kind in [Kind::File, Kind::Directory, Kind::Symlink, Kind::Fifo, Kind::Socket] {
            assert!(tree.values().any(|facts| facts.kind == kind), "{kind:?}");
        }
        assert!(tree.keys().any(|name| std::str::from_utf8(name).is_err()));
        assert_eq!(tree[&b"modes/mode-4755".to_vec()].mode, 0o4755);
        assert_eq!(tree[&b"kinds/loop-a".to_vec()].target.as_deref(), Some(&b"loop-b"[..]));
        assert_eq!(tree[&b"sparse.bin".to_vec()].size, Size::SMALL.sparse_bytes);
    }

    #[test]
    fn times_are_kept_to_the_nanosecond() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        generate(&dir.path().join("tree"), 1, Size::PLAIN).expect("it can be made");
        let tree = snapshot(&dir.path().join("tree")).expect("readable");
        assert_eq!(tree[&b"times/nanoseconds".to_vec()].mtime_ns, 1_234_567_890_123_456_789);
        assert_eq!(tree[&b"times/before-1970".to_vec()].mtime_ns, -86_400 * 400 * 1_000_000_000 + 5);
    }
}
