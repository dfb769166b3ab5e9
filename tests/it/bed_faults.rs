//! Each fault of the proxy is the one that its name says, byte by byte, plain and over TLS.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use holdfast_testbed::fault::{Ending, Operation, Quirk, Reply, When};
use holdfast_testbed::{Authority, Embedded, Fault, FaultProxy, Rule, S3, Script, data};

const MIB: usize = 1 << 20;

struct Scene {
    server: Embedded,
    proxy: FaultProxy,
    s3: S3,
}

impl Scene {
    fn new(script: Script) -> Self {
        let server = Embedded::start().expect("a loopback port");
        server.s3().create_bucket("bed");
        let proxy = FaultProxy::start(server.address(), script);
        let s3 = S3::new(proxy.endpoint());
        Self { server, proxy, s3 }
    }

    /// A PUT by hand, so that every byte of what comes back is seen. Unsigned: who gets through to
    /// the server gets 403, and that is enough here.
    fn raw_put(&self, body: &[u8]) -> (Vec<u8>, Option<std::io::ErrorKind>) {
        let mut tcp = TcpStream::connect(self.proxy.address()).expect("it listens");
        tcp.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
        let head = format!("PUT /bed/raw HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
        tcp.write_all(head.as_bytes()).expect("writable");
        // An early answer may close the way. A reset is told once: here, or to the reader below.
        let sent = tcp.write_all(body).map_err(|e| e.kind());
        let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            match tcp.read(&mut buffer) {
                Ok(0) => return (all, sent.err()),
                Ok(n) => all.extend_from_slice(&buffer[..n]),
                Err(e) => return (all, Some(e.kind())),
            }
        }
    }
}

fn put(fault: Fault) -> Script {
    Script::new().rule(Rule::on(Operation::PutObject).then(fault))
}

#[test]
fn what_no_rule_names_passes_and_is_recorded() {
    let scene = Scene::new(Script::new());
    let body = data::bytes(1, 3 * MIB);
    scene.s3.put("bed", "a b", &body);
    assert_eq!(scene.s3.get("bed", "a b"), body);
    let exchanges = scene.proxy.exchanges();
    assert_eq!(exchanges.len(), 2);
    assert_eq!(exchanges[0].seen.operation, Operation::PutObject);
    assert_eq!((exchanges[0].seen.bucket.as_str(), exchanges[0].seen.key.as_str()), ("bed", "a b"));
    assert_eq!(exchanges[0].body_read, body.len() as u64);
    assert_eq!((exchanges[0].status, exchanges[0].server_status), (Some(200), Some(200)));
    assert_eq!(exchanges[1].seen.operation, Operation::GetObject);
}

#[test]
fn resets_before_in_and_after_the_body() {
    for (when, passed_on) in [(When::Head, 0), (When::Body(100_000), 100_000), (When::BodyRead, 300_000)] {
        let scene = Scene::new(put(Fault::Reset(when)));
        let (answer, error) = scene.raw_put(&data::bytes(1, 300_000));
        assert_eq!(answer, b"", "{when:?}");
        let resets = [std::io::ErrorKind::ConnectionReset, std::io::ErrorKind::BrokenPipe];
        assert!(error.is_some_and(|kind| resets.contains(&kind)), "{when:?}: {error:?}");
        let exchange = &scene.proxy.exchanges()[0];
        assert_eq!((exchange.body_read, exchange.status), (passed_on, None), "{when:?}");
        assert!(!scene.server.s3().exists("bed", "raw"));
    }
}

#[test]
fn a_lost_answer_leaves_the_object_behind() {
    let scene = Scene::new(put(Fault::LoseAnswer));
    let url = format!("{}/bed/k", scene.proxy.endpoint());
    let lost = std::panic::catch_unwind(|| S3::new(scene.proxy.endpoint()).put("bed", "k", b"there"));
    assert!(lost.is_err(), "no answer came from {url}");
    assert_eq!(scene.server.s3().get("bed", "k"), b"there");
    assert_eq!(scene.proxy.exchanges()[0].server_status, Some(200));
    assert_eq!(scene.proxy.exchanges()[0].status, None);
}

