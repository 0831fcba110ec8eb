// The first inputs of the fuzz targets, made from the golden files and from the declarations themselves, so that every decoder, method, call and message kind
// has one. `scripts/fuzz.sh --merge` folds them into the kept corpus; what they add to coverage stays there.
// Usage: fuzz_seeds FOLDER

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "api/proto_json.hpp"
#include "api/prpc.hpp"
#include "attest/collateral.hpp"
#include "attest/x509.hpp"
#include "cluster_world.hpp"
#include "engine/host.hpp"
#include "pruntime_rpc.pb.h"
#include "rpc/table.hpp"
#include "runtime/test_chain.hpp"
#include "scale_types.hpp"

using namespace phala;
using namespace phala::worker;
using Json = nlohmann::json;
namespace fs = std::filesystem;
namespace rpc_messages = pruntime_rpc;

namespace {

fs::path folder;
size_t written = 0;

void put(const char* target, ByteView input) {
  fs::create_directories(folder / target);
  std::ofstream(folder / target / to_hex(crypto::blake2_256(input)).substr(0, 16), std::ios::binary) << as_text(input);
  ++written;
}
Bytes golden(const std::string& name) {
  std::ifstream file(PHALA_SOURCE_DIR "/tests/golden/" + name, std::ios::binary);
  PHALA_ASSERT(file.good());
  return Bytes(std::istreambuf_iterator<char>(file), {});
}
std::vector<std::string> golden_lines(const std::string& name) {
  std::istringstream text(std::string(as_text(golden(name))));
  std::vector<std::string> out;
  for (std::string line; std::getline(text, line);)
    if (!line.empty() && line[0] != '#') out.push_back(line);
  return out;
}
Json golden_json(const std::string& name) { return Json::parse(as_text(golden(name))); }
Bytes hex(const std::string& text) { return *from_hex(text); }
Bytes one(size_t byte) { return {static_cast<u8>(byte)}; }

/// The shortest encoding of T that is `head` and zeros: with a variant's index in front, that variant with everything in it zero or empty.
template <class T>
std::optional<Bytes> zero_filled(Bytes head) {
  for (size_t zeros = 0; zeros < 700; ++zeros, head.push_back(0))
    if (scale::decode<T>(head)) return head;
  return std::nullopt;
}

void scale_values() {
  fuzz::for_each_scale_type([]<class T>(size_t place) {
    for (size_t variant = 0; variant < 256; ++variant)
      if (const auto value = zero_filled<T>(one(variant)); value && (variant < 16 || variant == 255)) put("scale", concat(one(place), *value));
  });
}

void extrinsics() {
  for (const auto& made : golden_json("metadata/extrinsics.json")["signed"]) put("extrinsic", concat(one(0), hex(made["extrinsic"])));
  for (const u8 pallet : {1, 2, 4, 7, 8, 22, 27, 40, 41, 48})
    for (u8 call = 0; call < 40; ++call)
      if (const auto value = zero_filled<runtime::RuntimeCall>({pallet, call})) {
        put("extrinsic", concat(one(1), *value));
        put("extrinsic", concat(one(1), Bytes{2, 2, 4}, *value));   // in a batch
        put("extrinsic", concat(one(1), Bytes{22, 0}, *value));     // as root, if Bob were
      }
}

/// As `hostile` in trie_proof_fuzz.cpp reads a proof: parents first, hashes of later nodes by their distance.
std::optional<Bytes> linked_proof(const Hash& root, std::vector<Bytes> proof, ByteView key) {
  std::vector<Bytes> nodes;
  const auto take = [&](auto&& wanted) {
    const auto at = std::find_if(proof.begin(), proof.end(), wanted);
    if (at == proof.end()) return false;
    nodes.push_back(std::move(*at));
    proof.erase(at);
    return true;
  };
  if (!take([&](const Bytes& n) { return crypto::blake2_256(n) == root; })) return std::nullopt;
  for (size_t i = 0; i < nodes.size(); ++i)
    while (take([&](const Bytes& n) { return as_text(nodes[i]).find(as_text(crypto::blake2_256(n))) != std::string_view::npos; })) {}
  Bytes out = concat(one(0), one(key.size()), key);
  for (size_t i = 0; i < nodes.size(); ++i) {
    std::string node(as_text(nodes[i]));
    for (size_t j = i + 1; j < nodes.size() && j < i + 9; ++j) {
      const std::string hash = "\x80" + std::string(as_text(crypto::blake2_256(nodes[j])));
      if (const size_t at = node.find(hash); at != node.npos) node.replace(at, hash.size(), std::string{'\x80', '\xee', static_cast<char>(j - i - 1)});
    }
    if (node.size() > 255) return std::nullopt;
    append(out, concat(one(node.size()), as_bytes(node)));
  }
  return out;
}

void trie_proofs() {
  trie::MemoryTrie state;
  Bytes honest{1, 0};
  std::vector<Bytes> keys;
  for (const auto& line : golden_lines("trie/vectors.txt")) {
    std::istringstream words(line);
    std::string what, key, value;
    words >> what >> key >> value;
    if (what == "set") {
      put("trie_proof", honest);
      for (const auto& k : keys)
        if (const auto proof = linked_proof(state.root(), trie::prove(state, std::span(&k, 1)), k)) put("trie_proof", *proof);
      state = {}, honest = {1, 0}, keys.clear();
    } else if (what == "put" || what == "del") {
      const Bytes k = hex(key);
      if (what == "put") state.insert(k, hex(value.empty() ? "0x" : value));
      else state.remove(k);
      keys.push_back(k);
      const size_t n = std::min<size_t>(k.size(), 7);
      append(honest, concat(one(n | (what == "del" ? 0x80 : 0)), ByteView(k).first(n), what == "put" ? one(value.size() / 2) : Bytes{}));
    }
  }
}

void quotes() {
  for (const u8 sample : {0x00, 0x80}) {
    const std::string kind = sample ? "tdx" : "sgx";
    const Bytes quote = golden("dcap/" + kind + "_quote"), collateral = golden("dcap/" + kind + "_quote_collateral.json");
    const auto c = *attest::collateral_from_json(as_text(collateral));
    const auto decoder = [&](ByteView input) { put("quote", concat(one(sample | 10), input)); };
    const Bytes parts[] = {quote, to_bytes(c.pck_crl_issuer_chain), hex(c.root_ca_crl), hex(c.pck_crl), to_bytes(c.tcb_info_issuer_chain), to_bytes(c.tcb_info),
                           to_bytes(c.qe_identity_issuer_chain), to_bytes(c.qe_identity)};
    for (size_t part = 0; part < std::size(parts); ++part) {
      put("quote", concat(one(sample | part), parts[part]));
      decoder(parts[part]);
    }
    decoder(collateral);
    for (const auto& certificate : *attest::decode_pem_chain(as_bytes(c.tcb_info_issuer_chain))) decoder(certificate);
    for (const auto& certificate : *attest::decode_pem_chain(as_bytes(c.pck_crl_issuer_chain))) decoder(certificate);
    // one flipped bit in each layer of the quote
    for (const u16 at : {0, 2, 48, 100, 436, 500, 700, 1000, 2000}) put("quote", Bytes{static_cast<u8>(sample | 9), static_cast<u8>(at), static_cast<u8>(at >> 8), 1});
  }
}

const protocol::ContractId somewhere(Bytes(32, 9));
std::vector<Bytes> queries() {
  const Hash nonce(Bytes(32, 8));
  return {scale::encode(ContractQuery{somewhere, nonce, query::InkMessage{{1, 2, 3, 4}, 0, 0, true}}), scale::encode(ContractQuery{somewhere, nonce, query::SidevmMessage{to_bytes(R"({"action":"GetLog"})")}}),
          scale::encode(ContractQuery{somewhere, nonce, query::InkInstantiate{{}, {1}, {2}, 3, 4}})};
}

void certificates() {
  for (u8 lower = 0; lower < 9; ++lower) {
    put("certificate", Bytes{0, static_cast<u8>(lower | 0x80), 0});
    for (u8 upper = 0; upper < 9; ++upper) put("certificate", Bytes{0, lower, upper});
    for (const u8 part : {0, 1, 2, 3, 4, 5, 17, 18, 19}) put("certificate", Bytes{0, lower, lower, part, 5, 0, 1});
  }
  const auto pair = Sr25519Pair::from_seed(crypto::Seed(Bytes(32, 2)));
  const Bytes body = scale::encode(CertificateBody{to_bytes(pair.public_key()), 0x7fffffff, 0}), data = to_bytes("ab");
  const Bytes signature = to_bytes(pair.sign(data));
  for (const u8 mode : {1, 2}) put("certificate", concat(one(mode), Bytes{1, static_cast<u8>(body.size()), 64}, body, signature, data));
  for (const auto& plain : queries()) put("certificate", concat(one(3), plain));
}

template <class Request>
void prpc_bodies(std::string_view name, const Request& request) {
  const auto methods = prpc_methods();
  for (size_t i = 0; i < methods.size(); ++i)
    if (methods[i].name == name) {
      put("prpc", concat(one(i), one(0), as_bytes(request.SerializeAsString())));
      put("prpc", concat(one(i), one(1), as_bytes(to_json(request))));
    }
}

void prpc(test::ClusterWorld& world) {
  for (size_t i = 0; i < prpc_methods().size(); ++i) put("prpc", concat(one(i), one(0))), put("prpc", concat(one(i), one(1), as_bytes("{}")));
  rpc_messages::ContractQueryRequest query;
  query.set_encoded_encrypted_data(std::string(as_text(scale::encode(protocol::EncryptedData{{}, world.key(0), Bytes(40, 1)}))));
  query.mutable_signature()->set_signature_type(1);
  query.mutable_signature()->set_signature(std::string(64, 's'));
  query.mutable_signature()->mutable_signed_by()->set_encoded_body(std::string(as_text(scale::encode(CertificateBody{Bytes(32, 1), 9, 0}))));
  *query.mutable_signature()->mutable_signed_by()->mutable_signature() = rpc_messages::Signature(query.signature());
  prpc_bodies("ContractQuery", query);
  rpc_messages::GetContractInfoRequest contracts;
  contracts.add_contracts(to_hex0x(world.flipper));
  prpc_bodies("GetContractInfo", contracts);
  rpc_messages::ContractParameters parameters;
  parameters.set_deployer(to_hex0x(Bytes(32, 1)));
  parameters.set_cluster_id(to_hex(Bytes(32, 1)));
  parameters.set_code_hash(to_hex(Bytes(32, 1)));
  parameters.set_salt("0102");
  prpc_bodies("CalculateContractId", parameters);
  rpc_messages::StatisticsRequest statistics;
  statistics.set_all(true);
  statistics.add_contracts(to_hex(world.flipper));
  prpc_bodies("Statistics", statistics);
  rpc_messages::InitRuntimeRequest init;
  init.set_encoded_genesis_block_hash(std::string(as_text(world.config.trust.genesis_hash)));
  init.set_encoded_operator(std::string(32, 'o'));
  prpc_bodies("InitRuntime", init);
  rpc_messages::MessagesToSync sync;
  sync.set_encoded_batch(std::string(as_text(scale::encode(world.batches.back()))));
  prpc_bodies("SyncMessages", sync);
  rpc_messages::GetRuntimeInfoRequest info;
  info.set_force_refresh_ra(true);
  info.set_encoded_operator(std::string(32, 'o'));
  prpc_bodies("GetRuntimeInfo", info);
  rpc_messages::SettleEgressRequest settle;
  for (const auto& node : trie::prove(world.last_state, std::vector<Bytes>{Bytes{1}})) settle.add_proof(std::string(as_text(node)));
  prpc_bodies("SettleEgress", settle);
  rpc_messages::AddEndpointRequest endpoint;
  endpoint.set_encoded_endpoint_type("\1");
  endpoint.set_endpoint("http://127.0.0.1:8000");
  prpc_bodies("AddEndpoint", endpoint);
  rpc_messages::SignEndpointsRequest endpoints;
  endpoints.set_encoded_endpoints(std::string(as_text(scale::encode(std::vector<std::string>{"http://127.0.0.1:8000"}))));
  prpc_bodies("SignEndpointInfo", endpoints);
  rpc_messages::EchoMessage echo;
  echo.set_echo_msg("echo");
  prpc_bodies("Echo", echo);
  rpc_messages::StopOptions stop;
  stop.set_remove_checkpoints(true);
  prpc_bodies("Stop", stop);

  // sealed and signed by the target: contract, kind, what follows
  const Bytes get{0x2f, 0x86, 0x5b, 0xd9};
  for (const u8 flags : {2, 3, 6})
    for (u8 contract = 0; contract < 4; ++contract) {
      for (const u8 kind : {0, 1, 3}) put("prpc", concat(Bytes{0, flags, contract, kind}, kind == 3 ? Bytes{0x9b, 0xae, 0x9d, 0x5e, 1} : get));
      for (const char* ask : {R"({"action":"GetInfo"})", R"({"action":"GetLog","contract":"0x01","from":0,"count":5})"}) put("prpc", concat(Bytes{0, flags, contract, 2}, as_bytes(ask)));
      for (u8 variant = 0; variant < 3; ++variant) put("prpc", concat(Bytes{0, flags, contract, 4}, *zero_filled<query::Kind>(one(variant))));
      for (const auto& plain : queries()) put("prpc", concat(Bytes{0, flags, contract, 5}, plain));
    }
}

void contracts() {
  for (const auto& line : golden_lines("gas/programs.txt")) {
    std::istringstream words(line);
    std::string name, code;
    words >> name >> code;
    if (code.starts_with("0x")) put("wasm_upload", concat(one(0), hex(code))), put("wasm_upload", concat(one(1), hex(code)));
  }
  for (const char* name : {"flipper", "caller", "fetcher"}) put("wasm_upload", concat(one(0), hex(golden_json(std::string("contracts/") + name + ".contract")["source"]["wasm"])));
}

/// Each host function alone, as its parameters' first choices and as their fifth, in each mode, as message and as constructor.
void host_calls() {
  for (size_t function = 0; function + 2 < engine::host_functions().size(); ++function)
    for (const u8 mode : {0x00, 0x01, 0x02, 0x80})
      for (const u8 choice : {0, 4}) put("host_calls", concat(Bytes{mode, static_cast<u8>(function)}, Bytes(20, choice)));
}

/// A value that fits a parameter described as in docs/json-rpc.md: "at?: hash".
Json example(const std::string& described) {
  const std::string kind = described.substr(described.find(": ") + 2);
  const Json key = "0x26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7";
  if (kind.find("list of {") != kind.npos) return Json::array({Json{{"extrinsic", "0x00"}}});
  if (kind.find("list of [") != kind.npos) return Json::array({Json::array({"0xaa", "0x01"})});
  if (kind.find("list of hex") != kind.npos) return Json::array({key});
  if (kind.find("SS58") != kind.npos) return crypto::to_ss58(runtime::testing::pair_of("//Alice").account());
  if (kind.find("options") != kind.npos || kind.find("{") != kind.npos) return Json{{"count", 2}, {"transactions", Json::array()}};
  if (kind.find("hash") != kind.npos) return nullptr;
  if (kind.find("milliseconds") != kind.npos) return 1'800'000'000'000;
  if (kind.find("number") != kind.npos) return 1;
  if (kind.find("hex") != kind.npos) return key;
  return "Core_version";
}

void json_rpc() {
  const Bytes transfer = hex(golden_json("metadata/extrinsics.json")["signed"][0]["extrinsic"]);
  const auto request = [](const std::string& method, const Json& params) { return Json{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", params}}; };
  const auto send = [](const Json& message) {
    for (const char flags : {'0', '3', '7'}) put("jsonrpc", as_bytes(flags + message.dump()));
  };
  Json batch = Json::array();
  for (const auto& method : rpc::methods()) {
    std::vector<std::string> names{method.name};
    names.insert(names.end(), method.aliases.begin(), method.aliases.end());
    Json params = Json::array();
    for (const auto& described : method.params) params.push_back(example(described));
    for (const auto& name : names) send(request(name, params));
    for (const auto& ending : method.unsubscribe) send(request(ending, Json::array({"0x1"})));
    if (!method.params.empty() && method.params[0].starts_with("extrinsic")) send(request(method.name, Json::array({to_hex0x(transfer)})));
    batch.push_back(request(method.name, params));
    if (batch.size() == 5) send(std::exchange(batch, Json::array()));
  }
  for (const char* api : {"Core_version", "Metadata_metadata", "AccountNonceApi_account_nonce", "TransactionPaymentApi_query_info", "TransactionPaymentApi_query_fee_details", "BlockBuilder_apply_extrinsic"})
    send(request("state_call", Json::array({api, "0x"}))), send(request("state_call", Json::array({api, to_hex0x(concat(transfer, scale::encode(u32{5})))})));
  for (const char* mode : {"Instant", "Manual", "Batch", "Interval"}) send(request("dev_setBlockBuildMode", Json::array({mode})));
  for (const char* date : {"2030-01-01", "2030-01-01T12:00:00.000Z"}) send(request("dev_timeTravel", Json::array({date})));
}

void described_types() {
  const auto both = [](ByteView first, ByteView second) { put("metadata", concat(scale::encode(static_cast<u16>(first.size())), first, second)); };
  const Bytes runtime = hex(std::string(as_text(golden("metadata/metadata.hex"))).substr(0, golden("metadata/metadata.hex").size() / 2 * 2));
  for (const u8 type : {0, 1, 3, 5, 12, 17, 20, 30, 40, 60, 80, 100, 120}) both(runtime, concat(one(type), Bytes(40, 0)));
  for (const char* name : {"flipper", "caller", "fetcher"}) {
    Json contract = golden_json(std::string("contracts/") + name + ".contract");
    contract.erase("source");
    both(as_bytes(contract.dump()), Bytes{1, 2, 3, 4, 5, 6, 7, 8});
  }
}

void block_batches(test::ClusterWorld& world) {
  put("blocks", one(0));
  for (const u16 at : {0, 40, 80, 120, 200, 500, 1000, 3000}) put("blocks", Bytes{0, static_cast<u8>(at), static_cast<u8>(at >> 8), 0, 1});
  for (u8 how = 0; how < 8; ++how) put("blocks", concat(one(3 * how + 1), scale::encode(world.batches[how])));
  // messages: sender, topic, two bytes of length, payload
  const auto say = [](u8 sender, u8 topic, ByteView payload) { put("blocks", concat(Bytes{2, sender, topic}, scale::encode(static_cast<u16>(payload.size())), payload)); };
  u8 topic = 0;
  const auto all_of = [&]<class T>(T*) {
    for (size_t variant = 0; variant < 8; ++variant)
      if (const auto value = zero_filled<T>(one(variant))) say(topic == 10 ? 6 : 0, topic, *value), say(2, topic, *value);
    ++topic;
  };
  const auto in_order = [&]<class... T>(std::tuple<T...>*) { (all_of(static_cast<T*>(nullptr)), ...); };
  in_order(static_cast<std::tuple<protocol::SystemEvent, protocol::SystemEvent, protocol::GatekeeperLaunch, protocol::GatekeeperChange, protocol::KeyDistribution, protocol::GatekeeperEvent,
                                  protocol::RegistryEvent, protocol::ClusterEvent, protocol::ClusterOperation, protocol::WorkerClusterReport, protocol::ContractOperation>*>(nullptr));
  // as each of them came in the genuine blocks
  for (const auto& batch : world.batches)
    for (const auto& payload : batch.messages[0].payloads)
      if (payload)
        for (u8 t = 0; t < topic; ++t) say(t == 10 ? 6 : 0, t, *payload);
  const protocol::InkCommand flip(protocol::InkMessage{Bytes(32, 5), {0x63, 0x3a, 0xa5, 0x51}, 0, 50'000'000'000, {}});
  for (u8 to = topic; to < topic + 2; ++to) say(2, to, scale::encode(protocol::CommandPayload(protocol::PlainCommand{flip})));
  say(2, topic | 0x80, scale::encode(flip));
  say(2, topic | 0x80, scale::encode(protocol::InkCommand(protocol::InkMessage{})));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz_seeds FOLDER\n");
    return 2;
  }
  folder = argv[1];
  test::ClusterWorld world;
  scale_values();
  extrinsics();
  trie_proofs();
  quotes();
  certificates();
  prpc(world);
  contracts();
  host_calls();
  json_rpc();
  described_types();
  block_batches(world);
  std::printf("%zu seeds in %s\n", written, argv[1]);
  return 0;
}
