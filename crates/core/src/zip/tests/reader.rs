//! What an independent reader makes of our bytes.

use std::{
    collections::BTreeMap,
    io::{self, Cursor, Read, Seek, SeekFrom},
};

use ::zip::ZipArchive;

use super::*;

/// An object of which only some bytes are not zero, so that it may be larger than memory.
struct Sparse {
    pieces: BTreeMap<u64, Vec<u8>>,
    len: u64,
    at: u64,
}

impl Read for Sparse {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.len.saturating_sub(self.at).min(buffer.len() as u64) as usize;
        let buffer = &mut buffer[..left];
        buffer.fill(0);
        for (&offset, piece) in self.pieces.range(..self.at + left as u64) {
            let (from, to) = (offset.max(self.at), (offset + piece.len() as u64).min(self.at + left as u64));
            if from < to {
                let source = &piece[(from - offset) as usize..(to - offset) as usize];
                buffer[(from - self.at) as usize..(to - self.at) as usize].copy_from_slice(source);
            }
        }
        self.at += left as u64;
        Ok(left)
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(back) => self.len.checked_add_signed(back).expect("inside"),
            SeekFrom::Current(by) => self.at.checked_add_signed(by).expect("inside"),
        };
        Ok(self.at)
    }
}

/// Puts members of the given lengths and places into an object, and the directory behind them.
fn sparse(entries: &[Entry]) -> (Sparse, Extent) {
    let mut pieces = BTreeMap::new();
    let mut directory = Vec::new();
    let mut offset = 0;
    for entry in entries {
        pieces.insert(entry.offset, entry.local_header());
        pieces.insert(entry.data().end(), entry.data_descriptor());
        entry.write_central(&mut directory);
        offset = offset.max(entry.end());
    }
    let extent = Extent { offset, len: directory.len() as u64 };
    directory.extend(end_of_directory(extent, entries.len() as u64, b""));
    let len = offset + directory.len() as u64;
    pieces.insert(offset, directory);
    (Sparse { pieces, len, at: 0 }, extent)
}

/// Our own reading of the same object.
fn read_sparse(object: &mut Sparse) -> Vec<Entry> {
    let tail = TAIL_LEN.min(object.len);
    object.seek(SeekFrom::End(-(tail as i64))).expect("seek");
    let mut bytes = Vec::new();
    object.read_to_end(&mut bytes).expect("read");
    let located = locate(&bytes, object.len).expect("located");
    object.seek(SeekFrom::Start(located.directory.offset)).expect("seek");
    DirectoryReader::new(object, located).collect::<Result<_, _>>().expect("a directory")
}

#[test]
fn another_reader_sees_names_modes_and_content() {
    let members = [
        first(),
        Member { descriptor: true, ..Member::file("database/1.sql", "SELECT 1;".repeat(1000)) },
        Member {
            kind: Kind::Directory,
            method: Method::Stored,
            stat: Stat { mode: 0o2755, ..Stat::default() },
            ..Member::file("files/", "")
        },
        Member { zip64_local: true, ..Member::file("files/a\\b", "back") },
        Member {
            kind: Kind::Symlink,
            method: Method::Stored,
            stat: Stat { mode: 0o777, ..Stat::default() },
            ..Member::file("files/link", "../elsewhere")
        },
        Member { descriptor: true, zip64_local: true, ..Member::file("files/ü", "x".repeat(100_000)) },
        Member { method: Method::Stored, ..Member::file(b"files/\xff\xfe", "raw") },
        Member::file(LAST_MEMBER, "{}"),
    ];
    let object = write(&members);
    let mut archive = ZipArchive::new(Cursor::new(&object)).expect("a zip");
    assert_eq!(archive.len(), members.len());
    for (index, member) in members.iter().enumerate() {
        let mut file = archive.by_index(index).expect("a member");
        assert_eq!(file.name_raw(), member.name.as_bytes());
        let kind = match member.kind {
            Kind::File => 0o100_000,
            Kind::Directory => 0o040_000,
            Kind::Symlink => 0o120_000,
        };
        // This reader hides the setuid, setgid and sticky bits.
        assert_eq!(file.unix_mode(), Some(kind | (member.stat.mode & 0o777)));
        assert_eq!(file.is_dir(), member.kind == Kind::Directory);
        let mut found = Vec::new();
        file.read_to_end(&mut found).expect("content with the right CRC");
        assert_eq!(found, member.content);
    }
    assert_eq!(archive.by_index(5).expect("a member").name().expect("UTF-8"), "files/ü");
}

