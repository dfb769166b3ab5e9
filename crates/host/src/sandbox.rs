//! The S3 module in its sandbox, as a [`Session`]: the only file that names wasmtime and
//! wasi-common.
//!
//! The module is compiled ahead of time and embedded. What it may do is decided here: five
//! imports, none of which reaches a file, a socket, a clock or the environment; so much memory;
//! so long a call; frames so large. After any fault the session is dead.
//!
//! Not in scope: whether the requests that come out are ones the job allows; that is
//! [`crate::fence`].

use std::{fmt, time::Duration};

use holdfast_core::{
    abi::{ABI_VERSION, Frame, Input, MAX_INLINE_LEN, Output, Session, SessionError},
    secret::{Credentials, Secret},
};
use wasi_common::{WasiClocks, WasiCtx, random::Deterministic, sync::sched_ctx, table::Table};
use wasmtime::{
    Caller, Config, Engine, Extern, Instance, Linker, Memory, Module, Store, StoreLimits, StoreLimitsBuilder, Trap,
    TypedFunc,
};

mod answer;
mod engine_config;
mod said;
mod watchdog;

use said::Said;
use watchdog::Watchdog;

/// Where the imports come from.
const WASI: &str = "wasi_snapshot_preview1";

/// All that a module may import: what Rust's standard library needs to start, to seed its hash
/// maps and to panic. The host feeds `random_get` from a seed and gives out an empty environment.
pub const ALLOWED_IMPORTS: [&str; 5] = ["environ_get", "environ_sizes_get", "fd_write", "proc_exit", "random_get"];

/// What runs the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// Machine code.
    Native,
    /// wasmtime's bytecode interpreter, some ten times slower, for machines that refuse
    /// executable memory (SELinux `execmem`, `PR_SET_MDWE`).
    Pulley,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "native",
            Self::Pulley => "pulley",
        })
    }
}

/// What the module may use up.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Linear memory, in bytes.
    pub memory_len: usize,
    /// Time for one call.
    pub call: Duration,
}

impl Limits {
    /// A signature takes well under a millisecond, a page of a listing a few; a call that runs
    /// for seconds is stuck.
    #[must_use]
    pub fn of(backend: Backend) -> Self {
        let seconds = match backend {
            Backend::Native => 10,
            Backend::Pulley => 60,
        };
        Self { memory_len: 64 << 20, call: Duration::from_secs(seconds) }
    }
}

/// Why there is no session, or no longer one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SandboxError {
    /// Neither image could be made ready.
    #[error("it cannot be loaded: {0}")]
    Load(String),
    /// It wants to reach something outside.
    #[error("it asks for `{0}`, which it may not have")]
    Import(String),
    /// It is not built for this runner.
    #[error("it has no export `{0}` of the right type")]
    Export(&'static str),
    /// It speaks another version of the seam.
    #[error("it speaks version {0} of the seam, this runner {ABI_VERSION}")]
    Version(u32),
    /// It did not come back in time.
    #[error("it ran for more than {} s", .0.as_secs_f64())]
    Deadline(Duration),
    /// It stopped in the middle of a call; with what it printed.
    #[error("it stopped: {what}{}{said}", if .said.is_empty() { "" } else { ": " })]
    Stopped {
        /// The trap.
        what: String,
        /// Its last words, without the keys.
        said: String,
    },
    /// What it gave back breaks the rules of the seam.
    #[error("{0}")]
    Broken(String),
    /// It broke before.
    #[error("its session is over since {0}")]
    Dead(Box<SandboxError>),
}

/// A module in a sandbox.
pub struct WasmSession {
    store: Store<Guest>,
    watchdog: Watchdog,
    exports: Exports,
    limits: Limits,
    backend: Backend,
    native_refused: Option<String>,
    said: Said,
    secrets: Vec<Secret<String>>,
    broken: Option<SandboxError>,
}

struct Exports {
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    dealloc: TypedFunc<(u32, u32), ()>,
    handle: TypedFunc<(u32, u32), u64>,
}

