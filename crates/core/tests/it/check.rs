//! Test connection against a server that answers as AWS does: authenticates, authorizes, and only
//! then looks whether the thing is there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use holdfast_core::{
    abi::{BodySource, Frame, Headers, Input, Method, Output, Request, Sent, Session, TransportCause},
    endpoint::Endpoint,
    job::{Check, Job, Remembered, Target, Work},
    name::{Bucket, Key, Prefix},
    probe::{Hole, MARKER, NO_UPLOAD, Probe},
    report::{Outcome, Report},
    secret::{Credentials, Secret},
    session::S3Session,
    verdict::{Backups, CheckReport, Isolation, StolenKey, Verdict},
};

use crate::scenario::NOON;

const OWN: &str = "home/client1/";

/// What one request meets instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    SlowDown,
    InternalError,
    Reset,
    NotImplemented,
    Nonsense,
}

/// The server, and what these keys may do there.
#[derive(Debug, Clone)]
struct World {
    /// Actions that are denied on the own prefix (or the bucket, for its settings).
    denied: BTreeSet<&'static str>,
    /// Ways out that are open.
    open: BTreeSet<Hole>,
    versioned: bool,
    /// Ignores conditions on DELETE, and marks what was never there.
    marks: bool,
    fault: Option<(usize, Fault)>,
    /// Answers every request so.
    always: Option<(u16, &'static str)>,
    objects: BTreeMap<String, Vec<u8>>,
    uploads: BTreeSet<String>,
    delete_markers: BTreeSet<String>,
    calls: usize,
    waves: usize,
}

impl Default for World {
    fn default() -> Self {
        Self {
            denied: BTreeSet::new(),
            open: BTreeSet::new(),
            versioned: true,
            marks: false,
            fault: None,
            always: None,
            objects: BTreeMap::new(),
            uploads: BTreeSet::new(),
            delete_markers: BTreeSet::new(),
            calls: 0,
            waves: 0,
        }
    }
}

type Answer = (u16, Headers, Vec<u8>);

fn says(status: u16, code: &str) -> Answer {
    (status, Vec::new(), format!("<Error><Code>{code}</Code><Message>{code}.</Message></Error>").into_bytes())
}

fn ok(body: &str) -> Answer {
    (200, Vec::new(), body.as_bytes().to_vec())
}

impl World {
    fn without(actions: &[&'static str]) -> Self {
        Self { denied: actions.iter().copied().collect(), ..Self::default() }
    }

    fn may(&self, action: &'static str, hole: Option<Hole>) -> bool {
        match hole {
            Some(hole) => self.open.contains(&hole),
            None => !self.denied.contains(action),
        }
    }

    fn answer(&mut self, request: &Request, inline: &[u8]) -> Answer {
        let (place, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
        let path = place.strip_prefix("https://s3.example.com/").expect("the endpoint's");
        let key = path.strip_prefix("backups/");
        let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
        let value = |name: &str| {
            let pair = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
            pair.map(|value| value.replace("%2F", "/")).unwrap_or_default()
        };
        let header = |name: &str| request.headers.iter().any(|(other, _)| other == name);
        let Some(key) = key else {
            return if self.may("", Some(Hole::ListBuckets)) {
                ok(
                    "<ListAllMyBucketsResult><Buckets><Bucket><Name>other</Name></Bucket></Buckets></ListAllMyBucketsResult>",
                )
            } else {
                says(403, "AccessDenied")
            };
        };
        let outside = |hole: Hole| if key.starts_with(OWN) { None } else { Some(hole) };
        let refused = says(403, "AccessDenied");
        match (request.method, key.is_empty()) {
            (Method::Get, true) if has("versioning") => match self.may("s3:GetBucketVersioning", None) {
                true if self.versioned => {
                    ok("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
                }
                true => ok("<VersioningConfiguration/>"),
                false => refused,
            },
            (Method::Get, true) if has("object-lock") => match self.may("s3:GetBucketObjectLockConfiguration", None) {
                true => says(404, "ObjectLockConfigurationNotFoundError"),
                false => refused,
            },
            (Method::Get, true) if has("versions") => match self.may("", Some(Hole::ListVersions)) {
                true => ok("<ListVersionsResult/>"),
                false => refused,
            },
            (Method::Get, true) if has("uploads") => match self.may("", Some(Hole::ListUploads)) {
                true => ok("<ListMultipartUploadsResult/>"),
                false => refused,
            },
            (Method::Get, true) => {
                let prefix = value("prefix");
                let hole = match prefix.as_str() {
                    OWN => None,
                    "" if has("delimiter") => Some(Hole::ListTop),
                    "" => Some(Hole::ListAll),
                    _ if prefix.starts_with("home/client10") => Some(Hole::ListLookalike),
                    _ => Some(Hole::ListOther),
                };
                if self.may("s3:ListBucket", hole) { ok("<ListBucketResult/>") } else { refused }
            }
            (Method::Put, _) if has("uploadId") && header("x-amz-copy-source") => {
                let may = self.may("s3:PutObject", None) && self.may("s3:GetObject", None);
                if may { says(404, "NoSuchUpload") } else { refused }
            }
            (Method::Put, _) if has("uploadId") => match self.may("s3:PutObject", outside(Hole::Write)) {
                true => says(404, "NoSuchUpload"),
                false => refused,
            },
            (Method::Put, _) => {
                if !self.may("s3:PutObject", None) {
                    return refused;
                }
                if header("if-none-match") && self.objects.contains_key(key) {
                    return says(412, "PreconditionFailed");
                }
                if request.headers.iter().any(|(name, value)| name == "content-md5" && value.starts_with("VVVV")) {
                    return says(400, "BadDigest");
                }
                self.objects.insert(key.to_owned(), inline.to_vec());
                (200, vec![("etag".into(), "\"e\"".into())], Vec::new())
            }
            (Method::Post, _) if has("uploads") => {
                if !self.may("s3:PutObject", None) {
                    return refused;
                }
                let id = format!("upload-{}", self.calls);
                self.uploads.insert(id.clone());
                ok(&format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"))
            }
            (Method::Delete, _) if has("uploadId") => {
                if !self.may("s3:AbortMultipartUpload", outside(Hole::Abort)) {
                    refused
                } else if self.uploads.remove(&value("uploadId")) {
                    (204, Vec::new(), Vec::new())
                } else {
                    assert_eq!(value("uploadId"), NO_UPLOAD);
                    says(404, "NoSuchUpload")
                }
            }
            (Method::Delete, _) if has("versionId") => {
                if !self.may("s3:DeleteObjectVersion", None) {
                    return refused;
                }
                self.delete_markers.remove(key);
                (204, Vec::new(), Vec::new())
            }
            (Method::Delete, _) => {
                if !self.may("s3:DeleteObject", outside(Hole::Delete)) {
                    return refused;
                }
                assert!(header("if-match"), "a DELETE without a condition");
                if self.marks {
                    self.delete_markers.insert(key.to_owned());
                    let headers = vec![
                        ("x-amz-delete-marker".into(), "true".into()),
                        ("x-amz-version-id".into(), "marker-1".into()),
                    ];
                    return (204, headers, Vec::new());
                }
                says(404, "NoSuchKey")
            }
            (Method::Head, _) => match self.may("", Some(Hole::Read)) {
                true => (200, Vec::new(), Vec::new()),
                false => (403, Vec::new(), Vec::new()),
            },
            (Method::Get, _) if has("uploadId") => {
                match self.may("s3:ListMultipartUploadParts", outside(Hole::ListParts)) {
                    true => says(404, "NoSuchUpload"),
                    false => refused,
                }
            }
            (Method::Get, _) => match (self.may("s3:GetObject", None), self.objects.get(key)) {
                (true, Some(bytes)) => (206, vec![("etag".into(), "\"e\"".into())], bytes.clone()),
                // To keys that may not list, a missing key is a denial.
                (true, None) if self.may("s3:ListBucket", None) => says(404, "NoSuchKey"),
                _ => refused,
            },
            other => panic!("nothing asks {other:?}"),
        }
    }

    fn input(&mut self, request: &Request, inline: &[u8]) -> Frame<Input> {
        let call = self.calls;
        self.calls += 1;
        let fault = self.fault.filter(|(at, _)| *at == call).map(|(_, fault)| fault);
        let (now, id) = (NOON, request.id);
        let (status, headers, body) = match (fault, self.always) {
            (Some(Fault::Reset), _) => {
                let (sent, cause) = (Sent::Maybe, TransportCause::Broken);
                let header = Input::Failed { now, id, sent, cause, message: "reset".into() };
                return Frame { header, body: Vec::new() };
            }
            (Some(Fault::SlowDown), _) => says(503, "SlowDown"),
            (Some(Fault::InternalError), _) => says(500, "InternalError"),
            (Some(Fault::NotImplemented), _) => says(501, "NotImplemented"),
            (Some(Fault::Nonsense), _) => (400, Vec::new(), b"<html>Bad Request</html>".to_vec()),
            (None, Some((status, code))) => says(status, code),
            (None, None) => self.answer(request, inline),
        };
        Frame { header: Input::Response { now, id, status, headers, received: None }, body }
    }

    fn check(&mut self, more: impl FnOnce(&mut Check)) -> CheckReport {
        let mut check = Check {
            prefix: Prefix::parse(OWN).expect("a prefix"),
            marker: Some("site-1".into()),
            isolation: true,
            ..Check::default()
        };
        more(&mut check);
        let (endpoint, _) = Endpoint::parse("https://s3.example.com", None).expect("an endpoint");
        let bucket = Bucket::parse("backups").expect("a bucket");
        let job = Job {
            run: "run1".into(),
            target: Target { endpoint, region: None, bucket, expected_owner: None },
            work: Work::Check(check),
            patience_ms: 8_000,
            concurrency: 26,
        };
        let credentials = Some(Credentials {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: Secret::new("secret".into()),
            session_token: None,
            expires_at: None,
        });
        let mut session = S3Session::new();
        let start = Input::Start {
            now: NOON,
            seed: 7,
            job: Box::new(job),
            credentials,
            journal: Vec::new(),
            remembered: Remembered::default(),
        };
        // Answers of one wave arrive together, and what they lead to is the next.
        let mut wave = VecDeque::from([Frame { header: start, body: Vec::new() }]);
        let mut wake = None;
        for _ in 0..10_000 {
            let mut next = VecDeque::new();
            for input in wave {
                let frame = session.handle(&input).expect("in process");
                for output in frame.header {
                    match output {
                        Output::Request(request) => {
                            let inline = match request.body {
                                BodySource::Inline { start, len } => &frame.body[start..start + len],
                                _ => &[],
                            };
                            next.push_back(self.input(&request, inline));
                        }
                        Output::WaitUntil { at } => wake = Some(at),
                        Output::Done(outcome) => match *outcome {
                            Outcome::Done(Report::Check(report)) => return *report,
                            other => panic!("{other:?}"),
                        },
                        _ => {}
                    }
                }
            }
            if next.is_empty() {
                let now = wake.take().expect("something to wait for");
                next.push_back(Frame { header: Input::Tick { now }, body: Vec::new() });
            } else {
                self.waves += 1;
            }
            wave = next;
        }
        panic!("the check goes on for ever");
    }

    fn run(&mut self) -> CheckReport {
        self.check(|_| {})
    }
}

/// What a client needs and what tells whether a thief can destroy backups.
const NEEDED: [&str; 8] = [
    "s3:ListBucket",
    "s3:PutObject",
    "s3:GetObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
    "s3:GetBucketVersioning",
    "s3:GetBucketObjectLockConfiguration",
];

fn missing(report: &CheckReport) -> BTreeSet<&str> {
    report
        .findings
        .iter()
        .filter(|finding| finding.statement.is_some())
        .map(|finding| finding.action.as_str())
        .collect()
}

fn open(report: &CheckReport) -> BTreeSet<Hole> {
    report.isolation.iter().filter(|hole| hole.state == Isolation::Open).map(|hole| hole.hole).collect()
}

fn verdict(report: &CheckReport, probe: Probe) -> Option<Verdict> {
    report.findings.iter().find(|finding| finding.probe == probe).map(|finding| finding.verdict)
}

#[test]
fn what_is_needed_and_nothing_else_is_green_in_three_round_trips() {
    let mut world = World::without(&["s3:DeleteObjectVersion"]);
    let report = world.run();
    assert_eq!(report.summary.sentence, "Backups will work.");
    assert_eq!((report.summary.backups, report.summary.isolation), (Backups::Work, Some(Isolation::Closed)));
    assert_eq!(report.summary.stolen_key, StolenKey::CannotDestroy);
    assert_eq!(world.waves, 3, "get, write, get again");
    assert_eq!(world.objects.keys().collect::<Vec<_>>(), [&format!("{OWN}{MARKER}")]);
    assert!(world.uploads.is_empty() && report.left_behind.is_empty());

    world.waves = 0;
    let again = world.run();
    assert_eq!((again.summary.backups, again.site.as_deref()), (Backups::Work, Some("site-1")));
    assert_eq!(world.waves, 3, "abort, create, abort");
    assert_eq!(world.objects.len(), 1);
}

#[test]
fn whatever_is_denied_is_named_and_nothing_that_is_allowed() {
    for subset in 0..1_u32 << NEEDED.len() {
        let denied: Vec<_> =
            NEEDED.iter().enumerate().filter(|(n, _)| subset & 1 << n != 0).map(|(_, action)| *action).collect();
        let mut world = World::without(&denied);
        let report = world.run();
        let mut expected: BTreeSet<&str> = denied.iter().copied().collect();
        let doubt = verdict(&report, Probe::Get) == Some(Verdict::Inconclusive);
        if doubt {
            // Neither listed nor written: a missing object and a forbidden one look the same.
            assert!(expected.contains("s3:PutObject"), "{denied:?}");
            expected.remove("s3:GetObject");
        }
        assert_eq!(missing(&report), expected, "{denied:?}");
        let works = report.summary.backups != Backups::WillNotWork;
        assert_eq!(works, !denied.contains(&"s3:PutObject"), "{denied:?}");
        assert_eq!(open(&report), BTreeSet::new(), "{denied:?}");
        assert!(world.uploads.is_empty(), "{denied:?}: an upload is left behind");
    }
}

#[test]
fn each_hole_is_found_and_no_other() {
    use Hole::{
        Abort, Delete, ListAll, ListBuckets, ListLookalike, ListOther, ListParts, ListTop, ListUploads, ListVersions,
        Read, Write,
    };
    let holes = [
        ListAll,
        ListTop,
        ListOther,
        ListLookalike,
        ListUploads,
        ListVersions,
        ListBuckets,
        Read,
        Write,
        Delete,
        Abort,
        ListParts,
    ];
    for hole in holes {
        let mut world = World { open: BTreeSet::from([hole]), ..World::default() };
        let report = world.check(|check| check.canary = Some(Key::parse("home/client2/x.zip").expect("a key")));
        assert_eq!(open(&report), BTreeSet::from([hole]));
        let closed = report.isolation.iter().filter(|hole| hole.state == Isolation::Closed).count();
        assert_eq!(closed, holes.len() - 1, "{hole:?}: none of the others is in doubt");
        assert_eq!(report.summary.isolation, Some(Isolation::Open), "{hole:?}");
        assert!(report.summary.isolation_sentence.contains(hole.lets()), "{hole:?}");
        let policy = report.closing_policy.expect("what shuts it").to_string();
        assert!(policy.contains("backups/home/client1/*") && !policy.contains("s3:*"), "{policy}");
    }
}

#[test]
fn without_a_canary_reading_is_not_guessed() {
    let report = World { open: BTreeSet::from([Hole::Read]), ..World::default() }.run();
    let read = report.isolation.iter().find(|hole| hole.hole == Hole::Read).expect("told");
    assert_eq!(read.state, Isolation::Inconclusive);
    assert!(read.note.as_deref().is_some_and(|note| note.contains("--canary")));
}

/// What passes is asked again; what does not is inconclusive, and no fault is ever a denial, an
/// open door, or an upload that is left without a word.
#[test]
fn no_fault_at_any_call_is_taken_for_an_answer() {
    for fault in [Fault::SlowDown, Fault::InternalError, Fault::Reset, Fault::NotImplemented, Fault::Nonsense] {
        let calls = {
            let mut world = World::default();
            world.run();
            world.calls
        };
        for at in 0..calls {
            let mut world = World { fault: Some((at, fault)), ..World::default() };
            let report = world.run();
            let told = format!("{fault:?} at {at}");
            assert_eq!(missing(&report), BTreeSet::new(), "{told}");
            assert_eq!(open(&report), BTreeSet::new(), "{told}");
            assert!(world.uploads.is_empty() || !report.left_behind.is_empty(), "{told}");
            if matches!(fault, Fault::SlowDown | Fault::InternalError) {
                assert_eq!(report.summary.backups, Backups::Work, "{told}");
            }
        }
    }
}

#[test]
fn a_delete_marker_that_a_server_leaves_is_removed_or_told() {
    let mut world = World { marks: true, ..World::default() };
    let report = world.run();
    assert!(world.delete_markers.is_empty() && report.left_behind.is_empty());

    let mut world = World { marks: true, ..World::without(&["s3:DeleteObjectVersion"]) };
    let report = world.run();
    assert_eq!((world.delete_markers.len(), report.left_behind.len()), (1, 1));
    assert!(report.left_behind[0].contains("delete marker"));
}

#[test]
fn what_is_wrong_with_everything_is_told_once() {
    for (status, code, kind) in [
        (403, "InvalidAccessKeyId", "s3/signature-rejected"),
        (403, "SignatureDoesNotMatch", "s3/signature-rejected"),
        (404, "NoSuchBucket", "s3/no-such-bucket"),
        (403, "RequestTimeTooSkewed", "s3/clock-skew"),
        (301, "PermanentRedirect", "s3/wrong-region"),
    ] {
        let report = World { always: Some((status, code)), ..World::default() }.run();
        let trouble = report.trouble.expect(code);
        assert_eq!(trouble.kind.code(), kind, "{code}");
        assert!(report.findings.is_empty() && report.isolation.is_empty(), "{code}");
        assert_eq!(report.summary.backups, Backups::WillNotWork, "{code}");
    }
}

#[test]
fn without_a_marker_nothing_is_written() {
    let mut world = World::default();
    let report = world.check(|check| check.marker = None);
    assert!(world.objects.is_empty() && world.uploads.is_empty());
    assert_eq!(verdict(&report, Probe::Get), Some(Verdict::Inconclusive));
    assert_eq!(report.summary.backups, Backups::WorkWithLimits);
}

#[test]
fn a_thief_is_judged_by_what_was_proved() {
    let mut cases: Vec<(World, StolenKey)> = vec![
        (World::default(), StolenKey::CanDestroy),
        (World::without(&["s3:DeleteObjectVersion"]), StolenKey::CannotDestroy),
        (World { versioned: false, ..World::default() }, StolenKey::CanDestroy),
        // It may not delete, but it may overwrite.
        (World { versioned: false, ..World::without(&["s3:DeleteObject"]) }, StolenKey::CanDestroy),
        (World::without(&["s3:GetBucketVersioning"]), StolenKey::Inconclusive),
    ];
    for (world, expected) in &mut cases {
        let report = world.run();
        assert_eq!(report.summary.stolen_key, *expected, "{}", report.summary.stolen_key_sentence);
        assert!(report.summary.stolen_key_sentence.starts_with("If this key is stolen"));
    }
}

#[test]
fn isolation_that_is_not_wanted_is_not_asked_about() {
    let everything = BTreeSet::from([Hole::ListAll, Hole::Write, Hole::ListBuckets]);
    let mut world = World { open: everything, ..World::default() };
    let report = world.check(|check| check.isolation = false);
    assert!(report.isolation.is_empty() && report.summary.isolation.is_none());
    assert_eq!(report.summary.isolation_sentence, "Isolation was not checked.");
}
