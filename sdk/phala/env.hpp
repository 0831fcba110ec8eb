#pragma once
// Why: what a contract can ask of and do to the world around it, typed. Each function is one host call.

#include <optional>
#include <string_view>

#include "scale/codec.hpp"
#include "phala/selector.hpp"

namespace phala::scale {
/// A result as a value on the wire: 0 and the value, or 1 and the error.
template <class T, class E>
struct Codec<Result<T, E>> {
  static void encode(Bytes& out, const Result<T, E>& value) {
    out.push_back(value ? 0 : 1);
    if (!value) return encode_to(out, value.error());
    if constexpr (!std::is_void_v<T>) encode_to(out, *value);
  }
  static Result<Result<T, E>, CodecError> decode(Reader& in) {
    using Out = Result<Result<T, E>, CodecError>;
    const auto is_error = decode_from<bool>(in);
    if (!is_error) return fail(CodecError::unknown_variant);
    if (*is_error) {
      auto error = decode_from<E>(in);
      if (!error) return fail(error.error());
      return Out(std::in_place, std::unexpect, std::move(*error));
    }
    if constexpr (std::is_void_v<T>) {
      return Out(std::in_place);
    } else {
      auto value = decode_from<T>(in);
      if (!value) return fail(value.error());
      return Out(std::in_place, std::move(*value));
    }
  }
};
}  // namespace phala::scale

namespace phala::sdk {

using Balance = u128;      ///< 12 decimals: 1 PHA = 10^12
using BlockNumber = u32;
using Timestamp = u64;     ///< milliseconds since 1970-01-01 UTC

/// Ends the call with a trap; the text is kept in the debug output of a query.
[[noreturn]] void panic(std::string_view why);

/// The answer of a host function, or of the contract behind it.
enum class CallError : u8 {
  callee_trapped = 1,      ///< the callee ran out of gas or broke a rule
  callee_reverted = 2,     ///< the callee refused; its state is as before
  key_not_found = 3,
  transfer_failed = 5,     ///< not enough balance, or the account would fall below the existential deposit
  code_not_found = 7,
  not_callable = 8,        ///< there is no contract at this address
  recovery_failed = 11,
  bad_answer = 0xfe,       ///< the callee answered something that is not the declared type
  not_understood = 0xff,   ///< the callee does not know the message or could not read its arguments
};

// ---- this call ---------------------------------------------------------------------------------------------------
AccountId caller();
AccountId address();
Balance value_transferred();
bool caller_is_origin();
u64 gas_left();
BlockNumber block_number();
Timestamp now();

// ---- this contract and others ------------------------------------------------------------------------------------
/// What this contract may spend without falling below the existential deposit.
Balance balance();
Balance minimum_balance();
bool is_contract(const AccountId& account);
std::optional<Hash> code_hash(const AccountId& account);
Hash own_code_hash();
/// From the next call on this contract runs the code with this hash. Error: code_not_found.
Result<void, CallError> set_code_hash(const Hash& hash);
Result<void, CallError> transfer(const AccountId& to, Balance value);
/// Removes this contract; all it owns goes to `beneficiary`.
[[noreturn]] void terminate(const AccountId& beneficiary);

// ---- hashes ------------------------------------------------------------------------------------------------------
Hash sha2_256(ByteView data);
Hash keccak_256(ByteView data);
Hash blake2_256(ByteView data);
std::array<u8, 16> blake2_128(ByteView data);
/// The compressed public key that signed the 32-byte hash. The signature ends with its recovery id.
Result<std::array<u8, 33>, CallError> ecdsa_recover(const std::array<u8, 65>& signature, const Hash& hash);
Result<std::array<u8, 20>, CallError> ecdsa_to_eth_address(const std::array<u8, 33>& key);

// ---- used by the rest of the SDK ---------------------------------------------------------------------------------
/// The selector and arguments of this call.
Bytes read_input();
/// Ends the call with this answer; `revert` undoes what it did.
[[noreturn]] void finish(bool revert, ByteView data);
std::optional<Bytes> get_storage(ByteView key);
void set_storage(ByteView key, ByteView value);
bool contains_storage(ByteView key);
void clear_storage(ByteView key);
void deposit_event(const std::vector<Hash>& topics, ByteView data);
/// Chain extension `id`: its status, and its output when the status is 0.
Result<Bytes, u32> chain_extension(u16 id, ByteView input);

struct CallOptions {
  Balance value = 0;             ///< sent along
  u64 gas = 0;                   ///< limit of the callee; 0 is all that is left
  bool allow_reentry = false;    ///< the callee may call back into this contract
};
/// The raw answer of another contract. On `callee_reverted` the answer is delivered too, in `out`.
Result<void, CallError> call_raw(const AccountId& callee, ByteView input, const CallOptions& options, Bytes& out);
Result<void, CallError> delegate_call_raw(const Hash& code, ByteView input, Bytes& out);
/// The address of the new contract.
Result<AccountId, CallError> instantiate_raw(const Hash& code, ByteView input, ByteView salt, Balance value, Bytes& out);

}  // namespace phala::sdk
