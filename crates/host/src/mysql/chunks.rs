//! Where a table's rows are cut, and what the pieces are called.
//!
//! A row begins a new chunk when a hash of its key falls below a bound that is proportional to
//! the row's length: a matter of the row alone. So chunks come out at [`target`] bytes on average
//! whatever the rows' lengths, nothing has to be known of the table, and a row that is added,
//! changed or deleted touches its own chunk and, where it was or becomes a beginning, one beside
//! it. Fixed ranges of an integer key would need a span chosen from statistics that wobble; least
//! and greatest lengths would let one row shift the cuts behind it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

/// File systems end at 255 bytes; what a restore puts before or behind the name needs some.
const NAME_LEN: usize = 120;

/// Bytes of a textual key that go into a name; the hash behind them tells the rest apart.
const KEY_LEN: usize = 12;

/// A chunk's average bytes of SQL, by how far into the table it lies. Small chunks send little
/// when scattered rows change; a huge table must not become a million members. It grows in steps:
/// a row inserted before a step moves at most one row across it.
fn target(at: u64) -> u64 {
    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    match at {
        _ if at < 64 * MIB => 128 * KIB,
        _ if at < 512 * MIB => 256 * KIB,
        _ if at < 4096 * MIB => 512 * KIB,
        _ if at < 32_768 * MIB => MIB,
        _ => 4 * MIB,
    }
}

/// Whether a row begins a chunk: its key's hash, its bytes of SQL, the table's bytes before it.
pub(super) fn begins(key_hash: u64, row_len: usize, at: u64) -> bool {
    let bound = (u64::MAX / target(at)).saturating_mul(row_len as u64);
    key_hash < bound
}

/// A hash of a key's values that no version of ours may change: FNV-1a, its bits mixed well.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyHash(u64);

