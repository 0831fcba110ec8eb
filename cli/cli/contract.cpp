// phala contract: build, deploy, call, query, info, logs — for .contract files of any toolchain.

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "cli/command.hpp"
#include "cli/contract_client.hpp"

namespace phala::cli {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

const Option cluster_option{"--cluster", "ID", "the cluster (the chain's first)"};
const Option abi_option{"--abi", "FILE", "the .contract or metadata file", "contract.contract"};
const Option value_option{"--value", "AMOUNT", "transferred to the contract with the call", "0"};

json arguments_of(const Args& args) {
  json out = json::array();
  for (const auto& text : args.list("ARGUMENT")) out.push_back(loose_json(text));
  return out;
}

Result<> wait_until(const char* what, int timeout_s, const std::function<Result<bool>()>& done) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(timeout_s);
  while (!TRY(done())) {
    if (std::chrono::steady_clock::now() > until) return fail(ErrorCode::unavailable, std::string("waited ") + std::to_string(timeout_s) + " s for " + what, "see `phala contract logs` and `phala worker status`");
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  return {};
}

struct Session {
  crypto::KeyPair user;
  Chain chain;
  ClusterClient cluster;
};
Result<std::unique_ptr<Session>> open(const Args& args) {
  auto user = TRY(crypto::KeyPair::from_uri(TRY(key_uri(args))));
  auto chain = TRY(Chain::connect(args.text("--rpc")));
  // the client keeps a reference to the user's key: both live in one heap object
  std::unique_ptr<Session> out(new Session{std::move(user), std::move(chain), {}});
  out->cluster = TRY(ClusterClient::connect(out->chain, args.text("--cluster"), out->user));
  return out;
}

/// What the user must move into the cluster so that `gas` and `deposit` can be paid there.
Result<u128> missing_funds(const Session& s, const ExecResult& estimate, u128 value) {
  const u128 needed = u128{estimate.gas_required} * s.cluster.gas_price() + (estimate.deposit_is_charge ? estimate.deposit : 0) + value;
  const u128 has = TRY(s.cluster.free_balance(s.user.account()));
  return needed > has ? needed - has : 0;
}

Result<> check_estimate(const ExecResult& estimate, const std::string& what) {
  if (estimate.error) return fail(ErrorCode::refused, what + " would fail: " + *estimate.error, estimate.debug_message);
  if (estimate.reverted()) return fail(ErrorCode::refused, what + " would revert with " + to_hex0x(estimate.data), estimate.debug_message);
  return {};
}

constexpr u128 estimation_funds = 1'000'000'000 * u128{1'000'000'000'000};   // credited in the dry run only

Result<int> build(const Args& args) {
  // the build tool lies in the source tree or beside the installed programs
  const fs::path self = fs::read_symlink("/proc/self/exe").parent_path();
  fs::path tool;
  for (const fs::path& candidate : {self / "../../../sdk/tool/phala-contract-build", self / "../share/phala/sdk/tool/phala-contract-build"})
    if (fs::exists(candidate)) tool = fs::weakly_canonical(candidate);
  if (tool.empty()) return fail(ErrorCode::not_found, "the contract build tool is not beside this program", "run phala from its source tree, or install the SDK");
  std::vector<std::string> words{tool.string(), args.text("DIR")};
  if (args.has("--out")) words.insert(words.end(), {"--out", args.text("--out")});
  const pid_t child = fork();
  if (child == 0) {
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    execv(argv[0], argv.data());
    _exit(127);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) < 0) return fail(ErrorCode::internal, "cannot start " + tool.string());
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return fail(ErrorCode::refused, "building " + args.text("DIR") + " failed", "the lines above say why");
  return 0;
}

