//! Asks the places in order, keeps what it found, and asks again before it ends.

use std::{path::PathBuf, sync::Mutex};

use holdfast_core::{abi::Millis, secret::Credentials};

use super::{
    container,
    environment::{self, Environment},
    error::{Asked, CredentialsError, Found, Outcome, Place, Problem, Tried},
    file, instance, keys, profile,
};

/// Keys that end sooner than this are replaced. AWS hands out the next ones at least this long
/// before.
pub const RENEWAL_MARGIN_MS: u64 = 5 * 60 * 1000;

/// What somebody asked for by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explicit {
    /// Nothing: the places are asked in order.
    No,
    /// These keys.
    Keys(Credentials),
    /// Our own credentials file.
    File(PathBuf),
    /// A profile of AWS's files.
    Profile(String),
}

/// Gives keys.
#[derive(Debug)]
pub struct Provider {
    explicit: Explicit,
    environment: Environment,
    last: Mutex<Option<Last>>,
}

/// What was found last.
#[derive(Debug, Clone)]
struct Last {
    credentials: Credentials,
    place: Place,
    warnings: Vec<String>,
}

impl Provider {
    /// A provider; nothing is asked yet.
    #[must_use]
    pub fn new(explicit: Explicit, environment: Environment) -> Self {
        Self { explicit, environment, last: Mutex::new(None) }
    }

    /// Keys that are good for some minutes at least, where fresh ones can be had.
    ///
    /// # Errors
    /// When there are none, or none that have not ended.
    pub fn load(&self, now: Millis) -> Result<Credentials, CredentialsError> {
        let last = self.last();
        if let Some(last) = &last
            && last.credentials.expires_at.is_none_or(|end| end.since(now) > RENEWAL_MARGIN_MS)
        {
            return Ok(last.credentials.clone());
        }
        self.refresh().or_else(|error| match last {
            // The service that replaces them falters: they still do.
            Some(last) if last.credentials.expires_at.is_some_and(|end| end > now) => Ok(last.credentials),
            _ => Err(error),
        })
    }

    /// Asks again, whatever is known.
    ///
    /// # Errors
    /// When there are no keys.
    pub fn refresh(&self) -> Result<Credentials, CredentialsError> {
        let (place, found) = self.search()?;
        let Found { credentials, warnings } = *found;
        let last = Last { credentials: credentials.clone(), place, warnings };
        // A poisoned lock holds a whole value all the same: it is only ever replaced.
        *self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(last);
        Ok(credentials)
    }

    /// Where the keys came from.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        self.last().map(|last| last.place)
    }

    /// The id of the key, which is not secret.
    #[must_use]
    pub fn access_key_id(&self) -> Option<String> {
        self.last().map(|last| last.credentials.access_key_id)
    }

    /// What there is to say about the way they are kept.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.last().map(|last| last.warnings).unwrap_or_default()
    }

    fn last(&self) -> Option<Last> {
        self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn search(&self) -> Result<(Place, Box<Found>), CredentialsError> {
        let environment = &self.environment;
        let profile = |explicit: Option<&str>| Place::Profile(profile::name(explicit, environment).to_owned());
        let mut tried = Vec::new();
        let mut ask = |place: Place, outcome: Outcome| match outcome {
            Ok(Asked::Keys(found)) => Ok(Some((place, found))),
            Ok(Asked::Nothing(found)) => {
                tried.push(Tried { place, found });
                Ok(None)
            }
            Err(problem) => Err(problem.at(place)),
        };
        let found = match &self.explicit {
            Explicit::Keys(given) => ask(Place::Job, keys::checked(given).map(Asked::keys).map_err(Problem::Unusable))?,
            Explicit::File(path) => ask(Place::File(path.clone()), file::ask(path))?,
            Explicit::Profile(name) => ask(profile(Some(name)), profile::ask(Some(name), environment))?,
            Explicit::No => {
                let mut found = ask(Place::Environment, environment::ask(environment))?;
                if found.is_none() {
                    found = ask(profile(None), profile::ask(None, environment))?;
                }
                if found.is_none() {
                    found = ask(Place::WebIdentity, web_identity(environment))?;
                }
                if found.is_none() {
                    found = ask(Place::Container, container::ask(environment))?;
                }
                if found.is_none() {
                    found = ask(Place::Instance, instance::ask(environment))?;
                }
                found
            }
        };
        found.ok_or(CredentialsError::NotFound(tried))
    }
}

/// Only that it is there, and that it would be somebody else to fall through to the next place.
fn web_identity(environment: &Environment) -> Outcome {
    const FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
    match environment.get(FILE) {
        Some(_) => {
            Err(Problem::unusable(format!("{FILE} is set, which is not supported here: use keys, or EKS Pod Identity")))
        }
        None => Ok(Asked::nothing(format!("{FILE} is not set"))),
    }
}
