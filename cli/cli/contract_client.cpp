#include "cli/contract_client.hpp"

#include <chrono>
#include <thread>

#include "cli/command.hpp"
#include "cli/fields.hpp"
#include "cli/http.hpp"
#include "crypto/cipher.hpp"
#include "crypto/hash.hpp"

namespace phala::cli {
namespace {

using nlohmann::json;

json byte_list(ByteView bytes) { return json(std::vector<int>(bytes.begin(), bytes.end())); }

Result<Bytes> bytes_of(const json& list) {
  Bytes out;
  out.reserve(list.size());
  for (const auto& b : list) {
    if (!b.is_number_unsigned() || b.get<u64>() > 255) return fail(ErrorCode::unavailable, "the worker's answer holds something that is not a byte");
    out.push_back(b.get<u8>());
  }
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

/// The certificate chain of one request: the request is signed by a one-time key, that key is vouched for by the user (docs/protocol.md §9.2).
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
  if (!reply.is_object()) return fail(ErrorCode::unavailable, url + " does not answer as a worker: HTTP " + std::to_string(answer.status), "check the worker's endpoint");
  if (answer.status == 200) return reply;
  const auto error = reply.find("error");
  return fail(ErrorCode::refused, "worker " + url + ": " + (error != reply.end() && error->is_string() ? error->get<std::string>() : "HTTP " + std::to_string(answer.status)));
}

/// Variants of the contract runtime's DispatchError (docs/protocol.md §14): words for people.
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

}  // namespace

Result<ExecResult> parse_result(scale::Reader& in, bool instantiation) {
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
  } else {
    out.flags = TRY(scale::decode_from<u32>(in).map_error(scale::to_error));
    out.data = TRY(scale::decode_from<Bytes>(in).map_error(scale::to_error));
    if (instantiation) out.account = TRY(scale::decode_from<AccountId>(in).map_error(scale::to_error));
  }
  if (out.gas_required == 0) out.gas_required = out.gas_consumed;
  return out;
}

namespace {

/// Where the chain says a worker answers; empty: nowhere.
Result<std::string> endpoint_of(const Chain& chain, const json& worker) {
  const json endpoints = TRY(chain.query("PhalaRegistry", "Endpoints", json::array({worker})));
  if (!endpoints.is_object() || !endpoints.contains("V1") || endpoints.at("V1").empty()) return std::string{};
  const json& urls = endpoints.at("V1");
  return text_value(urls.is_array() ? urls.at(0) : urls, "PhalaRegistry.Endpoints");
}

}  // namespace

