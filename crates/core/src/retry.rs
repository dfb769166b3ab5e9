//! When to try again: the one retry layer, budgeted in time.
//!
//! Full jitter, as in <https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/>:
//! a random wait between nothing and an exponentially growing ceiling. There is no count of
//! attempts: a nightly job gives up when nothing at all has succeeded for as long as its patience
//! lasts.

use crate::abi::Millis;

/// Why a request is sent again; it sets how fast the waits grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Broken connections and 5xx answers.
    Transient,
    /// The server asked us to slow down.
    Throttled,
}

/// The longest ceiling of the jitter, in milliseconds.
const CEILING_MS: u64 = 20_000;
/// The longest `Retry-After` that is honoured as it stands, in milliseconds.
const RETRY_AFTER_MAX_MS: u64 = 300_000;
/// How long a server that has never answered is given, in milliseconds: a mistyped endpoint
/// should not take a night to be called wrong.
const FIRST_CONTACT_MS: u64 = 60_000;

/// Deterministic random numbers for jitter (SplitMix64, <https://prng.di.unimi.it/splitmix64.c>).
#[derive(Debug, Clone)]
pub struct Jitter(u64);

impl Jitter {
    /// The same seed gives the same waits.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to `bound`, inclusive.
    pub fn up_to(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        // The multiply-shift of Lemire maps onto the range without a division.
        ((u128::from(z) * (u128::from(bound) + 1)) >> 64) as u64
    }

    /// How long to wait before attempt `attempt + 1`, when `attempt` have failed.
    pub fn wait_ms(&mut self, why: Why, attempt: u32, retry_after_ms: Option<u64>) -> u64 {
        let base = match why {
            Why::Transient => 100,
            Why::Throttled => 1_000,
        };
        let ceiling = base << attempt.saturating_sub(1).min(16);
        let jittered = self.up_to(ceiling.min(CEILING_MS));
        match retry_after_ms {
            // Jitter on top, so that many clients told the same moment do not all come at it.
            Some(ms) => ms.min(RETRY_AFTER_MAX_MS) + jittered,
            None => jittered,
        }
    }
}

/// How long to go on when nothing succeeds.
#[derive(Debug, Clone)]
pub struct Patience {
    budget_ms: u64,
    last_success: Millis,
    ever: bool,
}

impl Patience {
    /// Begins now.
    #[must_use]
    pub fn new(budget_ms: u64, now: Millis) -> Self {
        Self { budget_ms, last_success: now, ever: false }
    }

    /// A request succeeded, or was at least refused with sense: somebody is there.
    pub fn success(&mut self, now: Millis) {
        self.last_success = self.last_success.max(now);
        self.ever = true;
    }

    /// Nothing was asked until now, so nothing could succeed: a stream may be made for an hour
    /// between one part and the next.
    pub fn idle_until(&mut self, now: Millis) {
        self.last_success = self.last_success.max(now);
    }

    /// Whether there was any success.
    #[must_use]
    pub fn ever(&self) -> bool {
        self.ever
    }

    /// Whether a wait of `wait_ms` from `now` is still within the budget.
    #[must_use]
    pub fn allows(&self, now: Millis, wait_ms: u64) -> bool {
        let budget = if self.ever { self.budget_ms } else { self.budget_ms.min(FIRST_CONTACT_MS) };
        now.plus(wait_ms).since(self.last_success) <= budget
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_ceiling_and_stay_random() {
        let mut jitter = Jitter::new(7);
        let mut longest = [0; 12];
        for _ in 0..500 {
            for (attempt, longest) in (1..).zip(longest.iter_mut()) {
                *longest = (*longest).max(jitter.wait_ms(Why::Transient, attempt, None));
            }
        }
        for (attempt, &longest) in longest.iter().enumerate() {
            let ceiling = (100 << attempt).min(CEILING_MS);
            assert!(longest <= ceiling && longest > ceiling * 9 / 10, "attempt {attempt}: {longest}");
        }
    }

    #[test]
    fn retry_after_is_a_floor_with_a_limit() {
        let mut jitter = Jitter::new(7);
        assert!(jitter.wait_ms(Why::Throttled, 1, Some(7_000)) >= 7_000);
        assert!(jitter.wait_ms(Why::Throttled, 1, Some(u64::MAX / 2)) <= RETRY_AFTER_MAX_MS + 1_000);
    }

    #[test]
    fn time_in_which_nothing_was_asked_does_not_count() {
        let mut patience = Patience::new(600_000, Millis(0));
        patience.success(Millis(1));
        patience.idle_until(Millis(5_000_000));
        assert!(patience.allows(Millis(5_500_000), 100_000));
        assert!(!patience.allows(Millis(5_500_000), 100_001));
    }

    #[test]
    fn patience_ends_only_after_a_time_without_any_success() {
        let mut patience = Patience::new(600_000, Millis(0));
        assert!(patience.allows(Millis(59_000), 1_000));
        assert!(!patience.allows(Millis(59_000), 1_001), "first contact gets a minute");
        patience.success(Millis(50_000));
        assert!(patience.allows(Millis(640_000), 10_000));
        assert!(!patience.allows(Millis(640_000), 10_001));
    }
}
