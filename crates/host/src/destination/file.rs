//! Where a download goes: beside its place until it is whole and verified, then renamed.

use std::{
    fs, io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use holdfast_core::{
    digest::{DigestKind, Digests},
    error::{Error, Kind},
};

use crate::{hash::CHUNK, source::PartReader, state::local};

/// A file in the making.
#[derive(Debug)]
pub struct File {
    file: fs::File,
    partial: PathBuf,
    path: PathBuf,
}

impl File {
    /// Opens `PATH.holdfast-part` beside `path`.
    ///
    /// # Errors
    /// When `path` exists and may not be replaced, or the file cannot be made.
    pub fn open(path: &Path, overwrite: bool) -> Result<Self, Error> {
        if path.is_dir() {
            let what = format!("cannot write {}: it is a directory", path.display());
            return Err(Error::new(Kind::Config, what).hint("name the file to write"));
        }
        if !overwrite && path.symlink_metadata().is_ok() {
            let what = format!("{} exists already", path.display());
            return Err(
                Error::new(Kind::AlreadyExists, what).hint("name another file, or replace it with `--overwrite`")
            );
        }
        let mut partial = path.as_os_str().to_owned();
        partial.push(".holdfast-part");
        let partial = PathBuf::from(partial);
        let file = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
            .open(&partial)
            .map_err(|error| local("write", &partial, &error))?;
        Ok(Self { file, partial, path: path.to_owned() })
    }

    /// Makes room for the whole, so that a full disk is known before the first byte travels.
    ///
    /// # Errors
    /// When there is no room.
    pub fn reserve(&self, len: u64) -> Result<(), Error> {
        let reserve = || -> io::Result<()> {
            if len > 0 {
                match rustix::fs::fallocate(&self.file, rustix::fs::FallocateFlags::empty(), 0, len) {
                    // Not every file system can; then it is found out on the way.
                    Ok(()) | Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {}
                    Err(errno) => return Err(errno.into()),
                }
            }
            self.file.set_len(len)
        };
        reserve().map_err(|error| local("make room for", &self.partial, &error))
    }

    /// Writes at a place.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    /// Ends it here: an earlier, longer answer may have been written.
    ///
    /// # Errors
    /// When that fails.
    pub(super) fn end_at(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    /// Reads what was written.
    ///
    /// # Errors
    /// When reading fails, or it ends before the buffer is full.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    /// Hashes what an earlier run wrote.
    ///
    /// # Errors
    /// When reading fails.
    pub fn digests(&self, offset: u64, len: u64, kinds: &[DigestKind]) -> io::Result<(u64, Digests)> {
        crate::hash::digests(&mut PartReader::new(&self.file, offset, len), kinds, &mut vec![0; CHUNK])
    }

    /// Puts it in its place: on disk first, then renamed, then the folder on disk.
    ///
    /// # Errors
    /// When any of that fails.
    pub fn finish(self) -> Result<(), Error> {
        let finish = || -> io::Result<()> {
            self.file.sync_all()?;
            fs::rename(&self.partial, &self.path)?;
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
            fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        };
        finish().map_err(|error| local("finish", &self.path, &error))
    }

    /// Removes what was written: it is not what was asked for.
    pub fn discard(self) {
        let _ = fs::remove_file(&self.partial);
    }
}
