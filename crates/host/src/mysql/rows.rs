//! One table: its definition, then its rows in the order of its key, chunk by chunk.

use mysql::{Row, Value, prelude::Queryable};

use super::{
    catalog::{Column, Key, Table, columns},
    chunks::{self, KeyHash, Part},
    dump::{Halt, Run, end_query, halt},
    values::{self, name},
};

/// A statement ends at the row that passes this: room to spare under any `max_allowed_packet`.
const STATEMENT_LEN: usize = 512 << 10;

/// What a client and a server take in one statement unless they are told otherwise.
const USUAL_PACKET: usize = 16 << 20;

/// Rows between two looks at the clock of progress.
const PROGRESS_ROWS: u64 = 1 << 12;

/// Dumps a table. Its definition is read first, so that a change in between is an error 1412.
pub(super) fn dump_table(run: &mut Run<'_>, table: &Table) -> Result<(), Halt> {
    let doing = format!("read the definition of table `{}`", table.name);
    let quoted = name(&table.name);
    let create = match run.session.rows(&format!("SHOW CREATE TABLE {quoted}")) {
        Ok(rows) => rows.into_iter().next().and_then(|row| row.into_iter().nth(1)).flatten().unwrap_or_default(),
        Err(error) if super::error::code(&error) == Some(1146) => {
            return {
                run.warn(
                    format!("table `{}` was dropped while the database was read: it is not in the backup", table.name),
                    None,
                );
                Ok(())
            };
        }
        Err(error) => return Err(halt(&doing, &error)),
    };
    let stem = chunks::stem(&table.name);
    run.writer.begin(chunks::create_name(&stem));
    let to = run.writer.text();
    to.extend_from_slice(format!("DROP TABLE IF EXISTS {quoted};\n").as_bytes());
    to.extend_from_slice(&create);
    to.extend_from_slice(b";\n");
    run.flow()?;
    if !table.with_rows {
        return Ok(());
    }
    let columns = columns(&mut run.session, &table.name).map_err(|error| halt(&doing, &error))?;
    let key = Key::of(&mut run.session, &table.name, &columns).map_err(|error| halt(&doing, &error))?;
    dump_rows(run, table, &stem, &columns, key.as_ref())
}

fn dump_rows(run: &mut Run<'_>, table: &Table, stem: &str, columns: &[Column], key: Option<&Key>) -> Result<(), Halt> {
    let doing = format!("read table `{}`", table.name);
    let selected: Vec<&str> = columns.iter().map(|column| column.expression.as_str()).collect();
    let names: Vec<String> = columns.iter().map(|column| name(&column.name)).collect();
    let query = format!(
        "SELECT /*!40001 SQL_NO_CACHE */ {} FROM {}{}",
        if selected.is_empty() { "1".to_owned() } else { selected.join(", ") },
        name(&table.name),
        key.map(|key| key.clause(columns)).unwrap_or_default()
    );
    let mut cutter = Cutter {
        stem,
        places: key.map(|key| key.places().map(|place| (place, columns[place].part)).collect()).unwrap_or_default(),
        insert: format!("INSERT INTO {} ({}) VALUES\n", name(&table.name), names.join(",")).into_bytes(),
        at: 0,
        statement_len: 0,
        is_open: false,
        longest: 0,
    };
    let connection = run.session.conn.connection_id();
    let mut rows = run.session.conn.query_iter(query).map_err(|error| halt(&doing, &error))?;
    let mut text = Vec::new();
    let mut is_stopped = false;
    for row in rows.by_ref() {
        let row = row.map_err(|error| halt(&doing, &error))?;
        text.clear();
        push_row(columns, &row, &mut text);
        cutter.row(&mut run.writer, &row, &text);
        run.counts.rows += 1;
        if !run.writer.flow() || run.stop.requested() {
            // Dropping the answer reads it to its end: the server ends it first.
            end_query(run.database, connection);
            is_stopped = true;
            break;
        }
        if run.counts.rows.is_multiple_of(PROGRESS_ROWS) {
            run.counts.bytes = run.writer.bytes();
            (run.progress)(run.counts.clone());
        }
    }
    drop(rows);
    if is_stopped {
        return Err(run.ended());
    }
    cutter.end(&mut run.writer);
    if cutter.longest > USUAL_PACKET {
        run.warn(
            format!("table `{}` has a row of {}", table.name, indicatif::BinaryBytes(cutter.longest as u64)),
            Some("to load it, raise max_allowed_packet of the server and of the client above that".to_owned()),
        );
    }
    run.flow()
}

/// `(1,'a',NULL)`.
fn push_row(columns: &[Column], row: &Row, text: &mut Vec<u8>) {
    text.push(b'(');
    for (place, column) in columns.iter().enumerate() {
        if place > 0 {
            text.push(b',');
        }
        match row.as_ref(place) {
            Some(Value::Bytes(bytes)) => values::push(column.form, bytes, text),
            _ => text.extend_from_slice(b"NULL"),
        }
    }
    text.push(b')');
}

/// Puts rows into statements, and statements into pieces.
struct Cutter<'a> {
    stem: &'a str,
    /// Places of the key's values, none when there is no key.
    places: Vec<(usize, Part)>,
    insert: Vec<u8>,
    /// Bytes of the table's rows so far.
    at: u64,
    statement_len: usize,
    /// Whether a piece of this table's rows has begun.
    is_open: bool,
    longest: usize,
}

impl Cutter<'_> {
    fn row(&mut self, writer: &mut super::writer::Writer, row: &Row, text: &[u8]) {
        let is_cut = !self.places.is_empty() && chunks::begins(self.hash(row), text.len(), self.at);
        if is_cut || !self.is_open {
            self.end(writer);
            let name = if is_cut { self.name(row) } else { chunks::first_name(self.stem) };
            writer.begin(name);
            self.is_open = true;
        }
        let to = writer.text();
        if self.statement_len > STATEMENT_LEN {
            to.extend_from_slice(b";\n");
            self.statement_len = 0;
        }
        if self.statement_len == 0 {
            to.extend_from_slice(&self.insert);
        } else {
            to.extend_from_slice(b",\n");
        }
        to.extend_from_slice(text);
        self.statement_len += text.len();
        self.at += text.len() as u64;
        self.longest = self.longest.max(text.len());
    }

    fn end(&mut self, writer: &mut super::writer::Writer) {
        if self.statement_len > 0 {
            writer.text().extend_from_slice(b";\n");
            self.statement_len = 0;
        }
    }

    fn hash(&self, row: &Row) -> u64 {
        let mut hash = KeyHash::new();
        for &(place, _) in &self.places {
            hash.value(bytes(row, place));
        }
        hash.finish()
    }

    fn name(&self, row: &Row) -> String {
        let key: Vec<(Part, &[u8])> = self.places.iter().map(|&(place, part)| (part, bytes(row, place))).collect();
        chunks::chunk_name(self.stem, &key)
    }
}

fn bytes(row: &Row, place: usize) -> &[u8] {
    match row.as_ref(place) {
        Some(Value::Bytes(bytes)) => bytes,
        _ => b"",
    }
}
