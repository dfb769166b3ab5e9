//! Runs the binary `holdfast`: a clean environment, both outputs kept, the secret searched for.
//!
//! The binary is `$HOLDFAST_BIN`, else `holdfast` in the release folder of the target directory
//! (`cargo xtask test` builds it first).

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use serde_json::Value;
use tempfile::TempDir;

use crate::sentinel::{Sentinel, family};
use crate::{ACCESS_KEY, REGION, SECRET};

/// How a run gets its credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Credentials {
    Environment,
    NotByUs,
}

/// A machine's worth of state: a home, a state folder, and how to call the runner in them.
#[derive(Debug)]
pub struct Holdfast {
    home: TempDir,
    environment: Vec<(OsString, OsString)>,
    wrapper: Vec<OsString>,
    program: Option<PathBuf>,
    credentials: Credentials,
    time_limit: Duration,
}

/// A run that has ended. Its outputs, its state folder and its process list entries were searched
/// for the secret.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// Everything on stdout.
    pub stdout: String,
    /// Everything on stderr.
    pub stderr: String,
    /// How long it took.
    pub time: Duration,
}

/// A run that goes on.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: Arc<Mutex<Vec<u8>>>,
    stderr: Arc<Mutex<Vec<u8>>>,
    readers: Vec<thread::JoinHandle<()>>,
    began: Instant,
    state_dir: PathBuf,
    sentinel: Sentinel,
    environment_too: bool,
    leaks: Vec<String>,
    time_limit: Duration,
}

/// The binary under test.
///
/// # Panics
/// When it is not built: a test that needs it fails, it is never skipped.
pub fn binary() -> PathBuf {
    let path = match env::var_os("HOLDFAST_BIN") {
        Some(path) => PathBuf::from(path),
        None => {
            // …/target/PROFILE/deps/it-HASH: two up is the profile's folder.
            let me = env::current_exe().expect("a running program has a path");
            let target = me
                .ancestors()
                .find(|dir| dir.join("CACHEDIR.TAG").is_file())
                .unwrap_or_else(|| panic!("{} lies in no target directory: set HOLDFAST_BIN", me.display()));
            target.join("release/holdfast")
        }
    };
    assert!(
        path.is_file(),
        "no runner at {}: `cargo xtask test` builds it, or run `cargo build --release`",
        path.display()
    );
    path
}

impl Default for Holdfast {
    fn default() -> Self {
        Self::new()
    }
}

impl Holdfast {
    /// A machine on which the runner was never run, with the test bed's key in `AWS_*` variables.
    pub fn new() -> Self {
        let home = tempfile::Builder::new().prefix("holdfast").tempdir().expect("a temporary folder");
        let mut holdfast = Self {
            home,
            environment: Vec::new(),
            wrapper: Vec::new(),
            program: None,
            credentials: Credentials::Environment,
            time_limit: Duration::from_secs(300),
        };
        let home = holdfast.home.path().to_owned();
        holdfast.set("PATH", "/usr/local/bin:/usr/bin:/bin");
        holdfast.set("HOME", &home);
        holdfast.set("LANG", "C.UTF-8");
        holdfast.set("AWS_ACCESS_KEY_ID", ACCESS_KEY);
        holdfast.set("AWS_SECRET_ACCESS_KEY", SECRET);
        holdfast.set("AWS_REGION", REGION);
        // A machine with a real instance role must not lend it to a test.
        holdfast.set("AWS_EC2_METADATA_DISABLED", "true");
        holdfast
    }

    /// Takes the key out of the environment: the test hands it over by a job, a file or a server.
    #[must_use]
    pub fn without_key(mut self) -> Self {
        self.credentials = Credentials::NotByUs;
        self.environment.retain(|(name, _)| {
            name != "AWS_ACCESS_KEY_ID" && name != "AWS_SECRET_ACCESS_KEY" && name != "AWS_EC2_METADATA_DISABLED"
        });
        self
    }

    /// Another key in the environment.
    #[must_use]
    pub fn with_key(mut self, access_key: &str, secret_key: &str) -> Self {
        self.set("AWS_ACCESS_KEY_ID", access_key);
        self.set("AWS_SECRET_ACCESS_KEY", secret_key);
        self
    }

    /// One more environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.set(name, value);
        self
    }

    /// Runs it through another program, such as `["prlimit", "--as=300000000"]`.
    #[must_use]
    pub fn through<S: AsRef<OsStr>>(mut self, wrapper: &[S]) -> Self {
        self.wrapper = wrapper.iter().map(|word| word.as_ref().to_owned()).collect();
        self
    }

    /// Runs another program in the runner's place: for tests of this file, or of a copied binary.
    #[must_use]
    pub fn program(mut self, path: impl Into<PathBuf>) -> Self {
        self.program = Some(path.into());
        self
    }

    /// Panics when a run takes longer than this; 300 s unless set.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Its home.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Its state folder.
    pub fn state_dir(&self) -> PathBuf {
        self.home.path().join(".local/state/holdfast")
    }

    /// Runs it to its end.
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Finished {
        self.start(args).wait()
    }

    /// Runs it to its end with this on stdin.
    pub fn run_with_input<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>, input: &[u8]) -> Finished {
        self.launch(args, Some(input)).wait()
    }

    /// Starts it.
    pub fn start<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Running {
        self.launch(args, None)
    }

    /// The command that [`Self::start`] would start, for what needs its own way of doing it.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let program = self.program.clone().unwrap_or_else(binary).into_os_string();
        let mut words = self.wrapper.iter().cloned().chain([program]);
        let mut command = Command::new(words.next().expect("at least the binary"));
        command.args(words).args(args).env_clear().envs(self.environment.iter().cloned());
        command
    }

    fn launch<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>, input: Option<&[u8]>) -> Running {
        let mut command = self.command(args);
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("cannot start {command:?}: {e}"));
        let began = Instant::now();
        let (stdout, from_stdout) = collect(child.stdout.take().expect("stdout is a pipe"));
        let (stderr, from_stderr) = collect(child.stderr.take().expect("stderr is a pipe"));
        if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
            // A runner that refuses its arguments never reads.
            stdin.write_all(input).ok();
        }
        let mut running = Running {
            child,
            stdout,
            stderr,
            readers: vec![from_stdout, from_stderr],
            began,
            state_dir: self.state_dir(),
            sentinel: Sentinel::new(SECRET),
            environment_too: self.credentials == Credentials::NotByUs,
            leaks: Vec::new(),
            time_limit: self.time_limit,
        };
        running.search_processes();
        running
    }

    fn set(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.environment.retain(|(n, _)| n != name);
        self.environment.push((name.into(), value.as_ref().to_owned()));
    }
}

