// Why: images of compiled code are of use only to the build that made them, so the rewriter has a number that follows its source
// and the locked versions. And the wasmtime C API's own build step writes its headers, and a conf.h that matches the chosen features, into a folder
// whose name is a hash. Copied to a fixed place beside the library, C++ can include them.
use std::path::Path;
use std::{env, fs, io};

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else if fs::read(entry.path())? != fs::read(&target).unwrap_or_default() {
            fs::copy(entry.path(), &target)?; // untouched when equal: no needless C++ rebuilds
        }
    }
    Ok(())
}

/// FNV-1a: it tells builds apart, nobody attacks it.
fn number_of(files: &[&str]) -> u64 {
    let mut hash = 0xcbf29ce484222325;
    for file in files {
        println!("cargo:rerun-if-changed={file}");
        for byte in fs::read(file).expect(file) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x100000001b3);
        }
    }
    hash
}

fn main() {
    println!("cargo:rerun-if-env-changed=PHALA_WASMTIME_HEADERS");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-env=PHALA_WASM_NUMBER={}", number_of(&["src/wasm.rs", "Cargo.toml", "Cargo.lock"]));
    let Ok(target) = env::var("PHALA_WASMTIME_HEADERS") else { return };
    let source = env::var("DEP_WASMTIME_C_API_INCLUDE").expect("wasmtime-c-api-impl names its header folder");
    copy_tree(Path::new(&source), Path::new(&target)).expect("copy the wasmtime headers");
    println!("cargo:rerun-if-changed={target}/wasmtime.h");
}
