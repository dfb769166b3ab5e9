//! Our own credentials file, keys that come with the job, and keys in the environment.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
};

use holdfast_core::{
    abi::Millis,
    secret::{Credentials, Secret},
};
use tempfile::TempDir;

use crate::host::credentials::{CredentialsError, Environment, Explicit, Place, Provider};

/// In every secret of these tests, and in no text that anybody sees.
pub(crate) const SENTINEL: &str = "sentinel";

/// What an error says, in both of its forms, free of secrets.
pub(crate) fn said(error: &CredentialsError) -> String {
    let text = error.to_string();
    assert!(!format!("{text} {error:?}").contains(SENTINEL), "{text}");
    assert!(!text.contains('\n'), "{text:?}");
    text
}

/// An environment in which nothing but what is given can be found.
pub(crate) fn environment(variables: &[(&str, &str)]) -> Environment {
    let quiet = [("HOME", "/no/such/home"), ("AWS_EC2_METADATA_DISABLED", "true")];
    quiet.iter().chain(variables).copied().collect()
}

/// The keys as one line.
pub(crate) fn line(keys: &Credentials) -> String {
    assert!(!format!("{keys:?}").contains(SENTINEL));
    let token = keys.session_token.as_ref().map_or("-", |token| token.expose());
    format!("{} {} {token}", keys.access_key_id, keys.secret_access_key.expose())
}

struct Written {
    _folder: TempDir,
    path: PathBuf,
}

fn written(contents: &str, mode: u32) -> Written {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("credentials.json");
    fs::write(&path, contents).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    Written { _folder: folder, path }
}

fn ask(file: &Written) -> Result<Credentials, CredentialsError> {
    Provider::new(Explicit::File(file.path.clone()), environment(&[])).load(Millis(0))
}

#[test]
fn a_file_of_ours_gives_keys() {
    let text = r#"{"access_key_id": " AKIA1\n", "secret_access_key": "sentinel/+"}"#;
    assert_eq!(line(&ask(&written(text, 0o600)).unwrap()), "AKIA1 sentinel/+ -");
    let text = r#"{"session_token": "sentinel-token", "access_key_id": "AKIA1",
                   "secret_access_key": "sentinel/+"}"#;
    assert_eq!(line(&ask(&written(text, 0o400)).unwrap()), "AKIA1 sentinel/+ sentinel-token");
}

#[test]
fn a_file_that_others_may_read_is_refused() {
    for mode in [0o644, 0o640, 0o604, 0o660, 0o601] {
        let file = written(r#"{"access_key_id": "A", "secret_access_key": "sentinel"}"#, mode);
        let text = said(&ask(&file).unwrap_err());
        let path = file.path.display();
        assert!(text.contains(&format!("others may read it (mode 0{mode:o}): chmod 600 {path}")), "{text}");
    }
}

#[test]
fn a_file_of_somebody_else_is_refused() {
    let file = written(r#"{"access_key_id": "A", "secret_access_key": "sentinel"}"#, 0o600);
    if std::os::unix::fs::chown(&file.path, Some(12345), None).is_err() {
        return; // only root can give files away
    }
    let text = said(&ask(&file).unwrap_err());
    assert!(text.contains("it belongs to user 12345 and this program runs as user 0"), "{text}");
}

#[test]
fn a_file_that_makes_no_sense_is_refused_without_repeating_it() {
    let cases = [
        ("", "it is not JSON: EOF while parsing a value at line 1 column 0"),
        ("sentinel", "it is not JSON: expected value at line 1 column 1"),
        ("{\"secret_access_key\": \"sentinel\n", "it is not JSON: control character"),
        ("{\"secret_access_key\": \"sentinel\" \"x\"}", "it is not JSON: expected `,` or `}`"),
        ("[\"sentinel\"]", "it is not of the form {\"access_key_id\""),
        ("{}", "`access_key_id` is missing"),
        ("{\"access_key_id\": \"A\"}", "`secret_access_key` is missing"),
        ("{\"access_key_id\": \"A\", \"secret_access_key\": [\"sentinel\"]}", "`secret_access_key` is not a string"),
        ("{\"access_key_id\": \"A\", \"secret_access_key\": \"\"}", "the secret access key is empty"),
        (
            "{\"access_key_id\": \"A\", \"secret_access_key\": \"senti nel sentinel\"}",
            "the secret access key holds a space",
        ),
        (
            "{\"access_key_id\": \"A\", \"secret_access_key\": \"B\", \"sentinel\": 1}",
            "it has a field that is not one of",
        ),
    ];
    for (contents, words) in cases {
        let text = said(&ask(&written(contents, 0o600)).unwrap_err());
        assert!(text.contains(words), "{contents}: {text}");
        assert!(text.starts_with("the credentials file `"), "{text}");
    }
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = TempDir::new().unwrap();
    let missing = Written { path: folder.path().join("none"), _folder: TempDir::new().unwrap() };
    assert!(said(&ask(&missing).unwrap_err()).contains("it cannot be read: No such file"));
    let directory = Written { path: folder.path().to_owned(), _folder: TempDir::new().unwrap() };
    assert!(said(&ask(&directory).unwrap_err()).contains("it is not a regular file"));
    let fifo = folder.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let fifo = Written { path: fifo, _folder: folder };
    assert!(said(&ask(&fifo).unwrap_err()).contains("it is not a regular file"));
}

#[test]
fn keys_of_the_job_are_trimmed_and_checked() {
    let given = |secret: &str| Credentials {
        access_key_id: "AKIA1 ".to_owned(),
        secret_access_key: Secret::new(secret.to_owned()),
        session_token: Some(Secret::new(" \n".to_owned())),
        expires_at: Some(Millis(7)),
    };
    let provider = Provider::new(Explicit::Keys(given(" sentinel\n")), environment(&[]));
    let keys = provider.load(Millis(0)).unwrap();
    assert_eq!((line(&keys), keys.expires_at), ("AKIA1 sentinel -".to_owned(), Some(Millis(7))));
    assert_eq!(provider.place(), Some(Place::Job));
    assert!(!format!("{provider:?}").contains(SENTINEL));
    let provider = Provider::new(Explicit::Keys(given("senti\tnel sentinel")), environment(&[]));
    let text = said(&provider.load(Millis(0)).unwrap_err());
    assert!(text.starts_with("the job's credentials: the secret access key holds"), "{text}");
}

#[test]
fn the_environment_gives_keys() {
    let variables = [
        ("AWS_ACCESS_KEY_ID", " AKIA1 "),
        ("AWS_SECRET_ACCESS_KEY", "sentinel\r\n"),
        ("AWS_SESSION_TOKEN", "sentinel-token"),
    ];
    let provider = Provider::new(Explicit::No, environment(&variables));
    assert_eq!(line(&provider.load(Millis(0)).unwrap()), "AKIA1 sentinel sentinel-token");
    assert_eq!(provider.place(), Some(Place::Environment));
    assert!(!format!("{provider:?}").contains(SENTINEL));
}

#[test]
fn half_of_the_environment_is_an_error() {
    for (variables, words) in [
        ([("AWS_ACCESS_KEY_ID", "A"), ("AWS_SECRET_ACCESS_KEY", " ")], "AWS_SECRET_ACCESS_KEY is not"),
        ([("AWS_SECRET_ACCESS_KEY", "sentinel"), ("X", "")], "AWS_ACCESS_KEY_ID is not"),
    ] {
        let provider = Provider::new(Explicit::No, environment(&variables));
        let text = said(&provider.load(Millis(0)).unwrap_err());
        assert!(text.starts_with("the environment: ") && text.ends_with(words), "{text}");
    }
}
