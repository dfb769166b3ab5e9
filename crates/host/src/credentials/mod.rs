//! Where the keys come from, and getting fresh ones before they end.
//!
//! In the order of the AWS SDKs, the first place that has keys wins:
//!
//! ```text
//! explicit (the job, a credentials file, --profile)     nothing else is asked
//! environment   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
//! profile       ~/.aws/credentials and ~/.aws/config, AWS_PROFILE
//! container     AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI
//! instance      EC2 metadata, IMDSv2 only
//! ```
//!
//! A place that is set up wrongly, or in a way that is not supported (SSO, a role to assume, a
//! process to run, a web identity), ends the search: keys of another place would be somebody
//! else's. Out of scope: STS, and so roles to assume.
//!
//! [The SDKs' rules](https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html)

mod container;
mod environment;
mod error;
mod file;
mod ini;
mod instance;
mod keys;
mod metadata;
mod profile;
mod provider;
mod read;

pub use environment::Environment;
pub use error::{CredentialsError, Place, Tried};
pub use profile::region;
pub use provider::{Explicit, Provider, RENEWAL_MARGIN_MS};
