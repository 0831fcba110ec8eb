// phala contract: deploy, call, query, info, logs (stake: contract_stake.cpp) — for .contract files of any toolchain.

#include "cli/command.hpp"
#include "cli/contract_client.hpp"
#include "cli/fields.hpp"
#include "cli/signer.hpp"
#include "config/config.hpp"

namespace phala::cli {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

const Option cluster_option{"--cluster", "ID", "the cluster (the chain's first)"};
const Option abi_option{"--abi", "FILE", "the .contract or metadata file", "contract.contract"};
const Option value_option{"--value", "AMOUNT", "transferred to the contract with the call", "0"};

constexpr u128 estimation_funds = 1'000'000'000 * u128{1'000'000'000'000};   // credited in the dry run only
constexpr int code_timeout_s = 30, log_grace_s = 5;
constexpr u64 most_logs = 1'000'000;

struct Session {
  crypto::KeyPair user;
  Chain chain;
  ClusterClient cluster;
};
Result<std::unique_ptr<Session>> open(const Args& args) {
  auto user = TRY(signer_of(args));
  auto chain = TRY(Chain::connect(args.text("--rpc")));
  // the client keeps a reference to the user's key: both live in one heap object
  std::unique_ptr<Session> out(new Session{std::move(user), std::move(chain), {}});
  out->cluster = TRY(ClusterClient::connect(out->chain, args.text("--cluster"), out->user));
  return out;
}

/// What the user must move into the cluster so that the gas, the deposit and the transfer can be paid there.
Result<u128> missing_funds(const Session& s, u64 gas, const ExecResult& estimate, u128 value) {
  const u128 needed = u128{gas} * s.cluster.gas_price() + (estimate.deposit_is_charge ? estimate.deposit : 0) + value;
  const u128 has = TRY(s.cluster.free_balance(s.user.account()));
  return needed > has ? needed - has : 0;
}

/// In words, what a reverted run returned.
std::string returned(const ContractFile& file, const ContractEntry& entry, const ExecResult& result) {
  const auto value = file.decode_return(entry, result.data);
  return value ? one_line(*value) : to_hex0x(result.data);
}

Result<> check_estimate(const ContractFile& file, const ContractEntry& entry, const ExecResult& estimate) {
  if (estimate.error) return fail(ErrorCode::refused, entry.label + " would fail: " + *estimate.error, estimate.debug_message);
  if (estimate.reverted()) return fail(ErrorCode::refused, entry.label + " would revert with " + returned(file, entry, estimate), estimate.debug_message);
  return {};
}

/// What a query or a message that ran answered: printed whole, or for people its value alone. Exit code: refused when it was undone.
Result<int> show(const Args& args, const ContractFile& file, const ContractEntry& entry, const ExecResult& result, ordered_json details) {
  if (result.error) return fail(ErrorCode::refused, entry.label + " failed: " + *result.error, result.debug_message);
  const json value = TRY(file.decode_return(entry, result.data));
  if (args.json()) {
    ordered_json out{{"value", value}, {"reverted", result.reverted()}, {"gasConsumed", result.gas_consumed}, {"gasRequired", result.gas_required}};
    out.update(details);
    print(args, out);
  } else if (entry.returns && !(value.is_null() && details.contains("block"))) {   // a message that only does something says nothing
    print(args, value);
  }
  if (!result.reverted()) return config::exit_ok;
  if (!args.json()) {
    std::fflush(stdout);   // in this order in a file, too
    std::fprintf(stderr, "%s was undone\n", entry.label.c_str());
  }
  return config::exit_refused;
}

Result<int> deploy(const Args& args) {
  const auto file = TRY(ContractFile::read(args.text("FILE")));
  if (file.wasm.empty()) return fail(ErrorCode::invalid_input, args.text("FILE") + " holds no code", "use the .contract file, not the metadata alone");
  const ContractEntry& constructor = *TRY(file.constructor(args.has("CONSTRUCTOR") ? args.text("CONSTRUCTOR") : file.constructors.front().label));
  const Bytes input = TRY(file.encode(constructor, args.list("ARGUMENT")));
  const u128 value = TRY(args.amount("--value"));
  const Bytes salt = args.has("--salt") ? TRY(from_hex(args.text("--salt")).context(args.where("--salt"))) : random_bytes(8);
  const auto session = TRY(open(args));
  const auto& [user, chain, cluster] = *session;
  const std::string cluster_id = to_hex0x(cluster.cluster());

  if (!TRY(cluster.code_exists(file.code_hash))) {
    if (!args.json()) std::fprintf(stderr, "uploading %zu bytes of code\n", file.wasm.size());
    const Included done = TRY(chain.sign_and_submit(TRY(chain.call("PhalaPhatContracts", "cluster_upload_resource", {cluster_id, "InkCode", to_hex0x(file.wasm)})), user));
    if (done.failure) return fail(ErrorCode::refused, "the upload failed: " + *done.failure);
    TRY(wait_until("the worker to accept the code", code_timeout_s, [&]() -> Result<bool> { return cluster.code_exists(file.code_hash); }));
  }
  const ExecResult estimate = TRY(cluster.estimate_instantiate(file.code_hash, salt, input, estimation_funds, value));
  TRY(check_estimate(file, constructor, estimate));
  const u128 deposit = TRY(missing_funds(*session, estimate.gas_required, estimate, value));
  const Included done = TRY(chain.sign_and_submit(
      TRY(chain.call("PhalaPhatContracts", "instantiate_contract",
                     {{{"WasmCode", to_hex0x(file.code_hash)}}, to_hex0x(input), to_hex0x(salt), cluster_id, to_decimal(value), estimate.gas_required, nullptr, to_decimal(deposit)})),
      user));
  if (done.failure) return fail(ErrorCode::refused, "instantiating failed: " + *done.failure);
  const std::string id = to_hex0x(protocol::contract_id(user.account(), file.code_hash, cluster.cluster(), salt));
  TRY(wait_until("the workers to instantiate the contract", run_timeout_s, [&]() -> Result<bool> { return !TRY(chain.query("PhalaRegistry", "ContractKeys", {id})).is_null(); }));
  print(args, ordered_json{{"contract", id}, {"codeHash", to_hex0x(file.code_hash)}, {"cluster", cluster_id}, {"block", done.block_number}});
  return config::exit_ok;
}

Result<int> query(const Args& args) {
  const auto file = TRY(ContractFile::read(args.text("--abi")));
  const Hash id = TRY(contract_id(args));
  const ContractEntry& message = *TRY(file.message(args.text("MESSAGE")));
  const Bytes input = TRY(file.encode(message, args.list("ARGUMENT")));
  const u128 value = TRY(args.amount("--value"));
  const auto session = TRY(open(args));
  return show(args, file, message, TRY(session->cluster.query(id, input, args.has("--estimate"), estimation_funds, value)), ordered_json::object());
}

/// How the message ended, as the log of the worker tells. It appears with the block, or a moment after.
Result<ClusterClient::MessageOutput> wait_for_output(const ClusterClient& cluster, const Hash& id, ByteView nonce, u64 from, u32 block) {
  std::optional<ClusterClient::MessageOutput> found;
  const auto look = [&]() -> Result<bool> {
    found = TRY(cluster.find_output(id, nonce, from));
    return found.has_value();
  };
  TRY(wait_until("the worker to run the message", run_timeout_s, [&]() -> Result<bool> { return TRY(look()) || TRY(cluster.next_block()) > block; }));
  if (found || wait_until("the log", log_grace_s, look)) return std::move(*found);
  return fail(ErrorCode::unavailable, "the worker ran block " + std::to_string(block) + ", but its log does not say how the message ended", "it may not have been able to read the message; `phala contract logs` shows what it logged");
}

Result<int> call(const Args& args) {
  const auto file = TRY(ContractFile::read(args.text("--abi")));
  const Hash id = TRY(contract_id(args));
  const std::string id_hex = to_hex0x(id);
  const ContractEntry& message = *TRY(file.message(args.text("MESSAGE")));
  const Bytes input = TRY(file.encode(message, args.list("ARGUMENT")));
  const u128 value = TRY(args.amount("--value"));
  const auto session = TRY(open(args));
  const auto& [user, chain, cluster] = *session;
  const json key = TRY(chain.query("PhalaRegistry", "ContractKeys", {id_hex}));
  if (key.is_null()) return fail(ErrorCode::not_found, "the chain knows no contract " + id_hex);
  ExecResult estimate;
  if (args.has("--gas")) {
    estimate.gas_required = TRY(args.number("--gas"));
  } else {
    estimate = TRY(cluster.query(id, input, true, estimation_funds, value));
    TRY(check_estimate(file, message, estimate));
  }
  const Bytes nonce = random_bytes(32);
  const protocol::InkMessage command{nonce, input, value, estimate.gas_required, std::nullopt};
  const Bytes payload = args.has("--plain") ? plain_command(command)
                                            : TRY(encrypt_command(command, TRY(PublicKey::from(TRY(hex_value(key, "the contract's key"))))));
  const u128 deposit = TRY(missing_funds(*session, estimate.gas_required, estimate, value));
  const u64 first_log = TRY(cluster.next_log());
  const Included done = TRY(chain.sign_and_submit(TRY(chain.call("PhalaPhatContracts", "push_contract_message", {id_hex, to_hex0x(payload), to_decimal(deposit)})), user));
  if (done.failure) return fail(ErrorCode::refused, "sending the message failed: " + *done.failure);
  const auto output = TRY(wait_for_output(cluster, id, nonce, first_log, done.block_number));
  if (!args.json() && !output.result.error && !output.result.reverted())
    std::fprintf(stderr, "%s ran, sent in block %llu\n", message.label.c_str(), static_cast<unsigned long long>(done.block_number));
  return show(args, file, message, output.result, {{"block", done.block_number}, {"hash", done.extrinsic_hash}});
}

Result<int> info(const Args& args) {
  const Hash contract = TRY(contract_id(args));
  const std::string id = to_hex0x(contract);
  const auto session = TRY(open(args));
  const json registered = TRY(session->chain.query("PhalaPhatContracts", "Contracts", {id}));
  if (registered.is_null()) return fail(ErrorCode::not_found, "the chain knows no contract " + id);
  ordered_json out{{"contract", id}, {"deployer", registered.at("deployer")}, {"cluster", registered.at("cluster")}, {"key", TRY(session->chain.query("PhalaRegistry", "ContractKeys", {id}))}, {"worker", session->cluster.worker_url()}};
  if (const auto known = TRY(session->cluster.contract_info(contract))) {
    const Fields fields = TRY(Fields::of(*known, "the worker's GetContractInfo"));
    out["codeHash"] = TRY(fields.text("code_hash"));
    out["weight"] = TRY(fields.number("weight"));
  }
  print(args, out);
  return config::exit_ok;
}

/// How a message ended, beside its record: with the contract's description, which message and what it returned.
Result<ordered_json> explain_output(const json& record, const ContractFile* file) {
  const auto output = TRY(parse_output(record));
  ordered_json out{{"outcome", output.result.error ? "failed" : output.result.reverted() ? "reverted" : "done"}};
  if (output.result.error) out["reason"] = *output.result.error;
  const ContractEntry* message = file ? file->message_of(output.selector) : nullptr;
  if (message) out["message"] = message->label;
  if (output.result.error) return out;
  const auto value = message ? file->decode_return(*message, output.result.data) : Result<json>(json(to_hex0x(output.result.data)));
  out["value"] = value ? *value : json(value.error().message);
  return out;
}

std::string line_of(const json& record) {
  const std::string type = record.value("type", "");
  if (type == "Log") return record.value("execMode", "") + ": " + record.value("message", "");
  if (type == "Event") return "event " + record.value("payload", "");
  if (type != "MessageOutput") return type;
  return record.value("message", std::string("message")) + " " + record.value("outcome", "") + (record.contains("reason") ? ": " + record.value("reason", "") : "") + (record.contains("value") ? " " + one_line(record.at("value")) : "");
}

Result<int> logs(const Args& args) {
  const Hash id = TRY(contract_id(args));
  const u64 count = TRY(args.number("--count"));
  if (count == 0 || count > most_logs) return fail(ErrorCode::invalid_input, args.where("--count") + " must be between 1 and " + std::to_string(most_logs));
  std::optional<ContractFile> file;
  if (args.has("--abi")) file = TRY(ContractFile::read(args.text("--abi")));
  const auto session = TRY(open(args));
  json records = TRY(session->cluster.last_logs(id, count));
  for (auto& record : records)
    if (record.value("type", "") == "MessageOutput") record.update(json(TRY(explain_output(record, file ? &*file : nullptr))));
  if (args.json()) print(args, ordered_json{{"records", records}});
  else
    for (const auto& record : records) std::printf("%6llu  block %llu  %s\n", static_cast<unsigned long long>(record.value("sequence", u64{0})), static_cast<unsigned long long>(record.value("blockNumber", u64{0})), line_of(record).c_str());
  return config::exit_ok;
}

}  // namespace

