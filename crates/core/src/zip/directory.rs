//! The central directory, read entry by entry in bounded memory.

use std::io::Read;

use super::{
    end::Located,
    entry::{Entry, Kind, Method},
    error::FormatError,
    extra::{Bytes, Extra},
    layout,
    name::{FIRST_MEMBER, MemberName},
};

/// The entries of a central directory, from any source of its bytes. After an error it ends.
///
/// What it yields is in archive order without a name twice, begins with `holdfast.json` at the
/// object's first byte, has nothing below what is not a directory, and lies in front of the
/// directory. Whether two members share bytes cannot be seen entry by entry, only that all of
/// them together fit: [`super::carry::disjoint`] tells, and a member's SHA-256.
#[derive(Debug)]
pub struct DirectoryReader<R> {
    source: std::io::Take<R>,
    located: Located,
    /// Entries read so far.
    read: u64,
    /// Bytes of all members so far.
    live: u64,
    /// The entry before: the next one comes later in the order, and below it only if it is a directory.
    previous: Option<(MemberName, Kind)>,
    failed: bool,
}

impl<R: Read> DirectoryReader<R> {
    /// Reads the directory from `source`, which begins with its first byte. Not more than its
    /// length is read.
    pub fn new(source: R, located: Located) -> Self {
        let source = source.take(located.directory.len);
        Self { source, located, read: 0, live: 0, previous: None, failed: false }
    }

    fn read_next(&mut self) -> Result<Option<Entry>, FormatError> {
        if self.located.entries == 0 {
            return Err(FormatError::NotOurs("it has no members"));
        }
        if self.read == self.located.entries {
            let rest = self.source.read(&mut [0])? as u64 + self.source.limit();
            return if rest == 0 { Ok(None) } else { Err(self.wrong("is followed by more than was announced")) };
        }
        self.read += 1;
        let mut fixed = [0; layout::CENTRAL_LEN];
        self.fill(&mut fixed)?;
        let fixed = self.parse_fixed(&fixed)?;
        let mut bytes = vec![0; fixed.name_len + fixed.extra_len + fixed.comment_len];
        self.fill(&mut bytes)?;
        let (name, rest) = bytes.split_at(fixed.name_len);
        let entry = self.entry(&fixed, name, &rest[..fixed.extra_len])?;
        self.check_place(&entry)?;
        self.check_order(&entry)?;
        Ok(Some(entry))
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), FormatError> {
        self.source.read_exact(bytes).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => self.wrong("is cut off"),
            _ => FormatError::Read(error),
        })
    }

    fn wrong(&self, what: &'static str) -> FormatError {
        FormatError::Directory { entry: self.read, what }
    }

    fn parse_fixed(&self, bytes: &[u8]) -> Result<Fixed, FormatError> {
        let fixed = Fixed::parse(bytes).ok_or(self.wrong("is cut off"))?;
        if fixed.signature != layout::CENTRAL {
            return Err(self.wrong("does not begin as one does"));
        }
        if fixed.flags & layout::ENCRYPTED != 0 {
            return Err(self.wrong("is encrypted"));
        }
        if fixed.disk != 0 {
            return Err(self.wrong("is on another disk"));
        }
        Ok(fixed)
    }

    fn entry(&self, fixed: &Fixed, name: &[u8], extra: &[u8]) -> Result<Entry, FormatError> {
        let mut extra = Extra::parse(extra, self.read)?;
        let len = extra.widen(fixed.len, self.read)?;
        let stored_len = extra.widen(fixed.stored_len, self.read)?;
        let offset = extra.widen(fixed.offset, self.read)?;
        let name = MemberName::parse(name).map_err(|_| self.wrong("has a name that no member may have"))?;
        let method = match fixed.method {
            layout::STORED => Method::Stored,
            layout::DEFLATED => Method::Deflated,
            _ => return Err(self.wrong("is stored by an unknown method")),
        };
        let mode = fixed.attributes >> 16;
        let kind = match mode & layout::S_IFMT {
            layout::S_IFREG => Kind::File,
            layout::S_IFDIR => Kind::Directory,
            layout::S_IFLNK => Kind::Symlink,
            _ => return Err(self.wrong("is neither a file nor a directory nor a symlink")),
        };
        if (kind == Kind::Directory) != name.is_directory() {
            return Err(self.wrong("is not what its name says"));
        }
        if method == Method::Stored && len != stored_len {
            return Err(self.wrong("is stored as it is, but with another length"));
        }
        if kind == Kind::Directory && stored_len != 0 {
            return Err(self.wrong("is a directory with content"));
        }
        let mut stat = extra.private.stat;
        stat.mode = mode & 0o7777;
        Ok(Entry {
            name,
            kind,
            method,
            crc32: fixed.crc32,
            len,
            stored_len,
            offset,
            stat,
            sha256: extra.private.sha256,
            settled: extra.private.settled,
            descriptor: fixed.flags & layout::STREAMED != 0,
            zip64_local: extra.private.zip64_local,
        })
    }

    fn check_place(&mut self, entry: &Entry) -> Result<(), FormatError> {
        if !entry.zip64_local && entry.len.max(entry.stored_len) >= u64::from(layout::IN_ZIP64) {
            return Err(self.wrong("is too long for its local header"));
        }
        // Saturated sums lie behind the directory too.
        if entry.end() > self.located.directory.offset {
            return Err(self.wrong("lies outside the object"));
        }
        self.live += entry.local_len();
        if self.live > self.located.directory.offset {
            return Err(self.wrong("shares bytes with another"));
        }
        Ok(())
    }

    fn check_order(&mut self, entry: &Entry) -> Result<(), FormatError> {
        match &self.previous {
            None if entry.name.as_bytes() != FIRST_MEMBER || entry.offset != 0 => {
                return Err(FormatError::NotOurs("it does not begin with holdfast.json"));
            }
            Some((previous, _)) if entry.name <= *previous => return Err(self.wrong("is out of order")),
            // What is below a file follows it directly, so looking back once is enough.
            Some((previous, kind)) if *kind != Kind::Directory && entry.name.is_below(previous) => {
                return Err(self.wrong("lies below a file or a symlink"));
            }
            _ => {}
        }
        self.previous = Some((entry.name.clone(), entry.kind));
        Ok(())
    }
}

