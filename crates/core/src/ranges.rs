//! Some bytes of an object, one run after another, cut into what one request asks for.
//!
//! The module asks by it and the fence checks by it, so both see the same places:
//!
//! ```text
//! object       ····[ a ]····[   b   ][ c ]·····
//! destination  [ a ][   b   ][ c ]                b and c are one run
//! ```

use crate::plan::{Extent, MIB};

/// What one request asks for at the most, in bytes: a range waits in memory until those before it
/// have come.
pub const MAX_RANGE_LEN: u64 = 8 * MIB;

/// A run of bytes, and where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Where it begins in the object.
    pub offset: u64,
    /// Bytes in it.
    pub len: u64,
    /// Where it begins in the destination.
    pub place: u64,
}

impl Piece {
    /// Where it ends in the destination.
    #[must_use]
    pub fn place_end(&self) -> u64 {
        self.place.saturating_add(self.len)
    }
}

/// Extents in their order, those that continue one another as one, empty ones left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges {
    runs: Vec<Piece>,
}

impl Ranges {
    /// Of these extents; `None` when they end beyond what a number can say.
    #[must_use]
    pub fn new(extents: &[Extent]) -> Option<Self> {
        let mut runs: Vec<Piece> = Vec::new();
        let mut place = 0u64;
        for extent in extents.iter().filter(|extent| extent.len > 0) {
            extent.offset.checked_add(extent.len)?;
            match runs.last_mut() {
                Some(last) if last.offset + last.len == extent.offset => last.len += extent.len,
                _ => runs.push(Piece { offset: extent.offset, len: extent.len, place }),
            }
            place = place.checked_add(extent.len)?;
        }
        Some(Self { runs })
    }

    /// Bytes in all.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.runs.last().map_or(0, Piece::place_end)
    }

    /// Whether there is nothing to ask for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// What the request asks for that fills the destination from `place` on; `None` at its end.
    #[must_use]
    pub fn at(&self, place: u64) -> Option<Piece> {
        let run = self.run(place)?;
        let skipped = place - run.place;
        Some(Piece { offset: run.offset + skipped, len: (run.len - skipped).min(MAX_RANGE_LEN), place })
    }

    /// Whether these bytes of the object are asked for, and belong there.
    #[must_use]
    pub fn holds(&self, piece: Piece) -> bool {
        let within = |run: &Piece| {
            let skipped = piece.place - run.place;
            run.offset + skipped == piece.offset && piece.len <= run.len - skipped
        };
        (1..=MAX_RANGE_LEN).contains(&piece.len) && self.run(piece.place).is_some_and(within)
    }

    /// The run that fills this place.
    fn run(&self, place: u64) -> Option<&Piece> {
        let after = self.runs.partition_point(|run| run.place_end() <= place);
        self.runs.get(after)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn extents() -> impl Strategy<Value = Vec<Extent>> {
        let len = prop_oneof![0..4u64, 0..100 * MIB, Just(MAX_RANGE_LEN), Just(MAX_RANGE_LEN + 1)];
        let one = (prop_oneof![0..8u64, 0..1u64 << 50], len).prop_map(|(offset, len)| Extent { offset, len });
        prop::collection::vec(one, 0..12)
    }

    /// All of it, request by request.
    fn pieces(ranges: &Ranges) -> Vec<Piece> {
        let next = |piece: &Piece| ranges.at(piece.place_end());
        std::iter::successors(ranges.at(0), next).collect()
    }

    #[test]
    fn neighbours_are_asked_for_together() {
        let extent = |offset, len| Extent { offset, len };
        let ranges = Ranges::new(&[extent(10, 5), extent(15, 5), extent(0, 0), extent(20, 1), extent(3, 2)]);
        let piece = |offset, len, place| Piece { offset, len, place };
        assert_eq!(pieces(&ranges.expect("small")), [piece(10, 11, 0), piece(3, 2, 11)]);
        assert_eq!(Ranges::new(&[extent(u64::MAX, 2)]), None);
        assert_eq!(Ranges::new(&[extent(0, u64::MAX), extent(7, 2)]), None);
    }

    proptest! {
        #[test]
        fn pieces_are_the_extents_one_after_another(extents in extents()) {
            let ranges = Ranges::new(&extents).expect("small enough");
            let pieces = pieces(&ranges);
            let mut place = 0;
            let mut asked = Vec::new();
            for piece in &pieces {
                prop_assert_eq!(piece.place, place);
                prop_assert!(ranges.holds(*piece));
                let shifted = Piece { offset: piece.offset + 1, ..*piece };
                prop_assert!(!ranges.holds(shifted));
                place += piece.len;
                asked.push(Extent { offset: piece.offset, len: piece.len });
            }
            prop_assert_eq!(place, ranges.len());
            prop_assert_eq!(place, extents.iter().map(|extent| extent.len).sum::<u64>());
            // Whatever the cuts, these are the same bytes in the same order.
            prop_assert_eq!(Ranges::new(&asked), Some(ranges));
        }

        #[test]
        fn nothing_else_is_within(extents in extents(), offset in 0..100u64, len in 0..100u64, place in 0..100u64) {
            let ranges = Ranges::new(&extents).expect("small enough");
            let piece = Piece { offset, len, place };
            let held = ranges.holds(piece);
            let mut wanted = extents.iter().flat_map(|extent| extent.offset..extent.end().min(extent.offset + 200));
            let bytes: Vec<u64> = wanted.by_ref().skip(place as usize).take(len as usize).collect();
            if extents.iter().all(|extent| extent.len <= 200) {
                let same = bytes.len() as u64 == len && bytes.iter().copied().eq(offset..offset + len);
                prop_assert_eq!(held, same && len > 0);
            }
        }
    }
}
