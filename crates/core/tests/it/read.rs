//! Some bytes of an object: its end, and extents of it.

use holdfast_core::{
    error::{Error, Kind},
    job::{Read, Stretch, Work},
    name::Key,
    plan::{Extent, MIB},
    report::{Outcome, ReadReport, Report},
};

use crate::{
    scenario::{KEY, Scenario, UNIT, bytes},
    sim_s3::{Fault, Object},
};

const LEN: usize = 20 * MIB as usize + 3;

fn whole() -> &'static [u8] {
    static WHOLE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    WHOLE.get_or_init(|| bytes(LEN))
}

fn read(bytes: &[u8], what: Stretch) -> Scenario {
    let work = Work::Read(Read { key: Key::parse(KEY).unwrap(), etag: None, what });
    let mut scenario = Scenario::of(work, Vec::new());
    let object = Object { bytes: bytes.to_vec(), etag: "one".to_owned(), headers: Vec::new(), crc64: None };
    scenario.server.objects.insert(KEY.into(), object);
    scenario
}

fn tail(bytes: &[u8], len: u64) -> Scenario {
    read(bytes, Stretch::Tail { len })
}

fn extents(list: &[(usize, usize)]) -> Scenario {
    let extent = |&(offset, len): &(usize, usize)| Extent { offset: offset as u64, len: len as u64 };
    read(whole(), Stretch::Extents(list.iter().map(extent).collect()))
}

fn of(list: &[(usize, usize)]) -> Vec<u8> {
    list.iter().flat_map(|(offset, len)| &whole()[*offset..offset + len]).copied().collect()
}

fn report(outcome: Outcome) -> ReadReport {
    match outcome {
        Outcome::Done(Report::Read(report)) => report,
        other => panic!("{other:?}"),
    }
}

fn error(scenario: &mut Scenario) -> Error {
    match scenario.run() {
        Outcome::Failed(error) => error,
        other => panic!("{other:?}"),
    }
}

fn pin(scenario: &mut Scenario, etag: &str) {
    let Work::Read(read) = &mut scenario.job.work else { panic!("a read") };
    read.etag = Some(etag.to_owned());
}

/// Odd lengths, odd places, one of nothing, one on either side of what a request takes, in an
/// order of their own, and bytes that are asked for twice.
const ODD: &[(usize, usize)] =
    &[(LEN - 5, 5), (1, 1), (7, 0), (2 << 20, (17 << 20) + 1), (2 << 20, 3), ((2 << 20) + 3, 8 << 20), (0, 1)];

#[test]
fn the_end_of_an_object_is_one_request() {
    let mut scenario = tail(whole(), UNIT as u64);
    assert_eq!(report(scenario.run()), ReadReport { etag: "one".into(), object_len: LEN as u64, len: UNIT as u64 });
    assert_eq!(scenario.server.calls, ["GetObject"]);
    assert!(scenario.sink == whole()[LEN - UNIT..]);
}

#[test]
fn a_shorter_object_is_all_there_is() {
    for (ignores_suffixes, len) in [(false, 5), (true, 5), (false, UNIT), (true, UNIT)] {
        let mut scenario = tail(&whole()[..len], UNIT as u64);
        scenario.server.ignores_suffixes = ignores_suffixes;
        let ReadReport { object_len, len: arrived, .. } = report(scenario.run());
        assert_eq!((object_len, arrived), (len as u64, len as u64));
        assert_eq!(scenario.sink, whole()[..len]);
    }
}

#[test]
fn the_whole_instead_of_its_end_is_refused() {
    let mut scenario = tail(&whole()[..UNIT + 1], UNIT as u64);
    scenario.server.ignores_suffixes = true;
    assert_eq!(error(&mut scenario).kind, Kind::Malformed);
}

#[test]
fn an_empty_object_is_no_backup() {
    let error = error(&mut tail(b"", 100));
    assert_eq!((error.kind, error.what.as_str()), (Kind::Integrity, "s3://backups/home/client1/site.zip is empty"));
}

#[test]
fn extents_come_one_after_another() {
    for etag in [None, Some("one")] {
        let mut scenario = extents(ODD);
        if let Some(etag) = etag {
            pin(&mut scenario, etag);
        }
        let ReadReport { object_len, len, .. } = report(scenario.run());
        assert_eq!((object_len, len), (LEN as u64, of(ODD).len() as u64));
        assert!(scenario.sink == of(ODD));
        // 17 MiB and a byte are three; the two neighbours one and a piece.
        assert_eq!(scenario.count("GetObject"), 1 + 1 + 3 + 2 + 1);
        assert!(scenario.most_in_flight <= scenario.job.concurrency as usize);
        assert!(scenario.most_in_flight > 1);
    }
}

#[test]
fn nothing_wanted_is_done_at_once() {
    for list in [&[][..], &[(5, 0), (0, 0)]] {
        let mut scenario = extents(list);
        assert_eq!(report(scenario.run()), ReadReport { etag: String::new(), object_len: 0, len: 0 });
        assert!(scenario.server.calls.is_empty());
    }
    assert_eq!(error(&mut tail(whole(), 0)).kind, Kind::Config);
    let beyond = Stretch::Extents(vec![Extent { offset: u64::MAX, len: 2 }]);
    assert_eq!(error(&mut read(whole(), beyond)).kind, Kind::Config);
}

#[test]
fn another_object_is_changed_from_the_beginning_or_in_the_middle() {
    for call in 0..7 {
        let mut scenario = extents(ODD);
        if call == 0 {
            pin(&mut scenario, "one");
        }
        scenario.server.faults.insert(call, Fault::Replaced);
        assert_eq!(error(&mut scenario).kind, Kind::Changed, "{call}");
    }
    let mut pinned = tail(whole(), 5);
    pin(&mut pinned, "two");
    assert_eq!(error(&mut pinned).kind, Kind::Changed);
}

#[test]
fn what_is_not_there_is_not_there() {
    let mut scenario = tail(whole(), 5);
    scenario.server.objects.clear();
    assert_eq!(error(&mut scenario).kind, Kind::NoSuchKey);
}

#[test]
fn bytes_beyond_the_end_are_none() {
    for list in [&[(LEN, 1)][..], &[(LEN - 1, 2)], &[(0, LEN + 1)]] {
        assert_eq!(error(&mut extents(list)).kind, Kind::Malformed, "{list:?}");
    }
}

#[test]
fn every_fault_at_every_call_of_a_read() {
    let make: [fn() -> Scenario; 2] = [|| extents(ODD), || tail(whole(), UNIT as u64)];
    for (make, expected) in make.into_iter().zip([of(ODD), whole()[LEN - UNIT..].to_vec()]) {
        let mut dry = make();
        report(dry.run());
        for call in 0..dry.server.calls.len() {
            for fault in Fault::ALL.into_iter().filter(|fault| fault.is_of_reading()) {
                let mut scenario = make().with_fault(call, fault);
                match scenario.run() {
                    Outcome::Done(_) => assert!(scenario.sink == expected, "{fault:?} at {call}"),
                    Outcome::Failed(error) => assert!(!fault.must_be_survived(), "{fault:?} at {call}: {error:?}"),
                }
            }
        }
    }
}
