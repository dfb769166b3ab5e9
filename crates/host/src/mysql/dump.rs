//! The dump as a whole: a snapshot, everything in it, and another try when a table changed.

use std::time::Duration;

use holdfast_core::error::{Error, Kind};

use super::{
    Database, Scope, Told,
    catalog::{Catalog, Sort, Table},
    connect::Session,
    error,
    grants::Grants,
    objects, rows,
    spool::{Piece, Spool},
    writer::Writer,
};
use crate::signal::Stop;

/// Snapshots taken in all.
const TRIES: u32 = 4;

/// A dump that lies in its spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dump {
    /// In load order within each table; names in `LC_ALL=C` order are in load order as a whole.
    /// About 200 bytes of memory each, and one for each 128 KiB to 4 MiB of SQL.
    pub pieces: Vec<Piece>,
    /// What the backup does not hold as it should.
    pub warnings: Vec<Error>,
    /// Tables whose definition is in it.
    pub tables: u64,
    /// Rows of all tables.
    pub rows: u64,
    /// Bytes of SQL.
    pub bytes: u64,
}

/// How far a dump is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DumpProgress {
    /// The table that is being read.
    pub table: String,
    /// Tables that are done.
    pub tables_done: u64,
    /// Tables in all.
    pub tables: u64,
    /// Rows read.
    pub rows: u64,
    /// Bytes of SQL written.
    pub bytes: u64,
    /// The server's own estimate of the tables' bytes.
    pub expected: u64,
}

/// Dumps a database into a spool, whatever that held before.
///
/// # Errors
/// When the database cannot be reached or read, the disk is full, or a stop was asked for
/// ([`Kind::Cancelled`]). The password is in none of them.
pub fn dump(
    database: &Database,
    scope: &Scope,
    spool: &mut Spool,
    progress: &mut dyn FnMut(DumpProgress),
    stop: &Stop,
) -> Result<Dump, Error> {
    let mut tries = 1;
    loop {
        match attempt(database, scope, spool, progress, stop) {
            Err(Halt::Changed(_)) if tries < TRIES => {
                tries += 1;
                // An ALTER that rebuilds a table step by step needs a moment between the steps.
                std::thread::sleep(Duration::from_millis(200));
            }
            Err(Halt::Changed(error) | Halt::Failed(error)) => return Err(error),
            Ok(dump) => return Ok(dump),
        }
    }
}

