//! Faults against a real server: the archive arrives to the byte, or the error is clear and
//! nothing half done is called done.

use std::time::Duration;

use holdfast_testbed::{
    Fault, FaultProxy, Finished, Holdfast, Minio, Rule, Script, Toxiproxy, Versitygw, data,
    fault::{Ending, Operation, Quirk, Reply, When},
    toxiproxy::Direction,
};
use serde_json::json;

const MIB: u64 = 1 << 20;
const LEN: u64 = 23 * MIB;
const BUCKET: &str = "backups";

struct Bed {
    server: Minio,
    machine: Holdfast,
    path: std::path::PathBuf,
    source: Vec<u8>,
}

impl Bed {
    fn new() -> Self {
        let server = Minio::start();
        server.s3().create_bucket(BUCKET);
        let machine = Holdfast::new();
        let path = machine.home().join("site.zip");
        data::write_file(&path, 3, LEN).expect("a file can be written");
        let source = std::fs::read(&path).expect("readable");
        Self { server, machine, path, source }
    }

    fn upload(&self, endpoint: &str, key: &str, more: &[&str]) -> Finished {
        let object = format!("s3://{BUCKET}/{key}");
        let path = self.path.to_str().expect("made of ASCII");
        let args = ["upload", path, &object, "--part-size", "5MiB", "--json", "--endpoint", endpoint];
        self.machine.run(args.iter().chain(more))
    }

    fn assert_stored(&self, key: &str, why: &str) {
        let s3 = self.server.s3();
        assert!(s3.get(BUCKET, key) == self.source, "{why}: the object is not the archive");
        for unfinished in s3.unfinished(BUCKET, key) {
            let parts = s3.parts(BUCKET, key, &unfinished.id).unwrap_or_default();
            assert!(parts.is_empty(), "{why}: an upload with parts is left behind");
        }
    }
}

