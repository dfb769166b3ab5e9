//! Chunks: equal where rows are equal, few where they are not.

use std::collections::BTreeMap;

use holdfast::mysql::Dump;
use holdfast_testbed::MariaDb;

use super::{assert_comes_back, whole};

fn digests(dump: &Dump) -> BTreeMap<String, [u8; 32]> {
    let digests: BTreeMap<_, _> = dump.pieces.iter().map(|piece| (piece.name.clone(), piece.sha256)).collect();
    assert_eq!(digests.len(), dump.pieces.len(), "two pieces have one name");
    digests
}

/// Names that are new or hold something else.
fn changed(before: &Dump, after: &Dump) -> Vec<String> {
    let before = digests(before);
    digests(after).into_iter().filter(|(name, sha256)| before.get(name) != Some(sha256)).map(|(name, _)| name).collect()
}

/// A million rows of some 60 bytes, and what is inserted among them.
fn one_row_sends_two_chunks(columns: &str, rows: &str, row: &str) {
    let bed = MariaDb::start();
    bed.sql("", "CREATE DATABASE site");
    bed.sql(
        "site",
        &format!("CREATE TABLE big ({columns}) ENGINE=InnoDB; INSERT INTO big SELECT {rows} FROM seq_1_to_1000000;"),
    );
    let (first, spool) = whole(&bed, "site");
    let chunks = first.pieces.iter().filter(|piece| piece.name.starts_with("0200-big.")).count();
    assert!((150..2_000).contains(&chunks), "{chunks} chunks of {} bytes", first.bytes);
    let again = whole(&bed, "site").0;
    assert_eq!(changed(&first, &again), Vec::<String>::new(), "the same rows");
    assert_eq!(first.pieces.len(), again.pieces.len());
    drop(spool);

    bed.sql("site", &format!("INSERT INTO big VALUES {row}"));
    let (second, spool) = whole(&bed, "site");
    let sent = changed(&first, &second);
    assert!((1..=2).contains(&sent.len()), "{sent:?}");
    let bytes: u64 = second.pieces.iter().filter(|piece| sent.contains(&piece.name)).map(|piece| piece.len).sum();
    assert!(bytes < 2 << 20, "{bytes} bytes in {sent:?}");
    assert_eq!(second.rows, 1_000_001);
    assert_comes_back(&bed, "site", &second, &spool);
}

#[test]
fn one_row_among_a_million_with_a_number_sends_two_chunks_at_most() {
    one_row_sends_two_chunks(
        "id BIGINT UNSIGNED PRIMARY KEY, n INT, t VARCHAR(200)",
        "seq * 7, seq % 1000, CONCAT('row number ', seq, ' of them')",
        "(3500001, 1, 'in the middle')",
    );
}

#[test]
fn one_row_among_a_million_with_a_string_sends_two_chunks_at_most() {
    one_row_sends_two_chunks(
        "id VARCHAR(40) PRIMARY KEY, n INT, t VARCHAR(200)",
        "MD5(seq), seq % 1000, CONCAT('row number ', seq)",
        "('80000000', 1, 'in the middle')",
    );
}

#[test]
fn one_row_among_a_million_with_two_columns_sends_two_chunks_at_most() {
    one_row_sends_two_chunks(
        "a BIGINT UNSIGNED, b INT, t VARCHAR(200), PRIMARY KEY (a, b)",
        "seq DIV 10, CAST(seq % 10 AS SIGNED) - 5, CONCAT('row number ', seq)",
        "(50000, 77, 'in the middle')",
    );
}

#[test]
fn ids_far_apart_make_no_more_chunks_than_ids_side_by_side() {
    let bed = MariaDb::start();
    bed.sql("", "CREATE DATABASE site");
    bed.sql("site", "CREATE TABLE sparse (id BIGINT PRIMARY KEY, t TEXT); \
        INSERT INTO sparse SELECT (CAST(seq AS SIGNED) - 5000) * 1844674407370000, REPEAT('x', 100) FROM seq_0_to_9999;");
    let (dump, spool) = whole(&bed, "site");
    let names: Vec<_> = dump.pieces.iter().map(|piece| &piece.name).filter(|name| name.starts_with("0200-")).collect();
    assert!(names.len() < 40, "{names:?}");
    assert!(names.is_sorted(), "{names:?}");
    assert_comes_back(&bed, "site", &dump, &spool);
}

#[test]
fn another_table_renames_no_piece() {
    let bed = MariaDb::start();
    bed.sql("", "CREATE DATABASE site");
    bed.sql("site", "CREATE TABLE b (id INT PRIMARY KEY); INSERT INTO b VALUES (1); CREATE TABLE d (id INT); INSERT INTO d VALUES (1)");
    let before = whole(&bed, "site").0;
    bed.sql("site", "CREATE TABLE a (id INT); CREATE TABLE c (id INT); DROP TABLE d");
    let after = whole(&bed, "site").0;
    assert_eq!(changed(&before, &after), ["0200-a.0-create.sql", "0200-c.0-create.sql"]);
}
