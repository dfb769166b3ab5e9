//! Answers that come before the body is sent, in each way that a server can then close, over TCP
//! and over TLS.

use std::{
    thread,
    time::{Duration, Instant},
};

use holdfast_core::abi::{Method, Sent, TransportCause};
use rustls::version::{TLS12, TLS13};

use crate::{
    calls::{Ask, Source, client, config},
    certs::{Authority, Validity},
    host::http::Client,
    server::{Peer, Server},
};

/// More than any socket holds, so that it cannot be sent unless it is read.
const BODY_LEN: u64 = 256 << 20;

const BUSY: &str = "HTTP/1.1 503 Slow Down\r\ncontent-length: 8\r\nretry-after: 1\r\n\r\nSlowDown";

/// What carries the call.
#[derive(Debug, Clone, Copy)]
enum Over {
    Tcp,
    Tls12,
    Tls13,
}

const ALL: [Over; 3] = [Over::Tcp, Over::Tls12, Over::Tls13];

/// A server over each, and a client that trusts it.
fn pair(over: Over, script: impl Fn(&mut dyn Peer, usize) + Send + Sync + 'static) -> (Server, Client) {
    let authority = Authority::new();
    let versions = match over {
        Over::Tcp => return (Server::plain(script), client()),
        Over::Tls12 => &[&TLS12],
        Over::Tls13 => &[&TLS13],
    };
    let tls = authority.server_valid("127.0.0.1", Validity::Now, versions);
    let file = authority.file();
    let config = crate::host::http::ClientConfig { ca_file: Some(file.path().into()), ..config() };
    (Server::tls(tls, script), Client::new(&config).unwrap())
}

/// Sends a body that is never read to its end; gives the answer and how long it took.
fn put(over: Over, script: impl Fn(&mut dyn Peer, usize) + Send + Sync + 'static) -> (u16, Vec<u8>) {
    let (server, client) = pair(over, script);
    let mut source = Source::new(BODY_LEN);
    let started = Instant::now();
    let ask = Ask::new(Method::Put, server.url("/b/k")).reader(&mut source, BODY_LEN);
    let answer = ask.send(&client).unwrap_or_else(|failure| panic!("{over:?}: {failure:?}"));
    assert!(started.elapsed() < Duration::from_secs(4), "{over:?}: {:?}", started.elapsed());
    assert!(source.taken < BODY_LEN / 2, "{over:?}: the source was read to its end");

    // The connection is not used again: the next call is the server's second connection.
    let _ = Ask::new(Method::Get, server.url("/again")).answer_within(Duration::from_millis(1)).send(&client);
    assert!(server.accepts(2), "{over:?}: the connection was used again");
    (answer.status, answer.body)
}

/// The first connection answers in mid-body and then does `then`; another is closed at once.
fn busy(then: impl Fn(&mut dyn Peer) + Send + Sync + 'static) -> impl Fn(&mut dyn Peer, usize) + Send + Sync {
    move |peer, number| {
        peer.head();
        if number == 0 {
            peer.body(1 << 20);
            peer.say(BUSY);
            then(peer);
        }
    }
}

#[test]
fn then_closed() {
    for over in ALL {
        assert_eq!(put(over, busy(|_| {})), (503, b"SlowDown".to_vec()));
    }
}

#[test]
fn then_half_closed_reading_nothing() {
    for over in ALL {
        let script = busy(|peer| {
            peer.half_close();
            peer.ignore();
        });
        assert_eq!(put(over, script), (503, b"SlowDown".to_vec()));
    }
}

#[test]
fn then_stopped_reading() {
    for over in ALL {
        assert_eq!(put(over, busy(|peer| peer.ignore())), (503, b"SlowDown".to_vec()));
    }
}

#[test]
fn then_reset() {
    for over in ALL {
        // The client is given the moment in which a real network would deliver the answer:
        // without it the reset may overtake what was said.
        let script = busy(|peer| {
            thread::sleep(Duration::from_millis(50));
            peer.reset();
        });
        assert_eq!(put(over, script), (503, b"SlowDown".to_vec()));
    }
}

#[test]
fn then_went_on_reading_as_if_nothing_had_been_said() {
    for over in ALL {
        let script = busy(|peer| {
            let mut piece = vec![0; 1 << 20];
            while peer.read(&mut piece).is_ok_and(|bytes| bytes > 0) {}
        });
        assert_eq!(put(over, script), (503, b"SlowDown".to_vec()));
    }
}

#[test]
fn said_before_anything_of_the_body_was_read() {
    for over in ALL {
        let script = |peer: &mut dyn Peer, _: usize| {
            peer.head();
            peer.say(BUSY);
            peer.ignore();
        };
        assert_eq!(put(over, script), (503, b"SlowDown".to_vec()));
    }
}