impl<R: Read> Iterator for DirectoryReader<R> {
    type Item = Result<Entry, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.read_next().transpose();
        self.failed = !matches!(next, Some(Ok(_)));
        next
    }
}

/// The fixed part of an entry.
struct Fixed {
    signature: u32,
    flags: u16,
    method: u16,
    crc32: u32,
    stored_len: u32,
    len: u32,
    name_len: usize,
    extra_len: usize,
    comment_len: usize,
    disk: u16,
    attributes: u32,
    offset: u32,
}

impl Fixed {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        let signature = bytes.u32()?;
        let _versions = bytes.u32()?;
        let (flags, method) = (bytes.u16()?, bytes.u16()?);
        let _time = bytes.u32()?;
        let (crc32, stored_len, len) = (bytes.u32()?, bytes.u32()?, bytes.u32()?);
        let (name_len, extra_len, comment_len) = (bytes.u16()?, bytes.u16()?, bytes.u16()?);
        let (disk, _internal) = (bytes.u16()?, bytes.u16()?);
        let (attributes, offset) = (bytes.u32()?, bytes.u32()?);
        let [name_len, extra_len, comment_len] = [name_len, extra_len, comment_len].map(usize::from);
        Some(Self {
            signature,
            flags,
            method,
            crc32,
            stored_len,
            len,
            name_len,
            extra_len,
            comment_len,
            disk,
            attributes,
            offset,
        })
    }
}
