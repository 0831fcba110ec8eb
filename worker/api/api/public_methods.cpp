#include <unistd.h>

#include <fstream>
#include <set>

#include "api/methods.hpp"

namespace phala::worker::methods {

namespace {

constexpr int max_named_contracts = 1000;

/// Bytes of a line like "VmHWM:   123 kB" of /proc/self/status.
u64 process_memory(std::string_view key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key)) return std::strtoull(line.c_str() + key.size() + 1, nullptr, 10) * 1024;
  return 0;
}
u64 free_memory() { return static_cast<u64>(sysconf(_SC_AVPHYS_PAGES)) * static_cast<u64>(sysconf(_SC_PAGESIZE)); }

rpc::GatekeeperStatus gatekeeper_status(const Machine& machine, const PublicKey& self) {
  rpc::GatekeeperStatus out;
  out.set_role(static_cast<rpc::GatekeeperRole>(machine.gatekeeper.role(self)));
  if (machine.gatekeeper.holder) out.set_master_public_key(to_hex(machine.gatekeeper.holder->master().public_key()));
  return out;
}

}  // namespace

Result<rpc::PhactoryInfo> get_info(ApiContext& context, const rpc::Empty&) {
  const auto machine = context.service.machine();
  const std::string key = to_hex(context.service.public_key());
  rpc::PhactoryInfo out;
  out.set_initialized(true);
  out.set_registered(machine->working.registered);
  out.set_genesis_block_hash(to_hex(context.service.config().machine.trust.genesis_hash));
  out.set_public_key(key);
  out.set_ecdh_public_key(key);
  out.set_headernum(machine->tip.number + 1);
  out.set_blocknum(machine->tip.number + 1);
  if (machine->tip.state_root) out.set_state_root(to_hex(*machine->tip.state_root));
  out.set_dev_mode(context.service.config().machine.development);
  out.set_pending_messages(pending(machine->egress));
  out.set_score(machine->working.score);
  *out.mutable_gatekeeper() = gatekeeper_status(*machine, context.service.public_key());
  out.set_version(context.version);
  out.set_git_revision(context.commit);
  auto& memory = *out.mutable_memory_usage();
  memory.set_rust_used(process_memory("VmRSS:"));
  memory.set_rust_peak_used(process_memory("VmHWM:"));
  memory.set_total_peak_used(process_memory("VmHWM:"));
  memory.set_free(free_memory());
  auto& system = *out.mutable_system();
  system.set_registered(machine->working.registered);
  system.set_public_key(key);
  system.set_ecdh_public_key(key);
  *system.mutable_gatekeeper() = out.gatekeeper();
  system.set_number_of_clusters(machine->cluster ? 1 : 0);
  system.set_number_of_contracts(machine->cluster ? machine->cluster->contracts.size() : 0);
  out.set_current_block_time(machine->tip.now_ms);
  out.set_max_supported_pink_runtime_version(engine::version_text(engine::runtime_version));
  out.add_supported_attestation_methods("dcap");
  out.set_query_timeout(context.service.config().query_timeout_s);
  return out;
}

Result<rpc::GetContractInfoResponse> get_contract_info(ApiContext& context, const rpc::GetContractInfoRequest& request) {
  const auto machine = context.service.machine();
  rpc::GetContractInfoResponse out;
  if (!machine->cluster) return out;
  const auto add = [&](const Hash& id, const ContractEntry& entry) {
    auto& info = *out.add_contracts();
    info.set_id(to_hex0x(id));
    if (const auto contract = machine->cluster->state.contract(id.as<AccountId>())) info.set_code_hash(to_hex0x(contract->code_hash));
    info.set_weight(entry.weight);
  };
  if (request.contracts().empty())
    for (const auto& [id, entry] : machine->cluster->contracts) add(id, entry);
  for (const auto& text : request.contracts()) {
    const auto raw = from_hex(text);
    const auto id = raw ? Hash::from(*raw) : Result<Hash>(fail(raw.error()));
    if (!id) return fail(ErrorCode::invalid_input, "contract id '" + text.substr(0, 80) + "': " + id.error().message);
    if (const auto at = machine->cluster->contracts.find(*id); at != machine->cluster->contracts.end()) add(*id, at->second);
  }
  return out;
}

