//! The rows of the measured site: posts, their meta, options and comments in WordPress's own tables.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::data::Random;

/// The tables as WordPress makes them.
const SCHEMA: &str = include_str!("schema.sql");

/// Bytes of an INSERT statement, about.
const STATEMENT: usize = 1 << 20;

const SYLLABLES: [&str; 20] = [
    "ka", "tor", "mi", "sel", "ver", "an", "do", "ly", "ren", "sto", "ba", "chi", "mor", "ta", "lin", "ge", "pre",
    "fu", "nal", "ost",
];

/// Rows of each table for so many bytes of SQL.
struct Counts {
    posts: u64,
    meta: u64,
    comments: u64,
    options: u64,
}

fn counts(bytes: u64) -> Counts {
    // A third each are posts of 4.5 KB and meta rows of 120 bytes; the rest is comments and options.
    Counts { posts: bytes / 12_800, meta: bytes / 487, comments: bytes / 1_964, options: bytes / 77_000 }
}

/// Writes the tables and so many bytes of rows, about.
pub(super) fn write(out: &mut dyn Write, bytes: u64, random: &mut Random) -> io::Result<()> {
    out.write_all(SCHEMA.as_bytes())?;
    let counts = counts(bytes);
    insert(out, "wp_posts", counts.posts, random, |row, id, random| {
        let status = if id % 9 == 0 { "inherit" } else { "publish" };
        write!(row, "{id},1,'2025-03-01 10:00:00','2025-03-01 10:00:00','").ok();
        for _ in 0..8 {
            row.push_str("<!-- wp:paragraph -->\\n<p>");
            (0..1 + random.below(12)).for_each(|_| sentence(row, random));
            row.push_str("</p>\\n<!-- /wp:paragraph -->\\n");
        }
        row.push_str("','");
        words(row, random, 5);
        write!(row, "','','{status}','open','open','','post-{id}','','','2025-03-01 10:00:00',").ok();
        write!(row, "'2025-03-01 10:00:00','',0,'http://client1.example/?p={id}',0,'post','',0").ok();
    })?;
    insert(out, "wp_postmeta", counts.meta, random, |row, id, random| {
        let post = id * counts.posts / counts.meta.max(1) + 1;
        match random.below(3) {
            0 => write!(row, "{id},{post},'_edit_lock','{}:1'", 1_700_000_000 + random.below(50_000_000)).ok(),
            1 => {
                write!(
                    row,
                    "{id},{post},'_wp_attachment_metadata','a:4:{{s:5:\\\"width\\\";i:{};",
                    random.below(4_000)
                )
                .ok();
                write!(
                    row,
                    "s:6:\\\"height\\\";i:{};s:4:\\\"file\\\";s:22:\\\"2025/03/photo-{:04}.jpg\\\";",
                    random.below(4_000),
                    random.below(10_000)
                )
                .ok();
                write!(row, "s:5:\\\"sizes\\\";a:2:{{s:9:\\\"thumbnail\\\";a:2:{{s:5:\\\"width\\\";i:150;s:6:\\\"height\\\";i:150;}}s:6:\\\"medium\\\";a:2:{{s:5:\\\"width\\\";i:300;s:6:\\\"height\\\";i:225;}}}}}}'").ok()
            }
            _ => {
                write!(row, "{id},{post},'_yoast_description','").ok();
                sentence(row, random);
                row.push('\'');
                Some(())
            }
        };
    })?;
    insert(out, "wp_comments", counts.comments, random, |row, id, random| {
        let post = random.below(counts.posts) + 1;
        write!(row, "{id},{post},'").ok();
        words(row, random, 2);
        write!(
            row,
            "','reader{id}@example.com','','192.0.2.{}','2025-04-01 10:00:00','2025-04-01 10:00:00','",
            random.below(250)
        )
        .ok();
        (0..4 + random.below(6)).for_each(|_| sentence(row, random));
        row.push_str("',0,'1','Mozilla/5.0 (X11; Linux x86_64; rv:109.0)','comment',0,0");
    })?;
    insert(out, "wp_options", counts.options, random, |row, id, random| {
        write!(row, "{id},'_transient_forms_{id}','").ok();
        (0..90).for_each(|_| sentence(row, random));
        row.push_str("','no'");
    })
}

