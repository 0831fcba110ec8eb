#pragma once
// Why: host functions are tested one by one, as data: what the contract passes, and what it gets. Each runs in the smallest contract that
// calls it, which takes the numbers to pass from its input. Tests reach the edges of every parameter from the same rows.

#include <functional>

#include "engine/host.hpp"
#include "engine/test_support.hpp"

namespace phala::engine::test {

/// Where things are in the memory of such a contract: two pages.
namespace place {
constexpr u64 capacity = 0xff0;        ///< u32, 0x400 before the call
constexpr u64 address_capacity = 0xfe8;   ///< u32, 32 before the call
constexpr u64 input = 0x1000;          ///< the numbers to pass, eight bytes each, then
constexpr u64 payload = 0x1080;
constexpr u64 out = 0x3000, address = 0x3080;
constexpr u64 end = 0x20000;
}  // namespace place
constexpr u64 none = 0xffff'ffff;

/// What such a contract answers: the capacity after the call, the result, and 256 bytes from place::out on.
struct HostAnswer {
  u32 written = 0;
  u64 result = 0;
  Bytes out;
};

struct HostCase {
  std::string fn;                        ///< "seal0.caller"
  std::string what;
  std::vector<u64> args{};               ///< one per wasm parameter
  Bytes payload{};
  bool self_first = false;               ///< the contract's own account comes before the payload
  Balance value = 0;                     ///< sent along
  std::string before{};                  ///< WebAssembly that runs before the call
  // what is to come of it
  std::string error{};                   ///< the run ends so; else:
  std::optional<u64> result{};
  std::optional<Bytes> out{};            ///< the bytes from place::out on, with their length where the function writes one
  std::optional<Bytes> data{};           ///< what the run returns, for functions that end it
  std::function<bool(const Outcome&, const HostAnswer&, const Cluster&, const ContractId& self)> also{};   ///< holds afterwards
};

/// Contracts and code that cases refer to.
struct HostWorld {
  HostWorld();
  Cluster cluster{3, 10, 1};
  ContractId echo, trap, revert;                              ///< answer their input, end, answer it and undo
  Hash echo_code, trap_code, revert_code, relaxed_code;

  /// The smallest contract that calls `fn` after `before`, `times` in a row; made once, has a balance of 1,001.
  ContractId caller_of(const HostFn& fn, const std::string& before, u32 times = 1);
  /// The whole input of a call of such a contract.
  static Bytes input_of(const HostCase& one, const ContractId& self);
  /// Runs it in a transaction that leaves nothing. `also`: that of the case held, where the run succeeded.
  struct Ran { Outcome outcome; HostAnswer answer; bool also = true; };
  Ran run(const HostCase& one);

 private:
  std::map<std::string, ContractId> made_;
};
const HostFn& host_function(std::string_view module_dot_name);

std::vector<HostCase> storage_cases();
std::vector<HostCase> call_cases(const HostWorld& world);
std::vector<HostCase> info_cases(const HostWorld& world);
std::vector<HostCase> crypto_cases();
/// All of them; the first of each function is one that succeeds and uses every parameter.
std::vector<HostCase> host_cases(const HostWorld& world);

}  // namespace phala::engine::test
