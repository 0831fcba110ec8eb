#include "cli/dev_network.hpp"

#include <chrono>
#include <nlohmann/json.hpp>

#include "attest/authority.hpp"
#include "attest/software.hpp"
#include "base/secret.hpp"
#include "cli/command.hpp"
#include "cli/fields.hpp"
#include "cli/files.hpp"
#include "egress/address.hpp"

namespace phala::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* size_file = "network.json";

u64 now_s() { return static_cast<u64>(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())); }

crypto::Seed fresh_seed() {
  Bytes fresh = random_bytes(32);
  crypto::Seed out(fresh);
  wipe(fresh.data(), fresh.size());
  return out;
}

/// Secrets and size first, the spec last: a base path with chain.json has all of it.
Result<> make_chain(const DevNetwork& net, const std::string& spec_path) {
  const crypto::Seed sealer_seed = fresh_seed(), authority_seed = fresh_seed();
  TRY(replace_file(net.base / "sealer.key", as_bytes(to_hex0x(sealer_seed.expose()) + "\n"), Access::owner));
  const auto authority = TRY(attest::DevelopmentAuthority::create(authority_seed, now_s()).context("development attestation authority"));
  TRY(replace_file(net.base / "authority.json", as_bytes(authority.to_json()), Access::owner));
  TRY(replace_file(net.base / size_file, as_bytes(json{{"workers", net.workers}}.dump() + "\n")));
  runtime::AttestationPolicy policy;
  policy.root_certificates = {authority.root_certificate()};
  policy.allowed_measurements = {to_bytes(attest::software_measurement())};
  runtime::ChainSpec spec = TRY(runtime::development_spec(crypto::Ed25519Pair::from_seed(sealer_seed).public_key, std::move(policy),
                                                          TRY(read_file(net.contract_path("system")).context("system contract"))));
  spec.block_ms = static_cast<u32>(net.block_ms);
  return replace_file(spec_path, as_bytes(runtime::to_json(spec)));
}

std::unexpected<Error> port_error(const std::string& what) { return fail(ErrorCode::invalid_input, what, "choose others with --rpc-port and --worker-port"); }

}  // namespace

Result<> check(const DevNetwork& net) {
  if (net.block_ms < 20 || net.block_ms > 600000) return fail(ErrorCode::invalid_input, "--block-ms must be between 20 and 600000");
  const u64 last = net.worker_port + 2 * net.workers - 1;
  const std::string range = std::to_string(net.worker_port) + " to " + std::to_string(last);
  if (last > 65535) return port_error(std::to_string(net.workers) + " workers need the ports " + range + ", and there is none above 65535");
  if (net.rpc_port >= net.worker_port && net.rpc_port <= last)
    return port_error("port " + std::to_string(net.rpc_port) + " cannot be the node's: the workers take " + range + ", a public and a private one each");
  for (const auto& cidr : net.egress) TRY(egress::parse_range(cidr).context("--allow-egress"));
  return {};
}

Result<> check_ports_free(const DevNetwork& net) {
  TRY(check_port_free(net.rpc_port, "--rpc-port"));
  for (u64 i = 0; i < net.workers; ++i) {
    TRY(check_port_free(net.public_port(i), "--worker-port"));
    TRY(check_port_free(net.private_port(i), "--worker-port"));
  }
  return {};
}

Result<u64> workers_of(const fs::path& base, std::optional<u64> wanted) {
  if (wanted && (*wanted < 1 || *wanted > most_workers)) return fail(ErrorCode::invalid_input, "--workers must be between 1 and " + std::to_string(most_workers));
  const std::string path = base / size_file;
  std::error_code error;
  if (!fs::exists(base / "chain.json", error)) return wanted.value_or(usual_workers);
  const json stored = TRY(parse_json(as_text(TRY(read_file(path))), path));
  const u64 made_with = TRY(TRY(Fields::of(stored, path)).number("workers"));
  if (wanted && *wanted > made_with)
    return fail(ErrorCode::refused, "the network in " + base.string() + " was made with " + std::to_string(made_with) + " workers and cannot get more: its cluster's members are settled",
                "start it with --workers " + std::to_string(made_with) + " or fewer, or a new one with another --base-path");
  return wanted.value_or(made_with);
}

Result<runtime::ChainSpec> prepare_chain(const DevNetwork& net) {
  const std::string path = net.base / "chain.json";
  std::error_code error;
  if (!fs::exists(path, error)) TRY(make_chain(net, path));
  return runtime::chain_spec_from_json(as_text(TRY(read_file(path)))).context(path);
}

std::vector<Program> programs_of(const DevNetwork& net) {
  std::vector<Program> out;
  const auto add = [&](const std::string& name, std::vector<std::string> command) { out.push_back({name, std::move(command), (net.base / "logs" / (name + ".log")).string()}); };
  const std::string chain = net.base / "chain.json";
  add("node", {net.programs / "phala-node", "--chain", chain, "--base-path", net.base / "node", "--rpc-port", std::to_string(net.rpc_port), "--sealer-key-file", net.base / "sealer.key",
               "--block-ms", std::to_string(net.block_ms), "--rpc-methods", "unsafe", "--rpc-cors", "all", "--name", "dev"});
  std::vector<std::string> relay{net.programs / "phala-relay", "--node", net.rpc_url(), "--base-path", net.base / "relay", "--mnemonic", "//Ferdie", "--operator", "//Alice"};
  for (u64 i = 0; i < net.workers; ++i) {
    const std::string name = "worker-" + std::to_string(i + 1);
    std::vector<std::string> command{net.programs / "phala-worker", "--chain", chain, "--base-path", net.base / name, "--port", std::to_string(net.private_port(i)),
                                     "--public-address", "127.0.0.1", "--public-port", std::to_string(net.public_port(i)), "--endpoint", net.public_url(i),
                                     "--attestation-authority", net.base / "authority.json", "--allow-cors"};
    for (const auto& cidr : net.egress) command.insert(command.end(), {"--allow-egress", cidr});
    add(name, std::move(command));
    relay.insert(relay.end(), {"--worker", net.private_url(i), "--token-file", net.base / name / "token"});
  }
  add("relay", std::move(relay));
  return out;
}

}  // namespace phala::cli