struct Guest {
    wasi: WasiCtx,
    said: Said,
    limits: StoreLimits,
}

impl WasmSession {
    /// A session with the embedded module: machine code, or Pulley where that is refused. `seed`
    /// is all the entropy that the module gets.
    ///
    /// # Errors
    /// When neither runs here.
    pub fn new(seed: u64) -> Result<Self, SandboxError> {
        match Self::with_backend(Backend::Native, seed) {
            Ok(session) => Ok(session),
            Err(native) => match Self::with_backend(Backend::Pulley, seed) {
                Ok(session) => Ok(Self { native_refused: Some(native.to_string()), ..session }),
                Err(pulley) => Err(SandboxError::Load(format!("{native}; {pulley}"))),
            },
        }
    }

    /// A session with the embedded module on one backend and no other.
    ///
    /// # Errors
    /// When it does not run here.
    pub fn with_backend(backend: Backend, seed: u64) -> Result<Self, SandboxError> {
        let engine = engine(backend)?;
        let module = embedded(&engine, backend)?;
        Self::start(&engine, &module, backend, Limits::of(backend), seed)
    }

    /// What runs the module.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Why the machine code was not taken, when [`WasmSession::new`] fell back to Pulley.
    #[must_use]
    pub fn native_refused(&self) -> Option<&str> {
        self.native_refused.as_deref()
    }

    /// The module's linear memory now, in bytes.
    #[must_use]
    pub fn memory_len(&self) -> usize {
        self.exports.memory.data_size(&self.store)
    }

    fn start(
        engine: &Engine,
        module: &Module,
        backend: Backend,
        limits: Limits,
        seed: u64,
    ) -> Result<Self, SandboxError> {
        check_imports(module)?;
        let said = Said::default();
        let guest = Guest {
            wasi: wasi(seed),
            said: said.clone(),
            limits: StoreLimitsBuilder::new()
                .memory_size(limits.memory_len)
                .memories(1)
                .tables(1)
                .table_elements(100_000)
                .instances(1)
                .build(),
        };
        let mut store = Store::new(engine, guest);
        store.limiter(|guest| &mut guest.limits);
        let mut linker = Linker::new(engine);
        wasi_common::sync::snapshots::preview_1::add_wasi_snapshot_preview1_to_linker(
            &mut linker,
            |guest: &mut Guest| &mut guest.wasi,
        )
        .and_then(|()| linker.allow_shadowing(true).func_wrap(WASI, "fd_write", print).map(|_| ()))
        .map_err(|error| SandboxError::Load(error.to_string()))?;

        let watched = engine.clone();
        let watchdog = Watchdog::new(move || watched.increment_epoch())
            .map_err(|error| SandboxError::Load(format!("no thread for the deadline: {error}")))?;
        let guard = watchdog.guard(limits.call);
        // One step of the epoch, which the watchdog makes when the time is up.
        store.set_epoch_deadline(1);
        let fault = |error: wasmtime::Error| stopped(&error, limits, &said, &[]);
        let instance = linker.instantiate(&mut store, module).map_err(fault)?;
        let initialize = function::<(), ()>(&instance, &mut store, "_initialize")?;
        initialize.call(&mut store, ()).map_err(fault)?;
        let version = function::<(), u32>(&instance, &mut store, "abi_version_1")?;
        let version = version.call(&mut store, ()).map_err(fault)?;
        if version != ABI_VERSION {
            return Err(SandboxError::Version(version));
        }
        drop(guard);

        let exports = Exports {
            memory: instance.get_memory(&mut store, "memory").ok_or(SandboxError::Export("memory"))?,
            alloc: function(&instance, &mut store, "alloc")?,
            dealloc: function(&instance, &mut store, "dealloc")?,
            handle: function(&instance, &mut store, "handle")?,
        };
        Ok(Self {
            store,
            watchdog,
            exports,
            limits,
            backend,
            native_refused: None,
            said,
            secrets: Vec::new(),
            broken: None,
        })
    }