Result<int> deploy(const Args& args) {
  const auto file = TRY(ContractFile::read(args.text("FILE")));
  if (file.wasm.empty()) return fail(ErrorCode::invalid_input, args.text("FILE") + " holds no code", "use the .contract file, not the metadata alone");
  const auto session = TRY(open(args));
  const auto& [user, chain, cluster] = *session;
  const json* constructor = TRY(file.find("constructors", args.text("CONSTRUCTOR").empty() ? file.spec["constructors"][0]["label"].get<std::string>() : args.text("CONSTRUCTOR")));
  const Bytes input = TRY(file.encode(*constructor, arguments_of(args)));
  const u128 value = TRY(parse_u128(args.text("--value")));
  const std::string cluster_id = to_hex0x(cluster.cluster());

  if (!TRY(cluster.code_exists(file.code_hash))) {
    if (!args.json()) std::fprintf(stderr, "uploading %zu bytes of code\n", file.wasm.size());
    const Included done = TRY(chain.sign_and_submit(TRY(chain.call("PhalaPhatContracts", "cluster_upload_resource", {cluster_id, "InkCode", to_hex0x(file.wasm)})), user));
    if (done.failure) return fail(ErrorCode::refused, "the upload failed: " + *done.failure);
    TRY(wait_until("the worker to accept the code", 30, [&]() -> Result<bool> { return cluster.code_exists(file.code_hash); }));
  }
  const Bytes salt = args.has("--salt") ? TRY(from_hex(args.text("--salt")).context("--salt")) : random_bytes(8);
  const ExecResult estimate = TRY(cluster.estimate_instantiate(file.code_hash, salt, input, estimation_funds, value));
  TRY(check_estimate(estimate, "instantiating " + file.name));
  const u128 deposit = TRY(missing_funds(*session, estimate, value));
  const Included done = TRY(chain.sign_and_submit(
      TRY(chain.call("PhalaPhatContracts", "instantiate_contract",
                     {{{"WasmCode", to_hex0x(file.code_hash)}}, to_hex0x(input), to_hex0x(salt), cluster_id, to_decimal(value), estimate.gas_required, nullptr, to_decimal(deposit)})),
      user));
  if (done.failure) return fail(ErrorCode::refused, "instantiating failed: " + *done.failure);
  const Hash id = protocol::contract_id(user.account(), file.code_hash, cluster.cluster(), salt);
  const std::string id_hex = to_hex0x(id);
  TRY(wait_until("the workers to instantiate the contract", 60, [&]() -> Result<bool> {
    return !TRY(chain.query("PhalaRegistry", "ContractKeys", {id_hex})).is_null();
  }));
  print(args, json{{"contract", id_hex}, {"codeHash", to_hex0x(file.code_hash)}, {"cluster", cluster_id}, {"block", done.block_number}});
  return 0;
}

Result<int> query(const Args& args) {
  const auto file = TRY(ContractFile::read(args.text("--abi")));
  const auto session = TRY(open(args));
  const Hash id = TRY(Hash::from(TRY(from_hex(args.text("CONTRACT")))).context("CONTRACT"));
  const json* message = TRY(file.find("messages", args.text("MESSAGE")));
  const ExecResult result = TRY(session->cluster.query(id, TRY(file.encode(*message, arguments_of(args))), args.has("--estimate"), estimation_funds, TRY(parse_u128(args.text("--value")))));
  if (result.error) return fail(ErrorCode::refused, "the query failed: " + *result.error, result.debug_message);
  const json value = TRY(file.decode_return(*message, result.data));
  if (args.json()) print(args, json{{"value", value}, {"reverted", result.reverted()}, {"gasConsumed", result.gas_consumed}, {"gasRequired", result.gas_required}});
  else print(args, value);
  return result.reverted() ? exit_code(ErrorCode::refused) : 0;
}

Result<int> call(const Args& args) {
  const auto file = TRY(ContractFile::read(args.text("--abi")));
  const auto session = TRY(open(args));
  const auto& [user, chain, cluster] = *session;
  const std::string id_hex = args.text("CONTRACT");
  const Hash id = TRY(Hash::from(TRY(from_hex(id_hex))).context("CONTRACT"));
  const json* message = TRY(file.find("messages", args.text("MESSAGE")));
  const Bytes input = TRY(file.encode(*message, arguments_of(args)));
  const u128 value = TRY(parse_u128(args.text("--value")));
  const ExecResult estimate = TRY(cluster.query(id, input, true, estimation_funds, value));
  TRY(check_estimate(estimate, args.text("MESSAGE")));
  const json key = TRY(chain.query("PhalaRegistry", "ContractKeys", {id_hex}));
  if (key.is_null()) return fail(ErrorCode::not_found, "the chain knows no contract " + id_hex);
  const Bytes nonce = random_bytes(32);
  const protocol::InkMessage command{nonce, input, value, estimate.gas_required, std::nullopt};
  const Bytes payload = args.has("--plain") ? scale::encode(protocol::CommandPayload(protocol::PlainCommand{protocol::InkCommand(command)}))
                                            : TRY(encrypt_command(command, TRY(PublicKey::from(TRY(from_hex(key.get<std::string>()))))));
  const u128 deposit = TRY(missing_funds(*session, estimate, value));
  const Included done = TRY(chain.sign_and_submit(TRY(chain.call("PhalaPhatContracts", "push_contract_message", {id_hex, to_hex0x(payload), to_decimal(deposit)})), user));
  if (done.failure) return fail(ErrorCode::refused, "sending the message failed: " + *done.failure);
  TRY(wait_until("the worker to run the message", 60, [&]() -> Result<bool> { return TRY(cluster.next_block()) > done.block_number; }));
  json outcome{{"block", done.block_number}, {"hash", done.extrinsic_hash}};
  // the log server tells how the message ended; it knows it by its nonce
  if (const auto logs = cluster.logs(id, -50, 50))
    for (const auto& record : (*logs)["records"])
      if (record.value("type", "") == "MessageOutput" && record.value("nonce", "") == to_hex0x(nonce)) outcome["output"] = record["output"];
  print(args, outcome);
  return 0;
}

