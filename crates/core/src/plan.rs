//! Which bytes go into which part: pure arithmetic.

mod schedule;

use serde::{Deserialize, Serialize};

pub use self::schedule::Schedule;
use crate::provider::Quirks;

/// 2^20 bytes.
pub const MIB: u64 = 1 << 20;
/// 2^30 bytes.
pub const GIB: u64 = 1 << 30;
/// 2^40 bytes.
pub const TIB: u64 = 1 << 40;

/// What a part may hold at the most.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
pub const MAX_PART_LEN: u64 = 5 * GIB;

/// The part length while an object is small enough for it. A part is the unit that is sent again
/// after a failure; it is read from the archive while it is sent, so it costs no memory.
pub const DEFAULT_PART_LEN: u64 = 16 * MIB;

/// Part lengths are whole multiples of this when they are planned by us.
const GRAIN: u64 = MIB;

/// How an object is cut: frozen for an upload's life. Parts have equal lengths, which every
/// provider takes and some demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Geometry {
    /// The object's length, in bytes.
    pub len: u64,
    /// The length of every part but the last, in bytes; never 0.
    pub part_len: u64,
}

/// A run of bytes with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Part number, from 1.
    pub part: u32,
    /// Where it begins.
    pub offset: u64,
    /// Bytes in it.
    pub len: u64,
}

/// A run of bytes of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extent {
    /// Where it begins.
    pub offset: u64,
    /// Bytes in it.
    pub len: u64,
}

impl Extent {
    /// Where it ends: the first byte behind it.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(self.len)
    }
}

/// Why an object cannot be cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Larger than the provider's largest object.
    #[error("{len} bytes are more than the {max} that {provider} stores in one object")]
    TooLarge {
        /// The length asked for.
        len: u64,
        /// What is possible.
        max: u64,
        /// Whose limit.
        provider: &'static str,
    },
    /// A part length outside the provider's limits.
    #[error("a part length of {part_len} bytes is outside {provider}'s limits of {min} to {max} bytes")]
    PartLen {
        /// The part length asked for.
        part_len: u64,
        /// The smallest possible.
        min: u64,
        /// The largest possible.
        max: u64,
        /// Whose limit.
        provider: &'static str,
    },
    /// A part length that makes too many parts.
    #[error(
        "parts of {part_len} bytes would be {parts}, more than the {max} that {provider} takes; use {needed} or more"
    )]
    TooManyParts {
        /// The part length asked for.
        part_len: u64,
        /// The parts it makes.
        parts: u64,
        /// What is possible.
        max: u32,
        /// The part length that would do.
        needed: u64,
        /// Whose limit.
        provider: &'static str,
    },
}

impl Geometry {
    /// Plans an object of `len` bytes for a provider; with the part length that was asked for, or
    /// with the smallest that stays within the provider's number of parts.
    ///
    /// # Errors
    /// When the provider's limits leave no way.
    pub fn plan(len: u64, asked: Option<u64>, quirks: &Quirks) -> Result<Self, PlanError> {
        let provider = quirks.title;
        if len > quirks.max_object_len {
            return Err(PlanError::TooLarge { len, max: quirks.max_object_len, provider });
        }
        let max_parts = u64::from(quirks.max_parts);
        let needed = len.div_ceil(max_parts).next_multiple_of(GRAIN);
        if needed > MAX_PART_LEN {
            return Err(PlanError::TooLarge { len, max: max_parts * MAX_PART_LEN, provider });
        }
        let Some(part_len) = asked else {
            let part_len = needed.max(DEFAULT_PART_LEN).max(quirks.min_part_len);
            return Ok(Self { len, part_len });
        };
        let (min, max) = (quirks.min_part_len, MAX_PART_LEN);
        if !(min..=max).contains(&part_len) {
            return Err(PlanError::PartLen { part_len, min, max, provider });
        }
        let parts = len.div_ceil(part_len);
        if parts > max_parts {
            return Err(PlanError::TooManyParts { part_len, parts, max: quirks.max_parts, needed, provider });
        }
        Ok(Self { len, part_len })
    }

    /// Parts in all; an empty object has one, of no bytes.
    #[must_use]
    pub fn parts(&self) -> u32 {
        self.len.div_ceil(self.part_len.max(1)).max(1) as u32
    }

    /// Whether it all goes in a single request.
    #[must_use]
    pub fn single(&self) -> bool {
        self.parts() == 1
    }

    /// Part `part`, from 1; `None` past the last.
    #[must_use]
    pub fn part(&self, part: u32) -> Option<Part> {
        if part == 0 || part > self.parts() {
            return None;
        }
        let offset = u64::from(part - 1) * self.part_len;
        Some(Part { part, offset, len: self.part_len.min(self.len - offset) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::provider::Provider;

    /// 48.8 TiB: 10,000 parts of 5 GiB.
    const LARGEST: u64 = 10_000 * 5 * GIB;

    #[test]
    fn the_largest_object_takes_exactly_ten_thousand_parts() {
        let geometry = Geometry::plan(LARGEST, None, &Provider::Aws.quirks()).expect("fits");
        assert_eq!((geometry.parts(), geometry.part_len), (10_000, MAX_PART_LEN));
        assert!(matches!(Geometry::plan(LARGEST + 1, None, &Provider::Aws.quirks()), Err(PlanError::TooLarge { .. })));
    }

    #[test]
    fn nothing_is_one_empty_part() {
        let geometry = Geometry::plan(0, None, &Provider::Aws.quirks()).expect("fits");
        assert_eq!(geometry.part(1), Some(Part { part: 1, offset: 0, len: 0 }));
        assert!(geometry.single());
    }

    #[test]
    fn a_part_length_that_cannot_be_names_one_that_can() {
        let quirks = Provider::Scaleway.quirks();
        let Err(PlanError::TooManyParts { needed, .. }) = Geometry::plan(100 * GIB, Some(5 * MIB), &quirks) else {
            panic!("1,000 parts of 5 MiB do not hold 100 GiB");
        };
        assert!(Geometry::plan(100 * GIB, Some(needed), &quirks).is_ok());
        assert!(Geometry::plan(100 * GIB, Some(needed - GRAIN), &quirks).is_err());
        assert!(matches!(Geometry::plan(GIB, Some(MIB), &quirks), Err(PlanError::PartLen { .. })));
    }

    proptest! {
        #[test]
        fn parts_cover_the_object_once_and_keep_the_limits(
            len in prop_oneof![0..=LARGEST, 0..=1_000 * MIB, Just(LARGEST), Just(DEFAULT_PART_LEN)],
            provider in proptest::sample::select(Provider::ALL.to_vec()),
        ) {
            let quirks = provider.quirks();
            let Ok(geometry) = Geometry::plan(len, None, &quirks) else {
                prop_assert!(len > quirks.max_object_len || len > u64::from(quirks.max_parts) * MAX_PART_LEN);
                return Ok(());
            };
            let parts = geometry.parts();
            prop_assert!(parts <= quirks.max_parts);
            let mut sum = 0;
            for number in 1..=parts {
                let part = geometry.part(number).expect("within");
                prop_assert_eq!(part.offset, sum);
                prop_assert!(part.len <= MAX_PART_LEN);
                if number < parts {
                    prop_assert_eq!(part.len, geometry.part_len);
                    prop_assert!(part.len >= quirks.min_part_len);
                } else {
                    prop_assert!(part.len > 0 || len == 0);
                }
                sum += part.len;
            }
            prop_assert_eq!(sum, len);
            prop_assert_eq!(geometry.part(parts + 1), None);
        }
    }
}
