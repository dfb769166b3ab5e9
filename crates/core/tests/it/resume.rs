//! What an earlier run left is checked before it is believed.

use holdfast_core::{
    error::Kind,
    event::Event,
    journal::Record,
    report::{Outcome, Report},
};

use crate::scenario::{KEY, Scenario, UNIT, bytes, kept};

/// An upload that stopped when `parts` of its parts had been written down.
fn interrupted(len: usize, parts: usize) -> Scenario {
    for step in 0.. {
        let mut scenario = Scenario::upload(len);
        assert!(scenario.run_until(step).is_none(), "it does not get that far");
        let written = scenario.journal.iter().filter(|record| matches!(record, Record::Part { .. }));
        if written.count() == parts {
            return scenario;
        }
    }
    unreachable!("one of them fits")
}

fn done(scenario: &mut Scenario) {
    let outcome = scenario.run();
    assert!(matches!(outcome, Outcome::Done(Report::Upload(_))), "{outcome:?}");
    assert!(scenario.stored());
    assert_eq!(scenario.orphans(), 0);
}

#[test]
fn a_part_that_changed_here_is_sent_again() {
    let mut scenario = interrupted(27 * UNIT, 4);
    scenario.source[6 * UNIT] ^= 1; // in part 2
    done(&mut scenario);
    assert_eq!(kept(&scenario.events), Some(3));
}

#[test]
fn a_part_that_the_server_has_otherwise_is_sent_again() {
    let mut scenario = interrupted(27 * UNIT, 4);
    let upload = scenario.server.uploads.values_mut().next().unwrap();
    upload.parts.insert(1, (bytes(5 * UNIT), "0".repeat(32)));
    upload.parts.remove(&3);
    done(&mut scenario);
    assert_eq!(kept(&scenario.events), Some(2));
}

#[test]
fn without_permission_to_list_parts_the_journal_and_a_fresh_checksum_are_enough() {
    let mut scenario = interrupted(27 * UNIT, 4);
    scenario.server.denied = vec!["ListParts"];
    done(&mut scenario);
    assert_eq!(kept(&scenario.events), Some(4));
}

#[test]
fn a_part_that_is_missing_at_the_end_is_found_and_sent() {
    let mut scenario = interrupted(27 * UNIT, 4);
    scenario.server.denied = vec!["ListParts"];
    scenario.server.uploads.values_mut().next().unwrap().parts.remove(&2);
    // Complete answers InvalidPart, and nobody may list which part it is: that is an error, nothing
    // is stored, and the next run begins anew.
    let Outcome::Failed(error) = scenario.run() else { panic!("a part is missing") };
    assert_eq!(error.kind, Kind::Integrity);
    assert!(!scenario.server.objects.contains_key(KEY));
    scenario.upload_job().part_len = None;
    done(&mut scenario);
    // With permission it is found.
    let mut scenario = interrupted(27 * UNIT, 4);
    scenario.server.uploads.values_mut().next().unwrap().parts.remove(&2);
    done(&mut scenario);
}

#[test]
fn an_upload_that_is_gone_begins_again() {
    let mut scenario = interrupted(27 * UNIT, 4);
    scenario.server.uploads.clear();
    done(&mut scenario);
    assert!(scenario.events.iter().any(|event| matches!(event, Event::StartedAfresh { .. })));
}

#[test]
fn an_upload_that_is_about_to_expire_is_given_up() {
    let mut scenario = interrupted(27 * UNIT, 4);
    for record in &mut scenario.journal {
        if let Record::Created { abort_at, .. } = record {
            *abort_at = Some(scenario.now.plus(60_000));
        }
    }
    done(&mut scenario);
    assert_eq!(scenario.count("CreateMultipartUpload"), 2);
    assert!(scenario.server.uploads.is_empty(), "the old one was aborted");
}

#[test]
fn another_part_length_does_not_disturb_an_upload_that_has_begun() {
    let mut scenario = interrupted(27 * UNIT, 4);
    scenario.upload_job().part_len = Some(9 << 20);
    done(&mut scenario);
    assert_eq!(kept(&scenario.events), Some(4));
    assert!(scenario.events.iter().any(|event| matches!(event, Event::Warning(_))));
}

#[test]
fn another_archive_begins_again_and_takes_the_old_parts_away() {
    let mut scenario = interrupted(27 * UNIT, 4);
    scenario.source = bytes(22 * UNIT);
    scenario.upload_job().len = 22 * UNIT as u64;
    scenario.upload_job().part_len = None;
    done(&mut scenario);
    assert!(scenario.server.uploads.is_empty());
}

#[test]
fn an_upload_that_had_ended_is_recognised() {
    for len in [UNIT, 12 * UNIT] {
        let mut scenario = Scenario::upload(len);
        scenario.run();
        // The end was not written down.
        while !matches!(scenario.journal.last(), Some(Record::Completing { .. })) {
            scenario.journal.pop();
        }
        let before = scenario.server.calls.len();
        done(&mut scenario);
        // The abort is for an upload that a restart may have left; mostly there is none.
        let calls: &[&str] = if len == UNIT { &["HeadObject"] } else { &["HeadObject", "AbortMultipartUpload"] };
        assert_eq!(scenario.server.calls[before..], *calls);
    }
}

#[test]
fn cancelling_keeps_or_aborts_as_it_was_told() {
    use holdfast_core::abi::{AfterCancel, Frame, Input, Session};
    for then in [AfterCancel::Keep, AfterCancel::Abort] {
        // The session is driven by hand from here: cancelling is an input like any other.
        let mut session = holdfast_core::session::S3Session::new();
        let scenario = interrupted(27 * UNIT, 4);
        let start = Input::Start {
            now: scenario.now,
            seed: 1,
            job: Box::new(scenario.job.clone()),
            credentials: None,
            journal: scenario.journal.clone(),
            remembered: Default::default(),
        };
        let say = |session: &mut holdfast_core::session::S3Session, header| {
            session.handle(&Frame { header, body: Vec::new() }).unwrap().header
        };
        say(&mut session, start);
        let cancel = Input::Cancel { now: scenario.now, then, reason: "enough".into() };
        let outputs = say(&mut session, cancel);
        let aborts = outputs.iter().any(|output| {
            matches!(output, holdfast_core::abi::Output::Request(request) if request.method == holdfast_core::abi::Method::Delete)
        });
        let over = outputs.iter().any(|output| matches!(output, holdfast_core::abi::Output::Done(_)));
        assert_eq!((aborts, over), (then == AfterCancel::Abort, then == AfterCancel::Keep));
    }
}
