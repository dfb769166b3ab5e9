//! The same inputs lead to the same outputs, natively and in wasm: whole jobs against a scripted
//! server, each input given to both sessions, each request held against the fence.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use holdfast::{
    fence::{Fence, Operation, Refusal},
    sandbox::{Backend, WasmSession},
    session::{Pair, Recorder, Trace},
};
use holdfast_core::{
    abi::{Frame, Headers, Input, Millis, Output, Received, Request, RequestId, Sent, Session, Sink, TransportCause},
    digest::{DigestKind, Digests},
    endpoint::Endpoint,
    job::{Abort, Encryption, Fetch, Fleet, Job, List, ObjectSettings, Orphan, Remembered, Target, Upload, Work},
    name::{Bucket, Key, Prefix, UploadId},
    report::Outcome,
    secret::{Credentials, Secret},
    session::S3Session,
};

const MIB: u64 = 1 << 20;
const KEY: &str = "home/client1/a//../b +~é%20.zip";
const SECRET: &str = "sentinel/secret+key";
const TOKEN: &str = "sentinel/token==";

/// What goes wrong at the n-th request.
#[derive(Debug, Clone, Copy)]
enum Fault {
    SlowDown,
    Expired,
    LateClock,
    Broken,
    NeverSent,
    Unknown,
}

/// A server that says what an honest one would.
struct Server {
    faults: BTreeMap<usize, Fault>,
    asked: usize,
    stored: bool,
    run: String,
    len: u64,
    pages: u32,
}

enum Answer {
    Response(u16, Headers, Vec<u8>, Option<Received>),
    None(Sent),
}

impl Server {
    fn new(job: &Job, faults: &[(usize, Fault)]) -> Self {
        let len = match &job.work {
            Work::Upload(upload) => upload.len,
            _ => 40 * MIB + 1,
        };
        let stored = matches!(job.work, Work::Fetch(_));
        Self { faults: faults.iter().copied().collect(), asked: 0, stored, run: job.run.clone(), len, pages: 0 }
    }

    fn answer(&mut self, operation: Operation, request: &Request) -> Answer {
        self.asked += 1;
        let error = |status, code: &str| {
            let body = format!("<Error><Code>{code}</Code><Message>m</Message><RequestId>R</RequestId></Error>");
            let date = ("date".to_owned(), "Mon, 23 Nov 2026 03:00:00 GMT".to_owned());
            Answer::Response(status, vec![date], body.into_bytes(), None)
        };
        match self.faults.get(&self.asked) {
            Some(Fault::SlowDown) => return error(503, "SlowDown"),
            Some(Fault::Expired) => return error(400, "ExpiredToken"),
            Some(Fault::LateClock) => return error(403, "RequestTimeTooSkewed"),
            Some(Fault::Unknown) => return error(501, "NotImplemented"),
            Some(Fault::Broken) => return Answer::None(Sent::Maybe),
            Some(Fault::NeverSent) => return Answer::None(Sent::No),
            None => {}
        }
        let etag = ("etag".to_owned(), "\"0123456789abcdef0123456789abcdef-3\"".to_owned());
        let ok = |headers: Headers, body: &str| Answer::Response(200, headers, body.as_bytes().to_vec(), None);
        match operation {
            Operation::HeadObject if self.stored => {
                let len = ("content-length".to_owned(), self.len.to_string());
                let run = ("x-amz-meta-holdfast-run".to_owned(), self.run.clone());
                ok(vec![etag, len, run], "")
            }
            Operation::HeadObject => Answer::Response(404, Vec::new(), Vec::new(), None),
            Operation::CreateMultipartUpload => ok(
                Vec::new(),
                "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>id/1</UploadId></InitiateMultipartUploadResult>",
            ),
            Operation::UploadPart => ok(vec![etag], ""),
            Operation::PutObject => {
                self.stored = true;
                ok(vec![etag], "")
            }
            Operation::CompleteMultipartUpload => {
                self.stored = true;
                let body =
                    format!("<CompleteMultipartUploadResult><ETag>{}</ETag></CompleteMultipartUploadResult>", etag.1);
                ok(Vec::new(), &body)
            }
            Operation::AbortMultipartUpload => Answer::Response(204, Vec::new(), Vec::new(), None),
            Operation::ListParts => error(404, "NoSuchUpload"),
            Operation::ListObjectsV2 => {
                self.pages += 1;
                let more = self.pages < 3;
                let page = self.pages;
                let next = format!("<NextContinuationToken>{page}+/=</NextContinuationToken>");
                let next = if more { next } else { String::new() };
                let clients = "<CommonPrefixes><Prefix>home/client1/</Prefix></CommonPrefixes>";
                let clients = if request.url.contains("delimiter=") { clients } else { "" };
                ok(
                    Vec::new(),
                    &format!(
                        "<ListBucketResult><IsTruncated>{more}</IsTruncated>{next}<Contents><Key>home/client1/{page}</Key>\
                     <LastModified>2026-11-23T02:00:00.000Z</LastModified><ETag>\"e\"</ETag><Size>7</Size></Contents>\
                     {clients}</ListBucketResult>"
                    ),
                )
            }
            Operation::GetObject => {
                let Sink::Range { offset, len, digests } = &request.sink else { return error(500, "InternalError") };
                let range = format!("bytes {offset}-{}/{}", offset + len - 1, self.len);
                let received = Received { len: *len, digests: digests_of(*offset, digests) };
                Answer::Response(206, vec![etag, ("content-range".to_owned(), range)], Vec::new(), Some(received))
            }
            other => panic!("none of these jobs asks for {other:?}"),
        }
    }
}

