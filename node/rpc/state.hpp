#pragma once
// Why: the state: values, keys, proofs, the runtime's own functions.

#include "rpc/chain.hpp"

namespace phala::rpc {

struct KeyAtParams { Bytes key; std::optional<Hash> at;  FIELDS(key, at) };

constexpr size_t max_keys_per_page = 1000, max_keys_at_once = 10'000;

struct StateGetMetadata {
  static constexpr auto name = "state_getMetadata", doc = "The runtime's metadata (V14, SCALE).", returns = "hex";
  using Params = AtParams;
  static Answer<Raw> call(const Call& call, const Params& p);
};
struct StateGetRuntimeVersion {
  static constexpr auto name = "state_getRuntimeVersion", doc = "The version of the runtime.",
                        returns = "{specName: text, implName: text, authoringVersion: number, specVersion: number, implVersion: number, apis: list of [hex, number], transactionVersion: number, "
                                  "stateVersion: number}";
  static constexpr std::array aliases{"chain_getRuntimeVersion"};
  using Params = AtParams;
  static Answer<Raw> call(const Call& call, const Params& p);
};
struct StateGetStorage {
  static constexpr auto name = "state_getStorage", doc = "The value of a storage key, or null.";
  static constexpr std::array aliases{"state_getStorageAt"};
  using Params = KeyAtParams;
  static Answer<std::optional<Bytes>> call(const Call& call, const Params& p);
};
struct StateGetStorageHash {
  static constexpr auto name = "state_getStorageHash", doc = "BLAKE2b-256 of the value of a storage key, or null.";
  static constexpr std::array aliases{"state_getStorageHashAt"};
  using Params = KeyAtParams;
  static Answer<std::optional<Hash>> call(const Call& call, const Params& p);
};
struct StateGetStorageSize {
  static constexpr auto name = "state_getStorageSize", doc = "Bytes of the value of a storage key; of all values under it when it is a prefix only; or null.";
  static constexpr std::array aliases{"state_getStorageSizeAt"};
  static constexpr Cost cost = Cost::heavy;
  using Params = KeyAtParams;
  static Answer<std::optional<u64>> call(const Call& call, const Params& p);
};
struct StateGetKeys {
  static constexpr auto name = "state_getKeys", doc = "All keys with a prefix, at most 10000; use state_getKeysPaged for more.", returns = "list of hex";
  static constexpr Cost cost = Cost::heavy;
  struct Params { Bytes prefix; std::optional<Hash> at;  FIELDS(prefix, at) };
  static Answer<Raw> call(const Call& call, const Params& p);
};
struct StateGetKeysPaged {
  static constexpr auto name = "state_getKeysPaged", doc = "At most `count` (up to 1000) keys with a prefix, after a start key.";
  static constexpr std::array aliases{"state_getKeysPagedAt"};
  static constexpr Cost cost = Cost::heavy;
  struct Params { std::optional<Bytes> prefix; u32 count{}; std::optional<Bytes> start_key; std::optional<Hash> at;  FIELDS(prefix, count, start_key, at) };
  static Answer<std::vector<Bytes>> call(const Call& call, const Params& p);
};
struct StateGetPairs {
  static constexpr auto name = "state_getPairs", doc = "All keys with a prefix and their values.", returns = "list of [hex, hex]";
  static constexpr bool unsafe = true;
  static constexpr Cost cost = Cost::heavy;
  struct Params { Bytes prefix; std::optional<Hash> at;  FIELDS(prefix, at) };
  static Answer<Raw> call(const Call& call, const Params& p);
};
struct StateQueryStorage {
  static constexpr auto name = "state_queryStorage", doc = "The values of keys at a block, then every change of them through another (the best one when omitted).",
                        returns = "list of {block: hash, changes: list of [hex, hex or null]}";
  static constexpr bool unsafe = true;
  static constexpr Cost cost = Cost::heavy;
  struct Params { std::vector<Bytes> keys; Hash from_block; std::optional<Hash> to_block;  FIELDS(keys, from_block, to_block) };
  static Answer<Raw> call(const Call& call, const Params& p);
};
struct StateQueryStorageAt {
  static constexpr auto name = "state_queryStorageAt", doc = "The values of keys at one block, each key once.", returns = "list of {block: hash, changes: list of [hex, hex or null]}";
  static constexpr Cost cost = Cost::heavy;
  struct Params { std::vector<Bytes> keys; std::optional<Hash> at;  FIELDS(keys, at) };
  static Answer<Raw> call(const Call& call, const Params& p);
};
struct StateGetReadProof {
  static constexpr auto name = "state_getReadProof", doc = "Trie nodes that prove the values of keys, or their absence, against the block's state root.";
  static constexpr Cost cost = Cost::heavy;
  struct Params { std::vector<Bytes> keys; std::optional<Hash> at;  FIELDS(keys, at) };
  struct Result { Hash at; std::vector<Bytes> proof;  FIELDS(at, proof) };
  static Answer<Result> call(const Call& call, const Params& p);
};
struct StateCall {
  static constexpr auto name = "state_call", doc = "Calls a runtime API by name with SCALE arguments.";
  static constexpr std::array aliases{"state_callAt"};
  static constexpr Cost cost = Cost::heavy;
  struct Params { std::string method; Bytes data; std::optional<Hash> at;  FIELDS(method, data, at) };
  static Answer<Bytes> call(const Call& call, const Params& p);
};
struct StateSubscribeStorage {
  static constexpr auto name = "state_subscribeStorage", doc = "The values of keys now, then their changes. Without keys: every change (an unsafe call).",
                        notifies = "{block: hash, changes: list of [hex, hex or null]}";
  static constexpr auto stream = Hub::Stream::storage;
  static constexpr std::array unsubscribe{"state_unsubscribeStorage"};
  static constexpr Cost cost = Cost::heavy;
  struct Params { std::optional<std::vector<Bytes>> keys;  FIELDS(keys) };
  static Answer<Subscribed> call(const Call& call, const Params& p);
};
struct StateSubscribeRuntimeVersion {
  static constexpr auto name = "state_subscribeRuntimeVersion", doc = "The version of the runtime now and after each upgrade.", notifies = "what state_getRuntimeVersion returns";
  static constexpr auto stream = Hub::Stream::runtime_version;
  static constexpr std::array aliases{"chain_subscribeRuntimeVersion"};
  static constexpr std::array unsubscribe{"state_unsubscribeRuntimeVersion", "chain_unsubscribeRuntimeVersion"};
  using Params = EmptyParams;
  static Answer<Subscribed> call(const Call& call, const Params&);
};

}  // namespace phala::rpc
