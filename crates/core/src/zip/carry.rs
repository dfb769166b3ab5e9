//! What a new object copies from the old one, and where that lies in it.
//!
//! Copying on the server sends nothing, but takes parts of a least length, and copies whatever
//! lies between two members as well. So there are two ways: everything up to the old central
//! directory (dead bytes pile up), or only runs of live bytes that are long enough for a part (what
//! is left out is sent again).

use super::{
    error::FormatError,
    runs::{Gaps, at_most, cheapest, joined},
};
use crate::plan::{Extent, MIB};

/// A copy part's usual length, in bytes: long enough that requests do not matter, short enough
/// that several run at once and that one which fails is soon done again.
const PART_LEN: u64 = 512 * MIB;
/// No more than one part in this many is a copy of its usual length, so that the new bytes have
/// room; of a larger object the copies are longer.
const SHARE_OF_PARTS: u64 = 10;
/// What one more run costs, as bytes sent: a request takes about as long as these. A gap that is
/// shorter is copied along. Where parts may be smaller than the usual 5 MiB, it costs less.
const RUN_COST: u64 = 256 << 10;
/// No more than one part in this many begins another run.
const MOST_RUNS: u32 = 3;

/// A provider's limits on parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The smallest part but the last, in bytes.
    pub min_part: u64,
    /// The largest part, in bytes.
    pub max_part: u64,
    /// Parts that an upload may have.
    pub max_parts: u32,
}

/// Which bytes of the old object the new one begins with. Always from its first byte on, so that
/// the first member stays the first: some readers take what lies before it for a program
/// that unpacks itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carry {
    /// Runs of the old object, in its order, each with its place in the new one.
    runs: Vec<(Extent, u64)>,
    /// The same bytes, cut into parts.
    parts: Vec<Extent>,
}

impl Carry {
    /// Carries nothing: a full backup.
    #[must_use]
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Carries the first `len` bytes, dead ones too; nothing if they do not make a part.
    #[must_use]
    pub fn whole(len: u64, limits: &Limits) -> Self {
        if len < limits.min_part {
            return Self::nothing();
        }
        Self::cut(&[Extent { offset: 0, len }], limits)
    }

    /// Carries runs of live bytes, at the least cost in bytes sent again and dead bytes copied
    /// along. `live` is sorted and does not overlap ([`disjoint`] makes it so).
    ///
    /// A run is copied if it makes a part; shorter ones are copied together with the gap between
    /// them where that gap is shorter than what would be sent again. The first run begins at the
    /// old object's first byte, whatever lies there.
    #[must_use]
    pub fn compacted(live: &[Extent], limits: &Limits) -> Self {
        Self::choose(&joined(live), limits, Gaps::MayCopy)
    }

    /// As [`Self::compacted`], but not one dead byte is copied: what was deleted is in no new
    /// object. Carries nothing when the live bytes at the beginning do not make a part.
    #[must_use]
    pub fn without_dead(live: &[Extent], limits: &Limits) -> Self {
        Self::choose(&joined(live), limits, Gaps::Never)
    }

    /// What these parts carry: those of [`Self::parts`], as an earlier run wrote them down.
    #[must_use]
    pub fn of(parts: Vec<Extent>) -> Self {
        let mut carry = Self::nothing();
        for part in &parts {
            let place = carry.len();
            match carry.runs.last_mut() {
                Some((run, _)) if run.end() == part.offset => run.len += part.len,
                _ => carry.runs.push((*part, place)),
            }
        }
        carry.parts = parts;
        carry
    }

    /// What to copy, in this order, one part each.
    #[must_use]
    pub fn parts(&self) -> &[Extent] {
        &self.parts
    }

