// Why: the wasmtime C API's own build step writes its headers, and a conf.h that matches the chosen features, into a folder
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

fn main() {
    println!("cargo:rerun-if-env-changed=PHALA_WASMTIME_HEADERS");
    println!("cargo:rerun-if-changed=build.rs");
    let Ok(target) = env::var("PHALA_WASMTIME_HEADERS") else { return };
    let source = env::var("DEP_WASMTIME_C_API_INCLUDE").expect("wasmtime-c-api-impl names its header folder");
    copy_tree(Path::new(&source), Path::new(&target)).expect("copy the wasmtime headers");
    println!("cargo:rerun-if-changed={target}/wasmtime.h");
}
