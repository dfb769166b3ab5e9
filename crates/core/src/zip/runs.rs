//! Which runs of live bytes are copied: the cheapest choice.

use crate::plan::Extent;

/// What may become of the dead bytes between two runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gaps {
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
pub(super) fn cheapest(runs: &[Extent], min_part: u64, run_cost: u64, gaps: Gaps) -> Vec<Extent> {
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

/// Fewer runs: those with the shortest gaps between them become one, since what is copied in vain
/// costs less than what is sent. Where gaps are never copied, the longest runs stay.
pub(super) fn at_most(runs: Vec<Extent>, most: usize, gaps: Gaps) -> Vec<Extent> {
    let Some(excess) = runs.len().checked_sub(most.max(1)).filter(|excess| *excess > 0) else { return runs };
    // By the run behind the gap; the first one stays.
    let mut order: Vec<usize> = (1..runs.len()).collect();
    order.sort_by_key(|&index| match gaps {
        Gaps::MayCopy => runs[index].offset - runs[index - 1].end(),
        Gaps::Never => runs[index].len,
    });
    order.truncate(excess);
    order.sort_unstable();
    let mut kept: Vec<Extent> = Vec::new();
    for (index, run) in runs.into_iter().enumerate() {
        match (order.binary_search(&index), kept.last_mut()) {
            (Ok(_), Some(last)) if gaps == Gaps::MayCopy => last.len = run.end() - last.offset,
            (Ok(_), _) => {}
            (Err(_), _) => kept.push(run),
        }
    }
    kept
}

/// Live extents that touch, as one.
pub(super) fn joined(live: &[Extent]) -> Vec<Extent> {
    let mut runs: Vec<Extent> = Vec::new();
    for extent in live.iter().filter(|extent| extent.len > 0) {
        match runs.last_mut() {
            Some(run) if run.end() >= extent.offset => run.len = run.end().max(extent.end()) - run.offset,
            _ => runs.push(*extent),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All choices, one after another: for each run and gap, copied or not.
    fn least(runs: &[Extent], min_part: u64, run_cost: u64) -> u64 {
        let gap = |i: usize| runs[i].offset - runs[i - 1].end();
        let mut least = runs.iter().map(|run| run.len).sum::<u64>();
        'choice: for copied in 0_u32..1 << runs.len() {
            for bridged in 0_u32..1 << runs.len() {
                let (mut cost, mut copies, mut index) = (0, 0, 0);
                while index < runs.len() {
                    if copied & (1 << index) == 0 {
                        if index == 0 {
                            continue 'choice; // then nothing may be carried
                        }
                        cost += runs[index].len;
                        index += 1;
                        continue;
                    }
                    let begin = index;
                    index += 1;
                    while index < runs.len() && copied & (1 << index) != 0 && bridged & (1 << index) != 0 {
                        cost += gap(index);
                        index += 1;
                    }
                    let offset = if begin == 0 { 0 } else { runs[begin].offset };
                    cost += if begin == 0 { runs[0].offset } else { 0 };
                    let end = runs[index - 1].end();
                    if end - offset < min_part {
                        let room = begin == 0 && runs.get(index).is_some_and(|next| min_part <= next.offset);
                        cost += if room { min_part - end } else { 1 << 40 };
                    }
                    copies += 1;
                }
                least = least.min(cost + copies * run_cost);
            }
        }
        least
    }

    proptest! {
        #[test]
        fn no_other_choice_is_cheaper(
            lengths in proptest::collection::vec((1..40_u64, 1..40_u64), 1..7),
            begins_dead in 0..20_u64, min_part in 1..80_u64, run_cost in 0..10_u64,
        ) {
            let mut runs = Vec::new();
            let mut offset = begins_dead;
            for (len, gap) in lengths {
                runs.push(Extent { offset, len });
                offset += len + gap;
            }
            let chosen = cheapest(&runs, min_part, run_cost, Gaps::MayCopy);
            let inside = |run: &Extent| chosen.iter().any(|c| c.offset <= run.offset && run.end() <= c.end());
            let copied: u64 = chosen.iter().map(|run| run.len).sum();
            let live: u64 = runs.iter().filter(|run| inside(run)).map(|run| run.len).sum();
            let sent: u64 = runs.iter().filter(|run| !inside(run)).map(|run| run.len).sum();
            prop_assert!(chosen.iter().all(|run| run.len >= min_part));
            prop_assert!(chosen.first().is_none_or(|run| run.offset == 0));
            prop_assert!(chosen.windows(2).all(|pair| pair[0].end() < pair[1].offset));
            let cost = sent + (copied - live) + chosen.len() as u64 * run_cost;
            prop_assert_eq!(cost, least(&runs, min_part, run_cost));
            for run in cheapest(&runs, min_part, run_cost, Gaps::Never) {
                prop_assert!(runs.contains(&run) && run.len >= min_part);
            }
        }
    }
}