fn insert(
    out: &mut dyn Write,
    table: &str,
    count: u64,
    random: &mut Random,
    mut row: impl FnMut(&mut String, u64, &mut Random),
) -> io::Result<()> {
    let mut text = String::with_capacity(STATEMENT + 64_000);
    for id in 1..=count {
        write!(text, "{}(", if text.is_empty() { format!("INSERT INTO `{table}` VALUES ") } else { ",\n".into() }).ok();
        row(&mut text, id, random);
        text.push(')');
        if text.len() >= STATEMENT || id == count {
            text.push_str(";\n");
            out.write_all(text.as_bytes())?;
            text.clear();
        }
    }
    Ok(())
}

/// 70 rows change: 20 posts, 40 of their meta, 10 comments; each grows by a word. Beside each other at
/// the tables' ends, or all over them.
pub(super) fn changes(clustered: bool, bytes: u64) -> String {
    let counts = counts(bytes);
    let ids = |count: u64, rows: u64| -> String {
        let id = |n: u64| if clustered { count - n } else { (n * 2 + 1) * count / (rows * 2) + 1 };
        (0..rows).map(|n| id(n).to_string()).collect::<Vec<_>>().join(",")
    };
    format!(
        "UPDATE wp_posts SET post_content = CONCAT(post_content, ' again'), post_modified = NOW() WHERE ID IN ({});\n\
         UPDATE wp_postmeta SET meta_value = CONCAT(meta_value, '9') WHERE meta_id IN ({});\n\
         UPDATE wp_comments SET comment_content = CONCAT(comment_content, ' again') WHERE comment_ID IN ({});\n",
        ids(counts.posts, 20),
        ids(counts.meta, 40),
        ids(counts.comments, 10),
    )
}

/// One sentence of 6 to 14 words, and a space.
pub(super) fn sentence(text: &mut String, random: &mut Random) {
    let count = 6 + random.below(9);
    words(text, random, count);
    text.push_str(". ");
}

/// Words of two syllables, or three: 400 to 8,000 of them, the short ones far more often.
fn words(text: &mut String, random: &mut Random, count: u64) {
    for n in 0..count {
        if n > 0 {
            text.push(' ');
        }
        let mut bits = random.next_u64();
        let syllables = if bits.is_multiple_of(8) { 3 } else { 2 };
        bits >>= 8;
        for _ in 0..syllables {
            text.push_str(SYLLABLES[(bits % 20) as usize]);
            bits >>= 12;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_about_as_long_as_was_asked_for_and_compresses_like_text() {
        let mut sql = Vec::new();
        write(&mut sql, 3_000_000, &mut Random::new(1)).expect("memory takes it");
        assert!((2_500_000..3_500_000).contains(&sql.len()), "{}", sql.len());
        let mut packed = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        packed.start_file("a", zip::write::SimpleFileOptions::default()).expect("in memory");
        packed.write_all(&sql).expect("in memory");
        let len = packed.finish().expect("in memory").into_inner().len();
        let ratio = sql.len() as f64 / len as f64;
        assert!((2.5..6.0).contains(&ratio), "{ratio}");
    }

    #[test]
    fn seventy_rows_change_and_all_are_there() {
        for clustered in [true, false] {
            let text = changes(clustered, 3_000_000);
            let lists =
                text.lines().map(|line| line.split_once("IN (").map_or("", |(_, ids)| ids.trim_end_matches(");")));
            let ids: Vec<u64> = lists.flat_map(|ids| ids.split(',')).map(|id| id.parse().expect("a number")).collect();
            assert_eq!(ids.len(), 70);
            let counts = counts(3_000_000);
            assert!(ids.iter().all(|id| *id >= 1 && *id <= counts.meta), "{ids:?}");
        }
    }
}
