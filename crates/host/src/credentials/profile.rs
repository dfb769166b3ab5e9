//! A profile of `~/.aws/credentials` and `~/.aws/config`: its keys and its region.

use std::{
    collections::BTreeMap,
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::{
    environment::Environment,
    error::{Asked, CredentialsError, Found, Outcome, Place, Problem},
    ini::Ini,
    keys, read,
};

/// Settings that ask for another way to keys, which is not supported. AWS's own tools prefer these
/// to keys in the same profile: the keys would be those of somebody else.
const BEFORE_KEYS: [&str; 5] =
    ["role_arn", "web_identity_token_file", "sso_session", "sso_start_url", "sso_account_id"];

/// Those that count only where there are no keys.
const AFTER_KEYS: [&str; 2] = ["login_session", "credential_process"];

/// Which profile is meant.
pub(crate) fn name<'a>(explicit: Option<&'a str>, environment: &'a Environment) -> &'a str {
    explicit.or_else(|| environment.get("AWS_PROFILE")).unwrap_or("default")
}

/// The keys of a profile.
pub(crate) fn ask(explicit: Option<&str>, environment: &Environment) -> Outcome {
    let name = name(explicit, environment);
    let profile = Profile::read(name, environment)?;
    let Some(settings) = profile.settings else {
        let lacking = format!("there is none in {}", profile.places);
        // Somebody named it: another place's keys are not what they want.
        return if explicit.is_some() || environment.get("AWS_PROFILE").is_some() {
            Err(Problem::Unusable(lacking))
        } else {
            Ok(Asked::Nothing(lacking))
        };
    };
    let set = |name: &&str| settings.get(*name).is_some_and(|value| !value.is_empty());
    let unsupported =
        |name: &str| Problem::unusable(format!("it sets `{name}`, which is not supported here: use keys"));
    if let Some(name) = BEFORE_KEYS.iter().find(|name| set(name)) {
        return Err(unsupported(name));
    }
    let get = |name: &str| settings.get(name).map(String::as_str).filter(|value| !value.is_empty());
    match (get("aws_access_key_id"), get("aws_secret_access_key")) {
        (Some(id), Some(secret)) => {
            let credentials = keys::assemble(id, secret, get("aws_session_token"), None).map_err(Problem::Unusable)?;
            Ok(Asked::Keys(Box::new(Found { credentials, warnings: profile.warnings })))
        }
        (Some(_), None) => Err(Problem::unusable("it has no `aws_secret_access_key`")),
        (None, Some(_)) => Err(Problem::unusable("it has no `aws_access_key_id`")),
        (None, None) => match AFTER_KEYS.iter().find(|name| set(name)) {
            Some(name) => Err(unsupported(name)),
            None if explicit.is_some() => Err(Problem::unusable("it has no keys")),
            None => Ok(Asked::nothing("it has no keys")),
        },
    }
}

/// The region of a profile, or of the environment, which comes first.
///
/// # Errors
/// When a file of AWS's cannot be understood.
pub fn region(explicit: Option<&str>, environment: &Environment) -> Result<Option<String>, CredentialsError> {
    if let Some(region) = environment.get("AWS_REGION").or(environment.get("AWS_DEFAULT_REGION")) {
        return Ok(Some(region.to_owned()));
    }
    let name = name(explicit, environment);
    let profile = Profile::read(name, environment).map_err(|problem| problem.at(Place::Profile(name.to_owned())))?;
    let region = profile.settings.and_then(|mut settings| settings.remove("region"));
    Ok(region.filter(|region| !region.is_empty()))
}

/// What both files say about a profile.
struct Profile {
    settings: Option<BTreeMap<String, String>>,
    /// Where it was looked for.
    places: String,
    warnings: Vec<String>,
}

impl Profile {
    fn read(name: &str, environment: &Environment) -> Result<Self, Problem> {
        let config = AwsFile::read("AWS_CONFIG_FILE", ".aws/config", environment)?;
        let credentials = AwsFile::read("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", environment)?;
        let in_config = config.ini.section(&format!("profile {name}")).or_else(|| {
            config
                .ini
                .section(&format!("profile \"{name}\""))
                .or_else(|| config.ini.section(name).filter(|_| name == "default"))
        });
        let in_credentials = credentials.ini.section(name);
        let mut settings = in_config.cloned();
        if let Some(more) = in_credentials {
            settings.get_or_insert_default().extend(more.clone());
        }
        let warnings = credentials.open_to_others.filter(|_| in_credentials.is_some());
        Ok(Self {
            settings,
            places: format!("{} and {}", credentials.place, config.place),
            warnings: warnings.into_iter().collect(),
        })
    }
}

/// One of AWS's files; empty where there is none.
struct AwsFile {
    ini: Ini,
    place: String,
    open_to_others: Option<String>,
}

impl AwsFile {
    fn read(variable: &str, default: &str, environment: &Environment) -> Result<Self, Problem> {
        let home = environment.get("HOME").map(Path::new);
        let named = environment.get(variable);
        let path = match (named, home) {
            (Some(named), Some(home)) => match named.strip_prefix("~/") {
                Some(rest) => home.join(rest),
                None => PathBuf::from(named),
            },
            (Some(named), None) => PathBuf::from(named),
            (None, Some(home)) => home.join(default),
            (None, None) => return Ok(Self::none(format!("~/{default} (HOME is not set)"))),
        };
        let shown = format!("`{}`", path.display());
        let (text, metadata) = match read::text(&path) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self::none(format!("{shown} (no such file)")));
            }
            // A home folder that is closed to us holds nothing of ours.
            Err(error) if named.is_none() => return Ok(Self::none(format!("{shown} ({error})"))),
            Err(error) => {
                return Err(Problem::unusable(format!("{shown} cannot be read: {error}")));
            }
        };
        let ini = Ini::parse(&text).map_err(|line| {
            Problem::unusable(format!("line {line} of {shown} is neither `[name]` nor `name = value`"))
        })?;
        let mode = metadata.permissions().mode() & 0o777;
        let open_to_others =
            (mode & 0o077 != 0).then(|| format!("others may read {shown} (mode {mode:04o}): chmod 600 it"));
        Ok(Self { ini, place: shown, open_to_others })
    }

    fn none(place: String) -> Self {
        Self { ini: Ini::default(), place, open_to_others: None }
    }
}
