//! Every client's newest backup: pages, parallel listings, denials, faults.

use std::collections::BTreeSet;

use holdfast_core::{
    error::{Error, Kind},
    event::Event,
    fleet::{Client, FleetReport, Freshness},
    job::{Fleet, Work},
    name::Prefix,
    report::{Outcome, Report},
};

use crate::{
    scenario::Scenario,
    sim_s3::{Fault, Object},
};

const HOUR_MS: u64 = 3_600_000;
const TODAY: &str = "2026-11-23T02:00:00.000Z";
const LAST_WEEK: &str = "2026-11-16T02:00:00.000Z";

fn fleet(prefix: &str, objects: &[(&str, &str)]) -> Scenario {
    let work = Fleet { prefix: Prefix::parse(prefix).unwrap(), max_age_ms: 26 * HOUR_MS, expected: BTreeSet::new() };
    let mut scenario = Scenario::of(Work::Fleet(work), Vec::new());
    for (key, date) in objects {
        put(&mut scenario, key, date);
    }
    scenario
}

fn put(scenario: &mut Scenario, key: &str, date: &str) {
    let object = Object { bytes: vec![0; key.len()], etag: "e".into(), headers: Vec::new(), crc64: None };
    scenario.server.objects.insert(key.to_owned(), object);
    scenario.server.dates.insert(key.to_owned(), date.to_owned());
}

/// Six clients: three fresh, of which one has many objects, two stale, one with nothing of its own.
fn mixed() -> Scenario {
    let mut scenario = fleet(
        "home/",
        &[
            ("home/a/1.zip", LAST_WEEK),
            ("home/a/2.zip", TODAY),
            ("home/a/3.zip", LAST_WEEK),
            ("home/b/2.zip", LAST_WEEK),
            ("home/b/holdfast-site.json", TODAY),
            ("home/b10/x/y.zip", TODAY),
            ("home/c/", TODAY),
            ("home/c/holdfast-site.json", TODAY),
            ("home/d/4.zip", LAST_WEEK),
            ("home/d/5.zip", "2026-11-22T09:59:59.000Z"),
            ("homely/e/1.zip", TODAY),
        ],
    );
    for n in 0..9 {
        put(&mut scenario, &format!("home/many/{n}.zip"), if n == 4 { TODAY } else { LAST_WEEK });
    }
    scenario
}

fn clients(scenario: &Scenario) -> Vec<&Client> {
    let mut clients: Vec<_> = scenario
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Client(client) => Some(client),
            _ => None,
        })
        .collect();
    clients.sort_by(|a, b| a.name.cmp(&b.name));
    clients
}

fn verdicts(scenario: &Scenario) -> Vec<(&str, Freshness, Option<&str>)> {
    clients(scenario)
        .into_iter()
        .map(|client| {
            (client.name.as_str(), client.freshness, client.newest.as_ref().map(|newest| newest.key.as_str()))
        })
        .collect()
}