Result<int> info(const Args& args) {
  const auto session = TRY(open(args));
  const std::string id = args.text("CONTRACT");
  const json registered = TRY(session->chain.query("PhalaPhatContracts", "Contracts", {id}));
  if (registered.is_null()) return fail(ErrorCode::not_found, "the chain knows no contract " + id);
  json out{{"contract", id}, {"deployer", registered["deployer"]}, {"cluster", registered["cluster"]}, {"key", TRY(session->chain.query("PhalaRegistry", "ContractKeys", {id}))}, {"worker", session->cluster.worker_url()}};
  const auto answer = TRY(http_post(session->cluster.worker_url() + "/prpc/PhactoryAPI.GetContractInfo?json=true", "application/json", json{{"contracts", {id}}}.dump()));
  const json said = json::parse(answer.body, nullptr, false);
  if (said.is_object() && said.contains("contracts") && !said["contracts"].empty()) {
    out["codeHash"] = said["contracts"][0].value("code_hash", "");
    out["weight"] = said["contracts"][0].value("weight", 0u);
  }
  print(args, out);
  return 0;
}

Result<int> logs(const Args& args) {
  const auto session = TRY(open(args));
  const Hash id = TRY(Hash::from(TRY(from_hex(args.text("CONTRACT")))).context("CONTRACT"));
  const u64 count = TRY(args.number("--count"));
  const json found = TRY(session->cluster.logs(id, -static_cast<int64_t>(count) * 10, count));
  if (args.json()) {
    print(args, found);
    return 0;
  }
  for (const auto& record : found["records"]) {
    const std::string type = record.value("type", "");
    std::printf("%6llu  block %u  ", static_cast<unsigned long long>(record.value("sequence", u64{0})), record.value("blockNumber", 0u));
    if (type == "Log") std::printf("%s: %s\n", record.value("execMode", "").c_str(), record.value("message", "").c_str());
    else if (type == "Event") std::printf("event %s\n", record.value("payload", "").c_str());
    else if (type == "MessageOutput") std::printf("output %s\n", record.value("output", "").c_str());
    else std::printf("%s\n", type.c_str());
  }
  return 0;
}

}  // namespace

std::span<const Command> contract_commands() {
  static const Argument contract{"CONTRACT", "contract id, 0x…"};
  static const Argument message{"MESSAGE", "label of the message"};
  static const Argument rest{"ARGUMENT", "arguments in order, each as JSON", false, true};
  static const Command commands[] = {
      {"contract build", "Build a contract project (C++ or ink!) to a .contract file", "phala contract build contracts/system --out target", {{"DIR", "project folder"}}, {{"--out", "DIR", "where the .contract file goes"}}, build},
      {"contract deploy", "Upload the code if the cluster lacks it, instantiate, wait until it answers", "phala contract deploy flipper.contract new true",
       {{"FILE", "the .contract file"}, {"CONSTRUCTOR", "label of the constructor (the first)", false}, rest}, {rpc_option, key_option, cluster_option, value_option, {"--salt", "HEX", "makes another address of the same code (random)"}}, deploy},
      {"contract query", "Ask a contract: end-to-end encrypted, free, changes nothing", "phala contract query 0x12… get --abi flipper.contract", {contract, message, rest},
       {rpc_option, key_option, cluster_option, abi_option, value_option, {"--estimate", "", "run as a transaction would, to see its gas"}}, query},
      {"contract call", "Send a message through the chain and wait until the workers ran it", "phala contract call 0x12… flip --abi flipper.contract", {contract, message, rest},
       {rpc_option, key_option, cluster_option, abi_option, value_option, {"--plain", "", "do not encrypt the message"}}, call},
      {"contract info", "What chain and worker know of a contract", "phala contract info 0x12…", {contract}, {rpc_option, key_option, cluster_option}, info},
      {"contract logs", "Logs, events and outputs of a contract", "phala contract logs 0x12… --count 20", {contract}, {rpc_option, key_option, cluster_option, {"--count", "N", "how many", "20"}}, logs},
  };
  return commands;
}

}  // namespace phala::cli
