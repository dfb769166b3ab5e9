//! The end of the object: where its central directory lies.

use super::{
    error::FormatError,
    extra::Bytes,
    layout::{self, END_LEN, END64_LEN, LOCATOR_LEN},
};
use crate::plan::Extent;

/// How many of an object's last bytes to ask for first: the end records are always in them, and a
/// small site's central directory is too.
pub const TAIL_LEN: u64 = (1 << 16) + (END_LEN + LOCATOR_LEN + END64_LEN) as u64;

/// A central directory, found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Located {
    /// Where it lies in the object. It lies directly in front of the end records.
    pub directory: Extent,
    /// How many entries it has.
    pub entries: u64,
}

/// The records behind a central directory: those of zip64 only when they are required.
/// `comment` is cut at 65,535 bytes.
#[must_use]
pub fn end_of_directory(directory: Extent, entries: u64, comment: &[u8]) -> Vec<u8> {
    let limit = u64::from(layout::IN_ZIP64);
    let mut out = Vec::new();
    if entries >= u64::from(layout::IN_ZIP64_COUNT) || directory.len >= limit || directory.offset >= limit {
        out.extend(layout::END64.to_le_bytes());
        out.extend((END64_LEN as u64 - 12).to_le_bytes()); // without the signature and this field
        out.extend(layout::MADE_BY.to_le_bytes());
        out.extend(layout::NEEDS_ZIP64.to_le_bytes());
        out.extend([0; 8]); // this disk, and that of the directory
        out.extend(entries.to_le_bytes()); // on this disk
        out.extend(entries.to_le_bytes());
        out.extend(directory.len.to_le_bytes());
        out.extend(directory.offset.to_le_bytes());
        out.extend(layout::LOCATOR.to_le_bytes());
        out.extend([0; 4]); // the disk
        out.extend(directory.end().to_le_bytes());
        out.extend(1_u32.to_le_bytes()); // disks in all
    }
    let count = u16::try_from(entries).unwrap_or(layout::IN_ZIP64_COUNT);
    let short = |value: u64| u32::try_from(value).unwrap_or(layout::IN_ZIP64);
    let comment = &comment[..comment.len().min(0xffff)];
    out.extend(layout::END.to_le_bytes());
    out.extend([0; 4]); // this disk, and that of the directory
    out.extend(count.to_le_bytes()); // on this disk
    out.extend(count.to_le_bytes());
    out.extend(short(directory.len).to_le_bytes());
    out.extend(short(directory.offset).to_le_bytes());
    out.extend((comment.len() as u16).to_le_bytes());
    out.extend_from_slice(comment);
    out
}

/// Finds the central directory. `tail` is the object's last bytes, [`TAIL_LEN`] of them or the
/// whole object.
///
/// # Errors
/// [`FormatError::NeedMore`] when the tail is too short, [`FormatError::NotAZip`] when the object
/// does not end as a zip does.
pub fn locate(tail: &[u8], object_len: u64) -> Result<Located, FormatError> {
    let tail_len = tail.len() as u64;
    if tail_len > object_len {
        return Err(FormatError::NotAZip("it is shorter than its last bytes"));
    }
    let Some(at) = end_record(tail) else {
        let enough = TAIL_LEN.min(object_len);
        return Err(if tail_len < enough {
            FormatError::NeedMore(enough)
        } else {
            FormatError::NotAZip("it does not end with an end record; it is cut off, or no zip at all")
        });
    };
    // What lies in front of the end record, up to `at`.
    let behind = (tail.len() - at) as u64;
    let damaged = FormatError::NotAZip("its end record is damaged");
    let Some(short) = End::parse(&tail[at..]) else { return Err(damaged) };
    let (located, records) = if short.is_zip64() {
        let needed = behind + (LOCATOR_LEN + END64_LEN) as u64;
        if needed > object_len {
            return Err(FormatError::NotAZip("its zip64 end record is missing"));
        }
        if needed > tail_len {
            return Err(FormatError::NeedMore(needed));
        }
        let record = at - LOCATOR_LEN - END64_LEN;
        (parse_zip64(&tail[record..at], object_len - needed)?, needed)
    } else {
        let directory = Extent { offset: u64::from(short.offset), len: u64::from(short.len) };
        (Located { directory, entries: u64::from(short.entries) }, behind)
    };
    let Extent { offset, len } = located.directory;
    if offset.checked_add(len) != Some(object_len - records) {
        return Err(FormatError::NotAZip("its central directory is not where its end record says"));
    }
    if located.entries > len / layout::CENTRAL_LEN as u64 {
        return Err(FormatError::NotAZip("its central directory is too short for its number of entries"));
    }
    Ok(located)
}

/// Where the end record begins: the last signature whose comment ends with the object.
fn end_record(tail: &[u8]) -> Option<usize> {
    let last = tail.len().checked_sub(END_LEN)?;
    let first = last.saturating_sub(0xffff);
    (first..=last).rev().find(|&at| {
        let record = &tail[at..];
        let comment = usize::from(u16::from_le_bytes([record[20], record[21]]));
        record.starts_with(&layout::END.to_le_bytes()) && record.len() == END_LEN + comment
    })
}

/// What an end record says.
struct End {
    entries: u16,
    len: u32,
    offset: u32,
}

impl End {
    /// `None` when it is of an archive on several disks.
    fn parse(record: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(record.get(4..)?);
        let (disk, directory_disk) = (bytes.u16()?, bytes.u16()?);
        let (here, entries) = (bytes.u16()?, bytes.u16()?);
        let (len, offset) = (bytes.u32()?, bytes.u32()?);
        (disk == 0 && directory_disk == 0 && here == entries).then_some(Self { entries, len, offset })
    }

    fn is_zip64(&self) -> bool {
        self.entries == layout::IN_ZIP64_COUNT || self.len == layout::IN_ZIP64 || self.offset == layout::IN_ZIP64
    }
}

/// Reads the zip64 end record, which begins at `offset` of the object, and the locator behind it.
fn parse_zip64(records: &[u8], offset: u64) -> Result<Located, FormatError> {
    let mut bytes = Bytes(records);
    let fields = (|| {
        let (signature, len) = (bytes.u32()?, bytes.u64()?);
        let _versions: [u8; 4] = bytes.take()?;
        let disks: [u8; 8] = bytes.take()?;
        let (here, entries) = (bytes.u64()?, bytes.u64()?);
        let directory_len = bytes.u64()?;
        let directory = Extent { offset: bytes.u64()?, len: directory_len };
        let (locator, disk) = (bytes.u32()?, bytes.u32()?);
        let (record, disks_in_all) = (bytes.u64()?, bytes.u32()?);
        let right = signature == layout::END64
            && len == END64_LEN as u64 - 12
            && disks == [0; 8]
            && here == entries
            && locator == layout::LOCATOR
            && disk == 0
            && record == offset
            && disks_in_all <= 1;
        right.then_some(Located { directory, entries })
    })();
    fields.ok_or(FormatError::NotAZip("its zip64 end record is damaged"))
}
