//! [`FaultProxy`]: an HTTP/1.1-aware proxy in front of a real server that does wrong on purpose.
//!
//! ```text
//! client ──▶ FaultProxy ──▶ server       Script: Rules (when, how often, what) or a closure
//!              │  └─ every request and what became of it is kept: FaultProxy::exchanges
//!              └─ Quirk: what a provider always does (no checksums, equal parts, …)
//! ```
//! One thread a connection and one connection to the server a request, so that nothing of one
//! exchange can leak into the next. The `Host` header passes unchanged, so signatures stay valid.

mod operation;
mod play;
mod quirk;
mod reply;
mod script;

use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

use rustls::ServerConfig;

pub use operation::{Operation, Seen};
pub use quirk::Quirk;
pub use reply::{REQUEST_ID, Reply};
pub use script::{Edit, Ending, Fault, ReadBody, Rule, Script, When};

use crate::http1::Wire;
use crate::process::loopback;
use crate::stream::Stream;
use crate::tls::Identity;

/// A request that came by, and what became of it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The request.
    pub seen: Seen,
    /// How many bytes of its body were read.
    pub body_read: u64,
    /// The body, when it is short (256 KiB at most) and was read whole.
    pub body: Option<Vec<u8>>,
    /// The status that the client was sent; `None` when it got no answer.
    pub status: Option<u16>,
    /// The status that the server behind answered, when it was asked.
    pub server_status: Option<u16>,
    /// The fault that was played.
    pub fault: Fault,
    /// When its head had come in, since the proxy started.
    pub at: std::time::Duration,
}

/// A running proxy; it stops, and cuts its connections, when dropped.
#[derive(Debug)]
pub struct FaultProxy {
    shared: Arc<Shared>,
    tls: bool,
}

#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    upstream: SocketAddr,
    began: Instant,
    script: Mutex<Script>,
    exchanges: Mutex<Vec<Exchange>>,
    /// By number: a connection ends only when no copy of its socket is left.
    open: Mutex<BTreeMap<usize, TcpStream>>,
    connections: AtomicUsize,
    in_flight: AtomicUsize,
    stopped: AtomicBool,
}

impl FaultProxy {
    /// Starts one on a free loopback port.
    pub fn start(upstream: SocketAddr, script: Script) -> Self {
        Self::launch(upstream, script, None)
    }

    /// The same, speaking TLS to its clients; the server behind it speaks plain HTTP.
    pub fn start_tls(upstream: SocketAddr, script: Script, identity: &Identity) -> Self {
        Self::launch(upstream, script, Some(identity.server_config()))
    }

    fn launch(upstream: SocketAddr, script: Script, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind(loopback(0)).expect("a loopback port can be bound");
        let shared = Arc::new(Shared {
            address: listener.local_addr().expect("a bound socket has an address"),
            upstream,
            began: Instant::now(),
            script: Mutex::new(script),
            exchanges: Mutex::default(),
            open: Mutex::default(),
            connections: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        });
        let is_tls = tls.is_some();
        let proxy = Self { shared: Arc::clone(&shared), tls: is_tls };
        thread::Builder::new()
            .name("fault-proxy".into())
            .spawn(move || accept_all(&shared, &listener, tls.as_ref()))
            .expect("a thread can be started");
        proxy
    }

    /// `http://127.0.0.1:PORT`, or `https://…`.
    pub fn endpoint(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.shared.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// Puts another script in place of the one at hand.
    pub fn set_script(&self, script: Script) {
        *lock(&self.shared.script) = script;
    }

    /// Every request so far, in the order of arrival.
    pub fn exchanges(&self) -> Vec<Exchange> {
        lock(&self.shared.exchanges).clone()
    }

    /// The requests of one operation (any part, for the operations of parts).
    pub fn of(&self, operation: Operation) -> Vec<Exchange> {
        self.exchanges().into_iter().filter(|e| e.seen.operation.same_kind(operation)).collect()
    }

    /// How long ago it was started: [`Exchange::at`] counts from then.
    pub fn age(&self) -> std::time::Duration {
        self.shared.began.elapsed()
    }

    /// Forgets every request so far.
    pub fn forget(&self) {
        lock(&self.shared.exchanges).clear();
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Cuts all open connections with a RST.
    pub fn cut_all(&self) {
        for tcp in lock(&self.shared.open).values() {
            rustix::net::sockopt::set_socket_linger(tcp, Some(std::time::Duration::ZERO)).ok();
            tcp.shutdown(Shutdown::Both).ok();
        }
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        // Wakes accept().
        TcpStream::connect(self.shared.address).ok();
        self.cut_all();
    }
}

fn accept_all(shared: &Arc<Shared>, listener: &TcpListener, tls: Option<&Arc<ServerConfig>>) {
    for tcp in listener.incoming() {
        if shared.stopped.load(Ordering::Relaxed) {
            return;
        }
        let Ok(tcp) = tcp else { continue };
        let connection = shared.connections.fetch_add(1, Ordering::Relaxed);
        let (shared, tls) = (Arc::clone(shared), tls.cloned());
        thread::Builder::new()
            .name(format!("fault-proxy-{connection}"))
            .spawn(move || serve(&shared, tcp, tls.as_ref(), connection))
            .expect("a thread can be started");
    }
}

fn serve(shared: &Shared, tcp: TcpStream, tls: Option<&Arc<ServerConfig>>, connection: usize) {
    let Ok(copy) = tcp.try_clone() else { return };
    lock(&shared.open).insert(connection, copy);
    let Ok(stream) = Stream::accept(tcp, tls) else {
        return;
    };
    let mut client = Wire::new(stream);
    let outcome = converse(shared, &mut client, connection);
    lock(&shared.open).remove(&connection);
    // An error is the client's or the server's hanging up: the test sees it at their end.
    if matches!(outcome, Ok(play::Next::Reset)) {
        client.into_stream().reset();
    }
}

/// Answers requests until the connection is to end: in which way, is the result.
fn converse(shared: &Shared, client: &mut Wire<Stream>, connection: usize) -> io::Result<play::Next> {
    while let Some(head) = client.request_head()? {
        let in_flight = InFlight::enter(&shared.in_flight);
        let (index, fault) = {
            // One lock for both, so that the n-th request here is the n-th for the rules.
            let mut exchanges = lock(&shared.exchanges);
            let seen = Seen::new(head.clone(), exchanges.len(), connection, in_flight.now);
            let fault = lock(&shared.script).choose(&seen);
            exchanges.push(Exchange {
                seen,
                body_read: 0,
                body: None,
                status: None,
                server_status: None,
                fault: fault.clone(),
                at: shared.began.elapsed(),
            });
            (exchanges.len() - 1, fault)
        };
        let mut play = play::Play::new(shared.upstream, client, head);
        let outcome = play.run(&fault);
        let (status, server_status) = (play.status, play.server_status);
        let (body_read, body) = (play.body_read, play.take_body());
        if let Some(exchange) = lock(&shared.exchanges).get_mut(index) {
            exchange.status = status;
            exchange.server_status = server_status;
            exchange.body_read = body_read;
            exchange.body = body;
        }
        drop(in_flight);
        match outcome? {
            play::Next::Another => {}
            end => return Ok(end),
        }
    }
    Ok(play::Next::Close)
}

/// Counts the requests that are being answered.
struct InFlight<'a> {
    count: &'a AtomicUsize,
    now: usize,
}

impl<'a> InFlight<'a> {
    fn enter(count: &'a AtomicUsize) -> Self {
        Self { count, now: count.fetch_add(1, Ordering::Relaxed) + 1 }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
