//! Reads what the module gave back, of which nothing is taken on trust.

use std::fmt;

use holdfast_core::abi::{BodySource, Frame, FrameError, MAX_FRAME_LEN, Output, Request};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};

use super::SandboxError;

/// Outputs in one answer. The largest honest one is a page of a listing: 1,000 entries.
const MAX_OUTPUTS: usize = 10_000;

/// The JSON of one answer, in bytes: twice that page, with the longest keys. Lists of small things
/// take some ten times their text once they are read.
const MAX_HEADER_LEN: usize = 8 << 20;

/// Reads the frame of `len` bytes at `ptr` in the module's memory. An error never quotes what
/// stands there, which may be keys.
pub(super) fn read(memory: &[u8], ptr: usize, len: usize) -> Result<Frame<Vec<Output>>, SandboxError> {
    let broken = |what: String| SandboxError::Broken(format!("its answer {what}"));
    if len > MAX_FRAME_LEN {
        return Err(broken(format!("of {len} bytes is longer than the {MAX_FRAME_LEN} allowed")));
    }
    let bytes = ptr
        .checked_add(len)
        .and_then(|end| memory.get(ptr..end))
        .ok_or_else(|| broken(format!("of {len} bytes at {ptr} lies outside its memory")))?;
    if let Some(header_len) = bytes.first_chunk::<4>().map(|prefix| u32::from_le_bytes(*prefix) as usize)
        && header_len > MAX_HEADER_LEN
    {
        return Err(broken(format!("has a header of {header_len} bytes, more than {MAX_HEADER_LEN}")));
    }
    let frame = Frame::<Outputs>::decode(bytes).map_err(|error| match error {
        FrameError::Header(json) => {
            broken(format!("is no list of outputs (line {}, column {})", json.line(), json.column()))
        }
        error => broken(format!("cannot be read: {error}")),
    })?;
    let Frame { header: Outputs { list: header, more }, body } = frame;
    if more {
        return Err(broken(format!("holds more than {MAX_OUTPUTS} outputs")));
    }
    for output in &header {
        if let Output::Request(Request { body: BodySource::Inline { start, len }, .. }) = output
            && start.checked_add(*len).is_none_or(|end| end > body.len())
        {
            return Err(broken(format!("names {len} bytes at {start} of a body of {}", body.len())));
        }
    }
    Ok(Frame { header, body })
}

/// The first [`MAX_OUTPUTS`] of them.
struct Outputs {
    list: Vec<Output>,
    more: bool,
}

impl<'de> Deserialize<'de> for Outputs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bounded;

        impl<'de> Visitor<'de> for Bounded {
            type Value = Outputs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of outputs")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Outputs, A::Error> {
                let mut list = Vec::new();
                while list.len() < MAX_OUTPUTS {
                    match from.next_element()? {
                        Some(output) => list.push(output),
                        None => return Ok(Outputs { list, more: false }),
                    }
                }
                let mut more = false;
                while from.next_element::<IgnoredAny>()?.is_some() {
                    more = true;
                }
                Ok(Outputs { list, more })
            }
        }

        deserializer.deserialize_seq(Bounded)
    }
}