/// No bytes are read here: any digests will do, as long as they are always the same.
fn digests_of(seed: u64, kinds: &[DigestKind]) -> Digests {
    let byte = (seed >> 20) as u8;
    let wants = |kind| kinds.contains(&kind);
    Digests {
        crc64nvme: wants(DigestKind::Crc64nvme).then_some([byte; 8]),
        crc32: wants(DigestKind::Crc32).then_some([byte; 4]),
        md5: wants(DigestKind::Md5).then_some([byte; 16]),
        sha256: wants(DigestKind::Sha256).then_some([byte; 32]),
    }
}

fn credentials() -> Credentials {
    Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: Secret::new(SECRET.to_owned()),
        session_token: Some(Secret::new(TOKEN.to_owned())),
        expires_at: None,
    }
}

/// Holds a whole conversation; gives its outcome.
fn converse(session: &mut dyn Session, job: &Job, mut server: Server) -> Outcome {
    let mut now = 1_795_402_800_000; // 2026-11-23T02:20:00Z
    let remembered = Remembered::default();
    let mut fence = Fence::new(job, &remembered);
    let start = Input::Start {
        now: Millis(now),
        seed: 7,
        job: Box::new(job.clone()),
        credentials: Some(credentials()),
        journal: Vec::new(),
        remembered,
    };
    let mut inputs = VecDeque::from([Frame { header: start, body: Vec::new() }]);
    let mut wake_at = None;
    for _ in 0..1_000 {
        now += 10;
        let input = inputs.pop_front().unwrap_or_else(|| {
            now = now.max(wake_at.take().expect("the session waits for something"));
            Frame { header: Input::Tick { now: Millis(now) }, body: Vec::new() }
        });
        let output = session.handle(&input).unwrap_or_else(|error| panic!("{error}"));
        for item in output.header {
            match item {
                Output::Request(request) => {
                    let answer = match fence.check(&request, &output.body).map(|permit| permit.operation) {
                        Ok(operation) => respond(now, &request, operation, &mut server, &mut fence),
                        // Amazon knows conditions; a 501 of its does not free the module of them.
                        Err(Refusal::Unconditional) => failed(now, request.id, Sent::No, TransportCause::Refused),
                        Err(why) => panic!("{request:?}: {why}"),
                    };
                    inputs.push_back(answer);
                }
                Output::NeedPart { part, offset, len, digests } => {
                    let digests = digests_of(offset, &digests);
                    let ready =
                        Input::PartReady { now: Millis(now), part, len, digests, last: offset + len == server.len };
                    inputs.push_back(Frame { header: ready, body: Vec::new() });
                }
                Output::NeedCredentials => {
                    let header = Input::Credentials { now: Millis(now), credentials: Some(credentials()) };
                    inputs.push_back(Frame { header, body: Vec::new() });
                }
                Output::WaitUntil { at } => wake_at = Some(at.0),
                Output::Done(outcome) => return *outcome,
                Output::Journal { .. } | Output::Remember(_) | Output::Event(_) => {}
            }
        }
    }
    panic!("it never ends");
}

fn respond(now: u64, request: &Request, operation: Operation, server: &mut Server, fence: &mut Fence) -> Frame<Input> {
    let id = request.id;
    match server.answer(operation, request) {
        Answer::Response(status, headers, body, received) => {
            fence.answered(request, operation, status, &headers);
            Frame { header: Input::Response { now: Millis(now), id, status, headers, received }, body }
        }
        Answer::None(sent) => failed(now, id, sent, TransportCause::Broken),
    }
}

fn failed(now: u64, id: RequestId, sent: Sent, cause: TransportCause) -> Frame<Input> {
    let message = "no answer".to_owned();
    Frame { header: Input::Failed { now: Millis(now), id, sent, cause, message }, body: Vec::new() }
}

fn job(endpoint: &str, work: Work) -> Job {
    Job {
        run: "2026-11-23T022000Z-7f".to_owned(),
        target: Target {
            endpoint: Endpoint::parse(endpoint, None).expect("an endpoint").0,
            region: None,
            bucket: Bucket::parse("backups").expect("a bucket"),
            expected_owner: Some("111122223333".to_owned()),
        },
        work,
        patience_ms: 600_000,
        concurrency: 3,
    }
}

