//! Backups: copied parts, and a stream that is made while it is sent and cannot be made twice.

use holdfast_core::{
    error::{Error, Kind},
    event::Event,
    job::{Base, Orphan},
    journal::Record,
    name::{Key, UploadId},
    plan::Extent,
    provider::{Provider, Rung},
    report::{BackupReport, Outcome, Report},
};

use crate::{
    scenario::{KEY, OLD_KEY, Scenario, UNIT, kept},
    sim_s3::{Copies, Fault},
};

/// First nights and second ones: nothing, less than a part, exactly one, several, and behind
/// copies.
const SHAPES: [(usize, &[usize]); 8] = [
    (0, &[]),
    (UNIT, &[]),
    (5 * UNIT, &[]),
    (10 * UNIT, &[]),
    (17 * UNIT, &[]),
    (0, &[6, 5]),
    (2 * UNIT, &[6]),
    (17 * UNIT, &[6, 7, 5]),
];

fn done(scenario: &mut Scenario) -> BackupReport {
    let outcome = scenario.run();
    let Outcome::Done(Report::Backup(report)) = outcome else { panic!("{outcome:?}\n{:?}", scenario.server.calls) };
    assert!(scenario.backed_up(), "called done and is not whole: {:?}", scenario.server.calls);
    assert_eq!(scenario.orphans(), 0, "parts are left behind: {:?}", scenario.server.calls);
    assert_eq!(report.len, scenario.producer.object.len() as u64);
    report
}

fn failed(scenario: &mut Scenario) -> Error {
    match scenario.run() {
        Outcome::Failed(error) => error,
        Outcome::Done(report) => panic!("{report:?}"),
    }
}

/// A backup that stopped when `parts` parts of the stream had been written down.
fn interrupted(len: usize, copied: &[usize], parts: usize) -> Scenario {
    for step in 0.. {
        let mut scenario = Scenario::backup(len, copied);
        assert!(scenario.run_until(step).is_none(), "it does not get that far");
        let of_stream = |record: &&Record| matches!(record, Record::Part { part, .. } if *part > copied.len() as u32);
        if scenario.journal.iter().filter(of_stream).count() == parts {
            return scenario;
        }
    }
    unreachable!("one of them fits")
}

#[test]
fn the_first_night_and_the_second() {
    for (len, copied) in SHAPES {
        let mut scenario = Scenario::backup(len, copied);
        let report = done(&mut scenario);
        assert_eq!(report.bytes_sent, len as u64);
        assert_eq!(report.bytes_copied, (copied.iter().sum::<usize>() * UNIT) as u64);
        assert_eq!(report.bytes_kept, 0);
        assert_eq!(scenario.server.bytes_received, len, "what was copied does not travel");
        assert!(report.proof.looked && report.proof.whole, "{:?}", report.proof);
        let single = copied.is_empty() && len <= 5 * UNIT;
        assert_eq!(scenario.count("PutObject"), usize::from(single));
        assert_eq!(scenario.count("UploadPartCopy"), copied.len());
        assert!(scenario.producer.most_held <= 3);
    }
}

#[test]
fn the_window_is_used_and_not_exceeded() {
    for window in [1, 2, 7] {
        let mut scenario = Scenario::backup(100 * UNIT, &[6]);
        scenario.backup_job().window = window;
        scenario.job.concurrency = 9;
        done(&mut scenario);
        assert_eq!(scenario.producer.most_held, window as usize);
    }
}

#[test]
fn copies_are_made_while_the_stream_is_still_to_come() {
    let mut scenario = Scenario::backup(17 * UNIT, &[6, 7, 5]);
    done(&mut scenario);
    let calls = &scenario.server.calls;
    let first = |name: &str| calls.iter().position(|call| call == name).unwrap();
    assert!(first("UploadPartCopy") < first("UploadPart"));
    assert_eq!(calls[..2], ["HeadObject", "CreateMultipartUpload"]);
}

