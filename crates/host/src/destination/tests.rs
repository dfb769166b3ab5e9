//! What is final, in which order, and what is refused.

use std::{sync::Mutex, thread};

use holdfast_core::{error::Kind, ranges::MAX_RANGE_LEN};

use super::*;

/// An ordered destination and what its consumer has been given.
fn ordered() -> (Destination, Arc<Mutex<Vec<u8>>>) {
    let given: Arc<Mutex<Vec<u8>>> = Arc::default();
    let into = Arc::clone(&given);
    let ordered = Ordered::new(move |bytes| {
        into.lock().expect("one at a time").extend_from_slice(bytes);
        Ok(())
    });
    ordered.expect(4);
    (Destination::Ordered(Arc::new(ordered)), given)
}

fn write(destination: &Destination, landing: Landing, bytes: &[u8]) -> io::Result<Digests> {
    let mut writer = Writer::new(Some(destination), landing, &[DigestKind::Md5]);
    writer.write_all(bytes)?;
    writer.finish()
}

#[test]
fn ranges_in_any_order_are_handed_over_in_theirs() {
    let (destination, given) = ordered();
    for (place, so_far) in [(6, ""), (3, ""), (0, "abcdefghi"), (9, "abcdefghijkl")] {
        let bytes = &b"abcdefghijkl"[place..place + 3];
        write(&destination, Landing::At(place as u64), bytes).expect("in order");
        assert_eq!(*given.lock().expect("whole"), so_far.as_bytes());
    }
}

#[test]
fn a_range_that_fails_in_half_leaves_nothing() {
    let (destination, given) = ordered();
    let mut writer = Writer::new(Some(&destination), Landing::At(0), &[]);
    writer.write_all(b"ha").expect("held");
    drop(writer);
    write(&destination, Landing::At(0), b"whole").expect("from its beginning");
    assert_eq!(*given.lock().expect("whole"), b"whole");
}

#[test]
fn threads_that_race_do_not_mix_anything_up() {
    let (destination, given) = ordered();
    let expected: Vec<u8> = (0..64u8).flat_map(|n| [n; 1_000]).collect();
    thread::scope(|scope| {
        for worker in 0..4u64 {
            let destination = &destination;
            scope.spawn(move || {
                for n in (0..64).filter(|n| (n * 7) % 4 == worker) {
                    write(destination, Landing::At(n * 1_000), &[n as u8; 1_000]).expect("within the window");
                }
            });
        }
    });
    assert!(*given.lock().expect("whole") == expected);
}

#[test]
fn what_runs_too_far_ahead_or_comes_twice_is_refused() {
    let (destination, given) = ordered();
    let last = Landing::At(4 * MAX_RANGE_LEN - 1);
    assert!(write(&destination, last, b"xy").is_err());
    write(&destination, last, b"x").expect("within four ranges");
    write(&destination, Landing::At(0), b"first").expect("the next one");
    assert!(write(&destination, Landing::At(0), b"again").is_err());
    assert_eq!(*given.lock().expect("whole"), b"first");
}

#[test]
fn a_consumers_error_is_told_as_it_gave_it() {
    let own = || Error::new(Kind::Integrity, "member 3 is damaged");
    for (error, expected) in [
        (io::Error::other(own()), own()),
        (io::Error::other("no space"), Error::new(Kind::Local, "what was read cannot be used: no space")),
    ] {
        let mut error = Some(error);
        let ordered = Ordered::new(move |_| error.take().map_or(Ok(()), Err));
        let destination = Destination::Ordered(Arc::new(ordered));
        assert!(write(&destination, Landing::At(0), b"1").is_err());
        assert_eq!(destination.trouble(), Some(expected));
        assert!(write(&destination, Landing::At(0), b"2").is_err(), "nothing is handed over any more");
    }
}

#[test]
fn memory_holds_what_ended_well_up_to_its_limit() {
    let memory = Arc::new(Memory::new(8));
    let destination = Destination::Memory(Arc::clone(&memory));
    write(&destination, Landing::At(4), b"5678").expect("room");
    write(&destination, Landing::At(0), b"1234").expect("room");
    assert!(write(&destination, Landing::At(5), b"6789").is_err());
    assert!(write(&destination, Landing::At(u64::MAX), b"6").is_err());
    assert_eq!(memory.take(), b"12345678");
    write(&destination, Landing::Whole, b"longer").expect("room");
    write(&destination, Landing::Whole, b"end").expect("room");
    assert!(write(&destination, Landing::Whole, b"123456789").is_err());
    assert_eq!(memory.take(), b"end");
}

#[test]
fn a_file_ends_where_the_end_of_an_object_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("end");
    let file = Arc::new(File::open(&path, false).expect("writable"));
    let destination = Destination::File(Arc::clone(&file));
    write(&destination, Landing::Whole, b"longer").expect("room");
    let digests = write(&destination, Landing::Whole, b"end").expect("room");
    assert_eq!(digests.md5.map(hex::encode).as_deref(), Some("7f021a1415b86f2d013b2618fb31ae53"));
    drop(destination);
    Arc::into_inner(file).expect("the only one").finish().expect("renamed");
    assert_eq!(std::fs::read(path).expect("there"), b"end");
}