fn upload(len: u64) -> Work {
    let key = Key::parse(KEY).expect("a key");
    let old = UploadId::parse("old+/=").expect("an id");
    Work::Upload(Box::new(Upload {
        orphans: vec![Orphan { key: key.clone(), upload_id: old }],
        key,
        len,
        part_len: None,
        overwrite: false,
        object: ObjectSettings {
            storage_class: Some("STANDARD_IA".to_owned()),
            encryption: Encryption::Aes256,
            tags: BTreeMap::from([("a b".to_owned(), "c/d é".to_owned())]),
            metadata: BTreeMap::from([("source".to_owned(), "Größe  <&> ".to_owned())]),
            content_type: Some("application/zip".to_owned()),
        },
    }))
}

fn jobs() -> Vec<Job> {
    let key = Key::parse(KEY).expect("a key");
    let fetch = Work::Fetch(Fetch { key: key.clone(), etag: None, keep: true, known: None });
    let list = Work::List(List { prefix: Prefix::parse("home/client1/").expect("a prefix"), shallow: true });
    let prefix = Prefix::parse("home/").expect("a prefix");
    let fleet = Work::Fleet(Fleet { prefix, max_age_ms: 1, expected: BTreeSet::from(["client2".to_owned()]) });
    let orphan = Orphan { key, upload_id: UploadId::parse("id").expect("an id") };
    let abort = Work::Abort(Abort { orphans: vec![orphan] });
    let mut jobs = Vec::new();
    for endpoint in ["https://s3.eu-west-1.amazonaws.com", "http://127.0.0.1:9000", "https://s3.wasabisys.com"] {
        let others = [&fetch, &list, &fleet, &abort].map(Clone::clone);
        for work in [upload(40 * MIB + 1), upload(5), upload(0)].into_iter().chain(others) {
            jobs.push(job(endpoint, work));
        }
    }
    jobs
}

#[test]
fn every_job_says_the_same_in_wasm_and_in_process_and_stays_inside_the_fence() {
    for backend in [Backend::Native, Backend::Pulley] {
        for job in jobs() {
            let wasm = WasmSession::with_backend(backend, 1).expect("starts");
            let outcome = converse(&mut Pair(S3Session::new(), wasm), &job, Server::new(&job, &[]));
            assert!(matches!(outcome, Outcome::Done(_)), "{job:?}: {outcome:?}");
        }
    }
}

#[test]
fn they_say_the_same_whatever_goes_wrong() {
    let faults = [Fault::SlowDown, Fault::Expired, Fault::LateClock, Fault::Broken, Fault::NeverSent, Fault::Unknown];
    for job in jobs().into_iter().take(6) {
        for (n, fault) in (1..6).flat_map(|n| faults.map(|fault| (n, fault))) {
            let wasm = WasmSession::with_backend(Backend::Native, 1).expect("starts");
            converse(&mut Pair(S3Session::new(), wasm), &job, Server::new(&job, &[(n, fault)]));
        }
    }
}

#[test]
fn a_trace_holds_no_keys_and_replays_in_both() {
    for job in jobs() {
        let faults = [(2, Fault::SlowDown), (4, Fault::Expired), (5, Fault::Broken)];
        let mut recorder = Recorder::new(S3Session::new());
        converse(&mut recorder, &job, Server::new(&job, &faults));

        let mut lines = Vec::new();
        recorder.trace().write(&mut lines).expect("memory takes it");
        let text = String::from_utf8(lines).expect("JSON");
        assert!(text.contains("AKIDEXAMPLE") && !text.contains("sentinel") && !text.contains("Signature="), "{text}");

        let trace = Trace::read(text.as_bytes()).expect("reads");
        assert_eq!(&trace, recorder.trace());
        trace.replay(&mut S3Session::new()).expect("the same in process");
        for backend in [Backend::Native, Backend::Pulley] {
            let mut wasm = WasmSession::with_backend(backend, 2).expect("starts");
            trace.replay(&mut wasm).expect("the same in wasm");
        }
    }
}

#[test]
fn a_difference_is_found() {
    let jobs = jobs();
    let mut recorder = Recorder::new(S3Session::new());
    converse(&mut recorder, &jobs[0], Server::new(&jobs[0], &[]));
    let mut other = Recorder::new(S3Session::new());
    converse(&mut other, &jobs[4], Server::new(&jobs[4], &[]));
    let mut session = S3Session::new();
    recorder.trace().replay(&mut session).expect("the same");
    assert!(recorder.trace().replay(&mut session).is_err(), "a session is over once it is over");
    assert_ne!(recorder.trace(), other.trace());
}