/// Done means stored, whole and without leftovers; failed means that nothing is there.
fn judge(scenario: &Scenario, outcome: &Outcome, what: &str) {
    match outcome {
        Outcome::Done(Report::Backup(_)) => {
            assert!(scenario.backed_up(), "{what}: called done and is not whole");
            assert_eq!(scenario.orphans(), 0, "{what}: parts are left behind");
        }
        Outcome::Done(other) => panic!("{what}: {other:?}"),
        Outcome::Failed(error) => {
            assert!(scenario.server.objects.get(KEY).is_none_or(|_| scenario.backed_up()), "{what}: {error:?}");
            assert!(!matches!(error.kind, Kind::Bug | Kind::Malformed), "{what}: {error:?}");
            assert!(error.hint.is_some(), "{what}: {error:?}");
        }
    }
}

#[test]
fn every_fault_at_every_call() {
    for (len, copied) in SHAPES {
        let calls = {
            let mut dry = Scenario::backup(len, copied);
            dry.run();
            dry.server.calls
        };
        for (call, operation) in calls.iter().enumerate() {
            for fault in Fault::ALL {
                let what = format!("{fault:?} at call {call}, {operation}, of {len} bytes behind {copied:?}");
                let mut scenario = Scenario::backup(len, copied).with_fault(call, fault);
                let outcome = scenario.run();
                judge(&scenario, &outcome, &what);
                // What was released is gone, and so is the upload: only the next run can help.
                let gone = fault == Fault::UploadGone;
                if fault.must_be_survived() && !gone {
                    assert!(matches!(outcome, Outcome::Done(_)), "{what}: {outcome:?}\n{:?}", scenario.server.calls);
                }
                if let Outcome::Failed(error) = outcome {
                    assert!(!gone || error.kind == Kind::NoSuchUpload, "{what}: {error:?}");
                    let again = scenario.run();
                    judge(&scenario, &again, &format!("{what}, again"));
                    assert!(scenario.backed_up(), "{what}, again: {again:?}");
                    assert_eq!(scenario.orphans(), 0, "{what}: parts are left behind");
                }
            }
        }
    }
}

#[test]
fn two_faults_in_a_row() {
    let survivable = || Fault::ALL.into_iter().filter(|fault| fault.must_be_survived());
    for (len, copied) in [(7 * UNIT, &[][..]), (7 * UNIT, &[6, 5])] {
        let calls = {
            let mut dry = Scenario::backup(len, copied);
            dry.run();
            dry.server.calls.len()
        };
        for call in 0..calls {
            for first in survivable() {
                for second in survivable() {
                    let what = format!("{first:?} at call {call}, then {second:?}");
                    let mut scenario =
                        Scenario::backup(len, copied).with_fault(call, first).with_fault(call + 1, second);
                    let outcome = scenario.run();
                    judge(&scenario, &outcome, &what);
                }
            }
        }
    }
}

#[test]
fn a_crash_after_any_step_costs_nothing_but_time() {
    for (len, copied) in SHAPES {
        for lossy in [false, true] {
            let mut step = 0;
            loop {
                let mut scenario = Scenario::backup(len, copied);
                scenario.lossy = lossy;
                if scenario.run_until(step).is_some() {
                    break;
                }
                let what = format!("{len} bytes behind {copied:?}, crash after step {step}, lossy {lossy}");
                let before = scenario.server.bytes_received;
                // What the journal or the server no longer knows cannot be kept.
                let known = written_down(&scenario, copied.len());
                let was_there = scenario.server.objects.contains_key(KEY);
                let completing = matches!(scenario.journal.last(), Some(Record::Completing { .. }));
                let outcome = scenario.run();
                assert!(matches!(outcome, Outcome::Done(_)), "{what}: {outcome:?}");
                assert!(scenario.backed_up(), "{what}");
                assert_eq!(scenario.orphans(), 0, "{what}: parts are left behind");
                let sent = scenario.server.bytes_received - before;
                if was_there || completing && scenario.count("CreateMultipartUpload") > 0 {
                    assert_eq!(sent, 0, "{what}: everything was there");
                } else {
                    // The next run's stream is as long, and comes behind what was kept.
                    assert_eq!(sent, len, "{what}");
                    let whole = (copied.iter().sum::<usize>() * UNIT) + known + len;
                    assert_eq!(scenario.producer.object.len(), whole, "{what}: parts that arrived travel again");
                }
                step += 1;
            }
            assert!(step > 5, "the job has {step} steps only");
        }
    }
}

