//! The two sides against each other, each on a thread of its own.

use std::{
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use super::*;

const SOON: Duration = Duration::from_secs(20);

/// A stream, and what the driver is told of it.
fn attached() -> (Arc<Stream>, Receiver<Told>) {
    let stream = Stream::new();
    let (send, told) = mpsc::channel();
    stream.attach(move |what| drop(send.send(what)));
    (stream, told)
}

fn want(stream: &Stream, part: u32, offset: u64, len: u64) {
    stream.want(Part { part, offset, len, digests: vec![DigestKind::Md5] });
}

/// The next part that is there: its number, its bytes, and whether it is the last.
fn made(stream: &Stream, told: &Receiver<Told>) -> (u32, Vec<u8>, bool) {
    match told.recv_timeout(SOON).expect("something is told") {
        Told::Made(part) => {
            let held = stream.held(part.part).expect("it is held");
            assert_eq!((part.offset, part.len), (held.offset, held.bytes.len() as u64));
            (part.part, held.bytes.to_vec(), held.last)
        }
        Told::Failed(error, _) => panic!("{error:?}"),
    }
}

#[test]
fn parts_are_filled_in_order_and_the_last_may_be_short() {
    let (stream, told) = attached();
    let producer = thread::spawn({
        let stream = Arc::clone(&stream);
        move || {
            assert_eq!(stream.begin(), Ok(100));
            for chunk in b"abcdefghijk".chunks(3) {
                stream.write(chunk).expect("goes on");
            }
            assert_eq!(stream.position(), 111);
            stream.finish().expect("goes on");
            assert_eq!(stream.write(b"x"), Err(Ended), "nothing follows the end");
        }
    });
    want(&stream, 3, 100, 4);
    want(&stream, 4, 104, 4);
    assert_eq!(made(&stream, &told), (3, b"abcd".to_vec(), false));
    // The second is full, and nobody knows yet whether it is the last.
    stream.release(3);
    want(&stream, 5, 108, 4);
    assert_eq!(made(&stream, &told), (4, b"efgh".to_vec(), false));
    assert_eq!(made(&stream, &told), (5, b"ijk".to_vec(), true));
    producer.join().expect("well");
    want(&stream, 6, 112, 4);
    assert!(told.try_recv().is_err(), "there is no more");
}

#[test]
fn a_stream_that_ends_with_a_part_says_so_of_that_part() {
    let (stream, told) = attached();
    want(&stream, 1, 0, 4);
    want(&stream, 2, 4, 4);
    stream.write(b"abcdefgh").expect("goes on");
    assert_eq!(made(&stream, &told), (1, b"abcd".to_vec(), false));
    assert!(told.try_recv().is_err(), "the full part is held back");
    stream.finish().expect("goes on");
    assert_eq!(made(&stream, &told), (2, b"efgh".to_vec(), true));
}

/// The module asks for a second part only when it knows the first.
#[test]
fn a_full_part_is_handed_over_as_soon_as_there_is_another_byte() {
    let (stream, told) = attached();
    let producer = thread::spawn({
        let stream = Arc::clone(&stream);
        move || stream.write(b"abcde").and_then(|()| stream.finish())
    });
    want(&stream, 1, 0, 4);
    assert_eq!(made(&stream, &told), (1, b"abcd".to_vec(), false));
    want(&stream, 2, 4, 4);
    assert_eq!(made(&stream, &told), (2, b"e".to_vec(), true));
    assert_eq!(producer.join().expect("well"), Ok(()));
}

#[test]
fn an_empty_stream_has_one_empty_part() {
    let (stream, told) = attached();
    let finishing = thread::spawn({
        let stream = Arc::clone(&stream);
        move || stream.finish()
    });
    want(&stream, 3, 50, 4);
    assert_eq!(made(&stream, &told), (3, Vec::new(), true));
    assert_eq!(finishing.join().expect("well"), Ok(()));
}

#[test]
fn the_producer_waits_for_the_window_and_buffers_are_used_again() {
    let (stream, told) = attached();
    let producer = thread::spawn({
        let stream = Arc::clone(&stream);
        move || (0..100_u8).try_for_each(|n| stream.write(&[n; 10])).and_then(|()| stream.finish())
    });
    let mut whole = Vec::new();
    let mut buffers = std::collections::BTreeSet::new();
    for part in 1..=100_u32 {
        let offset = u64::from(part - 1) * 10;
        if part == 1 {
            want(&stream, 1, 0, 10);
            want(&stream, 2, 10, 10);
        } else if part < 100 {
            want(&stream, part + 1, offset + 10, 10);
        }
        let (number, bytes, last) = made(&stream, &told);
        assert_eq!((number, last), (part, part == 100));
        buffers.insert(stream.held(part).expect("held").bytes.as_ptr() as usize);
        whole.extend(bytes);
        assert!(stream.position() <= offset + 20, "no more is made than the window holds");
        assert_eq!(stream.arrived(), offset);
        stream.release(part);
    }
    assert_eq!(producer.join().expect("well"), Ok(()));
    assert_eq!(whole, (0..100_u8).flat_map(|n| [n; 10]).collect::<Vec<_>>());
    assert_eq!(stream.arrived(), 1_000);
    assert!(buffers.len() <= 3, "{} buffers for a window of two", buffers.len());
}

#[test]
fn a_held_part_is_there_again_at_once() {
    let (stream, told) = attached();
    want(&stream, 1, 0, 4);
    want(&stream, 2, 4, 4);
    stream.write(b"abcdef").expect("goes on");
    assert_eq!(made(&stream, &told).0, 1);
    want(&stream, 1, 0, 4);
    assert_eq!(made(&stream, &told), (1, b"abcd".to_vec(), false));
}

#[test]
fn what_arrived_behind_a_gap_counts_when_the_gap_is_closed() {
    let (stream, told) = attached();
    for part in 1..=3 {
        want(&stream, part, 70 + u64::from(part - 1) * 4, 4);
    }
    assert_eq!(stream.arrived(), 70);
    stream.write(b"abcdefghij").expect("goes on");
    stream.finish().expect("goes on");
    for _ in 1..=3 {
        made(&stream, &told);
    }
    for (part, arrived) in [(2, 70), (3, 70), (1, 80)] {
        stream.release(part);
        assert_eq!(stream.arrived(), arrived);
    }
}

#[test]
fn the_end_of_the_job_wakes_the_producer_wherever_it_waits() {
    type Wait = fn(&Stream) -> Result<(), Ended>;
    let waits: [Wait; 4] = [
        |stream| stream.begin().map(|_| ()),
        |stream| stream.write(b"abc"),
        |stream| stream.finish(),
        |stream| {
            want(stream, 1, 0, 2);
            stream.write(b"abc")
        },
    ];
    for wait in waits {
        let (stream, _told) = attached();
        let producer = thread::spawn({
            let stream = Arc::clone(&stream);
            move || wait(&stream)
        });
        thread::sleep(Duration::from_millis(20));
        stream.end();
        assert_eq!(producer.join().expect("well"), Err(Ended));
    }
}

#[test]
fn a_failure_is_told_once_even_if_nobody_listened_yet() {
    let stream = Stream::new();
    stream.fail(Error::new(Kind::Source, "the disk is gone"), AfterCancel::Keep);
    stream.fail(Error::new(Kind::Source, "and again"), AfterCancel::Abort);
    let (send, told) = mpsc::channel();
    stream.attach(move |what| drop(send.send(what)));
    let Ok(Told::Failed(error, then)) = told.try_recv() else { panic!("the failure") };
    assert_eq!((error.what.as_str(), then), ("the disk is gone", AfterCancel::Keep));
    assert!(told.try_recv().is_err());
    assert_eq!(stream.write(b"x"), Err(Ended));
}

#[test]
fn a_part_that_no_memory_holds_fails_the_job() {
    let (stream, told) = attached();
    want(&stream, 1, 0, u64::MAX);
    assert_eq!(stream.write(b"x"), Err(Ended));
    assert!(matches!(told.try_recv(), Ok(Told::Failed(Error { kind: Kind::Local, .. }, AfterCancel::Keep))));
}
