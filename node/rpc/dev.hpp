#pragma once
// Why: on a development chain, tests steer time, blocks and storage. Names and parameters are those of chopsticks; what they change is part of a
// block, so that every node and worker agrees about it.

#include "rpc/chain.hpp"
#include "rpc/storage_values.hpp"

namespace phala::rpc {

struct DevNewBlock {
  static constexpr auto name = "dev_newBlock", doc = "Makes `count` blocks (1), or blocks up to height `to`, with `transactions` in the first; returns the hash of the last.";
  static constexpr bool unsafe = true, development = true;
  static constexpr Cost cost = Cost::heavy;
  struct Options { std::optional<u32> count, to; std::optional<std::vector<Bytes>> transactions;  FIELDS(count, to, transactions) };
  struct Params { std::optional<Options> options;  FIELDS(options) };
  static Answer<Hash> call(const Call& call, const Params& p);
};
struct DevSetBlockBuildMode {
  static constexpr auto name = "dev_setBlockBuildMode", doc = "Instant (a block for every transaction), Manual (only dev_newBlock), Batch or Interval (a block every --block-ms).", returns = "null";
  static constexpr bool unsafe = true, development = true;
  struct Params { std::string mode;  FIELDS(mode) };
  static Answer<Raw> call(const Call& call, const Params& p);
};
struct DevTimeTravel {
  static constexpr auto name = "dev_timeTravel", doc = "Sets the clock: the next block has at least this time (milliseconds since 1970, or an ISO 8601 date), and time goes on from there. Returns it.";
  static constexpr bool unsafe = true, development = true;
  struct Params { Moment date;  FIELDS(date) };
  static Answer<u64> call(const Call& call, const Params& p);
};
struct DevSetStorage {
  static constexpr auto name = "dev_setStorage",
                        doc = "Writes storage in a new block on the head (`blockHash` may only name that), and returns the block's hash. Values are a list of [key, value] in hex, or an "
                              "object {Pallet: {Item: value, Map: [[[key, …], value], …], \"$removePrefix\": [Item, …]}} by the metadata's types; null deletes; members of a struct "
                              "that are not given are zero.";
  static constexpr bool unsafe = true, development = true;
  static constexpr Cost cost = Cost::heavy;
  struct Params { StorageValues values; std::optional<Hash> block_hash;  FIELDS(values, block_hash) };
  static Answer<Hash> call(const Call& call, const Params& p);
};

}  // namespace phala::rpc
