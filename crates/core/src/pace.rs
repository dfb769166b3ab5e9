//! How many requests are in flight: additive increase, multiplicative decrease.

use crate::abi::Millis;

/// After a cut, answers to requests that were already under way say nothing new for this long, in
/// milliseconds.
const SETTLE_MS: u64 = 2_000;
/// Where a session begins, before it knows what the server takes.
const FIRST: u32 = 4;

/// The limit of requests in flight.
#[derive(Debug, Clone)]
pub struct Pace {
    limit: u32,
    max: u32,
    successes: u32,
    cut_at: Option<Millis>,
}

impl Pace {
    /// Never more than `max`, never less than one.
    #[must_use]
    pub fn new(max: u32) -> Self {
        let max = max.max(1);
        Self { limit: max.min(FIRST), max, successes: 0, cut_at: None }
    }

    /// Requests that may be in flight.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// A request succeeded; one more is allowed when as many have as are allowed now.
    pub fn success(&mut self) {
        self.successes += 1;
        if self.successes >= self.limit && self.limit < self.max {
            self.limit += 1;
            self.successes = 0;
        }
    }

    /// The server asked us to slow down. Gives the new limit when it fell.
    pub fn slow_down(&mut self, now: Millis) -> Option<u32> {
        self.successes = 0;
        if self.cut_at.is_some_and(|at| now.since(at) < SETTLE_MS) || self.limit == 1 {
            return None;
        }
        self.cut_at = Some(now);
        self.limit = (self.limit / 2).max(1);
        Some(self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_falls_by_half_and_climbs_by_one() {
        let mut pace = Pace::new(8);
        assert_eq!(pace.limit(), 4);
        for _ in 0..4 + 5 + 6 + 7 {
            pace.success();
        }
        assert_eq!(pace.limit(), 8);
        assert_eq!(pace.slow_down(Millis(10_000)), Some(4));
        assert_eq!(pace.slow_down(Millis(11_000)), None, "one burst is one message");
        assert_eq!(pace.slow_down(Millis(12_000)), Some(2));
        assert_eq!(pace.slow_down(Millis(20_000)), Some(1));
        assert_eq!(pace.slow_down(Millis(30_000)), None);
        pace.success();
        assert_eq!(pace.limit(), 2);
    }
}