    fn call(&mut self, input: &Frame<Input>) -> Result<Frame<Vec<Output>>, SandboxError> {
        if let Some(broken) = &self.broken {
            return Err(SandboxError::Dead(Box::new(broken.clone())));
        }
        self.remember_secrets(&input.header);
        self.exchange(input).inspect_err(|error| self.broken = Some(error.clone()))
    }

    fn exchange(&mut self, input: &Frame<Input>) -> Result<Frame<Vec<Output>>, SandboxError> {
        if input.body.len() as u64 > MAX_INLINE_LEN {
            let len = input.body.len();
            return Err(SandboxError::Broken(format!("an answer of {len} bytes is too long for it")));
        }
        let bytes = input.encode().map_err(|error| SandboxError::Broken(error.to_string()))?;
        let (limits, said, secrets) = (self.limits, &self.said, &self.secrets);
        let fault = |error: wasmtime::Error| stopped(&error, limits, said, secrets);
        let (store, exports) = (&mut self.store, &self.exports);

        let guard = self.watchdog.guard(limits.call);
        store.set_epoch_deadline(1);
        let len = bytes.len() as u32; // at most MAX_FRAME_LEN
        let ptr = exports.alloc.call(&mut *store, len).map_err(fault)?;
        if ptr == 0 || exports.memory.write(&mut *store, ptr as usize, &bytes).is_err() {
            return Err(SandboxError::Broken(format!("it has no room for a frame of {len} bytes")));
        }
        let answer = exports.handle.call(&mut *store, (ptr, len)).map_err(fault)?;
        exports.dealloc.call(&mut *store, (ptr, len)).map_err(fault)?;
        // What follows is our time, not the module's.
        drop(guard);
        let (ptr, len) = ((answer >> 32) as u32, answer as u32);
        let output = answer::read(exports.memory.data(&*store), ptr as usize, len as usize)?;
        let _guard = self.watchdog.guard(limits.call);
        store.set_epoch_deadline(1);
        exports.dealloc.call(&mut *store, (ptr, len)).map_err(fault)?;
        Ok(output)
    }

    fn remember_secrets(&mut self, input: &Input) {
        let (Input::Start { credentials: Some(keys), .. } | Input::Credentials { credentials: Some(keys), .. }) = input
        else {
            return;
        };
        let Credentials { secret_access_key, session_token, .. } = keys;
        self.secrets.push(secret_access_key.clone());
        self.secrets.extend(session_token.clone());
    }
}

impl Session for WasmSession {
    fn handle(&mut self, input: &Frame<Input>) -> Result<Frame<Vec<Output>>, SessionError> {
        self.call(input).map_err(|error| SessionError(error.to_string()))
    }
}

impl fmt::Debug for WasmSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasmSession").field("backend", &self.backend).field("broken", &self.broken).finish()
    }
}

/// What the embedded module imports, as `from.name`.
///
/// # Errors
/// When it cannot be loaded.
pub fn embedded_imports(backend: Backend) -> Result<Vec<String>, SandboxError> {
    let module = embedded(&engine(backend)?, backend)?;
    Ok(module.imports().map(|import| format!("{}.{}", import.module(), import.name())).collect())
}

/// What the embedded module exports.
///
/// # Errors
/// When it cannot be loaded.
pub fn embedded_exports(backend: Backend) -> Result<Vec<String>, SandboxError> {
    let module = embedded(&engine(backend)?, backend)?;
    Ok(module.exports().map(|export| export.name().to_owned()).collect())
}

fn engine(backend: Backend) -> Result<Engine, SandboxError> {
    let mut config = Config::new();
    engine_config::tune(&mut config);
    // On because wasi-common asks for the feature; the compiler in the build script is built
    // without it, and both must say the same.
    config.wasm_component_model(false);
    let engine = match backend {
        Backend::Native => Engine::new(&config),
        Backend::Pulley => config.target(env!("HOLDFAST_PULLEY")).and_then(|config| Engine::new(config)),
    };
    engine.map_err(|error| SandboxError::Load(format!("{backend}: {error:#}")))
}