/// Why a dump ended early.
#[derive(Debug)]
pub(super) enum Halt {
    /// What the snapshot shows can't be read any more: another snapshot may.
    Changed(Error),
    /// Nothing to be done here.
    Failed(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What a statement's failure means for the dump.
pub(super) fn halt(doing: &str, error: &mysql::Error) -> Halt {
    let told = error::told(doing, error);
    if error::is_worth_another(error) { Halt::Changed(told) } else { Halt::Failed(told) }
}

/// One try.
pub(super) struct Run<'a> {
    pub(super) database: &'a Database,
    pub(super) scope: &'a Scope,
    pub(super) session: Session,
    pub(super) writer: Writer,
    pub(super) grants: Grants,
    pub(super) is_mariadb: bool,
    /// The database's own.
    pub(super) collation: String,
    pub(super) counts: DumpProgress,
    pub(super) progress: &'a mut dyn FnMut(DumpProgress),
    pub(super) stop: &'a Stop,
    warnings: Vec<Error>,
}

fn attempt(
    database: &Database,
    scope: &Scope,
    spool: &mut Spool,
    progress: &mut dyn FnMut(DumpProgress),
    stop: &Stop,
) -> Result<Dump, Halt> {
    let mut session = Session::open(database)?;
    begin_snapshot(&mut session, scope)?;
    let version = one(&mut session, "SELECT VERSION()");
    let collation = one(&mut session, "SELECT @@collation_database");
    let grants = Grants::read(&mut session, &database.name);
    let catalog = Catalog::read(&mut session, scope)?;
    let expected = catalog.tables.iter().map(|table| table.bytes).sum();
    spool.expect(expected)?;
    let tables = catalog.tables.iter().filter(|table| is_table(table)).count() as u64;
    let mut run = Run {
        database,
        scope,
        session,
        writer: Writer::start(spool.restart()?)?,
        grants,
        is_mariadb: version.contains("MariaDB"),
        collation,
        counts: DumpProgress { tables, expected, ..DumpProgress::default() },
        progress,
        stop,
        warnings: Vec::new(),
    };
    if let Err(halt) = run.all(&catalog, &version) {
        // Waits for the thread, which must not write any more when the spool begins anew. Where
        // it failed, that is what ended the reading, and what there is to tell.
        let spooled = run.writer.finish();
        return Err(match (halt, spooled) {
            (Halt::Failed(error), Err(spool)) if error.kind != Kind::Cancelled => Halt::Failed(spool),
            (halt, _) => halt,
        });
    }
    let (bytes, rows, tables) = (run.writer.bytes(), run.counts.rows, run.counts.tables_done);
    let pieces = run.writer.finish()?;
    Ok(Dump { pieces, warnings: run.warnings, tables, rows, bytes })
}

fn is_table(table: &Table) -> bool {
    matches!(table.sort, Sort::Table | Sort::Versioned)
}

fn one(session: &mut Session, query: &str) -> String {
    let value = session.value(query).ok().flatten().unwrap_or_default();
    String::from_utf8_lossy(&value).into_owned()
}

fn begin_snapshot(session: &mut Session, scope: &Scope) -> Told<()> {
    let doing = "begin a snapshot of the database";
    for variable in ["lock_wait_timeout", "innodb_lock_wait_timeout"] {
        session.run(&format!("SET SESSION {variable} = {}", scope.lock_wait_s.max(1)), doing)?;
    }
    session.run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", doing)?;
    let start = "START TRANSACTION WITH CONSISTENT SNAPSHOT";
    match session.run(&format!("{start}, READ ONLY"), doing) {
        Ok(()) => Ok(()),
        Err(_) => session.run(start, doing),
    }
}

/// Engines that have no rows of their own to dump, or those of another server.
const ELSEWHERE: &[&str] = &["MRG_MYISAM", "FEDERATED", "SPIDER", "CONNECT", "S3", "OQGRAPH", "SPHINX", "MROONGA"];

impl Run<'_> {
    fn all(&mut self, catalog: &Catalog, version: &str) -> Result<(), Halt> {
        self.writer.begin("0000-begin.sql".to_owned());
        let begin = BEGIN.replace("VERSION", &version.replace(['\n', '\r'], " "));
        self.writer.text().extend_from_slice(begin.as_bytes());
        self.flow()?;
        objects::dump_sequences(self, catalog)?;
        let transactional = self.transactional();
        for table in catalog.tables.iter().filter(|table| is_table(table)) {
            self.counts.table.clone_from(&table.name);
            self.counts.bytes = self.writer.bytes();
            (self.progress)(self.counts.clone());
            self.table(table, &transactional)?;
            self.counts.tables_done += 1;
        }
        objects::dump_routines(self, catalog)?;
        objects::dump_views(self, catalog)?;
        objects::dump_triggers(self, catalog)?;
        objects::dump_events(self, catalog)?;
        self.writer.begin("9999-end.sql".to_owned());
        self.writer.text().extend_from_slice(END.as_bytes());
        self.flow()
    }