Result<ClusterClient> ClusterClient::connect(const Chain& chain, const std::string& cluster, const crypto::KeyPair& user) {
  ClusterClient out;
  out.user_ = &user;
  json info;
  if (cluster.empty()) {
    const json all = TRY(chain.query("PhalaPhatContracts", "Clusters", json::array(), 1));
    if (all.empty()) return fail(ErrorCode::not_found, "this chain has no cluster yet");
    out.cluster_ = TRY(Hash::from(TRY(hex_value(all.at(0).at("key"), "PhalaPhatContracts.Clusters"))));
    info = all.at(0).at("value");
  } else {
    out.cluster_ = TRY(Hash::from(TRY(from_hex(cluster))).context("--cluster"));
    info = TRY(chain.query("PhalaPhatContracts", "Clusters", {cluster}));
    if (info.is_null()) return fail(ErrorCode::not_found, "there is no cluster " + cluster);
  }
  out.system_contract_ = TRY(Hash::from(TRY(hex_value(info.at("system_contract"), "the cluster's system_contract"))));
  out.gas_price_ = TRY(amount_value(info.at("gas_price"), "the cluster's gas_price"));

  std::string tried;
  for (const auto& key : TRY(chain.query("PhalaPhatContracts", "ClusterWorkers", {to_hex0x(out.cluster_)}))) {
    const std::string url = TRY(endpoint_of(chain, key));
    if (url.empty()) continue;
    const auto said = worker_call(url, "GetInfo", nullptr);
    // the chain says which key this worker has; an answer under another key is not its answer
    if (said && json("0x" + said->value("ecdh_public_key", std::string{})) == key) {
      out.url_ = url;
      out.worker_ = TRY(PublicKey::from(TRY(hex_value(key, "a worker's key"))));
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
  const json* sent = TRY(TRY(Fields::of(reply, "the worker's answer")).list("encoded_encrypted_data"));
  const auto answer = TRY(scale::decode<protocol::EncryptedData>(TRY(bytes_of(*sent))).map_error(scale::to_error).context("the worker's answer"));
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
  const Bytes answer = TRY(query_raw(contract, body));
  scale::Reader in(answer);
  return parse_result(in, false).context("the worker's answer");
}

Result<ExecResult> ClusterClient::estimate_instantiate(const Hash& code_hash, ByteView salt, ByteView input, u128 deposit, u128 transfer) const {
  Bytes body{2};
  append(body, scale::encode(code_hash, to_bytes(salt), to_bytes(input), deposit, transfer));
  const Bytes answer = TRY(query_raw(system_contract_, body));
  scale::Reader in(answer);
  return parse_result(in, true).context("the worker's answer");
}

Result<json> ClusterClient::ask_log(const json& request) const {
  // without a driver the worker's own log server answers at the zero id, where the published SDK too asks then
  const Hash logger = TRY(driver("PinkLogger")).value_or(Hash{});
  Bytes body{1};
  append(body, scale::encode(to_bytes(request.dump())));
  const Bytes answer = TRY(query_raw(logger, body));
  json out = TRY(parse_json(as_text(answer), "the log server's answer"));
  if (!out.is_object()) return fail(ErrorCode::unavailable, "the log server's answer is no object");
  if (out.contains("error")) return fail(ErrorCode::refused, "log server: " + out.at("error").dump());
  return out;
}

Result<json> ClusterClient::logs(const Hash& contract, u64 from) const {
  json out = json::array();
  for (;;) {   // an answer ends after some MiB and says where to go on
    const json page = TRY(ask_log({{"action", "GetLog"}, {"contract", to_hex0x(contract)}, {"from", from}, {"count", 0}}));
    const Fields fields = TRY(Fields::of(page, "the log server's answer"));
    const json& records = *TRY(fields.list("records"));
    const u64 next = TRY(fields.number("next"));
    for (const auto& record : records) {
      TRY(Fields::of(record, "a record of the log"));
      out.push_back(record);
    }
    if (records.empty() || next <= from) return out;
    from = next;
  }
}

Result<json> ClusterClient::last_logs(const Hash& contract, u64 count) const {
  const u64 end = TRY(next_log());
  for (u64 window = std::max<u64>(100, 10 * count);; window *= 10) {   // others' records lie between them
    json found = TRY(logs(contract, end > window ? end - window : 0));
    if (found.size() < count && window < end) continue;
    if (found.size() > count) found.erase(found.begin(), found.end() - static_cast<ptrdiff_t>(count));
    return found;
  }
}

Result<u64> ClusterClient::next_log() const {
  const json info = TRY(ask_log({{"action", "GetInfo"}}));
  return TRY(Fields::of(info, "the log server's answer")).number("nextSequence");
}

Result<ClusterClient::MessageOutput> parse_output(const json& record) {
  const Bytes raw = TRY(TRY(Fields::of(record, "a record of the log")).hex("output"));
  scale::Reader in(raw);
  ClusterClient::MessageOutput out{TRY(parse_result(in, false)), {}};
  // the worker writes the message's selector after its result, at the end
  if (in.left() >= 4) out.selector = to_bytes(ByteView(raw).last(4));
  return out;
}

Result<std::optional<ClusterClient::MessageOutput>> ClusterClient::find_output(const Hash& contract, ByteView nonce, u64 from) const {
  for (const auto& record : TRY(logs(contract, from)))
    if (record.value("type", "") == "MessageOutput" && record.value("nonce", "") == to_hex0x(nonce)) return std::optional(TRY(parse_output(record)));
  return std::optional<MessageOutput>{};
}

Result<u32> ClusterClient::next_block() const {
  const json info = TRY(worker_call(url_, "GetInfo", nullptr));
  return static_cast<u32>(TRY(TRY(Fields::of(info, "the worker's GetInfo")).number("blocknum")));
}

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

Result<std::optional<Hash>> ClusterClient::driver(std::string_view name) const {
  const ExecResult result = TRY(query(system_contract_, concat(*from_hex("2740cf0a"), scale::encode(std::string(name))), false));
  if (result.error || result.data.size() < 2) return fail(ErrorCode::refused, "System::get_driver failed" + (result.error ? ": " + *result.error : std::string{}));
  if (result.data.size() != 34 || result.data[1] != 1) return std::optional<Hash>{};
  return std::optional(Hash(ByteView(result.data).subspan(2)));
}

Result<std::optional<json>> ClusterClient::contract_info(const Hash& contract) const {
  const json said = TRY(worker_call(url_, "GetContractInfo", {{"contracts", {to_hex0x(contract)}}}));
  const json& known = *TRY(TRY(Fields::of(said, "the worker's GetContractInfo")).list("contracts"));
  if (known.empty()) return std::optional<json>{};
  return std::optional(known.at(0));
}

Result<> wait_until(const char* what, int timeout_s, const std::function<Result<bool>()>& done) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(timeout_s);
  while (!TRY(done())) {
    if (std::chrono::steady_clock::now() > until) return fail(ErrorCode::unavailable, std::string("waited ") + std::to_string(timeout_s) + " s for " + what, "see `phala contract logs` and `phala worker status`");
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  return {};
}

Result<Hash> contract_id(const Args& args) { return Hash::from(TRY(from_hex(args.text("CONTRACT")).context("CONTRACT"))).context("CONTRACT"); }

Bytes plain_command(const protocol::InkMessage& message) { return scale::encode(protocol::CommandPayload(protocol::PlainCommand{protocol::InkCommand(message)})); }

Result<Bytes> encrypt_command(const protocol::InkMessage& message, const PublicKey& contract_key) {
  const auto pair = ephemeral_pair();
  const auto shared = TRY(pair.agree(contract_key).context("the contract's key"));
  const crypto::Iv iv(random_bytes(12));
  const Bytes plain = scale::encode(protocol::InkCommand(message));
  return scale::encode(protocol::CommandPayload(protocol::EncryptedCommand{{iv.as<FixedBytes<12>>(), pair.public_key(), crypto::aes256gcm_seal(shared, iv, plain)}}));
}

}  // namespace phala::cli
