//! The database: what `cat database/*.sql | mariadb` gives is what was there.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use holdfast_testbed::backup::{Report, differences, exact_differences, load_dump, with_database_password};
use holdfast_testbed::process::loopback;
use holdfast_testbed::toxiproxy::Direction;
use holdfast_testbed::tree::snapshot;
use holdfast_testbed::unzip::Reader;
use holdfast_testbed::wordpress::DB_NAME;
use holdfast_testbed::{Holdfast, Toxiproxy, WordPress};

use super::{Bed, names};

#[test]
fn a_whole_wordpress_comes_back() {
    let bed = Bed::new();
    let site = WordPress::start();
    let tree = snapshot(site.root()).expect("readable");
    let sums = site.checksums(DB_NAME);
    let report = Report::of(&bed.machine.run(bed.place.wp_root(&bed.machine, site.root())).expect_ok());
    let zip = bed.fetch(&report.key);
    assert_eq!(exact_differences(&zip, &tree), "");
    assert_eq!(differences(Reader::InfoZip, &zip, &tree), "");
    load_dump(&zip, site.database(), "restored");
    assert!(sums.len() >= 12, "{sums:?}");
    assert_eq!(site.checksums("restored"), sums);

    let names = names(&zip);
    let place = |wanted: fn(&str) -> bool| names.iter().position(|name| wanted(name));
    let last = |wanted: fn(&str) -> bool| names.iter().rposition(|name| wanted(name));
    assert_eq!(names.first().map(String::as_str), Some("holdfast.json"));
    assert_eq!(names.last().map(String::as_str), Some("backup.json"));
    assert!(last(|name| name.starts_with("database/")) < place(|name| name.starts_with("files/")), "{names:?}");
    let dump: Vec<_> = names.iter().filter(|name| name.starts_with("database/")).collect();
    assert!(dump.is_sorted() && !dump.is_empty(), "load order is the order of names: {dump:?}");
}

#[test]
fn the_database_alone() {
    let bed = Bed::new();
    let site = WordPress::start();
    let report = Report::of(&bed.machine.run(bed.place.database(&bed.machine, site.database())).expect_ok());
    let zip = bed.fetch(&report.key);
    assert!(names(&zip).iter().all(|name| !name.starts_with("files/")), "{:?}", names(&zip));
    load_dump(&zip, site.database(), "restored");
    assert_eq!(site.checksums("restored"), site.checksums(DB_NAME));
}

#[test]
fn a_wrong_password_is_said_and_nothing_is_sent() {
    let bed = Bed::new();
    let site = WordPress::start();
    let machine = Holdfast::new().env("HOLDFAST_DB_PASSWORD", "another");
    let finished = machine.run(bed.place.database(&machine, site.database()));
    assert!(matches!(finished.code(), 2 | 12), "{finished}");
    assert!(finished.to_string().contains("wp_client1"), "the user is named: {finished}");
    bed.assert_nothing_is_there(&finished);
}

#[test]
fn a_server_that_goes_away_in_mid_dump_leaves_no_backup() {
    let bed = Bed::new();
    let site = WordPress::start();
    site.database().sql(
        DB_NAME,
        "CREATE TABLE wp_large (id INT PRIMARY KEY, text LONGTEXT); \
         INSERT INTO wp_large SELECT seq, REPEAT(SHA2(seq, 512), 80) FROM seq_1_to_4000;",
    );
    let between = Toxiproxy::start(loopback(site.database().port()));
    between.add("limit_data", Direction::Downstream, 1.0, serde_json::json!({ "bytes": 6_000_000 }));
    let mut args = bed.place.database(&bed.machine, site.database());
    let host = args.iter().position(|arg| arg == "--db-host").expect("it is given") + 1;
    args[host] = between.address().to_string();
    let finished = bed.machine.run(&args);
    assert!(!matches!(finished.code(), 0 | 3), "{finished}");
    bed.assert_nothing_is_there(&finished);
    // And when it is back, all is well.
    between.reset();
    Report::of(&bed.machine.run(&args).expect_ok());
}

#[test]
fn rows_written_during_the_dump_are_there_together_or_not_at_all() {
    let bed = Bed::new();
    let site = WordPress::start();
    let database = site.database();
    // Money moves between two tables; only a snapshot has all of it, once.
    database.sql(
        DB_NAME,
        "CREATE TABLE wp_aa_account (id INT PRIMARY KEY, amount BIGINT) ENGINE=InnoDB; \
         CREATE TABLE wp_zz_account LIKE wp_aa_account; \
         INSERT INTO wp_aa_account SELECT seq, 1000 FROM seq_1_to_20000; \
         INSERT INTO wp_zz_account SELECT seq, 1000 FROM seq_1_to_20000;",
    );
    let stop = AtomicBool::new(false);
    let (report, transfers) = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut transfers = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                let one: String = (0..50)
                    .map(|n| {
                        let id = (transfers * 50 + n) % 20_000 + 1;
                        format!(
                            "START TRANSACTION; UPDATE wp_aa_account SET amount = amount - 7 WHERE id = {id}; \
                             UPDATE wp_zz_account SET amount = amount + 7 WHERE id = {id}; COMMIT;\n"
                        )
                    })
                    .collect();
                database.sql(DB_NAME, &one);
                transfers += 1;
            }
            transfers
        });
        // Whatever happens here, the writer ends.
        let ends = StopOnDrop(&stop);
        let finished = bed.machine.run(bed.place.database(&bed.machine, database));
        drop(ends);
        (Report::of(&finished.expect_ok()), writer.join().expect("the writer does not fail"))
    });
    assert!(transfers > 0);
    load_dump(&bed.fetch(&report.key), database, "restored");
    let sum = |db: &str| {
        let query = "SELECT (SELECT SUM(amount) FROM wp_aa_account) + (SELECT SUM(amount) FROM wp_zz_account)";
        database.sql(db, query).lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(sum("restored"), "40000000");
    assert_eq!(sum(DB_NAME), "40000000");
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn the_password_comes_from_the_site_when_there_is_a_site() {
    let bed = Bed::new();
    let site = WordPress::start();
    // wp-config.php has it; the environment has not, and another one in it does not win.
    let machine = Holdfast::new();
    machine.run(bed.place.wp_root(&machine, site.root())).expect_ok();
    let machine = with_database_password(Holdfast::new());
    machine.run(bed.place.wp_root(&machine, site.root())).expect_ok();
}
