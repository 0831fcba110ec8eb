#pragma once
// Why: what `phala dev` runs, written down: where it lives, its ports, its chain, the command lines of its programs. Deciding is apart from
// doing, so that a wrong wish is refused before anything is started or made.

#include <filesystem>

#include "cli/supervisor.hpp"
#include "runtime/chain_spec.hpp"

namespace phala::cli {

constexpr u64 most_workers = 16, usual_workers = 2;
constexpr const char* dev_names[] = {"Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie"};

struct DevNetwork {
  std::filesystem::path base, programs;
  u16 rpc_port = 0, worker_port = 0;
  u64 workers = 0, block_ms = 0;
  std::vector<std::string> egress;   ///< checked CIDRs

  /// A contract that is built with the programs.
  std::string contract_path(std::string_view name) const { return (programs / "../contracts" / (std::string(name) + ".wasm")).lexically_normal(); }
  std::string rpc_url() const { return "ws://127.0.0.1:" + std::to_string(rpc_port); }
  u16 public_port(u64 i) const { return static_cast<u16>(worker_port + i); }
  u16 private_port(u64 i) const { return static_cast<u16>(worker_port + workers + i); }
  std::string public_url(u64 i) const { return "http://127.0.0.1:" + std::to_string(public_port(i)); }
  std::string private_url(u64 i) const { return "http://127.0.0.1:" + std::to_string(private_port(i)); }
};

/// Errors name the option: ports out of range or overlapping, a block time, an address range. Touches nothing.
Result<> check(const DevNetwork& net);
/// Error: one of its ports is in use.
Result<> check_ports_free(const DevNetwork& net);

/// How many workers a network in `base` has: `wanted`, or as many as it was made with, or the usual two. A cluster's members are settled
/// when it is made, so a network cannot grow: that is an error with what to do.
Result<u64> workers_of(const std::filesystem::path& base, std::optional<u64> wanted);
/// The chain of this base path: made at the first start, read at every other. An attempt that was cut off is made anew.
Result<runtime::ChainSpec> prepare_chain(const DevNetwork& net);

/// The programs in the order in which they start. The last is the relay.
std::vector<Program> programs_of(const DevNetwork& net);

}  // namespace phala::cli