    /// Bytes that the new object begins with.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.runs.last().map_or(0, |(run, place)| place + run.len)
    }

    /// Whether it carries nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Where these bytes of the old object begin in the new one; `None` unless all of them were
    /// carried, and in one piece.
    #[must_use]
    pub fn translate(&self, extent: Extent) -> Option<u64> {
        let end = extent.offset.checked_add(extent.len)?;
        let behind = self.runs.partition_point(|(run, _)| run.offset <= extent.offset);
        let (run, place) = self.runs.get(behind.checked_sub(1)?)?;
        (end <= run.end()).then(|| place + (extent.offset - run.offset))
    }

    fn choose(runs: &[Extent], limits: &Limits, gaps: Gaps) -> Self {
        let run_cost = RUN_COST.min(limits.min_part / 20);
        let chosen = cheapest(runs, limits.min_part, run_cost, gaps);
        Self::cut(&at_most(chosen, (limits.max_parts / MOST_RUNS) as usize, gaps), limits)
    }

    fn cut(runs: &[Extent], limits: &Limits) -> Self {
        let total = runs.iter().map(|run| run.len).sum::<u64>();
        let share = (u64::from(limits.max_parts) / SHARE_OF_PARTS).max(1);
        let part_len = PART_LEN.max(total.div_ceil(share)).min(limits.max_part).max(1);
        let mut carry = Self::nothing();
        for run in runs {
            let count = run.len.div_ceil(part_len);
            let mut run = *run;
            if count == 0 || run.len / count < limits.min_part {
                // Only where the smallest and the largest part are almost the same.
                run.len = run.len / part_len * part_len;
            }
            let count = run.len.div_ceil(part_len);
            if count == 0 {
                continue;
            }
            carry.runs.push((run, carry.len()));
            let mut offset = run.offset;
            for left in (1..=count).rev() {
                let len = (run.end() - offset).div_ceil(left);
                carry.parts.push(Extent { offset, len });
                offset += len;
            }
        }
        carry
    }
}

/// Sorts the extents of all members; what they cover, they cover once.
///
/// # Errors
/// When two of them share a byte: no honest writer makes that.
pub fn disjoint(mut extents: Vec<Extent>) -> Result<Vec<Extent>, FormatError> {
    extents.sort_unstable();
    if extents.windows(2).any(|pair| pair[0].end() > pair[1].offset) {
        return Err(FormatError::NotOurs("two members share bytes"));
    }
    Ok(extents)
}

/// So much of an object may be dead, in percent. A quarter more storage is the price of a month
/// of nights that send only what changed.
const DEAD_PERCENT: u64 = 25;
/// Fewer dead bytes are not worth the requests, however large their share.
const DEAD_LEN: u64 = 32 * MIB;
/// After so many nights what was deleted should be gone.
const NIGHTS: u32 = 30;
/// Fewer dead bytes may stay for longer: a rename a night makes no more.
const OLD_DEAD_LEN: u64 = MIB;

