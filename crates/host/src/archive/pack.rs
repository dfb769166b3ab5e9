//! Puts a backup together, member by member, in archive order.
//!
//! ```text
//!  dump ─▶ ┌──────┐ unchanged: the index's entry, at its place in what is carried over
//!  walk ─▶ │ pack │ changed:   compressor ─▶ stream ─▶ parts
//!          └──────┘ both:      directory ─▶ stream, last
//! ```
//!
//! Files are ordered ahead of their turn, as far as memory allows, and taken in order.

use std::{
    collections::VecDeque,
    io,
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
};

use flate2::{Compress, Compression};
use holdfast_core::{
    error::{Error, Kind},
    zip::{Entry, FormatError, Kind as MemberKind, MemberName, Method, Stat, Time, needs_zip64_local},
};
use sha2::{Digest, Sha256};

use super::{
    compress::{self, Compressor, Content, Order, Piece, SMALL, Seen},
    directory::Directory,
    index::Index,
    walk::{Found, FoundKind, FoundStat, SkipReason, Step},
};
use crate::stream::{Ended, Stream};

/// Bytes of files that are read ahead of their turn.
const AHEAD: u64 = 6 << 20;
/// Files that are ordered ahead of their turn.
const AHEAD_FILES: usize = 256;
/// A run that dies loses what it knew of the members in this many bytes, and sends them again.
const FLUSH_EVERY: u64 = 1 << 20;
/// What an order takes of memory at the least: its name, its channel.
const ORDER_LEN: u64 = 4 << 10;
/// Names of each kind that the report lists; the rest is counted.
const NAMED: usize = 100;

/// Why packing stops before its end.
#[derive(Debug)]
pub enum Halt {
    /// The job is over: it says why.
    Ended,
    /// Something here does not work.
    Error(Error),
}

impl From<Ended> for Halt {
    fn from(_: Ended) -> Self {
        Self::Ended
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<io::Error> for Halt {
    fn from(error: io::Error) -> Self {
        let what = format!("cannot keep the list of members: {}", crate::state::plain(&error));
        Self::Error(Error::new(Kind::Local, what).hint("make room on the state folder's file system"))
    }
}

impl From<FormatError> for Halt {
    fn from(error: FormatError) -> Self {
        let what = format!("the last backup's list of members cannot be read: {error}");
        Self::Error(Error::new(Kind::Integrity, what))
    }
}

/// How far it is, for whoever shows it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes there are, as far as is known.
    pub total: AtomicU64,
    /// Bytes of files and of the dump that are done with, sent or not.
    pub bytes: AtomicU64,
    /// Members that are done with.
    pub members: AtomicU64,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Tally {
    /// Files.
    pub files: u64,
    /// Directories.
    pub directories: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Files with more than one name, each stored as a file of its own.
    pub hard_links: u64,
    /// Members of the database's dump.
    pub database_members: u64,
    /// Bytes of all members' content.
    pub content_bytes: u64,
    /// Members that did not travel: the bucket has them.
    pub members_kept: u64,
    /// Members that travelled.
    pub members_sent: u64,
    /// Bytes of members that travelled, as stored.
    pub member_bytes_sent: u64,
    /// Bytes of files that were read.
    pub bytes_read: u64,
    /// Bytes that no member uses.
    pub dead_bytes: u64,
    /// Left out by a pattern.
    pub excluded: u64,
    /// FIFOs, sockets and devices, which hold nothing.
    pub skipped: Names,
    /// What could not be read.
    pub unreadable: Names,
    /// Files that changed while they were read, every time: stored as they were read.
    pub moving: Names,
    /// What was there when it was listed and gone when it was read.
    pub vanished: Names,
}

/// Names, as many as anybody reads, and how many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Names {
    /// How many.
    pub count: u64,
    /// The first of them, each with why.
    pub first: Vec<String>,
}

impl Names {
    fn add(&mut self, name: &[u8], why: &str) {
        self.count += 1;
        if self.first.len() < NAMED {
            let name = super::path::PathBytes::from(name);
            self.first.push(if why.is_empty() { name.to_string() } else { format!("{name}: {why}") });
        }
    }
}

/// Packs one backup.
pub struct Packer<'a> {
    stream: &'a Stream,
    index: Index<'a>,
    directory: Directory,
    /// Before the compressor, which waits for its threads when it is dropped: they wait for
    /// somebody to take their pieces, as long as there could be somebody.
    queue: VecDeque<Waiting>,
    compressor: Compressor,
    deflate: Compress,
    /// Bytes that waiting orders may hold.
    queued: u64,
    /// Bytes of the object that members use.
    live: u64,
    /// Where the stream was when the directory was last flushed.
    flushed_at: u64,
    paranoid: bool,
    progress: &'a Progress,
    /// What came of it so far.
    pub tally: Tally,
}

