//! What is wrong with a database or its user, told so that it can be changed.

use std::fs;

use holdfast::mysql::{self, Database, DbHost, DbTls, Scope, Spool};
use holdfast::signal::Stop;
use holdfast_core::{
    error::{Error, Kind},
    secret::Secret,
};
use holdfast_testbed::MariaDb;

use super::{cat, client, database, dump, load};

const PASSWORD: &str = "sentinel-of-a-password";

fn said(warnings: &[Error]) -> Vec<String> {
    warnings.iter().map(|warning| format!("{warning} | {}", warning.hint.as_deref().unwrap_or("-"))).collect()
}

/// A user with these rights on `my_site`.
fn user(bed: &MariaDb, rights: &str) -> Database {
    bed.sql("", &format!("CREATE USER u@'%' IDENTIFIED BY '{PASSWORD}'; GRANT {rights} ON `my\\_site`.* TO u@'%'"));
    Database { user: "u".to_owned(), password: Secret::new(PASSWORD.to_owned()), ..database(bed, "my_site") }
}

#[test]
fn a_wrong_password_name_or_place_is_told_without_the_password() {
    let bed = MariaDb::start();
    bed.sql("", "CREATE DATABASE my_site");
    let right = user(&bed, "ALL");
    dump(&right, &Scope::default()).expect("the right one");
    let tcp = |port| DbHost::Tcp { host: "127.0.0.1".to_owned(), port };
    dump(&Database { host: tcp(bed.port()), ..right.clone() }, &Scope::default()).expect("by TCP");
    let wrong: [(Database, &str, &str); 5] = [
        (
            Database { password: Secret::new(format!("{PASSWORD}2")), ..right.clone() },
            "Access denied for user 'u'",
            "DB_PASSWORD",
        ),
        (Database { name: "no_such".to_owned(), ..right.clone() }, "no_such", "DB_NAME"),
        (Database { host: tcp(1), ..right.clone() }, "127.0.0.1:1 as `u`: connection refused", "DB_HOST"),
        (
            Database { host: DbHost::Socket("/no/such.sock".into()), ..right.clone() },
            "/no/such.sock as `u`: no such file",
            "DB_HOST",
        ),
        (Database { tls: DbTls::Encrypted, host: tcp(bed.port()), ..right.clone() }, "127.0.0.1", "TLS"),
    ];
    for (database, what, hint) in wrong {
        let error = dump(&database, &Scope::default()).expect_err(what);
        assert_eq!(error.kind, Kind::Config, "{error}");
        assert!(error.to_string().contains(what), "{error}");
        assert!(error.hint.as_deref().is_some_and(|text| text.contains(hint)), "{error:?}");
        assert!(!format!("{error} {error:?} {database:?}").contains(PASSWORD));
    }
}

#[test]
fn rights_that_are_missing_are_warnings_with_the_grant() {
    let bed = MariaDb::start();
    bed.sql("", "CREATE DATABASE my_site");
    bed.sql(
        "my_site",
        "CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1); CREATE VIEW v AS SELECT * FROM t; \
         CREATE FUNCTION f() RETURNS INT RETURN 1; CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @x = 1; \
         CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM t;",
    );
    let reader = user(&bed, "SELECT");
    let (made, spool) = dump(&reader, &Scope::default()).expect("the rest");
    let said = said(&made.warnings);
    assert_eq!(said.len(), 4, "{said:#?}");
    for (about, right) in
        [("routines", "EXECUTE"), ("view `v`", "SHOW VIEW"), ("triggers", "TRIGGER"), ("events", "EVENT")]
    {
        let grant = format!("`GRANT {right} ON `my\\_site`.* TO`");
        assert!(said.iter().any(|line| line.contains(about) && line.contains(&grant)), "{about}: {said:#?}");
    }
    load(&bed, "again", &cat(&made, &spool)).expect("what is there loads");

    // A right to call is not a right to see the body.
    bed.sql("", "GRANT EXECUTE, SHOW VIEW, TRIGGER, EVENT ON `my\\_site`.* TO u@'%'");
    let (made, _) = dump(&reader, &Scope::default()).expect("nearly all");
    let said = self::said(&made.warnings);
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(said[0].contains("function `f`") && said[0].contains("mysql.proc"), "{said:#?}");
    bed.sql("", "GRANT SELECT ON mysql.proc TO u@'%'");
    assert_eq!(dump(&reader, &Scope::default()).expect("all").0.warnings, []);
}

