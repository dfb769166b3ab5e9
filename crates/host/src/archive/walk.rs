//! Everything below a root, in the order of the archive.
//!
//! ```text
//! root ─▶ names of one directory, sorted ─▶ each: stat, patterns ─▶ Step
//!              └── a directory: its own names next, on top of the stack
//! ```
//! Nothing below the root is ever reached through a path or a symbolic link: each name is looked
//! up in the open directory that listed it. So paths may be longer than the kernel takes, and a
//! directory that is swapped for a link while it is walked leads nowhere. Memory holds the names
//! of the directories on the current path, and [`OPEN_DIRECTORIES`] descriptors at most besides
//! those of files in flight.

use std::{
    collections::VecDeque,
    io,
    mem::size_of,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    sync::Arc,
};

use holdfast_core::error::{Error, Kind};
use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, RawDir, Stat, fstat, openat, readlinkat, stat, statat},
    io::Errno,
};

pub use super::found::{Found, FoundKind, FoundStat, Opener};
use super::{
    path::PathBytes,
    patterns::{Patterns, Standing},
};
use crate::state::plain;

/// Directories of the current path that stay open; those further up are opened again.
pub const OPEN_DIRECTORIES: usize = 32;

/// A zip has 16 bits for a name's length; what `files/` and a slash add must fit too.
pub const MAX_PATH_BYTES: usize = 65_000;

const LISTING_BUFFER: usize = 64 << 10;

/// What to walk.
#[derive(Debug, Clone)]
pub struct WalkOptions {
    /// Where to begin. It may be a symbolic link itself.
    pub root: PathBuf,
    /// What is left out.
    pub patterns: Patterns,
    /// Leave out what is mounted below the root.
    pub one_file_system: bool,
    /// `/` is refused without this.
    pub allow_root: bool,
    /// Directories and files of our own, by device and inode: the state folder, the spool.
    pub skip: Vec<(u64, u64)>,
    /// Give a [`Step::Skipped`] for what a pattern left out; once for a directory.
    pub report_excluded: bool,
}

impl WalkOptions {
    /// Everything below a root.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            patterns: Patterns::default(),
            one_file_system: false,
            allow_root: false,
            skip: Vec::new(),
            report_excluded: false,
        }
    }
}

/// One step of a walk.
#[derive(Debug)]
pub enum Step {
    /// An entry of the archive.
    Found(Found),
    /// Not an entry, for a reason that is no fault.
    Skipped {
        /// Where it is.
        path: PathBytes,
        /// The reason.
        why: SkipReason,
    },
    /// Could not be looked at, or, of a directory that was already found, not listed to the end.
    Unreadable {
        /// Where it is.
        path: PathBytes,
        /// What the system said.
        error: io::Error,
    },
}

/// Why something is no entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkipReason {
    /// A pattern leaves it out.
    Excluded {
        /// As it was written.
        pattern: String,
        /// For a default pattern.
        reason: Option<&'static str>,
    },
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A block or character device, or something newer than this program.
    Device,
    /// What is mounted there; the directory itself is an entry.
    OtherFileSystem,
    /// Our own state.
    OwnState,
    /// Removed while the tree was walked.
    Vanished,
    /// No zip can hold its name.
    PathTooLong,
}

/// A walk in progress.
#[derive(Debug)]
pub struct Walk {
    options: WalkOptions,
    root: Arc<OwnedFd>,
    root_stat: FoundStat,
    /// Of the directory on top of the stack.
    path: Vec<u8>,
    stack: Vec<Frame>,
    ready: VecDeque<Step>,
    listing: Vec<u8>,
    excluded: u64,
}

/// A directory on the current path.
#[derive(Debug)]
struct Frame {
    /// `None` when it is far up; open whenever it is on top.
    directory: Option<Arc<OwnedFd>>,
    identity: (u64, u64),
    names: Names,
    path_len: usize,
    standing: Standing,
    /// The directory itself, left out unless something in it is not.
    withheld: Option<Found>,
}

