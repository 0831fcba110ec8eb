//! Why: the two text forms of keys that have a standard: BIP39 phrases and base58.

use crate::ffi::{view, write_out};
use bip39::{Error, Language, Mnemonic};
use zeroize::Zeroize;

/// Longest text looked at: 24 words of at most 8 letters, and the time of base58 grows with the square of the length.
const MAX_TEXT: usize = 256;

#[no_mangle]
pub unsafe extern "C" fn phala_phrase_from_entropy(entropy: *const u8, len: usize, out: *mut u8, capacity: usize) -> isize {
    let Ok(phrase) = Mnemonic::from_entropy_in(Language::English, view(entropy, len)) else { return -1 };
    let mut text = String::with_capacity(MAX_TEXT);
    for word in phrase.words() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    let written = write_out(text.as_bytes(), out, capacity);
    text.zeroize();
    written
}

/// Negative results: -1 word count (or not text), -2 checksum, -3 - i: word i (from 0) is not in the list.
#[no_mangle]
pub unsafe extern "C" fn phala_entropy_from_phrase(phrase: *const u8, len: usize, entropy_out: *mut u8) -> isize {
    if len > MAX_TEXT {
        return -1;
    }
    let Ok(text) = std::str::from_utf8(view(phrase, len)) else { return -1 };
    match Mnemonic::parse_in_normalized(Language::English, text) {
        Ok(phrase) => {
            let (mut entropy, entropy_len) = phrase.to_entropy_array();
            let written = write_out(&entropy[..entropy_len], entropy_out, 32);
            entropy.zeroize();
            written
        }
        Err(Error::UnknownWord(index)) => -3 - index as isize,
        Err(Error::InvalidChecksum) => -2,
        Err(_) => -1,
    }
}

#[no_mangle]
pub unsafe extern "C" fn phala_base58_encode(data: *const u8, len: usize, out: *mut u8, capacity: usize) -> isize {
    if len > MAX_TEXT {
        return -1;
    }
    write_out(bs58::encode(view(data, len)).into_vec().as_slice(), out, capacity)
}

/// -1: a character outside the alphabet, or too long.
#[no_mangle]
pub unsafe extern "C" fn phala_base58_decode(text: *const u8, len: usize, out: *mut u8, capacity: usize) -> isize {
    if len > MAX_TEXT {
        return -1;
    }
    match bs58::decode(view(text, len)).into_vec() {
        Ok(bytes) => write_out(&bytes, out, capacity),
        Err(_) => -1,
    }
}