#[test]
fn what_passes_is_survived() {
    use Operation::{CompleteMultipartUpload as Complete, CreateMultipartUpload as Create, HeadObject, UploadPart};
    let bed = Bed::new();
    let on = |operation| Rule::on(operation);
    let pause = Duration::from_millis(200);
    let cases: Vec<(&str, Rule)> = vec![
        ("reset before a part", on(UploadPart(2)).then(Fault::Reset(When::Head))),
        ("reset in a part", on(UploadPart(2)).times(3).then(Fault::Reset(When::Body(2_000_000)))),
        ("reset behind a part", on(UploadPart(5)).then(Fault::Reset(When::BodyRead))),
        ("a stall in a part", on(UploadPart(1)).then(Fault::Stall(When::Body(1_000_000), Duration::from_secs(3)))),
        ("a slow reader", on(UploadPart(3)).then(Fault::SlowRead(4_000_000))),
        ("503 in a burst", Rule::on_any(UploadPart(0)).times(6).then(Fault::answer(Reply::slow_down()))),
        ("503 with Retry-After", on(UploadPart(4)).then(Fault::answer(Reply::slow_down_for(1)))),
        (
            "an early 503, closed",
            on(UploadPart(2)).times(2).then(Fault::early(Reply::slow_down(), 1_000_000, Ending::Close)),
        ),
        (
            "an early 503, half closed",
            on(UploadPart(2)).times(2).then(Fault::early(Reply::slow_down(), 1_000_000, Ending::HalfClose)),
        ),
        (
            "an early 503 that stops reading",
            on(UploadPart(2)).then(Fault::early(
                Reply::slow_down(),
                1_000_000,
                Ending::StopReading(Duration::from_secs(20)),
            )),
        ),
        ("500 on a part", on(UploadPart(1)).times(2).then(Fault::answer(Reply::internal_error()))),
        ("a gateway's page", on(UploadPart(1)).then(Fault::answer(Reply::bad_gateway_html()))),
        ("RequestTimeout", on(UploadPart(1)).then(Fault::answer(Reply::request_timeout()))),
        ("a damaged part", on(UploadPart(3)).then(Fault::FlipRequestBit(123_456))),
        ("a lost answer to a part", on(UploadPart(3)).then(Fault::LoseAnswer)),
        ("500 on Create", on(Create).then(Fault::answer(Reply::internal_error()))),
        ("a lost answer to Create", on(Create).then(Fault::LoseAnswer)),
        (
            "200 with an error on Complete",
            on(Complete).times(2).then(Fault::answer(Reply::ok_with_error("InternalError"))),
        ),
        ("white space before Complete's answer", on(Complete).then(Fault::Whitespace(20, pause, None))),
        (
            "white space, and then an error",
            on(Complete).then(Fault::Whitespace(5, pause, Some(Reply::ok_with_error("InternalError")))),
        ),
        ("a lost answer to Complete", on(Complete).then(Fault::LoseAnswer)),
        ("a lost answer to Complete, quietly", on(Complete).then(Fault::LoseAnswerQuietly)),
        ("half an answer to Complete", on(Complete).then(Fault::TruncateAnswer(40))),
        ("500 although Complete was done", on(Complete).then(Fault::ReplaceAnswer(Reply::internal_error()))),
        ("NoSuchUpload although Complete was done", on(Complete).then(Fault::ReplaceAnswer(Reply::no_such_upload()))),
        ("a conflict at Complete", on(Complete).then(Fault::answer(Reply::conditional_conflict()))),
        ("an upload that is gone", on(UploadPart(4)).then(Fault::answer(Reply::no_such_upload()))),
        ("expired keys", on(UploadPart(2)).then(Fault::answer(Reply::expired_token()))),
        ("a skewed clock", on(Create).then(Fault::answer(Reply::time_too_skewed()))),
        ("500 on the look", on(HeadObject).then(Fault::answer(Reply::internal_error()))),
    ];
    for (n, (name, rule)) in cases.into_iter().enumerate() {
        let proxy = FaultProxy::start(bed.server.address(), Script::new().rule(rule));
        let key = format!("case-{n}");
        let sent = bed.upload(&proxy.endpoint(), &key, &[]);
        assert_eq!(sent.code(), 0, "{name}: {sent}");
        bed.assert_stored(&key, name);
    }
}

#[test]
fn habits_of_providers_are_met() {
    let bed = Bed::new();
    let habits = [
        ("no checksums", Quirk::NoChecksums, &[][..]),
        ("no CRC-64", Quirk::NoCrc64, &[]),
        ("checksums break signatures", Quirk::ChecksumsBreakSignatures, &[]),
        ("equal parts", Quirk::EqualParts, &[]),
        ("busy above two requests", Quirk::SlowDownAbove(2), &[]),
        ("no looking", Quirk::Deny(Operation::HeadObject), &[]),
        ("no listing of parts", Quirk::Deny(Operation::ListParts), &[]),
    ];
    for (n, (name, quirk, more)) in habits.into_iter().enumerate() {
        let proxy = FaultProxy::start(bed.server.address(), Script::new().quirk(quirk));
        let key = format!("habit-{n}");
        let sent = bed.upload(&proxy.endpoint(), &key, more);
        assert_eq!(sent.code(), 0, "{name}: {sent}");
        bed.assert_stored(&key, name);
    }
}

