//! The sink answers as an uploader expects.

use holdfast_testbed::{Authority, S3, SinkServer, data};

#[test]
fn the_sink_answers_an_upload_and_keeps_only_sizes() {
    let sink = SinkServer::start();
    let s3 = S3::new(sink.endpoint());
    upload(&s3);
    assert_eq!(sink.size_of("bed/k"), Some((6 << 20) + 10));
    assert_eq!(sink.unfinished(), 0);
    let head = s3.head("bed", "k");
    assert_eq!(head.header("content-length"), Some("6291466"));
    assert!(head.header("etag").is_some_and(|etag| etag.ends_with("-2\"")));
    assert!(sink.swallowed() >= (6 << 20) + 10);
}

#[test]
fn the_sink_answers_over_tls() {
    let authority = Authority::new();
    let sink = SinkServer::start_tls(&authority.identity(&[]));
    upload(&S3::new(sink.endpoint()).trusting(&authority.pem()));
    assert_eq!(sink.size_of("bed/k"), Some((6 << 20) + 10));
}

#[test]
fn the_sink_takes_chunked_bodies_and_waits_for_continue() {
    use std::io::{Read as _, Write as _};
    let sink = SinkServer::start();
    let mut tcp = std::net::TcpStream::connect(sink.address()).expect("it listens");
    tcp.write_all(
        b"PUT /bed/c HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\
          x-amz-decoded-content-length: 5\r\nConnection: close\r\n\r\n",
    )
    .expect("writable");
    let mut go = [0; 25];
    tcp.read_exact(&mut go).expect("an interim answer");
    assert_eq!(&go, b"HTTP/1.1 100 Continue\r\n\r\n");
    tcp.write_all(b"7\r\n5\r\nhell\r\n0\r\n\r\n").expect("writable");
    let mut status = [0; 15];
    tcp.read_exact(&mut status).expect("an answer");
    assert_eq!(&status, b"HTTP/1.1 200 OK");
    assert_eq!(sink.size_of("bed/c"), Some(5));
}

fn upload(s3: &S3) {
    s3.create_bucket("bed");
    let id = s3.create_upload("bed", "k");
    let one = s3.upload_part("bed", "k", &id, 1, &data::bytes(1, 6 << 20));
    let two = s3.upload_part("bed", "k", &id, 2, &data::bytes(2, 10));
    assert_eq!(s3.parts("bed", "k", &id).expect("in progress").len(), 2);
    s3.complete("bed", "k", &id, &[(1, one), (2, two)]).expect_ok("complete");
}