#[test]
fn tables_outside_the_snapshot_or_elsewhere_are_warnings() {
    let bed = MariaDb::start();
    bed.sql("", "CREATE DATABASE site");
    bed.sql(
        "site",
        "CREATE TABLE old (id INT PRIMARY KEY) ENGINE=MyISAM; INSERT INTO old VALUES (1), (2); \
         CREATE TABLE aria (id INT PRIMARY KEY) ENGINE=Aria; INSERT INTO aria VALUES (1); \
         CREATE TABLE mem (id INT PRIMARY KEY) ENGINE=MEMORY; INSERT INTO mem VALUES (1); \
         CREATE TABLE merged (id INT PRIMARY KEY) ENGINE=MERGE UNION=(old); \
         CREATE TABLE history (id INT PRIMARY KEY) WITH SYSTEM VERSIONING; INSERT INTO history VALUES (1); DELETE FROM history; INSERT INTO history VALUES (2); \
         CREATE TABLE fine (id INT PRIMARY KEY); \
         CREATE TABLE gone (id INT); CREATE VIEW broken AS SELECT * FROM gone; DROP TABLE gone;",
    );
    let (made, spool) = dump(&database(&bed, "site"), &Scope::default()).expect("a dump");
    let said = said(&made.warnings);
    assert_eq!(said.len(), 6, "{said:#?}");
    for (table, word) in [
        ("aria", "outside the snapshot"),
        ("mem", "outside"),
        ("old", "ENGINE=InnoDB"),
        ("merged", "elsewhere"),
        ("history", "present"),
        ("broken", "not exist"),
    ] {
        assert!(
            said.iter().any(|line| line.contains(&format!("`{table}`")) && line.contains(word)),
            "{table}: {said:#?}"
        );
    }
    load(&bed, "again", &cat(&made, &spool)).expect("it loads");
    let rows = super::ask(
        &bed,
        "again",
        "SELECT (SELECT COUNT(*) FROM old), (SELECT COUNT(*) FROM mem), (SELECT COUNT(*) FROM merged), (SELECT SUM(id) FROM history)",
    );
    assert_eq!(rows.trim(), "2\t1\t2\t2");
}

#[test]
fn a_locked_table_is_an_error_that_names_it() {
    let bed = MariaDb::start();
    bed.sql("", "CREATE DATABASE site");
    bed.sql("site", "CREATE TABLE a (id INT PRIMARY KEY); CREATE TABLE held (id INT PRIMARY KEY)");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let hold = "LOCK TABLES held WRITE; SELECT SLEEP(60)";
            client(bed.socket()).args(["site", "--execute", hold]).output().is_ok()
        });
        while bed.sql("", "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO = 'SELECT SLEEP(60)'").trim()
            == "0"
        {
            std::thread::yield_now();
        }
        let impatient = Scope { lock_wait_s: 1, ..Scope::default() };
        let error = dump(&database(&bed, "site"), &impatient).map(|_| ()).expect_err("locked");
        let skipping = Scope { skip: vec!["he?d".to_owned()], ..impatient };
        let skipped = dump(&database(&bed, "site"), &skipping).map(|_| ());
        bed.sql("", "SELECT CONCAT('KILL QUERY ', ID) INTO @kill FROM information_schema.PROCESSLIST WHERE INFO = 'SELECT SLEEP(60)'; EXECUTE IMMEDIATE @kill");
        assert_eq!(error.kind, Kind::Source);
        assert!(error.what.contains("table `held`") && error.what.contains("1205"), "{error}");
        assert!(error.hint.is_some_and(|hint| hint.contains("PROCESSLIST")));
        skipped.expect("left out");
    });
}

