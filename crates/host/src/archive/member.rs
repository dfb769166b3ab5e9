//! A member's bytes, as they come out of the bucket, back to what they were: header, inflating,
//! digests.
//!
//! Bytes are pushed in, in whatever pieces they arrive; what they were is handed on as it comes,
//! before its digest is known: who takes it decides at the end whether to believe it.

use std::io;

use flate2::{Decompress, FlushDecompress, Status};
use holdfast_core::zip::{Entry, Method, parse_local_header};
use sha2::{Digest, Sha256};

/// How much is inflated at a time.
const CHUNK: usize = 256 << 10;
/// No local header is longer: 30 bytes, a name and extra fields of 65,535 bytes each.
const MAX_HEADER: usize = 30 + 2 * 65_535;

/// What is wrong with a member.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// Its header is not what the central directory says.
    #[error("its header does not agree with the central directory: {0}")]
    Header(String),
    /// It cannot be inflated.
    #[error("its compressed bytes are damaged")]
    Deflate,
    /// It is longer or shorter than the central directory says.
    #[error("it has {found} bytes, not {expected}")]
    Len {
        /// Bytes that came out, as far as they were looked at.
        found: u64,
        /// Bytes that there should be.
        expected: u64,
    },
    /// Its content is another.
    #[error("its SHA-256 is not the one that was written down")]
    Digest,
    /// Its CRC-32, which zip tools check, is another.
    #[error("its CRC-32 is not the one that zip tools expect")]
    Crc,
    /// What was read of it could not be handed on.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Reads one member.
pub struct MemberReader {
    entry: Entry,
    header: Vec<u8>,
    /// Behind the header.
    in_data: bool,
    /// Stored bytes that are still to come.
    left: u64,
    inflate: Option<Decompress>,
    out: Vec<u8>,
    len: u64,
    crc32: crc32fast::Hasher,
    sha256: Sha256,
}

impl MemberReader {
    /// Of this entry; the first byte that is pushed is the first of its local header.
    #[must_use]
    pub fn new(entry: Entry) -> Self {
        Self {
            left: entry.stored_len,
            inflate: (entry.method == Method::Deflated).then(|| Decompress::new(false)),
            entry,
            header: Vec::new(),
            in_data: false,
            out: Vec::new(),
            len: 0,
            crc32: crc32fast::Hasher::new(),
            sha256: Sha256::new(),
        }
    }

