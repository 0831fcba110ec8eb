// The contract's whole world, by name: docs/protocol.md §12. What ink! 3 imports under seal_<name> and in other modules is the
// same row. Old unstable builds of contracts looked for everything in __unstable__.
#include "engine/host_functions.hpp"

namespace phala::engine {

namespace {

constexpr bool no_alias = false;

const HostFn table[] = {
    host_fn<host::set_storage_v0>("seal0", "set_storage", cost::set_storage),
    host_fn<host::set_storage_v1>("seal1", "set_storage", cost::set_storage),
    host_fn<host::set_storage_v1>("seal1", "set_storage_return_size", cost::set_storage),
    host_fn<host::set_storage_v2>("seal2", "set_storage", cost::set_storage),
    host_fn<host::clear_storage_v0>("seal0", "clear_storage", cost::clear_storage),
    host_fn<host::clear_storage_v1>("seal1", "clear_storage", cost::clear_storage),
    host_fn<host::get_storage_v0>("seal0", "get_storage", cost::get_storage),
    host_fn<host::get_storage_v1>("seal1", "get_storage", cost::get_storage),
    host_fn<host::contains_storage_v0>("seal0", "contains_storage", cost::contains_storage),
    host_fn<host::contains_storage_v1>("seal1", "contains_storage", cost::contains_storage),
    host_fn<host::take_storage>("seal0", "take_storage", cost::take_storage),

    host_fn<host::transfer_v0>("seal0", "transfer", cost::transfer),
    host_fn<host::call_v0>("seal0", "call", cost::call),
    host_fn<host::call_v1>("seal1", "call", cost::call),
    host_fn<host::call_v2>("seal2", "call", cost::call, no_alias),
    host_fn<host::delegate_call>("seal0", "delegate_call", cost::delegate_call),
    host_fn<host::instantiate_v0>("seal0", "instantiate", cost::instantiate),
    host_fn<host::instantiate_v1>("seal1", "instantiate", cost::instantiate),
    host_fn<host::instantiate_v2>("seal2", "instantiate", cost::instantiate, no_alias),
    host_fn<host::terminate_v0>("seal0", "terminate", cost::terminate),
    host_fn<host::terminate_v1>("seal1", "terminate", cost::terminate),
    host_fn<host::input>("seal0", "input", cost::input),
    host_fn<host::seal_return>("seal0", "seal_return", cost::seal_return, no_alias),
    host_fn<host::set_code_hash>("seal0", "set_code_hash", cost::set_code_hash),
    host_fn<host::add_delegate_dependency>("seal0", "add_delegate_dependency", cost::delegate_dependency, no_alias),
    host_fn<host::add_delegate_dependency>("seal0", "lock_delegate_dependency", cost::delegate_dependency, no_alias),
    host_fn<host::remove_delegate_dependency>("seal0", "remove_delegate_dependency", cost::delegate_dependency, no_alias),
    host_fn<host::remove_delegate_dependency>("seal0", "unlock_delegate_dependency", cost::delegate_dependency, no_alias),
    host_fn<host::call_chain_extension>("seal0", "call_chain_extension", cost::extension),

    host_fn<host::caller>("seal0", "caller", cost::caller),
    host_fn<host::is_contract>("seal0", "is_contract", cost::is_contract),
    host_fn<host::code_hash>("seal0", "code_hash", cost::code_hash),
    host_fn<host::own_code_hash>("seal0", "own_code_hash", cost::own_code_hash),
    host_fn<host::caller_is_origin>("seal0", "caller_is_origin", cost::caller_is_origin),
    host_fn<host::caller_is_root>("seal0", "caller_is_root", cost::caller_is_origin, no_alias),
    host_fn<host::address>("seal0", "address", cost::address),
    host_fn<host::weight_to_fee_v0>("seal0", "weight_to_fee", cost::weight_to_fee),
    host_fn<host::weight_to_fee_v1>("seal1", "weight_to_fee", cost::weight_to_fee, no_alias),
    host_fn<host::gas_left_v0>("seal0", "gas_left", cost::gas_left),
    host_fn<host::gas_left_v1>("seal1", "gas_left", cost::gas_left, no_alias),
    host_fn<host::balance>("seal0", "balance", cost::balance),
    host_fn<host::value_transferred>("seal0", "value_transferred", cost::value_transferred),
    host_fn<host::random_v0>("seal0", "random", cost::random),
    host_fn<host::random_v1>("seal1", "random", cost::random),
    host_fn<host::now>("seal0", "now", cost::now),
    host_fn<host::minimum_balance>("seal0", "minimum_balance", cost::minimum_balance),
    host_fn<host::tombstone_deposit>("seal0", "tombstone_deposit", cost::minimum_balance),
    host_fn<host::restore_to_v0>("seal0", "restore_to", cost::nothing),
    host_fn<host::restore_to_v1>("seal1", "restore_to", cost::nothing),
    host_fn<host::set_rent_allowance_v0>("seal0", "set_rent_allowance", cost::nothing),
    host_fn<host::set_rent_allowance_v1>("seal1", "set_rent_allowance", cost::nothing),
    host_fn<host::rent_allowance>("seal0", "rent_allowance", cost::minimum_balance),
    host_fn<host::deposit_event>("seal0", "deposit_event", cost::deposit_event),
    host_fn<host::block_number>("seal0", "block_number", cost::block_number),
    host_fn<host::debug_message>("seal0", "debug_message", cost::debug_message),
    host_fn<host::call_runtime>("seal0", "call_runtime", cost::call_runtime, no_alias),
    host_fn<host::xcm_execute>("seal0", "xcm_execute", cost::xcm, no_alias),
    host_fn<host::xcm_send>("seal0", "xcm_send", cost::xcm, no_alias),
    host_fn<host::reentrance_count>("seal0", "reentrance_count", cost::reentrance_count, no_alias),
    host_fn<host::account_reentrance_count>("seal0", "account_reentrance_count", cost::reentrance_count, no_alias),
    host_fn<host::instantiation_nonce>("seal0", "instantiation_nonce", cost::instantiation_nonce, no_alias),

    host_fn<host::hash_sha2_256>("seal0", "hash_sha2_256", cost::sha2_256),
    host_fn<host::hash_keccak_256>("seal0", "hash_keccak_256", cost::keccak_256),
    host_fn<host::hash_blake2_256>("seal0", "hash_blake2_256", cost::blake2_256),
    host_fn<host::hash_blake2_128>("seal0", "hash_blake2_128", cost::blake2_128),
    host_fn<host::ecdsa_recover>("seal0", "ecdsa_recover", cost::ecdsa_recover),
    host_fn<host::ecdsa_to_eth_address>("seal0", "ecdsa_to_eth_address", cost::ecdsa_to_eth_address),
    host_fn<host::sr25519_verify>("seal0", "sr25519_verify", cost::sr25519_verify, no_alias),

    host_fn<host::memory_grow>("phala", "memory_grow", cost::memory_grow, no_alias),
    host_fn<host::stack_limit>("phala", "stack_limit", cost::stack_limit, no_alias),
};

struct Signature {
  explicit Signature(const HostFn& fn) {
    std::vector<wasm_valtype_t*> params;
    for (const auto& parameter : fn.params()) params.push_back(wasm_valtype_new(parameter.kind()));
    std::vector<wasm_valtype_t*> results;
    if (fn.result) results.push_back(wasm_valtype_new(*fn.result));
    wasm_valtype_vec_t in, out;
    wasm_valtype_vec_new(&in, params.size(), params.data());
    wasm_valtype_vec_new(&out, results.size(), results.data());
    type = wasm_functype_new(&in, &out);
  }
  ~Signature() { wasm_functype_delete(type); }
  wasm_functype_t* type;
};

}  // namespace

std::span<const HostFn> host_functions() { return table; }

wasmtime_error_t* define_host_functions(wasmtime_linker_t* linker) {
  for (const HostFn& fn : table) {
    const Signature signature(fn);
    const auto define = [&](std::string_view module, std::string_view name) {
      return wasmtime_linker_define_func_unchecked(linker, module.data(), module.size(), name.data(), name.size(), signature.type, fn.call,
                                                   const_cast<Gas*>(&fn.cost.base), nullptr);
    };
    if (auto* error = define(fn.module, fn.name)) return error;
    if (!fn.alias) continue;
    if (auto* error = define(fn.module, "seal_" + std::string(fn.name))) return error;
  }
  // A name that exists in several modules has its newest form in __unstable__.
  wasmtime_linker_allow_shadowing(linker, true);
  for (const HostFn& fn : table) {
    if (fn.module == "phala") continue;
    const Signature signature(fn);
    for (const std::string& name : {std::string(fn.name), "seal_" + std::string(fn.name)}) {
      constexpr std::string_view module = "__unstable__";
      if (auto* error = wasmtime_linker_define_func_unchecked(linker, module.data(), module.size(), name.data(), name.size(), signature.type, fn.call,
                                                              const_cast<Gas*>(&fn.cost.base), nullptr))
        return error;
    }
  }
  wasmtime_linker_allow_shadowing(linker, false);
  return nullptr;
}

}  // namespace phala::engine
