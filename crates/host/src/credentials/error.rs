//! Why there are no keys. No secret is ever in here.

use std::{fmt, path::PathBuf};

/// A place where keys can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// They came with the job.
    Job,
    /// A credentials file of ours.
    File(PathBuf),
    /// Environment variables.
    Environment,
    /// A profile of AWS's own files.
    Profile(String),
    /// A token for a role, as Kubernetes mounts it. Not supported.
    WebIdentity,
    /// The credentials service of a container (ECS, EKS).
    Container,
    /// The metadata service of an EC2 instance.
    Instance,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Job => f.write_str("the job's credentials"),
            Self::File(path) => write!(f, "the credentials file `{}`", path.display()),
            Self::Environment => f.write_str("the environment"),
            Self::Profile(name) => write!(f, "the AWS profile `{name}`"),
            Self::WebIdentity => f.write_str("the web identity of the environment"),
            Self::Container => f.write_str("the container's credentials service"),
            Self::Instance => f.write_str("the EC2 instance metadata"),
        }
    }
}

/// A place that has no keys, and how that shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Where.
    pub place: Place,
    /// What was found there instead.
    pub found: String,
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.found)
    }
}

/// Why there are no keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// A place is set up wrongly, or in a way that is not supported.
    #[error("{place}: {problem}")]
    Unusable {
        /// Where.
        place: Place,
        /// What to change.
        problem: String,
    },
    /// A service that hands out keys is there and did not: trying again may help.
    #[error("{place}: {problem}")]
    Unavailable {
        /// Where.
        place: Place,
        /// What it said.
        problem: String,
    },
    /// No place has keys.
    #[error("no AWS credentials found ({})", list(.0))]
    NotFound(Vec<Tried>),
}

fn list(tried: &[Tried]) -> String {
    tried.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// What asking one place came to, when nothing is wrong with it.
pub(crate) enum Asked {
    /// Keys.
    Keys(Box<Found>),
    /// None, and how that shows.
    Nothing(String),
}

/// Keys, and what there is to say about where they lie.
pub(crate) struct Found {
    pub(crate) credentials: holdfast_core::secret::Credentials,
    pub(crate) warnings: Vec<String>,
}

impl Asked {
    pub(crate) fn keys(credentials: holdfast_core::secret::Credentials) -> Self {
        Self::Keys(Box::new(Found { credentials, warnings: Vec::new() }))
    }

    pub(crate) fn nothing(found: impl Into<String>) -> Self {
        Self::Nothing(found.into())
    }
}

/// What is wrong with a place; the place itself is known to whoever asks.
pub(crate) enum Problem {
    Unusable(String),
    Unavailable(String),
}

impl Problem {
    pub(crate) fn unusable(problem: impl Into<String>) -> Self {
        Self::Unusable(problem.into())
    }

    pub(crate) fn at(self, place: Place) -> CredentialsError {
        match self {
            Self::Unusable(problem) => CredentialsError::Unusable { place, problem },
            Self::Unavailable(problem) => CredentialsError::Unavailable { place, problem },
        }
    }
}

pub(crate) type Outcome = Result<Asked, Problem>;
