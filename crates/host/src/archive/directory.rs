//! The central directory in the making: on disk, because a site may have a million members.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use holdfast_core::{
    plan::Extent,
    zip::{Entry, end_of_directory},
};

/// How much is read and written at a time.
const CHUNK: usize = 64 << 10;

/// The entries of a backup's members, in order.
#[derive(Debug)]
pub struct Directory {
    file: BufWriter<File>,
    scratch: Vec<u8>,
    len: u64,
    entries: u64,
}

impl Directory {
    /// Begins an empty one in a file of our own.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = File::options().create(true).truncate(true).read(true).write(true).mode(0o600).open(path)?;
        Ok(Self { file: BufWriter::with_capacity(CHUNK, file), scratch: Vec::new(), len: 0, entries: 0 })
    }

    /// Adds a member.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, entry: &Entry) -> io::Result<()> {
        self.scratch.clear();
        entry.write_central(&mut self.scratch);
        self.file.write_all(&self.scratch)?;
        self.len += self.scratch.len() as u64;
        self.entries += 1;
        Ok(())
    }

    /// Hands what was added to the system: a run that dies after this does not lose it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    /// Members so far.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Bytes so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.len
    }

    /// Hands it over with its end records, for a directory that begins at `offset`.
    ///
    /// # Errors
    /// When it cannot be read back, or nobody takes it.
    pub fn write_out(
        &mut self,
        offset: u64,
        mut take: impl FnMut(&[u8]) -> Result<(), super::pack::Halt>,
    ) -> Result<(), super::pack::Halt> {
        self.file.flush()?;
        let file = self.file.get_mut();
        file.seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::with_capacity(CHUNK, file).take(self.len);
        let mut buffer = vec![0; CHUNK];
        loop {
            match reader.read(&mut buffer)? {
                0 => break,
                n => take(&buffer[..n])?,
            }
        }
        take(&end_of_directory(Extent { offset, len: self.len }, self.entries, b""))
    }
}
