//! Deleting, and what to say of what stays.

use holdfast_core::{
    error::{Error, Kind},
    event::Event,
    job::{Remove, Work},
    name::Key,
    report::{Outcome, Report},
};

use crate::{
    scenario::Scenario,
    sim_s3::{Fault, Object},
};

const LOCKED: &str = "Object is WORM protected and cannot be overwritten";

fn remove(count: usize) -> Scenario {
    let keys: Vec<Key> = (0..count).map(|n| Key::parse(format!("home/client1/{n}.zip")).unwrap()).collect();
    let mut scenario = Scenario::of(Work::Remove(Remove { keys: keys.clone() }), Vec::new());
    for key in keys.iter().map(Key::as_str).chain(["home/client1/another.zip"]) {
        let object = Object { bytes: vec![1], etag: "e".to_owned(), headers: Vec::new(), crc64: None };
        scenario.server.objects.insert(key.to_owned(), object);
    }
    scenario
}

fn report(outcome: Outcome) -> (u64, u64) {
    match outcome {
        Outcome::Done(Report::Remove { removed, failed }) => (removed, failed),
        other => panic!("{other:?}"),
    }
}

fn told(scenario: &Scenario) -> Vec<&str> {
    let mut keys = Vec::new();
    for event in &scenario.events {
        if let Event::Removed { key, .. } = event {
            keys.push(key.as_str());
        }
    }
    keys
}

fn warnings(scenario: &Scenario) -> Vec<&Error> {
    let mut errors = Vec::new();
    for event in &scenario.events {
        if let Event::Warning(error) = event {
            errors.push(error);
        }
    }
    errors
}

#[test]
fn each_key_goes_and_nothing_else() {
    let mut scenario = remove(9);
    assert_eq!(report(scenario.run()), (9, 0));
    assert_eq!(scenario.server.objects.keys().collect::<Vec<_>>(), ["home/client1/another.zip"]);
    assert_eq!(told(&scenario).len(), 9);
    assert!((2..=4).contains(&scenario.most_in_flight), "{}", scenario.most_in_flight);
    assert_eq!(report(remove(0).run()), (0, 0));
}

#[test]
fn what_is_gone_already_is_gone() {
    let mut scenario = remove(3);
    scenario.server.objects.clear();
    assert_eq!(report(scenario.run()), (3, 0));
}

#[test]
fn the_same_denial_three_times_is_the_policys() {
    let mut scenario = remove(50);
    scenario.server.denied = vec!["DeleteObject"];
    assert_eq!(report(scenario.run()), (0, 50));
    let asked = scenario.count("DeleteObject");
    assert!((3..=6).contains(&asked), "{asked}");
    let warnings = warnings(&scenario);
    assert_eq!(warnings.len(), asked + 1);
    let Kind::AccessDenied { action, resource } = &warnings[0].kind else { panic!("{:?}", warnings[0]) };
    assert_eq!(action.as_deref(), Some("s3:DeleteObject"));
    assert_eq!(resource.as_deref(), Some("arn:aws:s3:::backups/home/client1/0.zip"));
    assert!(warnings[0].hint.as_ref().unwrap().contains("`s3:DeleteObject`"), "{:?}", warnings[0].hint);
    assert!(warnings[asked].what.starts_with(&format!("{} more objects were not tried", 50 - asked)));
}

#[test]
fn amazons_denials_are_the_same_though_each_names_its_key() {
    let mut scenario = remove(50);
    for key in scenario.server.objects.keys().cloned().collect::<Vec<_>>() {
        let words = format!(
            "User: arn:aws:iam::1:user/c is not authorized to perform: s3:DeleteObject on resource: \
             \"arn:aws:s3:::backups/{key}\" because no identity-based policy allows the s3:DeleteObject action"
        );
        scenario.server.undeletable.insert(key, words);
    }
    assert_eq!(report(scenario.run()), (0, 50));
    assert!(scenario.count("DeleteObject") <= 6);
}

#[test]
fn what_is_locked_stays_and_the_others_go() {
    let mut scenario = remove(20);
    for n in 0..10 {
        scenario.server.undeletable.insert(format!("home/client1/{n}.zip"), LOCKED.to_owned());
    }
    assert_eq!(report(scenario.run()), (10, 10));
    let warnings = warnings(&scenario);
    assert_eq!(warnings.len(), 10);
    for warning in warnings {
        assert_eq!(warning.kind, Kind::AccessDenied { action: None, resource: None });
        assert!(warning.hint.as_ref().unwrap().contains("retention"), "{warning:?}");
    }
}

#[test]
fn a_server_that_cannot_be_reached_is_no_matter_of_one_key() {
    let mut scenario = remove(3);
    scenario.job.patience_ms = 0;
    scenario.server.faults.insert(0, Fault::Unreachable);
    let Outcome::Failed(error) = scenario.run() else { panic!("nothing was reached") };
    assert_eq!(error.kind, Kind::Unreachable);
}

#[test]
fn every_fault_at_every_call() {
    for call in 0..5 {
        for fault in Fault::ALL {
            let mut scenario = remove(5).with_fault(call, fault);
            let (removed, failed) = match scenario.run() {
                // An account that is full is no matter of one key.
                Outcome::Failed(error) => {
                    assert_eq!((fault, &error.kind), (Fault::Quota, &Kind::QuotaExceeded), "{call}: {error:?}");
                    continue;
                }
                done => report(done),
            };
            assert_eq!(removed + failed, 5, "{fault:?} at {call}");
            assert!(failed == 0 || !fault.must_be_survived(), "{fault:?} at {call}");
            assert_eq!(told(&scenario).len() as u64, removed);
            assert_eq!(scenario.server.objects.len() as u64, 1 + failed);
        }
    }
}
