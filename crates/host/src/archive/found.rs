//! Something found below the root, and the way back to it for whoever reads it later.

use std::{fs::File, io, os::fd::OwnedFd, sync::Arc};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, statat};

use super::path::PathBytes;

/// An entry of the archive.
#[derive(Debug, Clone)]
pub struct Found {
    /// Where it is.
    pub path: PathBytes,
    /// What it is.
    pub kind: FoundKind,
    /// What the file system said of it.
    pub stat: FoundStat,
    /// Opens it later, from any thread.
    pub opener: Opener,
}

/// What can be archived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink {
        /// Where it points, as it is written; never followed.
        target: Vec<u8>,
    },
}

/// What the file system said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundStat {
    /// Bytes.
    pub len: u64,
    /// The bits of `0o7777`.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// When it was last written to: seconds since 1970, nanoseconds.
    pub mtime: (i64, u32),
    /// When it was last changed in any way: seconds since 1970, nanoseconds.
    pub ctime: (i64, u32),
    /// Its number on that file system.
    pub inode: u64,
    /// The file system.
    pub dev: u64,
    /// How many names it has.
    pub links: u64,
}

impl FoundStat {
    /// Of an open file: compare it with what was found, and again after reading.
    ///
    /// # Errors
    /// When the file system does not say.
    pub fn of(file: &File) -> io::Result<Self> {
        Ok(Self::from(&fstat(file)?))
    }

    /// What tells one file from every other.
    #[must_use]
    pub fn identity(&self) -> (u64, u64) {
        (self.dev, self.inode)
    }
}

impl From<&Stat> for FoundStat {
    // The widths differ between processors.
    #[allow(clippy::useless_conversion, clippy::unnecessary_cast)]
    fn from(stat: &Stat) -> Self {
        Self {
            len: u64::try_from(stat.st_size).unwrap_or(0),
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            mtime: (stat.st_mtime, stat.st_mtime_nsec as u32),
            ctime: (stat.st_ctime, stat.st_ctime_nsec as u32),
            inode: u64::from(stat.st_ino),
            dev: u64::from(stat.st_dev),
            links: u64::from(stat.st_nlink),
        }
    }
}

/// The directory that something was found in. Clones share one descriptor, which closes with the
/// last of them; hold no more of them than files in flight.
#[derive(Debug, Clone)]
pub struct Opener {
    directory: Arc<OwnedFd>,
}

impl Opener {
    pub(super) fn new(directory: Arc<OwnedFd>) -> Self {
        Self { directory }
    }

    /// Opens a regular file of the directory. A symbolic link that was put there meanwhile is
    /// not followed, and a FIFO does not wait for its writer: both are errors.
    ///
    /// # Errors
    /// When it is no longer there, not readable, or no longer a regular file.
    pub fn open(&self, name: &[u8]) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let file = match openat(&*self.directory, name, flags, Mode::empty()) {
            Ok(file) => file,
            // A symbolic link, or a socket or device without its driver.
            Err(rustix::io::Errno::LOOP | rustix::io::Errno::NXIO) => return Err(replaced()),
            Err(error) => return Err(error.into()),
        };
        if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
            return Err(replaced());
        }
        Ok(File::from(file))
    }

    /// What the file system says of a name in the directory now.
    ///
    /// # Errors
    /// When it is no longer there.
    pub fn stat(&self, name: &[u8]) -> io::Result<FoundStat> {
        Ok(FoundStat::from(&statat(&*self.directory, name, AtFlags::SYMLINK_NOFOLLOW)?))
    }
}

impl Found {
    /// Opens the file that was found; see [`Opener::open`].
    ///
    /// # Errors
    /// When it is no longer there, not readable, or no longer a regular file.
    pub fn open(&self) -> io::Result<File> {
        self.opener.open(self.path.name())
    }
}

fn replaced() -> io::Error {
    io::Error::other("it is no longer a regular file: it was replaced while the tree was read")
}
