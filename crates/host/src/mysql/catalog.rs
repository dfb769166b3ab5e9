//! What the database holds: tables, their columns, the key that orders them.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use holdfast_core::error::{Error, Kind};

use super::{
    Scope, Told,
    chunks::Part,
    connect::{Session, text},
    error,
    values::{Form, name, quoted},
};

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Table,
    /// Keeps the rows' history, of which a dump carries the present.
    Versioned,
    View,
    Sequence,
}

/// A table, view or sequence.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) sort: Sort,
    /// `InnoDB`; empty when the server cannot open it.
    pub(super) engine: String,
    /// The server's estimate.
    pub(super) bytes: u64,
    pub(super) with_rows: bool,
}

/// The names in scope, sorted, and what lies beside them.
#[derive(Debug)]
pub(super) struct Catalog {
    pub(super) tables: Vec<Table>,
    /// Whether the database has tables that do not begin with the prefix.
    pub(super) strangers: bool,
}

impl Catalog {
    pub(super) fn read(session: &mut Session, scope: &Scope) -> Told<Self> {
        let skip = globs(&scope.skip)?;
        let structure_only = globs(&scope.structure_only)?;
        let query = "SELECT TABLE_NAME, TABLE_TYPE, ENGINE, DATA_LENGTH FROM information_schema.TABLES \
                     WHERE TABLE_SCHEMA = DATABASE()";
        let rows = session.rows(query).map_err(|error| error::told("list the tables", &error))?;
        let mut catalog = Self { tables: Vec::new(), strangers: false };
        for row in &rows {
            let name = text(row, 0);
            if scope.prefix.as_ref().is_some_and(|prefix| !name.starts_with(prefix.as_str())) {
                catalog.strangers = true;
                continue;
            }
            let sort = match text(row, 1).as_str() {
                "VIEW" => Sort::View,
                "SEQUENCE" => Sort::Sequence,
                "SYSTEM VERSIONED" => Sort::Versioned,
                "SYSTEM VIEW" | "TEMPORARY" | "TEMPORARY SEQUENCE" => continue,
                _ => Sort::Table,
            };
            if !skip.is_match(&name) {
                let with_rows = !structure_only.is_match(&name);
                let bytes = if with_rows { text(row, 3).parse().unwrap_or(0) } else { 0 };
                catalog.tables.push(Table { name, sort, engine: text(row, 2), bytes, with_rows });
            }
        }
        catalog.tables.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(catalog)
    }

    pub(super) fn of(&self, sort: Sort) -> impl Iterator<Item = &Table> {
        self.tables.iter().filter(move |table| table.sort == sort)
    }
}

fn globs(patterns: &[String]) -> Told<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let glob = GlobBuilder::new(pattern).backslash_escape(true).build().map_err(|error| {
            Error::new(Kind::Config, format!("`{pattern}` is no pattern for tables: {error}"))
                .hint("write a table's name, with * for any characters: `wp_*_log`")
        })?;
        set.add(glob);
    }
    set.build().map_err(|error| Error::new(Kind::Config, format!("the patterns for tables are too many: {error}")))
}

/// A column whose values are dumped; those that the server computes are not.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    /// What is selected.
    pub(super) expression: String,
    pub(super) form: Form,
    /// How it stands in a name.
    pub(super) part: Part,
}

/// The columns in their order.
pub(super) fn columns(session: &mut Session, table: &str) -> Result<Vec<Column>, mysql::Error> {
    let query = format!(
        "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, CHARACTER_SET_NAME, EXTRA \
         FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = {} ORDER BY ORDINAL_POSITION",
        quoted(table)
    );
    let rows = session.rows(&query)?;
    // The comparison is blind to case, tables are not.
    let rows = rows.iter().filter(|row| text(row, 0) == table);
    let stored = rows.filter(|row| !is_generated(&text(row, 5)));
    Ok(stored.map(|row| column(text(row, 1), &text(row, 2), &text(row, 3), &text(row, 4))).collect())
}

/// `DEFAULT_GENERATED` is MySQL's word for a default that is an expression: a value as any other.
fn is_generated(extra: &str) -> bool {
    let extra = extra.to_ascii_uppercase().replace("DEFAULT_GENERATED", "");
    ["VIRTUAL", "PERSISTENT", "STORED GENERATED"].iter().any(|word| extra.contains(word))
}

fn column(column: String, data_type: &str, column_type: &str, charset: &str) -> Column {
    let quoted = name(&column);
    let is_utf8 = matches!(charset, "utf8mb4" | "utf8mb3" | "utf8");
    let text_form = match charset {
        // No charset at all: bytes, dates, JSON, addresses.
        "" => Form::Utf8,
        _ if is_utf8 => Form::Utf8,
        _ if SHARES_ASCII.contains(&charset) => Form::Ascii,
        _ => Form::Hex,
    };
    let (form, part, expression) = match data_type.to_ascii_lowercase().as_str() {
        "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint" | "year" => {
            (Form::Number, Part::Integer { signed: !column_type.contains("unsigned") }, quoted)
        }
        "decimal" | "numeric" | "double" | "real" => (Form::Number, Part::Text, quoted),
        // The server prints six digits of a FLOAT; as a DOUBLE it prints what comes back to it.
        "float" => (Form::Number, Part::Text, format!("{quoted} * 1E0")),
        "bit" | "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring" | "multipolygon"
        | "geometrycollection" | "geomcollection" | "vector" => (Form::Hex, Part::Bytes, quoted),
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => (Form::Utf8, Part::Bytes, quoted),
        // An empty member and the error value look alike: their numbers do not.
        "enum" | "set" if has_empty_member(column_type) => (Form::Number, Part::Text, format!("{quoted} + 0")),
        "enum" if text_form != Form::Hex => (Form::Enum { utf8: is_utf8 }, Part::Text, quoted),
        "enum" => (Form::Number, Part::Text, format!("{quoted} + 0")),
        _ => (text_form, Part::Text, quoted),
    };
    Column { name: column, expression, form, part }
}

