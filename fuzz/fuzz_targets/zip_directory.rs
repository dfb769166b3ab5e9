//! Any bytes given as an object: its directory is found and read, or refused; what it yields lies
//! inside the object, can be written again, and carries over without a panic.

#![no_main]

use holdfast_core::zip::{
    DirectoryReader, Entry, FormatError, TAIL_LEN,
    carry::{Carry, Limits, disjoint},
    locate, parse_local_header,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|object: &[u8]| {
    let len = object.len() as u64;
    let short = &object[object.len() - object.len().min(40)..];
    if let Err(FormatError::NeedMore(more)) = locate(short, len) {
        assert!(more > short.len() as u64 && more <= len.max(TAIL_LEN));
    }
    let Ok(located) = locate(object, len) else { return };
    let directory = &object[located.directory.offset as usize..located.directory.end() as usize];
    let Ok(entries) = DirectoryReader::new(directory, located).collect::<Result<Vec<_>, _>>() else { return };
    assert_eq!(entries.len() as u64, located.entries);
    for entry in &entries {
        assert!(entry.end() <= located.directory.offset);
        let _ = parse_local_header(&object[entry.offset as usize..], entry);
        entry.write_central(&mut Vec::new());
    }
    let Ok(live) = disjoint(entries.iter().map(Entry::extent).collect()) else { return };
    let limits = Limits { min_part: 16, max_part: 256, max_parts: 100 };
    for carry in [Carry::compacted(&live, &limits), Carry::without_dead(&live, &limits)] {
        for extent in &live {
            if let Some(offset) = carry.translate(*extent) {
                assert!(offset + extent.len <= carry.len());
            }
        }
    }
});
