//! Why: the C face of the crates that contracts may use; sdk/phala/crypto.hpp declares it and says what each function means.
#![no_std]

use chacha20poly1305::{aead::AeadInPlace, ChaCha20Poly1305, Key, KeyInit, Nonce, Tag};
use hmac::{Hmac, Mac};
use sha2::Sha256;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}

unsafe fn view<'a>(data: *const u8, len: usize) -> &'a [u8] {
    if len == 0 {
        &[]
    } else {
        core::slice::from_raw_parts(data, len)
    }
}

unsafe fn view_mut<'a>(data: *mut u8, len: usize) -> &'a mut [u8] {
    if len == 0 {
        &mut []
    } else {
        core::slice::from_raw_parts_mut(data, len)
    }
}

#[no_mangle]
pub unsafe extern "C" fn phala_contract_hmac_sha256(key: *const u8, key_len: usize, data: *const u8, len: usize, out: *mut u8) {
    // a key of any length is right
    if let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(view(key, key_len)) {
        mac.update(view(data, len));
        view_mut(out, 32).copy_from_slice(&mac.finalize().into_bytes());
    }
}

#[no_mangle]
pub unsafe extern "C" fn phala_contract_seal(key: *const u8, nonce: *const u8, about: *const u8, about_len: usize, data: *mut u8, len: usize, tag: *mut u8) -> bool {
    let cipher = ChaCha20Poly1305::new(Key::from_slice(view(key, 32)));
    match cipher.encrypt_in_place_detached(Nonce::from_slice(view(nonce, 12)), view(about, about_len), view_mut(data, len)) {
        Ok(made) => {
            view_mut(tag, 16).copy_from_slice(&made);
            true
        }
        Err(_) => false,
    }
}

#[no_mangle]
pub unsafe extern "C" fn phala_contract_open(key: *const u8, nonce: *const u8, about: *const u8, about_len: usize, data: *mut u8, len: usize, tag: *const u8) -> bool {
    let cipher = ChaCha20Poly1305::new(Key::from_slice(view(key, 32)));
    cipher.decrypt_in_place_detached(Nonce::from_slice(view(nonce, 12)), view(about, about_len), view_mut(data, len), Tag::from_slice(view(tag, 16))).is_ok()
}
