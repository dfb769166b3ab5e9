//! What the user may see. Without a right, triggers, routines and events are not refused: they
//! are absent, and a backup without them looks whole.

use super::connect::{Session, text};

/// The rights that show objects; all of them when the server does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grants {
    pub(super) triggers: bool,
    pub(super) events: bool,
    pub(super) routines: bool,
}

impl Grants {
    pub(super) fn read(session: &mut Session, database: &str) -> Self {
        let mut query = "SHOW GRANTS".to_owned();
        // MySQL leaves the roles' rights out unless they are named. MariaDB refuses the words.
        if let Ok(Some(roles)) = session.value("SELECT CURRENT_ROLE()") {
            let roles = String::from_utf8_lossy(&roles).into_owned();
            if roles.contains('@') {
                query = format!("SHOW GRANTS FOR CURRENT_USER() USING {roles}");
            }
        }
        let Ok(rows) = session.rows(&query) else {
            return Self { triggers: true, events: true, routines: true };
        };
        let lines: Vec<String> = rows.iter().map(|row| text(row, 0)).collect();
        Self::parse(&lines, database)
    }

    fn parse(lines: &[String], database: &str) -> Self {
        let has = |wanted: &[&str]| {
            lines.iter().filter_map(|line| grant(line)).any(|(rights, scope)| {
                covers(scope, database)
                    && rights.split(", ").any(|right| right.starts_with("ALL PRIVILEGES") || wanted.contains(&right))
            })
        };
        Self {
            triggers: has(&["TRIGGER"]),
            events: has(&["EVENT"]),
            routines: has(&["EXECUTE", "ALTER ROUTINE", "CREATE ROUTINE", "SHOW_ROUTINE", "SHOW CREATE ROUTINE"]),
        }
    }
}

/// The rights and the scope of `GRANT rights ON scope TO …`.
fn grant(line: &str) -> Option<(&str, &str)> {
    let (rights, rest) = line.strip_prefix("GRANT ")?.split_once(" ON ")?;
    let (scope, _) = rest.rsplit_once(" TO ")?;
    Some((rights, scope))
}

/// Whether `*.*` or `` `wp\_%`.* `` is about the whole of this database.
fn covers(scope: &str, database: &str) -> bool {
    if scope == "*.*" {
        return true;
    }
    let pattern = scope.strip_suffix(".*").and_then(|scope| scope.strip_prefix('`')?.strip_suffix('`'));
    pattern.is_some_and(|pattern| like(pattern.replace("``", "`").as_bytes(), database.as_bytes()))
}

/// `LIKE`, with `\` before what stands for itself.
fn like(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'%', rest @ ..] => (0..=text.len()).any(|at| like(rest, &text[at..])),
        [b'_', rest @ ..] => !text.is_empty() && like(rest, &text[1..]),
        [b'\\', literal, rest @ ..] | [literal, rest @ ..] => text.first() == Some(literal) && like(rest, &text[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(lines: &[&str], database: &str) -> (bool, bool, bool) {
        let lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
        let grants = Grants::parse(&lines, database);
        (grants.triggers, grants.events, grants.routines)
    }

    #[test]
    fn rights_count_where_they_reach_the_database() {
        let all = (true, true, true);
        assert_eq!(parsed(&["GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"], "wp"), all);
        assert_eq!(
            parsed(&["GRANT USAGE ON *.* TO `u`@`%`", r"GRANT ALL PRIVILEGES ON `my\_wp`.* TO `u`@`%`"], "my_wp"),
            all
        );
        assert_eq!(parsed(&[r"GRANT ALL PRIVILEGES ON `my\_wp`.* TO `u`@`%`"], "my-wp"), (false, false, false));
        assert_eq!(parsed(&["GRANT ALL PRIVILEGES ON `client1%`.* TO `u`@`%`"], "client1_wp"), all);
        assert_eq!(parsed(&["GRANT SELECT, TRIGGER ON `wp`.* TO `u`@`%`"], "wp"), (true, false, false));
        assert_eq!(parsed(&["GRANT SELECT, EXECUTE, EVENT ON `wp`.* TO `u`@`%`"], "wp"), (false, true, true));
        assert_eq!(parsed(&["GRANT TRIGGER ON `wp`.`wp_posts` TO `u`@`%`"], "wp"), (false, false, false));
    }
}
