#include "cli/contract_client.hpp"

#include "cli/command.hpp"
#include "crypto/cipher.hpp"
#include "crypto/hash.hpp"

namespace phala::cli {
namespace {

using nlohmann::json;

json byte_list(ByteView bytes) { return json(std::vector<int>(bytes.begin(), bytes.end())); }

Result<Bytes> bytes_of(const json& list) {
  Bytes out;
  if (!list.is_array()) return fail(ErrorCode::unavailable, "the worker's answer has no data");
  out.reserve(list.size());
  for (const auto& b : list) out.push_back(b.get<u8>());
  return out;
}

/// A fresh sr25519 pair: for one query's key agreement, or a certificate.
crypto::Sr25519Pair ephemeral_pair() {
  Bytes seed = random_bytes(32);
  auto pair = crypto::Sr25519Pair::from_seed(crypto::Seed(seed));
  wipe(seed.data(), seed.size());
  return pair;
}

int signature_type(crypto::Scheme scheme) { return static_cast<int>(scheme); }   // 0 ed25519, 1 sr25519, 2 ecdsa

struct CertificateBody { Bytes pubkey; u32 ttl{}; u32 config_bits{};  FIELDS(pubkey, ttl, config_bits) };
constexpr u32 certificate_ttl = 0x7fffffff;   // a block number: never, as the published SDK has it

/// The certificate chain of one request: the request is signed by a one-time key, that key is vouched for by the user (spec/clients.md §5.3).
json sign_request(ByteView data, const crypto::KeyPair& user) {
  const auto session = ephemeral_pair();
  const Bytes body = scale::encode(CertificateBody{to_bytes(session.public_key()), certificate_ttl, 0});
  const Bytes root = scale::encode(CertificateBody{user.public_key(), certificate_ttl, 0});
  const json vouched{{"signed_by", {{"encoded_body", byte_list(root)}, {"signature", nullptr}}}, {"signature_type", signature_type(user.scheme())}, {"signature", byte_list(user.sign(body))}};
  return {{"signed_by", {{"encoded_body", byte_list(body)}, {"signature", vouched}}}, {"signature_type", 1}, {"signature", byte_list(session.sign(data))}};
}

Result<json> worker_call(const std::string& url, std::string_view method, const json& request) {
  const auto answer = TRY(http_post(url + "/prpc/PhactoryAPI." + std::string(method) + "?json=true", "application/json", request.is_null() ? std::string{} : request.dump()));
  json reply = json::parse(answer.body, nullptr, false);
  if (reply.is_discarded()) return fail(ErrorCode::unavailable, url + " does not answer as a worker: HTTP " + std::to_string(answer.status));
  if (answer.status != 200) return fail(ErrorCode::refused, "worker " + url + ": " + (reply.is_object() && reply.contains("error") ? reply["error"].get<std::string>() : "HTTP " + std::to_string(answer.status)));
  return reply;
}

/// Variants of the contract runtime's DispatchError (spec/contracts.md §1.11): words for people.
std::string dispatch_error_text(scale::Reader& in) {
  static constexpr std::string_view contract_errors[] = {
      "InvalidSchedule", "InvalidCallFlags", "OutOfGas", "OutputBufferTooSmall", "TransferFailed", "MaxCallDepthReached", "ContractNotFound", "CodeTooLarge", "CodeNotFound", "CodeInfoNotFound",
      "OutOfBounds", "DecodingFailed", "ContractTrapped", "ValueTooLarge", "TerminatedWhileReentrant", "InputForwarded", "RandomSubjectTooLong", "TooManyTopics", "NoChainExtension", "XCMDecodeFailed",
      "DuplicateContract", "TerminatedInConstructor", "ReentranceDenied", "StorageDepositNotEnoughFunds", "StorageDepositLimitExhausted", "CodeInUse", "ContractReverted", "CodeRejected", "Indeterministic"};
  static constexpr std::string_view plain[] = {"Other", "CannotLookup", "BadOrigin", "Module", "ConsumerRemaining", "NoProviders", "TooManyConsumers", "Token", "Arithmetic", "Transactional", "Exhausted", "Corruption", "Unavailable"};
  const auto kind = in.take(1);
  if (!kind || (*kind)[0] >= std::size(plain)) return "unknown error";
  if ((*kind)[0] != 3) return std::string(plain[(*kind)[0]]);
  const auto module = in.take(5);
  if (!module) return "unknown module error";
  const u8 pallet = (*module)[0], code = (*module)[1];
  if (pallet == 4 && code < std::size(contract_errors)) return "Contracts." + std::string(contract_errors[code]);
  return "error " + std::to_string(code) + " of pallet " + std::to_string(pallet) + " of the cluster";
}

Result<ExecResult> parse_result(ByteView bytes, bool instantiation) {
  scale::Reader in(bytes);
  const auto compact = [&] { return in.compact().map_error(scale::to_error); };
  ExecResult out;
  out.gas_consumed = static_cast<u64>(TRY(compact()));
  TRY(compact());
  out.gas_required = static_cast<u64>(TRY(compact()));
  TRY(compact());
  out.deposit_is_charge = TRY(in.take(1).map_error(scale::to_error))[0] == 1;
  out.deposit = TRY(scale::decode_from<u128>(in).map_error(scale::to_error));
  const Bytes debug = TRY(scale::decode_from<Bytes>(in).map_error(scale::to_error));
  out.debug_message = std::string(as_text(debug));
  if (TRY(in.take(1).map_error(scale::to_error))[0] != 0) {
    out.error = dispatch_error_text(in);
    return out;
  }
  out.flags = TRY(scale::decode_from<u32>(in).map_error(scale::to_error));
  out.data = TRY(scale::decode_from<Bytes>(in).map_error(scale::to_error));
  if (instantiation) out.account = TRY(scale::decode_from<AccountId>(in).map_error(scale::to_error));
  if (out.gas_required == 0) out.gas_required = out.gas_consumed;
  return out;
}

}  // namespace

Result<ContractFile> ContractFile::parse(std::string_view text) try {
  json file = json::parse(text, nullptr, false);
  if (!file.is_object()) return fail(ErrorCode::invalid_input, "not a contract file: not JSON");
  if (!file.contains("source")) return fail(ErrorCode::invalid_input, "not a contract file: 'source' is missing");
  ContractFile out;
  out.code_hash = TRY(Hash::from(TRY(from_hex(file["source"].value("hash", std::string{})))).context("source.hash"));
  if (file["source"].contains("wasm") && file["source"]["wasm"].is_string()) out.wasm = TRY(from_hex(file["source"]["wasm"].get<std::string>()).context("source.wasm"));
  if (!out.wasm.empty() && crypto::blake2_256(out.wasm) != out.code_hash) return fail(ErrorCode::corrupted, "source.hash is not the hash of source.wasm", "build the contract again");
  out.name = file.contains("contract") ? file["contract"].value("name", std::string("contract")) : "contract";
  const json& body = file.contains("V3") ? file["V3"] : file;
  if (!body.contains("spec") || !body.contains("types")) return fail(ErrorCode::invalid_input, "this metadata is of a version that is not supported", "ink! 3.0 final, 4 and 5 are");
  out.spec = body["spec"];
  out.types = TRY(metadata::types_from_ink(body["types"]));
  return out;
} catch (const json::exception& e) {
  return fail(ErrorCode::invalid_input, std::string("contract file: ") + e.what());
}

Result<ContractFile> ContractFile::read(const std::string& path) {
  const Bytes raw = TRY(read_file(path));
  return parse(as_text(raw)).context(path);
}

Result<const json*> ContractFile::find(std::string_view kind, std::string_view label) const {
  std::string names;
  for (const auto& entry : spec.at(std::string(kind))) {
    const std::string label_of_entry = entry.value("label", std::string{});
    if (metadata::same_name(label_of_entry, label)) return &entry;
    names += (names.empty() ? "" : ", ") + label_of_entry;
  }
  return fail(ErrorCode::not_found, name + " has no " + std::string(kind).substr(0, kind.size() - 1) + " '" + std::string(label) + "'", "it has " + names);
}

Result<Bytes> ContractFile::encode(const json& entry, const json& arguments) const {
  Bytes out = TRY(from_hex(entry.at("selector").get<std::string>()));
  const json& declared = entry.at("args");
  if (arguments.size() != declared.size())
    return fail(ErrorCode::invalid_input, entry["label"].get<std::string>() + " takes " + std::to_string(declared.size()) + " arguments, got " + std::to_string(arguments.size()));
  for (size_t i = 0; i < declared.size(); ++i)
    append(out, TRY(metadata::encode(types, declared[i].at("type").at("type").get<u32>(), arguments[i]).context(declared[i].value("label", std::to_string(i)))));
  return out;
}

Result<json> ContractFile::decode_return(const json& entry, ByteView data) const {
  if (!entry.contains("returnType") || entry["returnType"].is_null()) return json(nullptr);
  json value = TRY(metadata::decode_all(types, entry["returnType"].at("type").get<u32>(), data).context("the message's result"));
  const auto& display = entry["returnType"].value("displayName", json::array());
  const std::string wrapper = display.empty() ? "" : display.back().get<std::string>();
  if (wrapper != "MessageResult" && wrapper != "ConstructorResult") return value;
  if (value.is_object() && value.contains("Err")) return fail(ErrorCode::refused, "the contract could not read its input: " + value["Err"].dump());
  return value.is_object() && value.contains("Ok") ? value["Ok"] : json(nullptr);
}

Result<ClusterClient> ClusterClient::connect(const Chain& chain, const std::string& cluster, const crypto::KeyPair& user) {
  ClusterClient out;
  out.user_ = &user;
  json info;
  if (cluster.empty()) {
    const json all = TRY(chain.query("PhalaPhatContracts", "Clusters", json::array(), 1));
    if (all.empty()) return fail(ErrorCode::not_found, "this chain has no cluster yet");
    out.cluster_ = TRY(Hash::from(TRY(from_hex(all[0]["key"].get<std::string>()))));
    info = all[0]["value"];
  } else {
    out.cluster_ = TRY(Hash::from(TRY(from_hex(cluster))).context("--cluster"));
    info = TRY(chain.query("PhalaPhatContracts", "Clusters", {cluster}));
    if (info.is_null()) return fail(ErrorCode::not_found, "there is no cluster " + cluster);
  }
  out.system_contract_ = TRY(Hash::from(TRY(from_hex(info["system_contract"].get<std::string>()))));
  out.gas_price_ = TRY(parse_u128(info["gas_price"].is_string() ? info["gas_price"].get<std::string>() : std::to_string(info["gas_price"].get<u64>())));

  std::string tried;
  for (const auto& key : TRY(chain.query("PhalaPhatContracts", "ClusterWorkers", {to_hex0x(out.cluster_)}))) {
    const json endpoints = TRY(chain.query("PhalaRegistry", "Endpoints", json::array({key})));
    if (!endpoints.is_object() || !endpoints.contains("V1") || endpoints["V1"].empty()) continue;
    const json& first = endpoints["V1"].is_array() ? endpoints["V1"][0] : endpoints["V1"];
    const std::string url = first.get<std::string>();
    const auto said = worker_call(url, "GetInfo", nullptr);
    // the chain says which key this worker has; an answer under another key is not its answer
    if (said && said->contains("ecdh_public_key") && "0x" + (*said)["ecdh_public_key"].get<std::string>() == key.get<std::string>()) {
      out.url_ = url;
      out.worker_ = TRY(PublicKey::from(TRY(from_hex(key.get<std::string>()))));
      return out;
    }
    tried += " " + url + (said ? " (another key)" : " (" + said.error().message + ")");
  }
  return fail(ErrorCode::unavailable, "no worker of cluster " + to_hex0x(out.cluster_) + " answers:" + (tried.empty() ? " none has an endpoint" : tried));
}

Result<Bytes> ClusterClient::query_raw(const Hash& contract, ByteView body) const {
  const auto pair = ephemeral_pair();
  const auto shared = TRY(pair.agree(worker_).context("the worker's key"));
  const Bytes nonce = random_bytes(32);
  const crypto::Iv iv(random_bytes(12));
  const protocol::EncryptedData sealed{iv.as<FixedBytes<12>>(), pair.public_key(), crypto::aes256gcm_seal(shared, iv, concat(contract, nonce, body))};
  const Bytes data = scale::encode(sealed);
  const json reply = TRY(worker_call(url_, "ContractQuery", {{"encoded_encrypted_data", byte_list(data)}, {"signature", sign_request(data, *user_)}}));
  const auto answer = TRY(scale::decode<protocol::EncryptedData>(TRY(bytes_of(reply.value("encoded_encrypted_data", json())))).map_error(scale::to_error).context("the worker's answer"));
  const Bytes plain = TRY(crypto::aes256gcm_open(shared, answer.iv.as<crypto::Iv>(), answer.data).context("the worker's answer"));
  if (plain.size() < 33 || !same_bytes(ByteView(plain).first(32), nonce)) return fail(ErrorCode::refused, "the worker answered another question");
  scale::Reader in(ByteView(plain).subspan(32));
  static constexpr std::string_view errors[] = {"BadOrigin", "RuntimeError", "SidevmNotFound", "NoResponse", "ServiceUnavailable", "Timeout"};
  if (TRY(in.take(1).map_error(scale::to_error))[0] == 1) {
    const u8 which = TRY(in.take(1).map_error(scale::to_error))[0];
    std::string text = which < std::size(errors) ? std::string(errors[which]) : "unknown";
    if (which == 1)
      if (auto detail = scale::decode_from<std::string>(in)) text += ": " + *detail;
    return fail(ErrorCode::refused, "the worker refused the query: " + text);
  }
  if (TRY(in.take(1).map_error(scale::to_error))[0] != 0) return fail(ErrorCode::invalid_input, "the worker sent an answer of an unknown kind");
  return scale::decode_from<Bytes>(in).map_error(scale::to_error);
}

Result<ExecResult> ClusterClient::query(const Hash& contract, ByteView input, bool estimating, u128 deposit, u128 transfer) const {
  Bytes body{0};
  append(body, scale::encode(to_bytes(input), deposit, transfer, estimating));
  return parse_result(TRY(query_raw(contract, body)), false);
}

Result<ExecResult> ClusterClient::estimate_instantiate(const Hash& code_hash, ByteView salt, ByteView input, u128 deposit, u128 transfer) const {
  Bytes body{2};
  append(body, scale::encode(code_hash, to_bytes(salt), to_bytes(input), deposit, transfer));
  return parse_result(TRY(query_raw(system_contract_, body)), true);
}

Result<json> ClusterClient::logs(const Hash& contract, int64_t from, u64 count) const {
  // System::get_driver("PinkLogger") names the contract that answers log queries
  const Bytes input = concat(*from_hex("2740cf0a"), scale::encode(std::string("PinkLogger")));
  const ExecResult driver = TRY(query(system_contract_, input, false));
  if (driver.error || driver.data.size() < 2) return fail(ErrorCode::refused, "System::get_driver failed" + (driver.error ? ": " + *driver.error : std::string{}));
  // without a driver the worker's own log server answers at the zero id, where the published SDK too asks then
  const Hash logger = driver.data.size() == 34 && driver.data[1] == 1 ? Hash(ByteView(driver.data).subspan(2)) : Hash{};
  const json request{{"action", "GetLog"}, {"contract", to_hex0x(contract)}, {"from", from}, {"count", count}};
  Bytes body{1};
  append(body, scale::encode(to_bytes(request.dump())));
  const Bytes answer = TRY(query_raw(logger, body));
  json out = json::parse(as_text(answer), nullptr, false);
  if (!out.is_object()) return fail(ErrorCode::invalid_input, "the log server sent something that is not JSON");
  if (out.contains("error")) return fail(ErrorCode::refused, "log server: " + out["error"].dump());
  return out;
}

Result<u32> ClusterClient::next_block() const { return TRY(worker_call(url_, "GetInfo", nullptr)).value("blocknum", 0u); }

Result<u128> ClusterClient::free_balance(const AccountId& who) const {
  const ExecResult result = TRY(query(system_contract_, concat(*from_hex("8a0d40d7"), who), false));
  if (result.error || result.data.size() != 17) return fail(ErrorCode::refused, "System::free_balance_of failed" + (result.error ? ": " + *result.error : std::string{}));
  return load_le<u128>(result.data.data() + 1);
}

Result<bool> ClusterClient::code_exists(const Hash& code_hash) const {
  const ExecResult result = TRY(query(system_contract_, concat(*from_hex("6fc58436"), code_hash, Bytes{0}), false));
  if (result.error || result.data.size() != 2) return fail(ErrorCode::refused, "System::code_exists failed" + (result.error ? ": " + *result.error : std::string{}));
  return result.data[1] == 1;
}

Result<Bytes> encrypt_command(const protocol::InkMessage& message, const PublicKey& contract_key) {
  const auto pair = ephemeral_pair();
  const auto shared = TRY(pair.agree(contract_key).context("the contract's key"));
  const crypto::Iv iv(random_bytes(12));
  const Bytes plain = scale::encode(protocol::InkCommand(message));
  return scale::encode(protocol::CommandPayload(protocol::EncryptedCommand{{iv.as<FixedBytes<12>>(), pair.public_key(), crypto::aes256gcm_seal(shared, iv, plain)}}));
}

}  // namespace phala::cli