std::span<const Command> contract_commands() {
  static const Argument contract{"CONTRACT", "contract id, 0x…"};
  static const Argument message{"MESSAGE", "label of the message"};
  static const Argument rest{"ARGUMENT", "arguments in order: texts and numbers as they are, the rest as JSON; @FILE for what a file holds", false, true};
  static const Option gas_option{"--gas", "LIMIT", "send with this gas limit instead of an estimate, also what would fail"};
  static const Option logs_abi_option{"--abi", "FILE", "the .contract or metadata file, to show what messages returned"};
  static const Command commands[] = {
      {"contract", "Build, deploy and use contracts"},
      {"contract deploy", "Upload the code if the cluster lacks it, instantiate, wait until it answers", "phala contract deploy tests/golden/contracts/flipper.contract new true",
       {{"FILE", "the .contract file"}, {"CONSTRUCTOR", "label of the constructor (the first)", false}, rest}, {rpc_option, key_option, scheme_option, cluster_option, value_option, {"--salt", "HEX", "makes another address of the same code (random)"}}, deploy},
      {"contract query", "Ask a contract: end-to-end encrypted, free, changes nothing", "phala contract query $CONTRACT get --abi tests/golden/contracts/flipper.contract", {contract, message, rest},
       {rpc_option, key_option, scheme_option, cluster_option, abi_option, value_option, {"--estimate", "", "run as a transaction would, to see its gas"}}, query},
      {"contract call", "Send a message through the chain, wait until the workers ran it, show what it returned", "phala contract call $CONTRACT flip --abi tests/golden/contracts/flipper.contract", {contract, message, rest},
       {rpc_option, key_option, scheme_option, cluster_option, abi_option, value_option, gas_option, {"--plain", "", "do not encrypt the message"}}, call},
      {"contract info", "What chain and worker know of a contract", "phala contract info $CONTRACT", {contract}, {rpc_option, key_option, scheme_option, cluster_option}, info},
      {"contract logs", "Logs, events and outputs of a contract", "phala contract logs $CONTRACT --count 20", {contract}, {rpc_option, key_option, scheme_option, cluster_option, logs_abi_option, {"--count", "N", "how many of the last", "20"}}, logs},
  };
  return commands;
}

}  // namespace phala::cli
