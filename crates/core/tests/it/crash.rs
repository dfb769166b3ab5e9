//! The power fails after every single step, and the next run finishes the job.

use holdfast_core::report::Outcome;

use crate::scenario::{KEY, Scenario, UNIT};

#[test]
fn a_crash_after_any_step_costs_nothing_but_time() {
    for len in [UNIT, 17 * UNIT] {
        for lossy in [false, true] {
            let mut step = 0;
            loop {
                let mut scenario = Scenario::upload(len);
                scenario.lossy = lossy;
                if scenario.run_until(step).is_some() {
                    break;
                }
                let what = format!("{len} bytes, crash after step {step}, lossy {lossy}");
                let there = scenario.server.objects.get(KEY).cloned();
                assert!(there.is_none_or(|object| object.bytes == scenario.source), "{what}");
                let outcome = scenario.run();
                assert!(matches!(outcome, Outcome::Done(_)), "{what}: {outcome:?}");
                assert!(scenario.stored(), "{what}");
                assert_eq!(scenario.orphans(), 0, "{what}: parts are left behind");
                step += 1;
            }
            assert!(step > 5, "the job has {step} steps only");
        }
    }
}

#[test]
fn a_crash_of_the_run_after_the_crash() {
    for first in (0..60).step_by(7) {
        for second in (0..60).step_by(5) {
            let mut scenario = Scenario::upload(17 * UNIT);
            scenario.lossy = true;
            if scenario.run_until(first).is_some() || scenario.run_until(second).is_some() {
                continue;
            }
            let outcome = scenario.run();
            assert!(matches!(outcome, Outcome::Done(_)), "{first}, {second}: {outcome:?}");
            assert!(scenario.stored());
            assert_eq!(scenario.orphans(), 0);
        }
    }
}

#[test]
fn parts_that_arrived_do_not_travel_again() {
    let mut scenario = Scenario::upload(52 * UNIT);
    let mut step = 0;
    // Until half the parts have been written down.
    loop {
        let mut probe = Scenario::upload(52 * UNIT);
        assert!(probe.run_until(step).is_none(), "it does not get that far");
        let parts = probe.journal.iter().filter(|r| matches!(r, holdfast_core::journal::Record::Part { .. }));
        if parts.count() == 5 {
            break;
        }
        step += 1;
    }
    scenario.run_until(step);
    let before = scenario.count("UploadPart");
    let Outcome::Done(holdfast_core::report::Report::Upload(report)) = scenario.run() else { panic!("done") };
    assert_eq!(report.bytes_kept, 5 * 5 * UNIT as u64);
    assert_eq!(report.bytes_sent + report.bytes_kept, 52 * UNIT as u64);
    assert_eq!(scenario.count("UploadPart") - before, 11 - 5);
}
