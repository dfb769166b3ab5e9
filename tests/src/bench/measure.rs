//! Wall time, CPU time and peak memory of one command, by wait4(2).
//!
//! The command is started by a small process of its own (`bench measure …`): the kernel counts the
//! memory of the process that forked towards the child's peak, and this one holds servers. A
//! pipeline is many processes at once: for those, the small process also adds up what each holds.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{env, fmt, fs, thread};

use serde_json::{Value, json};
use wait4::Wait4 as _;

use crate::data;
use crate::sentinel::family;

/// What one run cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// From start to end.
    pub wall: Duration,
    /// User and system time.
    pub cpu: Duration,
    /// Peak resident memory in bytes.
    pub peak: u64,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (wall, cpu, peak) = (self.wall.as_secs_f64(), self.cpu.as_secs_f64(), self.peak as f64 / 1e6);
        write!(f, "{wall:7.2} s wall {cpu:7.2} s CPU {peak:7.1} MB")
    }
}

/// A command with its whole environment.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Program and arguments.
    pub words: Vec<String>,
    /// The environment; nothing else is inherited.
    pub environment: Vec<(String, String)>,
}

/// What a run cost that may have been many processes and may have written files.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Whole {
    /// Time, and the peak memory of all its processes together, what they share counted once.
    pub cost: Cost,
    /// The most that lay in its scratch folder at one time, in bytes.
    pub disk: u64,
}

/// How often the memory of a family of processes and the size of a folder are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Runs a command to its end.
pub(super) fn measure(invocation: &Invocation) -> Result<Cost, String> {
    Ok(measured(invocation, &["measure"])?.cost)
}

/// Runs a command to its end, all its processes and this folder watched.
pub(super) fn measure_whole(invocation: &Invocation, scratch: &Path) -> Result<Whole, String> {
    measured(invocation, &["measure-whole", &scratch.display().to_string()])
}

fn measured(invocation: &Invocation, how: &[&str]) -> Result<Whole, String> {
    let me = env::current_exe().map_err(|e| e.to_string())?;
    let output = Command::new(me)
        .args(how)
        .args(&invocation.words)
        .env_clear()
        .envs(invocation.environment.iter().map(|(n, v)| (n, v)))
        .stdin(Stdio::null())
        .output()
        .map_err(|e| e.to_string())?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    let line = String::from_utf8_lossy(&output.stdout).into_owned();
    let cost: Value = serde_json::from_str(&line).map_err(|_| format!("not measured: {line}{stderr}"))?;
    if cost["ok"] != true {
        return Err(format!("it failed: {stderr}"));
    }
    let number = |name: &str| cost[name].as_u64().unwrap_or_default();
    let micros = |name: &str| Duration::from_micros(number(name));
    let peak = number("peak").max(number("family_peak"));
    Ok(Whole { cost: Cost { wall: micros("wall_us"), cpu: micros("cpu_us"), peak }, disk: number("disk") })
}

/// The small process's work: runs the command, prints what it cost as JSON.
pub fn measure_and_print(words: &[String], out: &mut dyn Write) -> io::Result<()> {
    let (program, args) = words.split_first().ok_or_else(|| io::Error::other("no command"))?;
    let began = Instant::now();
    let child = Command::new(program).args(args).stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let used = child.wait4()?;
    writeln!(out, "{}", said(&used, began.elapsed()))
}

/// The same for `SCRATCH PROGRAM ARGUMENT…`, with the whole family and the folder watched.
pub fn measure_whole_and_print(words: &[String], out: &mut dyn Write) -> io::Result<()> {
    let (scratch, words) = words.split_first().ok_or_else(|| io::Error::other("no folder"))?;
    let (program, args) = words.split_first().ok_or_else(|| io::Error::other("no command"))?;
    let began = Instant::now();
    let child = Command::new(program).args(args).stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let pid = child.id();
    let ended = AtomicBool::new(false);
    let (used, wall, peaks) = thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(pid, Path::new(scratch), &ended));
        let used = child.wait4();
        let wall = began.elapsed();
        ended.store(true, Ordering::Relaxed);
        (used, wall, watcher.join().unwrap_or_default())
    });
    let mut cost = said(&used?, wall);
    cost["family_peak"] = peaks.0.into();
    cost["disk"] = peaks.1.into();
    writeln!(out, "{cost}")
}

fn said(used: &wait4::ResUse, wall: Duration) -> Value {
    json!({
        "ok": used.status.success(),
        "wall_us": wall.as_micros() as u64,
        "cpu_us": (used.rusage.utime + used.rusage.stime).as_micros() as u64,
        "peak": used.rusage.maxrss,
    })
}

/// The peaks of a family's memory and of a folder's size, until it has ended.
fn watch(pid: u32, scratch: &Path, ended: &AtomicBool) -> (u64, u64) {
    let (mut memory, mut disk) = (0, 0);
    loop {
        let last = ended.load(Ordering::Relaxed);
        memory = memory.max(family(pid).into_iter().map(proportional).sum());
        disk = disk.max(data::disk_usage(scratch));
        if last {
            return (memory, disk);
        }
        thread::sleep(LOOK);
    }
}

/// A process's memory in bytes, each page divided by those who share it.
fn proportional(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) << 10
}