    /// Takes the next bytes; what they held goes to `take`.
    ///
    /// # Errors
    /// When they are not what the central directory says, or `take` fails.
    pub fn push(&mut self, mut bytes: &[u8], take: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> Result<(), Damage> {
        if !self.in_data {
            bytes = match self.push_header(bytes)? {
                Some(rest) => rest,
                None => return Ok(()),
            };
        }
        // What follows the data is its descriptor, which says nothing new.
        let len = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let data = &bytes[..len];
        self.left -= len as u64;
        if self.inflate.is_some() { self.inflate(data, take) } else { self.content(data, take) }
    }

    /// Whether it was what it should be.
    ///
    /// # Errors
    /// When it was not.
    pub fn finish(self) -> Result<(), Damage> {
        let Self { entry, len, crc32, sha256, left, .. } = self;
        if len != entry.len || left > 0 {
            return Err(Damage::Len { found: len, expected: entry.len });
        }
        if <[u8; 32]>::from(sha256.finalize()) != entry.sha256 {
            return Err(Damage::Digest);
        }
        if crc32.finalize() != entry.crc32 {
            return Err(Damage::Crc);
        }
        Ok(())
    }

    /// What lies behind the header, once it is whole.
    fn push_header<'b>(&mut self, bytes: &'b [u8]) -> Result<Option<&'b [u8]>, Damage> {
        let before = self.header.len();
        let wanted = match self.header.len() {
            0..30 => 30,
            _ => header_len(&self.header).ok_or_else(|| Damage::Header("it is none".to_owned()))?,
        };
        let n = (wanted - before).min(bytes.len());
        self.header.extend_from_slice(&bytes[..n]);
        if self.header.len() < wanted {
            return Ok(None);
        }
        let whole = header_len(&self.header).filter(|&len| len <= MAX_HEADER);
        let whole = whole.ok_or_else(|| Damage::Header("it is none".to_owned()))?;
        if self.header.len() < whole {
            return self.push_header(&bytes[n..]);
        }
        parse_local_header(&self.header, &self.entry).map_err(|error| Damage::Header(error.to_string()))?;
        self.in_data = true;
        Ok(Some(&bytes[n..]))
    }

    fn inflate(&mut self, mut data: &[u8], take: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> Result<(), Damage> {
        loop {
            let Some(inflate) = &mut self.inflate else { return Ok(()) };
            let mut out = std::mem::take(&mut self.out);
            out.resize(CHUNK, 0);
            let (before_in, before_out) = (inflate.total_in(), inflate.total_out());
            let status = inflate.decompress(data, &mut out, FlushDecompress::None).map_err(|_| Damage::Deflate)?;
            data = &data[(inflate.total_in() - before_in) as usize..];
            let n = (inflate.total_out() - before_out) as usize;
            let done = self.content(&out[..n], take);
            self.out = out;
            done?;
            match status {
                Status::StreamEnd if data.is_empty() => return Ok(()),
                Status::StreamEnd => return Err(Damage::Deflate),
                _ if data.is_empty() && n < CHUNK => return Ok(()),
                _ if n == 0 && inflate_is_stuck(before_in, self.inflate.as_ref()) => return Err(Damage::Deflate),
                _ => {}
            }
        }
    }

    fn content(&mut self, bytes: &[u8], take: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> Result<(), Damage> {
        self.len += bytes.len() as u64;
        // A bomb: nobody hands on what was never put in.
        if self.len > self.entry.len {
            return Err(Damage::Len { found: self.len, expected: self.entry.len });
        }
        self.crc32.update(bytes);
        self.sha256.update(bytes);
        Ok(take(bytes)?)
    }
}

fn inflate_is_stuck(before_in: u64, inflate: Option<&Decompress>) -> bool {
    inflate.is_none_or(|inflate| inflate.total_in() == before_in)
}

/// How long a local header is, by its first 30 bytes.
fn header_len(header: &[u8]) -> Option<usize> {
    let short = |at: usize| Some(usize::from(u16::from_le_bytes([*header.get(at)?, *header.get(at + 1)?])));
    (header.get(..4)? == b"PK\x03\x04").then_some(30 + short(26)? + short(28)?)
}

#[cfg(test)]
mod tests {
    use flate2::{Compress, Compression};
    use holdfast_core::zip::{Kind, MemberName, Stat, Time};

    use super::*;

    fn member(content: &[u8], method: Method, descriptor: bool) -> (Entry, Vec<u8>) {
        let time = Time { seconds: 1_795_464_948, nanos: 5 };
        let mut data = Vec::with_capacity(content.len() + 64);
        if method == Method::Deflated {
            assert!(super::super::compress::deflate_whole(
                &mut Compress::new(Compression::new(6), false),
                content,
                &mut data
            ));
        } else {
            data.extend_from_slice(content);
        }
        let entry = Entry {
            name: MemberName::parse("files/a.txt").expect("a name"),
            kind: Kind::File,
            method,
            crc32: crc32fast::hash(content),
            len: content.len() as u64,
            stored_len: data.len() as u64,
            offset: 0,
            stat: Stat { mode: 0o644, uid: 0, gid: 0, mtime: time, ctime: time, inode: 7 },
            sha256: Sha256::digest(content).into(),
            settled: true,
            descriptor,
            zip64_local: false,
        };
        let bytes = [entry.local_header(), data, entry.data_descriptor()].concat();
        (entry, bytes)
    }

    fn read(entry: &Entry, bytes: &[u8], step: usize) -> Result<Vec<u8>, Damage> {
        let mut reader = MemberReader::new(entry.clone());
        let mut out = Vec::new();
        for piece in bytes.chunks(step) {
            reader.push(piece, &mut |bytes| {
                out.extend_from_slice(bytes);
                Ok(())
            })?;
        }
        reader.finish()?;
        Ok(out)
    }

    #[test]
    fn what_went_in_comes_out_in_pieces_of_any_size() {
        let content: Vec<u8> = (0..700_000_u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        for method in [Method::Stored, Method::Deflated] {
            for descriptor in [false, true] {
                let (entry, bytes) = member(&content, method, descriptor);
                for step in [1 << 20, 4_096, 17] {
                    assert!(read(&entry, &bytes, step).expect("whole") == content, "{method:?} {descriptor} {step}");
                }
            }
            let (entry, bytes) = member(b"", Method::Stored, false);
            assert_eq!(read(&entry, &bytes, 1).expect("whole"), b"");
        }
    }

    #[test]
    fn every_damaged_byte_is_noticed() {
        let (entry, bytes) = member(b"hello, hello, hello, hello, hello", Method::Deflated, false);
        // The times of the local header are not compared: a later night may have other ones.
        let times = (10..14).chain(30 + entry.name.as_bytes().len()..entry.local_header().len());
        let times: Vec<usize> = times.collect();
        for at in (0..bytes.len()).filter(|at| !times.contains(at)) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x41;
            // The version needed to extract binds nobody.
            if !(4..6).contains(&at) {
                assert!(read(&entry, &damaged, 1 << 20).is_err(), "byte {at}");
            }
        }
        assert!(read(&entry, &bytes[..bytes.len() - 1], 1 << 20).is_err());
    }

    #[test]
    fn a_bomb_is_stopped_at_the_length_that_was_announced() {
        let (mut entry, bytes) = member(&vec![0; 50 << 20], Method::Deflated, true);
        entry.len = 1_000;
        let mut out = 0;
        let mut reader = MemberReader::new(entry);
        let result = reader.push(&bytes, &mut |bytes| {
            out += bytes.len();
            Ok(())
        });
        assert!(matches!(result, Err(Damage::Len { .. })));
        assert!(out <= 1_000, "{out}");
    }
}
