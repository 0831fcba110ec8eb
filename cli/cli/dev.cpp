// phala dev: a whole network on this machine: one node, one relay, workers (all gatekeepers), a cluster with its system contract.

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "attest/authority.hpp"
#include "attest/software.hpp"
#include "cli/chain.hpp"
#include "cli/command.hpp"
#include "cli/supervisor.hpp"
#include "nlohmann/json.hpp"
#include "runtime/chain_spec.hpp"

namespace phala::cli {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

struct DevNetwork {
  fs::path base, programs;
  u16 rpc_port = 0, worker_port = 0;
  u64 workers = 0, block_ms = 0;
  std::vector<std::string> egress;
  std::string rpc_url() const { return "ws://127.0.0.1:" + std::to_string(rpc_port); }
  u16 public_port(u64 i) const { return static_cast<u16>(worker_port + i); }
  u16 private_port(u64 i) const { return static_cast<u16>(worker_port + workers + i); }
  std::string public_url(u64 i) const { return "http://127.0.0.1:" + std::to_string(public_port(i)); }
  std::string private_url(u64 i) const { return "http://127.0.0.1:" + std::to_string(private_port(i)); }
};

constexpr const char* dev_names[] = {"Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie"};
constexpr u64 most_workers = 16;

Result<u16> port_option(const Args& args, std::string_view name) {
  const u64 port = TRY(args.number(name));
  if (port == 0 || port > 65000) return fail(ErrorCode::invalid_input, std::string(name) + " must be between 1 and 65000");
  return static_cast<u16>(port);
}

/// The chain of this base path: made at the first start, read at every other.
Result<> make_chain(const DevNetwork& net, const std::string& spec_path) {
  const Bytes sealer_seed = random_bytes(32);
  const Bytes authority_seed = random_bytes(32);
  TRY(write_file(net.base / "sealer.key", as_bytes(to_hex0x(sealer_seed) + "\n"), true));
  const auto now = static_cast<u64>(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
  const auto authority = TRY(attest::DevelopmentAuthority::create(crypto::Seed(authority_seed), now).context("development attestation authority"));
  TRY(write_file(net.base / "authority.json", as_bytes(authority.to_json()), true));
  runtime::AttestationPolicy policy;
  policy.root_certificates = {authority.root_certificate()};
  policy.allowed_measurements = {to_bytes(attest::software_measurement())};
  runtime::ChainSpec spec = TRY(runtime::development_spec(crypto::Ed25519Pair::from_seed(crypto::Seed(sealer_seed)).public_key, std::move(policy),
                                                          TRY(read_file(net.programs / "../contracts/system.wasm").context("system contract"))));
  spec.block_ms = static_cast<u32>(net.block_ms);
  return write_file(spec_path, as_bytes(runtime::to_json(spec)));
}

Result<runtime::ChainSpec> prepare_chain(const DevNetwork& net) {
  const std::string spec_path = net.base / "chain.json";
  if (!fs::exists(spec_path)) TRY(make_chain(net, spec_path));
  const Bytes text = TRY(read_file(spec_path));
  return runtime::chain_spec_from_json(as_text(text)).context(spec_path);
}

/// What is still to be done until contracts can be deployed, decided from the chain alone, so that a restart resumes anywhere.
struct Bootstrap {
  const DevNetwork& net;
  std::string treasury;               ///< SS58
  crypto::KeyPair alice;
  std::optional<Chain> chain;
  std::vector<std::string> keys;      ///< public keys of the workers, 0x-hex, in their order
  std::string cluster, system_contract, waiting_for;

  Result<> sudo(std::string_view pallet, std::string_view call, const json& arguments) {
    const auto* sudo_pallet = metadata::find_pallet(chain->metadata(), "Sudo");
    const Bytes inner = TRY(chain->call(pallet, call, arguments));
    const Bytes extrinsic = TRY(chain->sign(concat(Bytes{sudo_pallet->index, 0}, inner), alice));
    TRY(rpc(net.rpc_url(), "author_submitExtrinsic", {to_hex0x(extrinsic)}));
    return {};
  }

  /// True when everything stands. Sends at most one transaction and seals it at once.
  Result<bool> step() {
    if (keys.size() < net.workers) {
      waiting_for = "worker " + std::to_string(keys.size() + 1) + " to answer";
      const auto answer = http_get(net.public_url(keys.size()) + "/prpc/PhactoryAPI.GetInfo?json=true", 2);
      if (!answer || answer->status != 200) return false;
      const json info = json::parse(answer->body, nullptr, false);
      if (info.is_object() && info.contains("public_key") && info["public_key"].is_string()) keys.push_back("0x" + info["public_key"].get<std::string>());
      return false;
    }
    for (const auto& key : keys) {
      waiting_for = "worker " + key + " to register";
      if (TRY(chain->query("PhalaRegistry", "Workers", {key})).is_null()) return seal();
    }
    json gatekeepers = TRY(chain->query("PhalaRegistry", "Gatekeeper", json::array()));
    const bool master = !TRY(chain->query("PhalaRegistry", "GatekeeperMasterPubkey", json::array())).is_null();
    for (const auto& key : keys) {
      if (std::find(gatekeepers.begin(), gatekeepers.end(), key) != gatekeepers.end()) continue;
      waiting_for = "the first gatekeeper to make the master key";
      if (!gatekeepers.empty() && !master) return seal();
      waiting_for = "gatekeeper " + key;
      TRY(sudo("PhalaRegistry", "register_gatekeeper", {key}));
      return seal();
    }
    waiting_for = "the master key";
    if (!master) return seal();
    const json clusters = TRY(chain->query("PhalaPhatContracts", "Clusters", json::array(), 1));
    if (clusters.empty()) {
      waiting_for = "the cluster";
      const std::string owner = crypto::to_ss58(alice.account());
      // 1,000 PHA for the owner inside; gas and storage cost something, so that estimates and deposits are exercised
      TRY(sudo("PhalaPhatContracts", "add_cluster", {owner, "Public", keys, "1000000000000000", "1", "100000", "10000", treasury}));
      return seal();
    }
    cluster = clusters[0]["key"].get<std::string>();
    system_contract = clusters[0]["value"]["system_contract"].get<std::string>();
    waiting_for = "the workers to deploy cluster " + cluster;
    if (TRY(chain->query("PhalaRegistry", "ContractKeys", {system_contract})).is_null()) return seal();
    for (const auto& key : keys) {
      waiting_for = "the endpoint of worker " + key;
      if (TRY(chain->query("PhalaRegistry", "Endpoints", {key})).is_null()) return seal();
    }
    for (u64 i = 0; i < net.workers; ++i) {
      waiting_for = "worker " + std::to_string(i + 1) + " to run the cluster";
      const auto answer = http_post(net.public_url(i) + "/prpc/PhactoryAPI.GetClusterInfo?json=true", "application/json", "", 2);
      const json info = answer ? json::parse(answer->body, nullptr, false) : json();
      if (!info.is_object() || !info.contains("info") || !info["info"].is_object()) return false;
    }
    return true;
  }

  /// A new chain should not take a dozen block times to stand: while it is being set up, waiting transactions get their block at once.
  Result<bool> seal() {
    const json pending = TRY(rpc(net.rpc_url(), "author_pendingExtrinsics", json::array()));
    if (!pending.empty()) TRY(rpc(net.rpc_url(), "dev_newBlock", json::array()));
    return false;
  }
};

Result<> start_programs(const DevNetwork& net, Supervisor& supervisor) {
  const auto program = [&](const std::string& name, std::vector<std::string> command) {
    return Program{name, std::move(command), (net.base / "logs" / (name + ".log")).string(), -1, 0, 0};
  };
  const std::string chain = net.base / "chain.json";
  TRY(supervisor.start(program("node", {net.programs / "phala-node", "--chain", chain, "--base-path", net.base / "node", "--rpc-port", std::to_string(net.rpc_port), "--sealer-key-file",
                                        net.base / "sealer.key", "--block-ms", std::to_string(net.block_ms), "--rpc-methods", "unsafe", "--rpc-cors", "all", "--name", "dev"})));
  std::vector<std::string> relay{net.programs / "phala-relay", "--node", net.rpc_url(), "--base-path", net.base / "relay", "--mnemonic", "//Ferdie", "--operator", "//Alice"};
  for (u64 i = 0; i < net.workers; ++i) {
    const fs::path home = net.base / ("worker-" + std::to_string(i + 1));
    std::vector<std::string> command{net.programs / "phala-worker", "--chain", chain, "--base-path", home, "--port", std::to_string(net.private_port(i)), "--public-address", "127.0.0.1", "--public-port", std::to_string(net.public_port(i)),
                                     "--endpoint", net.public_url(i), "--attestation-authority", net.base / "authority.json", "--allow-cors"};
    for (const auto& cidr : net.egress) command.insert(command.end(), {"--allow-egress", cidr});
    TRY(supervisor.start(program("worker-" + std::to_string(i + 1), std::move(command))));
    relay.insert(relay.end(), {"--worker", net.private_url(i), "--token-file", home / "token"});
  }
  return supervisor.start(program("relay", std::move(relay)));
}

Result<> write_summary(const DevNetwork& net, const Bootstrap& boot) {
  json workers = json::array(), accounts = json::object();
  for (u64 i = 0; i < net.workers; ++i) workers.push_back({{"url", net.public_url(i)}, {"publicKey", boot.keys[i]}});
  for (const char* name : dev_names) accounts[name] = {{"uri", "//" + std::string(name)}, {"address", crypto::to_ss58(TRY(crypto::KeyPair::from_uri("//" + std::string(name))).account())}};
  const json summary{{"rpc", net.rpc_url()}, {"workers", workers}, {"clusterId", boot.cluster}, {"systemContract", boot.system_contract},
                     {"treasury", boot.treasury}, {"accounts", accounts}};
  // written beside and renamed: a reader never sees half a file
  const std::string path = net.base / "dev.json";
  TRY(write_file(path + ".new", as_bytes(summary.dump(2) + "\n")));
  std::error_code error;
  fs::rename(path + ".new", path, error);
  if (error) return fail(ErrorCode::unavailable, "cannot write " + path + ": " + error.message());
  return {};
}

Result<int> dev(const Args& args) {
  DevNetwork net;
  net.programs = fs::read_symlink("/proc/self/exe").parent_path();
  net.rpc_port = TRY(port_option(args, "--rpc-port"));
  net.worker_port = TRY(port_option(args, "--worker-port"));
  net.workers = TRY(args.number("--workers"));
  if (net.workers < 1 || net.workers > most_workers) return fail(ErrorCode::invalid_input, "--workers must be between 1 and " + std::to_string(most_workers));
  net.block_ms = TRY(args.number("--block-ms"));
  if (net.block_ms < 20 || net.block_ms > 600000) return fail(ErrorCode::invalid_input, "--block-ms must be between 20 and 600000");
  net.egress = args.list("--allow-egress");
  const bool temporary = args.has("--tmp");
  if (temporary) {
    std::string name = (fs::temp_directory_path() / "phala-dev-XXXXXX").string();
    if (!mkdtemp(name.data())) return fail(ErrorCode::unavailable, "cannot make a folder in " + fs::temp_directory_path().string(), "set TMPDIR, or use --base-path");
    net.base = name;
  } else if (args.has("--base-path")) {
    net.base = fs::absolute(args.text("--base-path"));
  } else {
    const char* home = std::getenv("HOME");
    net.base = fs::path(home ? home : ".") / ".local/share/phala/dev";
  }
  std::error_code error;
  fs::create_directories(net.base / "logs", error);
  if (error) return fail(ErrorCode::unavailable, "cannot use " + net.base.string() + ": " + error.message(), "choose a folder you may write with --base-path");
  const int lock = open((net.base / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) != 0) return fail(ErrorCode::unavailable, net.base.string() + " is in use by another phala dev", "stop it, or choose another --base-path");
  TRY(check_port_free(net.rpc_port, "--rpc-port"));
  for (u64 i = 0; i < 2 * net.workers; ++i) TRY(check_port_free(net.public_port(i), "--worker-port"));
  const runtime::ChainSpec spec = TRY(prepare_chain(net));

  Supervisor supervisor;
  std::printf("Starting a network in %s\n", net.base.c_str());
  std::fflush(stdout);
  TRY(start_programs(net, supervisor));
  Bootstrap boot{net, crypto::to_ss58(spec.treasury), TRY(crypto::KeyPair::from_uri("//Alice")), {}, {}, {}, {}, {}};
  const auto started = std::chrono::steady_clock::now();
  bool ready = false;
  std::string said;
  while (!Supervisor::stop_requested()) {
    for (const auto& line : TRY(supervisor.tend())) std::fprintf(stderr, "%s\n", line.c_str());
    if (ready) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      continue;
    }
    if (!boot.chain) {
      boot.waiting_for = "the node to answer";
      if (auto chain = Chain::connect(net.rpc_url())) boot.chain = std::move(*chain);
    } else if (const auto done = boot.step(); done && *done) {
      ready = true;
      TRY(write_summary(net, boot));
      std::printf("\n  node     %s (JSON-RPC, WebSocket and HTTP)\n", net.rpc_url().c_str());
      for (u64 i = 0; i < net.workers; ++i) std::printf("  worker   %s  %s\n", net.public_url(i).c_str(), boot.keys[i].c_str());
      std::printf("  cluster  %s\n  system   %s\n", boot.cluster.c_str(), boot.system_contract.c_str());
      for (const char* name : dev_names) std::printf("  //%-8s%s\n", name, crypto::to_ss58(TRY(crypto::KeyPair::from_uri("//" + std::string(name))).account()).c_str());
      std::printf("  files    %s (dev.json, logs)\n\n", net.base.c_str());
      std::printf("ready after %.1f s; Ctrl-C stops everything\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count());
      std::fflush(stdout);
    } else if (!done && done.error().code != ErrorCode::unavailable) {
      boot.waiting_for += " (" + done.error().text() + ")";
    }
    const auto waited = std::chrono::steady_clock::now() - started;
    if (!ready && waited > std::chrono::seconds(10) && boot.waiting_for != said) {
      said = boot.waiting_for;
      std::fprintf(stderr, "waiting for %s\n", said.c_str());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  std::printf("stopping\n");
  std::fflush(stdout);
  supervisor.stop_all();
  if (temporary) fs::remove_all(net.base, error);
  return 0;
}

}  // namespace

std::span<const Command> dev_commands() {
  static const Command commands[] = {
      {"dev", "Run a whole network on this machine until Ctrl-C; the same base path resumes", "phala dev --tmp --block-ms 1000", {},
       {{"--base-path", "DIR", "where it lives (~/.local/share/phala/dev)"}, {"--tmp", "", "live in a temporary folder, removed at the end"}, {"--rpc-port", "PORT", "the node's JSON-RPC", "9944"},
        {"--worker-port", "PORT", "the first worker; the others follow, then their private ports", "8000"}, {"--workers", "N", "how many workers", "2"}, {"--block-ms", "MS", "time between blocks", "3000"},
        {"--allow-egress", "CIDR", "addresses that contracts may reach although they are local, e.g. 127.0.0.0/8; repeatable", {}, true}}, dev},
  };
  return commands;
}

}  // namespace phala::cli
