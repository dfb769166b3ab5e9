//! `holdfast policy generate` and `lint`: files, streams and exit codes.

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

const POLICIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/tests/data/policies");

fn policy(args: &[&str], stdin: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_holdfast"))
        .arg("policy")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    child.wait_with_output().unwrap()
}

fn known(name: &str) -> String {
    Path::new(POLICIES).join(name).display().to_string()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn what_is_generated_is_a_document_on_stdout_and_commands_on_stderr() {
    let made = policy(&["generate", "group", "--bucket", "backups"], b"");
    assert_eq!(made.status.code(), Some(0));
    let document: serde_json::Value = serde_json::from_str(stdout(&made)).unwrap();
    assert_eq!(document["Version"], "2012-10-17");
    assert!(stderr(&made).contains("aws iam put-group-policy"), "{}", stderr(&made));
    let judged = policy(&["lint", "-", "--bucket", "backups"], &made.stdout);
    assert_eq!(judged.status.code(), Some(0), "{}", stdout(&judged));
}

#[test]
fn a_set_goes_into_files_which_are_not_replaced_unless_told() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("policies");
    let args = ["generate", "--bucket", "backups", "--out", out.to_str().unwrap()];
    assert_eq!(policy(&args, b"").status.code(), Some(0));
    let files = ["group-policy.json", "bucket-policy.json", "lifecycle.json"].map(|name| out.join(name));
    let mut lint = vec!["lint", "--bucket", "backups", "--prefix", "home/${aws:username}/"];
    lint.extend(files.iter().map(|file| file.to_str().unwrap()));
    let judged = policy(&lint, b"");
    assert_eq!((judged.status.code(), stdout(&judged)), (Some(0), "nothing found\n"));
    std::fs::write(&files[2], "mine").unwrap();
    assert_eq!(policy(&args, b"").status.code(), Some(15));
    assert_eq!(std::fs::read_to_string(&files[2]).unwrap(), "mine");
    let again = [&args[..], &["--overwrite"]].concat();
    assert_eq!(policy(&again, b"").status.code(), Some(0));
    assert_ne!(std::fs::read_to_string(&files[2]).unwrap(), "mine");
}

#[test]
fn names_that_a_policy_would_misread_are_refused() {
    for (args, words) in [
        (["generate", "one-client", "--bucket=backups", "--client=a*"], "wildcard"),
        (["generate", "one-client", "--bucket=backups", "--client=a/b"], "inside another"),
        (["generate", "group", "--bucket=backups", "--prefix=home/client1"], "client10"),
        (["generate", "group", "--bucket=s3://backups", "--prefix=home/"], "bare name"),
        (["generate", "group", "--bucket=backups", "--kms-key=alias/x"], "describe-key"),
    ] {
        let refused = policy(&args, b"");
        assert_eq!((refused.status.code(), stdout(&refused)), (Some(2), ""));
        assert!(stderr(&refused).contains(words), "{}", stderr(&refused));
    }
}

#[test]
fn lint_ends_with_3_on_findings_with_0_on_notes_and_with_2_on_what_is_no_policy() {
    let code = |args: &[&str], stdin: &[u8]| policy(&[&["lint"], args].concat(), stdin).status.code();
    assert_eq!(code(&[&known("origin-final.json")], b""), Some(3));
    assert_eq!(code(&[&known("group.json"), "--bucket", "rainworks-hosting-backups"], b""), Some(0));
    assert_eq!(code(&["-", &known("origin-final.json")], b"{"), Some(2));
    assert_eq!(code(&["-"], &vec![b'['; 6_000_000]), Some(2));
    assert_eq!(code(&["no-such-file.json"], b""), Some(2));
    assert_eq!(code(&[], b""), Some(2));
}

#[test]
fn findings_are_one_json_document() {
    let judged = policy(&["lint", "--json", &known("origin-final.json")], b"");
    let report: serde_json::Value = serde_json::from_str(stdout(&judged)).unwrap();
    assert_eq!(report["findings"].as_array().unwrap().len(), 9);
    assert_eq!(report["findings"][0]["rule"], "bucket-names");
}
