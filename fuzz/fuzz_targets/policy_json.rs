//! Any bytes given as a policy: parsed, written and parsed again they are the same policy; linted
//! and judged they bring nothing down.

#![no_main]

use holdfast_core::iam::{
    evaluate::evaluate,
    lint::{Options, Source, lint},
    parse::{parse, parse_bytes},
    request::{Principal, Request},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let report = lint(&[Source { name: "policy.json", bytes }], &Options::default());
    assert!(!report.text().chars().any(|c| c.is_control() && c != '\n'));
    let Ok(policy) = parse_bytes(bytes) else { return };
    let written = serde_json::to_string(&policy).expect("a policy is JSON");
    let again = parse(&written).expect("what is written can be read");
    assert_eq!(serde_json::to_string(&again).expect("JSON"), written);
    let request = Request::get_object(&Principal::user("client1"), "backups", "home/client1/x");
    let _ = evaluate(&[policy], &request);
});
