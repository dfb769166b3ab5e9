//! Night after night: the object that a night makes out of the last one holds the tree, no more
//! and no less, whatever happened to the tree and however it was carried over.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Cursor,
};

use proptest::prelude::*;

use super::{
    carry::{Carry, Limits, disjoint},
    *,
};

type Tree = BTreeMap<MemberName, Member>;

/// What becomes of the tree before a night.
#[derive(Debug, Clone)]
enum Change {
    /// A file is there with this content; if it was there before, it is another now.
    Put { name: u8, seed: u8, len: usize, how: [bool; 3] },
    /// It is there no more.
    Delete { name: u8 },
    /// Something is written to its end.
    Grow { name: u8, len: usize },
    /// The content stays, times and mode change.
    Touch { name: u8 },
    /// It has the other's content and is gone there.
    Rename { from: u8, to: u8 },
}

/// How a night builds on the one before it.
#[derive(Debug, Clone, Copy)]
enum Way {
    Full,
    Whole,
    Compacted,
    WithoutDead,
}

fn changes() -> impl Strategy<Value = Change> {
    let name = 0..20_u8;
    prop_oneof![
        4 => (name.clone(), any::<u8>(), 0..400_usize, any::<[bool; 3]>())
            .prop_map(|(name, seed, len, how)| Change::Put { name, seed, len, how }),
        2 => name.clone().prop_map(|name| Change::Delete { name }),
        1 => (name.clone(), 1..100_usize).prop_map(|(name, len)| Change::Grow { name, len }),
        1 => name.clone().prop_map(|name| Change::Touch { name }),
        1 => (name.clone(), name).prop_map(|(from, to)| Change::Rename { from, to }),
    ]
}

fn nights() -> impl Strategy<Value = Vec<(Vec<Change>, Way)>> {
    let way = prop_oneof![
        1 => Just(Way::Full),
        4 => Just(Way::Whole),
        3 => Just(Way::Compacted),
        1 => Just(Way::WithoutDead),
    ];
    proptest::collection::vec((proptest::collection::vec(changes(), 0..8), way), 1..9)
}

fn name(number: u8) -> MemberName {
    let area = if number < 5 { "database" } else { "files" };
    MemberName::parse(format!("{area}/{number:02}")).expect("a name")
}

/// Bytes that deflate cannot shorten, so that lengths are as planned.
fn noise(seed: u8, len: usize) -> Vec<u8> {
    let mut random = crate::retry::Jitter::new(u64::from(seed));
    (0..len).map(|_| random.up_to(255) as u8).collect()
}

fn apply(tree: &mut Tree, change: &Change) {
    match *change {
        Change::Put { name: number, seed, len, how: [deflated, descriptor, zip64_local] } => {
            let method = if deflated { Method::Deflated } else { Method::Stored };
            let file = Member::file(name(number).as_bytes(), noise(seed, len));
            tree.insert(name(number), Member { method, descriptor, zip64_local, ..file });
        }
        Change::Delete { name: number } => {
            tree.remove(&name(number));
        }
        Change::Grow { name: number, len } => {
            tree.entry(name(number)).and_modify(|member| member.content.extend(noise(number, len)));
        }
        Change::Touch { name: number } => {
            tree.entry(name(number)).and_modify(|member| {
                member.stat.mtime.seconds += 86_400;
                member.stat.mode ^= 0o111;
            });
        }
        Change::Rename { from, to } => {
            if let Some(member) = tree.remove(&name(from)) {
                tree.insert(name(to), Member { name: name(to), ..member });
            }
        }
    }
}

/// What a night sent and what it left dead.
struct Night {
    object: Vec<u8>,
    sent: u64,
    /// Members that were appended although the old object held the same.
    again: Vec<Entry>,
}