impl Walk {
    /// Opens the root.
    ///
    /// # Errors
    /// When it is missing, not a directory, not readable, or `/` without leave.
    pub fn new(options: WalkOptions) -> Result<Self, Error> {
        let root = open_root(&options.root)?;
        let root_stat = fstat(&root).map_err(|error| unreadable_root(&options.root, error))?;
        let root_stat = FoundStat::from(&root_stat);
        let top = stat("/").map(|stat| FoundStat::from(&stat).identity()).ok();
        if !options.allow_root && top == Some(root_stat.identity()) {
            let what = format!("{} is the root of this machine's file system", options.root.display());
            return Err(Error::new(Kind::Config, what).hint("name the site's own directory"));
        }
        let root = Arc::new(root);
        let mut walk = Self {
            options,
            root: Arc::clone(&root),
            root_stat,
            path: Vec::new(),
            stack: Vec::new(),
            ready: VecDeque::new(),
            listing: Vec::with_capacity(LISTING_BUFFER),
            excluded: 0,
        };
        let (names, error) = Names::list(root.as_fd(), &mut walk.listing);
        if let Some(error) = error {
            return Err(unreadable_root(&walk.options.root, error));
        }
        walk.stack.push(Frame {
            directory: Some(root),
            identity: root_stat.identity(),
            names,
            path_len: 0,
            standing: Standing::Kept,
            withheld: None,
        });
        Ok(walk)
    }

    /// What the file system says of the root itself, which is no entry.
    #[must_use]
    pub fn root_stat(&self) -> FoundStat {
        self.root_stat
    }

    /// How many files and directories patterns have left out so far; what is in a directory that
    /// was left out is not counted, because nobody looked.
    #[must_use]
    pub fn excluded(&self) -> u64 {
        self.excluded
    }

    fn visit(&mut self, name: &[u8]) {
        let Some(frame) = self.stack.last() else { return };
        let Some(directory) = frame.directory.clone() else { return };
        let parent = frame.standing.clone();
        let path = self.join(name);
        if path.len() > MAX_PATH_BYTES {
            return self.skip(path, SkipReason::PathTooLong);
        }
        let raw = match statat(&*directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(raw) => raw,
            Err(Errno::NOENT) => return self.skip(path, SkipReason::Vanished),
            Err(error) => return self.unreadable(path, error),
        };
        let stat = FoundStat::from(&raw);
        if self.options.skip.contains(&stat.identity()) {
            return self.skip(path, SkipReason::OwnState);
        }
        let kind = FileType::from_raw_mode(raw.st_mode);
        let is_directory = kind == FileType::Directory;
        let inherited = parent.is_excluded();
        let standing = self.options.patterns.judge(&path, is_directory, parent);
        if let Standing::Excluded(pattern) = &standing {
            // Counted and reported where the exclusion begins.
            if !inherited {
                self.excluded += 1;
                if self.options.report_excluded {
                    let reason = self.options.patterns.reason(pattern);
                    let why = SkipReason::Excluded { pattern: pattern.to_string(), reason };
                    self.skip(path.clone(), why);
                }
            }
            if !is_directory || !self.options.patterns.could_keep_below(&path) {
                return;
            }
        }
        let elsewhere = self.options.one_file_system && stat.dev != self.root_stat.dev;
        let kind = match kind {
            FileType::Directory => return self.enter(path, name, &directory, standing, &raw),
            _ if elsewhere => return self.skip(path, SkipReason::OtherFileSystem),
            FileType::RegularFile => FoundKind::File,
            FileType::Symlink => match readlinkat(&*directory, name, Vec::new()) {
                Ok(target) => FoundKind::Symlink { target: target.into_bytes() },
                Err(Errno::NOENT) => return self.skip(path, SkipReason::Vanished),
                Err(error) => return self.unreadable(path, error),
            },
            FileType::Fifo => return self.skip(path, SkipReason::Fifo),
            FileType::Socket => return self.skip(path, SkipReason::Socket),
            _ => return self.skip(path, SkipReason::Device),
        };
        self.found(Found { path, kind, stat, opener: Opener::new(directory) });
    }