    fn table(&mut self, table: &Table, transactional: &[String]) -> Result<(), Halt> {
        let mut table = table.clone();
        let engine = table.engine.to_uppercase();
        if ELSEWHERE.contains(&engine.as_str()) && table.with_rows {
            table.with_rows = false;
            let what =
                format!("table `{}` is {}: its rows lie elsewhere and are not in the backup", table.name, table.engine);
            self.warn(what, None);
        }
        let is_outside = !engine.is_empty() && engine != "BLACKHOLE" && !transactional.contains(&engine);
        if is_outside && table.with_rows {
            self.warn(
                format!("table `{}` is {}: its rows are outside the snapshot", table.name, table.engine),
                Some(format!(
                    "run `ALTER TABLE {} ENGINE=InnoDB` where the site allows it",
                    super::values::name(&table.name)
                )),
            );
        }
        if table.sort == Sort::Versioned && table.with_rows {
            self.warn(format!("table `{}` keeps its rows' history: the backup holds their present", table.name), None);
        }
        // A table that was read stays locked against ALTER until the snapshot ends, and whoever
        // waits for that ALTER waits too; going back to here lets it go.
        let doing = "hold the snapshot";
        self.session.run("SAVEPOINT holdfast", doing)?;
        rows::dump_table(self, &table)?;
        self.session.run("ROLLBACK TO SAVEPOINT holdfast", doing)?;
        Ok(())
    }

    /// Engines, in upper case, whose rows a snapshot keeps still.
    fn transactional(&mut self) -> Vec<String> {
        let query = "SELECT UPPER(ENGINE) FROM information_schema.ENGINES WHERE TRANSACTIONS = 'YES'";
        let rows = self.session.rows(query).unwrap_or_default();
        rows.iter().map(|row| super::connect::text(row, 0)).collect()
    }

    pub(super) fn warn(&mut self, what: impl Into<String>, hint: Option<String>) {
        let mut warning = Error::new(Kind::Source, what);
        warning.hint = hint;
        self.warnings.push(warning);
    }

    /// How to give a right on the database.
    pub(super) fn grant(&self, right: &str) -> String {
        let database = self.database.name.replace('_', "\\_");
        format!("run `GRANT {right} ON {}.* TO` the user that DB_USER names", super::values::name(&database))
    }

    /// Goes on, unless the spool failed or a stop was asked for.
    pub(super) fn flow(&mut self) -> Result<(), Halt> {
        if self.writer.flow() && !self.stop.requested() { Ok(()) } else { Err(self.ended()) }
    }

    pub(super) fn ended(&self) -> Halt {
        if self.stop.requested() {
            return Halt::Failed(Error::new(Kind::Cancelled, "the database's dump was stopped"));
        }
        Halt::Failed(Error::new(Kind::Local, "the dump's spool failed"))
    }
}

/// Ends a query that is under way, and its connection.
pub(super) fn end_query(database: &Database, connection: u32) {
    if let Ok(mut other) = Session::open(database) {
        let _ = other.run(&format!("KILL {connection}"), "end a query");
    }
}

/// The session that all pieces are loaded in.
const BEGIN: &str = "\
-- A database as SQL, made by Holdfast from VERSION.
-- Load all pieces in the order of their names: cat database/*.sql | mysql NAME

SET @OLD_CHARACTER_SET_CLIENT = @@character_set_client;
SET @OLD_CHARACTER_SET_RESULTS = @@character_set_results;
SET @OLD_COLLATION_CONNECTION = @@collation_connection;
SET @OLD_TIME_ZONE = @@time_zone;
SET @OLD_UNIQUE_CHECKS = @@unique_checks;
SET @OLD_FOREIGN_KEY_CHECKS = @@foreign_key_checks;
SET @OLD_SQL_MODE = @@sql_mode;
SET @OLD_SQL_NOTES = @@sql_notes;
SET NAMES utf8mb4;
SET SESSION time_zone = '+00:00';
SET SESSION unique_checks = 0;
SET SESSION foreign_key_checks = 0;
SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';
SET SESSION sql_notes = 0;
";

const END: &str = "\
SET SESSION time_zone = @OLD_TIME_ZONE;
SET SESSION sql_mode = @OLD_SQL_MODE;
SET SESSION foreign_key_checks = @OLD_FOREIGN_KEY_CHECKS;
SET SESSION unique_checks = @OLD_UNIQUE_CHECKS;
SET SESSION sql_notes = @OLD_SQL_NOTES;
SET SESSION character_set_client = @OLD_CHARACTER_SET_CLIENT;
SET SESSION character_set_results = @OLD_CHARACTER_SET_RESULTS;
SET SESSION collation_connection = @OLD_COLLATION_CONNECTION;
";