/// Bytes of the unbroken run of whole parts of the stream that the journal knows.
fn written_down(scenario: &Scenario, copied: usize) -> usize {
    let has = |number: u32| {
        let is = |record: &Record| matches!(record, Record::Part { part, len, .. } if *part == number && *len == 5 * UNIT as u64);
        scenario.journal.iter().any(is)
    };
    (1..).take_while(|n| has(copied as u32 + n)).count() * 5 * UNIT
}

#[test]
fn a_crash_of_the_run_after_the_crash() {
    for copied in [&[][..], &[6, 5]] {
        for first in (0..70).step_by(3) {
            for second in (0..60).step_by(5) {
                for lossy in [false, true] {
                    let mut scenario = Scenario::backup(27 * UNIT, copied);
                    scenario.lossy = lossy;
                    if scenario.run_until(first).is_some() || scenario.run_until(second).is_some() {
                        continue;
                    }
                    done(&mut scenario);
                }
            }
        }
    }
}

/// Parts behind a hole belong to a stream that nobody can continue, and must not become neighbours
/// of a later one's.
#[test]
fn streams_of_two_runs_are_never_mixed() {
    let mut scenario = interrupted(40 * UNIT, &[6], 5);
    scenario.server.uploads.values_mut().next().unwrap().parts.remove(&3);
    // The second run sends part 3 anew and dies; parts 4 and on in the bucket are the first's.
    for step in 0.. {
        assert!(scenario.clone().run_until(step).is_none(), "it does not get that far");
        let mut second = scenario.clone();
        second.run_until(step);
        let parts = |record: &&Record| matches!(record, Record::Part { part: 3, .. });
        if second.journal.iter().filter(parts).count() == 2 {
            scenario = second;
            break;
        }
    }
    done(&mut scenario);
}

#[test]
fn parts_that_arrived_do_not_travel_again() {
    for denied in [vec![], vec!["ListParts"]] {
        let mut scenario = interrupted(52 * UNIT, &[6, 5], 4);
        scenario.server.denied = denied;
        scenario.producer.len = 12 * UNIT;
        let (copies, parts) = (scenario.count("UploadPartCopy"), scenario.count("UploadPart"));
        let report = done(&mut scenario);
        assert_eq!(report.bytes_kept, 20 * UNIT as u64);
        assert_eq!((report.bytes_sent, report.bytes_copied), (12 * UNIT as u64, 11 * UNIT as u64));
        assert_eq!(scenario.producer.begins, Some(31 * UNIT as u64));
        assert_eq!(scenario.count("UploadPartCopy"), copies);
        assert_eq!(scenario.count("UploadPart") - parts, 3);
        assert_eq!(kept(&scenario.events), Some(4));
    }
}

#[test]
fn a_hole_in_the_copies_is_copied_again() {
    let mut scenario = interrupted(52 * UNIT, &[6, 5], 4);
    scenario.server.uploads.values_mut().next().unwrap().parts.remove(&1);
    let copies = scenario.count("UploadPartCopy");
    assert_eq!(done(&mut scenario).bytes_kept, 20 * UNIT as u64);
    assert_eq!(scenario.count("UploadPartCopy") - copies, 1);
}

#[test]
fn a_part_that_the_server_has_otherwise_ends_the_run_of_kept_ones() {
    let mut scenario = interrupted(52 * UNIT, &[6], 4);
    let parts = &mut scenario.server.uploads.values_mut().next().unwrap().parts;
    let bytes = parts[&4].0.clone();
    parts.insert(4, (bytes, "0".repeat(32)));
    assert_eq!(done(&mut scenario).bytes_kept, 10 * UNIT as u64);
}

