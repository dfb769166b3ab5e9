//! Running other programs: in the workspace, with errors that say what was run.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::thread;

use crate::place;

/// A command that will run in the workspace's root.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(place::workspace()).stdin(Stdio::null());
    command
}

/// The cargo that started us, in the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Set for us by `cargo run`; it would make build scripts believe that they belong to us.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR" {
            command.env_remove(name);
        }
    }
    command
}

/// Runs it with our own outputs.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|e| format!("cannot run {}: {e}", words(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", words(command))) }
}

/// Runs it and returns what it printed on stdout.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|e| format!("cannot run {}: {e}", words(command)))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(format!("{} ended with {}\n{}", words(command), output.status, stderr.trim()))
}

/// Runs it silently: whether it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Runs it with our own stderr; each line of its stdout is printed, and shown to `watch`.
pub(crate) fn watch(command: &mut Command, mut watch: impl FnMut(&str)) -> Result<(), String> {
    let mut child =
        command.stdout(Stdio::piped()).spawn().map_err(|e| format!("cannot run {}: {e}", words(command)))?;
    let stdout = child.stdout.take().expect("stdout is a pipe");
    let mut out = std::io::stdout();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.map_err(|e| e.to_string())?;
        let line = String::from_utf8_lossy(&line);
        writeln!(out, "{line}").map_err(|e| e.to_string())?;
        watch(&line);
    }
    let status = child.wait().map_err(|e| e.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", words(command))) }
}

/// As many jobs as there are processors.
pub(crate) fn default_jobs() -> usize {
    thread::available_parallelism().map_or(2, usize::from)
}

/// Whether this process may install Debian packages.
pub(crate) fn is_root() -> bool {
    output(command("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

fn words(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    format!("`{}`", words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" "))
}
