//! A ceiling on the rate at which bodies are sent.

use std::{
    sync::{Arc, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use holdfast_core::abi::Method;

use crate::{
    calls::{Ask, config},
    host::http::{Client, ClientConfig, MinimumRate},
    server::Server,
};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[test]
fn all_connections_share_the_ceiling_and_none_of_them_stalls() {
    let server = Server::responding(|_| OK.into());
    let patience = MinimumRate { bytes: 1 << 20, window: Duration::from_millis(200) };
    let limited = ClientConfig { limit_rate: Some(1_000_000), minimum_rate: patience, ..config() };
    let client = Client::new(&limited).unwrap();
    let body = vec![7_u8; 250_000];
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| Ask::new(Method::Put, server.url("/")).bytes(&body).send(&client).unwrap());
        }
    });
    let took = begun.elapsed().as_secs_f64();
    // 1 MB at 1 MB/s, less the last piece of each; the rest is what a busy machine may add.
    assert!((0.8..5.0).contains(&took), "{took} s");
    // An answer is not held back.
    let begun = Instant::now();
    Ask::new(Method::Get, server.url("/")).send(&client).unwrap();
    assert!(begun.elapsed() < Duration::from_millis(500));
}

#[test]
fn a_call_that_waits_for_its_turn_can_be_cancelled() {
    let server = Server::responding(|_| OK.into());
    let client = Client::new(&ClientConfig { limit_rate: Some(1024), ..config() }).unwrap();
    let body = vec![7_u8; 1 << 20];
    let ask = Ask::new(Method::Put, server.url("/")).bytes(&body);
    let cancelled = Arc::clone(&ask.cancelled);
    let begun = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(200));
            cancelled.store(true, Ordering::Relaxed);
        });
        ask.send(&client).unwrap_err();
    });
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}
