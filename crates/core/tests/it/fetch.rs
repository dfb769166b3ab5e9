//! Getting an object back, and knowing whether it is the one.

use holdfast_core::{
    digest::to_base64,
    error::Kind,
    job::{Known, Work},
    journal::Record,
    report::{Compared, FetchReport, Outcome, Report},
};

use crate::{
    scenario::{KEY, Scenario, UNIT, bytes},
    sim_s3::{Fault, Object, digests},
};

/// Ranges are of this length, and cannot be told to be shorter.
const RANGE: usize = holdfast_core::plan::DEFAULT_PART_LEN as usize;

fn stored(len: usize) -> Scenario {
    let mut upload = Scenario::upload(len);
    assert!(matches!(upload.run(), Outcome::Done(_)));
    let mut fetch = Scenario::fetch(true);
    fetch.server.objects = upload.server.objects;
    fetch
}

/// An object of several ranges, without the upload.
fn large() -> Scenario {
    static OBJECT: std::sync::OnceLock<Object> = std::sync::OnceLock::new();
    let object = OBJECT.get_or_init(|| {
        let bytes = whole().to_vec();
        let crc64 = digests(&bytes).crc64nvme;
        Object { bytes, etag: "opaque".to_owned(), headers: Vec::new(), crc64 }
    });
    let mut fetch = Scenario::fetch(true);
    fetch.server.objects.insert(KEY.into(), object.clone());
    fetch
}

const LARGE: usize = 2 * RANGE + RANGE / 2;

fn whole() -> &'static [u8] {
    static WHOLE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    WHOLE.get_or_init(|| bytes(LARGE))
}

fn report(outcome: Outcome) -> FetchReport {
    match outcome {
        Outcome::Done(Report::Fetch(report)) => report,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_object_comes_back_as_it_went() {
    for len in [1, UNIT, 40 * UNIT + 3] {
        let mut scenario = stored(len);
        let report = report(scenario.run());
        assert_eq!(scenario.sink, bytes(len));
        assert_eq!(report.compared_with, [Compared::ServerChecksum]);
    }
}

#[test]
fn nothing_comes_back_as_nothing() {
    let mut scenario = Scenario::fetch(true);
    let crc64 = digests(b"").crc64nvme;
    let etag = "d41d8cd98f00b204e9800998ecf8427e".to_owned();
    scenario.server.objects.insert(KEY.into(), Object { bytes: Vec::new(), etag, headers: Vec::new(), crc64 });
    assert_eq!(report(scenario.run()).len, 0);
}

#[test]
fn without_a_server_checksum_the_etag_is_recomputed() {
    for len in [UNIT, 12 * UNIT] {
        let mut scenario = stored(len);
        scenario.server.objects.get_mut(KEY).unwrap().crc64 = None;
        assert_eq!(report(scenario.run()).compared_with, [Compared::Etag], "{len}");
    }
}

#[test]
fn what_was_written_down_here_is_compared_too() {
    let mut scenario = stored(UNIT);
    let object = &scenario.server.objects[KEY];
    let known = Known {
        etag: object.etag.clone(),
        len: UNIT as u64,
        part_len: None,
        crc64nvme: Some(to_base64(&object.crc64.unwrap())),
    };
    let Work::Fetch(fetch) = &mut scenario.job.work else { panic!("a fetch") };
    fetch.known = Some(known);
    assert_eq!(report(scenario.run()).compared_with, [Compared::ServerChecksum, Compared::OurRecord]);
}

#[test]
fn damage_is_called_damage() {
    for (len, has_checksum) in [(UNIT, true), (40 * UNIT, true), (UNIT, false), (12 * UNIT, false)] {
        let mut scenario = stored(len);
        let object = scenario.server.objects.get_mut(KEY).unwrap();
        object.bytes[len / 2] ^= 1;
        object.crc64 = object.crc64.filter(|_| has_checksum);
        let Outcome::Failed(error) = scenario.run() else { panic!("{len}: it is damaged") };
        assert_eq!(error.kind, Kind::Integrity);
    }
}

#[test]
fn an_opaque_etag_leaves_nothing_to_compare_with() {
    let mut scenario = stored(UNIT);
    let object = scenario.server.objects.get_mut(KEY).unwrap();
    object.crc64 = None;
    object.headers.push(("x-amz-server-side-encryption".into(), "aws:kms".into()));
    assert!(report(scenario.run()).compared_with.is_empty());
}

#[test]
fn an_object_replaced_in_between_is_noticed() {
    let mut scenario = large();
    scenario.server.faults.insert(2, Fault::Replaced);
    let Outcome::Failed(error) = scenario.run() else { panic!("it is a mixture") };
    assert_eq!(error.kind, Kind::Changed);
}

#[test]
fn every_fault_at_every_call_of_a_fetch() {
    let calls = {
        let mut dry = large();
        dry.run();
        dry.server.calls.len()
    };
    for call in 0..calls {
        for fault in Fault::ALL.into_iter().filter(|fault| fault.is_of_reading()) {
            let mut scenario = large().with_fault(call, fault);
            match scenario.run() {
                Outcome::Done(_) => assert!(scenario.sink == whole(), "{fault:?} at {call}"),
                Outcome::Failed(error) => assert!(!fault.must_be_survived(), "{fault:?} at {call}: {error:?}"),
            }
        }
    }
}

fn ranges_written(scenario: &Scenario) -> usize {
    scenario.journal.iter().filter(|record| matches!(record, Record::Range { .. })).count()
}

#[test]
fn an_interrupted_fetch_continues_with_what_it_wrote() {
    for step in 0.. {
        let mut scenario = large();
        if scenario.run_until(step).is_some() {
            break;
        }
        let before = scenario.count("GetObject");
        let written = ranges_written(&scenario);
        report(scenario.run());
        assert!(scenario.sink == whole());
        assert_eq!(scenario.count("GetObject") - before, 3 - written, "step {step}");
    }
}

#[test]
fn what_was_written_and_then_damaged_is_fetched_again() {
    let mut step = 0;
    let mut scenario = loop {
        let mut scenario = large();
        assert!(scenario.run_until(step).is_none());
        if ranges_written(&scenario) == 2 {
            break scenario;
        }
        step += 1;
    };
    scenario.sink[5] ^= 1;
    report(scenario.run());
    assert!(scenario.sink == whole());
}

#[test]
fn a_missing_object_is_missing_and_a_denied_one_is_denied() {
    let mut scenario = Scenario::fetch(true);
    let Outcome::Failed(error) = scenario.run() else { panic!("nothing is there") };
    assert_eq!(error.kind, Kind::NoSuchKey);
    let mut scenario = stored(UNIT);
    scenario.server.denied = vec!["HeadObject", "GetObject"];
    let Outcome::Failed(error) = scenario.run() else { panic!("denied") };
    assert!(matches!(error.kind, Kind::AccessDenied { .. }));
    assert_eq!(error.evidence.unwrap().code.as_deref(), Some("AccessDenied"), "a HEAD has no words; a GET has");
}
