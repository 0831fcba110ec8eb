//! Why: BLAKE2b with any digest length and a fast path for the short messages of tries; Ethereum's Keccak-256.

use crate::ffi::{fixed_out, view};
use blake2b_simd::many::{hash_many, HashManyJob};
use tiny_keccak::Hasher;

/// How many messages are handed over at once; the processor hashes two or four of them side by side.
const GROUP: usize = 16;

#[no_mangle]
pub unsafe extern "C" fn phala_blake2b(digest_len: usize, data: *const u8, len: usize, out: *mut u8) -> bool {
    if !(1..=64).contains(&digest_len) {
        return false;
    }
    let hash = blake2b_simd::Params::new().hash_length(digest_len).hash(view(data, len));
    std::ptr::copy_nonoverlapping(hash.as_bytes().as_ptr(), out, digest_len);
    true
}

#[repr(C)]
pub struct PhalaBytes {
    data: *const u8,
    len: usize,
}

#[no_mangle]
pub unsafe extern "C" fn phala_blake2_256_many(items: *const PhalaBytes, count: usize, out: *mut u8) {
    if count == 0 {
        return;
    }
    let mut params = blake2b_simd::Params::new();
    params.hash_length(32);
    for (group, items) in std::slice::from_raw_parts(items, count).chunks(GROUP).enumerate() {
        // The library needs an array of jobs; unused ones hash nothing and are not looked at.
        let mut jobs: [HashManyJob; GROUP] = std::array::from_fn(|i| {
            let item = items.get(i).map_or(&[][..], |item| view(item.data, item.len));
            HashManyJob::new(&params, item)
        });
        hash_many(jobs[..items.len()].iter_mut());
        for (i, job) in jobs[..items.len()].iter().enumerate() {
            *fixed_out::<32>(out.add(32 * (GROUP * group + i))) = job.to_hash().as_bytes().try_into().expect("32 bytes were asked for");
        }
    }
}

#[no_mangle]
pub unsafe extern "C" fn phala_keccak_256(data: *const u8, len: usize, out: *mut u8) {
    let mut state = tiny_keccak::Keccak::v256();
    state.update(view(data, len));
    state.finalize(fixed_out::<32>(out));
}
