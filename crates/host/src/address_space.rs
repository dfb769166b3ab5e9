//! Shared hosting limits address space (`ulimit -v`), and glibc's allocator spends it: each thread
//! gets an arena of its own, which reserves 64 MiB whatever is in it, until none is left for
//! anybody. It reads how many arenas there may be when the process starts and never again, so under
//! a limit the runner starts itself once more, with one. Other C libraries have no arenas.
//! <https://sourceware.org/glibc/manual/latest/html_node/Memory-Allocation-Tunables.html>

use std::{env, os::unix::process::CommandExt, process::Command};

use rustix::process::{Resource, getrlimit};

/// What glibc reads.
const ARENAS: &str = "MALLOC_ARENA_MAX";

/// Starts the process again where that helps; comes back where it does not, or cannot be done.
/// Before anything else is: what is open stays open, and no thread is there yet.
pub fn spare() {
    let is_limited = getrlimit(Resource::As).current.is_some();
    if !cfg!(target_env = "gnu") || !is_limited || env::var_os(ARENAS).is_some() {
        return;
    }
    let Ok(program) = env::current_exe() else { return };
    let mut arguments = env::args_os();
    let mut again = Command::new(program);
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    // It returns only if it fails: then everything goes on as it is.
    let _ = again.args(arguments).env(ARENAS, "1").exec();
}
