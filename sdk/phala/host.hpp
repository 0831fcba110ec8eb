#pragma once
// Why: the host functions as the engine offers them, by their wire names, one line each. In a contract they are wasm imports;
// in a native test they are the in-memory host of testing.hpp. Contracts use the typed layer in env.hpp instead.
// Meaning of each: parameters are pointers into the contract's memory; an `*_len` pointer holds the capacity of the output on
// entry and its length afterwards; a too small output ends the call.

#include "base/bytes.hpp"

#if defined(__wasm__)
// no extern "C": `call` here and the entry point `call` would be one symbol
#define PHALA_IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#else
#define PHALA_IMPORT(module, name)
#endif

namespace phala::sdk::host {

PHALA_IMPORT("seal0", "input") void input(u8* out, u32* out_len);
[[noreturn]] PHALA_IMPORT("seal0", "seal_return") void seal_return(u32 flags, const u8* data, u32 len);
PHALA_IMPORT("seal0", "debug_message") u32 debug_message(const char* text, u32 len);
PHALA_IMPORT("seal2", "set_storage") u32 set_storage(const u8* key, u32 key_len, const u8* value, u32 len);
PHALA_IMPORT("seal1", "get_storage") u32 get_storage(const u8* key, u32 key_len, u8* out, u32* out_len);
PHALA_IMPORT("seal1", "contains_storage") u32 contains_storage(const u8* key, u32 key_len);
PHALA_IMPORT("seal1", "clear_storage") u32 clear_storage(const u8* key, u32 key_len);
PHALA_IMPORT("seal0", "take_storage") u32 take_storage(const u8* key, u32 key_len, u8* out, u32* out_len);
PHALA_IMPORT("seal0", "caller") void caller(u8* out, u32* out_len);
PHALA_IMPORT("seal0", "address") void address(u8* out, u32* out_len);
PHALA_IMPORT("seal0", "value_transferred") void value_transferred(u8* out, u32* out_len);
PHALA_IMPORT("seal0", "balance") void balance(u8* out, u32* out_len);
PHALA_IMPORT("seal0", "minimum_balance") void minimum_balance(u8* out, u32* out_len);
PHALA_IMPORT("seal0", "now") void now(u8* out, u32* out_len);
PHALA_IMPORT("seal0", "block_number") void block_number(u8* out, u32* out_len);
PHALA_IMPORT("seal0", "gas_left") void gas_left(u8* out, u32* out_len);
PHALA_IMPORT("seal0", "is_contract") u32 is_contract(const u8* account);
PHALA_IMPORT("seal0", "caller_is_origin") u32 caller_is_origin();
PHALA_IMPORT("seal0", "code_hash") u32 code_hash(const u8* account, u8* out, u32* out_len);
PHALA_IMPORT("seal0", "own_code_hash") void own_code_hash(u8* out, u32* out_len);
PHALA_IMPORT("seal0", "set_code_hash") u32 set_code_hash(const u8* hash);
PHALA_IMPORT("seal0", "transfer") u32 transfer(const u8* account, u32 account_len, const u8* value, u32 value_len);
PHALA_IMPORT("seal1", "call") u32 call(u32 flags, const u8* callee, u64 gas, const u8* value, const u8* input, u32 input_len, u8* out, u32* out_len);
PHALA_IMPORT("seal0", "delegate_call") u32 delegate_call(u32 flags, const u8* code_hash, const u8* input, u32 input_len, u8* out, u32* out_len);
PHALA_IMPORT("seal1", "instantiate") u32 instantiate(const u8* code_hash, u64 gas, const u8* value, const u8* input, u32 input_len,
                                                     u8* address, u32* address_len, u8* out, u32* out_len, const u8* salt, u32 salt_len);
[[noreturn]] PHALA_IMPORT("seal1", "terminate") void terminate(const u8* beneficiary);
PHALA_IMPORT("seal0", "deposit_event") void deposit_event(const u8* topics, u32 topics_len, const u8* data, u32 len);
PHALA_IMPORT("seal0", "hash_sha2_256") void hash_sha2_256(const u8* data, u32 len, u8* out);
PHALA_IMPORT("seal0", "hash_keccak_256") void hash_keccak_256(const u8* data, u32 len, u8* out);
PHALA_IMPORT("seal0", "hash_blake2_256") void hash_blake2_256(const u8* data, u32 len, u8* out);
PHALA_IMPORT("seal0", "hash_blake2_128") void hash_blake2_128(const u8* data, u32 len, u8* out);
PHALA_IMPORT("seal0", "ecdsa_recover") u32 ecdsa_recover(const u8* signature, const u8* hash, u8* out);
PHALA_IMPORT("seal0", "ecdsa_to_eth_address") u32 ecdsa_to_eth_address(const u8* key, u8* out);
PHALA_IMPORT("seal0", "call_chain_extension") u32 call_chain_extension(u32 id, const u8* input, u32 input_len, u8* out, u32* out_len);

/// Ends the call: everything it did is undone and the caller sees a trap.
[[noreturn]] void trap();

}  // namespace phala::sdk::host
