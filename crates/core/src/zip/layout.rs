//! Numbers of the format, as
//! [APPNOTE](https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT) has them.

/// Begins a local header (4.3.7).
pub(super) const LOCAL: u32 = 0x0403_4b50;
/// Begins a data descriptor (4.3.9).
pub(super) const DESCRIPTOR: u32 = 0x0807_4b50;
/// Begins an entry of the central directory (4.3.12).
pub(super) const CENTRAL: u32 = 0x0201_4b50;
/// Begins the zip64 end record (4.3.14).
pub(super) const END64: u32 = 0x0606_4b50;
/// Begins the zip64 locator (4.3.15).
pub(super) const LOCATOR: u32 = 0x0706_4b50;
/// Begins the end record (4.3.16).
pub(super) const END: u32 = 0x0605_4b50;

/// A local header without name and extra fields.
pub(super) const LOCAL_LEN: u64 = 30;
/// An entry of the central directory without name, extra fields and comment.
pub(super) const CENTRAL_LEN: usize = 46;
/// A data descriptor with its signature.
pub(super) const DESCRIPTOR_LEN: u64 = 16;
/// The same with 64-bit lengths.
pub(super) const DESCRIPTOR_ZIP64_LEN: u64 = 24;
/// The end record without its comment.
pub(super) const END_LEN: usize = 22;
/// The zip64 end record; its extensible data is never there.
pub(super) const END64_LEN: usize = 56;
/// The zip64 locator.
pub(super) const LOCATOR_LEN: usize = 20;

/// The extra field of an extended timestamp with one time in it, with its header.
pub(super) const TIMESTAMP_LEN: u64 = 9;
/// The zip64 extra field of a local header, with its header: both lengths, always.
pub(super) const ZIP64_LOCAL_LEN: u64 = 20;

/// Made on UNIX, by version 4.5 of the specification (4.4.2).
pub(super) const MADE_BY: u16 = (3 << 8) | 45;
/// To read it, zip64 must be known (4.4.3.2).
pub(super) const NEEDS_ZIP64: u16 = 45;
/// To read it, deflate and directories must be known.
pub(super) const NEEDS_DEFLATE: u16 = 20;

/// General purpose bits (4.4.4): encrypted, lengths follow the data, the name is UTF-8.
pub(super) const ENCRYPTED: u16 = 1;
/// See [`ENCRYPTED`].
pub(super) const STREAMED: u16 = 1 << 3;
/// See [`ENCRYPTED`].
pub(super) const UTF8: u16 = 1 << 11;

/// Methods (4.4.5).
pub(super) const STORED: u16 = 0;
/// See [`STORED`].
pub(super) const DEFLATED: u16 = 8;

/// "Look into the zip64 field".
pub(super) const IN_ZIP64: u32 = 0xffff_ffff;
/// "Look into the zip64 end record", for the number of entries.
pub(super) const IN_ZIP64_COUNT: u16 = 0xffff;

/// `S_IFMT` and the types that a member can have, in the upper half of the external attributes.
pub(super) const S_IFMT: u32 = 0o170_000;
/// See [`S_IFMT`].
pub(super) const S_IFDIR: u32 = 0o040_000;
/// See [`S_IFMT`].
pub(super) const S_IFREG: u32 = 0o100_000;
/// See [`S_IFMT`].
pub(super) const S_IFLNK: u32 = 0o120_000;
/// MS-DOS's mark of a directory, in the lowest byte of the external attributes.
pub(super) const DOS_DIRECTORY: u32 = 0x10;