/// A member that only looks empty (`'x'',''y'`) is found too: its number is as good.
fn has_empty_member(column_type: &str) -> bool {
    ["('')", "('',", ",'',", ",'')"].iter().any(|empty| column_type.contains(empty))
}

/// Charsets in which bytes below 0x80 are ASCII and nothing else begins with them.
const SHARES_ASCII: &[&str] = &[
    "ascii", "latin1", "latin2", "latin5", "latin7", "cp1250", "cp1251", "cp1256", "cp1257", "cp850", "cp852", "cp866",
    "greek", "hebrew", "koi8r", "koi8u", "keybcs2", "macce", "macroman", "armscii8", "geostd8", "tis620", "euckr",
    "gb2312", "eucjpms", "ujis",
];

/// What orders a table's rows: unique, and never NULL.
#[derive(Debug, Clone)]
pub(super) struct Key {
    is_primary: bool,
    /// Of the key's columns: their place among the table's, and whether they descend.
    columns: Vec<(usize, bool)>,
    /// Holds beginnings of values only, so that nothing but the table's own order follows it.
    is_prefix: bool,
}

impl Key {
    /// The primary key, else the first that could be one.
    pub(super) fn of(session: &mut Session, table: &str, columns: &[Column]) -> Result<Option<Self>, mysql::Error> {
        let rows = session.rows(&format!("SHOW INDEX FROM {}", name(table)))?;
        let mut found: Option<Self> = None;
        let mut at = 0;
        while at < rows.len() {
            let index = text(&rows[at], 2);
            let parts = rows[at..].iter().take_while(|row| text(row, 2) == index).count();
            let group = &rows[at..at + parts];
            at += parts;
            let is_key = group.iter().all(|row| text(row, 1) == "0" && text(row, 9) != "YES");
            let is_tree = group.iter().all(|row| text(row, 10) == "BTREE");
            let places: Option<Vec<(usize, bool)>> = group
                .iter()
                .map(|row| {
                    let place = columns.iter().position(|column| column.name == text(row, 4))?;
                    Some((place, text(row, 5) == "D"))
                })
                .collect();
            let is_prefix = group.iter().any(|row| row.get(7).is_some_and(Option::is_some));
            let is_primary = index == "PRIMARY";
            let (true, true, Some(places)) = (is_key, is_tree, places) else { continue };
            if is_primary || (found.is_none() && !is_prefix) {
                found = Some(Self { is_primary, columns: places, is_prefix });
            }
            if is_primary {
                break;
            }
        }
        Ok(found)
    }

    /// Places of the key's columns.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        self.columns.iter().map(|&(place, _)| place)
    }

    /// What stands behind the table's name in `SELECT`.
    pub(super) fn clause(&self, columns: &[Column]) -> String {
        // A prefix cannot be sorted by without a copy of the table; the scan is in its order.
        if self.is_prefix {
            return " FORCE INDEX (PRIMARY)".to_owned();
        }
        let force = if self.is_primary { " FORCE INDEX FOR ORDER BY (PRIMARY)" } else { "" };
        let order: Vec<String> = self
            .columns
            .iter()
            .map(|&(place, descends)| format!("{}{}", name(&columns[place].name), if descends { " DESC" } else { "" }))
            .collect();
        format!("{force} ORDER BY {}", order.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_takes_the_form_of_its_type_and_charset() {
        let form = |data_type: &str, column_type: &str, charset: &str| {
            let column = column("c".to_owned(), data_type, column_type, charset);
            (column.form, column.expression)
        };
        let plain = "`c`".to_owned();
        assert_eq!(form("bigint", "bigint(20) unsigned", ""), (Form::Number, plain.clone()));
        assert_eq!(form("float", "float", ""), (Form::Number, "`c` * 1E0".to_owned()));
        assert_eq!(form("varchar", "varchar(9)", "latin1"), (Form::Ascii, plain.clone()));
        assert_eq!(form("varchar", "varchar(9)", "sjis"), (Form::Hex, plain.clone()));
        assert_eq!(form("varchar", "varchar(9)", "utf8mb3"), (Form::Utf8, plain.clone()));
        assert_eq!(form("json", "json", ""), (Form::Utf8, plain.clone()));
        assert_eq!(form("enum", "enum('a','b')", "utf8mb4"), (Form::Enum { utf8: true }, plain));
        assert_eq!(form("enum", "enum('a','')", "utf8mb4"), (Form::Number, "`c` + 0".to_owned()));
    }

    #[test]
    fn a_default_expression_is_no_generated_column() {
        assert!(!is_generated("DEFAULT_GENERATED"));
        assert!(is_generated("STORED GENERATED") && is_generated("VIRTUAL GENERATED, INVISIBLE"));
    }
}
