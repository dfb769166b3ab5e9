//! A ceiling on how fast bodies are sent, by all connections together.
//!
//! Each connection books its next piece and waits for its turn, first come first served. The wait
//! is before the source is read, so that the network's [`pace`](super::pace) does not see it.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Time not used that may be caught up with, after a slow source.
const BURST: Duration = Duration::from_millis(100);

/// Pieces a second, about: few enough to cost nothing, many enough that, shared by a dozen of
/// connections, none of them is silent for longer than a server's patience.
const PIECES: u64 = 20;

/// The ceiling.
#[derive(Debug)]
pub(crate) struct Limit {
    /// Bytes a second.
    rate: u64,
    /// When the next piece may go.
    next: Mutex<Option<Instant>>,
}

impl Limit {
    /// `rate` is in bytes a second; 0 counts as 1.
    pub(crate) fn new(rate: u64) -> Self {
        Self { rate: rate.max(1), next: Mutex::new(None) }
    }

    /// The most that is to be booked at once.
    pub(crate) fn piece(&self) -> usize {
        usize::try_from((self.rate / PIECES).max(512)).unwrap_or(usize::MAX)
    }

    /// Books a piece: the moment from which on it may go.
    pub(crate) fn book(&self, bytes: usize, now: Instant) -> Instant {
        // The lock holds one moment, which no panic leaves half-written.
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let turn = next.map_or(now, |next| next.max(earliest));
        let nanos = u128::from(bytes as u64) * 1_000_000_000 / u128::from(self.rate);
        *next = Some(turn + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)));
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_share_it_in_turn() {
        let (limit, now) = (Limit::new(1_000_000), Instant::now());
        let turns: Vec<_> = (0..5).map(|_| limit.book(50_000, now).duration_since(now).as_millis()).collect();
        assert_eq!(turns, [0, 50, 100, 150, 200]);
    }

    #[test]
    fn what_was_not_used_is_not_saved_up() {
        let (limit, now) = (Limit::new(1_000_000), Instant::now());
        limit.book(50_000, now);
        let later = now + Duration::from_secs(60);
        let sent: usize =
            (0..100).filter(|_| limit.book(50_000, later) <= later + Duration::from_secs(1)).count() * 50_000;
        // A second's worth, the burst, and the piece that goes at once.
        assert_eq!(sent, 1_000_000 + 100_000 + 50_000);
    }

    #[test]
    fn pieces_fit_the_rate() {
        assert_eq!(Limit::new(0).piece(), 512);
        assert_eq!(Limit::new(10 << 20).piece(), 512 << 10);
        assert_eq!(Limit::new(100_000).piece(), 5_000);
        // The largest piece at the least rate still has a turn.
        let now = Instant::now();
        Limit::new(0).book(1 << 20, now);
    }
}
