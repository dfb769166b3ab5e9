//! Modules that misbehave, each in one way that its name says, compiled for both backends.

/// One of them.
#[derive(Debug, Clone, Copy)]
pub struct Module {
    /// The name of its file, or of the import it asks for.
    pub name: &'static str,
    /// As machine code.
    pub native: &'static [u8],
    /// As Pulley's bytecode.
    pub pulley: &'static [u8],
}

/// All of them.
pub static MODULES: &[Module] = &include!(concat!(env!("OUT_DIR"), "/modules.rs"));

/// By name.
///
/// # Panics
/// When there is none of that name.
#[must_use]
pub fn module(name: &str) -> Module {
    *MODULES.iter().find(|module| module.name == name).unwrap_or_else(|| panic!("no module is named {name}"))
}
