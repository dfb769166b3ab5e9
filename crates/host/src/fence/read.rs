//! What a read may ask for: the job's bytes, each to its own place.

use holdfast_core::{
    abi::{Request, Sink},
    job::{Read, Stretch},
    ranges::{Piece, Ranges},
};

use super::{Refusal, headers};

/// Whether the answer goes where the bytes belong that the request asks for.
pub(super) fn sink(read: &Read, ranges: Option<&Ranges>, request: &Request) -> Result<(), Refusal> {
    let range = headers::value(request, "range").map_or("", String::as_str);
    let right = match (&read.what, &request.sink) {
        (Stretch::Tail { len }, Sink::Tail { len: sunk }) => sunk == len && is_suffix(range, *len),
        (Stretch::Extents(_), Sink::Range { offset, len, .. }) => {
            let asked = bounds(range).zip(ranges);
            asked.is_some_and(|((first, last), ranges)| {
                let piece = Piece { offset: first, len: *len, place: *offset };
                last.checked_sub(first).is_some_and(|more| more.checked_add(1) == Some(*len)) && ranges.holds(piece)
            })
        }
        _ => return Err(Refusal::Sink("does not go where what is read belongs")),
    };
    if right { Ok(()) } else { Err(Refusal::Sink("is not of the bytes that its job reads")) }
}

/// Whether a range is the one that a read of an object's end asks for.
pub(super) fn is_suffix(range: &str, len: u64) -> bool {
    range.strip_prefix("bytes=-") == Some(len.to_string().as_str())
}

fn bounds(range: &str) -> Option<(u64, u64)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}
