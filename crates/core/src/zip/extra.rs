//! Extra fields: the extended timestamp, zip64, and ours.
//!
//! Ours is in the central directory only, `docs/backup-format.md` has it byte by byte.

use super::{
    entry::{Entry, Stat, Time},
    error::FormatError,
    layout,
};

/// The zip64 extended information (APPNOTE 4.5.3).
const ZIP64: u16 = 0x0001;
/// The extended timestamp of Info-ZIP (extrafld.txt).
const TIMESTAMP: u16 = 0x5455;
/// Ours: the letters `HF`. In neither list of known fields: APPNOTE 4.5.2 and 4.6.1, extrafld.txt.
const PRIVATE: u16 = 0x4648;

/// The version that is written. Another major version (the high half) is not read; a later minor
/// one has more bytes behind those that we know.
const VERSION: u8 = 0x10;
/// Bytes of the private field in version 1.0.
const PRIVATE_LEN: usize = 74;

/// The content had been changed shortly before it was read.
const UNSETTLED: u8 = 1;
/// The local header has a zip64 field, so it is 20 bytes longer.
const ZIP64_LOCAL: u8 = 1 << 1;
/// The flags that a reader must understand: the lower half. Bits 2 and 3 are kept for encryption.
const CRITICAL: u8 = 0x0f;

/// The mtime, in every header: seconds in 32 signed bits.
pub(super) fn write_timestamp(mtime: Time, out: &mut Vec<u8>) {
    out.extend(TIMESTAMP.to_le_bytes());
    out.extend(5_u16.to_le_bytes());
    out.push(1); // only the mtime follows
    let seconds = mtime.seconds.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32;
    out.extend(seconds.to_le_bytes());
}

/// Those lengths and offsets that did not fit into 32 bits, in the format's order.
pub(super) fn write_zip64(values: &[u64], out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    out.extend(ZIP64.to_le_bytes());
    out.extend((8 * values.len() as u16).to_le_bytes());
    for value in values {
        out.extend(value.to_le_bytes());
    }
}

/// What only our own reader knows.
pub(super) fn write_private(entry: &Entry, out: &mut Vec<u8>) {
    let Stat { mtime, ctime, inode, uid, gid, .. } = entry.stat;
    let mut flags = 0;
    if !entry.settled {
        flags |= UNSETTLED;
    }
    if entry.zip64_local {
        flags |= ZIP64_LOCAL;
    }
    out.extend(PRIVATE.to_le_bytes());
    out.extend((PRIVATE_LEN as u16).to_le_bytes());
    out.extend([VERSION, flags]);
    out.extend(mtime.nanos.to_le_bytes());
    out.extend(mtime.seconds.to_le_bytes());
    out.extend(ctime.nanos.to_le_bytes());
    out.extend(ctime.seconds.to_le_bytes());
    out.extend(inode.to_le_bytes());
    out.extend(uid.to_le_bytes());
    out.extend(gid.to_le_bytes());
    out.extend(entry.sha256);
}

/// The private field, read.
pub(super) struct Private {
    pub(super) stat: Stat,
    pub(super) sha256: [u8; 32],
    pub(super) settled: bool,
    pub(super) zip64_local: bool,
}

/// The extra fields of a central entry that matter here.
pub(super) struct Extra<'a> {
    zip64: Option<&'a [u8]>,
    pub(super) private: Private,
}

impl<'a> Extra<'a> {
    /// Reads a central entry's extra fields. Those that are not known are skipped.
    ///
    /// # Errors
    /// When they do not fill their place exactly, one is there twice, or ours is not as it should be.
    pub(super) fn parse(mut bytes: &'a [u8], entry: u64) -> Result<Self, FormatError> {
        let wrong = |what| FormatError::Directory { entry, what };
        let (mut zip64, mut private) = (None, None);
        while let Some((header, rest)) = bytes.split_first_chunk::<4>() {
            let [id0, id1, len0, len1] = *header;
            let len = usize::from(u16::from_le_bytes([len0, len1]));
            let (field, rest) =
                rest.split_at_checked(len).ok_or(wrong("has an extra field that is longer than its place"))?;
            bytes = rest;
            let slot = match u16::from_le_bytes([id0, id1]) {
                ZIP64 => &mut zip64,
                PRIVATE => &mut private,
                _ => continue,
            };
            if slot.replace(field).is_some() {
                return Err(wrong("has an extra field twice"));
            }
        }
        if !bytes.is_empty() {
            return Err(wrong("has extra fields that end in the middle of one"));
        }
        let private = private.ok_or(FormatError::NotOurs("a member has no field of Holdfast's"))?;
        Ok(Self { zip64, private: parse_private(private, entry)? })
    }

    /// The next value of the zip64 field, when `short` says that it is there.
    pub(super) fn widen(&mut self, short: u32, entry: u64) -> Result<u64, FormatError> {
        if short != layout::IN_ZIP64 {
            return Ok(u64::from(short));
        }
        let (value, rest) = self
            .zip64
            .and_then(|bytes| bytes.split_first_chunk::<8>())
            .ok_or(FormatError::Directory { entry, what: "lacks a 64-bit length or offset" })?;
        self.zip64 = Some(rest);
        Ok(u64::from_le_bytes(*value))
    }
}

fn parse_private(bytes: &[u8], entry: u64) -> Result<Private, FormatError> {
    let wrong = |what| FormatError::Directory { entry, what };
    let mut bytes = Bytes(bytes);
    let too_short = wrong("has too short a field of Holdfast's");
    let Some([version, flags]) = bytes.take() else { return Err(too_short) };
    if version >> 4 != VERSION >> 4 {
        return Err(FormatError::NotOurs("a later version wrote it; update Holdfast"));
    }
    if flags & CRITICAL & !(UNSETTLED | ZIP64_LOCAL) != 0 {
        return Err(FormatError::NotOurs("a member is written in a way of later versions; update Holdfast"));
    }
    let fields = (|| {
        let mtime = time(&mut bytes)?;
        let ctime = time(&mut bytes)?;
        let inode = u64::from_le_bytes(bytes.take()?);
        let uid = u32::from_le_bytes(bytes.take()?);
        let gid = u32::from_le_bytes(bytes.take()?);
        Some((Stat { mode: 0, uid, gid, mtime, ctime, inode }, bytes.take()?))
    })();
    let (stat, sha256) = fields.ok_or(too_short)?;
    if stat.mtime.nanos >= 1_000_000_000 || stat.ctime.nanos >= 1_000_000_000 {
        return Err(wrong("has a time with too many nanoseconds"));
    }
    Ok(Private { stat, sha256, settled: flags & UNSETTLED == 0, zip64_local: flags & ZIP64_LOCAL != 0 })
}

fn time(bytes: &mut Bytes<'_>) -> Option<Time> {
    let nanos = u32::from_le_bytes(bytes.take()?);
    Some(Time { seconds: i64::from_le_bytes(bytes.take()?), nanos })
}

/// Bytes taken from the front.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl Bytes<'_> {
    pub(super) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}