#[test]
fn small_archives_have_nothing_of_zip64() {
    let object = write(&[first(), Member::file("files/a", "a")]);
    for signature in [super::layout::END64, super::layout::LOCATOR] {
        assert!(!object.windows(4).any(|four| four == signature.to_le_bytes()));
    }
    assert_eq!(first().entry(0).0.local_header().len(), 30 + FIRST_MEMBER.len() + 9);
}

#[test]
fn offsets_and_lengths_around_four_gib_are_read_alike() {
    const LIMIT: u64 = 0xffff_ffff;
    for around in LIMIT - 2..=LIMIT + 2 {
        for (length, descriptor) in [(LIMIT - 1, false), (LIMIT, false), (LIMIT + 1, true), (3 * LIMIT, true)] {
            let (start, _) = first().entry(0);
            let at = Member { method: Method::Stored, ..Member::file("files/at", "here") }.entry(around).0;
            let mut long = Member::file("files/long", "").entry(at.end()).0;
            (long.len, long.stored_len, long.descriptor) = (length * 2, length, descriptor);
            long.zip64_local = true;
            let last = Member::file("files/z", "end").entry(long.end()).0;
            let entries = [start, at, long, last];
            let (mut object, directory) = sparse(&entries);
            assert_eq!(read_sparse(&mut object), entries);
            let mut archive = ZipArchive::new(object).expect("a zip");
            assert_eq!(archive.central_directory_start(), directory.offset);
            for (index, entry) in entries.iter().enumerate() {
                let file = archive.by_index_raw(index).expect("a member");
                assert_eq!(
                    (file.header_start(), file.compressed_size(), file.size()),
                    (entry.offset, entry.stored_len, entry.len),
                );
                assert_eq!(file.data_start(), Some(entry.data_offset()));
            }
        }
    }
}

#[test]
fn the_directory_itself_may_lie_around_four_gib() {
    for offset in 0xffff_fffd..=0x1_0000_0001_u64 {
        let (start, _) = first().entry(0);
        let mut gap = Member { method: Method::Stored, ..Member::file("files/gap", "") }.entry(start.end()).0;
        gap.stored_len = offset - gap.data_offset();
        gap.len = gap.stored_len;
        let (mut object, directory) = sparse(&[start, gap]);
        assert_eq!(directory.offset, offset);
        let zip64 = object.len - directory.end() > 22;
        assert_eq!(zip64, offset >= 0xffff_ffff);
        assert_eq!(read_sparse(&mut object).len(), 2);
        assert_eq!(ZipArchive::new(object).expect("a zip").len(), 2);
    }
}

#[test]
fn as_many_members_as_sixteen_bits_and_more() {
    for count in [65_534, 65_535, 65_536, 70_000] {
        let mut members = vec![first()];
        members
            .extend((1..count).map(|n| Member { method: Method::Stored, ..Member::file(format!("files/{n:06}"), "") }));
        let object = write(&members);
        let zip64 = object.windows(4).any(|four| four == super::layout::END64.to_le_bytes());
        assert_eq!(zip64, count > 65_534);
        assert_eq!(read(&object).expect("a backup").1.len(), count);
        assert_eq!(ZipArchive::new(Cursor::new(&object)).expect("a zip").len(), count);
    }
}
