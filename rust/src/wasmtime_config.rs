//! Why: every ink! contract ends its call by a trap, and wasmtime notes for each where in the wasm it happened. Nobody reads that, it takes a tenth
//! of a small call and doubles an image, and the C interface has no switch for it. Declarations: phala_wasm.h.

use wasmtime::Config;
use wasmtime_c_api::wasm_config_t;

/// # Safety
/// `config` must be of `wasm_config_new`.
#[no_mangle]
pub unsafe extern "C" fn phala_wasm_config_no_backtraces(config: *mut wasm_config_t) {
    // its first and only field, by its `repr(C)`
    let config = &mut *config.cast::<Config>();
    config.wasm_backtrace_max_frames(None);
    config.generate_address_map(false);
}

const _: () = assert!(size_of::<wasm_config_t>() == size_of::<Config>());
