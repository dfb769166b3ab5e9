//! The database's dump, on a real server: what is loaded is what was there.

mod bad;
mod chunks;
mod snapshot;
mod types;

use std::{
    io::{Read, Seek, Write},
    path::Path,
    process::{Command, Stdio},
};

use holdfast::{
    mysql::{self, Database, DbHost, DbTls, Dump, Scope, Spool},
    signal::Stop,
};
use holdfast_core::{error::Error, secret::Secret};
use holdfast_testbed::MariaDb;

/// A database of the bed's, as root sees it.
fn database(bed: &MariaDb, name: &str) -> Database {
    Database {
        host: DbHost::Socket(bed.socket().to_owned()),
        name: name.to_owned(),
        user: "root".to_owned(),
        password: Secret::new(String::new()),
        charset: None,
        tls: DbTls::Off,
    }
}

fn dump(database: &Database, scope: &Scope) -> Result<(Dump, Spool), Error> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = Spool::create(folder.path())?;
    let dump = mysql::dump(database, scope, &mut spool, &mut |_| {}, &Stop::default())?;
    Ok((dump, spool))
}

/// All of a database, without a warning.
fn whole(bed: &MariaDb, name: &str) -> (Dump, Spool) {
    let (dump, spool) = dump(&database(bed, name), &Scope::default()).expect("a dump");
    assert_eq!(dump.warnings, [], "warnings");
    (dump, spool)
}

/// `cat *.sql`: the shell sorts by name.
fn cat(dump: &Dump, spool: &Spool) -> Vec<u8> {
    let mut pieces: Vec<_> = dump.pieces.iter().collect();
    pieces.sort_by(|a, b| a.name.cmp(&b.name));
    let mut text = Vec::new();
    for piece in pieces {
        let before = text.len();
        spool.sql(piece).read_to_end(&mut text).expect("inflates");
        assert_eq!((text.len() - before) as u64, piece.len, "{}", piece.name);
    }
    text
}

/// Feeds the client as a person would, with its defaults; what it says when it fails.
fn load(bed: &MariaDb, into: &str, sql: &[u8]) -> Result<(), String> {
    bed.sql("", &format!("CREATE DATABASE IF NOT EXISTS `{into}`"));
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(sql).expect("writable");
    file.rewind().expect("a file");
    let loaded = client(bed.socket()).arg(into).stdin(Stdio::from(file)).output().expect("the client runs");
    if loaded.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&loaded.stderr).into_owned()) }
}

fn client(socket: &Path) -> Command {
    let mut client = Command::new("mariadb");
    client.args(["--no-defaults", "--user=root"]).arg(format!("--socket={}", socket.display()));
    client
}

/// An answer as the server sends it, bytes as they are.
fn ask(bed: &MariaDb, database: &str, query: &str) -> String {
    let mut client = client(bed.socket());
    client.args(["--batch", "--skip-column-names", "--binary-as-hex", "--default-character-set=utf8mb4"]);
    let answer = client.arg(database).arg("--execute").arg(query).output().expect("the client runs");
    assert!(answer.status.success(), "{query}: {}", String::from_utf8_lossy(&answer.stderr));
    String::from_utf8_lossy(&answer.stdout).into_owned()
}

/// Everything that a database is, as text: definitions, checksums, rows.
fn facts(bed: &MariaDb, database: &str) -> Vec<String> {
    let mut facts = Vec::new();
    let mut add = |query: &str| {
        let answer = ask(bed, database, query);
        facts.push(format!("{query}\n{answer}"));
    };
    let names = |query: &str| -> Vec<String> {
        let answer = ask(bed, database, query);
        answer.lines().map(|line| format!("`{}`", line.replace('`', "``"))).collect()
    };
    let tables = "SELECT REPLACE(TABLE_NAME, '\\n', '\\\\n') FROM information_schema.TABLES \
                  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE";
    for table in names(&format!("{tables} IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY 1")) {
        // The batch client escapes a line feed in a name.
        let table = table.replace("\\n", "\n");
        add(&format!("SHOW CREATE TABLE {table}"));
        add(&format!("CHECKSUM TABLE {table} EXTENDED"));
        add(&format!("SELECT * FROM {table}"));
    }
    for view in names(&format!("{tables} = 'VIEW' ORDER BY 1")) {
        add(&format!("SHOW CREATE VIEW {view}"));
        add(&format!("SELECT * FROM {view}"));
    }
    for sequence in names(&format!("{tables} = 'SEQUENCE' ORDER BY 1")) {
        add(&format!("SHOW CREATE SEQUENCE {sequence}"));
        add(&format!("SELECT next_not_cached_value, cycle_count FROM {sequence}"));
    }
    for kind in ["FUNCTION", "PROCEDURE"] {
        let query = format!(
            "SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() \
             AND ROUTINE_TYPE = '{kind}' ORDER BY 1"
        );
        names(&query).iter().for_each(|routine| add(&format!("SHOW CREATE {kind} {routine}")));
    }
    let events = "SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE() ORDER BY 1";
    names(events).iter().for_each(|event| add(&format!("SHOW CREATE EVENT {event}")));
    add("SELECT EVENT_OBJECT_TABLE, TRIGGER_NAME, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER, ACTION_STATEMENT, \
         DEFINER, SQL_MODE, CHARACTER_SET_CLIENT, COLLATION_CONNECTION, DATABASE_COLLATION \
         FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() ORDER BY 1, 3, 4, 5");
    // `CHECKSUM TABLE` answers with the database's name.
    facts.iter().map(|fact| fact.replace(&format!("\n{database}."), "\n")).collect()
}

/// Loads a dump into another database and compares the two.
fn assert_comes_back(bed: &MariaDb, name: &str, dump: &Dump, spool: &Spool) {
    let into = format!("{name}_again");
    load(bed, &into, &cat(dump, spool)).expect("it loads");
    let (before, after) = (facts(bed, name), facts(bed, &into));
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
    assert_eq!(before.len(), after.len());
}
