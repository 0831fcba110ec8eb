#pragma once
// Why: what an operator may say to a node, and what orchestration tools say to any node of the Substrate family. Options that mean nothing here are
// accepted and reported, so that such tools can start it unchanged.

#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"

namespace phala::app {

struct Settings {
  std::string chain = "dev", base_path, name = "phala-node", state_pruning = "256", message_history = "all", rpc_methods = "auto";
  std::optional<std::string> sealer_key_file, node_key, node_key_file, prometheus_address;
  std::vector<std::string> rpc_cors, log_levels;
  bool dev = false, tmp = false, validator = false, rpc_external = false, unsafe_rpc_external = false, log_json = false, rpc_help = false, build_spec = false;
  bool prometheus_external = false, no_prometheus = false;
  std::optional<u16> prometheus_port;
  u16 rpc_port = 9944;
  u32 block_ms = 0, rpc_max_connections = 100, rpc_max_request_mib = 15, rpc_max_response_mib = 15, rpc_max_subscriptions = 1024, rpc_max_batch = 100, rpc_deadline_ms = 15'000, cpu_threads = 0;
  u32 pool_limit = 8192, pool_kib = 20 * 1024, pool_per_sender = 2048, db_cache_mib = 128;

  /// --alice … --ferdie: development accounts by name.
  struct Account { const char* name; bool chosen = false; };
  std::vector<Account> accounts{{"Alice"}, {"Bob"}, {"Charlie"}, {"Dave"}, {"Eve"}, {"Ferdie"}};
  const char* account() const;

  /// Accepted, and without effect.
  std::optional<u16> port;
  std::optional<std::string> sync, blocks_pruning, keystore_path;
  std::vector<std::string> bootnodes, listen_addr, public_addr, telemetry_url;
  bool no_mdns = false, no_telemetry = false;
  /// Those that were given, with the reason why nothing follows from them.
  std::vector<std::string> without_effect() const;

  bool external() const { return rpc_external || unsafe_rpc_external; }
  /// As of http::ServerOptions.
  std::vector<std::string> cors_origins() const;
  std::vector<std::string> rpc_hosts() const;
  bool unsafe_methods() const { return rpc_methods == "unsafe" || (rpc_methods == "auto" && !external()); }
  /// Where Prometheus is served apart from the RPC port: address and port.
  std::optional<std::pair<std::string, u16>> prometheus() const;
};

config::Parsed parse(int argc, char** argv, Settings& settings);

}  // namespace phala::app
