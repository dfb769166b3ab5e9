//! A cancelled call ends within moments, wherever it is.

use std::{
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use holdfast_core::abi::{Method, Sent, TransportCause};

use crate::{
    calls::{Ask, Source, config},
    certs::Authority,
    host::http::{Client, ClientConfig},
    server::Server,
};

const BODY_LEN: u64 = 256 << 20;

/// Sends a call, cancels it after a while, and tells whether anything was sent.
fn cancelled(ask: Ask<'_>, client: &Client) -> Sent {
    let flag = ask.cancelled.clone();
    let wait = Duration::from_millis(300);
    let started = Instant::now();
    let failure = thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(wait);
            flag.store(true, Ordering::SeqCst);
        });
        let failure = ask.send(client).unwrap_err();
        // A slice of waiting is 100 ms; the rest is for a loaded machine.
        let took = started.elapsed();
        assert!(took >= wait && took < wait + Duration::from_millis(700), "{took:?}: {failure}");
        failure
    });
    assert_eq!(failure.cause, TransportCause::Local, "{failure}");
    assert_eq!(failure.message, "cancelled");
    failure.sent
}

fn patient() -> Client {
    let long = Duration::from_secs(60);
    Client::new(&ClientConfig { connect_timeout: long, stall_timeout: long, ..config() }).unwrap()
}

#[test]
fn before_anything() {
    let ask = Ask::new(Method::Get, "http://127.0.0.1:1/");
    ask.cancelled.store(true, Ordering::SeqCst);
    let failure = ask.send(&patient()).unwrap_err();
    assert_eq!((failure.cause, failure.sent), (TransportCause::Local, Sent::No));
}

#[test]
fn while_the_body_is_not_taken() {
    let server = Server::plain(|peer, _| {
        peer.head();
        peer.ignore();
    });
    let mut source = Source::new(BODY_LEN);
    let ask = Ask::new(Method::Put, server.url("/")).reader(&mut source, BODY_LEN);
    assert_eq!(cancelled(ask, &patient()), Sent::Maybe);
}

#[test]
fn while_the_answer_is_awaited() {
    let server = Server::plain(|peer, _| {
        peer.request();
        peer.ignore();
    });
    let ask = Ask::new(Method::Get, server.url("/")).answer_within(Duration::from_secs(60));
    assert_eq!(cancelled(ask, &patient()), Sent::Maybe);
}

#[test]
fn in_the_middle_of_the_answer() {
    let server = Server::plain(|peer, _| {
        peer.request();
        peer.say("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello");
        peer.ignore();
    });
    let mut sunk = Vec::new();
    let ask = Ask::new(Method::Get, server.url("/")).sink(&mut sunk, 100);
    assert_eq!(cancelled(ask, &patient()), Sent::Maybe);
}

#[test]
fn while_bytes_keep_coming() {
    let server = Server::plain(|peer, _| {
        peer.request();
        peer.say("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n");
        for _ in 0..10_000 {
            peer.say("x");
            thread::sleep(Duration::from_millis(2));
        }
    });
    let ask = Ask::new(Method::Get, server.url("/"));
    assert_eq!(cancelled(ask, &patient()), Sent::Maybe);
}

#[test]
fn in_the_tls_handshake() {
    let server = Server::plain(|peer, _| peer.ignore());
    let url = server.url("/").replace("http:", "https:");
    assert_eq!(cancelled(Ask::new(Method::Get, url), &patient()), Sent::No);
}

#[test]
fn while_connecting() {
    // A listener that never accepts, its backlog filled: further handshakes get no answer.
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    listener.bind(&any.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let fill: Vec<_> =
        (0..4).map(|_| std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200))).collect();
    assert!(fill.iter().any(Result::is_err), "the backlog has no end here");
    let ask = Ask::new(Method::Get, format!("http://{address}/"));
    assert_eq!(cancelled(ask, &patient()), Sent::No);

    let hasty = ClientConfig { connect_timeout: Duration::from_secs(1), ..config() };
    let ask = Ask::new(Method::Get, format!("http://{address}/"));
    let failure = ask.send(&Client::new(&hasty).unwrap()).unwrap_err();
    assert_eq!((failure.cause, failure.sent), (TransportCause::Connect, Sent::No));
    assert!(failure.message.ends_with(&format!("{address}: no answer in time")), "{failure}");
}

#[test]
fn a_cancelled_call_leaves_no_connection_behind() {
    let authority = Authority::new();
    let file = authority.file();
    let server = Server::tls(authority.server("127.0.0.1"), |peer, number| {
        peer.request();
        if number == 0 {
            peer.ignore();
        }
        peer.answer("200 OK", "");
    });
    let client = Client::new(&ClientConfig { ca_file: Some(file.path().into()), ..config() }).unwrap();
    cancelled(Ask::new(Method::Get, server.url("/")), &client);
    assert_eq!(Ask::new(Method::Get, server.url("/")).send(&client).unwrap().status, 200);
    assert_eq!(server.connections(), 2);
}