#[track_caller]
fn done(outcome: Outcome) -> FleetReport {
    match outcome {
        Outcome::Done(Report::Fleet(report)) => report,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn failed(outcome: Outcome) -> Error {
    match outcome {
        Outcome::Failed(error) => error,
        other => panic!("{other:?}"),
    }
}

const MIXED: [(&str, Freshness, Option<&str>); 6] = [
    ("a", Freshness::Fresh, Some("home/a/2.zip")),
    ("b", Freshness::Stale, Some("home/b/2.zip")),
    ("b10", Freshness::Fresh, Some("home/b10/x/y.zip")),
    ("c", Freshness::NoBackup, None),
    ("d", Freshness::Stale, Some("home/d/5.zip")),
    ("many", Freshness::Fresh, Some("home/many/4.zip")),
];

#[test]
fn each_client_is_judged_by_its_newest_backup() {
    let mut scenario = mixed();
    let report = done(scenario.run());
    assert_eq!(verdicts(&scenario), MIXED);
    assert_eq!((report.clients, report.fresh, report.stale, report.no_backup), (6, 3, 2, 1));
    assert_eq!((report.backups, report.strays, report.is_well()), (16, 0, false));
    assert_eq!(clients(&scenario)[0].newest.as_ref().unwrap().age_ms, 10 * HOUR_MS + 1, "noon, and a moment");
}

#[test]
fn every_fault_at_every_call_changes_nothing() {
    let mut without = mixed();
    without.run();
    for call in 0..without.server.calls.len() {
        for fault in Fault::ALL.into_iter().filter(|fault| fault.must_be_survived() && fault.is_of_reading()) {
            let mut scenario = mixed().with_fault(call, fault);
            let report = done(scenario.run());
            assert_eq!(verdicts(&scenario), MIXED, "{fault:?} at {call}");
            assert_eq!(report.backups, 16, "{fault:?} at {call}");
        }
    }
}

#[test]
fn a_denial_at_any_call_is_told_of_one_client_or_of_all() {
    let mut without = mixed();
    without.run();
    for call in 0..without.server.calls.len() {
        let mut scenario = mixed().with_fault(call, Fault::Denied);
        match scenario.run() {
            Outcome::Done(Report::Fleet(report)) => assert_eq!((report.clients, report.unreadable), (6, 1), "{call}"),
            Outcome::Failed(error) => assert!(matches!(error.kind, Kind::AccessDenied { .. }), "{call}: {error:?}"),
            other => panic!("{call}: {other:?}"),
        }
    }
}

#[test]
fn no_more_travels_at_a_time_than_the_job_allows() {
    for concurrency in [1, 3, 8] {
        let mut scenario = fleet("home/", &[]);
        scenario.job.concurrency = concurrency;
        for client in 0..50 {
            for n in 0..5 {
                put(&mut scenario, &format!("home/client{client:03}/{n}.zip"), TODAY);
            }
        }
        let report = done(scenario.run());
        assert_eq!((report.clients, report.fresh, report.backups), (50, 50, 250));
        assert_eq!(scenario.most_in_flight, concurrency as usize);
        assert_eq!(scenario.server.calls.len(), 25 + 50 * 3);
    }
}

#[test]
fn thousands_of_clients_and_thousands_of_objects() {
    let mut scenario = fleet("home/", &[]);
    scenario.server.page_len = 1_000;
    for client in 0..2_500 {
        put(&mut scenario, &format!("home/client{client:05}/1.zip"), TODAY);
    }
    for n in 0..3_000 {
        put(&mut scenario, &format!("home/large/{n:04}.zip"), if n == 1_234 { TODAY } else { LAST_WEEK });
    }
    let report = done(scenario.run());
    assert_eq!((report.clients, report.fresh, report.backups), (2_501, 2_501, 5_500));
    let large = clients(&scenario)[2_500];
    assert_eq!((large.backups, large.newest.as_ref().unwrap().key.as_str()), (3_000, "home/large/1234.zip"));
    assert_eq!(scenario.server.calls.len(), 3 + 2_500 + 3);
}

#[test]
fn a_client_that_may_not_be_listed_is_told_and_the_others_go_on() {
    let mut scenario = mixed();
    scenario.server.denied_prefixes = vec!["home/b/".into()];
    let report = done(scenario.run());
    assert_eq!((report.clients, report.unreadable, report.stale), (6, 1, 1));
    let client = clients(&scenario)[1];
    let error = client.error.as_ref().unwrap();
    assert_eq!((client.name.as_str(), client.freshness), ("b", Freshness::Unreadable));
    assert_eq!(error.what, "cannot list s3://backups/home/b/");
    assert!(error.hint.as_ref().unwrap().contains("s3:ListBucket"), "{error:?}");
}

#[test]
fn a_denied_root_names_the_policy_to_generate() {
    let mut scenario = mixed();
    scenario.server.denied_prefixes = vec!["home/".into()];
    let error = failed(scenario.run());
    assert_eq!((error.kind.exit_code(), error.what.as_str()), (12, "cannot list s3://backups/home/"));
    let hint = error.hint.unwrap();
    assert!(hint.contains("policy generate fleet --bucket backups --prefix 'home/${aws:username}/'"), "{hint}");
}

#[test]
fn a_network_that_is_gone_is_no_fault_of_one_client() {
    let mut scenario = mixed();
    scenario.job.patience_ms = 10_000;
    for call in 5..100 {
        scenario = scenario.with_fault(call, Fault::Unreachable);
    }
    assert_eq!(failed(scenario.run()).kind.exit_code(), 14);
}

#[test]
fn whoever_was_to_be_there_and_is_not_is_missing() {
    let mut scenario = mixed();
    let Work::Fleet(work) = &mut scenario.job.work else { panic!("a fleet") };
    work.expected = ["a", "b1", "zeta"].map(str::to_owned).into();
    let report = done(scenario.run());
    assert_eq!((report.clients, report.missing), (8, 2));
    let missing = clients(&scenario).into_iter().filter(|client| client.freshness == Freshness::Missing);
    assert_eq!(missing.map(|client| client.name.as_str()).collect::<Vec<_>>(), ["b1", "zeta"]);
}

#[test]
fn an_empty_fleet_is_not_well() {
    let mut scenario = fleet("nobody/", &[("nobody/here.zip", TODAY), ("home/a/1.zip", TODAY)]);
    let report = done(scenario.run());
    assert_eq!((report.clients, report.strays, report.is_well()), (0, 1, false));
}

#[test]
fn clients_may_be_at_the_root_of_the_bucket() {
    let mut scenario = fleet("", &[("a/1.zip", TODAY), ("b/1.zip", TODAY), ("readme.txt", TODAY)]);
    let report = done(scenario.run());
    assert!(report.is_well());
    assert_eq!((report.clients, report.strays), (2, 1));
}

#[test]
fn ages_are_by_the_servers_clock() {
    // Ours is a day behind: by it, the backup is of tomorrow; it is 27 hours old.
    let mut scenario = fleet("home/", &[("home/a/1.zip", "2026-11-23T09:00:00.000Z")]);
    scenario.server.clock_ahead_ms = 24 * HOUR_MS;
    let report = done(scenario.run());
    assert_eq!((report.stale, report.clients), (1, 1));
    assert_eq!(report.clock_offset_ms.unwrap() / 1_000, 86_399, "a date has whole seconds");
    let age_ms = clients(&scenario)[0].newest.as_ref().unwrap().age_ms;
    assert!((27 * HOUR_MS - 1_000..27 * HOUR_MS + 1_000).contains(&age_ms), "{age_ms}");
}
