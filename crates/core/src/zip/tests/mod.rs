//! The format as a whole: what is written is read, by us and by others.

mod hostile;
mod nights;
mod reader;
mod round_trip;

use sha2::{Digest, Sha256};

use super::*;
use crate::plan::Extent;

/// A member to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    name: MemberName,
    kind: Kind,
    content: Vec<u8>,
    stat: Stat,
    method: Method,
    descriptor: bool,
    zip64_local: bool,
}

impl Member {
    fn file(name: impl Into<Vec<u8>>, content: impl Into<Vec<u8>>) -> Self {
        let time = Time { seconds: 1_795_464_948, nanos: 123_456_789 };
        Self {
            name: MemberName::parse(name).expect("a name"),
            kind: Kind::File,
            content: content.into(),
            stat: Stat { mode: 0o644, uid: 33, gid: 34, mtime: time, ctime: time, inode: 7 },
            method: Method::Deflated,
            descriptor: false,
            zip64_local: false,
        }
    }

    fn entry(&self, offset: u64) -> (Entry, Vec<u8>) {
        let stored = match self.method {
            Method::Stored => self.content.clone(),
            Method::Deflated => miniz_oxide::deflate::compress_to_vec(&self.content, 6),
        };
        let entry = Entry {
            name: self.name.clone(),
            kind: self.kind,
            method: self.method,
            crc32: crc32fast::hash(&self.content),
            len: self.content.len() as u64,
            stored_len: stored.len() as u64,
            offset,
            stat: self.stat,
            sha256: Sha256::digest(&self.content).into(),
            settled: true,
            descriptor: self.descriptor,
            zip64_local: self.zip64_local,
        };
        (entry, stored)
    }

    /// Writes the member behind what is there.
    fn append(&self, object: &mut Vec<u8>) -> Entry {
        let (entry, stored) = self.entry(object.len() as u64);
        object.extend(entry.local_header());
        assert_eq!(object.len() as u64, entry.data_offset());
        object.extend(stored);
        object.extend(entry.data_descriptor());
        assert_eq!(object.len() as u64, entry.end());
        entry
    }
}

fn first() -> Member {
    Member { method: Method::Stored, ..Member::file(FIRST_MEMBER, "{\"format\":1}") }
}

/// The central directory and the records behind it.
fn finish(object: &mut Vec<u8>, entries: &[Entry]) {
    let offset = object.len() as u64;
    for entry in entries {
        entry.write_central(object);
    }
    let directory = Extent { offset, len: object.len() as u64 - offset };
    object.extend(end_of_directory(directory, entries.len() as u64, b""));
}

fn write(members: &[Member]) -> Vec<u8> {
    let mut object = Vec::new();
    let entries: Vec<_> = members.iter().map(|member| member.append(&mut object)).collect();
    finish(&mut object, &entries);
    object
}

/// All entries, as a reader of an object gets at them.
fn read(object: &[u8]) -> Result<(Located, Vec<Entry>), FormatError> {
    let len = object.len() as u64;
    let mut tail = 100.min(len);
    let located = loop {
        match locate(&object[(len - tail) as usize..], len) {
            Err(FormatError::NeedMore(more)) => {
                assert!(more > tail && more <= len, "{more} of {len} after {tail}");
                tail = more;
            }
            located => break located?,
        }
    };
    let Extent { offset, .. } = located.directory;
    let entries = DirectoryReader::new(&object[offset as usize..], located).collect::<Result<_, _>>()?;
    Ok((located, entries))
}

/// A member's content, taken from where its entry says.
fn content(object: &[u8], entry: &Entry) -> Vec<u8> {
    let header = parse_local_header(&object[entry.offset as usize..], entry).expect("the member's header");
    assert_eq!(entry.offset + header, entry.data_offset());
    let data = entry.data();
    let stored = &object[data.offset as usize..data.end() as usize];
    let content = match entry.method {
        Method::Stored => stored.to_vec(),
        Method::Deflated => miniz_oxide::inflate::decompress_to_vec(stored).expect("deflated"),
    };
    assert_eq!(object[data.end() as usize..entry.end() as usize], entry.data_descriptor());
    assert_eq!(crc32fast::hash(&content), entry.crc32);
    assert_eq!(<[u8; 32]>::from(Sha256::digest(&content)), entry.sha256);
    content
}
