//! Child processes that never outlive the tests.
//!
//! A server dies when its [`Server`] is dropped. When this process is killed before it can drop
//! anything, the kernel does it: each server is started through util-linux's
//! `setpriv --pdeathsig KILL`. That signal follows the *thread* that forked (see
//! [prctl(2)](https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html)), and a test's
//! thread ends with the test, so one thread that lives as long as the process starts them all.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

type Order = (Command, Sender<io::Result<Child>>);

static SPAWNER: LazyLock<Mutex<Sender<Order>>> = LazyLock::new(|| {
    let (orders, inbox) = channel::<Order>();
    thread::Builder::new()
        .name("spawner".into())
        .spawn(move || {
            for (mut command, reply) in inbox {
                // The receiver waits for this answer, so it cannot be gone.
                reply.send(command.spawn()).ok();
            }
        })
        .expect("a thread can be started");
    Mutex::new(orders)
});

/// A server process, its address and its log.
#[derive(Debug)]
pub struct Server {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts `program` so that it dies with this process; both its outputs go to `log`.
    pub fn spawn(name: &'static str, program: &Path, log: PathBuf, configure: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(program).env_clear();
        let out = File::create(&log).expect("the log file can be created");
        let err = out.try_clone().expect("the log file can be shared");
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        configure(&mut command);
        let (reply, answer) = channel();
        SPAWNER
            .lock()
            .expect("the spawner does not panic")
            .send((command, reply))
            .expect("the spawner lives as long as the process");
        let child = answer
            .recv()
            .expect("the spawner answers")
            .unwrap_or_else(|e| panic!("cannot start {name} through setpriv (util-linux): {e}"));
        Self { name, child, log }
    }

    /// Waits until `ready` says yes.
    ///
    /// # Panics
    /// When the process ends first, or after 60 seconds; the message carries the end of its log.
    pub fn wait_until(&mut self, mut ready: impl FnMut() -> bool) {
        let began = Instant::now();
        let mut pause = Duration::from_millis(5);
        while !ready() {
            if let Some(status) = self.try_wait() {
                panic!("{} ended with {status} before it was ready:\n{}", self.name, self.log_tail());
            }
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "{} is not ready after 60 s:\n{}",
                self.name,
                self.log_tail()
            );
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills the process with SIGKILL and waits for its end.
    pub fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }

    /// The last 4,000 characters that the process printed.
    pub fn log_tail(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(4000)..]).into_owned()
    }

    fn try_wait(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if thread::panicking() {
            let mut log = self.log_tail();
            log.drain(..log.floor_char_boundary(log.len().saturating_sub(1500)));
            eprint_log(self.name, &log);
        }
        self.kill();
    }
}

#[expect(clippy::print_stderr, reason = "a failing test shows what its servers said")]
fn eprint_log(name: &str, log: &str) {
    eprintln!("--- end of {name}'s log ---\n{log}\n---");
}

/// A loopback port that nobody listens on, never the same one twice in this process.
pub fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|l| l.local_addr())
            .expect("a loopback port can be bound")
            .port();
        if GIVEN.lock().expect("no panic under this lock").insert(port) {
            return port;
        }
    }
}

/// Whether someone accepts connections there.
pub fn accepts(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, Duration::from_millis(500)).is_ok()
}

/// The loopback address with this port.
pub fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
