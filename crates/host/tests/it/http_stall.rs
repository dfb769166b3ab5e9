//! When a call is given up because too little moves, and when it is not.

use std::{
    io::Read,
    thread,
    time::{Duration, Instant},
};

use holdfast_core::abi::{Method, Sent, TransportCause};

use crate::{
    calls::{Ask, Source, config, get},
    certs::Authority,
    host::http::{Client, ClientConfig, Failure, MinimumRate},
    server::{Peer, Server},
};

const BODY_LEN: u64 = 256 << 20;

/// A client that calls a second of silence a stall.
fn hasty() -> ClientConfig {
    ClientConfig { stall_timeout: Duration::from_secs(1), ..config() }
}

/// A client that asks for 100 kB in each second of waiting.
fn demanding() -> Client {
    let minimum_rate = MinimumRate { bytes: 100_000, window: Duration::from_secs(1) };
    Client::new(&ClientConfig { minimum_rate, ..config() }).unwrap()
}

fn assert_stalled(failure: &Failure, started: Instant, words: &str) {
    let took = started.elapsed();
    assert_eq!((failure.cause, failure.sent), (TransportCause::Stalled, Sent::Maybe), "{failure}");
    assert!(failure.message.contains(words), "{failure}");
    assert!(took > Duration::from_millis(700) && took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn a_server_that_stops_reading_stalls_the_body() {
    let authority = Authority::new();
    let file = authority.file();
    let script = |peer: &mut dyn Peer, _: usize| {
        peer.head();
        peer.body(1 << 20);
        peer.ignore();
    };
    let servers = [Server::plain(script), Server::tls(authority.server("127.0.0.1"), script)];
    let client = Client::new(&ClientConfig { ca_file: Some(file.path().into()), ..hasty() });
    let client = client.unwrap();
    for server in servers {
        let mut source = Source::new(BODY_LEN);
        let started = Instant::now();
        let ask = Ask::new(Method::Put, server.url("/")).reader(&mut source, BODY_LEN);
        let failure = ask.send(&client).unwrap_err();
        assert_stalled(&failure, started, "took nothing of the request for 1 s");
    }
}

#[test]
fn a_body_that_moves_slowly_is_not_stalled() {
    let server = Server::plain(|peer, _| {
        let head = peer.head().unwrap();
        let len: usize = crate::server::header(&head, "content-length").unwrap().parse().unwrap();
        let mut left = len;
        while left > 0 {
            let piece = left.min(len / 6);
            peer.body(piece);
            left -= piece;
            thread::sleep(Duration::from_millis(400));
        }
        peer.answer("200 OK", "");
    });
    let len = 48 << 20;
    let mut source = Source::new(len);
    let client = Client::new(&hasty()).unwrap();
    let ask = Ask::new(Method::Put, server.url("/")).reader(&mut source, len);
    assert_eq!(ask.send(&client).unwrap().status, 200);
}

#[test]
fn an_upload_that_drips_is_stalled() {
    let server = Server::plain(|peer, _| {
        peer.head();
        let mut byte = [0; 1000];
        while peer.read(&mut byte).is_ok_and(|bytes| bytes > 0) {
            thread::sleep(Duration::from_millis(50));
        }
    });
    let mut source = Source::new(BODY_LEN);
    let client = demanding();
    let ask = Ask::new(Method::Put, server.url("/")).reader(&mut source, BODY_LEN);
    let failure = ask.send(&client).unwrap_err();
    assert_eq!(failure.cause, TransportCause::Stalled, "{failure}");
    assert!(failure.message.contains("moved to 127.0.0.1"), "{failure}");
}

#[test]
fn a_slow_source_is_not_a_slow_network() {
    struct Slow(u32);
    impl Read for Slow {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            thread::sleep(Duration::from_millis(500));
            self.0 += 1;
            into[0] = b'x';
            Ok(1)
        }
    }
    let server = Server::responding(|_| "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".into());
    let minimum_rate = MinimumRate { bytes: 100_000, window: Duration::from_secs(1) };
    let client = Client::new(&ClientConfig { minimum_rate, ..hasty() }).unwrap();
    let mut slow = Slow(0);
    let ask = Ask::new(Method::Put, server.url("/")).reader(&mut slow, 5);
    assert_eq!(ask.send(&client).unwrap().status, 200);
}

#[test]
fn a_server_that_does_not_answer_in_time_is_stalled() {
    let server = Server::plain(|peer, _| {
        peer.request();
        peer.ignore();
    });
    let client = Client::new(&hasty()).unwrap();
    let started = Instant::now();
    let ask = Ask::new(Method::Post, server.url("/?uploadId=sentinel")).bytes(b"<xml/>");
    let failure = ask.answer_within(Duration::from_secs(2)).send(&client).unwrap_err();
    assert_stalled(&failure, started, "gave no answer within 2 s");
    assert!(!failure.message.contains("sentinel"));
}

#[test]
fn a_server_may_think_longer_than_a_body_may_pause() {
    let server = Server::plain(|peer, _| {
        peer.request();
        thread::sleep(Duration::from_millis(1800));
        peer.answer("200 OK", "");
    });
    let client = Client::new(&hasty()).unwrap();
    assert_eq!(get(&client, server.url("/")).unwrap().status, 200);
}

#[test]
fn an_answer_that_falls_silent_is_stalled() {
    let server = Server::plain(|peer, _| {
        peer.request();
        peer.say("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello");
        peer.ignore();
    });
    let client = Client::new(&hasty()).unwrap();
    let started = Instant::now();
    let failure = get(&client, server.url("/")).unwrap_err();
    assert_stalled(&failure, started, "fell silent for 1 s in the middle of its answer");
}

#[test]
fn white_space_before_the_answer_to_complete_is_progress() {
    let server = Server::plain(|peer, _| {
        peer.request();
        peer.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        peer.say("27\r\n<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\r\n");
        for _ in 0..8 {
            thread::sleep(Duration::from_millis(400));
            peer.say("1\r\n \r\n");
        }
        peer.say("1f\r\n<CompleteMultipartUploadResult/>\r\n0\r\n\r\n".replace("1f", "20").as_str());
    });
    // Slower than any minimum, and longer than the stall and the time to answer together.
    let minimum_rate = MinimumRate { bytes: 100_000, window: Duration::from_secs(1) };
    let client = Client::new(&ClientConfig { minimum_rate, ..hasty() }).unwrap();
    let ask = Ask::new(Method::Post, server.url("/")).bytes(b"<CompleteMultipartUpload/>");
    let answer = ask.answer_within(Duration::from_secs(1)).send(&client).unwrap();
    let body = String::from_utf8(answer.body).unwrap();
    assert!(body.ends_with("        <CompleteMultipartUploadResult/>"), "{body}");
}

#[test]
fn a_download_that_drips_is_stalled() {
    let server = Server::plain(|peer, _| {
        peer.request();
        peer.say("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n");
        for _ in 0..100 {
            peer.say(&"x".repeat(1000));
            thread::sleep(Duration::from_millis(50));
        }
    });
    let mut sunk = Vec::new();
    let client = demanding();
    let started = Instant::now();
    let ask = Ask::new(Method::Get, server.url("/")).sink(&mut sunk, 1_000_000);
    let failure = ask.send(&client).unwrap_err();
    assert_stalled(&failure, started, "moved from 127.0.0.1");
}

#[test]
fn a_slow_sink_is_not_a_slow_network() {
    struct Slow;
    impl std::io::Write for Slow {
        fn write(&mut self, from: &[u8]) -> std::io::Result<usize> {
            thread::sleep(Duration::from_millis(300));
            Ok(from.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let server =
        Server::responding(|_| format!("HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n{}", "x".repeat(200_000)));
    let minimum_rate = MinimumRate { bytes: 1 << 30, window: Duration::from_secs(1) };
    let client = Client::new(&ClientConfig { minimum_rate, ..hasty() }).unwrap();
    let answer = Ask::new(Method::Get, server.url("/")).into(&mut Slow, 200_000).send(&client).unwrap();
    assert_eq!(answer.sunk, Some(200_000));
}