    /// Finds a directory and makes it the current one.
    fn enter(&mut self, path: PathBytes, name: &[u8], parent: &Arc<OwnedFd>, standing: Standing, seen: &Stat) {
        let opener = Opener::new(Arc::clone(parent));
        let found = |stat, path: &PathBytes| Found { path: path.clone(), kind: FoundKind::Directory, stat, opener };
        let (directory, stat) = match open_directory(parent.as_fd(), name) {
            Ok(opened) => opened,
            Err(Errno::NOENT) => return self.skip(path, SkipReason::Vanished),
            // Replaced by something that is no directory: the next night finds that.
            Err(error @ (Errno::NOTDIR | Errno::LOOP)) => return self.unreadable(path, error),
            Err(error) => {
                if !standing.is_excluded() {
                    let found = found(FoundStat::from(seen), &path);
                    self.found(found);
                }
                return self.unreadable(path, error);
            }
        };
        let found = found(stat, &path);
        let withheld = if standing.is_excluded() {
            Some(found)
        } else {
            self.found(found);
            None
        };
        if self.options.one_file_system && stat.dev != self.root_stat.dev {
            return self.skip(path, SkipReason::OtherFileSystem);
        }
        let (names, error) = Names::list(directory.as_fd(), &mut self.listing);
        match error {
            None => {}
            Some(Errno::NOENT) => self.skip(path.clone(), SkipReason::Vanished),
            // What was listed before that is walked all the same.
            Some(error) => self.unreadable(path.clone(), error),
        }
        self.path = path.into_bytes();
        self.stack.push(Frame {
            directory: Some(Arc::new(directory)),
            identity: stat.identity(),
            names,
            path_len: self.path.len(),
            standing,
            withheld,
        });
        if let Some(far) = self.stack.len().checked_sub(OPEN_DIRECTORIES + 1) {
            self.stack[far].directory = None;
        }
    }

    /// Goes back to the directory above.
    fn leave(&mut self) {
        let Some(left) = self.stack.pop() else { return };
        let Some(parent) = self.stack.last() else { return };
        self.path.truncate(parent.path_len);
        if parent.directory.is_some() {
            return;
        }
        let identity = parent.identity;
        let through_child = left.directory.as_ref().and_then(|child| {
            let (directory, stat) = open_directory(child.as_fd(), b"..").ok()?;
            (stat.identity() == identity).then_some(directory)
        });
        let again = through_child.map_or_else(|| self.open_from_root(identity), Ok);
        let Some(parent) = self.stack.last_mut() else { return };
        match again {
            Ok(directory) => parent.directory = Some(Arc::new(directory)),
            Err(error) => {
                parent.names = Names::default();
                let path = PathBytes::from(self.path.as_slice());
                self.ready.push_back(match error.kind() {
                    io::ErrorKind::NotFound => Step::Skipped { path, why: SkipReason::Vanished },
                    _ => Step::Unreadable { path, error },
                });
            }
        }
    }

    /// Opens the current directory anew, name by name.
    fn open_from_root(&self, identity: (u64, u64)) -> io::Result<OwnedFd> {
        let mut directory: Option<OwnedFd> = None;
        for name in self.path.split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
            let parent = directory.as_ref().map_or(self.root.as_fd(), AsFd::as_fd);
            directory = Some(open_directory(parent, name)?.0);
        }
        let directory = directory.map_or_else(|| self.root.try_clone(), Ok)?;
        if FoundStat::from(&fstat(&directory)?).identity() == identity {
            Ok(directory)
        } else {
            Err(io::Error::other("the directory was moved while it was walked"))
        }
    }

    /// Gives an entry, after the directories above it that waited for one.
    fn found(&mut self, found: Found) {
        for frame in &mut self.stack {
            if let Some(directory) = frame.withheld.take() {
                self.ready.push_back(Step::Found(directory));
            }
        }
        self.ready.push_back(Step::Found(found));
    }

    fn skip(&mut self, path: PathBytes, why: SkipReason) {
        self.ready.push_back(Step::Skipped { path, why });
    }

    fn unreadable(&mut self, path: PathBytes, error: Errno) {
        self.ready.push_back(Step::Unreadable { path, error: error.into() });
    }

    fn join(&self, name: &[u8]) -> PathBytes {
        let mut path = Vec::with_capacity(self.path.len() + 1 + name.len());
        if !self.path.is_empty() {
            path.extend_from_slice(&self.path);
            path.push(b'/');
        }
        path.extend_from_slice(name);
        PathBytes::from(path)
    }
}