#[test]
fn what_does_not_pass_is_told_and_nothing_is_called_done() {
    use Operation::{CompleteMultipartUpload as Complete, CreateMultipartUpload as Create, UploadPart};
    let bed = Bed::new();
    let always = |operation, reply| Rule::on_any(operation).always().then(Fault::answer(reply));
    let cases: Vec<(&str, Rule, i32, &str)> = vec![
        ("denied at once", always(Create, Reply::access_denied()), 12, "s3:PutObject"),
        ("denied in the middle", always(UploadPart(0), Reply::access_denied()), 12, "part"),
        ("denied at the end", always(Complete, Reply::access_denied()), 12, "AccessDenied"),
        (
            "damaged again and again",
            Rule::on_any(UploadPart(0)).always().then(Fault::FlipRequestBit(77)),
            13,
            "not what was sent",
        ),
        ("keys that stay expired", always(UploadPart(0), Reply::expired_token()), 12, "credentials"),
        ("the key was taken meanwhile", always(Complete, Reply::precondition_failed()), 15, "--overwrite"),
        ("parts called too small", always(Complete, Reply::entity_too_small()), 2, "larger part size"),
        ("busy for ever", always(UploadPart(0), Reply::slow_down()), 14, "SlowDown"),
        (
            "a portal's page",
            always(Create, Reply::new(200, "<html><body>Please log in</body></html>")),
            1,
            "Please log in",
        ),
    ];
    for (n, (name, rule, code, words)) in cases.into_iter().enumerate() {
        let proxy = FaultProxy::start(bed.server.address(), Script::new().rule(rule));
        let key = format!("no-{n}");
        let sent = bed.upload(&proxy.endpoint(), &key, &["--retry-for", "3s"]);
        assert_eq!(sent.code(), code, "{name}: {sent}");
        assert!(sent.stderr.contains(words), "{name}: {sent}");
        assert!(sent.stderr.contains("hint: "), "{name}: {sent}");
        assert!(sent.event("done").is_none() && sent.event("failed").is_some(), "{name}: {sent}");
        assert!(!bed.server.s3().exists(BUCKET, &key), "{name}: something was stored");
        // When the trouble is over, the same command gets there.
        proxy.set_script(Script::new());
        let again = bed.upload(&proxy.endpoint(), &key, &[]);
        assert_eq!(again.code(), 0, "{name}, again: {again}");
        bed.assert_stored(&key, name);
    }
}

#[test]
fn a_bad_network_is_survived() {
    let bed = Bed::new();
    let toxics = [
        ("latency", json!({ "latency": 100, "jitter": 50 })),
        ("bandwidth", json!({ "rate": 8_000 })),
        ("slow_close", json!({ "delay": 500 })),
        ("slicer", json!({ "average_size": 20_000, "size_variation": 10_000, "delay": 5 })),
        ("limit_data", json!({ "bytes": 3_000_000 })),
        ("reset_peer", json!({ "timeout": 100 })),
    ];
    for (name, attributes) in toxics {
        for direction in [Direction::Upstream, Direction::Downstream] {
            let bad = Toxiproxy::start(bed.server.address());
            let key = format!("{name}-{direction:?}");
            bad.add(name, direction, 1.0, attributes.clone());
            let sent = std::thread::scope(|scope| {
                // What no upload could survive for ever ends after a while.
                scope.spawn(|| {
                    std::thread::sleep(Duration::from_secs(4));
                    bad.reset();
                });
                bed.upload(&bad.endpoint(), &key, &[])
            });
            assert_eq!(sent.code(), 0, "{name} {direction:?}: {sent}");
            bed.assert_stored(&key, name);
        }
    }
}

#[test]
fn a_line_that_goes_dead_is_noticed_and_left() {
    let bed = Bed::new();
    let dead = Toxiproxy::start(bed.server.address());
    // Data stops and the connection stays: nothing but a watchdog ends this.
    dead.add("timeout", Direction::Upstream, 1.0, json!({ "timeout": 0 }));
    let sent = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_secs(5));
            dead.remove("timeout", Direction::Upstream);
        });
        bed.upload(&dead.endpoint(), "a", &[])
    });
    assert_eq!(sent.code(), 0, "{sent}");
    assert!(sent.time < Duration::from_secs(90), "{:?}", sent.time);
    bed.assert_stored("a", "a dead line");
}

