//! Whatever can be written is read as it was written.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn times() -> impl Strategy<Value = Time> {
    let seconds = prop_oneof![any::<i64>(), any::<i32>().prop_map(i64::from), Just(i64::MIN), Just(i64::MAX)];
    (seconds, 0..1_000_000_000_u32).prop_map(|(seconds, nanos)| Time { seconds, nanos })
}

fn stats() -> impl Strategy<Value = Stat> {
    (0..0o10000_u32, any::<u32>(), any::<u32>(), times(), times(), any::<u64>())
        .prop_map(|(mode, uid, gid, mtime, ctime, inode)| Stat { mode, uid, gid, mtime, ctime, inode })
}

/// A tree's names: no member lies below what is not a directory.
fn names() -> impl Strategy<Value = Vec<MemberName>> {
    let component = prop_oneof![
        proptest::collection::vec(prop_oneof![1..=b'.' - 1, b'0'..=255], 1..6),
        "(database|files|backup.json|[a-cü0])".prop_map(String::into_bytes),
    ];
    let path = proptest::collection::vec(component, 1..4).prop_map(|parts| parts.join(&b'/'));
    proptest::collection::vec((path, any::<bool>()), 0..12).prop_map(|paths| {
        let mut names: BTreeMap<MemberName, ()> = BTreeMap::new();
        for (mut path, directory) in paths {
            if directory {
                path.push(b'/');
            }
            let Ok(name) = MemberName::parse(path) else { continue };
            let clash = |other: &MemberName| {
                name.is_below(other) && !other.is_directory() || other.is_below(&name) && !name.is_directory()
            };
            if name.as_bytes() != FIRST_MEMBER && !names.keys().any(clash) {
                names.insert(name, ());
            }
        }
        names.into_keys().filter(|name| !name.as_bytes().starts_with(FIRST_MEMBER)).collect()
    })
}

fn member(name: MemberName) -> impl Strategy<Value = Member> {
    let directory = name.is_directory();
    let kind = if directory {
        Just(Kind::Directory).boxed()
    } else {
        prop_oneof![Just(Kind::File), Just(Kind::Symlink)].boxed()
    };
    let content = proptest::collection::vec(any::<u8>(), if directory { 0..1 } else { 0..300 });
    (kind, content, stats(), any::<[bool; 3]>()).prop_map(
        move |(kind, content, stat, [deflated, descriptor, zip64])| {
            let method = if deflated && kind == Kind::File { Method::Deflated } else { Method::Stored };
            Member { name: name.clone(), kind, content, stat, method, descriptor, zip64_local: zip64 }
        },
    )
}

fn members() -> impl Strategy<Value = Vec<Member>> {
    names().prop_flat_map(|names| names.into_iter().map(member).collect::<Vec<_>>()).prop_map(|members| {
        let mut all = vec![first()];
        all.extend(members);
        all
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(members in members(), settled in any::<bool>(), comment in proptest::collection::vec(any::<u8>(), 0..40)) {
        let mut object = Vec::new();
        let mut entries: Vec<_> = members.iter().map(|member| member.append(&mut object)).collect();
        entries.iter_mut().for_each(|entry| entry.settled = settled);
        finish(&mut object, &entries);
        let at = object.len() - 2;
        object.splice(at.., (comment.len() as u16).to_le_bytes().into_iter().chain(comment.iter().copied()));
        let (located, found) = read(&object).expect("a backup");
        prop_assert_eq!(located.entries, members.len() as u64);
        prop_assert_eq!(&found, &entries);
        for ((entry, written), member) in found.iter().zip(&entries).zip(&members) {
            prop_assert_eq!(entry.name.as_bytes(), written.name.as_bytes());
            prop_assert_eq!(content(&object, entry), member.content.clone());
        }
    }
}

#[test]
fn a_later_minor_version_is_read_and_a_later_major_one_is_not() {
    let member = first();
    let mut object = Vec::new();
    let entry = member.append(&mut object);
    let offset = object.len();
    entry.write_central(&mut object);
    let extras = offset + 46 + FIRST_MEMBER.len();
    let private = extras + 9;
    assert_eq!(object[private..private + 6], [b'H', b'F', 74, 0, 0x10, 0]);
    // Three bytes more in the private field, and a flag that need not be understood.
    let close = |mut object: Vec<u8>| {
        let directory = Extent { offset: offset as u64, len: (object.len() - offset) as u64 };
        object.extend(end_of_directory(directory, 1, b""));
        object
    };
    let mut later = object.clone();
    later[private + 2] += 3;
    later[offset + 30] += 3;
    later[private + 4] = 0x11;
    later[private + 5] = 0x10;
    later.extend([1, 2, 3]);
    assert_eq!(read(&close(later)).expect("a backup").1, [entry]);
    for (at, value) in [(4, 0x20), (4, 0x00), (5, 0x04), (5, 0x08)] {
        let mut strange = object.clone();
        strange[private + at] = value;
        assert!(matches!(read(&close(strange)), Err(FormatError::NotOurs(_))));
    }
    // A zip of somebody else's.
    let mut strange = object.clone();
    strange[private] = b'X';
    assert!(matches!(read(&close(strange)), Err(FormatError::NotOurs(_))));
}

#[test]
fn a_touched_member_keeps_its_old_header_and_no_other_byte_may_differ() {
    let mut object = Vec::new();
    let mut entry = Member::file("files/a", "content").append(&mut object);
    entry.stat.mtime.seconds += 86_400;
    assert_eq!(parse_local_header(&object, &entry).expect("the header"), entry.data_offset());
    let times = [10..14, 42..46];
    for at in 0..entry.data_offset() as usize {
        object[at] ^= 1;
        let tolerated = times.iter().any(|range| range.contains(&at));
        assert_eq!(parse_local_header(&object, &entry).is_ok(), tolerated, "byte {at}");
        object[at] ^= 1;
        assert!(parse_local_header(&object[..at], &entry).is_err());
    }
}

#[test]
fn the_tail_says_how_much_more_is_needed() {
    let object = write(&[first(), Member::file("files/a", "a")]);
    let len = object.len() as u64;
    assert!(matches!(locate(&object[object.len() - 10..], len), Err(FormatError::NeedMore(all)) if all == len));
    assert!(locate(&object[object.len() - 22..], len).is_ok());
    let long = 5_000_000_000_u64;
    let directory = Extent { offset: long, len: 100 };
    let end = end_of_directory(directory, 1, b"");
    let len = directory.end() + end.len() as u64;
    assert!(matches!(locate(&end[98 - 22..], len), Err(FormatError::NeedMore(98))));
    assert!(matches!(locate(&end[98 - 4..], len), Err(FormatError::NeedMore(TAIL_LEN))));
    assert_eq!(locate(&end, len).expect("located"), Located { directory, entries: 1 });
}
