//! An upload when nothing goes wrong, and when the answer is no.

use holdfast_core::{
    error::Kind,
    event::Event,
    provider::{Provider, Rung},
    report::{Outcome, Proof, Report, UploadReport},
};

use crate::scenario::{KEY, Scenario, UNIT, kept};
use crate::sim_s3::{Object, digests};

fn report(outcome: Outcome) -> UploadReport {
    match outcome {
        Outcome::Done(Report::Upload(report)) => report,
        other => panic!("{other:?}"),
    }
}

fn kind(outcome: Outcome) -> Kind {
    match outcome {
        Outcome::Failed(error) => error.kind,
        Outcome::Done(report) => panic!("{report:?}"),
    }
}

fn someone_elses() -> Object {
    Object { bytes: b"older".to_vec(), etag: "e".repeat(32), headers: Vec::new(), crc64: None }
}

#[test]
fn a_small_archive_goes_in_one_request() {
    let mut scenario = Scenario::upload(UNIT);
    let report = report(scenario.run());
    assert!(scenario.stored());
    assert_eq!(scenario.server.calls, ["PutObject", "HeadObject"]);
    assert_eq!(report.proof, Proof { parts: Rung::Crc64nvme, whole: true, looked: true });
    assert_eq!((report.parts, report.bytes_sent), (1, UNIT as u64));
}

#[test]
fn a_large_archive_goes_in_equal_parts() {
    let mut scenario = Scenario::upload(17 * UNIT + 1);
    let report = report(scenario.run());
    assert!(scenario.stored());
    assert_eq!(scenario.count("UploadPart"), 4);
    assert_eq!(scenario.orphans(), 0);
    assert_eq!(report.bytes_sent, 17 * UNIT as u64 + 1);
    let crc = digests(&scenario.source).crc64nvme.unwrap();
    assert_eq!(report.crc64nvme, Some(holdfast_core::digest::to_base64(&crc)));
}

#[test]
fn an_object_that_exists_is_found_before_anything_travels() {
    let mut scenario = Scenario::upload(12 * UNIT);
    scenario.server.objects.insert(KEY.into(), someone_elses());
    assert_eq!(kind(scenario.run()), Kind::AlreadyExists);
    assert_eq!(scenario.server.calls, ["HeadObject"]);
}

#[test]
fn an_object_that_cannot_be_seen_is_still_never_replaced() {
    for len in [UNIT, 12 * UNIT] {
        let mut scenario = Scenario::upload(len);
        scenario.server.objects.insert(KEY.into(), someone_elses());
        scenario.server.denied = vec!["HeadObject", "ListObjectsV2"];
        assert_eq!(kind(scenario.run()), Kind::AlreadyExists);
        assert_eq!(scenario.server.objects[KEY], someone_elses());
        assert!(scenario.server.uploads.is_empty(), "its parts are of no use and are gone");
    }
}

#[test]
fn overwrite_replaces() {
    for len in [UNIT, 12 * UNIT] {
        let mut scenario = Scenario::upload(len);
        scenario.server.objects.insert(KEY.into(), someone_elses());
        scenario.upload_job().overwrite = true;
        report(scenario.run());
        assert!(scenario.stored());
    }
}

#[test]
fn a_key_that_may_only_write_is_enough() {
    for len in [UNIT, 12 * UNIT] {
        let mut scenario = Scenario::upload(len);
        scenario.server.denied = vec!["HeadObject", "ListObjectsV2", "ListParts", "AbortMultipartUpload", "GetObject"];
        let report = report(scenario.run());
        assert!(scenario.stored());
        assert_eq!(report.proof, Proof { parts: Rung::Crc64nvme, whole: true, looked: false });
    }
}

#[test]
fn the_ladder_is_walked_down_and_remembered() {
    for len in [UNIT, 12 * UNIT] {
        let mut scenario = Scenario::upload(len);
        scenario.server.no_checksums = true;
        let proof = report(scenario.run()).proof;
        assert_eq!(proof.parts, Rung::ContentMd5);
        assert!(scenario.stored());
        assert_eq!(scenario.remembered.rung, Some(Rung::ContentMd5));
        let steps = scenario.events.iter().filter(|event| matches!(event, Event::SteppedDown { .. })).count();
        assert_eq!(steps, 2);
        // The next one begins where this one ended.
        scenario.server.objects.clear();
        scenario.server.calls.clear();
        scenario.journal.clear();
        report(scenario.run());
        let begin = if len == UNIT { "PutObject" } else { "CreateMultipartUpload" };
        assert_eq!(scenario.count(begin), 1);
    }
}

#[test]
fn a_wrong_secret_is_told_as_such_after_the_ladder() {
    let mut scenario = Scenario::upload(UNIT);
    scenario.server.denied = vec!["PutObject", "HeadObject", "ListObjectsV2"];
    let Kind::AccessDenied { action, resource } = kind(scenario.run()) else { panic!("denied") };
    assert_eq!(action.as_deref(), Some("s3:PutObject"));
    assert_eq!(resource.as_deref(), Some("arn:aws:s3:::backups/home/client1/site.zip"));
}

