//! Out of the way of the site that is being backed up.
//!
//! There is no call for the disk's priority here: without one of its own, Linux derives it from
//! niceness (`(nice + 20) / 5`, see ionice(1)), so that niceness 10 is best-effort 6 of 0 to 7.
//! Asking for the idle class takes `ioprio_set`, which rustix does not wrap and which nothing
//! well kept does; it would also starve a backup for good on a disk that is never idle.

use rustix::process::{getpriority_process, setpriority_process};

/// What a backup runs with; 0 is ordinary, 19 the least.
pub const NICENESS: i32 = 10;

/// Lowers this thread's priority, and that of every thread it starts from now on: call it before
/// there are others. Never raises it, and never fails: a backup at full speed is a backup.
pub fn lower() {
    if getpriority_process(None).is_ok_and(|nice| nice < NICENESS) {
        let _ = setpriority_process(None, NICENESS);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn it_is_lowered_for_threads_to_come_and_never_raised() {
        // In a thread of its own: niceness is a thread's, and cannot be taken back.
        std::thread::spawn(|| {
            lower();
            assert!(getpriority_process(None).unwrap() >= NICENESS);
            let inherited = std::thread::spawn(|| getpriority_process(None).unwrap()).join().unwrap();
            assert!(inherited >= NICENESS);
            setpriority_process(None, 15).unwrap();
            lower();
            assert_eq!(getpriority_process(None).unwrap(), 15);
        })
        .join()
        .unwrap();
    }
}
