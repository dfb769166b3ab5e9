//! What the compiler in the build script and the runtime in the runner must agree on: wasmtime
//! refuses an image compiled under other settings. Both include this file.

use wasmtime::Config;

/// Prepares a configuration for a web host that grants little.
///
/// By default wasmtime reserves 4 GiB of address space for each memory, to leave bounds checks
/// out, and fails under the `ulimit -v` of shared hosting. Here nothing is reserved, every access
/// is checked, and a memory moves when it grows. Epochs are what a deadline needs. Of the wasm
/// proposals only those stay on that rustc uses.
pub(crate) fn tune(config: &mut Config) -> &mut Config {
    config
        .memory_reservation(0)
        .memory_guard_size(64 << 10)
        .memory_reservation_for_growth(4 << 20)
        .memory_may_move(true)
        .guard_before_linear_memory(false)
        .memory_init_cow(false)
        .epoch_interruption(true)
        .wasm_relaxed_simd(false)
        .wasm_simd(false)
        .wasm_tail_call(false)
        .wasm_multi_memory(false)
        .wasm_memory64(false)
        .wasm_extended_const(false)
        // A trap is told by its kind and by what the module printed; a map back to wasm offsets
        // would be larger than the code.
        .wasm_backtrace(false)
        .generate_address_map(false)
        .native_unwind_info(cfg!(windows))
}
