//! Objects that somebody made to harm: errors, never panics, never a lie.

use proptest::prelude::*;

use super::*;

fn sample() -> Vec<u8> {
    write(&[
        first(),
        Member::file("database/1.sql", "SELECT 1;"),
        Member { kind: Kind::Directory, method: Method::Stored, ..Member::file("files/", "") },
        Member { descriptor: true, zip64_local: true, ..Member::file("files/a", "a".repeat(50)) },
    ])
}

/// An object with these entries in its directory, whatever they say; 1,000 bytes before it.
fn with(entries: &[Entry]) -> Result<Vec<Entry>, FormatError> {
    let mut object = vec![0; 1000];
    finish(&mut object, entries);
    read(&object).map(|(_, entries)| entries)
}

fn what(result: Result<Vec<Entry>, FormatError>) -> String {
    result.expect_err("refused").to_string()
}

#[test]
fn entries_that_no_honest_writer_makes_are_refused() {
    let (start, _) = first().entry(0);
    let (good, _) = Member::file("files/a", "a").entry(100);
    assert_eq!(with(&[start.clone(), good.clone()]).expect("fine").len(), 2);

    let refused = |entry: Entry, part: &str| {
        let text = what(with(&[start.clone(), entry]));
        assert!(text.contains(part), "{text}");
    };
    refused(Entry { offset: 990, ..good.clone() }, "outside the object");
    refused(Entry { offset: u64::MAX, ..good.clone() }, "outside the object");
    refused(Entry { offset: u64::MAX - 40, ..good.clone() }, "outside the object");
    refused(Entry { stored_len: u64::MAX, zip64_local: true, ..good.clone() }, "outside the object");
    refused(Entry { stored_len: u64::MAX - 3, len: 1, ..good.clone() }, "too long for its local header");
    refused(Entry { stored_len: 900, offset: 2, ..good.clone() }, "shares bytes");
    refused(Entry { method: Method::Stored, len: 5, ..good.clone() }, "another length");
    refused(Entry { kind: Kind::Directory, ..good.clone() }, "what its name says");
    let directory = MemberName::parse("files/").expect("a name");
    refused(Entry { kind: Kind::File, name: directory.clone(), ..good.clone() }, "what its name says");
    refused(Entry { kind: Kind::Directory, name: directory, ..good.clone() }, "directory with content");
    let mut late = good.clone();
    late.stat.mtime.nanos = 1_000_000_000;
    refused(late, "nanoseconds");
    refused(start.clone(), "out of order");

    let named = |name: &str| Entry { name: MemberName::parse(name).expect("a name"), ..good.clone() };
    let link = Entry { kind: Kind::Symlink, ..named("files/b") };
    for below in ["files/b/c", "files/b/c/d"] {
        let text = what(with(&[start.clone(), link.clone(), named(below)]));
        assert!(text.contains("below a file or a symlink"), "{text}");
    }
    assert!(what(with(&[start.clone(), named("files/b"), named("files/a")])).contains("out of order"));
    let (twin, _) = Member { kind: Kind::Directory, method: Method::Stored, ..Member::file("files/b/", "") }.entry(300);
    assert!(what(with(&[start.clone(), named("files/b"), twin])).contains("out of order"));
    assert!(what(with(std::slice::from_ref(&good))).contains("holdfast.json"));
    assert!(what(with(&[Entry { offset: 1, ..start.clone() }])).contains("holdfast.json"));
    assert!(what(with(&[])).contains("no members"));
    assert!(carry::disjoint(vec![good.extent(), Entry { offset: 101, ..good.clone() }.extent()]).is_err());
    assert!(carry::disjoint(vec![good.extent(), start.extent()]).is_ok());
}

#[test]
fn bytes_that_no_honest_writer_makes_are_refused() {
    let object = sample();
    let (located, _) = read(&object).expect("a backup");
    let directory = located.directory.offset as usize;
    let end = located.directory.end() as usize;
    let mut cases = Vec::new();
    let mut change = |why: &'static str, at: usize, bytes: &[u8]| {
        let mut object = object.clone();
        object[at..at + bytes.len()].copy_from_slice(bytes);
        cases.push((why, object));
    };
    change("signature", directory, &[0]);
    change("encrypted", directory + 8, &[1]);
    change("bzip2", directory + 10, &[12]);
    change("another disk", directory + 34, &[1]);
    change("a fifo", directory + 41, &[0o010 << 1]);
    change("a longer name than there is", directory + 28, &[0xff, 0xff]);
    change("extra fields beyond their place", directory + 46 + 13 + 2, &[0xff]);
    change("absolute name", directory + 46, b"/");
    change("fewer entries announced", end + 8, &[3, 0, 3, 0]);
    change("more entries announced", end + 8, &[5, 0, 5, 0]);
    change("absurdly many entries", end + 8, &[0xfe, 0xff, 0xfe, 0xff]);
    change("zip64 that is not there", end + 8, &[0xff, 0xff, 0xff, 0xff]);
    change("two disks", end + 4, &[1, 0]);
    change("a longer directory", end + 12, &[0xff, 0xff]);
    change("an earlier directory", end + 16, &[1, 0]);
    for (why, object) in &cases {
        assert!(read(object).is_err(), "{why}");
    }
    for len in 0..object.len() {
        assert!(read(&object[..len]).is_err(), "cut to {len}");
    }
    assert!(locate(&object, object.len() as u64 - 1).is_err());
}

/// Counts the bytes that are asked of it.
struct Endless(u64);

impl std::io::Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0 += buffer.len() as u64;
        buffer.fill(b'x');
        Ok(buffer.len())
    }
}

#[test]
fn an_absurd_directory_is_left_at_its_first_lie() {
    let directory = Extent { offset: 1 << 40, len: 1 << 50 };
    let mut source = Endless(0);
    let mut entries = DirectoryReader::new(&mut source, Located { directory, entries: u64::MAX });
    assert!(entries.next().expect("an error").is_err());
    assert!(entries.next().is_none());
    assert!(source.0 < 100);
}

proptest! {
    #[test]
    fn no_change_of_bytes_makes_it_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        from_end in any::<bool>(),
    ) {
        let mut object = sample();
        let len = object.len();
        let directory = read(&object).expect("a backup").0.directory.offset as usize;
        for (index, byte) in changes {
            let at = if from_end { directory + index.index(len - directory) } else { index.index(len) };
            object[at] = byte;
        }
        if let Ok((located, entries)) = read(&object) {
            for entry in entries {
                prop_assert!(entry.end() <= located.directory.offset);
                let _ = parse_local_header(&object[entry.offset as usize..], &entry);
                let mut again = Vec::new();
                entry.write_central(&mut again);
            }
        }
    }

    #[test]
    fn noise_with_an_end_record_does_not_make_it_panic(
        noise in proptest::collection::vec(any::<u8>(), 0..300),
        offset in any::<u64>(), len in any::<u64>(), entries in any::<u64>(), object_len in any::<u64>(),
    ) {
        let mut tail = noise;
        tail.extend(end_of_directory(Extent { offset, len }, entries, b"PK\x05\x06"));
        if let Ok(located) = locate(&tail, object_len) {
            prop_assert!(located.directory.end() <= object_len);
            for entry in DirectoryReader::new(&tail[..], located) {
                let _ = entry;
            }
        }
        for private in [Vec::new(), tail.clone()] {
            let _ = locate(&private, object_len);
        }
    }
}