#[test]
fn the_next_stream_may_end_at_once_or_before_the_last_one_did() {
    for len in [0, 1, 5 * UNIT] {
        let mut scenario = interrupted(52 * UNIT, &[6], 4);
        scenario.producer.len = len;
        done(&mut scenario);
    }
}

#[test]
fn an_upload_that_is_gone_begins_again_with_the_same_base() {
    let mut scenario = interrupted(52 * UNIT, &[6], 4);
    scenario.server.uploads.clear();
    done(&mut scenario);
    assert!(scenario.events.iter().any(|event| matches!(event, Event::StartedAfresh { .. })));
    assert_eq!(scenario.producer.begins, Some(6 * UNIT as u64));
}

#[test]
fn another_base_or_key_takes_the_old_upload_away() {
    let other_base = |scenario: &mut Scenario| {
        let base = scenario.backup_job().base.as_mut().unwrap();
        base.parts[0].len -= 1;
        scenario.producer.object.truncate(6 * UNIT - 1);
    };
    let other_key = |scenario: &mut Scenario| {
        for record in &mut scenario.journal {
            if let Record::PlannedBackup { key, .. } = record {
                *key = Key::parse("home/client1/yesterday.zip").unwrap();
            }
        }
    };
    for change in [&other_base as &dyn Fn(&mut Scenario), &other_key] {
        let mut scenario = interrupted(52 * UNIT, &[6], 4);
        change(&mut scenario);
        scenario.producer.len = UNIT;
        let report = done(&mut scenario);
        assert_eq!(report.bytes_kept, 0);
        assert!(scenario.server.uploads.is_empty());
    }
}

#[test]
fn without_its_base_nothing_is_left_behind_and_the_caller_knows_why() {
    type Break = fn(&mut Scenario);
    let cases: [(Break, Kind); 5] = [
        (|s| s.server.objects.get_mut(OLD_KEY).unwrap().etag = "another".into(), Kind::Changed),
        (|s| drop(s.server.objects.remove(OLD_KEY)), Kind::Changed),
        (
            |s| s.server.unreadable.push(OLD_KEY.into()),
            Kind::AccessDenied {
                action: Some("s3:GetObject".into()),
                resource: Some(format!("arn:aws:s3:::backups/{OLD_KEY}")),
            },
        ),
        (|s| s.server.copies = Copies::No, Kind::Unsupported),
        (|s| s.server.copies = Copies::Unheard, Kind::Unsupported),
    ];
    for (break_it, kind) in cases {
        let mut scenario = Scenario::backup(52 * UNIT, &[6, 7]);
        break_it(&mut scenario);
        let error = failed(&mut scenario);
        assert_eq!(error.kind, kind, "{error:?}");
        assert!(error.is_of_copy(), "{error:?}");
        assert!(scenario.server.uploads.is_empty(), "the upload is still there");
        assert_eq!(scenario.count("UploadPart"), 0, "nothing was sent in vain");
        // And so the full one.
        scenario.backup_job().base = None;
        scenario.producer.object.clear();
        done(&mut scenario);
    }
}

#[test]
fn a_provider_that_copies_nothing_is_not_asked_to() {
    for provider in [Provider::GoogleCloud, Provider::CloudflareR2] {
        let mut scenario = Scenario::backup(UNIT, &[6]);
        scenario.job.target.endpoint.provider = provider;
        assert_eq!(failed(&mut scenario).kind, Kind::Unsupported);
        assert!(scenario.server.calls.is_empty());
    }
}

#[test]
fn equal_parts_are_equal() {
    let mut scenario = Scenario::backup(52 * UNIT, &[]);
    scenario.job.target.endpoint.provider = Provider::CloudflareR2;
    scenario.job.target.region = Some(holdfast_core::name::Region::parse("us-east-1").unwrap());
    scenario.server.equal_parts = true;
    done(&mut scenario);
}