#[test]
fn a_damaged_table_is_an_error_with_the_repair() {
    let bed = MariaDb::start();
    bed.sql("", "CREATE DATABASE site");
    bed.sql("site", "CREATE TABLE torn (id INT PRIMARY KEY, t TEXT) ENGINE=MyISAM; INSERT INTO torn SELECT seq, REPEAT('x', 100) FROM seq_1_to_1000; FLUSH TABLES");
    let index = bed.sql("", "SELECT @@datadir").trim().to_owned() + "site/torn.MYI";
    fs::write(&index, b"this is no index").expect("ours");
    let error = dump(&database(&bed, "site"), &Scope::default()).map(|_| ()).expect_err("damaged");
    assert_eq!(error.kind, Kind::Source, "{error}");
    assert!(error.what.contains("`torn`"), "{error}");
    assert!(error.hint.is_some_and(|hint| hint.contains("REPAIR TABLE")), "{}", error.what);
}

#[test]
fn a_server_that_goes_away_is_told_with_the_table() {
    let bed = MariaDb::start();
    bed.sql("", "CREATE DATABASE site");
    bed.sql("site", "CREATE TABLE big (id INT PRIMARY KEY, t TEXT); INSERT INTO big SELECT seq, REPEAT('x', 500) FROM seq_1_to_100000");
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = Spool::create(folder.path()).expect("writable");
    let mut killed = false;
    let mut kill = |progress: mysql::DumpProgress| {
        if progress.rows > 1_000 && !killed {
            killed = true;
            bed.sql("", "SELECT CONCAT('KILL ', ID) INTO @kill FROM information_schema.PROCESSLIST WHERE DB = 'site' AND INFO LIKE 'SELECT%'; EXECUTE IMMEDIATE @kill");
        }
    };
    let error = mysql::dump(&database(&bed, "site"), &Scope::default(), &mut spool, &mut kill, &Stop::default())
        .expect_err("gone");
    assert_eq!(error.kind, Kind::Source);
    assert!(error.what.contains("cannot read table `big`: "), "{error}");
    assert!(error.hint.is_some(), "{error}");
}

#[test]
fn a_prefix_and_patterns_choose_tables_and_rows() {
    let bed = MariaDb::start();
    bed.sql("", "CREATE DATABASE site");
    bed.sql("site", "CREATE TABLE wp_posts (id INT PRIMARY KEY); INSERT INTO wp_posts VALUES (1); CREATE TABLE wp_log LIKE wp_posts; INSERT INTO wp_log VALUES (1); \
        CREATE TABLE wp_sessions LIKE wp_log; CREATE TABLE other LIKE wp_log; CREATE TABLE wpx LIKE wp_log; CREATE VIEW wp_view AS SELECT * FROM wp_posts; CREATE VIEW view2 AS SELECT 1; \
        CREATE PROCEDURE wp_mine() SELECT 1; CREATE PROCEDURE theirs() SELECT 1;");
    let scope = Scope {
        prefix: Some("wp_".to_owned()),
        skip: vec!["*_sess*".to_owned()],
        structure_only: vec!["wp_l?g".to_owned()],
        ..Scope::default()
    };
    let (made, spool) = dump(&database(&bed, "site"), &scope).expect("a dump");
    let names: Vec<_> = made.pieces.iter().map(|piece| piece.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "0000-begin.sql",
            "0200-wp_log.0-create.sql",
            "0200-wp_posts.0-create.sql",
            "0200-wp_posts.1-rows.sql",
            "0300-routines.sql",
            "0400-views.sql",
            "0500-views.sql",
            "9999-end.sql"
        ]
    );
    assert!(said(&made.warnings)[0].contains("procedure `theirs` is not in the backup"), "{:?}", made.warnings);
    load(&bed, "again", &cat(&made, &spool)).expect("it loads");
    let wrong = Scope { skip: vec!["a[".to_owned()], ..Scope::default() };
    assert_eq!(dump(&database(&bed, "site"), &wrong).map(|_| ()).expect_err("no glob").kind, Kind::Config);
}