#[test]
fn said_before_the_request() {
    for over in ALL {
        let script = |peer: &mut dyn Peer, _: usize| {
            peer.say(BUSY);
            peer.ignore();
        };
        assert_eq!(put(over, script), (503, b"SlowDown".to_vec()));
    }
}

#[test]
fn said_in_pieces() {
    for over in ALL {
        let script = busy_in_pieces;
        assert_eq!(put(over, script), (503, b"SlowDown".to_vec()));
    }
}

fn busy_in_pieces(peer: &mut dyn Peer, _: usize) {
    peer.head();
    peer.body(1 << 20);
    for piece in ["HT", "TP/1.1 5", "03 Slow Down\r\ncontent-len", "gth: 8\r\n\r\nSlow", "Down"] {
        peer.say(piece);
        thread::sleep(Duration::from_millis(20));
    }
    peer.ignore();
}

#[test]
fn interim_answers_in_mid_body_are_not_answers() {
    for over in ALL {
        let (server, client) = pair(over, |peer, _| {
            peer.head();
            for _ in 0..3000 {
                peer.say("HTTP/1.1 102 Processing\r\n\r\n");
            }
            peer.say("HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n");
            let len = 32 << 20;
            assert_eq!(peer.body(len).len(), len);
            peer.answer("200 OK", "all of it");
        });
        let mut source = Source::new(32 << 20);
        let ask = Ask::new(Method::Put, server.url("/b/k")).reader(&mut source, 32 << 20);
        let answer = ask.send(&client).unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"all of it"[..]), "{over:?}");
    }
}

#[test]
fn an_early_success_does_not_cut_the_body_short() {
    for over in ALL {
        let (server, client) = pair(over, |peer, _| {
            peer.head();
            peer.answer("200 OK", "too eager");
            thread::sleep(Duration::from_millis(50));
            assert_eq!(peer.body(32 << 20).len(), 32 << 20);
        });
        let mut source = Source::new(32 << 20);
        let ask = Ask::new(Method::Put, server.url("/b/k")).reader(&mut source, 32 << 20);
        let progress = ask.progress.clone();
        let answer = ask.send(&client).unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"too eager"[..]), "{over:?}");
        assert_eq!((source.taken, progress.sent()), (32 << 20, 32 << 20));
    }
}

#[test]
fn an_early_success_and_then_a_close_is_no_success() {
    for over in ALL {
        let (server, client) = pair(over, |peer, _| {
            peer.head();
            peer.answer("200 OK", "too eager");
        });
        let mut source = Source::new(BODY_LEN);
        let ask = Ask::new(Method::Put, server.url("/b/k")).reader(&mut source, BODY_LEN);
        let failure = ask.send(&client).unwrap_err();
        assert_eq!((failure.cause, failure.sent), (TransportCause::Broken, Sent::Maybe), "{over:?}");
    }
}

#[test]
fn a_close_without_a_word_is_noticed_at_once() {
    for over in ALL {
        let (server, client) = pair(over, |peer, _| {
            peer.head();
            peer.body(1 << 20);
            peer.half_close();
            peer.ignore();
        });
        let mut source = Source::new(BODY_LEN);
        let started = Instant::now();
        let ask = Ask::new(Method::Put, server.url("/b/k")).reader(&mut source, BODY_LEN);
        let failure = ask.send(&client).unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(2), "{over:?}");
        assert_eq!((failure.cause, failure.sent), (TransportCause::Broken, Sent::Maybe), "{over:?}");
        assert!(failure.message.contains("127.0.0.1"), "{failure}");
    }
}

#[test]
fn garbage_in_mid_body_is_malformed() {
    for over in ALL {
        let (server, client) = pair(over, |peer, _| {
            peer.head();
            peer.say("go away\r\n");
            peer.ignore();
        });
        let mut source = Source::new(BODY_LEN);
        let ask = Ask::new(Method::Put, server.url("/b/k")).reader(&mut source, BODY_LEN);
        let failure = ask.send(&client).unwrap_err();
        assert_eq!(failure.cause, TransportCause::Malformed, "{over:?}: {failure}");
    }
}

#[test]
fn a_long_early_answer_is_read_whole() {
    for over in ALL {
        let script = busy_at_length;
        let (status, body) = put(over, script);
        assert_eq!((status, body.len()), (400, 300_000));
    }
}

fn busy_at_length(peer: &mut dyn Peer, number: usize) {
    peer.head();
    if number == 0 {
        peer.answer("400 Bad Request", &"x".repeat(300_000));
        peer.half_close();
        peer.ignore();
    }
}
