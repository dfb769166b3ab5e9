//! URLs that somebody else will use.

use holdfast_core::{
    abi::{Frame, Input, Millis, Output, Session},
    error::{Error, Kind},
    event::Event,
    job::{Presign, Remembered, Work},
    name::Key,
    report::{Outcome, Report},
    secret::{Credentials, Secret},
    session::S3Session,
};

use crate::scenario::{NOON, Scenario};

fn keys(token: Option<&str>, expires_at: Option<Millis>) -> Credentials {
    Credentials {
        access_key_id: "AKIDEXAMPLE".into(),
        secret_access_key: Secret::new("secret".into()),
        session_token: token.map(|token| Secret::new(token.into())),
        expires_at,
    }
}

/// The end, and what was warned of.
fn presign(expires_s: u64, file_name: Option<&str>, credentials: Option<Credentials>) -> (Outcome, Vec<Error>) {
    let key = Key::parse("home/client1/a b.zip").unwrap();
    let work = Work::Presign(Presign { key, expires_s, file_name: file_name.map(str::to_owned) });
    let job = Scenario::of(work, Vec::new()).job;
    let start = Input::Start {
        now: NOON,
        seed: 1,
        job: Box::new(job),
        credentials,
        journal: Vec::new(),
        remembered: Remembered::default(),
    };
    let outputs = S3Session::new().handle(&Frame { header: start, body: Vec::new() }).unwrap();
    let (mut outcome, mut warnings) = (None, Vec::new());
    for output in outputs.header {
        match output {
            Output::Done(done) => outcome = Some(*done),
            Output::Event(Event::Warning(error)) => warnings.push(error),
            other => panic!("nothing is sent: {other:?}"),
        }
    }
    (outcome.expect("it ends at once"), warnings)
}

#[test]
fn a_url_is_made_of_the_object_the_time_and_the_name() {
    let (outcome, warnings) = presign(300, Some("my \"site\".zip"), Some(keys(None, None)));
    let Outcome::Done(Report::Presign { url }) = outcome else { panic!("{outcome:?}") };
    let (place, query) = url.split_once('?').unwrap();
    assert_eq!(place, "https://s3.example.com/backups/home/client1/a%20b.zip");
    assert!(query.contains("X-Amz-Expires=300"), "{url}");
    let name = "response-content-disposition=attachment%3B%20filename%3D%22my%20%5C%22site%5C%22.zip%22";
    assert!(query.contains(name), "{url}");
    assert!(warnings.is_empty());
}

#[test]
fn an_hour_too_long_or_no_time_at_all_is_refused() {
    for expires_s in [0, 604_801, u64::MAX] {
        let (outcome, _) = presign(expires_s, None, Some(keys(None, None)));
        assert!(matches!(outcome, Outcome::Failed(Error { kind: Kind::Config, .. })), "{outcome:?}");
    }
    assert!(matches!(presign(604_800, None, Some(keys(None, None))).0, Outcome::Done(_)));
    assert!(matches!(presign(1, None, None).0, Outcome::Failed(Error { kind: Kind::Config, .. })));
    assert!(matches!(presign(1, Some("a/b"), Some(keys(None, None))).0, Outcome::Failed(_)));
}

#[test]
fn temporary_keys_take_their_urls_with_them() {
    let later = |minutes: u64| Some(NOON.plus(minutes * 60_000));
    for (expires_at, warned) in [(None, true), (later(59), true), (later(60), false)] {
        let (outcome, warnings) = presign(3_600, None, Some(keys(Some("token"), expires_at)));
        assert!(matches!(outcome, Outcome::Done(_)));
        assert_eq!(warnings.len(), usize::from(warned), "{expires_at:?}: {warnings:?}");
        if expires_at.is_some() && warned {
            assert!(warnings[0].what.ends_with("at 2026-11-23T12:59:00Z"), "{}", warnings[0].what);
        }
    }
}
