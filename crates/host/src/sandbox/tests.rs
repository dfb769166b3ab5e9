//! Modules that misbehave (`tests/hostile/modules`), on both backends.

use std::time::{Duration, Instant};

use holdfast_core::{
    abi::{Frame, Input, Millis, Session as _},
    secret::{Credentials, Secret},
};

use super::*;

const BACKENDS: [Backend; 2] = [Backend::Native, Backend::Pulley];
const SECRET: &str = "sentinel/secret+key";

/// Enough for the interpreter in a debug build.
const LIMITS: Limits = Limits { memory_len: 64 << 20, call: Duration::from_secs(60) };
const BRIEF: Limits = Limits { memory_len: 64 << 20, call: Duration::from_millis(200) };

fn start(backend: Backend, name: &str) -> Result<WasmSession, SandboxError> {
    start_with(LIMITS, backend, name)
}

fn start_with(limits: Limits, backend: Backend, name: &str) -> Result<WasmSession, SandboxError> {
    let module = holdfast_hostile::module(name);
    let engine = engine(backend).expect("an engine");
    let image = match backend {
        Backend::Native => module.native,
        Backend::Pulley => module.pulley,
    };
    let module = load(&engine, image).expect(name);
    WasmSession::start(&engine, &module, backend, limits, 1)
}

fn tick() -> Frame<Input> {
    Frame { header: Input::Tick { now: Millis(1) }, body: Vec::new() }
}

fn credentials() -> Frame<Input> {
    let credentials = Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: Secret::new(SECRET.to_owned()),
        session_token: Some(Secret::new("sentinel/token".to_owned())),
        expires_at: None,
    };
    Frame { header: Input::Credentials { now: Millis(1), credentials: Some(credentials) }, body: Vec::new() }
}

/// The error of the first call, after which the session must be dead.
fn fault(backend: Backend, name: &str, input: &Frame<Input>) -> SandboxError {
    fault_of(start(backend, name).expect(name), name, input)
}

fn fault_of(mut session: WasmSession, name: &str, input: &Frame<Input>) -> SandboxError {
    let error = session.call(input).expect_err(name);
    assert_eq!(session.call(&tick()), Err(SandboxError::Dead(Box::new(error.clone()))), "{name}");
    assert!(session.handle(&tick()).is_err());
    error
}

fn broken(backend: Backend, name: &str) -> String {
    match fault(backend, name, &tick()) {
        SandboxError::Broken(what) => what,
        other => panic!("{name}: {other}"),
    }
}

fn said(backend: Backend, name: &str, input: &Frame<Input>) -> String {
    match fault(backend, name, input) {
        SandboxError::Stopped { said, .. } => said,
        other => panic!("{name}: {other}"),
    }
}

#[test]
fn one_that_behaves_is_heard() {
    for backend in BACKENDS {
        let mut session = start(backend, "well_behaved").expect("starts");
        for _ in 0..3 {
            assert_eq!(session.call(&tick()), Ok(Frame { header: vec![], body: vec![] }));
        }
    }
}

#[test]
fn a_call_without_end_meets_the_deadline() {
    for backend in BACKENDS {
        let begun = Instant::now();
        let session = start_with(BRIEF, backend, "loops").expect("starts");
        assert_eq!(fault_of(session, "loops", &tick()), SandboxError::Deadline(BRIEF.call));
        let session = start_with(BRIEF, backend, "loops_at_start");
        assert_eq!(session.err(), Some(SandboxError::Deadline(BRIEF.call)));
        let took = begun.elapsed();
        assert!(took >= 2 * BRIEF.call && took < Duration::from_secs(30), "{took:?}");
    }
}

#[test]
fn the_deadline_is_of_each_call_anew() {
    let mut session = start_with(BRIEF, Backend::Native, "well_behaved").expect("starts");
    for _ in 0..5 {
        std::thread::sleep(BRIEF.call / 2);
        assert!(session.call(&tick()).is_ok());
    }
}

#[test]
fn memory_ends_at_the_cap() {
    for backend in BACKENDS {
        let mut session = start(backend, "grows").expect("starts");
        assert!(session.call(&tick()).is_ok());
        assert_eq!(session.memory_len(), LIMITS.memory_len);
        for name in ["begins_large", "large_table"] {
            assert!(matches!(start(backend, name), Err(SandboxError::Stopped { .. })), "{name}");
        }
    }
}

