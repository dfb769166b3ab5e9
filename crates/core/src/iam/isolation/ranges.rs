//! Sets of neighbours: which of the sorted prefixes, as ranges of their numbers.

use std::ops::Range;

/// A set of numbers, as sorted ranges that do not touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ranges(Vec<Range<usize>>);

impl Ranges {
    pub(super) fn one(range: Range<usize>) -> Self {
        Self(if range.is_empty() { Vec::new() } else { vec![range] })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.iter().map(ExactSizeIterator::len).sum()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().cloned().flatten()
    }

    pub(super) fn union(&self, other: &Self) -> Self {
        let mut all: Vec<_> = self.0.iter().chain(&other.0).cloned().collect();
        all.sort_unstable_by_key(|range| range.start);
        let mut joined: Vec<Range<usize>> = Vec::with_capacity(all.len());
        for range in all {
            match joined.last_mut() {
                Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
                _ => joined.push(range),
            }
        }
        Self(joined)
    }

    pub(super) fn minus(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        let mut holes = other.0.iter().peekable();
        for range in &self.0 {
            let mut start = range.start;
            while let Some(hole) = holes.peek() {
                if hole.start >= range.end {
                    break;
                }
                if hole.start > start {
                    left.push(start..hole.start);
                }
                start = start.max(hole.end);
                if hole.end > range.end {
                    break;
                }
                holes.next();
            }
            if start < range.end {
                left.push(start..range.end);
            }
        }
        Self(left)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn some() -> impl Strategy<Value = Vec<Range<usize>>> {
        prop::collection::vec((0usize..20, 0usize..6).prop_map(|(start, len)| start..start + len), 0..6)
    }

    fn ranges(of: &[Range<usize>]) -> (Ranges, BTreeSet<usize>) {
        let ranges = of.iter().fold(Ranges::default(), |all, range| all.union(&Ranges::one(range.clone())));
        (ranges, of.iter().cloned().flatten().collect())
    }

    proptest! {
        #[test]
        fn they_are_sets(a in some(), b in some()) {
            let ((a, set_a), (b, set_b)) = (ranges(&a), ranges(&b));
            prop_assert_eq!(a.len(), set_a.len());
            prop_assert_eq!(a.union(&b).iter().collect::<BTreeSet<_>>(), &set_a | &set_b);
            let left = a.minus(&b);
            prop_assert_eq!(left.iter().collect::<BTreeSet<_>>(), &set_a - &set_b);
            prop_assert_eq!(left.is_empty(), set_a.is_subset(&set_b));
        }
    }
}
