//! One moment of the database, while it is written and altered.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use holdfast::{
    mysql::{self, Scope, SiteLock, Spool},
    signal::Stop,
};
use holdfast_core::error::Kind;
use holdfast_testbed::MariaDb;

use super::{ask, cat, database, dump, load, whole};

/// Ends the writers, also when the test panics.
struct Raise<'a>(&'a AtomicBool);

impl Drop for Raise<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn money_that_moves_during_the_dump_is_neither_lost_nor_doubled() {
    let bed = MariaDb::start();
    bed.sql("", "CREATE DATABASE bank");
    // Two tables, so that a dump without a snapshot reads one before and one after a transfer.
    bed.sql(
        "bank",
        "CREATE TABLE a (id INT PRIMARY KEY, money BIGINT, pad VARCHAR(300)); CREATE TABLE z LIKE a; \
         INSERT INTO a SELECT seq, 1000, REPEAT('x', 300) FROM seq_1_to_50000; INSERT INTO z SELECT * FROM a; \
         CREATE TABLE ledger (id INT AUTO_INCREMENT PRIMARY KEY, n INT);",
    );
    let stop = AtomicBool::new(false);
    let moved = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut rounds = 0;
            while !stop.load(Ordering::Relaxed) {
                let transfers: String = (0..50)
                    .map(|n| {
                        let id = (rounds * 7_919 + n * 997) % 50_000 + 1;
                        format!(
                            "START TRANSACTION; UPDATE a SET money = money - 3 WHERE id = {id}; \
                             UPDATE z SET money = money + 3 WHERE id = {id}; INSERT INTO ledger (n) VALUES (3); COMMIT;"
                        )
                    })
                    .collect();
                bed.sql("bank", &transfers);
                rounds += 1;
            }
            rounds
        });
        let raise = Raise(&stop);
        for round in 0..3 {
            let (dump, spool) = whole(&bed, "bank");
            let into = format!("copy{round}");
            load(&bed, &into, &cat(&dump, &spool)).expect("it loads");
            let sums = ask(
                &bed,
                &into,
                "SELECT (SELECT SUM(money) FROM a) + (SELECT SUM(money) FROM z), \
                (SELECT 50000000 - SUM(money) FROM a) - (SELECT COALESCE(SUM(n), 0) FROM ledger)",
            );
            assert_eq!(sums.trim(), "100000000\t0", "round {round}");
        }
        drop(raise);
        writer.join().expect("the writer lives")
    });
    assert!(moved > 3, "money moved {moved} times");
}

#[test]
fn a_table_altered_in_mid_dump_makes_another_snapshot() {
    let bed = MariaDb::start();
    bed.sql("", "CREATE DATABASE site");
    bed.sql("site", "CREATE TABLE a (id INT PRIMARY KEY); INSERT INTO a VALUES (1); CREATE TABLE b (id INT PRIMARY KEY); INSERT INTO b VALUES (1)");
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = Spool::create(folder.path()).expect("writable");
    let mut snapshots = 0;
    let mut alter = |progress: mysql::DumpProgress| {
        if progress.table == "a" {
            snapshots += 1;
            if snapshots <= 2 {
                bed.sql(
                    "site",
                    &format!("ALTER TABLE b ADD COLUMN new{snapshots} INT DEFAULT {snapshots}, ALGORITHM=COPY"),
                );
            }
        }
    };
    let dump = mysql::dump(&database(&bed, "site"), &Scope::default(), &mut spool, &mut alter, &Stop::default())
        .expect("a dump");
    assert_eq!(snapshots, 3);
    assert_eq!((dump.rows, &dump.warnings), (2, &vec![]));
    load(&bed, "again", &cat(&dump, &spool)).expect("it loads");
    assert_eq!(ask(&bed, "again", "SELECT * FROM b").trim(), "1\t1\t2");
}

