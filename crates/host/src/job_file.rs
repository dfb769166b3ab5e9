//! The job on stdin: everything that the command line can say, and the keys, as one JSON object.
//! `docs/job.md` describes it, `docs/job.schema.json` is its schema.

use std::{collections::BTreeMap, io::Read, path::PathBuf};

use holdfast_core::{
    error::{Error, Kind},
    secret::Credentials,
};
use serde::Deserialize;

/// What a job may be, in bytes.
const MAX_LEN: u64 = 1 << 20;

/// The job.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobFile {
    /// Of this form; 1.
    pub version: u32,
    /// What to send and where to.
    pub upload: Upload,
    /// Where storage is.
    #[serde(default)]
    pub storage: Storage,
    /// The keys.
    #[serde(default)]
    pub credentials: Option<JobCredentials>,
}

/// What to send and where to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    /// Absolute path of the archive.
    pub archive: PathBuf,
    /// `s3://BUCKET/KEY`.
    pub to: String,
    /// Replace an object that exists.
    #[serde(default)]
    pub overwrite: bool,
    /// Bytes.
    #[serde(default)]
    pub part_size: Option<u64>,
    /// Storage class.
    #[serde(default)]
    pub storage_class: Option<String>,
    /// `aes256`, `kms` or `kms:KEY-ID`.
    #[serde(default)]
    pub encrypt: Option<String>,
    /// Tags of the object.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Metadata of the object.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// Where storage is.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // as on the command line
pub struct Storage {
    #[serde(default)]
    pub endpoint: Option<String>,
    #[serde(default)]
    pub region: Option<String>,
    #[serde(default)]
    pub provider: Option<String>,
    #[serde(default)]
    pub expected_bucket_owner: Option<String>,
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    #[serde(default)]
    pub allow_http: bool,
}

/// The keys, or the file that has them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum JobCredentials {
    /// A JSON file of the user's own, mode 0600.
    File {
        /// Absolute path.
        file: PathBuf,
    },
    /// The keys themselves.
    Keys(Credentials),
}

/// Reads a job.
///
/// # Errors
/// When it is not JSON (with line and column) or a field is wrong, missing or unknown (with its
/// path). What it says of the keys is not repeated.
pub fn read(input: &mut dyn Read) -> Result<JobFile, Error> {
    let config = |what: String| Error::new(Kind::Config, what).hint("docs/job.md describes the job");
    let mut bytes = Vec::new();
    input
        .take(MAX_LEN + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| config(format!("cannot read the job from stdin: {error}")))?;
    if bytes.len() as u64 > MAX_LEN {
        return Err(config(format!("the job on stdin is longer than {MAX_LEN} bytes")));
    }
    let mut json = serde_json::Deserializer::from_slice(&bytes);
    let job: JobFile = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        let field = if path == "." { String::new() } else { format!(", at `{path}`") };
        let (line, column) = (inner.line(), inner.column());
        // The parser quotes what it found, and here that may be a key.
        let why = if path.starts_with("credentials") {
            "the keys are not of a known form".to_owned()
        } else {
            let text = inner.to_string();
            text.split(" at line ").next().unwrap_or_default().to_owned()
        };
        config(format!("the job on stdin is not understood: line {line}, column {column}{field}: {why}"))
    })?;
    json.end().map_err(|error| config(format!("the job on stdin is followed by something else: {error}")))?;
    if job.version != 1 {
        return Err(config(format!("the job on stdin has version {}; this program knows version 1", job.version)));
    }
    Ok(job)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<JobFile, String> {
        read(&mut text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_job_is_read() {
        let job = read_text(
            r#"{"version":1,"upload":{"archive":"/a.zip","to":"s3://bucket/a.zip"},
               "credentials":{"access_key_id":"AK","secret_access_key":"S"}}"#,
        )
        .expect("valid");
        assert!(matches!(job.credentials, Some(JobCredentials::Keys(_))));
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let cases = [
            ("", "line 1, column 0"),
            ("{\"version\":1,\n \"upload\":{\"archive\":7}}", "line 2, column 22, at `upload.archive`"),
            (r#"{"version":1,"upload":{"archive":"/a","to":"s3://b/k","speed":9}}"#, "unknown field `speed`"),
            (r#"{"version":1}"#, "missing field `upload`"),
            (r#"{"version":2,"upload":{"archive":"/a","to":"s3://b/k"}}"#, "version 2"),
            (r#"{"version":1,"upload":{"archive":"/a","to":"s3://b/k"}} x"#, "followed by something else"),
        ];
        for (text, expected) in cases {
            let error = read_text(text).expect_err(text);
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn keys_in_a_broken_job_are_not_repeated() {
        let text = r#"{"version":1,"upload":{"archive":"/a","to":"s3://b/k"},"credentials":{"access_key_id":"AK","secret_access_key":["SENTINEL"]}}"#;
        let error = read_text(text).expect_err("wrong");
        assert!(!error.contains("SENTINEL") && error.contains("credentials"), "{error}");
    }
}
