//! Why: sr25519 as Substrate uses it, with nonces derived from the secret and the message instead of drawn, so that the
//! machines that sign are deterministic.

use crate::ffi::{fixed, fixed_out, view};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use merlin::Transcript;
use rand_core::{CryptoRng, RngCore};
use schnorrkel::context::{attach_rng, signing_context};
use schnorrkel::derive::{ChainCode, Derivation};
use schnorrkel::{ExpansionMode, Keypair, MiniSecretKey, PublicKey, SecretKey, Signature};
use zeroize::Zeroize;

const CONTEXT: &[u8] = b"substrate";

/// Gives the same bytes again and again. The transcripts that draw from it are already bound to what must be unpredictable:
/// the secret's nonce half when signing, every checked byte when verifying a batch.
struct Fixed([u8; 32]);

impl RngCore for Fixed {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }
    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }
    fn fill_bytes(&mut self, to: &mut [u8]) {
        for (byte, source) in to.iter_mut().zip(self.0.iter().cycle()) {
            *byte = *source;
        }
    }
    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(to);
        Ok(())
    }
}
impl CryptoRng for Fixed {}

/// None: the scalar is not canonical, or zero.
unsafe fn secret_from(secret: *const u8) -> Option<SecretKey> {
    let bytes = fixed::<64>(secret);
    if bytes[..32].iter().all(|byte| *byte == 0) {
        return None;
    }
    SecretKey::from_bytes(bytes).ok()
}

unsafe fn write_secret(key: &SecretKey, out: *mut u8) {
    let mut bytes = key.to_bytes();
    *fixed_out::<64>(out) = bytes;
    bytes.zeroize();
}

#[no_mangle]
pub unsafe extern "C" fn phala_sr25519_from_seed(seed: *const u8, secret_out: *mut u8, public_out: *mut u8) {
    let mini = MiniSecretKey::from_bytes(fixed::<32>(seed)).expect("any 32 bytes are a mini secret");
    let pair = mini.expand_to_keypair(ExpansionMode::Ed25519);
    write_secret(&pair.secret, secret_out);
    *fixed_out::<32>(public_out) = pair.public.to_bytes();
}

#[no_mangle]
pub unsafe extern "C" fn phala_sr25519_public(secret: *const u8, public_out: *mut u8) -> bool {
    let Some(key) = secret_from(secret) else { return false };
    *fixed_out::<32>(public_out) = key.to_public().to_bytes();
    true
}

#[no_mangle]
pub unsafe extern "C" fn phala_sr25519_sign(
    secret: *const u8, public: *const u8, message: *const u8, len: usize, signature_out: *mut u8,
) -> bool {
    let Some(key) = secret_from(secret) else { return false };
    let Ok(public) = PublicKey::from_bytes(fixed::<32>(public)) else { return false };
    let transcript = attach_rng(signing_context(CONTEXT).bytes(view(message, len)), Fixed([0; 32]));
    *fixed_out::<64>(signature_out) = key.sign(transcript, &public).to_bytes();
    true
}

#[no_mangle]
pub unsafe extern "C" fn phala_sr25519_verify(signature: *const u8, message: *const u8, len: usize, public: *const u8) -> bool {
    let Ok(signature) = Signature::from_bytes(fixed::<64>(signature)) else { return false };
    let Ok(public) = PublicKey::from_bytes(fixed::<32>(public)) else { return false };
    public.verify(signing_context(CONTEXT).bytes(view(message, len)), &signature).is_ok()
}

#[repr(C)]
pub struct PhalaSignedItem {
    signature: *const u8,
    message: *const u8,
    message_len: usize,
    public: *const u8,
}

#[no_mangle]
pub unsafe extern "C" fn phala_sr25519_verify_batch(items: *const PhalaSignedItem, count: usize) -> bool {
    if count == 0 {
        return true;
    }
    let items = std::slice::from_raw_parts(items, count);
    let mut signatures = Vec::with_capacity(count);
    let mut keys = Vec::with_capacity(count);
    // The weights of the items must depend on both halves of every signature (the library itself hashes only the first half):
    // otherwise two bad signatures could be made whose errors cancel out, and a batch would pass where single checks fail.
    let mut weights = blake2b_simd::Params::new().hash_length(32).to_state();
    for item in items {
        let Ok(signature) = Signature::from_bytes(fixed::<64>(item.signature)) else { return false };
        let Ok(key) = PublicKey::from_bytes(fixed::<32>(item.public)) else { return false };
        weights.update(fixed::<64>(item.signature));
        signatures.push(signature);
        keys.push(key);
    }
    let context = signing_context(CONTEXT);
    let transcripts = items.iter().map(|item| context.bytes(view(item.message, item.message_len)));
    let mut seed = [0; 32];
    seed.copy_from_slice(weights.finalize().as_bytes());
    schnorrkel::verify_batch_rng(transcripts, &signatures, &keys, false, Fixed(seed)).is_ok()
}

#[no_mangle]
pub unsafe extern "C" fn phala_sr25519_agree(secret: *const u8, peer: *const u8, shared_out: *mut u8) -> bool {
    let Some(key) = secret_from(secret) else { return false };
    let Ok(peer) = PublicKey::from_bytes(fixed::<32>(peer)) else { return false };
    if peer.as_point().is_identity() {
        return false; // everybody knows the secret shared with it
    }
    let mut bytes = key.to_bytes();
    let mut half = [0; 32];
    half.copy_from_slice(&bytes[..32]);
    let mut scalar = Scalar::from_canonical_bytes(half).expect("SecretKey holds a canonical scalar");
    *fixed_out::<32>(shared_out) = (peer.as_point() * scalar).compress().to_bytes();
    bytes.zeroize();
    half.zeroize();
    scalar.zeroize();
    true
}

#[no_mangle]
pub unsafe extern "C" fn phala_sr25519_derive_hard(secret: *const u8, code: *const u8, seed_out: *mut u8) -> bool {
    let Some(key) = secret_from(secret) else { return false };
    let (mini, _) = key.hard_derive_mini_secret_key(Some(ChainCode(*fixed::<32>(code))), b"");
    *fixed_out::<32>(seed_out) = mini.to_bytes();
    true
}

#[no_mangle]
pub unsafe extern "C" fn phala_sr25519_derive_soft(secret: *const u8, code: *const u8, secret_out: *mut u8) -> bool {
    let Some(key) = secret_from(secret) else { return false };
    let pair = Keypair::from(key);
    let mut transcript = Transcript::new(b"SchnorrRistrettoHDKD");
    transcript.append_message(b"sign-bytes", b"");
    let (derived, _) = pair.derived_key(attach_rng(transcript, Fixed([0; 32])), ChainCode(*fixed::<32>(code)));
    write_secret(&derived.secret, secret_out);
    true
}
