//! Reading a small file that somebody else may have put there.

use std::{
    fs::{File, Metadata, OpenOptions},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::OFlags;

/// No file of keys is longer.
const MAX_LEN: u64 = 1 << 20;

/// A file's text, and what it is.
pub(crate) fn text(path: &Path) -> io::Result<(String, Metadata)> {
    let mut options = OpenOptions::new();
    // Opening a FIFO would wait for a writer.
    options.read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let file: File = options.open(path)?;
    // Of the open file: the path may lead elsewhere a moment later.
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_LEN + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_LEN {
        return Err(io::Error::other("it is far too long"));
    }
    let text = String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8 text"))?;
    Ok((text, metadata))
}
