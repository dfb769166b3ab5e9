//! Keys that end while a run goes on.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use holdfast_testbed::{FaultProxy, Holdfast, Minio, Script, SharedPipe, data, fault::Operation, pipe::Line};
use serde_json::json;

const BUCKET: &str = "backups";

/// A container's credential service, as ECS has one: the first answer ends soon, the next later.
fn service(first: (&'static str, Duration), next: &'static str, asked: &'static AtomicUsize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    let url = format!("http://{}/keys", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let _ = stream.read(&mut [0; 4096]).expect("a request");
            let (name, lasts) = match asked.fetch_add(1, Ordering::SeqCst) {
                0 => first,
                _ => (next, Duration::from_secs(3_600)),
            };
            let end = jiff::Timestamp::now() + jiff::SignedDuration::try_from(lasts).expect("not long");
            let end = end.to_string();
            let secret = format!("{name}-secret");
            let body = json!({"AccessKeyId": name, "SecretAccessKey": secret, "Expiration": end}).to_string();
            let length = body.len();
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
                .expect("answered");
        }
    });
    url
}

/// Four seconds of upload over a line of 100 Mbit/s; the keys are due for renewal after one.
#[test]
fn they_are_replaced_before_they_end_and_no_request_is_refused() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let server = Minio::start();
    server.s3().create_bucket(BUCKET);
    for user in ["earlier", "later"] {
        server.add_user(user, &format!("{user}-secret"));
        server.set_user_policy(user, "readwrite");
    }
    let margin = Duration::from_secs(5 * 60);
    let url = service(("earlier", margin + Duration::from_secs(1)), "later", &ASKED);
    let line = SharedPipe::start(server.address(), Line::FAR);
    let proxy = FaultProxy::start(line.address(), Script::new());
    let machine = Holdfast::new().without_key().env("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    let path = machine.home().join("site.zip");
    data::write_file(&path, 3, 48 << 20).expect("a file can be written");

    let object = format!("s3://{BUCKET}/site.zip");
    let file = path.to_str().expect("made of ASCII");
    let args = ["upload", file, &object, "--part-size", "5MiB", "--concurrency", "2", "--endpoint", &proxy.endpoint()];
    machine.run(args).expect_ok();

    assert!(server.s3().get(BUCKET, "site.zip") == std::fs::read(&path).expect("readable"));
    assert_eq!(ASKED.load(Ordering::SeqCst), 2, "asked once at the start, once before the end");
    let signed_by = |exchange: &holdfast_testbed::fault::Exchange| {
        let header = exchange.seen.head.headers.get("authorization").expect("signed").to_owned();
        header.split("Credential=").nth(1).and_then(|rest| rest.split('/').next()).expect("a key").to_owned()
    };
    let exchanges = proxy.exchanges();
    assert!(exchanges.iter().all(|exchange| exchange.status.is_some_and(|status| status != 403)));
    assert_eq!(signed_by(&exchanges[0]), "earlier");
    let complete = proxy.of(Operation::CompleteMultipartUpload);
    assert_eq!(signed_by(&complete[0]), "later");
}
