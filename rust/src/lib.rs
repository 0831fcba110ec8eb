//! Why: the C face of the Rust crates we take. Every function takes pointers with lengths, checks what it is given and
//! reports by its return value; a panic aborts (see Cargo.toml), so nothing here may panic on input from outside.
//! The declarations, with their contracts, are in phala_rust.h.

mod ed25519;
mod ffi;
mod hash;
mod sr25519;
mod text;
mod wasm;
mod wasmtime_config;

// The wasmtime C API is exported by being linked; its header is <wasmtime.h>.
pub use wasmtime_c_api::*;
