//! The dump on this disk: one file that nobody else can open, gone with the process.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use flate2::read::DeflateDecoder;
use holdfast_core::error::{Error, Kind};

use super::Told;
use crate::state;

/// Room that stays free on the file system: a backup must not be what fills the site's disk.
const RESERVE: u64 = 64 << 20;

/// A dump never shrinks more than this against the server's own count of its bytes, so that less
/// room than that is certainly too little.
const BEST_RATIO: u64 = 16;

/// A member-to-be: SQL text, deflated, in the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The member's name below `database/`, flat. Names in `LC_ALL=C` order, and in any locale's,
    /// are in load order.
    pub name: String,
    /// Bytes of SQL.
    pub len: u64,
    /// CRC-32 of the SQL, as zip wants it.
    pub crc32: u32,
    /// SHA-256 of the SQL.
    pub sha256: [u8; 32],
    /// Bytes of raw deflate in the spool.
    pub stored_len: u64,
    /// Where they begin in the spool.
    pub offset: u64,
}

/// The file. It has no name any more when it is open, so that no crash leaves it behind.
#[derive(Debug)]
pub struct Spool {
    file: File,
    folder: PathBuf,
}

impl Spool {
    /// Makes an empty one in this folder.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn create(folder: &Path) -> Told<Self> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let name = format!("spool.{}.{}", process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let path = folder.join(name);
        let make = || -> io::Result<File> {
            // Of a process of the same id that died between the two steps.
            let _ = fs::remove_file(&path);
            let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
            fs::remove_file(&path)?;
            Ok(file)
        };
        let file = make().map_err(|error| state::local("make the dump's spool in", folder, &error))?;
        Ok(Self { file, folder: folder.to_owned() })
    }

    /// The stored bytes of a piece: raw deflate.
    #[must_use]
    pub fn stored(&self, piece: &Piece) -> PieceReader<'_> {
        PieceReader { file: &self.file, at: piece.offset, end: piece.offset + piece.stored_len }
    }

    /// The SQL of a piece.
    #[must_use]
    pub fn sql(&self, piece: &Piece) -> DeflateDecoder<PieceReader<'_>> {
        DeflateDecoder::new(self.stored(piece))
    }

    /// Empties it, and returns a second handle for the thread that fills it.
    pub(super) fn restart(&mut self) -> Told<SpoolEnd> {
        let start = || -> io::Result<File> {
            self.file.set_len(0)?;
            self.file.try_clone()
        };
        let file = start().map_err(|error| state::local("empty the dump's spool in", &self.folder, &error))?;
        Ok(SpoolEnd { file, folder: self.folder.clone(), at: 0, checked_at: 0 })
    }

    /// Refuses a dump that cannot fit, from the server's count of the tables' bytes.
    pub(super) fn expect(&self, bytes: u64) -> Told<()> {
        let free = free_bytes(&self.folder).unwrap_or(u64::MAX);
        let least = bytes / BEST_RATIO + RESERVE;
        if free < least { Err(too_small(&self.folder, free, Some(bytes))) } else { Ok(()) }
    }
}

/// Reads what a piece occupies in the spool. Several may read at once.
#[derive(Debug)]
pub struct PieceReader<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl Read for PieceReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(into.len());
        if want == 0 {
            return Ok(0);
        }
        match self.file.read_at(&mut into[..want], self.at)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            got => {
                self.at += got as u64;
                Ok(got)
            }
        }
    }
}

/// The spool where it grows.
#[derive(Debug)]
pub(super) struct SpoolEnd {
    file: File,
    folder: PathBuf,
    at: u64,
    checked_at: u64,
}

impl SpoolEnd {
    /// Bytes written so far.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Told<()> {
        if self.at >= self.checked_at {
            // Every quarter of the reserve, so that the reserve is never spent unseen.
            self.checked_at = self.at + RESERVE / 4;
            match free_bytes(&self.folder) {
                Ok(free) if free < RESERVE => return Err(too_small(&self.folder, free, None)),
                _ => {}
            }
        }
        self.file.write_all_at(bytes, self.at).map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                too_small(&self.folder, free_bytes(&self.folder).unwrap_or(0), None)
            }
            _ => state::local("write the dump's spool in", &self.folder, &error),
        })?;
        self.at += bytes.len() as u64;
        Ok(())
    }
}

fn free_bytes(folder: &Path) -> io::Result<u64> {
    let seen = rustix::fs::statvfs(folder)?;
    Ok(seen.f_bavail.saturating_mul(seen.f_frsize))
}

fn too_small(folder: &Path, free: u64, expected: Option<u64>) -> Error {
    let size = |bytes: u64| indicatif::BinaryBytes(bytes).to_string();
    let what = match expected {
        Some(bytes) => format!(
            "the disk of {} is too full for the database's dump: {} free, and its tables hold {}",
            folder.display(),
            size(free),
            size(bytes)
        ),
        None => format!(
            "the disk of {} is too full for the database's dump: {} left, {} of which stay free for the site",
            folder.display(),
            size(free),
            size(RESERVE)
        ),
    };
    Error::new(Kind::Local, what)
        .hint("make room there, put the state folder on another disk with `--state-dir`, or leave out rows of logs")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn the_spool_has_no_name_and_no_reader_but_us() {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = Spool::create(folder.path()).expect("writable");
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 0);
        let metadata = spool.file.metadata().expect("open");
        assert_eq!((metadata.mode() & 0o777, metadata.nlink()), (0o600, 0));
    }

    #[test]
    fn a_full_disk_is_told_with_its_folder_and_what_to_do() {
        let full = OpenOptions::new().write(true).open("/dev/full").expect("Linux has one");
        let mut end = SpoolEnd { file: full, folder: PathBuf::from("/"), at: 0, checked_at: u64::MAX };
        let error = end.append(b"x").expect_err("it is full");
        assert_eq!(error.kind, Kind::Local);
        assert!(error.what.starts_with("the disk of / is too full for the database's dump"), "{error}");
        assert!(error.hint.is_some_and(|hint| hint.contains("--state-dir")));
    }

    #[test]
    fn a_dump_that_cannot_fit_is_refused_before_it_begins() {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = Spool::create(folder.path()).expect("writable");
        spool.expect(0).expect("room for nothing much");
        let error = spool.expect(u64::MAX).expect_err("no disk has that");
        assert!(error.what.contains("its tables hold"), "{error}");
    }
}
