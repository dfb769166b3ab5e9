//! Wall time, CPU time and peak memory of one command, by wait4(2).
//!
//! The command is started by a small process of its own (`bench measure …`): the kernel counts the
//! memory of the process that forked towards the child's peak, and this one holds servers.

use std::env;
use std::fmt;
use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wait4::Wait4 as _;

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

/// Runs a command to its end.
pub(super) fn measure(invocation: &Invocation) -> Result<Cost, String> {
    let me = env::current_exe().map_err(|e| e.to_string())?;
    let output = Command::new(me)
        .arg("measure")
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
    let micros = |name: &str| Duration::from_micros(cost[name].as_u64().unwrap_or_default());
    Ok(Cost { wall: micros("wall_us"), cpu: micros("cpu_us"), peak: cost["peak"].as_u64().unwrap_or_default() })
}

/// The small process's work: runs the command, prints what it cost as JSON.
pub fn measure_and_print(words: &[String], out: &mut dyn Write) -> io::Result<()> {
    let (program, args) = words.split_first().ok_or_else(|| io::Error::other("no command"))?;
    let began = Instant::now();
    let child = Command::new(program).args(args).stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let used = child.wait4()?;
    let wall = began.elapsed();
    let cost = json!({
        "ok": used.status.success(),
        "wall_us": wall.as_micros() as u64,
        "cpu_us": (used.rusage.utime + used.rusage.stime).as_micros() as u64,
        "peak": used.rusage.maxrss,
    });
    writeln!(out, "{cost}")
}
