//! Builds the wasm module and compiles it ahead of time, so that the runner carries no compiler.
//!
//! Two images come out: machine code for a *baseline* CPU of the target (naming a target keeps
//! wasmtime from using what the builder's own CPU can do), and Pulley bytecode for machines that
//! refuse executable memory.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use wasmtime::{Config, Engine};

#[path = "src/sandbox/engine_config.rs"]
mod engine_config;

const WASM_TARGET: &str = "wasm32-wasip1";

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let target = env::var("TARGET")?;
    let crates = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let crates = crates.parent().ok_or("crates/host has no parent")?;

    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/sandbox/engine_config.rs");
    // Relative to this package: two checkouts may share a target folder, and the module of one is
    // not the other's.
    for path in ["core/src", "core/Cargo.toml", "module/src", "module/Cargo.toml", "../Cargo.toml", "../Cargo.lock"] {
        println!("cargo::rerun-if-changed=../{path}");
    }

    require_wasm_target()?;
    let wasm = fs::read(build_module(&crates.join("module/Cargo.toml"), &target_dir(&out))?)?;
    fs::write(out.join("native.cwasm"), precompile(&wasm, &target)?)?;
    // The native image is not compressed: to inflate it would take ten times as long as to load
    // it. Pulley's is for the few, whom ten milliseconds more do not hurt.
    let pulley = pulley()?;
    let image = precompile(&wasm, pulley)?;
    fs::write(out.join("pulley.cwasm.z"), miniz_oxide::deflate::compress_to_vec(&image, 9))?;
    println!("cargo::rustc-env=HOLDFAST_PULLEY={pulley}");
    Ok(())
}

fn precompile(wasm: &[u8], target: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut config = Config::new();
    engine_config::tune(&mut config).target(target)?;
    Ok(Engine::new(&config)?.precompile_module(wasm)?)
}

/// Pulley's bytecode is the same everywhere but for pointer width and byte order.
fn pulley() -> Result<&'static str, Box<dyn Error>> {
    let width = env::var("CARGO_CFG_TARGET_POINTER_WIDTH")?;
    let endian = env::var("CARGO_CFG_TARGET_ENDIAN")?;
    match (width.as_str(), endian.as_str()) {
        ("64", "little") => Ok("pulley64"),
        ("64", "big") => Ok("pulley64be"),
        ("32", "little") => Ok("pulley32"),
        ("32", "big") => Ok("pulley32be"),
        _ => Err(format!("Pulley has no {width} bit {endian} endian form").into()),
    }
}

/// Where the nested build keeps its files: beside the folders of all profiles and targets, so
/// that a debug build, a release build and a musl build share one module. It is a target folder
/// of its own, because cargo holds a lock on the one it is building into. Cargo marks the root of
/// a target folder with `CACHEDIR.TAG`.
fn target_dir(out: &Path) -> PathBuf {
    let root = out.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    root.unwrap_or(out).join("holdfast-module")
}

fn build_module(manifest: &Path, target_dir: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let mut cargo = Command::new(env::var_os("CARGO").ok_or("CARGO is not set")?);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_foreign) {
            cargo.env_remove(name);
        }
    }
    // The lock file was settled by the build that this one is part of.
    cargo.args(["build", "--locked", "--package", "holdfast-module", "--profile", "module"]);
    cargo.args(["--target", WASM_TARGET, "--manifest-path"]).arg(manifest);
    cargo.arg("--target-dir").arg(target_dir);
    let status = cargo.status()?;
    if !status.success() {
        return Err(format!("building the module failed ({status})").into());
    }
    Ok(target_dir.join(WASM_TARGET).join("module/holdfast_module.wasm"))
}

/// Whether a variable is about the runner's build and would change the module's: flags (coverage
/// instrumentation has no runtime in wasm), wrappers, profiles, targets. What says how to reach
/// registries, and the job server, is kept.
fn is_foreign(name: &str) -> bool {
    const KEPT: [&str; 7] =
        ["CARGO_HOME", "CARGO_MAKEFLAGS", "CARGO_TERM_", "CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTR", "CARGO_CACHE_"];
    let flags = name.contains("RUSTFLAGS") || name.contains("RUSTDOCFLAGS");
    let wrapper = name.starts_with("RUSTC_") && name.ends_with("WRAPPER");
    let cargo = name.starts_with("CARGO_") && !KEPT.iter().any(|kept| name.starts_with(kept));
    flags || wrapper || cargo || name == "LLVM_PROFILE_FILE" || name == "RUSTC_LINKER"
}

/// rustup adds the targets of `rust-toolchain.toml` only where its auto-install is on.
fn require_wasm_target() -> Result<(), Box<dyn Error>> {
    if has_wasm_target()? {
        return Ok(());
    }
    let added = Command::new("rustup").args(["target", "add", WASM_TARGET]).status();
    if added.is_ok_and(|status| status.success()) && has_wasm_target()? {
        return Ok(());
    }
    Err(format!(
        "this toolchain has no `{WASM_TARGET}`, which the module is built for, and it could not be \
         added: run `rustup target add {WASM_TARGET}` in this checkout (without rustup, install \
         your distribution's Rust standard library for {WASM_TARGET}), then build again"
    )
    .into())
}

fn has_wasm_target() -> Result<bool, Box<dyn Error>> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(["--print", "target-libdir", "--target", WASM_TARGET]).output()?;
    let folder = String::from_utf8(output.stdout)?;
    Ok(output.status.success() && Path::new(folder.trim()).is_dir())
}