/// A member whose turn comes.
enum Waiting {
    /// Its bytes are in the bucket.
    Ready(Entry),
    /// It is small and at hand.
    Bytes(MemberName, MemberKind, Stat, Vec<u8>, Option<Entry>),
    /// It is being read.
    Ordered { name: MemberName, previous: Option<Entry>, pieces: mpsc::Receiver<Piece>, weight: u64 },
}

impl<'a> Packer<'a> {
    /// Begins with an empty directory.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn new(
        stream: &'a Stream,
        index: Index<'a>,
        directory: Directory,
        paranoid: bool,
        progress: &'a Progress,
    ) -> Result<Self, Halt> {
        let compressor = Compressor::start().map_err(|error| {
            Error::new(Kind::Local, format!("cannot start a thread: {error}"))
                .hint("the host limits processes (`ulimit -u`) or memory (`ulimit -v`): raise the limit")
        })?;
        Ok(Self {
            stream,
            index,
            directory,
            compressor,
            deflate: Compress::new(Compression::new(6), false),
            queue: VecDeque::new(),
            queued: 0,
            live: 0,
            flushed_at: 0,
            paranoid,
            progress,
            tally: Tally::default(),
        })
    }

    /// Adds a member of our own making, unless the bucket has it as it is.
    ///
    /// # Errors
    /// When the job is over or the index cannot be read.
    pub fn add_own(&mut self, name: &str, bytes: Vec<u8>, at: Time) -> Result<(), Halt> {
        let name = own_name(name)?;
        let previous = self.index.find(&name)?;
        let stat = Stat { mode: 0o600, uid: 0, gid: 0, mtime: at, ctime: at, inode: 0 };
        self.queue.push_back(Waiting::Bytes(name, MemberKind::File, stat, bytes, previous));
        self.drain(0)
    }

    /// Adds the first member: what it says was written once and is never replaced.
    ///
    /// # Errors
    /// When the job is over or the index cannot be read.
    pub fn add_first(&mut self, name: &str, bytes: Vec<u8>, at: Time) -> Result<(), Halt> {
        let first = own_name(name)?;
        if let Some(entry) = self.index.find(&first)? {
            return self.keep(entry);
        }
        let stat = Stat { mode: 0o600, uid: 0, gid: 0, mtime: at, ctime: at, inode: 0 };
        self.queue.push_back(Waiting::Bytes(first, MemberKind::File, stat, bytes, None));
        self.drain(0)
    }

    /// Adds a member that is compressed already; its bytes are asked for only if they must travel.
    ///
    /// # Errors
    /// When the job is over, the index cannot be read, or the bytes cannot be had.
    pub fn add_packed(
        &mut self,
        name: &str,
        content: Content,
        stored_len: u64,
        at: Time,
        bytes: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<(), Halt>) -> Result<(), Halt>,
    ) -> Result<(), Halt> {
        let name = own_name(name)?;
        let stat = Stat { mode: 0o600, uid: 0, gid: 0, mtime: at, ctime: at, inode: 0 };
        self.tally.database_members += 1;
        if let Some(previous) = self.index.find(&name)?
            && is_same(&previous, content.len, &content.sha256)
        {
            return self.keep(previous);
        }
        let mut entry = entry_of(name, MemberKind::File, stat, Method::Deflated, &content);
        entry.stored_len = stored_len;
        entry.zip64_local = needs_zip64_local(content.len.max(stored_len));
        entry.offset = self.stream.position();
        self.stream.write(&entry.local_header())?;
        let stream = self.stream;
        bytes(&mut |bytes| Ok(stream.write(bytes)?))?;
        self.sent(entry)
    }

    /// Takes a step of the walk; `prefix` is what the member's name begins with.
    ///
    /// # Errors
    /// When the job is over or the index cannot be read.
    pub fn add_step(&mut self, prefix: &str, step: Step) -> Result<(), Halt> {
        let found = match step {
            Step::Found(found) => found,
            Step::Skipped { path, why } => {
                match why {
                    SkipReason::Excluded { .. } | SkipReason::OwnState => {}
                    SkipReason::Vanished => self.tally.vanished.add(&path, ""),
                    SkipReason::Fifo => self.tally.skipped.add(&path, "a named pipe"),
                    SkipReason::Socket => self.tally.skipped.add(&path, "a socket"),
                    SkipReason::Device => self.tally.skipped.add(&path, "a device"),
                    SkipReason::OtherFileSystem => self.tally.skipped.add(&path, "on another file system"),
                    SkipReason::PathTooLong => {
                        self.tally.unreadable.add(&path, "its path is longer than a zip can hold");
                    }
                }
                return Ok(());
            }
            Step::Unreadable { path, error } => {
                self.not_read(&path, &error);
                return Ok(());
            }
        };
        self.add_found(prefix, found)?;
        self.drain(AHEAD)
    }

    /// Adds the directory that a tree's members lie in.
    ///
    /// # Errors
    /// When the job is over or the index cannot be read.
    pub fn add_root(&mut self, prefix: &str, stat: &FoundStat) -> Result<(), Halt> {
        let name = own_name(prefix)?;
        let previous = self.index.find(&name)?;
        self.tally.directories += 1;
        self.queue.push_back(Waiting::Bytes(name, MemberKind::Directory, stat_of(stat), Vec::new(), previous));
        self.drain(AHEAD)
    }

    /// Waits for everything that was ordered.
    ///
    /// # Errors
    /// When the job is over.
    pub fn settle(&mut self) -> Result<(), Halt> {
        self.drain(0)
    }

    /// Ends the archive with its central directory.
    ///
    /// # Errors
    /// When the job is over, or the directory cannot be read back.
    pub fn finish(mut self) -> Result<(Tally, Directory, u64), Halt> {
        self.drain(0)?;
        let offset = self.stream.position();
        self.tally.dead_bytes = offset - self.live;
        let stream = self.stream;
        self.directory.write_out(offset, |bytes| Ok(stream.write(bytes)?))?;
        self.stream.finish()?;
        Ok((self.tally, self.directory, offset))
    }

    fn add_found(&mut self, prefix: &str, found: Found) -> Result<(), Halt> {
        let path: &[u8] = &found.path;
        let mut name = [prefix.as_bytes(), path].concat();
        if matches!(found.kind, FoundKind::Directory) && !name.ends_with(b"/") {
            name.push(b'/');
        }
        let name = match MemberName::parse(name) {
            Ok(name) => name,
            Err(error) => {
                self.tally.unreadable.add(path, &error.to_string());
                return Ok(());
            }
        };
        let previous = self.index.find(&name)?;
        let stat = stat_of(&found.stat);
        match found.kind {
            FoundKind::Directory => {
                self.tally.directories += 1;
                self.queue.push_back(Waiting::Bytes(name, MemberKind::Directory, stat, Vec::new(), previous));
            }
            FoundKind::Symlink { target } => {
                self.tally.symlinks += 1;
                self.queue.push_back(Waiting::Bytes(name, MemberKind::Symlink, stat, target, previous));
            }
            FoundKind::File => {
                self.tally.hard_links += u64::from(found.stat.links > 1);
                let previous = previous.filter(|previous| previous.kind == MemberKind::File);
                match previous {
                    Some(previous) if !self.paranoid && is_unchanged(&previous, &found.stat) => {
                        self.tally.files += 1;
                        self.progress.bytes.fetch_add(previous.len, Ordering::Relaxed);
                        self.queue.push_back(Waiting::Ready(previous));
                    }
                    previous => {
                        let weight = found.stat.len.min(SMALL) + ORDER_LEN;
                        let known = previous.as_ref().map(|previous| (previous.len, previous.sha256));
                        let order = Order { opener: found.opener, name: path.to_vec(), previous: known };
                        let pieces = self.compressor.order(order);
                        self.queued += weight;
                        self.queue.push_back(Waiting::Ordered { name, previous, pieces, weight });
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes what is waiting, until no more than `limit` bytes are ahead.
    fn drain(&mut self, limit: u64) -> Result<(), Halt> {
        while self.queued > limit || self.queue.len() > AHEAD_FILES || limit == 0 {
            let Some(waiting) = self.queue.pop_front() else { return Ok(()) };
            match waiting {
                Waiting::Ready(entry) => self.keep(entry)?,
                Waiting::Bytes(name, kind, stat, bytes, previous) => self.small(name, kind, stat, bytes, previous)?,
                Waiting::Ordered { name, previous, pieces, weight } => {
                    self.queued -= weight;
                    self.take(name, previous, &pieces)?;
                }
            }
        }
        Ok(())
    }

    /// A member that is in the bucket.
    fn keep(&mut self, entry: Entry) -> Result<(), Halt> {
        self.live += entry.local_len();
        self.tally.members_kept += 1;
        self.count(&entry)
    }

    /// A member that has just been written.
    fn sent(&mut self, entry: Entry) -> Result<(), Halt> {
        self.live += entry.local_len();
        self.tally.members_sent += 1;
        self.tally.member_bytes_sent += entry.local_len();
        let end = entry.end();
        self.count(&entry)?;
        if end.saturating_sub(self.flushed_at) >= FLUSH_EVERY {
            self.flushed_at = end;
            self.directory.flush()?;
        }
        Ok(())
    }

    fn count(&mut self, entry: &Entry) -> Result<(), Halt> {
        self.tally.content_bytes += entry.len;
        self.progress.members.fetch_add(1, Ordering::Relaxed);
        Ok(self.directory.add(entry)?)
    }

    fn small(
        &mut self,
        name: MemberName,
        kind: MemberKind,
        stat: Stat,
        bytes: Vec<u8>,
        previous: Option<Entry>,
    ) -> Result<(), Halt> {
        let sha256 = Sha256::digest(&bytes).into();
        let len = bytes.len() as u64;
        if let Some(previous) = previous
            && previous.kind == kind
            && is_same(&previous, len, &sha256)
        {
            return self.keep(Entry { stat, ..previous });
        }
        let content = Content { len, crc32: crc32fast::hash(&bytes), sha256, moving: false };
        let mut out = Vec::with_capacity(bytes.len());
        let smaller = kind == MemberKind::File && compress::deflate_whole(&mut self.deflate, &bytes, &mut out);
        let (method, data) = if smaller { (Method::Deflated, out) } else { (Method::Stored, bytes) };
        self.whole(entry_of(name, kind, stat, method, &content), &data)
    }

    fn whole(&mut self, mut entry: Entry, data: &[u8]) -> Result<(), Halt> {
        entry.stored_len = data.len() as u64;
        entry.offset = self.stream.position();
        self.stream.write(&entry.local_header())?;
        self.stream.write(data)?;
        self.sent(entry)
    }

    /// Takes a file's pieces as they come.
    fn take(&mut self, name: MemberName, previous: Option<Entry>, pieces: &mpsc::Receiver<Piece>) -> Result<(), Halt> {
        let mut open: Option<Entry> = None;
        // Of a large file, what is shown as done before it is.
        let mut shown = 0;
        loop {
            let Ok(piece) = pieces.recv() else {
                return Err(Error::new(Kind::Bug, "a thread that reads files has died").into());
            };
            match (piece, &mut open) {
                (Piece::Same(seen), _) => {
                    self.read(seen.len);
                    let Some(previous) = previous else {
                        return Err(Error::new(Kind::Bug, "a new file cannot be the same as before").into());
                    };
                    return self.keep(Entry { stat: seen.stat, settled: seen.settled, ..previous });
                }
                (Piece::Whole(seen, method, content, data), _) => {
                    self.read(content.len);
                    self.told_moving(&name, &content);
                    let mut entry = entry_of(name, MemberKind::File, seen.stat, method, &content);
                    entry.settled = seen.settled && !content.moving;
                    return self.whole(entry, &data);
                }
                (Piece::Begin(seen, method), open) => {
                    let entry = begin(name.clone(), &seen, method, self.stream.position());
                    self.stream.write(&entry.local_header())?;
                    *open = Some(entry);
                }
                (Piece::Data(data, taken), Some(entry)) => {
                    shown += taken;
                    self.progress.bytes.fetch_add(taken, Ordering::Relaxed);
                    entry.stored_len += data.len() as u64;
                    self.stream.write(&data)?;
                }
                (Piece::Torn, open) => {
                    *open = None;
                    self.progress.bytes.fetch_sub(std::mem::take(&mut shown), Ordering::Relaxed);
                }
                (Piece::End(content), Some(entry)) => {
                    self.read(content.len);
                    self.progress.bytes.fetch_sub(shown, Ordering::Relaxed);
                    self.told_moving(&name, &content);
                    let Content { len, crc32, sha256, moving } = content;
                    let settled = entry.settled && !moving;
                    let entry = Entry { len, crc32, sha256, settled, ..entry.clone() };
                    self.stream.write(&entry.data_descriptor())?;
                    return self.sent(entry);
                }
                (Piece::Data(..) | Piece::End(_), None) => {
                    return Err(Error::new(Kind::Bug, "a file has come without its beginning").into());
                }
                (Piece::Failed(error), _) => {
                    self.not_read(name.as_bytes(), &error);
                    return Ok(());
                }
            }
        }
    }

    fn read(&mut self, len: u64) {
        self.tally.files += 1;
        self.tally.bytes_read += len;
        self.progress.bytes.fetch_add(len, Ordering::Relaxed);
    }

    fn told_moving(&mut self, name: &MemberName, content: &Content) {
        if content.moving {
            self.tally.moving.add(name.as_bytes(), "");
        }
    }

    fn not_read(&mut self, name: &[u8], error: &io::Error) {
        if error.kind() == io::ErrorKind::NotFound {
            self.tally.vanished.add(name, "");
        } else {
            self.tally.unreadable.add(name, &crate::state::plain(error));
        }
    }
}

/// A large file's entry before its end is known.
fn begin(name: MemberName, seen: &Seen, method: Method, offset: u64) -> Entry {
    let nothing = Content { len: 0, crc32: 0, sha256: [0; 32], moving: false };
    let mut entry = entry_of(name, MemberKind::File, seen.stat, method, &nothing);
    entry.descriptor = true;
    entry.zip64_local = needs_zip64_local(seen.len);
    entry.settled = seen.settled;
    entry.offset = offset;
    entry
}

fn entry_of(name: MemberName, kind: MemberKind, stat: Stat, method: Method, content: &Content) -> Entry {
    Entry {
        name,
        kind,
        method,
        crc32: content.crc32,
        len: content.len,
        stored_len: 0,
        offset: 0,
        stat,
        sha256: content.sha256,
        settled: true,
        descriptor: false,
        zip64_local: false,
    }
}

fn own_name(name: &str) -> Result<MemberName, Halt> {
    MemberName::parse(name)
        .map_err(|error| Halt::Error(Error::new(Kind::Bug, format!("{name:?} cannot be a member's name: {error}"))))
}

fn is_same(previous: &Entry, len: u64, sha256: &[u8; 32]) -> bool {
    previous.len == len && previous.sha256 == *sha256
}

/// Whether a file is what it was, without reading it. Whoever changes its content cannot keep its
/// ctime, unless within a tick of the clock, and then it was not settled.
pub fn is_unchanged(previous: &Entry, now: &FoundStat) -> bool {
    let stat = stat_of(now);
    let before = &previous.stat;
    previous.settled
        && previous.len == now.len
        && before.mtime == stat.mtime
        && before.ctime == stat.ctime
        && before.inode == stat.inode
}

fn stat_of(found: &FoundStat) -> Stat {
    let time = |(seconds, nanos)| Time { seconds, nanos };
    Stat {
        mode: found.mode & 0o7777,
        uid: found.uid,
        gid: found.gid,
        mtime: time(found.mtime),
        ctime: time(found.ctime),
        inode: found.inode,
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread, time::Duration};

    use super::*;
    use crate::archive::walk::{Walk, WalkOptions};

    /// A job that ends while large files are on their way must not wait for them.
    #[test]
    fn a_job_that_is_over_ends_the_packing() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().join("tree");
        std::fs::create_dir(&root).expect("makes");
        for n in 0..6_u8 {
            // Longer than what a channel holds.
            std::fs::write(root.join(format!("{n}.jpg")), vec![n; 8 << 20]).expect("writes");
        }
        let (done, ended) = mpsc::channel();
        let path = dir.path().join("members");
        thread::spawn(move || {
            let stream = Stream::new();
            stream.end();
            let directory = Directory::create(&path).expect("makes");
            let progress = Progress::default();
            let mut packer = Packer::new(&stream, Index::default(), directory, false, &progress).expect("threads");
            let mut walk = Walk::new(WalkOptions::new(root)).expect("walks");
            let halted = walk.try_for_each(|step| packer.add_step("files/", step)).and_then(|()| packer.settle());
            assert!(matches!(halted, Err(Halt::Ended)));
            drop(packer);
            done.send(()).expect("somebody waits");
        });
        ended.recv_timeout(Duration::from_secs(20)).expect("it ends by itself");
    }
}
