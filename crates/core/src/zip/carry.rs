//! What a new object copies from the old one, and where that lies in it.
//!
//! Copying on the server sends nothing, but takes parts of a least length, and copies whatever
//! lies between two members as well. So there are two ways: everything up to the old central
//! directory (dead bytes pile up), or only runs of live bytes that are long enough for a part (what
//! is left out is sent again).

use super::error::FormatError;
use crate::plan::{Extent, MIB};

/// A copy part's usual length, in bytes: long enough that requests do not matter, short enough
/// that several run at once and that one which fails is soon done again.
const PART_LEN: u64 = 512 * MIB;
/// No more than one part in this many is a copy of its usual length, so that the new bytes have
/// room; of a larger object the copies are longer.
const SHARE_OF_PARTS: u64 = 10;
/// What one more run costs, as bytes sent: a request takes about as long as these. A gap that is
/// shorter is copied along.
const RUN_COST: u64 = 256 << 10;

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

    /// Picks the runs, and more thrifty ones as long as they make too many parts.
    fn choose(runs: &[Extent], limits: &Limits, gaps: Gaps) -> Self {
        let mut run_cost = RUN_COST;
        loop {
            let carry = Self::cut(&cheapest(runs, limits.min_part, run_cost, gaps), limits);
            // At least half of the parts are left for what is new.
            if carry.parts.len() as u64 <= u64::from(limits.max_parts / 2) || carry.runs.len() <= 1 {
                return carry;
            }
            run_cost = run_cost.saturating_mul(2);
        }
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

/// What may become of the dead bytes between two runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gaps {
    /// Copied along where that is cheaper.
    MayCopy,
    /// Never copied.
    Never,
}

/// How the cheapest choice for the first so many runs ends.
#[derive(Debug, Clone, Copy)]
enum Last {
    /// The last of them is sent again.
    Sent,
    /// Copied, together with all from this one on.
    CopiedFrom(usize),
}

/// Picks what to copy such that bytes sent again, dead bytes copied and `run_cost` for each run
/// are the least: one pass, since the first run that makes a part together with all up to the
/// `i`th only moves forward with `i`.
fn cheapest(runs: &[Extent], min_part: u64, run_cost: u64, gaps: Gaps) -> Vec<Extent> {
    const IMPOSSIBLE: i128 = i128::MAX / 4;
    let mut dead = 0_i128; // between the first byte and the run at hand
    let mut behind = 0;
    // `best[i]`: the least cost for the first `i` runs, the object's first byte being copied.
    let mut best = vec![IMPOSSIBLE];
    let mut last = vec![Last::Sent];
    let mut dead_before = Vec::with_capacity(runs.len());
    let mut candidate = (IMPOSSIBLE, 0);
    let mut waiting = 1;
    for (index, run) in runs.iter().enumerate() {
        dead += i128::from(run.offset - behind);
        behind = run.end();
        dead_before.push(dead);
        let mut choice = (best[index] + i128::from(run.len), Last::Sent);
        let mut offer = |cost: i128, from: usize| {
            if cost < choice.0 {
                choice = (cost, Last::CopiedFrom(from));
            }
        };
        match gaps {
            Gaps::MayCopy => {
                // From the first byte on; reaching a part's length through dead bytes if need be.
                let next = runs.get(index + 1).map_or(behind, |next| next.offset);
                let end = behind.max(min_part);
                if end <= next.max(behind) {
                    offer(dead + i128::from(end - behind) + i128::from(run_cost), 0);
                }
                while waiting <= index && behind - runs[waiting].offset >= min_part {
                    candidate = candidate.min((best[waiting] - dead_before[waiting], waiting));
                    waiting += 1;
                }
                if candidate.0 < IMPOSSIBLE / 2 {
                    offer(candidate.0 + dead + i128::from(run_cost), candidate.1);
                }
            }
            Gaps::Never => {
                let from_first = index == 0 && run.offset == 0;
                if run.len >= min_part && (from_first || index > 0) {
                    let before = if from_first { 0 } else { best[index] };
                    offer(before + i128::from(run_cost), index);
                }
            }
        }
        best.push(choice.0.min(IMPOSSIBLE));
        last.push(choice.1);
    }
    let everything = runs.iter().map(|run| i128::from(run.len)).sum::<i128>();
    if best[runs.len()] >= everything {
        return Vec::new();
    }
    let mut chosen = Vec::new();
    let mut count = runs.len();
    while count > 0 {
        match last[count] {
            Last::Sent => count -= 1,
            Last::CopiedFrom(from) => {
                let end = runs[count - 1].end();
                let offset = if from == 0 { 0 } else { runs[from].offset };
                let end = if from == 0 { end.max(min_part) } else { end };
                chosen.push(Extent { offset, len: end - offset });
                count = from;
            }
        }
    }
    chosen.reverse();
    chosen
}

/// Live extents that touch, as one.
fn joined(live: &[Extent]) -> Vec<Extent> {
    let mut runs: Vec<Extent> = Vec::new();
    for extent in live.iter().filter(|extent| extent.len > 0) {
        match runs.last_mut() {
            Some(run) if run.end() >= extent.offset => run.len = run.end().max(extent.end()) - run.offset,
            _ => runs.push(*extent),
        }
    }
    runs
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
