//! Compiles `modules/*.wat`, and a module for each forbidden import, as the runner's build script
//! compiles the real one.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

use wasmtime::{Config, Engine};

#[path = "../../src/sandbox/engine_config.rs"]
mod engine_config;

const FORBIDDEN: [(&str, &str); 8] = [
    ("wasi_snapshot_preview1", "clock_time_get"),
    ("wasi_snapshot_preview1", "fd_prestat_get"),
    ("wasi_snapshot_preview1", "fd_read"),
    ("wasi_snapshot_preview1", "path_open"),
    ("wasi_snapshot_preview1", "sock_accept"),
    ("wasi_snapshot_preview1", "sock_send"),
    ("wasi_unstable", "fd_write"),
    ("env", "system"),
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=modules");
    println!("cargo::rerun-if-changed=../../src/sandbox/engine_config.rs");
    let out = env::var("OUT_DIR")?;
    let engines = [("native", engine(&env::var("TARGET")?)?), ("pulley", engine("pulley64")?)];

    let mut modules = Vec::new();
    for entry in fs::read_dir("modules")? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).ok_or("a module without a name")?;
        modules.push((name.to_owned(), wat::parse_file(&path)?));
    }
    for (from, name) in FORBIDDEN {
        let text = format!("(module (import \"{from}\" \"{name}\" (func)))");
        modules.push((format!("{from}.{name}"), wat::parse_str(&text)?));
    }
    modules.push(("env.memory".to_owned(), wat::parse_str("(module (import \"env\" \"memory\" (memory 1)))")?));
    modules.sort();

    let mut list = "[\n".to_owned();
    for (name, wasm) in &modules {
        write!(list, "    Module {{ name: {name:?}")?;
        for (backend, engine) in &engines {
            let path = Path::new(&out).join(format!("{name}.{backend}.cwasm"));
            fs::write(&path, engine.precompile_module(wasm)?)?;
            write!(list, ", {backend}: include_bytes!({path:?})")?;
        }
        list.push_str(" },\n");
    }
    list.push_str("]\n");
    fs::write(Path::new(&out).join("modules.rs"), list)?;
    Ok(())
}

fn engine(target: &str) -> Result<Engine, Box<dyn Error>> {
    let mut config = Config::new();
    engine_config::tune(&mut config).target(target)?;
    Ok(Engine::new(&config)?)
}