#[test]
fn a_server_without_conditions_is_asked_whether_the_key_exists() {
    for len in [UNIT, 12 * UNIT] {
        let mut scenario = Scenario::upload(len);
        scenario.server.no_conditions = true;
        report(scenario.run());
        assert!(scenario.stored());
        assert!(scenario.remembered.no_conditional_writes);

        let mut scenario = Scenario::upload(len);
        scenario.server.no_conditions = true;
        scenario.server.objects.insert(KEY.into(), someone_elses());
        assert_eq!(kind(scenario.run()), Kind::AlreadyExists);
        assert_eq!(scenario.server.objects[KEY], someone_elses());

        // Who can neither set a condition nor look must not risk it.
        let mut scenario = Scenario::upload(len);
        scenario.server.no_conditions = true;
        scenario.server.denied = vec!["HeadObject", "ListObjectsV2"];
        assert_eq!(kind(scenario.run()), Kind::Unsupported);
        assert!(scenario.server.objects.is_empty());
    }
}

#[test]
fn a_provider_known_for_equal_parts_and_md5_gets_them() {
    let mut scenario = Scenario::upload(12 * UNIT);
    scenario.job.target.endpoint.provider = Provider::BackblazeB2;
    scenario.server.no_checksums = true;
    scenario.server.no_conditions = true;
    let report = report(scenario.run());
    assert_eq!(report.proof, Proof { parts: Rung::ContentMd5, whole: false, looked: true });
    assert_eq!(scenario.count("CreateMultipartUpload"), 1, "nothing had to be found out");
}

#[test]
fn the_region_is_found_out_once() {
    let mut scenario = Scenario::upload(12 * UNIT);
    scenario.server.region = "ap-southeast-2".into();
    report(scenario.run());
    let learned = scenario.events.iter().filter(|event| matches!(event, Event::Region { .. })).count();
    assert_eq!(learned, 1);
    assert_eq!(scenario.remembered.region.as_ref().map(|region| region.as_str()), Some("ap-southeast-2"));
    let calls = scenario.server.calls.len();
    scenario.server.calls.clear();
    scenario.server.objects.clear();
    scenario.journal.clear();
    report(scenario.run());
    assert_eq!(scenario.server.calls.len(), calls - 1, "what was learned spares the question");
}

#[test]
fn a_clock_that_is_wrong_is_corrected_by_the_servers() {
    for ahead_ms in [20 * 60_000, 2 * 3_600_000] {
        let mut scenario = Scenario::upload(12 * UNIT);
        scenario.server.clock_ahead_ms = ahead_ms;
        report(scenario.run());
        let offset = scenario.events.iter().find_map(|event| match event {
            Event::ClockOffset { offset_ms } => Some(*offset_ms),
            _ => None,
        });
        assert!(offset.unwrap().abs_diff(ahead_ms as i64) < 2_000, "{offset:?}");
    }
}

#[test]
fn orphans_of_earlier_runs_are_aborted_and_nobody_elses() {
    use holdfast_core::{
        job::Orphan,
        name::{Key, UploadId},
    };
    let mut scenario = Scenario::upload(UNIT);
    for id in ["ours", "theirs"] {
        let mut upload = crate::sim_s3::Upload::default();
        upload.parts.insert(1, (vec![1], "e".into()));
        scenario.server.uploads.insert(id.into(), upload);
    }
    let (key, upload_id) = (Key::parse(KEY).unwrap(), UploadId::parse("ours").unwrap());
    scenario.upload_job().orphans.push(Orphan { key, upload_id });
    report(scenario.run());
    assert_eq!(scenario.server.uploads.keys().collect::<Vec<_>>(), ["theirs"]);
}

#[test]
fn an_orphan_that_cannot_be_aborted_is_a_warning() {
    use holdfast_core::{
        job::Orphan,
        name::{Key, UploadId},
    };
    let mut scenario = Scenario::upload(UNIT);
    scenario.server.denied = vec!["AbortMultipartUpload"];
    scenario.server.uploads.insert("ours".into(), crate::sim_s3::Upload::default());
    let (key, upload_id) = (Key::parse(KEY).unwrap(), UploadId::parse("ours").unwrap());
    scenario.upload_job().orphans.push(Orphan { key, upload_id });
    report(scenario.run());
    assert!(scenario.stored());
    assert!(scenario.events.iter().any(|event| matches!(event, Event::Warning(_))));
    assert_eq!(kept(&scenario.events), None);
}

#[test]
fn slow_down_is_heeded() {
    let mut scenario = Scenario::upload(60 * UNIT);
    for call in 4..7 {
        scenario.server.faults.insert(call, crate::sim_s3::Fault::SlowDown);
    }
    report(scenario.run());
    let limits: Vec<u32> = scenario
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Pace { concurrency, .. } => Some(*concurrency),
            _ => None,
        })
        .collect();
    assert_eq!(limits.first(), Some(&2), "{limits:?}");
}
