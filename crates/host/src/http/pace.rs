//! How fast a body moves, measured in time spent waiting for the network.
//!
//! Counted in windows of *waited* time: a slow disk or a busy processor must not look like a slow
//! network, so that neither a stall nor a drip is found where nothing was waited for.

use std::time::Duration;

use super::config::MinimumRate;

/// Bytes and waiting within the current window.
#[derive(Debug)]
pub(crate) struct Pace {
    minimum: MinimumRate,
    waited: Duration,
    moved: u64,
}

/// Fewer bytes than asked for moved in a whole window.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooSlow {
    pub(crate) moved: u64,
    pub(crate) waited: Duration,
}

impl Pace {
    pub(crate) fn new(minimum: MinimumRate) -> Self {
        Self { minimum, waited: Duration::ZERO, moved: 0 }
    }

    /// Begins anew: another body, or the other direction.
    pub(crate) fn restart(&mut self) {
        *self = Self::new(self.minimum);
    }

    pub(crate) fn moved(&mut self, bytes: usize) {
        self.moved = self.moved.saturating_add(bytes as u64);
    }

    /// Time passed in which the network was waited for.
    pub(crate) fn waited(&mut self, time: Duration) -> Result<(), TooSlow> {
        self.waited += time;
        if self.waited < self.minimum.window {
            return Ok(());
        }
        let (moved, waited) = (self.moved, self.waited);
        self.restart();
        if moved < self.minimum.bytes { Err(TooSlow { moved, waited }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    fn pace() -> Pace {
        Pace::new(MinimumRate { bytes: 1000, window: WINDOW })
    }

    #[test]
    fn nothing_is_judged_before_a_window_was_waited() {
        let mut pace = pace();
        assert_eq!(pace.waited(Duration::from_secs(9)), Ok(()));
    }

    #[test]
    fn a_window_with_too_few_bytes_is_too_slow() {
        let mut pace = pace();
        pace.moved(999);
        assert_eq!(pace.waited(WINDOW), Err(TooSlow { moved: 999, waited: WINDOW }));
    }

    #[test]
    fn each_window_is_judged_by_itself() {
        let mut pace = pace();
        pace.moved(1_000_000);
        assert_eq!(pace.waited(WINDOW), Ok(()));
        pace.moved(1);
        assert!(pace.waited(WINDOW).is_err());
    }

    #[test]
    fn a_minimum_of_nothing_is_never_missed() {
        let mut pace = Pace::new(MinimumRate { bytes: 0, window: WINDOW });
        assert_eq!(pace.waited(WINDOW * 100), Ok(()));
    }
}
