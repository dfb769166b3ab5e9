//! The archive that is sent: read in place, a part at a time, never held.

use std::{
    fs,
    io::{self, Read},
    os::unix::fs::{FileExt, FileTypeExt},
    path::{Path, PathBuf},
};

use holdfast_core::error::{Error, Kind};

use crate::state::{job::Fingerprint, local};

/// An open archive.
#[derive(Debug)]
pub struct Source {
    file: fs::File,
    path: PathBuf,
    fingerprint: Fingerprint,
}

impl Source {
    /// Opens an archive.
    ///
    /// # Errors
    /// When it is not there, not readable, not a regular file, or empty.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let problem = |kind, why: &str, hint: &str| {
            Err(Error::new(kind, format!("cannot send {}: {why}", path.display())).hint(hint))
        };
        // Looked at before it is opened: opening a FIFO waits for a writer.
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return problem(Kind::Source, "there is no such file", "check the path");
            }
            Err(error) => return Err(unreadable(path, &error)),
        };
        let kind = metadata.file_type();
        if kind.is_dir() {
            let hint = "pack it first (`zip -r site.zip site/`)";
            return problem(Kind::Source, "it is a directory", hint);
        }
        if kind.is_fifo() || kind.is_socket() || kind.is_char_device() {
            let hint = "write it to a file first: an upload reads each part twice, and again after a failure";
            return problem(Kind::Source, "it is a pipe or a device, not a file", hint);
        }
        if !kind.is_file() {
            return problem(Kind::Source, "it is not a regular file", "name a file");
        }
        let file = fs::File::open(path).map_err(|error| unreadable(path, &error))?;
        let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
        if metadata.len() == 0 {
            return problem(Kind::Source, "it is empty", "an archive of no bytes restores nothing: make it again");
        }
        let path = fs::canonicalize(path).map_err(|error| unreadable(path, &error))?;
        Ok(Self { file, path, fingerprint: Fingerprint::of(&metadata) })
    }

    /// Its absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its length, in bytes; never 0.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.fingerprint.len
    }

    /// What it was when it was opened.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Whether it is no longer what was opened, in a sentence.
    #[must_use]
    pub fn changed(&self) -> Option<String> {
        let now = match self.file.metadata() {
            Ok(metadata) => Fingerprint::of(&metadata),
            Err(error) => return Some(error.to_string()),
        };
        let before = &self.fingerprint;
        if now.len != before.len {
            Some(format!("it had {} bytes and now has {}", before.len, now.len))
        } else if now.mtime_ns != before.mtime_ns {
            Some("it was written to while it was read".to_owned())
        } else {
            None
        }
    }

    /// Reads `len` bytes from `offset` on; the reader ends early where the file does.
    #[must_use]
    pub fn part(&self, offset: u64, len: u64) -> PartReader<'_> {
        PartReader::new(&self.file, offset, len)
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    let made = local("read", path, error);
    Error { kind: Kind::Source, ..made }.hint("make it readable for the user that runs this")
}

/// Reads a part without moving a cursor, so that parts can be read at the same time.
#[derive(Debug)]
pub struct PartReader<'a> {
    file: &'a fs::File,
    offset: u64,
    left: u64,
}

impl<'a> PartReader<'a> {
    /// Of `len` bytes of a file, from `offset` on.
    #[must_use]
    pub fn new(file: &'a fs::File, offset: u64, len: u64) -> Self {
        Self { file, offset, left: len }
    }
}

impl Read for PartReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if len == 0 {
            return Ok(0);
        }
        let n = self.file.read_at(&mut buffer[..len], self.offset)?;
        self.offset += n as u64;
        self.left -= n as u64;
        Ok(n)
    }
}