#[test]
fn a_slow_down_burst_ends() {
    let rule = Rule::on(Operation::PutObject).times(2).then(Fault::answer(Reply::slow_down_for(3)));
    let scene = Scene::new(Script::new().rule(rule));
    for _ in 0..2 {
        let reply = scene.s3.send("PUT", "/bed/k", &[], &[], b"x");
        assert_eq!((reply.status, reply.code().as_deref()), (503, Some("SlowDown")));
        assert_eq!(reply.header("retry-after"), Some("3"));
        assert_eq!(reply.header("x-amz-request-id"), Some(holdfast_testbed::fault::REQUEST_ID));
    }
    scene.s3.put("bed", "k", b"x");
    assert_eq!(scene.proxy.connections(), 1, "the whole body was read, so the connection lives on");
}

#[test]
fn early_answers_end_in_four_ways() {
    // More than the socket buffers of both sides hold.
    let body = data::bytes(1, 32 * MIB);
    let endings = [Ending::Close, Ending::HalfClose, Ending::StopReading(Duration::from_millis(300)), Ending::Drain];
    for ending in endings {
        let scene = Scene::new(put(Fault::early(Reply::slow_down(), 100_000, ending)));
        let began = Instant::now();
        let mut tcp = TcpStream::connect(scene.proxy.address()).expect("it listens");
        tcp.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
        let head = format!("PUT /bed/raw HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
        tcp.write_all(head.as_bytes()).expect("writable");
        tcp.write_all(&body[..200_000]).expect("it reads that much");
        // The answer is there before the body is: this is what a client can catch by peeking.
        let mut status = [0; 12];
        tcp.read_exact(&mut status).expect("an early answer");
        assert_eq!(&status, b"HTTP/1.1 503", "{ending:?}");
        let rest = tcp.write_all(&body[200_000..]);
        match ending {
            Ending::Close => assert!(rest.is_err(), "the way is closed"),
            Ending::HalfClose | Ending::Drain => assert!(rest.is_ok(), "{ending:?} reads on"),
            Ending::StopReading(time) => {
                assert!(rest.is_err());
                assert!(began.elapsed() >= time, "it was silent before it closed");
            }
        }
    }
}

#[test]
fn a_truncated_answer_promises_more_than_it_holds() {
    let scene = Scene::new(Script::new().rule(Rule::on(Operation::PutObject).then(Fault::TruncateAnswer(10))));
    let (answer, error) = scene.raw_put(b"x");
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").expect("a whole head");
    assert_eq!((body.len(), error), (10, None), "{text}");
    assert!(!head.to_lowercase().contains("content-length: 10\r"), "{head}");
}

#[test]
fn stalls_and_slow_reads_take_their_time() {
    let pause = Duration::from_millis(250);
    for when in [When::Head, When::Body(10), When::BodyRead] {
        let scene = Scene::new(put(Fault::Stall(when, pause)));
        let began = Instant::now();
        scene.s3.put("bed", "k", &data::bytes(1, 1000));
        assert!(began.elapsed() >= pause, "{when:?}");
    }
    let scene = Scene::new(put(Fault::SlowRead(1_000_000)));
    let began = Instant::now();
    scene.s3.put("bed", "k", &data::bytes(1, 500_000));
    assert!(began.elapsed() >= Duration::from_millis(400));
}

#[test]
fn an_answer_can_drip_and_stall() {
    let get = |fault| Script::new().rule(Rule::on(Operation::GetObject).then(fault));
    let body = data::bytes(1, 1000);
    let pause = Duration::from_millis(30);
    for fault in [Fault::DripAnswer(100, pause), Fault::StallAnswer(500, pause * 10)] {
        let scene = Scene::new(get(fault));
        scene.s3.put("bed", "k", &body);
        let began = Instant::now();
        assert_eq!(scene.s3.get("bed", "k"), body);
        assert!(began.elapsed() >= pause * 9);
    }
}

#[test]
fn complete_can_drip_whitespace_before_its_answer_or_an_error() {
    let pause = Duration::from_millis(20);
    let complete = |instead| {
        Script::new().rule(Rule::on(Operation::CompleteMultipartUpload).then(Fault::Whitespace(10, pause, instead)))
    };
    let scene = Scene::new(complete(None));
    let id = scene.s3.create_upload("bed", "k");
    let etag = scene.s3.upload_part("bed", "k", &id, 1, b"part");
    let began = Instant::now();
    let reply = scene.s3.complete("bed", "k", &id, &[(1, etag)]);
    assert!(began.elapsed() >= pause * 10);
    assert_eq!(reply.status, 200);
    assert!(reply.text().contains("          <CompleteMultipartUploadResult"), "{}", reply.text());
    assert_eq!(scene.server.s3().get("bed", "k"), b"part");

    let scene = Scene::new(complete(Some(Reply::ok_with_error("InternalError"))));
    let reply = scene.s3.complete("bed", "k", "none", &[]);
    assert_eq!((reply.status, reply.code().as_deref()), (200, Some("InternalError")));
}

#[test]
fn answers_of_our_own_are_worded_as_aws_words_them() {
    type Row = (Reply, u16, &'static str, Option<(&'static str, &'static str)>);
    let table: [Row; 10] = [
        (
            Reply::permanent_redirect("eu-west-1", "b.s3"),
            301,
            "PermanentRedirect",
            Some(("x-amz-bucket-region", "eu-west-1")),
        ),
        (
            Reply::temporary_redirect("http://127.0.0.1:1/b"),
            307,
            "TemporaryRedirect",
            Some(("location", "http://127.0.0.1:1/b")),
        ),
        (
            Reply::authorization_header_malformed("us-east-1", "eu-west-1"),
            400,
            "AuthorizationHeaderMalformed",
            Some(("x-amz-bucket-region", "eu-west-1")),
        ),
        (Reply::time_too_skewed(), 403, "RequestTimeTooSkewed", None),
        (Reply::expired_token(), 400, "ExpiredToken", None),
        (Reply::no_such_upload(), 404, "NoSuchUpload", None),
        (Reply::conditional_conflict(), 409, "ConditionalRequestConflict", None),
        (Reply::entity_too_small(), 400, "EntityTooSmall", None),
        (Reply::request_timeout(), 400, "RequestTimeout", None),
        (Reply::ok_with_error("SlowDown"), 200, "SlowDown", None),
    ];
    for (reply, status, code, header) in table {
        let scene = Scene::new(put(Fault::answer(reply)));
        let got = scene.s3.send("PUT", "/bed/k", &[], &[], b"x");
        assert_eq!((got.status, got.code().as_deref()), (status, Some(code)));
        if let Some((name, value)) = header {
            assert_eq!(got.header(name), Some(value));
        }
        assert!(!scene.server.s3().exists("bed", "k"), "the server was never asked");
    }
}

#[test]
fn the_servers_answer_can_be_replaced_and_edited() {
    let scene = Scene::new(put(Fault::ReplaceAnswer(Reply::internal_error())));
    assert_eq!(scene.s3.send("PUT", "/bed/k", &[], &[], b"done").status, 500);
    assert_eq!(scene.server.s3().get("bed", "k"), b"done", "it was done all the same");

    scene.proxy.set_script(put(Fault::wrong_date(-3600)));
    let date = scene.s3.put("bed", "k", b"x").header("date").expect("a date").to_owned();
    let date = httpdate::parse_http_date(&date).expect("an HTTP date");
    let age = std::time::SystemTime::now().duration_since(date).expect("in the past").as_secs();
    assert!((3590..3620).contains(&age), "{age}");
}

#[test]
fn one_bit_can_be_flipped_each_way() {
    let scene = Scene::new(Script::new().rule(Rule::on(Operation::GetObject).then(Fault::FlipAnswerBit(70_000))));
    let body = data::bytes(1, 100_000);
    scene.s3.put("bed", "k", &body);
    let got = scene.s3.get("bed", "k");
    let differing: Vec<_> = (0..body.len()).filter(|i| body[*i] != got[*i]).collect();
    assert_eq!(differing, [70_000]);

    scene.proxy.set_script(put(Fault::FlipRequestBit(10)));
    let refused = scene.s3.send("PUT", "/bed/k2", &[], &[], &body);
    assert!(refused.status >= 400, "the signed payload hash no longer fits: {}", refused.status);
}

#[test]
fn quirks_refuse_what_the_provider_refuses() {
    let scene = Scene::new(Script::new().quirk(Quirk::NoChecksums));
    let crc = [("x-amz-checksum-crc32", "AAAAAA==")];
    assert_eq!(scene.s3.send("PUT", "/bed/k", &[], &crc, b"x").code().as_deref(), Some("InvalidArgument"));
    scene.s3.put("bed", "k", b"x");

    scene.proxy.set_script(Script::new().quirk(Quirk::EqualParts).quirk(Quirk::MaxParts(3)));
    for (sizes, status) in [([5, 5, 1], 200), ([5, 6, 1], 400), ([5, 5, 6], 400)] {
        let id = scene.s3.create_upload("bed", "k");
        let parts: Vec<_> = (1..)
            .zip(sizes)
            .map(|(n, size)| (n, scene.s3.upload_part("bed", "k", &id, n, &data::bytes(1, size * MIB))))
            .collect();
        let reply = scene.s3.complete("bed", "k", &id, &parts);
        assert_eq!(reply.status, status, "{sizes:?}");
        if status == 400 {
            assert_eq!(reply.code().as_deref(), Some("InvalidPart"));
        }
    }
    let id = scene.s3.create_upload("bed", "k");
    let query = [("partNumber", "4"), ("uploadId", &*id)];
    assert_eq!(scene.s3.send("PUT", "/bed/k", &query, &[], b"x").status, 400);

    scene.proxy.set_script(Script::new().quirk(Quirk::Region("eu-west-1".into())));
    let reply = scene.s3.send("GET", "/bed", &[("list-type", "2")], &[], b"");
    assert_eq!(reply.code().as_deref(), Some("AuthorizationHeaderMalformed"));
}

#[test]
fn a_closure_may_choose() {
    let scene =
        Scene::new(Script::choosing(|seen| (seen.part() == Some(2)).then(|| Fault::answer(Reply::internal_error()))));
    let id = scene.s3.create_upload("bed", "k");
    scene.s3.upload_part("bed", "k", &id, 1, b"x");
    let query = [("partNumber", "2"), ("uploadId", &*id)];
    assert_eq!(scene.s3.send("PUT", "/bed/k", &query, &[], b"x").status, 500);
    assert_eq!(scene.proxy.of(Operation::UploadPart(0)).len(), 2);
}

#[test]
fn faults_work_over_tls_too() {
    let authority = Authority::new();
    let server = Embedded::start().expect("a loopback port");
    server.s3().create_bucket("bed");
    let script = put(Fault::answer(Reply::slow_down()));
    let proxy = FaultProxy::start_tls(server.address(), script, &authority.identity(&[]));
    let s3 = S3::new(proxy.endpoint()).trusting(&authority.pem());
    assert_eq!(s3.send("PUT", "/bed/k", &[], &[], b"x").status, 503);
    let body = data::bytes(1, MIB);
    s3.put("bed", "k", &body);
    assert_eq!(s3.get("bed", "k"), body);
}
