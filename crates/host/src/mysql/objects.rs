//! What has no rows: sequences, routines, views, triggers and events, each with the session that
//! it was made in, since that is part of its meaning.

use super::{
    catalog::{Catalog, Sort, Table},
    connect::{Row, text},
    dump::{Halt, Run, halt},
    error,
    values::{name, quoted},
};

/// What the pieces' sessions are set back to; the beginning of a dump sets the same.
const SESSION: &str = "SET NAMES utf8mb4;\nSET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';\n\
                       SET SESSION time_zone = '+00:00';\n";

/// Sequences, before the tables: a column's default may draw from one.
pub(super) fn dump_sequences(run: &mut Run<'_>, catalog: &Catalog) -> Result<(), Halt> {
    for sequence in catalog.of(Sort::Sequence) {
        let doing = format!("read sequence `{}`", sequence.name);
        let quoted = name(&sequence.name);
        let create = run.session.rows(&format!("SHOW CREATE SEQUENCE {quoted}")).map_err(|e| halt(&doing, &e))?;
        let state = format!("SELECT next_not_cached_value, cycle_count FROM {quoted}");
        let state = run.session.rows(&state).map_err(|e| halt(&doing, &e))?;
        let (Some(create), Some(state)) = (create.first(), state.first()) else { continue };
        let stem = super::chunks::stem(&sequence.name).replacen("0200-", "0100-", 1);
        run.writer.begin(format!("{stem}.sql"));
        let to = run.writer.text();
        to.extend_from_slice(format!("DROP SEQUENCE IF EXISTS {quoted};\n").as_bytes());
        push(to, create, 1);
        let (next, cycle) = (text(state, 0), text(state, 1));
        to.extend_from_slice(format!(";\nDO SETVAL({quoted}, {next}, 0, {cycle});\n").as_bytes());
        run.flow()?;
    }
    Ok(())
}

/// Functions before views, which may call them.
pub(super) fn dump_routines(run: &mut Run<'_>, catalog: &Catalog) -> Result<(), Halt> {
    if !run.grants.routines {
        let grant = run.grant("EXECUTE");
        run.warn("cannot see whether the database has stored routines: they are not in the backup", Some(grant));
        return Ok(());
    }
    let query = "SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES \
                 WHERE ROUTINE_SCHEMA = DATABASE() ORDER BY ROUTINE_TYPE, ROUTINE_NAME";
    let routines = run.session.rows(query).map_err(|error| halt("list the routines", &error))?;
    let mut piece = Piece::new("0300-routines.sql");
    for routine in &routines {
        let (kind, routine) = (text(routine, 0), text(routine, 1));
        let what = format!("{} `{routine}`", kind.to_lowercase());
        if run.is_strange(catalog, &routine, &what) {
            continue;
        }
        let quoted = name(&routine);
        let Some(row) = run.show(&format!("SHOW CREATE {kind} {quoted}"), &what)? else { continue };
        if row.get(2).is_none_or(Option::is_none) {
            let right = if run.is_mariadb {
                "run `GRANT SELECT ON mysql.proc TO` the user (MariaDB 11.3 and later: `GRANT SHOW CREATE ROUTINE`)"
            } else {
                "run `GRANT SHOW_ROUTINE ON *.* TO` the user (before MySQL 8.0.20: SELECT on `mysql.proc`)"
            };
            run.warn(format!("{what} is not in the backup: only its owner sees its body"), Some(right.to_owned()));
            continue;
        }
        piece.object(
            run,
            &format!("DROP {kind} IF EXISTS {quoted};\n"),
            None,
            Source { row: &row, sql_mode: Some(1), create: 2 },
        );
    }
    piece.end(run)
}

/// Views twice: first as stand-ins with the same columns, so that each may name any other, then as
/// they are.
pub(super) fn dump_views(run: &mut Run<'_>, catalog: &Catalog) -> Result<(), Halt> {
    let mut found: Vec<(&Table, Row)> = Vec::new();
    let mut stand_ins = Piece::new("0400-views.sql");
    for view in catalog.of(Sort::View) {
        let what = format!("view `{}`", view.name);
        let quoted_name = name(&view.name);
        let Some(row) = run.show(&format!("SHOW CREATE VIEW {quoted_name}"), &what)? else { continue };
        let query = format!(
            "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS \
             WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = {} ORDER BY ORDINAL_POSITION",
            quoted(&view.name)
        );
        let columns = run.session.rows(&query).map_err(|error| halt(&format!("read {what}"), &error))?;
        let columns: Vec<String> = columns
            .iter()
            .filter(|row| text(row, 0) == view.name)
            .map(|row| format!("1 AS {}", name(&text(row, 1))))
            .collect();
        if columns.is_empty() {
            run.warn(
                format!("{what} is not in the backup: it refers to a table, column or routine that does not exist"),
                Some("mend it or drop it".to_owned()),
            );
            continue;
        }
        let to = stand_ins.text(run);
        to.extend_from_slice(
            format!(
                "DROP TABLE IF EXISTS {quoted_name};\nDROP VIEW IF EXISTS {quoted_name};\n\
                 CREATE VIEW {quoted_name} AS SELECT {};\n",
                columns.join(", ")
            )
            .as_bytes(),
        );
        found.push((view, row));
    }
    stand_ins.end(run)?;
    let mut views = Piece::new("0500-views.sql");
    for (view, row) in in_order(&found) {
        let drop = format!("DROP VIEW IF EXISTS {};\n", name(&view.name));
        // SHOW CREATE VIEW has no sql_mode: its words mean the same in each.
        views.view(run, &drop, row);
    }
    views.end(run)
}

