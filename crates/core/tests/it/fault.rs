//! Every fault at every call: the archive arrives to the byte, or the error is clear and nothing
//! half done is called done.

use holdfast_core::{
    error::Kind,
    report::{Outcome, Report},
};

use crate::{
    scenario::{KEY, NOON, Scenario, UNIT},
    sim_s3::Fault,
};

fn calls_without_fault(len: usize) -> usize {
    let mut scenario = Scenario::upload(len);
    scenario.run();
    scenario.server.calls.len()
}

/// Done means stored, whole and without leftovers; failed means that nothing is there.
fn judge(scenario: &Scenario, outcome: &Outcome, what: &str) {
    match outcome {
        Outcome::Done(Report::Upload(_)) => {
            assert!(scenario.stored(), "{what}: called done and is not whole");
            assert_eq!(scenario.orphans(), 0, "{what}: parts are left behind");
        }
        Outcome::Done(other) => panic!("{what}: {other:?}"),
        Outcome::Failed(error) => {
            let there = scenario.server.objects.get(KEY);
            assert!(
                there.is_none_or(|object| object.bytes == scenario.source),
                "{what}: half an archive is in the bucket"
            );
            assert!(!matches!(error.kind, Kind::Bug | Kind::Malformed), "{what}: {error:?}");
            assert!(!error.what.is_empty());
        }
    }
}

#[test]
fn every_fault_at_every_call_of_an_upload() {
    for len in [UNIT, 12 * UNIT] {
        for call in 0..calls_without_fault(len) {
            for fault in Fault::ALL {
                let what = format!("{fault:?} at call {call} of {len} bytes");
                let mut scenario = Scenario::upload(len).with_fault(call, fault);
                let outcome = scenario.run();
                judge(&scenario, &outcome, &what);
                if fault.must_be_survived() {
                    assert!(matches!(outcome, Outcome::Done(_)), "{what}: {outcome:?}\n{:?}", scenario.server.calls);
                }
                if let Outcome::Failed(_) = outcome {
                    // Whatever stopped it, the next run gets there, or says that it is there.
                    let outcome = scenario.run();
                    judge(&scenario, &outcome, &format!("{what}, again"));
                    assert!(scenario.stored(), "{what}, again: {outcome:?}");
                }
            }
        }
    }
}

#[test]
fn two_faults_in_a_row() {
    let len = 7 * UNIT;
    let survivable = || Fault::ALL.into_iter().filter(|fault| fault.must_be_survived());
    for call in 0..calls_without_fault(len) {
        for first in survivable() {
            for second in survivable() {
                let what = format!("{first:?} at call {call}, then {second:?}");
                let mut scenario = Scenario::upload(len).with_fault(call, first).with_fault(call + 1, second);
                let outcome = scenario.run();
                judge(&scenario, &outcome, &what);
            }
        }
    }
}

#[test]
fn a_server_that_repeats_completes_is_as_good_as_one_that_forgets_them() {
    for forgets in [true, false] {
        let calls = calls_without_fault(12 * UNIT);
        for call in 0..calls {
            let mut scenario = Scenario::upload(12 * UNIT).with_fault(call, Fault::LostAnswer);
            scenario.server.forgets_completed = forgets;
            assert!(matches!(scenario.run(), Outcome::Done(_)), "lost at {call}");
            assert!(scenario.stored());
        }
    }
}

#[test]
fn a_lost_end_is_looked_up_in_the_listing_where_nothing_else_is_allowed() {
    let mut scenario = Scenario::upload(12 * UNIT);
    scenario.server.denied = vec!["HeadObject"];
    let complete = {
        let mut dry = Scenario::upload(12 * UNIT);
        dry.server.denied = vec!["HeadObject"];
        dry.run();
        dry.server.calls.iter().position(|call| call == "CompleteMultipartUpload").unwrap()
    };
    scenario.server.faults.insert(complete, Fault::LostAnswer);
    assert!(matches!(scenario.run(), Outcome::Done(_)));
    assert_eq!(scenario.count("CompleteMultipartUpload"), 1);
}

#[test]
fn a_lost_end_that_nobody_may_look_up_is_called_unconfirmed() {
    let denied = vec!["HeadObject", "ListObjectsV2", "ListParts"];
    let complete = {
        let mut dry = Scenario::upload(12 * UNIT);
        dry.server.denied.clone_from(&denied);
        dry.run();
        dry.server.calls.iter().position(|call| call == "CompleteMultipartUpload").unwrap()
    };
    let mut scenario = Scenario::upload(12 * UNIT).with_fault(complete, Fault::LostAnswer);
    scenario.server.denied = denied;
    let Outcome::Failed(error) = scenario.run() else { panic!("nobody can know") };
    assert_eq!(error.kind, Kind::Unconfirmed);
    assert!(error.hint.unwrap().contains("s3:GetObject"));
}

#[test]
fn patience_has_an_end_and_the_next_run_continues() {
    let mut scenario = Scenario::upload(27 * UNIT);
    // Everything from the sixth call on fails, for longer than anyone waits.
    for call in 5..5_000 {
        scenario.server.faults.insert(call, Fault::Unreachable);
    }
    let Outcome::Failed(error) = scenario.run() else { panic!("nothing gets through") };
    assert_eq!(error.kind, Kind::Unreachable);
    let waited = scenario.now.since(NOON);
    assert!((600_000..=1_000_000).contains(&waited), "gave up after {waited} ms");
    scenario.server.faults.clear();
    assert!(matches!(scenario.run(), Outcome::Done(_)));
    assert!(scenario.stored());
    assert!(crate::scenario::kept(&scenario.events).is_some_and(|kept| kept > 0));
}

#[test]
fn an_endpoint_that_never_answers_is_given_a_minute() {
    let mut scenario = Scenario::upload(UNIT);
    for call in 0..1_000 {
        scenario.server.faults.insert(call, Fault::Unreachable);
    }
    let Outcome::Failed(error) = scenario.run() else { panic!("nothing gets through") };
    assert_eq!(error.kind, Kind::Unreachable);
    assert!(scenario.now.since(NOON) <= 61_000);
}

#[test]
fn keys_that_expired_are_renewed_once_for_all_requests_under_way() {
    let mut scenario = Scenario::upload(27 * UNIT);
    for call in 3..6 {
        scenario.server.faults.insert(call, Fault::ExpiredToken);
    }
    assert!(matches!(scenario.run(), Outcome::Done(_)));
    assert!((1..=3).contains(&scenario.renewals), "{}", scenario.renewals);
}
