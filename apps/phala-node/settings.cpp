#include "settings.hpp"

#include "http/http.hpp"
#include "rpc/dev.hpp"
#include "rpc/phala.hpp"
#include "rpc/state.hpp"
#include "rpc/table.hpp"

namespace phala::app {
namespace {

constexpr const char* examples =
    "  phala-node --dev --tmp                                  a development chain that is gone when it stops\n"
    "  phala-node --chain chain.json -d /var/lib/phala --sealer-key-file sealer.key\n"
    "  PHALA_NODE_RPC_PORT=9945 phala-node --dev -l rpc=debug  settings from the environment\n";

std::string mib(size_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }
std::string number(u64 n) { return std::to_string(n); }

/// What is bounded without an option.
std::string fixed_limits() {
  const node::PoolLimits pool;
  const http::Limits http;
  const rpc::Hub::Options hub;
  return "\nFixed limits:\n"
         "  pool: " + number(pool.future_count) + " transactions of " + mib(pool.future_bytes) + " that wait for an earlier one; what was bad is refused for " + number(pool.ban_ms / 60'000) +
         " minutes, the last " + number(pool.bans) + " of them\n"
         "  connection: " + number(http.requests_in_flight) + " requests of " + mib(http.in_flight_bytes) + " unanswered, " + mib(http.send_queue_bytes) + " not yet read by the client, headers of " +
         number(http.header_bytes / 1024) + " KiB; " + number(http.read_timeout_ms / 1000) + " s for a request to arrive, " + number(http.write_timeout_ms / 1000) + " s for an answer to leave, " +
         number(http.idle_timeout_ms / 1000) + " s idle\n"
         "  all connections: " + mib(http.memory_bytes) + " of requests and answers; when that is used up, each has its equal share\n"
         "  message: JSON nested " + number(rpc::max_json_depth) + " deep, " + number(rpc::max_json_values) + " values; 1024 messages wait for a thread\n"
         "  subscriptions of one connection: " + mib(hub.key_bytes_per_connection) + " of storage keys, " + number(rpc::Hub::key_overhead) + " bytes counted for each besides; keys of " +
         number(max_state_key_bytes) + " bytes; one notification no longer than an answer\n"
         "  state: " + number(rpc::max_keys_per_page) + " keys in one question, " + number(rpc::max_keys_at_once) + " in state_getKeys; proofs for the last 256 blocks\n"
         "  message log: " + number(rpc::max_batch_blocks) + " blocks or " + mib(rpc::max_batch_bytes) + " in one answer; " + mib(pallets::max_block_message_bytes) + " of messages in one block\n";
}

void network_options(config::Options& options, Settings& s) {
  options.value("--node-key", s.node_key, "Ed25519 secret of this node's identity, 32 bytes in hex; otherwise the sealer key's");
  options.value("--node-key-file", s.node_key_file, "File with the same");
  for (auto& account : s.accounts) {
    std::string flag = "--" + std::string(account.name);
    flag[2] = static_cast<char>(flag[2] + 'a' - 'A');
    options.flag(flag, account.chosen, "Take name and sealer key of the development account //" + std::string(account.name));
  }
  const std::string alone = " (accepted for orchestration tools, without effect: this node has no peers)";
  options.flag("--validator", s.validator, "Accepted for orchestration tools: this node seals whenever it has the key");
  options.value("--port", s.port, "Port for peers" + alone);
  options.list("--listen-addr", s.listen_addr, "Addresses for peers" + alone);
  options.list("--public-addr", s.public_addr, "Addresses to announce" + alone);
  options.list("--bootnodes", s.bootnodes, "First peers" + alone);
  options.flag("--no-mdns", s.no_mdns, "Do not look for peers" + alone);
  options.value("--sync", s.sync, "How to catch up" + alone);
  options.value("--blocks-pruning", s.blocks_pruning, "Accepted for orchestration tools, without effect: all blocks are kept");
  options.value("--keystore-path", s.keystore_path, "Accepted for orchestration tools, without effect: keys are given by --sealer-key-file");
  options.list("--telemetry-url", s.telemetry_url, "Accepted for orchestration tools, without effect: this node reports to nobody");
  options.flag("--no-telemetry", s.no_telemetry, "Accepted for orchestration tools, without effect: this node reports to nobody");
}

void rpc_options(config::Options& options, Settings& s) {
  options.value("--rpc-port", s.rpc_port, "Port of JSON-RPC, /health and /metrics; 0: any free one");
  options.flag("--rpc-external", s.rpc_external, "Listen on all interfaces; unsafe methods are then served only with --rpc-methods unsafe");
  options.flag("--unsafe-rpc-external", s.unsafe_rpc_external, "The same, without a warning");
  options.value("--rpc-methods", s.rpc_methods, "Which methods are served; auto: unsafe ones on the loopback interface only", {"auto", "safe", "unsafe"});
  options.list("--rpc-cors", s.rpc_cors, "Origins of web pages that may use the RPC ('http://localhost:*': any port), or 'all' (default: localhost and https://polkadot.js.org; with --dev: all)");
  options.value("--rpc-max-connections", s.rpc_max_connections, "Connections at once", 1u, 100'000u);
  options.value("--rpc-max-request-size", s.rpc_max_request_mib, "MiB of one request", 1u, 128u);
  options.value("--rpc-max-response-size", s.rpc_max_response_mib, "MiB of one answer; author_pendingExtrinsics may give the whole pool, phala_messages one block however large", 1u, 256u);
  options.value("--rpc-max-subscriptions-per-connection", s.rpc_max_subscriptions, "Subscriptions of one connection", 1u, 100'000u);
  options.value("--rpc-max-batch-request-len", s.rpc_max_batch, "Calls in one batch", 1u, 10'000u);
  options.value("--rpc-deadline-ms", s.rpc_deadline_ms, "Milliseconds a call may take, its waiting included", 100u, 600'000u);
  options.value("--prometheus-port", s.prometheus_port, "Serve /metrics on a port of its own too");
  options.flag("--prometheus-external", s.prometheus_external, "Serve it on all interfaces (port 9615 unless given)");
  options.value("--prometheus-address", s.prometheus_address, "Address for --prometheus-port (default 127.0.0.1)");
  options.flag("--no-prometheus", s.no_prometheus, "No port for Prometheus, whatever else is said");
}

}  // namespace

const char* Settings::account() const {
  for (const auto& one : accounts)
    if (one.chosen) return one.name;
  return nullptr;
}

std::vector<std::string> Settings::without_effect() const {
  const std::string peers = "this node has no peers", reports = "this node reports to nobody";
  std::vector<std::string> out;
  const auto note = [&](bool given, const std::string& option, const std::string& why) {
    if (given) out.push_back(option + " has no effect: " + why);
  };
  note(port.has_value(), "--port", peers);
  note(!listen_addr.empty(), "--listen-addr", peers);
  note(!public_addr.empty(), "--public-addr", peers);
  note(!bootnodes.empty(), "--bootnodes", peers);
  note(no_mdns, "--no-mdns", peers);
  note(sync.has_value(), "--sync", peers);
  note(blocks_pruning.has_value(), "--blocks-pruning", "all blocks are kept");
  note(keystore_path.has_value(), "--keystore-path", "keys are given by --sealer-key-file");
  note(!telemetry_url.empty(), "--telemetry-url", reports);
  note(no_telemetry, "--no-telemetry", reports);
  return out;
}

std::vector<std::string> Settings::cors_origins() const {
  if (rpc_cors == std::vector<std::string>{"all"} || (rpc_cors.empty() && dev)) return {"*"};
  if (!rpc_cors.empty()) return rpc_cors;
  return {"http://localhost:*", "http://127.0.0.1:*", "https://localhost:*", "https://127.0.0.1:*", "https://polkadot.js.org"};
}

std::vector<std::string> Settings::rpc_hosts() const {
  // who listens to the world is called by names that only he knows; who serves any page has nothing to guard
  if (external() || cors_origins() == std::vector<std::string>{"*"}) return {};
  return {"localhost", "127.0.0.1", "[::1]"};
}

std::optional<std::pair<std::string, u16>> Settings::prometheus() const {
  constexpr u16 usual_port = 9615;
  if (no_prometheus || !(prometheus_port || prometheus_external)) return std::nullopt;
  return std::pair(prometheus_address.value_or(prometheus_external ? "0.0.0.0" : "127.0.0.1"), prometheus_port.value_or(usual_port));
}

config::Parsed parse(int argc, char** argv, Settings& s) {
  config::Options options("phala-node", "A node of the Phala chain: stores it, seals blocks, answers JSON-RPC.", examples + fixed_limits());
  options.value("--chain", s.chain, "'dev', or a chain spec file");
  options.flag("--dev", s.dev, "A development chain: --chain dev --rpc-cors all");
  options.value("-d,--base-path", s.base_path, "Folder for everything that is kept (default ~/.local/share/phala-node)");
  options.flag("--tmp", s.tmp, "Keep everything in a temporary folder and remove it at the end");
  options.value("--name", s.name, "Name of this node in metrics");
  options.value("--sealer-key-file", s.sealer_key_file, "File with the 32-byte ed25519 seed in hex that seals blocks");
  options.value("--block-ms", s.block_ms, "Milliseconds between blocks; 0: as the chain spec says", 0u, 600'000u);
  options.value("--state-pruning", s.state_pruning, "States of how many last blocks stay readable, or 'archive'");
  options.value("--message-history", s.message_history, "Payloads of messages of how many last blocks are kept, or 'all'");
  options.value("--db-cache", s.db_cache_mib, "MiB of database cache", 1u, 65'536u);
  rpc_options(options, s);
  options.value("--cpu-threads", s.cpu_threads, "Threads for heavy calls and signature checks; 0: one per processor", 0u, 1024u);
  options.value("--pool-limit", s.pool_limit, "Transactions ready in the pool", 1u, 1'000'000u);
  options.value("--pool-kbytes", s.pool_kib, "KiB of transactions ready in the pool", 1u, 4'000'000u);
  options.value("--pool-per-sender", s.pool_per_sender, "Transactions of one sender in the pool", 1u, 1'000'000u);
  network_options(options, s);
  options.list("-l,--log", s.log_levels, "Levels: 'info', or 'target=level' (rpc, pool, seal, node)");
  options.flag("--log-json", s.log_json, "Log lines as JSON");
  options.flag("--rpc-help", s.rpc_help, "Print all JSON-RPC methods as a table, then exit");
  options.flag("--build-spec", s.build_spec, "Print the chain spec, then exit");
  auto parsed = options.parse(argc, argv);
  if (!parsed.run) return parsed;
  if (s.dev) s.chain = "dev";
  if (const char* account = s.account(); account && s.name == Settings{}.name) s.name = account;
  return parsed;
}

}  // namespace phala::app
