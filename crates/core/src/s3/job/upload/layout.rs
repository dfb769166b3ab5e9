//! Which bytes each part of an upload holds: known from the beginning, or only once the stream
//! has ended.

use crate::{
    job::Base,
    plan::{Extent, Geometry, Part, Schedule},
};

/// How the object is cut.
#[derive(Debug, Clone)]
pub(super) enum Layout {
    /// An archive on this machine's disk, which can be read again.
    Archive(Geometry),
    /// Copied parts, and a stream behind them, which cannot.
    Stream(Flow),
}

/// Parts that are copied, and parts of a stream.
#[derive(Debug, Clone)]
pub(super) struct Flow {
    pub(super) base: Option<Base>,
    pub(super) schedule: Schedule,
    /// Parts of the stream that may be asked for and not yet have arrived.
    pub(super) window: u32,
    /// The next part to ask for.
    pub(super) next: u32,
    /// The first part of the stream that was asked for in this run, once one was.
    pub(super) first_asked: Option<u32>,
    /// The object's last part, once the stream has ended, and its length.
    pub(super) last: Option<(u32, u64)>,
}

impl Layout {
    /// Part `number`, from 1; `None` past the last.
    pub(super) fn part(&self, number: u32) -> Option<Part> {
        match self {
            Self::Archive(geometry) => geometry.part(number),
            Self::Stream(flow) => flow.part(number),
        }
    }

    /// The length of a part; 0 past the last.
    pub(super) fn len_of(&self, number: u32) -> u64 {
        match self {
            Self::Archive(geometry) => geometry.part(number).map_or(0, |part| part.len),
            Self::Stream(flow) => flow.len_of(number).unwrap_or(0),
        }
    }

    /// The number of parts, once it is known.
    pub(super) fn parts(&self) -> Option<u32> {
        match self {
            Self::Archive(geometry) => Some(geometry.parts()),
            Self::Stream(flow) => flow.last.map(|(last, _)| last),
        }
    }

    /// The object's length, once it is known, in bytes.
    pub(super) fn len(&self) -> Option<u64> {
        match self {
            Self::Archive(geometry) => Some(geometry.len),
            Self::Stream(flow) => {
                let (last, _) = flow.last?;
                flow.part(last).map(|part| part.offset + part.len)
            }
        }
    }

    /// Whether it is known that it all goes in a single request.
    pub(super) fn single(&self) -> bool {
        match self {
            Self::Archive(geometry) => geometry.single(),
            Self::Stream(flow) => flow.copied() == 0 && flow.last.is_some_and(|(last, _)| last == 1),
        }
    }

    pub(super) fn is_stream(&self) -> bool {
        matches!(self, Self::Stream(_))
    }

    pub(super) fn base(&self) -> Option<&Base> {
        match self {
            Self::Archive(_) => None,
            Self::Stream(flow) => flow.base.as_ref(),
        }
    }

    /// Parts that the server copies: the first ones.
    pub(super) fn copied(&self) -> u32 {
        match self {
            Self::Archive(_) => 0,
            Self::Stream(flow) => flow.copied(),
        }
    }

    /// The length of all parts but the last, if it is one and anyone could compute the object's
    /// ETag with it.
    pub(super) fn part_len(&self) -> Option<u64> {
        match self {
            Self::Archive(geometry) => (!geometry.single()).then_some(geometry.part_len),
            Self::Stream(flow) => {
                let (last, _) = flow.last?;
                (flow.copied() == 0 && last > 1 && last <= flow.schedule.steady).then_some(flow.schedule.part_len)
            }
        }
    }
}

impl Flow {
    pub(super) fn new(base: Option<Base>, schedule: Schedule, window: u32) -> Self {
        let mut flow = Self { base, schedule, window: window.max(1), next: 1, first_asked: None, last: None };
        flow.next = flow.copied() + 1;
        flow
    }

    fn extents(&self) -> &[Extent] {
        self.base.as_ref().map_or(&[], |base| &base.parts)
    }

    pub(super) fn copied(&self) -> u32 {
        self.extents().len() as u32
    }

    /// Bytes that are copied.
    pub(super) fn bytes_copied(&self) -> u64 {
        self.extents().iter().map(|extent| extent.len).sum()
    }

    /// Which bytes of the base a part is made of.
    pub(super) fn extent(&self, number: u32) -> Option<Extent> {
        self.extents().get(number.checked_sub(1)? as usize).copied()
    }

    fn part(&self, number: u32) -> Option<Part> {
        if let Some(extent) = self.extent(number) {
            let before = &self.extents()[..number as usize - 1];
            let offset = before.iter().map(|extent| extent.len).sum();
            return Some(Part { part: number, offset, len: extent.len });
        }
        let n = number.checked_sub(self.copied())?;
        let len = self.len_of(number)?;
        Some(Part { part: number, offset: self.bytes_copied() + self.schedule.offset(n), len })
    }

    fn len_of(&self, number: u32) -> Option<u64> {
        if let Some(extent) = self.extent(number) {
            return Some(extent.len);
        }
        let full = self.schedule.len(number.checked_sub(self.copied())?)?;
        match self.last {
            Some((last, _)) if number > last => None,
            Some((last, len)) if number == last => Some(len),
            _ => Some(full),
        }
    }

    /// Takes note of where the stream ended. A part of no bytes is none, except the only one.
    pub(super) fn end(&mut self, number: u32, len: u64) {
        self.last = match number {
            2.. if len == 0 => {
                self.last = None;
                Some((number - 1, self.part(number - 1).map_or(0, |part| part.len)))
            }
            _ => Some((number, len)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Key;

    fn flow(copied: &[u64]) -> Flow {
        let schedule = Schedule { part_len: 10, steady: 2, step: 1, parts: 5 };
        let parts: Vec<_> = copied.iter().map(|&len| Extent { offset: 1_000, len }).collect();
        let base = Base { key: Key::parse("old").expect("a key"), etag: "e".into(), parts };
        Flow::new((!copied.is_empty()).then_some(base), schedule, 2)
    }

    #[test]
    fn the_stream_lies_behind_what_is_copied() {
        let flow = flow(&[7, 8]);
        let part = |number| flow.part(number).map(|part| (part.offset, part.len));
        assert_eq!((part(0), part(1), part(2)), (None, Some((0, 7)), Some((7, 8))));
        assert_eq!((part(3), part(4), part(5)), (Some((15, 10)), Some((25, 10)), Some((35, 20))));
        assert_eq!(part(8), None, "five parts of the stream are all");
    }

    #[test]
    fn the_end_is_where_the_stream_says() {
        for (copied, (number, len), (last, whole)) in [
            (&[][..], (1, 0), (1, 0)),
            (&[], (1, 3), (1, 3)),
            (&[], (3, 0), (2, 20)),
            (&[7, 8], (3, 0), (2, 15)),
            (&[7, 8], (4, 1), (4, 26)),
        ] {
            let mut flow = flow(copied);
            flow.end(number, len);
            let layout = Layout::Stream(flow);
            assert_eq!((layout.parts(), layout.len()), (Some(last), Some(whole)));
            assert_eq!(layout.part(last + 1), None);
            assert_eq!(layout.single(), copied.is_empty() && last == 1);
        }
    }
}