#[test]
fn a_server_that_takes_no_copies_beside_checksums_is_known_or_learned() {
    for provider in [Provider::Minio, Provider::Generic] {
        let mut scenario = Scenario::backup(17 * UNIT, &[6, 7]);
        scenario.job.target.endpoint.provider = provider;
        scenario.server.copies = Copies::NotWithChecksum;
        if provider == Provider::Minio {
            // Planned by the job itself: its quirk decides, not a journal.
            scenario.journal.push(Record::Completed { etag: String::new(), len: 0, crc64nvme: None, part_len: None });
            scenario.small_parts = false;
        }
        let report = done(&mut scenario);
        assert_eq!(report.proof.parts, Rung::ContentMd5);
        assert!(!report.proof.whole);
        let learned = provider == Provider::Generic;
        assert_eq!(scenario.remembered.no_copy_checksums, learned);
        assert_eq!(scenario.remembered.rung, None, "a first night may use more");
        assert_eq!(scenario.count("CreateMultipartUpload"), if learned { 2 } else { 1 });
        // What was learned is not asked again.
        let mut next = Scenario::backup(2 * UNIT, &[6]);
        next.job.target.endpoint.provider = provider;
        next.server.copies = Copies::NotWithChecksum;
        next.small_parts = false;
        next.remembered = scenario.remembered.clone();
        done(&mut next);
        assert_eq!(next.count("CreateMultipartUpload"), 1);
    }
}

#[test]
fn copies_without_a_checksum_leave_the_whole_to_its_size() {
    let mut scenario = Scenario::backup(17 * UNIT, &[6, 7]);
    scenario.server.copies = Copies::WithoutChecksum;
    let report = done(&mut scenario);
    assert_eq!((report.proof.parts, report.proof.whole, report.crc64nvme), (Rung::Crc64nvme, false, None));
}

#[test]
fn checksums_that_are_refused_cost_no_bytes_of_the_stream() {
    for copied in [&[][..], &[6]] {
        let mut scenario = Scenario::backup(17 * UNIT, copied);
        scenario.server.no_checksums = true;
        done(&mut scenario);
        assert_eq!(scenario.producer.runs, 1);
        assert_eq!(scenario.remembered.rung, Some(Rung::ContentMd5));
    }
}

#[test]
fn a_server_without_conditions_is_looked_at_before_the_end() {
    for (len, copied) in SHAPES {
        let mut scenario = Scenario::backup(len, copied);
        scenario.server.no_conditions = true;
        done(&mut scenario);
    }
}

#[test]
fn an_object_of_that_name_is_never_replaced() {
    for (len, copied) in SHAPES {
        let mut scenario = Scenario::backup(len, copied);
        let other = scenario.server.objects[OLD_KEY].clone();
        scenario.server.objects.insert(KEY.into(), other.clone());
        let error = failed(&mut scenario);
        assert_eq!(error.kind, Kind::AlreadyExists);
        assert!(!error.hint.unwrap().contains("overwrite"));
        assert_eq!(scenario.server.objects[KEY], other);
        assert_eq!(scenario.server.uploads.len(), 0);
    }
}

#[test]
fn a_lost_end_is_looked_up() {
    for denied in [vec![], vec!["HeadObject"]] {
        for copied in [&[][..], &[6]] {
            let complete = {
                let mut dry = Scenario::backup(12 * UNIT, copied);
                dry.server.denied.clone_from(&denied);
                dry.run();
                dry.server.calls.iter().position(|call| call == "CompleteMultipartUpload").unwrap()
            };
            let mut scenario = Scenario::backup(12 * UNIT, copied).with_fault(complete, Fault::LostAnswer);
            scenario.server.denied.clone_from(&denied);
            done(&mut scenario);
            assert_eq!(scenario.count("CompleteMultipartUpload"), 1);
        }
    }
}

