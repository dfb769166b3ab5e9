//! [`SharedPipe`]: a line of a given speed and round trip, shared by all connections through it.
//!
//! Each direction has *one* bucket. A piece that was read books the next free moment of the line
//! and leaves then; its reader sleeps until that moment, so a full line pushes back on the sender
//! through TCP. Half a round trip later the piece is delivered. A connection's first piece is late
//! by a whole round trip: the time that the TCP handshake would have taken.
//!
//! Accepted sockets get a small receive buffer: a sender must not think a part sent that waits in
//! the kernel.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::process::loopback;

/// What one piece carries at most: 1.3 ms of a 100 Mbit/s line.
const PIECE: usize = 16 << 10;

/// How far the line may fall behind the clock and still make up for it: sleeps end late.
const SLACK: Duration = Duration::from_millis(5);

/// A line's properties.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Bits a second in each direction; payload only, TCP's own headers are not counted.
    pub bits_per_second: u64,
    /// The round trip of an empty line.
    pub round_trip: Duration,
}

impl Line {
    /// 100 Mbit/s and 50 ms: a good line to another continent.
    pub const FAR: Self = Self { bits_per_second: 100_000_000, round_trip: Duration::from_millis(50) };

    /// The least time that so many bytes need.
    pub fn least_time(self, bytes: u64) -> Duration {
        Duration::from_secs_f64(bytes as f64 * 8.0 / self.bits_per_second as f64)
    }
}

/// A running line to one server.
#[derive(Debug)]
pub struct SharedPipe {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    line: Line,
    up: Bucket,
    down: Bucket,
    stopped: AtomicBool,
}

#[derive(Debug)]
struct Bucket {
    free_at: Mutex<Instant>,
    carried: AtomicU64,
    bits_per_second: u64,
}

impl SharedPipe {
    /// Starts one on a free loopback port.
    pub fn start(upstream: SocketAddr, line: Line) -> Self {
        let listener = TcpListener::bind(loopback(0)).expect("a loopback port can be bound");
        let address = listener.local_addr().expect("a bound socket has an address");
        // Inherited by accepted sockets. About the line's own bandwidth-delay product.
        rustix::net::sockopt::set_socket_recv_buffer_size(&listener, 256 << 10).ok();
        let bucket = || Bucket {
            free_at: Mutex::new(Instant::now()),
            carried: AtomicU64::new(0),
            bits_per_second: line.bits_per_second,
        };
        let shared = Arc::new(Shared { upstream, line, up: bucket(), down: bucket(), stopped: AtomicBool::new(false) });
        let for_accept = Arc::clone(&shared);
        spawn("pipe-accept", move || {
            for client in listener.incoming() {
                if for_accept.stopped.load(Ordering::Relaxed) {
                    return;
                }
                if let Ok(client) = client {
                    let shared = Arc::clone(&for_accept);
                    spawn("pipe", move || connect(&shared, client));
                }
            }
        });
        Self { address, shared }
    }

    /// `http://127.0.0.1:PORT` of the server behind.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Bytes carried to the server and back so far.
    pub fn carried(&self) -> (u64, u64) {
        (self.shared.up.carried.load(Ordering::Relaxed), self.shared.down.carried.load(Ordering::Relaxed))
    }
}

impl Drop for SharedPipe {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        TcpStream::connect(self.address).ok();
    }
}

impl Bucket {
    /// When a piece of so many bytes has left, if it is handed over now.
    fn book(&self, bytes: usize) -> Instant {
        let time = Duration::from_secs_f64(bytes as f64 * 8.0 / self.bits_per_second as f64);
        let now = Instant::now();
        let earliest = now.checked_sub(SLACK).unwrap_or(now);
        let mut free_at = self.free_at.lock().expect("no panic under this lock");
        *free_at = (*free_at).max(earliest) + time;
        self.carried.fetch_add(bytes as u64, Ordering::Relaxed);
        *free_at
    }
}

fn connect(shared: &Arc<Shared>, client: TcpStream) {
    let Ok(server) = TcpStream::connect(shared.upstream) else {
        return;
    };
    client.set_nodelay(true).ok();
    server.set_nodelay(true).ok();
    let (Ok(client_reads), Ok(server_reads)) = (client.try_clone(), server.try_clone()) else {
        return;
    };
    let half = shared.line.round_trip / 2;
    let handshake = shared.line.round_trip;
    let back = Arc::clone(shared);
    spawn("pipe-down", move || carry(server_reads, client, &back.down, half, Duration::ZERO));
    carry(client_reads, server, &shared.up, half, handshake);
}

/// Reads from one side and hands pieces over to a second thread, which delivers them in time.
fn carry(mut from: TcpStream, to: TcpStream, bucket: &Bucket, delay: Duration, handshake: Duration) {
    let (pieces, inbox) = channel();
    spawn("pipe-deliver", move || deliver(to, &inbox));
    let mut buffer = vec![0; PIECE];
    let mut earliest = Instant::now() + handshake;
    loop {
        let n = match from.read(&mut buffer) {
            Ok(n) if n > 0 => n,
            _ => break,
        };
        // The slack makes up for the line's late sleeps; it must not make a piece early.
        let leaves = bucket.book(n).max(earliest).max(Instant::now());
        earliest = leaves;
        if pieces.send((leaves + delay, buffer[..n].to_vec())).is_err() {
            break;
        }
        thread::sleep(leaves.saturating_duration_since(Instant::now()));
    }
    // The end of the stream travels as long as its bytes do: an empty piece says it.
    send_end(&pieces, delay);
}

fn send_end(pieces: &Sender<(Instant, Vec<u8>)>, delay: Duration) {
    pieces.send((Instant::now() + delay, Vec::new())).ok();
}

fn deliver(mut to: TcpStream, inbox: &Receiver<(Instant, Vec<u8>)>) {
    for (due, piece) in inbox {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if piece.is_empty() {
            to.shutdown(Shutdown::Write).ok();
            return;
        }
        if to.write_all(&piece).is_err() {
            // The reader of this direction learns it by its next read.
            to.shutdown(Shutdown::Both).ok();
            return;
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) {
    thread::Builder::new().name(name.into()).stack_size(256 << 10).spawn(work).expect("a thread can be started");
}
