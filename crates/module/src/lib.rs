//! The S3 conversation as a WASI reactor: frames in, frames out.
//!
//! Exports, and nothing else: `memory`, `_initialize`, `abi_version_1`, `alloc`, `dealloc`,
//! `handle`. It imports what Rust's standard library needs of WASI to start and to panic; the
//! host's tests hold the exact list. There is no socket, file or clock in it.
//!
//! ```text
//! host                                   module
//! p = alloc(n); write the frame at p
//! r = handle(p, n)                       reads it, answers with ptr << 32 | len
//! dealloc(p, n); read the answer at ptr; dealloc(ptr, len)
//! ```
//!
//! One rule for memory: every buffer whose address the host was given, the host gives back.
//!
//! A frame that cannot be read traps, with the reason on stderr: its writer is the runner this
//! module is built into, so the fault is a bug, and a session that guesses what was meant could
//! send the wrong request under the right signature. The reason never quotes the frame, which may
//! hold keys.

// The exports take wasm addresses; on any other target there is nothing to export, and `dealloc`
// and its like must not become symbols of a native library.
#![cfg(target_family = "wasm")]

use std::cell::RefCell;

use holdfast_core::{
    abi::{Frame, FrameError, Input, MAX_FRAME_LEN, Session as _},
    session::S3Session,
};

thread_local! {
    static SESSION: RefCell<S3Session> = RefCell::new(S3Session::new());
}

#[allow(unsafe_code)] // made by the linker: runs the constructors of wasi-libc
unsafe extern "C" {
    safe fn __wasm_call_ctors();
}

/// Makes this a reactor: called once, before anything else. rustc links no start file into a
/// cdylib, and unless something calls the constructors by name, wasm-ld wraps every export in
/// calls of the constructors and destructors, as if each were a program of its own.
/// <https://github.com/WebAssembly/WASI/blob/main/legacy/application-abi.md>
#[allow(unsafe_code)] // an export
#[unsafe(no_mangle)]
pub extern "C" fn _initialize() {
    __wasm_call_ctors();
}

/// Says which seam this module speaks, by its name and by its value.
#[allow(unsafe_code)] // an export
#[unsafe(no_mangle)]
pub extern "C" fn abi_version_1() -> u32 {
    holdfast_core::abi::ABI_VERSION
}

/// A buffer of `len` bytes for the host to fill; 0 when no frame may be that long.
#[allow(unsafe_code)] // an export
#[unsafe(no_mangle)]
pub extern "C" fn alloc(len: usize) -> usize {
    if len > MAX_FRAME_LEN { 0 } else { leak(vec![0; len]).0 }
}

/// Takes a buffer back.
///
/// # Safety
/// `ptr` and `len` are those of one buffer that `alloc` or `handle` gave, not given back before.
/// (`free` would be wasi-libc's own symbol.)
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dealloc(ptr: usize, len: usize) {
    let buffer = std::ptr::slice_from_raw_parts_mut(ptr as *mut u8, len);
    // SAFETY: `leak` made this buffer from a box of the same length, and the caller ends its life.
    drop(unsafe { Box::from_raw(buffer) });
}

/// Takes the frame at `ptr`; answers with the address and length of another.
///
/// # Safety
/// `ptr` and `len` are those of one live buffer that `alloc` gave.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn handle(ptr: usize, len: usize) -> u64 {
    // SAFETY: the caller's promise; the session runs to its end before the buffer is touched again.
    let bytes = unsafe { std::slice::from_raw_parts(ptr as *const u8, len) };
    let (ptr, len) = leak(answer(bytes));
    (ptr as u64) << 32 | len as u64
}

fn answer(bytes: &[u8]) -> Vec<u8> {
    let input = match Frame::<Input>::decode(bytes) {
        Ok(input) => input,
        Err(FrameError::Header(error)) => {
            panic!("the host's header is not an input (line {}, column {})", error.line(), error.column())
        }
        Err(error) => panic!("the host's frame is broken: {error}"),
    };
    let output = SESSION.with_borrow_mut(|session| session.handle(&input)).unwrap_or_else(|error| panic!("{error}"));
    output.encode().unwrap_or_else(|error| panic!("cannot answer: {error}"))
}

fn leak(bytes: Vec<u8>) -> (usize, usize) {
    let bytes = Box::leak(bytes.into_boxed_slice());
    (bytes.as_mut_ptr() as usize, bytes.len())
}
