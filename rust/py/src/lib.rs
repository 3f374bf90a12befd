//! The compiled module `edgewise._core`: the only crate that names pyo3. Converts and delegates; decides nothing.
#![allow(missing_docs, reason = "the stub `_core.pyi` carries the documentation of this module")]

mod conditions;
mod counters;
mod declarations;
mod engine;
mod errors;
mod events;
mod features;
mod hashing;
mod node;
mod readings;
mod rules;
mod sessions;
mod share;
mod snapshot;

use mimalloc::MiMalloc;
use pyo3::prelude::*;

/// Apart from Python's: an engine comes and goes in the background without a lock of an allocator that others wait for,
/// and without asking the system for memory page by page.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("BUILD_PROFILE", if cfg!(debug_assertions) { "debug" } else { "release" })?;
    errors::register(module)?;
    readings::register(module)?;
    conditions::register(module)?;
    rules::register(module)?;
    hashing::register(module)?;
    features::register(module)?;
    engine::register(module)?;
    sessions::register(module)?;
    counters::register(module)?;
    share::register(module)?;
    node::register(module)
}