#[test]
fn a_table_that_is_altered_without_end_is_an_error_that_says_so() {
    let bed = MariaDb::start();
    bed.sql("", "CREATE DATABASE site");
    bed.sql(
        "site",
        "CREATE TABLE a (id INT PRIMARY KEY); CREATE TABLE b (id INT PRIMARY KEY); INSERT INTO b VALUES (1)",
    );
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = Spool::create(folder.path()).expect("writable");
    let mut snapshots = 0;
    let mut alter = |progress: mysql::DumpProgress| {
        if progress.table == "a" {
            snapshots += 1;
            bed.sql("site", &format!("ALTER TABLE b ADD COLUMN new{snapshots} INT, ALGORITHM=COPY"));
        }
    };
    let error = mysql::dump(&database(&bed, "site"), &Scope::default(), &mut spool, &mut alter, &Stop::default())
        .expect_err("it never holds still");
    assert_eq!((snapshots, &error.kind), (4, &Kind::Source));
    assert!(
        error.what.starts_with("cannot read table `b`: the database server says: ") && error.what.contains("1412"),
        "{error}"
    );
}

#[test]
fn a_table_that_was_read_can_be_altered_before_the_dump_ends() {
    let bed = MariaDb::start();
    bed.sql("", "CREATE DATABASE site");
    bed.sql("site", "CREATE TABLE a (id INT PRIMARY KEY); INSERT INTO a VALUES (1); CREATE TABLE b (id INT PRIMARY KEY); INSERT INTO b VALUES (1)");
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = Spool::create(folder.path()).expect("writable");
    // Would wait for the dump, and the dump for it, if `a` were still held.
    let mut alter = |progress: mysql::DumpProgress| {
        if progress.table == "b" {
            bed.sql("site", "SET lock_wait_timeout = 5; ALTER TABLE a ADD COLUMN n INT, ALGORITHM=COPY");
        }
    };
    let dump = mysql::dump(&database(&bed, "site"), &Scope::default(), &mut spool, &mut alter, &Stop::default());
    assert_eq!(dump.expect("a dump").rows, 2);
}

#[test]
fn a_stop_ends_the_dump_in_the_middle_of_a_table() {
    let bed = MariaDb::start();
    bed.sql("", "CREATE DATABASE site");
    bed.sql("site", "CREATE TABLE big (id INT PRIMARY KEY, t TEXT); INSERT INTO big SELECT seq, REPEAT('x', 500) FROM seq_1_to_100000");
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = Spool::create(folder.path()).expect("writable");
    let stop = Stop::default();
    let mut last = 0;
    let mut progress = |progress: mysql::DumpProgress| {
        last = progress.rows;
        if progress.rows > 5_000 {
            stop.request();
        }
    };
    let error =
        mysql::dump(&database(&bed, "site"), &Scope::default(), &mut spool, &mut progress, &stop).expect_err("stopped");
    assert_eq!(error.kind, Kind::Cancelled);
    assert!(last < 50_000, "it read {last} rows");
}

#[test]
fn one_run_a_site_holds_the_lock_until_it_ends() {
    let bed = MariaDb::start();
    bed.sql("", "CREATE DATABASE site");
    let database = database(&bed, "site");
    let mut held = SiteLock::take(&database, "0011aabb").expect("free");
    held.confirm().expect("ours");
    SiteLock::take(&database, "ffee0011").expect("another site's");
    let error = SiteLock::take(&database, "0011aabb").expect_err("held");
    assert_eq!(error.kind, Kind::Locked);
    let hint = error.hint.expect("a hint");
    let id: u64 = hint
        .split("KILL ")
        .nth(1)
        .and_then(|rest| rest.split('`').next())
        .and_then(|id| id.parse().ok())
        .expect("an id");
    bed.sql("", &format!("KILL {id}"));
    assert!(held.confirm().is_err(), "its connection is gone");
    let held = SiteLock::take(&database, "0011aabb").expect("freed");
    drop(held);
    SiteLock::take(&database, "0011aabb").expect("free again");
    assert!(dump(&database, &Scope::default()).is_ok());
}
