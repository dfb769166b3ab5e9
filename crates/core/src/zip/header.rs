//! Headers as bytes: before a member, behind it, and in the central directory.

use super::{
    dos,
    entry::{Entry, Kind, Method},
    error::FormatError,
    extra, layout,
};

/// [`Entry::local_header`].
pub(super) fn local(entry: &Entry) -> Vec<u8> {
    let name = entry.name.as_bytes();
    let mut out = Vec::with_capacity(layout::LOCAL_LEN as usize + name.len() + 32);
    let (crc32, len, stored_len) =
        if entry.descriptor { (0, 0, 0) } else { (entry.crc32, entry.len, entry.stored_len) };
    let short = |value: u64| if entry.zip64_local { layout::IN_ZIP64 } else { value as u32 };
    // Nothing in it depends on where the member lies: a night carries it over as it is.
    let needs = if entry.zip64_local { layout::NEEDS_ZIP64 } else { layout::NEEDS_DEFLATE };
    out.extend(layout::LOCAL.to_le_bytes());
    common(entry, needs, &mut out);
    out.extend(crc32.to_le_bytes());
    out.extend(short(stored_len).to_le_bytes());
    out.extend(short(len).to_le_bytes());
    out.extend((name.len() as u16).to_le_bytes());
    let zip64 = if entry.zip64_local { layout::ZIP64_LOCAL_LEN } else { 0 };
    out.extend(((layout::TIMESTAMP_LEN + zip64) as u16).to_le_bytes());
    out.extend_from_slice(name);
    if entry.zip64_local {
        extra::write_zip64(&[len, stored_len], &mut out);
    }
    extra::write_timestamp(entry.stat.mtime, &mut out);
    out
}

/// [`Entry::data_descriptor`].
pub(super) fn descriptor(entry: &Entry) -> Vec<u8> {
    let mut out = Vec::new();
    if !entry.descriptor {
        return out;
    }
    out.extend(layout::DESCRIPTOR.to_le_bytes());
    out.extend(entry.crc32.to_le_bytes());
    if entry.zip64_local {
        out.extend(entry.stored_len.to_le_bytes());
        out.extend(entry.len.to_le_bytes());
    } else {
        out.extend((entry.stored_len as u32).to_le_bytes());
        out.extend((entry.len as u32).to_le_bytes());
    }
    out
}

/// [`Entry::write_central`].
pub(super) fn central(entry: &Entry, out: &mut Vec<u8>) {
    let name = entry.name.as_bytes();
    let mut zip64 = Vec::new();
    let mut short = |value: u64| match u32::try_from(value) {
        Ok(short) if short != layout::IN_ZIP64 => short,
        _ => {
            zip64.push(value);
            layout::IN_ZIP64
        }
    };
    let (len, stored_len, offset) = (short(entry.len), short(entry.stored_len), short(entry.offset));
    let needs = if entry.zip64_local || !zip64.is_empty() { layout::NEEDS_ZIP64 } else { layout::NEEDS_DEFLATE };
    let mut fields = Vec::with_capacity(128);
    extra::write_zip64(&zip64, &mut fields);
    extra::write_timestamp(entry.stat.mtime, &mut fields);
    extra::write_private(entry, &mut fields);

    out.extend(layout::CENTRAL.to_le_bytes());
    out.extend(layout::MADE_BY.to_le_bytes());
    common(entry, needs, out);
    out.extend(entry.crc32.to_le_bytes());
    out.extend(stored_len.to_le_bytes());
    out.extend(len.to_le_bytes());
    out.extend((name.len() as u16).to_le_bytes());
    out.extend((fields.len() as u16).to_le_bytes());
    out.extend([0; 2]); // no comment
    out.extend([0; 2]); // the first disk
    out.extend([0; 2]); // internal attributes: not said to be text
    out.extend(attributes(entry).to_le_bytes());
    out.extend(offset.to_le_bytes());
    out.extend_from_slice(name);
    out.extend(fields);
}

/// Version needed, flags, method, time and date, which both kinds of header have.
fn common(entry: &Entry, needs: u16, out: &mut Vec<u8>) {
    let mut flags = 0;
    if entry.descriptor {
        flags |= layout::STREAMED;
    }
    let name = entry.name.as_bytes();
    if !name.is_ascii() && std::str::from_utf8(name).is_ok() {
        flags |= layout::UTF8;
    }
    let method = match entry.method {
        Method::Stored => layout::STORED,
        Method::Deflated => layout::DEFLATED,
    };
    let time = dos::from_unix(entry.stat.mtime.seconds);
    out.extend(needs.to_le_bytes());
    out.extend(flags.to_le_bytes());
    out.extend(method.to_le_bytes());
    out.extend((time as u16).to_le_bytes());
    out.extend(((time >> 16) as u16).to_le_bytes());
}

/// The external attributes: `st_mode` in the upper half, as Info-ZIP has it.
fn attributes(entry: &Entry) -> u32 {
    let (kind, dos) = match entry.kind {
        Kind::File => (layout::S_IFREG, 0),
        Kind::Directory => (layout::S_IFDIR, layout::DOS_DIRECTORY),
        Kind::Symlink => (layout::S_IFLNK, 0),
    };
    ((kind | (entry.stat.mode & 0o7777)) << 16) | dos
}

/// Checks that `bytes` begin with the local header that `entry` must have, and answers with the
/// header's length. Everything in it is in the central entry too, so the two agree byte for byte
/// or something else lies here; but its times may be of an earlier night, since a file that was
/// only touched is not sent again.
///
/// # Errors
/// [`FormatError::Local`] when they do not agree or there are too few bytes.
pub fn parse_local_header(bytes: &[u8], entry: &Entry) -> Result<u64, FormatError> {
    const DOS_TIME: std::ops::Range<usize> = 10..14;
    let wrong = |what| FormatError::Local { name: entry.name.to_string_lossy().into_owned(), what };
    let expected = entry.local_header();
    if !bytes.starts_with(&layout::LOCAL.to_le_bytes()) {
        return Err(wrong("is not where the central directory says"));
    }
    let Some(found) = bytes.get(..expected.len()) else { return Err(wrong("is cut off")) };
    let name = layout::LOCAL_LEN as usize..layout::LOCAL_LEN as usize + entry.name.as_bytes().len();
    if found[name.clone()] != expected[name] {
        return Err(wrong("is that of another member"));
    }
    // The extended timestamp comes last, its seconds are its last four bytes.
    let seconds = expected.len() - 4;
    let same = |at: usize| DOS_TIME.contains(&at) || at >= seconds || found[at] == expected[at];
    if !(0..expected.len()).all(same) {
        return Err(wrong("does not agree with the central directory"));
    }
    Ok(expected.len() as u64)
}
