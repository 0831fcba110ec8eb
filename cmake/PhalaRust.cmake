# Use: include(PhalaRust), then link `phala_rust`. It brings <wasmtime.h> (wasmtime's C API, with its conf.h) and "phala_rust.h"
# (our own C functions). Cargo runs at build time: about 5 minutes on two cores the first time, seconds later.
#
# Why a cache outside the build folder: compiled crates are shared by every build folder and every fresh clone of one machine.
include_guard(GLOBAL)
include(PhalaCache)

set(PHALA_RUST_MINIMUM 1.95)

# The first cargo that is new enough: the one on PATH, then rustup's, then the distribution's (Debian: cargo-web, rustc-web), then the one
# that scripts/setup.sh unpacked because an older one is installed.
foreach(candidate $ENV{CARGO} cargo $ENV{HOME}/.cargo/bin/cargo /usr/bin/cargo ${PHALA_CACHE}/rust-web/bin/cargo)
  unset(cargo CACHE)
  find_program(cargo ${candidate})
  if(NOT cargo)
    continue()
  endif()
  get_filename_component(cargo_bin ${cargo} DIRECTORY)
  execute_process(COMMAND ${cargo_bin}/rustc --version OUTPUT_VARIABLE rustc_version ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(rustc_version MATCHES "rustc ([0-9.]+)" AND NOT CMAKE_MATCH_1 VERSION_LESS PHALA_RUST_MINIMUM)
    set(PHALA_CARGO ${cargo})
    set(rustc_number ${CMAKE_MATCH_1})
    break()
  endif()
  list(APPEND cargo_seen "${cargo} (${rustc_version})")
endforeach()
unset(cargo CACHE)
if(NOT PHALA_CARGO)
  message(FATAL_ERROR "No cargo with Rust ${PHALA_RUST_MINIMUM} or later; seen: ${cargo_seen}. Install rustup's stable toolchain, or Debian's cargo-web.")
endif()

get_filename_component(rust_source ${CMAKE_CURRENT_LIST_DIR}/../rust ABSOLUTE)
# One folder per toolchain: when Cargo.lock changes, cargo itself rebuilds exactly the crates that changed.
set(rust_cache ${PHALA_CACHE}/rust-${rustc_number})

# Cargo links its build scripts with `cc`; where only clang-19 is installed, that does it.
set(rust_environment)
find_program(PHALA_CC cc)
if(NOT PHALA_CC)
  execute_process(COMMAND ${cargo_bin}/rustc -vV OUTPUT_VARIABLE rustc_host)
  string(REGEX REPLACE ".*host: ([^\n]+).*" "\\1" rustc_host "${rustc_host}")
  string(TOUPPER "${rustc_host}" rustc_host)
  string(REPLACE - _ rustc_host "${rustc_host}")
  set(rust_environment CC=${CMAKE_C_COMPILER} CARGO_TARGET_${rustc_host}_LINKER=${CMAKE_C_COMPILER})
endif()

# curve25519-dalek 4 has code for AVX-512 (chosen when the program runs, by what the processor can) only for compilers that call themselves nightly:
# signatures and key agreements take half the time with it. The instructions are stable since Rust 1.89, and the 5.0 release has it for all.
# Nothing else that we take looks at `cfg(nightly)`. lib/crypto tests it against the code without vectors.
list(APPEND rust_environment RUSTC_BOOTSTRAP=curve25519_dalek "RUSTFLAGS=--cfg nightly")

# The library is copied out under a lock, because another clone with other sources uses the same cache.
set(rust_library ${CMAKE_BINARY_DIR}/rust/libphala_rust.a)
set(rust_headers ${CMAKE_BINARY_DIR}/rust/include)
file(MAKE_DIRECTORY ${rust_headers} ${rust_cache})
file(GLOB_RECURSE rust_sources CONFIGURE_DEPENDS ${rust_source}/src/*.rs)
add_custom_command(
  OUTPUT ${rust_library}
  BYPRODUCTS ${rust_headers}/wasmtime.h
  COMMAND ${CMAKE_COMMAND} -E env PATH=${cargo_bin}:$ENV{PATH} CARGO_TARGET_DIR=${rust_cache} PHALA_WASMTIME_HEADERS=${rust_headers} ${rust_environment}
          flock ${rust_cache}/lock sh -c "'${PHALA_CARGO}' build --release --locked && cp '${rust_cache}/release/libphala_rust.a' '${rust_library}'"
  DEPENDS ${rust_sources} ${rust_source}/Cargo.toml ${rust_source}/Cargo.lock ${rust_source}/build.rs
  WORKING_DIRECTORY ${rust_source}
  COMMENT "Rust static library (cargo)"
  USES_TERMINAL VERBATIM)
add_custom_target(phala_rust_build DEPENDS ${rust_library})

add_library(phala_rust STATIC IMPORTED GLOBAL)
set_target_properties(phala_rust PROPERTIES IMPORTED_LOCATION ${rust_library})
target_include_directories(phala_rust INTERFACE ${rust_source} ${rust_headers})
target_link_libraries(phala_rust INTERFACE Threads::Threads ${CMAKE_DL_LIBS} m)
add_dependencies(phala_rust phala_rust_build)