Result<rpc::GetClusterInfoResponse> get_cluster_info(ApiContext& context, const rpc::Empty&) {
  const auto machine = context.service.machine();
  rpc::GetClusterInfoResponse out;
  if (!machine->cluster) return out;
  const Cluster& cluster = *machine->cluster;
  auto& info = *out.mutable_info();
  info.set_id(to_hex0x(cluster.id));
  if (const auto version = cluster.state.runtime_version()) info.set_runtime_version(engine::version_text(*version));
  info.set_state_root(to_hex0x(context.service.cluster_root()));
  if (const auto system = cluster.system_contract()) info.set_system_contract(to_hex0x(*system));
  if (cluster.log_handler) info.set_logger_contract(to_hex0x(*cluster.log_handler));
  info.set_number_of_contracts(cluster.contracts.size());
  return out;
}

Result<rpc::ContractId> calculate_contract_id(ApiContext&, const rpc::ContractParameters& request) {
  const auto read = [](const std::string& text, const char* name) {
    return from_hex(text).map_error([&](Error e) { return Error{ErrorCode::invalid_input, std::string(name) + ": " + e.message}; });
  };
  const auto hash = [&](const std::string& text, const char* name) -> Result<Hash> { return Hash::from(TRY(read(text, name))).context(name); };
  const auto deployer = TRY(hash(request.deployer(), "deployer"));
  const auto id = protocol::contract_id(deployer.as<AccountId>(), TRY(hash(request.code_hash(), "code_hash")), TRY(hash(request.cluster_id(), "cluster_id")), TRY(read(request.salt(), "salt")));
  rpc::ContractId out;
  out.set_id(to_hex0x(id));
  return out;
}

Result<rpc::StatisticsResponse> statistics(ApiContext& context, const rpc::StatisticsRequest& request) {
  if (request.contracts_size() > max_named_contracts) return fail(ErrorCode::invalid_input, "more than " + std::to_string(max_named_contracts) + " contracts named; ask for all");
  std::set<Hash> named;
  for (const auto& text : request.contracts())
    if (const auto raw = from_hex(text); raw && raw->size() == Hash::bytes) named.insert(Hash(*raw));
  rpc::StatisticsResponse out;
  out.set_uptime(context.service.uptime_s());
  out.set_cores(context.service.config().cores);
  out.set_notes(context.service.notes());
  QueryCount all;
  for (const auto& [id, count] : context.service.query_counts()) {
    all.total += count.total;
    all.dropped += count.dropped;
    all.time_ms += count.time_ms;
    if (!request.all() && !named.contains(id)) continue;
    auto& row = *out.add_query_by_contract();
    row.set_contract(to_hex0x(id));
    row.set_total(count.total);
    row.set_dropped(count.dropped);
    row.set_time_ms(count.time_ms);
  }
  out.mutable_query()->set_total(all.total);
  out.mutable_query()->set_dropped(all.dropped);
  out.mutable_query()->set_time_ms(all.time_ms);
  return out;
}

Result<SignatureChain> chain_of(const rpc::Signature& signature) {
  const auto bad = [](std::string_view what) { return fail(ErrorCode::refused, "Verifying signature failed: " + std::string(what)); };
  SignatureChain out;
  for (const rpc::Signature* at = &signature;; at = &at->signed_by().signature()) {
    if (!at->has_signed_by()) return bad(to_string(SignatureError::CertificateMissing));
    const auto type = static_cast<SignatureType>(at->signature_type());
    if (at->signature_type() < 0 || at->signature_type() > 255 || !is_valid(type)) return bad("InvalidSignatureType");
    out.push_back({bytes_of(at->signed_by().encoded_body()), type, bytes_of(at->signature())});
    if (!at->signed_by().has_signature()) return out;
    if (out.size() > max_certificate_depth) return bad(to_string(SignatureError::TooLong));
  }
}

}  // namespace phala::worker::methods
