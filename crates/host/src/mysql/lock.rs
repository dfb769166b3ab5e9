//! One run a site at a time, also where several web heads share the database and no disk.

use holdfast_core::error::{Error, Kind};

use super::{Database, connect::Session, error, values::quoted};

/// A lock in the server's memory, held by a connection of its own; gone when that ends, however it
/// ends. Several servers of a Galera cluster know nothing of each other's.
pub struct SiteLock {
    session: Session,
    name: String,
}

impl SiteLock {
    /// Takes it, or says who has it.
    ///
    /// # Errors
    /// [`Kind::Locked`] when another run holds it, else why the server could not be asked.
    pub fn take(database: &Database, site_id: &str) -> Result<Self, Error> {
        let mut session = Session::open(database)?;
        // Servers take 64 characters.
        let name: String = format!("holdfast-{site_id}").chars().take(64).collect();
        let answer = session
            .value(&format!("SELECT GET_LOCK({}, 0)", quoted(&name)))
            .map_err(|error| error::told("take the site's lock in the database", &error))?;
        match answer.as_deref() {
            Some(b"1") => Ok(Self { session, name }),
            Some(b"0") => Err(busy(&mut session, &name)),
            _ => Err(Error::new(
                Kind::Source,
                "cannot take the site's lock: the database server answered GET_LOCK with NULL",
            )
            .hint("look into the server's error log")),
        }
    }

    /// Whether it is still ours: a server that was restarted has forgotten it.
    ///
    /// # Errors
    /// When it is not, or the server does not answer.
    pub fn confirm(&mut self) -> Result<(), Error> {
        let query = format!("SELECT IS_USED_LOCK({}) = CONNECTION_ID()", quoted(&self.name));
        match self.session.value(&query) {
            Ok(Some(answer)) if answer == b"1" => Ok(()),
            Ok(_) => Err(Error::new(Kind::Locked, "the site's lock in the database was lost")),
            Err(error) => Err(error::told("confirm the site's lock in the database", &error)),
        }
    }
}

impl Drop for SiteLock {
    fn drop(&mut self) {
        // The server takes its time to see a connection end; who comes next must not meet that.
        let _ = self.session.value(&format!("SELECT RELEASE_LOCK({})", quoted(&self.name)));
    }
}

impl std::fmt::Debug for SiteLock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SiteLock({})", self.name)
    }
}

fn busy(session: &mut Session, name: &str) -> Error {
    let made = Error::new(Kind::Locked, "another run works on this site: it holds the site's lock in the database");
    let query =
        format!("SELECT ID, HOST FROM information_schema.PROCESSLIST WHERE ID = IS_USED_LOCK({})", quoted(name));
    let holder = session.rows(&query).ok().and_then(|rows| rows.into_iter().next());
    match holder {
        Some(row) => made.hint(format!(
            "wait for it; when it is surely dead, `KILL {}` frees the lock (the connection came from {})",
            super::connect::text(&row, 0),
            super::connect::text(&row, 1)
        )),
        None => made.hint("wait for it to end"),
    }
}