fn embedded(engine: &Engine, backend: Backend) -> Result<Module, SandboxError> {
    match backend {
        Backend::Native => load(engine, include_bytes!(concat!(env!("OUT_DIR"), "/native.cwasm"))),
        Backend::Pulley => {
            let deflated = include_bytes!(concat!(env!("OUT_DIR"), "/pulley.cwasm.z"));
            let image = miniz_oxide::inflate::decompress_to_vec(deflated)
                .map_err(|error| SandboxError::Load(format!("pulley: {error}")))?;
            load(engine, &image)
        }
    }
}

fn load(engine: &Engine, image: &[u8]) -> Result<Module, SandboxError> {
    // SAFETY: the images are made by our own build scripts and are part of the program as much as
    // its own code; wasmtime compares version, target and settings before it runs any of it.
    #[allow(unsafe_code)]
    let module = unsafe { Module::deserialize(engine, image) };
    module.map_err(|error| SandboxError::Load(format!("{error:#}")))
}

fn check_imports(module: &Module) -> Result<(), SandboxError> {
    let forbidden =
        module.imports().find(|import| import.module() != WASI || !ALLOWED_IMPORTS.contains(&import.name()));
    match forbidden {
        Some(import) => Err(SandboxError::Import(format!("{}.{}", import.module(), import.name()))),
        None => Ok(()),
    }
}

fn function<P: wasmtime::WasmParams, R: wasmtime::WasmResults>(
    instance: &Instance,
    store: &mut Store<Guest>,
    name: &'static str,
) -> Result<TypedFunc<P, R>, SandboxError> {
    instance.get_typed_func(store, name).map_err(|_| SandboxError::Export(name))
}

/// No arguments, no environment, no files, no clocks.
fn wasi(seed: u64) -> WasiCtx {
    WasiCtx::new(Box::new(Deterministic::new(expand(seed))), WasiClocks::new(), sched_ctx(), Table::new())
}

/// `fd_write` of stdout and stderr: what is printed is kept for the error message. Not
/// wasi-common's, which makes a list of the pieces before it writes: five times the module's own
/// memory, if the module likes. Of many pieces this one takes the first, as `writev` may.
///
/// <https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#fd_write>
fn print(mut caller: Caller<'_, Guest>, fd: u32, pieces: u32, count: u32, written: u32) -> u32 {
    const SUCCESS: u32 = 0;
    const BADF: u32 = 8;
    const FAULT: u32 = 21;
    const MAX_PIECES: u32 = 1_024;

    if !matches!(fd, 1 | 2) {
        return BADF;
    }
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else { return FAULT };
    let (data, guest) = memory.data_and_store_mut(&mut caller);
    let word = |data: &[u8], at: usize| {
        let bytes: [u8; 4] = data.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(u32::from_le_bytes(bytes) as usize)
    };
    let mut total = 0_u32;
    for n in 0..count.min(MAX_PIECES) as usize {
        let at = pieces as usize + 8 * n;
        let piece = word(data, at).zip(word(data, at + 4)).and_then(|(ptr, len)| data.get(ptr..ptr.checked_add(len)?));
        let Some(piece) = piece else { return FAULT };
        guest.said.add(piece);
        total = total.saturating_add(piece.len() as u32);
    }
    let written = written as usize;
    match data.get_mut(written..written + 4) {
        Some(place) => place.copy_from_slice(&total.to_le_bytes()),
        None => return FAULT,
    }
    SUCCESS
}

/// SplitMix64: the module asks for the seeds of its hash maps and for nothing that must be secret.
fn expand(mut seed: u64) -> Vec<u8> {
    let mut next = || {
        seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (seed ^ (seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    (0..32).flat_map(|_| next().to_le_bytes()).collect()
}

fn stopped(error: &wasmtime::Error, limits: Limits, said: &Said, secrets: &[Secret<String>]) -> SandboxError {
    if error.downcast_ref::<Trap>() == Some(&Trap::Interrupt) {
        return SandboxError::Deadline(limits.call);
    }
    SandboxError::Stopped { what: format!("{error:#}"), said: said.text(secrets) }
}

#[cfg(test)]
mod tests;