#[test]
fn a_server_that_is_not_there_is_told_within_the_budget() {
    let machine = Holdfast::new();
    let path = machine.home().join("a");
    data::write_file(&path, 1, 1000).expect("a file can be written");
    let path = path.to_str().expect("ASCII");
    let port = holdfast_testbed::process::free_port();
    let nobody = format!("http://127.0.0.1:{port}");
    for endpoint in [nobody.as_str(), "https://no-such-host.invalid"] {
        let args = ["upload", path, "s3://backups/a", "--retry-for", "2s", "--endpoint", endpoint];
        let failed = machine.run(args).expect_code(14);
        assert!(failed.time < Duration::from_secs(20), "{failed}");
        assert!(failed.stderr.contains("hint: "), "{failed}");
    }
}

#[test]
fn a_download_through_trouble_is_whole_or_not_there() {
    let bed = Bed::new();
    bed.upload(bed.server.endpoint(), "a", &[]).expect_ok();
    let get = Operation::GetObject;
    let cases: Vec<(&str, Rule, i32)> = vec![
        ("truncated", Rule::on(get).then(Fault::TruncateAnswer(1_000_000)), 0),
        ("reset", Rule::on(get).times(3).then(Fault::Reset(When::Head)), 0),
        ("dripping", Rule::on(get).then(Fault::DripAnswer(4_000_000, Duration::from_millis(100))), 0),
        ("stalled", Rule::on(get).then(Fault::StallAnswer(100_000, Duration::from_secs(3))), 0),
        ("503", Rule::on(get).times(2).then(Fault::answer(Reply::slow_down())), 0),
        ("damaged", Rule::on(get).then(Fault::FlipAnswerBit(5_000)), 13),
        ("replaced", Rule::on(get).then(Fault::answer(Reply::precondition_failed())), 13),
    ];
    for (name, rule, code) in cases {
        let proxy = FaultProxy::start(bed.server.address(), Script::new().rule(rule));
        let to = bed.machine.home().join(name);
        let args = ["get", "s3://backups/a", "--to", to.to_str().expect("ASCII"), "--endpoint", &proxy.endpoint()];
        let got = bed.machine.run(args);
        assert_eq!(got.code(), code, "{name}: {got}");
        match code {
            0 => assert_eq!(data::first_difference(&bed.path, &to).expect("readable"), None, "{name}"),
            _ => assert!(!to.exists(), "{name}: what is not whole is in its place"),
        }
    }
}

#[test]
fn an_archive_that_is_written_to_while_it_is_sent_is_not_stored() {
    let server = Versitygw::start();
    let s3 = server.s3();
    s3.create_bucket(BUCKET);
    for (name, change) in [
        ("grows", (|path| data::write_file(path, 9, 31 * MIB)) as fn(&std::path::Path) -> std::io::Result<()>),
        ("shrinks", |path| std::fs::File::options().write(true).open(path)?.set_len(6 * MIB)),
    ] {
        let machine = Holdfast::new();
        let path = machine.home().join("site.zip");
        data::write_file(&path, 3, 30 * MIB).expect("a file can be written");
        let slow = Toxiproxy::start(server.address());
        slow.add("bandwidth", Direction::Upstream, 1.0, json!({ "rate": 5_000 }));
        let endpoint = slow.endpoint();
        let object = format!("s3://{BUCKET}/{name}");
        let args = [
            "upload",
            path.to_str().expect("ASCII"),
            &object,
            "--part-size",
            "5MiB",
            "--json",
            "--endpoint",
            &endpoint,
        ];
        let mut running = machine.start(args);
        running.wait_for_event(|event| event["event"] == "part_done").expect("a part arrives");
        change(&path).expect("the file can be changed");
        slow.reset();
        let ended = running.wait().expect_code(2);
        assert!(ended.stderr.contains("archive"), "{name}: {ended}");
        assert!(!s3.exists(BUCKET, name), "{name}: a mixture was stored");
        assert!(s3.unfinished(BUCKET, name).is_empty(), "{name}: its parts are left behind");
    }
}
