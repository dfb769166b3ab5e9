//! Reading through the whole runner but its sandbox: the conversation, the fence, HTTP, and a
//! consumer that gets everything in order, whatever happens on the way.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use holdfast::{
    destination::{Destination, Memory, Ordered},
    driver::{Driver, Watcher, World},
    signal::Stop,
};
use holdfast_core::{
    endpoint::Endpoint,
    error::{Error, Kind},
    event::Event,
    job::{Job, Read, Remembered, Stretch, Target, Work},
    name::{Bucket, Key},
    plan::{Extent, MIB},
    ranges::MAX_RANGE_LEN,
    report::{Outcome, ReadReport, Report},
    session::S3Session,
};

use crate::{
    calls::client,
    server::{Server, header},
};

const LEN: usize = 42 * MIB as usize + 5;

fn object() -> &'static [u8] {
    static OBJECT: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    OBJECT.get_or_init(|| (0..LEN as u64).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect())
}

/// A server with one object; `before` may tell it, for the n-th request of a byte, to break off in
/// the middle of its answer.
fn serve(before: impl Fn(usize, usize) -> bool + Send + Sync + 'static) -> Server {
    let asked = Mutex::new(std::collections::BTreeMap::<usize, usize>::new());
    Server::plain(move |peer, _| {
        while let Some((head, _)) = peer.request() {
            let range = header(&head, "range").unwrap().strip_prefix("bytes=").unwrap();
            let (first, last) = match range.split_once('-').unwrap() {
                ("", len) => (LEN - len.parse::<usize>().unwrap(), LEN - 1),
                (first, last) => (first.parse().unwrap(), last.parse().unwrap()),
            };
            let nth = {
                let mut asked = asked.lock().unwrap();
                let nth = asked.entry(first).or_default();
                *nth += 1;
                *nth
            };
            let breaks = before(first, nth);
            let bytes = &object()[first..=last];
            peer.say(&format!(
                "HTTP/1.1 206 Partial Content\r\netag: \"e\"\r\ncontent-length: {}\r\n\
                 content-range: bytes {first}-{last}/{LEN}\r\n\r\n",
                bytes.len()
            ));
            let sent = if breaks { &bytes[..bytes.len() / 2] } else { bytes };
            if peer.write_all(sent).is_err() || breaks {
                peer.reset();
                return;
            }
        }
    })
}

struct Nobody;

impl Watcher for Nobody {
    fn event(&mut self, _: &Event) {}
    fn progress(&mut self, _: u64) {}
    fn remember(&mut self, _: Remembered) {}
}

fn read(server: &Server, what: Stretch, destination: Destination) -> Outcome {
    let endpoint = Endpoint::parse(server.url("").as_str(), None).unwrap().0;
    let job = Job {
        run: "run-1".to_owned(),
        target: Target { endpoint, region: None, bucket: Bucket::parse("backups").unwrap(), expected_owner: None },
        work: Work::Read(Read { key: Key::parse("site.zip").unwrap(), etag: None, what }),
        patience_ms: 20_000,
        concurrency: 3,
    };
    let stop = Stop::default();
    let driver = Driver {
        session: &mut S3Session::new(),
        client: Arc::new(client()),
        world: World { destination: Some(destination), ..World::default() },
        journal: None,
        watcher: &mut Nobody,
        refresh: &mut || Ok(None),
        stop: &stop,
    };
    driver.run(job, None, Vec::new(), Remembered::default(), 7).unwrap()
}

fn extents(list: &[(usize, usize)]) -> Stretch {
    let extent = |&(offset, len): &(usize, usize)| Extent { offset: offset as u64, len: len as u64 };
    Stretch::Extents(list.iter().map(extent).collect())
}

const SOME: [(usize, usize); 3] = [(1, 20 << 20), (LEN - 3, 3), (30 << 20, 12 << 20)];

fn of_some() -> Vec<u8> {
    SOME.iter().flat_map(|(offset, len)| &object()[*offset..offset + len]).copied().collect()
}

fn report(outcome: Outcome) -> ReadReport {
    match outcome {
        Outcome::Done(Report::Read(report)) => report,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_consumer_gets_everything_once_and_in_order() {
    // The first answers come late, and one that is early breaks off in its middle.
    let server = serve(|first, nth| {
        if first == 1 || first == 1 + MAX_RANGE_LEN as usize {
            thread::sleep(Duration::from_millis(300));
        }
        first > 1 && nth == 1
    });
    let given: Arc<Mutex<Vec<u8>>> = Arc::default();
    let (into, busy) = (Arc::clone(&given), AtomicBool::new(false));
    let ordered = Arc::new(Ordered::new(move |bytes| {
        assert!(!busy.swap(true, Ordering::SeqCst), "one at a time");
        into.lock().unwrap().extend_from_slice(bytes);
        busy.store(false, Ordering::SeqCst);
        Ok(())
    }));
    let report = report(read(&server, extents(&SOME), Destination::Ordered(Arc::clone(&ordered))));
    assert_eq!((report.object_len, report.len), (LEN as u64, of_some().len() as u64));
    assert_eq!(ordered.consumed(), report.len);
    assert!(*given.lock().unwrap() == of_some());
}

#[test]
fn a_consumers_error_is_the_jobs() {
    let server = serve(|_, _| false);
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let ordered = Ordered::new(move |_| match counted.fetch_add(1, Ordering::SeqCst) {
        0 => Ok(()),
        _ => Err(io::Error::other(Error::new(Kind::Integrity, "member 3 is damaged"))),
    });
    let outcome = read(&server, extents(&SOME), Destination::Ordered(Arc::new(ordered)));
    assert_eq!(outcome, Outcome::Failed(Error::new(Kind::Integrity, "member 3 is damaged")));
    assert_eq!(calls.load(Ordering::SeqCst), 2, "nothing follows an error");
}

#[test]
fn the_end_goes_into_memory_up_to_its_limit() {
    let server = serve(|_, nth| nth == 1);
    let memory = Arc::new(Memory::new(1_000));
    let report = report(read(&server, Stretch::Tail { len: 1_000 }, Destination::Memory(Arc::clone(&memory))));
    assert_eq!((report.object_len, report.len, report.etag.as_str()), (LEN as u64, 1_000, "e"));
    assert!(memory.take() == object()[LEN - 1_000..]);
    let small = Destination::Memory(Arc::new(Memory::new(999)));
    let Outcome::Failed(error) = read(&server, Stretch::Tail { len: 1_000 }, small) else { panic!("no room") };
    assert_eq!(error.kind, Kind::Local);
    assert!(error.to_string().contains("more to read than the 999 bytes"), "{error}");
}