#[test]
fn another_writers_moment_is_waited_for_and_then_the_parts_are_kept() {
    let complete = {
        let mut dry = Scenario::backup(12 * UNIT, &[6]);
        dry.run();
        dry.server.calls.iter().position(|call| call == "CompleteMultipartUpload").unwrap()
    };
    let mut scenario = Scenario::backup(12 * UNIT, &[6]);
    for call in complete..complete + 20 {
        scenario.server.faults.insert(call, Fault::Conflict);
    }
    let error = failed(&mut scenario);
    assert_eq!(error.kind, Kind::Unavailable, "{error:?}");
    scenario.server.faults.clear();
    let before = scenario.server.bytes_received;
    let report = done(&mut scenario);
    assert_eq!((scenario.server.bytes_received, report.bytes_kept), (before, 12 * UNIT as u64));
    assert_eq!(scenario.producer.begins, None, "the stream was whole");
}

#[test]
fn an_upload_that_goes_away_in_mid_run_asks_for_another_run() {
    let mut scenario = Scenario::backup(52 * UNIT, &[6]);
    let calls = {
        let mut dry = scenario.clone();
        dry.run();
        dry.server.calls
    };
    let fourth = calls.iter().enumerate().filter(|(_, call)| *call == "UploadPart").nth(3).unwrap().0;
    scenario.server.faults.insert(fourth, Fault::UploadGone);
    let error = failed(&mut scenario);
    assert_eq!(error.kind, Kind::NoSuchUpload);
    assert!(error.hint.unwrap().contains("run it again"));
    done(&mut scenario);
}

#[test]
fn a_stream_that_takes_an_hour_between_parts_costs_no_patience() {
    let mut scenario = Scenario::backup(52 * UNIT, &[]);
    scenario.producer.slow_ms = 3_600_000;
    scenario.backup_job().window = 1;
    for call in [4, 6, 8] {
        scenario.server.faults.insert(call, Fault::Unreachable);
    }
    done(&mut scenario);
}

#[test]
fn a_stream_longer_than_its_parts_ends_the_job() {
    let mut scenario = Scenario::backup(100_000 * UNIT, &[]);
    scenario.job.concurrency = 8;
    let schedule = holdfast_core::plan::Schedule { part_len: UNIT as u64, steady: 4, step: 1, parts: 6 };
    let (key, base) = (Key::parse(KEY).unwrap(), None);
    scenario.journal.push(Record::PlannedBackup { key, base, schedule, rung: Rung::Crc64nvme, at: scenario.now });
    let error = failed(&mut scenario);
    assert_eq!(error.kind, Kind::Source);
    assert!(scenario.server.uploads.is_empty());
    // Four, two and four units: exactly what there is room for.
    scenario.producer.len = 10 * UNIT;
    scenario.producer.object.clear();
    let (key, base) = (Key::parse(KEY).unwrap(), None);
    scenario.journal = vec![Record::PlannedBackup { key, base, schedule, rung: Rung::Crc64nvme, at: scenario.now }];
    done(&mut scenario);
}

#[test]
fn what_earlier_runs_left_is_aborted_first() {
    let mut scenario = interrupted(52 * UNIT, &[6], 4);
    let upload_id = scenario.server.uploads.keys().next().unwrap().clone();
    scenario.journal.clear();
    let (key, upload_id) = (Key::parse(KEY).unwrap(), UploadId::parse(&upload_id).unwrap());
    scenario.backup_job().orphans.push(Orphan { key, upload_id });
    scenario.producer.len = UNIT;
    done(&mut scenario);
    assert!(scenario.server.uploads.is_empty());
}

#[test]
fn a_base_that_cannot_be_copied_is_refused_before_anything_is_sent() {
    for parts in [vec![], vec![Extent { offset: 0, len: 0 }], vec![Extent { offset: 0, len: (5 << 30) + 1 }]] {
        let mut scenario = Scenario::backup(UNIT, &[6]);
        scenario.backup_job().base = Some(Base { key: Key::parse(OLD_KEY).unwrap(), etag: "e".into(), parts });
        assert_eq!(failed(&mut scenario).kind, Kind::Config);
        assert!(scenario.server.calls.is_empty());
    }
}