/// Whether the next night should carry only live bytes. `total` is the old object's length up to
/// its central directory, `live` what its members cover, `nights_since` how many nights were built
/// on the last that had no dead bytes.
#[must_use]
pub fn is_worth_compacting(total: u64, live: u64, nights_since: u32) -> bool {
    let dead = total.saturating_sub(live);
    let large = dead > DEAD_LEN && dead > total / 100 * DEAD_PERCENT;
    let old = nights_since >= NIGHTS && dead > OLD_DEAD_LEN;
    large || old
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::{GIB, MAX_PART_LEN, TIB},
        provider::Provider,
    };

    fn aws() -> Limits {
        let quirks = Provider::Aws.quirks();
        Limits { min_part: quirks.min_part_len, max_part: MAX_PART_LEN, max_parts: quirks.max_parts }
    }

    #[test]
    fn the_whole_is_cut_into_parts_that_run_in_parallel() {
        let limits = aws();
        assert!(Carry::whole(5 * MIB - 1, &limits).is_empty());
        assert_eq!(Carry::whole(5 * MIB, &limits).parts(), [Extent { offset: 0, len: 5 * MIB }]);
        for len in [PART_LEN, PART_LEN + 1, GIB + 3, 400 * GIB, TIB, 5 * TIB, 48 * TIB] {
            let carry = Carry::whole(len, &limits);
            let mut at = 0;
            for part in carry.parts() {
                assert_eq!(part.offset, at);
                assert!((limits.min_part..=limits.max_part).contains(&part.len));
                at = part.end();
            }
            assert_eq!((at, carry.len()), (len, len));
            let parts = carry.parts().len();
            assert!(parts <= 1000 || len > 1000 * MAX_PART_LEN, "{parts} parts of {len}");
            assert!(parts as u64 >= len / limits.max_part);
        }
        assert_eq!(Carry::whole(PART_LEN + 1, &limits).parts().len(), 2);
    }

    #[test]
    fn runs_move_together_and_nothing_else_is_there() {
        let limits = aws();
        let live =
            [(0, 8), (20, 6), (26, 1), (60, 1), (70, 5)].map(|(at, len)| Extent { offset: at * MIB, len: len * MIB });
        let carry = Carry::compacted(&live, &limits);
        let at =
            |offset: u64, len: u64| carry.translate(Extent { offset: offset * MIB, len: len * MIB }).map(|at| at / MIB);
        assert_eq!(carry.len(), 20 * MIB);
        assert_eq!(
            (at(0, 8), at(20, 6), at(26, 1), at(60, 1), at(70, 5)),
            (Some(0), Some(8), Some(14), None, Some(15))
        );
        assert_eq!((at(7, 2), at(19, 2), at(26, 2), at(500, 1)), (None, None, None, None));
        assert_eq!(carry.translate(Extent { offset: u64::MAX, len: 2 }), None);
    }

    #[test]
    fn the_first_member_stays_first_though_it_is_small() {
        let limits = aws();
        let small = Extent { offset: 0, len: 500 };
        // 5 MiB from the first byte on, dead ones too, rather than the gigabyte up to the next.
        let carry = Carry::compacted(&[small, Extent { offset: GIB, len: GIB }], &limits);
        assert_eq!(carry.parts()[0], Extent { offset: 0, len: 5 * MIB });
        assert_eq!(carry.len(), GIB + 5 * MIB);
        // Nothing dead at all: then the first member is sent again, and so is everything.
        assert!(Carry::without_dead(&[small, Extent { offset: GIB, len: GIB }], &limits).is_empty());
        assert!(Carry::compacted(&[small], &limits).is_empty());
    }

    #[test]
    fn runs_beyond_the_number_of_parts_are_joined_over_the_shortest_gaps() {
        let limits = Limits { max_parts: 100, ..aws() };
        let live: Vec<_> = (0..1000).map(|n| Extent { offset: n * (16 * MIB + n), len: 8 * MIB }).collect();
        let carry = Carry::compacted(&live, &limits);
        assert!((33..=50).contains(&carry.parts().len()), "{}", carry.parts().len());
        assert!(live.iter().all(|extent| carry.translate(*extent).is_some()));
        assert_eq!(carry.translate(Extent { offset: 0, len: 10 * MIB }), Some(0), "the shortest gap");
        let carry = Carry::without_dead(&live, &limits);
        assert_eq!(carry.parts().len(), 33);
        assert_eq!(carry.translate(live[0]), Some(0));
    }

    #[test]
    fn thresholds() {
        for (total, live, nights, worth) in [
            (1000 * MIB, 760 * MIB, 0, false),
            (1000 * MIB, 740 * MIB, 0, true),
            (100 * MIB, 70 * MIB, 0, false),
            (1000 * MIB, 990 * MIB, 29, false),
            (1000 * MIB, 990 * MIB, 30, true),
            (1000 * MIB, 1000 * MIB - 1000, 300, false),
            (0, 0, u32::MAX, false),
            (MIB, 2 * MIB, u32::MAX, false),
        ] {
            assert_eq!(is_worth_compacting(total, live, nights), worth, "{total} {live} {nights}");
        }
    }
}
