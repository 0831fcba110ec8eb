#pragma once
// Why: the contract's view of its world, as declarations: docs/protocol.md §12, one C++ function per signature. Versions of a
// name that differ only in lengths nobody reads share one. Names and prices: host_table.cpp.

#include "engine/host.hpp"

namespace phala::engine::host {

// storage
Hosted<> set_storage_v0(Frame&, Hash key, StorageValue);
Hosted<u32> set_storage_v1(Frame&, Hash key, StorageValue);
Hosted<u32> set_storage_v2(Frame&, StorageKey, StorageValue);
Hosted<> clear_storage_v0(Frame&, Hash key);
Hosted<u32> clear_storage_v1(Frame&, StorageKey);
Hosted<ReturnCode> get_storage_v0(Frame&, Hash key, Out);
Hosted<ReturnCode> get_storage_v1(Frame&, StorageKey, Out);
Hosted<u32> contains_storage_v0(Frame&, Hash key);
Hosted<u32> contains_storage_v1(Frame&, StorageKey);
Hosted<ReturnCode> take_storage(Frame&, StorageKey, Out);

// calls, money, life and death
Hosted<ReturnCode> transfer_v0(Frame&, AccountId to, Ignored, Balance value, Ignored);
Hosted<ReturnCode> call_v0(Frame&, AccountId callee, Ignored, u64 gas, Balance value, Ignored, Ptr input, u32 input_len, Out);
Hosted<ReturnCode> call_v1(Frame&, u32 flags, AccountId callee, u64 gas, Balance value, Ptr input, u32 input_len, Out);
Hosted<ReturnCode> call_v2(Frame&, u32 flags, AccountId callee, u64 ref_time, u64 proof_size, Ptr deposit, Balance value, Ptr input, u32 input_len, Out);
Hosted<ReturnCode> delegate_call(Frame&, u32 flags, Hash code_hash, Ptr input, u32 input_len, Out);
Hosted<ReturnCode> instantiate_v0(Frame&, Hash code_hash, Ignored, u64 gas, Balance value, Ignored, In input, Out address, Out output, In salt);
Hosted<ReturnCode> instantiate_v1(Frame&, Hash code_hash, u64 gas, Balance value, In input, Out address, Out output, In salt);
Hosted<ReturnCode> instantiate_v2(Frame&, Hash code_hash, u64 ref_time, u64 proof_size, Ptr deposit, Balance value, In input, Out address, Out output, In salt);
Hosted<> terminate_v0(Frame&, AccountId beneficiary, Ignored);
Hosted<> terminate_v1(Frame&, AccountId beneficiary);
Hosted<> input(Frame&, Out);
Hosted<> seal_return(Frame&, u32 flags, In data);
Hosted<ReturnCode> set_code_hash(Frame&, Hash code_hash);
Hosted<> add_delegate_dependency(Frame&, Hash code_hash);
Hosted<> remove_delegate_dependency(Frame&, Hash code_hash);
Hosted<u32> call_chain_extension(Frame&, u32 id, In input, Out);

// what is around
Hosted<> caller(Frame&, Out);
Hosted<u32> is_contract(Frame&, AccountId account);
Hosted<ReturnCode> code_hash(Frame&, AccountId account, Out);
Hosted<> own_code_hash(Frame&, Out);
Hosted<u32> caller_is_origin(Frame&);
Hosted<u32> caller_is_root(Frame&);
Hosted<> address(Frame&, Out);
Hosted<> weight_to_fee_v0(Frame&, u64 gas, Out);
Hosted<> weight_to_fee_v1(Frame&, u64 ref_time, u64 proof_size, Out);
Hosted<> gas_left_v0(Frame&, Out);
Hosted<> gas_left_v1(Frame&, Out);
Hosted<> balance(Frame&, Out);
Hosted<> value_transferred(Frame&, Out);
Hosted<> random_v0(Frame&, RandomSubject, Out);
Hosted<> random_v1(Frame&, RandomSubject, Out);
Hosted<> now(Frame&, Out);
Hosted<> minimum_balance(Frame&, Out);
Hosted<> tombstone_deposit(Frame&, Out);
Hosted<> rent_allowance(Frame&, Out);
Hosted<> set_rent_allowance_v0(Frame&, Ignored, Ignored);
Hosted<> set_rent_allowance_v1(Frame&, Ignored);
Hosted<> restore_to_v0(Frame&, Ignored, Ignored, Ignored, Ignored, Ignored, Ignored, Ignored, Ignored);
Hosted<> restore_to_v1(Frame&, Ignored, Ignored, Ignored, Ignored, Ignored);
Hosted<> deposit_event(Frame&, In topics, EventData);
Hosted<> block_number(Frame&, Out);
Hosted<ReturnCode> debug_message(Frame&, DebugText);
Hosted<ReturnCode> call_runtime(Frame&, In call);
Hosted<ReturnCode> xcm_execute(Frame&, In message, Ptr output);
Hosted<ReturnCode> xcm_send(Frame&, Ptr destination, In message, Ptr output);
Hosted<u32> reentrance_count(Frame&);
Hosted<u32> account_reentrance_count(Frame&, AccountId account);
Hosted<u64> instantiation_nonce(Frame&);

// cryptography
Hosted<> hash_sha2_256(Frame&, In data, OutFixed<32>);
Hosted<> hash_keccak_256(Frame&, In data, OutFixed<32>);
Hosted<> hash_blake2_256(Frame&, In data, OutFixed<32>);
Hosted<> hash_blake2_128(Frame&, In data, OutFixed<16>);
Hosted<ReturnCode> ecdsa_recover(Frame&, FixedBytes<65> signature, Hash digest, OutFixed<33>);
Hosted<ReturnCode> ecdsa_to_eth_address(Frame&, FixedBytes<33> key, OutFixed<20>);
Hosted<ReturnCode> sr25519_verify(Frame&, FixedBytes<64> signature, Hash key, u32 message_len, Ptr message);

// what the rewriting of a module adds (rust/src/wasm.rs)
Hosted<u32> memory_grow(Frame&, u32 pages);
Hosted<> stack_limit(Frame&);

}  // namespace phala::engine::host