#[test]
fn an_answer_lies_within_memory_and_within_bounds() {
    for backend in BACKENDS {
        for (name, why) in [
            ("answers_outside", "outside its memory"),
            ("answers_past_the_end_of_addresses", "outside its memory"),
            ("answers_too_long", "longer than"),
            ("answers_nothing", "cannot be read"),
            ("lies_about_its_header", "ends before its header does"),
            ("announces_a_large_header", "header of 16777216 bytes"),
            ("says_something_else", "is no list of outputs"),
            ("says_too_much", "more than 10000 outputs"),
            ("nests", "is no list of outputs"),
            ("names_a_body_it_has_not", "4294967295 bytes at 4"),
        ] {
            let what = broken(backend, name);
            assert!(what.contains(why), "{name}: {what}");
            assert!(!what.contains("sentinel"), "{name}: {what}");
        }
    }
}

#[test]
fn a_buffer_it_gives_lies_within_memory() {
    for backend in BACKENDS {
        for name in ["allocates_nothing", "allocates_outside", "allocates_the_end"] {
            assert!(broken(backend, name).contains("no room"), "{name}");
        }
    }
}

#[test]
fn another_seam_is_refused_before_the_first_input() {
    for backend in BACKENDS {
        assert_eq!(start(backend, "other_version").err(), Some(SandboxError::Version(2)));
        for name in ["no_version", "version_of_another_type"] {
            assert_eq!(start(backend, name).err(), Some(SandboxError::Export("abi_version_1")), "{name}");
        }
    }
}

#[test]
fn an_import_that_reaches_outside_is_refused_before_instantiation() {
    let forbidden: Vec<_> = holdfast_hostile::MODULES.iter().filter(|module| module.name.contains('.')).collect();
    assert_eq!(forbidden.len(), 9);
    for module in forbidden {
        for backend in BACKENDS {
            assert_eq!(start(backend, module.name).err(), Some(SandboxError::Import(module.name.to_owned())));
        }
    }
}

#[test]
fn a_trap_ends_the_session_and_not_the_process() {
    for backend in BACKENDS {
        for (name, why) in [("traps", "unreachable"), ("recurses", "call stack exhausted"), ("exits", "exit status 0")]
        {
            match fault(backend, name, &tick()) {
                SandboxError::Stopped { what, .. } => assert!(what.contains(why), "{name}: {what}"),
                other => panic!("{name}: {other}"),
            }
        }
    }
}

#[test]
fn last_words_are_told_on_one_line_without_escapes() {
    for backend in BACKENDS {
        let said = said(backend, "panics", &tick());
        assert_eq!(said, "thread 'main' panicked at src/lib.rs:1: the sky [31m fell");
    }
}

#[test]
fn last_words_hold_no_keys() {
    for backend in BACKENDS {
        let said = said(backend, "prints_its_input", &credentials());
        assert!(said.contains("AKIDEXAMPLE") && said.contains("[redacted]"), "{said}");
        assert!(!said.contains("sentinel"), "{said}");
    }
}

#[test]
fn last_words_are_bounded() {
    for backend in BACKENDS {
        assert!(said(backend, "prints_without_end", &tick()).len() <= 4096);
    }
}

/// The most that this process has held in memory, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("readable");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}

/// A list of pieces costs the module eight bytes each; the host keeps no list of its own.
#[test]
fn last_words_in_many_pieces_cost_the_host_no_memory() {
    for backend in BACKENDS {
        let before = peak();
        assert!(said(backend, "prints_many_pieces", &tick()).is_empty());
        let more = peak() - before;
        assert!(more < 200 << 20, "{more} bytes more");
    }
}

#[test]
fn it_finds_no_environment_and_no_descriptors() {
    for backend in BACKENDS {
        let mut session = start(backend, "looks_around").expect("starts");
        assert_eq!(session.call(&tick()), Ok(Frame { header: vec![], body: vec![] }));
    }
}

#[test]
fn an_answer_of_the_server_beyond_the_cap_is_not_passed_on() {
    let mut session = start(Backend::Native, "well_behaved").expect("starts");
    let input = Frame { header: Input::Tick { now: Millis(1) }, body: vec![0; MAX_INLINE_LEN as usize + 1] };
    assert!(matches!(session.call(&input), Err(SandboxError::Broken(_))));
}

/// The image must run on the oldest CPU of its architecture, not only on the builder's.
#[test]
fn the_machine_code_needs_no_feature_that_a_baseline_cpu_lacks() {
    let mut config = Config::new();
    engine_config::tune(&mut config).wasm_component_model(false);
    // SAFETY: it claims fewer features than there are, and nothing is run.
    #[allow(unsafe_code)]
    unsafe {
        config.detect_host_feature(|_| Some(false));
    }
    let engine = Engine::new(&config).expect("an engine");
    assert!(embedded(&engine, Backend::Native).is_ok());
}
