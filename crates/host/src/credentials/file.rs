//! Our own credentials file: `{"access_key_id": …, "secret_access_key": …}`, for nobody else's
//! eyes.

use std::{
    fs::Metadata,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use serde_json::{Map, Value};

use super::{
    error::{Asked, Outcome, Problem},
    keys, read,
};

const SHAPE: &str = r#"{"access_key_id": "…", "secret_access_key": "…", "session_token": "…"}"#;

pub(crate) fn ask(path: &Path) -> Outcome {
    let (text, metadata) =
        read::text(path).map_err(|error| Problem::unusable(format!("it cannot be read: {error}")))?;
    private(path, &metadata)?;
    // Only syntax can be wrong here, so that the words hold a place and never a value.
    let fields: Map<String, Value> = match serde_json::from_str(&text) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => return Err(Problem::unusable(format!("it is not of the form {SHAPE}"))),
        Err(error) => return Err(Problem::unusable(format!("it is not JSON: {error}"))),
    };
    let known = ["access_key_id", "secret_access_key", "session_token"];
    if fields.keys().any(|name| !known.contains(&name.as_str())) {
        return Err(Problem::unusable(format!("it has a field that is not one of {SHAPE}")));
    }
    let field = |name: &str| match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(value)) => Ok(Some(value.as_str())),
        Some(_) => Err(Problem::unusable(format!("`{name}` is not a string"))),
    };
    let required = |name: &str| field(name)?.ok_or_else(|| Problem::unusable(format!("`{name}` is missing")));
    let (id, secret) = (required("access_key_id")?, required("secret_access_key")?);
    keys::assemble(id, secret, field("session_token")?, None).map(Asked::keys).map_err(Problem::Unusable)
}

fn private(path: &Path, metadata: &Metadata) -> Result<(), Problem> {
    let me = rustix::process::geteuid().as_raw();
    if metadata.uid() != me {
        return Err(Problem::unusable(format!(
            "it belongs to user {} and this program runs as user {me}: chown {me} {}",
            metadata.uid(),
            path.display()
        )));
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Problem::unusable(format!("others may read it (mode {mode:04o}): chmod 600 {}", path.display())));
    }
    Ok(())
}