impl Iterator for Walk {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        loop {
            if let Some(step) = self.ready.pop_front() {
                return Some(step);
            }
            let names = &mut self.stack.last_mut()?.names;
            match names.next() {
                Some(at) => {
                    // Out of the frame while it is looked at, so that nothing is copied.
                    let bytes = std::mem::take(&mut names.bytes);
                    let depth = self.stack.len() - 1;
                    self.visit(&bytes[at]);
                    self.stack[depth].names.bytes = bytes;
                }
                None => self.leave(),
            }
        }
    }
}

/// The names of one directory, sorted; eight bytes a name besides the name.
#[derive(Debug, Default)]
struct Names {
    bytes: Vec<u8>,
    /// Where each begins, and its length.
    spans: Vec<(u32, u16)>,
    next: usize,
}

impl Names {
    /// Lists a directory; with an error, those that came before it.
    fn list(directory: BorrowedFd<'_>, buffer: &mut Vec<u8>) -> (Self, Option<Errno>) {
        let mut names = Self::default();
        let mut failure = None;
        let mut entries = RawDir::new(directory, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            };
            let name = entry.file_name().to_bytes();
            // A FUSE file system may say anything.
            if name.is_empty() || name == b"." || name == b".." || name.contains(&b'/') {
                continue;
            }
            let (Ok(start), Ok(len)) = (u32::try_from(names.bytes.len()), u16::try_from(name.len())) else {
                failure = Some(Errno::OVERFLOW);
                break;
            };
            names.spans.push((start, len));
            names.bytes.extend_from_slice(name);
        }
        let bytes = &names.bytes;
        let name = |&(start, len): &(u32, u16)| &bytes[start as usize..][..usize::from(len)];
        names.spans.sort_unstable_by(|a, b| name(a).cmp(name(b)));
        // A directory that is written to while it is listed may name something twice.
        names.spans.dedup_by(|a, b| name(a) == name(b));
        (names, failure)
    }

    fn next(&mut self) -> Option<std::ops::Range<usize>> {
        let &(start, len) = self.spans.get(self.next)?;
        self.next += 1;
        Some(start as usize..start as usize + usize::from(len))
    }
}

const _: () = assert!(size_of::<(u32, u16)>() == 8);

fn open_directory(parent: BorrowedFd<'_>, name: &[u8]) -> Result<(OwnedFd, FoundStat), Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = openat(parent, name, flags, Mode::empty())?;
    let stat = fstat(&directory)?;
    Ok((directory, FoundStat::from(&stat)))
}

fn open_root(root: &Path) -> Result<OwnedFd, Error> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(root, flags, Mode::empty()).map_err(|error| unreadable_root(root, error))
}

fn unreadable_root(root: &Path, error: Errno) -> Error {
    let (why, hint) = match error {
        Errno::NOENT => ("there is no such directory".to_owned(), "check the path"),
        Errno::NOTDIR => ("it is not a directory".to_owned(), "name the directory that it is in"),
        Errno::ACCESS | Errno::PERM => {
            ("permission denied".to_owned(), "run as a user that may read it, usually the site's own")
        }
        error => (plain(&error.into()), "check that the disk it is on is mounted and well"),
    };
    Error::new(Kind::Source, format!("cannot read {}: {why}", root.display())).hint(hint)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