impl Running {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed on stdout so far.
    pub fn stdout(&self) -> String {
        text(&self.stdout)
    }

    /// The NDJSON events that it has printed so far.
    pub fn events(&self) -> Vec<Value> {
        events(&self.stdout())
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child can be asked").is_some()
    }

    /// Waits until an event satisfies this, or the run ends: then `None`.
    pub fn wait_for_event(&mut self, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        loop {
            let ended = self.has_ended();
            if let Some(event) = self.events().into_iter().find(&wanted) {
                return Some(event);
            }
            if ended {
                return None;
            }
            self.check_time();
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Sends a signal by number or name, as `kill -SIGNAL` does.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        // Gone already is fine.
        rustix::process::kill_process(pid, signal).ok();
    }

    /// Kills it with SIGKILL and waits for the end.
    pub fn kill(mut self) -> Finished {
        self.child.kill().ok();
        self.wait()
    }

    /// Waits for the end and searches for the secret.
    ///
    /// # Panics
    /// When it leaked the secret, or takes longer than the limit.
    pub fn wait(mut self) -> Finished {
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child can be asked") {
                break status;
            }
            self.search_processes();
            self.check_time();
            thread::sleep(Duration::from_millis(if self.began.elapsed().as_millis() < 200 { 2 } else { 20 }));
        };
        let time = self.began.elapsed();
        for reader in self.readers.drain(..) {
            reader.join().ok();
        }
        let finished = Finished { status, stdout: text(&self.stdout), stderr: text(&self.stderr), time };
        for (name, output) in [("stdout", &finished.stdout), ("stderr", &finished.stderr)] {
            if self.sentinel.is_in(output.as_bytes()) {
                self.leaks.push(name.to_owned());
            }
        }
        let files = self.sentinel.files_with_it(&self.state_dir);
        self.leaks.extend(files.iter().map(|path| path.display().to_string()));
        assert!(self.leaks.is_empty(), "the secret was found in {:?}\n{finished}", self.leaks);
        finished
    }

    fn search_processes(&mut self) {
        for pid in family(self.child.id()) {
            if let Some(place) = self.sentinel.is_in_process(pid, self.environment_too) {
                self.leaks.push(format!("/proc/{pid}/{place}"));
            }
        }
    }

    fn check_time(&mut self) {
        if self.began.elapsed() > self.time_limit {
            self.child.kill().ok();
            let (stdout, stderr) = (text(&self.stdout), text(&self.stderr));
            panic!("still running after {:?}\nstdout: {stdout}\nstderr: {stderr}", self.time_limit);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Finished {
    /// Its exit code; 128 and the signal's number when a signal ended it.
    pub fn code(&self) -> i32 {
        use std::os::unix::process::ExitStatusExt as _;
        self.status.code().unwrap_or_else(|| 128 + self.status.signal().unwrap_or(0))
    }

    /// This run, when it ended with that code.
    ///
    /// # Panics
    /// With all its output otherwise.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code(), code, "{self}");
        self
    }

    /// This run, when it ended with 0.
    #[track_caller]
    pub fn expect_ok(self) -> Self {
        self.expect_code(0)
    }

    /// The events of a run with `--json`.
    pub fn events(&self) -> Vec<Value> {
        events(&self.stdout)
    }

    /// The last event of this name.
    pub fn event(&self, name: &str) -> Option<Value> {
        self.events().into_iter().rev().find(|event| event["event"] == name)
    }

    /// The one JSON document on stdout.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("not one JSON document: {e}\n{self}"))
    }
}

impl std::fmt::Display for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "exit {} after {:?}", self.code(), self.time)?;
        writeln!(f, "--- stdout ---\n{}\n--- stderr ---\n{}", self.stdout, self.stderr)
    }
}

/// Each line that is a JSON object with an `event`.
fn events(stdout: &str) -> Vec<Value> {
    let lines = stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|value| value.get("event").is_some()).collect()
}

fn collect(output: impl Read + Send + 'static) -> (Arc<Mutex<Vec<u8>>>, thread::JoinHandle<()>) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&kept);
    let reader = thread::spawn(move || {
        let mut lines = BufReader::new(output);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            keep.lock().unwrap_or_else(std::sync::PoisonError::into_inner).append(&mut line);
        }
    });
    (kept, reader)
}

fn text(bytes: &Mutex<Vec<u8>>) -> String {
    let bytes = bytes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The names of the files in a folder, sorted: for asserting what a run left behind.
pub fn names_in(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
