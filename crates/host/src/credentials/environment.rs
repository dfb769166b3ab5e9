//! Environment variables, as a value: what a run sees of them is decided once.

use std::{collections::BTreeMap, fmt};

use super::{
    error::{Asked, Outcome, Problem},
    keys,
};

/// Environment variables.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Those of this process, with a home folder even where `HOME` is not set, as under PHP-FPM.
    #[must_use]
    pub fn of_process() -> Self {
        let mut variables: BTreeMap<_, _> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        if let Some(home) = std::env::home_dir().and_then(|home| home.into_os_string().into_string().ok()) {
            variables.entry("HOME".to_owned()).or_insert(home);
        }
        Self(variables)
    }

    /// A variable without the white space around it; `None` when that leaves nothing.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| keys::trimmed(value)).filter(|value| !value.is_empty())
    }

    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The keys in the environment.
pub(crate) fn ask(environment: &Environment) -> Outcome {
    const ID: &str = "AWS_ACCESS_KEY_ID";
    const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
    match (environment.get(ID), environment.get(SECRET)) {
        (None, None) => Ok(Asked::nothing(format!("{ID} is not set"))),
        (Some(_), None) => Err(Problem::unusable(format!("{ID} is set and {SECRET} is not"))),
        (None, Some(_)) => Err(Problem::unusable(format!("{SECRET} is set and {ID} is not"))),
        (Some(id), Some(secret)) => keys::assemble(id, secret, environment.get("AWS_SESSION_TOKEN"), None)
            .map(Asked::keys)
            .map_err(Problem::Unusable),
    }
}
