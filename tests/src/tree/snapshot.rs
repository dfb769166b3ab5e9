//! The facts of every entry of a tree, and how two trees differ.
//!
//! Everything goes through descriptors of the folders on the way, never through a whole path: a path
//! may be longer than `PATH_MAX`.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, readlinkat, statat};
use sha2::{Digest as _, Sha256};

/// How many differences [`diff`] tells one by one.
const TOLD: usize = 40;

/// A tree: paths below its root, as the bytes that they are, and what is there.
pub type Tree = BTreeMap<Vec<u8>, Facts>;

/// What kind of thing an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A plain file; each name of a hard link is one.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A named pipe, which a backup skips.
    Fifo,
    /// A socket, which a backup skips.
    Socket,
    /// Anything else.
    Other,
}

/// What is known of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// What it is.
    pub kind: Kind,
    /// Permission bits, with setuid, setgid and sticky. 0 for symbolic links, which have none.
    pub mode: u32,
    /// Modification time in nanoseconds since 1970, which may be negative.
    pub mtime_ns: i128,
    /// Bytes of a file; 0 for all else.
    pub size: u64,
    /// SHA-256 of a file's bytes, in hex; `None` for all else, and where it could not be read.
    pub sha256: Option<String>,
    /// Where a symbolic link points.
    pub target: Option<Vec<u8>>,
}

/// Takes down a tree; the root itself is not in it.
pub fn snapshot(root: &Path) -> io::Result<Tree> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = openat(CWD, root, flags, Mode::empty())?;
    let mut tree = Tree::new();
    walk(&root, &mut Vec::new(), &mut tree)?;
    Ok(tree)
}

fn walk(dir: &OwnedFd, path: &mut Vec<u8>, tree: &mut Tree) -> io::Result<()> {
    let mut names: Vec<CString> = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            names.push(entry.file_name().to_owned());
        }
    }
    names.sort();
    for name in names {
        let start = path.len();
        if start > 0 {
            path.push(b'/');
        }
        path.extend_from_slice(name.to_bytes());
        let facts = facts(dir, &name)?;
        let is_directory = facts.kind == Kind::Directory;
        tree.insert(path.clone(), facts);
        if is_directory {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match openat(dir, &*name, flags, Mode::empty()) {
                Ok(sub) => walk(&sub, path, tree)?,
                Err(rustix::io::Errno::ACCESS) => {}
                Err(error) => return Err(error.into()),
            }
        }
        path.truncate(start);
    }
    Ok(())
}

fn facts(dir: impl AsFd, name: &CStr) -> io::Result<Facts> {
    let stat = statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        _ => Kind::Other,
    };
    let mut facts = Facts {
        kind,
        mode: if kind == Kind::Symlink { 0 } else { stat.st_mode & 0o7777 },
        mtime_ns: i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec),
        size: 0,
        sha256: None,
        target: None,
    };
    match kind {
        Kind::File => {
            facts.size = stat.st_size as u64;
            match openat(&dir, name, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()) {
                Ok(file) => facts.sha256 = Some(sha256_of(&mut File::from(file))?),
                Err(rustix::io::Errno::ACCESS) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Kind::Symlink => facts.target = Some(readlinkat(&dir, name, Vec::new())?.into_bytes()),
        _ => {}
    }
    Ok(facts)
}

fn sha256_of(file: &mut impl Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(hash.finalize())),
            n => hash.update(&buffer[..n]),
        }
    }
}

/// What lies below a folder of a tree, with the folder's name taken off: `files/` of a backup.
pub fn under(tree: &Tree, prefix: &[u8]) -> Tree {
    let below = tree.iter().filter_map(|(name, facts)| Some((name.strip_prefix(prefix)?, facts)));
    below.filter(|(name, _)| !name.is_empty()).map(|(name, facts)| (name.to_vec(), facts.clone())).collect()
}

/// How many bytes of files the second tree has under a name that held something else, or nothing, in
/// the first: what a night has to send at most, before compression.
pub fn changed_bytes(before: &Tree, after: &Tree) -> u64 {
    let is_new = |name: &Vec<u8>, facts: &Facts| {
        before.get(name).is_none_or(|old| old.kind != facts.kind || old.sha256 != facts.sha256)
    };
    after.iter().filter(|(name, facts)| is_new(name, facts)).map(|(_, facts)| facts.size).sum()
}

