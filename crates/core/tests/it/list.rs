//! Listing, page by page.

use holdfast_core::{
    event::Event,
    job::{List, Work},
    name::Prefix,
    report::{Outcome, Report},
};

use crate::{
    scenario::Scenario,
    sim_s3::{Fault, Object},
};

fn listing(keys: &[&str]) -> Scenario {
    let work = Work::List(List { prefix: Prefix::parse("home/client1/").unwrap(), shallow: false });
    let mut scenario = Scenario::of(work, Vec::new());
    for key in keys {
        let object = Object { bytes: vec![0; key.len()], etag: "e".into(), headers: Vec::new(), crc64: None };
        scenario.server.objects.insert((*key).to_owned(), object);
    }
    scenario
}

fn keys(scenario: &Scenario) -> Vec<String> {
    scenario
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Entry(entry) => Some(entry.key.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn every_page_is_read_and_nobody_elses() {
    let mut scenario =
        listing(&["home/client1/a", "home/client1/b", "home/client1/c", "home/client1/d", "home/client10/x"]);
    let outcome = scenario.run();
    assert_eq!(outcome, Outcome::Done(Report::List { objects: 4, bytes: 4 * 14 }));
    assert_eq!(keys(&scenario), ["home/client1/a", "home/client1/b", "home/client1/c", "home/client1/d"]);
    assert_eq!(scenario.server.calls.len(), 2);
}

#[test]
fn a_fault_between_pages_repeats_no_entry() {
    for call in 0..2 {
        for fault in Fault::ALL.into_iter().filter(|fault| fault.must_be_survived()) {
            if matches!(fault, Fault::Conflict) {
                continue; // No listing is answered so.
            }
            let mut scenario = listing(&["home/client1/a", "home/client1/b", "home/client1/c"]).with_fault(call, fault);
            assert!(matches!(scenario.run(), Outcome::Done(_)), "{fault:?} at {call}");
            assert_eq!(keys(&scenario).len(), 3, "{fault:?} at {call}");
        }
    }
}
