/* Why: the C functions of our Rust library (rust/src). Called by the C++ adapters only; nothing else includes this header.
 * Pointers to keys, seeds, codes, signatures and results have the length in their comment; `data` may be null when its length
 * is 0. Nothing is kept after the call. All functions may be called from any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Hashes ---- */

/* BLAKE2b, unkeyed. False: digest_len is not 1…64. */
bool phala_blake2b(size_t digest_len, const uint8_t* data, size_t len, uint8_t* out);
/* BLAKE2b-256 of many messages side by side; out: 32 bytes for each, in order. */
typedef struct {
  const uint8_t* data;
  size_t len;
} PhalaBytes;
void phala_blake2_256_many(const PhalaBytes* items, size_t count, uint8_t* out);
/* Keccak-256 as Ethereum pads it; out: 32. */
void phala_keccak_256(const uint8_t* data, size_t len, uint8_t* out);

/* ---- sr25519: seed 32, secret 64 (canonical scalar, then nonce), public 32, signature 64, signing context "substrate".
 * False: the secret's scalar is zero or not canonical, or a public key is not a point. ---- */

void phala_sr25519_from_seed(const uint8_t* seed, uint8_t* secret_out, uint8_t* public_out);
bool phala_sr25519_public(const uint8_t* secret, uint8_t* public_out);
/* `public_key` must belong to `secret`. */
bool phala_sr25519_sign(const uint8_t* secret, const uint8_t* public_key, const uint8_t* message, size_t len, uint8_t* signature_out);
bool phala_sr25519_verify(const uint8_t* signature, const uint8_t* message, size_t len, const uint8_t* public_key);
typedef struct {
  const uint8_t* signature;
  const uint8_t* message;
  size_t message_len;
  const uint8_t* public_key;
} PhalaSignedItem;
/* True exactly when each item verifies by itself (but for a chance of 2^-128). No items: true. */
bool phala_sr25519_verify_batch(const PhalaSignedItem* items, size_t count);
/* shared_out: 32, the compressed point scalar * peer. False also for the neutral point, whose shared secret is no secret. */
bool phala_sr25519_agree(const uint8_t* secret, const uint8_t* peer, uint8_t* shared_out);
/* code: 32. Hard derivation yields a seed, soft derivation a secret. */
bool phala_sr25519_derive_hard(const uint8_t* secret, const uint8_t* code, uint8_t* seed_out);
bool phala_sr25519_derive_soft(const uint8_t* secret, const uint8_t* code, uint8_t* secret_out);

/* ---- ed25519 (ZIP-215): seed 32, public 32, signature 64 ---- */

void phala_ed25519_public(const uint8_t* seed, uint8_t* public_out);
void phala_ed25519_sign(const uint8_t* seed, const uint8_t* message, size_t len, uint8_t* signature_out);
bool phala_ed25519_verify(const uint8_t* signature, const uint8_t* message, size_t len, const uint8_t* public_key);

/* ---- Text. Results are lengths; negative: refused. Texts carry no terminator and have at most 256 bytes. ---- */

/* entropy: 16, 20, 24, 28 or 32 bytes (else -1); `capacity` 256 always suffices. */
ptrdiff_t phala_phrase_from_entropy(const uint8_t* entropy, size_t len, uint8_t* out, size_t capacity);
/* entropy_out: 32. -1: number of words; -2: checksum; -3 - i: word i (from 0) is not in the list. */
ptrdiff_t phala_entropy_from_phrase(const uint8_t* phrase, size_t len, uint8_t* entropy_out);
/* -1: does not fit into `capacity`, or the input is too long. */
ptrdiff_t phala_base58_encode(const uint8_t* data, size_t len, uint8_t* out, size_t capacity);
/* -1: a character outside the alphabet, too long, or does not fit. */
ptrdiff_t phala_base58_decode(const uint8_t* text, size_t len, uint8_t* out, size_t capacity);

#ifdef __cplusplus
}
#endif
