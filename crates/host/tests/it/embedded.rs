//! The module that is in the binary.

use holdfast::sandbox::{ALLOWED_IMPORTS, Backend, embedded_exports, embedded_imports};

/// No socket, no file, no clock: the promise, as a list. A change of it is a change of the promise.
const IMPORTS: [&str; 5] = [
    "wasi_snapshot_preview1.environ_get",
    "wasi_snapshot_preview1.environ_sizes_get",
    "wasi_snapshot_preview1.fd_write",
    "wasi_snapshot_preview1.proc_exit",
    "wasi_snapshot_preview1.random_get",
];

#[test]
fn it_imports_exactly_what_is_promised() {
    for backend in [Backend::Native, Backend::Pulley] {
        let mut imports = embedded_imports(backend).expect("loads");
        imports.sort();
        assert_eq!(imports, IMPORTS);
    }
    assert_eq!(ALLOWED_IMPORTS.map(|name| format!("wasi_snapshot_preview1.{name}")), IMPORTS);
}

#[test]
fn it_exports_exactly_the_seam() {
    for backend in [Backend::Native, Backend::Pulley] {
        let mut exports = embedded_exports(backend).expect("loads");
        exports.sort();
        assert_eq!(exports, ["_initialize", "abi_version_1", "alloc", "dealloc", "handle", "memory"]);
    }
}
