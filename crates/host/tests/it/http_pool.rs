//! Which connections are used again.

use std::{
    sync::{Barrier, mpsc},
    thread,
    time::Duration,
};

use holdfast_core::abi::{Method, Sent, TransportCause};

use crate::{
    calls::{Ask, client, config, get},
    certs::Authority,
    host::http::{Client, ClientConfig},
    server::Server,
};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[test]
fn one_connection_serves_many_calls() {
    let server = Server::responding(|_| OK.into());
    let client = client();
    for _ in 0..20 {
        get(&client, server.url("/")).unwrap();
        Ask::new(Method::Put, server.url("/")).bytes(b"part").send(&client).unwrap();
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn one_tls_connection_serves_many_calls() {
    let authority = Authority::new();
    let file = authority.file();
    let server = Server::tls(authority.server("127.0.0.1"), |peer, _| {
        while peer.request().is_some() {
            peer.say(OK);
        }
    });
    let client = Client::new(&ClientConfig { ca_file: Some(file.path().into()), ..config() }).unwrap();
    for _ in 0..20 {
        get(&client, server.url("/")).unwrap();
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn as_many_connections_are_kept_as_there_are_calls_at_once() {
    let server = Server::responding(|_| OK.into());
    let client = client();
    let together = Barrier::new(4);
    for _ in 0..3 {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    together.wait();
                    get(&client, server.url("/")).unwrap();
                });
            }
        });
    }
    assert!(server.connections() <= 4, "{}", server.connections());
}

#[test]
fn a_connection_that_the_server_closed_meanwhile_is_not_used() {
    let (closed, close_seen) = mpsc::channel();
    let server = Server::plain(move |peer, number| {
        peer.request();
        peer.say(OK);
        if number == 0 {
            peer.half_close();
            closed.send(()).unwrap();
        }
        while peer.request().is_some() {
            peer.say(OK);
        }
    });
    let client = client();
    get(&client, server.url("/")).unwrap();
    close_seen.recv().unwrap();
    thread::sleep(Duration::from_millis(50));
    get(&client, server.url("/")).unwrap();
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_connection_on_which_something_came_unasked_is_not_used() {
    let server = Server::plain(move |peer, number| {
        peer.request();
        peer.say(OK);
        if number == 0 {
            thread::sleep(Duration::from_millis(20));
            peer.say("HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n");
        }
        while peer.request().is_some() {
            peer.say(OK);
        }
    });
    let client = client();
    get(&client, server.url("/")).unwrap();
    thread::sleep(Duration::from_millis(100));
    assert_eq!(get(&client, server.url("/")).unwrap().status, 200);
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_connection_that_dies_under_a_second_call_may_have_carried_it() {
    let server = Server::plain(move |peer, _| {
        peer.request();
        peer.say(OK);
        // Takes the next request's head and closes without a word.
        peer.head();
    });
    let client = client();
    get(&client, server.url("/")).unwrap();
    let failure = get(&client, server.url("/")).unwrap_err();
    assert_eq!((failure.cause, failure.sent), (TransportCause::Broken, Sent::Maybe), "{failure}");
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_server_that_wants_to_close_is_believed() {
    let server = Server::responding(|_| "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok".into());
    let client = client();
    for _ in 0..3 {
        get(&client, server.url("/")).unwrap();
    }
    assert_eq!(server.connections(), 3);
}

#[test]
fn idle_connections_are_given_up_before_s3_closes_them() {
    let server = Server::responding(|_| OK.into());
    let client = client();
    get(&client, server.url("/")).unwrap();
    thread::sleep(Duration::from_millis(4100));
    get(&client, server.url("/")).unwrap();
    assert_eq!(server.connections(), 2);
}
