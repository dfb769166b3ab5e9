//! Machines that grant little: `holdfast self-test` under the limits of shared hosting.

use std::process::{Command, Output};

const HOLDFAST: &str = env!("CARGO_BIN_EXE_holdfast");

/// `ulimit -v` in KiB. By default wasmtime reserves 4 GiB for a memory.
const ADDRESS_SPACE_KIB: u32 = 300_000;

fn self_test(script: &str) -> String {
    let output = Command::new("sh").args(["-c", script, HOLDFAST]).output().expect("sh runs");
    said(&output)
}

fn said(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}: {out}{err}", output.status);
    out.into_owned()
}

#[test]
fn it_runs_as_machine_code_where_it_may() {
    let said = self_test(r#"exec "$0" self-test"#);
    assert!(said.contains("backend: native"), "{said}");
}

#[test]
fn it_runs_in_the_address_space_of_shared_hosting() {
    let said = self_test(&format!(r#"ulimit -v {ADDRESS_SPACE_KIB}; exec "$0" self-test"#));
    assert!(said.contains("backend: native"), "{said}");
    let said = self_test(&format!(r#"ulimit -v {ADDRESS_SPACE_KIB}; exec "$0" self-test --pulley"#));
    assert!(said.contains("backend: pulley"), "{said}");
}

#[test]
fn it_runs_with_few_descriptors_and_processes() {
    // `ulimit -u` counts all of a user's processes, so only the descriptors can be held to a number.
    let said = self_test(&format!(r#"ulimit -v {ADDRESS_SPACE_KIB} -n 20; exec "$0" self-test"#));
    assert!(said.contains("backend: native"), "{said}");
}

/// Memory-Deny-Write-Execute: what systemd's `MemoryDenyWriteExecute=` and SELinux's `execmem`
/// come to. It is set before the program and outlives exec; Linux 6.3 and later.
#[test]
fn pulley_takes_over_where_executable_memory_is_refused() {
    let script = "import ctypes, os, sys\n\
                  PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1\n\
                  libc = ctypes.CDLL(None, use_errno=True)\n\
                  if libc.prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) != 0:\n\
                  \x20   sys.exit(f'prctl: {os.strerror(ctypes.get_errno())}')\n\
                  os.execv(sys.argv[1], [sys.argv[1], 'self-test'])\n";
    let output = Command::new("python3").args(["-c", script, HOLDFAST]).output().expect("python3 runs");
    let said = said(&output);
    assert!(said.contains("backend: pulley") && said.contains("refused"), "{said}");
}
