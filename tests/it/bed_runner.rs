//! The runner's harness catches what it is there for, shown with a shell in the runner's place.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use holdfast_testbed::{Finished, Holdfast, SECRET};

fn shell() -> Holdfast {
    Holdfast::new().program("/bin/sh")
}

fn caught(run: impl FnOnce() -> Finished) -> String {
    let panic = catch_unwind(AssertUnwindSafe(run)).expect_err("the harness must not accept this");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn a_clean_run_is_returned_with_its_outputs_and_events() {
    let script = r#"echo '{"event":"part_done","part":1}'; echo plain; echo '{"event":"done"}'; echo no >&2; exit 3"#;
    let finished = shell().run(["-c", script]).expect_code(3);
    assert_eq!(finished.events().len(), 2);
    assert_eq!(finished.event("part_done").expect("it was printed")["part"], 1);
    assert_eq!(finished.stderr, "no\n");
}

#[test]
fn the_environment_is_clean_and_stdin_is_given() {
    let finished = shell().env("EXTRA", "1").run(["-c", "env | cut -d= -f1 | sort"]).expect_ok();
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "EXTRA", "HOME"] {
        assert!(finished.stdout.lines().any(|line| line == name), "{finished}");
    }
    assert!(!finished.stdout.contains("CARGO"), "{finished}");
    let finished = shell().run_with_input(["-c", "cat"], b"{\"job\":1}").expect_ok();
    assert_eq!(finished.json()["job"], 1);
}

#[test]
fn the_secret_on_an_output_is_caught() {
    let message = caught(|| shell().run(["-c", "echo key=$AWS_SECRET_ACCESS_KEY >&2"]));
    assert!(message.starts_with("the secret was found in [\"stderr\"]"), "{message}");
}

#[test]
fn the_secret_in_the_state_folder_is_caught_even_encoded() {
    let script = "mkdir -p $HOME/.local/state/holdfast/jobs && \
                  printf %s $AWS_SECRET_ACCESS_KEY | base64 > $HOME/.local/state/holdfast/jobs/1";
    let message = caught(|| shell().run(["-c", script]));
    assert!(message.contains(".local/state/holdfast/jobs/1"), "{message}");
}

#[test]
fn the_secret_in_an_argument_list_is_caught() {
    let message = caught(|| shell().run(["-c", &format!("sleep 0.3; : {SECRET}")]));
    assert!(message.contains("/cmdline"), "{message}");
}

#[test]
fn the_secret_in_the_environment_is_caught_where_it_was_not_given() {
    let script = "read key; KEY=$key sleep 0.5";
    let input = format!("{SECRET}\n");
    let message = caught(|| shell().without_key().run_with_input(["-c", script], input.as_bytes()));
    assert!(message.contains("/environ"), "{message}");
}

#[test]
fn a_run_is_killed_at_an_event_or_after_its_time() {
    let script = r#"echo '{"event":"part_done","part":1}'; exec sleep 60"#;
    let mut running = shell().start(["-c", script]);
    let event = running.wait_for_event(|event| event["event"] == "part_done");
    assert_eq!(event.expect("it was printed")["part"], 1);
    assert_eq!(running.kill().code(), 137);

    let began = Instant::now();
    let message = caught(|| shell().within(Duration::from_millis(200)).run(["-c", "exec sleep 60"]));
    assert!(message.starts_with("still running after"), "{message}");
    assert!(began.elapsed() < Duration::from_secs(30));
}