/// How the second tree differs from the first, one line an entry; empty when it does not.
pub fn diff(expected: &Tree, found: &Tree) -> String {
    let mut lines = Vec::new();
    for (name, one) in expected {
        match found.get(name) {
            None => lines.push(format!("missing   {} ({:?})", shown(name), one.kind)),
            Some(other) if one != other => lines.push(format!("different {}: {}", shown(name), changes(one, other))),
            Some(_) => {}
        }
    }
    let surplus = found.iter().filter(|(name, _)| !expected.contains_key(*name));
    lines.extend(surplus.map(|(name, facts)| format!("surplus   {} ({:?})", shown(name), facts.kind)));
    let left = lines.len().saturating_sub(TOLD);
    lines.truncate(TOLD);
    let mut text = lines.join("\n");
    if left > 0 {
        write!(text, "\n… and {left} more").ok();
    }
    text
}

fn changes(one: &Facts, other: &Facts) -> String {
    let mut said = Vec::new();
    if one.kind != other.kind {
        said.push(format!("{:?} became {:?}", one.kind, other.kind));
    }
    if one.mode != other.mode {
        said.push(format!("mode {:04o} became {:04o}", one.mode, other.mode));
    }
    if one.mtime_ns != other.mtime_ns {
        said.push(format!("mtime {} ns became {}", one.mtime_ns, other.mtime_ns));
    }
    if one.size != other.size {
        said.push(format!("{} bytes became {}", one.size, other.size));
    } else if one.sha256 != other.sha256 {
        said.push("other bytes".to_owned());
    }
    if one.target != other.target {
        let target = |facts: &Facts| facts.target.as_deref().map_or_else(|| "nothing".to_owned(), shown);
        said.push(format!("target {} became {}", target(one), target(other)));
    }
    said.join(", ")
}

/// A path as people can read it, whatever its bytes are; the middle of a very long one is left out.
pub fn shown(name: &[u8]) -> String {
    let text = match std::str::from_utf8(name) {
        Ok(text) => format!("{text:?}"),
        Err(_) => format!("b\"{}\"", name.escape_ascii()),
    };
    let (head, tail) = (text.floor_char_boundary(80), text.ceil_char_boundary(text.len().saturating_sub(80)));
    if text.len() > 200 { format!("{}…{}", &text[..head], &text[tail..]) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(sha256: &str) -> Facts {
        Facts { kind: Kind::File, mode: 0o644, mtime_ns: 5, size: 3, sha256: Some(sha256.into()), target: None }
    }

    #[test]
    fn differences_are_said_in_words() {
        let one: Tree = [(b"a".to_vec(), file("1")), (b"b".to_vec(), file("1")), (b"\xff".to_vec(), file("1"))].into();
        let mut changed = file("2");
        changed.mode = 0o600;
        let two: Tree = [(b"a".to_vec(), changed), (b"b".to_vec(), file("1")), (b"c\n".to_vec(), file("1"))].into();
        assert_eq!(
            diff(&one, &two),
            "different \"a\": mode 0644 became 0600, other bytes\nmissing   b\"\\xff\" (File)\nsurplus   \"c\\n\" (File)"
        );
        assert_eq!(diff(&one, &one), "");
    }

    #[test]
    fn changed_bytes_counts_what_is_new_under_its_name() {
        let one: Tree = [(b"a".to_vec(), file("1")), (b"b".to_vec(), file("1"))].into();
        let two: Tree = [(b"a".to_vec(), file("1")), (b"b".to_vec(), file("2")), (b"c".to_vec(), file("1"))].into();
        assert_eq!(changed_bytes(&one, &two), 6);
    }

    #[test]
    fn what_lies_below_a_folder() {
        let tree: Tree = [(b"files/".to_vec(), file("1")), (b"files/a".to_vec(), file("1"))].into();
        assert_eq!(under(&tree, b"files/").keys().cloned().collect::<Vec<_>>(), [b"a".to_vec()]);
    }
}