fn night(tree: &Tree, old: Option<&[u8]>, way: Way, limits: &Limits) -> Night {
    let mut index = BTreeMap::new();
    let mut carry = Carry::nothing();
    let mut object = Vec::new();
    if let Some(old) = old {
        let (located, entries) = read(old).expect("last night's backup");
        let live = disjoint(entries.iter().map(Entry::extent).collect()).expect("no overlap");
        carry = match way {
            Way::Full => Carry::nothing(),
            Way::Whole => Carry::whole(located.directory.offset, limits),
            Way::Compacted => Carry::compacted(&live, limits),
            Way::WithoutDead => Carry::without_dead(&live, limits),
        };
        for part in carry.parts() {
            assert!((limits.min_part..=limits.max_part).contains(&part.len), "{part:?}");
            object.extend(&old[part.offset as usize..part.end() as usize]);
            if matches!(way, Way::WithoutDead) {
                let inside: u64 = live.iter().map(|extent| overlap(*extent, *part)).sum();
                assert_eq!(inside, part.len, "a dead byte was copied");
            }
        }
        index = entries.into_iter().map(|entry| (entry.name.clone(), entry)).collect();
    }
    assert_eq!(object.len() as u64, carry.len());
    let mut night = Night { object, sent: 0, again: Vec::new() };
    let mut entries = Vec::new();
    for member in tree.values() {
        let (fresh, _) = member.entry(0);
        let same = index.get(&member.name).filter(|entry| entry.kind == member.kind && entry.sha256 == fresh.sha256);
        if let Some(entry) = same {
            if let Some(offset) = carry.translate(entry.extent()) {
                entries.push(Entry { offset, stat: member.stat, ..entry.clone() });
                continue;
            }
            night.again.push(entry.clone());
        }
        let entry = member.append(&mut night.object);
        night.sent += entry.local_len();
        entries.push(entry);
    }
    finish(&mut night.object, &entries);
    night
}

fn overlap(one: Extent, other: Extent) -> u64 {
    one.end().min(other.end()).saturating_sub(one.offset.max(other.offset))
}

/// The backup holds the tree; another reader lists the same names.
fn check(object: &[u8], tree: &Tree) {
    let (_, entries) = read(object).expect("a backup");
    assert_eq!((entries[0].name.as_bytes(), entries[0].offset), (FIRST_MEMBER, 0));
    assert!(object.starts_with(b"PK\x03\x04"));
    disjoint(entries.iter().map(Entry::extent).collect()).expect("no member lies in another");
    assert_eq!(entries.len(), tree.len());
    for (entry, member) in entries.iter().zip(tree.values()) {
        assert_eq!((&entry.name, entry.kind, entry.stat), (&member.name, member.kind, member.stat));
        assert_eq!(content(object, entry), member.content);
    }
    let other = ::zip::ZipArchive::new(Cursor::new(object)).expect("a zip");
    let theirs: BTreeSet<_> = other.file_names().map(|name| name.expect("a name").into_owned()).collect();
    let ours: BTreeSet<_> = tree.keys().map(|name| name.to_string_lossy().into_owned()).collect();
    assert_eq!(theirs, ours);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_nights_holds_the_tree(nights in nights(), min_part in 1..600_u64, max_part in 2..5_u64) {
        let limits = Limits { min_part, max_part: max_part * min_part, max_parts: 10_000 };
        let mut tree = Tree::from([(first().name, first())]);
        let mut last: Option<Vec<u8>> = None;
        for (changes, way) in nights {
            changes.iter().for_each(|change| apply(&mut tree, change));
            let night = night(&tree, last.as_deref(), way, &limits);
            check(&night.object, &tree);
            if let (Some(last), Way::Whole) = (&last, way) {
                let offset = read(last).expect("a backup").0.directory.offset;
                prop_assert!(night.again.is_empty() || offset < min_part, "sent again though it was there");
            }
            last = Some(night.object);
        }
    }
}

#[test]
fn a_night_without_changes_sends_no_member() {
    let limits = Limits { min_part: 50, max_part: 500, max_parts: 100 };
    let mut tree = Tree::from([(first().name, first())]);
    for number in 0..20 {
        apply(&mut tree, &Change::Put { name: number, seed: number, len: 300, how: [false; 3] });
    }
    let one = night(&tree, None, Way::Full, &limits);
    for way in [Way::Whole, Way::Compacted, Way::WithoutDead] {
        let two = night(&tree, Some(&one.object), way, &limits);
        assert_eq!((two.sent, &two.object), (0, &one.object));
    }
}

#[test]
fn compaction_gives_dead_bytes_back_and_sends_little() {
    let limits = Limits { min_part: 1000, max_part: 100_000, max_parts: 100 };
    let mut tree = Tree::from([(first().name, first())]);
    for number in 0..20 {
        apply(&mut tree, &Change::Put { name: number, seed: number, len: 3000, how: [false; 3] });
    }
    let one = night(&tree, None, Way::Full, &limits);
    for number in [3, 4, 5, 10, 11, 17] {
        apply(&mut tree, &Change::Delete { name: number });
    }
    let whole = night(&tree, Some(&one.object), Way::Whole, &limits);
    assert!(whole.object.len() > one.object.len() - 1000);
    let compacted = night(&tree, Some(&whole.object), Way::Compacted, &limits);
    assert_eq!(compacted.sent, 0);
    assert!(compacted.object.len() < one.object.len() - 6 * 3000);
    check(&compacted.object, &tree);
}