/// Each view behind those that it names: a stand-in cannot be updated, and `WITH CHECK OPTION`
/// wants a view that can.
fn in_order<'a>(found: &'a [(&'a Table, Row)]) -> Vec<&'a (&'a Table, Row)> {
    fn visit<'a>(at: usize, found: &'a [(&'a Table, Row)], seen: &mut [bool], to: &mut Vec<&'a (&'a Table, Row)>) {
        if std::mem::replace(&mut seen[at], true) {
            return;
        }
        let body = found[at].1.get(1).and_then(|body| body.as_deref()).unwrap_or_default();
        for other in 0..found.len() {
            if !seen[other] && memchr::memmem::find(body, name(&found[other].0.name).as_bytes()).is_some() {
                visit(other, found, seen, to);
            }
        }
        to.push(&found[at]);
    }
    let mut seen = vec![false; found.len()];
    let mut to = Vec::with_capacity(found.len());
    for at in 0..found.len() {
        visit(at, found, &mut seen, &mut to);
    }
    to
}

/// Triggers, after all rows.
pub(super) fn dump_triggers(run: &mut Run<'_>, catalog: &Catalog) -> Result<(), Halt> {
    if !run.grants.triggers {
        let grant = run.grant("TRIGGER");
        run.warn("cannot see whether the tables have triggers: they are not in the backup", Some(grant));
        return Ok(());
    }
    let query = "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS \
                 WHERE TRIGGER_SCHEMA = DATABASE() \
                 ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER, TRIGGER_NAME";
    let triggers = run.session.rows(query).map_err(|error| halt("list the triggers", &error))?;
    let mut piece = Piece::new("0600-triggers.sql");
    for trigger in &triggers {
        let (trigger, table) = (text(trigger, 0), text(trigger, 1));
        if !catalog.tables.iter().any(|seen| seen.name == table) {
            continue;
        }
        let what = format!("trigger `{trigger}`");
        let quoted = name(&trigger);
        let Some(row) = run.show(&format!("SHOW CREATE TRIGGER {quoted}"), &what)? else { continue };
        piece.object(
            run,
            &format!("DROP TRIGGER IF EXISTS {quoted};\n"),
            None,
            Source { row: &row, sql_mode: Some(1), create: 2 },
        );
    }
    piece.end(run)
}

/// Events, last: nothing must run before all is there.
pub(super) fn dump_events(run: &mut Run<'_>, catalog: &Catalog) -> Result<(), Halt> {
    if !run.grants.events {
        let grant = run.grant("EVENT");
        run.warn("cannot see whether the database has scheduled events: they are not in the backup", Some(grant));
        return Ok(());
    }
    let query = "SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE() ORDER BY EVENT_NAME";
    let events = run.session.rows(query).map_err(|error| halt("list the events", &error))?;
    let mut piece = Piece::new("0700-events.sql");
    for event in &events {
        let event = text(event, 0);
        let what = format!("event `{event}`");
        if run.is_strange(catalog, &event, &what) {
            continue;
        }
        let quoted = name(&event);
        let Some(row) = run.show(&format!("SHOW CREATE EVENT {quoted}"), &what)? else { continue };
        let zone = text(&row, 2);
        piece.object(
            run,
            &format!("DROP EVENT IF EXISTS {quoted};\n"),
            Some(&zone),
            Source { row: &row, sql_mode: Some(1), create: 3 },
        );
    }
    piece.end(run)
}

/// An answer of `SHOW CREATE`: behind the statement stand the client's charset, the connection's
/// collation and the database's.
struct Source<'a> {
    row: &'a Row,
    sql_mode: Option<usize>,
    create: usize,
}

/// A member that begins when it has something to hold.
struct Piece {
    name: &'static str,
    has_begun: bool,
    is_foreign: bool,
    /// What the database's collation is set to while the piece is loaded.
    collation: Option<String>,
}

impl Piece {
    fn new(name: &'static str) -> Self {
        Self { name, has_begun: false, is_foreign: false, collation: None }
    }

    fn text<'r>(&mut self, run: &'r mut Run<'_>) -> &'r mut Vec<u8> {
        if !self.has_begun {
            run.writer.begin(self.name.to_owned());
            self.has_begun = true;
        }
        run.writer.text()
    }

    /// A statement whose body may hold anything, in the session it was made in.
    fn object(&mut self, run: &mut Run<'_>, drop: &str, zone: Option<&str>, source: Source<'_>) {
        let Source { row, sql_mode, create } = source;
        let body = row.get(create).and_then(|body| body.as_deref()).unwrap_or_default();
        let delimiter = delimiter(body);
        let (client, connection, database) = (text(row, create + 1), text(row, create + 2), text(row, create + 3));
        let mut before = String::new();
        if self.is_foreign {
            // Names are UTF-8, whatever the object before was written in.
            before.push_str("SET NAMES utf8mb4;\n");
        }
        before.push_str(drop);
        // Its variables' charset where it names none.
        if !database.is_empty() && self.collation.as_ref() != Some(&database) {
            let charset = database.split('_').next().unwrap_or_default();
            before.push_str(&format!("ALTER DATABASE CHARACTER SET {charset} COLLATE {database};\n"));
            self.collation = Some(database);
        }
        before.push_str(&session(&client, &connection));
        if let Some(mode) = sql_mode {
            before.push_str(&format!("SET SESSION sql_mode = {};\n", quoted(&text(row, mode))));
        }
        if let Some(zone) = zone {
            before.push_str(&format!("SET SESSION time_zone = {};\n", quoted(zone)));
        }
        before.push_str(&format!("DELIMITER {delimiter}\n"));
        let to = self.text(run);
        to.extend_from_slice(before.as_bytes());
        to.extend_from_slice(body);
        to.extend_from_slice(format!("\n{delimiter}\nDELIMITER ;\n").as_bytes());
        self.is_foreign = true;
    }

    fn view(&mut self, run: &mut Run<'_>, drop: &str, row: &Row) {
        let before = format!("SET NAMES utf8mb4;\n{drop}{}", session(&text(row, 2), &text(row, 3)));
        let to = self.text(run);
        to.extend_from_slice(before.as_bytes());
        push(to, row, 1);
        to.extend_from_slice(b";\n");
        self.is_foreign = true;
    }

    fn end(self, run: &mut Run<'_>) -> Result<(), Halt> {
        if self.is_foreign {
            let mut after = SESSION.to_owned();
            if self.collation.is_some_and(|collation| collation != run.collation) {
                let charset = run.collation.split('_').next().unwrap_or_default();
                after.push_str(&format!("ALTER DATABASE CHARACTER SET {charset} COLLATE {};\n", run.collation));
            }
            run.writer.text().extend_from_slice(after.as_bytes());
        }
        run.flow()
    }
}

fn push(to: &mut Vec<u8>, row: &Row, column: usize) {
    to.extend_from_slice(row.get(column).and_then(|value| value.as_deref()).unwrap_or_default());
}

fn session(client: &str, connection: &str) -> String {
    let mut text = String::new();
    if !client.is_empty() {
        text.push_str(&format!("SET SESSION character_set_client = {client};\n"));
    }
    if !connection.is_empty() {
        text.push_str(&format!("SET SESSION collation_connection = {connection};\n"));
    }
    text
}

/// What the body does not contain.
fn delimiter(body: &[u8]) -> String {
    let is_free = |candidate: &str| memchr::memmem::find(body, candidate.as_bytes()).is_none();
    let mut candidates = [";;", "$$", "//"].into_iter().map(str::to_owned).chain((0..).map(|n| format!("$${n}$$")));
    candidates.find(|candidate| is_free(candidate)).unwrap_or_else(|| ";;".to_owned())
}

impl Run<'_> {
    /// `SHOW CREATE`, where a right that is missing costs the object and not the backup.
    fn show(&mut self, query: &str, what: &str) -> Result<Option<Row>, Halt> {
        match self.session.rows(query) {
            Ok(rows) => Ok(rows.into_iter().next()),
            Err(error) if matches!(error::code(&error), Some(1142 | 1143 | 1044 | 1227 | 1370 | 1345)) => {
                let right = match what.split(' ').next() {
                    Some("view") => self.grant("SHOW VIEW"),
                    Some("trigger") => self.grant("TRIGGER"),
                    Some("event") => self.grant("EVENT"),
                    _ => self.grant("EXECUTE"),
                };
                self.warn(format!("{what} is not in the backup: {}", error::plain(&error)), Some(right));
                Ok(None)
            }
            // Dropped since it was listed, or a view of what is no more.
            Err(error) if matches!(error::code(&error), Some(1146 | 1305 | 1356 | 1360 | 1539 | 1347)) => {
                self.warn(format!("{what} is not in the backup: {}", error::plain(&error)), None);
                Ok(None)
            }
            Err(error) => Err(halt(&format!("read {what}"), &error)),
        }
    }

    /// A routine or event of someone else's in a database that several share.
    fn is_strange(&mut self, catalog: &Catalog, object: &str, what: &str) -> bool {
        let is_ours = self.scope.prefix.as_ref().is_none_or(|prefix| object.starts_with(prefix.as_str()));
        if is_ours || !catalog.strangers {
            return false;
        }
        self.warn(
            format!("{what} is not in the backup: it does not begin with the table prefix, and the database is shared"),
            None,
        );
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delimiter_is_not_in_the_body() {
        assert_eq!(delimiter(b"BEGIN SELECT 1; END"), ";;");
        assert_eq!(delimiter(b"BEGIN SELECT ';;'; END"), "$$");
        assert_eq!(delimiter(b";; $$ //"), "$$0$$");
    }
}