impl KeyHash {
    pub(super) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// The next value of the key.
    pub(super) fn value(&mut self, bytes: &[u8]) {
        for &byte in bytes.iter().chain(&[0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    pub(super) fn finish(self) -> u64 {
        let mut hash = self.0;
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        hash ^ (hash >> 33)
    }
}

/// How a key column's value stands in a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Digits of a fixed number, negative ones first.
    Integer {
        /// Whether there are negative ones.
        signed: bool,
    },
    /// Hex of the first bytes, in lower case as most collations compare.
    Text,
    /// Hex of the first bytes.
    Bytes,
}

/// What names of a table's members begin with.
pub(super) fn stem(table: &str) -> String {
    /// All but letters, digits, `_` and `$`. Upper case stays: a table's name should be readable.
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'$');
    let mut name = utf8_percent_encode(table, KEPT).to_string();
    if name.len() > NAME_LEN {
        let hash = hex::encode(&Sha256::digest(table)[..10]);
        let mut cut = NAME_LEN - hash.len() - 1;
        // Not through the middle of `%C3`.
        while name[..cut].bytes().rev().take(2).any(|byte| byte == b'%') {
            cut -= 1;
        }
        name.truncate(cut);
        name.push('~');
        name.push_str(&hash);
    }
    format!("0200-{name}")
}

/// The name of a table's definition: before its rows.
pub(super) fn create_name(stem: &str) -> String {
    format!("{stem}.0-create.sql")
}

/// The name of the rows before the first cut, or of all.
pub(super) fn first_name(stem: &str) -> String {
    format!("{stem}.1-rows.sql")
}

/// The name of the chunk that begins with this key: in the key's order where digits and bytes can
/// tell it, and unique.
pub(super) fn chunk_name(stem: &str, key: &[(Part, &[u8])]) -> String {
    let mut name = format!("{stem}.2");
    for &(part, value) in key.iter().take(4) {
        name.push('-');
        match part {
            Part::Integer { signed } => push_integer(signed, value, &mut name),
            Part::Text => name.push_str(&hex::encode(value[..value.len().min(KEY_LEN)].to_ascii_lowercase())),
            Part::Bytes => name.push_str(&hex::encode(&value[..value.len().min(KEY_LEN)])),
        }
    }
    if !matches!(key, [(Part::Integer { .. }, _)]) {
        let mut hash = Sha256::new();
        for (_, value) in key {
            hash.update((value.len() as u64).to_be_bytes());
            hash.update(value);
        }
        name.push('-');
        name.push_str(&hex::encode(&hash.finalize()[..10]));
    }
    name.push_str(".sql");
    name
}

/// Digits in the number's order: negative ones counted up from the least, after a 0.
fn push_integer(signed: bool, value: &[u8], name: &mut String) {
    use std::fmt::Write;
    let text = String::from_utf8_lossy(value);
    let number: i128 = text.parse().unwrap_or_default();
    let _ = match (signed, number < 0) {
        (false, _) => write!(name, "{number:020}"),
        (true, false) => write!(name, "1{number:019}"),
        (true, true) => write!(name, "0{:019}", number + (1 << 63)),
    };
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Cuts a table of rows of these lengths, keyed by their number; the chunks' keys.
    fn cut(rows: &[(u64, usize)]) -> Vec<Vec<(u64, usize)>> {
        let mut chunks = vec![Vec::new()];
        let mut at = 0;
        for &(key, len) in rows {
            let mut hash = KeyHash::new();
            hash.value(key.to_string().as_bytes());
            if begins(hash.finish(), len, at) {
                chunks.push(Vec::new());
            }
            chunks.last_mut().expect("one").push((key, len));
            at += len as u64;
        }
        chunks
    }

    #[test]
    fn a_row_more_changes_two_chunks_at_most_wherever_it_falls() {
        let rows: Vec<(u64, usize)> = (0..200_000).map(|id| (id * 2, 150 + (id % 97) as usize * 3)).collect();
        let before: BTreeSet<_> = cut(&rows).into_iter().collect();
        for seed in 0..40_u64 {
            let at = usize::try_from(seed * 4_999).expect("small");
            let mut more = rows.clone();
            more.insert(at, (rows[at].0 - u64::from(at > 0), 300));
            let changed = cut(&more).into_iter().filter(|chunk| !before.contains(chunk)).count();
            assert!((1..=2).contains(&changed), "{changed} chunks changed by a row at {at}");
        }
    }

    #[test]
    fn chunks_have_their_length_whatever_the_rows_lengths() {
        for len in [40, 400, 4_000, 40_000] {
            let rows: Vec<(u64, usize)> = (0..50_000_000 / len as u64).map(|id| (id, len)).collect();
            let average = 50_000_000 / cut(&rows).len();
            assert!((90 << 10..180 << 10).contains(&average), "rows of {len}: {average} bytes a chunk");
        }
    }

    #[test]
    fn names_sort_as_their_keys_do() {
        let number = |signed, key: &str| chunk_name("s", &[(Part::Integer { signed }, key.as_bytes())]);
        let signed: Vec<_> = ["-9223372036854775808", "-10", "-9", "0", "9", "10", "9223372036854775807"]
            .map(|k| number(true, k))
            .into();
        assert!(signed.is_sorted(), "{signed:?}");
        let unsigned: Vec<_> = ["0", "9", "10", "18446744073709551615"].map(|key| number(false, key)).into();
        assert!(unsigned.is_sorted(), "{unsigned:?}");
        let text = |key: &str| chunk_name("s", &[(Part::Text, key.as_bytes())]);
        assert!(text("Apple") < text("banana") && text("banana") < text("Cherry"));
        assert!(create_name("s") < first_name("s") && first_name("s") < number(true, "-1"));
    }

    #[test]
    fn keys_that_differ_have_names_that_differ() {
        let names: BTreeSet<_> = [["ab", "c"], ["a", "bc"], ["abcdefghijklm", "n"], ["abcdefghijklM", "n"]]
            .map(|[a, b]| chunk_name("s", &[(Part::Text, a.as_bytes()), (Part::Text, b.as_bytes())]))
            .into();
        assert_eq!(names.len(), 4);
    }

    #[test]
    fn a_tables_name_makes_a_file_name() {
        assert_eq!(stem("wp_posts"), "0200-wp_posts");
        assert_eq!(stem("a/b.c d\n\"é"), "0200-a%2Fb%2Ec%20d%0A%22%C3%A9");
        let long: BTreeSet<_> = (0..40).map(|n| stem(&format!("{}{n}", "語".repeat(62)))).collect();
        assert_eq!(long.len(), 40);
        assert!(long.iter().all(|name| name.len() <= 130), "{long:?}");
    }
}
