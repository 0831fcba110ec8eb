#pragma once
// Why: tests speak to the engine in the smallest contracts that show a thing: text of a module's functions, the imports of
// which follow from the host functions it calls ("call $seal0.input").

#include <string>

#include "engine/engine.hpp"

namespace phala::engine::test {

/// WebAssembly text to bytes; a text that does not parse ends the test program with the reason.
Bytes assemble(const std::string& wat);
/// A whole contract from its functions and data: memory of 2 to 16 pages, imports of the host functions named in `body`, and
/// empty `call` or `deploy` where the body defines none. A module's functions are written `(func (export "call") …)`.
std::string contract_text(const std::string& body);
inline Bytes contract(const std::string& body) { return assemble(contract_text(body)); }
/// `call` copies the input to 0x1000 (its length at 0x0ffc) and runs `body`; then everything from 0x2000 to `$end` is returned.
/// Locals: $n (length of the input), $end (starts at 0x2000), $a, $b, $c : i32, $l : i64.
std::string answering(const std::string& body);
/// `answering` the i32 that `expression` gives.
std::string number_of(const std::string& expression);
/// Bytes as they are written between the quotes of `(data (i32.const 0x100) "…")`.
std::string escaped(ByteView bytes);

/// The code in the text of a `.contract` file (`source.wasm`, hex).
Bytes wasm_of_contract_file(const std::string& json);

AccountId account(u8 fill);
inline const AccountId alice = account(0xa1), bob = account(0xb0), treasury = account(0x77);
constexpr Balance unit = 1'000'000'000'000;
constexpr u64 max_gas_for_tests = 1'000'000'000'000;

/// One engine for all tests of the program.
Engine& shared_engine();

/// A cluster with funds for alice and bob, and shorthands that expect success of everything but the run itself.
struct Cluster {
  explicit Cluster(Balance gas_price = 0, Balance per_item = 0, Balance per_byte = 0);
  ClusterState state;
  ClusterConfig config;
  ExecContext context;
  SecretBytes<64> secret;
  u32 salts = 0;

  Hash upload(const Bytes& wasm, Determinism determinism = Determinism::enforced);
  /// Uploads and instantiates from alice, with a salt that is new each time.
  ContractId deploy(const Bytes& wasm, Balance value = 0, Bytes input = {});
  ContractId deploy(const std::string& body, Balance value = 0) { return deploy(contract(body), value); }
  /// A transaction by alice; the difference is applied.
  Outcome send(const ContractId& to, Bytes input = {}, RunRequest run = {});
  Outcome query(const ContractId& to, Bytes input = {}, QueryEffects* effects = nullptr);
  Outcome estimate(const ContractId& to, Bytes input = {});
  Outcome instantiate(const Hash& code, Bytes input = {}, Bytes salt = {}, RunRequest run = {});
  Balance balance(const AccountId& who) const { return state.account(who).free; }
  /// Sum over all accounts, held included.
  Balance total() const;
};

/// The data of a successful run, or a description of its failure that no data equals.
Bytes data_of(const Outcome& outcome);
/// "Contracts::OutOfGas: out of gas", or "" when it succeeded.
std::string error_of(const Outcome& outcome);

}  // namespace phala::engine::test
