//! How a stream is cut whose length nobody knows before its end.

use serde::{Deserialize, Serialize};

use super::{GRAIN, MAX_PART_LEN, PlanError};
use crate::provider::Quirks;

/// The lengths of a stream's parts, frozen for an upload's life. Nine tenths of them have the
/// length that the estimate asks for; then lengths double with each further hundredth, up to the
/// longest part there can be, so that a stream may come to many times its estimate: on a provider
/// of 10,000 parts to a terabyte in any case. Where parts must be equal, they are long enough for
/// four times the estimate instead.
///
/// A part is held in memory until it has arrived, so it is as short as the estimate allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The length of the first parts, in bytes; never 0.
    pub part_len: u64,
    /// How many have that length.
    pub steady: u32,
    /// How many parts come between one doubling and the next; 0 where lengths never grow.
    pub step: u32,
    /// Parts in all, at the most.
    pub parts: u32,
}

impl Schedule {
    /// Plans a stream of about `estimate` bytes, behind `copied` parts that are made otherwise.
    ///
    /// # Errors
    /// When the provider's limits leave no way.
    pub fn plan(estimate: u64, copied: u32, quirks: &Quirks) -> Result<Self, PlanError> {
        let provider = quirks.title;
        let max = quirks.max_object_len;
        let parts = quirks.max_parts.saturating_sub(copied);
        if parts == 0 {
            return Err(PlanError::TooLarge { len: estimate, max, provider });
        }
        let (wanted, room) = if quirks.equal_parts {
            (u128::from(estimate.min(max)) * 4, u128::from(parts))
        } else {
            // A tenth more than the estimate, in nine tenths of the parts.
            (u128::from(estimate) * 11, u128::from(parts) * 9)
        };
        let part_len = u64::try_from(wanted.div_ceil(room)).unwrap_or(u64::MAX);
        let part_len = part_len.max(quirks.min_part_len).div_ceil(GRAIN).saturating_mul(GRAIN);
        if part_len > MAX_PART_LEN && u128::from(estimate) > u128::from(parts) * u128::from(MAX_PART_LEN) {
            return Err(PlanError::TooLarge { len: estimate, max: u64::from(parts) * MAX_PART_LEN, provider });
        }
        let part_len = part_len.min(MAX_PART_LEN);
        if quirks.equal_parts {
            return Ok(Self { part_len, steady: parts, step: 0, parts });
        }
        Ok(Self { part_len, steady: parts - parts / 10, step: (parts / 100).max(1), parts })
    }

    /// The length of the stream's `n`th part, from 1; `None` past the last.
    #[must_use]
    pub fn len(&self, n: u32) -> Option<u64> {
        (1..=self.parts).contains(&n).then(|| self.doubled(self.doublings(n)))
    }

    /// Where the stream's `n`th part begins, from 1; for one more than there are, where the last
    /// ends.
    #[must_use]
    pub fn offset(&self, n: u32) -> u64 {
        let before = n.saturating_sub(1).min(self.parts);
        let steady = if self.step == 0 { before } else { before.min(self.steady) };
        let mut offset = u64::from(steady) * self.part_len;
        let mut left = before - steady;
        let mut doublings = 1;
        while left > 0 {
            let run = left.min(self.step);
            offset = offset.saturating_add(u64::from(run) * self.doubled(doublings));
            left -= run;
            doublings += 1;
        }
        offset
    }

    /// The most that the stream may come to, in bytes.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.offset(self.parts.saturating_add(1))
    }

    fn doublings(&self, n: u32) -> u32 {
        if self.step == 0 || n <= self.steady { 0 } else { (n - self.steady - 1) / self.step + 1 }
    }

    fn doubled(&self, doublings: u32) -> u64 {
        let grown = self.part_len.checked_mul(1_u64.checked_shl(doublings).unwrap_or(u64::MAX));
        grown.unwrap_or(u64::MAX).min(MAX_PART_LEN)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        plan::{GIB, MIB, TIB},
        provider::Provider,
    };

    #[test]
    fn a_small_site_has_the_smallest_parts() {
        let schedule = Schedule::plan(0, 0, &Provider::Aws.quirks()).expect("plans");
        assert_eq!(schedule, Schedule { part_len: 5 * MIB, steady: 9_000, step: 100, parts: 10_000 });
        assert_eq!(schedule.len(9_000), Some(5 * MIB));
        assert_eq!(schedule.len(9_001), Some(10 * MIB));
        assert_eq!(schedule.len(9_101), Some(20 * MIB));
        assert_eq!(schedule.len(10_000), Some(5 * GIB));
        assert_eq!((schedule.len(0), schedule.len(10_001)), (None, None));
        assert!(schedule.capacity() > TIB);
    }

    #[test]
    fn copied_parts_leave_fewer() {
        let quirks = Provider::Aws.quirks();
        let schedule = Schedule::plan(GIB, 9_990, &quirks).expect("plans");
        assert_eq!((schedule.parts, schedule.steady, schedule.step), (10, 9, 1));
        assert!(schedule.offset(10) >= GIB);
        assert!(Schedule::plan(0, 10_000, &quirks).is_err(), "no part is left");
    }

    #[test]
    fn equal_parts_hold_four_times_the_estimate() {
        let schedule = Schedule::plan(100 * GIB, 0, &Provider::CloudflareR2.quirks()).expect("plans");
        assert_eq!(schedule.step, 0);
        assert!(schedule.capacity() >= 400 * GIB);
        assert_eq!(schedule.len(1), schedule.len(10_000));
    }

    proptest! {
        /// An upload's length is only known at its end: the provider's limits hold for any.
        #[test]
        fn a_stream_of_any_length_is_cut_within_the_limits(
            provider in proptest::sample::select(Provider::ALL.to_vec()),
            estimate in prop_oneof![0..=40 * TIB, 0..=100 * GIB, 0..=100 * MIB],
            copied in 0_u32..900,
            at in 0.0..=1.0_f64,
        ) {
            let quirks = provider.quirks();
            let copied = if quirks.equal_parts { 0 } else { copied };
            let schedule = match Schedule::plan(estimate, copied, &quirks) {
                Ok(schedule) => schedule,
                Err(_) => {
                    prop_assert!(estimate > u64::from(quirks.max_parts - copied) * MAX_PART_LEN);
                    return Ok(());
                }
            };
            prop_assert!(copied + schedule.parts <= quirks.max_parts);
            // It may come to more than was foreseen.
            let longest = u64::from(schedule.parts) * MAX_PART_LEN;
            prop_assert!(schedule.capacity() <= longest);
            let enough = schedule.capacity() >= estimate + estimate / 20 || schedule.capacity() == longest;
            prop_assert!(enough || quirks.equal_parts);
            if quirks.max_parts == 10_000 && !quirks.equal_parts {
                prop_assert!(schedule.capacity() >= TIB * 9 / 10);
            }
            if quirks.equal_parts {
                prop_assert!(schedule.capacity() >= (4 * estimate.min(quirks.max_object_len)).min(longest));
            }
            let actual = (schedule.capacity() as f64 * at) as u64;
            let mut sum = 0;
            let mut before = 0;
            for n in 1..=schedule.parts {
                prop_assert_eq!(schedule.offset(n), sum);
                let len = schedule.len(n).expect("within");
                prop_assert!(len >= before && len <= MAX_PART_LEN && len >= quirks.min_part_len);
                prop_assert!(!quirks.equal_parts || before == 0 || len == before);
                before = len;
                sum += len;
                if sum >= actual {
                    break;
                }
            }
            prop_assert!(sum >= actual);
        }
    }
}
