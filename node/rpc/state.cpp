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
  std::optional<Bytes> last;
  for (;;) {
    const auto page = TRY(block.state->keys_paged(p.key, last ? std::optional<ByteView>(*last) : std::nullopt, max_keys_per_page).map_error(rpc_error));
    for (const auto& key : page) total += TRY(block.state->find(key).map_error(rpc_error)).value_or(Bytes{}).size();
    keys += page.size();
    if (page.size() < max_keys_per_page) break;
    if (call.deadline.over()) return fail(Deadline::error());
    last = page.back();
  }
  return keys == 0 ? std::nullopt : std::optional(total);
}

Answer<std::vector<Bytes>> StateGetKeys::call(const Call& call, const Params& p) {
  auto keys = TRY(TRY(block_at(call, p.at)).state->keys_paged(p.prefix, std::nullopt, max_keys_at_once + 1).map_error(rpc_error));
  if (keys.size() > max_keys_at_once) return fail(RpcError{code::count_too_large, "more than " + std::to_string(max_keys_at_once) + " keys", "use state_getKeysPaged"});
  return keys;
}

Answer<std::vector<Bytes>> StateGetKeysPaged::call(const Call& call, const Params& p) {
  if (p.count > max_keys_per_page) return fail(RpcError{code::count_too_large, "count exceeds maximum value. value: " + std::to_string(p.count) + ", max: " + std::to_string(max_keys_per_page)});
  const auto start = p.start_key ? std::optional<ByteView>(*p.start_key) : std::nullopt;
  return TRY(block_at(call, p.at)).state->keys_paged(p.prefix.value_or(Bytes{}), start, p.count).map_error(rpc_error);
}

Answer<Raw> StateGetPairs::call(const Call& call, const Params& p) {
  const auto block = TRY(block_at(call, p.at));
  std::string out = "[";
  std::optional<Bytes> last;
  for (;;) {
    const auto page = TRY(block.state->keys_paged(p.prefix, last ? std::optional<ByteView>(*last) : std::nullopt, max_keys_per_page).map_error(rpc_error));
    for (const auto& key : page) {
      if (out.size() > 1) out += ',';
      write(out, std::pair(key, TRY(block.state->find(key).map_error(rpc_error))));
      if (out.size() > call.max_response_bytes) return fail(RpcError{code::response_too_big, "Response is too big", "use state_getKeysPaged"});
    }
    if (page.size() < max_keys_per_page) return Raw{out + "]"};
    if (call.deadline.over()) return fail(Deadline::error());
    last = page.back();
  }
}

Answer<std::vector<StorageChangeSet>> StateQueryStorage::call(const Call& call, const Params& p) {
  const auto from = TRY(block_at(call, p.from_block));
  const auto to = TRY(block_at(call, p.to_block));
  if (to.number < from.number) return invalid("the range ends before it begins");
  if (to.number - from.number >= max_queried_blocks) return invalid("at most " + std::to_string(max_queried_blocks) + " blocks at once");
  if (p.keys.size() > max_keys_per_page) return invalid("at most " + std::to_string(max_keys_per_page) + " keys at once");
  std::vector<StorageChangeSet> out;
  std::vector<std::optional<Bytes>> last(p.keys.size());
  for (BlockNumber number = from.number; number <= to.number; ++number) {
    if (call.deadline.over()) return fail(Deadline::error());
    const auto state = TRY(call.view->snapshot->state_at(number).map_error(rpc_error));
    StorageChangeSet set;
    for (size_t i = 0; i < p.keys.size(); ++i) {
      auto value = TRY(state->find(p.keys[i]).map_error(rpc_error));
      if (number != from.number && value == last[i]) continue;
      set.changes.emplace_back(p.keys[i], value);
      last[i] = std::move(value);
    }
    if (set.changes.empty()) continue;
    set.block = TRY(call.view->snapshot->hash_of(number).map_error(rpc_error)).value_or(Hash{});
    out.push_back(std::move(set));
  }
  return out;
}

Answer<std::vector<StorageChangeSet>> StateQueryStorageAt::call(const Call& call, const Params& p) {
  if (p.keys.size() > max_keys_per_page) return invalid("at most " + std::to_string(max_keys_per_page) + " keys at once");
  const auto block = TRY(block_at(call, p.at));
  StorageChangeSet out{block.hash, {}};
  for (const auto& key : p.keys) out.changes.emplace_back(key, TRY(block.state->find(key).map_error(rpc_error)));
  return std::vector{std::move(out)};
}

Answer<StateGetReadProof::Result> StateGetReadProof::call(const Call& call, const Params& p) {
  if (p.keys.size() > max_keys_per_page) return invalid("at most " + std::to_string(max_keys_per_page) + " keys at once");
  const auto block = TRY(block_at(call, p.at));
  return Result{block.hash, TRY(call.view->snapshot->proof(block.number, p.keys).map_error(rpc_error))};
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
    return subscribe(call, Hub::Stream::storage);
  }
  return subscribe(call, Hub::Stream::storage, {p.keys->begin(), p.keys->end()});
}

Answer<Subscribed> StateSubscribeRuntimeVersion::call(const Call& call, const Params&) { return subscribe(call, Hub::Stream::runtime_version); }

}  // namespace phala::rpc
