//! The journal of a job: one record a line, each with a checksum of its own.
//!
//! ```text
//! 8f1d2c3b {"record":"created","upload_id":"…"}
//! ```
//!
//! The CRC-32 covers the text behind the space. A crash can tear the last line only; reading stops
//! at the first line that is not whole, and the file is cut there, since what follows a torn line
//! cannot be trusted to follow from it.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use holdfast_core::{error::Error, journal::Record};

use super::local;

/// An open journal, at its end.
#[derive(Debug)]
pub struct Journal {
    file: fs::File,
    path: PathBuf,
}

/// What was read from a journal.
#[derive(Debug, Default)]
pub struct Read {
    /// The records, oldest first.
    pub records: Vec<Record>,
    /// Lines at the end that were torn or damaged.
    pub torn_lines: usize,
}

impl Journal {
    /// Opens a journal and reads what is there; makes it when it is not.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn open(path: &Path) -> Result<(Self, Read), Error> {
        let open = || -> io::Result<(fs::File, Read)> {
            let file = fs::OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(path)?;
            let bytes = fs::read(path)?;
            let (read, whole_len) = parse(&bytes);
            if whole_len < bytes.len() {
                file.set_len(whole_len as u64)?;
                file.sync_all()?;
            }
            Ok((file, read))
        };
        let (file, read) = open().map_err(|error| local("open the journal", path, &error))?;
        Ok((Self { file, path: path.to_owned() }, read))
    }

    /// Reads a journal that someone else may be writing.
    #[must_use]
    pub fn peek(path: &Path) -> Read {
        fs::read(path).map(|bytes| parse(&bytes).0).unwrap_or_default()
    }

    /// Appends a record; on disk when this returns, if it is to be durable.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&mut self, record: &Record, durable: bool) -> Result<(), Error> {
        let text = serde_json::to_string(record).unwrap_or_default();
        let line = format!("{:08x} {text}\n", crc32fast::hash(text.as_bytes()));
        let mut write = || -> io::Result<()> {
            self.file.write_all(line.as_bytes())?;
            if durable { self.file.sync_data() } else { Ok(()) }
        };
        write().map_err(|error| local("write the journal", &self.path, &error))
    }

    /// How long it is, in bytes.
    ///
    /// # Errors
    /// When the file cannot be asked.
    pub fn bytes(&self) -> Result<u64, Error> {
        self.file.metadata().map(|metadata| metadata.len()).map_err(|error| local("read", &self.path, &error))
    }

    /// Forgets everything: a new run begins.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn clear(&mut self) -> Result<(), Error> {
        let clear = || -> io::Result<()> {
            self.file.set_len(0)?;
            self.file.sync_all()
        };
        clear().map_err(|error| local("clear the journal", &self.path, &error))
    }
}

/// The records, and how many bytes they take up.
fn parse(bytes: &[u8]) -> (Read, usize) {
    let mut read = Read::default();
    let mut whole_len = 0;
    let mut lines = bytes.split_inclusive(|&b| b == b'\n');
    for line in lines.by_ref() {
        let Some(record) = parse_line(line) else {
            read.torn_lines = 1 + lines.count();
            break;
        };
        read.records.push(record);
        whole_len += line.len();
    }
    (read, whole_len)
}

fn parse_line(line: &[u8]) -> Option<Record> {
    let text = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let (sum, text) = text.split_once(' ')?;
    let sum = u32::from_str_radix(sum, 16).ok()?;
    (crc32fast::hash(text.as_bytes()) == sum).then(|| serde_json::from_str(text).ok())?
}

#[cfg(test)]
mod tests {
    use holdfast_core::{abi::Millis, name::UploadId};

    use super::*;

    fn records() -> Vec<Record> {
        vec![
            Record::Created { upload_id: UploadId::parse("id 1").expect("valid"), abort_at: None },
            Record::Completing { at: Millis(7), len: None, parts: Some(2) },
        ]
    }

    #[test]
    fn what_was_appended_is_read() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let path = dir.path().join("journal");
        let (mut journal, read) = Journal::open(&path).expect("opens");
        assert!(read.records.is_empty());
        for record in records() {
            journal.append(&record, true).expect("appends");
        }
        assert_eq!(Journal::open(&path).expect("opens").1.records, records());
    }

    #[test]
    fn a_torn_tail_of_any_length_costs_only_the_last_record() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let path = dir.path().join("journal");
        let (mut journal, _) = Journal::open(&path).expect("opens");
        journal.append(&records()[0], true).expect("appends");
        let first_len = fs::metadata(&path).expect("there").len();
        journal.append(&records()[1], true).expect("appends");
        let whole = fs::read(&path).expect("reads");
        for len in first_len as usize..whole.len() {
            fs::write(&path, &whole[..len]).expect("writes");
            let (mut journal, read) = Journal::open(&path).expect("opens");
            assert_eq!(read.records, records()[..1], "cut at {len}");
            assert_eq!(fs::metadata(&path).expect("there").len(), first_len);
            journal.append(&records()[1], true).expect("appends");
            assert_eq!(Journal::peek(&path).records, records());
        }
    }

    #[test]
    fn nothing_behind_a_damaged_line_is_believed() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let path = dir.path().join("journal");
        let (mut journal, _) = Journal::open(&path).expect("opens");
        for record in records() {
            journal.append(&record, false).expect("appends");
        }
        let mut bytes = fs::read(&path).expect("reads");
        bytes[20] ^= 1;
        fs::write(&path, &bytes).expect("writes");
        let (_, read) = Journal::open(&path).expect("opens");
        assert_eq!((read.records.len(), read.torn_lines), (0, 2));
    }
}
