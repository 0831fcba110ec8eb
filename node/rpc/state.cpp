#include "rpc/state.hpp"

#include "crypto/hash.hpp"

namespace phala::rpc {
namespace {

constexpr auto rpc_error = [](Error error) { return to_rpc_error(error); };
/// How far state_queryStorage looks at once.
constexpr BlockNumber max_queried_blocks = 1000;

Answer<std::optional<Bytes>> value_at(const Call& call, const Bytes& key, const std::optional<Hash>& at) {
  return TRY(block_at(call, at)).state->find(key).map_error(rpc_error);
}

/// Version and metadata are the runtime's, not the state's: they are answered for blocks whose state is pruned too.
Answer<bool> known_block(const Call& call, const std::optional<Hash>& hash) {
  if (!hash || *hash == call.view->hash || TRY(call.view->snapshot->number_of(*hash).map_error(rpc_error))) return true;
  return fail(RpcError{code::unknown_block, "Client error: UnknownBlock: block " + to_hex0x(*hash) + " is not known"});
}

/// A page of keys at a time, each given to `each(key)`, which may end it with an error.
template <class F>
Answer<void> for_each_key(const Call& call, const store::StateReader& state, const Bytes& prefix, F&& each) {
  std::optional<Bytes> last;
  for (;;) {
    const auto page = TRY(state.keys_paged(prefix, last ? std::optional<ByteView>(*last) : std::nullopt, max_keys_per_page, call.deadline.patience()).map_error(rpc_error));
    for (const auto& key : page) TRY(each(key));
    if (page.size() < max_keys_per_page) return {};
    last = page.back();
  }
}

/// `keys`, each once, in the order in which they came first.
Answer<std::vector<Bytes>> each_once(const std::vector<Bytes>& keys) {
  if (keys.size() > max_keys_per_page) return invalid("at most " + std::to_string(max_keys_per_page) + " keys at once");
  std::set<Bytes, BytesLess> seen;
  std::vector<Bytes> out;
  for (const auto& key : keys)
    if (seen.insert(key).second) out.push_back(key);
  return out;
}

/// The metadata as a JSON text, made once.
const std::string& metadata_json() {
  static const std::string text = json(runtime::metadata());
  return text;
}

}  // namespace

Answer<Raw> StateGetMetadata::call(const Call& call, const Params& p) {
  TRY(known_block(call, p.hash));
  return Raw{metadata_json()};
}

Answer<Raw> StateGetRuntimeVersion::call(const Call& call, const Params& p) {
  TRY(known_block(call, p.hash));
  return Raw{runtime_version_json()};
}

Answer<std::optional<Bytes>> StateGetStorage::call(const Call& call, const Params& p) { return value_at(call, p.key, p.at); }

Answer<std::optional<Hash>> StateGetStorageHash::call(const Call& call, const Params& p) {
  const auto value = TRY(value_at(call, p.key, p.at));
  return value ? std::optional(crypto::blake2_256(*value)) : std::nullopt;
}

Answer<std::optional<u64>> StateGetStorageSize::call(const Call& call, const Params& p) {
  const auto block = TRY(block_at(call, p.at));
  if (const auto value = TRY(block.state->find(p.key).map_error(rpc_error))) return std::optional<u64>(value->size());
  u64 total = 0, keys = 0;
  TRY(for_each_key(call, *block.state, p.key, [&](const Bytes& key) -> Answer<void> {
    total += TRY(block.state->find(key).map_error(rpc_error)).value_or(Bytes{}).size();
    ++keys;
    return call.go_on({});
  }));
  return keys == 0 ? std::nullopt : std::optional(total);
}

Answer<Raw> StateGetKeys::call(const Call& call, const Params& p) {
  const auto block = TRY(block_at(call, p.at));
  std::string out = "[";
  size_t count = 0;
  TRY(for_each_key(call, *block.state, p.prefix, [&](const Bytes& key) -> Answer<void> {
    if (++count > max_keys_at_once) return fail(RpcError{code::count_too_large, "more than " + std::to_string(max_keys_at_once) + " keys", "use state_getKeysPaged"});
    if (count > 1) out += ',';
    write(out, key);
    return call.go_on(out);
  }));
  return Raw{out + "]"};
}

Answer<std::vector<Bytes>> StateGetKeysPaged::call(const Call& call, const Params& p) {
  if (p.count > max_keys_per_page) return fail(RpcError{code::count_too_large, "count exceeds maximum value. value: " + std::to_string(p.count) + ", max: " + std::to_string(max_keys_per_page)});
  const auto start = p.start_key ? std::optional<ByteView>(*p.start_key) : std::nullopt;
  return TRY(block_at(call, p.at)).state->keys_paged(p.prefix.value_or(Bytes{}), start, p.count, call.deadline.patience()).map_error(rpc_error);
}

Answer<Raw> StateGetPairs::call(const Call& call, const Params& p) {
  const auto block = TRY(block_at(call, p.at));
  std::string out = "[";
  TRY(for_each_key(call, *block.state, p.prefix, [&](const Bytes& key) -> Answer<void> {
    if (out.size() > 1) out += ',';
    write(out, std::pair(key, TRY(block.state->find(key).map_error(rpc_error))));
    return call.go_on(out);
  }));
  return Raw{out + "]"};
}

Answer<Raw> StateQueryStorage::call(const Call& call, const Params& p) {
  const auto from = TRY(block_at(call, p.from_block));
  const auto to = TRY(block_at(call, p.to_block));
  if (to.number < from.number) return invalid("the range ends before it begins");
  if (to.number - from.number >= max_queried_blocks) return invalid("at most " + std::to_string(max_queried_blocks) + " blocks at once");
  const auto keys = TRY(each_once(p.keys));
  std::string out = "[";
  std::vector<std::optional<Hash>> last(keys.size());   // of the values: they themselves may be large
  for (BlockNumber number = from.number; number <= to.number; ++number) {
    const auto state = TRY(call.view->snapshot->state_at(number).map_error(rpc_error));
    bool changed = false;
    for (size_t i = 0; i < keys.size(); ++i) {
      TRY(call.go_on(out));
      const auto value = TRY(state->find(keys[i]).map_error(rpc_error));
      const auto hash = value ? std::optional(crypto::blake2_256(*value)) : std::nullopt;
      if (number != from.number && hash == last[i]) continue;
      last[i] = hash;
      if (changed) out += ',';
      else out += (out.size() > 1 ? R"(,{"block":)" : R"({"block":)") + json(TRY(call.view->snapshot->hash_of(number).map_error(rpc_error)).value_or(Hash{})) + R"(,"changes":[)";
      changed = true;
      write(out, std::pair(keys[i], value));
    }
    if (changed) out += "]}";
  }
  return Raw{out + "]"};
}

Answer<Raw> StateQueryStorageAt::call(const Call& call, const Params& p) {
  const auto keys = TRY(each_once(p.keys));
  const auto block = TRY(block_at(call, p.at));
  std::string out = R"([{"block":)" + json(block.hash) + R"(,"changes":[)";
  for (const auto& key : keys) {
    if (&key != &keys.front()) out += ',';
    write(out, std::pair(key, TRY(block.state->find(key).map_error(rpc_error))));
    TRY(call.go_on(out));
  }
  return Raw{out + "]}]"};
}

Answer<StateGetReadProof::Result> StateGetReadProof::call(const Call& call, const Params& p) {
  const auto keys = TRY(each_once(p.keys));
  const auto block = TRY(block_at(call, p.at));
  auto proof = call.view->snapshot->proof(block.number, keys, call.deadline.patience(call.max_response_bytes / 2));
  if (!proof) return fail(proof.error().code == ErrorCode::refused ? too_big() : to_rpc_error(proof.error()));
  return Result{block.hash, std::move(*proof)};
}

Answer<Bytes> StateCall::call(const Call& call, const Params& p) {
  const auto block = TRY(block_at(call, p.at));
  auto result = runtime::call_api(*block.state, block.header, p.method, p.data);
  if (!result) return fail(RpcError{code::call_failed, "Client error: Execution failed: " + result.error().text()});
  return std::move(*result);
}

Answer<Subscribed> StateSubscribeStorage::call(const Call& call, const Params& p) {
  if (p.keys && p.keys->size() > max_keys_per_page) return invalid("at most " + std::to_string(max_keys_per_page) + " keys in one subscription");
  if (!p.keys || p.keys->empty()) {
    if (!call.unsafe_allowed) return fail(RpcError{code::method_not_found, "RPC call is unsafe to be called externally", "name the keys to subscribe to"});
    return subscribe(call, stream);
  }
  const std::set<Bytes, BytesLess> keys(p.keys->begin(), p.keys->end());
  // their present values are what it begins with
  size_t bytes = 0;
  for (const auto& key : keys) {
    if (key.size() > max_state_key_bytes) return invalid("a key has " + std::to_string(key.size()) + " bytes; the state has none of more than " + std::to_string(max_state_key_bytes));
    bytes += key.size() + TRY(call.view->state->find(key).map_error(rpc_error)).value_or(Bytes{}).size();
    if (2 * bytes > call.max_response_bytes) return fail(too_big());
    TRY(call.go_on({}));
  }
  return subscribe(call, stream, keys);
}

Answer<Subscribed> StateSubscribeRuntimeVersion::call(const Call& call, const Params&) { return subscribe(call, stream); }

}  // namespace phala::rpc
