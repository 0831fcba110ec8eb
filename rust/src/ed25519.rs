//! Why: ed25519 under the ZIP-215 rules, which CometBFT follows: all implementations agree on every signature, honest or not.

use crate::ffi::{fixed, fixed_out, view};
use ed25519_zebra::{Signature, SigningKey, VerificationKey};

#[no_mangle]
pub unsafe extern "C" fn phala_ed25519_public(seed: *const u8, public_out: *mut u8) {
    let key = SigningKey::from(*fixed::<32>(seed));
    *fixed_out::<32>(public_out) = VerificationKey::from(&key).into();
}

#[no_mangle]
pub unsafe extern "C" fn phala_ed25519_sign(seed: *const u8, message: *const u8, len: usize, signature_out: *mut u8) {
    let key = SigningKey::from(*fixed::<32>(seed));
    *fixed_out::<64>(signature_out) = key.sign(view(message, len)).to_bytes();
}

#[no_mangle]
pub unsafe extern "C" fn phala_ed25519_verify(signature: *const u8, message: *const u8, len: usize, public: *const u8) -> bool {
    match VerificationKey::try_from(*fixed::<32>(public)) {
        Ok(key) => key.verify(&Signature::from_bytes(fixed::<64>(signature)), view(message, len)).is_ok(),
        Err(_) => false,
    }
}
