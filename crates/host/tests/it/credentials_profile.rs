//! Profiles of AWS's own files.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use holdfast_core::abi::Millis;
use tempfile::TempDir;

use crate::{
    credentials_file::{environment, line, said},
    host::credentials::{Environment, Explicit, Place, Provider, region},
};

/// A home folder with AWS's files in it.
fn home(credentials: Option<&str>, config: Option<&str>) -> TempDir {
    let home = TempDir::new().unwrap();
    let folder = home.path().join(".aws");
    fs::create_dir(&folder).unwrap();
    for (name, text) in [("credentials", credentials), ("config", config)] {
        if let Some(text) = text {
            fs::write(folder.join(name), text).unwrap();
            fs::set_permissions(folder.join(name), Permissions::from_mode(0o600)).unwrap();
        }
    }
    home
}

fn at_home(home: &Path, variables: &[(&str, &str)]) -> Environment {
    let mut all = vec![("HOME", home.to_str().unwrap())];
    all.extend(variables);
    environment(&all)
}

const CREDENTIALS: &str = "[default]\naws_access_key_id = AKIA0\naws_secret_access_key = sentinel0\n\
    [two]\naws_access_key_id=AKIA2\naws_secret_access_key=sentinel2\naws_session_token=sentinelT\n";
const CONFIG: &str = "[default]\nregion = eu-central-1\n[profile two]\nregion=eu-west-1\n\
    aws_access_key_id=overridden\n[profile three]\naws_access_key_id=AKIA3\n\
    aws_secret_access_key=sentinel3\n[two-without-prefix]\nregion=nowhere\n";

fn load(home: &TempDir, explicit: Option<&str>, variables: &[(&str, &str)]) -> Result<String, String> {
    let explicit = explicit.map_or(Explicit::No, |name| Explicit::Profile(name.to_owned()));
    let provider = Provider::new(explicit, at_home(home.path(), variables));
    let loaded = provider.load(Millis(0));
    assert!(!format!("{provider:?}").contains("sentinel"));
    loaded.map(|keys| line(&keys)).map_err(|error| said(&error))
}

#[test]
fn the_profile_asked_for_gives_keys_and_region() {
    let home = home(Some(CREDENTIALS), Some(CONFIG));
    assert_eq!(load(&home, None, &[]).unwrap(), "AKIA0 sentinel0 -");
    assert_eq!(load(&home, None, &[("AWS_PROFILE", "two")]).unwrap(), "AKIA2 sentinel2 sentinelT");
    assert_eq!(load(&home, Some("three"), &[("AWS_PROFILE", "two")]).unwrap(), "AKIA3 sentinel3 -");

    let plain = at_home(home.path(), &[]);
    assert_eq!(region(None, &plain).unwrap().as_deref(), Some("eu-central-1"));
    assert_eq!(region(Some("two"), &plain).unwrap().as_deref(), Some("eu-west-1"));
    assert_eq!(region(Some("three"), &plain).unwrap(), None);
    let set = at_home(home.path(), &[("AWS_DEFAULT_REGION", "a"), ("AWS_REGION", "b")]);
    assert_eq!(region(None, &set).unwrap().as_deref(), Some("b"));
}

#[test]
fn an_explicit_profile_wins_over_the_environment_and_the_default_one_does_not() {
    let home = home(Some(CREDENTIALS), None);
    let keys = [("AWS_ACCESS_KEY_ID", "AKIAE"), ("AWS_SECRET_ACCESS_KEY", "sentinelE")];
    assert_eq!(load(&home, None, &keys).unwrap(), "AKIAE sentinelE -");
    assert_eq!(load(&home, Some("two"), &keys).unwrap(), "AKIA2 sentinel2 sentinelT");
}

#[test]
fn the_files_can_lie_elsewhere() {
    let home = home(None, None);
    fs::write(home.path().join("c"), CREDENTIALS).unwrap();
    fs::write(home.path().join("f"), CONFIG).unwrap();
    let elsewhere = [("AWS_SHARED_CREDENTIALS_FILE", "~/c"), ("AWS_CONFIG_FILE", "~/f")];
    assert_eq!(load(&home, None, &elsewhere).unwrap(), "AKIA0 sentinel0 -");
    assert_eq!(load(&home, Some("three"), &elsewhere).unwrap(), "AKIA3 sentinel3 -");
}

#[test]
fn a_profile_that_was_named_must_be_there() {
    let home = home(Some(CREDENTIALS), None);
    for (explicit, variables) in [(Some("nine"), &[][..]), (None, &[("AWS_PROFILE", "nine")][..])] {
        let text = load(&home, explicit, variables).unwrap_err();
        assert!(text.starts_with("the AWS profile `nine`: there is none in `"), "{text}");
        assert!(text.contains("/.aws/config` (no such file)"), "{text}");
    }
}

#[test]
fn ways_that_are_not_supported_are_named() {
    let keys = "aws_access_key_id=A\naws_secret_access_key=sentinel\n";
    for (settings, setting) in [
        ("sso_session = x\nsso_account_id = 1\n", "sso_session"),
        ("sso_start_url = https://x\n", "sso_start_url"),
        ("credential_process = /bin/sentinel\n", "credential_process"),
        ("role_arn = arn:x\nsource_profile = two\n", "role_arn"),
        (&format!("role_arn = arn:x\nsource_profile = default\n{keys}"), "role_arn"),
        (&format!("sso_session = x\n{keys}"), "sso_session"),
        ("web_identity_token_file = /x\n", "web_identity_token_file"),
    ] {
        let home = home(None, Some(&format!("[default]\n{settings}")));
        let text = load(&home, None, &[]).unwrap_err();
        let expected = format!("the AWS profile `default`: it sets `{setting}`, which is not supported");
        assert!(text.starts_with(&expected), "{text}");
    }
    let home = home(Some(&format!("[default]\n{keys}credential_process = x\n")), None);
    assert_eq!(load(&home, None, &[]).unwrap(), "A sentinel -");
}

#[test]
fn half_a_pair_is_an_error() {
    let home = home(Some("[default]\naws_access_key_id = AKIA0\n"), None);
    assert!(load(&home, None, &[]).unwrap_err().ends_with("it has no `aws_secret_access_key`"));
}

#[test]
fn a_line_without_sense_is_named_by_number() {
    let home = home(Some("[default]\naws_secret_access_key sentinel\n"), None);
    let text = load(&home, None, &[]).unwrap_err();
    assert!(text.contains("line 2 of `") && text.contains("/.aws/credentials`"), "{text}");
}

#[test]
fn a_file_of_aws_that_others_may_read_is_only_worth_a_warning() {
    let home = home(Some(CREDENTIALS), Some(CONFIG));
    let path = home.path().join(".aws/credentials");
    let warnings = || {
        let provider = Provider::new(Explicit::No, at_home(home.path(), &[]));
        provider.load(Millis(0)).unwrap();
        assert_eq!(provider.place(), Some(Place::Profile("default".to_owned())));
        provider.warnings()
    };
    assert_eq!(warnings(), Vec::<String>::new());
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    assert_eq!(warnings(), [format!("others may read `{}` (mode 0644): chmod 600 it", path.display())]);
}

#[test]
fn a_file_that_was_named_must_be_readable() {
    let home = home(None, None);
    let folder = home.path().to_str().unwrap();
    let text = load(&home, None, &[("AWS_SHARED_CREDENTIALS_FILE", folder)]).unwrap_err();
    assert!(text.ends_with("cannot be read: it is not a regular file"), "{text}");
}
