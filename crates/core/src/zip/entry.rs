//! A member as its central directory entry tells it.

use super::{header, layout, name::MemberName};
use crate::plan::Extent;

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory: its name ends in `/`, it has no content.
    Directory,
    /// A symbolic link: its content is the target.
    Symlink,
}

/// How a member's content is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// As it is.
    Stored,
    /// Deflated ([RFC 1951](https://www.rfc-editor.org/rfc/rfc1951)).
    Deflated,
}

/// A moment of the file system.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    /// Seconds since 1970 in UTC; negative before.
    pub seconds: i64,
    /// Nanoseconds on top, below 1,000,000,000.
    pub nanos: u32,
}

/// What the file system said of a member when it was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stat {
    /// Permission bits only, `0o7777`.
    pub mode: u32,
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// When the content changed.
    pub mtime: Time,
    /// When the inode changed.
    pub ctime: Time,
    /// The inode's number.
    pub inode: u64,
}

/// A member: all that the central directory has of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path.
    pub name: MemberName,
    /// What it is.
    pub kind: Kind,
    /// How its content is stored.
    pub method: Method,
    /// CRC-32 of the content.
    pub crc32: u32,
    /// Bytes of content.
    pub len: u64,
    /// Bytes of content as stored.
    pub stored_len: u64,
    /// Where its local header begins in the object.
    pub offset: u64,
    /// What the file system said of it.
    pub stat: Stat,
    /// SHA-256 of the content.
    pub sha256: [u8; 32],
    /// It had not been changed for a while when it was read: the same stat means the same content.
    pub settled: bool,
    /// Its CRC and lengths were not known when its local header was written: they follow the data.
    pub descriptor: bool,
    /// Its local header has 64-bit lengths; [`needs_zip64_local`] says when it must.
    pub zip64_local: bool,
}

/// From here on a streamed member's local header has 64-bit lengths. 256 MiB below the limit of
/// 32 bits: incompressible data grows under deflate (five bytes in 16 KiB at the worst), and a log
/// grows while it is read.
const ZIP64_STREAM_LEN: u64 = 0xf000_0000;

/// Whether a member whose length is only expected must have 64-bit lengths in its local header.
/// Once that is written without, neither its content nor its stored bytes may pass 4 GiB - 2.
#[must_use]
pub fn needs_zip64_local(expected_len: u64) -> bool {
    expected_len >= ZIP64_STREAM_LEN
}

impl Entry {
    /// The bytes before the content. With [`Self::descriptor`], CRC and lengths are zero in it;
    /// they need not be known yet.
    #[must_use]
    pub fn local_header(&self) -> Vec<u8> {
        header::local(self)
    }

    /// The bytes behind the content: none unless [`Self::descriptor`].
    #[must_use]
    pub fn data_descriptor(&self) -> Vec<u8> {
        header::descriptor(self)
    }

    /// Appends the entry to a central directory.
    pub fn write_central(&self, out: &mut Vec<u8>) {
        header::central(self, out);
    }

    /// Bytes from the local header's first to the last that belongs to the member.
    #[must_use]
    pub fn local_len(&self) -> u64 {
        let descriptor = match (self.descriptor, self.zip64_local) {
            (false, _) => 0,
            (true, false) => layout::DESCRIPTOR_LEN,
            (true, true) => layout::DESCRIPTOR_ZIP64_LEN,
        };
        self.header_len().saturating_add(self.stored_len).saturating_add(descriptor)
    }

    /// Bytes of the local header.
    fn header_len(&self) -> u64 {
        let zip64 = if self.zip64_local { layout::ZIP64_LOCAL_LEN } else { 0 };
        layout::LOCAL_LEN + self.name.as_bytes().len() as u64 + layout::TIMESTAMP_LEN + zip64
    }

    /// Where its stored bytes begin.
    #[must_use]
    pub fn data_offset(&self) -> u64 {
        self.offset.saturating_add(self.header_len())
    }

    /// The first byte behind it.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(self.local_len())
    }

    /// All of its bytes: header, content, descriptor.
    #[must_use]
    pub fn extent(&self) -> Extent {
        Extent { offset: self.offset, len: self.local_len() }
    }

    /// Its stored bytes.
    #[must_use]
    pub fn data(&self) -> Extent {
        Extent { offset: self.data_offset(), len: self.stored_len }
    }
}
